/* SPDX-License-Identifier: ISC */
/*
 * The push route into Codex.  It is run by the binary that our parent runs, so
 * that both are of one version.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "proc.h"
#include "pushcodex.h"
#include "pushqueue.h"
#include "timeutil.h"

#define CLIENT		"codex-mcp-client"
#define PROGRAM		"codex"
#define REAP_MS		20
#define RUN_MS		30000		/* then it is killed */

/* A `codex queue` that runs. */
struct pushcodex {
	struct event	*reaper;
	pid_t		 pid;
	int64_t		 begun;
	int		 killed;
};

static int	is_thread(const char *);
static void	program(char *, size_t);
static void	exec_queue(const char *, char *, char *)
		    __attribute__((__noreturn__));
static void	await(struct pushcodex *);
static void	on_reaper(int, short, void *);
static void	ended(struct channel *, int);

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
	struct pushcodex *pc;
	char path[PATH_MAX], why[128], *copy;

	(void)from;
	if (s->thread[0] == '\0') {
		pushqueue_end(s->queue, "Codex has called no tool yet, "
		    "which would tell its thread");
		return;
	}
	s->codex = pc = xcalloc(1, sizeof(*pc));
	pc->reaper = evtimer_new(s->conf.base, on_reaper, s);
	if (pc->reaper == NULL)
		fatalx("pushcodex: out of memory");
	program(path, sizeof(path));
	copy = xstrndup(text, len);
	pc->pid = fork();
	if (pc->pid == 0)
		exec_queue(path, s->thread, copy);
	free(copy);
	if (pc->pid == -1) {
		snprintf(why, sizeof(why), "fork: %s", strerror(errno));
		pushcodex_cancel(s);
		pushqueue_end(s->queue, why);
		return;
	}
	pc->begun = time_mono_ms();
	await(pc);
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
await(struct pushcodex *pc)
{
	struct timeval tv = time_tv(REAP_MS);

	evtimer_add(pc->reaper, &tv);
}

static void
on_reaper(int fd, short ev, void *arg)
{
	struct channel *s = arg;
	struct pushcodex *pc = s->codex;
	int status = -1;
	pid_t pid;

	(void)fd;
	(void)ev;
	pid = waitpid(pc->pid, &status, WNOHANG);
	if (pid == 0 || (pid == -1 && errno == EINTR)) {
		if (!pc->killed && time_mono_ms() - pc->begun > RUN_MS) {
			pc->killed = 1;
			kill(pc->pid, SIGKILL);
		}
		await(pc);
		return;
	}
	ended(s, pid == -1 ? -1 : status);
}

static void
ended(struct channel *s, int status)
{
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
	event_free(s->codex->reaper);
	free(s->codex);
	s->codex = NULL;
}
