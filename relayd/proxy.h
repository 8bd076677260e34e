/* SPDX-License-Identifier: ISC */
/*
 * HTTP proxies that connect through to other hosts (RFC 9110 section 9.3.6),
 * as https_proxy, http_proxy and no_proxy name them.
 */
#ifndef PROXY_H
#define PROXY_H

#include "uplinkconf.h"

struct event_base;
struct proxy;

struct proxy_addr {
	char		 host[WSURL_HOST_SIZE];
	uint32_t	 port;
	char		 user[256];	/* user:password, or "" */
};

/*
 * The proxy for that host, with TLS or not: 1; 0 if none is to be used; -1 if
 * what the variable says is no proxy that can be used.
 */
int		 proxy_find(const struct uplink_conf *, const struct wsurl *,
		    struct proxy_addr *);
/*
 * Takes over a socket that is connected to the proxy, and asks it for the
 * host.  done is called once: with the socket, which it owns; or with -1, and
 * why.  The proxy is freed then.
 */
struct proxy	*proxy_connect(struct event_base *, int fd,
		    const struct proxy_addr *, const struct wsurl *,
		    void (*done)(int fd, const char *why, void *), void *arg);
/* Gives up; done is not called. */
void		 proxy_free(struct proxy *);

#endif
