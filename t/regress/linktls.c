/* SPDX-License-Identifier: ISC */
/*
 * What somebody on the network can see of a link, and do to it.
 */
#include "compat.h"

#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"

#define FAILURES_MAX	5	/* of an address, before it has to wait */
#define SHAKE_MS	5000
#define CROWD		200
#define CROWD_MS	10000	/* a right hub is not kept out for longer */
#define TLS_HANDSHAKE	0x16

static struct conn *
dial(struct fed *f, int port)
{
	int	fd = port_call(port);

	want(fd != -1, "nobody listens");
	return (conn_add(f->a, fd, fd, 0));
}

/* It must be closed within ms, and nothing have been said. */
static void
turned_away(struct conn *c, int ms)
{
	want(conn_closes(c, ms), "not closed after %s", c->last);
	want(TAILQ_EMPTY(&c->lines) && c->len == 0,
	    "answered after %s", c->last);
	conn_close(c);
}

static void
all_is_well(struct fed *f)
{
	static int	n;
	char		text[32];

	snprintf(text, sizeof(text), "all is well, %d", ++n);
	linked(f->ann, "beta");
	(void)meets(f->ann, "bob@beta");
	(void)send_text(f->ann, "bob@beta", text, "queued");
	(void)gets(f->bob, "ann@alpha", text);
}

/* Base64 of s from a byte on that begins a group of three. */
static void
base64(const char *s, char *dst)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t	 i, len = strlen(s) / 3 * 3;
	unsigned v;

	for (i = 0; i < len; i += 3) {
		v = (unsigned)(unsigned char)s[i] << 16 |
		    (unsigned)(unsigned char)s[i + 1] << 8 |
		    (unsigned)(unsigned char)s[i + 2];
		*dst++ = set[v >> 18];
		*dst++ = set[v >> 12 & 63];
		*dst++ = set[v >> 6 & 63];
		*dst++ = set[v & 63];
	}
	*dst = '\0';
}

static void
not_in(const char *record, size_t len, const char *s, const char *how)
{
	want(memmem(record, len, s, strlen(s)) == NULL,
	    "%s goes over the wire, %s", s, how);
}

/* In no form that needs no key. */
static void
not_shown(const char *record, size_t len, const char *s)
{
	char	hex[512] = "", b64[512];
	size_t	i, n = strlen(s);

	not_in(record, len, s, "as it is");
	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)s[i]);
	not_in(record, len, hex, "in hex");
	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02X", (unsigned char)s[i]);
	not_in(record, len, hex, "in hex");
	for (i = 0; i < 3; i++) {
		base64(s + i, b64);
		not_in(record, len, b64, "in base64");
	}
}

START_TEST(nothing_to_be_seen)
{
	static const char *const private[] = {
		FED_SECRET, "annabella-of-alpha", "bartholomew-of-beta",
		"/work/of/it", "a text of annabella", "an answer to her",
		"a-room-for-two", "a-group-of-two", "incoming_message",
		"bridge_hello"
	};
	struct fed	*f = fed_new(FED_ONE_WAY, NULL);
	struct conn	*a, *b;
	char		*record;
	size_t		 i, len;
	int		 k;

	fed_start(f->b);
	b = client_new(f->b, private[2], FEATURES);
	fed_start(f->a);
	a = client_new(f->a, private[1], FEATURES);
	(void)meets(a, "bartholomew-of-beta@beta");
	(void)meets(b, "annabella-of-alpha@alpha");
	is_str(rpc(a, "{s:s,s:s}", "type", "join_room", "room", private[6]),
	    "type", "room_ack");
	is_str(rpc(a, "{s:s,s:s,s:[s]}", "type", "group_create",
	    "name", private[7], "members", "bartholomew-of-beta@beta"),
	    "type", "group_created");
	(void)send_text(a, "bartholomew-of-beta@beta", private[4], "queued");
	(void)gets(b, "annabella-of-alpha@alpha", private[4]);
	(void)send_text(b, "annabella-of-alpha@alpha", private[5], "queued");
	(void)gets(a, "bartholomew-of-beta@beta", private[5]);
	want(wire_calls(f->wire) == 1, "%d calls", wire_calls(f->wire));
	for (k = 0; k < 2; k++) {
		record = wire_record(f->wire, 0, k, &len);
		want(len > 500, "%zu bytes", len);
		want(record[0] == TLS_HANDSHAKE, "not TLS");
		for (i = 0; i < sizeof(private) / sizeof(private[0]); i++)
			not_shown(record, len, private[i]);
		free(record);
	}
	fed_end(f);
}
END_TEST

static json_t *
keys_of(struct tenv *t)
{
	struct output	*o;
	json_t		*j;

	tenv_enter(t);
	o = run(t, NULL, "hubctl", "-j", "show", "keys", NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	want(o->status == 0 && j != NULL, "%s", o->err);
	output_free(o);
	return (json_object_get(j, "keys"));
}

struct wait_key {
	struct tenv	*at;
	const char	*hub, *key;
};

static int
has_key(void *arg)
{
	struct wait_key	*w = arg;
	const json_t	*j, *all = keys_of(w->at);
	size_t		 i;

	json_array_foreach(all, i, j) {
		if (strcmp(str_of(j, "hub_id"), w->hub) == 0 &&
		    strcmp(str_of(j, "key"), w->key) == 0)
			return (strcmp(str_of(j, "state"), "trusted") == 0);
	}
	return (0);
}

/* They will know each other at a relay, too. */
START_TEST(keys_are_told)
{
	struct fed	*f = fed_begin(FED_BOTH_WAYS, NULL);
	const json_t	*a = json_array_get(keys_of(f->a), 0);
	const json_t	*b = json_array_get(keys_of(f->b), 0);
	struct wait_key	 at_a = { f->a, "beta", str_of(b, "key") };
	struct wait_key	 at_b = { f->b, "alpha", str_of(a, "key") };

	is_str(a, "state", "own");
	is_str(b, "state", "own");
	want(t_until(f->a, has_key, &at_a, T_WAIT), "alpha: %s",
	    show(keys_of(f->a)));
	want(t_until(f->b, has_key, &at_b, T_WAIT), "beta: %s",
	    show(keys_of(f->b)));
	fed_end(f);
}
END_TEST

START_TEST(another_secret)
{
	struct fed	*f = fed_new(FED_ONE_WAY, NULL);
	json_t		*j;

	fed_secret(f->a, "the secret of somebody else");
	fed_start(f->b);
	f->bob = client_new(f->b, "bob", FEATURES);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	log_has(f->a, f->a->hublog, "hub beta");
	log_has(f->a, f->b->hublog, "the secret is not the same");
	unlinked(f->ann, "beta");
	unlinked(f->bob, "alpha");
	j = rpc(f->bob, "{s:s}", "type", "list_peers");
	is_list(j, "peers", 0);
	refused(f->bob, "peer_not_found", "{s:s,s:s,s:s}", "type", "send",
	    "to", "ann@alpha", "text", "x");
	hub_serves(f->a);
	hub_serves(f->b);
	want(hub_stop(f->a, SIGTERM) == 0, "the hub did not end well");
	fed_secret(f->a, FED_SECRET);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	all_is_well(f);
	fed_end(f);
}
END_TEST

/* What a hub with another secret says first, again and again. */
START_TEST(failures_make_an_address_wait)
{
	struct fed	*f = fed_new(FED_ONE_WAY, NULL);
	struct conn	*c;
	char		*record;
	size_t		 len;
	int		 i, calls;

	fed_secret(f->a, "the secret of somebody else");
	fed_start(f->b);
	f->bob = client_new(f->b, "bob", FEATURES);
	fed_start(f->a);
	log_has(f->a, f->b->hublog, "the secret is not the same");
	want(hub_stop(f->a, SIGTERM) == 0, "the hub did not end well");
	record = wire_record(f->wire, 0, 1, &len);
	for (i = 1; i < FAILURES_MAX; i++) {
		c = dial(f, f->port[1]);
		(void)conn_write(c, record, len);
		want(conn_closes(c, SHAKE_MS - 1000), "not closed");
		conn_close(c);
	}
	free(record);
	turned_away(dial(f, f->port[1]), 1000);
	/* a right one from the same address waits as well */
	calls = wire_calls(f->wire);
	fed_secret(f->a, FED_SECRET);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	while (wire_calls(f->wire) == calls)
		in_step(f->ann);
	turned_away(dial(f, f->port[1]), 1000);
	unlinked(f->ann, "beta");
	free(wire_record(f->wire, calls, 0, &len));
	want(len == 0, "it was answered %zu bytes", len);
	hub_serves(f->b);
	fed_end(f);
}
END_TEST

START_TEST(plaintext)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*c = dial(f, f->port[1]);

	say(c, "{s:s,s:s,s:s,s:s,s:[]}", "type", "bridge_hello",
	    "hub_id", "old", "secret", FED_SECRET, "protocol_version", "5",
	    "peers");
	turned_away(c, SHAKE_MS - 1000);
	c = dial(f, f->port[1]);
	(void)conn_write(c, "{", 1);
	turned_away(c, SHAKE_MS - 1000);
	all_is_well(f);
	fed_end(f);
}
END_TEST

START_TEST(garbage)
{
	static const char *const first[] = { "G", "\x17\x03\x03", "\x80" };
	static const char	 hello[] = "\x16\x03\x01\x40\x00garbage";
	struct fed		*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn		*c;
	size_t			 i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		c = dial(f, f->port[1]);
		(void)conn_write(c, first[i], strlen(first[i]));
		turned_away(c, SHAKE_MS - 1000);
	}
	c = dial(f, f->port[1]);
	(void)conn_write(c, hello, sizeof(hello) - 1);
	want(conn_closes(c, 2 * SHAKE_MS), "not closed");
	hub_serves(f->b);
	all_is_well(f);
	fed_end(f);
}
END_TEST

static void
replay(struct fed *f, const char *record, size_t len)
{
	struct conn	*c = dial(f, f->port[1]);
	size_t		 off;

	/* as it was, and with pauses in which answers come */
	for (off = 0; off < len; off += 400) {
		if (conn_write(c, record + off,
		    len - off < 400 ? len - off : 400) == -1)
			break;
		hub_serves(f->b);
	}
	want(conn_closes(c, 2 * SHAKE_MS), "not closed");
	conn_close(c);
}

START_TEST(replayed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	const char	*since;
	char		*record, text[64];
	size_t		 len;

	all_is_well(f);
	record = wire_record(f->wire, 0, 1, &len);
	snprintf(text, sizeof(text), "%s",
	    show(json_object_get(link_status(f->ann, "beta"), "since")));
	/* while the link is up, which is not disturbed */
	replay(f, record, len);
	quiet(f->bob, "incoming_message");
	since = show(json_object_get(link_status(f->ann, "beta"), "since"));
	want(strcmp(text, since) == 0 && wire_calls(f->wire) == 1,
	    "the link was begun anew");
	all_is_well(f);
	/* and while there is none */
	wire_closed(f->wire, 1);
	unlinked(f->bob, "alpha");
	(void)misses(f->bob, "ann@alpha");
	replay(f, record, len);
	unlinked(f->bob, "alpha");
	(void)misses(f->bob, "ann@alpha");
	quiet(f->bob, "incoming_message");
	wire_closed(f->wire, 0);
	all_is_well(f);
	free(record);
	fed_end(f);
}
END_TEST

/* Connections that say nothing. */
START_TEST(a_crowd)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*crowd[CROWD];
	int64_t		 begun;
	int		 i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < CROWD; i++)
			crowd[i] = dial(f, f->port[1]);
		wire_cut(f->wire);
		begun = t_now();
		unlinked(f->ann, "beta");
		linked(f->ann, "beta");
		want(t_now() - begun < t_slow(CROWD_MS),
		    "linked again after %lld ms",
		    (long long)(t_now() - begun));
		hub_serves(f->b);
		/* silence has an end */
		for (i = 0; i < CROWD; i++)
			turned_away(crowd[i], 2 * SHAKE_MS);
	}
	all_is_well(f);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linktls");

	(void)argc;
	test_add(s, nothing_to_be_seen, 30);
	test_add(s, keys_are_told, 60);
	test_add(s, another_secret, 60);
	test_add(s, failures_make_an_address_wait, 60);
	test_add(s, plaintext, 30);
	test_add(s, garbage, 40);
	test_add(s, replayed, 60);
	test_add(s, a_crowd, 90);
	return (test_main(argv[0], s));
}
