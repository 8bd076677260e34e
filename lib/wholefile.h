/* SPDX-License-Identifier: ISC */
/*
 * Small files, read and replaced as a whole.
 */
#ifndef WHOLEFILE_H
#define WHOLEFILE_H

#include <sys/stat.h>

#include <stddef.h>

/*
 * The content, terminated, and what fstat(2) says; to be freed.  NULL with
 * errno: EFBIG if it has more than max bytes, EINVAL if it is no plain file.
 */
char	*wholefile_read(const char *path, size_t max, size_t *len,
	    struct stat *);
/* The same of an open file, which is closed. */
char	*wholefile_read_fd(int fd, size_t max, size_t *len, struct stat *);
/*
 * Replaces or makes a file so that nobody ever sees a part of it; what is
 * written is on the disk then.  Owner and mode are those of like, or a new
 * file's (0600) if that is NULL.  0, or -1 with errno and all as it was.
 */
int	 wholefile_replace(const char *path, const char *, size_t,
	    const struct stat *like);

#endif
