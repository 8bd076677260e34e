/* SPDX-License-Identifier: ISC */
/*
 * Tests of messages that go unread: too old, or pushed out by something else
 * than another message; and of the lists of mailboxes and of what is known of
 * any message.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "mailbox.h"
#include "storetest.h"
#include "timeutil.h"

#define OLD		(2 * DAY_MS)

static void
post_old(struct st *s, const char *to, const char *id)
{
	struct store_append q = st_message("a", to, id, "x");

	q.ts -= OLD;
	want_int(st_append(s, &q).status, STORE_OK);
}

/* Waits until the store has told of that many messages. */
static void
wait_expired(struct st *s, size_t n)
{
	int64_t end = t_now() + t_slow(T_WAIT);
	struct timeval tv = { 0, 10000 };
	size_t told = 0, i;

	while (told < n && t_now() < end) {
		event_base_loopexit(s->base, &tv);
		event_base_loop(s->base, EVLOOP_ONCE);
		for (told = i = 0; s->expired[i] != '\0'; i++)
			told += s->expired[i] == ' ';
	}
	want(told == n, "told of %zu: %s", told, s->expired);
}

START_TEST(too_old)
{
	struct st *s = st_new();
	struct store_mail m;

	s->conf.expire_unread_ms = DAY_MS;
	st_start(s);
	st_enter(s, "a");
	post_old(s, "b", "1");
	post_old(s, "b", "2");
	post_old(s, "b", "3");
	post_old(s, "c", "4");
	st_post(s, "a", "b", "5");
	st_mark_ids(s, "b", MSG_SEEN, "1");
	st_mark_ids(s, "b", MSG_RECEIVED, "2");
	wait_expired(s, 3);
	want_str(s->expired, "2>a 3>a 4>a ");
	want_int(s->expired_unread, 0);
	want_str(st_state(s, "a", "1"), "seen");
	want_str(st_state(s, "a", "2"), "expired");
	want_str(st_state(s, "a", "4"), "expired");
	want_str(st_state(s, "a", "5"), "accepted");
	want_str(st_all(s, "c"), "");
	want_str(st_all(s, "b"), "1 5");
	/* whoever reads the mailbox is told, once */
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_str(st_ids(&m), "5");
	want_int(m.unread, 1);
	want_int(m.dropped, 0);
	st_end(s);
}
END_TEST

START_TEST(dropped_ones_are_counted)
{
	struct st *s = st_new();
	struct store_mail m;

	s->conf.expire_unread_ms = DAY_MS;
	st_start(s);
	post_old(s, "b", "1");
	post_old(s, "b", "2");
	wait_expired(s, 2);
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_int(m.dropped, 2);
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_int(m.dropped, 0);
	/* that it was sent is remembered */
	want_int(st_post(s, "a", "b", "3").status, STORE_OK);
	want_str(st_state(s, "a", "1"), "expired");
	st_end(s);
}
END_TEST

START_TEST(never)
{
	struct st *s = st_new();

	st_start(s);
	post_old(s, "b", "1");
	st_stop(s);
	s->conf.expire_unread_ms = 3 * DAY_MS;
	st_start(s);
	/* a longer time than the first round takes to begin */
	(void)st_wait(s, &s->closed, 4000);
	want_str(s->expired, "");
	want_str(st_unseen(s, "b"), "1");
	st_end(s);
}
END_TEST

/* Without a process: many mailboxes, and one with many messages. */
START_TEST(short_steps)
{
	struct st *s = st_new();
	struct db *db = db_new(s->dir, 0);
	struct boxes *bx = boxes_new(db, 1000, 1000);
	struct store_append q;
	struct store_appended a;
	struct wbuf gone = { 0 };
	struct reader rd;
	int64_t pos = 0;
	char to[16], id[16];
	int i, n = 0, r = 1, steps = 0;

	want_int(db_open(db), 1);
	want_int(db_begin(db), 0);
	want_int(boxes_ready(bx), 0);
	for (i = 0; i < 800; i++) {
		snprintf(to, sizeof(to), "b%d", i < 350 ? 0 : i);
		snprintf(id, sizeof(id), "%d", i);
		q = st_message("a", to, id, "x");
		want_int(mailbox_append(bx, &q, &a, &gone), 0);
	}
	want_int(db_commit(db), 0);
	for (; r == 1; steps++) {
		size_t before = gone.len;

		want_int(db_begin(db), 0);
		r = mailbox_expire_unseen(bx, time_now_ms() + DAY_MS, &pos,
		    &gone);
		want(r != -1, "failed");
		want_int(db_commit(db), 0);
		reader_init(&rd, wbuf_data(&gone) + before,
		    gone.len - before);
		for (i = 0; reader_done(&rd) == -1; i++)
			(void)get_slice(&rd);
		want(i <= 200, "%d in one step", i);
		n += i;
	}
	want_int(n, 800);
	want(steps > 5, "%d steps", steps);
	want_int(pos, 0);
	wbuf_free(&gone);
	boxes_free(bx);
	db_free(db);
	st_end(s);
}
END_TEST

/* The limit is a lower one than before. */
START_TEST(a_smaller_mailbox)
{
	struct st *s = st_new();
	struct store_appended a;
	char id[16];
	int i;

	st_start(s);
	for (i = 1; i <= 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		st_post(s, "a", "b", id);
	}
	st_stop(s);
	s->conf.keep_mailbox = 4;
	st_start(s);
	a = st_post(s, "a", "b", "11");
	want_int(a.has_expired, 1);
	want(strcmp(a.expired.msg_id, "1") == 0, "%s", a.expired.msg_id);
	want_int(a.unread, 4);
	wait_expired(s, 6);
	want_str(s->expired, "2>a 3>a 4>a 5>a 6>a 7>a ");
	want_str(st_unseen(s, "b"), "8 9 10 11");
	st_end(s);
}
END_TEST

START_TEST(merged_mailboxes)
{
	struct st *s = st_new();

	s->conf.keep_mailbox = 3;
	st_start(s);
	st_enter(s, "b");
	st_post(s, "a", "b", "1");
	st_post(s, "a", "c", "2");
	st_post(s, "a", "b", "3");
	st_post(s, "a", "c", "4");
	st_post(s, "a", "c", "5");
	want_int(st_call(s, "b", "c").unread, 3);
	wait_expired(s, 2);
	want_str(s->expired, "1>a 2>a ");
	want_str(st_unseen(s, "c"), "3 4 5");
	want_int(st_read(s, "c", INBOX_UNSEEN, 9, "").dropped, 0);
	st_end(s);
}
END_TEST

static struct store_mailbox_list
mailboxes(struct st *s)
{
	struct store_mailbox_list l;
	struct wbuf w = { 0 };

	st_send(s, STORE_MAILBOXES, &w);
	st_answers(s);
	want_int(s->type, STORE_MAILBOX_LIST);
	want_int(store_mailbox_list_get(&s->rd, &l), 0);
	return l;
}

START_TEST(list_of_mailboxes)
{
	struct st *s = st_new();
	struct store_mailbox_list l;
	struct store_mailbox b;
	struct reader rd;

	s->conf.keep_mailbox = 2;
	st_start(s);
	want_int(mailboxes(s).n, 0);
	st_enter(s, "zoe");
	st_post(s, "a", "away", "1");
	st_post(s, "a", "away", "2");
	st_post(s, "a", "away", "3");
	st_mark_ids(s, "away", MSG_SEEN, "2");
	l = mailboxes(s);
	want_int(l.status, STORE_OK);
	/* a name that has only sent has none */
	want_int(l.n, 2);
	reader_init(&rd, l.mailboxes.p, l.mailboxes.len);
	want_int(store_mailbox_get(&rd, &b), 0);
	want_str(b.name, "away");
	want_int(b.kept, 2);
	want_int(b.unread, 1);
	want_int(b.dropped, 1);
	want_int(store_mailbox_get(&rd, &b), 0);
	want_str(b.name, "zoe");
	want_int(b.kept, 0);
	st_end(s);
}
END_TEST

START_TEST(any_message)
{
	struct store_query q = { .name = "", .msg_id = "m1" };
	struct st *s = st_new();
	struct store_append p;
	struct store_message m;

	st_start(s);
	m = st_status(s, &q);
	want_int(m.found, 0);
	p = st_message("a", "b", "m1", "x");
	p.ts = 1767323045678;
	p.kind = KIND_REQUEST;
	p.urgent = 1;
	st_append(s, &p);
	m = st_status(s, &q);
	want_int(m.found, 1);
	want_str(m.from, "a");
	want_str(m.to, "b");
	want_int(m.state, MSG_ACCEPTED);
	want_int(m.sent, 1767323045678);
	want(m.ts > m.sent, "it was not there when it was sent");
	want_int(m.kind, KIND_REQUEST);
	want_int(m.urgent, 1);
	want_int(m.kept, 1);
	st_mark_ids(s, "b", MSG_SEEN, "m1");
	m = st_status(s, &q);
	want_int(m.state, MSG_SEEN);
	want(m.ts > m.sent, "no time of its state");
	/* of two with that id the later one */
	st_post(s, "c", "d", "m1");
	want_str(st_status(s, &q).from, "c");
	/* the sender's own is another question */
	strlcpy(q.name, "a", sizeof(q.name));
	want_str(st_status(s, &q).to, "b");
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("expire");

	(void)argc;
	test_add(s, too_old, 30);
	test_add(s, dropped_ones_are_counted, 30);
	test_add(s, never, 30);
	test_add(s, short_steps, 30);
	test_add(s, a_smaller_mailbox, 30);
	test_add(s, merged_mailboxes, 30);
	test_add(s, list_of_mailboxes, 30);
	test_add(s, any_message, 30);
	return test_main(argv[0], s);
}
