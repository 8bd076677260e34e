/* SPDX-License-Identifier: ISC */
/*
 * Statistics as JSON, and as text for Prometheus.
 */
#include "compat.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "metrics.h"

#define NUMBER_SIZE	32

static void	begin_family(struct metrics *, const struct metric *);
static void	end_family(struct metrics *);
static void	escape(struct wbuf *, const char *, int);
static void	number(char[NUMBER_SIZE], enum metric_unit, uint64_t);
static void	put_text(struct wbuf *, const struct metric *, const char *,
		    const char *);
static void	put_json(struct wbuf *, const struct metric *, const char *,
		    const char *);

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
};

static const struct {
	const char	*name;
	uint64_t	 scale;		/* values of one unit */
	int		 digits;	/* behind the point */
} units[] = {
	[METRIC_NUMBER] = { "", 1, 0 },
	[METRIC_BYTES] = { "bytes", 1, 0 },
	[METRIC_SECONDS] = { "seconds", 1000000, 6 },
	[METRIC_TIME] = { "time", 1000, 3 },
	[METRIC_BOOL] = { "bool", 1, 0 },
};

void
metrics_begin(struct metrics *m, struct wbuf *w, int json)
{
	m->w = w;
	m->json = json;
	m->family = NULL;
	if (json)
		json_begin(w, '[');
}

void
metrics_end(struct metrics *m)
{
	end_family(m);
	if (m->json)
		json_end(m->w, ']');
}

/* In HELP a quote stands for itself. */
static void
escape(struct wbuf *w, const char *s, int in_quotes)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			wbuf_adds(w, "\\n");
		else if (*s == '\\' || (*s == '"' && in_quotes))
			wbuf_printf(w, "\\%c", *s);
		else
			wbuf_add(w, s, 1);
	}
}

static void
number(char dst[NUMBER_SIZE], enum metric_unit unit, uint64_t n)
{
	uint64_t scale = units[unit].scale;

	if (scale == 1)
		snprintf(dst, NUMBER_SIZE, "%" PRIu64, n);
	else
		snprintf(dst, NUMBER_SIZE, "%" PRIu64 ".%0*" PRIu64,
		    n / scale, units[unit].digits, n % scale);
}

static void
begin_family(struct metrics *m, const struct metric *row)
{
	struct wbuf *w = m->w;

	end_family(m);
	m->family = row;
	if (!m->json) {
		wbuf_printf(w, "# HELP %s ", row->name);
		escape(w, row->help, 0);
		wbuf_printf(w, "\n# TYPE %s %s\n", row->name,
		    type_names[row->type]);
		return;
	}
	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "name", row->name);
	json_put_str(w, "type", type_names[row->type]);
	json_put_str(w, "unit", units[row->unit].name);
	json_put_str(w, "help", row->help);
	if (row->group != NULL)
		json_put_str(w, "group", row->group);
	if (row->label != NULL && row->value == NULL)
		json_put_str(w, "by", row->label);
	json_key(w, "samples");
	json_begin(w, '[');
}

static void
end_family(struct metrics *m)
{
	if (m->family == NULL || !m->json)
		return;
	json_end(m->w, ']');
	json_end(m->w, '}');
}

void
metrics_put(struct metrics *m, const struct metric *row, const char *value,
    uint64_t n)
{
	char text[NUMBER_SIZE];

	if (row->help != NULL && row != m->family)
		begin_family(m, row);
	number(text, row->unit, n);
	if (row->value != NULL)
		value = row->value;
	if (m->json)
		put_json(m->w, row, value, text);
	else
		put_text(m->w, row, value, text);
}

static void
put_text(struct wbuf *w, const struct metric *row, const char *value,
    const char *text)
{
	wbuf_adds(w, row->name);
	if (row->label != NULL) {
		wbuf_printf(w, "{%s=\"", row->label);
		escape(w, value, 1);
		wbuf_adds(w, "\"}");
	}
	wbuf_printf(w, " %s\n", text);
}

static void
put_json(struct wbuf *w, const struct metric *row, const char *value,
    const char *text)
{
	json_comma(w);
	json_begin(w, '{');
	json_key(w, "labels");
	json_begin(w, '{');
	if (row->label != NULL)
		json_put_str(w, row->label, value);
	json_end(w, '}');
	if (row->title != NULL)
		json_put_str(w, "title", row->title);
	json_key(w, "value");
	wbuf_adds(w, text);
	json_end(w, '}');
}

void
metrics_table(struct metrics *m, const struct metric *rows, const uint64_t *v,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		metrics_put(m, &rows[i], "", v[i]);
}
