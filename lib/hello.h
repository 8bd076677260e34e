/* SPDX-License-Identifier: ISC */
/*
 * The two lines with which a link begins: bridge_hello of the caller and
 * bridge_welcome of the listener (protocol.md section 2).  Between two of our
 * own hubs both may carry `check`: a person wants to know whether the two
 * could talk; the listener says what time it has (`now`) and closes.  In TLS
 * each says its `key`, by which the other will know it behind a relay.
 */
#ifndef HELLO_H
#define HELLO_H

#include "buf.h"
#include "lanconf.h"
#include "linkproto.h"
#include "names.h"

#define HELLO_MAX	(1024 * 1024)	/* bytes */
#define HELLO_PEERS_MAX	500

struct hello {
	char	 hub_id[NAME_SIZE];
	char	 secret[LAN_SECRET_SIZE];	/* zeroes behind it */
	int	 check;
	int64_t	 now;			/* ms since 1970; 0: it did not say */
	char	 key[LINK_KEY_SIZE];	/* by which relays know it; or "" */
};

/* Each reads one; NULL, or what is wrong with it. */
const char	*hello_get(struct hello *, const char *, size_t);
const char	*welcome_get(struct hello *, const char *, size_t);
/* Each appends one, with its newline. */
void		 hello_put(struct wbuf *, const struct hello *);
void		 welcome_put(struct wbuf *, const struct hello *);

#endif
