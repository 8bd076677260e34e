/* SPDX-License-Identifier: ISC */
/*
 * What all processes of a hub have used.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "kids.h"
#include "log.h"
#include "statproto.h"
#include "timeutil.h"
#include "usages.h"

/* to answer: the resolver may be waiting for a name server */
#define ANSWER_MS	500

struct usages {
	struct kids	*kids;
	struct event	*late;
	int64_t		 began;		/* ms since 1970 */
	unsigned	 asked;		/* times, by the router */
	unsigned	 waiting;	/* a bit for each that is to answer */
	struct usage	 last[KIDS];
	pid_t		 pids[KIDS];	/* whose they are */
};

static void	on_late(evutil_socket_t, short, void *);
static void	answer(struct usages *);
static void	put_kid(struct usages *, struct wbuf *, int);
static void	put_parent(const struct usages *, struct wbuf *);

struct usages *
usages_new(struct event_base *base, struct kids *kids)
{
	struct usages *us = xcalloc(1, sizeof(*us));

	us->kids = kids;
	us->began = time_now_ms();
	if ((us->late = evtimer_new(base, on_late, us)) == NULL)
		fatalx("evtimer_new");
	return us;
}

void
usages_free(struct usages *us)
{
	event_free(us->late);
	free(us);
}

/* Whoever asks while the others are being asked gets the same answer. */
void
usages_ask(struct usages *us)
{
	struct timeval tv = time_tv(ANSWER_MS);
	const struct kid *k;
	int i;

	if (us->asked++ > 0)
		return;
	for (i = 0; i < KIDS; i++) {
		k = kids_get(us->kids, i);
		if (k->ib == NULL || !k->ready)
			continue;
		imsg_send(k->ib, PROC_USAGE, 0, -1, NULL, NULL);
		us->waiting |= 1u << i;
	}
	event_add(us->late, &tv);
}

void
usages_got(struct usages *us, const struct kid *k, struct imsg *m)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (kids_get(us->kids, i) == k)
			break;
	}
	usage_read(&m->rd, &us->last[i]);
	if (reader_done(&m->rd) == -1)
		fatalx("bad PROC_USED");
	us->pids[i] = k->pid;
	us->waiting &= ~(1u << i);
	if (us->asked > 0 && us->waiting == 0)
		answer(us);
}

/* One that has ended meanwhile, too, is not waited for any longer. */
static void
on_late(evutil_socket_t fd, short ev, void *arg)
{
	(void)fd;
	(void)ev;
	answer(arg);
}

static void
answer(struct usages *us)
{
	struct imsgbuf *router = kids_get(us->kids, KID_ROUTER)->ib;
	struct wbuf list = { 0 }, w = { 0 };
	uint32_t n = 1;
	int i;

	event_del(us->late);
	put_parent(us, &list);
	for (i = 0; i < KIDS; i++) {
		if (kids_get(us->kids, i)->pid == 0)
			continue;
		put_kid(us, &list, i);
		n++;
	}
	put_u32(&w, n);
	wbuf_add(&w, wbuf_data(&list), list.len);
	for (; us->asked > 0; us->asked--) {
		if (router != NULL)
			imsg_send(router, PROC_USED_ALL, 0, -1, &w, NULL);
	}
	us->waiting = 0;
	wbuf_free(&list);
	wbuf_free(&w);
}

static void
put_kid(struct usages *us, struct wbuf *w, int which)
{
	const struct kid *k = kids_get(us->kids, which);
	struct proc_used u = { .started = k->began, .restarts = k->restarts };

	strlcpy(u.process, k->row->role, sizeof(u.process));
	if (us->pids[which] == k->pid)
		u.usage = us->last[which];
	proc_used_put(w, &u);
}

static void
put_parent(const struct usages *us, struct wbuf *w)
{
	struct proc_used u = { .process = "parent", .started = us->began };

	usage_get(&u.usage);
	proc_used_put(w, &u);
}
