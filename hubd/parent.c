/* SPDX-License-Identifier: ISC */
/*
 * The parent process of a hub.  It never reads a byte that a session sent.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backoff.h"
#include "child.h"
#include "conf.h"
#include "hubkey.h"
#include "importdir.h"
#include "imsg.h"
#include "json.h"
#include "kidconf.h"
#include "listeners.h"
#include "log.h"
#include "notify.h"
#include "parent.h"
#include "pairs.h"
#include "paths.h"
#include "proc.h"
#include "proclist.h"
#include "sandbox.h"
#include "timeutil.h"
#include "unixsock.h"
#include "watchdog.h"

#define STOP_MS		5000	/* for the children to end by themselves */

/* that long alive, and the next restart is soon again */
#define GOOD_MS		60000

struct parent;

struct kid {
	struct parent		*parent;
	const struct kid_row	*row;
	struct imsgbuf		*ib;
	pid_t			 pid;
	int			 ready;
	uint32_t		 uid, layers;	/* as PROC_READY said */
	/* of those that the hub can be without for a while */
	struct event		*again;
	unsigned		 backoff;
	int64_t			 started;	/* monotonic ms */
};

enum { KID_ROUTER, KID_STORE, KID_BRIDGED, KID_UPLINK, KID_RESOLVER, KIDS };

/* In the order in which they are stopped. */
static const struct kid_row {
	const char	*program, *option, *role;
	enum proc_id	 id;
	int		 optional;
	/* of those that carry links: what they are told */
	void		(*conf)(struct imsgbuf *, const struct conf *);
} kid_rows[KIDS] = {
	[KID_ROUTER] = { "hubd", "-x", "router", PROC_ROUTER, 0, NULL },
	[KID_STORE] = { "hubd", "-x", "store", PROC_STORE, 0, NULL },
	[KID_BRIDGED] = { "bridged", "-x", "bridged", PROC_BRIDGED, 1,
	    kidconf_bridged },
	[KID_UPLINK] = { "relayd", "-u", "uplink", PROC_UPLINK, 1,
	    kidconf_uplink },
	[KID_RESOLVER] = { "hubd", "-x", "resolver", PROC_RESOLVER, 1, NULL },
};

struct parent {
	struct event_base	*base;
	struct conf		*conf;
	struct listeners	 listeners;
	struct kid		 kids[KIDS];
	struct importdir	*import;	/* NULL: not asked for yet */
	struct event		*signals[5];
	struct event		*deadline;
	int			 lock, ready_fd;
	struct pairs		*pairs;
	/* without a service manager they are NULL */
	struct notify		*notify;
	struct watchdog		*watchdog;
	int			 stopping, status;
};

static void	on_pong(struct kid *, struct imsg *);
static void	watch(struct kid *);
static void	begin_signals(struct parent *);
static void	end_signals(struct parent *);
static int	start_kid(struct parent *, int);
static void	introduce(struct parent *, int, int);
static void	try_later(struct kid *);
static void	start_links(struct parent *);
static void	start_carrier(struct parent *, int);
static void	start_resolver(struct parent *);
static void	want_resolver(struct parent *);
static int	load_key(struct parent *);
static struct imsgbuf	*get_router(void *);
static struct imsgbuf	*get_uplink(void *);
static void	on_again(evutil_socket_t, short, void *);
static void	configure(struct parent *);
static void	send_u32(struct imsgbuf *, enum imsg_type, uint32_t, int);
static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	kid_closed(struct imsgbuf *, int, void *);
static void	kid_ready(struct kid *, struct imsg *);
static void	list_kids(struct kid *, uint32_t);
static void	set_level(struct parent *, uint8_t);
static void	kid_log(struct kid *, struct imsg *);
static void	next_import(struct kid *);
static void	start_again(struct kid *, int);
static void	kid_ended(struct parent *, struct kid *, int);
static void	on_signal(evutil_socket_t, short, void *);
static void	on_deadline(evutil_socket_t, short, void *);
static void	reap(struct parent *);
static void	stop(struct parent *, const char *);
static void	stop_next(struct parent *);
static void	kill_kids(struct parent *);

static const int signals[] = {
	SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1
};

static const struct imsg_ops kid_ops = {
	.dispatch = dispatch,
	.closed = kid_closed,
};

static const struct pairs_ops pairs_ops = {
	.router = get_router,
	.uplink = get_uplink,
};

int
parent_main(struct conf *conf, int lock, int ready_fd, struct notify *notify,
    struct activated *activated)
{
	struct parent p = { 0 };
	size_t i;

	p.conf = conf;
	p.lock = lock;
	p.ready_fd = ready_fd;
	p.notify = notify;
	signal(SIGPIPE, SIG_IGN);
	/* whoever sees the sockets may end the hub */
	begin_signals(&p);
	if (listeners_open(&p.listeners, conf, activated) == -1) {
		end_signals(&p);
		return 1;
	}
	p.watchdog = watchdog_new(p.base, notify);
	p.pairs = pairs_new(conf, &pairs_ops, &p);
	p.deadline = evtimer_new(p.base, on_deadline, &p);
	if (p.deadline == NULL)
		fatalx("evtimer_new");
	for (i = 0; i < KIDS; i++) {
		p.kids[i].parent = &p;
		p.kids[i].row = &kid_rows[i];
		p.kids[i].again = evtimer_new(p.base, on_again, &p.kids[i]);
		if (p.kids[i].again == NULL)
			fatalx("evtimer_new");
	}
	sandbox_parent();
	if (start_kid(&p, KID_ROUTER) == -1 || start_kid(&p, KID_STORE) == -1)
		fatal("hubd");
	configure(&p);
	event_base_dispatch(p.base);
	kill_kids(&p);
	event_free(p.deadline);
	for (i = 0; i < KIDS; i++) {
		imsg_free(p.kids[i].ib);
		event_free(p.kids[i].again);
	}
	watchdog_free(p.watchdog);
	importdir_free(p.import);
	pairs_free(p.pairs);
	end_signals(&p);
	return p.status;
}

static void
begin_signals(struct parent *p)
{
	size_t i;

	if ((p->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		p->signals[i] = evsignal_new(p->base, signals[i], on_signal, p);
		if (p->signals[i] == NULL ||
		    event_add(p->signals[i], NULL) == -1)
			fatalx("evsignal_new");
	}
}

/* And what all events are part of. */
static void
end_signals(struct parent *p)
{
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		event_free(p->signals[i]);
	event_base_free(p->base);
}

/* -1 with errno: there is no such program. */
static int
start_kid(struct parent *p, int which)
{
	static char path[CONF_PATH_MAX];
	struct kid *k = &p->kids[which];
	char option[4], name[16], *argv[4];
	int fds[2];

	if (paths_program(k->row->program, path, sizeof(path)) == -1)
		return -1;
	if (unix_pair(fds) == -1)
		fatal("socketpair");
	strlcpy(option, k->row->option, sizeof(option));
	strlcpy(name, k->row->role, sizeof(name));
	argv[0] = path;
	argv[1] = option;
	argv[2] = name;
	argv[3] = NULL;
	k->ready = 0;
	k->started = time_mono_ms();
	k->pid = proc_start(argv, fds[1], p->lock);
	close(fds[1]);
	k->ib = imsg_new(p->base, fds[0], PROC_PARENT, k->row->id, &kid_ops,
	    k);
	watch(k);
	return 0;
}

/* Two children get the ends of a socketpair, if both are there. */
static void
introduce(struct parent *p, int one, int other)
{
	struct kid *a = &p->kids[one], *b = &p->kids[other];
	int fds[2];

	if (a->ib == NULL || b->ib == NULL)
		return;
	if (unix_pair(fds) == -1)
		fatal("socketpair");
	send_u32(a->ib, CONF_PEER, b->row->id, fds[0]);
	send_u32(b->ib, CONF_PEER, a->row->id, fds[1]);
}

/* It may be being replaced at this moment. */
static void
try_later(struct kid *k)
{
	struct timeval tv = time_tv(backoff_next(&k->backoff));

	evtimer_add(k->again, &tv);
}

static void
start_links(struct parent *p)
{
	if (!conf_links_wanted(p->conf))
		return;
	if (load_key(p) == -1)
		p->conf->relays.n = 0;
	want_resolver(p);
	if (lan_wanted(&p->conf->lan))
		start_carrier(p, KID_BRIDGED);
	/* it runs if hubctl was faster than the store */
	if (p->conf->relays.n > 0)
		(void)get_uplink(p);
}

static void
want_resolver(struct parent *p)
{
	struct kid *resolver = &p->kids[KID_RESOLVER];

	if (resolver->pid == 0 && !evtimer_pending(resolver->again, NULL))
		start_resolver(p);
}

static int
load_key(struct parent *p)
{
	if (!p->conf->has_key &&
	    hubkey_load(p->conf->data, p->conf->seed) == -1) {
		log_warnx("without a key of this hub's: no links by way of "
		    "relays");
		return -1;
	}
	p->conf->has_key = 1;
	return 0;
}

static struct imsgbuf *
get_router(void *arg)
{
	struct parent *p = arg;

	return p->kids[KID_ROUTER].ib;
}

/* Without relays it runs from when the first one is to be joined. */
static struct imsgbuf *
get_uplink(void *arg)
{
	struct parent *p = arg;
	struct kid *uplink = &p->kids[KID_UPLINK];

	if (uplink->ib != NULL || p->stopping || load_key(p) == -1)
		return uplink->ib;
	want_resolver(p);
	if (uplink->pid == 0 && !evtimer_pending(uplink->again, NULL))
		start_carrier(p, KID_UPLINK);
	return uplink->ib;
}

static void
start_resolver(struct parent *p)
{
	struct imsgbuf *ib;

	if (start_kid(p, KID_RESOLVER) == -1) {
		try_later(&p->kids[KID_RESOLVER]);
		return;
	}
	ib = p->kids[KID_RESOLVER].ib;
	kidconf_resolver(ib, p->conf);
	introduce(p, KID_BRIDGED, KID_RESOLVER);
	introduce(p, KID_UPLINK, KID_RESOLVER);
	imsg_send(ib, CONF_END, 0, -1, NULL, NULL);
}

static void
start_carrier(struct parent *p, int which)
{
	const struct kid_row *row = &kid_rows[which];
	struct imsgbuf *ib;
	int fd;

	if (start_kid(p, which) == -1) {
		log_warnx("%s is not installed: no links %s", row->program,
		    which == KID_UPLINK ? "by way of relays" :
		    "to other hubs of the LAN");
		try_later(&p->kids[which]);
		return;
	}
	ib = p->kids[which].ib;
	row->conf(ib, p->conf);
	introduce(p, KID_ROUTER, which);
	introduce(p, which, KID_RESOLVER);
	if (which == KID_BRIDGED && p->listeners.lan != -1 &&
	    (fd = dup(p->listeners.lan)) != -1)
		send_u32(ib, CONF_LISTEN, LISTEN_LAN, fd);
	imsg_send(ib, CONF_END, 0, -1, NULL, NULL);
}

static void
on_again(evutil_socket_t fd, short ev, void *arg)
{
	struct kid *k = arg;

	(void)fd;
	(void)ev;
	if (k->parent->stopping)
		return;
	if (k->row->conf != NULL)
		start_carrier(k->parent, (int)(k->row - kid_rows));
	else
		start_resolver(k->parent);
}

static void
send_u32(struct imsgbuf *ib, enum imsg_type type, uint32_t v, int fd)
{
	struct wbuf w = { 0 };

	put_u32(&w, v);
	imsg_send(ib, type, 0, fd, &w, NULL);
	wbuf_free(&w);
}

static void
configure(struct parent *p)
{
	const struct listeners *l = &p->listeners;
	struct imsgbuf *router = p->kids[KID_ROUTER].ib;
	struct imsgbuf *store = p->kids[KID_STORE].ib;

	kidconf_hub(router, p->conf);
	/* the store has no use for it */
	explicit_bzero(p->conf->ws_token, sizeof(p->conf->ws_token));
	kidconf_hub(store, p->conf);
	introduce(p, KID_ROUTER, KID_STORE);
	send_u32(router, CONF_LISTEN, LISTEN_SESSIONS, l->sessions);
	send_u32(router, CONF_LISTEN, LISTEN_CTL, l->ctl);
	if (l->ws != -1)
		send_u32(router, CONF_LISTEN, LISTEN_WS, l->ws);
	if (l->ws_other != -1)
		send_u32(router, CONF_LISTEN, LISTEN_WS_OTHER, l->ws_other);
	imsg_send(router, CONF_END, 0, -1, NULL, NULL);
	imsg_send(store, CONF_END, 0, -1, NULL, NULL);
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct kid *k = arg;
	char why[256];

	(void)ib;
	switch (m->type) {
	case PROC_READY:
		kid_ready(k, m);
		break;
	case PROC_LIST:
		list_kids(k, m->id);
		break;
	case PROC_LOG:
		kid_log(k, m);
		break;
	case PROC_PONG:
		on_pong(k, m);
		break;
	case PROC_IMPORT:
		next_import(k);
		break;
	case PROC_LEVEL:
		set_level(k->parent, get_u8(&m->rd));
		break;
	case PAIR_INVITE:
	case PAIR_JOIN:
		pairs_ask(k->parent->pairs, m);
		break;
	case PAIR_CANCEL:
		pairs_cancel(k->parent->pairs, m->id,
		    k->parent->kids[KID_UPLINK].ib);
		break;
	case PAIR_CODE:
	case PAIR_DONE:
		if (pairs_answer(k->parent->pairs, m) == -1) {
			log_warnx("bad %s", imsg_name(m->type));
			(void)kill(k->pid, SIGKILL);
		}
		break;
	case PROC_STOP:
		get_str(&m->rd, why, sizeof(why));
		if (reader_done(&m->rd) == -1)
			fatalx("bad PROC_STOP");
		stop(k->parent, why);
		break;
	default:
		fatalx("unexpected %s from the %s", imsg_name(m->type),
		    k->row->role);
	}
}

static void
kid_ready(struct kid *k, struct imsg *m)
{
	struct parent *p = k->parent;
	int i;

	k->uid = get_u32(&m->rd);
	k->layers = get_u32(&m->rd);
	k->ready = 1;
	if (k->row->optional)
		return;
	for (i = 0; i < KIDS; i++) {
		if (!p->kids[i].ready && !kid_rows[i].optional)
			return;
	}
	log_info("hub %s serves at %s", p->conf->hub_id, p->conf->socket);
	if (p->ready_fd != -1)
		proc_daemon_ready(p->ready_fd);
	p->ready_fd = -1;
	notify_ready(p->notify);
	notify_status(p->notify, "Serves at %s", p->conf->socket);
	start_links(p);
	watchdog_start(p->watchdog);
}

static void
on_pong(struct kid *k, struct imsg *m)
{
	uint32_t n = get_u32(&m->rd);

	if (k->row->id == PROC_ROUTER && !k->parent->stopping)
		notify_status(k->parent->notify, "%u session%s", n,
		    n == 1 ? "" : "s");
	watchdog_pong(k->parent->watchdog, k->row->id);
}

/* The resolver waits for name servers as long as they take. */
static void
watch(struct kid *k)
{
	if (k->row->id != PROC_RESOLVER)
		watchdog_child(k->parent->watchdog, k->row->id, k->ib, k->pid,
		    k->row->optional);
}

/* For hubctl show processes. */
static void
list_kids(struct kid *router, uint32_t id)
{
	const struct kid *k = router->parent->kids;
	struct proc_info info = { "parent", getpid(), 1, 0, 0 };
	struct wbuf json = { 0 }, w = { 0 };
	int i;

	info.uid = (uint32_t)geteuid();
	info.layers = sandbox_layers();
	json_begin(&json, '[');
	proclist_put(&json, &info);
	for (i = 0; i < KIDS; i++, k++) {
		info = (struct proc_info){ k->row->role, k->pid, k->ready,
		    k->uid, k->layers };
		if (k->pid != 0)
			proclist_put(&json, &info);
	}
	json_end(&json, ']');
	put_bytes(&w, wbuf_data(&json), json.len);
	imsg_send(router->ib, PROC_LISTED, id, -1, &w, NULL);
	wbuf_free(&json);
	wbuf_free(&w);
}

static void
kid_log(struct kid *k, struct imsg *m)
{
	enum log_level level = (enum log_level)get_u8(&m->rd);
	char line[1536];

	get_str(&m->rd, line, sizeof(line));
	if (reader_done(&m->rd) == -1 || level > LOG_LEVEL_DEBUG)
		fatalx("bad PROC_LOG from the %s", k->row->role);
	log_from(k->row->role, level, line);
}

/* Of all processes, also those that are started later. */
static void
set_level(struct parent *p, uint8_t level)
{
	struct wbuf w = { 0 };
	int i;

	if (level > LOG_LEVEL_DEBUG)
		fatalx("bad PROC_LEVEL");
	p->conf->log_level = level;
	log_set_level((enum log_level)level);
	put_u8(&w, level);
	for (i = 0; i < KIDS; i++) {
		if (p->kids[i].ib != NULL)
			imsg_send(p->kids[i].ib, PROC_LEVEL, 0, -1, &w, NULL);
	}
	wbuf_free(&w);
}

/* One at a time, so that there are never many descriptors. */
static void
next_import(struct kid *k)
{
	struct parent *p = k->parent;
	struct wbuf w = { 0 };
	enum import_kind kind;
	const char *path;
	int fd;

	if (p->import == NULL)
		p->import = importdir_new(p->conf);
	if ((fd = importdir_next(p->import, &kind, &path)) != -1) {
		put_u8(&w, (uint8_t)kind);
		put_str(&w, path);
		imsg_send(k->ib, CONF_IMPORT, 0, fd, &w, NULL);
		wbuf_free(&w);
		return;
	}
	importdir_free(p->import);
	p->import = NULL;
	imsg_send(k->ib, CONF_IMPORTED, 0, -1, NULL, NULL);
}

/* Its end follows as a SIGCHLD. */
static void
kid_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct kid *k = arg;

	if (err != 0)
		log_warnx("connection to the %s: %s", k->row->role,
		    strerror(err));
	imsg_free(ib);
	k->ib = NULL;
	watch(k);
	if (err == 0)
		return;
	if (k->row->optional)
		(void)kill(k->pid, SIGKILL);
	else
		stop(k->parent, "protocol violation");
}

static void
reap(struct parent *p)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < KIDS; i++) {
			if (p->kids[i].pid == pid)
				kid_ended(p, &p->kids[i], status);
		}
	}
}

/* Sessions of this hub do not notice. */
static void
start_again(struct kid *k, int status)
{
	struct timeval tv;
	char how[64];

	if (time_mono_ms() - k->started >= GOOD_MS)
		k->backoff = 0;
	tv = time_tv(backoff_next(&k->backoff));
	log_warnx("%s %s: it is started again", k->row->role,
	    proc_exit(status, how, sizeof(how)));
	imsg_free(k->ib);
	k->ib = NULL;
	watch(k);
	if (k->row->id == PROC_UPLINK)
		pairs_gone(k->parent->pairs);
	evtimer_add(k->again, &tv);
}

static void
kid_ended(struct parent *p, struct kid *k, int status)
{
	char how[64];

	k->pid = 0;
	if (p->stopping && (k->row->optional ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == 0))) {
		stop_next(p);
		return;
	}
	if (k->row->optional) {
		start_again(k, status);
		return;
	}
	log_warnx("the %s %s: the hub stops", k->row->role,
	    proc_exit(status, how, sizeof(how)));
	p->status = 1;
	if (!p->stopping) {
		p->stopping = 1;
		listeners_remove(&p->listeners);
	}
	event_base_loopexit(p->base, NULL);
}

static void
on_signal(evutil_socket_t sig, short ev, void *arg)
{
	struct parent *p = arg;
	struct imsgbuf *router = p->kids[KID_ROUTER].ib;

	(void)ev;
	switch (sig) {
	case SIGCHLD:
		reap(p);
		break;
	case SIGHUP:
		notify_reloading(p->notify);
		log_info("SIGHUP: the configuration is read at start only");
		notify_ready(p->notify);
		break;
	case SIGUSR1:
		if (router != NULL)
			imsg_send(router, PROC_STATS, 0, -1, NULL, NULL);
		break;
	default:
		stop(p, sig == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

/*
 * The router goes first: it answers what it can and tells the store the rest.
 * From here on the socket is free for the next hub, which waits for the lock.
 */
static void
stop(struct parent *p, const char *why)
{
	struct timeval tv = time_tv(STOP_MS);

	if (p->stopping)
		return;
	p->stopping = 1;
	log_info("stopping: %s", why);
	notify_stopping(p->notify);
	notify_status(p->notify, "Stopping: %s", why);
	listeners_remove(&p->listeners);
	event_add(p->deadline, &tv);
	stop_next(p);
}

static void
stop_next(struct parent *p)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (p->kids[i].pid == 0)
			continue;
		if (p->kids[i].ib != NULL)
			imsg_send(p->kids[i].ib, PROC_SHUTDOWN, 0, -1, NULL,
			    NULL);
		/* the resolver may be waiting for a name server */
		if (kid_rows[i].optional)
			(void)kill(p->kids[i].pid, SIGTERM);
		return;
	}
	event_base_loopexit(p->base, NULL);
}

static void
on_deadline(evutil_socket_t fd, short ev, void *arg)
{
	struct parent *p = arg;

	(void)fd;
	(void)ev;
	log_warnx("not stopped after %d s: killing what is left",
	    STOP_MS / 1000);
	p->status = 1;
	event_base_loopexit(p->base, NULL);
}

static void
kill_kids(struct parent *p)
{
	int i, status;

	for (i = 0; i < KIDS; i++) {
		if (p->kids[i].pid != 0) {
			(void)kill(p->kids[i].pid, SIGKILL);
			(void)waitpid(p->kids[i].pid, &status, 0);
		}
	}
}
