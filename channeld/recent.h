/* SPDX-License-Identifier: ISC */
/*
 * The last so many ids (of messages, of asks) and whom each belongs to.
 */
#ifndef RECENT_H
#define RECENT_H

#include <stddef.h>

#include <jansson.h>

struct recent;

/* When there are max, the oldest is forgotten. */
struct recent	*recent_new(size_t max);
void		 recent_free(struct recent *);
/* Adds or replaces.  What is too long for an id or a peer is not kept. */
void		 recent_put(struct recent *, const char *id, const char *peer);
/* The peer, or NULL.  Valid until the next recent_put() or _remove(). */
const char	*recent_get(const struct recent *, const char *id);
void		 recent_remove(struct recent *, const char *id);
/* Marks an id, if it is there; a new one is not marked. */
void		 recent_mark(struct recent *, const char *id);
int		 recent_marked(const struct recent *, const char *id);
/*
 * The ids that are marked, or all of them, oldest first, as an array of
 * {ask_id, peer_key: peer}; the caller gets the reference.
 */
json_t		*recent_list(const struct recent *, const char *peer_key,
		    int only_marked);

#endif
