/* SPDX-License-Identifier: ISC */
/*
 * Messages from a session of one hub to one of another: how it is written,
 * what is answered, and what becomes of it.
 */
#include "compat.h"

#include <signal.h>

#include "fed.h"

static void
state_is(struct conn *c, const char *id, const char *state)
{
	json_t	*j = rpc(c, "{s:s,s:s}", "type", "status", "msg_id", id);

	is_str(j, "type", "status_result");
	is_str(j, "msg_id", id);
	is_str(j, "to", "bob@beta");
	is_str(j, "state", state);
}

static void
receipt_is(struct conn *c, const char *id, const char *state)
{
	json_t	*j = hear(c, "receipt");

	has_only(j, "type msg_id peer state");
	is_str(j, "msg_id", id);
	is_str(j, "peer", "bob@beta");
	is_str(j, "state", state);
}

/* The only message in an inbox must be that one. */
static void
only_mail(struct conn *c, const char *from, const char *text)
{
	json_t	*j = rpc(c, "{s:s}", "type", "inbox");

	j = json_array_get(is_list(j, "messages", 1), 0);
	is_str(j, "from", from);
	is_str(j, "text", text);
}

START_TEST(by_name_and_hub)
{
	static const char *const forms[] = { "bob@beta", "beta:bob" };
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;
	json_t		*j;
	int		 i;

	for (i = 0; i < 2; i++) {
		id = send_text(f->ann, forms[i], forms[i], "queued");
		want(is_msg_id(id), "msg_id: %s", id);
		j = gets(f->bob, "ann@alpha", forms[i]);
		has_only(j, "type msg_id from text reply_to ts");
		is_str(j, "msg_id", id);
		is_null(j, "reply_to");
		want(is_iso8601(str_of(j, "ts")), "ts: %s", show(j));
	}
	/* and back */
	id = send_text(f->bob, "ann@alpha", "from beta", "queued");
	is_str(gets(f->ann, "bob@beta", "from beta"), "msg_id", id);
	id = send_text(f->bob, "alpha:ann", "again", "queued");
	is_str(gets(f->ann, "bob@beta", "again"), "msg_id", id);
	fed_end(f);
}
END_TEST

START_TEST(a_message_with_all_there_is)
{
	static const char text[] = "\xc3\xa4\n\"\\\t\xf0\x9f\x98\x80";
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	json_t		*j;

	j = rpc(f->ann, "{s:s,s:s,s:s,s:s,s:b,s:s}", "type", "send",
	    "to", "bob@beta", "text", text, "reply_to", "m-something",
	    "urgent", 1, "kind", "request");
	is_str(j, "type", "send_ack");
	j = gets(f->bob, "ann@alpha", text);
	is_str(j, "reply_to", "m-something");
	is_true(j, "urgent");
	is_str(j, "kind", "request");
	j = rpc(f->bob, "{s:s}", "type", "inbox");
	j = json_array_get(is_list(j, "messages", 1), 0);
	is_str(j, "from", "ann@alpha");
	is_str(j, "text", text);
	is_str(j, "reply_to", "m-something");
	is_true(j, "urgent");
	is_str(j, "kind", "request");
	fed_end(f);
}
END_TEST

START_TEST(by_a_bare_name)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	json_t		*j;

	j = rpc(f->ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob",
	    "text", "x");
	is_str(j, "type", "send_ack");
	is_str(j, "status", "queued");
	is_str(j, "to", "bob@beta");
	(void)gets(f->bob, "ann@alpha", "x");
	fed_end(f);
}
END_TEST

START_TEST(two_hubs_have_it)
{
	struct fed	*f = fed_begin(FED_TRIANGLE, NULL);
	const char	*message;
	json_t		*j;

	(void)client_new(f->c, "bob", FEATURES);
	(void)meets(f->ann, "bob@gamma");
	j = rpc(f->ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob",
	    "text", "x");
	is_str(j, "type", "err");
	is_str(j, "code", "bad_args");
	message = str_of(j, "message");
	want(strstr(message, "bob@beta") != NULL &&
	    strstr(message, "bob@gamma") != NULL, "%s", message);
	(void)send_text(f->ann, "bob@beta", "y", "queued");
	(void)gets(f->bob, "ann@alpha", "y");
	fed_end(f);
}
END_TEST

/* One that a session of this hub has had stays at this hub. */
START_TEST(a_bare_name_of_our_own)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*own;
	json_t		*j;

	own = client_new(f->a, "bob", FEATURES);
	(void)meets(f->ann, "bob");
	(void)send_text(f->ann, "bob", "one", "delivered");
	(void)gets(own, "ann", "one");
	conn_close(own);
	(void)misses(f->ann, "bob");
	j = rpc(f->ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob",
	    "text", "two");
	is_str(j, "status", "queued");
	/* the same after a restart */
	want(hub_stop(f->a, SIGTERM) == 0, "the hub did not end well");
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	(void)meets(f->ann, "bob@beta");
	j = rpc(f->ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob",
	    "text", "three");
	is_str(j, "status", "queued");
	(void)send_text(f->ann, "bob@beta", "for beta", "queued");
	(void)gets(f->bob, "ann@alpha", "for beta");
	quiet(f->bob, NULL);
	own = client_new(f->a, "bob", FEATURES);
	j = rpc(own, "{s:s,s:i}", "type", "inbox", "recent", 10);
	is_list(j, "messages", 3);
	fed_end(f);
}
END_TEST

START_TEST(names_of_nobody)
{
	static const char *const bad[] = {
		"b b@beta", "@beta", "bob@", "bob@be ta", "bob@beta@gamma",
		"beta:", ":bob"
	};
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	size_t		 i;

	refused(f->ann, "peer_not_found", "{s:s,s:s,s:s}", "type", "send",
	    "to", "bob@nowhere", "text", "x");
	refused(f->ann, "peer_not_found", "{s:s,s:s,s:s}", "type", "send",
	    "to", "nowhere:bob", "text", "x");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(f->ann, "bad_args", "{s:s,s:s,s:s}", "type", "send",
		    "to", bad[i], "text", "x");
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

START_TEST(our_own_hub_by_name)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES);

	(void)send_text(f->ann, "liz@alpha", "x", "delivered");
	(void)gets(liz, "ann", "x");
	fed_end(f);
}
END_TEST

START_TEST(to_one_who_is_away)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*dan;

	conn_close(f->bob);
	(void)misses(f->ann, "bob@beta");
	(void)send_text(f->ann, "bob@beta", "for bob", "queued");
	/* nor does he have to have been there before */
	(void)send_text(f->ann, "dan@beta", "for dan", "queued");
	dan = client_new(f->b, "late", FEATURES);
	(void)meets(f->ann, "late@beta");
	(void)send_text(f->ann, "late@beta", "x", "queued");
	(void)gets(dan, "ann@alpha", "x");
	f->bob = client_new(f->b, "bob", FEATURES);
	dan = client_new(f->b, "dan", FEATURES);
	only_mail(f->bob, "ann@alpha", "for bob");
	only_mail(dan, "ann@alpha", "for dan");
	fed_end(f);
}
END_TEST

START_TEST(received_and_seen)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	id = send_text(f->ann, "bob@beta", "x", "queued");
	(void)gets(f->bob, "ann@alpha", "x");
	say(f->bob, "{s:s,s:[s]}", "type", "received", "msg_id", id);
	receipt_is(f->ann, id, "received");
	state_is(f->ann, id, "received");
	say(f->bob, "{s:s,s:[s]}", "type", "seen", "msg_id", id);
	receipt_is(f->ann, id, "seen");
	state_is(f->ann, id, "seen");
	/* reading is seeing */
	id = send_text(f->ann, "bob@beta", "y", "queued");
	(void)gets(f->bob, "ann@alpha", "y");
	is_str(rpc(f->bob, "{s:s}", "type", "inbox"), "type",
	    "inbox_result");
	receipt_is(f->ann, id, "seen");
	state_is(f->ann, id, "seen");
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

START_TEST(states_while_the_link_is_down)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	id = send_text(f->ann, "bob@beta", "x", "queued");
	state_is(f->ann, id, "accepted");
	quiet(f->ann, "receipt");
	wire_closed(f->wire, 0);
	(void)gets(f->bob, "ann@alpha", "x");
	/* she need not be there when he reads it */
	conn_close(f->ann);
	is_str(rpc(f->bob, "{s:s}", "type", "inbox"), "type",
	    "inbox_result");
	(void)send_text(f->bob, "ann@alpha", "I have read it", "queued");
	f->ann = client_new(f->a, "ann", FEATURES);
	/* when what he said after it is there, so is the receipt */
	(void)send_text(f->bob, "ann@alpha", "really", "queued");
	(void)hear_with(f->ann, "incoming_message", "text", "really");
	state_is(f->ann, id, "seen");
	fed_end(f);
}
END_TEST

START_TEST(read_while_the_link_is_down)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*id;

	id = send_text(f->ann, "bob@beta", "x", "queued");
	(void)gets(f->bob, "ann@alpha", "x");
	wire_closed(f->wire, 1);
	unlinked(f->bob, "alpha");
	is_str(rpc(f->bob, "{s:s}", "type", "inbox"), "type",
	    "inbox_result");
	wire_closed(f->wire, 0);
	receipt_is(f->ann, id, "seen");
	state_is(f->ann, id, "seen");
	fed_end(f);
}
END_TEST

/* With an id of the sender's. */
static void
send_again(struct conn *c, const char *id, const char *text)
{
	json_t	*j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "bob@beta", "text", text, "msg_id", id);

	is_str(j, "type", "send_ack");
	is_str(j, "msg_id", id);
}

START_TEST(sent_twice)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	send_again(f->ann, "id-1", "one");
	send_again(f->ann, "id-1", "one");
	(void)gets(f->bob, "ann@alpha", "one");
	send_again(f->ann, "id-1", "one");
	/* waiting in the outbox, and after a restart */
	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	send_again(f->ann, "id-2", "two");
	send_again(f->ann, "id-2", "two");
	fed_kill(f->a);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	send_again(f->ann, "id-2", "two");
	send_again(f->ann, "id-1", "one");
	wire_closed(f->wire, 0);
	(void)gets(f->bob, "ann@alpha", "two");
	send_again(f->ann, "id-2", "two");
	send_again(f->ann, "id-3", "three");
	(void)gets(f->bob, "ann@alpha", "three");
	quiet(f->bob, NULL);
	is_list(rpc(f->bob, "{s:s}", "type", "inbox"), "messages", 3);
	fed_end(f);
}
END_TEST

/* Two senders may choose the same id: they are two messages. */
START_TEST(one_id_of_two_senders)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES);

	send_again(f->ann, "id-1", "of ann");
	send_again(liz, "id-1", "of liz");
	(void)gets(f->bob, "ann@alpha", "of ann");
	(void)gets(f->bob, "liz@alpha", "of liz");
	is_list(rpc(f->bob, "{s:s}", "type", "inbox"), "messages", 2);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkmail");

	(void)argc;
	test_add(s, by_name_and_hub, 30);
	test_add(s, a_message_with_all_there_is, 30);
	test_add(s, by_a_bare_name, 30);
	test_add(s, two_hubs_have_it, 60);
	test_add(s, a_bare_name_of_our_own, 60);
	test_add(s, names_of_nobody, 30);
	test_add(s, our_own_hub_by_name, 30);
	test_add(s, to_one_who_is_away, 30);
	test_add(s, received_and_seen, 30);
	test_add(s, states_while_the_link_is_down, 60);
	test_add(s, read_while_the_link_is_down, 60);
	test_add(s, sent_twice, 60);
	test_add(s, one_id_of_two_senders, 30);
	return (test_main(argv[0], s));
}
