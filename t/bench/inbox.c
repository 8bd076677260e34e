/* SPDX-License-Identifier: ISC */
/*
 * Reading out of a full mailbox: how long until the answer begins, and until
 * all of it is there.
 */
#include "compat.h"

#include <poll.h>
#include <stdio.h>

#include "bench.h"
#include "client.h"
#include "log.h"
#include "process.h"

#define ROUNDS		40
#define KEPT		500		/* in a mailbox */
#define LIMIT		100		/* messages of one answer */
#define IN_FLIGHT	100
#define REST_MS		10		/* for the store to have noted it */
#define ANSWER_MS	5000
#define GOAL_MS		1

struct reading {
	struct samples	first, whole;	/* ms */
};

static int	fill(struct client *);
static size_t	count(const char *, const char *);
static int	read_one(struct client *, const char *, struct reading *);
static int	read_all(struct client *, struct client *, struct reading *,
		    struct reading *);
static int	rounds(struct bench *, struct client *, struct reading *,
		    struct reading *);
static void	report(json_t *, const char *, struct reading *);

/* Nobody is there to get them. */
static int
fill(struct client *from)
{
	char line[CLIENT_LINE];
	unsigned i, j;

	for (i = 0; i < KEPT; i += IN_FLIGHT) {
		for (j = 0; j < IN_FLIGHT; j++)
			client_write(from, line, send_line(line, "reader",
			    i + j));
		if (client_flush(from) == -1)
			return -1;
		for (j = 0; j < IN_FLIGHT; j++) {
			if (client_wait(from, "send_ack", ANSWER_MS) == NULL)
				return -1;
		}
	}
	return 0;
}

static size_t
count(const char *line, const char *what)
{
	size_t n = 0;

	while ((line = strstr(line, what)) != NULL) {
		line++;
		n++;
	}
	return n;
}

/* A whole answer fits into the buffer of a client. */
static int
read_one(struct client *c, const char *request, struct reading *r)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	int64_t begin, first = 0, whole;
	char *line = NULL;

	client_write(c, request, strlen(request));
	begin = now_ns();
	if (client_flush(c) == -1)
		return -1;
	while (line == NULL || !line_is(line, "inbox_result")) {
		if (poll(&pfd, 1, ANSWER_MS) <= 0) {
			log_warnx("no answer to inbox");
			return -1;
		}
		if (first == 0)
			first = now_ns();
		if (client_fill(c) == -1)
			return -1;
		line = client_line(c);
	}
	whole = now_ns();
	if (count(line, "\"msg_id\":") != LIMIT) {
		log_warnx("not %d messages: %.200s", LIMIT, line);
		return -1;
	}
	samples_add(&r->first, (double)(first - begin) / 1e6);
	samples_add(&r->whole, (double)(whole - begin) / 1e6);
	return 0;
}

/* All of the mailbox as unread, then the same number again as seen. */
static int
read_all(struct client *from, struct client *c, struct reading *unread,
    struct reading *seen)
{
	char all[64], recent[64];
	int i;

	snprintf(all, sizeof(all), "{\"type\":\"inbox\",\"limit\":%d}\n",
	    LIMIT);
	snprintf(recent, sizeof(recent), "{\"type\":\"inbox\",\"recent\":%d}\n",
	    LIMIT);
	for (i = 0; i < 2 * KEPT / LIMIT; i++) {
		if (clients_rest(c, 1, REST_MS) == -1 ||
		    clients_rest(from, 1, 1) == -1 ||
		    read_one(c, i < KEPT / LIMIT ? all : recent,
		    i < KEPT / LIMIT ? unread : seen) == -1)
			return -1;
	}
	return 0;
}

static int
rounds(struct bench *b, struct client *from, struct reading *unread,
    struct reading *seen)
{
	struct client c = { 0 };
	int i, r = 0;

	for (i = 0; i < ROUNDS && r == 0; i++) {
		if (fill(from) == -1)
			return -1;
		r = client_register(&c, b->socket, "reader");
		if (r == 0)
			r = read_all(from, &c, unread, seen);
		client_close(&c);
	}
	return r;
}

static void
report(json_t *res, const char *name, struct reading *r)
{
	json_t *o = json_object();

	json_object_set_new(res, name, o);
	json_object_set_new(o, "answers",
	    json_integer((json_int_t)r->whole.n));
	put_real(o, "first_byte_ms", samples_at(&r->first, 0.5));
	put_real(o, "first_byte_p99_ms", samples_at(&r->first, 0.99));
	put_real(o, "whole_ms", samples_at(&r->whole, 0.5));
	put_real(o, "whole_p99_ms", samples_at(&r->whole, 0.99));
}

int
measure_inbox(struct bench *b, json_t *res)
{
	struct reading unread = { { 0 }, { 0 } }, seen = { { 0 }, { 0 } };
	struct client from = { 0 };
	struct hub h;
	int r = -1;

	json_object_set_new(res, "mailbox", json_integer(KEPT));
	json_object_set_new(res, "messages", json_integer(LIMIT));
	if (hub_start(b, &h) == -1)
		return -1;
	if (client_register(&from, b->socket, "sender") == 0 &&
	    rounds(b, &from, &unread, &seen) == 0) {
		put_at_most(b, res, "inbox_ms", samples_at(&unread.whole, 0.5),
		    GOAL_MS);
		report(res, "unread", &unread);
		report(res, "recent", &seen);
		r = 0;
	}
	client_close(&from);
	hub_stop(&h);
	samples_free(&unread.first);
	samples_free(&unread.whole);
	samples_free(&seen.first);
	samples_free(&seen.whole);
	return r;
}
