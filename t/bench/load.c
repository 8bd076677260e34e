/* SPDX-License-Identifier: ISC */
/*
 * Several senders at full speed.
 */
#include "compat.h"

#include <stdio.h>

#include "bench.h"
#include "load.h"
#include "log.h"

#define STALL_MS	5000

static int	open_receivers(struct load *, const char *);
static void	send_more(struct load *, size_t, uint64_t);
static int	on_sender(struct load *, size_t);
static int	on_receiver(struct load *, struct client *);
static void	confirm(struct client *, const char *, int);
static int	turn(struct load *);

static int
open_receivers(struct load *l, const char *socket)
{
	static unsigned generation;
	char name[32];
	size_t i;

	generation++;
	for (i = 0; i < LOAD_PAIRS; i++) {
		snprintf(name, sizeof(name), "receiver-%u-%zu", generation, i);
		if (client_register(&l->receivers[i], socket, name) == -1)
			return -1;
		l->pfds[LOAD_PAIRS + i].fd = l->receivers[i].fd;
		l->pfds[LOAD_PAIRS + i].events = POLLIN;
	}
	return 0;
}

int
load_open(struct load *l, const char *socket, const char *other,
    const char *hub)
{
	char name[32];
	size_t i;

	memset(l, 0, sizeof(*l));
	l->hub = hub;
	for (i = 0; i < LOAD_PAIRS; i++) {
		snprintf(name, sizeof(name), "sender-%zu", i);
		if (client_register(&l->senders[i], socket, name) == -1)
			return -1;
		l->pfds[i].fd = l->senders[i].fd;
		l->pfds[i].events = POLLIN;
	}
	return open_receivers(l, other);
}

void
load_close(struct load *l)
{
	size_t i;

	for (i = 0; i < LOAD_PAIRS; i++) {
		client_close(&l->senders[i]);
		client_close(&l->receivers[i]);
	}
}

int
load_new_receivers(struct load *l, const char *socket)
{
	size_t i;

	for (i = 0; i < LOAD_PAIRS; i++)
		client_close(&l->receivers[i]);
	return open_receivers(l, socket);
}

/* Each sender writes to all receivers in turn. */
static void
send_more(struct load *l, size_t i, uint64_t limit)
{
	char line[CLIENT_LINE], to[64];
	size_t n;

	while (l->unanswered[i] < LOAD_IN_FLIGHT && l->sent < limit) {
		snprintf(to, sizeof(to), "%s%s",
		    l->receivers[l->turn++ % LOAD_PAIRS].name, l->hub);
		n = send_line(line, to, l->serial);
		client_write(&l->senders[i], line, n);
		l->sent_sum += l->serial++;
		l->unanswered[i]++;
		l->sent++;
	}
}

static int
on_sender(struct load *l, size_t i)
{
	struct client *c = &l->senders[i];
	char *line;

	if (client_fill(c) == -1)
		return -1;
	while ((line = client_line(c)) != NULL) {
		if (line_is(line, "send_ack")) {
			l->unanswered[i]--;
			l->acked++;
		} else if (line_is(line, "receipt")) {
			l->receipts++;
		} else {
			log_warnx("%s: %s", c->name, line);
			return -1;
		}
	}
	return 0;
}

/* One line for all messages that were read at once. */
static void
confirm(struct client *c, const char *line, int first)
{
	static const char key[] = "\"msg_id\":", begin[] =
	    "{\"type\":\"received\",\"msg_id\":[";
	const char *id = strstr(line, key), *end;

	if (id == NULL || (end = strchr(id, ',')) == NULL)
		return;
	id += sizeof(key) - 1;
	if (first)
		client_write(c, begin, sizeof(begin) - 1);
	else
		client_write(c, ",", 1);
	client_write(c, id, (size_t)(end - id));
}

static int
on_receiver(struct load *l, struct client *c)
{
	char *line;
	long serial;
	int n = 0;

	if (client_fill(c) == -1)
		return -1;
	while ((line = client_line(c)) != NULL) {
		if (!line_is(line, "incoming_message") ||
		    (serial = line_serial(line)) == -1) {
			log_warnx("%s: %s", c->name, line);
			return -1;
		}
		l->received++;
		l->received_sum += (uint64_t)serial;
		if (l->confirm)
			confirm(c, line, n == 0);
		n++;
	}
	if (l->confirm && n > 0)
		client_write(c, "]}\n", 3);
	return client_flush(c);
}

static int
turn(struct load *l)
{
	size_t i;

	if (poll(l->pfds, 2 * LOAD_PAIRS, STALL_MS) <= 0) {
		log_warnx("the hub has stopped answering");
		return -1;
	}
	for (i = 0; i < 2 * LOAD_PAIRS; i++) {
		if (l->pfds[i].revents == 0)
			continue;
		if ((i < LOAD_PAIRS ? on_sender(l, i) :
		    on_receiver(l, &l->receivers[i - LOAD_PAIRS])) == -1)
			return -1;
	}
	return 0;
}

int
load_run(struct load *l, uint64_t messages, int ms)
{
	int64_t until = now_ns() + (int64_t)ms * 1000000;
	uint64_t limit = l->sent + messages;
	size_t i;

	for (;;) {
		if (now_ns() > until)
			limit = 0;
		if (l->sent >= limit && l->acked == l->sent &&
		    l->received == l->sent)
			break;
		for (i = 0; i < LOAD_PAIRS; i++) {
			send_more(l, i, limit);
			if (client_flush(&l->senders[i]) == -1)
				return -1;
			l->pfds[i].events = l->senders[i].pending > 0 ?
			    POLLIN | POLLOUT : POLLIN;
		}
		if (turn(l) == -1)
			return -1;
	}
	if (l->received_sum == l->sent_sum)
		return 0;
	log_warnx("messages were lost and others came twice");
	return -1;
}
