/* SPDX-License-Identifier: ISC */
/*
 * The tools an assistant sees: what the table in tooltable.c says becomes
 * tools/list and the checks of a call.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "log.h"
#include "mcp.h"
#include "names.h"
#include "channel.h"
#include "timeutil.h"
#include "tools.h"

#define UNREAD		"\"unread\":{\"type\":\"integer\"}"

struct toolbox {
	int		 core;
	/* a token bucket; a token is a call that sends */
	double		 tokens, burst, per_ms;
	int64_t		 filled;
};

static int	offered(const struct toolbox *, const struct tool *);
static json_t	*input_schema(const struct tool *);
static json_t	*output_schema(const struct tool *);
static json_t	*annotations(const struct tool *);
static enum errcode check_args(const struct tool *, json_t *, char *, size_t);
static enum errcode check_arg(const struct toolarg *, json_t *, json_t *,
		    char *, size_t);
static int64_t	take_token(struct toolbox *);

/* One row for each type of argument. */
static json_t	*plain_schema(const struct toolarg *);
static json_t	*choice_schema(const struct toolarg *);
static json_t	*strings_schema(const struct toolarg *);
static enum errcode check_string(const struct toolarg *, json_t *, char *,
		    size_t);
static enum errcode check_text(const struct toolarg *, json_t *, char *,
		    size_t);
static enum errcode check_integer(const struct toolarg *, json_t *, char *,
		    size_t);
static enum errcode check_boolean(const struct toolarg *, json_t *, char *,
		    size_t);
static enum errcode check_choice(const struct toolarg *, json_t *, char *,
		    size_t);
static enum errcode check_strings(const struct toolarg *, json_t *, char *,
		    size_t);

static const struct {
	const char	*json;		/* its name in JSON Schema */
	json_t		*(*schema)(const struct toolarg *);
	/* Returns ERR_NONE, or an error and what the argument must be. */
	enum errcode	(*check)(const struct toolarg *, json_t *, char *,
			    size_t);
} types[] = {
	[ARG_STRING] = { "string", plain_schema, check_string },
	[ARG_TEXT] = { "string", plain_schema, check_text },
	[ARG_INTEGER] = { "integer", plain_schema, check_integer },
	[ARG_BOOLEAN] = { "boolean", plain_schema, check_boolean },
	[ARG_CHOICE] = { "string", choice_schema, check_choice },
	[ARG_STRINGS] = { "array", strings_schema, check_strings },
};

struct toolbox *
toolbox_new(int core, unsigned rate, unsigned burst)
{
	struct toolbox *tb = xcalloc(1, sizeof(*tb));

	tb->core = core;
	tb->burst = tb->tokens = burst;
	tb->per_ms = rate / 60000.0;
	tb->filled = time_mono_ms();
	return tb;
}

void
toolbox_free(struct toolbox *tb)
{
	free(tb);
}

static int
offered(const struct toolbox *tb, const struct tool *t)
{
	return !tb->core || (t->flags & TOOL_CORE) != 0;
}

/* tools/list */

json_t *
toolbox_list(const struct toolbox *tb, int structured)
{
	json_t *list = json_array(), *row;
	const struct tool *t;

	for (t = tools; t < tools + ntools; t++) {
		if (!offered(tb, t))
			continue;
		row = json_pack("{s:s,s:s,s:o}", "name", t->name,
		    "description", t->description,
		    "inputSchema", input_schema(t));
		if (structured)
			json_object_set_new(row, "outputSchema",
			    output_schema(t));
		json_object_set_new(row, "annotations", annotations(t));
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *
input_schema(const struct tool *t)
{
	json_t *properties = json_object(), *required = json_array(), *schema;
	const struct toolarg *a;

	for (a = t->args; a < t->args + TOOL_ARGS_MAX &&
	    a->type != ARG_NONE; a++) {
		json_object_set_new(properties, a->name,
		    types[a->type].schema(a));
		if (a->required)
			json_array_append_new(required, json_string(a->name));
	}
	schema = json_pack("{s:s,s:o}", "type", "object", "properties",
	    properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *
plain_schema(const struct toolarg *a)
{
	return json_pack("{s:s}", "type", types[a->type].json);
}

static json_t *
choice_schema(const struct toolarg *a)
{
	json_t *words = json_array();
	const char *p = a->choices;
	size_t n;

	while (*p != '\0') {
		n = strcspn(p, " ");
		json_array_append_new(words, json_stringn(p, n));
		p += n + (p[n] == ' ');
	}
	return json_pack("{s:s,s:o}", "type", "string", "enum", words);
}

static json_t *
strings_schema(const struct toolarg *a)
{
	return json_pack("{s:s,s:{s:s}}", "type", types[a->type].json,
	    "items", "type", "string");
}

static json_t *
output_schema(const struct tool *t)
{
	struct wbuf w = { 0 };
	json_t *schema;

	wbuf_printf(&w, "{\"type\":\"object\",\"properties\":{%s%s}}",
	    t->output, t->flags & TOOL_NO_UNREAD ? "" : "," UNREAD);
	schema = json_loadb(wbuf_data(&w), w.len, 0, NULL);
	if (schema == NULL)
		fatalx("outputSchema of %s", t->name);
	wbuf_free(&w);
	return schema;
}

static json_t *
annotations(const struct tool *t)
{
	return json_pack("{s:b,s:b,s:b}",
	    "readOnlyHint", (t->flags & TOOL_READS) != 0,
	    "destructiveHint", (t->flags & TOOL_DESTROYS) != 0,
	    "openWorldHint", 0);
}

/* tools/call */

int
toolbox_call(struct toolbox *tb, struct channel *s, struct mcp_call *call,
    const char *name)
{
	char what[256];
	enum errcode err;
	const struct tool *t;
	int64_t wait;

	for (t = tools; t < tools + ntools; t++) {
		if (offered(tb, t) && strcmp(t->name, name) == 0)
			break;
	}
	if (t == tools + ntools)
		return -1;
	call->tool = t;
	err = check_args(t, call->args, what, sizeof(what));
	if (err == ERR_NONE && (t->flags & TOOL_SENDS) &&
	    (wait = take_token(tb)) > 0) {
		snprintf(what, sizeof(what), "try again in %lld s",
		    (long long)(wait + 999) / 1000);
		err = ERR_RATE_LIMITED;
	}
	if (err != ERR_NONE)
		tool_fail(call, err, what);
	else
		t->run(s, call);
	return 0;
}

/* Takes a token, or returns in how many ms there will be one. */
static int64_t
take_token(struct toolbox *tb)
{
	int64_t now = time_mono_ms();

	tb->tokens += (double)(now - tb->filled) * tb->per_ms;
	tb->filled = now;
	if (tb->tokens > tb->burst)
		tb->tokens = tb->burst;
	if (tb->tokens < 1)
		return (int64_t)((1 - tb->tokens) / tb->per_ms) + 1;
	tb->tokens--;
	return 0;
}

static enum errcode
check_args(const struct tool *t, json_t *args, char *what, size_t size)
{
	const struct toolarg *a;
	enum errcode err = ERR_NONE;

	if (!json_is_object(args)) {
		strlcpy(what, "the arguments must be an object", size);
		return ERR_BAD_ARGS;
	}
	for (a = t->args; a < t->args + TOOL_ARGS_MAX &&
	    a->type != ARG_NONE && err == ERR_NONE; a++)
		err = check_arg(a, args, json_object_get(args, a->name), what,
		    size);
	return err;
}

/* An optional one that is null counts as left out: some models write that. */
static enum errcode
check_arg(const struct toolarg *a, json_t *args, json_t *value, char *what,
    size_t size)
{
	char must[128] = "";
	enum errcode err;

	if (value == NULL || (!a->required && json_is_null(value))) {
		if (!a->required) {
			json_object_del(args, a->name);
			return ERR_NONE;
		}
		snprintf(what, size, "%s (%s) is missing", a->name,
		    types[a->type].json);
		return ERR_BAD_ARGS;
	}
	err = types[a->type].check(a, value, must, sizeof(must));
	if (err != ERR_NONE)
		snprintf(what, size, "%s must be %s", a->name, must);
	else if (json_is_real(value))	/* 5.0, which the hub would not take */
		json_object_set_new(args, a->name,
		    json_integer((json_int_t)json_real_value(value)));
	return err;
}

static enum errcode
check_string(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	int64_t n;

	if (json_is_string(value)) {
		n = (int64_t)utf16_units(json_string_value(value),
		    json_string_length(value));
		if (n >= a->min && n <= a->max)
			return ERR_NONE;
	}
	snprintf(must, size, "a string of %lld to %lld characters",
	    (long long)a->min, (long long)a->max);
	return ERR_BAD_ARGS;
}

static enum errcode
check_text(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	(void)a;
	if (!json_is_string(value)) {
		strlcpy(must, "a string", size);
		return ERR_BAD_ARGS;
	}
	if (utf16_units(json_string_value(value), json_string_length(value)) <=
	    TEXT_UNITS_MAX)
		return ERR_NONE;
	snprintf(must, size, "at most %d characters long", TEXT_UNITS_MAX);
	return ERR_TOO_LARGE;
}

static enum errcode
check_integer(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	double n = json_number_value(value);

	/* 5.0 is an integer to JSON Schema and to some hosts */
	if (json_is_number(value) && n >= (double)a->min &&
	    n <= (double)a->max && n == (double)(int64_t)n)
		return ERR_NONE;
	snprintf(must, size, "an integer from %lld to %lld",
	    (long long)a->min, (long long)a->max);
	return ERR_BAD_ARGS;
}

static enum errcode
check_boolean(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	(void)a;
	if (json_is_boolean(value))
		return ERR_NONE;
	strlcpy(must, "true or false", size);
	return ERR_BAD_ARGS;
}

static enum errcode
check_choice(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	const char *word = json_string_value(value), *p = a->choices;
	size_t n;

	for (; word != NULL && *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (n == strlen(word) && memcmp(p, word, n) == 0)
			return ERR_NONE;
	}
	snprintf(must, size, "one of: %s", a->choices);
	return ERR_BAD_ARGS;
}

static enum errcode
check_strings(const struct toolarg *a, json_t *value, char *must, size_t size)
{
	int64_t n = (int64_t)json_array_size(value);
	json_t *one;
	size_t i;

	if (!json_is_array(value) || n < a->min || n > a->max)
		goto bad;
	json_array_foreach(value, i, one) {
		if (!json_is_string(one))
			goto bad;
	}
	return ERR_NONE;
 bad:
	snprintf(must, size, "an array of %lld to %lld strings",
	    (long long)a->min, (long long)a->max);
	return ERR_BAD_ARGS;
}

void
tool_done(struct mcp_call *call, json_t *result)
{
	json_int_t unread = channel_unread(call->arg);

	if (unread > 0 && !(call->tool->flags & TOOL_NO_UNREAD) &&
	    json_object_get(result, "unread") == NULL)
		json_object_set_new(result, "unread", json_integer(unread));
	mcp_finish(call, result, 0);
}

void
tool_fail(struct mcp_call *call, enum errcode err, const char *what)
{
	tool_fail_with(call, err, what, err_advice(err));
}

void
tool_fail_with(struct mcp_call *call, enum errcode err, const char *what,
    const char *advice)
{
	json_int_t unread = channel_unread(call->arg);
	struct wbuf w = { 0 };
	json_t *result;

	if (what != NULL && what[0] != '\0')
		wbuf_printf(&w, "%s%s ", what,
		    what[strlen(what) - 1] == '.' ? "" : ".");
	wbuf_adds(&w, advice);
	result = json_pack("{s:b,s:s,s:s%}", "ok", 0, "code", err_code(err),
	    "message", wbuf_data(&w), w.len);
	wbuf_free(&w);
	if (unread > 0 && !(call->tool->flags & TOOL_NO_UNREAD))
		json_object_set_new(result, "unread", json_integer(unread));
	mcp_finish(call, result, 1);
}
