/* SPDX-License-Identifier: ISC */
/*
 * Whether the children of a parent still answer.
 */
#include "compat.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "log.h"
#include "notify.h"
#include "timeutil.h"
#include "watchdog.h"

#define ASK_MS	10000	/* without a limit of the manager's */

struct ward {
	struct imsgbuf	*ib;		/* NULL: it is not there */
	pid_t		 pid;
	int		 expendable;
	int		 asked;		/* and has not answered yet */
};

struct watchdog {
	struct notify	*notify;
	struct event	*tick;
	int64_t		 ms;		/* from one question to the next */
	int		 late;		/* it is time, and one is missing */
	struct ward	 wards[PROC_MAX];
};

static void	on_tick(evutil_socket_t, short, void *);
static int	missing(const struct watchdog *);
static void	all_well(struct watchdog *);
static void	warn_of(struct watchdog *);

struct watchdog *
watchdog_new(struct event_base *base, struct notify *n)
{
	struct watchdog *w;

	if (n == NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->notify = n;
	w->ms = notify_watchdog_ms(n) > 0 ? notify_watchdog_ms(n) / 2 : ASK_MS;
	if ((w->tick = evtimer_new(base, on_tick, w)) == NULL)
		fatalx("evtimer_new");
	return w;
}

void
watchdog_free(struct watchdog *w)
{
	if (w != NULL)
		event_free(w->tick);
	free(w);
}

void
watchdog_start(struct watchdog *w)
{
	if (w != NULL)
		all_well(w);
}

void
watchdog_child(struct watchdog *w, enum proc_id id, struct imsgbuf *ib,
    pid_t pid, int expendable)
{
	if (w == NULL)
		return;
	w->wards[id].ib = ib;
	w->wards[id].pid = pid;
	w->wards[id].expendable = expendable;
	w->wards[id].asked = 0;
	if (ib == NULL && w->late && !missing(w))
		all_well(w);
}

void
watchdog_pong(struct watchdog *w, enum proc_id id)
{
	if (w == NULL)
		return;
	w->wards[id].asked = 0;
	if (w->late && !missing(w)) {
		log_info("all processes answer again");
		all_well(w);
	}
}

/* 1 if there is one that has not answered. */
static int
missing(const struct watchdog *w)
{
	int i;

	for (i = 0; i < PROC_MAX; i++) {
		if (w->wards[i].ib != NULL && w->wards[i].asked)
			return 1;
	}
	return 0;
}

static void
all_well(struct watchdog *w)
{
	struct timeval tv = time_tv(w->ms);
	int i;

	w->late = 0;
	if (notify_watchdog_ms(w->notify) > 0)
		notify_alive(w->notify);
	for (i = 0; i < PROC_MAX; i++) {
		if (w->wards[i].ib == NULL)
			continue;
		w->wards[i].asked = 1;
		imsg_send(w->wards[i].ib, PROC_PING, 0, -1, NULL, NULL);
	}
	event_add(w->tick, &tv);
}

/* One that can be started again alone does not take the others with it. */
static void
warn_of(struct watchdog *w)
{
	struct ward *v;
	int i;

	for (i = 0; i < PROC_MAX; i++) {
		v = &w->wards[i];
		if (v->ib == NULL || !v->asked)
			continue;
		log_warnx("process %ld does not answer%s", (long)v->pid,
		    v->expendable ? ": it is killed" : "");
		if (v->expendable)
			(void)kill(v->pid, SIGKILL);
	}
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct watchdog *w = arg;

	(void)fd;
	(void)ev;
	if (!missing(w)) {
		all_well(w);
		return;
	}
	w->late = 1;
	warn_of(w);
}
