/* SPDX-License-Identifier: ISC */
/*
 * What each tool does.  Functions of the table in tools.c: see struct tool.
 */
#ifndef TOOLCALLS_H
#define TOOLCALLS_H

struct mcp_call;
struct channel;

void	tool_peers(struct channel *, struct mcp_call *);
void	tool_send(struct channel *, struct mcp_call *);
void	tool_inbox(struct channel *, struct mcp_call *);
void	tool_reply(struct channel *, struct mcp_call *);
void	tool_ask(struct channel *, struct mcp_call *);
void	tool_broadcast(struct channel *, struct mcp_call *);
void	tool_rename(struct channel *, struct mcp_call *);
void	tool_status(struct channel *, struct mcp_call *);
void	tool_sessions(struct channel *, struct mcp_call *);

#endif
