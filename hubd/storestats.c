/* SPDX-License-Identifier: ISC */
/*
 * Statistics of the store.
 */
#include "compat.h"

#include "box.h"
#include "db.h"
#include "log.h"
#include "statproto.h"
#include "storestats.h"
#include "timeutil.h"

/* took that long: not again before that many times as long */
#define LONG_MS		20
#define REST		100

static int	count_messages(struct storestats *, struct db *);

/*
 * Whoever asks each second must not keep the store from its work, however many
 * messages there are.
 */
static int
count_messages(struct storestats *st, struct db *db)
{
	int64_t now = time_mono_ms();
	sqlite3_stmt *q;

	if (st->took > LONG_MS && now - st->counted < st->took * REST)
		return 0;
	q = db_select(db, Q_COUNT_KEPT, "");
	if (q == NULL || db_step(db, q) != 1)
		return -1;
	st->messages = (uint64_t)sqlite3_column_int64(q, 0);
	st->unread = st->messages - (uint64_t)sqlite3_column_int64(q, 1);
	db_done(q);
	st->counted = time_mono_ms();
	st->took = st->counted - now;
	return 0;
}

int
storestats_get(struct storestats *st, struct boxes *bx,
    struct store_counts *a)
{
	struct db_stats db;

	if (count_messages(st, boxes_db(bx)) == -1)
		return -1;
	db_stats(boxes_db(bx), &db);
	a->v[STAT_REQUESTS] = st->requests;
	a->v[STAT_COMMITS] = db.commits;
	a->v[STAT_COMMIT_TIME] = db.commit_time;
	a->v[STAT_COMMIT_MAX] = db.commit_max;
	a->v[STAT_FAILURES] = st->failures;
	a->v[STAT_FILE_SIZE] = db.file_size;
	a->v[STAT_LOG_SIZE] = db.log_size;
	a->v[STAT_MAILBOXES] = (uint64_t)boxes_count(bx);
	a->v[STAT_MESSAGES] = st->messages;
	a->v[STAT_UNREAD] = st->unread;
	return 0;
}

void
storestats_log(const struct storestats *st, const struct db *db)
{
	struct db_stats s;

	db_stats(db, &s);
	log_info("%llu requests in %llu commits of %llu ms, the longest %llu "
	    "ms; %llu transactions failed; %llu KiB, log %llu KiB",
	    (unsigned long long)st->requests, (unsigned long long)s.commits,
	    (unsigned long long)s.commit_time / 1000,
	    (unsigned long long)s.commit_max / 1000,
	    (unsigned long long)st->failures,
	    (unsigned long long)s.file_size / 1024,
	    (unsigned long long)s.log_size / 1024);
}
