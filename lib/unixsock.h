/* SPDX-License-Identifier: ISC */
/*
 * Unix stream sockets: connecting, listening, and who is at the other end.
 */
#ifndef UNIXSOCK_H
#define UNIXSOCK_H

#include <sys/types.h>

/* All descriptors are close-on-exec and non-blocking. */

/* Connects; returns the descriptor, or -1 with errno (ENAMETOOLONG too). */
int	unix_connect(const char *path);
/*
 * Listens at path with the given mode.  A socket file that nobody answers on
 * is replaced, a live one never: EADDRINUSE.  The file appears only when it is
 * ready to be connected to.
 */
int	unix_listen(const char *path, mode_t mode);
/* The user (and process, or 0) at the other end; 0, or -1 with errno. */
int	unix_peer(int fd, uid_t *uid, pid_t *pid);
/* Where a listening socket is; 0, or -1 if it is not a Unix socket's path. */
int	unix_name(int fd, char *dst, size_t size);
/* 1 if it is at that path. */
int	unix_is_at(int fd, const char *path);
/* A connected pair for two of our own processes; 0, or -1 with errno. */
int	unix_pair(int fds[2]);

#endif
