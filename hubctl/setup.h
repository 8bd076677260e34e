/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup: what its parts share.  A host is a row of the table in
 * setup.c and one of the ways here in which it is told of us.
 */
#ifndef SETUP_H
#define SETUP_H

#include <limits.h>
#include <stddef.h>

#define SETUP_NAME	"relay"			/* of us as an MCP server */
#define SETUP_BACKUP	".ecorelay-backup"	/* behind a file's name */

struct setup {
	int		 show;		/* change nothing */
	int		 undo;
	const char	*home;
	char		 channeld[PATH_MAX], hubd[PATH_MAX];
};

/* A file of ours and where a host wants it, in its directory. */
struct setup_copy {
	const char	*share;		/* in share/; NULL: the hub's path */
	const char	*file;
};

struct setup_host {
	const char	*name;		/* of the program, too */
	const char	*env;		/* has its directory; or NULL */
	const char	*dir;		/* in $env or in home, else ... */
	const char	*home_dir;	/* ... this one in home */
	const char	*file;		/* its configuration, in there */
	/* 1 if something changes, 0 if not, or -1 after it said why. */
	int		 (*apply)(const struct setup *,
			    const struct setup_host *, const char *dir);
	const struct setup_copy	*copies;
};

/* setuphost.c: the ways. */
int	setup_claude(const struct setup *, const struct setup_host *,
	    const char *);
int	setup_json(const struct setup *, const struct setup_host *,
	    const char *);
int	setup_toml(const struct setup *, const struct setup_host *,
	    const char *);
int	setup_files(const struct setup *, const struct setup_host *,
	    const char *);

/* A line on standard output (or, with bad, standard error): host: text. */
void	setup_say(const struct setup_host *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
void	setup_bad(const struct setup_host *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* 1 if a program of that name is in $PATH. */
int	setup_in_path(const char *);

/*
 * setuptoml.c: the text with our block in it (or, with undo, without it); to
 * be freed.  NULL, and why: it is not plausible TOML, or has a server of our
 * name that is not ours.
 */
char	*setuptoml_edit(const char *text, const char *channeld, int undo,
	    const char **why);
/* The same for JSON with mcpServers. */
char	*setupjson_edit(const char *text, const char *channeld, int undo,
	    const char **why);

/* setupfile.c */
/* The content, terminated, to be freed; NULL with errno. */
char	*setupfile_read(const char *path);
/*
 * Replaces a file, or makes it and the directories above it; keeps a copy of
 * the first content beside it, the mode, and what a symbolic link points to.
 * 0, or -1 with errno.
 */
int	setupfile_write(const char *path, const char *text, int backup);
/* Makes that copy if there is none yet. */
int	setupfile_keep(const char *path);
/* The content of the copy; NULL with errno. */
char	*setupfile_backup(const char *path);
/* Removes the file's copy; the file itself, too. */
void	setupfile_forget(const char *path);
int	setupfile_remove(const char *path);

#endif
