/* SPDX-License-Identifier: ISC */
/*
 * Text tables: columns as wide as their widest cell.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

/*
 * titles[n]; a column whose title begins with '>' is aligned to the right.
 * They are not printed if they are empty.
 */
struct table	*table_new(const char *const *titles, size_t n);
void		 table_free(struct table *);
/* The next cell; text is made safe here.  NULL is an empty cell. */
void		 table_add(struct table *, const char *text);
void		 table_int(struct table *, int64_t);
/* How long ago that was, as in "3m"; "-" if ms is 0. */
void		 table_age(struct table *, int64_t ms, int64_t now);
/* Titles and rows; columns that have no text in any row are left out. */
void		 table_print(const struct table *, FILE *);

/* Milliseconds as "12s", "3m", "2h", "5d". */
void		 age_text(int64_t ms, char *dst, size_t size);

#endif
