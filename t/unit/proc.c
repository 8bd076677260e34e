/* SPDX-License-Identifier: ISC */
/*
 * Tests of starting processes.
 */
#include "compat.h"

#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "proc.h"
#include "test.h"

#define TIMES	100

static int	told[2];	/* what a handler has written, as libevent's */

static void
on_signal(int sig)
{
	(void)sig;
	(void)!write(told[1], "t", 1);
}

/* It may have the handlers of the parent still, and their descriptors. */
START_TEST(signals_of_a_child)
{
	char sleep[] = "/bin/sleep", time[] = "30", c;
	char *argv[] = { sleep, time, NULL };
	int i, p[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(told), 0);
	ck_assert_int_eq(fcntl(told[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(pipe(p), 0);
	ck_assert(signal(SIGTERM, on_signal) != SIG_ERR);
	for (i = 0; i < TIMES; i++) {
		pid = proc_start(argv, p[0], -1);
		ck_assert_int_eq(kill(pid, SIGTERM), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
		ck_assert_int_eq(read(told[0], &c, 1), -1);
	}
	/* those of the parent come to it still */
	ck_assert_int_eq(raise(SIGTERM), 0);
	ck_assert_int_eq(read(told[0], &c, 1), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("proc");
	TCase *tc = tcase_create("proc");

	tcase_add_test(tc, signals_of_a_child);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
