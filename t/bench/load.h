/* SPDX-License-Identifier: ISC */
/*
 * Several senders at full speed, in one thread with poll().
 */
#ifndef LOAD_H
#define LOAD_H

#include <poll.h>
#include <stdint.h>

#include "client.h"

#define LOAD_PAIRS	8
#define LOAD_IN_FLIGHT	16

struct load {
	struct client	senders[LOAD_PAIRS], receivers[LOAD_PAIRS];
	struct pollfd	pfds[2 * LOAD_PAIRS];
	unsigned	unanswered[LOAD_PAIRS];
	unsigned	turn;		/* whose message is next */
	unsigned	serial;
	const char	*hub;		/* of the receivers, @hub; or "" */
	int		confirm;	/* receivers say: received */
	uint64_t	sent, acked, received, receipts;
	uint64_t	sent_sum, received_sum;		/* of serials */
};

/*
 * Registers senders and receivers, these with another hub (@hub) or the same
 * (""); 0, or -1.
 */
int	load_open(struct load *, const char *socket, const char *other,
	    const char *hub);
void	load_close(struct load *);
/* Replaces the receivers by others, with new names. */
int	load_new_receivers(struct load *, const char *socket);
/*
 * Sends until so many messages are sent or the time has passed, and waits
 * until all are acknowledged and received; 0, or -1.
 */
int	load_run(struct load *, uint64_t messages, int ms);

#endif
