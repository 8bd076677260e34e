/* SPDX-License-Identifier: ISC */
/*
 * What each process gives up, for good, after its configuration has come and
 * before the first byte that a stranger sent.  What the system lacks is left
 * out and logged; what it has and refuses is fatal.  One of sandbox_linux.c,
 * sandbox_openbsd.c and sandbox_none.c is built.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

/* What is in force: bits of sandbox_layers(). */
enum sandbox_layer {
	SANDBOX_LIMITS = 1,	/* no processes, no core, no tracing */
	SANDBOX_NO_NEW_PRIVS = 2,
	SANDBOX_FILES = 4,	/* Landlock: the file system */
	SANDBOX_PORTS = 8,	/* Landlock: TCP */
	SANDBOX_SCOPE = 16,	/* Landlock: signals and abstract sockets */
	SANDBOX_CALLS = 32,	/* seccomp */
	SANDBOX_PLEDGE = 64,
	SANDBOX_UNVEIL = 128
};

#define SANDBOX_NAMES_SIZE	128

/* hubd's and relayd's parents: they still open files and start children. */
void	sandbox_parent(void);
/* No files, no new sockets. */
void	sandbox_router(void);
/* Files in the data directory. */
void	sandbox_store(const char *data);
/* Calls to other hosts by TCP; no files, no new listeners. */
void	sandbox_bridged(void);
void	sandbox_uplink(void);
/* relayd's router: as hubd's. */
void	sandbox_relay(void);
/* Asks name servers; reads what getaddrinfo() reads. */
void	sandbox_resolver(void);

/* The layers in force for this process. */
unsigned	sandbox_layers(void);
/* Their names with blanks between them, "none" if there are none; dst. */
const char	*sandbox_names(unsigned layers, char *dst, size_t size);

#endif
