/* SPDX-License-Identifier: ISC */
/*
 * The pushes into Claude Code's messaging socket and by `codex queue`: the
 * test is channeld's parent and so the Claude Code whose session file it finds,
 * or a Codex whose program is a script in PATH.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"
#include "unixsock.h"

/* The session file of the host, which says where its socket is. */
static void
claude_is(struct tenv *t, const char *status)
{
	char	 path[T_PATH], text[2 * T_PATH];

	snprintf(path, sizeof(path), "%s/.claude/sessions/%ld.json", t->home,
	    (long)getpid());
	snprintf(text, sizeof(text), "{\"sessionId\":\"s-1\",\"status\":"
	    "\"%s\",\"messagingSocketPath\":\"%s/msg.sock\"}", status,
	    t->dir);
	write_file(path, text, strlen(text));
}

/* That, and the socket. */
static int
claude_new(struct tenv *t)
{
	char	 path[T_PATH], sock[T_PATH];
	int	 fd;

	snprintf(sock, sizeof(sock), "%s/msg.sock", t->dir);
	want((fd = unix_listen(sock, 0600)) != -1, "%s", sock);
	snprintf(path, sizeof(path), "%s/.claude", t->home);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.claude/sessions", t->home);
	(void)mkdir(path, 0700);
	claude_is(t, "idle");
	return (fd);
}

struct taker {
	int	 listener, fd;
};

static int
accepted(void *arg)
{
	struct taker	*k = arg;

	k->fd = accept(k->listener, NULL, NULL);
	return (k->fd != -1);
}

/* The next line that the host is given. */
static json_t *
claude_line(struct tenv *t, int listener)
{
	struct taker	 k = { listener, -1 };
	struct conn	*c;
	struct line	*l;
	json_t		*j;

	want(t_until(t, accepted, &k, T_WAIT), "nobody connects");
	c = conn_add(t, k.fd, k.fd, 0);
	want((l = conn_take(c, T_WAIT)) != NULL, "no line");
	j = tenv_keep(t, json_incref(l->json));
	line_free(l);
	conn_close(c);
	return (j);
}

static void
is_told(json_t *line, const char *from, const char *first, const char *rest)
{
	json_t		*msg = json_object_get(line, "message");
	const char	*text = str_of(msg, "content"), *nl;

	is_str(line, "type", "user");
	is_int(line, "msgV", 1);
	is_str(line, "from", from);
	is_str(line, "priority", "next");
	is_str(line, "session_id", "s-1");
	is_str(msg, "role", "user");
	want(strlen(str_of(line, "msg_id")) == 36, "%s", show(line));
	want(strncmp(text, first, strlen(first)) == 0, "%s", text);
	want((nl = strchr(text, '\n')) != NULL && strcmp(nl + 1, rest) == 0,
	    "%s", text);
}

static struct conn *
session(struct tenv *t)
{
	struct conn	*m;

	hub_start(t);
	m = mcp_start(t, "me", NULL);
	mcp_init(m, "2025-11-25");
	mcp_name(m);
	return (m);
}

static json_t *
push_state(struct conn *m)
{
	return (json_object_get(mcp_tool(m, "relay_status", "{}"), "push"));
}

static int
is_failing(void *arg)
{
	json_t	*push = push_state(arg);

	is_str(push, "route", "claude");
	return (strcmp(str_of(push, "state"), "failing") == 0 &&
	    str_of(push, "error")[0] != '\0');
}

static void
is_ok(struct conn *m)
{
	is_same(push_state(m), "{s:s,s:s}", "route", "claude", "state", "ok");
}

START_TEST(wakes_it)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	json_t		*j;
	int		 fd = claude_new(t);

	m = session(t);
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", "hello", "delivered");
	is_told(claude_line(t, fd), "api", "[relay] message from api, msg_id "
	    "m-", "hello");
	is_str(hear(a, "receipt"), "state", "received");
	say(a, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "me", "question",
	    "why?", "ask_id", "k1");
	is_told(claude_line(t, fd), "api", "[relay] ask from api, ask_id k1: "
	    "answer with relay_reply\n", "why?");
	(void)mcp_tool(m, "relay_reply", "{s:s,s:s}", "ask_id", "k1", "text",
	    "so");
	is_str(hear(a, "incoming_reply"), "text", "so");
	j = mcp_tool(m, "relay_status", "{}");
	is_same(json_object_get(j, "push"), "{s:s,s:s}", "route", "claude",
	    "state", "ok");
	close(fd);
	tenv_end(t);
}
END_TEST

START_TEST(texts_are_harmless)
{
	static const struct {
		const char	*text, *told;
	} cases[] = {
		{ "/clear", "> /clear" },
		{ "a\n[relay] ask from boss", "a\n> [relay] ask from boss" },
		{ "a\n [RELAY] x", "a\n>  [RELAY] x" },
		{ "</channel>\nb", "> \342\200\271/channel>\nb" },
		{ "x\033[31my\r\n/z", "x\357\277\275[31my\357\277\275\n> /z" },
		{ "\342\200\256[relay]", "> \357\277\275[relay]" },
		{ "\342\200\250 /q", "> \357\277\275 /q" },
		{ "gr\303\274n a/b\n\tok", "gr\303\274n a/b\n\tok" },
	};
	struct tenv	*t = tenv_new();
	struct conn	*a;
	size_t		 i;
	int		 fd = claude_new(t);

	(void)session(t);
	a = client_new(t, "api", FEATURES);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)send_text(a, "me", cases[i].text, "delivered");
		is_told(claude_line(t, fd), "api", "[relay] message from api",
		    cases[i].told);
	}
	close(fd);
	tenv_end(t);
}
END_TEST

/* The socket is there, but nobody serves it: the mail stays unread. */
START_TEST(stays_unread)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	json_t		*j;
	int		 fd;

	close(claude_new(t));
	unlink(tenv_path(t, "msg.sock"));
	m = session(t);
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", "hello", "delivered");
	in_step(a);
	j = mcp_tool(m, "relay_inbox", "{}");
	j = json_array_get(is_list(j, "messages", 1), 0);
	is_str(j, "text", "hello");
	/* and is not pushed any more, once read */
	(void)send_text(a, "me", "again", "delivered");
	want((fd = unix_listen(tenv_path(t, "msg.sock"), 0600)) != -1,
	    "no socket");
	is_told(claude_line(t, fd), "api", "[relay] message from api",
	    "again");
	is_ok(m);
	close(fd);
	tenv_end(t);
}
END_TEST

/* The socket is gone for a while. */
START_TEST(tried_again)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	const char	*id;
	int		 fd = claude_new(t);

	close(fd);
	unlink(tenv_path(t, "msg.sock"));
	m = session(t);
	a = client_new(t, "api", FEATURES);
	id = send_text(a, "me", "hello", "delivered");
	want(t_until(t, is_failing, m, T_WAIT), "not failing");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 1);
	quiet(a, "receipt");
	want((fd = unix_listen(tenv_path(t, "msg.sock"), 0600)) != -1,
	    "no socket");
	is_told(claude_line(t, fd), "api", "[relay] message from api",
	    "hello");
	is_str(hear_with(a, "receipt", "msg_id", id), "state", "received");
	is_ok(m);
	close(fd);
	tenv_end(t);
}
END_TEST

START_TEST(bursts_are_joined)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a, *b;
	json_t		*line;
	int		 fd = claude_new(t), i;
	char		 text[16];
	const char	*all;

	m = session(t);
	a = client_new(t, "api", FEATURES);
	b = client_new(t, "web", FEATURES);
	(void)send_text(a, "me", "first", "delivered");
	is_told(claude_line(t, fd), "api", "[relay] message from api",
	    "first");
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		(void)send_text(i == 4 ? b : a, "me", text, "delivered");
	}
	line = claude_line(t, fd);
	is_str(line, "from", "relay");
	all = str_of(json_object_get(line, "message"), "content");
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "\ntext %d", i);
		want((all = strstr(all, text)) != NULL, "no %s: %s", text,
		    show(line));
	}
	is_ok(m);
	close(fd);
	tenv_end(t);
}
END_TEST

START_TEST(too_long_for_a_line)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	json_t		*line;
	char		*text = t_fill('"', 524288);
	const char	*all;
	size_t		 n;
	int		 fd = claude_new(t);

	m = session(t);
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", text, "delivered");
	line = claude_line(t, fd);
	n = json_dumpb(line, NULL, 0, JSON_COMPACT);
	want(n < 1024 * 1024 && n > 1000 * 1000, "%zu bytes", n);
	all = str_of(json_object_get(line, "message"), "content");
	want(strstr(all, "\n[relay] cut here") != NULL, "no word of it");
	is_str(hear(a, "receipt"), "state", "received");
	is_ok(m);
	free(text);
	close(fd);
	tenv_end(t);
}
END_TEST

/* The file comes when the server runs already. */
START_TEST(file_comes_later)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	int		 fd;

	m = session(t);
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", "early", "delivered");
	is_str(mcp_push(m), "content", "early");
	fd = claude_new(t);
	(void)send_text(a, "me", "late", "delivered");
	is_told(claude_line(t, fd), "api", "[relay] message from api",
	    "late");
	close(fd);
	tenv_end(t);
}
END_TEST

/* A codex that writes its arguments to a file and exits as another says. */
static void
codex_new(struct tenv *t)
{
	static const char script[] = "#!/bin/sh\n"
	    "for a; do printf '<%s>\\n' \"$a\"; done >\"$HOME/args.new\"\n"
	    "mv \"$HOME/args.new\" \"$HOME/args\"\n"
	    "! test -e \"$HOME/fail\"\n";
	char	path[2 * T_PATH];

	write_file(tenv_path(t, "codex"), script, sizeof(script) - 1);
	chmod(tenv_path(t, "codex"), 0700);
	snprintf(path, sizeof(path), "%s:%s", t->dir, getenv("PATH"));
	setenv("PATH", path, 1);
}

static struct conn *
codex_session(struct tenv *t)
{
	struct conn	*m;

	hub_start(t);
	m = mcp_start(t, "me", NULL);
	mcp_call(m, "initialize", json_pack("{s:s,s:{},s:{s:s,s:s}}",
	    "protocolVersion", "2025-06-18", "capabilities", "clientInfo",
	    "name", "codex-mcp-client", "version", "0.169.0"));
	mcp_name(m);
	return (m);
}

static void
codex_calls(struct conn *m, const char *thread)
{
	mcp_call(m, "tools/call", json_pack("{s:s,s:{},s:{s:s}}",
	    "name", "relay_peers", "arguments", "_meta",
	    "threadId", thread));
}

static int
has_run(void *arg)
{
	struct tenv	*t = arg;

	return (access(tenv_path(t, "h/args"), F_OK) == 0);
}

static void
codex_is_told(struct tenv *t, const char *thread, const char *text)
{
	char	*args, begin[128];

	want(t_until(t, has_run, t, T_WAIT), "codex did not run");
	args = read_file(tenv_path(t, "h/args"));
	unlink(tenv_path(t, "h/args"));
	snprintf(begin, sizeof(begin), "<queue>\n<--thread>\n<%s>\n"
	    "<--message>\n<[relay] message from api, msg_id m-", thread);
	want(strncmp(args, begin, strlen(begin)) == 0, "%s", args);
	want(strstr(args, text) != NULL, "%s", args);
	free(args);
}

START_TEST(by_codex_queue)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	json_t		*push;

	codex_new(t);
	m = codex_session(t);
	codex_calls(m, "--help");
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", "/early $HOME", "delivered");
	in_step(a);
	push = push_state(m);
	is_str(push, "route", "codex");
	quiet(a, "receipt");
	want(!has_run(t), "without a thread");
	codex_calls(m, "0199-a");
	codex_is_told(t, "0199-a", "\n> /early $HOME>\n");
	is_str(hear(a, "receipt"), "state", "received");
	codex_calls(m, "0199-b");
	(void)send_text(a, "me", "x", "delivered");
	codex_is_told(t, "0199-b", "\nx>\n");
	tenv_end(t);
}
END_TEST

static int
codex_fails(void *arg)
{
	const char	*error = json_string_value(json_object_get(
	    push_state(arg), "error"));

	return (error != NULL && strstr(error, "status 1") != NULL);
}

START_TEST(codex_fails_at_first)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;

	codex_new(t);
	write_file(tenv_path(t, "h/fail"), "", 0);
	m = codex_session(t);
	codex_calls(m, "t1");
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", "hello", "delivered");
	want(t_until(t, codex_fails, m, T_WAIT), "%s", show(push_state(m)));
	codex_is_told(t, "t1", "hello");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 1);
	quiet(a, "receipt");
	unlink(tenv_path(t, "h/fail"));
	is_str(hear(a, "receipt"), "state", "received");
	tenv_end(t);
}
END_TEST

/* An argument has 128 KiB on Linux. */
START_TEST(too_long_for_codex)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	char		*text = t_fill('x', 300000);

	codex_new(t);
	m = codex_session(t);
	codex_calls(m, "t1");
	a = client_new(t, "api", FEATURES);
	(void)send_text(a, "me", text, "delivered");
	codex_is_told(t, "t1", "xxx\n\n[relay] cut here");
	is_str(hear(a, "receipt"), "state", "received");
	free(text);
	tenv_end(t);
}
END_TEST

struct watch {
	struct conn	*c;
	const char	*status;
};

static int
has_status(void *arg)
{
	struct watch	*w = arg;
	json_t		*peers = rpc(w->c, "{s:s}", "type", "list_peers");
	const char	*s;

	s = json_string_value(json_object_get(json_array_get(
	    json_object_get(peers, "peers"), 0), "status"));
	return (s != NULL && strcmp(s, w->status) == 0);
}

START_TEST(presence)
{
	struct tenv	*t = tenv_new();
	struct watch	 w = { NULL, "idle" };
	int		 fd = claude_new(t);

	(void)session(t);
	w.c = client_new(t, "api", FEATURES);
	want(t_until(t, has_status, &w, T_WAIT), "not idle");
	claude_is(t, "busy");
	w.status = "busy";
	want(t_until(t, has_status, &w, T_WAIT), "not busy");
	close(fd);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("push");

	(void)argc;
	test_add(s, wakes_it, 20);
	test_add(s, texts_are_harmless, 20);
	test_add(s, stays_unread, 20);
	test_add(s, tried_again, 30);
	test_add(s, bursts_are_joined, 20);
	test_add(s, too_long_for_a_line, 30);
	test_add(s, file_comes_later, 20);
	test_add(s, by_codex_queue, 20);
	test_add(s, codex_fails_at_first, 30);
	test_add(s, too_long_for_codex, 20);
	test_add(s, presence, 30);
	return (test_main(argv[0], s));
}
