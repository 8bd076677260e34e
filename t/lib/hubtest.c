/* SPDX-License-Identifier: ISC */
/*
 * A router with its store for tests, which are the carriers of its links.
 */
#include "compat.h"

#include <sys/stat.h>

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "conf.h"
#include "hubtest.h"
#include "proc.h"
#include "unixsock.h"

static void	 on_kid(struct imsgbuf *, struct imsg *, void *);
static void	 on_kid_closed(struct imsgbuf *, int, void *);
static void	 on_given(struct imsgbuf *, struct imsg *, void *);
static void	 on_carrier_closed(struct imsgbuf *, int, void *);
static void	 give(struct carrier *, uint32_t, json_t *);
static void	 start_kid(struct hubtest *, struct kid *, enum proc_id,
		    const char *);
static void	 stop_kid(struct hubtest *, struct kid *);
static void	 tell_u32(struct imsgbuf *, enum imsg_type, uint32_t, int);
static int	 all_ready(void *);
static int	 is_given(void *);
static int	 kid_gone(void *);

static const struct imsg_ops	 kid_ops = {
	.dispatch = on_kid,
	.closed = on_kid_closed,
};
static const struct imsg_ops	 carrier_ops = {
	.dispatch = on_given,
	.closed = on_carrier_closed,
};

static void
on_kid(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct kid	*k = arg;
	char		 text[512];

	switch (m->type) {
	case PROC_READY:
		k->ready = 1;
		break;
	case PROC_IMPORT:
		imsg_send(ib, CONF_IMPORTED, 0, -1, NULL, NULL);
		break;
	case PAIR_INVITE:
		k->test->invited = m->id;
		break;
	case PROC_LOG:
		(void)get_u8(&m->rd);
		get_str(&m->rd, text, sizeof(text));
		fprintf(stderr, "%s\n", text);
		break;
	default:
		fail_with("a child says %s", imsg_name(m->type));
	}
}

static void
on_kid_closed(struct imsgbuf *ib, int err, void *arg)
{
	struct kid	*k = arg;

	(void)err;
	imsg_free(ib);
	k->ib = NULL;
}

static void
on_given(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct link_send	 s;
	struct link_end		 e;
	char			 hub[NAME_SIZE];
	struct wbuf		 w = { 0 };

	(void)ib;
	if (m->type == LINK_CLOSE) {
		want(link_end_get(&m->rd, &e) == 0, "bad LINK_CLOSE");
		give(arg, e.link, json_pack("{s:s,s:s}", "type", "#close",
		    "why", e.why));
	} else if (m->type == LINK_VERDICT) {
		give(arg, m->id, json_pack("{s:s,s:i}", "type", "#verdict",
		    "verdict", (int)get_u8(&m->rd)));
	} else if (m->type == LINK_RETRY) {
		get_str(&m->rd, hub, sizeof(hub));
		give(arg, 0, json_pack("{s:s,s:s}", "type", "#retry", "hub",
		    hub));
	} else if (m->type == LINK_HOLD) {
		give(arg, 0, json_pack("{s:s,s:i}", "type", "#hold", "on",
		    (int)get_u8(&m->rd)));
	} else {
		want(link_send_get(&m->rd, &s) == 0, "bad LINK_SEND");
		wbuf_add(&w, s.head.p, s.head.len);
		if (s.inner.len > 0) {
			wbuf_add(&w, s.inner.p, s.inner.len - 1);
			wbuf_adds(&w, "}");
		}
		give(arg, s.link, json_loadb(wbuf_data(&w), w.len, 0, NULL));
		wbuf_free(&w);
	}
}

static void
on_carrier_closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)err;
	(void)arg;
	fail_with("the router has closed the socket of a carrier");
}

static void
give(struct carrier *c, uint32_t link, json_t *json)
{
	struct given	*g = xcalloc(1, sizeof(*g));

	want(json != NULL, "link %u was given no JSON", link);
	g->carrier = c->number;
	g->link = link;
	g->json = tenv_keep(c->test->env, json);
	TAILQ_INSERT_TAIL(&c->test->all, g, entry);
}

static void
start_kid(struct hubtest *t, struct kid *k, enum proc_id id, const char *role)
{
	static char	 path[T_PATH], opt[] = "-x";
	char		 name[16], *argv[] = { path, opt, name, NULL };
	int		 fds[2];

	program_path("hubd", path);
	strlcpy(name, role, sizeof(name));
	want(unix_pair(fds) == 0, "socketpair");
	k->test = t;
	k->pid = proc_start(argv, fds[1], -1);
	close(fds[1]);
	k->ib = imsg_new(t->base, fds[0], PROC_PARENT, id, &kid_ops, k);
}

static void
stop_kid(struct hubtest *t, struct kid *k)
{
	int	 status;

	/* the store may end when the router has */
	if (k->ib != NULL)
		imsg_send(k->ib, PROC_SHUTDOWN, 0, -1, NULL, NULL);
	want(t_until(t->env, kid_gone, k, T_WAIT) &&
	    program_wait(k->pid, &status, T_WAIT) == 0 && status == 0,
	    "a process of the hub does not end, or not well");
}

static void
tell_u32(struct imsgbuf *ib, enum imsg_type type, uint32_t v, int fd)
{
	struct wbuf	 w = { 0 };

	put_u32(&w, v);
	imsg_send(ib, type, 0, fd, &w, NULL);
	wbuf_free(&w);
}

/* A router with its store that serves at hub.sock; no carriers yet. */
struct hubtest *
hubtest_begin(int strict)
{
	struct hubtest	*t = xcalloc(1, sizeof(*t));
	struct conf	 conf;
	struct wbuf	 w = { 0 };
	int		 fds[2];

	t->env = tenv_new();
	t->base = event_base_new();
	TAILQ_INIT(&t->all);
	t->started = 1;
	want(mkdir(t->env->data, 0700) == 0, "mkdir %s", t->env->data);
	conf_defaults(&conf);
	conf.keys_strict = (uint8_t)strict;
	strlcpy(conf.hub_id, "us", sizeof(conf.hub_id));
	strlcpy(conf.data, t->env->data, sizeof(conf.data));
	strlcpy(conf.socket, t->env->sock, sizeof(conf.socket));
	start_kid(t, &t->router, PROC_ROUTER, "router");
	start_kid(t, &t->store, PROC_STORE, "store");
	conf_put(&w, &conf);
	imsg_send(t->router.ib, CONF_START, 0, -1, &w, NULL);
	imsg_send(t->store.ib, CONF_START, 0, -1, &w, NULL);
	wbuf_free(&w);
	want(unix_pair(fds) == 0, "socketpair");
	tell_u32(t->router.ib, CONF_PEER, PROC_STORE, fds[0]);
	tell_u32(t->store.ib, CONF_PEER, PROC_ROUTER, fds[1]);
	tell_u32(t->router.ib, CONF_LISTEN, LISTEN_SESSIONS,
	    unix_listen(t->env->sock, 0600));
	snprintf(conf.socket, sizeof(conf.socket), "%s/hubctl.sock",
	    t->env->data);
	tell_u32(t->router.ib, CONF_LISTEN, LISTEN_CTL,
	    unix_listen(conf.socket, 0600));
	imsg_send(t->router.ib, CONF_END, 0, -1, NULL, NULL);
	imsg_send(t->store.ib, CONF_END, 0, -1, NULL, NULL);
	want(t_until(t->env, all_ready, t, T_WAIT), "the hub does not start");
	return (t);
}

/* The same with both carriers. */
struct hubtest *
hubtest_both(void)
{
	struct hubtest	*t = hubtest_begin(0);

	carrier_begin(t, LAN);
	carrier_begin(t, UPLINK);
	return (t);
}

void
carrier_begin(struct hubtest *t, int number)
{
	static const enum proc_id	 procs[] = {
		[LAN] = PROC_BRIDGED,
		[UPLINK] = PROC_UPLINK,
	};
	struct carrier	*c = &t->carriers[number];
	int		 fds[2];

	want(unix_pair(fds) == 0, "socketpair");
	tell_u32(t->router.ib, CONF_PEER, procs[number], fds[0]);
	c->test = t;
	c->number = number;
	c->ib = imsg_new(t->base, fds[1], procs[number], PROC_ROUTER,
	    &carrier_ops, c);
}

/* The process dies. */
void
carrier_end(struct hubtest *t, int number)
{
	(void)turn(t);
	imsg_free(t->carriers[number].ib);
	t->carriers[number].ib = NULL;
}

void
hubtest_end(struct hubtest *t)
{
	struct given	*g;

	carrier_end(t, LAN);
	carrier_end(t, UPLINK);
	stop_kid(t, &t->router);
	stop_kid(t, &t->store);
	while ((g = TAILQ_FIRST(&t->all)) != NULL) {
		TAILQ_REMOVE(&t->all, g, entry);
		free(g);
	}
	event_base_free(t->base);
	tenv_end(t->env);
	free(t);
}

int
turn(void *arg)
{
	struct hubtest	*t = arg;

	event_base_loop(t->base, EVLOOP_NONBLOCK);
	return (0);
}

static int
all_ready(void *arg)
{
	struct hubtest	*t = arg;

	(void)turn(t);
	return (t->router.ready && t->store.ready);
}

static int
kid_gone(void *arg)
{
	struct kid	*k = arg;

	(void)turn(k->test);
	return (k->ib == NULL);
}

/* LINK_UP of the other hub; features and peers as JSON. */
void
up_as(struct hubtest *t, int carrier, uint32_t link, uint8_t rank,
    const char *features, const char *peers)
{
	struct link_up	 m = { .link = link, .hub_id = "other",
	    .rank = rank, .plaintext = features == NULL };
	struct wbuf	 w = { 0 }, hello = { 0 };

	if (t->said_key != NULL)
		strlcpy(m.key, t->said_key, sizeof(m.key));
	wbuf_printf(&hello, "{\"type\":\"bridge_hello\",\"peers\":%s,"
	    "\"features\":%s}", peers, features != NULL ? features : "[]");
	m.hello.p = wbuf_data(&hello);
	m.hello.len = hello.len;
	link_up_put(&w, &m);
	imsg_send(t->carriers[carrier].ib, LINK_UP, 0, -1, &w, NULL);
	wbuf_free(&w);
	wbuf_free(&hello);
	(void)turn(t);
}

void
up(struct hubtest *t, int carrier, uint32_t link, uint8_t rank)
{
	up_as(t, carrier, link, rank, LINK_FEATURES, "[]");
}

void
down(struct hubtest *t, int carrier, uint32_t link)
{
	struct link_end	 m = { link, "it was cut" };
	struct wbuf	 w = { 0 };

	link_end_put(&w, &m);
	imsg_send(t->carriers[carrier].ib, LINK_DOWN, 0, -1, &w, NULL);
	wbuf_free(&w);
	(void)turn(t);
}

/* The other hub says an object, as json_pack() wants it. */
void
says(struct hubtest *t, int carrier, uint32_t link, const char *fmt, ...)
{
	struct link_line	 m = { .link = link };
	struct wbuf		 w = { 0 };
	json_t			*json;
	char			*text;
	va_list			 ap;

	va_start(ap, fmt);
	json = json_vpack_ex(NULL, 0, fmt, ap);
	va_end(ap);
	want(json != NULL, "json_pack");
	text = json_dumps(json, JSON_COMPACT);
	m.line = slice_of(text);
	link_line_put(&w, &m);
	imsg_send(t->carriers[carrier].ib, LINK_LINE, 0, -1, &w, NULL);
	wbuf_free(&w);
	free(text);
	json_decref(json);
	(void)turn(t);
}

static int
is_given(void *arg)
{
	struct hubtest	*t = arg;
	struct given	*g;
	const json_t	*v;

	(void)turn(t);
	TAILQ_FOREACH(g, &t->all, entry) {
		v = json_object_get(g->json, "wrapped");
		if (v == NULL || json_object_get(g->json, t->key) != NULL)
			v = g->json;
		if (g->carrier != t->carrier || g->link != t->link ||
		    strcmp(str_of(g->json, "type"), t->type) != 0)
			continue;
		v = json_object_get(v, t->key);
		if (t->value != NULL && (!json_is_string(v) ||
		    strcmp(json_string_value(v), t->value) != 0))
			continue;
		t->found = g;
		return (1);
	}
	return (0);
}

/*
 * The next line of that type on that link in which the member, in it or in
 * what is wrapped in it, is value (NULL: any line of the type).
 */
json_t *
hears(struct hubtest *t, int carrier, uint32_t link, const char *type,
    const char *key, const char *value)
{
	json_t	*json;

	t->carrier = carrier;
	t->link = link;
	t->type = type;
	t->key = key;
	t->value = value;
	want(t_until(t->env, is_given, t, T_WAIT), "no %s with %s %s on link "
	    "%u of %s", type, key, value != NULL ? value : "at all", link,
	    carrier == LAN ? "bridged" : "the uplink");
	TAILQ_REMOVE(&t->all, t->found, entry);
	json = t->found->json;
	free(t->found);
	return (json);
}
