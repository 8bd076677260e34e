/* SPDX-License-Identifier: ISC */
/*
 * Copies our extensions to where a host looks for them, and removes them.
 */
#include "compat.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"
#include "setup.h"

#define OURS		"// SPDX-License-Identifier: ISC\n"
#define HUBD		"/hubd\n"

/* A file as it is, and as it should be. */
struct state {
	struct conffile	 f;
	struct conffile	 share;
	char		 hubd[PATH_MAX + 1];
	const char	*text;		/* wanted; NULL: not known */
	size_t		 len;
	enum edit_result todo;
};

static int	read_wanted(struct setup *, const struct copy *,
		    struct state *);
static int	is_same(const struct state *);
static int	is_ours(const struct state *);
static int	decide(struct setup *, const struct copy *, struct state *);
static int	carry_out(struct setup *, struct state *);
static void	remove_directory(const struct state *);

/* To undo something it need not be there. */
static int
read_wanted(struct setup *s, const struct copy *c, struct state *st)
{
	char path[PATH_MAX], why[128];

	if (c->share == NULL) {
		snprintf(st->hubd, sizeof(st->hubd), "%s\n", s->hubd);
		st->text = st->hubd;
		st->len = strlen(st->hubd);
		return 0;
	}
	if (paths_share(c->share, path, sizeof(path)) == -1) {
		if (s->undo)
			return 0;
		warnx("%s: nothing is done: share/%s is not installed",
		    s->host, c->share);
		return -1;
	}
	if (conffile_open(&st->share, path, why, sizeof(why)) == -1) {
		warnx("%s: %s: %s", s->host, path, why);
		return -1;
	}
	st->text = st->share.text;
	st->len = st->share.len;
	return 0;
}

static int
is_same(const struct state *st)
{
	return st->f.text != NULL && st->text != NULL &&
	    st->f.len == st->len && memcmp(st->f.text, st->text, st->len) == 0;
}

/* An earlier version, too. */
static int
is_ours(const struct state *st)
{
	const char *text = st->f.text;
	size_t len = st->f.len, n = strlen(HUBD);

	return is_same(st) || strncmp(text, OURS, strlen(OURS)) == 0 ||
	    (len > n && text[0] == '/' && strcmp(text + len - n, HUBD) == 0);
}

/* Finds out what is to be done; -1 if something must be left alone. */
static int
decide(struct setup *s, const struct copy *c, struct state *st)
{
	char path[PATH_MAX], why[128];

	if (paths_join(path, sizeof(path), s->dir, c->dest) == -1) {
		warn("%s: %s", s->host, s->dir);
		return -1;
	}
	if (conffile_open(&st->f, path, why, sizeof(why)) == -1) {
		setup_say(s, EDIT_REFUSED, NULL, path, why);
		return -1;
	}
	if (read_wanted(s, c, st) == -1)
		return -1;
	st->todo = EDIT_NONE;
	if (s->undo && (st->f.text == NULL || st->f.link))
		return 0;
	if (!s->undo && is_same(st))
		return 0;
	if (st->f.link || (s->undo && st->f.old == NULL && !is_ours(st))) {
		setup_say(s, EDIT_REFUSED, NULL, path, st->f.link ?
		    "it is a symbolic link" : "it is not from here");
		return -1;
	}
	st->todo = s->undo ? EDIT_REMOVE :
	    st->f.text == NULL ? EDIT_ADD : EDIT_CHANGE;
	return 0;
}

/* Of an earlier version of our own no backup is made. */
static int
carry_out(struct setup *s, struct state *st)
{
	int rc;

	if (st->todo == EDIT_NONE)
		return 0;
	if (s->undo)
		rc = st->f.old != NULL ? conffile_restore(&st->f) :
		    conffile_remove(&st->f);
	else
		rc = conffile_write(&st->f, st->text, st->len,
		    st->f.text != NULL && !is_ours(st));
	if (rc == -1)
		warn("%s: %s", s->host, st->f.path);
	return rc;
}

/* One with our name, once it is empty; a host has the others for itself. */
static void
remove_directory(const struct state *st)
{
	char dir[PATH_MAX], *slash;

	strlcpy(dir, st->f.path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) == NULL)
		return;
	*slash = '\0';
	if ((slash = strrchr(dir, '/')) != NULL &&
	    strcmp(slash, "/ecorelay") == 0)
		(void)rmdir(dir);
}

int
setup_copies(struct setup *s, const struct copy *copies, size_t n)
{
	struct state states[COPIES_MAX] = { 0 };
	struct state *st;
	int rc = EXIT_FAILURE;
	size_t i, last = 0;

	for (i = 0; i < n; i++) {
		if (decide(s, &copies[i], &states[i]) == -1)
			goto done;
		if (states[i].todo != EDIT_NONE)
			last = i;
	}
	setup_say(s, states[last].todo, copies[last].dest, s->dir, "");
	/* what uses the others comes last and goes first */
	for (i = 0; !s->dry_run && i < n; i++) {
		st = &states[s->undo ? n - 1 - i : i];
		if (carry_out(s, st) == -1)
			goto done;
		if (s->undo && st->todo != EDIT_NONE)
			remove_directory(st);
	}
	rc = EXIT_SUCCESS;
done:
	for (i = 0; i < n; i++) {
		conffile_close(&states[i].f);
		conffile_close(&states[i].share);
	}
	return rc;
}
