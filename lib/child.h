/* SPDX-License-Identifier: ISC */
/*
 * What every child of hubd has: the imsg socket to the parent on descriptor 3,
 * the configuration that comes over it, and logging through it.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdint.h>

#include "imsg.h"

struct event_base;
struct child;

enum listen_kind {
	LISTEN_SESSIONS,	/* hub.sock */
	LISTEN_CTL,		/* hubctl.sock */
	LISTEN_WS,		/* WebSocket, and its second port */
	LISTEN_WS_OTHER,
	LISTEN_LAN,		/* other hubs */
	LISTEN_RELAY,		/* relayd: ws, wss, metrics */
	LISTEN_RELAY_TLS,
	LISTEN_METRICS
};

struct child_ops {
	/* CONF_START's body; -1 if it is not what it should be. */
	int	(*conf)(struct reader *, void *);
	/* A listening socket; NULL if the child takes none. */
	void	(*listen)(enum listen_kind, int fd, void *);
	/* One end of the socketpair to another child. */
	void	(*peer)(enum proc_id, int fd, void *);
	/* All is there. */
	void	(*start)(void *);
	/* Any other type; NULL if there is none for this child. */
	void	(*other)(struct imsg *, void *);
	/* The parent wants it to end, or is gone. */
	void	(*shutdown)(void *);
	/* Log statistics of its own; NULL if it has none. */
	void	(*stats)(void *);
	/* How many clients it has; NULL if it has none. */
	uint32_t (*clients)(void *);
};

/* program and role are for the log. */
struct child	*child_new(struct event_base *, enum proc_id,
		    const char *program, const char *role,
		    const struct child_ops *, void *arg);
void		 child_free(struct child *);
/*
 * Gives up root, if it was started by root for another user: after all that
 * is needed of the file system is loaded, and before the sandbox closes.
 * Returns 1 if what was its directory is now "/".
 */
int		 child_drop(struct child *);
/* Tells the parent that it may serve. */
void		 child_ready(struct child *);
/* Sends a message without a body to the parent, if it is there. */
void		 child_tell(struct child *, enum imsg_type);
/* Sends any message to the parent, if it is there. */
void		 child_send(struct child *, enum imsg_type, uint32_t id,
		    const struct wbuf *);
/* Asks the parent to stop the hub; why goes to the log. */
void		 child_stop_hub(struct child *, const char *why);

#endif
