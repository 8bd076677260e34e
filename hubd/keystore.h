/* SPDX-License-Identifier: ISC */
/*
 * The keys of other hubs, as the store keeps them.
 */
#ifndef KEYSTORE_H
#define KEYSTORE_H

#include "keyproto.h"

struct db;

#define KEYSTORE_HUBS_MAX	4096	/* that have a key here */

/* 0, or -1: the database has failed. */
int	keystore_do(struct db *, const struct store_key *,
	    struct store_key_done *);
/* Adds all to the list, as many as one message takes. */
int	keystore_list(struct db *, struct store_key_list *, struct wbuf *);

#endif
