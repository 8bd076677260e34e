/* SPDX-License-Identifier: ISC */
/*
 * hubctl chat: the connection and what is shown.
 */
#include "compat.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "chat.h"
#include "hubctl.h"
#include "hubfind.h"
#include "log.h"
#include "paths.h"
#include "term.h"
#include "timeutil.h"

#define START_MS	12000	/* to register, names that are taken included */
#define LEAVE_MS	5000	/* for the last answers when a person leaves */

static int	use_socket(const char *);
static int	check_hub(struct event_base *);
static struct event_base *new_base(void);
static const char *prompt(void *);
static void	begin(struct chat *, const char *);
static int	talk(struct chat *);
static void	settle(struct chat *, int64_t);
static void	end(struct chat *);
static void	on_up(struct hubclient *, const char *, void *);
static void	on_down(struct hubclient *, void *);
static void	on_failed(struct hubclient *, const char *, void *);
static void	on_answer(struct hubclient *, json_t *, void *);
static void	on_late(evutil_socket_t, short, void *);
static void	on_log(enum log_level, const char *, void *);
static void	wait_while(struct chat *, int (*)(struct chat *), int64_t);
static int	is_starting(struct chat *);
static int	has_requests(struct chat *);
static int	has_asks(struct chat *);
static void	vsay(struct chat *, const char *, va_list)
		    __attribute__((__format__(printf, 2, 0)));

static const struct hubclient_ops hub_ops = {
	.up = on_up,
	.down = on_down,
	.event = chat_event,
	.failed = on_failed,
};

int
cmd_chat(struct hubctl *ctl, int argc, char **argv)
{
	struct chat c = { 0 };
	char name[NAME_SIZE];
	int rc;

	if (ctl->json) {
		warnx("chat has no -j");
		return EXIT_USAGE;
	}
	if (argc == 0)
		login_name(name);
	else if (!name_valid(slice_of(argv[0]))) {
		warnx("%s: not a name of 1 to %d letters, digits, '.', '_' "
		    "and '-'", argv[0], NAME_LEN_MAX);
		return EXIT_FAILURE;
	} else
		strlcpy(name, argv[0], sizeof(name));
	if (use_socket(ctl->socket) == -1)
		return EXIT_FAILURE;
	c.base = new_base();
	if (check_hub(c.base) == -1) {
		event_base_free(c.base);
		return EXIT_FAILURE;
	}
	begin(&c, name);
	rc = talk(&c);
	end(&c);
	return rc;
}

/* Sessions' socket is beside hubctl's. */
static int
use_socket(const char *ctl_socket)
{
	char path[CTL_PATH_SIZE], *slash;

	if (ctl_socket == NULL)
		return 0;
	if (ctl_path(ctl_socket, path) == -1)
		return -1;
	slash = strrchr(path, '/');
	*(slash != NULL ? slash + 1 : path) = '\0';
	if (strlcat(path, "hub.sock", sizeof(path)) >= sizeof(path) ||
	    setenv("RELAY_HUB_SOCKET", path, 1) == -1) {
		warnx("%s: path too long", ctl_socket);
		return -1;
	}
	return 0;
}

static void
no_change(void *arg)
{
	(void)arg;
}

/* A chat starts no hub: without one there is nobody to talk to. */
static int
check_hub(struct event_base *base)
{
	struct hubfind *hf = hubfind_new(base, no_change, NULL);
	char path[CTL_PATH_SIZE] = "?";
	int fd, none;

	hubfind_begin(hf);
	fd = hubfind_connect(hf);
	none = fd == -1 && (errno == ENOENT || errno == ECONNREFUSED);
	if (none) {
		(void)paths_hub_socket(path, sizeof(path));
		ctl_no_hub(path);
	} else if (fd == -1)
		warnx("%s", hubfind_trouble(hf));
	else
		close(fd);
	hubfind_free(hf);
	return fd == -1 ? -1 : 0;
}

/* Standard input may be a file, which epoll and kqueue cannot watch. */
static struct event_base *
new_base(void)
{
	struct event_config *conf = event_config_new();
	struct event_base *base = NULL;

	if (conf != NULL) {
		event_config_require_features(conf, EV_FEATURE_FDS);
		base = event_base_new_with_config(conf);
		event_config_free(conf);
	}
	if (base == NULL)
		errx(1, "event_base_new failed");
	return base;
}

static void
begin(struct chat *c, const char *name)
{
	char cwd[CWD_LEN_MAX + 1];
	const struct hubclient_conf conf = {
		.name = name,
		.cwd = getcwd(cwd, sizeof(cwd)),
		.host = "hubctl chat",
	};

	TAILQ_INIT(&c->asks);
	TAILQ_INIT(&c->requests);
	c->shown = json_array();
	c->asked = json_object();
	strlcpy(c->wanted, name, sizeof(c->wanted));
	c->input = input_new(c->base, prompt, c);
	log_to_fn(on_log, c);
	c->hub = hubclient_new(c->base, &conf, &hub_ops, c);
}

static int
talk(struct chat *c)
{
	struct slice line;
	int rc;

	wait_while(c, is_starting, START_MS);
	if (!c->up) {
		if (!c->failed)
			warnx("cannot register: %s",
			    hubclient_trouble(c->hub));
		return EXIT_FAILURE;
	}
	while ((rc = input_line(c->input, &line)) == 1) {
		if (chat_line(c, line))
			break;
		if (!input_is_terminal(c->input))
			settle(c, INT64_MAX);
	}
	if (rc == -1)
		chat_error(c, "a line is too long");
	/* a script wants the answers to what it asked; /quit does not */
	if (rc == 0 && !input_is_terminal(c->input))
		wait_while(c, has_asks, INT64_MAX);
	if (!input_stopped(c->input)) {
		chat_seen(c);
		settle(c, LEAVE_MS);
	}
	if (input_is_terminal(c->input) && !c->failed)
		return EXIT_SUCCESS;
	return c->errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void
end(struct chat *c)
{
	struct request *r;
	struct ask *a;

	hubclient_free(c->hub);
	log_to_stderr();
	input_free(c->input);
	while ((r = TAILQ_FIRST(&c->requests)) != NULL) {
		TAILQ_REMOVE(&c->requests, r, entry);
		free(r);
	}
	while ((a = TAILQ_FIRST(&c->asks)) != NULL)
		ask_free(c, a);
	json_decref(c->shown);
	json_decref(c->asked);
	event_base_free(c->base);
}

/* Every request ends by itself: hubclient sees to that. */
static void
settle(struct chat *c, int64_t ms)
{
	wait_while(c, has_requests, ms);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(int *)arg = 1;
}

/* Runs the event loop while the condition holds, ms at most. */
static void
wait_while(struct chat *c, int (*cond)(struct chat *), int64_t ms)
{
	struct timeval tv = time_tv(ms != INT64_MAX ? ms : 0);
	struct event *timer;
	int late = 0;

	if (!cond(c))
		return;
	if ((timer = evtimer_new(c->base, on_late, &late)) == NULL)
		errx(1, "evtimer_new failed");
	if (ms != INT64_MAX)
		evtimer_add(timer, &tv);
	while (!late && cond(c))
		event_base_loop(c->base, EVLOOP_ONCE);
	event_free(timer);
}

static int
is_starting(struct chat *c)
{
	return !c->up && !c->failed;
}

static int
has_requests(struct chat *c)
{
	return !TAILQ_EMPTY(&c->requests);
}

static int
has_asks(struct chat *c)
{
	return json_object_size(c->asked) > 0;
}

static void
on_up(struct hubclient *hc, const char *name, void *arg)
{
	struct chat *c = arg;
	int64_t unread = hubclient_unread(hc);

	c->up = 1;
	if (c->was_up)
		chat_say(c, "* the hub is back; you are %s", name);
	else if (input_is_terminal(c->input))
		chat_say(c, "* you are %s; /help shows what you can do", name);
	else if (strcmp(name, c->wanted) != 0)
		chat_say(c, "* you are %s: %s is taken", name, c->wanted);
	if (unread > 0 && (!c->was_up || input_is_terminal(c->input)))
		chat_say(c, "* %lld unread: /inbox shows them",
		    (long long)unread);
	c->was_up = 1;
}

/* The hub keeps no asks: they went with it. */
static void
on_down(struct hubclient *hc, void *arg)
{
	struct chat *c = arg;
	const char *key;
	json_t *to;

	(void)hc;
	c->up = 0;
	chat_say(c, "* the hub has gone; waiting for it");
	json_object_foreach(c->asked, key, to)
		chat_error(c, "* no answer from %s: the hub has gone",
		    json_string_value(to));
	json_object_clear(c->asked);
}

static void
on_failed(struct hubclient *hc, const char *code, void *arg)
{
	struct chat *c = arg;

	(void)hc;
	c->up = 0;
	c->failed = 1;
	chat_error(c, "* cannot register: %s", code);
	input_stop(c->input);
}

static void
on_log(enum log_level level, const char *line, void *arg)
{
	(void)level;
	chat_say(arg, "* %s", line);
}

static const char *
prompt(void *arg)
{
	struct chat *c = arg;

	snprintf(c->prompt, sizeof(c->prompt), "[%s%s%s] ",
	    hubclient_name(c->hub), c->partner[0] != '\0' ? " -> " : "",
	    c->partner);
	return c->prompt;
}

static void
vsay(struct chat *c, const char *fmt, va_list ap)
{
	struct wbuf w = { 0 };
	char *line;
	int len;

	if ((len = vasprintf(&line, fmt, ap)) == -1)
		errx(1, "out of memory");
	term_add(&w, line, (size_t)len, TERM_LINE, term_ascii());
	wbuf_adds(&w, "\n");
	input_print(c->input, wbuf_data(&w), w.len);
	wbuf_free(&w);
	free(line);
}

void
chat_say(struct chat *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(c, fmt, ap);
	va_end(ap);
}

void
chat_error(struct chat *c, const char *fmt, ...)
{
	va_list ap;

	c->errors++;
	va_start(ap, fmt);
	vsay(c, fmt, ap);
	va_end(ap);
}

void
chat_text(struct chat *c, const char *when, const char *head,
    const char *text, size_t len)
{
	struct wbuf w = { 0 };
	char clock[16];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M", &tm);
	term_add(&w, when != NULL ? when : clock,
	    strlen(when != NULL ? when : clock), TERM_LINE, term_ascii());
	wbuf_adds(&w, " ");
	term_add(&w, head, strlen(head), TERM_LINE, term_ascii());
	wbuf_adds(&w, ":");
	term_block(&w, text, len, term_width(wbuf_data(&w), w.len),
	    input_columns(c->input));
	input_print(c->input, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

const char *
chat_member(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

void
chat_request(struct chat *c, json_t *msg, const char *to, const char *id,
    chat_done *done)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->chat = c;
	r->done = done;
	if (to != NULL)
		strlcpy(r->to, to, sizeof(r->to));
	if (id != NULL)
		strlcpy(r->id, id, sizeof(r->id));
	TAILQ_INSERT_TAIL(&c->requests, r, entry);
	hubclient_request(c->hub, msg, on_answer, r);
}

static void
on_answer(struct hubclient *hc, json_t *msg, void *arg)
{
	struct request *r = arg;
	struct chat *c = r->chat;

	(void)hc;
	TAILQ_REMOVE(&c->requests, r, entry);
	r->done(c, r, msg);
	free(r);
}

int
chat_failed(struct chat *c, const char *what, json_t *msg)
{
	const char *code, *text;

	if (msg == NULL) {
		chat_error(c, "* %s: the hub cannot be reached", what);
		return 1;
	}
	if (strcmp(chat_member(msg, "type"), "err") != 0)
		return 0;
	code = chat_member(msg, "code");
	text = chat_member(msg, "message");
	chat_error(c, "* %s: %s%s%s", what, code != NULL ? code : "error",
	    text != NULL ? ": " : "", text != NULL ? text : "");
	return 1;
}
