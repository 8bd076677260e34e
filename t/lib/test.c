/* SPDX-License-Identifier: ISC */
/*
 * main() of the test programs, failures that name the test's own line, clocks
 * and waiting for conditions.
 */
#include "compat.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#if !defined(SANITIZED) && defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

#define SLOW_FACTOR	4

static void	 wait_for_janitors(int);

static const char	*at_file = "?";
static int		 at_line;

int
suite_run(Suite *s)
{
	SRunner	*sr = srunner_create(s);
	int	 failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int
test_main(const char *argv0, Suite *s)
{
	int	status, lobby[2];

	program_init(argv0);
	/* Each janitor keeps the writing end until it has cleaned up. */
	if (pipe(lobby) == -1) {
		perror("pipe");
		return (EXIT_FAILURE);
	}
	fcntl(lobby[0], F_SETFD, FD_CLOEXEC);
	fcntl(lobby[1], F_SETFD, FD_CLOEXEC);
	status = suite_run(s);
	close(lobby[1]);
	wait_for_janitors(lobby[0]);
	close(lobby[0]);
	return (status);
}

static void
wait_for_janitors(int fd)
{
	struct pollfd	pfd = { .fd = fd, .events = POLLIN };

	poll(&pfd, 1, T_WAIT);
}

void
test_add(Suite *s, const TTest *test, int timeout)
{
	TCase	*tc = tcase_create(test->name);

	tcase_set_timeout(tc, (double)t_slow(timeout * 1000) / 1000);
	tcase_add_test(tc, test);
	suite_add_tcase(s, tc);
}

void
t_at(const char *file, int line)
{
	at_file = file;
	at_line = line;
}

void
t_fail(const char *fmt, ...)
{
	va_list	 ap;
	char	*text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	va_end(ap);
	_ck_assert_failed(at_file, at_line, "failed", "%s", text);
	abort();
}

int64_t
t_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

int
t_slow(int ms)
{
	return (SANITIZED ? ms * SLOW_FACTOR : ms);
}

int
t_until(struct tenv *t, int (*cond)(void *), void *arg, int ms)
{
	int64_t	end = t_now() + t_slow(ms);

	while (!cond(arg)) {
		if (t_now() >= end)
			return (0);
		conns_pump(t, 10);
	}
	return (1);
}

char *
t_fill(char c, size_t n)
{
	char	*s = xmalloc(n + 1);

	memset(s, c, n);
	s[n] = '\0';
	return (s);
}

int
port_take(int *port)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		t_fail("no port");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	*port = ntohs(sin.sin_port);
	return (fd);
}

int
port_call(int port)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		fd = -1;
	}
	return (fd);
}
