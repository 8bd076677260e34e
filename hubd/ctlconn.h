/* SPDX-License-Identifier: ISC */
/*
 * A connection of hubctl, for the files that answer it: control.c and
 * ctlshow.c.
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

struct ctl {
	TAILQ_ENTRY(ctl)	 entry;
	struct control		*control;
	struct imsgbuf		*ib;
	unsigned		 refs;
	int			 hello, monitor;
};

struct control {
	TAILQ_HEAD(, ctl)	 all;
	struct event_base	*base;
	struct router		*router;
	unsigned		 nmonitors;
	struct pair_wait_list	 pairs;
	TAILQ_HEAD(, ctl_pending) lists;	/* PROC_LISTs, in order */
	TAILQ_HEAD(, collection) usages;	/* PROC_USAGEs, likewise */
	uint32_t		 last_pair;
};

/* An answer that waits for the store, or the parent. */
struct ctl_pending {
	TAILQ_ENTRY(ctl_pending) entry;		/* those of the parent */
	struct ctl	*ctl;
	uint32_t	 id;
	char		 name[NAME_SIZE];
};

/* The answer: an object, which is ended and freed. */
void	ctl_result(struct ctl *, uint32_t id, struct wbuf *);
void	ctl_error(struct ctl *, uint32_t id, enum errcode, const char *);
/* Something that belongs to no answer. */
void	ctl_event(struct ctl *, const struct wbuf *);
struct ctl_pending	*ctl_pending_new(struct ctl *, uint32_t id);
void	ctl_pending_free(struct ctl_pending *);

/* ctlshow.c: CTL_SHOW; -1 if there is nothing of that name. */
int	ctlshow(struct ctl *, uint32_t id, const char *what);
/* The parent's answer to it; and who still waits for one is forgotten. */
void	ctlshow_listed(struct control *, struct imsg *);
void	ctlshow_free(struct control *);

#endif
