/* SPDX-License-Identifier: ISC */
/*
 * Requests of sessions: scanning, the table, and the checks.
 */
#include "compat.h"

#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "groupreq.h"
#include "log.h"
#include "mail.h"
#include "map.h"
#include "names.h"
#include "peers.h"
#include "questions.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"

#define INT_MAX_JSON	INT64_C(9007199254740991)	/* 2^53 - 1 */
#define TIMEOUT_MS_MAX	86400000
#define REQUEST_NAME_MAX 4096	/* bytes, with white space around it */
#define LIST_MAX	1000	/* elements of features, msg_id */

enum rule_type {
	STRING,		/* min to max UTF-16 units */
	NAME,		/* the same without white space at the ends */
	INTEGER,	/* min to max */
	BOOLEAN,
	STRINGS		/* an array of at most LIST_MAX strings of max units */
};

struct rule {
	enum member	 member;
	enum rule_type	 type;
	int		 required;
	int64_t		 min, max;
};

struct row {
	const char	*type;
	void		(*handler)(struct session *, const struct request *);
	int		 early;		/* allowed before register */
	const struct rule *rules;
	size_t		 nrules;
};

static const char *const member_names[MEMBERS] = {
	[M_TYPE] = "type",
	[M_REQ_ID] = "req_id",
	[M_ASK_ID] = "ask_id",
	[M_BROADCAST_ID] = "broadcast_id",
	[M_CWD] = "cwd",
	[M_EXCLUDE_SELF] = "exclude_self",
	[M_FEATURES] = "features",
	[M_GIT_BRANCH] = "git_branch",
	[M_GROUP] = "group",
	[M_HOST] = "host",
	[M_KIND] = "kind",
	[M_LIMIT] = "limit",
	[M_MEMBERS] = "members",
	[M_MSG_ID] = "msg_id",
	[M_NAME] = "name",
	[M_NEW_NAME] = "new_name",
	[M_PEER] = "peer",
	[M_PID] = "pid",
	[M_PROTOCOL_VERSION] = "protocol_version",
	[M_QUERY] = "query",
	[M_QUESTION] = "question",
	[M_REASON] = "reason",
	[M_RECENT] = "recent",
	[M_REPLY_TO] = "reply_to",
	[M_ROOM] = "room",
	[M_SINCE_ID] = "since_id",
	[M_STARTED] = "started",
	[M_STATUS] = "status",
	[M_TEXT] = "text",
	[M_THREAD_ID] = "thread_id",
	[M_TIMEOUT_MS] = "timeout_ms",
	[M_TO] = "to",
	[M_URGENT] = "urgent",
};

/*
 * A name that is too long is the same fault as one with wrong characters where
 * the document says bad_args; the bound here only keeps it short.
 */
static const struct rule register_rules[] = {
	{ M_NAME, NAME, 1, 1, NAME_LEN_MAX },
	{ M_CWD, STRING, 1, 0, CWD_LEN_MAX },
	{ M_GIT_BRANCH, STRING, 1, 0, BRANCH_LEN_MAX },
	{ M_PROTOCOL_VERSION, STRING, 1, 0, 64 },
	{ M_FEATURES, STRINGS, 0, 0, 64 },
	{ M_PID, INTEGER, 0, 0, UINT32_MAX },
	{ M_STARTED, INTEGER, 0, 0, INT_MAX_JSON },
	{ M_HOST, STRING, 0, 0, 64 },
};
static const struct rule rename_rules[] = {
	{ M_NEW_NAME, NAME, 1, 1, REQUEST_NAME_MAX },
};
static const struct rule send_rules[] = {
	{ M_TO, NAME, 1, 1, TARGET_LEN_MAX },
	{ M_TEXT, STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_REPLY_TO, STRING, 0, 0, REF_LEN_MAX },
	{ M_URGENT, BOOLEAN, 0, 0, 0 },
	{ M_KIND, STRING, 0, 1, 16 },
	{ M_MSG_ID, STRING, 0, 1, MSG_ID_LEN_MAX },
};
static const struct rule inbox_rules[] = {
	{ M_LIMIT, INTEGER, 0, 1, 100 },
	{ M_SINCE_ID, STRING, 0, 0, MSG_ID_LEN_MAX },
	{ M_RECENT, INTEGER, 0, 1, 100 },
	{ M_QUERY, STRING, 0, 1, REF_LEN_MAX },
};
static const struct rule ask_rules[] = {
	{ M_TO, NAME, 1, 1, TARGET_LEN_MAX },
	{ M_QUESTION, STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_ASK_ID, STRING, 1, 1, REF_LEN_MAX },
	{ M_TIMEOUT_MS, INTEGER, 0, 1, TIMEOUT_MS_MAX },
	{ M_THREAD_ID, STRING, 0, 0, REF_LEN_MAX },
};
static const struct rule reply_rules[] = {
	{ M_ASK_ID, STRING, 1, 1, ASK_ID_LEN_MAX },
	{ M_TEXT, STRING, 1, 0, TEXT_UNITS_MAX },
};
static const struct rule broadcast_rules[] = {
	{ M_QUESTION, STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_BROADCAST_ID, STRING, 1, 1, REF_LEN_MAX },
	{ M_EXCLUDE_SELF, BOOLEAN, 0, 0, 0 },
	{ M_KIND, STRING, 0, 1, 16 },
};
static const struct rule mark_rules[] = {
	{ M_MSG_ID, STRINGS, 1, 0, MSG_ID_LEN_MAX },
};
static const struct rule status_rules[] = {
	{ M_MSG_ID, STRING, 0, 1, MSG_ID_LEN_MAX },
};
static const struct rule presence_rules[] = {
	{ M_STATUS, STRING, 1, 1, 16 },
};

static const struct rule room_rules[] = {
	{ M_ROOM, NAME, 1, 1, REQUEST_NAME_MAX },
};
static const struct rule room_msg_rules[] = {
	{ M_ROOM, NAME, 1, 1, REQUEST_NAME_MAX },
	{ M_TEXT, STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_MSG_ID, STRING, 1, 1, MSG_ID_LEN_MAX },
};

static const struct rule group_rules[] = {
	{ M_GROUP, NAME, 1, 1, NAME_LEN_MAX },
};
/* members that are not names are left out, whatever is wrong with them */
static const struct rule group_create_rules[] = {
	{ M_NAME, NAME, 1, 1, NAME_LEN_MAX },
	{ M_MEMBERS, STRINGS, 1, 0, INT64_MAX },
};
static const struct rule group_invite_rules[] = {
	{ M_GROUP, NAME, 1, 1, NAME_LEN_MAX },
	{ M_PEER, NAME, 1, 1, NAME_LEN_MAX },
};
static const struct rule group_remove_rules[] = {
	{ M_GROUP, NAME, 1, 1, NAME_LEN_MAX },
	{ M_PEER, NAME, 1, 1, NAME_LEN_MAX },
	{ M_REASON, STRING, 1, 1, REASON_LEN_MAX },
};
static const struct rule group_send_rules[] = {
	{ M_GROUP, NAME, 1, 1, NAME_LEN_MAX },
	{ M_TEXT, STRING, 1, 0, TEXT_UNITS_MAX },
};
static const struct rule group_history_rules[] = {
	{ M_GROUP, NAME, 1, 1, NAME_LEN_MAX },
	{ M_LIMIT, INTEGER, 0, 1, 500 },
};

#define RULES(r)	(r), sizeof(r) / sizeof((r)[0])

static const struct row rows[] = {
	{ "register", peers_register, 1, RULES(register_rules) },
	{ "rename", peers_rename, 0, RULES(rename_rules) },
	{ "list_peers", peers_list, 1, NULL, 0 },
	{ "ping", peers_ping, 1, NULL, 0 },
	{ "pong", peers_pong, 1, NULL, 0 },
	{ "send", mail_send, 0, RULES(send_rules) },
	{ "inbox", mail_inbox, 0, RULES(inbox_rules) },
	{ "received", mail_received, 0, RULES(mark_rules) },
	{ "seen", mail_seen, 0, RULES(mark_rules) },
	{ "ask", questions_ask, 0, RULES(ask_rules) },
	{ "reply", questions_reply, 0, RULES(reply_rules) },
	{ "broadcast", questions_broadcast, 0, RULES(broadcast_rules) },
	{ "join_room", rooms_join, 0, RULES(room_rules) },
	{ "leave_room", rooms_leave, 0, RULES(room_rules) },
	{ "room_msg", rooms_message, 0, RULES(room_msg_rules) },
	{ "list_rooms", rooms_list, 1, NULL, 0 },
	{ "group_create", groupreq_create, 0, RULES(group_create_rules) },
	{ "group_invite", groupreq_invite, 0, RULES(group_invite_rules) },
	{ "group_remove", groupreq_remove, 0, RULES(group_remove_rules) },
	{ "group_leave", groupreq_leave, 0, RULES(group_rules) },
	{ "group_send", groupreq_send, 0, RULES(group_send_rules) },
	{ "group_history", groupreq_history, 0, RULES(group_history_rules) },
	{ "group_list", groupreq_list, 0, NULL, 0 },
	{ "group_info", groupreq_info, 0, RULES(group_rules) },
	{ "group_delete", groupreq_delete, 0, RULES(group_rules) },
	{ "status", peers_status, 0, RULES(status_rules) },
	{ "sessions", peers_sessions, 0, NULL, 0 },
	{ "presence", peers_presence, 0, RULES(presence_rules) },
};

static const char too_long[] = "is too long";

static struct json_keys	*keys;
static struct map	*types;		/* to rows */

static const char	*check(const struct request *, const struct rule *);
static int		 within(const struct json_value *, int64_t, int64_t);
static int		 check_list(const struct json_value *, int64_t);
static const char	*check_name(const struct json_value *, int64_t);

void
request_init(void)
{
	size_t i;

	keys = json_keys_new(member_names, MEMBERS);
	types = map_new();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		map_sets(types, rows[i].type,
		    (void *)(uintptr_t)&rows[i]);
}

void
request_done(void)
{
	json_keys_free(keys);
	map_free(types);
}

/* A string has at least as many bytes as UTF-16 units: count only long ones. */
static int
within(const struct json_value *v, int64_t min, int64_t max)
{
	if ((int64_t)v->len < min)
		return 0;
	return (int64_t)v->len <= max || (int64_t)json_units(v) <= max;
}

static int
check_list(const struct json_value *list, int64_t max)
{
	struct json_value e;
	size_t pos = 0, n = 0;

	while (json_next(list, &pos, &e)) {
		if (e.type != JS_STRING || !within(&e, 0, max) ||
		    ++n > LIST_MAX)
			return 0;
	}
	return 1;
}

static const char *
check_name(const struct json_value *v, int64_t max)
{
	char text[REQUEST_NAME_MAX];
	size_t len;

	if (v->type != JS_STRING)
		return "must be a string";
	/* where any length is left to the handler, this one is, too */
	if (json_str(v, text, sizeof(text)) == -1)
		return max >= REQUEST_NAME_MAX ? NULL : too_long;
	len = name_trim(slice_of(text)).len;
	if (len == 0)
		return "must not be empty";
	return (int64_t)utf16_units(text, len) > max ? too_long : NULL;
}

/* What is wrong with a member, or NULL. */
static const char *
check(const struct request *q, const struct rule *rule)
{
	const struct json_value *v = &q->v[rule->member];
	int64_t n;

	if (v->type == JS_ABSENT)
		return rule->required ? "is missing" : NULL;
	switch (rule->type) {
	case NAME:
		return check_name(v, rule->max);
	case STRING:
		if (v->type != JS_STRING)
			return "must be a string";
		if (!within(v, rule->min, rule->max))
			return v->len == 0 ? "must not be empty" : too_long;
		break;
	case INTEGER:
		if (v->type != JS_NUMBER)
			return "must be a number";
		if (json_int(v, rule->min, rule->max, &n) == -1)
			return "is out of range";
		break;
	case BOOLEAN:
		if (v->type != JS_TRUE && v->type != JS_FALSE)
			return "must be true or false";
		break;
	case STRINGS:
		if (v->type != JS_ARRAY || !check_list(v, rule->max))
			return "must be a list of strings";
		break;
	}
	return NULL;
}

void
request_line(struct session *s, const char *line, size_t len)
{
	static const struct rule req_id_rule = {
		M_REQ_ID, STRING, 0, 0, REF_LEN_MAX
	};
	struct request q;
	const struct row *row;
	const char *wrong;
	char text[96], type[32];
	size_t i;

	q.req_id.p = NULL;
	q.req_id.len = 0;
	if (json_scan(line, len, keys, q.v) == -1) {
		memset(q.v, 0, sizeof(q.v));
		request_fail(s, &q, ERR_BAD_MSG, "not a JSON object");
		return;
	}
	if (check(&q, &req_id_rule) != NULL) {
		request_fail(s, &q, ERR_BAD_MSG, "req_id is not valid");
		return;
	}
	if (q.v[M_REQ_ID].type == JS_STRING)
		q.req_id = request_raw(&q, M_REQ_ID);
	row = json_str(&q.v[M_TYPE], type, sizeof(type)) != -1 ?
	    map_gets(types, type) : NULL;
	if (row == NULL) {
		request_fail(s, &q, ERR_BAD_MSG, "type is not known");
		return;
	}
	if (!row->early && s->state != SESSION_ONLINE) {
		request_fail(s, &q, ERR_NOT_REGISTERED, NULL);
		return;
	}
	for (i = 0; i < row->nrules; i++) {
		wrong = check(&q, &row->rules[i]);
		if (wrong == NULL)
			continue;
		snprintf(text, sizeof(text), "%s %s",
		    member_names[row->rules[i].member], wrong);
		request_fail(s, &q, row->rules[i].max == TEXT_UNITS_MAX &&
		    wrong == too_long ? ERR_TOO_LARGE : ERR_BAD_MSG, text);
		return;
	}
	row->handler(s, &q);
}

int
request_has(const struct request *q, enum member m)
{
	return q->v[m].type != JS_ABSENT;
}

struct slice
request_raw(const struct request *q, enum member m)
{
	struct slice s = { "", 0 };

	if (q->v[m].type == JS_STRING) {
		s.p = q->v[m].p;
		s.len = q->v[m].len;
	}
	return s;
}

int
request_true(const struct request *q, enum member m)
{
	return q->v[m].type == JS_TRUE;
}

int64_t
request_int(const struct request *q, enum member m, int64_t fallback)
{
	int64_t n = fallback;

	(void)json_int(&q->v[m], INT64_MIN, INT64_MAX, &n);
	return n;
}

int
request_name(const struct request *q, enum member m, char *dst, size_t size)
{
	char text[REQUEST_NAME_MAX];
	struct slice s;

	if (json_str(&q->v[m], text, sizeof(text)) == -1)
		return -1;
	s = name_trim(slice_of(text));
	if (!name_valid(s))
		return -1;
	return slice_copy(s, dst, size);
}

/* name@hub and hub:name with our own id are names of this hub. */
int
request_target(struct session *s, const struct request *q, enum member m,
    char dst[NAME_SIZE])
{
	char text[REQUEST_NAME_MAX], *hub = NULL, *name = text;
	struct slice t;

	if (json_str(&q->v[m], text, sizeof(text)) == -1)
		goto bad;
	t = name_trim(slice_of(text));
	memmove(text, t.p, t.len);
	text[t.len] = '\0';
	if ((hub = strchr(text, '@')) != NULL) {
		*hub++ = '\0';
	} else if ((name = strchr(text, ':')) != NULL) {
		*name++ = '\0';
		hub = text;
	} else {
		name = text;
	}
	if (!name_valid(slice_of(name)) ||
	    (hub != NULL && !name_valid(slice_of(hub))))
		goto bad;
	if (hub != NULL && strcmp(hub, s->router->conf->hub_id) != 0) {
		request_fail(s, q, ERR_PEER_NOT_FOUND,
		    "this hub has no link to that hub");
		return -1;
	}
	strlcpy(dst, registry_resolve(s->router->registry, name), NAME_SIZE);
	return 0;
 bad:
	request_fail(s, q, ERR_BAD_ARGS, "not a name: 1 to 64 letters, "
	    "digits, '.', '_' and '-'");
	return -1;
}

int
request_msg_id(const struct json_value *v, char dst[MSG_ID_SIZE])
{
	size_t i;

	if (v->type != JS_STRING || v->len == 0 ||
	    json_str(v, dst, MSG_ID_SIZE) == -1)
		return -1;
	for (i = 0; dst[i] != '\0'; i++) {
		if (dst[i] <= ' ' || dst[i] > '~' || dst[i] == '"' ||
		    dst[i] == '\\')
			return -1;
	}
	return 0;
}

void
request_fail(struct session *s, const struct request *q, enum errcode e,
    const char *message)
{
	static const struct slice none = { NULL, 0 };
	struct slice ask_id = none;

	/* an ask's errors carry its id, whatever is wrong with it */
	if (q->v[M_ASK_ID].type == JS_STRING && within(&q->v[M_ASK_ID], 1,
	    ASK_ID_LEN_MAX))
		ask_id = request_raw(q, M_ASK_ID);
	answer_err(s, q->req_id, e, message, ask_id);
}
