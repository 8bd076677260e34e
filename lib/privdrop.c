/* SPDX-License-Identifier: ISC */
/*
 * Giving up root.
 */
#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "privdrop.h"

static int	make_dirs(const char *);
static int	is_empty(int);
static int	regained(const struct privdrop *);

#if SANITIZED
static int dropped;

int	__lsan_is_turned_off(void);

/* Looking for leaks takes /proc, and tracing, which are out of reach then. */
int
__lsan_is_turned_off(void)
{
	return dropped;
}
#endif

int
privdrop_user(struct privdrop *p)
{
	const struct passwd *pw;

	memset(p, 0, sizeof(*p));
	if (geteuid() != 0)
		return 0;
	errno = 0;
	if ((pw = getpwnam(PRIVDROP_USER)) == NULL) {
		if (errno == 0 || errno == ENOENT || errno == ESRCH)
			return 0;
		log_warn("user %s", PRIVDROP_USER);
		return -1;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		log_warnx("user %s has root's number or group: it needs its "
		    "own ones", PRIVDROP_USER);
		return -1;
	}
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	return 1;
}

int
privdrop_trusts(uid_t uid)
{
	struct privdrop p;

	return uid == geteuid() || uid == 0 ||
	    (privdrop_user(&p) == 1 && uid == p.uid);
}

void
privdrop_say(const struct privdrop *p)
{
	if (p != NULL)
		log_debug("all processes but the parent are the user's %s",
		    PRIVDROP_USER);
	else if (geteuid() == 0)
		log_warnx("there is no user %s (make install or "
		    "systemd-sysusers makes it): the processes stay root's, "
		    "in their sandbox", PRIVDROP_USER);
}

/* Whoever may search them does not matter. */
static int
make_dirs(const char *dir)
{
	char path[PRIVDROP_ROOT_SIZE], *p = path;
	int r = 0;
	mode_t old;

	if (strlcpy(path, dir, sizeof(path)) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	old = umask(022);
	while (r == 0 && p != NULL) {
		if ((p = strchr(p + 1, '/')) != NULL)
			*p = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			r = -1;
		if (p != NULL)
			*p = '/';
	}
	(void)umask(old);
	return r;
}

/* The descriptor is closed. */
static int
is_empty(int fd)
{
	const struct dirent *e;
	DIR *d = fdopendir(fd);
	int n = 0;

	if (d == NULL)
		fatal("fdopendir");
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name,
		    "..") != 0;
	closedir(d);
	return n == 0;
}

int
privdrop_emptydir(const char *dir)
{
	struct stat st;
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT && make_dirs(dir) == 0)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		log_warn("%s, which is to be the root directory of processes",
		    dir);
		return -1;
	}
	if (st.st_uid != 0 || (st.st_mode & 022) != 0) {
		close(fd);
		log_warnx("%s, which is to be the root directory of "
		    "processes, must belong to root, and nobody else may "
		    "write to it: chown root it, and chmod 755", dir);
		return -1;
	}
	if (!is_empty(fd)) {
		log_warnx("%s, which is to be the root directory of "
		    "processes, must be empty: remove what is in it", dir);
		return -1;
	}
	return 0;
}

void
privdrop_put(struct wbuf *w, const struct privdrop *p)
{
	put_u32(w, (uint32_t)p->uid);
	put_u32(w, (uint32_t)p->gid);
	put_str(w, p->root);
}

int
privdrop_get(struct reader *r, struct privdrop *p)
{
	p->uid = (uid_t)get_u32(r);
	p->gid = (gid_t)get_u32(r);
	get_str(r, p->root, sizeof(p->root));
	return reader_done(r);
}

/* 1 if anything of root is left, or can be had again. */
static int
regained(const struct privdrop *p)
{
	gid_t groups[2];
	int n = getgroups(2, groups);

	return getuid() != p->uid || geteuid() != p->uid ||
	    getgid() != p->gid || getegid() != p->gid ||
	    n < 0 || n > 1 || (n == 1 && groups[0] != p->gid) ||
	    setuid(0) != -1 || seteuid(0) != -1 ||
	    setgid(0) != -1 || setegid(0) != -1;
}

void
privdrop_enter(const struct privdrop *p)
{
	if (p->uid == 0 || p->gid == 0)
		fatalx("nothing is given up for user %u, group %u",
		    (unsigned)p->uid, (unsigned)p->gid);
	/* the time zone's file is out of reach later */
	tzset();
	if (p->root[0] != '\0' && chroot(p->root) == -1)
		fatal("chroot %s", p->root);
	if (chdir("/") == -1)
		fatal("chdir");
	if (setgroups(1, &p->gid) == -1 ||
	    setresgid(p->gid, p->gid, p->gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1)
		fatal("user %u, group %u", (unsigned)p->uid,
		    (unsigned)p->gid);
	if (regained(p))
		fatalx("root was not given up for good");
#if SANITIZED
	dropped = 1;
#endif
}
