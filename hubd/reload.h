/* SPDX-License-Identifier: ISC */
/*
 * Reading the configuration again while the hub runs.  One that is faulty
 * changes nothing.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "imsg.h"

struct conf;
struct conf_source;
struct kids;
struct listeners;
struct notify;
struct pairs;
struct reload;

/* All of these live longer; conf is changed. */
struct reload	*reload_new(struct conf *, const struct conf_source *,
		    struct listeners *, struct kids *, struct pairs *,
		    struct notify *);
void		 reload_free(struct reload *);
/*
 * It is to be read: at once, or when the children do what they were told
 * before.  hubctl: the router is sent a PROC_RELOADED then.
 */
void		 reload_ask(struct reload *, int hubctl);
/* A child has answered, or ended. */
void		 reload_go_on(struct reload *);

#endif
