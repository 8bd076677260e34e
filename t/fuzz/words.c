/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as a query and, behind a zero byte, a text.  FTS5
 * must take what is made of the query, and find the text if we do.
 */
#include "compat.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>

#include "words.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	set_up(void);
static sqlite3_stmt	*prepare(const char *);
static int	in_index(const struct terms *, const struct wbuf *);
static int	run(sqlite3_stmt *, const char *, size_t);

static sqlite3		*db;
static sqlite3_stmt	*empty, *add, *find;

static sqlite3_stmt *
prepare(const char *sql)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		abort();
	return st;
}

static void
set_up(void)
{
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		abort();
	/* without it there is nothing to compare with */
	if (sqlite3_exec(db, "CREATE VIRTUAL TABLE s USING fts5(words,"
	    " content = '', columnsize = 0, tokenize = 'ascii')", NULL, NULL,
	    NULL) != SQLITE_OK)
		return;
	empty = prepare("INSERT INTO s (s) VALUES ('delete-all')");
	add = prepare("INSERT INTO s (rowid, words) VALUES (1, ?1)");
	find = prepare("SELECT rowid FROM s WHERE s MATCH ?1");
}

/* 1 if there was a row. */
static int
run(sqlite3_stmt *st, const char *text, size_t len)
{
	int rc;

	if (text != NULL)
		sqlite3_bind_text(st, 1, text, (int)len, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		abort();
	sqlite3_reset(st);
	return rc == SQLITE_ROW;
}

static int
in_index(const struct terms *t, const struct wbuf *words)
{
	struct wbuf w = { 0 }, marked = { 0 };
	int r;

	terms_fts(&w, "m1z", t);
	(void)run(empty, NULL, 0);
	words_mark(&marked, "m1z", wbuf_data(words), words->len);
	(void)run(add, wbuf_data(&marked), marked.len);
	r = run(find, wbuf_data(&w), w.len);
	wbuf_free(&w);
	wbuf_free(&marked);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *zero = size > 0 ? memchr(text, '\0', size) : NULL;
	struct slice query = { text, size };
	struct terms t = { .n = 0 };
	struct wbuf words = { 0 };
	int found;

	if (db == NULL)
		set_up();
	if (zero != NULL) {
		query.len = (size_t)(zero - text);
		text = zero + 1;
	}
	/* without a text, in itself */
	words_add(&words, text, size - (size_t)(text - (const char *)data));
	if (terms_parse(&t, query) > TERMS_MAX)
		abort();
	if (t.n > 0) {
		found = terms_match(&t, wbuf_data(&words), words.len);
		if (find != NULL && in_index(&t, &words) != found)
			abort();
	}
	wbuf_free(&words);
	terms_free(&t);
	return 0;
}
