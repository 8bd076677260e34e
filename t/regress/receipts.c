/* SPDX-License-Identifier: ISC */
/*
 * received, seen, receipts, the state of a sent message, and the count of
 * messages that wait.
 */
#include "compat.h"

#include <signal.h>

#include <sqlite3.h>

#include "client.h"

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static void
state_is(struct conn *c, const char *id, const char *to, const char *state)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s}", "type", "status", "msg_id", id);
	is_str(j, "type", "status_result");
	is_str(j, "msg_id", id);
	is_str(j, "to", to);
	is_str(j, "state", state);
	want(json_object_get(j, "ts") != NULL, "no ts: %s", show(j));
}

/* Marks a message and waits until the hub has dealt with it. */
static void
mark(struct conn *c, const char *type, const char *id)
{
	say(c, "{s:s,s:[s]}", "type", type, "msg_id", id);
	in_step(c);
}

static void
receipt_is(struct conn *c, const char *id, const char *peer,
    const char *state)
{
	json_t	*j = hear(c, "receipt");

	has_only(j, "type msg_id peer state");
	is_str(j, "msg_id", id);
	is_str(j, "peer", peer);
	is_str(j, "state", state);
}

START_TEST(the_way_of_a_message)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*id;

	id = send_text(a, "b", "x", "delivered");
	hear(b, "incoming_message");
	state_is(a, id, "b", "pushed");
	mark(b, "received", id);
	receipt_is(a, id, "b", "received");
	state_is(a, id, "b", "received");
	mark(b, "seen", id);
	receipt_is(a, id, "b", "seen");
	state_is(a, id, "b", "seen");
	/* it never goes back, and nothing is said twice */
	mark(b, "received", id);
	mark(b, "seen", id);
	quiet(a, NULL);
	state_is(a, id, "b", "seen");
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 0);
	tenv_end(t);
}
END_TEST

START_TEST(reading_is_seeing)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	const char	*id;

	id = send_text(a, "b", "x", "queued");
	state_is(a, id, "b", "accepted");
	b = client_new(t, "b", NULL);
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	receipt_is(a, id, "b", "seen");
	state_is(a, id, "b", "seen");
	tenv_end(t);
}
END_TEST

START_TEST(several_at_once)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*one, *two;

	one = send_text(a, "b", "x", "delivered");
	two = send_text(a, "b", "y", "delivered");
	say(b, "{s:s,s:[s,s,s]}", "type", "seen", "msg_id", one,
	    "m-unknown", two);
	hear_with(a, "receipt", "msg_id", one);
	hear_with(a, "receipt", "msg_id", two);
	quiet(a, NULL);
	quiet(b, "err");
	tenv_end(t);
}
END_TEST

START_TEST(others_messages_cannot_be_marked)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	struct conn	*c = client_new(t, "c", FEATURES);
	const char	*id;

	id = send_text(a, "b", "x", "delivered");
	mark(c, "seen", id);
	quiet(a, "receipt");
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(none_for_those_who_did_not_ask)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*id;

	id = send_text(a, "b", "x", "delivered");
	mark(b, "received", id);
	mark(b, "seen", id);
	quiet(a, NULL);
	/* but whoever asks is answered */
	state_is(a, id, "b", "seen");
	tenv_end(t);
}
END_TEST

START_TEST(bad_marks)
{
	struct tenv	*t = begin();
	struct conn	*b = client_new(t, "b", FEATURES);

	refused(b, "bad_msg", "{s:s,s:s}", "type", "seen", "msg_id", "m-1");
	refused(b, "bad_msg", "{s:s,s:[i]}", "type", "seen", "msg_id", 1);
	refused(b, "bad_msg", "{s:s}", "type", "received");
	refused(b, "bad_msg", "{s:s,s:i}", "type", "status", "msg_id", 1);
	in_step(b);
	tenv_end(t);
}
END_TEST

/* 0 may be left out. */
static json_int_t
unread_in(const json_t *j)
{
	return (json_object_get(j, "unread") == NULL ? 0 :
	    int_of(j, "unread"));
}

START_TEST(unread_is_in_every_answer)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_open(t);
	json_t		*j;

	send_text(a, "b", "0", "queued");
	send_text(a, "b", "1", "queued");
	say_register(b, "b", FEATURES, "r");
	j = hear_with(b, "ack", "req_id", "r");
	is_int(j, "unread", 2);
	is_int(rpc(b, "{s:s}", "type", "list_peers"), "unread", 2);
	is_int(rpc(b, "{s:s}", "type", "status"), "unread", 2);
	j = rpc(b, "{s:s,s:s,s:s}", "type", "send", "to", "a", "text", "x");
	is_int(j, "unread", 2);
	/* but for the pong, which is compared by bytes */
	j = rpc(b, "{s:s}", "type", "ping");
	has_only(j, "type req_id");
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 1);
	want(unread_in(j) == 1, "one waits: %s", show(j));
	is_int(rpc(b, "{s:s}", "type", "list_peers"), "unread", 1);
	rpc(b, "{s:s}", "type", "inbox");
	j = rpc(b, "{s:s}", "type", "list_peers");
	want(unread_in(j) == 0, "nothing waits: %s", show(j));
	tenv_end(t);
}
END_TEST

START_TEST(no_unread_for_plain_clients)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_open(t);

	send_text(a, "b", "0", "queued");
	say_register(b, "b", NULL, "r");
	is_absent(hear_with(b, "ack", "req_id", "r"), "unread");
	is_absent(rpc(b, "{s:s}", "type", "list_peers"), "unread");
	tenv_end(t);
}
END_TEST

static int
nothing_waits(void *arg)
{
	return (unread_in(rpc(arg, "{s:s}", "type", "list_peers")) == 0);
}

START_TEST(seen_ones_do_not_count)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*id;

	id = send_text(a, "b", "0", "delivered");
	hear(b, "incoming_message");
	want(!nothing_waits(b), "nothing waits");
	mark(b, "seen", id);
	want(t_until(t, nothing_waits, b, T_WAIT), "something waits: %s",
	    show(rpc(b, "{s:s}", "type", "list_peers")));
	tenv_end(t);
}
END_TEST

START_TEST(receipts_follow_a_rename)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*id;

	id = send_text(a, "b", "x", "delivered");
	rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	mark(b, "seen", id);
	receipt_is(a, id, "b", "seen");
	state_is(a, id, "b", "seen");
	tenv_end(t);
}
END_TEST

/* Everything was sent two days earlier; the hub must not run. */
static void
two_days_ago(struct tenv *t)
{
	static const char sql[] = "UPDATE message SET ts = ts - 172800000";
	sqlite3	*db;

	want(sqlite3_open(tenv_path(t, "d/relay.db"), &db) == SQLITE_OK &&
	    sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	sqlite3_close(db);
}

START_TEST(unread_for_too_long)
{
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;
	const char	*old, *seen;
	json_t		*j;

	hub_conf(t, "expire unread after 1 days\n");
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	seen = send_text(a, "b", "seen", "delivered");
	mark(b, "seen", seen);
	receipt_is(a, seen, "b", "seen");
	old = send_text(a, "b", "old", "delivered");
	hub_stop(t, SIGTERM);
	two_days_ago(t);
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	want(!nothing_waits(b), "nothing waits");
	receipt_is(a, old, "b", "expired");
	state_is(a, old, "b", "expired");
	state_is(a, seen, "b", "seen");
	want(nothing_waits(b), "something waits");
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "recent", 10);
	is_str(json_array_get(is_list(j, "messages", 1), 0), "text", "seen");
	is_int(j, "dropped", 1);
	quiet(a, "receipt");
	tenv_end(t);
}
END_TEST

/* What does not fit into the one mailbox that two have become. */
START_TEST(pushed_out_by_a_rename)
{
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;
	const char	*first, *second;
	int		 i;

	hub_conf(t, "keep 10 messages per mailbox\n");
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	first = send_text(a, "b", "0", "delivered");
	second = send_text(a, "later", "1", "queued");
	for (i = 0; i < 9; i++)
		send_text(a, "b", "x", "delivered");
	send_text(a, "later", "y", "queued");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "later");
	receipt_is(a, first, "later", "expired");
	receipt_is(a, second, "later", "expired");
	state_is(a, first, "later", "expired");
	is_int(rpc(b, "{s:s}", "type", "inbox"), "dropped", 2);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("receipts");

	(void)argc;
	test_add(s, the_way_of_a_message, 20);
	test_add(s, reading_is_seeing, 20);
	test_add(s, several_at_once, 20);
	test_add(s, others_messages_cannot_be_marked, 20);
	test_add(s, none_for_those_who_did_not_ask, 20);
	test_add(s, bad_marks, 20);
	test_add(s, unread_is_in_every_answer, 20);
	test_add(s, no_unread_for_plain_clients, 20);
	test_add(s, seen_ones_do_not_count, 20);
	test_add(s, receipts_follow_a_rename, 20);
	test_add(s, unread_for_too_long, 30);
	test_add(s, pushed_out_by_a_rename, 20);
	return (test_main(argv[0], s));
}
