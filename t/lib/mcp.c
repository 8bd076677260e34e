/* SPDX-License-Identifier: ISC */
/*
 * A host's end of a channeld: starts it with two pipes, asks by id, and takes
 * its notifications.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"

#define ARGS_MAX	16
#define END_MS		1000

static void	 mcp_send(struct conn *, json_t *);
static int	 is_answer(const json_t *, int);
static json_t	*tool_result(struct conn *, const json_t *);
static json_t	*tool_call(struct conn *, const char *, const char *,
		    va_list);

struct conn *
mcp_start_(struct tenv *t, const char *dir, const char *name, ...)
{
	const char	*argv[ARGS_MAX] = { "channeld" };
	char		 log[T_PATH];
	va_list		 ap;
	size_t		 n = 1;
	int		 in[2], out[2], fds[2];
	pid_t		 pid;

	va_start(ap, name);
	while ((argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	if (pipe(in) == -1 || pipe(out) == -1)
		t_fail("pipe: %s", strerror(errno));
	/* ours are not for the child: it would never see its stdin's end */
	fcntl(in[1], F_SETFD, FD_CLOEXEC);
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	snprintf(log, sizeof(log), "%s/channeld.%u.log", t->dir,
	    ++t->root->nlogs);
	fds[0] = in[0];
	fds[1] = out[1];
	if (name != NULL)
		setenv("RELAY_PEER_ID", name, 1);
	pid = program_start("channeld", argv, fds, log, dir);
	unsetenv("RELAY_PEER_ID");
	close(in[0]);
	close(out[1]);
	return (conn_add(t, out[0], in[1], pid));
}

/* Steals it. */
static void
mcp_send(struct conn *c, json_t *j)
{
	char	*text = json_dumps(j, JSON_COMPACT);
	size_t	 len = strlen(text);

	json_decref(j);
	text[len] = '\n';
	if (conn_write(c, text, len + 1) == -1)
		t_fail("channeld does not read: %s", strerror(errno));
	free(text);
}

json_t *
mcp_init_(struct conn *c, const char *version)
{
	json_t	*j, *result;

	j = mcp_call_(c, "initialize", json_pack("{s:s,s:{},s:{s:s,s:s}}",
	    "protocolVersion", version, "capabilities",
	    "clientInfo", "name", "test", "version", "1"));
	if ((result = json_object_get(j, "result")) == NULL)
		t_fail("initialize: %s", show(j));
	mcp_send(c, json_pack("{s:s,s:s}", "jsonrpc", "2.0",
	    "method", "notifications/initialized"));
	return (result);
}

int
mcp_ask_(struct conn *c, const char *method, json_t *params)
{
	json_t	*j;
	int	 id = (int)++c->seq;

	j = json_pack("{s:s,s:i,s:s}", "jsonrpc", "2.0", "id", id,
	    "method", method);
	if (params != NULL)
		json_object_set_new(j, "params", params);
	mcp_send(c, j);
	return (id);
}

static int
is_answer(const json_t *j, int id)
{
	const json_t	*m = json_object_get(j, "id");

	return (json_is_integer(m) && json_integer_value(m) == id &&
	    json_object_get(j, "method") == NULL);
}

json_t *
mcp_answer_(struct conn *c, int id, int ms)
{
	int64_t		 end = t_now() + t_slow(ms);
	struct line	*l;
	json_t		*j;

	for (;;) {
		TAILQ_FOREACH(l, &c->lines, entry) {
			if (!is_answer(l->json, id))
				continue;
			TAILQ_REMOVE(&c->lines, l, entry);
			j = tenv_keep(c->env, json_incref(l->json));
			line_free(l);
			is_str_(j, "jsonrpc", "2.0");
			return (j);
		}
		if (c->eof || t_now() >= end)
			t_fail("channeld: no answer (%s) to %s",
			    c->eof ? "closed" : "deadline", c->last);
		conns_pump(c->env, 10);
	}
}

json_t *
mcp_call_(struct conn *c, const char *method, json_t *params)
{
	return (mcp_answer_(c, mcp_ask_(c, method, params), T_WAIT));
}

/* The object in the only text item of a result. */
static json_t *
tool_result(struct conn *c, const json_t *answer)
{
	const json_t	*result = json_object_get(answer, "result");
	const json_t	*item;
	json_t		*j;

	item = json_array_get(is_list_(result, "content", 1), 0);
	is_str_(item, "type", "text");
	j = json_loads(str_of_(item, "text"), 0, NULL);
	if (!json_is_object(j))
		t_fail("the text is not an object: %s", show(answer));
	tenv_keep(c->env, j);
	if (json_object_get(result, "structuredContent") != NULL &&
	    !json_equal(json_object_get(result, "structuredContent"), j))
		t_fail("structuredContent differs: %s", show(answer));
	if (json_is_true(json_object_get(result, "isError"))) {
		if (!json_is_false(json_object_get(j, "ok")))
			t_fail("ok is not false: %s", show(answer));
		str_of_(j, "code");
		str_of_(j, "message");
	}
	return (j);
}

static json_t *
tool_call(struct conn *c, const char *tool, const char *fmt, va_list ap)
{
	json_error_t	 err;
	json_t		*args;

	if ((args = json_vpack_ex(&err, 0, fmt, ap)) == NULL)
		t_fail("json_pack %s: %s", fmt, err.text);
	return (tool_result(c, mcp_call_(c, "tools/call",
	    json_pack("{s:s,s:o}", "name", tool, "arguments", args))));
}

json_t *
mcp_tool_(struct conn *c, const char *tool, const char *fmt, ...)
{
	va_list	 ap;
	json_t	*j;

	va_start(ap, fmt);
	j = tool_call(c, tool, fmt, ap);
	va_end(ap);
	if (json_is_false(json_object_get(j, "ok")))
		t_fail("%s failed: %s", tool, show(j));
	return (j);
}

void
mcp_refused_(struct conn *c, const char *code, const char *tool,
    const char *fmt, ...)
{
	va_list	 ap;
	json_t	*j;

	va_start(ap, fmt);
	j = tool_call(c, tool, fmt, ap);
	va_end(ap);
	if (!json_is_false(json_object_get(j, "ok")))
		t_fail("%s should have failed with %s: %s", tool, code,
		    show(j));
	is_str_(j, "code", code);
}

void
mcp_fails_(struct conn *c, const char *code, const char *reason,
    const char *advice, const char *tool, json_t *args)
{
	const char	*message;
	json_t		*j;

	j = tool_result(c, mcp_call_(c, "tools/call",
	    json_pack("{s:s,s:o}", "name", tool, "arguments", args)));
	is_str_(j, "code", code);
	message = str_of_(j, "message");
	if (strstr(message, reason) == NULL ||
	    strstr(message, advice) == NULL)
		t_fail("%s: \"%s\" or \"%s\" is not in %s", tool, reason,
		    advice, message);
}

json_t *
mcp_push_(struct conn *c)
{
	json_t	*j, *params;

	j = hear_(c, NULL, "method", "notifications/claude/channel", T_WAIT);
	has_only_(j, "jsonrpc method params");
	params = json_object_get(j, "params");
	has_only_(params, "content meta");
	str_of_(params, "content");
	return (params);
}

void
mcp_end_(struct conn *c)
{
	int	status;

	conn_shut(c);
	if (program_wait(c->pid, &status, END_MS) == -1)
		t_fail("channeld lives on with stdin at its end");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		t_fail("channeld ended with status 0x%x", status);
	conn_close(c);
}

const char *
mcp_name_(struct conn *c)
{
	return (str_of_(mcp_tool_(c, "relay_peers", "{}"), "me"));
}
