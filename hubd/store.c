/* SPDX-License-Identifier: ISC */
/*
 * The store process.  What has arrived in one turn of the event loop is one
 * transaction: it is committed, with one write to the disk, and only then the
 * answers go out.  If anything in it fails, nothing of it is done.
 */
#include "compat.h"

#include <sys/stat.h>

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "child.h"
#include "conf.h"
#include "db.h"
#include "groupops.h"
#include "import.h"
#include "keystore.h"
#include "log.h"
#include "mailbox.h"
#include "outbox.h"
#include "people.h"
#include "sandbox.h"
#include "search.h"
#include "statproto.h"
#include "store.h"
#include "storestats.h"
#include "timeutil.h"

#define BATCH_MAX	1024		/* requests of one transaction */
#define BATCH_BYTES	(4 * 1024 * 1024)	/* of them and their answers */
#define FLUSH_MS	2000		/* for the last answers */
#define KEEP_NAMES	1000		/* without a mailbox: no need to look */
#define EXPIRE_FIRST_MS	3000	/* many hubs do not live for long */
#define EXPIRE_EVERY_MS	(3600 * 1000)
#define EXPIRE_STEP_MS	10
#define INDEX_WAIT_MS	1000	/* behind the first of what is not indexed */
#define INDEX_STEP_MS	20
#define INDEX_BUSY	1	/* requests in a ms: then it has to wait */

/* What a round of expiring has to do. */
#define EXPIRE_OLD	1u	/* what became of messages */
#define EXPIRE_UNSEEN	2u	/* messages that nobody reads */
#define EXPIRE_QUEUED	4u	/* those that no other hub has fetched */

struct store;

struct operation {
	enum imsg_type	 type, answer;
	/* Writes the answer; -1 if the database failed. */
	int		(*handle)(struct store *, struct reader *,
			    struct wbuf *);
	/* Writes the answer that nothing was done. */
	void		(*fail)(struct wbuf *);
};

/* An answer that waits for the commit. */
struct answer {
	const struct operation	*op;
	uint32_t		 id;		/* of the request */
	size_t			 off, len;	/* in heads */
	struct rbuf		*tail;		/* or NULL */
};

struct store {
	struct event_base	*base;
	struct child		*child;
	struct imsgbuf		*router;
	int			 router_fd;
	struct conf		 conf;
	struct db		*db;
	struct boxes		*boxes;
	struct groups		*groups;
	struct outbox		*outbox;
	struct event		*expire_timer;
	unsigned		 expiring;	/* what this round has to do */
	int64_t			 expire_pos, unseen_pos;
	struct event		*index_timer;
	int			 index_armed;
	int64_t			 index_since;	/* when armed, monotonic */
	uint64_t		 index_requests;	/* likewise */
	struct import		*import;	/* until all is imported */

	struct answer		 answers[BATCH_MAX];
	size_t			 nanswers, bytes;
	struct wbuf		 heads, list;
	struct wbuf		 gone;		/* mailbox.h; to be told */
	struct rbuf		*tail;		/* of the current answer */
	int			 failed;	/* this batch */
	int			 tidy;		/* after this batch */
	int			 untold;	/* aliases, after opening */
	struct storestats	 stats;
};

static void	on_peer(enum proc_id, int, void *);
static int	on_conf(struct reader *, void *);
static void	on_start(void *);
static void	on_shutdown(void *);
static void	on_stats(void *);
static void	on_request(struct imsgbuf *, struct imsg *, void *);
static void	on_batch(struct imsgbuf *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	on_import(struct imsg *, void *);
static int	do_key(struct store *, const struct store_key *,
		    struct store_key_done *);
static void	serve(struct store *);
static void	on_expire(int, short, void *);
static int	expire_some(struct store *);
static void	expire_in(struct store *, int64_t);
static void	on_index(int, short, void *);
static void	index_in(struct store *, int64_t);
static int	begin(struct store *);
static int	end(struct store *);
static void	fail_batch(struct store *);
static void	send_gone(struct store *);
static void	send_answers(struct store *);
static void	tell_alias(const struct store_alias *, void *);
static void	tell_name(const struct store_name *, void *);
static const struct operation	*operation_of(enum imsg_type);

static const struct child_ops child_ops = {
	.conf = on_conf,
	.peer = on_peer,
	.start = on_start,
	.other = on_import,
	.shutdown = on_shutdown,
	.stats = on_stats,
};

static const struct imsg_ops router_ops = {
	.dispatch = on_request,
	.batch = on_batch,
	.closed = on_closed,
};

/* The answer to a request when nothing was done. */
#define FAIL(x)								\
static void								\
fail_##x(struct wbuf *w)						\
{									\
	struct store_##x a = { .status = STORE_FAILED };		\
									\
	store_##x##_put(w, &a);						\
}

FAIL(registered)
FAIL(appended)
FAIL(mail)
FAIL(marked)
FAIL(message)
FAIL(session_list)
FAIL(mailbox_list)
FAIL(cleaned)
FAIL(group_done)
FAIL(out_listed)
FAIL(hub_list)
FAIL(key_done)
FAIL(key_list)
FAIL(counts)

static int
do_key(struct store *s, const struct store_key *q, struct store_key_done *a)
{
	if (keystore_do(s->db, q, a) == -1)
		return -1;
	return q->op == KEY_FORGET ?
	    outbox_forget(s->outbox, q->hub, &a->status) : 0;
}

/* A request and an answer that are nothing but the structs, q and a. */
#define HANDLE(name, in, out, call)					\
static int								\
handle_##name(struct store *s, struct reader *rd, struct wbuf *w)	\
{									\
	struct store_##in q;						\
	struct store_##out a = { .status = STORE_OK };			\
									\
	if (store_##in##_get(rd, &q) == -1)				\
		fatalx("the router sent a bad " #in);			\
	if (call == -1)							\
		return -1;						\
	store_##out##_put(w, &a);					\
	return 0;							\
}

HANDLE(register, register, registered, people_register(s->boxes, &q, &a))
HANDLE(rename, rename, registered, people_rename(s->boxes, &q, &a, &s->gone))
HANDLE(append, append, appended, strchr(q.to, '@') != NULL ?
    outbox_append(s->outbox, &q, &a) :
    mailbox_append(s->boxes, &q, &a, &s->gone))
HANDLE(out_list, out_list, out_listed,
    outbox_list(s->outbox, &q, &a, &s->list))
HANDLE(out_mark, out_mark, marked,
    outbox_mark(s->outbox, &q, &a, &s->list))
HANDLE(mark, mark, marked, mailbox_mark(s->boxes, &q, &a, &s->list))
HANDLE(key, key, key_done, do_key(s, &q, &a))
HANDLE(status, query, message, mailbox_status(s->boxes, &q, &a))

static int
handle_gone(struct store *s, struct reader *rd, struct wbuf *w)
{
	struct store_gone q;

	(void)w;
	if (store_gone_get(rd, &q) == -1)
		fatalx("the router sent a bad gone");
	return people_gone(s->boxes, &q);
}

static int
handle_hub(struct store *s, struct reader *rd, struct wbuf *w)
{
	struct store_hub q;

	(void)w;
	if (store_hub_get(rd, &q) == -1)
		fatalx("the router sent a bad hub");
	return outbox_hub(s->outbox, &q);
}

/* The JSON may be long: it is handed on as it is. */
static int
handle_inbox(struct store *s, struct reader *rd, struct wbuf *w)
{
	struct store_inbox q;
	struct store_mail a = { .status = STORE_OK };
	struct wbuf json = { 0 };
	int r;

	if (store_inbox_get(rd, &q) == -1)
		fatalx("the router sent a bad inbox");
	r = q.mode == INBOX_SEARCH ? search_inbox(s->boxes, &q, &a, &json) :
	    mailbox_inbox(s->boxes, &q, &a, &s->list, &json);
	if (r == 0) {
		a.json.len = 0;
		store_mail_put(w, &a);
		s->tail = wbuf_take(&json);
	}
	wbuf_free(&json);
	return r;
}

/* A request without a body; the answer is a list. */
#define HANDLE_ALL(name, out, call)					\
static int								\
handle_##name(struct store *s, struct reader *rd, struct wbuf *w)	\
{									\
	struct store_##out a = { .status = STORE_OK };			\
									\
	(void)rd;							\
	if (call == -1)							\
		return -1;						\
	store_##out##_put(w, &a);					\
	return 0;							\
}

HANDLE_ALL(sessions, session_list, people_sessions(s->boxes, &a, &s->list))
HANDLE_ALL(mailboxes, mailbox_list, mailbox_list(s->boxes, &a, &s->list))
HANDLE_ALL(hubs, hub_list, outbox_hubs(s->outbox, &a, &s->list))
HANDLE_ALL(keys, key_list, keystore_list(s->db, &a, &s->list))
HANDLE_ALL(stats, counts, storestats_get(&s->stats, s->boxes, &a))

static int
handle_clean(struct store *s, struct reader *rd, struct wbuf *w)
{
	struct store_clean q;
	struct store_cleaned a = { .status = STORE_OK };

	if (store_clean_get(rd, &q) == -1)
		fatalx("the router sent a bad clean");
	if (people_clean(s->boxes, &q, &a) == -1)
		return -1;
	store_cleaned_put(w, &a);
	s->tidy = 1;
	return 0;
}

static int
handle_group(struct store *s, struct reader *rd, struct wbuf *w)
{
	struct store_group q;
	struct store_group_done a = { .status = STORE_OK };
	struct wbuf json = { 0 };
	int r;

	if (store_group_get(rd, &q) == -1)
		fatalx("the router sent a bad group");
	r = groupops_do(s->groups, &q, &a, &s->list, &json);
	if (r == 0) {
		a.json.len = 0;
		store_group_done_put(w, &a);
		if (json.len > 0)
			s->tail = wbuf_take(&json);
	}
	wbuf_free(&json);
	return r;
}

static const struct operation operations[] = {
	{ STORE_APPEND, STORE_APPENDED, handle_append, fail_appended },
	{ STORE_MARK, STORE_MARKED, handle_mark, fail_marked },
	{ STORE_INBOX, STORE_MAIL, handle_inbox, fail_mail },
	{ STORE_REGISTER, STORE_REGISTERED, handle_register, fail_registered },
	{ STORE_GONE, IMSG_NONE, handle_gone, NULL },
	{ STORE_RENAME, STORE_RENAMED, handle_rename, fail_registered },
	{ STORE_STATUS, STORE_MESSAGE, handle_status, fail_message },
	{ STORE_SESSIONS, STORE_SESSION_LIST, handle_sessions,
	    fail_session_list },
	{ STORE_CLEAN, STORE_CLEANED, handle_clean, fail_cleaned },
	{ STORE_MAILBOXES, STORE_MAILBOX_LIST, handle_mailboxes,
	    fail_mailbox_list },
	{ STORE_GROUP, STORE_GROUP_DONE, handle_group, fail_group_done },
	{ STORE_OUT_LIST, STORE_OUT_LISTED, handle_out_list, fail_out_listed },
	{ STORE_OUT_MARK, STORE_OUT_MARKED, handle_out_mark, fail_marked },
	{ STORE_HUB, IMSG_NONE, handle_hub, NULL },
	{ STORE_HUBS, STORE_HUB_LIST, handle_hubs, fail_hub_list },
	{ STORE_KEY, STORE_KEY_DONE, handle_key, fail_key_done },
	{ STORE_KEYS, STORE_KEY_LIST, handle_keys, fail_key_list },
	{ STORE_STATS, STORE_COUNTS, handle_stats, fail_counts },
};

static const struct operation *
operation_of(enum imsg_type type)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (operations[i].type == type)
			return &operations[i];
	fatalx("the router sent %s", imsg_name(type));
}

int
store_main(void)
{
	struct store *s = xcalloc(1, sizeof(*s));

	umask(077);
	/* a limit on the size of files is an error like a full disk */
	signal(SIGXFSZ, SIG_IGN);
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->router_fd = -1;
	if ((s->base = event_base_new()) == NULL)
		fatalx("event_base_new failed");
	s->child = child_new(s->base, PROC_STORE, "hubd", "store",
	    &child_ops, s);
	if (event_base_dispatch(s->base) == -1)
		fatalx("event loop failed");

	if (s->expire_timer != NULL)
		event_free(s->expire_timer);
	if (s->index_timer != NULL)
		event_free(s->index_timer);
	imsg_free(s->router);
	import_free(s->import);
	groups_free(s->groups);
	outbox_free(s->outbox);
	boxes_free(s->boxes);
	db_free(s->db);
	wbuf_free(&s->heads);
	wbuf_free(&s->list);
	wbuf_free(&s->gone);
	lan_conf_free(&s->conf.lan);
	child_free(s->child);
	event_base_free(s->base);
	free(s);
	return 0;
}

static void
on_peer(enum proc_id id, int fd, void *arg)
{
	struct store *s = arg;

	if (id != PROC_ROUTER || s->router_fd != -1)
		fatalx("unexpected CONF_PEER");
	s->router_fd = fd;
}

static int
on_conf(struct reader *rd, void *arg)
{
	struct store *s = arg;

	if (conf_get(rd, &s->conf) == -1)
		return -1;
	log_set_level((enum log_level)s->conf.log_level);
	return 0;
}

/* A database that cannot be opened now may be later: that stops nothing. */
static void
on_start(void *arg)
{
	struct store *s = arg;
	struct conf *conf = &s->conf;
	int wanted = 0;

	if (s->router_fd == -1 || s->db != NULL)
		fatalx("unexpected CONF_END");
	s->db = db_new(conf->data, conf->sync_full);
	if (child_drop(s->child)) {
		strlcpy(conf->data, "/", sizeof(conf->data));
		db_is_in_root(s->db);
	}
	sandbox_store(conf->data);
	s->boxes = boxes_new(s->db, conf->keep_mailbox, conf->max_mailboxes);
	s->groups = groups_new(s->boxes, conf);
	s->outbox = outbox_new(s->boxes);
	s->router = imsg_new(s->base, s->router_fd, PROC_STORE, PROC_ROUTER,
	    &router_ops, s);
	s->import = import_new(s->boxes, s->groups);
	s->expire_timer = evtimer_new(s->base, on_expire, s);
	s->index_timer = evtimer_new(s->base, on_index, s);
	if (s->expire_timer == NULL || s->index_timer == NULL)
		fatalx("event_new failed");
	if (begin(s) == -1 || (wanted = import_wanted(s->import)) == -1)
		fail_batch(s);
	if (end(s) == 0 && wanted == 1)
		child_tell(s->child, PROC_IMPORT);
	else
		serve(s);
}

/*
 * Each file is a transaction of its own, and all of them come before the
 * first session.  If the database fails, the next start goes on.
 */
static void
on_import(struct imsg *m, void *arg)
{
	struct store *s = arg;
	enum import_kind kind = IMPORT_MAILBOX;
	char path[CONF_PATH_MAX] = "";
	int fd = m->fd;

	if (m->type == CONF_IMPORT) {
		kind = (enum import_kind)get_u8(&m->rd);
		get_str(&m->rd, path, sizeof(path));
	} else if (m->type != CONF_IMPORTED) {
		fatalx("unexpected %s from the parent", imsg_name(m->type));
	}
	if (s->import == NULL || kind > IMPORT_GROUP ||
	    reader_done(&m->rd) == -1)
		fatalx("bad %s", imsg_name(m->type));
	if (begin(s) == -1 || (fd == -1 ? import_done(s->import) :
	    import_file(s->import, kind, path, fd)) == -1)
		fail_batch(s);
	if (fd != -1)
		close(fd);
	if (end(s) == 0 && fd != -1)
		child_tell(s->child, PROC_IMPORT);
	else
		serve(s);
}

static void
serve(struct store *s)
{
	import_free(s->import);
	s->import = NULL;
	expire_in(s, EXPIRE_FIRST_MS);
	index_in(s, INDEX_WAIT_MS);
	imsg_send(s->router, STORE_UP, 0, -1, NULL, NULL);
	child_ready(s->child);
}

static void
on_shutdown(void *arg)
{
	struct store *s = arg;

	if (s->router != NULL) {
		end(s);
		(void)imsg_flush(s->router, FLUSH_MS);
	}
	event_base_loopbreak(s->base);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct store *s = arg;

	if (err != 0)
		log_warnx("router: %s", strerror(err));
	end(s);
	s->router = NULL;
	imsg_free(ib);
	event_base_loopbreak(s->base);
}

static void
on_stats(void *arg)
{
	struct store *s = arg;

	if (s->db != NULL)
		storestats_log(&s->stats, s->db);
}

static void
on_request(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct store *s = arg;
	const struct operation *q = operation_of(m->type);
	struct answer *a = &s->answers[s->nanswers];

	(void)ib;
	s->stats.requests++;
	wbuf_reset(&s->list);
	a->op = q;
	a->id = m->id;
	a->off = s->heads.len;
	s->tail = NULL;
	if (!s->failed && (begin(s) == -1 ||
	    q->handle(s, &m->rd, &s->heads) == -1))
		fail_batch(s);
	if (q->answer != IMSG_NONE) {
		if (s->failed) {
			a->off = s->heads.len;
			q->fail(&s->heads);
		}
		a->len = s->heads.len - a->off;
		a->tail = s->tail;
		s->nanswers++;
		s->bytes += a->len + (a->tail != NULL ? a->tail->len : 0);
	}
	s->bytes += m->body->len;
	if (s->nanswers == BATCH_MAX || s->bytes > BATCH_BYTES)
		end(s);
}

static void
on_batch(struct imsgbuf *ib, void *arg)
{
	(void)ib;
	end(arg);
}

/* Opens what is not open yet and begins what has not begun. */
static int
begin(struct store *s)
{
	int opened = db_open(s->db);

	if (opened == 1) {
		boxes_forget(s->boxes);
		s->untold = 1;
	}
	if (opened == -1 || db_begin(s->db) == -1 ||
	    boxes_ready(s->boxes) == -1)
		return -1;
	if (s->untold && (people_aliases(s->boxes, tell_alias, s) == -1 ||
	    outbox_names(s->outbox, tell_name, s) == -1))
		return -1;
	s->untold = 0;
	return 0;
}

/*
 * Commits, answers, and then does what need not be waited for.  Returns -1 if
 * nothing was done.
 */
static int
end(struct store *s)
{
	int r;

	if (!s->failed && db_commit(s->db) == -1)
		fail_batch(s);
	r = s->failed ? -1 : 0;
	send_gone(s);
	send_answers(s);
	s->failed = 0;
	if (s->stats.requests != s->index_requests && !s->index_armed)
		index_in(s, INDEX_WAIT_MS);
	if (s->tidy || db_checkpoint_due(s->db)) {
		(void)imsg_flush(s->router, 0);
		if (s->tidy)
			db_tidy(s->db);
		else
			db_checkpoint(s->db);
		s->tidy = 0;
	}
	return r;
}

/* Nothing of this batch is done, and that is what all of it is told. */
static void
fail_batch(struct store *s)
{
	struct answer *a;
	size_t i;

	s->failed = 1;
	s->tidy = 0;
	s->stats.failures++;
	db_rollback(s->db);
	boxes_forget(s->boxes);
	wbuf_reset(&s->gone);
	wbuf_reset(&s->heads);
	for (i = 0; i < s->nanswers; i++) {
		a = &s->answers[i];
		rbuf_unref(a->tail);
		a->tail = NULL;
		a->off = s->heads.len;
		a->op->fail(&s->heads);
		a->len = s->heads.len - a->off;
	}
}

/* Before the answers, whose counts are newer. */
static void
send_gone(struct store *s)
{
	struct wbuf w = { 0 };
	struct reader rd;
	struct slice m;

	if (s->gone.len == 0)
		return;
	reader_init(&rd, wbuf_data(&s->gone), s->gone.len);
	while (reader_done(&rd) == -1 && !rd.failed) {
		m = get_slice(&rd);
		wbuf_reset(&w);
		wbuf_add(&w, m.p, m.len);
		imsg_send(s->router, STORE_EXPIRED, 0, -1, &w, NULL);
	}
	wbuf_free(&w);
	wbuf_free(&s->gone);
}

static void
send_answers(struct store *s)
{
	struct wbuf head = { 0 };
	struct answer *a;
	size_t i;

	for (i = 0; i < s->nanswers; i++) {
		a = &s->answers[i];
		wbuf_reset(&head);
		wbuf_add(&head, wbuf_data(&s->heads) + a->off, a->len);
		imsg_send(s->router, a->op->answer, a->id, -1, &head,
		    a->tail);
		rbuf_unref(a->tail);
	}
	wbuf_free(&head);
	s->nanswers = s->bytes = 0;
	/* an idle store holds no large buffer */
	if (s->heads.cap > BATCH_BYTES / 16)
		wbuf_free(&s->heads);
	else
		wbuf_reset(&s->heads);
	if (s->list.cap > BATCH_BYTES / 16)
		wbuf_free(&s->list);
}

static void
tell_alias(const struct store_alias *a, void *arg)
{
	struct store *s = arg;
	struct wbuf w = { 0 };

	store_alias_put(&w, a);
	imsg_send(s->router, STORE_ALIAS, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
tell_name(const struct store_name *m, void *arg)
{
	struct store *s = arg;
	struct wbuf w = { 0 };

	store_name_put(&w, m);
	imsg_send(s->router, STORE_NAME, 0, -1, &w, NULL);
	wbuf_free(&w);
}

/* A round of this each hour, in short steps. */
static void
on_expire(int fd, short ev, void *arg)
{
	struct store *s = arg;

	(void)fd;
	(void)ev;
	if (s->expiring == 0)
		s->expiring = EXPIRE_OLD | EXPIRE_UNSEEN | EXPIRE_QUEUED;
	if (begin(s) == -1 || expire_some(s) == -1)
		fail_batch(s);
	if (end(s) == -1) {
		s->expiring = 0;
		s->expire_pos = s->unseen_pos = 0;
	}
	expire_in(s, s->expiring != 0 ? EXPIRE_STEP_MS : EXPIRE_EVERY_MS);
}

/*
 * Forgets what became of old messages, and takes out those that nobody has
 * read for too long.
 */
static int
expire_some(struct store *s)
{
	int64_t now = time_now_ms();
	int r = 0;

	if (s->expiring & EXPIRE_OLD) {
		if (mailbox_expire_step(s->boxes, now, &s->expire_pos) == -1)
			return -1;
		if (s->expire_pos == 0)
			s->expiring &= ~EXPIRE_OLD;
	}
	if (s->expiring & EXPIRE_UNSEEN) {
		if (s->conf.expire_unread_ms > 0 &&
		    (r = mailbox_expire_unseen(s->boxes,
		    now - s->conf.expire_unread_ms, &s->unseen_pos,
		    &s->gone)) == -1)
			return -1;
		if (r == 0)
			s->expiring &= ~EXPIRE_UNSEEN;
	}
	if (s->expiring & EXPIRE_QUEUED) {
		if ((r = outbox_expire(s->outbox,
		    now - s->conf.expire_queued_ms, &s->gone)) == -1)
			return -1;
		if (r == 0)
			s->expiring &= ~EXPIRE_QUEUED;
	}
	return s->expiring != 0 ? 0 : people_purge(s->boxes, KEEP_NAMES);
}

/*
 * Indexing goes on in short steps while there is little else to do: a search
 * reads through what is not indexed yet.
 */
static void
on_index(int fd, short ev, void *arg)
{
	struct store *s = arg;
	uint64_t requests = s->stats.requests - s->index_requests;
	int64_t ms = time_mono_ms() - s->index_since;
	int more = 0;

	(void)fd;
	(void)ev;
	if (requests > (uint64_t)ms * INDEX_BUSY) {
		index_in(s, INDEX_WAIT_MS);
		return;
	}
	s->index_requests = s->stats.requests;
	db_renew_index(s->db);
	if (begin(s) == -1 || search_step(s->boxes, &more) == -1)
		fail_batch(s);
	s->index_armed = 0;
	if (end(s) == 0 && more)
		index_in(s, INDEX_STEP_MS);
}

static void
index_in(struct store *s, int64_t ms)
{
	struct timeval tv = time_tv(ms);

	evtimer_add(s->index_timer, &tv);
	s->index_armed = 1;
	s->index_since = time_mono_ms();
	s->index_requests = s->stats.requests;
}

static void
expire_in(struct store *s, int64_t ms)
{
	struct timeval tv = time_tv(ms);

	evtimer_add(s->expire_timer, &tv);
}
