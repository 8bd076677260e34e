/* SPDX-License-Identifier: ISC */
/*
 * Rounds of expiring.
 */
#include "compat.h"

#include "conf.h"
#include "expiry.h"
#include "mailbox.h"
#include "outbox.h"
#include "people.h"
#include "timeutil.h"

#define KEEP_NAMES	1000		/* without a mailbox: no need to look */

/* What a round has to do. */
#define EXPIRE_OLD	1u	/* what became of messages */
#define EXPIRE_UNSEEN	2u	/* messages that nobody reads */
#define EXPIRE_QUEUED	4u	/* those that no other hub has fetched */

/*
 * Forgets what became of old messages, and takes out those that nobody has
 * read for too long.
 */
int
expiry_step(struct expiry *e, struct boxes *boxes, struct outbox *outbox,
    const struct conf *conf, struct wbuf *gone)
{
	int64_t now = time_now_ms();
	int r = 0;

	if (e->left == 0)
		e->left = EXPIRE_OLD | EXPIRE_UNSEEN | EXPIRE_QUEUED;
	if (e->left & EXPIRE_OLD) {
		if (mailbox_expire_step(boxes, now, &e->old_pos) == -1)
			return -1;
		if (e->old_pos == 0)
			e->left &= ~EXPIRE_OLD;
	}
	if (e->left & EXPIRE_UNSEEN) {
		if (conf->expire_unread_ms > 0 &&
		    (r = mailbox_expire_unseen(boxes,
		    now - conf->expire_unread_ms, &e->unseen_pos,
		    gone)) == -1)
			return -1;
		if (r == 0)
			e->left &= ~EXPIRE_UNSEEN;
	}
	if (e->left & EXPIRE_QUEUED) {
		if ((r = outbox_expire(outbox, now - conf->expire_queued_ms,
		    gone)) == -1)
			return -1;
		if (r == 0)
			e->left &= ~EXPIRE_QUEUED;
	}
	return e->left != 0 ? 1 : people_purge(boxes, KEEP_NAMES);
}
