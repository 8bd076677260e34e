/* SPDX-License-Identifier: ISC */
/*
 * What hubctl show processes is told of a process, by the parent.
 */
#ifndef PROCLIST_H
#define PROCLIST_H

#include <sys/types.h>

#include <stdint.h>

struct wbuf;

struct proc_info {
	const char	*process;	/* "parent", or its role */
	pid_t		 pid;
	int		 ready;		/* it has said the rest */
	uint32_t	 uid;
	uint32_t	 layers;	/* sandbox.h */
	const char	*root;		/* it was told to have; "": none */
};

/* Appends it to an array of objects. */
void	proclist_put(struct wbuf *, const struct proc_info *);

#endif
