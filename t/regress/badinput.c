/* SPDX-License-Identifier: ISC */
/*
 * Input that no client should send.  Each gets its answer, the connection goes
 * on unless it is said to be closed, and all others are served as before.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define LINE_LIMIT	(4 * 1024 * 1024)
#define EARLY_LIMIT	8192
#define DEPTH		10000

/* Each as the text of a send to "b". */
static const char *const bad_texts[] = {
	"\xff", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe2\x82", "\xe0\x80\x80",
	"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
	"\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80", "a\xffz",
	"\\u0000", "\\ud800", "\\udc00", "\\ud800\\u0041",
	"\\ud800\\ud800", "\\udc00\\ud800", "\\ud800x", "\\u00", "\\u00g0",
	"\\x41", "\\", "\t", "\x01", "\x1f", "\\U0041", "\\'"
};

static const char *const bad_lines[] = {
	"x", "{", "}", "[", "\"", "nul", "null", "true", "1", "\"ping\"",
	"[]", "[{\"type\":\"ping\"}]", "{}", "{\"type\"}", "{type:\"ping\"}",
	"{\"type\":null}", "{\"type\":1}", "{\"type\":[]}", "{\"type\":{}}",
	"{\"type\":\"\"}", "{\"type\":\"no_such_type\"}",
	"{\"type\":\"PING\",\"req_id\":\"1\"}",
	"{\"type\":\"ack\",\"req_id\":\"1\"}",
	"{\"type\":\"incoming_message\",\"from\":\"x\",\"text\":\"y\"}",
	"{\"type\":\"ping\",\"req_id\":1}",
	"{\"type\":\"ping\",\"req_id\":\"1\"} x",
	"{\"type\":\"ping\",\"req_id\":\"1\"}{\"type\":\"ping\"}",
	"{\"type\":\"ping\",\"req_id\":\"1\",}",
	"{'type':'ping'}", "{\"type\":\"ping\",\"n\":01}",
	"{\"type\":\"ping\",\"n\":+1}", "{\"type\":\"ping\",\"n\":.5}",
	"{\"type\":\"ping\",\"n\":1.}", "{\"type\":\"ping\",\"n\":NaN}",
	"{\"type\":\"ping\",\"n\":tru}",
	"\xef\xbb\xbf{\"type\":\"ping\",\"req_id\":\"1\"}",
	"{\"type\":\"send\",\"to\":5,\"text\":\"x\"}",
	"{\"type\":\"send\",\"to\":\"b\",\"text\":{}}",
	"{\"type\":\"send\",\"to\":\"b\",\"text\":true}",
	"{\"type\":\"inbox\",\"limit\":\"ten\"}",
	"{\"type\":\"inbox\",\"limit\":1e400}",
	"{\"type\":\"inbox\",\"limit\":99999999999999999999}",
	"GET / HTTP/1.1", "Host: localhost"
};

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

START_TEST(bad_lines_get_bad_msg)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	size_t		 i;

	for (i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++)
		refused_text(a, "bad_msg", bad_lines[i]);
	quiet(a, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(bad_lines_before_register)
{
	struct tenv	*t = begin();
	struct conn	*a = client_open(t);
	size_t		 i;

	for (i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		say_text(a, bad_lines[i]);
		is_str(hear(a, NULL), "type", "err");
	}
	quiet(a, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(bad_texts_get_bad_msg)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", NULL);
	char		 line[256];
	size_t		 i;

	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"send\","
		    "\"to\":\"b\",\"text\":\"%s\"}", bad_texts[i]);
		refused_text(a, "bad_msg", line);
	}
	quiet(a, NULL);
	quiet(b, NULL);
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 0);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(a_zero_byte_in_a_line)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	const char	 line[] = "{\"type\":\"ping\",\"req_id\":\"1\"\0}\n";

	conn_write(a, line, sizeof(line) - 1);
	is_str(hear(a, NULL), "code", "bad_msg");
	conn_write(a, "\0\n", 2);
	is_str(hear(a, NULL), "code", "bad_msg");
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* before, DEPTH times the opening, as often the closing, after */
static char *
nested(const char *before, const char *opening, const char *closing,
    const char *after)
{
	size_t	 size, i;
	char	*s;

	size = strlen(before) + strlen(after) + 1 +
	    DEPTH * (strlen(opening) + strlen(closing));
	s = t_fill('\0', size);
	strlcpy(s, before, size);
	for (i = 0; i < DEPTH; i++)
		memcpy(s + strlen(before) + i * strlen(opening), opening,
		    strlen(opening));
	for (i = 0; i < DEPTH; i++)
		strlcat(s, closing, size);
	strlcat(s, after, size);
	return (s);
}

START_TEST(deep_nesting)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	char		*s;

	s = nested("{\"type\":\"ping\",\"req_id\":\"1\",\"x\":", "[", "]",
	    "}");
	refused_text(a, "bad_msg", s);
	free(s);
	s = nested("{\"type\":\"ping\",\"req_id\":\"1\",\"x\":", "{\"a\":",
	    "", "1}");
	refused_text(a, "bad_msg", s);
	free(s);
	s = nested("", "[", "", "");
	refused_text(a, "bad_msg", s);
	free(s);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* A ping, made n bytes long (without the newline) with spaces. */
static char *
long_ping(size_t n)
{
	static const char	 ping[] =
				    "{\"type\":\"ping\",\"req_id\":\"1\"}";
	char			*s = t_fill(' ', n + 1);

	memcpy(s, ping, sizeof(ping) - 1);
	s[n] = '\n';
	return (s);
}

START_TEST(the_longest_line)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	char		*s = long_ping(LINE_LIMIT - 1);

	conn_write(a, s, LINE_LIMIT);
	hear_with(a, "pong", "req_id", "1");
	free(s);
	s = long_ping(LINE_LIMIT + 1);
	conn_write(a, s, LINE_LIMIT + 2);
	want(conn_closes(a, T_WAIT), "a line too long was taken");
	in_step(b);
	hub_serves(t);
	free(s);
	tenv_end(t);
}
END_TEST

START_TEST(the_longest_line_before_register)
{
	struct tenv	*t = begin();
	struct conn	*a = client_open(t);
	char		*s = long_ping(EARLY_LIMIT - 1);

	conn_write(a, s, EARLY_LIMIT);
	hear_with(a, "pong", "req_id", "1");
	free(s);
	s = long_ping(EARLY_LIMIT + 1);
	conn_write(a, s, EARLY_LIMIT + 2);
	want(conn_closes(a, T_WAIT), "a line too long was taken");
	hub_serves(t);
	free(s);
	tenv_end(t);
}
END_TEST

START_TEST(a_line_that_never_ends)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	struct conn	*early = client_open(t);
	char		*s = t_fill('[', 65536);
	size_t		 sent;
	int64_t		 begun;

	conn_write(early, s, 65536);
	want(conn_closes(early, T_WAIT), "64 KiB before register");
	for (sent = 0; sent < 4 * LINE_LIMIT; sent += 65536) {
		if (conn_write(a, s, 65536) == -1)
			break;
		begun = t_now();
		in_step(b);
		want(t_now() - begun < t_slow(1000), "b waited %lld ms",
		    (long long)(t_now() - begun));
	}
	want(conn_closes(a, T_WAIT), "%zu bytes without end were taken",
	    sent);
	hub_serves(t);
	free(s);
	tenv_end(t);
}
END_TEST

START_TEST(half_a_line_and_gone)
{
	static const char	 half[] = "{\"type\":\"send\",\"to\":\"b\",";
	struct tenv		*t = begin();
	struct conn		*a, *b = client_new(t, "b", FEATURES);
	int			 i;

	for (i = 0; i < 50; i++) {
		a = client_open(t);
		conn_write(a, half, sizeof(half) - 1);
		conn_close(a);
		a = client_new(t, "a", NULL);
		conn_write(a, half, sizeof(half) - 1);
		conn_close(a);
	}
	quiet(b, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* What was complete before the connection closed is done all the same. */
START_TEST(a_line_and_gone)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", FEATURES);

	say(a, "{s:s,s:s,s:s}", "type", "send", "to", "b", "text", "bye");
	conn_close(a);
	is_str(hear(b, "incoming_message"), "text", "bye");
	tenv_end(t);
}
END_TEST

START_TEST(rubbish)
{
	struct tenv	*t = begin();
	struct conn	*a, *b = client_new(t, "b", FEATURES);
	char		 noise[4096];
	unsigned	 seed = 20, i;
	int		 round;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < sizeof(noise); i++) {
			seed = seed * 1103515245 + 12345;
			noise[i] = (char)(seed >> 16);
		}
		a = client_open(t);
		conn_write(a, noise, sizeof(noise));
		conn_write(a, "\n", 1);
		conns_pump(t, 0);
		conn_close(a);
	}
	quiet(b, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* hubctl's own socket takes no rubbish either. */
START_TEST(rubbish_for_the_control_socket)
{
	static const char	 huge[] = "\xff\xff\xff\x7f\xff\xff\xff\x7f"
				    "\xff\xff\xff\x7f\xff\xff\xff\x7f";
	struct tenv	*t = begin();
	struct conn	*a, *b = client_new(t, "b", FEATURES);
	char		 sock[sizeof(t->sock)], noise[512];
	unsigned	 seed = 7, i;
	int		 round;

	strlcpy(sock, t->sock, sizeof(sock));
	snprintf(t->sock, sizeof(t->sock), "%s/hubctl.sock", t->data);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < sizeof(noise); i++) {
			seed = seed * 1103515245 + 12345;
			noise[i] = (char)(seed >> 16);
		}
		a = client_open(t);
		if (round % 4 == 0)
			conn_write(a, huge, sizeof(huge) - 1);
		else
			conn_write(a, noise, (size_t)round * 2);
		conns_pump(t, 0);
		if (round % 10 != 0)
			conn_close(a);
	}
	strlcpy(t->sock, sock, sizeof(t->sock));
	quiet(b, NULL);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("badinput");

	(void)argc;
	test_add(s, bad_lines_get_bad_msg, 20);
	test_add(s, bad_lines_before_register, 20);
	test_add(s, bad_texts_get_bad_msg, 20);
	test_add(s, a_zero_byte_in_a_line, 20);
	test_add(s, deep_nesting, 20);
	test_add(s, the_longest_line, 30);
	test_add(s, the_longest_line_before_register, 20);
	test_add(s, a_line_that_never_ends, 30);
	test_add(s, half_a_line_and_gone, 20);
	test_add(s, a_line_and_gone, 20);
	test_add(s, rubbish, 20);
	test_add(s, rubbish_for_the_control_socket, 20);
	return (test_main(argv[0], s));
}
