/* SPDX-License-Identifier: ISC */
/*
 * relay.db: opening, schema, transactions, damage.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "db.h"
#include "log.h"
#include "timeutil.h"

#define RETRY_MS	1000		/* between attempts to open */
#define LOG_AGAIN_MS	60000		/* the same fault is logged again */
#define ASIDE_MS	10000		/* two damaged files are too many */
#define BUSY_MS		2000
#define WAL_PAGES	1000	/* of the log: then a checkpoint */
#define CHECK_MAX	(4 * 1024 * 1024)	/* a file checked at start */

#define PATH_SIZE	(CONF_PATH_MAX + 64)

struct db {
	sqlite3		*conn;		/* NULL: not open */
	sqlite3_stmt	*st[Q_MAX];
	char		 path[PATH_SIZE];	/* to open it */
	char		 name[PATH_SIZE];	/* for the log */
	int		 sync_full;
	int		 in_transaction;
	int		 opening;
	int		 damaged;	/* found so: to be set aside */
	int		 has_index;
	int		 index_damaged;	/* found so: to be made anew */
	int		 faulty;	/* not working, and logged */
	int64_t		 logged;	/* when; by the monotonic clock */
	int64_t		 tried;		/* to open; likewise */
	int64_t		 set_aside;	/* a damaged one; likewise */
	int64_t		 checkpointed;	/* without success; likewise */
	int64_t		 changes;	/* when the transaction began */
	int		 wal_pages;
	struct db_stats	 stats;		/* but for the sizes */
};

static int	open_file(struct db *);
static int	is_sound(struct db *);
static int	configure(struct db *);
static int	migrate(struct db *);
static int	prepare(struct db *);
static void	open_index(struct db *);
static void	close_index(struct db *);
static void	close_file(struct db *);
static int	set_aside(struct db *);
static int	move_aside(const char *, const char *, const char *);
static int	execute(struct db *, const char *);
static int	pragma_text(struct db *, const char *, char *, size_t);
static int	bind(struct db *, sqlite3_stmt *, const char *, va_list);
static int	finish(struct db *, enum query);
static int	fault(struct db *, const char *);
static int	on_wal(void *, sqlite3 *, const char *, int);
static void	count_commit(struct db *, int64_t);
static uint64_t	size_of(const struct db *, const char *);

struct db *
db_new(const char *dir, int sync_full)
{
	struct db *db = xcalloc(1, sizeof(*db));
	uint64_t seed;

	/* opens the random device now: it is out of reach later */
	sqlite3_randomness(sizeof(seed), &seed);
	snprintf(db->path, sizeof(db->path), "%s/%s", dir, DB_FILE);
	strlcpy(db->name, db->path, sizeof(db->name));
	db->sync_full = sync_full;
	db->tried = db->checkpointed = -RETRY_MS;
	db->set_aside = -ASIDE_MS;
	return db;
}

void
db_is_in_root(struct db *db)
{
	strlcpy(db->path, "/" DB_FILE, sizeof(db->path));
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	db_rollback(db);
	close_file(db);
	free(db);
}

int
db_open(struct db *db)
{
	int64_t now;

	if (db->conn != NULL)
		return 0;
	now = time_mono_ms();
	if (now - db->tried < RETRY_MS)
		return -1;
	db->tried = now;
	if (open_file(db) == -1) {
		if (!db->damaged || set_aside(db) == -1 ||
		    open_file(db) == -1) {
			close_file(db);
			return -1;
		}
	}
	if (db->faulty)
		log_info("%s: opened", db->name);
	db->faulty = 0;
	return 1;
}

static int
open_file(struct db *db)
{
	int rc;

	db->opening = 1;
	rc = sqlite3_open_v2(db->path, &db->conn, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (db->conn == NULL)
		fatalx("sqlite: out of memory");
	if (rc != SQLITE_OK)
		return fault(db, "open");
	sqlite3_busy_timeout(db->conn, BUSY_MS);
	if (configure(db) == -1 || is_sound(db) == -1 || migrate(db) == -1 ||
	    prepare(db) == -1)
		return -1;
	open_index(db);
	sqlite3_wal_hook(db->conn, on_wal, db);
	db->wal_pages = 0;
	db->opening = 0;
	return 0;
}

/*
 * Exclusive mode comes before all else, so that there is no shared memory
 * file.  Page size and auto_vacuum matter to a new file only.
 */
static int
configure(struct db *db)
{
	static const char before[] =
	    "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA page_size = 4096;"
	    "PRAGMA auto_vacuum = INCREMENTAL;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -1024;"
	    "PRAGMA cell_size_check = ON;"
	    "PRAGMA journal_size_limit = 16777216;"
	    "PRAGMA wal_autocheckpoint = 0;";
	static const char full[] =
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA fullfsync = ON;"
	    "PRAGMA checkpoint_fullfsync = ON;";
	char mode[16];

	if (execute(db, before) == -1 ||
	    pragma_text(db, "PRAGMA journal_mode = WAL", mode,
	    sizeof(mode)) == -1 ||
	    execute(db, db->sync_full ? full :
	    "PRAGMA synchronous = NORMAL;") == -1)
		return -1;
	if (strcmp(mode, "wal") != 0) {
		log_warnx("%s: journal mode is %s", db->name, mode);
		return -1;
	}
	return 0;
}

/* A large file is not read as a whole: damage in it shows when it is used. */
static int
is_sound(struct db *db)
{
	char result[256];
	struct stat sb;

	if (stat(db->path, &sb) == -1 || sb.st_size > CHECK_MAX)
		return 0;
	if (pragma_text(db, "PRAGMA quick_check(1)", result,
	    sizeof(result)) == -1)
		return -1;
	if (strcmp(result, "ok") == 0)
		return 0;
	log_warnx("%s: %s", db->name, result);
	db->damaged = 1;
	return -1;
}

static int
migrate(struct db *db)
{
	char text[32], set[64];
	int version;

	if (pragma_text(db, "PRAGMA user_version", text, sizeof(text)) == -1)
		return -1;
	version = atoi(text);
	if (version < 0 || version > db_version)
		fatalx("%s is of version %d, this program knows up to %d: "
		    "it was written by a newer one", db->name, version,
		    db_version);
	for (; version < db_version; version++) {
		snprintf(set, sizeof(set), "PRAGMA user_version = %d",
		    version + 1);
		if (execute(db, "BEGIN IMMEDIATE") == -1 ||
		    execute(db, db_migrations[version]) == -1 ||
		    execute(db, set) == -1 || execute(db, "COMMIT") == -1)
			return -1;
	}
	return 0;
}

static int
prepare(struct db *db)
{
	int i;

	for (i = 0; i < Q_FTS_FIRST; i++)
		if (sqlite3_prepare_v3(db->conn, db_queries[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &db->st[i], NULL) != SQLITE_OK)
			return fault(db, "prepare");
	return 0;
}

/* Without it the search reads what it has to; nothing else needs it. */
static void
open_index(struct db *db)
{
	int i, rc;

	rc = sqlite3_exec(db->conn, db_index, NULL, NULL, NULL);
	for (i = Q_FTS_FIRST; i < Q_MAX && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(db->conn, db_queries[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &db->st[i], NULL);
	db->has_index = rc == SQLITE_OK;
	if (!db->has_index) {
		log_info("%s: no index for searching: %s", db->name,
		    sqlite3_errmsg(db->conn));
		close_index(db);
	}
}

static void
close_index(struct db *db)
{
	int i;

	for (i = Q_FTS_FIRST; i < Q_MAX; i++) {
		sqlite3_finalize(db->st[i]);
		db->st[i] = NULL;
	}
	db->has_index = 0;
}

int
db_has_index(const struct db *db)
{
	return db->has_index && !db->index_damaged;
}

void
db_renew_index(struct db *db)
{
	if (!db->index_damaged || db->conn == NULL || db->in_transaction)
		return;
	db->index_damaged = 0;
	close_index(db);
	if (sqlite3_exec(db->conn, db_index_renew, NULL, NULL, NULL) !=
	    SQLITE_OK) {
		log_warnx("%s: the index for searching is damaged and cannot "
		    "be made anew: %s", db->name, sqlite3_errmsg(db->conn));
		(void)sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
		return;
	}
	open_index(db);
}

static void
close_file(struct db *db)
{
	int i;

	if (db->conn == NULL)
		return;
	for (i = 0; i < Q_MAX; i++) {
		sqlite3_finalize(db->st[i]);
		db->st[i] = NULL;
	}
	/* what is damaged is left as it is, for whoever wants to look */
	if (db->damaged)
		sqlite3_db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
		    1, NULL);
	if (sqlite3_close(db->conn) != SQLITE_OK)
		fatalx("%s: not closed: %s", db->name,
		    sqlite3_errmsg(db->conn));
	db->conn = NULL;
	db->in_transaction = 0;
	db->has_index = db->index_damaged = 0;
}

/*
 * Gives a damaged file, its log included, another name.  If the one begun in
 * its place does not work either, no third is tried.
 */
static int
set_aside(struct db *db)
{
	static const char *const parts[] = { "-wal", "-shm", "" };
	char from[PATH_SIZE + 8], to[PATH_SIZE + 64], date[32];
	time_t now = time(NULL);
	struct tm tm;
	size_t i, n;

	close_file(db);
	if (time_mono_ms() - db->set_aside < ASIDE_MS)
		fatalx("%s is damaged again", db->name);
	db->set_aside = time_mono_ms();
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	n = (size_t)snprintf(to, sizeof(to), "%s.damaged-%s", db->path, date);
	for (i = 1; access(to, F_OK) == 0 && i < 100; i++)
		snprintf(to + n, sizeof(to) - n, "-%zu", i);
	/* the file itself goes last: until then it is found damaged again */
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", db->path, parts[i]);
		if (move_aside(from, to, parts[i]) == -1)
			return -1;
	}
	db->damaged = 0;
	log_warnx("%s was damaged: it is now %s%s, and a new one is begun; the "
	    "messages in it are no longer in the mailboxes", db->name, db->name,
	    to + strlen(db->path));
	return 0;
}

static int
move_aside(const char *from, const char *base, const char *suffix)
{
	char to[PATH_SIZE + 72];

	snprintf(to, sizeof(to), "%s%s", base, suffix);
	if (rename(from, to) == 0 || (errno == ENOENT && *suffix != '\0'))
		return 0;
	log_warn("%s is damaged, and cannot be renamed to %s", from, to);
	return -1;
}

static int
execute(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->conn, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fault(db, "open");
	return 0;
}

/* The first column of the first row. */
static int
pragma_text(struct db *db, const char *sql, char *dst, size_t size)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db->conn, sql, -1, &st, NULL) != SQLITE_OK)
		return fault(db, "open");
	dst[0] = '\0';
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		strlcpy(dst, (const char *)sqlite3_column_text(st, 0), size);
	if (sqlite3_finalize(st) != SQLITE_OK ||
	    (rc != SQLITE_ROW && rc != SQLITE_DONE))
		return fault(db, "open");
	return 0;
}

/*
 * Notes what kind of error it was.  SQLITE_ERROR from a statement that cannot
 * be prepared means that the tables are not ours.
 */
static int
fault(struct db *db, const char *what)
{
	int rc = sqlite3_errcode(db->conn) & 0xff;
	int err = sqlite3_system_errno(db->conn);
	int64_t now = time_mono_ms();

	/* what is in the index is in the file as well */
	if (sqlite3_extended_errcode(db->conn) == SQLITE_CORRUPT_VTAB) {
		if (!db->index_damaged)
			log_warnx("%s: the index for searching is damaged: it "
			    "is made anew", db->name);
		db->index_damaged = 1;
		return -1;
	}
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ||
	    (rc == SQLITE_ERROR && db->opening)) {
		log_warnx("%s: %s: %s", db->name, what,
		    sqlite3_errmsg(db->conn));
		db->damaged = 1;
		return -1;
	}
	if (!db->faulty || now - db->logged >= LOG_AGAIN_MS) {
		log_warnx("%s: %s: %s%s%s", db->name, what,
		    sqlite3_errmsg(db->conn), err != 0 ? ": " : "",
		    err != 0 ? strerror(err) : "");
		db->logged = now;
	}
	db->faulty = 1;
	return -1;
}

int
db_begin(struct db *db)
{
	if (db->in_transaction)
		return 0;
	db->changes = sqlite3_total_changes(db->conn);
	if (finish(db, Q_BEGIN) == -1)
		return -1;
	db->in_transaction = 1;
	return 0;
}

int
db_commit(struct db *db)
{
	int64_t began;

	if (!db->in_transaction)
		return 0;
	began = time_mono_us();
	if (finish(db, Q_COMMIT) == -1)
		return -1;
	db->in_transaction = 0;
	if (db->changes == sqlite3_total_changes(db->conn))
		return 0;
	count_commit(db, time_mono_us() - began);
	if (db->faulty) {
		log_info("%s: can be written again", db->name);
		db->faulty = 0;
	}
	return 0;
}

static void
count_commit(struct db *db, int64_t us)
{
	struct db_stats *s = &db->stats;

	s->commits++;
	s->commit_time += (uint64_t)us;
	if (s->commit_max < (uint64_t)us)
		s->commit_max = (uint64_t)us;
}

void
db_rollback(struct db *db)
{
	int i;

	if (db->in_transaction) {
		for (i = 0; i < Q_MAX; i++)
			sqlite3_reset(db->st[i]);
		/* some errors have undone it already */
		if (!sqlite3_get_autocommit(db->conn))
			(void)finish(db, Q_ROLLBACK);
		db->in_transaction = 0;
	}
	if (db->damaged && set_aside(db) == 0)
		db->tried = time_mono_ms() - RETRY_MS;
}

static int
bind(struct db *db, sqlite3_stmt *st, const char *fmt, va_list ap)
{
	struct slice s;
	int i, rc = SQLITE_OK;

	for (i = 1; *fmt != '\0' && rc == SQLITE_OK; fmt++, i++) {
		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 'd':
			rc = sqlite3_bind_int(st, i, va_arg(ap, int));
			break;
		case 's':
			rc = sqlite3_bind_text(st, i, va_arg(ap, const char *),
			    -1, SQLITE_STATIC);
			break;
		case 'l':
			s = va_arg(ap, struct slice);
			rc = sqlite3_bind_text(st, i, s.p != NULL ? s.p : "",
			    (int)s.len, SQLITE_STATIC);
			break;
		default:
			rc = sqlite3_bind_null(st, i);
		}
	}
	return rc == SQLITE_OK ? 0 : fault(db, "bind");
}

sqlite3_stmt *
db_select(struct db *db, enum query q, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = bind(db, db->st[q], fmt, ap);
	va_end(ap);
	return r == 0 ? db->st[q] : NULL;
}

int
db_step(struct db *db, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		fault(db, sqlite3_sql(st));
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

void
db_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

/* Executes a statement that yields no row. */
static int
finish(struct db *db, enum query q)
{
	return db_step(db, db->st[q]) == -1 ? -1 : 0;
}

int
db_run(struct db *db, enum query q, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = bind(db, db->st[q], fmt, ap);
	va_end(ap);
	return r == 0 ? finish(db, q) : -1;
}

int
db_value(struct db *db, int64_t *v, enum query q, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = bind(db, db->st[q], fmt, ap);
	va_end(ap);
	if (r == 0 && (r = db_step(db, db->st[q])) == 1) {
		*v = sqlite3_column_int64(db->st[q], 0);
		db_done(db->st[q]);
	}
	return r;
}

struct slice
db_text(sqlite3_stmt *st, int column)
{
	const unsigned char *p = sqlite3_column_text(st, column);
	struct slice s = { "", 0 };

	if (p != NULL) {
		s.p = (const char *)p;
		s.len = (size_t)sqlite3_column_bytes(st, column);
	}
	return s;
}

uint32_t
db_changes(struct db *db)
{
	return (uint32_t)sqlite3_changes(db->conn);
}

int64_t
db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->conn);
}

static int
on_wal(void *arg, sqlite3 *conn, const char *name, int pages)
{
	struct db *db = arg;

	(void)conn;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

int
db_checkpoint_due(const struct db *db)
{
	return db->conn != NULL && db->wal_pages >= WAL_PAGES;
}

/*
 * Nobody reads at the same time, so that all of the log is copied and the
 * next transaction starts it from its beginning.  On a full disk the log
 * grows while the file cannot: that is tried again, but not at each commit.
 */
void
db_checkpoint(struct db *db)
{
	int64_t now;

	if (!db_checkpoint_due(db))
		return;
	now = time_mono_ms();
	if (now - db->checkpointed < RETRY_MS)
		return;
	if (sqlite3_wal_checkpoint_v2(db->conn, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK) {
		db->wal_pages = 0;
		return;
	}
	db->checkpointed = now;
	fault(db, "checkpoint");
	if (db->damaged)
		db_rollback(db);
}

void
db_tidy(struct db *db)
{
	if (db->conn == NULL)
		return;
	if (sqlite3_exec(db->conn, "PRAGMA incremental_vacuum", NULL, NULL,
	    NULL) != SQLITE_OK || sqlite3_wal_checkpoint_v2(db->conn, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK) {
		fault(db, "clean");
		if (db->damaged)
			db_rollback(db);
		return;
	}
	db->wal_pages = 0;
}

/* There is no log before the first change. */
static uint64_t
size_of(const struct db *db, const char *suffix)
{
	char path[PATH_SIZE + 8];
	struct stat sb;

	snprintf(path, sizeof(path), "%s%s", db->path, suffix);
	return stat(path, &sb) == -1 ? 0 : (uint64_t)sb.st_size;
}

void
db_stats(const struct db *db, struct db_stats *s)
{
	*s = db->stats;
	s->file_size = size_of(db, "");
	s->log_size = size_of(db, "-wal");
}
