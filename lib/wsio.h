/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket connection (RFC 6455), either side of it, with TLS (wss) or
 * without: the HTTP request and its answer, whole messages, and what goes out.
 */
#ifndef WSIO_H
#define WSIO_H

#include "buf.h"

struct event_base;
struct ssl_st;
struct wsio;
struct wshttp_request;

struct wsio_ops {
	/*
	 * Of a server: a request.  0 makes it a WebSocket; else it is answered
	 * with that HTTP status and *text, and closed.
	 */
	int	(*request)(const struct wshttp_request *, const char **text,
		    void *);
	/* Of a client: messages can be sent from here on. */
	void	(*open)(struct wsio *, void *);
	/* One message; it may be changed.  May free the wsio. */
	void	(*message)(struct wsio *, char *, size_t, void *);
	/* The answer to a wsio_ping().  May be NULL. */
	void	(*pong)(struct wsio *, void *);
	/*
	 * The other end has gone, or is to be: nothing more comes.  code is
	 * that of its close frame, or WS_CLOSE_ABNORMAL; why is for the log.
	 * Free the wsio here or later.
	 */
	void	(*closed)(struct wsio *, unsigned code, const char *why,
		    void *);
	/* All output is with the kernel.  May be NULL. */
	void	(*drained)(struct wsio *, void *);
};

/* The server's side: takes over an accepted socket, and the SSL, if any. */
struct wsio	*wsio_accept(struct event_base *, int fd, struct ssl_st *,
		    const struct wsio_ops *, void *arg);
/*
 * The client's side: takes over a connected socket, and the SSL, if any, and
 * asks that host for that path.
 */
struct wsio	*wsio_call(struct event_base *, int fd, struct ssl_st *,
		    const char *host, const char *path,
		    const struct wsio_ops *, void *arg);
/* From here on another owner is called back. */
void		 wsio_owner(struct wsio *, const struct wsio_ops *, void *arg);
/* Unsent output is dropped. */
void		 wsio_free(struct wsio *);
/* Bytes of a message that may come. */
void		 wsio_limit(struct wsio *, size_t);
/* For whoever checks texts himself: they may be other than UTF-8. */
void		 wsio_unchecked(struct wsio *);
/*
 * In message(): what it was called with, from where it starts, if that lies
 * in a buffer of its own, which then belongs to the caller; else NULL.
 */
struct rbuf	*wsio_take(struct wsio *);

/* Of a message; rb: in which it lies, or NULL: then it is copied. */
struct wsio_part {
	const char	*p;
	size_t		 len;
	struct rbuf	*rb;
};

#define WSIO_PARTS_MAX	4
/* A text message in up to so many parts; long ones go by reference. */
void		 wsio_write_parts(struct wsio *, const struct wsio_part *,
		    size_t n);
/* The same in two parts, the second (or NULL) by reference. */
void		 wsio_write(struct wsio *, const struct wbuf *,
		    struct rbuf *);
void		 wsio_ping(struct wsio *);
/*
 * Says why and closes; closed is not called.  The wsio is freed.
 */
void		 wsio_close(struct wsio *, unsigned code,
		    const char *why);
/* Bytes of a message that is not complete. */
size_t		 wsio_partial(const struct wsio *);
/* Bytes that the kernel has not taken; since when nothing of them was. */
size_t		 wsio_pending(const struct wsio *);
int		 wsio_stalled(const struct wsio *, int64_t ms);
/* Stops (1) and resumes (0) reading. */
void		 wsio_hold(struct wsio *, int);
/* When something last came; monotonic ms. */
int64_t		 wsio_heard(const struct wsio *);
/* Hands to the kernel what it takes within that time. */
void		 wsio_flush(struct wsio *, int timeout_ms);

#endif
