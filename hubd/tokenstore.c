/* SPDX-License-Identifier: ISC */
/*
 * The tokens of users, as the store keeps them.
 */
#include "compat.h"

#include "db.h"
#include "tokenstore.h"

int
tokenstore_set(struct db *db, const struct store_token *q,
    struct store_token_set *a)
{
	sqlite3_stmt *st;
	int r = 0;

	strlcpy(a->token, q->token, sizeof(a->token));
	if (!q->renew) {
		st = db_select(db, Q_TOKEN, "i", (int64_t)q->owner);
		if (st == NULL || (r = db_step(db, st)) == -1)
			return -1;
	}
	if (r == 0)
		return db_run(db, Q_TOKEN_SET, "is", (int64_t)q->owner,
		    q->token);
	r = slice_copy(db_text(st, 0), a->token, sizeof(a->token));
	db_done(st);
	return r;
}

int
tokenstore_all(struct db *db,
    void (*tell)(const struct store_token *, void *), void *arg)
{
	struct store_token t = { 0 };
	sqlite3_stmt *st;
	int r;

	if ((st = db_select(db, Q_TOKENS, "")) == NULL)
		return -1;
	while ((r = db_step(db, st)) == 1) {
		t.owner = (uint32_t)sqlite3_column_int64(st, 0);
		if (slice_copy(db_text(st, 1), t.token, sizeof(t.token)) == 0)
			tell(&t, arg);
	}
	explicit_bzero(&t, sizeof(t));
	return r;
}
