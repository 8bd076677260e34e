/* SPDX-License-Identifier: ISC */
/*
 * The opening handshake of WebSocket (RFC 6455 section 4), both sides, as
 * parsers and writers without I/O.
 */
#ifndef WSHTTP_H
#define WSHTTP_H

#include <stddef.h>

#include "buf.h"

#define WSHTTP_MAX	4096	/* bytes of a request or an answer */
#define WSHTTP_KEY_SIZE	25	/* 16 bytes in base64 */
#define WSHTTP_CLOSE_AUTH	4003	/* a wrong token (protocol.md) */

struct wshttp_request {
	struct slice	 method, target;
	struct slice	 host, origin;	/* p NULL: not there */
	struct slice	 key;		/* Sec-WebSocket-Key */
	int		 upgrade;	/* it asks for WebSocket, version 13 */
};

/*
 * Reads a request up to the empty line behind it; the slices point into p.
 * Returns its length, 0 if there is more to come, or -1: not HTTP/1.1, a
 * header line that is none, or longer than WSHTTP_MAX.
 */
long	wshttp_read(const char *p, size_t n, struct wshttp_request *);
/* The answer that makes the connection a WebSocket: 101. */
void	wshttp_accept(struct wbuf *, struct slice key);
/* Any other answer, after which the connection is closed. */
void	wshttp_refuse(struct wbuf *, int status, const char *text);
/* A client's request, with a new key. */
void	wshttp_ask(struct wbuf *, const char *host, const char *path,
	    char key[WSHTTP_KEY_SIZE]);
/*
 * Reads the answer to it.  Returns its length, 0 if there is more to come, or
 * -1: not a 101 that has this key's digest.
 */
long	wshttp_answer(const char *p, size_t n, const char *key);
/* 1 if a Host header names this machine's loopback, with any port. */
int	wshttp_is_loopback(struct slice host);

#endif
