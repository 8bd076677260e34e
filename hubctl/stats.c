/* SPDX-License-Identifier: ISC */
/*
 * hubctl show stats and show metrics.  What there is, how it is called and
 * its order are the hub's.
 */
#include "compat.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubctl.h"
#include "table.h"
#include "timeutil.h"

#define COLUMNS_MAX	16
#define TITLE_SIZE	32
#define VALUE_SIZE	32

/* A family, and the member of its labels that tells its samples apart. */
struct column {
	json_t		*family;
	char		 title[TITLE_SIZE];
};

static int	show(struct hubctl *, const char *, int (*)(json_t *));
static int	print_text(json_t *);
static int	print_stats(json_t *);
static void	print_lines(json_t *);
static void	add_lines(struct table *, json_t *, const char *);
static void	print_by(json_t *, const char *, const char *);
static void	add_rows(struct table *, const struct column *, size_t,
		    const char *);
static json_t	*sample_of(json_t *, const char *, const char *);
static int	is_first(json_t *, size_t, const char *);
static void	set_title(struct column *, const char *, const char *);
static const char	*text_of(json_t *, const char *);
static int	is_zero(json_t *);
static void	add_value(struct table *, json_t *, json_t *);
static void	put_number(double, char[VALUE_SIZE]);
static void	put_bytes_of(double, char[VALUE_SIZE]);
static void	put_seconds(double, char[VALUE_SIZE]);
static void	put_age(double, char[VALUE_SIZE]);
static void	put_bool(double, char[VALUE_SIZE]);

static const struct {
	const char	*name;
	void		(*put)(double, char[VALUE_SIZE]);
} units[] = {
	{ "", put_number },
	{ "bytes", put_bytes_of },
	{ "seconds", put_seconds },
	{ "time", put_age },
	{ "bool", put_bool },
};

int
cmd_show_stats(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "stats", print_stats);
}

int
cmd_show_metrics(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "metrics", print_text);
}

static int
show(struct hubctl *ctl, const char *what, int (*print)(json_t *))
{
	struct wbuf w = { 0 };
	int rc;

	put_str(&w, what);
	rc = hubctl_ask(ctl, CTL_SHOW, &w, print);
	wbuf_free(&w);
	return rc;
}

static const char *
text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static int
print_text(json_t *json)
{
	const char *text = json_string_value(json_object_get(json, "text"));

	if (text == NULL) {
		warnx("the hub's answer has no text");
		return EXIT_FAILURE;
	}
	fputs(text, stdout);
	return EXIT_SUCCESS;
}

/* Lines first; then tables, one for each group of what there are many of. */
static int
print_stats(json_t *json)
{
	json_t *stats = json_object_get(json, "stats"), *o;
	size_t i;

	if (!json_is_array(stats)) {
		warnx("the hub's answer has no statistics");
		return EXIT_FAILURE;
	}
	print_lines(stats);
	json_array_foreach(stats, i, o) {
		if (*text_of(o, "by") != '\0' && is_first(stats, i, "by"))
			print_by(stats, text_of(o, "group"),
			    text_of(o, "by"));
	}
	return EXIT_SUCCESS;
}

/* 1 if it has a group that no family before it has which has that member. */
static int
is_first(json_t *stats, size_t i, const char *key)
{
	const char *group = text_of(json_array_get(stats, i), "group");
	json_t *o;

	while (i-- > 0) {
		o = json_array_get(stats, i);
		if (strcmp(text_of(o, "group"), group) == 0 &&
		    (key == NULL || *text_of(o, key) != '\0'))
			return 0;
	}
	return *group != '\0';
}

static void
print_lines(json_t *stats)
{
	static const char *const titles[] = { "", ">" };
	struct table *t = table_new(titles, 2);
	json_t *o;
	size_t i;

	json_array_foreach(stats, i, o) {
		if (*text_of(o, "by") != '\0' || !is_first(stats, i, NULL))
			continue;
		table_add(t, text_of(o, "group"));
		table_add(t, NULL);
		add_lines(t, stats, text_of(o, "group"));
	}
	table_print(t, stdout);
	table_free(t);
}

/* What has not happened is left out where there are several that can. */
static void
add_lines(struct table *t, json_t *stats, const char *group)
{
	json_t *family, *o;
	char title[64];
	size_t i, k;

	json_array_foreach(stats, i, family) {
		if (*text_of(family, "by") != '\0' ||
		    strcmp(text_of(family, "group"), group) != 0)
			continue;
		json_array_foreach(json_object_get(family, "samples"), k, o) {
			if (is_zero(o) && json_object_size(json_object_get(o,
			    "labels")) > 0)
				continue;
			snprintf(title, sizeof(title), "  %s",
			    text_of(o, "title"));
			table_add(t, title);
			add_value(t, family, o);
		}
	}
}

static void
set_title(struct column *c, const char *before, const char *title)
{
	char *p;

	snprintf(c->title, sizeof(c->title), "%s%s", before, title);
	for (p = c->title; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void
print_by(json_t *stats, const char *group, const char *by)
{
	struct column columns[COLUMNS_MAX];
	const char *titles[COLUMNS_MAX];
	struct table *t;
	json_t *family;
	size_t i, n = 1;

	set_title(&columns[0], "", by);
	json_array_foreach(stats, i, family) {
		if (strcmp(text_of(family, "by"), by) != 0 ||
		    strcmp(text_of(family, "group"), group) != 0 ||
		    n == COLUMNS_MAX)
			continue;
		columns[n].family = family;
		set_title(&columns[n++], ">", text_of(json_array_get(
		    json_object_get(family, "samples"), 0), "title"));
	}
	for (i = 0; i < n; i++)
		titles[i] = columns[i].title;
	t = table_new(titles, n);
	add_rows(t, columns, n, by);
	table_print(t, stdout);
	table_free(t);
}

/* As above, what has not happened is left out if that is all there is. */
static void
add_rows(struct table *t, const struct column *columns, size_t n,
    const char *by)
{
	json_t *o, *samples = json_object_get(columns[1].family, "samples");
	const char *value;
	size_t i, k;

	json_array_foreach(samples, i, o) {
		if (n == 2 && is_zero(o))
			continue;
		value = text_of(json_object_get(o, "labels"), by);
		table_add(t, value);
		for (k = 1; k < n; k++)
			add_value(t, columns[k].family,
			    sample_of(columns[k].family, by, value));
	}
}

static json_t *
sample_of(json_t *family, const char *by, const char *value)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(family, "samples"), i, o) {
		if (strcmp(text_of(json_object_get(o, "labels"), by),
		    value) == 0)
			return o;
	}
	return NULL;
}

static int
is_zero(json_t *sample)
{
	return !(json_number_value(json_object_get(sample, "value")) > 0);
}

static void
add_value(struct table *t, json_t *family, json_t *sample)
{
	double v = json_number_value(json_object_get(sample, "value"));
	const char *unit = text_of(family, "unit");
	char text[VALUE_SIZE];
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, unit) == 0)
			break;
	}
	if (sample == NULL || i == sizeof(units) / sizeof(units[0])) {
		table_add(t, NULL);
		return;
	}
	units[i].put(v, text);
	table_add(t, text);
}

static void
put_number(double v, char dst[VALUE_SIZE])
{
	snprintf(dst, VALUE_SIZE, "%.0f", v);
}

static void
put_bytes_of(double v, char dst[VALUE_SIZE])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; v >= 10240 && i < sizeof(names) / sizeof(names[0]) - 1; i++)
		v /= 1024;
	snprintf(dst, VALUE_SIZE, "%.0f %s", v, names[i]);
}

static void
put_seconds(double v, char dst[VALUE_SIZE])
{
	if (v < 120)
		snprintf(dst, VALUE_SIZE, "%.3fs", v);
	else
		age_text((int64_t)(v * 1000), dst, VALUE_SIZE);
}

static void
put_age(double v, char dst[VALUE_SIZE])
{
	age_text(time_now_ms() - (int64_t)(v * 1000), dst, VALUE_SIZE);
}

static void
put_bool(double v, char dst[VALUE_SIZE])
{
	strlcpy(dst, v > 0 ? "yes" : "no", VALUE_SIZE);
}
