/* SPDX-License-Identifier: ISC */
/*
 * The router process of a relay.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "cert.h"
#include "child.h"
#include "heap.h"
#include "imsg.h"
#include "log.h"
#include "map.h"
#include "relay.h"
#include "router.h"
#include "sandbox.h"
#include "timeutil.h"

#define ACCEPT_TURN	64	/* connections taken in one turn of the loop */
#define EARLY_MAX	16384	/* connections without a handshake */
#define LISTENERS_MAX	(RELAY_LISTEN_MAX + 1)
#define TICK_MS		100
#define RELAY_KEEP	(32 * 1024 * 1024)	/* of memory that is free */
#define HEAP_PEAK	(64 * 1024 * 1024)	/* of what waited to be sent */
#define RELAY_BLOCK	(2 * 1024 * 1024)	/* a longer one is mapped */
#define RETRY_MS	5000	/* for hubs, when the relay stops */

struct listener {
	struct main		*main;
	struct event		*ev;
	enum listen_kind	 kind;
};

/* One that was handed over. */
struct handed {
	enum listen_kind	 kind;
	int			 fd;
};

struct main {
	struct relay		 relay;
	struct relay_conf	 conf;
	struct child		*child;
	SSL_CTX			*tls;		/* NULL: no certificate */
	struct listener		 listeners[LISTENERS_MAX];
	unsigned		 nlisteners;
	/* what is told, up to CONF_END */
	struct relay_conf	 next;
	SSL_CTX			*next_tls;
	struct handed		 handed[LISTENERS_MAX];
	unsigned		 nhanded;
	int			 serves;
	struct event		*tick;
	size_t			 peak;		/* see give_back() */
};

static int	on_conf(struct reader *, void *);
static void	on_listen(enum listen_kind, int, void *);
static void	close_listeners(struct main *);
static void	set_listeners(struct main *);
static void	on_peer(enum proc_id, int, void *);
static void	on_start(void *);
static void	on_other(struct imsg *, void *);
static void	on_shutdown(void *);
static void	on_stats(void *);
static uint32_t	on_clients(void *);
static void	on_accept(evutil_socket_t, short, void *);
static void	take(struct listener *, int, const char *);
static void	give_back(struct main *);
static void	on_tick(evutil_socket_t, short, void *);

static const struct child_ops child_ops = {
	.conf = on_conf,
	.listen = on_listen,
	.peer = on_peer,
	.start = on_start,
	.other = on_other,
	.shutdown = on_shutdown,
	.stats = on_stats,
	.clients = on_clients,
};

int
router_main(void)
{
	struct main m = { .nlisteners = 0 };
	struct relay *r = &m.relay;
	struct timeval tv = time_tv(TICK_MS);

	if ((r->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	TAILQ_INIT(&r->early);
	TAILQ_INIT(&r->up);
	TAILQ_INIT(&r->scrapes);
	r->ids = map_new();
	r->pairs = pairs_new(r);
	r->conf = &m.conf;
	r->started = time_mono_ms();
	m.child = child_new(r->base, PROC_RELAY, "relayd", "router",
	    &child_ops, &m);
	/*
	 * Long messages come and go all the time: their memory, handed back
	 * and asked for again, would be cleared by the kernel each time.
	 */
	heap_keep(RELAY_KEEP, RELAY_BLOCK);
	m.tick = event_new(r->base, -1, EV_PERSIST, on_tick, &m);
	if (m.tick == NULL || event_add(m.tick, &tv) == -1)
		fatalx("event_new");
	event_base_dispatch(r->base);

	close_listeners(&m);
	pairs_free(r->pairs, "the relay stops");
	hubs_stop(r, RETRY_MS);
	metrics_free(r);
	map_free(r->ids);
	wbuf_free(&r->scratch);
	event_free(m.tick);
	SSL_CTX_free(m.tls);
	SSL_CTX_free(m.next_tls);
	explicit_bzero(&m.conf, sizeof(m.conf));
	child_free(m.child);
	event_base_free(r->base);
	return 0;
}

static int
on_conf(struct reader *rd, void *arg)
{
	struct main *m = arg;

	if (relay_conf_get(rd, &m->next) == -1)
		return -1;
	log_set_level((enum log_level)m->next.log_level);
	return 0;
}

static void
on_listen(enum listen_kind kind, int fd, void *arg)
{
	struct main *m = arg;

	if (m->nhanded == LISTENERS_MAX || kind < LISTEN_RELAY ||
	    kind > LISTEN_METRICS)
		fatalx("bad CONF_LISTEN");
	m->handed[m->nhanded].kind = kind;
	m->handed[m->nhanded++].fd = fd;
}

static void
close_listeners(struct main *m)
{
	struct listener *l;
	int fd;

	while (m->nlisteners > 0) {
		l = &m->listeners[--m->nlisteners];
		fd = event_get_fd(l->ev);
		event_free(l->ev);
		close(fd);
	}
}

/* Some of them may be the same sockets as before. */
static void
set_listeners(struct main *m)
{
	struct listener *l;
	unsigned i;

	close_listeners(m);
	for (i = 0; i < m->nhanded; i++) {
		l = &m->listeners[m->nlisteners++];
		l->main = m;
		l->kind = m->handed[i].kind;
		l->ev = event_new(m->relay.base, m->handed[i].fd,
		    EV_READ | EV_PERSIST, on_accept, l);
		if (l->ev == NULL || event_add(l->ev, NULL) == -1)
			fatalx("event_new");
	}
	m->nhanded = 0;
}

static void
on_peer(enum proc_id id, int fd, void *arg)
{
	(void)id;
	(void)fd;
	(void)arg;
	fatalx("unexpected CONF_PEER");
}

static void
on_start(void *arg)
{
	struct main *m = arg;
	struct rlimit rl;

	m->conf = m->next;
	explicit_bzero(&m->next, sizeof(m->next));
	SSL_CTX_free(m->tls);
	m->tls = m->next_tls;
	m->next_tls = NULL;
	if (!m->serves) {
		if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
			rl.rlim_cur = rl.rlim_max;
			(void)setrlimit(RLIMIT_NOFILE, &rl);
		}
		(void)child_drop(m->child);
		sandbox_relay();
		m->serves = 1;
	}
	set_listeners(m);
	child_ready(m->child);
}

/* The parent has tried whether they can be used. */
static void
on_other(struct imsg *msg, void *arg)
{
	struct main *m = arg;
	struct slice certificate, key;

	certificate = get_slice(&msg->rd);
	key = get_slice(&msg->rd);
	if (msg->type != CONF_CERT || reader_done(&msg->rd) == -1)
		fatalx("unexpected %s", imsg_name(msg->type));
	SSL_CTX_free(m->next_tls);
	if ((m->next_tls = cert_tls(certificate, key)) == NULL)
		fatalx("no TLS without a certificate");
}

static void
on_shutdown(void *arg)
{
	struct main *m = arg;

	event_base_loopbreak(m->relay.base);
}

static void
on_stats(void *arg)
{
	struct main *m = arg;
	const struct relay *r = &m->relay;

	log_info("%zu hubs, %zu connections without a handshake, %llu "
	    "messages", r->nup, r->nearly,
	    (unsigned long long)r->counters[COUNT_MESSAGES]);
}

static uint32_t
on_clients(void *arg)
{
	const struct main *m = arg;

	return (uint32_t)m->relay.nup;
}

static void
on_accept(evutil_socket_t sock, short ev, void *arg)
{
	struct listener *l = arg;
	struct sockaddr_storage sa;
	char text[RELAY_ADDRESS_SIZE];
	socklen_t len;
	int fd, i;

	(void)ev;
	for (i = 0; i < ACCEPT_TURN; i++) {
		len = sizeof(sa);
		if ((fd = accept(sock, (struct sockaddr *)&sa, &len)) == -1)
			break;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (getnameinfo((struct sockaddr *)&sa, len, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(text, "?", sizeof(text));
		take(l, fd, text);
	}
	if (i < ACCEPT_TURN && errno != EAGAIN && errno != EWOULDBLOCK &&
	    errno != EINTR && errno != ECONNABORTED) {
		/* descriptors have run out: again at the next tick */
		log_warn("accept");
		event_del(l->ev);
	}
}

static void
take(struct listener *l, int fd, const char *address)
{
	struct main *m = l->main;
	SSL *ssl = NULL;

	if (l->kind == LISTEN_METRICS) {
		metrics_new(&m->relay, fd);
		return;
	}
	if (m->relay.nearly >= EARLY_MAX) {
		m->relay.counters[COUNT_BUSY]++;
		close(fd);
		return;
	}
	if (l->kind == LISTEN_RELAY_TLS) {
		if (m->tls == NULL || (ssl = SSL_new(m->tls)) == NULL) {
			close(fd);
			return;
		}
		SSL_set_accept_state(ssl);
	}
	hub_new(&m->relay, fd, ssl, address);
}

/* When very much had to wait and has been sent: it left memory in pieces. */
static void
give_back(struct main *m)
{
	size_t n = hubs_pending(&m->relay);

	if (n > m->peak)
		m->peak = n;
	if (m->peak >= HEAP_PEAK && n < m->peak / 8) {
		m->peak = n;
		heap_give_back();
	}
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct main *m = arg;
	unsigned i;

	(void)fd;
	(void)ev;
	hubs_tick(&m->relay);
	pairs_tick(m->relay.pairs);
	metrics_tick(&m->relay, time_mono_ms());
	give_back(m);
	for (i = 0; i < m->nlisteners; i++)
		event_add(m->listeners[i].ev, NULL);
}
