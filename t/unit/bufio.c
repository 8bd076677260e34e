/* SPDX-License-Identifier: ISC */
/*
 * Tests of buffered I/O over a socketpair: lines however they are cut, limits,
 * pauses, large output, and freeing from within a callback.
 */
#include "compat.h"

#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bufio.h"
#include "test.h"

static struct event_base	*base;
static struct bufio		*b;
static struct wbuf		 got;		/* lines, each with a '|' */
static int			 other;		/* the other end */
static int			 closed_with, drained, pause_after, free_at;

static void
on_line(struct bufio *io, char *line, size_t len, void *arg)
{
	(void)arg;
	wbuf_add(&got, line, len);
	wbuf_adds(&got, "|");
	if (pause_after > 0 && --pause_after == 0)
		bufio_pause(io);
	if (free_at > 0 && --free_at == 0) {
		bufio_free(io);
		b = NULL;
	}
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	(void)io;
	(void)arg;
	closed_with = err;
	event_base_loopbreak(base);
}

static void
on_drained(struct bufio *io, void *arg)
{
	(void)io;
	(void)arg;
	drained++;
}

static const struct bufio_ops ops = {
	.line = on_line,
	.closed = on_closed,
	.drained = on_drained,
};

static void
setup(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	base = event_base_new();
	other = fds[1];
	closed_with = -1;
	drained = pause_after = free_at = 0;
	b = bufio_new(base, fds[0], -1, &ops, NULL);
}

static void
teardown(void)
{
	bufio_free(b);
	event_base_free(base);
	close(other);
	wbuf_free(&got);
}

static void
feed(const char *s, size_t n)
{
	ck_assert_int_eq(write(other, s, n), (ssize_t)n);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
expect(const char *lines)
{
	ck_assert_msg(got.len == strlen(lines) &&
	    memcmp(wbuf_data(&got), lines, got.len) == 0, "got %.*s, want %s",
	    (int)got.len, wbuf_data(&got), lines);
	wbuf_reset(&got);
}

START_TEST(splits_lines)
{
	static const char text[] = "one\ntwo\r\n\n\r\nthree\n";
	size_t i;

	feed(text, sizeof(text) - 1);
	expect("one|two|three|");
	for (i = 0; i < sizeof(text) - 1; i++)
		feed(text + i, 1);
	expect("one|two|three|");
	for (i = 1; i < sizeof(text) - 1; i++) {
		feed(text, i);
		feed(text + i, sizeof(text) - 1 - i);
		expect("one|two|three|");
	}
}
END_TEST

START_TEST(end_of_file)
{
	feed("whole\nhalf", 10);
	shutdown(other, SHUT_WR);
	event_base_dispatch(base);
	ck_assert_int_eq(closed_with, 0);
	expect("whole|");
}
END_TEST

/* Exactly the limit passes; one byte more ends it, complete or not. */
START_TEST(input_limit)
{
	bufio_limits(b, 8, 1000);
	feed("12345678\n", 9);
	expect("12345678|");
	feed("1234", 4);
	feed("5678", 4);
	feed("\nx", 2);
	expect("12345678|");
	feed("\n", 1);
	expect("x|");
	ck_assert_int_eq(closed_with, -1);
	feed("123456789", 9);
	ck_assert_int_eq(closed_with, EMSGSIZE);
	expect("");
}
END_TEST

START_TEST(input_limit_in_one_piece)
{
	bufio_limits(b, 8, 1000);
	feed("ok\n123456789\nnever\n", 19);
	ck_assert_int_eq(closed_with, EMSGSIZE);
	expect("ok|");
}
END_TEST

START_TEST(pauses)
{
	pause_after = 2;
	feed("a\nb\nc\nd", 7);
	expect("a|b|");
	feed("\n", 1);
	expect("");
	pause_after = 1;
	bufio_resume(b);
	event_base_loop(base, EVLOOP_NONBLOCK);
	expect("c|");
	bufio_pause(b);
	bufio_resume(b);
	event_base_loop(base, EVLOOP_NONBLOCK);
	expect("");
	bufio_resume(b);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	expect("d|");
}
END_TEST

/* What came before a pause is shown before the end that came after it. */
START_TEST(pause_then_end)
{
	pause_after = 1;
	feed("a\nb\n", 4);
	shutdown(other, SHUT_WR);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(closed_with, -1);
	bufio_resume(b);
	event_base_dispatch(base);
	expect("a|b|");
	ck_assert_int_eq(closed_with, 0);
}
END_TEST

START_TEST(frees_itself)
{
	free_at = 2;
	feed("a\nb\nc\n", 6);
	expect("a|b|");
	ck_assert_ptr_null(b);
}
END_TEST

/* 3 MB in shared and copied pieces arrive whole while the reader is slow. */
START_TEST(large_output)
{
	static char buf[65536];
	struct rbuf *rb = rbuf_new(1000000);
	size_t total = 0, want, i, wrong = 0;
	ssize_t n;

	for (i = 0; i < rb->len; i++)
		rb->data[i] = (char)(i * 7);
	bufio_write_rbuf(b, rb);
	bufio_write(b, "tail", 4);
	bufio_write_rbuf(b, rb);
	bufio_write_rbuf(b, rb);
	want = 3 * rb->len + 4;
	ck_assert_uint_eq(bufio_pending(b), want);
	ck_assert_int_eq(fcntl(other, F_SETFL, O_NONBLOCK), 0);
	while (total < want) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		/* pieces of any size, most of them large */
		n = read(other, buf, sizeof(buf) - total % 777);
		ck_assert_int_gt(n, 0);
		for (i = 0; i < (size_t)n && total + i < rb->len; i++)
			wrong += buf[i] != (char)((total + i) * 7);
		total += (size_t)n;
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(bufio_pending(b), 0);
	ck_assert_int_eq(drained, 1);
	ck_assert_uint_eq(rb->refs, 1);
	rbuf_unref(rb);
}
END_TEST

/* Who does not read is cut off, and its references are given back. */
START_TEST(output_limit)
{
	struct rbuf *rb = rbuf_new(100000);
	int i;

	memset(rb->data, 'x', rb->len);
	bufio_limits(b, 1000, 500000);
	for (i = 0; i < 100 && closed_with == -1; i++) {
		bufio_write_rbuf(b, rb);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_eq(closed_with, ENOBUFS);
	ck_assert_int_lt(i, 20);
	bufio_free(b);
	b = NULL;
	ck_assert_uint_eq(rb->refs, 1);
	rbuf_unref(rb);
}
END_TEST

START_TEST(flushes)
{
	static char buf[4096];

	bufio_write(b, "now", 3);
	ck_assert_int_eq(bufio_flush(b, 1000), 0);
	ck_assert_int_eq(read(other, buf, sizeof(buf)), 3);
	ck_assert_mem_eq(buf, "now", 3);
}
END_TEST

/* A plain file on standard input cannot be waited for, but read. */
START_TEST(plain_file)
{
	FILE *f = tmpfile();
	int fd;

	ck_assert_ptr_nonnull(f);
	fputs("from\na file\n", f);
	fflush(f);
	fd = dup(fileno(f));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	bufio_free(b);
	b = bufio_new(base, fd, -1, &ops, NULL);
	event_base_dispatch(base);
	expect("from|a file|");
	ck_assert_int_eq(closed_with, 0);
	fclose(f);
}
END_TEST

static size_t
half(struct bufio *io, char *p, size_t n, void *arg)
{
	size_t used = n / 2 * 2;

	(void)io;
	(void)arg;
	wbuf_add(&got, p, used);
	return used;
}

/* Framings other than lines take what they can and see the rest again. */
START_TEST(raw_input)
{
	static const struct bufio_ops raw = {
		.input = half, .closed = on_closed
	};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(other);
	bufio_free(b);
	other = fds[1];
	b = bufio_new(base, fds[0], -1, &raw, NULL);
	bufio_limits(b, 4, 100);
	feed("abc", 3);
	expect("ab");
	feed("d", 1);
	expect("cd");
	ck_assert_int_eq(closed_with, -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bufio");
	TCase *tc = tcase_create("bufio");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, splits_lines);
	tcase_add_test(tc, end_of_file);
	tcase_add_test(tc, input_limit);
	tcase_add_test(tc, input_limit_in_one_piece);
	tcase_add_test(tc, pauses);
	tcase_add_test(tc, pause_then_end);
	tcase_add_test(tc, frees_itself);
	tcase_add_test(tc, large_output);
	tcase_add_test(tc, output_limit);
	tcase_add_test(tc, flushes);
	tcase_add_test(tc, plain_file);
	tcase_add_test(tc, raw_input);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
