/* SPDX-License-Identifier: ISC */
/*
 * The host's side: lines on stdin, lines on stdout, and when to stop reading.
 */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>

#define HOST_LINE_MAX	(16 * 1024 * 1024)
#define HOST_BACKLOG	(1024 * 1024)	/* unread: no more requests */

struct event_base;
struct host;

struct host_ops {
	/* One line, without its newline; empty ones are not shown. */
	void	(*line)(char *, size_t, void *);
	/* A line longer than HOST_LINE_MAX was skipped. */
	void	(*overlong)(void *);
	/* 1: no more lines until host_check(). */
	int	(*busy)(void *);
	/* End of file, or nothing can be written any more.  Called once. */
	void	(*closed)(void *);
};

/* Takes over the descriptors. */
struct host	*host_new(struct event_base *, int rfd, int wfd,
		    const struct host_ops *, void *arg);
/* Writes what is queued, for 200 ms at most, and closes. */
void		 host_free(struct host *);
void		 host_write(struct host *, const char *, size_t);
/* Queued bytes that the host has not read. */
size_t		 host_backlog(const struct host *);
/* Goes on reading if it is not busy any more. */
void		 host_check(struct host *);

#endif
