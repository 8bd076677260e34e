/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store about other hubs and the messages that wait
 * for them, and what it answers: the part of storeproto.h that has to do with
 * them.  Such a message comes as a STORE_APPEND whose receiver is name@hub.
 */
#ifndef OUTPROTO_H
#define OUTPROTO_H

#include "storeproto.h"

#define OUT_MAX		10000	/* messages that wait for one hub */

/*
 * STORE_NAME: at start; a session's, or one that only belongs to somebody, or
 * @ and that of a hub.
 */
struct store_name {
	uint32_t	 owner;		/* owner.h */
	uint8_t		 session;	/* there has been one of that name */
	char		 name[TARGET_SIZE];
};

/* STORE_OUT_LIST: what waits for that hub, behind the one numbered after. */
struct store_out_list {
	char		 hub[NAME_SIZE];
	int64_t		 after;
	uint32_t	 max_bytes;	/* the first always goes in */
};
/* STORE_OUT_LISTED: the next ones, in order; none: there are no more. */
struct store_out_listed {
	enum store_status status;
	uint32_t	 n;
	struct slice	 messages;	/* store_out_get() */
};
struct store_out {
	int64_t		 seq;		/* its number */
	int64_t		 ts;
	char		 to[TARGET_SIZE], from[TARGET_SIZE];
	char		 msg_id[MSG_ID_SIZE];
	uint8_t		 urgent;
	enum msg_kind	 kind;
	uint8_t		 has_reply_to;
	struct slice	 reply_to, text;	/* JSON strings, inside */
};

/*
 * STORE_OUT_MARK: what has become of a message to that hub: by its number if
 * it waits no longer, or by its sender, receiver and id later on.
 */
struct store_out_mark {
	char		 hub[NAME_SIZE];
	int64_t		 seq;			/* 0: by the three */
	char		 sender[NAME_SIZE];
	char		 peer[TARGET_SIZE];	/* name@hub */
	char		 msg_id[MSG_ID_SIZE];
	enum msg_state	 state;
};
/* STORE_OUT_MARKED is answered with struct store_marked (unread: 0). */

/* STORE_HUB: a link to that hub is up. */
struct store_hub {
	char		 hub[NAME_SIZE];
	int64_t		 now;
};
/* STORE_HUBS has no body.  STORE_HUB_LIST: n of these. */
struct store_hub_info {
	char		 hub[NAME_SIZE];
	uint32_t	 queued;	/* messages that wait for it */
	int64_t		 last_seen;	/* ms since 1970; 0: never linked */
};
struct store_hub_list {
	enum store_status status;
	uint32_t	 n;
	struct slice	 hubs;		/* store_hub_info_get() */
};

STOREPROTO(store_name);
STOREPROTO(store_out_list);
STOREPROTO(store_out_listed);
STOREPROTO(store_out_mark);
STOREPROTO(store_hub);
STOREPROTO(store_hub_list);

/* One element of a list; these do not ask for the end of the message. */
void	store_out_put(struct wbuf *, const struct store_out *);
int	store_out_get(struct reader *, struct store_out *);
void	store_hub_info_put(struct wbuf *, const struct store_hub_info *);
int	store_hub_info_get(struct reader *, struct store_hub_info *);

#endif
