/* SPDX-License-Identifier: ISC */
/*
 * The router process: sessions, names, asks, rooms and mail.  It has no file
 * system and opens no sockets.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdint.h>

#include "counters.h"
#include "errcode.h"
#include "imsg.h"
#include "linkproto.h"

struct asks;
struct conf;
struct control;
struct hubreqs;
struct hubs;
struct map;
struct registry;
struct rooms;
struct storeq;

/* The router's parts, for its parts; each owns its state. */
struct router {
	const struct conf	*conf;
	struct registry		*registry;
	struct asks		*asks;
	struct rooms		*rooms;
	struct hubs		*hubs;
	struct hubreqs		*hubreqs;
	struct storeq		*store;
	struct control		*control;
	struct map		*keys_said;	/* keys.c; or NULL */
	int64_t			 started;	/* monotonic ms */
	uint64_t		 counters[COUNTERS];
	uint64_t		 errors[ERR_MAX];	/* by code, told */
	char			 key[LINK_KEY_SIZE];	/* this hub's; or "" */
};

int	router_main(void);
/* hubctl wants the hub to end. */
void	router_stop_hub(struct router *, const char *why);
/* The hub no longer ends when its last session has gone. */
void	router_stay(struct router *);
/* Sends a message to the parent. */
void	router_tell(struct router *, enum imsg_type, uint32_t id,
	    const struct wbuf *);

#endif
