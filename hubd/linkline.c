/* SPDX-License-Identifier: ISC */
/*
 * Lines of other hubs (protocol.md section 2).  The hub at the other end of a
 * link is known; all else that it says is checked like what a session says.
 * What is wrong is left out and costs nothing else.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "asks.h"
#include "conf.h"
#include "hub.h"
#include "hubreq.h"
#include "hubs.h"
#include "log.h"
#include "mail.h"
#include "questions.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "timeutil.h"

/* What is in an envelope: from one of its sessions to one of ours. */
struct parcel {
	const struct way *way;
	struct hub	*hub;
	int64_t		 seq;			/* 0: none */
	char		 to[NAME_SIZE];
	char		 from[NAME_SIZE];	/* without a hub; or "" */
	char		 full[TARGET_SIZE];	/* name@hub of it */
	struct request	 q;
	struct slice	 line;
};

/* A message that is being stored for another hub's sake. */
struct receipt {
	struct hub	*hub;
	unsigned	 generation;	/* of its links */
	int64_t		 seq;
};

static void	peer_update(struct way *, const struct request *);
static void	join(struct way *, const struct request *);
static void	forward(struct way *, const struct request *);
static void	acknowledged(struct way *, const struct request *);
static void	room(struct way *, const struct request *);
static void	group_request(struct way *, const struct request *);
static int64_t	sent_at(const struct parcel *);
static void	message(struct parcel *);
static void	stored(const struct posted *, void *);
static void	question(struct parcel *);
static void	answer(struct parcel *);
static void	failure(struct parcel *);
static void	room_message(struct parcel *);
static void	group_message(struct parcel *);
static void	receipt(struct parcel *);
static void	group_answer(struct parcel *);
static int	get_from(struct parcel *);
static int	state_of(const struct request *);
static char	*text_of(const struct request *, enum member);

static const struct rule update_rules[] = {
	{ M_ACTION, RULE_STRING, 1, 1, 16 },
	{ M_NAME, RULE_NAME, 0, 1, NAME_LEN_MAX },
	{ M_NEW_NAME, RULE_NAME, 0, 1, NAME_LEN_MAX },
	{ M_PEER, RULE_OBJECT, 0, 0, 0 },
	{ M_STARTED, RULE_INTEGER, 0, 0, JSON_INT_MAX },
	{ M_SEQ, RULE_INTEGER, 0, 1, JSON_INT_MAX },
};
static const struct rule join_rules[] = {
	{ M_NAME, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_CWD, RULE_STRING, 0, 0, CWD_LEN_MAX },
	{ M_GIT_BRANCH, RULE_STRING, 0, 0, BRANCH_LEN_MAX },
	{ M_LAST_SEEN, RULE_INTEGER, 0, 0, JSON_INT_MAX },
};
static const struct rule forward_rules[] = {
	{ M_TARGET_PEER, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_SEQ, RULE_INTEGER, 0, 1, JSON_INT_MAX },
	{ M_WRAPPED, RULE_OBJECT, 1, 0, 0 },
};
static const struct rule ack_rules[] = {
	{ M_SEQ, RULE_INTEGER, 1, 1, JSON_INT_MAX },
	{ M_STATE, RULE_STRING, 0, 1, 16 },
	{ M_CODE, RULE_STRING, 0, 1, 64 },
};
static const struct rule room_rules[] = {
	{ M_ACTION, RULE_STRING, 1, 1, 16 },
	{ M_ROOM, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_NAME, RULE_NAME, 1, 1, NAME_LEN_MAX },
};
static const struct rule request_rules[] = {
	{ M_PEER, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_WRAPPED, RULE_OBJECT, 1, 0, 0 },
};

static const struct {
	const char	*type;
	void		(*handler)(struct way *, const struct request *);
	const struct rule *rules;
	size_t		 nrules;
} lines[] = {
	{ "bridge_forward", forward, RULES(forward_rules) },
	{ "bridge_ack", acknowledged, RULES(ack_rules) },
	{ "bridge_peer_update", peer_update, RULES(update_rules) },
	{ "bridge_room", room, RULES(room_rules) },
	{ "bridge_request", group_request, RULES(request_rules) },
};

static const struct rule message_rules[] = {
	{ M_FROM, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_MSG_ID, RULE_STRING, 1, 1, MSG_ID_LEN_MAX },
};
static const struct rule ask_rules[] = {
	{ M_FROM, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_QUESTION, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_ASK_ID, RULE_STRING, 1, 1, ASK_ID_LEN_MAX },
	{ M_BROADCAST_ID, RULE_STRING, 0, 0, REF_LEN_MAX },
	{ M_THREAD_ID, RULE_STRING, 0, 0, REF_LEN_MAX },
	{ M_TIMEOUT_MS, RULE_INTEGER, 0, 1, 86400000 },
};
static const struct rule reply_rules[] = {
	{ M_FROM, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_ASK_ID, RULE_STRING, 1, 1, ASK_ID_LEN_MAX },
};
static const struct rule err_rules[] = {
	{ M_CODE, RULE_STRING, 1, 1, 64 },
	{ M_ASK_ID, RULE_STRING, 0, 1, ASK_ID_LEN_MAX },
};
static const struct rule room_msg_rules[] = {
	{ M_FROM, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_ROOM, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_MSG_ID, RULE_STRING, 1, 1, MSG_ID_LEN_MAX },
};
static const struct rule group_msg_rules[] = {
	{ M_FROM, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_GROUP, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_MSG_ID, RULE_STRING, 1, 1, MSG_ID_LEN_MAX },
	{ M_TS, RULE_STRING, 1, 1, 64 },
};
static const struct rule receipt_rules[] = {
	{ M_PEER, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_MSG_ID, RULE_STRING, 1, 1, MSG_ID_LEN_MAX },
	{ M_STATE, RULE_STRING, 1, 1, 16 },
};
static const struct rule answer_rules[] = {
	{ M_REQ_ID, RULE_STRING, 1, 1, REF_LEN_MAX },
};

static const struct {
	const char	*type;
	void		(*handler)(struct parcel *);
	const struct rule *rules;
	size_t		 nrules;
} parcels[] = {
	{ "incoming_message", message, RULES(message_rules) },
	{ "incoming_ask", question, RULES(ask_rules) },
	{ "incoming_reply", answer, RULES(reply_rules) },
	{ "incoming_room_msg", room_message, RULES(room_msg_rules) },
	{ "incoming_group_msg", group_message, RULES(group_msg_rules) },
	{ "receipt", receipt, RULES(receipt_rules) },
	{ "err", failure, RULES(err_rules) },
	{ "group_ack", group_answer, RULES(answer_rules) },
	{ "group_messages", group_answer, RULES(answer_rules) },
	{ "group_list_result", group_answer, RULES(answer_rules) },
	{ "group_info_result", group_answer, RULES(answer_rules) },
};

static const struct {
	const char	*name;
	unsigned	 bit;
} features[] = {
	{ "ack", HUB_ACK },
	{ "ask", HUB_ASK },
	{ "broadcast", HUB_BROADCAST },
	{ "rename", HUB_RENAME },
	{ "rooms", HUB_ROOMS },
	{ "groups", HUB_GROUPS },
};

unsigned
linkline_features(struct slice hello)
{
	struct request q;
	struct json_value v;
	unsigned bits = 0;
	size_t pos = 0, i;

	if (request_scan(&q, hello.p, hello.len) == -1)
		return 0;
	while (q.v[M_FEATURES].type == JS_ARRAY &&
	    json_next(&q.v[M_FEATURES], &pos, &v)) {
		for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
			if (slice_is((struct slice){ v.p, v.len },
			    features[i].name))
				bits |= features[i].bit;
		}
	}
	return bits;
}

void
linkline_peers(struct way *w, struct slice hello)
{
	struct request q, peer;
	struct json_value v;
	size_t pos = 0;

	if (request_scan(&q, hello.p, hello.len) == -1)
		return;
	while (q.v[M_PEERS].type == JS_ARRAY &&
	    json_next(&q.v[M_PEERS], &pos, &v)) {
		if (v.type == JS_OBJECT &&
		    request_scan(&peer, v.p, v.len) == 0)
			join(w, &peer);
	}
}

int
linkline(struct way *w, const char *line, size_t len)
{
	char text[RULE_TEXT_SIZE];
	struct request q;
	size_t i;
	int large;

	if (request_scan(&q, line, len) == -1)
		return -1;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!slice_is(request_raw(&q, M_TYPE), lines[i].type))
			continue;
		if (request_check(&q, lines[i].rules, lines[i].nrules, text,
		    &large) == NULL)
			lines[i].handler(w, &q);
		else
			log_debug("hub %s: %s: %s", w->hub->id, lines[i].type,
			    text);
		break;
	}
	return 0;
}

/* Decoded; the caller frees it. */
static char *
text_of(const struct request *q, enum member m)
{
	const struct json_value *v = &q->v[m];
	char *p = xmalloc(v->len + 1);

	if (v->type != JS_STRING || json_str(v, p, v->len + 1) == -1)
		p[0] = '\0';
	return p;
}

static void
join(struct way *w, const struct request *q)
{
	char name[NAME_SIZE], text[RULE_TEXT_SIZE];
	int large;

	if (request_check(q, RULES(join_rules), text, &large) != NULL ||
	    request_name(q, M_NAME, name, sizeof(name)) == -1)
		return;
	hub_peer_joined(w, name, text_of(q, M_CWD), text_of(q, M_GIT_BRANCH),
	    request_int(q, M_LAST_SEEN, time_now_ms()));
}

static void
peer_update(struct way *w, const struct request *q)
{
	struct slice action = request_raw(q, M_ACTION);
	char name[NAME_SIZE], new_name[NAME_SIZE];
	const struct json_value *v = &q->v[M_PEER];
	struct request peer;

	if (slice_is(action, "begin"))
		presence_begin(w, request_int(q, M_STARTED, 0),
		    request_int(q, M_SEQ, 0));
	if (!presence_counts(w))
		return;
	if (slice_is(action, "all"))
		presence_end(w);
	if (slice_is(action, "join")) {
		if (v->type == JS_OBJECT &&
		    request_scan(&peer, v->p, v->len) == 0)
			join(w, &peer);
		return;
	}
	if (request_name(q, M_NAME, name, sizeof(name)) == -1)
		return;
	if (slice_is(action, "leave"))
		hub_peer_left(w->hub, name);
	else if (slice_is(action, "rename") &&
	    request_name(q, M_NEW_NAME, new_name, sizeof(new_name)) == 0)
		hub_peer_renamed(w, name, new_name);
}

/* What it says of its own hub does not count. */
static int
get_from(struct parcel *p)
{
	char text[TARGET_SIZE * 2];
	struct slice s;

	p->from[0] = '\0';
	if (!request_has(&p->q, M_FROM))
		return 0;
	if (json_str(&p->q.v[M_FROM], text, sizeof(text)) == -1)
		return -1;
	s = name_trim(slice_of(text));
	text[s.len + (size_t)(s.p - text)] = '\0';
	s.len = strcspn(s.p, "@");
	if (!name_valid(s) || slice_copy(s, p->from, sizeof(p->from)) == -1)
		return -1;
	hub_qualify(p->hub, p->from, p->full);
	return 0;
}

static void
forward(struct way *w, const struct request *q)
{
	struct parcel p = { .way = w, .hub = w->hub };
	char text[RULE_TEXT_SIZE];
	size_t i;
	int large;

	p.seq = request_int(q, M_SEQ, 0);
	p.line.p = q->v[M_WRAPPED].p;
	p.line.len = q->v[M_WRAPPED].len;
	if (request_name(q, M_TARGET_PEER, p.to, sizeof(p.to)) == -1 ||
	    request_scan(&p.q, p.line.p, p.line.len) == -1)
		return;
	for (i = 0; i < sizeof(parcels) / sizeof(parcels[0]); i++) {
		if (!slice_is(request_raw(&p.q, M_TYPE), parcels[i].type))
			continue;
		if (request_check(&p.q, parcels[i].rules, parcels[i].nrules,
		    text, &large) == NULL && get_from(&p) == 0)
			parcels[i].handler(&p);
		else
			log_debug("hub %s: %s: %s", p.hub->id,
			    parcels[i].type, text);
		break;
	}
}

static int
state_of(const struct request *q)
{
	struct slice s = request_raw(q, M_STATE);
	int i;

	for (i = MSG_ACCEPTED; i <= MSG_EXPIRED; i++) {
		if (slice_is(s, msg_state_name((enum msg_state)i)))
			return i;
	}
	return -1;
}

static void
acknowledged(struct way *w, const struct request *q)
{
	int state = request_has(q, M_CODE) ? MSG_EXPIRED : state_of(q);

	forward_acked(w->hub, request_int(q, M_SEQ, 0),
	    state == -1 ? MSG_ACCEPTED : (enum msg_state)state);
}

/* When it was sent, where that can be true: clocks may go wrong. */
static int64_t
sent_at(const struct parcel *p)
{
	int64_t now = time_now_ms(), ts = -1;
	char text[64];

	if (json_str(&p->q.v[M_TS], text, sizeof(text)) != -1)
		ts = time_parse(text);
	return ts > now - p->hub->router->conf->expire_queued_ms && ts < now ?
	    ts : now;
}

static void
message(struct parcel *p)
{
	struct mail m = { .to = p->to, .from = p->full };
	struct router *r = p->hub->router;
	char msg_id[MSG_ID_SIZE];
	struct receipt *rc;
	int kind;

	if (request_msg_id(&p->q.v[M_MSG_ID], msg_id) == -1)
		return;
	r->counters[COUNT_LINK_RECEIVED]++;
	m.msg_id = msg_id;
	m.text = request_raw(&p->q, M_TEXT);
	if (p->q.v[M_REPLY_TO].type == JS_STRING &&
	    json_units(&p->q.v[M_REPLY_TO]) <= REF_LEN_MAX) {
		m.reply_to = request_raw(&p->q, M_REPLY_TO);
		m.answerer = registry_exact(r->registry, slice_of(p->full));
	}
	m.ts = sent_at(p);
	m.urgent = request_true(&p->q, M_URGENT);
	kind = msg_kind_of(request_raw(&p->q, M_KIND));
	m.kind = kind == -1 ? KIND_INFO : (enum msg_kind)kind;
	rc = xcalloc(1, sizeof(*rc));
	rc->hub = p->hub;
	rc->generation = p->hub->generation;
	rc->seq = p->seq;
	mail_post(r, &m, stored, rc);
}

/*
 * It is acknowledged when it is on disk, now or since before.  What the disk
 * did not take comes again on the next link, or in a while.
 */
static void
stored(const struct posted *p, void *arg)
{
	struct receipt *rc = arg;
	struct wbuf w = { 0 };

	if (rc->seq != 0 && rc->generation == rc->hub->generation &&
	    p->status != STORE_FAILED) {
		json_begin(&w, '{');
		json_put_str(&w, "type", "bridge_ack");
		json_put_int(&w, "seq", rc->seq);
		if (p->status == STORE_FULL || p->status == STORE_OTHER)
			json_put_str(&w, "code", err_code(p->status ==
			    STORE_FULL ? ERR_MAILBOX_ERROR : ERR_BAD_ARGS));
		else
			json_put_str(&w, "state", msg_state_name(p->pushed ?
			    MSG_PUSHED : MSG_ACCEPTED));
		hub_write(rc->hub, &w);
	}
	free(rc);
}

static void
question(struct parcel *p)
{
	struct router *r = p->hub->router;
	struct session *asker = hub_session(p->way, p->from);
	struct session *target = registry_find(r->registry, p->to);

	if (asker != NULL)
		questions_remote(asker, target, &p->q);
}

static void
answer(struct parcel *p)
{
	struct session *s = hub_session(p->way, p->from);

	if (s != NULL)
		questions_reply(s, &p->q);
}

/* Of an ask, or of a request about a group. */
static void
failure(struct parcel *p)
{
	struct router *r = p->hub->router;
	struct session *s = registry_find(r->registry, p->to);
	char key[ASK_KEY_SIZE];

	if (request_has(&p->q, M_REQ_ID))
		group_answer(p);
	else if (s != NULL &&
	    json_str(&p->q.v[M_ASK_ID], key, sizeof(key)) != -1)
		asks_failed(r->asks, s, p->hub, slice_of(key),
		    err_of(request_raw(&p->q, M_CODE)));
}

static void
room_message(struct parcel *p)
{
	struct router *r = p->hub->router;
	struct session *s = registry_find(r->registry, p->to);
	char name[NAME_SIZE];

	if (s != NULL && s->hub == NULL &&
	    request_name(&p->q, M_ROOM, name, sizeof(name)) == 0 &&
	    rooms_has(r->rooms, name, s))
		rooms_push(s, p->full, name, &p->q);
}

/* The group is shown as the other hub's. */
static void
group_message(struct parcel *p)
{
	struct session *s = registry_find(p->hub->router->registry, p->to);
	char group[NAME_SIZE], full[TARGET_SIZE];
	struct wbuf w = { 0 };
	struct rbuf *line;

	if (s == NULL || s->hub != NULL ||
	    request_name(&p->q, M_GROUP, group, sizeof(group)) == -1)
		return;
	hub_qualify(p->hub, group, full);
	json_begin(&w, '{');
	json_put_str(&w, "type", "incoming_group_msg");
	json_put_str(&w, "group", full);
	hubreq_put_name(&w, "from", p->hub, &p->q.v[M_FROM]);
	json_put_raw(&w, "text", request_raw(&p->q, M_TEXT));
	json_put_raw(&w, "msg_id", request_raw(&p->q, M_MSG_ID));
	json_put_raw(&w, "ts", request_raw(&p->q, M_TS));
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	line = wbuf_take(&w);
	(void)session_push(s, line);
	rbuf_unref(line);
}

static void
receipt(struct parcel *p)
{
	char peer[NAME_SIZE], msg_id[MSG_ID_SIZE];
	int state = state_of(&p->q);

	if (state != -1 &&
	    request_name(&p->q, M_PEER, peer, sizeof(peer)) == 0 &&
	    request_msg_id(&p->q.v[M_MSG_ID], msg_id) == 0)
		forward_receipt(p->hub, p->to, peer, msg_id,
		    (enum msg_state)state);
}

static void
group_answer(struct parcel *p)
{
	hubreq_answered(p->hub->router->hubreqs, p->hub, &p->q, p->line);
}

static void
room(struct way *w, const struct request *q)
{
	char name[NAME_SIZE], of[NAME_SIZE];
	struct session *s;

	if (!presence_counts(w) ||
	    request_name(q, M_NAME, name, sizeof(name)) == -1 ||
	    request_name(q, M_ROOM, of, sizeof(of)) == -1 ||
	    (s = hub_session(w, name)) == NULL)
		return;
	if (slice_is(request_raw(q, M_ACTION), "join"))
		rooms_remote(w->hub->router->rooms, s, of, 1);
	else if (slice_is(request_raw(q, M_ACTION), "leave"))
		rooms_remote(w->hub->router->rooms, s, of, 0);
}

static void
group_request(struct way *w, const struct request *q)
{
	char name[NAME_SIZE];
	struct session *s;

	if (request_name(q, M_PEER, name, sizeof(name)) == 0 &&
	    (s = hub_session(w, name)) != NULL)
		hubreq_serve(s, q->v[M_WRAPPED].p, q->v[M_WRAPPED].len);
}
