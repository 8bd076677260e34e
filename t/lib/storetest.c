/* SPDX-License-Identifier: ISC */
/*
 * A store process for tests, which are its parent and its router.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "import.h"
#include "owner.h"
#include "proc.h"
#include "store.h"
#include "storetest.h"
#include "timeutil.h"
#include "tokenproto.h"
#include "unixsock.h"

static void	st_on_parent(struct imsgbuf *, struct imsg *, void *);
static void	st_import(struct st *);
static void	st_on_router(struct imsgbuf *, struct imsg *, void *);
static void	st_on_closed(struct imsgbuf *, int, void *);
static void	st_prepare(void);
static void	st_child(int, int, const int[2]);

static const struct imsg_ops st_parent_ops = {
	.dispatch = st_on_parent,
	.closed = st_on_closed,
};

static const struct imsg_ops st_router_ops = {
	.dispatch = st_on_router,
	.closed = st_on_closed,
};

static void
st_on_parent(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct st *s = arg;
	struct slice line;
	size_t n = strlen(s->log);

	(void)ib;
	if (m->type == PROC_READY)
		s->ready = 1;
	if (m->type == PROC_IMPORT)
		st_import(s);
	if (m->type != PROC_LOG)
		return;
	(void)get_u8(&m->rd);
	line = get_slice(&m->rd);
	snprintf(s->log + n, sizeof(s->log) - n, "%.*s\n", (int)line.len,
	    line.p);
}

/* The next file; its kind is the first letter of its name. */
static void
st_import(struct st *s)
{
	struct wbuf w = { 0 };
	const char *name;
	int fd;

	if (s->imports != NULL && *s->imports != NULL &&
	    strcmp(*s->imports, DISK_TOGGLE) == 0) {
		st_disk(s);
		s->imports++;
	}
	if (s->imports != NULL && *s->imports != NULL &&
	    strcmp(*s->imports, NO_ANSWER) == 0) {
		s->imported = 1;
		return;
	}
	if (s->imports == NULL || *s->imports == NULL) {
		s->imported = 1;
		imsg_send(s->parent, CONF_IMPORTED, 0, -1, NULL, NULL);
		return;
	}
	name = *s->imports++;
	want((fd = open(st_path(s, name), O_RDONLY)) != -1, "%s: %s", name,
	    strerror(errno));
	put_u8(&w, name[0] == 'g' ? IMPORT_GROUP : IMPORT_MAILBOX);
	put_str(&w, name);
	imsg_send(s->parent, CONF_IMPORT, 0, fd, &w, NULL);
	wbuf_free(&w);
}

static void
st_on_router(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct store_alias a;
	struct store_expired e;
	struct store_token token;
	struct store_name name;
	struct st *s = arg;
	size_t n = strlen(s->aliases);

	(void)ib;
	if (m->type == STORE_UP) {
		s->up = 1;
	} else if (m->type == STORE_ALIAS) {
		want(store_alias_get(&m->rd, &a) == 0, "bad STORE_ALIAS");
		snprintf(s->aliases + n, sizeof(s->aliases) - n, "%s>%s ",
		    a.name, a.target);
	} else if (m->type == STORE_EXPIRED) {
		want(store_expired_get(&m->rd, &e) == 0, "bad STORE_EXPIRED");
		n = strlen(s->expired);
		snprintf(s->expired + n, sizeof(s->expired) - n, "%s>%s ",
		    e.receipt.msg_id, e.receipt.sender);
		s->expired_unread = e.unread;
	} else if (m->type == STORE_NAME) {
		want(store_name_get(&m->rd, &name) == 0, "bad STORE_NAME");
		if (name.session || name.name[0] == '@') {
			strlcat(s->names, name.name, sizeof(s->names));
			strlcat(s->names, " ", sizeof(s->names));
		}
		n = strlen(s->owned);
		if (name.owner != OWNER_NONE)
			snprintf(s->owned + n, sizeof(s->owned) - n,
			    "%s:%u ", name.name, name.owner);
	} else if (m->type == STORE_TOKEN) {
		want(store_token_get(&m->rd, &token) == 0, "bad STORE_TOKEN");
		n = strlen(s->tokens);
		snprintf(s->tokens + n, sizeof(s->tokens) - n, "%u:%s ",
		    token.owner, token.token);
	} else {
		want(m->id == s->answered + 1, "answer %u after %u", m->id,
		    s->answered);
		s->answered = m->id;
		s->type = m->type;
		rbuf_unref(s->answer);
		s->answer = rbuf_ref(m->body);
		if (m->body->data[0] == STORE_FAILED)
			s->failed++;
		else
			s->done++;
	}
}

static void
st_on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct st *s = arg;

	(void)err;
	if (ib == s->parent)
		s->parent = NULL;
	else
		s->router = NULL;
	imsg_free(ib);
	s->closed = 1;
}

int
st_wait(struct st *s, const int *what, int ms)
{
	int64_t end = t_now() + t_slow(ms);
	struct timeval tv = { 0, 10000 };

	while (!*what && t_now() < end) {
		event_base_loopexit(s->base, &tv);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	return *what;
}

struct st *
st_new(void)
{
	struct st *s = xcalloc(1, sizeof(*s));

	s->t = tenv_new();
	snprintf(s->dir, sizeof(s->dir), "%s/s", s->t->dir);
	want(mkdir(s->dir, 0700) == 0, "%s: %s", s->dir, strerror(errno));
	conf_defaults(&s->conf);
	strlcpy(s->conf.data, s->dir, sizeof(s->conf.data));
	strlcpy(s->conf.hub_id, "h", sizeof(s->conf.hub_id));
	return s;
}

#ifdef HAVE_PRLIMIT
/* From outside: the store may not do it. */
void
st_disk(struct st *s)
{
	struct rlimit l;

	want(prlimit(s->pid, RLIMIT_FSIZE, NULL, &l) == 0, "prlimit");
	l.rlim_cur = l.rlim_cur == 0 ? l.rlim_max : 0;
	want(prlimit(s->pid, RLIMIT_FSIZE, &l, NULL) == 0, "prlimit");
}

static void
st_prepare(void)
{
}
#else
static void
st_toggle(int sig)
{
	struct rlimit l;

	(void)sig;
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = l.rlim_cur == 0 ? l.rlim_max : 0;
	setrlimit(RLIMIT_FSIZE, &l);
}

void
st_disk(struct st *s)
{
	kill(s->pid, SIGUSR2);
}

static void
st_prepare(void)
{
	signal(SIGUSR2, st_toggle);
}
#endif

static void
st_child(int parent, int other, const int router[2])
{
	int fd = dup(parent);

	close(other);
	close(router[0]);
	close(router[1]);
	close(parent);
	while (fd < PROC_FD)
		fd = dup(fd);
	if (fd != PROC_FD)
		dup2(fd, PROC_FD);
	closefrom(PROC_FD + 1);
	st_prepare();
	exit(store_main());
}

void
st_launch(struct st *s)
{
	int parent[2], router[2];
	struct wbuf w = { 0 };

	want(unix_pair(parent) == 0 && unix_pair(router) == 0, "no socketpair");
	s->ready = s->up = s->closed = 0;
	s->asked = s->answered = 0;
	s->aliases[0] = s->names[0] = s->log[0] = s->expired[0] = '\0';
	s->owned[0] = s->tokens[0] = '\0';
	s->imported = 0;
	if ((s->pid = fork()) == 0)
		st_child(parent[1], parent[0], router);
	want(s->pid > 0, "fork: %s", strerror(errno));
	close(parent[1]);
	s->base = event_base_new();
	s->parent = imsg_new(s->base, parent[0], PROC_PARENT, PROC_STORE,
	    &st_parent_ops, s);
	s->router = imsg_new(s->base, router[0], PROC_ROUTER, PROC_STORE,
	    &st_router_ops, s);
	conf_put(&w, &s->conf);
	imsg_send(s->parent, CONF_START, 0, -1, &w, NULL);
	wbuf_reset(&w);
	put_u32(&w, PROC_ROUTER);
	imsg_send(s->parent, CONF_PEER, 0, router[1], &w, NULL);
	imsg_send(s->parent, CONF_END, 0, -1, NULL, NULL);
	wbuf_free(&w);
}

void
st_start(struct st *s)
{
	st_launch(s);
	want(st_wait(s, &s->ready, T_WAIT) && st_wait(s, &s->up, T_WAIT),
	    "the store does not start: %s", s->log);
}

int
st_ended(struct st *s)
{
	int status = -1;

	want(program_wait(s->pid, &status, T_WAIT) == 0,
	    "the store does not end");
	/* what it has said last */
	(void)st_wait(s, &s->closed, 1000);
	imsg_free(s->parent);
	imsg_free(s->router);
	event_base_free(s->base);
	rbuf_unref(s->answer);
	s->answer = NULL;
	s->parent = s->router = NULL;
	s->pid = 0;
	return status;
}

void
st_stop(struct st *s)
{
	int status;

	imsg_send(s->parent, PROC_SHUTDOWN, 0, -1, NULL, NULL);
	(void)imsg_flush(s->parent, T_WAIT);
	status = st_ended(s);
	want(status == 0, "the store ended with status %d: %s", status,
	    s->log);
}

void
st_kill(struct st *s)
{
	kill(s->pid, SIGKILL);
	(void)st_ended(s);
}

void
st_end(struct st *s)
{
	if (s->pid != 0)
		st_stop(s);
	tenv_end(s->t);
	free(s);
}

char *
st_path(struct st *s, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

void
st_send(struct st *s, enum imsg_type type, struct wbuf *w)
{
	int asks = type != STORE_GONE && type != STORE_HUB;

	want(s->router != NULL, "the store is gone: %s", s->log);
	imsg_send(s->router, type, asks ? ++s->asked : 0, -1, w, NULL);
	wbuf_free(w);
}

void
st_answers(struct st *s)
{
	int64_t end = t_now() + t_slow(T_WAIT);
	struct timeval tv = { 1, 0 };

	while (s->answered != s->asked) {
		want(s->router != NULL, "the store is gone: %s", s->log);
		want(t_now() < end, "no answer: %s", s->log);
		event_base_loopexit(s->base, &tv);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	if (s->answer != NULL)
		reader_init(&s->rd, s->answer->data, s->answer->len);
}

/* The function that asks and returns the answer. */
#define ST_ASK(name, request, type_, in, out)				\
struct store_##out						\
name(struct st *s, const struct store_##in *q)				\
{									\
	struct wbuf w = { 0 };						\
	struct store_##out a;						\
									\
	store_##in##_put(&w, q);					\
	st_send(s, request, &w);					\
	st_answers(s);							\
	want(s->type == type_, "%s", imsg_name(s->type));		\
	want(store_##out##_get(&s->rd, &a) == 0, "bad %s",		\
	    imsg_name(s->type));					\
	return a;							\
}

ST_ASK(st_register, STORE_REGISTER, STORE_REGISTERED, register, registered)
ST_ASK(st_rename, STORE_RENAME, STORE_RENAMED, rename, registered)
ST_ASK(st_append, STORE_APPEND, STORE_APPENDED, append, appended)
ST_ASK(st_inbox, STORE_INBOX, STORE_MAIL, inbox, mail)
ST_ASK(st_mark, STORE_MARK, STORE_MARKED, mark, marked)
ST_ASK(st_status, STORE_STATUS, STORE_MESSAGE, query, message)
ST_ASK(st_clean, STORE_CLEAN, STORE_CLEANED, clean, cleaned)
ST_ASK(st_out_list, STORE_OUT_LIST, STORE_OUT_LISTED, out_list, out_listed)
ST_ASK(st_out_mark, STORE_OUT_MARK, STORE_OUT_MARKED, out_mark, marked)

struct store_append
st_message(const char *from, const char *to, const char *id, const char *text)
{
	struct store_append q = { 0 };

	strlcpy(q.from, from, sizeof(q.from));
	strlcpy(q.to, to, sizeof(q.to));
	strlcpy(q.msg_id, id, sizeof(q.msg_id));
	q.ts = time_now_ms();
	q.text = slice_of(text);
	return q;
}

struct store_appended
st_post(struct st *s, const char *from, const char *to, const char *id)
{
	struct store_append q = st_message(from, to, id, id);

	return st_append(s, &q);
}

enum store_status
st_enter(struct st *s, const char *name)
{
	struct store_register q = { .cwd = slice_of("/tmp"),
	    .git_branch = slice_of("main"), .host = slice_of("Host"),
	    .pid = 4, .started = 5, .now = time_now_ms() };

	strlcpy(q.name, name, sizeof(q.name));
	return st_register(s, &q).status;
}

struct store_registered
st_call(struct st *s, const char *from, const char *to)
{
	struct store_rename q = { .now = time_now_ms() };

	strlcpy(q.from, from, sizeof(q.from));
	strlcpy(q.to, to, sizeof(q.to));
	return st_rename(s, &q);
}

struct store_mail
st_read(struct st *s, const char *name, enum inbox_mode mode, uint32_t limit,
    const char *since)
{
	struct store_inbox q = { .mode = mode, .limit = limit,
	    .max_bytes = LINE_MAX_BYTES };

	strlcpy(q.name, name, sizeof(q.name));
	strlcpy(q.since_id, since, sizeof(q.since_id));
	return st_inbox(s, &q);
}

struct store_marked
st_mark_ids(struct st *s, const char *name, enum msg_state state,
    const char *ids)
{
	struct store_mark q = { .state = state };
	struct store_marked a;
	struct wbuf list = { 0 };
	size_t n;

	strlcpy(q.name, name, sizeof(q.name));
	for (; *ids != '\0'; ids += n + (ids[n] == ' ')) {
		n = strcspn(ids, " ");
		put_bytes(&list, ids, n);
		q.nids++;
	}
	q.list.p = wbuf_data(&list);
	q.list.len = list.len;
	a = st_mark(s, &q);
	wbuf_free(&list);
	return a;
}

const char *
st_ids(const struct store_mail *m)
{
	static char ids[65536];
	json_error_t err;
	json_t *j, *v;
	size_t i;

	j = json_loadb(m->json.p, m->json.len, 0, &err);
	want(j != NULL, "mail is no JSON: %s: %.*s", err.text,
	    (int)(m->json.len < 500 ? m->json.len : 500), m->json.p);
	want(json_array_size(j) == m->count, "%zu messages, count %u",
	    json_array_size(j), m->count);
	ids[0] = '\0';
	json_array_foreach(j, i, v) {
		if (i > 0)
			strlcat(ids, " ", sizeof(ids));
		strlcat(ids, json_string_value(json_object_get(v, "msg_id")),
		    sizeof(ids));
	}
	json_decref(j);
	return ids;
}

const char *
st_receipts(const struct store_marked *m)
{
	static char text[4096];
	struct store_receipt c;
	struct reader rd;
	uint32_t i;
	size_t n = 0;

	text[0] = '\0';
	reader_init(&rd, m->receipts.p, m->receipts.len);
	for (i = 0; i < m->nreceipts; i++) {
		want(store_receipt_get(&rd, &c) == 0, "bad receipt");
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s>%s:%s",
		    i > 0 ? " " : "", c.msg_id, c.sender,
		    msg_state_name(c.state));
	}
	return text;
}

const char *
st_all(struct st *s, const char *name)
{
	struct store_mail m = st_read(s, name, INBOX_SINCE, 1000, "");

	want_int(m.status, STORE_OK);
	return st_ids(&m);
}

const char *
st_unseen(struct st *s, const char *name)
{
	struct store_mail m = st_read(s, name, INBOX_UNSEEN, 1000, "");

	want_int(m.status, STORE_OK);
	return st_ids(&m);
}

const char *
st_state(struct st *s, const char *sender, const char *id)
{
	struct store_query q = { { 0 }, { 0 } };
	struct store_message m;

	strlcpy(q.name, sender, sizeof(q.name));
	strlcpy(q.msg_id, id, sizeof(q.msg_id));
	m = st_status(s, &q);
	return m.found ? msg_state_name(m.state) : "unknown";
}
