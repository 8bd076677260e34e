/* SPDX-License-Identifier: ISC */
/*
 * Tests of the words that are searched for: what is one, what a query means,
 * and that an index and reading through the texts find the same.
 */
#include "compat.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "words.h"

#define SEED		20250101
#define DOCS		200
#define QUERIES		20000

static void
are(const char *text, size_t len, const char *expect)
{
	struct wbuf w = { 0 };

	words_add(&w, text, len);
	want(w.len == strlen(expect) &&
	    memcmp(wbuf_data(&w), expect, w.len) == 0,
	    "\"%.*s\" has the words \"%.*s\", should have \"%s\"", (int)len,
	    text, (int)w.len, wbuf_data(&w), expect);
	wbuf_free(&w);
}

START_TEST(words_of_texts)
{
	static const char *const texts[][2] = {
		{ "", " " },
		{ " \t\n.,;:!?()[]{}<>'\"", " " },
		{ "Hello, World!", " hello world " },
		{ "foo_bar src/main.c x86-64", " foo bar src main c x86 64 " },
		{ "don't", " don t " },
		/* case and accents */
		{ "Caf\u00e9 \u00dcBER \u0141\u00d3D\u0179 na\u00efve",
		    " cafe uber lodz naive " },
		{ "cafe\u0301", " cafe " },
		{ "\u00c6ther \u00fe\u00de stra\u00dfe",
		    " \u00e6ther \u00fe\u00fe stra\u00dfe " },
		{ "\u0386\u039b\u03a6\u0391 \u03c4\u03ad\u03bb\u03bf\u03c2",
		    " \u03b1\u03bb\u03c6\u03b1 "
		    "\u03c4\u03b5\u03bb\u03bf\u03c3 " },
		{ "\u0401\u043b\u043a\u0430 \u041f\u0420",
		    " \u0435\u043b\u043a\u0430 \u043f\u0440 " },
		{ "\u1ebe \u0531 \uff21\uff11",
		    " \u1ebf \u0561 a1 " },
		/* each character a word */
		{ "\u8bf7\u90e8\u7f72v2\u670d",
		    " \u8bf7 \u90e8 \u7f72 v2 \u670d " },
		{ "\u3053\u3093\u30fb\uff01\ud55c\uae00",
		    " \u3053 \u3093 \ud55c \uae00 " },
		{ "ok\u2705\U0001f44d\U0001f3fd\ufe0f",
		    " ok \u2705 \U0001f44d " },
		/* what is no part of a word */
		{ "a\u2192b\u00a0c\u2026d\u200be", " a b c d e " },
		{ "co\u00adop zero\u200dwidth", " coop zerowidth " },
	};
	char *text, expect[80];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		are(texts[i][0], strlen(texts[i][0]), texts[i][1]);
	are("a\xff\xc3 b\xe2\x82", 7, " a b ");
	are("a\0b", 3, " a b ");
	text = t_fill('x', 1000);
	snprintf(expect, sizeof(expect), " %.*s ", WORD_BYTES_MAX, text);
	are(text, 1000, expect);
	free(text);
}
END_TEST

static int
matches(const char *query, const char *text)
{
	struct terms t = { .n = 0 };
	struct wbuf w = { 0 };
	int r;

	words_add(&w, text, strlen(text));
	r = terms_parse(&t, slice_of(query)) > 0 &&
	    terms_match(&t, wbuf_data(&w), w.len);
	wbuf_free(&w);
	terms_free(&t);
	return r;
}

START_TEST(queries)
{
	static const char text[] = "The deploy of src/main.c to Z\u00fcrich "
	    "failed at step 42: \"no space left\"; \u8bf7\u90e8\u7f72";
	static const struct {
		const char	*query;
		int		 matches;
	} q[] = {
		{ "deploy", 1 },
		{ "DEPLOY zurich", 1 },
		{ "zurich deploy", 1 },
		{ "deploy berlin", 0 },
		{ "deplo", 0 },
		{ "deplo*", 1 },
		{ "eploy*", 0 },
		{ "*", 0 },
		{ "deploy *", 1 },
		{ "\"no space left\"", 1 },
		{ "\"space no left\"", 0 },
		{ "space no left", 1 },
		{ "\"no space le\"", 0 },
		{ "\"no space le\"*", 1 },
		{ "\"no space", 1 },
		{ "\"space no", 0 },
		{ "\"\"", 0 },
		{ "\"\" failed", 1 },
		{ "src/main.c", 1 },
		{ "main/src.c", 0 },
		{ "src/ma*", 1 },
		{ "failed\"step 42\"", 1 },
		{ "failed AND", 0 },
		{ "failed OR berlin", 0 },
		{ "NOT berlin", 0 },
		{ "-failed", 1 },
		{ "step:42", 1 },
		{ "(failed)", 1 },
		{ "42", 1 },
		{ "4*", 1 },
		{ "\u90e8\u7f72", 1 },
		{ "\u7f72\u90e8", 0 },
		{ "\u8bf7\u3000\u7f72", 1 },
		{ "\u8bf7\u7f72", 0 },
		{ "", 0 },
		{ " \t", 0 },
		{ "?!", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		want(matches(q[i].query, text) == q[i].matches,
		    "%s: found %d", q[i].query, !q[i].matches);
}
END_TEST

START_TEST(for_the_index)
{
	static const char *const q[][2] = {
		{ "one", "\" p-one\"" },
		{ "One TWO", "\" p-one\" AND \" p-two\"" },
		{ "\"one two\" thr*", "\" p-one p-two\" AND \" p-thr\"*" },
		{ "a\"b\"\"c\"*", "\" p-a\" AND \" p-b\" AND \" p-c\"*" },
		{ "NEAR(a b, 2) OR x:y ^z",
		    "\" p-near p-a\" AND \" p-b\" AND \" p-2\" AND "
		    "\" p-or\" AND \" p-x p-y\" AND \" p-z\"" },
	};
	struct terms t = { .n = 0 };
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		terms_parse(&t, slice_of(q[i][0]));
		wbuf_reset(&w);
		terms_fts(&w, "p-", &t);
		want(w.len == strlen(q[i][1]) &&
		    memcmp(wbuf_data(&w), q[i][1], w.len) == 0,
		    "%s becomes %.*s", q[i][0], (int)w.len, wbuf_data(&w));
	}
	wbuf_free(&w);
	terms_free(&t);
}
END_TEST

START_TEST(as_many_as_there_may_be)
{
	struct terms t = { .n = 0 };
	char query[513];
	size_t i;

	for (i = 0; i < 512; i++)
		query[i] = i % 2 == 0 ? 'a' : ' ';
	query[512] = '\0';
	want(terms_parse(&t, (struct slice){ query, 256 }) == TERMS_MAX,
	    "%zu terms", t.n);
	want(terms_parse(&t, slice_of(query)) == TERMS_MAX, "%zu terms", t.n);
	terms_free(&t);
}
END_TEST

/* A text of a few words that come often, in all kinds of spelling. */
static void
make_text(char *dst, size_t size, int n)
{
	static const char *const pieces[] = {
		"a", "b", "ab", "abc", "A", "\u00e1", "\u90e8", "\u7f72",
		" ", " ", " ", "-", "\"", "*", ".", "\u3000", "\u2705",
		" AND ", "x1", "\xff"
	};

	dst[0] = '\0';
	while (n-- > 0)
		strlcat(dst, pieces[(size_t)random() %
		    (sizeof(pieces) / sizeof(pieces[0]))], size);
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;

	want(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK, "%s: %s",
	    sql, sqlite3_errmsg(db));
	return st;
}

/* What the index finds, a bit for each text. */
static void
look_up(sqlite3 *db, sqlite3_stmt *st, const struct terms *t, char *found)
{
	struct wbuf w = { 0 };
	int rc;

	memset(found, 0, DOCS);
	terms_fts(&w, "m1z", t);
	sqlite3_bind_text(st, 1, wbuf_data(&w), (int)w.len, SQLITE_STATIC);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		found[sqlite3_column_int(st, 0)] = 1;
	want(rc == SQLITE_DONE, "%.*s: %s", (int)w.len, wbuf_data(&w),
	    sqlite3_errmsg(db));
	sqlite3_reset(st);
	wbuf_free(&w);
}

START_TEST(index_and_texts_agree)
{
	static struct wbuf words[DOCS];
	struct wbuf marked = { 0 };
	struct terms t = { .n = 0 };
	char text[256], query[64], found[DOCS];
	sqlite3_stmt *add, *find;
	size_t hits = 0;
	sqlite3 *db;
	int i, k;

	if (!sqlite3_compileoption_used("ENABLE_FTS5"))
		return;
	srandom(SEED);
	want(sqlite3_open(":memory:", &db) == SQLITE_OK, "no database");
	want(sqlite3_exec(db, "CREATE VIRTUAL TABLE s USING fts5(words, "
	    "content = '', columnsize = 0, tokenize = 'ascii')", NULL, NULL,
	    NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	add = prepare(db, "INSERT INTO s (rowid, words) VALUES (?1, ?2)");
	find = prepare(db, "SELECT rowid FROM s WHERE s MATCH ?1");
	for (i = 0; i < DOCS; i++) {
		make_text(text, sizeof(text), (int)(random() % 20));
		words_add(&words[i], text, strlen(text));
		sqlite3_bind_int(add, 1, i);
		wbuf_reset(&marked);
		words_mark(&marked, "m1z", wbuf_data(&words[i]),
		    words[i].len);
		sqlite3_bind_text(add, 2, wbuf_data(&marked),
		    (int)marked.len, SQLITE_STATIC);
		want(sqlite3_step(add) == SQLITE_DONE, "add");
		sqlite3_reset(add);
	}
	for (k = 0; k < QUERIES; k++) {
		make_text(query, sizeof(query), 1 + (int)(random() % 6));
		if (terms_parse(&t, slice_of(query)) == 0)
			continue;
		look_up(db, find, &t, found);
		for (i = 0; i < DOCS; i++) {
			want(terms_match(&t, wbuf_data(&words[i]),
			    words[i].len) == found[i],
			    "%s and \"%.*s\": the index says %d", query,
			    (int)words[i].len, wbuf_data(&words[i]),
			    found[i]);
			hits += (size_t)found[i];
		}
	}
	want(hits > QUERIES, "only %zu found", hits);
	for (i = 0; i < DOCS; i++)
		wbuf_free(&words[i]);
	wbuf_free(&marked);
	terms_free(&t);
	sqlite3_finalize(add);
	sqlite3_finalize(find);
	sqlite3_close(db);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("words");

	(void)argc;
	test_add(s, words_of_texts, 10);
	test_add(s, queries, 10);
	test_add(s, for_the_index, 10);
	test_add(s, as_many_as_there_may_be, 10);
	test_add(s, index_and_texts_agree, 60);
	return test_main(argv[0], s);
}
