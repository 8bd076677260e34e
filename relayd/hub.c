/* SPDX-License-Identifier: ISC */
/*
 * Hubs at a relay (protocol.md section 3): the handshake, and how their
 * connections live and end.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "log.h"
#include "map.h"
#include "message.h"
#include "relay.h"
#include "timeutil.h"
#include "ws.h"
#include "wshttp.h"
#include "wsio.h"

#define HELLO_MAX	(1024 * 1024)
#define LINE_MAX_LINK	(LINE_MAX_BYTES + 4096)
#define PING_MS		15000	/* without a sign of life */
#define DEAD_MS		40000
#define PROBE_MS	2000	/* for the holder of a wanted id */
#define STALL_MS	15000
#define EARLY_BYTES	(64 * 1024 * 1024)	/* of all their hellos */
#define LOGGED_MAX	10	/* refusals in one second */
#define PROTOCOL_VERSION "5"

static const struct {
	const char	*name;
	unsigned	 bit;
} features[] = {
	{ "hubs", FEATURE_HUBS },
	{ "limits", FEATURE_LIMITS },
	{ "rename", FEATURE_RENAME },
	{ "seal", FEATURE_SEAL },
};

static int	on_request(const struct wshttp_request *, const char **,
		    void *);
static void	on_message(struct wsio *, char *, size_t, void *);
static void	on_pong(struct wsio *, void *);
static void	on_gone(struct wsio *, unsigned, const char *, void *);
static void	on_drained(struct wsio *, void *);
static int	id_valid(const char *);
static void	hello(struct hub *, const char *, size_t);
static enum relay_close	verify(struct hub *, struct json_value *,
			    const char **, enum counter *);
static void	contend(struct hub *, struct hub *, const char *, size_t);
static void	welcome(struct hub *, const char *, size_t);
static void	early_tick(struct relay *, int64_t);
static void	check_alive(struct hub *, int64_t);
static void	drop(struct hub *, const char *);
static void	forget(struct hub *);

static const struct wsio_ops ws_ops = {
	.request = on_request,
	.message = on_message,
	.pong = on_pong,
	.closed = on_gone,
	.drained = on_drained,
};

void
hub_new(struct relay *r, int fd, struct ssl_st *ssl, const char *address)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	h->relay = r;
	h->began = time_mono_ms();
	strlcpy(h->address, address, sizeof(h->address));
	h->peers = map_new();
	TAILQ_INSERT_TAIL(&r->early, h, entry);
	r->nearly++;
	h->ws = wsio_accept(r->base, fd, ssl, &ws_ops, h);
	wsio_limit(h->ws, HELLO_MAX);
	wsio_unchecked(h->ws);
}

/* Nothing is disclosed to whoever asks for something else. */
static int
on_request(const struct wshttp_request *q, const char **text, void *arg)
{
	(void)arg;
	if (q->upgrade)
		return 0;
	*text = "OK";
	return slice_is(q->method, "GET") ? 200 : 405;
}

/* Without dots, so that it can be a part of a host's name some day. */
static int
id_valid(const char *id)
{
	return name_valid(slice_of(id)) && strchr(id, '.') == NULL &&
	    strcmp(id, RELAY_ID) != 0;
}

/* Frees it, whatever stage it is in, and tells the others. */
static void
drop(struct hub *h, const char *why)
{
	struct relay *r = h->relay;
	struct hub *rival = h->rival, *holder;
	char *text;
	size_t len;

	h->ws = NULL;
	if (h->stage == STAGE_UP) {
		log_info("hub %s at %s is gone: %s", h->id, h->address, why);
		TAILQ_REMOVE(&r->up, h, entry);
		r->nup--;
		map_removes(r->ids, h->id);
		peers_depart(h);
	} else {
		log_debug("%s: %s", h->address, why);
		TAILQ_REMOVE(&r->early, h, entry);
		r->nearly--;
	}
	forward_gone(h);
	if (h->stage == STAGE_PROBE &&
	    (holder = map_gets(r->ids, h->id)) != NULL && holder->rival == h)
		holder->rival = NULL;
	forget(h);
	if (rival != NULL) {
		text = rival->hello;
		len = rival->hello_len;
		rival->hello = NULL;
		welcome(rival, text, len);
		freezero(text, len);
	}
}

static void
forget(struct hub *h)
{
	peers_free(h->peers);
	freezero(h->hello, h->hello_len);
	free(h);
}

void
hub_close(struct hub *h, unsigned code, const char *why)
{
	wsio_close(h->ws, code, why);
	drop(h, why);
}

static void
on_gone(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	struct hub *h = arg;

	(void)code;
	wsio_free(ws);
	drop(h, why);
}

static void
on_message(struct wsio *ws, char *p, size_t n, void *arg)
{
	struct hub *h = arg;
	struct json_value v[MEMBERS];
	const char *why;
	unsigned code;

	(void)ws;
	if (h->rival != NULL)
		hub_close(h->rival, CLOSE_TAKEN, "hub_id_taken");
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (h->stage == STAGE_HELLO) {
		hello(h, p, n);
		return;
	}
	if (h->stage != STAGE_UP)
		return;
	if (message_scan(v, p, n) == -1) {
		code = message_fault(p, n, &why);
		hub_close(h, code, why);
		return;
	}
	forward_spend(h, n);
	h->relay->counters[COUNT_MESSAGES]++;
	h->relay->counters[COUNT_BYTES] += n;
	if (message_is(&v[M_TYPE], "bridge_forward"))
		forward_message(h, v);
	else if (message_is(&v[M_TYPE], "bridge_peer_update"))
		peers_update(h, v);
}

static void
on_pong(struct wsio *ws, void *arg)
{
	struct hub *h = arg;

	(void)ws;
	h->asked = 0;
	if (h->rival != NULL)
		hub_close(h->rival, CLOSE_TAKEN, "hub_id_taken");
}

static void
on_drained(struct wsio *ws, void *arg)
{
	(void)ws;
	forward_drained(arg);
}

int
hub_knows(const struct relay *r, const struct json_value *v)
{
	char secret[RELAY_SECRET_SIZE] = "";
	int same;

	(void)json_str(v, secret, sizeof(secret));
	/* both are filled up with zeroes: the time tells nothing */
	memset(secret + strlen(secret), 0, sizeof(secret) - strlen(secret));
	same = CRYPTO_memcmp(secret, r->conf->secret, sizeof(secret)) == 0;
	explicit_bzero(secret, sizeof(secret));
	return same;
}

/* In the order of the document; *why is what the hub is told. */
static enum relay_close
verify(struct hub *h, struct json_value *v, const char **why,
    enum counter *count)
{
	const struct relay *r = h->relay;

	*why = "expected_bridge_hello";
	*count = COUNT_EXPECTED;
	if (!message_is(&v[M_TYPE], "bridge_hello") ||
	    v[M_HUB_ID].type != JS_STRING || v[M_SECRET].type != JS_STRING ||
	    v[M_VERSION].type != JS_STRING || v[M_PEERS].type != JS_ARRAY)
		return CLOSE_HANDSHAKE;
	*why = "protocol_mismatch";
	*count = COUNT_VERSION;
	if (!message_is(&v[M_VERSION], PROTOCOL_VERSION))
		return CLOSE_VERSION;
	*why = "auth_failed";
	*count = COUNT_AUTH;
	if (!hub_knows(r, &v[M_SECRET]))
		return CLOSE_AUTH;
	*why = "invalid_hub_id";
	*count = COUNT_BAD;
	if (json_str(&v[M_HUB_ID], h->id, sizeof(h->id)) == -1 ||
	    !id_valid(h->id))
		return CLOSE_BAD;
	*why = "max_hubs_reached";
	*count = COUNT_FULL;
	return map_gets(r->ids, h->id) == NULL &&
	    r->nup >= r->conf->max_hubs ? CLOSE_FULL : 0;
}

static void
hello(struct hub *h, const char *p, size_t n)
{
	struct relay *r = h->relay;
	struct json_value v[MEMBERS];
	enum counter count = COUNT_BAD;
	const char *why;
	struct hub *holder;
	unsigned code;

	if (message_scan(v, p, n) == 0) {
		if (pair_wanted(v)) {
			TAILQ_REMOVE(&r->early, h, entry);
			r->nearly--;
			pair_new(r->pairs, h->ws, h->address, v);
			forget(h);
			return;
		}
		code = verify(h, v, &why, &count);
	} else {
		code = message_fault(p, n, &why);
	}
	if (code != 0) {
		r->counters[count]++;
		hub_refused(r, h->address, why);
		hub_close(h, code, why);
	} else if ((holder = map_gets(r->ids, h->id)) != NULL) {
		contend(h, holder, p, n);
	} else {
		welcome(h, p, n);
	}
}

void
hub_refused(struct relay *r, const char *address, const char *why)
{
	int64_t second = time_mono_ms() / 1000;

	if (second != r->log_second)
		r->logged = 0;
	r->log_second = second;
	if (r->logged++ < LOGGED_MAX)
		log_info("%s refused: %s", address, why);
}

/* The one that has the id may be half dead: it is asked first. */
static void
contend(struct hub *h, struct hub *holder, const char *p, size_t n)
{
	if (holder->rival != NULL) {
		h->relay->counters[COUNT_TAKEN]++;
		hub_close(h, CLOSE_TAKEN, "hub_id_taken");
		return;
	}
	holder->rival = h;
	holder->asked = time_mono_ms();
	wsio_ping(holder->ws);
	h->stage = STAGE_PROBE;
	/* it is not that hub before it has its welcome */
	wsio_hold(h->ws, 1);
	h->hello = xmalloc(n + 1);
	memcpy(h->hello, p, n);
	h->hello_len = n;
}

static void
welcome(struct hub *h, const char *p, size_t n)
{
	struct relay *r = h->relay;
	struct json_value v[MEMBERS], e;
	size_t pos = 0, i;

	if (message_scan(v, p, n) == -1)
		fatalx("a hello that was good is not");
	TAILQ_REMOVE(&r->early, h, entry);
	r->nearly--;
	TAILQ_INSERT_TAIL(&r->up, h, entry);
	r->nup++;
	map_sets(r->ids, h->id, h);
	h->stage = STAGE_UP;
	wsio_hold(h->ws, 0);
	h->messages.filled = h->bytes.filled = time_mono_ms();
	h->messages.level = r->conf->messages_per_s;
	h->bytes.level = r->conf->bytes_per_s;
	wsio_limit(h->ws, LINE_MAX_LINK);
	while (v[M_FEATURES].type == JS_ARRAY &&
	    json_next(&v[M_FEATURES], &pos, &e)) {
		for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
			if (message_is(&e, features[i].name))
				h->features |= features[i].bit;
		}
	}
	log_info("hub %s at %s is here", h->id, h->address);
	peers_arrive(h, v);
}

/*
 * What has not said hello in time goes; and, where all together have sent too
 * much without being done, those that hold more than their share.
 */
static void
early_tick(struct relay *r, int64_t now)
{
	struct hub *h, *next;
	size_t all = 0, share;

	TAILQ_FOREACH(h, &r->early, entry)
		all += wsio_partial(h->ws);
	share = all > EARLY_BYTES ? EARLY_BYTES / r->nearly : SIZE_MAX;
	TAILQ_FOREACH_SAFE(h, &r->early, entry, next) {
		if (h->stage != STAGE_HELLO)
			continue;
		if (now - h->began >= r->conf->handshake_ms) {
			r->counters[COUNT_TIMEOUT]++;
			hub_close(h, CLOSE_HANDSHAKE, "handshake_timeout");
		} else if (wsio_partial(h->ws) > share) {
			r->counters[COUNT_BUSY]++;
			hub_close(h, CLOSE_BUSY, "too_busy");
		}
	}
}

/*
 * Asks one that is silent whether it is there, and closes it if it does not
 * answer.  Of one that is not read nothing can come, and of one that still
 * has something to read no answer; if it does not read, it has stalled.
 */
static void
check_alive(struct hub *h, int64_t now)
{
	int64_t heard = wsio_heard(h->ws), limit = PROBE_MS;

	if (h->rival == NULL) {
		if (h->held_until != 0 || h->waits_for != NULL ||
		    now - heard < PING_MS || wsio_pending(h->ws) > 0)
			return;
		if (h->asked <= heard) {
			h->asked = now;
			wsio_ping(h->ws);
		}
		limit = DEAD_MS - PING_MS;
	}
	if (now - h->asked >= limit)
		hub_close(h, WS_CLOSE_GOING_AWAY, "does not answer");
}

void
hubs_tick(struct relay *r)
{
	int64_t now = time_mono_ms();
	struct hub *h, *next;

	early_tick(r, now);
	TAILQ_FOREACH_SAFE(h, &r->up, entry, next) {
		forward_tick(h, now);
		if (wsio_stalled(h->ws, STALL_MS)) {
			r->counters[COUNT_SLOW]++;
			hub_close(h, WS_CLOSE_GOING_AWAY, "does not read");
		} else
			check_alive(h, now);
	}
}

void
hubs_stop(struct relay *r, int retry_ms)
{
	struct wbuf w = { 0 };
	struct hub *h, *next;
	char why[64];

	snprintf(why, sizeof(why), "come back in %d s", retry_ms / 1000);
	TAILQ_FOREACH_SAFE(h, &r->up, entry, next) {
		json_begin(&w, '{');
		json_put_str(&w, "type", "relay_stop");
		json_put_int(&w, "retry_ms", retry_ms);
		json_end(&w, '}');
		if (h->features != 0)
			wsio_write(h->ws, &w, NULL);
		wbuf_reset(&w);
		wsio_close(h->ws, CLOSE_RESTART, why);
		h->ws = NULL;
	}
	while ((h = TAILQ_FIRST(&r->up)) != NULL) {
		TAILQ_REMOVE(&r->up, h, entry);
		forget(h);
	}
	while ((h = TAILQ_FIRST(&r->early)) != NULL) {
		wsio_free(h->ws);
		TAILQ_REMOVE(&r->early, h, entry);
		forget(h);
	}
	wbuf_free(&w);
}

size_t
hubs_pending(const struct relay *r)
{
	const struct hub *h;
	size_t n = 0;

	TAILQ_FOREACH(h, &r->up, entry)
		n += wsio_pending(h->ws);
	return n;
}
