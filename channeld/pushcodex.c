/* SPDX-License-Identifier: ISC */
/*
 * The push route into Codex.  It is run by the binary that our parent runs, so
 * that both are of one version.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "proc.h"
#include "pushcodex.h"
#include "pushqueue.h"
#include "reaper.h"

#define CLIENT		"codex-mcp-client"
#define PROGRAM		"codex"
#define RUN_MS		30000		/* then it is killed */

static int	is_thread(const char *);
static void	program(char *, size_t);
static void	exec_queue(const char *, char *, char *)
		    __attribute__((__noreturn__));
static void	ended(int, void *);

int
pushcodex_usable(const struct channel *s)
{
	return strcmp(s->client, CLIENT) == 0;
}

/* What can be an argument and no option. */
static int
is_thread(const char *id)
{
	size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && id[n] == '\0' && id[0] != '-';
}

void
pushcodex_called(struct channel *s, const json_t *meta)
{
	const char *id = json_string_value(json_object_get(meta, "threadId"));

	if (id == NULL || !is_thread(id) || strlen(id) >= sizeof(s->thread) ||
	    strcmp(id, s->thread) == 0)
		return;
	strlcpy(s->thread, id, sizeof(s->thread));
	pushqueue_kick(s->queue);
}

/* Our parent's own, or what PATH has where that is something else. */
static void
program(char *dst, size_t size)
{
	char link[64], *base;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%ld/exe", (long)getppid());
	n = readlink(link, dst, size - 1);
	if (n > 0) {
		dst[n] = '\0';
		base = strrchr(dst, '/');
		if (base != NULL && strcmp(base + 1, PROGRAM) == 0)
			return;
	}
	strlcpy(dst, PROGRAM, size);
}

void
pushcodex_send(struct channel *s, const char *text, size_t len,
    const char *from)
{
	char path[PATH_MAX], why[128], *copy;
	pid_t pid;

	(void)from;
	if (s->thread[0] == '\0') {
		pushqueue_end(s->queue, "Codex has called no tool yet, "
		    "which would tell its thread");
		return;
	}
	program(path, sizeof(path));
	copy = xstrndup(text, len);
	if ((pid = fork()) == 0)
		exec_queue(path, s->thread, copy);
	free(copy);
	if (pid == -1) {
		snprintf(why, sizeof(why), "fork: %s", strerror(errno));
		pushqueue_end(s->queue, why);
		return;
	}
	s->codex = reaper_new(s->conf.base, pid, RUN_MS, ended, s);
}

static void
exec_queue(const char *path, char *thread, char *text)
{
	char name[] = PROGRAM, queue[] = "queue", opt_thread[] = "--thread",
	    opt_text[] = "--message";
	char *argv[] = { name, queue, opt_thread, thread, opt_text, text,
	    NULL };
	int fd;

	(void)signal(SIGPIPE, SIG_DFL);
	if ((fd = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	closefrom(STDERR_FILENO + 1);
	execvp(path, argv);
	_exit(127);
}

static void
ended(int status, void *arg)
{
	struct channel *s = arg;
	char how[64], why[128];

	pushcodex_cancel(s);
	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		pushqueue_end(s->queue, NULL);
		return;
	}
	snprintf(why, sizeof(why), "codex queue %s", status == -1 ?
	    "cannot be waited for" : proc_exit(status, how, sizeof(how)));
	pushqueue_end(s->queue, why);
}

/* What runs may end by itself. */
void
pushcodex_cancel(struct channel *s)
{
	reaper_free(s->codex);
	s->codex = NULL;
}
