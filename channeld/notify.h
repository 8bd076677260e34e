/* SPDX-License-Identifier: ISC */
/*
 * What the hub sends unasked, and what of it the model gets to see.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <jansson.h>

struct channel;

/* Pushes an event to the host and remembers whom to answer. */
void	notify_event(struct channel *, const char *type, json_t *msg);
/* The hub is gone, and with it the asks that it had taken from us. */
void	notify_lost_asks(struct channel *);
/* A room cannot be joined again: the hub's code and reason. */
void	notify_room_lost(struct channel *, const char *room, const char *code,
	    const char *why);

#endif
