/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup: files of AI hosts, what is edited in them, and what came of
 * it.
 */
#ifndef SETUP_H
#define SETUP_H

#include <sys/stat.h>

#include <limits.h>

#include "buf.h"

#define SERVER		"relay"		/* what hosts know channeld as */

enum edit_result {
	EDIT_NONE,
	EDIT_ADD,
	EDIT_CHANGE,
	EDIT_REMOVE,
	EDIT_REFUSED
};

/* A change of a text.  {0} and what is wanted; wbuf_free() what is out. */
struct change {
	const char	*text;		/* NULL: there is no file */
	size_t		 len;
	const char	*old;		/* the backup, or NULL */
	size_t		 old_len;
	int		 created;	/* there was no file before us */
	const char	*command;	/* channeld */
	int		 undo;
	struct wbuf	 out;		/* if added, changed or removed */
	char		 why[256];	/* if refused; may be set if none */
};

/*
 * Let a host start channeld, or undo that: mcpServers.relay of a JSON object,
 * a block [mcp_servers.relay] of TOML.  When nothing else has changed since
 * the backup, undoing yields the backup, byte for byte; an empty text stands
 * for no file.
 */
enum edit_result change_json(struct change *);
enum edit_result change_toml(struct change *);
/* What command mcpServers.relay has, into dst; -1 and why if not readable. */
int	json_command(struct change *, char *, size_t);
/* 1 if the path is one of a channeld. */
int	is_channeld(const char *);

/* A file of a host, read as a whole.  conffile_close() it. */
struct conffile {
	char		 path[PATH_MAX];
	char		 real[PATH_MAX];	/* to which a link leads */
	struct stat	 st;
	char		*text;		/* terminated; NULL: not there */
	size_t		 len;
	char		*old;		/* path.ecorelay-backup, or NULL */
	size_t		 old_len;
	int		 created;	/* path.ecorelay-new is there */
	int		 link;
};

/* 0, or -1 with the reason in why[size]. */
int	conffile_open(struct conffile *, const char *path, char *why, size_t);
/*
 * Replaces the content, and keeps mode and link.  With keep it first makes a
 * backup, or notes that there was no file, unless one of the two is there;
 * without, such a note is removed.  0, or -1 with errno.
 */
int	conffile_write(struct conffile *, const char *, size_t, int keep);
/* Puts the backup back and removes it. */
int	conffile_restore(struct conffile *);
/* Removes the file, and the note that there was none. */
int	conffile_remove(struct conffile *);
void	conffile_close(struct conffile *);

/* What one run of the command does. */
struct setup {
	int		 dry_run;
	int		 undo;
	const char	*host;			/* now; its name */
	char		 dir[PATH_MAX];		/* its configuration */
	char		 home[PATH_MAX];
	char		 channeld[PATH_MAX];
	char		 hubd[PATH_MAX];
};

/* A file of share/, and where it goes below the host's directory. */
struct copy {
	const char	*share;		/* NULL: the path of hubd */
	const char	*dest;
};

/*
 * Copies n files, COPIES_MAX at most, the last of which uses the others;
 * returns an exit code.
 */
#define COPIES_MAX	4
int	setup_copies(struct setup *, const struct copy *, size_t n);
/* Says what is done to what, in path; returns an exit code. */
int	setup_say(const struct setup *, enum edit_result, const char *what,
	    const char *path, const char *why);

#endif
