/* SPDX-License-Identifier: ISC */
/*
 * The hub forgets who is in a room when a connection ends: at the next one
 * the session joins its rooms again.
 */
#ifndef REJOIN_H
#define REJOIN_H

struct channel;

/*
 * Registered: joins all rooms, one after the other.  The model is told of
 * each that cannot be joined any more.
 */
void	rejoin_begin(struct channel *);

#endif
