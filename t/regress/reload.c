/* SPDX-License-Identifier: ISC */
/*
 * A hub that reads its configuration again: each kind of change as it is seen
 * from outside, what takes a restart, and files that are faulty.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"
#include "relay.h"

#define AGAIN		"the configuration has been read again"
#define OLD_STAYS	"the old configuration stays in force"

/* The new configuration is in force, and nothing is to be said of it. */
#define changes(t, text)	(AT(changes_(t, text)))

static void
changes_(struct tenv *t, const char *text)
{
	const char	*said;

	hub_conf(t, text);
	said = reload_(t, 0);
	if (strcmp(said, "reloaded\n") != 0)
		t_fail("%s", said);
}

static struct tenv *
begin(const char *conf)
{
	struct tenv	*t = tenv_new();

	hub_conf(t, conf);
	hub_start(t);
	return (t);
}

START_TEST(limit_of_sessions)
{
	struct tenv	*t = begin("limit sessions 2\n");
	struct conn	*a = client_new(t, "a", NULL), *c;
	struct conn	*b = client_new(t, "b", NULL);

	c = client_open(t);
	want(conn_closes(c, T_WAIT), "a third session");
	changes(t, "limit sessions 3\n");
	c = client_new(t, "c", NULL);
	changes(t, "limit sessions 1\n");
	in_step(a);
	in_step(b);
	in_step(c);
	want(conn_closes(client_open(t), T_WAIT), "a fourth session");
	tenv_end(t);
}
END_TEST

START_TEST(limits_of_rooms_and_groups)
{
	struct tenv	*t = begin("limit rooms 1\nlimit groups 1\n");
	struct conn	*a = client_new(t, "a", NULL);

	is_str(rpc(a, "{s:s,s:s}", "type", "join_room", "room", "r1"), "room",
	    "r1");
	refused(a, "bad_args", "{s:s,s:s}", "type", "join_room", "room", "r2");
	is_str(rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name", "g1",
	    "members"), "group", "g1");
	refused(a, "bad_args", "{s:s,s:s,s:[]}", "type", "group_create",
	    "name", "g2", "members");
	changes(t, "limit rooms 2\nlimit groups 2\n");
	is_str(rpc(a, "{s:s,s:s}", "type", "join_room", "room", "r2"), "room",
	    "r2");
	is_str(rpc(a, "{s:s,s:s,s:[]}", "type", "group_create", "name", "g2",
	    "members"), "group", "g2");
	/* it is in the first one still */
	is_list(rpc(a, "{s:s}", "type", "list_rooms"), "rooms", 2);
	tenv_end(t);
}
END_TEST

/* How many messages a mailbox has; none of them is marked. */
static size_t
kept(struct conn *c)
{
	return (json_array_size(json_object_get(rpc(c, "{s:s,s:i,s:i}",
	    "type", "inbox", "recent", 100, "limit", 100), "messages")));
}

START_TEST(messages_that_are_kept)
{
	struct tenv	*t = begin("keep 10 messages per mailbox\n");
	struct conn	*a = client_new(t, "a", NULL);
	struct conn	*b = client_new(t, "b", NULL);
	char		 text[16];
	int		 i;

	for (i = 0; i < 30; i++) {
		if (i == 12)
			changes(t, "keep 15 messages per mailbox\n"
			    "sync normal\n");
		snprintf(text, sizeof(text), "m%d", i);
		send_text(a, "b", text, NULL);
		want(i != 11 || kept(b) == 10, "not 10: %zu", kept(b));
	}
	want(kept(b) == 15, "not 15: %zu", kept(b));
	changes(t, "keep 10 messages per mailbox\n");
	want(kept(b) == 15, "not 15 any more: %zu", kept(b));
	send_text(a, "b", "last", NULL);
	want(kept(b) == 10, "not 10 again: %zu", kept(b));
	tenv_end(t);
}
END_TEST

START_TEST(time_for_an_answer)
{
	struct tenv	*t = begin("");
	struct conn	*a = client_new(t, "a", FEATURES);

	client_new(t, "b", FEATURES);
	changes(t, "ask timeout 1\n");
	say(a, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "b", "question", "?",
	    "ask_id", "q");
	is_str(hear_with(a, "err", "ask_id", "q"), "code", "timeout");
	tenv_end(t);
}
END_TEST

START_TEST(mode_of_the_socket)
{
	struct tenv	*t = begin("");
	struct stat	 before, st;
	char		 text[256];

	want(stat(t->sock, &before) == 0, "no socket");
	snprintf(text, sizeof(text), "listen on socket \"%s\" mode 0660\n",
	    t->sock);
	changes(t, text);
	want(stat(t->sock, &st) == 0 && (st.st_mode & 0777) == 0660,
	    "the mode is 0%o", st.st_mode & 0777);
	want(st.st_ino == before.st_ino, "it is another socket");
	want(stat(tenv_path(t, "d/hubctl.sock"), &st) == 0 &&
	    (st.st_mode & 0777) == 0660, "hubctl's: 0%o", st.st_mode & 0777);
	snprintf(text, sizeof(text), "listen on socket \"%s\" "
	    "group \"no-such-group\"\n", t->sock);
	hub_conf(t, text);
	want(strstr(reload(t, 0), "no-such-group") != NULL, "nothing is said");
	/* neither is what it was not told to be */
	want(stat(t->sock, &st) == 0 && (st.st_mode & 0777) == 0660,
	    "the mode is 0%o", st.st_mode & 0777);
	hub_conf(t, "");
	want(strcmp(reload(t, 0), "reloaded\n") == 0, "something is said");
	want(stat(t->sock, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "the mode is 0%o", st.st_mode & 0777);
	tenv_end(t);
}
END_TEST

static int
listens(int port)
{
	int	fd = port_call(port);

	if (fd != -1)
		close(fd);
	return (fd != -1);
}

/* Whoever is connected is answered, wherever the listener is by now. */
static void
is_answered(int fd)
{
	static const char	get[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				    "\r\n";
	char			buf[256] = "";

	want(write(fd, get, sizeof(get) - 1) == (ssize_t)sizeof(get) - 1 &&
	    read(fd, buf, sizeof(buf) - 1) > 0 &&
	    strstr(buf, " 426 ") != NULL, "no answer: %s", buf);
	close(fd);
}

static const char *
websocket(int port)
{
	static char	text[64];

	snprintf(text, sizeof(text), "listen on 127.0.0.1 port %d\n", port);
	return (text);
}

START_TEST(port_of_the_websocket)
{
	struct tenv	*t = tenv_new();
	char		 text[64];
	int		 port[3], old, busy;

	close(port_take(&port[0]));
	close(port_take(&port[1]));
	busy = port_take(&port[2]);
	want(listen(busy, 8) == 0, "listen");
	unsetenv("ECORELAY_WS_PORT");
	hub_conf(t, websocket(port[0]));
	hub_start(t);
	old = port_call(port[0]);
	want(old != -1, "no WebSocket");
	changes(t, websocket(port[1]));
	want(listens(port[1]), "it does not listen at the new port");
	want(!listens(port[0]), "it listens at the old port");
	is_answered(old);
	/* one that is not free */
	hub_conf(t, websocket(port[2]));
	want(strstr(reload(t, 0), "no WebSocket at 127.0.0.1 port") != NULL,
	    "nothing is said");
	is_answered(port_call(port[1]));
	close(busy);
	changes(t, websocket(port[2]));
	is_answered(port_call(port[2]));
	want(!listens(port[1]), "it listens at the old port");
	/* another address of that port: that cannot be tried beside it */
	snprintf(text, sizeof(text), "listen on 0.0.0.0 port %d\n", port[2]);
	hub_conf(t, text);
	want(strstr(reload(t, 0), "takes effect after a restart") != NULL,
	    "nothing is said");
	is_answered(port_call(port[2]));
	tenv_end(t);
}
END_TEST

START_TEST(level_of_the_log)
{
	struct tenv	*t = begin("");

	changes(t, "limit rooms 2\n");
	log_counts(t, t->hublog, AGAIN, 1);
	output_free(run(t, NULL, "hubctl", "log", "level", "warn", NULL));
	changes(t, "limit rooms 3\n");
	output_free(run(t, NULL, "hubctl", "log", "level", "info", NULL));
	changes(t, "limit rooms 4\n");
	log_counts(t, t->hublog, AGAIN, 2);
	tenv_end(t);
}
END_TEST

static int
has_ended(void *arg)
{
	const struct tenv	*t = arg;
	int			 status;

	return (waitpid(t->hub, &status, WNOHANG) == t->hub);
}

START_TEST(exit_when_idle)
{
	struct tenv	*t = tenv_new();

	unsetenv("ECORELAY_IDLE_MS");
	hub_conf(t, "idle exit never\n");
	hub_start(t);
	changes(t, "idle exit 1\n");
	want(t_until(t, has_ended, t, T_WAIT), "it is still there");
	t->hub = 0;
	tenv_end(t);
}
END_TEST

START_TEST(a_faulty_file)
{
	struct tenv	*t = begin("limit sessions 2\n");
	struct conn	*a = client_new(t, "a", NULL);
	const char	*said;
	struct output	*o;

	client_new(t, "b", NULL);
	hub_conf(t, "limit sessions 3\n\nlimit sessions many\n");
	said = reload(t, 1);
	want(strstr(said, "hubd.conf:3: ") != NULL &&
	    strstr(said, OLD_STAYS) != NULL, "%s", said);
	log_counts(t, t->hublog, "hubd.conf:3: ", 1);
	want(conn_closes(client_open(t), T_WAIT), "a third session");
	kill(t->hub, SIGHUP);
	log_counts(t, t->hublog, OLD_STAYS, 2);
	in_step(a);
	o = run(t, NULL, "hubctl", "-j", "reload", NULL);
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 1 &&
	    strstr(o->out, "{\"reloaded\":false,\"lines\":[\"") != NULL,
	    "0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	/* a secret that is not there, and one that is */
	hub_conf(t, "limit sessions 3\nlan secret file \"/no/such/file\"\n"
	    "lan listen on 127.0.0.1\n");
	want(strstr(reload(t, 1), "hubd.conf:2: ") != NULL, "no line");
	changes(t, "limit sessions 3\n");
	client_new(t, "c", NULL);
	tenv_end(t);
}
END_TEST

/* What the hub must not read there. */
static void
put_data_elsewhere(struct tenv *t)
{
	static const char	token[] = "0123456789012345678901234567890123";

	want(mkdir(tenv_path(t, "else"), 0700) == 0, "mkdir");
	write_file(tenv_path(t, "else/hub-ws-token"), token, strlen(token));
	write_file(tenv_path(t, "else/relays.json"), "{}", 2);
}

/* As hubctl says it; to be freed. */
static char *
hub_token(struct tenv *t)
{
	struct output	*o = run(t, NULL, "hubctl", "token", NULL);
	char		*token = strdup(o->out);

	want(o->status == 0 && token != NULL && token[0] != '\0',
	    "no token: %s", o->err);
	output_free(o);
	return (token);
}

START_TEST(what_takes_a_restart)
{
	static const char *const lines[] = {
		"hub id: takes", "data: takes", "listen on socket: takes"
	};
	struct tenv	*t = tenv_new();
	struct conn	*a;
	const char	*said;
	json_t		*hub;
	char		 text[512], *token, *now;
	size_t		 i;
	int		 port;

	close(port_take(&port));
	snprintf(text, sizeof(text), "hub id \"before\"\ndata \"%s\"\n%s",
	    t->data, websocket(port));
	hub_conf(t, text);
	unsetenv("ECORELAY_DATA");
	unsetenv("ECORELAY_WS_PORT");
	hub_start(t);
	setenv("RELAY_HUB_SOCKET", t->sock, 1);
	token = hub_token(t);
	a = client_new(t, "a", FEATURES);
	put_data_elsewhere(t);
	snprintf(text, sizeof(text), "hub id \"behind\"\n"
	    "data \"%s/else\"\nlimit sessions 1\n%s", t->dir,
	    websocket(port));
	hub_conf(t, text);
	/* hubctl would look there, too */
	said = reload(t, 0);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		want(strstr(said, lines[i]) != NULL, "no %s: %s", lines[i],
		    said);
	hub = json_object_get(rpc(a, "{s:s}", "type", "status"), "hub");
	is_str(hub, "hub_id", "before");
	/* all else holds */
	want(conn_closes(client_open(t), T_WAIT), "a second session");
	want(access(t->sock, F_OK) == 0, "the socket is gone");
	now = hub_token(t);
	want(strcmp(token, now) == 0, "it has another token");
	free(token);
	free(now);
	hub_stop(t, SIGTERM);
	setenv("ECORELAY_DATA", t->data, 1);
	tenv_end(t);
}
END_TEST

/* A daemon is somewhere else than where it was started. */
START_TEST(relative_paths)
{
	static const char *const argv[] = { "hubd", "-f", "own.conf", NULL };
	static const int	 none[2] = { -1, -1 };
	struct tenv		*t = tenv_new();
	struct conn		*a;
	char			 path[T_PATH];
	int			 status;
	pid_t			 pid;

	strlcpy(path, tenv_path(t, "own.conf"), sizeof(path));
	write_file(path, "limit rooms 1\n", 14);
	pid = program_start("hubd", argv, none, t->hublog, t->dir);
	want(program_wait(pid, &status, T_WAIT) == 0 && status == 0,
	    "hubd: 0x%x", status);
	hub_wait(t);
	a = client_new(t, "a", NULL);
	rpc(a, "{s:s,s:s}", "type", "join_room", "room", "r1");
	refused(a, "bad_args", "{s:s,s:s}", "type", "join_room", "room", "r2");
	write_file(path, "limit rooms 2\n", 14);
	(void)reload(t, 0);
	is_str(rpc(a, "{s:s,s:s}", "type", "join_room", "room", "r2"), "room",
	    "r2");
	output_free(run(t, NULL, "hubctl", "stop", NULL));
	want(procs_gone(t, T_WAIT), "it is still there");
	tenv_end(t);
}
END_TEST

static void
put_bridge(struct tenv *t, const char *text)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/bridge.json", t->data);
	write_file(path, text, strlen(text));
}

static int
has_called(void *arg)
{
	const int	*fd = arg;

	return (accept(*fd, NULL, NULL) != -1);
}

START_TEST(a_hub_of_a_session)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;
	char		 text[256];
	int		 port, waits = port_take(&port);

	want(listen(waits, 8) == 0, "listen");
	output_free(run(t, NULL, "hubd", "-e", NULL));
	hub_wait(t);
	a = client_new(t, "a", FEATURES);
	want(link_status(a, "other") == NULL, "a link");
	snprintf(text, sizeof(text), "{\"hub_id\":\"x\",\"secret\":"
	    "\"long enough\",\"peers\":[{\"hub_id\":\"other\","
	    "\"host\":\"127.0.0.1\",\"port\":%d}]}", port);
	put_bridge(t, text);
	want(strstr(reload(t, 0), "hub id: takes effect") != NULL, "no line");
	want(link_status(a, "other") != NULL, "no link");
	want(t_until(t, has_called, &waits, T_WAIT), "nobody calls");
	put_bridge(t, "{\n\n\"hub_id\" 1}\n");
	want(strstr(reload(t, 1), "bridge.json: line 3") != NULL, "no line");
	want(link_status(a, "other") != NULL, "no link any more");
	put_bridge(t, "{}");
	kill(hub_pid(t, NULL), SIGHUP);
	unlinked(a, "other");
	close(waits);
	kill(hub_pid(t, NULL), SIGTERM);
	want(procs_gone(t, T_WAIT), "it is still there");
	tenv_end(t);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("reload");

	(void)argc;
	test_add(s, limit_of_sessions, 30);
	test_add(s, limits_of_rooms_and_groups, 30);
	test_add(s, messages_that_are_kept, 30);
	test_add(s, time_for_an_answer, 30);
	test_add(s, mode_of_the_socket, 30);
	test_add(s, port_of_the_websocket, 30);
	test_add(s, level_of_the_log, 30);
	test_add(s, exit_when_idle, 30);
	test_add(s, a_faulty_file, 30);
	test_add(s, what_takes_a_restart, 30);
	test_add(s, relative_paths, 30);
	test_add(s, a_hub_of_a_session, 60);
	return (test_main(argv[0], s));
}
