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
	const struct lan_peer	*peer;
	enum stage		 stage;
	struct event		*timer;
	struct dial		*dial;
	unsigned		 backoff;
	int			 up;
	char			 why[LINK_WHY_SIZE];	/* the last error */
};

static struct caller	*find(struct bridge *, const char *);
static void	call(struct caller *);
static void	dialed(int, const char *, void *);
static void	on_timer(evutil_socket_t, short, void *);
static void	stop(struct caller *);
static void	again(struct caller *, const char *);
static void	report(const struct caller *);

void
callers_start(struct bridge *b)
{
	struct caller *c;
	struct timeval tv;
	unsigned step = 0;
	uint32_t i;

	for (i = 0; i < b->conf.lan.npeers; i++) {
		c = xcalloc(1, sizeof(*c));
		c->bridge = b;
		c->peer = &b->conf.lan.peers[i];
		c->timer = evtimer_new(b->base, on_timer, c);
		if (c->timer == NULL)
			fatalx("evtimer_new");
		TAILQ_INSERT_TAIL(&b->callers, c, entry);
		b->plaintext_too |= c->peer->plaintext;
		report(c);
		if (c->peer->host[0] == '\0')
			continue;
		c->stage = WAITING;
		tv = time_tv(i == 0 ? 0 : backoff_next(&step) / 8);
		step = 0;
		evtimer_add(c->timer, &tv);
	}
}

void
callers_free(struct bridge *b)
{
	struct caller *c;

	while ((c = TAILQ_FIRST(&b->callers)) != NULL) {
		TAILQ_REMOVE(&b->callers, c, entry);
		stop(c);
		event_free(c->timer);
		free(c);
	}
}

static struct caller *
find(struct bridge *b, const char *hub_id)
{
	struct caller *c;

	TAILQ_FOREACH(c, &b->callers, entry) {
		if (strcmp(c->peer->hub_id, hub_id) == 0)
			return c;
	}
	return NULL;
}

const struct lan_peer *
caller_peer(const struct caller *c)
{
	return c->peer;
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
	struct timeval tv;

	stop(c);
	if (strcmp(c->why, why) != 0)
		log_info("hub %s%s%s: %s", c->peer->hub_id,
		    c->peer->host[0] != '\0' ? " at " : "", c->peer->host,
		    why);
	strlcpy(c->why, why, sizeof(c->why));
	if (c->peer->host[0] != '\0') {
		c->stage = WAITING;
		tv = time_tv(backoff_next(&c->backoff));
		evtimer_add(c->timer, &tv);
	}
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
	c->dial = dial(c->bridge->dialer, c->peer->host, c->peer->port,
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
	strlcpy(m.hub_id, c->peer->hub_id, sizeof(m.hub_id));
	if (c->peer->host[0] != '\0')
		snprintf(m.where, sizeof(m.where), "%.200s port %u",
		    c->peer->host, c->peer->port);
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
