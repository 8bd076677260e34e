/* SPDX-License-Identifier: ISC */
/*
 * Questions from a session of one hub to those of others, and their answers.
 */
#include "compat.h"

#include <stdio.h>

#include "fed.h"

static void
ask(struct conn *c, const char *to, const char *id)
{
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", to,
	    "question", "why?", "ask_id", id);
}

/* The question has come; the id by which it is answered. */
static const char *
asked(struct conn *c, const char *from)
{
	json_t	*j = hear(c, "incoming_ask");

	has_only(j, "type from question ask_id");
	is_str(j, "from", from);
	is_str(j, "question", "why?");
	return (str_of(j, "ask_id"));
}

static void
reply(struct conn *c, const char *id, const char *text)
{
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id", id, "text", text);
}

static void
answered(struct conn *c, const char *from, const char *id, const char *text)
{
	is_same(hear(c, "incoming_reply"), "{s:s,s:s,s:s,s:s}",
	    "type", "incoming_reply", "from", from, "text", text,
	    "ask_id", id);
}

static void
failed(struct conn *c, const char *id, const char *code)
{
	json_t	*j = hear_in(c, NULL, "ask_id", id, FED_WAIT);

	is_str(j, "type", "err");
	is_str(j, "code", code);
}

START_TEST(asked_and_answered)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	reply(f->bob, id, "because");
	answered(f->ann, "bob@beta", "k1", "because");
	reply(f->bob, id, "again");
	failed(f->bob, id, "unknown_ask");
	ask(f->ann, "beta:bob", "k2");
	reply(f->bob, asked(f->bob, "ann@alpha"), "two");
	answered(f->ann, "bob@beta", "k2", "two");
	ask(f->ann, "bob", "k3");
	reply(f->bob, asked(f->bob, "ann@alpha"), "three");
	answered(f->ann, "bob@beta", "k3", "three");
	ask(f->bob, "ann@alpha", "k4");
	reply(f->ann, asked(f->ann, "bob@beta"), "four");
	answered(f->bob, "ann@alpha", "k4", "four");
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

START_TEST(in_a_thread)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	json_t		*j;

	say(f->ann, "{s:s,s:s,s:s,s:s,s:s}", "type", "ask", "to", "bob@beta",
	    "question", "why?", "ask_id", "k1", "thread_id", "th");
	j = hear(f->bob, "incoming_ask");
	is_str(j, "thread_id", "th");
	reply(f->bob, str_of(j, "ask_id"), "x");
	j = hear(f->ann, "incoming_reply");
	is_str(j, "thread_id", "th");
	is_str(j, "ask_id", "k1");
	fed_end(f);
}
END_TEST

/* As a client does that knows no reply. */
START_TEST(answered_by_a_message)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;
	json_t		*j;

	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	j = rpc(f->bob, "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "ann@alpha", "text", "because", "reply_to", id);
	is_str(j, "type", "send_ack");
	answered(f->ann, "bob@beta", "k1", "because");
	reply(f->bob, id, "again");
	failed(f->bob, id, "unknown_ask");
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

START_TEST(no_answer_in_time)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	say(f->ann, "{s:s,s:s,s:s,s:s,s:i}", "type", "ask",
	    "to", "bob@beta", "question", "why?", "ask_id", "k1",
	    "timeout_ms", 300);
	id = asked(f->bob, "ann@alpha");
	failed(f->ann, "k1", "timeout");
	/* too late: nothing comes as the answer to that ask */
	reply(f->bob, id, "because");
	(void)send_text(f->bob, "ann@alpha", "after it", "queued");
	(void)hear_with(f->ann, "incoming_message", "text", "after it");
	quiet(f->ann, "incoming_reply");
	fed_end(f);
}
END_TEST

START_TEST(nobody_there)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	ask(f->ann, "nobody@beta", "k1");
	failed(f->ann, "k1", "peer_not_found");
	ask(f->ann, "bob@nowhere", "k2");
	failed(f->ann, "k2", "peer_not_found");
	conn_close(f->bob);
	(void)misses(f->ann, "bob@beta");
	ask(f->ann, "bob@beta", "k3");
	failed(f->ann, "k3", "peer_not_found");
	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	ask(f->ann, "bob@beta", "k4");
	failed(f->ann, "k4", "peer_not_found");
	fed_end(f);
}
END_TEST

START_TEST(the_asked_one_leaves)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	ask(f->ann, "bob@beta", "k1");
	(void)asked(f->bob, "ann@alpha");
	conn_close(f->bob);
	failed(f->ann, "k1", "peer_gone");
	fed_end(f);
}
END_TEST

START_TEST(the_link_falls)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	wire_cut(f->wire);
	failed(f->ann, "k1", "peer_gone");
	(void)meets(f->ann, "bob@beta");
	(void)meets(f->bob, "ann@alpha");
	/* too late for the ask */
	reply(f->bob, id, "because");
	(void)send_text(f->bob, "ann@alpha", "after it", "queued");
	(void)hear_with(f->ann, "incoming_message", "text", "after it");
	quiet(f->ann, "incoming_reply");
	/* and the next one is as any */
	ask(f->ann, "bob@beta", "k2");
	reply(f->bob, asked(f->bob, "ann@alpha"), "x");
	answered(f->ann, "bob@beta", "k2", "x");
	fed_end(f);
}
END_TEST

START_TEST(another_name_meanwhile)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	is_str(rpc(f->bob, "{s:s,s:s}", "type", "rename", "new_name", "rob"),
	    "type", "ack");
	(void)meets(f->ann, "rob@beta");
	is_str(rpc(f->ann, "{s:s,s:s}", "type", "rename", "new_name",
	    "anna"), "type", "ack");
	(void)meets(f->bob, "anna@alpha");
	reply(f->bob, id, "because");
	answered(f->ann, "rob@beta", "k1", "because");
	fed_end(f);
}
END_TEST

START_TEST(the_asker_has_gone)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;
	json_t		*j;

	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	conn_close(f->ann);
	(void)misses(f->bob, "ann@alpha");
	reply(f->bob, id, "because");
	quiet(f->bob, "err");
	(void)send_text(f->bob, "ann@alpha", "after it", "queued");
	f->ann = client_new(f->a, "ann", FEATURES);
	(void)meets(f->bob, "ann@alpha");
	(void)send_text(f->bob, "ann@alpha", "all is there", "queued");
	(void)hear_with(f->ann, "incoming_message", "text", "all is there");
	j = rpc(f->ann, "{s:s,s:i}", "type", "inbox", "recent", 10);
	j = find_in(json_object_get(j, "messages"), "text", "because");
	want(j != NULL, "the answer is not in the mailbox");
	is_str(j, "from", "bob@beta");
	is_str(j, "reply_to", "k1");
	fed_end(f);
}
END_TEST

/* Each of two hubs, and two sessions of one, ask by the same id. */
START_TEST(equal_ids)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES);
	struct conn	*dan = client_new(f->b, "dan", FEATURES);
	const char	*of_ann, *of_bob, *of_liz;

	(void)meets(f->ann, "dan@beta");
	ask(f->ann, "bob@beta", "same");
	of_ann = asked(f->bob, "ann@alpha");
	ask(f->bob, "ann@alpha", "same");
	of_bob = asked(f->ann, "bob@beta");
	ask(liz, "dan@beta", "same");
	of_liz = asked(dan, "liz@alpha");
	reply(f->bob, of_ann, "to ann");
	answered(f->ann, "bob@beta", "same", "to ann");
	reply(dan, of_liz, "to liz");
	answered(liz, "dan@beta", "same", "to liz");
	reply(f->ann, of_bob, "to bob");
	answered(f->bob, "ann@alpha", "same", "to bob");
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	quiet(liz, NULL);
	/* as with a session of his own hub: one id is one ask */
	ask(f->bob, "dan", "id");
	of_bob = asked(dan, "bob");
	ask(f->ann, "dan@beta", "id");
	failed(f->ann, "id", "bad_args");
	reply(dan, of_bob, "2");
	answered(f->bob, "dan", "id", "2");
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

/* Nobody answers what somebody else was asked. */
START_TEST(not_the_one_who_was_asked)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*eve = client_new(f->b, "eve", FEATURES);
	const char	*id;

	(void)meets(f->ann, "eve@beta");
	ask(f->ann, "bob@beta", "k1");
	id = asked(f->bob, "ann@alpha");
	reply(eve, id, "I am bob");
	failed(eve, id, "unknown_ask");
	(void)rpc(eve, "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "ann@alpha", "text", "I am bob", "reply_to", "k1");
	(void)gets(f->ann, "eve@beta", "I am bob");
	reply(f->bob, id, "I am bob");
	answered(f->ann, "bob@beta", "k1", "I am bob");
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

START_TEST(a_broadcast)
{
	struct fed	*f = fed_begin(FED_TRIANGLE, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES), *who[3];
	static const char *const names[] = { "liz", "bob@beta", "cat@gamma" };
	json_t		*j;
	int		 i;

	who[0] = liz;
	who[1] = f->bob;
	who[2] = f->cat;
	j = rpc(f->ann, "{s:s,s:s,s:s,s:s}", "type", "broadcast",
	    "question", "why?", "broadcast_id", "bc", "kind", "request");
	is_str(j, "type", "broadcast_ack");
	is_str(j, "broadcast_id", "bc");
	is_int(j, "peer_count", 3);
	for (i = 0; i < 3; i++) {
		j = hear(who[i], "incoming_ask");
		is_str(j, "from", i == 0 ? "ann" : "ann@alpha");
		is_str(j, "question", "why?");
		is_str(j, "broadcast_id", "bc");
		is_str(j, "thread_id", "bc");
		is_str(j, "kind", "request");
		reply(who[i], str_of(j, "ask_id"), names[i]);
		j = hear(f->ann, "incoming_reply");
		is_str(j, "from", names[i]);
		is_str(j, "text", names[i]);
		is_str(j, "broadcast_id", "bc");
		is_str(j, "thread_id", "bc");
	}
	for (i = 0; i < 3; i++)
		quiet(who[i], NULL);
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkasks");

	(void)argc;
	test_add(s, asked_and_answered, 30);
	test_add(s, in_a_thread, 30);
	test_add(s, answered_by_a_message, 30);
	test_add(s, no_answer_in_time, 30);
	test_add(s, nobody_there, 60);
	test_add(s, the_asked_one_leaves, 30);
	test_add(s, the_link_falls, 60);
	test_add(s, another_name_meanwhile, 30);
	test_add(s, the_asker_has_gone, 60);
	test_add(s, equal_ids, 30);
	test_add(s, not_the_one_who_was_asked, 30);
	test_add(s, a_broadcast, 60);
	return (test_main(argv[0], s));
}
