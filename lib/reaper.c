/* SPDX-License-Identifier: ISC */
/*
 * Waiting for a child process in the event loop.  It is looked at now and
 * then, which works even if our parent has SIGCHLD blocked: the less often,
 * the longer it lives.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "log.h"
#include "reaper.h"
#include "timeutil.h"

#define LOOK_MS		20
#define LOOK_MAX_MS	1000

struct reaper {
	struct event	*timer;
	pid_t		 pid;
	int64_t		 begun, until;	/* monotonic ms; until 0: for ever */
	void		(*ended)(int, void *);
	void		*arg;
};

static void	look_again(struct reaper *);
static void	on_timer(evutil_socket_t, short, void *);

struct reaper *
reaper_new(struct event_base *base, pid_t pid, int64_t limit_ms,
    void (*ended)(int, void *), void *arg)
{
	struct reaper *r = xcalloc(1, sizeof(*r));

	r->pid = pid;
	r->begun = time_mono_ms();
	r->until = limit_ms > 0 ? r->begun + limit_ms : 0;
	r->ended = ended;
	r->arg = arg;
	if ((r->timer = evtimer_new(base, on_timer, r)) == NULL)
		fatalx("reaper: out of memory");
	look_again(r);
	return r;
}

void
reaper_free(struct reaper *r)
{
	if (r == NULL)
		return;
	event_free(r->timer);
	free(r);
}

void
reaper_kill(struct reaper *r)
{
	if (r == NULL)
		return;
	(void)kill(r->pid, SIGKILL);
	while (waitpid(r->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	reaper_free(r);
}

static void
look_again(struct reaper *r)
{
	int64_t ms = LOOK_MS + (time_mono_ms() - r->begun) / 8;
	struct timeval tv = time_tv(ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS);

	evtimer_add(r->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct reaper *r = arg;
	int status = -1;
	pid_t pid;

	(void)fd;
	(void)ev;
	pid = waitpid(r->pid, &status, WNOHANG);
	if (pid == 0 || (pid == -1 && errno == EINTR)) {
		if (r->until != 0 && time_mono_ms() > r->until) {
			r->until = 0;
			(void)kill(r->pid, SIGKILL);
		}
		look_again(r);
		return;
	}
	r->ended(pid == -1 ? -1 : status, r->arg);
}
