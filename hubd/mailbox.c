/* SPDX-License-Identifier: ISC */
/*
 * Messages: into a mailbox, out of it, and what has become of them.
 */
#include "compat.h"

#include <stdio.h>

#include "db.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "mailbox.h"
#include "timeutil.h"

#define EXPIRE_STEP	500	/* rows looked at in one go */
#define LIST_MAX	4096	/* messages in one answer */
#define LIST_BYTES_MAX	(IMSG_BODY_MAX - 16384)
#define BOXES_STEP	100	/* mailboxes looked into in one go */
#define OLD_STEP	100	/* messages taken out of one */

/* Columns of Q_LIST_UNSEEN, Q_LIST_SEEN and Q_SHOW_MAIL. */
enum {
	COL_SEQ,
	COL_SEEN,
	COL_MSG_ID,
	COL_FROM,
	COL_BODY,
	COL_REPLY_TO,
	COL_TS,
	COL_URGENT,
	COL_KIND,
	COL_STATE
};

/* A list of messages in the making. */
struct listing {
	struct wbuf		*json, *unseen;
	struct store_mail	*mail;
	uint32_t		 limit;
	size_t			 max_bytes;
};

/* One of the two ordered rows of messages that a list is merged from. */
struct source {
	sqlite3_stmt	*st;
	int		 more;
	int64_t		 seq;
};

/* A message that is there already. */
struct earlier {
	int64_t		 box, seq;
	enum msg_state	 state;
	int		 lost;	/* a hub died that may not have pushed it */
};

static int	is_repeat(struct boxes *, const struct store_append *,
		    const struct box *, struct earlier *);
static int	repeated(struct boxes *, const struct store_append *,
		    struct store_appended *, const struct earlier *);
static int	push_out(struct boxes *, struct box *,
		    struct store_receipt *);
static int	make_room(struct boxes *, struct box *,
		    struct store_appended *, struct wbuf *);
static int	expire(struct boxes *, struct box *, int64_t);
static void	fill_receipt(struct store_receipt *, sqlite3_stmt *,
		    const struct box *);
static void	tell_gone(struct wbuf *, const struct store_receipt *,
		    const struct box *);
static int	expire_old(struct boxes *, struct box *, int64_t,
		    struct wbuf *);
static int	message_of_anybody(struct boxes *, const struct store_query *,
		    struct store_message *);
static int	first_seq(struct boxes *, const struct store_inbox *,
		    const struct box *, int64_t *);
static int	qualifying(struct boxes *, const struct store_inbox *,
		    const struct box *, int64_t, uint32_t *);
static int	list(struct boxes *, const struct box *, int, int64_t,
		    struct listing *);
static int	advance(struct boxes *, struct source *);
static int	list_add(struct listing *, sqlite3_stmt *);
static int	mark_row(struct boxes *, struct box *, sqlite3_stmt *,
		    enum msg_state, struct store_marked *, struct wbuf *);
static int	mark_one(struct boxes *, struct box *, sqlite3_stmt *,
		    enum msg_state, struct store_marked *, struct wbuf *);

int
mailbox_append(struct boxes *bx, const struct store_append *q,
    struct store_appended *a, struct wbuf *gone)
{
	struct box *from, *to;
	int r;

	if ((r = mailbox_repeated(bx, q, a, &from)) != 0)
		return r == -1 ? -1 : 0;
	if ((r = box_mailbox(bx, q->to, &to)) == -1)
		return -1;
	if (r == 0) {
		a->status = STORE_FULL;
		return 0;
	}
	/* it may not have been possible to register it */
	if (box_claim(bx, to, q->to_owner) == -1)
		return -1;
	if (make_room(bx, to, a, gone) == -1 || mailbox_put(bx, to, from, q,
	    q->pushed ? MSG_PUSHED : MSG_ACCEPTED) == -1)
		return -1;
	a->status = STORE_OK;
	a->unread = to->unread;
	return 0;
}

int
mailbox_repeated(struct boxes *bx, const struct store_append *q,
    struct store_appended *a, struct box **from)
{
	struct earlier e;
	int r;

	if (box_sender(bx, q->from, from) == -1 ||
	    (r = box_claim(bx, *from, q->owner)) == -1)
		return -1;
	if (r == 0) {
		a->status = STORE_TAKEN;
		return 1;
	}
	if ((r = is_repeat(bx, q, *from, &e)) == -1)
		return -1;
	if (r == 1 && repeated(bx, q, a, &e) == -1)
		return -1;
	return r;
}

int
mailbox_put(struct boxes *bx, struct box *to, const struct box *from,
    const struct store_append *q, enum msg_state state)
{
	struct db *db = boxes_db(bx);
	int64_t seq = boxes_next_seq(bx);

	/* its state is of now, whenever it was sent */
	if (db_run(db, Q_APPEND, q->has_reply_to ? "iidiiiddsll" :
	    "iidiiiddsnl", seq, to->id, state, from->id, q->ts,
	    time_now_ms(), q->urgent, q->kind, q->msg_id,
	    q->has_reply_to ? q->reply_to : q->text, q->text) == -1)
		return -1;
	if (state == MSG_SEEN &&
	    db_run(db, Q_MARK, "idid", seq, state, q->ts, 1) == -1)
		return -1;
	to->count++;
	to->unread += state != MSG_SEEN;
	return 0;
}

static int
is_repeat(struct boxes *bx, const struct store_append *q,
    const struct box *from, struct earlier *e)
{
	struct db *db = boxes_db(bx);
	sqlite3_stmt *st;
	int r;

	st = db_select(db, Q_REPEAT, "sii", q->msg_id, from->id,
	    q->ts - REMEMBER_MS);
	if (st == NULL || (r = db_step(db, st)) == -1)
		return -1;
	if (r == 1) {
		e->box = sqlite3_column_int64(st, 0);
		e->state = (enum msg_state)sqlite3_column_int(st, 1);
		/* the hub may have died before it could push it */
		e->lost = e->state == MSG_PUSHED &&
		    boxes_is_old(bx, sqlite3_column_int64(st, 2));
		if (e->lost)
			e->state = MSG_ACCEPTED;
		e->seq = sqlite3_column_int64(st, 3);
		db_done(st);
	}
	return r;
}

/*
 * It is in that box: whoever sent it means the same receiver, or errs.  One of
 * several repeats says that it is to be pushed, however soon others follow.
 * What has waited in the mailbox since it came stays there if it is another
 * hub that repeats it, as it does after any change of links: it would come
 * behind those that were pushed meanwhile.
 */
static int
repeated(struct boxes *bx, const struct store_append *q,
    struct store_appended *a, const struct earlier *e)
{
	struct box *to;
	int far, r;

	if ((r = box_find(bx, q->to, &to)) == -1)
		return -1;
	if (r == 0 || to->id != e->box) {
		a->status = STORE_OTHER;
		return 0;
	}
	if (box_count(bx, to) == -1)
		return -1;
	far = strchr(q->from, '@') != NULL;
	a->push = e->state == MSG_ACCEPTED && (e->lost || !far);
	/* if there is nobody it is one that waits from here on */
	if (a->push && (q->pushed || far) &&
	    db_run(boxes_db(bx), Q_MARK, "idid", e->seq, q->pushed ?
	    MSG_PUSHED : MSG_ACCEPTED, time_now_ms(), 0) == -1)
		return -1;
	a->status = STORE_REPEAT;
	a->state = e->state;
	a->unread = to->unread;
	return 0;
}

int
mailbox_trim(struct boxes *bx, struct box *box, uint32_t n,
    struct wbuf *gone)
{
	struct store_receipt rc;
	int r;

	if (box_count(bx, box) == -1)
		return -1;
	while (box->count > n) {
		if ((r = push_out(bx, box, &rc)) == -1)
			return -1;
		if (r == 1)
			tell_gone(gone, &rc, box);
	}
	return 0;
}

/* The answer has room for one; there are more if the limit is a new one. */
static int
make_room(struct boxes *bx, struct box *box, struct store_appended *a,
    struct wbuf *gone)
{
	int r;

	if (box_count(bx, box) == -1)
		return -1;
	if (box->count < boxes_keep(bx))
		return 0;
	if ((r = push_out(bx, box, &a->expired)) == -1)
		return -1;
	a->has_expired = (uint8_t)r;
	return mailbox_trim(bx, box, boxes_keep(bx) - 1, gone);
}

/*
 * The oldest of those seen goes first, else the oldest of all.  Returns 1 if
 * it was not seen: then there is a receipt.
 */
static int
push_out(struct boxes *bx, struct box *box, struct store_receipt *rc)
{
	struct db *db = boxes_db(bx);
	int seen = box->count > box->unread;
	sqlite3_stmt *st;
	int64_t seq;

	st = db_select(db, seen ? Q_OLDEST_SEEN : Q_OLDEST_UNSEEN, "i",
	    box->id);
	if (st == NULL || db_step(db, st) != 1)
		return -1;
	seq = sqlite3_column_int64(st, 0);
	if (!seen)
		fill_receipt(rc, st, box);
	db_done(st);
	if (!seen)
		return expire(bx, box, seq) == -1 ? -1 : 1;
	box->count--;
	return db_run(db, Q_FORGET, "i", seq);
}

/* One that has not been seen goes, and is counted. */
static int
expire(struct boxes *bx, struct box *box, int64_t seq)
{
	if (db_run(boxes_db(bx), Q_EXPIRE, "idi", seq, MSG_EXPIRED,
	    time_now_ms()) == -1)
		return -1;
	box->count--;
	box->unread--;
	return box_set_dropped(bx, box, box->dropped + 1);
}

static void
fill_receipt(struct store_receipt *rc, sqlite3_stmt *st,
    const struct box *box)
{
	(void)slice_copy(db_text(st, 1), rc->msg_id, sizeof(rc->msg_id));
	(void)slice_copy(db_text(st, 2), rc->sender, sizeof(rc->sender));
	(void)strlcpy(rc->peer, box->name, sizeof(rc->peer));
	rc->state = MSG_EXPIRED;
}

static void
tell_gone(struct wbuf *gone, const struct store_receipt *rc,
    const struct box *box)
{
	struct store_expired e = { .receipt = *rc, .unread = box->unread };
	struct wbuf w = { 0 };

	store_expired_put(&w, &e);
	put_bytes(gone, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

int
mailbox_inbox(struct boxes *bx, const struct store_inbox *q,
    struct store_mail *a, struct wbuf *unseen, struct wbuf *json)
{
	struct listing l = { json, unseen, a, q->limit, q->max_bytes };
	struct box *box;
	uint32_t total = 0;
	int64_t after;
	int r;

	if (l.max_bytes > LINE_MAX_BYTES)
		l.max_bytes = LINE_MAX_BYTES;
	if (l.limit > LIST_MAX)
		l.limit = LIST_MAX;
	json_begin(json, '[');
	if ((r = box_find(bx, q->name, &box)) == -1)
		return -1;
	if (r == 1) {
		if (box_count(bx, box) == -1 ||
		    first_seq(bx, q, box, &after) == -1 ||
		    qualifying(bx, q, box, after, &total) == -1 ||
		    list(bx, box, q->mode != INBOX_UNSEEN, after, &l) == -1)
			return -1;
		a->unread = box->unread;
		a->dropped = box->dropped;
		if (a->dropped > 0 && !q->peek &&
		    box_set_dropped(bx, box, 0) == -1)
			return -1;
	}
	json_end(json, ']');
	a->status = STORE_OK;
	a->remaining = total - a->count;
	a->unseen.p = wbuf_data(unseen);
	a->unseen.len = unseen->len;
	a->json.p = wbuf_data(json);
	a->json.len = json->len;
	return 0;
}

/* The number behind which the list begins. */
static int
first_seq(struct boxes *bx, const struct store_inbox *q,
    const struct box *box, int64_t *after)
{
	struct db *db = boxes_db(bx);
	int64_t seq = 0;

	*after = 0;
	if (q->mode == INBOX_SINCE)
		return db_value(db, after, Q_SINCE, "si", q->since_id,
		    box->id) == -1 ? -1 : 0;
	if (q->mode == INBOX_RECENT && box->count > q->limit) {
		if (q->limit == 0)
			return 0;
		if (db_value(db, &seq, Q_RECENT, "ii", box->id,
		    (int64_t)q->limit) == -1)
			return -1;
		*after = seq - 1;
	}
	return 0;
}

/* How many messages the list would have without limits. */
static int
qualifying(struct boxes *bx, const struct store_inbox *q,
    const struct box *box, int64_t after, uint32_t *n)
{
	int64_t v;

	*n = q->mode == INBOX_UNSEEN ? box->unread : box->count;
	if (q->mode == INBOX_RECENT && *n > q->limit)
		*n = q->limit;
	if (q->mode != INBOX_SINCE || after == 0)
		return 0;
	if (db_value(boxes_db(bx), &v, Q_COUNT_BEHIND, "ii", box->id,
	    after) != 1)
		return -1;
	*n = (uint32_t)v;
	return 0;
}

/* Messages come from the index in two rows, unseen and seen: merges them. */
static int
list(struct boxes *bx, const struct box *box, int seen_too, int64_t after,
    struct listing *l)
{
	static const enum query queries[] = { Q_LIST_UNSEEN, Q_LIST_SEEN };
	struct source src[2], *s;
	int i, n = seen_too ? 2 : 1, r = 0;

	memset(src, 0, sizeof(src));
	for (i = 0; i < n && r == 0 && l->limit > 0; i++) {
		src[i].st = db_select(boxes_db(bx), queries[i], "ii", box->id,
		    after);
		r = src[i].st == NULL ? -1 : advance(bx, &src[i]);
	}
	while (r == 0 && l->mail->count < l->limit) {
		s = &src[0];
		if (src[1].more && (!s->more || src[1].seq < s->seq))
			s = &src[1];
		if (!s->more || !list_add(l, s->st))
			break;
		r = advance(bx, s);
	}
	for (i = 0; i < 2; i++)
		if (src[i].more)
			db_done(src[i].st);
	return r;
}

static int
advance(struct boxes *bx, struct source *s)
{
	s->more = db_step(boxes_db(bx), s->st);
	if (s->more == 1)
		s->seq = sqlite3_column_int64(s->st, COL_SEQ);
	if (s->more == -1) {
		s->more = 0;
		return -1;
	}
	return 0;
}

/* Returns 0 if the list is long enough without this one. */
static int
list_add(struct listing *l, sqlite3_stmt *st)
{
	size_t before = l->json->len;

	/* what is too long by itself anyway is not copied to find out */
	if ((size_t)sqlite3_column_bytes(st, COL_BODY) < l->max_bytes)
		mailbox_write(l->json, st, 0);
	else if (l->mail->count > 0)
		return 0;
	else
		mailbox_write(l->json, st, 1);
	if (l->json->len + 1 > l->max_bytes) {
		l->json->len = before;
		if (l->mail->count > 0)
			return 0;
		mailbox_write(l->json, st, 1);
	}
	l->mail->count++;
	if (!sqlite3_column_int(st, COL_SEEN)) {
		put_u64(l->unseen, (uint64_t)sqlite3_column_int64(st,
		    COL_SEQ));
		l->mail->nunseen++;
	}
	return 1;
}

void
mailbox_write(struct wbuf *w, sqlite3_stmt *st, int too_long)
{
	struct slice body = db_text(st, COL_BODY), s;
	char ts[ISO8601_SIZE], text[TOO_LONG_SIZE];
	int kind = sqlite3_column_int(st, COL_KIND);

	if (too_long)
		body = mailbox_too_long(body, text);
	json_comma(w);
	json_begin(w, '{');
	s = db_text(st, COL_MSG_ID);
	json_put_strn(w, "msg_id", s.p, s.len);
	s = db_text(st, COL_FROM);
	json_put_strn(w, "from", s.p, s.len);
	json_put_raw(w, "text", body);
	if (sqlite3_column_type(st, COL_REPLY_TO) == SQLITE_NULL)
		json_put_null(w, "reply_to");
	else
		json_put_raw(w, "reply_to", db_text(st, COL_REPLY_TO));
	time_iso8601(sqlite3_column_int64(st, COL_TS), ts);
	json_put_str(w, "ts", ts);
	if (sqlite3_column_int(st, COL_URGENT))
		json_put_bool(w, "urgent", 1);
	if (kind == KIND_REQUEST || kind == KIND_RESPONSE)
		json_put_str(w, "kind", msg_kind_name((enum msg_kind)kind));
	if (sqlite3_column_int(st, COL_STATE) == MSG_RECEIVED)
		json_put_bool(w, "pushed", 1);
	json_end(w, '}');
}

struct slice
mailbox_too_long(struct slice body, char dst[TOO_LONG_SIZE])
{
	snprintf(dst, TOO_LONG_SIZE, "[a message of %zu bytes, too long to be "
	    "shown here]", body.len);
	return slice_of(dst);
}

int
mailbox_mark(struct boxes *bx, const struct store_mark *q,
    struct store_marked *a, struct wbuf *receipts)
{
	struct db *db = boxes_db(bx);
	char id[MSG_ID_SIZE];
	sqlite3_stmt *st;
	struct reader list;
	struct box *box;
	uint32_t i;
	int r;

	if ((r = box_find(bx, q->name, &box)) != 1)
		return r;
	if (box_count(bx, box) == -1)
		return -1;
	reader_init(&list, q->list.p, q->list.len);
	for (i = 0; i < q->nseqs; i++) {
		st = db_select(db, Q_BY_SEQ, "ii", (int64_t)get_u64(&list),
		    box->id);
		if (mark_row(bx, box, st, q->state, a, receipts) == -1)
			return -1;
	}
	for (i = 0; i < q->nids; i++) {
		if (slice_copy(get_slice(&list), id, sizeof(id)) == -1)
			continue;
		st = db_select(db, Q_BY_ID, "si", id, box->id);
		if (mark_row(bx, box, st, q->state, a, receipts) == -1)
			return -1;
	}
	a->unread = box->unread;
	a->receipts.p = wbuf_data(receipts);
	a->receipts.len = receipts->len;
	return 0;
}

/* Marks what the statement finds; nothing is no failure. */
static int
mark_row(struct boxes *bx, struct box *box, sqlite3_stmt *st,
    enum msg_state state, struct store_marked *a, struct wbuf *receipts)
{
	int r;

	if (st == NULL)
		return -1;
	while ((r = db_step(boxes_db(bx), st)) == 1)
		if (mark_one(bx, box, st, state, a, receipts) == -1)
			return -1;
	return r;
}

static int
mark_one(struct boxes *bx, struct box *box, sqlite3_stmt *st,
    enum msg_state state, struct store_marked *a, struct wbuf *receipts)
{
	/* from which states one can get there */
	static const unsigned may[] = {
		[MSG_ACCEPTED] = 1u << MSG_PUSHED,
		[MSG_PUSHED] = 1u << MSG_ACCEPTED,
		[MSG_RECEIVED] = 1u << MSG_ACCEPTED | 1u << MSG_PUSHED,
		[MSG_SEEN] = 1u << MSG_ACCEPTED | 1u << MSG_PUSHED |
		    1u << MSG_RECEIVED,
		[MSG_EXPIRED] = 0,
	};
	struct store_receipt rc;
	int64_t seq = sqlite3_column_int64(st, 0);
	int old = sqlite3_column_int(st, 1);

	if (!(may[state] & 1u << old))
		return 0;
	if (db_run(boxes_db(bx), Q_MARK, "idid", seq, state, time_now_ms(),
	    state == MSG_SEEN) == -1)
		return -1;
	if (state == MSG_SEEN)
		box->unread--;
	if (state != MSG_RECEIVED && state != MSG_SEEN)
		return 0;
	/* an answer that no message could carry is cut short */
	if (receipts->len > LIST_BYTES_MAX)
		return 0;
	(void)slice_copy(db_text(st, 2), rc.msg_id, sizeof(rc.msg_id));
	(void)slice_copy(db_text(st, 3), rc.sender, sizeof(rc.sender));
	(void)strlcpy(rc.peer, box->name, sizeof(rc.peer));
	rc.state = state;
	store_receipt_put(receipts, &rc);
	a->nreceipts++;
	return 0;
}

int
mailbox_status(struct boxes *bx, const struct store_query *q,
    struct store_message *a)
{
	struct db *db = boxes_db(bx);
	sqlite3_stmt *st;
	struct box *from;
	int r;

	if (q->name[0] == '\0')
		return message_of_anybody(bx, q, a);
	if ((r = box_find(bx, q->name, &from)) != 1)
		return r;
	st = db_select(db, Q_STATUS, "si", q->msg_id, from->id);
	if (st == NULL || (r = db_step(db, st)) == -1)
		return -1;
	if (r == 0)
		return 0;
	a->found = 1;
	(void)slice_copy(db_text(st, 0), a->to, sizeof(a->to));
	a->state = (enum msg_state)sqlite3_column_int(st, 1);
	a->ts = sqlite3_column_int64(st, 2);
	db_done(st);
	return 0;
}

static int
message_of_anybody(struct boxes *bx, const struct store_query *q,
    struct store_message *a)
{
	struct db *db = boxes_db(bx);
	sqlite3_stmt *st;
	int r;

	st = db_select(db, Q_MESSAGE, "s", q->msg_id);
	if (st == NULL || (r = db_step(db, st)) == -1)
		return -1;
	if (r == 0)
		return 0;
	a->found = 1;
	(void)slice_copy(db_text(st, 0), a->to, sizeof(a->to));
	a->state = (enum msg_state)sqlite3_column_int(st, 1);
	a->ts = sqlite3_column_int64(st, 2);
	(void)slice_copy(db_text(st, 3), a->from, sizeof(a->from));
	a->sent = sqlite3_column_int64(st, 4);
	a->kind = (enum msg_kind)sqlite3_column_int(st, 5);
	a->urgent = sqlite3_column_int(st, 6) != 0;
	a->kept = sqlite3_column_int(st, 7) != 0;
	db_done(st);
	return 0;
}

int
mailbox_list(struct boxes *bx, struct store_mailbox_list *a,
    struct wbuf *list)
{
	struct store_mailbox m;
	sqlite3_stmt *st;
	struct box *box;
	int r;

	if ((st = db_select(boxes_db(bx), Q_MAILBOXES, "")) == NULL)
		return -1;
	while ((r = db_step(boxes_db(bx), st)) == 1) {
		memset(&m, 0, sizeof(m));
		if (slice_copy(db_text(st, 0), m.name, sizeof(m.name)) == -1)
			continue;
		if (box_exact(bx, m.name, &box) != 1 ||
		    box_count(bx, box) == -1)
			return -1;
		m.kept = box->count;
		m.unread = box->unread;
		m.dropped = box->dropped;
		if (list->len + sizeof(m) > LIST_BYTES_MAX) {
			log_warnx("too many mailboxes for one list: it ends "
			    "after %u", a->n);
			db_done(st);
			break;
		}
		store_mailbox_put(list, &m);
		a->n++;
	}
	if (r == -1)
		return -1;
	a->mailboxes.p = wbuf_data(list);
	a->mailboxes.len = list->len;
	return 0;
}

int
mailbox_forget_seen(struct boxes *bx, struct box *box, int64_t before,
    uint32_t *n)
{
	*n = 0;
	if (box_count(bx, box) == -1)
		return -1;
	if (box->count == box->unread)
		return 0;
	if (db_run(boxes_db(bx), Q_FORGET_SEEN, "ii", box->id, before) == -1)
		return -1;
	*n = db_changes(boxes_db(bx));
	box->count -= *n;
	return 0;
}

int
mailbox_expire_step(struct boxes *bx, int64_t now, int64_t *pos)
{
	struct db *db = boxes_db(bx);
	int64_t before = now - REMEMBER_MS, ts, end;
	int r;

	/* numbers are in the order of time: behind this one all is younger */
	r = db_value(db, &ts, Q_STEP_BEGIN, "i", *pos);
	if (r != 1 || ts >= before) {
		*pos = 0;
		return r == -1 ? -1 : 0;
	}
	r = db_value(db, &end, Q_STEP_END, "ii", *pos, (int64_t)EXPIRE_STEP);
	if (r == 0)
		end = INT64_MAX;
	if (r == -1 ||
	    db_run(db, Q_STEP_DELETE, "iii", *pos, end, before) == -1)
		return -1;
	*pos = r == 1 ? end : 0;
	return 0;
}

/* In the order of ids; one with much to expire is looked into again. */
int
mailbox_expire_unseen(struct boxes *bx, int64_t before, int64_t *pos,
    struct wbuf *gone)
{
	struct {
		int64_t	 id;
		char	 name[TARGET_SIZE];
	} found[BOXES_STEP];
	struct db *db = boxes_db(bx);
	sqlite3_stmt *st;
	struct box *box;
	size_t i, n = 0;
	int r;

	st = db_select(db, Q_OLD_BOXES, "id", *pos, BOXES_STEP);
	if (st == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		found[n].id = sqlite3_column_int64(st, 0);
		(void)slice_copy(db_text(st, 1), found[n].name,
		    sizeof(found[n].name));
		n++;
	}
	for (i = 0; i < n && r == 0; i++) {
		if (box_exact(bx, found[i].name, &box) != 1 ||
		    box_count(bx, box) == -1)
			return -1;
		if (box->unread > 0)
			r = expire_old(bx, box, before, gone);
		if (r == 0)
			*pos = found[i].id;
	}
	if (r == 0 && n < BOXES_STEP) {
		*pos = 0;
		return 0;
	}
	return r == -1 ? -1 : 1;
}

/* 1 if there may be more in this one. */
static int
expire_old(struct boxes *bx, struct box *box, int64_t before,
    struct wbuf *gone)
{
	struct db *db = boxes_db(bx);
	struct store_receipt rc[OLD_STEP];
	int64_t seq[OLD_STEP];
	sqlite3_stmt *st;
	int i, n = 0, r;

	st = db_select(db, Q_OLD_MESSAGES, "id", box->id, OLD_STEP);
	if (st == NULL)
		return -1;
	/* what follows one that is young enough is younger */
	while ((r = db_step(db, st)) == 1 &&
	    sqlite3_column_int64(st, 3) < before) {
		seq[n] = sqlite3_column_int64(st, 0);
		fill_receipt(&rc[n++], st, box);
	}
	if (r == 1)
		db_done(st);
	for (i = 0; i < n && r != -1; i++) {
		if (expire(bx, box, seq[i]) == -1)
			return -1;
		tell_gone(gone, &rc[i], box);
	}
	return r == -1 ? -1 : n == OLD_STEP;
}
