/* SPDX-License-Identifier: ISC */
/*
 * TCP sockets.
 */
#ifndef TCPSOCK_H
#define TCPSOCK_H

#include <stddef.h>

/*
 * Listens at a numeric IPv4 or IPv6 address, or at all of them (*).  The
 * descriptor is close-on-exec and non-blocking; -1 with errno (EADDRINUSE,
 * EINVAL: no address, ...).
 */
int	tcp_listen(const char *address, int port);
/* Where a listening socket is, as in "127.0.0.1 port 9376"; 0 or -1. */
int	tcp_name(int fd, char *dst, size_t size);
/* 1 if it is at that address (* is any) and port. */
int	tcp_is_at(int fd, const char *address, int port);
/* 1 if it is a numeric address. */
int	tcp_is_address(const char *);
/* What is written goes out at once. */
void	tcp_nodelay(int fd);
/* It takes little more than that before it has sent what it took. */
void	tcp_unsent(int fd, int bytes);
/*
 * The kernel asks the other end for a sign of life after idle_s without one,
 * as often as tries, step_s apart, and gives up then; the same for what was
 * sent and is not acknowledged, where the system can do that.
 */
void	tcp_keepalive(int fd, int idle_s, int step_s, int tries);

#endif
