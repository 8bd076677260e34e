/* SPDX-License-Identifier: ISC */
/*
 * Text tables.
 */
#include "compat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "buf.h"
#include "table.h"
#include "term.h"

struct table {
	size_t			 ncols;
	const char *const	*titles;
	size_t			*width;		/* 0: nothing in this column */
	struct wbuf		*cells;
	size_t			 ncells, cap;
};

static void	print_cell(FILE *, const char *, size_t, size_t, int, int);

struct table *
table_new(const char *const *titles, size_t n)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->ncols = n;
	t->titles = titles;
	t->width = xcalloc(n, sizeof(*t->width));
	return t;
}

void
table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncells; i++)
		wbuf_free(&t->cells[i]);
	free(t->cells);
	free(t->width);
	free(t);
}

void
table_add(struct table *t, const char *text)
{
	size_t *width = &t->width[t->ncells % t->ncols], w;
	struct wbuf *cell;

	if (t->ncells == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->cells = xreallocarray(t->cells, t->cap, sizeof(*t->cells));
	}
	cell = &t->cells[t->ncells++];
	memset(cell, 0, sizeof(*cell));
	if (text == NULL || text[0] == '\0')
		return;
	term_add(cell, text, strlen(text), TERM_LINE, term_ascii());
	w = term_width(wbuf_data(cell), cell->len);
	if (w > *width)
		*width = w;
}

void
table_int(struct table *t, int64_t n)
{
	char s[24];

	snprintf(s, sizeof(s), "%" PRId64, n);
	table_add(t, s);
}

void
table_age(struct table *t, int64_t ms, int64_t now)
{
	char s[24] = "-";

	if (ms > 0)
		age_text(now - ms, s, sizeof(s));
	table_add(t, s);
}

/* The last column is not filled up. */
static void
print_cell(FILE *f, const char *text, size_t len, size_t width, int right,
    int last)
{
	size_t w = term_width(text, len), fill = width > w ? width - w : 0;

	fprintf(f, "%*s%.*s%*s%s", right ? (int)fill : 0, "", (int)len, text,
	    right || last ? 0 : (int)fill, "", last ? "\n" : "  ");
}

void
table_print(const struct table *t, FILE *f)
{
	size_t i, col, last = 0, width, len;
	const char *title;
	int right;

	for (col = 0; col < t->ncols; col++) {
		if (t->width[col] > 0)
			last = col;
	}
	/* the titles come before the rows, like a row */
	for (i = t->titles[0][0] == '\0' ? t->ncols : 0;
	    i < t->ncols + t->ncells; i++) {
		col = i % t->ncols;
		title = t->titles[col];
		right = title[0] == '>';
		title += right;
		len = strlen(title);
		if (t->width[col] == 0)
			continue;
		width = t->width[col] > len ? t->width[col] : len;
		if (i < t->ncols)
			print_cell(f, title, len, width, right, col == last);
		else
			print_cell(f, wbuf_data(&t->cells[i - t->ncols]),
			    t->cells[i - t->ncols].len, width, right,
			    col == last);
	}
}

void
age_text(int64_t ms, char *dst, size_t size)
{
	static const struct {
		int64_t	 limit, unit;		/* seconds */
		char	 letter;
	} steps[] = {
		{ 120, 1, 's' },
		{ 120 * 60, 60, 'm' },
		{ 48 * 3600, 3600, 'h' },
		{ INT64_MAX, 86400, 'd' },
	};
	int64_t s = ms > 0 ? ms / 1000 : 0;
	size_t i = 0;

	while (s >= steps[i].limit)
		i++;
	snprintf(dst, size, "%" PRId64 "%c", s / steps[i].unit,
	    steps[i].letter);
}
