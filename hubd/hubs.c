/* SPDX-License-Identifier: ISC */
/*
 * Other hubs: which there are, their links and sessions, and sending.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "control.h"
#include "hub.h"
#include "hubreq.h"
#include "hubs.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "map.h"
#include "outproto.h"
#include "registry.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "storeq.h"
#include "timeutil.h"

#define HUBS_MAX	4096
#define TICK_MS		10000
#define RENAMES_MAX	2000	/* former names that a link may tell of */
#define FLUSH_MS	1000

struct hubs {
	TAILQ_HEAD(, hub)	 all;
	struct map		*ids;
	size_t			 n;
	struct event_base	*base;
	struct router		*router;
	struct imsgbuf		*carrier;	/* NULL: there is none */
	struct event		*tick;
	int			 held;
};

static struct hub	*hub_add(struct hubs *, const char *);
static struct hub	*by_link(const struct hubs *, uint32_t);
static void	on_tick(evutil_socket_t, short, void *);
static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	closed(struct imsgbuf *, int, void *);
static void	on_up(struct hubs *, struct imsg *);
static void	on_down(struct hubs *, struct imsg *);
static void	on_line(struct hubs *, struct imsg *);
static void	close_link(struct hubs *, uint32_t, const char *);
static void	on_full(struct hubs *, struct imsg *);
static void	on_written(struct hubs *, struct imsg *);
static void	on_state(struct hubs *, struct imsg *);
static void	link_down(struct hub *, const char *);
static void	send_parts(struct hub *, struct slice, struct rbuf *);
static void	rename_stored(struct router *, const char *, const char *);
static void	renamed(struct imsg *, void *);
static void	forget_aliases(struct hub *);
static void	tell_store(const struct hub *);

static const char *const state_names[] = {
	[LINK_IS_DOWN] = "down",
	[LINK_IS_CALLING] = "connecting",
	[LINK_IS_UP] = "up",
};

static const struct imsg_ops carrier_ops = {
	.dispatch = dispatch,
	.closed = closed,
};

static const struct {
	enum imsg_type	 type;
	void		(*handler)(struct hubs *, struct imsg *);
} handlers[] = {
	{ LINK_LINE, on_line },
	{ LINK_FULL, on_full },
	{ LINK_WRITTEN, on_written },
	{ LINK_UP, on_up },
	{ LINK_DOWN, on_down },
	{ LINK_STATE, on_state },
};

struct hubs *
hubs_new(struct event_base *base, struct router *r)
{
	struct hubs *hs = xcalloc(1, sizeof(*hs));
	struct timeval tv = time_tv(TICK_MS);
	uint32_t i;

	TAILQ_INIT(&hs->all);
	hs->ids = map_new();
	hs->base = base;
	hs->router = r;
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

	TAILQ_FOREACH(h, &hs->all, entry) {
		if (h->link != 0)
			link_down(h, "the hub stops");
	}
	if (hs->carrier != NULL)
		(void)imsg_flush(hs->carrier, FLUSH_MS);
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
	imsg_free(hs->carrier);
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

void
hubs_known(struct hubs *hs, const char *id)
{
	if (name_valid(slice_of(id)) && hubs_find(hs, id) == NULL &&
	    hs->n < HUBS_MAX)
		(void)hub_add(hs, id);
}

static struct hub *
by_link(const struct hubs *hs, uint32_t link)
{
	struct hub *h;

	TAILQ_FOREACH(h, &hs->all, entry) {
		if (h->link == link)
			return h;
	}
	return NULL;
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
	return h->link != 0;
}

int
hub_is_full(const struct hub *h)
{
	return h->full;
}

unsigned
hub_features(const struct hub *h)
{
	return h->features & HUB_ACK ? FEATURE_KIND | FEATURE_RECEIPTS : 0;
}

int
hub_has_rooms(const struct hub *h)
{
	return h->link != 0 && (h->features & HUB_ROOMS);
}

int
hub_has_groups(const struct hub *h)
{
	return h->link != 0 && (h->features & HUB_GROUPS);
}

void
hub_qualify(const struct hub *h, const char *name, char dst[TARGET_SIZE])
{
	snprintf(dst, TARGET_SIZE, "%.*s@%s", NAME_LEN_MAX, name, h->id);
}

/* A carrier that has died is replaced: all its links are down. */
void
hubs_carrier(struct hubs *hs, int fd)
{
	struct wbuf w = { 0 };

	if (hs->carrier != NULL)
		closed(hs->carrier, 0, hs);
	hs->carrier = imsg_new(hs->base, fd, PROC_ROUTER, PROC_BRIDGED,
	    &carrier_ops, hs);
	if (!hs->held)
		return;
	put_u8(&w, 1);
	imsg_send(hs->carrier, LINK_HOLD, 0, -1, &w, NULL);
	wbuf_free(&w);
}

void
hubs_hold(struct hubs *hs, int hold)
{
	struct wbuf w = { 0 };

	if (hs->held == hold)
		return;
	hs->held = hold;
	if (hs->carrier == NULL)
		return;
	put_u8(&w, (uint8_t)hold);
	imsg_send(hs->carrier, LINK_HOLD, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct hubs *hs = arg;
	int64_t now = time_mono_ms();
	struct hub *h;

	(void)fd;
	(void)ev;
	TAILQ_FOREACH(h, &hs->all, entry)
		forward_tick(h, now);
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
	struct hubs *hs = arg;
	struct hub *h;

	if (err != 0)
		log_warnx("connection to bridged: %s", strerror(err));
	imsg_free(ib);
	hs->carrier = NULL;
	TAILQ_FOREACH(h, &hs->all, entry) {
		if (h->link != 0)
			link_down(h, "the process that carries it has ended");
		h->state = LINK_IS_DOWN;
	}
}

static void
on_up(struct hubs *hs, struct imsg *msg)
{
	struct link_up m;
	struct hub *h;

	if (link_up_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_UP");
	hubs_known(hs, m.hub_id);
	if ((h = hubs_find(hs, m.hub_id)) == NULL) {
		log_warnx("more than %d hubs: %s is one too many", HUBS_MAX,
		    m.hub_id);
		close_link(hs, m.link, "too many hubs are known");
		return;
	}
	if (h->link != 0)
		link_down(h, "there is another link");
	h->link = m.link;
	h->generation++;
	h->plaintext = m.plaintext;
	h->full = h->too_many = 0;
	h->renames = 0;
	h->lines = 0;
	h->state = LINK_IS_UP;
	h->since = time_now_ms();
	h->why[0] = '\0';
	tell_store(h);
	control_event(hs->router->control, "link_up", "hub", h->id, NULL);
	linkline_hello(h, m.hello.p, m.hello.len);
	if (h->features & HUB_RENAME)
		forget_aliases(h);
	hub_tell_all(h);
	forward_up(h);
}

/* It tells all that still hold. */
static void
forget_aliases(struct hub *h)
{
	char name[TARGET_SIZE];

	while (registry_drop_alias_of(h->router->registry, h->id, name))
		rename_stored(h->router, "", name);
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

static void
link_down(struct hub *h, const char *why)
{
	const struct registry *g = h->router->registry;
	struct session *s, *next;

	h->link = 0;
	h->generation++;
	h->state = LINK_IS_DOWN;
	h->since = time_now_ms();
	strlcpy(h->why, why, sizeof(h->why));
	for (s = registry_next_remote(g, NULL); s != NULL; s = next) {
		next = registry_next_remote(g, s);
		if (s->hub == h)
			session_close(s, why);
	}
	h->npeers = 0;
	forward_down(h);
	hubreq_down(h->router->hubreqs, h);
	control_event(h->router->control, "link_down", "hub", h->id, "why",
	    why, NULL);
}

static void
on_down(struct hubs *hs, struct imsg *msg)
{
	struct link_end m;
	struct hub *h;

	if (link_end_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_DOWN");
	if ((h = by_link(hs, m.link)) != NULL)
		link_down(h, m.why);
}

static void
on_line(struct hubs *hs, struct imsg *msg)
{
	struct link_line m;
	struct hub *h;

	if (link_line_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_LINE");
	if ((h = by_link(hs, m.link)) == NULL)
		return;
	if (linkline(h, m.line.p, m.line.len) == -1)
		close_link(hs, m.link, "what it sent is not JSON");
}

static void
close_link(struct hubs *hs, uint32_t link, const char *why)
{
	struct link_end e = { .link = link };
	struct wbuf w = { 0 };

	strlcpy(e.why, why, sizeof(e.why));
	link_end_put(&w, &e);
	imsg_send(hs->carrier, LINK_CLOSE, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_full(struct hubs *hs, struct imsg *msg)
{
	struct link_full m;
	struct hub *h;

	if (link_full_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_FULL");
	if ((h = by_link(hs, m.link)) == NULL)
		return;
	h->full = m.full;
	if (!m.full) {
		hub_send_receipts(h);
		forward_more(h);
	}
}

static void
on_written(struct hubs *hs, struct imsg *msg)
{
	struct link_written m;
	struct hub *h;

	if (link_written_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_WRITTEN");
	if ((h = by_link(hs, m.link)) != NULL)
		forward_written(h, m.lines);
}

static void
on_state(struct hubs *hs, struct imsg *msg)
{
	struct link_report m;
	struct hub *h;

	if (link_report_get(&msg->rd, &m) == -1)
		fatalx("bad LINK_STATE");
	if ((h = hubs_find(hs, m.hub_id)) == NULL)
		return;
	strlcpy(h->where, m.where, sizeof(h->where));
	if (h->link != 0)
		return;
	h->state = m.state == LINK_IS_UP ? LINK_IS_CALLING : m.state;
	if (m.why[0] != '\0')
		strlcpy(h->why, m.why, sizeof(h->why));
}

static void
send_parts(struct hub *h, struct slice head, struct rbuf *inner)
{
	const struct hubs *hs = h->router->hubs;
	struct link_send m = { .link = h->link, .head = head };
	struct wbuf w = { 0 };

	if (h->link == 0 || hs->carrier == NULL)
		return;
	link_send_put(&w, &m);
	imsg_send(hs->carrier, LINK_SEND, 0, -1, &w, inner);
	wbuf_free(&w);
	h->lines++;
}

void
hub_write(struct hub *h, struct wbuf *w)
{
	json_end(w, '}');
	send_parts(h, (struct slice){ wbuf_data(w), w->len }, NULL);
	wbuf_free(w);
}

int
hub_envelope(struct hub *h, const char *name, int64_t seq,
    const struct wbuf *head, struct rbuf *tail)
{
	struct wbuf w = { 0 };
	size_t max = h->features & HUB_ACK ? LINK_LINE_MAX : LINE_MAX_PLAIN;
	size_t len = head->len;

	if (h->link == 0)
		return -1;
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_forward");
	json_put_str(&w, "target_peer", name);
	json_put_str(&w, "origin_hub", h->router->conf->hub_id);
	if (seq != 0 && (h->features & HUB_ACK))
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
	send_parts(h, (struct slice){ wbuf_data(&w), w.len },
	    tail->len > 0 ? tail : NULL);
	wbuf_free(&w);
	return 0;
}

int
hub_forward(struct session *s, const struct wbuf *head, struct rbuf *tail)
{
	struct slice name = { s->name, strcspn(s->name, "@") };
	char bare[NAME_SIZE];

	if (s->hub->full || slice_copy(name, bare, sizeof(bare)) == -1)
		return -1;
	return hub_envelope(s->hub, bare, 0, head, tail);
}

struct session *
hub_session(struct hub *h, const char *name)
{
	struct registry *g = h->router->registry;
	uint32_t max = h->router->conf->max_hub_peers;
	char full[TARGET_SIZE];
	struct session *s;

	hub_qualify(h, name, full);
	if ((s = registry_exact(g, slice_of(full))) != NULL || h->link == 0)
		return s;
	if (h->npeers >= max) {
		if (!h->too_many)
			log_warnx("hub %s has more than %u sessions: the rest "
			    "is not shown", h->id, max);
		h->too_many = 1;
		return NULL;
	}
	h->npeers++;
	if (registry_is_alias(g, full)) {
		registry_own(g, full);
		rename_stored(h->router, "", full);
	}
	s = session_remote(h->router, h, full);
	control_event(h->router->control, "join", "name", full, NULL);
	return s;
}

void
hub_peer_joined(struct hub *h, const char *name, char *cwd, char *git_branch,
    int64_t last_seen)
{
	struct session *s = hub_session(h, name);

	if (s == NULL) {
		free(cwd);
		free(git_branch);
		return;
	}
	free(s->cwd);
	free(s->git_branch);
	s->cwd = cwd;
	s->git_branch = git_branch;
	s->last_seen = last_seen;
}

void
hub_peer_left(struct hub *h, const char *name)
{
	char full[TARGET_SIZE];
	struct session *s;

	hub_qualify(h, name, full);
	s = registry_exact(h->router->registry, slice_of(full));
	if (s == NULL)
		return;
	h->npeers--;
	session_close(s, "left");
}

/* Of one that is not online here, too: it may be in groups. */
void
hub_peer_renamed(struct hub *h, const char *name, const char *new_name)
{
	struct registry *g = h->router->registry;
	char old[TARGET_SIZE], full[TARGET_SIZE];
	struct session *s;

	hub_qualify(h, name, old);
	hub_qualify(h, new_name, full);
	if (strcmp(old, full) == 0)
		return;
	s = registry_exact(g, slice_of(old));
	/* one that is too many is somebody else from here on */
	if (h->renames++ >= RENAMES_MAX) {
		hub_peer_left(h, name);
		if (s != NULL)
			(void)hub_session(h, new_name);
		return;
	}
	if (s != NULL) {
		hub_peer_left(h, new_name);
		(void)registry_reserve(g, s, full);
		registry_renamed(g, s, full, 1);
		control_event(h->router->control, "rename", "name", old,
		    "new_name", full, NULL);
	} else {
		registry_alias(g, old, full);
	}
	rename_stored(h->router, old, full);
}

/* from "": the name is nobody's former one any more. */
static void
rename_stored(struct router *r, const char *from, const char *to)
{
	struct store_rename m = { .now = time_now_ms() };
	struct wbuf w = { 0 };

	strlcpy(m.from, from, sizeof(m.from));
	strlcpy(m.to, to, sizeof(m.to));
	store_rename_put(&w, &m);
	storeq_ask(r->store, STORE_RENAME, &w, renamed, NULL);
	wbuf_free(&w);
}

/* If that failed, the other hub says it again on the next link. */
static void
renamed(struct imsg *msg, void *arg)
{
	struct store_registered m;

	(void)arg;
	if (store_registered_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_RENAMED");
}

void
hubs_put_links(struct wbuf *w, const struct hubs *hs)
{
	const struct hub *h;
	char ts[ISO8601_SIZE];

	json_begin(w, '[');
	TAILQ_FOREACH(h, &hs->all, entry) {
		if (!h->configured && h->link == 0)
			continue;
		json_comma(w);
		json_begin(w, '{');
		json_put_str(w, "hub_id", h->id);
		json_put_str(w, "kind", "lan");
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
	json_put_str(w, "kind", "lan");
	json_put_str(w, "state", state_names[h->state]);
	json_put_str(w, "since", ts);
	json_put_bool(w, "configured", h->configured);
	json_put_bool(w, "plaintext", h->plaintext);
	json_put_int(w, "peers", h->npeers);
	json_put_str(w, "where", h->where);
	json_put_str(w, "error", h->why);
}
