/* SPDX-License-Identifier: ISC */
/*
 * Tests of imsg: order, large bodies, descriptors, the table's checks, and
 * streams cut at any byte.
 */
#include "compat.h"

#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imsg.h"
#include "test.h"

#define HEADER_LEN	16

static struct event_base	*base;
static struct imsgbuf		*a, *b;		/* router and store */
static struct wbuf		 got;		/* types and bodies */
static int			 closed_with, batches, last_fd, fulls;
static uint32_t			 last_id;

static void
on_message(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct slice s = get_rest(&m->rd);

	(void)ib;
	(void)arg;
	put_u32(&got, m->type);
	put_slice(&got, s);
	last_id = m->id;
	last_fd = m->fd;
}

static void
on_batch(struct imsgbuf *ib, void *arg)
{
	(void)ib;
	(void)arg;
	batches++;
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct imsgbuf **which = arg;

	closed_with = err;
	imsg_free(ib);
	*which = NULL;
}

static void
on_full(struct imsgbuf *ib, int full, void *arg)
{
	(void)ib;
	(void)arg;
	fulls += full ? 1 : 100;
}

static const struct imsg_ops ops = {
	.dispatch = on_message,
	.batch = on_batch,
	.closed = on_closed,
	.full = on_full,
};

static void
connect_pair(enum proc_id left, enum proc_id right)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a = imsg_new(base, fds[0], left, right, &ops, &a);
	b = imsg_new(base, fds[1], right, left, &ops, &b);
}

static void
setup(void)
{
	base = event_base_new();
	closed_with = -1;
	batches = fulls = 0;
	last_fd = -1;
	connect_pair(PROC_ROUTER, PROC_STORE);
}

static void
teardown(void)
{
	imsg_free(a);
	imsg_free(b);
	event_base_free(base);
	wbuf_free(&got);
}

static void
turn(int n)
{
	while (n-- > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
send_bytes(enum imsg_type type, uint32_t id, size_t n)
{
	struct wbuf w = { 0 };

	memset(wbuf_room(&w, n), (int)(n & 0x7f), n);
	w.len = n;
	imsg_send(a, type, id, -1, &w, NULL);
	wbuf_free(&w);
}

START_TEST(in_order)
{
	struct reader r;
	struct slice s;
	size_t least = imsg_rows[STORE_APPEND].min, n;

	for (n = least; n < 3000; n += 100)
		send_bytes(STORE_APPEND, (uint32_t)n, n);
	turn(3);
	reader_init(&r, wbuf_data(&got), got.len);
	for (n = least; n < 3000; n += 100) {
		ck_assert_uint_eq(get_u32(&r), STORE_APPEND);
		s = get_slice(&r);
		ck_assert_uint_eq(s.len, n);
		ck_assert_int_eq(s.p[n - 1], (char)(n & 0x7f));
	}
	ck_assert_int_eq(reader_done(&r), 0);
	/* all of it arrived in one turn: one batch */
	ck_assert_int_eq(batches, 1);
}
END_TEST

START_TEST(large_bodies)
{
	struct rbuf *tail = rbuf_new(IMSG_BODY_MAX - 100);
	struct wbuf head = { 0 };
	struct reader r;
	struct slice s;
	int i;

	memset(tail->data, 't', tail->len);
	put_u32(&head, 99);
	for (i = 0; i < 4; i++)
		imsg_send(a, STORE_APPEND, 1, -1, &head, tail);
	ck_assert_int_eq(fulls, 1);
	send_bytes(STORE_APPEND, 2, imsg_rows[STORE_APPEND].min);
	for (i = 0; i < 2000 && last_id != 2; i++)
		turn(1);
	turn(2);
	ck_assert_int_eq(fulls, 101);
	ck_assert_uint_eq(tail->refs, 1);
	reader_init(&r, wbuf_data(&got), got.len);
	for (i = 0; i < 4; i++) {
		(void)get_u32(&r);
		s = get_slice(&r);
		ck_assert_uint_eq(s.len, tail->len + 4);
		ck_assert_int_eq(s.p[0], 99);
		ck_assert_int_eq(s.p[s.len - 1], 't');
	}
	(void)get_u32(&r);
	ck_assert_uint_eq(get_slice(&r).len, imsg_rows[STORE_APPEND].min);
	rbuf_unref(tail);
	wbuf_free(&head);
}
END_TEST

START_TEST(no_body)
{
	send_bytes(STORE_SESSIONS, 5, 0);
	turn(2);
	ck_assert_uint_eq(last_id, 5);
	ck_assert_uint_eq(got.len, 8);
}
END_TEST

/* The sender keeps a descriptor open until it has arrived. */
START_TEST(descriptors)
{
	struct wbuf w = { 0 };
	struct stat sent, arrived;
	int fd = open("/dev/null", O_RDONLY);

	imsg_free(a);
	imsg_free(b);
	connect_pair(PROC_PARENT, PROC_ROUTER);
	ck_assert_int_eq(fstat(fd, &sent), 0);
	put_u32(&w, 1);
	imsg_send(a, PROC_STATS, 1, -1, NULL, NULL);
	imsg_send(a, CONF_PEER, 2, fd, &w, NULL);
	imsg_send(a, PROC_STATS, 3, -1, NULL, NULL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	turn(5);
	ck_assert_uint_eq(last_id, 3);
	ck_assert_int_eq(closed_with, -1);
	/* acknowledged: the sender's copy is closed */
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	wbuf_free(&w);

	last_fd = -1;
	fd = open("/dev/null", O_RDONLY);
	put_u32(&w, 1);
	imsg_send(a, CONF_PEER, 4, fd, &w, NULL);
	turn(5);
	ck_assert_int_ne(last_fd, -1);
	ck_assert_int_eq(fstat(last_fd, &arrived), 0);
	ck_assert_uint_eq(arrived.st_rdev, sent.st_rdev);
	ck_assert_int_ne(fcntl(last_fd, F_GETFD) & FD_CLOEXEC, 0);
	close(last_fd);
	wbuf_free(&w);
}
END_TEST

/* A raw header from the peer, and what becomes of the connection. */
static void
raw(uint32_t type, uint32_t len, size_t body)
{
	struct wbuf w = { 0 };
	int fds[2];

	imsg_free(a);
	imsg_free(b);
	a = NULL;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	b = imsg_new(base, fds[0], PROC_STORE, PROC_ROUTER, &ops, &b);
	put_u32(&w, type);
	put_u32(&w, len);
	put_u32(&w, 77);
	put_u32(&w, 0);
	memset(wbuf_room(&w, body), 0, body);
	w.len += body;
	ck_assert_int_eq(write(fds[1], wbuf_data(&w), w.len), (ssize_t)w.len);
	turn(3);
	close(fds[1]);
	wbuf_free(&w);
}

START_TEST(table_is_checked)
{
	static const struct {
		uint32_t	 type, len;
		int		 ok;
	} rows[] = {
		{ STORE_SESSIONS, 0, 1 },
		{ STORE_SESSIONS, 1, 0 },	/* too long */
		{ STORE_CLEAN, 1, 0 },		/* too short */
		{ STORE_CLEAN, UINT32_MAX, 0 },
		{ STORE_APPENDED, 6, 0 },	/* the store's own */
		{ PROC_SHUTDOWN, 0, 0 },	/* the parent's */
		{ CONF_PEER, 4, 0 },
		{ IMSG_NONE, 0, 0 },
		{ IMSG_MAX, 0, 0 },
		{ 0x7fffffff, 0, 0 },
		{ STORE_SESSIONS | 0x80000000u, 0, 0 },	/* a descriptor */
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		closed_with = -1;
		last_id = 0;
		raw(rows[i].type, rows[i].len, 0);
		ck_assert_msg((last_id == 77) == rows[i].ok &&
		    closed_with == (rows[i].ok ? -1 : EPROTO),
		    "row %zu: id %u, closed with %d", i, last_id, closed_with);
	}
}
END_TEST

/* Every type has a row that can be met. */
START_TEST(table_is_whole)
{
	int i;

	for (i = IMSG_NONE + 1; i < IMSG_MAX; i++) {
		ck_assert_msg(imsg_rows[i].name != NULL, "type %d", i);
		ck_assert_uint_ne(imsg_rows[i].senders, 0);
		ck_assert_uint_le(imsg_rows[i].min, imsg_rows[i].max);
		ck_assert_uint_le(imsg_rows[i].max, IMSG_BODY_MAX);
		ck_assert_str_eq(imsg_name((enum imsg_type)i),
		    imsg_rows[i].name);
	}
}
END_TEST

START_TEST(cut_anywhere)
{
	struct wbuf w = { 0 };
	int fds[2], i;
	size_t n;

	imsg_free(a);
	imsg_free(b);
	a = NULL;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	b = imsg_new(base, fds[0], PROC_STORE, PROC_ROUTER, &ops, &b);
	for (i = 0; i < 3; i++) {
		put_u32(&w, STORE_CLEAN);
		put_u32(&w, 12);
		put_u32(&w, (uint32_t)i);
		put_u32(&w, 0);
		put_u64(&w, 1);
		put_u32(&w, 2);
	}
	for (n = 0; n < w.len; n++) {
		ck_assert_int_eq(write(fds[1], wbuf_data(&w) + n, 1), 1);
		turn(1);
	}
	ck_assert_uint_eq(got.len, 3 * (8 + 12));
	ck_assert_uint_eq(last_id, 2);
	/* half a message and an end is an end */
	ck_assert_int_eq(write(fds[1], wbuf_data(&w), HEADER_LEN + 3),
	    HEADER_LEN + 3);
	close(fds[1]);
	turn(3);
	ck_assert_int_eq(closed_with, 0);
	ck_assert_ptr_null(b);
	wbuf_free(&w);
}
END_TEST

START_TEST(flushes)
{
	send_bytes(STORE_SESSIONS, 9, 0);
	ck_assert_uint_gt(imsg_pending(a), 0);
	ck_assert_int_eq(imsg_flush(a, 1000), 0);
	ck_assert_uint_eq(imsg_pending(a), 0);
	turn(1);
	ck_assert_uint_eq(last_id, 9);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("imsg");
	TCase *tc = tcase_create("imsg");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_order);
	tcase_add_test(tc, large_bodies);
	tcase_add_test(tc, no_body);
	tcase_add_test(tc, descriptors);
	tcase_add_test(tc, table_is_checked);
	tcase_add_test(tc, table_is_whole);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, flushes);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
