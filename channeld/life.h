/* SPDX-License-Identifier: ISC */
/*
 * Watching the parent process, so that no session outlives its host.
 */
#ifndef LIFE_H
#define LIFE_H

struct event_base;
struct life;

/*
 * Calls gone once, from the event loop, when the process that is our parent
 * now has ended.
 */
struct life	*life_new(struct event_base *, void (*gone)(void *), void *);
void		 life_free(struct life *);

#endif
