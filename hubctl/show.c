/* SPDX-License-Identifier: ISC */
/*
 * hubctl show: what the hub knows, as text tables or as the JSON it sent.
 */
#include "compat.h"

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "hubctl.h"
#include "table.h"
#include "term.h"
#include "timeutil.h"

static int	show(struct hubctl *, const char *, void (*)(json_t *));
static const char *member(json_t *, const char *);
static int64_t	number(json_t *, const char *);
static void	show_peers(json_t *);
static void	show_sessions(json_t *);
static void	show_status(json_t *);
static void	show_rooms(json_t *);
static void	show_groups(json_t *);
static void	show_mailboxes(json_t *);
static void	show_links(json_t *);
static void	show_keys(json_t *);
static void	show_processes(json_t *);
static void	words(struct table *, json_t *);
static void	members(struct table *, json_t *);
static void	positive(struct table *, json_t *, const char *);
static void	place(struct table *, json_t *);

int
cmd_show_peers(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "peers", show_peers);
}

int
cmd_show_sessions(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "sessions", show_sessions);
}

int
cmd_show_status(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "status", show_status);
}

int
cmd_show_rooms(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "rooms", show_rooms);
}

int
cmd_show_groups(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "groups", show_groups);
}

int
cmd_show_links(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "links", show_links);
}

int
cmd_show_keys(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "keys", show_keys);
}

int
cmd_show_processes(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "processes", show_processes);
}

int
cmd_show_mailboxes(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctl, "mailboxes", show_mailboxes);
}

/* An escape inside of a JSON string means the same as what it stands for. */
void
print_json(const char *json, size_t len)
{
	struct wbuf w = { 0 };

	if (isatty(STDOUT_FILENO))
		term_add(&w, json, len, TERM_JSON, term_ascii());
	else
		wbuf_add(&w, json, len);
	wbuf_adds(&w, "\n");
	fwrite(wbuf_data(&w), 1, w.len, stdout);
	wbuf_free(&w);
}

static int
show(struct hubctl *ctl, const char *what, void (*print)(json_t *))
{
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;
	json_t *json = NULL;

	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	put_str(&w, what);
	result = ctl_call(c, CTL_SHOW, &w);
	wbuf_free(&w);
	ctl_close(c);
	if (result == NULL)
		return EXIT_FAILURE;
	if (ctl->json)
		print_json(result->data, result->len);
	else if ((json = json_loadb(result->data, result->len, 0, NULL)) !=
	    NULL)
		print(json);
	else
		warnx("the hub's answer is not JSON");
	rbuf_unref(result);
	json_decref(json);
	return ctl->json || json != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const char *
member(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int64_t
number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* A number, or an empty cell for 0. */
static void
positive(struct table *t, json_t *o, const char *key)
{
	if (number(o, key) > 0)
		table_int(t, number(o, key));
	else
		table_add(t, NULL);
}

/* The working directory and the branch: the last two columns. */
static void
place(struct table *t, json_t *o)
{
	table_add(t, member(o, "cwd"));
	table_add(t, member(o, "git_branch"));
}

static void
show_peers(json_t *json)
{
	static const char *const titles[] = {
		"NAME", "HOST", ">PID", "STATUS", ">SEEN", ">UNREAD",
		">QUEUED", "CWD", "BRANCH"
	};
	struct table *t;
	json_t *o;
	size_t i;
	int64_t now = time_now_ms();

	if (json_array_size(json_object_get(json, "peers")) == 0) {
		printf("no peers\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "peers"), i, o) {
		table_add(t, member(o, "name"));
		table_add(t, member(o, "host"));
		positive(t, o, "pid");
		table_add(t, member(o, "status"));
		table_age(t, number(o, "last_seen"), now);
		positive(t, o, "unread");
		positive(t, o, "queued");
		place(t, o);
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_sessions(json_t *json)
{
	static const char *const titles[] = {
		"NAME", "STATE", "HOST", ">SEEN", ">UNREAD", ">KEPT", "CWD",
		"BRANCH"
	};
	struct table *t;
	json_t *o;
	const char *status;
	size_t i;
	int64_t now = time_now_ms();

	if (json_array_size(json_object_get(json, "sessions")) == 0) {
		printf("no sessions\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "sessions"), i, o) {
		table_add(t, member(o, "name"));
		status = member(o, "status");
		if (!json_is_true(json_object_get(o, "online")))
			status = "away";
		table_add(t, status != NULL ? status : "online");
		table_add(t, member(o, "host"));
		table_age(t, number(o, "last_seen"), now);
		table_int(t, number(o, "unread"));
		table_int(t, number(o, "kept"));
		place(t, o);
	}
	table_print(t, stdout);
	table_free(t);
}

/* Strings with blanks between them, as the last column. */
static void
words(struct table *t, json_t *list)
{
	struct wbuf w = { 0 };
	const char *name;
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if ((name = json_string_value(v)) == NULL)
			continue;
		if (w.len > 0)
			wbuf_adds(&w, " ");
		wbuf_adds(&w, name);
	}
	put_u8(&w, '\0');
	table_add(t, wbuf_data(&w));
	wbuf_free(&w);
}

static void
members(struct table *t, json_t *o)
{
	words(t, json_object_get(o, "members"));
}

static void
show_processes(json_t *json)
{
	static const char *const titles[] = {
		"PROCESS", ">PID", "USER", "ROOT", "SANDBOX"
	};
	json_t *o, *layers;
	struct table *t;
	char uid[24];
	size_t i;

	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "processes"), i, o) {
		table_add(t, member(o, "process"));
		table_int(t, number(o, "pid"));
		snprintf(uid, sizeof(uid), "%lld", (long long)number(o,
		    "uid"));
		if (!json_is_true(json_object_get(o, "ready")))
			uid[0] = '\0';
		table_add(t, member(o, "user") != NULL ? member(o, "user") :
		    uid);
		table_add(t, member(o, "root"));
		layers = json_object_get(o, "sandbox");
		if (layers == NULL)
			table_add(t, "starting");
		else if (json_array_size(layers) == 0)
			table_add(t, "none");
		else
			words(t, layers);
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_rooms(json_t *json)
{
	static const char *const titles[] = { "NAME", "MEMBERS" };
	struct table *t;
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(json, "rooms")) == 0) {
		printf("no rooms\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "rooms"), i, o) {
		table_add(t, member(o, "name"));
		members(t, o);
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_groups(json_t *json)
{
	static const char *const titles[] = {
		"NAME", "ADMIN", ">MESSAGES", "CREATED", "MEMBERS"
	};
	struct table *t;
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(json, "groups")) == 0) {
		printf("no groups\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "groups"), i, o) {
		table_add(t, member(o, "name"));
		table_add(t, member(o, "admin"));
		table_int(t, number(o, "messages"));
		table_add(t, member(o, "created_at"));
		members(t, o);
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_links(json_t *json)
{
	static const char *const titles[] = {
		"HUB", "KIND", "STATE", "SINCE", ">PEERS", ">QUEUED",
		"WHERE", "LAST ERROR"
	};
	const char *hub;
	struct table *t;
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(json, "links")) == 0) {
		printf("no other hubs: hubd.conf(5) says how to link them\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "links"), i, o) {
		hub = member(o, "hub_id");
		table_add(t, hub != NULL && hub[0] == '\0' ? "-" : hub);
		table_add(t, member(o, "kind"));
		table_add(t, member(o, "state"));
		table_add(t, member(o, "since"));
		table_int(t, number(o, "peers"));
		table_int(t, number(o, "queued"));
		table_add(t, member(o, "where"));
		table_add(t, member(o, "error"));
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_keys(json_t *json)
{
	static const char *const titles[] = {
		"HUB", "STATE", "KEY", "SINCE", "LAST SEEN"
	};
	const char *key;
	struct table *t;
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(json, "keys")) == 0) {
		printf("no keys: hubs show them to each other by way of a "
		    "relay\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "keys"), i, o) {
		key = member(o, "key");
		table_add(t, member(o, "hub_id"));
		table_add(t, member(o, "state"));
		table_add(t, key != NULL && key[0] == '\0' ? "-" : key);
		table_add(t, member(o, "first_seen"));
		table_add(t, member(o, "last_seen"));
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_mailboxes(json_t *json)
{
	static const char *const titles[] = {
		"NAME", "STATE", ">UNREAD", ">KEPT", ">DROPPED"
	};
	struct table *t;
	json_t *o;
	size_t i;

	if (json_array_size(json_object_get(json, "mailboxes")) == 0) {
		printf("no mailboxes\n");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(json_object_get(json, "mailboxes"), i, o) {
		table_add(t, member(o, "name"));
		table_add(t, json_is_true(json_object_get(o, "online")) ?
		    "online" : "away");
		table_int(t, number(o, "unread"));
		table_int(t, number(o, "kept"));
		positive(t, o, "dropped");
	}
	table_print(t, stdout);
	table_free(t);
}

static void
show_status(json_t *json)
{
	static const char *const titles[] = { "", "" };
	json_t *hub = json_object_get(json, "hub");
	json_t *store = json_object_get(json, "store");
	struct table *t = table_new(titles, 2);
	const struct {
		const char	*label;
		json_t		*object;
		const char	*key;
	} rows[] = {
		{ "hub", hub, "hub_id" },
		{ "version", hub, "version" },
		{ "uptime", hub, "uptime_s" },
		{ "peers", hub, "peers" },
		{ "open asks", hub, "asks" },
		{ "requests at the store", store, "queued" },
	};
	char age[24];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *v = json_object_get(rows[i].object, rows[i].key);

		if (v == NULL)
			continue;
		table_add(t, rows[i].label);
		if (strcmp(rows[i].key, "uptime_s") == 0) {
			age_text(json_integer_value(v) * 1000, age,
			    sizeof(age));
			table_add(t, age);
		} else if (json_is_integer(v))
			table_int(t, json_integer_value(v));
		else
			table_add(t, json_string_value(v));
	}
	table_print(t, stdout);
	table_free(t);
}
