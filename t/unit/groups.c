/* SPDX-License-Identifier: ISC */
/*
 * Tests of what the store does with groups where that cannot be seen from
 * outside: batches that fail, names that change in the middle of one, cursors
 * that come late, and what is in the file.
 */
#include "compat.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "groupproto.h"
#include "storetest.h"
#include "timeutil.h"

/* Does something with the group "g". */
static struct store_group
request(enum group_op op, const char *caller)
{
	struct store_group q = { .op = op, .max_bytes = 100000 };

	q.now = time_now_ms();
	strlcpy(q.caller, caller, sizeof(q.caller));
	strlcpy(q.group, "g", sizeof(q.group));
	return q;
}

static void
post(struct st *s, const struct store_group *q)
{
	struct wbuf w = { 0 };

	store_group_put(&w, q);
	st_send(s, STORE_GROUP, &w);
}

static struct store_group_done
done(struct st *s)
{
	struct store_group_done a;

	st_answers(s);
	want(s->type == STORE_GROUP_DONE, "%s", imsg_name(s->type));
	want(store_group_done_get(&s->rd, &a) == 0, "bad STORE_GROUP_DONE");
	return a;
}

static struct store_group_done
ask(struct st *s, enum group_op op, const char *caller, const char *peer)
{
	struct store_group q = request(op, caller);

	strlcpy(q.peer, peer, sizeof(q.peer));
	post(s, &q);
	return done(s);
}

/* The number of the new entry, or 0. */
static long long
say(struct st *s, const char *caller, const char *text)
{
	struct store_group q = request(GROUP_SEND, caller);
	struct store_group_done a;

	q.text = slice_of(text);
	post(s, &q);
	a = done(s);
	return a.status == STORE_OK && a.err == ERR_NONE ? a.id : 0;
}

/* members as in "a b c" */
static struct store_group_done
create(struct st *s, const char *caller, const char *members)
{
	struct store_group q = request(GROUP_CREATE, caller);
	struct wbuf list = { 0 };
	size_t n;

	for (; *members != '\0'; members += n + (members[n] == ' ')) {
		n = strcspn(members, " ");
		put_bytes(&list, members, n);
		q.n++;
	}
	q.text.p = wbuf_data(&list);
	q.text.len = list.len;
	post(s, &q);
	wbuf_free(&list);
	return done(s);
}

static const char *
names(const struct store_group_done *a)
{
	static char text[4096];
	char name[TARGET_SIZE];
	struct reader rd;
	uint32_t i;

	text[0] = '\0';
	reader_init(&rd, a->names.p, a->names.len);
	for (i = 0; i < a->n; i++) {
		get_str(&rd, name, sizeof(name));
		if (i > 0)
			strlcat(text, " ", sizeof(text));
		strlcat(text, name, sizeof(text));
	}
	return text;
}

static const char *
members(struct st *s, const char *caller)
{
	struct store_group_done a = ask(s, GROUP_INFO, caller, "");

	want_int(a.status, STORE_OK);
	return a.err == ERR_NONE ? names(&a) : err_code(a.err);
}

/* What the caller has not read: "1:text 2:text", and how many more. */
static const char *
history(struct st *s, const char *caller)
{
	static char text[65536];
	struct store_group_done a = ask(s, GROUP_HISTORY, caller, "");
	size_t i, n = 0;
	json_t *j, *v;

	want_int(a.status, STORE_OK);
	if (a.err != ERR_NONE)
		return err_code(a.err);
	j = json_loadb(a.json.p, a.json.len, 0, NULL);
	want(json_is_array(j), "%.*s", (int)a.json.len, a.json.p);
	text[0] = '\0';
	json_array_foreach(j, i, v)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d:%s",
		    i > 0 ? " " : "",
		    (int)json_integer_value(json_object_get(v, "id")),
		    json_string_value(json_object_get(v, "text")));
	json_decref(j);
	want_int(a.unread, 0);
	return text;
}

static void
read_to(struct st *s, const char *caller, int64_t serial, int64_t id)
{
	struct store_group q = request(GROUP_READ, caller);

	q.serial = serial;
	q.id = id;
	post(s, &q);
	want_int(done(s).status, STORE_OK);
}

/* One number out of the file of a store that does not run. */
static long long
in_file(struct st *s, const char *sql)
{
	sqlite3 *conn;
	sqlite3_stmt *st;
	long long n;

	want(sqlite3_open(st_path(s, DB_FILE), &conn) == SQLITE_OK &&
	    sqlite3_prepare_v2(conn, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW, "%s: %s", sql,
	    sqlite3_errmsg(conn));
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(conn);
	return n;
}

START_TEST(cursors)
{
	struct st *s = st_new();
	int64_t serial;

	st_start(s);
	create(s, "a", "b");
	say(s, "a", "x");
	say(s, "a", "y");
	say(s, "a", "z");
	serial = ask(s, GROUP_HISTORY, "b", "").serial;
	/* reading changes nothing */
	want_str(history(s, "b"), "1:x 2:y 3:z");
	read_to(s, "b", serial, 2);
	want_str(history(s, "b"), "3:z");
	/* none goes back, or to what is not there, or into another group */
	read_to(s, "b", serial, 1);
	read_to(s, "b", serial, 4);
	read_to(s, "b", serial + 1, 3);
	want_str(history(s, "b"), "3:z");
	ask(s, GROUP_DELETE, "a", "");
	create(s, "a", "b");
	say(s, "a", "new 1");
	say(s, "a", "new 2");
	say(s, "a", "new 3");
	read_to(s, "b", serial, 3);
	want_str(history(s, "b"), "1:new 1 2:new 2 3:new 3");
	st_end(s);
}
END_TEST

/* A name that belongs to nobody here is not the one it was once of. */
START_TEST(callers)
{
	struct st *s = st_new();

	st_start(s);
	st_enter(s, "a");
	create(s, "a", "b");
	st_call(s, "a", "a2");
	want_str(members(s, "a2"), "a2 b");
	want_str(members(s, "a"), "not_member");
	want_int(say(s, "a", "x"), 0);
	want_int(ask(s, GROUP_DELETE, "a", "").err, ERR_NOT_ADMIN);
	want_int(ask(s, GROUP_LIST, "a", "").json.len, 2);
	want_int(ask(s, GROUP_INVITE, "a2", "a").err, ERR_BAD_ARGS);
	/* but as a member it leads there, until it has a group of its own */
	ask(s, GROUP_DELETE, "a2", "");
	create(s, "a", "b");
	want_str(members(s, "a"), "a b");
	want_str(members(s, "a2"), "not_member");
	want_int(ask(s, GROUP_INVITE, "a", "a2").err, ERR_NONE);
	want_str(members(s, "a2"), "a b a2");
	st_end(s);
}
END_TEST

/* What is in memory is what is on disk, after a disk that was full, too. */
START_TEST(disk_full)
{
	struct st *s = st_new();
	int i;

	st_start(s);
	create(s, "a", "b c");
	want_int(say(s, "a", "1"), 1);
	for (i = 0; i < 2; i++) {
		st_disk(s);
		want_int(say(s, "a", "lost"), 0);
		want_int(ask(s, GROUP_LEAVE, "b", "").status, STORE_FAILED);
		want_int(ask(s, GROUP_REMOVE, "a", "c").status,
		    STORE_FAILED);
		want_int(ask(s, GROUP_INVITE, "a", "d").status,
		    STORE_FAILED);
		want_int(ask(s, GROUP_DELETE, "a", "").status, STORE_FAILED);
		/* what changes nothing still works */
		want_str(members(s, "b"), "a b c");
		want_str(history(s, "b"), i == 0 ? "1:1" : "1:1 2:2");
		st_disk(s);
		want_int(say(s, "b", i == 0 ? "2" : "3"), i + 2);
	}
	st_kill(s);
	st_start(s);
	want_str(members(s, "c"), "a b c");
	want_str(history(s, "c"), "1:1 2:2 3:3");
	st_end(s);
}
END_TEST

/* One transaction that fails: nothing in it is done. */
START_TEST(batch_fails)
{
	struct st *s = st_new();
	struct store_group q;
	int i;

	st_start(s);
	create(s, "a", "b");
	say(s, "a", "1");
	s->done = s->failed = 0;
	st_disk(s);
	kill(s->pid, SIGSTOP);
	for (i = 0; i < 20; i++) {
		q = request(i == 10 ? GROUP_DELETE : GROUP_SEND, "a");
		q.text = slice_of(i == 10 ? "" : "x");
		post(s, &q);
	}
	want_int(imsg_flush(s->router, T_WAIT), 0);
	kill(s->pid, SIGCONT);
	st_answers(s);
	want_int(s->failed, 20);
	want_int(s->done, 0);
	st_disk(s);
	want_str(history(s, "b"), "1:1");
	want_int(say(s, "b", "2"), 2);
	want_str(history(s, "a"), "1:1 2:2");
	st_end(s);
}
END_TEST

/* Names that change between two requests of one transaction. */
START_TEST(renames_in_a_batch)
{
	struct store_rename to_b2 = { "b", "b2", 0, 5 };
	struct store_rename to_c = { "a", "c", 0, 6 };
	struct st *s = st_new();
	struct store_group_done a;
	struct store_group q;
	struct wbuf w = { 0 };

	st_start(s);
	st_enter(s, "a");
	st_enter(s, "b");
	create(s, "a", "b c");
	kill(s->pid, SIGSTOP);
	q = request(GROUP_SEND, "b");
	post(s, &q);
	store_rename_put(&w, &to_b2);
	st_send(s, STORE_RENAME, &w);
	store_rename_put(&w, &to_c);
	st_send(s, STORE_RENAME, &w);
	q = request(GROUP_SEND, "c");
	post(s, &q);
	q = request(GROUP_INFO, "b2");
	post(s, &q);
	want_int(imsg_flush(s->router, T_WAIT), 0);
	kill(s->pid, SIGCONT);
	a = done(s);
	want_str(names(&a), "c b2");
	want_str(a.admin, "c");
	want_int(a.unread, 2);
	want_int(say(s, "b", "x"), 0);
	want_int(say(s, "a", "x"), 0);
	st_end(s);
}
END_TEST

/* Names that only groups know are kept as long as these know them. */
START_TEST(names_in_the_file)
{
	struct store_clean q = { .before = INT64_MAX };
	struct st *s = st_new();

	st_start(s);
	st_enter(s, "a");
	create(s, "a", "b c");
	say(s, "c", "c was here");
	ask(s, GROUP_REMOVE, "a", "c");
	st_clean(s, &q);
	want_str(members(s, "b"), "a b");
	want_str(history(s, "b"), "1:c was here 2:a removed c: ");
	st_stop(s);
	want_int(in_file(s, "SELECT count(*) FROM peer"), 3);
	want_int(in_file(s, "SELECT count(*) FROM peer WHERE mailbox"), 0);
	st_start(s);
	ask(s, GROUP_DELETE, "a", "");
	st_clean(s, &q);
	st_stop(s);
	want_int(in_file(s, "SELECT count(*) FROM peer"), 0);
	want_int(in_file(s, "SELECT count(*) FROM grp"), 0);
	want_int(in_file(s, "SELECT count(*) FROM member"), 0);
	want_int(in_file(s, "SELECT count(*) FROM entry"), 0);
	st_end(s);
}
END_TEST

START_TEST(a_smaller_ring)
{
	struct st *s = st_new();
	struct store_group_done a;
	char text[16];
	int i;

	s->conf.keep_group = 20;
	st_start(s);
	create(s, "a", "b");
	for (i = 1; i <= 25; i++) {
		snprintf(text, sizeof(text), "%d", i);
		want_int(say(s, "a", text), i);
	}
	a = ask(s, GROUP_HISTORY, "b", "");
	want_int(a.dropped, 5);
	want_int(a.id, 25);
	st_stop(s);
	want_int(in_file(s, "SELECT count(*) FROM entry"), 20);
	s->conf.keep_group = 3;
	st_start(s);
	want_int(say(s, "a", "26"), 26);
	want_str(history(s, "b"), "24:24 25:25 26:26");
	a = ask(s, GROUP_INFO, "b", "");
	want_int(a.unread, 3);
	st_stop(s);
	want_int(in_file(s, "SELECT count(*) FROM entry"), 3);
	st_end(s);
}
END_TEST

START_TEST(answer_bytes)
{
	struct st *s = st_new();
	struct store_group q;
	struct store_group_done a;
	char *text = t_fill('x', 1000);
	int i;

	st_start(s);
	create(s, "a", "b");
	for (i = 1; i <= 3; i++)
		say(s, "a", text);
	q = request(GROUP_HISTORY, "b");
	q.max_bytes = 3500;
	post(s, &q);
	a = done(s);
	want_int(a.id, 2);
	want_int(a.unread, 1);
	want(a.json.len < 3500, "%zu bytes", a.json.len);
	/* not even one: it is named, and not shown */
	q.max_bytes = 1000;
	post(s, &q);
	a = done(s);
	want_int(a.id, 1);
	want_int(a.unread, 2);
	want(a.json.len < 1000, "%zu bytes", a.json.len);
	free(text);
	st_end(s);
}
END_TEST

/* A file of the first version gets its groups when it is opened. */
START_TEST(an_older_file)
{
	struct st *s = st_new();
	sqlite3 *conn;

	want(sqlite3_open(st_path(s, DB_FILE), &conn) == SQLITE_OK &&
	    sqlite3_exec(conn, db_migrations[0], NULL, NULL, NULL) ==
	    SQLITE_OK && sqlite3_exec(conn, "PRAGMA user_version = 1;"
	    "INSERT INTO peer (id, name, mailbox) VALUES (1, 'b', 1),"
	    " (2, 'a', 0);"
	    "INSERT INTO message VALUES (1, 1, 1, 0, 0, 2, 5, 5, 0, 0, 'm1',"
	    " NULL, 'text')", NULL, NULL, NULL) == SQLITE_OK, "%s",
	    sqlite3_errmsg(conn));
	sqlite3_close(conn);
	st_start(s);
	want_str(st_all(s, "b"), "m1");
	create(s, "a", "b");
	want_int(say(s, "b", "1"), 1);
	want_str(s->log, "");
	st_stop(s);
	want_int(in_file(s, "PRAGMA user_version"), db_version);
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("groups");

	(void)argc;
	test_add(s, cursors, 20);
	test_add(s, callers, 20);
	test_add(s, disk_full, 20);
	test_add(s, batch_fails, 20);
	test_add(s, renames_in_a_batch, 20);
	test_add(s, names_in_the_file, 20);
	test_add(s, a_smaller_ring, 20);
	test_add(s, answer_bytes, 20);
	test_add(s, an_older_file, 20);
	return test_main(argv[0], s);
}
