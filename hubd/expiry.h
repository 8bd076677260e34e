/* SPDX-License-Identifier: ISC */
/*
 * What the store forgets because it is too old, in rounds of short steps.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <stdint.h>

struct boxes;
struct conf;
struct outbox;
struct wbuf;

/* A round that is under way; all 0: none is. */
struct expiry {
	unsigned	 left;		/* what it has to do */
	int64_t		 old_pos, unseen_pos;
};

/*
 * Begins a round, or goes on with it.  gone is of mailbox.h.  1: there is more
 * to do, 0: the round is over, -1: the database failed.
 */
int	expiry_step(struct expiry *, struct boxes *, struct outbox *,
	    const struct conf *, struct wbuf *gone);

#endif
