/* SPDX-License-Identifier: ISC */
/*
 * channeld over WebSocket, as from a container: ECORELAY_WS_URL and a token.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"
#include "tcpsock.h"

#define CROWD		4	/* more than a backlog of 0 takes */

/* A listener, and where it is. */
static int
listener(struct sockaddr_in *sin)
{
	socklen_t	len = sizeof(*sin);
	int		fd = tcp_listen("127.0.0.1", 0);

	want(fd != -1 && getsockname(fd, (struct sockaddr *)sin, &len) == 0,
	    "no port");
	return (fd);
}

static int
free_port(void)
{
	struct sockaddr_in	sin = { 0 };

	close(listener(&sin));
	return (ntohs(sin.sin_port));
}

/* A hub with a WebSocket; sessions started from now on use only that. */
static void
begin(struct tenv *t, const char *token)
{
	char	 text[64];
	int	 port = free_port();

	snprintf(text, sizeof(text), "%d", port);
	setenv("ECORELAY_WS_PORT", text, 1);
	setenv("ECORELAY_WS_TOKEN", "a token of the test", 1);
	hub_start(t);
	snprintf(text, sizeof(text), "ws://localhost:%d", port);
	setenv("ECORELAY_WS_URL", text, 1);
	setenv("ECORELAY_WS_TOKEN", token, 1);
	setenv("ECORELAY_DATA", t->home, 1);
}

static void
finish(struct tenv *t)
{
	unsetenv("ECORELAY_WS_URL");
	unsetenv("ECORELAY_WS_TOKEN");
	setenv("ECORELAY_DATA", t->data, 1);
	tenv_end(t);
}

START_TEST(talks)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;
	char		*big = t_fill('x', 400000);
	json_t		*j;

	begin(t, "a token of the test");
	m = mcp_start(t, "far", NULL);
	mcp_init(m, "2025-11-25");
	mcp_name(m);
	a = client_new(t, "near", FEATURES);
	(void)send_text(a, "far", "hello", "delivered");
	is_str(mcp_push(m), "content", "hello");
	(void)send_text(a, "far", big, "delivered");
	is_str(mcp_push(m), "content", big);
	(void)mcp_tool(m, "relay_send", "{s:s,s:s}", "to", "near", "text",
	    big);
	is_str(hear(a, "incoming_message"), "text", big);
	j = mcp_tool(m, "relay_peers", "{}");
	is_list(j, "peers", 1);
	mcp_end(m);
	free(big);
	finish(t);
}
END_TEST

START_TEST(wrong_token)
{
	struct tenv	*t = tenv_new();
	struct conn	*m;

	begin(t, "another token");
	m = mcp_start(t, "far", NULL);
	mcp_init(m, "2025-11-25");
	mcp_fails(m, "hub_unreachable", "refused the token", "",
	    "relay_peers", json_object());
	mcp_end(m);
	finish(t);
}
END_TEST

START_TEST(not_a_url)
{
	struct tenv	*t = tenv_new();
	struct conn	*m;

	begin(t, "a token of the test");
	setenv("ECORELAY_WS_URL", "https://example.org", 1);
	m = mcp_start(t, "far", NULL);
	mcp_init(m, "2025-11-25");
	mcp_fails(m, "hub_unreachable", "must be like ws://host:9376", "",
	    "relay_peers", json_object());
	mcp_end(m);
	finish(t);
}
END_TEST

/* The hub is gone, and is there again: so is the session. */
START_TEST(comes_back)
{
	struct tenv	*t = tenv_new();
	struct conn	*m, *a;

	begin(t, "a token of the test");
	m = mcp_start(t, "far", NULL);
	mcp_init(m, "2025-11-25");
	mcp_name(m);
	setenv("ECORELAY_DATA", t->data, 1);
	want(hub_stop(t, 15) == 0, "the hub did not end well");
	setenv("ECORELAY_WS_TOKEN", "a token of the test", 1);
	hub_start(t);
	mcp_name(m);
	a = client_new(t, "near", FEATURES);
	(void)send_text(a, "far", "again", "delivered");
	is_str(mcp_push(m), "content", "again");
	mcp_end(m);
	finish(t);
}
END_TEST

struct child {
	struct tenv	*t;
	pid_t		 parent, pid;	/* pid: not this one */
};

/* The parent has a child, another than it had. */
static int
has_child(void *arg)
{
	struct child	*c = arg;
	pid_t		 pids[8];
	size_t		 i, n = procs_all(c->t->data, pids, 8);

	for (i = 0; i < n; i++) {
		if (pids[i] != c->parent && pids[i] != c->pid) {
			c->pid = pids[i];
			return (1);
		}
	}
	return (0);
}

/* A connection that hangs is given up, and its process is waited for. */
START_TEST(hangs)
{
	struct tenv		*t = tenv_new();
	struct sockaddr_in	 sin = { 0 };
	struct child		 c = { t, 0, 0 };
	struct conn		*m;
	char			 url[64];
	pid_t			 first;
	int			 fd, i, crowd[CROWD];

	fd = listener(&sin);
	want(listen(fd, 0) == 0, "no small backlog");
	for (i = 0; i < CROWD; i++) {
		crowd[i] = socket(AF_INET, SOCK_STREAM, 0);
		want(fcntl(crowd[i], F_SETFL, O_NONBLOCK) == 0, "no socket");
		(void)connect(crowd[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d", ntohs(sin.sin_port));
	setenv("ECORELAY_WS_URL", url, 1);
	setenv("ECORELAY_WS_TOKEN", "a token of the test", 1);
	m = mcp_start(t, "far", NULL);
	mcp_init(m, "2025-11-25");
	c.parent = m->pid;
	want(t_until(t, has_child, &c, T_WAIT), "it does not try");
	first = c.pid;
	want(t_until(t, has_child, &c, T_WAIT), "it does not try again");
	want(kill(first, 0) == -1 && errno == ESRCH, "the first is left");
	for (i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(fd);
	mcp_end(m);
	finish(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("remote");

	(void)argc;
	test_add(s, talks, 30);
	test_add(s, wrong_token, 30);
	test_add(s, not_a_url, 30);
	test_add(s, comes_back, 40);
	if (access("/proc/self/stat", R_OK) == 0)
		test_add(s, hangs, 60);
	return (test_main(argv[0], s));
}
