/* SPDX-License-Identifier: ISC */
/*
 * hubctl's connections: what they ask of the router, and the events that a
 * monitor sees.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

struct control;
struct event_base;
struct imsg;
struct router;

struct control	*control_new(struct event_base *, struct router *);
void		 control_free(struct control *);
/* The parent's PROC_RELOADED. */
void		 control_reloaded(struct control *, struct imsg *);
/* A new connection; owner is whose it is (owner.h). */
void		 control_accept(struct control *, int fd, uint32_t owner);
/*
 * Tells the monitors, if there are any, whom it concerns: a plain user's only
 * if one of the names in it is that user's.  After the name of the event come
 * pairs of a member's name and its value, both terminated strings that need
 * no escaping in JSON, and NULL.
 */
void		 control_event(struct control *, const char *event, ...)
		    __attribute__((__sentinel__));

#endif
