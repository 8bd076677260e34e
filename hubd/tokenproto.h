/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store about tokens of users, and what it answers:
 * the part of storeproto.h that has to do with them.
 */
#ifndef TOKENPROTO_H
#define TOKENPROTO_H

#include "storeproto.h"

#define TOKEN_BYTES	32
#define TOKEN_SIZE	(2 * TOKEN_BYTES + 1)	/* in hexadecimal digits */

/*
 * STORE_SET_TOKEN: the user's token from now on; unless renew, only if there
 * is none yet.  STORE_TOKEN, unasked at start, before STORE_UP: each that there
 * is.
 */
struct store_token {
	uint32_t	 owner;
	uint8_t		 renew;
	char		 token[TOKEN_SIZE];
};
/* STORE_TOKEN_SET: the one that holds now. */
struct store_token_set {
	enum store_status status;
	char		 token[TOKEN_SIZE];
};

STOREPROTO(store_token);
STOREPROTO(store_token_set);

#endif
