/* SPDX-License-Identifier: ISC */
/*
 * Whether the children of a parent still answer: it sends each a PROC_PING
 * now and then.  While all of them answer with PROC_PONG the service manager
 * is told that the service lives, at least twice in the time that it gives
 * (notify.h).
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <sys/types.h>

#include "imsg.h"

struct event_base;
struct notify;
struct watchdog;

/* NULL, which all functions take, if there is no service manager. */
struct watchdog	*watchdog_new(struct event_base *, struct notify *);
void		 watchdog_free(struct watchdog *);
/* From here on there are pings; the service is ready. */
void		 watchdog_start(struct watchdog *);
/*
 * The child is there; ib NULL: it is not any more.  If it does not answer in
 * time it is killed if it is an expendable one, which its parent starts
 * again; else the manager is told nothing.
 */
void		 watchdog_child(struct watchdog *, enum proc_id,
		    struct imsgbuf *ib, pid_t, int expendable);
/* It has answered. */
void		 watchdog_pong(struct watchdog *, enum proc_id);

#endif
