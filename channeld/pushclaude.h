/* SPDX-License-Identifier: ISC */
/*
 * The push route into Claude Code's messaging socket, which wakes an idle
 * session without any flag (tools.md, Push).
 */
#ifndef PUSHCLAUDE_H
#define PUSHCLAUDE_H

#include <jansson.h>

struct channel;

/* 1 if our parent is a Claude Code that has such a socket now. */
int	pushclaude_usable(const struct channel *);
/* 0, or -1 if the socket did not take all of it. */
int	pushclaude_push(struct channel *, const char *type,
	    const char *content, json_t *meta);

#endif
