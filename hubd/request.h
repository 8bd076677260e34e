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

struct session;

/* Members of all requests. */
enum member {
	M_TYPE,
	M_REQ_ID,
	M_ASK_ID,
	M_BROADCAST_ID,
	M_CWD,
	M_EXCLUDE_SELF,
	M_FEATURES,
	M_GIT_BRANCH,
	M_GROUP,
	M_HOST,
	M_KIND,
	M_LIMIT,
	M_MEMBERS,
	M_MSG_ID,
	M_NAME,
	M_NEW_NAME,
	M_PEER,
	M_PID,
	M_PROTOCOL_VERSION,
	M_QUERY,
	M_QUESTION,
	M_REASON,
	M_RECENT,
	M_REPLY_TO,
	M_ROOM,
	M_SINCE_ID,
	M_STARTED,
	M_STATUS,
	M_TEXT,
	M_THREAD_ID,
	M_TIMEOUT_MS,
	M_TO,
	M_URGENT,
	MEMBERS
};

/* A request whose members are all there, of their types and in range. */
struct request {
	struct json_value	 v[MEMBERS];
	struct slice		 req_id;	/* p NULL: there is none */
};

void	request_init(void);
void	request_done(void);
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
 * The name of a session of this hub, in whatever form it is written.  -1 if it
 * is none; that has been answered.
 */
int		request_target(struct session *, const struct request *,
		    enum member, char dst[NAME_SIZE]);
/* An id of a message; -1 if it is not one. */
int		request_msg_id(const struct json_value *,
		    char dst[MSG_ID_SIZE]);
/* err with a message. */
void		request_fail(struct session *, const struct request *,
		    enum errcode, const char *message);

#endif
