/* SPDX-License-Identifier: ISC */
/*
 * How an event reaches the model: a table of routes, of which a session takes
 * one (tools.md, Push).
 */
#ifndef PUSH_H
#define PUSH_H

#include <stddef.h>

#include <jansson.h>

struct channel;

/* It has either push or send, max and cancel. */
struct route {
	const char	*name;		/* for --push */
	/* 1 if this session's host offers it now; asked each time. */
	int		(*usable)(const struct channel *);
	/*
	 * Gives the host an event: its text and, as strings, what is known
	 * about it.  0, or -1 if the host has not got it.
	 */
	int		(*push)(struct channel *, const char *content,
			    json_t *meta);
	/*
	 * Begins to give the host a text (see pushtext.h).  It ends with
	 * pushqueue_end(), now or later; cancel ends it without.
	 */
	void		(*send)(struct channel *, const char *text, size_t len,
			    const char *from);
	void		(*cancel)(struct channel *);
	/* Bytes of a text; json: as they are counted in a JSON string. */
	size_t		 max;
	int		 json;
};

/* 1 if it is the name of a route, "auto" or "none". */
int	push_valid(const char *name);
/* The route of that name, or the first usable one for "auto"; NULL: none. */
const struct route	*push_choose(const struct channel *, const char *name);
/* {route, state: ok or failing; error}, for relay_status. */
json_t	*push_state(const struct channel *);

#endif
