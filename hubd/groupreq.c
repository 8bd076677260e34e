/* SPDX-License-Identifier: ISC */
/*
 * Requests about groups: what the store is asked, what it has answered, and
 * whom else that concerns.
 */
#include "compat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bufio.h"
#include "conf.h"
#include "control.h"
#include "groupproto.h"
#include "groupreq.h"
#include "hubreq.h"
#include "hubs.h"
#include "imsg.h"
#include "log.h"
#include "registry.h"
#include "request.h"
#include "router.h"
#include "session.h"
#include "storeq.h"
#include "timeutil.h"

#define ENVELOPE	4096	/* of an answer around its list */

/* Something that changes a group, on its way to the store. */
struct change {
	struct pending	*asker;
	enum group_op	 op;
	struct wbuf	 push;		/* incoming_group_msg up to its text */
	char		 from[TARGET_SIZE], group[NAME_SIZE], peer[TARGET_SIZE];
	char		 ts[ISO8601_SIZE];
};

static int	begin(struct session *, const struct request *, enum group_op,
		    enum member, struct store_group *);
static int	get_peer(struct session *, const struct request *,
		    struct store_group *);
static void	ask(struct session *, const struct request *,
		    const struct store_group *,
		    void (*)(struct imsg *, void *));
static int	answered(struct imsg *, struct pending *,
		    struct store_group_done *);
static uint32_t	line_limit(const struct session *);
static uint32_t	answer_limit(const struct session *, const struct request *);
static int	is_member_name(const struct session *, struct slice);
static int	get_members(struct session *, const struct request *,
		    struct wbuf *, uint32_t *);
static void	created(struct imsg *, void *);
static void	change(struct session *, const struct request *,
		    const struct store_group *, struct slice);
static void	changed(struct imsg *, void *);
static void	tell_monitors(const struct change *, const char *);
static void	push_begin(struct change *, struct slice);
static void	push(struct change *, const struct store_group_done *,
		    const char *);
static void	got_history(struct imsg *, void *);
static void	history_shown(struct session *, const struct wbuf *);
static void	marked(struct imsg *, void *);
static void	got_list(struct imsg *, void *);
static void	got_info(struct imsg *, void *);
static void	put_members(struct wbuf *, const struct session *,
		    const struct store_group_done *);

/*
 * Caller, time and the group's name; -1 if it is none, or that of another
 * hub: that has been dealt with.
 */
static int
begin(struct session *s, const struct request *q, enum group_op op,
    enum member m, struct store_group *g)
{
	g->op = op;
	g->now = time_now_ms();
	strlcpy(g->caller, s->name, sizeof(g->caller));
	if (m == M_GROUP)
		return hubreq_group(s, q, g->group) == 0 ? 0 : -1;
	if (request_name(q, m, g->group, sizeof(g->group)) == 0)
		return 0;
	request_fail(s, q, ERR_BAD_ARGS, "invalid group name");
	return -1;
}

static int
get_peer(struct session *s, const struct request *q, struct store_group *g)
{
	struct target t;

	if (request_target(s, q, M_PEER, &t) == -1)
		return -1;
	strlcpy(g->peer, t.name, sizeof(g->peer));
	return 0;
}

static void
ask(struct session *s, const struct request *q, const struct store_group *g,
    void (*answer)(struct imsg *, void *))
{
	struct pending *p = pending_new(s, q->req_id);
	struct wbuf w = { 0 };

	strlcpy(p->subject, g->group, sizeof(p->subject));
	store_group_put(&w, g);
	storeq_ask(s->router->store, STORE_GROUP, &w, answer, p);
	wbuf_free(&w);
}

/* Reads the answer; 0 if it was an error: that has been answered, too. */
static int
answered(struct imsg *msg, struct pending *p, struct store_group_done *a)
{
	static const struct slice none = { NULL, 0 };

	if (store_group_done_get(&msg->rd, a) == -1)
		fatalx("bad STORE_GROUP_DONE");
	if (a->status != STORE_OK) {
		answer_err(p->session, p->req_id, ERR_MAILBOX_ERROR,
		    "the hub's database failed: nothing was done", none);
		return 0;
	}
	if (a->err == ERR_NONE)
		return 1;
	answer_err(p->session, p->req_id, a->err,
	    a->note[0] != '\0' ? a->note : NULL, none);
	return 0;
}

static uint32_t
line_limit(const struct session *s)
{
	return (s->features & FEATURE_ANY ? LINE_MAX_BYTES :
	    LINE_MAX_PLAIN) - ENVELOPE;
}

/* Another hub says how much its session can take. */
static uint32_t
answer_limit(const struct session *s, const struct request *q)
{
	int64_t max = line_limit(s), n = max;

	if (s->hub != NULL)
		n = request_int(q, M_MAX_BYTES, max);
	return (uint32_t)(n > ENVELOPE && n < max ? n : max);
}

/* name, or name@hub of a hub that is known. */
static int
is_member_name(const struct session *s, struct slice text)
{
	char full[TARGET_SIZE];
	struct slice name;

	if (slice_copy(text, full, sizeof(full)) == -1)
		return 0;
	name.p = full;
	name.len = strcspn(full, "@");
	return name_valid(name) && (name.len == text.len ||
	    hubs_of(s->router->hubs, full) != NULL);
}

/* Appends those that are names; -1 if there are too many, as is answered. */
static int
get_members(struct session *s, const struct request *q, struct wbuf *w,
    uint32_t *n)
{
	uint32_t max = s->router->conf->max_group_members, others = 0;
	char text[TARGET_SIZE * 2], message[64];
	struct json_value v;
	struct slice name;
	size_t pos = 0;

	while (json_next(&q->v[M_MEMBERS], &pos, &v)) {
		name.len = 0;
		if (json_str(&v, text, sizeof(text)) != -1)
			name = name_trim(slice_of(text));
		if (name.len > 0 && slice_is(name, s->name))
			continue;
		if (++others > max) {
			snprintf(message, sizeof(message),
			    "members must be at most %" PRIu32, max);
			request_fail(s, q, ERR_BAD_MSG, message);
			return -1;
		}
		if (name.len == 0 || !is_member_name(s, name))
			continue;
		put_slice(w, name);
		(*n)++;
	}
	return 0;
}

void
groupreq_create(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };
	struct wbuf names = { 0 };

	if (begin(s, q, GROUP_CREATE, M_NAME, &g) == 0 &&
	    get_members(s, q, &names, &g.n) == 0) {
		g.text.p = wbuf_data(&names);
		g.text.len = names.len;
		ask(s, q, &g, created);
	}
	wbuf_free(&names);
}

static void
created(struct imsg *msg, void *arg)
{
	struct pending *p = arg;
	struct session *s = p->session;
	struct store_group_done a;
	struct wbuf w = { 0 };
	struct reader names;
	struct slice name;
	uint32_t i;

	if (answered(msg, p, &a)) {
		answer_begin(&w, "group_created", p->req_id);
		json_put_str(&w, "group", p->subject);
		json_key(&w, "members");
		json_begin(&w, '[');
		reader_init(&names, a.names.p, a.names.len);
		for (i = 0; i < a.n; i++) {
			name = get_slice(&names);
			json_comma(&w);
			json_add_str(&w, name.p, name.len);
		}
		json_end(&w, ']');
		answer_end(s, &w);
		control_event(s->router->control, "group_create", "name",
		    s->name, "group", p->subject, NULL);
	}
	pending_free(p);
}

/* notice: what the store's answer names are told, or nothing. */
static void
change(struct session *s, const struct request *q,
    const struct store_group *g, struct slice notice)
{
	struct change *c = xcalloc(1, sizeof(*c));
	struct wbuf w = { 0 };

	c->asker = pending_new(s, q->req_id);
	c->op = g->op;
	strlcpy(c->from, g->caller, sizeof(c->from));
	strlcpy(c->group, g->group, sizeof(c->group));
	strlcpy(c->peer, g->peer, sizeof(c->peer));
	time_iso8601(g->now, c->ts);
	if (notice.p != NULL)
		push_begin(c, notice);
	store_group_put(&w, g);
	storeq_ask(s->router->store, STORE_GROUP, &w, changed, c);
	wbuf_free(&w);
}

/* What is known before the store has given it a number. */
static void
push_begin(struct change *c, struct slice text)
{
	json_begin(&c->push, '{');
	json_put_str(&c->push, "type", "incoming_group_msg");
	json_put_str(&c->push, "group", c->group);
	json_put_str(&c->push, "from", c->from);
	json_put_raw(&c->push, "text", text);
}

static void
changed(struct imsg *msg, void *arg)
{
	struct change *c = arg;
	struct store_group_done a;
	struct wbuf w = { 0 };
	char id[24];

	/* the one that waits first: it need not wait for all the others */
	if (answered(msg, c->asker, &a)) {
		snprintf(id, sizeof(id), "%" PRId64, a.id);
		answer_begin(&w, "group_ack", c->asker->req_id);
		answer_end(c->asker->session, &w);
		if (c->push.len > 0)
			push(c, &a, id);
		tell_monitors(c, id);
	}
	wbuf_free(&c->push);
	pending_free(c->asker);
	free(c);
}

static void
tell_monitors(const struct change *c, const char *id)
{
	static const char *const events[] = {
		[GROUP_INVITE] = "group_invite",
		[GROUP_REMOVE] = "group_remove",
		[GROUP_LEAVE] = "group_leave",
		[GROUP_DELETE] = "group_delete",
	};
	struct router *r = c->asker->session->router;
	struct control *control = r->control;

	r->counters[COUNT_GROUP_MESSAGES] += c->op == GROUP_SEND;
	if (c->op == GROUP_SEND)
		control_event(control, "group_message", "from", c->from,
		    "group", c->group, "msg_id", id, NULL);
	else if (c->peer[0] != '\0')
		control_event(control, events[c->op], "name", c->from,
		    "group", c->group, "peer", c->peer, NULL);
	else
		control_event(control, events[c->op], "name", c->from,
		    "group", c->group, NULL);
}

/* The line is encoded once, whoever gets it. */
static void
push(struct change *c, const struct store_group_done *a, const char *id)
{
	const struct registry *g = c->asker->session->router->registry;
	struct session *to;
	struct reader names;
	struct rbuf *line;
	uint32_t i;

	json_put_str(&c->push, "msg_id", id);
	json_put_str(&c->push, "ts", c->ts);
	json_end(&c->push, '}');
	wbuf_add(&c->push, "\n", 1);
	line = wbuf_take(&c->push);
	reader_init(&names, a->names.p, a->names.len);
	for (i = 0; i < a->n; i++) {
		to = registry_exact(g, get_slice(&names));
		/* one that cannot take so long a line finds it in history */
		if (to != NULL)
			(void)session_push(to, line);
	}
	rbuf_unref(line);
}

void
groupreq_invite(struct session *s, const struct request *q)
{
	static const struct slice nothing = { NULL, 0 };
	struct store_group g = { 0 };

	if (begin(s, q, GROUP_INVITE, M_GROUP, &g) == 0 &&
	    get_peer(s, q, &g) == 0)
		change(s, q, &g, nothing);
}

void
groupreq_remove(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };
	struct wbuf w = { 0 };

	if (begin(s, q, GROUP_REMOVE, M_GROUP, &g) == -1 ||
	    get_peer(s, q, &g) == -1)
		return;
	g.text = request_raw(q, M_REASON);
	wbuf_printf(&w, "%s removed %s from %s: ", g.caller, g.peer, g.group);
	wbuf_add(&w, g.text.p, g.text.len);
	change(s, q, &g, (struct slice){ wbuf_data(&w), w.len });
	wbuf_free(&w);
}

void
groupreq_leave(struct session *s, const struct request *q)
{
	static const struct slice nothing = { NULL, 0 };
	struct store_group g = { 0 };

	if (begin(s, q, GROUP_LEAVE, M_GROUP, &g) == 0)
		change(s, q, &g, nothing);
}

void
groupreq_send(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };

	if (begin(s, q, GROUP_SEND, M_GROUP, &g) == -1)
		return;
	g.text = request_raw(q, M_TEXT);
	change(s, q, &g, g.text);
}

void
groupreq_delete(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };
	struct wbuf w = { 0 };

	if (begin(s, q, GROUP_DELETE, M_GROUP, &g) == -1)
		return;
	wbuf_printf(&w, "%s deleted group %s", g.caller, g.group);
	change(s, q, &g, (struct slice){ wbuf_data(&w), w.len });
	wbuf_free(&w);
}

/* As in mail_inbox(): it is read when it has been handed to the kernel. */
void
groupreq_history(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };

	if (begin(s, q, GROUP_HISTORY, M_GROUP, &g) == -1)
		return;
	g.limit = (uint32_t)request_int(q, M_LIMIT, 0);
	g.max_bytes = answer_limit(s, q);
	session_pause(s);
	ask(s, q, &g, got_history);
}

static void
got_history(struct imsg *msg, void *arg)
{
	struct pending *p = arg;
	struct session *s = p->session;
	struct store_group read = { .op = GROUP_READ };
	struct store_group_done a;
	struct wbuf w = { 0 };

	if (answered(msg, p, &a) && s->state != SESSION_GONE) {
		answer_begin(&w, "group_messages", p->req_id);
		json_put_str(&w, "group", p->subject);
		json_key(&w, "messages");
		wbuf_add(&w, a.json.p, a.json.len);
		json_put_int(&w, "unread_remaining", a.unread);
		if (a.dropped > 0)
			json_put_int(&w, "dropped", a.dropped);
		if (s->hub != NULL) {
			json_put_int(&w, "serial", a.serial);
			json_put_int(&w, "last_id", a.id);
		}
		answer_end(s, &w);
		if (a.id > 0) {
			strlcpy(read.caller, s->name, sizeof(read.caller));
			strlcpy(read.group, p->subject, sizeof(read.group));
			read.serial = a.serial;
			read.id = a.id;
			store_group_put(&w, &read);
			session_when_shown(s, history_shown, &w);
		}
	}
	if (s->state != SESSION_GONE)
		session_resume(s);
	pending_free(p);
}

/* Another hub's session has been shown what it was sent. */
void
groupreq_read(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };
	struct wbuf w = { 0 };

	if (begin(s, q, GROUP_READ, M_GROUP, &g) == -1)
		return;
	g.serial = request_int(q, M_SERIAL, 0);
	g.id = request_int(q, M_LAST_ID, 0);
	store_group_put(&w, &g);
	history_shown(s, &w);
	wbuf_free(&w);
}

static void
history_shown(struct session *s, const struct wbuf *read)
{
	storeq_ask(s->router->store, STORE_GROUP, read, marked, NULL);
}

/* If that failed, or the group has gone, it is shown once more. */
static void
marked(struct imsg *msg, void *arg)
{
	struct store_group_done a;

	(void)arg;
	if (store_group_done_get(&msg->rd, &a) == -1)
		fatalx("bad STORE_GROUP_DONE");
}

void
groupreq_list(struct session *s, const struct request *q)
{
	struct store_group g = { .op = GROUP_LIST };

	strlcpy(g.caller, s->name, sizeof(g.caller));
	g.max_bytes = answer_limit(s, q);
	ask(s, q, &g, got_list);
}

static void
got_list(struct imsg *msg, void *arg)
{
	struct pending *p = arg;
	struct store_group_done a;

	if (answered(msg, p, &a))
		hubreq_list(p, a.json);
	else
		pending_free(p);
}

void
groupreq_info(struct session *s, const struct request *q)
{
	struct store_group g = { 0 };

	if (begin(s, q, GROUP_INFO, M_GROUP, &g) == 0)
		ask(s, q, &g, got_info);
}

static void
got_info(struct imsg *msg, void *arg)
{
	struct pending *p = arg;
	struct store_group_done a;
	struct wbuf w = { 0 };

	if (answered(msg, p, &a)) {
		answer_begin(&w, "group_info_result", p->req_id);
		json_put_str(&w, "group", p->subject);
		json_put_str(&w, "admin", a.admin);
		put_members(&w, p->session, &a);
		json_put_int(&w, "unread_count", a.unread);
		answer_end(p->session, &w);
	}
	pending_free(p);
}

/* How far the others have read is not the caller's business. */
static void
put_members(struct wbuf *w, const struct session *s,
    const struct store_group_done *a)
{
	const struct registry *g = s->router->registry;
	struct reader names;
	struct slice name;
	uint32_t i;

	json_key(w, "members");
	json_begin(w, '[');
	reader_init(&names, a->names.p, a->names.len);
	for (i = 0; i < a->n; i++) {
		name = get_slice(&names);
		json_comma(w);
		json_begin(w, '{');
		json_put_strn(w, "name", name.p, name.len);
		if (slice_is(name, s->name))
			json_put_int(w, "last_read", a->id);
		json_put_bool(w, "online", registry_exact(g, name) != NULL);
		json_end(w, '}');
	}
	json_end(w, ']');
}
