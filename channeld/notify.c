/* SPDX-License-Identifier: ISC */
/*
 * Events of the hub as notifications (the table in tools.md, Push), and what
 * is remembered of them.
 */
#include "compat.h"

#include <stdio.h>

#include "buf.h"
#include "hubclient.h"
#include "log.h"
#include "members.h"
#include "notify.h"
#include "push.h"
#include "pushqueue.h"
#include "recent.h"
#include "channel.h"
#include "waiting.h"

struct event_type {
	const char	*type;
	const char	*content;	/* the member that is the text */
	const char	*meta;		/* members, separated by spaces */
	/* What is remembered; pushed: the host was given it. */
	void		(*note)(struct channel *, json_t *, int pushed);
	/* The host was given it after that. */
	void		(*pushed)(struct channel *, json_t *);
	const char	*list;		/* where relay_inbox shows it */
};

static void	note_message(struct channel *, json_t *, int);
static void	note_ask(struct channel *, json_t *, int);
static void	note_reply(struct channel *, json_t *, int);
static void	note_err(struct channel *, json_t *, int);
static void	note_room_msg(struct channel *, json_t *, int);
static void	note_room_lost(struct channel *, json_t *, int);
static void	pushed_message(struct channel *, json_t *);
static void	pushed_ask(struct channel *, json_t *);
static void	pushed_reply(struct channel *, json_t *);
static void	pushed_room_msg(struct channel *, json_t *);
static int	is_repeated(struct channel *, json_t *);
static void	give(struct channel *, const struct event_type *, json_t *);
static json_t	*meta_of(json_t *, const char *);
static json_t	*part(const json_t *, const char *);
static void	explain(struct channel *, json_t *);
static const char *str(json_t *, const char *);

static const struct event_type types[] = {
	{ "incoming_message", "text",
	    "from msg_id ts reply_to urgent kind", note_message,
	    pushed_message, "messages" },
	{ "incoming_ask", "question",
	    "from ask_id broadcast_id thread_id", note_ask,
	    pushed_ask, "asks" },
	{ "incoming_reply", "text",
	    "from ask_id broadcast_id thread_id", note_reply,
	    pushed_reply, "replies" },
	{ "err", "message", "ask_id code", note_err,
	    pushed_reply, "replies" },
	{ "incoming_room_msg", "text", "from room msg_id", note_room_msg,
	    pushed_room_msg, "room_messages" },
	{ "incoming_group_msg", "text", "from group msg_id ts", NULL,
	    NULL, "groups" },
	{ NULL, NULL, NULL, NULL, NULL, NULL }
};

/* Our own. */
static const struct event_type room_lost = {
	"room_lost", "message", "room code", note_room_lost,
	pushed_room_msg, "room_messages"
};

/* Why there is no answer to an ask. */
static const struct {
	const char	*code, *why;
} fates[] = {
	{ "peer_not_found", "no session has that name" },
	{ "peer_gone", "the session left before it answered" },
	{ "timeout", "no answer came in time" },
	{ "hub_unreachable", "the hub stopped, and the question was lost" },
	{ NULL, "the hub refused it" }
};

static const char *
str(json_t *msg, const char *key)
{
	return json_string_value(json_object_get(msg, key));
}

void
notify_event(struct channel *s, const char *type, json_t *msg)
{
	const struct event_type *t;

	for (t = types; t->type != NULL && strcmp(t->type, type) != 0; t++)
		continue;
	if (t->type == NULL)
		return;
	if (strcmp(type, "err") == 0)
		explain(s, msg);
	if (strcmp(type, "incoming_message") != 0 || !is_repeated(s, msg))
		give(s, t, msg);
}

/* A sender makes sure after the hub was gone: the model has it already. */
static int
is_repeated(struct channel *s, json_t *msg)
{
	const char *id = str(msg, "msg_id");

	return id != NULL && recent_get(s->messages, id) != NULL;
}

static void
give(struct channel *s, const struct event_type *t, json_t *msg)
{
	const char *content;
	struct push_event ev = {
		.type = t->type, .list = t->list, .content = t->content,
		.msg = msg, .pushed = t->pushed,
	};
	int pushed = 0;

	if ((content = str(msg, t->content)) == NULL) {
		log_warnx("the hub sent %s without %s", t->type, t->content);
		return;
	}
	/* the host may have begun to offer another one */
	s->route = push_choose(s, s->conf.push);
	ev.meta = meta_of(msg, t->meta);
	if (s->route != NULL && s->route->push != NULL)
		pushed = s->route->push(s, content, ev.meta) == 0;
	if (t->note != NULL)
		t->note(s, msg, pushed);
	if (s->route != NULL && s->route->send != NULL)
		pushqueue_add(s->queue, &ev);
	json_decref(ev.meta);
}

/* A part of a message, as an object of its own. */
static json_t *
part(const json_t *msg, const char *keys)
{
	json_t *some = json_object();

	members_copy(some, msg, keys);
	return some;
}

/* One value that is no string, and the host drops the notification. */
static json_t *
meta_of(json_t *msg, const char *keys)
{
	json_t *meta = part(msg, keys), *value;
	const char *key, *from, *hub;
	void *next;

	json_object_foreach_safe(meta, next, key, value) {
		if (json_is_true(value))
			json_object_set_new(meta, key, json_string("true"));
		else if (!json_is_string(value))
			json_object_del(meta, key);
	}
	if ((from = str(meta, "from")) != NULL &&
	    (hub = strchr(from, '@')) != NULL)
		json_object_set_new(meta, "origin_hub", json_string(hub + 1));
	return meta;
}

static void
note_message(struct channel *s, json_t *msg, int pushed)
{
	const char *id = str(msg, "msg_id"), *from = str(msg, "from");

	if (id == NULL || from == NULL)
		return;
	recent_put(s->messages, id, from);
	if (pushed)
		pushed_message(s, msg);
}

static void
pushed_message(struct channel *s, json_t *msg)
{
	json_t *id = json_object_get(msg, "msg_id");

	if (s->hub != NULL && json_is_string(id))
		hubclient_tell(s->hub, json_pack("{s:s,s:[O]}",
		    "type", "received", "msg_id", id));
}

static void
pushed_ask(struct channel *s, json_t *msg)
{
	waiting_pushed(s->waiting, WAITING_ASKS, msg);
}

static void
pushed_reply(struct channel *s, json_t *msg)
{
	waiting_pushed(s->waiting, WAITING_REPLIES, msg);
}

static void
pushed_room_msg(struct channel *s, json_t *msg)
{
	waiting_pushed(s->waiting, WAITING_ROOM_MSGS, msg);
}

static void
note_ask(struct channel *s, json_t *msg, int pushed)
{
	const char *id = str(msg, "ask_id"), *from = str(msg, "from");

	if (id == NULL || from == NULL)
		return;
	recent_put(s->asks, id, from);
	/* the same one again, sent after a hub came back */
	waiting_remove(s->waiting, WAITING_ASKS, id);
	pushqueue_forget(s->queue, "asks", id);
	waiting_add(s->waiting, WAITING_ASKS,
	    part(msg, "ask_id from question broadcast_id thread_id"),
	    "question", pushed);
}

static void
note_reply(struct channel *s, json_t *msg, int pushed)
{
	const char *id = str(msg, "ask_id");

	if (id != NULL)
		recent_remove(s->own_asks, id);
	waiting_add(s->waiting, WAITING_REPLIES,
	    part(msg, "ask_id from text broadcast_id thread_id"), "text",
	    pushed);
}

static void
note_err(struct channel *s, json_t *msg, int pushed)
{
	const char *id = str(msg, "ask_id");

	if (id != NULL)
		recent_remove(s->own_asks, id);
	waiting_add(s->waiting, WAITING_REPLIES,
	    part(msg, "ask_id code message"), "message", pushed);
}

static void
note_room_msg(struct channel *s, json_t *msg, int pushed)
{
	waiting_add(s->waiting, WAITING_ROOM_MSGS,
	    part(msg, "room from text msg_id"), "text", pushed);
}

static void
note_room_lost(struct channel *s, json_t *msg, int pushed)
{
	waiting_add(s->waiting, WAITING_ROOM_MSGS, json_incref(msg),
	    "message", pushed);
}

/* Puts a sentence for the model in the place of the hub's message. */
static void
explain(struct channel *s, json_t *msg)
{
	const char *id = str(msg, "ask_id"), *code = str(msg, "code"), *to;
	char text[512];
	size_t i;

	for (i = 0; fates[i].code != NULL; i++) {
		if (code != NULL && strcmp(fates[i].code, code) == 0)
			break;
	}
	to = id != NULL ? recent_get(s->own_asks, id) : NULL;
	snprintf(text, sizeof(text), "Your question%s%s got no answer: %s. "
	    "Tell the user; do not broadcast it instead.",
	    to != NULL ? " to " : "", to != NULL ? to : "", fates[i].why);
	json_object_set_new(msg, "message", json_string(text));
}

void
notify_lost_asks(struct channel *s)
{
	json_t *lost = recent_list(s->own_asks, "to", 1), *one;
	size_t i;

	json_array_foreach(lost, i, one) {
		json_object_set_new(one, "code",
		    json_string("hub_unreachable"));
		notify_event(s, "err", one);
	}
	json_decref(lost);
}

void
notify_room_lost(struct channel *s, const char *room, const char *code,
    const char *why)
{
	struct wbuf w = { 0 };
	json_t *msg;

	wbuf_printf(&w, "You are not in room %s any more: the hub was gone "
	    "for a moment, and joining again failed (%s). What is said there "
	    "does not reach you: tell the user, and try relay_join later.",
	    room, why);
	msg = json_pack("{s:s,s:s,s:s%}", "room", room, "code", code,
	    "message", wbuf_data(&w), w.len);
	wbuf_free(&w);
	give(s, &room_lost, msg);
	json_decref(msg);
}
