/* SPDX-License-Identifier: ISC */
/*
 * The ways to another hub: links that are up, over the LAN or by relays.  The
 * best one is used for all that is sent; what comes is taken from any.
 *
 * Where messages are acknowledged on the old way and on the new one, sessions
 * of the other hub and what they are asked outlive the change: it is told all
 * of ours on the new way, and what it has not acknowledged is sent again.
 * Otherwise the hub goes and comes back.
 */
#include "compat.h"

#include <stdlib.h>

#include "carrier.h"
#include "control.h"
#include "hub.h"
#include "hubreq.h"
#include "hubs.h"
#include "log.h"
#include "outproto.h"
#include "router.h"
#include "storeq.h"
#include "timeutil.h"

static void	replace(struct hub *, const struct carrier *, uint8_t);
static int	order(const struct way *);
static void	insert(struct hub *, struct way *);
static int	acknowledges(const struct way *);
static void	hub_up(struct way *, struct slice);
static void	hub_down(struct hub *, const char *);
static void	change(struct way *);
static void	tell_store(const struct hub *);

static const struct slice no_hello;

void
way_up(struct hub *h, struct carrier *c, const struct link_up *m)
{
	struct way *w, *old;

	replace(h, c, m->rank);
	w = xcalloc(1, sizeof(*w));
	w->hub = h;
	w->carrier = c;
	w->link = m->link;
	w->rank = m->rank;
	w->plaintext = m->plaintext;
	w->features = linkline_features(m->hello);
	insert(h, w);
	carrier_add(c, w->link, w);
	old = h->way;
	if (old == NULL) {
		hub_up(w, m->hello);
	} else if (w != TAILQ_FIRST(&h->ways)) {
		log_debug("hub %s: there is a spare link", h->id);
	} else if (acknowledges(old) && acknowledges(w)) {
		change(w);
	} else {
		hub_down(h, "there is a better link");
		hub_up(w, m->hello);
	}
}

/* Where there was a link there is another now: the other end has come anew. */
static void
replace(struct hub *h, const struct carrier *c, uint8_t rank)
{
	static const char why[] = "there is another link";
	struct way *w;

	TAILQ_FOREACH(w, &h->ways, entry) {
		if (w->carrier == c && w->rank == rank) {
			carrier_close(w->carrier, w->link, why);
			way_down(w, why);
			return;
		}
	}
}

/* What a relay can read comes behind all that it cannot. */
static int
order(const struct way *w)
{
	return w->rank + (w->plaintext && w->rank != LINK_RANK_LAN ?
	    UINT8_MAX + 1 : 0);
}

static void
insert(struct hub *h, struct way *w)
{
	struct way *other;

	TAILQ_FOREACH(other, &h->ways, entry) {
		if (order(other) > order(w)) {
			TAILQ_INSERT_BEFORE(other, w, entry);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&h->ways, w, entry);
}

static int
acknowledges(const struct way *w)
{
	return !w->plaintext && (w->features & HUB_ACK);
}

void
way_down(struct way *w, const char *why)
{
	struct hub *h = w->hub;
	struct way *next;

	TAILQ_REMOVE(&h->ways, w, entry);
	carrier_remove(w->carrier, w->link);
	next = TAILQ_FIRST(&h->ways);
	if (next != NULL)
		presence_lost(w);
	if (next == NULL) {
		hub_down(h, why);
	} else if (h->way == w && acknowledges(w) && acknowledges(next)) {
		change(next);
	} else if (h->way == w) {
		hub_down(h, why);
		hub_up(next, no_hello);
	}
	free(w);
}

/* The one in use comes last: there is no change to one that goes, too. */
void
ways_down(struct hub *h, const struct carrier *c, const char *why)
{
	struct way *w, *before;

	for (w = TAILQ_LAST(&h->ways, way_list); w != NULL; w = before) {
		before = TAILQ_PREV(w, way_list, entry);
		if (c == NULL || w->carrier == c)
			way_down(w, why);
	}
}

static void
hub_up(struct way *w, struct slice hello)
{
	struct hub *h = w->hub;

	h->way = w;
	h->rank = w->rank;
	h->generation++;
	h->router->counters[COUNT_LINK_UPS]++;
	h->state = LINK_IS_UP;
	h->since = time_now_ms();
	h->why[0] = '\0';
	tell_store(h);
	control_event(h->router->control, "link_up", "hub", h->id, NULL);
	presence_up(w, hello);
	hub_tell_all(h);
	forward_up(h);
}

static void
hub_down(struct hub *h, const char *why)
{
	h->way = NULL;
	if (h->configured)
		h->rank = LINK_RANK_LAN;
	h->generation++;
	h->state = LINK_IS_DOWN;
	h->since = time_now_ms();
	strlcpy(h->why, why, sizeof(h->why));
	presence_down(h, why);
	forward_down(h);
	hubreq_down(h->router->hubreqs, h);
	control_event(h->router->control, "link_down", "hub", h->id, "why",
	    why, NULL);
}

static void
change(struct way *w)
{
	struct hub *h = w->hub;

	h->way = w;
	h->rank = w->rank;
	log_info("hub %s is reached %s now", h->id,
	    w->rank == LINK_RANK_LAN ? "over the LAN" : "by a relay");
	hub_tell_all(h);
	forward_up(h);
}

/* From now on its sessions can be written to, away or not. */
static void
tell_store(const struct hub *h)
{
	struct store_hub m = { .now = time_now_ms() };
	struct wbuf w = { 0 };

	strlcpy(m.hub, h->id, sizeof(m.hub));
	store_hub_put(&w, &m);
	storeq_tell(h->router->store, STORE_HUB, &w);
	wbuf_free(&w);
}
