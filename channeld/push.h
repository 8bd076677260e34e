/* SPDX-License-Identifier: ISC */
/*
 * How an event reaches the model: a table of routes, of which a session takes
 * one (tools.md, Push).
 */
#ifndef PUSH_H
#define PUSH_H

#include <jansson.h>

struct channel;

struct route {
	const char	*name;		/* for --push */
	/* 1 if this session's host offers it now; asked each time. */
	int		(*usable)(const struct channel *);
	/*
	 * Gives the host an event: its type, its text and, as strings,
	 * what is known about it.  0, or -1 if the host has not got it.
	 */
	int		(*push)(struct channel *, const char *type,
			    const char *content, json_t *meta);
};

/* 1 if it is the name of a route, "auto" or "none". */
int	push_valid(const char *name);
/* The route of that name, or the first usable one for "auto"; NULL: none. */
const struct route	*push_choose(const struct channel *, const char *name);

#endif
