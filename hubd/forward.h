/* SPDX-License-Identifier: ISC */
/*
 * Messages that the store keeps for other hubs, on their way there: sent in
 * order, and again on the next link as long as they are not acknowledged.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdint.h>

struct hub;
struct rbuf;

/*
 * The store has a message for that hub: its line for the session name@hub,
 * and its number.
 */
void	forward_stored(struct hub *, const char *target, int64_t seq,
	    struct rbuf *line);

#endif
