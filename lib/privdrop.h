/* SPDX-License-Identifier: ISC */
/*
 * What processes of a service that root has started give up: root, for the
 * user of the services, and the file system, for one directory.
 */
#ifndef PRIVDROP_H
#define PRIVDROP_H

#include <sys/types.h>

#include "buf.h"

#define PRIVDROP_USER		"_ecorelay"
#define PRIVDROP_ROOT_SIZE	1024

struct privdrop {
	uid_t	 uid;
	gid_t	 gid;
	char	 root[PRIVDROP_ROOT_SIZE];	/* directory; "": as it is */
};

/*
 * For the parent: 1, and the user is filled in; 0: this process is not root's,
 * or there is no such user; -1, with the reason in the log: the user cannot be
 * used.  root is "".
 */
int	privdrop_user(struct privdrop *);
/*
 * 1 if a secret may belong to that user: the one who runs this process, root,
 * or, if they are the same, the user of the services.
 */
int	privdrop_trusts(uid_t);
/* Says whose the processes are; NULL: root's, if this one is. */
void	privdrop_say(const struct privdrop *);
/*
 * Makes the directory if it is not there, and those above it.  0, or -1 with
 * the reason in the log: it must be root's, not be writable by others, and be
 * empty.
 */
int	privdrop_emptydir(const char *dir);

/* CONF_DROP's body. */
void	privdrop_put(struct wbuf *, const struct privdrop *);
int	privdrop_get(struct reader *, struct privdrop *);
/*
 * For a child of root's: gives it up, for good, as is checked.  Fatal if
 * anything of it fails.
 */
void	privdrop_enter(const struct privdrop *);

#endif
