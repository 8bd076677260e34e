/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket to a relay, called directly or through a proxy.
 */
#ifndef CALL_H
#define CALL_H

struct call;
struct ssl_ctx_st;
struct uplink;
struct wsio;
struct wsurl;

/*
 * Calls a relay; tls says whose certificates are good, and may be NULL for
 * ws://.  done is called once, and not before this returns: with a WebSocket,
 * for which it is to call wsio_owner(), or with NULL and why.  The call is
 * freed then.
 */
struct call	*call_new(struct uplink *, const struct wsurl *,
		    struct ssl_ctx_st *tls,
		    void (*done)(struct wsio *, const char *why, void *),
		    void *arg);
/* Gives up; done is not called. */
void		 call_free(struct call *);

#endif
