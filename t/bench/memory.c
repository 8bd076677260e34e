/* SPDX-License-Identifier: ISC */
/*
 * What an idle hub, an idle channeld and an idle session hold in memory.
 */
#include "compat.h"

#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "client.h"
#include "log.h"
#include "paths.h"
#include "process.h"
#include "sysinfo.h"

#define SESSIONS	2000
#define SPARE_FILES	100
#define REST_MS		3000
#define ANSWER_MS	10000
#define SOME_MESSAGES	100
#define GOAL_HUB_KIB	(10 * 1024)
#define GOAL_CHANNELD_KIB (3 * 1024)
#define GOAL_SESSION_KIB 16

static const char host[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
    "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
    "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n"
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":"
    "{\"name\":\"relay_send\",\"arguments\":{\"to\":\"first\",\"text\":"
    "\"a message\"}}}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":"
    "{\"name\":\"relay_peers\",\"arguments\":{}}}\n";

static size_t	affordable(void);
static int	message(struct client *, struct client *, unsigned);
static int	hub(struct bench *, const struct hub *, struct client *,
		    json_t *, long *);
static int	channeld(struct bench *, struct client *, json_t *);
static int	sessions(struct bench *, const struct hub *, json_t *, long);
static int	busy_sessions(struct bench *, struct client *, size_t);

/* As many sessions as the limit of open files allows. */
static size_t
affordable(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur >= SESSIONS + SPARE_FILES)
		return SESSIONS;
	return rl.rlim_cur > 2 * SPARE_FILES ? rl.rlim_cur - SPARE_FILES :
	    SPARE_FILES;
}

static int
message(struct client *from, struct client *to, unsigned serial)
{
	char line[CLIENT_LINE];

	client_write(from, line, send_line(line, to->name, serial));
	if (client_flush(from) == -1 ||
	    client_wait(from, "send_ack", ANSWER_MS) == NULL ||
	    client_wait(to, "incoming_message", ANSWER_MS) == NULL)
		return -1;
	return 0;
}

static int
hub(struct bench *b, const struct hub *h, struct client *c, json_t *res,
    long *pss)
{
	json_t *o;
	unsigned i;

	for (i = 0; i < SOME_MESSAGES; i++) {
		if (message(&c[0], &c[1], i) == -1)
			return -1;
	}
	if (clients_rest(c, 2, REST_MS) == -1)
		return -1;
	o = hub_memory(h, pss);
	json_object_set_new(res, "hubd", o);
	if (*pss > 0)
		put_at_most(b, o, "hubd_pss_kib", (double)*pss, GOAL_HUB_KIB);
	return 0;
}

static int
channeld(struct bench *b, struct client *c, json_t *res)
{
	struct program *p = xmalloc(sizeof(*p));
	struct memory m;
	char path[PATH_MAX];
	json_t *o = json_object();
	int r = -1;

	json_object_set_new(res, "channeld", o);
	if (paths_join(path, sizeof(path), b->tree,
	    "channeld/channeld") == -1 ||
	    program_start(p, path, NULL) == -1) {
		free(p);
		return -1;
	}
	if (program_write(p, host) == 0 &&
	    program_expect(p, "\"id\":4", ANSWER_MS) == 0 &&
	    clients_rest(c, 2, REST_MS) == 0) {
		r = 0;
		if (sys_memory(p->pid, &m) == 0) {
			put_at_most(b, o, "channeld_pss_kib", (double)m.pss,
			    GOAL_CHANNELD_KIB);
			json_object_set_new(o, "pss_anon_kib",
			    json_integer(m.anon));
			json_object_set_new(o, "pss_file_kib",
			    json_integer(m.file));
			json_object_set_new(o, "rss_kib", json_integer(m.rss));
		}
	}
	program_end(p);
	free(p);
	return r;
}

/* All register, and each sends a message to the next one. */
static int
busy_sessions(struct bench *b, struct client *c, size_t n)
{
	char name[32], line[CLIENT_LINE];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "session-%zu", i);
		if (client_open(&c[i], b->socket, name) == -1)
			return -1;
	}
	for (i = 0; i < n; i++) {
		if (client_wait(&c[i], "ack", ANSWER_MS) == NULL)
			return -1;
	}
	for (i = 0; i < n; i++) {
		client_write(&c[i], line, send_line(line, c[(i + 1) % n].name,
		    (unsigned)i));
		if (client_flush(&c[i]) == -1)
			return -1;
	}
	/* the two come in either order: the later one is waited for */
	return clients_rest(c, n, REST_MS);
}

static int
sessions(struct bench *b, const struct hub *h, json_t *res, long before)
{
	size_t n = affordable(), i;
	struct client *c = xcalloc(n, sizeof(*c));
	json_t *o = json_object(), *processes;
	long pss;
	int r;

	json_object_set_new(res, "sessions", o);
	r = busy_sessions(b, c, n);
	processes = hub_memory(h, &pss);
	if (r == 0 && pss > 0) {
		json_object_set_new(o, "connected",
		    json_integer((json_int_t)n));
		put_at_most(b, o, "session_kib", (double)(pss - before) /
		    (double)n, GOAL_SESSION_KIB);
	}
	json_object_set_new(o, "hubd", processes);
	for (i = 0; i < n; i++)
		client_close(&c[i]);
	sleep_ms(REST_MS);
	json_object_set_new(o, "hubd_after", hub_memory(h, &pss));
	free(c);
	return r;
}

int
measure_memory(struct bench *b, json_t *res)
{
	struct client c[2] = { 0 };
	struct hub h;
	long pss;
	int r = -1;

	if (hub_start(b, &h) == -1)
		return -1;
	if (client_register(&c[0], b->socket, "first") == 0 &&
	    client_register(&c[1], b->socket, "second") == 0 &&
	    hub(b, &h, c, res, &pss) == 0 && channeld(b, c, res) == 0)
		r = sessions(b, &h, res, pss);
	client_close(&c[0]);
	client_close(&c[1]);
	hub_stop(&h);
	return r;
}
