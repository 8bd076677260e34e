/* SPDX-License-Identifier: ISC */
/*
 * hubctl backup: the hub hands over a copy of its database, which is written
 * where the user wants it.
 */
#include "compat.h"

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "hubctl.h"

#define BACKUP_MS	(3600 * 1000)	/* for a large database */
#define CHUNK		65536

static int	is_there(const char *, int);
static int	is_same(const char *, const char *);
static int	copy(int, int, int64_t);
static int	write_all(int, const char *, size_t);
static int	save(int, const char *, int64_t, int);
static int	write_temp(int, const char *, int64_t);
static void	on_signal(int);
static int	save_result(struct hubctl *, const struct rbuf *, int,
		    const char *);
static void	say(const char *, json_t *);

static char temp[PATH_MAX];	/* that is being written */

int
cmd_backup(struct hubctl *ctl, int argc, char **argv)
{
	int rc, out = strcmp(argv[0], "-") == 0;
	struct rbuf *result;
	struct ctl *c;

	(void)argc;
	if (out && isatty(STDOUT_FILENO)) {
		warnx("a database is nothing for a terminal: name a file, or "
		    "redirect the output");
		return EXIT_FAILURE;
	}
	if (!out && is_there(argv[0], ctl->force))
		return EXIT_FAILURE;
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	result = ctl_call_long(c, CTL_BACKUP, NULL, BACKUP_MS, NULL, NULL);
	rc = result == NULL ? EXIT_FAILURE :
	    save_result(ctl, result, ctl_take_fd(c), out ? NULL : argv[0]);
	rbuf_unref(result);
	ctl_close(c);
	return rc;
}

/* What must not be replaced; force: but a file may be. */
static int
is_there(const char *path, int force)
{
	struct stat st;

	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return 0;
		warn("%s", path);
		return 1;
	}
	if (force && S_ISREG(st.st_mode))
		return 0;
	warnx("%s is there already%s", path, S_ISREG(st.st_mode) ?
	    ": -f replaces it" : ", and is no file");
	return 1;
}

/* The hub would go on with a file that has lost its name. */
static int
is_same(const char *path, const char *database)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(database, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* path NULL: to standard output.  fd is closed. */
static int
save_result(struct hubctl *ctl, const struct rbuf *result, int fd,
    const char *path)
{
	json_t *json = json_loadb(result->data, result->len, 0, NULL);
	const char *database;
	json_int_t bytes;
	int r = -1;

	if (fd == -1 || json_unpack(json, "{s:s,s:I}", "database", &database,
	    "bytes", &bytes) == -1)
		warnx("the hub sent no copy");
	else if (path == NULL)
		r = copy(fd, STDOUT_FILENO, bytes);
	else if (is_same(path, database))
		warnx("%s is the hub's own database", path);
	else
		r = save(fd, path, bytes, ctl->force);
	if (r == -1 && path == NULL)
		warn("standard output");
	if (r == 0 && path != NULL && ctl->json)
		print_json(result->data, result->len);
	else if (r == 0 && path != NULL)
		say(path, json);
	if (fd != -1)
		close(fd);
	json_decref(json);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
say(const char *path, json_t *json)
{
	json_int_t bytes, messages, mailboxes, entries;

	if (json_unpack(json, "{s:I,s:I,s:I,s:I}", "bytes", &bytes,
	    "messages", &messages, "mailboxes", &mailboxes, "group_messages",
	    &entries) == 0)
		printf("%s: %lld bytes; messages: %lld, mailboxes: %lld, "
		    "messages of groups: %lld\n", path, (long long)bytes,
		    (long long)messages, (long long)mailboxes,
		    (long long)entries);
}

/* Under a temporary name beside it first, which is not left behind. */
static int
save(int from, const char *path, int64_t bytes, int force)
{
	if (write_temp(from, path, bytes) == 0 && !is_there(path, force)) {
		if (rename(temp, path) == 0)
			return 0;
		warn("%s", path);
	}
	if (temp[0] != '\0')
		(void)unlink(temp);
	return -1;
}

static int
write_temp(int from, const char *path, int64_t bytes)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };
	size_t i;
	int fd, r;

	errno = ENAMETOOLONG;
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    (int)sizeof(temp) || (fd = mkstemp(temp)) == -1) {
		warn("%s", path);
		temp[0] = '\0';
		return -1;
	}
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)signal(ends[i], on_signal);
	r = copy(from, fd, bytes) == -1 || fsync(fd) == -1 ? -1 : 0;
	if (r == -1)
		warn("%s", path);
	close(fd);
	return r;
}

static void
on_signal(int sig)
{
	(void)unlink(temp);
	_exit(128 + sig);
}

/* 0, or -1 with errno. */
static int
copy(int from, int to, int64_t bytes)
{
	static char chunk[CHUNK];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		if (write_all(to, chunk, (size_t)n) == -1)
			return -1;
		bytes -= n;
	}
	if (n == 0 && bytes != 0) {
		errno = EIO;
		return -1;
	}
	return (int)n;
}

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		if ((n = write(fd, p, len)) == -1)
			return -1;
	}
	return 0;
}
