/* SPDX-License-Identifier: ISC */
/*
 * Rooms with members at several hubs.
 */
#include "compat.h"

#include <stdio.h>

#include "fed.h"

/* Who is waited for, or not, in what a session is told of a room. */
struct crowd {
	struct conn	*by;
	const char	*name;
	size_t		 n;
};

static void
join(struct conn *c, const char *room)
{
	json_t	*j = rpc(c, "{s:s,s:s}", "type", "join_room", "room", room);

	is_str(j, "type", "room_ack");
	is_str(j, "room", room);
}

static json_t *
room_of(struct conn *c, const char *room)
{
	json_t	*j = rpc(c, "{s:s}", "type", "list_rooms");

	return (find_in(json_object_get(j, "rooms"), "name", room));
}

static int
has_member(const json_t *room, const char *name)
{
	const json_t	*list = json_object_get(room, "members");
	const char	*s;
	size_t		 i;

	for (i = 0; i < json_array_size(list); i++) {
		s = json_string_value(json_array_get(list, i));
		if (s != NULL && strcmp(s, name) == 0)
			return (1);
	}
	return (0);
}

static int
is_there(void *arg)
{
	struct crowd	*c = arg;
	json_t		*room = room_of(c->by, "r");

	return (has_member(room, c->name) &&
	    json_array_size(json_object_get(room, "members")) == c->n);
}

static int
has_so_many(void *arg)
{
	struct crowd	*c = arg;
	json_t		*room = room_of(c->by, "r");

	return (json_array_size(json_object_get(room, "members")) == c->n);
}

/* Waits until that one is one of n in the room r. */
static void
together(struct conn *c, const char *name, size_t n)
{
	struct crowd	cr = { c, name, n };

	want(t_until(c->env, is_there, &cr, FED_WAIT),
	    "%s is not one of %zu: %s", name, n, show(room_of(c, "r")));
}

static void
counts(struct conn *c, size_t n)
{
	struct crowd	cr = { c, NULL, n };

	want(t_until(c->env, has_so_many, &cr, FED_WAIT),
	    "not %zu: %s", n, show(room_of(c, "r")));
}

/* n others get it. */
static void
speak(struct conn *c, const char *text, int n)
{
	json_t	*j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", "room_msg",
	    "room", "r", "text", text, "msg_id", text);

	is_str(j, "type", "room_send_ack");
	is_str(j, "room", "r");
	is_int(j, "delivered_count", n);
}

static void
hears(struct conn *c, const char *from, const char *text)
{
	is_same(hear(c, "incoming_room_msg"), "{s:s,s:s,s:s,s:s,s:s}",
	    "type", "incoming_room_msg", "room", "r", "from", from,
	    "text", text, "msg_id", text);
}

static struct fed *
begin(enum fed_shape shape, const char *more)
{
	struct fed	*f = fed_begin(shape, more);

	join(f->ann, "r");
	together(f->bob, "ann@alpha", 1);
	join(f->bob, "r");
	together(f->ann, "bob@beta", 2);
	together(f->bob, "bob", 2);
	return (f);
}

START_TEST(spoken_both_ways)
{
	struct fed	*f = begin(FED_ONE_WAY, NULL);
	struct conn	*liz = client_new(f->a, "liz", FEATURES);
	json_t		*j;

	speak(f->ann, "one", 1);
	hears(f->bob, "ann@alpha", "one");
	speak(f->bob, "two", 1);
	hears(f->ann, "bob@beta", "two");
	/* the one who joins is told of all */
	j = rpc(liz, "{s:s,s:s}", "type", "join_room", "room", "r");
	want(has_member(j, "ann") && has_member(j, "bob@beta") &&
	    has_member(j, "liz"), "%s", show(j));
	is_list(j, "members", 3);
	together(f->bob, "liz@alpha", 3);
	speak(f->bob, "three", 2);
	hears(f->ann, "bob@beta", "three");
	hears(liz, "bob@beta", "three");
	speak(liz, "four", 2);
	hears(f->ann, "liz", "four");
	hears(f->bob, "liz@alpha", "four");
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	quiet(liz, NULL);
	fed_end(f);
}
END_TEST

/* All members are elsewhere, and the sender is none. */
START_TEST(from_outside)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	join(f->bob, "r");
	together(f->ann, "bob@beta", 1);
	speak(f->ann, "one", 1);
	hears(f->bob, "ann@alpha", "one");
	fed_end(f);
}
END_TEST

START_TEST(they_leave)
{
	struct fed	*f = begin(FED_ONE_WAY, NULL);
	struct conn	*dan = client_new(f->b, "dan", FEATURES);

	join(dan, "r");
	together(f->ann, "dan@beta", 3);
	is_str(rpc(f->bob, "{s:s,s:s}", "type", "leave_room", "room", "r"),
	    "type", "ack");
	together(f->ann, "dan@beta", 2);
	speak(f->ann, "one", 1);
	hears(dan, "ann@alpha", "one");
	quiet(f->bob, NULL);
	conn_close(dan);
	together(f->ann, "ann", 1);
	speak(f->ann, "two", 0);
	is_str(rpc(f->ann, "{s:s,s:s}", "type", "leave_room", "room", "r"),
	    "type", "ack");
	want(room_of(f->ann, "r") == NULL, "the room is still there");
	counts(f->bob, 0);
	want(room_of(f->bob, "r") == NULL, "the room is still there");
	fed_end(f);
}
END_TEST

START_TEST(another_name)
{
	struct fed	*f = begin(FED_ONE_WAY, NULL);

	is_str(rpc(f->bob, "{s:s,s:s}", "type", "rename", "new_name", "rob"),
	    "type", "ack");
	together(f->ann, "rob@beta", 2);
	speak(f->bob, "one", 1);
	hears(f->ann, "rob@beta", "one");
	speak(f->ann, "two", 1);
	hears(f->bob, "ann@alpha", "two");
	fed_end(f);
}
END_TEST

START_TEST(the_link_falls)
{
	struct fed	*f = begin(FED_ONE_WAY, NULL);

	wire_closed(f->wire, 1);
	together(f->ann, "ann", 1);
	together(f->bob, "bob", 1);
	speak(f->ann, "nobody hears it", 0);
	wire_closed(f->wire, 0);
	together(f->ann, "bob@beta", 2);
	together(f->bob, "ann@alpha", 2);
	speak(f->ann, "one", 1);
	hears(f->bob, "ann@alpha", "one");
	speak(f->bob, "two", 1);
	hears(f->ann, "bob@beta", "two");
	fed_end(f);
}
END_TEST

START_TEST(three_hubs)
{
	struct fed	*f = begin(FED_TRIANGLE, NULL);

	join(f->cat, "r");
	together(f->ann, "cat@gamma", 3);
	together(f->bob, "cat@gamma", 3);
	counts(f->cat, 3);
	speak(f->cat, "one", 2);
	hears(f->ann, "cat@gamma", "one");
	hears(f->bob, "cat@gamma", "one");
	speak(f->bob, "two", 2);
	hears(f->ann, "bob@beta", "two");
	hears(f->cat, "bob@beta", "two");
	/* once each: no hub tells it on */
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	quiet(f->cat, NULL);
	fed_end(f);
}
END_TEST

/* Remote members count. */
START_TEST(a_room_is_full)
{
	struct fed	*f = begin(FED_ONE_WAY, "limit members 3 per room\n");
	struct conn	*liz = client_new(f->a, "liz", FEATURES);
	struct conn	*dan = client_new(f->b, "dan", FEATURES);
	json_t		*j;

	join(dan, "r");
	together(f->ann, "dan@beta", 3);
	j = rpc(liz, "{s:s,s:s}", "type", "join_room", "room", "r");
	is_str(j, "type", "err");
	is_str(j, "code", "bad_args");
	is_str(j, "message", "member_limit_reached (max 3)");
	speak(f->ann, "one", 2);
	hears(f->bob, "ann@alpha", "one");
	hears(dan, "ann@alpha", "one");
	fed_end(f);
}
END_TEST

START_TEST(too_many_rooms)
{
	struct fed	*f = begin(FED_ONE_WAY, "limit rooms 2\n");
	json_t		*j;

	join(f->ann, "r2");
	j = rpc(f->ann, "{s:s,s:s}", "type", "join_room", "room", "r3");
	is_str(j, "type", "err");
	is_str(j, "code", "bad_args");
	is_str(j, "message", "room_limit_reached (max 2)");
	/* one that is there, if only elsewhere */
	join(f->bob, "r2");
	speak(f->ann, "one", 1);
	hears(f->bob, "ann@alpha", "one");
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkrooms");

	(void)argc;
	test_add(s, spoken_both_ways, 30);
	test_add(s, from_outside, 30);
	test_add(s, they_leave, 30);
	test_add(s, another_name, 30);
	test_add(s, the_link_falls, 60);
	test_add(s, three_hubs, 60);
	test_add(s, a_room_is_full, 30);
	test_add(s, too_many_rooms, 30);
	return (test_main(argv[0], s));
}
