/* SPDX-License-Identifier: ISC */
/*
 * A session's channeld: what it pushes to the host, the name it takes, and how
 * it ends.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"

#define LATEST		"2025-11-25"
#define END_MS		1000

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static struct conn *
session(struct tenv *t, const char *name)
{
	struct conn	*m = mcp_start(t, name, NULL);

	mcp_init(m, LATEST);
	mcp_name(m);
	return (m);
}

/* The next push; its meta has only strings, under keys a host takes. */
static json_t *
pushed(struct conn *m, const char *content)
{
	json_t		*p = mcp_push(m), *meta, *value;
	const char	*key;

	if (content != NULL)
		is_str(p, "content", content);
	meta = json_object_get(p, "meta");
	json_object_foreach(meta, key, value) {
		want(json_is_string(value), "%s is no string: %s", key,
		    show(p));
		want(strspn(key, "abcdefghijklmnopqrstuvwxyz_"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(key),
		    "%s is no key: %s", key, show(p));
	}
	return (meta);
}

START_TEST(a_message_is_pushed)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", FEATURES);
	const char	*id;
	json_t		*meta, *j;

	id = send_text(c, "m", "hello", "delivered");
	meta = pushed(m, "hello");
	has_only(meta, "from msg_id ts");
	is_str(meta, "from", "c");
	is_str(meta, "msg_id", id);
	want(is_iso8601(str_of(meta, "ts")), "ts: %s", show(meta));
	j = hear(c, "receipt");
	is_str(j, "msg_id", id);
	is_str(j, "state", "received");
	tenv_end(t);
}
END_TEST

START_TEST(a_message_with_all_members)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", FEATURES);
	json_t		*meta;

	rpc(c, "{s:s,s:s,s:s,s:s,s:b,s:s}", "type", "send", "to", "m",
	    "text", "x", "reply_to", "m-1", "urgent", 1,
	    "kind", "request");
	meta = pushed(m, "x");
	has_only(meta, "from msg_id ts reply_to urgent kind");
	is_str(meta, "reply_to", "m-1");
	is_str(meta, "urgent", "true");
	is_str(meta, "kind", "request");
	tenv_end(t);
}
END_TEST

/* Nobody has seen the host take it, until the model reads or answers it. */
START_TEST(unread_until_read)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*list;

	send_text(c, "m", "hello", "delivered");
	pushed(m, "hello");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 1);
	list = is_list(mcp_tool(m, "relay_inbox", "{}"), "messages", 1);
	is_str(json_array_get(list, 0), "text", "hello");
	is_absent(mcp_tool(m, "relay_peers", "{}"), "unread");
	tenv_end(t);
}
END_TEST

START_TEST(answering_is_seeing)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", FEATURES);
	const char	*id;
	json_t		*j;

	id = send_text(c, "m", "hello", "delivered");
	pushed(m, "hello");
	is_str(hear(c, "receipt"), "state", "received");
	/* relay_reply finds out that it is a message's id */
	j = mcp_tool(m, "relay_reply", "{s:s,s:s}", "ask_id", id,
	    "text", "hello yourself");
	is_true(j, "ok");
	str_of(j, "msg_id");
	j = hear(c, "incoming_message");
	is_str(j, "text", "hello yourself");
	is_str(j, "reply_to", id);
	is_str(hear(c, "receipt"), "state", "seen");
	is_absent(mcp_tool(m, "relay_peers", "{}"), "unread");
	tenv_end(t);
}
END_TEST

START_TEST(asked_by_a_peer)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*meta, *j;

	say(c, "{s:s,s:s,s:s,s:s,s:s}", "type", "ask", "to", "m",
	    "question", "why?", "ask_id", "k1", "thread_id", "th");
	meta = pushed(m, "why?");
	has_only(meta, "from ask_id thread_id");
	is_str(meta, "from", "c");
	is_str(meta, "ask_id", "k1");
	j = mcp_tool(m, "relay_reply", "{s:s,s:s}", "ask_id", "k1",
	    "text", "because");
	is_true(j, "ok");
	j = hear(c, "incoming_reply");
	is_str(j, "text", "because");
	is_str(j, "from", "m");
	tenv_end(t);
}
END_TEST

START_TEST(asking_a_peer)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j, *meta;
	const char	*id;

	j = mcp_tool(m, "relay_ask", "{s:s,s:s}", "to", "c",
	    "question", "why?");
	has_only(j, "ok ask_id");
	id = str_of(j, "ask_id");
	j = hear(c, "incoming_ask");
	is_str(j, "ask_id", id);
	is_str(j, "question", "why?");
	is_str(j, "from", "m");
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id", id,
	    "text", "because");
	meta = pushed(m, "because");
	is_str(meta, "from", "c");
	is_str(meta, "ask_id", id);
	tenv_end(t);
}
END_TEST

START_TEST(asking_in_vain)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j, *meta;
	const char	*id;

	j = mcp_tool(m, "relay_ask", "{s:s,s:s}", "to", "nobody",
	    "question", "why?");
	id = str_of(j, "ask_id");
	meta = pushed(m, NULL);
	has_only(meta, "ask_id code");
	is_str(meta, "ask_id", id);
	is_str(meta, "code", "peer_not_found");
	j = mcp_tool(m, "relay_ask", "{s:s,s:s,s:i}", "to", "c",
	    "question", "why?", "timeout_s", 1);
	id = str_of(j, "ask_id");
	meta = pushed(m, NULL);
	is_str(meta, "ask_id", id);
	is_str(meta, "code", "timeout");
	mcp_tool(m, "relay_ask", "{s:s,s:s}", "to", "c", "question", "w?");
	conn_close(c);
	is_str(pushed(m, NULL), "code", "peer_gone");
	tenv_end(t);
}
END_TEST

/* What the hub does not take at all is the call's own answer. */
START_TEST(asking_wrongly)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	char		*question = t_fill('q', 524289);

	mcp_refused(m, "bad_args", "relay_ask", "{s:s,s:s}",
	    "to", "no such name", "question", "why?");
	mcp_refused(m, "too_large", "relay_ask", "{s:s,s:s}",
	    "to", "m", "question", question);
	mcp_refused(m, "too_large", "relay_broadcast", "{s:s}",
	    "question", question);
	free(question);
	tenv_end(t);
}
END_TEST

START_TEST(asking_everybody)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m"), *other = session(t, "other");
	struct conn	*c = client_new(t, "c", NULL);
	json_t		*j, *meta;
	const char	*id;

	j = mcp_tool(m, "relay_broadcast", "{s:s}", "question", "who?");
	has_only(j, "ok broadcast_id peer_count");
	is_int(j, "peer_count", 2);
	id = str_of(j, "broadcast_id");
	meta = pushed(other, "who?");
	is_str(meta, "broadcast_id", id);
	mcp_tool(other, "relay_reply", "{s:s,s:s}", "ask_id",
	    str_of(meta, "ask_id"), "text", "me");
	meta = pushed(m, "me");
	is_str(meta, "from", "other");
	is_str(meta, "broadcast_id", id);
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    str_of(hear(c, "incoming_ask"), "ask_id"), "text", "me, too");
	is_str(pushed(m, "me, too"), "from", "c");
	tenv_end(t);
}
END_TEST

/* They may come one by one or joined, but all of them and in order. */
START_TEST(a_burst_is_pushed)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m");
	struct conn	*c = client_new(t, "c", FEATURES);
	char		 text[32], all[2048] = "", *at = all;
	int		 i;

	for (i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "burst number %d.", i);
		send_text(c, "m", text, "delivered");
	}
	for (i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "burst number %d.", i);
		while (strstr(at, text) == NULL)
			strlcat(all, str_of(mcp_push(m), "content"),
			    sizeof(all));
		at = strstr(at, text);
	}
	for (i = 0; i < 10; i++)
		is_str(hear(c, "receipt"), "state", "received");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 10);
	tenv_end(t);
}
END_TEST

START_TEST(no_push)
{
	struct tenv	*t = begin();
	struct conn	*m = mcp_start(t, "m", "--push", "none", NULL);
	struct conn	*c = client_new(t, "c", FEATURES);

	mcp_init(m, LATEST);
	mcp_name(m);
	send_text(c, "m", "hello", "delivered");
	is_int(mcp_tool(m, "relay_peers", "{}"), "unread", 1);
	want(TAILQ_EMPTY(&m->lines), "pushed all the same: %s",
	    TAILQ_FIRST(&m->lines)->text);
	is_list(mcp_tool(m, "relay_inbox", "{}"), "messages", 1);
	is_str(hear(c, "receipt"), "state", "seen");
	tenv_end(t);
}
END_TEST

/* What it cannot be given stays in the mailbox, not in memory. */
START_TEST(a_host_that_never_reads)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m"), *late;
	struct conn	*c = client_new(t, "c", NULL);
	char		*text = t_fill('x', 200000);
	json_t		*j;
	int		 i;

	m->mute = 1;
	for (i = 0; i < 100; i++)
		send_text(c, "m", text, NULL);
	free(text);
	mcp_end(m);
	late = session(t, "m");
	j = mcp_tool(late, "relay_inbox", "{s:i}", "limit", 1);
	is_list(j, "messages", 1);
	is_int(j, "remaining", 99);
	tenv_end(t);
}
END_TEST

START_TEST(sessions_talk)
{
	struct tenv	*t = tenv_new();
	struct conn	*a = session(t, "a"), *b = session(t, "b");
	json_t		*meta;

	mcp_tool(a, "relay_send", "{s:s,s:s}", "to", "b", "text", "1");
	meta = pushed(b, "1");
	mcp_tool(b, "relay_send", "{s:s,s:s,s:s}", "to", "a", "text", "2",
	    "reply_to", str_of(meta, "msg_id"));
	is_str(pushed(a, "2"), "reply_to", str_of(meta, "msg_id"));
	is_absent(mcp_tool(b, "relay_peers", "{}"), "unread");
	tenv_end(t);
}
END_TEST

/* --- identity --- */

static void
is_called(struct conn *m, const char *name)
{
	mcp_init(m, LATEST);
	want(strcmp(mcp_name(m), name) == 0, "it is %s, not %s", mcp_name(m),
	    name);
}

START_TEST(names_by_environment)
{
	static const char *const vars[] = {
		"RELAY_SESSION_NAME", "RELAY_CLIENT_ID",
		"CLAUDE_RELAY_SESSION_ID"
	};
	struct tenv	*t = begin();
	char		 name[16];
	size_t		 i;

	is_called(mcp_start(t, NULL, "--name", "by-option", NULL),
	    "by-option");
	/* each goes before those that are set already */
	for (i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		snprintf(name, sizeof(name), "by-%zu", i);
		setenv(vars[i], name, 1);
		is_called(mcp_start(t, NULL, "--name", "not", NULL), name);
	}
	is_called(mcp_start(t, "by-peer-id", NULL), "by-peer-id");
	tenv_end(t);
}
END_TEST

START_TEST(names_by_directory)
{
	static const struct {
		const char	*dir, *name;
	} v[] = {
		{ "plain", "plain" }, { "My  Proj!!x", "my-proj-x" },
		{ "\xc3\xa4\xc3\xb6", "relay" }, { "v1.2_a", "v1.2_a" }
	};
	struct tenv	*t = begin();
	char		 dir[T_PATH];
	size_t		 i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", t->dir, v[i].dir);
		want(mkdir(dir, 0700) == 0, "mkdir %s", dir);
		is_called(mcp_start_in(t, dir, NULL, NULL), v[i].name);
	}
	tenv_end(t);
}
END_TEST

START_TEST(ten_of_one_name)
{
	struct tenv	*t = begin();
	struct conn	*m;
	char		 name[16] = "same";
	int		 i;

	for (i = 1; i <= 10; i++) {
		if (i > 1)
			snprintf(name, sizeof(name), "same-%d", i);
		is_called(mcp_start(t, "same", NULL), name);
	}
	/* all are taken: it cannot work, and says so */
	m = mcp_start(t, "same", NULL);
	mcp_init(m, LATEST);
	mcp_refused(m, "name_taken", "relay_peers", "{}");
	tenv_end(t);
}
END_TEST

/* What others see of the session that is started in this directory. */
static json_t *
seen_from(struct tenv *t, const char *dir, const char *name)
{
	struct conn	*c = client_new(t, "looker", NULL), *m;
	json_t		*p, *list;

	m = mcp_start_in(t, dir, name, NULL);
	mcp_init(m, LATEST);
	mcp_name(m);
	list = json_object_get(rpc(c, "{s:s}", "type", "list_peers"),
	    "peers");
	p = find_in(list, "name", name);
	want(p != NULL, "no %s: %s", name, show(list));
	conn_close(c);
	return (p);
}

START_TEST(branch_of_a_repository)
{
	struct tenv	*t = begin();
	char		 dir[T_PATH], sub[T_PATH], text[T_PATH];

	strlcpy(dir, tenv_path(t, "repo"), sizeof(dir));
	mkdir(dir, 0700);
	is_str(seen_from(t, dir, "none"), "git_branch", "");
	mkdir(tenv_path(t, "repo/.git"), 0700);
	write_file(tenv_path(t, "repo/.git/HEAD"),
	    "ref: refs/heads/feature/x\n", 26);
	is_str(seen_from(t, dir, "main-tree"), "git_branch", "feature/x");
	is_str(seen_from(t, dir, "main-tree2"), "cwd", dir);
	/* a worktree: .git is a file */
	mkdir(tenv_path(t, "gitdir"), 0700);
	write_file(tenv_path(t, "gitdir/HEAD"), "ref: refs/heads/w\n", 18);
	strlcpy(sub, tenv_path(t, "tree"), sizeof(sub));
	mkdir(sub, 0700);
	snprintf(text, sizeof(text), "gitdir: %.200s/gitdir\n", t->dir);
	write_file(tenv_path(t, "tree/.git"), text, strlen(text));
	is_str(seen_from(t, sub, "worktree"), "git_branch", "w");
	tenv_end(t);
}
END_TEST

static void
host_name(struct tenv *t, const char *name)
{
	char	path[T_PATH], text[T_PATH];

	snprintf(path, sizeof(path), "%s/.claude", t->home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.claude/sessions", t->home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.claude/sessions/%ld.json", t->home,
	    (long)getpid());
	snprintf(text, sizeof(text), "{\"pid\":%ld,\"name\":\"%s\"}",
	    (long)getpid(), name);
	write_file(path, text, strlen(text));
}

static int
is_renamed(void *arg)
{
	return (strcmp(mcp_name(arg), "second-name") == 0);
}

START_TEST(name_of_the_host)
{
	struct tenv	*t = begin();
	struct conn	*m, *fixed;

	host_name(t, "first-name");
	m = mcp_start(t, NULL, NULL);
	is_called(m, "first-name");
	fixed = mcp_start(t, "fixed", NULL);
	is_called(fixed, "fixed");
	/* a rename in the host renames the peer */
	host_name(t, "second-name");
	want(t_until(t, is_renamed, m, T_WAIT), "it is still %s",
	    mcp_name(m));
	want(strcmp(mcp_name(fixed), "fixed") == 0, "it became %s",
	    mcp_name(fixed));
	tenv_end(t);
}
END_TEST

/* --- life --- */

static int
is_alone(void *arg)
{
	return (json_array_size(json_object_get(rpc_(arg, "{s:s}",
	    "type", "list_peers"), "peers")) == 0);
}

START_TEST(leaves_at_the_end_of_stdin)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL);

	mcp_end(session(t, "m"));
	want(t_until(t, is_alone, c, END_MS), "the hub still has it");
	/* also when it has not been spoken to */
	mcp_end(mcp_start(t, "m", NULL));
	tenv_end(t);
}
END_TEST

START_TEST(leaves_at_a_signal)
{
	struct tenv	*t = begin();
	struct conn	*c = client_new(t, "c", NULL), *m;
	int		 i, status, signals[] = { SIGTERM, SIGINT };

	for (i = 0; i < 2; i++) {
		m = session(t, "m");
		kill(m->pid, signals[i]);
		want(program_wait(m->pid, &status, END_MS) == 0,
		    "signal %d and still there", signals[i]);
		want(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "signal %d: status 0x%x", signals[i], status);
		conn_close(m);
		want(t_until(t, is_alone, c, END_MS), "the hub has it");
	}
	tenv_end(t);
}
END_TEST

static int
nobody(void *arg)
{
	pid_t	pid;

	return (procs_all(arg, &pid, 1) == 0);
}

/* Its stdin stays open here, but the one that has started it dies. */
START_TEST(leaves_when_the_parent_dies)
{
	struct tenv	*t = tenv_new();
	struct conn	*m;
	int		 in[2], out[2], fds[2];
	pid_t		 host;

	setenv("RELAY_PEER_ID", "orphan", 1);
	setenv("ECORELAY_IDLE_MS", "300", 1);
	want(pipe(in) == 0 && pipe(out) == 0, "pipe");
	want((host = fork()) != -1, "fork");
	if (host == 0) {
		const char *const argv[] = { "channeld", NULL };

		fds[0] = in[0];
		fds[1] = out[1];
		close(in[1]);
		close(out[0]);
		program_start("channeld", argv, fds,
		    tenv_path(t, "orphan.log"), NULL);
		for (;;)
			pause();
	}
	close(in[0]);
	close(out[1]);
	m = conn_add(t, out[0], in[1], host);
	mcp_init(m, LATEST);
	is_called(m, "orphan");
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	want(conn_closes(m, END_MS), "it outlives its parent");
	m->pid = 0;
	conn_close(m);
	want(t_until(t, nobody, t->data, 5000), "a process is left");
	tenv_end(t);
}
END_TEST

/* A hub that hangs holds up neither the host nor the end. */
START_TEST(leaves_a_hub_that_hangs)
{
	struct tenv	*t = begin();
	struct conn	*m = session(t, "m"), *late;
	pid_t		 router = hub_pid(t, "router");

	kill(router, SIGSTOP);
	mcp_ask(m, "tools/call", json_pack("{s:s,s:{}}", "name",
	    "relay_peers", "arguments"));
	mcp_call(m, "ping", NULL);
	mcp_end(m);
	late = mcp_start(t, "late", NULL);
	mcp_init(late, LATEST);
	mcp_end(late);
	kill(router, SIGCONT);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

START_TEST(nothing_but_protocol_on_stdout)
{
	struct tenv	*t = tenv_new();
	struct conn	*m = mcp_start(t, "m", "-d", NULL);
	struct line	*l;

	mcp_init(m, LATEST);
	mcp_name(m);
	client_new(t, "c", NULL);
	mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "c", "text", "x");
	TAILQ_FOREACH(l, &m->lines, entry)
		is_str(l->json, "jsonrpc", "2.0");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("session");

	(void)argc;
	test_add(s, a_message_is_pushed, 20);
	test_add(s, a_message_with_all_members, 20);
	test_add(s, unread_until_read, 20);
	test_add(s, answering_is_seeing, 20);
	test_add(s, asked_by_a_peer, 20);
	test_add(s, asking_a_peer, 20);
	test_add(s, asking_in_vain, 20);
	test_add(s, asking_everybody, 20);
	test_add(s, asking_wrongly, 20);
	test_add(s, a_burst_is_pushed, 20);
	test_add(s, no_push, 20);
	test_add(s, a_host_that_never_reads, 30);
	test_add(s, sessions_talk, 20);
	test_add(s, names_by_environment, 20);
	test_add(s, names_by_directory, 20);
	test_add(s, ten_of_one_name, 40);
	test_add(s, branch_of_a_repository, 20);
	test_add(s, name_of_the_host, 30);
	test_add(s, leaves_at_the_end_of_stdin, 20);
	test_add(s, leaves_at_a_signal, 20);
	test_add(s, leaves_when_the_parent_dies, 20);
	test_add(s, leaves_a_hub_that_hangs, 20);
	test_add(s, nothing_but_protocol_on_stdout, 20);
	return (test_main(argv[0], s));
}
