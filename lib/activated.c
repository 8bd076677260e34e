/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets that a service manager has opened.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#ifdef HAVE_LAUNCH_ACTIVATE_SOCKET
#include <launch.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "activated.h"
#include "log.h"
#include "tcpsock.h"
#include "unixsock.h"

#define FIRST_FD	3	/* SD_LISTEN_FDS_START */
#define WHERE_SIZE	128
#define NAME_LEN	40	/* the rest of it does not matter */

struct handed {
	int	fd;		/* -1: taken */
	char	name[NAME_LEN + 1];
	char	where[WHERE_SIZE];
	int	told;		/* that it is there */
};

struct activated {
	unsigned	n;
	struct handed	handed[ACTIVATED_MAX];
};

static int	count(void);
static int	add(struct activated *, int, const char *, size_t);
static int	check(struct handed *, const char *);
static int	option(int, int);
static void	describe(struct handed *);
static int	from_environment(struct activated *);
static int	from_launchd(struct activated *);
static int	found(struct handed *);

/* How many there are for this process, or -1. */
static int
count(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	const char *wrong;
	int n;

	if (fds == NULL || pid == NULL)
		return 0;
	if (strtonum(pid, 1, INT32_MAX, &wrong) != getpid())
		return 0;
	n = (int)strtonum(fds, 0, ACTIVATED_MAX, &wrong);
	if (wrong != NULL) {
		log_warnx("LISTEN_FDS: %s: %s: from 0 to %d", fds, wrong,
		    ACTIVATED_MAX);
		return -1;
	}
	return n;
}

/* The value of an option that is an int; -1 with errno. */
static int
option(int fd, int which)
{
	int v;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, which, &v, &len) == -1 ? -1 : v;
}

/* 0, or -1: what is wrong is in the log. */
static int
check(struct handed *h, const char *name)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct stat st;
	int fl;

	if (fstat(h->fd, &st) == -1) {
		log_warn("descriptor %d, handed over as %s", h->fd, name);
		return -1;
	}
	if (!S_ISSOCK(st.st_mode) || option(h->fd, SO_TYPE) != SOCK_STREAM ||
	    option(h->fd, SO_ACCEPTCONN) != 1) {
		log_warnx("descriptor %d, handed over as %s, is not a stream "
		    "socket that listens (Accept=yes?)", h->fd, name);
		return -1;
	}
	if (getsockname(h->fd, (struct sockaddr *)&ss, &len) == -1 ||
	    (ss.ss_family != AF_UNIX && ss.ss_family != AF_INET &&
	    ss.ss_family != AF_INET6)) {
		log_warnx("descriptor %d, handed over as %s, is neither a "
		    "Unix nor an IP socket", h->fd, name);
		return -1;
	}
	if (fcntl(h->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    (fl = fcntl(h->fd, F_GETFL)) == -1 ||
	    fcntl(h->fd, F_SETFL, fl | O_NONBLOCK) == -1) {
		log_warn("fcntl");
		return -1;
	}
	return 0;
}

/* For the log: where it is. */
static void
describe(struct handed *h)
{
	if (unix_name(h->fd, h->where, sizeof(h->where)) == -1 &&
	    tcp_name(h->fd, h->where, sizeof(h->where)) == -1)
		snprintf(h->where, sizeof(h->where), "descriptor %d", h->fd);
}

/* name has len characters. */
static int
add(struct activated *set, int fd, const char *name, size_t len)
{
	struct handed *h;
	char as[NAME_LEN + 3];

	snprintf(as, sizeof(as), "\"%.*s\"", (int)(len > NAME_LEN ? NAME_LEN :
	    len), name);
	if (set->n == ACTIVATED_MAX) {
		log_warnx("more than %d sockets are handed over",
		    ACTIVATED_MAX);
		close(fd);
		return -1;
	}
	h = &set->handed[set->n++];
	h->fd = fd;
	snprintf(h->name, sizeof(h->name), "%.*s", (int)len, name);
	if (check(h, as) == -1)
		return -1;
	describe(h);
	log_debug("%s is handed over as %s", h->where, as);
	return 0;
}

static int
from_environment(struct activated *set)
{
	const char *name = getenv("LISTEN_FDNAMES");
	int i, n = count();
	size_t len;

	for (i = 0; i < n; i++) {
		len = name != NULL ? strcspn(name, ":") : 0;
		if (add(set, FIRST_FD + i, name != NULL ? name : "",
		    len) == -1)
			return -1;
		if (name != NULL)
			name += len + (name[len] == ':');
	}
	return n == -1 ? -1 : 0;
}

#ifdef HAVE_LAUNCH_ACTIVATE_SOCKET
/* A name that the property list does not have is none of ours, or no job. */
static int
from_launchd(struct activated *set)
{
	static const char *const names[] = {
		"hub", "hubctl", "ws", "lan", "relay", "metrics"
	};
	size_t i, k, n;
	int *fds, bad = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fds = NULL;
		n = 0;
		if (launch_activate_socket(names[i], &fds, &n) != 0)
			continue;
		for (k = 0; k < n; k++) {
			if (add(set, fds[k], names[i],
			    strlen(names[i])) == -1)
				bad = 1;
		}
		free(fds);
	}
	return bad ? -1 : 0;
}
#else
static int
from_launchd(struct activated *set)
{
	(void)set;
	return 0;
}
#endif

void
activated_ignore(void)
{
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

int
activated_take(struct activated **set)
{
	struct activated *a = xcalloc(1, sizeof(*a));
	int r;

	*set = NULL;
	r = from_environment(a);
	if (r == 0)
		r = from_launchd(a);
	activated_ignore();
	if (r == -1 || a->n == 0)
		activated_free(a);
	else
		*set = a;
	return r;
}

void
activated_free(struct activated *a)
{
	unsigned i;

	for (i = 0; a != NULL && i < a->n; i++) {
		if (a->handed[i].fd != -1)
			close(a->handed[i].fd);
	}
	free(a);
}

static int
found(struct handed *h)
{
	int fd = h->fd;

	h->fd = -1;
	return fd;
}

void
activated_at(struct activated *a, const char *name, const char *path)
{
	struct handed *h;
	unsigned i;

	for (i = 0; a != NULL && i < a->n; i++) {
		h = &a->handed[i];
		if (strcmp(h->name, name) != 0)
			continue;
		strlcpy(h->where, path, sizeof(h->where));
		h->told = 1;
	}
}

int
activated_unix(struct activated *a, const char *path)
{
	struct handed *h;
	unsigned i;

	for (i = 0; a != NULL && i < a->n; i++) {
		h = &a->handed[i];
		if (h->fd != -1 && ((h->told && strcmp(h->where, path) == 0) ||
		    unix_is_at(h->fd, path)))
			return found(h);
	}
	return -1;
}

int
activated_tcp(struct activated *a, const char *address, int port)
{
	unsigned i;

	for (i = 0; a != NULL && i < a->n; i++) {
		if (a->handed[i].fd != -1 &&
		    tcp_is_at(a->handed[i].fd, address, port))
			return found(&a->handed[i]);
	}
	return -1;
}

int
activated_done(const struct activated *a, const char *conf)
{
	unsigned i;
	int r = 0;

	for (i = 0; a != NULL && i < a->n; i++) {
		if (a->handed[i].fd == -1)
			continue;
		log_warnx("%s, which is handed over, is no socket of %s",
		    a->handed[i].where, conf);
		r = -1;
	}
	return r;
}

void
activated_drop(struct activated *a, const char *conf)
{
	struct handed *h;
	unsigned i;

	for (i = 0; a != NULL && i < a->n; i++) {
		h = &a->handed[i];
		if (h->fd == -1)
			continue;
		log_warnx("%s is no socket of %s any more: it is closed",
		    h->where, conf);
		close(h->fd);
		h->fd = -1;
	}
}
