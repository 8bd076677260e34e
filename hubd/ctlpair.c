/* SPDX-License-Identifier: ISC */
/*
 * hubctl invite and join.
 */
#include "compat.h"

#include <stdlib.h>

#include "ctlconn.h"
#include "ctlpair.h"
#include "imsg.h"
#include "json.h"
#include "keys.h"
#include "pairproto.h"
#include "router.h"
#include "storeproto.h"

/* Somebody who waits for the end of a pairing. */
struct pair_wait {
	TAILQ_ENTRY(pair_wait)	 entry;
	struct control		*control;
	struct ctl_pending	*pending;
	uint32_t		 id;		/* of what was asked */
	int			 stores;	/* no longer in the list */
	struct pair_done	 done;
};

static void	ask(struct ctl *, uint32_t, const struct pair_ask *);
static struct pair_wait	*find(const struct control *, uint32_t);
static void	end(struct pair_wait *);
static void	failed(struct pair_wait *, const char *);
static void	show_code(const struct pair_wait *, const struct pair_code *);
static void	trusted(enum key_verdict, void *);

static void
ask(struct ctl *t, uint32_t id, const struct pair_ask *a)
{
	struct pair_wait *p = xcalloc(1, sizeof(*p));
	struct control *c = t->control;
	struct wbuf w = { 0 };

	p->control = c;
	p->pending = ctl_pending_new(t, id);
	/* 0 is all of them */
	if (++c->last_pair == 0)
		c->last_pair++;
	p->id = c->last_pair;
	TAILQ_INSERT_TAIL(&c->pairs, p, entry);
	pair_ask_put(&w, a);
	router_tell(c->router, a->code[0] != '\0' ? PAIR_JOIN : PAIR_INVITE,
	    p->id, &w);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
}

void
ctlpair_invite(struct ctl *t, struct imsg *m)
{
	struct pair_ask a = { .code = "" };

	get_str(&m->rd, a.url, sizeof(a.url));
	if (reader_done(&m->rd) == -1)
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the URL of a relay");
	else
		ask(t, m->id, &a);
}

void
ctlpair_join(struct ctl *t, struct imsg *m)
{
	struct pair_ask a;

	if (pair_ask_get(&m->rd, &a) == -1 || a.code[0] == '\0')
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the URL of a relay "
		    "and a code");
	else
		ask(t, m->id, &a);
	explicit_bzero(&a, sizeof(a));
}

static struct pair_wait *
find(const struct control *c, uint32_t id)
{
	struct pair_wait *p;

	TAILQ_FOREACH(p, &c->pairs, entry) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

static void
end(struct pair_wait *p)
{
	if (!p->stores)
		TAILQ_REMOVE(&p->control->pairs, p, entry);
	ctl_pending_free(p->pending);
	free(p);
}

void
ctlpair_gone(struct ctl *t)
{
	struct control *c = t->control;
	struct pair_wait *p, *next;

	TAILQ_FOREACH_SAFE(p, &c->pairs, entry, next) {
		if (p->pending->ctl != t)
			continue;
		router_tell(c->router, PAIR_CANCEL, p->id, NULL);
		end(p);
	}
}

void
ctlpair_free(struct control *c)
{
	struct pair_wait *p;

	while ((p = TAILQ_FIRST(&c->pairs)) != NULL)
		end(p);
}

static void
failed(struct pair_wait *p, const char *why)
{
	ctl_error(p->pending->ctl, p->pending->id, ERR_BAD_ARGS, why);
	end(p);
}

static void
show_code(const struct pair_wait *p, const struct pair_code *m)
{
	char shown[PAIR_SHOWN_SIZE];
	struct wbuf w = { 0 };

	pair_code_show(m->code, shown);
	json_begin(&w, '{');
	json_put_str(&w, "event", "invite");
	json_put_str(&w, "url", m->url);
	json_put_str(&w, "code", shown);
	json_put_int(&w, "seconds", m->seconds);
	json_end(&w, '}');
	ctl_event(p->pending->ctl, &w);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	explicit_bzero(shown, sizeof(shown));
}

int
ctlpair_answer(struct control *c, struct imsg *m)
{
	struct pair_wait *p = find(c, m->id);
	struct pair_code code;
	struct pair_done d;

	if (m->type == PAIR_CODE) {
		if (pair_code_get(&m->rd, &code) == -1)
			return -1;
		if (p != NULL)
			show_code(p, &code);
		explicit_bzero(&code, sizeof(code));
		return 0;
	}
	if (pair_done_get(&m->rd, &d) == -1)
		return -1;
	if (m->id == 0) {
		while ((p = TAILQ_FIRST(&c->pairs)) != NULL)
			failed(p, d.why);
	} else if (p != NULL && d.why[0] != '\0') {
		failed(p, d.why);
	} else if (p != NULL) {
		p->done = d;
		/* the store's answer is the only one that still counts */
		TAILQ_REMOVE(&c->pairs, p, entry);
		p->stores = 1;
		/* a hub that others may want to reach stays */
		router_stay(c->router);
		keys_pair(c->router, d.hub_id, d.key, trusted, p);
	}
	return 0;
}

static void
trusted(enum key_verdict verdict, void *arg)
{
	struct pair_wait *p = arg;
	char why[LINK_WHY_SIZE];
	struct wbuf w = { 0 };

	if (verdict != KEY_OK && verdict != KEY_NEW) {
		pair_refusal(why, verdict, p->done.hub_id);
		failed(p, why);
		return;
	}
	json_begin(&w, '{');
	json_put_str(&w, "hub_id", p->done.hub_id);
	json_put_str(&w, "key", p->done.key);
	json_put_str(&w, "url", p->done.url);
	ctl_result(p->pending->ctl, p->pending->id, &w);
	end(p);
}
