/* SPDX-License-Identifier: ISC */
/*
 * Requests about sessions themselves: register, rename, who is there.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stdint.h>

#include "buf.h"

struct request;
struct router;
struct session;
struct store_session;

void	peers_register(struct session *, const struct request *);
void	peers_rename(struct session *, const struct request *);
void	peers_list(struct session *, const struct request *);
void	peers_ping(struct session *, const struct request *);
void	peers_pong(struct session *, const struct request *);
void	peers_status(struct session *, const struct request *);
void	peers_sessions(struct session *, const struct request *);
void	peers_presence(struct session *, const struct request *);

/* Tells the store once more whose the session's name is. */
void	peers_register_again(struct session *);
/* A session that was online is going. */
void	peers_left(struct session *);
/* The members of `hub` in a status_result. */
void	peers_put_hub(struct wbuf *, const struct router *);
/*
 * A known session as an object, without its end: as the store knows it, and as
 * it is now.  If who (owner.h) is not its user it is no more than list_peers
 * shows; unread is 0 then.
 */
void	peers_put_session(struct wbuf *, const struct router *,
	    const struct store_session *, uint32_t who);
/* "idle", "busy", or NULL if it is not known. */
const char	*peers_status_name(const struct session *);

#endif
