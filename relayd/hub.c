/* SPDX-License-Identifier: ISC */
/*
 * Hubs at a relay (protocol.md section 3): the handshake, who is there, and
 * what they send each other.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "json.h"
#include "log.h"
#include "map.h"
#include "relay.h"
#include "timeutil.h"
#include "ws.h"
#include "wshttp.h"
#include "wsio.h"

#define HELLO_MAX	(1024 * 1024)
#define LINE_MAX_LINK	(LINE_MAX_BYTES + 4096)
#define WELCOME_MAX	(1024 * 1024 - 8192)	/* the rest follows */
#define PING_MS		15000	/* without a sign of life */
#define DEAD_MS		40000
#define PROBE_MS	2000	/* for the holder of a wanted id */
#define PENDING_MAX	(8 * 1024 * 1024)	/* to one that does not read */
#define PENDING_LOW	(1024 * 1024)
#define STALL_MS	15000
#define TOLD_MS		1000	/* between two words on limits */
#define PROTOCOL_VERSION "5"

enum {
	M_TYPE, M_HUB_ID, M_SECRET, M_VERSION, M_PEERS, M_FEATURES, M_ACTION,
	M_PEER, M_NAME, M_NEW_NAME, M_TARGET, M_WRAPPED, M_SEQ, M_CWD,
	M_BRANCH, M_LAST_SEEN, MEMBERS
};

static const char *const members[MEMBERS] = {
	[M_TYPE] = "type", [M_HUB_ID] = "hub_id", [M_SECRET] = "secret",
	[M_VERSION] = "protocol_version", [M_PEERS] = "peers",
	[M_FEATURES] = "features", [M_ACTION] = "action", [M_PEER] = "peer",
	[M_NAME] = "name", [M_NEW_NAME] = "new_name",
	[M_TARGET] = "target_peer", [M_WRAPPED] = "wrapped", [M_SEQ] = "seq",
	[M_CWD] = "cwd", [M_BRANCH] = "git_branch",
	[M_LAST_SEEN] = "last_seen",
};

static const struct {
	const char	*name;
	unsigned	 bit;
} features[] = {
	{ "hubs", FEATURE_HUBS },
	{ "limits", FEATURE_LIMITS },
	{ "rename", FEATURE_RENAME },
};

/* A session of a hub. */
struct peer {
	char	 name[NAME_SIZE];
	char	*details;	/* members behind the name, JSON */
};

static int	on_request(const struct wshttp_request *, const char **,
		    void *);
static void	on_message(struct wsio *, char *, size_t, void *);
static void	on_pong(struct wsio *, void *);
static void	on_gone(struct wsio *, unsigned, const char *, void *);
static void	on_drained(struct wsio *, void *);
static int	scan(struct json_value *, const char *, size_t);
static int	is(const struct json_value *, const char *);
static int	get_name(const struct json_value *, char[NAME_SIZE]);
static int	id_valid(const char *);
static void	hello(struct hub *, const char *, size_t);
static enum relay_close	verify(struct hub *, struct json_value *,
			    const char **, enum counter *);
static void	contend(struct hub *, struct hub *, const char *, size_t);
static void	welcome(struct hub *, const char *, size_t);
static void	greet(struct hub *);
static void	put_hubs(struct wbuf *, const struct relay *,
		    const struct hub *);
static void	drop(struct hub *, const char *);
static void	forget(struct hub *);
static struct peer	*learn(struct hub *, const struct json_value *);
static void	update(struct hub *, struct json_value *);
static void	put_peer(struct wbuf *, const struct hub *,
		    const struct peer *);
static void	tell_join(const struct hub *, const struct peer *,
		    unsigned);
static void	tell_leave(const struct hub *, const char *, unsigned);
static void	tell_hub(const struct hub *, const char *);
static void	to_others(const struct hub *, struct wbuf *, unsigned,
		    unsigned);
static void	forward(struct hub *, const struct json_value *);
static void	error(struct hub *, const char *, const char *);
static void	spend(struct hub *, size_t);
static int64_t	wait_of(struct bucket *, uint32_t, double, int64_t);
static void	hold(struct hub *, int64_t);
static void	release(struct hub *);

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

static int
scan(struct json_value *v, const char *p, size_t n)
{
	static struct json_keys *keys;

	if (keys == NULL)
		keys = json_keys_new(members, MEMBERS);
	return json_scan(p, n, keys, v);
}

static int
is(const struct json_value *v, const char *text)
{
	return v->type == JS_STRING &&
	    slice_is((struct slice){ v->p, v->len }, text);
}

static int
get_name(const struct json_value *v, char dst[NAME_SIZE])
{
	return v->type == JS_STRING && json_str(v, dst, NAME_SIZE) != -1 &&
	    name_valid(slice_of(dst)) ? 0 : -1;
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
	struct hub *rival = h->rival, *i;
	struct peer *p;
	size_t pos = 0;
	char *text;
	size_t len;

	if (h->stage == STAGE_UP) {
		log_info("hub %s at %s is gone: %s", h->id, h->address, why);
		TAILQ_REMOVE(&r->up, h, entry);
		r->nup--;
		map_removes(r->ids, h->id);
		while ((p = map_next(h->peers, &pos)) != NULL)
			tell_leave(h, p->name, 0);
		tell_hub(h, "leave");
	} else {
		log_debug("%s: %s", h->address, why);
		TAILQ_REMOVE(&r->early, h, entry);
		r->nearly--;
	}
	if (h->waits_for != NULL)
		h->waits_for->waiting--;
	TAILQ_FOREACH(i, &r->up, entry) {
		if (i->rival == h)
			i->rival = NULL;
		if (i->waits_for == h)
			release(i);
	}
	forget(h);
	if (rival != NULL) {
		text = rival->hello;
		len = rival->hello_len;
		rival->hello = NULL;
		welcome(rival, text, len);
		free(text);
	}
}

static void
forget(struct hub *h)
{
	struct peer *p;
	size_t pos = 0;

	while ((p = map_next(h->peers, &pos)) != NULL) {
		free(p->details);
		free(p);
	}
	map_free(h->peers);
	free(h->hello);
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

	(void)ws;
	if (h->rival != NULL)
		hub_close(h->rival, CLOSE_TAKEN, "hub_id_taken");
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (h->stage == STAGE_HELLO) {
		hello(h, p, n);
		return;
	}
	if (scan(v, p, n) == -1) {
		hub_close(h, CLOSE_BAD, "bad_json");
		return;
	}
	spend(h, n);
	h->relay->counters[COUNT_MESSAGES]++;
	h->relay->counters[COUNT_BYTES] += n;
	if (is(&v[M_TYPE], "bridge_forward"))
		forward(h, v);
	else if (is(&v[M_TYPE], "bridge_peer_update"))
		update(h, v);
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

/* In the order of the document; *why is what the hub is told. */
static enum relay_close
verify(struct hub *h, struct json_value *v, const char **why,
    enum counter *count)
{
	const struct relay *r = h->relay;
	char secret[RELAY_SECRET_SIZE] = "";
	int same;

	*why = "expected_bridge_hello";
	*count = COUNT_EXPECTED;
	if (!is(&v[M_TYPE], "bridge_hello") || v[M_HUB_ID].type != JS_STRING ||
	    v[M_SECRET].type != JS_STRING || v[M_VERSION].type != JS_STRING ||
	    v[M_PEERS].type != JS_ARRAY)
		return CLOSE_HANDSHAKE;
	*why = "protocol_mismatch";
	*count = COUNT_VERSION;
	if (!is(&v[M_VERSION], PROTOCOL_VERSION))
		return CLOSE_VERSION;
	*why = "auth_failed";
	*count = COUNT_AUTH;
	(void)json_str(&v[M_SECRET], secret, sizeof(secret));
	/* both are filled up with zeroes: the time tells nothing */
	memset(secret + strlen(secret), 0, sizeof(secret) - strlen(secret));
	same = CRYPTO_memcmp(secret, r->conf->secret, sizeof(secret)) == 0;
	explicit_bzero(secret, sizeof(secret));
	if (!same)
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
	const char *why = "bad_json";
	struct hub *holder;
	unsigned code = CLOSE_BAD;

	if (scan(v, p, n) == 0)
		code = verify(h, v, &why, &count);
	if (code != 0) {
		r->counters[count]++;
		log_info("%s refused: %s", h->address, why);
		hub_close(h, code, why);
	} else if ((holder = map_gets(r->ids, h->id)) != NULL) {
		contend(h, holder, p, n);
	} else {
		welcome(h, p, n);
	}
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

	if (scan(v, p, n) == -1)
		fatalx("a hello that was good is not");
	TAILQ_REMOVE(&r->early, h, entry);
	r->nearly--;
	TAILQ_INSERT_TAIL(&r->up, h, entry);
	r->nup++;
	map_sets(r->ids, h->id, h);
	h->stage = STAGE_UP;
	h->messages.filled = h->bytes.filled = time_mono_ms();
	h->messages.level = r->conf->messages_per_s;
	h->bytes.level = r->conf->bytes_per_s;
	wsio_limit(h->ws, LINE_MAX_LINK);
	while (v[M_FEATURES].type == JS_ARRAY &&
	    json_next(&v[M_FEATURES], &pos, &e)) {
		for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
			if (is(&e, features[i].name))
				h->features |= features[i].bit;
		}
	}
	log_info("hub %s at %s is here", h->id, h->address);
	greet(h);
	tell_hub(h, "join");
	for (pos = 0; json_next(&v[M_PEERS], &pos, &e);) {
		struct peer *peer = learn(h, &e);

		if (peer != NULL)
			tell_join(h, peer, 0);
	}
}

/* Who is there; of more than fits in one message the rest follows. */
static void
greet(struct hub *h)
{
	const struct relay *r = h->relay;
	struct wbuf w = { 0 }, more = { 0 };
	const struct hub *o;
	struct peer *p;
	size_t pos;

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_welcome");
	json_put_str(&w, "hub_id", RELAY_ID);
	json_key(&w, "peers");
	json_begin(&w, '[');
	TAILQ_FOREACH(o, &r->up, entry) {
		for (pos = 0; o != h &&
		    (p = map_next(o->peers, &pos)) != NULL &&
		    w.len < WELCOME_MAX;) {
			json_comma(&w);
			put_peer(&w, o, p);
		}
	}
	json_end(&w, ']');
	if (h->features != 0) {
		json_key(&w, "features");
		wbuf_adds(&w, "[\"hubs\",\"limits\",\"rename\",\"seal\"]");
		json_put_int(&w, "messages_per_s", r->conf->messages_per_s);
		json_put_int(&w, "bytes_per_s", r->conf->bytes_per_s);
	}
	if (h->features & FEATURE_HUBS)
		put_hubs(&w, r, h);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_free(&w);
	wbuf_free(&more);
}

static void
put_hubs(struct wbuf *w, const struct relay *r, const struct hub *but)
{
	const struct hub *o;

	json_key(w, "hubs");
	json_begin(w, '[');
	TAILQ_FOREACH(o, &r->up, entry) {
		if (o == but)
			continue;
		json_comma(w);
		json_add_str(w, o->id, strlen(o->id));
	}
	json_end(w, ']');
}

/* A peer as it is in a list; NULL if it is none, or one too many. */
static struct peer *
learn(struct hub *h, const struct json_value *o)
{
	struct json_value v[MEMBERS];
	struct wbuf w = { 0 };
	char name[NAME_SIZE];
	struct peer *p;

	if (o->type != JS_OBJECT || scan(v, o->p, o->len) == -1 ||
	    get_name(&v[M_NAME], name) == -1)
		return NULL;
	p = map_gets(h->peers, name);
	if (p == NULL && map_count(h->peers) >= h->relay->conf->max_peers)
		return NULL;
	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		strlcpy(p->name, name, sizeof(p->name));
		map_sets(h->peers, name, p);
	}
	json_begin(&w, '{');
	if (v[M_CWD].type == JS_STRING && v[M_CWD].len <= CWD_LEN_MAX * 6)
		json_put_raw(&w, "cwd",
		    (struct slice){ v[M_CWD].p, v[M_CWD].len });
	if (v[M_BRANCH].type == JS_STRING &&
	    v[M_BRANCH].len <= BRANCH_LEN_MAX * 6)
		json_put_raw(&w, "git_branch",
		    (struct slice){ v[M_BRANCH].p, v[M_BRANCH].len });
	if (v[M_LAST_SEEN].type == JS_NUMBER && v[M_LAST_SEEN].len < 32) {
		json_key(&w, "last_seen");
		wbuf_add(&w, v[M_LAST_SEEN].p, v[M_LAST_SEEN].len);
	}
	wbuf_add(&w, "", 1);
	free(p->details);
	p->details = xstrdup(wbuf_data(&w) + 1);
	wbuf_free(&w);
	return p;
}

static void
put_peer(struct wbuf *w, const struct hub *h, const struct peer *p)
{
	json_begin(w, '{');
	json_key(w, "name");
	wbuf_printf(w, "\"%s@%s\"", p->name, h->id);
	if (p->details[0] != '\0') {
		json_comma(w);
		wbuf_adds(w, p->details);
	}
	json_end(w, '}');
}

/* To all other hubs that have the features of with, and none of without. */
static void
to_others(const struct hub *h, struct wbuf *w, unsigned with,
    unsigned without)
{
	static const struct wbuf none;
	struct rbuf *line;
	struct hub *o;

	json_end(w, '}');
	line = wbuf_take(w);
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o != h && (o->features & with) == with &&
		    !(o->features & without))
			wsio_write(o->ws, &none, line);
	}
	rbuf_unref(line);
}

static void
tell_join(const struct hub *h, const struct peer *p, unsigned without)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", "join");
	json_key(&w, "peer");
	put_peer(&w, h, p);
	to_others(h, &w, 0, without);
}

static void
tell_leave(const struct hub *h, const char *name, unsigned without)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", "leave");
	json_key(&w, "name");
	wbuf_printf(&w, "\"%s@%s\"", name, h->id);
	to_others(h, &w, 0, without);
}

static void
tell_hub(const struct hub *h, const char *action)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "relay_hub");
	json_put_str(&w, "action", action);
	json_put_str(&w, "hub_id", h->id);
	to_others(h, &w, FEATURE_HUBS, 0);
}

static void
update(struct hub *h, struct json_value *v)
{
	char name[NAME_SIZE], new_name[NAME_SIZE];
	struct wbuf w = { 0 };
	struct peer *p;

	if (is(&v[M_ACTION], "join")) {
		if ((p = learn(h, &v[M_PEER])) != NULL)
			tell_join(h, p, 0);
		return;
	}
	if (get_name(&v[M_NAME], name) == -1 ||
	    (p = map_gets(h->peers, name)) == NULL)
		return;
	if (is(&v[M_ACTION], "leave")) {
		map_removes(h->peers, name);
		tell_leave(h, name, 0);
		free(p->details);
		free(p);
	} else if (is(&v[M_ACTION], "rename") &&
	    get_name(&v[M_NEW_NAME], new_name) == 0 &&
	    map_gets(h->peers, new_name) == NULL) {
		map_removes(h->peers, name);
		strlcpy(p->name, new_name, sizeof(p->name));
		map_sets(h->peers, new_name, p);
		tell_leave(h, name, FEATURE_RENAME);
		tell_join(h, p, FEATURE_RENAME);
		json_begin(&w, '{');
		json_put_str(&w, "type", "bridge_peer_update");
		json_put_str(&w, "action", "rename");
		json_key(&w, "name");
		wbuf_printf(&w, "\"%s@%s\"", name, h->id);
		json_key(&w, "new_name");
		wbuf_printf(&w, "\"%s@%s\"", new_name, h->id);
		to_others(h, &w, FEATURE_RENAME, 0);
	}
}

static void
error(struct hub *h, const char *code, const char *message)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "err");
	json_put_str(&w, "code", code);
	json_put_str(&w, "message", message);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_free(&w);
}

/* What is wrapped is not looked at; who sends it is not its own word. */
static void
forward(struct hub *h, const struct json_value *v)
{
	static const struct wbuf none;
	struct relay *r = h->relay;
	char target[TARGET_SIZE], *at;
	struct wbuf w = { 0 };
	struct rbuf *line;
	struct hub *to;

	if (v[M_TARGET].type != JS_STRING || v[M_WRAPPED].type != JS_OBJECT)
		return;
	if (json_str(&v[M_TARGET], target, sizeof(target)) == -1 ||
	    (at = strrchr(target, '@')) == NULL) {
		r->counters[COUNT_NO_TARGET]++;
		error(h, "bad_args", "target_peer must be name@hub");
		return;
	}
	if ((to = map_gets(r->ids, at + 1)) == NULL || to == h) {
		r->counters[COUNT_NO_HUB]++;
		error(h, "peer_not_found", "no hub of that name is here");
		return;
	}
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_forward");
	json_put_raw(&w, "target_peer",
	    (struct slice){ v[M_TARGET].p, v[M_TARGET].len });
	json_put_str(&w, "origin_hub", h->id);
	if (v[M_SEQ].type == JS_NUMBER && v[M_SEQ].len < 32) {
		json_key(&w, "seq");
		wbuf_add(&w, v[M_SEQ].p, v[M_SEQ].len);
	}
	json_key(&w, "wrapped");
	wbuf_add(&w, v[M_WRAPPED].p, v[M_WRAPPED].len);
	json_end(&w, '}');
	line = wbuf_take(&w);
	wsio_write(to->ws, &none, line);
	rbuf_unref(line);
	if (wsio_pending(to->ws) > PENDING_MAX && h->waits_for == NULL) {
		h->waits_for = to;
		to->waiting++;
		wsio_hold(h->ws, 1);
	}
}

/* How long until there is something in it again; 0: there is. */
static int64_t
wait_of(struct bucket *b, uint32_t per_s, double cost, int64_t now)
{
	if (per_s == 0)
		return 0;
	b->level += (double)(now - b->filled) * per_s / 1000;
	if (b->level > per_s)
		b->level = per_s;
	b->filled = now;
	b->level -= cost;
	return b->level >= 0 ? 0 : (int64_t)(-b->level * 1000 / per_s) + 1;
}

/* Nothing is dropped: a hub over its limits is not read for a while. */
static void
spend(struct hub *h, size_t len)
{
	const struct relay_conf *c = h->relay->conf;
	int64_t now = time_mono_ms(), ms, more;

	ms = wait_of(&h->messages, c->messages_per_s, 1, now);
	more = wait_of(&h->bytes, c->bytes_per_s, (double)len, now);
	if (more > ms)
		ms = more;
	if (ms > 0)
		hold(h, ms);
}

static void
hold(struct hub *h, int64_t ms)
{
	const struct relay_conf *c = h->relay->conf;
	int64_t now = time_mono_ms();
	struct wbuf w = { 0 };

	h->held_until = now + ms;
	wsio_hold(h->ws, 1);
	if (now - h->told < TOLD_MS)
		return;
	h->told = now;
	h->relay->counters[COUNT_LIMITED]++;
	if (!(h->features & FEATURE_LIMITS))
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "relay_limit");
	json_put_int(&w, "messages_per_s", c->messages_per_s);
	json_put_int(&w, "bytes_per_s", c->bytes_per_s);
	json_put_int(&w, "retry_ms", ms);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_free(&w);
}

/* The one that it has waited for reads again, or is gone. */
static void
release(struct hub *h)
{
	h->waits_for->waiting--;
	h->waits_for = NULL;
	if (h->held_until == 0)
		wsio_hold(h->ws, 0);
}

static void
on_drained(struct wsio *ws, void *arg)
{
	struct hub *h = arg, *o;

	(void)ws;
	if (h->waiting == 0)
		return;
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o->waits_for == h)
			release(o);
	}
}

void
hubs_tick(struct relay *r)
{
	int64_t now = time_mono_ms(), silent;
	struct hub *h, *next;

	TAILQ_FOREACH_SAFE(h, &r->early, entry, next) {
		if (h->stage == STAGE_HELLO &&
		    now - h->began >= r->conf->handshake_ms) {
			r->counters[COUNT_TIMEOUT]++;
			hub_close(h, CLOSE_HANDSHAKE, "handshake_timeout");
		}
	}
	TAILQ_FOREACH_SAFE(h, &r->up, entry, next) {
		if (h->held_until != 0 && now >= h->held_until) {
			h->held_until = 0;
			if (h->waits_for == NULL)
				wsio_hold(h->ws, 0);
		}
		if (wsio_stalled(h->ws, STALL_MS)) {
			r->counters[COUNT_SLOW]++;
			hub_close(h, WS_CLOSE_GOING_AWAY, "does not read");
			continue;
		}
		silent = now - wsio_heard(h->ws);
		if ((h->rival != NULL && now - h->asked >= PROBE_MS) ||
		    (h->held_until == 0 && h->waits_for == NULL &&
		    silent >= DEAD_MS))
			hub_close(h, WS_CLOSE_GOING_AWAY, "does not answer");
		else if (silent >= PING_MS && now - h->asked >= PING_MS) {
			h->asked = now;
			wsio_ping(h->ws);
		}
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
