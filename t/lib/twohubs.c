/* SPDX-License-Identifier: ISC */
/*
 * Two hubs on loopback that know each other.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "twohubs.h"

#define LINK_MS		20000

static int	free_port(void);
static void	configure(struct tenv *, const char *, int, const char *, int,
		    const char *);

static int
free_port(void)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	socklen_t		 len = sizeof(sin);
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	want(fd != -1 && bind(fd, (struct sockaddr *)&sin, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0,
	    "no free port");
	close(fd);
	return (ntohs(sin.sin_port));
}

static void
configure(struct tenv *t, const char *id, int port, const char *peer,
    int peer_port, const char *secret)
{
	char	path[128], text[512];

	snprintf(path, sizeof(path), "%s/secret", t->dir);
	write_file(path, secret, strlen(secret));
	want(chmod(path, 0600) == 0, "chmod %s", path);
	snprintf(text, sizeof(text), "hub id \"%s\"\n"
	    "lan secret file \"%s\"\n"
	    "lan listen on 127.0.0.1 port %d\n"
	    "lan peer \"%s\" host 127.0.0.1 port %d\n", id, path, port, peer,
	    peer_port);
	hub_conf(t, text);
}

void
two_use(struct tenv *t)
{
	setenv("ECORELAY_DATA", t->data, 1);
	setenv("HOME", t->home, 1);
}

struct twohubs *
two_begin_(const char *other)
{
	static const char	 secret[] = "sesame, open thyself";
	struct twohubs		*h = xcalloc(1, sizeof(*h));

	h->port[0] = free_port();
	h->port[1] = free_port();
	h->one = tenv_new();
	configure(h->one, "one", h->port[0], "two", h->port[1], secret);
	hub_start_(h->one);
	h->two = tenv_new();
	configure(h->two, "two", h->port[1], "one", h->port[0],
	    other != NULL ? other : secret);
	hub_start_(h->two);
	return (h);
}

void
two_end_(struct twohubs *h)
{
	two_use(h->one);
	tenv_end_(h->one);
	two_use(h->two);
	tenv_end_(h->two);
	free(h);
}

void
two_linked_(struct conn *c, int up)
{
	int64_t		 until = t_now() + LINK_MS;
	const json_t	*links;
	const char	*state;

	do {
		links = json_object_get(json_object_get(rpc_(c, "{s:s}",
		    "type", "status"), "hub"), "links");
		state = json_string_value(json_object_get(
		    json_array_get(links, 0), "state"));
		if (state != NULL && (strcmp(state, "up") == 0) == up)
			return;
		conns_pump(c->env, 20);
	} while (t_now() < until);
	t_fail("the link is %s", show(links));
}

void
two_sees_(struct conn *c, const char *name, int yes)
{
	int64_t		 until = t_now() + LINK_MS;
	const json_t	*peers;

	do {
		peers = json_object_get(rpc_(c, "{s:s}", "type",
		    "list_peers"), "peers");
		if ((find_in(peers, "name", name) != NULL) == yes)
			return;
		conns_pump(c->env, 20);
	} while (t_now() < until);
	t_fail("%s is %s: %s", name, yes ? "not there" : "still there",
	    show(peers));
}
