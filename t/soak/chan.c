/* SPDX-License-Identifier: ISC */
/*
 * Connections of the soak.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "chan.h"
#include "client.h"
#include "unixsock.h"

#define CHUNK		65536
#define WS_MAX		(8 * 1024 * 1024)

static struct chan	*chan_new(int, int);
static void		 write_line(struct chan *, const char *, size_t);
static void		 split(struct chan *, void (*)(void *, const json_t *),
			    void *);
static void		 take_text(const char *, size_t,
			    void (*)(void *, const json_t *), void *);
static void		 frames(struct chan *, void (*)(void *,
			    const json_t *), void *);

static struct chan *
chan_new(int rfd, int wfd)
{
	struct chan	*c = xcalloc(1, sizeof(*c));

	c->rfd = rfd;
	c->wfd = wfd;
	fcntl(rfd, F_SETFL, O_NONBLOCK);
	fcntl(wfd, F_SETFL, O_NONBLOCK);
	fcntl(rfd, F_SETFD, FD_CLOEXEC);
	fcntl(wfd, F_SETFD, FD_CLOEXEC);
	return (c);
}

struct chan *
chan_unix(const char *path)
{
	int	fd = unix_connect(path);

	return (fd == -1 ? NULL : chan_new(fd, fd));
}

struct chan *
chan_pipes(int rfd, int wfd)
{
	return (chan_new(rfd, wfd));
}

struct chan *
chan_ws(int port, const char *token)
{
	int		 fd = port_call(port);
	struct chan	*c;

	if (fd == -1)
		return (NULL);
	c = chan_new(fd, fd);
	c->is_ws = 1;
	ws_init(&c->ws, WS_CLIENT, WS_MAX);
	wbuf_printf(&c->out, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n", port);
	c->request = c->out.len;
	chan_say(c, "{s:s}", "auth", token);
	return (c);
}

void
chan_close(struct chan *c, int reset)
{
	struct linger	l = { 1, 0 };

	if (c == NULL)
		return;
	if (reset && c->is_ws)
		setsockopt(c->rfd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	if (c->wfd != c->rfd)
		close(c->wfd);
	close(c->rfd);
	if (c->is_ws)
		ws_done(&c->ws);
	wbuf_free(&c->in);
	wbuf_free(&c->out);
	free(c);
}

static void
write_line(struct chan *c, const char *line, size_t len)
{
	if (c->is_ws) {
		ws_frame(&c->out, WS_CLIENT, WS_OP_TEXT, line, len);
	} else {
		wbuf_add(&c->out, line, len);
		wbuf_add(&c->out, "\n", 1);
	}
}

void
chan_send(struct chan *c, json_t *json)
{
	char	*text = json_dumps(json, JSON_COMPACT);

	want(text != NULL, "json_dumps");
	write_line(c, text, strlen(text));
	free(text);
	json_decref(json);
	chan_flush(c);
}

void
chan_say(struct chan *c, const char *fmt, ...)
{
	json_error_t	 err;
	json_t		*json;
	va_list		 ap;

	va_start(ap, fmt);
	json = json_vpack_ex(&err, 0, fmt, ap);
	va_end(ap);
	want(json != NULL, "json_pack %s: %s", fmt, err.text);
	chan_send(c, json);
}

size_t
chan_waiting(const struct chan *c)
{
	return (c->out.len - c->written);
}

void
chan_flush(struct chan *c)
{
	size_t	end = c->is_ws && !c->upgraded ? c->request : c->out.len;
	ssize_t	n;

	while (c->written < end && !c->eof) {
		n = write(c->wfd, wbuf_data(&c->out) + c->written,
		    end - c->written);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		/* that it has gone is found out by reading */
		if (n == -1)
			return;
		c->written += (size_t)n;
	}
	if (c->written == c->out.len) {
		wbuf_reset(&c->out);
		c->written = 0;
	}
}

static void
take_text(const char *p, size_t len, void (*fn)(void *, const json_t *),
    void *arg)
{
	json_t	*json;

	if (len == 0)
		return;
	json = json_loadb(p, len, JSON_ALLOW_NUL, NULL);
	want(json != NULL, "a line that is not JSON: %.200s", p);
	fn(arg, json);
	json_decref(json);
}

/* The function may close nothing: that is for later. */
static void
split(struct chan *c, void (*fn)(void *, const json_t *), void *arg)
{
	const char	*p = wbuf_data(&c->in), *end = p + c->in.len, *nl;
	size_t		 left;

	while ((nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		take_text(p, (size_t)(nl - p), fn, arg);
		p = nl + 1;
	}
	left = (size_t)(end - p);
	if (left < c->in.len) {
		memmove(wbuf_room(&c->in, 0) - c->in.len, p, left);
		c->in.len = left;
	}
}

static void
frames(struct chan *c, void (*fn)(void *, const json_t *), void *arg)
{
	struct ws_event	 ev;
	char		*p = c->in.rb->data, *body;
	size_t		 n = c->in.len, used;

	if (!c->upgraded) {
		body = memmem(p, n, "\r\n\r\n", 4);
		if (body == NULL)
			return;
		want(strncmp(p, "HTTP/1.1 101", 12) == 0, "not upgraded: %.*s",
		    (int)n, p);
		c->upgraded = 1;
		n -= (size_t)(body + 4 - p);
		p = body + 4;
	}
	do {
		used = ws_read(&c->ws, p, n, &ev);
		p += used;
		n -= used;
		if (ev.type == WS_MESSAGE)
			take_text(ev.data, ev.len, fn, arg);
		else if (ev.type == WS_PING)
			ws_frame(&c->out, WS_CLIENT, WS_OP_PONG, ev.data,
			    ev.len);
		else if (ev.type == WS_CLOSED || ev.type == WS_BROKEN)
			c->eof = 1;
	} while (ev.type != WS_MORE && !c->eof);
	memmove(c->in.rb->data, p, n);
	c->in.len = n;
}

void
chan_read(struct chan *c, void (*fn)(void *, const json_t *), void *arg)
{
	ssize_t	n = read(c->rfd, wbuf_room(&c->in, CHUNK), CHUNK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->eof = 1;
		return;
	}
	c->in.len += (size_t)n;
	if (c->is_ws)
		frames(c, fn, arg);
	else
		split(c, fn, arg);
	chan_flush(c);
}
