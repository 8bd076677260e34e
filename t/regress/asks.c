/* SPDX-License-Identifier: ISC */
/*
 * ask, reply and broadcast: answers find their way back, and an asker is told
 * when there will be none.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static void
ask(struct conn *c, const char *to, const char *id)
{
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", to,
	    "question", "why?", "ask_id", id);
}

static void
reply(struct conn *c, const char *id, const char *text)
{
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id", id,
	    "text", text);
}

/* The asker is told that this ask has failed. */
static void
failed(struct conn *c, const char *id, const char *code)
{
	json_t	*j = hear_with(c, "err", "ask_id", id);

	is_str(j, "code", code);
}

START_TEST(asked_and_answered)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	ask(a, "b", "k1");
	is_same(hear(b, "incoming_ask"), "{s:s,s:s,s:s,s:s}",
	    "type", "incoming_ask", "from", "a", "question", "why?",
	    "ask_id", "k1");
	quiet(a, NULL);
	reply(b, "k1", "because");
	is_same(hear(a, "incoming_reply"), "{s:s,s:s,s:s,s:s}",
	    "type", "incoming_reply", "from", "b", "text", "because",
	    "ask_id", "k1");
	quiet(a, NULL);
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(in_a_thread)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	say(a, "{s:s,s:s,s:s,s:s,s:s}", "type", "ask", "to", "b",
	    "question", "q", "ask_id", "k1", "thread_id", "th");
	is_str(hear(b, "incoming_ask"), "thread_id", "th");
	reply(b, "k1", "x");
	is_str(hear(a, "incoming_reply"), "thread_id", "th");
	tenv_end(t);
}
END_TEST

START_TEST(to_nobody)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);

	ask(a, "nobody", "k1");
	failed(a, "k1", "peer_not_found");
	say(a, "{s:s,s:s,s:s,s:s,s:s}", "type", "ask", "to", "nobody",
	    "question", "q", "ask_id", "k2", "req_id", "r2");
	failed(a, "k2", "peer_not_found");
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(no_answer_in_time)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	int64_t		 begun = t_now(), took;
	json_t		*j;

	say(a, "{s:s,s:s,s:s,s:s,s:i}", "type", "ask", "to", "b",
	    "question", "q", "ask_id", "k1", "timeout_ms", 1000);
	hear(b, "incoming_ask");
	failed(a, "k1", "timeout");
	took = t_now() - begun;
	want(took >= 950 && took < t_slow(3000), "timeout after %lld ms",
	    (long long)took);
	reply(b, "k1", "too late");
	j = hear(b, "err");
	is_str(j, "code", "unknown_ask");
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(the_asked_one_leaves)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	ask(a, "b", "k1");
	ask(a, "b", "k2");
	hear(b, "incoming_ask");
	conn_close(b);
	failed(a, "k1", "peer_gone");
	failed(a, "k2", "peer_gone");
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(the_asker_leaves)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	conn_close(a);
	in_step(b);
	reply(b, "k1", "anybody there?");
	in_step(b);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(replies_nobody_asked_for)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);

	refused(b, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k0", "text", "x");
	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	/* not asked: */
	refused(c, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k1", "text", "x");
	reply(b, "k1", "x");
	hear(a, "incoming_reply");
	/* and only once: */
	refused(b, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k1", "text", "x");
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(the_same_id_from_two_askers)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	struct conn	*d = client_new(t, "d", NULL);

	ask(a, "c", "1");
	ask(b, "d", "1");
	hear(c, "incoming_ask");
	hear(d, "incoming_ask");
	reply(c, "1", "from c");
	reply(d, "1", "from d");
	is_str(hear(a, "incoming_reply"), "text", "from c");
	is_str(hear(b, "incoming_reply"), "text", "from d");
	tenv_end(t);
}
END_TEST

START_TEST(answered_by_send)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	j = rpc(b, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "a",
	    "text", "because", "reply_to", "k1");
	is_str(j, "type", "send_ack");
	j = hear(a, "incoming_reply");
	is_str(j, "ask_id", "k1");
	is_str(j, "text", "because");
	is_str(j, "from", "b");
	quiet(a, NULL);
	/* that has closed the ask */
	refused(b, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k1", "text", "x");
	tenv_end(t);
}
END_TEST

START_TEST(asked_by_the_old_name)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	reply(b, "k1", "x");
	is_str(hear(a, "incoming_reply"), "from", "b2");
	tenv_end(t);
}
END_TEST

START_TEST(the_asked_one_is_evicted)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	b->nopong = 1;
	client_new(t, "b", NULL);
	failed(a, "k1", "peer_gone");
	tenv_end(t);
}
END_TEST

START_TEST(both_may_be_renamed_meanwhile)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	reply(b, "k1", "because");
	is_str(hear(a, "incoming_reply"), "from", "b2");
	tenv_end(t);
}
END_TEST

START_TEST(lengths_of_ids)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		*id = t_fill('i', 257), *bid;

	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "ask",
	    "to", "b", "question", "q", "ask_id", id);
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s,s:s}", "type", "ask",
	    "to", "b", "question", "q", "ask_id", "k", "thread_id", id);
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "broadcast",
	    "question", "q", "broadcast_id", id);
	id[256] = '\0';
	ask(a, "b", id);
	is_str(hear(b, "incoming_ask"), "ask_id", id);
	reply(b, id, "x");
	is_str(hear(a, "incoming_reply"), "ask_id", id);
	/* the id that a broadcast makes of it is longer still */
	say(a, "{s:s,s:s,s:s}", "type", "broadcast", "question", "q",
	    "broadcast_id", id);
	is_int(hear(a, "broadcast_ack"), "peer_count", 1);
	bid = xstrdup(str_of(hear(b, "incoming_ask"), "ask_id"));
	want(strlen(bid) == 258, "ask_id of a broadcast: %s", bid);
	reply(b, bid, "y");
	is_str(hear(a, "incoming_reply"), "broadcast_id", id);
	free(bid);
	free(id);
	tenv_end(t);
}
END_TEST

START_TEST(ids_are_what_they_mean)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	say_text(a, "{\"type\":\"ask\",\"to\":\"b\",\"question\":\"q\","
	    "\"ask_id\":\"k\\u0031\\/\\u00e4\"}");
	is_str(hear(b, "incoming_ask"), "ask_id", "k1/\xc3\xa4");
	reply(b, "k1/\xc3\xa4", "x");
	is_str(hear(a, "incoming_reply"), "ask_id", "k1/\xc3\xa4");
	tenv_end(t);
}
END_TEST

START_TEST(bad_asks)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);

	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "ask", "to", "b",
	    "question", "q");
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "ask", "to", "b",
	    "ask_id", "k");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:i}", "type", "ask",
	    "to", "b", "question", "q", "ask_id", 1);
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s,s:s}", "type", "ask",
	    "to", "b", "question", "q", "ask_id", "k", "timeout_ms", "1");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "ask",
	    "to", "", "question", "q", "ask_id", "k");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "reply", "text", "x");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "reply", "ask_id", "k");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "broadcast",
	    "question", "q");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "broadcast",
	    "question", "q", "broadcast_id", "b", "exclude_self", "no");
	tenv_end(t);
}
END_TEST

START_TEST(everybody_is_asked)
{
	static const char *const names[] = { "b", "c", "d" };
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *peer[3];
	json_t		*j;
	char		 id[16];
	size_t		 i;

	for (i = 0; i < 3; i++)
		peer[i] = client_new(t, names[i], NULL);
	j = rpc(a, "{s:s,s:s,s:s}", "type", "broadcast", "question", "q",
	    "broadcast_id", "bc");
	has_only(j, "type req_id broadcast_id peer_count");
	is_str(j, "type", "broadcast_ack");
	is_str(j, "broadcast_id", "bc");
	is_int(j, "peer_count", 3);
	for (i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "bc:%s", names[i]);
		is_same(hear(peer[i], "incoming_ask"),
		    "{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "incoming_ask",
		    "from", "a", "question", "q", "ask_id", id,
		    "broadcast_id", "bc", "thread_id", "bc");
	}
	for (i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "bc:%s", names[i]);
		reply(peer[i], id, names[i]);
		is_same(hear(a, "incoming_reply"),
		    "{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "incoming_reply",
		    "from", names[i], "text", names[i], "ask_id", id,
		    "broadcast_id", "bc", "thread_id", "bc");
	}
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(oneself_too)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	j = rpc(a, "{s:s,s:s,s:s,s:b}", "type", "broadcast",
	    "question", "q", "broadcast_id", "bc", "exclude_self", 0);
	is_int(j, "peer_count", 2);
	is_str(hear(a, "incoming_ask"), "ask_id", "bc:a");
	is_str(hear(b, "incoming_ask"), "ask_id", "bc:b");
	j = rpc(a, "{s:s,s:s,s:s,s:b}", "type", "broadcast",
	    "question", "q", "broadcast_id", "b2", "exclude_self", 1);
	is_int(j, "peer_count", 1);
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(a_broadcast_answered_by_send)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	rpc(a, "{s:s,s:s,s:s}", "type", "broadcast", "question", "q",
	    "broadcast_id", "bc");
	hear(b, "incoming_ask");
	rpc(b, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "a",
	    "text", "x", "reply_to", "bc:b");
	j = hear(a, "incoming_reply");
	is_str(j, "broadcast_id", "bc");
	is_str(j, "ask_id", "bc:b");
	is_str(j, "text", "x");
	quiet(a, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(nobody_there)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	json_t		*j;

	j = rpc(a, "{s:s,s:s,s:s}", "type", "broadcast", "question", "q",
	    "broadcast_id", "bc");
	is_str(j, "type", "broadcast_ack");
	is_int(j, "peer_count", 0);
	tenv_end(t);
}
END_TEST

START_TEST(a_broadcast_with_kind)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	json_t		*j;

	j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", "broadcast",
	    "question", "q", "broadcast_id", "bc", "kind", "request");
	is_int(j, "peer_count", 1);
	is_str(hear(b, "incoming_ask"), "kind", "request");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("asks");

	(void)argc;
	test_add(s, asked_and_answered, 20);
	test_add(s, in_a_thread, 20);
	test_add(s, to_nobody, 20);
	test_add(s, no_answer_in_time, 20);
	test_add(s, the_asked_one_leaves, 20);
	test_add(s, the_asker_leaves, 20);
	test_add(s, replies_nobody_asked_for, 20);
	test_add(s, the_same_id_from_two_askers, 20);
	test_add(s, answered_by_send, 20);
	test_add(s, asked_by_the_old_name, 20);
	test_add(s, the_asked_one_is_evicted, 20);
	test_add(s, both_may_be_renamed_meanwhile, 20);
	test_add(s, lengths_of_ids, 20);
	test_add(s, ids_are_what_they_mean, 20);
	test_add(s, bad_asks, 20);
	test_add(s, everybody_is_asked, 20);
	test_add(s, oneself_too, 20);
	test_add(s, a_broadcast_answered_by_send, 20);
	test_add(s, nobody_there, 20);
	test_add(s, a_broadcast_with_kind, 20);
	return (test_main(argv[0], s));
}
