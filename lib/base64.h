/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 section 4).
 */
#ifndef BASE64_H
#define BASE64_H

#include "buf.h"

/* Adds p[n] in base64. */
void	base64_put(struct wbuf *, const void *p, size_t n);
/*
 * Adds what that text stands for.  0, or -1 and nothing is added: it is not
 * base64, or it is not the one text that stands for these bytes.
 */
int	base64_get(struct wbuf *, struct slice);

#endif
