/* SPDX-License-Identifier: ISC */
/*
 * hubctl as a person or a script runs it.
 */
#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	setenv("USER", "tester", 1);
	return (t);
}

static int
code_of(const struct output *o)
{
	return (WIFEXITED(o->status) ? WEXITSTATUS(o->status) : -1);
}

/* It must have ended with the code. */
static void
ended(const struct output *o, int code)
{
	if (code_of(o) != code)
		t_fail("status 0x%x, not %d; out: %.500s; err: %.500s",
		    o->status, code, o->out, o->err);
}

/* Its output, as JSON in one line; frees the rest. */
static json_t *
as_json(struct tenv *t, struct output *o)
{
	json_t	*j;
	char	*nl;

	ended(o, 0);
	j = json_loads(o->out, 0, NULL);
	want(json_is_object(j), "no object: %s", o->out);
	nl = strchr(o->out, '\n');
	want(nl != NULL && nl[1] == '\0', "not one line: %s", o->out);
	output_free(o);
	return (tenv_keep(t, j));
}

START_TEST(no_hub)
{
	static const char *const commands[][2] = {
		{ "show", "peers" }, { "show", "sessions" }, { "inbox", "a" },
		{ "monitor", NULL }, { "stop", NULL }
	};
	struct tenv	*t = tenv_new();
	struct output	*o;
	size_t		 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		o = run(t, NULL, "hubctl", commands[i][0], commands[i][1],
		    NULL);
		ended(o, 1);
		want(strstr(o->err, "no hub is running") != NULL &&
		    strstr(o->err, "hubd") != NULL,
		    "%s says: %s", commands[i][0], o->err);
		want(*o->out == '\0', "%s prints: %s", commands[i][0],
		    o->out);
		output_free(o);
	}
	want(hub_count(t) == 0, "it has started one");
	tenv_end(t);
}
END_TEST

START_TEST(called_wrongly)
{
	static const struct {
		const char	*words[2], *says, *never;
	} commands[] = {
		{ { NULL }, "stop the hub", NULL },
		{ { "no-such" }, "unknown command: no-such; hubctl -h", "\n " },
		{ { "show" }, "show stats", "stop the hub" },
		{ { "show", "no-such" }, "unknown command: show no-such",
		    "stop the hub" },
		{ { "send", "a" }, "send [-u] NAME TEXT", "inbox" },
		{ { "inbox" }, "inbox NAME", "send" },
		{ { "-Z" }, "stop the hub", NULL },
		{ { "stop", "now" }, "stop", "inbox" },
	};
	struct tenv	*t = begin();
	struct output	*o;
	size_t		 i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		o = run(t, NULL, "hubctl", commands[i].words[0],
		    commands[i].words[1], NULL);
		ended(o, 2);
		want(strstr(o->err, commands[i].says) != NULL &&
		    (commands[i].never == NULL ||
		    strstr(o->err, commands[i].never) == NULL),
		    "%s: %s", commands[i].says, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(who_is_there)
{
	struct tenv	*t = begin();
	struct output	*o;
	json_t		*j, *s;

	client_new(t, "here", FEATURES);
	conn_close(client_new(t, "away", NULL));
	o = run(t, NULL, "hubctl", "show", "peers", NULL);
	ended(o, 0);
	want(strstr(o->out, "here") != NULL && strstr(o->out, "main") != NULL,
	    "show peers: %s", o->out);
	want(strstr(o->out, "away") == NULL, "show peers: %s", o->out);
	output_free(o);
	j = as_json(t, run(t, NULL, "hubctl", "-j", "show", "peers", NULL));
	want(strstr(show(j), "\"here\"") != NULL, "%s", show(j));
	o = run(t, NULL, "hubctl", "show", "sessions", NULL);
	ended(o, 0);
	want(strstr(o->out, "here") != NULL && strstr(o->out, "away") != NULL,
	    "show sessions: %s", o->out);
	output_free(o);
	j = as_json(t, run(t, NULL, "hubctl", "show", "sessions", "-j",
	    NULL));
	s = find_in(json_object_get(j, "sessions"), "name", "away");
	want(s != NULL, "no away: %s", show(j));
	is_int(s, "unread", 0);
	o = run(t, NULL, "hubctl", "sh", "pe", NULL);
	ended(o, 0);
	output_free(o);
	j = as_json(t, run(t, NULL, "hubctl", "-j", "show", "status", NULL));
	want(json_is_object(json_object_get(j, "hub")), "no hub: %s", show(j));
	tenv_end(t);
}
END_TEST

START_TEST(sends)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);
	struct output	*o;
	json_t		*j;

	o = run(t, NULL, "hubctl", "send", "c", "hello", NULL);
	ended(o, 0);
	want(strncmp(o->out, "delivered", 9) == 0, "%s", o->out);
	output_free(o);
	j = hear(c, "incoming_message");
	is_str(j, "text", "hello");
	is_str(j, "from", "tester");
	is_absent(j, "urgent");
	o = run(t, "from a pipe", "hubctl", "send", "-u", "c", "-", NULL);
	ended(o, 0);
	output_free(o);
	j = hear(c, "incoming_message");
	is_str(j, "text", "from a pipe");
	is_true(j, "urgent");
	o = run(t, NULL, "hubctl", "send", "away", "x", NULL);
	ended(o, 0);
	want(strncmp(o->out, "queued", 6) == 0, "%s", o->out);
	output_free(o);
	o = run(t, NULL, "hubctl", "send", "not a name", "x", NULL);
	ended(o, 1);
	output_free(o);
	as_json(t, run(t, NULL, "hubctl", "-j", "send", "c", "x", NULL));
	tenv_end(t);
}
END_TEST

START_TEST(looks_into_mailboxes)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);
	struct output	*o;
	json_t		*j;

	send_text(c, "away", "first", NULL);
	send_text(c, "away", "evil \x1b[31m \xe2\x80\xae", NULL);
	o = run(t, NULL, "hubctl", "inbox", "away", NULL);
	ended(o, 0);
	want(strstr(o->out, "first") != NULL && strstr(o->out, "evil") != NULL
	    && strstr(o->out, "first") < strstr(o->out, "evil"), "%s",
	    o->out);
	want(strchr(o->out, '\x1b') == NULL &&
	    strstr(o->out, "\xe2\x80\xae") == NULL, "not escaped: %s",
	    o->out);
	output_free(o);
	/* none is marked as read */
	j = as_json(t, run(t, NULL, "hubctl", "-j", "inbox", "away", NULL));
	is_list(j, "messages", 2);
	is_list(rpc(client_new(t, "away", NULL), "{s:s}", "type", "inbox"),
	    "messages", 2);
	tenv_end(t);
}
END_TEST

/* Names that never were there have mailboxes, too. */
START_TEST(all_mailboxes)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);
	struct output	*o;
	json_t		*j, *m;

	o = run(t, NULL, "hubctl", "show", "mailboxes", NULL);
	ended(o, 0);
	want(strstr(o->out, "online") != NULL, "%s", o->out);
	output_free(o);
	send_text(c, "away", "secret words", "queued");
	send_text(c, "c", "x", "delivered");
	o = run(t, NULL, "hubctl", "show", "mailboxes", NULL);
	ended(o, 0);
	want(strstr(o->out, "away") != NULL && strstr(o->out, "UNREAD") !=
	    NULL, "%s", o->out);
	output_free(o);
	j = as_json(t, run(t, NULL, "hubctl", "-j", "show", "mailboxes",
	    NULL));
	has_only(j, "mailboxes");
	is_list(j, "mailboxes", 2);
	m = find_in(json_object_get(j, "mailboxes"), "name", "away");
	want(m != NULL, "no away: %s", show(j));
	has_only(m, "name kept unread dropped online");
	is_int(m, "kept", 1);
	is_int(m, "unread", 1);
	is_int(m, "dropped", 0);
	want(json_is_false(json_object_get(m, "online")), "%s", show(m));
	m = find_in(json_object_get(j, "mailboxes"), "name", "c");
	is_true(m, "online");
	tenv_end(t);
}
END_TEST

START_TEST(any_message)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", FEATURES);
	struct output	*o;
	const char	*id;
	json_t		*j;

	j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "away", "text",
	    "secret words", "kind", "request");
	id = str_of(j, "msg_id");
	j = as_json(t, run(t, NULL, "hubctl", "-j", "show", "message", id,
	    NULL));
	has_only(j, "msg_id from to state state_ts ts kind urgent kept");
	is_str(j, "msg_id", id);
	is_str(j, "from", "c");
	is_str(j, "to", "away");
	is_str(j, "state", "accepted");
	is_str(j, "kind", "request");
	is_true(j, "kept");
	want(is_iso8601(str_of(j, "ts")), "%s", show(j));
	rpc(client_new(t, "away", NULL), "{s:s}", "type", "inbox");
	hear(c, "receipt");
	o = run(t, NULL, "hubctl", "sh", "mess", id, NULL);
	ended(o, 0);
	want(strstr(o->out, "seen") != NULL && strstr(o->out, "away") != NULL
	    && strstr(o->out, "secret") == NULL, "%s", o->out);
	output_free(o);
	o = run(t, NULL, "hubctl", "show", "message", "m-unknown", NULL);
	ended(o, 1);
	output_free(o);
	o = run(t, NULL, "hubctl", "show", "message", NULL);
	ended(o, 2);
	output_free(o);
	tenv_end(t);
}
END_TEST

START_TEST(monitors)
{
	const char *const argv[] = { "hubctl", "-j", "monitor", NULL };
	struct tenv	*t = begin();
	struct conn	*m, *c = client_new(t, "c", NULL);
	struct line	*l;
	int		 out[2], fds[2] = { -1, -1 }, status, found = 0;
	int64_t		 end = t_now() + t_slow(T_WAIT);
	pid_t		 pid;

	want(pipe(out) == 0, "pipe");
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	fds[1] = out[1];
	pid = program_start("hubctl", argv, fds, tenv_path(t, "monitor.log"),
	    NULL);
	close(out[1]);
	m = conn_add(t, out[0], dup(out[0]), pid);
	/* It says nothing when it is ready: send until it shows one. */
	while (!found && t_now() < end) {
		send_text(c, "away", "secret words", NULL);
		while ((l = conn_take(m, 20)) != NULL) {
			want(json_is_object(l->json), "no object: %s",
			    l->text);
			want(strstr(l->text, "secret words") == NULL,
			    "a text in an event: %s", l->text);
			if (strstr(l->text, "\"away\"") != NULL)
				found = 1;
			line_free(l);
		}
	}
	want(found, "no event for a message");
	kill(pid, SIGINT);
	want(program_wait(pid, &status, T_WAIT) == 0, "it goes on");
	m->pid = 0;
	conn_close(m);
	tenv_end(t);
}
END_TEST

START_TEST(cleans_and_stops)
{
	struct tenv	*t = begin();
	struct output	*o;
	int		 status;

	o = run(t, NULL, "hubctl", "clean", NULL);
	ended(o, 0);
	output_free(o);
	o = run(t, NULL, "hubctl", "clean", "-d", "x", NULL);
	want(code_of(o) != 0, "days may be x");
	output_free(o);
	o = run(t, NULL, "hubctl", "stop", NULL);
	ended(o, 0);
	output_free(o);
	want(program_wait(t->hub, &status, T_WAIT) == 0, "it goes on");
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x",
	    status);
	t->hub = 0;
	tenv_end(t);
}
END_TEST

static int
level_is_heard(void *arg)
{
	struct tenv	*t = arg;
	char		*log;
	int		 heard;

	/* the router and the store say at that level who comes and goes */
	hub_serves(t);
	log = read_file(t->hublog);
	heard = strstr(log, "debug: ") != NULL;
	free(log);
	return (heard);
}

START_TEST(log_level_and_version)
{
	struct tenv	*t = tenv_new();
	struct output	*o;

	o = run(t, NULL, "hubctl", "version", NULL);
	want(o->status == 0 && strstr(o->out, "is not running") != NULL,
	    "%s%s", o->out, o->err);
	output_free(o);
	hub_start(t);
	o = run(t, NULL, "hubctl", "version", NULL);
	want(o->status == 0 && strstr(o->out, "\nhub ") != NULL &&
	    strstr(o->out, "not running") == NULL, "%s%s", o->out, o->err);
	output_free(o);
	o = run(t, NULL, "hubctl", "log", "level", "loud", NULL);
	want(o->status != 0 && strstr(o->err, "warn, info and debug") != NULL,
	    "%s%s", o->out, o->err);
	output_free(o);
	o = run(t, NULL, "hubctl", "log", "level", "debug", NULL);
	want(o->status == 0, "%s", o->err);
	output_free(o);
	want(t_until(t, level_is_heard, t, t_slow(T_WAIT)),
	    "nothing is logged at that level");
	o = run(t, NULL, "hubctl", "log", "level", "warn", NULL);
	want(o->status == 0, "%s", o->err);
	output_free(o);
	hub_stop(t, SIGTERM);
	tenv_end(t);
}
END_TEST

START_TEST(cleans_up_after_a_dead_hub)
{
	struct tenv	*t = begin();
	struct output	*o;

	hub_kill(t, NULL);
	want(access(t->sock, F_OK) == 0, "no socket was left");
	o = run(t, NULL, "hubctl", "clean", NULL);
	ended(o, 0);
	output_free(o);
	want(access(t->sock, F_OK) == -1, "the socket is still there");
	tenv_end(t);
}
END_TEST

START_TEST(chats_without_a_terminal)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);
	struct output	*o;
	json_t		*j;

	o = run(t, "@c hello there\n//slash\n/peers\n", "hubctl", "chat",
	    "me", NULL);
	ended(o, 0);
	j = hear(c, "incoming_message");
	is_str(j, "from", "me");
	is_str(j, "text", "hello there");
	is_str(hear(c, "incoming_message"), "text", "/slash");
	output_free(o);
	is_list(rpc(c, "{s:s}", "type", "list_peers"), "peers", 0);
	o = run(t, "/ask nobody are you there?\n", "hubctl", "chat", "me",
	    NULL);
	ended(o, 1);
	output_free(o);
	o = run(t, "/no-such-command\n", "hubctl", "chat", "me", NULL);
	ended(o, 1);
	output_free(o);
	send_text(c, "me", "while you were away", "queued");
	o = run(t, "/inbox\n", "hubctl", "chat", "me", NULL);
	ended(o, 0);
	want(strstr(o->out, "while you were away") != NULL, "%s", o->out);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* It waits for the answer to what it has asked, and shows it. */
START_TEST(chat_waits_for_answers)
{
	const char *const argv[] = { "hubctl", "chat", "me", NULL };
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);
	char		*text;
	int		 fds[2] = { -1, -1 }, status;
	pid_t		 pid;

	write_file(tenv_path(t, "in"), "/ask c which port?\n", 19);
	fds[0] = open(tenv_path(t, "in"), O_RDONLY | O_CLOEXEC);
	pid = program_start("hubctl", argv, fds, tenv_path(t, "chat.log"),
	    NULL);
	close(fds[0]);
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    str_of(hear(c, "incoming_ask"), "ask_id"), "text", "port 4711");
	want(program_wait(pid, &status, T_WAIT) == 0, "it goes on");
	text = read_file(tenv_path(t, "chat.log"));
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status 0x%x: %s", status, text);
	want(strstr(text, "port 4711") != NULL, "no answer in: %s", text);
	free(text);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("hubctl");

	(void)argc;
	test_add(s, no_hub, 30);
	test_add(s, called_wrongly, 30);
	test_add(s, who_is_there, 30);
	test_add(s, sends, 30);
	test_add(s, looks_into_mailboxes, 30);
	test_add(s, all_mailboxes, 30);
	test_add(s, any_message, 30);
	test_add(s, monitors, 30);
	test_add(s, cleans_and_stops, 30);
	test_add(s, log_level_and_version, 40);
	test_add(s, cleans_up_after_a_dead_hub, 30);
	test_add(s, chats_without_a_terminal, 30);
	test_add(s, chat_waits_for_answers, 30);
	return (test_main(argv[0], s));
}
