/* SPDX-License-Identifier: ISC */
/*
 * Questions that wait for an answer.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "asks.h"
#include "control.h"
#include "log.h"
#include "map.h"
#include "router.h"
#include "session.h"
#include "timeutil.h"

#define ASKS_PER_SESSION	20000	/* open at a time */
#define ORPHANS_MAX		4096	/* whose asker has left */

struct ask {
	TAILQ_ENTRY(ask)	 by_target, by_asker;	/* or orphans */
	struct asks		*asks;
	struct session		*target, *asker;	/* asker NULL: gone */
	char			 asker_name[TARGET_SIZE];
	struct event		*timer;
	struct rbuf		*tail;
	struct wbuf		 ask_id;	/* as the asker wrote it */
	int			 broadcast;
	size_t			 key_len;
	char			 key[];
};

struct asks {
	struct event_base	*base;
	struct router		*router;
	struct map		*map;
	struct ask_list		 orphans;	/* the oldest first */
	unsigned		 norphans;
};

/* A target's address and the ask_id that it was told. */
struct ask_key {
	char	bytes[sizeof(void *) + ASK_KEY_SIZE];
	size_t	len;
};

static void	make_key(struct ask_key *, const struct session *,
		    struct slice);
static int	adopt(struct ask *, struct session *);
static void	make_tail(struct ask *, const struct ask_spec *);
static void	on_timeout(evutil_socket_t, short, void *);
static void	fail(struct ask *, enum errcode, const char *);
static void	drop(struct ask *);

struct asks *
asks_new(struct event_base *base, struct router *r)
{
	struct asks *a = xcalloc(1, sizeof(*a));

	a->base = base;
	a->router = r;
	a->map = map_new();
	TAILQ_INIT(&a->orphans);
	return a;
}

/* All sessions are closed by now. */
void
asks_free(struct asks *a)
{
	map_free(a->map);
	free(a);
}

size_t
asks_count(const struct asks *a)
{
	return map_count(a->map);
}

static void
make_key(struct ask_key *k, const struct session *target, struct slice id)
{
	memcpy(k->bytes, &target, sizeof(target));
	if (id.len > sizeof(k->bytes) - sizeof(target))
		id.len = sizeof(k->bytes) - sizeof(target);
	memcpy(k->bytes + sizeof(target), id.p, id.len);
	k->len = sizeof(target) + id.len;
}

/* The members of incoming_reply that the asker wants to see again. */
static void
make_tail(struct ask *q, const struct ask_spec *spec)
{
	struct wbuf w = { 0 };

	wbuf_adds(&w, ",\"ask_id\":");
	json_add_raw(&w, spec->ask_id);
	if (spec->broadcast_id.len > 0)
		json_put_raw(&w, "broadcast_id", spec->broadcast_id);
	if (spec->thread_id.len > 0)
		json_put_raw(&w, "thread_id", spec->thread_id);
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	q->tail = wbuf_take(&w);
}

/* The asker has come back under its name, and asks again to be sure. */
static int
adopt(struct ask *q, struct session *asker)
{
	if (q->asker != NULL || strcmp(q->asker_name, asker->name) != 0)
		return -1;
	TAILQ_REMOVE(&q->asks->orphans, q, by_asker);
	q->asks->norphans--;
	q->asker = asker;
	TAILQ_INSERT_TAIL(&asker->asks_of, q, by_asker);
	asker->nasks++;
	return 1;
}

int
asks_open(struct asks *a, struct session *asker, struct session *target,
    struct slice id, const struct ask_spec *spec)
{
	struct timeval tv = time_tv(spec->timeout_ms);
	struct ask_key k;
	struct ask *q;

	make_key(&k, target, id);
	if (asker->nasks >= ASKS_PER_SESSION)
		return -1;
	if ((q = map_get(a->map, k.bytes, k.len)) != NULL)
		return adopt(q, asker);
	q = xcalloc(1, sizeof(*q) + k.len);
	q->asks = a;
	q->target = target;
	q->asker = asker;
	strlcpy(q->asker_name, asker->name, sizeof(q->asker_name));
	q->broadcast = spec->broadcast_id.len > 0;
	wbuf_add(&q->ask_id, spec->ask_id.p, spec->ask_id.len);
	make_tail(q, spec);
	memcpy(q->key, k.bytes, k.len);
	q->key_len = k.len;
	q->timer = evtimer_new(a->base, on_timeout, q);
	if (q->timer == NULL || event_add(q->timer, &tv) == -1)
		fatalx("evtimer_new");
	map_set(a->map, k.bytes, k.len, q);
	TAILQ_INSERT_TAIL(&target->asked_by, q, by_target);
	TAILQ_INSERT_TAIL(&asker->asks_of, q, by_asker);
	asker->nasks++;
	return 0;
}

static void
drop(struct ask *q)
{
	map_remove(q->asks->map, q->key, q->key_len);
	TAILQ_REMOVE(&q->target->asked_by, q, by_target);
	if (q->asker != NULL) {
		TAILQ_REMOVE(&q->asker->asks_of, q, by_asker);
		q->asker->nasks--;
	} else {
		TAILQ_REMOVE(&q->asks->orphans, q, by_asker);
		q->asks->norphans--;
	}
	event_free(q->timer);
	wbuf_free(&q->ask_id);
	rbuf_unref(q->tail);
	free(q);
}

int
asks_take(struct asks *a, struct session *target, struct slice id,
    struct ask_answer *out)
{
	struct ask_key k;
	struct ask *q;

	make_key(&k, target, id);
	if ((q = map_get(a->map, k.bytes, k.len)) == NULL)
		return -1;
	out->asker = q->asker != NULL ? session_ref(q->asker) : NULL;
	/* the asker may have been renamed meanwhile */
	strlcpy(out->asker_name,
	    q->asker != NULL ? q->asker->name : q->asker_name,
	    sizeof(out->asker_name));
	out->tail = rbuf_ref(q->tail);
	drop(q);
	return 0;
}

void
asks_cancel(struct asks *a, struct session *target, struct slice id)
{
	struct ask_key k;
	struct ask *q;

	make_key(&k, target, id);
	if ((q = map_get(a->map, k.bytes, k.len)) != NULL)
		drop(q);
}

const char *
asks_asker(const struct asks *a, const struct session *target,
    struct slice id)
{
	struct ask_key k;
	struct ask *q;

	make_key(&k, target, id);
	if ((q = map_get(a->map, k.bytes, k.len)) == NULL)
		return NULL;
	return q->asker != NULL ? q->asker->name : q->asker_name;
}

void
ask_answer_free(struct ask_answer *ans)
{
	if (ans->asker != NULL)
		session_unref(ans->asker);
	rbuf_unref(ans->tail);
}

/* A broadcast promises no answer from anybody: nobody is told. */
static void
fail(struct ask *q, enum errcode e, const char *event)
{
	static const struct slice none = { NULL, 0 };
	struct slice id = { wbuf_data(&q->ask_id), q->ask_id.len };
	struct session *asker = q->asker;

	if (asker != NULL && !q->broadcast) {
		answer_err(asker, none, e, NULL, id);
		control_event(q->asks->router->control, event, "from",
		    q->target->name, "to", asker->name, NULL);
	}
	drop(q);
}

void
asks_failed(struct asks *a, struct session *asker, const struct hub *hub,
    struct slice id, enum errcode e)
{
	struct ask_key k;
	struct ask *q;

	(void)a;
	TAILQ_FOREACH(q, &asker->asks_of, by_asker) {
		if (q->target->hub != hub)
			continue;
		make_key(&k, q->target, id);
		if (k.len == q->key_len &&
		    memcmp(k.bytes, q->key, k.len) == 0) {
			fail(q, e, err_code(e));
			return;
		}
	}
}

static void
on_timeout(evutil_socket_t fd, short ev, void *arg)
{
	(void)fd;
	(void)ev;
	fail(arg, ERR_TIMEOUT, "timeout");
}

void
asks_session_gone(struct asks *a, struct session *s)
{
	struct ask *q;

	while ((q = TAILQ_FIRST(&s->asks_of)) != NULL) {
		TAILQ_REMOVE(&s->asks_of, q, by_asker);
		s->nasks--;
		strlcpy(q->asker_name, s->name, sizeof(q->asker_name));
		q->asker = NULL;
		TAILQ_INSERT_TAIL(&a->orphans, q, by_asker);
		if (++a->norphans > ORPHANS_MAX)
			drop(TAILQ_FIRST(&a->orphans));
	}
	while ((q = TAILQ_FIRST(&s->asked_by)) != NULL)
		fail(q, ERR_PEER_GONE, "peer_gone");
}
