/* SPDX-License-Identifier: ISC */
/*
 * hubctl show stats and show metrics: each thing done is counted once, in its
 * place and in no other; and the page for Prometheus is what it should be.
 */
#include "compat.h"

#include <sys/wait.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"

#define P		"ecorelay_hub_"
#define SAMPLES_MAX	512
#define KEY_SIZE	160
#define ASKERS		8

/* One page for Prometheus. */
struct sample {
	char	key[KEY_SIZE];		/* name, or name{label="value"} */
	int	counter;
	double	value;
};
struct page {
	struct sample	all[SAMPLES_MAX];
	size_t		n;
};

/* What is to change, and by how much. */
struct change {
	const char	*key;
	double		 by;
};

/* Something to wait for. */
struct goal {
	struct tenv	*t;
	const char	*key;
	double		 value;
};

static char *
hubctl(struct tenv *t, const char *a, const char *b, const char *c)
{
	struct output	*o;
	char		*text;

	tenv_enter(t);
	o = run(t, NULL, "hubctl", a, b, c, NULL);
	want(o->status == 0 && *o->err == '\0', "%s %s: status 0x%x: %.500s",
	    a, b, o->status, o->err);
	text = xstrdup(o->out);
	output_free(o);
	return (text);
}

/* The end of a name. */
static const char *
name_end(const char *p, int colons)
{
	want(isalpha((unsigned char)*p) || *p == '_' || (colons && *p == ':'),
	    "no name: %.80s", p);
	while (isalnum((unsigned char)*p) || *p == '_' || (colons &&
	    *p == ':'))
		p++;
	return (p);
}

/* The end of {a="b"}, where each quote and backslash is escaped. */
static const char *
labels_end(const char *p)
{
	const char	*line = p;

	if (*p != '{')
		return (p);
	p = name_end(p + 1, 0);
	want(p[0] == '=' && p[1] == '"', "no label: %.160s", line);
	for (p += 2; *p != '"'; p++) {
		want(*p != '\0' && *p != '\n', "no end: %.160s", line);
		if (*p == '\\') {
			p++;
			want(strchr("\\\"n", *p) != NULL, "escape: %.160s",
			    line);
		}
	}
	want(p[1] == '}', "no }: %.160s", line);
	return (p + 2);
}

static const struct sample *
look_up(const struct page *page, const char *key)
{
	size_t	i;

	for (i = 0; i < page->n; i++) {
		if (strcmp(page->all[i].key, key) == 0)
			return (&page->all[i]);
	}
	return (NULL);
}

static double
value(const struct page *page, const char *key)
{
	const struct sample	*s = look_up(page, key);

	want(s != NULL, "there is no %s", key);
	return (s->value);
}

#define is_value(page, key, v)	do {					\
	double is_ = value(page, key), v_ = (v);			\
	want(is_ == v_, "%s is %g, not %g", key, is_, v_);		\
} while (0)

/* Reads a sample of that family; returns the next line. */
static const char *
take_sample(struct page *page, const char *family, int counter,
    const char *line)
{
	struct sample	*s = &page->all[page->n];
	const char	*name = name_end(line, 1), *end = labels_end(name);
	char		*after;

	want((size_t)(name - line) == strlen(family) &&
	    strncmp(line, family, strlen(family)) == 0,
	    "without HELP and TYPE before it: %.160s", line);
	want(end - line < KEY_SIZE && page->n < SAMPLES_MAX, "too long");
	memcpy(s->key, line, (size_t)(end - line));
	s->key[end - line] = '\0';
	want(look_up(page, s->key) == NULL, "twice: %s", s->key);
	want(end[0] == ' ' && isdigit((unsigned char)end[1]),
	    "no number: %.160s", line);
	s->value = strtod(end + 1, &after);
	s->counter = counter;
	want(*after == '\n', "more than a number: %.160s", line);
	page->n++;
	return (after + 1);
}

/* HELP, TYPE and all samples of one family. */
static const char *
take_family(struct page *page, const char *p)
{
	char		 name[KEY_SIZE], type[KEY_SIZE], said[16];
	const char	*end;
	size_t		 i, first = page->n;

	want(sscanf(p, "# HELP %159s %*[^\n]", name) == 1 &&
	    (end = strchr(p, '\n')) != NULL, "no HELP: %.160s", p);
	want(*name_end(name, 1) == '\0', "bad name: %s", name);
	for (i = 0; i < first; i++)
		want(strncmp(page->all[i].key, name, strlen(name)) != 0 ||
		    isalnum((unsigned char)page->all[i].key[strlen(name)]) ||
		    page->all[i].key[strlen(name)] == '_',
		    "a second HELP of %s", name);
	p = end + 1;
	want(sscanf(p, "# TYPE %159s %15s", type, said) == 2 &&
	    strcmp(name, type) == 0 && (end = strchr(p, '\n')) != NULL &&
	    (strcmp(said, "counter") == 0 || strcmp(said, "gauge") == 0),
	    "no TYPE of %s: %.160s", name, p);
	want((strcmp(said, "counter") == 0) == (strlen(name) > 6 &&
	    strcmp(name + strlen(name) - 6, "_total") == 0),
	    "%s is a %s", name, said);
	for (p = end + 1; *p != '#' && *p != '\0';)
		p = take_sample(page, name, said[0] == 'c', p);
	want(page->n > first, "no sample of %s", name);
	return (p);
}

static struct page *
metrics(struct tenv *t)
{
	struct page	*page = xcalloc(1, sizeof(*page));
	char		*text = hubctl(t, "show", "metrics", NULL);
	const char	*p = text;

	want(*text != '\0' && text[strlen(text) - 1] == '\n', "no end");
	while (*p != '\0')
		p = take_family(page, p);
	free(text);
	return (page);
}

/* Of those that our asking for statistics changes, or the clock. */
static int
may_change(const char *key)
{
	static const char *const names[] = {
		P "store_", P "process_", P "received_", P "sent_"
	};
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(key, names[i], strlen(names[i])) == 0)
			return (1);
	}
	return (0);
}

/* Those and no other counters must have changed; frees both. */
static void
changed(struct page *before, struct page *after, const struct change *list,
    size_t n)
{
	const struct sample	*s;
	double			 by, is;
	size_t			 i, k;

	for (k = 0; k < n; k++)
		(void)value(after, list[k].key);
	for (i = 0; i < after->n; i++) {
		s = &after->all[i];
		by = 0;
		for (k = 0; k < n; k++) {
			if (strcmp(list[k].key, s->key) == 0)
				break;
		}
		if (k < n)
			by = list[k].by;
		else if (!s->counter || may_change(s->key))
			continue;
		is = s->value - value(before, s->key);
		want(is == by, "%s has changed by %g, not by %g", s->key, is,
		    by);
	}
	free(before);
	free(after);
}
#define CHANGED(before, after, list)					\
	changed(before, after, list, sizeof(list) / sizeof((list)[0]))

static int
has_come(void *arg)
{
	struct goal		*g = arg;
	struct page		*page = metrics(g->t);
	const struct sample	*s = look_up(page, g->key);
	int			 ok = s != NULL && s->value == g->value;

	free(page);
	return (ok);
}

static void
becomes(struct tenv *t, const char *key, double v)
{
	struct goal	g = { t, key, v };

	want(t_until(t, has_come, &g, FED_WAIT), "%s is not %g", key, v);
}

START_TEST(messages)
{
	static const struct change list[] = {
		{ P "messages_total{status=\"delivered\"}", 3 },
		{ P "messages_total{status=\"queued\"}", 1 },
		{ P "messages_total{status=\"repeated\"}", 1 },
		{ P "errors_total{code=\"bad_args\"}", 1 },
		{ P "errors_total{code=\"bad_msg\"}", 2 },
		{ P "mailboxes", 1 },
		{ P "mailbox_messages", 4 },
		{ P "mailbox_unread_messages", 2 },
	};
	struct tenv	*t = tenv_new();
	struct page	*before;
	struct conn	*a, *b;
	int		 i;

	hub_start(t);
	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	before = metrics(t);
	is_value(before, P "sessions{kind=\"socket\"}", 2);
	is_value(before, P "registrations_total", 2);
	is_value(before, P "store_up", 1);
	send_text(a, "b", "one", "delivered");
	send_text(a, "b", "two", "delivered");
	rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 2);
	/* read when it is known to be: before the next request */
	send_text(b, "away", "three", "queued");
	for (i = 0; i < 2; i++)
		is_str(rpc(a, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", "four", "msg_id", "four"), "status", "delivered");
	refused(a, "bad_args", "{s:s,s:s,s:s}", "type", "send", "to", "?",
	    "text", "x");
	refused(a, "bad_msg", "{s:s}", "type", "send");
	refused(a, "bad_msg", "{s:s}", "type", "no-such");
	CHANGED(before, metrics(t), list);
	tenv_end(t);
}
END_TEST

START_TEST(talk)
{
	static const struct change list[] = {
		{ P "asks_total", 2 },
		{ P "asks_open", 2 },
		{ P "replies_total", 1 },
		{ P "broadcasts_total", 1 },
		{ P "room_messages_total", 2 },
		{ P "group_messages_total", 1 },
		{ P "errors_total{code=\"peer_not_found\"}", 1 },
		{ P "errors_total{code=\"unknown_ask\"}", 1 },
		{ P "errors_total{code=\"name_taken\"}", 1 },
		{ P "errors_total{code=\"not_registered\"}", 1 },
		{ P "errors_total{code=\"not_member\"}", 1 },
		{ P "connections_total{kind=\"socket\"}", 1 },
		{ P "connections_early", 1 },
	};
	struct tenv	*t = tenv_new();
	struct page	*before;
	struct conn	*a, *b, *c;
	int		 i;

	hub_start(t);
	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	becomes(t, P "connections_early", 0);
	before = metrics(t);
	for (i = 0; i < 2; i++) {
		say(a, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "b",
		    "question", "why", "ask_id", i == 0 ? "k0" : "k1");
		hear(b, "incoming_ask");
	}
	say(b, "{s:s,s:s,s:s}", "type", "reply", "ask_id", "k0", "text", "x");
	hear(a, "incoming_reply");
	refused(b, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    "k0", "text", "x");
	refused(a, "peer_not_found", "{s:s,s:s,s:s,s:s}", "type", "ask", "to",
	    "z", "question", "why", "ask_id", "k2");
	is_int(rpc(a, "{s:s,s:s,s:s}", "type", "broadcast", "question", "all?",
	    "broadcast_id", "b0"), "peer_count", 1);
	rpc(b, "{s:s,s:s}", "type", "join_room", "room", "r");
	for (i = 0; i < 2; i++)
		is_int(rpc(a, "{s:s,s:s,s:s,s:s}", "type", "room_msg", "room",
		    "r", "text", "x", "msg_id", "r"), "delivered_count", 1);
	rpc(a, "{s:s,s:s,s:[s]}", "type", "group_create", "name", "g",
	    "members", "b");
	is_str(rpc(a, "{s:s,s:s,s:s}", "type", "group_send", "group", "g",
	    "text", "x"), "type", "group_ack");
	refused(a, "not_member", "{s:s,s:s,s:s}", "type", "group_send",
	    "group", "h", "text", "x");
	refused(a, "name_taken", "{s:s,s:s}", "type", "rename", "new_name",
	    "b");
	c = client_open(t);
	refused(c, "not_registered", "{s:s,s:s,s:s}", "type", "send", "to",
	    "b", "text", "x");
	CHANGED(before, metrics(t), list);
	tenv_end(t);
}
END_TEST

/* The hub asks none that has not registered whether it lives. */
START_TEST(traffic)
{
	static const char ping[] = "{\"type\":\"ping\",\"req_id\":\"1\"}";
	struct tenv	*t = tenv_new();
	struct page	*before, *after;
	double		 sent = 0;
	struct conn	*c;
	struct line	*l;
	int		 i;

	hub_start(t);
	c = client_open(t);
	before = metrics(t);
	for (i = 0; i < 3; i++) {
		say_text(c, ping);
		want((l = conn_take(c, T_WAIT)) != NULL, "no pong");
		sent += (double)l->len + 1;
		line_free(l);
	}
	after = metrics(t);
#define BY(key)	(value(after, P key) - value(before, P key))
	want(BY("received_lines_total") == 3, "%g lines in",
	    BY("received_lines_total"));
	want(BY("received_bytes_total") == 3 * (sizeof(ping) - 1),
	    "%g bytes in", BY("received_bytes_total"));
	want(BY("sent_lines_total") == 3, "%g lines out",
	    BY("sent_lines_total"));
	want(BY("sent_bytes_total") == sent, "%g bytes out, not %g",
	    BY("sent_bytes_total"), sent);
#undef BY
	free(before);
	free(after);
	tenv_end(t);
}
END_TEST

/* Sends text, reads until the other end closes; 1 if that is in it. */
static int
says(int port, const char *text, size_t len, const char *wanted)
{
	char	buf[2048];
	ssize_t	r;
	size_t	n = 0;
	int	fd = port_call(port);

	want(fd != -1, "no WebSocket at port %d", port);
	want(write(fd, text, len) == (ssize_t)len, "not written");
	while (n < sizeof(buf) - 1 &&
	    (r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	buf[n] = '\0';
	return (memmem(buf, n, wanted, strlen(wanted)) != NULL);
}

START_TEST(refusals)
{
	static const struct change list[] = {
		{ P "connections_total{kind=\"websocket\"}", 2 },
		{ P "connections_refused_total{reason=\"http\"}", 1 },
		{ P "connections_refused_total{reason=\"token\"}", 1 },
		{ P "connections_total{kind=\"socket\"}", 1 },
		{ P "sessions_cut_total{reason=\"too_long\"}", 1 },
	};
	static const char plain[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	/* and a masked text message */
	static const char bad[] = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	    "\x81\x8e\0\0\0\0{\"auth\":\"bad\"}";
	struct tenv	*t = tenv_new();
	struct page	*before;
	char		 conf[64], *line;
	int		 port, fd = port_take(&port);

	close(fd);
	snprintf(conf, sizeof(conf), "listen on 127.0.0.1 port %d\n", port);
	hub_conf(t, conf);
	unsetenv("ECORELAY_WS_PORT");
	hub_start(t);
	before = metrics(t);
	want(says(port, plain, sizeof(plain) - 1, "426"), "plain HTTP");
	want(says(port, bad, sizeof(bad) - 1, "auth_failed"), "bad token");
	line = t_fill('x', 9000);
	(void)conn_write(client_open(t), line, strlen(line));
	free(line);
	becomes(t, list[4].key, 1);
	CHANGED(before, metrics(t), list);
	tenv_end(t);
}
END_TEST

/* The line of that title in a list for people must end with that. */
static void
line_is(const char *text, const char *title, const char *end)
{
	const char	*p = strstr(text, title), *nl;

	want(p != NULL && (nl = strchr(p + 1, '\n')) != NULL, "no%s: %s", title,
	    text);
	want((size_t)(nl - p) >= strlen(title) + strlen(end) &&
	    strncmp(nl - strlen(end), end, strlen(end)) == 0,
	    "%s is not %s: %s", title, end, text);
}

START_TEST(for_people)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;
	char		*text;

	hub_start(t);
	a = client_new(t, "a", NULL);
	client_new(t, "b", NULL);
	send_text(a, "b", "x", "delivered");
	refused(a, "bad_msg", "{s:s}", "type", "send");
	text = hubctl(t, "show", "stats", NULL);
	line_is(text, "\n  online, by the socket ", " 2");
	line_is(text, "\n  delivered ", " 1");
	line_is(text, "\n  database works ", " yes");
	line_is(text, "\nCODE ", " TIMES");
	line_is(text, "\nbad_msg ", " 1");
	line_is(text, "\nPROCESS ", " RESTARTS");
	line_is(text, "\nrouter ", " 0");
	want(strstr(text, "peer_not_found") == NULL &&
	    strstr(text, "repeated") == NULL, "zeros: %s", text);
	free(text);
	tenv_end(t);
}
END_TEST

/* The same families and samples, with the same values but for the time. */
START_TEST(as_json)
{
	struct tenv	*t = tenv_new();
	struct page	*page;
	json_t		*j, *o, *s, *v;
	const char	*label, *name;
	size_t		 i, k, n = 0;
	char		*text, key[KEY_SIZE];

	hub_start(t);
	client_new(t, "a", NULL);
	page = metrics(t);
	text = hubctl(t, "-j", "show", "stats");
	j = tenv_keep(t, json_loads(text, 0, NULL));
	free(text);
	json_array_foreach(json_object_get(j, "stats"), i, o) {
		name = str_of(o, "name");
		str_of(o, "help");
		json_array_foreach(json_object_get(o, "samples"), k, s) {
			strlcpy(key, name, sizeof(key));
			json_object_foreach(json_object_get(s, "labels"),
			    label, v)
				snprintf(key, sizeof(key), "%s{%s=\"%s\"}",
				    name, label, json_string_value(v));
			v = json_object_get(s, "value");
			want(json_is_number(v), "no value: %s", show(s));
			if (may_change(key) || strstr(key, "uptime") != NULL)
				(void)value(page, key);
			else
				is_value(page, key, json_number_value(v));
			n++;
		}
	}
	want(n == page->n, "%zu samples in JSON, %zu in text", n, page->n);
	free(page);
	tenv_end(t);
}
END_TEST

START_TEST(links)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct page	*page;

	send_text(f->ann, "bob@beta", "one", "queued");
	gets(f->bob, "ann@alpha", "one");
	becomes(f->a, P "link_waiting_messages{hub=\"beta\"}", 0);
	page = metrics(f->a);
	is_value(page, P "link_up{hub=\"beta\"}", 1);
	is_value(page, P "link_peers{hub=\"beta\"}", 1);
	is_value(page, P "links{kind=\"lan\"}", 1);
	is_value(page, P "links{kind=\"relay\"}", 0);
	is_value(page, P "sessions{kind=\"remote\"}", 1);
	is_value(page, P "link_ups_total", 1);
	is_value(page, P "link_sent_messages_total", 1);
	is_value(page, P "link_received_messages_total", 0);
	is_value(page, P "messages_total{status=\"queued\"}", 1);
	is_value(page, P "process_restarts_total{process=\"bridged\"}", 0);
	free(page);
	page = metrics(f->b);
	is_value(page, P "link_up{hub=\"alpha\"}", 1);
	is_value(page, P "link_sent_messages_total", 0);
	is_value(page, P "link_received_messages_total", 1);
	is_value(page, P "messages_total{status=\"delivered\"}", 1);
	free(page);

	hub_stop(f->b, SIGTERM);
	unlinked(f->ann, "beta");
	send_text(f->ann, "bob@beta", "two", "queued");
	page = metrics(f->a);
	is_value(page, P "link_up{hub=\"beta\"}", 0);
	is_value(page, P "link_peers{hub=\"beta\"}", 0);
	is_value(page, P "link_waiting_messages{hub=\"beta\"}", 1);
	is_value(page, P "links{kind=\"lan\"}", 0);
	is_value(page, P "link_sent_messages_total", 1);
	free(page);
	fed_start(f->b);
	linked(f->ann, "beta");
	becomes(f->a, P "link_waiting_messages{hub=\"beta\"}", 0);
	page = metrics(f->a);
	is_value(page, P "link_ups_total", 2);
	is_value(page, P "link_sent_messages_total", 2);
	free(page);
	fed_end(f);
}
END_TEST

START_TEST(restarts)
{
	static const char key[] =
	    P "process_restarts_total{process=\"bridged\"}";
	static const char start[] =
	    P "process_start_time_seconds{process=\"bridged\"}";
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct page	*page = metrics(f->a);
	double		 began, again;

	tenv_enter(f->a);
	is_value(page, key, 0);
	began = value(page, start);
	free(page);
	kill(hub_pid(f->a, "bridged"), SIGKILL);
	becomes(f->a, key, 1);
	page = metrics(f->a);
	again = value(page, start);
	want(again > began, "started at %f, then at %f", began, again);
	is_value(page, P "process_restarts_total{process=\"router\"}", 0);
	free(page);
	fed_end(f);
}
END_TEST

static int
has_memory(void *arg)
{
	struct goal		*g = arg;
	struct page		*page = metrics(g->t);
	const struct sample	*s = look_up(page, g->key);
	int			 ok = s != NULL && s->value > g->value;

	free(page);
	return (ok);
}

/* Each says it, whatever it is locked into. */
START_TEST(processes)
{
	static const char *const all[] = {
		P "process_max_resident_bytes{process=\"parent\"}",
		P "process_max_resident_bytes{process=\"router\"}",
		P "process_max_resident_bytes{process=\"store\"}",
		P "process_max_resident_bytes{process=\"bridged\"}",
		P "process_max_resident_bytes{process=\"uplink\"}",
		P "process_max_resident_bytes{process=\"resolver\"}",
	};
	struct tenv	*t = tenv_new();
	struct goal	 g = { t, NULL, 100000 };
	char		 conf[2 * T_PATH + 256], path[T_PATH];
	size_t		 i;
	int		 port, fd = port_take(&port);

	snprintf(path, sizeof(path), "%s/secret", t->home);
	write_file(path, "a long secret\n", 14);
	/* nobody is there: they call again and again */
	snprintf(conf, sizeof(conf), "relay \"ws://127.0.0.1:%d\" token file "
	    "\"%s\"\nlan secret file \"%s\"\n"
	    "lan peer \"x\" host 127.0.0.1 port %d\n", port, path, path,
	    port);
	hub_conf(t, conf);
	hub_start(t);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		g.key = all[i];
		want(t_until(t, has_memory, &g, T_WAIT), "none: %s", all[i]);
	}
	close(fd);
	tenv_end(t);
}
END_TEST

/* Each gets an answer, however they meet. */
START_TEST(many_at_once)
{
	const char *const argv[] = { "hubctl", "show", "metrics", NULL };
	const int	 fds[2] = { -1, -1 };
	struct tenv	*t = tenv_new();
	pid_t		 pids[ASKERS];
	int		 i, status;

	hub_start(t);
	for (i = 0; i < ASKERS; i++)
		pids[i] = program_start("hubctl", argv, fds,
		    tenv_path(t, "metrics"), NULL);
	for (i = 0; i < ASKERS; i++)
		want(program_wait(pids[i], &status, T_WAIT) == 0 &&
		    status == 0, "one is not answered");
	tenv_end(t);
}
END_TEST

START_TEST(logged)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	want(kill(t->hub, SIGUSR1) == 0, "kill");
	log_has(t, t->hublog, "hubd/router[");
	log_has(t, t->hublog, " messages delivered, ");
	log_has(t, t->hublog, " transactions failed");
	log_has(t, t->hublog, " KiB resident");
	hub_serves(t);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("stats");

	(void)argc;
	test_add(s, messages, 60);
	test_add(s, talk, 60);
	test_add(s, traffic, 60);
	test_add(s, refusals, 60);
	test_add(s, for_people, 60);
	test_add(s, as_json, 60);
	test_add(s, links, 120);
	test_add(s, restarts, 120);
	test_add(s, processes, 60);
	test_add(s, many_at_once, 60);
	test_add(s, logged, 60);
	return (test_main(argv[0], s));
}
