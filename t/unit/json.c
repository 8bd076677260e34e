/* SPDX-License-Identifier: ISC */
/*
 * Tests of the JSON scanner and writer: a corpus, borderline texts and a
 * million mutated ones, on all of which jansson must agree.
 */
#include "compat.h"

#include <sys/mman.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json_agree.h"
#include "json_corpus.h"
#include "test.h"

#define ARENA		(256 * 1024)
#define MUTATIONS	1000000
#define MUTANT_MAX	4096
#define TIMEOUT		600	/* seconds, for slow builds with sanitizers */

static struct json_keys	*keys;
static char		*arena_end;	/* what follows cannot be read */
static uint64_t		 random_state;

/* What mutations put in: what JSON is made of, and what it must not have. */
static const char *const tokens[] = {
	"{", "}", "[", "]", ":", ",", "\"", "\\", "\"a\":", "\"text\":",
	"{\"a\":1}", "[1,2]", "\"\"", "\"\\n\"", "true", "false", "null", "0",
	"-", "-0", "1", "9", "1.5", "0.", "e", "E+", "e-", "1e308", "1e309",
	"1e-400", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "17976931348623157e292", "\\u0000", "\\u0061",
	"\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\u", "\\\"", "\\\\", "\\/",
	"\\b", "\\x", "caf\303\251", "\303", "\251", "\342\202\254", "\355\240",
	"\360\237\230\200", "\364\220", "\377", "\357\273\277", " ", "\t",
	"\n", "\r", "\f", "\001", "\177", "/**/", "        ", "aaaaaaaa",
	"\"a\":\"b\",", "\"\\u0061\":", "[[[[", "]]]]"
};
#define TOKENS	(sizeof(tokens) / sizeof(tokens[0]))

/* Makes the arena, which ends where a page without access begins. */
static void
setup(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p;

	p = mmap(NULL, ARENA + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (p == MAP_FAILED || mprotect(p + ARENA, page, PROT_NONE) == -1)
		ck_abort_msg("no memory with a guard page");
	arena_end = p + ARENA;
	keys = agree_keys();
}

static void
teardown(void)
{
	munmap(arena_end - ARENA,
	    ARENA + (size_t)sysconf(_SC_PAGESIZE));
	json_keys_free(keys);
}

/* A copy of the text whose end is the end of what can be read. */
static const char *
at_end(const char *text, size_t len)
{
	ck_assert_uint_le(len, ARENA);
	return memcpy(arena_end - len, text, len);
}

static int
agree(const char *text, size_t len)
{
	const char *bad;
	int valid;

	if ((bad = agree_text(keys, at_end(text, len), len, &valid)) != NULL)
		ck_abort_msg("disagreement on %s: %.*s", bad,
		    (int)(len < 2000 ? len : 2000), text);
	return valid;
}

static void
expect(const char *text, size_t len, int valid)
{
	int got = agree(text, len);

	ck_assert_msg(got == valid, "%d, not %d: %.200s", got, valid, text);
}

/* Scans an object, which must be valid. */
static void
scan(const char *text, const struct json_keys *k, struct json_value *out)
{
	ck_assert_msg(json_scan(text, strlen(text), k, out) == 0, "%s", text);
}

/* The first member "a" of an object. */
static struct json_value
scan_a(const char *text)
{
	static const char *const names[] = { "a" };
	struct json_keys *k = json_keys_new(names, 1);
	struct json_value v;

	scan(text, k, &v);
	json_keys_free(k);
	return v;
}

START_TEST(test_corpus)
{
	size_t i;

	ck_assert_uint_ge(CORPUS, 250);
	for (i = 0; i < CORPUS; i++)
		expect(corpus[i].text, corpus[i].len, corpus[i].valid);
}
END_TEST

/* Each text cut short at each place, and with each byte as its end. */
START_TEST(test_prefixes)
{
	char buf[512];
	size_t i, n, c;

	for (i = 0; i < CORPUS; i++)
		for (n = 0; n <= corpus[i].len; n++) {
			agree(corpus[i].text, n);
			agree(corpus[i].text + n, corpus[i].len - n);
		}
	for (i = 0; i < CORPUS; i += 7)
		for (n = 0; n < corpus[i].len && n < sizeof(buf) - 1; n++)
			for (c = 0; c < 256; c += 5) {
				memcpy(buf, corpus[i].text, n);
				buf[n] = (char)(c + i % 5);
				agree(buf, n + 1);
			}
}
END_TEST

/* n containers within each other, of the kinds that the pattern repeats. */
static void
nest(struct wbuf *w, const char *pattern, size_t n, const char *inner)
{
	size_t i, len = strlen(pattern);

	wbuf_reset(w);
	for (i = 0; i < n; i++)
		wbuf_adds(w, pattern[i % len] == '[' ? "[" : "{\"a\":");
	wbuf_adds(w, inner);
	while (i-- > 0)
		wbuf_adds(w, pattern[i % len] == '[' ? "]" : "}");
}

START_TEST(test_depth)
{
	static const char *const patterns[] = { "[", "[{", "{[[", "[[[[[[[{" };
	struct wbuf w = { 0 };
	size_t i, n;
	int valid;

	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		valid = patterns[i][0] == '[' ? 2 : 1;
		for (n = 1; n <= 2100; n += n < 140 || n > 2040 ? 1 : 64) {
			nest(&w, patterns[i], n, "0");
			expect(wbuf_data(&w), w.len, n < 2048 ? valid : 0);
			nest(&w, patterns[i], n, "[]");
			expect(wbuf_data(&w), w.len, n < 2048 ? valid : 0);
			nest(&w, patterns[i], n, "\"a\",\"b\"");
			agree(wbuf_data(&w), w.len);
		}
	}
	nest(&w, "[", 2048, "");
	expect(wbuf_data(&w), w.len, 2);
	expect(wbuf_data(&w), w.len - 1, 0);
	nest(&w, "[", 2049, "");
	expect(wbuf_data(&w), w.len, 0);
	nest(&w, "[{", 10000, "");
	expect(wbuf_data(&w), w.len, 0);
	expect(wbuf_data(&w), 10000, 0);
	wbuf_free(&w);
}
END_TEST

/* A closing bracket of the wrong kind, at each depth. */
START_TEST(test_brackets)
{
	struct wbuf w = { 0 };
	char *p;
	size_t n;

	for (n = 1; n < 200; n++) {
		nest(&w, "{[[{{[", n, "1");
		ck_assert_int_ne(agree(wbuf_data(&w), w.len), 0);
		p = strchr(wbuf_room(&w, 0) - w.len, '1') + 1;
		for (; p < wbuf_data(&w) + w.len; p += n / 3 + 1) {
			*p = *p == ']' ? '}' : ']';
			expect(wbuf_data(&w), w.len, 0);
			*p = *p == ']' ? '}' : ']';
		}
	}
	wbuf_free(&w);
}
END_TEST

/* before, n times the digit, after, as the only element of an array. */
static void
number(struct wbuf *w, const char *before, char digit, size_t n,
    const char *after)
{
	wbuf_reset(w);
	wbuf_adds(w, "[");
	wbuf_adds(w, before);
	memset(wbuf_room(w, n), digit, n);
	w->len += n;
	wbuf_adds(w, after);
	wbuf_adds(w, "]");
}

/* Numbers of hundreds of digits around the largest double. */
START_TEST(test_long_numbers)
{
	struct wbuf w = { 0 };
	char exponent[32];
	size_t n;

	for (n = 1; n < 400; n++) {
		number(&w, "1", '0', n, ".0");
		expect(wbuf_data(&w), w.len, n <= 308 ? 2 : 0);
		number(&w, "-", '9', n, "e0");
		expect(wbuf_data(&w), w.len, n <= 308 ? 2 : 0);
		number(&w, "0.", '0', n, "1e310");
		expect(wbuf_data(&w), w.len, 2);
		number(&w, "0.", '0', n, "17e310");
		agree(wbuf_data(&w), w.len);
		snprintf(exponent, sizeof(exponent), "e-%zu", n);
		number(&w, "1", '0', 400, exponent);
		expect(wbuf_data(&w), w.len, n >= 92 ? 2 : 0);
		number(&w, "", '7', n, "");
		expect(wbuf_data(&w), w.len, n <= 19 ? 2 : 0);
	}
	number(&w, "0.", '0', 100000, "1e100308");
	agree(wbuf_data(&w), w.len);
	number(&w, "0.", '0', 100000, "1e100310");
	expect(wbuf_data(&w), w.len, 0);
	number(&w, "0.", '0', 100000, "e100310");
	expect(wbuf_data(&w), w.len, 2);
	number(&w, "1", '0', 100000, "e-99700");
	expect(wbuf_data(&w), w.len, 2);
	wbuf_free(&w);
}
END_TEST

/* The halfway point between the largest double and infinity, exactly. */
START_TEST(test_halfway)
{
	static const char half[] =
	    "17976931348623158079372897140530341507993413271003782693617377"
	    "89804449682927647509466490179775872070963302864166928879109465"
	    "55547851940402630657488671505820681908902000708383676273854845"
	    "81771153176447573027006985557136695962284291481986083493647529"
	    "2719074168444365510704342711559699508093042880177904174497792";
	struct wbuf w = { 0 };
	char below[sizeof(half)];

	ck_assert_uint_eq(strlen(half), 309);
	memcpy(below, half, sizeof(half));
	below[strlen(below) - 2] = '7';		/* ...772 */
	number(&w, half, '0', 0, ".0");
	expect(wbuf_data(&w), w.len, 0);
	number(&w, half, '0', 1000, "e-1000");
	expect(wbuf_data(&w), w.len, 0);
	number(&w, half, '0', 0, "0.1e-1");
	expect(wbuf_data(&w), w.len, 0);
	number(&w, below, '0', 0, ".0");
	expect(wbuf_data(&w), w.len, 2);
	number(&w, below, '9', 1000, "e-1000");
	expect(wbuf_data(&w), w.len, 2);
	wbuf_reset(&w);
	wbuf_printf(&w, "[-0.0000%se313]", below);
	expect(wbuf_data(&w), w.len, 2);
	wbuf_reset(&w);
	wbuf_printf(&w, "[-0.0000%se313]", half);
	expect(wbuf_data(&w), w.len, 0);
	wbuf_free(&w);
}
END_TEST

/* Each byte at each place of a string, before and behind plain text. */
START_TEST(test_string_places)
{
	char buf[64];
	size_t len, i;
	int c, plain;

	for (len = 1; len < 36; len++) {
		memset(buf, 'x', sizeof(buf));
		memcpy(buf, "[\"", 2);
		memcpy(buf + 2 + len, "\"]", 2);
		for (i = 2; i < 2 + len; i++) {
			for (c = 0; c < 256; c++) {
				buf[i] = (char)c;
				plain = c >= 32 && c < 128 && c != '"' &&
				    c != '\\';
				expect(buf, len + 4, plain ? 2 : 0);
			}
			buf[i] = 'x';
		}
	}
}
END_TEST

START_TEST(test_keys_64)
{
	struct json_value out[JSON_KEYS_MAX];
	struct wbuf w = { 0 };
	struct json_keys *k;
	const char *names[JSON_KEYS_MAX];
	char name[JSON_KEYS_MAX][16];
	int64_t n;
	int i;

	for (i = 0; i < JSON_KEYS_MAX; i++) {
		/* The first, middle and last bytes are all the same. */
		snprintf(name[i], sizeof(name[i]), "a%02dxa%02da", i, 99 - i);
		names[i] = name[i];
	}
	k = json_keys_new(names, JSON_KEYS_MAX);
	json_begin(&w, '{');
	for (i = JSON_KEYS_MAX - 1; i >= 0; i--) {
		json_put_int(&w, name[i], -1);
		json_put_int(&w, name[i], i);
		json_put_null(&w, "a00xa00a");
	}
	json_end(&w, '}');
	ck_assert_int_eq(json_scan(wbuf_data(&w), w.len, k, out), 0);
	for (i = 0; i < JSON_KEYS_MAX; i++) {
		ck_assert_int_eq(json_int(&out[i], 0, 63, &n), 0);
		ck_assert_int_eq(n, i);
	}
	json_keys_free(k);
	wbuf_free(&w);
}
END_TEST

START_TEST(test_keys_few)
{
	static const char *const names[] = { "type", "" };
	struct json_keys *k = json_keys_new(names, 2);
	struct json_keys *none = json_keys_new(NULL, 0);
	struct json_value out[2];

	scan("{}", k, out);
	ck_assert_int_eq(out[0].type, JS_ABSENT);
	ck_assert_int_eq(out[1].type, JS_ABSENT);
	scan(" {\"\":{\"type\":1} , \"t\\u0079pe\":\"\\u0061\"} ", k, out);
	ck_assert_int_eq(out[0].type, JS_STRING);
	ck_assert_int_eq(out[0].escaped, 1);
	ck_assert_uint_eq(out[0].len, 6);
	ck_assert_int_eq(out[1].type, JS_OBJECT);
	ck_assert_uint_eq(out[1].len, strlen("{\"type\":1}"));
	ck_assert_mem_eq(out[1].p, "{\"type\":1}", out[1].len);
	ck_assert_int_eq(json_scan("[]", 2, k, out), -1);
	ck_assert_int_eq(json_scan("[]", 2, none, NULL), -1);
	ck_assert_int_eq(json_scan("{\"a\":1}", 7, none, NULL), 0);
	ck_assert_int_eq(json_scan("{\"a\":1", 6, none, NULL), -1);
	ck_assert_int_eq(json_scan(NULL, 0, k, out), -1);
	ck_assert_int_eq(json_scan(NULL, 0, NULL, NULL), -1);
	json_keys_free(k);
	json_keys_free(none);
	json_keys_free(NULL);
}
END_TEST

START_TEST(test_next)
{
	static const int types[] = { JS_NUMBER, JS_STRING, JS_ARRAY, JS_OBJECT,
	    JS_NULL, JS_TRUE, JS_FALSE, JS_ARRAY, JS_STRING };
	static const char *const texts[] = { "-1.5", "a\\\"]", "[ 1 , [2]]",
	    "{\"]\":[\"[\"]}", "null", "true", "false", "[]", "" };
	struct json_value v, e;
	size_t pos = 0, i;

	v = scan_a("{\"a\": [ -1.5,\"a\\\"]\" ,[ 1 , [2]], {\"]\":[\"[\"]},"
	    "null ,\ttrue,\nfalse,[],\"\" ]\r}");
	ck_assert_int_eq(v.type, JS_ARRAY);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ck_assert_int_eq(json_next(&v, &pos, &e), 1);
		ck_assert_int_eq(e.type, types[i]);
		ck_assert_uint_eq(e.len, strlen(texts[i]));
		ck_assert_mem_eq(e.p, texts[i], e.len);
		ck_assert_int_eq(e.escaped, i == 1);
	}
	ck_assert_int_eq(json_next(&v, &pos, &e), 0);
	ck_assert_int_eq(json_next(&v, &pos, &e), 0);
	v = scan_a("{\"a\":[ ]}");
	pos = 0;
	ck_assert_int_eq(json_next(&v, &pos, &e), 0);
	v = scan_a("{\"a\":{\"b\":1}}");
	ck_assert_int_eq(json_next(&v, &pos, &e), 0);
	v = scan_a("{}");
	ck_assert_int_eq(json_next(&v, &pos, &e), 0);
}
END_TEST

START_TEST(test_decode)
{
	struct json_value v, absent;
	char buf[64];

	v = scan_a("{\"a\":\"x\\n\\u00e9\\u20ac\\ud83d\\ude00\\/\303\251\"}");
	ck_assert_int_eq(json_decode(&v, buf, 14), 14);
	ck_assert_mem_eq(buf, "x\n\303\251\342\202\254\360\237\230\200/"
	    "\303\251", 14);
	ck_assert_int_eq(json_decode(&v, buf, 13), -1);
	ck_assert_int_eq(json_decode(&v, buf, 0), -1);
	ck_assert_int_eq(json_str(&v, buf, 14), -1);
	ck_assert_int_eq(json_str(&v, buf, 15), 14);
	ck_assert_uint_eq(strlen(buf), 14);
	ck_assert_uint_eq(json_units(&v), 8);
	v = scan_a("{\"a\":\"\"}");
	ck_assert_int_eq(json_decode(&v, NULL, 0), 0);
	ck_assert_int_eq(json_str(&v, buf, 1), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(json_str(&v, NULL, 0), -1);
	v = scan_a("{\"a\":12}");
	ck_assert_int_eq(json_decode(&v, buf, sizeof(buf)), -1);
	ck_assert_int_eq(json_str(&v, buf, sizeof(buf)), -1);
	ck_assert_uint_eq(json_units(&v), 0);
	absent = scan_a("{}");
	ck_assert_int_eq(json_decode(&absent, buf, sizeof(buf)), -1);
	ck_assert_int_eq(json_str(&absent, buf, sizeof(buf)), -1);
	ck_assert_uint_eq(json_units(&absent), 0);
}
END_TEST

START_TEST(test_int)
{
	static const struct {
		const char	*text;
		int64_t		 min, max, n;
		int		 ret;
	} t[] = {
		{ "{\"a\":0}", 0, 0, 0, 0 },
		{ "{\"a\":-0}", 0, 0, 0, 0 },
		{ "{\"a\":17}", 1, 20, 17, 0 },
		{ "{\"a\":17}", 1, 16, 0, -1 },
		{ "{\"a\":17}", 18, 20, 0, -1 },
		{ "{\"a\":-5}", -5, -5, -5, 0 },
		{ "{\"a\":-5}", 0, INT64_MAX, 0, -1 },
		{ "{\"a\":9223372036854775807}", INT64_MIN, INT64_MAX,
		    INT64_MAX, 0 },
		{ "{\"a\":-9223372036854775808}", INT64_MIN, INT64_MAX,
		    INT64_MIN, 0 },
		{ "{\"a\":1.0}", 0, 10, 0, -1 },
		{ "{\"a\":1e0}", 0, 10, 0, -1 },
		{ "{\"a\":\"1\"}", 0, 10, 0, -1 },
		{ "{\"a\":true}", 0, 10, 0, -1 },
		{ "{\"a\":null}", 0, 10, 0, -1 },
		{ "{\"a\":[1]}", 0, 10, 0, -1 },
		{ "{}", 0, 10, 0, -1 }
	};
	struct json_value v;
	int64_t n;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = 0;
		v = scan_a(t[i].text);
		ck_assert_msg(json_int(&v, t[i].min, t[i].max, &n) ==
		    t[i].ret && n == t[i].n, "%s", t[i].text);
	}
}
END_TEST

static void
check_utf8(const unsigned char *s, size_t len)
{
	const char *p = at_end((const char *)s, len);
	json_t *j = json_stringn(p, len);

	ck_assert_int_eq(utf8_valid(p, len), j != NULL);
	if (j != NULL)
		ck_assert_uint_eq(utf16_units(p, len), agree_units(p, len));
	json_decref(j);
}

/* Every sequence that can begin a character, as jansson judges it. */
START_TEST(test_utf8)
{
	static const unsigned char next[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f,
	    0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	unsigned char s[4];
	unsigned lead, second;
	size_t i, k;

	ck_assert_int_eq(utf8_valid(NULL, 0), 1);
	for (lead = 0; lead < 0x100; lead++) {
		s[0] = (unsigned char)lead;
		check_utf8(s, 1);
		for (second = 0; second < 0x100; second++) {
			s[1] = (unsigned char)second;
			check_utf8(s, 2);
			for (i = 0; i < sizeof(next); i++) {
				s[2] = next[i];
				check_utf8(s, 3);
				s[3] = next[second % sizeof(next)];
				check_utf8(s, 4);
			}
			for (k = 0; lead >= 0xe0 && k < sizeof(next); k++) {
				s[2] = next[3 + lead % 4];
				s[3] = next[k];
				check_utf8(s, 4);
			}
		}
	}
}
END_TEST

START_TEST(test_units)
{
	static const char smile[] = "\360\237\230\200";
	char buf[80];
	size_t i, n;

	ck_assert_uint_eq(utf16_units(NULL, 0), 0);
	for (i = 0; i < 40; i++)
		for (n = i; n < 60; n++) {
			memset(buf, 'x', n);
			memcpy(buf + i, smile, 4);
			memset(buf + i + 4, 'y', sizeof(buf) - i - 4);
			ck_assert_uint_eq(utf16_units(buf, n + 4), n + 2);
			ck_assert_int_eq(utf8_valid(buf, n + 4), 1);
			ck_assert_int_eq(utf8_valid(buf, i + 3), 0);
			buf[i + 1] = 'z';
			ck_assert_int_eq(utf8_valid(buf, n + 4), 0);
		}
}
END_TEST

START_TEST(test_write_members)
{
	struct wbuf w = { 0 };
	struct slice raw = { "as \\u0069s", 10 };

	json_begin(&w, '{');
	json_put_str(&w, "s", "a\"b\\c\n");
	json_put_strn(&w, "n", "xyz", 2);
	json_put_raw(&w, "r", raw);
	json_put_int(&w, "0", 0);
	json_put_int(&w, "min", INT64_MIN);
	json_put_int(&w, "max", INT64_MAX);
	json_put_bool(&w, "t", 2);
	json_put_bool(&w, "f", 0);
	json_put_null(&w, "z");
	json_key(&w, "a");
	json_begin(&w, '[');
	json_comma(&w);
	json_add_str(&w, "{", 1);
	json_comma(&w);
	json_add_raw(&w, raw);
	json_comma(&w);
	json_begin(&w, '{');
	json_end(&w, '}');
	json_end(&w, ']');
	json_put_str(&w, "e", "");
	json_end(&w, '}');
	put_u8(&w, 0);
	ck_assert_str_eq(wbuf_data(&w),
	    "{\"s\":\"a\\\"b\\\\c\\n\",\"n\":\"xy\","
	    "\"r\":\"as \\u0069s\",\"0\":0,\"min\":-9223372036854775808,"
	    "\"max\":9223372036854775807,\"t\":true,\"f\":false,\"z\":null,"
	    "\"a\":[\"{\",\"as \\u0069s\",{}],\"e\":\"\"}");
	wbuf_free(&w);
}
END_TEST

static void
writes(const char *text, size_t len, const char *want)
{
	struct wbuf w = { 0 };

	json_add_str(&w, at_end(text, len), len);
	ck_assert_uint_eq(w.len, strlen(want));
	ck_assert_mem_eq(wbuf_data(&w), want, w.len);
	wbuf_free(&w);
}

START_TEST(test_write_strings)
{
#define W(text, want) writes(text, sizeof(text) - 1, "\"" want "\"")
#define BAD "\357\277\275"
	W("", "");
	W("plain /'\177 text", "plain /'\177 text");
	W("\n\r\t\b\f\"\\", "\\n\\r\\t\\b\\f\\\"\\\\");
	W("\0\001\013\037", "\\u0000\\u0001\\u000b\\u001f");
	W("12345678\n12345678\n1234", "12345678\\n12345678\\n1234");
	W("caf\303\251 \342\202\254 \360\237\230\200",
	    "caf\303\251 \342\202\254 \360\237\230\200");
	/* One U+FFFD for what begins a character, and for all else a byte. */
	W("a\377b", "a" BAD "b");
	W("\200\277", BAD BAD);
	W("\303", BAD);
	W("\303\"", BAD "\\\"");
	W("\342\202", BAD);
	W("\342\202\n", BAD "\\n");
	W("\360\237\230x", BAD "x");
	W("\300\257", BAD BAD);
	W("\355\240\200", BAD BAD BAD);
	W("\364\220\200\200", BAD BAD BAD BAD);
	W("\360\237\303\251", BAD "\303\251");
#undef BAD
#undef W
}
END_TEST

static uint64_t
random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static size_t
random_below(size_t n)
{
	return (size_t)(random_next() >> 33) % n;
}

/* Replaces n bytes at at by add[len]. */
static size_t
splice(char *buf, size_t size, size_t at, size_t n, const char *add,
    size_t len)
{
	if (size - n + len > MUTANT_MAX)
		return size;
	memmove(buf + at + len, buf + at + n, size - at - n);
	memcpy(buf + at, add, len);
	return size - n + len;
}

/* Changes a text of size bytes at one place and returns its new size. */
static size_t
mutate(char *buf, size_t size)
{
	const struct text *t = &corpus[random_below(CORPUS)];
	const char *token = tokens[random_below(TOKENS)];
	size_t at = random_below(size + 1), from = random_below(t->len + 1);
	size_t n = random_below(8);
	char c = (char)random_next();

	if (n > size - at)
		n = size - at;
	switch (random_below(8)) {
	case 0:		/* flip a bit */
		if (at < size)
			buf[at] ^= (char)(1 << random_below(8));
		return size;
	case 1:		/* another byte */
		return splice(buf, size, at, n > 0, &c, 1);
	case 2:		/* a byte more */
		return splice(buf, size, at, 0, &c, 1);
	case 3:		/* delete some */
		return splice(buf, size, at, n, "", 0);
	case 4:		/* a part of another text */
		return splice(buf, size, at, 0, t->text + from,
		    random_below(t->len - from + 1));
	case 5:		/* a token instead of some */
		return splice(buf, size, at, n, token, strlen(token));
	case 6:		/* cut off */
		return random_below(4) == 0 ? at : size;
	default:	/* a token more */
		return splice(buf, size, at, 0, token, strlen(token));
	}
}

START_TEST(test_mutations)
{
	const char *seed = getenv("JSON_SEED");
	const struct text *t;
	char buf[MUTANT_MAX];
	unsigned long i, valid = 0;
	size_t size, n;

	random_state = seed != NULL ? strtoull(seed, NULL, 0) : 20250101;
	if (random_state == 0)
		random_state = 1;
	printf("json: seed %llu\n", (unsigned long long)random_state);
	fflush(stdout);
	for (i = 0; i < MUTATIONS; i++) {
		do
			t = &corpus[random_below(CORPUS)];
		while (t->valid == 0 && i % 8 != 0);
		size = t->len;
		memcpy(buf, t->text, size);
		for (n = random_below(3) + 1; n > 0; n--)
			size = mutate(buf, size);
		valid += agree(buf, size) != 0;
	}
	printf("json: %lu of %d mutated texts were valid\n", valid, MUTATIONS);
	ck_assert_uint_gt(valid, MUTATIONS / 20);
}
END_TEST

/* Each test is a case of its own, so that a report names it. */
static void
add(Suite *s, const TTest *test)
{
	TCase *tc = tcase_create(test->name);

	tcase_set_timeout(tc, TIMEOUT);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test);
	suite_add_tcase(s, tc);
}

static Suite *
json_suite(void)
{
	const TTest *const tests[] = {
		test_corpus, test_prefixes, test_depth, test_brackets,
		test_long_numbers, test_halfway, test_string_places,
		test_keys_64, test_keys_few, test_next, test_decode, test_int,
		test_utf8, test_units, test_write_members, test_write_strings,
		test_mutations
	};
	Suite *s = suite_create("json");
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		add(s, tests[i]);
	return s;
}

int
main(void)
{
	return suite_run(json_suite());
}
