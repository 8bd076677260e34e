/* SPDX-License-Identifier: ISC */
/*
 * What is too old goes, in short steps, each in a transaction of the store's.
 */
#ifndef EXPIRE_H
#define EXPIRE_H

#include <stdint.h>

struct boxes;
struct conf;
struct outbox;
struct wbuf;

/* Zero when nothing is begun. */
struct expire {
	unsigned	 left;		/* what this round still has to do */
	int64_t		 pos, unseen_pos;
};

/*
 * Forgets what became of old messages, and takes out those that nobody reads,
 * or fetches, for as long as the configuration gives them.  1: the round goes
 * on, 0: it is done, -1: the database failed.  gone: see mailbox.h.
 */
int	expire_step(struct expire *, struct boxes *, struct outbox *,
	    const struct conf *, struct wbuf *gone);

#endif
