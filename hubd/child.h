/* SPDX-License-Identifier: ISC */
/*
 * What every child of hubd has: the imsg socket to the parent on descriptor 3,
 * the configuration that comes over it, and logging through it.
 */
#ifndef CHILD_H
#define CHILD_H

#include "conf.h"
#include "imsg.h"

struct event_base;
struct child;

enum listen_kind {
	LISTEN_SESSIONS,	/* hub.sock */
	LISTEN_CTL,		/* hubctl.sock */
	LISTEN_WS,		/* WebSocket, and its second port */
	LISTEN_WS_OTHER
};

enum import_kind {
	IMPORT_MAILBOX,
	IMPORT_GROUP
};

struct child_ops {
	/* A listening socket; NULL if the child takes none. */
	void	(*listen)(enum listen_kind, int fd, void *);
	/* One end of the socketpair to another child. */
	void	(*peer)(enum proc_id, int fd, void *);
	/* All is there; conf stays valid until the next call. */
	void	(*start)(const struct conf *, void *);
	/*
	 * A file that child_import() has asked for, which the child closes;
	 * fd -1: there is no other.  NULL if the child does not ask.
	 */
	void	(*import)(enum import_kind, const char *path, int fd, void *);
	/* The parent wants it to end, or is gone. */
	void	(*shutdown)(void *);
	/* Log statistics; NULL if it has none. */
	void	(*stats)(void *);
};

/* role is "router" or "store", for the log. */
struct child	*child_new(struct event_base *, enum proc_id, const char *role,
		    const struct child_ops *, void *arg);
void		 child_free(struct child *);
/* Tells the parent that it may serve. */
void		 child_ready(struct child *);
/* Asks the parent for the next file that EcoRelay has left. */
void		 child_import(struct child *);
/* Asks the parent to stop the hub; why goes to the log. */
void		 child_stop_hub(struct child *, const char *why);

#endif
