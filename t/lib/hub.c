/* SPDX-License-Identifier: ISC */
/*
 * A hub in the foreground, `hubd -d`: start, stop, kill, and whether it still
 * serves.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"

#define SERVE_MS	5000

static int	 answers(void *);
static int	 reap(struct tenv *);
static int	 another_hub(void *);
static void	 kill_roles(struct tenv *, const char *const *, size_t);

void
hub_start_(struct tenv *t)
{
	static const char *const argv[] = { "hubd", "-d", NULL };
	static const int	 fds[2] = { -1, -1 };

	t->hub = program_start("hubd", argv, fds, t->hublog, NULL);
	hub_wait_(t);
}

void
hub_wait_(struct tenv *t)
{
	char	*log;
	int	 status;

	if (t_until(t, answers, t, T_WAIT))
		return;
	if (t->hub == 0)
		t_fail("nobody answers at %s", t->sock);
	log = read_file(t->hublog);
	if (waitpid(t->hub, &status, WNOHANG) == t->hub)
		t_fail("hubd ended, status 0x%x: %s", status, log);
	t_fail("hubd does not answer at %s: %s", t->sock, log);
}

static int
answers(void *arg)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct tenv		*t = arg;
	int			 fd, ok;

	strlcpy(sun.sun_path, t->sock, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (0);
	ok = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	close(fd);
	return (ok);
}

static int
reap(struct tenv *t)
{
	int	status = 0;

	if (program_wait(t->hub, &status, T_WAIT) == -1)
		t_fail("hubd did not end");
	t->hub = 0;
	return (status);
}

int
hub_stop_(struct tenv *t, int sig)
{
	kill(t->hub, sig);
	return (reap(t));
}

/* All are looked for before one dies, because the others follow it. */
static void
kill_roles(struct tenv *t, const char *const *roles, size_t n)
{
	pid_t	pids[3];
	size_t	i;

	for (i = 0; i < n; i++) {
		if ((pids[i] = hub_pid(t, roles[i])) == 0)
			t_fail("the hub has no process %s",
			    roles[i] != NULL ? roles[i] : "parent");
	}
	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
}

int
hub_kill_(struct tenv *t, const char *role)
{
	static const char *const all[] = { "router", "store", NULL };
	pid_t			 pids[8];
	size_t			 n = hub_pids(t, pids, 8);
	int			 status;

	if (role != NULL && strcmp(role, "all") == 0)
		kill_roles(t, all, sizeof(all) / sizeof(all[0]));
	else
		kill_roles(t, &role, 1);
	status = reap(t);
	if (!procs_ended(t, pids, n, T_WAIT))
		t_fail("processes of the hub live on after %s was killed",
		    role != NULL ? role : "its parent");
	return (status);
}

struct restart {
	struct tenv	*env;
	pid_t		 router;	/* of the hub that was killed */
};

static int
another_hub(void *arg)
{
	struct restart	*r = arg;
	pid_t		 router = hub_pid(r->env, "router");

	return (router != 0 && router != r->router &&
	    hub_count(r->env) == 1);
}

void
hub_restart_(struct tenv *t, const char *role)
{
	struct restart	 r = { t, hub_pid(t, "router") };
	pid_t		 pid = hub_pid(t, role);

	if (pid == 0 || r.router == 0)
		t_fail("a process of the hub is missing");
	kill(pid, SIGKILL);
	if (!t_until(t, another_hub, &r, T_WAIT))
		t_fail("no other hub after %s was killed",
		    role != NULL ? role : "its parent");
}

void
hub_conf(struct tenv *t, const char *text)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/.config", t->home);
	mkdir(path, 0700);
	strlcat(path, "/ecorelay", sizeof(path));
	mkdir(path, 0700);
	strlcat(path, "/hubd.conf", sizeof(path));
	write_file(path, text, strlen(text));
}

void
hub_serves_(struct tenv *t)
{
	struct conn	*c;
	json_t		*j;
	int64_t		 begin = t_now();

	c = client_open_(t);
	say_register(c, "hub-serves-check", NULL, "r");
	j = hear_(c, NULL, "req_id", "r", T_WAIT);
	is_str_(j, "type", "ack");
	in_step_(c);
	if (t_now() - begin > t_slow(SERVE_MS))
		t_fail("a new session waited %lld ms for its answer",
		    (long long)(t_now() - begin));
	conn_close(c);
}
