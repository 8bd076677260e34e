/* SPDX-License-Identifier: ISC */
/*
 * relayd(8): a relay between hubs on different networks.  Options and the
 * parent process, which reads the configuration, the secret and the
 * certificate, opens the listeners, and looks after the router.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "activated.h"
#include "cert.h"
#include "child.h"
#include "conf.h"
#include "handover.h"
#include "imsg.h"
#include "listeners.h"
#include "log.h"
#include "newprog.h"
#include "notify.h"
#include "paths.h"
#include "privdrop.h"
#include "proc.h"
#include "router.h"
#include "sandbox.h"
#include "signals.h"
#include "timeutil.h"
#include "unixsock.h"
#include "uplink.h"
#include "usage.h"
#include "version.h"
#include "watchdog.h"

#define STOP_MS		5000	/* for the router to end by itself */

struct parent {
	struct event_base	*base;
	/* where the configuration is, each time that it is read */
	const char		*file, *json;
	char			 dir[RELAY_PATH_MAX];	/* of it; or "" */
	uint8_t			 log_level;
	struct relay_conf	 conf;
	struct listeners	 listeners;
	struct imsgbuf		*ib;
	pid_t			 pid;
	struct signals		*signals;
	struct event		*deadline;
	struct newprog		*next;		/* that is tried; or NULL */
	int			 upgrading;	/* the router ends for that */
	/* service manager; each may be NULL */
	struct notify		*notify;
	struct watchdog		*watchdog;
	struct activated	*activated;
	struct handover		 before;	/* of an earlier version */
	int			 drops;		/* and the router is user's */
	struct privdrop		 user;
	int			 ready_fd, stopping, status;
	int			 serves;
	int			 busy;		/* with CONF_END */
	int			 again;		/* SIGHUP came meanwhile */
};

static void	usage(void) __attribute__((__noreturn__));
static int	configure(const struct parent *, struct relay_conf *);
static int	certificate_check(const struct relay_conf *);
static void	detach(struct parent *);
static void	find_user(struct parent *);
static int	parent_main(struct parent *);
static void	upgrade(struct parent *);
static void	on_tried(const char *, const char *, void *);
static void	go_on(struct parent *) __attribute__((__noreturn__));
static void	end_router(struct parent *);
static void	ready(struct parent *, struct imsg *);
static void	on_pong(struct parent *, struct imsg *);
static void	reload(struct parent *);
static int	read_again(struct parent *, struct relay_conf *,
		    struct wbuf *);
static void	start_router(struct parent *);
static void	clear(struct wbuf *);
static void	tell_router(struct parent *, const struct wbuf *);
static void	send_listener(struct parent *, enum listen_kind, int);
static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	closed(struct imsgbuf *, int, void *);
static void	on_signal(evutil_socket_t, short, void *);
static void	on_deadline(evutil_socket_t, short, void *);
static void	reap(struct parent *);
static void	stop(struct parent *, const char *);

static const struct imsg_ops router_ops = {
	.dispatch = dispatch,
	.closed = closed,
};

static void
usage(void)
{
	fprintf(stderr, "usage: relayd [-dnVv] [-f file | -c file]\n");
	exit(2);
}

int
main(int argc, char *argv[])
{
	struct parent p = { .ready_fd = -1, .log_level = LOG_LEVEL_INFO };
	int c, check = 0, foreground = 0;

	log_set_name("relayd", NULL);
	paths_init(argv[0]);
	handover_init(argv);
	while ((c = getopt(argc, argv, "c:df:nu:Vvx:")) != -1) {
		switch (c) {
		case 'c':
			p.json = optarg;
			break;
		case 'd':
			foreground = 1;
			break;
		case 'f':
			p.file = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 'u':
			return uplink_main();
		case 'V':
			printf("relayd %s\n", ecorelay_version);
			return 0;
		case 'v':
			p.log_level = LOG_LEVEL_DEBUG;
			break;
		case 'x':
			return router_main();
		default:
			usage();
		}
	}
	if (optind != argc || (p.file != NULL && p.json != NULL))
		usage();
	umask(077);
	handover_take(&p.before);
	/* nobody sees what it says otherwise */
	if (p.before.taken && !foreground)
		log_to_syslog(0);
	log_set_level((enum log_level)p.log_level);
	if (configure(&p, &p.conf) == -1)
		return 1;
	if (check) {
		if (certificate_check(&p.conf) == -1)
			return 1;
		printf("configuration OK\n");
		return 0;
	}
	if (activated_take(&p.activated) == -1)
		return 1;
	p.notify = notify_new();
	find_user(&p);
	if (!foreground)
		detach(&p);
	privdrop_say(p.drops ? &p.user : NULL);
	return parent_main(&p);
}

/* The router is given it when it starts. */
static int
certificate_check(const struct relay_conf *c)
{
	struct wbuf cert = { 0 };
	int r = cert_read(c, &cert);

	clear(&cert);
	return r;
}

/* Unless it was done by an earlier version. */
static void
detach(struct parent *p)
{
	if (getcwd(p->dir, sizeof(p->dir)) == NULL)
		p->dir[0] = '\0';
	if (!p->before.taken)
		p->ready_fd = proc_daemonize();
	else if (chdir("/") == -1)
		fatal("chdir");
	/* whoever has started it waits, and sees what is wrong */
	log_to_syslog(!p->before.taken);
}

static int
configure(const struct parent *p, struct relay_conf *c)
{
	int r;

	relay_conf_defaults(c);
	c->log_level = p->log_level;
	/* a daemon is somewhere else than where it was started */
	if (p->dir[0] != '\0' && chdir(p->dir) == -1)
		log_warn("%s", p->dir);
	if (p->json != NULL)
		r = relay_conf_json(p->json, c);
	else
		r = relay_conf_parse(p->file != NULL ? p->file :
		    ECORELAY_SYSCONFDIR "/relayd.conf", c);
	if (p->dir[0] != '\0' && chdir("/") == -1)
		fatal("chdir");
	return r;
}

/* Whose the router is to be, if root has started this. */
static void
find_user(struct parent *p)
{
	p->drops = privdrop_user(&p->user);
	strlcpy(p->user.root, ECORELAY_EMPTYDIR, sizeof(p->user.root));
	if (p->drops == -1 || (p->drops &&
	    privdrop_emptydir(ECORELAY_EMPTYDIR) == -1))
		exit(1);
}

static int
parent_main(struct parent *p)
{
	signal(SIGPIPE, SIG_IGN);
	if (listeners_open(&p->listeners, &p->conf, p->activated,
	    p->before.taken) == -1)
		return 1;
	if ((p->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	p->signals = signals_new(p->base, on_signal, p);
	if (p->before.taken)
		handover_done();
	if ((p->deadline = evtimer_new(p->base, on_deadline, p)) == NULL)
		fatalx("evtimer_new");
	p->watchdog = watchdog_new(p->base, p->notify);
	sandbox_parent();
	start_router(p);
	event_base_dispatch(p->base);
	/* it may be to end instead */
	if (p->upgrading)
		handover_signals(p->base);
	newprog_free(p->next);
	if (p->pid != 0) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	signals_free(p->signals);
	event_free(p->deadline);
	imsg_free(p->ib);
	watchdog_free(p->watchdog);
	activated_free(p->activated);
	event_base_free(p->base);
	explicit_bzero(&p->conf, sizeof(p->conf));
	if (p->upgrading)
		go_on(p);
	listeners_close(&p->listeners);
	notify_free(p->notify);
	return p->status;
}

/* As the new version; hubs wait at the sockets meanwhile. */
static void
go_on(struct parent *p)
{
	struct handover h = { .lock = -1 };

	if (notify_watchdog_ms(p->notify) > 0)
		notify_alive(p->notify);
	listeners_hand_over(&p->listeners, &h);
	(void)handover_exec(&h, p->notify);
	fatal("%s: no upgrade, and the relay has ended", handover_program());
}

static void
start_router(struct parent *p)
{
	static char path[RELAY_PATH_MAX], opt[] = "-x", role[] = "router";
	char *argv[] = { path, opt, role, NULL };
	struct wbuf cert = { 0 }, w = { 0 };
	int pair[2];

	if (cert_read(&p->conf, &cert) == -1)
		exit(1);
	if (paths_program("relayd", path, sizeof(path)) == -1)
		fatal("relayd");
	if (unix_pair(pair) == -1)
		fatal("socketpair");
	p->pid = proc_start(argv, pair[1], -1);
	close(pair[1]);
	p->ib = imsg_new(p->base, pair[0], PROC_PARENT, PROC_RELAY,
	    &router_ops, p);
	watchdog_child(p->watchdog, PROC_RELAY, p->ib, p->pid, 0);
	if (p->drops) {
		privdrop_put(&w, &p->user);
		imsg_send(p->ib, CONF_DROP, 0, -1, &w, NULL);
		wbuf_free(&w);
	}
	tell_router(p, &cert);
	clear(&cert);
}

static void
clear(struct wbuf *w)
{
	if (w->rb != NULL)
		explicit_bzero(w->rb->data, w->len);
	wbuf_free(w);
}

/* The whole configuration; without a certificate that is empty. */
static void
tell_router(struct parent *p, const struct wbuf *cert)
{
	const struct listeners *l = &p->listeners;
	struct wbuf w = { 0 };
	unsigned i;

	relay_conf_put(&w, &p->conf);
	imsg_send(p->ib, CONF_START, 0, -1, &w, NULL);
	clear(&w);
	if (cert->len > 0)
		imsg_send(p->ib, CONF_CERT, 0, -1, cert, NULL);
	for (i = 0; i < p->conf.nlistens; i++)
		send_listener(p, p->conf.listens[i].tls ? LISTEN_RELAY_TLS :
		    LISTEN_RELAY, l->fds[i]);
	if (l->metrics != -1)
		send_listener(p, LISTEN_METRICS, l->metrics);
	imsg_send(p->ib, CONF_END, 0, -1, NULL, NULL);
	p->busy = 1;
}

static void
send_listener(struct parent *p, enum listen_kind kind, int fd)
{
	struct wbuf w = { 0 };

	if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		log_warn("a listener");
		return;
	}
	put_u32(&w, (uint32_t)kind);
	imsg_send(p->ib, CONF_LISTEN, 0, fd, &w, NULL);
	wbuf_free(&w);
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct parent *p = arg;
	enum log_level level;
	char line[1536];

	(void)ib;
	if (m->type == PROC_READY) {
		ready(p, m);
		return;
	}
	if (m->type == PROC_PONG) {
		on_pong(p, m);
		return;
	}
	level = (enum log_level)get_u8(&m->rd);
	get_str(&m->rd, line, sizeof(line));
	if (m->type != PROC_LOG || reader_done(&m->rd) == -1 ||
	    level > LOG_LEVEL_DEBUG)
		fatalx("bad %s from the router", imsg_name(m->type));
	log_from("router", level, line);
}

/* It does as it was told: for the first time, or again. */
static void
ready(struct parent *p, struct imsg *m)
{
	(void)get_u32(&m->rd);
	(void)get_u32(&m->rd);
	if (reader_done(&m->rd) == -1)
		fatalx("bad PROC_READY");
	p->busy = 0;
	if (p->stopping)
		return;
	log_info(p->serves ? "the configuration has been read again" :
	    "the relay serves");
	if (p->ready_fd != -1)
		proc_daemon_ready(p->ready_fd);
	p->ready_fd = -1;
	notify_ready(p->notify);
	if (!p->serves)
		watchdog_start(p->watchdog);
	p->serves = 1;
	if (p->again)
		reload(p);
}

static void
on_pong(struct parent *p, struct imsg *m)
{
	uint32_t n = get_u32(&m->rd);

	if (!p->stopping)
		notify_status(p->notify, "%u hub%s", n, n == 1 ? "" : "s");
	watchdog_pong(p->watchdog, PROC_RELAY);
}

/* Its end follows as a SIGCHLD. */
static void
closed(struct imsgbuf *ib, int err, void *arg)
{
	struct parent *p = arg;

	imsg_free(ib);
	p->ib = NULL;
	watchdog_child(p->watchdog, PROC_RELAY, NULL, 0, 0);
	if (err != 0)
		stop(p, strerror(err));
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
		reload(p);
		break;
	case SIGUSR1:
#ifdef SIGINFO
	case SIGINFO:
#endif
		if (p->ib != NULL)
			imsg_send(p->ib, PROC_STATS, 0, -1, NULL, NULL);
		usage_log();
		break;
	case SIGUSR2:
		upgrade(p);
		break;
	default:
		stop(p, sig == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

/* Many that come while one is under way are one. */
static void
reload(struct parent *p)
{
	struct relay_conf c;
	struct wbuf cert = { 0 };

	p->again = p->busy;
	if (p->busy || p->stopping || p->ib == NULL)
		return;
	notify_reloading(p->notify);
	if (read_again(p, &c, &cert) == 0) {
		p->conf = c;
		tell_router(p, &cert);
	} else {
		log_warnx("the old configuration stays in force");
		notify_ready(p->notify);
	}
	explicit_bzero(&c, sizeof(c));
	clear(&cert);
}

/* All that may be wrong comes before anything changes. */
static int
read_again(struct parent *p, struct relay_conf *c, struct wbuf *cert)
{
	if (configure(p, c) == -1 || cert_read(c, cert) == -1)
		return -1;
	return listeners_change(&p->listeners, c, &p->conf);
}

static void
reap(struct parent *p)
{
	char how[64];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 && pid != p->pid)
		(void)newprog_ended(p->next, pid, status);
	if (pid <= 0)
		return;
	p->pid = 0;
	if (!p->stopping || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		log_warnx("the router %s", proc_exit(status, how,
		    sizeof(how)));
		p->status = 1;
	}
	event_base_loopexit(p->base, NULL);
}

static void
stop(struct parent *p, const char *why)
{
	if (p->stopping && !p->upgrading)
		return;
	log_info("stopping: %s", why);
	notify_stopping(p->notify);
	/* nobody must wait for a relay that ends */
	listeners_close(&p->listeners);
	p->upgrading = 0;
	if (!p->stopping)
		end_router(p);
}

static void
end_router(struct parent *p)
{
	struct timeval tv = time_tv(STOP_MS);

	p->stopping = 1;
	if (p->ib != NULL)
		imsg_send(p->ib, PROC_SHUTDOWN, 0, -1, NULL, NULL);
	event_add(p->deadline, &tv);
}

static void
on_deadline(evutil_socket_t fd, short ev, void *arg)
{
	struct parent *p = arg;

	(void)fd;
	(void)ev;
	log_warnx("the router does not end: it is killed");
	p->status = 1;
	event_base_loopexit(p->base, NULL);
}

/* The new version is tried first, while this one goes on. */
static void
upgrade(struct parent *p)
{
	if (!p->stopping && p->next == NULL)
		p->next = newprog_new(p->base, "relayd", on_tried, p);
}

static void
on_tried(const char *why, const char *version, void *arg)
{
	struct parent *p = arg;

	if (p->stopping && why == NULL)
		why = "the relay is being stopped";
	if (!newprog_accepted(&p->next, why, version, p->notify))
		return;
	p->upgrading = 1;
	end_router(p);
}
