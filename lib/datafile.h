/* SPDX-License-Identifier: ISC */
/*
 * Files in the data directory of a hub.  If that is another user's and this
 * process is root's, what is in it may be there to have root read, change or
 * give away something else: then each must be a file with one name only, no
 * link, and belong to root or to whose the directory is.
 */
#ifndef DATAFILE_H
#define DATAFILE_H

#include <sys/stat.h>

#include <stddef.h>

/* As of wholefile.h; also ELOOP or EPERM for what may be such a trap. */
char	*datafile_read(const char *path, size_t max, size_t *len,
	    struct stat *);
/* Mode 0600, and whose the directory is. */
int	 datafile_replace(const char *path, const char *, size_t);
/*
 * Opens a file for reading and writing, or makes it (0600); the descriptor, or
 * -1 with errno.
 */
int	 datafile_open(const char *path);
/*
 * A directory in the data directory, by its name or by its own path, which is
 * one and no link if that is another user's; the descriptor, or -1 with errno.
 */
int	 datafile_open_dir(const char *path, const char *name);
int	 datafile_dir(const char *path);
/* A file for reading, of what is in an open directory. */
int	 datafile_open_at(int dir, const char *name);
/* The same for appending, which is made (0600) if it is not there. */
int	 datafile_append_at(int dir, const char *name);
/* 1 if it is this user's, root's, or whose the directory is. */
int	 datafile_is_ours(const char *path, const struct stat *);
/* Makes its mode 0600 if others can read it; 0, or -1: it is not ours. */
int	 datafile_private(const char *path, const struct stat *);
/*
 * Gives root's file to a user, unless it has other names: 1, or 0 if it is
 * not root's, or is not there, or -1 with errno.
 */
int	 datafile_give(int dir, const char *name, uid_t, gid_t);

#endif
