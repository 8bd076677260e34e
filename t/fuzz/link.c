/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of another hub reach a router in this process, in which
 * there is a session "a".  The first line is the other hub's bridge_hello or
 * bridge_welcome.
 */
#include "compat.h"

#include "fakerouter.h"
#include "linkproto.h"

#define LINK	1

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	on_line(struct imsgbuf *, struct imsg *, void *);
static void	check(const struct router *);

static const struct imsg_ops carrier_ops = {
	.dispatch = on_line,
	.closed = on_closed,
};

/* What the router sends must be what a carrier understands. */
static void
on_line(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct link_send s;

	(void)ib;
	(void)arg;
	if (m->type == LINK_SEND && (link_send_get(&m->rd, &s) == -1 ||
	    memchr(s.head.p, '\n', s.head.len) != NULL))
		abort();
}

/* Whatever it says: its sessions are of its own hub, and not too many. */
static void
check(const struct router *r)
{
	struct session *s;
	unsigned n = 0;

	for (s = registry_next_remote(r->registry, NULL); s != NULL;
	    s = registry_next_remote(r->registry, s)) {
		if (strlen(s->name) < 5 || strcmp(s->name +
		    strlen(s->name) - 4, "@far") != 0 ||
		    ++n > r->conf->max_hub_peers)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hi[] = "{\"type\":\"register\",\"name\":\"a\","
	    "\"cwd\":\"/\",\"git_branch\":\"m\","
	    "\"protocol_version\":\"5\",\"features\":[\"kind\"]}\n"
	    "{\"type\":\"join_room\",\"room\":\"r\"}\n"
	    "{\"type\":\"ask\",\"to\":\"b@far\",\"question\":\"?\","
	    "\"ask_id\":\"k\"}\n"
	    "{\"type\":\"group_history\",\"group\":\"g@far\"}\n";
	static struct fake f;
	struct link_up up = { .link = LINK, .hub_id = "far" };
	struct link_line line = { .link = LINK };
	struct imsgbuf *carrier;
	struct wbuf w = { 0 };
	int pair[2], fds[2], first = 1;
	const uint8_t *nl;
	size_t n;

	fake_open(&f);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		abort();
	(void)session_new(&f.router, f.base, pair[0], 0);
	hubs_carrier(f.router.hubs, fds[0]);
	carrier = imsg_new(f.base, fds[1], PROC_BRIDGED, PROC_ROUTER,
	    &carrier_ops, NULL);
	for (; size > 0; data += n, size -= n, first = 0) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		line.line.p = up.hello.p = (const char *)data;
		line.line.len = up.hello.len = nl != NULL ? n - 1 : n;
		if (first)
			link_up_put(&w, &up);
		else
			link_line_put(&w, &line);
		imsg_send(carrier, first ? LINK_UP : LINK_LINE, 0, -1, &w,
		    NULL);
		wbuf_reset(&w);
		fake_turn(&f, &pair[1], 1);
		check(&f.router);
		if (first && send(pair[1], hi, sizeof(hi) - 1, MSG_NOSIGNAL |
		    MSG_DONTWAIT) == -1)
			abort();
	}
	wbuf_free(&w);
	close(pair[1]);
	fake_turn(&f, NULL, 0);
	imsg_free(carrier);
	fake_close(&f);
	return 0;
}
