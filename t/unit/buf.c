/* SPDX-License-Identifier: ISC */
/*
 * Tests of buffers and readers: what is put comes back, and a reader never
 * goes past its end.
 */
#include "compat.h"

#include <check.h>
#include <stdlib.h>

#include "buf.h"
#include "test.h"

START_TEST(round_trip)
{
	struct wbuf w = { 0 };
	struct reader r;
	struct slice s;
	char name[8];

	put_u8(&w, 0xfe);
	put_u16(&w, 0xfedc);
	put_u32(&w, 0xfedcba98u);
	put_u64(&w, UINT64_C(0xfedcba9876543210));
	put_str(&w, "name");
	put_bytes(&w, "a\0b", 3);
	put_u8(&w, 7);
	reader_init(&r, wbuf_data(&w), w.len);
	ck_assert_uint_eq(get_u8(&r), 0xfe);
	ck_assert_uint_eq(get_u16(&r), 0xfedc);
	ck_assert_uint_eq(get_u32(&r), 0xfedcba98u);
	ck_assert_uint_eq(get_u64(&r), UINT64_C(0xfedcba9876543210));
	get_str(&r, name, sizeof(name));
	ck_assert_str_eq(name, "name");
	s = get_slice(&r);
	ck_assert_uint_eq(s.len, 3);
	ck_assert_mem_eq(s.p, "a\0b", 3);
	ck_assert_int_eq(reader_done(&r), -1);
	s = get_rest(&r);
	ck_assert_uint_eq(s.len, 1);
	ck_assert_int_eq(reader_done(&r), 0);
	wbuf_free(&w);
}
END_TEST

/* Every cut of a message fails, and yields nothing from behind its end. */
START_TEST(truncated)
{
	struct wbuf w = { 0 };
	struct reader r;
	char name[8], *cut;
	size_t n;

	put_u32(&w, 1);
	put_str(&w, "name");
	put_u64(&w, 2);
	for (n = 0; n < w.len; n++) {
		cut = xmalloc(n);	/* so that a sanitizer sees its end */
		memcpy(cut, wbuf_data(&w), n);
		reader_init(&r, cut, n);
		(void)get_u32(&r);
		get_str(&r, name, sizeof(name));
		(void)get_u64(&r);
		ck_assert_int_eq(reader_done(&r), -1);
		ck_assert_uint_eq(get_u8(&r), 0);
		free(cut);
	}
	wbuf_free(&w);
}
END_TEST

START_TEST(bad_strings)
{
	struct wbuf w = { 0 };
	struct reader r;
	char name[5];

	/* a length that reaches around the address space */
	put_u32(&w, UINT32_MAX);
	put_u32(&w, 0);
	reader_init(&r, wbuf_data(&w), w.len);
	ck_assert_uint_eq(get_slice(&r).len, 0);
	ck_assert_int_eq(reader_done(&r), -1);

	wbuf_reset(&w);
	put_str(&w, "fives");
	reader_init(&r, wbuf_data(&w), w.len);
	get_str(&r, name, sizeof(name));
	ck_assert_int_eq(reader_done(&r), -1);
	ck_assert_str_eq(name, "");

	wbuf_reset(&w);
	put_bytes(&w, "a\0b", 3);
	reader_init(&r, wbuf_data(&w), w.len);
	get_str(&r, name, sizeof(name));
	ck_assert_int_eq(reader_done(&r), -1);
	wbuf_free(&w);
}
END_TEST

START_TEST(take)
{
	struct wbuf w = { 0 };
	struct rbuf *rb;
	size_t i;

	for (i = 0; i < 100000; i++)
		wbuf_add(&w, "x", 1);
	rb = wbuf_take(&w);
	ck_assert_uint_eq(rb->len, 100000);
	ck_assert_int_eq(rb->data[99999], 'x');
	ck_assert_uint_eq(w.len, 0);
	wbuf_adds(&w, "again");
	ck_assert_mem_eq(wbuf_data(&w), "again", 5);
	rbuf_unref(rbuf_ref(rb));
	ck_assert_int_eq(rb->data[0], 'x');
	rbuf_unref(rb);
	rb = wbuf_take(&w);
	ck_assert_uint_eq(rb->len, 5);
	rbuf_unref(rb);
	rb = wbuf_take(&w);
	ck_assert_uint_eq(rb->len, 0);
	rbuf_unref(rb);
	rbuf_unref(NULL);
}
END_TEST

START_TEST(print)
{
	struct wbuf w = { 0 };
	char big[1000];

	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	wbuf_printf(&w, "%d-%s", 42, big);
	ck_assert_uint_eq(w.len, 3 + sizeof(big) - 1);
	ck_assert_mem_eq(wbuf_data(&w), "42-y", 4);
	wbuf_free(&w);
}
END_TEST

START_TEST(slices)
{
	char dst[4];

	ck_assert(slice_is(slice_of("ab"), "ab"));
	ck_assert(!slice_is(slice_of("ab"), "a"));
	ck_assert(!slice_is(slice_of("ab"), "abc"));
	ck_assert_int_eq(slice_copy(slice_of("abc"), dst, sizeof(dst)), 0);
	ck_assert_str_eq(dst, "abc");
	ck_assert_int_eq(slice_copy(slice_of("abcd"), dst, sizeof(dst)), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, truncated);
	tcase_add_test(tc, bad_strings);
	tcase_add_test(tc, take);
	tcase_add_test(tc, print);
	tcase_add_test(tc, slices);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
