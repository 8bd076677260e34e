/* SPDX-License-Identifier: ISC */
/*
 * The server's side of a WebSocket connection (RFC 6455), with TLS (wss) or
 * without: the HTTP request, whole messages, and what goes out.
 */
#ifndef WSSERVER_H
#define WSSERVER_H

#include "buf.h"

struct event_base;
struct ssl_st;
struct wsserver;
struct wshttp_request;

struct wsserver_ops {
	/*
	 * A request: 0 makes it a WebSocket; else it is answered with that
	 * HTTP status and *text, and closed.
	 */
	int	(*request)(const struct wshttp_request *, const char **text,
		    void *);
	/* One message; it may be changed.  May free the wsserver. */
	void	(*message)(struct wsserver *, char *, size_t, void *);
	/* The answer to a wsserver_ping().  May be NULL. */
	void	(*pong)(struct wsserver *, void *);
	/*
	 * The other end has gone, or is to be: nothing more comes.  Free the
	 * wsserver here or later.
	 */
	void	(*closed)(struct wsserver *, const char *why, void *);
	/* All output is with the kernel.  May be NULL. */
	void	(*drained)(struct wsserver *, void *);
};

/* Takes over an accepted socket, and the SSL, if there is one. */
struct wsserver	*wsserver_new(struct event_base *, int fd, struct ssl_st *,
		    const struct wsserver_ops *, void *arg);
/* Unsent output is dropped. */
void		 wsserver_free(struct wsserver *);
/* Bytes of a message that may come. */
void		 wsserver_limit(struct wsserver *, size_t);
/* A text message in two parts, the second (or NULL) by reference. */
void		 wsserver_write(struct wsserver *, const struct wbuf *,
		    struct rbuf *);
void		 wsserver_ping(struct wsserver *);
/*
 * Says why and closes; closed is not called.  The wsserver is freed.
 */
void		 wsserver_close(struct wsserver *, unsigned code,
		    const char *why);
/* Bytes that the kernel has not taken; since when nothing of them was. */
size_t		 wsserver_pending(const struct wsserver *);
int		 wsserver_stalled(const struct wsserver *, int64_t ms);
/* Stops (1) and resumes (0) reading. */
void		 wsserver_hold(struct wsserver *, int);
/* When something last came; monotonic ms. */
int64_t		 wsserver_heard(const struct wsserver *);
/* Hands to the kernel what it takes within that time. */
void		 wsserver_flush(struct wsserver *, int timeout_ms);

#endif
