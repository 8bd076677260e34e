/* SPDX-License-Identifier: ISC */
/*
 * What a process has used so far.
 */
#ifndef USAGE_H
#define USAGE_H

#include "buf.h"

/* Microseconds of CPU time; the most memory that was resident, in bytes. */
struct usage {
	uint64_t	 user, system, max_rss;
};

/* Of this process; zeros where the system does not say. */
void	usage_get(struct usage *);
/* Logs that. */
void	usage_log(void);

/* To be sent: the last or the only member of a message. */
#define USAGE_SIZE	24
void	usage_put(struct wbuf *, const struct usage *);
void	usage_read(struct reader *, struct usage *);

#endif
