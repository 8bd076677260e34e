/* SPDX-License-Identifier: ISC */
/*
 * Who is connected, and which name belongs to whom.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "bufio.h"
#include "conf.h"
#include "formers.h"
#include "log.h"
#include "map.h"
#include "owner.h"
#include "registry.h"
#include "router.h"
#include "session.h"
#include "timeutil.h"

#define REGISTER_MS	10000	/* to register after connecting */
#define PROBE_MS	500	/* to answer when the name is wanted */
#define SWEEP_MS	30000	/* between sweeps */
#define SWEEP_PROBE_MS	1000	/* to answer in a sweep */
#define TICK_MS		1000
/* early lines of all unregistered connections together: 64 MiB */
#define UNREGISTERED_MAX	8192

TAILQ_HEAD(session_list, session);

/* Somebody wants the name of a session that may be dead. */
struct probe {
	TAILQ_ENTRY(probe)	 entry;
	struct registry		*registry;
	struct session		*holder;
	struct pending		*wanter;
	void			(*settled)(struct session *, int, struct slice);
	struct event		*timer;
	char			 name[NAME_SIZE];
};

/* A name that a session had, or that belongs to somebody. */
struct known {
	uint32_t	 owner;
	int		 session;
};

struct registry {
	struct event_base	*base;
	const struct conf	*conf;
	struct session_list	 unregistered, online, remote;
	TAILQ_HEAD(, probe)	 probes;
	struct map		*names;		/* to session */
	struct formers		*formers;
	struct map		*known;		/* to struct known */
	struct event		*tick, *sweep, *sweep_end;
	void			(*empty)(int, void *);
	void			*arg;
	size_t			 nunregistered, nonline, nprobes;
	int			 paused;
};

static void	on_tick(evutil_socket_t, short, void *);
static void	on_sweep(evutil_socket_t, short, void *);
static void	on_sweep_end(evutil_socket_t, short, void *);
static void	on_probe_end(evutil_socket_t, short, void *);
static void	ping(struct session *);
static void	settle(struct probe *, int);
static void	take_name(struct registry *, struct session *, const char *);
static void	unknow(const char *, void *);
static struct event	*timer(struct registry *, short, event_callback_fn,
			    int64_t);

struct registry *
registry_new(struct event_base *base, const struct conf *conf,
    void (*empty)(int, void *), void *arg)
{
	struct registry *g = xcalloc(1, sizeof(*g));

	g->base = base;
	g->conf = conf;
	g->empty = empty;
	g->arg = arg;
	TAILQ_INIT(&g->unregistered);
	TAILQ_INIT(&g->online);
	TAILQ_INIT(&g->remote);
	TAILQ_INIT(&g->probes);
	g->names = map_new();
	g->formers = formers_new();
	g->known = map_new();
	g->tick = timer(g, EV_PERSIST, on_tick, TICK_MS);
	g->sweep = timer(g, EV_PERSIST, on_sweep, SWEEP_MS);
	g->sweep_end = timer(g, 0, on_sweep_end, 0);
	return g;
}

static struct event *
timer(struct registry *g, short flags, event_callback_fn fn, int64_t ms)
{
	struct timeval tv = time_tv(ms);
	struct event *e = event_new(g->base, -1, flags, fn, g);

	if (e == NULL || (ms > 0 && event_add(e, &tv) == -1))
		fatalx("event_new");
	return e;
}

void
registry_free(struct registry *g)
{
	size_t pos = 0;
	void *p;

	formers_free(g->formers);
	while ((p = map_next(g->known, &pos)) != NULL)
		free(p);
	map_free(g->known);
	map_free(g->names);
	event_free(g->tick);
	event_free(g->sweep);
	event_free(g->sweep_end);
	free(g);
}

void
registry_add(struct registry *g, struct session *s)
{
	TAILQ_INSERT_TAIL(&g->unregistered, s, entry);
	if (g->nunregistered++ == 0 && g->nonline == 0)
		g->empty(0, g->arg);
	if (g->paused)
		bufio_pause(s->io);
}

void
registry_add_remote(struct registry *g, struct session *s)
{
	s->state = SESSION_ONLINE;
	TAILQ_INSERT_TAIL(&g->remote, s, entry);
	map_sets(g->names, s->name, s);
}

int
registry_has_room(const struct registry *g, uint32_t owner)
{
	return g->nunregistered < UNREGISTERED_MAX &&
	    g->nunregistered + g->nonline < g->conf->max_sessions &&
	    registry_user_has_room(g, owner);
}

/* A plain user must leave something for others. */
int
registry_user_has_room(const struct registry *g, uint32_t owner)
{
	const struct session *s;
	size_t n = 0;

	if (owner_is_admin(owner) || owner == OWNER_NONE)
		return 1;
	TAILQ_FOREACH(s, &g->unregistered, entry)
		n += s->owner == owner;
	TAILQ_FOREACH(s, &g->online, entry)
		n += s->owner == owner;
	return n < g->conf->max_user_sessions;
}

int
registry_may_have(const struct registry *g, uint32_t owner, const char *name)
{
	const struct known *k = map_gets(g->known, name);
	size_t n = 0, pos = 0;

	if (owner_is_admin(owner) || (k != NULL && k->owner == owner))
		return 1;
	while ((k = map_next(g->known, &pos)) != NULL)
		n += k->owner == owner;
	return n < g->conf->max_user_names;
}

void
registry_remove(struct registry *g, struct session *s)
{
	struct probe *p, *next;

	if (s->hub != NULL) {
		TAILQ_REMOVE(&g->remote, s, entry);
		s->state = SESSION_GONE;
		map_removes(g->names, s->name);
		return;
	}
	if (s->state == SESSION_ONLINE) {
		TAILQ_REMOVE(&g->online, s, entry);
		g->nonline--;
	} else {
		TAILQ_REMOVE(&g->unregistered, s, entry);
		g->nunregistered--;
	}
	s->state = SESSION_GONE;
	if (s->name[0] != '\0' && map_gets(g->names, s->name) == s)
		map_removes(g->names, s->name);
	TAILQ_FOREACH_SAFE(p, &g->probes, entry, next) {
		if (p->holder == s || p->wanter->session == s)
			settle(p, p->holder == s);
	}
	if (g->nunregistered + g->nonline == 0)
		g->empty(1, g->arg);
}

int
registry_alive(struct registry *g, struct session *s)
{
	struct probe *p;

	if (g->nprobes > 0) {
		TAILQ_FOREACH(p, &g->probes, entry) {
			if (p->holder == s) {
				settle(p, 0);
				break;
			}
		}
	}
	return s->state == SESSION_GONE ? -1 : 0;
}

static void
ping(struct session *s)
{
	struct wbuf w = { 0 };

	wbuf_adds(&w, "{\"type\":\"ping\",\"req_id\":\"hub\"}\n");
	session_write(s, &w);
	wbuf_free(&w);
}

/* won: the holder is gone, or is to go. */
static void
settle(struct probe *p, int won)
{
	struct registry *g = p->registry;
	struct session *wanter = p->wanter->session, *holder = p->holder;

	TAILQ_REMOVE(&g->probes, p, entry);
	g->nprobes--;
	event_free(p->timer);
	if (won && holder->state != SESSION_GONE) {
		holder->router->counters[COUNT_CUT_SILENT]++;
		session_close(holder, "did not answer, and its name is wanted");
	}
	if (wanter->state == SESSION_CLAIMING) {
		if (won)
			take_name(g, wanter, p->name);
		p->settled(wanter, won, p->wanter->req_id);
	}
	session_unref(holder);
	pending_free(p->wanter);
	free(p);
}

static void
on_probe_end(evutil_socket_t fd, short ev, void *arg)
{
	struct timeval tv = time_tv(PROBE_MS);
	struct probe *p = arg;

	(void)fd;
	(void)ev;
	if (session_unheard(p->holder, PROBE_MS))
		event_add(p->timer, &tv);
	else
		settle(p, 1);
}

static void
take_name(struct registry *g, struct session *s, const char *name)
{
	strlcpy(s->name, name, sizeof(s->name));
	map_sets(g->names, s->name, s);
}

enum claim
registry_claim(struct registry *g, struct session *s, const char *name,
    void (*settled)(struct session *, int, struct slice), struct slice req_id)
{
	struct session *holder = map_gets(g->names, name);
	struct timeval tv = time_tv(PROBE_MS);
	struct probe *p;

	s->state = SESSION_CLAIMING;
	if (holder == NULL) {
		take_name(g, s, name);
		return CLAIM_OK;
	}
	TAILQ_FOREACH(p, &g->probes, entry) {
		if (p->holder == holder)
			break;
	}
	/* nobody disturbs what is another user's */
	if (p != NULL || holder->state != SESSION_ONLINE ||
	    holder->owner != s->owner) {
		s->state = SESSION_NEW;
		return CLAIM_TAKEN;
	}
	p = xcalloc(1, sizeof(*p));
	p->registry = g;
	p->holder = session_ref(holder);
	p->wanter = pending_new(s, req_id);
	p->settled = settled;
	strlcpy(p->name, name, sizeof(p->name));
	p->timer = evtimer_new(g->base, on_probe_end, p);
	if (p->timer == NULL || event_add(p->timer, &tv) == -1)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&g->probes, p, entry);
	g->nprobes++;
	ping(holder);
	return CLAIM_PROBING;
}

void
registry_online(struct registry *g, struct session *s)
{
	TAILQ_REMOVE(&g->unregistered, s, entry);
	g->nunregistered--;
	s->state = SESSION_ONLINE;
	TAILQ_INSERT_TAIL(&g->online, s, entry);
	g->nonline++;
	formers_drop(g->formers, s->name);
	registry_know(g, s->name, s->owner, 1);
}

int
registry_reserve(struct registry *g, struct session *s, const char *name)
{
	if (map_gets(g->names, name) != NULL)
		return -1;
	map_sets(g->names, name, s);
	return 0;
}

void
registry_renamed(struct registry *g, struct session *s, const char *name,
    int done)
{
	char old[TARGET_SIZE];

	if (!done || s->state == SESSION_GONE) {
		map_removes(g->names, name);
		if (!done)
			return;
	}
	strlcpy(old, s->name, sizeof(old));
	if (s->state != SESSION_GONE) {
		map_removes(g->names, old);
		strlcpy(s->name, name, sizeof(s->name));
	}
	registry_alias(g, old, name);
	if (s->hub == NULL)
		registry_know(g, name, s->owner, 1);
}

static void
unknow(const char *name, void *arg)
{
	struct registry *g = arg;

	free(map_removes(g->known, name));
}

void
registry_alias(struct registry *g, const char *name, const char *target)
{
	formers_add(g->formers, name, target, unknow, g);
}

void
registry_own(struct registry *g, const char *name)
{
	formers_drop(g->formers, name);
}

int
registry_drop_alias_of(struct registry *g, const char *hub,
    char name[TARGET_SIZE])
{
	const char *former, *target, *at;
	size_t pos = 0;

	while ((former = formers_next(g->formers, &pos, &target)) != NULL) {
		at = strchr(former, '@');
		if (at == NULL || strcmp(at + 1, hub) != 0)
			continue;
		strlcpy(name, former, TARGET_SIZE);
		formers_drop(g->formers, name);
		return 1;
	}
	return 0;
}

void
registry_aliases(const struct registry *g,
    void (*tell)(const char *, const char *, void *), void *arg)
{
	const char *former, *target;
	size_t pos = 0;

	while ((former = formers_next(g->formers, &pos, &target)) != NULL)
		tell(former, target, arg);
}

int
registry_is_alias(const struct registry *g, const char *name)
{
	return formers_target(g->formers, name) != NULL;
}

void
registry_release(struct registry *g, struct session *s)
{
	map_removes(g->names, s->name);
	s->name[0] = '\0';
	s->state = SESSION_NEW;
}

const char *
registry_resolve(const struct registry *g, const char *name)
{
	const char *target;

	if (map_gets(g->names, name) != NULL)
		return name;
	target = formers_target(g->formers, name);
	return target != NULL ? target : name;
}

struct session *
registry_find(const struct registry *g, const char *name)
{
	struct session *s = map_gets(g->names, registry_resolve(g, name));

	return s != NULL && s->state == SESSION_ONLINE ? s : NULL;
}

/* A name that is only reserved for a rename is not the session's yet. */
struct session *
registry_exact(const struct registry *g, struct slice name)
{
	struct session *s = map_get(g->names, name.p, name.len);

	return s != NULL && s->state == SESSION_ONLINE &&
	    slice_is(name, s->name) ? s : NULL;
}

struct session *
registry_next_remote(const struct registry *g, struct session *s)
{
	return s == NULL ? TAILQ_FIRST(&g->remote) : TAILQ_NEXT(s, entry);
}

void
registry_know(struct registry *g, const char *name, uint32_t owner,
    int session)
{
	struct known *k = map_gets(g->known, name);

	if (k == NULL) {
		k = xcalloc(1, sizeof(*k));
		(void)map_sets(g->known, name, k);
	}
	k->owner = owner;
	k->session |= session;
}

int
registry_knows(const struct registry *g, const char *name)
{
	const struct known *k = map_gets(g->known, name);

	return (k != NULL && k->session) || registry_is_alias(g, name);
}

uint32_t
registry_owner(const struct registry *g, const char *name)
{
	const struct known *k;

	k = map_gets(g->known, registry_resolve(g, name));
	return k != NULL ? k->owner : OWNER_NONE;
}

size_t
registry_count(const struct registry *g)
{
	return g->nonline;
}

size_t
registry_count_early(const struct registry *g)
{
	return g->nunregistered;
}

struct session *
registry_next(const struct registry *g, struct session *s)
{
	return s == NULL ? TAILQ_FIRST(&g->online) : TAILQ_NEXT(s, entry);
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct registry *g = arg;
	struct session *s, *next;
	int64_t limit = time_mono_ms() - REGISTER_MS;

	(void)fd;
	(void)ev;
	TAILQ_FOREACH_SAFE(s, &g->unregistered, entry, next) {
		if (s->connected > limit)
			break;
		if (s->state == SESSION_NEW)
			session_close(s, "did not register in time");
	}
	TAILQ_FOREACH_SAFE(s, &g->online, entry, next) {
		if (!session_stuck(s))
			continue;
		s->router->counters[COUNT_CUT_STUCK]++;
		session_close(s, "does not read what is sent to it");
	}
}

/*
 * A session that still has output waiting is not asked: it may be busy with
 * it, and if it does not read its queue fills up.  Nor is one that we do not
 * read just now.
 */
static void
on_sweep(evutil_socket_t fd, short ev, void *arg)
{
	struct registry *g = arg;
	struct timeval tv = time_tv(SWEEP_PROBE_MS);
	struct session *s;

	(void)fd;
	(void)ev;
	if (g->paused)
		return;
	TAILQ_FOREACH(s, &g->online, entry) {
		if (bufio_pending(s->io) > 0 || bufio_paused(s->io))
			continue;
		s->awaited = 1;
		ping(s);
	}
	event_add(g->sweep_end, &tv);
}

static void
on_sweep_end(evutil_socket_t fd, short ev, void *arg)
{
	struct registry *g = arg;
	struct session *s, *next;

	(void)fd;
	(void)ev;
	if (g->paused)
		return;
	TAILQ_FOREACH_SAFE(s, &g->online, entry, next) {
		if (!s->awaited || session_unheard(s, SWEEP_PROBE_MS))
			continue;
		s->router->counters[COUNT_CUT_SILENT]++;
		session_close(s, "did not answer the sweep");
	}
}

void
registry_pause(struct registry *g, int pause)
{
	struct session_list *lists[] = { &g->unregistered, &g->online };
	struct session *s;
	size_t i;

	if (pause == g->paused)
		return;
	g->paused = pause;
	for (i = 0; i < 2; i++) {
		TAILQ_FOREACH(s, lists[i], entry) {
			if (pause)
				bufio_pause(s->io);
			else
				session_resume(s);
		}
	}
}

void
registry_shutdown(struct registry *g, int timeout_ms)
{
	struct session_list *lists[] = { &g->unregistered, &g->online };
	int64_t end = time_mono_ms() + timeout_ms, left;
	struct session *s;
	size_t i;

	/* what the kernel takes at once first: one that does not read must
	   not cost the others their time */
	for (i = 0; i < 2; i++) {
		TAILQ_FOREACH(s, lists[i], entry)
			(void)bufio_flush(s->io, 0);
	}
	for (i = 0; i < 2; i++) {
		while ((s = TAILQ_FIRST(lists[i])) != NULL) {
			left = end - time_mono_ms();
			(void)bufio_flush(s->io, left > 0 ? (int)left : 0);
			session_close(s, "the hub stops");
		}
	}
}
