/* SPDX-License-Identifier: ISC */
/*
 * Tests of whole files, and of the token and the key that are in some.
 */
#include "compat.h"

#ifdef __linux__
#include <sys/inotify.h>
#endif
#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hex.h"
#include "hubkey.h"
#include "hubtoken.h"
#include "test.h"
#include "wholefile.h"

static char	dir[32], path[64];

static void
begin(void)
{
	strlcpy(dir, "/tmp/erfile.XXXXXX", sizeof(dir));
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/f", dir);
}

static void
finish(void)
{
	remove_tree(dir);
}

static void
is_file(const char *text, mode_t mode)
{
	struct stat st;
	size_t len;
	char *got = wholefile_read(path, 100, &len, &st);

	ck_assert_msg(got != NULL, "%s", strerror(errno));
	ck_assert_str_eq(got, text);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_uint_eq(st.st_mode & 07777, mode);
	free(got);
}

START_TEST(replaced)
{
	struct dirent *e;
	struct stat st;
	size_t len, files = 0;
	DIR *d;

	ck_assert_int_eq(wholefile_replace(path, "one", 3, NULL), 0);
	is_file("one", 0600);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(wholefile_replace(path, "", 0, &st), 0);
	is_file("", 0640);
	ck_assert_int_eq(wholefile_replace(dir, "x", 1, NULL), -1);
	ck_assert(wholefile_read(dir, 100, &len, &st) == NULL);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(wholefile_replace(path, "four", 4, NULL), 0);
	ck_assert(wholefile_read(path, 3, &len, &st) == NULL);
	ck_assert_int_eq(errno, EFBIG);
	/* and nothing else is left there */
	ck_assert((d = opendir(dir)) != NULL);
	while ((e = readdir(d)) != NULL)
		files += e->d_name[0] != '.';
	closedir(d);
	ck_assert_uint_eq(files, 1);
}
END_TEST

#ifdef __linux__
/* What is no file is not even opened: that may do something. */
START_TEST(not_opened)
{
	char event[sizeof(struct inotify_event) + 256];
	struct stat st;
	size_t len;
	int in = inotify_init1(IN_NONBLOCK);

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_ne(in, -1);
	ck_assert_int_ne(inotify_add_watch(in, path, IN_OPEN), -1);
	ck_assert(wholefile_read(path, 100, &len, &st) == NULL);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq((int)read(in, event, sizeof(event)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(in);
}
END_TEST
#endif

START_TEST(token)
{
	struct stat st;
	char text[8];

	ck_assert_int_eq(hubtoken_read(path, text, sizeof(text), &st), -1);
	ck_assert_int_eq(errno, ENOENT);
	write_file(path, "secret \r\n\n", 10);
	ck_assert_int_eq(hubtoken_read(path, text, sizeof(text), &st), 6);
	ck_assert_str_eq(text, "secret");
	write_file(path, "\n", 1);
	ck_assert_int_eq(hubtoken_read(path, text, sizeof(text), &st), 0);
	write_file(path, "too long", 8);
	ck_assert_int_eq(hubtoken_read(path, text, sizeof(text), &st), -1);
	ck_assert_int_eq(errno, EFBIG);
	unsetenv("ECORELAY_WS_TOKEN");
	ck_assert_int_eq(hubtoken_env(text, sizeof(text)), 0);
	setenv("ECORELAY_WS_TOKEN", "", 1);
	ck_assert_int_eq(hubtoken_env(text, sizeof(text)), 0);
	setenv("ECORELAY_WS_TOKEN", "seven c", 1);
	ck_assert_int_eq(hubtoken_env(text, sizeof(text)), 1);
	ck_assert_str_eq(text, "seven c");
	setenv("ECORELAY_WS_TOKEN", "too long", 1);
	ck_assert_int_eq(hubtoken_env(text, sizeof(text)), -1);
}
END_TEST

static void
key_refused(const char *text, mode_t mode)
{
	unsigned char seed[UPLINK_SEED_SIZE];
	char key[64];

	snprintf(key, sizeof(key), "%s/hub-key", dir);
	(void)unlink(key);
	ck_assert_int_eq(wholefile_replace(key, text, strlen(text), NULL), 0);
	ck_assert_int_eq(chmod(key, mode), 0);
	ck_assert_int_eq(hubkey_load(dir, seed), -1);
}

/* Made once, read again; one that is not a key is not made anew. */
START_TEST(key)
{
	static const char good[] = "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff";
	unsigned char one[UPLINK_SEED_SIZE], two[UPLINK_SEED_SIZE];
	char text[80];

	ck_assert_int_eq(hubkey_load(dir, one), 0);
	ck_assert_int_eq(hubkey_load(dir, two), 0);
	ck_assert_mem_eq(one, two, sizeof(one));
	snprintf(path, sizeof(path), "%s/hub-key", dir);
	hex_encode(text, one, sizeof(one));
	strlcat(text, "\n", sizeof(text));
	is_file(text, 0600);
	ck_assert_int_eq(wholefile_replace(path, good, strlen(good), NULL), 0);
	ck_assert_int_eq(hubkey_load(dir, two), 0);
	ck_assert_mem_eq(two, "\x00\x11\x22\x33", 4);
	ck_assert_mem_ne(one, two, sizeof(one));
	key_refused(good, 0640);
	key_refused(good, 0604);
	key_refused("", 0600);
	key_refused("\n", 0600);
	snprintf(text, sizeof(text), "%s0", good);
	key_refused(text, 0600);
	snprintf(text, sizeof(text), "%.63s", good);
	key_refused(text, 0600);
	snprintf(text, sizeof(text), "%.63sg", good);
	key_refused(text, 0600);
	snprintf(text, sizeof(text), "%s\n\n\n\n", good);
	key_refused(text, 0600);
	ck_assert_int_eq(hubkey_load("/nowhere", two), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wholefile");
	TCase *tc = tcase_create("wholefile");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, replaced);
#ifdef __linux__
	tcase_add_test(tc, not_opened);
#endif
	tcase_add_test(tc, token);
	tcase_add_test(tc, key);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
