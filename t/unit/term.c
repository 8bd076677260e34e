/* SPDX-License-Identifier: ISC */
/*
 * Tests of what makes other people's text safe to show on a terminal, and of
 * the tables it is shown in.
 */
#include "compat.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "table.h"
#include "term.h"
#include "test.h"

#define RANDOM_TEXTS	20000
#define TEXT_MAX	64

struct row {
	const char	*in, *out;
};

static int	same(const struct wbuf *, const char *);
static void	check_rows(const struct row *, size_t, enum term_mode, int);
static void	check_safe(const char *, size_t, int);
static char	*table_text(struct table *);

static int
same(const struct wbuf *w, const char *s)
{
	return w->len == strlen(s) && memcmp(wbuf_data(w), s, w->len) == 0;
}

static void
check_rows(const struct row *rows, size_t n, enum term_mode mode, int ascii)
{
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		wbuf_reset(&w);
		term_add(&w, rows[i].in, strlen(rows[i].in), mode, ascii);
		want(same(&w, rows[i].out), "row %zu: got \"%.*s\", want "
		    "\"%s\"", i, (int)w.len, wbuf_data(&w), rows[i].out);
	}
	wbuf_free(&w);
}
#define CHECK_ROWS(rows, mode, ascii)					\
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), mode, ascii)

START_TEST(text_stays)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "plain text, \\ and \"", "plain text, \\ and \"" },
		{ "two\n\tlines\n", "two\n\tlines\n" },
		{ "caf\303\251 \342\202\254 \360\237\230\200",
		    "caf\303\251 \342\202\254 \360\237\230\200" },
		{ "\330\247\331\204 \327\220", "\330\247\331\204 \327\220" },
	};

	CHECK_ROWS(rows, TERM_TEXT, 0);
}
END_TEST

START_TEST(controls_are_shown)
{
	static const struct row rows[] = {
		{ "\033[2J\007", "\\x1b[2J\\x07" },
		{ "over\rwritten", "over\\x0dwritten" },
		{ "\b\177", "\\x08\\x7f" },
		{ "\302\2331m", "\\u009b1m" },		/* CSI of 8 bits */
		{ "\302\235x", "\\u009dx" },		/* OSC */
		{ "a\342\200\256b", "a\\u202eb" },	/* override */
		{ "\342\201\246\342\201\251", "\\u2066\\u2069" },
		{ "\342\200\216\342\200\217\330\234", "\\u200e\\u200f\\u061c" },
		{ "\342\200\250\342\200\251", "\\u2028\\u2029" },
		{ "\357\273\277x", "\\ufeffx" },
	};

	CHECK_ROWS(rows, TERM_TEXT, 0);
}
END_TEST

START_TEST(bad_bytes_are_shown)
{
	static const struct row rows[] = {
		{ "\233[1m", "\\x9b[1m" },
		{ "a\377b", "a\\xffb" },
		{ "\302", "\\xc2" },
		{ "\302\033", "\\xc2\\x1b" },
		{ "\340\200\233", "\\xe0\\x80\\x9b" },	/* overlong */
		{ "\355\240\200", "\\xed\\xa0\\x80" },	/* a surrogate */
		{ "\364\220\200\200", "\\xf4\\x90\\x80\\x80" },
	};

	CHECK_ROWS(rows, TERM_TEXT, 0);
}
END_TEST

START_TEST(modes)
{
	static const struct row line[] = {
		{ "a\nb\tc", "a\\nb\\tc" },
	}, ascii[] = {
		{ "caf\303\251~\177", "caf\\u00e9~\\x7f" },
		{ "\360\237\230\200", "\\U0001f600" },
	}, json[] = {
		{ "{\"a\":\"\177\302\233\342\200\256\"}\n",
		    "{\"a\":\"\\u007f\\u009b\\u202e\"}\n" },
	}, json_ascii[] = {
		{ "\"\360\237\230\200\"", "\"\\ud83d\\ude00\"" },
	};

	CHECK_ROWS(line, TERM_LINE, 0);
	CHECK_ROWS(ascii, TERM_TEXT, 1);
	CHECK_ROWS(json, TERM_JSON, 0);
	CHECK_ROWS(json_ascii, TERM_JSON, 1);
}
END_TEST

/* No text of whatever bytes yields something that a terminal acts upon. */
static void
check_safe(const char *text, size_t len, int ascii)
{
	struct wbuf w = { 0 };
	size_t i, n;
	uint32_t c;

	term_add(&w, text, len, TERM_TEXT, ascii);
	want(utf8_valid(wbuf_data(&w), w.len), "not UTF-8");
	for (i = 0; i < w.len; i += n) {
		n = term_utf8(wbuf_data(&w) + i, w.len - i, &c);
		want(n > 0 && c != 0x7f && (c >= ' ' || c == '\n' ||
		    c == '\t') && (c < 0x80 || c > 0x9f) &&
		    (c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069) &&
		    (!ascii || c < 0x7f), "U+%04x came through", (unsigned)c);
	}
	wbuf_free(&w);
}

START_TEST(random_bytes_are_safe)
{
	/* bytes of which the dangerous sequences are made come often */
	static const char parts[] =
	    "\033[\302\233\235\342\200\201\252\256\246\251\n\177a";
	char text[TEXT_MAX];
	size_t i, k, len;

	srandom(1);
	for (i = 0; i < RANDOM_TEXTS; i++) {
		len = (size_t)random() % TEXT_MAX;
		for (k = 0; k < len; k++)
			text[k] = random() % 4 == 0 ? (char)random() :
			    parts[(size_t)random() % (sizeof(parts) - 1)];
		check_safe(text, len, (int)(i % 2));
	}
}
END_TEST

START_TEST(blocks_are_indented)
{
	static const struct {
		const char	*in, *out;
		size_t		 col, cols;
	} rows[] = {
		{ "one", " one\n", 10, 0 },
		{ "one", "    one\n", 0, 0 },
		{ "one\ntwo\n", " one\n    two\n    \n", 10, 0 },
		{ "aaaaaaaaaaaaaaaaaaaa bbbb",
		    " aaaaaaaaaaaaaaaaaaaa bbbb\n", 50, 0 },
		{ "aaa bbb ccc", " aaa bbb \n    ccc\n", 11, 20 },
		{ "bbbbbbbbbbb", " \n    bbbbbbbbbbb\n", 11, 20 },
		{ "a", "\n    a\n", 19, 20 },
		{ "a", "\n    a\n", 30, 20 },
		/* longer than any line: broken anywhere */
		{ "0123456789abcdefghij", " 01234567\n    89abcdefghij\n",
		    11, 20 },
		/* too narrow a terminal is left alone */
		{ "0123456789abcdefghij", " 0123456789abcdefghij\n", 3, 10 },
	};
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wbuf_reset(&w);
		term_block(&w, rows[i].in, strlen(rows[i].in), rows[i].col,
		    rows[i].cols);
		want(same(&w, rows[i].out), "row %zu: got \"%.*s\"", i,
		    (int)w.len, wbuf_data(&w));
	}
	wbuf_free(&w);
}
END_TEST

START_TEST(widths)
{
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	want(term_width("caf\303\251", 5) == 4, "e with an accent");
	want(term_width("\346\227\245\346\234\254", 6) == 4, "wide ones");
	want(term_width("e\314\201", 3) == 1, "a combining one");
}
END_TEST

static char *
table_text(struct table *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	table_print(t, f);
	fclose(f);
	table_free(t);
	return text;
}

START_TEST(tables)
{
	static const char *const titles[] = { "NAME", ">N", "GONE", "WHERE" };
	static const char *const none[] = { "", "" };
	struct table *t = table_new(titles, 4);
	char *text;

	table_add(t, "a");
	table_int(t, 1000);
	table_add(t, NULL);
	table_add(t, "/tmp");
	table_add(t, "b\033\n");
	table_int(t, 7);
	table_add(t, "");
	table_add(t, "/");
	text = table_text(t);
	ck_assert_str_eq(text,
	    "NAME        N  WHERE\n"
	    "a        1000  /tmp\n"
	    "b\\x1b\\n     7  /\n");
	free(text);
	t = table_new(none, 2);
	table_add(t, "uptime");
	table_age(t, 1000, 181000);
	text = table_text(t);
	ck_assert_str_eq(text, "uptime  3m\n");
	free(text);
}
END_TEST

START_TEST(ages)
{
	static const struct {
		int64_t		 ms;
		const char	*text;
	} rows[] = {
		{ -5, "0s" }, { 0, "0s" }, { 119999, "119s" },
		{ 120000, "2m" }, { 7199999, "119m" }, { 7200000, "2h" },
		{ 172799999, "47h" }, { 172800000, "2d" },
		{ INT64_MAX, "106751991167d" },
	};
	char s[24];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		age_text(rows[i].ms, s, sizeof(s));
		ck_assert_str_eq(s, rows[i].text);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("term");

	(void)argc;
	test_add(s, text_stays, 30);
	test_add(s, controls_are_shown, 30);
	test_add(s, bad_bytes_are_shown, 30);
	test_add(s, modes, 30);
	test_add(s, random_bytes_are_safe, 120);
	test_add(s, blocks_are_indented, 30);
	test_add(s, widths, 30);
	test_add(s, tables, 30);
	test_add(s, ages, 30);
	return test_main(argv[0], s);
}
