/* SPDX-License-Identifier: ISC */
/*
 * What the router is told of the store and of the other processes, for its
 * statistics.
 */
#ifndef STATPROTO_H
#define STATPROTO_H

#include "storeproto.h"
#include "usage.h"

/* stats.c has a row for each, in the same order. */
enum store_stat {
	STAT_REQUESTS,
	STAT_COMMITS,		/* that have changed something */
	STAT_COMMIT_TIME,	/* of all; microseconds */
	STAT_COMMIT_MAX,	/* of the slowest one; likewise */
	STAT_FAILURES,		/* transactions that were undone */
	STAT_FILE_SIZE,		/* of relay.db; bytes */
	STAT_LOG_SIZE,		/* of relay.db-wal */
	STAT_MAILBOXES,
	STAT_MESSAGES,		/* in them */
	STAT_UNREAD,
	STORE_STATS_MAX
};

/* STORE_STATS has no body.  STORE_COUNTS: */
struct store_counts {
	enum store_status status;	/* if it is not STORE_OK: no values */
	uint64_t	 v[STORE_STATS_MAX];
};

/* PROC_USAGE has no body.  PROC_USED_ALL: u32 n, and n of these. */
struct proc_used {
	char		 process[16];	/* "parent", or its role */
	int64_t		 started;	/* ms since 1970 */
	uint32_t	 restarts;	/* of this hub's life */
	struct usage	 usage;		/* as it was when it last answered */
};

STOREPROTO(store_counts);

/* One element of a list; these do not ask for the end of the message. */
void	proc_used_put(struct wbuf *, const struct proc_used *);
int	proc_used_get(struct reader *, struct proc_used *);

#endif
