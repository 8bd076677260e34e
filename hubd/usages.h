/* SPDX-License-Identifier: ISC */
/*
 * What all processes of a hub have used: the parent asks them when the router
 * asks it.
 */
#ifndef USAGES_H
#define USAGES_H

struct event_base;
struct imsg;
struct kid;
struct kids;
struct usages;

struct usages	*usages_new(struct event_base *, struct kids *);
void		 usages_free(struct usages *);
/* PROC_USAGE: the router is answered when all are, or too late. */
void		 usages_ask(struct usages *);
/* PROC_USED. */
void		 usages_got(struct usages *, const struct kid *,
		    struct imsg *);

#endif
