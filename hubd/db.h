/* SPDX-License-Identifier: ISC */
/*
 * The store's database, relay.db in the data directory: opening it, schema,
 * transactions, what to do when it is damaged.  A call that fails returns -1
 * and has been logged, a standing fault not more than once in a while; the
 * transaction must then be rolled back.
 */
#ifndef DB_H
#define DB_H

#include <stdint.h>

#include "buf.h"

#include <sqlite3.h>

#define DB_FILE		"relay.db"

/* Statements, all prepared when the database is opened: dbsql.c. */
enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	/* box.c */
	Q_LAST_SEQ,
	Q_COUNT_MAILBOXES,
	Q_COUNT_KEPT,
	Q_PEER,
	Q_PEER_BY_ALIAS,
	Q_PEER_ADD,
	Q_PEER_OPEN,
	Q_PEER_OWNER,
	Q_PEER_DROPPED,
	Q_BOX_COUNT,
	/* mailbox.c */
	Q_REPEAT,
	Q_APPEND,
	Q_OLDEST_UNSEEN,
	Q_OLDEST_SEEN,
	Q_FORGET,
	Q_EXPIRE,
	Q_SINCE,
	Q_RECENT,
	Q_COUNT_BEHIND,
	Q_LIST_UNSEEN,
	Q_LIST_SEEN,
	Q_BY_SEQ,
	Q_BY_ID,
	Q_MARK,
	Q_STATUS,
	Q_FORGET_SEEN,
	Q_STEP_BEGIN,
	Q_STEP_END,
	Q_STEP_DELETE,
	Q_OLD_BOXES,
	Q_OLD_MESSAGES,
	Q_MAILBOXES,
	Q_MESSAGE,
	/* copier.c */
	Q_COUNT_COPIED,
	Q_COUNT_ENTRIES,
	/* outbox.c */
	Q_HUB,
	Q_HUB_COUNT,
	Q_HUB_ADD,
	Q_HUB_SEEN,
	Q_HUB_OLDEST,
	Q_HUB_DROP,
	Q_HUBS,
	Q_NAMES,
	Q_OUT_COUNT,
	Q_OUT_APPEND,
	Q_OUT_LIST,
	Q_OUT_DONE,
	Q_OUT_BY_SEQ,
	Q_OUT_BY_ID,
	Q_OUT_OLD,
	/* keystore.c */
	Q_KEYS,
	Q_KEYS_OF,
	Q_KEY_COUNT,
	Q_KEY_ADD,
	Q_KEY_SEEN,
	Q_KEY_REFUSE,
	Q_KEY_DROP,
	Q_KEY_DROP_PENDING,
	Q_KEY_DROP_OLDEST,
	/* tokenstore.c */
	Q_TOKENS,
	Q_TOKEN,
	Q_TOKEN_SET,
	/* people.c */
	Q_REGISTER,
	Q_GONE,
	Q_PEER_RENAME,
	Q_PEER_NAME,
	Q_PEER_REMOVE,
	Q_MERGE_MESSAGES,
	Q_MERGE_ALIASES,
	Q_MERGE_MEMBERS,
	Q_MERGE_REST,
	Q_MERGE_ADMINS,
	Q_MERGE_ENTRIES,
	Q_ALIAS_SET,
	Q_ALIAS_TRIM,
	Q_ALIAS_END,
	Q_ALIASES,
	Q_SESSIONS,
	Q_CLEAN_LIST,
	Q_PEER_FORGET,
	Q_ALIAS_FORGET,
	Q_COUNT_NAMES,
	Q_PURGE_NAMES,
	/* groups.c, groupops.c */
	Q_COUNT_GROUPS,
	Q_GROUP,
	Q_GROUP_NAMES,
	Q_GROUPS_OF,
	Q_GROUP_ADD,
	Q_GROUP_REMOVE,
	Q_MEMBERS,
	Q_MEMBER_ADD,
	Q_MEMBER_READ,
	Q_MEMBER_REMOVE,
	Q_MEMBERS_REMOVE,
	Q_ENTRY_ADD,
	Q_ENTRIES_REMOVE,
	Q_ENTRIES,
	/* import.c, search.c */
	Q_META,
	Q_META_SET,
	Q_META_FORGET,
	Q_GROUP_BASE,
	Q_MEMBER_SET,
	/* search.c */
	Q_SCAN_TO,
	Q_SCAN_TO_SET,
	Q_SCAN_TO_RESET,
	Q_SINCE_TS,
	Q_MY_GROUPS,
	Q_SCAN_MAIL,
	Q_SCAN_ENTRIES,
	Q_SHOW_MAIL,
	Q_SHOW_ENTRY,
	Q_NEXT_MAIL,
	Q_NEXT_ENTRY,
	Q_TAKE_MAIL,
	Q_TAKE_ENTRIES,
	Q_LAST_ENTRY,
	Q_LIVE_MAIL,
	Q_LIVE_ENTRIES,
	Q_FTS_FIRST,		/* from here on: if there is an index */
	Q_FIND_MAIL = Q_FTS_FIRST,
	Q_FIND_ENTRIES,
	Q_INDEX_ADD,
	Q_INDEX_CLEAR,
	Q_MAX
};

extern const char *const	db_queries[Q_MAX];
/* One string of statements for each version: [0] makes an empty file 1. */
extern const char *const	db_migrations[];
extern const int		db_version;	/* the newest */
/* The index for searching, and what to do when it is damaged. */
extern const char		db_index[], db_index_renew[];

struct db;

/* sync_full: each commit survives a power cut.  Nothing is opened yet. */
struct db	*db_new(const char *dir, int sync_full);
/* From the next transaction on; not within one. */
void		 db_set_sync(struct db *, int sync_full);
/* The process has that directory as its root now. */
void		 db_is_in_root(struct db *);
/* Commits nothing; writes the log back into the file and closes it. */
void		 db_free(struct db *);
/*
 * Opens the file unless it is open.  A damaged one is set aside under a name
 * with the date and a new one begun.  Returns 0, 1 if it has been opened by
 * this call, -1 if it cannot be (tried again by a later call, once a second).
 */
int		 db_open(struct db *);
/* Begins a transaction unless one has begun. */
int		 db_begin(struct db *);
/* Ends it, if there is one; when this returns 0 all is on disk. */
int		 db_commit(struct db *);
/* Undoes it.  A file found damaged is set aside, too. */
void		 db_rollback(struct db *);

/*
 * Each letter of fmt is an argument: i int64_t, d int, s string, l struct
 * slice, n (no argument) NULL.
 *
 * db_run executes a statement without a result.  db_value reads one integer:
 * 1, or 0 if there was no row.  db_select binds only; db_step yields a row
 * (1) or the end (0).  A statement that is not stepped to its end must be
 * given to db_done.
 */
int		 db_run(struct db *, enum query, const char *fmt, ...);
int		 db_value(struct db *, int64_t *, enum query, const char *fmt,
		    ...);
sqlite3_stmt	*db_select(struct db *, enum query, const char *fmt, ...);
int		 db_step(struct db *, sqlite3_stmt *);
void		 db_done(sqlite3_stmt *);
struct slice	 db_text(sqlite3_stmt *, int column);
/* Rows that the last db_run has changed; id of the row it has added. */
uint32_t	 db_changes(struct db *);
int64_t		 db_last_id(struct db *);

/*
 * Between transactions: copies the log back into the file when it has grown
 * long enough.
 */
void		 db_checkpoint(struct db *);
int		 db_checkpoint_due(const struct db *);
/* Gives free space back to the file system. */
void		 db_tidy(struct db *);

/* Bytes that a copy would have; -1: not known. */
int64_t		 db_size(struct db *);
/*
 * Between transactions: begins to copy it to that connection, which must stay
 * open until db_copy_end().  A step copies so many pages; 1: there are more,
 * 0: all is there, -1: failed, on either side, or the database has been closed.
 * db_copy_end() does nothing without a copy; -1 if that one is not complete.
 */
int		 db_copy_begin(struct db *, sqlite3 *);
int		 db_copy_step(struct db *, int pages);
int		 db_copy_end(struct db *);

/*
 * 1 if there is an index for searching and it works.  There is none where
 * SQLite is without FTS5; one that is found damaged while it is used is none
 * any more, and that call fails without a fault of the database.
 */
int		 db_has_index(const struct db *);
/* Between transactions: makes a new index in place of a damaged one. */
void		 db_renew_index(struct db *);

/* Of this process; times in microseconds, of commits that change something. */
struct db_stats {
	uint64_t	 commits, commit_time, commit_max;
	uint64_t	 file_size, log_size;		/* bytes, now */
};
void		 db_stats(const struct db *, struct db_stats *);

#endif
