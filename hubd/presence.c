/* SPDX-License-Identifier: ISC */
/*
 * Sessions of other hubs.
 *
 * Of several ways to a hub one is the authority: that on which it has last
 * begun to tell all its sessions and rooms.  What other ways tell is older,
 * and does not count.  Sessions that were not told when it ends have gone.
 * They are doubtful until then, and so are those of a hub whose authority has
 * gone, and those that something older has come from: for a while.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "control.h"
#include "hub.h"
#include "hubreq.h"
#include "hubs.h"
#include "imsg.h"
#include "log.h"
#include "registry.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "storeq.h"
#include "timeutil.h"

#define RENAMES_MAX	2000	/* former names that are told at a time */
#define DOUBT_MS	50000	/* and until the next tick */

static void	each(struct hub *, void (*)(struct hub *, struct session *));
static void	leave(struct session *, const char *);
static void	leave_doubtful(struct hub *, struct session *);
static void	leave_restarted(struct hub *, struct session *);
static void	doubt_rooms(struct hub *, struct session *);
static void	settle_rooms(struct hub *, struct session *);
static void	doubt(struct hub *, struct session *);
static int	make_room(struct hub *);
static void	forget_aliases(struct hub *);
static void	rename_stored(struct router *, const char *, const char *);
static void	renamed(struct imsg *, void *);

/* The session may go meanwhile. */
static void
each(struct hub *h, void (*fn)(struct hub *, struct session *))
{
	const struct registry *g = h->router->registry;
	struct session *s, *next;

	for (s = registry_next_remote(g, NULL); s != NULL; s = next) {
		next = registry_next_remote(g, s);
		if (s->hub == h)
			fn(h, s);
	}
}

static void
leave(struct session *s, const char *why)
{
	s->hub->npeers--;
	session_close(s, why);
}

static void
leave_doubtful(struct hub *h, struct session *s)
{
	if (s->told != h->telling)
		leave(s, "left");
}

static void
leave_restarted(struct hub *h, struct session *s)
{
	(void)h;
	leave(s, "its hub has been started again");
}

static void
doubt_rooms(struct hub *h, struct session *s)
{
	(void)h;
	rooms_doubt(s);
}

static void
settle_rooms(struct hub *h, struct session *s)
{
	rooms_settle(h->router->rooms, s);
}

int
presence_counts(const struct way *w)
{
	const struct hub *h = w->hub;

	return h->authority == w || (h->authority == NULL && !h->marked);
}

void
presence_up(struct way *w, struct slice hello)
{
	struct hub *h = w->hub;

	h->authority = w;
	h->too_many = 0;
	h->renames = 0;
	h->marked = h->in_telling = 0;
	h->started = h->began = h->doubtful = 0;
	linkline_peers(w, hello);
	if (w->features & HUB_RENAME)
		forget_aliases(h);
}

void
presence_down(struct hub *h, const char *why)
{
	const struct registry *g = h->router->registry;
	struct session *s, *next;

	h->authority = NULL;
	for (s = registry_next_remote(g, NULL); s != NULL; s = next) {
		next = registry_next_remote(g, s);
		if (s->hub == h)
			session_close(s, why);
	}
	h->npeers = 0;
	h->doubtful = 0;
}

/* It tells them again when it has seen that, too. */
void
presence_lost(const struct way *w)
{
	struct hub *h = w->hub;

	if (h->authority != w)
		return;
	h->authority = NULL;
	h->in_telling = 0;
	h->telling++;
	h->doubtful = time_mono_ms() + DOUBT_MS;
}

/*
 * On a way that is slow, what it began to tell earlier comes later.  If it is
 * another process now, what the sessions of before were asked is forgotten
 * there.
 */
void
presence_begin(struct way *w, int64_t started, int64_t n)
{
	struct hub *h = w->hub;

	if (h->marked && n != 0 && started == h->started && n <= h->began)
		return;
	if (h->marked && started != h->started) {
		h->generation++;
		each(h, leave_restarted);
		hubreq_down(h->router->hubreqs, h);
	}
	h->authority = w;
	h->marked = h->in_telling = 1;
	h->started = started;
	h->began = n;
	h->telling++;
	h->too_many = 0;
	h->renames = 0;
	each(h, doubt_rooms);
	if (w->features & HUB_RENAME)
		forget_aliases(h);
}

void
presence_end(const struct way *w)
{
	struct hub *h = w->hub;

	if (h->authority != w || !h->in_telling)
		return;
	h->in_telling = 0;
	h->doubtful = 0;
	each(h, leave_doubtful);
	each(h, settle_rooms);
}

void
presence_tick(struct hub *h, int64_t now)
{
	if (h->doubtful == 0 || now < h->doubtful)
		return;
	h->doubtful = 0;
	each(h, leave_doubtful);
}

/* It is known of a message only, which may be older than its leaving. */
static void
doubt(struct hub *h, struct session *s)
{
	s->told = h->telling - 1;
	if (h->doubtful == 0)
		h->doubtful = time_mono_ms() + DOUBT_MS;
}

/* Of as many as there may be, one that is doubtful goes. */
static int
make_room(struct hub *h)
{
	const struct registry *g = h->router->registry;
	struct session *s;

	for (s = registry_next_remote(g, NULL); s != NULL;
	    s = registry_next_remote(g, s)) {
		if (s->hub == h && s->told != h->telling) {
			leave(s, "left");
			return 1;
		}
	}
	return 0;
}

/* It tells all that still hold. */
static void
forget_aliases(struct hub *h)
{
	char name[TARGET_SIZE];

	while (registry_drop_alias_of(h->router->registry, h->id, name))
		rename_stored(h->router, "", name);
}

struct session *
hub_session(const struct way *w, const char *name)
{
	struct hub *h = w->hub;
	struct registry *g = h->router->registry;
	uint32_t max = h->router->conf->max_hub_peers;
	char full[TARGET_SIZE];
	struct session *s;

	hub_qualify(h, name, full);
	if ((s = registry_exact(g, slice_of(full))) != NULL ||
	    h->way == NULL)
		return s;
	if (h->npeers >= max && !make_room(h)) {
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
	s->told = h->telling;
	if (!presence_counts(w))
		doubt(h, s);
	control_event(h->router->control, "join", "name", full, NULL);
	return s;
}

void
hub_peer_joined(const struct way *w, const char *name, char *cwd,
    char *git_branch, int64_t last_seen)
{
	struct session *s = hub_session(w, name);

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
	s->told = w->hub->telling;
}

void
hub_peer_left(struct hub *h, const char *name)
{
	char full[TARGET_SIZE];
	struct session *s;

	hub_qualify(h, name, full);
	s = registry_exact(h->router->registry, slice_of(full));
	if (s != NULL)
		leave(s, "left");
}

/* Of one that is not online here, too: it may be in groups. */
void
hub_peer_renamed(const struct way *w, const char *name,
    const char *new_name)
{
	struct hub *h = w->hub;
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
			(void)hub_session(w, new_name);
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
