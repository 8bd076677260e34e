/* SPDX-License-Identifier: ISC */
/*
 * What a service tells its manager, in the protocol of sd_notify(3): lines
 * VARIABLE=value in a datagram to the Unix socket $NOTIFY_SOCKET, whose name
 * begins with @ if it is an abstract one.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

struct notify;

/*
 * Takes over $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and unsets them,
 * so that no child has them.  To be called before any fork.  NULL, which all
 * functions take, if nobody wants to be told, or (with a line in the log) if
 * the socket cannot be reached.
 */
struct notify	*notify_new(void);
void		 notify_free(struct notify *);
/* Unsets them only, for a process that was not started by the manager. */
void		 notify_ignore(void);
/*
 * Sets the variables again, for a program that this process goes on as; NULL
 * is none.  0, or -1 with errno.
 */
int		 notify_export(const struct notify *);
/* Within this time there must be another notify_alive(); 0: no need. */
int64_t		 notify_watchdog_ms(const struct notify *);
/* It serves; the calling process is the service's main one. */
void		 notify_ready(struct notify *);
/* It reads its configuration; notify_ready() follows. */
void		 notify_reloading(struct notify *);
void		 notify_stopping(struct notify *);
void		 notify_alive(struct notify *);
/* One line for people; the same as last time is not sent again. */
void		 notify_status(struct notify *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

#endif
