/* SPDX-License-Identifier: ISC */
/*
 * What is between two hubs: a process that listens at a port of its own and
 * carries each connection on to another one, writes down what goes over it,
 * and cuts or stalls connections when the test says so.
 */
#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>

#include <stddef.h>

struct tenv;

struct wire {
	struct tenv	*env;
	pid_t		 pid;
	int		 ctl;
	int		 port;		/* where it listens */
};

/* To that port of the loopback. */
#define wire_new(t, port)	AT(wire_new_(t, port))
struct wire	*wire_new_(struct tenv *, int port);
void		 wire_free(struct wire *);

/* Ends the connections of now. */
void		 wire_cut(struct wire *);
/* Ends them, and those to come at once (1); no longer (0). */
void		 wire_closed(struct wire *, int);
/* Those of now stay, but nothing goes over them any more. */
void		 wire_stall(struct wire *);
/* Each is ended when about n bytes have gone over it; 0: never. */
void		 wire_life(struct wire *, size_t n);
/* How many connections there have been, and how many were ended by it. */
int		 wire_calls(struct wire *);
int		 wire_cuts(struct wire *);
/*
 * What has gone over connection number i (from 0) to the port (1), or back
 * (0), its length in len; freed by the caller.
 */
char		*wire_record(struct wire *, int i, int there, size_t *len);

#endif
