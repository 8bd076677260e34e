/* SPDX-License-Identifier: ISC */
/*
 * Messages to other hubs: rows of message with kept = 2, whose box is that of
 * name@hub.
 */
#include "compat.h"

#include <stdlib.h>

#include "db.h"
#include "imsg.h"
#include "keyproto.h"
#include "mailbox.h"
#include "map.h"
#include "outbox.h"
#include "timeutil.h"

#define HUBS_MAX	4096		/* ever heard of */
#define LIST_MAX	512		/* messages in one answer */
#define OLD_STEP	100

/* Columns of Q_OUT_LIST. */
enum {
	COL_SEQ,
	COL_TO,
	COL_FROM,
	COL_MSG_ID,
	COL_TS,
	COL_URGENT,
	COL_KIND,
	COL_REPLY_TO,
	COL_BODY
};

/* A hub, kept in memory once it was used. */
struct out {
	int64_t	 id;
	int64_t	 queued;
};

struct outbox {
	struct boxes	*boxes;
	struct map	*hubs;		/* to struct out */
	unsigned	 generation;	/* of the boxes */
};

static void	forget(struct outbox *);
static void	ready(struct outbox *);
static int	find(struct outbox *, const char *, struct out **);
static int	drop(struct outbox *, const char *);
static int	make_room(struct outbox *);
static int	add(struct outbox *, const char *, int64_t, struct out **);
static const char	*hub_of(const char *);
static size_t	fill(struct store_out *, sqlite3_stmt *);
static int	by_seq(struct outbox *, const struct store_out_mark *,
		    struct store_receipt *);
static int	by_id(struct outbox *, const struct store_out_mark *,
		    struct store_receipt *);
static int	take_out(struct db *, struct out *, int64_t, enum msg_state);

struct outbox *
outbox_new(struct boxes *bx)
{
	struct outbox *o = xcalloc(1, sizeof(*o));

	o->boxes = bx;
	o->hubs = map_new();
	o->generation = boxes_generation(bx);
	return o;
}

void
outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	forget(o);
	map_free(o->hubs);
	free(o);
}

static void
forget(struct outbox *o)
{
	struct out *h;
	size_t pos = 0;

	while ((h = map_next(o->hubs, &pos)) != NULL)
		free(h);
	map_free(o->hubs);
	o->hubs = map_new();
}

static void
ready(struct outbox *o)
{
	if (o->generation == boxes_generation(o->boxes))
		return;
	forget(o);
	o->generation = boxes_generation(o->boxes);
}

/* What is behind the @; NULL if there is none. */
static const char *
hub_of(const char *target)
{
	const char *at = strchr(target, '@');

	return at != NULL ? at + 1 : NULL;
}

/* 1, 0 if it has never been heard of, -1. */
static int
find(struct outbox *o, const char *hub, struct out **res)
{
	struct db *db = boxes_db(o->boxes);
	int64_t id, queued;
	int r;

	ready(o);
	if ((*res = map_gets(o->hubs, hub)) != NULL)
		return 1;
	if ((r = db_value(db, &id, Q_HUB, "s", hub)) != 1)
		return r;
	if (db_value(db, &queued, Q_OUT_COUNT, "i", id) != 1)
		return -1;
	*res = xcalloc(1, sizeof(**res));
	(*res)->id = id;
	(*res)->queued = queued;
	map_sets(o->hubs, hub, *res);
	return 1;
}

static int
drop(struct outbox *o, const char *hub)
{
	free(map_removes(o->hubs, hub));
	return db_run(boxes_db(o->boxes), Q_HUB_DROP, "s", hub);
}

/* For one more hub: 1; 0 if there are too many; -1. */
static int
make_room(struct outbox *o)
{
	struct db *db = boxes_db(o->boxes);
	char hub[NAME_SIZE];
	sqlite3_stmt *st;
	int64_t n;
	int r;

	if (db_value(db, &n, Q_HUB_COUNT, "") != 1)
		return -1;
	if (n < HUBS_MAX)
		return 1;
	st = db_select(db, Q_HUB_OLDEST, "ii", (int64_t)KEY_PENDING,
	    (int64_t)KEY_SEEN);
	if (st == NULL || (r = db_step(db, st)) != 1)
		return st == NULL ? -1 : r;
	(void)slice_copy(db_text(st, 0), hub, sizeof(hub));
	db_done(st);
	return drop(o, hub) == -1 ? -1 : 1;
}

int
outbox_forget(struct outbox *o, const char *hub, enum store_status *status)
{
	struct out *h;
	int r;

	if ((r = find(o, hub, &h)) != 1)
		return r;
	if (h->queued > 0) {
		*status = STORE_FULL;
		return 0;
	}
	*status = STORE_OK;
	return drop(o, hub);
}

/* 1, 0 if there are too many, -1. */
static int
add(struct outbox *o, const char *hub, int64_t now, struct out **res)
{
	int r;

	if ((r = make_room(o)) != 1)
		return r;
	if (db_run(boxes_db(o->boxes), Q_HUB_ADD, "si", hub, now) == -1)
		return -1;
	return find(o, hub, res);
}

int
outbox_append(struct outbox *o, const struct store_append *q,
    struct store_appended *a)
{
	struct db *db = boxes_db(o->boxes);
	const char *hub = hub_of(q->to);
	struct box *from, *to;
	struct out *h;
	int64_t seq;
	int r;

	if ((r = mailbox_repeated(o->boxes, q, a, &from)) != 0)
		return r == -1 ? -1 : 0;
	if (hub == NULL || (r = find(o, hub, &h)) == -1 ||
	    (r == 0 && (r = add(o, hub, 0, &h)) == -1))
		return -1;
	if (r == 0 || h->queued >= OUT_MAX) {
		a->status = STORE_FULL;
		return 0;
	}
	if (box_sender(o->boxes, q->to, &to) == -1)
		return -1;
	seq = boxes_next_seq(o->boxes);
	if (db_run(db, Q_OUT_APPEND, q->has_reply_to ? "iiiiddslisl" :
	    "iiiiddslisn", seq, to->id, from->id, q->ts, q->urgent, q->kind,
	    q->msg_id, q->text, h->id, q->from, q->reply_to) == -1)
		return -1;
	h->queued++;
	a->status = STORE_OK;
	a->seq = seq;
	return 0;
}

int
outbox_list(struct outbox *o, const struct store_out_list *q,
    struct store_out_listed *a, struct wbuf *list)
{
	struct db *db = boxes_db(o->boxes);
	struct store_out m;
	sqlite3_stmt *st;
	struct out *h;
	size_t size;
	int r;

	if ((r = find(o, q->hub, &h)) != 1)
		return r;
	st = db_select(db, Q_OUT_LIST, "iid", h->id, q->after, LIST_MAX);
	if (st == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		size = fill(&m, st);
		if (a->n > 0 && list->len + size > q->max_bytes) {
			db_done(st);
			r = 0;
			break;
		}
		store_out_put(list, &m);
		a->n++;
	}
	a->messages.p = wbuf_data(list);
	a->messages.len = list->len;
	return r;
}

/* Returns about how many bytes it takes. */
static size_t
fill(struct store_out *m, sqlite3_stmt *st)
{
	memset(m, 0, sizeof(*m));
	m->seq = sqlite3_column_int64(st, COL_SEQ);
	m->ts = sqlite3_column_int64(st, COL_TS);
	(void)slice_copy(db_text(st, COL_TO), m->to, sizeof(m->to));
	(void)slice_copy(db_text(st, COL_FROM), m->from, sizeof(m->from));
	(void)slice_copy(db_text(st, COL_MSG_ID), m->msg_id,
	    sizeof(m->msg_id));
	m->urgent = sqlite3_column_int(st, COL_URGENT) != 0;
	m->kind = (enum msg_kind)sqlite3_column_int(st, COL_KIND);
	m->has_reply_to = sqlite3_column_type(st, COL_REPLY_TO) != SQLITE_NULL;
	m->reply_to = db_text(st, COL_REPLY_TO);
	m->text = db_text(st, COL_BODY);
	return sizeof(*m) + m->reply_to.len + m->text.len;
}

/* It waits no longer, whatever has become of it. */
static int
take_out(struct db *db, struct out *h, int64_t seq, enum msg_state state)
{
	if (db_run(db, Q_OUT_DONE, "idi", seq, state, time_now_ms()) == -1)
		return -1;
	h->queued--;
	return 0;
}

/* 1 if its sender is to be told, 0 if not, -1. */
static int
by_seq(struct outbox *o, const struct store_out_mark *q,
    struct store_receipt *rc)
{
	struct db *db = boxes_db(o->boxes);
	sqlite3_stmt *st;
	struct out *h;
	int r;

	if ((r = find(o, q->hub, &h)) != 1)
		return r;
	st = db_select(db, Q_OUT_BY_SEQ, "ii", q->seq, h->id);
	if (st == NULL || (r = db_step(db, st)) != 1)
		return st == NULL ? -1 : r;
	(void)slice_copy(db_text(st, 0), rc->msg_id, sizeof(rc->msg_id));
	(void)slice_copy(db_text(st, 1), rc->sender, sizeof(rc->sender));
	(void)slice_copy(db_text(st, 2), rc->peer, sizeof(rc->peer));
	db_done(st);
	if (take_out(db, h, q->seq, q->state) == -1)
		return -1;
	return q->state == MSG_EXPIRED;
}

/* Of one that the other hub has: a state never goes back. */
static int
by_id(struct outbox *o, const struct store_out_mark *q,
    struct store_receipt *rc)
{
	struct db *db = boxes_db(o->boxes);
	/* one that has been seen does not expire any more */
	int below = q->state == MSG_EXPIRED ? MSG_SEEN : (int)q->state;
	const char *hub = hub_of(q->peer);
	struct box *box, *sender;
	sqlite3_stmt *st;
	struct out *h;
	int64_t seq;
	int r, kept;

	if (hub == NULL || strcmp(hub, q->hub) != 0)
		return 0;
	if ((r = find(o, q->hub, &h)) != 1 ||
	    (r = box_find(o->boxes, q->peer, &box)) != 1 ||
	    (r = box_find(o->boxes, q->sender, &sender)) != 1)
		return r;
	st = db_select(db, Q_OUT_BY_ID, "siid", q->msg_id, box->id,
	    sender->id, below);
	if (st == NULL || (r = db_step(db, st)) != 1)
		return st == NULL ? -1 : r;
	seq = sqlite3_column_int64(st, 0);
	kept = sqlite3_column_int(st, 2);
	(void)slice_copy(db_text(st, 1), rc->sender, sizeof(rc->sender));
	strlcpy(rc->msg_id, q->msg_id, sizeof(rc->msg_id));
	strlcpy(rc->peer, box->name, sizeof(rc->peer));
	db_done(st);
	/* the other hub has it, though its acknowledgement has not come */
	if (take_out(db, h, seq, q->state) == -1)
		return -1;
	if (kept != 2)
		h->queued++;
	return 1;
}

int
outbox_mark(struct outbox *o, const struct store_out_mark *q,
    struct store_marked *a, struct wbuf *receipts)
{
	struct store_receipt rc = { .state = q->state };
	int r = q->seq != 0 ? by_seq(o, q, &rc) : by_id(o, q, &rc);

	if (r == 1) {
		store_receipt_put(receipts, &rc);
		a->nreceipts = 1;
	}
	a->receipts.p = wbuf_data(receipts);
	a->receipts.len = receipts->len;
	return r == -1 ? -1 : 0;
}

int
outbox_hub(struct outbox *o, const struct store_hub *q)
{
	struct out *h;
	int r;

	if ((r = find(o, q->hub, &h)) == 0)
		r = add(o, q->hub, q->now, &h);
	if (r != 1)
		return r;
	return db_run(boxes_db(o->boxes), Q_HUB_SEEN, "ii", h->id, q->now);
}

int
outbox_hubs(struct outbox *o, struct store_hub_list *a, struct wbuf *list)
{
	struct db *db = boxes_db(o->boxes);
	struct store_hub_info m;
	sqlite3_stmt *st;
	struct out *h;
	int r;

	if ((st = db_select(db, Q_HUBS, "")) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		if (slice_copy(db_text(st, 0), m.hub, sizeof(m.hub)) == -1)
			continue;
		m.last_seen = sqlite3_column_int64(st, 1);
		if (find(o, m.hub, &h) != 1) {
			db_done(st);
			return -1;
		}
		m.queued = (uint32_t)h->queued;
		store_hub_info_put(list, &m);
		a->n++;
	}
	a->hubs.p = wbuf_data(list);
	a->hubs.len = list->len;
	return r;
}

int
outbox_names(struct outbox *o, void (*tell)(const struct store_name *,
    void *), void *arg)
{
	struct db *db = boxes_db(o->boxes);
	struct store_name m;
	sqlite3_stmt *st;
	int r;

	if ((st = db_select(db, Q_NAMES, "")) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		m.owner = (uint32_t)sqlite3_column_int64(st, 1);
		m.session = sqlite3_column_int(st, 2) != 0;
		if (slice_copy(db_text(st, 0), m.name, sizeof(m.name)) == 0)
			tell(&m, arg);
	}
	return r;
}

int
outbox_expire(struct outbox *o, int64_t before, struct wbuf *gone)
{
	struct db *db = boxes_db(o->boxes);
	struct store_expired e[OLD_STEP];
	struct wbuf w = { 0 };
	int64_t seq[OLD_STEP];
	sqlite3_stmt *st;
	struct out *h;
	int i, n = 0, r;

	memset(e, 0, sizeof(e));
	if ((st = db_select(db, Q_OUT_OLD, "id", before, OLD_STEP)) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1 && n < OLD_STEP) {
		seq[n] = sqlite3_column_int64(st, 0);
		(void)slice_copy(db_text(st, 1), e[n].receipt.msg_id,
		    sizeof(e[n].receipt.msg_id));
		(void)slice_copy(db_text(st, 2), e[n].receipt.sender,
		    sizeof(e[n].receipt.sender));
		(void)slice_copy(db_text(st, 3), e[n].receipt.peer,
		    sizeof(e[n].receipt.peer));
		e[n++].receipt.state = MSG_EXPIRED;
	}
	if (r == 1)
		db_done(st);
	for (i = 0; i < n && r != -1; i++) {
		if (find(o, hub_of(e[i].receipt.peer), &h) != 1 ||
		    take_out(db, h, seq[i], MSG_EXPIRED) == -1) {
			r = -1;
			break;
		}
		wbuf_reset(&w);
		store_expired_put(&w, &e[i]);
		put_bytes(gone, wbuf_data(&w), w.len);
	}
	wbuf_free(&w);
	return r == -1 ? -1 : n == OLD_STEP;
}
