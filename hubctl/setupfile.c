/* SPDX-License-Identifier: ISC */
/*
 * Files of hosts that hubctl setup changes: never left half written, and with
 * a copy of what they were.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "paths.h"
#include "setup.h"

#define CONFIG_MAX	(16 * 1024 * 1024)

static int	real_path(const char *, char *);
static int	put_file(const char *, const char *, mode_t);
static int	make_parent(const char *);

char *
setupfile_read(const char *path)
{
	struct stat st;
	char *text = NULL;
	size_t n = 0, size;
	ssize_t some = -1;
	int fd, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if (fstat(fd, &st) == -1)
		goto done;
	errno = EFBIG;
	if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_MAX)
		goto done;
	size = (size_t)st.st_size;
	text = xmalloc(size + 1);
	while (n < size && (some = read(fd, text + n, size - n)) > 0)
		n += (size_t)some;
	text[n] = '\0';
	some = some == -1 && n < size ? -1 : 0;
	/* a zero byte is in no configuration */
	if (some == 0 && strlen(text) != n) {
		errno = EILSEQ;
		some = -1;
	}
 done:
	saved = errno;
	close(fd);
	if (some == -1 && text != NULL) {
		free(text);
		text = NULL;
	}
	errno = saved;
	return text;
}

/* Where a symbolic link leads; a file that is not there is itself. */
static int
real_path(const char *path, char *dst)
{
	if (realpath(path, dst) != NULL)
		return 0;
	if (errno != ENOENT)
		return -1;
	if (strlcpy(dst, path, PATH_MAX) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int
make_parent(const char *path)
{
	char dir[PATH_MAX], *slash;

	if (strlcpy(dir, path, sizeof(dir)) >= sizeof(dir) ||
	    (slash = strrchr(dir, '/')) == NULL || slash == dir)
		return 0;
	*slash = '\0';
	return paths_mkdir(dir);
}

static int
put_file(const char *path, const char *text, mode_t mode)
{
	char temp[PATH_MAX];
	size_t n = strlen(text), done = 0;
	ssize_t some = 0;
	int fd, saved;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkstemp(temp)) == -1)
		return -1;
	while (done < n && (some = write(fd, text + done, n - done)) > 0)
		done += (size_t)some;
	if (done < n || fchmod(fd, mode) == -1 || fsync(fd) == -1 ||
	    rename(temp, path) == -1) {
		saved = errno;
		(void)unlink(temp);
		close(fd);
		errno = saved;
		return -1;
	}
	close(fd);
	return 0;
}

int
setupfile_keep(const char *path)
{
	char copy[PATH_MAX], *before;
	struct stat st;
	int r;

	if (snprintf(copy, sizeof(copy), "%s" SETUP_BACKUP, path) >=
	    (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (stat(path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (access(copy, F_OK) == 0)
		return 0;
	if ((before = setupfile_read(path)) == NULL)
		return -1;
	r = put_file(copy, before, st.st_mode & 0777);
	free(before);
	return r;
}

int
setupfile_write(const char *path, const char *text, int backup)
{
	char real[PATH_MAX];
	struct stat st;

	if (real_path(path, real) == -1 || make_parent(real) == -1 ||
	    (backup && setupfile_keep(path) == -1))
		return -1;
	return put_file(real, text, stat(real, &st) == 0 ?
	    st.st_mode & 0777 : 0600);
}

char *
setupfile_backup(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s" SETUP_BACKUP, path) >=
	    (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return setupfile_read(copy);
}

void
setupfile_forget(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s" SETUP_BACKUP, path) <
	    (int)sizeof(copy))
		(void)unlink(copy);
}

int
setupfile_remove(const char *path)
{
	return unlink(path) == -1 && errno != ENOENT ? -1 : 0;
}
