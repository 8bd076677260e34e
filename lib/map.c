/* SPDX-License-Identifier: ISC */
/*
 * Hash table of byte strings: chains in a power-of-two table that doubles.
 */
#include "compat.h"

#include <stdint.h>
#include <stdlib.h>

#include "map.h"
#include "timeutil.h"

struct entry {
	struct entry	*next;
	void		*value;
	uint64_t	 hash;
	size_t		 len;
	char		 key[];
};

struct map {
	struct entry	**slots;
	size_t		 mask, count;
	uint64_t	 seed;
};

static uint64_t		 hash(const struct map *, const void *, size_t);
static struct entry	**find(const struct map *, const void *, size_t,
			    uint64_t);
static void		 grow(struct map *);

struct map *
map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->mask = 15;
	m->slots = xcalloc(m->mask + 1, sizeof(*m->slots));
	random_bytes(&m->seed, sizeof(m->seed));
	return m;
}

void
map_free(struct map *m)
{
	struct entry *e, *next;
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i <= m->mask; i++) {
		for (e = m->slots[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(m->slots);
	free(m);
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

/* Multiply and fold, eight bytes at a time, from a secret start. */
static uint64_t
hash(const struct map *m, const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = m->seed ^ len, w;

	for (;;) {
		size_t n = len < sizeof(w) ? len : sizeof(w);

		w = 0;
		if (n > 0)
			memcpy(&w, p, n);
		h = (h ^ w) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 29;
		if (len <= sizeof(w))
			break;
		p += n;
		len -= n;
	}
	h = (h ^ m->seed) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

static struct entry **
find(const struct map *m, const void *key, size_t len, uint64_t h)
{
	struct entry **e;

	for (e = &m->slots[h & m->mask]; *e != NULL; e = &(*e)->next) {
		if ((*e)->hash == h && (*e)->len == len &&
		    memcmp((*e)->key, key, len) == 0)
			break;
	}
	return e;
}

static void
grow(struct map *m)
{
	size_t mask = m->mask * 2 + 1, i;
	struct entry **slots = xcalloc(mask + 1, sizeof(*slots)), *e;

	for (i = 0; i <= m->mask; i++) {
		while ((e = m->slots[i]) != NULL) {
			m->slots[i] = e->next;
			e->next = slots[e->hash & mask];
			slots[e->hash & mask] = e;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->mask = mask;
}

void *
map_get(const struct map *m, const void *key, size_t len)
{
	struct entry *e = *find(m, key, len, hash(m, key, len));

	return e != NULL ? e->value : NULL;
}

void *
map_set(struct map *m, const void *key, size_t len, void *value)
{
	uint64_t h = hash(m, key, len);
	struct entry *e = *find(m, key, len, h);
	void *old;

	if (e != NULL) {
		old = e->value;
		e->value = value;
		return old;
	}
	if (m->count > m->mask)
		grow(m);
	e = xmalloc(sizeof(*e) + len);
	e->value = value;
	e->hash = h;
	e->len = len;
	memcpy(e->key, key, len);
	e->next = m->slots[h & m->mask];
	m->slots[h & m->mask] = e;
	m->count++;
	return NULL;
}

void *
map_remove(struct map *m, const void *key, size_t len)
{
	struct entry **slot = find(m, key, len, hash(m, key, len)), *e = *slot;
	void *old;

	if (e == NULL)
		return NULL;
	old = e->value;
	*slot = e->next;
	free(e);
	m->count--;
	return old;
}

/* pos counts slots in its upper and places in the chain in its lower half. */
void *
map_next(const struct map *m, size_t *pos)
{
	size_t i, n;
	struct entry *e;

	for (i = *pos >> 16; i <= m->mask; i++, *pos = i << 16) {
		e = m->slots[i];
		for (n = *pos & 0xffff; n > 0 && e != NULL; n--)
			e = e->next;
		if (e != NULL) {
			(*pos)++;
			return e->value;
		}
	}
	return NULL;
}

void *
map_gets(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

void *
map_sets(struct map *m, const char *key, void *value)
{
	return map_set(m, key, strlen(key), value);
}

void *
map_removes(struct map *m, const char *key)
{
	return map_remove(m, key, strlen(key));
}
