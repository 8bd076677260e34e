/* SPDX-License-Identifier: ISC */
/*
 * The push route into Claude Code's messaging socket, which wakes an idle
 * session without any flag (tools.md, Push).
 */
#ifndef PUSHCLAUDE_H
#define PUSHCLAUDE_H

#include <stddef.h>

struct channel;

/* A line is 1 MiB at most, with what is around the text. */
#define PUSHCLAUDE_MAX	(1024 * 1024 - 2048)

/* See struct route.  Usable: our parent is a Claude Code with a socket. */
int	pushclaude_usable(const struct channel *);
void	pushclaude_send(struct channel *, const char *, size_t,
	    const char *from);
void	pushclaude_cancel(struct channel *);

#endif
