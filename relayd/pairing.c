/* SPDX-License-Identifier: ISC */
/*
 * Pairing by way of a relay.  Of the code comes the slot of the relay at which
 * the two hubs meet, too, so that whoever has another code does not even get
 * to the other end.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "call.h"
#include "hex.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "pairing.h"
#include "psk.h"
#include "seal.h"
#include "timeutil.h"
#include "uplink.h"
#include "ws.h"
#include "wsio.h"

#define SLOT_BYTES	16
#define LINE_MAX_PAIR	2048	/* bytes of what the other end says */
#define EXCHANGE_MS	20000	/* from the call, or from the other's coming */
#define INVITER		"invite"	/* who is who to the TLS */
#define JOINER		"join"
#define LABEL		"ecorelay pair slot"

enum pair_stage {
	PAIR_CALLING,
	PAIR_ASKED,		/* for the slot */
	PAIR_WAITING,		/* inviter: nobody has come yet */
	PAIR_TLS,
	PAIR_TALKS,
	PAIR_CHECKS		/* asks the router of the other's key */
};

struct pairing {
	TAILQ_ENTRY(pairing)	 entry;
	struct uplink		*uplink;
	uint32_t		 id;
	struct uplink_relay	 relay;
	int			 invites;
	char			 code[PAIR_CODE_SIZE];
	enum pair_stage		 stage;
	struct call		*call;
	struct wsio		*ws;
	struct psk		*psk;
	struct tls		*tls;
	struct event		*timer;
	struct wbuf		 in;		/* decrypted */
	struct wbuf		 out;		/* encrypted, to be sent */
	struct pair_done	 done;		/* what is known of it */
	uint32_t		 query;		/* the router is asked */
};

enum {
	P_TYPE, P_DATA, P_HUB_ID, P_KEY, P_TOKEN, P_SECONDS, MEMBERS
};

static const char *const members[MEMBERS] = {
	[P_TYPE] = "type", [P_DATA] = "data", [P_HUB_ID] = "hub_id",
	[P_KEY] = "key", [P_TOKEN] = "token", [P_SECONDS] = "seconds",
};

/* What a relay says when it closes, and what that means to people. */
static const struct {
	const char	*said, *means;
} closings[] = {
	{ "no_such_slot", "there is no such invitation at that relay: is the "
	    "code right, and not too old?" },
	{ "slot_taken", "somebody else has used this code" },
	{ "rate_limited", "too many wrong codes from here: try again in a "
	    "minute" },
	{ "auth_failed", "the relay refuses this hub's token" },
	{ "max_slots_reached", "too many invitations are open at the relay: "
	    "try again later" },
	{ "pair_timeout", "nobody has joined in time" },
	{ "peer_gone", "the other hub has gone" },
	{ "expected_bridge_hello", "the relay does not know pairing" },
	{ "handshake_timeout", "the relay does not know pairing" },
};

static void	end(struct pairing *, const char *);
static void	free_one(struct pairing *);
static void	arm(struct pairing *, int);
static void	on_timer(evutil_socket_t, short, void *);
static void	on_called(struct wsio *, const char *, void *);
static void	on_message(struct wsio *, char *, size_t, void *);
static void	on_closed(struct wsio *, unsigned, const char *, void *);
static int	scan(struct json_value *, const char *, size_t);
static int	is(const struct json_value *, const char *);
static void	ask_slot(struct pairing *);
static void	opened(struct pairing *, const struct json_value *);
static void	met(struct pairing *);
static void	on_data(struct pairing *, const struct json_value *);
static void	output(const void *, size_t, void *);
static void	send_data(struct pairing *);
static void	say(struct pairing *, const char *, const char *);
static void	lines(struct pairing *);
static void	line(struct pairing *, const char *, size_t);
static void	check(struct pairing *);
static void	checked(struct pairing *, enum key_verdict);
static const char	*get_other(struct pairing *, const struct json_value *);

static const struct wsio_ops ws_ops = {
	.message = on_message,
	.closed = on_closed,
};

void
pairing_new(struct uplink *u, uint32_t id, const struct uplink_relay *r,
    const char *code, struct ssl_ctx_st *tls)
{
	struct pairing *p = xcalloc(1, sizeof(*p)), *other;
	unsigned n = 0;

	TAILQ_FOREACH(other, &u->pairings, entry)
		n++;
	p->uplink = u;
	p->id = id;
	p->relay = *r;
	p->invites = code[0] == '\0';
	if (p->invites)
		pair_code_new(p->code);
	else
		strlcpy(p->code, code, sizeof(p->code));
	strlcpy(p->done.url, r->url, sizeof(p->done.url));
	if ((p->timer = evtimer_new(u->base, on_timer, p)) == NULL)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&u->pairings, p, entry);
	if (n >= PAIRINGS_MAX) {
		end(p, "too many invitations are open here");
		return;
	}
	p->psk = psk_new(p->code, p->invites ? INVITER : JOINER);
	p->call = call_new(u, &p->relay.at, tls, on_called, p);
}

void
pairing_cancel(struct uplink *u, uint32_t id)
{
	struct pairing *p;

	TAILQ_FOREACH(p, &u->pairings, entry) {
		if (p->id == id) {
			free_one(p);
			return;
		}
	}
}

void
pairings_free(struct uplink *u)
{
	struct pairing *p;

	while ((p = TAILQ_FIRST(&u->pairings)) != NULL)
		free_one(p);
}

static void
free_one(struct pairing *p)
{
	TAILQ_REMOVE(&p->uplink->pairings, p, entry);
	call_free(p->call);
	if (p->ws != NULL)
		wsio_close(p->ws, WS_CLOSE_NORMAL, "");
	if (p->tls != NULL)
		tls_free(p->tls);
	psk_free(p->psk);
	event_free(p->timer);
	if (p->in.rb != NULL)
		explicit_bzero(p->in.rb->data, p->in.len);
	wbuf_free(&p->in);
	wbuf_free(&p->out);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* why: it has failed; NULL: it is done. */
static void
end(struct pairing *p, const char *why)
{
	if (why != NULL) {
		strlcpy(p->done.why, why, sizeof(p->done.why));
		log_info("pairing by way of %s: %s", p->relay.url, why);
	} else {
		log_info("paired with hub %s by way of %s", p->done.hub_id,
		    p->relay.url);
	}
	uplink_paired(p->uplink, p->id, &p->done);
	free_one(p);
}

static void
arm(struct pairing *p, int ms)
{
	struct timeval tv = time_tv(ms);

	evtimer_add(p->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct pairing *p = arg;

	(void)fd;
	(void)ev;
	end(p, p->stage == PAIR_WAITING ? "nobody has joined in time" :
	    p->stage == PAIR_ASKED ? "the relay does not answer" :
	    "the other hub does not answer");
}

static void
on_called(struct wsio *ws, const char *why, void *arg)
{
	struct pairing *p = arg;

	p->call = NULL;
	if (ws == NULL) {
		end(p, why);
		return;
	}
	p->ws = ws;
	wsio_owner(ws, &ws_ops, p);
	p->stage = PAIR_ASKED;
	arm(p, EXCHANGE_MS);
	ask_slot(p);
}

static void
ask_slot(struct pairing *p)
{
	unsigned char key[PSK_KEY_SIZE];
	char slot[2 * SLOT_BYTES + 1];
	struct wbuf w = { 0 };

	psk_export(p->psk, LABEL, key);
	hex_encode(slot, key, SLOT_BYTES);
	json_begin(&w, '{');
	json_put_str(&w, "type", "pair");
	json_put_str(&w, "slot", slot);
	if (p->invites)
		json_put_str(&w, "secret", p->relay.token);
	json_end(&w, '}');
	wsio_write(p->ws, &w, NULL);
	explicit_bzero(w.rb->data, w.len);
	explicit_bzero(key, sizeof(key));
	wbuf_free(&w);
}

static void
on_closed(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	struct pairing *p = arg;
	size_t i;

	(void)ws;
	(void)code;
	for (i = 0; i < sizeof(closings) / sizeof(closings[0]); i++) {
		if (strcmp(closings[i].said, why) == 0)
			why = closings[i].means;
	}
	end(p, why);
}

static int
scan(struct json_value *v, const char *p, size_t n)
{
	static struct json_keys *keys;

	if (keys == NULL)
		keys = json_keys_new(members, MEMBERS);
	return json_scan(p, n, keys, v);
}

static int
is(const struct json_value *v, const char *text)
{
	return v->type == JS_STRING &&
	    slice_is((struct slice){ v->p, v->len }, text);
}

static void
on_message(struct wsio *ws, char *text, size_t n, void *arg)
{
	struct pairing *p = arg;
	struct json_value v[MEMBERS];

	(void)ws;
	if (scan(v, text, n) == -1)
		end(p, "the relay has sent what is not JSON");
	else if (is(&v[P_TYPE], "pair_open") && p->stage == PAIR_ASKED &&
	    p->invites)
		opened(p, &v[P_SECONDS]);
	else if (is(&v[P_TYPE], "pair_peer") && p->tls == NULL &&
	    p->stage == (p->invites ? PAIR_WAITING : PAIR_ASKED))
		met(p);
	else if (is(&v[P_TYPE], "pair") && p->tls != NULL)
		on_data(p, &v[P_DATA]);
}

static void
opened(struct pairing *p, const struct json_value *v)
{
	int64_t seconds = PAIR_SECONDS;
	struct pair_code m;

	(void)json_int(v, 1, PAIR_SECONDS_MAX, &seconds);
	p->stage = PAIR_WAITING;
	/* the relay has its own clock */
	arm(p, ((int)seconds + 5) * 1000);
	m.seconds = (uint32_t)seconds;
	strlcpy(m.url, p->relay.url, sizeof(m.url));
	strlcpy(m.code, p->code, sizeof(m.code));
	uplink_invited(p->uplink, p->id, &m);
	explicit_bzero(&m, sizeof(m));
}

/* The one that joins speaks first. */
static void
met(struct pairing *p)
{
	p->stage = PAIR_TLS;
	arm(p, EXCHANGE_MS);
	if (p->invites) {
		p->tls = psk_answer(p->psk, output, p);
		return;
	}
	p->tls = psk_call(p->psk, INVITER, output, p);
	(void)tls_read(p->tls, NULL, 0);
	send_data(p);
}

static void
output(const void *data, size_t n, void *arg)
{
	struct pairing *p = arg;

	wbuf_add(&p->out, data, n);
}

static void
send_data(struct pairing *p)
{
	struct wbuf w = { 0 };

	if (p->out.len == 0)
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "pair");
	json_key(&w, "data");
	wbuf_add(&w, "\"", 1);
	base64_put(&w, wbuf_data(&p->out), p->out.len);
	wbuf_add(&w, "\"", 1);
	json_end(&w, '}');
	wsio_write(p->ws, &w, NULL);
	wbuf_free(&w);
	wbuf_reset(&p->out);
}

static void
on_data(struct pairing *p, const struct json_value *v)
{
	char *room;
	struct wbuf data = { 0 };
	ssize_t got;

	if (v->type != JS_STRING ||
	    base64_get(&data, (struct slice){ v->p, v->len }) == -1) {
		wbuf_free(&data);
		end(p, "the relay has sent what is not base64");
		return;
	}
	tls_feed(p->tls, wbuf_data(&data), data.len);
	do {
		room = wbuf_room(&p->in, LINE_MAX_PAIR);
		got = tls_read(p->tls, room, LINE_MAX_PAIR);
		if (got > 0)
			p->in.len += (size_t)got;
	} while (got > 0 && p->in.len <= LINE_MAX_PAIR);
	wbuf_free(&data);
	send_data(p);
	if (got == -1 || p->in.len > LINE_MAX_PAIR) {
		end(p, "the other end has another code, or the relay has "
		    "changed something");
		return;
	}
	if (p->stage == PAIR_TLS && psk_proved(p->tls)) {
		p->stage = PAIR_TALKS;
		if (p->invites)
			say(p, "invite", p->relay.token);
	}
	lines(p);
}

/* Who we are; token: how to come to the relay, or NULL. */
static void
say(struct pairing *p, const char *type, const char *token)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", type);
	json_put_str(&w, "hub_id", p->uplink->conf.hub_id);
	json_put_str(&w, "key", sealer_key(p->uplink->sealer));
	if (token != NULL)
		json_put_str(&w, "token", token);
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	(void)tls_write(p->tls, wbuf_data(&w), w.len);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	send_data(p);
}

/* Each says one line; the last word is the inviter's. */
static void
lines(struct pairing *p)
{
	const char *text = wbuf_data(&p->in);
	const char *nl = memchr(text, '\n', p->in.len);
	size_t n;
	char copy[LINE_MAX_PAIR];

	if (p->stage != PAIR_TALKS || nl == NULL)
		return;
	n = (size_t)(nl - text);
	memcpy(copy, text, n);
	explicit_bzero(p->in.rb->data, p->in.len);
	wbuf_reset(&p->in);
	line(p, copy, n);
	explicit_bzero(copy, sizeof(copy));
}

static void
line(struct pairing *p, const char *text, size_t n)
{
	struct json_value v[MEMBERS];
	const char *wrong = NULL;

	if (scan(v, text, n) == -1) {
		wrong = "the other hub says what is not JSON";
	} else if (is(&v[P_TYPE], p->invites ? "join" : "invite")) {
		if ((wrong = get_other(p, v)) == NULL) {
			check(p);
			return;
		}
	} else if (is(&v[P_TYPE], "refused")) {
		wrong = "the other hub knows another one of this hub's id, or "
		    "distrusts it: if this is that one now, say hubctl trust "
		    "there";
	} else if (p->invites || !is(&v[P_TYPE], "paired") ||
	    p->done.hub_id[0] == '\0') {
		wrong = "the other hub says what is not expected";
	}
	if (wrong != NULL)
		explicit_bzero(p->done.token, sizeof(p->done.token));
	end(p, wrong);
}

/* Who it says that it is may be another hub, which is known. */
static void
check(struct pairing *p)
{
	struct uplink *u = p->uplink;
	struct link_key m = { .paired = 1 };
	struct wbuf w = { 0 };

	p->stage = PAIR_CHECKS;
	p->query = ++u->last_query;
	strlcpy(m.hub_id, p->done.hub_id, sizeof(m.hub_id));
	strlcpy(m.key, p->done.key, sizeof(m.key));
	link_key_put(&w, &m);
	if (u->router != NULL)
		imsg_send(u->router, LINK_KEY, p->query, -1, &w, NULL);
	wbuf_free(&w);
}

int
pairing_verdict(struct uplink *u, uint32_t query, enum key_verdict v)
{
	struct pairing *p;

	TAILQ_FOREACH(p, &u->pairings, entry) {
		if (p->stage == PAIR_CHECKS && p->query == query) {
			checked(p, v);
			return 1;
		}
	}
	return 0;
}

static void
checked(struct pairing *p, enum key_verdict v)
{
	char why[LINK_WHY_SIZE];

	p->stage = PAIR_TALKS;
	if (v != KEY_OK && v != KEY_NEW) {
		say(p, "refused", NULL);
		pair_refusal(why, v, p->done.hub_id);
		explicit_bzero(p->done.token, sizeof(p->done.token));
		end(p, why);
	} else if (p->invites) {
		say(p, "paired", NULL);
		end(p, NULL);
	} else {
		say(p, "join", NULL);
		lines(p);
	}
}

/* NULL, or what is wrong. */
static const char *
get_other(struct pairing *p, const struct json_value *v)
{
	static const char bad[] = "the other hub says what makes no sense";
	struct pair_done *d = &p->done;
	long n = 0;

	if (v[P_HUB_ID].type != JS_STRING || v[P_KEY].type != JS_STRING ||
	    json_str(&v[P_HUB_ID], d->hub_id, sizeof(d->hub_id)) == -1 ||
	    !name_valid(slice_of(d->hub_id)) ||
	    json_str(&v[P_KEY], d->key, sizeof(d->key)) !=
	    LINK_KEY_SIZE - 1 ||
	    strspn(d->key, "0123456789abcdef") != LINK_KEY_SIZE - 1)
		return bad;
	if (!p->invites && (v[P_TOKEN].type != JS_STRING ||
	    (n = json_str(&v[P_TOKEN], d->token, sizeof(d->token))) == -1 ||
	    uplink_relay_token(&p->relay, d->token, (size_t)n) == -1))
		return bad;
	if (!p->invites)
		strlcpy(d->token, p->relay.token, sizeof(d->token));
	if (strcmp(d->hub_id, p->uplink->conf.hub_id) == 0)
		return "both hubs have the same id: give one of them another "
		    "(hub id in hubd.conf, or RELAY_MACHINE_NAME)";
	return NULL;
}
