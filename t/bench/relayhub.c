/* SPDX-License-Identifier: ISC */
/*
 * Hubs of a relay that is measured: they connect, say hello, and count what
 * they get.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench.h"
#include "log.h"
#include "relayhub.h"
#include "tcpsock.h"

static int	dial(int);
static ssize_t	some(struct end *, void *, size_t);
static size_t	header(const char *, size_t, uint64_t *);

static int
dial(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int64_t until = now_ns() + RELAY_WAIT_MS * INT64_C(1000000);
	int fd;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	do {
		if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
			return -1;
		if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0) {
			tcp_nodelay(fd);
			return fd;
		}
		close(fd);
		sleep_ms(10);
	} while (now_ns() < until);
	return -1;
}

static ssize_t
some(struct end *e, void *p, size_t n)
{
	int r;

	if (e->ssl == NULL)
		return read(e->fd, p, n);
	r = SSL_read(e->ssl, p, (int)n);
	return r > 0 ? r : 0;
}

int
end_write(struct end *e, const void *p, size_t n)
{
	if (e->ssl != NULL)
		return SSL_write(e->ssl, p, (int)n) == (int)n ? 0 : -1;
	return write(e->fd, p, n) == (ssize_t)n ? 0 : -1;
}

int
end_open(struct end *e, int port, SSL_CTX *tls, size_t cap)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	int lines = 0;
	char c;

	memset(e, 0, sizeof(*e));
	if ((e->fd = dial(port)) == -1)
		return -1;
	ws_init(&e->ws, WS_CLIENT, SIZE_MAX);
	e->cap = cap;
	e->buf = xmalloc(e->cap);
	if (tls != NULL && ((e->ssl = SSL_new(tls)) == NULL ||
	    SSL_set_fd(e->ssl, e->fd) != 1 || SSL_connect(e->ssl) != 1))
		return -1;
	if (end_write(e, ask, sizeof(ask) - 1) == -1)
		return -1;
	while (lines < 2 && some(e, &c, 1) == 1)
		lines = c == '\n' ? lines + 1 : c == '\r' ? lines : 0;
	return lines == 2 ? 0 : -1;
}

int
hub_open(struct end *e, int port, SSL_CTX *tls, const char *id, size_t cap)
{
	struct wbuf w = { 0 };
	char hello[256];
	int n;

	if (end_open(e, port, tls, cap) == -1)
		return -1;
	n = snprintf(hello, sizeof(hello), "{\"type\":\"bridge_hello\","
	    "\"hub_id\":\"%s\",\"secret\":\"benchmarks\","
	    "\"protocol_version\":\"5\",\"peers\":[]}", id);
	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, hello, (size_t)n);
	n = end_write(e, wbuf_data(&w), w.len);
	wbuf_free(&w);
	return n == -1 ? -1 : end_wait(e);
}

int
end_wait(struct end *e)
{
	struct pollfd pfd = { .fd = e->fd, .events = POLLIN };
	uint64_t n = 0;

	while (n == 0) {
		if (poll(&pfd, 1, RELAY_WAIT_MS) != 1 ||
		    end_read(e, &n) == -1) {
			log_warnx("the relay does not answer");
			return -1;
		}
	}
	return 0;
}

int
end_read(struct end *e, uint64_t *messages)
{
	struct ws_event ev;
	size_t used = 0;
	ssize_t n = some(e, e->buf + e->len, e->cap - e->len);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		return -1;
	if (n > 0)
		e->len += (size_t)n;
	do {
		used += ws_read(&e->ws, e->buf + used, e->len - used, &ev);
		if (ev.type == WS_MESSAGE)
			(*messages)++;
		else if (ev.type == WS_CLOSED || ev.type == WS_BROKEN)
			return -1;
	} while (ev.type != WS_MORE);
	e->len -= used;
	memmove(e->buf, e->buf + used, e->len);
	return 0;
}

/* The length of a frame's header and its payload; 0: more is to come. */
static size_t
header(const char *p, size_t n, uint64_t *payload)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t nlen, i;

	if (n < 2)
		return 0;
	nlen = b[1] == 126 ? 2 : b[1] == 127 ? 8 : 0;
	if (n < 2 + nlen)
		return 0;
	*payload = nlen == 0 ? b[1] : 0;
	for (i = 0; i < nlen; i++)
		*payload = *payload << 8 | b[2 + i];
	return 2 + nlen;
}

int
end_skip(struct end *e, uint64_t *messages)
{
	size_t used = 0, n;
	ssize_t got = some(e, e->buf + e->len, e->cap - e->len);

	if (got == 0 || (got == -1 && errno != EAGAIN && errno != EINTR))
		return -1;
	if (got > 0)
		e->len += (size_t)got;
	for (;;) {
		n = e->len - used < e->left ? e->len - used : (size_t)e->left;
		used += n;
		e->left -= n;
		if (n > 0 && e->left == 0 && e->text)
			(*messages)++;
		if (e->left > 0 || (n = header(e->buf + used, e->len - used,
		    &e->left)) == 0)
			break;
		e->text = (uint8_t)e->buf[used] == 0x81;
		used += n;
	}
	e->len -= used;
	memmove(e->buf, e->buf + used, e->len);
	return 0;
}

void
end_close(struct end *e)
{
	SSL_free(e->ssl);
	if (e->fd > 0)
		close(e->fd);
	ws_done(&e->ws);
	free(e->buf);
	memset(e, 0, sizeof(*e));
}
