/* SPDX-License-Identifier: ISC */
/*
 * Tests of the file that a hub's key is in.
 */
#include "compat.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../lib/hubkey.h"
#include "hex.h"
#include "log.h"
#include "test.h"
#include "wholefile.h"

/* RFC 8032 section 7.1, test 1. */
#define SEED	"9d61b19deffd5a60ba844af492ec2cc4"			\
		"4449c5697b326919703bac031cae7f60"
#define PUBLIC	"d75a980182b10ab7d54bfed3c964073a"			\
		"0ee172f3daa62325af021a68f707511a"

static char	dir[512], path[512 + 16], logged[1024];

static void
keep_log(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strlcpy(logged, line, sizeof(logged));
}

static void
begin(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/erkey.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/%s", dir, HUBKEY_FILE);
	log_to_fn(keep_log, NULL);
}

static void
finish(void)
{
	remove_tree(dir);
}

/* What is loaded, in hex. */
static const char *
loaded(void)
{
	static char hex[HUBKEY_HEX_SIZE];
	unsigned char seed[HUBKEY_SIZE];

	ck_assert_msg(hubkey_load(dir, seed) == 0, "%s", logged);
	hex_encode(hex, seed, sizeof(seed));
	return hex;
}

static void
refused(const char *why)
{
	unsigned char seed[HUBKEY_SIZE];

	logged[0] = '\0';
	ck_assert_int_eq(hubkey_load(dir, seed), -1);
	ck_assert_msg(strstr(logged, path) != NULL &&
	    strstr(logged, why) != NULL, "it says: %s", logged);
	/* and it is as it was */
	ck_assert_int_eq(access(path, F_OK), 0);
}

static void
write_key(const char *text)
{
	ck_assert_int_eq(wholefile_replace(path, text, strlen(text), NULL), 0);
}

START_TEST(made)
{
	char first[HUBKEY_HEX_SIZE], text[HUBKEY_HEX_SIZE + 1];
	struct stat st;
	char *got;
	size_t len;

	strlcpy(first, loaded(), sizeof(first));
	got = wholefile_read(path, 100, &len, &st);
	ck_assert(got != NULL);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	snprintf(text, sizeof(text), "%s\n", first);
	ck_assert_str_eq(got, text);
	free(got);
	ck_assert_str_eq(loaded(), first);
	/* another time another one */
	unlink(path);
	ck_assert_str_ne(loaded(), first);
}
END_TEST

START_TEST(read_back)
{
	write_key(SEED "\n");
	ck_assert_str_eq(loaded(), SEED);
	write_key(SEED);
	ck_assert_str_eq(loaded(), SEED);
	write_key(SEED "\r\n");
	ck_assert_str_eq(loaded(), SEED);
}
END_TEST

START_TEST(malformed)
{
	static const char *const texts[] = {
		"", "\n", "00\n", SEED "0\n", SEED "00\n", SEED SEED "\n",
		" " SEED "\n", "G" "d61b19deffd5a60ba844af492ec2cc4"
		"4449c5697b326919703bac031cae7f60\n"
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_key(texts[i]);
		refused("not 64 digits");
	}
}
END_TEST

START_TEST(open_to_others)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0644, 0666 };
	size_t i;

	write_key(SEED "\n");
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod(path, modes[i]), 0);
		refused("open to others");
	}
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_str_eq(loaded(), SEED);
}
END_TEST

START_TEST(no_file)
{
	unsigned char seed[HUBKEY_SIZE];

	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused("");
	/* the directory has gone */
	remove_tree(dir);
	ck_assert_int_eq(hubkey_load(dir, seed), -1);
	ck_assert(strstr(logged, path) != NULL);
}
END_TEST

START_TEST(public_key)
{
	unsigned char seed[HUBKEY_SIZE];
	char hex[HUBKEY_HEX_SIZE];

	ck_assert_int_eq(hex_decode(seed, sizeof(seed), SEED), 0);
	ck_assert_int_eq(hubkey_public(seed, hex), 0);
	ck_assert_str_eq(hex, PUBLIC);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hubkey");
	TCase *tc = tcase_create("hubkey");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, made);
	tcase_add_test(tc, read_back);
	tcase_add_test(tc, malformed);
	tcase_add_test(tc, open_to_others);
	tcase_add_test(tc, no_file);
	tcase_add_test(tc, public_key);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
