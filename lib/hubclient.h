/* SPDX-License-Identifier: ISC */
/*
 * A session's connection to the hub (protocol.md section 1): finds the hub or
 * starts one, registers, answers pings, matches answers to requests, and comes
 * back under the same name when the hub was gone.
 */
#ifndef HUBCLIENT_H
#define HUBCLIENT_H

#include <stdint.h>

#include "buf.h"
#include "names.h"

#include <jansson.h>

struct event_base;
struct hubclient;

/* The strings are copied. */
struct hubclient_conf {
	const char	*name;		/* wanted; if taken: -2 ... -10 */
	const char	*cwd;		/* NULL: "" */
	const char	*host;		/* as "Claude Code"; or NULL */
	int		 start;		/* start a hub if there is none */
};

/*
 * Each may be NULL.  json_t arguments are borrowed: json_incref() what is to
 * be kept.  Any of them, and answer below, may call hubclient_free().
 */
struct hubclient_ops {
	/*
	 * Registered (again): name is the one we have got; hubclient_unread()
	 * says what waits.
	 */
	void	(*up)(struct hubclient *, const char *name, void *);
	/* The hub is gone; it is being looked for again. */
	void	(*down)(struct hubclient *, void *);
	/*
	 * A message that the hub sent unasked: incoming_*, receipt, or err
	 * with an ask_id (peer_not_found, peer_gone, timeout).
	 */
	void	(*event)(struct hubclient *, const char *type, json_t *,
		    void *);
	/*
	 * It cannot work: all names taken (name_taken), protocol_mismatch, or
	 * the hub does not like the name (bad_args).  Not tried again before
	 * hubclient_set_name(); until then each request is answered with an
	 * err of that code.
	 */
	void	(*failed)(struct hubclient *, const char *code, void *);
	/*
	 * The git branch to register with, asked each time; copied.  It must
	 * not call hubclient_free().  NULL: "".
	 */
	const char	*(*git_branch)(struct hubclient *, void *);
};

/* Begins to look for the hub at once, in the event loop. */
struct hubclient	*hubclient_new(struct event_base *,
			    const struct hubclient_conf *,
			    const struct hubclient_ops *, void *);
/*
 * Leaves the hub.  What was told or sent before is still written (for 100 ms
 * at most); requests without an answer are dropped, answer is not called.
 * NULL is allowed.
 */
void	hubclient_free(struct hubclient *);
/*
 * Sends a request; req_id is added.  Steals the reference.  While there is no
 * hub it waits for one, 5 s at most; a request that was on its way when the
 * hub went is sent again, within those 5 s, if it may be repeated (all but a
 * send or group_send without msg_id).  answer gets the answer, an err included
 * (too_large if the line would be longer than a hub accepts), or NULL when
 * there was no hub in time or no answer within 30 s (hub_unreachable).  It is
 * called once, from the event loop, never before this function returns.
 *
 * ask and reply have no answer of their own: a ping follows them, and answer
 * gets its pong when the hub took them.  What becomes of an ask is an event.
 * A rename that is acknowledged changes hubclient_name() before answer is
 * called, and is the name to come back under.
 */
void	hubclient_request(struct hubclient *, json_t *,
	    void (*answer)(struct hubclient *, json_t *, void *), void *);
/*
 * Sends a message that has no answer (received, seen); steals it.  It is
 * dropped while there is no hub, and if the hub does not know the feature
 * receipts.
 */
void	hubclient_tell(struct hubclient *, json_t *);
/* The name registered; the last one while the hub is gone; "" before. */
const char	*hubclient_name(const struct hubclient *);
/* 1 while registered at a hub. */
int	hubclient_is_up(const struct hubclient *);
/* 1 if the hub's ack had this feature (of the last hub, when it is gone). */
int	hubclient_has(const struct hubclient *, const char *feature);
/*
 * Why there is no hub now: a clause like "cannot connect to /x: Permission
 * denied", or "" if nothing is known or all is well.
 */
const char	*hubclient_trouble(const struct hubclient *);
/*
 * Messages that wait, as the hub last said, and those pushed since; 0 if the
 * hub does not know the feature receipts.
 */
int64_t	hubclient_unread(const struct hubclient *);
/*
 * The name to come back under from now on.  While registered, use a rename
 * request instead.  After ops.failed it is tried at once.
 */
void	hubclient_set_name(struct hubclient *, const char *);

#endif
