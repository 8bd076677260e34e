/* SPDX-License-Identifier: ISC */
/*
 * The parts of the uplink, the process that carries links by way of relays:
 * the connections to relays (upstream.c), other hubs behind them (remote.c),
 * those that seal (seal.c) and those that do not (clear.c), and the process
 * around them (uplink.c).
 */
#ifndef UPLINK_H
#define UPLINK_H

#include <sys/queue.h>

#include "json.h"
#include "linkproto.h"
#include "pairing.h"
#include "uplinkconf.h"

struct dialer;
struct event_base;
struct imsgbuf;
struct map;
struct seal;
struct sealer;
struct ssl_ctx_st;
struct uplink;
struct upstream;

/* Another hub behind a relay. */
struct remote {
	TAILQ_ENTRY(remote)	 entry;
	struct upstream		*upstream;
	char			 id[NAME_SIZE];
	int			 seals;
	/* of one that does */
	struct seal		*seal;		/* NULL: none at this time */
	struct seal		*candidate;	/* to take its place */
	int64_t			 begin_at;	/* monotonic ms; 0: not by us */
	unsigned		 backoff;
	char			 why[LINK_WHY_SIZE];	/* the last fault */
	/* of one that does not */
	struct map		*names;		/* its sessions */
	uint32_t		 query;		/* the router is asked */
	uint32_t		 link;		/* 0: it is down */
	int64_t			 lines;
	int			 full;
};

TAILQ_HEAD(remote_list, remote);
TAILQ_HEAD(upstream_list, upstream);

struct uplink {
	struct event_base	*base;
	struct uplink_conf	 conf, next;	/* next: up to CONF_END */
	struct dialer		*dialer;
	struct imsgbuf		*router;
	/* of each relay of conf, of next; the last: what the system trusts */
	struct ssl_ctx_st	*tls[UPLINK_RELAYS_MAX + 1];
	struct ssl_ctx_st	*next_tls[UPLINK_RELAYS_MAX + 1];
	struct sealer		*sealer;
	struct upstream_list	 upstreams;
	struct map		*links;		/* number -> struct remote */
	uint32_t		 last_link, last_query;
	size_t			 names;		/* of all remotes */
	int			 held;		/* nothing is to be read */
	struct pairing_list	 pairings;
	struct ssl_ctx_st	*pair_tls;	/* of the next one to join */
};

/* uplink.c */
int	uplink_main(void);
/* Tells the router of a link that is up; returns its number. */
uint32_t	uplink_up(struct remote *, int plaintext, struct slice hello);
void	uplink_down(struct uplink *, uint32_t link, const char *why);
/* Whoever listens there is to be told of sessions, until uplink_down(). */
uint32_t	uplink_tell(struct uplink *);
void	uplink_line(struct uplink *, uint32_t link, struct slice);
void	uplink_full(struct uplink *, uint32_t link, int full);
void	uplink_written(struct uplink *, uint32_t link, int64_t lines);
/* Why there is no link to that hub by way of url; for people. */
void	uplink_trouble(struct uplink *, const char *hub_id, const char *url,
	    const char *why);
/*
 * Asks the router of a key of that hub; "": is any key of it known?  Returns
 * the number of the question, with which remote_verdict() is called.
 */
uint32_t	uplink_ask(struct uplink *, const char *hub_id,
		    const char *key);
/* What trusts that relay's certificate, of conf; NULL: nothing does. */
struct ssl_ctx_st	*uplink_tls(struct uplink *,
			    const struct uplink_relay *);

/* Of a pairing of that id: it can be joined now, and has come to its end. */
void	uplink_invited(struct uplink *, uint32_t id,
	    const struct pair_code *);
void	uplink_paired(struct uplink *, uint32_t id, const struct pair_done *);

/* upstream.c */
/* Calls a relay, of conf. */
void		 upstream_new(struct uplink *, const struct uplink_relay *);
/*
 * It is configured like this now, or no longer (NULL): why is said then.  What
 * it has is kept as far as it goes with that.
 */
void		 upstream_change(struct upstream *,
		    const struct uplink_relay *);
void		 upstream_free(struct upstream *);
/* Walks them all: NULL to begin. */
struct upstream	*upstream_next(const struct uplink *, const struct upstream *);
void		 upstream_tick(struct upstream *, int64_t now);
/* Stops (1) and resumes (0) reading. */
void		 upstream_hold(struct upstream *, int);
/* Hands to the kernel what it takes within that time. */
void		 upstream_flush(struct upstream *, int timeout_ms);
struct uplink	*upstream_uplink(const struct upstream *);
/* All that are known behind it; a list, and by their ids. */
struct remote_list	*upstream_remotes(struct upstream *);
struct map	*upstream_ids(struct upstream *);
const struct uplink_relay	*upstream_conf(const struct upstream *);
int		 upstream_is_up(const struct upstream *);
uint8_t		 upstream_rank(const struct upstream *);
/* A message, which is ended with the bracket of its object and emptied. */
void		 upstream_write(struct upstream *, struct wbuf *);
/*
 * Bytes that wait in sealed sessions become more, or fewer.  When it is busy it
 * has got enough from them; it calls remote_send_piece() for more.
 */
void		 upstream_waits(struct upstream *, ssize_t);
int		 upstream_is_busy(const struct upstream *);
/* All that waits to be sent is more than enough. */
int		 upstream_is_full(const struct upstream *);
/* When something of ours last waited that the relay did not take yet. */
int64_t		 upstream_busy_at(const struct upstream *);
/*
 * A session of ours is to be announced at the relay (1) or withdrawn (0); 1 if
 * that has been done already.
 */
int		 upstream_announced(struct upstream *, const char *name,
		    int joins);
/* All that are announced leave. */
void		 upstream_withdraw(struct upstream *);
/*
 * The number with which the router tells of sessions, to a relay that does not
 * say that hubs are there; 0: it is not that, or nothing may be said to it.
 */
uint32_t	 upstream_told(const struct upstream *);

/* remote.c */
/* The relay says that it is there, and whether it seals. */
struct remote	*remote_seen(struct upstream *, const char *id, int seals);
struct remote	*remote_find(struct upstream *, const char *id);
/* It has gone, or the connection to the relay; why is for the log. */
void		 remote_gone(struct remote *, const char *why);
/* One of its sealed records: the object that is wrapped. */
void		 remote_record(struct remote *, const struct json_value *);
void		 remote_tick(struct remote *, int64_t now);
/* A session is to be tried now, by us or, if it is the one to begin, by it. */
void		 remote_retry(struct remote *);
/* The router has decided; 0 if the question was another's. */
int		 remote_verdict(struct remote *, uint32_t query,
		    enum key_verdict);
void		 remote_send(struct remote *, const struct link_send *);
void		 remote_close(struct remote *, uint32_t link, const char *why);
/* Output has gone to the kernel. */
void		 remote_drained(struct remote *);
/* Some of what waits in its sessions goes to the connection; 0: none does. */
int		 remote_send_piece(struct remote *);
/* What it has to send is with the connection. */
void		 remote_flush(struct remote *);
/* Of seal.c: this one is up, or has come to its end. */
void		 remote_sealed(struct remote *, struct seal *);
void		 remote_unsealed(struct remote *, struct seal *,
		    const char *why);
/* Likewise, by the other end, which knows why. */
void		 remote_ended(struct remote *, struct seal *);

/* clear.c */
/* A session as it is in a list, with the name name@hub; it joins. */
void	clear_join(struct upstream *, const struct json_value *);
void	clear_leave(struct upstream *, const struct json_value *name);
/* What is wrapped, for the session name@hub of that hub. */
void	clear_forward(struct remote *, const char *target, struct slice);
void	clear_verdict(struct remote *, enum key_verdict);
void	clear_send(struct remote *, const struct link_send *);
/* A line for whoever is at that relay: of a session of ours. */
void	clear_tell(struct upstream *, const struct link_send *);
/* Output has become too much (1), or not any more (0). */
void	clear_full(struct remote *, int);
/* Its link is down; names are forgotten. */
void	clear_free(struct remote *, const char *why);

#endif
