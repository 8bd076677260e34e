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
	const char	*msg_id;	/* NULL: a new one */
	struct slice	 text;		/* JSON string, between its quotes */
	struct slice	 reply_to;	/* likewise; p NULL: none */
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
	const char	*msg_id;
};

/* Stores a message, then pushes it if its receiver is online. */
void	mail_post(struct router *, const struct mail *,
	    void (*done)(const struct posted *, void *), void *arg);
/* A line of that session's inbox_result has been handed to the kernel. */
void	mail_shown(struct session *);
/* Tells senders what has become of their messages: n receipts. */
void	mail_receipts(struct router *, struct slice, uint32_t n);

/* Handlers (request.c). */
void	mail_send(struct session *, const struct request *);
void	mail_inbox(struct session *, const struct request *);
void	mail_received(struct session *, const struct request *);
void	mail_seen(struct session *, const struct request *);

#endif
