/* SPDX-License-Identifier: ISC */
/*
 * A tool's call as a request to the hub, and the hub's answer as its result.
 */
#ifndef HUBCALL_H
#define HUBCALL_H

#include <jansson.h>

struct channel;
struct hubclient;
struct mcp_call;

/* Gets the call as its last argument; the answer is NULL without a hub. */
typedef void	hubcall_fn(struct hubclient *, json_t *, void *);

/* A request of that type with those of the arguments that were given. */
json_t	*hubcall_new(const char *type, const json_t *args, const char *keys);
/* Adds an id of our own: prefix and a UUID. */
void	 hubcall_add_id(json_t *, const char *key, const char *prefix);
/* Sends a request for a call; steals it. */
void	 hubcall_send(struct channel *, struct mcp_call *, json_t *,
	    hubcall_fn *);
/* 1 if that is no answer, or an err. */
int	 hubcall_is_refusal(const json_t *answer);
/*
 * Fails the call and returns 1 if the hub did not do what was asked.  Then
 * the call is not there any more.
 */
int	 hubcall_refused(struct mcp_call *, json_t *answer);
/*
 * Ends the call with the result, to which those members of the answer are
 * added; or fails it, see hubcall_refused().  Steals the result.
 */
void	 hubcall_pass_on(struct mcp_call *, json_t *answer, json_t *result,
	    const char *keys);
/* {ok: true} */
json_t	*hubcall_ok(void);
/* A string argument, or NULL. */
const char	*hubcall_arg(const struct mcp_call *, const char *key);

#endif
