/* SPDX-License-Identifier: ISC */
/*
 * Tests of whose names are in the store, and of tokens, against a store
 * process.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "groupproto.h"
#include "owner.h"
#include "storetest.h"
#include "timeutil.h"
#include "tokenproto.h"

#define ANN	1001
#define BOB	1002

/* As st_enter(), st_call(), and st_post(), of a user. */
static enum store_status
enter(struct st *s, uint32_t owner, const char *name)
{
	struct store_register q = { .owner = owner, .cwd = slice_of("/"),
	    .git_branch = slice_of(""), .host = slice_of(""),
	    .now = time_now_ms() };

	strlcpy(q.name, name, sizeof(q.name));
	return st_register(s, &q).status;
}

static enum store_status
rename_to(struct st *s, uint32_t owner, const char *from, const char *to)
{
	struct store_rename q = { .owner = owner, .now = time_now_ms() };

	strlcpy(q.from, from, sizeof(q.from));
	strlcpy(q.to, to, sizeof(q.to));
	return st_rename(s, &q).status;
}

static enum store_status
post(struct st *s, uint32_t owner, const char *from, const char *to,
    uint32_t to_owner, const char *id)
{
	struct store_append q = st_message(from, to, id, id);

	q.owner = owner;
	q.to_owner = to_owner;
	return st_append(s, &q).status;
}

/* What groups there are for a user, as JSON; or what is done is refused. */
static const char *
group(struct st *s, enum group_op op, uint32_t owner, const char *caller)
{
	struct store_group q = { .op = op, .owner = owner, .group = "g",
	    .now = 5, .max_bytes = 10000 };
	static char text[512];
	struct store_group_done a;
	struct wbuf w = { 0 };

	strlcpy(q.caller, caller, sizeof(q.caller));
	store_group_put(&w, &q);
	st_send(s, STORE_GROUP, &w);
	st_answers(s);
	want(store_group_done_get(&s->rd, &a) == 0, "bad STORE_GROUP_DONE");
	want_int(a.status, STORE_OK);
	if (a.err != ERR_NONE)
		return err_code(a.err);
	snprintf(text, sizeof(text), "%.*s", (int)a.json.len, a.json.p);
	return text;
}

/* The token that holds for a user then; "" if that failed. */
static const char *
token(struct st *s, uint32_t owner, int renew, const char *wanted)
{
	struct store_token q = { .owner = owner, .renew = (uint8_t)renew };
	static struct store_token_set a;
	struct wbuf w = { 0 };

	strlcpy(q.token, wanted, sizeof(q.token));
	store_token_put(&w, &q);
	st_send(s, STORE_SET_TOKEN, &w);
	st_answers(s);
	want(store_token_set_get(&s->rd, &a) == 0, "bad STORE_TOKEN_SET");
	return a.status == STORE_OK ? a.token : "";
}

static void
again(struct st *s)
{
	st_stop(s);
	st_start(s);
}

START_TEST(the_first_has_it)
{
	struct st *s = st_new();

	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	want_int(enter(s, OWNER_HUB, "api"), STORE_TAKEN);
	want_int(enter(s, OWNER_HUB, "web"), STORE_OK);
	want_int(enter(s, BOB, "web"), STORE_TAKEN);
	/* what was left for nobody in particular is for the first */
	want_int(post(s, ANN, "api", "new", OWNER_NONE, "1"), STORE_OK);
	want_int(enter(s, BOB, "new"), STORE_OK);
	want_str(st_all(s, "new"), "1");
	want_int(enter(s, ANN, "new"), STORE_TAKEN);
	again(s);
	want_str(s->owned, "api:1001 web:0 new:1002 ");
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	want_int(enter(s, ANN, "api"), STORE_OK);
	st_end(s);
}
END_TEST

/* A former name belongs to the owner of what it leads to. */
START_TEST(renames)
{
	struct st *s = st_new();

	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, BOB, "bob"), STORE_OK);
	want_int(post(s, BOB, "bob", "api", OWNER_NONE, "1"), STORE_OK);
	want_int(rename_to(s, BOB, "bob", "api"), STORE_TAKEN);
	want_int(rename_to(s, BOB, "api", "mine"), STORE_TAKEN);
	want_int(rename_to(s, ANN, "api", "api2"), STORE_OK);
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	want_int(rename_to(s, BOB, "bob", "api"), STORE_TAKEN);
	want_int(enter(s, BOB, "api2"), STORE_TAKEN);
	again(s);
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	want_str(st_all(s, "api2"), "1");
	/* nothing has changed for its owner */
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(rename_to(s, ANN, "api", "api2"), STORE_OK);
	want_int(rename_to(s, BOB, "bob", "bob2"), STORE_OK);
	want_str(st_all(s, "bob2"), "");
	/* one that nobody has is merged, as before */
	want_int(post(s, ANN, "api2", "free", OWNER_NONE, "2"), STORE_OK);
	want_int(rename_to(s, BOB, "bob2", "free"), STORE_OK);
	want_str(st_all(s, "free"), "2");
	want_int(enter(s, ANN, "free"), STORE_TAKEN);
	st_end(s);
}
END_TEST

START_TEST(senders)
{
	struct st *s = st_new();

	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(post(s, BOB, "api", "x", OWNER_NONE, "1"), STORE_TAKEN);
	want_str(st_all(s, "x"), "");
	/* whoever sends from a name has it; other hubs and root claim none */
	want_int(post(s, BOB, "bob", "x", OWNER_NONE, "2"), STORE_OK);
	want_int(post(s, OWNER_NONE, "bob", "x", OWNER_NONE, "3"), STORE_OK);
	want_int(post(s, OWNER_NONE, "any", "x", OWNER_NONE, "4"), STORE_OK);
	want_str(st_all(s, "x"), "2 3 4");
	want_int(enter(s, ANN, "bob"), STORE_TAKEN);
	want_int(enter(s, ANN, "any"), STORE_OK);
	/* and who is online while it could not be stored */
	want_int(post(s, BOB, "bob", "y", ANN, "5"), STORE_OK);
	want_int(enter(s, BOB, "y"), STORE_TAKEN);
	again(s);
	want_str(s->owned, "api:1001 bob:1002 any:1001 y:1001 ");
	want_str(s->names, "api any ");
	st_end(s);
}
END_TEST

/* Where there is no room for a mailbox the name is kept all the same. */
START_TEST(no_room)
{
	struct st *s = st_new();

	s->conf.max_mailboxes = 1;
	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, ANN, "more"), STORE_FULL);
	want_int(enter(s, BOB, "more"), STORE_TAKEN);
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	st_end(s);
}
END_TEST

START_TEST(groups)
{
	struct st *s = st_new();

	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, BOB, "bob"), STORE_OK);
	want_str(group(s, GROUP_CREATE, ANN, "api"), "");
	want_str(group(s, GROUP_DELETE, BOB, "api"), "not_admin");
	want_str(group(s, GROUP_HISTORY, BOB, "api"), "not_member");
	want_str(group(s, GROUP_LIST, BOB, "api"), "[]");
	want_str(group(s, GROUP_SHOW, BOB, ""), "[]");
	want(strstr(group(s, GROUP_SHOW, ANN, ""), "\"g\"") != NULL,
	    "ann's is not shown");
	want(strstr(group(s, GROUP_SHOW, OWNER_NONE, ""), "\"g\"") != NULL,
	    "it is not among all");
	want_str(group(s, GROUP_DELETE, ANN, "api"), "");
	want_str(group(s, GROUP_CREATE, BOB, "api"), "name_taken");
	st_end(s);
}
END_TEST

/* It is free when it is forgotten, and nothing has it any more. */
START_TEST(forgotten)
{
	struct store_clean all = { .before = INT64_MAX };
	struct st *s = st_new();

	st_start(s);
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_int(enter(s, ANN, "web"), STORE_OK);
	want_int(post(s, ANN, "web", "x", OWNER_NONE, "1"), STORE_OK);
	want_int(st_clean(s, &all).status, STORE_OK);
	want_int(enter(s, BOB, "api"), STORE_OK);
	want_int(enter(s, BOB, "web"), STORE_TAKEN);
	want_int(enter(s, ANN, "web"), STORE_OK);
	st_end(s);
}
END_TEST

START_TEST(tokens)
{
	struct st *s = st_new();

	st_start(s);
	want_str(token(s, ANN, 0, "a1"), "a1");
	want_str(token(s, ANN, 0, "a2"), "a1");
	want_str(token(s, BOB, 1, "b1"), "b1");
	want_str(token(s, ANN, 1, "a3"), "a3");
	again(s);
	want_str(s->tokens, "1001:a3 1002:b1 ");
	want_str(token(s, ANN, 0, "a4"), "a3");
	st_disk(s);
	want_str(token(s, ANN, 1, "a5"), "");
	st_disk(s);
	again(s);
	want_str(s->tokens, "1001:a3 1002:b1 ");
	st_end(s);
}
END_TEST

/* A file of the version before: its names are for the first that asks. */
START_TEST(an_older_file)
{
	struct st *s = st_new();
	sqlite3 *conn;
	int i;

	want(sqlite3_open(st_path(s, DB_FILE), &conn) == SQLITE_OK, "open");
	for (i = 0; i < 5; i++)
		want(sqlite3_exec(conn, db_migrations[i], NULL, NULL, NULL) ==
		    SQLITE_OK, "%s", sqlite3_errmsg(conn));
	want(sqlite3_exec(conn, "PRAGMA user_version = 5;"
	    "INSERT INTO peer (id, name, mailbox, last_seen) VALUES"
	    " (1, 'api', 1, 5), (2, 'web', 1, 5);"
	    "INSERT INTO alias VALUES ('was', 1);"
	    "INSERT INTO message (seq, box, kept, seen, state, sender, ts,"
	    " state_ts, urgent, kind, msg_id, body) VALUES"
	    " (1, 1, 1, 0, 0, 2, 5, 5, 0, 0, 'm1', 'text')", NULL, NULL,
	    NULL) == SQLITE_OK, "%s", sqlite3_errmsg(conn));
	sqlite3_close(conn);
	st_start(s);
	want_str(s->names, "api web ");
	want_str(s->owned, "");
	want_int(enter(s, ANN, "api"), STORE_OK);
	want_str(st_all(s, "api"), "m1");
	want_int(enter(s, BOB, "was"), STORE_TAKEN);
	want_int(enter(s, BOB, "api"), STORE_TAKEN);
	want_int(enter(s, BOB, "web"), STORE_OK);
	want_str(s->log, "");
	again(s);
	want_str(s->owned, "api:1001 web:1002 ");
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("owners");

	(void)argc;
	test_add(s, the_first_has_it, 20);
	test_add(s, renames, 20);
	test_add(s, senders, 20);
	test_add(s, no_room, 20);
	test_add(s, groups, 20);
	test_add(s, forgotten, 20);
	test_add(s, tokens, 20);
	test_add(s, an_older_file, 20);
	return test_main(argv[0], s);
}
