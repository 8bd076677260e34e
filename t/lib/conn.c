/* SPDX-License-Identifier: ISC */
/*
 * Connections that carry lines.  While a test waits for one of them, all are
 * read and pings of the hub are answered, as clients do.
 */
#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define READ_SIZE	65536
#define CONNS_MAX	4096

static void	 conn_read(struct conn *);
static void	 conn_split(struct conn *, size_t);
static void	 conn_line(struct conn *, const char *, size_t);
static int	 answer_ping(struct conn *, const json_t *);

struct conn *
conn_add(struct tenv *t, int rfd, int wfd, pid_t pid)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	t = t->root;
	c->env = t;
	c->rfd = rfd;
	c->wfd = wfd;
	c->pid = pid;
	TAILQ_INIT(&c->lines);
	TAILQ_INSERT_TAIL(&t->conns, c, entry);
	fcntl(rfd, F_SETFL, O_NONBLOCK);
	fcntl(wfd, F_SETFL, O_NONBLOCK);
	fcntl(rfd, F_SETFD, FD_CLOEXEC);
	fcntl(wfd, F_SETFD, FD_CLOEXEC);
	return (c);
}

void
conn_close(struct conn *c)
{
	struct line	*l;

	TAILQ_REMOVE(&c->env->conns, c, entry);
	conn_shut(c);
	close(c->rfd);
	while ((l = TAILQ_FIRST(&c->lines)) != NULL) {
		TAILQ_REMOVE(&c->lines, l, entry);
		line_free(l);
	}
	free(c->buf);
	free(c);
}

void
conn_shut(struct conn *c)
{
	if (c->wfd != -1 && c->wfd != c->rfd)
		close(c->wfd);
	c->wfd = -1;
}

void
line_free(struct line *l)
{
	json_decref(l->json);
	free(l->text);
	free(l);
}

void
conns_pump(struct tenv *t, int ms)
{
	static struct pollfd	 pfd[CONNS_MAX];
	static struct conn	*who[CONNS_MAX];
	struct conn		*c;
	nfds_t			 i, n = 0;

	TAILQ_FOREACH(c, &t->root->conns, entry) {
		if (c->mute || c->eof || n == CONNS_MAX)
			continue;
		pfd[n].fd = c->rfd;
		pfd[n].events = POLLIN;
		who[n++] = c;
	}
	if (poll(pfd, n, ms) <= 0)
		return;
	for (i = 0; i < n; i++) {
		if (pfd[i].revents != 0)
			conn_read(who[i]);
	}
}

static void
conn_read(struct conn *c)
{
	ssize_t	n;

	if (c->cap - c->len < READ_SIZE) {
		c->cap = c->cap * 2 + READ_SIZE;
		c->buf = xreallocarray(c->buf, c->cap, 1);
	}
	n = read(c->rfd, c->buf + c->len, READ_SIZE);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		c->eof = 1;
	else
		conn_split(c, (size_t)n);
}

static void
conn_split(struct conn *c, size_t fresh)
{
	char	*start = c->buf, *scan = c->buf + c->len, *nl;

	c->len += fresh;
	while ((nl = memchr(scan, '\n',
	    (size_t)(c->buf + c->len - scan))) != NULL) {
		conn_line(c, start, (size_t)(nl - start));
		start = scan = nl + 1;
	}
	c->len = (size_t)(c->buf + c->len - start);
	memmove(c->buf, start, c->len);
}

static void
conn_line(struct conn *c, const char *text, size_t len)
{
	struct line	*l = xcalloc(1, sizeof(*l));

	l->text = xmalloc(len + 1);
	memcpy(l->text, text, len);
	l->text[len] = '\0';
	l->len = len;
	l->json = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	if (c->pid == 0 && answer_ping(c, l->json))
		line_free(l);
	else
		TAILQ_INSERT_TAIL(&c->lines, l, entry);
}

/* 1 if it was a ping from the hub, and what had to be done was done. */
static int
answer_ping(struct conn *c, const json_t *j)
{
	const char	*type = json_string_value(json_object_get(j, "type"));
	char		 pong[512];
	int		 n;

	if (type == NULL || strcmp(type, "ping") != 0)
		return (0);
	if (c->nopong || c->wfd == -1)
		return (1);
	n = snprintf(pong, sizeof(pong),
	    "{\"type\":\"pong\",\"req_id\":\"%s\"}\n",
	    json_string_value(json_object_get(j, "req_id")));
	if (write(c->wfd, pong, (size_t)n) != n)
		c->eof = 1;
	return (1);
}

int
conn_write(struct conn *c, const void *data, size_t len)
{
	struct pollfd	 pfd = { .fd = c->wfd, .events = POLLOUT };
	const char	*p = data;
	int64_t		 end = t_now() + t_slow(T_WAIT);
	ssize_t		 n;

	snprintf(c->last, sizeof(c->last), "%.*s",
	    (int)(len < 200 ? len : 200), p);
	while (len > 0) {
		n = write(c->wfd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return (-1);
		if (t_now() >= end)
			return (-1);
		poll(&pfd, 1, 5);
		conns_pump(c->env, 0);
	}
	return (0);
}

struct line *
conn_take(struct conn *c, int ms)
{
	int64_t		 end = t_now() + t_slow(ms);
	struct line	*l;

	while ((l = TAILQ_FIRST(&c->lines)) == NULL) {
		if (c->eof || t_now() >= end)
			return (NULL);
		conns_pump(c->env, 10);
	}
	TAILQ_REMOVE(&c->lines, l, entry);
	return (l);
}

static int
at_end(void *arg)
{
	return (((struct conn *)arg)->eof);
}

int
conn_closes(struct conn *c, int ms)
{
	return (t_until(c->env, at_end, c, ms));
}
