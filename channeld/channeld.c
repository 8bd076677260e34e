/* SPDX-License-Identifier: ISC */
/*
 * channeld: an AI host's MCP server on stdin and stdout, and a client of the
 * hub; one for each session.
 */
#include "compat.h"

#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "heap.h"
#include "host.h"
#include "identity.h"
#include "life.h"
#include "log.h"
#include "paths.h"
#include "push.h"
#include "channel.h"
#include "timeutil.h"
#include "version.h"

#define CALLS_MAX	256	/* unanswered; then stdin is not read */
#define LAST_CALLS_MS	500	/* for those running when stdin ends */
#define RATE		120	/* tool calls a minute that send */
#define BURST		60

struct channeld {
	struct event_base *base;
	struct event	*signals[3];
	struct event	*last_calls;	/* stdin has ended; time is up */
	struct host	*host;
	struct life	*life;
	struct channel	*session;
	int		 ending;
};

struct options {
	const char	*name, *push;
	int		 core, debug;
	unsigned	 rate, burst;
};

static void	usage(void) __attribute__((__noreturn__));
static void	parse_options(int, char **, struct options *);
static unsigned	number(const char *, const char **);
static void	start_log(const struct options *);
static void	start(struct channeld *, const struct options *,
		    struct identity *);
static void	stop(struct channeld *);
static void	on_libevent(int, const char *);
static void	keep_flags(int, int[2]);
static void	on_line(char *, size_t, void *);
static void	on_overlong(void *);
static int	is_busy(void *);
static void	on_host_closed(void *);
static void	on_write(const char *, size_t, void *);
static size_t	backlog(void *);
static void	on_parent_gone(void *);
static void	on_signal(evutil_socket_t, short, void *);
static void	on_last_calls(evutil_socket_t, short, void *);

static const struct host_ops host_ops = {
	.line = on_line,
	.overlong = on_overlong,
	.busy = is_busy,
	.closed = on_host_closed,
};

static const int stop_signals[3] = { SIGTERM, SIGINT, SIGHUP };

static const struct option long_options[] = {
	{ "debug", no_argument, NULL, 'd' },
	{ "name", required_argument, NULL, 'n' },
	{ "push", required_argument, NULL, 'p' },
	{ "rate", required_argument, NULL, 'r' },
	{ "tools", required_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static void
usage(void)
{
	fprintf(stderr, "usage: channeld [-dV] [-n name] "
	    "[-p auto|claude|codex|channel|none]\n\t\t"
	    "[-r rate[:burst]] [-t all|core]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct channeld c;
	struct options opt;
	struct identity *id = xmalloc(sizeof(*id));
	char cwd[PATH_MAX];
	int flags[2];

	paths_init(argv[0]);
	log_set_name("channeld", NULL);
	heap_keep(HEAP_KEEP, HEAP_BLOCK);
	parse_options(argc, argv, &opt);
	start_log(&opt);
	event_set_log_callback(on_libevent);
	(void)signal(SIGPIPE, SIG_IGN);
	if (getcwd(cwd, sizeof(cwd)) == NULL) {
		log_warn("getcwd");
		strlcpy(cwd, "/", sizeof(cwd));
	}
	identity_init(id, opt.name, cwd, getppid());
	keep_flags(F_GETFL, flags);
	start(&c, &opt, id);
	event_base_dispatch(c.base);
	keep_flags(F_SETFL, flags);
	stop(&c);
	free(id);
	return 0;
}

static void
parse_options(int argc, char **argv, struct options *opt)
{
	const char *end;
	int ch;

	memset(opt, 0, sizeof(*opt));
	opt->push = "auto";
	opt->rate = RATE;
	opt->burst = BURST;
	while ((ch = getopt_long(argc, argv, "dn:p:r:t:V", long_options,
	    NULL)) != -1) {
		switch (ch) {
		case 'd':
			opt->debug = 1;
			break;
		case 'n':
			opt->name = optarg;
			break;
		case 'p':
			opt->push = optarg;
			break;
		case 'r':
			opt->rate = number(optarg, &end);
			if (*end == ':')
				opt->burst = number(end + 1, &end);
			if (*end != '\0')
				usage();
			break;
		case 't':
			opt->core = strcmp(optarg, "core") == 0;
			if (!opt->core && strcmp(optarg, "all") != 0)
				usage();
			break;
		case 'V':
			printf("channeld %s\n", ecorelay_version);
			exit(0);
		default:
			usage();
		}
	}
	if (optind != argc || !push_valid(opt->push))
		usage();
}

/* 1 to 1,000,000, or usage(). */
static unsigned
number(const char *text, const char **end)
{
	char *rest;
	long n = strtol(text, &rest, 10);

	if (rest == text || n < 1 || n > 1000000)
		usage();
	*end = rest;
	return (unsigned)n;
}

static void
start_log(const struct options *opt)
{
	char data[PATH_MAX], dir[PATH_MAX];

	if (opt->debug) {
		log_set_level(LOG_LEVEL_DEBUG);
		return;
	}
	if (paths_data(data, sizeof(data)) == 0 &&
	    paths_join(dir, sizeof(dir), data, "logs") == 0)
		log_to_dir(dir);
}

/* It would write to stderr, of plain files on stdin for example. */
static void
on_libevent(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

static void
start(struct channeld *c, const struct options *opt, struct identity *id)
{
	struct channel_conf conf = {
		.identity = id,
		.push = opt->push,
		.core = opt->core,
		.rate = opt->rate,
		.burst = opt->burst,
		.write = on_write,
		.backlog = backlog,
		.arg = c,
	};
	size_t i;

	memset(c, 0, sizeof(*c));
	if ((c->base = conf.base = event_base_new()) == NULL)
		fatalx("event_base_new");
	for (i = 0; i < 3; i++) {
		c->signals[i] = evsignal_new(c->base, stop_signals[i],
		    on_signal, c);
		if (c->signals[i] == NULL ||
		    event_add(c->signals[i], NULL) == -1)
			fatalx("cannot catch signal %d", stop_signals[i]);
	}
	if ((c->last_calls = evtimer_new(c->base, on_last_calls, c)) == NULL)
		fatalx("evtimer_new");
	c->session = channel_new(&conf);
	c->life = life_new(c->base, on_parent_gone, c);
	c->host = host_new(c->base, STDIN_FILENO, STDOUT_FILENO, &host_ops, c);
}

static void
stop(struct channeld *c)
{
	size_t i;

	host_free(c->host);
	channel_free(c->session);
	life_free(c->life);
	for (i = 0; i < 3; i++)
		event_free(c->signals[i]);
	event_free(c->last_calls);
	event_base_free(c->base);
}

/* A terminal is shared with the shell, which wants it as it was. */
static void
keep_flags(int cmd, int flags[2])
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
		if (cmd == F_GETFL)
			flags[fd] = fcntl(fd, F_GETFL);
		else if (flags[fd] != -1 && isatty(fd))
			(void)fcntl(fd, F_SETFL, flags[fd]);
	}
}

/* The host. */

static void
on_line(char *line, size_t len, void *arg)
{
	struct channeld *c = arg;

	channel_line(c->session, line, len);
}

static void
on_overlong(void *arg)
{
	struct channeld *c = arg;

	channel_line(c->session, NULL, 0);
}

static int
is_busy(void *arg)
{
	struct channeld *c = arg;

	return channel_running(c->session) >= CALLS_MAX;
}

static void
on_write(const char *p, size_t len, void *arg)
{
	struct channeld *c = arg;

	host_write(c->host, p, len);
	if (c->ending && channel_running(c->session) == 0)
		event_base_loopbreak(c->base);
	else
		host_check(c->host);
}

static size_t
backlog(void *arg)
{
	struct channeld *c = arg;

	return host_backlog(c->host);
}

/* Calls that a script sent before it closed stdin get their answers. */
static void
on_host_closed(void *arg)
{
	struct channeld *c = arg;
	struct timeval tv = time_tv(LAST_CALLS_MS);

	c->ending = 1;
	if (channel_running(c->session) == 0)
		event_base_loopbreak(c->base);
	else
		event_add(c->last_calls, &tv);
}

static void
on_last_calls(evutil_socket_t fd, short ev, void *arg)
{
	struct channeld *c = arg;

	(void)fd;
	(void)ev;
	event_base_loopbreak(c->base);
}

/* Life. */

static void
on_parent_gone(void *arg)
{
	struct channeld *c = arg;

	log_info("the host's process has ended");
	event_base_loopbreak(c->base);
}

static void
on_signal(evutil_socket_t sig, short ev, void *arg)
{
	struct channeld *c = arg;

	(void)ev;
	log_info("signal %d", (int)sig);
	event_base_loopbreak(c->base);
}
