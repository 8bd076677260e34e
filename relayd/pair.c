/* SPDX-License-Identifier: ISC */
/*
 * Slots in which two hubs that do not know each other yet exchange a few
 * messages, of which the relay knows nothing: one of them has the relay's
 * secret, the other one a code that its owner was told.
 */
#include "compat.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "log.h"
#include "map.h"
#include "message.h"
#include "relay.h"
#include "timeutil.h"
#include "ws.h"
#include "wsio.h"

#define SLOT_LEN	32		/* hexadecimal digits */
#define SLOTS_MAX	1000
#define BYTES_MAX	65536		/* of messages of one end */
#define GUESSES_MAX	10		/* joins of one address in vain */
#define GUESS_MS	60000
#define GUESSERS_MAX	10000		/* addresses that are remembered */

struct slot;

struct end {
	struct slot	*slot;
	struct wsio	*ws;		/* NULL: nobody yet, or no more */
	size_t		 bytes;
};

/* Whoever opened it is the first of its ends. */
struct slot {
	TAILQ_ENTRY(slot)	 entry;
	struct pairs		*pairs;
	char			 id[SLOT_LEN + 1];
	struct end		 ends[2];
	int64_t			 opened;	/* monotonic ms */
};

/* The network of an address, and how often it has asked in vain. */
struct guesser {
	TAILQ_ENTRY(guesser)	 entry;
	char			 network[RELAY_ADDRESS_SIZE];
	unsigned		 guesses;
	int64_t			 began;		/* monotonic ms */
};

TAILQ_HEAD(slot_list, slot);
TAILQ_HEAD(guesser_list, guesser);

/* Both lists have the oldest first. */
struct pairs {
	struct relay		*relay;
	struct slot_list	 slots;
	struct map		*ids;
	struct guesser_list	 guessers;
	struct map		*networks;
	struct guesser		 others;	/* that had no place there */
};

static int	get_slot(const struct json_value *, char[SLOT_LEN + 1]);
static void	refuse(struct pairs *, struct wsio *, const char *, unsigned,
		    const char *);
static void	open_slot(struct pairs *, struct wsio *, const char *,
		    const char *, const struct json_value *);
static void	join_slot(struct pairs *, struct wsio *, const char *,
		    const char *);
static struct guesser *guesser_of(struct pairs *, const char *);
static void	guessed(struct pairs *, const char *);
static void	network_of(const char *, char[RELAY_ADDRESS_SIZE]);
static void	attach(struct end *, struct slot *, struct wsio *);
static void	say(struct wsio *, const char *, int64_t);
static void	on_message(struct wsio *, char *, size_t, void *);
static void	on_gone(struct wsio *, unsigned, const char *, void *);
static void	leave(struct end *, unsigned, const char *);
static void	slot_close(struct slot *, unsigned, const char *);

static const struct wsio_ops ws_ops = {
	.message = on_message,
	.closed = on_gone,
};

struct pairs *
pairs_new(struct relay *r)
{
	struct pairs *ps = xcalloc(1, sizeof(*ps));

	ps->relay = r;
	TAILQ_INIT(&ps->slots);
	TAILQ_INIT(&ps->guessers);
	ps->ids = map_new();
	ps->networks = map_new();
	return ps;
}

void
pairs_free(struct pairs *ps, const char *why)
{
	struct guesser *g;
	struct slot *s;

	while ((s = TAILQ_FIRST(&ps->slots)) != NULL)
		slot_close(s, CLOSE_RESTART, why);
	while ((g = TAILQ_FIRST(&ps->guessers)) != NULL) {
		TAILQ_REMOVE(&ps->guessers, g, entry);
		free(g);
	}
	map_free(ps->ids);
	map_free(ps->networks);
	free(ps);
}

size_t
pairs_count(const struct pairs *ps)
{
	return map_count(ps->ids);
}

void
pairs_tick(struct pairs *ps)
{
	int64_t now = time_mono_ms();
	struct guesser *g;
	struct slot *s;

	while ((s = TAILQ_FIRST(&ps->slots)) != NULL &&
	    now - s->opened >= ps->relay->conf->pair_ms)
		slot_close(s, CLOSE_HANDSHAKE, "pair_timeout");
	while ((g = TAILQ_FIRST(&ps->guessers)) != NULL &&
	    now - g->began >= GUESS_MS) {
		TAILQ_REMOVE(&ps->guessers, g, entry);
		map_removes(ps->networks, g->network);
		free(g);
	}
	if (now - ps->others.began >= GUESS_MS)
		ps->others.guesses = 0;
}

static int
get_slot(const struct json_value *v, char id[SLOT_LEN + 1])
{
	int i;

	if (v->type != JS_STRING || json_str(v, id, SLOT_LEN + 1) != SLOT_LEN)
		return -1;
	for (i = 0; i < SLOT_LEN; i++) {
		if (!isxdigit((unsigned char)id[i]))
			return -1;
		id[i] = (char)tolower((unsigned char)id[i]);
	}
	return 0;
}

int
pair_wanted(const struct json_value *v)
{
	char id[SLOT_LEN + 1];

	return message_is(&v[M_TYPE], "pair") &&
	    get_slot(&v[M_SLOT], id) == 0 &&
	    (v[M_SECRET].type == JS_STRING || v[M_SECRET].type == JS_ABSENT);
}

void
pair_new(struct pairs *ps, struct wsio *ws, const char *address,
    const struct json_value *v)
{
	char id[SLOT_LEN + 1];

	if (get_slot(&v[M_SLOT], id) == -1)
		fatalx("a slot that was good is not");
	wsio_limit(ws, BYTES_MAX);
	if (v[M_SECRET].type == JS_ABSENT)
		join_slot(ps, ws, address, id);
	else
		open_slot(ps, ws, address, id, &v[M_SECRET]);
}

static void
refuse(struct pairs *ps, struct wsio *ws, const char *address, unsigned code,
    const char *why)
{
	ps->relay->counters[COUNT_PAIR_REFUSED]++;
	hub_refused(ps->relay, address, why);
	wsio_close(ws, code, why);
}

static void
open_slot(struct pairs *ps, struct wsio *ws, const char *address,
    const char *id, const struct json_value *secret)
{
	struct slot *s;

	if (!hub_knows(ps->relay, secret)) {
		refuse(ps, ws, address, CLOSE_AUTH, "auth_failed");
	} else if (map_gets(ps->ids, id) != NULL) {
		refuse(ps, ws, address, CLOSE_TAKEN, "slot_taken");
	} else if (map_count(ps->ids) >= SLOTS_MAX) {
		refuse(ps, ws, address, CLOSE_FULL, "max_slots_reached");
	} else {
		s = xcalloc(1, sizeof(*s));
		s->pairs = ps;
		strlcpy(s->id, id, sizeof(s->id));
		s->opened = time_mono_ms();
		TAILQ_INSERT_TAIL(&ps->slots, s, entry);
		map_sets(ps->ids, id, s);
		attach(&s->ends[0], s, ws);
		ps->relay->counters[COUNT_PAIR_OPENED]++;
		say(ws, "pair_open", ps->relay->conf->pair_ms / 1000);
	}
}

static void
join_slot(struct pairs *ps, struct wsio *ws, const char *address,
    const char *id)
{
	const struct guesser *g = guesser_of(ps, address);
	struct slot *s;

	if (g != NULL && g->guesses >= GUESSES_MAX) {
		refuse(ps, ws, address, CLOSE_AUTH, "rate_limited");
	} else if ((s = map_gets(ps->ids, id)) == NULL) {
		guessed(ps, address);
		refuse(ps, ws, address, CLOSE_TAKEN, "no_such_slot");
	} else if (s->ends[1].ws != NULL) {
		refuse(ps, ws, address, CLOSE_TAKEN, "slot_taken");
	} else {
		attach(&s->ends[1], s, ws);
		ps->relay->counters[COUNT_PAIR_JOINED]++;
		say(s->ends[0].ws, "pair_peer", 0);
		say(s->ends[1].ws, "pair_peer", 0);
	}
}

/* Whoever has one address of IPv6 has all of its network. */
static void
network_of(const char *address, char network[RELAY_ADDRESS_SIZE])
{
	struct in6_addr in6;

	strlcpy(network, address, RELAY_ADDRESS_SIZE);
	network[strcspn(network, "%")] = '\0';
	if (inet_pton(AF_INET6, network, &in6) != 1 ||
	    IN6_IS_ADDR_V4MAPPED(&in6))
		return;
	memset(in6.s6_addr + 8, 0, 8);
	if (inet_ntop(AF_INET6, &in6, network, RELAY_ADDRESS_SIZE) == NULL)
		fatal("inet_ntop");
}

/* NULL: it has not asked in vain. */
static struct guesser *
guesser_of(struct pairs *ps, const char *address)
{
	char network[RELAY_ADDRESS_SIZE];
	struct guesser *g;

	network_of(address, network);
	g = map_gets(ps->networks, network);
	return g == NULL && map_count(ps->networks) >= GUESSERS_MAX ?
	    &ps->others : g;
}

static void
guessed(struct pairs *ps, const char *address)
{
	struct guesser *g = guesser_of(ps, address);

	if (g == NULL) {
		g = xcalloc(1, sizeof(*g));
		network_of(address, g->network);
		g->began = time_mono_ms();
		TAILQ_INSERT_TAIL(&ps->guessers, g, entry);
		map_sets(ps->networks, g->network, g);
	} else if (g->guesses == 0)
		g->began = time_mono_ms();
	g->guesses++;
}

static void
attach(struct end *e, struct slot *s, struct wsio *ws)
{
	e->slot = s;
	e->ws = ws;
	wsio_owner(ws, &ws_ops, e);
}

static void
say(struct wsio *ws, const char *type, int64_t seconds)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", type);
	if (seconds > 0)
		json_put_int(&w, "seconds", seconds);
	json_end(&w, '}');
	wsio_write(ws, &w, NULL);
	wbuf_free(&w);
}

/* To the other end as it is; what comes before there is one is not kept. */
static void
on_message(struct wsio *ws, char *p, size_t n, void *arg)
{
	struct end *e = arg;
	struct slot *s = e->slot;
	struct wsio *other = s->ends[e == &s->ends[0]].ws;
	struct json_value v[MEMBERS];
	struct wbuf w = { 0 };
	const char *why;
	unsigned code;

	(void)ws;
	if ((e->bytes += n) > BYTES_MAX) {
		leave(e, WS_CLOSE_TOO_BIG, "too_large");
	} else if (message_scan(v, p, n) == -1) {
		code = message_fault(p, n, &why);
		leave(e, code, why);
	} else if (other != NULL && message_is(&v[M_TYPE], "pair") &&
	    v[M_DATA].type == JS_STRING) {
		json_begin(&w, '{');
		json_put_str(&w, "type", "pair");
		json_put_raw(&w, "data",
		    (struct slice){ v[M_DATA].p, v[M_DATA].len });
		json_end(&w, '}');
		wsio_write(other, &w, NULL);
		wbuf_free(&w);
	}
}

static void
on_gone(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	struct end *e = arg;

	(void)code;
	(void)why;
	wsio_free(ws);
	e->ws = NULL;
	slot_close(e->slot, WS_CLOSE_NORMAL, "peer_gone");
}

/* That end has to go, and with it the other one. */
static void
leave(struct end *e, unsigned code, const char *why)
{
	wsio_close(e->ws, code, why);
	e->ws = NULL;
	slot_close(e->slot, WS_CLOSE_NORMAL, "peer_gone");
}

/* Closes the ends that are still there, and frees it. */
static void
slot_close(struct slot *s, unsigned code, const char *why)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (s->ends[i].ws != NULL)
			wsio_close(s->ends[i].ws, code, why);
	}
	TAILQ_REMOVE(&s->pairs->slots, s, entry);
	map_removes(s->pairs->ids, s->id);
	free(s);
}
