/* SPDX-License-Identifier: ISC */
/*
 * Former names.
 */
#include "compat.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "buf.h"
#include "formers.h"
#include "map.h"

/* What leads to one name, the oldest first; never empty. */
struct target {
	TAILQ_HEAD(, former)	 formers;
	unsigned		 n;
	char			*name;
};

struct former {
	TAILQ_ENTRY(former)	 entry;
	struct target		*target;
	char			*name;
};

struct formers {
	struct map	*names;		/* to struct former */
	struct map	*targets;	/* to struct target */
};

static struct target	*get_target(struct formers *, const char *);
static void		 take(struct target *, struct former *);
static void		 drop(struct formers *, struct former *);

struct formers *
formers_new(void)
{
	struct formers *fs = xcalloc(1, sizeof(*fs));

	fs->names = map_new();
	fs->targets = map_new();
	return fs;
}

void
formers_free(struct formers *fs)
{
	struct former *f;
	struct target *t;
	size_t pos;

	for (pos = 0; (f = map_next(fs->names, &pos)) != NULL;) {
		free(f->name);
		free(f);
	}
	for (pos = 0; (t = map_next(fs->targets, &pos)) != NULL;) {
		free(t->name);
		free(t);
	}
	map_free(fs->names);
	map_free(fs->targets);
	free(fs);
}

static struct target *
get_target(struct formers *fs, const char *name)
{
	struct target *t = map_gets(fs->targets, name);

	if (t != NULL)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->name = xstrdup(name);
	TAILQ_INIT(&t->formers);
	(void)map_sets(fs->targets, name, t);
	return t;
}

static void
take(struct target *t, struct former *f)
{
	f->target = t;
	TAILQ_INSERT_TAIL(&t->formers, f, entry);
	t->n++;
}

static void
drop(struct formers *fs, struct former *f)
{
	struct target *t = f->target;

	(void)map_removes(fs->names, f->name);
	TAILQ_REMOVE(&t->formers, f, entry);
	free(f->name);
	free(f);
	if (--t->n > 0)
		return;
	(void)map_removes(fs->targets, t->name);
	free(t->name);
	free(t);
}

void
formers_add(struct formers *fs, const char *name, const char *target,
    void (*gone)(const char *, void *), void *arg)
{
	struct former *f, *next;
	struct target *t, *old;

	formers_drop(fs, target);
	if (strcmp(name, target) == 0)
		return;
	formers_drop(fs, name);
	t = get_target(fs, target);
	if ((old = map_removes(fs->targets, name)) != NULL) {
		TAILQ_FOREACH_SAFE(f, &old->formers, entry, next)
			take(t, f);
		free(old->name);
		free(old);
	}
	f = xcalloc(1, sizeof(*f));
	f->name = xstrdup(name);
	(void)map_sets(fs->names, name, f);
	take(t, f);
	while (t->n > FORMER_NAMES_MAX) {
		f = TAILQ_FIRST(&t->formers);
		gone(f->name, arg);
		drop(fs, f);
	}
}

void
formers_drop(struct formers *fs, const char *name)
{
	struct former *f = map_gets(fs->names, name);

	if (f != NULL)
		drop(fs, f);
}

const char *
formers_target(const struct formers *fs, const char *name)
{
	const struct former *f = map_gets(fs->names, name);

	return f != NULL ? f->target->name : NULL;
}

const char *
formers_next(const struct formers *fs, size_t *pos, const char **target)
{
	const struct former *f = map_next(fs->names, pos);

	if (f == NULL)
		return NULL;
	*target = f->target->name;
	return f->name;
}
