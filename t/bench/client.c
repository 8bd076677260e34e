/* SPDX-License-Identifier: ISC */
/*
 * A session of the benchmark.
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
#include "timeutil.h"
#include "unixsock.h"

#define WAIT_MS		5000

int
client_open(struct client *c, const char *socket, const char *name)
{
	char line[CLIENT_LINE];
	int n;

	memset(c, 0, sizeof(*c));
	if ((c->fd = unix_connect(socket)) == -1) {
		log_warn("%s", socket);
		return -1;
	}
	strlcpy(c->name, name, sizeof(c->name));
	c->in = xmalloc(CLIENT_IN);
	client_room(c, CLIENT_OUT);
	n = snprintf(line, sizeof(line), "{\"type\":\"register\",\"name\":"
	    "\"%s\",\"cwd\":\"/home/user/projects/%s\",\"git_branch\":"
	    "\"main\",\"protocol_version\":\"5\",\"features\":[\"receipts\","
	    "\"ids\",\"kind\"]}\n", name, name);
	client_write(c, line, (size_t)n);
	return client_flush(c);
}

int
client_register(struct client *c, const char *socket, const char *name)
{
	if (client_open(c, socket, name) == -1)
		return -1;
	return client_wait(c, "ack", WAIT_MS) != NULL ? 0 : -1;
}

void
client_close(struct client *c)
{
	if (c->in == NULL)
		return;
	close(c->fd);
	free(c->in);
	free(c->out);
	memset(c, 0, sizeof(*c));
}

void
client_room(struct client *c, size_t n)
{
	c->out = xreallocarray(c->out, 1, n);
	c->out_size = n;
}

void
client_write(struct client *c, const char *p, size_t n)
{
	if (n > c->out_size - c->pending)
		fatalx("the hub does not read from %s", c->name);
	memcpy(c->out + c->pending, p, n);
	c->pending += n;
}

int
client_flush(struct client *c)
{
	ssize_t n;

	if (c->pending == 0)
		return 0;
	n = write(c->fd, c->out, c->pending);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1) {
		log_warn("%s", c->name);
		return -1;
	}
	c->pending -= (size_t)n;
	memmove(c->out, c->out + n, c->pending);
	return 0;
}

int
client_fill(struct client *c)
{
	ssize_t n;

	if (c->start > 0) {
		c->end -= c->start;
		memmove(c->in, c->in + c->start, c->end);
		c->start = 0;
	}
	n = read(c->fd, c->in + c->end, CLIENT_IN - c->end);
	if (n > 0) {
		c->end += (size_t)n;
		return (int)n;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	log_warnx("%s: the hub closed the connection", c->name);
	return -1;
}

int
line_is(const char *line, const char *type)
{
	static const char begin[] = "{\"type\":\"";
	size_t n = strlen(type);

	return strncmp(line, begin, sizeof(begin) - 1) == 0 &&
	    strncmp(line + sizeof(begin) - 1, type, n) == 0 &&
	    line[sizeof(begin) - 1 + n] == '"';
}

/* A pong is the ping with another type. */
int
client_ping(struct client *c, char *line)
{
	if (!line_is(line, "ping"))
		return 0;
	strchr(line, 'i')[0] = 'o';
	client_write(c, line, strlen(line));
	client_write(c, "\n", 1);
	(void)client_flush(c);
	return 1;
}

char *
client_line(struct client *c)
{
	char *line, *nl;

	for (;;) {
		line = c->in + c->start;
		nl = memchr(line, '\n', c->end - c->start);
		if (nl == NULL)
			return NULL;
		*nl = '\0';
		c->start = (size_t)(nl - c->in) + 1;
		if (!client_ping(c, line))
			return line;
	}
}

char *
client_wait(struct client *c, const char *type, int timeout_ms)
{
	int64_t end = now_ns() + (int64_t)timeout_ms * 1000000;
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	char *line;

	for (;;) {
		while ((line = client_line(c)) != NULL) {
			if (line_is(line, type))
				return line;
			if (line_is(line, "err")) {
				log_warnx("%s: %s", c->name, line);
				return NULL;
			}
		}
		if (now_ns() > end) {
			log_warnx("%s: no %s", c->name, type);
			return NULL;
		}
		(void)poll(&pfd, 1, 100);
		if (client_fill(c) == -1 || client_flush(c) == -1)
			return NULL;
	}
}

size_t
send_line(char dst[CLIENT_LINE], const char *to, unsigned serial)
{
	static const char text[] = "of the messages that sessions send to "
	    "each other most are short: a question, an answer, the name of a "
	    "file and what should be done with it; this one has two hundred "
	    "bytes, which is as long as a few lines";
	char uuid[UUID_SIZE];

	uuid_v7(uuid);
	return (size_t)snprintf(dst, CLIENT_LINE, "{\"type\":\"send\",\"to\":"
	    "\"%s\",\"text\":\"%010u %.*s\",\"msg_id\":\"m-%s\"}\n", to, serial,
	    TEXT_LEN - 11, text, uuid);
}

long
line_serial(const char *line)
{
	static const char key[] = "\"text\":\"";
	const char *p = strstr(line, key);

	return p != NULL ? strtol(p + sizeof(key) - 1, NULL, 10) : -1;
}

int
clients_rest(struct client *c, size_t n, int ms)
{
	int64_t end = now_ns() + (int64_t)ms * 1000000;
	struct pollfd *pfds = xcalloc(n, sizeof(*pfds));
	size_t i;
	int left, r = 0;

	for (i = 0; i < n; i++) {
		pfds[i].fd = c[i].fd;
		pfds[i].events = POLLIN;
	}
	while (r == 0 && (left = (int)((end - now_ns()) / 1000000)) > 0) {
		if (poll(pfds, (nfds_t)n, left) <= 0)
			continue;
		for (i = 0; i < n; i++) {
			if (pfds[i].revents == 0)
				continue;
			if (client_fill(&c[i]) == -1)
				r = -1;
			while (client_line(&c[i]) != NULL)
				;
		}
	}
	free(pfds);
	return r;
}
