/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket connection, either side of it.
 */
#include "compat.h"

#include <errno.h>
#include <ctype.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "bufio.h"
#include "linger.h"
#include "log.h"
#include "tcpsock.h"
#include "timeutil.h"
#include "tlsio.h"
#include "ws.h"
#include "wshttp.h"
#include "wsio.h"

#define RECORD		16384	/* bytes in one of TLS */
#define KEEP_CAP	4096	/* of an output buffer that is empty */
#define COPY_MAX	4096	/* a shorter part of a message is copied */
#define PONGS_MAX	1000	/* that wait to be sent */
#define WHY_SIZE	192

struct wsio {
	const struct wsio_ops *ops;
	void			*arg;
	struct event_base	*base;
	struct bufio		*io;
	struct event		*flush;
	struct tls		*tls;
	struct ws		 ws;
	struct wbuf		 in;		/* decrypted, not consumed */
	struct wbuf		 out;		/* to be encrypted */
	int64_t			 heard;
	enum ws_role		 role;
	char			*host, *path;	/* of a client, until asked */
	char			 key[WSHTTP_KEY_SIZE];
	char			 why[WHY_SIZE];
	int			 open, held, dead, depth;
	unsigned		 pongs;		/* since all was sent */
};

static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	on_drained(struct bufio *, void *);
static void	on_flush(evutil_socket_t, short, void *);
static void	flush(struct wsio *);
static void	output(const void *, size_t, void *);
static void	decrypt(struct wsio *, const char *, size_t);
static size_t	consume(struct wsio *, char *, size_t);
static void	consume_decrypted(struct wsio *);
static struct wsio	*wsio_new(struct event_base *, int, struct ssl_st *,
			    enum ws_role, const struct wsio_ops *, void *);
static size_t	answer(struct wsio *, const char *, size_t);
static size_t	answered(struct wsio *, const char *, size_t);
static void	ask(struct wsio *);
static void	write_masked(struct wsio *, const struct wsio_part *, size_t,
		    size_t);
static void	control(struct wsio *, enum ws_opcode, const void *, size_t);
static void	take(struct wsio *, struct ws_event *);
static void	put(struct wsio *, const void *, size_t);
static void	end(struct wsio *, unsigned, const char *);
static void	last_words(struct wsio *);
static void	leave(struct wsio *);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
	.drained = on_drained,
};

static struct wsio *
wsio_new(struct event_base *base, int fd, struct ssl_st *ssl,
    enum ws_role role, const struct wsio_ops *ops, void *arg)
{
	struct wsio *s = xcalloc(1, sizeof(*s));

	s->ops = ops;
	s->arg = arg;
	s->base = base;
	s->heard = time_mono_ms();
	s->role = role;
	ws_init(&s->ws, role, RECORD);
	tcp_nodelay(fd);
	if (ssl != NULL)
		s->tls = tls_new(ssl, output, s, NULL);
	if ((s->flush = event_new(base, -1, 0, on_flush, s)) == NULL)
		fatalx("event_new");
	s->io = bufio_new(base, fd, -1, &io_ops, s);
	bufio_limits(s->io, WSHTTP_MAX + RECORD, SIZE_MAX);
	return s;
}

struct wsio *
wsio_accept(struct event_base *base, int fd, struct ssl_st *ssl,
    const struct wsio_ops *ops, void *arg)
{
	return wsio_new(base, fd, ssl, WS_SERVER, ops, arg);
}

struct wsio *
wsio_call(struct event_base *base, int fd, struct ssl_st *ssl,
    const char *host, const char *path, const struct wsio_ops *ops, void *arg)
{
	struct wsio *s = wsio_new(base, fd, ssl, WS_CLIENT, ops, arg);

	s->host = xstrdup(host);
	s->path = xstrdup(path);
	if (ssl == NULL)
		ask(s);
	else
		(void)tls_read(s->tls, NULL, 0);
	return s;
}

void
wsio_owner(struct wsio *s, const struct wsio_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

void
wsio_free(struct wsio *s)
{
	if (s == NULL || s->dead)
		return;
	s->dead = 1;
	event_free(s->flush);
	bufio_free(s->io);
	s->io = NULL;
	if (s->depth == 0)
		leave(s);
}

/* Callbacks may free it; it goes when the outermost one returns. */
static void
leave(struct wsio *s)
{
	if (s->depth > 0)
		s->depth--;
	if (s->depth > 0 || !s->dead)
		return;
	tls_free(s->tls);
	ws_done(&s->ws);
	wbuf_free(&s->in);
	wbuf_free(&s->out);
	free(s->host);
	free(s->path);
	free(s);
}

static void
end(struct wsio *s, unsigned code, const char *why)
{
	if (!s->dead)
		s->ops->closed(s, code, why, s->arg);
}

static void
output(const void *p, size_t n, void *arg)
{
	struct wsio *s = arg;

	if (!s->dead)
		bufio_write(s->io, p, n);
}

static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct wsio *s = arg;
	size_t used = n;

	(void)io;
	s->depth++;
	s->heard = time_mono_ms();
	if (s->tls != NULL)
		decrypt(s, p, n);
	else
		used = consume(s, p, n);
	leave(s);
	return used;
}

/* One buffer is for all connections; what is not consumed is copied. */
static void
decrypt(struct wsio *s, const char *p, size_t n)
{
	static char plain[RECORD];
	size_t most = 0;
	ssize_t got = 0;

	tls_feed(s->tls, p, n);
	while (!s->dead &&
	    (got = tls_read(s->tls, plain, sizeof(plain))) > 0) {
		if (most < (size_t)got)
			most = (size_t)got;
		n = 0;
		if (s->in.len == 0 && !s->held)
			n = consume(s, plain, (size_t)got);
		if (s->dead || n == (size_t)got)
			continue;
		wbuf_add(&s->in, plain + n, (size_t)got - n);
		if (n == 0)
			consume_decrypted(s);
	}
	explicit_bzero(plain, most);
	if (s->dead)
		return;
	if (s->host != NULL && got == 0 && tls_done(s->tls))
		ask(s);
	if (got == -1) {
		(void)bufio_flush(s->io, 0);
		snprintf(s->why, sizeof(s->why), "TLS: %s",
		    tls_why(s->tls));
		end(s, WS_CLOSE_ABNORMAL, s->why);
	}
}

static void
consume_decrypted(struct wsio *s)
{
	size_t used;

	if (s->in.len == 0 || s->held)
		return;
	used = consume(s, s->in.rb->data, s->in.len);
	if (s->dead)
		return;
	s->in.len -= used;
	if (s->in.len == 0)
		wbuf_free(&s->in);
	else if (used > 0)
		memmove(s->in.rb->data, s->in.rb->data + used, s->in.len);
}

static size_t
consume(struct wsio *s, char *p, size_t n)
{
	struct ws_event ev;
	size_t used = 0;

	if (!s->open && (used = s->role == WS_SERVER ? answer(s, p, n) :
	    answered(s, p, n)) == 0)
		return 0;
	while (!s->dead && s->open && !s->held) {
		used += ws_read(&s->ws, p + used, n - used, &ev);
		if (ev.type == WS_MORE)
			break;
		take(s, &ev);
	}
	return used;
}

/* Plain HTTP requests are answered and closed. */
static size_t
answer(struct wsio *s, const char *p, size_t n)
{
	const char *text = "not a WebSocket request";
	struct wshttp_request r;
	struct wbuf w = { 0 };
	long used = wshttp_read(p, n, &r);
	int status;

	if (used == 0)
		return 0;
	status = used == -1 ? 400 : s->ops->request(&r, &text, s->arg);
	if (status == 0)
		wshttp_accept(&w, r.key);
	else
		wshttp_refuse(&w, status, text);
	put(s, wbuf_data(&w), w.len);
	wbuf_free(&w);
	if (status == 0) {
		s->open = 1;
		return (size_t)used;
	}
	last_words(s);
	end(s, WS_CLOSE_ABNORMAL, text);
	return n;
}

static void
ask(struct wsio *s)
{
	struct wbuf w = { 0 };

	wshttp_ask(&w, s->host, s->path, s->key);
	put(s, wbuf_data(&w), w.len);
	wbuf_free(&w);
	free(s->host);
	s->host = NULL;
}

static size_t
answered(struct wsio *s, const char *p, size_t n)
{
	static const char http[] = "HTTP/1.1 ";
	const char *code = p + sizeof(http) - 1;
	long used = wshttp_answer(p, n, s->key);

	if (used == 0)
		return 0;
	if (used == -1) {
		if (n > sizeof(http) + 3 &&
		    memcmp(p, http, sizeof(http) - 1) == 0 &&
		    isdigit((unsigned char)code[0]) &&
		    isdigit((unsigned char)code[1]) &&
		    isdigit((unsigned char)code[2]))
			snprintf(s->why, sizeof(s->why), "HTTP status %.3s in "
			    "place of a WebSocket", code);
		else
			snprintf(s->why, sizeof(s->why),
			    "no WebSocket is there");
		end(s, WS_CLOSE_ABNORMAL, s->why);
		return n;
	}
	s->open = 1;
	s->ops->open(s, s->arg);
	return (size_t)used;
}

static void
control(struct wsio *s, enum ws_opcode opcode, const void *p, size_t n)
{
	struct wbuf w = { 0 };

	ws_frame(&w, s->role, opcode, p, n);
	put(s, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

static void
take(struct wsio *s, struct ws_event *ev)
{
	struct wbuf w = { 0 };
	unsigned code = ev->code;

	switch (ev->type) {
	case WS_MORE:
		break;
	case WS_PONG:
		if (s->ops->pong != NULL)
			s->ops->pong(s, s->arg);
		break;
	case WS_MESSAGE:
		s->ops->message(s, ev->data, ev->len, s->arg);
		break;
	case WS_PING:
		/* section 5.5.3: not each ping must be answered */
		if (s->pongs++ < PONGS_MAX)
			control(s, WS_OP_PONG, ev->data, ev->len);
		break;
	case WS_BROKEN:
		ws_close_frame(&w, s->role, code, ev->why);
		put(s, wbuf_data(&w), w.len);
		last_words(s);
		end(s, WS_CLOSE_ABNORMAL, ev->why);
		break;
	case WS_CLOSED:
		/* section 5.5.1: the same code goes back */
		ws_close_frame(&w, s->role, code != WS_CLOSE_NO_CODE ? code :
		    WS_CLOSE_NORMAL, "");
		put(s, wbuf_data(&w), w.len);
		snprintf(s->why, sizeof(s->why), "%s%.*s", ev->len > 0 ? "" :
		    "closed by the other end", (int)ev->len, ev->data);
		log_printable(s->why);
		last_words(s);
		end(s, code, s->why);
		break;
	}
	wbuf_free(&w);
}

/* What is queued goes out, and the other end may read it. */
static void
last_words(struct wsio *s)
{
	if (s->dead)
		return;
	flush(s);
	(void)bufio_flush(s->io, 0);
	linger(s->base, bufio_fd(s->io));
}

void
wsio_close(struct wsio *s, unsigned code, const char *why)
{
	struct wbuf w = { 0 };

	if (s->dead)
		return;
	s->depth++;
	if (s->open) {
		ws_close_frame(&w, s->role, code, why);
		put(s, wbuf_data(&w), w.len);
		wbuf_free(&w);
		last_words(s);
	}
	wsio_free(s);
	leave(s);
}

static void
put(struct wsio *s, const void *p, size_t n)
{
	if (s->dead)
		return;
	if (s->tls == NULL) {
		bufio_write(s->io, p, n);
		return;
	}
	if (s->out.len + n >= RECORD && s->out.len > 0) {
		(void)tls_write(s->tls, wbuf_data(&s->out), s->out.len);
		wbuf_reset(&s->out);
	}
	if (n >= RECORD) {
		(void)tls_write(s->tls, p, n);
		return;
	}
	if (s->out.len == 0)
		event_active(s->flush, EV_WRITE, 0);
	wbuf_add(&s->out, p, n);
}

/* Small messages of one turn share a record; and reading goes on. */
static void
on_flush(evutil_socket_t fd, short ev, void *arg)
{
	struct wsio *s = arg;

	(void)fd;
	s->depth++;
	if (ev & EV_READ)
		consume_decrypted(s);
	flush(s);
	leave(s);
}

static void
flush(struct wsio *s)
{
	if (s->dead || s->out.len == 0)
		return;
	(void)tls_write(s->tls, wbuf_data(&s->out), s->out.len);
	wbuf_reset(&s->out);
	if (s->out.cap > KEEP_CAP)
		wbuf_free(&s->out);
}

void
wsio_write(struct wsio *s, const struct wbuf *head, struct rbuf *tail)
{
	struct wsio_part parts[2] = { { wbuf_data(head), head->len, NULL } };

	if (tail != NULL)
		parts[1] = (struct wsio_part){ tail->data, tail->len, tail };
	wsio_write_parts(s, parts, tail != NULL ? 2 : 1);
}

/* What is short is put together first: it goes out in one piece. */
void
wsio_write_parts(struct wsio *s, const struct wsio_part *parts, size_t n)
{
	char all[WS_HEADER_MAX + WSIO_PARTS_MAX * COPY_MAX];
	size_t i, len = 0, at;

	for (i = 0; i < n; i++)
		len += parts[i].len;
	if (s->dead || !s->open || n > WSIO_PARTS_MAX)
		return;
	if (s->role == WS_CLIENT) {
		write_masked(s, parts, n, len);
		return;
	}
	at = ws_header(all, WS_OP_TEXT, 1, len, NULL);
	for (i = 0; i < n; i++) {
		if (parts[i].len <= COPY_MAX) {
			memcpy(all + at, parts[i].p, parts[i].len);
			at += parts[i].len;
			continue;
		}
		put(s, all, at);
		at = 0;
		if (s->tls == NULL && parts[i].rb != NULL)
			bufio_write_part(s->io, parts[i].rb, parts[i].p,
			    parts[i].len);
		else
			put(s, parts[i].p, parts[i].len);
	}
	if (at > 0)
		put(s, all, at);
}

/* What goes by reference cannot be masked: it is copied. */
static void
write_masked(struct wsio *s, const struct wsio_part *parts, size_t n,
    size_t len)
{
	struct wbuf w = { 0 };
	uint8_t key[4];
	size_t i, at;

	random_bytes(key, sizeof(key));
	(void)wbuf_room(&w, WS_HEADER_MAX + len);
	w.len = at = ws_header(w.rb->data, WS_OP_TEXT, 1, len, key);
	for (i = 0; i < n; i++)
		wbuf_add(&w, parts[i].p, parts[i].len);
	ws_mask(w.rb->data + at, len, key, 0);
	put(s, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

void
wsio_ping(struct wsio *s)
{
	if (s->open)
		control(s, WS_OP_PING, "", 0);
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct wsio *s = arg;

	(void)io;
	s->depth++;
	end(s, WS_CLOSE_ABNORMAL, err == 0 ? "closed by the other end" :
	    err == EMSGSIZE ? "a request over the limit" : strerror(err));
	leave(s);
}

static void
on_drained(struct bufio *io, void *arg)
{
	struct wsio *s = arg;

	(void)io;
	s->pongs = 0;
	if (s->ops->drained == NULL || s->out.len > 0)
		return;
	s->depth++;
	s->ops->drained(s, s->arg);
	leave(s);
}

void
wsio_limit(struct wsio *s, size_t max)
{
	ws_limit(&s->ws, max);
}

void
wsio_unchecked(struct wsio *s)
{
	ws_unchecked(&s->ws);
}

struct rbuf *
wsio_take(struct wsio *s)
{
	return ws_take(&s->ws);
}

size_t
wsio_partial(const struct wsio *s)
{
	return s->ws.whole.len + s->in.len;
}

size_t
wsio_pending(const struct wsio *s)
{
	return bufio_pending(s->io) + s->out.len;
}

int
wsio_stalled(const struct wsio *s, int64_t ms)
{
	return bufio_stalled(s->io, ms);
}

void
wsio_hold(struct wsio *s, int hold)
{
	if (s->dead || hold == s->held)
		return;
	s->held = hold;
	if (hold) {
		bufio_pause(s->io);
		return;
	}
	bufio_resume(s->io);
	/* what was decrypted already */
	if (s->in.len > 0)
		event_active(s->flush, EV_READ, 0);
}

int64_t
wsio_heard(const struct wsio *s)
{
	return s->heard;
}

void
wsio_flush(struct wsio *s, int timeout_ms)
{
	if (s->dead)
		return;
	flush(s);
	(void)bufio_flush(s->io, timeout_ms);
}
