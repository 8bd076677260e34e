/* SPDX-License-Identifier: ISC */
/*
 * Groups that last: what each member has read and has not, the ring of 500,
 * restarts, renames, and a disk that is full.
 */
#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define KEEP		500
#define BIG		400000

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

/* A group "g" of c and two others. */
static void
create(struct conn *c, const char *one, const char *two)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:[s,s]}", "type", "group_create", "name", "g",
	    "members", one, two);
	is_str(j, "type", "group_created");
}

static void
say_in(struct conn *c, const char *text)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:s}", "type", "group_send", "group", "g",
	    "text", text);
	is_str(j, "type", "group_ack");
}

/* Sends n messages with the texts from, from + 1, ... and waits for all. */
static void
say_numbers(struct conn *c, int from, int n)
{
	char	text[16];
	int	i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", from + i);
		say(c, "{s:s,s:s,s:s}", "type", "group_send", "group", "g",
		    "text", text);
	}
	for (i = 0; i < n; i++)
		hear(c, "group_ack");
}

/* limit 0: without one */
static json_t *
history(struct conn *c, int limit)
{
	if (limit == 0)
		return (rpc(c, "{s:s,s:s}", "type", "group_history", "group",
		    "g"));
	return (rpc(c, "{s:s,s:s,s:i}", "type", "group_history", "group",
	    "g", "limit", limit));
}

/* n messages with texts and ids from, from + 1, ...; and what remains. */
static void
are_numbers(const json_t *j, size_t n, int from, int remaining)
{
	char	 text[16];
	json_t	*list = is_list(j, "messages", n);
	size_t	 i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", from + (int)i);
		is_str(json_array_get(list, i), "text", text);
		is_int(json_array_get(list, i), "id", from + (int)i);
	}
	is_int(j, "unread_remaining", remaining);
}

static json_int_t
unread(struct conn *c)
{
	json_t	*j = rpc(c, "{s:s}", "type", "group_list");

	return (int_of(find_in(json_object_get(j, "groups"), "name", "g"),
	    "unread_count"));
}

START_TEST(oldest_first_and_once)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*j;

	create(a, "b", "c");
	j = history(a, 0);
	is_str(j, "type", "group_messages");
	has_only(j, "type req_id group messages unread_remaining");
	is_str(j, "group", "g");
	are_numbers(j, 0, 1, 0);
	say_numbers(a, 1, 4);
	say_in(b, "5");
	j = history(b, 2);
	are_numbers(j, 2, 1, 3);
	j = json_array_get(json_object_get(j, "messages"), 0);
	has_only(j, "id from text ts type");
	is_str(j, "from", "a");
	is_str(j, "type", "message");
	want(is_iso8601(str_of(j, "ts")), "%s", show(j));
	want(unread(b) == 3, "%d are unread", (int)unread(b));
	are_numbers(history(b, 500), 3, 3, 0);
	are_numbers(history(b, 0), 0, 1, 0);
	/* one's own are among them */
	are_numbers(history(a, 0), 5, 1, 0);
	tenv_end(t);
}
END_TEST

START_TEST(limits_of_limit)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	int		 i;

	create(a, "b", "x");
	for (i = -1; i <= 501; i += i == 0 ? 501 : 1)
		refused(a, "bad_msg", "{s:s,s:s,s:i}", "type",
		    "group_history", "group", "g", "limit", i);
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "group_history",
	    "group", "g", "limit", "5");
	refused(a, "bad_msg", "{s:s,s:s,s:f}", "type", "group_history",
	    "group", "g", "limit", 1.5);
	refused(c, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "g");
	refused(c, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "other");
	tenv_end(t);
}
END_TEST

START_TEST(read_later)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;

	/* b has never been there, and c goes */
	create(a, "b", "c");
	conn_close(client_new(t, "c", NULL));
	say_numbers(a, 1, 10);
	b = client_new(t, "b", NULL);
	quiet(b, NULL);
	want(unread(b) == 10, "%d are unread", (int)unread(b));
	are_numbers(history(b, 3), 3, 1, 7);
	conn_close(a);
	conn_close(b);
	hub_stop(t, SIGTERM);
	hub_start(t);
	b = client_new(t, "b", NULL);
	want(unread(b) == 7, "%d are unread", (int)unread(b));
	are_numbers(history(b, 0), 7, 4, 0);
	say_in(b, "11");
	are_numbers(history(client_new(t, "c", NULL), 0), 11, 1, 0);
	tenv_end(t);
}
END_TEST

START_TEST(after_the_hub_was_killed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, 5);
	b = client_new(t, "b", NULL);
	are_numbers(history(b, 2), 2, 1, 3);
	/* what comes after it is on disk: so is what b has read */
	say_in(b, "6");
	j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", "group_remove", "group", "g",
	    "peer", "c", "reason", "r");
	is_str(j, "type", "group_ack");
	hub_kill(t, "all");
	conn_close(a);
	conn_close(b);
	hub_start(t);
	b = client_new(t, "b", NULL);
	j = history(b, 4);
	are_numbers(j, 4, 3, 1);
	j = json_array_get(is_list(history(b, 0), "messages", 1), 0);
	is_str(j, "type", "system");
	is_int(j, "id", 7);
	refused(client_new(t, "c", NULL), "not_member", "{s:s,s:s}", "type",
	    "group_info", "group", "g");
	tenv_end(t);
}
END_TEST

/* Only what has left the hub is read. */
START_TEST(unread_until_it_was_sent)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);
	char		*text = t_fill('x', BIG);
	int		 i;

	create(a, "b", "c");
	conn_close(b);
	in_step(a);
	for (i = 0; i < 8; i++)
		say_in(a, text);
	b = client_new(t, "b", FEATURES);
	in_step(b);
	b->mute = 1;
	say(b, "{s:s,s:s}", "type", "group_history", "group", "g");
	/* the answer is on its way, and stuck, when others are served */
	hub_serves(t);
	conn_close(b);
	in_step(a);
	b = client_new(t, "b", FEATURES);
	want(unread(b) == 8, "%d are unread", (int)unread(b));
	is_list(history(b, 0), "messages", 8);
	want(unread(b) == 0, "%d are unread", (int)unread(b));
	free(text);
	tenv_end(t);
}
END_TEST

START_TEST(two_requests_at_once)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	static const char text[] =
	    "{\"type\":\"group_history\",\"group\":\"g\",\"limit\":2}\n"
	    "{\"type\":\"group_history\",\"group\":\"g\",\"limit\":2}\n"
	    "{\"type\":\"group_list\"}";
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, 5);
	say_text(a, text);
	are_numbers(hear(a, "group_messages"), 2, 1, 3);
	are_numbers(hear(a, "group_messages"), 2, 3, 1);
	j = hear(a, "group_list_result");
	is_int(json_array_get(json_object_get(j, "groups"), 0),
	    "unread_count", 1);
	tenv_end(t);
}
END_TEST

START_TEST(the_ring)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, KEEP);
	are_numbers(history(c, 5), 5, 1, KEEP - 5);
	are_numbers(history(a, 0), KEEP, 1, 0);
	say_numbers(a, KEEP + 1, 10);
	want(unread(c) == KEEP, "%d are unread", (int)unread(c));
	want(unread(a) == 10, "%d are unread", (int)unread(a));
	j = history(c, 1);
	are_numbers(j, 1, 11, KEEP - 1);
	is_int(j, "dropped", 5);
	j = history(c, 0);
	are_numbers(j, KEEP - 1, 12, 0);
	is_absent(j, "dropped");
	are_numbers(history(a, 0), 10, KEEP + 1, 0);
	/* b has come later than the first ones went */
	hub_stop(t, SIGTERM);
	hub_start(t);
	j = history(client_new(t, "b", NULL), 0);
	are_numbers(j, KEEP, 11, 0);
	is_int(j, "dropped", 10);
	tenv_end(t);
}
END_TEST

/* Who was not in it has missed nothing of what was said before. */
START_TEST(the_ring_and_a_newcomer)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *d;
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, KEEP + 10);
	rpc(a, "{s:s,s:s,s:s}", "type", "group_invite", "group", "g", "peer",
	    "d");
	say_numbers(a, KEEP + 11, 10);
	d = client_new(t, "d", NULL);
	want(unread(d) == KEEP, "%d are unread", (int)unread(d));
	j = history(d, 0);
	are_numbers(j, KEEP, 21, 0);
	is_absent(j, "dropped");
	tenv_end(t);
}
END_TEST

START_TEST(as_much_as_a_line_takes)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", NULL);
	char		*text = t_fill('x', BIG);
	json_t		*j;
	int		 i;

	create(a, "b", "c");
	for (i = 0; i < 12; i++)
		say_in(a, text);
	for (i = 10; i >= 0; i -= 2) {
		j = history(b, 0);
		is_list(j, "messages", 2);
		is_int(j, "unread_remaining", i);
	}
	j = history(a, 0);
	is_list(j, "messages", 10);
	is_int(j, "unread_remaining", 2);
	is_list(history(a, 0), "messages", 2);
	free(text);
	tenv_end(t);
}
END_TEST

/* A text that no line can carry to a client that announced nothing. */
START_TEST(longer_than_a_line)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", NULL);
	size_t		 units = 200000, i;
	char		*line = t_fill('\0', 100 + units * 6);
	json_t		*list;

	create(a, "b", "c");
	strlcpy(line, "{\"type\":\"group_send\",\"group\":\"g\","
	    "\"req_id\":\"big\",\"text\":\"", 100);
	for (i = strlen(line); units > 0; units--, i += 6)
		memcpy(line + i, "\\u00e9", 6);
	strlcpy(line + i, "\"}", 3);
	say_text(a, line);
	is_str(hear_with(a, "group_ack", "req_id", "big"), "type",
	    "group_ack");
	say_in(a, "2");
	is_str(hear(b, "incoming_group_msg"), "msg_id", "2");
	list = is_list(history(b, 0), "messages", 2);
	want(strstr(str_of(json_array_get(list, 0), "text"), "too long") !=
	    NULL, "%s", show(list));
	is_str(json_array_get(list, 1), "text", "2");
	list = is_list(history(a, 0), "messages", 2);
	want(strlen(str_of(json_array_get(list, 0), "text")) == 400000,
	    "%s", show(list));
	free(line);
	tenv_end(t);
}
END_TEST

START_TEST(renamed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL), *other;
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, 3);
	are_numbers(history(b, 1), 1, 1, 2);
	rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	/* the admin is it, the member has read what it has read */
	is_str(rpc(a, "{s:s,s:s,s:s}", "type", "group_invite", "group", "g",
	    "peer", "d"), "type", "group_ack");
	are_numbers(history(b, 0), 2, 2, 0);
	say_in(a, "4");
	is_str(hear_with(b, "incoming_group_msg", "msg_id", "4"), "from",
	    "a2");
	j = rpc(b, "{s:s,s:s}", "type", "group_info", "group", "g");
	is_str(j, "admin", "a2");
	want(find_in(json_object_get(j, "members"), "name", "b2") != NULL &&
	    find_in(json_object_get(j, "members"), "name", "b") == NULL,
	    "%s", show(j));
	j = json_array_get(is_list(history(b, 0), "messages", 1), 0);
	is_str(j, "from", "a2");
	/* whoever has the old name now is not in it */
	other = client_new(t, "a", NULL);
	refused(other, "not_admin", "{s:s,s:s,s:s}", "type", "group_invite",
	    "group", "g", "peer", "e");
	refused(other, "not_member", "{s:s,s:s,s:s}", "type", "group_send",
	    "group", "g", "text", "x");
	hub_stop(t, SIGTERM);
	hub_start(t);
	a = client_new(t, "a2", NULL);
	is_str(rpc(a, "{s:s,s:s,s:s,s:s}", "type", "group_remove", "group",
	    "g", "peer", "b2", "reason", "r"), "type", "group_ack");
	j = rpc(a, "{s:s,s:s}", "type", "group_info", "group", "g");
	is_list(j, "members", 3);
	tenv_end(t);
}
END_TEST

/* Two members become one: it has read what the one had that took the name. */
START_TEST(renamed_to_a_member)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL), *c;
	json_t		*j;

	create(a, "b", "c");
	say_numbers(a, 1, 4);
	are_numbers(history(b, 3), 3, 1, 1);
	c = client_new(t, "c", NULL);
	are_numbers(history(c, 1), 1, 1, 3);
	say_in(c, "5");
	conn_close(c);
	in_step(a);
	is_str(rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "c"),
	    "type", "ack");
	j = rpc(b, "{s:s,s:s}", "type", "group_info", "group", "g");
	is_list(j, "members", 2);
	j = history(b, 0);
	are_numbers(j, 2, 4, 0);
	is_str(json_array_get(json_object_get(j, "messages"), 1), "from",
	    "c");
	/* to the name of somebody in it who was the admin */
	conn_close(a);
	in_step(b);
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "a");
	j = rpc(b, "{s:s,s:s}", "type", "group_info", "group", "g");
	is_list(j, "members", 1);
	is_str(j, "admin", "a");
	is_str(rpc(b, "{s:s,s:s}", "type", "group_delete", "group", "g"),
	    "type", "group_ack");
	tenv_end(t);
}
END_TEST

/* A name that only a group knows becomes a session's by a rename. */
START_TEST(renamed_to_one_who_never_came)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*x = client_new(t, "x", NULL);

	create(a, "b", "c");
	say_numbers(a, 1, 2);
	rpc(x, "{s:s,s:s}", "type", "rename", "new_name", "b");
	are_numbers(history(x, 0), 2, 1, 0);
	say_in(x, "3");
	is_str(hear(a, "incoming_group_msg"), "from", "b");
	tenv_end(t);
}
END_TEST

/* hubctl clean takes mailboxes, and nothing from groups. */
START_TEST(cleaned)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	struct output	*o;
	json_t		*j;

	create(a, "b", "never-there");
	b = client_new(t, "b", NULL);
	say_in(b, "1");
	conn_close(b);
	conn_close(a);
	in_step(client_new(t, "x", NULL));
	o = run(t, NULL, "hubctl", "-j", "clean", "-d", "0", NULL);
	want(o->status == 0, "status 0x%x: %s", o->status, o->err);
	want(strstr(o->out, "\"sessions\":2") != NULL, "%s", o->out);
	output_free(o);
	hub_stop(t, SIGTERM);
	hub_start(t);
	b = client_new(t, "b", NULL);
	j = history(b, 0);
	are_numbers(j, 1, 1, 0);
	is_str(json_array_get(json_object_get(j, "messages"), 0), "from",
	    "b");
	j = rpc(b, "{s:s,s:s}", "type", "group_info", "group", "g");
	is_list(j, "members", 3);
	is_str(j, "admin", "a");
	a = client_new(t, "a", NULL);
	are_numbers(history(a, 0), 1, 1, 0);
	are_numbers(history(client_new(t, "never-there", NULL), 0), 1, 1, 0);
	tenv_end(t);
}
END_TEST

START_TEST(configured)
{
	static const char text[] = "keep 10 messages per group\n"
	    "limit groups 2\nlimit members 3 per group\n";
	struct tenv	*t = tenv_new();
	struct conn	*a;
	json_t		*j;
	char		 path[T_PATH];

	snprintf(path, sizeof(path), "%s/.config", t->home);
	mkdir(path, 0700);
	strlcat(path, "/ecorelay", sizeof(path));
	mkdir(path, 0700);
	strlcat(path, "/hubd.conf", sizeof(path));
	write_file(path, text, sizeof(text) - 1);
	hub_start(t);
	a = client_new(t, "a", NULL);
	create(a, "b", "c");
	say_numbers(a, 1, 15);
	are_numbers(history(a, 0), 10, 6, 0);
	j = rpc(a, "{s:s,s:s,s:s}", "type", "group_invite", "group", "g",
	    "peer", "d");
	is_str(j, "message", "member_limit_reached (max 3)");
	refused(a, "bad_msg", "{s:s,s:s,s:[s,s,s,s]}", "type",
	    "group_create", "name", "h", "members", "b", "c", "d", "e");
	j = rpc(a, "{s:s,s:s,s:[s,s,s]}", "type", "group_create", "name",
	    "h", "members", "b", "c", "d");
	is_list(j, "members", 4);
	j = rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name", "i",
	    "members");
	is_str(j, "message", "group_limit_reached (max 2)");
	tenv_end(t);
}
END_TEST

/* Takes all the room that is left, in a file. */
static void
fill_disk(struct tenv *t)
{
	char	*s = t_fill('f', 4096);
	int	 fd;

	fd = open(tenv_path(t, "d/filler"), O_WRONLY | O_CREAT, 0600);
	want(fd != -1, "cannot fill the disk");
	while (write(fd, s, 4096) > 0)
		;
	close(fd);
	free(s);
}

START_TEST(a_full_disk)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;
	char		*text = t_fill('x', 200000);
	json_t		*j = NULL;
	int		 i, stored = 0;

	if (!small_disk(t, 0)) {
		printf("history: no file system of its own here, skipped\n");
		tenv_end(t);
		return;
	}
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	create(a, "b", "c");
	fill_disk(t);
	for (i = 0; i < 100; i++) {
		j = rpc(a, "{s:s,s:s,s:s}", "type", "group_send", "group",
		    "g", "text", text);
		if (strcmp(str_of(j, "type"), "err") == 0)
			break;
		stored++;
	}
	is_str(j, "code", "mailbox_error");
	refused(a, "mailbox_error", "{s:s,s:s,s:s}", "type", "group_send",
	    "group", "g", "text", text);
	unlink(tenv_path(t, "d/filler"));
	say_in(a, "and on");
	/* what was acknowledged, and nothing else */
	j = history(a, 0);
	is_list(j, "messages", (size_t)stored + 1);
	is_int(json_array_get(json_object_get(j, "messages"),
	    (size_t)stored), "id", stored + 1);
	free(text);
	hub_stop(t, SIGTERM);
	conn_close(a);
	small_disk_end(t);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("history");

	(void)argc;
	test_add(s, oldest_first_and_once, 20);
	test_add(s, limits_of_limit, 20);
	test_add(s, read_later, 20);
	test_add(s, after_the_hub_was_killed, 20);
	test_add(s, unread_until_it_was_sent, 30);
	test_add(s, two_requests_at_once, 20);
	test_add(s, the_ring, 30);
	test_add(s, the_ring_and_a_newcomer, 30);
	test_add(s, as_much_as_a_line_takes, 30);
	test_add(s, longer_than_a_line, 30);
	test_add(s, renamed, 20);
	test_add(s, renamed_to_a_member, 20);
	test_add(s, renamed_to_one_who_never_came, 20);
	test_add(s, cleaned, 30);
	test_add(s, configured, 20);
	test_add(s, a_full_disk, 30);
	return (test_main(argv[0], s));
}
