/* SPDX-License-Identifier: ISC */
/*
 * A server in a configuration: as a block between two comments in TOML, whose
 * other lines stay as they are, and as a member of mcpServers in JSON.
 */
#include "compat.h"

#include <stdlib.h>

#include <jansson.h>

#include "buf.h"
#include "json.h"
#include "setup.h"

#define BEGIN		"# ecorelay begin\n"
#define END		"# ecorelay end\n"
#define TABLE		"[mcp_servers." SETUP_NAME "]"

static int	plausible(const char *);
static const char *end_of_string(const char *);
static const char *has_table(const char *);
static int	is_ours(const json_t *);
static void	drop_empty(json_t *);

/*
 * Behind the string that begins at p; NULL if it does not end.  A string in
 * one quote ends in its line, one in three anywhere.
 */
static const char *
end_of_string(const char *p)
{
	char q = *p, three[4] = { q, q, q, '\0' };
	int many = strncmp(p, three, 3) == 0;

	for (p += many ? 3 : 1; *p != '\0'; p++) {
		if (q == '"' && *p == '\\' && p[1] != '\0')
			p++;
		else if (!many && *p == '\n')
			return NULL;
		else if (many && strncmp(p, three, 3) == 0)
			return p + 3;
		else if (!many && *p == q)
			return p + 1;
	}
	return NULL;
}

/*
 * TOML as far as it takes to append to it: strings and brackets end, and each
 * statement is a table or has an equals sign.
 */
static int
plausible(const char *p)
{
	int depth = 0, begun = 0, table = 0, equals = 0;

	for (;; p++) {
		if (*p == '#')
			p += strcspn(p, "\n");
		if ((*p == '\n' || *p == '\0') && depth == 0) {
			if (begun && !table && !equals)
				return 0;
			begun = table = equals = 0;
		}
		if (*p == '\0')
			return depth == 0;
		if (strchr(" \t\r\n", *p) != NULL)
			continue;
		if (!begun)
			table = *p == '[';
		begun = 1;
		equals |= *p == '=';
		if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && --depth < 0)
			return 0;
		else if (*p == '"' || *p == '\'') {
			if ((p = end_of_string(p)) == NULL)
				return 0;
			p--;
		}
	}
}

/* The line that begins a table of our name, or NULL. */
static const char *
has_table(const char *text)
{
	const char *p;

	for (p = text; (p = strstr(p, TABLE)) != NULL; p++) {
		if (p == text || p[-1] == '\n')
			return p;
	}
	return NULL;
}

char *
setuptoml_edit(const char *text, const char *channeld, int undo,
    const char **why)
{
	const char *begin = strstr(text, BEGIN), *end, *rest = "";
	int there = begin != NULL;
	struct wbuf w = { 0 };
	char *res;

	end = begin != NULL ? strstr(begin, END) : NULL;
	if (!plausible(text)) {
		*why = "it is not TOML that can be read";
		return NULL;
	}
	if (there != (end != NULL)) {
		*why = "only one of our two comments is left in it";
		return NULL;
	}
	if (!there && !undo && has_table(text) != NULL) {
		*why = "it has a server \"" SETUP_NAME "\" that is not ours";
		return NULL;
	}
	if (end != NULL)
		rest = end + sizeof(END) - 1;
	else
		begin = text + strlen(text);
	/* the empty line above is ours as well */
	if (there && undo && begin - text >= 2 && begin[-1] == '\n' &&
	    begin[-2] == '\n')
		begin--;
	wbuf_add(&w, text, (size_t)(begin - text));
	if (!undo) {
		if (!there && w.len > 0)
			wbuf_adds(&w, begin[-1] == '\n' ? "\n" : "\n\n");
		wbuf_adds(&w, BEGIN TABLE "\ncommand = ");
		/* a basic string has the escapes of JSON */
		json_add_str(&w, channeld, strlen(channeld));
		wbuf_adds(&w, "\nargs = []\n" END);
	}
	wbuf_adds(&w, rest);
	res = xstrndup(wbuf_data(&w), w.len);
	wbuf_free(&w);
	return res;
}

/* A server of our name that runs something else is somebody else's. */
static int
is_ours(const json_t *server)
{
	const char *cmd = json_string_value(json_object_get(server,
	    "command"));
	const char *base = cmd != NULL ? strrchr(cmd, '/') : NULL;

	base = base != NULL ? base + 1 : cmd;
	return base != NULL && strcmp(base, "channeld") == 0;
}

static void
drop_empty(json_t *config)
{
	if (json_object_size(json_object_get(config, "mcpServers")) == 0)
		(void)json_object_del(config, "mcpServers");
}

char *
setupjson_edit(const char *text, const char *channeld, int undo,
    const char **why)
{
	json_t *config, *servers, *old;
	struct wbuf w = { 0 };
	char *dump, *res = NULL;

	config = text[strspn(text, " \t\r\n")] == '\0' ? json_object() :
	    json_loads(text, 0, NULL);
	servers = json_object_get(config, "mcpServers");
	old = json_object_get(servers, SETUP_NAME);
	*why = "it is not JSON that can be read";
	if (!json_is_object(config) ||
	    (servers != NULL && !json_is_object(servers)))
		goto done;
	*why = "it has a server \"" SETUP_NAME "\" that is not ours";
	if (old != NULL && !is_ours(old)) {
		if (undo)
			res = xstrdup(text);
		goto done;
	}
	if (undo ? old == NULL : old != NULL && strcmp(channeld,
	    json_string_value(json_object_get(old, "command"))) == 0) {
		res = xstrdup(text);
		goto done;
	}
	if (undo) {
		(void)json_object_del(servers, SETUP_NAME);
		drop_empty(config);
	} else {
		if (servers == NULL) {
			servers = json_object();
			json_object_set_new(config, "mcpServers", servers);
		}
		json_object_set_new(servers, SETUP_NAME, json_pack(
		    "{s:s,s:[]}", "command", channeld, "args"));
	}
	dump = json_dumps(config, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	if (dump != NULL)
		wbuf_printf(&w, "%s\n", dump);
	free(dump);
	res = xstrndup(wbuf_data(&w), w.len);
	wbuf_free(&w);
 done:
	json_decref(config);
	return res;
}
