/* SPDX-License-Identifier: ISC */
/*
 * The tools of channeld for groups: results, what others are given, and what
 * a model is told when something is refused.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp.h"

#define LATEST		"2025-11-25"

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

/* With a configuration of the user's own. */
static struct tenv *
begin_with(const char *conf)
{
	struct tenv	*t = tenv_new();

	hub_conf(t, conf);
	hub_start(t);
	return (t);
}

static struct conn *
session(struct tenv *t, const char *name)
{
	struct conn	*m = mcp_start(t, name, NULL);

	mcp_init(m, LATEST);
	mcp_name(m);
	return (m);
}

/* A tool whose result is {ok: true}; key: of one more argument, or NULL. */
static void
does(struct conn *m, const char *tool, const char *group, const char *key,
    const char *value)
{
	json_t	*j;

	if (key == NULL)
		j = mcp_tool(m, tool, "{s:s}", "group", group);
	else
		j = mcp_tool(m, tool, "{s:s,s:s}", "group", group, key,
		    value);
	is_same(j, "{s:b}", "ok", 1);
}

static void
create(struct conn *m, const char *group, const char *member)
{
	mcp_tool(m, "relay_group_create", "{s:s,s:[s]}", "name", group,
	    "members", member);
}

static json_t *
history(struct conn *m, const char *group)
{
	return (mcp_tool(m, "relay_group_history", "{s:s}", "group", group));
}

/* The entry's number, sender, text and type, which is all but its time. */
static void
is_entry(json_t *list, size_t i, int id, const char *from, const char *text,
    const char *type)
{
	json_t	*j = json_array_get(list, i);

	has_only(j, "id from text ts type");
	is_int(j, "id", id);
	is_str(j, "from", from);
	is_str(j, "text", text);
	is_str(j, "type", type);
	want(is_iso8601(str_of(j, "ts")), "ts: %s", show(j));
}

START_TEST(making_a_group)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	json_t		*j, *list;

	is_same(mcp_tool(a, "relay_group_list", "{}"), "{s:b,s:[]}",
	    "ok", 1, "groups");
	j = mcp_tool(a, "relay_group_create", "{s:s,s:[s,s,s,s]}",
	    "name", " core ", "members", "b", "a/b", "away", "a");
	is_same(j, "{s:b,s:s,s:[s,s,s]}", "ok", 1, "group", "core",
	    "members", "a", "b", "away");
	j = mcp_tool(a, "relay_group_create", "{s:s,s:[]}", "name", "own",
	    "members");
	is_list(j, "members", 1);
	is_same(mcp_tool(b, "relay_group_list", "{}"),
	    "{s:b,s:[{s:s,s:i}]}", "ok", 1, "groups", "name", "core",
	    "unread_count", 0);
	is_list(mcp_tool(a, "relay_group_list", "{}"), "groups", 2);
	j = mcp_tool(b, "relay_group_info", "{s:s}", "group", "core");
	has_only(j, "ok group admin members unread_count");
	is_str(j, "group", "core");
	is_str(j, "admin", "a");
	is_int(j, "unread_count", 0);
	list = is_list(j, "members", 3);
	is_same(find_in(list, "name", "a"), "{s:s,s:b}", "name", "a",
	    "online", 1);
	is_same(find_in(list, "name", "b"), "{s:s,s:i,s:b}", "name", "b",
	    "last_read", 0, "online", 1);
	is_same(find_in(list, "name", "away"), "{s:s,s:b}", "name", "away",
	    "online", 0);
	tenv_end(t);
}
END_TEST

START_TEST(writing_to_a_group)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b"), *c;
	json_t		*j, *push, *list;

	mcp_tool(a, "relay_group_create", "{s:s,s:[s,s]}", "name", "g",
	    "members", "b", "c");
	does(a, "relay_group_send", "g", "text", "one \"1\"");
	does(b, "relay_group_send", "g", "text", "two");
	push = mcp_push(b);
	is_str(push, "content", "one \"1\"");
	push = json_object_get(push, "meta");
	has_only(push, "from group msg_id ts");
	is_str(push, "from", "a");
	is_str(push, "group", "g");
	is_str(push, "msg_id", "1");
	is_str(mcp_push(a), "content", "two");
	/* one that was away reads it, bit by bit */
	c = session(t, "c");
	j = mcp_tool(c, "relay_group_list", "{}");
	is_int(find_in(json_object_get(j, "groups"), "name", "g"),
	    "unread_count", 2);
	j = mcp_tool(c, "relay_group_history", "{s:s,s:i}", "group", "g",
	    "limit", 1);
	has_only(j, "ok group messages unread_remaining");
	is_str(j, "group", "g");
	is_int(j, "unread_remaining", 1);
	is_entry(is_list(j, "messages", 1), 0, 1, "a", "one \"1\"",
	    "message");
	j = history(c, "g");
	is_int(j, "unread_remaining", 0);
	is_entry(is_list(j, "messages", 1), 0, 2, "b", "two", "message");
	is_list(history(c, "g"), "messages", 0);
	/* one's own count */
	list = is_list(history(a, "g"), "messages", 2);
	is_entry(list, 0, 1, "a", "one \"1\"", "message");
	tenv_end(t);
}
END_TEST

START_TEST(coming_and_going)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	struct conn	*c = session(t, "c");
	json_t		*push, *list;

	create(a, "g", "b");
	does(a, "relay_group_invite", "g", "peer", "c");
	is_list(mcp_tool(c, "relay_group_list", "{}"), "groups", 1);
	mcp_tool(a, "relay_group_remove", "{s:s,s:s,s:s}", "group", "g",
	    "peer", "c", "reason", "not needed");
	push = mcp_push(c);
	is_str(push, "content", "a removed c from g: not needed");
	is_str(json_object_get(push, "meta"), "group", "g");
	is_list(mcp_tool(c, "relay_group_list", "{}"), "groups", 0);
	does(b, "relay_group_leave", "g", NULL, NULL);
	list = is_list(history(a, "g"), "messages", 2);
	is_entry(list, 0, 1, "a", "a removed c: not needed", "system");
	is_entry(list, 1, 2, "b", "b left", "system");
	create(a, "h", "b");
	does(a, "relay_group_delete", "h", NULL, NULL);
	push = mcp_push(b);
	is_str(push, "content", "a deleted group h");
	is_list(mcp_tool(b, "relay_group_list", "{}"), "groups", 0);
	is_list(mcp_tool(a, "relay_group_list", "{}"), "groups", 1);
	tenv_end(t);
}
END_TEST

START_TEST(who_may_not)
{
	static const char *const	 theirs[] = {
		"relay_group_leave", "relay_group_history", "relay_group_info"
	};
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	struct conn	*c = session(t, "c");
	size_t		 i;

	create(a, "g", "b");
	for (i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		mcp_fails(c, "not_member", "", "not a member", theirs[i],
		    json_pack("{s:s}", "group", "g"));
		mcp_fails(c, "not_member", "", "not a member", theirs[i],
		    json_pack("{s:s}", "group", "nosuch"));
	}
	mcp_fails(c, "not_member", "", "not a member", "relay_group_send",
	    json_pack("{s:s,s:s}", "group", "g", "text", "x"));
	mcp_fails(b, "not_admin", "", "admin", "relay_group_invite",
	    json_pack("{s:s,s:s}", "group", "g", "peer", "c"));
	mcp_fails(b, "not_admin", "", "admin", "relay_group_remove",
	    json_pack("{s:s,s:s,s:s}", "group", "g", "peer", "a",
	    "reason", "x"));
	mcp_fails(b, "not_admin", "", "admin", "relay_group_delete",
	    json_pack("{s:s}", "group", "g"));
	mcp_fails(b, "group_not_found", "", "relay_group_list",
	    "relay_group_delete", json_pack("{s:s}", "group", "nosuch"));
	mcp_fails(b, "group_not_found", "", "relay_group_list",
	    "relay_group_invite", json_pack("{s:s,s:s}", "group", "nosuch",
	    "peer", "c"));
	mcp_fails(a, "bad_args", "the admin cannot leave", "relay_group_delete",
	    "relay_group_leave", json_pack("{s:s}", "group", "g"));
	mcp_fails(a, "bad_args", "admin_cannot_remove_self. ",
	    "relay_group_delete", "relay_group_remove",
	    json_pack("{s:s,s:s,s:s}", "group", "g", "peer", "a",
	    "reason", "x"));
	mcp_fails(a, "not_member", "That session", "relay_group_info",
	    "relay_group_remove", json_pack("{s:s,s:s,s:s}", "group", "g",
	    "peer", "c", "reason", "x"));
	mcp_fails(a, "bad_args", "already_member. ", "relay_group_info",
	    "relay_group_invite", json_pack("{s:s,s:s}", "group", "g",
	    "peer", "b"));
	mcp_fails(c, "bad_args", "group_exists. ", "another name",
	    "relay_group_create", json_pack("{s:s,s:[]}", "name", "g",
	    "members"));
	tenv_end(t);
}
END_TEST

/* The hub's reason, and what to do about it. */
START_TEST(what_is_full)
{
	struct tenv	*t = begin_with("limit groups 1\n"
			    "limit members 2 per group\n");
	struct conn	*a = session(t, "a");

	create(a, "g", "b");
	mcp_fails(a, "bad_args", "group_limit_reached (max 1). ", "room",
	    "relay_group_create", json_pack("{s:s,s:[]}", "name", "h",
	    "members"));
	mcp_fails(a, "bad_args", "member_limit_reached (max 2). ", "relay_send",
	    "relay_group_invite", json_pack("{s:s,s:s}", "group", "g",
	    "peer", "c"));
	tenv_end(t);
}
END_TEST

START_TEST(arguments_are_checked)
{
	static const char *const	 by_group[] = {
		"relay_group_leave", "relay_group_history",
		"relay_group_info", "relay_group_delete"
	};
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	char		*text = t_fill('x', 524289), *name = t_fill('n', 130);
	char		*reason = t_fill('r', 257);
	size_t		 i;

	for (i = 0; i < sizeof(by_group) / sizeof(by_group[0]); i++) {
		mcp_fails(m, "bad_args", "group (string) is missing", "",
		    by_group[i], json_object());
		mcp_fails(m, "bad_args", "group must be", "", by_group[i],
		    json_pack("{s:s}", "group", name));
		mcp_fails(m, "bad_args", "invalid group name",
		    "letters, digits", by_group[i],
		    json_pack("{s:s}", "group", "a/b"));
	}
	mcp_fails(m, "bad_args", "members (array) is missing", "",
	    "relay_group_create", json_pack("{s:s}", "name", "g"));
	mcp_fails(m, "bad_args", "members must be an array of", "",
	    "relay_group_create", json_pack("{s:s,s:s}", "name", "g",
	    "members", "a"));
	mcp_fails(m, "bad_args", "members must be an array of", "",
	    "relay_group_create", json_pack("{s:s,s:[s,i]}", "name", "g",
	    "members", "a", 5));
	mcp_fails(m, "bad_args", "invalid group name", "letters, digits",
	    "relay_group_create", json_pack("{s:s,s:[]}", "name", "..",
	    "members"));
	mcp_fails(m, "bad_args", "not a name", "letters, digits",
	    "relay_group_invite", json_pack("{s:s,s:s}", "group", "g",
	    "peer", "a b"));
	mcp_fails(m, "bad_args", "reason must be", "", "relay_group_remove",
	    json_pack("{s:s,s:s,s:s}", "group", "g", "peer", "a",
	    "reason", reason));
	mcp_fails(m, "bad_args", "reason (string) is missing", "",
	    "relay_group_remove", json_pack("{s:s,s:s}", "group", "g",
	    "peer", "a"));
	mcp_fails(m, "bad_args", "limit must be", "", "relay_group_history",
	    json_pack("{s:s,s:i}", "group", "g", "limit", 501));
	mcp_fails(m, "too_large", "text must be", "", "relay_group_send",
	    json_pack("{s:s,s:s}", "group", "g", "text", text));
	free(text);
	free(name);
	free(reason);
	tenv_end(t);
}
END_TEST

START_TEST(too_many_members)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*members = json_array();
	char		 name[16];
	int		 i;

	for (i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "peer%d", i);
		json_array_append_new(members, json_string(name));
	}
	mcp_fails(m, "bad_msg", "members must be at most 20", "",
	    "relay_group_create", json_pack("{s:s,s:O}", "name", "g",
	    "members", members));
	json_array_remove(members, 0);
	is_list(mcp_tool(m, "relay_group_create", "{s:s,s:O}", "name", "g",
	    "members", members), "members", 21);
	json_decref(members);
	tenv_end(t);
}
END_TEST

/* What comes next has a later time. */
static void
tick(struct tenv *t)
{
	int64_t	now = t_now();

	while (t_now() < now + 2)
		conns_pump(t, 1);
}

/* Mail and groups, newest first; one's own groups only. */
START_TEST(found_by_words)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	struct conn	*c = session(t, "c");
	json_t		*j, *list;
	const char	*id;

	create(a, "g", "b");
	create(a, "h", "c");
	id = str_of(mcp_tool(a, "relay_send", "{s:s,s:s}", "to", "b",
	    "text", "the green build"), "msg_id");
	tick(t);
	does(a, "relay_group_send", "g", "text", "a build that is Green");
	does(a, "relay_group_send", "g", "text", "a red build");
	does(a, "relay_group_send", "h", "text", "green build");
	j = mcp_tool(b, "relay_inbox", "{s:s}", "query", "green build");
	is_int(j, "remaining", 0);
	list = is_list(j, "messages", 2);
	is_str(json_array_get(list, 0), "text", "a build that is Green");
	is_str(json_array_get(list, 0), "group", "g");
	is_str(json_array_get(list, 0), "from", "a");
	is_str(json_array_get(list, 1), "msg_id", id);
	j = mcp_tool(b, "relay_inbox", "{s:s,s:i}", "query", "build",
	    "limit", 1);
	is_int(j, "remaining", 2);
	is_str(json_array_get(is_list(j, "messages", 1), 0), "text",
	    "a red build");
	j = mcp_tool(c, "relay_inbox", "{s:s}", "query", "red");
	is_list(j, "messages", 0);
	/* what was found can be answered, but an entry of a group is no mail */
	mcp_refused(b, "unknown_ask", "relay_reply", "{s:s,s:s}",
	    "ask_id", "g#1", "text", "x");
	j = mcp_tool(b, "relay_reply", "{s:s,s:s}", "ask_id", id,
	    "text", "good");
	str_of(j, "msg_id");
	tenv_end(t);
}
END_TEST

static void
groups_come_back(const char *role)
{
	struct tenv	*t = tenv_new();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	json_t		*list;

	create(a, "g", "b");
	does(a, "relay_group_send", "g", "text", "before");
	hub_restart(t, role);
	/* what may be repeated is: then it is there */
	mcp_tool(a, "relay_group_list", "{}");
	mcp_tool(b, "relay_group_list", "{}");
	does(a, "relay_group_send", "g", "text", "after");
	list = is_list(history(b, "g"), "messages", 2);
	is_str(json_array_get(list, 0), "text", "before");
	is_str(json_array_get(list, 1), "text", "after");
	tenv_end(t);
}

START_TEST(groups_survive_the_hub)
{
	groups_come_back(NULL);
}
END_TEST

START_TEST(groups_survive_the_store)
{
	groups_come_back("store");
}
END_TEST

/* The hub goes while it has the text: sent or not, but never twice. */
START_TEST(sent_once_at_most)
{
	struct tenv	*t = tenv_new();
	struct conn	*a = session(t, "a");
	json_t		*j;
	pid_t		 router;
	int		 id;

	create(a, "g", "b");
	router = hub_pid(t, "router");
	kill(router, SIGSTOP);
	id = mcp_ask(a, "tools/call", json_pack("{s:s,s:{s:s,s:s}}",
	    "name", "relay_group_send", "arguments", "group", "g",
	    "text", "x"));
	mcp_call(a, "ping", NULL);
	kill(router, SIGKILL);
	j = json_object_get(mcp_answer(a, id), "result");
	is_true(j, "isError");
	j = json_array_get(is_list(j, "content", 1), 0);
	want(strstr(str_of(j, "text"), "hub_unreachable") != NULL &&
	    strstr(str_of(j, "text"), "relay_group_history") != NULL, "%s",
	    show(j));
	is_list(history(a, "g"), "messages", 0);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("grouptools");

	(void)argc;
	test_add(s, making_a_group, 20);
	test_add(s, writing_to_a_group, 20);
	test_add(s, coming_and_going, 20);
	test_add(s, who_may_not, 20);
	test_add(s, what_is_full, 20);
	test_add(s, arguments_are_checked, 20);
	test_add(s, too_many_members, 20);
	test_add(s, found_by_words, 20);
	test_add(s, groups_survive_the_hub, 60);
	test_add(s, groups_survive_the_store, 60);
	test_add(s, sent_once_at_most, 60);
	return (test_main(argv[0], s));
}
