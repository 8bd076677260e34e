/* SPDX-License-Identifier: ISC */
/*
 * What each tool does.  Functions of the table in tools.c: see struct tool.
 */
#ifndef TOOLCALLS_H
#define TOOLCALLS_H

struct mcp_call;
struct session;

void	tool_peers(struct session *, struct mcp_call *);
void	tool_send(struct session *, struct mcp_call *);
void	tool_inbox(struct session *, struct mcp_call *);
void	tool_reply(struct session *, struct mcp_call *);
void	tool_ask(struct session *, struct mcp_call *);
void	tool_broadcast(struct session *, struct mcp_call *);
void	tool_rename(struct session *, struct mcp_call *);
void	tool_status(struct session *, struct mcp_call *);
void	tool_sessions(struct session *, struct mcp_call *);

#endif
