/* SPDX-License-Identifier: ISC */
/*
 * Waiting for a child process in the event loop, for programs that leave
 * SIGCHLD alone.
 */
#ifndef REAPER_H
#define REAPER_H

#include <sys/types.h>

#include <stdint.h>

struct event_base;
struct reaper;

/*
 * ended is called once, with the status of waitpid(2) or -1, when the child
 * has ended; after limit_ms (0: never) the child is killed.  The owner frees
 * the reaper, in ended or at any time.
 */
struct reaper	*reaper_new(struct event_base *, pid_t, int64_t limit_ms,
		    void (*ended)(int status, void *), void *arg);
/* Waits no more: the child goes on.  NULL is allowed. */
void		 reaper_free(struct reaper *);
/* Kills the child and frees the reaper; ended is not called.  Or NULL. */
void		 reaper_kill(struct reaper *);

#endif
