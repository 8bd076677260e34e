/* SPDX-License-Identifier: ISC */
/*
 * The hubs of the configuration: each is called, with growing pauses, as long
 * as there is no link to it.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backoff.h"
#include "bridge.h"
#include "imsg.h"
#include "log.h"
#include "tcpsock.h"
#include "timeutil.h"

#define ADDRESSES_MAX	16

enum stage {
	IDLE,			/* linked, or never to be called */
	WAITING,		/* for the next try */
	RESOLVING,
	CONNECTING,
	SHAKING			/* hands: link.c */
};

struct address {
	struct sockaddr_storage	 sa;
	socklen_t		 len;
};

struct caller {
	TAILQ_ENTRY(caller)	 entry;
	struct bridge		*bridge;
	const struct lan_peer	*peer;
	enum stage		 stage;
	struct event		*timer, *connected;
	int			 fd;		/* while it connects, or -1 */
	uint32_t		 query;		/* the resolver's */
	unsigned		 backoff;
	struct address		 addresses[ADDRESSES_MAX];
	unsigned		 n, next;
	int			 up;
	char			 why[LINK_WHY_SIZE];	/* the last error */
};

static struct caller	*find(struct bridge *, const char *);
static void	call(struct caller *);
static void	ask_resolver(struct caller *);
static void	try_next(struct caller *);
static int	try_one(struct caller *, const struct address *);
static void	on_connected(evutil_socket_t, short, void *);
static void	on_timer(evutil_socket_t, short, void *);
static void	connected(struct caller *);
static void	stop(struct caller *);
static void	again(struct caller *, const char *);
static void	report(const struct caller *);
static void	address_text(const struct address *, char *, size_t);

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
		c->fd = -1;
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
	if (c->connected != NULL)
		event_free(c->connected);
	c->connected = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->query = 0;
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
	if (c->stage == WAITING) {
		call(c);
	} else if (c->stage == CONNECTING) {
		strlcpy(c->why, "does not answer", sizeof(c->why));
		try_next(c);
	}
}

/* A number needs no resolver. */
static void
call(struct caller *c)
{
	struct addrinfo hints = { 0 }, *ai;
	char service[16];

	c->n = c->next = 0;
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	snprintf(service, sizeof(service), "%u", c->peer->port);
	if (getaddrinfo(c->peer->host, service, &hints, &ai) != 0) {
		ask_resolver(c);
		return;
	}
	memcpy(&c->addresses[0].sa, ai->ai_addr, ai->ai_addrlen);
	c->addresses[0].len = ai->ai_addrlen;
	c->n = 1;
	freeaddrinfo(ai);
	try_next(c);
}

static void
ask_resolver(struct caller *c)
{
	static uint32_t queries;
	struct wbuf w = { 0 };

	/* one name after the other is resolved: it may take a while */
	c->stage = RESOLVING;
	c->query = ++queries;
	if (c->bridge->resolver == NULL)
		return;
	put_str(&w, c->peer->host);
	put_u32(&w, c->peer->port);
	imsg_send(c->bridge->resolver, RESOLVE_NAME, c->query, -1, &w, NULL);
	wbuf_free(&w);
}

void
callers_resolver(struct bridge *b)
{
	struct caller *c;

	TAILQ_FOREACH(c, &b->callers, entry) {
		if (c->stage == RESOLVING)
			ask_resolver(c);
	}
}

void
callers_resolved(struct bridge *b, uint32_t id, struct reader *rd)
{
	struct caller *c;
	struct address *a;
	struct slice s;
	char error[LINK_WHY_SIZE];
	uint32_t n;

	get_str(rd, error, sizeof(error));
	n = get_u32(rd);
	TAILQ_FOREACH(c, &b->callers, entry) {
		if (c->stage == RESOLVING && c->query == id)
			break;
	}
	if (rd->failed || n > ADDRESSES_MAX)
		fatalx("bad RESOLVE_RESULT");
	if (c == NULL)
		return;
	for (c->n = c->next = 0; n > 0; n--) {
		s = get_slice(rd);
		a = &c->addresses[c->n];
		if (s.len == 0 || s.len > sizeof(a->sa))
			continue;
		memcpy(&a->sa, s.p, s.len);
		a->len = (socklen_t)s.len;
		c->n++;
	}
	if (reader_done(rd) == -1)
		fatalx("bad RESOLVE_RESULT");
	if (c->n == 0)
		again(c, error[0] != '\0' ? error : "has no address");
	else
		try_next(c);
}

/* One address after the other; c->why says what is wrong with the last one. */
static void
try_next(struct caller *c)
{
	char why[LINK_WHY_SIZE];
	int e;

	strlcpy(why, c->why, sizeof(why));
	stop(c);
	while (c->next < c->n) {
		if ((e = try_one(c, &c->addresses[c->next++])) == 0)
			return;
		strlcpy(why, strerror(e), sizeof(why));
	}
	again(c, why);
}

static int
try_one(struct caller *c, const struct address *a)
{
	struct timeval tv = time_tv(HANDSHAKE_MS);
	int fl, e;

	c->fd = socket(a->sa.ss_family, SOCK_STREAM, 0);
	if (c->fd == -1 || (fl = fcntl(c->fd, F_GETFL)) == -1 ||
	    fcntl(c->fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(c->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    (connect(c->fd, (const struct sockaddr *)&a->sa, a->len) == -1 &&
	    errno != EINPROGRESS)) {
		e = errno;
		stop(c);
		return e;
	}
	c->stage = CONNECTING;
	c->connected = event_new(c->bridge->base, c->fd, EV_WRITE,
	    on_connected, c);
	if (c->connected == NULL || event_add(c->connected, NULL) == -1)
		fatalx("event_new");
	evtimer_add(c->timer, &tv);
	report(c);
	return 0;
}

static void
on_connected(evutil_socket_t fd, short ev, void *arg)
{
	struct caller *c = arg;
	socklen_t len = sizeof(int);
	int e = 0;

	(void)ev;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e == 0) {
		connected(c);
		return;
	}
	strlcpy(c->why, strerror(e), sizeof(c->why));
	try_next(c);
}

static void
connected(struct caller *c)
{
	char text[LAN_ADDRESS_SIZE];
	int fd = c->fd;

	c->fd = -1;
	address_text(&c->addresses[c->next - 1], text, sizeof(text));
	stop(c);
	c->stage = SHAKING;
	(void)link_call(c->bridge, fd, c, text);
}

static void
address_text(const struct address *a, char *dst, size_t size)
{
	if (getnameinfo((const struct sockaddr *)&a->sa, a->len, dst,
	    (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
		strlcpy(dst, "?", size);
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
	else if (c->stage == RESOLVING || c->stage == CONNECTING ||
	    c->stage == SHAKING)
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
