/* SPDX-License-Identifier: ISC */
/*
 * Framed messages over a Unix stream socket.  Header: type, length of the
 * body, id and pid, 32 bits each, little-endian; bit 31 of the type says that
 * a descriptor comes with the message's first byte.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "timeutil.h"

#define HEADER_LEN	16
#define HAS_FD		0x80000000u
#define READ_CHUNK	65536
#define READ_TURN	(1024 * 1024)	/* bytes in one turn of the loop */
#define MARK_HIGH	(8 * 1024 * 1024)
#define MARK_LOW	(2 * 1024 * 1024)
#define REF_MIN		2048		/* a shorter tail is copied */
#define FDS_MAX		8		/* descriptors waiting for messages */

/* A descriptor on its way; kept open until its FD_ACK has come. */
struct outfd {
	TAILQ_ENTRY(outfd)	 entry;
	uint64_t		 offset;	/* of its message, in bytes */
	int			 fd, sent;
};

struct imsgbuf {
	const struct imsg_ops	*ops;
	void			*arg;
	struct event		*rd, *wr;
	struct evbuffer		*out;
	TAILQ_HEAD(, outfd)	 fds;
	uint64_t		 queued, written;	/* bytes, ever */
	struct rbuf		*body;		/* being read */
	size_t			 body_len;
	unsigned char		 part[HEADER_LEN];	/* of a header */
	size_t			 part_len;
	struct imsg		 msg;		/* whose body is being read */
	int			 infds[FDS_MAX];
	size_t			 ninfds;
	int			 fd;
	uint32_t		 pid;		/* our own */
	enum proc_id		 self, peer;
	int			 full, in_callback, dead;
};

static void	on_read(int, short, void *);
static void	on_write(int, short, void *);
static ssize_t	receive(struct imsgbuf *, char *, size_t);
static int	consume(struct imsgbuf *, const char *, size_t);
static struct rbuf	*begin(struct imsgbuf *, const unsigned char *);
static int	deliver(struct imsgbuf *);
static int	write_some(struct imsgbuf *);
static ssize_t	write_with_fd(struct imsgbuf *, struct outfd *);
static void	fd_acked(struct imsgbuf *);
static void	check_marks(struct imsgbuf *);
static void	enter(struct imsgbuf *);
static int	leave(struct imsgbuf *);
static void	fail(struct imsgbuf *, int);
static void	destroy(struct imsgbuf *);

struct imsgbuf *
imsg_new(struct event_base *base, int fd, enum proc_id me, enum proc_id peer,
    const struct imsg_ops *ops, void *arg)
{
	struct imsgbuf *ib = xcalloc(1, sizeof(*ib));
	int fl = fcntl(fd, F_GETFL);

	if (fl == -1 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("imsg: fcntl");
	ib->fd = fd;
	ib->pid = (uint32_t)getpid();
	ib->self = me;
	ib->peer = peer;
	ib->ops = ops;
	ib->arg = arg;
	ib->msg.fd = -1;
	TAILQ_INIT(&ib->fds);
	ib->out = evbuffer_new();
	ib->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_read, ib);
	ib->wr = event_new(base, fd, EV_WRITE, on_write, ib);
	if (ib->out == NULL || ib->rd == NULL || ib->wr == NULL ||
	    event_add(ib->rd, NULL) == -1)
		fatalx("imsg: out of memory");
	return ib;
}

void
imsg_free(struct imsgbuf *ib)
{
	if (ib == NULL || ib->dead)
		return;
	ib->dead = 1;
	event_del(ib->rd);
	event_del(ib->wr);
	if (!ib->in_callback)
		destroy(ib);
}

static void
destroy(struct imsgbuf *ib)
{
	struct outfd *f;

	while ((f = TAILQ_FIRST(&ib->fds)) != NULL) {
		TAILQ_REMOVE(&ib->fds, f, entry);
		close(f->fd);
		free(f);
	}
	while (ib->ninfds > 0)
		close(ib->infds[--ib->ninfds]);
	if (ib->msg.fd != -1)
		close(ib->msg.fd);
	rbuf_unref(ib->body);
	event_free(ib->rd);
	event_free(ib->wr);
	evbuffer_free(ib->out);
	close(ib->fd);
	free(ib);
}

/* Callbacks may free the imsgbuf; it goes when the outermost one returns. */
static void
enter(struct imsgbuf *ib)
{
	ib->in_callback++;
}

static int
leave(struct imsgbuf *ib)
{
	if (--ib->in_callback == 0 && ib->dead) {
		destroy(ib);
		return -1;
	}
	return ib->dead ? -1 : 0;
}

static void
fail(struct imsgbuf *ib, int err)
{
	event_del(ib->rd);
	event_del(ib->wr);
	ib->ops->closed(ib, err, ib->arg);
}

const char *
imsg_name(enum imsg_type type)
{
	if (type >= IMSG_MAX || imsg_rows[type].name == NULL)
		return "unknown";
	return imsg_rows[type].name;
}

size_t
imsg_pending(const struct imsgbuf *ib)
{
	return evbuffer_get_length(ib->out);
}

static void
check_marks(struct imsgbuf *ib)
{
	size_t n = imsg_pending(ib);
	int full = ib->full ? n > MARK_LOW : n > MARK_HIGH;

	if (full == ib->full)
		return;
	ib->full = full;
	if (ib->ops->full != NULL)
		ib->ops->full(ib, full, ib->arg);
}

static void
unref_rbuf(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	rbuf_unref(arg);
}

void
imsg_send(struct imsgbuf *ib, enum imsg_type type, uint32_t id, int fd,
    const struct wbuf *head, struct rbuf *tail)
{
	size_t nhead = head != NULL ? head->len : 0;
	size_t ntail = tail != NULL ? tail->len : 0;
	const struct imsg_row *row = &imsg_rows[type];
	struct wbuf w = { 0 };
	struct outfd *f;

	if (!(row->senders & IMSG_FROM(ib->self)) ||
	    nhead + ntail < row->min || nhead + ntail > row->max ||
	    (fd != -1) != row->fd)
		fatalx("imsg: %s of %zu bytes to process %d breaks the table",
		    imsg_name(type), nhead + ntail, (int)ib->peer);
	if (fd != -1) {
		f = xcalloc(1, sizeof(*f));
		f->fd = fd;
		f->offset = ib->queued;
		TAILQ_INSERT_TAIL(&ib->fds, f, entry);
	}
	put_u32(&w, (uint32_t)type | (fd != -1 ? HAS_FD : 0));
	put_u32(&w, (uint32_t)(nhead + ntail));
	put_u32(&w, id);
	put_u32(&w, ib->pid);
	if (nhead > 0)
		wbuf_add(&w, wbuf_data(head), nhead);
	if (ntail > 0 && ntail < REF_MIN)
		wbuf_add(&w, tail->data, ntail);
	if (evbuffer_add(ib->out, wbuf_data(&w), w.len) == -1 ||
	    (ntail >= REF_MIN && evbuffer_add_reference(ib->out, tail->data,
	    ntail, unref_rbuf, rbuf_ref(tail)) == -1))
		fatalx("imsg: out of memory");
	wbuf_free(&w);
	ib->queued += HEADER_LEN + nhead + ntail;
	if (!ib->dead)
		event_active(ib->wr, EV_WRITE, 0);
	check_marks(ib);
}

/* The byte a descriptor belongs to goes out in a sendmsg() of its own. */
static ssize_t
write_with_fd(struct imsgbuf *ib, struct outfd *f)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { 0 };
	struct cmsghdr *cm;
	struct iovec iov;
	char first;
	ssize_t n;

	if (evbuffer_copyout(ib->out, &first, 1) != 1)
		return 0;
	memset(&control, 0, sizeof(control));
	iov.iov_base = &first;
	iov.iov_len = 1;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control.buf;
	mh.msg_controllen = sizeof(control.buf);
	cm = CMSG_FIRSTHDR(&mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &f->fd, sizeof(int));
	n = sendmsg(ib->fd, &mh, MSG_NOSIGNAL);
	if (n == 1) {
		f->sent = 1;
		evbuffer_drain(ib->out, 1);
	}
	return n;
}

/* Returns 0 when the kernel takes no more or nothing is left, else errno. */
static int
write_some(struct imsgbuf *ib)
{
	struct outfd *f;
	size_t n;
	ssize_t r;

	while ((n = evbuffer_get_length(ib->out)) > 0) {
		TAILQ_FOREACH(f, &ib->fds, entry) {
			if (!f->sent)
				break;
		}
		if (f != NULL && f->offset == ib->written) {
			r = write_with_fd(ib, f);
		} else {
			if (f != NULL && f->offset - ib->written < n)
				n = (size_t)(f->offset - ib->written);
			r = evbuffer_write_atmost(ib->out, ib->fd,
			    (ev_ssize_t)n);
		}
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return errno == EAGAIN || errno == EWOULDBLOCK ?
			    0 : errno;
		ib->written += (uint64_t)r;
	}
	return 0;
}

static void
on_write(int fd, short ev, void *arg)
{
	struct imsgbuf *ib = arg;
	int err;

	(void)fd;
	(void)ev;
	if (ib->dead)
		return;
	enter(ib);
	err = write_some(ib);
	if (err != 0) {
		fail(ib, err == EPIPE || err == ECONNRESET ? 0 : err);
	} else {
		if (evbuffer_get_length(ib->out) > 0)
			event_add(ib->wr, NULL);
		check_marks(ib);
	}
	(void)leave(ib);
}

int
imsg_flush(struct imsgbuf *ib, int timeout_ms)
{
	int64_t end = time_mono_ms() + timeout_ms, left;
	struct pollfd pfd = { .fd = ib->fd, .events = POLLOUT };

	for (;;) {
		if (write_some(ib) != 0)
			return -1;
		if (evbuffer_get_length(ib->out) == 0)
			return 0;
		left = end - time_mono_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
			return -1;
	}
}

static ssize_t
receive(struct imsgbuf *ib, char *p, size_t size)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct msghdr mh = { 0 };
	struct cmsghdr *cm;
	struct iovec iov;
	ssize_t n;
	size_t i;
	int fd;

	iov.iov_base = p;
	iov.iov_len = size;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control.buf;
	mh.msg_controllen = sizeof(control.buf);
	n = recvmsg(ib->fd, &mh, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	for (cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= cm->cmsg_len;
		    i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (ib->ninfds < FDS_MAX)
				ib->infds[ib->ninfds++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static void
on_read(int fd, short ev, void *arg)
{
	static char chunk[READ_CHUNK];
	struct imsgbuf *ib = arg;
	size_t total = 0;
	ssize_t n = 0;
	int err = 0;

	(void)fd;
	(void)ev;
	enter(ib);
	while (err == 0 && !ib->dead && total < READ_TURN) {
		if (ib->body != NULL)
			n = receive(ib, ib->body->data + ib->body_len,
			    ib->body->len - ib->body_len);
		else
			n = receive(ib, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		total += (size_t)n;
		if (ib->body == NULL) {
			err = consume(ib, chunk, (size_t)n);
		} else if ((ib->body_len += (size_t)n) == ib->body->len) {
			err = deliver(ib);
		}
	}
	if (n == -1)
		err = errno == EAGAIN || errno == EINTR ? 0 : errno;
	if (!ib->dead && total > 0 && ib->ops->batch != NULL)
		ib->ops->batch(ib, ib->arg);
	if (!ib->dead && (err != 0 || n == 0))
		fail(ib, err == ECONNRESET ? 0 : err);
	(void)leave(ib);
}

/* Takes a chunk of the stream apart; 0, or EPROTO. */
static int
consume(struct imsgbuf *ib, const char *p, size_t len)
{
	size_t n;
	int err;

	while (len > 0 && !ib->dead) {
		if (ib->body == NULL) {
			n = HEADER_LEN - ib->part_len;
			if (n > len)
				n = len;
			memcpy(ib->part + ib->part_len, p, n);
			ib->part_len += n;
			p += n;
			len -= n;
			if (ib->part_len < HEADER_LEN)
				break;
			ib->part_len = 0;
			if ((ib->body = begin(ib, ib->part)) == NULL)
				return EPROTO;
			ib->body_len = 0;
		}
		n = ib->body->len - ib->body_len;
		if (n > len)
			n = len;
		memcpy(ib->body->data + ib->body_len, p, n);
		ib->body_len += n;
		p += n;
		len -= n;
		if (ib->body_len == ib->body->len &&
		    (err = deliver(ib)) != 0)
			return err;
	}
	return 0;
}

/*
 * A header has come: checks it against the table and makes room for the body.
 * NULL if it breaks the table.
 */
static struct rbuf *
begin(struct imsgbuf *ib, const unsigned char *header)
{
	const struct imsg_row *row;
	struct reader r;
	uint32_t type, len;
	int has_fd;

	reader_init(&r, header, HEADER_LEN);
	type = get_u32(&r);
	has_fd = (type & HAS_FD) != 0;
	type &= ~HAS_FD;
	len = get_u32(&r);
	ib->msg.id = get_u32(&r);
	ib->msg.pid = (pid_t)get_u32(&r);
	row = &imsg_rows[type < IMSG_MAX ? type : IMSG_NONE];
	if (row->name == NULL || !(row->senders & IMSG_FROM(ib->peer)) ||
	    len < row->min || len > row->max || has_fd != row->fd ||
	    (has_fd && ib->ninfds == 0)) {
		log_warnx("imsg: process %d sent %s of %u bytes: not in the "
		    "table", (int)ib->peer, imsg_name(type), len);
		return NULL;
	}
	ib->msg.type = (enum imsg_type)type;
	if (has_fd) {
		ib->msg.fd = ib->infds[0];
		ib->ninfds--;
		memmove(ib->infds, ib->infds + 1,
		    ib->ninfds * sizeof(ib->infds[0]));
	}
	return rbuf_new(len);
}

static int
deliver(struct imsgbuf *ib)
{
	struct imsg m = ib->msg;

	m.body = ib->body;
	ib->body = NULL;
	ib->msg.fd = -1;
	reader_init(&m.rd, m.body->data, m.body->len);
	if (m.fd != -1)
		imsg_send(ib, FD_ACK, 0, -1, NULL, NULL);
	if (m.type == FD_ACK)
		fd_acked(ib);
	else
		ib->ops->dispatch(ib, &m, ib->arg);
	rbuf_unref(m.body);
	return 0;
}

static void
fd_acked(struct imsgbuf *ib)
{
	struct outfd *f = TAILQ_FIRST(&ib->fds);

	if (f == NULL || !f->sent)
		return;
	TAILQ_REMOVE(&ib->fds, f, entry);
	close(f->fd);
	free(f);
}
