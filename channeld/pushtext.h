/* SPDX-License-Identifier: ISC */
/*
 * An event as text, for hosts whose push has no room for anything else.
 */
#ifndef PUSHTEXT_H
#define PUSHTEXT_H

#include <stddef.h>

#include <jansson.h>

#include "buf.h"

/*
 * Appends a line that says what an event of that type is and how to answer,
 * and its text, which cannot be taken for such a line, for a command of the
 * host or for anything but text.
 */
void	pushtext_add(struct wbuf *, const char *type, const char *content,
	    const json_t *meta);
/*
 * How many of the bytes, not breaking a character, take max at most; json: as
 * they are in a JSON string.
 */
size_t	pushtext_fit(const char *, size_t len, size_t max, int json);
/* The part of it that makes a peer's text harmless. */
void	pushtext_neutral(struct wbuf *, const char *, size_t);

#endif
