/* SPDX-License-Identifier: ISC */
/*
 * Statistics of the store.
 */
#ifndef STORESTATS_H
#define STORESTATS_H

#include <stdint.h>

struct boxes;
struct db;
struct store_counts;

struct storestats {
	uint64_t	 requests, failures;	/* the store counts these */
	/* the messages in all mailboxes, as they were last counted */
	uint64_t	 messages, unread;
	int64_t		 counted, took;		/* monotonic ms; ms */
};

/* In a transaction: STORE_STATS; 0, or -1 if the database failed. */
int	storestats_get(struct storestats *, struct boxes *,
	    struct store_counts *);
void	storestats_log(const struct storestats *, const struct db *);

#endif
