/* SPDX-License-Identifier: ISC */
/*
 * hubd or relayd as a service.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "service.h"

static socklen_t
address_of(struct sockaddr_un *sun, const char *path)
{
	size_t	len = strlen(path);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	strlcpy(sun->sun_path, path, sizeof(sun->sun_path));
	if (path[0] != '@')
		return (sizeof(*sun));
	sun->sun_path[0] = '\0';
	return ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

/* Bound there, and listening if it is a stream. */
int
socket_at(const char *path, int type)
{
	struct sockaddr_un	 sun;
	socklen_t		 len = address_of(&sun, path);
	int			 fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	want(fd != -1 && bind(fd, (struct sockaddr *)&sun, len) == 0,
	    "cannot bind %s", path);
	want(type != SOCK_STREAM || listen(fd, 16) == 0, "listen");
	return (fd);
}

/* Its two sockets are open, as the units of systemd have them. */
struct service *
service_new(const char *notify)
{
	struct service	*s = xcalloc(1, sizeof(*s));
	struct tenv	*t = tenv_new();
	char		 ctl[T_PATH];

	s->env = t;
	want(mkdir(t->data, 0700) == 0, "mkdir %s", t->data);
	if (notify[0] == '@')
		snprintf(s->address, sizeof(s->address), "@%s/%s", t->dir + 1,
		    notify + 1);
	else
		snprintf(s->address, sizeof(s->address), "%s/%s", t->dir,
		    notify);
	s->notify = socket_at(s->address, SOCK_DGRAM);
	snprintf(ctl, sizeof(ctl), "%s/hubctl.sock", t->data);
	s->fds[s->nfds++] = socket_at(t->sock, SOCK_STREAM);
	s->fds[s->nfds++] = socket_at(ctl, SOCK_STREAM);
	s->names = "hub:hubctl";
	return (s);
}

void
service_end(struct service *s)
{
	unsigned	i;

	tenv_end(s->env);
	for (i = 0; i < s->nfds; i++)
		close(s->fds[i]);
	close(s->notify);
	free(s);
}

/* What systemd does between fork and exec. */
static void __attribute__((__noreturn__))
service_exec(struct service *s, const char *path, char *const *argv)
{
	char		 text[32];
	unsigned	 i;
	int		 log;

	log = open(s->env->hublog, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log == -1 || dup2(log, 1) == -1 || dup2(log, 2) == -1)
		_exit(126);
	for (i = 0; i < s->nfds; i++)
		s->fds[i] = fcntl(s->fds[i], F_DUPFD, 3 + SERVICE_SOCKETS);
	for (i = 0; i < s->nfds; i++) {
		if (s->fds[i] == -1 || dup2(s->fds[i], 3 + (int)i) == -1)
			_exit(126);
	}
	closefrom(3 + (int)s->nfds);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("WATCHDOG_PID", text, 1);
	snprintf(text, sizeof(text), "%u", s->nfds);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", s->names, 1);
	setenv("NOTIFY_SOCKET", s->address, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
	execv(path, argv);
	_exit(127);
}

/* NAME -d -v, and with -f if there is a file. */
void
service_start(struct service *s, const char *name, const char *file)
{
	char	path[T_PATH], d[] = "-d", v[] = "-v", f[] = "-f";
	char	*argv[] = { path, d, v, NULL, NULL, NULL };

	program_path(name, path);
	if (file != NULL) {
		argv[3] = f;
		argv[4] = xstrdup(file);
	}
	fflush(NULL);
	if ((s->env->hub = fork()) == 0)
		service_exec(s, path, argv);
	want(s->env->hub != -1, "fork");
	free(argv[4]);
}

void
service_relay(struct service *s, const int port[2])
{
	struct tenv	*t = s->env;
	char		 conf[256], file[T_PATH];

	write_file(tenv_path(t, "secret"), "a secret of hubs", 16);
	snprintf(conf, sizeof(conf), "listen on 127.0.0.1 port %d\n"
	    "metrics on 127.0.0.1 port %d\nsecret file \"%s\"\n", port[0],
	    port[1], tenv_path(t, "secret"));
	strlcpy(file, tenv_path(t, "relayd.conf"), sizeof(file));
	write_file(file, conf, strlen(conf));
	service_start(s, "relayd", file);
	waits_for(s, "READY=1\n");
}

int
service_status(struct service *s)
{
	int	status;

	want(program_wait(s->env->hub, &status, T_WAIT) == 0,
	    "it has not ended");
	s->env->hub = 0;
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* The next datagram; 0 if there is none within ms. */
int
told(struct service *s, int ms)
{
	struct pollfd	pfd = { s->notify, POLLIN, 0 };
	ssize_t		n;

	if (poll(&pfd, 1, ms) != 1)
		return (0);
	n = recv(s->notify, s->text, sizeof(s->text) - 1, 0);
	want(n > 0, "recv");
	s->text[n] = '\0';
	return (1);
}

/* Waits for the one that begins with this; others are passed over. */
void
waits_for(struct service *s, const char *begin)
{
	int64_t	end = t_now() + t_slow(T_WAIT);
	char	*log;

	while (t_now() < end) {
		conns_pump(s->env, 0);
		if (told(s, 100) &&
		    strncmp(s->text, begin, strlen(begin)) == 0)
			return;
	}
	log = read_file(s->env->hublog);
	fail_with("it was not told %s, but %s; log: %s", begin, s->text, log);
}

struct log_text {
	struct tenv	*env;
	const char	*text;
};

int
in_log(struct tenv *t, const char *text)
{
	char	*log = read_file(t->hublog);
	int	 yes = strstr(log, text) != NULL;

	free(log);
	return (yes);
}

static int
has_said(void *arg)
{
	struct log_text	*l = arg;

	return (in_log(l->env, l->text));
}

void
logs(struct tenv *t, const char *text)
{
	struct log_text	l = { t, text };

	want(t_until(t, has_said, &l, T_WAIT), "the log does not say: %s",
	    text);
}
