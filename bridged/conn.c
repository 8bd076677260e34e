/* SPDX-License-Identifier: ISC */
/*
 * A TCP connection to another hub.
 */
#include "compat.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "buf.h"
#include "bufio.h"
#include "conn.h"
#include "log.h"
#include "psk.h"
#include "tcpsock.h"
#include "timeutil.h"

#define RECORD		16384	/* bytes in one of TLS */
#define KEEP_CAP	(256 * 1024)	/* of an input buffer, empty */
#define TLS_HANDSHAKE	0x16	/* RFC 8446 section 5.1 */
/* the kernel's own look whether the other end is still there */
#define KEEPALIVE_IDLE	15	/* s; and 3 probes 8 s apart */
#define KEEPALIVE_STEP	8
#define KEEPALIVE_TRIES	3

enum mode { UNKNOWN, PLAIN, TLS };

struct conn {
	const struct conn_ops	*ops;
	void			*arg;
	struct bufio		*io;
	struct event		*flush;
	struct psk		*psk;
	struct tls		*tls;
	struct wbuf		 in;		/* decrypted */
	size_t			 scanned;	/* of it, without a newline */
	struct wbuf		 out;		/* to be encrypted */
	size_t			 max_line;
	int64_t			 heard;
	enum mode		 mode;
	int			 plaintext_too, open, held, dead, depth;
};

static struct conn	*conn_new(struct event_base *, int, struct psk *,
			    const struct conn_ops *, void *);
static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	on_drained(struct bufio *, void *);
static void	on_flush(evutil_socket_t, short, void *);
static int	begin(struct conn *, char);
static void	opened(struct conn *);
static size_t	plain_lines(struct conn *, const char *, size_t);
static size_t	lines(struct conn *, const char *, size_t, size_t);
static void	decrypt(struct conn *, const char *, size_t);
static void	encrypt(struct conn *, const void *, size_t);
static void	output(const void *, size_t, void *);
static void	failed(struct conn *, const char *, int);
static void	enter(struct conn *);
static void	leave(struct conn *);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
	.drained = on_drained,
};

static struct conn *
conn_new(struct event_base *base, int fd, struct psk *psk,
    const struct conn_ops *ops, void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->ops = ops;
	c->arg = arg;
	c->psk = psk;
	c->heard = time_mono_ms();
	c->max_line = SIZE_MAX;
	tcp_nodelay(fd);
	tcp_keepalive(fd, KEEPALIVE_IDLE, KEEPALIVE_STEP, KEEPALIVE_TRIES);
	if ((c->flush = event_new(base, -1, 0, on_flush, c)) == NULL)
		fatalx("event_new");
	c->io = bufio_new(base, fd, -1, &io_ops, c);
	return c;
}

struct conn *
conn_call(struct event_base *base, int fd, struct psk *psk,
    const char *listener, const struct conn_ops *ops, void *arg)
{
	struct conn *c = conn_new(base, fd, psk, ops, arg);

	c->mode = psk != NULL ? TLS : PLAIN;
	if (psk != NULL) {
		c->tls = psk_call(psk, listener, output, c);
		(void)tls_read(c->tls, NULL, 0);
	} else {
		/* not before the caller has the conn */
		event_active(c->flush, EV_WRITE, 0);
	}
	return c;
}

struct conn *
conn_answer(struct event_base *base, int fd, struct psk *psk,
    int plaintext_too, const struct conn_ops *ops, void *arg)
{
	struct conn *c = conn_new(base, fd, psk, ops, arg);

	c->plaintext_too = plaintext_too;
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL || c->dead)
		return;
	c->dead = 1;
	event_free(c->flush);
	bufio_free(c->io);
	c->io = NULL;
	if (c->depth == 0)
		leave(c);
}

/* Callbacks may free the conn; it goes when the outermost one returns. */
static void
enter(struct conn *c)
{
	c->depth++;
}

static void
leave(struct conn *c)
{
	if (c->depth > 0)
		c->depth--;
	if (c->depth > 0 || !c->dead)
		return;
	tls_free(c->tls);
	if (c->in.rb != NULL)
		explicit_bzero(c->in.rb->data, c->in.len);
	wbuf_free(&c->in);
	wbuf_free(&c->out);
	free(c);
}

static void
failed(struct conn *c, const char *why, int refused)
{
	if (!c->dead)
		c->ops->closed(c, why, refused, c->arg);
}

static void
opened(struct conn *c)
{
	c->open = 1;
	c->ops->open(c, c->arg);
}

/* The first byte says what is spoken; -1: that is not allowed. */
static int
begin(struct conn *c, char first)
{
	if (first == TLS_HANDSHAKE) {
		c->mode = TLS;
		c->tls = psk_answer(c->psk, output, c);
		return 0;
	}
	if (first != '{' || !c->plaintext_too)
		return -1;
	c->mode = PLAIN;
	opened(c);
	return 0;
}

static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct conn *c = arg;
	size_t used = n;

	(void)io;
	enter(c);
	c->heard = time_mono_ms();
	if (c->mode == UNKNOWN && begin(c, p[0]) == -1)
		failed(c, p[0] == '{' ? "plaintext, which is not allowed" :
		    "not a hub", 1);
	else if (c->mode == TLS && !c->dead)
		decrypt(c, p, n);
	else if (c->mode == PLAIN && !c->dead)
		used = plain_lines(c, p, n);
	leave(c);
	return used;
}

/* What was left of the last time has been looked through. */
static size_t
plain_lines(struct conn *c, const char *p, size_t n)
{
	size_t used = lines(c, p, n, c->scanned);

	if (!c->dead)
		c->scanned = n - used;
	return used;
}

/* Shows the complete lines of p[n]; returns the bytes they had. */
static size_t
lines(struct conn *c, const char *p, size_t n, size_t scanned)
{
	size_t off = 0, len;
	const char *nl;

	while (off < n && !c->dead) {
		nl = memchr(p + off + scanned, '\n', n - off - scanned);
		len = nl != NULL ? (size_t)(nl - (p + off)) : n - off;
		if (len > c->max_line) {
			failed(c, "a line over the limit", 0);
			break;
		}
		if (nl == NULL)
			break;
		scanned = 0;
		off += len + 1;
		if (len > 0)
			c->ops->line(c, nl - len, len, c->arg);
	}
	return off;
}

static void
decrypt(struct conn *c, const char *p, size_t n)
{
	ssize_t got = 0;
	size_t used;

	tls_feed(c->tls, p, n);
	while (!c->dead) {
		got = tls_read(c->tls, wbuf_room(&c->in, RECORD), RECORD);
		if (!c->open && got >= 0 && tls_done(c->tls)) {
			if (!psk_proved(c->tls)) {
				got = -1;
				break;
			}
			opened(c);
		}
		if (c->dead || got <= 0)
			break;
		c->in.len += (size_t)got;
		used = lines(c, wbuf_data(&c->in), c->in.len, c->scanned);
		if (c->dead)
			break;
		c->in.len -= used;
		if (used > 0 && c->in.len > 0)
			memmove(c->in.rb->data, c->in.rb->data + used,
			    c->in.len);
		c->scanned = c->in.len;
	}
	if (c->dead)
		return;
	if (c->in.len == 0 && c->in.cap > KEEP_CAP)
		wbuf_free(&c->in);
	if (got != -1)
		return;
	/* the other end is to know why */
	(void)bufio_flush(c->io, 0);
	failed(c, c->open ? "TLS was ended" :
	    "the secret is not the same, or it is another hub", !c->open);
}

static void
output(const void *p, size_t n, void *arg)
{
	struct conn *c = arg;

	if (!c->dead)
		bufio_write(c->io, p, n);
}

static void
encrypt(struct conn *c, const void *p, size_t n)
{
	/* that it is broken is seen when it is read from */
	if (tls_write(c->tls, p, n) == -1)
		log_debug("TLS: nothing more can be written");
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->dead || !c->open)
		return;
	if (c->mode == PLAIN) {
		bufio_write(c->io, p, n);
		return;
	}
	if (c->out.len + n >= RECORD && c->out.len > 0) {
		encrypt(c, wbuf_data(&c->out), c->out.len);
		wbuf_reset(&c->out);
	}
	if (n >= RECORD) {
		encrypt(c, p, n);
		return;
	}
	if (c->out.len == 0)
		event_active(c->flush, EV_WRITE, 0);
	wbuf_add(&c->out, p, n);
}

static void
on_flush(evutil_socket_t fd, short ev, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)ev;
	enter(c);
	if (c->mode == PLAIN && !c->open)
		opened(c);
	if (!c->dead && c->out.len > 0) {
		encrypt(c, wbuf_data(&c->out), c->out.len);
		wbuf_reset(&c->out);
	}
	leave(c);
}

void
conn_flush(struct conn *c, int timeout_ms)
{
	if (c->dead)
		return;
	on_flush(-1, 0, c);
	if (!c->dead)
		(void)bufio_flush(c->io, timeout_ms);
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct conn *c = arg;

	(void)io;
	enter(c);
	/* a listener that does not like the key says so and closes */
	failed(c, err == 0 ? "closed by the other end" : err == EMSGSIZE ?
	    "a line over the limit" : strerror(err), 0);
	leave(c);
}

static void
on_drained(struct bufio *io, void *arg)
{
	struct conn *c = arg;

	(void)io;
	if (!c->open)
		return;
	enter(c);
	c->ops->drained(c, c->arg);
	leave(c);
}

void
conn_limit(struct conn *c, size_t max_line)
{
	c->max_line = max_line;
	if (!c->dead)
		bufio_limits(c->io, max_line + RECORD, SIZE_MAX);
}

size_t
conn_pending(const struct conn *c)
{
	return bufio_pending(c->io) + c->out.len;
}

int
conn_stalled(const struct conn *c, int64_t ms)
{
	return bufio_stalled(c->io, ms);
}

void
conn_hold(struct conn *c, int hold)
{
	if (hold == c->held || c->dead)
		return;
	c->held = hold;
	if (hold)
		bufio_pause(c->io);
	else
		bufio_resume(c->io);
}

int
conn_is_plaintext(const struct conn *c)
{
	return c->mode == PLAIN;
}

const char *
conn_caller(const struct conn *c)
{
	return c->tls != NULL ? psk_caller(c->tls) : "";
}

int64_t
conn_heard(const struct conn *c)
{
	return c->heard;
}
