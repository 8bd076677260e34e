/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of another hub reach a router in this process, which has
 * two sessions.  A line that begins with > or < is one of the first or the
 * second session; ^ begins another link, whose hello is the rest of the line;
 * = says how many lines are written; ! that the link is full, or no longer.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "asks.h"
#include "conf.h"
#include "fakestore.h"
#include "hub.h"
#include "hubs.h"
#include "imsg.h"
#include "registry.h"
#include "rooms.h"
#include "session.h"

#define ASKS_A_LINE	16	/* sessions that a broadcast may reach */

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct test {
	struct event_base	*base;
	struct conf		*conf;
	struct router		 router;
	struct imsgbuf		*carrier;	/* bridged's end */
	uint32_t		 link;
	int			 full, closing;
	size_t			 nlines;
	int			 ends[2];	/* of the sessions */
	struct wbuf		 in[2];
};

static void	on_carried(struct imsgbuf *, struct imsg *, void *);
static void	on_closed(struct imsgbuf *, int, void *);
static void	check_object(const char *, size_t);
static void	check_line(const struct test *, const char *, size_t);
static void	check_names(const struct test *);
static void	check_rooms(const struct test *);
static void	take_in(struct test *, int);
static void	say(const struct test *, int, const char *, size_t);
static void	carry(struct test *, const char *, size_t);
static void	begin_link(struct test *, const char *, size_t);
static void	end_link(struct test *);
static void	one_line(struct test *, const char *, size_t);
static void	set_up(struct test *);

static const char hello[] = "{\"type\":\"bridge_hello\",\"hub_id\":\"other\","
    "\"secret\":\"\",\"protocol_version\":\"5\",\"peers\":[{\"name\":\"x\","
    "\"cwd\":\"/\",\"git_branch\":\"\",\"last_seen\":1}],\"features\":"
    LINK_FEATURES "}";

static const char *const prologue[] = {
	"{\"type\":\"register\",\"name\":\"a\",\"cwd\":\"/\",\"git_branch\":"
	"\"\",\"protocol_version\":\"5\",\"features\":[\"receipts\",\"ids\","
	"\"kind\",\"sessions\",\"ask\"]}\n",
	"{\"type\":\"register\",\"name\":\"b\",\"cwd\":\"/\",\"git_branch\":"
	"\"\",\"protocol_version\":\"5\"}\n",
};

static const struct imsg_ops carrier_ops = {
	.dispatch = on_carried,
	.closed = on_closed,
};

/* What the other hub is sent is one line of JSON, not too long. */
static void
on_carried(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct test *t = arg;
	struct link_send s;
	struct wbuf w = { 0 };

	(void)ib;
	if (m->type == LINK_CLOSE)
		t->closing = 1;
	if (m->type != LINK_SEND)
		return;
	if (link_send_get(&m->rd, &s) == -1)
		abort();
	wbuf_add(&w, s.head.p, s.head.len);
	if (s.inner.len > 0) {
		if (s.inner.p[s.inner.len - 1] != '\n')
			abort();
		wbuf_add(&w, s.inner.p, s.inner.len - 1);
		wbuf_adds(&w, "}");
	}
	if (w.len > LINK_LINE_MAX)
		abort();
	check_object(wbuf_data(&w), w.len);
	wbuf_free(&w);
}

static void
on_closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)err;
	(void)arg;
	abort();
}

static void
check_object(const char *p, size_t n)
{
	json_t *o;

	if (memchr(p, '\n', n) != NULL)
		abort();
	if ((o = json_loadb(p, n, JSON_ALLOW_NUL, NULL)) == NULL ||
	    !json_is_object(o))
		abort();
	json_decref(o);
}

/*
 * A session is told who says it: one of its own hub, or name@other.  Of a
 * group of the other hub that one says who, and its answers may have members
 * that mean nothing.
 */
static void
check_line(const struct test *t, const char *p, size_t n)
{
	json_t *o = json_loadb(p, n, JSON_ALLOW_NUL, NULL);
	const char *type, *from, *at;
	const struct session *s;

	type = json_string_value(json_object_get(o, "type"));
	from = json_string_value(json_object_get(o, "from"));
	if (type == NULL || (strncmp(type, "incoming_", 9) == 0 &&
	    from == NULL))
		abort();
	if (strncmp(type, "incoming_", 9) == 0 &&
	    strcmp(type, "incoming_group_msg") != 0) {
		at = strchr(from, '@');
		s = registry_find(t->router.registry, from);
		if (at != NULL ? strcmp(at, "@other") != 0 :
		    s == NULL || s->hub != NULL)
			abort();
	}
	json_decref(o);
}

static void
check_names(const struct test *t)
{
	const struct registry *g = t->router.registry;
	struct hub *h = hubs_find(t->router.hubs, "other");
	struct session *s;
	uint32_t n = 0;
	const char *at;

	for (s = registry_next(g, NULL); s != NULL; s = registry_next(g, s)) {
		if (s->hub != NULL || !name_valid(slice_of(s->name)))
			abort();
	}
	for (s = registry_next_remote(g, NULL); s != NULL;
	    s = registry_next_remote(g, s)) {
		at = strchr(s->name, '@');
		if (s->hub != h || at == NULL || strcmp(at, "@other") != 0 ||
		    !name_valid((struct slice){ s->name,
		    (size_t)(at - s->name) }) ||
		    registry_exact(g, slice_of(s->name)) != s)
			abort();
		n++;
	}
	if (n != h->npeers || n > t->conf->max_hub_peers ||
	    (n > 0 && h->way == NULL))
		abort();
}

static void
check_rooms(const struct test *t)
{
	const struct router *r = &t->router;
	struct wbuf w = { 0 };
	json_t *list, *room, *members, *name;
	size_t i, j;

	rooms_put_list(&w, r->rooms, SIZE_MAX);
	if ((list = json_loadb(wbuf_data(&w), w.len, 0, NULL)) == NULL ||
	    json_array_size(list) > t->conf->max_rooms)
		abort();
	json_array_foreach(list, i, room) {
		members = json_object_get(room, "members");
		if (json_array_size(members) == 0 ||
		    json_array_size(members) > t->conf->max_room_members)
			abort();
		json_array_foreach(members, j, name) {
			if (registry_exact(r->registry, slice_of(
			    json_string_value(name))) == NULL)
				abort();
		}
	}
	json_decref(list);
	wbuf_free(&w);
	if (asks_count(r->asks) > t->nlines * ASKS_A_LINE)
		abort();
}

/* What a session has been sent. */
static void
take_in(struct test *t, int i)
{
	struct wbuf *w = &t->in[i];
	const char *p, *nl;
	ssize_t n;

	while ((n = recv(t->ends[i], wbuf_room(w, 65536), 65536,
	    MSG_DONTWAIT)) > 0)
		w->len += (size_t)n;
	p = wbuf_data(w);
	while ((nl = memchr(p, '\n', w->len)) != NULL) {
		check_object(p, (size_t)(nl - p));
		check_line(t, p, (size_t)(nl - p));
		w->len -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	if (w->len > 0)
		memmove(w->rb->data, p, w->len);
}

static void
say(const struct test *t, int i, const char *p, size_t n)
{
	if (send(t->ends[i], p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
		abort();
}

static void
carry(struct test *t, const char *p, size_t n)
{
	struct link_line m = { t->link, { p, n } };
	struct wbuf w = { 0 };

	link_line_put(&w, &m);
	imsg_send(t->carrier, LINK_LINE, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
begin_link(struct test *t, const char *p, size_t n)
{
	struct link_up m = { .link = ++t->link, .hub_id = "other",
	    .hello = { p, n } };
	struct wbuf w = { 0 };

	link_up_put(&w, &m);
	imsg_send(t->carrier, LINK_UP, 0, -1, &w, NULL);
	wbuf_free(&w);
	t->full = t->closing = 0;
}

static void
end_link(struct test *t)
{
	struct link_end m = { t->link, "over" };
	struct wbuf w = { 0 };

	link_end_put(&w, &m);
	imsg_send(t->carrier, LINK_DOWN, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
one_line(struct test *t, const char *p, size_t n)
{
	struct link_full full = { t->link, 0 };
	struct link_written written = { t->link, 0 };
	struct wbuf w = { 0 };

	if (n == 0)
		return;
	if (*p == '>' || *p == '<') {
		say(t, *p == '<', p + 1, n - 1);
		say(t, *p == '<', "\n", 1);
	} else if (*p == '^') {
		end_link(t);
		begin_link(t, p + 1, n - 1);
	} else if (*p == '=') {
		written.lines = n > 1 ? p[1] & 15 : 0;
		link_written_put(&w, &written);
		imsg_send(t->carrier, LINK_WRITTEN, 0, -1, &w, NULL);
	} else if (*p == '!') {
		full.full = (uint8_t)(t->full ^= 1);
		link_full_put(&w, &full);
		imsg_send(t->carrier, LINK_FULL, 0, -1, &w, NULL);
	} else {
		carry(t, p, n);
	}
	wbuf_free(&w);
	t->nlines++;
	fakestore_turn(t->base);
	if (t->closing) {
		end_link(t);
		begin_link(t, hello, sizeof(hello) - 1);
		fakestore_turn(t->base);
	}
	take_in(t, 0);
	take_in(t, 1);
	check_names(t);
	check_rooms(t);
}

static void
set_up(struct test *t)
{
	int i, pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		abort();
	t->carrier = imsg_new(t->base, pair[1], PROC_BRIDGED, PROC_ROUTER,
	    &carrier_ops, t);
	hubs_carrier(t->router.hubs, PROC_BRIDGED, pair[0]);
	for (i = 0; i < 2; i++) {
		t->ends[i] = fakestore_session(t->base, &t->router);
		say(t, i, prologue[i], strlen(prologue[i]));
	}
	fakestore_turn(t->base);
	begin_link(t, hello, sizeof(hello) - 1);
	fakestore_turn(t->base);
	if (registry_count(t->router.registry) != 2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct conf conf;
	const char *p = (const char *)data, *end = p + size, *nl;
	struct lan_peer peer = { .hub_id = "other" };
	struct test t = { .conf = &conf, .router = { .conf = &conf } };
	struct fakestore *store;

	if (base == NULL) {
		base = fakestore_init(&conf);
		conf.max_hub_peers = 5;
		if (lan_peer_add(&conf.lan, &peer) == -1)
			abort();
	}
	t.base = base;
	store = fakestore_router(base, &t.router);
	set_up(&t);
	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		one_line(&t, p, (size_t)(nl - p));
	}
	/* the links end before the hub does, or with it */
	if (size % 2 == 0) {
		imsg_free(t.carrier);
		t.carrier = NULL;
	}
	close(t.ends[0]);
	close(t.ends[1]);
	fakestore_end(store, base, &t.router);
	imsg_free(t.carrier);
	wbuf_free(&t.in[0]);
	wbuf_free(&t.in[1]);
	return 0;
}
