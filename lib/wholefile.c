/* SPDX-License-Identifier: ISC */
/*
 * Small files, read and replaced as a whole.
 */
#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wholefile.h"

static int	write_all(int, const char *, size_t);

char *
wholefile_read(const char *path, size_t max, size_t *len, struct stat *st)
{
	int fd;

	/* to open a device may do something, and others may name the path */
	if (stat(path, st) == -1)
		return NULL;
	if (!S_ISREG(st->st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd != -1 ? wholefile_read_fd(fd, max, len, st) : NULL;
}

char *
wholefile_read_fd(int fd, size_t max, size_t *len, struct stat *st)
{
	char *text = NULL;
	ssize_t n = 0;
	size_t size;

	if (fstat(fd, st) == -1)
		goto done;
	if (!S_ISREG(st->st_mode) || (uintmax_t)st->st_size > max) {
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

int
wholefile_replace(const char *path, const char *data, size_t len,
    const struct stat *like)
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
	if (like != NULL && like->st_uid != geteuid() &&
	    fchown(fd, like->st_uid, like->st_gid) == -1)
		goto fail;
	if (fchmod(fd, like != NULL ? like->st_mode & 07777 : 0600) == -1 ||
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
