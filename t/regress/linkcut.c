/* SPDX-License-Identifier: ISC */
/*
 * The promise between two hubs: what was acknowledged arrives, in order and
 * once, though links are cut, hubs stopped and processes killed.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fed.h"

#define NFEW		20
#define NMANY		2000
#define IN_FLIGHT	600	/* on their way to bob */
#define CUT_AFTER	200	/* messages */
#define KEEP_ALL	"keep 5000 messages per mailbox\n"
#define BIG		350000	/* characters; 2 MiB of JSON */

/* Messages number from to number to - 1. */
static void
send_some(struct conn *c, const char *to, int from, int end)
{
	char	text[16];

	for (; from < end; from++) {
		snprintf(text, sizeof(text), "n%d", from);
		(void)send_text(c, to, text, "queued");
	}
}

/* They are all of the inbox, in order. */
static void
mail_is(struct conn *c, const char *from, int n)
{
	json_t	*list, *j;
	char	 text[16];
	int	 i;

	j = rpc(c, "{s:s,s:i}", "type", "inbox", "limit", 100);
	list = is_list(j, "messages", (size_t)n);
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		is_str(json_array_get(list, (size_t)i), "from", from);
		is_str(json_array_get(list, (size_t)i), "text", text);
	}
}

/* All that has been sent before has arrived when this has. */
static void
flushed(struct fed *f)
{
	struct conn	*c = client_new(f->b, "last", FEATURES);

	(void)meets(f->ann, "last@beta");
	(void)send_text(f->ann, "last@beta", "last", "queued");
	(void)gets(c, "ann@alpha", "last");
	conn_close(c);
	(void)misses(f->ann, "last@beta");
}

static void
stop(struct tenv *t)
{
	int	status = hub_stop(t, SIGTERM);

	want(status == 0, "the hub ended with status 0x%x", status);
}

/* And its session comes back. */
static void
start(struct tenv *t, struct conn **c, const char *name)
{
	conn_close(*c);
	fed_start(t);
	*c = client_new(t, name, FEATURES);
}

START_TEST(the_link_is_down)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	int		 i;
	char		 text[16];

	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	send_some(f->ann, "bob@beta", 0, NFEW);
	quiet(f->bob, NULL);
	wire_closed(f->wire, 0);
	for (i = 0; i < NFEW; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		(void)gets(f->bob, "ann@alpha", text);
	}
	wire_cut(f->wire);
	send_some(f->ann, "bob@beta", NFEW, NFEW + 1);
	(void)gets(f->bob, "ann@alpha", "n20");
	quiet(f->bob, NULL);
	mail_is(f->bob, "ann@alpha", NFEW + 1);
	fed_end(f);
}
END_TEST

START_TEST(the_other_hub_is_off)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	stop(f->b);
	unlinked(f->ann, "beta");
	send_some(f->ann, "bob@beta", 0, NFEW);
	start(f->b, &f->bob, "other");
	linked(f->ann, "beta");
	send_some(f->ann, "bob@beta", NFEW, NFEW + 1);
	flushed(f);
	mail_is(client_new(f->b, "bob", FEATURES), "ann@alpha", NFEW + 1);
	fed_end(f);
}
END_TEST

static void
restart_own(int killed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	send_some(f->ann, "bob@beta", 0, NFEW);
	if (killed)
		fed_kill(f->a);
	else
		stop(f->a);
	start(f->a, &f->ann, "ann");
	send_some(f->ann, "bob@beta", NFEW, NFEW + 1);
	wire_closed(f->wire, 0);
	flushed(f);
	mail_is(f->bob, "ann@alpha", NFEW + 1);
	fed_end(f);
}

START_TEST(our_own_hub_is_stopped)
{
	restart_own(0);
}
END_TEST

START_TEST(our_own_hub_is_killed)
{
	restart_own(1);
}
END_TEST

static void
restart_both(int own_first)
{
	struct fed	*f = fed_begin(FED_BOTH_WAYS, NULL);

	stop(f->b);
	send_some(f->ann, "bob@beta", 0, NFEW);
	stop(f->a);
	if (own_first) {
		start(f->a, &f->ann, "ann");
		start(f->b, &f->bob, "bob");
	} else {
		start(f->b, &f->bob, "bob");
		start(f->a, &f->ann, "ann");
	}
	flushed(f);
	mail_is(f->bob, "ann@alpha", NFEW);
	fed_end(f);
}

START_TEST(both_are_stopped)
{
	restart_both(0);
}
END_TEST

START_TEST(both_are_stopped_and_ours_is_first)
{
	restart_both(1);
}
END_TEST

/* At whatever moment: he has them once, and in order. */
START_TEST(the_other_hub_is_killed)
{
	struct fed	*f = fed_begin(FED_BOTH_WAYS, NULL);
	int		 i;

	for (i = 0; i < 3; i++) {
		send_some(f->ann, "bob@beta", i * 30, i * 30 + 30);
		fed_kill(f->b);
		start(f->b, &f->bob, "bob");
	}
	flushed(f);
	mail_is(f->bob, "ann@alpha", 90);
	fed_end(f);
}
END_TEST

/* Only the parent: the others follow, and the port is free again. */
START_TEST(a_parent_is_killed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	(void)hub_kill(f->b, NULL);
	start(f->b, &f->bob, "bob");
	send_some(f->ann, "bob@beta", 0, 1);
	(void)gets(f->bob, "ann@alpha", "n0");
	fed_end(f);
}
END_TEST

/* Sends without waiting for each answer; takes what comes. */
struct stream {
	struct fed	*f;
	int		 sent, acked, got;
	int		 cut_at;	/* of those that bob got */
	int		 cuts;		/* before the short link */
};

/*
 * Cuts the link when bob has got some more; the next one carries a few
 * messages and a part of one, and none of their acknowledgements.
 */
static void
stream_cut(struct stream *s)
{
	struct wire	*w = s->f->wire;

	if (s->got >= s->cut_at) {
		wire_life(w, 8000 + (size_t)s->got * 13);
		wire_cut(w);
		s->cuts = wire_cuts(w);
		s->cut_at = s->got + CUT_AFTER;
	} else if (s->cuts > 0 && wire_cuts(w) > s->cuts) {
		wire_life(w, 0);
		s->cuts = 0;
	}
}

static void
stream_turn(struct stream *s)
{
	struct conn	*ann = s->f->ann, *bob = s->f->bob;
	struct line	*l;
	char		 text[256];

	for (; s->sent < NMANY && s->sent - s->got < IN_FLIGHT; s->sent++) {
		snprintf(text, sizeof(text), "n%d-%0200d", s->sent, 0);
		say(ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob@beta",
		    "text", text);
	}
	while ((l = TAILQ_FIRST(&ann->lines)) != NULL) {
		TAILQ_REMOVE(&ann->lines, l, entry);
		is_str(l->json, "type", "send_ack");
		s->acked++;
		line_free(l);
	}
	while ((l = TAILQ_FIRST(&bob->lines)) != NULL) {
		TAILQ_REMOVE(&bob->lines, l, entry);
		is_str(l->json, "type", "incoming_message");
		snprintf(text, sizeof(text), "n%d-%0200d", s->got, 0);
		is_str(l->json, "text", text);
		s->got++;
		line_free(l);
	}
	stream_cut(s);
}

static int
all_there(void *arg)
{
	struct stream	*s = arg;

	stream_turn(s);
	return (s->acked == NMANY && s->got >= NMANY);
}

START_TEST(cut_again_and_again)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, KEEP_ALL);
	struct stream	 s = { .f = f, .cut_at = CUT_AFTER };
	int		 cuts;

	want(t_until(f->a, all_there, &s, 60000),
	    "%d sent, %d acknowledged, %d received after %d cuts", s.sent,
	    s.acked, s.got, wire_cuts(f->wire));
	cuts = wire_cuts(f->wire);
	want(cuts >= 4, "the link was cut %d times only", cuts);
	wire_life(f->wire, 0);
	wire_cut(f->wire);
	flushed(f);
	quiet(f->bob, NULL);
	want(s.got == NMANY, "%d came", s.got);
	fed_end(f);
}
END_TEST

START_TEST(cut_in_a_message)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	char		*big = t_fill('\1', BIG);
	int		 cuts = wire_cuts(f->wire);

	wire_life(f->wire, 1024 * 1024);
	(void)send_text(f->ann, "bob@beta", big, "queued");
	unlinked(f->ann, "beta");
	want(wire_cuts(f->wire) > cuts, "it was not cut");
	quiet(f->bob, NULL);
	wire_life(f->wire, 0);
	(void)gets(f->bob, "ann@alpha", big);
	(void)send_text(f->bob, "ann@alpha", big, "queued");
	(void)gets(f->ann, "bob@beta", big);
	(void)send_text(f->ann, "bob@beta", "x", "queued");
	(void)gets(f->bob, "ann@alpha", "x");
	quiet(f->bob, NULL);
	free(big);
	fed_end(f);
}
END_TEST

/* Both at once, with more than a socket takes. */
START_TEST(big_ones_both_ways)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	char		*big = t_fill('x', 524288);
	int		 i;

	for (i = 0; i < 8; i++) {
		(void)send_text(f->ann, "bob@beta", big, "queued");
		(void)send_text(f->bob, "ann@alpha", big, "queued");
	}
	for (i = 0; i < 8; i++) {
		(void)gets(f->bob, "ann@alpha", big);
		(void)gets(f->ann, "bob@beta", big);
	}
	free(big);
	fed_end(f);
}
END_TEST

static int
another_bridged(void *arg)
{
	struct fed	*f = arg;

	return (child_pid(f->a, "bridged") != 0);
}

START_TEST(bridged_is_killed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES);
	pid_t		 pid;
	int		 i;

	for (i = 0; i < 2; i++) {
		pid = child_pid(i == 0 ? f->a : f->b, "bridged");
		want(pid != 0, "there is no bridged");
		send_some(f->ann, "bob@beta", i * 10, i * 10 + 5);
		kill(pid, SIGKILL);
		send_some(f->ann, "bob@beta", i * 10 + 5, i * 10 + 10);
		(void)send_text(f->ann, "liz", "x", "delivered");
		(void)gets(liz, "ann", "x");
		(void)meets(f->ann, "bob@beta");
		flushed(f);
		want(t_until(f->a, another_bridged, f, T_WAIT),
		    "there is no bridged");
		conn_close(liz);
		liz = client_new(f->a, "liz", FEATURES);
	}
	mail_is(f->bob, "ann@alpha", 20);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkcut");

	(void)argc;
	test_add(s, the_link_is_down, 60);
	test_add(s, the_other_hub_is_off, 60);
	test_add(s, our_own_hub_is_stopped, 60);
	test_add(s, our_own_hub_is_killed, 60);
	test_add(s, both_are_stopped, 60);
	test_add(s, both_are_stopped_and_ours_is_first, 60);
	test_add(s, the_other_hub_is_killed, 60);
	test_add(s, a_parent_is_killed, 60);
	test_add(s, cut_again_and_again, 90);
	test_add(s, cut_in_a_message, 60);
	test_add(s, big_ones_both_ways, 60);
	test_add(s, bridged_is_killed, 60);
	return (test_main(argv[0], s));
}
