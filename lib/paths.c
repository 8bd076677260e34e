/* SPDX-License-Identifier: ISC */
/*
 * Where things are found.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"

static char self_dir[1024];	/* of this program; "" if not known */

static const char	*home(void);
static int		 put(char *, size_t, const char *);

static const char *
home(void)
{
	const char *h = getenv("HOME");
	struct passwd *pw;

	if (h != NULL && h[0] == '/')
		return h;
	pw = getpwuid(getuid());
	return pw != NULL ? pw->pw_dir : NULL;
}

static int
put(char *dst, size_t size, const char *path)
{
	if (strlcpy(dst, path, size) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
paths_join(char *dst, size_t size, const char *dir, const char *file)
{
	int n = snprintf(dst, size, "%s/%s", dir, file);

	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
paths_home(char *dst, size_t size)
{
	const char *h = home();

	if (h == NULL) {
		errno = ENOENT;
		return -1;
	}
	return put(dst, size, h);
}

int
paths_data(char *dst, size_t size)
{
	const char *d = getenv("ECORELAY_DATA");

	if (d != NULL && d[0] != '\0')
		return put(dst, size, d);
	if ((d = home()) == NULL) {
		errno = ENOENT;
		return -1;
	}
	return paths_join(dst, size, d, ".eco-relay");
}

int
paths_plugin_data(char *dst, size_t size)
{
	const char *d = getenv("ECORELAY_DATA");

	if ((d != NULL && d[0] != '\0') || (d = home()) == NULL) {
		errno = ENOENT;
		return -1;
	}
	return paths_join(dst, size, d,
	    ".claude/plugins/data/relay-eco-relay");
}

int
paths_hub_socket(char *dst, size_t size)
{
	const char *s = getenv("RELAY_HUB_SOCKET");
	char data[PATH_MAX];

	if (s != NULL && s[0] != '\0')
		return put(dst, size, s);
	if (paths_data(data, sizeof(data)) == -1)
		return -1;
	return paths_join(dst, size, data, "hub.sock");
}

int
paths_ctl_socket(char *dst, size_t size)
{
	char hub[PATH_MAX], *slash;

	if (paths_hub_socket(hub, sizeof(hub)) == -1)
		return -1;
	if ((slash = strrchr(hub, '/')) == NULL)
		return put(dst, size, "hubctl.sock");
	*slash = '\0';
	return paths_join(dst, size, hub, "hubctl.sock");
}

int
paths_mkdir(const char *dir)
{
	char path[PATH_MAX], *p;

	if (put(path, sizeof(path), dir) == -1)
		return -1;
	for (p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST &&
		    errno != EISDIR && errno != EROFS && errno != EACCES)
			return -1;
		*p = '/';
	}
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	return 0;
}

void
paths_init(const char *argv0)
{
	char path[PATH_MAX], *slash;
	ssize_t n;

	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n > 0)
		path[n] = '\0';
	else if (strchr(argv0, '/') == NULL || realpath(argv0, path) == NULL)
		return;
	if ((slash = strrchr(path, '/')) == NULL)
		return;
	*slash = '\0';
	(void)put(self_dir, sizeof(self_dir), path);
}

int
paths_program(const char *name, char *dst, size_t size)
{
	const char *env = getenv("ECORELAY_LIBEXEC");
	char tree[64];
	const struct {
		const char	*dir, *file;
	} places[] = {
		{ env, name },
		{ self_dir, name },
		{ self_dir, tree },
		{ ECORELAY_LIBEXECDIR, name },
		{ ECORELAY_SBINDIR, name },
		{ ECORELAY_BINDIR, name },
	};
	struct stat st;
	size_t i;

	snprintf(tree, sizeof(tree), "../%s/%s", name, name);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].dir == NULL || places[i].dir[0] == '\0')
			continue;
		if (paths_join(dst, size, places[i].dir, places[i].file) == 0 &&
		    stat(dst, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(dst, X_OK) == 0)
			return 0;
	}
	errno = ENOENT;
	return -1;
}

int
paths_share(const char *file, char *dst, size_t size)
{
	const char *env = getenv("ECORELAY_SHARE");
	char tree[sizeof(self_dir) + sizeof("/../share")];
	const char *places[] = { tree, ECORELAY_DATADIR };
	size_t i, n = sizeof(places) / sizeof(places[0]);

	snprintf(tree, sizeof(tree), "%s/../share", self_dir);
	if (env != NULL && env[0] != '\0') {
		places[0] = env;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		if (paths_join(dst, size, places[i], file) == 0 &&
		    access(dst, R_OK) == 0)
			return 0;
	}
	errno = ENOENT;
	return -1;
}
