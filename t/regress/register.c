/* SPDX-License-Identifier: ISC */
/*
 * register, rename, list_peers, ping, sessions and presence: who is there and
 * under which name.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"

#define PROBE_MS	500

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

/* Sends a line; what comes back must be exactly that line. */
static void
exactly(struct conn *c, const char *line, const char *answer)
{
	struct line	*l;

	say_text(c, line);
	l = conn_take(c, T_WAIT);
	want(l != NULL, "no answer to %s", line);
	want(strcmp(l->text, answer) == 0, "wanted %s, got %s", answer,
	    l->text);
	line_free(l);
}

START_TEST(pong_is_compared_by_bytes)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	struct conn	*all;

	exactly(c, "{\"type\":\"ping\",\"req_id\":\"a-1\"}",
	    "{\"type\":\"pong\",\"req_id\":\"a-1\"}");
	all = client_new(t, "all", FEATURES);
	exactly(all, " { \"req_id\" : \"p\" , \"type\":\"ping\", \"x\":[] } ",
	    "{\"type\":\"pong\",\"req_id\":\"p\"}");
	tenv_end(t);
}
END_TEST

START_TEST(ack_of_a_plain_client)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	json_t		*j;

	quiet(c, NULL);
	say_register(c, "plain", NULL, "r1");
	j = hear(c, NULL);
	is_str(j, "type", "ack");
	is_str(j, "req_id", "r1");
	is_absent(j, "hub_version");
	quiet(c, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(ack_without_req_id)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	json_t		*j;

	say_register(c, "plain", NULL, NULL);
	j = hear(c, NULL);
	is_str(j, "type", "ack");
	is_absent(j, "req_id");
	tenv_end(t);
}
END_TEST

static int
list_has(const json_t *list, const char *s)
{
	const json_t	*e;
	size_t		 i;

	for (i = 0; (e = json_array_get(list, i)) != NULL; i++) {
		if (json_is_string(e) && strcmp(json_string_value(e), s) == 0)
			return (1);
	}
	return (0);
}

START_TEST(ack_has_the_features)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	json_t		*j, *f;

	say_register(c, "able", "receipts,ids,sessions,kind,no-such", "r1");
	j = hear(c, "ack");
	f = json_object_get(j, "features");
	want(json_is_array(f), "no features: %s", show(j));
	want(list_has(f, "receipts") && list_has(f, "ids") &&
	    list_has(f, "sessions") && list_has(f, "kind"),
	    "a feature is missing: %s", show(j));
	want(!list_has(f, "no-such"), "unknown feature: %s", show(j));
	is_absent(j, "hub_version");
	tenv_end(t);
}
END_TEST

START_TEST(second_register_is_refused)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "once", NULL);

	say_register(c, "twice", NULL, "r2");
	is_str(hear_with(c, "err", "req_id", "r2"), "code",
	    "already_registered");
	in_step(c);
	tenv_end(t);
}
END_TEST

START_TEST(other_versions_are_refused)
{
	static const char *const versions[] = { "4", "6", "5.0", "05" };
	struct tenv	*t = begin();
	struct conn	*c;
	size_t		 i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		c = client_open(t);
		refused(c, "protocol_mismatch", "{s:s,s:s,s:s,s:s,s:s}",
		    "type", "register", "name", "n", "cwd", "/",
		    "git_branch", "", "protocol_version", versions[i]);
		conn_close(c);
	}
	tenv_end(t);
}
END_TEST

START_TEST(bad_names_are_refused)
{
	static const char *const names[] = {
		"a b", "a/b", "a@b", "a:b", "\xc3\xa4", "a\nb", "*"
	};
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	char		*name;
	size_t		 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		say_register(c, names[i], NULL, "r");
		is_str(hear_with(c, "err", "req_id", "r"), "code",
		    "bad_args");
	}
	say_register(c, "", NULL, "empty");
	is_str(hear_with(c, "err", "req_id", "empty"), "code", "bad_msg");
	name = t_fill('n', 65);
	say_register(c, name, NULL, "long");
	is_str(hear_with(c, "err", "req_id", "long"), "code", "bad_msg");
	name[64] = '\0';
	say_register(c, name, NULL, "fits");
	is_str(hear_with(c, NULL, "req_id", "fits"), "type", "ack");
	free(name);
	tenv_end(t);
}
END_TEST

START_TEST(bad_members_are_refused)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	char		*cwd = t_fill('c', 1025), *branch = t_fill('b', 257);

	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "register",
	    "name", "n", "cwd", "/", "git_branch", "");
	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "register",
	    "name", "n", "cwd", "/", "protocol_version", "5");
	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "register",
	    "cwd", "/", "git_branch", "", "protocol_version", "5");
	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s,s:i}", "type", "register",
	    "name", "n", "cwd", "/", "git_branch", "",
	    "protocol_version", 5);
	refused(c, "bad_msg", "{s:s,s:i,s:s,s:s,s:s}", "type", "register",
	    "name", 7, "cwd", "/", "git_branch", "",
	    "protocol_version", "5");
	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s,s:s}", "type", "register",
	    "name", "n", "cwd", cwd, "git_branch", "",
	    "protocol_version", "5");
	refused(c, "bad_msg", "{s:s,s:s,s:s,s:s,s:s}", "type", "register",
	    "name", "n", "cwd", "/", "git_branch", branch,
	    "protocol_version", "5");
	say_register(c, "n", NULL, "r");
	hear_with(c, "ack", "req_id", "r");
	free(cwd);
	free(branch);
	tenv_end(t);
}
END_TEST

START_TEST(a_live_holder_keeps_its_name)
{
	struct tenv	*t = begin();
	struct conn	*holder = client_new(t, "wanted", NULL);
	struct conn	*c = client_open(t);
	json_t		*j;

	say_register(c, "wanted", NULL, "r");
	j = hear_with(c, "err", "req_id", "r");
	is_str(j, "code", "name_taken");
	in_step(holder);
	/* and the newcomer may try another one */
	say_register(c, "wanted-2", NULL, "r2");
	hear_with(c, "ack", "req_id", "r2");
	tenv_end(t);
}
END_TEST

START_TEST(a_silent_holder_is_evicted)
{
	struct tenv	*t = begin();
	struct conn	*holder = client_new(t, "wanted", NULL);
	struct conn	*c = client_open(t);
	int64_t		 begun = t_now(), took;

	holder->nopong = 1;
	say_register(c, "wanted", NULL, "r");
	hear_with(c, "ack", "req_id", "r");
	took = t_now() - begun;
	want(took >= PROBE_MS - 50 && took <= t_slow(3 * PROBE_MS),
	    "the probe took %lld ms", (long long)took);
	want(conn_closes(holder, T_WAIT), "the old holder stays connected");
	tenv_end(t);
}
END_TEST

START_TEST(a_gone_holder_frees_its_name)
{
	struct tenv	*t = begin();

	conn_close(client_new(t, "wanted", NULL));
	client_new(t, "wanted", NULL);
	tenv_end(t);
}
END_TEST

START_TEST(one_newcomer_at_a_time)
{
	struct tenv	*t = begin();
	struct conn	*holder = client_new(t, "wanted", NULL);
	struct conn	*first = client_open(t), *second = client_open(t);
	int64_t		 begun = t_now();

	holder->nopong = 1;
	in_step(second);
	say_register(first, "wanted", NULL, "r1");
	in_step(second);
	say_register(second, "wanted", NULL, "r2");
	is_str(hear_with(second, "err", "req_id", "r2"), "code",
	    "name_taken");
	want(t_now() - begun < t_slow(PROBE_MS - 100),
	    "name_taken came only after %lld ms",
	    (long long)(t_now() - begun));
	hear_with(first, "ack", "req_id", "r1");
	tenv_end(t);
}
END_TEST

static int
gets_the_name(void *arg)
{
	json_t	*j;

	say_register(arg, "wanted", NULL, "r");
	j = hear(arg, NULL);
	return (strcmp(str_of(j, "type"), "ack") == 0);
}

START_TEST(a_newcomer_that_leaves_during_the_probe)
{
	struct tenv	*t = begin();
	struct conn	*holder = client_new(t, "wanted", NULL);
	struct conn	*c = client_open(t);

	holder->nopong = 1;
	say_register(c, "wanted", NULL, "r1");
	in_step(holder);
	conn_close(c);
	hub_serves(t);
	/* While the probe goes on the name may still count as wanted. */
	c = client_open(t);
	want(t_until(t, gets_the_name, c, 3 * PROBE_MS),
	    "the name is not to be had");
	tenv_end(t);
}
END_TEST

START_TEST(requests_before_register)
{
	static const char *const lines[] = {
		"{\"type\":\"rename\",\"req_id\":\"r\",\"new_name\":\"n\"}",
		"{\"type\":\"send\",\"req_id\":\"r\",\"to\":\"a\","
		    "\"text\":\"t\"}",
		"{\"type\":\"inbox\",\"req_id\":\"r\"}",
		"{\"type\":\"ask\",\"req_id\":\"r\",\"to\":\"a\","
		    "\"question\":\"q\",\"ask_id\":\"i\"}",
		"{\"type\":\"reply\",\"req_id\":\"r\",\"ask_id\":\"i\","
		    "\"text\":\"t\"}",
		"{\"type\":\"broadcast\",\"req_id\":\"r\","
		    "\"question\":\"q\",\"broadcast_id\":\"b\"}",
		"{\"type\":\"sessions\",\"req_id\":\"r\"}",
		"{\"type\":\"status\",\"req_id\":\"r\"}"
	};
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	json_t		*j;
	size_t		 i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		say_text(c, lines[i]);
		j = hear(c, NULL);
		is_str(j, "type", "err");
		is_str(j, "req_id", "r");
		is_str(j, "code", "not_registered");
	}
	client_new(t, "somebody", NULL);
	j = rpc(c, "{s:s}", "type", "list_peers");
	is_str(j, "type", "peers");
	is_list(j, "peers", 1);
	quiet(c, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(rooms_before_register)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	json_t		*j;

	j = rpc(c, "{s:s}", "type", "list_rooms");
	is_str(j, "type", "rooms_list");
	is_list(j, "rooms", 0);
	tenv_end(t);
}
END_TEST

START_TEST(list_peers_content)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);
	json_t		*j, *p;
	json_int_t	 seen, now = (json_int_t)time(NULL) * 1000;

	client_new(t, "c", NULL);
	j = rpc(a, "{s:s}", "type", "list_peers");
	has_only(j, "type req_id peers");
	is_list(j, "peers", 2);
	p = find_in(json_object_get(j, "peers"), "name", "b");
	want(p != NULL, "b is missing: %s", show(j));
	has_only(p, "name cwd git_branch last_seen");
	is_str(p, "cwd", "/work/of/it");
	is_str(p, "git_branch", "main");
	seen = int_of(p, "last_seen");
	want(seen > now - 60000 && seen < now + 60000,
	    "last_seen is not the time in ms: %s", show(p));
	conn_close(b);
	in_step(a);
	j = rpc(a, "{s:s}", "type", "list_peers");
	is_list(j, "peers", 1);
	tenv_end(t);
}
END_TEST

START_TEST(rename_moves_the_peer)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	j = rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	is_str(j, "type", "ack");
	j = rpc(b, "{s:s}", "type", "list_peers");
	want(find_in(is_list(j, "peers", 1), "name", "a2") != NULL,
	    "no a2: %s", show(j));
	j = rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	is_str(j, "type", "ack");
	/* the old name is free again */
	client_new(t, "a", NULL);
	tenv_end(t);
}
END_TEST

START_TEST(rename_refused)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		*name = t_fill('n', 65);

	refused(a, "name_taken", "{s:s,s:s}", "type", "rename",
	    "new_name", "b");
	refused(a, "bad_args", "{s:s,s:s}", "type", "rename",
	    "new_name", "a b");
	refused(a, "bad_args", "{s:s,s:s}", "type", "rename",
	    "new_name", name);
	refused(a, "bad_msg", "{s:s,s:s}", "type", "rename", "new_name", "");
	refused(a, "bad_msg", "{s:s,s:n}", "type", "rename", "new_name");
	refused(a, "bad_msg", "{s:s}", "type", "rename");
	want(find_in(json_object_get(rpc(b, "{s:s}", "type", "list_peers"),
	    "peers"), "name", "a") != NULL, "a has lost its name");
	free(name);
	tenv_end(t);
}
END_TEST

START_TEST(sessions_and_presence)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_open(t);
	json_t		*j, *s;

	j = rpc(b, "{s:s,s:s,s:s,s:s,s:s,s:[s],s:i,s:I,s:s}",
	    "type", "register", "name", "b", "cwd", "/b", "git_branch", "x",
	    "protocol_version", "5", "features", "sessions", "pid", 4711,
	    "started", (json_int_t)1700000000000, "host", "A Host");
	is_str(j, "type", "ack");
	say(b, "{s:s,s:s}", "type", "presence", "status", "busy");
	in_step(b);
	conn_close(client_new(t, "away", NULL));
	send_text(a, "away", "wait for me", "queued");
	j = rpc(a, "{s:s}", "type", "sessions");
	is_str(j, "type", "sessions_result");
	s = find_in(json_object_get(j, "sessions"), "name", "b");
	want(s != NULL, "no b: %s", show(j));
	is_true(s, "online");
	is_str(s, "cwd", "/b");
	is_str(s, "git_branch", "x");
	is_int(s, "unread", 0);
	is_int(s, "pid", 4711);
	is_int(s, "started", 1700000000000);
	is_str(s, "host", "A Host");
	is_str(s, "status", "busy");
	int_of(s, "last_seen");
	s = find_in(json_object_get(j, "sessions"), "name", "away");
	want(s != NULL, "no away: %s", show(j));
	want(json_is_false(json_object_get(s, "online")), "%s", show(s));
	is_int(s, "unread", 1);
	is_absent(s, "status");
	s = find_in(json_object_get(j, "sessions"), "name", "a");
	want(s != NULL, "the caller is a session, too: %s", show(j));
	j = rpc(a, "{s:s}", "type", "list_peers");
	is_str(find_in(is_list(j, "peers", 1), "name", "b"), "status",
	    "busy");
	j = rpc(client_new(t, "plain", NULL), "{s:s}", "type", "list_peers");
	has_only(find_in(is_list(j, "peers", 2), "name", "b"),
	    "name cwd git_branch last_seen");
	tenv_end(t);
}
END_TEST

START_TEST(status_of_the_hub)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	json_t		*j, *hub;

	client_new(t, "b", NULL);
	j = rpc(a, "{s:s}", "type", "status");
	is_str(j, "type", "status_result");
	hub = json_object_get(j, "hub");
	str_of(hub, "version");
	str_of(hub, "hub_id");
	want(int_of(hub, "uptime_s") < 60, "uptime: %s", show(j));
	int_of(hub, "peers");
	is_list(hub, "links", 0);
	is_int(j, "unread", 0);
	tenv_end(t);
}
END_TEST

START_TEST(lines_as_they_come)
{
	struct tenv	*t = begin();
	struct conn	*c = client_open(t);
	const char	*text = "{\"type\":\"ping\",\"req_id\":\"slow\"}\n";
	size_t		 i;

	/* empty lines, several lines at once, a line byte by byte */
	say_text(c, "\n\n{\"type\":\"ping\",\"req_id\":\"1\"}\n\n"
	    "{\"type\":\"ping\",\"req_id\":\"2\"}\n");
	hear_with(c, "pong", "req_id", "1");
	hear_with(c, "pong", "req_id", "2");
	for (i = 0; i < strlen(text); i++) {
		conn_write(c, text + i, 1);
		conns_pump(t, 1);
	}
	hear_with(c, "pong", "req_id", "slow");
	quiet(c, NULL);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("register");

	(void)argc;
	test_add(s, pong_is_compared_by_bytes, 20);
	test_add(s, ack_of_a_plain_client, 20);
	test_add(s, ack_without_req_id, 20);
	test_add(s, ack_has_the_features, 20);
	test_add(s, second_register_is_refused, 20);
	test_add(s, other_versions_are_refused, 20);
	test_add(s, bad_names_are_refused, 20);
	test_add(s, bad_members_are_refused, 20);
	test_add(s, a_live_holder_keeps_its_name, 20);
	test_add(s, a_silent_holder_is_evicted, 20);
	test_add(s, a_gone_holder_frees_its_name, 20);
	test_add(s, one_newcomer_at_a_time, 20);
	test_add(s, a_newcomer_that_leaves_during_the_probe, 20);
	test_add(s, requests_before_register, 20);
	test_add(s, rooms_before_register, 20);
	test_add(s, list_peers_content, 20);
	test_add(s, rename_moves_the_peer, 20);
	test_add(s, rename_refused, 20);
	test_add(s, sessions_and_presence, 20);
	test_add(s, status_of_the_hub, 20);
	test_add(s, lines_as_they_come, 20);
	return (test_main(argv[0], s));
}
