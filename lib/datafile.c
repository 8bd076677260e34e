/* SPDX-License-Identifier: ISC */
/*
 * Files in a directory that may be another user's.
 */
#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "datafile.h"
#include "wholefile.h"

static const char	*split(const char *, char *, size_t);
static int		 is_foreign(const struct stat *);
static int		 foreign_dir(const char *, struct stat *);
static int		 has_only(int, int, const char *, struct stat *);
static int		 open_at(int, const char *, int);
static int		 open_path(const char *, int);

/* The directory of a path goes to dir; its last part, or NULL with errno. */
static const char *
split(const char *path, char *dir, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		strlcpy(dir, ".", size);
		return path;
	}
	if ((size_t)(slash - path) + 2 > size) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(dir, path, (size_t)(slash - path) + 1);
	dir[slash - path + 1] = '\0';
	return slash + 1;
}

static int
is_foreign(const struct stat *dir)
{
	return geteuid() == 0 && dir->st_uid != 0;
}

/* 1 if the path is in a directory of somebody else's, where root must watch. */
static int
foreign_dir(const char *path, struct stat *st)
{
	char dir[PATH_MAX];

	return split(path, dir, sizeof(dir)) != NULL && stat(dir, st) == 0 &&
	    is_foreign(st);
}

/*
 * 1 if it is a file that has that name only: that the name still leads there
 * after it was opened shows that its one link is not another one.
 */
static int
has_only(int fd, int dir, const char *name, struct stat *st)
{
	struct stat there;

	if (fstat(fd, st) == -1 ||
	    fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	errno = S_ISREG(st->st_mode) ? EPERM : EINVAL;
	return S_ISREG(st->st_mode) && there.st_dev == st->st_dev &&
	    there.st_ino == st->st_ino && there.st_nlink == 1;
}

static int
open_at(int dir, const char *name, int flags)
{
	struct stat of, st;
	int fd, saved;

	if (fstat(dir, &of) == -1)
		return -1;
	fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0600);
	if (fd == -1 || !is_foreign(&of) || (has_only(fd, dir, name, &st) &&
	    (st.st_uid == 0 || st.st_uid == of.st_uid)))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
open_path(const char *path, int flags)
{
	char dir[PATH_MAX];
	const char *name = split(path, dir, sizeof(dir));
	int dfd, fd, saved;

	if (name == NULL || (dfd = open(dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		return -1;
	fd = open_at(dfd, name, flags);
	saved = errno;
	close(dfd);
	errno = saved;
	return fd;
}

int
datafile_open_dir(const char *path, const char *name)
{
	struct stat st;
	int fd, dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    (fstat(dir, &st) == -1 || is_foreign(&st) ? O_NOFOLLOW : 0));
	close(dir);
	return fd;
}

int
datafile_dir(const char *path)
{
	struct stat st;

	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    (foreign_dir(path, &st) ? O_NOFOLLOW : 0));
}

int
datafile_open_at(int dir, const char *name)
{
	return open_at(dir, name, O_RDONLY);
}

int
datafile_append_at(int dir, const char *name)
{
	return open_at(dir, name, O_WRONLY | O_APPEND | O_CREAT);
}

int
datafile_open(const char *path)
{
	return open_path(path, O_RDWR | O_CREAT);
}

/* A user's own may be links. */
char *
datafile_read(const char *path, size_t max, size_t *len, struct stat *st)
{
	struct stat dir;
	int fd;

	if (!foreign_dir(path, &dir))
		return wholefile_read(path, max, len, st);
	if ((fd = open_path(path, O_RDONLY)) == -1)
		return NULL;
	return wholefile_read_fd(fd, max, len, st);
}

int
datafile_replace(const char *path, const char *data, size_t len)
{
	struct stat dir;

	if (!foreign_dir(path, &dir))
		return wholefile_replace(path, data, len, NULL);
	dir.st_mode = 0600;
	return wholefile_replace(path, data, len, &dir);
}

int
datafile_is_ours(const char *path, const struct stat *st)
{
	struct stat dir;

	return st->st_uid == geteuid() || st->st_uid == 0 ||
	    (foreign_dir(path, &dir) && st->st_uid == dir.st_uid);
}

int
datafile_private(const char *path, const struct stat *st)
{
	struct stat dir, is;
	int fd, r;

	if ((st->st_mode & 077) == 0)
		return 0;
	errno = EPERM;
	if (!foreign_dir(path, &dir))
		return st->st_uid == geteuid() ? chmod(path, 0600) : -1;
	if ((fd = open_path(path, O_RDONLY)) == -1)
		return -1;
	r = fstat(fd, &is) == 0 && is.st_dev == st->st_dev &&
	    is.st_ino == st->st_ino ? fchmod(fd, 0600) : -1;
	close(fd);
	return r;
}

int
datafile_give(int dir, const char *name, uid_t uid, gid_t gid)
{
	struct stat st = { .st_uid = 0 };
	int fd, only, r = 0;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	only = has_only(fd, dir, name, &st);
	if (st.st_uid == 0)
		r = only && fchown(fd, uid, gid) == 0 ? 1 : -1;
	close(fd);
	return r;
}
