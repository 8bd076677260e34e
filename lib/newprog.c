/* SPDX-License-Identifier: ISC */
/*
 * Trying a program before a daemon goes on as it.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "handover.h"
#include "log.h"
#include "newprog.h"
#include "notify.h"
#include "proc.h"
#include "timeutil.h"
#include "version.h"

#define LIMIT_MS	10000	/* for each of the two */
#define OUTPUT_MAX	2048
#define ARGS_MAX	64
#define VERSION_SIZE	64

struct newprog {
	struct event_base	*base;
	const char		*name;
	void			(*done)(const char *, const char *, void *);
	void			*arg;
	size_t			 step;
	pid_t			 pid;		/* 0: none runs */
	int			 fd;		/* what it prints; or -1 */
	struct event		*readable, *limit;
	char			 out[OUTPUT_MAX];
	size_t			 len;
	int			 late;
	char			 version[VERSION_SIZE];
};

static void	begin(struct newprog *);
static void	run(struct newprog *, int) __attribute__((__noreturn__));
static void	on_output(evutil_socket_t, short, void *);
static void	on_limit(evutil_socket_t, short, void *);
static void	read_output(struct newprog *);
static void	stop_reading(struct newprog *);
static void	failed(struct newprog *, const char *);
static int	got_version(struct newprog *);
static int	got_check(struct newprog *);

static const struct {
	const char	*option;
	int		 all;		/* the daemon's options, too */
	int		(*ok)(struct newprog *);
} steps[] = {
	{ "-V", 0, got_version },
	{ "-n", 1, got_check },
};

struct newprog *
newprog_new(struct event_base *base, const char *name,
    void (*done)(const char *, const char *, void *), void *arg)
{
	struct newprog *n = xcalloc(1, sizeof(*n));

	n->base = base;
	n->name = name;
	n->done = done;
	n->arg = arg;
	n->fd = -1;
	if ((n->limit = evtimer_new(base, on_limit, n)) == NULL)
		fatalx("evtimer_new");
	begin(n);
	return n;
}

int
newprog_accepted(struct newprog **np, const char *why, const char *version,
    struct notify *notify)
{
	if (why != NULL) {
		log_warnx("no upgrade: %s", why);
		newprog_free(*np);
		*np = NULL;
		return 0;
	}
	log_info("upgrading from %s to %s", ecorelay_version, version);
	notify_reloading(notify);
	notify_status(notify, "Upgrading to %s", version);
	return 1;
}

void
newprog_free(struct newprog *n)
{
	if (n == NULL)
		return;
	if (n->pid != 0) {
		(void)kill(n->pid, SIGKILL);
		while (waitpid(n->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	stop_reading(n);
	event_free(n->limit);
	free(n);
}

static void
begin(struct newprog *n)
{
	struct timeval tv = time_tv(LIMIT_MS);
	int p[2];

	if (pipe(p) == -1)
		fatal("pipe");
	n->len = 0;
	if ((n->pid = proc_fork()) == -1)
		fatal("fork");
	if (n->pid == 0)
		run(n, p[1]);
	close(p[1]);
	n->fd = p[0];
	if (fcntl(n->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(n->fd, F_SETFL, O_NONBLOCK) == -1)
		fatal("fcntl");
	n->readable = event_new(n->base, n->fd, EV_READ | EV_PERSIST,
	    on_output, n);
	if (n->readable == NULL)
		fatalx("event_new");
	event_add(n->readable, NULL);
	evtimer_add(n->limit, &tv);
}

/* In the child. */
static void
run(struct newprog *n, int out)
{
	char *argv[ARGS_MAX] = { NULL };
	char *const *more = handover_args();
	int i = 0, in = open("/dev/null", O_RDONLY);

	if (in == -1 || dup2(out, 1) == -1 || dup2(out, 2) == -1 ||
	    dup2(in, 0) == -1)
		_exit(127);
	closefrom(3);
	(void)signal(SIGPIPE, SIG_DFL);
	argv[i++] = xstrdup(handover_program());
	argv[i++] = xstrdup(steps[n->step].option);
	for (; steps[n->step].all && *more != NULL && i < ARGS_MAX - 1; more++)
		argv[i++] = *more;
	if (handover_chdir() == -1)
		dprintf(2, "the directory it was started in: %s\n",
		    strerror(errno));
	else if (execv(argv[0], argv) == -1)
		dprintf(2, "%s\n", strerror(errno));
	_exit(127);
}

static void
on_output(evutil_socket_t fd, short ev, void *arg)
{
	(void)fd;
	(void)ev;
	read_output(arg);
}

/* What is more than there is room for is thrown away. */
static void
read_output(struct newprog *n)
{
	char rest[512];
	ssize_t r = 1;

	while (n->fd != -1 && r > 0) {
		if (n->len < sizeof(n->out) - 1)
			r = read(n->fd, n->out + n->len,
			    sizeof(n->out) - 1 - n->len);
		else
			r = read(n->fd, rest, sizeof(rest));
		if (r > 0 && n->len < sizeof(n->out) - 1)
			n->len += (size_t)r;
	}
	n->out[n->len] = '\0';
	if (r == 0)
		stop_reading(n);
}

static void
stop_reading(struct newprog *n)
{
	if (n->fd == -1)
		return;
	event_free(n->readable);
	close(n->fd);
	n->fd = -1;
}

static void
on_limit(evutil_socket_t fd, short ev, void *arg)
{
	struct newprog *n = arg;

	(void)fd;
	(void)ev;
	n->late = 1;
	if (n->pid != 0)
		(void)kill(n->pid, SIGKILL);
}

int
newprog_ended(struct newprog *n, pid_t pid, int status)
{
	char how[64];

	if (n == NULL || n->pid != pid)
		return 0;
	n->pid = 0;
	evtimer_del(n->limit);
	read_output(n);
	stop_reading(n);
	if (n->late)
		failed(n, "does not end");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		failed(n, proc_exit(status, how, sizeof(how)));
	else if (!steps[n->step].ok(n))
		failed(n, "prints something else");
	else if (++n->step == sizeof(steps) / sizeof(steps[0]))
		n->done(NULL, n->version, n->arg);
	else
		begin(n);
	return 1;
}

/* With the first line of what it has printed. */
static void
failed(struct newprog *n, const char *how)
{
	char why[512];

	n->out[strcspn(n->out, "\n")] = '\0';
	log_printable(n->out);
	snprintf(why, sizeof(why), "%.160s %s %s%s%.200s", handover_program(),
	    steps[n->step].option, how, n->out[0] != '\0' ? ": " : "",
	    n->out);
	n->done(why, NULL, n->arg);
}

/* "hubd 1.0" */
static int
got_version(struct newprog *n)
{
	size_t len = strlen(n->name);

	if (strncmp(n->out, n->name, len) != 0 || n->out[len] != ' ')
		return 0;
	strlcpy(n->version, n->out + len + 1, sizeof(n->version));
	n->version[strcspn(n->version, "\n")] = '\0';
	log_printable(n->version);
	return n->version[0] != '\0';
}

static int
got_check(struct newprog *n)
{
	return strstr(n->out, "configuration OK\n") != NULL;
}
