/* SPDX-License-Identifier: ISC */
/*
 * Unix stream sockets.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unixsock.h"

static int	address(const char *, struct sockaddr_un *);
static int	new_socket(void);
static int	set_flags(int);
static int	is_live(const char *);
static int	listen_at(const char *, const char *, mode_t);

static int
address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlcpy(sun->sun_path, path, sizeof(sun->sun_path)) >=
	    sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int
set_flags(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl == -1 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	return 0;
}

static int
new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd != -1 && set_flags(fd) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
unix_connect(const char *path)
{
	struct sockaddr_un sun;
	int fd, saved;

	if (address(path, &sun) == -1 || (fd = new_socket()) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* A full backlog (EAGAIN) is a sign of life, too. */
static int
is_live(const char *path)
{
	int fd = unix_connect(path);

	if (fd == -1)
		return errno == EAGAIN;
	close(fd);
	return 1;
}

/* Binds under a temporary name, so that path never refuses a connection. */
static int
listen_at(const char *path, const char *temp, mode_t mode)
{
	struct sockaddr_un sun;
	int fd, r, saved;
	mode_t old;

	if (address(temp, &sun) == -1 || (fd = new_socket()) == -1)
		return -1;
	(void)unlink(temp);
	/* never chmod(2): that would follow a link that somebody puts there */
	old = umask(~mode & 0777);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (r == -1)
		goto fail;
	if (listen(fd, 1024) == -1 || rename(temp, path) == -1) {
		saved = errno;
		(void)unlink(temp);
		errno = saved;
		goto fail;
	}
	return fd;
 fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
unix_listen(const char *path, mode_t mode)
{
	struct sockaddr_un sun;
	char temp[sizeof(sun.sun_path)];
	size_t n = strlen(path);

	if (address(path, &sun) == -1)
		return -1;
	/* as long as path, so that it fits, too */
	memcpy(temp, path, n + 1);
	temp[n - 1] = temp[n - 1] == '~' ? '+' : '~';
	if (is_live(path)) {
		errno = EADDRINUSE;
		return -1;
	}
	return listen_at(path, temp, mode);
}

int
unix_peer(int fd, uid_t *uid, pid_t *pid)
{
#ifdef HAVE_STRUCT_UCRED
	struct ucred cr;
	socklen_t len = sizeof(cr);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &len) == -1)
		return -1;
	*uid = cr.uid;
	*pid = cr.pid;
	return 0;
#else
	gid_t gid;

	*pid = 0;
	return getpeereid(fd, uid, &gid);
#endif
}

int
unix_name(int fd, char *dst, size_t size)
{
	struct sockaddr_un sun = { 0 };
	socklen_t len = sizeof(sun);
	char path[sizeof(sun.sun_path) + 1] = "";

	if (getsockname(fd, (struct sockaddr *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX)
		return -1;
	/* the kernel does not always end it */
	memcpy(path, sun.sun_path, sizeof(sun.sun_path));
	return path[0] == '/' && strlcpy(dst, path, size) < size ? 0 : -1;
}

/* By way of symbolic links (/var/run), too. */
int
unix_is_at(int fd, const char *path)
{
	char bound[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char one[PATH_MAX], other[PATH_MAX];

	if (unix_name(fd, bound, sizeof(bound)) == -1)
		return 0;
	return strcmp(bound, path) == 0 || (realpath(bound, one) != NULL &&
	    realpath(path, other) != NULL && strcmp(one, other) == 0);
}

int
unix_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return -1;
	if (set_flags(fds[0]) == -1 || set_flags(fds[1]) == -1) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	return 0;
}
