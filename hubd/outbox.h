/* SPDX-License-Identifier: ISC */
/*
 * Messages to other hubs: they are kept until the other hub has them.  The
 * same holds as for the functions of mailbox.h.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "box.h"
#include "outproto.h"

struct outbox;

struct outbox	*outbox_new(struct boxes *);
void		 outbox_free(struct outbox *);

/* The receiver is name@hub; STORE_FULL if too many wait for that hub. */
int	outbox_append(struct outbox *, const struct store_append *,
	    struct store_appended *);
/* The slice of the answer points into the buffer. */
int	outbox_list(struct outbox *, const struct store_out_list *,
	    struct store_out_listed *, struct wbuf *list);
/* Likewise. */
int	outbox_mark(struct outbox *, const struct store_out_mark *,
	    struct store_marked *, struct wbuf *receipts);
int	outbox_hub(struct outbox *, const struct store_hub *);
/* Likewise. */
int	outbox_hubs(struct outbox *, struct store_hub_list *,
	    struct wbuf *list);
/* STORE_OK: it is not known any more; STORE_FULL: messages wait for it. */
int	outbox_forget(struct outbox *, const char *hub, enum store_status *);
/* Tells the names of all sessions and, behind an @, of all hubs. */
int	outbox_names(struct outbox *, void (*)(const struct store_name *,
	    void *), void *);
/*
 * One step of taking out what has waited since before then: 1 if there may be
 * more.  gone is as in mailbox.h.
 */
int	outbox_expire(struct outbox *, int64_t before, struct wbuf *gone);

#endif
