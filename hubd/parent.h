/* SPDX-License-Identifier: ISC */
/*
 * The parent process of a hub: opens what is needed, starts the children,
 * hands it to them and ends the hub when one of them ends.
 */
#ifndef PARENT_H
#define PARENT_H

struct activated;
struct conf;
struct notify;
struct privdrop;

/*
 * Runs the hub until it is stopped; lock is the descriptor of the hub's lock.
 * The children become that user's, unless it is NULL.
 * ready_fd, if not -1, is told when the hub serves (proc_daemon_ready()); so
 * is the service manager, if there is one, which may have opened sockets.
 * Returns the exit status.
 */
int	parent_main(struct conf *, const struct privdrop *, int lock,
	    int ready_fd, struct notify *, struct activated *);

#endif
