/* SPDX-License-Identifier: ISC */
/*
 * The two hubs and the relay, which are started again when they have ended,
 * as a supervisor does; and a session at each that only looks.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak.h"

#define SECRET		"a secret of the soak\n"
#define LOOK_MS		500
#define DYING_MS	15000	/* while the old one ends it may not start */
#define SETTLED_MS	1000	/* for what is read of a closed connection */
#define STOP_MS		10000

static void	 secret_file(const char *, const char *);
static void	 configure(struct site *, const struct site *,
		    const struct relay *);
static void	 configure_relay(struct soak *);
static void	 site_turn(struct site *);
static void	 relay_turn(struct soak *);
static void	 look(struct site *);
static void	 on_watch(void *, const json_t *);

static void
secret_file(const char *dir, const char *name)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%.128s/%s", dir, name);
	write_file(path, SECRET, strlen(SECRET));
}

static void
configure(struct site *s, const struct site *other, const struct relay *r)
{
	char	conf[2048];

	secret_file(s->env->home, "secret");
	snprintf(conf, sizeof(conf), "hub id \"%s\"\n"
	    "listen on 127.0.0.1 port %d\n"
	    "keep 100 messages per mailbox\n"
	    "lan secret file \"%s/secret\"\n"
	    "lan listen on 127.0.0.1 port %d\n"
	    "lan peer \"%s\" host 127.0.0.1 port %d\n"
	    "relay \"wss://localhost:%d\" token file \"%s/secret\" "
	    "ca file \"%s/cert\"\n",
	    s->id, s->ws_port, s->env->home, s->port, other->id, other->port,
	    r->port, s->env->home, r->dir);
	hub_conf(s->env, conf);
}

static void
configure_relay(struct soak *k)
{
	struct relay	*r = &k->relay;
	char		 conf[T_PATH], path[T_PATH];

	snprintf(r->dir, sizeof(r->dir), "%s/d.relay", k->sites[0].env->dir);
	want(mkdir(r->dir, 0700) == 0, "mkdir %s", r->dir);
	secret_file(r->dir, "secret");
	snprintf(conf, sizeof(conf), "secret file \"%s/secret\"\n"
	    "listen on 127.0.0.1 port %d tls certificate \"%s/cert\" "
	    "key \"%s/key\"\n", r->dir, r->port, r->dir, r->dir);
	cert_write(r->dir);
	snprintf(path, sizeof(path), "%s/relayd.conf", r->dir);
	write_file(path, conf, strlen(conf));
}

/*
 * What glibc's malloc has at first.  It raises both with each long block that
 * is freed, and then keeps megabytes that are free, which look like a leak.
 */
static void
settle_malloc(void)
{
	setenv("MALLOC_MMAP_THRESHOLD_", "131072", 0);
	setenv("MALLOC_TRIM_THRESHOLD_", "131072", 0);
}

void
sites_new(struct soak *k)
{
	static const char *const ids[SITES] = { "alpha", "beta" };
	struct site	*s;
	int		 i, fds[2 * SITES + 1];

	settle_malloc();
	for (i = 0; i < SITES; i++) {
		s = &k->sites[i];
		s->soak = k;
		s->number = i;
		s->id = ids[i];
		s->env = i == 0 ? tenv_new() :
		    tenv_beside(k->sites[0].env, ids[i]);
		if (getenv("SOAK_LOGS") != NULL)
			snprintf(s->env->hublog, sizeof(s->env->hublog),
			    "%.64s/%s.log", getenv("SOAK_LOGS"), s->id);
		fds[2 * i] = port_take(&s->port);
		fds[2 * i + 1] = port_take(&s->ws_port);
	}
	fds[2 * SITES] = port_take(&k->relay.port);
	for (i = 0; i < 2 * SITES + 1; i++)
		close(fds[i]);
	configure_relay(k);
	for (i = 0; i < SITES; i++)
		configure(&k->sites[i], &k->sites[1 - i], &k->relay);
}

static void
site_start(struct site *s)
{
	static const char *const argv[] = { "hubd", "-d", NULL };
	static const int	 none[2] = { -1, -1 };
	char			 port[16];

	snprintf(port, sizeof(port), "%d", s->ws_port);
	tenv_enter(s->env);
	setenv("ECORELAY_WS_PORT", port, 1);
	s->env->hub = program_start("hubd", argv, none, s->env->hublog, NULL);
	s->gen++;
	s->dying = 0;
	s->started_at = s->soak->now;
}

void
site_killed(struct site *s)
{
	s->dying = 1;
	s->killed_at = s->soak->now;
}

/* A hub ends if a part of it was killed, and only then. */
static void
site_turn(struct site *s)
{
	struct soak	*k = s->soak;
	int		 status;

	if (s->env->hub != 0 &&
	    waitpid(s->env->hub, &status, WNOHANG) == s->env->hub) {
		if (!s->dying && (s->killed_at == 0 ||
		    k->now > s->killed_at + DYING_MS))
			complain(k, NULL, "%s ended by itself, status 0x%x",
			    s->id, status);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			complain(k, NULL, "%s ended as if it was well",
			    s->id);
		s->env->hub = 0;
		s->dying = 1;
		s->links_up = 0;
		s->start_at = k->now + 50 + pick(k, 500);
	}
	if (s->env->hub == 0 && k->now >= s->start_at)
		site_start(s);
	look(s);
}

static void
relay_turn(struct soak *k)
{
	static const int	none[2] = { -1, -1 };
	struct relay		*r = &k->relay;
	char			 conf[T_PATH + 16], log[T_PATH];
	const char		*argv[] = { "relayd", "-d", "-f", conf, NULL };
	int			 status;

	if (r->pid != 0 && waitpid(r->pid, &status, WNOHANG) == r->pid) {
		if (!r->dying)
			complain(k, NULL, "relayd ended by itself, status "
			    "0x%x", status);
		r->pid = 0;
		r->start_at = k->now + 50 + pick(k, 1000);
	}
	if (r->pid != 0 || k->now < r->start_at)
		return;
	snprintf(conf, sizeof(conf), "%s/relayd.conf", r->dir);
	snprintf(log, sizeof(log), "%s/relayd.log", k->sites[0].env->dir);
	/* by which its processes are found */
	setenv("ECORELAY_DATA", r->dir, 1);
	r->pid = program_start("relayd", argv, none, log, NULL);
	r->starts++;
	r->dying = 0;
}

static void
read_token(struct site *s)
{
	char	path[T_PATH], *text;

	snprintf(path, sizeof(path), "%s/hub-ws-token", s->env->data);
	text = read_file(path);
	text[strcspn(text, "\n")] = '\0';
	strlcpy(s->token, text, sizeof(s->token));
	free(text);
}

/* Asks how the links are, and for names if somebody wants to know. */
static void
look(struct site *s)
{
	struct soak	*k = s->soak;

	if (s->watch != NULL && s->watch->eof) {
		if (!s->dying && (unsigned)s->watching == s->gen &&
		    k->now >= k->slept)
			complain(k, NULL, "%s dropped who only looks", s->id);
		chan_close(s->watch, 0);
		s->watch = NULL;
		s->links_up = 0;
	}
	if (s->dying || k->now < s->looked_at + LOOK_MS)
		return;
	s->looked_at = k->now;
	if (s->watch == NULL) {
		if ((s->watch = chan_unix(s->env->sock)) == NULL)
			return;
		read_token(s);
		s->watching = (int)s->gen;
		s->asked_at = 0;
		chan_say(s->watch, "{s:s,s:s,s:s,s:s,s:s,s:[s,s]}", "type",
		    "register", "name", "watch", "cwd", "/", "git_branch",
		    "", "protocol_version", "5", "features", "sessions",
		    "receipts");
	}
	chan_say(s->watch, "{s:s}", "type", "status");
}

static void
on_watch(void *arg, const json_t *j)
{
	struct site	*s = arg;
	const char	*type = json_string_value(json_object_get(j, "type"));
	const json_t	*list, *v;
	const char	*state;
	size_t		 i;
	int		 up = 0;

	if (strcmp(type, "ping") == 0) {
		chan_say(s->watch, "{s:s,s:O*}", "type", "pong", "req_id",
		    json_object_get(j, "req_id"));
	} else if (strcmp(type, "status_result") == 0) {
		list = json_object_get(json_object_get(j, "hub"), "links");
		json_array_foreach(list, i, v) {
			state = json_string_value(json_object_get(v,
			    "state"));
			up += state != NULL && strcmp(state, "up") == 0;
		}
		s->links_up = up == (int)i ? up : 0;
	} else if (strcmp(type, "sessions_result") == 0) {
		json_decref(s->known);
		s->known = json_incref(json_object_get(j, "sessions"));
		s->known_at = s->asked_at;
		s->asked_at = 0;
	}
}

int
sites_linked(struct soak *k)
{
	return (k->sites[0].links_up > 0 && k->sites[1].links_up > 0);
}

/* What hubctl says of its links: the hub over the LAN, and the relay. */
static int
site_links_up(struct site *s)
{
	struct output	*o;
	json_t		*j, *list, *v;
	const char	*state, *kind;
	size_t		 i;
	int		 lan = 0, relay = 0;

	tenv_enter(s->env);
	o = run(s->env, NULL, "hubctl", "-j", "show", "links", NULL);
	j = json_loads(o->out, 0, NULL);
	list = json_object_get(j, "links");
	json_array_foreach(list, i, v) {
		state = json_string_value(json_object_get(v, "state"));
		kind = json_string_value(json_object_get(v, "kind"));
		if (state == NULL || kind == NULL || strcmp(state, "up") != 0)
			continue;
		lan += strcmp(kind, "lan") == 0;
		/* the other one is there, too */
		relay += strcmp(kind, "uplink") == 0 && json_integer_value(
		    json_object_get(v, "peers")) == 1;
	}
	json_decref(j);
	output_free(o);
	return (lan == 1 && relay == 1);
}

int
sites_links_up(struct soak *k)
{
	static int64_t	next;

	if (k->now < next || !sites_linked(k))
		return (0);
	next = k->now + LOOK_MS;
	return (site_links_up(&k->sites[0]) && site_links_up(&k->sites[1]));
}

int
site_settle(struct soul *s)
{
	struct site	*h = &s->soak->sites[s->site];
	int64_t		 now = s->soak->now, after = s->gone_at + SETTLED_MS;

	if (after < h->started_at + SETTLED_MS)
		after = h->started_at + SETTLED_MS;
	if (h->watch == NULL || now < after)
		return (0);
	if (h->known_at < after || h->known == NULL) {
		if (h->asked_at == 0) {
			h->asked_at = now;
			chan_say(h->watch, "{s:s}", "type", "sessions");
		}
		return (0);
	}
	if (find_in(h->known, "name", s->name) == NULL) {
		strlcpy(s->former, s->name, sizeof(s->former));
		strlcpy(s->name, s->wanted, sizeof(s->name));
	}
	s->wanted[0] = '\0';
	return (1);
}

void
sites_turn(struct soak *k)
{
	int	i;

	for (i = 0; i < SITES; i++) {
		if (k->sites[i].watch != NULL)
			chan_read(k->sites[i].watch, on_watch, &k->sites[i]);
		site_turn(&k->sites[i]);
	}
	relay_turn(k);
}

void
sites_end(struct soak *k)
{
	int	i, status;

	for (i = 0; i < SITES; i++) {
		chan_close(k->sites[i].watch, 0);
		json_decref(k->sites[i].known);
	}
	kill(k->relay.pid, SIGTERM);
	want(program_wait(k->relay.pid, &status, STOP_MS) == 0 &&
	    status == 0, "relayd did not end well");
	tenv_enter(k->sites[0].env);
	tenv_end(k->sites[0].env);
}
