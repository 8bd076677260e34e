/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket to a relay, called directly or through a proxy.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "call.h"
#include "dial.h"
#include "log.h"
#include "proxy.h"
#include "tcpsock.h"
#include "timeutil.h"
#include "uplink.h"
#include "wsio.h"

#define HANDSHAKE_MS	5000	/* from TCP to the WebSocket */
#define UNSENT_MAX	(128 * 1024)	/* bytes that the kernel takes */

struct call {
	struct uplink		*uplink;
	struct wsurl		 to;
	struct ssl_ctx_st	*tls;
	struct proxy_addr	 proxy_addr;
	int			 by_proxy;
	struct dial		*dial;
	struct proxy		*proxy;
	struct wsio		*ws;
	struct event		*timer;
	const char		*late;		/* what it is called then */
	void			(*done)(struct wsio *, const char *, void *);
	void			*arg;
};

static void	end(struct call *, struct wsio *, const char *);
static void	on_timer(evutil_socket_t, short, void *);
static void	arm(struct call *, int, const char *);
static void	on_dialed(int, const char *, void *);
static void	on_proxied(int, const char *, void *);
static SSL	*new_ssl(struct call *);
static void	shake(struct call *, int);
static void	on_open(struct wsio *, void *);
static void	on_closed(struct wsio *, unsigned, const char *, void *);

/* It has another owner before there are messages. */
static const struct wsio_ops ws_ops = {
	.open = on_open,
	.closed = on_closed,
};

struct call *
call_new(struct uplink *u, const struct wsurl *to, struct ssl_ctx_st *tls,
    void (*done)(struct wsio *, const char *, void *), void *arg)
{
	struct call *c = xcalloc(1, sizeof(*c));
	int r = proxy_find(&u->conf, to, &c->proxy_addr);

	c->uplink = u;
	c->to = *to;
	/* it may be replaced meanwhile */
	if (tls != NULL)
		SSL_CTX_up_ref(tls);
	c->tls = tls;
	c->done = done;
	c->arg = arg;
	c->by_proxy = r == 1;
	if ((c->timer = evtimer_new(u->base, on_timer, c)) == NULL)
		fatalx("evtimer_new");
	if (r == -1)
		arm(c, 0, to->tls ? "https_proxy is not http://HOST:PORT" :
		    "http_proxy is not http://HOST:PORT");
	else if (to->tls && tls == NULL)
		arm(c, 0, "there are no CA certificates to check it with");
	else if (c->by_proxy)
		c->dial = dial(u->dialer, c->proxy_addr.host,
		    c->proxy_addr.port, on_dialed, c);
	else
		c->dial = dial(u->dialer, c->to.host, c->to.port, on_dialed,
		    c);
	return c;
}

void
call_free(struct call *c)
{
	if (c == NULL)
		return;
	if (c->dial != NULL)
		dial_stop(c->dial);
	if (c->proxy != NULL)
		proxy_free(c->proxy);
	wsio_free(c->ws);
	event_free(c->timer);
	SSL_CTX_free(c->tls);
	explicit_bzero(&c->proxy_addr, sizeof(c->proxy_addr));
	free(c);
}

static void
end(struct call *c, struct wsio *ws, const char *why)
{
	void (*done)(struct wsio *, const char *, void *) = c->done;
	void *arg = c->arg;

	if (ws != NULL)
		c->ws = NULL;
	call_free(c);
	done(ws, why, arg);
}

static void
arm(struct call *c, int ms, const char *why)
{
	struct timeval tv = time_tv(ms);

	c->late = why;
	evtimer_add(c->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)ev;
	end(c, NULL, c->late);
}

static void
on_dialed(int fd, const char *text, void *arg)
{
	struct call *c = arg;
	char why[LINK_WHY_SIZE];

	c->dial = NULL;
	if (fd == -1 && c->by_proxy) {
		snprintf(why, sizeof(why), "proxy %.100s: %.100s",
		    c->proxy_addr.host, text);
		end(c, NULL, why);
		return;
	}
	if (fd == -1) {
		end(c, NULL, text);
		return;
	}
	arm(c, HANDSHAKE_MS, c->by_proxy ?
	    "no answer of the proxy within 5 seconds" :
	    "no handshake within 5 seconds");
	if (c->by_proxy)
		c->proxy = proxy_connect(c->uplink->base, fd, &c->proxy_addr,
		    &c->to, on_proxied, c);
	else
		shake(c, fd);
}

static void
on_proxied(int fd, const char *why, void *arg)
{
	struct call *c = arg;

	c->proxy = NULL;
	if (fd == -1) {
		end(c, NULL, why);
		return;
	}
	arm(c, HANDSHAKE_MS, "no handshake within 5 seconds");
	shake(c, fd);
}

/* The certificate must be that host's. */
static SSL *
new_ssl(struct call *c)
{
	char *host = c->to.host;
	SSL *ssl = SSL_new(c->tls);
	int number = tcp_is_address(host);

	if (ssl == NULL || (number ? X509_VERIFY_PARAM_set1_ip_asc(
	    SSL_get0_param(ssl), host) : SSL_set1_host(ssl, host)) != 1 ||
	    (!number && SSL_set_tlsext_host_name(ssl, host) != 1)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

static void
shake(struct call *c, int fd)
{
	const struct wsurl *to = &c->to;
	char host[WSURL_HOST_SIZE + 16];
	int six = strchr(to->host, ':') != NULL;
	SSL *ssl = NULL;

	/* all that comes later waits for it, long on a slow path */
	tcp_unsent(fd, UNSENT_MAX);
	if (to->tls && (ssl = new_ssl(c)) == NULL) {
		close(fd);
		end(c, NULL, "TLS cannot be begun");
		return;
	}
	snprintf(host, sizeof(host), "%s%s%s", six ? "[" : "", to->host,
	    six ? "]" : "");
	if (to->port != (to->tls ? UPLINK_PORT_TLS : UPLINK_PORT))
		snprintf(host + strlen(host), sizeof(host) - strlen(host),
		    ":%u", to->port);
	c->ws = wsio_call(c->uplink->base, fd, ssl, host, to->path, &ws_ops,
	    c);
}

static void
on_open(struct wsio *ws, void *arg)
{
	end(arg, ws, NULL);
}

static void
on_closed(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	(void)ws;
	(void)code;
	end(arg, NULL, why);
}
