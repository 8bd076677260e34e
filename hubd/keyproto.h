/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store about the keys of other hubs, and what it
 * answers: the part of storeproto.h that has to do with them.
 */
#ifndef KEYPROTO_H
#define KEYPROTO_H

#include "linkproto.h"
#include "storeproto.h"

enum key_op {
	KEY_CHECK,		/* may the hub be linked that shows this key? */
	KEY_TRUST,		/* from now on it has this one, and no other */
	KEY_MAY_PAIR,		/* could it be trusted because of a code? */
	KEY_PAIR,		/* it is, if it can be */
	KEY_LINKED,		/* it has said so over the LAN; "": nothing */
	KEY_DISTRUST,		/* none is accepted until then */
	KEY_FORGET		/* nothing of the hub is known any more */
};

enum key_state {
	KEY_TRUSTED,
	KEY_PENDING,		/* shown, and somebody has to trust it first */
	KEY_REFUSED,		/* its hub is distrusted */
	KEY_AWAITED,		/* none: the hub is known by the LAN's secret */
	KEY_SEEN		/* trusted, but nothing else speaks for it */
};

/*
 * STORE_KEY.  An empty key of KEY_CHECK: is any of that hub known?  Of
 * KEY_TRUST: the pending one, or else the only one that is known.
 */
struct store_key {
	enum key_op	 op;
	char		 hub[NAME_SIZE];
	char		 key[LINK_KEY_SIZE];	/* 64 hexadecimal digits */
	uint8_t		 strict;		/* trust none at first sight */
	int64_t		 now;
};
/*
 * STORE_KEY_DONE.  KEY_TRUST: STORE_OTHER if no key of that hub has been seen,
 * or several are refused, STORE_FULL if too many hubs have one.  KEY_MAY_PAIR
 * and KEY_PAIR: STORE_OTHER if a code is not enough, for the hub of that id has
 * another key, or is known without one (strict, or by the LAN), or distrusted,
 * as the verdict says; this one is pending then.  KEY_LINKED likewise, but with
 * STORE_OK and KEY_CHANGED it has taken the place of one that was only seen.
 * KEY_FORGET: STORE_OTHER if nothing was known of it, STORE_FULL if messages
 * wait for the hub, so that it stays.
 */
struct store_key_done {
	enum store_status status;
	/* KEY_TRUST: KEY_CHANGED if another key was trusted until now */
	enum key_verdict verdict;
	char		 key[LINK_KEY_SIZE];	/* that is trusted */
};

/* STORE_KEYS has no body.  STORE_KEY_LIST: n of these, by hub. */
struct store_key_info {
	char		 hub[NAME_SIZE];
	char		 key[LINK_KEY_SIZE];	/* "": none has been seen */
	enum key_state	 state;
	int64_t		 first_seen;		/* or named; ms since 1970 */
	int64_t		 last_seen;		/* 0: never, only named */
};
struct store_key_list {
	enum store_status status;
	uint32_t	 n;
	struct slice	 keys;			/* store_key_info_get() */
};

STOREPROTO(store_key);
STOREPROTO(store_key_done);
STOREPROTO(store_key_list);

/* One element of a list; these do not ask for the end of the message. */
void	store_key_info_put(struct wbuf *, const struct store_key_info *);
int	store_key_info_get(struct reader *, struct store_key_info *);

#endif
