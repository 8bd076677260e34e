/* SPDX-License-Identifier: ISC */
/*
 * The ways in which hosts are told of us: by their own program, in a file of
 * their configuration, or by files of ours in a place where they look.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "paths.h"
#include "setup.h"

typedef char	*edit_fn(const char *, const char *, int, const char **);

static int	join(const struct setup_host *, char *, const char *,
		    const char *);
static int	edit(const struct setup *, const struct setup_host *,
		    const char *, edit_fn *);
static int	put(const struct setup *, const struct setup_host *,
		    const char *, const char *, const char *, edit_fn *);
static int	take_out(const struct setup *, const struct setup_host *,
		    const char *, const char *, const char *, edit_fn *);
static int	run(char *const[]);
static int	copy_one(const struct setup *, const struct setup_host *,
		    const struct setup_copy *, const char *);
static char	*our_text(const struct setup *, const struct setup_host *,
		    const struct setup_copy *);
static int	foreign(const char *);

static int
join(const struct setup_host *h, char *dst, const char *dir, const char *file)
{
	if (paths_join(dst, PATH_MAX, dir, file) == 0)
		return 0;
	setup_bad(h, "%s/%s: %s", dir, file, strerror(errno));
	return -1;
}

/* A file of its configuration. */

int
setup_json(const struct setup *s, const struct setup_host *h, const char *dir)
{
	return edit(s, h, dir, setupjson_edit);
}

int
setup_toml(const struct setup *s, const struct setup_host *h, const char *dir)
{
	return edit(s, h, dir, setuptoml_edit);
}

static int
edit(const struct setup *s, const struct setup_host *h, const char *dir,
    edit_fn *fn)
{
	char path[PATH_MAX], *before, *after;
	const char *why = NULL;
	int r = -1;

	if (join(h, path, dir, h->file) == -1)
		return -1;
	before = setupfile_read(path);
	if (before == NULL && errno != ENOENT) {
		setup_bad(h, "%s: left alone: %s", path, strerror(errno));
		return -1;
	}
	after = fn(before != NULL ? before : "", s->channeld, s->undo, &why);
	if (after == NULL)
		setup_bad(h, "%s: left alone: %s", path, why);
	else if (before == NULL ? s->undo : strcmp(before, after) == 0) {
		setup_say(h, "nothing to do");
		r = 0;
	} else if (s->undo)
		r = take_out(s, h, path, before, after, fn);
	else
		r = put(s, h, path, before, after, fn);
	free(before);
	free(after);
	return r;
}

static int
put(const struct setup *s, const struct setup_host *h, const char *path,
    const char *before, const char *after, edit_fn *fn)
{
	(void)fn;
	setup_say(h, "%s the MCP server \"" SETUP_NAME "\" %s %s",
	    before != NULL ? "puts" : "writes",
	    before != NULL ? "into" : "to the new file", path);
	if (s->show || setupfile_write(path, after, 1) == 0)
		return 1;
	setup_bad(h, "%s: %s", path, strerror(errno));
	return -1;
}

/* If only we have changed it since, it is again what it was, in each byte. */
static int
take_out(const struct setup *s, const struct setup_host *h, const char *path,
    const char *before, const char *after, edit_fn *fn)
{
	char *backup = setupfile_backup(path), *ours = NULL;
	const char *why;
	int empty, r = 1;

	if (backup != NULL)
		ours = fn(backup, s->channeld, 0, &why);
	if (ours != NULL && strcmp(ours, before) == 0)
		after = backup;
	empty = backup == NULL && (after[0] == '\0' ||
	    strcmp(after, "{}\n") == 0);
	setup_say(h, "%s %s", empty ? "removes" :
	    "takes the MCP server \"" SETUP_NAME "\" out of", path);
	if (!s->show) {
		if ((empty ? setupfile_remove(path) :
		    setupfile_write(path, after, 0)) == -1) {
			setup_bad(h, "%s: %s", path, strerror(errno));
			r = -1;
		} else
			setupfile_forget(path);
	}
	free(backup);
	free(ours);
	return r;
}

/* By its own program. */

static int
run(char *const argv[])
{
	int status, null;
	pid_t pid = fork();

	if (pid == 0) {
		if ((null = open("/dev/null", O_RDWR)) != -1) {
			(void)dup2(null, STDIN_FILENO);
			(void)dup2(null, STDOUT_FILENO);
		}
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Its file is big and its own affair: we only look whether we are in it. */
int
setup_claude(const struct setup *s, const struct setup_host *h,
    const char *dir)
{
	char path[PATH_MAX], channeld[PATH_MAX], *before, *after;
	char claude[] = "claude", mcp[] = "mcp", add[] = "add", rm[] =
	    "remove", scope[] = "-s", user[] = "user", name[] = SETUP_NAME,
	    end[] = "--";
	char *adds[] = { claude, mcp, add, scope, user, name, end, channeld,
	    NULL };
	char *removes[] = { claude, mcp, rm, scope, user, name, NULL };
	const char *why = NULL;
	int there, same;

	strlcpy(channeld, s->channeld, sizeof(channeld));
	if (join(h, path, dir, h->file) == -1)
		return -1;
	before = setupfile_read(path);
	after = setupjson_edit(before != NULL ? before : "", channeld,
	    s->undo, &why);
	same = after != NULL && strcmp(after, before != NULL ? before : "") ==
	    0;
	free(after);
	after = before != NULL ? setupjson_edit(before, channeld, 1, &why) :
	    NULL;
	there = after != NULL && strcmp(after, before) != 0;
	free(after);
	if (before != NULL && after == NULL) {
		setup_bad(h, "%s: left alone: %s", path, why);
		free(before);
		return -1;
	}
	free(before);
	if (same || (s->undo && !there)) {
		setup_say(h, "nothing to do");
		return 0;
	}
	setup_say(h, s->undo ? "runs claude mcp remove -s user " SETUP_NAME :
	    "runs claude mcp add -s user " SETUP_NAME " -- %s", channeld);
	if (s->show)
		return 1;
	if (!setup_in_path(h->name)) {
		setup_bad(h, "its program is not in PATH");
		return -1;
	}
	if (!s->undo && setupfile_keep(path) == -1) {
		setup_bad(h, "%s: %s", path, strerror(errno));
		return -1;
	}
	if ((there && run(removes) == -1) || (!s->undo && run(adds) == -1)) {
		setup_bad(h, "claude mcp %s failed", s->undo ? rm : add);
		return -1;
	}
	if (s->undo)
		setupfile_forget(path);
	return 1;
}

/* By files of ours. */

/* What such a file has; NULL after it was said what is wrong. */
static char *
our_text(const struct setup *s, const struct setup_host *h,
    const struct setup_copy *c)
{
	char path[PATH_MAX], *text;

	if (c->share == NULL) {
		snprintf(path, sizeof(path), "%.*s\n", PATH_MAX - 2, s->hubd);
		return xstrdup(path);
	}
	if (paths_share(c->share, path, sizeof(path)) == -1) {
		setup_bad(h, "%s is not installed: run make install",
		    c->share);
		return NULL;
	}
	if ((text = setupfile_read(path)) == NULL)
		setup_bad(h, "%s: %s", path, strerror(errno));
	return text;
}

/* It is there, and not from us. */
static int
foreign(const char *text)
{
	return strncmp(text, "// SPDX-License-Identifier: ISC\n", 32) != 0 &&
	    strstr(text, "/hubd\n") == NULL;
}

static int
copy_one(const struct setup *s, const struct setup_host *h,
    const struct setup_copy *c, const char *dir)
{
	char path[PATH_MAX], *text, *there;
	int r = 0;

	if (join(h, path, dir, c->file) == -1 ||
	    (text = our_text(s, h, c)) == NULL)
		return -1;
	there = setupfile_read(path);
	if (there != NULL && strcmp(there, text) == 0)
		goto done;
	r = 1;
	setup_say(h, "%s %s", there != NULL ? "replaces" : "writes", path);
	if (!s->show && setupfile_write(path, text, there != NULL &&
	    foreign(there)) == -1) {
		setup_bad(h, "%s: %s", path, strerror(errno));
		r = -1;
	}
 done:
	free(there);
	free(text);
	return r;
}

/* 1 if there was something to remove, or -1. */
static int
remove_one(const struct setup *s, const struct setup_host *h,
    const struct setup_copy *c, const char *dir)
{
	char path[PATH_MAX], *there, *backup, *slash;
	int r = 1;

	if (join(h, path, dir, c->file) == -1)
		return -1;
	there = setupfile_read(path);
	if (there == NULL || foreign(there)) {
		free(there);
		return 0;
	}
	backup = setupfile_backup(path);
	setup_say(h, "%s %s", backup != NULL ? "puts back" : "removes", path);
	if (!s->show) {
		if ((backup != NULL ? setupfile_write(path, backup, 0) :
		    setupfile_remove(path)) == -1) {
			setup_bad(h, "%s: %s", path, strerror(errno));
			r = -1;
		} else
			setupfile_forget(path);
		/* a directory that was ours alone */
		slash = strrchr(path, '/');
		*slash = '\0';
		if (strcmp(strrchr(path, '/'), "/ecorelay") == 0)
			(void)rmdir(path);
	}
	free(backup);
	free(there);
	return r;
}

int
setup_files(const struct setup *s, const struct setup_host *h,
    const char *dir)
{
	const struct setup_copy *c;
	int r, changed = 0;

	for (c = h->copies; c->file != NULL; c++) {
		r = s->undo ? remove_one(s, h, c, dir) :
		    copy_one(s, h, c, dir);
		if (r == -1)
			return -1;
		changed |= r;
	}
	if (!changed)
		setup_say(h, "nothing to do");
	return changed;
}
