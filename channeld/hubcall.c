/* SPDX-License-Identifier: ISC */
/*
 * What the functions of the tools share: requests to the hub, and what its
 * refusals tell the model to do.
 */
#include "compat.h"

#include <stdio.h>

#include "channel.h"
#include "hubcall.h"
#include "hubclient.h"
#include "mcp.h"
#include "members.h"
#include "timeutil.h"
#include "tools.h"

static enum errcode	 code_of(const struct channel *, const json_t *,
			    const char **);
static const char	*advice_for(enum errcode, const char *);

static const char admin_stays[] =
    "A group has its admin as long as it lasts: ask the user whether to "
    "delete it with relay_group_delete.";

/* What to do when the hub's message with a code begins like this. */
static const struct {
	enum errcode	 code;
	const char	*reason, *advice;
} reasons[] = {
	{ ERR_BAD_ARGS, "room_limit_reached",
	    "There can be no more rooms: use one that is there "
	    "(relay_rooms)." },
	{ ERR_BAD_ARGS, "member_limit_reached",
	    "It is full: nobody can be added before somebody leaves; reach "
	    "peers with relay_send meanwhile." },
	{ ERR_BAD_ARGS, "invalid ",
	    "A name is 1 to 64 letters, digits, '.', '_' or '-': correct it "
	    "and try again." },
	{ ERR_BAD_ARGS, "group_exists",
	    "Choose another name; relay_group_list has the groups you are "
	    "in." },
	{ ERR_BAD_ARGS, "group_limit_reached",
	    "There can be no more groups: use one that is there, or a "
	    "room." },
	{ ERR_BAD_ARGS, "already_member",
	    "Nothing is left to do: relay_group_info lists the members." },
	{ ERR_BAD_ARGS, "admin_cannot_remove_self", admin_stays },
	{ ERR_BAD_ARGS, "the admin cannot leave", admin_stays },
};
#define NREASONS	(sizeof(reasons) / sizeof(reasons[0]))

json_t *
hubcall_new(const char *type, const json_t *args, const char *keys)
{
	json_t *msg = json_pack("{s:s}", "type", type);

	members_copy(msg, args, keys);
	return msg;
}

void
hubcall_add_id(json_t *msg, const char *key, const char *prefix)
{
	char id[UUID_SIZE + 2], uuid[UUID_SIZE];

	uuid_v7(uuid);
	snprintf(id, sizeof(id), "%s%s", prefix, uuid);
	json_object_set_new(msg, key, json_string(id));
}

void
hubcall_send(struct channel *s, struct mcp_call *call, json_t *msg,
    hubcall_fn *done)
{
	if (s->hub != NULL)
		hubclient_request(s->hub, msg, done, call);
	else {
		json_decref(msg);
		done(NULL, NULL, call);
	}
}

int
hubcall_is_refusal(const json_t *answer)
{
	const char *type;

	type = json_string_value(json_object_get(answer, "type"));
	return type == NULL || strcmp(type, "err") == 0;
}

int
hubcall_refused(struct mcp_call *call, json_t *answer)
{
	const char *what;
	enum errcode err;

	if (!hubcall_is_refusal(answer))
		return 0;
	err = code_of(call->arg, answer, &what);
	tool_fail_with(call, err, what, advice_for(err, what));
	return 1;
}

/* The code of a refusal, and the hub's reason or NULL. */
static enum errcode
code_of(const struct channel *s, const json_t *answer, const char **what)
{
	const char *code, *text;

	if (answer == NULL) {
		*what = s->hub != NULL ? hubclient_trouble(s->hub) : NULL;
		return ERR_HUB_UNREACHABLE;
	}
	code = json_string_value(json_object_get(answer, "code"));
	text = json_string_value(json_object_get(answer, "message"));
	if (code == NULL)
		code = "";
	if (s->failed != NULL && strcmp(s->failed, "name_taken") == 0)
		text = "This session has no name yet, since all it tried are "
		    "taken: give it one with relay_rename";
	*what = text != NULL && strcmp(text, code) != 0 ? text : NULL;
	return err_of(slice_of(code));
}

static const char *
advice_for(enum errcode err, const char *what)
{
	size_t i;

	for (i = 0; what != NULL && i < NREASONS; i++) {
		if (reasons[i].code == err && strncmp(what, reasons[i].reason,
		    strlen(reasons[i].reason)) == 0)
			return reasons[i].advice;
	}
	return err_advice(err);
}

void
hubcall_pass_on(struct mcp_call *call, json_t *answer, json_t *result,
    const char *keys)
{
	if (hubcall_refused(call, answer)) {
		json_decref(result);
		return;
	}
	members_copy(result, answer, keys);
	tool_done(call, result);
}

json_t *
hubcall_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

const char *
hubcall_arg(const struct mcp_call *call, const char *key)
{
	return json_string_value(json_object_get(call->args, key));
}
