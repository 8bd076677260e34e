/* SPDX-License-Identifier: ISC */
/*
 * A TCP connection to another hub: lines of JSON, in TLS or, where the
 * configuration allows it, as they are.
 */
#ifndef CONN_H
#define CONN_H

#include <stddef.h>
#include <stdint.h>

struct conn;
struct event_base;
struct psk;

struct conn_ops {
	/* Lines can be sent, and come from here on. */
	void	(*open)(struct conn *, void *);
	/* One line, without its newline.  May free the conn. */
	void	(*line)(struct conn *, const char *, size_t, void *);
	/* All output is with the kernel. */
	void	(*drained)(struct conn *, void *);
	/*
	 * It is over; why is for the log.  refused: the other end did not show
	 * that it knows the secret.  Free the conn here or later.
	 */
	void	(*closed)(struct conn *, const char *why, int refused, void *);
};

/* Takes over a connected socket.  psk NULL: in plaintext. */
struct conn	*conn_call(struct event_base *, int fd, struct psk *,
		    const char *listener, const struct conn_ops *, void *);
/* Takes over an accepted one, in plaintext only where that is allowed. */
struct conn	*conn_answer(struct event_base *, int fd, struct psk *,
		    int plaintext_too, const struct conn_ops *, void *);
/* Unsent output is dropped. */
void		 conn_free(struct conn *);
/* Bytes of a line that may come. */
void		 conn_limit(struct conn *, size_t);
/* Queues bytes; what a turn of the loop has queued goes out together. */
void		 conn_write(struct conn *, const void *, size_t);
size_t		 conn_pending(const struct conn *);
/* 1 if output has waited for that long and nothing of it was taken. */
int		 conn_stalled(const struct conn *, int64_t ms);
/* Stops (1) and resumes (0) reading. */
void		 conn_hold(struct conn *, int);
/* Hands to the kernel what it takes within that time. */
void		 conn_flush(struct conn *, int timeout_ms);
int		 conn_is_plaintext(const struct conn *);
/* The caller that TLS has authenticated; "" in plaintext. */
const char	*conn_caller(const struct conn *);
/* When something last came; monotonic ms. */
int64_t		 conn_heard(const struct conn *);

#endif
