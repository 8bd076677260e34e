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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "activated.h"
#include "child.h"
#include "conf.h"
#include "imsg.h"
#include "log.h"
#include "notify.h"
#include "paths.h"
#include "privdrop.h"
#include "proc.h"
#include "router.h"
#include "sandbox.h"
#include "tcpsock.h"
#include "timeutil.h"
#include "unixsock.h"
#include "uplink.h"
#include "usage.h"
#include "watchdog.h"
#include "wholefile.h"

#define STOP_MS		5000	/* for the router to end by itself */
#define CERT_MAX	(1024 * 1024)

static const int signals[] = {
	SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1,
#ifdef SIGINFO
	SIGINFO
#endif
};
#define NSIGNALS	(sizeof(signals) / sizeof(signals[0]))

struct parent {
	struct event_base	*base;
	struct relay_conf	 conf;
	struct imsgbuf		*ib;
	pid_t			 pid;
	struct event		*signals[NSIGNALS], *deadline;
	/* service manager; each may be NULL */
	struct notify		*notify;
	struct watchdog		*watchdog;
	struct activated	*activated;
	int			 drops;		/* and the router is user's */
	struct privdrop		 user;
	int			 ready_fd, stopping, status;
};

static void	usage(void) __attribute__((__noreturn__));
static int	configure(const char *, const char *, struct relay_conf *);
static void	find_user(struct parent *);
static int	parent_main(struct parent *);
static int	open_listeners(struct parent *, int *, int *);
static int	open_listener(struct parent *, const struct relay_listen *);
static void	serves(struct parent *);
static void	on_pong(struct parent *, struct imsg *);
static void	reload(struct parent *);
static void	start_router(struct parent *, const int *, int);
static void	send_u32(struct imsgbuf *, enum imsg_type, uint32_t, int);
static int	send_certificate(struct parent *);
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
	struct parent p = { .ready_fd = -1 };
	const char *file = NULL, *json = NULL;
	int c, check = 0, foreground = 0, verbose = 0;

	log_set_name("relayd", NULL);
	paths_init(argv[0]);
	while ((c = getopt(argc, argv, "c:df:nu:Vvx:")) != -1) {
		switch (c) {
		case 'c':
			json = optarg;
			break;
		case 'd':
			foreground = 1;
			break;
		case 'f':
			file = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 'u':
			return uplink_main();
		case 'V':
			printf("relayd %s\n", ECORELAY_VERSION);
			return 0;
		case 'v':
			verbose = 1;
			break;
		case 'x':
			return router_main();
		default:
			usage();
		}
	}
	if (optind != argc || (file != NULL && json != NULL))
		usage();
	umask(077);
	relay_conf_defaults(&p.conf);
	if (verbose)
		p.conf.log_level = LOG_LEVEL_DEBUG;
	log_set_level((enum log_level)p.conf.log_level);
	if (configure(file, json, &p.conf) == -1)
		return 1;
	if (check) {
		printf("configuration OK\n");
		return 0;
	}
	if (activated_take(&p.activated) == -1)
		return 1;
	p.notify = notify_new();
	find_user(&p);
	if (!foreground) {
		p.ready_fd = proc_daemonize();
		log_to_syslog();
	}
	privdrop_say(p.drops ? &p.user : NULL);
	return parent_main(&p);
}

static int
configure(const char *file, const char *json, struct relay_conf *c)
{
	if (json != NULL)
		return relay_conf_json(json, c);
	return relay_conf_parse(file != NULL ? file :
	    ECORELAY_SYSCONFDIR "/relayd.conf", c);
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
	int fds[RELAY_LISTEN_MAX], metrics = -1;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	if (open_listeners(p, fds, &metrics) == -1)
		return 1;
	if ((p->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	for (i = 0; i < NSIGNALS; i++) {
		p->signals[i] = evsignal_new(p->base, signals[i], on_signal,
		    p);
		if (p->signals[i] == NULL || event_add(p->signals[i],
		    NULL) == -1)
			fatalx("evsignal_new");
	}
	if ((p->deadline = evtimer_new(p->base, on_deadline, p)) == NULL)
		fatalx("evtimer_new");
	p->watchdog = watchdog_new(p->base, p->notify);
	sandbox_parent();
	start_router(p, fds, metrics);
	event_base_dispatch(p->base);
	if (p->pid != 0) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	for (i = 0; i < NSIGNALS; i++)
		event_free(p->signals[i]);
	event_free(p->deadline);
	imsg_free(p->ib);
	watchdog_free(p->watchdog);
	activated_free(p->activated);
	notify_free(p->notify);
	event_base_free(p->base);
	explicit_bzero(&p->conf, sizeof(p->conf));
	return p->status;
}

static int
open_listeners(struct parent *p, int *fds, int *metrics)
{
	const struct relay_listen *l;
	unsigned i;

	for (i = 0; i < p->conf.nlistens; i++) {
		l = &p->conf.listens[i];
		if ((fds[i] = open_listener(p, l)) == -1)
			return -1;
	}
	l = &p->conf.metrics;
	if (l->port != 0 && (*metrics = open_listener(p, l)) == -1)
		return -1;
	return activated_done(p->activated, "this relay's configuration");
}

/* The service manager's, or one of our own; -1 with the reason in the log. */
static int
open_listener(struct parent *p, const struct relay_listen *l)
{
	int fd = activated_tcp(p->activated, l->address, (int)l->port);

	if (fd == -1 && (fd = tcp_listen(l->address, (int)l->port)) == -1)
		log_warn("%s port %u", l->address, l->port);
	return fd;
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
start_router(struct parent *p, const int *fds, int metrics)
{
	static char path[RELAY_PATH_MAX], opt[] = "-x", role[] = "router";
	char *argv[] = { path, opt, role, NULL };
	struct wbuf w = { 0 };
	int pair[2];
	unsigned i;

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
		wbuf_reset(&w);
	}
	relay_conf_put(&w, &p->conf);
	imsg_send(p->ib, CONF_START, 0, -1, &w, NULL);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	if (p->conf.certificate[0] != '\0' && send_certificate(p) == -1)
		exit(1);
	for (i = 0; i < p->conf.nlistens; i++)
		send_u32(p->ib, CONF_LISTEN, p->conf.listens[i].tls ?
		    LISTEN_RELAY_TLS : LISTEN_RELAY, fds[i]);
	if (metrics != -1)
		send_u32(p->ib, CONF_LISTEN, LISTEN_METRICS, metrics);
	imsg_send(p->ib, CONF_END, 0, -1, NULL, NULL);
}

/* 0, or -1 with the reason in the log. */
static int
send_certificate(struct parent *p)
{
	struct wbuf w = { 0 };
	struct stat st;
	size_t clen, klen = 0;
	char *cert, *key = NULL;
	int r = -1;

	cert = wholefile_read(p->conf.certificate, CERT_MAX, &clen, &st);
	if (cert == NULL)
		log_warn("%s", p->conf.certificate);
	else if ((key = wholefile_read(p->conf.key, CERT_MAX, &klen,
	    &st)) == NULL)
		log_warn("%s", p->conf.key);
	else if ((st.st_mode & 077) != 0)
		log_warnx("%s: others can read it: chmod 600 it",
		    p->conf.key);
	else {
		put_bytes(&w, cert, clen);
		put_bytes(&w, key, klen);
		imsg_send(p->ib, CONF_CERT, 0, -1, &w, NULL);
		explicit_bzero(w.rb->data, w.len);
		wbuf_free(&w);
		r = 0;
	}
	if (key != NULL)
		explicit_bzero(key, klen);
	free(cert);
	free(key);
	return r;
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct parent *p = arg;
	enum log_level level;
	char line[1536];

	(void)ib;
	if (m->type == PROC_READY) {
		serves(p);
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

static void
serves(struct parent *p)
{
	log_info("the relay serves");
	if (p->ready_fd != -1)
		proc_daemon_ready(p->ready_fd);
	p->ready_fd = -1;
	notify_ready(p->notify);
	watchdog_start(p->watchdog);
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
	default:
		stop(p, sig == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

static void
reload(struct parent *p)
{
	notify_reloading(p->notify);
	if (p->conf.certificate[0] != '\0' && p->ib != NULL &&
	    send_certificate(p) == 0)
		log_info("SIGHUP: the certificate has been read");
	notify_ready(p->notify);
}

static void
reap(struct parent *p)
{
	char how[64];
	int status;

	if (p->pid == 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
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
	struct timeval tv = time_tv(STOP_MS);

	if (p->stopping)
		return;
	p->stopping = 1;
	log_info("stopping: %s", why);
	notify_stopping(p->notify);
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
