/* SPDX-License-Identifier: ISC */
/*
 * A hub that is linked in several ways at once, by bridged and by the uplink.
 * The test is the parent of a router and its store, and both carriers: what
 * the other hub, "other", says on each link and hears there is written here.
 */
#include "compat.h"

#include <sys/stat.h>

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "client.h"
#include "conf.h"
#include "imsg.h"
#include "linkproto.h"
#include "proc.h"
#include "twohubs.h"
#include "unixsock.h"

enum { LAN, UPLINK, CARRIERS };

/* Relays have these ranks. */
#define NEAR	LINK_RANK_RELAY
#define FAR	(LINK_RANK_RELAY + 1)

/* What the router has given a carrier; its type is "#" and more if no line. */
struct given {
	TAILQ_ENTRY(given)	 entry;
	int			 carrier;
	uint32_t		 link;		/* or the id */
	json_t			*json;
};

struct kid {
	struct hubtest	*test;
	struct imsgbuf	*ib;
	pid_t		 pid;
	int		 ready;
};

/* One test. */
struct hubtest {
	struct tenv		*env;
	struct event_base	*base;
	struct kid		 router, store;
	struct carrier		 {
		struct hubtest	*test;
		int		 number;
		struct imsgbuf	*ib;
	}			 carriers[CARRIERS];
	TAILQ_HEAD(, given)	 all;
	int64_t			 started;	/* of the other hub */
	int			 tellings;
	/* what hears() waits for */
	int			 carrier;
	uint32_t		 link;
	const char		*type, *key, *value;
	struct given		*found;
};

static void	 on_kid(struct imsgbuf *, struct imsg *, void *);
static void	 on_kid_closed(struct imsgbuf *, int, void *);
static void	 on_given(struct imsgbuf *, struct imsg *, void *);
static void	 on_carrier_closed(struct imsgbuf *, int, void *);
static void	 give(struct carrier *, uint32_t, json_t *);
static void	 start_kid(struct hubtest *, struct kid *, enum proc_id,
		    const char *);
static void	 stop_kid(struct hubtest *, struct kid *);
static void	 tell_u32(struct imsgbuf *, enum imsg_type, uint32_t, int);
static void	 carrier_begin(struct hubtest *, int);
static void	 carrier_end(struct hubtest *, int);
static int	 turn(void *);
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
	struct wbuf		 w = { 0 };

	(void)ib;
	if (m->type == LINK_CLOSE) {
		want(link_end_get(&m->rd, &e) == 0, "bad LINK_CLOSE");
		give(arg, e.link, json_pack("{s:s,s:s}", "type", "#close",
		    "why", e.why));
	} else if (m->type == LINK_VERDICT) {
		give(arg, m->id, json_pack("{s:s,s:i}", "type", "#verdict",
		    "verdict", (int)get_u8(&m->rd)));
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
static struct hubtest *
begin(void)
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
static struct hubtest *
begin_both(void)
{
	struct hubtest	*t = begin();

	carrier_begin(t, LAN);
	carrier_begin(t, UPLINK);
	return (t);
}

static void
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
static void
carrier_end(struct hubtest *t, int number)
{
	(void)turn(t);
	imsg_free(t->carriers[number].ib);
	t->carriers[number].ib = NULL;
}

static void
end(struct hubtest *t)
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

static int
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
static void
up_as(struct hubtest *t, int carrier, uint32_t link, uint8_t rank,
    const char *features, const char *peers)
{
	struct link_up	 m = { .link = link, .hub_id = "other",
	    .rank = rank, .plaintext = features == NULL };
	struct wbuf	 w = { 0 }, hello = { 0 };

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

static void
up(struct hubtest *t, int carrier, uint32_t link, uint8_t rank)
{
	up_as(t, carrier, link, rank, LINK_FEATURES, "[]");
}

static void
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
static void
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

static void
update(struct hubtest *t, int carrier, uint32_t link, const char *action,
    const char *name)
{
	if (strcmp(action, "join") == 0)
		says(t, carrier, link, "{s:s,s:s,s:{s:s}}", "type",
		    "bridge_peer_update", "action", action, "peer", "name",
		    name);
	else if (name != NULL)
		says(t, carrier, link, "{s:s,s:s,s:s}", "type",
		    "bridge_peer_update", "action", action, "name", name);
	else
		says(t, carrier, link, "{s:s,s:s,s:I,s:i}", "type",
		    "bridge_peer_update", "action", action, "started",
		    (json_int_t)t->started, "seq", t->tellings);
}

/* It tells all: sessions with these names, one letter each. */
static void
tells(struct hubtest *t, int carrier, uint32_t link, const char *names)
{
	char	 name[2] = "";

	t->tellings++;
	update(t, carrier, link, "begin", NULL);
	for (; *names != '\0'; names++) {
		name[0] = *names;
		update(t, carrier, link, "join", name);
	}
	update(t, carrier, link, "all", NULL);
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
static json_t *
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

/* All is told on that link, up to its end. */
static void
is_told(struct hubtest *t, int carrier, uint32_t link, const char *name)
{
	const char	*type = "bridge_peer_update";
	const json_t	*j;

	hears(t, carrier, link, type, "action", "begin");
	j = hears(t, carrier, link, type, "action", "join");
	is_str(json_object_get(j, "peer"), "name", name);
	hears(t, carrier, link, type, "action", "all");
}

/* It has not been given anything that was not heard. */
static void
nothing_on(struct hubtest *t, int carrier, uint32_t link)
{
	struct given	*g;

	(void)turn(t);
	TAILQ_FOREACH(g, &t->all, entry)
		want(g->carrier != carrier || g->link != link,
		    "link %u was given %s", link, show(g->json));
}

/* The session asks x@other, whose hub hears it on that link. */
static void
asks(struct hubtest *t, struct conn *c, const char *ask_id, int carrier,
    uint32_t link)
{
	two_sees(c, "x@other", 1);
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "x@other",
	    "question", "why?", "ask_id", ask_id);
	hears(t, carrier, link, "bridge_forward", "ask_id", ask_id);
}

/* x@other answers on that link. */
static void
answers(struct hubtest *t, struct conn *c, const char *ask_id, int carrier,
    uint32_t link)
{
	says(t, carrier, link, "{s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "type",
	    "bridge_forward", "target_peer", "a", "wrapped", "type",
	    "incoming_reply", "from", "x", "text", "so", "ask_id", ask_id);
	is_str(hear_with(c, "incoming_reply", "ask_id", ask_id), "from",
	    "x@other");
}

/* A message to x@other is on its way on that link; its number there. */
static json_int_t
carried(struct hubtest *t, const char *text, int carrier, uint32_t link)
{
	return (int_of(hears(t, carrier, link, "bridge_forward", "text",
	    text), "seq"));
}

/* The next message on that link must be that one. */
static void
carried_next(struct hubtest *t, const char *text, int carrier, uint32_t link)
{
	const json_t	*j = hears(t, carrier, link, "bridge_forward", "seq",
	    NULL);

	is_str(json_object_get(j, "wrapped"), "text", text);
}

static void
acks(struct hubtest *t, json_int_t seq, int carrier, uint32_t link)
{
	says(t, carrier, link, "{s:s,s:I,s:s}", "type", "bridge_ack", "seq",
	    seq, "state", "pushed");
}

/* A message of x's to a. */
static void
sends(struct hubtest *t, const char *msg_id, int seq, int carrier,
    uint32_t link)
{
	says(t, carrier, link, "{s:s,s:s,s:i,s:{s:s,s:s,s:s,s:s,s:n,s:s}}",
	    "type", "bridge_forward", "target_peer", "a", "seq", seq,
	    "wrapped", "type", "incoming_message", "from", "x", "text",
	    "hello", "msg_id", msg_id, "reply_to", "ts",
	    "2026-01-01T00:00:00.000Z");
}

START_TEST(test_down)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	asks(t, a, "two", LAN, 1);
	nothing_on(t, UPLINK, 1);
	down(t, LAN, 1);
	is_told(t, UPLINK, 1, "a");
	answers(t, a, "one", UPLINK, 1);
	asks(t, a, "three", UPLINK, 1);
	tells(t, UPLINK, 1, "x");
	answers(t, a, "three", UPLINK, 1);
	answers(t, a, "two", UPLINK, 1);
	/* the last one: nobody can answer any more */
	asks(t, a, "four", UPLINK, 1);
	down(t, UPLINK, 1);
	is_str(hear_with(a, "err", "ask_id", "four"), "code", "peer_gone");
	two_sees(a, "x@other", 0);
	end(t);
}
END_TEST

START_TEST(test_up)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, FAR);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", UPLINK, 1);
	up(t, UPLINK, 2, NEAR);
	is_told(t, UPLINK, 2, "a");
	asks(t, a, "two", UPLINK, 2);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	asks(t, a, "three", LAN, 1);
	/* what was on its way */
	answers(t, a, "two", UPLINK, 1);
	answers(t, a, "one", UPLINK, 2);
	answers(t, a, "three", LAN, 1);
	quiet(a, "err");
	end(t);
}
END_TEST

START_TEST(test_resent)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_int_t	 one, two, three;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	up(t, UPLINK, 1, NEAR);
	send_text(a, "x@other", "one", "queued");
	send_text(a, "x@other", "two", "queued");
	send_text(a, "x@other", "three", "queued");
	one = carried(t, "one", LAN, 1);
	two = carried(t, "two", LAN, 1);
	three = carried(t, "three", LAN, 1);
	/* acknowledged where it was not sent */
	acks(t, one, UPLINK, 1);
	down(t, LAN, 1);
	carried_next(t, "two", UPLINK, 1);
	carried_next(t, "three", UPLINK, 1);
	/* there came an end before the acknowledgement of this one */
	acks(t, two, UPLINK, 1);
	up(t, LAN, 2, LINK_RANK_LAN);
	is_told(t, LAN, 2, "a");
	carried_next(t, "three", LAN, 2);
	/* on both ways, one of them late */
	acks(t, three, LAN, 2);
	acks(t, three, UPLINK, 1);
	send_text(a, "x@other", "four", "queued");
	carried_next(t, "four", LAN, 2);
	down(t, UPLINK, 1);
	down(t, LAN, 2);
	up(t, UPLINK, 3, NEAR);
	carried_next(t, "four", UPLINK, 3);
	end(t);
}
END_TEST

START_TEST(test_once)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_int_t	 seq = 0;
	unsigned	 again = 0;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "x");
	up(t, UPLINK, 1, NEAR);
	sends(t, "m-1", 7, LAN, 1);
	is_int(hears(t, LAN, 1, "bridge_ack", "seq", NULL), "seq", 7);
	is_str(hear(a, "incoming_message"), "msg_id", "m-1");
	sends(t, "m-2", 8, LAN, 1);
	down(t, LAN, 1);
	/* the other hub has seen no acknowledgement, and sends both again */
	sends(t, "m-1", 7, UPLINK, 1);
	sends(t, "m-2", 8, UPLINK, 1);
	sends(t, "m-3", 9, UPLINK, 1);
	while (seq != 9) {
		seq = int_of(hears(t, UPLINK, 1, "bridge_ack", "seq", NULL),
		    "seq");
		again |= 1U << seq;
	}
	want(again == (7U << 7), "acknowledged: %x", again);
	is_str(hear(a, "incoming_message"), "msg_id", "m-2");
	is_str(hear(a, "incoming_message"), "msg_id", "m-3");
	quiet(a, "incoming_message");
	end(t);
}
END_TEST

START_TEST(test_told_again)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);
	json_t		*room;

	up(t, LAN, 1, LINK_RANK_LAN);
	tells(t, LAN, 1, "xy");
	says(t, LAN, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room", "action",
	    "join", "room", "old", "name", "x");
	says(t, LAN, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room", "action",
	    "join", "room", "kept", "name", "x");
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	/* it changes before we do; x stays, y goes, z comes */
	t->tellings++;
	update(t, UPLINK, 1, "begin", NULL);
	update(t, UPLINK, 1, "join", "z");
	two_sees(a, "z@other", 1);
	two_sees(a, "y@other", 1);
	update(t, UPLINK, 1, "join", "x");
	says(t, UPLINK, 1, "{s:s,s:s,s:s,s:s}", "type", "bridge_room",
	    "action", "join", "room", "kept", "name", "x");
	update(t, UPLINK, 1, "all", NULL);
	two_sees(a, "y@other", 0);
	two_sees(a, "x@other", 1);
	room = is_list(rpc(a, "{s:s}", "type", "list_rooms"), "rooms", 1);
	is_str(json_array_get(room, 0), "name", "kept");
	/* what was told earlier comes later, and does not count */
	update(t, LAN, 1, "leave", "x");
	update(t, LAN, 1, "join", "v");
	t->tellings--;
	tells(t, LAN, 1, "w");
	t->tellings--;
	update(t, LAN, 1, "begin", NULL);
	update(t, LAN, 1, "join", "u");
	t->tellings++;
	answers(t, a, "one", LAN, 1);
	two_sees(a, "u@other", 0);
	two_sees(a, "v@other", 0);
	two_sees(a, "x@other", 1);
	two_sees(a, "z@other", 1);
	update(t, UPLINK, 1, "leave", "z");
	two_sees(a, "z@other", 0);
	end(t);
}
END_TEST

/* Until the other hub has seen it, too, nothing changes. */
START_TEST(test_authority_gone)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	up(t, UPLINK, 1, NEAR);
	tells(t, LAN, 1, "xy");
	two_sees(a, "y@other", 1);
	down(t, LAN, 1);
	is_told(t, UPLINK, 1, "a");
	update(t, UPLINK, 1, "join", "z");
	asks(t, a, "one", UPLINK, 1);
	two_sees(a, "z@other", 0);
	two_sees(a, "x@other", 1);
	two_sees(a, "y@other", 1);
	tells(t, UPLINK, 1, "x");
	two_sees(a, "y@other", 0);
	answers(t, a, "one", UPLINK, 1);
	end(t);
}
END_TEST

START_TEST(test_carrier_dies)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	up(t, UPLINK, 1, NEAR);
	tells(t, LAN, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	carrier_end(t, LAN);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	/* another one, whose numbers begin anew */
	carrier_begin(t, LAN);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	up(t, UPLINK, 2, FAR);
	carrier_end(t, UPLINK);
	tells(t, LAN, 1, "x");
	answers(t, a, "one", LAN, 1);
	quiet(a, "err");
	asks(t, a, "two", LAN, 1);
	carrier_end(t, LAN);
	is_str(hear_with(a, "err", "ask_id", "two"), "code", "peer_gone");
	two_sees(a, "x@other", 0);
	end(t);
}
END_TEST

/* One link in place of another of its kind. */
START_TEST(test_replaced)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, NEAR);
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	up(t, UPLINK, 2, NEAR);
	is_told(t, UPLINK, 2, "a");
	hears(t, UPLINK, 1, "#close", "why", NULL);
	two_sees(a, "x@other", 0);
	/* what still comes of the old one */
	down(t, UPLINK, 1);
	update(t, UPLINK, 1, "join", "y");
	tells(t, UPLINK, 2, "x");
	two_sees(a, "x@other", 1);
	two_sees(a, "y@other", 0);
	/* with another way it is a change, to and fro */
	up(t, UPLINK, 3, FAR);
	asks(t, a, "one", UPLINK, 2);
	up(t, UPLINK, 4, NEAR);
	is_told(t, UPLINK, 3, "a");
	is_told(t, UPLINK, 4, "a");
	hears(t, UPLINK, 2, "#close", "why", NULL);
	answers(t, a, "one", UPLINK, 3);
	end(t);
}
END_TEST

/* A hub without acknowledgements goes, and comes back. */
START_TEST(test_plain)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up_as(t, LAN, 1, LINK_RANK_LAN, NULL, "[{\"name\":\"x\"}]");
	is_str(json_object_get(hears(t, LAN, 1, "bridge_peer_update",
	    "action", "join"), "peer"), "name", "a");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", LAN, 1);
	up(t, UPLINK, 1, NEAR);
	down(t, LAN, 1);
	is_str(hear_with(a, "err", "ask_id", "one"), "code", "peer_gone");
	is_told(t, UPLINK, 1, "a");
	tells(t, UPLINK, 1, "x");
	asks(t, a, "two", UPLINK, 1);
	up_as(t, LAN, 2, LINK_RANK_LAN, NULL, "[{\"name\":\"y\"}]");
	is_str(hear_with(a, "err", "ask_id", "two"), "code", "peer_gone");
	two_sees(a, "y@other", 1);
	two_sees(a, "x@other", 0);
	nothing_on(t, LAN, 1);
	end(t);
}
END_TEST

/* The other hub is a new process: it knows nothing of old questions. */
START_TEST(test_started_again)
{
	struct hubtest	*t = begin_both();
	struct conn	*a = client_new(t->env, "a", FEATURES);

	up(t, UPLINK, 1, NEAR);
	tells(t, UPLINK, 1, "x");
	two_sees(a, "x@other", 1);
	asks(t, a, "one", UPLINK, 1);
	up(t, LAN, 1, LINK_RANK_LAN);
	t->started = 2;
	t->tellings = 0;
	tells(t, LAN, 1, "x");
	is_str(hear_with(a, "err", "ask_id", "one"), "code", "peer_gone");
	asks(t, a, "two", LAN, 1);
	answers(t, a, "two", LAN, 1);
	end(t);
}
END_TEST

/* The same key is asked about by two processes. */
START_TEST(test_verdict)
{
	struct hubtest	*t = begin_both();
	struct link_key	 m = { .hub_id = "other" };
	struct wbuf	 w = { 0 };

	memset(m.key, 'a', LINK_KEY_SIZE - 1);
	link_key_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, 5, -1, &w, NULL);
	hears(t, UPLINK, 5, "#verdict", "verdict", NULL);
	carrier_end(t, UPLINK);
	carrier_begin(t, UPLINK);
	imsg_send(t->carriers[UPLINK].ib, LINK_KEY, 6, -1, &w, NULL);
	hears(t, UPLINK, 6, "#verdict", "verdict", NULL);
	wbuf_free(&w);
	end(t);
}
END_TEST

static json_t *
shown_links(struct hubtest *t)
{
	struct output	*o = run(t->env, NULL, "hubctl", "-j", "show",
	    "links", NULL);
	json_t		*j = tenv_keep(t->env, json_loads(o->out, 0, NULL));

	want(o->status == 0 && j != NULL, "%s", o->err);
	output_free(o);
	return (json_object_get(j, "links"));
}

START_TEST(test_shown)
{
	struct hubtest		*t = begin_both();
	struct conn		*a = client_new(t->env, "a", FEATURES);
	struct link_relay	 m = { .relay = 0, .state = LINK_IS_UP,
	    .hubs = 1, .url = "wss://relay.example.org" };
	struct wbuf		 w = { 0 };
	struct output		*o;
	const json_t		*j;

	link_relay_put(&w, &m);
	imsg_send(t->carriers[UPLINK].ib, LINK_RELAY, 0, -1, &w, NULL);
	wbuf_free(&w);
	up(t, UPLINK, 1, NEAR);
	is_told(t, UPLINK, 1, "a");
	j = find_in(shown_links(t), "hub_id", "other");
	is_str(j, "kind", "relay");
	is_str(j, "state", "up");
	is_str(j, "where", m.url);
	j = find_in(shown_links(t), "hub_id", "");
	is_str(j, "kind", "uplink");
	is_str(j, "where", m.url);
	is_str(j, "state", "up");
	is_int(j, "peers", 1);
	o = run(t->env, NULL, "hubctl", "show", "links", NULL);
	want(o->status == 0 && strstr(o->out, "uplink") != NULL, "%s",
	    o->out);
	output_free(o);
	up(t, LAN, 1, LINK_RANK_LAN);
	is_told(t, LAN, 1, "a");
	is_str(find_in(shown_links(t), "hub_id", "other"), "kind", "lan");
	j = json_object_get(rpc(a, "{s:s}", "type", "status"), "hub");
	is_str(json_array_get(is_list(j, "links", 1), 0), "kind", "lan");
	end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("ways");

	(void)argc;
	test_add(s, test_down, 60);
	test_add(s, test_up, 60);
	test_add(s, test_resent, 60);
	test_add(s, test_once, 60);
	test_add(s, test_told_again, 60);
	test_add(s, test_authority_gone, 60);
	test_add(s, test_carrier_dies, 60);
	test_add(s, test_replaced, 60);
	test_add(s, test_plain, 60);
	test_add(s, test_started_again, 60);
	test_add(s, test_verdict, 60);
	test_add(s, test_shown, 60);
	return (test_main(argv[0], s));
}
