/* SPDX-License-Identifier: ISC */
/*
 * One other hub, for the parts that have to do with it alone: hubs.c (which
 * there are, and sending), linkline.c (what comes from it), forward.c (what
 * the store has for it).
 */
#ifndef HUB_H
#define HUB_H

#include <sys/queue.h>

#include "linkproto.h"
#include "names.h"
#include "storeproto.h"

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
	uint32_t		 link;		/* number; 0: down */
	unsigned		 generation;	/* of links */
	int			 plaintext, full;
	unsigned		 features;	/* enum hub_feature */
	uint32_t		 npeers;
	int			 too_many;	/* peers, and that was said */
	unsigned		 renames;	/* told on this link */
	int64_t			 lines;		/* sent on this link */
	/* for people */
	enum link_state		 state;
	int64_t			 since;		/* of it; ms since 1970 */
	char			 where[LINK_WHY_SIZE], why[LINK_WHY_SIZE];
	/* forward.c */
	int64_t			 sent;		/* the last message's number */
	int			 listing;	/* the store has been asked */
	int			 caught_up;	/* it has no more */
	int64_t			 unacked;
	/* of the messages up to a number, so many were not acknowledged then */
	int64_t			 mark, mark_unacked, marked_at;
	STAILQ_HEAD(, unwritten) unwritten;
	/* hubtell.c */
	STAILQ_HEAD(, kept)	 receipts;
	unsigned		 nreceipts;
};

/* hubs.c */
/* A line in an envelope for one of its sessions; seq 0: without one. */
int	hub_envelope(struct hub *, const char *name, int64_t seq,
	    const struct wbuf *head, struct rbuf *tail);
/* The session name@hub; comes into being if it is not known.  Or NULL. */
struct session	*hub_session(struct hub *, const char *name);
/* It joins (both texts are taken over), leaves, is renamed. */
void	hub_peer_joined(struct hub *, const char *name, char *cwd,
	    char *git_branch, int64_t last_seen);
void	hub_peer_left(struct hub *, const char *name);
void	hub_peer_renamed(struct hub *, const char *name, const char *new_name);
/* name@hub, for what comes from it. */
void	hub_qualify(const struct hub *, const char *name,
	    char dst[TARGET_SIZE]);

/* hubtell.c */
/* All sessions and rooms, and receipts that have waited. */
void	hub_tell_all(struct hub *);
void	hub_send_receipts(struct hub *);
void	hub_drop_receipts(struct hub *);

/* linkline.c */
void	linkline_hello(struct hub *, const char *, size_t);
/* -1: it is not JSON. */
int	linkline(struct hub *, const char *, size_t);

/* forward.c */
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
