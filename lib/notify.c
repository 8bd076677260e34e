/* SPDX-License-Identifier: ISC */
/*
 * Telling a service manager how it goes.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"

#define STATUS_SIZE	128

struct notify {
	struct sockaddr_un	sun;
	socklen_t		len;
	int			fd;
	int64_t			watchdog_ms;	/* 0: none */
	char			status[STATUS_SIZE];
};

static int	address(struct notify *, const char *);
static int	dial(struct notify *);
static int64_t	watchdog(void);
static void	tell(struct notify *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

/* 0, or -1 with errno. */
static int
address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/' && path[0] != '@') {
		errno = EINVAL;
		return -1;
	}
	if (len >= sizeof(n->sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	n->sun.sun_family = AF_UNIX;
	memcpy(n->sun.sun_path, path, len + 1);
	n->len = sizeof(n->sun);
	if (path[0] == '@') {
		n->sun.sun_path[0] = '\0';
		n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		    len);
	}
	return 0;
}

/* A sandbox lets pass what goes to where a socket is connected already. */
static int
dial(struct notify *n)
{
	if (n->fd != -1)
		close(n->fd);
	n->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (n->fd == -1 || fcntl(n->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(n->fd, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return connect(n->fd, (struct sockaddr *)&n->sun, n->len);
}

/* In ms; 0 if there is none, or it is another process's. */
static int64_t
watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *wrong;
	const char *pid = getenv("WATCHDOG_PID");
	long long n;

	if (usec == NULL || (pid != NULL &&
	    (strtonum(pid, 1, INT32_MAX, &wrong) != getpid())))
		return 0;
	n = strtonum(usec, 1, INT64_MAX, &wrong);
	if (wrong != NULL) {
		log_warnx("WATCHDOG_USEC: %s: %s", usec, wrong);
		return 0;
	}
	return n < 2000 ? 2 : n / 1000;
}

void
notify_ignore(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

struct notify *
notify_new(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct notify *n = NULL;

	if (path != NULL && path[0] != '\0') {
		n = xcalloc(1, sizeof(*n));
		n->fd = -1;
		n->watchdog_ms = watchdog();
		if (address(n, path) == -1 || dial(n) == -1) {
			log_warn("NOTIFY_SOCKET: %s", path);
			notify_free(n);
			n = NULL;
		}
	}
	notify_ignore();
	return n;
}

void
notify_free(struct notify *n)
{
	if (n != NULL && n->fd != -1)
		close(n->fd);
	free(n);
}

int
notify_export(const struct notify *n)
{
	char path[sizeof(n->sun.sun_path) + 1] = "", text[32];

	if (n == NULL)
		return 0;
	memcpy(path, n->sun.sun_path, sizeof(n->sun.sun_path));
	if (path[0] == '\0')
		path[0] = '@';
	if (setenv("NOTIFY_SOCKET", path, 1) == -1)
		return -1;
	if (n->watchdog_ms == 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)n->watchdog_ms * 1000);
	if (setenv("WATCHDOG_USEC", text, 1) == -1)
		return -1;
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	return setenv("WATCHDOG_PID", text, 1);
}

int64_t
notify_watchdog_ms(const struct notify *n)
{
	return n != NULL ? n->watchdog_ms : 0;
}

/* The manager may be another one now; a full queue is no reason to wait. */
static void
tell(struct notify *n, const char *fmt, ...)
{
	char text[STATUS_SIZE + 64];
	va_list ap;
	ssize_t r;
	int len;

	if (n == NULL)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		fatalx("too much to tell the service manager");
	r = send(n->fd, text, (size_t)len, 0);
	if (r == -1 && (errno == ECONNREFUSED || errno == ENOTCONN ||
	    errno == ECONNRESET) && dial(n) == 0)
		r = send(n->fd, text, (size_t)len, 0);
	if (r == -1)
		log_warn("telling the service manager");
}

void
notify_ready(struct notify *n)
{
	tell(n, "READY=1\nMAINPID=%ld", (long)getpid());
}

void
notify_reloading(struct notify *n)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	tell(n, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void
notify_stopping(struct notify *n)
{
	tell(n, "STOPPING=1");
}

void
notify_alive(struct notify *n)
{
	tell(n, "WATCHDOG=1");
}

void
notify_status(struct notify *n, const char *fmt, ...)
{
	char status[STATUS_SIZE];
	va_list ap;

	if (n == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(status, sizeof(status), fmt, ap);
	va_end(ap);
	/* a line more would be another variable */
	log_printable(status);
	if (strcmp(status, n->status) == 0)
		return;
	strlcpy(n->status, status, sizeof(n->status));
	tell(n, "STATUS=%s", status);
}
