/* SPDX-License-Identifier: ISC */
/*
 * hubctl monitor: what happens at the hub, a line for each event.
 */
#include "compat.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "hubctl.h"
#include "term.h"

static int	on_event(const char *, size_t, void *);
static void	add_string(struct wbuf *, json_t *, const char *,
		    const char *);
static void	add_event(struct wbuf *, json_t *);

int
cmd_monitor(struct hubctl *ctl, int argc, char **argv)
{
	struct rbuf *result;
	struct ctl *c;
	int rc = -1;

	(void)argc;
	(void)argv;
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	if ((result = ctl_call(c, CTL_MONITOR, NULL)) != NULL) {
		rbuf_unref(result);
		rc = ctl_events(c, on_event, ctl);
		if (rc == -1)
			warnx("the hub has gone");
	}
	ctl_close(c);
	return EXIT_FAILURE;
}

/* Ends (1) when nobody reads what is written. */
static int
on_event(const char *text, size_t len, void *arg)
{
	struct hubctl *ctl = arg;
	struct wbuf w = { 0 };
	json_t *json;

	if (ctl->json)
		print_json(text, len);
	else if ((json = json_loadb(text, len, 0, NULL)) == NULL)
		warnx("an event is not JSON");
	else {
		add_event(&w, json);
		fwrite(wbuf_data(&w), 1, w.len, stdout);
		wbuf_free(&w);
		json_decref(json);
	}
	if (fflush(stdout) == 0)
		return 0;
	if (errno != EPIPE)
		warn("standard output");
	return 1;
}

/* A string or number with something before it, or nothing. */
static void
add_string(struct wbuf *w, json_t *o, const char *key, const char *before)
{
	json_t *v = json_object_get(o, key);

	if (json_is_string(v)) {
		wbuf_adds(w, before);
		term_add(w, json_string_value(v), json_string_length(v),
		    TERM_LINE, term_ascii());
	} else if (json_is_integer(v))
		wbuf_printf(w, "%s%" JSON_INTEGER_FORMAT, before,
		    json_integer_value(v));
}

/* 22:34:00 message    api -> web msg_id m-... */
static void
add_event(struct wbuf *w, json_t *o)
{
	static const struct {
		const char	*key, *before;
	} members[] = {
		{ "name", " " },
		{ "from", " " },
		{ "to", " -> " },
		{ "new_name", " -> " },
		{ "room", " room " },
		{ "group", " group " },
		{ "peer", " peer " },
		{ "state", " " },
		{ "status", " " },
		{ "msg_id", " msg_id " },
		{ "ask_id", " ask_id " },
		{ "peer_count", " peers " },
		{ "hub", " " },
		{ "why", ": " },
	};
	const char *event = json_string_value(json_object_get(o, "event"));
	char clock[16];
	time_t now = time(NULL);
	struct tm tm;
	size_t i;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	wbuf_printf(w, "%s %-9s", clock, event != NULL ? event : "?");
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		add_string(w, o, members[i].key, members[i].before);
	wbuf_adds(w, "\n");
}
