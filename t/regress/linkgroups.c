/* SPDX-License-Identifier: ISC */
/*
 * Groups with members at other hubs.  The group is kept by the hub of the one
 * who made it; at others it is called group@hub.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fed.h"

/* A request about a group that is only acknowledged. */
static void
do_with(struct conn *c, const char *type, const char *group)
{
	is_str(rpc(c, "{s:s,s:s}", "type", type, "group", group), "type",
	    "group_ack");
}

static void
do_peer(struct conn *c, const char *type, const char *group,
    const char *peer)
{
	json_t	*j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", type,
	    "group", group, "peer", peer, "reason", "a reason");

	is_str(j, "type", "group_ack");
}

static void
tell(struct conn *c, const char *group, const char *text)
{
	is_str(rpc(c, "{s:s,s:s,s:s}", "type", "group_send",
	    "group", group, "text", text), "type", "group_ack");
}

static json_t *
told(struct conn *c, const char *group, const char *from, const char *text)
{
	json_t	*j = hear(c, "incoming_group_msg");

	has_only(j, "type group from text msg_id ts");
	is_str(j, "group", group);
	is_str(j, "from", from);
	is_str(j, "text", text);
	want(is_iso8601(str_of(j, "ts")), "ts: %s", show(j));
	return (j);
}

/* A notice of the hub that has all these words. */
static void
noticed(struct conn *c, const char *group, const char *one,
    const char *two, const char *three)
{
	json_t		*j = hear(c, "incoming_group_msg");
	const char	*text = str_of(j, "text");

	is_str(j, "group", group);
	want(strstr(text, one) != NULL && strstr(text, two) != NULL &&
	    strstr(text, three) != NULL, "not that notice: %s", show(j));
}

static json_t *
info(struct conn *c, const char *group)
{
	json_t	*j = rpc(c, "{s:s,s:s}", "type", "group_info",
	    "group", group);

	is_str(j, "type", "group_info_result");
	is_str(j, "group", group);
	return (j);
}

static void
unread(struct conn *c, const char *group, int n)
{
	json_t	*j = rpc(c, "{s:s}", "type", "group_list");

	is_str(j, "type", "group_list_result");
	j = find_in(json_object_get(j, "groups"), "name", group);
	want(j != NULL, "%s is not in the list", group);
	has_only(j, "name unread_count");
	is_int(j, "unread_count", n);
	is_int(info(c, group), "unread_count", n);
}

/* A group "g" of ann's, with bob and whom else she has named. */
static struct fed *
begin(enum fed_shape shape)
{
	struct fed	*f = fed_begin(shape, NULL);
	json_t		*j;

	j = rpc(f->ann, "{s:s,s:s,s:[s,s*]}", "type", "group_create",
	    "name", "g", "members", "bob@beta",
	    f->c != NULL ? "cat@gamma" : NULL);
	is_str(j, "type", "group_created");
	is_str(j, "group", "g");
	is_list(j, "members", f->c == NULL ? 2 : 3);
	return (f);
}

START_TEST(told_both_ways)
{
	struct fed	*f = begin(FED_ONE_WAY);
	json_t		*j;

	tell(f->ann, "g", "one");
	j = told(f->bob, "g@alpha", "ann@alpha", "one");
	is_str(j, "msg_id", "1");
	tell(f->bob, "g@alpha", "two");
	j = told(f->ann, "g", "bob@beta", "two");
	is_str(j, "msg_id", "2");
	tell(f->bob, "g@alpha", "three");
	(void)told(f->ann, "g", "bob@beta", "three");
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

START_TEST(invited_later)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	is_str(rpc(f->ann, "{s:s,s:s,s:[]}", "type", "group_create",
	    "name", "g", "members"), "type", "group_created");
	refused(f->bob, "not_member", "{s:s,s:s,s:s}", "type", "group_send",
	    "group", "g@alpha", "text", "x");
	refused(f->bob, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	do_peer(f->ann, "group_invite", "g", "bob@beta");
	refused(f->ann, "bad_args", "{s:s,s:s,s:s}", "type", "group_invite",
	    "group", "g", "peer", "bob@beta");
	refused(f->bob, "not_admin", "{s:s,s:s,s:s}", "type",
	    "group_invite", "group", "g@alpha", "peer", "dan");
	refused(f->bob, "not_admin", "{s:s,s:s}", "type", "group_delete",
	    "group", "g@alpha");
	refused(f->bob, "not_member", "{s:s,s:s}", "type", "group_info",
	    "group", "other@alpha");
	tell(f->bob, "g@alpha", "one");
	(void)told(f->ann, "g", "bob@beta", "one");
	fed_end(f);
}
END_TEST

static void
entry_is(const json_t *list, size_t i, const char *from, const char *text)
{
	const json_t	*j = json_array_get(list, i);

	has_only(j, "id from text ts type");
	is_int(j, "id", (json_int_t)i + 1);
	is_str(j, "from", from);
	is_str(j, "text", text);
	is_str(j, "type", "message");
}

START_TEST(history)
{
	struct fed	*f = begin(FED_ONE_WAY);
	json_t		*j;

	tell(f->ann, "g", "one");
	tell(f->bob, "g@alpha", "two");
	tell(f->ann, "g", "three");
	unread(f->bob, "g@alpha", 3);
	j = rpc(f->bob, "{s:s,s:s,s:i}", "type", "group_history",
	    "group", "g@alpha", "limit", 2);
	is_str(j, "type", "group_messages");
	is_str(j, "group", "g@alpha");
	is_int(j, "unread_remaining", 1);
	is_list(j, "messages", 2);
	entry_is(json_object_get(j, "messages"), 0, "ann@alpha", "one");
	entry_is(json_object_get(j, "messages"), 1, "bob", "two");
	unread(f->bob, "g@alpha", 1);
	unread(f->ann, "g", 3);
	j = rpc(f->bob, "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	is_int(j, "unread_remaining", 0);
	is_str(json_array_get(is_list(j, "messages", 1), 0), "text",
	    "three");
	unread(f->bob, "g@alpha", 0);
	j = rpc(f->bob, "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	is_list(j, "messages", 0);
	j = rpc(f->ann, "{s:s,s:s}", "type", "group_history", "group", "g");
	is_str(json_array_get(is_list(j, "messages", 3), 1), "from",
	    "bob@beta");
	fed_end(f);
}
END_TEST

/* What was said while he, or the link, was not there. */
START_TEST(history_of_what_was_missed)
{
	struct fed	*f = begin(FED_ONE_WAY);
	json_t		*j;

	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	tell(f->ann, "g", "one");
	wire_closed(f->wire, 0);
	linked(f->bob, "alpha");
	conn_close(f->bob);
	(void)misses(f->ann, "bob@beta");
	tell(f->ann, "g", "two");
	f->bob = client_new(f->b, "bob", FEATURES);
	(void)meets(f->ann, "bob@beta");
	unread(f->bob, "g@alpha", 2);
	j = rpc(f->bob, "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	is_list(j, "messages", 2);
	entry_is(json_object_get(j, "messages"), 0, "ann@alpha", "one");
	entry_is(json_object_get(j, "messages"), 1, "ann@alpha", "two");
	fed_end(f);
}
END_TEST

START_TEST(who_is_in_it)
{
	struct fed	*f = begin(FED_TRIANGLE);
	static const char *const seen[3][3] = {
		{ "ann", "bob@beta", "cat@gamma" },
		{ "ann@alpha", "bob", "cat@gamma" },
		{ "ann@alpha", "bob@beta", "cat" }
	};
	struct conn	*who[3];
	json_t		*j, *list, *m;
	int		 i, k;

	who[0] = f->ann;
	who[1] = f->bob;
	who[2] = f->cat;
	for (i = 0; i < 3; i++) {
		j = info(who[i], i == 0 ? "g" : "g@alpha");
		is_str(j, "admin", seen[i][0]);
		list = is_list(j, "members", 3);
		for (k = 0; k < 3; k++) {
			m = find_in(list, "name", seen[i][k]);
			want(m != NULL, "no %s: %s", seen[i][k], show(j));
			is_true(m, "online");
			if (i == k)
				is_int(m, "last_read", 0);
			else
				is_absent(m, "last_read");
		}
	}
	conn_close(f->cat);
	(void)misses(f->ann, "cat@gamma");
	j = info(f->bob, "g@alpha");
	m = find_in(json_object_get(j, "members"), "name", "cat@gamma");
	want(json_is_false(json_object_get(m, "online")), "%s", show(j));
	tell(f->bob, "g@alpha", "one");
	(void)told(f->ann, "g", "bob@beta", "one");
	f->cat = client_new(f->c, "cat", FEATURES);
	(void)meets(f->ann, "cat@gamma");
	tell(f->bob, "g@alpha", "two");
	(void)told(f->cat, "g@alpha", "bob@beta", "two");
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

START_TEST(one_leaves)
{
	struct fed	*f = begin(FED_ONE_WAY);
	json_t		*j;

	do_with(f->bob, "group_leave", "g@alpha");
	is_list(info(f->ann, "g"), "members", 1);
	refused(f->bob, "not_member", "{s:s,s:s,s:s}", "type", "group_send",
	    "group", "g@alpha", "text", "x");
	is_list(rpc(f->bob, "{s:s}", "type", "group_list"), "groups", 0);
	j = rpc(f->ann, "{s:s,s:s}", "type", "group_history", "group", "g");
	j = json_array_get(is_list(j, "messages", 1), 0);
	is_str(j, "type", "system");
	is_str(j, "text", "bob@beta left");
	tell(f->ann, "g", "one");
	quiet(f->bob, "incoming_group_msg");
	fed_end(f);
}
END_TEST

START_TEST(one_is_removed)
{
	struct fed	*f = begin(FED_ONE_WAY);

	do_peer(f->ann, "group_remove", "g", "bob@beta");
	noticed(f->bob, "g@alpha", "removed bob", "g", "a reason");
	is_list(info(f->ann, "g"), "members", 1);
	refused(f->bob, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	is_list(rpc(f->bob, "{s:s}", "type", "group_list"), "groups", 0);
	fed_end(f);
}
END_TEST

START_TEST(it_is_deleted)
{
	struct fed	*f = begin(FED_TRIANGLE);

	do_with(f->ann, "group_delete", "g");
	noticed(f->bob, "g@alpha", "ann", "deleted group", "g");
	noticed(f->cat, "g@alpha", "ann", "deleted group", "g");
	is_list(rpc(f->bob, "{s:s}", "type", "group_list"), "groups", 0);
	fed_end(f);
}
END_TEST

/* One of each, and of one name. */
START_TEST(groups_of_both)
{
	struct fed	*f = begin(FED_ONE_WAY);
	json_t		*j, *list;

	j = rpc(f->bob, "{s:s,s:s,s:[s]}", "type", "group_create",
	    "name", "g", "members", "ann@alpha");
	is_str(j, "type", "group_created");
	tell(f->bob, "g", "in his");
	(void)told(f->ann, "g@beta", "bob@beta", "in his");
	tell(f->ann, "g", "in hers");
	(void)told(f->bob, "g@alpha", "ann@alpha", "in hers");
	j = rpc(f->bob, "{s:s}", "type", "group_list");
	list = is_list(j, "groups", 2);
	want(find_in(list, "name", "g") != NULL &&
	    find_in(list, "name", "g@alpha") != NULL, "%s", show(j));
	j = rpc(f->ann, "{s:s}", "type", "group_list");
	list = is_list(j, "groups", 2);
	want(find_in(list, "name", "g") != NULL &&
	    find_in(list, "name", "g@beta") != NULL, "%s", show(j));
	fed_end(f);
}
END_TEST

static void
unreachable(struct conn *c, const char *type)
{
	json_t		*j;
	const char	*message;

	j = rpc(c, "{s:s,s:s,s:s}", "type", type, "group", "g@alpha",
	    "text", "x");
	is_str(j, "type", "err");
	is_str(j, "code", "hub_unreachable");
	message = str_of(j, "message");
	want(strstr(message, "alpha") != NULL, "%s", message);
}

START_TEST(its_hub_is_away)
{
	static const char *const types[] = {
		"group_send", "group_history", "group_info", "group_leave"
	};
	struct fed	*f = begin(FED_ONE_WAY);
	size_t		 i;

	tell(f->ann, "g", "one");
	(void)told(f->bob, "g@alpha", "ann@alpha", "one");
	wire_closed(f->wire, 1);
	unlinked(f->bob, "alpha");
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		unreachable(f->bob, types[i]);
	is_str(rpc(f->bob, "{s:s}", "type", "group_list"), "type",
	    "group_list_result");
	wire_closed(f->wire, 0);
	linked(f->bob, "alpha");
	unread(f->bob, "g@alpha", 1);
	tell(f->bob, "g@alpha", "two");
	(void)told(f->ann, "g", "bob@beta", "two");
	fed_end(f);
}
END_TEST

/* The link falls while the answer is on its way: there is one all the same. */
START_TEST(cut_while_asking)
{
	struct fed	*f = begin(FED_ONE_WAY);
	int		 i;

	for (i = 0; i < 20; i++)
		say(f->bob, "{s:s,s:s,s:s}", "type", "group_info",
		    "group", "g@alpha", "req_id", "r");
	wire_cut(f->wire);
	for (i = 0; i < 20; i++)
		(void)hear_with(f->bob, NULL, "req_id", "r");
	fed_end(f);
}
END_TEST

static void
still_a_member(struct fed *f, int link_down)
{
	if (link_down) {
		wire_closed(f->wire, 1);
		unlinked(f->ann, "beta");
	}
	is_str(rpc(f->bob, "{s:s,s:s}", "type", "rename", "new_name", "rob"),
	    "type", "ack");
	if (link_down)
		wire_closed(f->wire, 0);
	(void)meets(f->ann, "rob@beta");
	tell(f->ann, "g", "one");
	(void)told(f->bob, "g@alpha", "ann@alpha", "one");
	tell(f->bob, "g@alpha", "two");
	(void)told(f->ann, "g", "rob@beta", "two");
	want(find_in(is_list(info(f->ann, "g"), "members", 2), "name",
	    "rob@beta") != NULL, "%s", show(info(f->ann, "g")));
	want(find_in(is_list(info(f->bob, "g@alpha"), "members", 2), "name",
	    "rob") != NULL, "%s", show(info(f->bob, "g@alpha")));
	unread(f->bob, "g@alpha", 2);
	/* the next one of that name is none */
	is_list(rpc(client_new(f->b, "bob", FEATURES), "{s:s}", "type",
	    "group_list"), "groups", 0);
	fed_end(f);
}

START_TEST(another_name)
{
	still_a_member(begin(FED_ONE_WAY), 0);
}
END_TEST

START_TEST(another_name_while_the_link_is_down)
{
	still_a_member(begin(FED_ONE_WAY), 1);
}
END_TEST

START_TEST(the_admin_has_another_name)
{
	struct fed	*f = begin(FED_ONE_WAY);

	is_str(rpc(f->ann, "{s:s,s:s}", "type", "rename",
	    "new_name", "anna"), "type", "ack");
	(void)meets(f->bob, "anna@alpha");
	is_str(info(f->bob, "g@alpha"), "admin", "anna@alpha");
	tell(f->bob, "g@alpha", "one");
	(void)told(f->ann, "g", "bob@beta", "one");
	fed_end(f);
}
END_TEST

START_TEST(hubs_start_again)
{
	struct fed	*f = begin(FED_BOTH_WAYS);
	json_t		*j;

	tell(f->ann, "g", "one");
	(void)told(f->bob, "g@alpha", "ann@alpha", "one");
	j = rpc(f->bob, "{s:s,s:s}", "type", "group_history",
	    "group", "g@alpha");
	is_list(j, "messages", 1);
	/* his hub tells hers that he has them, and then asks */
	unread(f->bob, "g@alpha", 0);
	want(hub_stop(f->a, SIGTERM) == 0, "the hub did not end well");
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	fed_kill(f->b);
	fed_start(f->b);
	f->bob = client_new(f->b, "bob", FEATURES);
	(void)meets(f->ann, "bob@beta");
	(void)meets(f->bob, "ann@alpha");
	unread(f->bob, "g@alpha", 0);
	tell(f->bob, "g@alpha", "two");
	(void)told(f->ann, "g", "bob@beta", "two");
	unread(f->bob, "g@alpha", 1);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkgroups");

	(void)argc;
	test_add(s, told_both_ways, 30);
	test_add(s, invited_later, 30);
	test_add(s, history, 30);
	test_add(s, history_of_what_was_missed, 60);
	test_add(s, who_is_in_it, 60);
	test_add(s, one_leaves, 30);
	test_add(s, one_is_removed, 30);
	test_add(s, it_is_deleted, 60);
	test_add(s, groups_of_both, 30);
	test_add(s, its_hub_is_away, 60);
	test_add(s, cut_while_asking, 60);
	test_add(s, another_name, 30);
	test_add(s, another_name_while_the_link_is_down, 60);
	test_add(s, the_admin_has_another_name, 30);
	test_add(s, hubs_start_again, 60);
	return (test_main(argv[0], s));
}
