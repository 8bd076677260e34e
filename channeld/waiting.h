/* SPDX-License-Identifier: ISC */
/*
 * What came for the model and is in no mailbox: questions to it, the answers
 * to its own, and what was said in its rooms.  A host may not have shown it
 * what was pushed, so that relay_inbox hands it out once more.
 */
#ifndef WAITING_H
#define WAITING_H

#include <stddef.h>

#include <jansson.h>

enum waiting_kind {
	WAITING_ASKS,
	WAITING_REPLIES,
	WAITING_ROOM_MSGS
};
#define WAITING_KINDS	3

/* Of each kind; the oldest go. */
#define WAITING_MAX		100
#define WAITING_BYTES		(4 * 1024 * 1024)	/* of text */
#define WAITING_ROOM_BYTES	(256 * 1024)

struct waiting;

struct waiting	*waiting_new(void);
void		 waiting_free(struct waiting *);
/*
 * Adds an object with the string member text_key, and ask_id unless it is a
 * room's; steals it.
 * pushed: a notification was given to the host.
 */
void		 waiting_add(struct waiting *, enum waiting_kind, json_t *,
		    const char *text_key, int pushed);
/* The host was given what waits with the ids of msg after all. */
void		 waiting_pushed(struct waiting *, enum waiting_kind,
		    const json_t *msg);
/* Removes the one with that ask_id, if there is one. */
void		 waiting_remove(struct waiting *, enum waiting_kind,
		    const char *ask_id);
/*
 * All of a kind, oldest first, each with pushed:true if it was; NULL if there
 * is none.  They are not here any more afterwards.
 */
json_t		*waiting_take(struct waiting *, enum waiting_kind);
/* How many went to make room since this was asked last. */
size_t		 waiting_dropped(struct waiting *);
/*
 * How many the model may not know of: all asks and what was said in rooms,
 * because nobody tells it to look for them, and the replies that were not
 * pushed.
 */
size_t		 waiting_unread(const struct waiting *);

#endif
