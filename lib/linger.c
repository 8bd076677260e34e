/* SPDX-License-Identifier: ISC */
/*
 * Closing a connection so that the other end reads our last words.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "linger.h"
#include "log.h"
#include "timeutil.h"

#define LINGER_MS	1000
#define CHUNK		65536

struct lingering {
	TAILQ_ENTRY(lingering) entry;
	struct event	*ev;
	int64_t		 until;		/* monotonic ms */
	int		 fd;
};

static TAILQ_HEAD(, lingering) all = TAILQ_HEAD_INITIALIZER(all);

static void	on_input(evutil_socket_t, short, void *);
static void	end(struct lingering *);

void
linger(struct event_base *base, int fd)
{
	struct timeval tv = time_tv(LINGER_MS);
	struct lingering *l;

	if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return;
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->until = time_mono_ms() + LINGER_MS;
	TAILQ_INSERT_TAIL(&all, l, entry);
	(void)shutdown(fd, SHUT_WR);
	l->ev = event_new(base, fd, EV_READ | EV_PERSIST, on_input, l);
	if (l->ev == NULL || event_add(l->ev, &tv) == -1)
		end(l);
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	static char chunk[CHUNK];
	struct lingering *l = arg;
	ssize_t n;

	if (what & EV_READ) {
		n = read(fd, chunk, sizeof(chunk));
		if ((n > 0 || (n == -1 && (errno == EAGAIN ||
		    errno == EINTR))) && time_mono_ms() < l->until)
			return;
	}
	end(l);
}

static void
end(struct lingering *l)
{
	TAILQ_REMOVE(&all, l, entry);
	if (l->ev != NULL)
		event_free(l->ev);
	close(l->fd);
	free(l);
}
