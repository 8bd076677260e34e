/* SPDX-License-Identifier: ISC */
/*
 * What hubctl shows of a hub.
 */
#include "compat.h"

#include <stdlib.h>

#include "asks.h"
#include "bufio.h"
#include "ctlconn.h"
#include "groupproto.h"
#include "hubs.h"
#include "imsg.h"
#include "keys.h"
#include "listproto.h"
#include "log.h"
#include "outproto.h"
#include "owner.h"
#include "peers.h"
#include "registry.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "stats.h"
#include "storeq.h"

#define LIST_MAX	(LINE_MAX_BYTES - 8192)	/* bytes */

static void	show_peers(struct ctl *, uint32_t);
static void	show_status(struct ctl *, uint32_t);
static void	show_rooms(struct ctl *, uint32_t);
static void	show_groups(struct ctl *, uint32_t);
static void	got_groups(struct imsg *, void *);
static void	show_sessions(struct ctl *, uint32_t);
static void	got_sessions(struct imsg *, void *);
static void	show_mailboxes(struct ctl *, uint32_t);
static void	got_mailboxes(struct imsg *, void *);
static void	show_links(struct ctl *, uint32_t);
static void	got_hubs(struct imsg *, void *);
static void	show_processes(struct ctl *, uint32_t);
static void	put_session(struct wbuf *, const struct session *, int);

/* A plain user sees what is there for all, or that user's part of a list. */
static const struct {
	const char	*what;
	void		(*handler)(struct ctl *, uint32_t);
	int		 admins;	/* nobody else may see it */
} shows[] = {
	{ "peers", show_peers, 0 },
	{ "sessions", show_sessions, 0 },
	{ "status", show_status, 0 },
	{ "rooms", show_rooms, 0 },
	{ "groups", show_groups, 0 },
	{ "mailboxes", show_mailboxes, 0 },
	{ "links", show_links, 1 },
	{ "keys", keys_ctl_show, 1 },
	{ "processes", show_processes, 1 },
	{ "stats", stats_show, 1 },
	{ "metrics", stats_metrics, 1 },
};

void
ctlshow(struct ctl *t, uint32_t id, const char *what)
{
	size_t i;

	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++) {
		if (strcmp(shows[i].what, what) != 0)
			continue;
		if (shows[i].admins && !owner_is_admin(t->owner))
			ctl_refuse(t, id);
		else
			shows[i].handler(t, id);
		return;
	}
	ctl_error(t, id, ERR_BAD_ARGS, "this hub cannot show that");
}

/* One of another hub is known by less; of another user's less is shown. */
static void
put_session(struct wbuf *w, const struct session *s, int may)
{
	const char *status = peers_status_name(s);

	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "name", s->name);
	json_put_str(w, "cwd", s->cwd);
	json_put_str(w, "git_branch", s->git_branch);
	json_put_int(w, "last_seen", s->last_seen);
	if (may && s->host[0] != '\0')
		json_put_str(w, "host", s->host);
	if (may && s->pid != 0)
		json_put_int(w, "pid", s->pid);
	if (status != NULL)
		json_put_str(w, "status", status);
	if (may && s->hub == NULL) {
		json_put_int(w, "unread", s->unread);
		json_put_int(w, "queued", (int64_t)bufio_pending(s->io));
	}
	json_end(w, '}');
}

static void
show_peers(struct ctl *t, uint32_t id)
{
	const struct router *r = t->control->router;
	struct session *s;
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_key(&w, "hub");
	json_begin(&w, '{');
	peers_put_hub(&w, r);
	json_end(&w, '}');
	json_key(&w, "peers");
	json_begin(&w, '[');
	for (s = registry_next(r->registry, NULL);
	    s != NULL && w.len < LIST_MAX;
	    s = registry_next(r->registry, s))
		put_session(&w, s, owner_may(t->owner, s->owner));
	for (s = registry_next_remote(r->registry, NULL);
	    s != NULL && w.len < LIST_MAX;
	    s = registry_next_remote(r->registry, s))
		put_session(&w, s, owner_may(t->owner, s->owner));
	json_end(&w, ']');
	ctl_result(t, id, &w);
}

static void
show_status(struct ctl *t, uint32_t id)
{
	const struct router *r = t->control->router;
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_key(&w, "hub");
	json_begin(&w, '{');
	peers_put_hub(&w, r);
	json_put_int(&w, "asks", (int64_t)asks_count(r->asks));
	json_end(&w, '}');
	json_key(&w, "store");
	json_begin(&w, '{');
	json_put_int(&w, "queued", (int64_t)storeq_waiting(r->store));
	json_end(&w, '}');
	ctl_result(t, id, &w);
}

static void
show_rooms(struct ctl *t, uint32_t id)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_key(&w, "rooms");
	rooms_put_list(&w, t->control->router->rooms, LINE_MAX_BYTES / 2);
	ctl_result(t, id, &w);
}

static void
show_groups(struct ctl *t, uint32_t id)
{
	struct store_group q = { .op = GROUP_SHOW,
	    .owner = owner_is_admin(t->owner) ? OWNER_NONE : t->owner,
	    .max_bytes = LINE_MAX_BYTES };
	struct wbuf w = { 0 };

	store_group_put(&w, &q);
	storeq_ask(t->control->router->store, STORE_GROUP, &w, got_groups,
	    ctl_pending_new(t, id));
	wbuf_free(&w);
}

static void
got_groups(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_group_done m;
	struct wbuf w = { 0 };

	if (store_group_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_GROUP_DONE");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the groups could not be read");
	} else {
		json_begin(&w, '{');
		json_key(&w, "groups");
		wbuf_add(&w, m.json.p, m.json.len);
		ctl_result(p->ctl, p->id, &w);
	}
	ctl_pending_free(p);
}

static void
show_sessions(struct ctl *t, uint32_t id)
{
	storeq_ask(t->control->router->store, STORE_SESSIONS, NULL,
	    got_sessions, ctl_pending_new(t, id));
}

static void
got_sessions(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_session_list m;
	struct store_session k;
	struct wbuf w = { 0 };
	struct reader rd;
	uint32_t i;

	if (store_session_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_SESSION_LIST");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the list of sessions could not be read");
		goto done;
	}
	reader_init(&rd, m.sessions.p, m.sessions.len);
	json_begin(&w, '{');
	json_key(&w, "sessions");
	json_begin(&w, '[');
	for (i = 0; i < m.n && w.len < LIST_MAX; i++) {
		if (store_session_get(&rd, &k) == -1)
			fatalx("bad session from the store");
		if (!ctl_may(p->ctl, k.name))
			continue;
		peers_put_session(&w, p->ctl->control->router, &k,
		    p->ctl->owner);
		json_put_int(&w, "kept", k.kept);
		json_end(&w, '}');
	}
	json_end(&w, ']');
	ctl_result(p->ctl, p->id, &w);
 done:
	ctl_pending_free(p);
}

static void
show_mailboxes(struct ctl *t, uint32_t id)
{
	storeq_ask(t->control->router->store, STORE_MAILBOXES, NULL,
	    got_mailboxes, ctl_pending_new(t, id));
}

static void
got_mailboxes(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct registry *g = p->ctl->control->router->registry;
	struct store_mailbox_list m;
	struct store_mailbox b;
	const struct session *s;
	struct wbuf w = { 0 };
	struct reader rd;
	uint32_t i;

	if (store_mailbox_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MAILBOX_LIST");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the list of mailboxes could not be read");
		goto done;
	}
	reader_init(&rd, m.mailboxes.p, m.mailboxes.len);
	json_begin(&w, '{');
	json_key(&w, "mailboxes");
	json_begin(&w, '[');
	for (i = 0; i < m.n && w.len < LIST_MAX; i++) {
		if (store_mailbox_get(&rd, &b) == -1)
			fatalx("bad mailbox from the store");
		if (!ctl_may(p->ctl, b.name))
			continue;
		s = registry_find(g, b.name);
		json_comma(&w);
		json_begin(&w, '{');
		json_put_str(&w, "name", b.name);
		json_put_int(&w, "kept", b.kept);
		json_put_int(&w, "unread", b.unread);
		json_put_int(&w, "dropped", b.dropped);
		json_put_bool(&w, "online",
		    s != NULL && strcmp(s->name, b.name) == 0);
		json_end(&w, '}');
	}
	json_end(&w, ']');
	ctl_result(p->ctl, p->id, &w);
 done:
	ctl_pending_free(p);
}

static void
show_links(struct ctl *t, uint32_t id)
{
	storeq_ask(t->control->router->store, STORE_HUBS, NULL, got_hubs,
	    ctl_pending_new(t, id));
}

/* How many messages wait for a hub, the store alone knows. */
static void
got_hubs(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	const struct hubs *hs = p->ctl->control->router->hubs;
	struct store_hub_info info = { .queued = 0 };
	struct store_hub_list m;
	struct wbuf w = { 0 };
	struct hub *h = NULL;
	struct reader rd;
	uint32_t i, queued;

	if (store_hub_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_HUB_LIST");
	json_begin(&w, '{');
	json_key(&w, "links");
	json_begin(&w, '[');
	while ((h = hubs_next(hs, h)) != NULL && w.len < LIST_MAX) {
		reader_init(&rd, m.hubs.p, m.hubs.len);
		for (i = queued = 0; i < m.n && m.status == STORE_OK; i++) {
			if (store_hub_info_get(&rd, &info) == -1)
				fatalx("bad STORE_HUB_LIST");
			if (strcmp(info.hub, hub_id(h)) == 0)
				queued = info.queued;
		}
		json_comma(&w);
		json_begin(&w, '{');
		hub_put_details(&w, h);
		json_put_int(&w, "queued", queued);
		json_end(&w, '}');
	}
	hubs_put_relays(&w, hs);
	json_end(&w, ']');
	ctl_result(p->ctl, p->id, &w);
	ctl_pending_free(p);
}

/* The parent alone knows them all; it answers in the order it was asked. */
static void
show_processes(struct ctl *t, uint32_t id)
{
	struct ctl_pending *p = ctl_pending_new(t, id);

	TAILQ_INSERT_TAIL(&t->control->lists, p, entry);
	router_tell(t->control->router, PROC_LIST, 0, NULL);
}

void
ctlshow_listed(struct control *c, struct imsg *msg)
{
	struct ctl_pending *p = TAILQ_FIRST(&c->lists);
	struct slice json = get_slice(&msg->rd);
	struct wbuf w = { 0 };

	if (reader_done(&msg->rd) == -1 || p == NULL)
		fatalx("bad PROC_LISTED");
	TAILQ_REMOVE(&c->lists, p, entry);
	json_begin(&w, '{');
	json_key(&w, "processes");
	wbuf_add(&w, json.p, json.len);
	ctl_result(p->ctl, p->id, &w);
	ctl_pending_free(p);
}

void
ctlshow_free(struct control *c)
{
	struct ctl_pending *p;

	while ((p = TAILQ_FIRST(&c->lists)) != NULL) {
		TAILQ_REMOVE(&c->lists, p, entry);
		ctl_pending_free(p);
	}
}
