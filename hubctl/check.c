/* SPDX-License-Identifier: ISC */
/*
 * hubctl check: bridged tries the links, since it alone speaks TLS.
 */
#include "compat.h"

#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubctl.h"
#include "paths.h"

int
cmd_check(struct hubctl *ctl, int argc, char **argv)
{
	char path[PATH_MAX], test[] = "-t", file[] = "-f";
	char **args = xcalloc((size_t)argc + 5, sizeof(*args));
	int i, n = 0;

	if (paths_program("bridged", path, sizeof(path)) == -1) {
		warnx("bridged is not installed");
		free(args);
		return EXIT_FAILURE;
	}
	args[n++] = path;
	args[n++] = test;
	if (ctl->file != NULL) {
		args[n++] = file;
		args[n++] = (char *)(uintptr_t)ctl->file;
	}
	for (i = 0; i < argc; i++)
		args[n++] = argv[i];
	execv(path, args);
	warn("%s", path);
	free(args);
	return EXIT_FAILURE;
}
