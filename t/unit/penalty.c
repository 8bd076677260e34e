/* SPDX-License-Identifier: ISC */
/*
 * Tests of addresses that have to wait.  The clock is our own.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../bridged/penalty.h"
#include "test.h"

static int64_t	 now = 1000;	/* ms */

/* In place of libc's, for all that is linked here. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(now / 1000);
	ts->tv_nsec = (long)(now % 1000) * 1000000;
	return 0;
}

static void
fails(struct penalties *ps, const char *address, int times)
{
	while (times-- > 0)
		penalty_add(ps, address);
}

START_TEST(five_failures)
{
	struct penalties *ps = penalties_new();

	want(!penalty_holds(ps, "192.0.2.1"), "before all");
	fails(ps, "192.0.2.1", PENALTY_AFTER - 1);
	want(!penalty_holds(ps, "192.0.2.1"), "after 4");
	fails(ps, "192.0.2.1", 1);
	want(penalty_holds(ps, "192.0.2.1"), "not after 5");
	want(penalty_holds(ps, "192.0.2.1"), "asking has ended it");
	want(!penalty_holds(ps, "192.0.2.2") &&
	    !penalty_holds(ps, "192.0.2.") &&
	    !penalty_holds(ps, "192.0.2.11") && !penalty_holds(ps, "::1"),
	    "others wait, too");
	fails(ps, "192.0.2.1", 20);
	want(penalty_holds(ps, "192.0.2.1"), "not after 25");
	penalties_free(ps);
}
END_TEST

START_TEST(a_good_one)
{
	struct penalties *ps = penalties_new();

	fails(ps, "::1", PENALTY_AFTER - 1);
	fails(ps, "::2", PENALTY_AFTER);
	penalty_clear(ps, "::1");
	penalty_clear(ps, "nobody");
	fails(ps, "::1", PENALTY_AFTER - 1);
	want(!penalty_holds(ps, "::1"), "they are not in a row");
	want(penalty_holds(ps, "::2"), "another's counts");
	penalty_clear(ps, "::2");
	want(!penalty_holds(ps, "::2"), "cleared, and waits");
	penalties_free(ps);
}
END_TEST

START_TEST(it_ends)
{
	struct penalties *ps = penalties_new();

	fails(ps, "::1", PENALTY_AFTER);
	now += PENALTY_MS - 1;
	want(penalty_holds(ps, "::1"), "a millisecond early");
	now += 1;
	want(!penalty_holds(ps, "::1"), "still waits");
	/* one more failure is enough now */
	fails(ps, "::1", 1);
	want(penalty_holds(ps, "::1"), "five more");
	now += PENALTY_MS - 1;
	want(penalty_holds(ps, "::1"), "not as long");
	/* who fails meanwhile waits longer */
	fails(ps, "::1", 1);
	now += PENALTY_MS - 1;
	want(penalty_holds(ps, "::1"), "not from the last one on");
	now += 1;
	want(!penalty_holds(ps, "::1"), "still waits");
	penalty_clear(ps, "::1");
	fails(ps, "::1", PENALTY_AFTER - 1);
	want(!penalty_holds(ps, "::1"), "cleared, and counted");
	penalties_free(ps);
}
END_TEST

/* Somebody who has a network of them. */
START_TEST(many_addresses)
{
	struct penalties *ps = penalties_new();
	char address[32];
	int i;

	for (i = 0; i < 50000; i++) {
		snprintf(address, sizeof(address), "2001:db8::%x", i);
		fails(ps, address, 1);
		want(!penalty_holds(ps, address), "%s", address);
	}
	fails(ps, "::1", PENALTY_AFTER);
	want(penalty_holds(ps, "::1"), "does not wait");
	penalties_free(ps);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("penalty");

	(void)argc;
	test_add(s, five_failures, 10);
	test_add(s, a_good_one, 10);
	test_add(s, it_ends, 10);
	test_add(s, many_addresses, 10);
	return test_main(argv[0], s);
}
