/* SPDX-License-Identifier: ISC */
/*
 * What goes over a link with a plaintext hub on the LAN: messages, asks and
 * broadcasts, both ways.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "plainhub.h"

#define TEXT_MAX	524288	/* characters of a message's text */
#define SLOW_MESSAGES	300	/* more than all buffers hold */
#define SLOW_BYTES	100000
#define NKEPT		30

/* The next thing forwarded must be that message to zoe. */
static void
carried(struct plainhub *p, const char *from, const char *id,
    const char *text)
{
	json_t	*w = forwarded(p, "zoe", "incoming_message", from);

	if (id != NULL)
		is_str(w, "msg_id", id);
	want(is_msg_id(str_of(w, "msg_id")), "msg_id: %s", show(w));
	is_str(w, "text", text);
	is_null(w, "reply_to");
	want(is_iso8601(str_of(w, "ts")), "ts: %s", show(w));
}

/* One more message to zoe: it is the next that she gets. */
static void
next_is(struct plainhub *p, struct conn *c, const char *from,
    const char *text)
{
	carried(p, from, send_text(c, "zoe@old", text, "queued"), text);
}

static void
answer(struct plainhub *p, const char *to, const char *from, const char *id,
    const char *text)
{
	plain_forward(p, to, json_pack("{s:s,s:s,s:s,s:s}", "type",
	    "incoming_reply", "from", from, "text", text, "ask_id", id));
}

static void
ask(struct conn *c, const char *to, const char *id)
{
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", to,
	    "question", "why?", "ask_id", id);
}

/* That ask reaches zoe; the id by which she must answer. */
static const char *
asked(struct plainhub *p, const char *from)
{
	json_t	*w = forwarded(p, "zoe", "incoming_ask", from);

	is_str(w, "question", "why?");
	return (str_of(w, "ask_id"));
}

static void
answered(struct conn *c, const char *id, const char *text)
{
	is_same(hear(c, "incoming_reply"), "{s:s,s:s,s:s,s:s}",
	    "type", "incoming_reply", "from", "zoe@old", "text", text,
	    "ask_id", id);
}

static void
failed(struct conn *c, const char *id, const char *code)
{
	is_str(hear_with(c, "err", "ask_id", id), "code", code);
}

static void
say_join(struct plainhub *p, const char *name)
{
	say(p->link, "{s:s,s:s,s:o}", "type", "bridge_peer_update",
	    "action", "join", "peer", plain_peer(name));
}

/* Whatever hub they claim to be from. */
START_TEST(messages_to_the_hub)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*bob = client_new(p->env, "bob", NULL);

	(void)plain_link(p, plain_zoe());
	plain_message(p, "bob", "zoe@liar", 1, "one");
	gets_message(bob, 1, "one");
	plain_message(p, "bob", "zoe", 2, "two");
	gets_message(bob, 2, "two");
	plain_message(p, "bob", "zoe@alpha", 3, "three");
	gets_message(bob, 3, "three");
	/* sent again */
	plain_message(p, "bob", "zoe@liar", 1, "one");
	plain_message(p, "bob", "zoe", 2, "two");
	plain_message(p, "bob", "zoe", 4, "four");
	gets_message(bob, 4, "four");
	quiet(bob, NULL);
	is_list(rpc(bob, "{s:s}", "type", "inbox"), "messages", 4);
	plain_end(p);
}
END_TEST

START_TEST(messages_to_one_who_is_away)
{
	static const char *const texts[] = { "one", "two" };
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	struct conn	*bob = client_new(p->env, "bob", NULL);
	json_t		*list, *j;
	int		 i;

	(void)plain_link(p, plain_zoe());
	conn_close(bob);
	sees_no(ann, "bob");
	plain_message(p, "bob", "zoe@liar", 1, texts[0]);
	plain_message(p, "bob", "zoe", 2, texts[1]);
	plain_message(p, "bob", "zoe@liar", 1, texts[0]);
	plain_message(p, "ann", "zoe", 3, "those before have arrived");
	gets_message(ann, 3, "those before have arrived");
	plain_restart(p);
	(void)plain_link(p, plain_zoe());
	ann = client_new(p->env, "ann", NULL);
	plain_message(p, "bob", "zoe", 2, texts[1]);
	plain_message(p, "ann", "zoe", 4, "and so has that");
	gets_message(ann, 4, "and so has that");
	bob = client_new(p->env, "bob", NULL);
	list = is_list(rpc(bob, "{s:s}", "type", "inbox"), "messages", 2);
	for (i = 0; i < 2; i++) {
		j = json_array_get(list, (size_t)i);
		is_str(j, "from", "zoe@old");
		is_str(j, "msg_id", plain_id(i + 1));
		is_str(j, "text", texts[i]);
		is_null(j, "reply_to");
	}
	plain_end(p);
}
END_TEST

START_TEST(a_message_with_more_to_it)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*bob = client_new(p->env, "bob", NULL);
	json_t		*j;

	(void)plain_link(p, plain_zoe());
	plain_forward(p, "bob", json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b}",
	    "type", "incoming_message", "msg_id", plain_id(1),
	    "from", "zoe@old", "text", "\xc3\xa4\n\"\\\xf0\x9f\x98\x80",
	    "reply_to", "m-something", "ts", "2026-01-02T03:04:05.678Z",
	    "urgent", 1));
	j = hear(bob, "incoming_message");
	is_str(j, "from", "zoe@old");
	is_str(j, "text", "\xc3\xa4\n\"\\\xf0\x9f\x98\x80");
	is_str(j, "reply_to", "m-something");
	is_true(j, "urgent");
	j = rpc(bob, "{s:s,s:s,s:s,s:s,s:b}", "type", "send",
	    "to", "zoe@old", "text", "\xc3\xa4\n\"\\\xf0\x9f\x98\x80",
	    "reply_to", plain_id(1), "urgent", 1);
	is_str(j, "type", "send_ack");
	j = forwarded(p, "zoe", "incoming_message", "bob");
	is_str(j, "text", "\xc3\xa4\n\"\\\xf0\x9f\x98\x80");
	is_str(j, "reply_to", plain_id(1));
	is_true(j, "urgent");
	plain_end(p);
}
END_TEST

START_TEST(messages_from_the_hub)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	struct conn	*bob = client_new(p->env, "bob", NULL);
	json_t		*j, *both;

	both = json_pack("[o,o]", plain_peer("zoe"), plain_peer("bob"));
	(void)plain_link(p, both);
	(void)sees(ann, "zoe@old");
	next_is(p, ann, "ann", "one");
	carried(p, "ann", send_text(ann, "old:zoe", "two", "queued"), "two");
	j = rpc(ann, "{s:s,s:s,s:s}", "type", "send", "to", "zoe",
	    "text", "three");
	is_str(j, "type", "send_ack");
	is_str(j, "status", "queued");
	is_str(j, "to", "zoe@old");
	carried(p, "ann", str_of(j, "msg_id"), "three");
	/* a bare name that is one of ours, too, means ours */
	(void)send_text(ann, "bob", "four", "delivered");
	is_str(hear(bob, "incoming_message"), "text", "four");
	refused(ann, "peer_not_found", "{s:s,s:s,s:s}", "type", "send",
	    "to", "zoe@nowhere", "text", "x");
	refused(ann, "bad_args", "{s:s,s:s,s:s}", "type", "send",
	    "to", "z e@old", "text", "x");
	next_is(p, ann, "ann", "five");
	plain_end(p);
}
END_TEST

START_TEST(kept_until_there_is_a_link)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	char		 text[16];
	int		 i;

	for (i = 0; i < NKEPT; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		(void)send_text(ann, "zoe@old", text, "queued");
	}
	(void)plain_link(p, plain_zoe());
	for (i = 0; i < NKEPT; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		carried(p, "ann", NULL, text);
	}
	next_is(p, ann, "ann", "x");
	/* on the next link there are only new ones */
	(void)sees(ann, "zoe@old");
	plain_cut(p, ann);
	(void)send_text(ann, "zoe@old", "y", "queued");
	(void)plain_link(p, plain_zoe());
	carried(p, "ann", NULL, "y");
	next_is(p, ann, "ann", "z");
	plain_end(p);
}
END_TEST

static int
is_settled(void *arg)
{
	struct plainhub	*p = arg;
	struct output	*o = run(p->env, NULL, "hubctl", "-j", "show",
	    "links", NULL);
	int		 none = strstr(o->out, "\"queued\":0") != NULL;

	output_free(o);
	return (none);
}

/* What was sent is with the kernel, and the hub has noted that. */
static void
settled(struct plainhub *p)
{
	want(t_until(p->env, is_settled, p, T_WAIT), "a message still waits");
}

START_TEST(kept_over_a_restart)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	char		 text[16];
	int		 i;

	for (i = 0; i < NKEPT; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		(void)send_text(ann, "zoe@old", text, "queued");
		if (i != NKEPT / 2)
			continue;
		plain_restart(p);
		ann = client_new(p->env, "ann", NULL);
	}
	plain_restart(p);
	plain_listen(p);
	(void)plain_called(p);
	plain_welcome(p, "old", plain_zoe());
	for (i = 0; i < NKEPT; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		carried(p, "ann", NULL, text);
	}
	ann = client_new(p->env, "ann", NULL);
	next_is(p, ann, "ann", "x");
	settled(p);
	/* nor does what has been sent come back */
	plain_restart(p);
	(void)plain_called(p);
	plain_welcome(p, "old", plain_zoe());
	ann = client_new(p->env, "ann", NULL);
	next_is(p, ann, "ann", "y");
	plain_end(p);
}
END_TEST

START_TEST(asks_from_the_hub)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	const char	*id;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	ask(ann, "zoe@old", "k1");
	id = asked(p, "ann");
	answer(p, "ann", "zoe", id, "because");
	answered(ann, "k1", "because");
	/* only once */
	answer(p, "ann", "zoe", id, "again");
	ask(ann, "old:zoe", "k2");
	id = asked(p, "ann");
	plain_forward(p, "ann", json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}",
	    "type", "incoming_message", "msg_id", plain_id(1),
	    "from", "zoe@liar", "text", "by a message", "reply_to", id,
	    "ts", "2026-01-02T03:04:05.678Z"));
	answered(ann, "k2", "by a message");
	ask(ann, "zoe", "k3");
	answer(p, "ann", "zoe@liar", asked(p, "ann"), "by the bare name");
	answered(ann, "k3", "by the bare name");
	ask(ann, "nobody@old", "k4");
	failed(ann, "k4", "peer_not_found");
	ask(ann, "zoe@nowhere", "k5");
	failed(ann, "k5", "peer_not_found");
	quiet(ann, NULL);
	plain_end(p);
}
END_TEST

START_TEST(an_ask_in_a_thread)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	json_t		*w;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	say(ann, "{s:s,s:s,s:s,s:s,s:s}", "type", "ask", "to", "zoe@old",
	    "question", "why?", "ask_id", "k1", "thread_id", "th");
	w = forwarded(p, "zoe", "incoming_ask", "ann");
	is_str(w, "thread_id", "th");
	answer(p, "ann", "zoe", str_of(w, "ask_id"), "x");
	is_str(hear(ann, "incoming_reply"), "thread_id", "th");
	plain_end(p);
}
END_TEST

START_TEST(the_link_is_cut_during_an_ask)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	const char	*id;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	ask(ann, "zoe@old", "k1");
	id = asked(p, "ann");
	plain_cut(p, ann);
	failed(ann, "k1", "peer_gone");
	(void)plain_link(p, plain_zoe());
	/* too late */
	answer(p, "ann", "zoe", id, "because");
	plain_message(p, "ann", "zoe", 1, "that has arrived");
	gets_message(ann, 1, "that has arrived");
	quiet(ann, NULL);
	plain_end(p);
}
END_TEST

START_TEST(the_asked_one_leaves)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	ask(ann, "zoe@old", "k1");
	(void)asked(p, "ann");
	say(p->link, "{s:s,s:s,s:s}", "type", "bridge_peer_update",
	    "action", "leave", "name", "zoe");
	failed(ann, "k1", "peer_gone");
	plain_end(p);
}
END_TEST

START_TEST(asks_to_the_hub)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*bob = client_new(p->env, "bob", NULL);
	json_t		*j;

	(void)plain_link(p, plain_zoe());
	plain_forward(p, "bob", json_pack("{s:s,s:s,s:s,s:s}", "type",
	    "incoming_ask", "from", "zoe@liar", "question", "why?",
	    "ask_id", "k1"));
	j = hear(bob, "incoming_ask");
	has_only(j, "type from question ask_id");
	is_str(j, "from", "zoe@old");
	is_str(j, "question", "why?");
	say(bob, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    str_of(j, "ask_id"), "text", "because");
	j = forwarded(p, "zoe", "incoming_reply", "bob");
	is_str(j, "text", "because");
	is_str(j, "ask_id", "k1");
	quiet(bob, NULL);
	plain_end(p);
}
END_TEST

/* As one of its sessions asks everybody. */
START_TEST(a_broadcast_to_the_hub)
{
	static const char *const ids[] = { "bc:ann", "bc:bob" };
	struct plainhub	*p = plain_begin(0);
	struct conn	*peer[2];
	json_t		*j;
	int		 i;

	peer[0] = client_new(p->env, "ann", NULL);
	peer[1] = client_new(p->env, "bob", NULL);
	(void)plain_link(p, plain_zoe());
	for (i = 0; i < 2; i++)
		plain_forward(p, ids[i] + 3,
		    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}",
		    "type", "incoming_ask", "from", "zoe", "question",
		    "why?", "ask_id", ids[i], "broadcast_id", "bc",
		    "thread_id", "bc"));
	for (i = 0; i < 2; i++) {
		j = hear(peer[i], "incoming_ask");
		is_str(j, "from", "zoe@old");
		is_str(j, "broadcast_id", "bc");
		is_str(j, "thread_id", "bc");
		say(peer[i], "{s:s,s:s,s:s}", "type", "reply",
		    "ask_id", str_of(j, "ask_id"), "text", "because");
		j = forwarded(p, "zoe", "incoming_reply", ids[i] + 3);
		is_str(j, "ask_id", ids[i]);
		is_str(j, "broadcast_id", "bc");
		is_str(j, "text", "because");
	}
	plain_end(p);
}
END_TEST

START_TEST(a_broadcast_from_the_hub)
{
	static const char *const names[] = { "zoe", "yan" };
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	struct conn	*bob = client_new(p->env, "bob", NULL);
	json_t		*j, *w[2] = { NULL, NULL };
	int		 i, k;

	(void)plain_link(p, json_pack("[o,o]", plain_peer("zoe"),
	    plain_peer("yan")));
	(void)sees(ann, "zoe@old");
	(void)sees(ann, "yan@old");
	j = rpc(ann, "{s:s,s:s,s:s}", "type", "broadcast",
	    "question", "why?", "broadcast_id", "bc");
	is_str(j, "type", "broadcast_ack");
	is_int(j, "peer_count", 3);
	is_str(hear(bob, "incoming_ask"), "broadcast_id", "bc");
	for (i = 0; i < 2; i++) {
		/* in whatever order */
		j = hear(p->link, "bridge_forward");
		k = strcmp(str_of(j, "target_peer"), "zoe") != 0;
		is_str(j, "target_peer", names[k]);
		w[k] = json_object_get(j, "wrapped");
		is_str(w[k], "type", "incoming_ask");
		is_str(w[k], "question", "why?");
		is_str(w[k], "broadcast_id", "bc");
	}
	for (i = 0; i < 2; i++) {
		answer(p, "ann", names[i], str_of(w[i], "ask_id"), names[i]);
		j = hear(ann, "incoming_reply");
		is_str(j, "from", i == 0 ? "zoe@old" : "yan@old");
		is_str(j, "text", names[i]);
		is_str(j, "broadcast_id", "bc");
	}
	quiet(ann, NULL);
	plain_end(p);
}
END_TEST

/* Each is ignored; what comes after it is not. */
START_TEST(names_that_are_none)
{
	static const char *const bad[] = {
		"eve@far", "e ve", "", "eve/..", "..", "\xc3\xa9ve"
	};
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	char		*longest = t_fill('e', 65);
	size_t		 i;

	(void)plain_link(p, plain_zoe());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		say_join(p, bad[i]);
	say_join(p, longest);
	longest[64] = '\0';
	say_join(p, longest);
	say_join(p, "eve");
	(void)sees(ann, "eve@old");
	is_list(rpc(ann, "{s:s}", "type", "list_peers"), "peers", 3);
	/* eve@far is eve: it is the hub that cannot be claimed */
	for (i = 1; i < sizeof(bad) / sizeof(bad[0]); i++)
		plain_message(p, "ann", bad[i], (int)i, "from nobody");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		plain_message(p, bad[i], "zoe", (int)i, "to nobody");
	plain_message(p, "ann", "zoe", 20, "from zoe");
	gets_message(ann, 20, "from zoe");
	quiet(ann, NULL);
	free(longest);
	plain_end(p);
}
END_TEST

START_TEST(things_it_does_not_know)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	say_text(p->link, "");
	say(p->link, "{s:s,s:s}", "type", "bridge_tea", "sugar", "two");
	say(p->link, "{s:s,s:s,s:s}", "type", "bridge_peer_update",
	    "action", "dance", "name", "zoe");
	say(p->link, "{s:s,s:s,s:s}", "type", "bridge_peer_update",
	    "action", "leave", "name", "who");
	plain_forward(p, "ann", json_pack("{s:s,s:s,s:s}",
	    "type", "incoming_tea", "from", "zoe", "text", "x"));
	answer(p, "ann", "zoe", "never-asked", "x");
	plain_message(p, "ann", "zoe", 1, "after all that");
	gets_message(ann, 1, "after all that");
	quiet(ann, NULL);
	(void)sees(ann, "zoe@old");
	plain_end(p);
}
END_TEST

START_TEST(a_line_that_is_not_json)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	say_text(p->link, "{\"type\":\"bridge_forward\",");
	want(conn_closes(p->link, T_WAIT), "not closed");
	plain_cut(p, ann);
	hub_serves(p->env);
	quiet(ann, NULL);
	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	next_is(p, ann, "ann", "x");
	plain_end(p);
}
END_TEST

/* Each of its characters is two on the link. */
START_TEST(a_line_too_long_for_it)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", FEATURES);
	char		*quotes = t_fill('"', TEXT_MAX);
	char		*large = t_fill('x', TEXT_MAX), *id[2];
	json_t		*j;
	int		 i;

	(void)send_text(ann, "zoe@old", "before", "queued");
	id[0] = xstrdup(send_text(ann, "zoe@old", quotes, "queued"));
	(void)send_text(ann, "zoe@old", "between", "queued");
	(void)plain_link(p, plain_zoe());
	carried(p, "ann", NULL, "before");
	carried(p, "ann", NULL, "between");
	(void)sees(ann, "zoe@old");
	id[1] = xstrdup(send_text(ann, "zoe@old", quotes, "queued"));
	next_is(p, ann, "ann", "after");
	next_is(p, ann, "ann", large);
	for (i = 0; i < 2; i++) {
		j = hear_with(ann, "receipt", "msg_id", id[i]);
		is_str(j, "peer", "zoe@old");
		is_str(j, "state", "expired");
		free(id[i]);
	}
	free(quotes);
	free(large);
	plain_end(p);
}
END_TEST

/* One that does not read costs nobody else anything, and gets it all later. */
START_TEST(a_slow_reader)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", FEATURES);
	struct conn	*ben = client_new(p->env, "ben", FEATURES);
	char		*body = t_fill('x', SLOW_BYTES), text[16];
	json_t		*j;
	int		 i;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	p->link->mute = 1;
	for (i = 0; i < SLOW_MESSAGES; i++) {
		snprintf(text, sizeof(text), "%08d", i);
		memcpy(body, text, 8);
		(void)send_text(ann, "zoe@old", body, "queued");
	}
	/* what is not kept is refused, and what stays here goes on */
	(void)send_text(ann, "ben", "here", "delivered");
	is_str(hear(ben, "incoming_message"), "text", "here");
	p->link->mute = 0;
	for (i = 0; i < SLOW_MESSAGES; i++) {
		j = forwarded(p, "zoe", "incoming_message", "ann");
		snprintf(text, sizeof(text), "%08d", i);
		want(strncmp(str_of(j, "text"), text, 8) == 0,
		    "message %s is not next", text);
	}
	free(body);
	plain_end(p);
}
END_TEST

START_TEST(status_has_the_link)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", FEATURES);
	json_t		*hub;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	hub = json_object_get(rpc(ann, "{s:s}", "type", "status"), "hub");
	is_str(hub, "hub_id", "alpha");
	want(find_in(json_object_get(hub, "links"), "hub_id", "old") != NULL,
	    "no link to old: %s", show(hub));
	plain_end(p);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("plainlink");

	(void)argc;
	test_add(s, messages_to_the_hub, 30);
	test_add(s, messages_to_one_who_is_away, 40);
	test_add(s, a_message_with_more_to_it, 30);
	test_add(s, messages_from_the_hub, 30);
	test_add(s, kept_until_there_is_a_link, 40);
	test_add(s, kept_over_a_restart, 90);
	test_add(s, asks_from_the_hub, 30);
	test_add(s, an_ask_in_a_thread, 30);
	test_add(s, the_link_is_cut_during_an_ask, 30);
	test_add(s, the_asked_one_leaves, 30);
	test_add(s, asks_to_the_hub, 30);
	test_add(s, a_broadcast_to_the_hub, 30);
	test_add(s, a_broadcast_from_the_hub, 30);
	test_add(s, names_that_are_none, 30);
	test_add(s, things_it_does_not_know, 30);
	test_add(s, a_line_that_is_not_json, 30);
	test_add(s, a_line_too_long_for_it, 40);
	test_add(s, a_slow_reader, 60);
	test_add(s, status_has_the_link, 30);
	return (test_main(argv[0], s));
}
