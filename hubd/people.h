/* SPDX-License-Identifier: ISC */
/*
 * What the store does with sessions and their names (storeproto.h).  The same
 * holds for these functions as for those of mailbox.h.
 */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "box.h"
#include "listproto.h"

int	people_register(struct boxes *, const struct store_register *,
	    struct store_registered *);
int	people_gone(struct boxes *, const struct store_gone *);
/* gone: as in mailbox.h. */
int	people_rename(struct boxes *, const struct store_rename *,
	    struct store_registered *, struct wbuf *gone);
/* The slice of the answer points into the buffer. */
int	people_sessions(struct boxes *, struct store_session_list *,
	    struct wbuf *);
int	people_clean(struct boxes *, const struct store_clean *,
	    struct store_cleaned *);
/* Calls the function with each former name. */
int	people_aliases(struct boxes *,
	    void (*)(const struct store_alias *, void *), void *);
/* Removes names that no message refers to, if there are more than spare. */
int	people_purge(struct boxes *, int64_t spare);

#endif
