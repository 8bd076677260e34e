/* SPDX-License-Identifier: ISC */
/*
 * A hub that is linked in several ways at once, by bridged and by the uplink.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubtest.h"
#include "twohubs.h"

/* Relays have these ranks. */
#define NEAR	LINK_RANK_RELAY
#define FAR	(LINK_RANK_RELAY + 1)

static void
update(struct hubtest *t, int carrier, uint32_t link, const char *action,
    const char *name)
{
	if (strcmp(action, "join") == 0)
		says(t, carrier, link, "{s:s,s:s,s:{s:s}}", "type",
		    "bridge_peer_update", "action", action, "peer", "name",
		    name);
	else if (name != NULL)
		says(t, carrier, link, "{s:s,s:s,s:s}", "type",
		    "bridge_peer_update", "action", action, "name", name);
	else
		says(t, carrier, link, "{s:s,s:s,s:I,s:i}", "type",
		    "bridge_peer_update", "action", action, "started",
		    (json_int_t)t->started, "seq", t->tellings);
}

/* It tells all: sessions with these names, one letter each. */
static void
tells(struct hubtest *t, int carrier, uint32_t link, const char *names)
{
	char	 name[2] = "";

	t->tellings++;
	update(t, carrier, link, "begin", NULL);
	for (; *names != '\0'; names++) {
		name[0] = *names;
		update(t, carrier, link, "join", name);
	}
	update(t, carrier, link, "all", NULL);
}

/* All is told on that link, up to its end. */
static void
is_told(struct hubtest *t, int carrier, uint32_t link, const char *name)
{
	const char	*type = "bridge_peer_update";
	const json_t	*j;

	hears(t, carrier, link, type, "action", "begin");
	j = hears(t, carrier, link, type, "action", "join");
	is_str(json_object_get(j, "peer"), "name", name);
	hears(t, carrier, link, type, "action", "all");
}

/* It has not been given anything that was not heard. */
static void
nothing_on(struct hubtest *t, int carrier, uint32_t link)
{
	struct given	*g;

	(void)turn(t);
	TAILQ_FOREACH(g, &t->all, entry)
		want(g->carrier != carrier || g->link != link,
		    "link %u was given %s", link, show(g->json));
}

/* The session asks x@other, whose hub hears it on that link. */
static void
asks(struct hubtest *t, struct conn *c, const char *ask_id, int carrier,
    uint32_t link)
{
	two_sees(c, "x@other", 1);
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "x@other",
	    "question", "why?", "ask_id", ask_id);
	hears(t, carrier, link, "bridge_forward", "ask_id", ask_id);
}

/* x@other answers on that link. */
static void
answers(struct hubtest *t, struct conn *c, const char *ask_id, int carrier,
    uint32_t link)
{
	says(t, carrier, link, "{s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "type",
	    "bridge_forward", "target_peer", "a", "wrapped", "type",
	    "incoming_reply", "from", "x", "text", "so", "ask_id", ask_id);
	is_str(hear_with(c, "incoming_reply", "ask_id", ask_id), "from",
	    "x@other");
}

/* A message to x@other is on its way on that link; its number there. */
static json_int_t
carried(struct hubtest *t, const char *text, int carrier, uint32_t link)
{
	return (int_of(hears(t, carrier, link, "bridge_forward", "text",
	    text), "seq"));
}

/* The next message on that link must be that one. */
static void
carried_next(struct hubtest *t, const char *text, int carrier, uint32_t link)
{
	const json_t	*j = hears(t, carrier, link, "bridge_forward", "seq",
	    NULL);

	is_str(json_object_get(j, "wrapped"), "text", text);
}

static void
acks(struct hubtest *t, json_int_t seq, int carrier, uint32_t link)
{
	says(t, carrier, link, "{s:s,s:I,s:s}", "type", "bridge_ack", "seq",
	    seq, "state", "pushed");
}

/* A message of x's to a. */
static void
sends(struct hubtest *t, const char *msg_id, int seq, int carrier,
    uint32_t link)
{
	says(t, carrier, link, "{s:s,s:s,s:i,s:{s:s,s:s,s:s,s:s,s:n,s:s}}",
	    "type", "bridge_forward", "target_peer", "a", "seq", seq,
	    "wrapped", "type", "incoming_message", "from", "x", "text",
	    "hello", "msg_id", msg_id, "reply_to", "ts",
	    "2026-01-01T00:00:00.000Z");
}

START_TEST(test_down)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	asks(t, a, "two", LAN, 1);
	nothing_on(t, UPLINK, 1);
	down(t, LAN, 1);
	is_told(t, UPLINK, 1, "a");
	answers(t, a, "one", UPLINK, 1);
	asks(t, a, "three", UPLINK, 1);
	tells(t, UPLINK, 1, "x");
	answers(t, a, "three", UPLINK, 1);
	answers(t, a, "two", UPLINK, 1);
	/* the last one: nobody can answer any more */
	asks(t, a, "four", UPLINK, 1);
	down(t, UPLINK, 1);
	is_str(hear_with(a, "err", "ask_id", "four"), "code", "peer_gone");
	two_sees(a, "x@other", 0);
	hubtest_end(t);
}
END_TEST

START_TEST(test_up)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, FAR);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", UPLINK, 1);
	up(t, UPLINK, 2, NEAR);
	is_told(t, UPLINK, 2, "a");
	asks(t, a, "two", UPLINK, 2);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	asks(t, a, "three", LAN, 1);
	/* what was on its way */
	answers(t, a, "two", UPLINK, 1);
	answers(t, a, "one", UPLINK, 2);
	answers(t, a, "three", LAN, 1);
	quiet(a, "err");
	hubtest_end(t);
}
END_TEST

START_TEST(test_resent)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_int_t	 one, two, three;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	up(t, UPLINK, 1, NEAR);
	send_text(a, "x@other", "one", "queued");
	send_text(a, "x@other", "two", "queued");
	send_text(a, "x@other", "three", "queued");
	one = carried(t, "one", LAN, 1);
	two = carried(t, "two", LAN, 1);
	three = carried(t, "three", LAN, 1);
	/* acknowledged where it was not sent */
	acks(t, one, UPLINK, 1);
	down(t, LAN, 1);
	carried_next(t, "two", UPLINK, 1);
	carried_next(t, "three", UPLINK, 1);
	/* there came an end before the acknowledgement of this one */
	acks(t, two, UPLINK, 1);
	up(t, LAN, 2, LINK_RANK_LAN);
	is_told(t, LAN, 2, "a");
	carried_next(t, "three", LAN, 2);
	/* on both ways, one of them late */
	acks(t, three, LAN, 2);
	acks(t, three, UPLINK, 1);
	send_text(a, "x@other", "four", "queued");
	carried_next(t, "four", LAN, 2);
	down(t, UPLINK, 1);
	down(t, LAN, 2);
	up(t, UPLINK, 3, NEAR);
	carried_next(t, "four", UPLINK, 3);
	hubtest_end(t);
}
END_TEST

START_TEST(test_once)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_int_t	 seq = 0;
	unsigned	 again = 0;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "x");
	up(t, UPLINK, 1, NEAR);
	sends(t, "m-1", 7, LAN, 1);
	is_int(hears(t, LAN, 1, "bridge_ack", "seq", NULL), "seq", 7);
	is_str(hear(a, "incoming_message"), "msg_id", "m-1");
	sends(t, "m-2", 8, LAN, 1);
	down(t, LAN, 1);
	/* the other hub has seen no acknowledgement, and sends both again */
	sends(t, "m-1", 7, UPLINK, 1);
	sends(t, "m-2", 8, UPLINK, 1);
	sends(t, "m-3", 9, UPLINK, 1);
	while (seq != 9) {
		seq = int_of(hears(t, UPLINK, 1, "bridge_ack", "seq", NULL),
		    "seq");
		again |= 1U << seq;
	}
	want(again == (7U << 7), "acknowledged: %x", again);
	is_str(hear(a, "incoming_message"), "msg_id", "m-2");
	is_str(hear(a, "incoming_message"), "msg_id", "m-3");
	quiet(a, "incoming_message");
	hubtest_end(t);
}
END_TEST

START_TEST(test_told_again)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_t		*room;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "xy");
	says(t, LAN, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room", "action",
	    "join", "room", "old", "name", "x");
	says(t, LAN, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room", "action",
	    "join", "room", "kept", "name", "x");
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	/* it changes before we do; x stays, y goes, z comes */
	t->tellings++;
	update(t, UPLINK, 1, "begin", NULL);
	update(t, UPLINK, 1, "join", "z");
	two_sees(a, "z@other", 1);
	two_sees(a, "y@other", 1);
	update(t, UPLINK, 1, "join", "x");
	says(t, UPLINK, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room",
	    "action", "join", "room", "kept", "name", "x");
	update(t, UPLINK, 1, "all", NULL);
	two_sees(a, "y@other", 0);
	two_sees(a, "x@other", 1);
	room = is_list(rpc(a, "{s:s}", "type", "list_rooms"), "rooms", 1);
	is_str(json_array_get(room, 0), "name", "kept");
	/* what was told earlier comes later, and does not count */
	update(t, LAN, 1, "leave", "x");
	update(t, LAN, 1, "join", "v");
	t->tellings--;
	tells(t, LAN, 1, "w");
	t->tellings--;
	update(t, LAN, 1, "begin", NULL);
	update(t, LAN, 1, "join", "u");
	t->tellings++;
	answers(t, a, "one", LAN, 1);
	two_sees(a, "u@other", 0);
	two_sees(a, "v@other", 0);
	two_sees(a, "x@other", 1);
	two_sees(a, "z@other", 1);
	update(t, UPLINK, 1, "leave", "z");
	two_sees(a, "z@other", 0);
	hubtest_end(t);
}
END_TEST

/* Until the other hub has seen it, too, nothing changes. */
START_TEST(test_authority_gone)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	up(t, UPLINK, 1, NEAR);
	tells(t, LAN, 1, "xy");
	two_sees(a, "y@other", 1);
	down(t, LAN, 1);
	is_told(t, UPLINK, 1, "a");
	update(t, UPLINK, 1, "join", "z");
	asks(t, a, "one", UPLINK, 1);
	two_sees(a, "z@other", 0);
	two_sees(a, "x@other", 1);
	two_sees(a, "y@other", 1);
	tells(t, UPLINK, 1, "x");
	two_sees(a, "y@other", 0);
	answers(t, a, "one", UPLINK, 1);
	hubtest_end(t);
}
END_TEST

START_TEST(test_carrier_dies)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	up(t, UPLINK, 1, NEAR);
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	carrier_end(t, LAN);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	/* another one, whose numbers begin anew */
	carrier_begin(t, LAN);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	up(t, UPLINK, 2, FAR);
	carrier_end(t, UPLINK);
	tells(t, LAN, 1, "x");
	answers(t, a, "one", LAN, 1);
	quiet(a, "err");
	asks(t, a, "two", LAN, 1);
	carrier_end(t, LAN);
	is_str(hear_with(a, "err", "ask_id", "two"), "code", "peer_gone");
	two_sees(a, "x@other", 0);
	hubtest_end(t);
}
END_TEST

/* One link in place of another of its kind. */
START_TEST(test_replaced)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, NEAR);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	up(t, UPLINK, 2, NEAR);
	is_told(t, UPLINK, 2, "a");
	hears(t, UPLINK, 1, "#close", "why", NULL);
	two_sees(a, "x@other", 0);
	/* what still comes of the old one */
	down(t, UPLINK, 1);
	update(t, UPLINK, 1, "join", "y");
	tells(t, UPLINK, 2, "x");
	two_sees(a, "x@other", 1);
	two_sees(a, "y@other", 0);
	/* with another way it is a change, to and fro */
	up(t, UPLINK, 3, FAR);
	asks(t, a, "one", UPLINK, 2);
	up(t, UPLINK, 4, NEAR);
	is_told(t, UPLINK, 3, "a");
	is_told(t, UPLINK, 4, "a");
	hears(t, UPLINK, 2, "#close", "why", NULL);
	answers(t, a, "one", UPLINK, 3);
	hubtest_end(t);
}
END_TEST

/* A hub without acknowledgements goes, and comes back. */
START_TEST(test_plain)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up_as(t, LAN, 1, LINK_RANK_LAN, NULL, "[{\"name\":\"x\"}]");
	is_str(json_object_get(hears(t, LAN, 1, "bridge_peer_update",
	    "action", "join"), "peer"), "name", "a");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	down(t, LAN, 1);
	is_str(hear_with(a, "err", "ask_id", "one"), "code", "peer_gone");
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	asks(t, a, "two", UPLINK, 1);
	up_as(t, LAN, 2, LINK_RANK_LAN, NULL, "[{\"name\":\"y\"}]");
	is_str(hear_with(a, "err", "ask_id", "two"), "code", "peer_gone");
	two_sees(a, "y@other", 1);
	two_sees(a, "x@other", 0);
	nothing_on(t, LAN, 1);
	hubtest_end(t);
}
END_TEST

/* The other hub is a new process: it knows nothing of old questions. */
START_TEST(test_started_again)
{
	struct hubtest	*t = hubtest_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, NEAR);
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", UPLINK, 1);
	up(t, LAN, 1, LINK_RANK_LAN);
	t->started = 2;
	t->tellings = 0;
	tells(t, LAN, 1, "x");
	is_str(hear_with(a, "err", "ask_id", "one"), "code", "peer_gone");
	asks(t, a, "two", LAN, 1);
	answers(t, a, "two", LAN, 1);
	hubtest_end(t);
}
END_TEST

/* The same key is asked about by two processes. */
START_TEST(test_verdict)
{
	struct hubtest	*t = hubtest_both();
	struct link_key	 m = { .hub_id = "other" };
	struct wbuf	 w = { 0 };

	memset(m.key, 'a', LINK_KEY_SIZE - 1);
	link_key_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, 5, -1, &w, NULL);
	hears(t, UPLINK, 5, "#verdict", "verdict", NULL);
	carrier_end(t, UPLINK);
	carrier_begin(t, UPLINK);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, 6, -1, &w, NULL);
	hears(t, UPLINK, 6, "#verdict", "verdict", NULL);
	wbuf_free(&w);
	hubtest_end(t);
}
END_TEST

static json_t *
shown_links(struct hubtest *t)
{
	struct output	*o = run(t->env, NULL, "hubctl", "-j", "show",
	    "links", NULL);
	json_t		*j = tenv_keep(t->env, json_loads(o->out, 0, NULL));

	want(o->status == 0 && j != NULL, "%s", o->err);
	output_free(o);
	return (json_object_get(j, "links"));
}

START_TEST(test_shown)
{
	struct hubtest		*t = hubtest_both();
	struct conn		*a = client_new(t->env, "a", FEATURES);
	struct link_relay	 m = { .relay = 0, .state = LINK_IS_UP,
	    .hubs = 1, .url = "wss://relay.example.org" };
	struct wbuf		 w = { 0 };
	struct output		*o;
	const json_t		*j;

	link_relay_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_RELAY, 0, -1, &w, NULL);
	wbuf_free(&w);
	up(t, UPLINK, 1, NEAR);
	is_told(t, UPLINK, 1, "a");
	j = find_in(shown_links(t), "hub_id", "other");
	is_str(j, "kind", "relay");
	is_str(j, "state", "up");
	is_str(j, "where", m.url);
	j = find_in(shown_links(t), "hub_id", "");
	is_str(j, "kind", "uplink");
	is_str(j, "where", m.url);
	is_str(j, "state", "up");
	is_int(j, "peers", 1);
	o = run(t->env, NULL, "hubctl", "show", "links", NULL);
	want(o->status == 0 && strstr(o->out, "uplink") != NULL, "%s",
	    o->out);
	output_free(o);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	is_str(find_in(shown_links(t), "hub_id", "other"), "kind", "lan");
	j = json_object_get(rpc(a, "{s:s}", "type", "status"), "hub");
	is_str(json_array_get(is_list(j, "links", 1), 0), "kind", "lan");
	hubtest_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("ways");

	(void)argc;
	test_add(s, test_down, 60);
	test_add(s, test_up, 60);
	test_add(s, test_resent, 60);
	test_add(s, test_once, 60);
	test_add(s, test_told_again, 60);
	test_add(s, test_authority_gone, 60);
	test_add(s, test_carrier_dies, 60);
	test_add(s, test_replaced, 60);
	test_add(s, test_plain, 60);
	test_add(s, test_started_again, 60);
	test_add(s, test_verdict, 60);
	test_add(s, test_shown, 60);
	return (test_main(argv[0], s));
}
