/* SPDX-License-Identifier: ISC */
/*
 * How an event reaches the model.  A new route is a row of the table and a
 * file of its own.
 */
#include "compat.h"

#include "log.h"
#include "mcp.h"
#include "push.h"
#include "pushclaude.h"
#include "pushcodex.h"
#include "pushqueue.h"
#include "channel.h"

/* A host that has not read so much is not given more: it has the mailbox. */
#define CHANNEL_BACKLOG	(4 * 1024 * 1024)

static int	channel_usable(const struct channel *);
static int	channel_push(struct channel *, const char *, json_t *);

/* In the order in which they are preferred. */
static const struct route routes[] = {
	{ "claude", pushclaude_usable, NULL, pushclaude_send,
	    pushclaude_cancel, PUSHCLAUDE_MAX, 1 },
	{ "codex", pushcodex_usable, NULL, pushcodex_send, pushcodex_cancel,
	    PUSHCODEX_MAX, 0 },
	{ "channel", channel_usable, channel_push, NULL, NULL, 0, 0 },
};
#define NROUTES		(sizeof(routes) / sizeof(routes[0]))

int
push_valid(const char *name)
{
	size_t i;

	for (i = 0; i < NROUTES; i++) {
		if (strcmp(routes[i].name, name) == 0)
			return 1;
	}
	return strcmp(name, "auto") == 0 || strcmp(name, "none") == 0;
}

const struct route *
push_choose(const struct channel *s, const char *name)
{
	int any = strcmp(name, "auto") == 0;
	size_t i;

	for (i = 0; i < NROUTES; i++) {
		if (any ? routes[i].usable(s) :
		    strcmp(routes[i].name, name) == 0)
			return &routes[i];
	}
	return NULL;
}

json_t *
push_state(const struct channel *s)
{
	const struct route *route = push_choose(s, s->conf.push);
	const char *why = pushqueue_trouble(s->queue);

	if (route == NULL || route->send == NULL)
		why = "";
	return json_pack("{s:s,s:s,s:s*}",
	    "route", route != NULL ? route->name : "none",
	    "state", why[0] == '\0' ? "ok" : "failing",
	    "error", why[0] != '\0' ? why : NULL);
}

/* The notification that Claude Code's channels take; others ignore it. */
static int
channel_usable(const struct channel *s)
{
	(void)s;
	return 1;
}

static int
channel_push(struct channel *s, const char *content, json_t *meta)
{
	if (s->conf.backlog(s->conf.arg) > CHANNEL_BACKLOG) {
		log_info("the host does not read: not pushed");
		return -1;
	}
	mcp_notify(s->mcp, "notifications/claude/channel",
	    json_pack("{s:s,s:O}", "content", content, "meta", meta));
	return 0;
}
