/* SPDX-License-Identifier: ISC */
/*
 * The tokens of users, as the store keeps them.
 */
#ifndef TOKENSTORE_H
#define TOKENSTORE_H

#include "tokenproto.h"

struct db;

/* 0, or -1: the database has failed. */
int	tokenstore_set(struct db *, const struct store_token *,
	    struct store_token_set *);
/* Calls the function with each. */
int	tokenstore_all(struct db *,
	    void (*)(const struct store_token *, void *), void *);

#endif
