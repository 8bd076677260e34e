/* SPDX-License-Identifier: ISC */
/*
 * What came for the model and is in no mailbox: questions to it, and the
 * answers to its own.  A host may not have shown it what was pushed, so that
 * relay_inbox hands it out once more.
 */
#ifndef WAITING_H
#define WAITING_H

#include <stddef.h>

#include <jansson.h>

enum waiting_kind {
	WAITING_ASKS,
	WAITING_REPLIES
};
#define WAITING_KINDS	2

#define WAITING_MAX	100		/* of each kind; the oldest go */
#define WAITING_BYTES	(4 * 1024 * 1024)	/* of text, of each kind */

struct waiting;

struct waiting	*waiting_new(void);
void		 waiting_free(struct waiting *);
/*
 * Adds an object with the string members ask_id and text_key; steals it.
 * pushed: a notification was given to the host.
 */
void		 waiting_add(struct waiting *, enum waiting_kind, json_t *,
		    const char *text_key, int pushed);
/* Removes the one with that ask_id, if there is one. */
void		 waiting_remove(struct waiting *, enum waiting_kind,
		    const char *ask_id);
/*
 * All of a kind, oldest first, each with pushed:true if it was; NULL if there
 * is none.  They are not here any more afterwards.
 */
json_t		*waiting_take(struct waiting *, enum waiting_kind);
/*
 * How many the model may not know of: all asks, because nobody tells it to
 * look for them, and the replies that were not pushed.
 */
size_t		 waiting_unread(const struct waiting *);

#endif
