/* SPDX-License-Identifier: ISC */
/*
 * Copies of the database, by SQLite's online backup.  What is written
 * meanwhile goes by the same connection, and SQLite writes it to the copy,
 * too: no copy has to be begun again because of that.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "copier.h"
#include "copyproto.h"
#include "db.h"
#include "imsg.h"
#include "log.h"
#include "timeutil.h"

#define COPY_FILE	"relay.db.copy"
#define STEP_PAGES	64
#define STEP_MS		4	/* between steps, for those who wait */
#define RESERVE		(4 * 1024 * 1024)	/* bytes left to the others */

struct copier {
	struct event	*timer;
	struct db	*db;
	struct imsgbuf	*router;
	char		 path[CONF_PATH_MAX + 32];
	uint32_t	 number;	/* 0: none is made */
	int		 begun;
	sqlite3		*to;
	int		 fd;
};

static void	on_step(evutil_socket_t, short, void *);
static void	next_step(struct copier *, int64_t);
static int	begin(struct copier *, const char **);
static int	step(struct copier *, const char **);
static int	open_copy(struct copier *);
static int	has_room(const struct copier *, int64_t);
static int	count(struct copier *, struct store_copy *);
static void	tell(struct copier *, const char *);
static void	end(struct copier *);

static const char no_room[] = "there is not enough room beside the database: "
    "a copy needs as much again";
static const char db_fails[] = "the database cannot be read: the hub's log "
    "says why";

struct copier *
copier_new(struct event_base *base, struct db *db, const char *dir,
    struct imsgbuf *router)
{
	struct copier *c = xcalloc(1, sizeof(*c));

	c->db = db;
	c->router = router;
	c->fd = -1;
	snprintf(c->path, sizeof(c->path), "%s/%s", dir, COPY_FILE);
	if ((c->timer = evtimer_new(base, on_step, c)) == NULL)
		fatalx("evtimer_new");
	if (unlink(c->path) == -1 && errno != ENOENT)
		log_warn("%s", c->path);
	return c;
}

void
copier_free(struct copier *c)
{
	if (c == NULL)
		return;
	end(c);
	event_free(c->timer);
	free(c);
}

int
copier_ask(struct copier *c, struct reader *rd)
{
	struct store_backup q;

	if (store_backup_get(rd, &q) == -1 || (q.number != 0 &&
	    c->number != 0))
		return -1;
	end(c);
	c->number = q.number;
	/* not now: a transaction may have begun */
	if (q.number != 0)
		next_step(c, 0);
	return 0;
}

static void
next_step(struct copier *c, int64_t ms)
{
	struct timeval tv = time_tv(ms);

	evtimer_add(c->timer, &tv);
}

static void
on_step(evutil_socket_t fd, short ev, void *arg)
{
	struct copier *c = arg;
	const char *why = NULL;
	int r;

	(void)fd;
	(void)ev;
	r = c->begun ? step(c, &why) : begin(c, &why);
	if (r == 1)
		next_step(c, STEP_MS);
	else
		tell(c, r == -1 ? why : NULL);
}

/* Each returns 1 if there is more to do, 0 at the end, or -1 and why. */
static int
begin(struct copier *c, const char **why)
{
	int64_t size;

	c->begun = 1;
	*why = db_fails;
	if (db_open(c->db) == -1 || (size = db_size(c->db)) == -1)
		return -1;
	if (open_copy(c) == -1) {
		*why = "the copy cannot be made: the hub's log says why";
		return -1;
	}
	if (!has_room(c, size)) {
		*why = no_room;
		return -1;
	}
	return db_copy_begin(c->db, c->to) == -1 ? -1 : 1;
}

/* A disk that others fill meanwhile is left to them. */
static int
step(struct copier *c, const char **why)
{
	int r;

	*why = no_room;
	if (!has_room(c, 0))
		return -1;
	r = db_copy_step(c->db, STEP_PAGES);
	if (r == -1 && sqlite3_errcode(c->to) != SQLITE_FULL)
		*why = db_fails;
	return r;
}

/*
 * It has no name any more when it is written: nothing is left of it if the
 * process ends.  It need not be synced, nor undone.
 */
static int
open_copy(struct copier *c)
{
	static const char set[] =
	    "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA journal_mode = OFF;"
	    "PRAGMA synchronous = OFF;"
	    "PRAGMA cache_size = -256;";

	if (unlink(c->path) == -1 && errno != ENOENT) {
		log_warn("%s", c->path);
		return -1;
	}
	if (sqlite3_open_v2(c->path, &c->to, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(c->to, set, NULL, NULL, NULL) != SQLITE_OK) {
		log_warnx("%s: %s", c->path, c->to != NULL ?
		    sqlite3_errmsg(c->to) : "out of memory");
		return -1;
	}
	c->fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (c->fd == -1 || unlink(c->path) == -1) {
		log_warn("%s", c->path);
		return -1;
	}
	return 0;
}

/* For so many bytes, beside the reserve. */
static int
has_room(const struct copier *c, int64_t bytes)
{
	struct statvfs vfs;

	if (fstatvfs(c->fd, &vfs) == -1)
		return 1;
	return (uint64_t)vfs.f_bavail * vfs.f_frsize >=
	    (uint64_t)bytes + RESERVE;
}

/* The database has not changed since the last step. */
static int
count(struct copier *c, struct store_copy *m)
{
	struct stat st;

	if (fstat(c->fd, &st) == -1) {
		log_warn("%s", c->path);
		return -1;
	}
	m->bytes = st.st_size;
	return db_value(c->db, &m->messages, Q_COUNT_COPIED, "") == 1 &&
	    db_value(c->db, &m->entries, Q_COUNT_ENTRIES, "") == 1 &&
	    db_value(c->db, &m->mailboxes, Q_COUNT_MAILBOXES, "") == 1 ?
	    0 : -1;
}

/* The copy, unless there is a reason why not. */
static void
tell(struct copier *c, const char *why)
{
	struct store_copy m = { .number = c->number };
	struct wbuf w = { 0 };
	int fd = -1;

	if (db_copy_end(c->db) == -1 && why == NULL)
		why = no_room;
	if (why == NULL && count(c, &m) == -1)
		why = db_fails;
	if (why != NULL) {
		strlcpy(m.why, why, sizeof(m.why));
		log_warnx("no copy of the database: %s", why);
	} else {
		fd = c->fd;
		c->fd = -1;
		log_info("the database was copied: %lld bytes",
		    (long long)m.bytes);
	}
	end(c);
	store_copy_put(&w, &m);
	imsg_send(c->router, fd != -1 ? STORE_COPY : STORE_NO_COPY, 0, fd, &w,
	    NULL);
	wbuf_free(&w);
}

static void
end(struct copier *c)
{
	event_del(c->timer);
	(void)db_copy_end(c->db);
	if (c->to != NULL && sqlite3_close(c->to) != SQLITE_OK)
		fatalx("%s: not closed", c->path);
	c->to = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->number = 0;
	c->begun = 0;
}
