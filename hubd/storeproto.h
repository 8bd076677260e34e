/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store and what the store answers, as structs with
 * a writer and a reader each.  Slices point into the message.  Every request
 * but STORE_GONE is answered, in the order in which they were asked, and only
 * when what it changed is on disk.
 */
#ifndef STOREPROTO_H
#define STOREPROTO_H

#include "buf.h"
#include "names.h"

/* What has become of a message (protocol.md, receipts). */
enum msg_state {
	MSG_ACCEPTED,		/* stored */
	MSG_PUSHED,		/* written to its receiver's connection */
	MSG_RECEIVED,		/* the host has been given it */
	MSG_SEEN,		/* the model has read or answered it */
	MSG_EXPIRED		/* gone from the mailbox unread */
};

enum msg_kind {
	KIND_INFO,
	KIND_REQUEST,
	KIND_RESPONSE
};

enum store_status {
	STORE_OK,
	STORE_REPEAT,		/* this sender's msg_id is stored already */
	STORE_OTHER,		/* it is, for another receiver */
	STORE_FULL,		/* limit of mailboxes */
	STORE_TAKEN,		/* the name is another user's */
	STORE_FAILED		/* disk: nothing has changed */
};

/* "accepted" ... "expired"; "info" ... "response" */
const char	*msg_state_name(enum msg_state);
const char	*msg_kind_name(enum msg_kind);
/* The kind of that name, or -1. */
int		 msg_kind_of(struct slice);

/* A change of state that the sender of a message may want to hear of. */
struct store_receipt {
	char		 sender[TARGET_SIZE];
	char		 peer[TARGET_SIZE];	/* the receiver */
	char		 msg_id[MSG_ID_SIZE];
	enum msg_state	 state;
};

/*
 * STORE_REGISTER: a session has this name now; an alias of it ends.  A name,
 * or what it is an alias of, that is another user's is STORE_TAKEN.
 */
struct store_register {
	char		 name[NAME_SIZE];
	uint32_t	 owner;			/* owner.h */
	struct slice	 cwd, git_branch, host;	/* UTF-8, not escaped */
	uint32_t	 pid;			/* 0: unknown */
	int64_t		 started, now;		/* ms; started 0: unknown */
};
/* STORE_REGISTERED */
struct store_registered {
	enum store_status status;
	uint32_t	 unread;
};
/* STORE_GONE, not answered: it was last heard of then. */
struct store_gone {
	char		 name[NAME_SIZE];
	int64_t		 now;
};
/*
 * STORE_RENAME: mailbox, messages sent and everything else that belongs to
 * the old name go to the new one; a mailbox that is there is merged by time,
 * unless it is another user's: STORE_TAKEN.
 * The old name becomes an alias of the new one.  Both may be name@hub; with
 * an empty old name the new one is somebody's own now, and no alias any more.
 */
struct store_rename {
	char		 from[TARGET_SIZE], to[TARGET_SIZE];
	uint32_t	 owner;		/* of both */
	int64_t		 now;
};
/* STORE_RENAMED, answered with struct store_registered */

/* STORE_APPEND */
struct store_append {
	char		 to[TARGET_SIZE], from[TARGET_SIZE];
	char		 msg_id[MSG_ID_SIZE];
	uint32_t	 owner, to_owner;	/* whose from and to are */
	int64_t		 ts;
	uint8_t		 pushed;	/* it will be: the receiver is online */
	uint8_t		 urgent;
	enum msg_kind	 kind;
	uint8_t		 has_reply_to;
	struct slice	 reply_to;	/* a JSON string without its quotes */
	struct slice	 text;		/* likewise; the rest of the message */
};
/* STORE_APPENDED */
struct store_appended {
	enum store_status status;
	uint32_t	 unread;	/* of the receiver's mailbox */
	/* of a repeated one; accepted if nobody knows that it was pushed */
	enum msg_state	 state;
	uint8_t		 push;		/* if so: it is to be pushed now */
	int64_t		 seq;		/* to another hub: its number */
	uint8_t		 has_expired;	/* it pushed out one not yet seen */
	struct store_receipt expired;
};

enum inbox_mode {
	INBOX_UNSEEN,		/* those not yet seen, oldest first */
	INBOX_SINCE,		/* those behind since_id, seen or not */
	INBOX_RECENT,		/* the last limit ones, seen or not */
	INBOX_SEARCH		/* those that match query, newest first */
};

/* STORE_INBOX: reads and changes nothing but the count of dropped ones. */
struct store_inbox {
	char		 name[NAME_SIZE];
	enum inbox_mode	 mode;
	uint32_t	 limit;		/* messages */
	uint32_t	 max_bytes;	/* of JSON; the first always goes in */
	uint8_t		 peek;		/* do not reset dropped */
	char		 since_id[MSG_ID_SIZE];	/* INBOX_SEARCH: or "" */
	struct slice	 query;		/* UTF-8 (words.h); or empty */
};
/*
 * STORE_MAIL.  json is the array of messages as inbox_result has it: msg_id,
 * from, text, reply_to or null, ts, and urgent:true, kind (unless info),
 * pushed:true (if received) where they apply.  unseen has the numbers of
 * those among them not yet seen, for STORE_MARK.  A single message longer
 * than max_bytes is shown with a short text in its place.  What a search has
 * found marks nothing as seen and tells nothing of dropped ones (unseen is
 * empty, dropped 0); among it are entries of groups: search.h.
 */
struct store_mail {
	enum store_status status;
	uint32_t	 count, remaining, dropped, unread;
	uint32_t	 nunseen;
	struct slice	 unseen;	/* nunseen 64-bit integers */
	struct slice	 json;		/* the rest of the message */
};

/*
 * STORE_MARK: messages in the mailbox of name are received or seen (a state
 * never goes back, but for MSG_PUSHED to MSG_ACCEPTED).  They are named by
 * number or by id; unknown ones are ignored.
 */
struct store_mark {
	char		 name[NAME_SIZE];
	enum msg_state	 state;
	uint32_t	 nseqs, nids;
	struct slice	 list;		/* 64-bit integers, then strings */
};
/* STORE_MARKED: for each that changed to received, seen, a receipt. */
struct store_marked {
	enum store_status status;
	uint32_t	 unread;
	uint32_t	 nreceipts;
	struct slice	 receipts;	/* store_receipt_get() */
};

/*
 * STORE_STATUS: of a message that name (or an alias of it) has sent; or, if
 * name is empty, of the last one with that id, whoever sent it.
 */
struct store_query {
	char		 name[NAME_SIZE];
	char		 msg_id[MSG_ID_SIZE];
};
/* STORE_MESSAGE */
struct store_message {
	enum store_status status;
	uint8_t		 found;
	char		 to[TARGET_SIZE];
	enum msg_state	 state;
	int64_t		 ts;		/* of that state */
	/* if name was empty: */
	char		 from[TARGET_SIZE];
	int64_t		 sent;
	enum msg_kind	 kind;
	uint8_t		 urgent, kept;	/* kept: still in the mailbox */
};

/*
 * STORE_EXPIRED, unasked: a message that was not seen is gone, because it is
 * too old or was pushed out by something else than a STORE_APPEND that says so
 * itself.  Told when that is on disk.
 */
struct store_expired {
	struct store_receipt receipt;
	uint32_t	 unread;	/* of that mailbox now */
};

/* STORE_ALIAS: at start, one each; then STORE_UP, which has no body. */
struct store_alias {
	char		 name[TARGET_SIZE], target[TARGET_SIZE];
};

/*
 * x_put appends a message to the buffer, x_get reads one.  A getter returns
 * -1 if the message is not exactly what it should be; the lists inside are
 * read one by one from a reader on the slice.
 */
#define STOREPROTO(x)							\
	void	x##_put(struct wbuf *, const struct x *);		\
	int	x##_get(struct reader *, struct x *)

STOREPROTO(store_register);
STOREPROTO(store_registered);
STOREPROTO(store_gone);
STOREPROTO(store_rename);
STOREPROTO(store_append);
STOREPROTO(store_appended);
STOREPROTO(store_inbox);
STOREPROTO(store_mail);
STOREPROTO(store_mark);
STOREPROTO(store_marked);
STOREPROTO(store_query);
STOREPROTO(store_message);
STOREPROTO(store_expired);
STOREPROTO(store_alias);

/* One element of a list; these do not ask for the end of the message. */
void	store_receipt_put(struct wbuf *, const struct store_receipt *);
int	store_receipt_get(struct reader *, struct store_receipt *);

#endif
