/* SPDX-License-Identifier: ISC */
/*
 * The tools of channeld for rooms, what a host that shows no notifications
 * gets of them, and what becomes of them when the hub was gone.
 */
#include "compat.h"

#include <sys/stat.h>

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

/* One whose host is given nothing. */
static struct conn *
silent_session(struct tenv *t, const char *name)
{
	struct conn	*m = mcp_start(t, name, "--push", "none", NULL);

	mcp_init(m, LATEST);
	mcp_name(m);
	return (m);
}

static json_t *
join(struct conn *m, const char *room)
{
	return (mcp_tool(m, "relay_join", "{s:s}", "room", room));
}

static void
say_in(struct conn *c, const char *room, const char *text)
{
	rpc(c, "{s:s,s:s,s:s,s:s}", "type", "room_msg", "room", room,
	    "text", text, "msg_id", "m-1");
}

/* The members of a room as relay_rooms shows them; NULL: no such room. */
static json_t *
members_of(struct conn *m, const char *room)
{
	json_t	*rooms;

	rooms = json_object_get(mcp_tool(m, "relay_rooms", "{}"), "rooms");
	return (json_object_get(find_in(rooms, "name", room), "members"));
}

START_TEST(talk_in_a_room)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j, *push;

	is_same(join(a, "dev"), "{s:b,s:s,s:[s]}", "ok", 1, "room", "dev",
	    "members", "a");
	/* white space around a name is none of it; again changes nothing */
	is_same(join(b, " dev "), "{s:b,s:s,s:[s,s]}", "ok", 1,
	    "room", "dev", "members", "a", "b");
	is_list(join(b, "dev"), "members", 2);
	rpc(c, "{s:s,s:s}", "type", "join_room", "room", "dev");
	j = mcp_tool(a, "relay_room", "{s:s,s:s}", "room", "dev",
	    "text", "deploying \"now\"");
	is_same(j, "{s:b,s:s,s:i}", "ok", 1, "room", "dev",
	    "delivered_count", 2);
	push = mcp_push(b);
	is_str(push, "content", "deploying \"now\"");
	push = json_object_get(push, "meta");
	has_only(push, "from room msg_id");
	is_str(push, "from", "a");
	is_str(push, "room", "dev");
	j = hear(c, "incoming_room_msg");
	want(is_msg_id(str_of(j, "msg_id")), "%s", show(j));
	is_str(push, "msg_id", str_of(j, "msg_id"));
	is_same(mcp_tool(a, "relay_rooms", "{}"), "{s:[{s:s,s:[s,s,s]}]}",
	    "rooms", "name", "dev", "members", "a", "b", "c");
	tenv_end(t);
}
END_TEST

START_TEST(leaving_a_room)
{
	struct tenv	*t = begin();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	json_t		*j;

	join(a, "dev");
	join(b, "dev");
	is_same(mcp_tool(b, "relay_leave", "{s:s}", "room", "dev"), "{s:b}",
	    "ok", 1);
	is_same(members_of(b, "dev"), "[s]", "a");
	/* one that is not in it is heard all the same */
	j = mcp_tool(b, "relay_room", "{s:s,s:s}", "room", "dev",
	    "text", "bye");
	is_int(j, "delivered_count", 1);
	is_str(mcp_push(a), "content", "bye");
	mcp_tool(a, "relay_leave", "{s:s}", "room", " dev ");
	is_list(mcp_tool(a, "relay_rooms", "{}"), "rooms", 0);
	j = mcp_tool(a, "relay_room", "{s:s,s:s}", "room", "dev",
	    "text", "anybody?");
	is_int(j, "delivered_count", 0);
	mcp_tool(a, "relay_leave", "{s:s}", "room", "dev");
	tenv_end(t);
}
END_TEST

START_TEST(what_is_refused)
{
	static const char *const names[] = {
		"", ".", "..", "a/b", "a b", "\xc3\xa4"
	};
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	char		*longer = t_fill('r', 65), *text = t_fill('x', 524289);
	size_t		 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mcp_fails(m, "bad_args", "room", "", "relay_join",
		    json_pack("{s:s}", "room", names[i]));
	mcp_fails(m, "bad_msg", "room must not be empty", "", "relay_join",
	    json_pack("{s:s}", "room", " "));
	mcp_fails(m, "bad_args", "invalid room name", "letters, digits",
	    "relay_leave", json_pack("{s:s}", "room", "a/b"));
	mcp_fails(m, "bad_args", "invalid room name", "letters, digits",
	    "relay_room", json_pack("{s:s,s:s}", "room", "a/b", "text", "x"));
	mcp_fails(m, "bad_args", "room must be", "", "relay_join",
	    json_pack("{s:s}", "room", longer));
	mcp_fails(m, "bad_args", "room (string) is missing", "", "relay_join",
	    json_object());
	mcp_fails(m, "bad_args", "room must be", "", "relay_leave",
	    json_pack("{s:i}", "room", 5));
	mcp_fails(m, "bad_args", "text (string) is missing", "", "relay_room",
	    json_pack("{s:s}", "room", "dev"));
	mcp_fails(m, "too_large", "text must be", "", "relay_room",
	    json_pack("{s:s,s:s}", "room", "dev", "text", text));
	is_list(mcp_tool(m, "relay_rooms", "{}"), "rooms", 0);
	free(longer);
	free(text);
	tenv_end(t);
}
END_TEST

/* The hub's reason, and what to do about it. */
START_TEST(what_is_full)
{
	struct tenv	*t = begin_with("limit rooms 1\n"
			    "limit members 1 per room\n");
	struct conn	*a = session(t, "a"), *b = session(t, "b");

	join(a, "dev");
	mcp_fails(a, "bad_args", "room_limit_reached (max 1). ", "relay_rooms",
	    "relay_join", json_pack("{s:s}", "room", "ops"));
	mcp_fails(b, "bad_args", "member_limit_reached (max 1). ", "relay_send",
	    "relay_join", json_pack("{s:s}", "room", "dev"));
	tenv_end(t);
}
END_TEST

/* relay_inbox has what a host may not have shown. */
START_TEST(unseen_talk_waits)
{
	struct tenv	*t = begin();
	struct conn	*m = silent_session(t, "m"), *shown = session(t, "n");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j;

	join(m, "dev");
	join(shown, "dev");
	say_in(c, "dev", "one");
	say_in(c, "dev", "two");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 2);
	/* a search is for something else */
	j = mcp_tool(m, "relay_inbox", "{s:s}", "query", "one");
	is_list(j, "messages", 0);
	is_absent(j, "room_messages");
	j = is_list(mcp_tool(m, "relay_inbox", "{}"), "room_messages", 2);
	is_same(json_array_get(j, 0), "{s:s,s:s,s:s,s:s}", "room", "dev",
	    "from", "c", "text", "one", "msg_id", "m-1");
	is_str(json_array_get(j, 1), "text", "two");
	j = mcp_tool(m, "relay_inbox", "{}");
	is_absent(j, "room_messages");
	is_absent(j, "dropped");
	is_absent(mcp_tool(m, "relay_peers", "{}"), "unread");
	/* given to a host, which may have dropped it */
	is_int(mcp_tool(shown, "relay_peers", "{}"), "unread", 2);
	j = is_list(mcp_tool(shown, "relay_inbox", "{}"),
	    "room_messages", 2);
	is_true(json_array_get(j, 0), "pushed");
	is_str(mcp_push(shown), "content", "one");
	tenv_end(t);
}
END_TEST

/* The last 100 wait, or 256 KiB; what went is counted. */
START_TEST(too_much_talk)
{
	struct tenv	*t = begin();
	struct conn	*m = silent_session(t, "m");
	struct conn	*c = client_new(t, "c", NULL);
	char		 text[16], *big = t_fill('x', 100 * 1024);
	json_t		*j, *list;
	int		 i;

	join(m, "dev");
	for (i = 0; i < 120; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say_in(c, "dev", text);
	}
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 100);
	j = mcp_tool(m, "relay_inbox", "{}");
	is_int(j, "dropped", 20);
	list = is_list(j, "room_messages", 100);
	is_str(json_array_get(list, 0), "text", "20");
	is_str(json_array_get(list, 99), "text", "119");
	for (i = 0; i < 3; i++)
		say_in(c, "dev", big);
	mcp_tool(m, "relay_peers", "{}");
	j = mcp_tool(m, "relay_inbox", "{}");
	is_int(j, "dropped", 1);
	is_list(j, "room_messages", 2);
	free(big);
	tenv_end(t);
}
END_TEST

/* --- the hub goes and comes back --- */

static int
both_are_back(void *arg)
{
	return (json_array_size(members_of(arg, "dev")) == 2 &&
	    json_array_size(members_of(arg, "ops")) == 1);
}

static void
rooms_come_back(const char *role)
{
	struct tenv	*t = tenv_new();
	struct conn	*a = session(t, "a"), *b = session(t, "b");

	join(a, "left");
	join(a, "dev");
	join(b, "dev");
	join(a, "ops");
	mcp_tool(a, "relay_leave", "{s:s}", "room", "left");
	hub_restart(t, role);
	want(t_until(t, both_are_back, b, T_WAIT), "not in their rooms: %s",
	    show(mcp_tool(b, "relay_rooms", "{}")));
	is_list(mcp_tool(b, "relay_rooms", "{}"), "rooms", 2);
	mcp_tool(b, "relay_room", "{s:s,s:s}", "room", "dev", "text", "back");
	/* and nothing was said of it */
	is_str(mcp_push(a), "content", "back");
	is_absent(mcp_tool(b, "relay_peers", "{}"), "unread");
	tenv_end(t);
}

START_TEST(rooms_survive_the_hub)
{
	rooms_come_back(NULL);
}
END_TEST

START_TEST(rooms_survive_the_router)
{
	rooms_come_back("router");
}
END_TEST

START_TEST(rooms_survive_twice)
{
	struct tenv	*t = tenv_new();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	int		 i;

	join(a, "dev");
	join(b, "dev");
	join(b, "ops");
	for (i = 0; i < 2; i++) {
		hub_restart(t, "router");
		want(t_until(t, both_are_back, a, T_WAIT), "not in: %s",
		    show(mcp_tool(a, "relay_rooms", "{}")));
	}
	tenv_end(t);
}
END_TEST

/* The host's process stands still while the hub is replaced. */
static void
replace_hub(struct tenv *t, struct conn *m)
{
	kill(m->pid, SIGSTOP);
	hub_kill(t, "all");
	hub_start(t);
}

static int
is_told(void *arg)
{
	return (json_object_get(mcp_tool(arg, "relay_peers", "{}"),
	    "unread") != NULL);
}

static int
is_in_ops(void *arg)
{
	return (members_of(arg, "ops") != NULL);
}

START_TEST(a_room_that_became_full)
{
	struct tenv	*t = begin_with("limit members 1 per room\n");
	struct conn	*m = session(t, "m"), *c;
	json_t		*push, *j;

	join(m, "dev");
	join(m, "ops");
	replace_hub(t, m);
	c = client_new(t, "c", NULL);
	rpc(c, "{s:s,s:s}", "type", "join_room", "room", "dev");
	kill(m->pid, SIGCONT);
	push = mcp_push(m);
	j = json_object_get(push, "meta");
	is_same(j, "{s:s,s:s}", "room", "dev", "code", "bad_args");
	want(strstr(str_of(push, "content"), "room dev") != NULL &&
	    strstr(str_of(push, "content"), "member_limit_reached (max 1)") !=
	    NULL, "%s", show(push));
	want(t_until(t, is_told, m, T_WAIT), "nothing waits");
	j = is_list(mcp_tool(m, "relay_inbox", "{}"), "room_messages", 1);
	is_same(json_array_get(j, 0), "{s:s,s:s,s:s,s:b}", "room", "dev",
	    "code", "bad_args", "message", str_of(push, "content"),
	    "pushed", 1);
	/* the other one went well */
	is_same(members_of(m, "ops"), "[s]", "m");
	/* it is given up: not tried again */
	conn_close(c);
	replace_hub(t, m);
	kill(m->pid, SIGCONT);
	want(t_until(t, is_in_ops, m, T_WAIT), "not in ops again");
	want(members_of(m, "dev") == NULL, "in it after all");
	is_absent(mcp_tool(m, "relay_peers", "{}"), "unread");
	/* but it can be asked for */
	is_same(join(m, "dev"), "{s:b,s:s,s:[s]}", "ok", 1, "room", "dev",
	    "members", "m");
	tenv_end(t);
}
END_TEST

START_TEST(a_room_left_without_a_hub)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	json_t		*j;
	int		 id;

	join(m, "dev");
	join(m, "ops");
	replace_hub(t, m);
	id = mcp_ask(m, "tools/call", json_pack("{s:s,s:{s:s}}",
	    "name", "relay_leave", "arguments", "room", "dev"));
	kill(m->pid, SIGCONT);
	j = json_object_get(mcp_answer(m, id), "result");
	is_true(json_object_get(j, "structuredContent"), "ok");
	/* its rooms are joined one by one: the last one is there then */
	is_same(members_of(m, "ops"), "[s]", "m");
	want(members_of(m, "dev") == NULL, "still there");
	tenv_end(t);
}
END_TEST

static int
is_on_another_branch(void *arg)
{
	json_t	*peers = json_object_get(mcp_tool(arg, "relay_peers", "{}"),
		    "peers");
	json_t	*p = find_in(peers, "name", "worker");

	return (p != NULL && strcmp(str_of(p, "git_branch"), "next") == 0);
}

START_TEST(another_branch_by_then)
{
	static const char	 main_head[] = "ref: refs/heads/main\n";
	static const char	 next_head[] = "ref: refs/heads/next\n";
	struct tenv		*t = tenv_new();
	struct conn		*m, *a;
	char			 head[T_PATH];
	json_t			*j;

	mkdir(tenv_path(t, "repo"), 0700);
	mkdir(tenv_path(t, "repo/.git"), 0700);
	strlcpy(head, tenv_path(t, "repo/.git/HEAD"), sizeof(head));
	write_file(head, main_head, strlen(main_head));
	m = mcp_start_in(t, tenv_path(t, "repo"), "worker", NULL);
	mcp_init(m, LATEST);
	mcp_name(m);
	a = session(t, "a");
	j = json_object_get(mcp_tool(a, "relay_peers", "{}"), "peers");
	is_str(json_array_get(j, 0), "git_branch", "main");
	write_file(head, next_head, strlen(next_head));
	hub_restart(t, NULL);
	want(t_until(t, is_on_another_branch, a, T_WAIT), "%s",
	    show(mcp_tool(a, "relay_peers", "{}")));
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("roomtools");

	(void)argc;
	test_add(s, talk_in_a_room, 20);
	test_add(s, leaving_a_room, 20);
	test_add(s, what_is_refused, 20);
	test_add(s, what_is_full, 20);
	test_add(s, unseen_talk_waits, 20);
	test_add(s, too_much_talk, 30);
	test_add(s, rooms_survive_the_hub, 60);
	test_add(s, rooms_survive_the_router, 60);
	test_add(s, rooms_survive_twice, 60);
	test_add(s, a_room_that_became_full, 60);
	test_add(s, a_room_left_without_a_hub, 60);
	test_add(s, another_branch_by_then, 60);
	return (test_main(argv[0], s));
}
