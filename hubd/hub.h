/* SPDX-License-Identifier: ISC */
/*
 * One other hub, for the parts that have to do with it alone: hubs.c (which
 * there are, and sending), ways.c (the links to it), presence.c (its
 * sessions), linkline.c (what comes from it), forward.c (what the store has
 * for it).
 */
#ifndef HUB_H
#define HUB_H

#include <sys/queue.h>

#include "linkproto.h"
#include "names.h"
#include "storeproto.h"

struct carrier;
struct kept;
struct router;

/* What a hub has announced (protocol.md section 2). */
enum hub_feature {
	HUB_ACK = 1,
	HUB_ASK = 2,
	HUB_BROADCAST = 4,
	HUB_RENAME = 8,
	HUB_ROOMS = 16,
	HUB_GROUPS = 32
};

/* A link to a hub, which is up. */
struct way {
	TAILQ_ENTRY(way)	 entry;		/* the best is first */
	struct hub		*hub;
	struct carrier		*carrier;
	uint32_t		 link;		/* its number there */
	uint8_t			 rank;		/* of where it leads */
	int			 plaintext, full;
	unsigned		 features;	/* enum hub_feature */
	int64_t			 lines;		/* sent on it */
};

/* A line to a hub without acknowledgements that the kernel has not taken. */
struct unwritten {
	STAILQ_ENTRY(unwritten)	 entry;
	int64_t			 line, seq;
};

struct hub {
	TAILQ_ENTRY(hub)	 entry;
	struct router		*router;
	char			 id[NAME_SIZE];
	int			 configured;
	int			 keyed;		/* it has a key that counts */
	TAILQ_HEAD(way_list, way) ways;
	struct way		*way;		/* the first; NULL: down */
	unsigned		 generation;	/* of times it was up */
	/* for people */
	enum link_state		 state;
	int64_t			 since;		/* of it; ms since 1970 */
	uint8_t			 rank;		/* of the last way used */
	char			 where[LINK_WHY_SIZE], why[LINK_WHY_SIZE];
	/* presence.c */
	struct way		*authority;	/* on which it tells of them */
	uint32_t		 npeers;
	int			 too_many;	/* peers, and that was said */
	unsigned		 renames;	/* told this time */
	unsigned		 telling;	/* of all, the last one */
	int			 in_telling;	/* and it goes on */
	int			 marked;	/* it says when it begins */
	int64_t			 started, began;	/* as it says */
	int64_t			 doubtful;	/* monotonic ms: see there */
	/* forward.c */
	int64_t			 sent;		/* the last message's number */
	unsigned		 round;		/* of sending all there is */
	int			 listing;	/* the store has been asked */
	int			 caught_up;	/* it has no more */
	/* all up to that number were sent then, or before */
	int64_t			 mark, marked_at;
	STAILQ_HEAD(, unwritten) unwritten;
	/* hubtell.c */
	int64_t			 tellings;
	STAILQ_HEAD(, kept)	 receipts;
	unsigned		 nreceipts;
};

/* hubs.c */
/* A line in an envelope for one of its sessions; seq 0: without one. */
int	hub_envelope(struct hub *, const char *name, int64_t seq,
	    const struct wbuf *head, struct rbuf *tail);
/* 1 if it is up and has announced that. */
int	hub_can(const struct hub *, enum hub_feature);
/* name@hub, for what comes from it. */
void	hub_qualify(const struct hub *, const char *name,
	    char dst[TARGET_SIZE]);

/* ways.c */
/* There is another link. */
void	way_up(struct hub *, struct carrier *, const struct link_up *);
/* It has gone; is freed. */
void	way_down(struct way *, const char *why);
/* Likewise all of that carrier, or of all if it is NULL. */
void	ways_down(struct hub *, const struct carrier *, const char *why);

/* presence.c */
/* Sessions that are told of on this way count. */
int	presence_counts(const struct way *);
/* The hub has come with that hello; has gone. */
void	presence_up(struct way *, struct slice hello);
void	presence_down(struct hub *, const char *why);
/* The way has gone, and there are others. */
void	presence_lost(const struct way *);
/*
 * It tells all its sessions now, in its process that was started then, for
 * the nth time (0: it does not say); it has told them.
 */
void	presence_begin(struct way *, int64_t started, int64_t n);
void	presence_end(const struct way *);
void	presence_tick(struct hub *, int64_t now);
/* The session name@hub; comes into being if it is not known.  Or NULL. */
struct session	*hub_session(const struct way *, const char *name);
/* It joins (both texts are taken over), leaves, is renamed. */
void	hub_peer_joined(const struct way *, const char *name, char *cwd,
	    char *git_branch, int64_t last_seen);
void	hub_peer_left(struct hub *, const char *name);
void	hub_peer_renamed(const struct way *, const char *name,
	    const char *new_name);

/* hubtell.c */
/* All sessions and rooms, and receipts that have waited. */
void	hub_tell_all(struct hub *);
void	hub_send_receipts(struct hub *);
void	hub_drop_receipts(struct hub *);

/* linkline.c */
/* What the first line of a link announces; what sessions it names. */
unsigned	linkline_features(struct slice hello);
void		linkline_peers(struct way *, struct slice hello);
/* -1: it is not JSON. */
int		linkline(struct way *, const char *, size_t);

/* forward.c */
/* The hub has come, or has another way: all is sent, or sent again. */
void	forward_up(struct hub *);
void	forward_down(struct hub *);
/* More can be sent again. */
void	forward_more(struct hub *);
/* So many lines are with the kernel. */
void	forward_written(struct hub *, int64_t lines);
/* Once in a while: acknowledgements that do not come are not waited for. */
void	forward_tick(struct hub *, int64_t now);
/* The other hub has it, in that state; or cannot take it: expired. */
void	forward_acked(struct hub *, int64_t seq, enum msg_state);
/* What has become of a message that the other hub has. */
void	forward_receipt(struct hub *, const char *sender, const char *peer,
	    const char *msg_id, enum msg_state);

#endif
