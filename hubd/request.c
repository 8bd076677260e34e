/* SPDX-License-Identifier: ISC */
/*
 * Requests of sessions: scanning, the table, and the checks.
 */
#include "compat.h"

#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "groupreq.h"
#include "hubs.h"
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

#define TIMEOUT_MS_MAX	86400000
#define REQUEST_NAME_MAX 4096	/* bytes, with white space around it */
#define LIST_MAX	1000	/* elements of features, msg_id */

#define LOCAL	1u			/* a session of this hub */
#define EARLY	(LOCAL | 2u)		/* also before it has registered */
#define REMOTE	4u			/* one of another hub */
#define BOTH	(LOCAL | REMOTE)

struct row {
	const char	*type;
	void		(*handler)(struct session *, const struct request *);
	unsigned	 who;		/* may ask that */
	const struct rule *rules;
	size_t		 nrules;
};

static const char *const member_names[MEMBERS] = {
	[M_TYPE] = "type",
	[M_REQ_ID] = "req_id",
	[M_ACTION] = "action",
	[M_ASK_ID] = "ask_id",
	[M_BROADCAST_ID] = "broadcast_id",
	[M_CODE] = "code",
	[M_CWD] = "cwd",
	[M_EXCLUDE_SELF] = "exclude_self",
	[M_FEATURES] = "features",
	[M_FROM] = "from",
	[M_GIT_BRANCH] = "git_branch",
	[M_GROUP] = "group",
	[M_HOST] = "host",
	[M_KIND] = "kind",
	[M_LAST_ID] = "last_id",
	[M_LAST_SEEN] = "last_seen",
	[M_LIMIT] = "limit",
	[M_MAX_BYTES] = "max_bytes",
	[M_MEMBERS] = "members",
	[M_MESSAGE] = "message",
	[M_MSG_ID] = "msg_id",
	[M_NAME] = "name",
	[M_NEW_NAME] = "new_name",
	[M_PEER] = "peer",
	[M_PEERS] = "peers",
	[M_PID] = "pid",
	[M_PROTOCOL_VERSION] = "protocol_version",
	[M_QUERY] = "query",
	[M_QUESTION] = "question",
	[M_REASON] = "reason",
	[M_RECENT] = "recent",
	[M_REPLY_TO] = "reply_to",
	[M_ROOM] = "room",
	[M_SEQ] = "seq",
	[M_SERIAL] = "serial",
	[M_SINCE_ID] = "since_id",
	[M_STARTED] = "started",
	[M_STATE] = "state",
	[M_STATUS] = "status",
	[M_TARGET_PEER] = "target_peer",
	[M_TEXT] = "text",
	[M_THREAD_ID] = "thread_id",
	[M_TIMEOUT_MS] = "timeout_ms",
	[M_TO] = "to",
	[M_TS] = "ts",
	[M_URGENT] = "urgent",
	[M_WRAPPED] = "wrapped",
};

/*
 * A name that is too long is the same fault as one with wrong characters where
 * the document says bad_args; the bound here only keeps it short.
 */
static const struct rule register_rules[] = {
	{ M_NAME, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_CWD, RULE_STRING, 1, 0, CWD_LEN_MAX },
	{ M_GIT_BRANCH, RULE_STRING, 1, 0, BRANCH_LEN_MAX },
	{ M_PROTOCOL_VERSION, RULE_STRING, 1, 0, 64 },
	{ M_FEATURES, RULE_STRINGS, 0, 0, 64 },
	{ M_PID, RULE_INTEGER, 0, 0, UINT32_MAX },
	{ M_STARTED, RULE_INTEGER, 0, 0, JSON_INT_MAX },
	{ M_HOST, RULE_STRING, 0, 0, 64 },
};
static const struct rule rename_rules[] = {
	{ M_NEW_NAME, RULE_NAME, 1, 1, REQUEST_NAME_MAX },
};
static const struct rule send_rules[] = {
	{ M_TO, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_REPLY_TO, RULE_STRING, 0, 0, REF_LEN_MAX },
	{ M_URGENT, RULE_BOOLEAN, 0, 0, 0 },
	{ M_KIND, RULE_STRING, 0, 1, 16 },
	{ M_MSG_ID, RULE_STRING, 0, 1, MSG_ID_LEN_MAX },
};
static const struct rule inbox_rules[] = {
	{ M_LIMIT, RULE_INTEGER, 0, 1, 100 },
	{ M_SINCE_ID, RULE_STRING, 0, 0, MSG_ID_LEN_MAX },
	{ M_RECENT, RULE_INTEGER, 0, 1, 100 },
	{ M_QUERY, RULE_STRING, 0, 1, REF_LEN_MAX },
};
static const struct rule ask_rules[] = {
	{ M_TO, RULE_NAME, 1, 1, TARGET_LEN_MAX },
	{ M_QUESTION, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_ASK_ID, RULE_STRING, 1, 1, REF_LEN_MAX },
	{ M_TIMEOUT_MS, RULE_INTEGER, 0, 1, TIMEOUT_MS_MAX },
	{ M_THREAD_ID, RULE_STRING, 0, 0, REF_LEN_MAX },
};
static const struct rule reply_rules[] = {
	{ M_ASK_ID, RULE_STRING, 1, 1, ASK_ID_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
};
static const struct rule broadcast_rules[] = {
	{ M_QUESTION, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_BROADCAST_ID, RULE_STRING, 1, 1, REF_LEN_MAX },
	{ M_EXCLUDE_SELF, RULE_BOOLEAN, 0, 0, 0 },
	{ M_KIND, RULE_STRING, 0, 1, 16 },
};
static const struct rule mark_rules[] = {
	{ M_MSG_ID, RULE_STRINGS, 1, 0, MSG_ID_LEN_MAX },
};
static const struct rule status_rules[] = {
	{ M_MSG_ID, RULE_STRING, 0, 1, MSG_ID_LEN_MAX },
};
static const struct rule presence_rules[] = {
	{ M_STATUS, RULE_STRING, 1, 1, 16 },
};

static const struct rule room_rules[] = {
	{ M_ROOM, RULE_NAME, 1, 1, REQUEST_NAME_MAX },
};
static const struct rule room_msg_rules[] = {
	{ M_ROOM, RULE_NAME, 1, 1, REQUEST_NAME_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
	{ M_MSG_ID, RULE_STRING, 1, 1, MSG_ID_LEN_MAX },
};

static const struct rule group_rules[] = {
	{ M_GROUP, RULE_TARGET, 1, 1, NAME_LEN_MAX },
};
/* members that are not names are left out, whatever is wrong with them */
static const struct rule group_create_rules[] = {
	{ M_NAME, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_MEMBERS, RULE_STRINGS, 1, 0, INT64_MAX },
};
static const struct rule group_invite_rules[] = {
	{ M_GROUP, RULE_TARGET, 1, 1, NAME_LEN_MAX },
	{ M_PEER, RULE_TARGET, 1, 1, NAME_LEN_MAX },
};
static const struct rule group_remove_rules[] = {
	{ M_GROUP, RULE_TARGET, 1, 1, NAME_LEN_MAX },
	{ M_PEER, RULE_TARGET, 1, 1, NAME_LEN_MAX },
	{ M_REASON, RULE_STRING, 1, 1, REASON_LEN_MAX },
};
static const struct rule group_send_rules[] = {
	{ M_GROUP, RULE_TARGET, 1, 1, NAME_LEN_MAX },
	{ M_TEXT, RULE_STRING, 1, 0, TEXT_UNITS_MAX },
};
static const struct rule group_history_rules[] = {
	{ M_GROUP, RULE_TARGET, 1, 1, NAME_LEN_MAX },
	{ M_LIMIT, RULE_INTEGER, 0, 1, 500 },
};
static const struct rule group_read_rules[] = {
	{ M_GROUP, RULE_NAME, 1, 1, NAME_LEN_MAX },
	{ M_SERIAL, RULE_INTEGER, 1, 0, JSON_INT_MAX },
	{ M_LAST_ID, RULE_INTEGER, 1, 0, JSON_INT_MAX },
};

static const struct row rows[] = {
	{ "register", peers_register, EARLY, RULES(register_rules) },
	{ "rename", peers_rename, LOCAL, RULES(rename_rules) },
	{ "list_peers", peers_list, EARLY, NULL, 0 },
	{ "ping", peers_ping, EARLY, NULL, 0 },
	{ "pong", peers_pong, EARLY, NULL, 0 },
	{ "send", mail_send, LOCAL, RULES(send_rules) },
	{ "inbox", mail_inbox, LOCAL, RULES(inbox_rules) },
	{ "received", mail_received, LOCAL, RULES(mark_rules) },
	{ "seen", mail_seen, LOCAL, RULES(mark_rules) },
	{ "ask", questions_ask, LOCAL, RULES(ask_rules) },
	{ "reply", questions_reply, LOCAL, RULES(reply_rules) },
	{ "broadcast", questions_broadcast, LOCAL, RULES(broadcast_rules) },
	{ "join_room", rooms_join, LOCAL, RULES(room_rules) },
	{ "leave_room", rooms_leave, LOCAL, RULES(room_rules) },
	{ "room_msg", rooms_message, LOCAL, RULES(room_msg_rules) },
	{ "list_rooms", rooms_list, EARLY, NULL, 0 },
	{ "group_create", groupreq_create, LOCAL, RULES(group_create_rules) },
	{ "group_invite", groupreq_invite, BOTH, RULES(group_invite_rules) },
	{ "group_remove", groupreq_remove, BOTH, RULES(group_remove_rules) },
	{ "group_leave", groupreq_leave, BOTH, RULES(group_rules) },
	{ "group_send", groupreq_send, BOTH, RULES(group_send_rules) },
	{ "group_history", groupreq_history, BOTH, RULES(group_history_rules) },
	{ "group_read", groupreq_read, REMOTE, RULES(group_read_rules) },
	{ "group_list", groupreq_list, BOTH, NULL, 0 },
	{ "group_info", groupreq_info, BOTH, RULES(group_rules) },
	{ "group_delete", groupreq_delete, BOTH, RULES(group_rules) },
	{ "status", peers_status, LOCAL, RULES(status_rules) },
	{ "sessions", peers_sessions, LOCAL, NULL, 0 },
	{ "presence", peers_presence, LOCAL, RULES(presence_rules) },
};

static const char too_long[] = "is too long";

static struct json_keys	*keys;
static struct map	*types;		/* to rows */

static const char	*check(const struct request *, const struct rule *);
static int		 within(const struct json_value *, int64_t, int64_t);
static int		 check_list(const struct json_value *, int64_t);
static const char	*check_name(const struct json_value *, int64_t, int);

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
check_name(const struct json_value *v, int64_t max, int target)
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
	if (target && strchr(text, '@') != NULL)
		max = 2 * max + 1;
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
	case RULE_NAME:
	case RULE_TARGET:
		return check_name(v, rule->max, rule->type == RULE_TARGET);
	case RULE_STRING:
		if (v->type != JS_STRING)
			return "must be a string";
		if (!within(v, rule->min, rule->max))
			return v->len == 0 ? "must not be empty" : too_long;
		break;
	case RULE_INTEGER:
		if (v->type != JS_NUMBER)
			return "must be a number";
		if (json_int(v, rule->min, rule->max, &n) == -1)
			return "is out of range";
		break;
	case RULE_BOOLEAN:
		if (v->type != JS_TRUE && v->type != JS_FALSE)
			return "must be true or false";
		break;
	case RULE_STRINGS:
		if (v->type != JS_ARRAY || !check_list(v, rule->max))
			return "must be a list of strings";
		break;
	case RULE_OBJECT:
		return v->type == JS_OBJECT ? NULL : "must be an object";
	case RULE_ARRAY:
		return v->type == JS_ARRAY ? NULL : "must be a list";
	}
	return NULL;
}

int
request_scan(struct request *q, const char *line, size_t len)
{
	q->req_id.p = NULL;
	q->req_id.len = 0;
	if (json_scan(line, len, keys, q->v) == 0)
		return 0;
	memset(q->v, 0, sizeof(q->v));
	return -1;
}

const char *
request_check(const struct request *q, const struct rule *rules, size_t n,
    char *dst, int *too_large)
{
	const char *wrong;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((wrong = check(q, &rules[i])) == NULL)
			continue;
		*too_large = rules[i].max == TEXT_UNITS_MAX &&
		    wrong == too_long;
		snprintf(dst, RULE_TEXT_SIZE, "%s %s",
		    member_names[rules[i].member], wrong);
		return dst;
	}
	return NULL;
}

void
request_line(struct session *s, const char *line, size_t len)
{
	static const struct rule req_id_rule = {
		M_REQ_ID, RULE_STRING, 0, 0, REF_LEN_MAX
	};
	struct request q;
	const struct row *row;
	char text[RULE_TEXT_SIZE], type[32];
	int too_large;

	if (request_scan(&q, line, len) == -1) {
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
	if (row == NULL || !(row->who & (s->hub != NULL ? REMOTE : LOCAL))) {
		request_fail(s, &q, ERR_BAD_MSG, "type is not known");
		return;
	}
	if ((row->who & EARLY) != EARLY && s->state != SESSION_ONLINE) {
		request_fail(s, &q, ERR_NOT_REGISTERED, NULL);
		return;
	}
	if (request_check(&q, row->rules, row->nrules, text,
	    &too_large) != NULL) {
		request_fail(s, &q, too_large ? ERR_TOO_LARGE : ERR_BAD_MSG,
		    text);
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

/* Cuts a target into its parts; -1 if it is none.  hub NULL: a bare name. */
static int
split(char *text, const char **name, const char **hub)
{
	struct slice t = name_trim(slice_of(text));
	char *sep;

	memmove(text, t.p, t.len);
	text[t.len] = '\0';
	*name = text;
	*hub = NULL;
	if ((sep = strchr(text, '@')) != NULL) {
		*sep = '\0';
		*hub = sep + 1;
	} else if ((sep = strchr(text, ':')) != NULL) {
		*sep = '\0';
		*hub = text;
		*name = sep + 1;
	}
	return name_valid(slice_of(*name)) &&
	    (*hub == NULL || name_valid(slice_of(*hub))) ? 0 : -1;
}

/* A bare name that only other hubs have; -1 if several do. */
static int
guess(const struct registry *g, struct target *t, struct wbuf *why)
{
	struct session *p, *found = NULL;
	size_t len = strlen(t->name);
	unsigned n = 0;

	if (registry_find(g, t->name) != NULL || registry_knows(g, t->name))
		return 0;
	for (p = registry_next_remote(g, NULL); p != NULL;
	    p = registry_next_remote(g, p)) {
		if (strncmp(p->name, t->name, len) != 0 ||
		    p->name[len] != '@')
			continue;
		found = p;
		wbuf_printf(why, "%s%s", n++ > 0 ? ", " : "", p->name);
	}
	if (n > 1) {
		wbuf_adds(why, ": say which of them");
		return -1;
	}
	wbuf_reset(why);
	if (n == 1) {
		strlcpy(t->name, found->name, sizeof(t->name));
		t->hub = found->hub;
		t->guessed = 1;
	}
	return 0;
}

enum errcode
target_find(const struct router *r, char *text, struct target *t,
    struct wbuf *why)
{
	const char *name, *hub;
	char full[TARGET_SIZE];

	memset(t, 0, sizeof(*t));
	if (split(text, &name, &hub) == -1) {
		wbuf_adds(why, "not a name: 1 to 64 letters, digits, '.', '_' "
		    "and '-'");
		return ERR_BAD_ARGS;
	}
	if (hub != NULL && strcmp(hub, r->conf->hub_id) != 0) {
		if ((t->hub = hubs_find(r->hubs, hub)) == NULL) {
			wbuf_adds(why, "this hub knows no hub of that name");
			return ERR_PEER_NOT_FOUND;
		}
		snprintf(full, sizeof(full), "%.*s@%.*s", NAME_LEN_MAX, name,
		    NAME_LEN_MAX, hub);
		name = full;
	}
	strlcpy(t->name, registry_resolve(r->registry, name),
	    sizeof(t->name));
	return hub == NULL && guess(r->registry, t, why) == -1 ?
	    ERR_BAD_ARGS : ERR_NONE;
}

int
request_target(struct session *s, const struct request *q, enum member m,
    struct target *t)
{
	char text[REQUEST_NAME_MAX];
	struct wbuf why = { 0 };
	enum errcode e;

	if (json_str(&q->v[m], text, sizeof(text)) == -1)
		text[0] = '\0';
	if ((e = target_find(s->router, text, t, &why)) != ERR_NONE) {
		wbuf_add(&why, "", 1);
		request_fail(s, q, e, wbuf_data(&why));
	}
	wbuf_free(&why);
	return e == ERR_NONE ? 0 : -1;
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
