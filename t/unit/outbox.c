/* SPDX-License-Identifier: ISC */
/*
 * Tests of what the store keeps for other hubs, against a store process.
 */
#include "compat.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "storetest.h"
#include "timeutil.h"

#define ALL		(1024 * 1024)	/* bytes in a list */

/* What waits for a hub behind a number. */
static struct store_out_listed
waiting(struct st *s, const char *hub, int64_t after, uint32_t bytes)
{
	struct store_out_list q = { .after = after, .max_bytes = bytes };

	strlcpy(q.hub, hub, sizeof(q.hub));
	return st_out_list(s, &q);
}

/* The ids of it, "a b c"; its numbers must grow. */
static const char *
out_ids(const struct store_out_listed *a, int64_t after)
{
	static char ids[4096];
	struct store_out m;
	struct reader rd;
	uint32_t i;

	want_int(a->status, STORE_OK);
	ids[0] = '\0';
	reader_init(&rd, a->messages.p, a->messages.len);
	for (i = 0; i < a->n; i++) {
		want(store_out_get(&rd, &m) == 0, "bad message");
		want(m.seq > after, "number %lld after %lld",
		    (long long)m.seq, (long long)after);
		after = m.seq;
		if (i > 0)
			strlcat(ids, " ", sizeof(ids));
		strlcat(ids, m.msg_id, sizeof(ids));
	}
	return ids;
}

static const char *
out(struct st *s, const char *hub)
{
	struct store_out_listed a = waiting(s, hub, 0, ALL);

	return out_ids(&a, 0);
}

/* The number that a message to another hub got. */
static int64_t
post(struct st *s, const char *from, const char *to, const char *id)
{
	struct store_appended a = st_post(s, from, to, id);

	want_int(a.status, STORE_OK);
	want(a.seq > 0, "%s has no number", id);
	want_int(a.has_expired, 0);
	return a.seq;
}

static int64_t
post_old(struct st *s, const char *to, const char *id, int days)
{
	struct store_append q = st_message("a", to, id, "x");
	struct store_appended a;

	q.ts -= days * DAY_MS;
	a = st_append(s, &q);
	want_int(a.status, STORE_OK);
	return a.seq;
}

/* By number; what is told of it, as st_receipts() has it. */
static const char *
mark(struct st *s, const char *hub, int64_t seq, enum msg_state state)
{
	struct store_out_mark q = { .seq = seq, .state = state };
	struct store_marked a;

	strlcpy(q.hub, hub, sizeof(q.hub));
	a = st_out_mark(s, &q);
	want_int(a.status, STORE_OK);
	return st_receipts(&a);
}

/* By sender, receiver and id. */
static const char *
mark_from(struct st *s, const char *sender, const char *hub,
    const char *peer, const char *id, enum msg_state state)
{
	struct store_out_mark q = { .state = state };
	struct store_marked a;

	strlcpy(q.hub, hub, sizeof(q.hub));
	strlcpy(q.sender, sender, sizeof(q.sender));
	strlcpy(q.peer, peer, sizeof(q.peer));
	strlcpy(q.msg_id, id, sizeof(q.msg_id));
	a = st_out_mark(s, &q);
	want_int(a.status, STORE_OK);
	return st_receipts(&a);
}

/* The same of a message that a has sent. */
static const char *
mark_id(struct st *s, const char *hub, const char *peer, const char *id,
    enum msg_state state)
{
	return mark_from(s, "a", hub, peer, id, state);
}

static void
linked(struct st *s, const char *hub, int64_t now)
{
	struct store_hub m = { .now = now };
	struct wbuf w = { 0 };

	strlcpy(m.hub, hub, sizeof(m.hub));
	store_hub_put(&w, &m);
	st_send(s, STORE_HUB, &w);
}

/* "hub:queued:last_seen hub:queued:last_seen" */
static const char *
hubs(struct st *s)
{
	static char text[1024];
	struct store_hub_list l;
	struct store_hub_info m;
	struct reader rd;
	struct wbuf w = { 0 };
	size_t n = 0;
	uint32_t i;

	st_send(s, STORE_HUBS, &w);
	st_answers(s);
	want_int(s->type, STORE_HUB_LIST);
	want_int(store_hub_list_get(&s->rd, &l), 0);
	want_int(l.status, STORE_OK);
	text[0] = '\0';
	reader_init(&rd, l.hubs.p, l.hubs.len);
	for (i = 0; i < l.n; i++) {
		want_int(store_hub_info_get(&rd, &m), 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s%s:%u:%lld", i > 0 ? " " : "", m.hub, m.queued,
		    (long long)m.last_seen);
	}
	return text;
}

/* Waits until the store has told of a message. */
static void
wait_expired(struct st *s, const char *text)
{
	int64_t end = t_now() + t_slow(T_WAIT);
	struct timeval tv = { 0, 10000 };

	while (strlen(s->expired) < strlen(text) && t_now() < end) {
		event_base_loopexit(s->base, &tv);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	want_str(s->expired, text);
}

START_TEST(numbers_and_order)
{
	struct st *s = st_new();
	struct store_out_listed a;
	int64_t one, two, three;

	st_start(s);
	want_str(out(s, "h"), "");
	one = post(s, "a", "x@h", "1");
	want_int(st_post(s, "a", "x", "here").seq, 0);
	two = post(s, "b", "y@h", "2");
	post(s, "a", "x@other", "elsewhere");
	three = post(s, "a", "x@h", "3");
	want(one < two && two < three, "%lld %lld %lld", (long long)one,
	    (long long)two, (long long)three);
	want_str(out(s, "h"), "1 2 3");
	want_str(out(s, "other"), "elsewhere");
	want_str(out(s, "nowhere"), "");
	a = waiting(s, "h", one, ALL);
	want_str(out_ids(&a, one), "2 3");
	a = waiting(s, "h", two, ALL);
	want_str(out_ids(&a, two), "3");
	a = waiting(s, "h", three, ALL);
	want_str(out_ids(&a, three), "");
	want_str(st_state(s, "a", "1"), "accepted");
	want_str(st_state(s, "b", "2"), "accepted");
	/* they are in no mailbox */
	want_str(st_all(s, "x@h"), "");
	want_str(st_all(s, "x"), "here");
	st_end(s);
}
END_TEST

START_TEST(members)
{
	struct st *s = st_new();
	struct store_append q = st_message("api", "x@h", "m1", "a \\\"t\\\"");
	struct store_out_listed a;
	struct store_out m;
	struct reader rd;

	st_start(s);
	q.ts = 1767323045678;
	q.urgent = q.has_reply_to = 1;
	q.kind = KIND_RESPONSE;
	q.reply_to = slice_of("k\\\\1");
	want_int(st_append(s, &q).status, STORE_OK);
	q = st_message("api", "y@h", "m2", "");
	q.ts = 1767323045679;
	want_int(st_append(s, &q).status, STORE_OK);
	a = waiting(s, "h", 0, ALL);
	want_int(a.n, 2);
	reader_init(&rd, a.messages.p, a.messages.len);
	want_int(store_out_get(&rd, &m), 0);
	want_str(m.to, "x@h");
	want_str(m.from, "api");
	want_str(m.msg_id, "m1");
	want_int(m.ts, 1767323045678);
	want_int(m.urgent, 1);
	want_int(m.kind, KIND_RESPONSE);
	want_int(m.has_reply_to, 1);
	want(slice_is(m.reply_to, "k\\\\1"), "reply_to");
	want(slice_is(m.text, "a \\\"t\\\""), "text");
	want_int(store_out_get(&rd, &m), 0);
	want_str(m.to, "y@h");
	want_int(m.urgent, 0);
	want_int(m.kind, KIND_INFO);
	want_int(m.has_reply_to, 0);
	want_int(m.text.len, 0);
	want_int(reader_done(&rd), 0);
	st_end(s);
}
END_TEST

START_TEST(bytes_in_a_list)
{
	struct st *s = st_new();
	char *text = t_fill('x', 100000), *longest;
	size_t n = LINE_MAX_BYTES - 1000;
	struct store_out_listed a;
	struct store_append q;
	struct store_out m;
	struct reader rd;

	st_start(s);
	q = st_message("a", "x@h", "1", text);
	want_int(st_append(s, &q).status, STORE_OK);
	q = st_message("a", "x@h", "2", text);
	want_int(st_append(s, &q).status, STORE_OK);
	longest = t_fill('y', n);
	q = st_message("a", "x@h", "3", longest);
	want_int(st_append(s, &q).status, STORE_OK);
	a = waiting(s, "h", 0, 150000);
	want_str(out_ids(&a, 0), "1");
	a = waiting(s, "h", 0, 0);
	want_str(out_ids(&a, 0), "1");
	a = waiting(s, "h", 0, 250000);
	want_str(out_ids(&a, 0), "1 2");
	want(a.messages.len <= 250000, "%zu bytes", a.messages.len);
	/* one that is longer goes alone */
	mark(s, "h", 1, MSG_PUSHED);
	mark(s, "h", 2, MSG_PUSHED);
	a = waiting(s, "h", 0, 1000);
	want_str(out_ids(&a, 0), "3");
	reader_init(&rd, a.messages.p, a.messages.len);
	want_int(store_out_get(&rd, &m), 0);
	want(m.text.len == n && memcmp(m.text.p, longest, n) == 0,
	    "%zu bytes", m.text.len);
	free(text);
	free(longest);
	st_end(s);
}
END_TEST

START_TEST(marked_by_number)
{
	static const enum msg_state states[] = { MSG_ACCEPTED, MSG_PUSHED,
	    MSG_RECEIVED, MSG_SEEN, MSG_EXPIRED };
	struct st *s = st_new();
	char id[16], told[64];
	int64_t seq, last = 0;
	size_t i;

	st_start(s);
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		snprintf(id, sizeof(id), "%zu", i);
		seq = post(s, "a", "x@h", id);
		want_str(out(s, "h"), id);
		snprintf(told, sizeof(told), "%s>a:expired", id);
		/* not that hub's, or no message at all */
		want_str(mark(s, "other", seq, states[i]), "");
		want_str(mark(s, "h", seq + 1, states[i]), "");
		want_str(out(s, "h"), id);
		want_str(mark(s, "h", seq, states[i]),
		    states[i] == MSG_EXPIRED ? told : "");
		want_str(out(s, "h"), "");
		want_str(st_state(s, "a", id), msg_state_name(states[i]));
		/* once more */
		want_str(mark(s, "h", seq, MSG_EXPIRED), "");
		want_str(st_state(s, "a", id), msg_state_name(states[i]));
		want(seq > last, "number %lld again", (long long)seq);
		last = seq;
	}
	/* nor is it one of a mailbox */
	want_int(st_post(s, "a", "b", "here").status, STORE_OK);
	for (seq = 1; seq < last + 3; seq++)
		want_str(mark(s, "h", seq, MSG_EXPIRED), "");
	want_str(st_unseen(s, "b"), "here");
	want_str(st_state(s, "a", "here"), "accepted");
	st_end(s);
}
END_TEST

START_TEST(repeats)
{
	struct st *s = st_new();
	struct store_appended a;
	int64_t seq;

	st_start(s);
	seq = post(s, "a", "x@h", "1");
	a = st_post(s, "a", "x@h", "1");
	want_int(a.status, STORE_REPEAT);
	want_int(a.state, MSG_ACCEPTED);
	want_int(st_post(s, "a", "y@h", "1").status, STORE_OTHER);
	want_int(st_post(s, "a", "x", "1").status, STORE_OTHER);
	want_int(st_post(s, "a", "x@other", "1").status, STORE_OTHER);
	/* another sender's is another message */
	post(s, "b", "x@h", "1");
	want_str(out(s, "h"), "1 1");
	mark(s, "h", seq, MSG_SEEN);
	a = st_post(s, "a", "x@h", "1");
	want_int(a.status, STORE_REPEAT);
	want_int(a.state, MSG_SEEN);
	want_str(out(s, "h"), "1");
	want_str(hubs(s), "h:1:0");
	st_end(s);
}
END_TEST

START_TEST(receipts)
{
	struct st *s = st_new();
	int64_t seq;

	st_start(s);
	seq = post(s, "a", "x@h", "1");
	post(s, "a", "y@h", "2");
	mark(s, "h", seq, MSG_PUSHED);
	want_str(mark_id(s, "h", "x@h", "1", MSG_RECEIVED), "1>a:received");
	want_str(st_state(s, "a", "1"), "received");
	/* it never goes back, nor is it told twice */
	want_str(mark_id(s, "h", "x@h", "1", MSG_RECEIVED), "");
	want_str(mark_id(s, "h", "x@h", "1", MSG_PUSHED), "");
	want_str(mark_id(s, "h", "x@h", "1", MSG_ACCEPTED), "");
	want_str(st_state(s, "a", "1"), "received");
	want_str(mark_id(s, "h", "x@h", "1", MSG_SEEN), "1>a:seen");
	want_str(mark_id(s, "h", "x@h", "1", MSG_RECEIVED), "");
	want_str(st_state(s, "a", "1"), "seen");
	/* another's, nobody's, another hub's */
	want_str(mark_id(s, "h", "y@h", "1", MSG_SEEN), "");
	want_str(mark_id(s, "h", "z@h", "2", MSG_SEEN), "");
	want_str(mark_id(s, "h", "y@h", "3", MSG_SEEN), "");
	want_str(mark_id(s, "other", "y@h", "2", MSG_SEEN), "");
	want_str(mark_id(s, "h", "y@other", "2", MSG_SEEN), "");
	want_str(mark_id(s, "h", "y", "2", MSG_SEEN), "");
	want_str(st_state(s, "a", "2"), "accepted");
	want_str(out(s, "h"), "2");
	st_end(s);
}
END_TEST

/* The other hub has it, and its acknowledgement comes late or never. */
START_TEST(a_receipt_is_an_acknowledgement)
{
	struct st *s = st_new();
	int64_t seq;

	st_start(s);
	seq = post(s, "a", "x@h", "1");
	post(s, "a", "x@h", "2");
	want_str(hubs(s), "h:2:0");
	want_str(mark_id(s, "h", "x@h", "1", MSG_SEEN), "1>a:seen");
	want_str(out(s, "h"), "2");
	want_str(hubs(s), "h:1:0");
	want_str(mark(s, "h", seq, MSG_PUSHED), "");
	want_str(st_state(s, "a", "1"), "seen");
	want_str(hubs(s), "h:1:0");
	/* not one of a mailbox, whoever says so */
	st_post(s, "a", "b", "3");
	want_str(mark_id(s, "h", "b", "3", MSG_SEEN), "");
	want_str(st_unseen(s, "b"), "3");
	st_end(s);
}
END_TEST

START_TEST(too_many)
{
	struct st *s = st_new();
	struct store_append q;
	struct wbuf w = { 0 };
	char id[16];
	int i;

	s->conf.sync_full = 0;
	st_start(s);
	for (i = 1; i <= OUT_MAX; i++) {
		snprintf(id, sizeof(id), "%d", i);
		q = st_message("a", "x@h", id, "x");
		store_append_put(&w, &q);
		st_send(s, STORE_APPEND, &w);
		if (i % 500 == 0)
			st_answers(s);
	}
	want_int(s->failed, 0);
	want_str(hubs(s), "h:10000:0");
	want_int(st_post(s, "a", "x@h", "more").status, STORE_FULL);
	want_int(st_post(s, "b", "y@h", "more").status, STORE_FULL);
	want_str(st_state(s, "a", "more"), "unknown");
	/* a repeat is one all the same, and others have their own room */
	want_int(st_post(s, "a", "x@h", "7").status, STORE_REPEAT);
	post(s, "a", "x@other", "more2");
	want_int(st_post(s, "a", "x", "more3").status, STORE_OK);
	mark(s, "h", 1, MSG_PUSHED);
	post(s, "a", "x@h", "more");
	want_int(st_post(s, "a", "x@h", "again").status, STORE_FULL);
	/* and so it is for the next store */
	st_kill(s);
	st_start(s);
	want_int(st_post(s, "a", "x@h", "again").status, STORE_FULL);
	want_str(hubs(s), "h:10000:0 other:1:0");
	st_end(s);
}
END_TEST

START_TEST(expiry)
{
	struct st *s = st_new();

	/* 7 days are the default; what is in mailboxes is no matter of this */
	s->conf.expire_unread_ms = DAY_MS;
	st_start(s);
	post_old(s, "x@h", "1", 8);
	post_old(s, "x@h", "2", 6);
	post_old(s, "x@other", "3", 8);
	post(s, "a", "x@h", "4");
	want_str(hubs(s), "h:3:0 other:1:0");
	wait_expired(s, "1>a 3>a ");
	want_int(s->expired_unread, 0);
	want_str(st_state(s, "a", "1"), "expired");
	want_str(st_state(s, "a", "2"), "accepted");
	want_str(out(s, "h"), "2 4");
	want_str(out(s, "other"), "");
	want_str(hubs(s), "h:2:0 other:0:0");
	/* that it has come there is not believed then */
	want_str(mark(s, "h", 1, MSG_PUSHED), "");
	want_str(st_state(s, "a", "1"), "expired");
	st_kill(s);
	s->conf.expire_queued_ms = 5 * DAY_MS;
	st_start(s);
	want_str(out(s, "h"), "2 4");
	wait_expired(s, "2>a ");
	want_str(out(s, "h"), "4");
	st_end(s);
}
END_TEST

START_TEST(many_expire)
{
	struct st *s = st_new();
	struct wbuf told = { 0 };
	char id[16];
	int i;

	s->conf.expire_queued_ms = DAY_MS;
	st_start(s);
	for (i = 0; i < 250; i++) {
		snprintf(id, sizeof(id), "%d", i);
		post_old(s, "x@h", id, 2);
		wbuf_printf(&told, "%s>a ", id);
	}
	wbuf_add(&told, "", 1);
	wait_expired(s, wbuf_data(&told));
	want_str(hubs(s), "h:0:0");
	wbuf_free(&told);
	st_end(s);
}
END_TEST

/* Of the sender: the other hub is told by whom it was when it was sent. */
START_TEST(renamed)
{
	struct st *s = st_new();
	struct store_out_listed a;
	struct store_out m;
	struct reader rd;

	st_start(s);
	st_enter(s, "a");
	post(s, "a", "x@h", "1");
	post(s, "a", "x@h", "2");
	want_int(st_call(s, "a", "c").status, STORE_OK);
	post(s, "c", "x@h", "3");
	a = waiting(s, "h", 0, ALL);
	want_int(a.n, 3);
	reader_init(&rd, a.messages.p, a.messages.len);
	want_int(store_out_get(&rd, &m), 0);
	want_str(m.from, "a");
	want_int(store_out_get(&rd, &m), 0);
	want_str(m.from, "a");
	want_int(store_out_get(&rd, &m), 0);
	want_str(m.from, "c");
	/* receipts come to the name that it has now */
	want_str(mark(s, "h", 1, MSG_EXPIRED), "1>c:expired");
	want_str(mark_id(s, "h", "x@h", "2", MSG_SEEN), "2>c:seen");
	want_str(st_state(s, "c", "1"), "expired");
	want_int(st_post(s, "c", "x@h", "2").status, STORE_REPEAT);
	st_end(s);
}
END_TEST

/* Of the receiver, which its hub tells. */
START_TEST(receiver_renamed)
{
	struct st *s = st_new();
	struct store_out_listed a;
	struct store_out m;
	struct reader rd;
	int i;

	st_start(s);
	post(s, "a", "x@h", "1");
	post(s, "a", "y@h", "2");
	post(s, "a", "x@h", "3");
	want_int(st_call(s, "x@h", "y@h").status, STORE_OK);
	want_int(st_call(s, "none@h", "y@h").status, STORE_OK);
	want_str(out(s, "h"), "1 2 3");
	a = waiting(s, "h", 0, ALL);
	reader_init(&rd, a.messages.p, a.messages.len);
	for (i = 0; i < 3; i++) {
		want_int(store_out_get(&rd, &m), 0);
		want_str(m.to, "y@h");
	}
	want_str(hubs(s), "h:3:0");
	/* by the old name, as that hub may still say it */
	want_str(mark_id(s, "h", "x@h", "1", MSG_SEEN), "1>a:seen");
	want_str(mark_id(s, "h", "y@h", "3", MSG_SEEN), "3>a:seen");
	want_str(hubs(s), "h:1:0");
	st_stop(s);
	st_start(s);
	want(strstr(s->aliases, "x@h>y@h ") != NULL, "%s", s->aliases);
	want_str(out(s, "h"), "2");
	/* somebody else has that name now */
	want_int(st_call(s, "", "x@h").status, STORE_OK);
	post(s, "a", "x@h", "4");
	st_stop(s);
	st_start(s);
	/* the one that was renamed before it was known */
	want_str(s->aliases, "none@h>y@h ");
	st_end(s);
}
END_TEST

START_TEST(hubs_and_names)
{
	struct st *s = st_new();

	st_start(s);
	want_str(s->names, "");
	want_str(hubs(s), "");
	linked(s, "sevilla", 5000);
	linked(s, "berlin", 6000);
	st_enter(s, "api");
	post(s, "api", "x@berlin", "1");
	post(s, "api", "x@nowhere", "2");
	post(s, "api", "y@berlin", "3");
	want_str(hubs(s), "berlin:2:6000 nowhere:1:0 sevilla:0:5000");
	linked(s, "sevilla", 7000);
	mark(s, "berlin", 1, MSG_PUSHED);
	want_str(hubs(s), "berlin:1:6000 nowhere:1:0 sevilla:0:7000");
	st_kill(s);
	st_start(s);
	/* one that was only written to is not known, nor are its sessions */
	want(strstr(s->names, "api ") != NULL &&
	    strstr(s->names, "@berlin ") != NULL &&
	    strstr(s->names, "@sevilla ") != NULL &&
	    strstr(s->names, "nowhere") == NULL &&
	    strstr(s->names, "x@") == NULL, "%s", s->names);
	want_str(hubs(s), "berlin:1:6000 nowhere:1:0 sevilla:0:7000");
	linked(s, "nowhere", 8000);
	want_str(hubs(s), "berlin:1:6000 nowhere:1:8000 sevilla:0:7000");
	st_stop(s);
	st_start(s);
	want(strstr(s->names, "@nowhere ") != NULL, "%s", s->names);
	st_end(s);
}
END_TEST

/* What was answered is there, whenever the store is killed. */
START_TEST(killed)
{
	struct st *s = st_new();
	char ids[256] = "", id[16];
	int64_t seq, last = 0;
	int i;

	for (i = 1; i <= 6; i++) {
		st_start(s);
		want_str(out(s, "h"), ids);
		snprintf(id, sizeof(id), "%d", i);
		seq = post(s, "a", "x@h", id);
		want(seq > last, "number %lld after %lld", (long long)seq,
		    (long long)last);
		last = seq;
		if (i > 1)
			strlcat(ids, " ", sizeof(ids));
		strlcat(ids, id, sizeof(ids));
		st_kill(s);
	}
	st_start(s);
	mark(s, "h", 1, MSG_PUSHED);
	st_kill(s);
	st_start(s);
	want_str(out(s, "h"), ids + 2);
	want_str(st_state(s, "a", "1"), "pushed");
	mark_id(s, "h", "x@h", "1", MSG_SEEN);
	st_kill(s);
	st_start(s);
	want_str(st_state(s, "a", "1"), "seen");
	want_int(st_post(s, "a", "x@h", "6").status, STORE_REPEAT);
	want_str(hubs(s), "h:5:0");
	/* a number is not given again, though nothing waits */
	for (i = 1; i <= last; i++)
		mark(s, "h", i, MSG_EXPIRED);
	want_str(out(s, "h"), "");
	st_kill(s);
	st_start(s);
	want(post(s, "a", "x@h", "7") > last, "a number again");
	st_end(s);
}
END_TEST

START_TEST(disk_full)
{
	struct store_out_mark q = { .hub = "h", .seq = 1,
	    .state = MSG_EXPIRED };
	struct st *s = st_new();
	struct store_marked k;
	int i;

	st_start(s);
	post(s, "a", "x@h", "1");
	st_disk(s);
	for (i = 0; i < 3; i++)
		want_int(st_post(s, "a", "x@h", "2").status, STORE_FAILED);
	want_int(st_post(s, "a", "x@other", "3").status, STORE_FAILED);
	k = st_out_mark(s, &q);
	want_int(k.status, STORE_FAILED);
	want_int(k.nreceipts, 0);
	want_str(out(s, "h"), "1");
	want_str(hubs(s), "h:1:0");
	st_disk(s);
	post(s, "a", "x@h", "2");
	want_str(hubs(s), "h:2:0");
	want_str(mark(s, "h", 1, MSG_EXPIRED), "1>a:expired");
	want_str(out(s, "h"), "2");
	want_str(hubs(s), "h:1:0");
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("outbox");

	(void)argc;
	test_add(s, numbers_and_order, 30);
	test_add(s, members, 30);
	test_add(s, bytes_in_a_list, 30);
	test_add(s, marked_by_number, 30);
	test_add(s, repeats, 30);
	test_add(s, receipts, 30);
	test_add(s, a_receipt_is_an_acknowledgement, 30);
	test_add(s, too_many, 60);
	test_add(s, expiry, 40);
	test_add(s, many_expire, 30);
	test_add(s, renamed, 30);
	test_add(s, receiver_renamed, 30);
	test_add(s, hubs_and_names, 30);
	test_add(s, killed, 30);
	test_add(s, disk_full, 30);
	return test_main(argv[0], s);
}
