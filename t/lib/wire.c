/* SPDX-License-Identifier: ISC */
/*
 * A TCP proxy that is not to be relied on.  It is a process, so that it goes
 * on while the test waits for something else.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"
#include "wire.h"

#define CALLS_MAX	512
#define ROOM		65536

enum order { CUT, CLOSED, STALL, LIFE, CALLS, CUTS };

struct message {
	enum order	 order;
	size_t		 value;
};

/* One direction: what was read from one end and is not written yet. */
struct flow {
	int		 from, to;
	int		 record;
	size_t		 off, len;
	char		 buf[ROOM];
};

struct call {
	struct flow	 there, back;
	int		 open, stalled;
	size_t		 bytes;
};

/* The process. */
struct carrier {
	const char	*dir;
	int		 ctl, listener, port;
	struct call	*calls[CALLS_MAX];
	int		 n, closed, cuts;
	size_t		 life;
};

static void	 carrier_main(struct carrier *) __attribute__((__noreturn__));
static void	 obey(struct carrier *);
static void	 cut_all(struct carrier *);
static void	 stall_all(struct carrier *);
static void	 take_call(struct carrier *);
static int	 record_file(const char *dir, int i, int there);
static void	 call_end(struct call *);
static nfds_t	 call_poll(const struct call *, struct pollfd *);
static void	 call_turn(struct carrier *, struct call *);
static int	 flow_turn(struct flow *, size_t *);
static size_t	 order_wire(struct wire *, enum order, size_t);
static const char	*record_path(const char *dir, int i, int there);

struct wire *
wire_new_(struct tenv *t, int port)
{
	struct wire	*w = xcalloc(1, sizeof(*w));
	struct carrier	 c = { .dir = t->dir, .port = port };
	int		 pair[2];

	w->env = t;
	c.listener = port_take(&w->port);
	if (listen(c.listener, 128) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    (w->pid = fork()) == -1)
		t_fail("no wire: %s", strerror(errno));
	if (w->pid == 0) {
		close(pair[0]);
		c.ctl = pair[1];
		carrier_main(&c);
	}
	close(pair[1]);
	close(c.listener);
	w->ctl = pair[0];
	fcntl(w->ctl, F_SETFD, FD_CLOEXEC);
	return (w);
}

void
wire_free(struct wire *w)
{
	close(w->ctl);
	waitpid(w->pid, NULL, 0);
	free(w);
}

static size_t
order_wire(struct wire *w, enum order order, size_t value)
{
	struct message	m;

	memset(&m, 0, sizeof(m));
	m.order = order;
	m.value = value;
	if (write(w->ctl, &m, sizeof(m)) != sizeof(m) ||
	    read(w->ctl, &m, sizeof(m)) != sizeof(m))
		t_fail("the wire has gone");
	return (m.value);
}

void
wire_cut(struct wire *w)
{
	order_wire(w, CUT, 0);
}

void
wire_closed(struct wire *w, int closed)
{
	order_wire(w, CLOSED, (size_t)closed);
}

void
wire_stall(struct wire *w)
{
	order_wire(w, STALL, 0);
}

void
wire_life(struct wire *w, size_t n)
{
	order_wire(w, LIFE, n);
}

int
wire_calls(struct wire *w)
{
	return ((int)order_wire(w, CALLS, 0));
}

int
wire_cuts(struct wire *w)
{
	return ((int)order_wire(w, CUTS, 0));
}

static const char *
record_path(const char *dir, int i, int there)
{
	static char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/wire.%d.%s", dir, i,
	    there ? "there" : "back");
	return (path);
}

char *
wire_record(struct wire *w, int i, int there, size_t *len)
{
	int	fd = open(record_path(w->env->dir, i, there), O_RDONLY);
	off_t	size = fd != -1 ? lseek(fd, 0, SEEK_END) : -1;
	char	*p;

	if (size == -1)
		t_fail("no record of connection %d", i);
	p = xmalloc((size_t)size + 1);
	if (pread(fd, p, (size_t)size, 0) != size)
		t_fail("cannot read the record");
	p[size] = '\0';
	*len = (size_t)size;
	close(fd);
	return (p);
}

/* From here on: the process.  It ends when the test has closed its end. */
static void
carrier_main(struct carrier *c)
{
	static struct pollfd	 pfd[2 + 2 * CALLS_MAX];
	nfds_t			 n;
	int			 i;

	for (;;) {
		pfd[0].fd = c->ctl;
		pfd[1].fd = c->listener;
		pfd[0].events = pfd[1].events = POLLIN;
		n = 2;
		for (i = 0; i < c->n; i++)
			n += call_poll(c->calls[i], &pfd[n]);
		if (poll(pfd, n, -1) == -1)
			_exit(1);
		for (i = 0; i < c->n; i++)
			call_turn(c, c->calls[i]);
		if (pfd[1].revents != 0)
			take_call(c);
		if (pfd[0].revents != 0)
			obey(c);
	}
}

static void
obey(struct carrier *c)
{
	struct message	m;

	if (read(c->ctl, &m, sizeof(m)) != sizeof(m))
		_exit(0);
	switch (m.order) {
	case CLOSED:
		c->closed = (int)m.value;
		if (!c->closed)
			break;
		/* FALLTHROUGH */
	case CUT:
		cut_all(c);
		break;
	case STALL:
		stall_all(c);
		break;
	case LIFE:
		c->life = m.value;
		break;
	case CALLS:
		m.value = (size_t)c->n;
		break;
	case CUTS:
		m.value = (size_t)c->cuts;
		break;
	}
	if (write(c->ctl, &m, sizeof(m)) != sizeof(m))
		_exit(0);
}

static void
cut_all(struct carrier *c)
{
	int	i;

	for (i = 0; i < c->n; i++) {
		c->cuts += c->calls[i]->open;
		call_end(c->calls[i]);
	}
}

static void
stall_all(struct carrier *c)
{
	int	i;

	for (i = 0; i < c->n; i++)
		c->calls[i]->stalled = 1;
}

static int
record_file(const char *dir, int i, int there)
{
	return (open(record_path(dir, i, there),
	    O_WRONLY | O_CREAT | O_TRUNC, 0600));
}

static void
take_call(struct carrier *c)
{
	struct call	*k;
	int		 a = accept(c->listener, NULL, NULL), b;

	if (a == -1)
		return;
	if (c->closed || c->n == CALLS_MAX ||
	    (b = port_call(c->port)) == -1) {
		close(a);
		return;
	}
	fcntl(a, F_SETFL, O_NONBLOCK);
	fcntl(b, F_SETFL, O_NONBLOCK);
	k = xcalloc(1, sizeof(*k));
	k->open = 1;
	k->there.from = k->back.to = a;
	k->there.to = k->back.from = b;
	k->there.record = record_file(c->dir, c->n, 1);
	k->back.record = record_file(c->dir, c->n, 0);
	c->calls[c->n++] = k;
}

static void
call_end(struct call *k)
{
	if (!k->open)
		return;
	close(k->there.from);
	close(k->there.to);
	close(k->there.record);
	close(k->back.record);
	k->open = 0;
}

static nfds_t
call_poll(const struct call *k, struct pollfd *pfd)
{
	if (!k->open || k->stalled)
		return (0);
	pfd[0].fd = k->there.from;
	pfd[1].fd = k->there.to;
	pfd[0].events = pfd[1].events = 0;
	if (k->there.len == 0)
		pfd[0].events |= POLLIN;
	else
		pfd[1].events |= POLLOUT;
	if (k->back.len == 0)
		pfd[1].events |= POLLIN;
	else
		pfd[0].events |= POLLOUT;
	return (2);
}

static void
call_turn(struct carrier *c, struct call *k)
{
	if (!k->open || k->stalled)
		return;
	if (flow_turn(&k->there, &k->bytes) == -1 ||
	    flow_turn(&k->back, &k->bytes) == -1) {
		call_end(k);
	} else if (c->life > 0 && k->bytes >= c->life) {
		c->cuts++;
		call_end(k);
	}
}

/* Moves what it can; -1 if one end has gone. */
static int
flow_turn(struct flow *f, size_t *bytes)
{
	ssize_t	n;

	if (f->len == 0) {
		n = read(f->from, f->buf, ROOM);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return (0);
		if (n <= 0)
			return (-1);
		f->off = 0;
		f->len = (size_t)n;
		if (write(f->record, f->buf, f->len) != n)
			_exit(1);
	}
	n = write(f->to, f->buf + f->off, f->len);
	if (n == -1)
		return (errno == EAGAIN || errno == EINTR ? 0 : -1);
	f->off += (size_t)n;
	f->len -= (size_t)n;
	*bytes += (size_t)n;
	return (0);
}
