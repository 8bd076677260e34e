/* SPDX-License-Identifier: ISC */
/*
 * Tests of the codes that people carry, and of what comes of them.
 */
#include "compat.h"

#include <check.h>

#include "../../lib/psk.h"
#include "pairproto.h"
#include "test.h"

#define CODE	"ABCDEFGHIJKLMNOP"

START_TEST(reads)
{
	static const char *const same[] = {
		CODE, "abcdefghijklmnop", "ABCD-EFGH-IJKL-MNOP",
		"AbCd-EfGh  1JKLMN0P",
		"A8CDEFGH1JKLMN0P",
	};
	char code[PAIR_CODE_SIZE];
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		ck_assert_msg(pair_code_read(same[i], code) == 0, "%s",
		    same[i]);
		ck_assert_str_eq(code, CODE);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const bad[] = {
		"", " ", "-", "ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNOPQ",
		"ABCDEFGHIJKLMNO9", "ABCDEFGHIJKLMNO=",
		"ABCDEFGHIJKLMN\xc3\x96",
		"ABCDEFGHIJKLMNO_", "ABCD\tEFGHIJKLMNOP",
	};
	char code[PAIR_CODE_SIZE];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(pair_code_read(bad[i], code) == -1, "%s",
		    bad[i]);
}
END_TEST

/* What is shown is read, and each digit comes up. */
START_TEST(made)
{
	char code[PAIR_CODE_SIZE], shown[PAIR_SHOWN_SIZE];
	char back[PAIR_CODE_SIZE];
	int i, k, seen[128] = { 0 }, digits = 0;

	for (i = 0; i < 200; i++) {
		pair_code_new(code);
		pair_code_show(code, shown);
		ck_assert_uint_eq(strlen(shown), PAIR_CODE_LEN + 3);
		ck_assert(shown[4] == '-' && shown[9] == '-' &&
		    shown[14] == '-');
		ck_assert_int_eq(pair_code_read(shown, back), 0);
		ck_assert_str_eq(back, code);
		for (k = 0; k < PAIR_CODE_LEN; k++)
			seen[code[k] & 127] = 1;
	}
	for (i = 0; i < 128; i++)
		digits += seen[i];
	ck_assert_int_eq(digits, 32);
}
END_TEST

START_TEST(messages)
{
	struct pair_done d = { .why = "w", .hub_id = "h", .key = "k",
	    .url = "u", .token = "t" }, e;
	struct pair_ask a = { .url = "u", .code = CODE, .ca_file = "f" }, b;
	struct wbuf w = { 0 };
	struct reader rd;
	size_t n;

	pair_done_put(&w, &d);
	pair_ask_put(&w, &a);
	reader_init(&rd, wbuf_data(&w), w.len);
	ck_assert_int_eq(pair_done_get(&rd, &e), -1);
	wbuf_reset(&w);
	pair_ask_put(&w, &a);
	for (n = 0; n < w.len; n++) {
		reader_init(&rd, wbuf_data(&w), n);
		ck_assert_int_eq(pair_ask_get(&rd, &b), -1);
	}
	reader_init(&rd, wbuf_data(&w), w.len);
	ck_assert_int_eq(pair_ask_get(&rd, &b), 0);
	ck_assert_str_eq(b.code, CODE);
	wbuf_free(&w);
}
END_TEST

/* The slot is the same at both ends, and tells of no other key. */
START_TEST(exports)
{
	unsigned char a[PSK_KEY_SIZE], b[PSK_KEY_SIZE], c[PSK_KEY_SIZE];
	struct psk *one = psk_new(CODE, "invite");
	struct psk *two = psk_new(CODE, "join");
	struct psk *other = psk_new("ABCDEFGHIJKLMNOQ", "join");

	psk_export(one, "ecorelay pair slot", a);
	psk_export(two, "ecorelay pair slot", b);
	ck_assert_mem_eq(a, b, sizeof(a));
	psk_export(two, "something else", c);
	ck_assert_mem_ne(a, c, sizeof(a));
	psk_export(other, "ecorelay pair slot", c);
	ck_assert_mem_ne(a, c, sizeof(a));
	psk_free(one);
	psk_free(two);
	psk_free(other);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pairproto");
	TCase *tc = tcase_create("pairproto");

	tcase_add_test(tc, reads);
	tcase_add_test(tc, refuses);
	tcase_add_test(tc, made);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, exports);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
