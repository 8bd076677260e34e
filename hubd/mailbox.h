/* SPDX-License-Identifier: ISC */
/*
 * What the store does with messages (storeproto.h).  Each function runs
 * inside a transaction and returns 0 with the answer in its last arguments,
 * or -1 if the database failed: then the transaction must be rolled back.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <sqlite3.h>

#include "box.h"
#include "listproto.h"

/* How long it is remembered what became of a message that is gone. */
#define REMEMBER_MS	(7LL * 24 * 3600 * 1000)

/*
 * 1 if this sender has stored that msg_id: that is the answer; 0 if not, and
 * from is the sender; -1.
 */
int	mailbox_repeated(struct boxes *, const struct store_append *,
	    struct store_appended *, struct box **from);
/*
 * gone: of each message that is pushed out unread, or is too old, and that
 * the answer does not tell of, a struct store_expired is put there, as a
 * counted string.
 */
int	mailbox_append(struct boxes *, const struct store_append *,
	    struct store_appended *, struct wbuf *gone);
/* Adds a message to the mailbox, in the state given; to no more than keep. */
int	mailbox_put(struct boxes *, struct box *, const struct box *from,
	    const struct store_append *, enum msg_state);
/* The slices of the answer point into the two buffers. */
int	mailbox_inbox(struct boxes *, const struct store_inbox *,
	    struct store_mail *, struct wbuf *unseen, struct wbuf *json);
/* Likewise. */
int	mailbox_mark(struct boxes *, const struct store_mark *,
	    struct store_marked *, struct wbuf *receipts);
int	mailbox_status(struct boxes *, const struct store_query *,
	    struct store_message *);
/* The slice of the answer points into the buffer. */
int	mailbox_list(struct boxes *, struct store_mailbox_list *,
	    struct wbuf *list);

/*
 * Writes a message as an element of inbox_result's messages; the columns are
 * those of Q_SHOW_MAIL.  too_long: with a short text in place of its own.
 */
void	mailbox_write(struct wbuf *, sqlite3_stmt *, int too_long);
/* That short text. */
#define TOO_LONG_SIZE	80
struct slice	mailbox_too_long(struct slice body, char dst[TOO_LONG_SIZE]);

/* Pushes out what is more than n messages. */
int	mailbox_trim(struct boxes *, struct box *, uint32_t n,
	    struct wbuf *gone);
/* Takes out what was seen before then; *n is how many. */
int	mailbox_forget_seen(struct boxes *, struct box *, int64_t before,
	    uint32_t *n);
/*
 * One step of removing what need no longer be remembered: *pos starts at 0
 * and is 0 again after the last step.
 */
int	mailbox_expire_step(struct boxes *, int64_t now, int64_t *pos);
/*
 * One step of taking out what was sent before then and has not been seen:
 * *pos starts at 0.  Returns 1 if there are more steps.
 */
int	mailbox_expire_unseen(struct boxes *, int64_t before, int64_t *pos,
	    struct wbuf *gone);

#endif
