/* SPDX-License-Identifier: ISC */
/*
 * How many messages a hub carries when it has all the work it can do, what
 * that costs, and whether a full mailbox costs more.
 */
#include "compat.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "load.h"
#include "log.h"
#include "process.h"
#include "sysinfo.h"

#define WARM_MS		500
#define RUN_MS		10000
#define CONFIRM_MS	3000
#define REST_MS		3000		/* before memory is measured */
#define PER_MESSAGES	10000.0		/* processor time is given for these */
#define GOAL_RATE	15000
#define GOAL_FULL	1.25
#define GOAL_PSS_KIB	(10 * 1024)

#define ROUNDS		24
#define STEP		100		/* messages for each mailbox */
#define KEPT		500		/* in a mailbox */
#define LEVELS		3
#define SHIFTS		7

/* What a number of messages took. */
struct cost {
	uint64_t	messages, receipts;
	int64_t		ns, parent, router, store, self;
	int64_t		written;
};

/* How full the mailboxes are, and what a message costs then. */
struct level {
	const char	*name;
	uint64_t	 before;	/* messages until they are */
	struct samples	 rate, cpu;
};

static int	timed(struct load *, const struct hub *, uint64_t, int,
		    struct cost *);
static void	put_cost(json_t *, const char *, const struct cost *, int64_t);
static double	rate(const struct cost *);
static void	report(json_t *, const struct cost *);
static int	fill_round(struct bench *, struct load *, const struct hub *,
		    int, struct level[LEVELS]);
static int	fill(struct bench *, struct load *, const struct hub *,
		    json_t *);
static int	confirmed(struct load *, const struct hub *, json_t *);
static int	idle(struct bench *, struct load *, const struct hub *,
		    json_t *);

/* Adds to what is in the cost. */
static int
timed(struct load *l, const struct hub *h, uint64_t messages, int ms,
    struct cost *c)
{
	uint64_t acked = l->acked, receipts = l->receipts;
	int64_t begin = now_ns(), written = sys_written(h->store);
	struct cpu before, after;
	int r;

	hub_cpu(h, &before);
	r = load_run(l, messages, ms);
	hub_cpu(h, &after);
	c->ns += now_ns() - begin;
	c->messages += l->acked - acked;
	c->receipts += l->receipts - receipts;
	c->parent += after.parent - before.parent;
	c->router += after.router - before.router;
	c->store += after.store - before.store;
	c->self += after.self - before.self;
	c->written += sys_written(h->store) - written;
	return r;
}

static void
put_cost(json_t *o, const char *name, const struct cost *c, int64_t ns)
{
	put_real(o, name, (double)ns / 1e9 * PER_MESSAGES /
	    (double)c->messages);
}

static double
rate(const struct cost *c)
{
	return c->ns > 0 ? (double)c->messages * 1e9 / (double)c->ns : 0;
}

static void
report(json_t *o, const struct cost *c)
{
	double all = (double)c->ns * (double)sysconf(_SC_NPROCESSORS_ONLN);

	json_object_set_new(o, "messages",
	    json_integer((json_int_t)c->messages));
	put_real(o, "seconds", (double)c->ns / 1e9);
	put_cost(o, "router_cpu_s_per_10000", c, c->router);
	put_cost(o, "store_cpu_s_per_10000", c, c->store);
	put_real(o, "router_share", (double)c->router / (double)c->ns);
	put_real(o, "store_share", (double)c->store / (double)c->ns);
	put_real(o, "parent_share", (double)c->parent / (double)c->ns);
	put_real(o, "load_generator_share", (double)c->self / (double)c->ns);
	put_real(o, "share_of_all_processors", (double)(c->parent +
	    c->router + c->store + c->self) / all);
	if (c->written > 0)
		put_real(o, "bytes_written_per_message", (double)c->written /
		    (double)c->messages);
	json_object_set_new(o, "receipts",
	    json_integer((json_int_t)c->receipts));
}

/*
 * In each round new mailboxes get 100 messages each, then are filled until
 * nearly full, get 100 more, and 100 that push out others.  A few more shift
 * the rounds against the checkpoints of the database.
 */
static int
fill_round(struct bench *b, struct load *l, const struct hub *h, int n,
    struct level levels[LEVELS])
{
	struct cost c;
	size_t i;

	if (load_new_receivers(l, b->socket) == -1)
		return -1;
	for (i = 0; i < LEVELS; i++) {
		memset(&c, 0, sizeof(c));
		if (load_run(l, levels[i].before * LOAD_PAIRS, RUN_MS) == -1 ||
		    timed(l, h, STEP * LOAD_PAIRS, RUN_MS, &c) == -1)
			return -1;
		samples_add(&levels[i].rate, rate(&c));
		samples_add(&levels[i].cpu, (double)(c.router + c.store) /
		    (double)c.messages);
	}
	return load_run(l, (uint64_t)(n % SHIFTS) * STEP * LOAD_PAIRS / 2,
	    RUN_MS);
}

/*
 * A checkpoint falls into one measure in four, seldom evenly: the quartiles
 * of those that were not hit are compared.
 */
static int
fill(struct bench *b, struct load *l, const struct hub *h, json_t *res)
{
	struct level levels[LEVELS] = {
		{ .name = "empty", .before = 0 },
		{ .name = "nearly_full", .before = KEPT - 2 * STEP },
		{ .name = "full", .before = 0 },
	};
	double cpu[LEVELS];
	json_t *o = json_object(), *level;
	size_t i;
	int n, r = 0;

	json_object_set_new(res, "mailboxes", o);
	for (n = 0; n < ROUNDS && r == 0; n++)
		r = fill_round(b, l, h, n, levels);
	for (i = 0; i < LEVELS; i++) {
		level = json_object();
		json_object_set_new(o, levels[i].name, level);
		cpu[i] = samples_at(&levels[i].cpu, 0.25);
		put_real(level, "messages_per_s",
		    samples_at(&levels[i].rate, 0.75));
		put_real(level, "hub_cpu_s_per_10000",
		    cpu[i] / 1e9 * PER_MESSAGES);
		samples_free(&levels[i].rate);
		samples_free(&levels[i].cpu);
	}
	if (cpu[0] > 0) {
		put_at_most(b, o, "nearly_full_times_empty", cpu[1] / cpu[0],
		    GOAL_FULL);
		put_real(o, "full_times_empty", cpu[2] / cpu[0]);
	}
	return r;
}

static int
confirmed(struct load *l, const struct hub *h, json_t *res)
{
	struct cost c = { 0 };
	json_t *o = json_object();

	json_object_set_new(res, "with_received", o);
	l->confirm = 1;
	if (timed(l, h, UINT64_MAX / 2, CONFIRM_MS, &c) == -1)
		return -1;
	l->confirm = 0;
	put_real(o, "messages_per_s", rate(&c));
	report(o, &c);
	return 0;
}

/* What the hub still holds when all have gone. */
static int
idle(struct bench *b, struct load *l, const struct hub *h, json_t *res)
{
	json_t *o;
	long pss;

	load_close(l);
	sleep_ms(REST_MS);
	o = hub_memory(h, &pss);
	json_object_set_new(res, "memory_after", o);
	if (pss > 0)
		put_at_most(b, o, "hubd_after_load_pss_kib", (double)pss,
		    GOAL_PSS_KIB);
	return 0;
}

int
measure_load(struct bench *b, json_t *res)
{
	struct load *l = xcalloc(1, sizeof(*l));
	struct cost c = { 0 };
	struct hub h;
	int r = -1;

	if (hub_start(b, &h) == -1) {
		free(l);
		return -1;
	}
	if (load_open(l, b->socket, b->socket, "") == 0 &&
	    load_run(l, UINT64_MAX / 2, WARM_MS) == 0 &&
	    timed(l, &h, UINT64_MAX / 2, RUN_MS, &c) == 0) {
		put_at_least(b, res, "messages_per_s", rate(&c), GOAL_RATE);
		report(res, &c);
		if (fill(b, l, &h, res) == 0 && confirmed(l, &h, res) == 0)
			r = idle(b, l, &h, res);
	}
	load_close(l);
	hub_stop(&h);
	free(l);
	return r;
}
