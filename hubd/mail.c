/* SPDX-License-Identifier: ISC */
/*
 * Messages to mailboxes.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "asks.h"
#include "bufio.h"
#include "control.h"
#include "forward.h"
#include "hubs.h"
#include "imsg.h"
#include "log.h"
#include "mail.h"
#include "questions.h"
#include "registry.h"
#include "request.h"
#include "router.h"
#include "session.h"
#include "storeq.h"
#include "timeutil.h"
#include "words.h"

#define INBOX_DEFAULT	20
#define QUERY_SIZE	(REF_LEN_MAX * 4 + 1)
#define INBOX_ENVELOPE	4096	/* of an inbox_result around its messages */

/* A message on its way to the store. */
struct delivery {
	struct router	*router;
	struct session	*answerer;
	struct rbuf	*line;		/* the push, encoded once */
	size_t		 text_off, text_len, ref_off;	/* in it */
	struct slice	 ask_id;	/* in it; len 0: none */
	size_t		 kind_off;	/* in it; 0: it has no kind */
	int		 hinted;	/* the store was told: pushed */
	struct hub	*hub;		/* it goes there; NULL: it stays */
	char		 to[TARGET_SIZE], from[TARGET_SIZE];
	char		 msg_id[MSG_ID_SIZE];
	void		(*done)(const struct posted *, void *);
	void		*arg;
};

/* A mailbox's owner, who may come and go while the store works. */
struct owner {
	struct router	*router;
	struct pending	*asked;		/* of the session, if it asked for it */
	char		 name[TARGET_SIZE];
};

static struct owner	*owner_ref(struct router *, const char *,
			    struct session *);
static void	put_line(struct wbuf *, const struct mail *, const char *,
		    struct delivery *);
static void	encode(struct delivery *, const struct mail *, const char *);
static void	stored(struct imsg *, void *);
static void	count(struct router *, const struct posted *);
static void	hand_over(struct delivery *, int64_t);
static int	is_answer(const struct delivery *, char *, size_t);
static int	push(struct delivery *);
static int	push_plain(const struct delivery *, struct session *);
static int	push_reply(struct delivery *);
static void	mark_push(const struct delivery *, int);
static void	mark_id(struct router *, const char *, const char *,
		    enum msg_state);
static void	marked(struct imsg *, void *);
static void	sent(const struct posted *, void *);
static void	sent_elsewhere(const struct posted *, void *);
static void	acknowledge(const struct posted *, struct pending *, int);
static void	inbox_read(struct imsg *, void *);
static void	inbox_answer(struct session *, struct slice,
		    const struct store_mail *);
static void	inbox_shown(struct session *, const struct wbuf *);
static void	mark_list(struct session *, const struct request *,
		    enum msg_state);

static struct owner *
owner_ref(struct router *r, const char *name, struct session *s)
{
	static const struct slice none = { NULL, 0 };
	struct owner *o = xmalloc(sizeof(*o));

	o->router = r;
	o->asked = s != NULL ? pending_new(s, none) : NULL;
	strlcpy(o->name, name, sizeof(o->name));
	return o;
}

/* Appends it; tells where in it the text, reply_to and kind are. */
static void
put_line(struct wbuf *w, const struct mail *m, const char *ts,
    struct delivery *d)
{
	json_begin(w, '{');
	json_put_str(w, "type", "incoming_message");
	json_put_str(w, "msg_id", m->msg_id);
	json_put_str(w, "from", m->from);
	json_put_raw(w, "text", m->text);
	d->text_off = w->len - 1 - m->text.len;
	d->text_len = m->text.len;
	if (m->reply_to.p != NULL) {
		json_put_raw(w, "reply_to", m->reply_to);
		d->ref_off = w->len - 1 - m->reply_to.len;
	} else {
		json_put_null(w, "reply_to");
	}
	json_put_str(w, "ts", ts);
	if (m->urgent)
		json_put_bool(w, "urgent", 1);
	if (m->kind != KIND_INFO) {
		d->kind_off = w->len;
		json_put_str(w, "kind", msg_kind_name(m->kind));
	}
	json_end(w, '}');
	wbuf_add(w, "\n", 1);
}

void
mail_line(struct wbuf *w, const struct mail *m, const char *ts)
{
	struct delivery d;

	put_line(w, m, ts, &d);
}

static void
encode(struct delivery *d, const struct mail *m, const char *ts)
{
	struct mail full = *m;
	struct wbuf w = { 0 };

	full.msg_id = d->msg_id;
	put_line(&w, &full, ts, d);
	d->line = wbuf_take(&w);
	d->ask_id.p = d->line->data + d->ref_off;
	d->ask_id.len = m->answerer != NULL ? m->reply_to.len : 0;
}

void
mail_post(struct router *r, const struct mail *m,
    void (*done)(const struct posted *, void *), void *arg)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	struct store_append a = { 0 };
	char ts[ISO8601_SIZE], uuid[UUID_SIZE];
	struct wbuf w = { 0 };

	d->router = r;
	d->done = done;
	d->arg = arg;
	strlcpy(d->to, registry_resolve(r->registry, m->to), sizeof(d->to));
	strlcpy(d->from, m->from, sizeof(d->from));
	if (m->msg_id != NULL) {
		strlcpy(d->msg_id, m->msg_id, sizeof(d->msg_id));
	} else {
		uuid_v7(uuid);
		snprintf(d->msg_id, sizeof(d->msg_id), "m-%s", uuid);
	}
	if (m->answerer != NULL)
		d->answerer = session_ref(m->answerer);
	a.ts = m->ts != 0 ? m->ts : time_now_ms();
	time_iso8601(a.ts, ts);
	encode(d, m, ts);
	d->hub = hubs_of(r->hubs, d->to);
	d->hinted = d->hub == NULL &&
	    registry_find(r->registry, d->to) != NULL;

	strlcpy(a.to, d->to, sizeof(a.to));
	strlcpy(a.from, d->from, sizeof(a.from));
	strlcpy(a.msg_id, d->msg_id, sizeof(a.msg_id));
	a.pushed = (uint8_t)d->hinted;
	a.urgent = (uint8_t)m->urgent;
	a.kind = m->kind;
	a.has_reply_to = m->reply_to.p != NULL;
	a.reply_to = m->reply_to;
	a.text = m->text;
	store_append_put(&w, &a);
	storeq_ask(r->store, STORE_APPEND, &w, stored, d);
	wbuf_free(&w);
}

/* The store has it, or does not. */
static void
stored(struct imsg *msg, void *arg)
{
	struct delivery *d = arg;
	struct router *r = d->router;
	struct posted p = { .msg_id = d->msg_id };
	struct session *to;
	struct store_appended a;
	struct wbuf w = { 0 };

	if (store_appended_get(&msg->rd, &a) == -1)
		fatalx("bad STORE_APPENDED");
	p.status = a.status;
	p.to = d->to;
	p.remote = d->hub != NULL;
	to = registry_find(r->registry, d->to);
	if (d->hub != NULL) {
		if (a.status == STORE_OK)
			hand_over(d, a.seq);
	} else if (a.status == STORE_OK) {
		if (to != NULL)
			to->unread = a.unread;
		p.pushed = push(d);
		mark_push(d, p.pushed);
		control_event(r->control, "message", "from", d->from, "to",
		    d->to, "msg_id", d->msg_id, "status",
		    p.pushed ? "delivered" : "queued", NULL);
	} else if (a.status == STORE_REPEAT) {
		p.pushed = a.state != MSG_ACCEPTED && a.state != MSG_EXPIRED;
		if (a.push) {
			p.pushed = push(d);
			mark_push(d, p.pushed);
		}
	}
	count(r, &p);
	if (a.has_expired) {
		r->counters[COUNT_EXPIRED]++;
		store_receipt_put(&w, &a.expired);
		mail_receipts(r, (struct slice){ wbuf_data(&w), w.len }, 1);
		wbuf_free(&w);
	}
	d->done(&p, d->arg);
	if (d->answerer != NULL)
		session_unref(d->answerer);
	rbuf_unref(d->line);
	free(d);
}

static void
count(struct router *r, const struct posted *p)
{
	if (p->status == STORE_OK)
		r->counters[p->pushed ? COUNT_DELIVERED : COUNT_QUEUED]++;
	else if (p->status == STORE_REPEAT)
		r->counters[COUNT_REPEATED]++;
	else
		r->counters[COUNT_NOT_STORED]++;
}

/*
 * What was thought of it, when the store was asked, has not come true.  It is
 * marked in two steps, for the time of its state to be that of now.
 */
static void
mark_push(const struct delivery *d, int pushed)
{
	if (pushed == d->hinted)
		return;
	mark_id(d->router, d->to, d->msg_id, MSG_ACCEPTED);
	if (pushed)
		mark_id(d->router, d->to, d->msg_id, MSG_PUSHED);
}

/* To another hub: from now on that is the business of the outbox. */
static void
hand_over(struct delivery *d, int64_t seq)
{
	struct router *r = d->router;
	struct ask_answer ans;
	char key[ASK_ID_SIZE * 6];

	forward_stored(d->hub, d->to, seq, d->line);
	control_event(r->control, "message", "from", d->from, "to", d->to,
	    "msg_id", d->msg_id, "status", "queued", NULL);
	/* there it closes the ask that it answers, if it is one */
	if (d->ask_id.len > 0 && is_answer(d, key, sizeof(key)) &&
	    asks_take(r->asks, d->answerer, slice_of(key), &ans) == 0)
		ask_answer_free(&ans);
}

/* 1 if reply_to is an ask of the receiver to the sender; it is in key. */
static int
is_answer(const struct delivery *d, char *key, size_t size)
{
	struct json_value v = { d->ask_id.p, d->ask_id.len, JS_STRING, 1 };
	const char *asker;

	if (json_str(&v, key, size) == -1)
		return 0;
	asker = asks_asker(d->router->asks, d->answerer, slice_of(key));
	return asker != NULL && strcmp(asker, d->to) == 0;
}

/* 1 if it was queued on a live connection. */
static int
push(struct delivery *d)
{
	struct session *to;

	if (d->ask_id.len > 0 && push_reply(d))
		return 1;
	to = registry_find(d->router->registry, d->to);
	if (to == NULL)
		return 0;
	if (d->kind_off > 0 && !(to->features & FEATURE_KIND))
		return push_plain(d, to);
	return session_push(to, d->line) == 0;
}

/* To one that does not know kinds, which come last. */
static int
push_plain(const struct delivery *d, struct session *to)
{
	struct wbuf w = { 0 };
	struct rbuf *line;
	int ok;

	wbuf_add(&w, d->line->data, d->kind_off);
	wbuf_adds(&w, "}\n");
	line = wbuf_take(&w);
	ok = session_push(to, line) == 0;
	rbuf_unref(line);
	return ok;
}

/*
 * A message to the asker that names the ask answers it (protocol.md, details).
 * The asker has it then, and will not find it in its mailbox again.
 */
static int
push_reply(struct delivery *d)
{
	struct router *r = d->router;
	struct ask_answer ans;
	struct wbuf w = { 0 };
	struct rbuf *line;
	char key[ASK_ID_SIZE * 6];
	struct slice text = { d->line->data + d->text_off, d->text_len };
	int ok = 0;

	if (!is_answer(d, key, sizeof(key)) ||
	    asks_take(r->asks, d->answerer, slice_of(key), &ans) == -1)
		return 0;
	if (ans.asker != NULL) {
		questions_reply_line(&w, d->from, text, ans.tail);
		line = wbuf_take(&w);
		ok = session_push(ans.asker, line) == 0;
		rbuf_unref(line);
	}
	ask_answer_free(&ans);
	if (ok)
		mark_id(r, d->to, d->msg_id, MSG_SEEN);
	return ok;
}

static void
mark_id(struct router *r, const char *name, const char *id,
    enum msg_state state)
{
	struct store_mark m = { .state = state, .nids = 1 };
	struct wbuf list = { 0 }, w = { 0 };

	strlcpy(m.name, name, sizeof(m.name));
	put_str(&list, id);
	m.list.p = wbuf_data(&list);
	m.list.len = list.len;
	store_mark_put(&w, &m);
	storeq_ask(r->store, STORE_MARK, &w, marked, owner_ref(r, name, NULL));
	wbuf_free(&list);
	wbuf_free(&w);
}

static void
marked(struct imsg *msg, void *arg)
{
	struct owner *ref = arg;
	struct session *s;
	struct store_marked m;

	if (store_marked_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MARKED");
	if (m.status == STORE_OK) {
		s = registry_find(ref->router->registry, ref->name);
		if (s != NULL)
			s->unread = m.unread;
		mail_receipts(ref->router, m.receipts, m.nreceipts);
	}
	if (ref->asked != NULL)
		pending_free(ref->asked);
	free(ref);
}

void
mail_receipts(struct router *r, struct slice list, uint32_t n)
{
	struct store_receipt c;
	struct session *s;
	struct wbuf w = { 0 };
	struct reader rd;

	reader_init(&rd, list.p, list.len);
	while (n-- > 0) {
		if (store_receipt_get(&rd, &c) == -1)
			fatalx("bad receipt from the store");
		control_event(r->control, "receipt", "from", c.sender, "to",
		    c.peer, "msg_id", c.msg_id, "state",
		    msg_state_name(c.state), NULL);
		if (strchr(c.sender, '@') != NULL) {
			hubs_receipt(r->hubs, &c);
			continue;
		}
		s = registry_find(r->registry, c.sender);
		if (s == NULL || !(s->features & FEATURE_RECEIPTS))
			continue;
		json_begin(&w, '{');
		json_put_str(&w, "type", "receipt");
		json_put_str(&w, "msg_id", c.msg_id);
		json_put_str(&w, "peer", c.peer);
		json_put_str(&w, "state", msg_state_name(c.state));
		json_end(&w, '}');
		wbuf_add(&w, "\n", 1);
		session_write(s, &w);
		wbuf_reset(&w);
	}
	wbuf_free(&w);
}

void
mail_expired(struct router *r, const struct store_expired *e)
{
	struct session *s = registry_find(r->registry, e->receipt.peer);
	struct wbuf w = { 0 };

	r->counters[COUNT_EXPIRED]++;
	if (s != NULL)
		s->unread = e->unread;
	store_receipt_put(&w, &e->receipt);
	mail_receipts(r, (struct slice){ wbuf_data(&w), w.len }, 1);
	wbuf_free(&w);
}

void
mail_send(struct session *s, const struct request *q)
{
	struct mail m = { .from = s->name, .answerer = s };
	char msg_id[MSG_ID_SIZE];
	int kind = KIND_INFO;
	struct target t;

	if (request_target(s, q, M_TO, &t) == -1)
		return;
	m.to = t.name;
	if (request_has(q, M_KIND) &&
	    (kind = msg_kind_of(request_raw(q, M_KIND))) == -1) {
		request_fail(s, q, ERR_BAD_ARGS,
		    "kind must be info, request or response");
		return;
	}
	if (request_has(q, M_MSG_ID)) {
		if (request_msg_id(&q->v[M_MSG_ID], msg_id) == -1) {
			request_fail(s, q, ERR_BAD_ARGS, "msg_id must be 1 to "
			    "64 printable ASCII characters, no quotes");
			return;
		}
		m.msg_id = msg_id;
	}
	m.kind = (enum msg_kind)kind;
	m.text = request_raw(q, M_TEXT);
	if (request_has(q, M_REPLY_TO))
		m.reply_to = request_raw(q, M_REPLY_TO);
	m.urgent = request_true(q, M_URGENT);
	mail_post(s->router, &m, t.guessed ? sent_elsewhere : sent,
	    pending_new(s, q->req_id));
}

/* The sender did not say that it is another hub's session. */
static void
sent_elsewhere(const struct posted *p, void *arg)
{
	acknowledge(p, arg, 1);
}

static void
sent(const struct posted *p, void *arg)
{
	acknowledge(p, arg, 0);
}

static void
acknowledge(const struct posted *p, struct pending *to, int guessed)
{
	static const struct slice none = { NULL, 0 };
	struct wbuf w = { 0 };

	if (p->status == STORE_FULL) {
		answer_err(to->session, to->req_id, ERR_MAILBOX_ERROR,
		    p->remote ? "as many messages wait for that hub as may: "
		    "try again when it is back" : "the hub has as many "
		    "mailboxes as it may: see hubctl clean", none);
	} else if (p->status == STORE_FAILED) {
		answer_err(to->session, to->req_id, ERR_MAILBOX_ERROR,
		    "the message could not be stored", none);
	} else if (p->status == STORE_OTHER) {
		answer_err(to->session, to->req_id, ERR_BAD_ARGS,
		    "msg_id was used for a message to somebody else", none);
	} else {
		answer_begin(&w, "send_ack", to->req_id);
		json_put_str(&w, "msg_id", p->msg_id);
		json_put_str(&w, "status", p->pushed ? "delivered" : "queued");
		if (guessed)
			json_put_str(&w, "to", p->to);
		answer_end(to->session, &w);
	}
	pending_free(to);
}

int
mail_can_search(struct slice query)
{
	struct terms t = { .n = 0 };
	size_t n = terms_parse(&t, query);

	terms_free(&t);
	return n > 0;
}

/*
 * Reading pauses the session until the answer is on its way: only then are
 * the messages seen, and the next request must find them so.  A search marks
 * nothing as seen: it shows parts of what waits, and what is read already.
 */
void
mail_inbox(struct session *s, const struct request *q)
{
	char query[QUERY_SIZE];
	struct store_inbox in = { 0 };
	struct wbuf w = { 0 };

	strlcpy(in.name, s->name, sizeof(in.name));
	in.mode = INBOX_UNSEEN;
	in.limit = (uint32_t)request_int(q, M_LIMIT, INBOX_DEFAULT);
	in.max_bytes = (s->features & FEATURE_ANY ? LINE_MAX_BYTES :
	    LINE_MAX_PLAIN) - INBOX_ENVELOPE;
	if (request_has(q, M_RECENT)) {
		in.mode = INBOX_RECENT;
		in.limit = (uint32_t)request_int(q, M_RECENT, INBOX_DEFAULT);
	}
	if (in.mode != INBOX_RECENT && request_has(q, M_SINCE_ID))
		in.mode = INBOX_SINCE;
	if (request_has(q, M_SINCE_ID) &&
	    request_msg_id(&q->v[M_SINCE_ID], in.since_id) == -1)
		in.since_id[0] = '\0';
	if (request_has(q, M_QUERY)) {
		if (json_str(&q->v[M_QUERY], query, sizeof(query)) == -1 ||
		    !mail_can_search(slice_of(query))) {
			request_fail(s, q, ERR_BAD_ARGS,
			    "there is no word in query to search for");
			return;
		}
		in.mode = INBOX_SEARCH;
		in.query = slice_of(query);
	}
	store_inbox_put(&w, &in);
	session_pause(s);
	storeq_ask(s->router->store, STORE_INBOX, &w, inbox_read,
	    pending_new(s, q->req_id));
	wbuf_free(&w);
}

static void
inbox_read(struct imsg *msg, void *arg)
{
	static const struct slice none = { NULL, 0 };
	struct pending *to = arg;
	struct session *s = to->session;
	struct store_mail m;

	if (store_mail_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MAIL");
	if (s->state == SESSION_GONE) {
		pending_free(to);
		return;
	}
	if (m.status == STORE_OK) {
		inbox_answer(s, to->req_id, &m);
	} else {
		answer_err(s, to->req_id, ERR_MAILBOX_ERROR,
		    "the mailbox could not be read", none);
	}
	session_resume(s);
	pending_free(to);
}

static void
inbox_answer(struct session *s, struct slice req_id,
    const struct store_mail *m)
{
	struct store_mark seen = { .state = MSG_SEEN, .nseqs = m->nunseen,
	    .list = m->unseen };
	struct wbuf w = { 0 };

	s->unread = m->unread - m->nunseen;
	answer_begin(&w, "inbox_result", req_id);
	json_key(&w, "messages");
	wbuf_add(&w, m->json.p, m->json.len);
	json_put_int(&w, "remaining", m->remaining);
	if (m->dropped > 0)
		json_put_int(&w, "dropped", m->dropped);
	answer_end(s, &w);
	if (m->nunseen == 0)
		return;
	strlcpy(seen.name, s->name, sizeof(seen.name));
	store_mark_put(&w, &seen);
	session_when_shown(s, inbox_shown, &w);
}

static void
inbox_shown(struct session *s, const struct wbuf *mark)
{
	storeq_ask(s->router->store, STORE_MARK, mark, marked,
	    owner_ref(s->router, s->name, s));
}

static void
mark_list(struct session *s, const struct request *q, enum msg_state state)
{
	struct store_mark m = { .state = state };
	struct wbuf list = { 0 }, w = { 0 };
	char id[MSG_ID_SIZE];
	struct json_value v;
	size_t pos = 0;

	while (json_next(&q->v[M_MSG_ID], &pos, &v)) {
		if (request_msg_id(&v, id) == 0) {
			put_str(&list, id);
			m.nids++;
		}
	}
	strlcpy(m.name, s->name, sizeof(m.name));
	m.list.p = wbuf_data(&list);
	m.list.len = list.len;
	store_mark_put(&w, &m);
	storeq_ask(s->router->store, STORE_MARK, &w, marked,
	    owner_ref(s->router, s->name, s));
	wbuf_free(&list);
	wbuf_free(&w);
}

void
mail_received(struct session *s, const struct request *q)
{
	mark_list(s, q, MSG_RECEIVED);
}

void
mail_seen(struct session *s, const struct request *q)
{
	mark_list(s, q, MSG_SEEN);
}
