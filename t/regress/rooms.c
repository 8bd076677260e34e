/* SPDX-License-Identifier: ISC */
/*
 * Rooms: join, leave, talk, list; they live as long as somebody is in them.
 */
#include "compat.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define ROOMS		50
#define MEMBERS		20
#define TEXT_MAX	524288

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static json_t *
join(struct conn *c, const char *room)
{
	return (rpc(c, "{s:s,s:s}", "type", "join_room", "room", room));
}

static void
leave(struct conn *c, const char *room)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s}", "type", "leave_room", "room", room);
	is_str(j, "type", "ack");
	has_only(j, "type req_id");
}

/* room_msg, which that many must have been given. */
static void
talk(struct conn *c, const char *room, const char *text, int count)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", "room_msg", "room", room,
	    "text", text, "msg_id", "my-id");
	is_str(j, "type", "room_send_ack");
	has_only(j, "type req_id room delivered_count");
	is_str(j, "room", room);
	is_int(j, "delivered_count", count);
}

static json_t *
rooms(struct conn *c, size_t n)
{
	json_t	*j = rpc(c, "{s:s}", "type", "list_rooms");

	is_str(j, "type", "rooms_list");
	has_only(j, "type req_id rooms");
	return (is_list(j, "rooms", n));
}

START_TEST(joined)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	j = join(a, " build ");
	is_str(j, "type", "room_ack");
	has_only(j, "type req_id room members");
	is_str(j, "room", "build");
	is_same(json_object_get(j, "members"), "[s]", "a");
	j = join(b, "build");
	is_same(json_object_get(j, "members"), "[s,s]", "a", "b");
	/* once more changes nothing */
	j = join(a, "build");
	is_same(json_object_get(j, "members"), "[s,s]", "a", "b");
	quiet(a, NULL);
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(talked)
{
	static const char	 text[] = "a \"quote\"\\ \n\xc3\xa9";
	struct tenv		*t = begin();
	struct conn		*a = client_new(t, "a", NULL);
	struct conn		*b = client_new(t, "b", FEATURES);
	struct conn		*c = client_new(t, "c", NULL);
	json_t			*j;

	join(a, "r");
	join(b, "r");
	talk(a, "r", text, 1);
	j = hear(b, "incoming_room_msg");
	has_only(j, "type room from text msg_id");
	is_str(j, "room", "r");
	is_str(j, "from", "a");
	is_str(j, "text", text);
	is_str(j, "msg_id", "my-id");
	quiet(a, NULL);
	quiet(c, NULL);
	/* the sender need not be in it, nor the room there */
	talk(c, "r", "from outside", 2);
	is_str(hear(a, "incoming_room_msg"), "from", "c");
	is_str(hear(b, "incoming_room_msg"), "from", "c");
	talk(c, "nobody-here", "x", 0);
	rooms(c, 1);
	quiet(c, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(left)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	join(a, "r");
	join(b, "r");
	leave(a, "r");
	leave(a, "r");
	leave(a, "no-such-room");
	talk(b, "r", "x", 0);
	talk(a, "r", "x", 1);
	hear(b, "incoming_room_msg");
	quiet(a, NULL);
	leave(b, "r");
	rooms(a, 0);
	/* with the connection, too */
	join(b, "r");
	conn_close(b);
	in_step(a);
	rooms(a, 0);
	talk(a, "r", "x", 0);
	tenv_end(t);
}
END_TEST

START_TEST(listed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	rooms(a, 0);
	join(a, "one");
	join(b, "one");
	join(b, "two");
	j = rooms(a, 2);
	is_same(find_in(j, "name", "one"), "{s:s,s:[s,s]}", "name", "one",
	    "members", "a", "b");
	is_same(find_in(j, "name", "two"), "{s:s,s:[s]}", "name", "two",
	    "members", "b");
	/* EcoRelay answers this to strangers, and so do we */
	rooms(client_open(t), 2);
	tenv_end(t);
}
END_TEST

START_TEST(renamed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	join(a, "r");
	rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	is_same(json_object_get(join(b, "r"), "members"), "[s,s]", "a2",
	    "b");
	talk(a, "r", "x", 1);
	is_str(hear(b, "incoming_room_msg"), "from", "a2");
	talk(b, "r", "x", 1);
	hear(a, "incoming_room_msg");
	tenv_end(t);
}
END_TEST

START_TEST(as_many_rooms_as_may_be)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;
	char		 name[16];
	int		 i;

	for (i = 0; i < ROOMS; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		is_str(join(a, name), "type", "room_ack");
	}
	j = join(b, "more");
	is_str(j, "type", "err");
	is_str(j, "code", "bad_args");
	is_str(j, "message", "room_limit_reached (max 50)");
	is_str(join(b, "r7"), "type", "room_ack");
	leave(a, "r8");
	is_str(join(b, "more"), "type", "room_ack");
	is_str(join(b, "r8"), "code", "bad_args");
	rooms(a, ROOMS);
	tenv_end(t);
}
END_TEST

START_TEST(as_many_members_as_may_be)
{
	struct tenv	*t = begin();
	struct conn	*c[MEMBERS], *more;
	json_t		*j;
	char		 name[16];
	int		 i;

	for (i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		c[i] = client_new(t, name, NULL);
		is_list(join(c[i], "r"), "members", (size_t)i + 1);
	}
	more = client_new(t, "more", NULL);
	j = join(more, "r");
	is_str(j, "code", "bad_args");
	is_str(j, "message", "member_limit_reached (max 20)");
	/* it may talk to them all the same */
	talk(more, "r", "x", MEMBERS);
	is_list(join(c[3], "r"), "members", MEMBERS);
	leave(c[5], "r");
	is_list(join(more, "r"), "members", MEMBERS);
	tenv_end(t);
}
END_TEST

START_TEST(bad_requests)
{
	static const char *const types[] = {
		"join_room", "leave_room", "room_msg"
	};
	/* The room, as JSON, and what it is answered. */
	static const struct {
		const char	*room, *code;
	} bad[] = {
		{ "null", "bad_msg" }, { "5", "bad_msg" },
		{ "[]", "bad_msg" }, { "{}", "bad_msg" },
		{ "\"\"", "bad_msg" }, { "\"  \"", "bad_msg" },
		{ "\"..\"", "bad_args" }, { "\"a/b\"", "bad_args" },
		{ "\"a b\"", "bad_args" }, { "\"a@b\"", "bad_args" },
		{ "\"\\u00e9\"", "bad_args" },
		{ "\"0123456789012345678901234567890123456789"
		    "0123456789012345678901234\"", "bad_args" }
	};
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	char		 line[512];
	json_t		*j;
	size_t		 i, k;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"%s\",\"text\":"
		    "\"t\",\"msg_id\":\"m\"}", types[i]);
		refused_text(a, "bad_msg", line);
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			snprintf(line, sizeof(line), "{\"type\":\"%s\","
			    "\"room\":%s,\"text\":\"t\",\"msg_id\":\"m\"}",
			    types[i], bad[k].room);
			refused_text(a, bad[k].code, line);
		}
		j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", types[i], "room",
		    "..", "text", "t", "msg_id", "m");
		is_str(j, "message", "invalid room name");
	}
	rooms(a, 0);
	tenv_end(t);
}
END_TEST

START_TEST(bad_messages)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	char		*text = t_fill('x', TEXT_MAX + 1);

	join(b, "r");
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "room_msg", "room",
	    "r", "text", "no id");
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "room_msg", "room",
	    "r", "msg_id", "no text");
	refused(a, "bad_msg", "{s:s,s:s,s:i,s:s}", "type", "room_msg",
	    "room", "r", "text", 5, "msg_id", "m");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "room_msg",
	    "room", "r", "text", "t", "msg_id", "");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "room_msg",
	    "room", "r", "text", "t", "msg_id",
	    "0123456789012345678901234567890123456789"
	    "0123456789012345678901234");
	refused(a, "too_large", "{s:s,s:s,s:s,s:s}", "type", "room_msg",
	    "room", "r", "text", text, "msg_id", "m");
	quiet(b, NULL);
	text[TEXT_MAX] = '\0';
	talk(a, "r", text, 1);
	is_str(hear(b, "incoming_room_msg"), "text", text);
	free(text);
	tenv_end(t);
}
END_TEST

START_TEST(not_before_register)
{
	struct tenv	*t = begin();
	struct conn	*a = client_open(t);

	refused(a, "not_registered", "{s:s,s:s}", "type", "join_room",
	    "room", "r");
	refused(a, "not_registered", "{s:s,s:s}", "type", "leave_room",
	    "room", "r");
	refused(a, "not_registered", "{s:s,s:s,s:s,s:s}", "type",
	    "room_msg", "room", "r", "text", "t", "msg_id", "m");
	tenv_end(t);
}
END_TEST

START_TEST(configured)
{
	static const char text[] =
	    "limit rooms 2\nlimit members 1 per room\n";
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;
	char		 path[T_PATH];

	snprintf(path, sizeof(path), "%s/.config", t->home);
	mkdir(path, 0700);
	strlcat(path, "/ecorelay", sizeof(path));
	mkdir(path, 0700);
	strlcat(path, "/hubd.conf", sizeof(path));
	write_file(path, text, sizeof(text) - 1);
	hub_start(t);
	a = client_new(t, "a", NULL);
	b = client_new(t, "b", NULL);
	join(a, "one");
	is_str(join(b, "one"), "message", "member_limit_reached (max 1)");
	join(a, "two");
	is_str(join(a, "three"), "message", "room_limit_reached (max 2)");
	tenv_end(t);
}
END_TEST

START_TEST(shown_by_hubctl)
{
	struct tenv	*t = begin();
	struct output	*o;
	json_t		*j;

	o = run(t, NULL, "hubctl", "show", "rooms", NULL);
	want(o->status == 0 && strstr(o->out, "no rooms") != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	join(client_new(t, "a", NULL), "r");
	join(client_new(t, "b", NULL), "r");
	o = run(t, NULL, "hubctl", "show", "rooms", NULL);
	want(o->status == 0 && strstr(o->out, "a b") != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	o = run(t, NULL, "hubctl", "-j", "show", "rooms", NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	output_free(o);
	is_same(j, "{s:[{s:s,s:[s,s]}]}", "rooms", "name", "r", "members",
	    "a", "b");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("rooms");

	(void)argc;
	test_add(s, joined, 20);
	test_add(s, talked, 20);
	test_add(s, left, 20);
	test_add(s, listed, 20);
	test_add(s, renamed, 20);
	test_add(s, as_many_rooms_as_may_be, 20);
	test_add(s, as_many_members_as_may_be, 20);
	test_add(s, bad_requests, 20);
	test_add(s, bad_messages, 20);
	test_add(s, not_before_register, 20);
	test_add(s, configured, 20);
	test_add(s, shown_by_hubctl, 30);
	return (test_main(argv[0], s));
}
