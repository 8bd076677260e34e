/* SPDX-License-Identifier: ISC */
/*
 * A host's end of a channeld: MCP requests and notifications over its pipes.
 */
#ifndef MCP_H
#define MCP_H

#include "client.h"

/* mcp.c: a host's end of a channeld */
/* name becomes RELAY_PEER_ID unless NULL; then arguments. */
#define mcp_start(t, name, ...)	AT(mcp_start_(t, NULL, name, __VA_ARGS__))
#define mcp_start_in(t, dir, name, ...) \
	AT(mcp_start_(t, dir, name, __VA_ARGS__))
struct conn	*mcp_start_(struct tenv *, const char *dir, const char *name,
		    ...);
/* initialize and notifications/initialized; returns the result. */
#define mcp_init(c, version)	AT(mcp_init_(c, version))
json_t		*mcp_init_(struct conn *, const char *version);
/* A request (params stolen, may be NULL); the whole response. */
#define mcp_call(c, method, params) AT(mcp_call_(c, method, params))
json_t		*mcp_call_(struct conn *, const char *method, json_t *params);
/* Only sends it; returns its id. */
#define mcp_ask(c, method, params) AT(mcp_ask_(c, method, params))
int		 mcp_ask_(struct conn *, const char *method, json_t *params);
#define mcp_answer(c, id)	AT(mcp_answer_(c, id, T_WAIT))
json_t		*mcp_answer_(struct conn *, int id, int ms);
/* tools/call; the arguments as for json_pack(); the result's object. */
#define mcp_tool(c, ...)	AT(mcp_tool_(c, __VA_ARGS__))
json_t		*mcp_tool_(struct conn *, const char *tool, const char *, ...);
/* mcp_tool() that must fail with that code. */
#define mcp_refused(c, code, ...) AT(mcp_refused_(c, code, __VA_ARGS__))
void		 mcp_refused_(struct conn *, const char *code,
		    const char *tool, const char *, ...);
/* Steals args; both texts must be in the message, too. */
#define mcp_fails(c, code, reason, advice, tool, args) \
	AT(mcp_fails_(c, code, reason, advice, tool, args))
void		 mcp_fails_(struct conn *, const char *code,
		    const char *reason, const char *advice, const char *tool,
		    json_t *args);
/* The params of the next notifications/claude/channel. */
#define mcp_push(c)		AT(mcp_push_(c))
json_t		*mcp_push_(struct conn *);
/* Closes its stdin; it must exit with 0 within a second. */
#define mcp_end(c)		AT(mcp_end_(c))
void		 mcp_end_(struct conn *);
/* Waits until it is registered and returns the name it has. */
#define mcp_name(c)		AT(mcp_name_(c))
const char	*mcp_name_(struct conn *);

#endif
