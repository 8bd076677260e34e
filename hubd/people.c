/* SPDX-License-Identifier: ISC */
/*
 * Sessions: who they are, what they were called before, and when they are
 * forgotten.
 */
#include "compat.h"

#include <stdlib.h>

#include "db.h"
#include "formers.h"
#include "imsg.h"
#include "log.h"
#include "mailbox.h"
#include "map.h"
#include "people.h"
#include "search.h"

#define LIST_BYTES_MAX	(IMSG_BODY_MAX - 16384)

/* A mailbox that may have to be cleaned. */
struct candidate {
	char	 name[TARGET_SIZE];
	int	 away;		/* since before the time asked for */
	int	 unknown;	/* it never registered */
};

static int	is_taken(struct boxes *, const char *, uint32_t);
static int	add_former(struct db *, const struct box *, const char *,
		    const char *);
static int	rename_remote(struct boxes *, const struct store_rename *);
static int	merge(struct boxes *, struct box *, struct box *);
static int	candidates(struct boxes *, const struct store_clean *,
		    struct candidate **, size_t *);
static struct map	*keep_map(const struct store_clean *);
static int	clean_one(struct boxes *, const struct candidate *, int64_t,
		    struct store_cleaned *);
static int	forget(struct boxes *, const struct box *);

/* 1 if the name, or what it is a former name of, is another user's. */
static int
is_taken(struct boxes *bx, const char *name, uint32_t owner)
{
	struct box *box;
	int r;

	r = box_find(bx, name, &box);
	return r == 1 ? box_is_others(box, owner) : r;
}

int
people_register(struct boxes *bx, const struct store_register *q,
    struct store_registered *a)
{
	struct db *db = boxes_db(bx);
	struct box *box;
	int r;

	if ((r = is_taken(bx, q->name, q->owner)) != 0) {
		a->status = STORE_TAKEN;
		return r == -1 ? -1 : 0;
	}
	if ((r = box_exact(bx, q->name, &box)) == -1)
		return -1;
	if ((r == 0 || !box->mailbox) && boxes_full(bx)) {
		a->status = STORE_FULL;
		return box_sender(bx, q->name, &box) == -1 ||
		    box_claim(bx, box, q->owner) == -1 ? -1 : 0;
	}
	/* now it is the name of somebody else */
	if (db_run(db, Q_ALIAS_END, "s", q->name) == -1 ||
	    box_mailbox(bx, q->name, &box) != 1 ||
	    box_claim(bx, box, q->owner) != 1 || box_count(bx, box) == -1)
		return -1;
	if (db_run(db, Q_REGISTER, "illliii", box->id, q->cwd, q->git_branch,
	    q->host, (int64_t)q->pid, q->started, q->now) == -1)
		return -1;
	a->status = STORE_OK;
	a->unread = box->unread;
	return 0;
}

int
people_gone(struct boxes *bx, const struct store_gone *q)
{
	return db_run(boxes_db(bx), Q_GONE, "si", q->name, q->now);
}

/* As formers.c does it. */
static int
add_former(struct db *db, const struct box *box, const char *former,
    const char *name)
{
	if (db_run(db, Q_ALIAS_END, "s", name) == -1 ||
	    db_run(db, Q_ALIAS_SET, "si", former, box->id) == -1)
		return -1;
	return db_run(db, Q_ALIAS_TRIM, "ii", box->id,
	    (int64_t)FORMER_NAMES_MAX);
}

int
people_rename(struct boxes *bx, const struct store_rename *q,
    struct store_registered *a, struct wbuf *gone)
{
	struct db *db = boxes_db(bx);
	struct box *from, *to;
	int64_t dropped;
	int r;

	if (strchr(q->to, '@') != NULL)
		return rename_remote(bx, q);
	if ((r = is_taken(bx, q->from, q->owner)) == 0)
		r = is_taken(bx, q->to, q->owner);
	if (r != 0) {
		a->status = STORE_TAKEN;
		return r == -1 ? -1 : 0;
	}
	if ((r = box_exact(bx, q->from, &from)) == -1)
		return -1;
	/* it may not have been possible to register it */
	if (r == 0 && db_run(db, Q_ALIAS_END, "s", q->from) == -1)
		return -1;
	if ((r = box_mailbox(bx, q->from, &from)) == -1 ||
	    box_count(bx, from) == -1)
		return -1;
	if (r == 0) {
		a->status = STORE_FULL;
		return 0;
	}
	if (box_claim(bx, from, q->owner) == -1)
		return -1;
	a->unread = from->unread;
	if (strcmp(q->from, q->to) == 0)
		return 0;
	dropped = from->dropped;
	if ((r = box_exact(bx, q->to, &to)) == 1) {
		dropped += to->dropped;
		r = merge(bx, from, to);
	}
	if (r == -1 ||
	    db_run(db, Q_PEER_RENAME, "isi", from->id, q->to, q->now) == -1 ||
	    db_run(db, Q_PEER_DROPPED, "ii", from->id, dropped) == -1 ||
	    add_former(db, from, q->from, q->to) == -1)
		return -1;
	boxes_forget(bx);
	if (boxes_ready(bx) == -1 || box_exact(bx, q->to, &to) != 1 ||
	    mailbox_trim(bx, to, boxes_keep(bx), gone) == -1)
		return -1;
	a->unread = to->unread;
	return 0;
}

/* A session of another hub has no mailbox here, but may be in groups. */
static int
rename_remote(struct boxes *bx, const struct store_rename *q)
{
	struct db *db = boxes_db(bx);
	struct box *from, *to;
	int r;

	if (q->from[0] == '\0')
		return db_run(db, Q_ALIAS_END, "s", q->to);
	if ((r = box_exact(bx, q->from, &from)) == -1)
		return -1;
	/* it has been renamed already, and that is told once more */
	if (r == 0)
		return (r = box_exact(bx, q->to, &to)) != 1 ? r :
		    add_former(db, to, q->from, q->to);
	if ((r = box_exact(bx, q->to, &to)) == 1)
		r = merge(bx, from, to);
	if (r == -1 ||
	    db_run(db, Q_PEER_NAME, "is", from->id, q->to) == -1 ||
	    add_former(db, from, q->from, q->to) == -1)
		return -1;
	boxes_forget(bx);
	return boxes_ready(bx);
}

/* What is the old one's is the other's now. */
static int
merge(struct boxes *bx, struct box *into, struct box *old)
{
	struct db *db = boxes_db(bx);

	if (search_merged(bx, into->id) == -1 ||
	    db_run(db, Q_MERGE_MESSAGES, "ii", old->id, into->id) == -1 ||
	    db_run(db, Q_MERGE_ALIASES, "ii", old->id, into->id) == -1 ||
	    db_run(db, Q_MERGE_MEMBERS, "ii", old->id, into->id) == -1 ||
	    db_run(db, Q_MERGE_REST, "i", old->id) == -1 ||
	    db_run(db, Q_MERGE_ADMINS, "ii", old->id, into->id) == -1 ||
	    db_run(db, Q_MERGE_ENTRIES, "ii", old->id, into->id) == -1)
		return -1;
	return db_run(db, Q_PEER_REMOVE, "i", old->id);
}

int
people_sessions(struct boxes *bx, struct store_session_list *a,
    struct wbuf *list)
{
	struct store_session s;
	sqlite3_stmt *st;
	struct box *box;
	int r;

	if ((st = db_select(boxes_db(bx), Q_SESSIONS, "")) == NULL)
		return -1;
	while ((r = db_step(boxes_db(bx), st)) == 1) {
		memset(&s, 0, sizeof(s));
		/* registered names are short: none is left out here */
		if (slice_copy(db_text(st, 0), s.name, sizeof(s.name)) == -1)
			continue;
		if (box_exact(bx, s.name, &box) != 1 ||
		    box_count(bx, box) == -1)
			return -1;
		s.cwd = db_text(st, 1);
		s.git_branch = db_text(st, 2);
		s.host = db_text(st, 3);
		s.pid = (uint32_t)sqlite3_column_int64(st, 4);
		s.started = sqlite3_column_int64(st, 5);
		s.last_seen = sqlite3_column_int64(st, 6);
		s.unread = box->unread;
		s.kept = box->count;
		if (list->len + sizeof(s) + s.cwd.len + s.git_branch.len +
		    s.host.len > LIST_BYTES_MAX) {
			log_warnx("too many sessions for one list: it ends "
			    "after %u", a->n);
			db_done(st);
			break;
		}
		store_session_put(list, &s);
		a->n++;
	}
	if (r == -1)
		return -1;
	a->sessions.p = wbuf_data(list);
	a->sessions.len = list->len;
	return 0;
}

int
people_clean(struct boxes *bx, const struct store_clean *q,
    struct store_cleaned *a)
{
	struct candidate *c = NULL;
	size_t i, n;
	int r;

	r = candidates(bx, q, &c, &n);
	for (i = 0; i < n && r == 0; i++)
		r = clean_one(bx, &c[i], q->before, a);
	free(c);
	/* what was forgotten is in the index, too */
	if (r == -1 || people_purge(bx, 0) == -1 ||
	    (a->messages > 0 && search_reset(bx) == -1))
		return -1;
	boxes_forget(bx);
	return boxes_ready(bx);
}

/* All mailboxes but those to be left alone; the caller frees them. */
static int
candidates(struct boxes *bx, const struct store_clean *q,
    struct candidate **res, size_t *n)
{
	struct map *keep = keep_map(q);
	struct candidate *c = NULL;
	struct slice name;
	sqlite3_stmt *st;
	size_t room = 0;
	int r = -1;

	*n = 0;
	if ((st = db_select(boxes_db(bx), Q_CLEAN_LIST, "")) != NULL)
		while ((r = db_step(boxes_db(bx), st)) == 1) {
			name = db_text(st, 0);
			if (map_get(keep, name.p, name.len) != NULL)
				continue;
			if (*n == room) {
				room = room * 2 + 64;
				c = xreallocarray(c, room, sizeof(*c));
			}
			(void)slice_copy(name, c[*n].name, sizeof(c->name));
			c[*n].unknown =
			    sqlite3_column_type(st, 1) == SQLITE_NULL;
			c[*n].away = sqlite3_column_int64(st, 1) < q->before;
			(*n)++;
		}
	map_free(keep);
	*res = c;
	return r;
}

static struct map *
keep_map(const struct store_clean *q)
{
	static char yes;
	struct map *m = map_new();
	struct reader list;
	struct slice s;
	uint32_t i;

	reader_init(&list, q->keep.p, q->keep.len);
	for (i = 0; i < q->nkeep; i++) {
		s = get_slice(&list);
		(void)map_set(m, s.p, s.len, &yes);
	}
	return m;
}

static int
clean_one(struct boxes *bx, const struct candidate *c, int64_t before,
    struct store_cleaned *a)
{
	struct box *box;
	uint32_t n;

	if (box_exact(bx, c->name, &box) != 1 ||
	    mailbox_forget_seen(bx, box, before, &n) == -1)
		return -1;
	a->messages += n;
	if (!c->away || box->unread > 0 || (c->unknown && box->count > 0))
		return 0;
	if (mailbox_forget_seen(bx, box, INT64_MAX, &n) == -1)
		return -1;
	a->messages += n;
	a->sessions += !c->unknown;
	return forget(bx, box);
}

static int
forget(struct boxes *bx, const struct box *box)
{
	if (db_run(boxes_db(bx), Q_ALIAS_FORGET, "i", box->id) == -1)
		return -1;
	return db_run(boxes_db(bx), Q_PEER_FORGET, "i", box->id);
}

int
people_aliases(struct boxes *bx,
    void (*tell)(const struct store_alias *, void *), void *arg)
{
	struct store_alias a;
	sqlite3_stmt *st;
	int r;

	if ((st = db_select(boxes_db(bx), Q_ALIASES, "")) == NULL)
		return -1;
	while ((r = db_step(boxes_db(bx), st)) == 1)
		if (slice_copy(db_text(st, 0), a.name, sizeof(a.name)) == 0 &&
		    slice_copy(db_text(st, 1), a.target,
		    sizeof(a.target)) == 0)
			tell(&a, arg);
	return r;
}

int
people_purge(struct boxes *bx, int64_t spare)
{
	struct db *db = boxes_db(bx);
	int64_t n;

	if (db_value(db, &n, Q_COUNT_NAMES, "") != 1)
		return -1;
	if (n <= spare)
		return 0;
	if (db_run(db, Q_PURGE_NAMES, "") == -1)
		return -1;
	boxes_forget(bx);
	return boxes_ready(bx);
}
