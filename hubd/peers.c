/* SPDX-License-Identifier: ISC */
/*
 * Requests about sessions themselves.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "bufio.h"
#include "conf.h"
#include "control.h"
#include "hubs.h"
#include "imsg.h"
#include "listproto.h"
#include "log.h"
#include "peers.h"
#include "registry.h"
#include "request.h"
#include "router.h"
#include "session.h"
#include "storeq.h"
#include "timeutil.h"
#include "version.h"

#define PROTOCOL_VERSION	"5"
#define OUTPUT_MAX		(8 * 1024 * 1024)
/* a list ends where a line would become too long for the client */
#define LIST_ROOM		8192

static const struct {
	const char	*name;
	unsigned	 bit;
} features[] = {
	{ "ask", FEATURE_ASK },
	{ "receipts", FEATURE_RECEIPTS },
	{ "ids", FEATURE_IDS },
	{ "kind", FEATURE_KIND },
	{ "sessions", FEATURE_SESSIONS },
};

#define NFEATURES	(sizeof(features) / sizeof(features[0]))

static void	set_details(struct session *, const struct request *);
static char	*decoded(const struct request *, enum member);
static void	claimed(struct session *, int, struct slice);
static void	tell_store(struct session *, struct slice);
static void	ask_store(struct session *, struct slice,
		    void (*)(struct imsg *, void *));
static void	registered(struct imsg *, void *);
static const char	*may_not_have(const struct session *,
			    enum store_status);
static void	registered_again(struct imsg *, void *);
static void	renamed(struct imsg *, void *);
static void	got_message(struct imsg *, void *);
static void	got_sessions(struct imsg *, void *);
static void	put_peer(struct wbuf *, const struct session *, unsigned);
static size_t	list_limit(const struct session *);

static char *
decoded(const struct request *q, enum member m)
{
	const struct json_value *v = &q->v[m];
	char *p;

	if (v->type != JS_STRING)
		return xstrdup("");
	p = xmalloc(v->len + 1);
	if (json_str(v, p, v->len + 1) == -1)
		p[0] = '\0';
	return p;
}

static void
set_details(struct session *s, const struct request *q)
{
	struct json_value v;
	size_t pos = 0, i;

	free(s->cwd);
	free(s->git_branch);
	free(s->host);
	s->cwd = decoded(q, M_CWD);
	s->git_branch = decoded(q, M_GIT_BRANCH);
	s->host = decoded(q, M_HOST);
	s->pid = (uint32_t)request_int(q, M_PID, 0);
	s->started = request_int(q, M_STARTED, 0);
	s->features = 0;
	if (!request_has(q, M_FEATURES))
		return;
	s->features = FEATURE_ANY;
	while (json_next(&q->v[M_FEATURES], &pos, &v)) {
		for (i = 0; i < NFEATURES; i++) {
			if (slice_is((struct slice){ v.p, v.len },
			    features[i].name))
				s->features |= features[i].bit;
		}
	}
}

/* Until this is settled nothing more is read from the session. */
void
peers_register(struct session *s, const struct request *q)
{
	struct slice version = request_raw(q, M_PROTOCOL_VERSION);
	char name[NAME_SIZE];

	if (s->state != SESSION_NEW) {
		request_fail(s, q, ERR_ALREADY_REGISTERED, NULL);
		return;
	}
	if (!slice_is(version, PROTOCOL_VERSION)) {
		request_fail(s, q, ERR_PROTOCOL_MISMATCH,
		    "this hub speaks protocol version " PROTOCOL_VERSION);
		return;
	}
	if (request_name(q, M_NAME, name, sizeof(name)) == -1) {
		request_fail(s, q, ERR_BAD_ARGS, "name must be 1 to 64 "
		    "letters, digits, '.', '_' and '-'");
		return;
	}
	if (!registry_may_have(s->router->registry, s->owner, name)) {
		request_fail(s, q, ERR_MAILBOX_ERROR, NAMES_FULL);
		return;
	}
	set_details(s, q);
	switch (registry_claim(s->router->registry, s, name, claimed,
	    q->req_id)) {
	case CLAIM_OK:
		bufio_pause(s->io);
		tell_store(s, q->req_id);
		break;
	case CLAIM_TAKEN:
		request_fail(s, q, ERR_NAME_TAKEN, NULL);
		break;
	case CLAIM_PROBING:
		bufio_pause(s->io);
		break;
	}
}

static void
claimed(struct session *s, int won, struct slice req_id)
{
	static const struct slice none = { NULL, 0 };

	if (won) {
		tell_store(s, req_id);
		return;
	}
	s->state = SESSION_NEW;
	answer_err(s, req_id, ERR_NAME_TAKEN, NULL, none);
	session_resume(s);
}

/* The store was away when the session came, and knows its name as an alias. */
void
peers_register_again(struct session *s)
{
	static const struct slice none = { NULL, 0 };

	ask_store(s, none, registered_again);
}

static void
registered_again(struct imsg *msg, void *arg)
{
	struct pending *p = arg;
	struct session *s = p->session;
	struct store_registered m;

	if (store_registered_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_REGISTERED");
	if (m.status == STORE_OK)
		s->unread = m.unread;
	else if (s->state != SESSION_GONE)
		session_close(s, "its name is a former one of another, and "
		    "that could not be changed");
	pending_free(p);
}

static void
tell_store(struct session *s, struct slice req_id)
{
	ask_store(s, req_id, registered);
}

static void
ask_store(struct session *s, struct slice req_id,
    void (*answer)(struct imsg *, void *))
{
	struct store_register m = { 0 };
	struct wbuf w = { 0 };

	strlcpy(m.name, s->name, sizeof(m.name));
	m.owner = s->owner;
	m.cwd = slice_of(s->cwd);
	m.git_branch = slice_of(s->git_branch);
	m.host = slice_of(s->host);
	m.pid = s->pid;
	m.started = s->started;
	m.now = time_now_ms();
	store_register_put(&w, &m);
	storeq_ask(s->router->store, STORE_REGISTER, &w, answer,
	    pending_new(s, req_id));
	wbuf_free(&w);
}

/*
 * Why a session may not have a name that the store could not give it, or
 * NULL.  A disk that is full keeps nobody out, as only mail is refused then:
 * unless it could be the name of somebody else, who has mail.
 */
static const char *
may_not_have(const struct session *s, enum store_status status)
{
	const struct registry *g = s->router->registry;
	uint32_t owner = registry_owner(g, s->name);

	if (status == STORE_OK)
		return NULL;
	if (registry_is_alias(g, s->name))
		return "this is a former name of another session, and the "
		    "store cannot change that now: take another name";
	if (status == STORE_FAILED && owner != s->owner &&
	    (owner != OWNER_NONE || !owner_is_admin(s->owner)))
		return "the hub's database does not work now, and without it "
		    "nobody can say whose name this is: try again later";
	return NULL;
}

static void
registered(struct imsg *msg, void *arg)
{
	static const struct slice none = { NULL, 0 };
	struct pending *p = arg;
	struct session *s = p->session;
	struct store_registered m;
	struct wbuf w = { 0 };
	const char *why;
	size_t i;

	if (store_registered_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_REGISTERED");
	if (s->state == SESSION_GONE) {
		pending_free(p);
		return;
	}
	why = may_not_have(s, m.status);
	if (m.status == STORE_TAKEN || why != NULL) {
		/* the store would give it the mail of somebody else */
		registry_release(s->router->registry, s);
		answer_err(s, p->req_id, m.status == STORE_TAKEN ?
		    ERR_NAME_TAKEN : ERR_MAILBOX_ERROR,
		    m.status == STORE_TAKEN ? NULL : why, none);
		session_resume(s);
		pending_free(p);
		return;
	}
	s->unread = m.status == STORE_OK ? m.unread : 0;
	s->router->counters[COUNT_REGISTERED]++;
	registry_online(s->router->registry, s);
	session_limits(s, LINE_MAX_BYTES, OUTPUT_MAX);
	answer_begin(&w, "ack", p->req_id);
	if (s->features & FEATURE_ANY) {
		json_key(&w, "features");
		json_begin(&w, '[');
		for (i = 0; i < NFEATURES; i++) {
			json_comma(&w);
			json_add_str(&w, features[i].name,
			    strlen(features[i].name));
		}
		json_end(&w, ']');
	}
	answer_end(s, &w);
	control_event(s->router->control, "join", "name", s->name, NULL);
	hubs_joined(s->router->hubs, s);
	session_resume(s);
	pending_free(p);
}

void
peers_left(struct session *s)
{
	struct store_gone m = { .now = s->last_seen };
	struct wbuf w = { 0 };

	if (s->hub == NULL) {
		strlcpy(m.name, s->name, sizeof(m.name));
		store_gone_put(&w, &m);
		storeq_tell(s->router->store, STORE_GONE, &w);
		wbuf_free(&w);
		hubs_left(s->router->hubs, s);
	}
	control_event(s->router->control, "leave", "name", s->name, NULL);
}

void
peers_rename(struct session *s, const struct request *q)
{
	struct store_rename m = { .now = time_now_ms() };
	struct wbuf w = { 0 };
	struct pending *p;

	if (request_name(q, M_NEW_NAME, m.to, NAME_SIZE) == -1) {
		request_fail(s, q, ERR_BAD_ARGS, "new_name must be 1 to 64 "
		    "letters, digits, '.', '_' and '-'");
		return;
	}
	if (strcmp(m.to, s->name) == 0) {
		answer_begin(&w, "ack", q->req_id);
		answer_end(s, &w);
		return;
	}
	if (!registry_may_have(s->router->registry, s->owner, m.to)) {
		request_fail(s, q, ERR_MAILBOX_ERROR, NAMES_FULL);
		return;
	}
	if (registry_reserve(s->router->registry, s, m.to) == -1) {
		request_fail(s, q, ERR_NAME_TAKEN, NULL);
		return;
	}
	strlcpy(m.from, s->name, sizeof(m.from));
	m.owner = s->owner;
	p = pending_new(s, q->req_id);
	strlcpy(p->subject, m.to, sizeof(p->subject));
	store_rename_put(&w, &m);
	bufio_pause(s->io);
	storeq_ask(s->router->store, STORE_RENAME, &w, renamed, p);
	wbuf_free(&w);
}

static void
renamed(struct imsg *msg, void *arg)
{
	static const struct slice none = { NULL, 0 };
	struct pending *p = arg;
	struct session *s = p->session;
	struct store_registered m;
	struct wbuf w = { 0 };
	char old[TARGET_SIZE];
	int ok;

	if (store_registered_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_RENAMED");
	ok = m.status == STORE_OK;
	strlcpy(old, s->name, sizeof(old));
	registry_renamed(s->router->registry, s, p->subject, ok);
	if (s->state != SESSION_GONE) {
		if (ok) {
			s->unread = m.unread;
			hubs_renamed(s->router->hubs, s, old);
			answer_begin(&w, "ack", p->req_id);
			answer_end(s, &w);
			control_event(s->router->control, "rename", "name",
			    old, "new_name", s->name, NULL);
		} else if (m.status == STORE_TAKEN) {
			answer_err(s, p->req_id, ERR_NAME_TAKEN, NULL, none);
		} else {
			answer_err(s, p->req_id, ERR_MAILBOX_ERROR,
			    "the mailbox could not be renamed", none);
		}
		session_resume(s);
	}
	pending_free(p);
}

const char *
peers_status_name(const struct session *s)
{
	static const char *const names[] = { NULL, "idle", "busy" };

	return names[s->status];
}

static void
put_peer(struct wbuf *w, const struct session *p, unsigned for_features)
{
	const char *status = peers_status_name(p);

	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "name", p->name);
	json_put_str(w, "cwd", p->cwd);
	json_put_str(w, "git_branch", p->git_branch);
	json_put_int(w, "last_seen", p->last_seen);
	if ((for_features & FEATURE_SESSIONS) && status != NULL)
		json_put_str(w, "status", status);
	json_end(w, '}');
}

static size_t
list_limit(const struct session *s)
{
	return (s->features & FEATURE_ANY ? LINE_MAX_BYTES :
	    LINE_MAX_PLAIN) - LIST_ROOM;
}

void
peers_list(struct session *s, const struct request *q)
{
	struct registry *g = s->router->registry;
	struct session *p;
	struct wbuf w = { 0 };

	answer_begin(&w, "peers", q->req_id);
	json_key(&w, "peers");
	json_begin(&w, '[');
	for (p = registry_next(g, NULL); p != NULL && w.len < list_limit(s);
	    p = registry_next(g, p)) {
		if (p != s)
			put_peer(&w, p, s->features);
	}
	for (p = registry_next_remote(g, NULL);
	    p != NULL && w.len < list_limit(s);
	    p = registry_next_remote(g, p))
		put_peer(&w, p, s->features);
	json_end(&w, ']');
	answer_end(s, &w);
}

/* The one answer that clients compare byte by byte. */
void
peers_ping(struct session *s, const struct request *q)
{
	struct wbuf w = { 0 };

	answer_begin(&w, "pong", q->req_id);
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	session_write(s, &w);
	wbuf_free(&w);
}

/* That it came was all it had to say. */
void
peers_pong(struct session *s, const struct request *q)
{
	(void)s;
	(void)q;
}

void
peers_presence(struct session *s, const struct request *q)
{
	struct slice status = request_raw(q, M_STATUS);

	if (slice_is(status, "idle"))
		s->status = STATUS_IDLE;
	else if (slice_is(status, "busy"))
		s->status = STATUS_BUSY;
	else
		request_fail(s, q, ERR_BAD_ARGS, "status must be idle or busy");
}

void
peers_put_hub(struct wbuf *w, const struct router *r)
{
	json_put_str(w, "version", ecorelay_version);
	json_put_str(w, "hub_id", r->conf->hub_id);
	json_put_int(w, "uptime_s", (time_mono_ms() - r->started) / 1000);
	json_put_int(w, "peers", (int64_t)registry_count(r->registry));
	json_key(w, "links");
	hubs_put_links(w, r->hubs);
}

void
peers_status(struct session *s, const struct request *q)
{
	struct store_query m = { 0 };
	struct wbuf w = { 0 };
	struct pending *p;

	if (!request_has(q, M_MSG_ID)) {
		answer_begin(&w, "status_result", q->req_id);
		json_key(&w, "hub");
		json_begin(&w, '{');
		peers_put_hub(&w, s->router);
		json_end(&w, '}');
		if (!(s->features & FEATURE_RECEIPTS) || s->unread == 0)
			json_put_int(&w, "unread", s->unread);
		answer_end(s, &w);
		return;
	}
	strlcpy(m.name, s->name, sizeof(m.name));
	if (request_msg_id(&q->v[M_MSG_ID], m.msg_id) == -1) {
		request_fail(s, q, ERR_BAD_ARGS, "msg_id is not one");
		return;
	}
	p = pending_new(s, q->req_id);
	strlcpy(p->subject, m.msg_id, sizeof(p->subject));
	store_query_put(&w, &m);
	storeq_ask(s->router->store, STORE_STATUS, &w, got_message, p);
	wbuf_free(&w);
}

static void
got_message(struct imsg *msg, void *arg)
{
	static const struct slice none = { NULL, 0 };
	struct pending *p = arg;
	struct store_message m;
	struct wbuf w = { 0 };
	char ts[ISO8601_SIZE];

	if (store_message_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MESSAGE");
	if (m.status != STORE_OK) {
		answer_err(p->session, p->req_id, ERR_MAILBOX_ERROR,
		    "the message could not be looked up", none);
	} else if (!m.found) {
		answer_err(p->session, p->req_id, ERR_BAD_ARGS,
		    "this session has sent no message with that msg_id in the "
		    "last 7 days", none);
	} else {
		time_iso8601(m.ts, ts);
		answer_begin(&w, "status_result", p->req_id);
		json_put_str(&w, "msg_id", p->subject);
		json_put_str(&w, "to", m.to);
		json_put_str(&w, "state", msg_state_name(m.state));
		json_put_str(&w, "ts", ts);
		answer_end(p->session, &w);
	}
	pending_free(p);
}

void
peers_sessions(struct session *s, const struct request *q)
{
	storeq_ask(s->router->store, STORE_SESSIONS, NULL, got_sessions,
	    pending_new(s, q->req_id));
}

void
peers_put_session(struct wbuf *w, const struct router *r,
    const struct store_session *k, uint32_t who)
{
	const struct session *s = registry_find(r->registry, k->name);
	const char *status = s != NULL ? peers_status_name(s) : NULL;
	int may = owner_may(who, registry_owner(r->registry, k->name));

	/* a former name leads to a session, but is not one */
	if (s != NULL && strcmp(s->name, k->name) != 0)
		s = NULL;
	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "name", k->name);
	json_put_bool(w, "online", s != NULL);
	json_put_strn(w, "cwd", k->cwd.p, k->cwd.len);
	json_put_strn(w, "git_branch", k->git_branch.p, k->git_branch.len);
	json_put_int(w, "last_seen", s != NULL ? s->last_seen : k->last_seen);
	json_put_int(w, "unread", may ? k->unread : 0);
	if (may && k->pid != 0)
		json_put_int(w, "pid", k->pid);
	if (may && k->started != 0)
		json_put_int(w, "started", k->started);
	if (may && k->host.len > 0)
		json_put_strn(w, "host", k->host.p, k->host.len);
	if (s != NULL && status != NULL)
		json_put_str(w, "status", status);
}

static void
got_sessions(struct imsg *msg, void *arg)
{
	static const struct slice none = { NULL, 0 };
	struct pending *p = arg;
	struct store_session_list m;
	struct store_session k;
	struct wbuf w = { 0 };
	struct reader rd;
	uint32_t i;

	if (store_session_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_SESSION_LIST");
	if (m.status != STORE_OK) {
		answer_err(p->session, p->req_id, ERR_MAILBOX_ERROR,
		    "the list of sessions could not be read", none);
		pending_free(p);
		return;
	}
	reader_init(&rd, m.sessions.p, m.sessions.len);
	answer_begin(&w, "sessions_result", p->req_id);
	json_key(&w, "sessions");
	json_begin(&w, '[');
	for (i = 0; i < m.n && w.len < list_limit(p->session); i++) {
		if (store_session_get(&rd, &k) == -1)
			fatalx("bad session from the store");
		peers_put_session(&w, p->session->router, &k,
		    p->session->owner);
		json_end(&w, '}');
	}
	json_end(&w, ']');
	answer_end(p->session, &w);
	pending_free(p);
}
