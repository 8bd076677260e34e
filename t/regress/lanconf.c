/* SPDX-License-Identifier: ISC */
/*
 * What `hubd -n` says of links to other hubs, in hubd.conf and bridge.json.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

/* The one that is right; begin() makes others. */
#define SECRET	"lan secret file \"secret\"\n"

static void
put(const char *path, const char *text, mode_t mode)
{
	write_file(path, text, strlen(text));
	want(chmod(path, mode) == 0, "%s: %s", path, strerror(errno));
}

static void
put_json(struct tenv *t, const char *text, mode_t mode)
{
	char path[T_PATH];

	snprintf(path, sizeof(path), "%s/bridge.json", t->data);
	put(path, text, mode);
}

/* A directory with secrets, in which hubd is run. */
static struct tenv *
begin(void)
{
	struct tenv *t = tenv_new();
	char *s = t_fill('s', 256);

	want(chdir(t->dir) == 0, "chdir: %s", strerror(errno));
	want(mkdir(t->data, 0700) == 0, "mkdir: %s", strerror(errno));
	put("secret", "a secret of all hubs\n", 0600);
	put("short", "1234567\n \n", 0600);
	put("long", s, 0600);
	s[255] = '\0';
	put("longest", s, 0400);
	put("shortest", "12345678", 0600);
	put("open", "a secret of all hubs\n", 0640);
	put("empty", "", 0600);
	free(s);
	return t;
}

static int
is_ok(const struct output *o)
{
	return WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0 &&
	    strstr(o->out, "configuration OK") != NULL;
}

/* It is refused, and both texts are in what it says of it. */
static void
want_wrong(const struct output *o, const char *text, const char *where,
    const char *why)
{
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 1,
	    "%s: status 0x%x: %s%s", text, o->status, o->out, o->err);
	want(strstr(o->out, "configuration OK") == NULL, "%s: OK", text);
	want(strstr(o->err, where) != NULL, "%s: not \"%s\": %s", text, where,
	    o->err);
	want(strstr(o->err, why) != NULL, "%s: not \"%s\": %s", text, why,
	    o->err);
}

static struct output *
check_conf(struct tenv *t, const char *text)
{
	put("hubd.conf", text, 0600);
	return run(t, NULL, "hubd", "-n", "-f", "hubd.conf", NULL);
}

START_TEST(good_statements)
{
	static const char *const texts[] = {
		SECRET,
		SECRET "lan listen on *\n",
		SECRET "lan listen on * port 9700\n",
		SECRET "lan listen on 192.168.1.20 port 1\n",
		SECRET "lan listen on \"::1\" port 65535\n",
		SECRET "lan peer \"b\"\n",
		SECRET "lan peer \"b\" host 192.168.1.20\n",
		SECRET "lan peer \"b\" host \"b.local\" port 9701\n",
		SECRET "lan peer \"b\" host b.local plaintext\n",
		SECRET "lan peer \"b\" plaintext host b\n",
		SECRET "lan peer \"b\"\nlan peer \"c.d_e-f\" host c\n",
		"lan peer \"b\" host c\nlan secret file \"secret\"\n",
		"s = \"shortest\"\nlan secret file $s\nlan listen on *\n",
		"lan secret file \"longest\"\nlan listen on *\n",
		"limit peers 1 per hub\nlimit peers 10000 per hub\n",
		"expire queued after 1 days\nexpire queued after 7\n",
	};
	struct tenv *t = begin();
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		o = check_conf(t, texts[i]);
		want(is_ok(o), "%s: status 0x%x: %s%s", texts[i], o->status,
		    o->out, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(wrong_statements)
{
	static const struct {
		const char *where, *why, *text;
	} wrong[] = {
		{ ":1:", "statement is not complete", "lan\n" },
		{ ":1:", "statement is not complete", "lan peer\n" },
		{ ":1:", "unexpected 'b'", "lan peer b\n" },
		{ ":2:", "unexpected 'soon'", SECRET "lan peer \"b\" soon\n" },
		{ ":2:", "unexpected 'port'",
		    SECRET "lan peer \"b\" port 5\n" },
		{ ":1:", "hub id \"a b\" is not a name of 1 to 64 letters, "
		    "digits, '.', '_' and '-'", "lan peer \"a b\"\n" },
		{ ":1:", "hub id \"\" is not a name", "lan peer \"\"\n" },
		{ ":1:", "host: empty", "lan peer \"b\" host \"\"\n" },
		{ ":1:", "port: 0 is not within 1 to 65535",
		    "lan peer \"b\" host h port 0\n" },
		{ ":1:", "port: 65536 is not within 1 to 65535",
		    "lan peer \"b\" host h port 65536\n" },
		{ ":3:", "there is a peer \"b\" already",
		    SECRET "lan peer \"b\"\nlan peer \"b\" host h\n" },
		{ ":1:", "here is not a numeric address",
		    "lan listen on here\n" },
		{ ":1:", "port: 65536 is not within 1 to 65535",
		    "lan listen on * port 65536\n" },
		{ ":1:", "the secret does not belong here",
		    "lan secret \"x\"\n" },
		{ ":1:", "the secret must have 8 to 255 characters",
		    "lan secret file \"short\"\n" },
		{ ":1:", "the secret must have 8 to 255 characters",
		    "lan secret file \"long\"\n" },
		{ ":1:", "the secret must have 8 to 255 characters",
		    "lan secret file \"empty\"\n" },
		{ ":1:", "open: others can read it: chmod 600 it",
		    "lan secret file \"open\"\n" },
		{ ":1:", "nowhere: No such file or directory",
		    "lan secret file \"nowhere\"\n" },
		{ ":1:", "statement is not complete", "limit peers 5\n" },
		{ ":1:", "peers per hub: 0 is not within 1 to 10000",
		    "limit peers 0 per hub\n" },
		{ ":1:", "peers per hub: 10001 is not within 1 to 10000",
		    "limit peers 10001 per hub\n" },
		{ ":1:", "unexpected 'never'", "expire queued never\n" },
		{ ":1:", "days: 0 is not within 1 to 7",
		    "expire queued after 0 days\n" },
		{ "hubd.conf:", "links need a secret of 8 to 255 characters, "
		    "the same on all hubs", "lan peer \"b\" host h\n" },
		{ "hubd.conf:", "links need a secret", "lan listen on *\n" },
		{ "hubd.conf:", "\"b\" is this hub itself: it cannot be a peer",
		    SECRET "lan peer \"b\"\nhub id \"b\"\n" },
	};
	struct tenv *t = begin();
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		o = check_conf(t, wrong[i].text);
		want_wrong(o, wrong[i].text, wrong[i].where, wrong[i].why);
		want(strstr(o->err, "a secret of all") == NULL &&
		    strstr(o->err, "1234567") == NULL, "%s: the secret is "
		    "shown: %s", wrong[i].text, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

static struct output *
check_json(struct tenv *t, const char *text)
{
	put_json(t, text, 0600);
	return run(t, NULL, "hubd", "-n", NULL);
}

/* As config.md has them. */
START_TEST(good_json)
{
	static const char *const texts[] = {
		"{}",
		"{\"hub_id\":\"here\",\"listen\":0}",
		"{\"hub_id\":\"here\",\"listen\":0,\"secret\":null,"
		    "\"peers\":[]}",
		"\xef\xbb\xbf{\"hub_id\":\"here\"}\r\n",
		"\xef\xbb\xbf{\"listen\":9700,\"secret\":\"12345678\"}",
		"{\"listen\":65535,\"bind\":\"127.0.0.1\",\"secret\":"
		    "\"a secret\"}",
		"{\"listen\":1,\"bind\":\"::1\",\"secret\":\"a secret\"}",
		"{\"hub_id\":\"here\",\"listen\":9700,\"secret\":\"a secret\","
		    "\"peers\":[{\"hub_id\":\"b\",\"host\":\"192.168.1.20\","
		    "\"port\":9700},{\"hub_id\":\"c\",\"host\":\"c.local\"}]}",
		"{\"secret\":\"a secret\",\"peers\":[{\"hub_id\":\"b\","
		    "\"host\":\"h\",\"port\":65535,\"plaintext\":true}]}",
		"{\"secret\":\"a secret\",\"peers\":[{\"hub_id\":\"b\","
		    "\"host\":\"h\",\"plaintext\":false,\"other\":[5]}]}",
		"{\"relay\":{\"url\":\"wss://relay.example\",\"token\":"
		    "\"12345678\"}}",
		"{\"relay\":null,\"other\":{}}",
	};
	struct tenv *t = begin();
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		o = check_json(t, texts[i]);
		want(is_ok(o), "%s: status 0x%x: %s%s", texts[i], o->status,
		    o->out, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

#define PEER(members)	"{\"secret\":\"a secret\",\"peers\":[{" \
			"\"hub_id\":\"b\",\"host\":\"h\"},{" members "}]}"

START_TEST(wrong_json)
{
	static const struct {
		const char *why, *text;
	} wrong[] = {
		{ "line 1: ", "" },
		{ "line 2: ", "{\"hub_id\":\"a\",\n\"hub_id\":\"a\"}" },
		{ "line 3: ", "{\n\n" },
		{ "line 1: ", "{} {}" },
		{ "line 1: ", "\xef\xbb\xbf\xef\xbb\xbf{}" },
		{ "must be an object", "[]" },
		{ "hub_id must be a text", "{\"hub_id\":5}" },
		{ "hub_id is not a name of 1 to 64 letters, digits, '.', '_' "
		    "and '-'", "{\"hub_id\":\"a b\"}" },
		{ "listen must be a port: a number within 0 to 65535",
		    "{\"listen\":\"9700\"}" },
		{ "listen must be a port", "{\"listen\":null}" },
		{ "listen must be a port", "{\"listen\":true}" },
		{ "listen must be a port", "{\"listen\":-1}" },
		{ "listen must be a port", "{\"listen\":65536}" },
		{ "listen must be a port", "{\"listen\":9700.5}" },
		{ "bind must be a text", "{\"bind\":[]}" },
		{ "relay must be {url, token}", "{\"relay\":5}" },
		{ "relay must be {url, token}",
		    "{\"relay\":{\"url\":\"ws://h\"}}" },
		{ "a relay's URL is wss://HOST[:PORT][/PATH], or ws://",
		    "{\"relay\":{\"url\":\"h\",\"token\":\"12345678\"}}" },
		{ "the relay's token must have 8 to 255 characters",
		    "{\"relay\":{\"url\":\"ws://h\",\"token\":\"1\"}}" },
		{ "unsealed must be true or false",
		    "{\"relay\":{\"url\":\"ws://h\",\"token\":\"12345678\","
		    "\"unsealed\":1}}" },
		{ "\"a.b\": this hub's id cannot be used on a relay",
		    "{\"hub_id\":\"a.b\",\"relay\":{\"url\":\"ws://h\","
		    "\"token\":\"12345678\"}}" },
		{ "bind must be a numeric address", "{\"bind\":\"here\"}" },
		{ "secret must be a text", "{\"secret\":12345678}" },
		{ "links need a secret of 8 to 255 characters, the same on "
		    "all hubs", "{\"listen\":9700}" },
		{ "links need a secret", "{\"listen\":9700,\"secret\":"
		    "\"1234567\"}" },
		{ "links need a secret",
		    "{\"peers\":[{\"hub_id\":\"b\",\"host\":\"h\"}]}" },
		{ "peers must be a list", "{\"peers\":{}}" },
		{ "peers[0] must be {hub_id, host, port}", "{\"peers\":[5]}" },
		{ "peers[1] must be {hub_id, host, port}", PEER("") },
		{ "peers[1] must be", PEER("\"hub_id\":\"c\"") },
		{ "host must be a text", PEER("\"hub_id\":\"c\",\"host\":5") },
		{ "hub_id must be a text",
		    PEER("\"hub_id\":[],\"host\":\"h\"") },
		{ "peers[1]: hub_id is not a name",
		    PEER("\"hub_id\":\"a/b\",\"host\":\"h\"") },
		{ "port must be a port: a number within 1 to 65535",
		    PEER("\"hub_id\":\"c\",\"host\":\"h\",\"port\":0") },
		{ "port must be a port",
		    PEER("\"hub_id\":\"c\",\"host\":\"h\",\"port\":\"9700\"") },
		{ "peers[1]: there is a peer \"b\" already",
		    PEER("\"hub_id\":\"b\",\"host\":\"h\"") },
		{ "\"b\" is this hub itself: it cannot be a peer",
		    "{\"hub_id\":\"b\",\"secret\":\"a secret\",\"peers\":"
		    "[{\"hub_id\":\"b\",\"host\":\"h\"}]}" },
	};
	struct tenv *t = begin();
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		o = check_json(t, wrong[i].text);
		want_wrong(o, wrong[i].text, "/bridge.json: ", wrong[i].why);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

static void
want_mode(const char *path, mode_t mode)
{
	struct stat st;

	want(stat(path, &st) == 0, "%s: %s", path, strerror(errno));
	want((st.st_mode & 07777) == mode, "%s has mode 0%o", path,
	    (unsigned)st.st_mode & 07777);
}

START_TEST(its_mode)
{
	static const mode_t modes[] = { 0644, 0660, 0604, 0600, 0400 };
	struct tenv *t = begin();
	char path[T_PATH];
	struct output *o;
	size_t i;

	snprintf(path, sizeof(path), "%s/bridge.json", t->data);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put_json(t, "{}", 0600);
		want(chmod(path, modes[i]) == 0, "chmod");
		o = run(t, NULL, "hubd", "-n", NULL);
		want(is_ok(o), "0%o: %s", (unsigned)modes[i], o->err);
		output_free(o);
		want_mode(path, modes[i] & 077 ? 0600 : modes[i]);
	}
	tenv_end(t);
}
END_TEST

/* Puts a file that is wrong in a way of its own below the home. */
static void
put_home(struct tenv *t, const char *dir, const char *text)
{
	char path[T_PATH];
	char *p;

	snprintf(path, sizeof(path), "%s/%s/bridge.json", t->home, dir);
	for (p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	put(path, text, 0600);
}

/*
 * The data directory's comes first, then that of EcoRelay's plug-in, then the
 * home's; but with ECORELAY_DATA nothing else is looked at.
 */
START_TEST(which_file)
{
	struct tenv *t = begin();
	char conf[T_PATH];
	struct output *o;

	snprintf(conf, sizeof(conf), "data \"%s\"\n", t->data);
	put_home(t, ".eco-relay", "[]");
	o = check_conf(t, conf);
	want(is_ok(o), "%s", o->err);
	output_free(o);
	unsetenv("ECORELAY_DATA");
	o = check_conf(t, conf);
	want_wrong(o, "home", ".eco-relay/bridge.json: ", "must be an object");
	output_free(o);
	put_home(t, ".claude/plugins/data/relay-eco-relay",
	    "{\"listen\":-1}");
	o = check_conf(t, conf);
	want_wrong(o, "plug-in", "relay-eco-relay/bridge.json: ",
	    "listen must be a port");
	output_free(o);
	put_json(t, "{\"hub_id\":5}", 0600);
	o = check_conf(t, conf);
	want_wrong(o, "data", "/bridge.json: ", "hub_id must be a text");
	output_free(o);
	put_json(t, "{}", 0600);
	o = check_conf(t, conf);
	want(is_ok(o), "%s", o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* Whatever is in the other one. */
START_TEST(lan_statements_win)
{
	struct tenv *t = begin();
	struct output *o;

	put_json(t, "[]", 0600);
	o = check_conf(t, "sync full\n");
	want_wrong(o, "sync full", "/bridge.json: ", "must be an object");
	output_free(o);
	o = check_conf(t, SECRET);
	want(is_ok(o), "%s", o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* The name that the environment gives is a name like any other. */
START_TEST(a_name_from_the_environment)
{
	struct tenv *t = begin();
	struct output *o;

	setenv("RELAY_MACHINE_NAME", "b", 1);
	o = check_conf(t, SECRET "lan peer \"b\" host h\n");
	want_wrong(o, "RELAY_MACHINE_NAME", "hubd.conf: ",
	    "\"b\" is this hub itself: it cannot be a peer");
	output_free(o);
	tenv_end(t);
}
END_TEST

/* Sessions of this machine have nothing to do with it. */
START_TEST(a_hub_goes_on_without_links)
{
	struct tenv *t = begin();
	char *log;

	put_json(t, "{\"listen\":\"9700\"}", 0600);
	hub_start(t);
	hub_serves(t);
	log = read_file(t->hublog);
	want(strstr(log, "listen must be a port") != NULL, "%s", log);
	free(log);
	want(hub_stop(t, SIGTERM) == 0, "it does not end well");
	tenv_end(t);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("lanconf");

	(void)argc;
	test_add(s, good_statements, 30);
	test_add(s, wrong_statements, 30);
	test_add(s, good_json, 30);
	test_add(s, wrong_json, 30);
	test_add(s, its_mode, 30);
	test_add(s, which_file, 30);
	test_add(s, lan_statements_win, 30);
	test_add(s, a_name_from_the_environment, 30);
	test_add(s, a_hub_goes_on_without_links, 30);
	return test_main(argv[0], s);
}
