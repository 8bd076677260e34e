/* SPDX-License-Identifier: ISC */
/*
 * A router in the process of a fuzz target.  The store is another end that
 * answers that all went well, as every request that it would answer is covered
 * by a target of its own.
 */
#ifndef FAKEROUTER_H
#define FAKEROUTER_H

#include <sys/socket.h>

#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "asks.h"
#include "conf.h"
#include "control.h"
#include "groupproto.h"
#include "hubreq.h"
#include "hubs.h"
#include "imsg.h"
#include "listproto.h"
#include "log.h"
#include "outproto.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "storeq.h"

struct fake {
	struct event_base	*base;
	struct conf		 conf;
	struct router		 router;
	struct imsgbuf		*store;
};

static void	on_request(struct imsgbuf *, struct imsg *, void *);
static void	group_done(struct reader *, struct wbuf *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	ignore_alias(struct reader *, void *);
static void	ignore(void *);
static void	ignore_int(int, void *);
static void	quiet(enum log_level, const char *, void *);

static const struct imsg_ops store_ops = {
	.dispatch = on_request,
	.closed = on_closed,
};

static const struct storeq_ops storeq_ops = {
	.alias = ignore_alias,
	.name = ignore_alias,
	.up = ignore,
	.expired = ignore_alias,
	.full = ignore_int,
	.idle = ignore,
};

/* What the store in this process answers: all went well, nothing is there. */
static void
on_request(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct store_registered registered = { .unread = 1 };
	struct store_appended appended = { .unread = 1, .seq = 1 };
	struct store_mail mail = { .json = { "[]", 2 } };
	struct store_marked marked = { 0 };
	struct store_message message = { .found = 1, .to = "x" };
	struct store_session_list list = { 0 };
	struct store_out_listed out = { 0 };
	enum imsg_type type = IMSG_NONE;
	struct wbuf w = { 0 };

	(void)arg;
	if (m->type == STORE_REGISTER || m->type == STORE_RENAME) {
		store_registered_put(&w, &registered);
		type = m->type == STORE_REGISTER ? STORE_REGISTERED :
		    STORE_RENAMED;
	} else if (m->type == STORE_APPEND) {
		store_appended_put(&w, &appended);
		type = STORE_APPENDED;
	} else if (m->type == STORE_INBOX) {
		store_mail_put(&w, &mail);
		type = STORE_MAIL;
	} else if (m->type == STORE_MARK) {
		store_marked_put(&w, &marked);
		type = STORE_MARKED;
	} else if (m->type == STORE_STATUS) {
		store_message_put(&w, &message);
		type = STORE_MESSAGE;
	} else if (m->type == STORE_SESSIONS) {
		store_session_list_put(&w, &list);
		type = STORE_SESSION_LIST;
	} else if (m->type == STORE_GROUP) {
		group_done(&m->rd, &w);
		type = STORE_GROUP_DONE;
	} else if (m->type == STORE_OUT_LIST) {
		store_out_listed_put(&w, &out);
		type = STORE_OUT_LISTED;
	} else if (m->type == STORE_OUT_MARK) {
		store_marked_put(&w, &marked);
		type = STORE_OUT_MARKED;
	}
	if (type != IMSG_NONE)
		imsg_send(ib, type, m->id, -1, &w, NULL);
	wbuf_free(&w);
}

/* A group of the two sessions; the one named "no" is none. */
static void
group_done(struct reader *rd, struct wbuf *w)
{
	struct store_group q;
	struct store_group_done a = { .admin = "a", .id = 1, .n = 2,
	    .json = { "[]", 2 } };
	struct wbuf names = { 0 };

	if (store_group_get(rd, &q) == -1)
		abort();
	put_str(&names, "a");
	put_str(&names, "b");
	a.names.p = wbuf_data(&names);
	a.names.len = names.len;
	if (strcmp(q.group, "no") == 0)
		a.err = ERR_NOT_MEMBER;
	store_group_done_put(w, &a);
	wbuf_free(&names);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)err;
	(void)arg;
}

static void
ignore_alias(struct reader *r, void *arg)
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

static void
fake_open(struct fake *f)
{
	struct router *r = &f->router;
	struct lan_peer peer = { .hub_id = "far" };
	int fds[2];

	if (f->base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		f->base = event_base_new();
		conf_defaults(&f->conf);
		(void)lan_peer_add(&f->conf.lan, &peer);
		f->conf.max_hub_peers = 5;
		request_init();
		log_to_fn(quiet, NULL);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	memset(r, 0, sizeof(*r));
	r->conf = &f->conf;
	r->registry = registry_new(f->base, 10, ignore_int, NULL);
	r->asks = asks_new(f->base, r);
	r->rooms = rooms_new(3, 3);
	r->control = control_new(f->base, r);
	r->hubs = hubs_new(f->base, r);
	r->hubreqs = hubreqs_new(f->base, r);
	r->store = storeq_new(f->base, fds[0], &storeq_ops, NULL);
	f->store = imsg_new(f->base, fds[1], PROC_STORE, PROC_ROUTER,
	    &store_ops, NULL);
}

/* There, to the store, and back; what comes is not looked at. */
static void
fake_turn(struct fake *f, const int *fds, size_t n)
{
	char buf[65536];
	size_t i;

	for (i = 0; i < 4; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	for (i = 0; i < n; i++) {
		while (recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
}

static void
fake_close(struct fake *f)
{
	struct router *r = &f->router;

	event_base_loop(f->base, EVLOOP_NONBLOCK);
	while (storeq_waiting(r->store) > 0)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	registry_shutdown(r->registry, 0);
	hubs_shutdown(r->hubs);
	control_free(r->control);
	asks_free(r->asks);
	rooms_free(r->rooms);
	hubreqs_free(r->hubreqs);
	hubs_free(r->hubs);
	registry_free(r->registry);
	storeq_free(r->store);
	imsg_free(f->store);
}

#endif
