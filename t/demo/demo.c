/* SPDX-License-Identifier: ISC */
/*
 * The demo: two sessions that talk through a hub of their own, driven over
 * MCP as an AI host drives them.  Each step is checked and told as it happens.
 */
#include "compat.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "paths.h"
#include "timeutil.h"
#include "unixsock.h"

#define DIR_SIZE	64	/* short, so that a socket's path fits */
#define IDLE_MS		"1000"	/* how long the hub stays without sessions */
#define STEP_MS		20	/* between two looks at something */
#define KILL_MS		2000	/* from SIGTERM to SIGKILL */
#define CLEAN_TRIES	10
#define SETTLE_MS	200	/* after a failure */
#define LOG_TAIL	2000	/* bytes of each log, shown on failure */

#define QUESTION	"Which fields does GET /users/7 return?"
#define ANSWER		"id, name and email. The password is never sent."
#define NEWS		"The login page is done; it wants a 401 for a " \
			"wrong password."

enum { BACKEND, FRONTEND, HOSTS };

struct demo {
	struct host	 hosts[HOSTS];
	const char	*step;		/* what is being shown */
	char		 channeld[PATH_MAX];
	char		 dir[DIR_SIZE];	/* its own; all is in it */
	char		 data[DIR_SIZE];
	char		*msg_id;	/* of the message to backend */
	const char	*bold, *plain;	/* around names */
};

struct step {
	const char	*title;
	void		(*run)(struct demo *);
};

static void	 begin(struct demo *, const char *);
static void	 set_environment(const struct demo *);
static void	 clean_up(struct demo *, int);
static void	 catch_signals(void);
static void	 on_signal(int);
static void	 raise_caught(void);

static void	 tell(struct demo *, int, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
static void	 fail(struct demo *, const char *, const char *, ...)
		    __attribute__((__noreturn__, __format__(printf, 3, 4)));
static void	 show_logs(const char *);
static json_t	*need(struct demo *, int, json_t *, const char *);
static void	 need_string(struct demo *, const char *, const json_t *,
		    const char *, const char *);

static void	 enter(struct demo *, int);
static void	 see(struct demo *, int, const char *);
static void	 tell_unread(struct demo *, int);
static int	 hub_has_left(const struct demo *);
static void	 kill_hub(const struct demo *);

static void	 show_start(struct demo *);
static void	 show_peers(struct demo *);
static void	 show_question(struct demo *);
static void	 show_leaving(struct demo *);
static void	 show_return(struct demo *);
static void	 show_end(struct demo *);

static const struct step steps[] = {
	{ "Two sessions start; the first one starts the hub.", show_start },
	{ "Who is there?", show_peers },
	{ "frontend asks backend something.", show_question },
	{ "backend leaves, and frontend writes to it.", show_leaving },
	{ "backend comes back and reads it.", show_return },
	{ "Both end, and so does the hub.", show_end },
};
#define NSTEPS		(sizeof(steps) / sizeof(steps[0]))

/* Written to when a signal says stop, and which one it was. */
static int		 stop_pipe[2] = { -1, -1 };
static volatile sig_atomic_t caught;

int
main(int argc, char **argv)
{
	struct demo d = { 0 };
	size_t i;

	(void)argc;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	begin(&d, argv[0]);
	printf("EcoRelay: two AI sessions on one machine. Each line says who "
	    "does what.\n");
	for (i = 0; i < NSTEPS; i++) {
		d.step = steps[i].title;
		printf("\n%s%zu. %s%s\n", d.bold, i + 1, d.step, d.plain);
		steps[i].run(&d);
	}
	clean_up(&d, 0);
	if (caught != 0)
		fail(&d, "", "no signal");
	if (access(d.dir, F_OK) == 0)
		fail(&d, "it is still there", "%s to be removed", d.dir);
	printf("\nAll of this happened: each step was checked, and nothing "
	    "is left of it.\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

/* Beginning and end. */

static void
begin(struct demo *d, const char *argv0)
{
	static const char *const names[HOSTS] = { "backend", "frontend" };
	const char *tmp = getenv("TMPDIR"), *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	char path[PATH_MAX], *slash;
	int i, color;

	color = isatty(STDOUT_FILENO) && term != NULL &&
	    strcmp(term, "dumb") != 0 &&
	    (no_color == NULL || no_color[0] == '\0');
	d->bold = color ? "\033[1m" : "";
	d->plain = color ? "\033[0m" : "";
	for (i = 0; i < HOSTS; i++) {
		d->hosts[i].name = names[i];
		d->hosts[i].wfd = d->hosts[i].rfd = -1;
	}
	catch_signals();
	for (i = 0; i < HOSTS; i++)
		d->hosts[i].stop_fd = stop_pipe[0];
	d->step = "a place to work in";
	strlcpy(path, argv0, sizeof(path));
	if ((slash = strrchr(path, '/')) != NULL)
		*slash = '\0';
	strlcat(path, "/../../channeld/channeld", sizeof(path));
	if (realpath(path, d->channeld) == NULL)
		fail(d, strerror(errno), "%s, built by make", path);
	if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > DIR_SIZE / 2)
		tmp = "/tmp";
	snprintf(d->dir, sizeof(d->dir), "%s/relay-demo.XXXXXX", tmp);
	if (mkdtemp(d->dir) == NULL) {
		d->dir[0] = '\0';
		fail(d, strerror(errno), "a directory in %s", tmp);
	}
	snprintf(d->data, sizeof(d->data), "%.*s/d", DIR_SIZE - 3, d->dir);
	set_environment(d);
}

/* Nothing of the user's own hub, sessions and configuration. */
static void
set_environment(const struct demo *d)
{
	static const char *const foreign[] = {
		"RELAY_HUB_SOCKET", "CLAUDE_RELAY_SESSION_ID",
		"RELAY_CLIENT_ID", "RELAY_SESSION_NAME",
		"RELAY_MACHINE_NAME", "RELAY_REMOTE_URL", "RELAY_API_KEY",
		"RELAY_URL", "ECORELAY_WS_URL", "ECORELAY_WS_TOKEN",
		"ECORELAY_LIBEXEC",
	};
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		unsetenv(foreign[i]);
	setenv("ECORELAY_DATA", d->data, 1);
	setenv("ECORELAY_WS_PORT", "0", 1);
	setenv("ECORELAY_IDLE_MS", IDLE_MS, 1);
	setenv("HOME", d->dir, 1);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* After a failure a hub may just be starting, and make the directory anew. */
static void
clean_up(struct demo *d, int settle_ms)
{
	int i;

	for (i = 0; i < HOSTS; i++)
		host_kill(&d->hosts[i]);
	for (i = 0; i < CLEAN_TRIES && d->dir[0] != '\0'; i++) {
		kill_hub(d);
		(void)nftw(d->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		(void)poll(NULL, 0, settle_ms);
		if (access(d->dir, F_OK) == -1)
			break;
	}
	free(d->msg_id);
	d->msg_id = NULL;
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { 0 };
	size_t i;

	if (pipe(stop_pipe) == -1) {
		perror("demo: pipe");
		exit(1);
	}
	for (i = 0; i < 2; i++)
		(void)fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
	sa.sa_handler = on_signal;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
on_signal(int sig)
{
	int saved = errno;

	if (caught == 0 && write(stop_pipe[1], "", 1) == 1)
		caught = sig;
	errno = saved;
}

/* Ends as the signal would have ended us. */
static void
raise_caught(void)
{
	(void)signal(caught, SIG_DFL);
	(void)raise(caught);
}

/* Telling and checking. */

static void
tell(struct demo *d, int who, const char *fmt, ...)
{
	va_list ap;

	printf("   %s%-10s%s", d->bold, d->hosts[who].name, d->plain);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Says what was expected (fmt) and what came, cleans up and exits. */
static void
fail(struct demo *d, const char *got, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	if (caught != 0) {
		fprintf(stderr, "\ndemo: stopped by a signal\n");
		clean_up(d, SETTLE_MS);
		raise_caught();
	}
	fprintf(stderr, "\ndemo: failed at \"%s\"\n      expected: ", d->step);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n      came: %s\n", got);
	if (d->data[0] != '\0')
		show_logs(d->data);
	clean_up(d, SETTLE_MS);
	exit(1);
}

/* The ends of the logs; they have no texts of messages in them. */
static void
show_logs(const char *data)
{
	char dir[PATH_MAX], path[PATH_MAX], text[LOG_TAIL];
	struct dirent *e;
	DIR *logs;
	FILE *f;
	size_t n;

	snprintf(dir, sizeof(dir), "%s/logs", data);
	if ((logs = opendir(dir)) == NULL)
		return;
	while ((e = readdir(logs)) != NULL) {
		if (e->d_name[0] == '.' ||
		    paths_join(path, sizeof(path), dir, e->d_name) == -1 ||
		    (f = fopen(path, "r")) == NULL)
			continue;
		if (fseek(f, -LOG_TAIL, SEEK_END) == -1)
			rewind(f);
		n = fread(text, 1, sizeof(text), f);
		fprintf(stderr, "\nThe end of %s:\n%.*s", e->d_name, (int)n,
		    text);
		fclose(f);
	}
	closedir(logs);
}

/* Fails unless there is a value; returns it. */
static json_t *
need(struct demo *d, int who, json_t *value, const char *what)
{
	if (value == NULL)
		fail(d, d->hosts[who].why, "%s at %s", what,
		    d->hosts[who].name);
	return value;
}

/* Fails unless a member is that string; where says of what. */
static void
need_string(struct demo *d, const char *where, const json_t *object,
    const char *key, const char *wanted)
{
	const json_t *value = json_object_get(object, key);
	char *got;

	if (json_is_string(value) &&
	    strcmp(json_string_value(value), wanted) == 0)
		return;
	got = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	fail(d, got != NULL ? got : "nothing", "%s of %s to be \"%s\"", key,
	    where, wanted);
}

/* What several steps do. */

static void
enter(struct demo *d, int who)
{
	struct host *h = &d->hosts[who];
	char dir[DIR_SIZE + 16], log[DIR_SIZE + 16];
	json_t *hello, *list;
	size_t n;

	snprintf(dir, sizeof(dir), "%s/%s", d->dir, h->name);
	snprintf(log, sizeof(log), "%s/stderr", d->dir);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		fail(d, strerror(errno), "a directory %s", dir);
	if (host_start(h, d->channeld, dir, log) == -1)
		fail(d, h->why, "channeld of %s to start", h->name);
	hello = need(d, who, host_initialize(h), "the answer to initialize");
	list = need(d, who, host_request(h, "tools/list", NULL), "tools/list");
	n = json_array_size(json_object_get(list, "tools"));
	if (n == 0)
		fail(d, "none", "tools in tools/list");
	need_string(d, "serverInfo", json_object_get(hello, "serverInfo"),
	    "name", "ecorelay");
	tell(d, who, "starts: an MCP server (protocol %s) with %zu tools",
	    json_string_value(json_object_get(hello, "protocolVersion")), n);
	json_decref(hello);
	json_decref(list);
}

/*
 * relay_peers until exactly that one is there besides itself (NULL: nobody):
 * sessions come and go beside each other.
 */
static void
see(struct demo *d, int who, const char *other)
{
	int64_t deadline = time_mono_ms() + HOST_WAIT_MS;
	struct host *h = &d->hosts[who];
	const char *name;
	json_t *result, *peers;
	int done;

	for (;;) {
		result = need(d, who, host_tool(h, "relay_peers",
		    json_object()), "the result of relay_peers");
		need_string(d, "relay_peers", result, "me", h->name);
		peers = json_object_get(result, "peers");
		name = json_string_value(json_object_get(json_array_get(peers,
		    0), "name"));
		done = json_array_size(peers) == (other != NULL) &&
		    (other == NULL || (name != NULL &&
		    strcmp(name, other) == 0));
		json_decref(result);
		if (done)
			break;
		if (time_mono_ms() >= deadline)
			fail(d, "somebody else, or nobody",
			    "%s to see %s in relay_peers", h->name,
			    other != NULL ? other : "nobody");
		(void)poll(NULL, 0, STEP_MS);
	}
	tell(d, who, "relay_peers: I am %s; %s is there", h->name,
	    other != NULL ? other : "nobody else");
}

/* The steps. */

static void
show_start(struct demo *d)
{
	enter(d, BACKEND);
	enter(d, FRONTEND);
}

static void
show_peers(struct demo *d)
{
	see(d, BACKEND, "frontend");
	see(d, FRONTEND, "backend");
}

static void
show_question(struct demo *d)
{
	struct host *asker = &d->hosts[FRONTEND], *other = &d->hosts[BACKEND];
	const char *id;
	json_t *ask, *push, *meta, *result;

	tell(d, FRONTEND, "relay_ask to backend: \"%s\"", QUESTION);
	ask = need(d, FRONTEND, host_tool(asker, "relay_ask",
	    json_pack("{s:s,s:s}", "to", "backend", "question", QUESTION)),
	    "the result of relay_ask");
	if ((id = json_string_value(json_object_get(ask, "ask_id"))) == NULL)
		fail(d, "none", "an ask_id from relay_ask");
	push = need(d, BACKEND, host_push(other), "the question");
	meta = json_object_get(push, "meta");
	need_string(d, "the question", push, "content", QUESTION);
	need_string(d, "the question", meta, "from", "frontend");
	need_string(d, "the question", meta, "ask_id", id);
	tell(d, BACKEND, "is notified: frontend asks \"%s\"",
	    json_string_value(json_object_get(push, "content")));
	json_decref(push);
	tell(d, BACKEND, "relay_reply: \"%s\"", ANSWER);
	result = need(d, BACKEND, host_tool(other, "relay_reply",
	    json_pack("{s:s,s:s}", "ask_id", id, "text", ANSWER)),
	    "the result of relay_reply");
	if (!json_is_true(json_object_get(result, "ok")))
		fail(d, "not that", "ok from relay_reply");
	json_decref(result);
	push = need(d, FRONTEND, host_push(asker), "the answer");
	meta = json_object_get(push, "meta");
	need_string(d, "the answer", push, "content", ANSWER);
	need_string(d, "the answer", meta, "from", "backend");
	need_string(d, "the answer", meta, "ask_id", id);
	tell(d, FRONTEND, "is notified: backend answers \"%s\"",
	    json_string_value(json_object_get(push, "content")));
	json_decref(push);
	json_decref(ask);
}

static void
show_leaving(struct demo *d)
{
	struct host *leaver = &d->hosts[BACKEND];
	const char *id;
	json_t *result;

	if (host_end(leaver) == -1)
		fail(d, leaver->why, "backend to end with its stdin");
	tell(d, BACKEND, "ends");
	see(d, FRONTEND, NULL);
	tell(d, FRONTEND, "relay_send to backend: \"%s\"", NEWS);
	result = need(d, FRONTEND, host_tool(&d->hosts[FRONTEND], "relay_send",
	    json_pack("{s:s,s:s}", "to", "backend", "text", NEWS)),
	    "the result of relay_send");
	need_string(d, "relay_send", result, "status", "queued");
	id = json_string_value(json_object_get(result, "msg_id"));
	if (id == NULL)
		fail(d, "none", "a msg_id from relay_send");
	d->msg_id = xstrdup(id);
	tell(d, FRONTEND, "is told: queued, in backend's mailbox");
	json_decref(result);
}

/* A result of a tool says that mail waits. */
static void
tell_unread(struct demo *d, int who)
{
	json_t *result;

	result = need(d, who, host_tool(&d->hosts[who], "relay_peers",
	    json_object()), "the result of relay_peers");
	if (json_integer_value(json_object_get(result, "unread")) != 1)
		fail(d, "another number, or none", "unread:1 in relay_peers");
	tell(d, who, "is told with that result: 1 message is unread");
	json_decref(result);
}

static void
show_return(struct demo *d)
{
	json_t *result, *messages, *msg;

	enter(d, BACKEND);
	see(d, BACKEND, "frontend");
	tell_unread(d, BACKEND);
	result = need(d, BACKEND, host_tool(&d->hosts[BACKEND], "relay_inbox",
	    json_object()), "the result of relay_inbox");
	messages = json_object_get(result, "messages");
	if (json_array_size(messages) != 1)
		fail(d, json_array_size(messages) == 0 ? "none" : "several",
		    "one message in relay_inbox");
	msg = json_array_get(messages, 0);
	need_string(d, "the message", msg, "text", NEWS);
	need_string(d, "the message", msg, "from", "frontend");
	need_string(d, "the message", msg, "msg_id", d->msg_id);
	tell(d, BACKEND, "relay_inbox: frontend wrote \"%s\"",
	    json_string_value(json_object_get(msg, "text")));
	json_decref(result);
	result = need(d, FRONTEND, host_tool(&d->hosts[FRONTEND],
	    "relay_status", json_pack("{s:s}", "msg_id", d->msg_id)),
	    "the result of relay_status");
	need_string(d, "relay_status", result, "state", "seen");
	tell(d, FRONTEND, "relay_status: my message was seen");
	json_decref(result);
}

static void
show_end(struct demo *d)
{
	int64_t deadline = time_mono_ms() + HOST_WAIT_MS;
	int i;

	for (i = 0; i < HOSTS; i++) {
		if (host_end(&d->hosts[i]) == -1)
			fail(d, d->hosts[i].why, "%s to end with its stdin",
			    d->hosts[i].name);
		tell(d, i, "ends");
	}
	while (!hub_has_left(d)) {
		if (caught != 0)
			fail(d, "a signal to stop", "the hub to leave");
		if (time_mono_ms() >= deadline)
			fail(d, "it is still there", "the hub to leave");
		(void)poll(NULL, 0, STEP_MS);
	}
	printf("   %s%-10s%sleaves: nobody needs it any more\n", d->bold, "hub",
	    d->plain);
}

/* The hub. */

/* All its processes hold its lock. */
static int
hub_has_left(const struct demo *d)
{
	char path[DIR_SIZE + 16];
	int fd, left;

	snprintf(path, sizeof(path), "%s/hub.lock", d->data);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return 1;
	left = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return left;
}

/*
 * A hub without sessions leaves by itself; one that does not is made to.  Its
 * parent process is the one that listens, and the others end with it.
 */
static void
kill_hub(const struct demo *d)
{
	int64_t start = time_mono_ms();
	char path[DIR_SIZE + 16];
	uid_t uid;
	pid_t pid = 0;
	int fd, sig = SIGTERM;

	snprintf(path, sizeof(path), "%s/hub.sock", d->data);
	while (!hub_has_left(d) && time_mono_ms() - start < 3 * KILL_MS) {
		fd = sig == SIGTERM ? unix_connect(path) : -1;
		if (fd != -1 && unix_peer(fd, &uid, &pid) == 0 && pid > 1)
			(void)kill(pid, sig);
		if (fd != -1)
			close(fd);
		if (time_mono_ms() - start > KILL_MS && pid > 1) {
			sig = SIGKILL;
			(void)kill(pid, sig);
		}
		(void)poll(NULL, 0, STEP_MS);
	}
}
