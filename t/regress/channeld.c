/* SPDX-License-Identifier: ISC */
/*
 * channeld as a host sees it: JSON-RPC, versions, tools, results and errors.
 */
#include "compat.h"

#include <stdlib.h>

#include "mcp.h"

#define LATEST		"2025-11-25"
#define TOOLS_BYTES	8000
#define CORE_BYTES	2500

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static struct conn *
session(struct tenv *t, const char *name)
{
	struct conn	*m = mcp_start(t, name, NULL);

	mcp_init(m, LATEST);
	mcp_name(m);
	return (m);
}

static void
rpc_error(const json_t *j, int code)
{
	const json_t	*e = json_object_get(j, "error");

	is_absent(j, "result");
	want(json_is_object(e), "not an error: %s", show(j));
	is_int(e, "code", code);
	str_of(e, "message");
}

START_TEST(probes_before_initialize)
{
	struct tenv	*t = begin();
	struct conn	*m = mcp_start(t, "m", NULL);
	int64_t		 begun = t_now();

	rpc_error(mcp_call(m, "server/discover", NULL), -32601);
	want(t_now() - begun < t_slow(1000), "after %lld ms",
	    (long long)(t_now() - begun));
	rpc_error(mcp_call(m, "resources/list", json_object()), -32601);
	mcp_init(m, LATEST);
	rpc_error(mcp_call(m, "no/such", NULL), -32601);
	tenv_end(t);
}
END_TEST

START_TEST(versions)
{
	static const struct {
		const char	*offered, *answer;
	} v[] = {
		{ "2024-11-05", "2024-11-05" }, { "2025-03-26", "2025-03-26" },
		{ "2025-06-18", "2025-06-18" }, { LATEST, LATEST },
		{ "2026-07-01", LATEST }, { "2030-01-01", LATEST }
	};
	struct tenv	*t = begin();
	struct conn	*m;
	json_t		*r, *caps;
	size_t		 i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		m = mcp_start(t, "m", NULL);
		r = mcp_init(m, v[i].offered);
		is_str(r, "protocolVersion", v[i].answer);
		is_str(json_object_get(r, "serverInfo"), "name", "ecorelay");
		want(strlen(str_of(r, "instructions")) > 100,
		    "instructions: %s", show(r));
		caps = json_object_get(r, "capabilities");
		want(json_is_object(json_object_get(caps, "tools")),
		    "no tools: %s", show(r));
		want(json_is_object(json_object_get(
		    json_object_get(caps, "experimental"),
		    "claude/channel")), "no claude/channel: %s", show(r));
		mcp_end(m);
	}
	tenv_end(t);
}
END_TEST

START_TEST(small_requests)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*j;

	j = mcp_call(m, "ping", NULL);
	is_same(json_object_get(j, "result"), "{}");
	j = mcp_call(m, "logging/setLevel", json_pack("{s:s}", "level",
	    "debug"));
	is_same(json_object_get(j, "result"), "{}");
	/* ids may be strings, and come back as they were */
	say_text(m, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}");
	is_same(hear_with(m, NULL, "id", "a"), "{s:s,s:s,s:{}}",
	    "jsonrpc", "2.0", "id", "a", "result");
	tenv_end(t);
}
END_TEST

START_TEST(notifications_are_not_answered)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");

	say(m, "{s:s,s:s,s:{s:i}}", "jsonrpc", "2.0", "method",
	    "notifications/cancelled", "params", "requestId", 1);
	say(m, "{s:s,s:s,s:{s:s}}", "jsonrpc", "2.0", "method",
	    "notifications/cancelled", "params", "requestId", "never");
	say(m, "{s:s,s:s}", "jsonrpc", "2.0", "method",
	    "notifications/cancelled");
	say(m, "{s:s,s:s}", "jsonrpc", "2.0", "method",
	    "notifications/no_such");
	mcp_call(m, "ping", NULL);
	want(TAILQ_EMPTY(&m->lines), "nobody asked for %s",
	    TAILQ_FIRST(&m->lines)->text);
	tenv_end(t);
}
END_TEST

static void
bad_line(struct conn *m, const char *line, int code)
{
	struct line	*l;

	say_text(m, line);
	l = conn_take(m, T_WAIT);
	want(l != NULL, "no answer to %s", line);
	is_str(l->json, "jsonrpc", "2.0");
	rpc_error(l->json, code);
	line_free(l);
}

START_TEST(bad_requests)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");

	bad_line(m, "{", -32700);
	bad_line(m, "hello", -32700);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
	    -32700);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":1}", -32600);
	bad_line(m, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
	    -32600);
	bad_line(m, "{\"id\":1,\"method\":\"ping\"}", -32600);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600);
	bad_line(m, "1", -32600);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\"}",
	    -32602);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\","
	    "\"params\":{}}", -32602);
	bad_line(m, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\","
	    "\"params\":{\"name\":3}}", -32602);
	rpc_error(mcp_call(m, "tools/call", json_pack("{s:s,s:{}}",
	    "name", "no_such_tool", "arguments")), -32602);
	mcp_tool(m, "relay_peers", "{}");
	tenv_end(t);
}
END_TEST

/* An array of tools as it counts: names, descriptions, input schemas. */
static size_t
tools_bytes(const json_t *tools)
{
	json_t	*all = json_array(), *tool, *copy;
	size_t	 i, n;

	json_array_foreach(tools, i, tool) {
		copy = json_pack("{s:O,s:O,s:O}",
		    "name", json_object_get(tool, "name"),
		    "description", json_object_get(tool, "description"),
		    "inputSchema", json_object_get(tool, "inputSchema"));
		want(copy != NULL, "not a tool: %s", show(tool));
		json_array_append_new(all, copy);
	}
	n = json_dumpb(all, NULL, 0, JSON_COMPACT);
	json_decref(all);
	return (n);
}

static json_t *
tool_named(const json_t *tools, const char *name)
{
	json_t	*tool = find_in(tools, "name", name);

	want(tool != NULL, "there is no %s", name);
	return (tool);
}

START_TEST(list_of_tools)
{
	static const char *const names[] = {
		"relay_peers", "relay_send", "relay_inbox", "relay_reply",
		"relay_ask", "relay_broadcast", "relay_rename",
		"relay_status", "relay_sessions", "relay_join", "relay_leave",
		"relay_room", "relay_rooms", "relay_group_create",
		"relay_group_invite", "relay_group_remove",
		"relay_group_leave", "relay_group_send",
		"relay_group_history", "relay_group_list",
		"relay_group_info", "relay_group_delete"
	};
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*tools, *tool, *hints;
	size_t		 i;

	tools = is_list(json_object_get(mcp_call(m, "tools/list", NULL),
	    "result"), "tools", sizeof(names) / sizeof(names[0]));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tool = tool_named(tools, names[i]);
		str_of(tool, "description");
		is_str(json_object_get(tool, "inputSchema"), "type",
		    "object");
		is_str(json_object_get(tool, "outputSchema"), "type",
		    "object");
		hints = json_object_get(tool, "annotations");
		want(json_is_false(json_object_get(hints, "openWorldHint")),
		    "openWorldHint: %s", show(tool));
	}
	is_true(json_object_get(tool_named(tools, "relay_peers"),
	    "annotations"), "readOnlyHint");
	is_true(json_object_get(tool_named(tools, "relay_status"),
	    "annotations"), "readOnlyHint");
	want(tools_bytes(tools) <= TOOLS_BYTES, "%zu bytes of tools",
	    tools_bytes(tools));
	tenv_end(t);
}
END_TEST

START_TEST(core_tools)
{
	struct tenv	*t = begin();
	struct conn	*m = mcp_start(t, "m", "-t", "core", NULL);
	json_t		*tools;

	mcp_init(m, LATEST);
	tools = is_list(json_object_get(mcp_call(m, "tools/list", NULL),
	    "result"), "tools", 6);
	tool_named(tools, "relay_peers");
	tool_named(tools, "relay_send");
	tool_named(tools, "relay_inbox");
	tool_named(tools, "relay_reply");
	tool_named(tools, "relay_ask");
	tool_named(tools, "relay_rename");
	want(tools_bytes(tools) <= CORE_BYTES, "%zu bytes of tools",
	    tools_bytes(tools));
	tenv_end(t);
}
END_TEST

START_TEST(structured_content_by_version)
{
	static const struct {
		const char	*version;
		int		 structured;
	} v[] = {
		{ "2024-11-05", 0 }, { "2025-03-26", 0 },
		{ "2025-06-18", 1 }, { "2025-11-25", 1 }
	};
	struct tenv	*t = begin();
	struct conn	*m;
	json_t		*r;
	size_t		 i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		m = mcp_start(t, "m", NULL);
		mcp_init(m, v[i].version);
		r = json_object_get(mcp_call(m, "tools/call",
		    json_pack("{s:s,s:{}}", "name", "relay_peers",
		    "arguments")), "result");
		is_list(r, "content", 1);
		want((json_object_get(r, "structuredContent") != NULL) ==
		    v[i].structured, "%s: %s", v[i].version, show(r));
		want(!json_is_true(json_object_get(r, "isError")), "%s",
		    show(r));
		mcp_end(m);
	}
	tenv_end(t);
}
END_TEST

START_TEST(peers_and_sessions)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*j, *p;

	client_new(t, "other", NULL);
	j = mcp_tool(m, "relay_peers", "{}");
	has_only(j, "me peers");
	is_str(j, "me", "m");
	p = find_in(is_list(j, "peers", 1), "name", "other");
	want(p != NULL, "no other: %s", show(j));
	is_str(p, "cwd", "/work/of/it");
	is_str(p, "git_branch", "main");
	want(json_object_get(p, "last_seen") != NULL, "%s", show(p));
	j = mcp_tool(m, "relay_sessions", "{}");
	want(json_is_array(json_object_get(j, "sessions")), "%s", show(j));
	want(find_in(json_object_get(j, "sessions"), "name", "other") != NULL,
	    "no other: %s", show(j));
	tenv_end(t);
}
END_TEST

START_TEST(send_and_status)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", FEATURES);
	json_t		*j, *in;
	const char	*id;

	j = mcp_tool(m, "relay_send", "{s:s,s:s,s:b,s:s,s:s}", "to", "c",
	    "text", "hello", "urgent", 1, "reply_to", "m-7",
	    "kind", "request");
	has_only(j, "ok msg_id status");
	is_true(j, "ok");
	is_str(j, "status", "delivered");
	id = str_of(j, "msg_id");
	in = hear(c, "incoming_message");
	is_str(in, "msg_id", id);
	is_str(in, "from", "m");
	is_str(in, "text", "hello");
	is_str(in, "reply_to", "m-7");
	is_true(in, "urgent");
	is_str(in, "kind", "request");
	j = mcp_tool(m, "relay_status", "{s:s}", "msg_id", id);
	is_str(j, "state", "pushed");
	j = mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "away", "text", "x");
	is_str(j, "status", "queued");
	j = mcp_tool(m, "relay_status", "{}");
	is_true(j, "ok");
	is_str(j, "me", "m");
	str_of(json_object_get(j, "hub"), "version");
	int_of(json_object_get(j, "hub"), "uptime_s");
	int_of(json_object_get(j, "hub"), "peers");
	is_list(json_object_get(j, "hub"), "links", 0);
	is_int(j, "unread", 0);
	tenv_end(t);
}
END_TEST

START_TEST(inbox_of_what_waited)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", FEATURES), *m;
	json_t		*j, *list;
	const char	*id;

	id = send_text(c, "m", "first", "queued");
	send_text(c, "m", "second", "queued");
	m = session(t, "m");
	j = mcp_tool(m, "relay_peers", "{}");
	is_int(j, "unread", 2);
	j = mcp_tool(m, "relay_inbox", "{s:i}", "limit", 1);
	has_only(j, "messages remaining");
	list = is_list(j, "messages", 1);
	is_str(json_array_get(list, 0), "msg_id", id);
	is_str(json_array_get(list, 0), "from", "c");
	is_str(json_array_get(list, 0), "text", "first");
	is_int(j, "remaining", 1);
	is_str(hear(c, "receipt"), "state", "seen");
	j = mcp_tool(m, "relay_inbox", "{}");
	is_list(j, "messages", 1);
	j = mcp_tool(m, "relay_inbox", "{s:i}", "recent", 5);
	is_list(j, "messages", 2);
	j = mcp_tool(m, "relay_inbox", "{s:s}", "since_id", id);
	is_list(j, "messages", 1);
	is_absent(mcp_tool(m, "relay_peers", "{}"), "unread");
	tenv_end(t);
}
END_TEST

START_TEST(rename_tool)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*j;

	client_new(t, "c", NULL);
	j = mcp_tool(m, "relay_rename", "{s:s}", "new_name", "m2");
	is_true(j, "ok");
	is_str(j, "name", "m2");
	want(strcmp(mcp_name(m), "m2") == 0, "it is %s", mcp_name(m));
	mcp_refused(m, "name_taken", "relay_rename", "{s:s}", "new_name",
	    "c");
	mcp_refused(m, "bad_args", "relay_rename", "{s:s}", "new_name",
	    "not a name");
	tenv_end(t);
}
END_TEST

START_TEST(refused_by_the_hub)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	char		*text = t_fill('x', 524289);

	mcp_refused(m, "unknown_ask", "relay_reply", "{s:s,s:s}",
	    "ask_id", "nobody-asked", "text", "x");
	mcp_refused(m, "bad_args", "relay_send", "{s:s,s:s}",
	    "to", "no such name", "text", "x");
	mcp_refused(m, "too_large", "relay_send", "{s:s,s:s}",
	    "to", "b", "text", text);
	text[524288] = '\0';
	mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "b", "text", text);
	free(text);
	tenv_end(t);
}
END_TEST

/* An error of the request, or a result that says bad_args. */
static void
bad_arguments(struct conn *m, const char *tool, json_t *args)
{
	const json_t	*j, *item;

	j = mcp_call(m, "tools/call", json_pack("{s:s,s:o}", "name", tool,
	    "arguments", args));
	if (json_object_get(j, "error") != NULL) {
		rpc_error(j, -32602);
		return;
	}
	j = json_object_get(j, "result");
	is_true(j, "isError");
	item = json_array_get(is_list(j, "content", 1), 0);
	want(strstr(str_of(item, "text"), "bad_args") != NULL, "%s", show(j));
}

START_TEST(arguments_are_checked)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");

	bad_arguments(m, "relay_send", json_pack("{s:s}", "to", "b"));
	bad_arguments(m, "relay_send", json_pack("{s:s}", "text", "b"));
	bad_arguments(m, "relay_send", json_pack("{s:i,s:s}", "to", 5,
	    "text", "x"));
	bad_arguments(m, "relay_send", json_pack("{s:s,s:s,s:s}", "to", "b",
	    "text", "x", "urgent", "very"));
	bad_arguments(m, "relay_inbox", json_pack("{s:i}", "limit", 0));
	bad_arguments(m, "relay_inbox", json_pack("{s:s}", "limit", "x"));
	bad_arguments(m, "relay_ask", json_pack("{s:s}", "to", "b"));
	bad_arguments(m, "relay_reply", json_pack("{s:s}", "text", "b"));
	bad_arguments(m, "relay_rename", json_object());
	bad_arguments(m, "relay_peers", json_string("none"));
	bad_arguments(m, "relay_peers", json_array());
	tenv_end(t);
}
END_TEST

START_TEST(too_many_at_once)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*j;
	int		 i;

	for (i = 0; i < 60; i++)
		mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "b",
		    "text", "x");
	/* Some come back while these run: two a second. */
	for (i = 0; i < 100; i++) {
		j = mcp_call(m, "tools/call", json_pack("{s:s,s:{s:s,s:s}}",
		    "name", "relay_send", "arguments", "to", "b",
		    "text", "x"));
		if (strstr(show(j), "rate_limited") != NULL)
			break;
	}
	want(i < 100, "160 messages at once: %s", show(j));
	/* what does not send is not limited */
	mcp_tool(m, "relay_peers", "{}");
	tenv_end(t);
}
END_TEST

static json_t *
peer_named(struct conn *c, const char *name)
{
	return (find_in(json_object_get(rpc(c, "{s:s}", "type",
	    "list_peers"), "peers"), "name", name));
}

/* Nothing may be on stdout before the host has begun. */
START_TEST(a_message_before_initialize)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL), *m;
	int64_t		 end = t_now() + 2000;
	json_t		*j;

	m = mcp_start(t, "m", NULL);
	while (peer_named(c, "m") == NULL && t_now() < end)
		conns_pump(t, 10);
	send_text(c, "m", "early", NULL);
	rpc_error(mcp_call(m, "server/discover", NULL), -32601);
	want(TAILQ_EMPTY(&m->lines), "before initialize: %s",
	    TAILQ_FIRST(&m->lines)->text);
	mcp_init(m, LATEST);
	mcp_name(m);
	j = mcp_tool(m, "relay_inbox", "{}");
	is_str(json_array_get(is_list(j, "messages", 1), 0), "text", "early");
	tenv_end(t);
}
END_TEST

START_TEST(without_a_hub)
{
	struct tenv	*t = tenv_new();
	struct conn	*m;
	int64_t		 begun = t_now();
	int		 id;

	/* The data directory cannot be made: no hub can start. */
	write_file(t->data, "", 0);
	m = mcp_start(t, "m", NULL);
	mcp_init(m, LATEST);
	want(t_now() - begun < t_slow(2000), "initialize took %lld ms",
	    (long long)(t_now() - begun));
	id = mcp_ask(m, "tools/call", json_pack("{s:s,s:{}}",
	    "name", "relay_peers", "arguments"));
	mcp_call(m, "ping", NULL);
	mcp_answer(m, id);
	mcp_refused(m, "hub_unreachable", "relay_peers", "{}");
	mcp_end(m);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("channeld");

	(void)argc;
	test_add(s, probes_before_initialize, 20);
	test_add(s, versions, 30);
	test_add(s, small_requests, 20);
	test_add(s, notifications_are_not_answered, 20);
	test_add(s, bad_requests, 20);
	test_add(s, list_of_tools, 20);
	test_add(s, core_tools, 20);
	test_add(s, structured_content_by_version, 30);
	test_add(s, peers_and_sessions, 20);
	test_add(s, send_and_status, 20);
	test_add(s, inbox_of_what_waited, 20);
	test_add(s, rename_tool, 20);
	test_add(s, refused_by_the_hub, 20);
	test_add(s, arguments_are_checked, 20);
	test_add(s, too_many_at_once, 20);
	test_add(s, a_message_before_initialize, 20);
	test_add(s, without_a_hub, 40);
	return (test_main(argv[0], s));
}
