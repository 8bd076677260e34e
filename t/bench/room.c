/* SPDX-License-Identifier: ISC */
/*
 * A room at full speed: some of its members send, all the others get it.
 */
#include "compat.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "log.h"
#include "process.h"
#include "timeutil.h"

#define MEMBERS		20
#define SENDERS		4		/* the first of the members */
#define HEAD		256		/* of a line: what is looked at */
#define CHUNK		(256 * 1024)
#define WARM_MS		500
#define RUN_MS		3000
#define STALL_MS	5000

struct member {
	struct client	c;
	char		head[HEAD];	/* of the line that is coming */
	size_t		len;		/* of it, so far */
	uint64_t	got, sum;	/* messages, and their serials */
	uint64_t	sent, sent_sum, acked;
};

struct room {
	struct member	members[MEMBERS];
	struct pollfd	pfds[MEMBERS];
	uint64_t	sent, sent_sum;
	char		*text;
	size_t		 text_len;
	unsigned	 in_flight;	/* of each sender */
};

static const struct kind {
	const char	*name, *rate;
	size_t		 text_len;
	unsigned	 in_flight;
	double		 goal;
} kinds[] = {
	{ "short", "short_deliveries_per_s", 200, 16, 400000 },
	{ "long", "long_deliveries_per_s", 65536, 4, 25000 },
};

static int	enter(struct bench *, struct room *);
static void	leave(struct room *);
static void	set_kind(struct room *, const struct kind *);
static uint64_t	on_its_way(const struct room *);
static void	send_one(struct room *, struct member *);
static int	line_ends(struct room *, struct member *);
static int	feed(struct room *, struct member *, const char *, size_t);
static int	turn(struct room *);
static int	run(struct room *, int);
static int	complete(const struct room *);
static int	timed(struct bench *, struct room *, const struct hub *,
		    const struct kind *, json_t *);

static int
enter(struct bench *b, struct room *r)
{
	static const char join[] = "{\"type\":\"join_room\",\"room\":"
	    "\"room\"}\n";
	struct client *c;
	char name[32];
	size_t i;

	for (i = 0; i < MEMBERS; i++) {
		c = &r->members[i].c;
		snprintf(name, sizeof(name), "member-%zu", i);
		if (client_register(c, b->socket, name) == -1)
			return -1;
		client_write(c, join, sizeof(join) - 1);
		if (client_flush(c) == -1 ||
		    client_wait(c, "room_ack", STALL_MS) == NULL)
			return -1;
		r->pfds[i].fd = c->fd;
	}
	return 0;
}

static void
leave(struct room *r)
{
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		client_close(&r->members[i].c);
	free(r->text);
}

static void
set_kind(struct room *r, const struct kind *k)
{
	size_t i;

	r->text_len = k->text_len;
	r->in_flight = k->in_flight;
	r->text = xreallocarray(r->text, 1, k->text_len);
	for (i = 0; i < k->text_len; i++)
		r->text[i] = (char)('a' + i % 26);
	for (i = 0; i < SENDERS; i++)
		client_room(&r->members[i].c,
		    (k->text_len + CLIENT_LINE) * k->in_flight);
}

/* Messages that the slowest of the members has not got yet. */
static uint64_t
on_its_way(const struct room *r)
{
	uint64_t n, most = 0;
	size_t i;

	for (i = 0; i < MEMBERS; i++) {
		n = r->sent - r->members[i].sent - r->members[i].got;
		if (n > most)
			most = n;
	}
	return most;
}

static void
send_one(struct room *r, struct member *m)
{
	uint64_t serial = ++r->sent;
	char line[CLIENT_LINE], uuid[UUID_SIZE], digits[11];
	int n;

	snprintf(digits, sizeof(digits), "%010u", (unsigned)serial);
	memcpy(r->text, digits, sizeof(digits) - 1);
	uuid_v7(uuid);
	n = snprintf(line, sizeof(line), "{\"type\":\"room_msg\",\"room\":"
	    "\"room\",\"msg_id\":\"m-%s\",\"text\":\"", uuid);
	client_write(&m->c, line, (size_t)n);
	client_write(&m->c, r->text, r->text_len);
	client_write(&m->c, "\"}\n", 3);
	r->sent_sum += serial;
	m->sent_sum += serial;
	m->sent++;
}

static int
line_ends(struct room *r, struct member *m)
{
	size_t n = m->len < HEAD - 1 ? m->len : HEAD - 1;
	long serial;

	m->head[n] = '\0';
	if (line_is(m->head, "incoming_room_msg") && m->len > r->text_len &&
	    (serial = line_serial(m->head)) != -1) {
		m->got++;
		m->sum += (uint64_t)serial;
	} else if (line_is(m->head, "room_send_ack"))
		m->acked++;
	else if (!client_ping(&m->c, m->head)) {
		log_warnx("%s: %s", m->c.name, m->head);
		return -1;
	}
	m->len = 0;
	return 0;
}

/* Of long lines no more than the beginning is copied. */
static int
feed(struct room *r, struct member *m, const char *p, size_t n)
{
	const char *nl;
	size_t len, part;

	while (n > 0) {
		nl = memchr(p, '\n', n);
		len = nl != NULL ? (size_t)(nl - p) : n;
		if (m->len < HEAD - 1) {
			part = HEAD - 1 - m->len;
			memcpy(m->head + m->len, p, len < part ? len : part);
		}
		m->len += len;
		if (nl == NULL)
			break;
		if (line_ends(r, m) == -1)
			return -1;
		p = nl + 1;
		n -= len + 1;
	}
	return 0;
}

static int
turn(struct room *r)
{
	static char chunk[CHUNK];
	struct member *m;
	ssize_t n;
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		r->pfds[i].events = r->members[i].c.pending > 0 ?
		    POLLIN | POLLOUT : POLLIN;
	if (poll(r->pfds, MEMBERS, STALL_MS) <= 0) {
		log_warnx("the hub has stopped answering");
		return -1;
	}
	for (i = 0; i < MEMBERS; i++) {
		m = &r->members[i];
		if (r->pfds[i].revents == 0)
			continue;
		n = read(m->c.fd, chunk, sizeof(chunk));
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
			log_warnx("%s: the hub closed the connection",
			    m->c.name);
			return -1;
		}
		if (n > 0 && feed(r, m, chunk, (size_t)n) == -1)
			return -1;
	}
	return 0;
}

/* Sends for so long and waits until everybody has got everything. */
static int
run(struct room *r, int ms)
{
	int64_t until = now_ns() + (int64_t)ms * 1000000;
	struct member *m;
	uint64_t room;
	size_t i;
	int more;

	while ((more = now_ns() < until) || !complete(r)) {
		room = SENDERS * r->in_flight - on_its_way(r);
		for (i = 0; i < MEMBERS; i++) {
			m = &r->members[i];
			while (more && i < SENDERS && room > 0 &&
			    m->sent - m->acked < r->in_flight) {
				send_one(r, m);
				room--;
			}
			if (client_flush(&m->c) == -1)
				return -1;
		}
		if (turn(r) == -1)
			return -1;
	}
	for (i = 0; i < MEMBERS; i++) {
		m = &r->members[i];
		if (m->sum != r->sent_sum - m->sent_sum) {
			log_warnx("messages were lost and others came twice");
			return -1;
		}
	}
	return 0;
}

static int
complete(const struct room *r)
{
	size_t i;

	for (i = 0; i < SENDERS; i++) {
		if (r->members[i].acked < r->members[i].sent)
			return 0;
	}
	return on_its_way(r) == 0;
}

static int
timed(struct bench *b, struct room *r, const struct hub *h,
    const struct kind *k, json_t *res)
{
	json_t *o = json_object();
	struct cpu before, after;
	uint64_t sent;
	int64_t begin;
	double n, ns;

	json_object_set_new(res, k->name, o);
	set_kind(r, k);
	if (run(r, WARM_MS) == -1)
		return -1;
	sent = r->sent;
	hub_cpu(h, &before);
	begin = now_ns();
	if (run(r, RUN_MS) == -1)
		return -1;
	ns = (double)(now_ns() - begin);
	hub_cpu(h, &after);
	n = (double)(r->sent - sent);
	json_object_set_new(o, "text_bytes",
	    json_integer((json_int_t)k->text_len));
	put_at_least(b, o, k->rate, n * (MEMBERS - 1) * 1e9 / ns, k->goal);
	put_real(o, "messages_per_s", n * 1e9 / ns);
	put_real(o, "router_cpu_us_per_message",
	    (double)(after.router - before.router) / 1000 / n);
	put_real(o, "router_share",
	    (double)(after.router - before.router) / ns);
	put_real(o, "store_share", (double)(after.store - before.store) / ns);
	put_real(o, "load_generator_share",
	    (double)(after.self - before.self) / ns);
	return 0;
}

int
measure_room(struct bench *b, json_t *res)
{
	struct room *r = xcalloc(1, sizeof(*r));
	struct hub h;
	size_t i;
	int ret = -1;

	json_object_set_new(res, "members", json_integer(MEMBERS));
	json_object_set_new(res, "senders", json_integer(SENDERS));
	if (hub_start(b, &h) == 0) {
		ret = enter(b, r);
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && ret == 0;
		    i++)
			ret = timed(b, r, &h, &kinds[i], res);
		leave(r);
		hub_stop(&h);
	}
	free(r);
	return ret;
}
