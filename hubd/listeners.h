/* SPDX-License-Identifier: ISC */
/*
 * The sockets at which a hub listens: those that a service manager has opened,
 * else its own.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <sys/types.h>

#include "child.h"
#include "conf.h"

#define LISTENERS	(LISTEN_LAN + 1)

struct activated;
struct handover;

struct listeners {
	int		 fds[LISTENERS];	/* -1: there is none */
	char		 path[CONF_PATH_MAX], ctl_path[CONF_PATH_MAX];
	ino_t		 own_path, own_ctl;	/* 0: not made by this hub */
};

/*
 * Opens them; the hub can be without those over TCP.  Without a token for the
 * WebSocket conf gets no port for it.  activated may be NULL; all that is in
 * it must be wanted.  before is what an earlier version has handed over, or
 * NULL; what is not wanted of that is closed.  0, or -1 with the reason in the
 * log.
 */
int	listeners_open(struct listeners *, struct conf *, struct activated *,
	    const struct handover *before);
/* For listeners_open() in a newer version. */
void	listeners_hand_over(const struct listeners *, struct handover *);
/*
 * Makes them what conf says, where that is not what old does.  What cannot be
 * done is in the log, and conf has what stays as it was.
 */
void	listeners_change(struct listeners *, struct conf *,
	    const struct conf *old);
/*
 * Closes them, and removes the files of the hub's own sockets, if they still
 * are.  Those of a service manager stay: it holds clients until the next
 * start.
 */
void	listeners_close(struct listeners *);

#endif
