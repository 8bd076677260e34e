/* SPDX-License-Identifier: ISC */
/*
 * Tests of the WebSocket codec, a test for each rule of RFC 6455 sections 5
 * to 7, and of the opening handshake.
 */
#include "compat.h"

#include <check.h>
#include <stdlib.h>

#include "sha1.h"
#include "test.h"
#include "ws.h"
#include "wshttp.h"
#include "wsurl.h"

#define LIMIT	1000

/* The first event of the frames in w. */
static struct ws_event
first_event(struct ws *ws, struct wbuf *w)
{
	struct ws_event ev;

	(void)ws_read(ws, w->rb->data, w->len, &ev);
	return ev;
}

/* A frame of a client with any header bits. */
static void
raw(struct wbuf *w, unsigned b0, const char *data, size_t n)
{
	size_t at = w->len;

	ws_frame(w, WS_CLIENT, WS_OP_TEXT, data, n);
	w->rb->data[at] = (char)b0;
}

static void
breaks(struct wbuf *w, unsigned code)
{
	struct ws ws;
	struct ws_event ev;
	size_t used = 0;

	ws_init(&ws, WS_SERVER, LIMIT);
	do
		used += ws_read(&ws, w->rb->data + used, w->len - used, &ev);
	while (ev.type != WS_MORE && ev.type != WS_BROKEN);
	ck_assert_int_eq(ev.type, WS_BROKEN);
	ck_assert_uint_eq(ev.code, code);
	ck_assert_ptr_nonnull(ev.why);
	/* and nothing is read any more */
	ck_assert_uint_eq(ws_read(&ws, w->rb->data, 2, &ev), 2);
	ck_assert_int_eq(ev.type, WS_MORE);
	ws_done(&ws);
	wbuf_free(w);
}

START_TEST(lengths)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536 };
	enum ws_role to, from;
	struct ws_event ev;
	struct wbuf w = { 0 };
	struct ws ws;
	char *text = malloc(65536);
	size_t i, n;

	memset(text, 'x', 65536);
	for (i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		to = i % 2 ? WS_CLIENT : WS_SERVER;
		from = i % 2 ? WS_SERVER : WS_CLIENT;
		n = sizes[i / 2];
		ws_init(&ws, to, 65536);
		ws_frame(&w, from, WS_OP_BINARY, text, n);
		ck_assert_uint_eq(ws_read(&ws, w.rb->data, w.len, &ev), w.len);
		ck_assert_int_eq(ev.type, WS_MESSAGE);
		ck_assert_int_eq(ev.opcode, WS_OP_BINARY);
		ck_assert_uint_eq(ev.len, n);
		ck_assert(memcmp(ev.data, text, n) == 0);
		ws_done(&ws);
		wbuf_free(&w);
	}
	free(text);
}
END_TEST

/* However the bytes arrive, the same comes out. */
START_TEST(any_pieces)
{
	static const char text[] = "gr\303\274\303\237e \342\202\254 "
	    "\360\237\230\200!";
	struct wbuf w = { 0 };
	struct ws_event ev;
	struct ws ws;
	char got[64], in[256];
	size_t step, held, i, used, pongs, messages;

	for (step = 1; step < 40; step++) {
		ws_init(&ws, WS_SERVER, LIMIT);
		wbuf_reset(&w);
		raw(&w, WS_OP_TEXT, text, 3);
		ws_frame(&w, WS_CLIENT, WS_OP_PING, "p", 1);
		raw(&w, WS_OP_CONTINUATION, text + 3, 8);
		raw(&w, WS_OP_CONTINUATION, "", 0);
		raw(&w, 0x80, text + 11, sizeof(text) - 12);
		ws_frame(&w, WS_CLIENT, WS_OP_TEXT, "", 0);
		ws_frame(&w, WS_CLIENT, WS_OP_TEXT, "two", 3);
		held = pongs = messages = 0;
		for (i = 0; i < w.len; i++) {
			in[held++] = w.rb->data[i];
			if (i % step != 0 && i != w.len - 1)
				continue;
			do {
				used = ws_read(&ws, in, held, &ev);
				if (ev.type == WS_PING)
					pongs++;
				if (ev.type == WS_MESSAGE) {
					memcpy(got, ev.data, ev.len);
					got[ev.len] = '\0';
					ck_assert_str_eq(got, messages == 0 ?
					    text : messages == 1 ? "" : "two");
					messages++;
				}
				held -= used;
				memmove(in, in + used, held);
			} while (ev.type != WS_MORE);
			ck_assert_uint_le(held, WS_CONTROL_MAX);
		}
		ck_assert_uint_eq(pongs, 1);
		ck_assert_uint_eq(messages, 3);
		ws_done(&ws);
	}
	wbuf_free(&w);
}
END_TEST

START_TEST(reserved_bits)
{
	struct wbuf w = { 0 };
	unsigned bit;

	for (bit = 0x10; bit < 0x80; bit <<= 1) {
		raw(&w, 0x81 | bit, "x", 1);
		breaks(&w, WS_CLOSE_PROTOCOL);
	}
}
END_TEST

START_TEST(unknown_opcodes)
{
	static const unsigned bad[] = { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 };
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		raw(&w, 0x80 | bad[i], "x", 1);
		breaks(&w, WS_CLOSE_PROTOCOL);
	}
}
END_TEST

START_TEST(masks)
{
	struct wbuf w = { 0 };
	struct ws_event ev;
	struct ws ws;

	ws_frame(&w, WS_SERVER, WS_OP_TEXT, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
	ws_init(&ws, WS_CLIENT, LIMIT);
	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, "x", 1);
	ev = first_event(&ws, &w);
	ck_assert_int_eq(ev.type, WS_BROKEN);
	ws_done(&ws);
	wbuf_free(&w);
}
END_TEST

START_TEST(mask_offsets)
{
	const uint8_t key[4] = { 1, 2, 4, 8 };
	char text[64];
	size_t at, n, i;

	for (at = 0; at < 8; at++) {
		for (n = 0; n < sizeof(text); n++) {
			memset(text, 0, sizeof(text));
			ws_mask(text, n, key, at);
			for (i = 0; i < sizeof(text); i++)
				ck_assert_int_eq(text[i], i < n ?
				    key[(at + i) % 4] : 0);
		}
	}
}
END_TEST

START_TEST(control_frames)
{
	char long_text[126] = { 0 };
	struct wbuf w = { 0 };

	raw(&w, WS_OP_PING, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
	raw(&w, WS_OP_CLOSE, "", 0);
	breaks(&w, WS_CLOSE_PROTOCOL);
	raw(&w, 0x80 | WS_OP_PONG, long_text, sizeof(long_text));
	breaks(&w, WS_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(fragments)
{
	struct wbuf w = { 0 };

	raw(&w, 0x80, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
	raw(&w, WS_OP_TEXT, "x", 1);
	raw(&w, 0x80 | WS_OP_TEXT, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
	/* none is open after the last one */
	raw(&w, WS_OP_TEXT, "x", 1);
	raw(&w, 0x80, "x", 1);
	raw(&w, 0x80, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(shortest_lengths)
{
	static const char bad16[] = "\x82\xfe\x00\x7d";
	static const char bad64[] = "\x82\xff\0\0\0\0\0\0\xff\xff";
	static const char bad63[] = "\x82\xff\x80\0\0\0\0\0\0\0";
	struct wbuf w = { 0 };

	wbuf_add(&w, bad16, 4);
	wbuf_add(&w, "keys", 4);
	breaks(&w, WS_CLOSE_PROTOCOL);
	wbuf_add(&w, bad64, 10);
	wbuf_add(&w, "keys", 4);
	breaks(&w, WS_CLOSE_PROTOCOL);
	wbuf_add(&w, bad63, 10);
	wbuf_add(&w, "keys", 4);
	breaks(&w, WS_CLOSE_PROTOCOL);
}
END_TEST

/* Refused by its header, and by the sum of its parts. */
START_TEST(too_long)
{
	char text[LIMIT + 1] = { 0 };
	struct wbuf w = { 0 };

	raw(&w, 0x82, text, LIMIT + 1);
	w.len = 8;
	breaks(&w, WS_CLOSE_TOO_BIG);
	raw(&w, WS_OP_BINARY, text, LIMIT);
	raw(&w, 0x80, text, 1);
	breaks(&w, WS_CLOSE_TOO_BIG);
}
END_TEST

START_TEST(not_utf8)
{
	static const char *const bad[] = {
		"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe2\x82", "a\x80", "\xc3\xa4\xc3"
	};
	struct wbuf w = { 0 };
	size_t i, n, cut;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = strlen(bad[i]);
		ws_frame(&w, WS_CLIENT, WS_OP_TEXT, bad[i], n);
		breaks(&w, WS_CLOSE_NOT_UTF8);
		for (cut = 0; cut <= n; cut++) {
			raw(&w, WS_OP_TEXT, bad[i], cut);
			raw(&w, 0x80, bad[i] + cut, n - cut);
			breaks(&w, WS_CLOSE_NOT_UTF8);
		}
	}
	/* with the bytes that make it so, not with the end */
	raw(&w, WS_OP_TEXT, "\xe2\x28", 2);
	breaks(&w, WS_CLOSE_NOT_UTF8);
}
END_TEST

START_TEST(closing)
{
	static const unsigned good[] = { 1000, 1003, 1007, 1014, 3000, 4999 };
	static const unsigned bad[] = { 0, 999, 1004, 1005, 1006, 1015, 2999,
		5000, 65535 };
	struct wbuf w = { 0 };
	struct ws_event ev;
	struct ws ws;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ws_init(&ws, WS_SERVER, LIMIT);
		ws_close_frame(&w, WS_CLIENT, good[i], "bye");
		ev = first_event(&ws, &w);
		ck_assert_int_eq(ev.type, WS_CLOSED);
		ck_assert_uint_eq(ev.code, good[i]);
		ck_assert_uint_eq(ev.len, 3);
		ck_assert(memcmp(ev.data, "bye", 3) == 0);
		ws_done(&ws);
		wbuf_free(&w);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ws_close_frame(&w, WS_CLIENT, bad[i], "");
		breaks(&w, WS_CLOSE_PROTOCOL);
	}
	raw(&w, 0x88, "x", 1);
	breaks(&w, WS_CLOSE_PROTOCOL);
	ws_close_frame(&w, WS_CLIENT, 1000, "\xff");
	breaks(&w, WS_CLOSE_NOT_UTF8);
	ws_init(&ws, WS_SERVER, LIMIT);
	raw(&w, 0x88, "", 0);
	ev = first_event(&ws, &w);
	ck_assert_int_eq(ev.type, WS_CLOSED);
	ck_assert_uint_eq(ev.code, WS_CLOSE_NO_CODE);
	ws_done(&ws);
	wbuf_free(&w);
}
END_TEST

/* RFC 3174 section 7.3, and the example of RFC 6455 section 1.3. */
START_TEST(accept_key)
{
	static const uint8_t abc[SHA1_SIZE] = {
		0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
		0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d
	};
	uint8_t digest[SHA1_SIZE];
	struct wbuf w = { 0 };

	sha1("abc", 3, digest);
	ck_assert_mem_eq(digest, abc, SHA1_SIZE);
	wshttp_accept(&w, slice_of("dGhlIHNhbXBsZSBub25jZQ=="));
	wbuf_add(&w, "", 1);
	ck_assert_ptr_nonnull(strstr(wbuf_data(&w),
	    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	wbuf_free(&w);
}
END_TEST

#define GET	"GET / HTTP/1.1\r\nHost: localhost:9376\r\n"
#define KEY	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define FIELDS	"Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" \
		"Sec-WebSocket-Version: 13\r\n"

START_TEST(requests)
{
	static const char good[] = GET FIELDS KEY "\r\nrest";
	static const char *const bad[] = {
		"GET /\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "\r\n\r\n",
		GET "no colon\r\n\r\n", GET " folded: x\r\n\r\n",
		GET "Host: twice\r\n\r\n", "GET / HTTP/1.1\n\n"
	};
	struct wshttp_request r;
	char big[WSHTTP_MAX + 1];
	size_t i;

	ck_assert_int_eq(wshttp_read(good, sizeof(good) - 1, &r),
	    (long)sizeof(good) - 5);
	ck_assert(r.upgrade && r.origin.p == NULL);
	ck_assert(slice_is(r.host, "localhost:9376"));
	for (i = 0; i < sizeof(good) - 6; i++)
		ck_assert_int_eq(wshttp_read(good, i, &r), 0);
	ck_assert(wshttp_read(GET FIELDS "\r\n", sizeof(GET FIELDS) + 1, &r) >
	    0 && !r.upgrade);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(wshttp_read(bad[i], strlen(bad[i]), &r), -1);
	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(wshttp_read(big, sizeof(big), &r), -1);
}
END_TEST

START_TEST(loopback)
{
	static const char *const good[] = {
		"localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:9376",
		"[::1]", "[::1]:9376"
	};
	static const char *const bad[] = {
		"", "example.org", "127.evil.example", "localhost.evil",
		"[::2]", "128.0.0.1", "[::1].evil"
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(wshttp_is_loopback(slice_of(good[i])), "%s",
		    good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!wshttp_is_loopback(slice_of(bad[i])), "%s",
		    bad[i]);
}
END_TEST

/* What a client asks a server reads, and the other way round. */
START_TEST(both_sides)
{
	static const char *const bad[] = {
		"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 101 x\r\n\r\n",
		"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
		"HTTP/1.1 101 x\n\n"
	};
	struct wbuf ask = { 0 }, answer = { 0 };
	struct wshttp_request r;
	char key[WSHTTP_KEY_SIZE];
	size_t i;

	wshttp_ask(&ask, "localhost", "/p", key);
	ck_assert_int_eq(wshttp_read(wbuf_data(&ask), ask.len, &r),
	    (long)ask.len);
	ck_assert(r.upgrade && slice_is(r.key, key) &&
	    slice_is(r.target, "/p"));
	wshttp_accept(&answer, r.key);
	for (i = 0; i < answer.len; i++)
		ck_assert_int_eq(wshttp_answer(wbuf_data(&answer), i, key), 0);
	ck_assert_int_eq(wshttp_answer(wbuf_data(&answer), answer.len, key),
	    (long)answer.len);
	key[0] ^= 1;
	ck_assert_int_eq(wshttp_answer(wbuf_data(&answer), answer.len, key),
	    -1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(wshttp_answer(bad[i], strlen(bad[i]), key),
		    -1);
	wbuf_free(&ask);
	wbuf_free(&answer);
}
END_TEST

START_TEST(urls)
{
	static const struct {
		const char	*url, *host, *path;
		uint32_t	 port;
		int		 tls;
	} good[] = {
		{ "ws://h", "h", "/", 0, 0 },
		{ "WS://h.x:1", "h.x", "/", 1, 0 },
		{ "wss://h.x:65535/", "h.x", "/", 65535, 1 },
		{ "ws://[::1]:80/a/b?c", "::1", "/a/b?c", 80, 0 },
		{ "Wss://h?q", "h", "/?q", 0, 1 },
	};
	static const char *const bad[] = {
		"", "h", "http://h", "ws://", "ws://:1", "ws://h:",
		"ws://h:x", "ws://h:1x", "ws://h/a b", "ws://h/\r\nX: y",
		"ws://[::1", "ws://[::1]x", "ws://h#f", "ws://h:123456789",
		"ws://h:65536", "wss://h:0", "ws://u@h", "ws://h/x#f",
		"ws:/h", "wss:///x"
	};
	struct wsurl u;
	char longest[600];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(wsurl_parse(good[i].url, &u), 0);
		ck_assert_str_eq(u.host, good[i].host);
		ck_assert_uint_eq(u.port, good[i].port);
		ck_assert_str_eq(u.path, good[i].path);
		ck_assert_int_eq(u.tls, good[i].tls);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(wsurl_parse(bad[i], &u) == -1, "%s", bad[i]);
	for (i = 0; i < 2; i++) {
		memset(longest, 'x', sizeof(longest) - 1);
		longest[sizeof(longest) - 1] = '\0';
		memcpy(longest, i == 0 ? "ws://" : "ws://h/", i == 0 ? 5 : 7);
		ck_assert_int_eq(wsurl_parse(longest, &u), -1);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ws");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, lengths);
	tcase_add_test(tc, any_pieces);
	tcase_add_test(tc, reserved_bits);
	tcase_add_test(tc, unknown_opcodes);
	tcase_add_test(tc, masks);
	tcase_add_test(tc, mask_offsets);
	tcase_add_test(tc, control_frames);
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, shortest_lengths);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, not_utf8);
	tcase_add_test(tc, closing);
	tcase_add_test(tc, accept_key);
	tcase_add_test(tc, requests);
	tcase_add_test(tc, loopback);
	tcase_add_test(tc, both_sides);
	tcase_add_test(tc, urls);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
