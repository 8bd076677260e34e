/* SPDX-License-Identifier: ISC */
/*
 * Requests of sessions: the table of protocol.md section 1, checked before a
 * handler sees them.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "errcode.h"
#include "json.h"
#include "names.h"

struct hub;
struct router;
struct session;

/* Members of all requests, and of the lines of other hubs (linkline.c). */
enum member {
	M_TYPE,
	M_REQ_ID,
	M_ACTION,
	M_ASK_ID,
	M_BROADCAST_ID,
	M_CODE,
	M_CWD,
	M_EXCLUDE_SELF,
	M_FEATURES,
	M_FROM,
	M_GIT_BRANCH,
	M_GROUP,
	M_HOST,
	M_KIND,
	M_LAST_ID,
	M_LAST_SEEN,
	M_LIMIT,
	M_MAX_BYTES,
	M_MEMBERS,
	M_MESSAGE,
	M_MSG_ID,
	M_NAME,
	M_NEW_NAME,
	M_PEER,
	M_PEERS,
	M_PID,
	M_PROTOCOL_VERSION,
	M_QUERY,
	M_QUESTION,
	M_REASON,
	M_RECENT,
	M_REPLY_TO,
	M_ROOM,
	M_SEQ,
	M_SERIAL,
	M_SINCE_ID,
	M_STARTED,
	M_STATE,
	M_STATUS,
	M_TARGET_PEER,
	M_TEXT,
	M_THREAD_ID,
	M_TIMEOUT_MS,
	M_TO,
	M_TS,
	M_URGENT,
	M_WRAPPED,
	MEMBERS
};

/* A request whose members are all there, of their types and in range. */
struct request {
	struct json_value	 v[MEMBERS];
	struct slice		 req_id;	/* p NULL: there is none */
};

/* What a member must be. */
enum rule_type {
	RULE_STRING,		/* min to max UTF-16 units */
	RULE_NAME,		/* the same without white space at the ends */
	RULE_TARGET,		/* a name, or name@hub; each of max units */
	RULE_INTEGER,		/* min to max */
	RULE_BOOLEAN,
	RULE_STRINGS,		/* a list of at most 1000 of max units */
	RULE_OBJECT,
	RULE_ARRAY
};

struct rule {
	enum member	 member;
	enum rule_type	 type;
	int		 required;
	int64_t		 min, max;
};

#define RULE_TEXT_SIZE	96
#define RULES(r)	(r), sizeof(r) / sizeof((r)[0])
#define JSON_INT_MAX	INT64_C(9007199254740991)	/* 2^53 - 1 */

/* Whom a request names. */
struct target {
	char		 name[TARGET_SIZE];	/* name, or name@hub */
	struct hub	*hub;		/* NULL: a session of this hub */
	int		 guessed;	/* it was a bare name */
};

void	request_init(void);
void	request_done(void);
/* Scans a line; -1 if it is not a JSON object. */
int	request_scan(struct request *, const char *, size_t);
/*
 * What is wrong with it, as a text in dst[RULE_TEXT_SIZE], or NULL.
 * too_large is 1 if it is the text of a message that is too long.
 */
const char	*request_check(const struct request *, const struct rule *,
		    size_t, char *dst, int *too_large);
/* One line of a session; answers what is wrong with it. */
void	request_line(struct session *, const char *, size_t);

/* For handlers: the value is there; a string as it came; true. */
int		request_has(const struct request *, enum member);
struct slice	request_raw(const struct request *, enum member);
int		request_true(const struct request *, enum member);
/* A number; or fallback if it is not there. */
int64_t		request_int(const struct request *, enum member,
		    int64_t fallback);
/* A name, trimmed; -1 if it is not one. */
int		request_name(const struct request *, enum member,
		    char *dst, size_t size);
/*
 * The session that a text means, which is changed: name, name@hub or hub:name
 * (protocol.md section 4).  If it is none, what is wrong is appended to why.
 */
enum errcode	target_find(const struct router *, char *text,
		    struct target *, struct wbuf *why);
/* The session that is meant; -1 if it is none: that has been answered. */
int		request_target(struct session *, const struct request *,
		    enum member, struct target *);
/* An id of a message; -1 if it is not one. */
int		request_msg_id(const struct json_value *,
		    char dst[MSG_ID_SIZE]);
/* err with a message. */
void		request_fail(struct session *, const struct request *,
		    enum errcode, const char *message);

#endif
