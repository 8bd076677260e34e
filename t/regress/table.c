/* SPDX-License-Identifier: ISC */
/*
 * The whole table of requests, each member of each one missing, of each wrong
 * type, empty, too long, out of range and oddly named.  What must be answered
 * follows from the kind of the member; the session and the hub go on.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"

/*
 * In the JSON of this file ' stands for ", # for the number of the case and
 * in a value % for what the member has when it is right.
 *
 * What a case may be answered is written in words, of which one must fit:
 *	an answer's type	that answer, with its members
 *	an err's code		that err
 *	none			nothing
 *	=			as when all members are right
 *	other			as for another name that is a good one
 *	err			any err: the document leaves open which
 *	any			the document leaves it open
 */

/* A value of a member; with times, a string of that many json. */
struct value {
	const char	*json;
	unsigned	 times;
	const char	*want;
};

/* A member, and values of the type whose letter is given. */
struct member {
	const char		*key;
	char			 type;
	const struct value	*values;
	const char		*right;
	int			 optional;
	const char		*other;		/* answer to another name */
};

#define MEMBERS		8

/*
 * A request, and what is done before and after each case of it: by the
 * session under test if it begins with s, with o by the other one.
 */
struct row {
	const char	*type, *ok;
	const char	*before, *after;
	struct member	 members[MEMBERS];
	const char	*early;		/* or not_registered */
	const char	*no_req_id;	/* or "=" */
};

/* An answer and the members that it must have, with their types. */
struct answer {
	const char	*type, *members;
};

struct table {
	struct tenv	*t;
	const char	*features;	/* of the session under test */
	struct conn	*subject, *other;
	unsigned	 number, wrong;
};

static const struct answer answers[] = {
	{ "ack", "" },
	{ "peers", "a:peers" },
	{ "pong", "" },
	{ "send_ack", "s:msg_id s:status" },
	{ "inbox_result", "a:messages n:remaining" },
	{ "broadcast_ack", "s:broadcast_id n:peer_count" },
	{ "room_ack", "s:room a:members" },
	{ "room_send_ack", "s:room n:delivered_count" },
	{ "rooms_list", "a:rooms" },
	{ "group_created", "s:group a:members" },
	{ "group_ack", "" },
	{ "group_messages", "s:group a:messages n:unread_remaining" },
	{ "group_list_result", "a:groups" },
	{ "group_info_result", "s:group s:admin a:members n:unread_count" },
	{ "status_result", "" },
	{ "sessions_result", "a:sessions" },
	{ "err", "s:code" }
};

static const char codes[] = "peer_not_found peer_gone timeout name_taken "
    "not_registered already_registered unknown_ask bad_msg bad_args "
    "hub_unreachable protocol_mismatch mailbox_error not_member not_admin "
    "group_not_found unexpected";
static const char our_codes[] = "rate_limited too_large";

/* One of each type; those of a member's own type are left out for it. */
static const struct {
	char		 type;
	const char	*json;
} types[] = {
	{ 's', "'x'" }, { 's', "''" }, { 's', "'5'" }, { 's', "'true'" },
	{ 'n', "0" }, { 'n', "5" }, { 'n', "-1.5" }, { 'n', "1e30" },
	{ 'b', "true" }, { 'b', "false" }, { 'z', "null" },
	{ 'a', "[]" }, { 'a', "['x']" }, { 'a', "[[['x']]]" },
	{ 'o', "{}" }, { 'o', "{'a':'x'}" }, { 'o', "{'__proto__':'x'}" }
};

#define ALL_NAMES							\
	{ "''", 0, "bad_msg" }, { "'  '", 0, "bad_msg" },		\
	{ "'%  '", 0, "=" }, { "'  %'", 0, "=" }, { "'\\t%\\n'", 0, "=" },\
	{ "'.'", 0, "bad_args" }, { "'..'", 0, "bad_args" },		\
	{ "'../%'", 0, "bad_args" }, { "'a/b'", 0, "bad_args" },	\
	{ "'/%'", 0, "bad_args" }, { "'a\\\\b'", 0, "bad_args" },	\
	{ "'a b'", 0, "bad_args" }, { "'a:b:c'", 0, "bad_args" },	\
	{ "'a\\nb'", 0, "bad_args" }, { "'a\\u0001'", 0, "bad_args" },	\
	{ "'a\\u0000b'", 0, "bad_msg" }, { "'\\ud800'", 0, "bad_msg" },	\
	{ "'\\u00e9'", 0, "bad_args" }, { "'\xc3\xa9'", 0, "bad_args" },\
	{ "'\xe5\x90\x8d\xe5\x89\x8d'", 0, "bad_args" },		\
	{ "'\xf0\x9f\x98\x80'", 0, "bad_args" },			\
	{ "'\xef\xbc\xa1'", 0, "bad_args" },				\
	{ "'__proto__'", 0, "other" }, { "'constructor'", 0, "other" },	\
	{ "'...'", 0, "other" }, { "'-'", 0, "other" },			\
	{ "'A.b_c-9'", 0, "other" }, { "n", 64, "other" }

/* Peers and groups; a room or a new name that is too long is another err. */
static const struct value names[] = {
	ALL_NAMES, { "'a@b'", 0, "bad_args" },
	{ "n", 65, "bad_msg" }, { "n", 5000, "bad_msg" }, { 0 }
};
static const struct value peers[] = {
	ALL_NAMES, { "'a@b'", 0, "peer_not_found" },
	{ "n", 65, "bad_msg" }, { "n", 5000, "bad_msg" }, { 0 }
};
static const struct value rooms[] = {
	ALL_NAMES, { "'a@b'", 0, "bad_args" },
	{ "n", 65, "bad_args" }, { "n", 5000, "bad_args" }, { 0 }
};
/* A hub that is not configured and was never seen is not found. */
static const struct value targets[] = {
	ALL_NAMES, { "'x@nohub'", 0, "peer_not_found" },
	{ "'x@nohub  '", 0, "peer_not_found" },
	{ "'@nohub'", 0, "bad_args bad_msg" },
	{ "'x@'", 0, "bad_args bad_msg" }, { "'@'", 0, "bad_args bad_msg" },
	{ "'x@a/b'", 0, "bad_args" }, { "'x@y@z'", 0, "bad_args" },
	{ "n", 65, "bad_args bad_msg" }, { "n", 130, "bad_msg bad_args" },
	{ "n", 5000, "bad_msg bad_args" }, { 0 }
};
/* Characters of two bytes or of two UTF-16 units are one character each. */
static const struct value texts[] = {
	{ "''", 0, "any" }, { "' '", 0, "=" }, { "'a\\nb'", 0, "=" },
	{ "'\\u00e9\xf0\x9f\x98\x80'", 0, "=" }, { "'..'", 0, "=" },
	{ "'a\\u0000b'", 0, "bad_msg" }, { "'\xff'", 0, "bad_msg" },
	{ "'\\ud800'", 0, "bad_msg" }, { "t", 524288, "=" },
	{ "t", 524289, "too_large" }, { "\xc3\xa9", 524288, "=" },
	{ "\xf0\x9f\x98\x80", 262145, "too_large" }, { 0 }
};
#define REFS(max, over)							\
	{ "''", 0, "any" }, { "'a/b'", 0, "any" }, { "'..'", 0, "any" },\
	{ "'\\u00e9-#'", 0, "any" }, { "'__proto__'", 0, "any" },	\
	{ "'\xff'", 0, "bad_msg" }, { "'a\\u0000'", 0, "bad_msg" },	\
	{ "i", max, "=" }, { "i", over, "bad_msg" },			\
	{ "\xc3\xa9", max, "any" }, { "\xc3\xa9", over, "bad_msg" },	\
	{ "i", 5000, "bad_msg" }
static const struct value refs[] = { REFS(256, 257), { 0 } };
static const struct value msg_ids[] = { REFS(64, 65), { 0 } };
static const struct value cwds[] = { REFS(1024, 1025), { 0 } };
/* An ask of a broadcast has a longer id: <broadcast_id>:<name>. */
static const struct value asked[] = {
	{ "''", 0, "err" }, { "'..'", 0, "=" }, { "'__proto__'", 0, "=" },
	{ "i", 256, "=" }, { "i", 257, "err" }, { "i", 5000, "bad_msg" },
	{ 0 }
};
/* 1 to 256 characters */
static const struct value reasons[] = {
	{ "''", 0, "bad_msg" }, { "'r'", 0, "=" }, { "r", 256, "=" },
	{ "\xc3\xa9", 256, "=" }, { "r", 257, "bad_msg" },
	{ "r", 5000, "bad_msg" }, { "'\xff'", 0, "bad_msg" }, { 0 }
};
/* Words to look for; what if there are none in it is left open. */
static const struct value queries[] = {
	{ "''", 0, "any" }, { "'word'", 0, "=" }, { "'  '", 0, "any" },
	{ "'\\''", 0, "any" }, { "'a AND'", 0, "=" }, { "'(*'", 0, "any" },
	{ "'NEAR(a b'", 0, "=" }, { "'-a:b'", 0, "=" }, { "'^'", 0, "any" },
	{ "'\\u00e9 %_'", 0, "=" }, { "q", 5000, "any" }, { 0 }
};
static const struct value bools[] = {
	{ "true", 0, "=" }, { "false", 0, "=" }, { 0 }
};
#define NO_NUMBERS							\
	{ "-1", 0, "bad_msg" }, { "1e400", 0, "bad_msg" },		\
	{ "-99999999999999999999", 0, "bad_msg" },			\
	{ "99999999999999999999", 0, "bad_msg" }
#define LIMITS(max, over)						\
	NO_NUMBERS, { "0", 0, "bad_msg" }, { "1", 0, "=" },		\
	{ max, 0, "=" }, { over, 0, "bad_msg" }, { "1.5", 0, "bad_msg" },\
	{ "4294967297", 0, "bad_msg" }, { 0 }
static const struct value limits_100[] = { LIMITS("100", "101") };
static const struct value limits_500[] = { LIMITS("500", "501") };
/* No greatest value is written down. */
static const struct value numbers[] = {
	NO_NUMBERS, { "0", 0, "any" }, { "1", 0, "=" }, { "1.5", 0, "any" },
	{ "4294967297", 0, "any" }, { "9223372036854775807", 0, "any" },
	{ 0 }
};
/* Whether another word is out of range or a bad argument is left open. */
static const struct value kinds[] = {
	{ "'info'", 0, "=" }, { "'request'", 0, "=" },
	{ "'response'", 0, "=" }, { "''", 0, "err" },
	{ "'Info'", 0, "err" }, { "k", 5000, "err" }, { 0 }
};
static const struct value states[] = {
	{ "'idle'", 0, "=" }, { "'busy'", 0, "=" }, { "'away'", 0, "err" },
	{ "''", 0, "err" }, { "k", 5000, "err" }, { 0 }
};
static const struct value versions[] = {
	{ "''", 0, "protocol_mismatch bad_msg" },
	{ "'4'", 0, "protocol_mismatch" }, { "'6'", 0, "protocol_mismatch" },
	{ "'5.0'", 0, "protocol_mismatch" },
	{ "5", 300, "protocol_mismatch bad_msg" }, { 0 }
};
static const struct value feature_lists[] = {
	{ "[]", 0, "=" }, { "['receipts','ids','no-such-one']", 0, "=" },
	{ "['']", 0, "any" }, { "[5]", 0, "bad_msg" },
	{ "['ids',null]", 0, "bad_msg" }, { "[['ids']]", 0, "bad_msg" },
	{ "[{}]", 0, "bad_msg" }, { 0 }
};
/* Names that are not valid are left out; more than 20 are too many. */
#define TEN(c)								\
	"'" c "0','" c "1','" c "2','" c "3','" c "4','" c "5',"	\
	"'" c "6','" c "7','" c "8','" c "9'"
static const struct value member_lists[] = {
	{ "[]", 0, "=" }, { "['..','a/b','','\xc3\xa9','  ']", 0, "=" },
	{ "['__proto__','constructor',' other ']", 0, "=" },
	{ "[5]", 0, "bad_msg" }, { "['other',null]", 0, "bad_msg" },
	{ "[true]", 0, "bad_msg" }, { "[['other']]", 0, "bad_msg" },
	{ "[{'name':'other'}]", 0, "bad_msg" },
	{ "[" TEN("a") "," TEN("b") "]", 0, "=" },
	{ "[" TEN("a") "," TEN("b") ",'c']", 0, "bad_msg bad_args" }, { 0 }
};
/* What is answered for an id that is unknown is not written down. */
static const struct value sent_ids[] = {
	{ "''", 0, "any" }, { "'%'", 0, "any" }, { "'..'", 0, "any" },
	{ "i", 64, "any" }, { "i", 65, "bad_msg" }, { 0 }
};
/* No limit is written down; a line before register has 8 KiB. */
static const struct value hosts[] = {
	{ "''", 0, "any" }, { "'a b'", 0, "any" }, { "h", 64, "=" },
	{ "'\\u00e9'", 0, "any" }, { "'\xff'", 0, "bad_msg" },
	{ "h", 5000, "any" }, { 0 }
};
static const struct value id_lists[] = {
	{ "[]", 0, "any" }, { "['%','%']", 0, "any" },
	{ "['no-such-message']", 0, "any" }, { "['']", 0, "any" },
	{ "[5]", 0, "bad_msg" }, { "[null]", 0, "bad_msg" },
	{ "[['x']]", 0, "bad_msg" }, { "[{}]", 0, "bad_msg" }, { 0 }
};

/* Before and after a case: a group of the session under test, or not. */
#define NO_OWN_GROUP	"s'type':'group_delete','group':'g'"
#define OWN_GROUP							\
	"s'type':'group_create','name':'g','members':['other']", NO_OWN_GROUP
#define THEIR_GROUP							\
	"o'type':'group_create','name':'g','members':['subject']",	\
	"o'type':'group_delete','group':'g'"
#define MAIL(id)							\
	"o'type':'send','to':'subject','text':'x','msg_id':" id

/* Whether presence is answered is not written down. */
static const struct row rows[] = {
	{ "list_peers", "peers", .early = "peers" },
	{ "ping", "pong", .early = "pong", .no_req_id = "pong bad_msg" },
	{ "pong", "none", .early = "none", .no_req_id = "any" },
	{ "send", "send_ack", .members = {
		{ "to", 's', targets, "'other'", 0, "send_ack" },
		{ "text", 's', texts, "'hello'", 0, NULL },
		{ "reply_to", 's', refs, "'m-1'", 1, NULL },
		{ "urgent", 'b', bools, "true", 1, NULL },
		{ "kind", 's', kinds, "'info'", 1, NULL },
		{ "msg_id", 's', msg_ids, "'id-#'", 1, NULL } } },
	{ "inbox", "inbox_result", .members = {
		{ "limit", 'n', limits_100, "20", 1, NULL },
		{ "since_id", 's', msg_ids, "'id-#'", 1, NULL },
		{ "recent", 'n', numbers, "5", 1, NULL },
		{ "query", 's', queries, "'hello'", 1, NULL } } },
	{ "ask", "none", .members = {
		{ "to", 's', targets, "'other'", 0, "peer_not_found" },
		{ "question", 's', texts, "'why?'", 0, NULL },
		{ "ask_id", 's', refs, "'ask-#'", 0, NULL },
		{ "timeout_ms", 'n', numbers, "1000", 1, NULL },
		{ "thread_id", 's', refs, "'th'", 1, NULL } } },
	{ "reply", "unknown_ask", .members = {
		{ "ask_id", 's', asked, "'nobody-asked'", 0, NULL },
		{ "text", 's', texts, "'because'", 0, NULL } } },
	{ "broadcast", "broadcast_ack", .members = {
		{ "question", 's', texts, "'who?'", 0, NULL },
		{ "broadcast_id", 's', refs, "'bc-#'", 0, NULL },
		{ "exclude_self", 'b', bools, "true", 1, NULL },
		{ "kind", 's', kinds, "'info'", 1, NULL } } },
	{ "join_room", "room_ack", .members = {
		{ "room", 's', rooms, "'r'", 0, NULL } } },
	{ "room_msg", "room_send_ack", .members = {
		{ "room", 's', rooms, "'r'", 0, NULL },
		{ "text", 's', texts, "'hello'", 0, NULL },
		{ "msg_id", 's', msg_ids, "'id-#'", 0, NULL } } },
	{ "leave_room", "ack", .members = {
		{ "room", 's', rooms, "'r'", 0, NULL } } },
	{ "list_rooms", "rooms_list", .early = "rooms_list" },
	{ "group_invite", "group_ack", OWN_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "group_not_found" },
		{ "peer", 's', peers, "'newcomer'", 0, NULL } } },
	{ "group_remove", "group_ack", OWN_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "group_not_found" },
		{ "peer", 's', peers, "'other'", 0, "not_member" },
		{ "reason", 's', reasons, "'noise'", 0, NULL } } },
	{ "group_leave", "group_ack", THEIR_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "not_member" } } },
	{ "group_send", "group_ack", THEIR_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "not_member" },
		{ "text", 's', texts, "'hello'", 0, NULL } } },
	{ "group_history", "group_messages", THEIR_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "not_member" },
		{ "limit", 'n', limits_500, "100", 1, NULL } } },
	{ "group_list", "group_list_result", THEIR_GROUP, .early = NULL },
	{ "group_info", "group_info_result", THEIR_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "not_member" } } },
	{ "group_delete", "group_ack", OWN_GROUP, .members = {
		{ "group", 's', names, "'g'", 0, "group_not_found" } } },
	{ "group_create", "group_created", NULL, NO_OWN_GROUP, .members = {
		{ "name", 's', names, "'g'", 0, NULL },
		{ "members", 'a', member_lists, "['other']", 0, NULL } } },
	{ "received", "none", MAIL("'re-#'"), NULL, .members = {
		{ "msg_id", 'a', id_lists, "['re-#']", 0, NULL } } },
	{ "seen", "none", MAIL("'se-#'"), NULL, .members = {
		{ "msg_id", 'a', id_lists, "['se-#']", 0, NULL } } },
	{ "status", "status_result",
	    "s'type':'send','to':'other','text':'x','msg_id':'st-#'", NULL,
	    .members = {
		{ "msg_id", 's', sent_ids, "'st-#'", 1, NULL } } },
	{ "sessions", "sessions_result", .early = NULL },
	{ "presence", "none ack", .members = {
		{ "status", 's', states, "'busy'", 0, NULL } } },
	{ "rename", "ack", NULL,
	    "s'type':'rename','new_name':'subject'", .members = {
		{ "new_name", 's', rooms, "'renamed'", 0, NULL } } },
	{ "register", "ack", .early = "ack", .members = {
		{ "name", 's', names, "'fresh'", 0, NULL },
		{ "cwd", 's', cwds, "'/w'", 0, NULL },
		{ "git_branch", 's', refs, "'main'", 0, NULL },
		{ "protocol_version", 's', versions, "'5'", 0, NULL },
		{ "features", 'a', feature_lists, "['ids']", 1, NULL },
		{ "pid", 'n', numbers, "77", 1, NULL },
		{ "started", 'n', numbers, "1700000000000", 1, NULL },
		{ "host", 's', hosts, "'h'", 1, NULL } } }
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

/* The member that every request may have. */
static const struct member req_id = { "req_id", 's', refs, "'c-#'", 1, NULL };

/* Each c in the old text, which is freed, becomes by. */
static char *
replace(char *old, char c, const char *by)
{
	size_t	 size = strlen(old) + 1, n = 0, len = strlen(by);
	char	*out, *p;

	for (p = old; (p = strchr(p, c)) != NULL; p++)
		size += len;
	out = xmalloc(size);
	for (p = old; *p != '\0'; p++) {
		if (*p != c) {
			out[n++] = *p;
			continue;
		}
		memcpy(out + n, by, len);
		n += len;
	}
	out[n] = '\0';
	free(old);
	return (out);
}

static char *
value_text(const struct value *v, const struct member *m)
{
	char	 right[64];
	size_t	 len = strlen(v->json), i;
	char	*s;

	if (v->times == 0) {
		/* without what encloses a string, in a list or not */
		strlcpy(right, m->right + strspn(m->right, "['"),
		    sizeof(right));
		right[strcspn(right, "']")] = '\0';
		return (replace(xstrdup(v->json), '%', right));
	}
	s = xmalloc(len * v->times + 3);
	s[0] = '"';
	for (i = 0; i < v->times; i++)
		memcpy(s + 1 + i * len, v->json, len);
	memcpy(s + 1 + i * len, "\"", 2);
	return (s);
}

/*
 * The request, in which the member m has that value or, if NULL, is not.
 * Without the other optional ones.
 */
static char *
make_line(const struct table *s, const struct row *r, const struct member *m,
    const char *value)
{
	const struct member	*each;
	const char		*v;
	char			*line, nr[16];
	size_t			 size, i;

	size = 4096 + (value != NULL ? strlen(value) : 0);
	line = xmalloc(size);
	snprintf(line, size, "{'type':'%s','no such member':[{}]", r->type);
	for (i = 0; i <= MEMBERS; i++) {
		each = i < MEMBERS ? &r->members[i] : &req_id;
		if (each->key == NULL || (each == m ? value == NULL :
		    each->optional && each != &req_id))
			continue;
		v = each == m ? value : each->right;
		strlcat(line, ",'", size);
		strlcat(line, each->key, size);
		strlcat(line, "':", size);
		strlcat(line, v, size);
	}
	strlcat(line, "}", size);
	snprintf(nr, sizeof(nr), "%u", s->number);
	return (replace(replace(line, '#', nr), '\'', "\""));
}

/* What is done before or after a case, and is not judged. */
static void
step(struct table *s, const char *what)
{
	struct conn	*c;
	char		*line, nr[16];
	size_t		 size;

	if (what == NULL)
		return;
	c = *what == 's' ? s->subject : s->other;
	snprintf(nr, sizeof(nr), "%u", s->number);
	size = strlen(what) + 64;
	line = xmalloc(size);
	snprintf(line, size, "{%s,'req_id':'step'}", what + 1);
	line = replace(replace(line, '#', nr), '\'', "\"");
	say_text(c, line);
	hear_with(c, NULL, "req_id", "step");
	free(line);
}

/* Not an answer: what the hub says unasked, or how an old ask ended. */
static int
is_push(const json_t *j)
{
	const char	*type = json_string_value(json_object_get(j, "type"));
	const char	*code = json_string_value(json_object_get(j, "code"));

	if (type == NULL)
		return (0);
	return (strncmp(type, "incoming_", 9) == 0 ||
	    strcmp(type, "receipt") == 0 || (code != NULL &&
	    (strcmp(code, "timeout") == 0 || strcmp(code, "peer_gone") == 0)));
}

static int
has_word(const char *words, const char *word)
{
	const char	*p = words;
	size_t		 len = strlen(word);

	while ((p = strstr(p, word)) != NULL) {
		if ((p == words || p[-1] == ' ') &&
		    (p[len] == ' ' || p[len] == '\0'))
			return (1);
		p += len;
	}
	return (0);
}

/* The first line in the queue that is an answer, taken out of it; or NULL. */
static json_t *
first_answer(struct table *s, struct conn *c)
{
	struct line	*l;
	json_t		*j;

	TAILQ_FOREACH(l, &c->lines, entry) {
		if (is_push(l->json))
			continue;
		want(l->json != NULL, "not JSON: %.200s", l->text);
		TAILQ_REMOVE(&c->lines, l, entry);
		j = tenv_keep(s->t, json_incref(l->json));
		line_free(l);
		return (j);
	}
	return (NULL);
}

/* Waits for it; where there may be none, until one must have come. */
static json_t *
answer_to(struct table *s, struct conn *c, int maybe_none)
{
	int64_t	 end = t_now() + t_slow(T_WAIT);
	json_t	*j;

	if (maybe_none) {
		in_step(c);
		if (c == s->subject)
			rpc(c, "{s:s}", "type", "inbox");
		return (first_answer(s, c));
	}
	while ((j = first_answer(s, c)) == NULL && !c->eof && t_now() < end)
		conns_pump(s->t, 10);
	return (j);
}

static void
drain(struct conn *c)
{
	struct line	*l;

	while ((l = conn_take(c, 0)) != NULL)
		line_free(l);
}

static int
word_fits(const struct table *s, const char *word, const json_t *j)
{
	const char	*type = json_string_value(json_object_get(j, "type"));
	const char	*code = json_string_value(json_object_get(j, "code"));

	if (strcmp(word, "any") == 0)
		return (1);
	if (strcmp(word, "none") == 0 || j == NULL)
		return (strcmp(word, "none") == 0 && j == NULL);
	if (s->features == NULL && strcmp(word, "too_large") == 0)
		word = "bad_msg";
	return (strcmp(type, word) == 0 ||
	    (code != NULL && strcmp(code, word) == 0));
}

/* member as in the table of answers: x:name. */
static int
has_member(const json_t *j, const char *member)
{
	const json_t	*v = json_object_get(j, member + 2);

	return (*member == 's' ? json_is_string(v) :
	    *member == 'a' ? json_is_array(v) : json_is_integer(v));
}

/* What is wrong with an answer, whatever it answers; or NULL. */
static const char *
misshapen(const struct table *s, json_t *j)
{
	const char	*type = json_string_value(json_object_get(j, "type"));
	const char	*code = json_string_value(json_object_get(j, "code"));
	const char	*key, *word;
	char		 list[128], *p = list;
	json_t		*v;
	size_t		 i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (type != NULL && strcmp(type, answers[i].type) == 0)
			break;
	}
	if (i == sizeof(answers) / sizeof(answers[0]))
		return ("no such answer");
	strlcpy(list, answers[i].members, sizeof(list));
	while ((word = strsep(&p, " ")) != NULL) {
		if (*word != '\0' && !has_member(j, word))
			return ("a member is missing or of a wrong type");
	}
	json_object_foreach(j, key, v) {
		if (json_is_null(v))
			return ("a member is null");
		if ((strcmp(key, "room") == 0 || strcmp(key, "group") == 0) &&
		    strpbrk(json_string_value(v), " \t\n") != NULL)
			return ("a name was not trimmed");
	}
	if (code != NULL && !has_word(codes, code) &&
	    (s->features == NULL || !has_word(our_codes, code)))
		return ("no code for this client");
	return (NULL);
}

/* The answer has the request's req_id, if that is one, and else none. */
static int
echoes(const char *line, const json_t *j)
{
	json_t		*sent = json_loads(line, 0, NULL);
	const json_t	*id = json_object_get(sent, "req_id");
	const json_t	*got = json_object_get(j, "req_id");
	int		 ok;

	if (sent == NULL || (id != NULL && (!json_is_string(id) ||
	    json_string_length(id) == 0 || json_string_length(id) > 256)))
		ok = 1;
	else
		ok = id == NULL ? got == NULL : json_equal(id, got);
	json_decref(sent);
	return (ok);
}

static void
wrong(struct table *s, const char *why, const char *words, const char *line,
    const json_t *j)
{
	printf("%s; wanted: %s\n  %.300s\n  %s\n", why, words, line, show(j));
	fflush(stdout);
	s->wrong++;
}

static void
judge(struct table *s, const char *words, const char *line, json_t *j)
{
	const char	*why;
	char		*copy = xstrdup(words), *p = copy, *word;
	int		 fits = 0;

	while (!fits && (word = strsep(&p, " ")) != NULL)
		fits = word_fits(s, word, j);
	if (!fits)
		wrong(s, "another answer", words, line, j);
	else if (j != NULL && (why = misshapen(s, j)) != NULL)
		wrong(s, why, words, line, j);
	else if (j != NULL && !echoes(line, j))
		wrong(s, "another req_id", words, line, j);
	free(copy);
}

/* The member m, or NULL, has that value; or is not there if that is NULL. */
static void
one_case(struct table *s, const struct row *r, const struct member *m,
    const char *value, const char *words)
{
	struct conn	*c = s->subject;
	json_t		*j;
	char		*line;

	s->number++;
	if (strcmp(words, "other") == 0 && m->other != NULL)
		words = m->other;
	else if (strcmp(words, "=") == 0 || strcmp(words, "other") == 0)
		words = r->ok;
	step(s, r->before);
	if (strcmp(r->type, "register") == 0)
		c = client_open(s->t);
	line = make_line(s, r, m, value);
	say_text(c, line);
	j = answer_to(s, c, has_word(words, "none") ||
	    (has_word(words, "any") && has_word(r->ok, "none")));
	want(!c->eof, "closed after %.300s", line);
	judge(s, words, line, j);
	in_step(c);
	if ((j = first_answer(s, c)) != NULL)
		wrong(s, "one answer more", words, line, j);
	step(s, r->after);
	if (c == s->subject)
		drain(c);
	else
		conn_close(c);
	drain(s->other);
	free(line);
}

static void
try_member(struct table *s, const struct row *r, const struct member *m)
{
	const struct value	*v;
	const char		*words;
	char			*json;
	size_t			 i;

	if (m != &req_id)
		words = m->optional ? "=" : "bad_msg";
	else
		words = r->no_req_id != NULL ? r->no_req_id : "=";
	one_case(s, r, m, NULL, words);
	one_case(s, r, m, m->right, "=");
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type != m->type)
			one_case(s, r, m, types[i].json, "bad_msg");
	}
	for (v = m->values; v->json != NULL; v++) {
		json = value_text(v, m);
		one_case(s, r, m, json, v->want);
		free(json);
	}
}

static void
try_row(struct table *s, const struct row *r)
{
	size_t	i;

	one_case(s, r, NULL, NULL, "=");
	for (i = 0; i < MEMBERS && r->members[i].key != NULL; i++)
		try_member(s, r, &r->members[i]);
	try_member(s, r, &req_id);
}

/* The request of a connection that has not registered. */
static void
try_early(struct table *s, const struct row *r)
{
	const char	*words = r->early != NULL ? r->early : "not_registered";
	struct conn	*c = client_open(s->t);
	char		*line;
	json_t		*j;

	s->number++;
	line = make_line(s, r, NULL, NULL);
	say_text(c, line);
	j = answer_to(s, c, strcmp(words, "none") == 0);
	judge(s, words, line, j);
	in_step(c);
	conn_close(c);
	free(line);
}

/* Another session finds the hub as it was: no process of it has died. */
static void
try_all(const char *with)
{
	struct table	 s = { .t = tenv_new(), .features = with };
	struct conn	*watch;
	pid_t		 router, store;
	size_t		 i;

	hub_start(s.t);
	watch = client_new(s.t, "watch", FEATURES);
	s.other = client_new(s.t, "other", FEATURES);
	s.subject = client_new(s.t, "subject", with);
	router = hub_pid(s.t, "router");
	store = hub_pid(s.t, "store");
	for (i = 0; i < NROWS; i++)
		try_early(&s, &rows[i]);
	for (i = 0; i < NROWS; i++)
		try_row(&s, &rows[i]);
	printf("%u cases\n", s.number);
	want(s.wrong == 0, "%u of %u answers are wrong", s.wrong, s.number);
	want(router != 0 && hub_pid(s.t, "router") == router && store != 0 &&
	    hub_pid(s.t, "store") == store, "another hub than before");
	in_step(watch);
	drain(watch);
	send_text(watch, "other", "still there?", "delivered");
	is_str(hear(s.other, "incoming_message"), "text", "still there?");
	is_str(rpc(watch, "{s:s,s:s}", "type", "join_room", "room", "last"),
	    "type", "room_ack");
	is_str(rpc(watch, "{s:s,s:s,s:[]}", "type", "group_create", "name",
	    "last", "members"), "type", "group_created");
	hub_serves(s.t);
	tenv_end(s.t);
}

START_TEST(with_features)
{
	try_all(FEATURES);
}
END_TEST

START_TEST(without)
{
	try_all(NULL);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("table");

	(void)argc;
	test_add(s, with_features, 120);
	test_add(s, without, 120);
	return (test_main(argv[0], s));
}
