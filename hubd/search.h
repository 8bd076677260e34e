/* SPDX-License-Identifier: ISC */
/*
 * Searching: a mailbox, and what its owner was sent in the groups it is a
 * member of.  Messages are indexed some time after they were stored, when
 * there is little to do; what the index does not have yet is read through,
 * and so is all where SQLite has no FTS5.  The same holds as for the
 * functions of mailbox.h.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "box.h"
#include "storeproto.h"

/*
 * INBOX_SEARCH.  json gets the newest limit ones of what matches, newest
 * first; remaining is how many there are besides.  With a since_id that is
 * known only what came after that message.
 *
 * A message of the mailbox is as in any other inbox_result.  An entry of a
 * group has no id of its own among messages, and is never a reply:
 *
 *	{"msg_id":"GROUP#ID","from":...,"text":...,"reply_to":null,"ts":...,
 *	 "group":GROUP}
 *
 * with "type":"system" if it is one that the hub has made.  ID is the entry's
 * number in group_history.
 */
int	search_inbox(struct boxes *, const struct store_inbox *,
	    struct store_mail *, struct wbuf *json);

/* One short step of indexing; *more: there is more to do. */
int	search_step(struct boxes *, int *more);
/* All that is in mailboxes and groups is to be indexed anew. */
int	search_reset(struct boxes *);
/* The mailbox with that id is about to get the messages of another one. */
int	search_merged(struct boxes *, int64_t box);

#endif
