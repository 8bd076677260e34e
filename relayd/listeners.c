/* SPDX-License-Identifier: ISC */
/*
 * The sockets at which a relay listens.
 */
#include "compat.h"

#include <fcntl.h>
#include <unistd.h>

#include "activated.h"
#include "handover.h"
#include "listeners.h"
#include "log.h"
#include "tcpsock.h"

/* Where a socket may be open already. */
struct source {
	struct activated	*activated;
	int			 upgraded;	/* which is a version's */
	const struct listeners	*old;		/* or NULL */
	const struct relay_conf	*conf;		/* of those */
};

static void	clear(struct listeners *);
static int	is_at(const struct relay_listen *,
		    const struct relay_listen *);
static int	find_old(const struct source *, const struct relay_listen *);
static int	open_one(const struct source *, const struct relay_listen *);
static int	open_all(struct listeners *, const struct relay_conf *,
		    const struct source *);

static void
clear(struct listeners *l)
{
	int i;

	for (i = 0; i < RELAY_LISTEN_MAX; i++)
		l->fds[i] = -1;
	l->metrics = -1;
}

static int
is_at(const struct relay_listen *a, const struct relay_listen *b)
{
	return a->port == b->port && strcmp(a->address, b->address) == 0;
}

/* -1 if there is none. */
static int
find_old(const struct source *s, const struct relay_listen *l)
{
	unsigned i;

	if (s->old == NULL)
		return -1;
	for (i = 0; i < s->conf->nlistens; i++) {
		if (is_at(&s->conf->listens[i], l))
			return s->old->fds[i];
	}
	return is_at(&s->conf->metrics, l) ? s->old->metrics : -1;
}

/* -1 with the reason in the log. */
static int
open_one(const struct source *s, const struct relay_listen *l)
{
	int fd = find_old(s, l);

	if (fd != -1)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	else if ((fd = activated_tcp(s->activated, l->address,
	    (int)l->port)) == -1)
		fd = tcp_listen(l->address, (int)l->port);
	if (fd == -1)
		log_warn("%s port %u", l->address, l->port);
	return fd;
}

static int
open_all(struct listeners *l, const struct relay_conf *c,
    const struct source *s)
{
	static const char whose[] = "this relay's configuration";
	unsigned i;

	clear(l);
	for (i = 0; i < c->nlistens; i++) {
		if ((l->fds[i] = open_one(s, &c->listens[i])) == -1)
			return -1;
	}
	if (c->metrics.port != 0 &&
	    (l->metrics = open_one(s, &c->metrics)) == -1)
		return -1;
	if (!s->upgraded)
		return activated_done(s->activated, whose);
	activated_drop(s->activated, whose);
	return 0;
}

int
listeners_open(struct listeners *l, const struct relay_conf *c,
    struct activated *a, int upgraded)
{
	struct source s = { .activated = a, .upgraded = upgraded };

	if (open_all(l, c, &s) == 0)
		return 0;
	listeners_close(l);
	return -1;
}

int
listeners_change(struct listeners *l, const struct relay_conf *c,
    const struct relay_conf *old)
{
	struct source s = { .old = l, .conf = old };
	struct listeners new;

	if (open_all(&new, c, &s) == -1) {
		listeners_close(&new);
		return -1;
	}
	listeners_close(l);
	*l = new;
	return 0;
}

void
listeners_hand_over(const struct listeners *l, struct handover *h)
{
	int i;

	for (i = 0; i < RELAY_LISTEN_MAX; i++) {
		if (l->fds[i] != -1)
			handover_add(h, l->fds[i], "relay");
	}
	if (l->metrics != -1)
		handover_add(h, l->metrics, "metrics");
}

void
listeners_close(struct listeners *l)
{
	int i;

	for (i = 0; i < RELAY_LISTEN_MAX; i++) {
		if (l->fds[i] != -1)
			close(l->fds[i]);
	}
	if (l->metrics != -1)
		close(l->metrics);
	clear(l);
}
