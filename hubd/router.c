/* SPDX-License-Identifier: ISC */
/*
 * The router process: accepts sessions and hubctl, and holds the parts
 * together.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "asks.h"
#include "child.h"
#include "conf.h"
#include "control.h"
#include "ctlbackup.h"
#include "ctlconn.h"
#include "ctlpair.h"
#include "ctlupgrade.h"
#include "hubreq.h"
#include "hubs.h"
#include "keys.h"
#include "log.h"
#include "mail.h"
#include "peers.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "sandbox.h"
#include "session.h"
#include "stats.h"
#include "outproto.h"
#include "owner.h"
#include "storeproto.h"
#include "storeq.h"
#include "timeutil.h"
#include "tokens.h"

#define ACCEPT_TURN	64	/* connections taken in one turn of the loop */
#define ACCEPT_WAIT_MS	500	/* when descriptors have run out */
#define DRAIN_MS	2000	/* for what is queued when the hub stops */
#define KINDS		(LISTEN_WS_OTHER + 1)

struct listener {
	struct main		*main;
	struct event		*ev;
	enum listen_kind	 kind;
};

/* The process, around the router's parts. */
struct main {
	struct router		 router;
	struct conf		 conf, next;	/* next: up to CONF_END */
	struct event_base	*base;
	struct child		*child;
	struct listener		 listeners[KINDS];
	int			 handed[KINDS];	/* up to CONF_END; or -1 */
	struct event		*idle, *accept_again;
	int			 store_fd;
	int			 stopping, full, empty;
};

static void	take_listener(enum listen_kind, int, void *);
static void	take_peer(enum proc_id, int, void *);
static int	configure(struct reader *, void *);
static void	set_listeners(struct main *);
static void	start(void *);
static void	changed(struct main *);
static void	on_parent(struct imsg *, void *);
static void	shutdown_router(void *);
static void	stats(void *);
static uint32_t	clients(void *);
static void	on_accept(evutil_socket_t, short, void *);
static void	on_accept_again(evutil_socket_t, short, void *);
static void	on_idle(evutil_socket_t, short, void *);
static void	take_client(struct listener *, int);
static void	listen_to(struct main *, int);
static void	close_listeners(struct main *);
static void	on_alias(struct reader *, void *);
static void	on_name(struct reader *, void *);
static void	on_token(struct reader *, void *);
static void	on_up(void *);
static void	on_expired(struct reader *, void *);
static void	on_copy(struct imsg *, void *);
static void	on_full(int, void *);
static void	on_store_idle(void *);
static void	on_empty(int, void *);
static void	arm_idle(struct main *);
static void	raise_files(void);

static const struct child_ops child_ops = {
	.conf = configure,
	.listen = take_listener,
	.peer = take_peer,
	.start = start,
	.shutdown = shutdown_router,
	.other = on_parent,
	.stats = stats,
	.clients = clients,
};

static const struct storeq_ops store_ops = {
	.alias = on_alias,
	.name = on_name,
	.token = on_token,
	.up = on_up,
	.expired = on_expired,
	.copy = on_copy,
	.full = on_full,
	.idle = on_store_idle,
};

int
router_main(void)
{
	struct main m = { .store_fd = -1 };
	int i;

	for (i = 0; i < KINDS; i++)
		m.handed[i] = -1;
	if ((m.base = event_base_new()) == NULL)
		fatalx("event_base_new");
	m.child = child_new(m.base, PROC_ROUTER, "hubd", "router", &child_ops,
	    &m);
	m.idle = evtimer_new(m.base, on_idle, &m);
	m.accept_again = evtimer_new(m.base, on_accept_again, &m);
	if (m.idle == NULL || m.accept_again == NULL)
		fatalx("evtimer_new");
	m.router.started = time_mono_ms();
	owner_init();
	raise_files();
	request_init();
	event_base_dispatch(m.base);

	if (m.router.registry != NULL) {
		registry_shutdown(m.router.registry, DRAIN_MS);
		storeq_flush(m.router.store, DRAIN_MS);
		hubs_shutdown(m.router.hubs);
		control_free(m.router.control);
		asks_free(m.router.asks);
		rooms_free(m.router.rooms);
		hubreqs_free(m.router.hubreqs);
		hubs_free(m.router.hubs);
		registry_free(m.router.registry);
		storeq_free(m.router.store);
		tokens_free(m.router.tokens);
		keys_free(&m.router);
	}
	close_listeners(&m);
	lan_conf_free(&m.conf.lan);
	lan_conf_free(&m.next.lan);
	request_done();
	event_free(m.idle);
	event_free(m.accept_again);
	child_free(m.child);
	event_base_free(m.base);
	return 0;
}

/* A connection is a descriptor; the limits of sessions are our own. */
static void
raise_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_warn("setrlimit");
}

static void
take_listener(enum listen_kind kind, int fd, void *arg)
{
	struct main *m = arg;

	if (kind >= KINDS || m->handed[kind] != -1)
		fatalx("bad CONF_LISTEN");
	m->handed[kind] = fd;
}

/*
 * What was handed over takes the place of what there was, which may be the same
 * socket: who waits there waits there still.
 */
static void
set_listeners(struct main *m)
{
	struct listener *l;
	int i, fd;

	close_listeners(m);
	for (i = 0; i < KINDS; i++) {
		if ((fd = m->handed[i]) == -1)
			continue;
		m->handed[i] = -1;
		l = &m->listeners[i];
		l->main = m;
		l->kind = (enum listen_kind)i;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
			fatal("fcntl");
		l->ev = event_new(m->base, fd, EV_READ | EV_PERSIST,
		    on_accept, l);
		if (l->ev == NULL)
			fatalx("event_new");
	}
}

static void
take_peer(enum proc_id id, int fd, void *arg)
{
	struct main *m = arg;

	if (id == PROC_STORE && m->store_fd == -1)
		m->store_fd = fd;
	else if ((id == PROC_BRIDGED || id == PROC_UPLINK) &&
	    m->router.hubs != NULL)
		hubs_carrier(m->router.hubs, id, fd);
	else
		fatalx("bad CONF_PEER");
}

static int
configure(struct reader *rd, void *arg)
{
	struct main *m = arg;

	lan_conf_free(&m->next.lan);
	if (conf_get(rd, &m->next) == -1)
		return -1;
	log_set_level((enum log_level)m->next.log_level);
	return 0;
}

static void
start(void *arg)
{
	struct main *m = arg;
	struct router *r = &m->router;
	const struct conf *conf = &m->conf;

	if (m->store_fd == -1 || m->handed[LISTEN_SESSIONS] == -1 ||
	    m->handed[LISTEN_CTL] == -1)
		fatalx("CONF_END before all was there");
	lan_conf_free(&m->conf.lan);
	m->conf = m->next;
	memset(&m->next.lan, 0, sizeof(m->next.lan));
	explicit_bzero(m->next.ws_token, sizeof(m->next.ws_token));
	set_listeners(m);
	if (r->registry != NULL) {
		changed(m);
		return;
	}
	(void)child_drop(m->child);
	sandbox_router();
	r->conf = conf;
	r->registry = registry_new(m->base, conf, on_empty, m);
	r->asks = asks_new(m->base, r);
	r->rooms = rooms_new(conf->max_rooms, conf->max_room_members);
	r->control = control_new(m->base, r);
	r->hubs = hubs_new(m->base, r);
	r->hubreqs = hubreqs_new(m->base, r);
	r->tokens = tokens_new();
	r->store = storeq_new(m->base, m->store_fd, &store_ops, m);
}

/* Those who have a copy of the configuration; all others look at it. */
static void
changed(struct main *m)
{
	struct router *r = &m->router;

	rooms_limit(r->rooms, m->conf.max_rooms, m->conf.max_room_members);
	hubs_configure(r->hubs);
	arm_idle(m);
	if (!m->full && !m->stopping)
		listen_to(m, 1);
	child_ready(m->child);
}

static void
on_alias(struct reader *rd, void *arg)
{
	struct main *m = arg;
	struct store_alias a;
	struct session *s;

	if (store_alias_get(rd, &a) == -1)
		fatalx("bad STORE_ALIAS");
	s = registry_exact(m->router.registry, slice_of(a.name));
	if (s != NULL)
		peers_register_again(s);
	else
		registry_alias(m->router.registry, a.name, a.target);
}

static void
on_name(struct reader *rd, void *arg)
{
	struct main *m = arg;
	struct store_name n;

	if (store_name_get(rd, &n) == -1)
		fatalx("bad STORE_NAME");
	if (n.name[0] == '@')
		hubs_known(m->router.hubs, n.name + 1);
	else
		registry_know(m->router.registry, n.name, n.owner, n.session);
}

static void
on_token(struct reader *rd, void *arg)
{
	struct main *m = arg;

	if (tokens_told(m->router.tokens, rd) == -1)
		fatalx("bad STORE_TOKEN");
}

static void
on_up(void *arg)
{
	struct main *m = arg;

	m->empty = 1;
	arm_idle(m);
	listen_to(m, 1);
	child_ready(m->child);
}

static void
on_expired(struct reader *rd, void *arg)
{
	struct main *m = arg;
	struct store_expired e;

	if (store_expired_get(rd, &e) == -1)
		fatalx("bad STORE_EXPIRED");
	mail_expired(&m->router, &e);
}

static void
on_copy(struct imsg *msg, void *arg)
{
	struct main *m = arg;

	ctlbackup_done(m->router.control, msg);
}

static void
listen_to(struct main *m, int on)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		if (m->listeners[i].ev == NULL)
			continue;
		if (on)
			event_add(m->listeners[i].ev, NULL);
		else
			event_del(m->listeners[i].ev);
	}
}

/* Nobody must take a hub that ends for one that serves. */
static void
close_listeners(struct main *m)
{
	int i, fd;

	for (i = 0; i < KINDS; i++) {
		if (m->listeners[i].ev == NULL)
			continue;
		fd = event_get_fd(m->listeners[i].ev);
		event_free(m->listeners[i].ev);
		m->listeners[i].ev = NULL;
		close(fd);
	}
}

static void
on_accept(evutil_socket_t sock, short ev, void *arg)
{
	struct listener *l = arg;
	struct main *m = l->main;
	struct timeval tv = time_tv(ACCEPT_WAIT_MS);
	int fd, i;

	(void)ev;
	for (i = 0; i < ACCEPT_TURN; i++) {
		if ((fd = accept(sock, NULL, NULL)) == -1)
			break;
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
			log_warn("fcntl");
		take_client(l, fd);
	}
	if (i == ACCEPT_TURN || errno == EAGAIN || errno == EWOULDBLOCK ||
	    errno == EINTR || errno == ECONNABORTED)
		return;
	log_warn("accept");
	listen_to(m, 0);
	event_add(m->accept_again, &tv);
}

/* Whoever comes over a Unix socket is who the kernel says. */
static void
take_client(struct listener *l, int fd)
{
	struct router *r = &l->main->router;
	int ws = l->kind != LISTEN_SESSIONS && l->kind != LISTEN_CTL;
	uint32_t owner = OWNER_NONE;

	if (!ws && owner_of_peer(fd, &owner) == -1) {
		log_warn("a client without a user");
		close(fd);
	} else if (l->kind == LISTEN_CTL)
		control_accept(r->control, fd, owner);
	else if (registry_has_room(r->registry, owner))
		(void)session_new(r, l->main->base, fd, owner);
	else {
		r->counters[COUNT_REFUSED_FULL]++;
		close(fd);
	}
}

static void
on_accept_again(evutil_socket_t fd, short ev, void *arg)
{
	struct main *m = arg;

	(void)fd;
	(void)ev;
	if (!m->full && !m->stopping)
		listen_to(m, 1);
}

/* The store is behind: nobody may send more until it has caught up. */
static void
on_full(int full, void *arg)
{
	struct main *m = arg;

	m->full = full;
	registry_pause(m->router.registry, full || m->stopping);
	hubs_hold(m->router.hubs, full || m->stopping);
	if (!m->stopping)
		listen_to(m, !full);
}

static void
on_empty(int empty, void *arg)
{
	struct main *m = arg;

	m->empty = empty;
	arm_idle(m);
}

static void
arm_idle(struct main *m)
{
	struct timeval tv;

	event_del(m->idle);
	if (!m->empty || m->stopping || m->router.conf->idle_ms == 0)
		return;
	tv = time_tv(m->router.conf->idle_ms);
	event_add(m->idle, &tv);
}

static void
on_idle(evutil_socket_t fd, short ev, void *arg)
{
	struct main *m = arg;

	(void)fd;
	(void)ev;
	child_stop_hub(m->child, "no client left");
}

void
router_stay(struct router *r)
{
	struct main *m = (struct main *)r;

	m->conf.idle_ms = 0;
	arm_idle(m);
}

void
router_tell(struct router *r, enum imsg_type type, uint32_t id,
    const struct wbuf *w)
{
	struct main *m = (struct main *)r;

	child_send(m->child, type, id, w);
}

static void
on_parent(struct imsg *msg, void *arg)
{
	struct main *m = arg;

	struct control *c = m->router.control;

	if (msg->type == PROC_LISTED)
		ctlshow_listed(c, msg);
	else if (msg->type == PROC_USED_ALL)
		stats_used(c, msg);
	else if (msg->type == PROC_RELOADED)
		control_reloaded(c, msg);
	else if ((msg->type == PROC_UPGRADING ? ctlupgrade_answer(c, msg) :
	    ctlpair_answer(c, msg)) == -1)
		fatalx("bad %s", imsg_name(msg->type));
}

void
router_stop_hub(struct router *r, const char *why)
{
	struct main *m = (struct main *)r;

	child_stop_hub(m->child, why);
}

/* What the store is still to answer is waited for; the parent has a limit. */
static void
shutdown_router(void *arg)
{
	struct main *m = arg;

	if (m->stopping)
		return;
	m->stopping = 1;
	event_del(m->idle);
	if (m->router.registry == NULL) {
		event_base_loopbreak(m->base);
		return;
	}
	close_listeners(m);
	registry_pause(m->router.registry, 1);
	hubs_hold(m->router.hubs, 1);
	if (storeq_waiting(m->router.store) == 0)
		event_base_loopbreak(m->base);
}

static void
on_store_idle(void *arg)
{
	struct main *m = arg;

	if (m->stopping)
		event_base_loopbreak(m->base);
}

static void
stats(void *arg)
{
	struct main *m = arg;
	struct router *r = &m->router;
	const uint64_t *n = r->counters;

	if (r->registry == NULL)
		return;
	log_info("%llu messages delivered, %llu queued, %llu refused; %llu "
	    "lines received, %llu sent",
	    (unsigned long long)n[COUNT_DELIVERED],
	    (unsigned long long)n[COUNT_QUEUED],
	    (unsigned long long)n[COUNT_NOT_STORED],
	    (unsigned long long)n[COUNT_LINES_IN],
	    (unsigned long long)n[COUNT_LINES_OUT]);
	log_info("%zu sessions, %zu open asks, %zu requests at the store, "
	    "up %lld s", registry_count(r->registry), asks_count(r->asks),
	    storeq_waiting(r->store),
	    (long long)(time_mono_ms() - r->started) / 1000);
}

static uint32_t
clients(void *arg)
{
	const struct main *m = arg;

	return m->router.registry == NULL ? 0 :
	    (uint32_t)registry_count(m->router.registry);
}
