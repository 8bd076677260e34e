/* SPDX-License-Identifier: ISC */
/*
 * A daemon that goes on as another program, in the same process: that is run
 * with the same options, and is handed the listening sockets (activated.h),
 * the lock and the service manager (notify.h).
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stddef.h>

#define HANDOVER_MAX	20	/* sockets */
#define HANDOVER_TEXT	256

struct event_base;
struct notify;

struct handover {
	int		 taken;		/* this process was another program */
	int		 lock;		/* or -1 */
	char		 text[HANDOVER_TEXT];	/* of the program itself */
	/* only when it is handed over: they and their names */
	int		 fds[HANDOVER_MAX];
	const char	*names[HANDOVER_MAX];
	size_t		 n;
};

/*
 * To be called first of all: remembers how this program was started.  argv is
 * kept.
 */
void	handover_init(char *argv[]);
/* What the program before this one has left, if there was one. */
void	handover_take(struct handover *);
/* The program: that stands now where this one did when it was started. */
const char	*handover_program(void);
/* What it was started with, behind argv[0]. */
char *const	*handover_args(void);
/* To where it was started; 0, or -1 with errno. */
int	handover_chdir(void);
/* A socket to hand over. */
void	handover_add(struct handover *, int fd, const char *name);
/* Handles the signals that have come; those that come now wait. */
void	handover_signals(struct event_base *);
/*
 * Becomes the program.  Descriptors that are not handed over are closed, and
 * signals wait for handover_done() there.  Returns -1 with errno, if it
 * returns: then the process has lost the descriptors, too.
 */
int	handover_exec(const struct handover *, const struct notify *);
/* This one is ready for signals. */
void	handover_done(void);

#endif
