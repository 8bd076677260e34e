/* SPDX-License-Identifier: ISC */
/*
 * The error codes of protocol.md and what each tells a model to do.
 */
#include "compat.h"

#include "errcode.h"

static const struct {
	const char	*code, *advice;
} rows[ERR_MAX] = {
	[ERR_NONE] = { "", "" },
	[ERR_PEER_NOT_FOUND] = { "peer_not_found",
	    "No session of this name is online: look at relay_peers and use a "
	    "name from there." },
	[ERR_PEER_GONE] = { "peer_gone",
	    "The other session left before it answered: tell the user, or "
	    "leave it a message with relay_send." },
	[ERR_TIMEOUT] = { "timeout",
	    "The other session did not answer in time: tell the user, or "
	    "leave it a message with relay_send." },
	[ERR_NAME_TAKEN] = { "name_taken",
	    "Another session has this name: choose a different one." },
	[ERR_NOT_REGISTERED] = { "not_registered",
	    "This session has no name at the hub yet: try again in a moment." },
	[ERR_ALREADY_REGISTERED] = { "already_registered",
	    "This session is registered already: use relay_rename to change "
	    "its name." },
	[ERR_UNKNOWN_ASK] = { "unknown_ask",
	    "Nobody waits for an answer to this ask any more: use relay_send "
	    "to reach the session that asked." },
	[ERR_BAD_MSG] = { "bad_msg",
	    "The request was malformed: check the arguments and try again." },
	[ERR_BAD_ARGS] = { "bad_args",
	    "An argument is not valid: correct it and try again." },
	[ERR_HUB_UNREACHABLE] = { "hub_unreachable",
	    "The hub did not answer: nothing was sent; try again in a few "
	    "seconds, and tell the user if it stays so." },
	[ERR_PROTOCOL_MISMATCH] = { "protocol_mismatch",
	    "The hub speaks another protocol version: ask the user to restart "
	    "the hub (hubctl stop)." },
	[ERR_MAILBOX_ERROR] = { "mailbox_error",
	    "The hub could not store or read messages (disk full or not "
	    "writable): nothing was sent; tell the user." },
	[ERR_NOT_MEMBER] = { "not_member",
	    "This session is not a member of such a group: look at "
	    "relay_group_list, or ask the group's admin for an invitation." },
	[ERR_NOT_ADMIN] = { "not_admin",
	    "Only the group's admin may do this: ask the admin." },
	[ERR_GROUP_NOT_FOUND] = { "group_not_found",
	    "There is no such group: look at relay_group_list." },
	[ERR_UNEXPECTED] = { "unexpected",
	    "The hub refused this for a reason it could not name: tell the "
	    "user to look into the hub's log." },
	[ERR_RATE_LIMITED] = { "rate_limited",
	    "Too many messages in a short time: wait before sending more." },
	[ERR_TOO_LARGE] = { "too_large",
	    "The text is too long: shorten it, or put it into a file and send "
	    "the path." },
};

const char *
err_code(enum errcode e)
{
	return rows[e].code;
}

enum errcode
err_of(struct slice s)
{
	int i;

	for (i = ERR_NONE + 1; i < ERR_MAX; i++) {
		if (slice_is(s, rows[i].code))
			return (enum errcode)i;
	}
	return ERR_UNEXPECTED;
}

const char *
err_advice(enum errcode e)
{
	return rows[e].advice;
}
