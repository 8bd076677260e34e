/* SPDX-License-Identifier: ISC */
/*
 * Watching the parent process: with a descriptor that says so where the
 * system has one (pidfd, kqueue), else by looking at getppid().
 */
#include "compat.h"

#ifdef HAVE_SYS_EVENT_H
#include <sys/event.h>
#endif
#include <sys/syscall.h>
#include <sys/time.h>

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "life.h"
#include "log.h"
#include "timeutil.h"

#define LOOK_MS		250

struct life {
	struct event	*event;
	int		 fd;		/* readable when it has ended; or -1 */
	pid_t		 parent;
	void		(*gone)(void *);
	void		*arg;
};

static int	watch_fd(pid_t);
static void	on_end(int, short, void *);
static void	on_look(int, short, void *);

#if defined(HAVE_DECL_SYS_PIDFD_OPEN) && HAVE_DECL_SYS_PIDFD_OPEN

static int
watch_fd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

#elif defined(HAVE_KQUEUE) && defined(HAVE_SYS_EVENT_H)

static int
watch_fd(pid_t pid)
{
	struct kevent ev;
	int kq = kqueue();

	if (kq == -1)
		return -1;
	EV_SET(&ev, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1) {
		close(kq);
		return -1;
	}
	return kq;
}

#else

static int
watch_fd(pid_t pid)
{
	(void)pid;
	return -1;
}

#endif

struct life *
life_new(struct event_base *base, void (*gone)(void *), void *arg)
{
	struct life *l = xcalloc(1, sizeof(*l));
	struct timeval tv = time_tv(LOOK_MS);

	l->gone = gone;
	l->arg = arg;
	l->parent = getppid();
	l->fd = watch_fd(l->parent);
	if (l->fd != -1)
		l->event = event_new(base, l->fd, EV_READ, on_end, l);
	else
		l->event = event_new(base, -1, EV_PERSIST, on_look, l);
	if (l->event == NULL ||
	    event_add(l->event, l->fd != -1 ? NULL : &tv) == -1)
		fatalx("life: cannot watch the parent");
	/* it may have ended before it was watched */
	if (getppid() != l->parent)
		event_active(l->event, EV_READ, 0);
	return l;
}

void
life_free(struct life *l)
{
	event_free(l->event);
	if (l->fd != -1)
		close(l->fd);
	free(l);
}

static void
on_end(int fd, short ev, void *arg)
{
	struct life *l = arg;

	(void)fd;
	(void)ev;
	l->gone(l->arg);
}

static void
on_look(int fd, short ev, void *arg)
{
	struct life *l = arg;

	(void)fd;
	(void)ev;
	if (getppid() == l->parent)
		return;
	event_del(l->event);
	l->gone(l->arg);
}
