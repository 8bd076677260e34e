/* SPDX-License-Identifier: ISC */
/*
 * Buffered, non-blocking I/O.  Input is read into one buffer that all
 * connections of the process share; only what is not consumed at the end of a
 * turn is copied to the connection.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "bufio.h"
#include "log.h"
#include "timeutil.h"

#define READ_CHUNK	65536
#define REF_MIN		2048	/* a shorter rbuf is copied */

struct bufio {
	const struct bufio_ops	*ops;
	void			*arg;
	struct event		*rd, *wr, *again;
	struct evbuffer		*out;
	char			*in;		/* not yet consumed */
	size_t			 in_len, in_cap;
	size_t			 scanned;	/* of it, without a newline */
	size_t			 max_in, max_out;
	int64_t			 waiting;	/* since when; monotonic ms */
	int			 rfd, wfd;
	int			 paused, in_callback, dead, ended;
	int			 file;	/* nothing that can be waited for */
};

static int	is_file(int);
static void	await_input(struct bufio *);
static void	on_read(int, short, void *);
static void	on_write(int, short, void *);
static void	on_again(int, short, void *);
static void	take(struct bufio *, char *, size_t);
static size_t	lines(struct bufio *, char *, size_t, size_t);
static void	keep(struct bufio *, const char *, size_t);
static void	end(struct bufio *, int);
static int	write_some(struct bufio *);
static void	queued(struct bufio *);
static void	enter(struct bufio *);
static void	leave(struct bufio *);
static void	destroy(struct bufio *);
static int	set_nonblock(int);

static int
set_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	return fl == -1 ? -1 : fcntl(fd, F_SETFL, fl | O_NONBLOCK);
}

struct bufio *
bufio_new(struct event_base *base, int rfd, int wfd,
    const struct bufio_ops *ops, void *arg)
{
	struct bufio *b = xcalloc(1, sizeof(*b));

	b->ops = ops;
	b->arg = arg;
	b->rfd = rfd;
	b->wfd = wfd != -1 ? wfd : rfd;
	b->max_in = b->max_out = SIZE_MAX;
	if (set_nonblock(b->rfd) == -1 || set_nonblock(b->wfd) == -1)
		log_warn("fcntl");
	b->out = evbuffer_new();
	b->rd = event_new(base, b->rfd, EV_READ | EV_PERSIST, on_read, b);
	b->wr = event_new(base, b->wfd, EV_WRITE, on_write, b);
	b->again = event_new(base, -1, 0, on_again, b);
	if (b->out == NULL || b->rd == NULL || b->wr == NULL ||
	    b->again == NULL)
		fatalx("bufio: out of memory");
	b->file = is_file(rfd);
	await_input(b);
	return b;
}

void
bufio_free(struct bufio *b)
{
	if (b == NULL || b->dead)
		return;
	b->dead = 1;
	event_del(b->rd);
	event_del(b->wr);
	event_del(b->again);
	if (!b->in_callback)
		destroy(b);
}

static void
destroy(struct bufio *b)
{
	event_free(b->rd);
	event_free(b->wr);
	event_free(b->again);
	evbuffer_free(b->out);
	free(b->in);
	close(b->rfd);
	if (b->wfd != b->rfd)
		close(b->wfd);
	free(b);
}

/* Callbacks may free the bufio; it goes when the outermost one returns. */
static void
enter(struct bufio *b)
{
	b->in_callback++;
}

static void
leave(struct bufio *b)
{
	if (--b->in_callback == 0 && b->dead)
		destroy(b);
}

static void
end(struct bufio *b, int err)
{
	if (b->ended || b->dead)
		return;
	b->ended = 1;
	event_del(b->rd);
	event_del(b->wr);
	event_del(b->again);
	b->ops->closed(b, err, b->arg);
}

void
bufio_limits(struct bufio *b, size_t max_in, size_t max_out)
{
	b->max_in = max_in;
	b->max_out = max_out;
}

int
bufio_fd(const struct bufio *b)
{
	return b->rfd;
}

size_t
bufio_pending(const struct bufio *b)
{
	return evbuffer_get_length(b->out);
}

void
bufio_pause(struct bufio *b)
{
	if (b->paused++ == 0)
		event_del(b->rd);
}

void
bufio_resume(struct bufio *b)
{
	if (b->dead || b->ended || --b->paused > 0)
		return;
	await_input(b);
	if (b->in_len > 0)
		event_active(b->again, EV_READ, 0);
}

/* Plain files and /dev/null are always ready, and epoll refuses them. */
static int
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && !S_ISSOCK(st.st_mode) &&
	    !S_ISFIFO(st.st_mode) && !isatty(fd);
}

static void
await_input(struct bufio *b)
{
	if (b->file)
		event_active(b->rd, EV_READ, 0);
	else if (event_add(b->rd, NULL) == -1)
		fatal("bufio: event_add");
}

static void
on_read(int fd, short ev, void *arg)
{
	static char chunk[READ_CHUNK];
	struct bufio *b = arg;
	ssize_t n;

	(void)ev;
	n = read(fd, chunk, sizeof(chunk));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	enter(b);
	if (n <= 0)
		end(b, n == 0 || errno == ECONNRESET ? 0 : errno);
	else if (b->in_len == 0)
		take(b, chunk, (size_t)n);
	else {
		keep(b, chunk, (size_t)n);
		take(b, b->in, b->in_len);
	}
	if (b->file && !b->paused && !b->ended && !b->dead)
		await_input(b);
	leave(b);
}

/* Goes on with what a pause has left. */
static void
on_again(int fd, short ev, void *arg)
{
	struct bufio *b = arg;

	(void)fd;
	(void)ev;
	if (b->dead || b->ended || b->paused || b->in_len == 0)
		return;
	enter(b);
	take(b, b->in, b->in_len);
	leave(b);
}

/*
 * Shows p[n], all that there is, and keeps what is not consumed.  The limit
 * holds for what cannot be consumed yet.
 */
static void
take(struct bufio *b, char *p, size_t n)
{
	size_t used;

	if (b->ops->line != NULL)
		used = lines(b, p, n, p == b->in ? b->scanned : 0);
	else
		used = b->ops->input(b, p, n, b->arg);
	if (b->dead || b->ended)
		return;
	if (p != b->in) {
		if (used < n)
			keep(b, p + used, n - used);
	} else if (used > 0) {
		b->in_len -= used;
		memmove(b->in, b->in + used, b->in_len);
	}
	if (b->in_len == 0) {
		free(b->in);
		b->in = NULL;
		b->in_cap = 0;
	}
	b->scanned = b->paused ? 0 : b->in_len;
	if (!b->paused && b->in_len > b->max_in)
		end(b, EMSGSIZE);
}

/* Shows the complete lines of p[n]; returns the bytes they had. */
static size_t
lines(struct bufio *b, char *p, size_t n, size_t scanned)
{
	size_t off = 0, len;
	char *nl;

	while (off < n && !b->paused && !b->dead && !b->ended) {
		nl = memchr(p + off + scanned, '\n', n - off - scanned);
		if (nl == NULL)
			break;
		scanned = 0;
		len = (size_t)(nl - (p + off));
		if (len > b->max_in) {
			end(b, EMSGSIZE);
			break;
		}
		if (len > 0 && nl[-1] == '\r')
			len--;
		if (len > 0)
			b->ops->line(b, p + off, len, b->arg);
		off = (size_t)(nl - p) + 1;
	}
	return off;
}

static void
keep(struct bufio *b, const char *p, size_t n)
{
	size_t cap = b->in_cap;

	if (n > SIZE_MAX / 4 - b->in_len)
		fatalx("bufio: %zu bytes of input", n);
	if (cap - b->in_len < n) {
		if (cap == 0)
			cap = 512;
		while (cap - b->in_len < n)
			cap *= 2;
		b->in = xreallocarray(b->in, 1, cap);
		b->in_cap = cap;
	}
	memcpy(b->in + b->in_len, p, n);
	b->in_len += n;
}

static void
queued(struct bufio *b)
{
	if (b->dead || b->ended)
		return;
	/* written when the turn's other callbacks have run */
	event_active(b->wr, EV_WRITE, 0);
}

void
bufio_write(struct bufio *b, const void *p, size_t n)
{
	if (evbuffer_add(b->out, p, n) == -1)
		fatalx("bufio: out of memory");
	queued(b);
}

static void
unref_rbuf(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	rbuf_unref(arg);
}

void
bufio_write_rbuf(struct bufio *b, struct rbuf *rb)
{
	bufio_write_part(b, rb, rb->data, rb->len);
}

void
bufio_write_part(struct bufio *b, struct rbuf *rb, const char *p, size_t n)
{
	if (n < REF_MIN) {
		bufio_write(b, p, n);
		return;
	}
	if (evbuffer_add_reference(b->out, p, n, unref_rbuf,
	    rbuf_ref(rb)) == -1)
		fatalx("bufio: out of memory");
	queued(b);
}

/* Returns 0 when the kernel takes no more or nothing is left, else errno. */
static int
write_some(struct bufio *b)
{
	while (evbuffer_get_length(b->out) > 0) {
		if (evbuffer_write(b->out, b->wfd) > 0) {
			b->waiting = 0;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

static void
on_write(int fd, short ev, void *arg)
{
	struct bufio *b = arg;
	int err;

	(void)fd;
	(void)ev;
	if (b->dead || b->ended)
		return;
	enter(b);
	err = write_some(b);
	if (err != 0)
		end(b, err == EPIPE || err == ECONNRESET ? 0 : err);
	else if (evbuffer_get_length(b->out) > b->max_out)
		end(b, ENOBUFS);
	else if (evbuffer_get_length(b->out) > 0) {
		if (b->waiting == 0)
			b->waiting = time_mono_ms();
		event_add(b->wr, NULL);
	} else if (b->ops->drained != NULL)
		b->ops->drained(b, b->arg);
	leave(b);
}

int
bufio_paused(const struct bufio *b)
{
	return b->paused > 0;
}

int
bufio_stalled(const struct bufio *b, int64_t ms)
{
	return b->waiting != 0 && time_mono_ms() - b->waiting >= ms;
}

int
bufio_flush(struct bufio *b, int timeout_ms)
{
	int64_t until = time_mono_ms() + timeout_ms, left;
	struct pollfd pfd = { .fd = b->wfd, .events = POLLOUT };

	for (;;) {
		if (write_some(b) != 0)
			return -1;
		if (evbuffer_get_length(b->out) == 0)
			return 0;
		left = until - time_mono_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
			return -1;
	}
}
