/* SPDX-License-Identifier: ISC */
/*
 * Tests of the two lines with which a link begins.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../lib/hello.h"
#include "linkproto.h"
#include "test.h"

/* The start of a hello and of a welcome that are right. */
#define HELLO	"{\"type\":\"bridge_hello\",\"hub_id\":\"a\"," \
		"\"secret\":\"s\",\"protocol_version\":\"5\""
#define WELCOME	"{\"type\":\"bridge_welcome\",\"hub_id\":\"a\""

#define want_str(a, b)	do {						\
	const char *a_ = (a), *b_ = (b);				\
	want(strcmp(a_, b_) == 0, "is \"%s\", should be \"%s\"", a_, b_); \
} while (0)

static void
want_line(struct wbuf *w, const char *line)
{
	want(slice_is((struct slice){ wbuf_data(w), w->len }, line), "%.*s",
	    (int)w->len, wbuf_data(w));
	wbuf_free(w);
}

START_TEST(what_is_written)
{
	struct hello h = { .hub_id = "here", .secret = "a \"secret\"" };
	struct wbuf w = { 0 };

	hello_put(&w, &h);
	want_line(&w, "{\"type\":\"bridge_hello\",\"hub_id\":\"here\","
	    "\"secret\":\"a \\\"secret\\\"\",\"protocol_version\":\"5\","
	    "\"peers\":[],\"features\":" LINK_FEATURES "}\n");
	welcome_put(&w, &h);
	want_line(&w, "{\"type\":\"bridge_welcome\",\"hub_id\":\"here\","
	    "\"peers\":[],\"features\":" LINK_FEATURES "}\n");
	h.check = 1;
	h.now = 1767323045678;
	welcome_put(&w, &h);
	want_line(&w, "{\"type\":\"bridge_welcome\",\"hub_id\":\"here\","
	    "\"peers\":[],\"features\":" LINK_FEATURES ",\"check\":true,"
	    "\"now\":1767323045678}\n");
}
END_TEST

/* As EcoRelay writes them. */
START_TEST(what_is_read)
{
	static const char hello[] = "{\"type\":\"bridge_hello\",\"hub_id\":"
	    "\"machine-b\",\"secret\":\"sh\\u0061red \xc3\xa9\","
	    "\"protocol_version\":\"5\",\"peers\":[{\"name\":\"x\",\"cwd\":"
	    "\"/\",\"git_branch\":\"main\",\"last_seen\":1767323045678}]}";
	static const char welcome[] = "{\"type\":\"bridge_welcome\","
	    "\"hub_id\":\"machine-b\",\"peers\":[]}";
	char zeroes[LAN_SECRET_SIZE] = { 0 };
	struct hello h;
	size_t n;

	memset(&h, 0xa5, sizeof(h));
	want(hello_get(&h, hello, strlen(hello)) == NULL, "refused");
	want_str(h.hub_id, "machine-b");
	want_str(h.secret, "shared \xc3\xa9");
	n = strlen(h.secret);
	want(memcmp(h.secret + n, zeroes, sizeof(h.secret) - n) == 0,
	    "no zeroes behind the secret");
	want(h.check == 0 && h.now == 0, "check %d", h.check);
	memset(&h, 0xa5, sizeof(h));
	want(welcome_get(&h, welcome, strlen(welcome)) == NULL, "refused");
	want_str(h.hub_id, "machine-b");
	want_str(h.secret, "");
	/* one is not the other */
	want(welcome_get(&h, hello, strlen(hello)) != NULL &&
	    hello_get(&h, welcome, strlen(welcome)) != NULL, "either");
}
END_TEST

#define KEY	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"

/* What is no key says nothing, and is no reason to refuse a hub. */
START_TEST(keys)
{
	static const char *const none[] = {
		"\"\"", "5", "null", "\"" KEY "0\"", "\"0123456789ABCDEF\"",
		"{\"key\":\"" KEY "\"}"
	};
	struct hello h = { .hub_id = "here", .key = KEY }, got;
	struct wbuf w = { 0 };
	size_t i;

	hello_put(&w, &h);
	want(hello_get(&got, wbuf_data(&w), w.len) == NULL, "refused");
	want_str(got.key, KEY);
	wbuf_reset(&w);
	welcome_put(&w, &h);
	want(welcome_get(&got, wbuf_data(&w), w.len) == NULL, "refused");
	want_str(got.key, KEY);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		wbuf_reset(&w);
		wbuf_printf(&w, "{\"type\":\"bridge_welcome\",\"hub_id\":"
		    "\"b\",\"peers\":[],\"key\":%s}", none[i]);
		want(welcome_get(&got, wbuf_data(&w), w.len) == NULL, "%s",
		    none[i]);
		want_str(got.key, "");
	}
	wbuf_free(&w);
}
END_TEST

START_TEST(check_and_now)
{
	static const struct {
		const char	*members;
		int		 check;
		int64_t		 now;
	} lines[] = {
		{ "", 0, 0 },
		{ ",\"check\":true", 1, 0 },
		{ ",\"check\":false", 0, 0 },
		{ ",\"check\":1,\"now\":\"5\"", 0, 0 },
		{ ",\"check\":null,\"now\":null", 0, 0 },
		{ ",\"now\":5", 0, 5 },
		{ ",\"now\":-5", 0, 0 },
		{ ",\"now\":1e300", 0, 0 },
		{ ",\"other\":{\"check\":true},\"features\":5", 0, 0 },
	};
	struct hello h;
	char line[512];
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(line, sizeof(line), WELCOME ",\"peers\":[]%s}",
		    lines[i].members);
		want(welcome_get(&h, line, strlen(line)) == NULL, "%s", line);
		want(h.check == lines[i].check && h.now == lines[i].now,
		    "%s: check %d, now %lld", line, h.check,
		    (long long)h.now);
	}
}
END_TEST

START_TEST(wrong_hellos)
{
	static const struct {
		const char	*line, *why;
	} wrong[] = {
		{ "", "not a JSON object" },
		{ "{", "not a JSON object" },
		{ "[]", "not a JSON object" },
		{ "\"bridge_hello\"", "not a JSON object" },
		{ HELLO ",\"peers\":[]", "not a JSON object" },
		{ HELLO ",\"peers\":[]} x", "not a JSON object" },
		{ "{}", "not what a hub says first" },
		{ "{\"type\":\"register\"}", "not what a hub says first" },
		{ "{\"type\":5}", "not what a hub says first" },
		{ "{\"type\":\"bridge_hello\",\"secret\":\"s\"}", "hub_id" },
		{ HELLO "}", "peers must be a list" },
		{ HELLO ",\"peers\":{}}", "peers must be a list" },
		{ HELLO ",\"peers\":null}", "peers must be a list" },
		{ "{\"type\":\"bridge_hello\",\"hub_id\":\"a\",\"peers\":[],"
		    "\"secret\":\"s\"}", "protocol version" },
		{ "{\"type\":\"bridge_hello\",\"hub_id\":\"a\",\"peers\":[],"
		    "\"secret\":\"s\",\"protocol_version\":\"4\"}",
		    "protocol version" },
		{ "{\"type\":\"bridge_hello\",\"hub_id\":\"a\",\"peers\":[],"
		    "\"secret\":\"s\",\"protocol_version\":5}",
		    "protocol version" },
		{ "{\"type\":\"bridge_hello\",\"hub_id\":\"a\",\"peers\":[],"
		    "\"protocol_version\":\"5\"}", "secret is not a text" },
		{ "{\"type\":\"bridge_hello\",\"hub_id\":\"a\",\"peers\":[],"
		    "\"secret\":5,\"protocol_version\":\"5\"}",
		    "secret is not a text" },
	};
	struct hello h;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why = hello_get(&h, wrong[i].line, strlen(wrong[i].line));
		want(why != NULL, "%s is taken", wrong[i].line);
		want(strstr(why, wrong[i].why) != NULL, "%s: %s",
		    wrong[i].line, why);
	}
}
END_TEST

START_TEST(hub_ids)
{
	static const char *const bad[] = { "", ".", "..", "a b", "a@b", "a/b",
	    "\xc3\xa9", "a\\u0000", "\\u0000", "a\\n", " a" };
	char *longest = t_fill('n', NAME_LEN_MAX), line[512];
	struct hello h;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"bridge_welcome\","
		    "\"hub_id\":\"%s\",\"peers\":[]}", bad[i]);
		want(welcome_get(&h, line, strlen(line)) != NULL, "%s", line);
		want_str(h.hub_id, "");
	}
	snprintf(line, sizeof(line), "{\"type\":\"bridge_welcome\","
	    "\"hub_id\":\"%s\",\"peers\":[]}", longest);
	want(welcome_get(&h, line, strlen(line)) == NULL, "64 characters");
	want_str(h.hub_id, longest);
	snprintf(line, sizeof(line), "{\"type\":\"bridge_welcome\","
	    "\"hub_id\":\"%sn\",\"peers\":[]}", longest);
	want(welcome_get(&h, line, strlen(line)) != NULL, "65 characters");
	free(longest);
}
END_TEST

/* A hello with a secret of that many characters. */
static const char *
hello_of(struct hello *h, size_t n)
{
	char *secret = t_fill('s', n), line[1024];

	snprintf(line, sizeof(line), "{\"type\":\"bridge_hello\",\"hub_id\":"
	    "\"a\",\"secret\":\"%s\",\"protocol_version\":\"5\",\"peers\":[]}",
	    secret);
	free(secret);
	return hello_get(h, line, strlen(line));
}

START_TEST(secrets)
{
	static const char zero[] = "{\"type\":\"bridge_hello\",\"hub_id\":"
	    "\"a\",\"secret\":\"shared\\u0000\",\"protocol_version\":\"5\","
	    "\"peers\":[]}";
	struct hello h;

	want(hello_of(&h, 0) == NULL && h.secret[0] == '\0', "none");
	want(hello_of(&h, LAN_SECRET_SIZE - 1) == NULL &&
	    strlen(h.secret) == LAN_SECRET_SIZE - 1, "255 characters");
	want(hello_of(&h, LAN_SECRET_SIZE) != NULL, "256 characters");
	/* nothing that compares as a shorter one */
	want(hello_get(&h, zero, strlen(zero)) != NULL ||
	    memcmp(h.secret, "shared", 7) != 0, "a zero byte ends it");
}
END_TEST

static const char *
welcome_of(int npeers)
{
	struct wbuf w = { 0 };
	struct hello h;
	const char *wrong;
	int i;

	wbuf_adds(&w, WELCOME ",\"peers\":[");
	for (i = 0; i < npeers; i++)
		wbuf_printf(&w, "%s{\"name\":\"p%d\"}", i > 0 ? "," : "", i);
	wbuf_adds(&w, "]}");
	wrong = welcome_get(&h, wbuf_data(&w), w.len);
	wbuf_free(&w);
	return wrong;
}

START_TEST(peers)
{
	const char *wrong;

	want(welcome_of(HELLO_PEERS_MAX) == NULL, "500 peers");
	wrong = welcome_of(HELLO_PEERS_MAX + 1);
	want(wrong != NULL && strstr(wrong, "500") != NULL, "501 peers: %s",
	    wrong);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("hello");

	(void)argc;
	test_add(s, what_is_written, 10);
	test_add(s, what_is_read, 10);
	test_add(s, keys, 10);
	test_add(s, check_and_now, 10);
	test_add(s, wrong_hellos, 10);
	test_add(s, hub_ids, 10);
	test_add(s, secrets, 10);
	test_add(s, peers, 10);
	return test_main(argv[0], s);
}
