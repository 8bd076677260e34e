/* SPDX-License-Identifier: ISC */
/*
 * A hub of EcoRelay's on the LAN, as the document says that it speaks.
 */
#include "compat.h"

#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plainhub.h"

#define CALL_WAIT	40000	/* ms: a backoff or two may be in between */

struct look {
	struct conn	*by;
	const char	*name;
	int		 there;
	json_t		*found;
};

static int	 has_called(void *);
static int	 has_answered(void *);
static void	 is_greeting(const json_t *, const char *);
static int	 is_so(void *);

struct plainhub *
plain_begin_(int listening)
{
	struct plainhub	*p = xcalloc(1, sizeof(*p));
	char		 conf[1024], file[T_PATH];
	int		 port;

	p->env = tenv_new();
	p->fd = port_take(&port);
	close(port_take(&p->port));
	if (listening)
		plain_listen(p);
	strlcpy(file, tenv_path(p->env, "lan.secret"), sizeof(file));
	write_file(file, PLAIN_SECRET "\n", strlen(PLAIN_SECRET "\n"));
	snprintf(conf, sizeof(conf), "hub id \"alpha\"\n"
	    "lan secret file \"%s\"\n"
	    "lan listen on 127.0.0.1 port %d\n"
	    "lan peer \"old\" host 127.0.0.1 port %d plaintext\n",
	    file, p->port, port);
	hub_conf(p->env, conf);
	hub_start_(p->env);
	return (p);
}

void
plain_listen(struct plainhub *p)
{
	if (listen(p->fd, 8) == -1)
		t_fail("cannot listen");
}

void
plain_end_(struct plainhub *p)
{
	tenv_end_(p->env);
	close(p->fd);
	free(p);
}

void
plain_restart_(struct plainhub *p)
{
	int	status = hub_stop_(p->env, SIGTERM);

	if (status != 0)
		t_fail("the hub ended with status 0x%x", status);
	hub_start_(p->env);
}

static int
has_called(void *arg)
{
	struct plainhub	*p = arg;
	int		 fd = accept(p->fd, NULL, NULL);

	if (fd == -1)
		return (0);
	p->link = conn_add(p->env, fd, fd, 0);
	return (1);
}

static void
is_greeting(const json_t *j, const char *type)
{
	json_t	*peers = json_object_get(j, "peers"), *peer;
	size_t	 i;

	is_str_(j, "type", type);
	is_str_(j, "hub_id", "alpha");
	if (!json_is_array(peers))
		t_fail("no list of peers: %s", show(j));
	for (i = 0; (peer = json_array_get(peers, i)) != NULL; i++)
		is_peer_(peer, str_of_(peer, "name"));
}

json_t *
plain_called_(struct plainhub *p)
{
	json_t	*j;

	if (!t_until(p->env, has_called, p, CALL_WAIT))
		t_fail("the hub does not call");
	j = hear_(p->link, NULL, NULL, NULL, T_WAIT);
	is_greeting(j, "bridge_hello");
	is_str_(j, "secret", PLAIN_SECRET);
	is_str_(j, "protocol_version", "5");
	return (j);
}

static int
has_answered(void *arg)
{
	struct plainhub	*p = arg;
	int		 fd = port_call(p->port);

	if (fd == -1)
		return (0);
	p->link = conn_add(p->env, fd, fd, 0);
	return (1);
}

struct conn *
plain_dial_(struct plainhub *p)
{
	if (!t_until(p->env, has_answered, p, T_WAIT))
		t_fail("no hub listens at port %d", p->port);
	return (p->link);
}

json_t *
plain_peer(const char *name)
{
	return (json_pack("{s:s,s:s,s:s,s:I,s:[i]}", "name", name,
	    "cwd", "/home/old", "git_branch", "old-branch",
	    "last_seen", (json_int_t)1767323045678, "x-mood", 1));
}

json_t *
plain_zoe(void)
{
	return (json_pack("[o]", plain_peer("zoe")));
}

json_t *
plain_peers(int n)
{
	json_t	*list = json_array();
	char	 name[16];
	int	 i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		json_array_append_new(list, plain_peer(name));
	}
	return (list);
}

void
plain_hello(struct plainhub *p, const char *hub_id, const char *secret,
    const char *version, json_t *peers)
{
	json_t	*j;
	char	*text;
	size_t	 len;

	j = json_pack("{s:s,s:s,s:s,s:s,s:o}", "type", "bridge_hello",
	    "hub_id", hub_id, "secret", secret, "protocol_version", version,
	    "peers", peers);
	text = json_dumps(j, 0);
	len = strlen(text);
	text[len] = '\n';
	(void)conn_write(p->link, text, len + 1);
	free(text);
	json_decref(j);
}

void
plain_welcome(struct plainhub *p, const char *hub_id, json_t *peers)
{
	say_(p->link, "{s:s,s:s,s:o,s:{}}", "type", "bridge_welcome",
	    "hub_id", hub_id, "peers", peers, "x-extra");
}

json_t *
plain_link_(struct plainhub *p, json_t *peers)
{
	json_t	*j;

	(void)plain_dial_(p);
	plain_hello(p, "old", PLAIN_SECRET, "5", peers);
	j = hear_(p->link, NULL, NULL, NULL, T_WAIT);
	is_greeting(j, "bridge_welcome");
	return (j);
}

void
plain_turned_away_(struct plainhub *p)
{
	struct line	*l;

	if (!conn_closes(p->link, T_WAIT))
		t_fail("not closed after %s", p->link->last);
	if ((l = TAILQ_FIRST(&p->link->lines)) != NULL || p->link->len > 0)
		t_fail("answered after %s: %.300s", p->link->last,
		    l != NULL ? l->text : "a part of a line");
	conn_close(p->link);
	p->link = NULL;
}

void
plain_cut_(struct plainhub *p, struct conn *c)
{
	conn_close(p->link);
	p->link = NULL;
	sees_no_(c, "zoe@old");
}

static int
is_so(void *arg)
{
	struct look	*k = arg;
	json_t		*j = rpc_(k->by, "{s:s}", "type", "list_peers");

	k->found = find_in(json_object_get(j, "peers"), "name", k->name);
	return ((k->found != NULL) == k->there);
}

json_t *
sees_(struct conn *c, const char *name)
{
	struct look	k = { c, name, 1, NULL };

	if (!t_until(c->env, is_so, &k, T_WAIT))
		t_fail("%s is not among the peers", name);
	return (k.found);
}

void
sees_no_(struct conn *c, const char *name)
{
	struct look	k = { c, name, 0, NULL };

	if (!t_until(c->env, is_so, &k, T_WAIT))
		t_fail("%s is among the peers", name);
}

void
is_peer_(const json_t *j, const char *name)
{
	is_str_(j, "name", name);
	(void)str_of_(j, "cwd");
	(void)str_of_(j, "git_branch");
	(void)int_of_(j, "last_seen");
}

void
joins_(struct plainhub *p, const json_t *greeting, const char *name)
{
	json_t	*j;

	j = find_in(json_object_get(greeting, "peers"), "name", name);
	while (j == NULL || strcmp(str_of_(j, "name"), name) != 0)
		j = json_object_get(hear_(p->link, "bridge_peer_update",
		    "action", "join", T_WAIT), "peer");
	is_peer_(j, name);
}

void
plain_forward(struct plainhub *p, const char *to, json_t *wrapped)
{
	say_(p->link, "{s:s,s:s,s:s,s:o,s:i}", "type", "bridge_forward",
	    "target_peer", to, "origin_hub", "liar", "wrapped", wrapped,
	    "x-hops", 1);
}

const char *
plain_id(int n)
{
	static char	id[64];

	snprintf(id, sizeof(id), "m-00000000-0000-4000-8000-%012d", n);
	return (id);
}

void
plain_message(struct plainhub *p, const char *to, const char *from, int n,
    const char *text)
{
	plain_forward(p, to, json_pack("{s:s,s:s,s:s,s:s,s:n,s:s,s:i}",
	    "type", "incoming_message", "msg_id", plain_id(n), "from", from,
	    "text", text, "reply_to", "ts", "2026-01-02T03:04:05.678Z",
	    "x-weight", 1));
}

void
gets_message_(struct conn *c, int n, const char *text)
{
	json_t	*j = hear_(c, "incoming_message", NULL, NULL, T_WAIT);

	has_only_(j, "type msg_id from text reply_to ts");
	is_str_(j, "from", "zoe@old");
	is_str_(j, "msg_id", plain_id(n));
	is_str_(j, "text", text);
	is_null_(j, "reply_to");
	if (!is_iso8601(str_of_(j, "ts")))
		t_fail("ts: %s", show(j));
}

json_t *
forwarded_(struct plainhub *p, const char *to, const char *type,
    const char *from)
{
	json_t		*j, *w;
	const char	*s;
	size_t		 len = strlen(from);

	j = hear_(p->link, "bridge_forward", NULL, NULL, T_WAIT);
	is_str_(j, "target_peer", to);
	is_str_(j, "origin_hub", "alpha");
	w = json_object_get(j, "wrapped");
	is_str_(w, "type", type);
	s = str_of_(w, "from");
	/* the receiver looks at the name only */
	if (strncmp(s, from, len) != 0 ||
	    (s[len] != '\0' && strcmp(s + len, "@alpha") != 0))
		t_fail("not from %s: %s", from, show(w));
	return (w);
}
