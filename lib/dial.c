/* SPDX-License-Identifier: ISC */
/*
 * TCP connections to hosts by name.
 */
#include "compat.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dial.h"
#include "log.h"
#include "timeutil.h"

#define ADDRESSES_MAX	16
#define CONNECT_MS	5000
#define WHY_SIZE	256

struct address {
	struct sockaddr_storage	 sa;
	socklen_t		 len;
};

struct dial {
	TAILQ_ENTRY(dial)	 entry;
	struct dialer		*dialer;
	void			(*done)(int, const char *, void *);
	void			*arg;
	char			*host;
	uint32_t		 port;
	uint32_t		 query;		/* the resolver's; 0: none */
	struct event		*timer;		/* the next step */
	struct event		*connected;
	int			 fd;		/* while it connects, or -1 */
	struct address		 addresses[ADDRESSES_MAX];
	unsigned		 n, next;
	char			 why[WHY_SIZE];	/* of the last address */
};

struct dialer {
	struct event_base	*base;
	enum proc_id		 self;
	struct imsgbuf		*resolver;	/* NULL: there is none now */
	TAILQ_HEAD(, dial)	 dials;
	uint32_t		 queries;
};

static void	on_answer(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	ask(struct dial *);
static int	is_number(struct dial *);
static void	get_addresses(struct dial *, struct reader *, uint32_t);
static void	try_next(struct dial *);
static int	try_one(struct dial *, const struct address *);
static void	on_connected(evutil_socket_t, short, void *);
static void	on_timer(evutil_socket_t, short, void *);
static void	drop_socket(struct dial *);
static void	end(struct dial *, int, const char *);

static const struct imsg_ops resolver_ops = {
	.dispatch = on_answer,
	.closed = on_closed,
};

struct dialer *
dialer_new(struct event_base *base, enum proc_id self)
{
	struct dialer *r = xcalloc(1, sizeof(*r));

	r->base = base;
	r->self = self;
	TAILQ_INIT(&r->dials);
	return r;
}

void
dialer_free(struct dialer *r)
{
	struct dial *d;

	while ((d = TAILQ_FIRST(&r->dials)) != NULL)
		dial_stop(d);
	imsg_free(r->resolver);
	free(r);
}

void
dialer_resolver(struct dialer *r, int fd)
{
	struct dial *d;

	imsg_free(r->resolver);
	r->resolver = imsg_new(r->base, fd, r->self, PROC_RESOLVER,
	    &resolver_ops, r);
	TAILQ_FOREACH(d, &r->dials, entry) {
		if (d->query != 0)
			ask(d);
	}
}

/* The parent starts another one. */
static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct dialer *r = arg;

	(void)err;
	imsg_free(ib);
	r->resolver = NULL;
}

struct dial *
dial(struct dialer *r, const char *host, uint32_t port,
    void (*done)(int, const char *, void *), void *arg)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	struct timeval now = { 0, 0 };

	d->dialer = r;
	d->host = xstrdup(host);
	d->port = port;
	d->done = done;
	d->arg = arg;
	d->fd = -1;
	if ((d->timer = evtimer_new(r->base, on_timer, d)) == NULL)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&r->dials, d, entry);
	if (is_number(d))
		evtimer_add(d->timer, &now);
	else
		ask(d);
	return d;
}

void
dial_stop(struct dial *d)
{
	TAILQ_REMOVE(&d->dialer->dials, d, entry);
	drop_socket(d);
	event_free(d->timer);
	free(d->host);
	free(d);
}

static void
end(struct dial *d, int fd, const char *text)
{
	void (*done)(int, const char *, void *) = d->done;
	void *arg = d->arg;
	char copy[WHY_SIZE];

	strlcpy(copy, text, sizeof(copy));
	dial_stop(d);
	done(fd, copy, arg);
}

/* Such a one needs no resolver. */
static int
is_number(struct dial *d)
{
	struct addrinfo hints = { 0 }, *ai;
	char service[16];

	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	snprintf(service, sizeof(service), "%u", d->port);
	if (getaddrinfo(d->host, service, &hints, &ai) != 0)
		return 0;
	memcpy(&d->addresses[0].sa, ai->ai_addr, ai->ai_addrlen);
	d->addresses[0].len = ai->ai_addrlen;
	d->n = 1;
	freeaddrinfo(ai);
	return 1;
}

/* One name after the other is resolved: it may take a while. */
static void
ask(struct dial *d)
{
	struct dialer *r = d->dialer;
	struct wbuf w = { 0 };

	d->query = ++r->queries;
	if (r->resolver == NULL)
		return;
	put_str(&w, d->host);
	put_u32(&w, d->port);
	imsg_send(r->resolver, RESOLVE_NAME, d->query, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_answer(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct dialer *r = arg;
	struct dial *d;
	uint32_t n;

	(void)ib;
	TAILQ_FOREACH(d, &r->dials, entry) {
		if (d->query == m->id)
			break;
	}
	if (m->type != RESOLVE_RESULT)
		fatalx("unexpected %s", imsg_name(m->type));
	if (d == NULL)
		return;
	d->query = 0;
	get_str(&m->rd, d->why, sizeof(d->why));
	n = get_u32(&m->rd);
	if (m->rd.failed || n > ADDRESSES_MAX)
		fatalx("bad RESOLVE_RESULT");
	get_addresses(d, &m->rd, n);
	if (d->n == 0 && d->why[0] == '\0')
		strlcpy(d->why, "has no address", sizeof(d->why));
	try_next(d);
}

static void
get_addresses(struct dial *d, struct reader *rd, uint32_t n)
{
	struct address *a;
	struct slice s;

	for (; n > 0; n--) {
		s = get_slice(rd);
		a = &d->addresses[d->n];
		if (s.len == 0 || s.len > sizeof(a->sa))
			continue;
		memcpy(&a->sa, s.p, s.len);
		a->len = (socklen_t)s.len;
		d->n++;
	}
	if (reader_done(rd) == -1)
		fatalx("bad RESOLVE_RESULT");
}

static void
drop_socket(struct dial *d)
{
	if (d->connected != NULL)
		event_free(d->connected);
	d->connected = NULL;
	if (d->fd != -1)
		close(d->fd);
	d->fd = -1;
}

/* One address after the other; why says what is wrong with the last one. */
static void
try_next(struct dial *d)
{
	int e;

	drop_socket(d);
	while (d->next < d->n) {
		if ((e = try_one(d, &d->addresses[d->next++])) == 0)
			return;
		strlcpy(d->why, strerror(e), sizeof(d->why));
		drop_socket(d);
	}
	end(d, -1, d->why);
}

/* 0, or errno. */
static int
try_one(struct dial *d, const struct address *a)
{
	struct timeval tv = time_tv(CONNECT_MS);
	int fl;

	d->fd = socket(a->sa.ss_family, SOCK_STREAM, 0);
	if (d->fd == -1 || (fl = fcntl(d->fd, F_GETFL)) == -1 ||
	    fcntl(d->fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(d->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    (connect(d->fd, (const struct sockaddr *)&a->sa, a->len) == -1 &&
	    errno != EINPROGRESS))
		return errno;
	d->connected = event_new(d->dialer->base, d->fd, EV_WRITE,
	    on_connected, d);
	if (d->connected == NULL || event_add(d->connected, NULL) == -1)
		fatalx("event_new");
	evtimer_add(d->timer, &tv);
	return 0;
}

static void
on_connected(evutil_socket_t fd, short ev, void *arg)
{
	const struct address *a;
	struct dial *d = arg;
	socklen_t len = sizeof(int);
	char text[DIAL_ADDRESS_SIZE];
	int e = 0;

	(void)ev;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e != 0) {
		strlcpy(d->why, strerror(e), sizeof(d->why));
		try_next(d);
		return;
	}
	a = &d->addresses[d->next - 1];
	if (getnameinfo((const struct sockaddr *)&a->sa, a->len, text,
	    sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		strlcpy(text, "?", sizeof(text));
	d->fd = -1;
	end(d, fd, text);
}

/* It begins, or an address does not answer. */
static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)ev;
	if (d->fd != -1)
		strlcpy(d->why, "does not answer", sizeof(d->why));
	try_next(d);
}
