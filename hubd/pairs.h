/* SPDX-License-Identifier: ISC */
/*
 * The parent's part in pairing (pairproto.h): it hands on what the router asks
 * and the uplink answers, and keeps the relay that was joined.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdint.h>

struct conf;
struct imsg;
struct imsgbuf;
struct pairs;

struct pairs_ops {
	/* The router; NULL: it is gone. */
	struct imsgbuf	*(*router)(void *);
	/* The uplink, started if need be; NULL: it cannot be. */
	struct imsgbuf	*(*uplink)(void *);
	/* The configuration has another relay: the uplink is to know. */
	void		 (*joined)(void *);
};

/* Relays are added to that configuration. */
struct pairs	*pairs_new(struct conf *, const struct pairs_ops *, void *);
void		 pairs_free(struct pairs *);
/* Of the router; the body is checked. */
void		 pairs_ask(struct pairs *, struct imsg *);
/* Nobody waits for the answer any more; uplink NULL: none runs. */
void		 pairs_cancel(struct pairs *, uint32_t id,
		    struct imsgbuf *uplink);
/* Of the uplink; -1 if it is not what it should be. */
int		 pairs_answer(struct pairs *, struct imsg *);
/* 1 if the hub is joining a relay: the uplink is needed. */
int		 pairs_busy(const struct pairs *);
/* The uplink has ended, and all that it was asked. */
void		 pairs_gone(struct pairs *);

#endif
