/* SPDX-License-Identifier: ISC */
/*
 * hubctl chat: what comes in, by the type of event.
 */
#include "compat.h"

#include <stdio.h>

#include "chat.h"

#define ASKS_MAX	100	/* the oldest is forgotten */

static void	on_message(struct chat *, json_t *);
static void	on_ask(struct chat *, json_t *);
static void	on_reply(struct chat *, json_t *);
static void	on_receipt(struct chat *, json_t *);
static void	on_err(struct chat *, json_t *);
static struct ask *new_ask(struct chat *, const char *, const char *);

static const struct {
	const char	*type;
	void		(*fn)(struct chat *, json_t *);
} events[] = {
	{ "incoming_message", on_message },
	{ "incoming_ask", on_ask },
	{ "incoming_reply", on_reply },
	{ "receipt", on_receipt },
	{ "err", on_err },
};

void
chat_event(struct hubclient *hc, const char *type, json_t *msg, void *arg)
{
	size_t i;

	(void)hc;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(events[i].type, type) == 0)
			events[i].fn(arg, msg);
	}
}

/* It is received when it is shown and seen when something is typed then. */
static void
on_message(struct chat *c, json_t *msg)
{
	json_t *id = json_object_get(msg, "msg_id");

	chat_message(c, NULL, msg);
	if (!json_is_string(id))
		return;
	hubclient_tell(c->hub, json_pack("{s:s,s:[O]}", "type", "received",
	    "msg_id", id));
	json_array_append(c->shown, id);
}

static struct ask *
new_ask(struct chat *c, const char *from, const char *ask_id)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	if (c->nasks >= ASKS_MAX)
		ask_free(c, TAILQ_LAST(&c->asks, asks));
	a->number = ++c->last_ask;
	a->from = xstrdup(from);
	a->ask_id = xstrdup(ask_id);
	TAILQ_INSERT_HEAD(&c->asks, a, entry);
	c->nasks++;
	return a;
}

static void
on_ask(struct chat *c, json_t *msg)
{
	const char *from = chat_member(msg, "from");
	const char *ask_id = chat_member(msg, "ask_id");
	json_t *text = json_object_get(msg, "question");
	char head[TARGET_SIZE + ASK_ID_SIZE + 64];
	struct ask *a;

	if (from == NULL || ask_id == NULL || !json_is_string(text))
		return;
	a = new_ask(c, from, ask_id);
	snprintf(head, sizeof(head), "%s asks%s #%u (%s)", from,
	    json_object_get(msg, "broadcast_id") != NULL ? " all" : "",
	    a->number, ask_id);
	chat_text(c, NULL, head, json_string_value(text),
	    json_string_length(text));
	if (a->number == 1)
		chat_say(c, "* answer with /reply TEXT or /reply #%u TEXT",
		    a->number);
}

static void
on_reply(struct chat *c, json_t *msg)
{
	const char *from = chat_member(msg, "from");
	const char *ask_id = chat_member(msg, "ask_id");
	json_t *text = json_object_get(msg, "text");
	char head[TARGET_SIZE + 32];

	if (from == NULL || ask_id == NULL || !json_is_string(text))
		return;
	snprintf(head, sizeof(head), "%s answers%s", from,
	    json_object_get(msg, "broadcast_id") != NULL ? " all" : "");
	chat_text(c, NULL, head, json_string_value(text),
	    json_string_length(text));
	json_object_del(c->asked, ask_id);
}

/* That a message arrived needs no line; that it never will does. */
static void
on_receipt(struct chat *c, json_t *msg)
{
	const char *state = chat_member(msg, "state");
	const char *peer = chat_member(msg, "peer");
	const char *id = chat_member(msg, "msg_id");

	if (state != NULL && strcmp(state, "expired") == 0)
		chat_say(c, "* a message to %s was pushed out of its mailbox "
		    "unread (%s)", peer != NULL ? peer : "?",
		    id != NULL ? id : "?");
}

static void
on_err(struct chat *c, json_t *msg)
{
	const char *ask_id = chat_member(msg, "ask_id");
	const char *to = NULL;
	char what[TARGET_SIZE + 32];

	if (ask_id != NULL)
		to = chat_member(c->asked, ask_id);
	if (to == NULL)
		return;
	snprintf(what, sizeof(what), "no answer from %s", to);
	chat_failed(c, what, msg);
	json_object_del(c->asked, ask_id);
}
