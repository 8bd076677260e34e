/* SPDX-License-Identifier: ISC */
/*
 * Finding the hub's socket, and starting a hub where none answers: one of
 * many clients that start at once does it, under a lock.
 */
#ifndef HUBFIND_H
#define HUBFIND_H

struct event_base;
struct hubfind;

/* changed is called when a hub that was started is ready, or failed. */
struct hubfind	*hubfind_new(struct event_base *, void (*changed)(void *),
		    void *);
void		 hubfind_free(struct hubfind *);
/* A new search: a hub may be started once more in it. */
void		 hubfind_begin(struct hubfind *);
/*
 * Connects to $RELAY_HUB_SOCKET or hub.sock in the data directory, or, where
 * neither is set by the environment, to the system's hub.  Returns the
 * descriptor, or -1 with errno: ENOENT or ECONNREFUSED if there is no hub,
 * EAGAIN if there is one that has no time yet.
 */
int		 hubfind_connect(struct hubfind *);
/*
 * Starts a hub (hubd -e), unless this was done in this search or another
 * client is at it.  Returns a descriptor if one has come up meanwhile, else
 * -1.
 */
int		 hubfind_start(struct hubfind *);
/* 1 if a hub could not be started in this search. */
int		 hubfind_failed(const struct hubfind *);
/* Lets another client start one. */
void		 hubfind_end(struct hubfind *);
/* A clause that says what went wrong last, or that it does not answer. */
const char	*hubfind_trouble(const struct hubfind *);

#endif
