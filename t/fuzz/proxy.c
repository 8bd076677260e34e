/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any https_proxy and no_proxy (the first two lines), and any
 * bytes as what such a proxy answers, in pieces as long as the first of them
 * says.
 */
#include "compat.h"

#include <sys/socket.h>

#include <ctype.h>
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../relayd/proxy.h"

#define STEPS	64		/* pieces that a socket surely takes */

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct outcome {
	int	 done, fd;
};

static size_t	line(char *, size_t, const uint8_t *, size_t);
static void	on_done(int, const char *, void *);
static void	check_found(const struct proxy_addr *);
static void	answer(struct event_base *, const struct proxy_addr *,
		    const struct wsurl *, const uint8_t *, size_t);

/* The first line of it; returns the length with its newline. */
static size_t
line(char *dst, size_t size, const uint8_t *p, size_t n)
{
	const uint8_t *nl = n > 0 ? memchr(p, '\n', n) : NULL;
	size_t len = nl != NULL ? (size_t)(nl - p) : n;
	size_t kept = len < size ? len : size - 1;

	if (kept > 0)
		memcpy(dst, p, kept);
	dst[kept] = '\0';
	return nl != NULL ? len + 1 : len;
}

static void
on_done(int fd, const char *why, void *arg)
{
	struct outcome *o = arg;

	if (++o->done > 1 || (fd == -1) != (why != NULL))
		abort();
	o->fd = fd;
	for (; why != NULL && *why != '\0'; why++) {
		if (!isprint((unsigned char)*why))
			abort();
	}
}

static void
check_found(const struct proxy_addr *a)
{
	if (a->host[0] == '\0' || a->port == 0 || a->port > 65535 ||
	    strpbrk(a->host, " \t\r\n") != NULL)
		abort();
}

static void
answer(struct event_base *base, const struct proxy_addr *a,
    const struct wsurl *to, const uint8_t *p, size_t n)
{
	size_t i, len, step = n > 0 && p[0] > 0 ? p[0] : n;
	struct outcome o = { 0, -1 };
	struct proxy *x;
	int pair[2];

	if (step < n / STEPS)
		step = n / STEPS;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort();
	x = proxy_connect(base, pair[0], a, to, on_done, &o);
	for (i = 1; i < n && !o.done; i += len) {
		len = n - i < step ? n - i : step;
		(void)!send(pair[1], p + i, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	if (n % 2 == 0) {
		close(pair[1]);
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (!o.done)
			abort();
	}
	if (!o.done)
		proxy_free(x);
	if (o.fd != -1) {
		if (n < 13 || memcmp(p + 1, "HTTP/1.", 7) != 0 ||
		    p[10] != '2')
			abort();
		close(o.fd);
	}
	if (n % 2 != 0)
		close(pair[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct uplink_conf c;
	struct wsurl to = { 1, "relay.example", 443, "/" };
	struct proxy_addr a;
	size_t n;
	int r;

	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
	}
	n = line(c.https_proxy, sizeof(c.https_proxy), data, size);
	n += line(c.no_proxy, sizeof(c.no_proxy), data + n, size - n);
	r = proxy_find(&c, &to, &a);
	if (r == 1)
		check_found(&a);
	else if (r != 0 && r != -1)
		abort();
	answer(base, &a, &to, data + n, size - n);
	return 0;
}
