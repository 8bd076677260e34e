/* SPDX-License-Identifier: ISC */
/*
 * The hubs of the configuration: each is called, with growing pauses, as long
 * as there is no link to it.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "backoff.h"
#include "bridge.h"
#include "dial.h"
#include "imsg.h"
#include "log.h"
#include "timeutil.h"

enum stage {
	IDLE,			/* linked, or never to be called */
	WAITING,		/* for the next try */
	DIALING,
	SHAKING			/* hands: link.c */
};

struct caller {
	TAILQ_ENTRY(caller)	 entry;
	struct bridge		*bridge;
	struct lan_peer		 peer;
	enum stage		 stage;
	struct event		*timer;
	struct dial		*dial;
	unsigned		 backoff;
	int			 up;
	char			 why[LINK_WHY_SIZE];	/* the last error */
};

static void	caller_new(struct bridge *, const struct lan_peer *, int64_t);
static void	caller_free(struct caller *);
static void	call_in(struct caller *, int64_t);
static void	remove_old(struct bridge *);
static struct caller	*find(struct bridge *, const char *);
static void	call(struct caller *);
static void	dialed(int, const char *, void *);
static void	on_timer(evutil_socket_t, short, void *);
static void	stop(struct caller *);
static void	again(struct caller *, const char *);
static void	report(const struct caller *);

static void
caller_new(struct bridge *b, const struct lan_peer *peer, int64_t ms)
{
	struct caller *c = xcalloc(1, sizeof(*c));

	c->bridge = b;
	c->peer = *peer;
	if ((c->timer = evtimer_new(b->base, on_timer, c)) == NULL)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&b->callers, c, entry);
	call_in(c, ms);
	report(c);
}

/* It is in no list any more. */
static void
caller_free(struct caller *c)
{
	stop(c);
	event_free(c->timer);
	free(c);
}

/* Unless it is the one that calls. */
static void
call_in(struct caller *c, int64_t ms)
{
	struct timeval tv = time_tv(ms);

	if (c->peer.host[0] == '\0')
		return;
	c->stage = WAITING;
	evtimer_add(c->timer, &tv);
}

/* Its link goes first. */
static void
remove_old(struct bridge *b)
{
	const struct lan_peer *p;
	struct caller *c, *next;

	TAILQ_FOREACH_SAFE(c, &b->callers, entry, next) {
		p = lan_peer_find(&b->conf.lan, c->peer.hub_id);
		if (p != NULL && lan_peer_same(p, &c->peer))
			continue;
		TAILQ_REMOVE(&b->callers, c, entry);
		links_end_hub(b, c->peer.hub_id, p != NULL ?
		    "it is configured otherwise now" :
		    "it is no longer configured");
		caller_free(c);
	}
}

void
callers_set(struct bridge *b, int again)
{
	const struct lan_peer *p;
	struct caller *c;
	unsigned step;
	uint32_t i;

	remove_old(b);
	TAILQ_FOREACH(c, &b->callers, entry) {
		if (!again || c->stage != WAITING)
			continue;
		c->backoff = 0;
		call_in(c, 0);
	}
	b->plaintext_too = 0;
	for (i = 0; i < b->conf.lan.npeers; i++) {
		p = &b->conf.lan.peers[i];
		b->plaintext_too |= p->plaintext;
		step = 0;
		if (find(b, p->hub_id) == NULL)
			caller_new(b, p, i == 0 ? 0 : backoff_next(&step) / 8);
	}
}

void
callers_free(struct bridge *b)
{
	struct caller *c;

	while ((c = TAILQ_FIRST(&b->callers)) != NULL) {
		TAILQ_REMOVE(&b->callers, c, entry);
		caller_free(c);
	}
}

static struct caller *
find(struct bridge *b, const char *hub_id)
{
	struct caller *c;

	TAILQ_FOREACH(c, &b->callers, entry) {
		if (strcmp(c->peer.hub_id, hub_id) == 0)
			return c;
	}
	return NULL;
}

const struct lan_peer *
caller_peer(const struct caller *c)
{
	return &c->peer;
}

/* Whatever it is doing. */
static void
stop(struct caller *c)
{
	event_del(c->timer);
	if (c->dial != NULL)
		dial_stop(c->dial);
	c->dial = NULL;
	c->stage = IDLE;
}

void
caller_up(struct bridge *b, const char *hub_id)
{
	struct caller *c = find(b, hub_id);

	if (c == NULL)
		return;
	stop(c);
	c->up = 1;
	c->backoff = 0;
	c->why[0] = '\0';
	report(c);
}

void
caller_down(struct bridge *b, const char *hub_id, const char *why)
{
	struct caller *c = find(b, hub_id);

	if (c == NULL)
		return;
	c->up = 0;
	again(c, why);
}

void
caller_failed(struct caller *c, const char *why)
{
	if (c->up || c->stage != SHAKING)
		return;
	again(c, why);
}

/* Says once what is wrong, and tries it again later. */
static void
again(struct caller *c, const char *why)
{
	stop(c);
	if (strcmp(c->why, why) != 0)
		log_info("hub %s%s%s: %s", c->peer.hub_id,
		    c->peer.host[0] != '\0' ? " at " : "", c->peer.host,
		    why);
	strlcpy(c->why, why, sizeof(c->why));
	call_in(c, backoff_next(&c->backoff));
	report(c);
}

static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct caller *c = arg;

	(void)fd;
	(void)ev;
	call(c);
}

static void
call(struct caller *c)
{
	c->stage = DIALING;
	c->dial = dial(c->bridge->dialer, c->peer.host, c->peer.port,
	    dialed, c);
	report(c);
}

static void
dialed(int fd, const char *text, void *arg)
{
	struct caller *c = arg;

	c->dial = NULL;
	if (fd == -1) {
		again(c, text);
		return;
	}
	c->stage = SHAKING;
	(void)link_call(c->bridge, fd, c, text);
}

static void
report(const struct caller *c)
{
	struct link_report m = { .state = LINK_IS_DOWN };
	struct wbuf w = { 0 };

	if (c->bridge->router == NULL)
		return;
	if (c->up)
		m.state = LINK_IS_UP;
	else if (c->stage == DIALING || c->stage == SHAKING)
		m.state = LINK_IS_CALLING;
	strlcpy(m.hub_id, c->peer.hub_id, sizeof(m.hub_id));
	if (c->peer.host[0] != '\0')
		snprintf(m.where, sizeof(m.where), "%.200s port %u",
		    c->peer.host, c->peer.port);
	strlcpy(m.why, c->why, sizeof(m.why));
	link_report_put(&w, &m);
	imsg_send(c->bridge->router, LINK_STATE, 0, -1, &w, NULL);
	wbuf_free(&w);
}

void
callers_report(struct bridge *b)
{
	struct caller *c;

	TAILQ_FOREACH(c, &b->callers, entry)
		report(c);
}
