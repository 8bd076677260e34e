/* SPDX-License-Identifier: ISC */
/*
 * mcpServers.relay in a JSON file, with all else and its order kept.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "setup.h"

#define SERVERS		"mcpServers"

static json_t	*load(const char *, size_t, struct change *);
static json_t	*relay_of(json_t *);
static const char *command_of(json_t *);
static void	 dump(struct change *, json_t *);
static int	 as_we_write(json_t *);
static int	 same_text(json_t *, json_t *);
static enum edit_result add(struct change *, json_t *);
static enum edit_result undo(struct change *, json_t *);

int
is_channeld(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, "channeld") == 0;
}

/* An object; no text, or only blanks, is an empty one. */
static json_t *
load(const char *text, size_t len, struct change *e)
{
	json_error_t error;
	json_t *root;
	size_t i = 0;

	while (text != NULL && i < len && strchr(" \t\r\n", text[i]) != NULL)
		i++;
	if (text == NULL || i == len)
		return json_object();
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		snprintf(e->why, sizeof(e->why), "line %d: %s", error.line,
		    error.text);
		return NULL;
	}
	if (!json_is_object(root) ||
	    (json_object_get(root, SERVERS) != NULL &&
	    !json_is_object(json_object_get(root, SERVERS)))) {
		snprintf(e->why, sizeof(e->why), "%s is not an object",
		    json_is_object(root) ? SERVERS : "the top");
		json_decref(root);
		return NULL;
	}
	return root;
}

static json_t *
relay_of(json_t *root)
{
	return json_object_get(json_object_get(root, SERVERS), SERVER);
}

/* "" if there is none. */
static const char *
command_of(json_t *relay)
{
	const char *s = json_string_value(json_object_get(relay, "command"));

	return s != NULL ? s : "";
}

/* Real numbers with as few digits as tell them apart. */
static void
dump(struct change *e, json_t *root)
{
	json_t *back = NULL;
	char *text = NULL;
	size_t digits;

	for (digits = 15; digits <= 17; digits++) {
		free(text);
		json_decref(back);
		text = json_dumps(root, JSON_INDENT(2) |
		    JSON_REAL_PRECISION(digits));
		back = json_loads(text, 0, NULL);
		if (json_equal(root, back))
			break;
	}
	wbuf_adds(&e->out, text);
	wbuf_adds(&e->out, "\n");
	json_decref(back);
	free(text);
}

/* Only a command and no arguments. */
static int
as_we_write(json_t *relay)
{
	json_t *args = json_object_get(relay, "args");

	return json_object_size(relay) == 2 && json_is_array(args) &&
	    json_array_size(args) == 0;
}

/* json_equal() does not look at the order. */
static int
same_text(json_t *a, json_t *b)
{
	char *s = json_dumps(a, JSON_COMPACT), *t = json_dumps(b, JSON_COMPACT);
	int same = strcmp(s, t) == 0;

	free(s);
	free(t);
	return same;
}

static enum edit_result
add(struct change *e, json_t *root)
{
	json_t *relay = relay_of(root), *servers;

	if (relay != NULL && !is_channeld(command_of(relay))) {
		snprintf(e->why, sizeof(e->why),
		    "another server is called %s there", SERVER);
		return EDIT_REFUSED;
	}
	if (relay != NULL && strcmp(command_of(relay), e->command) == 0)
		return EDIT_NONE;
	if (relay != NULL) {
		json_object_set_new(relay, "command",
		    json_string(e->command));
		dump(e, root);
		return EDIT_CHANGE;
	}
	if ((servers = json_object_get(root, SERVERS)) == NULL) {
		servers = json_object();
		json_object_set_new(root, SERVERS, servers);
	}
	json_object_set_new(servers, SERVER, json_pack("{s:s,s:[]}",
	    "command", e->command, "args"));
	dump(e, root);
	return EDIT_ADD;
}

/* What the backup has in this place, or nothing. */
static enum edit_result
undo(struct change *e, json_t *root)
{
	struct change ignored = { 0 };
	json_t *relay = relay_of(root), *servers, *before, *was;
	enum edit_result rc = EDIT_NONE;

	if (relay == NULL || !is_channeld(command_of(relay)))
		return EDIT_NONE;
	if (e->old == NULL && !e->created && !as_we_write(relay)) {
		snprintf(e->why, sizeof(e->why), "%s there is not from here",
		    SERVER);
		return EDIT_NONE;
	}
	before = e->old != NULL ? load(e->old, e->old_len, &ignored) : NULL;
	servers = json_object_get(root, SERVERS);
	if ((was = relay_of(before)) != NULL && json_equal(was, relay))
		goto done;
	if (was != NULL)
		json_object_set(servers, SERVER, was);
	else
		json_object_del(servers, SERVER);
	if (json_object_size(servers) == 0 &&
	    json_object_get(before, SERVERS) == NULL)
		json_object_del(root, SERVERS);
	if (before != NULL && same_text(root, before))
		wbuf_add(&e->out, e->old, e->old_len);
	else if (e->old != NULL || json_object_size(root) > 0)
		dump(e, root);
	rc = EDIT_REMOVE;
done:
	json_decref(before);
	return rc;
}

enum edit_result
change_json(struct change *e)
{
	enum edit_result rc;
	json_t *root = load(e->text, e->len, e);

	if (root == NULL)
		return EDIT_REFUSED;
	rc = e->undo ? undo(e, root) : add(e, root);
	json_decref(root);
	return rc;
}

int
json_command(struct change *e, char *dst, size_t size)
{
	json_t *root = load(e->text, e->len, e);

	if (root == NULL)
		return -1;
	strlcpy(dst, command_of(relay_of(root)), size);
	/* a server that is not a program */
	if (dst[0] == '\0' && relay_of(root) != NULL)
		strlcpy(dst, "?", size);
	json_decref(root);
	return 0;
}
