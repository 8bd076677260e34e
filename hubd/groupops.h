/* SPDX-License-Identifier: ISC */
/*
 * What sessions do with groups (groupproto.h), and who of them may.  The same
 * holds as for the functions of mailbox.h.
 */
#ifndef GROUPOPS_H
#define GROUPOPS_H

#include "groupproto.h"
#include "groups.h"

/* The slices of the answer point into the two buffers. */
int	groupops_do(struct groups *, const struct store_group *,
	    struct store_group_done *, struct wbuf *names, struct wbuf *json);

#endif
