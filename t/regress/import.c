/* SPDX-License-Identifier: ISC */
/*
 * An EcoRelay data directory, made by hand from its format, is there when the
 * hub starts for the first time: what becomes of its mailboxes and groups.
 */
#include "compat.h"

#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define TS		"2026-03-04T05:06:07.089Z"
#define TEXT_SECRET	"very secret words"

static void
make_dir(const char *base, const char *name)
{
	char	path[T_PATH], *p;

	snprintf(path, sizeof(path), "%s/%s/", base, name);
	for (p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
}

static void
put_text(const char *base, const char *name, const char *text)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	write_file(path, text, strlen(text));
}

static void
put_json(const char *base, const char *name, json_t *j)
{
	char	*text = json_dumps(j, 0);

	put_text(base, name, text);
	free(text);
	json_decref(j);
}

static json_t *
message(const char *id, const char *from, const char *text)
{
	return (json_pack("{s:s,s:s,s:s,s:n,s:s}", "msg_id", id, "from", from,
	    "text", text, "reply_to", "ts", TS));
}

/* n messages, id-0 and so on, with their numbers as texts. */
static json_t *
mailbox(const char *owner, int n, const char *last_read)
{
	json_t	*j, *list = json_array();
	char	 id[80], text[16];
	int	 i;

	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%s-%d", owner, i);
		snprintf(text, sizeof(text), "%d", i);
		json_array_append_new(list, message(id, "sender", text));
	}
	j = json_pack("{s:s,s:o}", "owner", owner, "messages", list);
	json_object_set_new(j, "last_read", last_read != NULL ?
	    json_string(last_read) : json_null());
	return (j);
}

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	make_dir(t->data, "mailboxes");
	make_dir(t->data, "groups");
	return (t);
}

/* The mailbox has kept ones, of which the last are unread. */
static void
has_mail(struct tenv *t, const char *name, size_t kept, size_t unread)
{
	struct output	*o;
	json_t		*j, *m;

	o = run(t, NULL, "hubctl", "-j", "show", "mailboxes", NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	want(j != NULL, "%s%s", o->out, o->err);
	output_free(o);
	m = find_in(json_object_get(j, "mailboxes"), "name", name);
	want(m != NULL || (kept == 0 && unread == 0), "no %s: %s", name,
	    show(j));
	if (m == NULL)
		return;
	is_int(m, "kept", (json_int_t)kept);
	is_int(m, "unread", (json_int_t)unread);
}

static void
are_texts(const json_t *j, size_t n, int from)
{
	json_t	*list = is_list(j, "messages", n);
	char	 text[16];
	size_t	 i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", from + (int)i);
		is_str(json_array_get(list, i), "text", text);
	}
}

START_TEST(mailboxes)
{
	struct tenv	*t = begin();
	struct conn	*c;
	json_t		*j, *m, *list;
	const char	*text;

	put_json(t->data, "mailboxes/alice.json", mailbox("alice", 5,
	    "alice-1"));
	put_json(t->data, "mailboxes/bob.json", mailbox("bob", 3, NULL));
	put_json(t->data, "mailboxes/carol.json", mailbox("carol", 3,
	    "gone"));
	put_json(t->data, "mailboxes/dave.json", mailbox("dave", 3,
	    "dave-2"));
	put_json(t->data, "mailboxes/eve.json", mailbox("eve", 0, NULL));
	j = mailbox("frank", 2, NULL);
	json_object_set_new(j, "last_read", json_integer(2));
	put_json(t->data, "mailboxes/frank.json", j);
	j = mailbox("grace", 1, NULL);
	m = json_array_get(json_object_get(j, "messages"), 0);
	json_object_set_new(m, "urgent", json_true());
	json_object_set_new(m, "reply_to", json_string("m-\"0\""));
	json_object_set_new(m, "from", json_string("api@sevilla"));
	json_object_set_new(m, "text", json_string("a\n\"b\" \u00e9\\"));
	put_json(t->data, "mailboxes/grace.json", j);
	hub_start(t);

	c = client_new(t, "alice", FEATURES);
	j = rpc(c, "{s:s}", "type", "inbox");
	are_texts(j, 3, 2);
	is_int(j, "remaining", 0);
	is_absent(j, "dropped");
	m = json_array_get(json_object_get(j, "messages"), 0);
	has_only(m, "msg_id from text reply_to ts");
	is_str(m, "msg_id", "alice-2");
	is_str(m, "from", "sender");
	is_str(m, "ts", TS);
	is_null(m, "reply_to");
	are_texts(rpc(c, "{s:s,s:i}", "type", "inbox", "recent", 10), 5, 0);
	has_mail(t, "alice", 5, 0);
	has_mail(t, "bob", 3, 3);
	has_mail(t, "carol", 3, 3);
	has_mail(t, "dave", 3, 0);
	has_mail(t, "eve", 0, 0);
	has_mail(t, "frank", 2, 2);
	j = rpc(client_new(t, "grace", NULL), "{s:s}", "type", "inbox");
	list = is_list(j, "messages", 1);
	m = json_array_get(list, 0);
	is_true(m, "urgent");
	is_str(m, "reply_to", "m-\"0\"");
	is_str(m, "from", "api@sevilla");
	text = str_of(m, "text");
	want(strcmp(text, "a\n\"b\" \u00e9\\") == 0, "%s", show(m));
	/* the sender can ask, and words are found */
	j = rpc(client_new(t, "sender", NULL), "{s:s,s:s}", "type", "status",
	    "msg_id", "dave-2");
	is_str(j, "state", "seen");
	j = rpc(c, "{s:s,s:s}", "type", "inbox", "query", "4");
	is_list(j, "messages", 1);
	tenv_end(t);
}
END_TEST

START_TEST(only_once)
{
	struct tenv	*t = begin();
	struct conn	*c;
	char		*before, *after;

	put_json(t->data, "mailboxes/alice.json", mailbox("alice", 5,
	    "alice-1"));
	before = read_file(tenv_path(t, "d/mailboxes/alice.json"));
	hub_start(t);
	c = client_new(t, "alice", NULL);
	are_texts(rpc(c, "{s:s}", "type", "inbox"), 3, 2);
	hub_stop(t, SIGTERM);
	after = read_file(tenv_path(t, "d/mailboxes/alice.json"));
	want(strcmp(before, after) == 0, "the file has changed");
	free(before);
	free(after);
	/* what EcoRelay writes later, it writes for itself */
	put_json(t->data, "mailboxes/alice.json", mailbox("alice", 9, NULL));
	put_json(t->data, "mailboxes/late.json", mailbox("late", 1, NULL));
	hub_start(t);
	c = client_new(t, "alice", NULL);
	is_list(rpc(c, "{s:s}", "type", "inbox"), "messages", 0);
	has_mail(t, "alice", 5, 0);
	has_mail(t, "late", 0, 0);
	tenv_end(t);
}
END_TEST

START_TEST(nothing_there)
{
	struct tenv	*t = tenv_new();
	char		*log;

	hub_start(t);
	hub_serves(t);
	hub_stop(t, SIGTERM);
	make_dir(t->data, "mailboxes");
	put_json(t->data, "mailboxes/late.json", mailbox("late", 1, NULL));
	hub_start(t);
	has_mail(t, "late", 0, 0);
	log = read_file(t->hublog);
	want(strstr(log, "import") == NULL, "%s", log);
	free(log);
	tenv_end(t);
}
END_TEST

START_TEST(full_ones)
{
	struct tenv	*t = begin();
	struct conn	*c;
	json_t		*j;

	put_json(t->data, "mailboxes/a.json", mailbox("a", 600, NULL));
	put_json(t->data, "mailboxes/b.json", mailbox("b", 600, "b-549"));
	put_json(t->data, "mailboxes/c.json", mailbox("c", 600, "c-49"));
	hub_start(t);
	has_mail(t, "a", 500, 500);
	has_mail(t, "b", 500, 50);
	has_mail(t, "c", 500, 500);
	c = client_new(t, "a", NULL);
	j = rpc(c, "{s:s,s:i}", "type", "inbox", "limit", 1);
	are_texts(j, 1, 100);
	is_int(j, "dropped", 100);
	c = client_new(t, "c", NULL);
	j = rpc(c, "{s:s,s:i}", "type", "inbox", "limit", 1);
	are_texts(j, 1, 100);
	is_int(j, "dropped", 50);
	c = client_new(t, "b", NULL);
	j = rpc(c, "{s:s,s:i}", "type", "inbox", "limit", 1);
	are_texts(j, 1, 550);
	is_absent(j, "dropped");
	tenv_end(t);
}
END_TEST

static void
logged(struct tenv *t, const char *name, int is)
{
	char	*log = read_file(t->hublog);

	want((strstr(log, name) != NULL) == is, "%s is %sin the log: %s", name,
	    is ? "not " : "", log);
	want(strstr(log, TEXT_SECRET) == NULL, "a text is in the log: %s",
	    log);
	free(log);
}

START_TEST(damaged_files)
{
	static const struct {
		const char	*name, *text;
	} bad[] = {
		{ "mailboxes/b-empty.json", "" },
		{ "mailboxes/b-cut.json", "{\"owner\":\"cut\",\"messages\":["
		    "{\"msg_id\":\"m-1\",\"text\":\"" TEXT_SECRET },
		{ "mailboxes/b-words.json", TEXT_SECRET },
		{ "mailboxes/b-list.json", "[1,2]" },
		{ "mailboxes/b-null.json", "null" },
		{ "mailboxes/b-owner.json", "{\"messages\":[]}" },
		{ "mailboxes/b-name.json",
		    "{\"owner\":\"../x\",\"messages\":[]}" },
		{ "mailboxes/b-messages.json",
		    "{\"owner\":\"x\",\"messages\":{}}" },
		{ "mailboxes/b-bytes.json",
		    "{\"owner\":\"x\",\"messages\":[],\"a\":\"\xff\"}" },
		{ "groups/b-cut.json", "{\"name\":\"cut\"" },
		{ "groups/b-name.json", "{\"name\":\"a b\",\"admin\":\"a\","
		    "\"members\":{},\"messages\":[]}" },
		{ "groups/b-admin.json", "{\"name\":\"g\","
		    "\"members\":{},\"messages\":[]}" },
		{ "groups/b-members.json", "{\"name\":\"g\",\"admin\":\"a\","
		    "\"members\":[],\"messages\":[]}" },
	};
	struct tenv	*t = begin();
	char		 path[T_PATH];
	size_t		 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		put_text(t->data, bad[i].name, bad[i].text);
	make_dir(t->data, "mailboxes/b-dir.json");
	put_json(t->data, "elsewhere.json", mailbox("elsewhere", 1, NULL));
	snprintf(path, sizeof(path), "%s/mailboxes/b-link.json", t->data);
	want(symlink("../elsewhere.json", path) == 0, "symlink");
	snprintf(path, sizeof(path), "%s/mailboxes/b-huge.json", t->data);
	put_text(t->data, "mailboxes/b-huge.json", "");
	want(truncate(path, 65 * 1024 * 1024) == 0, "truncate");
	put_text(t->data, "mailboxes/other.txt", "not JSON");
	put_json(t->data, "mailboxes/good.json", mailbox("good", 2, NULL));
	put_json(t->data, "mailboxes/z-good.json", mailbox("z", 2, NULL));
	hub_start(t);
	has_mail(t, "good", 2, 2);
	has_mail(t, "z", 2, 2);
	has_mail(t, "elsewhere", 0, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		logged(t, bad[i].name, 1);
	logged(t, "b-dir.json", 1);
	logged(t, "b-link.json", 1);
	logged(t, "b-huge.json", 1);
	logged(t, "good.json", 0);
	logged(t, "other.txt", 0);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(damaged_messages)
{
	static const char text[] = "\xef\xbb\xbf{\"owner\":\" hal \","
	    "\"messages\":["
	    "{\"msg_id\":\"h-0\",\"from\":\"a\",\"text\":\"zero \\u0000\"},"
	    "{\"msg_id\":\"h-1\",\"from\":\"a\",\"text\":\"half \\ud83d.\"},"
	    "{\"msg_id\":\"h-2\",\"from\":\"a\","
	    "\"text\":\"\\\\u0000 \\ud83d\\ude00\"},"
	    "{\"msg_id\":\"h-3\",\"from\":\"a\"},"
	    "{\"msg_id\":\"h-4\",\"from\":\"not a name\",\"text\":\"x\"},"
	    "{\"msg_id\":\"h-5\",\"text\":\"" TEXT_SECRET "\"},"
	    "7, null, [],"
	    "{\"from\":\"a\",\"text\":\"no id\",\"ts\":1767323045678},"
	    "{\"msg_id\":\"a \\\" b\",\"from\":\"a\",\"text\":\"bad id\","
	    "\"ts\":\"yesterday\",\"reply_to\":5,\"urgent\":\"yes\"},"
	    "{\"msg_id\":\"h-0\",\"from\":\"a\",\"text\":\"twice\"}"
	    "]}";
	struct tenv	*t = begin();
	json_t		*j, *list, *m;

	put_text(t->data, "mailboxes/hal.json", text);
	hub_start(t);
	j = rpc(client_new(t, "hal", NULL), "{s:s}", "type", "inbox");
	list = is_list(j, "messages", 5);
	is_str(json_array_get(list, 0), "text", "zero \ufffd");
	is_str(json_array_get(list, 1), "text", "half \ufffd.");
	is_str(json_array_get(list, 2), "text", "\\u0000 \U0001f600");
	m = json_array_get(list, 3);
	is_str(m, "text", "no id");
	is_str(m, "ts", "2026-01-02T03:04:05.678Z");
	want(is_msg_id(str_of(m, "msg_id")), "%s", show(m));
	m = json_array_get(list, 4);
	is_str(m, "text", "bad id");
	want(is_msg_id(str_of(m, "msg_id")) && is_iso8601(str_of(m, "ts")),
	    "%s", show(m));
	is_null(m, "reply_to");
	is_absent(m, "urgent");
	logged(t, "hal.json: 6 messages", 1);
	tenv_end(t);
}
END_TEST

static json_t *
entry(int id, const char *from, const char *text, const char *type)
{
	char	ts[32];

	snprintf(ts, sizeof(ts), "2026-03-04T05:06:%02d.000Z", id);
	return (json_pack("{s:i,s:s,s:s,s:s,s:s}", "id", id, "from", from,
	    "text", text, "ts", ts, "type", type));
}

static json_t *
a_group(void)
{
	return (json_pack("{s:s,s:s,s:s,s:{s:{s:i,s:s},s:{s:i,s:s},"
	    "s:{s:i,s:s}},s:[o,o,o,o],s:i}", "name", "team", "admin", "ann",
	    "created_at", TS, "members",
	    "ann", "last_read", 7, "joined_at", TS,
	    "bob", "last_read", 5, "joined_at", TS,
	    "cid", "last_read", 0, "joined_at", "2026-03-04T05:06:05.500Z",
	    "messages", entry(4, "ann", "four", "message"),
	    entry(5, "bob", "five", "message"),
	    entry(6, "ann", "ann removed dan: idle", "system"),
	    entry(7, "bob", "seven", "message"), "next_id", 8));
}

static void
unread_in(struct conn *c, json_int_t n)
{
	json_t	*j = rpc(c, "{s:s}", "type", "group_list");
	json_t	*g = find_in(json_object_get(j, "groups"), "name", "team");

	want(g != NULL, "not in the group: %s", show(j));
	is_int(g, "unread_count", n);
}

START_TEST(groups)
{
	struct tenv	*t = begin();
	struct conn	*a, *b, *c;
	json_t		*j, *list;

	put_json(t->data, "groups/team.json", a_group());
	hub_start(t);
	a = client_new(t, "ann", NULL);
	b = client_new(t, "bob", NULL);
	c = client_new(t, "cid", NULL);
	unread_in(a, 0);
	unread_in(b, 2);
	unread_in(c, 4);
	j = rpc(b, "{s:s,s:s}", "type", "group_info", "group", "team");
	is_str(j, "admin", "ann");
	is_list(j, "members", 3);
	is_int(find_in(json_object_get(j, "members"), "name", "bob"),
	    "last_read", 5);
	/* before it has read the history, only what came since it joined */
	is_list(rpc(c, "{s:s,s:s}", "type", "inbox", "query", "four"),
	    "messages", 0);
	is_list(rpc(c, "{s:s,s:s}", "type", "inbox", "query", "seven"),
	    "messages", 1);
	j = rpc(b, "{s:s,s:s}", "type", "group_history", "group", "team");
	list = is_list(j, "messages", 2);
	is_int(json_array_get(list, 0), "id", 6);
	is_str(json_array_get(list, 0), "type", "system");
	is_str(json_array_get(list, 1), "text", "seven");
	is_str(json_array_get(list, 1), "ts", "2026-03-04T05:06:07.000Z");
	is_str(json_array_get(list, 1), "from", "bob");
	unread_in(b, 0);
	/* numbers go on */
	rpc(a, "{s:s,s:s,s:s}", "type", "group_send", "group", "team",
	    "text", "eight");
	is_str(hear(b, "incoming_group_msg"), "msg_id", "8");
	is_list(rpc(c, "{s:s,s:s}", "type", "group_history", "group",
	    "team"), "messages", 5);
	/* and the admin is still that */
	is_str(rpc(a, "{s:s,s:s,s:s}", "type", "group_invite", "group",
	    "team", "peer", "dan"), "type", "group_ack");
	hub_stop(t, SIGTERM);
	hub_start(t);
	unread_in(client_new(t, "cid", NULL), 0);
	unread_in(client_new(t, "ann", NULL), 1);
	tenv_end(t);
}
END_TEST

START_TEST(groups_with_gaps)
{
	struct tenv	*t = begin();
	json_t		*j, *list, *m;

	j = a_group();
	list = json_object_get(j, "messages");
	json_object_del(json_array_get(list, 1), "text");
	json_object_del(j, "next_id");
	put_json(t->data, "groups/team.json", j);
	/* one without any messages, whose numbers go on all the same */
	put_json(t->data, "groups/team2.json", json_pack(
	    "{s:s,s:s,s:{s:{s:i}},s:[],s:i}", "name", "empty", "admin",
	    "ann", "members", "bob", "last_read", 3, "messages", "next_id",
	    4));
	/* and a second one of a name */
	put_json(t->data, "groups/team3.json", a_group());
	hub_start(t);
	unread_in(client_new(t, "cid", NULL), 3);
	j = rpc(client_new(t, "bob", NULL), "{s:s,s:s}", "type",
	    "group_history", "group", "team");
	list = is_list(j, "messages", 2);
	m = json_array_get(list, 0);
	is_str(m, "text", "ann removed dan: idle");
	is_int(m, "id", 6);
	is_int(json_array_get(list, 1), "id", 7);
	rpc(client_new(t, "ann", NULL), "{s:s,s:s,s:s}", "type",
	    "group_send", "group", "empty", "text", "x");
	logged(t, "team.json: 1 messages", 1);
	logged(t, "team3.json: not imported", 1);
	tenv_end(t);
}
END_TEST

/* What the plug-in of Claude Code has left in a directory of its own. */
START_TEST(the_plugins_directory)
{
	static const char plugin[] =
	    ".claude/plugins/data/relay-eco-relay/mailboxes";
	struct tenv	*t = tenv_new();
	char		 dir[T_PATH];
	json_t		*j;

	make_dir(t->home, plugin);
	make_dir(t->home, ".eco-relay/mailboxes");
	snprintf(dir, sizeof(dir), "%s/%s", t->home, plugin);
	put_json(dir, "alice.json", mailbox("alice", 2, NULL));
	put_json(dir, "carl.json", mailbox("carl", 2, NULL));
	snprintf(dir, sizeof(dir), "%s/.eco-relay/mailboxes", t->home);
	j = mailbox("alice", 1, NULL);
	json_array_append_new(json_object_get(j, "messages"),
	    message("m-other", "sender", "other"));
	put_json(dir, "alice.json", j);
	/* not with a data directory of its own */
	hub_start(t);
	has_mail(t, "carl", 0, 0);
	hub_stop(t, SIGTERM);
	/* a directory of the user's own: now it counts */
	unsetenv("ECORELAY_DATA");
	snprintf(t->sock, sizeof(t->sock), "%s/.eco-relay/hub.sock",
	    t->home);
	hub_start(t);
	has_mail(t, "carl", 2, 2);
	/* what is in both is there once */
	has_mail(t, "alice", 3, 3);
	hub_stop(t, SIGTERM);
	setenv("ECORELAY_DATA", t->data, 1);
	tenv_end(t);
}
END_TEST

#define FILES		40
#define IN_A_FILE	50

/* Killed at any moment, it loses nothing and has nothing twice. */
START_TEST(killed_while_importing)
{
	static const char *const argv[] = { "hubd", "-d", NULL };
	static const int	 fds[2] = { -1, -1 };
	struct tenv		*t = begin();
	struct timespec		 nap = { 0, 0 };
	char			 path[T_PATH], name[16];
	int			 i, status;

	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(path, sizeof(path), "mailboxes/%s.json", name);
		put_json(t->data, path, mailbox(name, IN_A_FILE, NULL));
	}
	put_json(t->data, "groups/team.json", a_group());
	for (i = 0; i < 8; i++) {
		t->hub = program_start("hubd", argv, fds, t->hublog, NULL);
		nap.tv_nsec = 4000000L * i;
		nanosleep(&nap, NULL);
		kill(t->hub, SIGKILL);
		want(program_wait(t->hub, &status, T_WAIT) == 0, "alive");
		t->hub = 0;
		want(procs_gone(t, T_WAIT), "its processes live on");
	}
	hub_start(t);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		has_mail(t, name, IN_A_FILE, IN_A_FILE);
	}
	unread_in(client_new(t, "bob", NULL), 2);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("import");

	(void)argc;
	test_add(s, mailboxes, 30);
	test_add(s, only_once, 30);
	test_add(s, nothing_there, 30);
	test_add(s, full_ones, 30);
	test_add(s, damaged_files, 30);
	test_add(s, damaged_messages, 30);
	test_add(s, groups, 30);
	test_add(s, groups_with_gaps, 30);
	test_add(s, the_plugins_directory, 30);
	test_add(s, killed_while_importing, 60);
	return (test_main(argv[0], s));
}
