/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of a host to a session without a hub.  A line that
 * begins with '<' is a message from the hub instead.  Each request gets one
 * answer with its id, and notifications are as hosts demand them.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "../../channeld/identity.h"
#include "../../channeld/mcp.h"
#include "../../channeld/notify.h"
#include "../../channeld/channel.h"
#include "log.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t		 answers;
static json_t		*last_id;
static struct channel	*session;

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
check_notification(const json_t *msg)
{
	json_t *params = json_object_get(msg, "params"), *value;
	const char *key;

	check(json_is_string(json_object_get(params, "content")));
	check(json_is_object(json_object_get(params, "meta")));
	json_object_foreach(json_object_get(params, "meta"), key, value)
		check(json_is_string(value));
}

static void
on_write(const char *p, size_t len, void *arg)
{
	json_t *msg = json_loadb(p, len, 0, NULL);

	(void)arg;
	check(msg != NULL && len > 0 && p[len - 1] == '\n' &&
	    memchr(p, '\n', len) == p + len - 1);
	if (json_object_get(msg, "method") != NULL)
		check_notification(msg);
	else {
		check((json_object_get(msg, "result") == NULL) !=
		    (json_object_get(msg, "error") == NULL));
		json_decref(last_id);
		last_id = json_incref(json_object_get(msg, "id"));
		answers++;
	}
	json_decref(msg);
}

static size_t
backlog(void *arg)
{
	(void)arg;
	return 0;
}

/* The id of the request in a line, or NULL if it is not a good one. */
static json_t *
request_id(const char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, 0, NULL), *id;
	const char *version;

	version = json_string_value(json_object_get(msg, "jsonrpc"));
	id = json_object_get(msg, "id");
	if (version == NULL || strcmp(version, "2.0") != 0 ||
	    !json_is_string(json_object_get(msg, "method")) ||
	    !(json_is_string(id) || json_is_number(id)))
		id = NULL;
	json_incref(id);
	json_decref(msg);
	return id;
}

static void
host_line(char *line, size_t len)
{
	json_t *id = request_id(line, len);

	answers = 0;
	channel_line(session, line, len);
	check(channel_running(session) == 0);
	check(answers <= 1);
	if (id != NULL)
		check(answers == 1 && json_equal(id, last_id));
	json_decref(id);
}

static void
hub_line(const char *line, size_t len)
{
	json_t *msg = json_loadb(line, len, 0, NULL);
	const char *type = json_string_value(json_object_get(msg, "type"));

	if (type != NULL)
		notify_event(session, type, msg);
	json_decref(msg);
}

static void
feed(char *p, size_t len)
{
	size_t n;
	char *nl;

	for (; len > 0; p += n, len -= n) {
		nl = memchr(p, '\n', len);
		n = nl != NULL ? (size_t)(nl - p) : len;
		if (n > 0 && p[0] == '<')
			hub_line(p + 1, n - 1);
		else if (n > 0)
			host_line(p, n);
		n += nl != NULL;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct identity id = { .name = "fuzz", .fixed = 1 };
	struct channel_conf conf = {
		.identity = &id, .push = "auto", .rate = 120, .burst = 60,
		.no_hub = 1, .write = on_write, .backlog = backlog,
	};
	char *copy = xmalloc(len);

	log_set_level(LOG_LEVEL_FATAL);
	if ((conf.base = event_base_new()) == NULL)
		abort();
	session = channel_new(&conf);
	if (len > 0)
		memcpy(copy, data, len);
	feed(copy, len);
	channel_free(session);
	event_base_free(conf.base);
	json_decref(last_id);
	last_id = NULL;
	free(copy);
	return 0;
}
