/* SPDX-License-Identifier: ISC */
/*
 * The router of a relay: hubs (hub.c, peers.c, forward.c), slots in which two
 * of them pair (pair.c), and the process around them (router.c).
 */
#ifndef RELAY_H
#define RELAY_H

#include <sys/queue.h>

#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "names.h"

struct event;
struct event_base;
struct json_value;
struct map;
struct pairs;
struct ssl_st;
struct wsio;

#define RELAY_ID	"relay"

/* Close codes (protocol.md section 3). */
enum relay_close {
	CLOSE_HANDSHAKE = 4001,
	CLOSE_VERSION = 4002,
	CLOSE_AUTH = 4003,
	CLOSE_TAKEN = 4004,
	CLOSE_BAD = 4005,
	CLOSE_FULL = 4006,
	CLOSE_RESTART = 1012,	/* IANA: service restart */
	CLOSE_BUSY = 1013	/* IANA: try again later */
};

/* What a hub has announced. */
enum relay_feature {
	FEATURE_HUBS = 1,
	FEATURE_LIMITS = 2,
	FEATURE_RENAME = 4,
	FEATURE_SEAL = 8
};

enum stage {
	STAGE_HELLO,		/* the request, TLS, bridge_hello */
	STAGE_PROBE,		/* its id is taken: is that one alive? */
	STAGE_UP
};

/* Refilled with time; it may be overdrawn by one message. */
struct bucket {
	double	 level;
	int64_t	 filled;	/* monotonic ms */
};

struct hub {
	TAILQ_ENTRY(hub)	 entry;
	struct relay		*relay;
	struct wsio		*ws;
	enum stage		 stage;
	char			 id[NAME_SIZE];
	char			 address[RELAY_ADDRESS_SIZE];
	unsigned		 features;
	int64_t			 began;		/* monotonic ms */
	int64_t			 asked;		/* a ping; 0: none */
	struct hub		*rival;		/* that wants its id */
	char			*hello;		/* of one in STAGE_PROBE */
	size_t			 hello_len;
	struct map		*peers;		/* name -> struct peer */
	struct bucket		 messages, bytes;
	int64_t			 told;		/* of its limits */
	int64_t			 held_until;	/* monotonic ms; 0: it is not */
	struct hub		*waits_for;	/* to read */
	unsigned		 waiting;	/* hubs, for this one */
};

TAILQ_HEAD(hub_list, hub);
TAILQ_HEAD(scrape_list, scrape);

/* Why something was not carried, and how handshakes ended: metrics.c. */
enum counter {
	COUNT_MESSAGES,
	COUNT_BYTES,
	COUNT_NO_HUB,		/* forwards to a hub that is not there */
	COUNT_NO_TARGET,	/* forwards that name no hub */
	COUNT_SLOW,		/* hubs cut off for not reading */
	COUNT_LIMITED,		/* times a hub was held back */
	COUNT_TIMEOUT,		/* handshakes: */
	COUNT_EXPECTED,
	COUNT_VERSION,
	COUNT_AUTH,
	COUNT_BAD,
	COUNT_TAKEN,
	COUNT_FULL,
	COUNT_BUSY,
	COUNT_PAIR_OPENED,	/* slots: */
	COUNT_PAIR_JOINED,
	COUNT_PAIR_REFUSED,
	COUNTERS
};

struct relay {
	struct event_base	*base;
	const struct relay_conf	*conf;
	struct hub_list		 early, up;	/* early: the oldest first */
	struct map		*ids;		/* of those up */
	size_t			 nearly, nup;
	struct pairs		*pairs;
	struct scrape_list	 scrapes;	/* of metrics; oldest first */
	size_t			 nscrapes;
	struct wbuf		 scratch;	/* of forward.c */
	uint64_t		 counters[COUNTERS];
	int64_t			 started;
	int64_t			 log_second;	/* of the last refusal */
	unsigned		 logged;	/* refusals in it */
};

/* hub.c */
/* Takes over an accepted socket, and the SSL, if there is one. */
void	hub_new(struct relay *, int fd, struct ssl_st *, const char *address);
/* Closes it with that code and reason. */
void	hub_close(struct hub *, unsigned code, const char *why);
/* Ten times a second: what is late, what may go on. */
void	hubs_tick(struct relay *);
/* Tells all to come back in that time, and closes. */
void	hubs_stop(struct relay *, int retry_ms);
/* Bytes that wait to be sent to all of them. */
size_t	hubs_pending(const struct relay *);

/* Logs who was refused, and why, but not for each of very many. */
void	hub_refused(struct relay *, const char *address, const char *why);
/* 1 if that string is the relay's secret, in constant time. */
int	hub_knows(const struct relay *, const struct json_value *);

/* pair.c */
struct pairs	*pairs_new(struct relay *);
/* Tells both ends of each slot to come back, and forgets it. */
void	pairs_free(struct pairs *, const char *why);
/* Slots that are open. */
size_t	pairs_count(const struct pairs *);
/* Closes what has been open for too long. */
void	pairs_tick(struct pairs *);
/* 1 if a first message asks for a slot. */
int	pair_wanted(const struct json_value *);
/* Takes over a connection with that first message. */
void	pair_new(struct pairs *, struct wsio *, const char *address,
	    const struct json_value *);

/* peers.c */
/* Welcomes a hub, and tells the others of it and of the peers in its hello. */
void	peers_arrive(struct hub *, const struct json_value *);
/* Tells the others that it and its peers have left. */
void	peers_depart(struct hub *);
/* A bridge_peer_update. */
void	peers_update(struct hub *, const struct json_value *);
void	peers_free(struct map *);

/* forward.c */
/* A bridge_forward. */
void	forward_message(struct hub *, const struct json_value *);
/*
 * It has caused something to be sent to that one (or itself), and is not read
 * while that one has too much to read.
 */
void	forward_wait(struct hub *, struct hub *to);
/* So much was sent: over its limits a hub is not read for a while. */
void	forward_spend(struct hub *, size_t);
/* It has read all; it is gone; what was held back too long goes on. */
void	forward_drained(struct hub *);
void	forward_gone(struct hub *);
void	forward_tick(struct hub *, int64_t now);

/* metrics.c */
/* Takes over a connection to the metrics' listener. */
void	metrics_new(struct relay *, int fd);
/* Closes those that ask for nothing. */
void	metrics_tick(struct relay *, int64_t now);
void	metrics_free(struct relay *);

#endif
