/* SPDX-License-Identifier: ISC */
/*
 * Tests of the messages between the router and the store: each is read back
 * as it was written, and nothing else is read at all.
 */
#include "compat.h"

#include <stdlib.h>

#include "groupproto.h"
#include "listproto.h"
#include "statproto.h"
#include "test.h"

/* Writes what get has read. */
#define AGAIN(x)							\
static int								\
again_##x(struct wbuf *w, struct reader *rd)				\
{									\
	struct store_##x m;						\
									\
	if (store_##x##_get(rd, &m) == -1)				\
		return -1;						\
	store_##x##_put(w, &m);						\
	return 0;							\
}

AGAIN(register)
AGAIN(registered)
AGAIN(gone)
AGAIN(rename)
AGAIN(append)
AGAIN(appended)
AGAIN(inbox)
AGAIN(mail)
AGAIN(mark)
AGAIN(marked)
AGAIN(query)
AGAIN(message)
AGAIN(session_list)
AGAIN(clean)
AGAIN(cleaned)
AGAIN(mailbox_list)
AGAIN(expired)
AGAIN(alias)
AGAIN(group)
AGAIN(group_done)
AGAIN(counts)

typedef int	again_fn(struct wbuf *, struct reader *);

static struct slice
slice_w(const struct wbuf *w)
{
	struct slice s = { wbuf_data(w), w->len };

	return s;
}

/* Reads w[len] and, if it is right, writes it to out. */
static int
read_again(again_fn *again, const struct wbuf *w, size_t len,
    struct wbuf *out)
{
	/* a copy of just that size, so that sanitizers see its end */
	char *copy = malloc(len > 0 ? len : 1);
	struct reader rd;
	int r;

	memcpy(copy, wbuf_data(w), len);
	reader_init(&rd, copy, len);
	wbuf_reset(out);
	r = again(out, &rd);
	free(copy);
	return r;
}

/*
 * Whole it is read; shorter or longer it is not.  The last rest bytes are a
 * text without a length of its own, which may be any.
 */
static void
check(const char *what, again_fn *again, struct wbuf *w, size_t rest)
{
	struct wbuf out = { 0 };
	size_t i, len = w->len;

	want(read_again(again, w, len, &out) == 0, "%s is not read", what);
	want(out.len == len && memcmp(wbuf_data(&out), wbuf_data(w), len) == 0,
	    "%s is not what it was", what);
	for (i = 0; i < len - rest; i++)
		want(read_again(again, w, i, &out) == -1,
		    "%zu of %zu bytes of %s are read", i, len, what);
	put_u8(w, 0);
	want(rest > 0 || read_again(again, w, len + 1, &out) == -1,
	    "a longer %s is read", what);
	wbuf_free(&out);
	wbuf_free(w);
}
#define CHECK(x, w, rest)	check(#x, again_##x, w, rest)

START_TEST(sessions)
{
	struct store_register r = { "api", { "/home/x", 7 }, { "main", 4 },
	    { "Claude Code", 11 }, 1234, 1767323045678, 1767323045679 };
	struct store_registered d = { STORE_FULL, 77 };
	struct store_gone g = { "api", INT64_MAX };
	struct store_rename n = { "api", "web", 5 };
	struct store_alias a = { "old", "new" };
	struct wbuf w = { 0 };

	store_register_put(&w, &r);
	CHECK(register, &w, 0);
	store_registered_put(&w, &d);
	CHECK(registered, &w, 0);
	store_gone_put(&w, &g);
	CHECK(gone, &w, 0);
	store_rename_put(&w, &n);
	CHECK(rename, &w, 0);
	store_alias_put(&w, &a);
	CHECK(alias, &w, 0);
}
END_TEST

START_TEST(messages)
{
	struct store_append q = { "web", "api", "m-1", 9, 1, 1, KIND_REQUEST,
	    1, { "m-0", 3 }, { "a text", 6 } };
	struct store_appended a = { STORE_OK, 3, MSG_PUSHED, 1, 7, 1,
	    { "api", "web", "m-9", MSG_EXPIRED } };
	struct store_query s = { "api", "m-1" };
	struct store_message m = { STORE_OK, 1, "web", MSG_SEEN, 99, "api", 98,
	    KIND_RESPONSE, 1, 1 };
	struct store_expired e = { { "api", "web", "m-9", MSG_EXPIRED }, 4 };
	struct wbuf w = { 0 };

	store_append_put(&w, &q);
	CHECK(append, &w, q.text.len);
	store_appended_put(&w, &a);
	CHECK(appended, &w, 0);
	a.has_expired = 0;
	store_appended_put(&w, &a);
	CHECK(appended, &w, 0);
	store_query_put(&w, &s);
	CHECK(query, &w, 0);
	store_message_put(&w, &m);
	CHECK(message, &w, 0);
	store_expired_put(&w, &e);
	CHECK(expired, &w, 0);
}
END_TEST

START_TEST(reading)
{
	struct store_inbox q = { "web", INBOX_SEARCH, 20, 4000000, 1, "m-4",
	    { "two words", 9 } };
	struct store_mail a = { STORE_OK, 2, 3, 4, 5, 2, { NULL, 0 },
	    { "[1,2]", 5 } };
	struct wbuf w = { 0 }, list = { 0 };

	store_inbox_put(&w, &q);
	CHECK(inbox, &w, 0);
	put_u64(&list, 1);
	put_u64(&list, UINT64_MAX);
	a.unseen = slice_w(&list);
	store_mail_put(&w, &a);
	CHECK(mail, &w, a.json.len);
	/* a number too many or too few */
	a.nunseen = 1;
	store_mail_put(&w, &a);
	want(read_again(again_mail, &w, w.len, &list) == -1, "one too few");
	wbuf_free(&w);
	wbuf_free(&list);
}
END_TEST

START_TEST(marking)
{
	struct store_mark q = { "web", MSG_RECEIVED, 2, 2, { NULL, 0 } };
	struct store_marked a = { STORE_OK, 7, 2, { NULL, 0 } };
	struct store_receipt c = { "api", "web", "m-1", MSG_SEEN };
	struct wbuf w = { 0 }, list = { 0 };

	put_u64(&list, 1);
	put_u64(&list, 2);
	put_str(&list, "m-1");
	put_str(&list, "");
	q.list = slice_w(&list);
	store_mark_put(&w, &q);
	CHECK(mark, &w, 0);
	q.nseqs = UINT32_MAX;
	store_mark_put(&w, &q);
	want(read_again(again_mark, &w, w.len, &list) == -1, "too many");
	wbuf_free(&w);
	wbuf_reset(&list);
	store_receipt_put(&list, &c);
	store_receipt_put(&list, &c);
	a.receipts = slice_w(&list);
	store_marked_put(&w, &a);
	CHECK(marked, &w, 0);
	wbuf_free(&list);
}
END_TEST

START_TEST(lists)
{
	struct store_session e = { "api", { "/", 1 }, { "", 0 }, { "", 0 },
	    1, 2, 3, 4, 5 };
	struct store_session_list l = { STORE_OK, 2, { NULL, 0 } };
	struct store_mailbox b = { "web", 1, 2, 3 };
	struct store_mailbox_list m = { STORE_OK, 2, { NULL, 0 } };
	struct store_clean q = { 77, 2, { NULL, 0 } };
	struct store_cleaned a = { STORE_FAILED, 1, 2 };
	struct wbuf w = { 0 }, list = { 0 };

	store_session_put(&list, &e);
	store_session_put(&list, &e);
	l.sessions = slice_w(&list);
	store_session_list_put(&w, &l);
	CHECK(session_list, &w, 0);
	wbuf_reset(&list);
	store_mailbox_put(&list, &b);
	store_mailbox_put(&list, &b);
	m.mailboxes = slice_w(&list);
	store_mailbox_list_put(&w, &m);
	CHECK(mailbox_list, &w, 0);
	wbuf_reset(&list);
	put_str(&list, "api");
	put_str(&list, "web");
	q.keep = slice_w(&list);
	store_clean_put(&w, &q);
	CHECK(clean, &w, 0);
	store_cleaned_put(&w, &a);
	CHECK(cleaned, &w, 0);
	wbuf_free(&list);
}
END_TEST

START_TEST(groups)
{
	struct store_group q = { GROUP_SEND, "api", "g", "", 9, 8, 7, 6, 5, 0,
	    { "a text", 6 } };
	struct store_group_done a = { STORE_OK, ERR_BAD_ARGS, "a note",
	    "admin", 9, 8, 7, 6, 2, { NULL, 0 }, { "[1,2]", 5 } };
	struct wbuf w = { 0 }, list = { 0 }, out = { 0 };

	store_group_put(&w, &q);
	CHECK(group, &w, q.text.len);
	/* names of members, and no others */
	put_str(&list, "api");
	put_str(&list, "web");
	q.op = GROUP_CREATE;
	q.n = 2;
	q.text = slice_w(&list);
	store_group_put(&w, &q);
	CHECK(group, &w, 0);
	q.n = 1;
	store_group_put(&w, &q);
	want(read_again(again_group, &w, w.len, &out) == -1, "one too few");
	wbuf_reset(&w);
	q.op = GROUP_LEAVE;
	store_group_put(&w, &q);
	want(read_again(again_group, &w, w.len, &out) == -1, "names");
	wbuf_free(&w);
	a.names = slice_w(&list);
	store_group_done_put(&w, &a);
	CHECK(group_done, &w, a.json.len);
	a.n = 3;
	store_group_done_put(&w, &a);
	want(read_again(again_group_done, &w, w.len, &out) == -1,
	    "one too many");
	wbuf_free(&w);
	wbuf_free(&list);
	wbuf_free(&out);
}
END_TEST

static int
again_used(struct wbuf *w, struct reader *rd)
{
	struct proc_used m;

	if (proc_used_get(rd, &m) == -1)
		return -1;
	proc_used_put(w, &m);
	return reader_done(rd);
}

START_TEST(statistics)
{
	struct store_counts c = { .status = STORE_FULL };
	struct proc_used u = { "resolver", INT64_MAX, 7, { 1, UINT64_MAX, 3 } };
	struct wbuf w = { 0 };
	uint64_t i;

	for (i = 0; i < STORE_STATS_MAX; i++)
		c.v[i] = UINT64_MAX - i;
	store_counts_put(&w, &c);
	CHECK(counts, &w, 0);
	proc_used_put(&w, &u);
	CHECK(used, &w, 0);
}
END_TEST

/* Names as long as they may be, and one character more. */
START_TEST(long_names)
{
	struct store_gone g = { .now = 1 };
	struct store_append q = { .ts = 1, .text = { "x", 1 } };
	struct wbuf w = { 0 }, out = { 0 };
	char name[NAME_SIZE + 1];

	memset(g.name, 'n', NAME_LEN_MAX);
	store_gone_put(&w, &g);
	CHECK(gone, &w, 0);
	memset(q.to, 't', TARGET_LEN_MAX);
	memset(q.from, 'f', TARGET_LEN_MAX);
	memset(q.msg_id, 'm', MSG_ID_LEN_MAX);
	store_append_put(&w, &q);
	CHECK(append, &w, q.text.len);
	memset(name, 'n', NAME_SIZE);
	put_bytes(&w, name, NAME_SIZE);
	put_u64(&w, 1);
	want(read_again(again_gone, &w, w.len, &out) == -1, "65 characters");
	wbuf_reset(&w);
	put_bytes(&w, "a\0b", 3);
	put_u64(&w, 1);
	want(read_again(again_gone, &w, w.len, &out) == -1, "a zero byte");
	wbuf_free(&w);
	wbuf_free(&out);
}
END_TEST

/* Numbers that name nothing. */
START_TEST(wrong_numbers)
{
	struct wbuf w = { 0 }, out = { 0 };

	put_u8(&w, STORE_FAILED + 1);
	put_u32(&w, 0);
	want(read_again(again_registered, &w, w.len, &out) == -1, "status");
	wbuf_reset(&w);
	put_u8(&w, STORE_OK);
	put_u32(&w, 0);
	put_u8(&w, 2);
	want(read_again(again_appended, &w, w.len, &out) == -1, "flag");
	wbuf_reset(&w);
	put_str(&w, "a");
	put_u8(&w, MSG_EXPIRED + 1);
	put_u64(&w, 0);
	want(read_again(again_mark, &w, w.len, &out) == -1, "state");
	wbuf_free(&w);
	wbuf_free(&out);
}
END_TEST

START_TEST(names_of_numbers)
{
	want(strcmp(msg_state_name(MSG_ACCEPTED), "accepted") == 0 &&
	    strcmp(msg_state_name(MSG_EXPIRED), "expired") == 0, "states");
	want(strcmp(msg_kind_name(KIND_RESPONSE), "response") == 0, "kinds");
	want(msg_kind_of(slice_of("info")) == KIND_INFO &&
	    msg_kind_of(slice_of("request")) == KIND_REQUEST &&
	    msg_kind_of(slice_of("response")) == KIND_RESPONSE &&
	    msg_kind_of(slice_of("")) == -1 &&
	    msg_kind_of(slice_of("Info")) == -1, "kinds by name");
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("storeproto");

	(void)argc;
	test_add(s, sessions, 10);
	test_add(s, messages, 10);
	test_add(s, reading, 10);
	test_add(s, marking, 10);
	test_add(s, lists, 10);
	test_add(s, groups, 10);
	test_add(s, statistics, 10);
	test_add(s, long_names, 10);
	test_add(s, wrong_numbers, 10);
	test_add(s, names_of_numbers, 10);
	return test_main(argv[0], s);
}
