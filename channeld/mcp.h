/* SPDX-License-Identifier: ISC */
/*
 * The MCP server's protocol: JSON-RPC 2.0, one message a line.  It knows
 * nothing of hubs; what the tools are and do is its owner's.
 */
#ifndef MCP_H
#define MCP_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>

#include <jansson.h>

struct mcp;
struct tool;

/* A tools/call that has not been answered yet; mcp_finish() ends it. */
struct mcp_call {
	TAILQ_ENTRY(mcp_call) entry;
	struct mcp		*mcp;
	json_t			*id;
	json_t			*args;	/* the tool's arguments, as they came */
	json_t			*meta;	/* _meta of the request, or NULL */
	int			 cancelled;	/* nobody waits for it */
	const struct tool	*tool;	/* the owner's */
	void			*arg;	/* the owner's, as in mcp_new() */
};

struct mcp_ops {
	/* One message for the host, newline included. */
	void	(*write)(const char *, size_t, void *);
	/* initialize was answered: clientInfo's name and title, or "". */
	void	(*initialized)(const char *name, const char *title, void *);
	/*
	 * The array of tools for tools/list; structured: the host knows
	 * outputSchema.  The caller gets the reference.
	 */
	json_t	*(*list)(int structured, void *);
	/*
	 * Begins a call, which may be finished before this returns.  -1 if
	 * there is no such tool.
	 */
	int	(*call)(struct mcp_call *, const char *tool, void *);
};

/* instructions: for the model, see initialize; must outlive the result. */
struct mcp	*mcp_new(const struct mcp_ops *, const char *instructions,
		    void *arg);
/* Running calls are dropped.  NULL is allowed. */
void		 mcp_free(struct mcp *);
/* One line from the host, without its newline.  The bytes may be changed. */
void		 mcp_line(struct mcp *, char *, size_t);
/* A line came that was too long to be kept. */
void		 mcp_overlong(struct mcp *);
/* Sends a notification; steals params. */
void		 mcp_notify(struct mcp *, const char *method, json_t *params);
/* Calls that have not been finished. */
size_t		 mcp_running(const struct mcp *);
/*
 * Answers a call with a result object, which it steals; failed: isError.
 * A call that was cancelled just ends.  The call is freed.
 */
void		 mcp_finish(struct mcp_call *, json_t *result, int failed);
/*
 * Turns each \u0000 and each escaped lone surrogate in the strings of a JSON
 * text into \ufffd.  Returns how many there were.
 */
size_t		 mcp_repair(char *, size_t);

#endif
