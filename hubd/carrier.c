/* SPDX-License-Identifier: ISC */
/*
 * The processes that carry links to other hubs.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "carrier.h"
#include "conf.h"
#include "hub.h"
#include "hubs.h"
#include "json.h"
#include "keys.h"
#include "log.h"
#include "map.h"
#include "router.h"
#include "timeutil.h"

#define RELAYS_MAX	16

/* A connection to a relay; its url is empty if there is none. */
struct relay {
	struct link_relay	 last;		/* as it was reported */
	int64_t			 since;		/* of that state; ms */
};

struct carrier {
	struct carriers		*all;
	struct imsgbuf		*ib;		/* NULL: it has ended */
	struct map		*ways;		/* by the number of the link */
	enum proc_id		 id;
	unsigned		 process;	/* counts them */
};

/* One of each kind; ways point to them. */
enum { LAN, UPLINK, KINDS };

/* Whoever listens at a relay. */
struct told {
	struct hub		 hub;		/* comes first */
	struct way		 way;
};

struct carriers {
	struct carrier		 carriers[KINDS];
	struct relay		 relays[RELAYS_MAX];
	struct event_base	*base;
	struct router		*router;
	struct map		*doubted;	/* ids of hubs */
	TAILQ_HEAD(, hub)	 told;		/* struct told */
	int			 held;
};

/* A key that is being checked for a carrier, or whether there is one. */
struct asked {
	struct carrier		*carrier;
	unsigned		 process;
	uint32_t		 id;			/* or a link */
	char			 hub[NAME_SIZE];	/* "": no key */
};

static void	hold(struct carrier *, int);
static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	closed(struct imsgbuf *, int, void *);
static struct way	*find(const struct carrier *, uint32_t);
static void	close_clear(struct hub *);
static int	is_safe(const struct hub *);
static void	up_clear(struct carrier *, struct hub *,
		    const struct link_up *);
static void	clear_checked(enum key_verdict, void *);
static void	on_up(struct carrier *, struct imsg *);
static void	on_down(struct carrier *, struct imsg *);
static void	on_line(struct carrier *, struct imsg *);
static void	on_full(struct carrier *, struct imsg *);
static void	on_written(struct carrier *, struct imsg *);
static void	on_state(struct carrier *, struct imsg *);
static void	on_key(struct carrier *, struct imsg *);
static void	checked(enum key_verdict, void *);
static void	answer(enum key_verdict, void *);
static void	on_own_key(struct carrier *, struct imsg *);
static void	on_relay(struct carrier *, struct imsg *);
static void	on_tell(struct carrier *, struct imsg *);
static void	tell_no_more(struct carriers *, uint32_t);

static const enum proc_id procs[KINDS] = {
	[LAN] = PROC_BRIDGED,
	[UPLINK] = PROC_UPLINK,
};

static const char doubts[] = "its key is not trusted any more";
static const char not_clear[] = "it can seal: it is not spoken to in the "
    "clear";

static const struct imsg_ops carrier_ops = {
	.dispatch = dispatch,
	.closed = closed,
};

static const struct {
	enum imsg_type	 type;
	void		(*handler)(struct carrier *, struct imsg *);
} handlers[] = {
	{ LINK_LINE, on_line },
	{ LINK_FULL, on_full },
	{ LINK_WRITTEN, on_written },
	{ LINK_UP, on_up },
	{ LINK_DOWN, on_down },
	{ LINK_STATE, on_state },
	{ LINK_KEY, on_key },
	{ LINK_OWN_KEY, on_own_key },
	{ LINK_RELAY, on_relay },
	{ LINK_TELL, on_tell },
};

struct carriers *
carriers_new(struct event_base *base, struct router *r)
{
	struct carriers *cs = xcalloc(1, sizeof(*cs));
	int i;

	cs->base = base;
	cs->router = r;
	cs->doubted = map_new();
	TAILQ_INIT(&cs->told);
	for (i = 0; i < KINDS; i++) {
		cs->carriers[i].all = cs;
		cs->carriers[i].id = procs[i];
		cs->carriers[i].ways = map_new();
	}
	return cs;
}

void
carriers_free(struct carriers *cs)
{
	int i;

	tell_no_more(cs, 0);
	for (i = 0; i < KINDS; i++) {
		imsg_free(cs->carriers[i].ib);
		map_free(cs->carriers[i].ways);
	}
	map_free(cs->doubted);
	free(cs);
}

void
carriers_add(struct carriers *cs, enum proc_id id, int fd)
{
	struct carrier *c;

	if (id != PROC_BRIDGED && id != PROC_UPLINK)
		fatalx("process %d carries no links", (int)id);
	c = &cs->carriers[id == PROC_UPLINK ? UPLINK : LAN];
	if (c->ib != NULL)
		closed(c->ib, 0, c);
	if (id == PROC_UPLINK)
		memset(cs->relays, 0, sizeof(cs->relays));
	c->process++;
	c->ib = imsg_new(cs->base, fd, PROC_ROUTER, id, &carrier_ops, c);
	if (cs->held)
		hold(c, 1);
}

static void
hold(struct carrier *c, int on)
{
	struct wbuf w = { 0 };

	put_u8(&w, (uint8_t)on);
	imsg_send(c->ib, LINK_HOLD, 0, -1, &w, NULL);
	wbuf_free(&w);
}

void
carriers_hold(struct carriers *cs, int on)
{
	int i;

	if (cs->held == on)
		return;
	cs->held = on;
	for (i = 0; i < KINDS; i++) {
		if (cs->carriers[i].ib != NULL)
			hold(&cs->carriers[i], on);
	}
}

void
carriers_flush(struct carriers *cs, int timeout_ms)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		if (cs->carriers[i].ib != NULL)
			(void)imsg_flush(cs->carriers[i].ib, timeout_ms);
	}
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	size_t i;

	(void)ib;
	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type == m->type) {
			handlers[i].handler(arg, m);
			return;
		}
	}
	fatalx("unexpected %s", imsg_name(m->type));
}

/* The parent starts another one. */
static void
closed(struct imsgbuf *ib, int err, void *arg)
{
	static const char why[] = "the process that carries it has ended";
	struct carrier *c = arg;
	struct carriers *cs = c->all;
	struct hubs *hs = cs->router->hubs;
	struct relay *relay;
	struct hub *h;

	if (err != 0)
		log_warnx("connection to %s: %s", c->id == PROC_UPLINK ?
		    "the uplink" : "bridged", strerror(err));
	imsg_free(ib);
	c->ib = NULL;
	for (h = hubs_next(hs, NULL); h != NULL; h = hubs_next(hs, h)) {
		ways_down(h, c, why);
		if (c->id == PROC_BRIDGED && h->way == NULL)
			h->state = LINK_IS_DOWN;
	}
	if (c->id == PROC_UPLINK)
		tell_no_more(cs, 0);
	for (relay = cs->relays; c->id == PROC_UPLINK &&
	    relay < cs->relays + RELAYS_MAX; relay++) {
		relay->last.state = LINK_IS_DOWN;
		relay->last.hubs = 0;
		strlcpy(relay->last.why, why, sizeof(relay->last.why));
		relay->since = time_now_ms();
	}
}

static struct way *
find(const struct carrier *c, uint32_t link)
{
	return map_get(c->ways, &link, sizeof(link));
}

void
carrier_add(struct carrier *c, uint32_t link, struct way *w)
{
	if (map_set(c->ways, &link, sizeof(link), w) != NULL)
		fatalx("two links of one number");
}

void
carrier_remove(struct carrier *c, uint32_t link)
{
	map_remove(c->ways, &link, sizeof(link));
}

void
carrier_send(struct way *w, struct slice head, struct rbuf *inner)
{
	struct link_send m = { .link = w->link, .head = head };
	struct wbuf b = { 0 };

	if (w->carrier->ib == NULL)
		return;
	link_send_put(&b, &m);
	imsg_send(w->carrier->ib, LINK_SEND, 0, -1, &b, inner);
	wbuf_free(&b);
	w->lines++;
}

void
carrier_close(struct carrier *c, uint32_t link, const char *why)
{
	struct link_end e = { .link = link };
	struct wbuf w = { 0 };

	if (c->ib == NULL)
		return;
	strlcpy(e.why, why, sizeof(e.why));
	link_end_put(&w, &e);
	imsg_send(c->ib, LINK_CLOSE, 0, -1, &w, NULL);
	wbuf_free(&w);
}

/*
 * A link that is being made with a key that counted when it was asked about
 * may come up later.
 */
void
carriers_distrusted(struct carriers *cs, const char *id)
{
	struct carrier *c = &cs->carriers[UPLINK];
	struct hub *h = hubs_find(cs->router->hubs, id);
	struct way *w;

	map_sets(cs->doubted, id, cs);
	if (h == NULL)
		return;
	TAILQ_FOREACH(w, &h->ways, entry) {
		if (w->carrier == c)
			carrier_close(c, w->link, doubts);
	}
	ways_down(h, c, doubts);
}

static void
close_clear(struct hub *h)
{
	struct way *w, *before;

	for (w = TAILQ_LAST(&h->ways, way_list); w != NULL; w = before) {
		before = TAILQ_PREV(w, way_list, entry);
		if (w->carrier->id == PROC_UPLINK && w->plaintext) {
			carrier_close(w->carrier, w->link, not_clear);
			way_down(w, not_clear);
		}
	}
}

void
carriers_keyed(struct carriers *cs, const char *id)
{
	struct hub *h = hubs_find(cs->router->hubs, id);

	if (h == NULL)
		return;
	h->keyed = 1;
	close_clear(h);
}

void
carriers_forget(struct carriers *cs, const char *id)
{
	map_removes(cs->doubted, id);
}

/* A link tells who it is, so no other one is needed that does not. */
static int
is_safe(const struct hub *h)
{
	const struct way *w;

	TAILQ_FOREACH(w, &h->ways, entry) {
		if (!w->plaintext || w->carrier->id == PROC_BRIDGED)
			return 1;
	}
	return 0;
}

/*
 * It has no key, said the store before the link came up; since then it may have
 * shown one at another relay.
 */
static void
up_clear(struct carrier *c, struct hub *h, const struct link_up *m)
{
	struct asked *a;

	if (h->keyed || is_safe(h)) {
		carrier_close(c, m->link, not_clear);
		return;
	}
	way_up(h, c, m);
	a = xcalloc(1, sizeof(*a));
	a->carrier = c;
	a->process = c->process;
	a->id = m->link;
	keys_check(c->all->router, m->hub_id, "", clear_checked, a);
}

static void
clear_checked(enum key_verdict verdict, void *arg)
{
	struct asked *a = arg;
	struct carrier *c = a->carrier;
	struct way *w;

	if (verdict != KEY_UNKNOWN && c->process == a->process &&
	    (w = find(c, a->id)) != NULL) {
		carrier_close(c, a->id, not_clear);
		way_down(w, not_clear);
	}
	free(a);
}

void
carriers_retry(struct carriers *cs, const char *hub_id)
{
	struct carrier *c = &cs->carriers[UPLINK];
	struct wbuf w = { 0 };

	if (c->ib == NULL)
		return;
	put_str(&w, hub_id);
	imsg_send(c->ib, LINK_RETRY, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_up(struct carrier *c, struct imsg *msg)
{
	struct hubs *hs = c->all->router->hubs;
	struct link_up m;
	struct hub *h;

	if (link_up_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_UP");
	if (c->id == PROC_UPLINK && map_gets(c->all->doubted, m.hub_id)) {
		carrier_close(c, m.link, doubts);
		return;
	}
	hubs_known(hs, m.hub_id);
	if ((h = hubs_find(hs, m.hub_id)) == NULL) {
		log_warnx("too many hubs are known: %s is one more",
		    m.hub_id);
		carrier_close(c, m.link, "too many hubs are known");
		return;
	}
	if (c->id == PROC_UPLINK && m.plaintext) {
		up_clear(c, h, &m);
		return;
	}
	close_clear(h);
	if (c->id == PROC_BRIDGED)
		keys_linked(c->all->router, m.hub_id, m.key);
	way_up(h, c, &m);
}

static void
on_down(struct carrier *c, struct imsg *msg)
{
	struct link_end m;
	struct way *w;

	if (link_end_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_DOWN");
	if ((w = find(c, m.link)) != NULL)
		way_down(w, m.why);
	else if (c->id == PROC_UPLINK)
		tell_no_more(c->all, m.link);
}

static void
on_line(struct carrier *c, struct imsg *msg)
{
	struct link_line m;
	struct way *w;

	if (link_line_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_LINE");
	if ((w = find(c, m.link)) == NULL)
		return;
	if (linkline(w, m.line.p, m.line.len) == -1)
		carrier_close(c, m.link, "what it sent is not JSON");
}

static void
on_full(struct carrier *c, struct imsg *msg)
{
	struct link_full m;
	struct way *w;

	if (link_full_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_FULL");
	if ((w = find(c, m.link)) == NULL)
		return;
	w->full = m.full;
	if (!w->full && w == w->hub->way) {
		hub_send_receipts(w->hub);
		forward_more(w->hub);
	}
}

static void
on_written(struct carrier *c, struct imsg *msg)
{
	struct link_written m;
	struct way *w;

	if (link_written_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_WRITTEN");
	if ((w = find(c, m.link)) != NULL && w == w->hub->way)
		forward_written(w->hub, m.lines);
}

static void
on_state(struct carrier *c, struct imsg *msg)
{
	struct link_report m;
	struct hub *h;

	if (link_report_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_STATE");
	if (c->id == PROC_UPLINK && m.why[0] != '\0')
		hubs_reported(c->all->router->hubs, m.hub_id);
	if ((h = hubs_find(c->all->router->hubs, m.hub_id)) == NULL)
		return;
	/* where a hub of the LAN is called is bridged's word */
	if (c->id == PROC_BRIDGED || !h->configured) {
		strlcpy(h->where, m.where, sizeof(h->where));
		if (h->way == NULL)
			h->state = m.state == LINK_IS_UP ? LINK_IS_CALLING :
			    m.state;
	}
	if (h->way == NULL && m.why[0] != '\0')
		strlcpy(h->why, m.why, sizeof(h->why));
}

static void
on_key(struct carrier *c, struct imsg *msg)
{
	struct router *r = c->all->router;
	struct asked *a;
	struct link_key m;

	if (link_key_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_KEY");
	a = xcalloc(1, sizeof(*a));
	a->carrier = c;
	a->process = c->process;
	a->id = msg->id;
	if (m.key[0] != '\0')
		strlcpy(a->hub, m.hub_id, sizeof(a->hub));
	if (m.paired)
		keys_may_pair(r, m.hub_id, m.key, answer, a);
	else
		keys_check(r, m.hub_id, m.key, checked, a);
}

static void
checked(enum key_verdict verdict, void *arg)
{
	struct asked *a = arg;
	struct carriers *cs = a->carrier->all;

	if (a->hub[0] != '\0' && (verdict == KEY_OK || verdict == KEY_NEW)) {
		map_removes(cs->doubted, a->hub);
		carriers_keyed(cs, a->hub);
	}
	answer(verdict, a);
}

/* Another process has not asked. */
static void
answer(enum key_verdict verdict, void *arg)
{
	struct asked *a = arg;
	struct carrier *c = a->carrier;
	struct wbuf w = { 0 };

	if (c->ib != NULL && c->process == a->process) {
		put_u8(&w, (uint8_t)verdict);
		imsg_send(c->ib, LINK_VERDICT, a->id, -1, &w, NULL);
		wbuf_free(&w);
	}
	free(a);
}

static void
on_own_key(struct carrier *c, struct imsg *msg)
{
	char key[LINK_KEY_SIZE];

	get_str(&msg->rd, key, sizeof(key));
	if (reader_done(&msg->rd) == -1)
		fatalx("bad LINK_OWN_KEY");
	keys_own(c->all->router, key);
}

static void
on_relay(struct carrier *c, struct imsg *msg)
{
	struct link_relay m;
	struct relay *relay;

	if (link_relay_get(&msg->rd, &m) == -1 || m.relay >= RELAYS_MAX)
		fatalx("bad LINK_RELAY");
	relay = &c->all->relays[m.relay];
	if (relay->since == 0 || relay->last.state != m.state)
		relay->since = time_now_ms();
	relay->last = m;
}

static void
on_tell(struct carrier *c, struct imsg *msg)
{
	struct told *t = xcalloc(1, sizeof(*t));
	struct hub *h = &t->hub;

	t->way.hub = h;
	t->way.carrier = c;
	t->way.link = get_u32(&msg->rd);
	t->way.plaintext = 1;
	if (reader_done(&msg->rd) == -1 || t->way.link == 0)
		fatalx("bad LINK_TELL");
	h->router = c->all->router;
	TAILQ_INIT(&h->ways);
	STAILQ_INIT(&h->unwritten);
	STAILQ_INIT(&h->receipts);
	h->way = &t->way;
	TAILQ_INSERT_TAIL(&c->all->told, h, entry);
	hub_tell_all(h);
}

/* That one; 0: all. */
static void
tell_no_more(struct carriers *cs, uint32_t link)
{
	struct hub *h, *next;

	TAILQ_FOREACH_SAFE(h, &cs->told, entry, next) {
		if (link != 0 && h->way->link != link)
			continue;
		TAILQ_REMOVE(&cs->told, h, entry);
		free((struct told *)h);
	}
}

struct hub *
carriers_told(const struct carriers *cs, const struct hub *h)
{
	return h == NULL ? TAILQ_FIRST(&cs->told) : TAILQ_NEXT(h, entry);
}

const char *
carriers_where(const struct carriers *cs, uint8_t rank)
{
	return rank >= LINK_RANK_RELAY && rank < LINK_RANK_RELAY +
	    RELAYS_MAX ? cs->relays[rank - LINK_RANK_RELAY].last.url : "";
}

unsigned
carriers_relays(const struct carriers *cs)
{
	const struct relay *relay;
	unsigned n = 0;

	for (relay = cs->relays; relay < cs->relays + RELAYS_MAX; relay++)
		n += relay->last.url[0] != '\0' &&
		    relay->last.state == LINK_IS_UP;
	return n;
}

void
carriers_put_relays(struct wbuf *w, const struct carriers *cs)
{
	const struct relay *relay;
	char ts[ISO8601_SIZE];

	for (relay = cs->relays; relay < cs->relays + RELAYS_MAX; relay++) {
		if (relay->last.url[0] == '\0')
			continue;
		time_iso8601(relay->since, ts);
		json_comma(w);
		json_begin(w, '{');
		json_put_str(w, "hub_id", "");
		json_put_str(w, "kind", "uplink");
		json_put_str(w, "state", hubs_state_name(relay->last.state));
		json_put_str(w, "since", ts);
		json_put_bool(w, "configured", 1);
		json_put_bool(w, "plaintext", 0);
		json_put_int(w, "peers", relay->last.hubs);
		json_put_str(w, "where", relay->last.url);
		json_put_str(w, "error", relay->last.why);
		json_put_int(w, "queued", 0);
		json_end(w, '}');
	}
}
