/* SPDX-License-Identifier: ISC */
/*
 * hubd and relayd as services: sockets that are opened before they run, and
 * what they tell whoever has started them.  The test is the service manager.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "service.h"

#define PATS		3

/* No child must take a socket, or the watchdog, for its own. */
static void
has_clean_environment(pid_t pid)
{
	static const char *const vars[] = {
		"LISTEN_", "NOTIFY_SOCKET=", "WATCHDOG_"
	};
	char	path[64], env[16384];
	ssize_t	n, at;
	size_t	i;
	int	fd;

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, env, sizeof(env) - 1);
	close(fd);
	env[n > 0 ? n : 0] = '\0';
	for (at = 0; at < n; at += (ssize_t)strlen(env + at) + 1) {
		for (i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
			want(strncmp(env + at, vars[i],
			    strlen(vars[i])) != 0, "a child has %s", env + at);
	}
}

START_TEST(a_hub_is_a_service)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	struct conn	*c = client_open(t);
	char		 ready[64];
	int		 i, n;

	/* before the hub runs */
	say_register(c, "early", NULL, "r");
	for (i = 0; i < 2; i++) {
		service_start(s, "hubd", NULL);
		waits_for(s, "READY=1\n");
		snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%ld",
		    (long)t->hub);
		want(strcmp(s->text, ready) == 0, "told: %s", s->text);
		waits_for(s, "STATUS=Serves");
		if (i == 0)
			is_str(hear_with(c, NULL, "req_id", "r"), "type",
			    "ack");
		else
			c = client_new(t, "second", NULL);
		waits_for(s, "STATUS=1 session");
		for (n = 0; n < PATS; n++) {
			waits_for(s, "WATCHDOG=1");
			want(strcmp(s->text, "WATCHDOG=1") == 0, "told: %s",
			    s->text);
		}
		has_clean_environment(hub_pid(t, "router"));
		has_clean_environment(hub_pid(t, "store"));
		kill(t->hub, SIGHUP);
		waits_for(s, "RELOADING=1\nMONOTONIC_USEC=");
		waits_for(s, "READY=1\n");
		/* at the sockets that it was handed */
		client_new(t, "third", NULL);
		in_step(c);
		kill(t->hub, SIGTERM);
		waits_for(s, "STOPPING=1");
		want(service_status(s) == 0, "it has failed");
		want(access(t->sock, F_OK) == 0, "the socket is gone");
		want(access(tenv_path(t, "d/hubctl.sock"), F_OK) == 0,
		    "hubctl's socket is gone");
		conn_close(c);
	}
	service_end(s);
}
END_TEST

/* One that connects while no hub runs has the next one. */
START_TEST(it_leaves_and_comes_again)
{
	struct service	*s = service_new("notify");
	struct conn	*c;
	int		 i;

	setenv("ECORELAY_IDLE_MS", "200", 1);
	for (i = 0; i < 3; i++) {
		c = client_open(s->env);
		say_register(c, "a", NULL, "r");
		service_start(s, "hubd", NULL);
		is_str(hear_with(c, NULL, "req_id", "r"), "type", "ack");
		conn_close(c);
		waits_for(s, "STOPPING=1");
		want(service_status(s) == 0, "it has failed");
	}
	service_end(s);
}
END_TEST

START_TEST(a_stopped_process_ends_the_pats)
{
	static const char *const roles[] = { "router", "store" };
	struct service	*s = service_new("@notify");
	struct tenv	*t = s->env;
	char		 text[64];
	pid_t		 pid;
	size_t		 i;

	service_start(s, "hubd", NULL);
	for (i = 0; i < 2; i++) {
		waits_for(s, "WATCHDOG=1");
		want((pid = hub_pid(t, roles[i])) != 0, "no %s", roles[i]);
		want(kill(pid, SIGSTOP) == 0, "SIGSTOP");
		snprintf(text, sizeof(text), "process %ld does not answer",
		    (long)pid);
		logs(t, text);
		while (told(s, 0))
			continue;
		want(!told(s, 1000), "told, while the %s is stopped: %s",
		    roles[i], s->text);
		want(kill(pid, SIGCONT) == 0, "SIGCONT");
		waits_for(s, "WATCHDOG=1");
	}
	hub_serves(t);
	service_end(s);
}
END_TEST

struct other {
	struct tenv	*env;
	pid_t		 old;
};

static int
another_bridged(void *arg)
{
	struct other	*o = arg;
	pid_t		 pid = child_pid(o->env, "bridged");

	return (pid != 0 && pid != o->old);
}

/* 1 if something comes back for what is sent to that port of the loopback. */
static int
answered(int fd)
{
	static const char	get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct pollfd		pfd = { fd, POLLIN, 0 };
	char			byte;

	want(fd != -1, "cannot connect");
	want(send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) > 0, "send");
	want(poll(&pfd, 1, t_slow(T_WAIT)) == 1, "no answer");
	return (recv(fd, &byte, 1, 0) == 1);
}

/* All four; what can be started again alone does not end the pats. */
START_TEST(ports_are_taken_over)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	struct other	 o = { t, 0 };
	char		 text[256];
	int		 port[2], call[2], i;

	for (i = 0; i < 2; i++) {
		s->fds[s->nfds] = port_take(&port[i]);
		want(listen(s->fds[s->nfds++], 16) == 0, "listen");
		call[i] = port_call(port[i]);
	}
	s->names = "hub:hubctl:ws";	/* one is missing: no harm */
	snprintf(text, sizeof(text), "%d", port[0]);
	setenv("ECORELAY_WS_PORT", text, 1);
	write_file(tenv_path(t, "secret"), "a secret of hubs", 16);
	snprintf(text, sizeof(text), "lan secret file \"%s\"\n"
	    "lan listen on 127.0.0.1 port %d\n", tenv_path(t, "secret"),
	    port[1]);
	hub_conf(t, text);
	service_start(s, "hubd", NULL);
	waits_for(s, "READY=1\n");
	want(answered(call[0]), "the WebSocket has no answer");
	/* no hub says that: it is closed */
	(void)answered(call[1]);
	want(t_until(t, another_bridged, &o, T_WAIT), "no bridged");
	o.old = child_pid(t, "bridged");
	waits_for(s, "WATCHDOG=1");
	want(kill(o.old, SIGSTOP) == 0, "SIGSTOP");
	want(t_until(t, another_bridged, &o, T_WAIT), "no other bridged");
	waits_for(s, "WATCHDOG=1");
	want(!in_log(t, "no listener") &&
	    !in_log(t, "no WebSocket"),
	    "it tried to listen itself");
	close(call[0]);
	close(call[1]);
	service_end(s);
}
END_TEST

/* Clients would wait for ever at a socket that nobody accepts from. */
START_TEST(a_socket_of_somewhere_else_is_refused)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	char		 wrong[T_PATH];
	int		 port;

	snprintf(wrong, sizeof(wrong), "%s/other.sock", t->data);
	s->fds[s->nfds++] = socket_at(wrong, SOCK_STREAM);
	service_start(s, "hubd", NULL);
	want(service_status(s) == 1, "it runs");
	logs(t, "/other.sock, which is handed over, is no socket of this "
	    "hub's configuration");
	want(access(t->sock, F_OK) == 0, "the socket is gone");

	close(s->fds[--s->nfds]);
	s->fds[s->nfds++] = port_take(&port);
	service_start(s, "hubd", NULL);
	want(service_status(s) == 1, "it runs with one that does not listen");
	logs(t, "is not a stream socket that listens");

	close(s->fds[s->nfds - 1]);
	s->fds[s->nfds - 1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->names = "hub:hubctl:null";
	service_start(s, "hubd", NULL);
	want(service_status(s) == 1, "it runs with a file");
	logs(t, "descriptor 5, handed over as \"null\", is not a stream");
	service_end(s);
}
END_TEST

/* It was there first; it ends when its sessions have gone. */
START_TEST(an_old_hub_leaves_the_socket_alone)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	char		 ctl[T_PATH];

	snprintf(ctl, sizeof(ctl), "%s/hubctl.sock", t->data);
	unlink(t->sock);
	unlink(ctl);
	hub_start(t);
	unlink(t->sock);
	unlink(ctl);
	close(s->fds[0]);
	close(s->fds[1]);
	s->fds[0] = socket_at(t->sock, SOCK_STREAM);
	s->fds[1] = socket_at(ctl, SOCK_STREAM);
	hub_stop(t, SIGTERM);
	want(access(t->sock, F_OK) == 0 && access(ctl, F_OK) == 0,
	    "the hub has removed a file of somebody else");
	service_start(s, "hubd", NULL);
	waits_for(s, "READY=1\n");
	hub_serves(t);
	service_end(s);
}
END_TEST

/* Of the AI host's manager, say, whose environment the hub has. */
START_TEST(what_is_not_for_it_is_left_alone)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	struct output	*o;

	unlink(t->sock);
	unlink(tenv_path(t, "d/hubctl.sock"));
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_PID", "1", 1);
	setenv("NOTIFY_SOCKET", s->address, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
	setenv("WATCHDOG_PID", "1", 1);
	hub_start(t);
	waits_for(s, "READY=1\n");
	hub_serves(t);
	hub_stop(t, SIGTERM);
	waits_for(s, "STOPPING=1");
	want(access(t->sock, F_OK) != 0, "its own socket is left");
	while (told(s, 0))
		want(strcmp(s->text, "WATCHDOG=1") != 0, "%s", s->text);
	o = run(t, NULL, "hubd", "-e", NULL);
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0,
	    "hubd -e: %s", o->err);
	output_free(o);
	hub_serves(t);
	kill(hub_pid(t, NULL), SIGTERM);
	want(procs_gone(t, T_WAIT), "it is still there");
	want(!told(s, 0), "a session's hub has told: %s", s->text);
	service_end(s);
}
END_TEST

START_TEST(a_relay_is_a_service)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	int		 port[2], call[2], i;

	s->nfds = 0;
	for (i = 0; i < 2; i++) {
		s->fds[s->nfds] = port_take(&port[i]);
		want(listen(s->fds[s->nfds++], 16) == 0, "listen");
		call[i] = port_call(port[i]);
	}
	s->names = "relay:metrics";
	service_relay(s, port);
	want(answered(call[0]), "the relay has no answer");
	want(answered(call[1]), "the metrics have no answer");
	waits_for(s, "STATUS=0 hubs");
	waits_for(s, "WATCHDOG=1");
	kill(t->hub, SIGHUP);
	waits_for(s, "RELOADING=1\nMONOTONIC_USEC=");
	waits_for(s, "READY=1\n");
	waits_for(s, "WATCHDOG=1");
	kill(t->hub, SIGTERM);
	waits_for(s, "STOPPING=1");
	want(service_status(s) == 0, "it has failed");
	close(call[0]);
	close(call[1]);
	service_end(s);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("activate");

	(void)argc;
	test_add(s, a_hub_is_a_service, 120);
	test_add(s, it_leaves_and_comes_again, 120);
	test_add(s, a_stopped_process_ends_the_pats, 120);
	test_add(s, ports_are_taken_over, 120);
	test_add(s, a_socket_of_somewhere_else_is_refused, 120);
	test_add(s, an_old_hub_leaves_the_socket_alone, 120);
	test_add(s, what_is_not_for_it_is_left_alone, 120);
	test_add(s, a_relay_is_a_service, 120);
	return (test_main(argv[0], s));
}
