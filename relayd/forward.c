/* SPDX-License-Identifier: ISC */
/*
 * What hubs send each other, and what holds them back: limits, and hubs that
 * do not read.
 */
#include "compat.h"

#include "map.h"
#include "message.h"
#include "relay.h"
#include "timeutil.h"
#include "wsio.h"

#define PENDING_MAX	(8 * 1024 * 1024)	/* to one that does not read */
#define TOLD_MS		1000	/* between two words on limits */

static void	error(struct hub *, const char *, const char *);
static void	carry(struct hub *, struct hub *, const struct json_value *);
static int64_t	wait_of(struct bucket *, uint32_t, double, int64_t);
static void	hold(struct hub *, int64_t);
static void	release(struct hub *);

static void
error(struct hub *h, const char *code, const char *message)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "err");
	json_put_str(&w, "code", code);
	json_put_str(&w, "message", message);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_free(&w);
	forward_wait(h, h);
}

/* What is wrapped is not looked at; who sends it is not its own word. */
void
forward_message(struct hub *h, const struct json_value *v)
{
	struct relay *r = h->relay;
	char target[TARGET_SIZE], *at;
	struct hub *to;

	if (v[M_TARGET].type != JS_STRING || v[M_WRAPPED].type != JS_OBJECT)
		return;
	if (json_str(&v[M_TARGET], target, sizeof(target)) == -1 ||
	    (at = strrchr(target, '@')) == NULL) {
		r->counters[COUNT_NO_TARGET]++;
		error(h, "bad_args", "target_peer must be name@hub");
		return;
	}
	if ((to = map_gets(r->ids, at + 1)) == NULL || to == h) {
		r->counters[COUNT_NO_HUB]++;
		error(h, "peer_not_found", "no hub of that name is here");
		return;
	}
	carry(h, to, v);
	forward_wait(h, to);
}

void
forward_wait(struct hub *h, struct hub *to)
{
	if (h->ws == NULL || h->waits_for != NULL ||
	    wsio_pending(to->ws) <= PENDING_MAX)
		return;
	h->waits_for = to;
	to->waiting++;
	wsio_hold(h->ws, 1);
}

/* What is wrapped goes on from where it has been read to. */
static void
carry(struct hub *h, struct hub *to, const struct json_value *v)
{
	struct wbuf *w = &h->relay->scratch;
	struct rbuf *whole = wsio_take(h->ws);
	struct wsio_part parts[] = {
		{ NULL, 0, NULL },
		{ v[M_WRAPPED].p, v[M_WRAPPED].len, whole },
		{ "}", 1, NULL }
	};

	wbuf_reset(w);
	json_begin(w, '{');
	json_put_str(w, "type", "bridge_forward");
	json_put_raw(w, "target_peer",
	    (struct slice){ v[M_TARGET].p, v[M_TARGET].len });
	json_put_str(w, "origin_hub", h->id);
	if (v[M_SEQ].type == JS_NUMBER && v[M_SEQ].len < 32) {
		json_key(w, "seq");
		wbuf_add(w, v[M_SEQ].p, v[M_SEQ].len);
	}
	json_key(w, "wrapped");
	parts[0].p = wbuf_data(w);
	parts[0].len = w->len;
	wsio_write_parts(to->ws, parts, sizeof(parts) / sizeof(parts[0]));
	rbuf_unref(whole);
}

/* How long until there is something in it again; 0: there is. */
static int64_t
wait_of(struct bucket *b, uint32_t per_s, double cost, int64_t now)
{
	if (per_s == 0)
		return 0;
	b->level += (double)(now - b->filled) * per_s / 1000;
	if (b->level > per_s)
		b->level = per_s;
	b->filled = now;
	b->level -= cost;
	return b->level >= 0 ? 0 : (int64_t)(-b->level * 1000 / per_s) + 1;
}

/* Nothing is dropped: a hub over its limits is not read for a while. */
void
forward_spend(struct hub *h, size_t len)
{
	const struct relay_conf *c = h->relay->conf;
	int64_t now, ms, more;

	if (c->messages_per_s == 0 && c->bytes_per_s == 0)
		return;
	now = time_mono_ms();
	ms = wait_of(&h->messages, c->messages_per_s, 1, now);
	more = wait_of(&h->bytes, c->bytes_per_s, (double)len, now);
	if (more > ms)
		ms = more;
	if (ms > 0)
		hold(h, ms);
}

static void
hold(struct hub *h, int64_t ms)
{
	const struct relay_conf *c = h->relay->conf;
	int64_t now = time_mono_ms();
	struct wbuf w = { 0 };

	h->held_until = now + ms;
	wsio_hold(h->ws, 1);
	if (now - h->told < TOLD_MS)
		return;
	h->told = now;
	h->relay->counters[COUNT_LIMITED]++;
	if (!(h->features & FEATURE_LIMITS))
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "relay_limit");
	json_put_int(&w, "messages_per_s", c->messages_per_s);
	json_put_int(&w, "bytes_per_s", c->bytes_per_s);
	json_put_int(&w, "retry_ms", ms);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_free(&w);
}

/* The one that it has waited for reads again, or is gone. */
static void
release(struct hub *h)
{
	h->waits_for->waiting--;
	h->waits_for = NULL;
	if (h->held_until == 0)
		wsio_hold(h->ws, 0);
}

void
forward_drained(struct hub *h)
{
	struct hub *o;

	if (h->waiting == 0)
		return;
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o->waits_for == h)
			release(o);
	}
}

void
forward_gone(struct hub *h)
{
	struct hub *o;

	if (h->waits_for != NULL)
		h->waits_for->waiting--;
	if (h->waiting == 0)
		return;
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o->waits_for == h)
			release(o);
	}
}

void
forward_tick(struct hub *h, int64_t now)
{
	if (h->held_until == 0 || now < h->held_until)
		return;
	h->held_until = 0;
	if (h->waits_for == NULL)
		wsio_hold(h->ws, 0);
}
