/* SPDX-License-Identifier: ISC */
/*
 * What the tools do that are about sessions and their mail: a request to the
 * hub, and its answer as the result.
 */
#include "compat.h"

#include <stdio.h>

#include "hubcall.h"
#include "hubclient.h"
#include "mcp.h"
#include "members.h"
#include "push.h"
#include "pushqueue.h"
#include "recent.h"
#include "channel.h"
#include "toolcalls.h"
#include "tools.h"
#include "waiting.h"

static int	lacks(struct channel *, struct mcp_call *, const char *);
static void	seen(struct channel *, const char *);
static void	ask_is_closed(struct channel *, const char *);
static void	note_messages(struct channel *, const json_t *, int);
static void	take_waiting(struct channel *, json_t *);
static hubcall_fn peers_done, send_done, inbox_done, reply_done, ask_done,
		    broadcast_done, rename_done, status_done, sessions_done;

/* Fails the call if the hub is known not to understand the request. */
static int
lacks(struct channel *s, struct mcp_call *call, const char *feature)
{
	if (s->hub == NULL || !hubclient_is_up(s->hub) ||
	    hubclient_has(s->hub, feature) ||
	    hubclient_has(s->hub, "receipts"))
		return 0;
	tool_fail(call, ERR_UNEXPECTED,
	    "The hub that runs is another program, which cannot do this");
	return 1;
}

/*
 * The model answers a message.  Said before the answer is sent, so that the
 * result does not count it as unread, and after it if there was no hub.
 */
static void
seen(struct channel *s, const char *msg_id)
{
	pushqueue_forget(s->queue, "messages", msg_id);
	if (s->hub == NULL || !hubclient_is_up(s->hub) ||
	    recent_get(s->messages, msg_id) == NULL ||
	    recent_marked(s->messages, msg_id))
		return;
	recent_mark(s->messages, msg_id);
	hubclient_tell(s->hub, json_pack("{s:s,s:[s]}", "type", "seen",
	    "msg_id", msg_id));
}

static void
ask_is_closed(struct channel *s, const char *ask_id)
{
	recent_remove(s->asks, ask_id);
	waiting_remove(s->waiting, WAITING_ASKS, ask_id);
	pushqueue_forget(s->queue, "asks", ask_id);
}

/* relay_peers */

void
tool_peers(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("list_peers", NULL, ""), peers_done);
}

static void
peers_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;

	(void)hc;
	hubcall_pass_on(call, answer, json_pack("{s:s}", "me",
	    channel_name(call->arg)), "peers");
}

/* relay_send */

void
tool_send(struct channel *s, struct mcp_call *call)
{
	const char *reply_to = hubcall_arg(call, "reply_to");
	json_t *msg = hubcall_new("send", call->args,
	    "to text reply_to urgent kind");

	hubcall_add_id(msg, "msg_id", "m-");
	if (reply_to != NULL)
		seen(s, reply_to);
	hubcall_send(s, call, msg, send_done);
}

/* Of relay_reply, too, when that is a send. */
static void
send_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	const char *reply_to = hubcall_arg(call, "reply_to");
	json_t *result;

	(void)hc;
	if (hubcall_refused(call, answer))
		return;
	if (reply_to != NULL) {
		seen(call->arg, reply_to);
		ask_is_closed(call->arg, reply_to);
	}
	result = hubcall_ok();
	members_copy(result, answer, "msg_id status to");
	tool_done(call, result);
}

/* relay_inbox */

void
tool_inbox(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("inbox", call->args,
	    "limit since_id recent query"), inbox_done);
}

static void
inbox_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	json_t *result;
	int read;

	(void)hc;
	if (hubcall_refused(call, answer))
		return;
	result = json_object();
	members_copy(result, answer, "messages remaining dropped");
	/* nobody waits for the result, or for these: keep them */
	read = !call->cancelled && hubcall_arg(call, "query") == NULL;
	note_messages(s, json_object_get(answer, "messages"), read);
	if (read)
		take_waiting(s, result);
	tool_done(call, result);
}

static void
note_messages(struct channel *s, const json_t *messages, int read)
{
	const char *id, *from;
	json_t *msg;
	size_t i;

	json_array_foreach(messages, i, msg) {
		id = json_string_value(json_object_get(msg, "msg_id"));
		from = json_string_value(json_object_get(msg, "from"));
		/* a search finds those of groups, too: no mail to answer */
		if (id != NULL && from != NULL &&
		    json_object_get(msg, "group") == NULL)
			recent_put(s->messages, id, from);
		if (id != NULL && read)
			pushqueue_forget(s->queue, "messages", id);
	}
}

static void
take_waiting(struct channel *s, json_t *result)
{
	static const char *const keys[WAITING_KINDS] = {
		[WAITING_ASKS] = "asks",
		[WAITING_REPLIES] = "replies",
		[WAITING_ROOM_MSGS] = "room_messages",
	};
	json_int_t dropped;
	json_t *list, *one;
	const char *id;
	size_t n;
	int i;

	for (i = 0; i < WAITING_KINDS; i++) {
		if ((list = waiting_take(s->waiting, i)) == NULL)
			continue;
		json_object_set_new(result, keys[i], list);
		json_array_foreach(list, n, one) {
			id = json_string_value(json_object_get(one,
			    i == WAITING_ROOM_MSGS ? "msg_id" : "ask_id"));
			if (id != NULL)
				pushqueue_forget(s->queue, keys[i], id);
		}
	}
	dropped = (json_int_t)waiting_dropped(s->waiting);
	if (dropped == 0)
		return;
	dropped += json_integer_value(json_object_get(result, "dropped"));
	json_object_set_new(result, "dropped", json_integer(dropped));
}

/* relay_reply */

void
tool_reply(struct channel *s, struct mcp_call *call)
{
	const char *id = hubcall_arg(call, "ask_id"), *from;
	json_t *msg;

	from = recent_get(s->messages, id);
	if (recent_get(s->asks, id) != NULL ||
	    (from == NULL && strncmp(id, "m-", 2) != 0)) {
		hubcall_send(s, call, hubcall_new("reply", call->args,
		    "ask_id text"), reply_done);
		return;
	}
	if (from == NULL) {
		tool_fail(call, ERR_UNKNOWN_ASK,
		    "No mail with that msg_id has come lately; to answer in a "
		    "room or group use relay_room or relay_group_send");
		return;
	}
	json_object_set_new(call->args, "reply_to", json_string(id));
	msg = hubcall_new("send", call->args, "text reply_to");
	json_object_set_new(msg, "to", json_string(from));
	json_object_set_new(msg, "kind", json_string("response"));
	hubcall_add_id(msg, "msg_id", "m-");
	seen(s, id);
	hubcall_send(s, call, msg, send_done);
}

static void
reply_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	const char *id = hubcall_arg(call, "ask_id"), *code, *from;
	char what[TARGET_SIZE + 32];

	(void)hc;
	code = json_string_value(json_object_get(answer, "code"));
	from = recent_get(s->asks, id);
	if (code != NULL && strcmp(code, "unknown_ask") == 0 && from != NULL) {
		snprintf(what, sizeof(what), "The ask of %s has ended", from);
		ask_is_closed(s, id);
		tool_fail(call, ERR_UNKNOWN_ASK, what);
		return;
	}
	if (hubcall_refused(call, answer))
		return;
	ask_is_closed(s, id);
	tool_done(call, hubcall_ok());
}

/* relay_ask */

void
tool_ask(struct channel *s, struct mcp_call *call)
{
	json_t *msg, *timeout = json_object_get(call->args, "timeout_s");

	if (lacks(s, call, "ask"))
		return;
	msg = hubcall_new("ask", call->args, "to question thread_id");
	if (timeout != NULL)
		json_object_set_new(msg, "timeout_ms", json_integer(
		    json_integer_value(timeout) * 1000));
	hubcall_add_id(msg, "ask_id", "k-");
	json_object_set(call->args, "ask_id", json_object_get(msg, "ask_id"));
	/* before it is sent: its end may come before it is acknowledged */
	recent_put(s->own_asks, hubcall_arg(call, "ask_id"),
	    hubcall_arg(call, "to"));
	hubcall_send(s, call, msg, ask_done);
}

static void
ask_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	const char *id = hubcall_arg(call, "ask_id");
	json_t *result;

	(void)hc;
	if (hubcall_is_refusal(answer))
		recent_remove(s->own_asks, id);
	if (hubcall_refused(call, answer))
		return;
	/* from now on it is lost with the hub */
	recent_mark(s->own_asks, id);
	result = hubcall_ok();
	members_copy(result, call->args, "ask_id");
	tool_done(call, result);
}

/* relay_broadcast */

void
tool_broadcast(struct channel *s, struct mcp_call *call)
{
	json_t *msg = hubcall_new("broadcast", call->args,
	    "question exclude_self");

	hubcall_add_id(msg, "broadcast_id", "b-");
	hubcall_send(s, call, msg, broadcast_done);
}

static void
broadcast_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(), "broadcast_id peer_count");
}

/* relay_rename */

void
tool_rename(struct channel *s, struct mcp_call *call)
{
	/* without a name it is not registered, and registers by this */
	if (s->failed != NULL) {
		s->failed = NULL;
		hubclient_set_name(s->hub, hubcall_arg(call, "new_name"));
	}
	hubcall_send(s, call, hubcall_new("rename", call->args, "new_name"),
	    rename_done);
}

static void
rename_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;

	(void)hc;
	hubcall_pass_on(call, answer, json_pack("{s:b,s:s}", "ok", 1, "name",
	    channel_name(call->arg)), "");
}

/* relay_status */

void
tool_status(struct channel *s, struct mcp_call *call)
{
	if (lacks(s, call, "receipts"))
		return;
	hubcall_send(s, call, hubcall_new("status", call->args, "msg_id"),
	    status_done);
}

static void
status_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	json_t *result, *asks;

	if (hubcall_refused(call, answer))
		return;
	result = hubcall_ok();
	if (hubcall_arg(call, "msg_id") != NULL) {
		members_copy(result, answer, "msg_id to state ts");
		tool_done(call, result);
		return;
	}
	json_object_set_new(result, "me", json_string(hubclient_name(hc)));
	members_copy(result, answer, "hub");
	json_object_set_new(result, "unread", json_integer(channel_unread(s)));
	json_object_set_new(result, "push", push_state(s));
	asks = recent_list(s->asks, "from", 0);
	if (json_array_size(asks) > 0)
		json_object_set(result, "asks", asks);
	json_decref(asks);
	tool_done(call, result);
}

/* relay_sessions */

void
tool_sessions(struct channel *s, struct mcp_call *call)
{
	if (lacks(s, call, "sessions"))
		return;
	hubcall_send(s, call, hubcall_new("sessions", NULL, ""), sessions_done);
}

static void
sessions_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, json_object(), "sessions");
}
