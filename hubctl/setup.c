/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup: makes the AI hosts that are installed start our programs, and
 * undoes it.
 */
#include "compat.h"

#include <sys/stat.h>

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubctl.h"
#include "paths.h"
#include "setup.h"

static int	our_program(const char *, char *);
static int	host_dir(const struct setup *, const struct setup_host *,
		    char *);
static int	installed(const struct setup *, const struct setup_host *);
static const struct setup_host *find_host(const char *);
static int	set_up(const struct setup *, const struct setup_host *);

static const struct setup_copy opencode_copies[] = {
	{ "lib/relay.mjs", "ecorelay/relay.mjs" },
	{ NULL, "ecorelay/hubd.path" },
	{ "opencode/ecorelay.js", "plugins/ecorelay.js" },
	{ NULL, NULL }
};

static const struct setup_copy copilot_copies[] = {
	{ "lib/relay.mjs", "extensions/ecorelay/relay.mjs" },
	{ NULL, "extensions/ecorelay/hubd.path" },
	{ "copilot/extension.mjs", "extensions/ecorelay/extension.mjs" },
	{ NULL, NULL }
};

static const struct setup_host hosts[] = {
	{ "claude", "CLAUDE_CONFIG_DIR", NULL, NULL, ".claude.json",
	    setup_claude, NULL },
	{ "opencode", "XDG_CONFIG_HOME", "opencode", ".config/opencode", NULL,
	    setup_files, opencode_copies },
	{ "copilot", NULL, NULL, ".copilot", NULL,
	    setup_files, copilot_copies },
	{ "codex", "CODEX_HOME", NULL, ".codex", "config.toml",
	    setup_toml, NULL },
	{ "gemini", NULL, NULL, ".gemini", "settings.json",
	    setup_json, NULL },
	{ "cursor", NULL, NULL, ".cursor", "mcp.json",
	    setup_json, NULL },
};
#define NHOSTS	(sizeof(hosts) / sizeof(hosts[0]))

void
setup_say(const struct setup_host *h, const char *fmt, ...)
{
	va_list ap;

	printf("%s: ", h->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	/* in order with what is said of errors */
	fflush(stdout);
}

void
setup_bad(const struct setup_host *h, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", h->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

int
setup_in_path(const char *name)
{
	const char *p = getenv("PATH");
	char path[PATH_MAX];
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (n > 0 && snprintf(path, sizeof(path), "%.*s/%s", (int)n, p,
		    name) < (int)sizeof(path) && access(path, X_OK) == 0)
			return 1;
	}
	return 0;
}

/* As it is to be in a configuration: without "..". */
static int
our_program(const char *name, char *dst)
{
	char path[PATH_MAX];

	if (paths_program(name, path, sizeof(path)) == -1)
		return -1;
	return realpath(path, dst) != NULL ? 0 : -1;
}

/* Where a host keeps its configuration; -1: too long a name. */
static int
host_dir(const struct setup *s, const struct setup_host *h, char *dst)
{
	const char *env = h->env != NULL ? getenv(h->env) : NULL;
	const char *dir = h->home_dir;

	if (env == NULL || env[0] != '/')
		env = s->home;
	else
		dir = h->dir;
	if (dir != NULL)
		return paths_join(dst, PATH_MAX, env, dir);
	return strlcpy(dst, env, PATH_MAX) < PATH_MAX ? 0 : -1;
}

/* By its program, or by what it has left in the home directory. */
static int
installed(const struct setup *s, const struct setup_host *h)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct stat st;

	if (setup_in_path(h->name))
		return 1;
	if (host_dir(s, h, dir) == -1)
		return 0;
	if (h->home_dir != NULL)
		return stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
	return paths_join(path, sizeof(path), dir, h->file) == 0 &&
	    access(path, F_OK) == 0;
}

static const struct setup_host *
find_host(const char *name)
{
	size_t i;

	for (i = 0; i < NHOSTS; i++) {
		if (strcmp(hosts[i].name, name) == 0)
			return &hosts[i];
	}
	fprintf(stderr, "hubctl: unknown host %s; known are:", name);
	for (i = 0; i < NHOSTS; i++)
		fprintf(stderr, " %s", hosts[i].name);
	fprintf(stderr, "\n");
	return NULL;
}

static int
set_up(const struct setup *s, const struct setup_host *h)
{
	char dir[PATH_MAX];

	if (host_dir(s, h, dir) == -1) {
		setup_bad(h, "too long a path");
		return -1;
	}
	return h->apply(s, h, dir);
}

int
cmd_setup(struct hubctl *ctl, int argc, char **argv)
{
	struct setup s = { .show = ctl->show_only, .undo = ctl->undo };
	const struct setup_host *h;
	int rc = EXIT_SUCCESS, done = 0, changed = 0, r;
	size_t i;

	s.home = getenv("HOME");
	if (s.home == NULL || s.home[0] != '/')
		errx(EXIT_FAILURE, "HOME is not set");
	if (our_program("channeld", s.channeld) == -1 ||
	    our_program("hubd", s.hubd) == -1)
		errx(EXIT_FAILURE, "channeld and hubd are not installed "
		    "beside hubctl");
	for (i = 0; i < (argc > 0 ? (size_t)argc : NHOSTS); i++) {
		h = argc > 0 ? find_host(argv[i]) : &hosts[i];
		if (h == NULL)
			return EXIT_USAGE;
		if (!installed(&s, h)) {
			if (argc == 0)
				continue;
			setup_bad(h, "not found: neither its program in PATH "
			    "nor its configuration");
			rc = EXIT_FAILURE;
			continue;
		}
		done++;
		if ((r = set_up(&s, h)) == -1)
			rc = EXIT_FAILURE;
		changed |= r == 1;
	}
	if (done == 0 && argc == 0) {
		warnx("no host that it knows is installed");
		rc = EXIT_FAILURE;
	} else if (s.show || changed)
		printf(s.show ? "Nothing was changed.\n" :
		    "Sessions that run notice it when they are started "
		    "again.\n");
	return rc;
}
