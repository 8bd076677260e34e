/* SPDX-License-Identifier: ISC */
/*
 * One test's surroundings: a directory, the environment, and a janitor, a
 * process that cleans up when the test has failed, crashed or been killed.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>

#include "mcp.h"

#define LOG_TAIL	4096

static void	 set_environment(const struct tenv *);
static void	 janitor_start(struct tenv *);
static void	 janitor_main(const struct tenv *, int)
		    __attribute__((__noreturn__));
static void	 kill_all(const char *dir);
static void	 show_logs(const char *dir);
static void	 stop_hubs(struct tenv *);
static void	 check_logs(struct tenv *);

/* What a test must not inherit from whoever runs it. */
static const char *const foreign[] = {
	"RELAY_HUB_SOCKET", "RELAY_PEER_ID", "CLAUDE_RELAY_SESSION_ID",
	"RELAY_CLIENT_ID", "RELAY_SESSION_NAME", "RELAY_MACHINE_NAME",
	"RELAY_REMOTE_URL", "RELAY_API_KEY", "RELAY_URL", "ECORELAY_WS_URL",
	"ECORELAY_WS_TOKEN", "ECORELAY_LIBEXEC", "CLAUDE_CODE_SESSION_ID",
	"CLAUDE_PROJECT_DIR"
};

struct tenv *
tenv_new(void)
{
	struct tenv	*t = xcalloc(1, sizeof(*t));

	/* Short, so that a socket's path in it fits in sun_path. */
	strlcpy(t->dir, "/tmp/er.XXXXXX", sizeof(t->dir));
	if (mkdtemp(t->dir) == NULL)
		fail_with("mkdtemp %s failed", t->dir);
	snprintf(t->data, sizeof(t->data), "%s/d", t->dir);
	snprintf(t->home, sizeof(t->home), "%s/h", t->dir);
	snprintf(t->sock, sizeof(t->sock), "%s/hub.sock", t->data);
	snprintf(t->hublog, sizeof(t->hublog), "%s/hubd.log", t->dir);
	t->root = t;
	TAILQ_INIT(&t->conns);
	t->kept = json_array();
	janitor_start(t);
	if (mkdir(t->home, 0700) == -1)
		fail_with("mkdir %s failed", t->home);
	set_environment(t);
	signal(SIGPIPE, SIG_IGN);
	return (t);
}

struct tenv *
tenv_beside(struct tenv *root, const char *name)
{
	struct tenv	*t = xcalloc(1, sizeof(*t));

	strlcpy(t->dir, root->dir, sizeof(t->dir));
	snprintf(t->data, sizeof(t->data), "%s/d.%s", t->dir, name);
	snprintf(t->home, sizeof(t->home), "%s/h.%s", t->dir, name);
	snprintf(t->sock, sizeof(t->sock), "%s/hub.sock", t->data);
	snprintf(t->hublog, sizeof(t->hublog), "%s/hubd.%s.log", t->dir,
	    name);
	if (mkdir(t->home, 0700) == -1)
		fail_with("mkdir %s failed", t->home);
	t->root = root;
	t->next = root->next;
	root->next = t;
	return (t);
}

void
tenv_enter(const struct tenv *t)
{
	setenv("ECORELAY_DATA", t->data, 1);
	setenv("HOME", t->home, 1);
}

static void
set_environment(const struct tenv *t)
{
	size_t	i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		unsetenv(foreign[i]);
	tenv_enter(t);
	setenv("ECORELAY_WS_PORT", "0", 1);
	setenv("ECORELAY_IDLE_MS", "0", 1);
}

void
tenv_end_(struct tenv *t)
{
	struct conn	*c, *next;
	struct tenv	*other;
	char		 byte = 'x';

	TAILQ_FOREACH_SAFE(c, &t->conns, entry, next) {
		if (c->pid != 0)
			mcp_end_(c);
		else
			conn_close(c);
	}
	stop_hubs(t);
	while ((other = t->next) != NULL) {
		stop_hubs(other);
		t->next = other->next;
		free(other);
	}
	if (!procs_gone(t, T_WAIT))
		t_fail("a process was left behind");
	check_logs(t);
	remove_tree(t->dir);
	if (write(t->janitor, &byte, 1) != 1)
		t_fail("the janitor has died");
	close(t->janitor);
	json_decref(t->kept);
	free(t);
}

/* What the test has started itself, and what its sessions have. */
static void
stop_hubs(struct tenv *t)
{
	pid_t	pid;
	int	status;

	if (t->hub != 0) {
		status = hub_stop_(t, SIGTERM);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			t_fail("hubd ended with status 0x%x", status);
	}
	if ((pid = hub_pid(t, NULL)) != 0)
		kill(pid, SIGTERM);
}

/* A sanitizer's report fails the test even if nobody saw the exit code. */
static void
check_logs(struct tenv *t)
{
	static const char *const bad[] = {
		"Sanitizer", "runtime error:", "Sanitizer:DEADLYSIGNAL"
	};
	struct dirent	*e;
	DIR		*d = opendir(t->dir);
	char		*text, *hit;
	size_t		 i;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".log") == NULL)
			continue;
		text = read_file(tenv_path(t, e->d_name));
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			if ((hit = strstr(text, bad[i])) != NULL)
				t_fail("%s: %.2000s", e->d_name, hit);
		}
		free(text);
	}
	if (d != NULL)
		closedir(d);
}

json_t *
tenv_keep(struct tenv *t, json_t *j)
{
	json_array_append_new(t->root->kept, j);
	return (j);
}

const char *
tenv_path(struct tenv *t, const char *name)
{
	static char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	return (path);
}

static void
janitor_start(struct tenv *t)
{
	int	fds[2];
	pid_t	pid;

	if (pipe(fds) == -1 || (pid = fork()) == -1)
		t_fail("no janitor");
	if (pid == 0) {
		close(fds[1]);
		janitor_main(t, fds[0]);
	}
	/* Here, too: Check may kill the group before the janitor has run. */
	setpgid(pid, pid);
	close(fds[0]);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	t->janitor = fds[1];
}

/*
 * In a process group of its own, because Check kills the test's.  A byte says
 * that the test has ended well.
 */
static void
janitor_main(const struct tenv *t, int fd)
{
	char	byte;

	setpgid(0, 0);
	if (read(fd, &byte, 1) != 1) {
		kill_all(t->dir);
		show_logs(t->dir);
		remove_tree(t->dir);
	}
	_exit(0);
}

static void
kill_all(const char *dir)
{
	pid_t	pids[256];
	size_t	i, n;
	int	tries;

	for (tries = 0; tries < 100; tries++) {
		n = procs_all(dir, pids, sizeof(pids) / sizeof(pids[0]));
		if (n == 0)
			return;
		for (i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
	}
}

static void
show_logs(const char *dir)
{
	struct dirent	*e;
	DIR		*d = opendir(dir);
	char		*text, path[T_PATH];
	size_t		 len;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".log") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		text = read_file(path);
		if ((len = strlen(text)) > 0)
			fprintf(stderr, "--- %s, its end:\n%s", path,
			    text + (len > LOG_TAIL ? len - LOG_TAIL : 0));
		free(text);
	}
	if (d != NULL)
		closedir(d);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return (0);
}

void
remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
