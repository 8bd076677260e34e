/* SPDX-License-Identifier: ISC */
/*
 * Text that others wrote, made safe to show.
 */
#include "compat.h"

#include <langinfo.h>
#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#include "log.h"
#include "term.h"
#include "utf8.h"

/* Characters that are shown as escapes, from first to last. */
static const struct {
	uint32_t	first, last;
} hidden[] = {
	{ 0x00, 0x1f },		/* C0 */
	{ 0x7f, 0x9f },		/* DEL, C1 */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x200e, 0x200f },	/* left-to-right, right-to-left mark */
	{ 0x2028, 0x202e },	/* separators; embeddings and overrides */
	{ 0x2066, 0x2069 },	/* isolates */
	{ 0xfeff, 0xfeff },	/* byte order mark */
};

#define INDENT		4
#define COLS_MIN	20	/* a narrower terminal breaks lines by itself */

static int ascii_only = 1;

static int	is_hidden(uint32_t);
static size_t	char_width(uint32_t, size_t);
static size_t	word_width(const char *, const char *);
static void	indent(struct wbuf *, size_t *);
static void	add_escape(struct wbuf *, uint32_t, enum term_mode);

void
term_init(void)
{
	int utf8;

	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	ascii_only = !utf8 && isatty(STDOUT_FILENO);
}

int
term_ascii(void)
{
	return ascii_only;
}

size_t
term_utf8(const char *text, size_t len, uint32_t *c)
{
	int n = utf8_sequence(text, text + len), i;

	if (n < 1)
		return 0;
	*c = (unsigned char)text[0];
	if (n > 1)
		*c &= 0xffu >> (n + 1);
	for (i = 1; i < n; i++)
		*c = *c << 6 | ((unsigned char)text[i] & 0x3fu);
	return (size_t)n;
}

static int
is_hidden(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (c >= hidden[i].first && c <= hidden[i].last)
			return 1;
	}
	return 0;
}

static void
add_escape(struct wbuf *w, uint32_t c, enum term_mode mode)
{
	if ((c == '\n' || c == '\t') && mode != TERM_LINE)
		wbuf_add(w, c == '\n' ? "\n" : "\t", 1);
	else if (c == '\n' || c == '\t')
		wbuf_adds(w, c == '\n' ? "\\n" : "\\t");
	else if (c < 0x80 && mode != TERM_JSON)
		wbuf_printf(w, "\\x%02x", (unsigned)c);
	else if (c < 0x10000)
		wbuf_printf(w, "\\u%04x", (unsigned)c);
	else if (mode != TERM_JSON)
		wbuf_printf(w, "\\U%08x", (unsigned)c);
	else
		wbuf_printf(w, "\\u%04x\\u%04x",
		    (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
		    (unsigned)(0xdc00 + (c & 0x3ff)));
}

void
term_add(struct wbuf *w, const char *text, size_t len, enum term_mode mode,
    int ascii)
{
	size_t i, n, plain = 0;		/* text[plain..i) goes as it is */
	uint32_t c;

	for (i = 0; i < len; i += n) {
		n = term_utf8(text + i, len - i, &c);
		if (n > 0 && !is_hidden(c) && (!ascii || c < 0x7f))
			continue;
		wbuf_add(w, text + plain, i - plain);
		if (n == 0) {
			wbuf_printf(w, "\\x%02x", (unsigned char)text[i]);
			n = 1;
		} else
			add_escape(w, c, mode);
		plain = i + n;
	}
	wbuf_add(w, text + plain, len - plain);
}

/* wcwidth() knows the locale's characters only: others count as one. */
static size_t
char_width(uint32_t c, size_t col)
{
	int w;

	if (c == '\t')
		return 8 - col % 8;
	w = wcwidth((wchar_t)c);
	return w >= 0 ? (size_t)w : 1;
}

size_t
term_width(const char *text, size_t len)
{
	size_t i, n, width = 0;
	uint32_t c;

	for (i = 0; i < len; i += n) {
		if ((n = term_utf8(text + i, len - i, &c)) == 0) {
			n = 1;
			c = '?';
		}
		width += char_width(c, width);
	}
	return width;
}

/* Of what is in front of the next white space, if there is any. */
static size_t
word_width(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && *q != ' ' && *q != '\t' && *q != '\n')
		q++;
	return term_width(p, (size_t)(q - p));
}

static void
indent(struct wbuf *w, size_t *col)
{
	if (*col > 0)
		wbuf_adds(w, "\n");
	wbuf_adds(w, "    ");
	*col = INDENT;
}

void
term_block(struct wbuf *w, const char *text, size_t len, size_t col,
    size_t cols)
{
	struct wbuf safe = { 0 };
	const char *p, *end;
	size_t n, width, need;
	uint32_t c;
	int space = 1;			/* a word may begin here */

	if (cols < COLS_MIN)
		cols = SIZE_MAX;
	term_add(&safe, text, len, TERM_TEXT, ascii_only);
	end = wbuf_data(&safe) + safe.len;
	if (col == 0 || col + 1 >= cols)
		indent(w, &col);
	else {
		wbuf_adds(w, " ");
		col++;
	}
	for (p = wbuf_data(&safe); p < end; p += n) {
		if ((n = term_utf8(p, (size_t)(end - p), &c)) == 0)
			fatalx("term_add: not UTF-8");
		if (c == '\n') {
			indent(w, &col);
			space = 1;
			continue;
		}
		need = width = char_width(c, col);
		if (space && c != ' ' && c != '\t')
			need = word_width(p, end);
		if (need > cols - INDENT)
			need = width;		/* does not fit in any line */
		space = c == ' ' || c == '\t';
		if (col + need > cols) {
			indent(w, &col);
			if (space)
				continue;
		}
		wbuf_add(w, p, n);
		col += width;
	}
	wbuf_adds(w, "\n");
	wbuf_free(&safe);
}
