/* SPDX-License-Identifier: ISC */
/*
 * Starting children and detaching a daemon.
 */
#include "compat.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

static int	place_fd(int, int);
static void	null_stdio(void);

/* Moves fd to the given number and lets it survive exec. */
static int
place_fd(int fd, int to)
{
	if (fd == to)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, to) == -1 ? -1 : 0;
}

/*
 * libevent's handlers, which the child would have up to exec, would tell the
 * parent of a signal that was sent to the child.
 */
pid_t
proc_fork(void)
{
	static const int handled[] = {
		SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2,
#ifdef SIGINFO
		SIGINFO
#endif
	};
	sigset_t all, old, none;
	size_t i;
	pid_t pid;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (pid != 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		return pid;
	}
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		(void)signal(handled[i], SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

pid_t
proc_start(char *const argv[], int sock, int lock)
{
	pid_t pid = proc_fork();

	if (pid == -1)
		fatal("fork");
	if (pid != 0)
		return pid;
	/* keep the sources clear of the places where they go */
	sock = fcntl(sock, F_DUPFD, PROC_LOCK_FD + 1);
	if (lock != -1)
		lock = fcntl(lock, F_DUPFD, PROC_LOCK_FD + 1);
	if (sock == -1 || place_fd(sock, PROC_FD) == -1 ||
	    (lock != -1 && place_fd(lock, PROC_LOCK_FD) == -1))
		_exit(127);
	closefrom(lock != -1 ? PROC_LOCK_FD + 1 : PROC_FD + 1);
	execv(argv[0], argv);
	_exit(127);
}

const char *
proc_exit(int status, char *dst, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(dst, size, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status))
		snprintf(dst, size, "exited with status %d",
		    WEXITSTATUS(status));
	else
		snprintf(dst, size, "ended");
	return dst;
}

static void
null_stdio(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd == -1)
		fatal("/dev/null");
	(void)dup2(fd, 0);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

int
proc_daemonize(void)
{
	int p[2];
	ssize_t n;
	char c;

	if (pipe(p) == -1)
		fatal("pipe");
	switch (fork()) {
	case -1:
		fatal("fork");
	case 0:
		break;
	default:
		/* the daemon writes a byte, or dies without */
		close(p[1]);
		do
			n = read(p[0], &c, 1);
		while (n == -1 && errno == EINTR);
		_exit(n == 1 ? 0 : 1);
	}
	close(p[0]);
	(void)fcntl(p[1], F_SETFD, FD_CLOEXEC);
	if (setsid() == -1)
		fatal("setsid");
	if (chdir("/") == -1)
		fatal("chdir");
	return p[1];
}

void
proc_daemon_ready(int fd)
{
	null_stdio();
	(void)!write(fd, "r", 1);
	close(fd);
}
