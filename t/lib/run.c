/* SPDX-License-Identifier: ISC */
/*
 * Running programs of the build tree: $ECORELAY_BUILD/NAME/NAME, or two
 * directories above the test program.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#define ARGS_MAX	32

static char	build_dir[T_PATH];
static uid_t	user;		/* of program_as() */

static int	 become(uid_t);
static void	 child_run(const char *, const char *const *, const int *,
		    const char *, const char *) __attribute__((__noreturn__));

void
program_init(const char *argv0)
{
	const char	*env = getenv("ECORELAY_BUILD");
	char		 dir[T_PATH], full[PATH_MAX], *slash;

	if (env == NULL) {
		strlcpy(dir, argv0, sizeof(dir));
		if ((slash = strrchr(dir, '/')) != NULL)
			*slash = '\0';
		else
			strlcpy(dir, ".", sizeof(dir));
		strlcat(dir, "/../..", sizeof(dir));
		env = dir;
	}
	if (realpath(env, full) == NULL ||
	    strlcpy(build_dir, full, sizeof(build_dir)) >= sizeof(build_dir)) {
		fprintf(stderr, "%s: not a build directory\n", env);
		exit(EXIT_FAILURE);
	}
}

void
program_path(const char *name, char dst[T_PATH])
{
	if (snprintf(dst, T_PATH, "%s/%s/%s", build_dir, name, name) >= T_PATH)
		t_fail("the path of %s is too long", name);
}

pid_t
program_start(const char *name, const char *const *argv, const int fds[2],
    const char *log, const char *dir)
{
	char	path[T_PATH];
	pid_t	pid;

	program_path(name, path);
	if (access(path, X_OK) == -1)
		t_fail("%s: %s", path, strerror(errno));
	fflush(NULL);
	if ((pid = fork()) == -1)
		t_fail("fork: %s", strerror(errno));
	if (pid == 0)
		child_run(path, argv, fds, log, dir);
	return (pid);
}

void
program_as(uid_t uid)
{
	user = uid;
}

uid_t
program_user(void)
{
	return (user);
}

static int
become(uid_t uid)
{
	if (uid == 0)
		return (0);
	return (setgroups(0, NULL) == -1 || setgid((gid_t)uid) == -1 ||
	    setuid(uid) == -1 ? -1 : 0);
}

static void
child_run(const char *path, const char *const *argv, const int *fds,
    const char *log, const char *dir)
{
	char	*args[ARGS_MAX];
	size_t	 i;
	int	 fd, in = fds[0], out = fds[1];

	if ((fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1)
		_exit(126);
	if (in == -1)
		in = open("/dev/null", O_RDONLY);
	if (out == -1)
		out = fd;
	if (dup2(in, 0) == -1 || dup2(out, 1) == -1 || dup2(fd, 2) == -1)
		_exit(126);
	if (fd > 2)
		close(fd);
	if ((dir != NULL && chdir(dir) == -1) || become(user) == -1)
		_exit(126);
	for (i = 0; argv[i] != NULL && i < ARGS_MAX - 1; i++)
		args[i] = xstrdup(argv[i]);
	args[i] = NULL;
	execv(path, args);
	_exit(127);
}

int
program_wait(pid_t pid, int *status, int ms)
{
	int64_t	end = t_now() + t_slow(ms);
	pid_t	got;

	while ((got = waitpid(pid, status, WNOHANG)) != pid) {
		if (got == -1 || t_now() >= end)
			return (-1);
		poll(NULL, 0, 2);
	}
	return (0);
}

struct output *
run_(struct tenv *t, const char *input, const char *name, ...)
{
	struct output	*o = xcalloc(1, sizeof(*o));
	const char	*argv[ARGS_MAX] = { name };
	char		 in[T_PATH], out[T_PATH], log[T_PATH];
	va_list		 ap;
	size_t		 n = 1;
	int		 fds[2];
	pid_t		 pid;

	va_start(ap, name);
	while ((argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	t->root->nlogs++;
	snprintf(in, sizeof(in), "%s/run.%u.in", t->dir,
	    t->root->nlogs);
	snprintf(out, sizeof(out), "%s/run.%u.out", t->dir,
	    t->root->nlogs);
	snprintf(log, sizeof(log), "%s/run.%u.log", t->dir,
	    t->root->nlogs);
	write_file(in, input != NULL ? input : "",
	    input != NULL ? strlen(input) : 0);
	fds[0] = open(in, O_RDONLY | O_CLOEXEC);
	fds[1] = open(out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pid = program_start(name, argv, fds, log, NULL);
	close(fds[0]);
	close(fds[1]);
	if (program_wait(pid, &o->status, T_WAIT) == -1)
		t_fail("%s did not end", name);
	o->out = read_file(out);
	o->err = read_file(log);
	return (o);
}

void
output_free(struct output *o)
{
	free(o->out);
	free(o->err);
	free(o);
}

char *
read_file(const char *path)
{
	char	*s = xmalloc(1);
	size_t	 len = 0;
	ssize_t	 n;
	int	 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		do {
			s = xreallocarray(s, len + 65537, 1);
			if ((n = read(fd, s + len, 65536)) > 0)
				len += (size_t)n;
		} while (n > 0);
		close(fd);
	}
	s[len] = '\0';
	return (s);
}

void
write_file(const char *path, const char *data, size_t len)
{
	ssize_t	n;
	int	fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		t_fail("%s: %s", path, strerror(errno));
	while (len > 0) {
		if ((n = write(fd, data, len)) == -1)
			t_fail("%s: %s", path, strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	close(fd);
}
