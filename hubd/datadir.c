/* SPDX-License-Identifier: ISC */
/*
 * The data directory.
 */
#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "datadir.h"
#include "datafile.h"
#include "db.h"
#include "hubkey.h"
#include "hubtoken.h"
#include "log.h"
#include "paths.h"
#include "privdrop.h"

static int	open_dir(const char *, struct stat *);
static int	is_hubs(const char *);
static int	is_file(const char *);
static int	of_other(const char *, uid_t);
static DIR	*list(int);

/* Files of a hub's own; those that begin like the first are the database's. */
static const char *const files[] = {
	DB_FILE, "hub.lock", HUBKEY_FILE, HUBTOKEN_FILE, "relays.json",
	"bridge.json"
};
#define NFILES	(sizeof(files) / sizeof(files[0]))

/* What else shows that a directory is a hub's. */
static const char *const others[] = {
	"mailboxes", "groups", "hub.sock", "hubctl.sock", "spawn.lock", "logs"
};

static int
open_dir(const char *path, struct stat *st)
{
	int fd = datafile_dir(path);

	if (fd != -1 && fstat(fd, st) == -1)
		fatal("%s", path);
	return fd;
}

static int
is_file(const char *name)
{
	size_t i;

	for (i = 0; i < NFILES; i++) {
		if (strcmp(name, files[i]) == 0)
			return 1;
	}
	return strncmp(name, DB_FILE, strlen(DB_FILE)) == 0;
}

static int
is_hubs(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(name, others[i]) == 0)
			return 1;
	}
	return is_file(name);
}

/* The descriptor stays open. */
static DIR *
list(int fd)
{
	int copy = dup(fd);
	DIR *d = copy != -1 ? fdopendir(copy) : NULL;

	if (d == NULL)
		fatal("data directory");
	rewinddir(d);
	return d;
}

static int
of_other(const char *path, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	char number[32];

	snprintf(number, sizeof(number), "number %u", (unsigned)uid);
	log_warnx("data directory %s belongs to the user %s, not to %s: name "
	    "another one in hubd.conf, or chown -R %s it", path,
	    pw != NULL ? pw->pw_name : number, PRIVDROP_USER, PRIVDROP_USER);
	return -1;
}

int
datadir_check(const char *path, const struct privdrop *user)
{
	const struct dirent *e;
	struct stat st;
	int fd, empty = 1, hubs = 0;
	DIR *d;

	if (paths_mkdir(path) == -1 || (fd = open_dir(path, &st)) == -1) {
		log_warn("data directory %s", path);
		return -1;
	}
	d = user != NULL && st.st_uid == 0 ? list(fd) : NULL;
	close(fd);
	if (user == NULL || st.st_uid == user->uid)
		return 0;
	if (st.st_uid != 0)
		return of_other(path, st.st_uid);
	while ((e = readdir(d)) != NULL) {
		empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name,
		    "..") == 0;
		hubs |= is_hubs(e->d_name);
	}
	closedir(d);
	if (empty || hubs)
		return 0;
	log_warnx("data directory %s has something else in it: it is not "
	    "given to %s; name another one in hubd.conf", path,
	    PRIVDROP_USER);
	return -1;
}

void
datadir_give(const char *path, const struct privdrop *user)
{
	const struct dirent *e;
	struct stat st;
	int fd, n = 0, r;
	DIR *d;

	if ((fd = open_dir(path, &st)) == -1)
		fatal("data directory %s", path);
	d = list(fd);
	while ((e = readdir(d)) != NULL) {
		if (!is_file(e->d_name))
			continue;
		r = datafile_give(fd, e->d_name, user->uid, user->gid);
		if (r == -1)
			log_warnx("%s/%s is a link, or no file that has that "
			    "name only: it is not given to %s, nor used by "
			    "root; remove it", path, e->d_name,
			    PRIVDROP_USER);
		n += r == 1;
	}
	closedir(d);
	if (st.st_uid == 0 && (fchown(fd, user->uid, user->gid) == -1 ||
	    fchmod(fd, 0700) == -1))
		fatal("data directory %s", path);
	close(fd);
	if (st.st_uid == 0 || n > 0)
		log_info("data directory %s is given to %s, with %d file%s",
		    path, PRIVDROP_USER, n, n == 1 ? "" : "s");
}
