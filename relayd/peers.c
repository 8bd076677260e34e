/* SPDX-License-Identifier: ISC */
/*
 * Who is there, and what others are told of it: hubs, and the sessions that
 * they tell the relay of.
 */
#include "compat.h"

#include <stdlib.h>

#include "map.h"
#include "message.h"
#include "relay.h"
#include "wsio.h"

#define WELCOME_MAX	(1024 * 1024 - 8192)	/* the rest follows */
#define PEERS_MAX	(WELCOME_MAX / 4 * 3)	/* of it */

/* A session of a hub. */
struct peer {
	char	 name[NAME_SIZE];
	char	*details;	/* members behind the name, JSON */
};

static void	greet(struct hub *);
static size_t	put_peers(struct wbuf *, const struct hub *);
static void	rest_of_peers(struct hub *, struct wbuf *, size_t);
static size_t	put_hubs(struct wbuf *, const struct hub *);
static void	rest_of_hubs(struct hub *, struct wbuf *, size_t);
static void	put_hub(struct wbuf *, const struct hub *, const char *);
static void	put_join(struct wbuf *, const struct hub *,
		    const struct peer *);
static struct peer	*learn(struct hub *, const struct json_value *);
static void	put_peer(struct wbuf *, const struct hub *,
		    const struct peer *);
static void	tell_join(struct hub *, const struct peer *,
		    unsigned);
static void	tell_leave(struct hub *, const char *, unsigned);
static void	tell_hub(struct hub *, const char *);
static void	to_others(struct hub *, struct wbuf *, unsigned,
		    unsigned);

void
peers_arrive(struct hub *h, const struct json_value *v)
{
	struct json_value e;
	struct peer *p;
	size_t pos = 0;

	greet(h);
	tell_hub(h, "join");
	while (json_next(&v[M_PEERS], &pos, &e)) {
		if ((p = learn(h, &e)) != NULL)
			tell_join(h, p, 0);
	}
}

void
peers_depart(struct hub *h)
{
	struct peer *p;
	size_t pos = 0;

	while ((p = map_next(h->peers, &pos)) != NULL)
		tell_leave(h, p->name, 0);
	tell_hub(h, "leave");
}

void
peers_free(struct map *peers)
{
	struct peer *p;
	size_t pos = 0;

	while ((p = map_next(peers, &pos)) != NULL) {
		free(p->details);
		free(p);
	}
	map_free(peers);
}

/* Who is there; of more than fits in one message the rest follows. */
static void
greet(struct hub *h)
{
	const struct relay *r = h->relay;
	struct wbuf w = { 0 };
	size_t npeers, nhubs = SIZE_MAX;

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_welcome");
	json_put_str(&w, "hub_id", RELAY_ID);
	json_key(&w, "peers");
	json_begin(&w, '[');
	npeers = put_peers(&w, h);
	json_end(&w, ']');
	if (h->features != 0) {
		json_key(&w, "features");
		wbuf_adds(&w, "[\"hubs\",\"limits\",\"rename\",\"seal\"]");
		json_put_int(&w, "messages_per_s", r->conf->messages_per_s);
		json_put_int(&w, "bytes_per_s", r->conf->bytes_per_s);
	}
	if (h->features & FEATURE_HUBS)
		nhubs = put_hubs(&w, h);
	json_end(&w, '}');
	wsio_write(h->ws, &w, NULL);
	wbuf_reset(&w);
	rest_of_peers(h, &w, npeers);
	rest_of_hubs(h, &w, nhubs);
	wbuf_free(&w);
}

/* Of all other hubs; how many had room. */
static size_t
put_peers(struct wbuf *w, const struct hub *h)
{
	const struct hub *o;
	struct peer *p;
	size_t pos, n = 0;

	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o == h || map_count(o->peers) == 0)
			continue;
		pos = 0;
		while (w->len < PEERS_MAX &&
		    (p = map_next(o->peers, &pos)) != NULL) {
			json_comma(w);
			put_peer(w, o, p);
			n++;
		}
	}
	return n;
}

static void
rest_of_peers(struct hub *h, struct wbuf *w, size_t skip)
{
	const struct hub *o;
	struct peer *p;
	size_t pos;

	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o == h || map_count(o->peers) == 0)
			continue;
		pos = 0;
		while ((p = map_next(o->peers, &pos)) != NULL) {
			if (skip > 0) {
				skip--;
				continue;
			}
			put_join(w, o, p);
			wsio_write(h->ws, w, NULL);
			wbuf_reset(w);
		}
	}
}

/*
 * Those that can be talked to without the names of their peers; how many had
 * room.
 */
static size_t
put_hubs(struct wbuf *w, const struct hub *h)
{
	const struct hub *o;
	size_t n = 0;

	json_key(w, "hubs");
	json_begin(w, '[');
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o == h || !(o->features & FEATURE_SEAL))
			continue;
		if (w->len >= WELCOME_MAX)
			break;
		json_comma(w);
		json_add_str(w, o->id, strlen(o->id));
		n++;
	}
	json_end(w, ']');
	return n;
}

static void
rest_of_hubs(struct hub *h, struct wbuf *w, size_t skip)
{
	const struct hub *o;

	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o == h || !(o->features & FEATURE_SEAL))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		put_hub(w, o, "join");
		wsio_write(h->ws, w, NULL);
		wbuf_reset(w);
	}
}

static void
put_hub(struct wbuf *w, const struct hub *h, const char *action)
{
	json_begin(w, '{');
	json_put_str(w, "type", "relay_hub");
	json_put_str(w, "action", action);
	json_put_str(w, "hub_id", h->id);
	json_end(w, '}');
}

static void
put_join(struct wbuf *w, const struct hub *h, const struct peer *p)
{
	json_begin(w, '{');
	json_put_str(w, "type", "bridge_peer_update");
	json_put_str(w, "action", "join");
	json_key(w, "peer");
	put_peer(w, h, p);
	json_end(w, '}');
}

/* A peer as it is in a list; NULL if it is none, or one too many. */
static struct peer *
learn(struct hub *h, const struct json_value *o)
{
	struct json_value v[MEMBERS];
	struct wbuf w = { 0 };
	char name[NAME_SIZE];
	struct peer *p;

	if (o->type != JS_OBJECT || message_scan(v, o->p, o->len) == -1 ||
	    message_name(&v[M_NAME], name) == -1)
		return NULL;
	p = map_gets(h->peers, name);
	if (p == NULL && map_count(h->peers) >= h->relay->conf->max_peers)
		return NULL;
	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		strlcpy(p->name, name, sizeof(p->name));
		map_sets(h->peers, name, p);
	}
	json_begin(&w, '{');
	if (v[M_CWD].type == JS_STRING && v[M_CWD].len <= CWD_LEN_MAX * 6)
		json_put_raw(&w, "cwd",
		    (struct slice){ v[M_CWD].p, v[M_CWD].len });
	if (v[M_BRANCH].type == JS_STRING &&
	    v[M_BRANCH].len <= BRANCH_LEN_MAX * 6)
		json_put_raw(&w, "git_branch",
		    (struct slice){ v[M_BRANCH].p, v[M_BRANCH].len });
	if (v[M_LAST_SEEN].type == JS_NUMBER && v[M_LAST_SEEN].len < 32) {
		json_key(&w, "last_seen");
		wbuf_add(&w, v[M_LAST_SEEN].p, v[M_LAST_SEEN].len);
	}
	wbuf_add(&w, "", 1);
	free(p->details);
	p->details = xstrdup(wbuf_data(&w) + 1);
	wbuf_free(&w);
	return p;
}

static void
put_peer(struct wbuf *w, const struct hub *h, const struct peer *p)
{
	json_begin(w, '{');
	json_key(w, "name");
	wbuf_printf(w, "\"%s@%s\"", p->name, h->id);
	if (p->details[0] != '\0') {
		json_comma(w);
		wbuf_adds(w, p->details);
	}
	json_end(w, '}');
}

/* To all other hubs that have the features of with, and none of without. */
static void
to_others(struct hub *h, struct wbuf *w, unsigned with,
    unsigned without)
{
	static const struct wbuf none;
	struct rbuf *line;
	struct hub *o;

	line = wbuf_take(w);
	TAILQ_FOREACH(o, &h->relay->up, entry) {
		if (o == h || (o->features & with) != with ||
		    (o->features & without))
			continue;
		wsio_write(o->ws, &none, line);
		forward_wait(h, o);
	}
	rbuf_unref(line);
}

static void
tell_join(struct hub *h, const struct peer *p, unsigned without)
{
	struct wbuf w = { 0 };

	put_join(&w, h, p);
	to_others(h, &w, 0, without);
}

static void
tell_leave(struct hub *h, const char *name, unsigned without)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", "leave");
	json_key(&w, "name");
	wbuf_printf(&w, "\"%s@%s\"", name, h->id);
	json_end(&w, '}');
	to_others(h, &w, 0, without);
}

static void
tell_hub(struct hub *h, const char *action)
{
	struct wbuf w = { 0 };

	if (!(h->features & FEATURE_SEAL))
		return;
	put_hub(&w, h, action);
	to_others(h, &w, FEATURE_HUBS, 0);
}

void
peers_update(struct hub *h, const struct json_value *v)
{
	char name[NAME_SIZE], new_name[NAME_SIZE];
	struct wbuf w = { 0 };
	struct peer *p;

	if (message_is(&v[M_ACTION], "join")) {
		if ((p = learn(h, &v[M_PEER])) != NULL)
			tell_join(h, p, 0);
		return;
	}
	if (message_name(&v[M_NAME], name) == -1 ||
	    (p = map_gets(h->peers, name)) == NULL)
		return;
	if (message_is(&v[M_ACTION], "leave")) {
		map_removes(h->peers, name);
		tell_leave(h, name, 0);
		free(p->details);
		free(p);
	} else if (message_is(&v[M_ACTION], "rename") &&
	    message_name(&v[M_NEW_NAME], new_name) == 0 &&
	    map_gets(h->peers, new_name) == NULL) {
		map_removes(h->peers, name);
		strlcpy(p->name, new_name, sizeof(p->name));
		map_sets(h->peers, new_name, p);
		tell_leave(h, name, FEATURE_RENAME);
		tell_join(h, p, FEATURE_RENAME);
		json_begin(&w, '{');
		json_put_str(&w, "type", "bridge_peer_update");
		json_put_str(&w, "action", "rename");
		json_key(&w, "name");
		wbuf_printf(&w, "\"%s@%s\"", name, h->id);
		json_key(&w, "new_name");
		wbuf_printf(&w, "\"%s@%s\"", new_name, h->id);
		json_end(&w, '}');
		to_others(h, &w, FEATURE_RENAME, 0);
	}
}
