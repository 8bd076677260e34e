/* SPDX-License-Identifier: ISC */
/*
 * Child processes of a daemon: the same binary run again with its role as an
 * argument, its socketpair to the parent on descriptor 3.
 */
#ifndef PROC_H
#define PROC_H

#include <sys/types.h>

#define PROC_FD		3	/* a child's socketpair to its parent */
#define PROC_LOCK_FD	4	/* the hub's lock, held by all its processes */

/* As fork(2); the child has no handlers of signals, and blocks none. */
pid_t	proc_fork(void);
/*
 * Starts argv[0] with sock as descriptor 3 and, if lock is not -1, lock as
 * descriptor 4; all others above 2 are closed.  Returns the pid; fatal if
 * there is none.
 */
pid_t	proc_start(char *const argv[], int sock, int lock);
/* Says how a child ended, as in "exited with status 1". */
const char	*proc_exit(int status, char *dst, size_t size);
/*
 * Detaches from the terminal and the session that started it.  Returns a
 * descriptor in the surviving process; the one that was started waits until
 * that descriptor is written to (exit 0) or closed (exit 1).
 */
int	proc_daemonize(void);
/* To be called when the daemon is ready to serve. */
void	proc_daemon_ready(int fd);

#endif
