/* SPDX-License-Identifier: ISC */
/*
 * The parts of bridged: links that are up or come up (link.c), the hubs that
 * are called (caller.c), and the process around them (bridged.c).
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <sys/queue.h>

#include "lanconf.h"
#include "linkproto.h"

struct caller;
struct conn;
struct dialer;
struct event_base;
struct hello;
struct imsgbuf;
struct penalties;
struct psk;

#define HANDSHAKE_MS	5000	/* from the connection to the welcome */

enum link_stage {
	STAGE_OPENING,		/* TLS, or the first byte */
	STAGE_HELLO,		/* waits for the other end's line */
	STAGE_RIVAL,		/* the hub has a link: is that one alive? */
	STAGE_UP
};

struct link {
	TAILQ_ENTRY(link)	 entry;
	struct bridge		*bridge;
	struct conn		*conn;
	struct caller		*caller;	/* NULL: it was accepted */
	struct link		*rival;		/* that wants its place */
	enum link_stage		 stage;
	uint32_t		 id;		/* once it is up */
	int64_t			 began, asked;	/* monotonic ms */
	int64_t			 lines;		/* sent since it is up */
	int			 full;
	char			 hub_id[NAME_SIZE];	/* "" until known */
	char			 key[LINK_KEY_SIZE];	/* that it has said */
	char			 address[LAN_ADDRESS_SIZE];
	struct wbuf		 hello;		/* while there is a rival */
};

TAILQ_HEAD(link_list, link);
TAILQ_HEAD(caller_list, caller);

struct bridge {
	struct event_base	*base;
	struct bridge_conf	 conf;
	char			 key[LINK_KEY_SIZE];	/* of this hub; or "" */
	struct psk		*psk;
	struct penalties	*penalties;
	struct imsgbuf		*router;
	struct dialer		*dialer;
	struct link_list	 links;
	struct caller_list	 callers;
	unsigned		 nearly;	/* links not up yet */
	uint32_t		 last_id;
	int			 plaintext_too;	/* a peer speaks that */
	int			 held;		/* nothing is to be read */
	/* Too many are not up yet (1), or no longer (0). */
	void			(*crowded)(struct bridge *, int);
};

/* link.c */
/* Takes over an accepted socket, and a connected one. */
void		 link_accept(struct bridge *, int fd, const char *address);
struct link	*link_call(struct bridge *, int fd, struct caller *,
		    const char *address);
/* The one of that number, or NULL. */
struct link	*link_of_id(struct bridge *, uint32_t);
/* Ends it; why is for the log. */
void		 link_close(struct link *, const char *why);
void		 link_send(struct link *, const struct link_send *);
/* Hands to the kernel what it takes within that time. */
void		 link_flush(struct link *, int timeout_ms);
/* Those that are not up yet. */
void		 links_end_early(struct bridge *, const char *why);
/* That hub's. */
void		 links_end_hub(struct bridge *, const char *hub_id,
		    const char *why);
/* Once a second. */
void		 links_tick(struct bridge *);
/* Stops (1) and resumes (0) reading from all. */
void		 links_hold(struct bridge *, int);

/* caller.c */
/*
 * The hubs are those of the configuration: links to those that are no longer
 * in it, or otherwise than before, end.  again: all others are called at once,
 * where there is no link.
 */
void		 callers_set(struct bridge *, int again);
void		 callers_free(struct bridge *);
/* The hub is linked, whoever has called; or no longer, and why. */
void		 caller_up(struct bridge *, const char *hub_id);
void		 caller_down(struct bridge *, const char *hub_id,
		    const char *why);
/* Our own call has failed before it was a link. */
void		 caller_failed(struct caller *, const char *why);
const struct lan_peer	*caller_peer(const struct caller *);
/* Tells the router how all of them are. */
void		 callers_report(struct bridge *);

#endif
