/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: bytes from a broken or hostile process reach an imsg reader.
 * The first byte says who sends them to whom.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	on_message(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	quiet(enum log_level, const char *, void *);

static const struct imsg_ops ops = {
	.dispatch = on_message,
	.closed = on_closed,
};

static void
on_message(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	const struct imsg_row *row = &imsg_rows[m->type];

	(void)ib;
	(void)arg;
	/* what is handed on keeps to the table */
	if (row->name == NULL || m->body->len < row->min ||
	    m->body->len > row->max || (m->fd != -1) != row->fd)
		abort();
	(void)get_slice(&m->rd);
	(void)get_u64(&m->rd);
	(void)get_rest(&m->rd);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct imsgbuf **which = arg;

	(void)err;
	imsg_free(ib);
	*which = NULL;
}

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct imsgbuf *ib;
	enum proc_id me, peer;
	size_t off, n;
	int fds[2];

	if (size < 1)
		return 0;
	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
		log_to_fn(quiet, NULL);
	}
	me = (enum proc_id)(data[0] % PROC_MAX);
	peer = (enum proc_id)(data[0] / PROC_MAX % PROC_MAX);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return 0;
	ib = imsg_new(base, fds[0], me, peer, &ops, &ib);
	for (off = 1; off < size && ib != NULL; off += n) {
		n = data[off] % 64u + 1;	/* pieces of any length */
		if (n > size - off)
			n = size - off;
		if (write(fds[1], data + off, n) != (ssize_t)n)
			break;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	close(fds[1]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	imsg_free(ib);
	return 0;
}
