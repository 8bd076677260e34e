/* SPDX-License-Identifier: ISC */
/*
 * hubd.conf: what `hubd -n` says of a file, and that what it says holds; the
 * log of an embedded hub; signals that change nothing.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "tree.h"

static int
exit_code(const struct output *o)
{
	return (WIFEXITED(o->status) ? WEXITSTATUS(o->status) : -1);
}

static struct output *
check(struct tenv *t, const char *text)
{
	char	path[T_PATH];

	strlcpy(path, tenv_path(t, "hubd.conf"), sizeof(path));
	write_file(path, text, strlen(text));
	return (run(t, NULL, "hubd", "-n", "-f", path, NULL));
}

START_TEST(good_files)
{
	static const char *const texts[] = {
		"",
		"# nothing\n",
		"hub id \"sevilla\"\nidle exit never\n",
		"idle exit 20 seconds\nsync normal # or full\n",
		"keep 1000 messages per mailbox\nask timeout 60\n",
		"limit mailboxes 20\nlimit sessions 30\n",
		"limit sessions 3 per user\nlimit names 2 per user\n",
		"keep 20 messages per group\nlimit groups 5\n",
		"limit members 7 per group\nlimit members 8 per room\n",
		"limit rooms 9\n",
		"dir = \"/srv/relay\"\ndata $dir\n",
		"listen on socket \"/run/x/hub.sock\" mode 0660\n",
		"hub id \\\n\"two-lines\"\n",
		"listen on 127.0.0.1 port 9377\n",
		"listen on \"::1\" port 1\n",
		"allow origin \"https://app.example\"\n",
		"expire unread never\nexpire unread after 30 days\n",
		"expire unread after 1\n",
		"sync full"
	};
	struct tenv	*t = tenv_new();
	struct output	*o;
	size_t		 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		o = check(t, texts[i]);
		want(exit_code(o) == 0 &&
		    (strstr(o->err, "configuration OK") != NULL ||
		    strstr(o->out, "configuration OK") != NULL),
		    "%s: status 0x%x: %s%s", texts[i], o->status, o->out,
		    o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(bad_files)
{
	/* The line of the error, then the file. */
	static const struct {
		const char	*line, *text;
	} bad[] = {
		{ ":1:", "nonsense\n" },
		{ ":2:", "idle exit never\nhub id\n" },
		{ ":3:", "# 1\n\nkeep 0 messages per mailbox\n" },
		{ ":1:", "keep 99999999999999999999 messages per mailbox\n" },
		{ ":1:", "keep -1 messages per mailbox\n" },
		{ ":1:", "keep many messages per mailbox\n" },
		{ ":1:", "keep 9 messages per group\n" },
		{ ":1:", "limit groups 0\n" },
		{ ":1:", "limit members 1001 per group\n" },
		{ ":1:", "limit members 0 per room\n" },
		{ ":1:", "limit members 5\n" },
		{ ":1:", "hub id \"not a name\"\n" },
		{ ":1:", "hub id \"\"\n" },
		{ ":1:", "hub id \"never ends\n" },
		{ ":1:", "hub id \"a\" \"b\"\n" },
		{ ":1:", "data $undefined\n" },
		{ ":1:", "sync maybe\n" },
		{ ":1:", "expire unread\n" },
		{ ":1:", "expire unread after 0 days\n" },
		{ ":1:", "expire unread after 30 weeks\n" },
		{ ":1:", "expire after 30 days\n" },
		{ ":1:", "listen on socket \"/x\" mode 999\n" },
		{ ":1:", "listen on localhost port 9376\n" },
		{ ":1:", "listen on 127.0.0.1 port 0\n" },
		{ ":1:", "listen on 127.0.0.1 port 65536\n" },
		{ ":1:", "listen on 127.0.0.1\n" },
		{ ":1:", "allow origin \"\"\n" },
		{ ":2:", "sync full\nlimit peers 5\n" }
	};
	struct tenv	*t = tenv_new();
	struct output	*o;
	size_t		 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o = check(t, bad[i].text);
		want(exit_code(o) > 0 &&
		    strstr(o->err, "hubd.conf") != NULL &&
		    strstr(o->err, bad[i].line) != NULL,
		    "%s: status 0x%x: %s", bad[i].text, o->status, o->err);
		want(strstr(o->err, "configuration OK") == NULL &&
		    strstr(o->out, "configuration OK") == NULL,
		    "%s is said to be OK", bad[i].text);
		output_free(o);
		o = run(t, NULL, "hubd", "-d", "-f",
		    tenv_path(t, "hubd.conf"), NULL);
		want(exit_code(o) > 0, "a hub with %s: status 0x%x",
		    bad[i].text, o->status);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(an_included_file_that_is_missing)
{
	struct tenv	*t = tenv_new();
	struct output	*o;

	o = check(t, "sync full\ninclude \"/no/such/file\"\n");
	want(exit_code(o) > 0 && strstr(o->err, "/no/such/file") != NULL &&
	    strstr(o->err, "hubd.conf:2:") != NULL, "status 0x%x: %s",
	    o->status, o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

START_TEST(an_error_in_an_included_file)
{
	struct tenv	*t = tenv_new();
	struct output	*o;
	char		 text[T_PATH];

	write_file(tenv_path(t, "more.conf"), "sync full\nwrong\n", 16);
	snprintf(text, sizeof(text), "include \"%s/more.conf\"\n", t->dir);
	o = check(t, text);
	want(exit_code(o) > 0 && strstr(o->err, "more.conf:2:") != NULL,
	    "status 0x%x: %s", o->status, o->err);
	output_free(o);
	/* one that includes itself */
	snprintf(text, sizeof(text), "include \"%s/hubd.conf\"\n", t->dir);
	o = check(t, text);
	want(exit_code(o) > 0, "status 0x%x: %s", o->status, o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* Puts the text where a user has it. */
static void
user_file(struct tenv *t, const char *text)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/.config", t->home);
	mkdir(path, 0700);
	strlcat(path, "/ecorelay", sizeof(path));
	mkdir(path, 0700);
	strlcat(path, "/hubd.conf", sizeof(path));
	write_file(path, text, strlen(text));
}

START_TEST(a_users_own_file_holds)
{
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;
	json_t		*j;
	int		 i;

	user_file(t, "hub id \"sevilla\"\n"
	    "keep 10 messages per mailbox\nask timeout 1 seconds\n");
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	j = rpc(a, "{s:s}", "type", "status");
	is_str(json_object_get(j, "hub"), "hub_id", "sevilla");
	for (i = 0; i < 15; i++)
		send_text(a, "b", "x", "queued");
	b = client_new(t, "b", NULL);
	j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	is_list(j, "messages", 10);
	is_int(j, "dropped", 5);
	say(a, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "b",
	    "question", "q", "ask_id", "k");
	is_str(hear_with(a, "err", "ask_id", "k"), "code", "timeout");
	tenv_end(t);
}
END_TEST

START_TEST(limit_of_mailboxes)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;
	json_t		*j;

	user_file(t, "limit mailboxes 3\n");
	hub_start(t);
	a = client_new(t, "a", NULL);
	/* the sender's own is the first */
	send_text(a, "one", "x", "queued");
	send_text(a, "two", "x", "queued");
	j = rpc(a, "{s:s,s:s,s:s}", "type", "send", "to", "three",
	    "text", "x");
	is_str(j, "type", "err");
	str_of(j, "code");
	send_text(a, "two", "y", "queued");
	hub_serves(t);
	tenv_end(t);
}
END_TEST

/* 1 if a session can register; 0 if it is turned away. */
static int
gets_in(void *arg)
{
	static const char	 line[] = "{\"type\":\"register\","
				    "\"name\":\"new\",\"cwd\":\"/\","
				    "\"git_branch\":\"\","
				    "\"protocol_version\":\"5\"}\n";
	struct conn	*c = client_open(arg);
	struct line	*l = NULL;
	int		 in;

	if (conn_write(c, line, sizeof(line) - 1) == 0)
		l = conn_take(c, 1000);
	in = l != NULL && strstr(l->text, "\"ack\"") != NULL;
	if (l != NULL)
		line_free(l);
	conn_close(c);
	return (in);
}

START_TEST(limit_of_sessions)
{
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;

	user_file(t, "limit sessions 2\n");
	hub_start(t);
	a = client_new(t, "a", NULL);
	b = client_new(t, "b", NULL);
	want(!gets_in(t), "a third session was let in");
	in_step(a);
	in_step(b);
	conn_close(b);
	want(t_until(t, gets_in, t, T_WAIT), "still full");
	tenv_end(t);
}
END_TEST

START_TEST(without_any_variable)
{
	struct tenv	*t = tenv_new();
	struct output	*o;

	snprintf(t->sock, sizeof(t->sock), "%s/.eco-relay/hub.sock",
	    t->home);
	unsetenv("ECORELAY_DATA");
	hub_start(t);
	client_new(t, "a", NULL);
	hub_stop(t, SIGTERM);
	unsetenv("HOME");
	o = run(t, NULL, "hubd", "-d", "-n", NULL);
	output_free(o);
	tenv_end(t);
}
END_TEST

static void
has_mode(const char *path, mode_t mode, gid_t gid)
{
	struct stat	st;

	want(stat(path, &st) == 0 && (st.st_mode & 0777) == mode &&
	    st.st_gid == gid, "%s: %o, group %u", path, st.st_mode & 0777,
	    st.st_gid);
}

/* Nobody else comes in, where the directory would let them; root only. */
START_TEST(who_can_connect)
{
	struct tenv	*t = tenv_new();
	struct group	*gr;
	struct output	*o;
	char		 text[T_PATH], ctl[T_PATH];

	want(chmod(t->dir, 0755) == 0, "chmod");
	tree_new(t);
	hub_start(t);
	want(chmod(t->data, 0755) == 0, "chmod");
	snprintf(ctl, sizeof(ctl), "%s/hubctl.sock", t->data);
	has_mode(t->sock, 0600, 0);
	has_mode(ctl, 0600, 0);
	program_as(40002);
	o = run(t, NULL, "hubctl", "-s", ctl, "show", "peers", NULL);
	want(o->status != 0 && strstr(o->err, "ermission") != NULL, "%s%s",
	    o->out, o->err);
	output_free(o);
	program_as(0);
	conn_close(client_new(t, "a", NULL));
	(void)hub_stop(t, SIGTERM);
	/* one of a group's: both sockets are */
	if ((gr = getgrnam("daemon")) != NULL) {
		snprintf(text, sizeof(text), "listen on socket \"%s\" mode "
		    "0660 group \"daemon\"\n", t->sock);
		hub_conf(t, text);
		hub_start(t);
		has_mode(t->sock, 0660, gr->gr_gid);
		has_mode(ctl, 0660, gr->gr_gid);
	}
	tenv_end(t);
}
END_TEST

/* It has left the terminal by then, and the system's log is elsewhere. */
START_TEST(a_daemon_says_why_it_does_not_start)
{
	struct tenv	*t = tenv_new();
	struct output	*o;
	char		 text[2 * T_PATH], path[T_PATH];

	snprintf(text, sizeof(text), "listen on socket \"%s/hub.sock\" "
	    "group \"no-such-group\"\n", t->dir);
	strlcpy(path, tenv_path(t, "hubd.conf"), sizeof(path));
	write_file(path, text, strlen(text));
	unsetenv("RELAY_HUB_SOCKET");
	o = run(t, NULL, "hubd", "-f", path, NULL);
	want(exit_code(o) == 1 && strstr(o->err, "no-such-group") != NULL,
	    "status 0x%x: %s", o->status, o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* Looks at each line of each log of an embedded hub; how many there were. */
static int
log_lines(struct tenv *t, const char *never)
{
	struct dirent	*e;
	struct stat	 st;
	DIR		*d = opendir(tenv_path(t, "d/logs"));
	char		 path[T_PATH], *text, *p, *line;
	int		 n = 0;

	want(d != NULL, "no directory logs");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		want(strncmp(e->d_name, "relay-", 6) == 0, "%s", e->d_name);
		snprintf(path, sizeof(path), "%s/logs/%.100s", t->data,
		    e->d_name);
		want(stat(path, &st) == 0 && (st.st_mode & 077) == 0,
		    "%s can be read by others", path);
		text = p = read_file(path);
		while ((line = strsep(&p, "\n")) != NULL && *line != '\0') {
			want(tenv_keep(t, json_loads(line, 0, NULL)) != NULL,
			    "not JSON: %s", line);
			want(strstr(line, never) == NULL, "a text: %s", line);
			n++;
		}
		free(text);
	}
	closedir(d);
	return (n);
}

START_TEST(the_log_of_an_embedded_hub)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;

	output_free(run(t, NULL, "hubd", "-e", "-v", NULL));
	hub_wait(t);
	a = client_new(t, "a", NULL);
	send_text(a, "b", "very secret words", "queued");
	say_text(a, "{\"type\":\"send\",\"text\":\"very secret words\"}");
	hear(a, "err");
	kill(hub_pid(t, NULL), SIGTERM);
	want(procs_gone(t, T_WAIT), "SIGTERM and still there");
	want(log_lines(t, "very secret") > 0, "nothing was logged");
	tenv_end(t);
}
END_TEST

START_TEST(signals_that_change_nothing)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;

	hub_start(t);
	a = client_new(t, "a", NULL);
	kill(t->hub, SIGHUP);
	kill(t->hub, SIGUSR1);
	in_step(a);
	hub_serves(t);
	kill(t->hub, SIGPIPE);
	in_step(a);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("config");

	(void)argc;
	test_add(s, good_files, 20);
	test_add(s, bad_files, 30);
	test_add(s, an_included_file_that_is_missing, 20);
	test_add(s, an_error_in_an_included_file, 20);
	test_add(s, a_users_own_file_holds, 20);
	test_add(s, limit_of_mailboxes, 20);
	test_add(s, limit_of_sessions, 20);
	if (geteuid() == 0)
		test_add(s, who_can_connect, 60);
	test_add(s, a_daemon_says_why_it_does_not_start, 30);
	test_add(s, without_any_variable, 20);
	test_add(s, the_log_of_an_embedded_hub, 20);
	test_add(s, signals_that_change_nothing, 20);
	return (test_main(argv[0], s));
}
