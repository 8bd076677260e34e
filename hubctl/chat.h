/* SPDX-License-Identifier: ISC */
/*
 * A chat: a person (or a script) who takes part as a peer.  chat.c has the
 * connection and what is shown, chatcmd.c what can be typed, chatevent.c what
 * comes in.
 */
#ifndef CHAT_H
#define CHAT_H

#include <sys/queue.h>

#include <jansson.h>

#include "hubclient.h"
#include "input.h"
#include "names.h"

/* A question from another session that is not answered yet. */
struct ask {
	TAILQ_ENTRY(ask)	 entry;
	unsigned		 number;	/* ours, shown as #1 */
	char			*from, *ask_id;
};
TAILQ_HEAD(asks, ask);

struct chat;
struct request;

/* msg is NULL if the hub could not be reached. */
typedef void	chat_done(struct chat *, struct request *, json_t *msg);

/* Something that was typed and waits for the hub's answer. */
struct request {
	TAILQ_ENTRY(request)	 entry;
	struct chat		*chat;
	chat_done		*done;
	char			 to[TARGET_SIZE];
	char			 id[ASK_ID_SIZE];
};
TAILQ_HEAD(requests, request);

struct chat {
	struct event_base	*base;
	struct hubclient	*hub;
	struct input		*input;
	char			 partner[TARGET_SIZE];	/* or "" */
	char			 prompt[NAME_SIZE + TARGET_SIZE + 16];
	struct asks		 asks;		/* the newest first */
	unsigned		 nasks, last_ask;
	struct requests		 requests;
	json_t			*shown;		/* ids not yet marked as seen */
	json_t			*asked;		/* ask_id: whom we have asked */
	char			 wanted[NAME_SIZE];
	int			 up, was_up, failed;
	int			 errors;	/* what could not be done */
};

/* chat.c: shows one line; none of its characters is trusted. */
void	chat_say(struct chat *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* The same, and remembers that something could not be done. */
void	chat_error(struct chat *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* Shows "head: text"; when is a time of day, or NULL for now. */
void	chat_text(struct chat *, const char *when, const char *head,
	    const char *text, size_t len);
/*
 * Sends a request, which it frees, and calls done with the answer.  to and id
 * are kept for it; each may be NULL.
 */
void	chat_request(struct chat *, json_t *, const char *to, const char *id,
	    chat_done *);
/* Says what went wrong if msg is an err or NULL; 1 if it did, else 0. */
int	chat_failed(struct chat *, const char *what, json_t *msg);
const char *chat_member(json_t *, const char *key);

/* chatcmd.c: what was typed; 1 if it was the last line. */
int	chat_line(struct chat *, struct slice);
/* The messages shown so far have been read. */
void	chat_seen(struct chat *);
/* Shows one message of a mailbox or one that has just come in. */
void	chat_message(struct chat *, const char *when, json_t *);
void	ask_free(struct chat *, struct ask *);

/* chatevent.c: an event of hubclient. */
void	chat_event(struct hubclient *, const char *type, json_t *, void *);

#endif
