/* SPDX-License-Identifier: ISC */
/*
 * What the tools do that are about groups.
 */
#include "compat.h"

#include "channel.h"
#include "hubcall.h"
#include "hubclient.h"
#include "mcp.h"
#include "toolcalls.h"
#include "tools.h"

static hubcall_fn done, create_done, remove_done, send_done, history_done,
		    list_done, info_done;

static void
done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(), "");
}

void
tool_group_create(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_create", call->args,
	    "name members"), create_done);
}

static void
create_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(), "group members");
}

void
tool_group_invite(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_invite", call->args,
	    "group peer"), done);
}

void
tool_group_remove(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_remove", call->args,
	    "group peer reason"), remove_done);
}

/* It is the admin's call: not_member says that the other one is none. */
static void
remove_done(struct hubclient *hc, json_t *answer, void *arg)
{
	const char *code;

	code = json_string_value(json_object_get(answer, "code"));
	if (code != NULL && strcmp(code, "not_member") == 0)
		tool_fail_with(arg, ERR_NOT_MEMBER, NULL, "That session is "
		    "not in the group: relay_group_info lists the members.");
	else
		done(hc, answer, arg);
}

void
tool_group_leave(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_leave", call->args,
	    "group"), done);
}

void
tool_group_send(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_send", call->args,
	    "group text"), send_done);
}

/* It has no id by which the hub would know it again: it is sent once. */
static void
send_done(struct hubclient *hc, json_t *answer, void *arg)
{
	if (answer == NULL && hc != NULL)
		tool_fail_with(arg, ERR_HUB_UNREACHABLE,
		    hubclient_trouble(hc), "The hub did not answer, so that "
		    "this may have been sent or not: look for it with "
		    "relay_group_history before you send it again.");
	else
		done(hc, answer, arg);
}

void
tool_group_history(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_history", call->args,
	    "group limit"), history_done);
}

static void
history_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(),
	    "group messages unread_remaining dropped");
}

void
tool_group_list(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_list", NULL, ""),
	    list_done);
}

static void
list_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(), "groups");
}

void
tool_group_info(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_info", call->args, "group"),
	    info_done);
}

static void
info_done(struct hubclient *hc, json_t *answer, void *arg)
{
	(void)hc;
	hubcall_pass_on(arg, answer, hubcall_ok(),
	    "group admin members unread_count");
}

void
tool_group_delete(struct channel *s, struct mcp_call *call)
{
	hubcall_send(s, call, hubcall_new("group_delete", call->args,
	    "group"), done);
}
