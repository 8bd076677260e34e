/* SPDX-License-Identifier: ISC */
/*
 * hubctl's connections.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "asks.h"
#include "bufio.h"
#include "conf.h"
#include "control.h"
#include "ctlbackup.h"
#include "ctlconn.h"
#include "ctlproto.h"
#include "ctlupgrade.h"
#include "errcode.h"
#include "groupproto.h"
#include "hubs.h"
#include "imsg.h"
#include "keys.h"
#include "listproto.h"
#include "log.h"
#include "mail.h"
#include "owner.h"
#include "peers.h"
#include "registry.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"
#include "stats.h"
#include "storeq.h"
#include "timeutil.h"
#include "tokens.h"
#include "version.h"

#define OUTPUT_MAX	(8 * 1024 * 1024)
/* of a plain user: connections, and requests on each that wait */
#define PLAIN_CONNS	16
#define PLAIN_WAITING	4
#define EVENT_NAMES	4	/* in one event */

/* Who may ask that: every user that can connect, or root and the hub's. */
enum who { EVERYBODY, ADMINS };

struct command {
	enum imsg_type	 type;
	enum ctl_hello	 least;
	void		(*handler)(struct ctl *, struct imsg *);
	enum who	 who;
};

static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	closed(struct imsgbuf *, int, void *);
static void	ctl_unref(struct ctl *);
static int	has_room(const struct control *, uint32_t);
static void	answer(struct ctl *, enum imsg_type, uint32_t,
		    const struct wbuf *);
static void	do_hello(struct ctl *, struct imsg *);
static void	do_show(struct ctl *, struct imsg *);
static int	may_be(const struct ctl *, const char *);
static void	do_send(struct ctl *, struct imsg *);
static void	do_inbox(struct ctl *, struct imsg *);
static void	do_search(struct ctl *, struct imsg *);
static void	do_message(struct ctl *, struct imsg *);
static void	read_mailbox(struct ctl *, uint32_t, struct store_inbox *,
		    const char *);
static void	do_monitor(struct ctl *, struct imsg *);
static void	do_clean(struct ctl *, struct imsg *);
static void	do_level(struct ctl *, struct imsg *);
static void	do_reload(struct ctl *, struct imsg *);
static void	do_stop(struct ctl *, struct imsg *);
static void	got_message(struct imsg *, void *);
static void	put_message(struct wbuf *, const char *,
		    const struct store_message *);
static void	got_mail(struct imsg *, void *);
static void	got_cleaned(struct imsg *, void *);
static void	posted(const struct posted *, void *);
static int	is_name_key(const char *);
static int	concerns(const struct ctl *, const char *const *, size_t);

static const char not_yours[] = "the name under which it would be sent is "
    "another user's: set USER to one of yours";

static const struct imsg_ops ctl_ops = {
	.dispatch = dispatch,
	.closed = closed,
};

static const struct command commands[] = {
	{ CTL_HELLO, HELLO_NONE, do_hello, EVERYBODY },
	{ CTL_SHOW, HELLO_SAME, do_show, EVERYBODY },	/* ctlshow.c has more */
	{ CTL_SEND, HELLO_SAME, do_send, EVERYBODY },
	{ CTL_INBOX, HELLO_SAME, do_inbox, EVERYBODY },
	{ CTL_SEARCH, HELLO_SAME, do_search, EVERYBODY },
	{ CTL_MESSAGE, HELLO_SAME, do_message, EVERYBODY },
	{ CTL_MONITOR, HELLO_SAME, do_monitor, EVERYBODY },
	{ CTL_TOKEN, HELLO_SAME, tokens_ctl, EVERYBODY },
	{ CTL_CLEAN, HELLO_SAME, do_clean, ADMINS },
	{ CTL_LEVEL, HELLO_SAME, do_level, ADMINS },
	{ CTL_TRUST, HELLO_SAME, keys_ctl_trust, ADMINS },
	{ CTL_DISTRUST, HELLO_SAME, keys_ctl_distrust, ADMINS },
	{ CTL_FORGET, HELLO_SAME, keys_ctl_forget, ADMINS },
	{ CTL_INVITE, HELLO_SAME, ctlpair_invite, ADMINS },
	{ CTL_JOIN, HELLO_SAME, ctlpair_join, ADMINS },
	{ CTL_RELOAD, HELLO_SAME, do_reload, ADMINS },
	{ CTL_BACKUP, HELLO_SAME, ctlbackup, ADMINS },
	{ CTL_STOP, HELLO_ANY, do_stop, ADMINS },
	{ CTL_UPGRADE, HELLO_ANY, ctlupgrade, ADMINS },
};
#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

struct control *
control_new(struct event_base *base, struct router *r)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->router = r;
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->gone);
	TAILQ_INIT(&c->pairs);
	TAILQ_INIT(&c->lists);
	TAILQ_INIT(&c->reloads);
	TAILQ_INIT(&c->usages);
	return c;
}

void
control_free(struct control *c)
{
	struct ctl_pending *p;
	struct ctl *t;

	ctlbackup_free(c);
	ctlupgrade_free(c);
	while ((t = TAILQ_FIRST(&c->all)) != NULL) {
		if (t->ib != NULL)
			(void)imsg_flush(t->ib, 100);
		closed(t->ib, 0, t);
	}
	ctlpair_free(c);
	ctlshow_free(c);
	while ((p = TAILQ_FIRST(&c->reloads)) != NULL) {
		TAILQ_REMOVE(&c->reloads, p, entry);
		ctl_pending_free(p);
	}
	stats_free(c);
	free(c);
}

/*
 * 0 if it is a plain user who has enough of them: those count, too, that went
 * away while the store has still to do what they asked for.
 */
static int
has_room(const struct control *c, uint32_t owner)
{
	const struct ctl *t;
	unsigned n = 0;

	if (owner_is_admin(owner))
		return 1;
	TAILQ_FOREACH(t, &c->all, entry)
		n += t->owner == owner;
	TAILQ_FOREACH(t, &c->gone, entry)
		n += t->owner == owner;
	return n < PLAIN_CONNS;
}

void
control_accept(struct control *c, int fd, uint32_t owner)
{
	struct ctl *t;

	if (!has_room(c, owner)) {
		log_debug("hubctl: user %u has too many connections", owner);
		close(fd);
		return;
	}
	t = xcalloc(1, sizeof(*t));
	t->control = c;
	t->owner = owner;
	t->refs = 1;
	t->ib = imsg_new(c->base, fd, PROC_ROUTER, PROC_CTL, &ctl_ops, t);
	TAILQ_INSERT_TAIL(&c->all, t, entry);
}

static void
ctl_unref(struct ctl *t)
{
	if (--t->refs > 0)
		return;
	TAILQ_REMOVE(&t->control->gone, t, entry);
	free(t);
}

static void
closed(struct imsgbuf *ib, int err, void *arg)
{
	struct ctl *t = arg;

	(void)err;
	imsg_free(ib);
	t->ib = NULL;
	TAILQ_REMOVE(&t->control->all, t, entry);
	TAILQ_INSERT_TAIL(&t->control->gone, t, entry);
	t->control->nmonitors -= (unsigned)t->monitor;
	ctlpair_gone(t);
	ctlbackup_gone(t);
	ctl_unref(t);
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct ctl *t = arg;
	size_t i;

	for (i = 0; i < NCOMMANDS; i++) {
		if (commands[i].type == m->type)
			break;
	}
	if (i == NCOMMANDS || t->hello < commands[i].least ||
	    (!owner_is_admin(t->owner) && t->refs > PLAIN_WAITING)) {
		closed(ib, 0, t);
		return;
	}
	t->refs++;
	if (commands[i].who == ADMINS && !owner_is_admin(t->owner))
		ctl_refuse(t, m->id);
	else
		commands[i].handler(t, m);
	ctl_unref(t);
}

void
ctl_refuse(struct ctl *t, uint32_t id)
{
	ctl_error(t, id, ERR_NOT_ADMIN, "only root and the user that the hub "
	    "runs as may do that");
}

int
ctl_may(const struct ctl *t, const char *name)
{
	return owner_may(t->owner,
	    registry_owner(t->control->router->registry, name));
}

/* One that does not read is cut off, as a session is. */
static void
answer(struct ctl *t, enum imsg_type type, uint32_t id, const struct wbuf *w)
{
	if (t->ib == NULL)
		return;
	if (imsg_pending(t->ib) > OUTPUT_MAX)
		closed(t->ib, 0, t);
	else
		imsg_send(t->ib, type, id, -1, w, NULL);
}

void
ctl_result(struct ctl *t, uint32_t id, struct wbuf *w)
{
	json_end(w, '}');
	answer(t, CTL_RESULT, id, w);
	explicit_bzero(w->rb->data, w->len);	/* it may be a token */
	wbuf_free(w);
}

void
ctl_error(struct ctl *t, uint32_t id, enum errcode e, const char *text)
{
	struct wbuf w = { 0 };

	put_str(&w, err_code(e));
	put_str(&w, text);
	answer(t, CTL_ERROR, id, &w);
	wbuf_free(&w);
}

void
ctl_event(struct ctl *t, const struct wbuf *w)
{
	answer(t, CTL_EVENT, 0, w);
}

struct ctl_pending *
ctl_pending_new(struct ctl *t, uint32_t id)
{
	struct ctl_pending *p = xcalloc(1, sizeof(*p));

	t->refs++;
	p->ctl = t;
	p->id = id;
	return p;
}

void
ctl_pending_free(struct ctl_pending *p)
{
	ctl_unref(p->ctl);
	free(p);
}

static void
do_hello(struct ctl *t, struct imsg *m)
{
	uint32_t version = get_u32(&m->rd);
	struct wbuf w = { 0 };

	if (version != CTL_VERSION && version != 0) {
		ctl_error(t, m->id, ERR_PROTOCOL_MISMATCH, "this hub is of "
		    "another version than hubctl: hubctl upgrade lets it go "
		    "on as the one that is installed");
		return;
	}
	t->hello = version == 0 ? HELLO_ANY : HELLO_SAME;
	json_begin(&w, '{');
	json_put_str(&w, "version", ecorelay_version);
	ctl_result(t, m->id, &w);
}

static void
do_show(struct ctl *t, struct imsg *m)
{
	char what[32];

	get_str(&m->rd, what, sizeof(what));
	ctlshow(t, m->id, reader_done(&m->rd) == 0 ? what : "");
}

/*
 * From whom a hubctl may send: a plain user under a name that it owns, or that
 * it owns from now on as nobody does; others under any.
 */
static int
may_be(const struct ctl *t, const char *from)
{
	uint32_t owner;

	owner = registry_owner(t->control->router->registry, from);
	return owner == OWNER_NONE || owner_may(t->owner, owner);
}

static void
do_send(struct ctl *t, struct imsg *m)
{
	struct router *r = t->control->router;
	char from[NAME_SIZE], to[TARGET_SIZE];
	struct mail mail = { .from = from, .owner = t->owner };
	struct ctl_pending *p;
	struct wbuf w = { 0 };
	struct target whom;
	struct slice text;
	enum errcode e;

	get_str(&m->rd, from, sizeof(from));
	get_str(&m->rd, to, sizeof(to));
	text = get_slice(&m->rd);
	mail.urgent = get_u8(&m->rd);
	if (reader_done(&m->rd) == -1 || !name_valid(slice_of(from))) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not a name: 1 to 64 "
		    "letters, digits, '.', '_' and '-'");
		return;
	}
	if (!may_be(t, from)) {
		ctl_error(t, m->id, ERR_NAME_TAKEN, not_yours);
		return;
	}
	if (!registry_may_have(r->registry, t->owner, from)) {
		ctl_error(t, m->id, ERR_MAILBOX_ERROR, NAMES_FULL);
		return;
	}
	if ((e = target_find(r, to, &whom, &w)) != ERR_NONE) {
		wbuf_add(&w, "", 1);
		ctl_error(t, m->id, e, wbuf_data(&w));
		wbuf_free(&w);
		return;
	}
	wbuf_reset(&w);
	if (utf16_units(text.p, text.len) > TEXT_UNITS_MAX) {
		ctl_error(t, m->id, ERR_TOO_LARGE, err_advice(ERR_TOO_LARGE));
		return;
	}
	/* the mailbox has it as a JSON string without its quotes */
	json_add_str(&w, text.p, text.len);
	mail.text.p = wbuf_data(&w) + 1;
	mail.text.len = w.len - 2;
	mail.to = whom.name;
	if (owner_is_admin(t->owner))
		mail.owner = OWNER_NONE;
	p = ctl_pending_new(t, m->id);
	strlcpy(p->name, from, sizeof(p->name));
	mail_post(r, &mail, posted, p);
	wbuf_free(&w);
}

static void
posted(const struct posted *p, void *arg)
{
	struct ctl_pending *cp = arg;
	struct ctl *t = cp->ctl;
	struct wbuf w = { 0 };

	if (p->status == STORE_TAKEN) {
		ctl_error(t, cp->id, ERR_NAME_TAKEN, not_yours);
	} else if (p->status == STORE_FAILED || p->status == STORE_FULL) {
		ctl_error(cp->ctl, cp->id, ERR_MAILBOX_ERROR,
		    p->status != STORE_FULL ? "the message could not be "
		    "stored" : p->remote ? "too many messages wait for that "
		    "hub" : "too many mailboxes");
	} else {
		if (!owner_is_admin(t->owner))
			registry_know(t->control->router->registry, cp->name,
			    t->owner, 0);
		json_begin(&w, '{');
		json_put_str(&w, "msg_id", p->msg_id);
		json_put_str(&w, "status", p->pushed ? "delivered" : "queued");
		ctl_result(cp->ctl, cp->id, &w);
	}
	ctl_pending_free(cp);
}

static void
do_inbox(struct ctl *t, struct imsg *m)
{
	struct store_inbox in = { .mode = INBOX_RECENT };
	char name[NAME_SIZE];

	get_str(&m->rd, name, sizeof(name));
	in.limit = get_u32(&m->rd);
	if (reader_done(&m->rd) == -1 || !name_valid(slice_of(name)) ||
	    in.limit == 0 || in.limit > 100000) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the name of a mailbox");
		return;
	}
	read_mailbox(t, m->id, &in, name);
}

static void
do_search(struct ctl *t, struct imsg *m)
{
	struct store_inbox in = { .mode = INBOX_SEARCH };
	char name[NAME_SIZE];

	get_str(&m->rd, name, sizeof(name));
	in.query = get_slice(&m->rd);
	in.limit = get_u32(&m->rd);
	if (reader_done(&m->rd) == -1 || !name_valid(slice_of(name)) ||
	    in.limit == 0 || in.limit > 100000) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the name of a mailbox");
		return;
	}
	if (!utf8_valid(in.query.p, in.query.len) ||
	    utf16_units(in.query.p, in.query.len) > REF_LEN_MAX) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "the words are not UTF-8, or "
		    "are too many");
		return;
	}
	if (!mail_can_search(in.query)) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "there is no word to search "
		    "for");
		return;
	}
	read_mailbox(t, m->id, &in, name);
}

/* Looking at a mailbox from outside changes nothing in it. */
static void
read_mailbox(struct ctl *t, uint32_t id, struct store_inbox *in,
    const char *name)
{
	struct router *r = t->control->router;
	struct ctl_pending *p;
	struct wbuf w = { 0 };

	if (!ctl_may(t, name)) {
		ctl_error(t, id, ERR_NOT_ADMIN, "this is not a name of yours: "
		    "only root and the user that the hub runs as may read the "
		    "mail of others");
		return;
	}
	p = ctl_pending_new(t, id);
	strlcpy(in->name, registry_resolve(r->registry, name),
	    sizeof(in->name));
	strlcpy(p->name, in->name, sizeof(p->name));
	in->peek = 1;
	in->max_bytes = LINE_MAX_BYTES;
	store_inbox_put(&w, in);
	storeq_ask(r->store, STORE_INBOX, &w, got_mail, p);
	wbuf_free(&w);
}

static void
do_message(struct ctl *t, struct imsg *m)
{
	struct store_query q = { .name = "" };
	struct ctl_pending *p;
	struct wbuf w = { 0 };

	get_str(&m->rd, q.msg_id, sizeof(q.msg_id));
	if (reader_done(&m->rd) == -1 || q.msg_id[0] == '\0') {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not the id of a message");
		return;
	}
	p = ctl_pending_new(t, m->id);
	strlcpy(p->name, q.msg_id, sizeof(p->name));
	store_query_put(&w, &q);
	storeq_ask(t->control->router->store, STORE_STATUS, &w, got_message,
	    p);
	wbuf_free(&w);
}

static void
got_message(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_message m;
	struct wbuf w = { 0 };

	if (store_message_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MESSAGE");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the message could not be looked up");
	} else if (!m.found ||
	    (!ctl_may(p->ctl, m.from) && !ctl_may(p->ctl, m.to))) {
		/* that there is one is nothing to others */
		ctl_error(p->ctl, p->id, ERR_BAD_ARGS,
		    "no message with that id is known");
	} else {
		put_message(&w, p->name, &m);
		ctl_result(p->ctl, p->id, &w);
	}
	ctl_pending_free(p);
}

/* All but the closing bracket. */
static void
put_message(struct wbuf *w, const char *id, const struct store_message *m)
{
	char ts[ISO8601_SIZE];

	json_begin(w, '{');
	json_put_str(w, "msg_id", id);
	json_put_str(w, "from", m->from);
	json_put_str(w, "to", m->to);
	json_put_str(w, "state", msg_state_name(m->state));
	time_iso8601(m->ts, ts);
	json_put_str(w, "state_ts", ts);
	time_iso8601(m->sent, ts);
	json_put_str(w, "ts", ts);
	json_put_str(w, "kind", msg_kind_name(m->kind));
	json_put_bool(w, "urgent", m->urgent);
	json_put_bool(w, "kept", m->kept);
}

static void
got_mail(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_mail m;
	struct wbuf w = { 0 };

	if (store_mail_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_MAIL");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the mailbox could not be read");
	} else {
		json_begin(&w, '{');
		json_put_str(&w, "name", p->name);
		json_key(&w, "messages");
		wbuf_add(&w, m.json.p, m.json.len);
		json_put_int(&w, "remaining", m.remaining);
		json_put_int(&w, "unread", m.unread);
		ctl_result(p->ctl, p->id, &w);
	}
	ctl_pending_free(p);
}

static void
do_monitor(struct ctl *t, struct imsg *m)
{
	struct wbuf w = { 0 };

	if (!t->monitor) {
		t->monitor = 1;
		t->control->nmonitors++;
	}
	json_begin(&w, '{');
	ctl_result(t, m->id, &w);
}

static void
do_clean(struct ctl *t, struct imsg *m)
{
	struct router *r = t->control->router;
	struct store_clean c = { 0 };
	const struct session *s;
	struct wbuf keep = { 0 }, w = { 0 };
	uint32_t days = get_u32(&m->rd);

	c.before = time_now_ms() - (int64_t)days * 86400000;
	for (s = registry_next(r->registry, NULL); s != NULL;
	    s = registry_next(r->registry, (struct session *)(uintptr_t)s)) {
		put_str(&keep, s->name);
		c.nkeep++;
	}
	c.keep.p = wbuf_data(&keep);
	c.keep.len = keep.len;
	store_clean_put(&w, &c);
	storeq_ask(r->store, STORE_CLEAN, &w, got_cleaned,
	    ctl_pending_new(t, m->id));
	wbuf_free(&keep);
	wbuf_free(&w);
}

static void
got_cleaned(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_cleaned m;
	struct wbuf w = { 0 };

	if (store_cleaned_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_CLEANED");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the database could not be cleaned");
	} else {
		json_begin(&w, '{');
		json_put_int(&w, "sessions", m.sessions);
		json_put_int(&w, "messages", m.messages);
		ctl_result(p->ctl, p->id, &w);
	}
	ctl_pending_free(p);
}

static void
do_level(struct ctl *t, struct imsg *m)
{
	uint8_t level = get_u8(&m->rd);
	struct wbuf w = { 0 };

	if (level > LOG_LEVEL_DEBUG) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "not a level of the log");
		return;
	}
	put_u8(&w, level);
	router_tell(t->control->router, PROC_LEVEL, 0, &w);
	wbuf_free(&w);
	json_begin(&w, '{');
	ctl_result(t, m->id, &w);
}

static void
do_reload(struct ctl *t, struct imsg *m)
{
	struct ctl_pending *p = ctl_pending_new(t, m->id);

	TAILQ_INSERT_TAIL(&t->control->reloads, p, entry);
	router_tell(t->control->router, PROC_RELOAD, 0, NULL);
}

/* The parent answers them in their order. */
void
control_reloaded(struct control *c, struct imsg *msg)
{
	struct ctl_pending *p = TAILQ_FIRST(&c->reloads);
	uint8_t done = get_u8(&msg->rd);
	struct slice lines = get_slice(&msg->rd);
	struct wbuf w = { 0 };
	size_t n;

	if (reader_done(&msg->rd) == -1 || p == NULL)
		fatalx("bad PROC_RELOADED");
	TAILQ_REMOVE(&c->reloads, p, entry);
	json_begin(&w, '{');
	json_put_bool(&w, "reloaded", done);
	json_key(&w, "lines");
	json_begin(&w, '[');
	for (; lines.len > 0; lines.p += n + 1, lines.len -= n + 1) {
		n = (size_t)((const char *)memchr(lines.p, '\n', lines.len) -
		    lines.p);
		json_comma(&w);
		json_add_str(&w, lines.p, n);
	}
	json_end(&w, ']');
	ctl_result(p->ctl, p->id, &w);
	ctl_pending_free(p);
}

static void
do_stop(struct ctl *t, struct imsg *m)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	ctl_result(t, m->id, &w);
	router_stop_hub(t->control->router, "hubctl stop");
}

static int
is_name_key(const char *key)
{
	static const char *const keys[] = {
		"name", "new_name", "from", "to", "peer"
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0)
			return 1;
	}
	return 0;
}

/* 1 if that monitor may see an event with these names in it. */
static int
concerns(const struct ctl *t, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (ctl_may(t, names[i]))
			return 1;
	}
	return owner_is_admin(t->owner);
}

void
control_event(struct control *c, const char *event, ...)
{
	const char *names[EVENT_NAMES], *value;
	size_t n = 0;
	struct wbuf w = { 0 };
	char ts[ISO8601_SIZE];
	struct ctl *t, *next;
	const char *key;
	va_list ap;

	if (c->nmonitors == 0)
		return;
	time_iso8601(time_now_ms(), ts);
	json_begin(&w, '{');
	json_put_str(&w, "ts", ts);
	json_put_str(&w, "event", event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		json_put_str(&w, key, value);
		if (n < EVENT_NAMES && is_name_key(key))
			names[n++] = value;
	}
	va_end(ap);
	json_end(&w, '}');
	TAILQ_FOREACH_SAFE(t, &c->all, entry, next) {
		if (!t->monitor || !concerns(t, names, n))
			continue;
		/* one that does not read is cut off, as a session is */
		if (imsg_pending(t->ib) > OUTPUT_MAX)
			closed(t->ib, 0, t);
		else
			imsg_send(t->ib, CTL_EVENT, 0, -1, &w, NULL);
	}
	wbuf_free(&w);
}
