/* SPDX-License-Identifier: ISC */
/*
 * Keys of other hubs.
 */
#include "compat.h"

#include <stdlib.h>

#include "conf.h"
#include "ctlconn.h"
#include "hubs.h"
#include "imsg.h"
#include "json.h"
#include "keyproto.h"
#include "keys.h"
#include "log.h"
#include "map.h"
#include "router.h"
#include "storeq.h"
#include "timeutil.h"

#define LIST_MAX	(LINE_MAX_BYTES - 8192)	/* bytes */
#define SAID_MAX	1024	/* hubs */

/* What was logged of a hub that comes again and again. */
struct said {
	enum key_verdict	 verdict;
	char			 key[LINK_KEY_SIZE];
};

/* What the store was asked, and for whom. */
struct question {
	struct router		*router;
	char			 hub[NAME_SIZE];
	char			 key[LINK_KEY_SIZE];
	int			 trusts;
	void			(*checked)(enum key_verdict, void *);
	void			(*trusted)(enum store_status, const char *,
				    void *);
	void			*arg;
};

static struct question	*question_new(struct router *, const char *,
			    const char *, void *);
static int	of_lan(const struct question *);
static void	ask(struct question *, enum key_op,
		    void (*)(struct imsg *, void *));
static void	replaced(const struct question *);
static void	on_linked(struct imsg *, void *);
static void	on_checked(struct imsg *, void *);
static void	on_paired(struct imsg *, void *);
static void	on_trusted(struct imsg *, void *);
static void	on_distrusted(struct imsg *, void *);
static void	on_forgotten(struct imsg *, void *);
static int	is_said(const struct question *, enum key_verdict);
static void	log_verdict(const struct question *, enum key_verdict);
static int	get_hub(struct imsg *, char[NAME_SIZE]);
static struct ctl_pending	*pending(struct ctl *, uint32_t, const char *);
static void	ctl_trusted(enum store_status, const char *, void *);
static void	got_keys(struct imsg *, void *);
static void	put_key(struct wbuf *, const struct store_key_info *,
		    const char *);

static struct question *
question_new(struct router *r, const char *hub, const char *key, void *arg)
{
	struct question *q = xcalloc(1, sizeof(*q));

	q->router = r;
	q->arg = arg;
	strlcpy(q->hub, hub, sizeof(q->hub));
	strlcpy(q->key, key, sizeof(q->key));
	return q;
}

/* The configuration says that it is known by the LAN's secret. */
static int
of_lan(const struct question *q)
{
	return lan_peer_find(&q->router->conf->lan, q->hub) != NULL;
}

static void
ask(struct question *q, enum key_op op,
    void (*answer)(struct imsg *, void *))
{
	struct store_key m = { .op = op, .now = time_now_ms() };
	struct wbuf w = { 0 };

	m.strict = of_lan(q) ||
	    (op == KEY_CHECK && q->router->conf->keys_strict);
	strlcpy(m.hub, q->hub, sizeof(m.hub));
	strlcpy(m.key, q->key, sizeof(m.key));
	store_key_put(&w, &m);
	storeq_ask(q->router->store, STORE_KEY, &w, answer, q);
	wbuf_free(&w);
}

void
keys_check(struct router *r, const char *hub_id, const char *key,
    void (*done)(enum key_verdict, void *), void *arg)
{
	struct question *q = question_new(r, hub_id, key, arg);

	q->checked = done;
	ask(q, KEY_CHECK, on_checked);
}

void
keys_may_pair(struct router *r, const char *hub_id, const char *key,
    void (*done)(enum key_verdict, void *), void *arg)
{
	struct question *q = question_new(r, hub_id, key, arg);

	q->checked = done;
	ask(q, KEY_MAY_PAIR, on_paired);
}

void
keys_pair(struct router *r, const char *hub_id, const char *key,
    void (*done)(enum key_verdict, void *), void *arg)
{
	struct question *q = question_new(r, hub_id, key, arg);

	q->checked = done;
	q->trusts = 1;
	ask(q, KEY_PAIR, on_paired);
}

static void
on_paired(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct store_key_done m;

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status != STORE_OK && m.status != STORE_OTHER)
		m.verdict = KEY_FAILED;
	if (m.verdict != KEY_OK && m.verdict != KEY_NEW)
		log_verdict(q, m.verdict);
	else if (q->trusts) {
		log_info("hub %s is trusted with the key %s", q->hub, q->key);
		hubs_keyed(q->router->hubs, q->hub);
	}
	q->checked(m.verdict, q->arg);
	free(q);
}

void
keys_linked(struct router *r, const char *hub_id, const char *key)
{
	ask(question_new(r, hub_id, key, NULL), KEY_LINKED, on_linked);
}

/* The one that was seen first may have been somebody else's. */
static void
replaced(const struct question *q)
{
	log_warnx("hub %s says over the LAN that its key is another one than "
	    "it was seen with at a relay; that one does not count any more, "
	    "but %s", q->hub, q->key);
	hubs_distrusted(q->router->hubs, q->hub);
	hubs_keyed(q->router->hubs, q->hub);
}

static void
on_linked(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct store_key_done m;

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status != STORE_OK && m.status != STORE_OTHER)
		log_verdict(q, KEY_FAILED);
	else if (m.verdict == KEY_CHANGED && m.status == STORE_OK)
		replaced(q);
	else if (m.verdict == KEY_NEW)
		log_info("hub %s has the key %s, it says over the LAN",
		    q->hub, q->key);
	else if (m.verdict == KEY_CHANGED)
		log_warnx("hub %s says over the LAN that it has another key "
		    "than the one that is trusted: %s", q->hub, q->key);
	if (m.verdict == KEY_OK || m.verdict == KEY_NEW)
		hubs_keyed(q->router->hubs, q->hub);
	free(q);
}

static void
on_checked(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct store_key_done m;

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status != STORE_OK)
		m.verdict = KEY_FAILED;
	if (q->key[0] != '\0')
		log_verdict(q, m.verdict);
	else if (m.verdict == KEY_UNKNOWN && of_lan(q))
		m.verdict = KEY_OK;
	q->checked(m.verdict, q->arg);
	free(q);
}

/* The same as last time; whose key is good may come as often as it likes. */
static int
is_said(const struct question *q, enum key_verdict v)
{
	struct router *r = q->router;
	struct said *s;

	if (r->keys_said == NULL)
		r->keys_said = map_new();
	if (v == KEY_OK || v == KEY_NEW) {
		free(map_removes(r->keys_said, q->hub));
		return 0;
	}
	s = map_gets(r->keys_said, q->hub);
	if (s != NULL && s->verdict == v && strcmp(s->key, q->key) == 0)
		return 1;
	if (s == NULL && map_count(r->keys_said) >= SAID_MAX) {
		keys_free(r);
		r->keys_said = map_new();
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		map_sets(r->keys_said, q->hub, s);
	}
	s->verdict = v;
	strlcpy(s->key, q->key, sizeof(s->key));
	return 0;
}

void
keys_free(struct router *r)
{
	struct said *s;
	size_t pos = 0;

	if (r->keys_said == NULL)
		return;
	while ((s = map_next(r->keys_said, &pos)) != NULL)
		free(s);
	map_free(r->keys_said);
	r->keys_said = NULL;
}

static void
log_verdict(const struct question *q, enum key_verdict v)
{
	if (is_said(q, v))
		return;
	if (v == KEY_NEW)
		log_info("hub %s is seen for the first time: its key is %s",
		    q->hub, q->key);
	else if (v == KEY_UNKNOWN)
		log_warnx("hub %s shows the key %s, which is not trusted",
		    q->hub, q->key);
	else if (v == KEY_CHANGED)
		log_warnx("hub %s shows another key than before: %s", q->hub,
		    q->key);
	else if (v == KEY_FAILED)
		log_warnx("the key of hub %s cannot be kept: the database "
		    "has failed, or too many hubs have one", q->hub);
}

void
keys_trust(struct router *r, const char *hub_id, const char *key,
    void (*done)(enum store_status, const char *, void *), void *arg)
{
	struct question *q = question_new(r, hub_id, key, arg);

	q->trusted = done;
	ask(q, KEY_TRUST, on_trusted);
}

static void
on_trusted(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct store_key_done m;

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status == STORE_OK)
		log_info("hub %s is trusted with the key %s", q->hub, m.key);
	if (m.status == STORE_OK)
		hubs_keyed(q->router->hubs, q->hub);
	if (m.status == STORE_OK && m.verdict == KEY_CHANGED)
		hubs_distrusted(q->router->hubs, q->hub);
	if (m.status == STORE_OK)
		hubs_retry(q->router->hubs, q->hub);
	q->trusted(m.status, m.key, q->arg);
	free(q);
}

void
keys_own(struct router *r, const char *key)
{
	strlcpy(r->key, key, sizeof(r->key));
}

/* 0, or -1: it is no name of a hub. */
static int
get_hub(struct imsg *m, char hub[NAME_SIZE])
{
	get_str(&m->rd, hub, NAME_SIZE);
	return !m->rd.failed && name_valid(slice_of(hub)) ? 0 : -1;
}

static struct ctl_pending *
pending(struct ctl *t, uint32_t id, const char *hub)
{
	struct ctl_pending *p = ctl_pending_new(t, id);

	strlcpy(p->name, hub, sizeof(p->name));
	return p;
}

void
keys_ctl_trust(struct ctl *t, struct imsg *m)
{
	char hub[NAME_SIZE], key[LINK_KEY_SIZE];
	int bad = get_hub(m, hub);

	get_str(&m->rd, key, sizeof(key));
	if (reader_done(&m->rd) == -1 || bad ||
	    (key[0] != '\0' && !link_key_valid(key)))
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the id of a hub, and "
		    "a key of 64 hexadecimal digits");
	else
		keys_trust(t->control->router, hub, key, ctl_trusted,
		    pending(t, m->id, hub));
}

static void
ctl_trusted(enum store_status status, const char *key, void *arg)
{
	struct ctl_pending *p = arg;
	struct wbuf w = { 0 };

	if (status == STORE_OK) {
		json_begin(&w, '{');
		json_put_str(&w, "hub_id", p->name);
		json_put_str(&w, "key", key);
		ctl_result(p->ctl, p->id, &w);
	} else if (status == STORE_OTHER) {
		ctl_error(p->ctl, p->id, ERR_BAD_ARGS, "that hub has shown no "
		    "key yet, or several: say which one, as hubctl show keys "
		    "has it there");
	} else {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    status == STORE_FULL ? "too many hubs have keys" :
		    "the key could not be stored");
	}
	ctl_pending_free(p);
}

void
keys_ctl_distrust(struct ctl *t, struct imsg *m)
{
	struct question *q;
	char hub[NAME_SIZE];

	if (get_hub(m, hub) == -1 || reader_done(&m->rd) == -1) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the id of a hub");
		return;
	}
	q = question_new(t->control->router, hub, "",
	    ctl_pending_new(t, m->id));
	ask(q, KEY_DISTRUST, on_distrusted);
}

static void
on_distrusted(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct ctl_pending *p = q->arg;
	struct store_key_done m;
	struct wbuf w = { 0 };

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status == STORE_OK) {
		log_info("hub %s is distrusted", q->hub);
		hubs_distrusted(q->router->hubs, q->hub);
		json_begin(&w, '{');
		ctl_result(p->ctl, p->id, &w);
	} else {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    m.status == STORE_FULL ? "too many hubs have keys" :
		    "that could not be stored");
	}
	ctl_pending_free(p);
	free(q);
}

void
keys_ctl_forget(struct ctl *t, struct imsg *m)
{
	struct router *r = t->control->router;
	const struct hub *h;
	char hub[NAME_SIZE];

	if (get_hub(m, hub) == -1 || reader_done(&m->rd) == -1) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the id of a hub");
		return;
	}
	if ((h = hubs_find(r->hubs, hub)) != NULL && hub_is_up(h)) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "that hub is linked: hubctl "
		    "distrust keeps it away");
		return;
	}
	ask(question_new(r, hub, "", ctl_pending_new(t, m->id)), KEY_FORGET,
	    on_forgotten);
}

static void
on_forgotten(struct imsg *msg, void *arg)
{
	struct question *q = arg;
	struct ctl_pending *p = q->arg;
	struct store_key_done m;
	struct wbuf w = { 0 };

	if (store_key_done_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_DONE");
	if (m.status == STORE_OK || m.status == STORE_FULL) {
		hubs_forget(q->router->hubs, q->hub, m.status == STORE_OK);
		log_info("%s hub %s %s forgotten", m.status == STORE_OK ?
		    "the" : "the keys of", q->hub, m.status == STORE_OK ?
		    "is" : "are");
		json_begin(&w, '{');
		json_put_str(&w, "hub_id", q->hub);
		json_put_bool(&w, "queued", m.status == STORE_FULL);
		ctl_result(p->ctl, p->id, &w);
	} else if (m.status == STORE_OTHER) {
		ctl_error(p->ctl, p->id, ERR_BAD_ARGS, "nothing is known of a "
		    "hub of that id");
	} else {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR, "that could not "
		    "be stored");
	}
	ctl_pending_free(p);
	free(q);
}

void
keys_ctl_show(struct ctl *t, uint32_t id)
{
	storeq_ask(t->control->router->store, STORE_KEYS, NULL, got_keys,
	    ctl_pending_new(t, id));
}

static void
put_key(struct wbuf *w, const struct store_key_info *k, const char *state)
{
	char ts[ISO8601_SIZE];

	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "hub_id", k->hub);
	json_put_str(w, "key", k->key);
	json_put_str(w, "state", state);
	if (strcmp(state, "trusted") == 0)
		json_put_bool(w, "confirmed", k->state == KEY_TRUSTED);
	if (k->first_seen != 0) {
		time_iso8601(k->first_seen, ts);
		json_put_str(w, "first_seen", ts);
	}
	if (k->last_seen != 0) {
		time_iso8601(k->last_seen, ts);
		json_put_str(w, "last_seen", ts);
	}
	json_end(w, '}');
}

/* This hub's own first. */
static void
got_keys(struct imsg *msg, void *arg)
{
	static const char *const states[] = {
		[KEY_TRUSTED] = "trusted", [KEY_PENDING] = "pending",
		[KEY_REFUSED] = "distrusted", [KEY_SEEN] = "trusted",
	};
	struct ctl_pending *p = arg;
	const struct router *r = p->ctl->control->router;
	struct store_key_info k = { .first_seen = 0 };
	struct store_key_list m;
	struct wbuf w = { 0 };
	struct reader rd;
	uint32_t i;

	if (store_key_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_KEY_LIST");
	json_begin(&w, '{');
	json_key(&w, "keys");
	json_begin(&w, '[');
	if (r->key[0] != '\0') {
		strlcpy(k.hub, r->conf->hub_id, sizeof(k.hub));
		strlcpy(k.key, r->key, sizeof(k.key));
		put_key(&w, &k, "own");
	}
	reader_init(&rd, m.keys.p, m.keys.len);
	for (i = 0; i < m.n && w.len < LIST_MAX; i++) {
		if (store_key_info_get(&rd, &k) == -1)
			fatalx("bad STORE_KEY_LIST");
		put_key(&w, &k, states[k.state]);
	}
	json_end(&w, ']');
	if (m.status == STORE_OK) {
		ctl_result(p->ctl, p->id, &w);
	} else {
		wbuf_free(&w);
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR, "the keys could "
		    "not be read");
	}
	ctl_pending_free(p);
}
