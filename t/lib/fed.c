/* SPDX-License-Identifier: ISC */
/*
 * Linked hubs: their configuration, start and end, and what is waited for.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"

#define HUBS		3
#define PROCS_MAX	64

struct look {
	struct conn	*by;
	const char	*name;
	int		 there;
	json_t		*found;
};

struct search {
	const char	*file, *text;
};

static void	 configure(struct fed *, int, const char *);
static int	 is_linked(void *);
static int	 has_peer(void *);
static int	 has_text(void *);

static const char *const ids[HUBS] = { "alpha", "beta", "gamma" };

static struct tenv *
hub_of(struct fed *f, int i)
{
	return (i == 0 ? f->a : i == 1 ? f->b : f->c);
}

struct fed *
fed_new_(enum fed_shape shape, const char *more)
{
	struct fed	*f = xcalloc(1, sizeof(*f));
	char		 peers[HUBS][512] = { "", "", "" };
	int		 i, k, n = shape == FED_TRIANGLE ? 3 : 2, port;

	f->a = tenv_new();
	f->b = tenv_beside(f->a, ids[1]);
	if (n == 3)
		f->c = tenv_beside(f->a, ids[2]);
	for (i = 0; i < n; i++)
		close(port_take(&f->port[i]));
	f->wire = wire_new_(f->a, f->port[1]);
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++) {
			if (i == k || (i > 0 && shape == FED_ONE_WAY))
				continue;
			port = i == 0 && k == 1 ? f->wire->port : f->port[k];
			snprintf(peers[i] + strlen(peers[i]),
			    sizeof(peers[i]) - strlen(peers[i]),
			    "lan peer \"%s\" host 127.0.0.1 port %d\n",
			    ids[k], port);
		}
		strlcat(peers[i], more != NULL ? more : "", sizeof(peers[i]));
		configure(f, i, peers[i]);
	}
	return (f);
}

static void
configure(struct fed *f, int i, const char *rest)
{
	struct tenv	*t = hub_of(f, i);
	char		 conf[1024];

	fed_secret(t, FED_SECRET);
	snprintf(conf, sizeof(conf), "hub id \"%s\"\n"
	    "lan secret file \"%s/secret\"\n"
	    "lan listen on 127.0.0.1 port %d\n%s",
	    ids[i], t->home, f->port[i], rest);
	hub_conf(t, conf);
}

void
fed_secret(struct tenv *t, const char *secret)
{
	char	path[T_PATH], line[256];

	snprintf(path, sizeof(path), "%s/secret", t->home);
	snprintf(line, sizeof(line), "%s\n", secret);
	write_file(path, line, strlen(line));
}

void
fed_end_(struct fed *f)
{
	wire_free(f->wire);
	tenv_enter(f->a);
	tenv_end_(f->a);
	free(f);
}

struct fed *
fed_begin_(enum fed_shape shape, const char *more)
{
	static const char *const names[] = { "ann", "bob", "cat" };
	struct fed	*f = fed_new_(shape, more);
	struct conn	*who[HUBS];
	char		 name[64];
	int		 i, k, n = f->c != NULL ? 3 : 2;

	/* those that are called first: nobody has to call twice */
	for (i = n - 1; i >= 0; i--) {
		fed_start_(hub_of(f, i));
		who[i] = client_new_(hub_of(f, i), names[i], FEATURES);
	}
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++) {
			if (i == k)
				continue;
			snprintf(name, sizeof(name), "%s@%s", names[k],
			    ids[k]);
			meets_(who[i], name, 1);
		}
	}
	f->ann = who[0];
	f->bob = who[1];
	f->cat = n == 3 ? who[2] : NULL;
	return (f);
}

void
fed_start_(struct tenv *t)
{
	tenv_enter(t);
	hub_start_(t);
}

void
fed_kill_(struct tenv *t)
{
	pid_t	pids[PROCS_MAX];
	size_t	i, n = procs_all(t->data, pids, PROCS_MAX);
	int	status;

	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	if (n == 0 || program_wait(t->hub, &status, T_WAIT) == -1)
		t_fail("the hub did not die");
	t->hub = 0;
	if (!procs_ended(t, pids, n, T_WAIT))
		t_fail("a process of the hub does not end");
}

json_t *
link_status_(struct conn *c, const char *hub)
{
	json_t	*j = rpc_(c, "{s:s}", "type", "status"), *links;

	is_str_(j, "type", "status_result");
	links = json_object_get(json_object_get(j, "hub"), "links");
	if (!json_is_array(links))
		t_fail("no links: %s", show(j));
	return (find_in(links, "hub_id", hub));
}

static int
is_linked(void *arg)
{
	struct look	*k = arg;
	const char	*state;

	k->found = link_status_(k->by, k->name);
	state = json_string_value(json_object_get(k->found, "state"));
	return ((state != NULL && strcmp(state, "up") == 0) == k->there);
}

void
linked_(struct conn *c, const char *hub, int up)
{
	struct look	k = { c, hub, up, NULL };

	if (!t_until(c->env, is_linked, &k, FED_WAIT))
		t_fail("the link to %s is %s: %s", hub,
		    up ? "not up" : "up", show(k.found));
}

static int
has_peer(void *arg)
{
	struct look	*k = arg;
	json_t		*j = rpc_(k->by, "{s:s}", "type", "list_peers");

	k->found = find_in(json_object_get(j, "peers"), "name", k->name);
	return ((k->found != NULL) == k->there);
}

json_t *
meets_(struct conn *c, const char *name, int there)
{
	struct look	k = { c, name, there, NULL };

	if (!t_until(c->env, has_peer, &k, FED_WAIT))
		t_fail("%s is %s the peers", name,
		    there ? "not among" : "among");
	return (k.found);
}

json_t *
gets_(struct conn *c, const char *from, const char *text)
{
	json_t	*j = hear_(c, "incoming_message", NULL, NULL, FED_WAIT);

	is_str_(j, "from", from);
	is_str_(j, "text", text);
	return (j);
}

static int
has_text(void *arg)
{
	struct search	*s = arg;
	char		*log = read_file(s->file);
	int		 found = strstr(log, s->text) != NULL;

	free(log);
	return (found);
}

void
log_has_(struct tenv *t, const char *file, const char *text)
{
	struct search	 s = { file, text };

	if (!t_until(t, has_text, &s, FED_WAIT))
		t_fail("\"%s\" is not in %s", text, file);
}
