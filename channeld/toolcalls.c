/* SPDX-License-Identifier: ISC */
/*
 * What each tool does: a request to the hub, and its answer as the result.
 */
#include "compat.h"

#include <stdio.h>

#include "hubclient.h"
#include "mcp.h"
#include "members.h"
#include "push.h"
#include "recent.h"
#include "channel.h"
#include "timeutil.h"
#include "toolcalls.h"
#include "tools.h"
#include "waiting.h"

typedef void	answer_fn(struct hubclient *, json_t *, void *);

static json_t	*request(const char *, const json_t *, const char *);
static void	add_id(json_t *, const char *, const char *);
static void	to_hub(struct channel *, struct mcp_call *, json_t *,
		    answer_fn *);
static int	lacks(struct channel *, struct mcp_call *, const char *);
static int	is_refusal(const json_t *);
static int	refused(struct mcp_call *, json_t *);
static void	pass_on(struct mcp_call *, json_t *, json_t *, const char *);
static json_t	*result_ok(void);
static const char *arg_str(const struct mcp_call *, const char *);
static void	seen(struct channel *, const char *);
static void	ask_is_closed(struct channel *, const char *);
static void	note_messages(struct channel *, const json_t *);
static void	take_waiting(struct channel *, json_t *, enum waiting_kind,
		    const char *);
static answer_fn peers_done, send_done, inbox_done, reply_done, ask_done,
		    broadcast_done, rename_done, status_done, sessions_done;

/* What the tools share. */

/* A message of that type with those of the arguments that were given. */
static json_t *
request(const char *type, const json_t *args, const char *keys)
{
	json_t *msg = json_pack("{s:s}", "type", type);

	members_copy(msg, args, keys);
	return msg;
}

static void
add_id(json_t *msg, const char *key, const char *prefix)
{
	char id[UUID_SIZE + 2], uuid[UUID_SIZE];

	uuid_v7(uuid);
	snprintf(id, sizeof(id), "%s%s", prefix, uuid);
	json_object_set_new(msg, key, json_string(id));
}

/* Sends a request for a call; steals it.  done gets the call. */
static void
to_hub(struct channel *s, struct mcp_call *call, json_t *msg, answer_fn *done)
{
	if (s->hub != NULL)
		hubclient_request(s->hub, msg, done, call);
	else {
		json_decref(msg);
		done(NULL, NULL, call);
	}
}

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

/* No answer, or an err. */
static int
is_refusal(const json_t *answer)
{
	const char *type;

	type = json_string_value(json_object_get(answer, "type"));
	return type == NULL || strcmp(type, "err") == 0;
}

/*
 * Fails the call and returns 1 if the hub did not do what was asked.  Then
 * the call is not there any more.
 */
static int
refused(struct mcp_call *call, json_t *answer)
{
	struct channel *s = call->arg;
	const char *code, *text;

	if (!is_refusal(answer))
		return 0;
	if (answer == NULL) {
		tool_fail(call, ERR_HUB_UNREACHABLE,
		    s->hub != NULL ? hubclient_trouble(s->hub) : NULL);
		return 1;
	}
	code = json_string_value(json_object_get(answer, "code"));
	text = json_string_value(json_object_get(answer, "message"));
	if (code == NULL)
		code = "";
	if (s->failed != NULL && strcmp(s->failed, "name_taken") == 0)
		text = "This session has no name yet, since all it tried are "
		    "taken: give it one with relay_rename";
	tool_fail(call, err_of(slice_of(code)),
	    text != NULL && strcmp(text, code) != 0 ? text : NULL);
	return 1;
}

/*
 * Ends the call with the result, to which those members of the answer are
 * added; or fails it, see refused().  Steals the result.
 */
static void
pass_on(struct mcp_call *call, json_t *answer, json_t *result,
    const char *keys)
{
	if (refused(call, answer)) {
		json_decref(result);
		return;
	}
	members_copy(result, answer, keys);
	tool_done(call, result);
}

static json_t *
result_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static const char *
arg_str(const struct mcp_call *call, const char *key)
{
	return json_string_value(json_object_get(call->args, key));
}

/*
 * The model answers a message.  Said before the answer is sent, so that the
 * result does not count it as unread, and after it if there was no hub.
 */
static void
seen(struct channel *s, const char *msg_id)
{
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
}

/* relay_peers */

void
tool_peers(struct channel *s, struct mcp_call *call)
{
	to_hub(s, call, request("list_peers", NULL, ""), peers_done);
}

static void
peers_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;

	(void)hc;
	pass_on(call, answer, json_pack("{s:s}", "me",
	    channel_name(call->arg)), "peers");
}

/* relay_send */

void
tool_send(struct channel *s, struct mcp_call *call)
{
	const char *reply_to = arg_str(call, "reply_to");
	json_t *msg = request("send", call->args,
	    "to text reply_to urgent kind");

	add_id(msg, "msg_id", "m-");
	if (reply_to != NULL)
		seen(s, reply_to);
	to_hub(s, call, msg, send_done);
}

/* Of relay_reply, too, when that is a send. */
static void
send_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	const char *reply_to = arg_str(call, "reply_to");
	json_t *result;

	(void)hc;
	if (refused(call, answer))
		return;
	if (reply_to != NULL) {
		seen(call->arg, reply_to);
		ask_is_closed(call->arg, reply_to);
	}
	result = result_ok();
	members_copy(result, answer, "msg_id status to");
	tool_done(call, result);
}

/* relay_inbox */

void
tool_inbox(struct channel *s, struct mcp_call *call)
{
	to_hub(s, call, request("inbox", call->args,
	    "limit since_id recent query"), inbox_done);
}

static void
inbox_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	json_t *result;

	(void)hc;
	if (refused(call, answer))
		return;
	result = json_object();
	members_copy(result, answer, "messages remaining dropped");
	note_messages(s, json_object_get(answer, "messages"));
	/* nobody waits for the result: keep what is nowhere else */
	if (!call->cancelled) {
		take_waiting(s, result, WAITING_ASKS, "asks");
		take_waiting(s, result, WAITING_REPLIES, "replies");
	}
	tool_done(call, result);
}

static void
note_messages(struct channel *s, const json_t *messages)
{
	const char *id, *from;
	json_t *msg;
	size_t i;

	json_array_foreach(messages, i, msg) {
		id = json_string_value(json_object_get(msg, "msg_id"));
		from = json_string_value(json_object_get(msg, "from"));
		if (id != NULL && from != NULL)
			recent_put(s->messages, id, from);
	}
}

static void
take_waiting(struct channel *s, json_t *result, enum waiting_kind kind,
    const char *key)
{
	json_t *list = waiting_take(s->waiting, kind);

	if (list != NULL)
		json_object_set_new(result, key, list);
}

/* relay_reply */

void
tool_reply(struct channel *s, struct mcp_call *call)
{
	const char *id = arg_str(call, "ask_id"), *from;
	json_t *msg;

	from = recent_get(s->messages, id);
	if (recent_get(s->asks, id) != NULL ||
	    (from == NULL && strncmp(id, "m-", 2) != 0)) {
		to_hub(s, call, request("reply", call->args, "ask_id text"),
		    reply_done);
		return;
	}
	if (from == NULL) {
		tool_fail(call, ERR_UNKNOWN_ASK,
		    "No message with that msg_id has come lately");
		return;
	}
	json_object_set_new(call->args, "reply_to", json_string(id));
	msg = request("send", call->args, "text reply_to");
	json_object_set_new(msg, "to", json_string(from));
	json_object_set_new(msg, "kind", json_string("response"));
	add_id(msg, "msg_id", "m-");
	seen(s, id);
	to_hub(s, call, msg, send_done);
}

static void
reply_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	const char *id = arg_str(call, "ask_id"), *code, *from;
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
	if (refused(call, answer))
		return;
	ask_is_closed(s, id);
	tool_done(call, result_ok());
}

/* relay_ask */

void
tool_ask(struct channel *s, struct mcp_call *call)
{
	json_t *msg, *timeout = json_object_get(call->args, "timeout_s");

	if (lacks(s, call, "ask"))
		return;
	msg = request("ask", call->args, "to question thread_id");
	if (timeout != NULL)
		json_object_set_new(msg, "timeout_ms", json_integer(
		    json_integer_value(timeout) * 1000));
	add_id(msg, "ask_id", "k-");
	json_object_set(call->args, "ask_id", json_object_get(msg, "ask_id"));
	/* before it is sent: its end may come before it is acknowledged */
	recent_put(s->own_asks, arg_str(call, "ask_id"), arg_str(call, "to"));
	to_hub(s, call, msg, ask_done);
}

static void
ask_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	const char *id = arg_str(call, "ask_id");
	json_t *result;

	(void)hc;
	if (is_refusal(answer))
		recent_remove(s->own_asks, id);
	if (refused(call, answer))
		return;
	/* from now on it is lost with the hub */
	recent_mark(s->own_asks, id);
	result = result_ok();
	members_copy(result, call->args, "ask_id");
	tool_done(call, result);
}

/* relay_broadcast */

void
tool_broadcast(struct channel *s, struct mcp_call *call)
{
	json_t *msg = request("broadcast", call->args,
	    "question exclude_self");

	add_id(msg, "broadcast_id", "b-");
	to_hub(s, call, msg, broadcast_done);
}

static void
broadcast_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	pass_on(arg, answer, result_ok(), "broadcast_id peer_count");
}

/* relay_rename */

void
tool_rename(struct channel *s, struct mcp_call *call)
{
	/* without a name it is not registered, and registers by this */
	if (s->failed != NULL) {
		s->failed = NULL;
		hubclient_set_name(s->hub, arg_str(call, "new_name"));
	}
	to_hub(s, call, request("rename", call->args, "new_name"),
	    rename_done);
}

static void
rename_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;

	(void)hc;
	pass_on(call, answer, json_pack("{s:b,s:s}", "ok", 1, "name",
	    channel_name(call->arg)), "");
}

/* relay_status */

void
tool_status(struct channel *s, struct mcp_call *call)
{
	if (lacks(s, call, "receipts"))
		return;
	to_hub(s, call, request("status", call->args, "msg_id"), status_done);
}

static void
status_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	json_t *result, *asks;

	if (refused(call, answer))
		return;
	result = result_ok();
	if (arg_str(call, "msg_id") != NULL) {
		members_copy(result, answer, "msg_id to state ts");
		tool_done(call, result);
		return;
	}
	json_object_set_new(result, "me", json_string(hubclient_name(hc)));
	members_copy(result, answer, "hub");
	json_object_set_new(result, "unread", json_integer(channel_unread(s)));
	json_object_set_new(result, "push", json_string(s->route != NULL ?
	    s->route->name : "none"));
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
	to_hub(s, call, request("sessions", NULL, ""), sessions_done);
}

static void
sessions_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	pass_on(arg, answer, json_object(), "sessions");
}
