/* SPDX-License-Identifier: ISC */
/*
 * The parent process of a hub: opens what is needed, starts the children,
 * hands it to them and ends the hub when one of them ends.
 */
#ifndef PARENT_H
#define PARENT_H

struct activated;
struct conf;
struct conf_source;
struct handover;
struct notify;
struct privdrop;

/* What the hub was started with. */
struct parent_start {
	int			 lock;		/* descriptor of its lock */
	/* told when it serves (proc_daemon_ready()), or -1 */
	int			 ready_fd;
	/* the service manager, which may have opened sockets; or NULL */
	struct notify		*notify;
	struct activated	*activated;
	/* whose the children become, or NULL */
	const struct privdrop	*user;
	/* what an earlier version has left, or NULL */
	const struct handover	*before;
};

/*
 * Runs the hub until it is stopped, and returns the exit status; unless the
 * process goes on as another version.  The configuration comes from that
 * source, and is read again on SIGHUP.
 */
int	parent_main(struct conf *, const struct conf_source *,
	    const struct parent_start *);

#endif
