/* SPDX-License-Identifier: ISC */
/*
 * The MCP server's protocol (modelcontextprotocol.io, versions 2024-11-05 to
 * 2025-11-25, stdio): requests in, answers and notifications out.
 */
#include "compat.h"

#include <stdlib.h>

#include "log.h"
#include "mcp.h"
#include "version.h"

#define STRUCTURED_SINCE	"2025-06-18"

enum rpc_error {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602
};

TAILQ_HEAD(mcp_calls, mcp_call);

struct mcp {
	struct mcp_ops	 ops;
	void		*arg;
	const char	*instructions;
	int		 structured;
	struct mcp_calls calls;
	size_t		 running;
};

struct method {
	const char	*name;
	/* id is NULL in a notification; params is an object or NULL */
	void		(*run)(struct mcp *, json_t *id, json_t *params);
};

static void	do_initialize(struct mcp *, json_t *, json_t *);
static void	do_ping(struct mcp *, json_t *, json_t *);
static void	do_tools_list(struct mcp *, json_t *, json_t *);
static void	do_tools_call(struct mcp *, json_t *, json_t *);
static void	do_set_level(struct mcp *, json_t *, json_t *);
static void	do_cancelled(struct mcp *, json_t *, json_t *);
static json_t	*parse(char *, size_t);
static void	dispatch(struct mcp *, json_t *);
static const struct method *find_method(const struct method *, const char *);
static int	valid_id(const json_t *);
static const char *negotiate(const char *);
static void	send_message(struct mcp *, json_t *);
static void	answer(struct mcp *, json_t *, json_t *);
static void	refuse(struct mcp *, json_t *, enum rpc_error, const char *);
static void	call_free(struct mcp_call *);
static size_t	repair_escape(char *, size_t, size_t *);
static int	escape_value(const char *, size_t);

static const struct method requests[] = {
	{ "initialize", do_initialize },
	{ "ping", do_ping },
	{ "tools/list", do_tools_list },
	{ "tools/call", do_tools_call },
	{ "logging/setLevel", do_set_level },
	{ NULL, NULL }
};

static const struct method notifications[] = {
	{ "notifications/cancelled", do_cancelled },
	{ NULL, NULL }
};

/* Newest last. */
static const char *const versions[] = {
	"2024-11-05", "2025-03-26", STRUCTURED_SINCE, "2025-11-25"
};
#define NVERSIONS	(sizeof(versions) / sizeof(versions[0]))

static const char *const levels[] = {
	"debug", "info", "notice", "warning", "error", "critical", "alert",
	"emergency"
};
#define NLEVELS		(sizeof(levels) / sizeof(levels[0]))

struct mcp *
mcp_new(const struct mcp_ops *ops, const char *instructions, void *arg)
{
	struct mcp *m = xcalloc(1, sizeof(*m));

	m->ops = *ops;
	m->arg = arg;
	m->instructions = instructions;
	TAILQ_INIT(&m->calls);
	return m;
}

void
mcp_free(struct mcp *m)
{
	struct mcp_call *call;

	if (m == NULL)
		return;
	while ((call = TAILQ_FIRST(&m->calls)) != NULL) {
		TAILQ_REMOVE(&m->calls, call, entry);
		call_free(call);
	}
	free(m);
}

size_t
mcp_running(const struct mcp *m)
{
	return m->running;
}

void
mcp_line(struct mcp *m, char *line, size_t len)
{
	json_t *msg = parse(line, len);

	if (msg == NULL)
		refuse(m, NULL, RPC_PARSE_ERROR, "Parse error");
	else if (!json_is_object(msg))
		refuse(m, NULL, RPC_INVALID_REQUEST, json_is_array(msg) ?
		    "Invalid Request: batches are not supported" :
		    "Invalid Request");
	else
		dispatch(m, msg);
	json_decref(msg);
}

void
mcp_overlong(struct mcp *m)
{
	refuse(m, NULL, RPC_INVALID_REQUEST, "Invalid Request: line too long");
}

/*
 * Hosts written in JavaScript send lone surrogates and \u0000, which jansson
 * does not take.  They are mended, so that the host gets its answer.
 */
static json_t *
parse(char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, JSON_DECODE_ANY, NULL);

	if (msg == NULL && mcp_repair(line, len) > 0)
		msg = json_loadb(line, len, JSON_DECODE_ANY, NULL);
	return msg;
}

static int
valid_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id);
}

static const struct method *
find_method(const struct method *table, const char *name)
{
	for (; table->name != NULL; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static void
dispatch(struct mcp *m, json_t *msg)
{
	json_t *id = json_object_get(msg, "id");
	json_t *params = json_object_get(msg, "params");
	const char *name, *version;
	const struct method *method;

	version = json_string_value(json_object_get(msg, "jsonrpc"));
	name = json_string_value(json_object_get(msg, "method"));
	if (name == NULL && json_object_get(msg, "method") == NULL &&
	    (json_object_get(msg, "result") != NULL ||
	    json_object_get(msg, "error") != NULL))
		return;		/* an answer, though nothing was asked */
	if (version == NULL || strcmp(version, "2.0") != 0 || name == NULL ||
	    (id != NULL && !valid_id(id))) {
		refuse(m, valid_id(id) ? id : NULL, RPC_INVALID_REQUEST,
		    "Invalid Request");
		return;
	}
	method = find_method(id != NULL ? requests : notifications, name);
	if (json_is_null(params))
		params = NULL;
	if (method == NULL) {
		if (id != NULL)
			refuse(m, id, RPC_METHOD_NOT_FOUND,
			    "Method not found");
	} else if (params == NULL || json_is_object(params))
		method->run(m, id, params);
	else if (id != NULL)
		refuse(m, id, RPC_INVALID_PARAMS,
		    "Invalid params: not an object");
}

/* A version we know, or the newest of ours. */
static const char *
negotiate(const char *wanted)
{
	size_t i;

	for (i = 0; i < NVERSIONS; i++) {
		if (strcmp(versions[i], wanted) == 0)
			return versions[i];
	}
	return versions[NVERSIONS - 1];
}

static void
do_initialize(struct mcp *m, json_t *id, json_t *params)
{
	json_t *client = json_object_get(params, "clientInfo");
	const char *wanted, *version, *name, *title;

	wanted = json_string_value(json_object_get(params, "protocolVersion"));
	if (wanted == NULL) {
		refuse(m, id, RPC_INVALID_PARAMS,
		    "Invalid params: protocolVersion must be a string");
		return;
	}
	version = negotiate(wanted);
	m->structured = strcmp(version, STRUCTURED_SINCE) >= 0;
	answer(m, id, json_pack("{s:s,s:{s:{},s:{},s:{s:{}}},s:{s:s,s:s},s:s}",
	    "protocolVersion", version,
	    "capabilities", "tools", "logging", "experimental",
	    "claude/channel",
	    "serverInfo", "name", "ecorelay", "version", ecorelay_version,
	    "instructions", m->instructions));
	name = json_string_value(json_object_get(client, "name"));
	title = json_string_value(json_object_get(client, "title"));
	m->ops.initialized(name != NULL ? name : "",
	    title != NULL ? title : "", m->arg);
}

static void
do_ping(struct mcp *m, json_t *id, json_t *params)
{
	(void)params;
	answer(m, id, json_object());
}

static void
do_set_level(struct mcp *m, json_t *id, json_t *params)
{
	const char *level;
	size_t i;

	/* nothing is logged to the host; the log file has its own level */
	level = json_string_value(json_object_get(params, "level"));
	for (i = 0; level != NULL && i < NLEVELS; i++) {
		if (strcmp(levels[i], level) == 0) {
			answer(m, id, json_object());
			return;
		}
	}
	refuse(m, id, RPC_INVALID_PARAMS, "Invalid params: unknown level");
}

static void
do_tools_list(struct mcp *m, json_t *id, json_t *params)
{
	(void)params;
	answer(m, id, json_pack("{s:o}", "tools",
	    m->ops.list(m->structured, m->arg)));
}

static void
do_tools_call(struct mcp *m, json_t *id, json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	json_t *args = json_object_get(params, "arguments");
	struct mcp_call *call;

	if (name == NULL) {
		refuse(m, id, RPC_INVALID_PARAMS,
		    "Invalid params: name must be a string");
		return;
	}
	call = xcalloc(1, sizeof(*call));
	call->mcp = m;
	call->id = json_incref(id);
	call->args = args == NULL || json_is_null(args) ? json_object() :
	    json_incref(args);
	call->meta = json_incref(json_object_get(params, "_meta"));
	call->arg = m->arg;
	TAILQ_INSERT_TAIL(&m->calls, call, entry);
	m->running++;
	if (m->ops.call(call, name, m->arg) == -1) {
		TAILQ_REMOVE(&m->calls, call, entry);
		m->running--;
		call_free(call);
		refuse(m, id, RPC_INVALID_PARAMS, "Unknown tool");
	}
}

/* Hosts also send it for calls that they have the answer of. */
static void
do_cancelled(struct mcp *m, json_t *id, json_t *params)
{
	json_t *which = json_object_get(params, "requestId");
	struct mcp_call *call;

	(void)id;
	TAILQ_FOREACH(call, &m->calls, entry) {
		if (json_equal(call->id, which))
			call->cancelled = 1;
	}
}

void
mcp_finish(struct mcp_call *call, json_t *result, int failed)
{
	struct mcp *m = call->mcp;
	json_t *out;
	char *text;

	/* whoever writes the answer may look how many are left */
	TAILQ_REMOVE(&m->calls, call, entry);
	m->running--;
	if (!call->cancelled) {
		text = json_dumps(result, JSON_COMPACT);
		out = json_pack("{s:[{s:s,s:s}]}", "content", "type", "text",
		    "text", text);
		if (failed)
			json_object_set_new(out, "isError", json_true());
		else if (m->structured)
			json_object_set(out, "structuredContent", result);
		answer(m, call->id, out);
		free(text);
	}
	json_decref(result);
	call_free(call);
}

static void
call_free(struct mcp_call *call)
{
	json_decref(call->id);
	json_decref(call->args);
	json_decref(call->meta);
	free(call);
}

void
mcp_notify(struct mcp *m, const char *method, json_t *params)
{
	send_message(m, json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0",
	    "method", method, "params", params));
}

static void
answer(struct mcp *m, json_t *id, json_t *result)
{
	send_message(m, json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id,
	    "result", result));
}

/* id is NULL where it could not be read. */
static void
refuse(struct mcp *m, json_t *id, enum rpc_error code, const char *text)
{
	log_debug("refused a request of the host: %s", text);
	send_message(m, json_pack("{s:s,s:O?,s:{s:i,s:s}}", "jsonrpc", "2.0",
	    "id", id, "error", "code", (int)code, "message", text));
}

static void
send_message(struct mcp *m, json_t *msg)
{
	char *s = json_dumps(msg, JSON_COMPACT);
	size_t len;

	if (s == NULL)
		fatalx("mcp: a message that is no JSON");
	/* the terminating zero makes room for the newline */
	len = strlen(s);
	s[len] = '\n';
	m->ops.write(s, len + 1, m->arg);
	free(s);
	json_decref(msg);
}

/* The value of \uXXXX at p, or -1. */
static int
escape_value(const char *p, size_t len)
{
	int i, v = 0;
	char c;

	if (len < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		c = p[i];
		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

/* Mends the escape at p; *used says how long it is. */
static size_t
repair_escape(char *p, size_t len, size_t *used)
{
	int v = escape_value(p, len), low;

	*used = v == -1 ? 2 : 6;
	if (v == -1 || (v != 0 && (v < 0xd800 || v > 0xdfff)))
		return 0;
	if (v >= 0xd800 && v < 0xdc00) {
		low = escape_value(p + 6, len - 6);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*used = 12;
			return 0;
		}
	}
	memcpy(p, "\\ufffd", 6);
	return 1;
}

size_t
mcp_repair(char *s, size_t len)
{
	size_t i = 0, used, found = 0;

	/* a backslash outside of strings is an error anyway */
	while (i < len) {
		used = 1;
		if (s[i] == '\\')
			found += repair_escape(s + i, len - i, &used);
		i += used;
	}
	return found;
}
