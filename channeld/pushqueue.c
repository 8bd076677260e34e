/* SPDX-License-Identifier: ISC */
/*
 * Events on their way to a host that takes texts.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "backoff.h"
#include "buf.h"
#include "channel.h"
#include "log.h"
#include "push.h"
#include "pushqueue.h"
#include "pushtext.h"
#include "timeutil.h"

#define JOIN_MS		200		/* from one push to the next */
#define JOIN_BYTES	(64 * 1024)	/* of events joined in one */
#define CUT		"\n\n[relay] cut here: all of it is in relay_inbox"

struct item {
	TAILQ_ENTRY(item) entry;
	struct push_event ev;
	size_t		 bytes;
	int		 sending;
};
TAILQ_HEAD(items, item);

struct pushqueue {
	struct channel	*channel;
	struct items	 items;
	size_t		 n, bytes;
	struct event	*timer;		/* of the next try */
	const struct route *running;	/* that has not ended its send() */
	int64_t		 last;		/* when a push began; or 0 */
	unsigned	 step;		/* of the backoff */
	char		 why[160];
};

static const char *text_of(const struct item *);
static void	drop(struct pushqueue *, struct item *);
static void	plan(struct pushqueue *, int64_t);
static void	on_timer(int, short, void *);
static void	give_each(struct pushqueue *, const struct route *);
static const char *join(struct pushqueue *, struct wbuf *);
static void	send_joined(struct pushqueue *, const struct route *);
static void	taken(struct pushqueue *);

struct pushqueue *
pushqueue_new(struct channel *s)
{
	struct pushqueue *q = xcalloc(1, sizeof(*q));

	q->channel = s;
	TAILQ_INIT(&q->items);
	if ((q->timer = evtimer_new(s->conf.base, on_timer, q)) == NULL)
		fatalx("pushqueue: out of memory");
	return q;
}

void
pushqueue_free(struct pushqueue *q)
{
	if (q->running != NULL)
		q->running->cancel(q->channel);
	while (!TAILQ_EMPTY(&q->items))
		drop(q, TAILQ_FIRST(&q->items));
	event_free(q->timer);
	free(q);
}

const char *
pushqueue_trouble(const struct pushqueue *q)
{
	return q->why;
}

static const char *
text_of(const struct item *it)
{
	return json_string_value(json_object_get(it->ev.msg, it->ev.content));
}

static void
drop(struct pushqueue *q, struct item *it)
{
	TAILQ_REMOVE(&q->items, it, entry);
	q->n--;
	q->bytes -= it->bytes;
	json_decref(it->ev.msg);
	json_decref(it->ev.meta);
	free(it);
}

void
pushqueue_add(struct pushqueue *q, const struct push_event *ev)
{
	struct item *it = xcalloc(1, sizeof(*it)), *old, *next;

	it->ev = *ev;
	json_incref(it->ev.msg);
	json_incref(it->ev.meta);
	it->bytes = strlen(text_of(it));
	TAILQ_INSERT_TAIL(&q->items, it, entry);
	q->n++;
	q->bytes += it->bytes;
	TAILQ_FOREACH_SAFE(old, &q->items, entry, next) {
		if (old == it || (q->n <= PUSHQUEUE_MAX &&
		    q->bytes <= PUSHQUEUE_BYTES))
			break;
		if (!old->sending)
			drop(q, old);
	}
	if (!evtimer_pending(q->timer, NULL))
		plan(q, 0);
}

/* The next try, in so many ms or when the last push is long enough ago. */
static void
plan(struct pushqueue *q, int64_t ms)
{
	int64_t since = time_mono_ms() - q->last;
	struct timeval tv;

	if (q->running != NULL || TAILQ_EMPTY(&q->items))
		return;
	if (q->last != 0 && ms < JOIN_MS - since)
		ms = JOIN_MS - since;
	tv = time_tv(ms);
	evtimer_add(q->timer, &tv);
}

void
pushqueue_kick(struct pushqueue *q)
{
	if (q->why[0] == '\0')
		return;
	q->step = 0;
	plan(q, JOIN_MS);
}

void
pushqueue_forget(struct pushqueue *q, const char *list, const char *id)
{
	static const char *const keys[] = { "msg_id", "ask_id" };
	struct item *it, *next;
	const char *is;
	size_t i;

	TAILQ_FOREACH_SAFE(it, &q->items, entry, next) {
		if (it->sending || strcmp(it->ev.list, list) != 0)
			continue;
		for (i = 0; i < 2; i++) {
			is = json_string_value(json_object_get(it->ev.msg,
			    keys[i]));
			if (is != NULL && strcmp(is, id) == 0)
				break;
		}
		if (i < 2)
			drop(q, it);
	}
}

/* The host may have begun to offer another route, or ceased to. */
static void
on_timer(int fd, short ev, void *arg)
{
	struct pushqueue *q = arg;
	struct channel *s = q->channel;

	(void)fd;
	(void)ev;
	if (TAILQ_EMPTY(&q->items))
		return;
	s->route = push_choose(s, s->conf.push);
	q->last = time_mono_ms();
	if (s->route != NULL && s->route->send == NULL)
		give_each(q, s->route);
	else if (s->route != NULL)
		send_joined(q, s->route);
}

static void
give_each(struct pushqueue *q, const struct route *route)
{
	struct item *it, *next;

	q->why[0] = '\0';
	q->step = 0;
	TAILQ_FOREACH_SAFE(it, &q->items, entry, next) {
		if (route->push(q->channel, text_of(it), it->ev.meta) == 0 &&
		    it->ev.pushed != NULL)
			it->ev.pushed(q->channel, it->ev.msg);
		drop(q, it);
	}
}

/* Marks what goes in one push.  Returns whom it is from. */
static const char *
join(struct pushqueue *q, struct wbuf *w)
{
	const char *from = NULL, *one;
	struct item *it;

	TAILQ_FOREACH(it, &q->items, entry) {
		if (w->len > 0) {
			if (w->len + it->bytes > JOIN_BYTES)
				break;
			wbuf_adds(w, "\n\n");
		}
		pushtext_add(w, it->ev.type, text_of(it), it->ev.meta);
		it->sending = 1;
		one = json_string_value(json_object_get(it->ev.meta, "from"));
		if (one == NULL || (from != NULL && strcmp(from, one) != 0))
			one = "relay";
		from = one;
	}
	return from;
}

static void
send_joined(struct pushqueue *q, const struct route *route)
{
	struct wbuf w = { 0 };
	const char *from = join(q, &w);
	size_t len;

	len = pushtext_fit(wbuf_data(&w), w.len, route->max, route->json);
	if (len < w.len) {
		w.len = pushtext_fit(wbuf_data(&w), w.len,
		    route->max - sizeof(CUT), route->json);
		wbuf_adds(&w, CUT);
	}
	q->running = route;
	route->send(q->channel, wbuf_data(&w), w.len, from);
	wbuf_free(&w);
}

static void
taken(struct pushqueue *q)
{
	struct item *it, *next;

	TAILQ_FOREACH_SAFE(it, &q->items, entry, next) {
		if (!it->sending)
			continue;
		if (it->ev.pushed != NULL)
			it->ev.pushed(q->channel, it->ev.msg);
		drop(q, it);
	}
}

void
pushqueue_end(struct pushqueue *q, const char *why)
{
	const char *name = q->running->name;
	struct item *it;

	q->running = NULL;
	if (why == NULL) {
		if (q->why[0] != '\0')
			log_info("push by %s works again", name);
		q->why[0] = '\0';
		q->step = 0;
		taken(q);
		plan(q, 0);
		return;
	}
	if (q->why[0] == '\0')
		log_warnx("push by %s: %s", name, why);
	strlcpy(q->why, why, sizeof(q->why));
	TAILQ_FOREACH(it, &q->items, entry)
		it->sending = 0;
	plan(q, backoff_next(&q->step));
}
