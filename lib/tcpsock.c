/* SPDX-License-Identifier: ISC */
/*
 * TCP sockets.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "tcpsock.h"

static struct addrinfo	*numeric(const char *, int);

/* No resolver: numbers only.  The caller frees it; NULL: it is none. */
static struct addrinfo *
numeric(const char *address, int port)
{
	struct addrinfo hints = { 0 }, *ai;
	char service[8];

	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
	snprintf(service, sizeof(service), "%d", port);
	return getaddrinfo(address, service, &hints, &ai) == 0 ? ai : NULL;
}

int
tcp_is_address(const char *address)
{
	struct addrinfo *ai = numeric(address, 1);

	if (ai == NULL)
		return 0;
	freeaddrinfo(ai);
	return 1;
}

int
tcp_listen(const char *address, int port)
{
	struct addrinfo *ai = numeric(address, port);
	int fd, fl, saved, on = 1;

	if (ai == NULL) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
	if (fd == -1 || (fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, 1024) == -1) {
		saved = errno;
		if (fd != -1)
			close(fd);
		fd = -1;
		errno = saved;
	}
	freeaddrinfo(ai);
	return fd;
}

void
tcp_nodelay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		log_debug("TCP_NODELAY: %s", strerror(errno));
}
