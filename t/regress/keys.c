/* SPDX-License-Identifier: ISC */
/*
 * Keys of other hubs: what the uplink is told of them, and what a person says
 * and sees of them with hubctl.
 */
#include "compat.h"

#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>

#include "fed.h"
#include "hubtest.h"
#include "pairproto.h"

#define A	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BIG_B	"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" \
		"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define OWN	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define NEAR	LINK_RANK_RELAY
#define FAR	(NEAR + 1)

/* Ids of what the uplink asks. */
static uint32_t		 last_id = 100;

static struct hubtest *
begin(int strict)
{
	struct hubtest	*t = hubtest_begin(strict);

	carrier_begin(t, LAN);
	carrier_begin(t, UPLINK);
	return (t);
}

/* The uplink asks about a key, without waiting for the verdict. */
static uint32_t
asks(struct hubtest *t, const char *hub, const char *key)
{
	struct link_key	 m = { .key = "" };
	struct wbuf	 w = { 0 };

	strlcpy(m.hub_id, hub, sizeof(m.hub_id));
	strlcpy(m.key, key, sizeof(m.key));
	link_key_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, ++last_id, -1, &w, NULL);
	wbuf_free(&w);
	(void)turn(t);
	return (last_id);
}

static void
verdict(struct hubtest *t, const char *key, enum key_verdict v)
{
	uint32_t	 id = asks(t, "other", key);

	is_int(hears(t, UPLINK, id, "#verdict", "verdict", NULL), "verdict",
	    v);
}

/* What it prints; its status must be that one. */
static const char *
hubctl(struct hubtest *t, int code, const char *a, const char *b,
    const char *c)
{
	static char	 text[8192];
	struct output	*o = run(t->env, NULL, "hubctl", a, b, c, NULL);

	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == code,
	    "hubctl %s: status 0x%x; %s%s", a, o->status, o->out, o->err);
	snprintf(text, sizeof(text), "%s%s", o->out, o->err);
	output_free(o);
	return (text);
}

static void
says_that(const char *text, const char *part)
{
	want(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static json_t *
shown(struct hubtest *t)
{
	struct output	*o = run(t->env, NULL, "hubctl", "-j", "show", "keys",
	    NULL);
	json_t		*j = tenv_keep(t->env, json_loads(o->out, 0, NULL));

	want(o->status == 0 && j != NULL, "%s", o->err);
	output_free(o);
	return (json_object_get(j, "keys"));
}

/* The keys that are shown are these, "hub key state, ..." in their order. */
static void
are_shown(struct hubtest *t, const char *all)
{
	json_t		*j = shown(t), *k;
	struct wbuf	 w = { 0 };
	size_t		 i;

	json_array_foreach(j, i, k)
		wbuf_printf(&w, "%s%s %.1s %s", i > 0 ? ", " : "",
		    str_of(k, "hub_id"), str_of(k, "key"),
		    str_of(k, "state"));
	wbuf_add(&w, "", 1);
	want(strcmp(wbuf_data(&w), all) == 0, "shown: %s, not: %s",
	    wbuf_data(&w), all);
	wbuf_free(&w);
}

START_TEST(first_sight)
{
	struct hubtest	*t = begin(0);
	const json_t	*k;
	const char	*text;

	says_that(hubctl(t, 0, "show", "keys", NULL), "no keys");
	verdict(t, "", KEY_UNKNOWN);
	verdict(t, A, KEY_NEW);
	verdict(t, A, KEY_OK);
	verdict(t, "", KEY_OK);
	are_shown(t, "other a trusted");
	k = json_array_get(shown(t), 0);
	is_str(k, "first_seen", str_of(k, "last_seen"));
	want(strlen(str_of(k, "first_seen")) > 20, "%s", show(k));
	verdict(t, B, KEY_CHANGED);
	are_shown(t, "other a trusted, other b pending");
	text = hubctl(t, 0, "show", "keys", NULL);
	says_that(text, A);
	says_that(text, "trusted");
	says_that(text, B);
	says_that(text, "pending");
	hubtest_end(t);
}
END_TEST

START_TEST(own_key)
{
	struct hubtest	*t = begin(0);
	struct wbuf	 w = { 0 };
	const json_t	*k;

	verdict(t, A, KEY_NEW);
	put_str(&w, OWN);
	imsg_send(t->carriers[UPLINK].ib, LINK_OWN_KEY, 0, -1, &w, NULL);
	wbuf_free(&w);
	/* one socket: when this is answered that has come */
	verdict(t, A, KEY_OK);
	are_shown(t, "us 0 own, other a trusted");
	k = json_array_get(shown(t), 0);
	is_str(k, "key", OWN);
	want(json_object_get(k, "first_seen") == NULL, "%s", show(k));
	want(json_object_get(k, "last_seen") == NULL, "%s", show(k));
	says_that(hubctl(t, 0, "show", "keys", NULL), "own");
	hubtest_end(t);
}
END_TEST

START_TEST(strict)
{
	struct hubtest	*t = begin(1);

	verdict(t, A, KEY_UNKNOWN);
	verdict(t, A, KEY_UNKNOWN);
	are_shown(t, "other a pending");
	says_that(hubctl(t, 0, "trust", "other", NULL), A);
	hears(t, UPLINK, 0, "#retry", "hub", "other");
	verdict(t, A, KEY_OK);
	verdict(t, B, KEY_CHANGED);
	/* a key may be written in capitals */
	says_that(hubctl(t, 0, "trust", "other", BIG_B), B);
	verdict(t, B, KEY_OK);
	verdict(t, A, KEY_CHANGED);
	are_shown(t, "other b trusted, other a pending");
	hubtest_end(t);
}
END_TEST

/* One says what has to be done. */
START_TEST(cannot_be_trusted)
{
	struct hubtest	*t = begin(0);

	says_that(hubctl(t, 1, "trust", "other", NULL), "hubctl show keys");
	says_that(hubctl(t, 1, "trust", "other", "abc"), "64 hexadecimal");
	says_that(hubctl(t, 1, "trust", "no hub", A), "not the id of a hub");
	says_that(hubctl(t, 1, "distrust", "no@hub", NULL),
	    "not the id of a hub");
	(void)hubctl(t, 2, "trust", NULL, NULL);
	(void)hubctl(t, 2, "distrust", "other", A);
	are_shown(t, "");
	/* two keys were known of a hub that is distrusted */
	verdict(t, A, KEY_NEW);
	verdict(t, B, KEY_CHANGED);
	(void)hubctl(t, 0, "distrust", "other", NULL);
	are_shown(t, "other a distrusted, other b distrusted");
	says_that(hubctl(t, 1, "trust", "other", NULL), "hubctl show keys");
	verdict(t, A, KEY_DISTRUSTED);
	hubtest_end(t);
}
END_TEST

/* Links by way of relays only, until the hub is trusted again. */
START_TEST(distrusted)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	verdict(t, A, KEY_NEW);
	up(t, LAN, 1, LINK_RANK_LAN);
	up(t, UPLINK, 1, NEAR);
	hears(t, LAN, 1, "bridge_peer_update", "action", "all");
	(void)hubctl(t, 0, "distrust", "other", NULL);
	says_that(str_of(hears(t, UPLINK, 1, "#close", "why", NULL), "why"),
	    "not trusted");
	linked(c, "other");
	verdict(t, A, KEY_DISTRUSTED);
	verdict(t, B, KEY_DISTRUSTED);
	verdict(t, "", KEY_DISTRUSTED);
	are_shown(t, "other a distrusted");
	down(t, LAN, 1);
	unlinked(c, "other");
	(void)hubctl(t, 0, "trust", "other", NULL);
	verdict(t, A, KEY_OK);
	up(t, UPLINK, 2, NEAR);
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

/* It has held back its hello. */
START_TEST(distrusted_meanwhile)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	verdict(t, A, KEY_NEW);
	(void)hubctl(t, 0, "distrust", "other", NULL);
	up(t, UPLINK, 1, NEAR);
	hears(t, UPLINK, 1, "#close", "why", NULL);
	(void)hubctl(t, 0, "trust", "other", NULL);
	/* and what is asked of a hub that does not seal changes nothing */
	verdict(t, "", KEY_OK);
	up(t, UPLINK, 2, NEAR);
	hears(t, UPLINK, 2, "#close", "why", NULL);
	/* on the LAN it needs no key */
	up(t, LAN, 1, LINK_RANK_LAN);
	linked(c, "other");
	down(t, LAN, 1);
	unlinked(c, "other");
	verdict(t, A, KEY_OK);
	up(t, UPLINK, 3, NEAR);
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

/* What was linked with the old key is closed; with the same one it stays. */
START_TEST(replaced)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	verdict(t, A, KEY_NEW);
	up(t, UPLINK, 1, NEAR);
	linked(c, "other");
	(void)hubctl(t, 0, "trust", "other", A);
	verdict(t, B, KEY_CHANGED);
	linked(c, "other");
	(void)hubctl(t, 0, "trust", "other", NULL);
	hears(t, UPLINK, 1, "#close", "why", NULL);
	unlinked(c, "other");
	verdict(t, A, KEY_CHANGED);
	verdict(t, B, KEY_OK);
	up(t, UPLINK, 2, NEAR);
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

static int
is_invited(void *arg)
{
	struct hubtest	*t = arg;

	(void)turn(t);
	return (t->invited != 0);
}

static void
pair_done(struct hubtest *t, uint32_t id, const char *why)
{
	struct pair_done	 d = { .hub_id = "other", .key = A };
	struct wbuf		 w = { 0 };

	strlcpy(d.why, why, sizeof(d.why));
	pair_done_put(&w, &d);
	imsg_send(t->router.ib, PAIR_DONE, id, -1, &w, NULL);
	wbuf_free(&w);
}

/* What comes after the end of a pairing, while its key is stored, is late. */
START_TEST(paired)
{
	struct hubtest	*t = begin(1);
	const char	*argv[] = { "hubctl", "invite", NULL };
	const int	 none[] = { -1, -1 };
	const char	*log = tenv_path(t->env, "invite");
	char		*text;
	int		 status;
	pid_t		 pid;

	pid = program_start("hubctl", argv, none, log, NULL);
	want(t_until(t->env, is_invited, t, T_WAIT), "nobody is invited");
	pair_done(t, t->invited, "");
	pair_done(t, t->invited, "");
	pair_done(t, 0, "relayd has ended");
	(void)turn(t);
	want(program_wait(pid, &status, T_WAIT) == 0, "hubctl does not end");
	text = read_file(log);
	want(status == 0, "hubctl says: %s", text);
	says_that(text, "other has joined");
	free(text);
	verdict(t, A, KEY_OK);
	are_shown(t, "other a trusted");
	hubtest_end(t);
}
END_TEST

/* The uplink asks before the end of a pairing. */
START_TEST(may_be_paired)
{
	struct hubtest	*t = begin(0);
	struct link_key	 m = { .hub_id = "other", .key = B, .paired = 1 };
	struct wbuf	 w = { 0 };

	verdict(t, A, KEY_NEW);
	link_key_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, ++last_id, -1, &w, NULL);
	wbuf_free(&w);
	is_int(hears(t, UPLINK, last_id, "#verdict", "verdict", NULL),
	    "verdict", KEY_CHANGED);
	are_shown(t, "other a trusted, other b pending");
	verdict(t, A, KEY_OK);
	hubtest_end(t);
}
END_TEST

static void
is_closed(struct hubtest *t, int carrier, uint32_t link)
{
	(void)hears(t, carrier, link, "#close", "why", NULL);
}

/* It seals by way of one relay: no other one may say that it does not. */
START_TEST(clear_ends)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	up_as(t, UPLINK, 1, NEAR, NULL, "[]");
	linked(c, "other");
	up_as(t, UPLINK, 2, FAR, NULL, "[]");
	verdict(t, A, KEY_NEW);
	is_closed(t, UPLINK, 1);
	is_closed(t, UPLINK, 2);
	unlinked(c, "other");
	up_as(t, UPLINK, 3, NEAR, NULL, "[]");
	is_closed(t, UPLINK, 3);
	up(t, UPLINK, 4, FAR);
	linked(c, "other");
	up_as(t, UPLINK, 5, NEAR, NULL, "[]");
	is_closed(t, UPLINK, 5);
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

/* The key comes when the hub has been asked about, and is not up yet. */
START_TEST(clear_too_late)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	verdict(t, "", KEY_UNKNOWN);
	verdict(t, A, KEY_NEW);
	up_as(t, UPLINK, 1, NEAR, NULL, "[]");
	is_closed(t, UPLINK, 1);
	unlinked(c, "other");
	hubtest_end(t);
}
END_TEST

/* A key that somebody names counts, too. */
START_TEST(clear_and_trust)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	up_as(t, UPLINK, 1, NEAR, NULL, "[]");
	linked(c, "other");
	(void)hubctl(t, 0, "trust", "other", A);
	is_closed(t, UPLINK, 1);
	unlinked(c, "other");
	hubtest_end(t);
}
END_TEST

/* What it says over the LAN is its key at a relay. */
START_TEST(lan_key)
{
	struct hubtest	*t = begin(1);
	struct conn	*c = client_new(t->env, "a", NULL);

	t->said_key = A;
	up(t, LAN, 1, LINK_RANK_LAN);
	linked(c, "other");
	verdict(t, A, KEY_OK);
	verdict(t, B, KEY_CHANGED);
	are_shown(t, "other a trusted, other b pending");
	down(t, LAN, 1);
	t->said_key = B;
	up(t, LAN, 2, LINK_RANK_LAN);
	linked(c, "other");
	verdict(t, A, KEY_OK);
	hubtest_end(t);
}
END_TEST

/* One that says none: at a relay anybody could be it. */
START_TEST(lan_without_key)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);

	up_as(t, UPLINK, 1, NEAR, NULL, "[]");
	linked(c, "other");
	up_as(t, LAN, 1, LINK_RANK_LAN, NULL, "[]");
	is_closed(t, UPLINK, 1);
	linked(c, "other");
	up_as(t, UPLINK, 2, NEAR, NULL, "[]");
	is_closed(t, UPLINK, 2);
	down(t, LAN, 1);
	unlinked(c, "other");
	verdict(t, "", KEY_OK);
	up_as(t, UPLINK, 3, NEAR, NULL, "[]");
	is_closed(t, UPLINK, 3);
	verdict(t, A, KEY_UNKNOWN);
	are_shown(t, "other a pending");
	(void)hubctl(t, 0, "trust", "other", NULL);
	verdict(t, A, KEY_OK);
	up(t, UPLINK, 4, NEAR);
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

/* It was seen at a relay first, with a key that was not its own. */
START_TEST(lan_knows_better)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", NULL);
	const json_t	*k;

	verdict(t, A, KEY_NEW);
	up(t, UPLINK, 1, NEAR);
	linked(c, "other");
	k = json_array_get(shown(t), 0);
	want(json_is_false(json_object_get(k, "confirmed")), "%s", show(k));
	t->said_key = B;
	up(t, LAN, 1, LINK_RANK_LAN);
	is_closed(t, UPLINK, 1);
	linked(c, "other");
	verdict(t, A, KEY_CHANGED);
	verdict(t, B, KEY_OK);
	are_shown(t, "other b trusted, other a pending");
	k = json_array_get(shown(t), 0);
	want(json_is_true(json_object_get(k, "confirmed")), "%s", show(k));
	hubtest_end(t);
}
END_TEST

START_TEST(forgotten)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", FEATURES);

	says_that(hubctl(t, 1, "forget", "other", NULL), "nothing is known");
	says_that(hubctl(t, 1, "forget", "no@hub", NULL), "not the id");
	verdict(t, A, KEY_NEW);
	up(t, UPLINK, 1, NEAR);
	linked(c, "other");
	says_that(hubctl(t, 1, "forget", "other", NULL), "is linked");
	down(t, UPLINK, 1);
	unlinked(c, "other");
	/* one that something waits for stays */
	send_text(c, "x@other", "hello", "queued");
	says_that(hubctl(t, 0, "forget", "other", NULL), "messages wait");
	are_shown(t, "");
	send_text(c, "x@other", "more", "queued");
	(void)hubctl(t, 0, "distrust", "other", NULL);
	verdict(t, A, KEY_DISTRUSTED);
	(void)hubctl(t, 0, "forget", "other", NULL);
	verdict(t, B, KEY_NEW);
	(void)hubctl(t, 0, "forget", "other", NULL);
	/* in the clear, too, as it has no key */
	up_as(t, UPLINK, 2, NEAR, NULL, "[]");
	linked(c, "other");
	hubtest_end(t);
}
END_TEST

/* Nothing is left that one could write to. */
START_TEST(forgotten_hub)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", FEATURES);

	verdict(t, A, KEY_NEW);
	up(t, UPLINK, 1, NEAR);
	linked(c, "other");
	down(t, UPLINK, 1);
	unlinked(c, "other");
	says_that(hubctl(t, 0, "forget", "other", NULL), "other is forgotten");
	is_str(rpc(c, "{s:s,s:s,s:s}", "type", "send", "to", "x@other",
	    "text", "hello"), "code", "peer_not_found");
	verdict(t, B, KEY_NEW);
	up(t, UPLINK, 2, NEAR);
	linked(c, "other");
	send_text(c, "x@other", "hello", "queued");
	hubtest_end(t);
}
END_TEST

/* Hubs that somebody makes up push out each other, and not those before. */
START_TEST(made_up)
{
	struct hubtest	*t = begin(0);
	struct conn	*c = client_new(t->env, "a", FEATURES);
	struct link_up	 m = { .rank = NEAR };
	struct link_end	 e = { .why = "it goes" };
	struct wbuf	 w = { 0 };
	uint32_t	 i;

	up(t, LAN, 1, LINK_RANK_LAN);
	linked(c, "other");
	down(t, LAN, 1);
	m.hello = slice_of("{\"peers\":[]}");
	for (i = 1; i <= 4200; i++) {
		snprintf(m.hub_id, sizeof(m.hub_id), "h%u", i);
		m.link = e.link = i;
		link_up_put(&w, &m);
		imsg_send(t->carriers[UPLINK].ib, LINK_UP, 0, -1, &w, NULL);
		wbuf_reset(&w);
		link_end_put(&w, &e);
		imsg_send(t->carriers[UPLINK].ib, LINK_DOWN, 0, -1, &w, NULL);
		wbuf_reset(&w);
		(void)turn(t);
	}
	wbuf_free(&w);
	/* one socket: when this is answered all that has come */
	verdict(t, "", KEY_OK);
	send_text(c, "x@other", "hello", "queued");
	send_text(c, "x@h4200", "hello", "queued");
	hubtest_end(t);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("keys");

	(void)argc;
	test_add(s, first_sight, 30);
	test_add(s, own_key, 30);
	test_add(s, strict, 30);
	test_add(s, cannot_be_trusted, 30);
	test_add(s, distrusted, 30);
	test_add(s, distrusted_meanwhile, 30);
	test_add(s, replaced, 30);
	test_add(s, paired, 30);
	test_add(s, may_be_paired, 30);
	test_add(s, clear_ends, 30);
	test_add(s, clear_too_late, 30);
	test_add(s, clear_and_trust, 30);
	test_add(s, lan_key, 30);
	test_add(s, lan_without_key, 30);
	test_add(s, lan_knows_better, 30);
	test_add(s, forgotten, 30);
	test_add(s, forgotten_hub, 30);
	test_add(s, made_up, 60);
	return (test_main(argv[0], s));
}
