/* SPDX-License-Identifier: ISC */
/*
 * Files that belong to somebody else: read as a whole, replaced in one step,
 * with a backup of what was there first.
 */
#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"
#include "setup.h"

#define FILE_MAX	(16 * 1024 * 1024)
#define BACKUP		".ecorelay-backup"
#define CREATED		".ecorelay-new"

static int	beside(const struct conffile *, const char *, char *);
static char	*read_all(const char *, struct stat *, size_t *);
static int	write_all(int, const char *, size_t);
static int	replace(const char *, const char *, size_t,
		    const struct stat *);
static int	make_parent(const char *);
static int	keep_old(const struct conffile *);
static int	forget(const struct conffile *, const char *);

/* dst[PATH_MAX]: the file's path with something behind it. */
static int
beside(const struct conffile *f, const char *suffix, char *dst)
{
	int n = snprintf(dst, PATH_MAX, "%s%s", f->path, suffix);

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* Its content, terminated; NULL with errno. */
static char *
read_all(const char *path, struct stat *st, size_t *len)
{
	char *text = NULL;
	ssize_t n = 0;
	size_t size;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if (fstat(fd, st) == -1)
		goto done;
	if (!S_ISREG(st->st_mode) || st->st_size > FILE_MAX) {
		errno = S_ISREG(st->st_mode) ? EFBIG : EINVAL;
		goto done;
	}
	size = (size_t)st->st_size;
	text = xmalloc(size + 1);
	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, text + *len, size - *len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			break;
	}
	text[*len] = '\0';
	if (n == -1) {
		free(text);
		text = NULL;
	}
done:
	close(fd);
	return text;
}

int
conffile_open(struct conffile *f, const char *path, char *why, size_t size)
{
	char other[PATH_MAX];
	struct stat st;

	memset(f, 0, sizeof(*f));
	if (strlcpy(f->path, path, sizeof(f->path)) >= sizeof(f->path) ||
	    beside(f, CREATED, other) == -1) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	f->created = access(other, F_OK) == 0;
	if (beside(f, BACKUP, other) == -1)
		goto fail;
	f->old = read_all(other, &st, &f->old_len);
	if (f->old == NULL && errno != ENOENT && errno != ENOTDIR)
		goto fail;
	if (lstat(path, &f->st) == -1) {
		if (errno != ENOENT)
			goto fail;
		strlcpy(f->real, path, sizeof(f->real));
		return 0;
	}
	f->link = S_ISLNK(f->st.st_mode);
	if (realpath(path, f->real) == NULL ||
	    (f->text = read_all(f->real, &f->st, &f->len)) == NULL)
		goto fail;
	return 0;
fail:
	snprintf(why, size, "%s", strerror(errno));
	conffile_close(f);
	return -1;
}

void
conffile_close(struct conffile *f)
{
	free(f->text);
	free(f->old);
	f->text = f->old = NULL;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, data, len)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Owner and mode are those of st, or a new file's if that is NULL. */
static int
replace(const char *path, const char *data, size_t len, const struct stat *st)
{
	char temp[PATH_MAX];
	int fd, n, saved;

	n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkstemp(temp)) == -1)
		return -1;
	if (st != NULL && st->st_uid != geteuid() &&
	    fchown(fd, st->st_uid, st->st_gid) == -1)
		goto fail;
	if (fchmod(fd, st != NULL ? st->st_mode & 07777 : 0600) == -1 ||
	    write_all(fd, data, len) == -1 || fsync(fd) == -1)
		goto fail;
	n = close(fd);
	fd = -1;
	if (n == 0 && rename(temp, path) == 0)
		return 0;
fail:
	saved = errno;
	if (fd != -1)
		close(fd);
	unlink(temp);
	errno = saved;
	return -1;
}

static int
make_parent(const char *path)
{
	char dir[PATH_MAX], *slash;

	strlcpy(dir, path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) == NULL || slash == dir)
		return 0;
	*slash = '\0';
	return paths_mkdir(dir);
}

/* The backup is made once: a later state has our own changes in it. */
static int
keep_old(const struct conffile *f)
{
	char other[PATH_MAX];

	if (f->old != NULL || f->created)
		return 0;
	if (beside(f, f->text != NULL ? BACKUP : CREATED, other) == -1)
		return -1;
	if (f->text == NULL)
		return replace(other, "", 0, NULL);
	return replace(other, f->text, f->len, &f->st);
}

/* Removes what keep_old() has made, if it is there. */
static int
forget(const struct conffile *f, const char *suffix)
{
	char other[PATH_MAX];

	if (beside(f, suffix, other) == -1)
		return -1;
	return unlink(other) == -1 && errno != ENOENT ? -1 : 0;
}

int
conffile_write(struct conffile *f, const char *data, size_t len, int keep)
{
	if (f->text == NULL && make_parent(f->real) == -1)
		return -1;
	if (keep && keep_old(f) == -1)
		return -1;
	if (replace(f->real, data, len, f->text != NULL ? &f->st : NULL) == -1)
		return -1;
	return keep ? 0 : forget(f, CREATED);
}

int
conffile_restore(struct conffile *f)
{
	if (conffile_write(f, f->old, f->old_len, 0) == -1)
		return -1;
	return forget(f, BACKUP);
}

int
conffile_remove(struct conffile *f)
{
	return unlink(f->real) == -1 ? -1 : forget(f, CREATED);
}
