/* SPDX-License-Identifier: ISC */
/*
 * What other hubs are told of the sessions of this one, and of what has become
 * of their messages.
 */
#include "compat.h"

#include <stdlib.h>

#include "hub.h"
#include "hubs.h"
#include "json.h"
#include "registry.h"
#include "rooms.h"
#include "router.h"
#include "session.h"

#define RECEIPTS_MAX	1000	/* kept while a link is down */

/* A receipt that waits for the link. */
struct kept {
	STAILQ_ENTRY(kept)	 entry;
	struct store_receipt	 receipt;
};

static void	begin_update(struct wbuf *, const char *);
static void	tell_mark(struct hub *, const char *);
static void	tell_join(struct hub *, const struct session *);
static void	tell_leave(struct hub *, const char *);
static void	tell_rename(const char *, const char *, void *);
static void	tell_room(struct hub *, const struct session *, const char *,
		    int);
static void	tell_one_room(const struct session *, const char *, void *);
static void	send_receipt(struct hub *, const struct store_receipt *);

static void
begin_update(struct wbuf *w, const char *action)
{
	json_begin(w, '{');
	json_put_str(w, "type", "bridge_peer_update");
	json_put_str(w, "action", action);
}

static void
tell_join(struct hub *h, const struct session *s)
{
	struct wbuf w = { 0 };

	begin_update(&w, "join");
	json_key(&w, "peer");
	json_begin(&w, '{');
	json_put_str(&w, "name", s->name);
	json_put_str(&w, "cwd", s->cwd);
	json_put_str(&w, "git_branch", s->git_branch);
	json_put_int(&w, "last_seen", s->last_seen);
	json_end(&w, '}');
	hub_write(h, &w);
}

static void
tell_leave(struct hub *h, const char *name)
{
	struct wbuf w = { 0 };

	begin_update(&w, "leave");
	json_put_str(&w, "name", name);
	hub_write(h, &w);
}

static void
tell_rename(const char *name, const char *new_name, void *arg)
{
	struct hub *h = arg;
	struct wbuf w = { 0 };

	if (strchr(name, '@') != NULL)
		return;
	begin_update(&w, "rename");
	json_put_str(&w, "name", name);
	json_put_str(&w, "new_name", new_name);
	hub_write(h, &w);
}

static void
tell_room(struct hub *h, const struct session *s, const char *room,
    int joined)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_room");
	json_put_str(&w, "action", joined ? "join" : "leave");
	json_put_str(&w, "room", room);
	json_put_str(&w, "name", s->name);
	hub_write(h, &w);
}

static void
tell_one_room(const struct session *s, const char *room, void *arg)
{
	tell_room(arg, s, room, 1);
}

/*
 * Begin and end of all: what it was told before and is not told again does
 * not hold any more.  The numbers are for one that gets it on several ways.
 */
static void
tell_mark(struct hub *h, const char *action)
{
	struct wbuf w = { 0 };

	if (!hub_can(h, HUB_ACK))
		return;
	begin_update(&w, action);
	json_put_int(&w, "started", hubs_started(h->router->hubs));
	json_put_int(&w, "seq", h->tellings);
	hub_write(h, &w);
}

/* To a hub that has just come, or that has another way now. */
void
hub_tell_all(struct hub *h)
{
	const struct registry *g = h->router->registry;
	struct session *s;

	h->tellings++;
	tell_mark(h, "begin");
	if (hub_can(h, HUB_RENAME))
		registry_aliases(g, tell_rename, h);
	for (s = registry_next(g, NULL); s != NULL; s = registry_next(g, s)) {
		tell_join(h, s);
		if (hub_has_rooms(h))
			rooms_each(s, tell_one_room, h);
	}
	tell_mark(h, "all");
	hub_send_receipts(h);
}

void
hubs_joined(struct hubs *hs, const struct session *s)
{
	struct hub *h;

	for (h = hubs_next_told(hs, NULL); h != NULL;
	    h = hubs_next_told(hs, h))
		tell_join(h, s);
}

void
hubs_left(struct hubs *hs, const struct session *s)
{
	struct hub *h;

	for (h = hubs_next_told(hs, NULL); h != NULL;
	    h = hubs_next_told(hs, h))
		tell_leave(h, s->name);
}

void
hubs_renamed(struct hubs *hs, const struct session *s, const char *old)
{
	char name[TARGET_SIZE];
	struct hub *h;

	strlcpy(name, s->name, sizeof(name));
	for (h = hubs_next_told(hs, NULL); h != NULL;
	    h = hubs_next_told(hs, h)) {
		if (hub_can(h, HUB_RENAME)) {
			tell_rename(old, name, h);
		} else {
			tell_leave(h, old);
			tell_join(h, s);
		}
	}
}

void
hubs_room(struct hubs *hs, const struct session *s, const char *room,
    int joined)
{
	struct hub *h;

	for (h = hubs_next(hs, NULL); h != NULL; h = hubs_next(hs, h)) {
		if (hub_has_rooms(h))
			tell_room(h, s, room, joined);
	}
}

static void
send_receipt(struct hub *h, const struct store_receipt *c)
{
	struct slice name = { c->sender, strcspn(c->sender, "@") };
	static struct rbuf none;
	char bare[NAME_SIZE];
	struct wbuf w = { 0 };

	if (!hub_can(h, HUB_ACK) ||
	    slice_copy(name, bare, sizeof(bare)) == -1)
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "receipt");
	json_put_str(&w, "msg_id", c->msg_id);
	json_put_str(&w, "peer", c->peer);
	json_put_str(&w, "state", msg_state_name(c->state));
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	(void)hub_envelope(h, bare, 0, &w, &none);
	wbuf_free(&w);
}

void
hub_send_receipts(struct hub *h)
{
	struct kept *k;

	while (h->way != NULL && !h->way->full &&
	    (k = STAILQ_FIRST(&h->receipts)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->receipts, entry);
		h->nreceipts--;
		send_receipt(h, &k->receipt);
		free(k);
	}
}

/* While the link is down they are kept, the newest of them. */
void
hubs_receipt(struct hubs *hs, const struct store_receipt *c)
{
	struct hub *h = hubs_of(hs, c->sender);
	struct kept *k;

	if (h == NULL)
		return;
	if (h->way != NULL && !h->way->full) {
		send_receipt(h, c);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->receipt = *c;
	STAILQ_INSERT_TAIL(&h->receipts, k, entry);
	if (++h->nreceipts > RECEIPTS_MAX) {
		k = STAILQ_FIRST(&h->receipts);
		STAILQ_REMOVE_HEAD(&h->receipts, entry);
		h->nreceipts--;
		free(k);
	}
}

void
hub_drop_receipts(struct hub *h)
{
	struct kept *k;

	while ((k = STAILQ_FIRST(&h->receipts)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->receipts, entry);
		free(k);
	}
}
