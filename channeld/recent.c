/* SPDX-License-Identifier: ISC */
/*
 * The last so many ids and whom each belongs to.
 */
#include "compat.h"

#include <stdlib.h>

#include "map.h"
#include "names.h"
#include "recent.h"

struct recent_id {
	TAILQ_ENTRY(recent_id) entry;
	int		 marked;
	char		 peer[TARGET_SIZE];
	char		 id[];
};

struct recent {
	TAILQ_HEAD(, recent_id) ids;	/* oldest first */
	struct map	*map;
	size_t		 max;
};

static void	forget(struct recent *, struct recent_id *);

struct recent *
recent_new(size_t max)
{
	struct recent *r = xcalloc(1, sizeof(*r));

	TAILQ_INIT(&r->ids);
	r->map = map_new();
	r->max = max;
	return r;
}

void
recent_free(struct recent *r)
{
	struct recent_id *i;

	while ((i = TAILQ_FIRST(&r->ids)) != NULL)
		forget(r, i);
	map_free(r->map);
	free(r);
}

static void
forget(struct recent *r, struct recent_id *i)
{
	TAILQ_REMOVE(&r->ids, i, entry);
	(void)map_removes(r->map, i->id);
	free(i);
}

void
recent_put(struct recent *r, const char *id, const char *peer)
{
	size_t len = strlen(id);
	struct recent_id *i;

	if (len >= ASK_ID_SIZE || strlen(peer) >= sizeof(i->peer))
		return;
	recent_remove(r, id);
	if (map_count(r->map) >= r->max)
		forget(r, TAILQ_FIRST(&r->ids));
	i = xcalloc(1, sizeof(*i) + len + 1);
	memcpy(i->id, id, len + 1);
	strlcpy(i->peer, peer, sizeof(i->peer));
	TAILQ_INSERT_TAIL(&r->ids, i, entry);
	(void)map_sets(r->map, i->id, i);
}

const char *
recent_get(const struct recent *r, const char *id)
{
	struct recent_id *i = map_gets(r->map, id);

	return i != NULL ? i->peer : NULL;
}

void
recent_remove(struct recent *r, const char *id)
{
	struct recent_id *i = map_gets(r->map, id);

	if (i != NULL)
		forget(r, i);
}

void
recent_mark(struct recent *r, const char *id)
{
	struct recent_id *i = map_gets(r->map, id);

	if (i != NULL)
		i->marked = 1;
}

int
recent_marked(const struct recent *r, const char *id)
{
	struct recent_id *i = map_gets(r->map, id);

	return i != NULL && i->marked;
}

json_t *
recent_list(const struct recent *r, const char *peer_key, int only_marked)
{
	json_t *list = json_array();
	struct recent_id *i;

	TAILQ_FOREACH(i, &r->ids, entry) {
		if (only_marked && !i->marked)
			continue;
		json_array_append_new(list, json_pack("{s:s,s:s}",
		    "ask_id", i->id, peer_key, i->peer));
	}
	return list;
}
