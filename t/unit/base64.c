/* SPDX-License-Identifier: ISC */
/*
 * Tests of base64: RFC 4648 section 10, and what is not it.
 */
#include "compat.h"

#include <check.h>
#include <stdlib.h>

#include "base64.h"
#include "test.h"
#include "timeutil.h"

static void
is_both(const char *bytes, const char *text)
{
	struct wbuf w = { 0 };

	base64_put(&w, bytes, strlen(bytes));
	ck_assert_uint_eq(w.len, strlen(text));
	ck_assert_mem_eq(wbuf_data(&w), text, w.len);
	wbuf_reset(&w);
	wbuf_adds(&w, "x");
	ck_assert_int_eq(base64_get(&w, slice_of(text)), 0);
	ck_assert_uint_eq(w.len, strlen(bytes) + 1);
	ck_assert_mem_eq(wbuf_data(&w) + 1, bytes, w.len - 1);
	wbuf_free(&w);
}

START_TEST(vectors)
{
	is_both("", "");
	is_both("f", "Zg==");
	is_both("fo", "Zm8=");
	is_both("foo", "Zm9v");
	is_both("foob", "Zm9vYg==");
	is_both("fooba", "Zm9vYmE=");
	is_both("foobar", "Zm9vYmFy");
	is_both("\xfb\xff\xbf", "+/+/");
}
END_TEST

START_TEST(refused)
{
	static const char *const texts[] = {
		"Z", "Zg", "Zg=", "Zm9vY", "====", "Z===", "=m9v", "Zm=v",
		"Zg==Zg==", "Zm9v\n", "Zm9 ", "Zm-_", "Zh==", "Zm9=",
		"Zm9v====", "\xc3\xa4==",
	};
	struct wbuf w = { 0 };
	size_t i;

	wbuf_adds(&w, "before");
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(base64_get(&w, slice_of(texts[i])) == -1, "%s",
		    texts[i]);
		ck_assert_uint_eq(w.len, 6);
	}
	wbuf_free(&w);
}
END_TEST

/* Any bytes come back, and no other text stands for them. */
START_TEST(random_ones)
{
	struct wbuf text = { 0 }, back = { 0 };
	uint8_t bytes[200];
	size_t n;

	for (n = 0; n <= sizeof(bytes); n++) {
		random_bytes(bytes, sizeof(bytes));
		wbuf_reset(&text);
		wbuf_reset(&back);
		base64_put(&text, bytes, n);
		ck_assert_int_eq(base64_get(&back, (struct slice){
		    wbuf_data(&text), text.len }), 0);
		ck_assert_uint_eq(back.len, n);
		ck_assert_mem_eq(wbuf_data(&back), bytes, n);
	}
	wbuf_free(&text);
	wbuf_free(&back);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_test(tc, vectors);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, random_ones);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
