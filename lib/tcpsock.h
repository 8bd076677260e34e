/* SPDX-License-Identifier: ISC */
/*
 * TCP sockets.
 */
#ifndef TCPSOCK_H
#define TCPSOCK_H

/*
 * Listens at a numeric IPv4 or IPv6 address.  The descriptor is close-on-exec
 * and non-blocking; -1 with errno (EADDRINUSE, EINVAL: no address, ...).
 */
int	tcp_listen(const char *address, int port);
/* 1 if it is a numeric address. */
int	tcp_is_address(const char *);
/* What is written goes out at once. */
void	tcp_nodelay(int fd);

#endif
