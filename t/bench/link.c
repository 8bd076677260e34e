/* SPDX-License-Identifier: ISC */
/*
 * Two hubs with a link on loopback, in TLS: how long a message takes longer
 * than on one hub, and how many go over in a second, stored and not.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "load.h"
#include "log.h"
#include "paths.h"
#include "process.h"
#include "sysinfo.h"

#define PAIRS		4	/* senders here, receivers there */
#define WAIT_MS		10000
#define WARM_MS		500
#define RUN_MS		3000
#define BLOCKS		20	/* near and far take turns */
#define BLOCK		50
#define MANY		1000000000	/* more than there is time for */
#define CHUNK		(256 * 1024)
#define GOAL_LATENCY	2
#define GOAL_STORED	8000

struct side {
	char		 socket[PATH_MAX];
	struct hub	 hub;
	pid_t		 bridged;
};

/* Whoever sends to a room there needs not be in it. */
struct flow {
	struct client	 from[PAIRS], to[PAIRS];
	uint64_t	 sent[PAIRS], acked[PAIRS], got[PAIRS];
	unsigned	 in_flight;
	char		*line;
	size_t		 len, room;	/* where in it the room's digit is */
};

static const struct kind {
	const char	*name, *rate;
	size_t		 text_len;
	unsigned	 in_flight;
	double		 goal, per;	/* of rate, messages or bytes */
} kinds[] = {
	{ "short", "messages_per_s", 200, 64, 30000, 1 },
	{ "long", "mb_per_s", 65536, 8, 300, 65536 / 1e6 },
};

static int	free_port(void);
static int	start_side(struct bench *, struct side *, const char *, int,
		    const char *, int);
static int	linked(struct side *, struct side *);
static int	one(struct client *, struct client *, const char *,
		    struct samples *);
static int	latency(struct bench *, struct side *, struct side *,
		    json_t *);
static int	stored(struct bench *, struct side *, struct side *, json_t *);
static int	flow_open(struct flow *, struct side *, struct side *);
static void	flow_kind(struct flow *, const struct kind *);
static int	count(struct client *, uint64_t *, size_t);
static int	flow_run(struct flow *, int);
static int	flows(struct bench *, struct side *, struct side *, json_t *);
static void	put_shares(json_t *, const struct side *, const struct side *,
		    const int64_t[4], int64_t);
static void	cpu_now(const struct side *, const struct side *, int64_t[4]);

static int
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = -1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd != -1 && bind(fd, (struct sockaddr *)&sin, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0)
		port = ntohs(sin.sin_port);
	if (fd != -1)
		close(fd);
	return port;
}

/* The configuration as EcoRelay has it. */
static int
start_side(struct bench *b, struct side *s, const char *id, int port,
    const char *peer, int peer_port)
{
	char path[PATH_MAX];
	FILE *f;

	if (phase_begin(b, id) == -1 || paths_join(path, sizeof(path),
	    b->data, "bridge.json") == -1 || (f = fopen(path, "w")) == NULL) {
		log_warn("%s", path);
		return -1;
	}
	fprintf(f, "{\"hub_id\":\"%s\",\"bind\":\"127.0.0.1\",\"listen\":%d,"
	    "\"secret\":\"benchmarks\",\"peers\":[{\"hub_id\":\"%s\","
	    "\"host\":\"127.0.0.1\",\"port\":%d}]}\n", id, port, peer,
	    peer_port);
	fclose(f);
	strlcpy(s->socket, b->socket, sizeof(s->socket));
	return hub_start(b, &s->hub);
}

/* Waits until a session there is seen here. */
static int
linked(struct side *a, struct side *b)
{
	static const char list[] = "{\"type\":\"list_peers\"}\n";
	int64_t until = now_ns() + WAIT_MS * INT64_C(1000000);
	struct client here = { 0 }, there = { 0 };
	char *line = NULL;
	int r = -1;

	if (client_register(&here, a->socket, "here") == 0 &&
	    client_register(&there, b->socket, "there") == 0) {
		while (r == -1 && now_ns() < until) {
			client_write(&here, list, sizeof(list) - 1);
			if (client_flush(&here) == -1 ||
			    (line = client_wait(&here, "peers",
			    WAIT_MS)) == NULL)
				break;
			if (strstr(line, "there@b") != NULL)
				r = 0;
			else
				sleep_ms(20);
		}
	}
	client_close(&here);
	client_close(&there);
	a->bridged = sys_child(a->hub.pid, "bridged");
	b->bridged = sys_child(b->hub.pid, "bridged");
	if (r == -1)
		log_warnx("the two hubs are not linked");
	return r;
}

/* Until the message is there and the answer is here. */
static int
one(struct client *from, struct client *to, const char *name,
    struct samples *pushed)
{
	static unsigned serial;
	char line[CLIENT_LINE];
	int64_t begin;

	client_write(from, line, send_line(line, name, serial++));
	begin = now_ns();
	if (client_flush(from) == -1 ||
	    client_wait(to, "incoming_message", WAIT_MS) == NULL)
		return -1;
	samples_add(pushed, (double)(now_ns() - begin) / 1000);
	return client_wait(from, "send_ack", WAIT_MS) == NULL ? -1 : 0;
}

static int
latency(struct bench *b, struct side *a, struct side *o, json_t *res)
{
	struct client from = { 0 }, near = { 0 }, far = { 0 };
	struct samples n = { 0 }, f = { 0 };
	int i, j, r = -1;

	if (client_register(&from, a->socket, "sender") == -1 ||
	    client_register(&near, a->socket, "near") == -1 ||
	    client_register(&far, o->socket, "far") == -1)
		goto done;
	for (i = 0; i < BLOCKS; i++) {
		for (j = 0; j < BLOCK; j++) {
			if (one(&from, &near, "near", &n) == -1)
				goto done;
		}
		for (j = 0; j < BLOCK; j++) {
			if (one(&from, &far, "far@b", &f) == -1)
				goto done;
		}
	}
	put_real(res, "near_us", samples_at(&n, 0.5));
	put_real(res, "near_p99_us", samples_at(&n, 0.99));
	put_real(res, "far_us", samples_at(&f, 0.5));
	put_real(res, "far_p99_us", samples_at(&f, 0.99));
	put_at_most(b, res, "added_to_near", (samples_at(&f, 0.5) -
	    samples_at(&n, 0.5)) / samples_at(&n, 0.5), GOAL_LATENCY);
	r = 0;
 done:
	client_close(&from);
	client_close(&near);
	client_close(&far);
	samples_free(&n);
	samples_free(&f);
	return r;
}

static void
cpu_now(const struct side *a, const struct side *o, int64_t ns[4])
{
	struct cpu c;

	hub_cpu(&a->hub, &c);
	ns[0] = c.router;
	ns[1] = sys_cpu_ns(a->bridged);
	hub_cpu(&o->hub, &c);
	ns[2] = sys_cpu_ns(o->bridged);
	ns[3] = c.router;
}

static void
put_shares(json_t *o, const struct side *a, const struct side *p,
    const int64_t before[4], int64_t ns)
{
	static const char *const names[4] = {
		"router_here_share", "bridged_here_share",
		"bridged_there_share", "router_there_share"
	};
	int64_t after[4];
	int i;

	cpu_now(a, p, after);
	for (i = 0; i < 4; i++)
		put_real(o, names[i], (double)(after[i] - before[i]) /
		    (double)ns);
}

static int
stored(struct bench *b, struct side *a, struct side *p, json_t *res)
{
	json_t *o = json_object();
	int64_t begin, before[4];
	struct load l;
	uint64_t sent;
	int r = -1;

	json_object_set_new(res, "stored", o);
	if (load_open(&l, a->socket, p->socket, "@b") == 0 &&
	    load_run(&l, MANY, WARM_MS) == 0) {
		sent = l.sent;
		cpu_now(a, p, before);
		begin = now_ns();
		if ((r = load_run(&l, MANY, RUN_MS)) == 0) {
			put_shares(o, a, p, before, now_ns() - begin);
			put_at_least(b, o, "stored_messages_per_s",
			    (double)(l.sent - sent) * 1e9 /
			    (double)(now_ns() - begin), GOAL_STORED);
		}
	}
	load_close(&l);
	return r;
}

static int
flow_open(struct flow *f, struct side *a, struct side *p)
{
	char name[32], line[128];
	int i, n;

	for (i = 0; i < PAIRS; i++) {
		snprintf(name, sizeof(name), "from-%d", i);
		if (client_register(&f->from[i], a->socket, name) == -1)
			return -1;
		snprintf(name, sizeof(name), "to-%d", i);
		if (client_register(&f->to[i], p->socket, name) == -1)
			return -1;
		n = snprintf(line, sizeof(line), "{\"type\":\"join_room\","
		    "\"room\":\"r%d\"}\n", i);
		client_write(&f->to[i], line, (size_t)n);
		if (client_flush(&f->to[i]) == -1 ||
		    client_wait(&f->to[i], "room_ack", WAIT_MS) == NULL)
			return -1;
	}
	/* the rooms are known here when a message behind them has come */
	n = snprintf(line, sizeof(line), "{\"type\":\"send\",\"to\":"
	    "\"from-0@a\",\"text\":\"ready\"}\n");
	client_write(&f->to[0], line, (size_t)n);
	if (client_flush(&f->to[0]) == -1 ||
	    client_wait(&f->to[0], "send_ack", WAIT_MS) == NULL)
		return -1;
	return client_wait(&f->from[0], "incoming_message", WAIT_MS) == NULL ?
	    -1 : 0;
}

static void
flow_kind(struct flow *f, const struct kind *k)
{
	int i;

	f->in_flight = k->in_flight;
	f->line = xreallocarray(f->line, 1, k->text_len + 256);
	f->len = (size_t)snprintf(f->line, 256, "{\"type\":\"room_msg\","
	    "\"msg_id\":\"m-0\",\"text\":\"");
	memset(f->line + f->len, 'x', k->text_len);
	f->len += k->text_len;
	f->len += (size_t)snprintf(f->line + f->len, 64,
	    "\",\"room\":\"r0\"}\n");
	f->room = f->len - strlen("0\"}\n");
	for (i = 0; i < PAIRS; i++)
		client_room(&f->from[i], f->len * k->in_flight);
}

/* Lines that have come; what is in them was looked at in other tests. */
static int
count(struct client *c, uint64_t *lines, size_t least)
{
	static char chunk[CHUNK];
	const char *p, *nl;
	ssize_t n = read(c->fd, chunk, sizeof(chunk));

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		log_warnx("%s: the hub closed the connection", c->name);
		return -1;
	}
	/* a ping is short, and is answered by one who does not look */
	for (p = chunk; n > 0 && p < chunk + n; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(chunk + n - p));
		if (nl == NULL)
			break;
		if (least > 0 && nl - p < 60 && nl - p > 20 &&
		    memmem(p, (size_t)(nl - p), "\"ping\"", 6) != NULL) {
			client_write(c, "{\"type\":\"pong\"}\n", 16);
			if (client_flush(c) == -1)
				return -1;
		} else {
			(*lines)++;
		}
	}
	return 0;
}

static int
flow_run(struct flow *f, int ms)
{
	int64_t until = now_ns() + (int64_t)ms * 1000000;
	struct pollfd pfds[2 * PAIRS];
	char *room = f->line + f->room;
	int i, more, done = 0;

	while ((more = now_ns() < until) || !done) {
		done = 1;
		for (i = 0; i < PAIRS; i++) {
			while (more && f->sent[i] - f->acked[i] <
			    f->in_flight && f->sent[i] - f->got[i] <
			    f->in_flight) {
				*room = (char)('0' + i);
				client_write(&f->from[i], f->line, f->len);
				f->sent[i]++;
			}
			if (client_flush(&f->from[i]) == -1)
				return -1;
			pfds[i].fd = f->from[i].fd;
			pfds[i].events = f->from[i].pending > 0 ?
			    POLLIN | POLLOUT : POLLIN;
			pfds[PAIRS + i].fd = f->to[i].fd;
			pfds[PAIRS + i].events = POLLIN;
			if (f->got[i] < f->sent[i] || f->acked[i] < f->sent[i])
				done = 0;
		}
		if (done && !more)
			break;
		if (poll(pfds, 2 * PAIRS, WAIT_MS) <= 0) {
			log_warnx("messages do not arrive");
			return -1;
		}
		for (i = 0; i < PAIRS; i++) {
			if ((pfds[i].revents & POLLIN) && count(&f->from[i],
			    &f->acked[i], 1) == -1)
				return -1;
			if ((pfds[PAIRS + i].revents & POLLIN) &&
			    count(&f->to[i], &f->got[i], 1) == -1)
				return -1;
		}
	}
	return 0;
}

static int
flows(struct bench *b, struct side *a, struct side *p, json_t *res)
{
	struct flow *f = xcalloc(1, sizeof(*f));
	int64_t begin, ns, before[4];
	uint64_t n;
	json_t *o;
	size_t i;
	int j, r = flow_open(f, a, p);

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++) {
		o = json_object();
		json_object_set_new(res, kinds[i].name, o);
		flow_kind(f, &kinds[i]);
		if ((r = flow_run(f, WARM_MS)) == -1)
			break;
		for (n = 0, j = 0; j < PAIRS; j++)
			n -= f->sent[j];
		cpu_now(a, p, before);
		begin = now_ns();
		r = flow_run(f, RUN_MS);
		ns = now_ns() - begin;
		for (j = 0; j < PAIRS; j++)
			n += f->sent[j];
		put_shares(o, a, p, before, ns);
		put_at_least(b, o, kinds[i].rate, (double)n * kinds[i].per *
		    1e9 / (double)ns, kinds[i].goal);
	}
	for (j = 0; j < PAIRS; j++) {
		client_close(&f->from[j]);
		client_close(&f->to[j]);
	}
	free(f->line);
	free(f);
	return r;
}

int
measure_link(struct bench *b, json_t *res)
{
	int port = free_port(), other = free_port(), r = -1;
	struct side *s = xcalloc(2, sizeof(*s));

	if (start_side(b, &s[0], "a", port, "b", other) == 0) {
		if (start_side(b, &s[1], "b", other, "a", port) == 0) {
			if (linked(&s[0], &s[1]) == 0 &&
			    latency(b, &s[0], &s[1], res) == 0 &&
			    stored(b, &s[0], &s[1], res) == 0)
				r = flows(b, &s[0], &s[1], res);
			hub_stop(&s[1].hub);
		}
		hub_stop(&s[0].hub);
	}
	free(s);
	return r;
}
