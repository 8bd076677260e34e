/* SPDX-License-Identifier: ISC */
/*
 * Tests of names, the hash table, times and UUIDs, error codes and paths.
 */
#include "compat.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "errcode.h"
#include "map.h"
#include "names.h"
#include "paths.h"
#include "test.h"
#include "timeutil.h"

START_TEST(valid_names)
{
	static const char *const good[] = {
		"a", "A-b_c.9", "...", "-", "a..b"
	};
	static const char *const bad[] = {
		"", ".", "..", "a b", "a/b", "a@b", "a:b", "\xc3\xa9", "a\n"
	};
	char long_name[NAME_LEN_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(name_valid(slice_of(good[i])), "%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!name_valid(slice_of(bad[i])), "%s", bad[i]);
	memset(long_name, 'n', sizeof(long_name));
	ck_assert(name_valid((struct slice){ long_name, NAME_LEN_MAX }));
	ck_assert(!name_valid((struct slice){ long_name, NAME_LEN_MAX + 1 }));
}
END_TEST

START_TEST(slugs)
{
	static const struct {
		const char	*text, *slug;
	} rows[] = {
		{ "api", "api" },
		{ "My Project", "my-project" },
		{ "  a  b  ", "a-b" },
		{ "--a--", "a" },
		{ "caf\xc3\xa9 au lait", "caf-au-lait" },
		{ "", "relay" },
		{ "***", "relay" },
		{ ".", "relay" },
		{ "v1.2_x", "v1.2_x" },
	};
	char dst[NAME_SIZE], text[200];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name_slug(rows[i].text, "relay", dst);
		ck_assert_str_eq(dst, rows[i].slug);
	}
	/* any text of any length gives a valid name */
	for (i = 1; i < sizeof(text); i++) {
		memset(text, 0, sizeof(text));
		memset(text, i % 3 == 0 ? ' ' : 'Q', i);
		text[i / 2] = i % 2 ? '/' : 'x';
		name_slug(text, "relay", dst);
		ck_assert(name_valid(slice_of(dst)));
	}
}
END_TEST

START_TEST(trimmed)
{
	ck_assert(slice_is(name_trim(slice_of(" \t a b\r\n ")), "a b"));
	ck_assert(slice_is(name_trim(slice_of("   ")), ""));
	ck_assert(slice_is(name_trim(slice_of("")), ""));
}
END_TEST

/* Thousands of keys in, found, walked and out again, against plain counts. */
START_TEST(maps)
{
	enum { N = 5000 };
	static int values[N];
	struct map *m = map_new();
	char key[32];
	size_t pos, seen;
	int i, *v;

	for (i = 0; i < N; i++) {
		values[i] = i;
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_null(map_sets(m, key, &values[i]));
	}
	ck_assert_uint_eq(map_count(m), N);
	ck_assert_ptr_eq(map_sets(m, "key-7", &values[8]), &values[7]);
	ck_assert_ptr_eq(map_sets(m, "key-7", &values[7]), &values[8]);
	ck_assert_uint_eq(map_count(m), N);
	for (pos = seen = 0; (v = map_next(m, &pos)) != NULL; seen++)
		*v += N;
	ck_assert_uint_eq(seen, N);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(values[i], i + N);
	for (i = 0; i < N; i += 2) {
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_eq(map_removes(m, key), &values[i]);
		ck_assert_ptr_null(map_removes(m, key));
	}
	for (i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_eq(map_gets(m, key), i % 2 ? &values[i] : NULL);
	}
	/* keys are bytes, and prefixes differ */
	map_set(m, "a\0b", 3, &values[0]);
	ck_assert_ptr_null(map_get(m, "a", 1));
	ck_assert_ptr_null(map_get(m, "a\0c", 3));
	ck_assert_ptr_eq(map_get(m, "a\0b", 3), &values[0]);
	map_set(m, "", 0, &values[1]);
	ck_assert_ptr_eq(map_get(m, "", 0), &values[1]);
	map_free(m);
	map_free(NULL);
}
END_TEST

START_TEST(iso8601)
{
	char s[ISO8601_SIZE];

	time_iso8601(0, s);
	ck_assert_str_eq(s, "1970-01-01T00:00:00.000Z");
	time_iso8601(INT64_C(951782399999), s);
	ck_assert_str_eq(s, "2000-02-28T23:59:59.999Z");
	time_iso8601(INT64_C(951782400000), s);
	ck_assert_str_eq(s, "2000-02-29T00:00:00.000Z");
	time_iso8601(INT64_C(1795216862981), s);
	ck_assert_str_eq(s, "2026-11-20T23:21:02.981Z");
	time_iso8601(-1, s);
	ck_assert_str_eq(s, "1970-01-01T00:00:00.000Z");
}
END_TEST

/* RFC 9562: version and variant in their places; later ones sort later. */
START_TEST(uuids)
{
	char a[UUID_SIZE], b[UUID_SIZE];
	int i;

	uuid_v7(a);
	for (i = 0; i < 20000; i++) {
		uuid_v7(b);
		ck_assert_int_eq(strlen(b), 36);
		ck_assert_int_eq(b[14], '7');
		ck_assert_ptr_nonnull(strchr("89ab", b[19]));
		ck_assert_int_eq(strspn(b, "0123456789abcdef-"), 36);
		ck_assert_int_lt(strcmp(a, b), 0);
		memcpy(a, b, sizeof(a));
	}
}
END_TEST

START_TEST(error_codes)
{
	int i;

	for (i = ERR_NONE + 1; i < ERR_MAX; i++) {
		ck_assert_int_gt(strlen(err_code((enum errcode)i)), 3);
		ck_assert_int_gt(strlen(err_advice((enum errcode)i)), 20);
		ck_assert_int_eq(err_of(slice_of(err_code((enum errcode)i))),
		    i);
	}
	ck_assert_int_eq(err_of(slice_of("no_such_code")), ERR_UNEXPECTED);
}
END_TEST

START_TEST(data_paths)
{
	char path[256];

	setenv("HOME", "/home/u", 1);
	unsetenv("ECORELAY_DATA");
	unsetenv("RELAY_HUB_SOCKET");
	ck_assert_int_eq(paths_data(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/home/u/.eco-relay");
	ck_assert_int_eq(paths_hub_socket(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/home/u/.eco-relay/hub.sock");
	setenv("ECORELAY_DATA", "/data", 1);
	ck_assert_int_eq(paths_ctl_socket(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/data/hubctl.sock");
	setenv("RELAY_HUB_SOCKET", "/run/x/hub.sock", 1);
	ck_assert_int_eq(paths_hub_socket(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/run/x/hub.sock");
	ck_assert_int_eq(paths_ctl_socket(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/run/x/hubctl.sock");
	ck_assert_int_eq(paths_hub_socket(path, 8), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

START_TEST(making_directories)
{
	char top[] = "/tmp/ecorelay-XXXXXX", path[128], cmd[160];
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/a/b/c", top);
	ck_assert_int_eq(paths_mkdir(path), 0);
	ck_assert_int_eq(paths_mkdir(path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	snprintf(cmd, sizeof(cmd), "rm -r %s", top);
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, valid_names);
	tcase_add_test(tc, slugs);
	tcase_add_test(tc, trimmed);
	tcase_add_test(tc, maps);
	tcase_add_test(tc, iso8601);
	tcase_add_test(tc, uuids);
	tcase_add_test(tc, error_codes);
	tcase_add_test(tc, data_paths);
	tcase_add_test(tc, making_directories);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
