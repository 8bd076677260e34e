/* SPDX-License-Identifier: ISC */
/*
 * Messages that the store keeps for other hubs, on their way there.
 *
 * Numbers of messages only grow, and the store answers in the order in which
 * it was asked.  So a link is caught up when the store has said that there is
 * nothing behind the last number sent; from then on what is stored is sent at
 * once, until more than enough waits.
 */
#include "compat.h"

#include <stdlib.h>

#include "forward.h"
#include "hub.h"
#include "imsg.h"
#include "log.h"
#include "mail.h"
#include "outproto.h"
#include "router.h"
#include "storeq.h"
#include "timeutil.h"

#define LIST_BYTES	(512 * 1024)
#define ACK_MS		60000	/* to acknowledge: else it is sent again */

/* A question to the store. */
struct listing {
	struct hub	*hub;
	unsigned	 round;		/* it was asked in */
	int64_t		 mark;
};

static void	list(struct hub *);
static void	ask(struct hub *, struct store_out_list *,
		    void (*)(struct imsg *, void *));
static void	listed(struct imsg *, void *);
static void	oldest(struct imsg *, void *);
static int	send_one(struct hub *, const struct store_out *);
static int	send_line(struct hub *, const char *, int64_t, struct rbuf *);
static void	mark(struct hub *, struct store_out_mark *);
static void	marked(struct imsg *, void *);

void
forward_up(struct hub *h)
{
	h->round++;
	h->sent = 0;
	h->caught_up = 0;
	h->mark = 0;
	h->marked_at = time_mono_ms();
	list(h);
}

void
forward_down(struct hub *h)
{
	struct unwritten *u;

	h->round++;
	h->caught_up = 0;
	while ((u = STAILQ_FIRST(&h->unwritten)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->unwritten, entry);
		free(u);
	}
}

void
forward_more(struct hub *h)
{
	list(h);
}

static void
list(struct hub *h)
{
	struct store_out_list m = { .after = h->sent,
	    .max_bytes = LIST_BYTES };

	if (h->way == NULL || h->way->full || h->listing || h->caught_up)
		return;
	h->listing = 1;
	ask(h, &m, listed);
}

static void
ask(struct hub *h, struct store_out_list *m,
    void (*answered)(struct imsg *, void *))
{
	struct listing *l = xcalloc(1, sizeof(*l));
	struct wbuf w = { 0 };

	l->hub = h;
	l->round = h->round;
	l->mark = h->mark;
	strlcpy(m->hub, h->id, sizeof(m->hub));
	store_out_list_put(&w, m);
	storeq_ask(h->router->store, STORE_OUT_LIST, &w, answered, l);
	wbuf_free(&w);
}

static void
listed(struct imsg *msg, void *arg)
{
	struct listing *l = arg;
	struct hub *h = l->hub;
	int current = l->round == h->round;
	struct store_out_listed a;
	struct store_out m;
	struct reader rd;
	uint32_t i;

	if (store_out_listed_get(&msg->rd, &a) == -1)
		fatalx("bad STORE_OUT_LISTED");
	free(l);
	h->listing = 0;
	if (current && a.status == STORE_OK && a.n == 0) {
		h->caught_up = 1;
		return;
	}
	reader_init(&rd, a.messages.p, a.messages.len);
	for (i = 0; i < a.n && current && h->way != NULL; i++) {
		if (store_out_get(&rd, &m) == -1)
			fatalx("bad STORE_OUT_LISTED");
		if (m.seq <= h->sent)
			continue;
		if (send_one(h, &m) == -1)
			break;
	}
	/* a database that fails is asked again in a while */
	if (!current || a.status == STORE_OK)
		list(h);
}

static int
send_one(struct hub *h, const struct store_out *m)
{
	struct mail mail = { .from = m->from, .msg_id = m->msg_id,
	    .text = m->text, .urgent = m->urgent, .kind = m->kind };
	char ts[ISO8601_SIZE];
	struct wbuf w = { 0 };
	struct rbuf *line;
	int r;

	if (m->has_reply_to)
		mail.reply_to = m->reply_to;
	time_iso8601(m->ts, ts);
	mail_line(&w, &mail, ts);
	line = wbuf_take(&w);
	r = send_line(h, m->to, m->seq, line);
	rbuf_unref(line);
	return r;
}

/* -1 if the link takes no more now. */
static int
send_line(struct hub *h, const char *target, int64_t seq, struct rbuf *line)
{
	static const struct wbuf none;
	struct store_out_mark gone = { .seq = seq, .state = MSG_EXPIRED };
	struct unwritten *u;
	struct slice name = { target, strcspn(target, "@") };
	char bare[NAME_SIZE];

	if (h->way->full)
		return -1;
	h->sent = seq;
	if (slice_copy(name, bare, sizeof(bare)) == -1 ||
	    hub_envelope(h, bare, seq, &none, line) == -1) {
		/* longer than that hub takes: nothing must wait behind it */
		mark(h, &gone);
		return 0;
	}
	h->router->counters[COUNT_LINK_SENT]++;
	if (hub_can(h, HUB_ACK))
		return 0;
	u = xcalloc(1, sizeof(*u));
	u->line = h->way->lines;
	u->seq = seq;
	STAILQ_INSERT_TAIL(&h->unwritten, u, entry);
	return 0;
}

void
forward_stored(struct hub *h, const char *target, int64_t seq,
    struct rbuf *line)
{
	if (h->way == NULL)
		return;
	if (h->caught_up && send_line(h, target, seq, line) == -1)
		h->caught_up = 0;
	list(h);
}

void
forward_written(struct hub *h, int64_t lines)
{
	struct unwritten *u;

	while ((u = STAILQ_FIRST(&h->unwritten)) != NULL && u->line <= lines) {
		STAILQ_REMOVE_HEAD(&h->unwritten, entry);
		forward_acked(h, u->seq, MSG_ACCEPTED);
		free(u);
	}
}

void
forward_tick(struct hub *h, int64_t now)
{
	struct store_out_list m = { .after = 0, .max_bytes = 1 };

	if (h->way == NULL)
		return;
	if (now - h->marked_at >= ACK_MS && !h->way->full) {
		if (h->mark > 0 && hub_can(h, HUB_ACK))
			ask(h, &m, oldest);
		h->mark = h->sent;
		h->marked_at = now;
	}
	list(h);
}

/*
 * One may be acknowledged twice, on two ways, so that counting them would not
 * do: what the store still has was not.
 */
static void
oldest(struct imsg *msg, void *arg)
{
	struct listing *l = arg;
	struct hub *h = l->hub;
	struct store_out_listed a;
	struct store_out m;
	struct reader rd;

	if (store_out_listed_get(&msg->rd, &a) == -1)
		fatalx("bad STORE_OUT_LISTED");
	reader_init(&rd, a.messages.p, a.messages.len);
	if (l->round == h->round && a.status == STORE_OK && a.n > 0) {
		if (store_out_get(&rd, &m) == -1)
			fatalx("bad STORE_OUT_LISTED");
		if (m.seq <= l->mark) {
			log_info("hub %s has not acknowledged what it was "
			    "sent: it is sent again", h->id);
			forward_up(h);
		}
	}
	free(l);
}

void
forward_acked(struct hub *h, int64_t seq, enum msg_state state)
{
	struct store_out_mark m = { .seq = seq, .state = state };

	mark(h, &m);
}

void
forward_receipt(struct hub *h, const char *sender, const char *peer,
    const char *msg_id, enum msg_state state)
{
	struct store_out_mark m = { .seq = 0, .state = state };

	strlcpy(m.sender, sender, sizeof(m.sender));
	hub_qualify(h, peer, m.peer);
	strlcpy(m.msg_id, msg_id, sizeof(m.msg_id));
	mark(h, &m);
}

static void
mark(struct hub *h, struct store_out_mark *m)
{
	struct wbuf w = { 0 };

	strlcpy(m->hub, h->id, sizeof(m->hub));
	store_out_mark_put(&w, m);
	storeq_ask(h->router->store, STORE_OUT_MARK, &w, marked, h->router);
	wbuf_free(&w);
}

/* If the database has failed the message is sent again some day. */
static void
marked(struct imsg *msg, void *arg)
{
	struct store_marked m;

	if (store_marked_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_OUT_MARKED");
	if (m.status == STORE_OK)
		mail_receipts(arg, m.receipts, m.nreceipts);
}
