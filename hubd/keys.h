/* SPDX-License-Identifier: ISC */
/*
 * Keys of other hubs: which may be linked by a relay.
 */
#ifndef KEYS_H
#define KEYS_H

#include "linkproto.h"

struct router;

/* Answered when it is on disk. */
void	keys_check(struct router *, const char *hub_id, const char *key,
	    int strict, void (*done)(enum key_verdict, void *), void *arg);
void	keys_trust(struct router *, const char *hub_id, const char *key,
	    void (*done)(int, void *), void *arg);
/* The key of this hub. */
void	keys_own(struct router *, const char *key);

#endif
