/* SPDX-License-Identifier: ISC */
/*
 * A small file system at a test's data directory, in a mount namespace of the
 * test's own.  Only Linux has it, and only root may.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <unistd.h>

#include "test.h"

#ifdef __linux__

#include <sys/mount.h>
#include <sched.h>

int
small_disk(struct tenv *t, int read_only)
{
	if (access(t->data, F_OK) == -1) {
		if (unshare(CLONE_NEWNS) == -1 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
			return (0);
		if (mkdir(t->data, 0700) == -1)
			t_fail("mkdir %s: %s", t->data, strerror(errno));
		return (mount("none", t->data, "tmpfs", 0,
		    "size=8m,mode=0700") == 0);
	}
	return (mount("none", t->data, "tmpfs",
	    MS_REMOUNT | (read_only ? MS_RDONLY : 0), "size=8m") == 0);
}

void
small_disk_end(struct tenv *t)
{
	umount2(t->data, MNT_DETACH);
}

#else

int
small_disk(struct tenv *t, int read_only)
{
	(void)t;
	(void)read_only;
	return (0);
}

void
small_disk_end(struct tenv *t)
{
	(void)t;
}

#endif
