/* SPDX-License-Identifier: ISC */
/*
 * TCP connections to hosts by name: the resolver process is asked for their
 * addresses, and one after the other is tried.
 */
#ifndef DIAL_H
#define DIAL_H

#include <stdint.h>

#include "imsg.h"

#define DIAL_ADDRESS_SIZE 64	/* a numeric address */

struct dial;
struct dialer;
struct event_base;

/* self: what this process is to the resolver. */
struct dialer	*dialer_new(struct event_base *, enum proc_id self);
void		 dialer_free(struct dialer *);
/*
 * Takes over the socket to a resolver, perhaps a new one: what the old one has
 * not answered is asked again.
 */
void		 dialer_resolver(struct dialer *, int fd);
/*
 * Begins to connect to that host (a name or an address) and port.  done is
 * called once, and not before this returns: with a connected socket, which it
 * owns, and its address; or with -1, and why.  The dial is freed then.
 */
struct dial	*dial(struct dialer *, const char *host, uint32_t port,
		    void (*done)(int fd, const char *text, void *), void *arg);
/* Gives up; done is not called. */
void		 dial_stop(struct dial *);

#endif
