/* SPDX-License-Identifier: ISC */
/*
 * A relay with all the work it can do: pairs of hubs, each sender with a few
 * messages on their way; and the memory of hubs that do nothing.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"
#include "paths.h"
#include "sysinfo.h"
#include "tcpsock.h"
#include "ws.h"

#define PAIRS		8
#define IDLE		1000
#define RUN_MS		2000
#define WAIT_MS		10000
#define CHUNK		(256 * 1024)

struct end {
	int		 fd;
	struct ws	 ws;
	char		*buf;
	size_t		 len, cap;
};

struct pair {
	struct end	 from, to;
	uint64_t	 sent, got;
	char		*out;		/* not yet written */
	size_t		 out_off, out_len;
};

static const struct kind {
	const char	*name, *rate;
	size_t		 text_len;
	unsigned	 in_flight;
	double		 goal, per;
} kinds[] = {
	{ "short", "forwards_per_s", 200, 16, 250000, 1 },
	{ "long", "gb_per_s", 65536, 16, 1.5, 65536 / 1e9 },
	{ "longest", "gb_per_s_longest", 500000, 4, 1.5, 500000 / 1e9 },
};

static int	start(struct bench *, int, pid_t *);
static int	dial(int, struct end *, const char *);
static int	until_message(struct end *);
static int	read_some(struct end *, uint64_t *);
static int	run(struct pair *, const struct kind *, int, double *);
static int	measure(struct bench *, int, pid_t, json_t *);
static void	end_close(struct end *);

static int
start(struct bench *b, int port, pid_t *pid)
{
	char path[PATH_MAX], conf[PATH_MAX];
	FILE *f;
	int fd;

	if (paths_join(path, sizeof(path), b->tree, "relayd/relayd") == -1 ||
	    paths_join(conf, sizeof(conf), b->dir, "relay.json") == -1 ||
	    (f = fopen(conf, "w")) == NULL || fchmod(fileno(f), 0600) == -1) {
		log_warn("relay.json");
		return -1;
	}
	fprintf(f, "{\"secret\":\"benchmarks\",\"port\":%d}\n", port);
	fclose(f);
	if ((*pid = fork()) == -1)
		return -1;
	if (*pid == 0) {
		if ((fd = open("/dev/null", O_WRONLY)) != -1)
			(void)dup2(fd, 2);
		execl(path, path, "-d", "-c", conf, (char *)NULL);
		_exit(127);
	}
	return 0;
}

/* A hub of that id that has been welcomed. */
static int
dial(int port, struct end *e, const char *id)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int64_t until = now_ns() + WAIT_MS * INT64_C(1000000);
	struct wbuf w = { 0 };
	char hello[256], c;
	int n, lines = 0;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(e, 0, sizeof(*e));
	do {
		e->fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(e->fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
		close(e->fd);
		e->fd = -1;
		sleep_ms(10);
	} while (now_ns() < until);
	if (e->fd == -1 || write(e->fd, ask, sizeof(ask) - 1) == -1)
		return -1;
	while (lines < 2 && read(e->fd, &c, 1) == 1)
		lines = c == '\n' ? lines + 1 : c == '\r' ? lines : 0;
	n = snprintf(hello, sizeof(hello), "{\"type\":\"bridge_hello\","
	    "\"hub_id\":\"%s\",\"secret\":\"benchmarks\","
	    "\"protocol_version\":\"5\",\"peers\":[]}", id);
	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, hello, (size_t)n);
	n = write(e->fd, wbuf_data(&w), w.len) == (ssize_t)w.len ? 0 : -1;
	wbuf_free(&w);
	tcp_nodelay(e->fd);
	ws_init(&e->ws, WS_CLIENT, SIZE_MAX);
	e->cap = CHUNK;
	e->buf = xmalloc(e->cap);
	return n == -1 ? -1 : until_message(e);
}

static int
until_message(struct end *e)
{
	struct pollfd pfd = { .fd = e->fd, .events = POLLIN };
	uint64_t n = 0;

	while (n == 0) {
		if (poll(&pfd, 1, WAIT_MS) != 1 || read_some(e, &n) == -1) {
			log_warnx("the relay does not answer");
			return -1;
		}
	}
	return 0;
}

/* Counts whole messages; -1 at the end of the connection. */
static int
read_some(struct end *e, uint64_t *messages)
{
	struct ws_event ev;
	size_t used = 0;
	ssize_t n = read(e->fd, e->buf + e->len, e->cap - e->len);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		return -1;
	if (n > 0)
		e->len += (size_t)n;
	do {
		used += ws_read(&e->ws, e->buf + used, e->len - used, &ev);
		if (ev.type == WS_MESSAGE)
			(*messages)++;
		else if (ev.type == WS_CLOSED || ev.type == WS_BROKEN)
			return -1;
	} while (ev.type != WS_MORE);
	e->len -= used;
	memmove(e->buf, e->buf + used, e->len);
	return 0;
}

static void
end_close(struct end *e)
{
	if (e->fd > 0)
		close(e->fd);
	ws_done(&e->ws);
	free(e->buf);
	memset(e, 0, sizeof(*e));
}

/* Each sender has so many messages on their way; rate is of all pairs. */
static int
run(struct pair *pairs, const struct kind *k, int ms, double *rate)
{
	struct pollfd pfds[2 * PAIRS];
	struct wbuf frames[PAIRS] = { { 0 } };
	char *text = xmalloc(k->text_len + 1), *json;
	int64_t begin = now_ns(), until = begin + (int64_t)ms * 1000000;
	uint64_t total = 0;
	struct pair *p;
	ssize_t w;
	int i, n, r = 0, busy = 1;

	memset(text, 'x', k->text_len);
	text[k->text_len] = '\0';
	json = xmalloc(k->text_len + 256);
	for (i = 0; i < PAIRS; i++) {
		n = snprintf(json, k->text_len + 256, "{\"type\":"
		    "\"bridge_forward\",\"target_peer\":\"x@to-%d\","
		    "\"wrapped\":{\"type\":\"incoming_message\",\"text\":"
		    "\"%s\"}}", i, text);
		ws_frame(&frames[i], WS_CLIENT, WS_OP_TEXT, json, (size_t)n);
		pairs[i].sent = pairs[i].got = 0;
	}
	while (r == 0 && (now_ns() < until || busy)) {
		busy = 0;
		for (i = 0; i < PAIRS; i++) {
			p = &pairs[i];
			if (p->out_len == 0 && now_ns() < until &&
			    p->sent - p->got < k->in_flight) {
				p->out = frames[i].rb->data;
				p->out_off = 0;
				p->out_len = frames[i].len;
				p->sent++;
			}
			while (p->out_len > 0 && (w = write(p->from.fd,
			    p->out + p->out_off, p->out_len)) > 0) {
				p->out_off += (size_t)w;
				p->out_len -= (size_t)w;
				if (p->out_len > 0 || now_ns() >= until ||
				    p->sent - p->got >= k->in_flight)
					continue;
				p->out_off = 0;
				p->out_len = frames[i].len;
				p->sent++;
			}
			pfds[i].fd = p->from.fd;
			pfds[i].events = p->out_len > 0 ? POLLIN | POLLOUT :
			    POLLIN;
			pfds[PAIRS + i].fd = p->to.fd;
			pfds[PAIRS + i].events = POLLIN;
			busy |= p->got < p->sent;
		}
		if (poll(pfds, 2 * PAIRS, busy ? WAIT_MS : 0) == 0 && busy)
			r = -1;
		for (i = 0; i < PAIRS && r == 0; i++) {
			if (pfds[PAIRS + i].revents != 0)
				r = read_some(&pairs[i].to, &pairs[i].got);
		}
	}
	for (i = 0; i < PAIRS; i++) {
		total += pairs[i].got;
		wbuf_free(&frames[i]);
	}
	*rate = (double)total * 1e9 / (double)(now_ns() - begin);
	free(text);
	free(json);
	return r;
}

static int
measure(struct bench *b, int port, pid_t pid, json_t *res)
{
	struct pair *pairs = xcalloc(PAIRS, sizeof(*pairs));
	struct end *idle = xcalloc(IDLE, sizeof(*idle));
	struct memory before, after;
	pid_t router = 0;
	char id[32];
	double rate;
	size_t k;
	int i, r = 0;

	for (i = 0; i < PAIRS && r == 0; i++) {
		snprintf(id, sizeof(id), "from-%d", i);
		r = dial(port, &pairs[i].from, id);
		snprintf(id, sizeof(id), "to-%d", i);
		if (r == 0)
			r = dial(port, &pairs[i].to, id);
		(void)fcntl(pairs[i].from.fd, F_SETFL, O_NONBLOCK);
		(void)fcntl(pairs[i].to.fd, F_SETFL, O_NONBLOCK);
	}
	router = sys_child(pid, "router");
	if (r == 0 && sys_memory(router, &before) == 0) {
		for (i = 0; i < IDLE && r == 0; i++) {
			snprintf(id, sizeof(id), "idle-%d", i);
			r = dial(port, &idle[i], id);
		}
		if (r == 0 && sys_memory(router, &after) == 0)
			put_at_most(b, res, "kib_per_idle_hub",
			    (double)(after.pss - before.pss) / IDLE, 6);
	}
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && r == 0; k++) {
		if ((r = run(pairs, &kinds[k], RUN_MS / 4, &rate)) == 0)
			r = run(pairs, &kinds[k], RUN_MS, &rate);
		put_at_least(b, res, kinds[k].rate, rate * kinds[k].per,
		    kinds[k].goal);
	}
	for (i = 0; i < IDLE; i++)
		end_close(&idle[i]);
	for (i = 0; i < PAIRS; i++) {
		end_close(&pairs[i].from);
		end_close(&pairs[i].to);
	}
	free(idle);
	free(pairs);
	return r;
}

int
measure_relay(struct bench *b, json_t *res)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0), r = -1;
	pid_t pid = 0;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		return -1;
	close(fd);
	if (start(b, ntohs(sin.sin_port), &pid) == 0)
		r = measure(b, ntohs(sin.sin_port), pid, res);
	if (pid > 0) {
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, NULL, 0);
	}
	return r;
}
