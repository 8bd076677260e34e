/* SPDX-License-Identifier: ISC */
/*
 * Two hubs on loopback, "one" and "two", that know each other.
 */
#ifndef TWOHUBS_H
#define TWOHUBS_H

#include "client.h"

struct twohubs {
	struct tenv	*one, *two;
	int		 port[2];
};

/* Both run and are linked; secret of two: NULL for the same. */
#define two_begin()	AT(two_begin_(NULL))
struct twohubs	*two_begin_(const char *other_secret);
#define two_end(h)	AT(two_end_(h))
void	 two_end_(struct twohubs *);
/* What is started next belongs to this one. */
void	 two_use(struct tenv *);
/* Waits until the link is up, or is not, as a session there sees it. */
#define two_linked(c, up)	AT(two_linked_(c, up))
void	 two_linked_(struct conn *, int up);
/* Waits until that peer is listed, or is not. */
#define two_sees(c, name, yes)	AT(two_sees_(c, name, yes))
void	 two_sees_(struct conn *, const char *name, int yes);

#endif
