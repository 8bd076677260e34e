/* SPDX-License-Identifier: ISC */
/*
 * Messages that come more than once, and which of them are to be pushed.
 */
#include "compat.h"

#include "mailbox.h"
#include "storetest.h"

/* One of several repeats is told that nobody has it yet. */
START_TEST(repeats_are_pushed_once)
{
	struct st *s = st_new();
	struct store_append q = st_message("a", "b", "1", ""), away;

	st_start(s);
	q.pushed = 1;
	want_int(st_append(s, &q).status, STORE_OK);
	want_int(st_append(s, &q).state, MSG_PUSHED);
	away = st_message("a", "b", "2", "");
	want_int(st_append(s, &away).status, STORE_OK);
	want_int(st_append(s, &away).state, MSG_ACCEPTED);
	want_int(st_append(s, &away).state, MSG_ACCEPTED);
	away.pushed = 1;
	want_int(st_append(s, &away).push, 1);
	want_int(st_append(s, &away).state, MSG_PUSHED);
	st_mark_ids(s, "b", MSG_RECEIVED, "2");
	want_int(st_append(s, &away).state, MSG_RECEIVED);
	/* nobody knows whether what was pushed before then has come */
	st_stop(s);
	st_start(s);
	want_int(st_append(s, &q).push, 1);
	want_int(st_append(s, &q).push, 0);
	want_int(st_append(s, &q).state, MSG_PUSHED);
	want_int(st_append(s, &away).state, MSG_RECEIVED);
	/* it was sent before then, but has come since */
	q = st_message("a", "b", "3", "");
	q.pushed = 1;
	q.ts -= DAY_MS;
	want_int(st_append(s, &q).status, STORE_OK);
	want_int(st_append(s, &q).state, MSG_PUSHED);
	want_str(st_all(s, "b"), "1 2 3");
	st_end(s);
}
END_TEST

/* Links change often: what waits is not pushed behind what came later. */
START_TEST(repeats_of_another_hub)
{
	struct st *s = st_new();
	struct store_append q = st_message("a@h", "b", "1", ""), p;

	st_start(s);
	want_int(st_append(s, &q).status, STORE_OK);
	p = q;
	p.pushed = 1;
	want_int(st_append(s, &p).state, MSG_ACCEPTED);
	want_int(st_append(s, &p).push, 0);
	strlcpy(q.msg_id, "2", sizeof(q.msg_id));
	strlcpy(p.msg_id, "2", sizeof(p.msg_id));
	want_int(st_append(s, &p).status, STORE_OK);
	want_int(st_append(s, &p).state, MSG_PUSHED);
	st_stop(s);
	st_start(s);
	/* it may not have been pushed, but now there is nobody */
	want_int(st_append(s, &q).push, 1);
	want_int(st_append(s, &p).push, 0);
	want_int(st_append(s, &p).state, MSG_ACCEPTED);
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("repeats");

	(void)argc;
	test_add(s, repeats_are_pushed_once, 30);
	test_add(s, repeats_of_another_hub, 30);
	return test_main(argv[0], s);
}
