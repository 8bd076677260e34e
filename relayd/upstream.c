/* SPDX-License-Identifier: ISC */
/*
 * The connection to one relay of the configuration (protocol.md section 3):
 * made again as often as it breaks, and what the relay says.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdlib.h>

#include "backoff.h"
#include "call.h"
#include "imsg.h"
#include "log.h"
#include "map.h"
#include "timeutil.h"
#include "uplink.h"
#include "wsio.h"

#define WELCOME_MS	5000
#define WELCOME_MAX	(4 * 1024 * 1024)
#define PING_MS		15000	/* without a sign of life */
#define DEAD_MS		40000
#define BUSY_MARK	(256 * 1024)	/* bytes that the kernel has not */
#define HIGH_MARK	(4 * 1024 * 1024)	/* and all others */
#define LIMIT_LOG_MS	60000
#define LIMITED_MAX_MS	600000
#define RETRY_MAX_MS	60000
#define PROTOCOL_VERSION "5"

enum stage { WAITING, CALLING, SHAKING, UP };

struct upstream {
	TAILQ_ENTRY(upstream)	 entry;
	struct uplink		*uplink;
	struct uplink_relay	 conf;
	uint32_t		 place;		/* as long as it is there */
	enum stage		 stage;
	struct event		*timer;		/* the next try */
	unsigned		 backoff;
	int64_t			 retry_ms;	/* the relay has said so */
	struct call		*call;
	struct wsio		*ws;
	int64_t			 began, asked, limit_said;
	int64_t			 limited;	/* it reads nothing until */
	int64_t			 busy_at;
	size_t			 waiting;	/* bytes in sealed sessions */
	struct remote_list	 remotes;
	struct map		*ids;		/* of those */
	struct map		*announced;	/* names of sessions of ours */
	uint32_t		 told;		/* 0: none is told unasked */
	char			 why[LINK_WHY_SIZE];	/* the last error */
};

enum {
	U_TYPE, U_HUB_ID, U_PEERS, U_FEATURES, U_HUBS, U_ACTION, U_PEER,
	U_NAME, U_TARGET, U_ORIGIN, U_WRAPPED, U_RETRY,
	U_MESSAGES, U_BYTES, MEMBERS
};

static const char *const members[MEMBERS] = {
	[U_TYPE] = "type", [U_HUB_ID] = "hub_id", [U_PEERS] = "peers",
	[U_FEATURES] = "features", [U_HUBS] = "hubs", [U_ACTION] = "action",
	[U_PEER] = "peer", [U_NAME] = "name",
	[U_TARGET] = "target_peer", [U_ORIGIN] = "origin_hub",
	[U_WRAPPED] = "wrapped", [U_RETRY] = "retry_ms",
	[U_MESSAGES] = "messages_per_s", [U_BYTES] = "bytes_per_s",
};

static void	on_timer(evutil_socket_t, short, void *);
static void	on_called(struct wsio *, const char *, void *);
static void	say_hello(struct upstream *);
static void	on_message(struct wsio *, char *, size_t, void *);
static void	on_closed(struct wsio *, unsigned, const char *, void *);
static void	on_drained(struct wsio *, void *);
static struct remote	*next_piece(struct upstream *);
static uint32_t	free_place(const struct uplink *);
static void	call_now(struct upstream *);
static void	stop(struct upstream *, const char *);
static void	again(struct upstream *, const char *);
static void	report(struct upstream *);
static int	is(const struct json_value *, const char *);
static int	get_id(const struct json_value *, char[NAME_SIZE]);
static void	on_welcome(struct upstream *, const struct json_value *);
static void	on_forward(struct upstream *, const struct json_value *);
static void	on_update(struct upstream *, const struct json_value *);
static void	on_hub(struct upstream *, const struct json_value *);
static void	on_limit(struct upstream *, const struct json_value *);
static void	on_stop(struct upstream *, const struct json_value *);
static int	seals(const struct json_value *);
static void	forget_announced(struct upstream *);

static const char down[] = "the connection to the relay is down";

static const struct wsio_ops ws_ops = {
	.message = on_message,
	.closed = on_closed,
	.drained = on_drained,
};

static const struct {
	const char	*type;
	void		(*handler)(struct upstream *,
			    const struct json_value *);
} handlers[] = {
	{ "bridge_forward", on_forward },
	{ "bridge_peer_update", on_update },
	{ "relay_hub", on_hub },
	{ "relay_limit", on_limit },
	{ "relay_stop", on_stop },
};

/* What is wrong at the relay's end, and what can be done. */
static const struct {
	unsigned	 code;
	const char	*why;
} closings[] = {
	{ 4001, "the relay has not understood or not got our first message" },
	{ 4002, "the relay speaks another version of the protocol" },
	{ 4003, "the relay refuses the token: it must be the relay's secret" },
	{ 4004, "the relay has a hub of this id: each must have its own "
	    "(hub id)" },
	{ 4005, "the relay does not take this hub's id" },
	{ 4006, "the relay has as many hubs as it takes" },
};

/* The first that no other relay has: links by one at a first place win. */
static uint32_t
free_place(const struct uplink *u)
{
	const struct upstream *up;
	uint32_t place = 0;

	do {
		TAILQ_FOREACH(up, &u->upstreams, entry) {
			if (up->place == place)
				break;
		}
	} while (up != NULL && ++place < UPLINK_RELAYS_MAX);
	return place;
}

void
upstream_new(struct uplink *u, const struct uplink_relay *r)
{
	struct upstream *up = xcalloc(1, sizeof(*up));

	up->uplink = u;
	up->place = free_place(u);
	up->conf = *r;
	TAILQ_INIT(&up->remotes);
	up->ids = map_new();
	up->announced = map_new();
	if ((up->timer = evtimer_new(u->base, on_timer, up)) == NULL)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&u->upstreams, up, entry);
	call_now(up);
}

static void
call_now(struct upstream *up)
{
	struct timeval now = { 0, 0 };

	up->backoff = 0;
	evtimer_add(up->timer, &now);
	report(up);
}

void
upstream_change(struct upstream *up, const struct uplink_relay *r)
{
	int again;

	if (r == NULL) {
		log_info("relay %s: it is no longer configured",
		    up->conf.url);
		stop(up, "that relay is no longer configured");
		up->conf.url[0] = up->why[0] = '\0';
		report(up);
		upstream_free(up);
		return;
	}
	/* what is up has shown a token that was good, to a good relay */
	again = strcmp(r->token, up->conf.token) != 0 ||
	    strcmp(r->ca_file, up->conf.ca_file) != 0;
	if (r->unsealed != up->conf.unsealed) {
		stop(up, "the relay is configured otherwise now");
		again = 1;
	}
	up->conf = *r;
	if (again && up->stage == WAITING)
		call_now(up);
}

void
upstream_free(struct upstream *up)
{
	stop(up, down);
	TAILQ_REMOVE(&up->uplink->upstreams, up, entry);
	event_free(up->timer);
	map_free(up->announced);
	map_free(up->ids);
	explicit_bzero(&up->conf, sizeof(up->conf));
	free(up);
}

struct uplink *
upstream_uplink(const struct upstream *up)
{
	return up->uplink;
}

struct upstream *
upstream_next(const struct uplink *u, const struct upstream *up)
{
	return up == NULL ? TAILQ_FIRST(&u->upstreams) :
	    TAILQ_NEXT(up, entry);
}

struct remote_list *
upstream_remotes(struct upstream *up)
{
	return &up->remotes;
}

struct map *
upstream_ids(struct upstream *up)
{
	return up->ids;
}

const struct uplink_relay *
upstream_conf(const struct upstream *up)
{
	return &up->conf;
}

int
upstream_is_up(const struct upstream *up)
{
	return up->stage == UP;
}

uint8_t
upstream_rank(const struct upstream *up)
{
	return (uint8_t)(LINK_RANK_RELAY + up->place);
}

/* Whatever it is doing; all that is behind that relay is gone. */
static void
stop(struct upstream *up, const char *why)
{
	struct remote *r;

	event_del(up->timer);
	call_free(up->call);
	up->call = NULL;
	wsio_free(up->ws);
	up->ws = NULL;
	up->stage = WAITING;
	while ((r = TAILQ_FIRST(&up->remotes)) != NULL)
		remote_gone(r, why);
	if (up->told != 0)
		uplink_down(up->uplink, up->told, "");
	up->told = 0;
	forget_announced(up);
	up->limited = 0;
}

/* Says once what is wrong, and tries it again later. */
static void
again(struct upstream *up, const char *why)
{
	struct timeval tv;
	int64_t ms = backoff_next(&up->backoff);

	if (strcmp(up->why, why) != 0)
		log_warnx("relay %s: %s", up->conf.url, why);
	strlcpy(up->why, why, sizeof(up->why));
	stop(up, down);
	if (ms < up->retry_ms)
		ms = up->retry_ms;
	up->retry_ms = 0;
	tv = time_tv(ms);
	evtimer_add(up->timer, &tv);
	report(up);
}

static void
report(struct upstream *up)
{
	struct link_relay m = { .relay = up->place };
	struct wbuf w = { 0 };

	if (up->uplink->router == NULL)
		return;
	m.state = up->stage == UP ? LINK_IS_UP : up->stage == WAITING ?
	    LINK_IS_DOWN : LINK_IS_CALLING;
	m.hubs = (uint32_t)map_count(up->ids);
	strlcpy(m.url, up->conf.url, sizeof(m.url));
	strlcpy(m.why, up->why, sizeof(m.why));
	link_relay_put(&w, &m);
	imsg_send(up->uplink->router, LINK_RELAY, 0, -1, &w, NULL);
	wbuf_free(&w);
}

static void
on_timer(evutil_socket_t fd, short ev, void *arg)
{
	struct upstream *up = arg;

	(void)fd;
	(void)ev;
	up->stage = CALLING;
	up->call = call_new(up->uplink, &up->conf.at,
	    uplink_tls(up->uplink, &up->conf), on_called, up);
	report(up);
}

static void
on_called(struct wsio *ws, const char *why, void *arg)
{
	struct upstream *up = arg;

	up->call = NULL;
	if (ws == NULL) {
		again(up, why);
		return;
	}
	up->ws = ws;
	wsio_owner(ws, &ws_ops, up);
	wsio_limit(ws, WELCOME_MAX);
	up->stage = SHAKING;
	up->began = time_mono_ms();
	say_hello(up);
}

static void
say_hello(struct upstream *up)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_hello");
	json_put_str(&w, "hub_id", up->uplink->conf.hub_id);
	json_put_str(&w, "secret", up->conf.token);
	json_put_str(&w, "protocol_version", PROTOCOL_VERSION);
	/* who is there is told to those that may know it */
	json_key(&w, "peers");
	wbuf_adds(&w, "[]");
	json_key(&w, "features");
	wbuf_adds(&w, "[\"hubs\",\"limits\",\"seal\"]");
	json_end(&w, '}');
	wsio_write(up->ws, &w, NULL);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
}

static void
on_closed(struct wsio *ws, unsigned code, const char *why, void *arg)
{
	struct upstream *up = arg;
	size_t i;

	(void)ws;
	for (i = 0; i < sizeof(closings) / sizeof(closings[0]); i++) {
		if (closings[i].code == code)
			why = closings[i].why;
	}
	again(up, why);
}

static int
is(const struct json_value *v, const char *text)
{
	return v->type == JS_STRING &&
	    slice_is((struct slice){ v->p, v->len }, text);
}

static int
get_id(const struct json_value *v, char dst[NAME_SIZE])
{
	return v->type == JS_STRING && json_str(v, dst, NAME_SIZE) != -1 &&
	    name_valid(slice_of(dst)) ? 0 : -1;
}

static void
on_message(struct wsio *ws, char *p, size_t n, void *arg)
{
	static struct json_keys *keys;
	struct upstream *up = arg;
	struct json_value v[MEMBERS];
	size_t i;

	(void)ws;
	if (keys == NULL)
		keys = json_keys_new(members, MEMBERS);
	if (json_scan(p, n, keys, v) == -1) {
		again(up, "the relay has sent what is not JSON");
		return;
	}
	if (up->stage == SHAKING) {
		if (is(&v[U_TYPE], "bridge_welcome"))
			on_welcome(up, v);
		return;
	}
	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (is(&v[U_TYPE], handlers[i].type)) {
			handlers[i].handler(up, v);
			break;
		}
	}
}

static int
seals(const struct json_value *v)
{
	struct json_value e;
	size_t pos = 0;

	while (v->type == JS_ARRAY && json_next(v, &pos, &e)) {
		if (is(&e, "seal"))
			return 1;
	}
	return 0;
}

static void
on_welcome(struct upstream *up, const struct json_value *v)
{
	struct json_value e;
	char id[NAME_SIZE];
	size_t pos;

	up->stage = UP;
	up->backoff = 0;
	up->why[0] = '\0';
	up->asked = time_mono_ms();
	/* there hubs like this one find each other by their sessions only */
	if (!seals(&v[U_FEATURES]) && up->conf.unsealed)
		up->told = uplink_tell(up->uplink);
	else if (!seals(&v[U_FEATURES]))
		strlcpy(up->why, "the relay does not know sealed sessions, "
		    "and nothing may go without (allow unsealed)",
		    sizeof(up->why));
	log_info("relay %s: connected%s%s", up->conf.url,
	    up->why[0] != '\0' ? "; but " : "", up->why);
	wsio_hold(up->ws, up->uplink->held);
	for (pos = 0; v[U_HUBS].type == JS_ARRAY &&
	    json_next(&v[U_HUBS], &pos, &e);) {
		if (get_id(&e, id) == 0)
			(void)remote_seen(up, id, 1);
	}
	for (pos = 0; v[U_PEERS].type == JS_ARRAY &&
	    json_next(&v[U_PEERS], &pos, &e);)
		clear_join(up, &e);
	report(up);
}

/* Where it comes from is the relay's word. */
static void
on_forward(struct upstream *up, const struct json_value *v)
{
	char id[NAME_SIZE], target[TARGET_SIZE];
	const struct json_value *w = &v[U_WRAPPED];
	struct remote *r;

	if (get_id(&v[U_ORIGIN], id) == -1 || w->type != JS_OBJECT ||
	    json_str(&v[U_TARGET], target, sizeof(target)) == -1)
		return;
	r = remote_find(up, id);
	if (target[0] == '@') {
		if (r != NULL && r->seals)
			remote_record(r, w);
	} else if (r != NULL && !r->seals) {
		clear_forward(r, target, (struct slice){ w->p, w->len });
	}
}

static void
on_update(struct upstream *up, const struct json_value *v)
{
	if (is(&v[U_ACTION], "join"))
		clear_join(up, &v[U_PEER]);
	else if (is(&v[U_ACTION], "leave"))
		clear_leave(up, &v[U_NAME]);
	else
		return;
	report(up);
}

static void
on_hub(struct upstream *up, const struct json_value *v)
{
	struct remote *r;
	char id[NAME_SIZE];

	if (get_id(&v[U_HUB_ID], id) == -1)
		return;
	if (is(&v[U_ACTION], "join"))
		(void)remote_seen(up, id, 1);
	else if ((r = remote_find(up, id)) != NULL && r->seals)
		remote_gone(r, "it has left the relay");
	report(up);
}

static void
on_limit(struct upstream *up, const struct json_value *v)
{
	int64_t now = time_mono_ms(), messages = 0, bytes = 0, ms = 0;

	(void)json_int(&v[U_RETRY], 0, LIMITED_MAX_MS, &ms);
	up->limited = now + ms;
	if (up->limit_said != 0 && now - up->limit_said < LIMIT_LOG_MS)
		return;
	up->limit_said = now;
	(void)json_int(&v[U_MESSAGES], 0, INT64_MAX, &messages);
	(void)json_int(&v[U_BYTES], 0, INT64_MAX, &bytes);
	log_info("relay %s: it lets through %lld messages and %lld bytes a "
	    "second (0: any): the rest waits", up->conf.url,
	    (long long)messages, (long long)bytes);
}

static void
on_stop(struct upstream *up, const struct json_value *v)
{
	(void)json_int(&v[U_RETRY], 0, RETRY_MAX_MS, &up->retry_ms);
}

void
upstream_write(struct upstream *up, struct wbuf *w)
{
	json_end(w, '}');
	if (up->ws != NULL && up->stage == UP)
		wsio_write(up->ws, w, NULL);
	wbuf_free(w);
}

int
upstream_is_full(const struct upstream *up)
{
	return up->ws != NULL &&
	    wsio_pending(up->ws) + up->waiting > HIGH_MARK;
}

int
upstream_is_busy(const struct upstream *up)
{
	return up->ws != NULL && wsio_pending(up->ws) >= BUSY_MARK;
}

void
upstream_waits(struct upstream *up, ssize_t n)
{
	up->waiting += (size_t)n;
}

int64_t
upstream_busy_at(const struct upstream *up)
{
	return up->busy_at;
}

/* A piece of each hub in turn. */
static struct remote *
next_piece(struct upstream *up)
{
	struct remote *r;

	TAILQ_FOREACH(r, &up->remotes, entry) {
		if (remote_send_piece(r))
			break;
	}
	return r;
}

static void
on_drained(struct wsio *ws, void *arg)
{
	struct upstream *up = arg;
	struct remote *r, *next;

	(void)ws;
	TAILQ_FOREACH_SAFE(r, &up->remotes, entry, next)
		remote_drained(r);
	while (up->waiting > 0 && !upstream_is_busy(up) &&
	    (r = next_piece(up)) != NULL) {
		TAILQ_REMOVE(&up->remotes, r, entry);
		TAILQ_INSERT_TAIL(&up->remotes, r, entry);
	}
}

int
upstream_announced(struct upstream *up, const char *name, int joins)
{
	char *old;

	if (!joins) {
		old = map_removes(up->announced, name);
		free(old);
		return old == NULL;
	}
	old = map_sets(up->announced, name, xstrdup(name));
	free(old);
	return old != NULL;
}

void
upstream_withdraw(struct upstream *up)
{
	struct wbuf w = { 0 };
	size_t pos = 0;
	char *name;

	while ((name = map_next(up->announced, &pos)) != NULL) {
		json_begin(&w, '{');
		json_put_str(&w, "type", "bridge_peer_update");
		json_put_str(&w, "action", "leave");
		json_put_str(&w, "name", name);
		upstream_write(up, &w);
	}
	forget_announced(up);
}

uint32_t
upstream_told(const struct upstream *up)
{
	return up->told;
}

static void
forget_announced(struct upstream *up)
{
	size_t pos = 0;
	char *name;

	while ((name = map_next(up->announced, &pos)) != NULL)
		free(name);
	map_free(up->announced);
	up->announced = map_new();
}

void
upstream_tick(struct upstream *up, int64_t now)
{
	struct remote *r, *next;
	int64_t silent;

	if (up->stage == SHAKING) {
		if (now - up->began >= WELCOME_MS)
			again(up, "no welcome within 5 seconds");
		return;
	}
	if (up->stage != UP)
		return;
	if (wsio_pending(up->ws) > 0 || now < up->limited || up->uplink->held)
		up->busy_at = now;
	TAILQ_FOREACH_SAFE(r, &up->remotes, entry, next)
		remote_tick(r, now);
	if (wsio_stalled(up->ws, DEAD_MS) && now >= up->limited) {
		again(up, "the relay does not read");
		return;
	}
	if (up->uplink->held)
		return;
	/* an answer comes when the question has arrived */
	silent = now - wsio_heard(up->ws);
	if (silent > now - up->busy_at)
		silent = now - up->busy_at;
	if (silent >= DEAD_MS) {
		again(up, "the relay does not answer any more");
	} else if (silent >= PING_MS && now - up->asked >= PING_MS) {
		up->asked = now;
		wsio_ping(up->ws);
	}
}

void
upstream_hold(struct upstream *up, int hold)
{
	if (up->ws != NULL && up->stage == UP)
		wsio_hold(up->ws, hold);
}

void
upstream_flush(struct upstream *up, int timeout_ms)
{
	struct remote *r;

	TAILQ_FOREACH(r, &up->remotes, entry)
		remote_flush(r);
	if (up->ws != NULL)
		wsio_flush(up->ws, timeout_ms);
}
