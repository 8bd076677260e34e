/* SPDX-License-Identifier: ISC */
/*
 * inbox: order, limit, since_id, recent, what is seen; the ring of 500;
 * and what a rename does to mailboxes.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>

#include "client.h"

#define KEEP		500

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

/* Sends n messages with the texts from, from + 1, ... and waits for all. */
static void
send_numbers(struct conn *c, const char *to, int from, int n)
{
	char	text[16], id[32];
	int	i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", from + i);
		snprintf(id, sizeof(id), "n-%d", from + i);
		say(c, "{s:s,s:s,s:s,s:s}", "type", "send", "to", to,
		    "text", text, "msg_id", id);
	}
	for (i = 0; i < n; i++)
		hear(c, "send_ack");
}

/* The messages must have the texts from, from + 1, ... */
static void
are_numbers(const json_t *j, size_t n, int from)
{
	char	 text[16];
	json_t	*list = is_list(j, "messages", n);
	size_t	 i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", from + (int)i);
		is_str(json_array_get(list, i), "text", text);
	}
}

static json_t *
inbox(struct conn *c)
{
	return (rpc(c, "{s:s}", "type", "inbox"));
}

START_TEST(oldest_first_and_then_seen)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	json_t		*j;

	send_numbers(a, "b", 0, 25);
	b = client_new(t, "b", NULL);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 2);
	are_numbers(j, 2, 0);
	is_int(j, "remaining", 23);
	j = inbox(b);
	are_numbers(j, 20, 2);
	is_int(j, "remaining", 3);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 3, 22);
	is_int(j, "remaining", 0);
	j = inbox(b);
	is_list(j, "messages", 0);
	is_int(j, "remaining", 0);
	is_absent(j, "dropped");
	tenv_end(t);
}
END_TEST

START_TEST(pushed_ones_wait_until_seen)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	send_text(a, "b", "0", "delivered");
	hear(b, "incoming_message");
	conn_close(b);
	b = client_new(t, "b", NULL);
	j = inbox(b);
	are_numbers(j, 1, 0);
	is_list(inbox(b), "messages", 0);
	tenv_end(t);
}
END_TEST

START_TEST(limits_of_limit)
{
	struct tenv	*t = begin();
	struct conn	*b = client_new(t, "b", NULL);

	refused(b, "bad_msg", "{s:s,s:i}", "type", "inbox", "limit", 0);
	refused(b, "bad_msg", "{s:s,s:i}", "type", "inbox", "limit", 101);
	refused(b, "bad_msg", "{s:s,s:i}", "type", "inbox", "limit", -1);
	refused(b, "bad_msg", "{s:s,s:f}", "type", "inbox", "limit", 1.5);
	refused(b, "bad_msg", "{s:s,s:s}", "type", "inbox", "limit", "5");
	refused(b, "bad_msg", "{s:s,s:n}", "type", "inbox", "limit");
	refused(b, "bad_msg", "{s:s,s:i}", "type", "inbox", "since_id", 5);
	is_str(rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100), "type",
	    "inbox_result");
	tenv_end(t);
}
END_TEST

START_TEST(behind_since_id)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	json_t		*j;

	send_numbers(a, "b", 0, 10);
	b = client_new(t, "b", NULL);
	are_numbers(inbox(b), 10, 0);
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "since_id", "n-6");
	are_numbers(j, 3, 7);
	is_int(j, "remaining", 0);
	j = rpc(b, "{s:s,s:s,s:i}", "type", "inbox", "since_id", "n-1",
	    "limit", 3);
	are_numbers(j, 3, 2);
	is_int(j, "remaining", 5);
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "since_id", "n-9");
	is_list(j, "messages", 0);
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "since_id", "unknown");
	are_numbers(j, 10, 0);
	tenv_end(t);
}
END_TEST

START_TEST(recent_ones)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;

	send_numbers(a, "b", 0, 10);
	b = client_new(t, "b", NULL);
	are_numbers(inbox(b), 10, 0);
	are_numbers(rpc(b, "{s:s,s:i}", "type", "inbox", "recent", 4), 4, 6);
	are_numbers(rpc(b, "{s:s,s:i}", "type", "inbox", "recent", 50), 10,
	    0);
	tenv_end(t);
}
END_TEST

START_TEST(mailboxes_survive_a_restart)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;

	send_numbers(a, "b", 0, 30);
	b = client_new(t, "b", NULL);
	are_numbers(inbox(b), 20, 0);
	conn_close(a);
	conn_close(b);
	hub_stop(t, SIGTERM);
	hub_start(t);
	b = client_new(t, "b", NULL);
	are_numbers(inbox(b), 10, 20);
	tenv_end(t);
}
END_TEST

START_TEST(the_ring_drops_the_oldest)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	json_t		*j;
	char		 id[16];
	int		 i;

	send_numbers(a, "b", 0, KEEP + 10);
	for (i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "n-%d", i);
		j = hear_with(a, "receipt", "msg_id", id);
		is_str(j, "state", "expired");
		is_str(j, "peer", "b");
	}
	quiet(a, "receipt");
	is_str(rpc(a, "{s:s,s:s}", "type", "status", "msg_id", "n-3"),
	    "state", "expired");
	is_str(rpc(a, "{s:s,s:s}", "type", "status", "msg_id", "n-10"),
	    "state", "accepted");
	b = client_new(t, "b", NULL);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 10);
	is_int(j, "remaining", KEEP - 100);
	is_int(j, "dropped", 10);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	is_absent(j, "dropped");
	tenv_end(t);
}
END_TEST

START_TEST(the_ring_drops_seen_ones_first)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	json_t		*j;

	send_numbers(a, "b", 0, KEEP);
	b = client_new(t, "b", FEATURES);
	say(b, "{s:s,s:[s,s,s]}", "type", "seen", "msg_id", "n-200",
	    "n-201", "n-202");
	in_step(b);
	hear_with(a, "receipt", "msg_id", "n-200");
	hear_with(a, "receipt", "msg_id", "n-201");
	hear_with(a, "receipt", "msg_id", "n-202");
	conn_close(b);
	in_step(a);
	send_numbers(a, "b", KEEP, 3);
	quiet(a, "receipt");
	b = client_new(t, "b", FEATURES);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 0);
	is_int(j, "remaining", KEEP - 100);
	is_absent(j, "dropped");
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 100);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 203);
	tenv_end(t);
}
END_TEST

START_TEST(a_repeat_of_what_was_pushed_out)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	json_t		*j;

	send_numbers(a, "b", 0, KEEP + 5);
	send_numbers(a, "b", 0, 5);
	b = client_new(t, "b", NULL);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 5);
	is_int(j, "remaining", KEEP - 100);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "recent", 1);
	are_numbers(j, 1, KEEP + 4);
	tenv_end(t);
}
END_TEST

START_TEST(many_marked_at_once)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	json_t		*ids = json_array();
	int		 i;

	send_numbers(a, "b", 0, KEEP);
	for (i = 0; i < KEEP; i++)
		json_array_append_new(ids, json_sprintf("n-%d", i));
	b = client_new(t, "b", FEATURES);
	say(b, "{s:s,s:o}", "type", "seen", "msg_id", ids);
	is_list(inbox(b), "messages", 0);
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(rename_takes_the_mailbox)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL), *other;

	conn_close(b);
	in_step(a);
	send_numbers(a, "b", 0, 3);
	b = client_new(t, "b", NULL);
	is_str(rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2"),
	    "type", "ack");
	/* the old name leads to the new one */
	send_text(a, "b", "3", "delivered");
	is_str(hear(b, "incoming_message"), "text", "3");
	are_numbers(inbox(b), 4, 0);
	/* until somebody registers it, with nothing in the mailbox */
	other = client_new(t, "b", NULL);
	is_list(inbox(other), "messages", 0);
	send_text(a, "b", "4", "delivered");
	is_str(hear(other, "incoming_message"), "text", "4");
	quiet(b, "incoming_message");
	tenv_end(t);
}
END_TEST

START_TEST(the_old_name_leads_on_after_a_restart)
{
	struct tenv	*t = begin();
	struct conn	*a, *b = client_new(t, "b", NULL);

	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b3");
	conn_close(b);
	hub_stop(t, SIGTERM);
	hub_start(t);
	a = client_new(t, "a", NULL);
	send_text(a, "b", "0", "queued");
	send_text(a, "b2", "1", "queued");
	b = client_new(t, "b3", NULL);
	are_numbers(inbox(b), 2, 0);
	tenv_end(t);
}
END_TEST

START_TEST(rename_merges_mailboxes_by_time)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	send_text(a, "later", "0", "queued");
	send_text(a, "b", "1", "delivered");
	send_text(a, "later", "2", "queued");
	send_text(a, "b", "3", "delivered");
	is_str(rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "later"),
	    "type", "ack");
	are_numbers(inbox(b), 4, 0);
	tenv_end(t);
}
END_TEST

START_TEST(renaming_there_and_back)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	send_text(a, "b", "0", "delivered");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b");
	send_text(a, "b2", "1", "delivered");
	send_text(a, "b", "2", "delivered");
	are_numbers(inbox(b), 3, 0);
	tenv_end(t);
}
END_TEST

START_TEST(a_merged_mailbox_keeps_no_more)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	send_numbers(a, "later", 0, 300);
	send_numbers(a, "b", 300, 300);
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "later");
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	are_numbers(j, 100, 600 - KEEP);
	is_int(j, "remaining", KEEP - 100);
	is_int(j, "dropped", 600 - KEEP);
	tenv_end(t);
}
END_TEST

/* The old name of one is taken by another, by way of a rename. */
START_TEST(renamed_to_an_old_name)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);

	send_text(c, "a", "0", "delivered");
	rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "a");
	send_text(c, "a", "1", "delivered");
	send_text(c, "b", "2", "delivered");
	are_numbers(inbox(b), 2, 1);
	are_numbers(inbox(a), 1, 0);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("mailbox");

	(void)argc;
	test_add(s, oldest_first_and_then_seen, 20);
	test_add(s, pushed_ones_wait_until_seen, 20);
	test_add(s, limits_of_limit, 20);
	test_add(s, behind_since_id, 20);
	test_add(s, recent_ones, 20);
	test_add(s, mailboxes_survive_a_restart, 20);
	test_add(s, the_ring_drops_the_oldest, 30);
	test_add(s, the_ring_drops_seen_ones_first, 30);
	test_add(s, a_repeat_of_what_was_pushed_out, 30);
	test_add(s, many_marked_at_once, 30);
	test_add(s, rename_takes_the_mailbox, 20);
	test_add(s, the_old_name_leads_on_after_a_restart, 20);
	test_add(s, rename_merges_mailboxes_by_time, 20);
	test_add(s, renaming_there_and_back, 20);
	test_add(s, a_merged_mailbox_keeps_no_more, 20);
	test_add(s, renamed_to_an_old_name, 20);
	return (test_main(argv[0], s));
}
