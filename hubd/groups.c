/* SPDX-License-Identifier: ISC */
/*
 * Groups in the database and in memory.
 */
#include "compat.h"

#include <stdlib.h>

#include "conf.h"
#include "db.h"
#include "groups.h"
#include "map.h"

#define CACHE_MAX	1000	/* groups in memory */

struct groups {
	struct boxes	*bx;
	struct db	*db;
	struct map	*map;		/* name -> struct group */
	uint32_t	 keep, max, max_members;
	int64_t		 count;
	unsigned	 generation;	/* of the boxes when this was read */
	int		 ready;
};

static void	drop_cache(struct groups *);
static void	group_free(struct group *);
static int	load(struct groups *, const char *, struct group **);
static int	load_members(struct groups *, struct group *);
static struct group_member	*add_member(struct group *);

struct groups *
groups_new(struct boxes *bx, const struct conf *conf)
{
	struct groups *gs = xcalloc(1, sizeof(*gs));

	gs->bx = bx;
	gs->db = boxes_db(bx);
	gs->map = map_new();
	groups_limit(gs, conf);
	return gs;
}

void
groups_limit(struct groups *gs, const struct conf *conf)
{
	gs->keep = conf->keep_group > 0 ? conf->keep_group : 1;
	gs->max = conf->max_groups;
	gs->max_members = conf->max_group_members;
}

void
groups_free(struct groups *gs)
{
	if (gs == NULL)
		return;
	drop_cache(gs);
	map_free(gs->map);
	free(gs);
}

struct boxes *
groups_boxes(struct groups *gs)
{
	return gs->bx;
}

uint32_t
groups_max(const struct groups *gs)
{
	return gs->max;
}

uint32_t
groups_max_members(const struct groups *gs)
{
	return gs->max_members;
}

static void
drop_cache(struct groups *gs)
{
	size_t pos = 0;
	void *g;

	while ((g = map_next(gs->map, &pos)) != NULL)
		group_free(g);
	map_free(gs->map);
	gs->map = map_new();
}

static void
group_free(struct group *g)
{
	free(g->members);
	free(g);
}

int
groups_ready(struct groups *gs)
{
	if (gs->ready && gs->generation == boxes_generation(gs->bx))
		return 0;
	drop_cache(gs);
	gs->ready = 0;
	if (db_value(gs->db, &gs->count, Q_COUNT_GROUPS, "") != 1)
		return -1;
	gs->generation = boxes_generation(gs->bx);
	gs->ready = 1;
	return 0;
}

int
groups_full(const struct groups *gs)
{
	return gs->count >= gs->max;
}

int
group_find(struct groups *gs, const char *name, struct group **res)
{
	if ((*res = map_gets(gs->map, name)) != NULL)
		return 1;
	if (map_count(gs->map) >= CACHE_MAX)
		drop_cache(gs);
	return load(gs, name, res);
}

static int
load(struct groups *gs, const char *name, struct group **res)
{
	sqlite3_stmt *st;
	struct group *g;
	int r;

	st = db_select(gs->db, Q_GROUP, "s", name);
	if (st == NULL || (r = db_step(gs->db, st)) == -1)
		return -1;
	if (r == 0)
		return 0;
	g = xcalloc(1, sizeof(*g));
	g->id = sqlite3_column_int64(st, 0);
	g->admin = sqlite3_column_int64(st, 1);
	g->created = sqlite3_column_int64(st, 2);
	g->first = sqlite3_column_int64(st, 3);
	g->last = sqlite3_column_int64(st, 4);
	db_done(st);
	strlcpy(g->name, name, sizeof(g->name));
	if (load_members(gs, g) == -1) {
		group_free(g);
		return -1;
	}
	map_sets(gs->map, g->name, g);
	*res = g;
	return 1;
}

static int
load_members(struct groups *gs, struct group *g)
{
	struct group_member *m;
	sqlite3_stmt *st;
	int r;

	if ((st = db_select(gs->db, Q_MEMBERS, "i", g->id)) == NULL)
		return -1;
	while ((r = db_step(gs->db, st)) == 1) {
		m = add_member(g);
		m->peer = sqlite3_column_int64(st, 0);
		m->last_read = sqlite3_column_int64(st, 1);
		m->joined = sqlite3_column_int64(st, 2);
		(void)slice_copy(db_text(st, 3), m->name, sizeof(m->name));
	}
	return r;
}

static struct group_member *
add_member(struct group *g)
{
	struct group_member *m;

	g->members = xreallocarray(g->members, g->nmembers + 1,
	    sizeof(*g->members));
	m = &g->members[g->nmembers++];
	memset(m, 0, sizeof(*m));
	return m;
}

struct group_member *
group_find_member(const struct group *g, int64_t peer)
{
	uint32_t i;

	for (i = 0; i < g->nmembers; i++) {
		if (g->members[i].peer == peer)
			return &g->members[i];
	}
	return NULL;
}

uint32_t
group_unread(int64_t first, int64_t last, int64_t last_read)
{
	if (last_read < first - 1)
		last_read = first - 1;
	return last > last_read ? (uint32_t)(last - last_read) : 0;
}

int
group_add(struct groups *gs, const char *name, const struct box *admin,
    int64_t now, struct group **res)
{
	struct group *g;

	if (db_run(gs->db, Q_GROUP_ADD, "sii", name, admin->id, now) == -1)
		return -1;
	g = xcalloc(1, sizeof(*g));
	g->id = db_last_id(gs->db);
	g->admin = admin->id;
	g->created = now;
	g->first = 1;
	strlcpy(g->name, name, sizeof(g->name));
	map_sets(gs->map, g->name, g);
	gs->count++;
	*res = g;
	return group_join(gs, g, admin, now);
}

int
group_remove(struct groups *gs, struct group *g)
{
	if (db_run(gs->db, Q_ENTRIES_REMOVE, "ii", g->id, INT64_MAX) == -1 ||
	    db_run(gs->db, Q_MEMBERS_REMOVE, "i", g->id) == -1 ||
	    db_run(gs->db, Q_GROUP_REMOVE, "i", g->id) == -1)
		return -1;
	map_removes(gs->map, g->name);
	group_free(g);
	gs->count--;
	return 0;
}

int
group_join(struct groups *gs, struct group *g, const struct box *box,
    int64_t now)
{
	struct group_member *m;

	if (db_run(gs->db, Q_MEMBER_ADD, "iiii", g->id, box->id, g->last,
	    now) == -1)
		return -1;
	m = add_member(g);
	m->peer = box->id;
	m->joined = g->last;
	strlcpy(m->name, box->name, sizeof(m->name));
	return 0;
}

int
group_leave(struct groups *gs, struct group *g, struct group_member *m)
{
	size_t behind = (size_t)(&g->members[g->nmembers] - (m + 1));

	if (db_run(gs->db, Q_MEMBER_REMOVE, "ii", g->id, m->peer) == -1)
		return -1;
	memmove(m, m + 1, behind * sizeof(*m));
	g->nmembers--;
	return 0;
}

int
group_read(struct groups *gs, struct group *g, struct group_member *m,
    int64_t id)
{
	if (db_run(gs->db, Q_MEMBER_READ, "iii", g->id, m->peer, id) == -1)
		return -1;
	m->last_read = id;
	return 0;
}

int
group_append(struct groups *gs, struct group *g, int64_t sender, int64_t now,
    int system, struct slice text)
{
	int64_t id = g->last + 1, out = id - gs->keep;

	if (out >= g->first) {
		if (db_run(gs->db, Q_ENTRIES_REMOVE, "ii", g->id, out) == -1)
			return -1;
		g->first = out + 1;
	}
	if (db_run(gs->db, Q_ENTRY_ADD, "iiiidl", g->id, id, sender, now,
	    system, text) == -1)
		return -1;
	g->last = id;
	return 0;
}
