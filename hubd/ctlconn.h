/* SPDX-License-Identifier: ISC */
/*
 * A connection of hubctl, for the files that answer it: control.c,
 * ctlshow.c, ctlpair.c, keys.c and tokens.c.
 */
#ifndef CTLCONN_H
#define CTLCONN_H

#include <sys/queue.h>

#include <stdint.h>

#include "buf.h"
#include "ctlpair.h"
#include "errcode.h"
#include "names.h"

struct collection;
struct event_base;
struct imsg;
struct imsgbuf;
struct router;

/* Which commands it may send: none, those of all versions, or all. */
enum ctl_hello { HELLO_NONE, HELLO_ANY, HELLO_SAME };

struct ctl {
	TAILQ_ENTRY(ctl)	 entry;
	struct control		*control;
	struct imsgbuf		*ib;
	uint32_t		 owner;		/* whose it is: owner.h */
	unsigned		 refs;
	enum ctl_hello		 hello;
	int			 monitor;
};

struct control {
	TAILQ_HEAD(, ctl)	 all;
	TAILQ_HEAD(, ctl)	 gone;	/* closed, but not yet answered */
	struct event_base	*base;
	struct router		*router;
	unsigned		 nmonitors;
	struct pair_wait_list	 pairs;
	TAILQ_HEAD(, ctl_pending) lists;	/* PROC_LISTs, in order */
	TAILQ_HEAD(, ctl_pending) reloads;	/* PROC_RELOADs, likewise */
	TAILQ_HEAD(, collection) usages;	/* PROC_USAGEs, likewise */
	uint32_t		 last_pair;
	struct ctl_pending	*backup;	/* under way; or NULL */
	uint32_t		 last_backup;	/* its number */
	struct ctl_pending	*upgrade;	/* likewise */
};

/* An answer that waits for the store, or the parent. */
struct ctl_pending {
	TAILQ_ENTRY(ctl_pending) entry;		/* those of the parent */
	struct ctl	*ctl;
	uint32_t	 id;
	char		 name[TARGET_SIZE];
};

/* The answer: an object, which is ended and freed. */
void	ctl_result(struct ctl *, uint32_t id, struct wbuf *);
void	ctl_error(struct ctl *, uint32_t id, enum errcode, const char *);
/* Something that belongs to no answer. */
void	ctl_event(struct ctl *, const struct wbuf *);
/* It is a plain user's, and only root and the hub's user may do that. */
void	ctl_refuse(struct ctl *, uint32_t id);
/* 1 if what is in that mailbox is its user's to see. */
int	ctl_may(const struct ctl *, const char *name);
struct ctl_pending	*ctl_pending_new(struct ctl *, uint32_t id);
void	ctl_pending_free(struct ctl_pending *);

/* ctlshow.c: answers CTL_SHOW. */
void	ctlshow(struct ctl *, uint32_t id, const char *what);
/* The parent's answer to it; and who still waits for one is forgotten. */
void	ctlshow_listed(struct control *, struct imsg *);
void	ctlshow_free(struct control *);

#endif
