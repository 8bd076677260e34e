/* SPDX-License-Identifier: ISC */
/*
 * The table of the tools.  A new one is a row here and a function in one of
 * the files *calls.c.
 */
#include "compat.h"

#include "names.h"
#include "toolcalls.h"
#include "tools.h"

#define MEMBERS_MAX	1000	/* the hub has a lower limit */

#define OK		"\"ok\":{\"type\":\"boolean\"}"
#define STR(name)	"\"" name "\":{\"type\":\"string\"}"
#define STRS(name)	"\"" name "\":{\"type\":\"array\","		\
			"\"items\":{\"type\":\"string\"}}"
#define INT(name)	"\"" name "\":{\"type\":\"integer\"}"
#define OBJ(name)	"\"" name "\":{\"type\":\"object\"}"
#define OBJS(name)	"\"" name "\":{\"type\":\"array\","		\
			"\"items\":{\"type\":\"object\"}}"

/* Descriptions are for a model; every byte of them costs it context. */
const struct tool tools[] = {
	{
		.name = "relay_peers",
		.description = "List the other AI sessions online now. "
		    "Call it when you do not know a session's exact name. "
		    "Returns {me, peers: [{name, cwd, git_branch, "
		    "last_seen}]}.",
		.flags = TOOL_CORE | TOOL_READS,
		.output = STR("me") "," OBJS("peers"),
		.run = tool_peers,
	}, {
		.name = "relay_send",
		.description = "Leave a message in a session's mailbox, "
		    "also while it is away: to tell, to hand over, or to "
		    "answer a message (reply_to: its msg_id). For a question "
		    "use relay_ask. kind request: the other is to do "
		    "something; urgent: cannot wait. Returns {ok, msg_id, "
		    "status: delivered or queued}.",
		.flags = TOOL_CORE | TOOL_SENDS,
		.output = OK "," STR("msg_id") "," STR("status"),
		.run = tool_send,
		.args = {
			{ "to", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "text", ARG_TEXT, 1, 0, 0, NULL },
			{ "reply_to", ARG_STRING, 0, 1, REF_LEN_MAX, NULL },
			{ "urgent", ARG_BOOLEAN, 0, 0, 0, NULL },
			{ "kind", ARG_CHOICE, 0, 0, 0,
			    "info request response" },
		},
	}, {
		.name = "relay_inbox",
		.description = "Read this session's mail: unread messages, "
		    "oldest first, plus what you may not have been shown: "
		    "questions to you (asks), answers to your asks "
		    "(replies), talk in rooms (room_messages). Call it when "
		    "a result says unread, or when an answer is due. "
		    "since_id: messages behind that one; recent: the last n, "
		    "read or not; query: search mail and groups for these "
		    "words, newest first. Returns {messages, remaining, ...}.",
		.flags = TOOL_CORE | TOOL_NO_UNREAD,
		.output = OBJS("messages") "," INT("remaining"),
		.run = tool_inbox,
		.args = {
			{ "limit", ARG_INTEGER, 0, 1, 100, NULL },
			{ "since_id", ARG_STRING, 0, 1, MSG_ID_LEN_MAX, NULL },
			{ "recent", ARG_INTEGER, 0, 1, 100, NULL },
			{ "query", ARG_STRING, 0, 1, REF_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_reply",
		.description = "Answer an ask (its ask_id) or a message (its "
		    "msg_id as ask_id) that came from another session. "
		    "Answer asks before other work: somebody waits. Not for "
		    "new subjects: relay_send. Returns {ok}.",
		.flags = TOOL_CORE | TOOL_SENDS,
		.output = OK,
		.run = tool_reply,
		.args = {
			{ "ask_id", ARG_STRING, 1, 1, ASK_ID_LEN_MAX, NULL },
			{ "text", ARG_TEXT, 1, 0, 0, NULL },
		},
	}, {
		.name = "relay_ask",
		.description = "Ask a session that is online a question. "
		    "Returns {ok, ask_id} at once; go on working. The answer, "
		    "or why there is none, comes as a notification with this "
		    "ask_id, or in replies of relay_inbox. Do not ask twice.",
		.flags = TOOL_CORE | TOOL_SENDS,
		.output = OK "," STR("ask_id"),
		.run = tool_ask,
		.args = {
			{ "to", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "question", ARG_TEXT, 1, 0, 0, NULL },
			{ "thread_id", ARG_STRING, 0, 1, REF_LEN_MAX, NULL },
			{ "timeout_s", ARG_INTEGER, 0, 1, 86400, NULL },
		},
	}, {
		.name = "relay_broadcast",
		.description = "Ask all sessions online the same question; "
		    "answers come as those to relay_ask do. Only when all "
		    "are meant: it interrupts everybody. Never instead of an "
		    "ask that failed. Returns {ok, broadcast_id, "
		    "peer_count}.",
		.flags = TOOL_SENDS,
		.output = OK "," STR("broadcast_id") "," INT("peer_count"),
		.run = tool_broadcast,
		.args = {
			{ "question", ARG_TEXT, 1, 0, 0, NULL },
			{ "exclude_self", ARG_BOOLEAN, 0, 0, 0, NULL },
		},
	}, {
		.name = "relay_rename",
		.description = "Change this session's name (letters, digits, "
		    ". _ -, at most 64) when the user wants it. Mail and "
		    "groups stay with it. Returns {ok, name}.",
		.flags = TOOL_CORE,
		.output = OK "," STR("name"),
		.run = tool_rename,
		.args = {
			{ "new_name", ARG_STRING, 1, 1, NAME_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_join",
		.description = "Join a room (it begins with its first "
		    "member): you get what is said there while you are "
		    "connected. Nothing is kept; to reach who is away use a "
		    "group. Returns {ok, room, members}.",
		.output = OK "," STR("room") "," STRS("members"),
		.run = tool_join,
		.args = {
			{ "room", ARG_STRING, 1, 1, NAME_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_leave",
		.description = "Leave a room when its talk does not concern "
		    "you any more. Returns {ok}.",
		.output = OK,
		.run = tool_leave,
		.args = {
			{ "room", ARG_STRING, 1, 1, NAME_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_room",
		.description = "Tell all who are in a room now; you need not "
		    "be in it. Not for questions (relay_ask) or one peer "
		    "(relay_send). Returns {ok, room, delivered_count}; 0: "
		    "nobody got it.",
		.flags = TOOL_SENDS,
		.output = OK "," STR("room") "," INT("delivered_count"),
		.run = tool_room,
		.args = {
			{ "room", ARG_STRING, 1, 1, NAME_LEN_MAX, NULL },
			{ "text", ARG_TEXT, 1, 0, 0, NULL },
		},
	}, {
		.name = "relay_rooms",
		.description = "List the rooms and who is in them, before "
		    "you join one or write there. Returns {rooms: [{name, "
		    "members}]}.",
		.flags = TOOL_READS,
		.output = OBJS("rooms"),
		.run = tool_rooms,
	}, {
		.name = "relay_group_create",
		.description = "Make a group of sessions, online or away, "
		    "whose messages are kept for each to read; you are its "
		    "admin. The others are not told before you write to it. "
		    "For a talk of now a room does. Returns {ok, group, "
		    "members}; what is no name is left out.",
		.output = OK "," STR("group") "," STRS("members"),
		.run = tool_group_create,
		.args = {
			{ "name", ARG_STRING, 1, 1, NAME_LEN_MAX, NULL },
			{ "members", ARG_STRINGS, 1, 0, MEMBERS_MAX, NULL },
		},
	}, {
		.name = "relay_group_invite",
		.description = "Add a session, online or away, to a group "
		    "you are admin of. It is not told before somebody writes "
		    "to the group. Returns {ok}.",
		.output = OK,
		.run = tool_group_invite,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "peer", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_group_remove",
		.description = "Put a session out of a group you are admin "
		    "of, when the user wants it; all members are told the "
		    "reason. To go yourself: relay_group_leave. Returns {ok}.",
		.flags = TOOL_DESTROYS,
		.output = OK,
		.run = tool_group_remove,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "peer", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "reason", ARG_STRING, 1, 1, REASON_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_group_leave",
		.description = "Leave a group; you cannot read it any more. "
		    "Its admin cannot leave, only delete it. Returns {ok}.",
		.output = OK,
		.run = tool_group_leave,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_group_send",
		.description = "Write to all members of a group you are in; "
		    "those away read it later. Not for one peer (relay_send) "
		    "or a question (relay_ask). Returns {ok}.",
		.flags = TOOL_SENDS,
		.output = OK,
		.run = tool_group_send,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "text", ARG_TEXT, 1, 0, 0, NULL },
		},
	}, {
		.name = "relay_group_history",
		.description = "Read what you have not read yet in a group, "
		    "oldest first; it counts as read then. Call it when "
		    "relay_group_list shows unread_count. Returns {ok, "
		    "group, messages: [{id, from, text, ts, type: message or "
		    "system}], unread_remaining}.",
		.output = OK "," STR("group") "," OBJS("messages") ","
		    INT("unread_remaining"),
		.run = tool_group_history,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
			{ "limit", ARG_INTEGER, 0, 1, 500, NULL },
		},
	}, {
		.name = "relay_group_list",
		.description = "List the groups you are in, at the start and "
		    "now and then: unread does not count their messages. "
		    "Returns {ok, groups: [{name, unread_count}]}.",
		.flags = TOOL_READS,
		.output = OK "," OBJS("groups"),
		.run = tool_group_list,
	}, {
		.name = "relay_group_info",
		.description = "Who is in a group you are in, who is its "
		    "admin, who is online. Returns {ok, group, admin, "
		    "members: [{name, online}], unread_count}.",
		.flags = TOOL_READS,
		.output = OK "," STR("group") "," STR("admin") ","
		    OBJS("members") "," INT("unread_count"),
		.run = tool_group_info,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_group_delete",
		.description = "Delete a group you are admin of with all its "
		    "messages, for ever: only when the user wants it. "
		    "Returns {ok}.",
		.flags = TOOL_DESTROYS,
		.output = OK,
		.run = tool_group_delete,
		.args = {
			{ "group", ARG_STRING, 1, 1, TARGET_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_status",
		.description = "Without arguments: this session's and the "
		    "hub's state, {ok, me, hub, unread, asks}; asks: open "
		    "questions to you. With msg_id: what became of a message "
		    "you sent (state: accepted, pushed, received, seen or "
		    "expired).",
		.flags = TOOL_READS,
		.output = OK "," STR("me") "," OBJ("hub") "," STR("state"),
		.run = tool_status,
		.args = {
			{ "msg_id", ARG_STRING, 0, 1, MSG_ID_LEN_MAX, NULL },
		},
	}, {
		.name = "relay_sessions",
		.description = "List every session known, online or away, "
		    "with last_seen and unread count: to find one that "
		    "relay_peers does not show. Returns {sessions}.",
		.flags = TOOL_READS,
		.output = OBJS("sessions"),
		.run = tool_sessions,
	},
};
const size_t ntools = sizeof(tools) / sizeof(tools[0]);
