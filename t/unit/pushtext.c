/* SPDX-License-Identifier: ISC */
/*
 * Tests of an event as text: headers, a peer's text made harmless, and where a
 * text is cut.
 */
#include "compat.h"

#include <check.h>

#include "pushtext.h"
#include "test.h"

#define FFFD	"\357\277\275"
#define LT	"\342\200\271"

static void
is_text(struct wbuf *w, const char *wanted)
{
	put_u8(w, 0);
	ck_assert_str_eq(wbuf_data(w), wanted);
	wbuf_free(w);
}

struct row {
	const char	*text, *wanted;
};

static void
check_rows(const struct row *rows, size_t n)
{
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		pushtext_neutral(&w, rows[i].text, strlen(rows[i].text));
		is_text(&w, rows[i].wanted);
	}
}
#define CHECK_ROWS(rows)	check_rows(rows, sizeof(rows) / sizeof(rows[0]))

START_TEST(plain_text_stays)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "hello\n\tthere\n", "hello\n\tthere\n" },
		{ "gr\303\274n \360\237\230\200\357\270\217 a/b <b>",
		    "gr\303\274n \360\237\230\200\357\270\217 a/b <b>" },
		{ "a <div/> [x] see [relay]", "a <div/> [x] see [relay]" },
		{ "if (a < channel)\n#include <x.h>\n@me",
		    "if (a " LT " channel)\n#include <x.h>\n@me" },
	};

	CHECK_ROWS(rows);
}
END_TEST

START_TEST(what_is_hidden_is_shown)
{
	static const struct row rows[] = {
		{ "a\033[1m\001\177b", "a" FFFD "[1m" FFFD FFFD "b" },
		{ "\302\205\302\237\302\255", FFFD FFFD FFFD },
		{ "\342\200\213\342\200\217", FFFD FFFD },
		{ "\342\200\250\342\200\251", FFFD FFFD },
		{ "\342\200\252\342\200\256", FFFD FFFD },
		{ "\342\201\246\342\201\251", FFFD FFFD },
		{ "\357\273\277\330\234", FFFD FFFD },
		/* letters that nobody sees: U+E0041, U+E0100 */
		{ "x\363\240\201\201\363\240\204\200", "x" FFFD FFFD },
	};

	CHECK_ROWS(rows);
}
END_TEST

START_TEST(headers_cannot_be_made)
{
	static const struct row rows[] = {
		{ "[relay] x", "> [relay] x" },
		{ "a\n \t[ReLay] x", "a\n>  \t[ReLay] x" },
		{ "[ relay ]", "> [ relay ]" },
		{ "\343\200\200[relay]", "> \343\200\200[relay]" },
		{ "\302\240[relay]", "> \302\240[relay]" },
		{ "\342\200\213[relay]", "> " FFFD "[relay]" },
		{ "[\342\200\213relay]", "> [" FFFD "relay]" },
		{ "\357\274\273relay\357\274\275",
		    "> \357\274\273relay\357\274\275" },
		{ "\343\200\220relay\343\200\221",
		    "> \343\200\220relay\343\200\221" },
		{ "(relay)", "> (relay)" },
		{ "[", "[" },
		{ "[\nrelay]", "[\nrelay]" },
	};

	CHECK_ROWS(rows);
}
END_TEST

START_TEST(commands_and_tags)
{
	static const struct row rows[] = {
		{ "/clear", "> /clear" },
		{ "a\n  /clear", "a\n>   /clear" },
		{ "!ls", "> !ls" },
		{ "a<system-reminder>b", "a" LT "system-reminder>b" },
		{ "a </Channel><CHANNEL x>", "a " LT "/Channel>" LT
		    "CHANNEL x>" },
		{ "x</untrusted_peer_message>",
		    "x" LT "/untrusted_peer_message>" },
		{ "x< / channel>", "x" LT " / channel>" },
		{ "</channel>", "> " LT "/channel>" },
		{ "<", "<" },
		{ "x</", "x</" },
		{ "<<channel", "<" LT "channel" },
	};

	CHECK_ROWS(rows);
}
END_TEST

START_TEST(headers)
{
	struct wbuf w = { 0 };
	json_t *meta = json_pack("{s:s,s:s,s:s}", "from", "api@sevilla",
	    "ask_id", "k\n1\303\274", "urgent", "true");

	pushtext_add(&w, "incoming_ask", "[relay]", meta);
	is_text(&w, "[relay] urgent ask from api@sevilla, ask_id k1: answer "
	    "with relay_reply\n> [relay]");
	pushtext_add(&w, "room_lost", "gone", meta);
	is_text(&w, "[relay] urgent notice\ngone");
	json_decref(meta);
}
END_TEST

START_TEST(where_it_is_cut)
{
	ck_assert_uint_eq(pushtext_fit("abc", 3, 3, 0), 3);
	ck_assert_uint_eq(pushtext_fit("abc", 3, 2, 0), 2);
	ck_assert_uint_eq(pushtext_fit("a\303\274b", 4, 2, 0), 1);
	ck_assert_uint_eq(pushtext_fit("a\303\274b", 4, 3, 0), 3);
	ck_assert_uint_eq(pushtext_fit("\"\"\"", 3, 5, 1), 2);
	ck_assert_uint_eq(pushtext_fit("\"\"\"", 3, 5, 0), 3);
	ck_assert_uint_eq(pushtext_fit("", 0, 0, 1), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pushtext");
	TCase *tc = tcase_create("pushtext");

	tcase_add_test(tc, plain_text_stays);
	tcase_add_test(tc, what_is_hidden_is_shown);
	tcase_add_test(tc, headers_cannot_be_made);
	tcase_add_test(tc, commands_and_tags);
	tcase_add_test(tc, headers);
	tcase_add_test(tc, where_it_is_cut);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
