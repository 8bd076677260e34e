/* SPDX-License-Identifier: ISC */
/*
 * Tests of what the store does with messages and names, against a store
 * process.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "mailbox.h"
#include "people.h"
#include "storetest.h"
#include "timeutil.h"

#define KEEP_SMALL	5
#define NOW		time_now_ms()

START_TEST(message_members)
{
	static const char expect[] =
	    "[{\"msg_id\":\"m1\",\"from\":\"api\","
	    "\"text\":\"a \\\"quote\\\"\\n\\u00e9\",\"reply_to\":null,"
	    "\"ts\":\"2026-01-02T03:04:05.678Z\"},"
	    "{\"msg_id\":\"m2\",\"from\":\"web\",\"text\":\"\","
	    "\"reply_to\":\"k\\\\1\",\"ts\":\"2026-01-02T03:04:05.679Z\","
	    "\"urgent\":true,\"kind\":\"request\",\"pushed\":true}]";
	struct st *s = st_new();
	struct store_append q;
	struct store_appended a;
	struct store_marked k;
	struct store_mail m;

	st_start(s);
	q = st_message("api", "db", "m1", "a \\\"quote\\\"\\n\\u00e9");
	q.ts = 1767323045678;
	a = st_append(s, &q);
	want_int(a.status, STORE_OK);
	want_int(a.unread, 1);
	want_int(a.has_expired, 0);
	q = st_message("web", "db", "m2", "");
	q.ts = 1767323045679;
	q.pushed = q.urgent = q.has_reply_to = 1;
	q.kind = KIND_REQUEST;
	q.reply_to = slice_of("k\\\\1");
	want_int(st_append(s, &q).unread, 2);
	k = st_mark_ids(s, "db", MSG_RECEIVED, "m2");
	want_str(st_receipts(&k), "m2>web:received");
	m = st_read(s, "db", INBOX_UNSEEN, 10, "");
	want_int(m.status, STORE_OK);
	want(slice_is(m.json, expect), "%.*s", (int)m.json.len, m.json.p);
	want_int(m.count, 2);
	want_int(m.nunseen, 2);
	want_int(m.unread, 2);
	want_int(m.remaining, 0);
	want_int(m.dropped, 0);
	m = st_read(s, "nobody", INBOX_UNSEEN, 10, "");
	want(slice_is(m.json, "[]"), "%.*s", (int)m.json.len, m.json.p);
	st_end(s);
}
END_TEST

START_TEST(inbox_modes)
{
	struct st *s = st_new();
	struct store_mail m;

	st_start(s);
	st_post(s, "a", "b", "1");
	st_post(s, "a", "b", "2");
	st_post(s, "a", "c", "other");
	st_post(s, "a", "b", "3");
	st_post(s, "a", "b", "4");
	st_post(s, "a", "b", "5");
	st_mark_ids(s, "b", MSG_SEEN, "2 3");
	want_str(st_unseen(s, "b"), "1 4 5");
	m = st_read(s, "b", INBOX_UNSEEN, 2, "");
	want_str(st_ids(&m), "1 4");
	want_int(m.remaining, 1);
	want_int(m.unread, 3);
	m = st_read(s, "b", INBOX_SINCE, 10, "2");
	want_str(st_ids(&m), "3 4 5");
	want_int(m.nunseen, 2);
	want_int(m.remaining, 0);
	m = st_read(s, "b", INBOX_SINCE, 1, "2");
	want_str(st_ids(&m), "3");
	want_int(m.remaining, 2);
	m = st_read(s, "b", INBOX_SINCE, 4, "nothing");
	want_str(st_ids(&m), "1 2 3 4");
	want_int(m.remaining, 1);
	/* an id of another mailbox is not known here */
	m = st_read(s, "b", INBOX_SINCE, 10, "other");
	want_str(st_ids(&m), "1 2 3 4 5");
	m = st_read(s, "b", INBOX_RECENT, 3, "");
	want_str(st_ids(&m), "3 4 5");
	want_int(m.remaining, 0);
	want_int(m.nunseen, 2);
	m = st_read(s, "b", INBOX_RECENT, 10, "");
	want_str(st_ids(&m), "1 2 3 4 5");
	m = st_read(s, "b", INBOX_UNSEEN, 0, "");
	want_str(st_ids(&m), "");
	want_int(m.remaining, 3);
	st_end(s);
}
END_TEST

/* Reads with a limit of bytes. */
static struct store_mail
read_bytes(struct st *s, const char *name, uint32_t bytes)
{
	struct store_inbox q = { .mode = INBOX_UNSEEN, .limit = 100,
	    .max_bytes = bytes };

	strlcpy(q.name, name, sizeof(q.name));
	return st_inbox(s, &q);
}

START_TEST(inbox_bytes)
{
	struct st *s = st_new();
	char *text = t_fill('x', 1000);
	struct store_append q;
	struct store_mail m;
	size_t all;
	int i;

	st_start(s);
	for (i = 0; i < 3; i++) {
		char id[2] = { (char)('1' + i), '\0' };

		q = st_message("a", "b", id, text);
		st_append(s, &q);
	}
	m = read_bytes(s, "b", 100000);
	want_str(st_ids(&m), "1 2 3");
	all = m.json.len;
	m = read_bytes(s, "b", (uint32_t)all);
	want_int(m.count, 3);
	m = read_bytes(s, "b", (uint32_t)all - 1);
	want_str(st_ids(&m), "1 2");
	want_int(m.remaining, 1);
	want(m.json.len <= all - 1, "too long");
	/* the first one goes in, if need be without its text */
	m = read_bytes(s, "b", 500);
	want_str(st_ids(&m), "1");
	want_int(m.remaining, 2);
	want_int(m.nunseen, 1);
	want(m.json.len <= 500, "too long: %zu", m.json.len);
	want(memmem(m.json.p, m.json.len, "1000 bytes", 10) != NULL,
	    "%.*s", (int)m.json.len, m.json.p);
	m = read_bytes(s, "b", 1010);
	want_str(st_ids(&m), "1");
	want(memmem(m.json.p, m.json.len, "1000 bytes", 10) != NULL,
	    "%.*s", (int)m.json.len, m.json.p);
	m = read_bytes(s, "b", 0);
	want_str(st_ids(&m), "1");
	free(text);
	st_end(s);
}
END_TEST

START_TEST(large_messages)
{
	size_t n = LINE_MAX_BYTES - 1000;
	struct st *s = st_new();
	char *text = t_fill('y', n);
	struct store_append q;
	struct store_mail m;

	st_start(s);
	q = st_message("a", "b", "1", text);
	want_int(st_append(s, &q).status, STORE_OK);
	q = st_message("a", "b", "2", text);
	want_int(st_append(s, &q).status, STORE_OK);
	st_stop(s);
	st_start(s);
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_str(st_ids(&m), "1");
	want_int(m.remaining, 1);
	want(m.json.len > n && memmem(m.json.p, m.json.len, text, n) != NULL,
	    "the text is not whole");
	free(text);
	st_end(s);
}
END_TEST

START_TEST(marks)
{
	struct st *s = st_new();
	struct store_append q;
	struct store_marked k;

	st_start(s);
	st_post(s, "a", "b", "1");
	st_post(s, "c", "b", "2");
	q = st_message("a", "b", "3", "");
	q.pushed = 1;
	st_append(s, &q);
	want_str(st_state(s, "a", "1"), "accepted");
	want_str(st_state(s, "a", "3"), "pushed");
	k = st_mark_ids(s, "b", MSG_ACCEPTED, "3");
	want_int(k.nreceipts, 0);
	want_str(st_state(s, "a", "3"), "accepted");
	k = st_mark_ids(s, "b", MSG_PUSHED, "3 1");
	want_int(k.nreceipts, 0);
	want_int(k.unread, 3);
	want_str(st_state(s, "a", "3"), "pushed");
	k = st_mark_ids(s, "b", MSG_RECEIVED, "1 none 2");
	want_str(st_receipts(&k), "1>a:received 2>c:received");
	want_int(k.unread, 3);
	/* again, or back: nothing happens */
	k = st_mark_ids(s, "b", MSG_RECEIVED, "1 2");
	want_int(k.nreceipts, 0);
	k = st_mark_ids(s, "b", MSG_ACCEPTED, "1 2");
	want_str(st_state(s, "a", "1"), "received");
	k = st_mark_ids(s, "b", MSG_SEEN, "1");
	want_str(st_receipts(&k), "1>a:seen");
	want_int(k.unread, 2);
	k = st_mark_ids(s, "b", MSG_SEEN, "1 1");
	want_int(k.nreceipts, 0);
	want_int(k.unread, 2);
	k = st_mark_ids(s, "b", MSG_RECEIVED, "1");
	want_str(st_state(s, "a", "1"), "seen");
	k = st_mark_ids(s, "b", MSG_EXPIRED, "2 3");
	want_str(st_state(s, "c", "2"), "received");
	/* not its mailbox, no mailbox */
	k = st_mark_ids(s, "a", MSG_SEEN, "2");
	want_int(k.nreceipts, 0);
	k = st_mark_ids(s, "nobody", MSG_SEEN, "2");
	want_int(k.nreceipts, 0);
	want_int(k.status, STORE_OK);
	want_str(st_state(s, "c", "2"), "received");
	want_str(st_state(s, "c", "1"), "unknown");
	want_str(st_state(s, "nobody", "1"), "unknown");
	st_end(s);
}
END_TEST

START_TEST(marks_by_number)
{
	struct store_mark q = { .name = "b", .state = MSG_SEEN };
	struct st *s = st_new();
	struct store_marked k;
	struct store_mail m;
	struct wbuf list = { 0 };

	st_start(s);
	st_post(s, "a", "b", "1");
	st_post(s, "a", "b", "2");
	st_post(s, "a", "c", "3");
	st_post(s, "a", "b", "4");
	m = st_read(s, "b", INBOX_UNSEEN, 2, "");
	want_int(m.nunseen, 2);
	wbuf_add(&list, m.unseen.p, m.unseen.len);
	put_u64(&list, 3);	/* of another mailbox */
	put_u64(&list, 99);
	put_u64(&list, UINT64_MAX);
	put_str(&list, "4");
	q.nseqs = 5;
	q.nids = 1;
	q.list.p = wbuf_data(&list);
	q.list.len = list.len;
	k = st_mark(s, &q);
	want_str(st_receipts(&k), "1>a:seen 2>a:seen 4>a:seen");
	want_int(k.unread, 0);
	want_str(st_state(s, "a", "3"), "accepted");
	wbuf_free(&list);
	st_end(s);
}
END_TEST

START_TEST(repeats)
{
	struct st *s = st_new();
	struct store_appended a;
	struct store_append q;

	s->conf.keep_mailbox = KEEP_SMALL;
	st_start(s);
	st_enter(s, "a");
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	want_int(st_post(s, "a", "b", "2").status, STORE_OK);
	a = st_post(s, "a", "b", "1");
	want_int(a.status, STORE_REPEAT);
	want_int(a.unread, 2);
	want_int(st_post(s, "c", "b", "1").status, STORE_OK);
	/* as somebody with another name, and after a restart */
	st_call(s, "a", "z");
	want_int(st_post(s, "z", "b", "1").status, STORE_REPEAT);
	want_int(st_post(s, "a", "b", "1").status, STORE_REPEAT);
	st_stop(s);
	st_start(s);
	want_int(st_post(s, "z", "b", "2").status, STORE_REPEAT);
	want_str(st_all(s, "b"), "1 2 1");
	/* the name is another's now */
	st_enter(s, "a");
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	/* pushed out, but remembered */
	st_post(s, "d", "b", "5");
	st_post(s, "d", "b", "6");
	st_post(s, "d", "b", "7");
	want_str(st_all(s, "b"), "1 1 5 6 7");
	want_int(st_post(s, "z", "b", "1").status, STORE_REPEAT);
	want_str(st_state(s, "z", "1"), "expired");
	/* more than seven days later it is another message */
	q = st_message("old", "q", "x", "");
	q.ts = NOW - 8 * DAY_MS;
	want_int(st_append(s, &q).status, STORE_OK);
	q.ts += 6 * DAY_MS;
	want_int(st_append(s, &q).status, STORE_REPEAT);
	q.ts += 2 * DAY_MS;
	want_int(st_append(s, &q).status, STORE_OK);
	want_str(st_all(s, "q"), "x x");
	st_end(s);
}
END_TEST

START_TEST(full_mailbox)
{
	struct store_inbox peek = { .name = "b", .mode = INBOX_UNSEEN,
	    .limit = 100, .max_bytes = 100000, .peek = 1 };
	struct st *s = st_new();
	struct store_appended a;
	struct store_mail m;

	s->conf.keep_mailbox = KEEP_SMALL;
	st_start(s);
	st_post(s, "a", "b", "1");
	st_post(s, "a", "b", "2");
	st_post(s, "a", "b", "3");
	st_post(s, "a", "b", "4");
	st_post(s, "a", "b", "5");
	st_mark_ids(s, "b", MSG_SEEN, "2 4");
	/* those seen go first, the oldest of them first */
	a = st_post(s, "a", "b", "6");
	want_int(a.has_expired, 0);
	want_int(a.unread, 4);
	want_str(st_all(s, "b"), "1 3 4 5 6");
	st_post(s, "a", "b", "7");
	want_str(st_all(s, "b"), "1 3 5 6 7");
	want_str(st_state(s, "a", "4"), "seen");
	/* then those not seen, and that is told */
	a = st_post(s, "c", "b", "8");
	want_int(a.has_expired, 1);
	want_str(a.expired.msg_id, "1");
	want_str(a.expired.sender, "a");
	want_str(a.expired.peer, "b");
	want_int(a.expired.state, MSG_EXPIRED);
	want_int(a.unread, 5);
	want_str(st_state(s, "a", "1"), "expired");
	st_post(s, "c", "b", "9");
	want_str(st_all(s, "c"), "");
	m = st_inbox(s, &peek);
	want_int(m.dropped, 2);
	st_stop(s);
	st_start(s);
	m = st_inbox(s, &peek);
	want_int(m.dropped, 2);
	want_str(st_ids(&m), "5 6 7 8 9");
	peek.peek = 0;
	m = st_inbox(s, &peek);
	want_int(m.dropped, 2);
	m = st_inbox(s, &peek);
	want_int(m.dropped, 0);
	/* behind one that is gone from the mailbox */
	m = st_read(s, "b", INBOX_SINCE, 100, "6");
	want_str(st_ids(&m), "7 8 9");
	m = st_read(s, "b", INBOX_SINCE, 100, "2");
	want_str(st_ids(&m), "5 6 7 8 9");
	/* what has expired is not seen any more */
	want_int(st_mark_ids(s, "b", MSG_SEEN, "1").nreceipts, 0);
	/* a smaller mailbox from now on */
	st_stop(s);
	s->conf.keep_mailbox = 2;
	st_start(s);
	st_post(s, "a", "b", "10");
	want_str(st_all(s, "b"), "9 10");
	st_end(s);
}
END_TEST

START_TEST(mailbox_limit)
{
	struct st *s = st_new();

	s->conf.max_mailboxes = 3;
	st_start(s);
	want_int(st_enter(s, "a"), STORE_OK);
	want_int(st_post(s, "x1", "b", "1").status, STORE_OK);
	want_int(st_post(s, "x2", "c", "2").status, STORE_OK);
	want_int(st_post(s, "x3", "d", "3").status, STORE_FULL);
	want_int(st_enter(s, "e"), STORE_FULL);
	want_int(st_enter(s, "x1"), STORE_FULL);
	want_int(st_enter(s, "b"), STORE_OK);
	want_int(st_call(s, "a", "f").status, STORE_OK);
	want_int(st_post(s, "x4", "a", "4").status, STORE_OK);
	want_int(st_post(s, "x4", "d", "5").status, STORE_FULL);
	st_stop(s);
	st_start(s);
	want_int(st_post(s, "x4", "d", "5").status, STORE_FULL);
	/* two become one: there is room again */
	want_int(st_call(s, "f", "c").status, STORE_OK);
	want_int(st_post(s, "x4", "d", "5").status, STORE_OK);
	want_int(st_post(s, "x4", "g", "6").status, STORE_FULL);
	st_end(s);
}
END_TEST

START_TEST(renames)
{
	struct st *s = st_new();
	struct store_registered r;
	struct store_marked k;

	st_start(s);
	st_enter(s, "a");
	st_post(s, "x", "a", "1");
	st_post(s, "a", "y", "2");
	r = st_call(s, "a", "a");
	want_int(r.status, STORE_OK);
	want_int(r.unread, 1);
	r = st_call(s, "a", "b");
	want_int(r.status, STORE_OK);
	want_int(r.unread, 1);
	want_str(st_unseen(s, "b"), "1");
	want_str(st_unseen(s, "a"), "1");
	/* what was sent before is told under the new name */
	want_str(st_state(s, "b", "2"), "accepted");
	want_str(st_state(s, "a", "2"), "accepted");
	k = st_mark_ids(s, "y", MSG_SEEN, "2");
	want_str(st_receipts(&k), "2>b:seen");
	st_post(s, "x", "a", "3");
	want_str(st_unseen(s, "b"), "1 3");
	st_call(s, "b", "c");
	st_stop(s);
	st_start(s);
	want_str(s->aliases, "a>c b>c ");
	want_str(st_unseen(s, "a"), "1 3");
	/* somebody else takes the first name: the mailbox is empty */
	want_int(st_enter(s, "a"), STORE_OK);
	want_str(st_all(s, "a"), "");
	st_post(s, "x", "a", "4");
	want_str(st_all(s, "a"), "4");
	want_str(st_all(s, "b"), "1 3");
	/* and back */
	st_call(s, "c", "b");
	st_stop(s);
	st_start(s);
	want_str(s->aliases, "c>b ");
	want_str(st_all(s, "c"), "1 3");
	/* one that could not be registered */
	want_int(st_call(s, "new1", "new2").status, STORE_OK);
	st_post(s, "x", "new1", "5");
	want_str(st_all(s, "new2"), "5");
	st_end(s);
}
END_TEST

START_TEST(merges)
{
	struct st *s = st_new();
	struct store_registered r;
	struct store_mail m;

	s->conf.keep_mailbox = KEEP_SMALL;
	st_start(s);
	st_enter(s, "a");
	st_enter(s, "b");
	st_enter(s, "older");
	st_call(s, "older", "b");
	st_post(s, "x", "b", "1");
	st_post(s, "x", "a", "2");
	st_post(s, "x", "b", "3");
	st_post(s, "b", "y", "sent-b");
	st_post(s, "a", "y", "sent-a");
	st_mark_ids(s, "b", MSG_SEEN, "3");
	r = st_call(s, "a", "b");
	want_int(r.status, STORE_OK);
	want_int(r.unread, 2);
	want_str(st_all(s, "b"), "1 2 3");
	want_str(st_unseen(s, "b"), "1 2");
	want_str(st_state(s, "b", "sent-a"), "accepted");
	want_str(st_state(s, "b", "sent-b"), "accepted");
	want_int(st_post(s, "b", "y", "sent-b").status, STORE_REPEAT);
	m = st_read(s, "y", INBOX_UNSEEN, 10, "");
	want(memmem(m.json.p, m.json.len, "\"from\":\"a\"", 10) == NULL,
	    "%.*s", (int)m.json.len, m.json.p);
	/* too many for one mailbox: the same go first */
	st_enter(s, "c");
	st_post(s, "x", "c", "4");
	st_post(s, "x", "b", "5");
	st_post(s, "x", "c", "6");
	st_post(s, "x", "c", "7");
	r = st_call(s, "c", "b");
	want_int(r.unread, 5);
	m = st_read(s, "b", INBOX_SINCE, 10, "");
	want_str(st_ids(&m), "2 4 5 6 7");
	want_int(m.dropped, 1);
	want_str(st_state(s, "x", "1"), "expired");
	want_str(st_state(s, "x", "3"), "seen");
	st_stop(s);
	st_start(s);
	want_str(s->aliases, "older>b a>b c>b ");
	want_str(st_all(s, "older"), "2 4 5 6 7");
	st_end(s);
}
END_TEST

/* The sessions as "name:unread/kept ". */
static const char *
sessions(struct st *s)
{
	static char text[512];
	struct store_session_list l;
	struct store_session e;
	struct wbuf w = { 0 };
	struct reader rd;
	size_t n = 0;
	uint32_t i;

	st_send(s, STORE_SESSIONS, &w);
	st_answers(s);
	want_int(s->type, STORE_SESSION_LIST);
	want(store_session_list_get(&s->rd, &l) == 0, "bad list");
	want_int(l.status, STORE_OK);
	reader_init(&rd, l.sessions.p, l.sessions.len);
	text[0] = '\0';
	for (i = 0; i < l.n; i++) {
		want(store_session_get(&rd, &e) == 0, "bad session");
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s%s:%u/%u", i > 0 ? " " : "", e.name, e.unread, e.kept);
		want(slice_is(e.cwd, "/tmp") && slice_is(e.git_branch, "main")
		    && slice_is(e.host, "Host") && e.pid == 4 &&
		    e.started == 5 && e.last_seen > 0, "wrong session");
	}
	return text;
}

static void
gone(struct st *s, const char *name, int64_t when)
{
	struct store_gone q = { .now = when };
	struct wbuf w = { 0 };

	strlcpy(q.name, name, sizeof(q.name));
	store_gone_put(&w, &q);
	st_send(s, STORE_GONE, &w);
}

START_TEST(session_list)
{
	struct st *s = st_new();

	st_start(s);
	want_str(sessions(s), "");
	st_enter(s, "b");
	st_enter(s, "a");
	st_post(s, "stranger", "b", "1");
	st_post(s, "a", "b", "2");
	st_post(s, "a", "away", "3");
	st_mark_ids(s, "b", MSG_SEEN, "1");
	want_str(sessions(s), "a:0/0 b:1/2");
	gone(s, "a", NOW);
	gone(s, "nobody", NOW);
	st_call(s, "b", "c");
	want_str(sessions(s), "a:0/0 c:1/2");
	st_stop(s);
	st_start(s);
	want_str(sessions(s), "a:0/0 c:1/2");
	st_end(s);
}
END_TEST

static struct store_cleaned
clean(struct st *s, int64_t before, const char *keep)
{
	struct store_clean q = { .before = before };
	struct store_cleaned a;
	struct wbuf list = { 0 };

	if (keep != NULL) {
		put_str(&list, keep);
		q.nkeep = 1;
	}
	q.keep.p = wbuf_data(&list);
	q.keep.len = list.len;
	a = st_clean(s, &q);
	want_int(a.status, STORE_OK);
	wbuf_free(&list);
	return a;
}

START_TEST(cleaning)
{
	static const char *const names[] = { "old", "unread", "recent", "on",
	    "renamed" };
	struct st *s = st_new();
	struct store_cleaned a;
	size_t i;

	st_start(s);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char id[16];

		snprintf(id, sizeof(id), "m-%s", names[i]);
		st_enter(s, names[i]);
		st_post(s, "old", names[i], id);
		if (i != 1)
			st_mark_ids(s, names[i], MSG_SEEN, id);
		if (i != 2)
			gone(s, names[i], NOW - 30 * DAY_MS);
	}
	st_call(s, "renamed", "renamed2");
	gone(s, "renamed2", NOW - 30 * DAY_MS);
	st_post(s, "old", "never", "waits");
	a = clean(s, NOW - 10 * DAY_MS, "on");
	want_int(a.sessions, 2);
	want_int(a.messages, 2);
	want_str(sessions(s), "on:0/1 recent:0/1 unread:1/1");
	/* what became of them is known, and so is who sent the others */
	want_str(st_state(s, "old", "m-renamed"), "seen");
	want_str(st_unseen(s, "never"), "waits");
	want_str(st_unseen(s, "renamed"), "");
	want_int(st_post(s, "old", "old", "m-old").status, STORE_REPEAT);
	want_int(st_post(s, "old", "on", "m-old").status, STORE_OTHER);
	/* what was seen until now, too */
	a = clean(s, NOW + 1000, "on");
	want_int(a.sessions, 1);
	want_int(a.messages, 1);
	want_str(sessions(s), "on:0/1 unread:1/1");
	st_stop(s);
	st_start(s);
	want_str(s->aliases, "");
	want_str(sessions(s), "on:0/1 unread:1/1");
	want_str(st_unseen(s, "unread"), "m-unread");
	want_int(st_enter(s, "old"), STORE_OK);
	want_str(st_all(s, "old"), "");
	st_end(s);
}
END_TEST

/* Many at once are answered in their order, in several transactions. */
START_TEST(many_at_once)
{
	struct st *s = st_new();
	struct store_append q;
	struct wbuf w = { 0 };
	char id[32];
	int i;

	s->conf.keep_mailbox = 10000;
	st_start(s);
	for (i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		q = st_message("a", "b", id, "text");
		store_append_put(&w, &q);
		st_send(s, STORE_APPEND, &w);
	}
	st_answers(s);
	want_int(s->done, 3000);
	st_kill(s);
	st_start(s);
	want_int(st_read(s, "b", INBOX_UNSEEN, 1, "").unread, 3000);
	st_end(s);
}
END_TEST

/* Without a process: what is remembered is forgotten after seven days. */
START_TEST(forgetting)
{
	struct st *s = st_new();
	struct db *db = db_new(s->dir, 0);
	struct boxes *bx = boxes_new(db, 10, 100);
	struct store_append q;
	struct store_appended a;
	struct wbuf gone = { 0 };
	int64_t pos = 0, n, last;
	int i, steps = 0;
	char id[16];

	want_int(db_open(db), 1);
	want_int(db_begin(db), 0);
	want_int(boxes_ready(bx), 0);
	for (i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		q = st_message(i < 1000 ? "a" : "b", "c", id, "x");
		want_int(mailbox_append(bx, &q, &a, &gone), 0);
	}
	q = st_message("ghost", "c", "1", "x");
	want_int(mailbox_append(bx, &q, &a, &gone), 0);
	want_int(db_commit(db), 0);
	do {
		want_int(db_begin(db), 0);
		want_int(mailbox_expire_step(bx, NOW, &pos), 0);
		want_int(db_commit(db), 0);
	} while (pos != 0);
	want_int(db_begin(db), 0);
	want_int(db_value(db, &n, Q_LAST_SEQ, ""), 1);
	last = n;
	want_int(last, 2001);
	do {
		want_int(mailbox_expire_step(bx, NOW + 8 * DAY_MS, &pos), 0);
		steps++;
	} while (pos != 0);
	want(steps > 3, "all in %d steps", steps);
	want_int(people_purge(bx, 0), 0);
	/* ten are kept: what sent them is known, "a" is not */
	want_int(db_value(db, &n, Q_COUNT_NAMES, ""), 1);
	want_int(n, 2);
	want_int(db_value(db, &n, Q_REPEAT, "sii", "1500", (int64_t)2,
	    (int64_t)0), 0);
	want_int(db_commit(db), 0);
	boxes_free(bx);
	db_free(db);
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("store");

	(void)argc;
	test_add(s, message_members, 30);
	test_add(s, inbox_modes, 30);
	test_add(s, inbox_bytes, 30);
	test_add(s, large_messages, 60);
	test_add(s, marks, 30);
	test_add(s, marks_by_number, 30);
	test_add(s, repeats, 30);
	test_add(s, full_mailbox, 30);
	test_add(s, mailbox_limit, 30);
	test_add(s, renames, 30);
	test_add(s, merges, 30);
	test_add(s, session_list, 30);
	test_add(s, cleaning, 30);
	test_add(s, many_at_once, 60);
	test_add(s, forgetting, 60);
	return test_main(argv[0], s);
}
