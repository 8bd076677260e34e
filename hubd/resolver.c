/* SPDX-License-Identifier: ISC */
/*
 * The resolver process: it alone asks for addresses, so that nothing waits
 * for a name server but what wants the answer.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "child.h"
#include "lanconf.h"
#include "log.h"
#include "resolver.h"
#include "sandbox.h"

#define ADDRESSES_MAX	16	/* told of one name */

struct asker {
	struct imsgbuf		*ib;		/* NULL: it is not there */
};

struct resolver {
	struct event_base	*base;
	struct child		*child;
	struct asker		 askers[PROC_MAX];	/* by what they are */
};

static int	on_conf(struct reader *, void *);
static void	on_peer(enum proc_id, int, void *);
static void	on_start(void *);
static void	on_shutdown(void *);
static void	on_name(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	resolve(struct wbuf *, const char *, uint32_t);

static const struct child_ops child_ops = {
	.conf = on_conf,
	.peer = on_peer,
	.start = on_start,
	.shutdown = on_shutdown,
};

static const struct imsg_ops asker_ops = {
	.dispatch = on_name,
	.closed = on_closed,
};

int
resolver_main(void)
{
	struct resolver r = { 0 };
	size_t i;

	if ((r.base = event_base_new()) == NULL)
		fatalx("event_base_new");
	r.child = child_new(r.base, PROC_RESOLVER, "hubd", "resolver",
	    &child_ops, &r);
	/* it may be waiting for a name server when it is to end */
	signal(SIGTERM, SIG_DFL);
	event_base_dispatch(r.base);
	for (i = 0; i < PROC_MAX; i++)
		imsg_free(r.askers[i].ib);
	child_free(r.child);
	event_base_free(r.base);
	return 0;
}

static int
on_conf(struct reader *rd, void *arg)
{
	(void)arg;
	log_set_level((enum log_level)get_u8(rd));
	return reader_done(rd);
}

/* Another asker: the one before has died. */
static void
on_peer(enum proc_id id, int fd, void *arg)
{
	struct resolver *r = arg;
	struct asker *a = &r->askers[id];

	if (id >= PROC_MAX)
		fatalx("bad CONF_PEER");
	imsg_free(a->ib);
	a->ib = imsg_new(r->base, fd, PROC_RESOLVER, id, &asker_ops, a);
}

static void
on_start(void *arg)
{
	struct resolver *r = arg;

	(void)child_drop(r->child);
	sandbox_resolver();
	child_ready(r->child);
}

static void
on_shutdown(void *arg)
{
	struct resolver *r = arg;

	event_base_loopbreak(r->base);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct asker *a = arg;

	(void)err;
	imsg_free(ib);
	a->ib = NULL;
}

static void
on_name(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	char host[LAN_HOST_SIZE];
	struct wbuf w = { 0 };
	uint32_t port;

	(void)arg;
	get_str(&m->rd, host, sizeof(host));
	port = get_u32(&m->rd);
	if (m->type != RESOLVE_NAME || reader_done(&m->rd) == -1)
		fatalx("bad %s", imsg_name(m->type));
	resolve(&w, host, port);
	imsg_send(ib, RESOLVE_RESULT, m->id, -1, &w, NULL);
	wbuf_free(&w);
}

static void
resolve(struct wbuf *w, const char *host, uint32_t port)
{
	struct addrinfo hints = { 0 }, *list = NULL, *ai;
	char service[16];
	uint32_t n = 0;
	int e;

	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	snprintf(service, sizeof(service), "%u", port);
	e = getaddrinfo(host, service, &hints, &list);
	put_str(w, e != 0 ? gai_strerror(e) : "");
	for (ai = list; ai != NULL && n < ADDRESSES_MAX; ai = ai->ai_next)
		n++;
	put_u32(w, n);
	for (ai = list; ai != NULL && n > 0; ai = ai->ai_next, n--)
		put_bytes(w, ai->ai_addr, ai->ai_addrlen);
	if (list != NULL)
		freeaddrinfo(list);
}
