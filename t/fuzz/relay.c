/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a hub says anything to a relay in this process, at which there
 * is another hub.  Each input line is a WebSocket message; the first one in
 * place of the hello if it does not begin with a space.
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

static void	quiet(enum log_level, const char *, void *);
static int	join(struct relay *, const char *);
static void	say(int, const void *, size_t);
static void	turn(struct relay *, const int *);

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

/* A WebSocket that has been asked for; with a hello if there is an id. */
static int
join(struct relay *r, const char *id)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct wbuf w = { 0 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort();
	hub_new(r, pair[0], NULL, "here");
	if (send(pair[1], ask, sizeof(ask) - 1, 0) == -1)
		abort();
	if (id != NULL) {
		wbuf_printf(&w, "{\"type\":\"bridge_hello\",\"hub_id\":"
		    "\"%s\",\"secret\":\"a secret\",\"protocol_version\":"
		    "\"5\",\"peers\":[{\"name\":\"p\"}],\"features\":"
		    "[\"hubs\",\"limits\",\"rename\"]}", id);
		say(pair[1], wbuf_data(&w), w.len);
		wbuf_free(&w);
	}
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
turn(struct relay *r, const int *fds)
{
	char buf[65536];
	int i;

	for (i = 0; i < 3; i++)
		event_base_loop(r->base, EVLOOP_NONBLOCK);
	for (i = 0; i < 2; i++) {
		while (recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct relay_conf conf;
	struct relay r = { .conf = &conf };
	int fds[2];
	const uint8_t *nl;
	size_t n;

	if (base == NULL) {
		signal(SIGPIPE, SIG_IGN);
		base = event_base_new();
		relay_conf_defaults(&conf);
		strlcpy(conf.secret, "a secret", sizeof(conf.secret));
		conf.max_hubs = 2;
		conf.max_peers = 3;
		log_to_fn(quiet, NULL);
	}
	r.base = base;
	TAILQ_INIT(&r.early);
	TAILQ_INIT(&r.up);
	r.ids = map_new();
	r.pairs = pairs_new(&r);
	fds[0] = join(&r, "b");
	fds[1] = join(&r, size > 0 && data[0] == ' ' ? "a" : NULL);
	turn(&r, fds);
	for (; size > 0; data += n, size -= n) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		say(fds[1], data, n);
		turn(&r, fds);
		if (r.nup > conf.max_hubs)
			abort();
	}
	close(fds[0]);
	close(fds[1]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	pairs_free(r.pairs, "");
	hubs_stop(&r, 1000);
	map_free(r.ids);
	return 0;
}
