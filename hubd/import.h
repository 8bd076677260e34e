/* SPDX-License-Identifier: ISC */
/*
 * What EcoRelay has left, mailboxes and groups in JSON, taken over into the
 * database on first start.  The formats:
 *
 *	{owner, messages: [{msg_id, from, text, reply_to, ts, urgent}],
 *	 last_read}
 *	{name, admin, created_at, members: {NAME: {last_read, joined_at}},
 *	 messages: [{id, from, text, ts, type}], next_id}
 *
 * last_read of a mailbox is the msg_id of the last message that was read; if
 * it is anything else, or not there, none was.  That of a member is a number.
 * What is not as it should be is named in the log and passed over.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "box.h"
#include "groups.h"
#include "importdir.h"

struct import;

/* Names and limits are those of the two. */
struct import	*import_new(struct boxes *, struct groups *);
void		 import_free(struct import *);

/*
 * Each runs inside a transaction and returns -1 if the database failed.
 *
 * import_wanted: 1 if this database has not been through it.
 * import_file: a file by its path and descriptor, which stays open; one that
 * was imported already is left out.  import_text: the content of one, which
 * is changed.
 * import_done: it is never wanted again.
 */
int		 import_wanted(struct import *);
int		 import_file(struct import *, enum import_kind,
		    const char *path, int fd);
int		 import_text(struct import *, enum import_kind,
		    const char *path, char *text, size_t len);
int		 import_done(struct import *);

#endif
