/* SPDX-License-Identifier: ISC */
/*
 * send: to a session that is there and to one that is away, what the receiver
 * is pushed, what is refused, and how long a text may be.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define TEXT_UNITS	524288
#define LINE_PLAIN	1048576

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static json_t *
send_long(struct conn *c, const char *to, const char *text)
{
	return (rpc(c, "{s:s,s:s,s:s}", "type", "send", "to", to,
	    "text", text));
}

START_TEST(to_a_session_that_is_there)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*ack, *j;

	ack = rpc(a, "{s:s,s:s,s:s}", "type", "send", "to", "b",
	    "text", "hello");
	has_only(ack, "type req_id msg_id status");
	is_str(ack, "type", "send_ack");
	is_str(ack, "status", "delivered");
	want(is_msg_id(str_of(ack, "msg_id")), "not m-UUID: %s", show(ack));
	j = hear(b, "incoming_message");
	has_only(j, "type msg_id from text reply_to ts");
	is_str(j, "msg_id", str_of(ack, "msg_id"));
	is_str(j, "from", "a");
	is_str(j, "text", "hello");
	is_null(j, "reply_to");
	want(is_iso8601(str_of(j, "ts")), "not ISO 8601: %s", show(j));
	quiet(a, NULL);
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(without_req_id)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);

	say(a, "{s:s,s:s,s:s}", "type", "send", "to", "b", "text", "x");
	has_only(hear(a, "send_ack"), "type msg_id status");
	tenv_end(t);
}
END_TEST

START_TEST(to_a_session_that_is_away)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL), *b;
	json_t		*j, *m;
	const char	*id;

	conn_close(client_new(t, "b", NULL));
	in_step(a);
	id = send_text(a, "b", "while you were away", "queued");
	send_text(a, "nobody-yet", "for whoever comes", "queued");
	b = client_new(t, "b", NULL);
	quiet(b, "incoming_message");
	j = rpc(b, "{s:s}", "type", "inbox");
	has_only(j, "type req_id messages remaining");
	is_str(j, "type", "inbox_result");
	is_int(j, "remaining", 0);
	m = json_array_get(is_list(j, "messages", 1), 0);
	is_str(m, "msg_id", id);
	is_str(m, "from", "a");
	is_str(m, "text", "while you were away");
	is_null(m, "reply_to");
	is_absent(m, "urgent");
	want(is_iso8601(str_of(m, "ts")), "not ISO 8601: %s", show(m));
	b = client_new(t, "nobody-yet", NULL);
	j = rpc(b, "{s:s}", "type", "inbox");
	is_list(j, "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(with_all_members)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	struct conn	*plain = client_new(t, "plain", NULL);
	json_t		*j, *m;

	j = rpc(a, "{s:s,s:s,s:s,s:s,s:b,s:s}", "type", "send", "to", "b",
	    "text", "x", "reply_to", "m-1", "urgent", 1, "kind", "request");
	is_str(j, "status", "delivered");
	j = hear(b, "incoming_message");
	is_str(j, "reply_to", "m-1");
	is_true(j, "urgent");
	is_str(j, "kind", "request");
	m = json_array_get(is_list(rpc(b, "{s:s}", "type", "inbox"),
	    "messages", 1), 0);
	is_str(m, "reply_to", "m-1");
	is_true(m, "urgent");
	is_str(m, "kind", "request");
	rpc(a, "{s:s,s:s,s:s,s:b}", "type", "send", "to", "plain",
	    "text", "y", "urgent", 0);
	j = hear(plain, "incoming_message");
	has_only(j, "type msg_id from text reply_to ts");
	tenv_end(t);
}
END_TEST

/* A client's features say what it may be sent. */
START_TEST(kind_only_for_those_who_know_it)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*plain = client_new(t, "plain", NULL);

	rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "plain",
	    "text", "y", "kind", "request");
	has_only(hear(plain, "incoming_message"),
	    "type msg_id from text reply_to ts");
	tenv_end(t);
}
END_TEST

START_TEST(texts_arrive_as_they_were_sent)
{
	static const char *const texts[] = {
		" ", "\n\r\t\b\f", "\"\\/", "\x01\x1f\x7f",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf",
		"{\"type\":\"send_ack\"}\n{\"type\":\"err\"}\n"
	};
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	json_t		*list;
	size_t		 i, n = sizeof(texts) / sizeof(texts[0]);

	for (i = 0; i < n; i++) {
		send_text(a, "b", texts[i], "delivered");
		is_str(hear(b, "incoming_message"), "text", texts[i]);
	}
	list = is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", n);
	for (i = 0; i < n; i++)
		is_str(json_array_get(list, i), "text", texts[i]);
	tenv_end(t);
}
END_TEST

START_TEST(escapes_mean_what_they_mean)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	say_text(a, "{\"ty\\u0070e\":\"s\\u0065nd\",\"to\":\"\\u0062\","
	    "\"text\":\"\\ud83d\\ude00\\u00e4\\/\"}");
	hear(a, "send_ack");
	is_str(hear(b, "incoming_message"), "text",
	    "\xf0\x9f\x98\x80\xc3\xa4/");
	/* a later member of the same name wins */
	say_text(a, "{\"type\":\"send\",\"to\":\"x\",\"text\":\"first\","
	    "\"to\":\"b\",\"text\":\"last\"}");
	hear(a, "send_ack");
	is_str(hear(b, "incoming_message"), "text", "last");
	tenv_end(t);
}
END_TEST

START_TEST(order_is_kept)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		 text[16];
	int		 i;

	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(a, "{s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", text);
	}
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		is_str(hear(b, "incoming_message"), "text", text);
		is_str(hear(a, "send_ack"), "status", "delivered");
	}
	tenv_end(t);
}
END_TEST

START_TEST(bad_targets_and_members)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	char		*ref = t_fill('r', 257), *id = t_fill('i', 65);

	refused(a, "bad_args", "{s:s,s:s,s:s}", "type", "send",
	    "to", "no such name", "text", "x");
	refused(a, "bad_args", "{s:s,s:s,s:s}", "type", "send",
	    "to", "a/b", "text", "x");
	refused(a, "bad_msg", "{s:s,s:s,s:s}", "type", "send",
	    "to", "", "text", "x");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "send", "text", "x");
	refused(a, "bad_msg", "{s:s,s:s}", "type", "send", "to", "b");
	refused(a, "bad_msg", "{s:s,s:s,s:i}", "type", "send",
	    "to", "b", "text", 5);
	refused(a, "bad_msg", "{s:s,s:s,s:n}", "type", "send",
	    "to", "b", "text");
	refused(a, "bad_msg", "{s:s,s:[s],s:s}", "type", "send",
	    "to", "b", "text", "x");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "b", "text", "x", "urgent", "yes");
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:i}", "type", "send",
	    "to", "b", "text", "x", "reply_to", 1);
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "b", "text", "x", "reply_to", ref);
	refused(a, "bad_msg", "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "b", "text", "x", "msg_id", id);
	ref[256] = '\0';
	id[64] = '\0';
	is_str(rpc(a, "{s:s,s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
	    "text", "x", "reply_to", ref, "msg_id", id), "msg_id", id);
	free(ref);
	free(id);
	tenv_end(t);
}
END_TEST

START_TEST(white_space_around_names)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	send_text(a, " b\t", "x", "delivered");
	is_str(hear(b, "incoming_message"), "text", "x");
	tenv_end(t);
}
END_TEST

START_TEST(the_same_msg_id_again)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	json_t		*j;
	int		 i;

	for (i = 0; i < 3; i++) {
		j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", "once", "msg_id", "my-1");
		is_str(j, "type", "send_ack");
		is_str(j, "msg_id", "my-1");
	}
	is_str(hear(b, "incoming_message"), "msg_id", "my-1");
	quiet(b, "incoming_message");
	/* also after it has been read */
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
	    "text", "once", "msg_id", "my-1");
	is_str(j, "type", "send_ack");
	quiet(b, "incoming_message");
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "recent", 10);
	is_list(j, "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(the_same_msg_id_pipelined)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	int		 i;

	for (i = 0; i < 10; i++)
		say(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", "once", "msg_id", "my-1");
	for (i = 0; i < 10; i++)
		is_str(hear(a, NULL), "type", "send_ack");
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(the_same_msg_id_after_a_restart)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	json_t		*j;

	rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
	    "text", "once", "msg_id", "my-1");
	conn_close(a);
	hub_stop(t, SIGTERM);
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	j = rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
	    "text", "once", "msg_id", "my-1");
	is_str(j, "type", "send_ack");
	b = client_new(t, "b", NULL);
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(the_same_msg_id_under_a_new_name)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	int		 i;

	for (i = 0; i < 2; i++) {
		is_str(rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", "once", "msg_id", "my-1"), "msg_id", "my-1");
		rpc(a, "{s:s,s:s}", "type", "rename", "new_name", "a2");
	}
	b = client_new(t, "b", NULL);
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	tenv_end(t);
}
END_TEST

/* Two senders may think of the same id; both messages are wanted. */
START_TEST(the_same_msg_id_of_two_senders)
{
	static const char *const names[] = { "a", "c" };
	struct tenv	*t = begin();
	struct conn	*b = client_new(t, "b", FEATURES);
	size_t		 i;

	for (i = 0; i < 2; i++) {
		is_str(rpc(client_new(t, names[i], FEATURES),
		    "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", names[i], "msg_id", "my-1"), "type", "send_ack");
		is_str(hear(b, "incoming_message"), "from", names[i]);
	}
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 2);
	tenv_end(t);
}
END_TEST

/* Text of n UTF-16 units, made of characters of two units each. */
static char *
wide_text(size_t units)
{
	char	*s = t_fill(' ', units * 2);
	size_t	 i;

	for (i = 0; i < units / 2; i++)
		memcpy(s + i * 4, "\xf0\x9f\x98\x80", 4);
	return (s);
}

START_TEST(the_longest_text)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	char		*text = t_fill('x', TEXT_UNITS + 1);

	is_str(send_long(a, "b", text), "code", "too_large");
	text[TEXT_UNITS] = '\0';
	is_str(send_long(a, "b", text), "status", "delivered");
	want(strcmp(str_of(hear(b, "incoming_message"), "text"), text) == 0,
	    "another text came");
	free(text);
	quiet(b, NULL);
	tenv_end(t);
}
END_TEST

START_TEST(the_longest_text_in_utf16)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	char		*text = wide_text(TEXT_UNITS), *more;

	is_str(send_long(a, "b", text), "status", "delivered");
	want(strcmp(str_of(hear(b, "incoming_message"), "text"), text) == 0,
	    "another text came");
	more = t_fill('\0', strlen(text) + 1);
	memcpy(more, text, strlen(text));
	more[strlen(text)] = 'x';
	is_str(send_long(a, "b", more), "code", "too_large");
	free(text);
	free(more);
	tenv_end(t);
}
END_TEST

START_TEST(plain_clients_get_no_new_code)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	char		*text = t_fill('x', TEXT_UNITS + 1);

	is_str(send_long(a, "b", text), "code", "bad_msg");
	text[TEXT_UNITS] = '\0';
	is_str(send_long(a, "b", text), "type", "send_ack");
	free(text);
	tenv_end(t);
}
END_TEST

/* Each of these is two units in a line: with the rest more than 1 MiB. */
START_TEST(plain_clients_get_no_longer_line)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", NULL);
	struct line	*l;
	char		*text = t_fill('\n', TEXT_UNITS);

	is_str(send_long(a, "b", text), "type", "send_ack");
	free(text);
	send_text(a, "b", "after it", NULL);
	rpc(b, "{s:s}", "type", "inbox");
	in_step(b);
	while ((l = TAILQ_FIRST(&b->lines)) != NULL) {
		want(l->len <= LINE_PLAIN, "a line of %zu", l->len);
		TAILQ_REMOVE(&b->lines, l, entry);
		line_free(l);
	}
	in_step(b);
	tenv_end(t);
}
END_TEST

/* As one inbox_result they would be longer than a line may be. */
static void
read_in_parts(const char *features, size_t most)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;
	json_t		*j, *list;
	char		*text = t_fill('x', 400000);
	size_t		 i, got = 0, parts = 0;

	for (i = 0; i < 12; i++) {
		text[0] = (char)('a' + i);
		is_str(send_long(a, "b", text), "status", "queued");
	}
	b = client_new(t, "b", features);
	while (got < 12) {
		j = rpc(b, "{s:s}", "type", "inbox");
		list = json_object_get(j, "messages");
		want(json_array_size(list) > 0 &&
		    json_array_size(list) * 400000 <= most,
		    "%zu messages in an inbox_result after %zu",
		    json_array_size(list), got);
		for (i = 0; i < json_array_size(list); i++, got++)
			want(str_of(json_array_get(list, i), "text")[0] ==
			    (char)('a' + got), "not message %zu", got);
		want(int_of(j, "remaining") == (json_int_t)(12 - got),
		    "remaining %lld after %zu",
		    (long long)int_of(j, "remaining"), got);
		parts++;
	}
	want(parts > 1, "all in one line");
	free(text);
	tenv_end(t);
}

START_TEST(a_full_inbox_in_parts)
{
	read_in_parts(FEATURES, 4 * 1024 * 1024);
}
END_TEST

START_TEST(a_full_inbox_in_parts_for_plain_clients)
{
	read_in_parts(NULL, LINE_PLAIN);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("messages");

	(void)argc;
	test_add(s, to_a_session_that_is_there, 20);
	test_add(s, without_req_id, 20);
	test_add(s, to_a_session_that_is_away, 20);
	test_add(s, with_all_members, 20);
	test_add(s, kind_only_for_those_who_know_it, 20);
	test_add(s, texts_arrive_as_they_were_sent, 20);
	test_add(s, escapes_mean_what_they_mean, 20);
	test_add(s, order_is_kept, 20);
	test_add(s, bad_targets_and_members, 20);
	test_add(s, white_space_around_names, 20);
	test_add(s, the_same_msg_id_again, 20);
	test_add(s, the_same_msg_id_pipelined, 20);
	test_add(s, the_same_msg_id_after_a_restart, 20);
	test_add(s, the_same_msg_id_under_a_new_name, 20);
	test_add(s, the_same_msg_id_of_two_senders, 20);
	test_add(s, the_longest_text, 20);
	test_add(s, the_longest_text_in_utf16, 20);
	test_add(s, plain_clients_get_no_new_code, 20);
	test_add(s, plain_clients_get_no_longer_line, 20);
	test_add(s, a_full_inbox_in_parts, 30);
	test_add(s, a_full_inbox_in_parts_for_plain_clients, 30);
	return (test_main(argv[0], s));
}
