/* SPDX-License-Identifier: ISC */
/*
 * Tests of importing by a store process that is stopped in the middle, has no
 * room, or has no disk.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>

#include "storetest.h"

/* A mailbox of two messages, of which the first has been read. */
static void
put_mailbox(struct st *s, const char *file, const char *owner)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"owner\":\"%s\",\"messages\":["
	    "{\"msg_id\":\"%s-1\",\"from\":\"a\",\"text\":\"x\","
	    "\"reply_to\":null,\"ts\":\"2026-01-02T03:04:05.678Z\"},"
	    "{\"msg_id\":\"%s-2\",\"from\":\"a\",\"text\":\"y\","
	    "\"reply_to\":null,\"ts\":\"2026-01-02T03:04:06.789Z\"}],"
	    "\"last_read\":\"%s-1\"}", owner, owner, owner, owner);
	write_file(st_path(s, file), text, strlen(text));
}

static void
three_mailboxes(struct st *s)
{
	put_mailbox(s, "m1.json", "b");
	put_mailbox(s, "m2.json", "c");
	put_mailbox(s, "m3.json", "d");
}

static void
all_are_there(struct st *s)
{
	want_str(st_all(s, "b"), "b-1 b-2");
	want_str(st_unseen(s, "b"), "b-2");
	want_str(st_all(s, "c"), "c-1 c-2");
	want_str(st_all(s, "d"), "d-1 d-2");
	want_str(st_state(s, "a", "d-1"), "seen");
	want_str(st_state(s, "a", "d-2"), "accepted");
}

START_TEST(stopped_in_the_middle)
{
	static const char *const some[] = {
		"m1.json", "m2.json", NO_ANSWER, NULL
	};
	static const char *const all[] = {
		"m1.json", "m2.json", "m3.json", NULL
	};
	struct st *s = st_new();

	three_mailboxes(s);
	s->imports = some;
	st_launch(s);
	want(st_wait(s, &s->imported, T_WAIT), "it does not ask: %s", s->log);
	want_int(s->up, 0);
	st_kill(s);
	/* what is done is done: the first is not read again */
	put_mailbox(s, "m1.json", "other");
	s->imports = all;
	st_start(s);
	want_int(s->imported, 1);
	all_are_there(s);
	want_str(st_all(s, "other"), "");
	st_stop(s);
	s->imports = all;
	st_start(s);
	want_int(s->imported, 0);
	all_are_there(s);
	st_end(s);
}
END_TEST

START_TEST(no_room)
{
	static const char *const all[] = {
		"m1.json", "m2.json", "m3.json", NULL
	};
	struct st *s = st_new();

	three_mailboxes(s);
	s->conf.max_mailboxes = 2;
	s->imports = all;
	st_start(s);
	want_str(st_all(s, "c"), "c-1 c-2");
	want_str(st_all(s, "d"), "");
	want(strstr(s->log, "m3.json: not imported") != NULL, "%s", s->log);
	st_end(s);
}
END_TEST

/* The hub starts all the same, and the next start goes on. */
START_TEST(disk_full)
{
	static const char *const some[] = {
		"m1.json", DISK_TOGGLE, "m2.json", "m3.json", NULL
	};
	static const char *const all[] = {
		"m1.json", "m2.json", "m3.json", NULL
	};
	struct st *s = st_new();

	three_mailboxes(s);
	s->imports = some;
	st_start(s);
	want_str(st_all(s, "b"), "b-1 b-2");
	want_str(st_all(s, "c"), "");
	st_disk(s);
	st_stop(s);
	s->imports = all;
	st_start(s);
	all_are_there(s);
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("import");

	(void)argc;
	test_add(s, stopped_in_the_middle, 30);
	test_add(s, no_room, 30);
	test_add(s, disk_full, 30);
	return test_main(argv[0], s);
}
