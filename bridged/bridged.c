/* SPDX-License-Identifier: ISC */
/*
 * bridged(8): links this hub to other hubs over TCP.  It is hubd's child; run
 * by hand, with -t, it tries whether the links of the configuration could be
 * made.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "bridge.h"
#include "child.h"
#include "dial.h"
#include "hex.h"
#include "imsg.h"
#include "log.h"
#include "paths.h"
#include "penalty.h"
#include "probe.h"
#include "psk.h"
#include "sandbox.h"
#include "timeutil.h"

#define ACCEPT_TURN	64	/* connections taken in one turn of the loop */
#define TICK_MS		1000
#define DRAIN_MS	1000	/* for what is queued at the end */

struct main {
	struct bridge	 bridge;
	struct child	*child;
	struct event	*tick, *accept;
	int		 router_full, router_holds;
	int		 crowded, stopping;
};

static void	usage(void) __attribute__((__noreturn__));
static int	child_main(void);
static int	on_conf(struct reader *, void *);
static void	on_listen(enum listen_kind, int, void *);
static void	on_peer(enum proc_id, int, void *);
static void	on_start(void *);
static void	own_key(struct bridge *);
static void	on_shutdown(void *);
static void	on_router(struct imsgbuf *, struct imsg *, void *);
static void	router_closed(struct imsgbuf *, int, void *);
static void	router_full(struct imsgbuf *, int, void *);
static void	on_accept(evutil_socket_t, short, void *);
static void	on_crowded(struct bridge *, int);
static void	on_tick(evutil_socket_t, short, void *);
static void	listen_to(struct main *);
static void	close_links(struct bridge *, const char *);

static const struct child_ops child_ops = {
	.conf = on_conf,
	.listen = on_listen,
	.peer = on_peer,
	.start = on_start,
	.shutdown = on_shutdown,
};

static const struct imsg_ops router_ops = {
	.dispatch = on_router,
	.closed = router_closed,
	.full = router_full,
};

static void
usage(void)
{
	fprintf(stderr, "usage: bridged -t [-f file] [hub ...]\n"
	    "hubd(8) starts bridged by itself; see hubctl check\n");
	exit(2);
}

int
main(int argc, char *argv[])
{
	const char *file = NULL;
	int c, test = 0;

	log_set_name("bridged", NULL);
	paths_init(argv[0]);
	while ((c = getopt(argc, argv, "f:tx:")) != -1) {
		switch (c) {
		case 'f':
			file = optarg;
			break;
		case 't':
			test = 1;
			break;
		case 'x':
			return child_main();
		default:
			usage();
		}
	}
	if (!test)
		usage();
	return probe_main(file, argc - optind, argv + optind);
}

static int
child_main(void)
{
	struct main m = { 0 };
	struct bridge *b = &m.bridge;
	struct timeval tv = time_tv(TICK_MS);

	if ((b->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	TAILQ_INIT(&b->links);
	TAILQ_INIT(&b->callers);
	b->penalties = penalties_new();
	b->dialer = dialer_new(b->base, PROC_BRIDGED);
	b->crowded = on_crowded;
	m.child = child_new(b->base, PROC_BRIDGED, "bridged", NULL, &child_ops,
	    &m);
	m.tick = event_new(b->base, -1, EV_PERSIST, on_tick, &m);
	if (m.tick == NULL || event_add(m.tick, &tv) == -1)
		fatalx("event_new");
	event_base_dispatch(b->base);

	close_links(b, "the hub stops");
	callers_free(b);
	imsg_free(b->router);
	dialer_free(b->dialer);
	if (m.accept != NULL) {
		close(event_get_fd(m.accept));
		event_free(m.accept);
	}
	event_free(m.tick);
	child_free(m.child);
	psk_free(b->psk);
	penalties_free(b->penalties);
	lan_conf_free(&b->conf.lan);
	event_base_free(b->base);
	return 0;
}

static int
on_conf(struct reader *rd, void *arg)
{
	struct main *m = arg;

	if (bridge_conf_get(rd, &m->bridge.conf) == -1)
		return -1;
	log_set_level((enum log_level)m->bridge.conf.log_level);
	return 0;
}

static void
on_listen(enum listen_kind kind, int fd, void *arg)
{
	struct main *m = arg;

	if (kind != LISTEN_LAN || m->accept != NULL)
		fatalx("bad CONF_LISTEN");
	m->accept = event_new(m->bridge.base, fd, EV_READ | EV_PERSIST,
	    on_accept, m);
	if (m->accept == NULL)
		fatalx("event_new");
}

static void
on_peer(enum proc_id id, int fd, void *arg)
{
	struct main *m = arg;
	struct bridge *b = &m->bridge;

	if (id == PROC_ROUTER && b->router == NULL) {
		b->router = imsg_new(b->base, fd, PROC_BRIDGED, id,
		    &router_ops, m);
	} else if (id == PROC_RESOLVER) {
		dialer_resolver(b->dialer, fd);
	} else {
		fatalx("bad CONF_PEER");
	}
}

static void
on_start(void *arg)
{
	struct main *m = arg;
	struct bridge *b = &m->bridge;
	struct rlimit rl;

	if (b->router == NULL || b->psk != NULL)
		fatalx("CONF_END before all was there");
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	b->psk = psk_new(b->conf.lan.secret, b->conf.hub_id);
	if (b->conf.has_key)
		own_key(b);
	(void)child_drop(m->child);
	sandbox_bridged();
	callers_start(b);
	if (!b->plaintext_too)
		explicit_bzero(b->conf.lan.secret,
		    sizeof(b->conf.lan.secret));
	listen_to(m);
	child_ready(m->child);
}

static void
own_key(struct bridge *b)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    b->conf.seed, sizeof(b->conf.seed));
	unsigned char key[(LINK_KEY_SIZE - 1) / 2];
	size_t len = sizeof(key);
	struct wbuf w = { 0 };

	explicit_bzero(b->conf.seed, sizeof(b->conf.seed));
	if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1)
		fatalx("OpenSSL: Ed25519");
	EVP_PKEY_free(pkey);
	hex_encode(b->key, key, sizeof(key));
	put_str(&w, b->key);
	imsg_send(b->router, LINK_OWN_KEY, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_shutdown(void *arg)
{
	struct main *m = arg;

	m->stopping = 1;
	event_base_loopbreak(m->bridge.base);
}

static void
close_links(struct bridge *b, const char *why)
{
	int64_t end = time_mono_ms() + DRAIN_MS, left;
	struct link *l;

	TAILQ_FOREACH(l, &b->links, entry)
		link_flush(l, 0);
	while ((l = TAILQ_FIRST(&b->links)) != NULL) {
		left = end - time_mono_ms();
		link_flush(l, left > 0 ? (int)left : 0);
		link_close(l, why);
	}
}

static void
on_router(struct imsgbuf *ib, struct imsg *msg, void *arg)
{
	struct main *m = arg;
	struct bridge *b = &m->bridge;
	struct link_send s;
	struct link_end e;
	struct link *l;
	int bad = 0;

	(void)ib;
	switch (msg->type) {
	case LINK_SEND:
		bad = link_send_get(&msg->rd, &s);
		if (!bad && (l = link_of_id(b, s.link)) != NULL)
			link_send(l, &s);
		break;
	case LINK_CLOSE:
		bad = link_end_get(&msg->rd, &e);
		if (!bad && (l = link_of_id(b, e.link)) != NULL)
			link_close(l, e.why);
		break;
	case LINK_HOLD:
		m->router_holds = get_u8(&msg->rd);
		bad = reader_done(&msg->rd);
		links_hold(b, m->router_full || m->router_holds);
		break;
	default:
		bad = -1;
	}
	if (bad)
		fatalx("bad %s from the router", imsg_name(msg->type));
}

/* The hub ends: what it has still said goes out. */
static void
router_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct main *m = arg;

	if (err != 0)
		log_warnx("connection to the router: %s", strerror(err));
	imsg_free(ib);
	m->bridge.router = NULL;
	on_shutdown(m);
}

static void
router_full(struct imsgbuf *ib, int full, void *arg)
{
	struct main *m = arg;

	(void)ib;
	m->router_full = full;
	links_hold(&m->bridge, m->router_full || m->router_holds);
}

static void
listen_to(struct main *m)
{
	if (m->accept == NULL || m->bridge.psk == NULL)
		return;
	if (m->crowded)
		event_del(m->accept);
	else
		event_add(m->accept, NULL);
}

static void
on_crowded(struct bridge *b, int crowded)
{
	struct main *m = (struct main *)b;

	m->crowded = crowded;
	listen_to(m);
}

static void
on_accept(evutil_socket_t sock, short ev, void *arg)
{
	struct main *m = arg;
	struct sockaddr_storage sa;
	char text[LAN_ADDRESS_SIZE];
	socklen_t len;
	int fd, i;

	(void)ev;
	for (i = 0; i < ACCEPT_TURN && !m->crowded; i++) {
		len = sizeof(sa);
		if ((fd = accept(sock, (struct sockaddr *)&sa, &len)) == -1)
			break;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (getnameinfo((struct sockaddr *)&sa, len, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(text, "?", sizeof(text));
		if (penalty_holds(m->bridge.penalties, text))
			close(fd);
		else
			link_accept(&m->bridge, fd, text);
	}
	if (i < ACCEPT_TURN && !m->crowded && errno != EAGAIN &&
	    errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED) {
		/* descriptors have run out: again at the next tick */
		log_warn("accept");
		event_del(m->accept);
	}
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct main *m = arg;

	(void)fd;
	(void)ev;
	links_tick(&m->bridge);
	listen_to(m);
}
