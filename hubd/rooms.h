/* SPDX-License-Identifier: ISC */
/*
 * Rooms: sessions that hear what is said under a name.  They live in memory,
 * from the first member's coming to the last one's leaving.
 */
#ifndef ROOMS_H
#define ROOMS_H

#include "buf.h"

struct request;
struct rooms;
struct session;

struct rooms	*rooms_new(unsigned max_rooms, unsigned max_members);
void		 rooms_free(struct rooms *);
/* Who is there already stays. */
void		 rooms_limit(struct rooms *, unsigned max_rooms,
		    unsigned max_members);
/* A session of another hub comes into a room (1), or leaves it (0). */
void		 rooms_remote(struct rooms *, struct session *,
		    const char *room, int joined);
/*
 * Its hub begins to tell all its rooms again; it has: those that it was not
 * told to be in it is not in any more.
 */
void		 rooms_doubt(struct session *);
void		 rooms_settle(struct rooms *, struct session *);
/* 1 if it is in that room. */
int		 rooms_has(const struct rooms *, const char *room,
		    const struct session *);
/* Tells the rooms that the session is in. */
void		 rooms_each(const struct session *, void (*)(
		    const struct session *, const char *room, void *),
		    void *);
/* incoming_room_msg of another hub's session, for one of ours. */
void		 rooms_push(struct session *, const char *from,
		    const char *room, const struct request *);
/* The session leaves all its rooms. */
void		 rooms_session_gone(struct rooms *, struct session *);
/* The array of all rooms, as rooms_list has it, not longer than limit. */
void		 rooms_put_list(struct wbuf *, const struct rooms *,
		    size_t limit);

/* Handlers (request.c). */
void	rooms_join(struct session *, const struct request *);
void	rooms_leave(struct session *, const struct request *);
void	rooms_message(struct session *, const struct request *);
void	rooms_list(struct session *, const struct request *);

#endif
