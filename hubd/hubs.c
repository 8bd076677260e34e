/* SPDX-License-Identifier: ISC */
/*
 * Other hubs: which there are, and sending.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
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
#include "session.h"
#include "timeutil.h"

#define HUBS_MAX	4096
#define REPORTED_MAX	512	/* others are shown if there are fewer */
#define TICK_MS		10000
#define FLUSH_MS	1000

struct hubs {
	TAILQ_HEAD(hub_list, hub) all;
	struct map		*ids;
	size_t			 n;
	struct router		*router;
	struct carriers		*carriers;
	struct event		*tick;
	int64_t			 started;	/* ms since 1970 */
};

static struct hub	*hub_add(struct hubs *, const char *);
static int	may_go(const struct hub *);
static void	hub_remove(struct hubs *, struct hub *);
static void	hub_free(enum key_verdict, void *);
static void	make_room(struct hubs *);
static void	on_tick(evutil_socket_t, short, void *);
static const char	*kind(const struct hub *);

static const char *const state_names[] = {
	[LINK_IS_DOWN] = "down",
	[LINK_IS_CALLING] = "connecting",
	[LINK_IS_UP] = "up",
};

struct hubs *
hubs_new(struct event_base *base, struct router *r)
{
	struct hubs *hs = xcalloc(1, sizeof(*hs));
	struct timeval tv = time_tv(TICK_MS);
	uint32_t i;

	TAILQ_INIT(&hs->all);
	hs->ids = map_new();
	hs->router = r;
	hs->started = time_now_ms();
	hs->carriers = carriers_new(base, r);
	hs->tick = event_new(base, -1, EV_PERSIST, on_tick, hs);
	if (hs->tick == NULL || event_add(hs->tick, &tv) == -1)
		fatalx("event_new");
	for (i = 0; i < r->conf->lan.npeers; i++)
		hub_add(hs, r->conf->lan.peers[i].hub_id)->configured = 1;
	return hs;
}

void
hubs_shutdown(struct hubs *hs)
{
	struct hub *h;

	TAILQ_FOREACH(h, &hs->all, entry)
		ways_down(h, NULL, "the hub stops");
	carriers_flush(hs->carriers, FLUSH_MS);
}

void
hubs_free(struct hubs *hs)
{
	struct hub *h;

	while ((h = TAILQ_FIRST(&hs->all)) != NULL) {
		TAILQ_REMOVE(&hs->all, h, entry);
		forward_down(h);
		hub_drop_receipts(h);
		free(h);
	}
	carriers_free(hs->carriers);
	event_free(hs->tick);
	map_free(hs->ids);
	free(hs);
}

static struct hub *
hub_add(struct hubs *hs, const char *id)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	h->router = hs->router;
	h->since = time_now_ms();
	strlcpy(h->id, id, sizeof(h->id));
	TAILQ_INIT(&h->ways);
	STAILQ_INIT(&h->unwritten);
	STAILQ_INIT(&h->receipts);
	TAILQ_INSERT_TAIL(&hs->all, h, entry);
	map_sets(hs->ids, h->id, h);
	hs->n++;
	return h;
}

struct hub *
hubs_find(const struct hubs *hs, const char *id)
{
	return map_gets(hs->ids, id);
}

struct hub *
hubs_of(const struct hubs *hs, const char *target)
{
	const char *at = strchr(target, '@');

	return at != NULL ? hubs_find(hs, at + 1) : NULL;
}

struct hub *
hubs_next(const struct hubs *hs, struct hub *h)
{
	return h == NULL ? TAILQ_FIRST(&hs->all) : TAILQ_NEXT(h, entry);
}

static int
may_go(const struct hub *h)
{
	return !h->configured && TAILQ_EMPTY(&h->ways);
}

/* Answers of the store for it that are under way come before this one. */
static void
hub_remove(struct hubs *hs, struct hub *h)
{
	TAILQ_REMOVE(&hs->all, h, entry);
	map_removes(hs->ids, h->id);
	hs->n--;
	keys_check(hs->router, h->id, "", hub_free, h);
}

static void
hub_free(enum key_verdict verdict, void *arg)
{
	struct hub *h = arg;

	(void)verdict;
	forward_down(h);
	hub_drop_receipts(h);
	free(h);
}

/* Who comes in crowds, and goes again, does not push out the old ones. */
static void
make_room(struct hubs *hs)
{
	struct hub *h;

	TAILQ_FOREACH_REVERSE(h, &hs->all, hub_list, entry) {
		if (may_go(h)) {
			hub_remove(hs, h);
			return;
		}
	}
}

struct hub *
hubs_next_told(const struct hubs *hs, struct hub *h)
{
	if (h != NULL && h->id[0] == '\0')
		return carriers_told(hs->carriers, h);
	while ((h = hubs_next(hs, h)) != NULL && h->way == NULL)
		;
	return h != NULL ? h : carriers_told(hs->carriers, NULL);
}

void
hubs_known(struct hubs *hs, const char *id)
{
	if (!name_valid(slice_of(id)) || hubs_find(hs, id) != NULL)
		return;
	if (hs->n >= HUBS_MAX)
		make_room(hs);
	if (hs->n < HUBS_MAX)
		(void)hub_add(hs, id);
}

void
hubs_reported(struct hubs *hs, const char *id)
{
	if (hs->n < REPORTED_MAX)
		hubs_known(hs, id);
}

void
hubs_retry(struct hubs *hs, const char *id)
{
	carriers_retry(hs->carriers, id);
}

void
hubs_forget(struct hubs *hs, const char *id, int gone)
{
	struct hub *h = hubs_find(hs, id);

	carriers_forget(hs->carriers, id);
	if (h != NULL)
		h->keyed = 0;
	if (h != NULL && gone && may_go(h))
		hub_remove(hs, h);
}

const char *
hub_id(const struct hub *h)
{
	return h->id;
}

const char *
hub_own_id(const struct hub *h)
{
	return h->router->conf->hub_id;
}

int
hub_is_up(const struct hub *h)
{
	return h->way != NULL;
}

int
hub_is_full(const struct hub *h)
{
	return h->way != NULL && h->way->full;
}

int
hub_can(const struct hub *h, enum hub_feature feature)
{
	return h->way != NULL && (h->way->features & feature);
}

unsigned
hub_features(const struct hub *h)
{
	return hub_can(h, HUB_ACK) ? FEATURE_KIND | FEATURE_RECEIPTS : 0;
}

int
hub_has_rooms(const struct hub *h)
{
	return hub_can(h, HUB_ROOMS);
}

int
hub_has_groups(const struct hub *h)
{
	return hub_can(h, HUB_GROUPS);
}

void
hub_qualify(const struct hub *h, const char *name, char dst[TARGET_SIZE])
{
	snprintf(dst, TARGET_SIZE, "%.*s@%s", NAME_LEN_MAX, name, h->id);
}

void
hubs_carrier(struct hubs *hs, enum proc_id id, int fd)
{
	carriers_add(hs->carriers, id, fd);
}

void
hubs_hold(struct hubs *hs, int hold)
{
	carriers_hold(hs->carriers, hold);
}

void
hubs_distrusted(struct hubs *hs, const char *id)
{
	carriers_distrusted(hs->carriers, id);
}

void
hubs_keyed(struct hubs *hs, const char *id)
{
	carriers_keyed(hs->carriers, id);
}

int64_t
hubs_started(const struct hubs *hs)
{
	return hs->started;
}

const char *
hubs_state_name(enum link_state state)
{
	return state_names[state];
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct hubs *hs = arg;
	int64_t now = time_mono_ms();
	struct hub *h;

	(void)fd;
	(void)ev;
	TAILQ_FOREACH(h, &hs->all, entry) {
		presence_tick(h, now);
		forward_tick(h, now);
	}
}

void
hub_write(struct hub *h, struct wbuf *w)
{
	json_end(w, '}');
	if (h->way != NULL)
		carrier_send(h->way, (struct slice){ wbuf_data(w), w->len },
		    NULL);
	wbuf_free(w);
}

int
hub_envelope(struct hub *h, const char *name, int64_t seq,
    const struct wbuf *head, struct rbuf *tail)
{
	struct wbuf w = { 0 };
	size_t max = hub_can(h, HUB_ACK) ? LINK_LINE_MAX : LINE_MAX_PLAIN;
	size_t len = head->len;

	if (h->way == NULL)
		return -1;
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_forward");
	json_put_str(&w, "target_peer", name);
	json_put_str(&w, "origin_hub", h->router->conf->hub_id);
	if (seq != 0 && hub_can(h, HUB_ACK))
		json_put_int(&w, "seq", seq);
	json_key(&w, "wrapped");
	if (w.len + len + tail->len > max) {
		wbuf_free(&w);
		return -1;
	}
	/* its newline is in the last part */
	if (tail->len == 0 && len > 0)
		len--;
	wbuf_add(&w, wbuf_data(head), len);
	if (tail->len == 0)
		json_end(&w, '}');
	carrier_send(h->way, (struct slice){ wbuf_data(&w), w.len },
	    tail->len > 0 ? tail : NULL);
	wbuf_free(&w);
	return 0;
}

int
hub_forward(struct session *s, const struct wbuf *head, struct rbuf *tail)
{
	struct slice name = { s->name, strcspn(s->name, "@") };
	char bare[NAME_SIZE];

	if (hub_is_full(s->hub) ||
	    slice_copy(name, bare, sizeof(bare)) == -1)
		return -1;
	return hub_envelope(s->hub, bare, 0, head, tail);
}

/* Of the link in use, or of the last one. */
static const char *
kind(const struct hub *h)
{
	return h->rank == LINK_RANK_LAN ? "lan" : "relay";
}

void
hubs_put_links(struct wbuf *w, const struct hubs *hs)
{
	const struct hub *h;
	char ts[ISO8601_SIZE];

	json_begin(w, '[');
	TAILQ_FOREACH(h, &hs->all, entry) {
		if (!h->configured && h->way == NULL)
			continue;
		json_comma(w);
		json_begin(w, '{');
		json_put_str(w, "hub_id", h->id);
		json_put_str(w, "kind", kind(h));
		json_put_str(w, "state", state_names[h->state]);
		time_iso8601(h->since, ts);
		json_put_str(w, "since", ts);
		json_end(w, '}');
	}
	json_end(w, ']');
}

void
hub_put_details(struct wbuf *w, const struct hub *h)
{
	char ts[ISO8601_SIZE];

	time_iso8601(h->since, ts);
	json_put_str(w, "hub_id", h->id);
	json_put_str(w, "kind", kind(h));
	json_put_str(w, "state", state_names[h->state]);
	json_put_str(w, "since", ts);
	json_put_bool(w, "configured", h->configured);
	json_put_bool(w, "plaintext", h->way != NULL && h->way->plaintext);
	json_put_int(w, "peers", h->npeers);
	json_put_str(w, "where", h->rank == LINK_RANK_LAN ? h->where :
	    carriers_where(h->router->hubs->carriers, h->rank));
	json_put_str(w, "error", h->why);
}

void
hub_stat(const struct hub *h, struct hub_stat *st)
{
	st->up = h->way != NULL;
	st->shown = h->configured || st->up;
	st->lan = st->up && h->rank == LINK_RANK_LAN;
	st->peers = h->npeers;
}

unsigned
hubs_relays(const struct hubs *hs)
{
	return carriers_relays(hs->carriers);
}

void
hubs_put_relays(struct wbuf *w, const struct hubs *hs)
{
	carriers_put_relays(w, hs->carriers);
}
