/* SPDX-License-Identifier: ISC */
/*
 * What is too old goes.
 */
#include "compat.h"

#include "conf.h"
#include "expire.h"
#include "mailbox.h"
#include "outbox.h"
#include "people.h"
#include "timeutil.h"

#define KEEP_NAMES	1000		/* without a mailbox: no need to look */

/* What a round has to do. */
#define EXPIRE_OLD	1u	/* what became of messages */
#define EXPIRE_UNSEEN	2u	/* messages that nobody reads */
#define EXPIRE_QUEUED	4u	/* those that no other hub has fetched */

int
expire_step(struct expire *e, struct boxes *bx, struct outbox *ob,
    const struct conf *conf, struct wbuf *gone)
{
	int64_t now = time_now_ms();
	int r = 0;

	if (e->left == 0)
		e->left = EXPIRE_OLD | EXPIRE_UNSEEN | EXPIRE_QUEUED;
	if (e->left & EXPIRE_OLD) {
		if (mailbox_expire_step(bx, now, &e->pos) == -1)
			return -1;
		if (e->pos == 0)
			e->left &= ~EXPIRE_OLD;
	}
	if (e->left & EXPIRE_UNSEEN) {
		if (conf->expire_unread_ms > 0 && (r = mailbox_expire_unseen(bx,
		    now - conf->expire_unread_ms, &e->unseen_pos,
		    gone)) == -1)
			return -1;
		if (r == 0)
			e->left &= ~EXPIRE_UNSEEN;
	}
	if (e->left & EXPIRE_QUEUED) {
		if ((r = outbox_expire(ob, now - conf->expire_queued_ms,
		    gone)) == -1)
			return -1;
		if (r == 0)
			e->left &= ~EXPIRE_QUEUED;
	}
	if (e->left != 0)
		return 1;
	return people_purge(bx, KEEP_NAMES);
}
