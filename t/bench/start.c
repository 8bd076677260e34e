/* SPDX-License-Identifier: ISC */
/*
 * How soon a session can work: from the execution of channeld to its answer
 * to initialize, and to that of the first call, which needs the hub.
 */
#include "compat.h"

#include <stdlib.h>

#include "bench.h"
#include "log.h"
#include "paths.h"
#include "process.h"

#define RUNS		20
#define ANSWER_MS	10000
#define IDLE_MS		"200"	/* a hub that channeld has started leaves */
#define GOAL_HUB_MS	10
#define GOAL_NO_HUB_MS	100

struct times {
	struct samples	initialize, call;
};

static const char initialize[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
    "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
    "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n";
static const char call[] =
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":"
    "{\"name\":\"relay_peers\",\"arguments\":{}}}\n";

static int	run(const char *, const char *, struct times *);
static int	bare(struct bench *, json_t *);
static int	with_hub(struct bench *, const char *, struct times *);
static int	without_hub(struct bench *, const char *, struct times *);

static int
run(const char *path, const char *option, struct times *t)
{
	struct program *p = xmalloc(sizeof(*p));
	int r = -1;

	if (program_start(p, path, option) == -1)
		goto done;
	if (program_write(p, initialize) == -1 ||
	    program_expect(p, "\"id\":1", ANSWER_MS) == -1)
		goto end;
	samples_add(&t->initialize, (double)(now_ns() - p->started) / 1e6);
	r = 0;
	if (option == NULL && (program_write(p, call) == -1 ||
	    program_expect(p, "\"id\":2", ANSWER_MS) == -1))
		r = -1;
	samples_add(&t->call, (double)(now_ns() - p->started) / 1e6);
 end:
	program_end(p);
 done:
	free(p);
	return r;
}

static int
bare(struct bench *b, json_t *res)
{
	struct times t = { 0 };
	int i, r = 0;

	for (i = 0; i < RUNS && r == 0; i++)
		r = run(b->self, "-B", &t);
	put_real(res, "bare_ms", samples_at(&t.initialize, 0.5));
	samples_free(&t.initialize);
	samples_free(&t.call);
	return r;
}

static int
with_hub(struct bench *b, const char *path, struct times *t)
{
	struct hub h;
	int i, r = 0;

	if (hub_start(b, &h) == -1)
		return -1;
	for (i = 0; i < RUNS && r == 0; i++)
		r = run(path, NULL, t);
	hub_stop(&h);
	return r;
}

/* Each of these hubs opens the database that the one before it has left. */
static int
without_hub(struct bench *b, const char *path, struct times *t)
{
	const char *idle = getenv("ECORELAY_IDLE_MS");
	char *saved = xstrdup(idle != NULL ? idle : "");
	int i, r = 0;

	setenv("ECORELAY_IDLE_MS", IDLE_MS, 1);
	for (i = 0; i < RUNS && r == 0; i++) {
		r = run(path, NULL, t);
		if (hub_wait_gone(b->data, ANSWER_MS) == -1) {
			log_warnx("the hub that channeld started stays");
			r = -1;
		}
	}
	setenv("ECORELAY_IDLE_MS", saved, 1);
	free(saved);
	return r;
}

int
measure_start(struct bench *b, json_t *res)
{
	struct times hub = { 0 }, none = { 0 };
	char path[PATH_MAX];
	int r = -1;

	json_object_set_new(res, "runs", json_integer(RUNS));
	if (paths_join(path, sizeof(path), b->tree,
	    "channeld/channeld") == -1 || bare(b, res) == -1 ||
	    with_hub(b, path, &hub) == -1 ||
	    without_hub(b, path, &none) == -1)
		goto done;
	put_at_most(b, res, "initialize_ms", samples_at(&hub.initialize, 0.5),
	    GOAL_HUB_MS);
	put_real(res, "initialize_max_ms", samples_at(&hub.initialize, 1));
	put_real(res, "first_call_ms", samples_at(&hub.call, 0.5));
	put_at_most(b, res, "no_hub_initialize_ms",
	    samples_at(&none.initialize, 0.5), GOAL_NO_HUB_MS);
	put_real(res, "no_hub_initialize_max_ms",
	    samples_at(&none.initialize, 1));
	put_real(res, "no_hub_first_call_ms", samples_at(&none.call, 0.5));
	r = 0;
 done:
	samples_free(&hub.initialize);
	samples_free(&hub.call);
	samples_free(&none.initialize);
	samples_free(&none.call);
	return r;
}
