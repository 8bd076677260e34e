/* SPDX-License-Identifier: ISC */
/*
 * Copying the database while it is in use, a few pages in each turn of the
 * store's event loop.
 */
#ifndef COPIER_H
#define COPIER_H

struct copier;
struct db;
struct event_base;
struct imsgbuf;
struct reader;

/*
 * The copy is made in dir, where a file that an earlier process has left is
 * removed; the router is told what becomes of it.  To be freed before both.
 */
struct copier	*copier_new(struct event_base *, struct db *, const char *dir,
		    struct imsgbuf *router);
void		 copier_free(struct copier *);
/* STORE_BACKUP; -1 if it is not what it should be. */
int		 copier_ask(struct copier *, struct reader *);

#endif
