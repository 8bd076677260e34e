/* SPDX-License-Identifier: ISC */
/*
 * Events on their way to a host that takes texts: what comes within 200 ms of
 * a push is joined in one, and what the host did not take is tried again.
 */
#ifndef PUSHQUEUE_H
#define PUSHQUEUE_H

#include <jansson.h>

/* The oldest go; they stay in the mailbox. */
#define PUSHQUEUE_MAX	100
#define PUSHQUEUE_BYTES	(1024 * 1024)	/* of text */

struct channel;
struct pushqueue;

struct push_event {
	const char	*type;		/* as in pushtext_add(); static */
	const char	*list;		/* as in relay_inbox's result; static */
	const char	*content;	/* the text's member in msg; static */
	json_t		*msg, *meta;	/* borrowed; kept by reference */
	/* The host has got it; or NULL. */
	void		(*pushed)(struct channel *, json_t *msg);
};

struct pushqueue	*pushqueue_new(struct channel *);
/* Drops what is queued, and the push that runs. */
void	pushqueue_free(struct pushqueue *);
void	pushqueue_add(struct pushqueue *, const struct push_event *);
/* The end of a route's send(): why is NULL, or says what went wrong. */
void	pushqueue_end(struct pushqueue *, const char *why);
/*
 * What failed may work by now: it is tried again in 200 ms, which leaves the
 * model the time to read it if it is about to.
 */
void	pushqueue_kick(struct pushqueue *);
/*
 * The model has it by now: the event of that list with this msg_id or ask_id
 * is not tried again.
 */
void	pushqueue_forget(struct pushqueue *, const char *list, const char *id);
/* Why the last push failed, or "" if it did not. */
const char	*pushqueue_trouble(const struct pushqueue *);

#endif
