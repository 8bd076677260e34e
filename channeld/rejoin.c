/* SPDX-License-Identifier: ISC */
/*
 * Joining rooms again after the hub was gone.
 */
#include "compat.h"

#include "channel.h"
#include "errcode.h"
#include "hubcall.h"
#include "hubclient.h"
#include "log.h"
#include "notify.h"
#include "rejoin.h"

static void	join_next(struct channel *);
static void	on_joined(struct hubclient *, json_t *, void *);
static void	give_up(struct channel *, const char *, const json_t *);

void
rejoin_begin(struct channel *s)
{
	const char *room;
	json_t *joined;
	void *next;

	json_object_foreach_safe(s->rooms, next, room, joined)
		json_object_set_new(s->rooms, room, json_false());
	join_next(s);
}

/* One at a time, so that it is known whose answer comes. */
static void
join_next(struct channel *s)
{
	const char *room;
	json_t *joined;

	if (s->rejoining != NULL)
		return;
	json_object_foreach(s->rooms, room, joined) {
		if (!json_is_false(joined))
			continue;
		s->rejoining = json_string(room);
		hubclient_request(s->hub, json_pack("{s:s,s:s}", "type",
		    "join_room", "room", room), on_joined, s);
		return;
	}
}

static void
on_joined(struct hubclient *hc, json_t *answer, void *arg)
{
	struct channel *s = arg;
	json_t *asked = s->rejoining;
	const char *room = json_string_value(asked);

	s->rejoining = NULL;
	/* without a hub it begins anew with the next; left: no matter */
	if (hubclient_is_up(hc) && json_object_get(s->rooms, room) != NULL) {
		if (hubcall_is_refusal(answer))
			give_up(s, room, answer);
		else
			json_object_set_new(s->rooms, room, json_true());
	}
	json_decref(asked);
	if (hubclient_is_up(hc))
		join_next(s);
}

static void
give_up(struct channel *s, const char *room, const json_t *answer)
{
	const char *code, *why;

	code = json_string_value(json_object_get(answer, "code"));
	why = json_string_value(json_object_get(answer, "message"));
	if (code == NULL)
		code = err_code(ERR_HUB_UNREACHABLE);
	log_warnx("cannot join room %s again: %s", room, code);
	notify_room_lost(s, room, code, why != NULL ? why : code);
	(void)json_object_del(s->rooms, room);
}
