/* SPDX-License-Identifier: ISC */
/*
 * HTTP proxies that connect through to other hosts.
 */
#include "compat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base64.h"
#include "bufio.h"
#include "proxy.h"
#include "tcpsock.h"

#define ANSWER_MAX	8192
#define PORT		80	/* where the variable has none */
#define STATUS		9	/* where it stands: HTTP/1.1 200 */
#define WHY_SIZE	128

struct proxy {
	struct bufio	*io;
	void		(*done)(int, const char *, void *);
	void		*arg;
};

static int	excluded(const char *, const char *);
static int	read_user(const char **, char *, size_t);
static int	status_of(const char *, size_t);
static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	end(struct proxy *, int, const char *);
static void	put_user(struct wbuf *, const char *);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
};

/* no_proxy: names, and domains with all that is in them; `*' is all. */
static int
excluded(const char *list, const char *host)
{
	size_t n, len = strlen(host);
	int number = tcp_is_address(host);
	const char *tail;

	for (; *list != '\0'; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == 1 && *list == '*')
			return 1;
		if (n > 0 && *list == '.') {
			list++;
			n--;
		}
		if (n == 0 || n > len)
			continue;
		tail = host + (len - n);
		if (strncasecmp(tail, list, n) == 0 &&
		    (tail == host || (!number && tail[-1] == '.')))
			return 1;
	}
	return 0;
}

/* user:password@, with %XX as URLs have it; moves on behind it. */
static int
read_user(const char **url, char *dst, size_t size)
{
	const char *p = *url, *at = strchr(p, '@');
	const char *slash = strchr(p, '/');
	char hex[3] = "";
	size_t n = 0;

	dst[0] = '\0';
	if (at == NULL || (slash != NULL && slash < at))
		return 0;
	for (; p < at; n++) {
		if (n + 1 >= size)
			return -1;
		if (*p == '%' && isxdigit((unsigned char)p[1]) &&
		    isxdigit((unsigned char)p[2])) {
			memcpy(hex, p + 1, 2);
			dst[n] = (char)strtoul(hex, NULL, 16);
			p += 3;
		} else {
			dst[n] = *p++;
		}
		if (dst[n] == '\0')
			return -1;
	}
	dst[n] = '\0';
	*url = at + 1;
	return 0;
}

int
proxy_find(const struct uplink_conf *c, const struct wsurl *to,
    struct proxy_addr *a)
{
	const char *url = to->tls ? c->https_proxy : c->http_proxy;

	memset(a, 0, sizeof(*a));
	if (url[0] == '\0' || excluded(c->no_proxy, to->host))
		return 0;
	if (strncasecmp(url, "http://", 7) == 0)
		url += 7;
	else if (strstr(url, "://") != NULL)
		return -1;
	if (read_user(&url, a->user, sizeof(a->user)) == -1 ||
	    wsurl_authority(&url, a->host, sizeof(a->host), &a->port) == -1)
		return -1;
	if (a->port == 0)
		a->port = PORT;
	return 1;
}

struct proxy *
proxy_connect(struct event_base *base, int fd, const struct proxy_addr *a,
    const struct wsurl *to, void (*done)(int, const char *, void *),
    void *arg)
{
	struct proxy *x = xcalloc(1, sizeof(*x));
	int six = strchr(to->host, ':') != NULL;
	struct wbuf w = { 0 };

	x->done = done;
	x->arg = arg;
	x->io = bufio_new(base, fd, -1, &io_ops, x);
	bufio_limits(x->io, ANSWER_MAX, SIZE_MAX);
	wbuf_printf(&w, "CONNECT %s%s%s:%u HTTP/1.1\r\n"
	    "Host: %s%s%s:%u\r\n", six ? "[" : "", to->host, six ? "]" : "",
	    to->port, six ? "[" : "", to->host, six ? "]" : "", to->port);
	if (a->user[0] != '\0')
		put_user(&w, a->user);
	wbuf_adds(&w, "\r\n");
	bufio_write(x->io, wbuf_data(&w), w.len);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	return x;
}

/* RFC 7617. */
static void
put_user(struct wbuf *w, const char *user)
{
	wbuf_adds(w, "Proxy-Authorization: Basic ");
	base64_put(w, user, strlen(user));
	wbuf_adds(w, "\r\n");
}

void
proxy_free(struct proxy *x)
{
	bufio_free(x->io);
	free(x);
}

static void
end(struct proxy *x, int fd, const char *why)
{
	void (*done)(int, const char *, void *) = x->done;
	void *arg = x->arg;

	proxy_free(x);
	done(fd, why, arg);
}

/* That of an answer of HTTP/1.0 or 1.1; -1: it is something else. */
static int
status_of(const char *p, size_t n)
{
	static const char http[] = "HTTP/1.";
	int i, status = 0;

	if (n < STATUS + 3 || memcmp(p, http, sizeof(http) - 1) != 0 ||
	    p[STATUS - 1] != ' ')
		return -1;
	for (i = STATUS; i < STATUS + 3; i++) {
		if (!isdigit((unsigned char)p[i]))
			return -1;
		status = status * 10 + p[i] - '0';
	}
	return status;
}

/* Nothing follows the empty line before we speak. */
static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct proxy *x = arg;
	char why[WHY_SIZE];
	int fd, status;

	if (memmem(p, n, "\r\n\r\n", 4) == NULL)
		return 0;
	if ((status = status_of(p, n)) == -1) {
		end(x, -1, "the proxy does not speak HTTP");
	} else if (status / 100 != 2) {
		snprintf(why, sizeof(why), "the proxy refuses: HTTP status "
		    "%d", status);
		end(x, -1, why);
	} else if ((fd = fcntl(bufio_fd(io), F_DUPFD_CLOEXEC, 0)) == -1) {
		end(x, -1, strerror(errno));
	} else {
		end(x, fd, NULL);
	}
	return n;
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	(void)io;
	end(arg, -1, err == 0 ? "closed by the proxy" : err == EMSGSIZE ?
	    "the proxy's answer is too long" : strerror(err));
}
