/* SPDX-License-Identifier: ISC */
/*
 * Connections on the hub's socket.
 */
#include "compat.h"

#include <errno.h>
#include <stdlib.h>

#include "asks.h"
#include "bufio.h"
#include "hubs.h"
#include "log.h"
#include "peers.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "tcpsock.h"
#include "timeutil.h"
#include "wsconn.h"

#define OUTPUT_MAX	(8 * 1024 * 1024)
/* output that waits: no more is pushed, and who takes none of it is cut off */
#define PUSH_MAX	(4 * 1024 * 1024)
#define STALL_MS	5000
/* unanswered requests: no more are read above, and again below */
#define PENDING_HIGH	1024
#define PENDING_LOW	512

/* To be done when the output so far is with the kernel. */
struct shown {
	STAILQ_ENTRY(shown)	 entry;
	void			(*shown)(struct session *, const struct wbuf *);
	struct wbuf		 msg;
};

static void		on_line(struct bufio *, char *, size_t, void *);
static size_t		on_input(struct bufio *, char *, size_t, void *);
static void		on_closed(struct bufio *, int, void *);
static void		on_drained(struct bufio *, void *);
static void		count_out(const struct session *, size_t);
static int		too_long(const struct session *, const struct wbuf *,
			    const struct rbuf *);
static enum errcode	plain_code(const struct session *, enum errcode);

static const struct bufio_ops io_ops = {
	.line = on_line,
	.closed = on_closed,
	.drained = on_drained,
};

static const struct bufio_ops ws_ops = {
	.input = on_input,
	.closed = on_closed,
	.drained = on_drained,
};

struct session *
session_new(struct router *r, struct event_base *base, int fd, int ws)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->router = r;
	s->refs = 1;
	s->connected = time_mono_ms();
	s->last_seen = time_now_ms();
	TAILQ_INIT(&s->asked_by);
	TAILQ_INIT(&s->asks_of);
	TAILQ_INIT(&s->rooms);
	STAILQ_INIT(&s->shown);
	r->counters[ws ? COUNT_WEBSOCKET : COUNT_SOCKET]++;
	if (ws) {
		tcp_nodelay(fd);
		s->ws = wsconn_new(base, s);
	}
	s->io = bufio_new(base, fd, -1, ws ? &ws_ops : &io_ops, s);
	bufio_limits(s->io, LINE_MAX_EARLY, OUTPUT_MAX);
	registry_add(r->registry, s);
	return s;
}

struct session *
session_remote(struct router *r, struct hub *hub, const char *name)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->router = r;
	s->hub = hub;
	s->refs = 1;
	s->last_seen = time_now_ms();
	s->features = FEATURE_ANY | hub_features(hub);
	s->cwd = xstrdup("");
	s->git_branch = xstrdup("");
	s->host = xstrdup("");
	TAILQ_INIT(&s->asked_by);
	TAILQ_INIT(&s->asks_of);
	TAILQ_INIT(&s->rooms);
	STAILQ_INIT(&s->shown);
	strlcpy(s->name, name, sizeof(s->name));
	registry_add_remote(r->registry, s);
	return s;
}

struct session *
session_ref(struct session *s)
{
	s->refs++;
	return s;
}

void
session_unref(struct session *s)
{
	struct shown *e;

	if (--s->refs > 0)
		return;
	wsconn_free(s->ws);
	free(s->cwd);
	free(s->git_branch);
	free(s->host);
	while ((e = STAILQ_FIRST(&s->shown)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->shown, entry);
		wbuf_free(&e->msg);
		free(e);
	}
	free(s);
}

void
session_close(struct session *s, const char *why)
{
	struct router *r = s->router;

	if (s->state == SESSION_GONE)
		return;
	log_debug("session %s: %s", s->name[0] != '\0' ? s->name : "(new)",
	    why);
	if (s->state == SESSION_ONLINE)
		peers_left(s);
	if (s->ws != NULL)
		wsconn_closed(s->ws);
	bufio_free(s->io);
	s->io = NULL;
	registry_remove(r->registry, s);
	rooms_session_gone(r->rooms, s);
	asks_session_gone(r->asks, s);
	session_unref(s);
}

static void
on_line(struct bufio *io, char *line, size_t len, void *arg)
{
	(void)io;
	session_line(arg, line, len);
}

static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct session *s = session_ref(arg);
	size_t used;

	(void)io;
	used = wsconn_input(s->ws, p, n);
	session_unref(s);
	return used;
}

void
session_line(struct session *s, char *line, size_t len)
{
	s->router->counters[COUNT_LINES_IN]++;
	s->router->counters[COUNT_BYTES_IN] += len;
	s->last_seen = time_now_ms();
	s->awaited = 0;
	if (registry_alive(s->router->registry, s) == -1)
		return;
	request_line(s, line, len);
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct session *s = arg;

	(void)io;
	switch (err) {
	case 0:
		session_close(s, "left");
		break;
	case EMSGSIZE:
		s->router->counters[COUNT_CUT_LONG]++;
		session_close(s, "sent a line over the limit");
		break;
	case ENOBUFS:
		s->router->counters[COUNT_CUT_STUCK]++;
		session_close(s, "does not read what is sent to it");
		break;
	default:
		session_close(s, strerror(err));
	}
}

static void
on_drained(struct bufio *io, void *arg)
{
	struct session *s = arg;
	struct shown *e;

	(void)io;
	while ((e = STAILQ_FIRST(&s->shown)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->shown, entry);
		e->shown(s, &e->msg);
		wbuf_free(&e->msg);
		free(e);
		session_resume(s);
	}
}

void
session_when_shown(struct session *s,
    void (*shown)(struct session *, const struct wbuf *), struct wbuf *msg)
{
	struct shown *e;

	if (s->hub != NULL) {
		/* the other hub says when it has been */
		wbuf_free(msg);
		return;
	}
	e = xcalloc(1, sizeof(*e));
	e->shown = shown;
	e->msg = *msg;
	memset(msg, 0, sizeof(*msg));
	STAILQ_INSERT_TAIL(&s->shown, e, entry);
	session_pause(s);
}

void
session_pause(struct session *s)
{
	if (s->io != NULL)
		bufio_pause(s->io);
}

void
session_resume(struct session *s)
{
	if (s->io == NULL)
		return;
	s->resumed = time_mono_ms();
	bufio_resume(s->io);
	if (s->ws != NULL)
		wsconn_resume(s->ws);
}

void
session_limits(struct session *s, size_t in, size_t out)
{
	bufio_limits(s->io, in, out);
	if (s->ws != NULL)
		wsconn_limit(s->ws, in);
}

int
session_stuck(const struct session *s)
{
	return bufio_pending(s->io) > PUSH_MAX &&
	    bufio_stalled(s->io, STALL_MS);
}

int
session_unheard(const struct session *s, int64_t ms)
{
	return bufio_paused(s->io) || time_mono_ms() - s->resumed < ms;
}

static void
count_out(const struct session *s, size_t n)
{
	s->router->counters[COUNT_LINES_OUT]++;
	s->router->counters[COUNT_BYTES_OUT] += n;
}

void
session_write(struct session *s, const struct wbuf *w)
{
	static struct rbuf none;

	if (s->state == SESSION_GONE)
		return;
	if (s->hub != NULL) {
		(void)hub_forward(s, w, &none);
		return;
	}
	count_out(s, w->len);
	if (s->ws != NULL)
		wsconn_header(s->ws, w->len);
	bufio_write(s->io, wbuf_data(w), w->len);
}

int
session_push(struct session *s, struct rbuf *line)
{
	static const struct wbuf none;

	return session_pushv(s, &none, line);
}

int
session_pushv(struct session *s, const struct wbuf *head, struct rbuf *tail)
{
	if (s->state != SESSION_ONLINE)
		return -1;
	if (s->hub != NULL)
		return hub_forward(s, head, tail);
	if (bufio_pending(s->io) > PUSH_MAX || too_long(s, head, tail)) {
		s->router->counters[COUNT_NOT_PUSHED]++;
		return -1;
	}
	count_out(s, head->len + tail->len);
	if (s->ws != NULL)
		wsconn_header(s->ws, head->len + tail->len);
	if (head->len > 0)
		bufio_write(s->io, wbuf_data(head), head->len);
	bufio_write_rbuf(s->io, tail);
	return 0;
}

/* Without features: UTF-16 units in a line, bytes in a WebSocket message. */
static int
too_long(const struct session *s, const struct wbuf *head,
    const struct rbuf *tail)
{
	if (head->len + tail->len <= LINE_MAX_PLAIN ||
	    (s->features & FEATURE_ANY))
		return 0;
	return s->ws != NULL || utf16_units(wbuf_data(head), head->len) +
	    utf16_units(tail->data, tail->len) > LINE_MAX_PLAIN;
}

void
answer_begin(struct wbuf *w, const char *type, struct slice req_id)
{
	json_begin(w, '{');
	json_put_str(w, "type", type);
	if (req_id.p != NULL)
		json_put_raw(w, "req_id", req_id);
}

void
answer_end(struct session *s, struct wbuf *w)
{
	if ((s->features & FEATURE_RECEIPTS) && s->unread > 0)
		json_put_int(w, "unread", s->unread);
	json_end(w, '}');
	wbuf_add(w, "\n", 1);
	session_write(s, w);
	wbuf_free(w);
}

/* Clients that announced nothing do not know our own codes. */
static enum errcode
plain_code(const struct session *s, enum errcode e)
{
	if (s->features & FEATURE_ANY)
		return e;
	if (e == ERR_RATE_LIMITED)
		return ERR_UNEXPECTED;
	return e == ERR_TOO_LARGE ? ERR_BAD_MSG : e;
}

void
answer_err(struct session *s, struct slice req_id, enum errcode e,
    const char *message, struct slice ask_id)
{
	struct wbuf w = { 0 };

	s->router->errors[e]++;
	answer_begin(&w, "err", req_id);
	json_put_str(&w, "code", err_code(plain_code(s, e)));
	if (message != NULL)
		json_put_str(&w, "message", message);
	if (ask_id.len > 0)
		json_put_raw(&w, "ask_id", ask_id);
	answer_end(s, &w);
}

struct pending *
pending_new(struct session *s, struct slice req_id)
{
	struct pending *p = xcalloc(1, sizeof(*p) + req_id.len);

	p->session = session_ref(s);
	if (++s->npending > PENDING_HIGH && !s->held &&
	    s->state != SESSION_GONE) {
		s->held = 1;
		session_pause(s);
	}
	if (req_id.p != NULL) {
		memcpy(p->buf, req_id.p, req_id.len);
		p->req_id.p = p->buf;
		p->req_id.len = req_id.len;
	}
	return p;
}

void
pending_free(struct pending *p)
{
	struct session *s = p->session;

	if (--s->npending < PENDING_LOW && s->held) {
		s->held = 0;
		if (s->state != SESSION_GONE)
			session_resume(s);
	}
	session_unref(s);
	free(p);
}
