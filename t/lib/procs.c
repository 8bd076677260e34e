/* SPDX-License-Identifier: ISC */
/*
 * The processes of a test, found in /proc by their environment or as children
 * of such a process.  Where there is no /proc none are found.
 */
#include "compat.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#define PROCS_MAX	512

struct proc {
	pid_t	pid, ppid;
	int	ours;
};

static size_t	 proc_list(struct proc *, size_t);
static long	 proc_read(pid_t, const char *, char *, size_t);
static pid_t	 proc_parent(pid_t);
static int	 proc_has(pid_t, const char *dir);
static int	 proc_is_hub(pid_t, const char *role);

size_t
procs_all(const char *dir, pid_t *pids, size_t max)
{
	struct proc	*p = xcalloc(32768, sizeof(*p));
	size_t		 i, k, n, found = 0;
	int		 again = 1;

	n = proc_list(p, 32768);
	for (i = 0; i < n; i++)
		p[i].ours = proc_has(p[i].pid, dir);
	while (again) {
		again = 0;
		for (i = 0; i < n; i++) {
			for (k = 0; k < n && !p[i].ours; k++) {
				if (p[k].ours && p[k].pid == p[i].ppid)
					p[i].ours = again = 1;
			}
		}
	}
	for (i = 0; i < n && found < max; i++) {
		if (p[i].ours)
			pids[found++] = p[i].pid;
	}
	free(p);
	return (found);
}

static size_t
proc_list(struct proc *p, size_t max)
{
	struct dirent	*e;
	DIR		*d = opendir("/proc");
	size_t		 n = 0;
	char		 state[512], *paren;

	while (d != NULL && n < max && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		p[n].pid = (pid_t)atol(e->d_name);
		if (proc_read(p[n].pid, "stat", state, sizeof(state)) <= 0 ||
		    (paren = strrchr(state, ')')) == NULL ||
		    strlen(paren) < 4 || paren[2] == 'Z')
			continue;
		p[n].ppid = (pid_t)atol(paren + 4);
		p[n].ours = 0;
		n++;
	}
	if (d != NULL)
		closedir(d);
	return (n);
}

/* The file's first size - 1 bytes, terminated. */
static long
proc_read(pid_t pid, const char *file, char *buf, size_t size)
{
	char	path[64];
	ssize_t	n;
	size_t	len = 0;
	int	fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	while (len < size - 1 &&
	    (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	buf[len] = '\0';
	return ((long)len);
}

long
proc_status(pid_t pid, const char *word)
{
	char	buf[4096], *at;

	if (proc_read(pid, "status", buf, sizeof(buf)) <= 0 ||
	    (at = strstr(buf, word)) == NULL)
		return (-1);
	return (atol(at + strlen(word)));
}

int
proc_fds(pid_t pid)
{
	char	 path[64];
	DIR	*d;
	int	 n = -2;	/* . and .. */

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) == NULL)
		return (-1);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

/* Its parent; 0 if it is gone or a zombie. */
static pid_t
proc_parent(pid_t pid)
{
	char	buf[512], *paren;

	if (proc_read(pid, "stat", buf, sizeof(buf)) <= 0 ||
	    (paren = strrchr(buf, ')')) == NULL || strlen(paren) < 4 ||
	    paren[2] == 'Z')
		return (0);
	return ((pid_t)atol(paren + 4));
}

/* 1 if its environment has ECORELAY_DATA=dir, or something below dir. */
static int
proc_has(pid_t pid, const char *dir)
{
	static char	buf[65536];
	char		var[128];
	long		len, i;
	size_t		n;

	snprintf(var, sizeof(var), "ECORELAY_DATA=%s", dir);
	n = strlen(var);
	if ((len = proc_read(pid, "environ", buf, sizeof(buf))) <= 0)
		return (0);
	for (i = 0; i < len; i += (long)strlen(buf + i) + 1) {
		if (strncmp(buf + i, var, n) == 0 &&
		    (buf[i + (long)n] == '\0' || buf[i + (long)n] == '/'))
			return (1);
	}
	return (0);
}

/* 1 if it is hubd, run with -x role; with role NULL, without any -x. */
static int
proc_is_hub(pid_t pid, const char *role)
{
	char	buf[4096], *base;
	long	len, i;
	int	is_role = (role == NULL), x = 0;

	if ((len = proc_read(pid, "cmdline", buf, sizeof(buf))) <= 0)
		return (0);
	base = strrchr(buf, '/') != NULL ? strrchr(buf, '/') + 1 : buf;
	if (strncmp(base, "hubd", 4) != 0 && (role == NULL ||
	    (strcmp(base, "bridged") != 0 && strcmp(base, "relayd") != 0)))
		return (0);
	for (i = 0; i < len; i += (long)strlen(buf + i) + 1) {
		if (x && role != NULL && strcmp(buf + i, role) == 0)
			is_role = 1;
		if (strcmp(buf + i, "-x") == 0 ||
		    strcmp(buf + i, "-u") == 0) {
			if (role == NULL)
				return (0);
			x = 1;
		}
	}
	return (is_role);
}

pid_t
hub_pid(struct tenv *t, const char *role)
{
	pid_t	pids[PROCS_MAX];
	size_t	i, n = procs_all(t->data, pids, PROCS_MAX);

	for (i = 0; i < n; i++) {
		if (!proc_is_hub(pids[i], role))
			continue;
		/* A child that has not run its own program yet. */
		if (role == NULL && proc_is_hub(proc_parent(pids[i]), NULL))
			continue;
		return (pids[i]);
	}
	return (0);
}

struct ending {
	const pid_t	*pids;
	size_t		 n;
};

static int
all_ended(void *arg)
{
	const struct ending	*e = arg;
	size_t			 i;

	for (i = 0; i < e->n; i++) {
		if (proc_parent(e->pids[i]) != 0)
			return (0);
	}
	return (1);
}

int
procs_ended(struct tenv *t, const pid_t *pids, size_t n, int ms)
{
	struct ending	e = { pids, n };

	return (t_until(t, all_ended, &e, ms));
}

size_t
hub_pids(struct tenv *t, pid_t *pids, size_t max)
{
	static const char *const roles[] = {
		NULL, "router", "store", "bridged", "uplink", "resolver"
	};
	size_t	i, n = 0;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]) && n < max; i++) {
		if ((pids[n] = hub_pid(t, roles[i])) != 0)
			n++;
	}
	return (n);
}

pid_t
child_pid(struct tenv *t, const char *program)
{
	pid_t	pids[PROCS_MAX];
	size_t	i, n = procs_all(t->data, pids, PROCS_MAX);
	char	buf[4096], *base;

	for (i = 0; i < n; i++) {
		if (proc_read(pids[i], "cmdline", buf, sizeof(buf)) <= 0)
			continue;
		base = strrchr(buf, '/') != NULL ? strrchr(buf, '/') + 1 : buf;
		if (strcmp(base, program) == 0)
			return (pids[i]);
	}
	return (0);
}

int
hub_count(struct tenv *t)
{
	pid_t	pids[PROCS_MAX];
	size_t	i, n = procs_all(t->data, pids, PROCS_MAX);
	int	count = 0;

	for (i = 0; i < n; i++) {
		if (proc_is_hub(pids[i], NULL) &&
		    !proc_is_hub(proc_parent(pids[i]), NULL))
			count++;
	}
	return (count);
}

static int
none_left(void *arg)
{
	pid_t	pids[PROCS_MAX];

	return (procs_all(arg, pids, PROCS_MAX) == 0);
}

int
procs_gone(struct tenv *t, int ms)
{
	return (t_until(t, none_left, t->dir, ms));
}

long
hub_pss(struct tenv *t)
{
	static const char *const roles[] = { NULL, "router", "store" };
	char	 buf[4096], *pss;
	long	 sum = 0;
	size_t	 i;
	pid_t	 pid;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if ((pid = hub_pid(t, roles[i])) == 0 ||
		    proc_read(pid, "smaps_rollup", buf, sizeof(buf)) <= 0 ||
		    (pss = strstr(buf, "Pss:")) == NULL)
			return (-1);
		sum += atol(pss + 4);
	}
	return (sum);
}
