/* SPDX-License-Identifier: ISC */
/*
 * Closing a connection so that the other end reads our last words: with input
 * unread a close is a reset, which may overtake them.
 */
#ifndef LINGER_H
#define LINGER_H

struct event_base;

/*
 * Shuts down our direction of the connection fd, of which it keeps a copy (the
 * caller closes its own), and drops what still comes in until the other end
 * closes, for 1 s at most.
 */
void	linger(struct event_base *, int fd);

#endif
