/* SPDX-License-Identifier: ISC */
/*
 * The router's side of the store: requests and, in the same order, answers.
 */
#ifndef STOREQ_H
#define STOREQ_H

#include "imsg.h"

struct event_base;
struct storeq;

struct storeq_ops {
	/*
	 * At start: a name that leads to another; STORE_NAME; STORE_TOKEN;
	 * the end.
	 */
	void	(*alias)(struct reader *, void *);
	void	(*name)(struct reader *, void *);
	void	(*token)(struct reader *, void *);
	void	(*up)(void *);
	/* STORE_EXPIRED */
	void	(*expired)(struct reader *, void *);
	/* STORE_COPY, STORE_NO_COPY */
	void	(*copy)(struct imsg *, void *);
	/* Too much is queued (1), or no longer (0). */
	void	(*full)(int, void *);
	/* The last answer has come. */
	void	(*idle)(void *);
};

/* Takes over fd, the socketpair to the store.  Losing it is fatal. */
struct storeq	*storeq_new(struct event_base *, int fd,
		    const struct storeq_ops *, void *arg);
void		 storeq_free(struct storeq *);
/*
 * Sends a request; answer is called with what comes back: the message is
 * checked to be of the type that belongs to the request.
 */
void		 storeq_ask(struct storeq *, enum imsg_type,
		    const struct wbuf *,
		    void (*answer)(struct imsg *, void *), void *arg);
/* A message that is not answered. */
void		 storeq_tell(struct storeq *, enum imsg_type,
		    const struct wbuf *);
/* Hands what is queued to the kernel, within that time. */
void		 storeq_flush(struct storeq *, int timeout_ms);
/* Requests not yet answered. */
size_t		 storeq_waiting(const struct storeq *);

#endif
