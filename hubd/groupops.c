/* SPDX-License-Identifier: ISC */
/*
 * What sessions do with groups: a table of operations, who may do each, and a
 * function for each.
 */
#include "compat.h"

#include <stdarg.h>
#include <stdio.h>

#include "db.h"
#include "groupops.h"
#include "json.h"
#include "timeutil.h"

#define ENVELOPE	512	/* of an entry around its text */

/* One operation while it is done. */
struct call {
	struct groups			*gs;
	struct boxes			*bx;
	struct db			*db;
	const struct store_group	*q;
	struct store_group_done		*a;
	struct wbuf			*names, *json;
	int64_t				 caller;	/* 0: never heard of */
	struct group			*group;
	struct group_member		*me;	/* the caller in it, or NULL */
};

enum who { ANYBODY, MEMBER, ADMIN };

/* Columns of Q_ENTRIES. */
enum { COL_ID, COL_FROM, COL_BODY, COL_TS, COL_SYSTEM };

static int	refuse(struct call *, enum errcode, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static int	identify(struct call *);
static int	permit(struct call *, enum who);
static void	add_names(struct call *, const struct group_member *);
static int	do_create(struct call *);
static int	do_invite(struct call *);
static int	do_remove(struct call *);
static int	do_leave(struct call *);
static int	do_send(struct call *);
static int	do_history(struct call *);
static int	do_read(struct call *);
static int	do_list(struct call *);
static int	do_info(struct call *);
static int	do_delete(struct call *);
static int	do_show(struct call *);
static int	invite_all(struct call *);
static int	say(struct call *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	list_entries(struct call *, uint32_t *);
static int	add_entry(struct call *, sqlite3_stmt *);
static void	write_entry(struct wbuf *, sqlite3_stmt *, struct slice);
static void	write_group(struct call *);
static const char	*name_of(const struct group *, int64_t);

static const struct {
	int		(*handle)(struct call *);
	enum who	 who;
} operations[] = {
	[GROUP_CREATE] = { do_create, ANYBODY },
	[GROUP_INVITE] = { do_invite, ADMIN },
	[GROUP_REMOVE] = { do_remove, ADMIN },
	[GROUP_LEAVE] = { do_leave, MEMBER },
	[GROUP_SEND] = { do_send, MEMBER },
	[GROUP_HISTORY] = { do_history, MEMBER },
	[GROUP_READ] = { do_read, MEMBER },
	[GROUP_LIST] = { do_list, ANYBODY },
	[GROUP_INFO] = { do_info, MEMBER },
	[GROUP_DELETE] = { do_delete, ADMIN },
	[GROUP_SHOW] = { do_show, ANYBODY },
};

int
groupops_do(struct groups *gs, const struct store_group *q,
    struct store_group_done *a, struct wbuf *names, struct wbuf *json)
{
	struct call c = { .gs = gs, .bx = groups_boxes(gs), .q = q, .a = a,
	    .names = names, .json = json };

	c.db = boxes_db(c.bx);
	if (groups_ready(gs) == -1 || identify(&c) == -1 ||
	    permit(&c, operations[q->op].who) == -1)
		return -1;
	if (a->err == ERR_NONE && operations[q->op].handle(&c) == -1)
		return -1;
	a->names.p = wbuf_data(names);
	a->names.len = names->len;
	a->json.p = wbuf_data(json);
	a->json.len = json->len;
	return 0;
}

static int
refuse(struct call *c, enum errcode err, const char *fmt, ...)
{
	va_list ap;

	c->a->err = err;
	if (fmt == NULL)
		return 0;
	va_start(ap, fmt);
	vsnprintf(c->a->note, sizeof(c->a->note), fmt, ap);
	va_end(ap);
	return 0;
}

/*
 * The caller has this name now, so that it is never taken for the one whose
 * former name it is.
 */
static int
identify(struct call *c)
{
	struct box *box;
	int r;

	if (c->q->op == GROUP_SHOW)
		return 0;
	if ((r = box_exact(c->bx, c->q->caller, &box)) == 1 &&
	    !box_is_others(box, c->q->owner))
		c->caller = box->id;
	return r;
}

static int
permit(struct call *c, enum who who)
{
	if (who == ANYBODY)
		return 0;
	if (group_find(c->gs, c->q->group, &c->group) == -1)
		return -1;
	if (c->group != NULL)
		c->me = group_find_member(c->group, c->caller);
	if (who == MEMBER && c->me == NULL)
		return refuse(c, ERR_NOT_MEMBER, NULL);
	if (who == ADMIN && c->group == NULL)
		return refuse(c, ERR_GROUP_NOT_FOUND, NULL);
	if (who == ADMIN && c->group->admin != c->caller)
		return refuse(c, ERR_NOT_ADMIN, NULL);
	return 0;
}

/* Answers with all members but one (or NULL). */
static void
add_names(struct call *c, const struct group_member *but)
{
	const struct group *g = c->group;
	uint32_t i;

	for (i = 0; i < g->nmembers; i++) {
		if (&g->members[i] == but)
			continue;
		put_str(c->names, g->members[i].name);
		c->a->n++;
	}
}

static int
do_create(struct call *c)
{
	const struct store_group *q = c->q;
	struct box *box;
	int r;

	if ((r = group_find(c->gs, q->group, &c->group)) == -1)
		return -1;
	if (r == 1)
		return refuse(c, ERR_BAD_ARGS, "group_exists");
	if (groups_full(c->gs))
		return refuse(c, ERR_BAD_ARGS, "group_limit_reached (max %u)",
		    groups_max(c->gs));
	/* it may not have been possible to register it */
	if (c->caller == 0 && db_run(c->db, Q_ALIAS_END, "s", q->caller) == -1)
		return -1;
	if (box_sender(c->bx, q->caller, &box) == -1 ||
	    (r = box_claim(c->bx, box, q->owner)) == -1)
		return -1;
	if (r == 0)
		return refuse(c, ERR_NAME_TAKEN, NULL);
	if (group_add(c->gs, q->group, box, q->now, &c->group) == -1 ||
	    invite_all(c) == -1)
		return -1;
	add_names(c, NULL);
	return 0;
}

/* Nobody twice; a former name is the one that it leads to. */
static int
invite_all(struct call *c)
{
	char name[TARGET_SIZE];
	struct reader rd;
	struct box *box;
	uint32_t i;

	reader_init(&rd, c->q->text.p, c->q->text.len);
	for (i = 0; i < c->q->n; i++) {
		if (slice_copy(get_slice(&rd), name, sizeof(name)) == -1)
			continue;
		if (box_sender(c->bx, name, &box) == -1)
			return -1;
		if (group_find_member(c->group, box->id) == NULL &&
		    group_join(c->gs, c->group, box, c->q->now) == -1)
			return -1;
	}
	return 0;
}

static int
do_invite(struct call *c)
{
	struct box *box;
	int r;

	if ((r = box_find(c->bx, c->q->peer, &box)) == -1)
		return -1;
	if (r == 1 && group_find_member(c->group, box->id) != NULL)
		return refuse(c, ERR_BAD_ARGS, "already_member");
	if (c->group->nmembers >= groups_max_members(c->gs))
		return refuse(c, ERR_BAD_ARGS, "member_limit_reached (max %u)",
		    groups_max_members(c->gs));
	if (box_sender(c->bx, c->q->peer, &box) == -1)
		return -1;
	return group_join(c->gs, c->group, box, c->q->now);
}

/* A system entry of the caller; the text needs no more escaping. */
static int
say(struct call *c, const char *fmt, ...)
{
	struct wbuf w = { 0 };
	struct slice text;
	char head[2 * TARGET_SIZE + 32];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	wbuf_adds(&w, head);
	wbuf_add(&w, c->q->text.p, c->q->text.len);
	text.p = wbuf_data(&w);
	text.len = w.len;
	r = group_append(c->gs, c->group, c->caller, c->q->now, 1, text);
	wbuf_free(&w);
	c->a->id = c->group->last;
	return r;
}

static int
do_remove(struct call *c)
{
	struct group_member *m = NULL;
	char name[TARGET_SIZE];
	struct box *box;
	int r;

	if ((r = box_find(c->bx, c->q->peer, &box)) == -1)
		return -1;
	if (r == 1 && box->id == c->caller)
		return refuse(c, ERR_BAD_ARGS, "admin_cannot_remove_self");
	if (r == 1)
		m = group_find_member(c->group, box->id);
	if (m == NULL)
		return refuse(c, ERR_NOT_MEMBER, NULL);
	strlcpy(name, m->name, sizeof(name));
	put_str(c->names, name);
	c->a->n = 1;
	if (group_leave(c->gs, c->group, m) == -1)
		return -1;
	return say(c, "%s removed %s: ", c->q->caller, name);
}

static int
do_leave(struct call *c)
{
	if (c->group->admin == c->caller)
		return refuse(c, ERR_BAD_ARGS,
		    "the admin cannot leave: delete the group");
	if (group_leave(c->gs, c->group, c->me) == -1)
		return -1;
	return say(c, "%s left", c->q->caller);
}

static int
do_send(struct call *c)
{
	if (group_append(c->gs, c->group, c->caller, c->q->now, 0,
	    c->q->text) == -1)
		return -1;
	c->a->id = c->group->last;
	add_names(c, c->me);
	return 0;
}

/* Nothing of what was there before it came has been pushed out on it. */
static int
do_history(struct call *c)
{
	const struct group *g = c->group;
	int64_t from = c->me->last_read > c->me->joined ? c->me->last_read :
	    c->me->joined;
	uint32_t shown = 0;

	json_begin(c->json, '[');
	if (list_entries(c, &shown) == -1)
		return -1;
	json_end(c->json, ']');
	c->a->serial = g->id;
	c->a->unread = group_unread(g->first, g->last, c->me->last_read) -
	    shown;
	if (g->first - 1 > from)
		c->a->dropped = (uint32_t)(g->first - 1 - from);
	return 0;
}

static int
list_entries(struct call *c, uint32_t *shown)
{
	int64_t limit = c->q->limit > 0 ? (int64_t)c->q->limit : -1;
	sqlite3_stmt *st;
	int r;

	st = db_select(c->db, Q_ENTRIES, "iii", c->group->id,
	    c->me->last_read, limit);
	if (st == NULL)
		return -1;
	while ((r = db_step(c->db, st)) == 1) {
		if (!add_entry(c, st)) {
			db_done(st);
			return 0;
		}
		c->a->id = sqlite3_column_int64(st, COL_ID);
		(*shown)++;
	}
	return r;
}

/* 0 if there is no room for it; the first always goes in. */
static int
add_entry(struct call *c, sqlite3_stmt *st)
{
	struct slice body = db_text(st, COL_BODY);
	char text[80];

	if (c->json->len + body.len + ENVELOPE > c->q->max_bytes) {
		if (c->json->len > 1)
			return 0;
		snprintf(text, sizeof(text), "[a message of %zu bytes, too "
		    "long to be shown here]", body.len);
		body = slice_of(text);
	}
	write_entry(c->json, st, body);
	return 1;
}

static void
write_entry(struct wbuf *w, sqlite3_stmt *st, struct slice body)
{
	struct slice from = db_text(st, COL_FROM);
	char ts[ISO8601_SIZE];

	json_comma(w);
	json_begin(w, '{');
	json_put_int(w, "id", sqlite3_column_int64(st, COL_ID));
	json_put_strn(w, "from", from.p, from.len);
	json_put_raw(w, "text", body);
	time_iso8601(sqlite3_column_int64(st, COL_TS), ts);
	json_put_str(w, "ts", ts);
	json_put_str(w, "type",
	    sqlite3_column_int(st, COL_SYSTEM) ? "system" : "message");
	json_end(w, '}');
}

/* Not if the group is another of that name meanwhile. */
static int
do_read(struct call *c)
{
	if (c->q->serial != c->group->id || c->q->id > c->group->last ||
	    c->q->id <= c->me->last_read)
		return 0;
	return group_read(c->gs, c->group, c->me, c->q->id);
}

static int
do_list(struct call *c)
{
	struct wbuf *w = c->json;
	sqlite3_stmt *st;
	struct slice name;
	int r;

	json_begin(w, '[');
	if ((st = db_select(c->db, Q_GROUPS_OF, "i", c->caller)) == NULL)
		return -1;
	while ((r = db_step(c->db, st)) == 1) {
		if (w->len + ENVELOPE > c->q->max_bytes) {
			db_done(st);
			break;
		}
		name = db_text(st, 0);
		json_comma(w);
		json_begin(w, '{');
		json_put_strn(w, "name", name.p, name.len);
		json_put_int(w, "unread_count",
		    group_unread(sqlite3_column_int64(st, 2),
		    sqlite3_column_int64(st, 3),
		    sqlite3_column_int64(st, 1)));
		json_end(w, '}');
	}
	json_end(w, ']');
	return r == -1 ? -1 : 0;
}

static const char *
name_of(const struct group *g, int64_t peer)
{
	const struct group_member *m = group_find_member(g, peer);

	return m != NULL ? m->name : "";
}

static int
do_info(struct call *c)
{
	const struct group *g = c->group;

	add_names(c, NULL);
	strlcpy(c->a->admin, name_of(g, g->admin), sizeof(c->a->admin));
	c->a->id = c->me->last_read;
	c->a->unread = group_unread(g->first, g->last, c->me->last_read);
	return 0;
}

static int
do_delete(struct call *c)
{
	add_names(c, c->me);
	c->a->id = c->group->last + 1;
	return group_remove(c->gs, c->group);
}

static int
do_show(struct call *c)
{
	char name[NAME_SIZE];
	sqlite3_stmt *st;
	int r;

	json_begin(c->json, '[');
	st = db_select(c->db, Q_GROUP_NAMES,
	    c->q->owner == OWNER_NONE ? "n" : "i", (int64_t)c->q->owner);
	if (st == NULL)
		return -1;
	while ((r = db_step(c->db, st)) == 1) {
		if (slice_copy(db_text(st, 0), name, sizeof(name)) == -1)
			continue;
		if (group_find(c->gs, name, &c->group) == -1)
			return -1;
		if (c->json->len + ENVELOPE + c->group->nmembers *
		    (size_t)TARGET_SIZE > c->q->max_bytes) {
			db_done(st);
			break;
		}
		write_group(c);
	}
	json_end(c->json, ']');
	return r == -1 ? -1 : 0;
}

static void
write_group(struct call *c)
{
	const struct group *g = c->group;
	struct wbuf *w = c->json;
	char ts[ISO8601_SIZE];
	uint32_t i;

	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "name", g->name);
	json_put_str(w, "admin", name_of(g, g->admin));
	json_key(w, "members");
	json_begin(w, '[');
	for (i = 0; i < g->nmembers; i++) {
		json_comma(w);
		json_add_str(w, g->members[i].name,
		    strlen(g->members[i].name));
	}
	json_end(w, ']');
	json_put_int(w, "messages", g->last - g->first + 1);
	time_iso8601(g->created, ts);
	json_put_str(w, "created_at", ts);
	json_end(w, '}');
}
