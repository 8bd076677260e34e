/* SPDX-License-Identifier: ISC */
/*
 * Former names, of sessions here and (name@hub) elsewhere: each leads to the
 * name that its session has now.
 */
#ifndef FORMERS_H
#define FORMERS_H

#include <stddef.h>

/* Of one session: when it has more, the oldest one is nobody's any more. */
#define FORMER_NAMES_MAX	64

struct formers;

struct formers	*formers_new(void);
void		 formers_free(struct formers *);
/*
 * name leads to target, as do from now on those that led to name; target is
 * no former name any more.  gone is told of each that is one too many.
 */
void		 formers_add(struct formers *, const char *name,
		    const char *target, void (*gone)(const char *, void *),
		    void *arg);
/* It leads nowhere any more, if it did. */
void		 formers_drop(struct formers *, const char *name);
/* Where it leads, or NULL. */
const char	*formers_target(const struct formers *, const char *name);
/*
 * Walks them in no particular order: *pos starts at 0, NULL ends it.  Nothing
 * may be added or dropped meanwhile.
 */
const char	*formers_next(const struct formers *, size_t *pos,
		    const char **target);

#endif
