/* SPDX-License-Identifier: ISC */
/*
 * The parent process of a hub.  It never reads a byte that a session sent.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "conf.h"
#include "handover.h"
#include "importdir.h"
#include "imsg.h"
#include "json.h"
#include "kidconf.h"
#include "kids.h"
#include "listeners.h"
#include "log.h"
#include "newprog.h"
#include "notify.h"
#include "parent.h"
#include "pairs.h"
#include "proc.h"
#include "reload.h"
#include "sandbox.h"
#include "signals.h"
#include "timeutil.h"
#include "usage.h"
#include "usages.h"
#include "watchdog.h"

#define STOP_MS		5000	/* for the children to end by themselves */

struct parent {
	struct event_base	*base;
	struct conf		*conf;
	struct listeners	 listeners;
	struct kids		*kids;
	struct importdir	*import;	/* NULL: not asked for yet */
	struct signals		*signals;
	struct event		*deadline;
	int			 ready_fd, lock;
	struct newprog		*next;		/* that is tried; or NULL */
	int			 asked;		/* by hubctl, to upgrade */
	int			 upgrading;	/* the children end for that */
	struct pairs		*pairs;
	struct reload		*reload;
	struct usages		*usages;
	/* without a service manager they are NULL */
	struct notify		*notify;
	struct watchdog		*watchdog;
	int			 serves, stopping, status;
};

static void	serve(struct parent *, const struct conf_source *,
		    const struct privdrop *);
static void	on_pong(struct kid *, struct imsg *);
static void	upgrade(struct parent *, int);
static void	on_tried(const char *, const char *, void *);
static void	answer_upgrade(struct parent *, const char *, const char *);
static void	go_on(struct parent *);
static void	end_kids(struct parent *);
static void	end_signals(struct parent *);
static struct imsgbuf	*get_router(void *);
static struct imsgbuf	*get_uplink(void *);
static void	joined(void *);
static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	kid_closed(struct imsgbuf *, int, void *);
static void	kid_ready(struct kid *, struct imsg *);
static void	serves(struct parent *);
static void	list_kids(struct kid *, uint32_t);
static void	set_level(struct kid *, struct imsg *);
static void	kid_log(struct kid *, struct imsg *);
static void	next_import(struct kid *);
static void	kid_ended(struct parent *, struct kid *, int);
static void	on_signal(evutil_socket_t, short, void *);
static void	on_deadline(evutil_socket_t, short, void *);
static void	reap(struct parent *);
static void	stop(struct parent *, const char *);
static void	stop_next(struct parent *);

static const struct imsg_ops kid_ops = {
	.dispatch = dispatch,
	.closed = kid_closed,
};

static const struct pairs_ops pairs_ops = {
	.router = get_router,
	.uplink = get_uplink,
	.joined = joined,
};

int
parent_main(struct conf *conf, const struct conf_source *source,
    const struct parent_start *s)
{
	struct parent p = { 0 };

	p.conf = conf;
	p.ready_fd = s->ready_fd;
	p.lock = s->lock;
	p.notify = s->notify;
	signal(SIGPIPE, SIG_IGN);
	/* whoever sees the sockets may end the hub */
	if ((p.base = event_base_new()) == NULL)
		fatalx("event_base_new");
	p.signals = signals_new(p.base, on_signal, &p);
	if (s->before != NULL)
		handover_done();
	if (listeners_open(&p.listeners, conf, s->activated,
	    s->before) == -1) {
		end_signals(&p);
		return 1;
	}
	serve(&p, source, s->user);
	end_signals(&p);
	if (p.upgrading)
		go_on(&p);
	return p.status;
}

static void
serve(struct parent *p, const struct conf_source *source,
    const struct privdrop *user)
{
	p->watchdog = watchdog_new(p->base, p->notify);
	p->pairs = pairs_new(p->conf, &pairs_ops, p);
	p->deadline = evtimer_new(p->base, on_deadline, p);
	if (p->deadline == NULL)
		fatalx("evtimer_new");
	p->kids = kids_new(p->base, p->conf, user, p->lock, &p->listeners,
	    p->watchdog, &kid_ops, p);
	p->usages = usages_new(p->base, p->kids);
	p->reload = reload_new(p->conf, source, &p->listeners, p->kids,
	    p->pairs, p->notify);
	sandbox_parent();
	kids_start(p->kids);
	/* the router has it, and nobody else has any use for it */
	explicit_bzero(p->conf->ws_token, sizeof(p->conf->ws_token));
	event_base_dispatch(p->base);
	/* it may be to end instead */
	if (p->upgrading)
		handover_signals(p->base);
	reload_free(p->reload);
	usages_free(p->usages);
	newprog_free(p->next);
	kids_free(p->kids);
	event_free(p->deadline);
	watchdog_free(p->watchdog);
	importdir_free(p->import);
	pairs_free(p->pairs);
}

/* And what all events are part of. */
static void
end_signals(struct parent *p)
{
	signals_free(p->signals);
	event_base_free(p->base);
}

static struct imsgbuf *
get_router(void *arg)
{
	struct parent *p = arg;

	return kids_get(p->kids, KID_ROUTER)->ib;
}

static struct imsgbuf *
get_uplink(void *arg)
{
	struct parent *p = arg;

	return kids_uplink(p->kids);
}

/* The uplink is to know of it. */
static void
joined(void *arg)
{
	struct parent *p = arg;

	kids_reload_uplink(p->kids);
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct kid *k = arg;
	struct parent *p = k->arg;
	char why[256];

	(void)ib;
	switch (m->type) {
	case PROC_READY:
		kid_ready(k, m);
		break;
	case PROC_LIST:
		list_kids(k, m->id);
		break;
	case PROC_USAGE:
		usages_ask(p->usages);
		break;
	case PROC_USED:
		usages_got(p->usages, k, m);
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
	case PROC_UPGRADE:
		upgrade(p, 1);
		break;
	case PROC_LEVEL:
		set_level(k, m);
		break;
	case PROC_RELOAD:
		if (!p->stopping)
			reload_ask(p->reload, 1);
		break;
	case PAIR_INVITE:
	case PAIR_JOIN:
		pairs_ask(p->pairs, m);
		break;
	case PAIR_CANCEL:
		pairs_cancel(p->pairs, m->id,
		    kids_get(p->kids, KID_UPLINK)->ib);
		break;
	case PAIR_CODE:
	case PAIR_DONE:
		if (pairs_answer(p->pairs, m) == -1) {
			log_warnx("bad %s", imsg_name(m->type));
			kid_kill(k);
		}
		break;
	case PROC_STOP:
		get_str(&m->rd, why, sizeof(why));
		if (reader_done(&m->rd) == -1)
			fatalx("bad PROC_STOP");
		stop(p, why);
		break;
	default:
		fatalx("unexpected %s from the %s", imsg_name(m->type),
		    k->row->role);
	}
}

static void
kid_ready(struct kid *k, struct imsg *m)
{
	struct parent *p = k->arg;

	k->uid = get_u32(&m->rd);
	k->layers = get_u32(&m->rd);
	k->ready = 1;
	k->busy = 0;
	if (!p->serves && kids_ready(p->kids))
		serves(p);
	if (!p->stopping)
		reload_go_on(p->reload);
}

static void
serves(struct parent *p)
{
	p->serves = 1;
	log_info("hub %s serves at %s", p->conf->hub_id, p->conf->socket);
	if (p->ready_fd != -1)
		proc_daemon_ready(p->ready_fd);
	p->ready_fd = -1;
	notify_ready(p->notify);
	notify_status(p->notify, "Serves at %s", p->conf->socket);
	kids_links(p->kids);
	watchdog_start(p->watchdog);
}

static void
on_pong(struct kid *k, struct imsg *m)
{
	struct parent *p = k->arg;
	uint32_t n = get_u32(&m->rd);

	if (k->row->id == PROC_ROUTER && !p->stopping)
		notify_status(p->notify, "%u session%s", n,
		    n == 1 ? "" : "s");
	watchdog_pong(p->watchdog, k->row->id);
}

/* For hubctl show processes. */
static void
list_kids(struct kid *router, uint32_t id)
{
	struct wbuf json = { 0 }, w = { 0 };

	kids_list(router->kids, &json);
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

static void
set_level(struct kid *k, struct imsg *m)
{
	uint8_t level = get_u8(&m->rd);

	if (level > LOG_LEVEL_DEBUG)
		fatalx("bad PROC_LEVEL");
	kids_set_level(k->kids, level);
}

/* One at a time, so that there are never many descriptors. */
static void
next_import(struct kid *k)
{
	struct parent *p = k->arg;
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

	(void)ib;
	if (err != 0)
		log_warnx("connection to the %s: %s", k->row->role,
		    strerror(err));
	kid_disconnect(k);
	if (err == 0)
		return;
	if (k->row->optional)
		kid_kill(k);
	else
		stop(k->arg, "protocol violation");
}

static void
reap(struct parent *p)
{
	struct kid *k;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((k = kids_of_pid(p->kids, pid)) != NULL)
			kid_ended(p, k, status);
		else
			(void)newprog_ended(p->next, pid, status);
	}
}

/* Sessions of this hub do not notice when it is an optional one. */
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
		kid_again(k, status);
		if (k->row->id == PROC_UPLINK)
			pairs_gone(p->pairs);
		reload_go_on(p->reload);
		return;
	}
	log_warnx("the %s %s: the hub %s", k->row->role,
	    proc_exit(status, how, sizeof(how)),
	    p->upgrading ? "is upgraded all the same" : "stops");
	p->status = 1;
	if (!p->stopping) {
		p->stopping = 1;
		listeners_close(&p->listeners);
	}
	event_base_loopexit(p->base, NULL);
}

static void
on_signal(evutil_socket_t sig, short ev, void *arg)
{
	struct parent *p = arg;

	(void)ev;
	switch (sig) {
	case SIGCHLD:
		reap(p);
		break;
	case SIGHUP:
		if (!p->stopping)
			reload_ask(p->reload, 0);
		break;
	case SIGUSR1:
#ifdef SIGINFO
	case SIGINFO:
#endif
		kids_tell(p->kids, PROC_STATS);
		usage_log();
		break;
	case SIGUSR2:
		upgrade(p, 0);
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
	if (p->stopping && !p->upgrading)
		return;
	log_info("stopping: %s", why);
	notify_stopping(p->notify);
	notify_status(p->notify, "Stopping: %s", why);
	listeners_close(&p->listeners);
	p->upgrading = 0;
	if (!p->stopping)
		end_kids(p);
}

static void
end_kids(struct parent *p)
{
	struct timeval tv = time_tv(STOP_MS);

	p->stopping = 1;
	event_add(p->deadline, &tv);
	stop_next(p);
}

static void
stop_next(struct parent *p)
{
	if (kids_stop_next(p->kids) == NULL)
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

/* The new version is tried first, while this one goes on. */
static void
upgrade(struct parent *p, int asked)
{
	if (p->stopping || p->next != NULL) {
		if (asked)
			answer_upgrade(p, p->stopping ? "the hub is being "
			    "stopped" : "the hub is being upgraded already",
			    "");
		return;
	}
	p->asked = asked;
	p->next = newprog_new(p->base, "hubd", on_tried, p);
}

static void
on_tried(const char *why, const char *version, void *arg)
{
	struct parent *p = arg;

	if (p->stopping && why == NULL)
		why = "the hub is being stopped";
	if (p->asked)
		answer_upgrade(p, why != NULL ? why : "", why != NULL ? "" :
		    version);
	if (!newprog_accepted(&p->next, why, version, p->notify))
		return;
	p->upgrading = 1;
	end_kids(p);
}

static void
answer_upgrade(struct parent *p, const char *why, const char *version)
{
	struct imsgbuf *router = kids_get(p->kids, KID_ROUTER)->ib;
	struct wbuf w = { 0 };

	put_str(&w, why);
	put_str(&w, version);
	if (router != NULL)
		imsg_send(router, PROC_UPGRADING, 0, -1, &w, NULL);
	wbuf_free(&w);
}

/*
 * As the new version.  Clients wait at the sockets meanwhile, and all that was
 * acknowledged is in the database.
 */
static void
go_on(struct parent *p)
{
	struct handover h = { .lock = p->lock };
	int saved;

	if (notify_watchdog_ms(p->notify) > 0)
		notify_alive(p->notify);
	conf_links_free(p->conf);
	listeners_hand_over(&p->listeners, &h);
	(void)handover_exec(&h, p->notify);
	saved = errno;
	listeners_close(&p->listeners);
	errno = saved;
	fatal("%s: no upgrade, and the hub has ended", handover_program());
}
