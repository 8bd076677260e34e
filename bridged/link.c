/* SPDX-License-Identifier: ISC */
/*
 * Links to other hubs: the handshake, which of two links between the same
 * hubs stays, and whether the other end is still there.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "bridge.h"
#include "conn.h"
#include "hello.h"
#include "imsg.h"
#include "log.h"
#include "penalty.h"
#include "timeutil.h"

/* not up yet: as many at a time, and of those in plaintext */
#define EARLY_MAX	512
#define EARLY_LOW	256
#define EARLY_ADDRESS	256	/* from one address */
#define EARLY_PLAIN_MAX	60	/* of HELLO_MAX bytes each */
#define PING_MS		15000	/* without a sign of life */
#define DEAD_MS		40000
#define RIVAL_MS	2000	/* for the old link to show that it lives */
#define HIGH_MARK	(2 * 1024 * 1024)	/* bytes not sent */

static const char ping[] = "{\"type\":\"ping\"}";
static const char pong[] = "{\"type\":\"pong\"}";

static struct link	*link_new(struct bridge *, const char *);
static void	on_open(struct conn *, void *);
static void	on_line(struct conn *, const char *, size_t, void *);
static void	on_drained(struct conn *, void *);
static void	on_closed(struct conn *, const char *, int, void *);
static void	hand_on(struct link *, struct slice);
static void	got_hello(struct link *, const char *, size_t);
static const char	*verify(const struct link *, const struct hello *);
static void	take_key(struct link *, const struct hello *);
static void	answer_check(struct link *);
static void	settle(struct link *, const char *, size_t);
static void	got_welcome(struct link *, const char *, size_t);
static void	welcome(struct link *, const char *, size_t);
static void	hide_secret(struct wbuf *, const char *);
static void	up(struct link *, const char *, size_t);
static void	refuse(struct link *, const char *);
static void	drop(struct link *);
static void	say(struct link *, const char *);
static void	set_full(struct link *, int);
static unsigned	early_plain(const struct bridge *);
static void	tick(struct link *, int64_t);

static const struct conn_ops conn_ops = {
	.open = on_open,
	.line = on_line,
	.drained = on_drained,
	.closed = on_closed,
};

static struct link *
link_new(struct bridge *b, const char *address)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->bridge = b;
	l->began = time_mono_ms();
	strlcpy(l->address, address, sizeof(l->address));
	TAILQ_INSERT_TAIL(&b->links, l, entry);
	if (++b->nearly == EARLY_MAX)
		b->crowded(b, 1);
	return l;
}

void
link_accept(struct bridge *b, int fd, const char *address)
{
	struct link *l;
	unsigned n = 0;

	TAILQ_FOREACH(l, &b->links, entry)
		n += l->stage != STAGE_UP && strcmp(l->address, address) == 0;
	if (n >= EARLY_ADDRESS) {
		close(fd);
		return;
	}
	l = link_new(b, address);
	l->conn = conn_answer(b->base, fd, b->psk, b->plaintext_too, &conn_ops,
	    l);
	conn_limit(l->conn, HELLO_MAX);
}

struct link *
link_call(struct bridge *b, int fd, struct caller *caller,
    const char *address)
{
	const struct lan_peer *peer = caller_peer(caller);
	struct link *l = link_new(b, address);

	l->caller = caller;
	strlcpy(l->hub_id, peer->hub_id, sizeof(l->hub_id));
	l->conn = conn_call(b->base, fd, peer->plaintext ? NULL : b->psk,
	    peer->hub_id, &conn_ops, l);
	conn_limit(l->conn, HELLO_MAX);
	return l;
}

struct link *
link_of_id(struct bridge *b, uint32_t id)
{
	struct link *l;

	TAILQ_FOREACH(l, &b->links, entry) {
		if (l->id == id && l->stage == STAGE_UP)
			return l;
	}
	return NULL;
}

/* Forgets it, in whatever stage it is. */
static void
drop(struct link *l)
{
	struct bridge *b = l->bridge;
	struct link *other;

	TAILQ_REMOVE(&b->links, l, entry);
	if (l->stage != STAGE_UP && --b->nearly == EARLY_LOW)
		b->crowded(b, 0);
	TAILQ_FOREACH(other, &b->links, entry) {
		if (other->rival == l)
			other->rival = NULL;
	}
	conn_free(l->conn);
	wbuf_free(&l->hello);
	free(l);
}

void
link_close(struct link *l, const char *why)
{
	struct link_end m = { .link = l->id };
	struct bridge *b = l->bridge;
	struct link *rival = l->rival;
	struct caller *caller = l->caller;
	int was_up = l->stage == STAGE_UP;
	struct wbuf w = { 0 }, hello;
	char id[NAME_SIZE];

	strlcpy(id, l->hub_id, sizeof(id));
	if (was_up) {
		log_info("link to %s at %s is down: %s", id, l->address, why);
		strlcpy(m.why, why, sizeof(m.why));
		link_end_put(&w, &m);
		if (b->router != NULL)
			imsg_send(b->router, LINK_DOWN, 0, -1, &w, NULL);
		wbuf_free(&w);
	} else {
		log_debug("no link with %s at %s: %s",
		    id[0] != '\0' ? id : "?", l->address, why);
	}
	drop(l);
	/* the one that has waited takes its place */
	if (rival != NULL) {
		hello = rival->hello;
		memset(&rival->hello, 0, sizeof(rival->hello));
		welcome(rival, wbuf_data(&hello), hello.len);
		wbuf_free(&hello);
	} else if (was_up) {
		caller_down(b, id, why);
	} else if (caller != NULL) {
		caller_failed(caller, why);
	}
}

/* It is its own fault: who does that too often has to wait. */
static void
refuse(struct link *l, const char *why)
{
	if (l->caller == NULL) {
		log_warnx("%s%s%s refused: %s", l->address,
		    l->hub_id[0] != '\0' ? " as hub " : "", l->hub_id, why);
		penalty_add(l->bridge->penalties, l->address);
	}
	link_close(l, why);
}

static unsigned
early_plain(const struct bridge *b)
{
	const struct link *l;
	unsigned n = 0;

	TAILQ_FOREACH(l, &b->links, entry)
		n += l->stage == STAGE_HELLO && l->caller == NULL &&
		    conn_is_plaintext(l->conn);
	return n;
}

static void
on_open(struct conn *c, void *arg)
{
	struct link *l = arg;
	struct bridge *b = l->bridge;
	struct hello h = { .check = 0 };
	struct wbuf w = { 0 };

	l->stage = STAGE_HELLO;
	if (l->caller == NULL) {
		if (conn_is_plaintext(c) && early_plain(b) > EARLY_PLAIN_MAX)
			link_close(l, "too many at a time");
		return;
	}
	strlcpy(h.hub_id, b->conf.hub_id, sizeof(h.hub_id));
	/* in TLS it has been proved, and need not be shown */
	if (conn_is_plaintext(c))
		strlcpy(h.secret, b->conf.lan.secret, sizeof(h.secret));
	else
		strlcpy(h.key, b->key, sizeof(h.key));
	hello_put(&w, &h);
	conn_write(c, wbuf_data(&w), w.len);
	explicit_bzero(&h, sizeof(h));
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
}

static void
on_closed(struct conn *c, const char *why, int refused, void *arg)
{
	struct link *l = arg;

	(void)c;
	if (refused)
		refuse(l, why);
	else
		link_close(l, why);
}

static void
on_line(struct conn *c, const char *line, size_t len, void *arg)
{
	struct link *l = arg;
	struct slice text = { line, len };

	(void)c;
	switch (l->stage) {
	case STAGE_OPENING:
	case STAGE_RIVAL:
		link_close(l, "spoke before it was its turn");
		return;
	case STAGE_HELLO:
		if (l->caller != NULL)
			got_welcome(l, line, len);
		else
			got_hello(l, line, len);
		return;
	case STAGE_UP:
		break;
	}
	if (l->rival != NULL)
		link_close(l->rival, "this hub has a link to that one");
	if (slice_is(text, pong))
		return;
	if (slice_is(text, ping))
		say(l, pong);
	else
		hand_on(l, text);
}

/* A copy of it goes by reference from here on. */
static void
hand_on(struct link *l, struct slice line)
{
	struct link_line m = { .link = l->id };
	struct wbuf head = { 0 };
	struct rbuf *copy;

	if (l->bridge->router == NULL)
		return;
	copy = rbuf_new(line.len);
	memcpy(copy->data, line.p, line.len);
	link_line_put(&head, &m);
	imsg_send(l->bridge->router, LINK_LINE, 0, -1, &head, copy);
	rbuf_unref(copy);
	wbuf_free(&head);
}

static void
say(struct link *l, const char *text)
{
	conn_write(l->conn, text, strlen(text));
	conn_write(l->conn, "\n", 1);
}

/* NULL, or what the log says; the other end is told nothing. */
static const char *
verify(const struct link *l, const struct hello *h)
{
	const struct bridge *b = l->bridge;
	const struct lan_peer *peer = lan_peer_find(&b->conf.lan, h->hub_id);

	if (!conn_is_plaintext(l->conn))
		return strcmp(h->hub_id, conn_caller(l->conn)) == 0 ? NULL :
		    "it says that it is another hub than it has shown";
	/* both are filled up with zeroes: the time tells nothing */
	if (CRYPTO_memcmp(h->secret, b->conf.lan.secret,
	    sizeof(h->secret)) != 0)
		return "the secret is not the same";
	return peer != NULL && peer->plaintext ? NULL :
	    "plaintext is not allowed with that hub";
}

static void
got_hello(struct link *l, const char *line, size_t len)
{
	struct bridge *b = l->bridge;
	struct hello h;
	const char *wrong = hello_get(&h, line, len);

	strlcpy(l->hub_id, h.hub_id, sizeof(l->hub_id));
	if (wrong == NULL)
		wrong = verify(l, &h);
	explicit_bzero(h.secret, sizeof(h.secret));
	if (wrong == NULL && strcmp(h.hub_id, b->conf.hub_id) == 0)
		wrong = "it has the id of this hub: each must have its own";
	if (wrong != NULL) {
		refuse(l, wrong);
		return;
	}
	penalty_clear(b->penalties, l->address);
	take_key(l, &h);
	if (h.check)
		answer_check(l);
	else
		settle(l, line, len);
}

/* In plaintext anybody on the way could have said it. */
static void
take_key(struct link *l, const struct hello *h)
{
	if (!conn_is_plaintext(l->conn))
		strlcpy(l->key, h->key, sizeof(l->key));
}

static void
answer_check(struct link *l)
{
	struct hello h = { .check = 1, .now = time_now_ms() };
	struct wbuf w = { 0 };

	strlcpy(h.hub_id, l->bridge->conf.hub_id, sizeof(h.hub_id));
	welcome_put(&w, &h);
	conn_write(l->conn, wbuf_data(&w), w.len);
	conn_flush(l->conn, 0);
	wbuf_free(&w);
	link_close(l, "it was only a check");
}

/*
 * One link between two hubs.  If both call at once the link that was begun by
 * the hub with the smaller id stays.  One that is up stays if it shows that it
 * is alive: the other end may have lost it without our noticing.
 */
static void
settle(struct link *l, const char *hello, size_t len)
{
	struct bridge *b = l->bridge;
	struct link *other = NULL, *i;

	TAILQ_FOREACH(i, &b->links, entry) {
		if (i != l && strcmp(i->hub_id, l->hub_id) == 0 &&
		    (i->stage == STAGE_UP || i->caller != NULL))
			other = i;
	}
	if (other == NULL) {
		welcome(l, hello, len);
	} else if (conn_is_plaintext(other->conn) || other->rival != NULL) {
		link_close(l, "this hub has a link to that one");
	} else if (other->stage == STAGE_UP) {
		other->rival = l;
		other->asked = time_mono_ms();
		l->stage = STAGE_RIVAL;
		l->began = other->asked;
		wbuf_add(&l->hello, hello, len);
		say(other, ping);
	} else if (strcmp(b->conf.hub_id, l->hub_id) < 0) {
		link_close(l, "this hub has called that one, too");
	} else {
		other->caller = NULL;
		link_close(other, "that hub has called this one, too");
		welcome(l, hello, len);
	}
}

static void
welcome(struct link *l, const char *hello, size_t len)
{
	struct hello h = { .check = 0 };
	struct wbuf w = { 0 };

	strlcpy(h.hub_id, l->bridge->conf.hub_id, sizeof(h.hub_id));
	if (!conn_is_plaintext(l->conn))
		strlcpy(h.key, l->bridge->key, sizeof(h.key));
	welcome_put(&w, &h);
	conn_write(l->conn, wbuf_data(&w), w.len);
	wbuf_free(&w);
	up(l, hello, len);
}

static void
got_welcome(struct link *l, const char *line, size_t len)
{
	struct link *i;
	struct hello h;
	const char *wrong = welcome_get(&h, line, len);

	if (wrong == NULL && strcmp(h.hub_id, l->hub_id) != 0)
		wrong = "it is another hub than the configuration says";
	TAILQ_FOREACH(i, &l->bridge->links, entry) {
		if (i->stage == STAGE_UP && strcmp(i->hub_id, l->hub_id) == 0)
			wrong = "that hub has called this one, too";
	}
	if (wrong != NULL) {
		link_close(l, wrong);
		return;
	}
	take_key(l, &h);
	up(l, line, len);
}

/* A plaintext hello has it, and it is not the router's business. */
static void
hide_secret(struct wbuf *w, const char *secret)
{
	size_t n = strlen(secret);
	char *p = w->rb->data, *end = p + w->len;

	while (n > 0 &&
	    (p = memmem(p, (size_t)(end - p), secret, n)) != NULL) {
		memset(p, '-', n);
		p += n;
	}
}

static void
up(struct link *l, const char *hello, size_t len)
{
	struct bridge *b = l->bridge;
	struct link_up m = { .hello = { hello, len } };
	struct wbuf w = { 0 };

	if (--b->nearly == EARLY_LOW)
		b->crowded(b, 0);
	l->stage = STAGE_UP;
	l->id = m.link = ++b->last_id;
	conn_limit(l->conn, LINK_LINE_MAX);
	conn_hold(l->conn, b->held);
	strlcpy(m.hub_id, l->hub_id, sizeof(m.hub_id));
	strlcpy(m.key, l->key, sizeof(m.key));
	m.plaintext = (uint8_t)conn_is_plaintext(l->conn);
	m.caller = l->caller != NULL;
	log_info("link to %s at %s is up%s", l->hub_id, l->address,
	    m.plaintext ? ", in plaintext" : "");
	link_up_put(&w, &m);
	if (m.plaintext)
		hide_secret(&w, b->conf.lan.secret);
	if (b->router != NULL)
		imsg_send(b->router, LINK_UP, 0, -1, &w, NULL);
	wbuf_free(&w);
	caller_up(b, l->hub_id);
}

void
link_send(struct link *l, const struct link_send *m)
{
	struct slice inner = m->inner;

	conn_write(l->conn, m->head.p, m->head.len);
	if (inner.len > 0) {
		if (inner.p[inner.len - 1] == '\n')
			inner.len--;
		conn_write(l->conn, inner.p, inner.len);
		conn_write(l->conn, "}\n", 2);
	} else {
		conn_write(l->conn, "\n", 1);
	}
	l->lines++;
	if (conn_pending(l->conn) > HIGH_MARK)
		set_full(l, 1);
}

void
link_flush(struct link *l, int timeout_ms)
{
	conn_flush(l->conn, timeout_ms);
}

static void
set_full(struct link *l, int full)
{
	struct link_full m = { .link = l->id, .full = (uint8_t)full };
	struct wbuf w = { 0 };

	if (l->full == full)
		return;
	l->full = full;
	link_full_put(&w, &m);
	if (l->bridge->router != NULL)
		imsg_send(l->bridge->router, LINK_FULL, 0, -1, &w, NULL);
	wbuf_free(&w);
}

/* A peer without acknowledgements has what the kernel has taken. */
static void
on_drained(struct conn *c, void *arg)
{
	struct link *l = arg;
	struct link_written m = { .link = l->id, .lines = l->lines };
	struct wbuf w = { 0 };

	if (l->stage != STAGE_UP)
		return;
	set_full(l, 0);
	if (conn_is_plaintext(c) && l->bridge->router != NULL) {
		link_written_put(&w, &m);
		imsg_send(l->bridge->router, LINK_WRITTEN, 0, -1, &w, NULL);
		wbuf_free(&w);
	}
}

static void
tick(struct link *l, int64_t now)
{
	int64_t silent = now - conn_heard(l->conn);

	if (l->stage == STAGE_RIVAL) {
		/* its predecessor decides */
		return;
	}
	if (l->stage != STAGE_UP) {
		if (now - l->began >= HANDSHAKE_MS)
			link_close(l, "no handshake within 5 seconds");
		return;
	}
	if (conn_stalled(l->conn, DEAD_MS)) {
		link_close(l, "the other end does not read");
		return;
	}
	/* plaintext has no pings: the kernel looks after it */
	if (conn_is_plaintext(l->conn) || l->bridge->held)
		return;
	if (silent >= DEAD_MS ||
	    (l->rival != NULL && now - l->asked >= RIVAL_MS)) {
		link_close(l, "the other end does not answer");
	} else if (silent >= PING_MS && now - l->asked >= PING_MS) {
		l->asked = now;
		say(l, ping);
	}
}

void
links_tick(struct bridge *b)
{
	struct link *l, *next;
	int64_t now = time_mono_ms();

	TAILQ_FOREACH_SAFE(l, &b->links, entry, next) {
		tick(l, now);
	}
}

void
links_end_early(struct bridge *b, const char *why)
{
	struct link *l, *next;

	TAILQ_FOREACH_SAFE(l, &b->links, entry, next) {
		if (l->stage != STAGE_UP)
			link_close(l, why);
	}
}

void
links_end_hub(struct bridge *b, const char *hub_id, const char *why)
{
	struct link *l, *next;

	/* one that waits for another's place must not take it */
	TAILQ_FOREACH_SAFE(l, &b->links, entry, next) {
		if (l->stage != STAGE_UP && strcmp(l->hub_id, hub_id) == 0)
			link_close(l, why);
	}
	TAILQ_FOREACH_SAFE(l, &b->links, entry, next) {
		if (strcmp(l->hub_id, hub_id) == 0)
			link_close(l, why);
	}
}

void
links_hold(struct bridge *b, int hold)
{
	struct link *l;

	b->held = hold;
	TAILQ_FOREACH(l, &b->links, entry) {
		if (l->stage == STAGE_UP)
			conn_hold(l->conn, hold);
	}
}
