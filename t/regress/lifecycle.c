/* SPDX-License-Identifier: ISC */
/*
 * How a hub begins and ends: started by sessions, at an old socket, beside a
 * live one, by twenty at once; signals; what happens when a part is killed.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"

#define IDLE_MS		"300"
#define TWENTY		20

static mode_t
mode_of(const char *path)
{
	struct stat	st;

	want(stat(path, &st) == 0, "%s is not there", path);
	return (st.st_mode & 07777);
}

static int
exited_with(int status, int code)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == code);
}

START_TEST(files_are_private)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	send_text(client_new(t, "a", NULL), "b", "x", NULL);
	want(mode_of(t->data) == 0700, "the data directory is open");
	want(mode_of(t->sock) == 0600, "the socket is open");
	want((mode_of(tenv_path(t, "d/relay.db")) & 077) == 0,
	    "the database is open");
	tenv_end(t);
}
END_TEST

START_TEST(a_signal_ends_it)
{
	struct tenv	*t = tenv_new();
	struct conn	*c;
	int		 i, signals[] = { SIGTERM, SIGINT };

	for (i = 0; i < 2; i++) {
		hub_start(t);
		c = client_new(t, "a", NULL);
		want(exited_with(hub_stop(t, signals[i]), 0),
		    "not 0 after signal %d", signals[i]);
		want(conn_closes(c, T_WAIT), "the session is connected");
		conn_close(c);
		want(procs_gone(t, T_WAIT), "children are left");
	}
	tenv_end(t);
}
END_TEST

START_TEST(it_leaves_when_idle)
{
	struct tenv	*t = tenv_new();
	struct output	*o;
	struct conn	*c;
	int64_t		 begun;

	setenv("ECORELAY_IDLE_MS", IDLE_MS, 1);
	o = run(t, NULL, "hubd", "-e", NULL);
	want(exited_with(o->status, 0), "hubd -e: status 0x%x, %s",
	    o->status, o->err);
	output_free(o);
	hub_wait(t);
	c = client_new(t, "a", NULL);
	/* not while somebody is there */
	begun = t_now();
	while (t_now() - begun < 1000)
		in_step(c);
	conn_close(c);
	want(procs_gone(t, 5000), "it is still there");
	tenv_end(t);
}
END_TEST

START_TEST(an_old_socket_is_replaced)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct tenv		*t = tenv_new();
	int			 fd;

	want(mkdir(t->data, 0700) == 0, "mkdir %s", t->data);
	strlcpy(sun.sun_path, t->sock, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	want(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    listen(fd, 5) == 0, "cannot listen");
	close(fd);
	hub_start(t);
	client_new(t, "a", NULL);
	hub_kill(t, NULL);
	want(access(t->sock, F_OK) == 0, "this should leave the socket");
	hub_start(t);
	client_new(t, "a", NULL);
	tenv_end(t);
}
END_TEST

START_TEST(a_live_socket_is_not_stolen)
{
	static const char *const flags[] = { "-d", "-e" };
	struct tenv	*t = tenv_new();
	struct conn	*c;
	struct output	*o;
	size_t		 i;

	hub_start(t);
	c = client_new(t, "a", NULL);
	for (i = 0; i < 2; i++) {
		o = run(t, NULL, "hubd", flags[i], NULL);
		if (i == 0)
			want(!exited_with(o->status, 0) && *o->err != '\0',
			    "a second hub: status 0x%x, said: %s",
			    o->status, o->err);
		output_free(o);
		in_step(c);
		client_new(t, i == 0 ? "b" : "c", NULL);
	}
	is_list(rpc(c, "{s:s}", "type", "list_peers"), "peers", 2);
	tenv_end(t);
}
END_TEST

START_TEST(a_path_too_long_is_said)
{
	struct tenv	*t = tenv_new();
	struct output	*o;
	char		 path[T_PATH], *name = t_fill('s', 120);

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	setenv("RELAY_HUB_SOCKET", path, 1);
	o = run(t, NULL, "hubd", "-d", NULL);
	want(!exited_with(o->status, 0) && strstr(o->err, "too long"),
	    "status 0x%x, said: %s", o->status, o->err);
	output_free(o);
	unsetenv("RELAY_HUB_SOCKET");
	setenv("ECORELAY_DATA", path, 1);
	o = run(t, NULL, "hubd", "-d", NULL);
	want(!exited_with(o->status, 0) && strstr(o->err, "too long"),
	    "status 0x%x, said: %s", o->status, o->err);
	output_free(o);
	free(name);
	tenv_end(t);
}
END_TEST

START_TEST(another_socket_by_environment)
{
	struct tenv	*t = tenv_new();

	snprintf(t->sock, sizeof(t->sock), "%s/other.sock", t->dir);
	setenv("RELAY_HUB_SOCKET", t->sock, 1);
	hub_start(t);
	client_new(t, "a", NULL);
	tenv_end(t);
}
END_TEST

static void
dies_with(const char *role)
{
	struct tenv	*t = tenv_new();
	int		 status;

	hub_start(t);
	send_text(client_new(t, "a", NULL), "b", "kept", "queued");
	status = hub_kill(t, role);
	want(WIFEXITED(status) && WEXITSTATUS(status) != 0,
	    "status 0x%x after the %s was killed", status, role);
	hub_start(t);
	is_list(rpc(client_new(t, "b", NULL), "{s:s}", "type", "inbox"),
	    "messages", 1);
	tenv_end(t);
}

START_TEST(it_ends_with_its_store)
{
	dies_with("store");
}
END_TEST

START_TEST(it_ends_with_its_router)
{
	dies_with("router");
}
END_TEST

START_TEST(a_session_starts_it)
{
	struct tenv	*t = tenv_new();
	struct conn	*m;

	setenv("ECORELAY_IDLE_MS", IDLE_MS, 1);
	m = mcp_start(t, "first", NULL);
	mcp_init(m, "2025-11-25");
	want(strcmp(mcp_name(m), "first") == 0, "it is %s", mcp_name(m));
	want(hub_count(t) == 1, "%d hubs", hub_count(t));
	want(hub_pid(t, "router") != 0 && hub_pid(t, "store") != 0,
	    "a part of the hub is missing");
	mcp_end(m);
	want(procs_gone(t, 5000), "the hub has not left");
	tenv_end(t);
}
END_TEST

START_TEST(twenty_start_one)
{
	struct tenv	*t = tenv_new();
	struct conn	*m[TWENTY];
	json_t		*peers;
	char		 name[16];
	int		 i, k, id[TWENTY];

	for (i = 0; i < TWENTY; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		m[i] = mcp_start(t, name, NULL);
	}
	for (i = 0; i < TWENTY; i++)
		mcp_init(m[i], "2025-11-25");
	for (i = 0; i < TWENTY; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		want(strcmp(mcp_name(m[i]), name) == 0, "%s is called %s",
		    name, mcp_name(m[i]));
	}
	for (i = 0; i < TWENTY; i++)
		id[i] = mcp_ask(m[i], "tools/call", json_pack("{s:s,s:{}}",
		    "name", "relay_peers", "arguments"));
	for (i = 0; i < TWENTY; i++)
		mcp_answer(m[i], id[i]);
	want(hub_count(t) == 1, "%d hubs", hub_count(t));
	peers = is_list(mcp_tool(m[0], "relay_peers", "{}"), "peers",
	    TWENTY - 1);
	for (k = 1; k < TWENTY; k++) {
		snprintf(name, sizeof(name), "s%d", k);
		want(find_in(peers, "name", name) != NULL, "no %s: %s", name,
		    show(peers));
	}
	tenv_end(t);
}
END_TEST

static int
new_hub(void *arg)
{
	return (hub_count(arg) == 1 && hub_pid(arg, "router") != 0);
}

START_TEST(twenty_hubs_at_once)
{
	static const char *const argv[] = { "hubd", "-e", NULL };
	static const int	 none[] = { -1, -1 };
	struct tenv		*t = tenv_new();
	pid_t			 pids[TWENTY];
	char			 log[T_PATH];
	int			 i, status;

	strlcpy(log, tenv_path(t, "twenty.log"), sizeof(log));
	for (i = 0; i < TWENTY; i++)
		pids[i] = program_start("hubd", argv, none, log, NULL);
	for (i = 0; i < TWENTY; i++)
		want(program_wait(pids[i], &status, T_WAIT) == 0 &&
		    exited_with(status, 0), "status 0x%x: %s", status,
		    read_file(log));
	hub_wait(t);
	want(t_until(t, new_hub, t, T_WAIT), "%d hubs", hub_count(t));
	hub_serves(t);
	tenv_end(t);
}
END_TEST

static int
sees_nineteen(void *arg)
{
	json_t	*j = mcp_tool(arg, "relay_peers", "{}");

	return (json_array_size(json_object_get(j, "peers")) == TWENTY - 1);
}

static int
sees_two(void *arg)
{
	json_t	*j = mcp_tool(arg, "relay_peers", "{}");

	return (json_array_size(json_object_get(j, "peers")) == 1);
}

struct killed {
	struct tenv	*t;
	pid_t		 router;
};

/* The one that was killed serves until its last process has ended. */
static int
another_hub(void *arg)
{
	struct killed	*k = arg;

	return (new_hub(k->t) && hub_pid(k->t, "router") != k->router);
}

/* One of the hub's processes is killed; the sessions bring it back. */
static void
sessions_come_back(const char *role)
{
	struct killed	 k;
	struct tenv	*t = tenv_new();
	struct conn	*a = mcp_start(t, "a", NULL), *b;
	json_t		*j;
	pid_t		 old;

	mcp_init(a, "2025-11-25");
	mcp_name(a);
	b = mcp_start(t, "b", NULL);
	mcp_init(b, "2025-11-25");
	want(t_until(t, sees_two, b, T_WAIT), "b does not see a");
	mcp_tool(a, "relay_send", "{s:s,s:s}", "to", "away", "text", "kept");
	old = hub_pid(t, role);
	want(old != 0, "no process %s", role != NULL ? role : "parent");
	k.t = t;
	k.router = hub_pid(t, "router");
	kill(old, SIGKILL);
	want(t_until(t, another_hub, &k, T_WAIT), "no hub again");
	want(t_until(t, sees_two, a, T_WAIT), "a does not see b again");
	want(strcmp(mcp_name(a), "a") == 0 && strcmp(mcp_name(b), "b") == 0,
	    "not their names: %s, %s", mcp_name(a), mcp_name(b));
	j = mcp_tool(a, "relay_send", "{s:s,s:s}", "to", "b", "text", "hi");
	is_str(j, "status", "delivered");
	is_str(mcp_push(b), "content", "hi");
	is_list(rpc(client_new(t, "away", NULL), "{s:s}", "type", "inbox"),
	    "messages", 1);
	tenv_end(t);
}

START_TEST(sessions_survive_the_hub)
{
	sessions_come_back(NULL);
}
END_TEST

START_TEST(sessions_survive_the_router)
{
	sessions_come_back("router");
}
END_TEST

START_TEST(sessions_survive_the_store)
{
	sessions_come_back("store");
}
END_TEST

/* All of them find out at the same moment; one starts it again. */
START_TEST(twenty_come_back)
{
	struct tenv	*t = tenv_new();
	struct conn	*m[TWENTY];
	json_t		*peers;
	char		 name[16];
	int		 i, id[TWENTY];

	for (i = 0; i < TWENTY; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		m[i] = mcp_start(t, name, NULL);
	}
	for (i = 0; i < TWENTY; i++)
		mcp_init(m[i], "2025-11-25");
	for (i = 0; i < TWENTY; i++)
		mcp_name(m[i]);
	kill(hub_pid(t, NULL), SIGKILL);
	for (i = 0; i < TWENTY; i++)
		id[i] = mcp_ask(m[i], "tools/call", json_pack("{s:s,s:{}}",
		    "name", "relay_peers", "arguments"));
	for (i = 0; i < TWENTY; i++)
		mcp_answer(m[i], id[i]);
	want(t_until(t, new_hub, t, T_WAIT), "%d hubs", hub_count(t));
	want(t_until(t, sees_nineteen, m[0], T_WAIT), "not all came back");
	peers = json_object_get(mcp_tool(m[0], "relay_peers", "{}"), "peers");
	for (i = 1; i < TWENTY; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		want(find_in(peers, "name", name) != NULL, "no %s: %s", name,
		    show(peers));
	}
	tenv_end(t);
}
END_TEST

/* Each call waits until it is done, and is done once. */
START_TEST(sends_go_on_over_a_kill)
{
	static const char *const roles[] = { NULL, "router", "store" };
	struct tenv	*t = tenv_new();
	struct conn	*m = mcp_start(t, "m", NULL), *b;
	json_t		*list;
	char		 text[16];
	int		 i;
	pid_t		 pid;

	mcp_init(m, "2025-11-25");
	mcp_name(m);
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%d", i);
		if (i % 15 == 10) {
			pid = hub_pid(t, roles[i / 15]);
			want(pid != 0, "a part of the hub is missing");
			kill(pid, SIGKILL);
		}
		mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "b",
		    "text", text);
	}
	b = client_new(t, "b", NULL);
	list = is_list(rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100),
	    "messages", 50);
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%d", i);
		is_str(json_array_get(list, (size_t)i), "text", text);
	}
	tenv_end(t);
}
END_TEST

/* The name it has by then, and what it asked for is given up. */
START_TEST(renamed_and_asking_over_a_kill)
{
	struct tenv	*t = tenv_new();
	struct conn	*m = mcp_start(t, "m", NULL), *other;
	const char	*id;
	json_t		*j;

	mcp_init(m, "2025-11-25");
	mcp_tool(m, "relay_rename", "{s:s}", "new_name", "m2");
	other = client_new(t, "other", NULL);
	id = str_of(mcp_tool(m, "relay_ask", "{s:s,s:s}", "to", "other",
	    "question", "q"), "ask_id");
	hear(other, "incoming_ask");
	kill(hub_pid(t, NULL), SIGKILL);
	j = json_object_get(mcp_push(m), "meta");
	is_str(j, "ask_id", id);
	str_of(j, "code");
	want(t_until(t, new_hub, t, T_WAIT), "no hub again");
	want(strcmp(mcp_name(m), "m2") == 0, "it is %s", mcp_name(m));
	tenv_end(t);
}
END_TEST

/* What bridged could do, with another process that has its socket. */
static void
put_bridged(struct tenv *t)
{
	static const char	script[] = "#!/bin/sh\n"
	    "(trap '' TERM\n"
	    "while kill -0 $$ 2>/dev/null; do sleep 0.01; done\n"
	    "head -c 16 /dev/zero | tr '\\0' A >&3; : >\"$HOME/done\") &\n"
	    "wait\n";
	const char		*path = tenv_path(t, "bridged");

	write_file(path, script, strlen(script));
	want(chmod(path, 0755) == 0, "chmod %s", path);
	setenv("ECORELAY_LIBEXEC", t->dir, 1);
}

static int
has_resolver(void *arg)
{
	struct tenv	*t = arg;

	return (hub_pid(t, "resolver") != 0);
}

static int
is_done(void *arg)
{
	struct tenv	*t = arg;
	char		 path[T_PATH];

	snprintf(path, sizeof(path), "%s/done", t->home);
	return (access(path, F_OK) == 0);
}

/* The hub kills what breaks the protocol, but nothing else. */
START_TEST(junk_of_a_child_that_has_ended)
{
	struct tenv	*t = tenv_new();
	char		 text[T_PATH + 128], path[T_PATH];
	int		 fd, port, status;
	pid_t		 resolver;

	put_bridged(t);
	snprintf(path, sizeof(path), "%s/secret", t->home);
	write_file(path, "secret of all", 13);
	want(chmod(path, 0600) == 0, "chmod");
	fd = port_take(&port);
	close(fd);
	snprintf(text, sizeof(text), "lan secret file \"%s\"\n"
	    "lan listen on 127.0.0.1 port %d\n", path, port);
	hub_conf(t, text);
	hub_start(t);
	want(t_until(t, has_resolver, t, T_WAIT), "no resolver");
	/* so that it does not end before the junk has come */
	resolver = hub_pid(t, "resolver");
	kill(resolver, SIGSTOP);
	kill(t->hub, SIGTERM);
	want(t_until(t, is_done, t, T_WAIT), "no junk");
	kill(resolver, SIGCONT);
	want(program_wait(t->hub, &status, T_WAIT) == 0, "it does not end");
	t->hub = 0;
	want(exited_with(status, 0), "status %d", status);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("lifecycle");

	(void)argc;
	test_add(s, files_are_private, 20);
	test_add(s, a_signal_ends_it, 30);
	test_add(s, it_leaves_when_idle, 30);
	test_add(s, an_old_socket_is_replaced, 30);
	test_add(s, a_live_socket_is_not_stolen, 30);
	test_add(s, a_path_too_long_is_said, 30);
	test_add(s, another_socket_by_environment, 20);
	test_add(s, it_ends_with_its_store, 30);
	test_add(s, it_ends_with_its_router, 30);
	test_add(s, a_session_starts_it, 30);
	test_add(s, twenty_start_one, 60);
	test_add(s, twenty_hubs_at_once, 60);
	test_add(s, sessions_survive_the_hub, 60);
	test_add(s, sessions_survive_the_router, 60);
	test_add(s, sessions_survive_the_store, 60);
	test_add(s, twenty_come_back, 60);
	test_add(s, sends_go_on_over_a_kill, 60);
	test_add(s, renamed_and_asking_over_a_kill, 60);
	test_add(s, junk_of_a_child_that_has_ended, 60);
	return (test_main(argv[0], s));
}
