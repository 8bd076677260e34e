/* SPDX-License-Identifier: ISC */
/*
 * The keys of other hubs.  A hub has at most one that is trusted, and one that
 * is pending; or all of its keys are refused.  One that was linked over the LAN
 * without telling a key has a row without one: no first sight is enough for it.
 */
#include "compat.h"

#include "db.h"
#include "keystore.h"

#define SEEN_MS		60000	/* so exact is the time of the last sight */
#define AROUND_MS	(24 * 3600 * 1000)	/* worth keeping */
#define LIST_BYTES	(3 * 1024 * 1024)

/* What there is of one hub. */
struct known {
	int		 rows, refused, awaited;
	int		 known, same;		/* the key asked for, trusted */
	int		 only_seen;		/* the trusted one */
	int64_t		 last_seen, first_seen;	/* of that key */
	char		 trusted[LINK_KEY_SIZE];
	char		 pending[LINK_KEY_SIZE];
	char		 any[LINK_KEY_SIZE];	/* of so many keys */
	int		 keys;
};

static int	look(struct db *, const struct store_key *, struct known *);
static void	take(struct known *, const struct store_key *,
		    const struct store_key_info *);
static int	make_room(struct db *);
static int	check(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	set(struct db *, const struct store_key *,
		    enum key_state, int64_t, int64_t);
static int	trust(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	trust_known(struct db *, const struct store_key *,
		    const struct known *, struct store_key_done *);
static int	pair(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	forget(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	linked(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	distrust(struct db *, const struct store_key *,
		    struct store_key_done *);
static int	get_row(sqlite3_stmt *, struct store_key_info *);

int
keystore_do(struct db *db, const struct store_key *q,
    struct store_key_done *a)
{
	a->status = STORE_OK;
	a->verdict = KEY_FAILED;
	a->key[0] = '\0';
	switch (q->op) {
	case KEY_CHECK:
		return check(db, q, a);
	case KEY_TRUST:
		return trust(db, q, a);
	case KEY_MAY_PAIR:
	case KEY_PAIR:
		return pair(db, q, a);
	case KEY_LINKED:
		return linked(db, q, a);
	case KEY_DISTRUST:
		return distrust(db, q, a);
	case KEY_FORGET:
		return forget(db, q, a);
	}
	return -1;
}

/* 0, or -1: it is not what was written. */
static int
get_row(sqlite3_stmt *st, struct store_key_info *m)
{
	int state = sqlite3_column_int(st, 2);

	if (slice_copy(db_text(st, 0), m->hub, sizeof(m->hub)) == -1 ||
	    slice_copy(db_text(st, 1), m->key, sizeof(m->key)) == -1 ||
	    state < KEY_TRUSTED || state > KEY_SEEN)
		return -1;
	m->state = (enum key_state)state;
	m->first_seen = sqlite3_column_int64(st, 3);
	m->last_seen = sqlite3_column_int64(st, 4);
	return 0;
}

static int
look(struct db *db, const struct store_key *q, struct known *k)
{
	struct store_key_info m;
	sqlite3_stmt *st;
	int r;

	memset(k, 0, sizeof(*k));
	if ((st = db_select(db, Q_KEYS_OF, "s", q->hub)) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		if (get_row(st, &m) == 0)
			take(k, q, &m);
	}
	return r;
}

static void
take(struct known *k, const struct store_key *q,
    const struct store_key_info *m)
{
	k->rows++;
	if (m->state == KEY_REFUSED)
		k->refused = 1;
	else if (m->state == KEY_AWAITED)
		k->awaited = 1;
	else
		strlcpy(m->state == KEY_PENDING ? k->pending : k->trusted,
		    m->key, LINK_KEY_SIZE);
	if (m->state == KEY_SEEN)
		k->only_seen = 1;
	if (m->key[0] != '\0') {
		strlcpy(k->any, m->key, sizeof(k->any));
		k->keys++;
	}
	if (strcmp(m->key, q->key) == 0) {
		k->known = 1;
		k->same = m->state == KEY_TRUSTED || m->state == KEY_SEEN;
		k->first_seen = m->first_seen;
		k->last_seen = m->last_seen;
	}
}

/*
 * For the key of one more hub: 1; 0 if there are too many.  One that nobody
 * has trusted makes room; then one of a hub that was only seen: rather of one
 * that has just been made up than of one that has been around for long.
 */
static int
make_room(struct db *db)
{
	int64_t n;

	if (db_value(db, &n, Q_KEY_COUNT, "") != 1)
		return -1;
	if (n < KEYSTORE_HUBS_MAX)
		return 1;
	if (db_run(db, Q_KEY_DROP_OLDEST, "iii", (int64_t)KEY_PENDING,
	    (int64_t)KEY_SEEN, (int64_t)AROUND_MS) == -1)
		return -1;
	return db_changes(db) > 0;
}

/* In place of all others of the hub, or beside the trusted one. */
static int
set(struct db *db, const struct store_key *q, enum key_state state,
    int64_t first_seen, int64_t last_seen)
{
	if (db_run(db, state == KEY_PENDING ? Q_KEY_DROP_PENDING : Q_KEY_DROP,
	    state == KEY_PENDING ? "si" : "s", q->hub,
	    (int64_t)KEY_PENDING) == -1)
		return -1;
	return db_run(db, Q_KEY_ADD, "ssiii", q->hub, q->key, (int64_t)state,
	    first_seen != 0 ? first_seen : q->now, last_seen);
}

static int
check(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	struct known k;
	int room = 1;

	if (look(db, q, &k) == -1)
		return -1;
	if (k.refused) {
		a->verdict = KEY_DISTRUSTED;
	} else if (q->key[0] == '\0') {
		a->verdict = k.rows > 0 ? KEY_OK : KEY_UNKNOWN;
	} else if (k.same) {
		a->verdict = KEY_OK;
		return q->now - k.last_seen < SEEN_MS ? 0 :
		    db_run(db, Q_KEY_SEEN, "ssi", q->hub, q->key, q->now);
	} else {
		if (k.rows == 0 && (room = make_room(db)) == -1)
			return -1;
		if (!room)
			return 0;
		a->verdict = k.trusted[0] != '\0' ? KEY_CHANGED :
		    q->strict || k.awaited ? KEY_UNKNOWN : KEY_NEW;
		return set(db, q, a->verdict == KEY_NEW ? KEY_SEEN :
		    KEY_PENDING, k.first_seen, q->now);
	}
	return 0;
}

static int
trust(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	struct store_key one = *q;
	struct known k;

	if (look(db, q, &k) == -1)
		return -1;
	if (q->key[0] == '\0') {
		/* of several that are refused, nobody can say which */
		if (k.pending[0] == '\0' && k.keys != 1) {
			a->status = STORE_OTHER;
			return 0;
		}
		strlcpy(one.key, k.pending[0] != '\0' ? k.pending : k.any,
		    sizeof(one.key));
		if (look(db, &one, &k) == -1)
			return -1;
	}
	return trust_known(db, &one, &k, a);
}

static int
trust_known(struct db *db, const struct store_key *q, const struct known *k,
    struct store_key_done *a)
{
	int room = 1;

	if (k->rows == 0 && (room = make_room(db)) == -1)
		return -1;
	if (!room) {
		a->status = STORE_FULL;
		return 0;
	}
	a->verdict = k->same ? KEY_OK : k->trusted[0] != '\0' ? KEY_CHANGED :
	    KEY_NEW;
	strlcpy(a->key, q->key, sizeof(a->key));
	return set(db, q, KEY_TRUSTED, k->first_seen, k->last_seen);
}

/* The other end says which hub it is: it may say that it is any. */
static int
pair(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	struct known k;
	int room = 1;

	if (look(db, q, &k) == -1)
		return -1;
	if (!k.refused && (k.same || (k.trusted[0] == '\0' && !k.awaited &&
	    !q->strict))) {
		a->verdict = k.same ? KEY_OK : KEY_NEW;
		return q->op == KEY_PAIR ? trust_known(db, q, &k, a) : 0;
	}
	a->status = STORE_OTHER;
	a->verdict = k.refused ? KEY_DISTRUSTED : k.trusted[0] != '\0' ?
	    KEY_CHANGED : KEY_UNKNOWN;
	if (k.rows == 0 && (room = make_room(db)) == -1)
		return -1;
	/* one that is refused stays so */
	return !room || (k.refused && k.known) ? 0 :
	    set(db, q, KEY_PENDING, k.first_seen, q->now);
}

/* Who has the LAN's secret is that hub; what a relay showed may not be. */
static int
linked(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	struct known k;
	int room = 1;

	if (look(db, q, &k) == -1)
		return -1;
	if (k.refused) {
		a->verdict = KEY_DISTRUSTED;
		return 0;
	}
	a->verdict = k.trusted[0] == '\0' ? KEY_UNKNOWN : KEY_OK;
	if (q->key[0] == '\0') {
		if (k.trusted[0] != '\0' || k.awaited)
			return 0;
		if (k.rows == 0 && (room = make_room(db)) == -1)
			return -1;
		if (!room)
			a->status = STORE_FULL;
		return !room ? 0 : db_run(db, Q_KEY_ADD, "ssiii", q->hub, "",
		    (int64_t)KEY_AWAITED, q->now, q->now);
	}
	if (k.trusted[0] != '\0' && !k.same && !k.only_seen) {
		a->status = STORE_OTHER;
		a->verdict = KEY_CHANGED;
		return set(db, q, KEY_PENDING, k.first_seen, q->now);
	}
	k.last_seen = q->now;
	return trust_known(db, q, &k, a);
}

static int
distrust(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	struct store_key none = *q;
	struct known k;
	int room = 1;

	if (look(db, q, &k) == -1)
		return -1;
	none.key[0] = '\0';
	if (k.rows > 0)
		return db_run(db, Q_KEY_REFUSE, "si", q->hub,
		    (int64_t)KEY_REFUSED);
	if ((room = make_room(db)) == -1)
		return -1;
	if (!room) {
		a->status = STORE_FULL;
		return 0;
	}
	return set(db, &none, KEY_REFUSED, 0, 0);
}

static int
forget(struct db *db, const struct store_key *q, struct store_key_done *a)
{
	if (db_run(db, Q_KEY_DROP, "s", q->hub) == -1)
		return -1;
	if (db_changes(db) == 0)
		a->status = STORE_OTHER;
	return 0;
}

int
keystore_list(struct db *db, struct store_key_list *a, struct wbuf *list)
{
	struct store_key_info m;
	sqlite3_stmt *st;
	int r;

	if ((st = db_select(db, Q_KEYS, "")) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		if (get_row(st, &m) == -1 || m.state == KEY_AWAITED)
			continue;
		store_key_info_put(list, &m);
		a->n++;
		if (list->len > LIST_BYTES) {
			db_done(st);
			r = 0;
			break;
		}
	}
	a->keys.p = wbuf_data(list);
	a->keys.len = list->len;
	return r;
}
