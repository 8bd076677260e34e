/* SPDX-License-Identifier: ISC */
/*
 * Hubs of a relay that is measured, as simple as they can be.
 */
#ifndef RELAYHUB_H
#define RELAYHUB_H

#include <sys/types.h>

#include "ws.h"

#define RELAY_WAIT_MS	10000	/* for whatever is to come */
#define RELAY_CHUNK	(256 * 1024)

struct bench;
struct ssl_ctx_st;
struct ssl_st;

struct end {
	int		 fd;
	struct ssl_st	*ssl;		/* NULL: without TLS */
	struct ws	 ws;
	char		*buf;
	size_t		 len, cap;
	uint64_t	 left;		/* of a frame: end_skip() */
	int		 text;		/* it is one */
};

/*
 * A WebSocket to that port of this machine, over TLS if there is a context;
 * cap is of its buffer.  0, or -1: what there is of it must be closed.
 */
int	end_open(struct end *, int port, struct ssl_ctx_st *, size_t cap);
/* The same, and it is welcomed by a relay as the hub of that id. */
int	hub_open(struct end *, int port, struct ssl_ctx_st *, const char *id,
	    size_t cap);
void	end_close(struct end *);
/* Writes all of it; of those that block. */
int	end_write(struct end *, const void *, size_t);
/* Reads once and counts whole messages; -1 at the end of the connection. */
int	end_read(struct end *, uint64_t *messages);
/*
 * The same without a look at what is in them, so that it takes little of the
 * time that is measured: a server's text frames, each a whole message.
 */
int	end_skip(struct end *, uint64_t *messages);
/* Waits for a message. */
int	end_wait(struct end *);

/* relaystart.c: a relay; it has TLS at the second port. */
int	relay_start(const struct bench *, const int ports[2], pid_t *);

/* relayecho.c: a process that answers each message of a WebSocket with it. */
pid_t	echo_start(int *port);

#endif
