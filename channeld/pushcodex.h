/* SPDX-License-Identifier: ISC */
/*
 * The push route into Codex: `codex queue`, which wakes an idle session
 * (tools.md, Push).
 */
#ifndef PUSHCODEX_H
#define PUSHCODEX_H

#include <stddef.h>

#include <jansson.h>

struct channel;

/* Linux takes 128 KiB for one argument of a program. */
#define PUSHCODEX_MAX	(127 * 1024)

/* See struct route.  Usable: our host says that it is Codex. */
int	pushcodex_usable(const struct channel *);
void	pushcodex_send(struct channel *, const char *, size_t,
	    const char *from);
void	pushcodex_cancel(struct channel *);
/* A tools/call has come; its _meta or NULL, which names Codex's thread. */
void	pushcodex_called(struct channel *, const json_t *meta);

#endif
