/* SPDX-License-Identifier: ISC */
/*
 * What the store does with messages (storeproto.h).  Each function runs
 * inside a transaction and returns 0 with the answer in its last arguments,
 * or -1 if the database failed: then the transaction must be rolled back.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "box.h"
#include "storeproto.h"

/* How long it is remembered what became of a message that is gone. */
#define REMEMBER_MS	(7LL * 24 * 3600 * 1000)

int	mailbox_append(struct boxes *, const struct store_append *,
	    struct store_appended *);
/* The slices of the answer point into the two buffers. */
int	mailbox_inbox(struct boxes *, const struct store_inbox *,
	    struct store_mail *, struct wbuf *unseen, struct wbuf *json);
/* Likewise. */
int	mailbox_mark(struct boxes *, const struct store_mark *,
	    struct store_marked *, struct wbuf *receipts);
int	mailbox_status(struct boxes *, const struct store_query *,
	    struct store_message *);

/* Pushes out what is more than n messages. */
int	mailbox_trim(struct boxes *, struct box *, uint32_t n,
	    struct store_appended *);
/* Takes out what was seen before then; *n is how many. */
int	mailbox_forget_seen(struct boxes *, struct box *, int64_t before,
	    uint32_t *n);
/*
 * One step of removing what need no longer be remembered: *pos starts at 0
 * and is 0 again after the last step.
 */
int	mailbox_expire_step(struct boxes *, int64_t now, int64_t *pos);

#endif
