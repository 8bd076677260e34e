/* SPDX-License-Identifier: ISC */
/*
 * Requests that ask and answer.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "asks.h"
#include "conf.h"
#include "control.h"
#include "hubs.h"
#include "log.h"
#include "mail.h"
#include "questions.h"
#include "registry.h"
#include "request.h"
#include "router.h"
#include "session.h"

/* Answers to a broadcast may come for this long. */
#define BROADCAST_MS	3600000

static void	ask(struct session *, struct session *, const struct request *,
		    struct ask_spec *);
static int	ask_key(const struct request *, enum member, char *, size_t);
static struct rbuf	*broadcast_tail(const struct session *,
			    const struct request *, int);
static int	broadcast_to(struct session *, struct session *,
		    const struct request *, struct rbuf *);
static void	not_stored(const struct posted *, void *);
static void	leave_reply(struct session *, const struct request *,
		    const struct ask_answer *);

/* An id as the hub compares it: decoded. */
static int
ask_key(const struct request *q, enum member m, char *dst, size_t size)
{
	return json_str(&q->v[m], dst, size);
}

void
questions_ask(struct session *s, const struct request *q)
{
	struct router *r = s->router;
	struct ask_spec spec = { 0 };
	struct session *target;
	struct target t;

	if (request_target(s, q, M_TO, &t) == -1)
		return;
	target = registry_find(r->registry, t.name);
	if (target == NULL || target == s) {
		request_fail(s, q, ERR_PEER_NOT_FOUND, target == s ?
		    "this is the session itself" : t.hub != NULL &&
		    !hub_is_up(t.hub) ? "its hub is away: leave it a message" :
		    NULL);
		return;
	}
	spec.timeout_ms = request_int(q, M_TIMEOUT_MS,
	    r->conf->ask_timeout_ms);
	ask(s, target, q, &spec);
}

void
questions_remote(struct session *s, struct session *target,
    const struct request *q)
{
	struct ask_spec spec = { .broadcast_id =
	    request_raw(q, M_BROADCAST_ID) };

	if (target == NULL || target->hub != NULL) {
		request_fail(s, q, ERR_PEER_NOT_FOUND, NULL);
		return;
	}
	spec.timeout_ms = request_int(q, M_TIMEOUT_MS,
	    spec.broadcast_id.len > 0 ? BROADCAST_MS :
	    s->router->conf->ask_timeout_ms);
	ask(s, target, q, &spec);
}

/* Opens it and tells the target. */
static void
ask(struct session *s, struct session *target, const struct request *q,
    struct ask_spec *spec)
{
	struct router *r = s->router;
	char key[ASK_KEY_SIZE];
	struct wbuf w = { 0 };
	struct rbuf *line;
	int opened;

	spec->ask_id = request_raw(q, M_ASK_ID);
	spec->thread_id = request_raw(q, M_THREAD_ID);
	if (ask_key(q, M_ASK_ID, key, sizeof(key)) == -1 ||
	    (opened = asks_open(r->asks, s, target, slice_of(key),
	    spec)) == -1) {
		request_fail(s, q, ERR_BAD_ARGS,
		    "ask_id is in use: take another");
		return;
	}
	if (opened == 1)
		return;		/* the target has been asked */
	json_begin(&w, '{');
	json_put_str(&w, "type", "incoming_ask");
	json_put_str(&w, "from", s->name);
	json_put_raw(&w, "question", request_raw(q, M_QUESTION));
	json_put_raw(&w, "ask_id", spec->ask_id);
	if (spec->broadcast_id.len > 0)
		json_put_raw(&w, "broadcast_id", spec->broadcast_id);
	if (spec->thread_id.len > 0)
		json_put_raw(&w, "thread_id", spec->thread_id);
	if (target->hub != NULL)
		json_put_int(&w, "timeout_ms", spec->timeout_ms);
	else if (request_has(q, M_KIND) && (target->features & FEATURE_KIND))
		json_put_raw(&w, "kind", request_raw(q, M_KIND));
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	line = wbuf_take(&w);
	if (session_push(target, line) == -1) {
		asks_cancel(r->asks, target, slice_of(key));
		request_fail(s, q, ERR_UNEXPECTED, "that session does not "
		    "read, or cannot take a question of that length: leave it "
		    "a message");
	} else {
		r->counters[COUNT_ASKS] += spec->broadcast_id.len == 0;
		control_event(r->control, "ask", "from", s->name, "to",
		    target->name, NULL);
	}
	rbuf_unref(line);
}

/* Nobody waits for what becomes of it. */
static void
not_stored(const struct posted *p, void *arg)
{
	(void)arg;
	if (p->status == STORE_FAILED || p->status == STORE_FULL)
		log_warnx("the answer %s to a session that is away could not "
		    "be stored", p->msg_id);
}

/* The asker is away: its mailbox keeps the answer. */
static void
leave_reply(struct session *s, const struct request *q,
    const struct ask_answer *ans)
{
	struct mail m = { .to = ans->asker_name, .from = s->name };

	m.text = request_raw(q, M_TEXT);
	m.reply_to = request_raw(q, M_ASK_ID);
	m.kind = KIND_RESPONSE;
	mail_post(s->router, &m, not_stored, NULL);
}

void
questions_reply(struct session *s, const struct request *q)
{
	struct router *r = s->router;
	char key[ASK_KEY_SIZE];
	struct ask_answer ans;
	struct session *asker;
	struct wbuf w = { 0 };
	struct rbuf *line;

	if (ask_key(q, M_ASK_ID, key, sizeof(key)) == -1 ||
	    asks_take(r->asks, s, slice_of(key), &ans) == -1) {
		/* another hub's may be late, and has done nothing wrong */
		if (s->hub == NULL)
			request_fail(s, q, ERR_UNKNOWN_ASK, NULL);
		return;
	}
	asker = ans.asker != NULL ? ans.asker :
	    registry_find(r->registry, ans.asker_name);
	/* its hub has told it that nobody answers, and forgotten the ask */
	if (ans.asker == NULL && asker != NULL && asker->hub != NULL)
		asker = NULL;
	questions_reply_line(&w, s->name, request_raw(q, M_TEXT), ans.tail);
	line = wbuf_take(&w);
	if (asker == NULL || session_push(asker, line) == -1)
		leave_reply(s, q, &ans);
	r->counters[COUNT_REPLIES]++;
	control_event(r->control, "reply", "from", s->name, "to",
	    ans.asker_name, NULL);
	rbuf_unref(line);
	ask_answer_free(&ans);
}

/* What follows the ask_id, the same for all receivers. */
static struct rbuf *
broadcast_tail(const struct session *s, const struct request *q, int kind)
{
	struct slice id = request_raw(q, M_BROADCAST_ID);
	struct wbuf w = { 0 };

	wbuf_adds(&w, ",\"from\":");
	json_add_str(&w, s->name, strlen(s->name));
	json_put_raw(&w, "question", request_raw(q, M_QUESTION));
	json_put_raw(&w, "broadcast_id", id);
	json_put_raw(&w, "thread_id", id);
	if (kind != KIND_INFO)
		json_put_str(&w, "kind", msg_kind_name((enum msg_kind)kind));
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	return wbuf_take(&w);
}

/* Opens an ask <broadcast_id>:<name> to one session; 1 if it was pushed. */
static int
broadcast_to(struct session *s, struct session *to, const struct request *q,
    struct rbuf *tail)
{
	static const char head[] = "{\"type\":\"incoming_ask\",\"ask_id\":\"";
	struct slice id = request_raw(q, M_BROADCAST_ID);
	struct ask_spec spec = { .broadcast_id = id, .thread_id = id };
	struct wbuf w = { 0 };
	char key[ASK_KEY_SIZE];
	size_t n;
	int ok;

	if (ask_key(q, M_BROADCAST_ID, key, sizeof(key) - TARGET_SIZE) == -1)
		return 0;
	n = strlen(key);
	snprintf(key + n, sizeof(key) - n, ":%s", to->name);
	wbuf_adds(&w, head);
	wbuf_add(&w, id.p, id.len);
	wbuf_printf(&w, ":%s", to->name);
	spec.ask_id.p = wbuf_data(&w) + sizeof(head) - 1;
	spec.ask_id.len = w.len - (sizeof(head) - 1);
	spec.timeout_ms = BROADCAST_MS;
	ok = asks_open(s->router->asks, s, to, slice_of(key), &spec) == 0;
	if (ok) {
		wbuf_adds(&w, "\"");
		ok = session_pushv(to, &w, tail) == 0;
		if (!ok)
			asks_cancel(s->router->asks, to, slice_of(key));
	}
	wbuf_free(&w);
	return ok;
}

void
questions_broadcast(struct session *s, const struct request *q)
{
	struct router *r = s->router;
	int all, kind = KIND_INFO;
	struct wbuf w = { 0 };
	struct session *to;
	struct rbuf *tail, *plain;
	char count[24];
	unsigned n = 0;

	if (request_has(q, M_KIND) &&
	    (kind = msg_kind_of(request_raw(q, M_KIND))) == -1) {
		request_fail(s, q, ERR_BAD_ARGS,
		    "kind must be info, request or response");
		return;
	}
	all = request_has(q, M_EXCLUDE_SELF) &&
	    !request_true(q, M_EXCLUDE_SELF);
	tail = broadcast_tail(s, q, kind);
	plain = broadcast_tail(s, q, KIND_INFO);	/* knows no kinds */
	for (to = registry_next(r->registry, NULL); to != NULL;
	    to = registry_next(r->registry, to)) {
		if (to != s || all)
			n += (unsigned)broadcast_to(s, to, q,
			    to->features & FEATURE_KIND ? tail : plain);
	}
	for (to = registry_next_remote(r->registry, NULL); to != NULL;
	    to = registry_next_remote(r->registry, to))
		n += (unsigned)broadcast_to(s, to, q,
		    to->features & FEATURE_KIND ? tail : plain);
	rbuf_unref(tail);
	rbuf_unref(plain);
	answer_begin(&w, "broadcast_ack", q->req_id);
	json_put_raw(&w, "broadcast_id", request_raw(q, M_BROADCAST_ID));
	json_put_int(&w, "peer_count", n);
	answer_end(s, &w);
	r->counters[COUNT_BROADCASTS]++;
	snprintf(count, sizeof(count), "%u", n);
	control_event(r->control, "broadcast", "from", s->name, "peer_count",
	    count, NULL);
}

void
questions_reply_line(struct wbuf *w, const char *from, struct slice text,
    const struct rbuf *tail)
{
	json_begin(w, '{');
	json_put_str(w, "type", "incoming_reply");
	json_put_str(w, "from", from);
	json_put_raw(w, "text", text);
	wbuf_add(w, tail->data, tail->len);
}
