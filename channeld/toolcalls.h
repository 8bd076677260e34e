/* SPDX-License-Identifier: ISC */
/*
 * What each tool does.  Functions of the table in tooltable.c: see struct
 * tool.
 */
#ifndef TOOLCALLS_H
#define TOOLCALLS_H

struct mcp_call;
struct channel;

/* toolcalls.c */
void	tool_peers(struct channel *, struct mcp_call *);
void	tool_send(struct channel *, struct mcp_call *);
void	tool_inbox(struct channel *, struct mcp_call *);
void	tool_reply(struct channel *, struct mcp_call *);
void	tool_ask(struct channel *, struct mcp_call *);
void	tool_broadcast(struct channel *, struct mcp_call *);
void	tool_rename(struct channel *, struct mcp_call *);
void	tool_status(struct channel *, struct mcp_call *);
void	tool_sessions(struct channel *, struct mcp_call *);

/* roomcalls.c */
void	tool_join(struct channel *, struct mcp_call *);
void	tool_leave(struct channel *, struct mcp_call *);
void	tool_room(struct channel *, struct mcp_call *);
void	tool_rooms(struct channel *, struct mcp_call *);

/* groupcalls.c */
void	tool_group_create(struct channel *, struct mcp_call *);
void	tool_group_invite(struct channel *, struct mcp_call *);
void	tool_group_remove(struct channel *, struct mcp_call *);
void	tool_group_leave(struct channel *, struct mcp_call *);
void	tool_group_send(struct channel *, struct mcp_call *);
void	tool_group_history(struct channel *, struct mcp_call *);
void	tool_group_list(struct channel *, struct mcp_call *);
void	tool_group_info(struct channel *, struct mcp_call *);
void	tool_group_delete(struct channel *, struct mcp_call *);

#endif
