/* SPDX-License-Identifier: ISC */
/*
 * The uplink, hubd's child: links to other hubs by way of relays.  It has no
 * file system.
 */
#include "compat.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "child.h"
#include "dial.h"
#include "imsg.h"
#include "log.h"
#include "map.h"
#include "sandbox.h"
#include "seal.h"
#include "timeutil.h"
#include "uplink.h"

#define TICK_MS		1000
#define DRAIN_MS	1000	/* for what is queued at the end */

struct main {
	struct uplink	 uplink;
	struct child	*child;
	struct event	*tick;
	int		 router_full, router_holds;
};

static int	on_conf(struct reader *, void *);
static void	on_peer(enum proc_id, int, void *);
static void	on_start(void *);
static void	on_parent(struct imsg *, void *);
static int	on_ca(struct uplink *, struct reader *);
static int	on_relay(struct uplink *, struct reader *);
static int	on_invite(struct uplink *, uint32_t, struct reader *);
static int	on_join(struct uplink *, uint32_t, struct reader *);
static void	refuse(struct uplink *, uint32_t, const char *);
static SSL_CTX	*trusting(struct slice);
static void	on_shutdown(void *);
static void	on_router(struct imsgbuf *, struct imsg *, void *);
static void	router_closed(struct imsgbuf *, int, void *);
static void	router_full(struct imsgbuf *, int, void *);
static void	hold(struct main *);
static void	on_tick(evutil_socket_t, short, void *);
static void	tell(struct uplink *, enum imsg_type, struct wbuf *);
static struct remote	*find(const struct uplink *, uint32_t);
static void	send_line(struct uplink *, const struct link_send *);
static void	retry(struct uplink *, const char *);
static void	verdict(struct uplink *, uint32_t, enum key_verdict);

static const struct child_ops child_ops = {
	.conf = on_conf,
	.peer = on_peer,
	.start = on_start,
	.other = on_parent,
	.shutdown = on_shutdown,
};

static const struct imsg_ops router_ops = {
	.dispatch = on_router,
	.closed = router_closed,
	.full = router_full,
};

int
uplink_main(void)
{
	struct main m = { .router_full = 0 };
	struct uplink *u = &m.uplink;
	struct timeval tv = time_tv(TICK_MS);
	struct upstream *up;
	unsigned i;

	if ((u->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	TAILQ_INIT(&u->upstreams);
	TAILQ_INIT(&u->pairings);
	u->links = map_new();
	u->dialer = dialer_new(u->base, PROC_UPLINK);
	m.child = child_new(u->base, PROC_UPLINK, "relayd", "uplink",
	    &child_ops, &m);
	m.tick = event_new(u->base, -1, EV_PERSIST, on_tick, &m);
	if (m.tick == NULL || event_add(m.tick, &tv) == -1)
		fatalx("event_new");
	event_base_dispatch(u->base);

	while ((up = upstream_next(u, NULL)) != NULL) {
		upstream_flush(up, DRAIN_MS);
		upstream_free(up);
	}
	pairings_free(u);
	imsg_free(u->router);
	dialer_free(u->dialer);
	event_free(m.tick);
	child_free(m.child);
	map_free(u->links);
	sealer_free(u->sealer);
	for (i = 0; i <= UPLINK_RELAYS_MAX; i++)
		SSL_CTX_free(u->tls[i]);
	SSL_CTX_free(u->pair_tls);
	event_base_free(u->base);
	explicit_bzero(&u->conf, sizeof(u->conf));
	return 0;
}

static int
on_conf(struct reader *rd, void *arg)
{
	struct main *m = arg;

	if (uplink_conf_get(rd, &m->uplink.conf) == -1)
		return -1;
	log_set_level((enum log_level)m->uplink.conf.log_level);
	return 0;
}

static void
on_peer(enum proc_id id, int fd, void *arg)
{
	struct main *m = arg;
	struct uplink *u = &m->uplink;

	if (id == PROC_ROUTER && u->router == NULL)
		u->router = imsg_new(u->base, fd, PROC_UPLINK, id,
		    &router_ops, m);
	else if (id == PROC_RESOLVER)
		dialer_resolver(u->dialer, fd);
	else
		fatalx("bad CONF_PEER");
}

static void
on_start(void *arg)
{
	struct main *m = arg;
	struct uplink *u = &m->uplink;
	struct wbuf w = { 0 };
	uint32_t i;

	if (u->router == NULL || u->sealer != NULL)
		fatalx("CONF_END before all was there");
	u->sealer = sealer_new(u->conf.seed, u->conf.hub_id);
	explicit_bzero(u->conf.seed, sizeof(u->conf.seed));
	(void)child_drop(m->child);
	sandbox_uplink();
	put_str(&w, sealer_key(u->sealer));
	tell(u, LINK_OWN_KEY, &w);
	for (i = 0; i < u->conf.relays.n; i++)
		(void)upstream_new(u, i);
	child_ready(m->child);
}

static void
on_parent(struct imsg *msg, void *arg)
{
	struct main *m = arg;
	struct uplink *u = &m->uplink;
	int bad = -1;

	if (msg->type == CONF_CA)
		bad = on_ca(u, &msg->rd);
	else if (msg->type == CONF_RELAY && u->sealer != NULL)
		bad = on_relay(u, &msg->rd);
	else if (msg->type == PAIR_INVITE && u->sealer != NULL)
		bad = on_invite(u, msg->id, &msg->rd);
	else if (msg->type == PAIR_JOIN && u->sealer != NULL)
		bad = on_join(u, msg->id, &msg->rd);
	else if (msg->type == PAIR_CANCEL) {
		pairing_cancel(u, msg->id);
		bad = 0;
	}
	if (bad)
		fatalx("unexpected %s from the parent", imsg_name(msg->type));
}

/* Certificates that are trusted to say which host is a relay. */
static int
on_ca(struct uplink *u, struct reader *rd)
{
	uint32_t relay = get_u32(rd);
	struct slice pem = get_slice(rd);
	SSL_CTX **ctx;

	if (reader_done(rd) == -1 || relay > UPLINK_CA_JOIN)
		return -1;
	ctx = relay == UPLINK_CA_JOIN ? &u->pair_tls : &u->tls[relay];
	SSL_CTX_free(*ctx);
	*ctx = trusting(pem);
	return 0;
}

/* One that was not in the configuration when this process began. */
static int
on_relay(struct uplink *u, struct reader *rd)
{
	struct uplink_relay r;
	int bad;

	uplink_relay_get(rd, &r);
	bad = reader_done(rd) == -1 ||
	    uplink_relay_add(&u->conf.relays, &r) == -1;
	explicit_bzero(&r, sizeof(r));
	if (!bad)
		(void)upstream_new(u, u->conf.relays.n - 1);
	return bad ? -1 : 0;
}

static void
refuse(struct uplink *u, uint32_t id, const char *why)
{
	struct pair_done d = { .hub_id = "" };

	strlcpy(d.why, why, sizeof(d.why));
	uplink_paired(u, id, &d);
}

/* Any relay is the first one of those that are there. */
static int
on_invite(struct uplink *u, uint32_t id, struct reader *rd)
{
	struct pair_ask a;
	struct upstream *up, *found = NULL;
	uint32_t i;

	if (pair_ask_get(rd, &a) == -1)
		return -1;
	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up)) {
		if (a.url[0] == '\0' ? found == NULL || (upstream_is_up(up) &&
		    !upstream_is_up(found)) :
		    strcmp(upstream_conf(up)->url, a.url) == 0)
			found = up;
	}
	if (found == NULL) {
		refuse(u, id, "this hub knows no relay of that URL");
		return 0;
	}
	i = (uint32_t)(upstream_conf(found) - u->conf.relays.relays);
	pairing_new(u, id, upstream_conf(found), "", uplink_tls(u, i));
	return 0;
}

static int
on_join(struct uplink *u, uint32_t id, struct reader *rd)
{
	struct uplink_relay r = { .unsealed = 0 };
	struct pair_ask a;
	char code[PAIR_CODE_SIZE];
	const char *wrong;

	if (pair_ask_get(rd, &a) == -1)
		return -1;
	if ((wrong = uplink_relay_url(&r, a.url)) != NULL)
		refuse(u, id, wrong);
	else if (pair_code_read(a.code, code) == -1)
		refuse(u, id, "that is no code");
	else
		pairing_new(u, id, &r, code, u->pair_tls);
	explicit_bzero(&a, sizeof(a));
	explicit_bzero(code, sizeof(code));
	return 0;
}

void
uplink_invited(struct uplink *u, uint32_t id, const struct pair_code *m)
{
	struct main *self = (struct main *)u;
	struct wbuf w = { 0 };

	pair_code_put(&w, m);
	child_send(self->child, PAIR_CODE, id, &w);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
}

void
uplink_paired(struct uplink *u, uint32_t id, const struct pair_done *m)
{
	struct main *self = (struct main *)u;
	struct wbuf w = { 0 };

	pair_done_put(&w, m);
	child_send(self->child, PAIR_DONE, id, &w);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
}

static SSL_CTX *
trusting(struct slice pem)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509_STORE *store;
	X509 *x;
	int n = 0;

	if (ctx == NULL || b == NULL ||
	    (store = SSL_CTX_get_cert_store(ctx)) == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		fatalx("OpenSSL: TLS");
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(b);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
	if (n > 0)
		return ctx;
	log_warnx("there is no certificate in a file of CAs");
	SSL_CTX_free(ctx);
	return NULL;
}

struct ssl_ctx_st *
uplink_tls(struct uplink *u, uint32_t relay)
{
	const struct uplink_relay *r = &u->conf.relays.relays[relay];

	return u->tls[r->ca_file[0] != '\0' ? relay : UPLINK_RELAYS_MAX];
}

static void
on_shutdown(void *arg)
{
	struct main *m = arg;

	event_base_loopbreak(m->uplink.base);
}

static struct remote *
find(const struct uplink *u, uint32_t link)
{
	return map_get(u->links, &link, sizeof(link));
}

static void
on_router(struct imsgbuf *ib, struct imsg *msg, void *arg)
{
	struct main *m = arg;
	struct uplink *u = &m->uplink;
	struct link_send s;
	struct link_end e;
	struct remote *r;
	char id[NAME_SIZE];
	uint8_t v;
	int bad = 0;

	(void)ib;
	switch (msg->type) {
	case LINK_SEND:
		bad = link_send_get(&msg->rd, &s);
		if (!bad)
			send_line(u, &s);
		break;
	case LINK_CLOSE:
		bad = link_end_get(&msg->rd, &e);
		if (!bad && (r = find(u, e.link)) != NULL)
			remote_close(r, e.link, e.why);
		break;
	case LINK_HOLD:
		m->router_holds = get_u8(&msg->rd);
		bad = reader_done(&msg->rd);
		hold(m);
		break;
	case LINK_VERDICT:
		v = get_u8(&msg->rd);
		bad = v > KEY_FAILED ? -1 : reader_done(&msg->rd);
		if (!bad)
			verdict(u, msg->id, (enum key_verdict)v);
		break;
	case LINK_RETRY:
		get_str(&msg->rd, id, sizeof(id));
		bad = reader_done(&msg->rd);
		retry(u, id);
		break;
	default:
		bad = -1;
	}
	if (bad)
		fatalx("bad %s from the router", imsg_name(msg->type));
}

static void
retry(struct uplink *u, const char *hub_id)
{
	struct upstream *up;
	struct remote *r;

	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up)) {
		if ((r = remote_find(up, hub_id)) != NULL)
			remote_retry(r);
	}
}

static void
send_line(struct uplink *u, const struct link_send *m)
{
	struct remote *r = find(u, m->link);
	struct upstream *up;

	if (r != NULL) {
		remote_send(r, m);
		return;
	}
	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up)) {
		if (upstream_told(up) == m->link)
			clear_tell(up, m);
	}
}

/* Who has asked may be gone. */
static void
verdict(struct uplink *u, uint32_t query, enum key_verdict v)
{
	struct upstream *up;
	struct remote *r;

	if (pairing_verdict(u, query, v))
		return;
	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up)) {
		TAILQ_FOREACH(r, upstream_remotes(up), entry) {
			if (remote_verdict(r, query, v))
				return;
		}
	}
}

/* The hub ends. */
static void
router_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct main *m = arg;

	if (err != 0)
		log_warnx("connection to the router: %s", strerror(err));
	imsg_free(ib);
	m->uplink.router = NULL;
	on_shutdown(m);
}

static void
router_full(struct imsgbuf *ib, int full, void *arg)
{
	struct main *m = arg;

	(void)ib;
	m->router_full = full;
	hold(m);
}

static void
hold(struct main *m)
{
	struct uplink *u = &m->uplink;
	struct upstream *up;

	u->held = m->router_full || m->router_holds;
	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up))
		upstream_hold(up, u->held);
}

static void
on_tick(evutil_socket_t fd, short ev, void *arg)
{
	struct main *m = arg;
	struct uplink *u = &m->uplink;
	struct upstream *up;

	(void)fd;
	(void)ev;
	for (up = upstream_next(u, NULL); up != NULL;
	    up = upstream_next(u, up))
		upstream_tick(up, time_mono_ms());
}

static void
tell(struct uplink *u, enum imsg_type type, struct wbuf *w)
{
	if (u->router != NULL)
		imsg_send(u->router, type, 0, -1, w, NULL);
	wbuf_free(w);
}

uint32_t
uplink_up(struct remote *r, int plaintext, struct slice hello)
{
	struct uplink *u = upstream_uplink(r->upstream);
	struct link_up m = { .hello = hello, .plaintext = (uint8_t)plaintext };
	struct wbuf w = { 0 };

	m.link = ++u->last_link;
	m.caller = 1;
	m.rank = upstream_rank(r->upstream);
	strlcpy(m.hub_id, r->id, sizeof(m.hub_id));
	log_info("link to %s by way of %s is up%s", r->id,
	    upstream_conf(r->upstream)->url, plaintext ? ", in the clear" :
	    "");
	map_set(u->links, &m.link, sizeof(m.link), r);
	link_up_put(&w, &m);
	tell(u, LINK_UP, &w);
	return m.link;
}

void
uplink_down(struct uplink *u, uint32_t link, const char *why)
{
	struct remote *r = map_remove(u->links, &link, sizeof(link));
	struct link_end m = { .link = link };
	struct wbuf w = { 0 };

	if (r != NULL)
		log_info("link to %s by way of %s is down: %s", r->id,
		    upstream_conf(r->upstream)->url, why);
	strlcpy(m.why, why, sizeof(m.why));
	link_end_put(&w, &m);
	tell(u, LINK_DOWN, &w);
}

uint32_t
uplink_tell(struct uplink *u)
{
	struct wbuf w = { 0 };

	put_u32(&w, ++u->last_link);
	tell(u, LINK_TELL, &w);
	return u->last_link;
}

/* A copy of it goes by reference from here on. */
void
uplink_line(struct uplink *u, uint32_t link, struct slice line)
{
	struct link_line m = { .link = link };
	struct wbuf head = { 0 };
	struct rbuf *copy;

	if (u->router == NULL)
		return;
	copy = rbuf_new(line.len);
	memcpy(copy->data, line.p, line.len);
	link_line_put(&head, &m);
	imsg_send(u->router, LINK_LINE, 0, -1, &head, copy);
	rbuf_unref(copy);
	wbuf_free(&head);
}

void
uplink_full(struct uplink *u, uint32_t link, int full)
{
	struct link_full m = { .link = link, .full = (uint8_t)full };
	struct wbuf w = { 0 };

	link_full_put(&w, &m);
	tell(u, LINK_FULL, &w);
}

void
uplink_written(struct uplink *u, uint32_t link, int64_t lines)
{
	struct link_written m = { .link = link, .lines = lines };
	struct wbuf w = { 0 };

	link_written_put(&w, &m);
	tell(u, LINK_WRITTEN, &w);
}

void
uplink_trouble(struct uplink *u, const char *hub_id, const char *url,
    const char *why)
{
	struct link_report m = { .state = LINK_IS_DOWN };
	struct wbuf w = { 0 };

	strlcpy(m.hub_id, hub_id, sizeof(m.hub_id));
	strlcpy(m.where, url, sizeof(m.where));
	strlcpy(m.why, why, sizeof(m.why));
	link_report_put(&w, &m);
	tell(u, LINK_STATE, &w);
}

uint32_t
uplink_ask(struct uplink *u, const char *hub_id, const char *key)
{
	struct link_key m = { .key = "" };
	struct wbuf w = { 0 };
	uint32_t query = ++u->last_query;

	strlcpy(m.hub_id, hub_id, sizeof(m.hub_id));
	strlcpy(m.key, key, sizeof(m.key));
	link_key_put(&w, &m);
	if (u->router != NULL)
		imsg_send(u->router, LINK_KEY, query, -1, &w, NULL);
	wbuf_free(&w);
	return query;
}
