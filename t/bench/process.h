/* SPDX-License-Identifier: ISC */
/*
 * Programs under measurement, started as their users start them.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct bench;

struct hub {
	pid_t	pid, router, store;	/* the children: 0 if not known */
};

/* Processor time of a hub and of ourselves, in ns. */
struct cpu {
	int64_t	parent, router, store, self;
};

/* Gives what follows a new data directory; 0, or -1. */
int	phase_begin(struct bench *, const char *name);
/* Starts a hub and waits until it serves; 0, or -1. */
int	hub_start(struct bench *, struct hub *);
void	hub_stop(struct hub *);
void	hub_cpu(const struct hub *, struct cpu *);
/* What each process of the hub and all together hold, in KiB. */
json_t	*hub_memory(const struct hub *, long *pss);
/* Waits until no process of a hub holds the lock in dir; 0, or -1. */
int	hub_wait_gone(const char *dir, int timeout_ms);

/* A program with a pipe to its stdin and one from its stdout. */
struct program {
	pid_t	pid;
	int	in, out;
	int64_t	started;		/* when it was executed: now_ns() */
	char	buf[65536];
	size_t	len;
};

int	program_start(struct program *, const char *path, const char *option);
int	program_write(struct program *, const char *);
/* Waits for a line with this in it; 0, or -1. */
int	program_expect(struct program *, const char *what, int timeout_ms);
/* Closes its stdin and waits for its end. */
void	program_end(struct program *);

#endif
