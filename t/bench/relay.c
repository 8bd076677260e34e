/* SPDX-License-Identifier: ISC */
/*
 * A relay with all the work it can do: pairs of hubs, each sender with a few
 * messages on their way; how long one message takes; and the memory of hubs
 * that do nothing.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench.h"
#include "log.h"
#include "relayhub.h"
#include "sysinfo.h"

#define PAIRS		8
#define IDLE		10000
#define IDLE_TLS	2000
#define IDLE_KIB	6	/* 60 MB for 10,000 of them */
#define IDLE_TLS_KIB	20	/* 200 MB */
#define IDLE_CHUNK	1024
#define SPARE_FILES	100
#define RUN_MS		2000
#define ROUNDS		5000
#define BATCH		65536	/* bytes of short messages in one write */
#define JSON_MAX	256	/* bytes of a message besides its text */

struct pair {
	struct end	 from, to;
	uint64_t	 sent, got;
	struct wbuf	 frames;	/* as many as fit in one write */
	size_t		 len;		/* of one */
	const char	*out;		/* not yet written */
	size_t		 out_len;
};

struct kind {
	const char	*name, *per_cpu;
	size_t		 text_len;
	unsigned	 in_flight;
	double		 goal, per;
};

static const struct kind kinds[] = {
	{ "forwards_per_s", "forwards_per_cpu_s", 200, 16, 250000, 1 },
	{ "gb_per_s", "gb_per_cpu_s", 65536, 16, 1.5, 65536 / 1e9 },
	{ "gb_per_s_longest", "gb_per_cpu_s_longest", 500000, 4, 1.5,
	    500000 / 1e9 },
};

static size_t	message(char *, size_t, const char *);
static void	prepare(struct pair *, const struct kind *, int);
static void	send_more(struct pair *, const struct kind *, int);
static int	turn(struct pair *, const struct kind *, int, int);
static int	run(struct pair *, const struct kind *, int, uint64_t *,
		    double *);
static int	rounds(struct end *, struct end *, struct samples *);
static int	latency(struct bench *, struct pair *, json_t *);
static int	idle(struct bench *, int, SSL_CTX *, pid_t, struct end *,
		    size_t, json_t *);
static int	memory(struct bench *, const int[2], pid_t, json_t *);
static int	throughput(struct bench *, struct pair *, pid_t, json_t *);
static int	measure(struct bench *, const int[2], pid_t, json_t *);
static int	free_ports(int[2]);

static size_t
message(char *json, size_t text_len, const char *target)
{
	size_t n;

	n = (size_t)snprintf(json, JSON_MAX, "{\"type\":\"bridge_forward\","
	    "\"target_peer\":\"x@%s\",\"wrapped\":"
	    "{\"type\":\"incoming_message\",\"text\":\"", target);
	memset(json + n, 'x', text_len);
	memcpy(json + n + text_len, "\"}}", 3);
	return n + text_len + 3;
}

static void
prepare(struct pair *p, const struct kind *k, int i)
{
	char *json = xmalloc(k->text_len + JSON_MAX), id[32];
	struct wbuf pong = { 0 };
	size_t n, j;

	snprintf(id, sizeof(id), "to-%d", i);
	n = message(json, k->text_len, id);
	wbuf_reset(&p->frames);
	ws_frame(&p->frames, WS_CLIENT, WS_OP_TEXT, json, n);
	p->len = p->frames.len;
	for (j = 1; j < k->in_flight && p->frames.len < BATCH; j++)
		ws_frame(&p->frames, WS_CLIENT, WS_OP_TEXT, json, n);
	free(json);
	/* a sign of life: it sends nothing else */
	ws_frame(&pong, WS_CLIENT, WS_OP_PONG, "", 0);
	(void)end_write(&p->to, wbuf_data(&pong), pong.len);
	wbuf_free(&pong);
	p->sent = p->got = 0;
	p->out_len = 0;
}

/* As much as may be on its way, as far as the kernel takes it. */
static void
send_more(struct pair *p, const struct kind *k, int more)
{
	size_t n;
	ssize_t w;

	do {
		if (p->out_len == 0 && more) {
			n = k->in_flight - (p->sent - p->got);
			if (n > p->frames.len / p->len)
				n = p->frames.len / p->len;
			p->out = wbuf_data(&p->frames);
			p->out_len = n * p->len;
			p->sent += n;
		}
		if (p->out_len == 0 ||
		    (w = write(p->from.fd, p->out, p->out_len)) <= 0)
			return;
		p->out += w;
		p->out_len -= (size_t)w;
	} while (p->out_len == 0);
}

/* Returns how many wait for messages; -1: nothing comes. */
static int
turn(struct pair *pairs, const struct kind *k, int more, int ms)
{
	struct pollfd pfds[2 * PAIRS];
	struct pair *p;
	int i, busy = 0;

	for (i = 0; i < PAIRS; i++) {
		p = &pairs[i];
		send_more(p, k, more);
		pfds[i].fd = p->from.fd;
		pfds[i].events = p->out_len > 0 ? POLLIN | POLLOUT : POLLIN;
		pfds[PAIRS + i].fd = p->to.fd;
		pfds[PAIRS + i].events = POLLIN;
		busy += p->got < p->sent;
	}
	if (busy > 0 && poll(pfds, 2 * PAIRS, ms) == 0)
		return -1;
	for (i = 0; i < PAIRS && busy > 0; i++) {
		if (pfds[PAIRS + i].revents != 0 &&
		    end_skip(&pairs[i].to, &pairs[i].got) == -1)
			return -1;
	}
	return busy;
}

/* Each sender has so many messages on their way; the result is of all. */
static int
run(struct pair *pairs, const struct kind *k, int ms, uint64_t *total,
    double *ns)
{
	int64_t begin, until;
	int i, busy;

	for (i = 0; i < PAIRS; i++)
		prepare(&pairs[i], k, i);
	begin = now_ns();
	until = begin + (int64_t)ms * 1000000;
	do
		busy = turn(pairs, k, now_ns() < until, RELAY_WAIT_MS);
	while (busy > 0);
	for (i = 0, *total = 0; i < PAIRS; i++)
		*total += pairs[i].got;
	*ns = (double)(now_ns() - begin);
	if (busy == -1)
		log_warnx("the relay has stopped forwarding");
	return busy;
}

/* Per second of time, and of the relay's processor time. */
static int
throughput(struct bench *b, struct pair *pairs, pid_t router, json_t *res)
{
	const struct kind *k;
	uint64_t total;
	int64_t cpu;
	double ns;
	size_t i;
	int r = 0;

	for (i = 0; i < PAIRS; i++) {
		(void)fcntl(pairs[i].from.fd, F_SETFL, O_NONBLOCK);
		(void)fcntl(pairs[i].to.fd, F_SETFL, O_NONBLOCK);
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++) {
		k = &kinds[i];
		if ((r = run(pairs, k, RUN_MS / 4, &total, &ns)) == -1)
			break;
		cpu = sys_cpu_ns(router);
		if ((r = run(pairs, k, RUN_MS, &total, &ns)) == -1)
			break;
		put_at_least(b, res, k->name, (double)total * k->per * 1e9 /
		    ns, k->goal);
		cpu = sys_cpu_ns(router) - cpu;
		if (cpu > 0)
			put_real(res, k->per_cpu, (double)total * k->per *
			    1e9 / (double)cpu);
	}
	return r;
}

/* One message at a time, from one end to the other. */
static int
rounds(struct end *from, struct end *to, struct samples *s)
{
	char json[kinds[0].text_len + JSON_MAX];
	struct wbuf w = { 0 };
	int64_t begin;
	int i, r = 0;

	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, json,
	    message(json, kinds[0].text_len, "to-0"));
	for (i = 0; i < ROUNDS && r == 0; i++) {
		begin = now_ns();
		if ((r = end_write(from, wbuf_data(&w), w.len)) == 0)
			r = end_wait(to);
		samples_add(s, (double)(now_ns() - begin) / 1000);
	}
	wbuf_free(&w);
	return r;
}

static int
latency(struct bench *b, struct pair *pairs, json_t *res)
{
	struct samples relay = { 0 }, bare = { 0 };
	struct end e = { 0 };
	int port, r = -1;
	pid_t pid = echo_start(&port);

	if (pid > 0 && end_open(&e, port, NULL, RELAY_CHUNK) == 0 &&
	    rounds(&e, &e, &bare) == 0 &&
	    rounds(&pairs[0].from, &pairs[0].to, &relay) == 0) {
		put_real(res, "bare_echo_us", samples_at(&bare, 0.5));
		put_at_most(b, res, "forward_us", samples_at(&relay, 0.5),
		    2 * samples_at(&bare, 0.5));
		put_real(res, "forward_p99_us", samples_at(&relay, 0.99));
		r = 0;
	}
	end_close(&e);
	samples_free(&relay);
	samples_free(&bare);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return r;
}

/* What hubs take that are there and no more; they stay until closed. */
static int
idle(struct bench *b, int port, SSL_CTX *tls, pid_t router,
    struct end *hubs, size_t n, json_t *res)
{
	struct memory before, after;
	char id[32];
	size_t i;

	if (sys_memory(router, &before) == -1)
		return 0;
	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "idle-%d-%zu", port, i);
		if (hub_open(&hubs[i], port, tls, id, IDLE_CHUNK) == -1)
			return -1;
	}
	if (sys_memory(router, &after) == -1)
		return 0;
	put_at_most(b, res, tls != NULL ? "kib_per_idle_hub_tls" :
	    "kib_per_idle_hub", (double)(after.pss - before.pss) / (double)n,
	    tls != NULL ? IDLE_TLS_KIB : IDLE_KIB);
	return 0;
}

/* As many as the limit of open files allows. */
static int
memory(struct bench *b, const int ports[2], pid_t router, json_t *res)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	size_t n = IDLE, ntls = IDLE_TLS, i;
	struct rlimit rl;
	struct end *hubs;
	int r = -1;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur < IDLE + IDLE_TLS + SPARE_FILES)
		n = ntls = (rl.rlim_cur - SPARE_FILES) / 2;
	hubs = xcalloc(n + ntls, sizeof(*hubs));
	if (tls != NULL &&
	    idle(b, ports[0], NULL, router, hubs, n, res) == 0)
		r = idle(b, ports[1], tls, router, hubs + n, ntls, res);
	json_object_set_new(res, "idle_hubs", json_integer((json_int_t)n));
	for (i = 0; i < n + ntls; i++)
		end_close(&hubs[i]);
	free(hubs);
	SSL_CTX_free(tls);
	return r;
}

static int
measure(struct bench *b, const int ports[2], pid_t pid, json_t *res)
{
	struct pair *pairs = xcalloc(PAIRS, sizeof(*pairs));
	pid_t router;
	char id[32];
	int i, r = 0;

	for (i = 0; i < PAIRS && r == 0; i++) {
		snprintf(id, sizeof(id), "from-%d", i);
		r = hub_open(&pairs[i].from, ports[0], NULL, id, RELAY_CHUNK);
		snprintf(id, sizeof(id), "to-%d", i);
		if (r == 0)
			r = hub_open(&pairs[i].to, ports[0], NULL, id,
			    RELAY_CHUNK);
	}
	router = sys_child(pid, "router");
	if (r == 0)
		r = memory(b, ports, router, res);
	if (r == 0)
		r = latency(b, pairs, res);
	if (r == 0)
		r = throughput(b, pairs, router, res);
	for (i = 0; i < PAIRS; i++) {
		end_close(&pairs[i].from);
		end_close(&pairs[i].to);
		wbuf_free(&pairs[i].frames);
	}
	free(pairs);
	return r;
}

/* Both are free at the same time. */
static int
free_ports(int ports[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fds[2], i, r = 0;

	for (i = 0; i < 2; i++) {
		sin.sin_port = 0;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] == -1 ||
		    bind(fds[i], (struct sockaddr *)&sin, len) == -1 ||
		    getsockname(fds[i], (struct sockaddr *)&sin, &len) == -1)
			r = -1;
		ports[i] = ntohs(sin.sin_port);
	}
	for (i = 0; i < 2; i++) {
		if (fds[i] != -1)
			close(fds[i]);
	}
	return r;
}

int
measure_relay(struct bench *b, json_t *res)
{
	int ports[2], r = -1;
	pid_t pid = 0;

	if (free_ports(ports) == -1)
		return -1;
	if (relay_start(b, ports, &pid) == 0)
		r = measure(b, ports, pid, res);
	if (pid > 0) {
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, NULL, 0);
	}
	return r;
}
