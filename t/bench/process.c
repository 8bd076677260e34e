/* SPDX-License-Identifier: ISC */
/*
 * Programs under measurement.
 */
#include "compat.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "log.h"
#include "paths.h"
#include "process.h"
#include "sysinfo.h"
#include "unixsock.h"

#define START_MS	10000
#define STOP_MS		10000

static void	log_output(struct bench *);
static int	wait_end(pid_t, int);
static void	end(pid_t);
static int	find_line(struct program *, const char *);

int
phase_begin(struct bench *b, const char *name)
{
	if (paths_join(b->data, sizeof(b->data), b->dir, name) == -1 ||
	    paths_join(b->socket, sizeof(b->socket), b->data,
	    "hub.sock") == -1 || paths_mkdir(b->data) == -1 ||
	    setenv("ECORELAY_DATA", b->data, 1) == -1) {
		log_warn("%s", b->data);
		return -1;
	}
	return 0;
}

/* What a hub logs is shown only if something fails. */
static void
log_output(struct bench *b)
{
	char path[PATH_MAX];
	int fd;

	if (paths_join(path, sizeof(path), b->dir, "log") == -1 ||
	    (fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1)
		return;
	(void)dup2(fd, 2);
	close(fd);
}

int
hub_start(struct bench *b, struct hub *h)
{
	char path[PATH_MAX];
	int64_t until = now_ns() + START_MS * INT64_C(1000000);
	struct client c = { 0 };
	int fd = -1, r;

	memset(h, 0, sizeof(*h));
	if (paths_join(path, sizeof(path), b->tree, "hubd/hubd") == -1)
		return -1;
	if ((h->pid = fork()) == -1) {
		log_warn("fork");
		return -1;
	}
	if (h->pid == 0) {
		log_output(b);
		execl(path, path, "-d", "-e", (char *)NULL);
		_exit(127);
	}
	while ((fd = unix_connect(b->socket)) == -1 && now_ns() < until &&
	    waitpid(h->pid, NULL, WNOHANG) == 0)
		sleep_ms(5);
	if (fd == -1) {
		log_warnx("%s does not serve at %s; if that is too long for a "
		    "socket, give another directory with -D", path, b->socket);
		hub_stop(h);
		return -1;
	}
	close(fd);
	/* the socket is there first; who answers has all processes */
	r = client_register(&c, b->socket, "early");
	client_close(&c);
	h->router = sys_child(h->pid, "router");
	h->store = sys_child(h->pid, "store");
	if (r == -1)
		hub_stop(h);
	return r;
}

static int
wait_end(pid_t pid, int timeout_ms)
{
	int64_t until = now_ns() + (int64_t)timeout_ms * 1000000;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ns() > until)
			return -1;
		sleep_ms(2);
	}
	return 0;
}

static void
end(pid_t pid)
{
	if (wait_end(pid, STOP_MS) == 0)
		return;
	log_warnx("process %d does not end: killed", (int)pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

void
hub_stop(struct hub *h)
{
	if (h->pid <= 0)
		return;
	(void)kill(h->pid, SIGTERM);
	end(h->pid);
	h->pid = 0;
}

void
hub_cpu(const struct hub *h, struct cpu *c)
{
	c->parent = sys_cpu_ns(h->pid);
	c->router = h->router != 0 ? sys_cpu_ns(h->router) : -1;
	c->store = h->store != 0 ? sys_cpu_ns(h->store) : -1;
	c->self = sys_own_cpu_ns();
}

json_t *
hub_memory(const struct hub *h, long *pss)
{
	const struct {
		const char	*name;
		pid_t		 pid;
	} parts[] = {
		{ "parent", h->pid },
		{ "router", h->router },
		{ "store", h->store },
	};
	json_t *all = json_object(), *o;
	struct memory m;
	size_t i;

	*pss = 0;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].pid == 0 || sys_memory(parts[i].pid, &m) == -1)
			continue;
		o = json_object();
		json_object_set_new(o, "pss_kib", json_integer(m.pss));
		json_object_set_new(o, "pss_anon_kib", json_integer(m.anon));
		json_object_set_new(o, "pss_file_kib", json_integer(m.file));
		json_object_set_new(o, "rss_kib", json_integer(m.rss));
		json_object_set_new(all, parts[i].name, o);
		*pss += m.pss;
	}
	return all;
}

int
hub_wait_gone(const char *dir, int timeout_ms)
{
	int64_t until = now_ns() + (int64_t)timeout_ms * 1000000;
	char path[PATH_MAX];
	int fd, gone = 0;

	if (paths_join(path, sizeof(path), dir, "hub.lock") == -1)
		return -1;
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	while (!(gone = flock(fd, LOCK_EX | LOCK_NB) == 0) && now_ns() < until)
		sleep_ms(2);
	close(fd);
	return gone ? 0 : -1;
}

int
program_start(struct program *p, const char *path, const char *option)
{
	int64_t *stamp = mmap(NULL, sizeof(*stamp), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int in[2], out[2];

	memset(p, 0, sizeof(*p));
	if (stamp == MAP_FAILED || pipe(in) == -1 || pipe(out) == -1 ||
	    fcntl(in[1], F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(out[0], F_SETFD, FD_CLOEXEC) == -1 ||
	    (p->pid = fork()) == -1) {
		log_warn("%s", path);
		return -1;
	}
	if (p->pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		close(in[0]);
		close(out[1]);
		*stamp = now_ns();
		execl(path, path, option, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	/* written before the program's first line can be read */
	while ((p->started = *(volatile int64_t *)stamp) == 0 &&
	    waitpid(p->pid, NULL, WNOHANG) == 0)
		sleep_ms(0);
	(void)munmap(stamp, sizeof(*stamp));
	return 0;
}

int
program_write(struct program *p, const char *s)
{
	size_t n = strlen(s);

	if (write(p->in, s, n) == (ssize_t)n)
		return 0;
	log_warn("write to process %d", (int)p->pid);
	return -1;
}

/* Takes complete lines out of the buffer up to one that has what is sought. */
static int
find_line(struct program *p, const char *what)
{
	size_t n;
	char *nl;
	int found = 0;

	while (!found && (nl = memchr(p->buf, '\n', p->len)) != NULL) {
		*nl = '\0';
		found = strstr(p->buf, what) != NULL;
		n = (size_t)(nl - p->buf) + 1;
		p->len -= n;
		memmove(p->buf, p->buf + n, p->len);
	}
	return found;
}

int
program_expect(struct program *p, const char *what, int timeout_ms)
{
	int64_t until = now_ns() + (int64_t)timeout_ms * 1000000;
	struct pollfd pfd = { .fd = p->out, .events = POLLIN };
	ssize_t n;

	while (!find_line(p, what)) {
		if (now_ns() > until) {
			log_warnx("process %d: no %s", (int)p->pid, what);
			return -1;
		}
		if (poll(&pfd, 1, 100) <= 0)
			continue;
		n = read(p->out, p->buf + p->len, sizeof(p->buf) - p->len);
		if (n <= 0) {
			log_warnx("process %d ended", (int)p->pid);
			return -1;
		}
		p->len += (size_t)n;
	}
	return 0;
}

void
program_end(struct program *p)
{
	close(p->in);
	close(p->out);
	end(p->pid);
}
