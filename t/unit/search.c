/* SPDX-License-Identifier: ISC */
/*
 * Tests of searching in the database, without a process: whatever is in the
 * index, not yet in it, or no longer there, the same is found; without FTS5
 * and with an index that is damaged, too.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db.h"
#include "log.h"
#include "mailbox.h"
#include "people.h"
#include "search.h"
#include "storetest.h"
#include "timeutil.h"
#include "words.h"

#define SEED		20250101
#define KEEP		20
#define ROUNDS		6000

struct fixture {
	struct st	*s;
	struct db	*db;
	struct boxes	*bx;
	unsigned	 next_id;
};

static void
open_db(struct fixture *f)
{
	f->db = db_new(f->s->dir, 0);
	f->bx = boxes_new(f->db, KEEP, 100);
	want_int(db_open(f->db), 1);
	want_int(db_begin(f->db), 0);
	want_int(boxes_ready(f->bx), 0);
	want_int(db_commit(f->db), 0);
}

static void
close_db(struct fixture *f)
{
	boxes_free(f->bx);
	db_free(f->db);
}

static void
start(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->s = st_new();
	srandom(SEED);
	open_db(f);
}

static void
finish(struct fixture *f)
{
	close_db(f);
	st_end(f->s);
}

static void
begin(struct fixture *f)
{
	want_int(db_begin(f->db), 0);
	want_int(boxes_ready(f->bx), 0);
}

static void
commit(struct fixture *f)
{
	want_int(db_commit(f->db), 0);
}

static void
post(struct fixture *f, const char *to, const char *text)
{
	struct store_append q;
	struct store_appended a = { .status = STORE_OK };
	struct wbuf gone = { 0 };
	char id[16];

	snprintf(id, sizeof(id), "%u", ++f->next_id);
	q = st_message("sender", to, id, text);
	begin(f);
	want_int(mailbox_append(f->bx, &q, &a, &gone), 0);
	commit(f);
	want_int(a.status, STORE_OK);
	wbuf_free(&gone);
}

/* Returns how many steps it took. */
static int
index_all(struct fixture *f)
{
	int more = 1, n = 0;

	for (; more; n++) {
		begin(f);
		want_int(search_step(f->bx, &more), 0);
		commit(f);
	}
	return n;
}

static int64_t
meta(struct fixture *f, const char *key)
{
	int64_t n = 0;

	want(db_value(f->db, &n, Q_META, "s", key) != -1, "%s", key);
	return n;
}

/* The ids that are found, in a buffer that the next call reuses. */
static const char *
find(struct fixture *f, const char *name, const char *query)
{
	static char ids[4096];
	struct store_inbox q = { .mode = INBOX_SEARCH, .limit = 1000,
	    .max_bytes = LINE_MAX_BYTES, .query = slice_of(query) };
	struct store_mail a = { .status = STORE_FAILED };
	struct wbuf json = { 0 };

	strlcpy(q.name, name, sizeof(q.name));
	begin(f);
	want_int(search_inbox(f->bx, &q, &a, &json), 0);
	commit(f);
	want_int(a.status, STORE_OK);
	want_int(a.remaining, 0);
	want_int(a.nunseen, 0);
	strlcpy(ids, st_ids(&a), sizeof(ids));
	wbuf_free(&json);
	return ids;
}

/* What should be found, by looking at all of the mailbox. */
static void
expect(struct fixture *f, const char *name, const char *query, char *ids,
    size_t size)
{
	struct store_inbox q = { .mode = INBOX_RECENT, .limit = 1000,
	    .max_bytes = LINE_MAX_BYTES, .peek = 1 };
	struct store_mail a = { .status = STORE_FAILED };
	struct wbuf json = { 0 }, unseen = { 0 }, words = { 0 };
	struct terms t = { .n = 0 };
	const char *text;
	json_t *j, *m;
	size_t i;

	strlcpy(q.name, name, sizeof(q.name));
	begin(f);
	want_int(mailbox_inbox(f->bx, &q, &a, &unseen, &json), 0);
	commit(f);
	(void)terms_parse(&t, slice_of(query));
	j = json_loadb(a.json.p, a.json.len, 0, NULL);
	want(j != NULL, "no JSON");
	ids[0] = '\0';
	for (i = json_array_size(j); i > 0; i--) {
		m = json_array_get(j, i - 1);
		text = json_string_value(json_object_get(m, "text"));
		wbuf_reset(&words);
		words_add(&words, text, strlen(text));
		if (!terms_match(&t, wbuf_data(&words), words.len))
			continue;
		if (ids[0] != '\0')
			strlcat(ids, " ", size);
		strlcat(ids, json_string_value(json_object_get(m,
		    "msg_id")), size);
	}
	json_decref(j);
	wbuf_free(&json);
	wbuf_free(&unseen);
	wbuf_free(&words);
	terms_free(&t);
}

START_TEST(before_and_after)
{
	struct fixture f;

	start(&f);
	post(&f, "b", "one \\u0074wo");
	post(&f, "b", "two three");
	post(&f, "c", "two");
	want_str(find(&f, "b", "two"), "2 1");
	want_int(index_all(&f), 2);
	want_int(meta(&f, "search mail"), 3);
	want_int(meta(&f, "search docs"), 3);
	want_int(db_has_index(f.db), 1);
	want_str(find(&f, "b", "two"), "2 1");
	want_str(find(&f, "b", "\"one two\""), "1");
	want_str(find(&f, "b", "u0074wo"), "");
	want_str(find(&f, "c", "two"), "3");
	want_str(find(&f, "nobody", "two"), "");
	post(&f, "b", "two");
	want_str(find(&f, "b", "two"), "4 2 1");
	close_db(&f);
	open_db(&f);
	want_str(find(&f, "b", "two"), "4 2 1");
	want_int(index_all(&f), 2);
	want_str(find(&f, "b", "two"), "4 2 1");
	want_int(index_all(&f), 1);
	finish(&f);
}
END_TEST

/* A step does not take more than it should, and leaves nothing behind. */
START_TEST(short_steps)
{
	char *text = t_fill('x', 50000);
	struct fixture f;
	char name[16];
	int i;

	start(&f);
	for (i = 0; i < 10; i++) {
		text[100] = ' ';
		text[200 + i] = ' ';
		snprintf(name, sizeof(name), "b%d", i);
		post(&f, name, text);
	}
	i = index_all(&f);
	want(i >= 1 && i < 10, "%d steps", i);
	for (i = 0; i < 1200; i++)
		post(&f, "c", i % 100 == 0 ? "needle" : "hay");
	want_int(index_all(&f), 4);
	want_int(meta(&f, "search mail"), 1210);
	/* what was pushed out before is not in it */
	want_int(meta(&f, "search docs"), 10 + KEEP);
	want_str(find(&f, "c", "needle"), "");
	free(text);
	finish(&f);
}
END_TEST

START_TEST(made_anew)
{
	struct fixture f;
	int i;

	start(&f);
	for (i = 0; i < 60; i++) {
		int k;

		for (k = 0; k < KEEP; k++)
			post(&f, "b", "apple");
		index_all(&f);
	}
	/* 1200 that are gone are too many */
	want(meta(&f, "search docs") < 1100, "%lld in the index",
	    (long long)meta(&f, "search docs"));
	find(&f, "b", "apple");
	want_int(strlen(find(&f, "b", "apple")), KEEP * 5 - 1);
	finish(&f);
}
END_TEST

/* A number that the index knows does not come again. */
START_TEST(numbers_do_not_come_again)
{
	struct store_clean c = { .before = INT64_MAX };
	struct store_cleaned d = { .status = STORE_OK };
	struct fixture f;
	int64_t pos = 0;

	start(&f);
	post(&f, "b", "apple");
	post(&f, "b", "pear");
	index_all(&f);
	want_int(meta(&f, "search mail"), 2);
	begin(&f);
	want_int(db_run(f.db, Q_EXPIRE, "idi", (int64_t)1, MSG_EXPIRED,
	    (int64_t)0), 0);
	want_int(db_run(f.db, Q_EXPIRE, "idi", (int64_t)2, MSG_EXPIRED,
	    (int64_t)0), 0);
	boxes_forget(f.bx);
	want_int(boxes_ready(f.bx), 0);
	want_int(mailbox_expire_step(f.bx, time_now_ms() + 30 * DAY_MS,
	    &pos), 0);
	commit(&f);
	close_db(&f);
	open_db(&f);
	post(&f, "b", "plum");
	want_str(find(&f, "b", "apple"), "");
	want_str(find(&f, "b", "plum"), "3");
	begin(&f);
	want_int(boxes_last_seq(f.bx), 3);
	/* what is forgotten on purpose is not in the index either */
	want_int(people_clean(f.bx, &c, &d), 0);
	commit(&f);
	finish(&f);
}
END_TEST

static const char *const names[] = { "b", "c", "d" };
static const char *const texts[] = {
	"apple", "Apple pie", "pie and apple", "pear", "a pear tree",
	"\\u0061pple", "apples", "nothing", "\\u68a8 pear"
};
static const char *const queries[] = {
	"apple", "app*", "\"apple pie\"", "apple pie", "pear", "pe* tr*",
	"nothing at all", "\xe6\xa2\xa8"
};
#define PICK(a)	((a)[(size_t)random() % (sizeof(a) / sizeof((a)[0]))])

static void
read_one(struct fixture *f, const char *name)
{
	struct store_mark q = { .state = MSG_SEEN, .nids = 1 };
	struct store_marked a = { .status = STORE_OK };
	struct wbuf list = { 0 }, receipts = { 0 };
	char id[16];

	snprintf(id, sizeof(id), "%u", 1 + (unsigned)random() % f->next_id);
	put_str(&list, id);
	strlcpy(q.name, name, sizeof(q.name));
	q.list.p = wbuf_data(&list);
	q.list.len = list.len;
	begin(f);
	want_int(mailbox_mark(f->bx, &q, &a, &receipts), 0);
	commit(f);
	wbuf_free(&list);
	wbuf_free(&receipts);
}

static void
merge(struct fixture *f)
{
	struct store_rename q = { .now = 1 };
	struct store_registered a = { .status = STORE_OK };
	struct wbuf gone = { 0 };

	strlcpy(q.from, PICK(names), sizeof(q.from));
	strlcpy(q.to, PICK(names), sizeof(q.to));
	begin(f);
	want_int(people_rename(f->bx, &q, &a, &gone), 0);
	/* each name is its own again */
	want_int(db_run(f->db, Q_ALIAS_END, "s", q.from), 0);
	boxes_forget(f->bx);
	commit(f);
	wbuf_free(&gone);
}

static void
forget_what_was_read(struct fixture *f)
{
	struct store_clean q = { .before = INT64_MAX };
	struct store_cleaned a = { .status = STORE_OK };
	struct wbuf keep = { 0 };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (random() % 2 == 0)
			continue;
		put_str(&keep, names[i]);
		q.nkeep++;
	}
	q.keep.p = wbuf_data(&keep);
	q.keep.len = keep.len;
	begin(f);
	want_int(people_clean(f->bx, &q, &a), 0);
	commit(f);
	wbuf_free(&keep);
}

static void
random_round(struct fixture *f)
{
	char ids[4096];
	const char *name, *query;
	long what = random() % 100;
	int more;

	if (what < 60)
		post(f, PICK(names), PICK(texts));
	else if (what < 75 && f->next_id > 0)
		read_one(f, PICK(names));
	else if (what < 78)
		merge(f);
	else if (what < 79)
		forget_what_was_read(f);
	else if (what < 80) {
		close_db(f);
		open_db(f);
	} else if (what < 90) {
		begin(f);
		want_int(search_step(f->bx, &more), 0);
		commit(f);
	}
	name = PICK(names);
	query = PICK(queries);
	expect(f, name, query, ids, sizeof(ids));
	want_str(find(f, name, query), ids);
}

START_TEST(whatever_happens)
{
	struct fixture f;
	int i;

	start(&f);
	for (i = 0; i < ROUNDS; i++)
		random_round(&f);
	finish(&f);
}
END_TEST

#if SQLITE_VERSION_NUMBER >= 3030000
/* Takes FTS5 out of each connection that is made from now on. */
static int
drop_modules(sqlite3 *db, char **err, const void *api)
{
	(void)err;
	(void)api;
	return sqlite3_drop_modules(db, NULL);
}

START_TEST(without_fts5)
{
	int (*drop)(sqlite3 *, char **, const void *) = drop_modules;
	struct fixture f;
	void (*entry)(void);
	int i, k;

	/* SQLite wants it as a function of another type */
	memcpy(&entry, &drop, sizeof(entry));
	start(&f);
	log_set_level(LOG_LEVEL_WARN);
	for (k = 0; k < 4; k++) {
		close_db(&f);
		if (k % 2 == 0)
			sqlite3_auto_extension(entry);
		else
			sqlite3_cancel_auto_extension(entry);
		open_db(&f);
		want_int(db_has_index(f.db), k % 2);
		for (i = 0; i < ROUNDS / 8; i++)
			random_round(&f);
	}
	finish(&f);
}
END_TEST
#endif

static void
damage(struct fixture *f)
{
	char *err = NULL;
	sqlite3 *db;

	close_db(f);
	want(sqlite3_open(st_path(f->s, DB_FILE), &db) == SQLITE_OK, "open");
	want(sqlite3_exec(db, "UPDATE search_data SET block = x'ffffffff'"
	    " WHERE id > 10", NULL, NULL, &err) == SQLITE_OK, "%s", err);
	sqlite3_close(db);
	open_db(f);
}

START_TEST(a_damaged_index)
{
	struct fixture f;
	int more;

	start(&f);
	log_set_level(LOG_LEVEL_FATAL);
	post(&f, "b", "apple");
	post(&f, "b", "apple pie");
	index_all(&f);
	damage(&f);
	/* found while searching */
	want_str(find(&f, "b", "apple"), "2 1");
	want_int(db_has_index(f.db), 0);
	want_str(find(&f, "b", "pie"), "2");
	db_renew_index(f.db);
	want_int(db_has_index(f.db), 1);
	want_str(find(&f, "b", "apple"), "2 1");
	want_int(index_all(&f), 2);
	want_str(find(&f, "b", "apple"), "2 1");
	/* found while adding to it, in one of these steps at the latest */
	damage(&f);
	for (more = 0; more < 200 && db_has_index(f.db); more++) {
		int any;

		post(&f, "b", "apple");
		begin(&f);
		if (search_step(f.bx, &any) == -1 || db_commit(f.db) == -1)
			db_rollback(f.db);
	}
	db_renew_index(f.db);
	boxes_forget(f.bx);
	want_int(db_has_index(f.db), 1);
	index_all(&f);
	want_int(strlen(find(&f, "b", "apple")) > 1, 1);
	want_int(access(st_path(f.s, DB_FILE), F_OK), 0);
	finish(&f);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("search");

	(void)argc;
	test_add(s, before_and_after, 20);
	test_add(s, short_steps, 30);
	test_add(s, made_anew, 30);
	test_add(s, numbers_do_not_come_again, 20);
	test_add(s, whatever_happens, 120);
#if SQLITE_VERSION_NUMBER >= 3030000
	test_add(s, without_fts5, 120);
#endif
	test_add(s, a_damaged_index, 20);
	return test_main(argv[0], s);
}
