/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a few connections say anything to a relay in this process.
 * Each input line is for one of them, which is opened when it is needed: its
 * first character says which, and what is to be done.  0 to 3: the rest is a
 * WebSocket message; 4 to 7: raw bytes; the next four: it is closed, then: it
 * stops reading, then: whoever has not said hello is late.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../relayd/relay.h"
#include "log.h"
#include "map.h"
#include "ws.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ENDS	4

struct side {
	struct relay	 relay;
	int		 fds[ENDS];	/* -1: not open */
	int		 deaf[ENDS];
};

static void	quiet(enum log_level, const char *, void *);
static int	join(struct relay *);
static void	say(int, const void *, size_t);
static void	turn(struct side *);
static void	line(struct side *, const uint8_t *, size_t);
static void	set_up(struct side *, struct event_base *);
static void	tear_down(struct side *);

static struct relay_conf	conf;

static void
quiet(enum log_level level, const char *text, void *arg)
{
	(void)level;
	(void)text;
	(void)arg;
}

/* A WebSocket that has been asked for. */
static int
join(struct relay *r)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort();
	hub_new(r, pair[0], NULL, "here");
	if (send(pair[1], ask, sizeof(ask) - 1, 0) == -1)
		abort();
	return pair[1];
}

static void
say(int fd, const void *p, size_t n)
{
	struct wbuf w = { 0 };

	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, p, n);
	(void)!send(fd, wbuf_data(&w), w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	wbuf_free(&w);
}

static void
turn(struct side *s)
{
	char buf[65536];
	int i;

	for (i = 0; i < 3; i++)
		event_base_loop(s->relay.base, EVLOOP_NONBLOCK);
	for (i = 0; i < ENDS; i++) {
		while (s->fds[i] != -1 && !s->deaf[i] &&
		    recv(s->fds[i], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
	if (s->relay.nup > conf.max_hubs)
		abort();
}

static void
line(struct side *s, const uint8_t *p, size_t n)
{
	unsigned op = (uint8_t)(p[0] - '0') % 32U, what = op / ENDS;
	unsigned i = op % ENDS;

	if (what == 4) {
		/* whoever has not said hello is late */
		conf.handshake_ms = 0;
		hubs_tick(&s->relay);
		pairs_tick(s->relay.pairs);
		conf.handshake_ms = 5000;
		return;
	}
	if (s->fds[i] == -1) {
		s->fds[i] = join(&s->relay);
		s->deaf[i] = 0;
		turn(s);
	}
	if (what == 1)
		(void)!send(s->fds[i], p + 1, n - 1, MSG_NOSIGNAL |
		    MSG_DONTWAIT);
	else if (what == 2) {
		close(s->fds[i]);
		s->fds[i] = -1;
	} else if (what == 3)
		s->deaf[i] = !s->deaf[i];
	else
		say(s->fds[i], p + 1, n - 1);
}

static void
set_up(struct side *s, struct event_base *base)
{
	struct relay *r = &s->relay;
	int i;

	memset(s, 0, sizeof(*s));
	r->conf = &conf;
	r->base = base;
	TAILQ_INIT(&r->early);
	TAILQ_INIT(&r->up);
	r->ids = map_new();
	r->pairs = pairs_new(r);
	for (i = 0; i < ENDS; i++)
		s->fds[i] = -1;
}

static void
tear_down(struct side *s)
{
	int i;

	for (i = 0; i < ENDS; i++) {
		if (s->fds[i] != -1)
			close(s->fds[i]);
	}
	event_base_loop(s->relay.base, EVLOOP_NONBLOCK);
	pairs_free(s->relay.pairs, "");
	hubs_stop(&s->relay, 1000);
	map_free(s->relay.ids);
	wbuf_free(&s->relay.scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct side s;
	const uint8_t *nl;
	size_t n;

	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
		relay_conf_defaults(&conf);
		strlcpy(conf.secret, "a secret", sizeof(conf.secret));
		conf.max_hubs = 3;
		conf.max_peers = 3;
		log_to_fn(quiet, NULL);
	}
	set_up(&s, base);
	for (; size > 0; data += n, size -= n) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		line(&s, data, n);
		turn(&s);
	}
	tear_down(&s);
	return 0;
}
