/* SPDX-License-Identifier: ISC */
/*
 * A router for fuzz targets, with a store in the same process that answers
 * everything: all went well, and there is next to nothing.
 */
#ifndef FAKESTORE_H
#define FAKESTORE_H

#include "router.h"

struct event_base;
struct fakestore;
struct imsgbuf;

/* What the targets share; once. */
struct event_base	*fakestore_init(struct conf *);
/* Makes all parts of the router but for conf, which is set. */
struct fakestore	*fakestore_router(struct event_base *,
			    struct router *);
/* A session; returns the client's end of its socket. */
int	fakestore_session(struct event_base *, struct router *);
/* There, to the store, and back. */
void	fakestore_turn(struct event_base *);
/*
 * Waits for the last answer and frees the router's parts.  Of sessions and
 * their asks nothing may be left.
 */
void	fakestore_end(struct fakestore *, struct event_base *,
	    struct router *);

#endif
