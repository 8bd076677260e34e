/* SPDX-License-Identifier: ISC */
/*
 * What the system tells about processes and file systems, as far as it has
 * Linux's /proc.
 */
#ifndef SYSINFO_H
#define SYSINFO_H

#include <sys/types.h>

#include <stdint.h>

struct memory {
	long	pss, rss;		/* KiB */
	long	anon, file;		/* parts of pss */
};

/* Processor time used so far, in ns; -1 if it cannot be told. */
int64_t	sys_cpu_ns(pid_t);
int64_t	sys_own_cpu_ns(void);
/* Bytes the process has sent to the disk so far; -1 if it cannot be told. */
int64_t	sys_written(pid_t);
/* 0, or -1 if it cannot be told. */
int	sys_memory(pid_t, struct memory *);
/* The child that was started with this argument; 0 if there is none. */
pid_t	sys_child(pid_t parent, const char *argument);
/* The type of the file system that path is on, or "unknown". */
void	sys_file_system(const char *path, char *dst, size_t size);

#endif
