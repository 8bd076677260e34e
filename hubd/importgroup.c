/* SPDX-License-Identifier: ISC */
/*
 * Groups of EcoRelay.
 */
#include "compat.h"

#include <stdlib.h>

#include "db.h"
#include "importjson.h"
#include "log.h"

/* An entry of the file that is as it should be. */
struct source {
	const json_t	*json;
	int64_t		 id, ts;
	char		 from[TARGET_SIZE];
};

struct making {
	struct import	*im;
	const char	*path;
	struct source	*entries;
	size_t		 n;
	int64_t		 base;		/* the number before the first */
	struct group	*group;
};

static int	may_add(struct import *, const char *, const char *);
static void	collect(struct making *, const json_t *);
static int	add_group(struct making *, const json_t *, const char *,
		    const char *);
static int	add_members(struct making *, const json_t *);
static int	add_entries(struct making *);
static int	add_entry(struct making *, const struct source *);
static int	set_members(struct making *, const json_t *);
static int64_t	number(const json_t *, int64_t);

int
import_group(struct import *im, const char *path, const json_t *root)
{
	struct making m = { .im = im, .path = path };
	char name[TARGET_SIZE], admin[TARGET_SIZE];
	const json_t *members = json_object_get(root, "members");
	int r;

	if (import_name(json_object_get(root, "name"), 0, name) == -1 ||
	    import_name(json_object_get(root, "admin"), 0, admin) == -1 ||
	    !json_is_object(members) ||
	    !json_is_array(json_object_get(root, "messages"))) {
		log_warnx("%s: not imported: not a group", path);
		return 0;
	}
	if ((r = may_add(im, path, name)) != 1)
		return r;
	collect(&m, root);
	r = -1;
	if (add_group(&m, root, name, admin) == 0 &&
	    add_members(&m, members) == 0 && add_entries(&m) == 0 &&
	    set_members(&m, members) == 0)
		r = 0;
	free(m.entries);
	if (r == -1)
		return -1;
	im->groups++;
	/* the numbers of members were changed behind its back */
	boxes_forget(im->bx);
	return boxes_ready(im->bx);
}

static int
may_add(struct import *im, const char *path, const char *name)
{
	struct group *g;
	int r;

	if (groups_ready(im->gs) == -1 ||
	    (r = group_find(im->gs, name, &g)) == -1)
		return -1;
	if (r == 1)
		log_warnx("%s: not imported: there is a group %s already",
		    path, name);
	else if (groups_full(im->gs))
		log_warnx("%s: not imported: there are as many groups as "
		    "there may be", path);
	else
		return 1;
	return 0;
}

static int64_t
number(const json_t *v, int64_t fallback)
{
	int64_t n = json_is_integer(v) ? json_integer_value(v) : fallback;

	return n >= 0 && n <= INT32_MAX ? n : fallback;
}

/*
 * Entries have numbers without gaps here; if some of the file's are not as
 * they should be, those before them move up.
 */
static void
collect(struct making *m, const json_t *root)
{
	const json_t *list = json_object_get(root, "messages"), *o;
	struct source *s;
	size_t i, bad = 0;
	int64_t last = 0;

	m->entries = xreallocarray(NULL, json_array_size(list) + 1,
	    sizeof(*m->entries));
	for (i = 0; i < json_array_size(list); i++) {
		o = json_array_get(list, i);
		s = &m->entries[m->n];
		s->json = o;
		s->id = number(json_object_get(o, "id"), last + 1);
		s->ts = import_time(m->im, json_object_get(o, "ts"));
		if (import_name(json_object_get(o, "from"), 1,
		    s->from) == -1 ||
		    !json_is_string(json_object_get(o, "text"))) {
			bad++;
			continue;
		}
		last = s->id;
		m->n++;
	}
	import_bad(m->path, bad);
	last = number(json_object_get(root, "next_id"), last + 1) - 1;
	if (last > (int64_t)m->n)
		m->base = last - (int64_t)m->n;
}

static int
add_group(struct making *m, const json_t *root, const char *name,
    const char *admin)
{
	struct import *im = m->im;
	struct box *box;

	if (box_sender(im->bx, admin, &box) == -1 ||
	    group_add(im->gs, name, box, import_time(im,
	    json_object_get(root, "created_at")), &m->group) == -1 ||
	    db_run(boxes_db(im->bx), Q_GROUP_BASE, "ii", m->group->id,
	    m->base) == -1)
		return -1;
	m->group->first = m->base + 1;
	m->group->last = m->base;
	return 0;
}

static int
add_members(struct making *m, const json_t *members)
{
	struct import *im = m->im;
	char name[TARGET_SIZE];
	struct box *box;
	const char *key;
	json_t *o, *v;
	void *iter;
	int r = 0;

	for (iter = json_object_iter((json_t *)(uintptr_t)members);
	    iter != NULL && r == 0; iter = json_object_iter_next(
	    (json_t *)(uintptr_t)members, iter)) {
		key = json_object_iter_key(iter);
		o = json_object_iter_value(iter);
		v = json_string(key);
		if (import_name(v, 0, name) == -1)
			log_warnx("%s: a member whose name is not one is left "
			    "out", m->path);
		else if (box_sender(im->bx, name, &box) == -1 ||
		    (group_find_member(m->group, box->id) == NULL &&
		    group_join(im->gs, m->group, box, import_time(im,
		    json_object_get(o, "joined_at"))) == -1))
			r = -1;
		json_decref(v);
	}
	return r;
}

static int
add_entries(struct making *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (add_entry(m, &m->entries[i]) == -1)
			return -1;
	}
	return 0;
}

static int
add_entry(struct making *m, const struct source *s)
{
	const char *type;
	struct wbuf w = { 0 };
	struct slice text;
	struct box *from;
	int r = -1;

	type = json_string_value(json_object_get(s->json, "type"));
	/* one that is too long is an empty one, so that numbers stay */
	if (import_string(&w, json_object_get(s->json, "text"),
	    TEXT_UNITS_MAX, &text) == -1)
		text = slice_of("");
	if (box_sender(m->im->bx, s->from, &from) == 1)
		r = group_append(m->im->gs, m->group, from->id, s->ts,
		    type != NULL && strcmp(type, "system") == 0, text);
	m->im->entries++;
	wbuf_free(&w);
	return r;
}

/* How far each has read, and since when it has been there. */
static int
set_members(struct making *m, const json_t *members)
{
	const struct group *g = m->group;
	int64_t read, joined, read_id, joined_ts;
	const json_t *o, *v;
	uint32_t i;
	size_t k;

	for (i = 0; i < g->nmembers; i++) {
		o = json_object_get(members, g->members[i].name);
		read_id = number(json_object_get(o, "last_read"), 0);
		v = json_object_get(o, "joined_at");
		joined_ts = v != NULL ? import_time(m->im, v) : 0;
		read = joined = m->base;
		for (k = 0; k < m->n; k++) {
			if (m->entries[k].id <= read_id)
				read = m->base + (int64_t)k + 1;
			if (m->entries[k].ts <= joined_ts)
				joined = m->base + (int64_t)k + 1;
		}
		if (db_run(boxes_db(m->im->bx), Q_MEMBER_SET, "iiii", g->id,
		    g->members[i].peer, read, joined) == -1)
			return -1;
	}
	return 0;
}
