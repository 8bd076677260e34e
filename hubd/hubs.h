/* SPDX-License-Identifier: ISC */
/*
 * Other hubs, for the router's parts: which there are, and what their
 * sessions are told.  A session of another hub that is online there is a
 * session here, too, of the name name@hub; what is written to it goes over
 * the link (session.h).
 */
#ifndef HUBS_H
#define HUBS_H

#include <stdint.h>

#include "buf.h"
#include "imsg.h"
#include "linkproto.h"

struct event_base;
struct hub;
struct hubs;
struct reader;
struct router;
struct session;
struct store_receipt;

struct hubs	*hubs_new(struct event_base *, struct router *);
/* Sessions of other hubs are closed; what is queued goes to the carrier. */
void		 hubs_shutdown(struct hubs *);
void		 hubs_free(struct hubs *);
/*
 * The socket to a process that carries links (linkproto.h), which has just
 * been started.
 */
void		 hubs_carrier(struct hubs *, enum proc_id, int fd);
/* STORE_NAME of a hub: there has been a link to it. */
void		 hubs_known(struct hubs *, const char *id);
/* The store is behind: nothing more is to come (1), or again (0). */
void		 hubs_hold(struct hubs *, int);
/* A link to it could not be made, which people may want to know. */
void		 hubs_reported(struct hubs *, const char *id);
/* A link to it by way of a relay may be made now. */
void		 hubs_retry(struct hubs *, const char *id);
/* The hub's key does not count any more: its links by relays are closed. */
void		 hubs_distrusted(struct hubs *, const char *id);
/* One counts from now on: it is spoken to in the clear by no relay. */
void		 hubs_keyed(struct hubs *, const char *id);
/*
 * It has no key any more; if it is gone nothing is known of it, either, unless
 * it is configured or linked.
 */
void		 hubs_forget(struct hubs *, const char *id, int gone);
/* When this hub was started, ms since 1970. */
int64_t		 hubs_started(const struct hubs *);

/* A hub that is configured or has ever been linked; else NULL. */
struct hub	*hubs_find(const struct hubs *, const char *id);
/* The hub of a name@hub, if there is one of that name; else NULL. */
struct hub	*hubs_of(const struct hubs *, const char *target);
const char	*hub_id(const struct hub *);
/* The id of this hub. */
const char	*hub_own_id(const struct hub *);
int		 hub_is_up(const struct hub *);
/* 1 if more than enough waits to be sent to it. */
int		 hub_is_full(const struct hub *);
/* What its sessions can be sent (enum session_feature). */
unsigned	 hub_features(const struct hub *);
/* 1 if it shares rooms, or groups. */
int		 hub_has_rooms(const struct hub *);
int		 hub_has_groups(const struct hub *);
/* Walks them all: NULL to begin. */
struct hub	*hubs_next(const struct hubs *, struct hub *);
/* Likewise those that are told of sessions; some are whoever is at a relay. */
struct hub	*hubs_next_told(const struct hubs *, struct hub *);

/*
 * A line for a session of another hub, in two parts, the second by reference;
 * -1 if it is too long for that hub or more than enough waits already.
 */
int	hub_forward(struct session *, const struct wbuf *head,
	    struct rbuf *tail);
/* A line for the hub itself: an object, which is ended and emptied. */
void	hub_write(struct hub *, struct wbuf *);

/* A session of this hub has come, goes, has another name than old. */
void	hubs_joined(struct hubs *, const struct session *);
void	hubs_left(struct hubs *, const struct session *);
void	hubs_renamed(struct hubs *, const struct session *, const char *old);
/* It is in that room now (1), or no longer (0). */
void	hubs_room(struct hubs *, const struct session *, const char *room,
	    int joined);
/* Tells the sender's hub what has become of a message. */
void	hubs_receipt(struct hubs *, const struct store_receipt *);
/* The array of links in a status_result, and the one of hubctl. */
void	hubs_put_links(struct wbuf *, const struct hubs *);
/* Members of one hub's object for hubctl show links, but for `queued'. */
void	hub_put_details(struct wbuf *, const struct hub *);
/* For statistics. */
struct hub_stat {
	int		 shown;		/* configured, or linked */
	int		 up, lan;	/* linked; over the LAN */
	uint32_t	 peers;
};
void		 hub_stat(const struct hub *, struct hub_stat *);
/* Relays that this hub is connected to. */
unsigned	 hubs_relays(const struct hubs *);
/* Objects as those of hub_put_details() of these relays. */
void	hubs_put_relays(struct wbuf *, const struct hubs *);
const char	*hubs_state_name(enum link_state);

#endif
