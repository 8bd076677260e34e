/* SPDX-License-Identifier: ISC */
/*
 * A copy of our programs.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tree.h"

#define LONG_PATH	(T_PATH + 64)

static char	real[T_PATH];	/* the tree that the test was built in */

static void
copy_file(const char *from, const char *to)
{
	char	buf[65536], temp[LONG_PATH + 8];
	int	in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t	n;

	snprintf(temp, sizeof(temp), "%s.new", to);
	out = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	want(in != -1 && out != -1, "cannot copy %s to %s", from, temp);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		want(write(out, buf, (size_t)n) == n, "write: %s",
		    strerror(errno));
	want(n == 0 && fchmod(out, 0755) == 0, "cannot copy %s", from);
	close(in);
	close(out);
	want(rename(temp, to) == 0, "rename %s", to);
}

void
tree_new_(struct tenv *t)
{
	static const char *const names[] = {
		"hubd", "channeld", "hubctl", "bridged", "relayd"
	};
	char	tree[T_PATH], from[LONG_PATH], to[LONG_PATH];
	size_t	i;

	program_path("hubd", real);
	*strstr(real, "/hubd/hubd") = '\0';
	snprintf(tree, sizeof(tree), "%s/b", t->dir);
	want(mkdir(tree, 0755) == 0, "mkdir %s", tree);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(from, sizeof(from), "%s/%s/%s", real, names[i],
		    names[i]);
		snprintf(to, sizeof(to), "%s/b/%s", t->dir, names[i]);
		want(mkdir(to, 0755) == 0, "mkdir %s", to);
		snprintf(to, sizeof(to), "%s/b/%s/%s", t->dir, names[i],
		    names[i]);
		copy_file(from, to);
	}
	setenv("ECORELAY_BUILD", tree, 1);
	program_init("");
}

void
tree_install_(const char *file)
{
	char	from[LONG_PATH], to[T_PATH];

	program_path("hubd", to);
	snprintf(from, sizeof(from), "%s/%s", real, file);
	copy_file(from, to);
}
