/* SPDX-License-Identifier: ISC */
/*
 * An AI host's end of one channeld.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "proc.h"
#include "timeutil.h"
#include "version.h"

#define MCP_VERSION	"2025-11-25"
#define PUSH_METHOD	"notifications/claude/channel"
#define READ_SIZE	65536
#define WAIT_STEP_MS	5
#define TERM_MS		2000	/* from SIGTERM to SIGKILL */

static void	 run(const char *, const char *, const char *, const char *,
		    int, int) __attribute__((__noreturn__));
static int	 failed(struct host *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	 send_message(struct host *, json_t *);
static int	 fill(struct host *, int64_t);
static json_t	*next_line(struct host *);
static json_t	*next_message(struct host *, int64_t);
static void	 keep_push(struct host *, json_t *);
static int	 await_exit(struct host *, int *, int);
static void	 drop(struct host *);

static int
failed(struct host *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	return -1;
}

int
host_start(struct host *h, const char *path, const char *dir, const char *log)
{
	int in[2], out[2];

	if (pipe(in) == -1)
		return failed(h, "pipe: %s", strerror(errno));
	if (pipe(out) == -1) {
		close(in[0]);
		close(in[1]);
		return failed(h, "pipe: %s", strerror(errno));
	}
	(void)fcntl(in[1], F_SETFD, FD_CLOEXEC);
	(void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
	h->wfd = in[1];
	h->rfd = out[0];
	h->len = 0;
	h->pushes = json_array();
	if ((h->pid = fork()) == 0)
		run(path, dir, log, h->name, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (h->pid == -1) {
		failed(h, "fork: %s", strerror(errno));
		drop(h);
		return -1;
	}
	return 0;
}

/* In the new process. */
static void
run(const char *path, const char *dir, const char *log, const char *name,
    int in, int out)
{
	int err;

	err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (err == -1 || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(err, STDERR_FILENO) == -1)
		_exit(126);
	closefrom(STDERR_FILENO + 1);
	(void)signal(SIGPIPE, SIG_DFL);
	if (setenv("RELAY_PEER_ID", name, 1) == -1 || chdir(dir) == -1)
		_exit(126);
	execl(path, path, (char *)NULL);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* Requests are smaller than a pipe, and there is one at a time. */
static int
send_message(struct host *h, json_t *msg)
{
	char *text = json_dumps(msg, JSON_COMPACT);
	size_t len, done = 0;
	ssize_t n = 0;

	json_decref(msg);
	if (text == NULL)
		return failed(h, "a request that is no JSON");
	len = strlen(text);
	text[len++] = '\n';
	while (done < len) {
		n = write(h->wfd, text + done, len - done);
		if (n == -1 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	free(text);
	if (done < len)
		return failed(h, "channeld does not read: %s",
		    strerror(errno));
	return 0;
}

/* Reads what has come; waits for it until the deadline. */
static int
fill(struct host *h, int64_t deadline)
{
	struct pollfd pfd[2] = {
		{ .fd = h->rfd, .events = POLLIN },
		{ .fd = h->stop_fd, .events = POLLIN },
	};
	int64_t left = deadline - time_mono_ms();
	ssize_t n;

	if (left <= 0 || poll(pfd, 2, (int)left) == 0)
		return failed(h, "nothing within %d s", HOST_WAIT_MS / 1000);
	if (pfd[1].revents != 0)
		return failed(h, "a signal to stop");
	if (pfd[0].revents == 0)
		return 0;
	if (h->size - h->len < READ_SIZE) {
		h->size = h->len + READ_SIZE;
		h->buf = xreallocarray(h->buf, h->size, 1);
	}
	n = read(h->rfd, h->buf + h->len, h->size - h->len);
	if (n == 0)
		return failed(h, "channeld closed its stdout");
	if (n == -1 && errno != EINTR)
		return failed(h, "read: %s", strerror(errno));
	if (n > 0)
		h->len += (size_t)n;
	return 0;
}

/* A line that is no JSON is an empty string. */
static json_t *
next_line(struct host *h)
{
	char *end;
	size_t n;
	json_t *msg;

	if (h->len == 0 || (end = memchr(h->buf, '\n', h->len)) == NULL)
		return NULL;
	n = (size_t)(end - h->buf);
	msg = json_loadb(h->buf, n, 0, NULL);
	memmove(h->buf, end + 1, h->len - n - 1);
	h->len -= n + 1;
	return msg != NULL ? msg : json_string("");
}

static json_t *
next_message(struct host *h, int64_t deadline)
{
	json_t *msg;

	while ((msg = next_line(h)) == NULL) {
		if (fill(h, deadline) == -1)
			return NULL;
	}
	if (json_is_object(msg))
		return msg;
	json_decref(msg);
	failed(h, "a line from channeld that is no JSON object");
	return NULL;
}

/* Steals the message. */
static void
keep_push(struct host *h, json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));

	if (method != NULL && strcmp(method, PUSH_METHOD) == 0)
		json_array_append(h->pushes, json_object_get(msg, "params"));
	json_decref(msg);
}

json_t *
host_request(struct host *h, const char *method, json_t *params)
{
	int64_t deadline = time_mono_ms() + HOST_WAIT_MS;
	json_t *msg, *result;
	const char *error;

	msg = json_pack("{s:s,s:i,s:s}", "jsonrpc", "2.0", "id", ++h->id,
	    "method", method);
	if (params != NULL)
		json_object_set_new(msg, "params", params);
	if (send_message(h, msg) == -1)
		return NULL;
	while ((msg = next_message(h, deadline)) != NULL) {
		if (json_object_get(msg, "method") == NULL &&
		    json_integer_value(json_object_get(msg, "id")) == h->id)
			break;
		keep_push(h, msg);
	}
	if (msg == NULL)
		return NULL;
	result = json_incref(json_object_get(msg, "result"));
	if (result == NULL) {
		error = json_string_value(json_object_get(
		    json_object_get(msg, "error"), "message"));
		failed(h, "the error \"%s\"", error != NULL ? error : "");
	}
	json_decref(msg);
	return result;
}

json_t *
host_initialize(struct host *h)
{
	json_t *result;

	result = host_request(h, "initialize", json_pack(
	    "{s:s,s:{},s:{s:s,s:s}}", "protocolVersion", MCP_VERSION,
	    "capabilities", "clientInfo", "name", "demo",
	    "version", ecorelay_version));
	if (result != NULL && send_message(h, json_pack("{s:s,s:s}",
	    "jsonrpc", "2.0", "method", "notifications/initialized")) == -1) {
		json_decref(result);
		return NULL;
	}
	return result;
}

json_t *
host_tool(struct host *h, const char *tool, json_t *args)
{
	json_t *result, *object;
	const char *text;

	result = host_request(h, "tools/call", json_pack("{s:s,s:o}",
	    "name", tool, "arguments", args));
	if (result == NULL)
		return NULL;
	object = json_incref(json_object_get(result, "structuredContent"));
	if (object == NULL) {
		text = json_string_value(json_object_get(json_array_get(
		    json_object_get(result, "content"), 0), "text"));
		failed(h, "%s", text != NULL ? text : "no result");
	}
	json_decref(result);
	return object;
}

json_t *
host_push(struct host *h)
{
	int64_t deadline = time_mono_ms() + HOST_WAIT_MS;
	json_t *msg;

	while (json_array_size(h->pushes) == 0) {
		if ((msg = next_message(h, deadline)) == NULL)
			return NULL;
		keep_push(h, msg);
	}
	msg = json_incref(json_array_get(h->pushes, 0));
	json_array_remove(h->pushes, 0);
	return msg;
}

/* Waits for its end for at most ms.  A signal to stop cuts that short. */
static int
await_exit(struct host *h, int *status, int ms)
{
	int64_t deadline = time_mono_ms() + ms;
	struct pollfd pfd = { .fd = h->stop_fd, .events = POLLIN };
	pid_t pid;

	while ((pid = waitpid(h->pid, status, WNOHANG)) != h->pid) {
		if (pid == -1 && errno != EINTR)
			return failed(h, "waitpid: %s", strerror(errno));
		if (time_mono_ms() >= deadline)
			return failed(h, "channeld runs on");
		if (poll(&pfd, 1, WAIT_STEP_MS) == 1)
			return failed(h, "a signal to stop");
	}
	h->pid = 0;
	return 0;
}

int
host_end(struct host *h)
{
	char how[64];
	int status;

	close(h->wfd);
	h->wfd = -1;
	if (await_exit(h, &status, HOST_WAIT_MS) == -1)
		return -1;
	drop(h);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return failed(h, "channeld %s",
		    proc_exit(status, how, sizeof(how)));
	return 0;
}

static void
drop(struct host *h)
{
	if (h->wfd != -1)
		close(h->wfd);
	close(h->rfd);
	json_decref(h->pushes);
	free(h->buf);
	h->pid = 0;
	h->wfd = h->rfd = -1;
	h->pushes = NULL;
	h->buf = NULL;
	h->len = h->size = 0;
}

void
host_kill(struct host *h)
{
	int status;

	if (h->pid == 0)
		return;
	h->stop_fd = -1;	/* it may have stopped us; not now */
	(void)kill(h->pid, SIGTERM);
	if (await_exit(h, &status, TERM_MS) == -1) {
		(void)kill(h->pid, SIGKILL);
		while (waitpid(h->pid, &status, 0) == -1 && errno == EINTR)
			continue;
	}
	drop(h);
}
