/* SPDX-License-Identifier: ISC */
/*
 * Going on as another program.
 */
#include "compat.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "handover.h"
#include "log.h"
#include "notify.h"
#include "paths.h"

#define VARIABLE	"ECORELAY_HANDOVER"	/* pid:lock:text */
#define FIRST_FD	3			/* as of LISTEN_FDS */

static void	find_program(const char *);
static int	place(const struct handover *);
static int	put_variables(const struct handover *);

static char program[PATH_MAX], directory[PATH_MAX];
static char **arguments;

/*
 * As it was called, if that was by a path: a symbolic link may lead to another
 * version by now.
 */
static void
find_program(const char *argv0)
{
	const char *name = strrchr(argv0, '/');
	ssize_t n;

	if (argv0[0] == '/')
		strlcpy(program, argv0, sizeof(program));
	else if (name != NULL)
		(void)paths_join(program, sizeof(program), directory, argv0);
	else if ((n = readlink("/proc/self/exe", program,
	    sizeof(program) - 1)) != -1)
		program[n] = '\0';
	else
		(void)paths_program(argv0, program, sizeof(program));
}

void
handover_init(char *argv[])
{
	arguments = argv;
	if (getcwd(directory, sizeof(directory)) == NULL)
		directory[0] = '\0';
	find_program(argv[0]);
}

const char *
handover_program(void)
{
	return program;
}

char *const *
handover_args(void)
{
	return arguments + 1;
}

int
handover_chdir(void)
{
	return chdir(directory);
}

void
handover_take(struct handover *h)
{
	const char *v = getenv(VARIABLE);
	long pid;
	int lock, n = 0;

	memset(h, 0, sizeof(*h));
	h->lock = -1;
	if (v != NULL && sscanf(v, "%ld:%d:%n", &pid, &lock, &n) == 2 &&
	    n > 0 && pid == (long)getpid()) {
		h->taken = 1;
		h->lock = lock;
		strlcpy(h->text, v + n, sizeof(h->text));
	}
	unsetenv(VARIABLE);
	if (h->lock != -1 && fcntl(h->lock, F_SETFD, FD_CLOEXEC) == -1)
		fatal("descriptor %d, handed over as the lock", h->lock);
}

void
handover_add(struct handover *h, int fd, const char *name)
{
	if (h->n == HANDOVER_MAX)
		fatalx("too many sockets to hand over");
	h->fds[h->n] = fd;
	h->names[h->n++] = name;
}

/* Sockets from FIRST_FD on, then the lock; all others are closed. */
static int
place(const struct handover *h)
{
	int fds[HANDOVER_MAX + 1], to = FIRST_FD;
	size_t i, n = h->n;

	memcpy(fds, h->fds, sizeof(h->fds));
	if (h->lock != -1)
		fds[n++] = h->lock;
	/* clear of the places where they go */
	for (i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, FIRST_FD + HANDOVER_MAX + 1);
		if (fds[i] == -1)
			return -1;
	}
	for (i = 0; i < n; i++) {
		if (dup2(fds[i], to++) == -1)
			return -1;
	}
	log_close();
	closefrom(to);
	return 0;
}

static int
put_variables(const struct handover *h)
{
	char pid[32], n[32], names[HANDOVER_MAX * 16] = "", v[HANDOVER_TEXT +
	    64];
	size_t i;

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	snprintf(n, sizeof(n), "%zu", h->n);
	snprintf(v, sizeof(v), "%s:%d:%s", pid, h->lock == -1 ? -1 :
	    FIRST_FD + (int)h->n, h->text);
	for (i = 0; i < h->n; i++) {
		if (i > 0)
			strlcat(names, ":", sizeof(names));
		strlcat(names, h->names[i], sizeof(names));
	}
	return setenv("LISTEN_PID", pid, 1) == -1 ||
	    setenv("LISTEN_FDS", n, 1) == -1 ||
	    setenv("LISTEN_FDNAMES", names, 1) == -1 ||
	    setenv(VARIABLE, v, 1) == -1 ? -1 : 0;
}

void
handover_signals(struct event_base *base)
{
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

/* No signal must end it because it has no handlers yet. */
int
handover_exec(const struct handover *h, const struct notify *notify)
{
	static const int waiting[] = {
		SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2
	};
	static char self[PATH_MAX];
	sigset_t set;
	size_t i;

	strlcpy(self, program, sizeof(self));
	arguments[0] = self;
	if (put_variables(h) == -1 || notify_export(notify) == -1 ||
	    handover_chdir() == -1 || place(h) == -1)
		return -1;
	sigemptyset(&set);
	for (i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
		sigaddset(&set, waiting[i]);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	return execv(self, arguments);
}

void
handover_done(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
