/* SPDX-License-Identifier: ISC */
/*
 * Names and how full their mailboxes are.
 */
#include "compat.h"

#include <stdlib.h>

#include "box.h"
#include "db.h"
#include "map.h"
#include "timeutil.h"

#define CACHE_SPARE	10000	/* names without a mailbox in memory */

struct boxes {
	struct db	*db;
	struct map	*map;		/* name -> struct box */
	uint32_t	 keep, max;
	int64_t		 mailboxes;
	int64_t		 last_seq;
	int64_t		 began;		/* ms since 1970 */
	unsigned	 generation;
	int		 ready;
};

static void	drop_cache(struct boxes *);
static int	look_up(struct boxes *, enum query, const char *,
		    struct box **);
static int	add(struct boxes *, const char *, int, struct box **);

struct boxes *
boxes_new(struct db *db, uint32_t keep, uint32_t max_mailboxes)
{
	struct boxes *bx = xcalloc(1, sizeof(*bx));

	bx->db = db;
	bx->began = time_now_ms();
	bx->map = map_new();
	bx->keep = keep > 0 ? keep : 1;
	bx->max = max_mailboxes;
	return bx;
}

void
boxes_free(struct boxes *bx)
{
	if (bx == NULL)
		return;
	drop_cache(bx);
	map_free(bx->map);
	free(bx);
}

struct db *
boxes_db(struct boxes *bx)
{
	return bx->db;
}

uint32_t
boxes_keep(const struct boxes *bx)
{
	return bx->keep;
}

static void
drop_cache(struct boxes *bx)
{
	size_t pos = 0;
	void *box;

	while ((box = map_next(bx->map, &pos)) != NULL)
		free(box);
	map_free(bx->map);
	bx->map = map_new();
}

void
boxes_forget(struct boxes *bx)
{
	drop_cache(bx);
	bx->generation++;
	bx->ready = 0;
}

unsigned
boxes_generation(const struct boxes *bx)
{
	return bx->generation;
}

int
boxes_ready(struct boxes *bx)
{
	if (map_count(bx->map) > (size_t)bx->max + CACHE_SPARE)
		drop_cache(bx);
	if (bx->ready)
		return 0;
	if (db_value(bx->db, &bx->last_seq, Q_LAST_SEQ, "") != 1 ||
	    db_value(bx->db, &bx->mailboxes, Q_COUNT_MAILBOXES, "") != 1)
		return -1;
	bx->ready = 1;
	return 0;
}

int
boxes_is_old(const struct boxes *bx, int64_t ts)
{
	return ts < bx->began;
}

int64_t
boxes_next_seq(struct boxes *bx)
{
	return ++bx->last_seq;
}

int64_t
boxes_last_seq(const struct boxes *bx)
{
	return bx->last_seq;
}

int64_t
boxes_count(const struct boxes *bx)
{
	return bx->mailboxes;
}

int
boxes_full(const struct boxes *bx)
{
	return bx->mailboxes >= bx->max;
}

/* Reads a name that is not in memory; the query yields id ... name. */
static int
look_up(struct boxes *bx, enum query q, const char *name, struct box **res)
{
	sqlite3_stmt *st;
	struct box *box;
	struct slice real;
	int r;

	st = db_select(bx->db, q, "s", name);
	if (st == NULL || (r = db_step(bx->db, st)) == -1)
		return -1;
	if (r == 0)
		return 0;
	real = db_text(st, 3);
	if ((box = map_get(bx->map, real.p, real.len)) == NULL) {
		box = xcalloc(1, sizeof(*box));
		box->id = sqlite3_column_int64(st, 0);
		box->mailbox = sqlite3_column_int(st, 1) != 0;
		box->dropped = (uint32_t)sqlite3_column_int64(st, 2);
		(void)slice_copy(real, box->name, sizeof(box->name));
		(void)map_sets(bx->map, box->name, box);
	}
	db_done(st);
	*res = box;
	return 1;
}

static int
add(struct boxes *bx, const char *name, int mailbox, struct box **res)
{
	struct box *box;

	if (db_run(bx->db, Q_PEER_ADD, "sd", name, mailbox) == -1)
		return -1;
	box = xcalloc(1, sizeof(*box));
	box->id = db_last_id(bx->db);
	box->mailbox = mailbox != 0;
	box->counted = 1;
	(void)strlcpy(box->name, name, sizeof(box->name));
	(void)map_sets(bx->map, box->name, box);
	bx->mailboxes += mailbox;
	*res = box;
	return 1;
}

int
box_exact(struct boxes *bx, const char *name, struct box **res)
{
	if ((*res = map_gets(bx->map, name)) != NULL)
		return 1;
	return look_up(bx, Q_PEER, name, res);
}

int
box_find(struct boxes *bx, const char *name, struct box **res)
{
	int r = box_exact(bx, name, res);

	return r != 0 ? r : look_up(bx, Q_PEER_BY_ALIAS, name, res);
}

int
box_sender(struct boxes *bx, const char *name, struct box **res)
{
	int r = box_find(bx, name, res);

	return r != 0 ? r : add(bx, name, 0, res);
}

int
box_mailbox(struct boxes *bx, const char *name, struct box **res)
{
	int r = box_find(bx, name, res);

	if (r == -1 || (r == 1 && (*res)->mailbox))
		return r;
	if (boxes_full(bx))
		return 0;
	if (r == 0)
		return add(bx, name, 1, res);
	if (db_run(bx->db, Q_PEER_OPEN, "i", (*res)->id) == -1)
		return -1;
	(*res)->mailbox = 1;
	bx->mailboxes++;
	return 1;
}

int
box_count(struct boxes *bx, struct box *box)
{
	sqlite3_stmt *st;
	int64_t seen;

	if (box->counted)
		return 0;
	st = db_select(bx->db, Q_BOX_COUNT, "i", box->id);
	if (st == NULL || db_step(bx->db, st) != 1)
		return -1;
	box->count = (uint32_t)sqlite3_column_int64(st, 0);
	seen = sqlite3_column_int64(st, 1);
	box->unread = box->count - (uint32_t)seen;
	box->counted = 1;
	db_done(st);
	return 0;
}

int
box_set_dropped(struct boxes *bx, struct box *box, uint32_t dropped)
{
	if (db_run(bx->db, Q_PEER_DROPPED, "ii", box->id,
	    (int64_t)dropped) == -1)
		return -1;
	box->dropped = dropped;
	return 0;
}
