/* SPDX-License-Identifier: ISC */
/*
 * The sockets at which a hub listens.
 */
#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "activated.h"
#include "handover.h"
#include "listeners.h"
#include "log.h"
#include "paths.h"
#include "tcpsock.h"
#include "unixsock.h"
#include "wstoken.h"

/* clients of EcoRelay 0.9.1 and later look at the second one */
#define WS_PORT		9376
#define WS_PORT_OTHER	19736

/* Of a listener over TCP; port 0: none. */
struct place {
	const char	*address;
	uint32_t	 port;
	const char	*what;		/* for the log */
};

static int	set_group(const char *, const char *);
static int	open_unix(struct activated *, const char *, mode_t, ino_t *);
static int	ctl_path(const char *, char *, size_t);
static void	take_over(struct listeners *, const struct handover *,
		    struct activated *);
static void	drop_old(const struct listeners *, struct listeners *);
static ino_t	inode(const char *);
static void	remove_own(const char *, ino_t *);
static int	open_tcp(struct activated *, const char *, uint32_t);
static void	open_ports(struct listeners *, struct conf *,
		    struct activated *);
static int	open_paths(struct listeners *, const struct conf *,
		    struct activated *);
static void	close_one(int *);
static int	move(int *, const struct place *, const struct place *);
static void	move_ws(struct listeners *, struct conf *,
		    const struct conf *);
static void	move_lan(struct listeners *, struct conf *,
		    const struct conf *);
static int	change_file(const char *, ino_t, const struct conf *,
		    const struct conf *);

static int
set_group(const char *path, const char *group)
{
	struct group *gr = NULL;

	if (group[0] != '\0' && (gr = getgrnam(group)) == NULL) {
		log_warnx("there is no group \"%s\"", group);
		return -1;
	}
	if (lchown(path, (uid_t)-1, gr != NULL ? gr->gr_gid :
	    getegid()) == -1) {
		log_warn("%s: group %s", path, group);
		return -1;
	}
	return 0;
}

static int
open_unix(struct activated *a, const char *path, mode_t mode, ino_t *own)
{
	int fd = activated_unix(a, path);

	if (fd != -1) {
		if (inode(path) != *own)
			*own = 0;
		return fd;
	}
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
	    (l->fds[LISTEN_WS] = open_tcp(a, c->ws_address,
	    c->ws_port)) == -1)
		log_warn("no WebSocket at %s port %u", c->ws_address,
		    c->ws_port);
	if (c->ws_port == WS_PORT && (l->fds[LISTEN_WS_OTHER] = open_tcp(a,
	    c->ws_address, WS_PORT_OTHER)) == -1)
		log_warn("no WebSocket at %s port %d", c->ws_address,
		    WS_PORT_OTHER);
	/* who wants a link must be able to call this hub, or be called */
	if (c->lan.port != 0 &&
	    (l->fds[LISTEN_LAN] = open_tcp(a, c->lan.address,
	    c->lan.port)) == -1)
		log_warn("no listener for other hubs at %s port %u",
		    c->lan.address, c->lan.port);
}

static int
ctl_path(const char *path, char *dst, size_t size)
{
	char dir[CONF_PATH_MAX];

	strlcpy(dir, path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	return paths_join(dst, size, dir, "hubctl.sock");
}

/*
 * Whoever sees the hub's socket finds hubctl.sock beside it, and may use both
 * or neither: what hubctl may do depends on the user (owner.h).
 */
static int
open_paths(struct listeners *l, const struct conf *c, struct activated *a)
{
	char dir[CONF_PATH_MAX];

	strlcpy(dir, l->path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	if (paths_mkdir(dir[0] != '\0' ? dir : "/") == -1 ||
	    (l->fds[LISTEN_CTL] = open_unix(a, l->ctl_path, c->socket_mode,
	    &l->own_ctl)) == -1 || (l->own_ctl != 0 &&
	    c->socket_group[0] != '\0' && set_group(l->ctl_path,
	    c->socket_group) == -1)) {
		log_warn("%s/hubctl.sock", dir);
		return -1;
	}
	l->fds[LISTEN_SESSIONS] = open_unix(a, l->path, c->socket_mode,
	    &l->own_path);
	if (l->fds[LISTEN_SESSIONS] == -1 || (l->own_path != 0 &&
	    c->socket_group[0] != '\0' && set_group(l->path,
	    c->socket_group) == -1)) {
		log_warn("%s", l->path);
		return -1;
	}
	return 0;
}

/*
 * Where the sockets were, and which files are the hub's own.  They were bound
 * under another name, which is all that the kernel knows.
 */
static void
take_over(struct listeners *old, const struct handover *before,
    struct activated *a)
{
	uintmax_t own[2];
	int n = 0;

	memset(old, 0, sizeof(*old));
	if (before == NULL || sscanf(before->text, "%ju %ju %n", &own[0],
	    &own[1], &n) < 2 || before->text[n] != '/')
		return;
	strlcpy(old->path, before->text + n, sizeof(old->path));
	if (ctl_path(old->path, old->ctl_path, sizeof(old->ctl_path)) == -1)
		return;
	old->own_path = (ino_t)own[0];
	old->own_ctl = (ino_t)own[1];
	activated_at(a, "hub", old->path);
	activated_at(a, "hubctl", old->ctl_path);
}

/* The configuration may have another path now. */
static void
drop_old(const struct listeners *l, struct listeners *old)
{
	if (strcmp(old->path, l->path) != 0)
		remove_own(old->path, &old->own_path);
	if (strcmp(old->ctl_path, l->ctl_path) != 0)
		remove_own(old->ctl_path, &old->own_ctl);
}

int
listeners_open(struct listeners *l, struct conf *c, struct activated *a,
    const struct handover *before)
{
	static const char whose[] = "this hub's configuration";
	struct listeners old;
	int i;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < LISTENERS; i++)
		l->fds[i] = -1;
	strlcpy(l->path, c->socket, sizeof(l->path));
	if (ctl_path(l->path, l->ctl_path, sizeof(l->ctl_path)) == -1) {
		log_warn("%s", l->path);
		return -1;
	}
	take_over(&old, before, a);
	l->own_path = old.own_path;
	l->own_ctl = old.own_ctl;
	open_ports(l, c, a);
	if (open_paths(l, c, a) == -1) {
		listeners_close(l);
		return -1;
	}
	if (before != NULL) {
		activated_drop(a, whose);
		drop_old(l, &old);
	} else if (activated_done(a, whose) == -1) {
		listeners_close(l);
		return -1;
	}
	return 0;
}

void
listeners_hand_over(const struct listeners *l, struct handover *h)
{
	static const char *const names[LISTENERS] = {
		[LISTEN_SESSIONS] = "hub", [LISTEN_CTL] = "hubctl",
		[LISTEN_WS] = "ws", [LISTEN_WS_OTHER] = "ws2",
		[LISTEN_LAN] = "lan"
	};
	int i;

	for (i = 0; i < LISTENERS; i++) {
		if (l->fds[i] != -1)
			handover_add(h, l->fds[i], names[i]);
	}
	snprintf(h->text, sizeof(h->text), "%ju %ju %.200s",
	    (uintmax_t)l->own_path, (uintmax_t)l->own_ctl, l->path);
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/*
 * The new one is open before the old one is closed, which stays if that fails:
 * -1 then.
 */
static int
move(int *fd, const struct place *to, const struct place *from)
{
	int new;

	if (to->port == 0) {
		close_one(fd);
		return 0;
	}
	if (*fd != -1 && to->port == from->port &&
	    strcmp(to->address, from->address) == 0)
		return 0;
	if ((new = tcp_listen(to->address, (int)to->port)) == -1) {
		if (*fd != -1 && to->port == from->port)
			log_warnx("%s at %s port %u: takes effect after a "
			    "restart, as it is at %s with that port now",
			    to->what, to->address, to->port, from->address);
		else
			log_warn("no %s at %s port %u%s", to->what,
			    to->address, to->port, *fd != -1 ?
			    ", but where it was" : "");
		return *fd == -1 ? 0 : -1;
	}
	close_one(fd);
	*fd = new;
	return 0;
}

static void
move_ws(struct listeners *l, struct conf *c, const struct conf *old)
{
	static const char what[] = "WebSocket";
	struct place to = { c->ws_address, c->ws_port, what };
	struct place from = { old->ws_address, old->ws_port, what };

	if (move(&l->fds[LISTEN_WS], &to, &from) == -1) {
		strlcpy(c->ws_address, old->ws_address,
		    sizeof(c->ws_address));
		c->ws_port = old->ws_port;
	}
	to.port = c->ws_port == WS_PORT ? WS_PORT_OTHER : 0;
	from.port = old->ws_port == WS_PORT ? WS_PORT_OTHER : 0;
	(void)move(&l->fds[LISTEN_WS_OTHER], &to, &from);
}

static void
move_lan(struct listeners *l, struct conf *c, const struct conf *old)
{
	static const char what[] = "listener for other hubs";
	struct place to = { c->lan.address, c->lan.port, what };
	struct place from = { old->lan.address, old->lan.port, what };

	if (move(&l->fds[LISTEN_LAN], &to, &from) == -1) {
		strlcpy(c->lan.address, old->lan.address,
		    sizeof(c->lan.address));
		c->lan.port = old->lan.port;
	}
}

/* The file of a service manager is its own business. */
static int
change_file(const char *path, ino_t own, const struct conf *c,
    const struct conf *old)
{
	if (own == 0 || inode(path) != own)
		return 0;
	if (strcmp(c->socket_group, old->socket_group) != 0 &&
	    set_group(path, c->socket_group) == -1)
		return -1;
	/* whoever may write to the directory may have put a link there */
	if (c->socket_mode != old->socket_mode && fchmodat(AT_FDCWD, path,
	    c->socket_mode, AT_SYMLINK_NOFOLLOW) == -1) {
		log_warn("%s: mode", path);
		return -1;
	}
	return 0;
}

void
listeners_change(struct listeners *l, struct conf *c, const struct conf *old)
{
	move_ws(l, c, old);
	move_lan(l, c, old);
	if (change_file(l->path, l->own_path, c, old) == 0 &&
	    change_file(l->ctl_path, l->own_ctl, c, old) == 0)
		return;
	strlcpy(c->socket_group, old->socket_group, sizeof(c->socket_group));
	c->socket_mode = old->socket_mode;
}

void
listeners_close(struct listeners *l)
{
	int i;

	remove_own(l->path, &l->own_path);
	remove_own(l->ctl_path, &l->own_ctl);
	for (i = 0; i < LISTENERS; i++)
		close_one(&l->fds[i]);
}
