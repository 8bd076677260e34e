/* SPDX-License-Identifier: ISC */
/*
 * Tests of the log on stderr.
 */
#include "compat.h"

#include <sys/stat.h>

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "test.h"

static char	dir[32], path[64];

static void
begin(void)
{
	strlcpy(dir, "/tmp/erlog.XXXXXX", sizeof(dir));
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/log", dir);
}

static void
finish(void)
{
	remove_tree(dir);
}

/* What is logged goes to path; JOURNAL_STREAM names that file, or another. */
static void
logged(int inode_off, char *dst, size_t size)
{
	int saved = dup(STDERR_FILENO);
	char stream[48];
	struct stat st;
	FILE *f;
	size_t n;

	ck_assert(freopen(path, "w", stderr) != NULL);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + (uintmax_t)inode_off);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_set_name("hubd", NULL);
	log_warnx("one\n<0>two");
	log_from("router", LOG_LEVEL_INFO, "three\n<0>\033[2Jfour");
	fflush(stderr);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	ck_assert((f = fopen(path, "r")) != NULL);
	n = fread(dst, 1, size - 1, f);
	dst[n] = '\0';
	fclose(f);
}

START_TEST(journal)
{
	char text[512];

	logged(0, text, sizeof(text));
	ck_assert_str_eq(text, "<4>one?<0>two\n<6>router: three?<0>?[2Jfour\n");
}
END_TEST

START_TEST(terminal)
{
	char text[512];

	logged(1, text, sizeof(text));
	ck_assert_msg(strstr(text, "Z hubd[") != NULL &&
	    strstr(text, "] warn: one?<0>two\n") != NULL &&
	    strstr(text, "Z hubd/router[") != NULL &&
	    strstr(text, "] info: three?<0>?[2Jfour\n") != NULL, "%s", text);
}
END_TEST

/* Root's log in a directory of another user's, who has put a link there. */
START_TEST(planted)
{
	char there[64], old[96];

	if (geteuid() != 0)
		return;
	snprintf(there, sizeof(there), "%s/there", dir);
	snprintf(old, sizeof(old), "%s/relay-2020-01-01.log", there);
	ck_assert_int_eq(mkdir(there, 0700), 0);
	write_file(old, "old", 3);
	ck_assert_int_eq(symlink(there, path), 0);
	ck_assert_int_eq(chown(dir, 40001, 40001), 0);
	log_to_dir(path);
	log_warnx("one");
	ck_assert_int_eq(access(old, F_OK), 0);
	ck_assert_int_eq(rename(old, path), 0);
	ck_assert_int_eq(rmdir(there), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, journal);
	tcase_add_test(tc, terminal);
	tcase_add_test(tc, planted);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
