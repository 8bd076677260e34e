/* SPDX-License-Identifier: ISC */
/*
 * The host's side: lines on stdin, lines on stdout.
 */
#include "compat.h"

#include <stdlib.h>

#include "bufio.h"
#include "host.h"
#include "log.h"

#define FLUSH_MS	200

struct host {
	struct bufio		*io;
	struct host_ops		 ops;
	void			*arg;
	int			 paused;
	int			 skipping;	/* the rest of a long line */
	size_t			 scanned;	/* bytes without a newline */
};

static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	on_drained(struct bufio *, void *);
static int	is_busy(struct host *);
static void	show(struct host *, char *, size_t);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
	.drained = on_drained,
};

struct host *
host_new(struct event_base *base, int rfd, int wfd,
    const struct host_ops *ops, void *arg)
{
	struct host *h = xcalloc(1, sizeof(*h));

	h->ops = *ops;
	h->arg = arg;
	h->io = bufio_new(base, rfd, wfd, &io_ops, h);
	return h;
}

void
host_free(struct host *h)
{
	(void)bufio_flush(h->io, FLUSH_MS);
	bufio_free(h->io);
	free(h);
}

void
host_write(struct host *h, const char *p, size_t len)
{
	bufio_write(h->io, p, len);
}

size_t
host_backlog(const struct host *h)
{
	return bufio_pending(h->io);
}

static int
is_busy(struct host *h)
{
	return host_backlog(h) > HOST_BACKLOG || h->ops.busy(h->arg);
}

void
host_check(struct host *h)
{
	if (!h->paused || is_busy(h))
		return;
	h->paused = 0;
	bufio_resume(h->io);
}

static void
on_drained(struct bufio *io, void *arg)
{
	(void)io;
	host_check(arg);
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct host *h = arg;

	(void)io;
	log_debug("the host is gone: %s", err == 0 ? "end of file" :
	    strerror(err));
	h->ops.closed(h->arg);
}

static void
show(struct host *h, char *p, size_t len)
{
	if (len > 0 && p[len - 1] == '\r')
		len--;
	if (h->skipping || len > HOST_LINE_MAX)
		h->ops.overlong(h->arg);
	else if (len > 0)
		h->ops.line(p, len, h->arg);
	h->skipping = 0;
}

/* A line that is too long is skipped, so that the session goes on. */
static size_t
on_input(struct bufio *io, char *p, size_t len, void *arg)
{
	struct host *h = arg;
	size_t off = 0;
	char *nl;

	while (off < len) {
		if (is_busy(h)) {
			h->paused = 1;
			bufio_pause(io);
			break;
		}
		nl = memchr(p + off + h->scanned, '\n',
		    len - off - h->scanned);
		if (nl == NULL) {
			h->scanned = len - off;
			break;
		}
		h->scanned = 0;
		show(h, p + off, (size_t)(nl - (p + off)));
		off = (size_t)(nl - p) + 1;
	}
	if (!h->paused && (h->skipping || len - off > HOST_LINE_MAX)) {
		h->skipping = 1;
		h->scanned = 0;
		off = len;
	}
	return off;
}
