/* SPDX-License-Identifier: ISC */
/*
 * A hub that is reached over WebSocket.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bufio.h"
#include "hubtoken.h"
#include "json.h"
#include "log.h"
#include "names.h"
#include "proc.h"
#include "tcpsock.h"
#include "unixsock.h"
#include "ws.h"
#include "wshttp.h"
#include "wsproxy.h"
#include "wsurl.h"

#define PORT		9376
#define CONNECT_S	10
#define QUEUE_MAX	(64 * 1024 * 1024)

/* How it ends. */
enum status {
	PROXY_CLOSED,
	PROXY_RESOLVE = 10,
	PROXY_CONNECT,
	PROXY_HANDSHAKE,
	PROXY_TOKEN
};

struct proxy {
	struct event_base *base;
	struct bufio	*client, *hub;
	struct ws	 ws;
	struct wbuf	 hello;		/* token; sent when it is upgraded */
	char		 key[WSHTTP_KEY_SIZE];
	int		 open;
	enum status	 status;
};

static void	run(int, const struct wsurl *, const char *)
		    __attribute__((__noreturn__));
static int	connect_to(const struct wsurl *);
static void	on_line(struct bufio *, char *, size_t, void *);
static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	take(struct proxy *, const struct ws_event *);
static void	send_frame(struct proxy *, enum ws_opcode, const char *,
		    size_t);
static void	end(struct proxy *, enum status);

static const struct bufio_ops client_ops = {
	.line = on_line,
	.closed = on_closed,
};

static const struct bufio_ops hub_ops = {
	.input = on_input,
	.closed = on_closed,
};

const char *
wsproxy_trouble(int status)
{
	int how = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		how = PROXY_CONNECT;
	switch (how) {
	case -1:
		return "the connection to the hub broke";
	case PROXY_RESOLVE:
		return "the host in ECORELAY_WS_URL is not known";
	case PROXY_CONNECT:
		return "nobody answers at ECORELAY_WS_URL";
	case PROXY_HANDSHAKE:
		return "what answers at ECORELAY_WS_URL is not a hub";
	case PROXY_TOKEN:
		return "the hub at ECORELAY_WS_URL refused the token: "
		    "ECORELAY_WS_TOKEN must be what its " HUBTOKEN_FILE " has";
	default:
		return "the hub closed the connection";
	}
}

int
wsproxy_start(const char *url, const char *token, pid_t *pid)
{
	struct wsurl u;
	int fds[2], saved;

	if (wsurl_parse(url, &u) == -1 || u.tls) {
		errno = EINVAL;
		return -1;
	}
	if (unix_pair(fds) == -1)
		return -1;
	if ((*pid = fork()) == -1) {
		saved = errno;
		close(fds[0]);
		close(fds[1]);
		errno = saved;
		return -1;
	}
	if (*pid == 0)
		run(fds[1], &u, token);
	close(fds[1]);
	return fds[0];
}

/* What the host and its other children share with us is let go first. */
static void
run(int fd, const struct wsurl *u, const char *token)
{
	struct proxy x = { 0 };
	struct wbuf w = { 0 };
	int sock, null;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGALRM, SIG_DFL);
	/* it may be one of 0 to 2, where the host left them closed */
	if ((fd = fcntl(fd, F_DUPFD, PROC_FD + 1)) == -1 ||
	    (null = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1 ||
	    dup2(null, STDERR_FILENO) == -1 || dup2(fd, PROC_FD) == -1)
		_exit(PROXY_CONNECT);
	closefrom(PROC_FD + 1);
	log_to_stderr();
	(void)alarm(CONNECT_S);
	if ((sock = connect_to(u)) == -1)
		_exit(errno == ENOENT ? PROXY_RESOLVE : PROXY_CONNECT);
	(void)alarm(0);
	if ((x.base = event_base_new()) == NULL)
		_exit(PROXY_CONNECT);
	ws_init(&x.ws, WS_CLIENT, LINE_MAX_BYTES);
	x.status = PROXY_HANDSHAKE;
	json_begin(&x.hello, '{');
	json_put_str(&x.hello, "auth", token);
	json_end(&x.hello, '}');
	x.hub = bufio_new(x.base, sock, -1, &hub_ops, &x);
	x.client = bufio_new(x.base, PROC_FD, -1, &client_ops, &x);
	bufio_limits(x.hub, LINE_MAX_BYTES, QUEUE_MAX);
	bufio_limits(x.client, LINE_MAX_BYTES, QUEUE_MAX);
	bufio_pause(x.client);
	/* a hub takes requests for its own machine only, as through a tunnel */
	wshttp_ask(&w, "localhost", u->path, x.key);
	bufio_write(x.hub, wbuf_data(&w), w.len);
	event_base_dispatch(x.base);
	(void)bufio_flush(x.hub, 100);
	(void)bufio_flush(x.client, 100);
	_exit((int)x.status);
}

/* Here nothing else waits: it may block.  ENOENT: no such host. */
static int
connect_to(const struct wsurl *u)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *ai;
	char port[16];
	int fd = -1;

	snprintf(port, sizeof(port), "%u", u->port != 0 ? u->port : PORT);
	if (getaddrinfo(u->host, port, &hints, &all) != 0) {
		errno = ENOENT;
		return -1;
	}
	for (ai = all; ai != NULL && fd == -1; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
		if (fd != -1 &&
		    connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	if (fd == -1)
		errno = ECONNREFUSED;
	else
		tcp_nodelay(fd);
	return fd;
}

static void
end(struct proxy *x, enum status status)
{
	x->status = status;
	event_base_loopbreak(x->base);
}

static void
send_frame(struct proxy *x, enum ws_opcode opcode, const char *p, size_t n)
{
	struct wbuf w = { 0 };

	ws_frame(&w, WS_CLIENT, opcode, p, n);
	bufio_write(x->hub, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

static void
on_line(struct bufio *io, char *line, size_t len, void *arg)
{
	(void)io;
	send_frame(arg, WS_OP_TEXT, line, len);
}

static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct proxy *x = arg;
	struct ws_event ev;
	size_t used = 0;
	long answer;

	(void)io;
	if (!x->open) {
		answer = wshttp_answer(p, n, x->key);
		if (answer == 0)
			return 0;
		if (answer == -1) {
			end(x, PROXY_HANDSHAKE);
			return n;
		}
		used = (size_t)answer;
		x->open = 1;
		x->status = PROXY_CLOSED;
		send_frame(x, WS_OP_TEXT, wbuf_data(&x->hello), x->hello.len);
		bufio_resume(x->client);
	}
	for (;;) {
		used += ws_read(&x->ws, p + used, n - used, &ev);
		if (ev.type == WS_MORE)
			break;
		take(x, &ev);
	}
	return used;
}

static void
take(struct proxy *x, const struct ws_event *ev)
{
	switch (ev->type) {
	case WS_MORE:
	case WS_PONG:
		break;
	case WS_MESSAGE:
		bufio_write(x->client, ev->data, ev->len);
		if (ev->len == 0 || ev->data[ev->len - 1] != '\n')
			bufio_write(x->client, "\n", 1);
		break;
	case WS_PING:
		send_frame(x, WS_OP_PONG, ev->data, ev->len);
		break;
	case WS_CLOSED:
		end(x, ev->code == WSHTTP_CLOSE_AUTH ? PROXY_TOKEN :
		    PROXY_CLOSED);
		break;
	case WS_BROKEN:
		end(x, PROXY_HANDSHAKE);
		break;
	}
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct proxy *x = arg;

	(void)io;
	(void)err;
	end(x, x->status);
}
