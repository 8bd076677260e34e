/* SPDX-License-Identifier: ISC */
/*
 * Tests of what a service manager is told.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "notify.h"
#include "test.h"

static char	dir[32];
static int	manager;

static void
begin(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strlcpy(dir, "/tmp/ernotify.XXXXXX", sizeof(dir));
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert(manager != -1);
	ck_assert(bind(manager, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	ck_assert(setenv("NOTIFY_SOCKET", sun.sun_path, 1) == 0);
}

static void
finish(void)
{
	close(manager);
	remove_tree(dir);
}

static void
told(const char *wanted)
{
	char text[512];
	ssize_t n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	ck_assert_msg(n >= 0, "nothing was told");
	text[n] = '\0';
	ck_assert_str_eq(text, wanted);
}

/* A process that was taken over has the hub stopped for a reason of its own. */
START_TEST(a_status_is_one_variable)
{
	struct notify *n = notify_new();

	ck_assert(n != NULL);
	notify_status(n, "Stopping: %s", "hubctl\nMAINPID=1\nFDSTORE=1");
	told("STATUS=Stopping: hubctl?MAINPID=1?FDSTORE=1");
	notify_free(n);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("notify");
	TCase *tc = tcase_create("notify");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, a_status_is_one_variable);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
