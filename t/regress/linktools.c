/* SPDX-License-Identifier: ISC */
/*
 * Two assistants at two hubs: what they see of each other through channeld.
 */
#include "compat.h"

#include <stdio.h>

#include "fed.h"
#include "mcp.h"

struct duo {
	struct fed	*f;
	struct conn	*ann, *bob;
};

struct look {
	struct conn	*by;
	const char	*name;
	json_t		*found;
};

static int
is_listed(void *arg)
{
	struct look	*k = arg;
	json_t		*j = mcp_tool(k->by, "relay_peers", "{}");

	k->found = find_in(json_object_get(j, "peers"), "name", k->name);
	return (k->found != NULL);
}

static json_t *
knows(struct conn *c, const char *name)
{
	struct look	k = { c, name, NULL };

	want(t_until(c->env, is_listed, &k, FED_WAIT),
	    "%s is not among the peers", name);
	return (k.found);
}

static struct conn *
assistant(struct tenv *t, const char *name)
{
	struct conn	*c;

	tenv_enter(t);
	c = mcp_start(t, name, NULL);
	mcp_init(c, "2025-11-25");
	is_str(mcp_tool(c, "relay_peers", "{}"), "me", name);
	return (c);
}

static struct duo
begin(void)
{
	struct duo	d;

	d.f = fed_new(FED_ONE_WAY, NULL);
	fed_start(d.f->b);
	fed_start(d.f->a);
	d.ann = assistant(d.f->a, "ann");
	d.bob = assistant(d.f->b, "bob");
	(void)knows(d.ann, "bob@beta");
	(void)knows(d.bob, "ann@alpha");
	return (d);
}

/* The meta of the next push, which must have that content. */
static json_t *
pushed(struct conn *c, const char *content, const char *from)
{
	json_t	*j = mcp_push(c), *meta = json_object_get(j, "meta");

	is_str(j, "content", content);
	is_str(meta, "from", from);
	return (meta);
}

START_TEST(messages)
{
	struct duo	 d = begin();
	const char	*id;
	json_t		*j;

	j = knows(d.ann, "bob@beta");
	has_only(j, "name cwd git_branch last_seen");
	j = mcp_tool(d.ann, "relay_send", "{s:s,s:s}", "to", "bob@beta",
	    "text", "one");
	is_true(j, "ok");
	is_str(j, "status", "queued");
	id = str_of(j, "msg_id");
	j = pushed(d.bob, "one", "ann@alpha");
	has_only(j, "from msg_id ts origin_hub");
	is_str(j, "msg_id", id);
	is_str(j, "origin_hub", "alpha");
	(void)mcp_tool(d.bob, "relay_send", "{s:s,s:s,s:s,s:b}",
	    "to", "ann@alpha", "text", "two", "reply_to", id, "urgent", 1);
	j = pushed(d.ann, "two", "bob@beta");
	is_str(j, "origin_hub", "beta");
	is_str(j, "reply_to", id);
	is_str(j, "urgent", "true");
	j = mcp_tool(d.ann, "relay_inbox", "{}");
	j = json_array_get(is_list(j, "messages", 1), 0);
	is_str(j, "from", "bob@beta");
	/* a message's id in the place of an ask's */
	(void)mcp_tool(d.bob, "relay_reply", "{s:s,s:s}", "ask_id", id,
	    "text", "three");
	(void)pushed(d.ann, "three", "bob@beta");
	mcp_refused(d.ann, "peer_not_found", "relay_send", "{s:s,s:s}",
	    "to", "bob@nowhere", "text", "x");
	fed_end(d.f);
}
END_TEST

START_TEST(a_bare_name)
{
	struct duo	 d = begin();
	json_t		*j;

	j = mcp_tool(d.ann, "relay_send", "{s:s,s:s}", "to", "bob",
	    "text", "one");
	is_str(j, "to", "bob@beta");
	(void)pushed(d.bob, "one", "ann@alpha");
	fed_end(d.f);
}
END_TEST

START_TEST(questions)
{
	struct duo	 d = begin();
	const char	*id;
	json_t		*j;

	j = mcp_tool(d.ann, "relay_ask", "{s:s,s:s}", "to", "bob@beta",
	    "question", "why?");
	id = str_of(j, "ask_id");
	j = pushed(d.bob, "why?", "ann@alpha");
	is_str(j, "origin_hub", "alpha");
	is_true(mcp_tool(d.bob, "relay_reply", "{s:s,s:s}", "ask_id",
	    str_of(j, "ask_id"), "text", "because"), "ok");
	j = pushed(d.ann, "because", "bob@beta");
	is_str(j, "ask_id", id);
	is_str(j, "origin_hub", "beta");
	j = mcp_tool(d.ann, "relay_broadcast", "{s:s}", "question", "all?");
	is_int(j, "peer_count", 1);
	id = str_of(j, "broadcast_id");
	j = pushed(d.bob, "all?", "ann@alpha");
	is_str(j, "broadcast_id", id);
	is_str(j, "origin_hub", "alpha");
	(void)mcp_tool(d.bob, "relay_reply", "{s:s,s:s}", "ask_id",
	    str_of(j, "ask_id"), "text", "I");
	j = pushed(d.ann, "I", "bob@beta");
	is_str(j, "broadcast_id", id);
	/* nothing comes of it, and that is said */
	id = str_of(mcp_tool(d.ann, "relay_ask", "{s:s,s:s}",
	    "to", "bob@beta", "question", "and?"), "ask_id");
	(void)pushed(d.bob, "and?", "ann@alpha");
	wire_closed(d.f->wire, 1);
	j = json_object_get(mcp_push(d.ann), "meta");
	is_str(j, "ask_id", id);
	is_str(j, "code", "peer_gone");
	fed_end(d.f);
}
END_TEST

struct wait {
	struct conn	*by;
	const char	*room;
};

static int
both_joined(void *arg)
{
	struct wait	*w = arg;
	json_t		*j = mcp_tool(w->by, "relay_rooms", "{}");

	j = find_in(json_object_get(j, "rooms"), "name", w->room);
	return (json_array_size(json_object_get(j, "members")) == 2);
}

START_TEST(rooms)
{
	struct duo	 d = begin();
	struct wait	 w = { d.ann, "r" };
	json_t		*j;

	(void)mcp_tool(d.ann, "relay_join", "{s:s}", "room", "r");
	(void)mcp_tool(d.bob, "relay_join", "{s:s}", "room", "r");
	want(t_until(d.f->a, both_joined, &w, FED_WAIT), "not both");
	w.by = d.bob;
	want(t_until(d.f->a, both_joined, &w, FED_WAIT), "not both");
	j = mcp_tool(d.ann, "relay_room", "{s:s,s:s}", "room", "r",
	    "text", "one");
	is_int(j, "delivered_count", 1);
	j = pushed(d.bob, "one", "ann@alpha");
	is_str(j, "room", "r");
	(void)mcp_tool(d.bob, "relay_room", "{s:s,s:s}", "room", "r",
	    "text", "two");
	is_str(pushed(d.ann, "two", "bob@beta"), "room", "r");
	fed_end(d.f);
}
END_TEST

static int
is_unlinked(void *arg)
{
	json_t	*j = mcp_tool((struct conn *)arg, "relay_status", "{}");

	j = json_object_get(json_object_get(j, "hub"), "links");
	want(json_is_array(j), "no links");
	j = json_object_get(find_in(j, "hub_id", "alpha"), "state");
	return (j == NULL || strcmp(json_string_value(j), "up") != 0);
}

START_TEST(groups)
{
	struct duo	 d = begin();
	json_t		*j;

	j = mcp_tool(d.ann, "relay_group_create", "{s:s,s:[s]}", "name", "g",
	    "members", "bob@beta");
	is_list(j, "members", 2);
	(void)mcp_tool(d.ann, "relay_group_send", "{s:s,s:s}", "group", "g",
	    "text", "one");
	j = pushed(d.bob, "one", "ann@alpha");
	is_str(j, "group", "g@alpha");
	(void)mcp_tool(d.bob, "relay_group_send", "{s:s,s:s}", "group",
	    "g@alpha", "text", "two");
	is_str(pushed(d.ann, "two", "bob@beta"), "group", "g");
	j = mcp_tool(d.bob, "relay_group_list", "{}");
	j = json_array_get(is_list(j, "groups", 1), 0);
	is_str(j, "name", "g@alpha");
	is_int(j, "unread_count", 2);
	j = mcp_tool(d.bob, "relay_group_history", "{s:s}", "group",
	    "g@alpha");
	is_str(j, "group", "g@alpha");
	is_list(j, "messages", 2);
	is_int(j, "unread_remaining", 0);
	j = mcp_tool(d.bob, "relay_group_info", "{s:s}", "group", "g@alpha");
	is_str(j, "admin", "ann@alpha");
	is_list(j, "members", 2);
	mcp_refused(d.bob, "not_admin", "relay_group_delete", "{s:s}",
	    "group", "g@alpha");
	wire_closed(d.f->wire, 1);
	want(t_until(d.f->a, is_unlinked, d.bob, FED_WAIT),
	    "the link is still up");
	mcp_refused(d.bob, "hub_unreachable", "relay_group_send",
	    "{s:s,s:s}", "group", "g@alpha", "text", "x");
	wire_closed(d.f->wire, 0);
	(void)knows(d.bob, "ann@alpha");
	(void)mcp_tool(d.bob, "relay_group_leave", "{s:s}", "group",
	    "g@alpha");
	j = mcp_tool(d.ann, "relay_group_info", "{s:s}", "group", "g");
	is_list(j, "members", 1);
	(void)mcp_tool(d.ann, "relay_group_invite", "{s:s,s:s}",
	    "group", "g", "peer", "bob@beta");
	(void)mcp_tool(d.ann, "relay_group_remove", "{s:s,s:s,s:s}",
	    "group", "g", "peer", "bob@beta", "reason", "a reason");
	j = mcp_push(d.bob);
	is_str(json_object_get(j, "meta"), "group", "g@alpha");
	want(strstr(str_of(j, "content"), "a reason") != NULL, "%s",
	    show(j));
	fed_end(d.f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linktools");

	(void)argc;
	test_add(s, messages, 40);
	test_add(s, a_bare_name, 40);
	test_add(s, questions, 40);
	test_add(s, rooms, 40);
	test_add(s, groups, 60);
	return (test_main(argv[0], s));
}
