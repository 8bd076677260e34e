/* SPDX-License-Identifier: ISC */
/*
 * The sockets at which a hub listens.
 */
#include "compat.h"

#include <sys/stat.h>

#include <grp.h>
#include <unistd.h>

#include "activated.h"
#include "listeners.h"
#include "log.h"
#include "paths.h"
#include "tcpsock.h"
#include "unixsock.h"
#include "wstoken.h"

/* clients of EcoRelay 0.9.1 and later look at the second one */
#define WS_PORT		9376
#define WS_PORT_OTHER	19736

static int	set_group(const char *, const char *);
static int	open_unix(struct activated *, const char *, mode_t, ino_t *);
static ino_t	inode(const char *);
static void	remove_own(const char *, ino_t *);
static int	open_tcp(struct activated *, const char *, uint32_t);
static void	open_ports(struct listeners *, struct conf *,
		    struct activated *);
static int	open_paths(struct listeners *, const struct conf *,
		    struct activated *);

static int
set_group(const char *path, const char *group)
{
	struct group *gr;

	if (group[0] == '\0')
		return 0;
	if ((gr = getgrnam(group)) == NULL) {
		log_warnx("there is no group \"%s\"", group);
		return -1;
	}
	if (lchown(path, (uid_t)-1, gr->gr_gid) == -1) {
		log_warn("%s: group %s", path, group);
		return -1;
	}
	return 0;
}

static int
open_unix(struct activated *a, const char *path, mode_t mode, ino_t *own)
{
	int fd = activated_unix(a, path);

	if (fd != -1)
		return fd;
	if ((fd = unix_listen(path, mode)) != -1)
		*own = inode(path);
	return fd;
}

static ino_t
inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 ? 0 : st.st_ino;
}

/* A service manager that begins to listen there replaces the file. */
static void
remove_own(const char *path, ino_t *own)
{
	if (*own != 0 && inode(path) == *own)
		(void)unlink(path);
	*own = 0;
}

static int
open_tcp(struct activated *a, const char *address, uint32_t port)
{
	int fd = activated_tcp(a, address, (int)port);

	return fd != -1 ? fd : tcp_listen(address, (int)port);
}

/* Another hub, or EcoRelay, may be there: this one goes on without. */
static void
open_ports(struct listeners *l, struct conf *c, struct activated *a)
{
	/* who sees the hub's socket finds the token, and the WebSocket */
	if (c->ws_port != 0 && wstoken_load(c) == -1)
		c->ws_port = 0;
	if (c->ws_port != 0 &&
	    (l->ws = open_tcp(a, c->ws_address, c->ws_port)) == -1)
		log_warn("no WebSocket at %s port %u", c->ws_address,
		    c->ws_port);
	if (c->ws_port == WS_PORT && (l->ws_other = open_tcp(a, c->ws_address,
	    WS_PORT_OTHER)) == -1)
		log_warn("no WebSocket at %s port %d", c->ws_address,
		    WS_PORT_OTHER);
	/* who wants a link must be able to call this hub, or be called */
	if (c->lan.port != 0 &&
	    (l->lan = open_tcp(a, c->lan.address, c->lan.port)) == -1)
		log_warn("no listener for other hubs at %s port %u",
		    c->lan.address, c->lan.port);
}

/* Whoever sees the hub's socket finds hubctl.sock beside it. */
static int
open_paths(struct listeners *l, const struct conf *c, struct activated *a)
{
	char dir[CONF_PATH_MAX];

	strlcpy(l->path, c->socket, sizeof(l->path));
	strlcpy(dir, l->path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	if (paths_mkdir(dir[0] != '\0' ? dir : "/") == -1 ||
	    paths_join(l->ctl_path, sizeof(l->ctl_path), dir,
	    "hubctl.sock") == -1 ||
	    (l->ctl = open_unix(a, l->ctl_path, 0600, &l->own_ctl)) == -1) {
		log_warn("%s/hubctl.sock", dir);
		return -1;
	}
	l->sessions = open_unix(a, l->path, c->socket_mode, &l->own_path);
	if (l->sessions == -1 ||
	    (l->own_path != 0 && set_group(l->path, c->socket_group) == -1)) {
		log_warn("%s", l->path);
		return -1;
	}
	return 0;
}

int
listeners_open(struct listeners *l, struct conf *c, struct activated *a)
{
	memset(l, 0, sizeof(*l));
	l->sessions = l->ctl = l->ws = l->ws_other = l->lan = -1;
	open_ports(l, c, a);
	if (open_paths(l, c, a) == 0 &&
	    activated_done(a, "this hub's configuration") == 0)
		return 0;
	listeners_remove(l);
	return -1;
}

void
listeners_remove(struct listeners *l)
{
	remove_own(l->path, &l->own_path);
	remove_own(l->ctl_path, &l->own_ctl);
}
