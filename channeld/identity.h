/* SPDX-License-Identifier: ISC */
/*
 * Who this session is: its name, directory and git branch, and what its host
 * calls it (tools.md, Identity).
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <sys/types.h>

#include <limits.h>

#include <jansson.h>

#include "names.h"

#define IDENTITY_BRANCH_SIZE	(BRANCH_LEN_MAX + 1)

struct identity {
	char		 name[NAME_SIZE];	/* wanted, always valid */
	int		 fixed;		/* by the environment or --name */
	char		 cwd[PATH_MAX];
	char		 git_branch[IDENTITY_BRANCH_SIZE];
	/* the host's file on this session, and its name in there, or "" */
	char		 file[PATH_MAX];
	char		 file_name[NAME_SIZE];
	char		 status[8];	/* "idle" or "busy" in it, or "" */
	time_t		 file_mtime;
	long		 file_mtime_ns;
	ino_t		 file_ino;
};

/*
 * Fills in all of it: option is --name or NULL; cwd the working directory;
 * parent the host's process id.
 */
void	identity_init(struct identity *, const char *option, const char *cwd,
	    pid_t parent);
/*
 * 1 if the host has given the session another name since the last call (or
 * identity_init()), which name then holds; 0 otherwise, and always if it is
 * fixed.  Also looks for another status.
 */
int	identity_renamed(struct identity *);
/* The host's file as it is now, the caller's reference; NULL: none. */
json_t	*identity_file(const struct identity *);
/*
 * The branch checked out in the repository that dir is in, the first 7
 * characters of the commit if it is none, "" where there is no repository.
 * Reads files only.
 */
void	identity_branch(const char *dir, char dst[IDENTITY_BRANCH_SIZE]);

#endif
