/* SPDX-License-Identifier: ISC */
/*
 * The sockets at which a relay listens: those that a service manager has
 * opened, else its own.
 */
#ifndef RELAYD_LISTENERS_H
#define RELAYD_LISTENERS_H

#include "conf.h"

struct activated;
struct handover;

struct listeners {
	int	 fds[RELAY_LISTEN_MAX];	/* in the configuration's order */
	int	 metrics;		/* -1: none */
};

/*
 * All that the configuration has; activated may be NULL, and all that is in it
 * must be wanted; unless an earlier version has left it (upgraded): then what
 * is not wanted is closed.  0, or -1 with the reason in the log, and none is
 * open.
 */
int	listeners_open(struct listeners *, const struct relay_conf *,
	    struct activated *, int upgraded);
/* For listeners_open() in a newer version. */
void	listeners_hand_over(const struct listeners *, struct handover *);
/*
 * The same for another configuration: what the old one has, too, stays open.
 * If that fails all is as it was.
 */
int	listeners_change(struct listeners *, const struct relay_conf *,
	    const struct relay_conf *old);
void	listeners_close(struct listeners *);

#endif
