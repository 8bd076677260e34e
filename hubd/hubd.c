/* SPDX-License-Identifier: ISC */
/*
 * hubd(8): options, configuration and the lock that makes one hub of many;
 * then the parent, or with -x one of its children.
 */
#include "compat.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "activated.h"
#include "conf.h"
#include "datadir.h"
#include "datafile.h"
#include "handover.h"
#include "log.h"
#include "notify.h"
#include "parent.h"
#include "paths.h"
#include "privdrop.h"
#include "proc.h"
#include "resolver.h"
#include "router.h"
#include "store.h"
#include "unixsock.h"
#include "version.h"

#define LOCK_WAIT_MS		5000	/* for a hub that is ending */
#define LOCK_STEP_MS		10

struct options {
	struct conf_source	source;
	int			foreground, check;
};

static void	usage(void) __attribute__((__noreturn__));
static void	log_bad_links(unsigned);
static int	child_main(const char *);
static void	begin_log(const struct options *, const struct conf *, int);
static int	take_over(const struct options *, const struct handover *,
		    struct parent_start *);
static const struct privdrop *service_user(int);
static int	take_lock(const struct conf *, int, int);
static int	is_lock(int, const char *);

static const struct {
	enum bad_links	 bad;
	const char	*text;
} bad_texts[] = {
	{ BAD_BRIDGE, "bridge.json cannot be used: none of its links are "
	    "made; hubd -n" },
	{ BAD_JOINED, "relays.json cannot be used: some or all of its relays "
	    "are missing; hubd -n" },
	{ BAD_REMOTE, "RELAY_REMOTE_URL cannot be used: that relay is "
	    "missing; hubd -e -n" },
	{ BAD_ALL, "no links to other hubs; hubd -n" },
};

static void
usage(void)
{
	fprintf(stderr, "usage: hubd [-denVv] [-f file]\n");
	exit(2);
}

int
main(int argc, char *argv[])
{
	struct options o = { .source.log_level = LOG_LEVEL_INFO };
	struct parent_start start = { .ready_fd = -1 };
	struct handover before;
	struct conf conf;
	int c, status;

	log_set_name("hubd", NULL);
	paths_init(argv[0]);
	handover_init(argv);
	while ((c = getopt(argc, argv, "def:nVvx:")) != -1) {
		switch (c) {
		case 'd':
			o.foreground = 1;
			break;
		case 'e':
			o.source.embedded = 1;
			break;
		case 'f':
			o.source.file = optarg;
			break;
		case 'n':
			o.check = 1;
			break;
		case 'V':
			printf("hubd %s\n", ecorelay_version);
			return 0;
		case 'v':
			o.source.log_level = LOG_LEVEL_DEBUG;
			break;
		case 'x':
			return child_main(optarg);
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	umask(077);
	handover_take(&before);
	/* nobody sees what it says otherwise */
	if (before.taken && !o.foreground && !o.source.embedded)
		log_to_syslog(0);
	log_set_level((enum log_level)o.source.log_level);
	if (conf_read(&o.source, &conf) == -1) {
		conf_links_free(&conf);
		return 1;
	}
	if (o.check) {
		if (conf.bad_links == 0)
			printf("configuration OK\n");
		conf_links_free(&conf);
		return conf.bad_links != 0;
	}
	if (!o.foreground &&
	    getcwd(o.source.dir, sizeof(o.source.dir)) == NULL)
		o.source.dir[0] = '\0';
	if (take_over(&o, &before, &start) == -1)
		return 1;
	start.user = service_user(o.source.embedded);
	if (datadir_check(conf.data, start.user) == -1)
		return 1;
	if (!o.foreground && start.before == NULL)
		start.ready_fd = proc_daemonize();
	start.lock = take_lock(&conf, start.activated != NULL, before.lock);
	if (start.lock == -1) {
		if (!o.source.embedded)
			fatalx("a hub is running already at %s", conf.socket);
		/* what the session wanted is there */
		if (start.ready_fd != -1)
			proc_daemon_ready(start.ready_fd);
		return 0;
	}
	begin_log(&o, &conf, start.ready_fd != -1);
	if (!o.source.embedded)
		privdrop_say(start.user);
	if (start.user != NULL)
		datadir_give(conf.data, start.user);
	log_bad_links(conf.bad_links);
	status = parent_main(&conf, &o.source, &start);
	activated_free(start.activated);
	notify_free(start.notify);
	conf_links_free(&conf);
	return status;
}

/* detached: whoever has started it waits, and sees what is wrong. */
static void
begin_log(const struct options *o, const struct conf *conf, int detached)
{
	char logs[CONF_PATH_MAX + 8];

	if (o->foreground)
		return;
	if (!o->source.embedded) {
		log_to_syslog(detached);
		return;
	}
	snprintf(logs, sizeof(logs), "%s/logs", conf->data);
	log_to_dir(logs);
}

/* What was said when it was read went to somebody else's terminal. */
static void
log_bad_links(unsigned bad)
{
	size_t i;

	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		if (bad & bad_texts[i].bad)
			log_warnx("%s says what is wrong", bad_texts[i].text);
	}
}

static int
child_main(const char *role)
{
	if (strcmp(role, "router") == 0)
		return router_main();
	if (strcmp(role, "store") == 0)
		return store_main();
	if (strcmp(role, "resolver") == 0)
		return resolver_main();
	usage();
}

/*
 * What an earlier version has left for it, or a service manager has; a
 * session's manager is not the hub's.
 */
static int
take_over(const struct options *o, const struct handover *before,
    struct parent_start *s)
{
	if (before->taken) {
		s->before = before;
		/* it has been a daemon before */
		if (!o->foreground && chdir("/") == -1)
			fatal("chdir");
	} else if (o->source.embedded) {
		notify_ignore();
		activated_ignore();
		return 0;
	}
	if (activated_take(&s->activated) == -1)
		return -1;
	s->notify = notify_new();
	return 0;
}

/*
 * NULL: its processes are whose it is.  A hub that a session starts is its
 * user's own, root included.
 */
static const struct privdrop *
service_user(int embedded)
{
	static struct privdrop user;
	int r = embedded ? 0 : privdrop_user(&user);

	if (r == -1 || (r == 1 && privdrop_emptydir(ECORELAY_EMPTYDIR) == -1))
		exit(1);
	return r == 1 ? &user : NULL;
}

/*
 * All processes of a hub hold its lock, so that it is free only when the last
 * of them is gone.  Returns the descriptor, or -1 if a hub runs: the lock is
 * held and somebody answers at its socket.  If that is handed over it answers
 * always.  held: the lock's descriptor of an earlier version, or -1.
 */
static int
take_lock(const struct conf *conf, int handed, int held)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	char path[CONF_PATH_MAX];
	int fd, sock, waited;

	if (paths_join(path, sizeof(path), conf->data, "hub.lock") == -1)
		fatal("%s/hub.lock", conf->data);
	if (held != -1 && is_lock(held, path))
		return held;
	if (held != -1)
		close(held);
	if ((fd = datafile_open(path)) == -1)
		fatal("%s: the data directory must be writable", path);
	for (waited = 0;; waited += LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK && errno != EINTR)
			fatal("%s", path);
		if (!handed && (sock = unix_connect(conf->socket)) != -1) {
			close(sock);
			close(fd);
			return -1;
		}
		if (waited >= LOCK_WAIT_MS && handed)
			fatalx("%s is held by a hub that was not started as "
			    "this service: hubctl stop, or kill it", path);
		if (waited >= LOCK_WAIT_MS)
			fatalx("%s is held by a hub that does not answer at "
			    "%s", path, conf->socket);
		nanosleep(&step, NULL);
	}
}

/* The data directory may be another one now. */
static int
is_lock(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
