/* SPDX-License-Identifier: ISC */
/*
 * The bare loop: socket, append, fdatasync, socket.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bare.h"
#include "bench.h"
#include "log.h"
#include "paths.h"
#include "sysinfo.h"

#define MACHINE_ROUNDS	500

static int	sync_file(int);
static int	work(int, char);
static void	serve(int, const char *);

static int
sync_file(int fd)
{
#ifdef HAVE_FDATASYNC
	return fdatasync(fd);
#else
	return fsync(fd);
#endif
}

static int
work(int file, char what)
{
	static const char stored[BARE_STORED];

	switch (what) {
	case BARE_APPEND:
		if (lseek(file, 0, SEEK_END) == -1)
			return -1;
		break;
	case BARE_OVERWRITE:
		if (lseek(file, 0, SEEK_SET) == -1)
			return -1;
		break;
	default:
		return 0;
	}
	if (write(file, stored, sizeof(stored)) != (ssize_t)sizeof(stored))
		return -1;
	return sync_file(file);
}

/* Small writes to a socket arrive in one piece. */
static void
serve(int fd, const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[BARE_LEN];

	if (file == -1)
		return;
	while (read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf)) {
		if (work(file, buf[0]) == -1 ||
		    write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			return;
	}
}

int
bare_start(struct bare *b, const char *dir)
{
	char path[PATH_MAX];
	int fds[2];

	if (paths_join(path, sizeof(path), dir, "bare") == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1 ||
	    fcntl(fds[0], F_SETFD, FD_CLOEXEC) == -1 ||
	    (b->pid = fork()) == -1) {
		log_warn("bare loop");
		return -1;
	}
	if (b->pid == 0) {
		close(fds[0]);
		serve(fds[1], path);
		_exit(0);
	}
	close(fds[1]);
	b->fd = fds[0];
	return 0;
}

double
bare_round(struct bare *b, enum bare_work what)
{
	int64_t begin = now_ns();
	char buf[BARE_LEN] = { (char)what };

	if (write(b->fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf) ||
	    read(b->fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf)) {
		log_warnx("the bare loop failed");
		return -1;
	}
	return (double)(now_ns() - begin);
}

void
bare_stop(struct bare *b)
{
	close(b->fd);
	(void)waitpid(b->pid, NULL, 0);
}

int
bare_answer(void)
{
	static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":1,"
	    "\"result\":{}}\n";
	char buf[4096];

	if (read(0, buf, sizeof(buf)) <= 0)
		return 1;
	return write(1, answer, sizeof(answer) - 1) > 0 ? 0 : 1;
}

int
measure_machine(struct bench *b, json_t *res)
{
	static const struct {
		enum bare_work	 work;
		const char	*name;
	} kinds[] = {
		{ BARE_ECHO, "socket_round_trip_us" },
		{ BARE_APPEND, "append_fdatasync_us" },
		{ BARE_OVERWRITE, "overwrite_fdatasync_us" },
	};
	struct samples s = { 0 };
	struct bare bare;
	char type[64];
	double ns = 0;
	size_t i, n;

	sys_file_system(b->dir, type, sizeof(type));
	json_object_set_new(res, "file_system", json_string(type));
	json_object_set_new(res, "processors",
	    json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (bare_start(&bare, b->data) == -1)
		return -1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (n = 0; n < MACHINE_ROUNDS && ns >= 0; n++) {
			if ((ns = bare_round(&bare, kinds[i].work)) >= 0)
				samples_add(&s, ns / 1000);
		}
		put_real(res, kinds[i].name, samples_at(&s, 0.5));
		samples_free(&s);
	}
	bare_stop(&bare);
	return ns >= 0 ? 0 : -1;
}
