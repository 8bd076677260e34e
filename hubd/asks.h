/* SPDX-License-Identifier: ISC */
/*
 * Questions that wait for an answer.  They live in memory only: a hub that
 * ends takes them along.
 */
#ifndef ASKS_H
#define ASKS_H

#include <stdint.h>

#include "buf.h"
#include "errcode.h"
#include "names.h"

/* bytes of an ask_id, decoded and terminated */
#define ASK_KEY_SIZE	(ASK_ID_SIZE * 3)

struct asks;
struct hub;
struct event_base;
struct router;
struct session;

/* All strings of JSON are as they came, between their quotes. */
struct ask_spec {
	struct slice	 ask_id;	/* of the asker, and its answer */
	struct slice	 thread_id;	/* empty: none */
	struct slice	 broadcast_id;	/* empty: not a broadcast */
	int64_t		 timeout_ms;
};

/* An ask that has been taken out, for its answer. */
struct ask_answer {
	struct session	*asker;		/* a reference; NULL: it has gone */
	char		 asker_name[TARGET_SIZE];
	struct rbuf	*tail;		/* of the incoming_reply: ask_id ... */
};

struct asks	*asks_new(struct event_base *, struct router *);
void		 asks_free(struct asks *);
size_t		 asks_count(const struct asks *);
/*
 * Opens an ask of asker to target under key, the ask_id that the target is
 * told (decoded).  1 if it is open already, since before the asker left and
 * came back; -1 if the target has one of that id, or the asker too many.
 */
int		 asks_open(struct asks *, struct session *asker,
		    struct session *target, struct slice key,
		    const struct ask_spec *);
/* Takes out the ask that target was told under key; -1 if there is none. */
int		 asks_take(struct asks *, struct session *target,
		    struct slice key, struct ask_answer *);
/*
 * The hub of the session that asker has asked under key says that nothing
 * comes of it.
 */
void		 asks_failed(struct asks *, struct session *asker,
		    const struct hub *, struct slice key, enum errcode);
/* The ask could not be pushed: it is forgotten. */
void		 asks_cancel(struct asks *, struct session *target,
		    struct slice key);
/* The asker's name if there is such an ask, else NULL. */
const char	*asks_asker(const struct asks *, const struct session *target,
		    struct slice key);
void		 ask_answer_free(struct ask_answer *);
/* Asks to the session fail with peer_gone. */
void		 asks_session_gone(struct asks *, struct session *);

#endif
