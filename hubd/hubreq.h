/* SPDX-License-Identifier: ISC */
/*
 * Requests about groups that live on another hub: a session asks its own hub,
 * which asks the other one and gives the session the answer, in which names
 * are as they are here.  Between hubs:
 *
 *	{type:"bridge_request", peer, wrapped:{type, req_id, group, ...}}
 *
 * is the request of a session of the hub that sends it; the answer comes as a
 * bridge_forward to that session.  What of a group's history has been shown
 * is told by a request `group_read` {group, serial, last_id}, with the
 * numbers that the answer had.
 */
#ifndef HUBREQ_H
#define HUBREQ_H

#include "buf.h"
#include "json.h"
#include "request.h"

struct event_base;
struct hub;
struct hubreqs;
struct pending;
struct router;
struct session;

struct hubreqs	*hubreqs_new(struct event_base *, struct router *);
void		 hubreqs_free(struct hubreqs *);
/*
 * If the request is about a group of another hub (group is name@hub) it is
 * sent there, or answered with what is wrong: 1.  Else 0, and the name of the
 * group is in dst; -1 if it is none, which has been answered.
 */
int	hubreq_group(struct session *, const struct request *,
	    char dst[NAME_SIZE]);
/*
 * Answers a group_list: with the groups of this hub, an array, and those of
 * the hubs that are linked.  The pending is taken over.
 */
void	hubreq_list(struct pending *, struct slice groups);
/* A session of another hub asks. */
void	hubreq_serve(struct session *, const char *, size_t);
/* An answer has come; the line is all of it. */
void	hubreq_answered(struct hubreqs *, struct hub *,
	    const struct request *, struct slice line);
/* The link is down: nothing more comes. */
void	hubreq_down(struct hubreqs *, struct hub *);
/* A member with a name in it that the other hub has written, as we see it. */
void	hubreq_put_name(struct wbuf *, const char *key, const struct hub *,
	    const struct json_value *);

#endif
