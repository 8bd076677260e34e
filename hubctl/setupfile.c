/* SPDX-License-Identifier: ISC */
/*
 * Files that belong to somebody else: read as a whole, replaced in one step,
 * with a backup of what was there first.
 */
#include "compat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"
#include "setup.h"
#include "wholefile.h"

#define FILE_MAX	(16 * 1024 * 1024)
#define BACKUP		".ecorelay-backup"
#define CREATED		".ecorelay-new"

static int	beside(const struct conffile *, const char *, char *);
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
	f->old = wholefile_read(other, FILE_MAX, &f->old_len, &st);
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
	    (f->text = wholefile_read(f->real, FILE_MAX, &f->len,
	    &f->st)) == NULL)
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
		return wholefile_replace(other, "", 0, NULL);
	return wholefile_replace(other, f->text, f->len, &f->st);
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
	if (wholefile_replace(f->real, data, len,
	    f->text != NULL ? &f->st : NULL) == -1)
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
