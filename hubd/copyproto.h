/* SPDX-License-Identifier: ISC */
/*
 * A copy of the database, for hubctl backup: the part of storeproto.h that
 * has to do with it.  It takes its time, so that none of these is an answer in
 * the order of requests.
 */
#ifndef COPYPROTO_H
#define COPYPROTO_H

#include "storeproto.h"

/* STORE_BACKUP: a copy is wanted; 0: the one that is made is not any more. */
struct store_backup {
	uint32_t	 number;
};
/*
 * STORE_COPY, with a descriptor of the copy, to be read from its beginning; or
 * STORE_NO_COPY.  Nothing comes for one that was no longer wanted in time.
 */
struct store_copy {
	uint32_t	 number;	/* of the STORE_BACKUP */
	int64_t		 bytes;
	int64_t		 messages;	/* in mailboxes, and for other hubs */
	int64_t		 mailboxes;
	int64_t		 entries;	/* messages of groups */
	char		 why[128];	/* there is none */
};

STOREPROTO(store_backup);
STOREPROTO(store_copy);

#endif
