/* SPDX-License-Identifier: ISC */
/*
 * A hash table from strings of bytes to pointers.  Keys are copied.  The hash
 * is seeded at random, so that a peer cannot choose names that collide.
 */
#ifndef MAP_H
#define MAP_H

#include <stddef.h>

struct map;

struct map	*map_new(void);
/* Values are the owner's. */
void		 map_free(struct map *);
size_t		 map_count(const struct map *);
/* NULL if there is none. */
void		*map_get(const struct map *, const void *key, size_t len);
/* Returns the value that was there, or NULL.  value must not be NULL. */
void		*map_set(struct map *, const void *key, size_t len,
		    void *value);
void		*map_remove(struct map *, const void *key, size_t len);
/*
 * Walks the table in no particular order: *pos starts at 0, NULL ends it.
 * Nothing may be added or removed meanwhile.
 */
void		*map_next(const struct map *, size_t *pos);

/* The same with a terminated string as the key. */
void		*map_gets(const struct map *, const char *);
void		*map_sets(struct map *, const char *, void *);
void		*map_removes(struct map *, const char *);

#endif
