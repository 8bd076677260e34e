/* SPDX-License-Identifier: ISC */
/*
 * One message at a time: how long until its sender has the answer and until
 * its receiver has the message, next to the bare loop.
 */
#include "compat.h"

#include <poll.h>

#include "bare.h"
#include "bench.h"
#include "client.h"
#include "log.h"
#include "process.h"

#define BLOCKS		20	/* the two take turns, so that both */
#define BLOCK		100	/* see the same machine */
#define TIME_MAX_S	12
#define ANSWER_MS	5000
#define GOAL_RATIO	3

struct pair {
	struct client	from, to;
	unsigned	serial;
};

struct latencies {
	struct samples	acked, pushed, both, bare;
};

static int	connect_pair(struct bench *, struct pair *);
static int	one(struct pair *, struct latencies *);
static int	blocks(struct bare *, struct pair *, struct latencies *);
static void	report(struct bench *, json_t *, struct latencies *);

static int
connect_pair(struct bench *b, struct pair *p)
{
	memset(p, 0, sizeof(*p));
	if (client_register(&p->from, b->socket, "sender") == -1 ||
	    client_register(&p->to, b->socket, "receiver") == -1)
		return -1;
	return 0;
}

/* With latencies NULL nothing is noted. */
static int
one(struct pair *p, struct latencies *l)
{
	struct client *c[2] = { &p->from, &p->to };
	static const char *const types[2] = { "send_ack", "incoming_message" };
	struct pollfd pfds[2] = {
		{ .fd = p->from.fd, .events = POLLIN },
		{ .fd = p->to.fd, .events = POLLIN },
	};
	int64_t begin, t[2] = { 0, 0 };
	char line[CLIENT_LINE], *got;
	int i;

	client_write(c[0], line, send_line(line, "receiver", p->serial++));
	begin = now_ns();
	if (client_flush(c[0]) == -1)
		return -1;
	while (t[0] == 0 || t[1] == 0) {
		if (poll(pfds, 2, ANSWER_MS) <= 0) {
			log_warnx("no answer to a send");
			return -1;
		}
		for (i = 0; i < 2; i++) {
			if (pfds[i].revents == 0)
				continue;
			if (client_fill(c[i]) == -1)
				return -1;
			while ((got = client_line(c[i])) != NULL) {
				if (line_is(got, types[i]))
					t[i] = now_ns() - begin;
			}
		}
	}
	if (l != NULL) {
		samples_add(&l->acked, (double)t[0] / 1000);
		samples_add(&l->pushed, (double)t[1] / 1000);
		samples_add(&l->both, (double)(t[t[0] < t[1]]) / 1000);
	}
	return 0;
}

static int
blocks(struct bare *bare, struct pair *p, struct latencies *l)
{
	int64_t until = now_ns() + TIME_MAX_S * INT64_C(1000000000);
	double ns;
	int i, n;

	for (n = 0; n < BLOCK; n++) {
		if (one(p, NULL) == -1)
			return -1;
	}
	for (i = 0; i < BLOCKS && now_ns() < until; i++) {
		for (n = 0; n < BLOCK; n++) {
			if ((ns = bare_round(bare, BARE_APPEND)) < 0)
				return -1;
			samples_add(&l->bare, ns / 1000);
		}
		for (n = 0; n < BLOCK; n++) {
			if (one(p, l) == -1)
				return -1;
		}
	}
	return 0;
}

static void
report(struct bench *b, json_t *res, struct latencies *l)
{
	double bare = samples_at(&l->bare, 0.5);
	double both = samples_at(&l->both, 0.5);

	json_object_set_new(res, "messages",
	    json_integer((json_int_t)l->both.n));
	put_real(res, "acked_us", samples_at(&l->acked, 0.5));
	put_real(res, "acked_p99_us", samples_at(&l->acked, 0.99));
	put_real(res, "pushed_us", samples_at(&l->pushed, 0.5));
	put_real(res, "pushed_p99_us", samples_at(&l->pushed, 0.99));
	put_real(res, "both_us", both);
	put_real(res, "both_p99_us", samples_at(&l->both, 0.99));
	put_real(res, "bare_us", bare);
	put_real(res, "bare_p99_us", samples_at(&l->bare, 0.99));
	put_at_most(b, res, "times_bare", bare > 0 ? both / bare : 0,
	    GOAL_RATIO);
}

int
measure_send(struct bench *b, json_t *res)
{
	struct latencies l = { 0 };
	struct bare bare;
	struct pair p = { 0 };
	struct hub h;
	int r = -1;

	if (bare_start(&bare, b->data) == -1)
		return -1;
	if (hub_start(b, &h) == 0) {
		if (connect_pair(b, &p) == 0 && blocks(&bare, &p, &l) == 0) {
			report(b, res, &l);
			r = 0;
		}
		client_close(&p.from);
		client_close(&p.to);
		hub_stop(&h);
	}
	bare_stop(&bare);
	samples_free(&l.acked);
	samples_free(&l.pushed);
	samples_free(&l.both);
	samples_free(&l.bare);
	return r;
}
