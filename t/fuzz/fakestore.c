/* SPDX-License-Identifier: ISC */
/*
 * A router for fuzz targets, and a store in the same process.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "asks.h"
#include "conf.h"
#include "control.h"
#include "fakestore.h"
#include "groupproto.h"
#include "hubreq.h"
#include "hubs.h"
#include "imsg.h"
#include "listproto.h"
#include "log.h"
#include "keyproto.h"
#include "outproto.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "session.h"
#include "storeq.h"

#define OUT_LAST	2	/* number of the last message to a hub */

struct fakestore {
	struct imsgbuf	*ib;
	int64_t		 seq;
};

static void	on_request(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	registered(struct fakestore *, struct reader *, struct wbuf *);
static void	appended(struct fakestore *, struct reader *, struct wbuf *);
static void	mail(struct fakestore *, struct reader *, struct wbuf *);
static void	marked(struct fakestore *, struct reader *, struct wbuf *);
static void	message(struct fakestore *, struct reader *, struct wbuf *);
static void	sessions(struct fakestore *, struct reader *, struct wbuf *);
static void	group_done(struct fakestore *, struct reader *,
		    struct wbuf *);
static void	out_listed(struct fakestore *, struct reader *,
		    struct wbuf *);
static void	out_marked(struct fakestore *, struct reader *,
		    struct wbuf *);
static void	hub_list(struct fakestore *, struct reader *, struct wbuf *);
static void	key_done(struct fakestore *, struct reader *, struct wbuf *);
static void	key_list(struct fakestore *, struct reader *, struct wbuf *);
static void	ignore_reader(struct reader *, void *);
static void	ignore(void *);
static void	ignore_int(int, void *);
static void	quiet(enum log_level, const char *, void *);

static const struct imsg_ops store_ops = {
	.dispatch = on_request,
	.closed = on_closed,
};

static const struct storeq_ops storeq_ops = {
	.alias = ignore_reader,
	.name = ignore_reader,
	.token = ignore_reader,
	.up = ignore,
	.expired = ignore_reader,
	.full = ignore_int,
	.idle = ignore,
};

static const struct {
	enum imsg_type	 request, answer;
	void		(*put)(struct fakestore *, struct reader *,
			    struct wbuf *);
} answers[] = {
	{ STORE_REGISTER, STORE_REGISTERED, registered },
	{ STORE_RENAME, STORE_RENAMED, registered },
	{ STORE_APPEND, STORE_APPENDED, appended },
	{ STORE_INBOX, STORE_MAIL, mail },
	{ STORE_MARK, STORE_MARKED, marked },
	{ STORE_STATUS, STORE_MESSAGE, message },
	{ STORE_SESSIONS, STORE_SESSION_LIST, sessions },
	{ STORE_GROUP, STORE_GROUP_DONE, group_done },
	{ STORE_OUT_LIST, STORE_OUT_LISTED, out_listed },
	{ STORE_OUT_MARK, STORE_OUT_MARKED, out_marked },
	{ STORE_HUBS, STORE_HUB_LIST, hub_list },
	{ STORE_KEY, STORE_KEY_DONE, key_done },
	{ STORE_KEYS, STORE_KEY_LIST, key_list },
};

static void
on_request(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].request != m->type)
			continue;
		answers[i].put(arg, &m->rd, &w);
		imsg_send(ib, answers[i].answer, m->id, -1, &w, NULL);
	}
	wbuf_free(&w);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)err;
	(void)arg;
}

static void
registered(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_registered a = { .unread = 1 };

	(void)f;
	(void)rd;
	store_registered_put(w, &a);
}

static void
appended(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_appended a = { .unread = 1 };
	struct store_append q;

	if (store_append_get(rd, &q) == -1)
		abort();
	if (strchr(q.to, '@') != NULL)
		a.seq = ++f->seq;
	store_appended_put(w, &a);
}

static void
mail(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_mail a = { .json = { "[]", 2 } };

	(void)f;
	(void)rd;
	store_mail_put(w, &a);
}

static void
marked(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_marked a = { 0 };

	(void)f;
	(void)rd;
	store_marked_put(w, &a);
}

static void
message(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_message a = { .found = 1, .to = "x" };

	(void)f;
	(void)rd;
	store_message_put(w, &a);
}

static void
sessions(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_session_list a = { 0 };

	(void)f;
	(void)rd;
	store_session_list_put(w, &a);
}

/* A group of two sessions here and one elsewhere; that named "no" is none. */
static void
group_done(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_group q;
	struct store_group_done a = { .admin = "a", .id = 1, .n = 3,
	    .json = { "[]", 2 } };
	struct wbuf names = { 0 };

	(void)f;
	if (store_group_get(rd, &q) == -1)
		abort();
	put_str(&names, "a");
	put_str(&names, "b");
	put_str(&names, "x@other");
	a.names.p = wbuf_data(&names);
	a.names.len = names.len;
	if (strcmp(q.group, "no") == 0)
		a.err = ERR_NOT_MEMBER;
	store_group_done_put(w, &a);
	wbuf_free(&names);
}

static void
out_listed(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_out_listed a = { .status = STORE_OK };
	struct store_out m = { .from = "a", .msg_id = "m-1",
	    .text = { "kept", 4 } };
	struct store_out_list q;
	struct wbuf list = { 0 };

	if (store_out_list_get(rd, &q) == -1)
		abort();
	if (q.after < OUT_LAST) {
		a.n = 1;
		m.seq = q.after + 1;
		snprintf(m.to, sizeof(m.to), "x@%s", q.hub);
		store_out_put(&list, &m);
		if (f->seq < m.seq)
			f->seq = m.seq;
	}
	a.messages.p = wbuf_data(&list);
	a.messages.len = list.len;
	store_out_listed_put(w, &a);
	wbuf_free(&list);
}

static void
out_marked(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_receipt c = { .sender = "a", .peer = "x@other",
	    .msg_id = "m-1" };
	struct store_marked a = { .nreceipts = 1 };
	struct store_out_mark q;
	struct wbuf list = { 0 };

	(void)f;
	if (store_out_mark_get(rd, &q) == -1)
		abort();
	c.state = q.state;
	store_receipt_put(&list, &c);
	a.receipts.p = wbuf_data(&list);
	a.receipts.len = list.len;
	store_marked_put(w, &a);
	wbuf_free(&list);
}

static void
hub_list(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_hub_list a = { 0 };

	(void)f;
	(void)rd;
	store_hub_list_put(w, &a);
}

static void
key_done(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_key_done a = { .verdict = KEY_NEW };

	(void)f;
	(void)rd;
	store_key_done_put(w, &a);
}

static void
key_list(struct fakestore *f, struct reader *rd, struct wbuf *w)
{
	struct store_key_list a = { 0 };

	(void)f;
	(void)rd;
	store_key_list_put(w, &a);
}

static void
ignore_reader(struct reader *r, void *arg)
{
	(void)r;
	(void)arg;
}

static void
ignore(void *arg)
{
	(void)arg;
}

static void
ignore_int(int n, void *arg)
{
	(void)n;
	(void)arg;
}

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

struct event_base *
fakestore_init(struct conf *conf)
{
	signal(SIGPIPE, SIG_IGN);
	conf_defaults(conf);
	strlcpy(conf->hub_id, "us", sizeof(conf->hub_id));
	conf->max_rooms = 3;
	conf->max_room_members = 2;
	request_init();
	log_to_fn(quiet, NULL);
	return event_base_new();
}

struct fakestore *
fakestore_router(struct event_base *base, struct router *r)
{
	const struct conf *conf = r->conf;
	struct fakestore *f = xcalloc(1, sizeof(*f));
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	r->registry = registry_new(base, conf, ignore_int, NULL);
	r->asks = asks_new(base, r);
	r->rooms = rooms_new(conf->max_rooms, conf->max_room_members);
	r->control = control_new(base, r);
	r->hubs = hubs_new(base, r);
	r->hubreqs = hubreqs_new(base, r);
	r->store = storeq_new(base, fds[0], &storeq_ops, NULL);
	f->ib = imsg_new(base, fds[1], PROC_STORE, PROC_ROUTER, &store_ops,
	    f);
	return f;
}

int
fakestore_session(struct event_base *base, struct router *r)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	(void)session_new(r, base, fds[0], 0);
	return fds[1];
}

void
fakestore_turn(struct event_base *base)
{
	int i;

	for (i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

void
fakestore_end(struct fakestore *f, struct event_base *base, struct router *r)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	while (storeq_waiting(r->store) > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	registry_shutdown(r->registry, 0);
	hubs_shutdown(r->hubs);
	if (registry_next(r->registry, NULL) != NULL ||
	    registry_next_remote(r->registry, NULL) != NULL ||
	    asks_count(r->asks) != 0)
		abort();
	control_free(r->control);
	asks_free(r->asks);
	rooms_free(r->rooms);
	hubreqs_free(r->hubreqs);
	hubs_free(r->hubs);
	registry_free(r->registry);
	storeq_free(r->store);
	imsg_free(f->ib);
	free(f);
}
