/* SPDX-License-Identifier: ISC */
/*
 * One session between its host and the hub: the parts that tools and
 * notifications work with.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stddef.h>

#include <jansson.h>

#define RECENT_ASKS	256
#define RECENT_MESSAGES	1024

struct event_base;
struct identity;
struct pushclaude;
struct pushqueue;
struct reaper;
struct route;

struct channel_conf {
	struct event_base *base;
	struct identity	*identity;	/* outlives the session */
	const char	*push;		/* a route's name, "auto" or "none" */
	int		 core;		/* the core tools only */
	unsigned	 rate, burst;	/* tool calls that send, per minute */
	int		 no_hub;	/* look for none: every call fails */
	/* Lines for the host, and how many bytes of them it has not read. */
	void		(*write)(const char *, size_t, void *);
	size_t		(*backlog)(void *);
	void		*arg;
};

struct channel {
	struct channel_conf conf;
	struct mcp	*mcp;
	struct toolbox	*tools;
	struct hubclient *hub;		/* NULL until initialize */
	struct event	*watch;		/* of the host's name for the session */
	const struct route *route;	/* of events to the model; or NULL */
	struct pushqueue *queue;	/* of a route that takes its time */
	struct pushclaude *claude;	/* a push that runs; or NULL */
	struct reaper	*codex;		/* of a push that runs; or NULL */
	char		 thread[65];	/* Codex's name for the session */
	char		 client[65];	/* clientInfo.name */
	char		 status[8];	/* as the hub was told it, or "" */
	char		 title[65];	/* clientInfo.title, or name */
	const char	*failed;	/* code: why there will be no hub */
	/* whom to answer: asks and messages that came, asks that were sent */
	struct recent	*asks, *messages, *own_asks;
	struct waiting	*waiting;
	/* names of rooms: true, or false: to be joined again; see rejoin.h */
	json_t		*rooms, *rejoining;
	unsigned	 rename_tries;
};

struct channel	*channel_new(const struct channel_conf *);
/* Leaves the hub. */
void		 channel_free(struct channel *);
/* A line from the host (which may be changed), or NULL: one too long. */
void		 channel_line(struct channel *, char *, size_t);
/* Tool calls that have not been answered. */
size_t		 channel_running(const struct channel *);
/* What the tools name "unread": mail, and what relay_inbox hands out too. */
json_int_t	 channel_unread(const struct channel *);
/* The name registered at the hub, or the one wanted while there is none. */
const char	*channel_name(const struct channel *);
/* Looks for a hub, if this has not begun yet. */
void		 channel_connect(struct channel *);

#endif
