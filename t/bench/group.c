/* SPDX-License-Identifier: ISC */
/*
 * What a message to a group costs, all of whose members are there to get it,
 * next to one that goes to a single session.  Both are on the disk when they
 * are acknowledged.
 */
#include "compat.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "client.h"
#include "log.h"
#include "process.h"

#define MEMBERS		20		/* the first is the sender */
#define OTHERS		(MEMBERS - 1)
#define ROUNDS		16
#define BLOCK		100
#define WARM		20
#define KEPT		500		/* in a mailbox, and in a group */
#define IN_FLIGHT	16
#define STALL_MS	5000
#define GOAL_RATIO	1.3

enum kind { SEND, GROUP_SEND, KINDS };
enum flight { ONE, SIXTEEN, FLIGHTS };
enum level { FRESH, FULL, LEVELS };

/* Times in us, processor time per message too. */
struct cell {
	struct samples	acked, received, each;
	struct samples	router, store, cpu;
};

struct talk {
	struct client	members[MEMBERS + 1];	/* the last gets the sends */
	struct pollfd	pfds[MEMBERS + 1];
	struct hub	hub;
	int		round;
	unsigned	serial;
	/* of one block */
	enum kind	kind;
	unsigned	sent, acked, pushed;
	int64_t		begun[IN_FLIGHT];
	struct cell	cells[LEVELS][FLIGHTS][KINDS];
};

static const struct {
	const char	*name, *answer, *push;
	unsigned	 receivers;
} kinds[KINDS] = {
	[SEND] = { "send", "send_ack", "incoming_message", 1 },
	[GROUP_SEND] = { "group_send", "group_ack", "incoming_group_msg",
	    OTHERS },
};

static const struct {
	const char	*name, *latency, *cpu;
	unsigned	 n;
} flights[FLIGHTS] = {
	[ONE] = { "one_in_flight", "group_latency_times_send_1",
	    "group_cpu_times_send_1", 1 },
	[SIXTEEN] = { "sixteen_in_flight", "group_latency_times_send_16",
	    "group_cpu_times_send_16", IN_FLIGHT },
};

static const char *const levels[LEVELS] = {
	[FRESH] = "fresh", [FULL] = "full"
};

static int	enter(struct bench *, struct talk *);
static int	new_group(struct bench *, struct talk *);
static void	send_one(struct talk *);
static int	lines(struct talk *, struct client *, struct cell *);
static int	turn(struct talk *, struct cell *);
static int	run(struct talk *, enum kind, unsigned, unsigned,
		    struct cell *);
static int	block(struct talk *, enum kind, unsigned, struct cell *);
static int	one_round(struct bench *, struct talk *);
static void	put_cell(json_t *, const char *, struct cell *);
static void	put_ratio(struct bench *, json_t *, const char *, int,
		    struct samples *, struct samples *, double);
static void	report(struct bench *, struct talk *, json_t *);
static void	cell_free(struct cell *);

static int
enter(struct bench *b, struct talk *t)
{
	char name[32];
	size_t i;

	for (i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof(name), "member-%zu", i);
		if (client_register(&t->members[i], b->socket, name) == -1)
			return -1;
		t->pfds[i].fd = t->members[i].fd;
		t->pfds[i].events = POLLIN;
	}
	return 0;
}

/* Another receiver for the sends, too: its mailbox is as empty. */
static int
new_group(struct bench *b, struct talk *t)
{
	struct client *c = &t->members[0], *to = &t->members[MEMBERS];
	char line[CLIENT_LINE], name[32];
	int i, n;

	client_close(to);
	snprintf(name, sizeof(name), "receiver-%d", ++t->round);
	if (client_register(to, b->socket, name) == -1)
		return -1;
	t->pfds[MEMBERS].fd = to->fd;
	t->pfds[MEMBERS].events = POLLIN;
	n = snprintf(line, sizeof(line), "{\"type\":\"group_create\","
	    "\"name\":\"group-%d\",\"members\":[", t->round);
	client_write(c, line, (size_t)n);
	for (i = 1; i < MEMBERS; i++) {
		n = snprintf(line, sizeof(line), "%s\"member-%d\"",
		    i > 1 ? "," : "", i);
		client_write(c, line, (size_t)n);
	}
	client_write(c, "]}\n", 3);
	if (client_flush(c) == -1)
		return -1;
	return client_wait(c, "group_created", STALL_MS) != NULL ? 0 : -1;
}

/* The two differ in no more than they must: the text is the same. */
static void
send_one(struct talk *t)
{
	struct client *c = &t->members[0];
	char line[CLIENT_LINE], head[64], *text, *end;
	size_t n;

	n = send_line(line, t->members[MEMBERS].name, t->serial++);
	if (t->kind == SEND)
		client_write(c, line, n);
	else {
		text = strstr(line, ",\"text\"");
		end = strstr(line, ",\"msg_id\"");
		n = (size_t)snprintf(head, sizeof(head), "{\"type\":"
		    "\"group_send\",\"group\":\"group-%d\"", t->round);
		client_write(c, head, n);
		client_write(c, text, (size_t)(end - text));
		client_write(c, "}\n", 2);
	}
	t->begun[t->sent++ % IN_FLIGHT] = now_ns();
}

/* Answers come in the order of the requests. */
static int
lines(struct talk *t, struct client *c, struct cell *cell)
{
	double us;
	char *line;

	while ((line = client_line(c)) != NULL) {
		if (line_is(line, kinds[t->kind].push)) {
			us = (double)(now_ns() -
			    t->begun[t->pushed / kinds[t->kind].receivers %
			    IN_FLIGHT]) / 1000;
			if (++t->pushed % kinds[t->kind].receivers == 0 &&
			    cell != NULL)
				samples_add(&cell->received, us);
		} else if (line_is(line, kinds[t->kind].answer)) {
			us = (double)(now_ns() -
			    t->begun[t->acked++ % IN_FLIGHT]) / 1000;
			if (cell != NULL)
				samples_add(&cell->acked, us);
		} else if (!line_is(line, "receipt")) {
			log_warnx("%s: %s", c->name, line);
			return -1;
		}
	}
	return 0;
}

static int
turn(struct talk *t, struct cell *cell)
{
	size_t i;

	if (poll(t->pfds, MEMBERS + 1, STALL_MS) <= 0) {
		log_warnx("the hub has stopped answering");
		return -1;
	}
	for (i = 0; i < MEMBERS + 1; i++) {
		if (t->pfds[i].revents != 0 &&
		    (client_fill(&t->members[i]) == -1 ||
		    lines(t, &t->members[i], cell) == -1 ||
		    client_flush(&t->members[i]) == -1))
			return -1;
	}
	return 0;
}

/* What is in flight is neither acknowledged nor with all that get it. */
static int
run(struct talk *t, enum kind kind, unsigned in_flight, unsigned n,
    struct cell *cell)
{
	unsigned done = 0, pushed;

	t->kind = kind;
	t->sent = t->acked = t->pushed = 0;
	while (done < n) {
		while (t->sent < n && t->sent - done < in_flight)
			send_one(t);
		if (client_flush(&t->members[0]) == -1 || turn(t, cell) == -1)
			return -1;
		pushed = t->pushed / kinds[kind].receivers;
		done = pushed < t->acked ? pushed : t->acked;
	}
	return 0;
}

static int
block(struct talk *t, enum kind kind, unsigned in_flight, struct cell *cell)
{
	struct cpu before, after;
	int64_t begin;
	double router, store;

	if (run(t, kind, in_flight, WARM, NULL) == -1)
		return -1;
	hub_cpu(&t->hub, &before);
	begin = now_ns();
	if (run(t, kind, in_flight, BLOCK, cell) == -1)
		return -1;
	samples_add(&cell->each, (double)(now_ns() - begin) / 1000 / BLOCK);
	hub_cpu(&t->hub, &after);
	router = (double)(after.router - before.router) / 1000 / BLOCK;
	store = (double)(after.store - before.store) / 1000 / BLOCK;
	samples_add(&cell->router, router);
	samples_add(&cell->store, store);
	samples_add(&cell->cpu, router + store);
	return 0;
}

static int
one_round(struct bench *b, struct talk *t)
{
	int level, f, k;

	if (new_group(b, t) == -1)
		return -1;
	for (level = 0; level < LEVELS; level++) {
		for (k = 0; k < KINDS && level == FULL; k++) {
			if (run(t, k, IN_FLIGHT, KEPT, NULL) == -1)
				return -1;
		}
		for (f = 0; f < FLIGHTS; f++) {
			for (k = 0; k < KINDS; k++) {
				if (block(t, k, flights[f].n,
				    &t->cells[level][f][k]) == -1)
					return -1;
			}
		}
	}
	return 0;
}

static void
put_cell(json_t *res, const char *name, struct cell *c)
{
	json_t *o = json_object();

	json_object_set_new(res, name, o);
	put_real(o, "acked_us", samples_at(&c->acked, 0.5));
	put_real(o, "acked_p99_us", samples_at(&c->acked, 0.99));
	put_real(o, "received_by_all_us", samples_at(&c->received, 0.5));
	put_real(o, "us_per_message", samples_at(&c->each, 0.5));
	put_real(o, "router_cpu_us_per_message", samples_at(&c->router, 0.25));
	put_real(o, "store_cpu_us_per_message", samples_at(&c->store, 0.25));
	put_real(o, "hub_cpu_us_per_message", samples_at(&c->cpu, 0.25));
}

/* Nothing is put if the system does not tell. */
static void
put_ratio(struct bench *b, json_t *o, const char *name, int goal,
    struct samples *group, struct samples *one, double q)
{
	double base = samples_at(one, q), v = samples_at(group, q);

	if (base <= 0)
		return;
	if (goal)
		put_at_most(b, o, name, v / base, GOAL_RATIO);
	else
		put_real(o, name, v / base);
}

/* The goals are for mailboxes and groups that push nothing out yet. */
static void
report(struct bench *b, struct talk *t, json_t *res)
{
	struct cell *c;
	json_t *level, *o;
	int l, f;

	for (l = 0; l < LEVELS; l++) {
		level = json_object();
		json_object_set_new(res, levels[l], level);
		for (f = 0; f < FLIGHTS; f++) {
			c = t->cells[l][f];
			o = json_object();
			json_object_set_new(level, flights[f].name, o);
			put_cell(o, kinds[SEND].name, &c[SEND]);
			put_cell(o, kinds[GROUP_SEND].name, &c[GROUP_SEND]);
			put_ratio(b, o, flights[f].latency, l == FRESH,
			    &c[GROUP_SEND].acked, &c[SEND].acked, 0.5);
			put_ratio(b, o, flights[f].cpu, l == FRESH,
			    &c[GROUP_SEND].cpu, &c[SEND].cpu, 0.25);
			put_ratio(b, o, "group_store_cpu_times_send", 0,
			    &c[GROUP_SEND].store, &c[SEND].store, 0.25);
		}
	}
}

static void
cell_free(struct cell *c)
{
	samples_free(&c->acked);
	samples_free(&c->received);
	samples_free(&c->each);
	samples_free(&c->router);
	samples_free(&c->store);
	samples_free(&c->cpu);
}

int
measure_group(struct bench *b, json_t *res)
{
	struct talk *t = xcalloc(1, sizeof(*t));
	struct cell *cells = &t->cells[0][0][0];
	size_t i;
	int n, r = -1;

	json_object_set_new(res, "members", json_integer(MEMBERS));
	if (hub_start(b, &t->hub) == 0) {
		r = enter(b, t);
		for (n = 0; n < ROUNDS && r == 0; n++)
			r = one_round(b, t);
		if (r == 0)
			report(b, t, res);
		for (i = 0; i < MEMBERS + 1; i++)
			client_close(&t->members[i]);
		hub_stop(&t->hub);
	}
	for (i = 0; i < LEVELS * FLIGHTS * KINDS; i++)
		cell_free(&cells[i]);
	free(t);
	return r;
}
