/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a relay between two uplinks of this process, each with a router
 * that is played here.  An input line that begins with { is sent to the first
 * one as it is, with } to the second; in any other line each character is
 * something that the relay, or a router, does.  Whatever the relay does, what
 * comes by a link is what was sent there, in order.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../relayd/call.h"
#include "../../relayd/seal.h"
#include "../../relayd/uplink.h"
#include "imsg.h"
#include "log.h"
#include "map.h"
#include "timeutil.h"
#include "ws.h"
#include "wsio.h"

#define QUEUE		64	/* records that the relay holds */
#define OPS		256	/* of one input */
#define MESSAGE_MAX	(4 * 1024 * 1024)
#define LATER		11000	/* ms: more than a handshake may take */

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct call {
	struct side	*side;
	struct wsio	*ws;
	struct event	*ev;
	void		(*done)(struct wsio *, const char *, void *);
	void		*arg;
};

/* An uplink, its router, and the relay's end of its WebSocket. */
struct side {
	struct uplink	 uplink;
	struct side	*other;
	struct imsgbuf	*router;	/* the router's end */
	uint32_t	 link;		/* to the other hub; 0: none */
	uint32_t	 sends;		/* lines sent by it */
	uint32_t	 last, fresh;	/* line that came; none on this link */
	enum key_verdict verdict;
	int		 fd;		/* the relay's; -1: none */
	int		 answered;	/* its request */
	struct ws	 ws;
	struct wbuf	 in;
	json_t		*queue[QUEUE];	/* what it said to the other */
	size_t		 n;
};

static struct event_base	*base;
static struct side		 sides[2];

static void	quiet(enum log_level, const char *, void *);
static int	on_request(const struct wshttp_request *, const char **,
		    void *);
static void	on_early_end(struct wsio *, unsigned, const char *, void *);
static void	on_open(evutil_socket_t, short, void *);
static void	on_told(struct imsgbuf *, struct imsg *, void *);
static void	on_untold(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	came(struct side *, struct slice);
static void	decide(struct side *, uint32_t, const struct link_key *);
static void	say(struct side *, const void *, size_t);
static void	hear(struct side *, const char *, size_t);
static void	forget(struct side *, size_t);
static void	listen_to(struct side *);
static void	turn(void);
static json_t	*take(struct side *, size_t);
static void	carry(struct side *, json_t *);
static void	change(struct side *, unsigned char);
static void	send_line(struct side *);
static void	close_link(struct side *);
static void	tick(void);
static void	pump(void);
static void	one(unsigned char, unsigned char);
static void	set_up(struct side *, const char *, int);
static void	tear_down(struct side *);

static const struct wsio_ops early_ops = {
	.request = on_request,
	.closed = on_early_end,
};

static const struct imsg_ops told_ops = {
	.dispatch = on_told,
	.closed = on_closed,
};

static const struct imsg_ops untold_ops = {
	.dispatch = on_untold,
	.closed = on_closed,
};

static void
quiet(enum log_level level, const char *text, void *arg)
{
	(void)level;
	(void)text;
	(void)arg;
}

static int
on_request(const struct wshttp_request *q, const char **text, void *arg)
{
	struct call *c = arg;

	(void)q;
	(void)text;
	event_active(c->ev, EV_READ, 0);
	return 0;
}

static void
on_early_end(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	(void)ws;
	(void)code;
	(void)why;
	(void)arg;
	abort();
}

/* In place of call.c: no network, and the relay is the client. */
struct call *
call_new(struct uplink *u, const struct wsurl *to, struct ssl_ctx_st *tls,
    void (*done)(struct wsio *, const char *, void *), void *arg)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct call *c = xcalloc(1, sizeof(*c));
	int pair[2];

	(void)to;
	(void)tls;
	c->side = u == &sides[0].uplink ? &sides[0] : &sides[1];
	c->done = done;
	c->arg = arg;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    send(pair[1], ask, sizeof(ask) - 1, 0) == -1 ||
	    (c->ev = event_new(base, -1, 0, on_open, c)) == NULL)
		abort();
	c->ws = wsio_accept(base, pair[0], NULL, &early_ops, c);
	if (c->side->fd != -1)
		close(c->side->fd);
	c->side->fd = pair[1];
	ws_done(&c->side->ws);
	ws_init(&c->side->ws, WS_CLIENT, MESSAGE_MAX);
	c->side->answered = 0;
	wbuf_reset(&c->side->in);
	return c;
}

void
call_free(struct call *c)
{
	if (c == NULL)
		return;
	event_free(c->ev);
	wsio_free(c->ws);
	free(c);
}

static void
on_open(evutil_socket_t fd, short ev, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)ev;
	c->done(c->ws, NULL, c->arg);
	c->ws = NULL;
	call_free(c);
}

/* The router of that side is told. */
static void
on_told(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct side *s = arg;
	struct link_up up;
	struct link_end end;
	struct link_line line;
	struct link_key key;

	(void)ib;
	if (m->type == LINK_UP) {
		if (link_up_get(&m->rd, &up) == -1)
			abort();
		/* the other one can seal, and its key is known */
		if (strcmp(up.hub_id, s->other->uplink.conf.hub_id) != 0)
			return;
		if (up.plaintext)
			abort();
		s->link = up.link;
		s->fresh = 1;
	} else if (m->type == LINK_DOWN) {
		if (link_end_get(&m->rd, &end) == -1)
			abort();
		if (end.link == s->link)
			s->link = 0;
	} else if (m->type == LINK_LINE) {
		if (link_line_get(&m->rd, &line) == -1)
			abort();
		if (line.link == s->link)
			came(s, line.line);
	} else if (m->type == LINK_KEY) {
		if (link_key_get(&m->rd, &key) == -1)
			abort();
		decide(s, m->id, &key);
	}
}

/* By a link of the other one nothing is lost, changed or repeated. */
static void
came(struct side *s, struct slice line)
{
	json_t *o = json_loadb(line.p, line.len, 0, NULL);
	const char *from = json_string_value(json_object_get(o, "from"));
	json_int_t n = json_integer_value(json_object_get(o, "n"));

	if (from == NULL || json_object_size(o) != 2 ||
	    strcmp(from, s->other->uplink.conf.hub_id) != 0 ||
	    n > s->other->sends || n <= s->last ||
	    (!s->fresh && n != s->last + 1))
		abort();
	s->last = (uint32_t)n;
	s->fresh = 0;
	json_decref(o);
}

static void
decide(struct side *s, uint32_t query, const struct link_key *key)
{
	struct upstream *up = upstream_next(&s->uplink, NULL);
	enum key_verdict v = s->verdict;
	struct remote *r;

	if (strcmp(key->hub_id, s->other->uplink.conf.hub_id) != 0)
		v = key->key[0] == '\0' ? KEY_UNKNOWN : KEY_NEW;
	else if (key->key[0] != '\0' &&
	    strcmp(key->key, sealer_key(s->other->uplink.sealer)) != 0)
		abort();
	TAILQ_FOREACH(r, upstream_remotes(up), entry) {
		if (remote_verdict(r, query, v))
			return;
	}
}

static void
on_untold(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	(void)ib;
	(void)m;
	(void)arg;
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)err;
	(void)arg;
	abort();
}

static void
say(struct side *s, const void *p, size_t n)
{
	struct wbuf w = { 0 };

	if (s->fd == -1)
		return;
	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, p, n);
	(void)!send(s->fd, wbuf_data(&w), w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	wbuf_free(&w);
}

/* What it says to the relay is JSON, and never what it may not say. */
static void
hear(struct side *s, const char *p, size_t n)
{
	static const char welcome[] = "{\"type\":\"bridge_welcome\","
	    "\"hub_id\":\"relay\",\"peers\":[],\"features\":[\"hubs\","
	    "\"limits\",\"seal\"],\"hubs\":[\"%s\"]}";
	json_t *o = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *to = json_string_value(json_object_get(o, "target_peer"));
	struct wbuf w = { 0 };

	if (type == NULL)
		abort();
	if (strcmp(type, "bridge_hello") == 0) {
		wbuf_printf(&w, welcome, s->other->uplink.conf.hub_id);
		say(s, wbuf_data(&w), w.len);
		wbuf_free(&w);
	} else if (strcmp(type, "bridge_forward") == 0 && to != NULL) {
		if (to[0] == '@' && s->n < QUEUE && strcmp(to + 1,
		    s->other->uplink.conf.hub_id) == 0) {
			json_object_set_new(o, "origin_hub", json_string(
			    s->uplink.conf.hub_id));
			s->queue[s->n++] = o;
			return;
		}
	} else if (strcmp(type, "bridge_peer_update") != 0) {
		abort();
	}
	json_decref(o);
}

static void
forget(struct side *s, size_t n)
{
	s->in.len -= n;
	memmove(s->in.rb->data, s->in.rb->data + n, s->in.len);
}

static void
listen_to(struct side *s)
{
	struct ws_event ev = { .type = WS_MORE };
	const char *end;
	ssize_t got;
	size_t used;

	while (s->fd != -1 && (got = recv(s->fd, wbuf_room(&s->in, 65536),
	    65536, MSG_DONTWAIT)) > 0)
		s->in.len += (size_t)got;
	if (!s->answered && s->in.len > 0) {
		end = memmem(wbuf_data(&s->in), s->in.len, "\r\n\r\n", 4);
		if (end == NULL)
			return;
		forget(s, (size_t)(end + 4 - wbuf_data(&s->in)));
		s->answered = 1;
	}
	do {
		if (s->in.len == 0)
			return;
		used = ws_read(&s->ws, s->in.rb->data, s->in.len, &ev);
		if (ev.type == WS_MESSAGE)
			hear(s, ev.data, ev.len);
		forget(s, used);
	} while (ev.type == WS_MESSAGE || ev.type == WS_PING);
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 6; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		listen_to(&sides[0]);
		listen_to(&sides[1]);
	}
}

static json_t *
take(struct side *s, size_t i)
{
	json_t *o;

	if (i >= s->n)
		return NULL;
	o = s->queue[i];
	s->n--;
	memmove(s->queue + i, s->queue + i + 1, (s->n - i) * sizeof(o));
	return o;
}

/* To the other one; o is not used any more. */
static void
carry(struct side *s, json_t *o)
{
	char *text;

	if (o == NULL)
		return;
	if ((text = json_dumps(o, JSON_COMPACT)) == NULL)
		abort();
	say(s->other, text, strlen(text));
	free(text);
	json_decref(o);
}

/* The next one: a bit of its data, its number, or its id. */
static void
change(struct side *s, unsigned char how)
{
	json_t *w, *v;
	char *text;
	size_t len;

	if (s->n == 0)
		return;
	w = json_object_get(s->queue[0], "wrapped");
	v = json_object_get(w, how & 1 ? "data" : how & 2 ? "sid" : "seq");
	if (json_is_integer(v)) {
		json_integer_set(v, json_integer_value(v) + how / 4 - 8);
	} else if ((len = json_string_length(v)) > 0) {
		text = xstrdup(json_string_value(v));
		text[how / 4 * 37U % len] ^= 1;
		(void)json_string_set_nocheck(v, text);
		free(text);
	}
}

/* Its router writes to the other hub. */
static void
send_line(struct side *s)
{
	struct link_send m = { .link = s->link };
	struct wbuf w = { 0 };
	struct remote *r = map_get(s->uplink.links, &m.link, sizeof(m.link));

	if (r == NULL)
		return;
	wbuf_printf(&w, "{\"from\":\"%s\",\"n\":%u}",
	    s->uplink.conf.hub_id, ++s->sends);
	m.head.p = wbuf_data(&w);
	m.head.len = w.len;
	remote_send(r, &m);
	wbuf_free(&w);
}

static void
close_link(struct side *s)
{
	struct remote *r = map_get(s->uplink.links, &s->link,
	    sizeof(s->link));

	if (r != NULL)
		remote_close(r, s->link, "the router says so");
}

static void
tick(void)
{
	int64_t now = time_mono_ms() + LATER;
	struct upstream *up;
	int i;

	for (i = 0; i < 2; i++) {
		up = upstream_next(&sides[i].uplink, NULL);
		upstream_tick(up, now);
	}
}

/* An honest relay, until all is said. */
static void
pump(void)
{
	int i;

	for (i = 0; i < 32; i++) {
		turn();
		if (sides[0].n + sides[1].n == 0)
			break;
		carry(&sides[0], take(&sides[0], 0));
		carry(&sides[1], take(&sides[1], 0));
	}
}

/* Upper case: of the second one. */
static void
one(unsigned char op, unsigned char next)
{
	struct side *s = &sides[op >= 'A' && op <= 'Z'];

	switch (op | 0x20) {
	case 'f':
		carry(s, take(s, 0));
		break;
	case 'd':
		json_decref(take(s, 0));
		break;
	case 'r':
		if (s->n > 0)
			carry(s, json_incref(s->queue[0]));
		break;
	case 's':
		carry(s, take(s, 1));
		break;
	case 'b':
		/* back to where it came from */
		if (s->n > 0)
			carry(s->other, json_incref(s->queue[0]));
		break;
	case 'e':
		change(s, next);
		break;
	case 'w':
		send_line(s);
		break;
	case 'c':
		close_link(s);
		break;
	case 'v':
		s->verdict = (enum key_verdict)(next % (KEY_FAILED + 1));
		break;
	case 't':
		tick();
		break;
	case 'p':
		pump();
		break;
	}
	turn();
}

static void
set_up(struct side *s, const char *id, int unsealed)
{
	struct uplink *u = &s->uplink;
	struct uplink_relay r = { .unsealed = (uint8_t)unsealed };
	int pair[2];

	memset(s, 0, sizeof(*s));
	s->other = s == &sides[0] ? &sides[1] : &sides[0];
	s->fd = -1;
	u->base = base;
	strlcpy(u->conf.hub_id, id, sizeof(u->conf.hub_id));
	memset(u->conf.seed, id[0], sizeof(u->conf.seed));
	if (uplink_relay_url(&r, "ws://relay") != NULL ||
	    uplink_relay_token(&r, "the token", 9) == -1 ||
	    uplink_relay_add(&u->conf.relays, &r) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort();
	TAILQ_INIT(&u->upstreams);
	u->links = map_new();
	u->sealer = sealer_new(u->conf.seed, id);
	u->router = imsg_new(base, pair[0], PROC_UPLINK, PROC_ROUTER,
	    &untold_ops, s);
	s->router = imsg_new(base, pair[1], PROC_ROUTER, PROC_UPLINK,
	    &told_ops, s);
	upstream_new(u, &u->conf.relays.relays[0]);
}

static void
tear_down(struct side *s)
{
	upstream_free(upstream_next(&s->uplink, NULL));
	event_base_loop(base, EVLOOP_NONBLOCK);
	if (map_count(s->uplink.links) != 0)
		abort();
	map_free(s->uplink.links);
	sealer_free(s->uplink.sealer);
	imsg_free(s->uplink.router);
	imsg_free(s->router);
	close(s->fd);
	ws_done(&s->ws);
	wbuf_free(&s->in);
	while (s->n > 0)
		json_decref(take(s, 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *nl;
	unsigned ops = 0;
	struct wbuf w = { 0 };

	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
		log_to_fn(quiet, NULL);
	}
	set_up(&sides[0], "a", size % 2);
	set_up(&sides[1], "b", 0);
	turn();
	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (*p == '{' || *p == '}') {
			wbuf_add(&w, "{", 1);
			wbuf_add(&w, p + 1, (size_t)(nl - p - 1));
			say(&sides[*p == '}'], wbuf_data(&w), w.len);
			wbuf_free(&w);
			turn();
			continue;
		}
		for (; p < nl && ops < OPS; p++, ops++)
			one((unsigned char)*p, p + 1 < nl ?
			    (unsigned char)p[1] : 0);
	}
	pump();
	tear_down(&sides[0]);
	tear_down(&sides[1]);
	return 0;
}
