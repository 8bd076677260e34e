/* SPDX-License-Identifier: ISC */
/*
 * The processes that carry links to other hubs, bridged and the uplink to
 * relays, as the router sees them (linkproto.h).
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <stdint.h>

#include "buf.h"
#include "imsg.h"

struct carrier;
struct carriers;
struct event_base;
struct hub;
struct router;
struct way;

struct carriers	*carriers_new(struct event_base *, struct router *);
/* No way is left by now. */
void		 carriers_free(struct carriers *);
/* A process has been started; links of the one before are down. */
void		 carriers_add(struct carriers *, enum proc_id, int fd);
/* Nothing more is to come (1), or again (0). */
void		 carriers_hold(struct carriers *, int);
/* Writes what is queued to all of them, blocking for so long. */
void		 carriers_flush(struct carriers *, int timeout_ms);
/*
 * Links to that hub by way of relays are closed, and none comes up until one
 * of its keys counts again.
 */
void		 carriers_distrusted(struct carriers *, const char *id);
/*
 * It has a key that counts: it is not spoken to in the clear any more by way of
 * relays, which could read it.
 */
void		 carriers_keyed(struct carriers *, const char *id);
/* That it was distrusted is forgotten. */
void		 carriers_forget(struct carriers *, const char *id);
/*
 * Who is told of all sessions and nothing else (LINK_TELL), as hubs that are in
 * no list: NULL to begin.
 */
struct hub	*carriers_told(const struct carriers *, const struct hub *);
/* Where a way of that rank leads, or "". */
const char	*carriers_where(const struct carriers *, uint8_t rank);
/* How many relays this hub is connected to. */
unsigned	 carriers_relays(const struct carriers *);
/* Objects for hubctl show links, one for each relay. */
void		 carriers_put_relays(struct wbuf *, const struct carriers *);

/* LINK_SEND. */
void	carrier_send(struct way *, struct slice head, struct rbuf *inner);
/* LINK_CLOSE. */
void	carrier_close(struct carrier *, uint32_t link, const char *why);
/* The way of that number begins; has gone. */
void	carrier_add(struct carrier *, uint32_t link, struct way *);
void	carrier_remove(struct carrier *, uint32_t link);

/* Tells the uplink that a link to that hub may be made now. */
void	carriers_retry(struct carriers *, const char *hub_id);

#endif
