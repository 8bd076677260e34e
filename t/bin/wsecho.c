/* SPDX-License-Identifier: ISC */
/*
 * wsecho PORT: sends back every WebSocket message as it came, text or binary,
 * with the codec that the hub has; for conformance suites.  Port 0: any; it
 * prints "READY port" when it listens.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bufio.h"
#include "linger.h"
#include "log.h"
#include "tcpsock.h"
#include "ws.h"
#include "wshttp.h"

#define MESSAGE_MAX	(16 * 1024 * 1024)

struct echo {
	struct bufio	*io;
	struct ws	 ws;
	int		 open, gone;
};

static void	on_accept(evutil_socket_t, short, void *);
static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static size_t	handshake(struct echo *, const char *, size_t);
static void	answer(struct echo *, const struct ws_event *);
static void	end(struct echo *);
static int	port_of(int);

static const struct bufio_ops ops = {
	.input = on_input,
	.closed = on_closed,
};

static struct event_base *base;

int
main(int argc, char **argv)
{
	const char *err = NULL;
	struct event *ev;
	int port, fd;

	log_set_name("wsecho", NULL);
	port = argc == 2 ? (int)strtonum(argv[1], 0, 65535, &err) : -1;
	if (port == -1 || err != NULL) {
		fprintf(stderr, "usage: wsecho port\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if ((fd = tcp_listen("127.0.0.1", port)) == -1)
		fatal("port %d", port);
	if ((base = event_base_new()) == NULL || (ev = event_new(base, fd,
	    EV_READ | EV_PERSIST, on_accept, NULL)) == NULL ||
	    event_add(ev, NULL) == -1)
		fatalx("event_new");
	printf("READY %d\n", port_of(fd));
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}

static int
port_of(int fd)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);

	if (getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		fatal("getsockname");
	return ntohs(sin.sin_port);
}

static void
on_accept(evutil_socket_t sock, short ev, void *arg)
{
	int fd = accept(sock, NULL, NULL);
	struct echo *e;

	(void)ev;
	(void)arg;
	if (fd == -1)
		return;
	tcp_nodelay(fd);
	e = xcalloc(1, sizeof(*e));
	ws_init(&e->ws, WS_SERVER, MESSAGE_MAX);
	e->io = bufio_new(base, fd, -1, &ops, e);
	bufio_limits(e->io, WSHTTP_MAX, SIZE_MAX);
}

static size_t
handshake(struct echo *e, const char *p, size_t n)
{
	struct wshttp_request r;
	struct wbuf w = { 0 };
	long used = wshttp_read(p, n, &r);

	if (used == 0)
		return 0;
	e->open = used > 0 && r.upgrade;
	if (e->open)
		wshttp_accept(&w, r.key);
	else
		wshttp_refuse(&w, used > 0 ? 426 : 400, "WebSocket only");
	bufio_write(e->io, wbuf_data(&w), w.len);
	wbuf_free(&w);
	if (!e->open)
		end(e);
	return used > 0 ? (size_t)used : n;
}

static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct echo *e = arg;
	struct ws_event ev;
	size_t used = 0;

	(void)io;
	if (!e->open && (used = handshake(e, p, n)) == 0)
		return 0;
	while (!e->gone) {
		used += ws_read(&e->ws, p + used, n - used, &ev);
		if (ev.type == WS_MORE)
			break;
		answer(e, &ev);
	}
	if (e->gone) {
		ws_done(&e->ws);
		free(e);
	}
	return used;
}

static void
answer(struct echo *e, const struct ws_event *ev)
{
	struct wbuf w = { 0 };

	if (ev->type == WS_MESSAGE)
		ws_frame(&w, WS_SERVER, ev->opcode, ev->data, ev->len);
	else if (ev->type == WS_PING)
		ws_frame(&w, WS_SERVER, WS_OP_PONG, ev->data, ev->len);
	else if (ev->type == WS_BROKEN)
		ws_close_frame(&w, WS_SERVER, ev->code, ev->why);
	else if (ev->type == WS_CLOSED)
		ws_close_frame(&w, WS_SERVER, ev->code == WS_CLOSE_NO_CODE ?
		    WS_CLOSE_NORMAL : ev->code, "");
	bufio_write(e->io, wbuf_data(&w), w.len);
	wbuf_free(&w);
	if (ev->type == WS_BROKEN || ev->type == WS_CLOSED)
		end(e);
}

/* What waits is written first. */
static void
end(struct echo *e)
{
	(void)bufio_flush(e->io, 1000);
	linger(base, bufio_fd(e->io));
	bufio_free(e->io);
	e->gone = 1;
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct echo *e = arg;

	(void)err;
	bufio_free(io);
	ws_done(&e->ws);
	free(e);
}
