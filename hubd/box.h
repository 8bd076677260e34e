/* SPDX-License-Identifier: ISC */
/*
 * The names in the database and how full their mailboxes are, kept in memory
 * so that a message costs the same whatever is in the mailbox already.
 */
#ifndef BOX_H
#define BOX_H

#include <stdint.h>

#include "names.h"

struct db;
struct boxes;

/* One name.  Without a mailbox it is only there for the messages it sent. */
struct box {
	int64_t		 id;
	uint32_t	 count, unread;	/* valid if counted */
	uint32_t	 dropped;	/* unread ones pushed out, untold */
	uint8_t		 mailbox;
	uint8_t		 counted;
	char		 name[TARGET_SIZE];
};

/* A mailbox keeps that many messages; there are that many mailboxes. */
struct boxes	*boxes_new(struct db *, uint32_t keep, uint32_t max_mailboxes);
void		 boxes_free(struct boxes *);
struct db	*boxes_db(struct boxes *);
uint32_t	 boxes_keep(const struct boxes *);

/*
 * Forgets all that is in memory: after a rollback, or when much has changed.
 * A box got before is no longer valid.
 */
void		 boxes_forget(struct boxes *);
/* Another number after each boxes_forget(): for others who keep copies. */
unsigned	 boxes_generation(const struct boxes *);
/* To be called in each transaction first; 0 or -1. */
int		 boxes_ready(struct boxes *);
/* 1 if that was before this process began; in ms. */
int		 boxes_is_old(const struct boxes *, int64_t ts);
/* The number of the next message. */
int64_t		 boxes_next_seq(struct boxes *);
/* The number of the last one. */
int64_t		 boxes_last_seq(const struct boxes *);
/* How many mailboxes there are. */
int64_t		 boxes_count(const struct boxes *);
/* 1 if there is no room for another mailbox. */
int		 boxes_full(const struct boxes *);

/*
 * Each finds a name and returns 1, 0 if there is none (box_mailbox: and no
 * room for it), -1 if the database failed.  A former name leads to the new
 * one, but for box_exact.  box_sender and box_mailbox make what is missing.
 */
int		 box_exact(struct boxes *, const char *, struct box **);
int		 box_find(struct boxes *, const char *, struct box **);
int		 box_sender(struct boxes *, const char *, struct box **);
int		 box_mailbox(struct boxes *, const char *, struct box **);
/* Makes count and unread valid; 0 or -1. */
int		 box_count(struct boxes *, struct box *);
/* Changes dropped, on disk too; 0 or -1. */
int		 box_set_dropped(struct boxes *, struct box *, uint32_t);

#endif
