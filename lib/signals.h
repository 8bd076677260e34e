/* SPDX-License-Identifier: ISC */
/*
 * The signals that the parent process of a daemon acts upon: SIGCHLD, SIGTERM,
 * SIGINT, SIGHUP, SIGUSR1, SIGUSR2 and, where there is one, SIGINFO.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <event2/event.h>

struct signals;

/* fn is called from the loop, with the signal as its descriptor. */
struct signals	*signals_new(struct event_base *, event_callback_fn, void *);
void		 signals_free(struct signals *);

#endif
