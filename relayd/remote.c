/* SPDX-License-Identifier: ISC */
/*
 * Another hub behind a relay: which sealed session with it is in use, and when
 * a new one is begun.  The hub with the smaller id begins.
 */
#include "compat.h"

#include <stdlib.h>

#include "backoff.h"
#include "log.h"
#include "map.h"
#include "seal.h"
#include "timeutil.h"
#include "uplink.h"

#define REMOTES_MAX	4096	/* behind one relay */
#define BEGIN_MAX	64	/* sessions begun at a time */
#define PROVING_MAX	256	/* that others have begun, likewise */

enum { W_TYPE, W_SID, W_SEQ, W_DATA, W_END, WRAPPED };

static const char *const members[WRAPPED] = {
	[W_TYPE] = "type", [W_SID] = "sid", [W_SEQ] = "seq",
	[W_DATA] = "data", [W_END] = "end",
};

/* It says less than what was wrong the last time. */
static const char ended_there[] = "the other end has ended it: its hubctl "
			    "show links may say why";

static int	begins(const struct remote *);
static void	begin(struct remote *);
static unsigned	beginning(struct upstream *);
static unsigned	proving(struct upstream *);
static void	take(struct remote *, const char *, int64_t, struct slice);
static void	ended(struct remote *, const char *);

struct remote *
remote_find(struct upstream *up, const char *id)
{
	return map_gets(upstream_ids(up), id);
}

struct remote *
remote_seen(struct upstream *up, const char *id, int seals)
{
	struct remote *r = remote_find(up, id);

	/* what can seal does not speak in the clear */
	if (r != NULL && seals && !r->seals) {
		remote_gone(r, "it can seal now");
		r = NULL;
	}
	if (r != NULL)
		return r;
	if (map_count(upstream_ids(up)) >= REMOTES_MAX ||
	    strcmp(id, upstream_uplink(up)->conf.hub_id) == 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->upstream = up;
	r->seals = seals;
	strlcpy(r->id, id, sizeof(r->id));
	TAILQ_INSERT_TAIL(upstream_remotes(up), r, entry);
	map_sets(upstream_ids(up), r->id, r);
	if (seals && begins(r)) {
		r->begin_at = time_mono_ms();
		remote_tick(r, r->begin_at);
	}
	return r;
}

void
remote_gone(struct remote *r, const char *why)
{
	seal_free(r->candidate, why);
	seal_free(r->seal, why);
	clear_free(r, why);
	map_removes(upstream_ids(r->upstream), r->id);
	TAILQ_REMOVE(upstream_remotes(r->upstream), r, entry);
	free(r);
}

static int
begins(const struct remote *r)
{
	return strcmp(upstream_uplink(r->upstream)->conf.hub_id, r->id) < 0;
}

/* Sessions that shake hands, with all hubs behind that relay. */
static unsigned
beginning(struct upstream *up)
{
	const struct remote *r;
	unsigned n = 0;

	TAILQ_FOREACH(r, upstream_remotes(up), entry)
		n += r->seal != NULL && seal_link(r->seal) == 0;
	return n;
}

/* Of those that other hubs have begun. */
static unsigned
proving(struct upstream *up)
{
	const struct remote *r;
	unsigned n = 0;

	TAILQ_FOREACH(r, upstream_remotes(up), entry)
		n += r->candidate != NULL;
	return n;
}

static void
begin(struct remote *r)
{
	r->begin_at = 0;
	r->seal = seal_new(r, NULL);
}

void
remote_record(struct remote *r, const struct json_value *wrapped)
{
	static struct json_keys *keys;
	struct json_value v[WRAPPED];
	struct slice data;
	struct wbuf w = { 0 };
	char sid[SEAL_SID_SIZE];
	int64_t seq;
	long n;

	if (keys == NULL)
		keys = json_keys_new(members, WRAPPED);
	if (json_scan(wrapped->p, wrapped->len, keys, v) == -1 ||
	    v[W_SID].type != JS_STRING ||
	    json_str(&v[W_SID], sid, sizeof(sid)) == -1 ||
	    strlen(sid) != SEAL_SID_SIZE - 1 ||
	    strspn(sid, "0123456789abcdef") != SEAL_SID_SIZE - 1)
		return;
	if (v[W_END].type == JS_TRUE) {
		take(r, sid, 0, (struct slice){ NULL, 0 });
		return;
	}
	if (json_int(&v[W_SEQ], 1, INT64_MAX, &seq) == -1 ||
	    v[W_DATA].type != JS_STRING)
		return;
	data.p = v[W_DATA].p;
	data.len = v[W_DATA].len;
	/* some write \/ */
	if (v[W_DATA].escaped) {
		n = json_decode(&v[W_DATA], wbuf_room(&w, data.len),
		    data.len);
		data.p = wbuf_data(&w);
		data.len = n > 0 ? (size_t)n : 0;
	}
	take(r, sid, seq, data);
	wbuf_free(&w);
}

/*
 * seq 0: the other end has ended it.  A session that begins does not take the
 * place of the one there is before it has proved itself: the relay may repeat
 * what it has heard.
 */
static void
take(struct remote *r, const char *sid, int64_t seq, struct slice data)
{
	struct seal *s = NULL;

	if (r->seal != NULL && strcmp(seal_sid(r->seal), sid) == 0)
		s = r->seal;
	else if (r->candidate != NULL &&
	    strcmp(seal_sid(r->candidate), sid) == 0)
		s = r->candidate;
	if (seq == 0) {
		if (s != NULL)
			remote_unsealed(r, s, ended_there);
		return;
	}
	if (s == NULL && seq == 1 && !begins(r) && (r->candidate != NULL ||
	    proving(r->upstream) < PROVING_MAX)) {
		seal_free(r->candidate, "there is another one");
		s = r->candidate = seal_new(r, sid);
	}
	if (s != NULL)
		seal_record(s, seq, data);
	else if (!upstream_is_full(r->upstream))
		seal_refuse(r, sid);
}

void
remote_sealed(struct remote *r, struct seal *s)
{
	if (r->candidate == s) {
		seal_free(r->seal, "the other end has begun another one");
		r->seal = s;
		r->candidate = NULL;
	}
	r->backoff = 0;
	r->why[0] = '\0';
}

void
remote_unsealed(struct remote *r, struct seal *s, const char *why)
{
	int was_up = seal_link(s) != 0;

	if (!was_up && strcmp(r->why, why) != 0 &&
	    (why != ended_there || r->why[0] == '\0'))
		log_warnx("hub %s by way of %s: %s", r->id,
		    upstream_conf(r->upstream)->url, why);
	if (why != ended_there || was_up || r->why[0] == '\0')
		strlcpy(r->why, why, sizeof(r->why));
	if (r->candidate == s)
		r->candidate = NULL;
	else
		r->seal = NULL;
	seal_free(s, why);
	ended(r, r->why);
}

/* The next one comes soon if the last one was good. */
static void
ended(struct remote *r, const char *why)
{
	struct uplink *u = upstream_uplink(r->upstream);

	uplink_trouble(u, r->id, upstream_conf(r->upstream)->url, why);
	if (r->seal == NULL && begins(r))
		r->begin_at = time_mono_ms() + backoff_next(&r->backoff);
}

void
remote_tick(struct remote *r, int64_t now)
{
	if (r->candidate != NULL)
		seal_tick(r->candidate, now);
	if (r->seal != NULL)
		seal_tick(r->seal, now);
	if (r->seal == NULL && r->begin_at != 0 && now >= r->begin_at &&
	    beginning(r->upstream) < BEGIN_MAX)
		begin(r);
}

void
remote_retry(struct remote *r)
{
	if (r->begin_at != 0)
		r->begin_at = time_mono_ms();
}

int
remote_verdict(struct remote *r, uint32_t query, enum key_verdict v)
{
	if (r->query == query) {
		r->query = 0;
		clear_verdict(r, v);
		return 1;
	}
	return (r->seal != NULL && seal_verdict(r->seal, query, v)) ||
	    (r->candidate != NULL && seal_verdict(r->candidate, query, v));
}

void
remote_send(struct remote *r, const struct link_send *m)
{
	if (r->link == m->link)
		clear_send(r, m);
	else if (r->seal != NULL && seal_link(r->seal) == m->link)
		seal_send(r->seal, m);
}

void
remote_close(struct remote *r, uint32_t link, const char *why)
{
	if (r->link == link) {
		clear_free(r, why);
	} else if (r->seal != NULL && seal_link(r->seal) == link) {
		seal_flush(r->seal);
		seal_end(r->seal, why);
	}
}

void
remote_drained(struct remote *r)
{
	if (!upstream_is_full(r->upstream)) {
		if (r->seal != NULL)
			seal_drained(r->seal);
		clear_full(r, 0);
	}
	if (r->link != 0)
		uplink_written(upstream_uplink(r->upstream), r->link,
		    r->lines);
}

int
remote_send_piece(struct remote *r)
{
	return (r->seal != NULL && seal_send_piece(r->seal)) ||
	    (r->candidate != NULL && seal_send_piece(r->candidate));
}

void
remote_flush(struct remote *r)
{
	if (r->seal != NULL)
		seal_flush(r->seal);
}
