/* SPDX-License-Identifier: ISC */
/*
 * Groups: create, invite, remove, leave, send, list, info, delete; who may do
 * what, and what the others hear of it.
 */
#include "compat.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define GROUPS		200
#define MEMBERS		20
#define TEXT_MAX	524288

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static void
create(struct conn *c, const char *group, const char *member)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:[s]}", "type", "group_create", "name", group,
	    "members", member);
	is_str(j, "type", "group_created");
}

/* A request with a group, and with a peer unless that is NULL. */
static json_t *
ask_group(struct conn *c, const char *type, const char *group,
    const char *peer)
{
	if (peer == NULL)
		return (rpc(c, "{s:s,s:s}", "type", type, "group", group));
	return (rpc(c, "{s:s,s:s,s:s}", "type", type, "group", group, "peer",
	    peer));
}

static void
acked(const json_t *j)
{
	is_str(j, "type", "group_ack");
	has_only(j, "type req_id");
}

/* It must be an err with that code and message (NULL: none). */
static void
is_err(const json_t *j, const char *code, const char *message)
{
	is_str(j, "type", "err");
	is_str(j, "code", code);
	if (message != NULL)
		is_str(j, "message", message);
	else
		is_absent(j, "message");
}

static json_t *
remove_peer(struct conn *c, const char *group, const char *peer,
    const char *reason)
{
	return (rpc(c, "{s:s,s:s,s:s,s:s}", "type", "group_remove", "group",
	    group, "peer", peer, "reason", reason));
}

static json_t *
say_in(struct conn *c, const char *group, const char *text)
{
	return (rpc(c, "{s:s,s:s,s:s}", "type", "group_send", "group", group,
	    "text", text));
}

/* Nothing but these names, in this order. */
static void
are_members(const json_t *j, const char *names)
{
	const json_t	*v, *list = json_object_get(j, "members");
	char		 text[2048] = "";
	size_t		 i;

	for (i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		if (json_is_object(v))
			v = json_object_get(v, "name");
		if (i > 0)
			strlcat(text, " ", sizeof(text));
		strlcat(text, json_string_value(v), sizeof(text));
	}
	want(strcmp(text, names) == 0, "members are %s, not %s", text, names);
}

START_TEST(created)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	json_t		*j;

	j = rpc(a, "{s:s,s:s,s:[s,s,s,s,s,s,s,s]}", "type", "group_create",
	    "name", " g-1 ", "members", "b", "not a name", "", " c ", "b",
	    "a", "..", "\xc3\xa9");
	is_str(j, "type", "group_created");
	has_only(j, "type req_id group members");
	is_str(j, "group", "g-1");
	are_members(j, "a b c");
	j = rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name", "g2",
	    "members");
	are_members(j, "a");
	/* a former name is the one that it leads to */
	rpc(client_new(t, "old", NULL), "{s:s,s:s}", "type", "rename",
	    "new_name", "new");
	j = rpc(a, "{s:s,s:s,s:[s,s]}", "type", "group_create", "name", "g3",
	    "members", "old", "new");
	are_members(j, "a new");
	tenv_end(t);
}
END_TEST

START_TEST(not_created)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	create(a, "g", "b");
	is_err(rpc(b, "{s:s,s:s,s:[]}", "type", "group_create", "name", "g",
	    "members"), "bad_args", "group_exists");
	is_err(rpc(b, "{s:s,s:s,s:[]}", "type", "group_create", "name",
	    "a b", "members"), "bad_args", "invalid group name");
	refused(b, "bad_msg", "{s:s,s:s}", "type", "group_create", "name",
	    "x");
	refused(b, "bad_msg", "{s:s,s:s,s:s}", "type", "group_create",
	    "name", "x", "members", "b");
	refused(b, "bad_msg", "{s:s,s:s,s:[s,i]}", "type", "group_create",
	    "name", "x", "members", "b", 5);
	tenv_end(t);
}
END_TEST

/* A list of members m1, m2, ... mN, and one more unless it is NULL. */
static json_t *
names(int n, const char *more)
{
	json_t	*list = json_array();
	int	 i;

	for (i = 1; i <= n; i++)
		json_array_append_new(list, json_sprintf("m%d", i));
	if (more != NULL)
		json_array_append_new(list, json_string(more));
	return (list);
}

START_TEST(as_many_members_as_may_be)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);

	refused(a, "bad_msg", "{s:s,s:s,s:o}", "type", "group_create",
	    "name", "g", "members", names(MEMBERS + 1, NULL));
	/* the caller is not counted */
	is_list(rpc(a, "{s:s,s:s,s:o}", "type", "group_create", "name", "g",
	    "members", names(MEMBERS, "a")), "members", MEMBERS + 1);
	is_err(ask_group(a, "group_invite", "g", "one-more"), "bad_args",
	    "member_limit_reached (max 20)");
	/* with the admin there are 19 */
	rpc(a, "{s:s,s:s,s:o}", "type", "group_create", "name", "h",
	    "members", names(MEMBERS - 2, NULL));
	acked(ask_group(a, "group_invite", "h", "m19"));
	is_err(ask_group(a, "group_invite", "h", "m20"), "bad_args",
	    "member_limit_reached (max 20)");
	acked(remove_peer(a, "h", "m1", "room for another"));
	acked(ask_group(a, "group_invite", "h", "m20"));
	tenv_end(t);
}
END_TEST

START_TEST(as_many_groups_as_may_be)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	char		 name[16];
	int		 i;

	for (i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		create(a, name, "b");
	}
	is_err(rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name",
	    "more", "members"), "bad_args", "group_limit_reached (max 200)");
	is_list(rpc(a, "{s:s}", "type", "group_list"), "groups", GROUPS);
	acked(ask_group(a, "group_delete", "g7", NULL));
	create(a, "more", "b");
	is_err(rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name",
	    "even-more", "members"), "bad_args",
	    "group_limit_reached (max 200)");
	tenv_end(t);
}
END_TEST

START_TEST(invited)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j;

	create(a, "g", "b");
	say_in(a, "g", "before c came");
	acked(ask_group(a, "group_invite", "g", " c "));
	quiet(c, NULL);
	/* what was said before is there for the newcomer, too */
	is_list(ask_group(c, "group_history", "g", NULL), "messages", 1);
	is_err(ask_group(a, "group_invite", "g", "c"), "bad_args",
	    "already_member");
	is_err(ask_group(a, "group_invite", "g", "a"), "bad_args",
	    "already_member");
	is_err(ask_group(b, "group_invite", "g", "d"), "not_admin", NULL);
	is_err(ask_group(c, "group_invite", "other", "d"),
	    "group_not_found", NULL);
	is_err(ask_group(a, "group_invite", "g", "d e"), "bad_args",
	    "not a name: 1 to 64 letters, digits, '.', '_' and '-'");
	is_err(ask_group(a, "group_invite", "g h", "d"), "bad_args",
	    "invalid group name");
	/* a former name is a member already */
	rpc(c, "{s:s,s:s}", "type", "rename", "new_name", "c2");
	is_err(ask_group(a, "group_invite", "g", "c"), "bad_args",
	    "already_member");
	j = ask_group(a, "group_info", "g", NULL);
	are_members(j, "a b c2");
	tenv_end(t);
}
END_TEST

START_TEST(removed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j;

	rpc(a, "{s:s,s:s,s:[s,s]}", "type", "group_create", "name", "g",
	    "members", "b", "c");
	say_in(a, "g", "1");
	hear(b, "incoming_group_msg");
	hear(c, "incoming_group_msg");
	acked(remove_peer(a, "g", "b", "\"too\\loud\"\n\xc3\xa9"));
	j = hear(b, "incoming_group_msg");
	has_only(j, "type group from text msg_id ts");
	is_str(j, "group", "g");
	is_str(j, "from", "a");
	is_str(j, "text", "a removed b from g: \"too\\loud\"\n\xc3\xa9");
	is_str(j, "msg_id", "2");
	want(is_iso8601(str_of(j, "ts")), "%s", show(j));
	quiet(c, NULL);
	quiet(a, NULL);
	is_err(say_in(b, "g", "x"), "not_member", NULL);
	is_err(ask_group(b, "group_history", "g", NULL), "not_member", NULL);
	is_list(rpc(b, "{s:s}", "type", "group_list"), "groups", 0);
	j = is_list(ask_group(c, "group_history", "g", NULL), "messages", 2);
	j = json_array_get(j, 1);
	has_only(j, "id from text ts type");
	is_str(j, "type", "system");
	is_str(j, "from", "a");
	is_str(j, "text", "a removed b: \"too\\loud\"\n\xc3\xa9");
	is_int(j, "id", 2);
	/* one who is invited again begins anew */
	acked(ask_group(a, "group_invite", "g", "b"));
	is_list(ask_group(b, "group_history", "g", NULL), "messages", 2);
	tenv_end(t);
}
END_TEST

START_TEST(not_removed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		*long_one = t_fill('r', 257);

	create(a, "g", "b");
	is_err(remove_peer(a, "g", "a", "r"), "bad_args",
	    "admin_cannot_remove_self");
	is_err(remove_peer(a, "g", "c", "r"), "not_member", NULL);
	is_err(remove_peer(b, "g", "a", "r"), "not_admin", NULL);
	is_err(remove_peer(b, "other", "a", "r"), "group_not_found", NULL);
	is_err(remove_peer(a, "g", "..", "r"), "bad_args",
	    "not a name: 1 to 64 letters, digits, '.', '_' and '-'");
	is_err(remove_peer(a, "..", "b", "r"), "bad_args",
	    "invalid group name");
	is_str(remove_peer(a, "g", "b", ""), "code", "bad_msg");
	is_str(remove_peer(a, "g", "b", long_one), "code", "bad_msg");
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "group_remove",
	    "group", "g", "peer", "b");
	quiet(b, NULL);
	/* one that is away */
	conn_close(b);
	acked(remove_peer(a, "g", "b", long_one + 1));
	is_err(remove_peer(a, "g", "b", "r"), "not_member", NULL);
	free(long_one);
	tenv_end(t);
}
END_TEST

START_TEST(left)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	create(a, "g", "b");
	j = ask_group(a, "group_leave", "g", NULL);
	is_str(j, "code", "bad_args");
	acked(ask_group(b, "group_leave", "g", NULL));
	quiet(a, NULL);
	is_err(ask_group(b, "group_leave", "g", NULL), "not_member", NULL);
	is_err(ask_group(b, "group_leave", "other", NULL), "not_member",
	    NULL);
	is_err(ask_group(b, "group_info", "g", NULL), "not_member", NULL);
	j = is_list(ask_group(a, "group_history", "g", NULL), "messages", 1);
	j = json_array_get(j, 0);
	is_str(j, "from", "b");
	is_str(j, "text", "b left");
	is_str(j, "type", "system");
	say_in(a, "g", "x");
	quiet(b, NULL);
	are_members(ask_group(a, "group_info", "g", NULL), "a");
	tenv_end(t);
}
END_TEST

START_TEST(sent)
{
	static const char	 text[] =
				    "a \"quote\"\\ \n\xc3\xa9\xf0\x9f\x98\x80";
	struct tenv		*t = begin();
	struct conn		*a = client_new(t, "a", NULL);
	struct conn		*b = client_new(t, "b", FEATURES);
	struct conn		*c = client_new(t, "c", NULL);
	json_t			*j;

	rpc(a, "{s:s,s:s,s:[s,s,s]}", "type", "group_create", "name", "g",
	    "members", "b", "c", "never-there");
	acked(say_in(a, "g", text));
	j = hear(b, "incoming_group_msg");
	has_only(j, "type group from text msg_id ts");
	is_str(j, "group", "g");
	is_str(j, "from", "a");
	is_str(j, "text", text);
	is_str(j, "msg_id", "1");
	want(is_iso8601(str_of(j, "ts")), "%s", show(j));
	is_same(hear(c, "incoming_group_msg"), "O", j);
	quiet(a, NULL);
	acked(say_in(b, "g", ""));
	j = hear(a, "incoming_group_msg");
	is_str(j, "from", "b");
	is_str(j, "text", "");
	is_str(j, "msg_id", "2");
	is_str(hear(c, "incoming_group_msg"), "msg_id", "2");
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(not_sent)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);
	struct conn	*c = client_new(t, "c", FEATURES);
	char		*text = t_fill('x', TEXT_MAX + 1);

	create(a, "g", "b");
	is_err(say_in(c, "g", "x"), "not_member", NULL);
	is_err(say_in(c, "other", "x"), "not_member", NULL);
	is_err(say_in(c, "a/b", "x"), "bad_args", "invalid group name");
	is_str(say_in(b, "g", text), "code", "too_large");
	is_str(say_in(a, "g", text), "code", "bad_msg");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "group_send", "group",
	    "g");
	text[TEXT_MAX] = '\0';
	acked(say_in(a, "g", text));
	is_str(hear(b, "incoming_group_msg"), "text", text);
	quiet(c, NULL);
	free(text);
	tenv_end(t);
}
END_TEST

START_TEST(listed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	j = rpc(a, "{s:s}", "type", "group_list");
	has_only(j, "type req_id groups");
	is_list(j, "groups", 0);
	create(a, "one", "b");
	create(a, "two", "c");
	create(b, "three", "c");
	say_in(a, "one", "x");
	say_in(b, "one", "y");
	say_in(a, "two", "z");
	j = is_list(rpc(a, "{s:s}", "type", "group_list"), "groups", 2);
	is_same(find_in(j, "name", "one"), "{s:s,s:i}", "name", "one",
	    "unread_count", 2);
	is_same(find_in(j, "name", "two"), "{s:s,s:i}", "name", "two",
	    "unread_count", 1);
	ask_group(b, "group_history", "one", NULL);
	j = is_list(rpc(b, "{s:s}", "type", "group_list"), "groups", 2);
	is_int(find_in(j, "name", "one"), "unread_count", 0);
	is_int(find_in(j, "name", "three"), "unread_count", 0);
	tenv_end(t);
}
END_TEST

START_TEST(described)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j;

	rpc(a, "{s:s,s:s,s:[s,s]}", "type", "group_create", "name", "g",
	    "members", "b", "away");
	say_in(a, "g", "1");
	say_in(a, "g", "2");
	rpc(b, "{s:s,s:s,s:i}", "type", "group_history", "group", "g",
	    "limit", 1);
	j = ask_group(b, "group_info", "g", NULL);
	is_str(j, "type", "group_info_result");
	has_only(j, "type req_id group admin members unread_count");
	is_str(j, "group", "g");
	is_str(j, "admin", "a");
	is_int(j, "unread_count", 1);
	is_same(json_object_get(j, "members"),
	    "[{s:s,s:b},{s:s,s:i,s:b},{s:s,s:b}]", "name", "a", "online", 1,
	    "name", "b", "last_read", 1, "online", 1, "name", "away",
	    "online", 0);
	is_err(ask_group(c, "group_info", "g", NULL), "not_member", NULL);
	is_err(ask_group(c, "group_info", "other", NULL), "not_member",
	    NULL);
	tenv_end(t);
}
END_TEST

START_TEST(deleted)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	create(a, "g", "b");
	say_in(a, "g", "1");
	hear(b, "incoming_group_msg");
	is_err(ask_group(b, "group_delete", "g", NULL), "not_admin", NULL);
	is_err(ask_group(b, "group_delete", "other", NULL),
	    "group_not_found", NULL);
	acked(ask_group(a, "group_delete", "g", NULL));
	j = hear(b, "incoming_group_msg");
	has_only(j, "type group from text msg_id ts");
	is_str(j, "from", "a");
	is_str(j, "text", "a deleted group g");
	is_str(j, "msg_id", "2");
	want(is_iso8601(str_of(j, "ts")), "%s", show(j));
	quiet(a, NULL);
	is_err(ask_group(a, "group_delete", "g", NULL), "group_not_found",
	    NULL);
	is_err(say_in(a, "g", "x"), "not_member", NULL);
	/* another one of that name has nothing of the first */
	create(b, "g", "a");
	is_list(ask_group(a, "group_history", "g", NULL), "messages", 0);
	acked(say_in(b, "g", "2"));
	is_str(hear(a, "incoming_group_msg"), "msg_id", "1");
	j = is_list(ask_group(b, "group_history", "g", NULL), "messages", 1);
	is_int(json_array_get(j, 0), "id", 1);
	tenv_end(t);
}
END_TEST

/* Each request with one member that is not as it must be. */
START_TEST(bad_requests)
{
	static const char *const types[] = {
		"group_create", "group_invite", "group_remove",
		"group_leave", "group_send", "group_history", "group_info",
		"group_delete"
	};
	/* The name, as JSON, and what it is answered. */
	static const struct {
		const char	*name, *code;
	} bad[] = {
		{ "null", "bad_msg" }, { "5", "bad_msg" },
		{ "[\"g\"]", "bad_msg" }, { "{}", "bad_msg" },
		{ "true", "bad_msg" }, { "\"\"", "bad_msg" },
		{ "\" \\t\"", "bad_msg" }, { "\"..\"", "bad_args" },
		{ "\".\"", "bad_args" }, { "\"a/b\"", "bad_args" },
		{ "\"a b\"", "bad_args" }, { "\"a@b\"", "bad_args" },
		{ "\"\\u00e9\"", "bad_args" }, { "\"a\\n\\nb\"", "bad_args" },
		{ "\"0123456789012345678901234567890123456789"
		    "0123456789012345678901234\"", "bad_msg" }
	};
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	char		 line[512];
	size_t		 i, k;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"%s\",\"peer\":"
		    "\"b\",\"reason\":\"r\",\"text\":\"t\",\"members\":[]}",
		    types[i]);
		refused_text(a, "bad_msg", line);
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			snprintf(line, sizeof(line), "{\"type\":\"%s\","
			    "\"%s\":%s,\"peer\":\"b\",\"reason\":\"r\","
			    "\"text\":\"t\",\"members\":[]}", types[i],
			    i == 0 ? "name" : "group", bad[k].name);
			refused_text(a, bad[k].code, line);
			if (i != 1 && i != 2)
				continue;
			snprintf(line, sizeof(line), "{\"type\":\"%s\","
			    "\"group\":\"g\",\"peer\":%s,\"reason\":\"r\"}",
			    types[i], bad[k].name);
			refused_text(a, strchr(bad[k].name, '@') != NULL ?
			    "peer_not_found" : bad[k].code, line);
		}
	}
	quiet(a, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* Names that are unusual, and right. */
START_TEST(odd_names)
{
	static const char *const odd[] = {
		"__proto__", "constructor", "...", "-", "a.json",
		("0123456789012345678901234567890123456789"
		    "012345678901234567890123")
	};
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	size_t		 i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		create(a, odd[i], odd[i]);
		acked(say_in(a, odd[i], odd[i]));
		is_list(ask_group(a, "group_history", odd[i], NULL),
		    "messages", 1);
		acked(remove_peer(a, odd[i], odd[i], "r"));
		acked(ask_group(a, "group_delete", odd[i], NULL));
	}
	tenv_end(t);
}
END_TEST

START_TEST(not_before_register)
{
	static const char *const types[] = {
		"group_create", "group_invite", "group_remove",
		"group_leave", "group_send", "group_history", "group_list",
		"group_info", "group_delete"
	};
	struct tenv	*t = begin();
	struct conn	*a = client_open(t);
	size_t		 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		refused(a, "not_registered", "{s:s}", "type", types[i]);
	tenv_end(t);
}
END_TEST

START_TEST(shown_by_hubctl)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct output	*o;
	json_t		*j;

	o = run(t, NULL, "hubctl", "show", "groups", NULL);
	want(o->status == 0 && strstr(o->out, "no groups") != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	create(a, "g", "b");
	say_in(a, "g", "x");
	o = run(t, NULL, "hubctl", "show", "groups", NULL);
	want(o->status == 0 && strstr(o->out, "a b") != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	o = run(t, NULL, "hubctl", "-j", "show", "groups", NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	output_free(o);
	j = json_array_get(is_list(j, "groups", 1), 0);
	has_only(j, "name admin members messages created_at");
	is_str(j, "name", "g");
	is_str(j, "admin", "a");
	is_same(json_object_get(j, "members"), "[s,s]", "a", "b");
	is_int(j, "messages", 1);
	want(is_iso8601(str_of(j, "created_at")), "%s", show(j));
	tenv_end(t);
}
END_TEST

/* Whoever watches sees that something was said, and not what. */
START_TEST(monitored)
{
	const char *const argv[] = { "hubctl", "-j", "monitor", NULL };
	struct tenv	*t = begin();
	struct conn	*m, *a = client_new(t, "a", NULL);
	struct line	*l;
	json_t		*event = NULL;
	int		 out[2], fds[2] = { -1, -1 };
	int64_t		 end = t_now() + t_slow(T_WAIT);

	want(pipe(out) == 0, "pipe");
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	fds[1] = out[1];
	m = conn_add(t, out[0], dup(out[0]), 0);
	m->pid = program_start("hubctl", argv, fds,
	    tenv_path(t, "monitor.log"), NULL);
	close(out[1]);
	create(a, "g", "b");
	/* it says nothing when it is ready */
	while (event == NULL && t_now() < end) {
		say_in(a, "g", "secret words");
		while ((l = conn_take(m, 20)) != NULL) {
			want(strstr(l->text, "secret words") == NULL,
			    "a text in an event: %s", l->text);
			if (strstr(l->text, "group_message") != NULL)
				event = tenv_keep(t, json_incref(l->json));
			line_free(l);
		}
	}
	want(event != NULL, "no event for a message");
	has_only(event, "ts event from group msg_id");
	is_str(event, "from", "a");
	is_str(event, "group", "g");
	acked(remove_peer(a, "g", "b", "secret words"));
	event = hear_with(m, NULL, "event", "group_remove");
	has_only(event, "ts event name group peer");
	is_str(event, "peer", "b");
	kill(m->pid, SIGINT);
	want(program_wait(m->pid, fds, T_WAIT) == 0, "it goes on");
	m->pid = 0;
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("groups");

	(void)argc;
	test_add(s, created, 20);
	test_add(s, not_created, 20);
	test_add(s, as_many_members_as_may_be, 20);
	test_add(s, as_many_groups_as_may_be, 30);
	test_add(s, invited, 20);
	test_add(s, removed, 20);
	test_add(s, not_removed, 20);
	test_add(s, left, 20);
	test_add(s, sent, 20);
	test_add(s, not_sent, 20);
	test_add(s, listed, 20);
	test_add(s, described, 20);
	test_add(s, deleted, 20);
	test_add(s, bad_requests, 20);
	test_add(s, odd_names, 20);
	test_add(s, not_before_register, 20);
	test_add(s, shown_by_hubctl, 30);
	test_add(s, monitored, 30);
	return (test_main(argv[0], s));
}
