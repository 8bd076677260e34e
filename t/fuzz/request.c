/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of two sessions reach a router in this process.  Each
 * input line goes to one of them in turn; the store is another end that
 * answers to register only, as every request that it would answer is covered
 * by its own target.
 */
#include "compat.h"

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
#include "imsg.h"
#include "listproto.h"
#include "log.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "storeq.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	on_request(struct imsgbuf *, struct imsg *, void *);
static void	group_done(struct reader *, struct wbuf *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	ignore_alias(struct reader *, void *);
static void	ignore(void *);
static void	ignore_int(int, void *);
static void	quiet(enum log_level, const char *, void *);
static void	drain(int);

static const struct imsg_ops store_ops = {
	.dispatch = on_request,
	.closed = on_closed,
};

static const struct storeq_ops storeq_ops = {
	.alias = ignore_alias,
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
	struct store_appended appended = { .unread = 1 };
	struct store_mail mail = { .json = { "[]", 2 } };
	struct store_marked marked = { 0 };
	struct store_message message = { .found = 1, .to = "x" };
	struct store_session_list list = { 0 };
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
drain(int fd)
{
	char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct conf conf;
	struct router r = { .conf = &conf };
	struct imsgbuf *store;
	int fds[2], pair[2], ends[2], i;
	const uint8_t *nl;
	size_t n;

	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
		conf_defaults(&conf);
		request_init();
		log_to_fn(quiet, NULL);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	r.registry = registry_new(base, 10, ignore_int, NULL);
	r.asks = asks_new(base, &r);
	r.rooms = rooms_new(3, 1);
	r.control = control_new(base, &r);
	r.store = storeq_new(base, fds[0], &storeq_ops, NULL);
	store = imsg_new(base, fds[1], PROC_STORE, PROC_ROUTER, &store_ops,
	    NULL);
	for (i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
			abort();
		(void)session_new(&r, base, pair[0], 0);
		ends[i] = pair[1];
	}
	for (i = 0; size > 0; i ^= 1) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		if (send(ends[i], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
			break;
		data += n;
		size -= n;
		/* there, to the store, and back */
		event_base_loop(base, EVLOOP_NONBLOCK);
		event_base_loop(base, EVLOOP_NONBLOCK);
		event_base_loop(base, EVLOOP_NONBLOCK);
		drain(ends[0]);
		drain(ends[1]);
	}
	close(ends[0]);
	close(ends[1]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	while (storeq_waiting(r.store) > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	registry_shutdown(r.registry, 0);
	control_free(r.control);
	asks_free(r.asks);
	rooms_free(r.rooms);
	registry_free(r.registry);
	storeq_free(r.store);
	imsg_free(store);
	return 0;
}
