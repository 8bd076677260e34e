/* SPDX-License-Identifier: ISC */
/*
 * ws:// and wss:// URLs (RFC 6455 section 3).
 */
#ifndef WSURL_H
#define WSURL_H

#include "buf.h"

#define WSURL_HOST_SIZE	256
#define WSURL_PATH_SIZE	512

struct wsurl {
	int		 tls;			/* wss */
	char		 host[WSURL_HOST_SIZE];	/* without brackets */
	uint32_t	 port;			/* 0: it has none */
	char		 path[WSURL_PATH_SIZE];	/* with the query */
};

/* 0, or -1: it is something else, or too long. */
int	wsurl_parse(const char *, struct wsurl *);
/*
 * Reads host[:port] as it stands in any URL, up to its path, and moves on to
 * that; 0 or -1.
 */
int	wsurl_authority(const char **, char *host, size_t, uint32_t *port);

#endif
