/* SPDX-License-Identifier: ISC */
/*
 * The files that EcoRelay has left.
 */
#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "datafile.h"
#include "importdir.h"
#include "log.h"
#include "paths.h"

#define DIRS_MAX	4	/* of two kinds, in two places */

struct file {
	enum import_kind kind;
	int		 dir;		/* open: one of dirs */
	char		*path;
};

struct importdir {
	struct file	*files;
	size_t		 n, next;
	int		 dirs[DIRS_MAX];
	unsigned	 ndirs;
};

static void	list(struct importdir *, const char *, enum import_kind);
static void	list_dir(struct importdir *, int, const char *,
		    enum import_kind);
static void	add(struct importdir *, const struct file *, const char *,
		    const char *);
static int	compare(const void *, const void *);
static int	same_dir(const char *, const char *);
static int	open_file(const struct file *);

struct importdir *
importdir_new(const struct conf *conf)
{
	struct importdir *d = xcalloc(1, sizeof(*d));
	char plugin[CONF_PATH_MAX];
	int both;

	both = paths_plugin_data(plugin, sizeof(plugin)) == 0 &&
	    !same_dir(plugin, conf->data);
	/* a group's members come after their mailboxes */
	list(d, conf->data, IMPORT_MAILBOX);
	if (both)
		list(d, plugin, IMPORT_MAILBOX);
	list(d, conf->data, IMPORT_GROUP);
	if (both)
		list(d, plugin, IMPORT_GROUP);
	return d;
}

void
importdir_free(struct importdir *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < d->n; i++)
		free(d->files[i].path);
	for (i = 0; i < d->ndirs; i++)
		close(d->dirs[i]);
	free(d->files);
	free(d);
}

static int
same_dir(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

static void
list(struct importdir *d, const char *data, enum import_kind kind)
{
	const char *name = kind == IMPORT_MAILBOX ? "mailboxes" : "groups";
	char path[CONF_PATH_MAX];
	size_t before = d->n;
	int fd;

	if (paths_join(path, sizeof(path), data, name) == -1) {
		log_warn("%s", data);
		return;
	}
	if ((fd = datafile_open_dir(data, name)) == -1) {
		if (errno != ENOENT)
			log_warn("%s: not imported", path);
		return;
	}
	d->dirs[d->ndirs++] = fd;
	list_dir(d, fd, path, kind);
	if (d->n > before)
		qsort(d->files + before, d->n - before, sizeof(*d->files),
		    compare);
}

static void
list_dir(struct importdir *d, int fd, const char *path, enum import_kind kind)
{
	static const char suffix[] = ".json";
	const struct file f = { kind, fd, NULL };
	struct dirent *e;
	int copy = dup(fd);
	size_t len;
	DIR *dp = NULL;

	if (copy == -1 || (dp = fdopendir(copy)) == NULL)
		fatal("%s", path);
	while ((e = readdir(dp)) != NULL) {
		len = strlen(e->d_name);
		if (len >= sizeof(suffix) && e->d_name[0] != '.' &&
		    strcmp(e->d_name + len - (sizeof(suffix) - 1),
		    suffix) == 0)
			add(d, &f, path, e->d_name);
	}
	closedir(dp);
}

static void
add(struct importdir *d, const struct file *f, const char *dir,
    const char *name)
{
	char path[CONF_PATH_MAX];

	if (paths_join(path, sizeof(path), dir, name) == -1) {
		log_warn("%s/%s: not imported", dir, name);
		return;
	}
	if (d->n % 64 == 0)
		d->files = xreallocarray(d->files, d->n + 64,
		    sizeof(*d->files));
	d->files[d->n] = *f;
	d->files[d->n++].path = xstrdup(path);
}

static int
compare(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int
importdir_next(struct importdir *d, enum import_kind *kind, const char **path)
{
	const struct file *f;
	int fd;

	while (d->next < d->n) {
		f = &d->files[d->next++];
		if ((fd = open_file(f)) != -1) {
			*kind = f->kind;
			*path = f->path;
			return fd;
		}
	}
	return -1;
}

/* Whoever may write to the directory cannot make us open anything else. */
static int
open_file(const struct file *f)
{
	int fd = datafile_open_at(f->dir, strrchr(f->path, '/') + 1);
	struct stat sb;

	if (fd == -1) {
		log_warn("%s: not imported", f->path);
		return -1;
	}
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode))
		return fd;
	log_warnx("%s: not imported: not a file", f->path);
	close(fd);
	return -1;
}
