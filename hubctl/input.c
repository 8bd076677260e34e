/* SPDX-License-Identifier: ISC */
/*
 * Lines from standard input while the event loop runs.
 */
#include "compat.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "edit.h"
#include "input.h"
#include "names.h"

#define NSIGNALS	5

struct input {
	struct event_base	*base;
	struct edit		*edit;		/* NULL: not a terminal */
	struct event		*readable;
	struct event		*signals[NSIGNALS];
	const char		*(*prompt)(void *);
	void			*arg;
	struct wbuf		 buf;		/* shown up to pos */
	size_t			 pos;
	int			 ready, eof, stopped;
};

static int	is_terminal(void);
static void	on_readable(evutil_socket_t, short, void *);
static void	on_signal(evutil_socket_t, short, void *);
static void	suspend(struct input *);
static size_t	wait_bytes(char *, size_t, void *);
static const char *get_prompt(void *);
static int	plain_line(struct input *, struct slice *);

static const int signal_numbers[NSIGNALS] = {
	SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH
};

static const struct edit_ops edit_ops = {
	.read = wait_bytes,
	.prompt = get_prompt,
};

/* One that can move its cursor, on both sides. */
static int
is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

struct input *
input_new(struct event_base *base, const char *(*prompt)(void *), void *arg)
{
	struct input *in = xcalloc(1, sizeof(*in));
	size_t i;

	in->base = base;
	in->prompt = prompt;
	in->arg = arg;
	in->readable = event_new(base, STDIN_FILENO, EV_READ, on_readable,
	    in);
	if (in->readable == NULL)
		errx(1, "event_new failed");
	if (!is_terminal())
		return in;
	in->edit = edit_new(&edit_ops, in);
	for (i = 0; i < NSIGNALS; i++) {
		in->signals[i] = evsignal_new(base, signal_numbers[i],
		    on_signal, in);
		if (in->signals[i] == NULL ||
		    event_add(in->signals[i], NULL) == -1)
			errx(1, "evsignal_new failed");
	}
	return in;
}

void
input_free(struct input *in)
{
	size_t i;

	if (in->edit != NULL)
		edit_free(in->edit);
	for (i = 0; i < NSIGNALS; i++) {
		if (in->signals[i] != NULL)
			event_free(in->signals[i]);
	}
	event_free(in->readable);
	wbuf_free(&in->buf);
	free(in);
}

int
input_is_terminal(const struct input *in)
{
	return in->edit != NULL;
}

size_t
input_columns(const struct input *in)
{
	return in->edit != NULL ? edit_columns() : 0;
}

void
input_stop(struct input *in)
{
	in->stopped = 1;
}

int
input_stopped(const struct input *in)
{
	return in->stopped;
}

void
input_print(struct input *in, const char *text, size_t len)
{
	if (in->edit != NULL)
		edit_hide(in->edit);
	fwrite(text, 1, len, stdout);
	if (in->edit != NULL)
		edit_show(in->edit);
	else
		fflush(stdout);
}

void
input_refresh(struct input *in)
{
	input_print(in, "", 0);
}

static const char *
get_prompt(void *arg)
{
	struct input *in = arg;

	return in->prompt(in->arg);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct input *in = arg;

	(void)fd;
	(void)what;
	in->ready = 1;
}

/*
 * Runs the event loop until there is input and reads it.  The terminal may be
 * shared with others, so that it is left blocking.
 */
static size_t
wait_bytes(char *dst, size_t size, void *arg)
{
	struct input *in = arg;
	ssize_t n;

	for (;;) {
		in->ready = 0;
		if (event_add(in->readable, NULL) == -1)
			errx(1, "event_add failed");
		while (!in->ready && !in->stopped)
			event_base_loop(in->base, EVLOOP_ONCE);
		event_del(in->readable);
		if (in->stopped)
			return 0;
		n = read(STDIN_FILENO, dst, size);
		if (n >= 0)
			return (size_t)n;
		if (errno != EINTR && errno != EAGAIN)
			return 0;
	}
}

int
input_line(struct input *in, struct slice *line)
{
	if (in->stopped)
		return 0;
	if (in->edit == NULL)
		return plain_line(in, line);
	if (!edit_line(in->edit, &in->buf))
		return 0;
	line->p = wbuf_data(&in->buf);
	line->len = in->buf.len;
	return 1;
}

/* A line without a newline at the end of input is one, too. */
static int
plain_line(struct input *in, struct slice *line)
{
	const char *start, *end;
	size_t n;

	if (in->pos > 0) {
		n = in->buf.len - in->pos;
		memmove(wbuf_room(&in->buf, 0) - in->buf.len,
		    wbuf_data(&in->buf) + in->pos, n);
		in->buf.len = n;
		in->pos = 0;
	}
	for (;;) {
		start = wbuf_data(&in->buf);
		end = in->buf.len == 0 ? NULL :
		    memchr(start, '\n', in->buf.len);
		if (end != NULL || in->eof)
			break;
		if (in->buf.len > LINE_MAX_BYTES)
			return -1;
		n = wait_bytes(wbuf_room(&in->buf, 65536), 65536, in);
		in->buf.len += n;
		in->eof = n == 0;
	}
	if (end == NULL && in->buf.len == 0)
		return 0;
	line->p = start;
	line->len = end != NULL ? (size_t)(end - start) : in->buf.len;
	in->pos = line->len + (end != NULL);
	return !in->stopped;
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct input *in = arg;

	(void)what;
	if (sig == SIGWINCH)
		edit_resize(in->edit);
	else if (sig == SIGTSTP)
		suspend(in);
	else
		in->stopped = 1;
}

/* Stops as the terminal asked for, with the terminal as it was before. */
static void
suspend(struct input *in)
{
	edit_hide(in->edit);
	fflush(stdout);
	edit_terminal(in->edit, 0);
	kill(getpid(), SIGSTOP);
	edit_terminal(in->edit, 1);
	edit_show(in->edit);
}
