/* SPDX-License-Identifier: ISC */
/*
 * The groups in the database, kept in memory once they were used, so that a
 * message to a group costs the same however many are in it.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include <stdint.h>

#include "box.h"
#include "buf.h"
#include "names.h"

struct conf;
struct groups;

struct group_member {
	int64_t	 peer;			/* a box's id */
	int64_t	 last_read, joined;	/* numbers of entries */
	char	 name[TARGET_SIZE];
};

struct group {
	int64_t			 id, admin;	/* admin: a box's id */
	int64_t			 created;	/* ms since 1970 */
	int64_t			 first, last;	/* entries that are kept */
	struct group_member	*members;	/* in the order of joining */
	uint32_t		 nmembers;
	char			 name[NAME_SIZE];
};

/* The limits are those of the configuration. */
struct groups	*groups_new(struct boxes *, const struct conf *);
void		 groups_free(struct groups *);
void		 groups_limit(struct groups *, const struct conf *);
struct boxes	*groups_boxes(struct groups *);
uint32_t	 groups_max(const struct groups *);
uint32_t	 groups_max_members(const struct groups *);

/*
 * To be called before anything is done with groups in a transaction; it
 * forgets what boxes_forget() has made old.  0 or -1.
 */
int	groups_ready(struct groups *);
/* 1 if there is no room for another group. */
int	groups_full(const struct groups *);

/* 1, 0 if there is none, -1; a group got before is no longer valid. */
int	group_find(struct groups *, const char *, struct group **);
/* NULL if the peer is not in it. */
struct group_member	*group_find_member(const struct group *, int64_t peer);
/* What a member has not read, of a group that keeps first to last. */
uint32_t	group_unread(int64_t first, int64_t last, int64_t last_read);

/* Each changes the database and then the group; 0 or -1. */
int	group_add(struct groups *, const char *, const struct box *admin,
	    int64_t now, struct group **);
int	group_remove(struct groups *, struct group *);
int	group_join(struct groups *, struct group *, const struct box *,
	    int64_t now);
int	group_leave(struct groups *, struct group *, struct group_member *);
int	group_read(struct groups *, struct group *, struct group_member *,
	    int64_t id);
/*
 * Makes an entry, whose number is last then, and pushes out what is too much.
 * text is the inside of a JSON string.
 */
int	group_append(struct groups *, struct group *, int64_t sender,
	    int64_t now, int system, struct slice text);

#endif
