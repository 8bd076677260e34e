/* SPDX-License-Identifier: ISC */
/*
 * Messages to mailboxes: storing, pushing, reading, and what becomes of them.
 */
#ifndef MAIL_H
#define MAIL_H

#include "names.h"
#include "storeproto.h"

struct imsg;
struct request;
struct router;
struct session;

struct mail {
	const char	*to, *from;	/* names */
	uint32_t	 owner;		/* whose from is; OWNER_NONE: any's */
	const char	*msg_id;	/* NULL: a new one */
	struct slice	 text;		/* JSON string, between its quotes */
	struct slice	 reply_to;	/* likewise; p NULL: none */
	int64_t		 ts;		/* ms since 1970; 0: now */
	int		 urgent;
	enum msg_kind	 kind;
	/*
	 * The session that sends it, where this may be the answer to an ask
	 * (reply_to is the ask's id); else NULL.
	 */
	struct session	*answerer;
};

/* What mail_post() reports when the message is stored, or is not. */
struct posted {
	enum store_status status;
	int		 pushed;
	const char	*msg_id, *to;
	int		 remote;	/* to: name@hub */
};

/* Appends an incoming_message, a line; msg_id must be there. */
void	mail_line(struct wbuf *, const struct mail *, const char *ts);
/* Stores a message, then pushes it if its receiver is online. */
void	mail_post(struct router *, const struct mail *,
	    void (*done)(const struct posted *, void *), void *arg);
/* Tells senders what has become of their messages: n receipts. */
void	mail_receipts(struct router *, struct slice, uint32_t n);

/* 1 if there is something to search for in that text. */
int	mail_can_search(struct slice query);
/* The store says that a message is gone unread. */
void	mail_expired(struct router *, const struct store_expired *);

/* Handlers (request.c). */
void	mail_send(struct session *, const struct request *);
void	mail_inbox(struct session *, const struct request *);
void	mail_received(struct session *, const struct request *);
void	mail_seen(struct session *, const struct request *);

#endif
