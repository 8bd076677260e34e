/* SPDX-License-Identifier: ISC */
/*
 * The layers of the sandbox on Linux, for sandbox_linux.c and its test.  Each
 * needs no_new_privs, which limits_enter() sets.
 */
#ifndef SANDBOX_LINUX_H
#define SANDBOX_LINUX_H

#include <stddef.h>

/* Whose system calls: bits, for the table. */
#define CALLS_ROUTER	1u	/* hubd's and relayd's */
#define CALLS_STORE	2u
#define CALLS_CARRIER	4u	/* bridged, relayd -u */
#define CALLS_RESOLVER	8u

struct landlock_want {
	/* where it may read, as of the kernel's LANDLOCK_ACCESS_FS_*; NULL */
	const char *const	*readable;
	/* where it may do what a database needs, or NULL */
	const char		*writable;
	/* the TCP port it may call, or one of these */
	int			 port;
#define PORT_NONE		 0
#define PORT_ANY		 (-1)
};

/* No processes, no core dumps, no tracing: SANDBOX_LIMITS and the next. */
unsigned	limits_enter(void);
/* no_new_privs and no core dumps, for those that have children. */
unsigned	limits_parent(void);
/* Returns the SANDBOX_* that are in force now; 0 without Landlock. */
unsigned	landlock_enter(const struct landlock_want *);
/*
 * A call that is not in the table fails with EPERM, and one that is made by
 * an intruder only kills the process.  SANDBOX_CALLS, or 0 without seccomp.
 */
unsigned	calls_enter(unsigned whose);
/* All calls but those that no process of ours ever makes. */
unsigned	calls_parent(void);

#endif
