/* SPDX-License-Identifier: ISC */
/*
 * The children of a hub's parent: how each is started, told what it needs,
 * and started again.
 */
#ifndef KIDS_H
#define KIDS_H

#include <sys/types.h>

#include <stdint.h>

#include "imsg.h"

struct conf;
struct event;
struct kids;
struct listeners;
struct privdrop;
struct watchdog;

/* In the order in which they are stopped. */
enum { KID_ROUTER, KID_STORE, KID_BRIDGED, KID_UPLINK, KID_RESOLVER, KIDS };

struct kid {
	struct kids		*kids;
	const struct kid_row	*row;
	void			*arg;		/* of kids_new() */
	struct imsgbuf		*ib;		/* NULL: it does not run */
	pid_t			 pid;		/* 0: it has been reaped */
	int			 ready;
	int			 busy;		/* no answer to CONF_END yet */
	uint32_t		 uid, layers;	/* as PROC_READY said */
	/* of those that the hub can be without for a while */
	int			 ending;	/* it is not wanted any more */
	struct event		*again;
	unsigned		 backoff;
	int64_t			 started;	/* monotonic ms */
	int64_t			 began;		/* likewise, ms since 1970 */
	uint32_t		 restarts;
};

/* What root it has, if root started the hub. */
enum kid_root { ROOT_SAME, ROOT_EMPTY, ROOT_DATA };

struct kid_row {
	const char	*program, *option, *role;
	enum proc_id	 id;
	int		 optional;	/* the hub goes on without it */
	enum kid_root	 root;
	unsigned	 listens;	/* LISTENS_AT() of what it gets */
	void		(*conf)(struct imsgbuf *, const struct conf *);
};

#define LISTENS_AT(kind)	(1u << (kind))

/*
 * None is started yet.  Each is one of ops' arguments, as a struct kid.  They
 * become that user's, unless it is NULL.  lock is held by them all.
 */
struct kids	*kids_new(struct event_base *, struct conf *,
		    const struct privdrop *, int lock,
		    const struct listeners *, struct watchdog *,
		    const struct imsg_ops *, void *arg);
/* Kills what still runs, and waits for it. */
void		 kids_free(struct kids *);
struct kid	*kids_get(struct kids *, int which);
/* The one that has that number, or NULL. */
struct kid	*kids_of_pid(struct kids *, pid_t);

/* Starts router and store, which the hub cannot be without; or dies. */
void	kids_start(struct kids *);
/* Starts what is configured of bridged, uplink and resolver, or ends it. */
void	kids_links(struct kids *);
/*
 * All are told the configuration, as it has changed; so are bridged, uplink
 * and resolver, if need be, that they are wanted, or no longer.  pairing: the
 * uplink is, whatever the configuration says.
 */
void	kids_reload(struct kids *, int pairing);
/* The uplink alone. */
void	kids_reload_uplink(struct kids *);
/* 1 if one of them has not answered yet that it does as it was told. */
int	kids_busy(const struct kids *);
/*
 * The uplink, which is started if it does not run: without relays it runs
 * from when the first one is to be joined.  Or NULL.
 */
struct imsgbuf	*kids_uplink(struct kids *);
/*
 * An optional one has ended: it is started again, later and later, unless that
 * was wanted.
 */
void	kid_again(struct kid *, int status);
/* Its connection has ended: it is freed. */
void	kid_disconnect(struct kid *);
/*
 * Kills it, unless it has ended: what it has left can still be read then, also
 * from others that it has handed its socket.
 */
void	kid_kill(struct kid *);
/* No more is started; the first that still runs is told to end: it, or NULL. */
struct kid	*kids_stop_next(struct kids *);
/* 1 if all that the hub cannot be without are ready. */
int	kids_ready(struct kids *);
/* A message without a body to all that run. */
void	kids_tell(struct kids *, enum imsg_type);
/* Of all, also those that are started later. */
void	kids_set_level(struct kids *, uint8_t level);
/* For hubctl show processes: a JSON array of the parent and all of them. */
void	kids_list(struct kids *, struct wbuf *json);

/* A message whose body is a u32; fd as in imsg_send(). */
void	kid_send_u32(struct kid *, enum imsg_type, uint32_t, int fd);

#endif
