/* SPDX-License-Identifier: ISC */
/*
 * Sessions over WebSocket.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "bufio.h"
#include "conf.h"
#include "linger.h"
#include "log.h"
#include "names.h"
#include "owner.h"
#include "registry.h"
#include "router.h"
#include "session.h"
#include "timeutil.h"
#include "tokens.h"
#include "ws.h"
#include "wsconn.h"
#include "wshttp.h"

#define AUTH_MS		5000	/* for the request and the token */
#define AUTH_MAX	1024	/* bytes of the first message */

enum wsconn_state { WSCONN_HTTP, WSCONN_AUTH, WSCONN_OPEN };

struct wsconn {
	struct session		*session;
	struct event_base	*base;
	struct event		*late;	/* it has not shown the token */
	struct event		*again;	/* to go on with rest */
	enum wsconn_state	 state;
	struct ws		 ws;
	size_t			 max;
	char			*rest;	/* lines of a message, not yet shown */
	size_t			 rest_len;
};

static void	on_late(evutil_socket_t, short, void *);
static void	on_again(evutil_socket_t, short, void *);
static size_t	handshake(struct wsconn *, const char *, size_t);
static void	refuse(struct wsconn *, int, const char *);
static void	end(struct wsconn *, unsigned, const char *);
static void	take(struct wsconn *, struct ws_event *);
static void	show(struct wsconn *, char *, size_t);
static void	show_rest(struct wsconn *);
static int	find_auth(const char *, size_t, struct json_value *);
static void	authenticate(struct wsconn *, const char *, size_t);

struct wsconn *
wsconn_new(struct event_base *base, struct session *s)
{
	struct wsconn *c = xcalloc(1, sizeof(*c));
	struct timeval tv = time_tv(AUTH_MS);

	c->session = s;
	c->base = base;
	c->max = LINE_MAX_EARLY;
	ws_init(&c->ws, WS_SERVER, AUTH_MAX);
	c->late = evtimer_new(base, on_late, c);
	c->again = event_new(base, -1, 0, on_again, c);
	if (c->late == NULL || c->again == NULL ||
	    event_add(c->late, &tv) == -1)
		fatalx("wsconn: out of memory");
	return c;
}

void
wsconn_free(struct wsconn *c)
{
	if (c == NULL)
		return;
	event_free(c->late);
	event_free(c->again);
	ws_done(&c->ws);
	free(c->rest);
	free(c);
}

void
wsconn_closed(struct wsconn *c)
{
	event_del(c->late);
	event_del(c->again);
}

void
wsconn_limit(struct wsconn *c, size_t max)
{
	c->max = max;
	ws_limit(&c->ws, max);
}

void
wsconn_header(struct wsconn *c, size_t len)
{
	char header[WS_HEADER_MAX];
	size_t n;

	n = ws_header(header, WS_OP_TEXT, 1, len, NULL);
	bufio_write(c->session->io, header, n);
}

static void
on_late(evutil_socket_t fd, short ev, void *arg)
{
	struct wsconn *c = arg;

	(void)fd;
	(void)ev;
	if (c->state == WSCONN_HTTP)
		session_close(c->session, "no WebSocket request in time");
	else
		end(c, WSHTTP_CLOSE_AUTH, "auth_timeout");
}

/* Ends an upgraded connection; what waits is still written if it fits. */
static void
end(struct wsconn *c, unsigned code, const char *why)
{
	struct session *s = c->session;
	struct wbuf w = { 0 };

	ws_close_frame(&w, WS_SERVER, code, why);
	bufio_write(s->io, wbuf_data(&w), w.len);
	wbuf_free(&w);
	(void)bufio_flush(s->io, 0);
	linger(c->base, bufio_fd(s->io));
	session_close(s, why);
}

static void
refuse(struct wsconn *c, int status, const char *why)
{
	struct session *s = c->session;
	struct wbuf w = { 0 };

	s->router->counters[COUNT_REFUSED_HTTP]++;
	wshttp_refuse(&w, status, why);
	bufio_write(s->io, wbuf_data(&w), w.len);
	wbuf_free(&w);
	(void)bufio_flush(s->io, 0);
	linger(c->base, bufio_fd(s->io));
	session_close(s, why);
}

/* A web page can open connections to here: it says so, in Origin or Host. */
static size_t
handshake(struct wsconn *c, const char *p, size_t n)
{
	const char *origin = c->session->router->conf->ws_origin;
	struct wshttp_request r;
	struct wbuf w = { 0 };
	long used;

	used = wshttp_read(p, n, &r);
	if (used == 0)
		return 0;
	if (used == -1)
		refuse(c, 400, "not a WebSocket request");
	else if (r.origin.p != NULL &&
	    (origin[0] == '\0' || !slice_is(r.origin, origin)))
		refuse(c, 403, "this origin is not allowed here");
	else if (!wshttp_is_loopback(r.host))
		refuse(c, 403, "the Host must be localhost");
	else if (!r.upgrade)
		refuse(c, 426, "this is the WebSocket of an EcoRelay hub");
	else {
		wshttp_accept(&w, r.key);
		bufio_write(c->session->io, wbuf_data(&w), w.len);
		wbuf_free(&w);
		c->state = WSCONN_AUTH;
		return (size_t)used;
	}
	return n;
}

size_t
wsconn_input(struct wsconn *c, char *p, size_t n)
{
	struct session *s = c->session;
	struct ws_event ev;
	size_t used = 0;

	show_rest(c);
	if (s->state == SESSION_GONE || bufio_paused(s->io))
		return 0;
	if (c->state == WSCONN_HTTP && (used = handshake(c, p, n)) == 0)
		return 0;
	while (s->state != SESSION_GONE && !bufio_paused(s->io)) {
		used += ws_read(&c->ws, p + used, n - used, &ev);
		if (ev.type == WS_MORE)
			break;
		take(c, &ev);
	}
	return used;
}

static void
take(struct wsconn *c, struct ws_event *ev)
{
	struct session *s = c->session;
	struct wbuf w = { 0 };

	switch (ev->type) {
	case WS_MORE:
	case WS_PONG:
		break;
	case WS_MESSAGE:
		if (c->state == WSCONN_OPEN)
			show(c, ev->data, ev->len);
		else
			authenticate(c, ev->data, ev->len);
		break;
	case WS_PING:
		ws_frame(&w, WS_SERVER, WS_OP_PONG, ev->data, ev->len);
		bufio_write(s->io, wbuf_data(&w), w.len);
		wbuf_free(&w);
		break;
	case WS_CLOSED:
		/* section 5.5.1: the same code goes back */
		end(c, ev->code == WS_CLOSE_NO_CODE ? WS_CLOSE_NORMAL :
		    ev->code, "");
		break;
	case WS_BROKEN:
		log_debug("WebSocket: %s", ev->why);
		if (c->state != WSCONN_OPEN)
			end(c, WSHTTP_CLOSE_AUTH, "auth_failed");
		else
			end(c, ev->code, ev->why);
		break;
	}
}

/* The lines of a message, until the session is paused. */
static void
show(struct wsconn *c, char *p, size_t n)
{
	struct session *s = c->session;
	size_t len, next;
	struct json_value token;
	char *nl;

	while (n > 0 && s->state != SESSION_GONE) {
		if (bufio_paused(s->io)) {
			c->rest = xmalloc(n);
			memcpy(c->rest, p, n);
			c->rest_len = n;
			return;
		}
		nl = memchr(p, '\n', n);
		len = nl != NULL ? (size_t)(nl - p) : n;
		next = nl != NULL ? len + 1 : len;
		if (len > 0 && p[len - 1] == '\r')
			len--;
		/* clients say it again when they try another name */
		if (len > 0 && find_auth(p, len, &token) == -1)
			session_line(s, p, len);
		p += next;
		n -= next;
	}
}

static void
show_rest(struct wsconn *c)
{
	char *rest = c->rest;
	size_t n = c->rest_len;

	if (rest == NULL || c->session->state == SESSION_GONE ||
	    bufio_paused(c->session->io))
		return;
	c->rest = NULL;
	show(c, rest, n);
	free(rest);
}

void
wsconn_resume(struct wsconn *c)
{
	if (c->rest != NULL)
		event_active(c->again, EV_READ, 0);
}

static void
on_again(evutil_socket_t fd, short ev, void *arg)
{
	struct wsconn *c = arg;
	struct session *s = session_ref(c->session);

	(void)fd;
	(void)ev;
	show_rest(c);
	session_unref(s);
}

/* The token in {"auth":"..."}, not decoded; -1 if it is something else. */
static int
find_auth(const char *p, size_t n, struct json_value *token)
{
	static const char *const names[] = { "auth", "type" };
	static struct json_keys *keys;
	struct json_value v[2];
	static const char begin[] = "{\"auth\"";

	/* as those who write it do: others are looked at as requests */
	if (n > AUTH_MAX || n < sizeof(begin) ||
	    memcmp(p, begin, sizeof(begin) - 1) != 0)
		return -1;
	if (keys == NULL)
		keys = json_keys_new(names, 2);
	if (json_scan(p, n, keys, v) == -1 || v[1].type != JS_ABSENT ||
	    v[0].type != JS_STRING)
		return -1;
	*token = v[0];
	return 0;
}

static void
authenticate(struct wsconn *c, const char *p, size_t n)
{
	struct session *s = c->session;
	const char *nl = memchr(p, '\n', n);
	char token[AUTH_MAX + 1] = "";
	uint32_t owner = OWNER_NONE;
	size_t len = nl != NULL ? (size_t)(nl - p) : n;
	struct json_value v;

	if (find_auth(p, len, &v) != -1 &&
	    json_str(&v, token, sizeof(token)) != -1)
		owner = tokens_owner(s->router, token);
	explicit_bzero(token, sizeof(token));
	if (owner == OWNER_NONE) {
		s->router->counters[COUNT_REFUSED_TOKEN]++;
		log_info("WebSocket: a client without the right token");
		end(c, WSHTTP_CLOSE_AUTH, "auth_failed");
		return;
	}
	if (!registry_user_has_room(s->router->registry, owner)) {
		s->router->counters[COUNT_REFUSED_FULL]++;
		end(c, WS_CLOSE_LATER, "too_many_sessions");
		return;
	}
	s->owner = owner;
	event_del(c->late);
	c->state = WSCONN_OPEN;
	ws_limit(&c->ws, c->max);
	if (len < n) {
		c->rest_len = n - len;
		c->rest = xmalloc(c->rest_len);
		memcpy(c->rest, p + len, c->rest_len);
		show_rest(c);
	}
}
