/* SPDX-License-Identifier: ISC */
/*
 * What the machine itself takes for a part of the work: the figures that the
 * others are compared with.
 */
#ifndef BARE_H
#define BARE_H

#include <sys/types.h>

#define BARE_LEN	200	/* bytes over the socket, each way */
#define BARE_STORED	300	/* bytes appended to a file */

/* Another process at the end of a socket. */
struct bare {
	pid_t	pid;
	int	fd;
};

/* What it does before it answers. */
enum bare_work {
	BARE_ECHO,		/* nothing */
	BARE_APPEND,		/* append to the file in dir and fdatasync */
	BARE_OVERWRITE		/* write at the file's beginning, likewise */
};

/* 0, or -1. */
int	bare_start(struct bare *, const char *dir);
/* Nanoseconds from the write to the answer; -1 if it failed. */
double	bare_round(struct bare *, enum bare_work);
void	bare_stop(struct bare *);
/* The program that only answers one line. */
int	bare_answer(void);

#endif
