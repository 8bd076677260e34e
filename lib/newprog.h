/* SPDX-License-Identifier: ISC */
/*
 * Whether the program that a daemon would go on as (handover.h) can be run and
 * takes the configuration: it is asked with -V, and with -n and the daemon's
 * own options.
 */
#ifndef NEWPROG_H
#define NEWPROG_H

#include <sys/types.h>

struct event_base;
struct newprog;
struct notify;

/*
 * name is the program's, as -V prints it.  done is called once: with the
 * version, or with why not, a line for people; the owner frees the newprog
 * there or later.
 */
struct newprog	*newprog_new(struct event_base *, const char *name,
		    void (*done)(const char *why, const char *version,
		    void *), void *arg);
/*
 * What done was told: 1 if the daemon is to end now and to go on as that
 * version, as the service manager and the log are told; 0 if not, and *np is
 * freed.
 */
int		 newprog_accepted(struct newprog **np, const char *why,
		    const char *version, struct notify *);
/* NULL is allowed.  A process that runs is killed, and waited for. */
void		 newprog_free(struct newprog *);
/* A child has ended: 1 if it was one of these.  NULL is allowed. */
int		 newprog_ended(struct newprog *, pid_t, int status);

#endif
