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

/* What this system calls them; -1: it has no such thing. */
#if HAVE_DECL_TCP_KEEPIDLE
#define KEEP_IDLE	TCP_KEEPIDLE
#elif HAVE_DECL_TCP_KEEPALIVE
#define KEEP_IDLE	TCP_KEEPALIVE
#else
#define KEEP_IDLE	(-1)
#endif
#if HAVE_DECL_TCP_KEEPINTVL
#define KEEP_STEP	TCP_KEEPINTVL
#define KEEP_TRIES	TCP_KEEPCNT
#else
#define KEEP_STEP	(-1)
#define KEEP_TRIES	(-1)
#endif
#if HAVE_DECL_TCP_USER_TIMEOUT
#define UNACKED_MS	TCP_USER_TIMEOUT
#else
#define UNACKED_MS	(-1)
#endif
#if HAVE_DECL_TCP_NOTSENT_LOWAT
#define UNSENT_LEVEL	IPPROTO_TCP
#define UNSENT_OPTION	TCP_NOTSENT_LOWAT
#else
#define UNSENT_LEVEL	SOL_SOCKET
#define UNSENT_OPTION	SO_SNDBUF
#endif

static struct addrinfo	*numeric(const char *, int);
static int	listen_at(const char *, int);

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
	int fd;

	if (strcmp(address, "*") != 0)
		return listen_at(address, port);
	/* :: takes IPv4, too, where IPv6 is there at all */
	if ((fd = listen_at("::", port)) == -1 && errno != EADDRINUSE)
		fd = listen_at("0.0.0.0", port);
	return fd;
}

static int
listen_at(const char *address, int port)
{
	struct addrinfo *ai = numeric(address, port);
	int fd, fl, saved, on = 1, off = 0;

	if (ai == NULL) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
	if (fd != -1 && strcmp(address, "::") == 0 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1)
		log_debug("IPV6_V6ONLY: %s", strerror(errno));
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

int
tcp_name(int fd, char *dst, size_t size)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char host[64], service[8];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host),
	    service, sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -1;
	snprintf(dst, size, "%s port %s", host, service);
	return 0;
}

int
tcp_is_at(int fd, const char *address, int port)
{
	static const char *const any[] = { "::", "0.0.0.0", NULL };
	const char *one[] = { address, NULL };
	const char *const *a = strcmp(address, "*") == 0 ? any : one;
	char is[80], wanted[80], host[64];
	struct addrinfo *ai;

	if (tcp_name(fd, is, sizeof(is)) == -1)
		return 0;
	for (; *a != NULL; a++) {
		if ((ai = numeric(*a, port)) == NULL)
			continue;
		/* an address can be written in more than one way */
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host,
		    sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
			host[0] = '\0';
		freeaddrinfo(ai);
		snprintf(wanted, sizeof(wanted), "%s port %d", host, port);
		if (strcmp(is, wanted) == 0)
			return 1;
	}
	return 0;
}

void
tcp_nodelay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		log_debug("TCP_NODELAY: %s", strerror(errno));
}

void
tcp_keepalive(int fd, int idle_s, int step_s, int tries)
{
	const struct {
		int	option, value;
	} set[] = {
		{ KEEP_IDLE, idle_s },
		{ KEEP_STEP, step_s },
		{ KEEP_TRIES, tries },
		{ UNACKED_MS, (idle_s + step_s * tries) * 1000 },
	};
	int on = 1;
	size_t i;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == -1)
		log_debug("SO_KEEPALIVE: %s", strerror(errno));
	for (i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		if (set[i].option != -1 && setsockopt(fd, IPPROTO_TCP,
		    set[i].option, &set[i].value, sizeof(int)) == -1)
			log_debug("keepalive: %s", strerror(errno));
	}
}

void
tcp_unsent(int fd, int bytes)
{
	if (setsockopt(fd, UNSENT_LEVEL, UNSENT_OPTION, &bytes,
	    sizeof(bytes)) == -1)
		log_debug("setsockopt: %s", strerror(errno));
}
