/* SPDX-License-Identifier: ISC */
/*
 * A connection to a running hub's hubctl.sock: a synchronous face on imsg.
 */
#include "compat.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include "ctl.h"
#include "ctlproto.h"
#include "paths.h"
#include "term.h"
#include "timeutil.h"
#include "unixsock.h"

#define CTL_WAIT_MS	15000
#define SYSTEM_SOCKET	"/run/ecorelay/hubctl.sock"

struct ctl {
	struct event_base	*base;
	struct event		*deadline;
	struct imsgbuf		*ibuf;		/* NULL: the hub has gone */
	char			 version[64];	/* of the hub */
	uint32_t		 id;		/* of the last request */
	int			 answered;
	int			 late;
	int			 error;		/* why it has gone, or 0 */
	struct rbuf		*result;
	int			 fd;		/* that came with it, or -1 */
	int			 (*event_fn)(const char *, size_t, void *);
	void			*event_arg;
	int			 event_rc;
};

static int	no_answer(int);
static int	connect_any(const char *, char[CTL_PATH_SIZE]);
static void	ctl_dispatch(struct imsgbuf *, struct imsg *, void *);
static void	ctl_closed(struct imsgbuf *, int, void *);
static void	ctl_deadline(evutil_socket_t, short, void *);
static void	ctl_answer(struct ctl *, struct imsg *);
static void	say_error(struct reader *);
static struct ctl	*open_as(const char *, uint32_t);
static int	ctl_hello(struct ctl *, uint32_t);
static void	ctl_arm(struct ctl *, int);

static const struct imsg_ops ctl_ops = {
	.dispatch = ctl_dispatch,
	.closed = ctl_closed,
};

int
ctl_path(const char *path, char dst[CTL_PATH_SIZE])
{
	if (path == NULL) {
		if (paths_ctl_socket(dst, CTL_PATH_SIZE) == 0)
			return 0;
		warn("hubctl.sock");
		return -1;
	}
	if (strlcpy(dst, path, CTL_PATH_SIZE) >= CTL_PATH_SIZE) {
		warnx("%s: path too long", path);
		return -1;
	}
	return 0;
}

void
ctl_no_hub(const char *path)
{
	warnx("no hub is running (no answer at %s): open a session, or start "
	    "hubd", path);
}

static int
no_answer(int error)
{
	return error == ENOENT || error == ECONNREFUSED;
}

/*
 * The system's hub is the second choice, if nothing says where to look.
 * Returns a socket, or -1 with errno; what is not no_answer() has been said.
 */
static int
connect_any(const char *path, char found[CTL_PATH_SIZE])
{
	int fd, saved;

	if (ctl_path(path, found) == -1) {
		errno = EINVAL;
		return -1;
	}
	if ((fd = unix_connect(found)) != -1)
		return fd;
	saved = errno;
	if (no_answer(saved) && path == NULL &&
	    getenv("RELAY_HUB_SOCKET") == NULL &&
	    getenv("ECORELAY_DATA") == NULL &&
	    (fd = unix_connect(SYSTEM_SOCKET)) != -1)
		strlcpy(found, SYSTEM_SOCKET, CTL_PATH_SIZE);
	errno = saved;
	if (fd == -1 && !no_answer(saved))
		warn("%s", found);
	errno = saved;
	return fd;
}

int
ctl_probe(const char *path, char found[CTL_PATH_SIZE])
{
	int fd = connect_any(path, found);

	if (fd == -1)
		return no_answer(errno) ? 0 : -1;
	close(fd);
	return 1;
}

struct ctl *
ctl_open(const char *path)
{
	return open_as(path, CTL_VERSION);
}

struct ctl *
ctl_open_any(const char *path)
{
	return open_as(path, 0);
}

static struct ctl *
open_as(const char *path, uint32_t version)
{
	char found[CTL_PATH_SIZE];
	struct ctl *ctl;
	int fd;

	if ((fd = connect_any(path, found)) == -1) {
		if (no_answer(errno))
			ctl_no_hub(found);
		return NULL;
	}
	ctl = xcalloc(1, sizeof(*ctl));
	ctl->fd = -1;
	if ((ctl->base = event_base_new()) == NULL ||
	    (ctl->deadline = evtimer_new(ctl->base, ctl_deadline, ctl)) ==
	    NULL)
		errx(1, "event_base_new failed");
	ctl->ibuf = imsg_new(ctl->base, fd, PROC_CTL, PROC_ROUTER, &ctl_ops,
	    ctl);
	if (ctl_hello(ctl, version) == -1) {
		ctl_close(ctl);
		return NULL;
	}
	return ctl;
}

void
ctl_close(struct ctl *ctl)
{
	if (ctl->ibuf != NULL)
		imsg_free(ctl->ibuf);
	rbuf_unref(ctl->result);
	if (ctl->fd != -1)
		close(ctl->fd);
	event_free(ctl->deadline);
	event_base_free(ctl->base);
	free(ctl);
}

const char *
ctl_version(const struct ctl *ctl)
{
	return ctl->version;
}

static int
ctl_hello(struct ctl *ctl, uint32_t version)
{
	struct wbuf w = { 0 };
	struct rbuf *result;
	const char *text;
	json_t *json;

	put_u32(&w, version);
	result = ctl_call(ctl, CTL_HELLO, &w);
	wbuf_free(&w);
	if (result == NULL)
		return -1;
	json = json_loadb(result->data, result->len, 0, NULL);
	text = json_string_value(json_object_get(json, "version"));
	strlcpy(ctl->version, text != NULL ? text : "?",
	    sizeof(ctl->version));
	json_decref(json);
	rbuf_unref(result);
	return 0;
}

static void
ctl_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *ctl = arg;

	(void)fd;
	(void)what;
	ctl->late = 1;
}

/* Starts the time that the hub has for an answer, or stops it (0). */
static void
ctl_arm(struct ctl *ctl, int ms)
{
	struct timeval tv = time_tv(ms);

	ctl->late = 0;
	if (ms == 0)
		evtimer_del(ctl->deadline);
	else
		evtimer_add(ctl->deadline, &tv);
}

struct rbuf *
ctl_call(struct ctl *ctl, enum imsg_type type, const struct wbuf *w)
{
	return ctl_call_long(ctl, type, w, CTL_WAIT_MS, NULL, NULL);
}

struct rbuf *
ctl_call_long(struct ctl *ctl, enum imsg_type type, const struct wbuf *w,
    int ms, int (*fn)(const char *, size_t, void *), void *arg)
{
	struct rbuf *result;

	ctl->event_fn = fn;
	ctl->event_arg = arg;
	ctl->event_rc = 0;
	ctl->answered = 0;
	if (ctl->ibuf != NULL) {
		imsg_send(ctl->ibuf, type, ++ctl->id, -1, w, NULL);
		ctl_arm(ctl, ms);
	}
	while (ctl->ibuf != NULL && !ctl->answered && !ctl->late)
		event_base_loop(ctl->base, EVLOOP_ONCE);
	if (!ctl->answered && ctl->late)
		warnx("the hub does not answer");
	else if (!ctl->answered)
		warnx("the hub closed the connection%s%s",
		    ctl->error ? ": " : "",
		    ctl->error ? strerror(ctl->error) : "");
	ctl_arm(ctl, 0);
	result = ctl->result;
	ctl->result = NULL;
	return result;
}

int
ctl_take_fd(struct ctl *ctl)
{
	int fd = ctl->fd;

	ctl->fd = -1;
	return fd;
}

static void
ctl_dispatch(struct imsgbuf *ibuf, struct imsg *imsg, void *arg)
{
	struct ctl *ctl = arg;

	(void)ibuf;
	if (imsg->type == CTL_EVENT) {
		if (ctl->event_fn != NULL && ctl->event_rc == 0)
			ctl->event_rc = ctl->event_fn(imsg->body->data,
			    imsg->body->len, ctl->event_arg);
	} else if (imsg->fd != -1) {
		if (ctl->fd != -1)
			close(ctl->fd);
		ctl->fd = imsg->fd;
	} else if (imsg->id == ctl->id && !ctl->answered)
		ctl_answer(ctl, imsg);
}

static void
ctl_answer(struct ctl *ctl, struct imsg *imsg)
{
	if (imsg->type == CTL_RESULT)
		ctl->result = rbuf_ref(imsg->body);
	else if (imsg->type == CTL_ERROR)
		say_error(&imsg->rd);
	else
		return;
	ctl->answered = 1;
}

static void
say_error(struct reader *rd)
{
	struct slice code = get_slice(rd), text = get_slice(rd);
	struct wbuf w = { 0 };

	term_add(&w, code.p, code.len, TERM_LINE, term_ascii());
	if (text.len > 0)
		wbuf_adds(&w, ": ");
	term_add(&w, text.p, text.len, TERM_LINE, term_ascii());
	if (reader_done(rd) == -1)
		warnx("the hub sent an error that makes no sense");
	else
		warnx("%.*s", (int)w.len, wbuf_data(&w));
	wbuf_free(&w);
}

static void
ctl_closed(struct imsgbuf *ibuf, int error, void *arg)
{
	struct ctl *ctl = arg;

	imsg_free(ibuf);
	ctl->ibuf = NULL;
	ctl->error = error;
}

int
ctl_events(struct ctl *ctl, int (*fn)(const char *, size_t, void *),
    void *arg)
{
	ctl->event_fn = fn;
	ctl->event_arg = arg;
	ctl->event_rc = 0;
	while (ctl->ibuf != NULL && ctl->event_rc == 0)
		event_base_loop(ctl->base, EVLOOP_ONCE);
	return ctl->event_rc != 0 ? ctl->event_rc : -1;
}

int
ctl_wait_gone(struct ctl *ctl)
{
	ctl_arm(ctl, CTL_WAIT_MS);
	while (ctl->ibuf != NULL && !ctl->late)
		event_base_loop(ctl->base, EVLOOP_ONCE);
	ctl_arm(ctl, 0);
	return ctl->ibuf == NULL ? 0 : -1;
}
