/* SPDX-License-Identifier: ISC */
/*
 * What the tools do that are about rooms.
 */
#include "compat.h"

#include "buf.h"
#include "channel.h"
#include "hubcall.h"
#include "mcp.h"
#include "names.h"
#include "toolcalls.h"
#include "tools.h"

static void	forget(struct mcp_call *);
static hubcall_fn join_done, leave_done, room_done, rooms_done;

/* relay_join */

void
tool_join(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("join_room", call->args, "room"),
	    join_done);
}

static void
join_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;
	struct channel *s = call->arg;
	const char *room;

	(void)hc;
	room = json_string_value(json_object_get(answer, "room"));
	if (!hubcall_is_refusal(answer) && room != NULL)
		json_object_set_new(s->rooms, room, json_true());
	hubcall_pass_on(call, answer, hubcall_ok(), "room members");
}

/* relay_leave */

void
tool_leave(struct channel *s, struct mcp_call *call)
{
	/* at once: it is not joined again if there is no hub now */
	forget(call);
	hubcall_send(s, call, hubcall_new("leave_room", call->args, "room"),
	    leave_done);
}

static void
leave_done(struct hubclient *hc, json_t *answer, void *arg)
{
	struct mcp_call *call = arg;

	(void)hc;
	/* a join may have been answered meanwhile */
	if (!hubcall_is_refusal(answer))
		forget(call);
	hubcall_pass_on(call, answer, hubcall_ok(), "");
}

static void
forget(struct mcp_call *call)
{
	struct channel *s = call->arg;
	struct slice room = name_trim(slice_of(hubcall_arg(call, "room")));
	char name[NAME_SIZE];

	if (slice_copy(room, name, sizeof(name)) == 0)
		(void)json_object_del(s->rooms, name);
}

/* relay_room */

void
tool_room(struct channel *s, struct mcp_call *call)
{
	json_t *msg = hubcall_new("room_msg", call->args, "room text");

	hubcall_add_id(msg, "msg_id", "m-");
	hubcall_send(s, call, msg, room_done);
}

static void
room_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(), "room delivered_count");
}

/* relay_rooms */

void
tool_rooms(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("list_rooms", NULL, ""),
	    rooms_done);
}

static void
rooms_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, json_object(), "rooms");
}
