/* SPDX-License-Identifier: ISC */
/*
 * inbox with query, and hubctl search: what is found, in which order, that it
 * changes nothing, and that nobody finds what was not sent to him.  Most is
 * done twice, before and after the index of words has been made.
 */
#include "compat.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

static struct tenv *
begin(const char *conf)
{
	struct tenv	*t = tenv_new();

	if (conf != NULL)
		hub_conf(t, conf);
	hub_start(t);
	return (t);
}

/* The texts that are found, newest first, separated by '|'. */
#define finds(c, query, texts) AT(finds_(c, query, texts))
static void
finds_(struct conn *c, const char *query, const char *texts)
{
	char	 found[2048] = "";
	json_t	*j, *m;
	size_t	 i;

	j = rpc_(c, "{s:s,s:s}", "type", "inbox", "query", query);
	is_str_(j, "type", "inbox_result");
	json_array_foreach(json_object_get(j, "messages"), i, m) {
		if (i > 0)
			strlcat(found, "|", sizeof(found));
		strlcat(found, str_of_(m, "text"), sizeof(found));
	}
	if (strcmp(found, texts) != 0)
		t_fail("%s finds %s, should find %s", query, found, texts);
	is_int_(j, "remaining", 0);
	is_absent_(j, "dropped");
}

/* The log of the database names what the first step of indexing has left. */
static int
has_index(void *arg)
{
	static const char	 mark[] = "search mail";
	struct tenv		*t = arg;
	char			 buf[65536 + sizeof(mark)];
	size_t			 n, kept = 0;
	int			 found = 0;
	FILE			*f;

	if ((f = fopen(tenv_path(t, "d/relay.db-wal"), "r")) == NULL)
		return (0);
	while (!found && (n = fread(buf + kept, 1, 65536, f)) > 0) {
		n += kept;
		found = memmem(buf, n, mark, sizeof(mark) - 1) != NULL;
		kept = n < sizeof(mark) ? n : sizeof(mark);
		memmove(buf, buf + n - kept, kept);
	}
	fclose(f);
	return (found);
}

static void
wait_for_index(struct tenv *t)
{
	want(t_until(t, has_index, t, T_WAIT), "nothing is indexed");
}

static void
find_words(struct conn *b)
{
	finds(b, "deploy", "Deploy of caf\u00e9 failed|we deploy at noon");
	finds(b, "DEPLOY noon", "we deploy at noon");
	finds(b, "noon deploy", "we deploy at noon");
	finds(b, "deploy tests", "");
	finds(b, "\"deploy at noon\"", "we deploy at noon");
	finds(b, "\"at deploy\"", "");
	finds(b, "depl", "");
	finds(b, "depl*", "Deploy of caf\u00e9 failed|we deploy at noon");
	finds(b, "cafe", "Deploy of caf\u00e9 failed");
	finds(b, "src/main.c", "see src/main.c:42");
	finds(b, "main.src", "");
	finds(b, "\u90e8\u7f72", "\u8bf7\u90e8\u7f72\u670d\u52a1");
	/* what a text has, not how it came */
	finds(b, "u00e9", "");
	finds(b, "n", "");
	finds(b, "second", "first line\nsecond \"line\"");
	finds(b, "\"line second\"", "first line\nsecond \"line\"");
}

START_TEST(words)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	send_text(a, "b", "we deploy at noon", NULL);
	send_text(a, "b", "see src/main.c:42", NULL);
	say_text(a, "{\"type\":\"send\",\"to\":\"b\",\"text\":"
	    "\"Deploy of caf\\u00e9 failed\"}");
	say_text(a, "{\"type\":\"send\",\"to\":\"b\",\"text\":"
	    "\"first line\\nsecond \\\"line\\\"\"}");
	hear(a, "send_ack");
	hear(a, "send_ack");
	send_text(a, "b", "\u8bf7\u90e8\u7f72\u670d\u52a1", NULL);
	find_words(b);
	wait_for_index(t);
	find_words(b);
	send_text(a, "b", "not in the index yet", NULL);
	finds(b, "index", "not in the index yet");
	find_words(b);
	conn_close(b);
	hub_stop(t, SIGTERM);
	hub_start(t);
	b = client_new(t, "b", NULL);
	find_words(b);
	finds(b, "index yet", "not in the index yet");
	tenv_end(t);
}
END_TEST

START_TEST(how_many)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", NULL);
	char		 id[16];
	json_t		*j, *list;
	int		 i;

	for (i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "n-%d", i);
		say(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", i % 2 == 0 ? "even" : "odd", "msg_id", id);
	}
	for (i = 0; i < 30; i++)
		hear(a, "send_ack");
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "even OR odd");
	is_list(j, "messages", 0);
	j = rpc(b, "{s:s,s:s,s:i}", "type", "inbox", "query", "even",
	    "limit", 4);
	list = is_list(j, "messages", 4);
	is_int(j, "remaining", 11);
	is_str(json_array_get(list, 0), "msg_id", "n-28");
	is_str(json_array_get(list, 3), "msg_id", "n-22");
	j = rpc(b, "{s:s,s:s,s:i}", "type", "inbox", "query", "odd",
	    "recent", 2);
	list = is_list(j, "messages", 2);
	is_str(json_array_get(list, 0), "msg_id", "n-29");
	is_int(j, "remaining", 13);
	/* only what came after one */
	j = rpc(b, "{s:s,s:s,s:s}", "type", "inbox", "query", "odd",
	    "since_id", "n-24");
	list = is_list(j, "messages", 3);
	is_str(json_array_get(list, 2), "msg_id", "n-25");
	is_int(j, "remaining", 0);
	j = rpc(b, "{s:s,s:s,s:s}", "type", "inbox", "query", "odd",
	    "since_id", "unknown");
	is_list(j, "messages", 15);
	tenv_end(t);
}
END_TEST

START_TEST(nothing_is_marked)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	const char	*id;
	json_t		*j, *m;

	j = rpc(a, "{s:s,s:s,s:s,s:s,s:b,s:s}", "type", "send", "to", "b",
	    "text", "look here", "reply_to", "m-0", "urgent", 1, "kind",
	    "request");
	id = str_of(j, "msg_id");
	hear(b, "incoming_message");
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "look");
	m = json_array_get(is_list(j, "messages", 1), 0);
	has_only(m, "msg_id from text reply_to ts urgent kind");
	is_str(m, "msg_id", id);
	is_str(m, "from", "a");
	is_str(m, "reply_to", "m-0");
	is_int(j, "unread", 1);
	say(b, "{s:s,s:[s]}", "type", "received", "msg_id", id);
	hear_with(a, "receipt", "state", "received");
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "look");
	is_true(json_array_get(is_list(j, "messages", 1), 0), "pushed");
	quiet(a, "receipt");
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 1);
	hear_with(a, "receipt", "state", "seen");
	/* what has been read is found, too */
	finds(b, "look", "look here");
	is_list(rpc(b, "{s:s}", "type", "inbox"), "messages", 0);
	tenv_end(t);
}
END_TEST

static void
find_own(struct conn *a, struct conn *b, struct conn *c)
{
	finds(b, "secret", "a secret for b");
	finds(c, "secret", "");
	finds(c, "\"a secret\"*", "");
	/* what one has sent is in the other's mailbox */
	finds(a, "secret", "");
}

START_TEST(others_find_nothing)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);

	send_text(a, "b", "a secret for b", NULL);
	send_text(b, "c", "nothing here", NULL);
	find_own(a, b, c);
	wait_for_index(t);
	find_own(a, b, c);
	/* not even with the name, once that has another owner */
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b2");
	finds(b, "secret", "a secret for b");
	finds(client_new(t, "b", NULL), "secret", "");
	tenv_end(t);
}
END_TEST

START_TEST(what_is_gone)
{
	struct tenv	*t = begin("keep 10 messages per mailbox\n");
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		 text[16];
	int		 i;

	send_text(a, "b", "early words", NULL);
	send_text(a, "b", "later words", NULL);
	finds(b, "words", "later words|early words");
	wait_for_index(t);
	for (i = 0; i < 9; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		send_text(a, "b", text, NULL);
	}
	finds(b, "words", "later words");
	send_text(a, "b", "number 9", NULL);
	finds(b, "words", "");
	finds(b, "number 9", "number 9");
	tenv_end(t);
}
END_TEST

START_TEST(merged_mailboxes)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);

	send_text(a, "later", "apple one", "queued");
	send_text(a, "b", "apple two", NULL);
	wait_for_index(t);
	send_text(a, "later", "apple three", "queued");
	rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "later");
	send_text(a, "later", "apple four", NULL);
	finds(b, "apple", "apple four|apple three|apple two|apple one");
	conn_close(b);
	hub_stop(t, SIGTERM);
	hub_start(t);
	b = client_new(t, "later", NULL);
	finds(b, "apple", "apple four|apple three|apple two|apple one");
	tenv_end(t);
}
END_TEST

static void
group(struct conn *c, const char *type, const char *key, const char *value)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:s}", "type", type, "group", "team", key,
	    value);
	is_str(j, "type", "group_ack");
}

START_TEST(groups)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j, *m;
	int		 i;

	rpc(a, "{s:s,s:s,s:[s]}", "type", "group_create", "name", "team",
	    "members", "b");
	group(a, "group_send", "text", "release on monday");
	send_text(a, "b", "revised notes", NULL);
	group(b, "group_send", "text", "no release, please");
	for (i = 0; i < 2; i++) {
		finds(b, "release", "no release, please|release on monday");
		is_list(rpc(b, "{s:s,s:s}", "type", "inbox", "query", "re*"),
		    "messages", 3);
		/* one's own words are in the group, too */
		finds(a, "release", "no release, please|release on monday");
		finds(c, "release", "");
		if (i == 0)
			wait_for_index(t);
	}
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "monday");
	m = json_array_get(is_list(j, "messages", 1), 0);
	has_only(m, "msg_id from text reply_to ts group");
	is_str(m, "msg_id", "team#1");
	is_str(m, "from", "a");
	is_str(m, "group", "team");
	is_null(m, "reply_to");
	want(is_iso8601(str_of(m, "ts")), "ts: %s", show(m));
	/* nothing was read by it */
	j = rpc(b, "{s:s,s:s}", "type", "group_history", "group", "team");
	is_list(j, "messages", 2);
	/* what was said before one came is found when one has read it */
	group(a, "group_invite", "peer", "c");
	finds(c, "release", "");
	group(a, "group_send", "text", "release it, then");
	finds(c, "release", "release it, then");
	rpc(c, "{s:s,s:s}", "type", "group_history", "group", "team");
	in_step(c);
	finds(c, "release", "release it, then|no release, please|"
	    "release on monday");
	rpc(a, "{s:s,s:s,s:s,s:s}", "type", "group_remove", "group", "team",
	    "peer", "c", "reason", "released");
	finds(c, "release", "");
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "released");
	m = json_array_get(is_list(j, "messages", 1), 0);
	is_str(m, "type", "system");
	is_str(m, "text", "a removed c: released");
	rpc(a, "{s:s,s:s}", "type", "group_delete", "group", "team");
	finds(b, "re*", "revised notes");
	finds(a, "release", "");
	/* another one of that name */
	rpc(a, "{s:s,s:s,s:[s]}", "type", "group_create", "name", "team",
	    "members", "c");
	finds(a, "release", "");
	group(a, "group_send", "text", "a new release");
	finds(c, "release", "a new release");
	tenv_end(t);
}
END_TEST

/* None of these is an error of the search; some cannot find anything. */
START_TEST(strange_queries)
{
	static const char *const queries[] = {
		"a AND", "OR", "NOT a", "a NEAR b", "NEAR(a b, 3)", "^a",
		"a*b*", "text:a", "{text}:a", "-a", "+a", "a + b", "(a",
		"a)", "\"a", "a\"", "\"a\"\"b\"", "'a'", "a;--", "a\\b",
		"a* *", "\"a\"*", "\"a* b\"", "a||b", "a%", "a_b", "place:a",
		"\xc3\xa9", "\xf0\x9f\x98\x80", "a\tb\nc", "a\x01z"
	};
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		 long_one[260];
	size_t		 i;
	int		 n;

	send_text(a, "b", "a b c z text", NULL);
	for (n = 0; n < 2; n++) {
		for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
			is_str(rpc(b, "{s:s,s:s}", "type", "inbox", "query",
			    queries[i]), "type", "inbox_result");
		for (i = 0; i < 256; i++)
			long_one[i] = i % 2 == 0 ? 'a' : ' ';
		long_one[256] = '\0';
		finds(b, long_one, "a b c z text");
		if (n == 0)
			wait_for_index(t);
	}
	refused(b, "bad_args", "{s:s,s:s}", "type", "inbox", "query", "?!");
	refused(b, "bad_args", "{s:s,s:s}", "type", "inbox", "query", "\"\"");
	refused(b, "bad_args", "{s:s,s:s}", "type", "inbox", "query", " ");
	refused(b, "bad_args", "{s:s,s:s}", "type", "inbox", "query", "*");
	refused(b, "bad_msg", "{s:s,s:s}", "type", "inbox", "query", "");
	refused(b, "bad_msg", "{s:s,s:i}", "type", "inbox", "query", 1);
	refused(b, "bad_msg", "{s:s,s:n}", "type", "inbox", "query");
	strlcat(long_one, "x", sizeof(long_one));
	refused(b, "bad_msg", "{s:s,s:s}", "type", "inbox", "query",
	    long_one);
	in_step(b);
	tenv_end(t);
}
END_TEST

/* Long texts: the answer ends before it is longer than a line may be. */
START_TEST(long_texts)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		*text = t_fill('x', 400000);
	json_t		*j;
	int		 i;

	memcpy(text + 200000, " needle ", 8);
	for (i = 0; i < 4; i++)
		send_text(a, "b", text, NULL);
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "needle");
	is_list(j, "messages", 2);
	is_int(j, "remaining", 2);
	wait_for_index(t);
	j = rpc(b, "{s:s,s:s}", "type", "inbox", "query", "needle");
	is_list(j, "messages", 2);
	is_int(j, "remaining", 2);
	free(text);
	tenv_end(t);
}
END_TEST

START_TEST(by_hubctl)
{
	struct tenv	*t = begin(NULL);
	struct conn	*a = client_new(t, "a", NULL);
	struct output	*o;
	json_t		*j, *list;

	send_text(a, "away", "red apples", "queued");
	send_text(a, "away", "green \x1b[31m apples", "queued");
	send_text(a, "away", "apples, not red", "queued");
	o = run(t, NULL, "hubctl", "search", "away", "apples", "RED", NULL);
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0,
	    "status 0x%x: %s", o->status, o->err);
	want(strstr(o->out, "red apples") != NULL &&
	    strstr(o->out, "not red") != NULL &&
	    strstr(o->out, "green") == NULL &&
	    strstr(o->out, "2 found") != NULL, "%s", o->out);
	output_free(o);
	o = run(t, NULL, "hubctl", "-j", "search", "away", "red apples",
	    NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	is_str(j, "name", "away");
	list = is_list(j, "messages", 1);
	is_str(json_array_get(list, 0), "text", "red apples");
	is_int(j, "remaining", 0);
	is_int(j, "unread", 3);
	output_free(o);
	o = run(t, NULL, "hubctl", "search", "away", "green", NULL);
	want(strchr(o->out, '\x1b') == NULL && strstr(o->out, "green") !=
	    NULL, "%s", o->out);
	output_free(o);
	o = run(t, NULL, "hubctl", "search", "away", "pears", NULL);
	want(WEXITSTATUS(o->status) == 0 && strstr(o->out, "nothing") != NULL,
	    "%s", o->out);
	output_free(o);
	o = run(t, NULL, "hubctl", "search", "away", "??", NULL);
	want(WEXITSTATUS(o->status) == 1 && *o->err != '\0', "0x%x",
	    o->status);
	output_free(o);
	o = run(t, NULL, "hubctl", "search", "away", NULL);
	want(WEXITSTATUS(o->status) == 2, "0x%x", o->status);
	output_free(o);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("search");

	(void)argc;
	test_add(s, words, 30);
	test_add(s, how_many, 20);
	test_add(s, nothing_is_marked, 20);
	test_add(s, others_find_nothing, 30);
	test_add(s, what_is_gone, 30);
	test_add(s, merged_mailboxes, 30);
	test_add(s, groups, 30);
	test_add(s, strange_queries, 30);
	test_add(s, long_texts, 30);
	test_add(s, by_hubctl, 30);
	return (test_main(argv[0], s));
}
