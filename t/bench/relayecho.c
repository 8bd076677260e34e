/* SPDX-License-Identifier: ISC */
/*
 * The least that a relay could do: a WebSocket each message of which is sent
 * back, in a process of its own, blocking.
 */
#include "compat.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "relayhub.h"
#include "tcpsock.h"
#include "wshttp.h"

#define BUF_SIZE	65536

static int	handshake(int, char *);
static void	serve(int);

static int
handshake(int fd, char *buf)
{
	struct wshttp_request q;
	struct wbuf w = { 0 };
	size_t len = 0;
	ssize_t n;
	int r = -1;

	while ((n = read(fd, buf + len, BUF_SIZE - len)) > 0) {
		len += (size_t)n;
		if (wshttp_read(buf, len, &q) > 0) {
			wshttp_accept(&w, q.key);
			r = write(fd, wbuf_data(&w), w.len) ==
			    (ssize_t)w.len ? 0 : -1;
			break;
		}
	}
	wbuf_free(&w);
	return r;
}

static void
serve(int fd)
{
	char *buf = malloc(BUF_SIZE);
	struct wbuf w = { 0 };
	struct ws_event ev;
	size_t len = 0, used;
	struct ws ws;
	ssize_t n;

	tcp_nodelay(fd);
	ws_init(&ws, WS_SERVER, BUF_SIZE);
	if (buf == NULL || handshake(fd, buf) == -1)
		return;
	while ((n = read(fd, buf + len, BUF_SIZE - len)) > 0) {
		len += (size_t)n;
		used = 0;
		do {
			used += ws_read(&ws, buf + used, len - used, &ev);
			if (ev.type == WS_MESSAGE)
				ws_frame(&w, WS_SERVER, ev.opcode, ev.data,
				    ev.len);
		} while (ev.type != WS_MORE && !ws.ended);
		len -= used;
		memmove(buf, buf + used, len);
		if (w.len > 0 && write(fd, wbuf_data(&w), w.len) !=
		    (ssize_t)w.len)
			return;
		wbuf_reset(&w);
	}
}

pid_t
echo_start(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid = -1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd != -1 && bind(fd, (struct sockaddr *)&sin, len) == 0 &&
	    listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0)
		pid = fork();
	if (pid == 0) {
		serve(accept(fd, NULL, NULL));
		_exit(0);
	}
	*port = ntohs(sin.sin_port);
	if (fd != -1)
		close(fd);
	return pid;
}
