/* SPDX-License-Identifier: ISC */
/*
 * Searching.  The index has for each message the words of its text, each with
 * the mailbox or group it is in before it (its place), under twice its
 * number, or for an entry of a group twice its number and one.  It is not told
 * when a message goes: what it finds is looked up, and once most of what it
 * has is gone it is made anew.
 */
#include "compat.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "json.h"
#include "mailbox.h"
#include "search.h"
#include "timeutil.h"
#include "words.h"

#define LIST_MAX	4096		/* messages in one answer */
#define STEP_ROWS	500		/* numbers of one step of indexing */
#define STEP_BYTES	(128 * 1024)	/* of their texts, about */
#define STALE_MIN	1000		/* too few to make it anew */

/* What is remembered of the index in the table meta. */
#define POS_MAIL	"search mail"	/* all up to that number is in it */
#define POS_ENTRIES	"search group"
#define DOCS		"search docs"	/* how many that were */
#define LIVE		"search live"	/* how many of them were still there */
#define CLEAR		"search clear"	/* it has to be emptied first */

enum { MAIL, ENTRIES, PLACES };

#define PLACE_SIZE	20

struct match {
	int64_t	 ts, seq;
	int	 entry;		/* of a group */
};

struct search {
	struct boxes	*bx;
	struct db	*db;
	struct terms	 terms;
	struct wbuf	 text, words;	/* of what is read through */
	int		 indexed;	/* the index can be used */
	int64_t		 pos[PLACES];	/* it has all up to these */
	int64_t		 since_seq, since_ts;
	struct match	*found;
	size_t		 nfound, size;
};

static int	get_meta(struct db *, const char *, int64_t *);
static int	set_meta(struct db *, const char *, int64_t);
static int	prepare(struct search *, const struct store_inbox *,
		    const struct box *);
static int	find(struct search *, const struct box *);
static int	find_mail(struct search *, const struct box *);
static int	find_entries(struct search *, int64_t, int64_t, int64_t);
static int	look_up(struct search *, sqlite3_stmt *, int);
static int	read_through(struct search *, sqlite3_stmt *, int);
static void	place_name(char[PLACE_SIZE], int, int64_t);
static struct slice	match_expr(struct search *, struct wbuf *, int,
			    int64_t);
static void	add(struct search *, sqlite3_stmt *, int);
static struct slice	decode(struct slice, struct wbuf *);
static int	newest_first(const void *, const void *);
static int	answer(struct search *, const struct store_inbox *,
		    struct store_mail *, struct wbuf *);
static int	show(struct search *, const struct match *, size_t,
		    struct store_mail *, struct wbuf *);
static void	write_entry(struct wbuf *, sqlite3_stmt *, int);
static int	index_some(struct boxes *, int, int *);
static int	index_row(struct db *, sqlite3_stmt *, int, struct wbuf *,
		    struct wbuf *);
static int	check_live(struct boxes *);

/* What is not there is 0. */
static int
get_meta(struct db *db, const char *key, int64_t *value)
{
	*value = 0;
	return db_value(db, value, Q_META, "s", key) == -1 ? -1 : 0;
}

static int
set_meta(struct db *db, const char *key, int64_t value)
{
	return db_run(db, Q_META_SET, "si", key, value);
}

int
search_inbox(struct boxes *bx, const struct store_inbox *q,
    struct store_mail *a, struct wbuf *json)
{
	struct search s = { .bx = bx, .db = boxes_db(bx) };
	struct box *box;
	int r;

	json_begin(json, '[');
	a->status = STORE_OK;
	if ((r = box_find(bx, q->name, &box)) == 1) {
		r = box_count(bx, box);
		a->unread = box->unread;
		if (r == 0 && terms_parse(&s.terms, q->query) > 0 &&
		    (prepare(&s, q, box) == -1 || find(&s, box) == -1 ||
		    answer(&s, q, a, json) == -1))
			r = -1;
	}
	json_end(json, ']');
	a->json.p = wbuf_data(json);
	a->json.len = json->len;
	terms_free(&s.terms);
	wbuf_free(&s.text);
	wbuf_free(&s.words);
	free(s.found);
	return r == -1 ? -1 : 0;
}

static int
prepare(struct search *s, const struct store_inbox *q, const struct box *box)
{
	sqlite3_stmt *st;
	int64_t clear;
	int r;

	s->since_ts = INT64_MIN;
	if (q->since_id[0] != '\0') {
		st = db_select(s->db, Q_SINCE_TS, "si", q->since_id, box->id);
		if (st == NULL || (r = db_step(s->db, st)) == -1)
			return -1;
		if (r == 1) {
			s->since_seq = sqlite3_column_int64(st, 0);
			s->since_ts = sqlite3_column_int64(st, 1);
			db_done(st);
		}
	}
	if (get_meta(s->db, CLEAR, &clear) == -1 ||
	    get_meta(s->db, POS_MAIL, &s->pos[MAIL]) == -1 ||
	    get_meta(s->db, POS_ENTRIES, &s->pos[ENTRIES]) == -1)
		return -1;
	s->indexed = db_has_index(s->db) && !clear;
	return 0;
}

/* An index that turns out to be damaged is done without. */
static int
find(struct search *s, const struct box *box)
{
	struct {
		int64_t	 id, joined, read;
	} *groups = NULL;
	sqlite3_stmt *st;
	size_t i, n = 0;
	int r;

	if ((st = db_select(s->db, Q_MY_GROUPS, "i", box->id)) == NULL)
		return -1;
	while ((r = db_step(s->db, st)) == 1) {
		if (n % 64 == 0)
			groups = xreallocarray(groups, n + 64,
			    sizeof(*groups));
		groups[n].id = sqlite3_column_int64(st, 0);
		groups[n].joined = sqlite3_column_int64(st, 1);
		groups[n++].read = sqlite3_column_int64(st, 2);
	}
	while (r == 0) {
		r = find_mail(s, box);
		for (i = 0; i < n && r == 0; i++)
			r = find_entries(s, groups[i].id, groups[i].joined,
			    groups[i].read);
		if (r == 0 || !s->indexed || db_has_index(s->db))
			break;
		s->indexed = 0;
		s->nfound = 0;
		r = 0;
	}
	free(groups);
	return r;
}

static int
find_mail(struct search *s, const struct box *box)
{
	struct wbuf expr = { 0 };
	int64_t from = s->since_seq, scan_to = 0;
	struct slice match;
	int r;

	if (s->indexed) {
		if (db_value(s->db, &scan_to, Q_SCAN_TO, "i", box->id) == -1)
			return -1;
		if (from < scan_to && read_through(s, db_select(s->db,
		    Q_SCAN_MAIL, "iii", box->id, from, scan_to), 0) == -1)
			return -1;
		if (from < scan_to)
			from = scan_to;
		match = match_expr(s, &expr, MAIL, box->id);
		r = look_up(s, db_select(s->db, Q_FIND_MAIL, "lii", match,
		    box->id, from), 0);
		wbuf_free(&expr);
		if (r == -1)
			return -1;
		if (from < s->pos[MAIL])
			from = s->pos[MAIL];
	}
	return read_through(s, db_select(s->db, Q_SCAN_MAIL, "iii", box->id,
	    from, INT64_MAX), 0);
}

/*
 * What has been said in a group since one joined it, and what of the time
 * before one has read in its history.
 */
static int
find_entries(struct search *s, int64_t group, int64_t joined, int64_t read)
{
	struct wbuf expr = { 0 };
	struct slice match;
	int64_t from = 0;
	int r;

	if (s->indexed) {
		match = match_expr(s, &expr, ENTRIES, group);
		r = look_up(s, db_select(s->db, Q_FIND_ENTRIES, "liiii",
		    match, group, joined, read, s->since_ts), 1);
		wbuf_free(&expr);
		if (r == -1)
			return -1;
		from = s->pos[ENTRIES];
	}
	return read_through(s, db_select(s->db, Q_SCAN_ENTRIES, "iiiii",
	    group, joined, read, s->since_ts, from), 1);
}

/* No such name is the beginning of another one. */
static void
place_name(char dst[PLACE_SIZE], int place, int64_t id)
{
	snprintf(dst, PLACE_SIZE, "%c%" PRIx64 "z", place == MAIL ? 'm' : 'g',
	    id);
}

static struct slice
match_expr(struct search *s, struct wbuf *w, int place, int64_t id)
{
	char name[PLACE_SIZE];
	struct slice match;

	place_name(name, place, id);
	terms_fts(w, name, &s->terms);
	match.p = wbuf_data(w);
	match.len = w->len;
	return match;
}

static int
look_up(struct search *s, sqlite3_stmt *st, int entry)
{
	int r;

	if (st == NULL)
		return -1;
	while ((r = db_step(s->db, st)) == 1)
		add(s, st, entry);
	return r;
}

static int
read_through(struct search *s, sqlite3_stmt *st, int entry)
{
	struct slice text;
	int r;

	if (st == NULL)
		return -1;
	while ((r = db_step(s->db, st)) == 1) {
		text = decode(db_text(st, 2), &s->text);
		wbuf_reset(&s->words);
		words_add(&s->words, text.p, text.len);
		if (terms_match(&s->terms, wbuf_data(&s->words),
		    s->words.len))
			add(s, st, entry);
	}
	return r;
}

static void
add(struct search *s, sqlite3_stmt *st, int entry)
{
	struct match *m;

	if (s->nfound == s->size) {
		s->size = s->size * 2 + 64;
		s->found = xreallocarray(s->found, s->size,
		    sizeof(*s->found));
	}
	m = &s->found[s->nfound++];
	m->seq = sqlite3_column_int64(st, 0);
	m->ts = sqlite3_column_int64(st, 1);
	m->entry = entry;
}

/* The text of a message, which is kept as the inside of a JSON string. */
static struct slice
decode(struct slice body, struct wbuf *w)
{
	struct json_value v = { body.p, body.len, JS_STRING, 1 };
	long n;

	if (body.len == 0 || memchr(body.p, '\\', body.len) == NULL)
		return body;
	wbuf_reset(w);
	n = json_decode(&v, wbuf_room(w, body.len), body.len);
	w->len = n > 0 ? (size_t)n : 0;
	body.p = wbuf_data(w);
	body.len = w->len;
	return body;
}

static int
newest_first(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? 1 : -1;
	if (x->entry != y->entry)
		return x->entry - y->entry;
	return x->seq < y->seq ? 1 : -1;
}

static int
answer(struct search *s, const struct store_inbox *q, struct store_mail *a,
    struct wbuf *json)
{
	size_t i, limit = q->limit < LIST_MAX ? q->limit : LIST_MAX;
	size_t max = q->max_bytes < LINE_MAX_BYTES ? q->max_bytes :
	    LINE_MAX_BYTES;
	int r = 1;

	if (s->nfound > 0)
		qsort(s->found, s->nfound, sizeof(*s->found), newest_first);
	for (i = 0; i < s->nfound && i < limit && r == 1; i++)
		r = show(s, &s->found[i], max, a, json);
	a->remaining = (uint32_t)(s->nfound - a->count);
	return r == -1 ? -1 : 0;
}

/* Returns 0 if the list is long enough without this one. */
static int
show(struct search *s, const struct match *m, size_t max,
    struct store_mail *a, struct wbuf *json)
{
	void (*write)(struct wbuf *, sqlite3_stmt *, int);
	size_t before = json->len;
	sqlite3_stmt *st;

	write = m->entry ? write_entry : mailbox_write;
	st = db_select(s->db, m->entry ? Q_SHOW_ENTRY : Q_SHOW_MAIL, "i",
	    m->seq);
	if (st == NULL || db_step(s->db, st) != 1)
		return -1;
	write(json, st, 0);
	if (json->len + 1 > max) {
		json->len = before;
		if (a->count == 0)
			write(json, st, 1);
	}
	db_done(st);
	if (json->len == before)
		return 0;
	a->count++;
	return 1;
}

/* Columns are those of Q_SHOW_ENTRY. */
static void
write_entry(struct wbuf *w, sqlite3_stmt *st, int too_long)
{
	struct slice group = db_text(st, 0), from = db_text(st, 2);
	struct slice body = db_text(st, 3);
	char id[NAME_SIZE + 24], ts[ISO8601_SIZE], text[TOO_LONG_SIZE];

	if (too_long)
		body = mailbox_too_long(body, text);
	snprintf(id, sizeof(id), "%.*s#%" PRId64, (int)group.len, group.p,
	    (int64_t)sqlite3_column_int64(st, 1));
	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "msg_id", id);
	json_put_strn(w, "from", from.p, from.len);
	json_put_raw(w, "text", body);
	json_put_null(w, "reply_to");
	time_iso8601(sqlite3_column_int64(st, 4), ts);
	json_put_str(w, "ts", ts);
	json_put_strn(w, "group", group.p, group.len);
	if (sqlite3_column_int(st, 5))
		json_put_str(w, "type", "system");
	json_end(w, '}');
}

int
search_step(struct boxes *bx, int *more)
{
	struct db *db = boxes_db(bx);
	int64_t clear;
	int again = 0;

	*more = 0;
	if (!db_has_index(db))
		return 0;
	if (get_meta(db, CLEAR, &clear) == -1)
		return -1;
	if (clear && (db_run(db, Q_INDEX_CLEAR, "") == -1 ||
	    set_meta(db, CLEAR, 0) == -1))
		return -1;
	if (index_some(bx, MAIL, more) == -1 ||
	    index_some(bx, ENTRIES, &again) == -1)
		return -1;
	*more |= again;
	return *more ? 0 : check_live(bx);
}

/* Numbers are given in the order of time, so that what is new comes last. */
static int
index_some(struct boxes *bx, int place, int *more)
{
	static const struct {
		const char	*pos;
		enum query	 next, take;
	} places[] = {
		[MAIL] = { POS_MAIL, Q_NEXT_MAIL, Q_TAKE_MAIL },
		[ENTRIES] = { POS_ENTRIES, Q_NEXT_ENTRY, Q_TAKE_ENTRIES },
	};
	struct db *db = boxes_db(bx);
	struct wbuf text = { 0 }, words = { 0 };
	int64_t pos, first = 0, last, docs;
	size_t bytes = 0;
	sqlite3_stmt *st;
	int r;

	if (get_meta(db, places[place].pos, &pos) == -1 ||
	    get_meta(db, DOCS, &docs) == -1 ||
	    db_value(db, &first, places[place].next, "i", pos) == -1)
		return -1;
	if (first == 0)
		return 0;
	last = first + STEP_ROWS - 1;
	st = db_select(db, places[place].take, "ii", first, last + 1);
	if (st == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		if (index_row(db, st, place, &text, &words) == -1)
			break;
		docs++;
		pos = sqlite3_column_int64(st, 0);
		bytes += words.len;
		if (bytes >= STEP_BYTES) {
			last = pos;
			db_done(st);
			r = 0;
			break;
		}
	}
	wbuf_free(&text);
	wbuf_free(&words);
	if (r != 0)
		return -1;
	/* nothing that is still to come may be left behind */
	if (place == MAIL && last > boxes_last_seq(bx))
		last = boxes_last_seq(bx);
	else if (place == ENTRIES)
		last = pos > first ? pos : first;
	*more = 1;
	return set_meta(db, places[place].pos, last) == -1 ? -1 :
	    set_meta(db, DOCS, docs);
}

static int
index_row(struct db *db, sqlite3_stmt *st, int place, struct wbuf *text,
    struct wbuf *words)
{
	int64_t seq = sqlite3_column_int64(st, 0);
	struct wbuf marked = { 0 };
	char name[PLACE_SIZE];
	struct slice s;
	int r;

	place_name(name, place, sqlite3_column_int64(st, 1));
	s = decode(db_text(st, 2), text);
	wbuf_reset(words);
	words_add(words, s.p, s.len);
	words_mark(&marked, name, wbuf_data(words), words->len);
	s.p = wbuf_data(&marked);
	s.len = marked.len;
	r = db_run(db, Q_INDEX_ADD, "il", seq * 2 + (place == ENTRIES), s);
	wbuf_free(&marked);
	return r;
}

/*
 * Now and then, counts how much of what the index has is still there; that
 * is looked at again when it has doubled.
 */
static int
check_live(struct boxes *bx)
{
	struct db *db = boxes_db(bx);
	int64_t docs, live, mail, entries;

	if (get_meta(db, DOCS, &docs) == -1 || get_meta(db, LIVE, &live) == -1)
		return -1;
	if (docs <= 2 * live + STALE_MIN)
		return 0;
	if (db_value(db, &mail, Q_LIVE_MAIL, "") == -1 ||
	    db_value(db, &entries, Q_LIVE_ENTRIES, "") == -1)
		return -1;
	live = mail + entries;
	if (docs > 2 * live + STALE_MIN)
		return search_reset(bx);
	return set_meta(db, LIVE, live);
}

int
search_reset(struct boxes *bx)
{
	struct db *db = boxes_db(bx);

	if (set_meta(db, POS_MAIL, 0) == -1 ||
	    set_meta(db, POS_ENTRIES, 0) == -1 ||
	    set_meta(db, DOCS, 0) == -1 || set_meta(db, LIVE, 0) == -1 ||
	    set_meta(db, CLEAR, 1) == -1)
		return -1;
	return db_run(db, Q_SCAN_TO_RESET, "");
}

int
search_merged(struct boxes *bx, int64_t box)
{
	struct db *db = boxes_db(bx);
	int64_t pos;

	if (get_meta(db, POS_MAIL, &pos) == -1)
		return -1;
	return db_run(db, Q_SCAN_TO_SET, "ii", box, pos);
}
