/* SPDX-License-Identifier: ISC */
/*
 * The router's side of the store.
 */
#include "compat.h"

#include <stdlib.h>

#include "log.h"
#include "storeq.h"

struct request {
	STAILQ_ENTRY(request)	 entry;
	void			(*answer)(struct imsg *, void *);
	void			*arg;
	uint32_t		 id;
	enum imsg_type		 expect;
};

struct storeq {
	struct imsgbuf		*ib;
	const struct storeq_ops	*ops;
	void			*arg;
	STAILQ_HEAD(, request)	 waiting;
	size_t			 nwaiting;
	uint32_t		 next_id;
};

static void		dispatch(struct imsgbuf *, struct imsg *, void *);
static void		closed(struct imsgbuf *, int, void *);
static void		full(struct imsgbuf *, int, void *);
static void		answered(struct storeq *, struct imsg *);
static enum imsg_type	answer_to(enum imsg_type);

static const struct imsg_ops store_ops = {
	.dispatch = dispatch,
	.closed = closed,
	.full = full,
};

static const struct {
	enum imsg_type	 request, answer;
} pairs[] = {
	{ STORE_APPEND, STORE_APPENDED },
	{ STORE_MARK, STORE_MARKED },
	{ STORE_INBOX, STORE_MAIL },
	{ STORE_REGISTER, STORE_REGISTERED },
	{ STORE_RENAME, STORE_RENAMED },
	{ STORE_STATUS, STORE_MESSAGE },
	{ STORE_SESSIONS, STORE_SESSION_LIST },
	{ STORE_CLEAN, STORE_CLEANED },
	{ STORE_MAILBOXES, STORE_MAILBOX_LIST },
	{ STORE_GROUP, STORE_GROUP_DONE },
	{ STORE_OUT_LIST, STORE_OUT_LISTED },
	{ STORE_OUT_MARK, STORE_OUT_MARKED },
	{ STORE_HUBS, STORE_HUB_LIST },
	{ STORE_KEY, STORE_KEY_DONE },
	{ STORE_KEYS, STORE_KEY_LIST },
	{ STORE_STATS, STORE_COUNTS },
};

struct storeq *
storeq_new(struct event_base *base, int fd, const struct storeq_ops *ops,
    void *arg)
{
	struct storeq *q = xcalloc(1, sizeof(*q));

	q->ops = ops;
	q->arg = arg;
	STAILQ_INIT(&q->waiting);
	q->ib = imsg_new(base, fd, PROC_ROUTER, PROC_STORE, &store_ops, q);
	return q;
}

void
storeq_free(struct storeq *q)
{
	struct request *r;

	if (q == NULL)
		return;
	while ((r = STAILQ_FIRST(&q->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->waiting, entry);
		free(r);
	}
	imsg_free(q->ib);
	free(q);
}

static enum imsg_type
answer_to(enum imsg_type request)
{
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].request == request)
			return pairs[i].answer;
	}
	fatalx("%s has no answer", imsg_name(request));
}

void
storeq_ask(struct storeq *q, enum imsg_type type, const struct wbuf *w,
    void (*answer)(struct imsg *, void *), void *arg)
{
	struct request *r = xmalloc(sizeof(*r));

	r->answer = answer;
	r->arg = arg;
	r->id = ++q->next_id;
	r->expect = answer_to(type);
	STAILQ_INSERT_TAIL(&q->waiting, r, entry);
	q->nwaiting++;
	imsg_send(q->ib, type, r->id, -1, w, NULL);
}

void
storeq_tell(struct storeq *q, enum imsg_type type, const struct wbuf *w)
{
	imsg_send(q->ib, type, 0, -1, w, NULL);
}

void
storeq_flush(struct storeq *q, int timeout_ms)
{
	(void)imsg_flush(q->ib, timeout_ms);
}

size_t
storeq_waiting(const struct storeq *q)
{
	return q->nwaiting;
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct storeq *q = arg;

	(void)ib;
	if (m->type == STORE_ALIAS)
		q->ops->alias(&m->rd, q->arg);
	else if (m->type == STORE_NAME)
		q->ops->name(&m->rd, q->arg);
	else if (m->type == STORE_UP)
		q->ops->up(q->arg);
	else if (m->type == STORE_EXPIRED)
		q->ops->expired(&m->rd, q->arg);
	else
		answered(q, m);
}

static void
answered(struct storeq *q, struct imsg *m)
{
	struct request *r = STAILQ_FIRST(&q->waiting);

	if (r == NULL || r->id != m->id || r->expect != m->type)
		fatalx("%s %u from the store does not answer what was asked",
		    imsg_name(m->type), m->id);
	STAILQ_REMOVE_HEAD(&q->waiting, entry);
	q->nwaiting--;
	r->answer(m, r->arg);
	free(r);
	if (q->nwaiting == 0)
		q->ops->idle(q->arg);
}

/* The parent ends the hub in this case; nobody must be served meanwhile. */
static void
closed(struct imsgbuf *ib, int err, void *arg)
{
	(void)ib;
	(void)arg;
	if (err != 0)
		fatalx("connection to the store: %s", strerror(err));
	fatalx("the store is gone");
}

static void
full(struct imsgbuf *ib, int is_full, void *arg)
{
	struct storeq *q = arg;

	(void)ib;
	q->ops->full(is_full, q->arg);
}
