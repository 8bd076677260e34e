/* SPDX-License-Identifier: ISC */
/*
 * Who is connected, and which name belongs to whom: registering, probing the
 * holder of a wanted name, renames, former names, and the sweep of sessions
 * that do not answer.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stddef.h>

#include "buf.h"
#include "names.h"

struct conf;
struct event_base;
struct registry;
struct session;

enum claim {
	CLAIM_OK,
	CLAIM_TAKEN,
	CLAIM_PROBING	/* settled later: the callback is called */
};

struct registry	*registry_new(struct event_base *, const struct conf *,
		    void (*empty)(int, void *), void *arg);
void		 registry_free(struct registry *);

/* A new connection, and one that has closed. */
void	registry_add(struct registry *, struct session *);
void	registry_remove(struct registry *, struct session *);
/* A session of another hub; it is online. */
void	registry_add_remote(struct registry *, struct session *);
/* 1 if another connection of that user may be taken; OWNER_NONE: not known. */
int	registry_has_room(const struct registry *, uint32_t owner);
/* Likewise, when its user is known at last. */
int	registry_user_has_room(const struct registry *, uint32_t owner);
/* What to say if not: registry_may_have(). */
#define NAMES_FULL	"this user has all the names that the hub allows: " \
			"use one of them, or ask who runs the hub"
/* 1 if that name may become one of the user's, as far as limits go. */
int	registry_may_have(const struct registry *, uint32_t owner,
	    const char *name);
/*
 * A line has come from the session: whoever waited for a sign of life of it is
 * told that the name is taken.  -1 if the session has gone meanwhile.
 */
int	registry_alive(struct registry *, struct session *);
/*
 * The session wants a name.  If it is taken its holder is probed, unless it
 * is already or is another user's, and settled is called with 1 (it is yours)
 * or 0 (taken) and the request's req_id.
 */
enum claim	registry_claim(struct registry *, struct session *,
		    const char *name,
		    void (*settled)(struct session *, int, struct slice),
		    struct slice req_id);
/* The name is the session's now; it is online. */
void	registry_online(struct registry *, struct session *);
/* Takes a name for a rename without a probe; -1 if it is taken. */
int	registry_reserve(struct registry *, struct session *, const char *);
/* Ends the rename: done 1, the old name leads to the new one; 0, never mind. */
void	registry_renamed(struct registry *, struct session *, const char *name,
	    int done);
/* A former name, from the store. */
void	registry_alias(struct registry *, const char *name,
	    const char *target);
/* The name is somebody's own, and no former one any more. */
void	registry_own(struct registry *, const char *name);
/*
 * Drops a former name of that hub's sessions, name@hub: 1 and the name, or 0
 * if there is none.
 */
int	registry_drop_alias_of(struct registry *, const char *hub,
	    char name[TARGET_SIZE]);
/* Tells all former names. */
void	registry_aliases(const struct registry *,
	    void (*)(const char *name, const char *target, void *), void *);
/* 1 if the name is a former one, whoever is online under it. */
int	registry_is_alias(const struct registry *, const char *);
/* The session could not be registered: it has no name, and may try again. */
void	registry_release(struct registry *, struct session *);
/* The name that a name leads to: itself, or that of which it is a former. */
const char	*registry_resolve(const struct registry *, const char *);
/* The session that is online under a name (or a former one), or NULL. */
struct session	*registry_find(const struct registry *, const char *);
/* The same of that very name, as the store knows it. */
struct session	*registry_exact(const struct registry *, struct slice name);
/* Sessions online; connections that have not registered. */
size_t	registry_count(const struct registry *);
size_t	registry_count_early(const struct registry *);
/* Walks them: NULL to begin. */
struct session	*registry_next(const struct registry *, struct session *);
/* Walks those of other hubs. */
struct session	*registry_next_remote(const struct registry *,
		    struct session *);
/*
 * Remembers whose name that is (owner.h), and, if session is 1, that there has
 * been a session of that name here; was there?
 */
void	registry_know(struct registry *, const char *, uint32_t owner,
	    int session);
int	registry_knows(const struct registry *, const char *);
/* Whose name that is, or what it is a former name of; OWNER_NONE: nobody's. */
uint32_t	registry_owner(const struct registry *, const char *);
/* Stops (1) and resumes (0) reading from all. */
void	registry_pause(struct registry *, int);
/* Hands what is queued to the kernel, within that time; then closes all. */
void	registry_shutdown(struct registry *, int timeout_ms);

#endif
