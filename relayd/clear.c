/* SPDX-License-Identifier: ISC */
/*
 * Hubs behind a relay that cannot seal, where the configuration allows them:
 * their sessions are known by what the relay says of them, and what is sent to
 * them the relay can read.
 */
#include "compat.h"

#include <stdlib.h>

#include "log.h"
#include "map.h"
#include "uplink.h"

#define NAMES_MAX	10000	/* sessions of all such hubs that are known */
#define LAST_SEEN_MAX	INT64_C(9007199254740991)	/* 2^53 - 1 */

enum {
	L_TYPE, L_TARGET, L_WRAPPED, L_ACTION, L_PEER, L_NAME, L_CWD,
	L_BRANCH, L_LAST_SEEN, MEMBERS
};

static const char *const members[MEMBERS] = {
	[L_TYPE] = "type", [L_TARGET] = "target_peer",
	[L_WRAPPED] = "wrapped", [L_ACTION] = "action", [L_PEER] = "peer",
	[L_NAME] = "name", [L_CWD] = "cwd", [L_BRANCH] = "git_branch",
	[L_LAST_SEEN] = "last_seen",
};

/* A session, and the line that says that it has joined. */
struct named {
	char		 name[NAME_SIZE];
	struct rbuf	*join;
};

static int	scan(struct json_value *, const char *, size_t);
static int	is(const struct json_value *, const char *);
static int	split(const struct json_value *, char[NAME_SIZE],
		    char[NAME_SIZE]);
static void	put_text(struct wbuf *, const char *,
		    const struct json_value *, size_t);
static int	may_learn(const struct remote *);
static void	learn(struct remote *, const char *,
		    const struct json_value *);
static void	forget(struct remote *, const char *);
static void	forget_named(struct uplink *, struct named *);
static void	announce(struct upstream *, const struct json_value *);
static int	get_line(struct json_value *, struct wbuf *,
		    const struct link_send *);
static void	withdraw_all(struct upstream *);

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

/* name@hub; 0 or -1. */
static int
split(const struct json_value *v, char name[NAME_SIZE], char hub[NAME_SIZE])
{
	char text[TARGET_SIZE], *at;

	if (v->type != JS_STRING || json_str(v, text, sizeof(text)) == -1 ||
	    (at = strchr(text, '@')) == NULL)
		return -1;
	*at++ = '\0';
	if (!name_valid(slice_of(text)) || !name_valid(slice_of(at)))
		return -1;
	strlcpy(name, text, NAME_SIZE);
	strlcpy(hub, at, NAME_SIZE);
	return 0;
}

/* A string of so many bytes, or fewer; the router takes no longer one. */
static void
put_text(struct wbuf *w, const char *key, const struct json_value *v,
    size_t max)
{
	char text[CWD_LEN_MAX + 1];

	if (v->type == JS_STRING && v->len <= max * 6 &&
	    json_str(v, text, max + 1) != -1)
		json_put_str(w, key, text);
}

/* The router is not told of more than it shows. */
static int
may_learn(const struct remote *r)
{
	const struct uplink *u = upstream_uplink(r->upstream);

	return u->names < NAMES_MAX &&
	    map_count(r->names) < u->conf.max_hub_peers;
}

void
clear_join(struct upstream *up, const struct json_value *peer)
{
	struct uplink *u = upstream_uplink(up);
	char name[NAME_SIZE], hub[NAME_SIZE];
	struct json_value v[MEMBERS];
	struct remote *r;

	if (!upstream_conf(up)->unsealed || peer->type != JS_OBJECT ||
	    scan(v, peer->p, peer->len) == -1 ||
	    split(&v[L_NAME], name, hub) == -1 ||
	    (r = remote_seen(up, hub, 0)) == NULL || r->seals)
		return;
	if (r->names == NULL) {
		/* one that has a key is never spoken to in the clear */
		r->names = map_new();
		r->query = uplink_ask(u, r->id, "");
	}
	learn(r, name, v);
}

static void
learn(struct remote *r, const char *name, const struct json_value *v)
{
	struct uplink *u = upstream_uplink(r->upstream);
	struct named *n = map_gets(r->names, name);
	struct wbuf w = { 0 };
	int64_t last_seen;

	if (n == NULL && !may_learn(r))
		return;
	if (n == NULL) {
		u->names++;
		n = xcalloc(1, sizeof(*n));
		strlcpy(n->name, name, sizeof(n->name));
		map_sets(r->names, name, n);
	}
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", "join");
	json_key(&w, "peer");
	json_begin(&w, '{');
	json_put_str(&w, "name", name);
	put_text(&w, "cwd", &v[L_CWD], CWD_LEN_MAX);
	put_text(&w, "git_branch", &v[L_BRANCH], BRANCH_LEN_MAX);
	if (json_int(&v[L_LAST_SEEN], 0, LAST_SEEN_MAX, &last_seen) == 0)
		json_put_int(&w, "last_seen", last_seen);
	json_end(&w, '}');
	json_end(&w, '}');
	rbuf_unref(n->join);
	n->join = wbuf_take(&w);
	if (r->link != 0)
		uplink_line(u, r->link,
		    (struct slice){ n->join->data, n->join->len });
}

static void
forget_named(struct uplink *u, struct named *n)
{
	u->names--;
	rbuf_unref(n->join);
	free(n);
}

static void
forget(struct remote *r, const char *name)
{
	struct uplink *u = upstream_uplink(r->upstream);
	struct named *n = map_removes(r->names, name);
	struct wbuf w = { 0 };

	if (n == NULL)
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", "leave");
	json_put_str(&w, "name", name);
	json_end(&w, '}');
	if (r->link != 0)
		uplink_line(u, r->link,
		    (struct slice){ wbuf_data(&w), w.len });
	wbuf_free(&w);
	forget_named(u, n);
}

void
clear_leave(struct upstream *up, const struct json_value *whom)
{
	char name[NAME_SIZE], hub[NAME_SIZE];
	struct remote *r;

	if (split(whom, name, hub) == -1 ||
	    (r = remote_find(up, hub)) == NULL || r->names == NULL)
		return;
	forget(r, name);
	/* all that is known of such a hub is who is there */
	if (map_count(r->names) == 0)
		remote_gone(r, "none of its sessions is there");
}

void
clear_verdict(struct remote *r, enum key_verdict v)
{
	static const char welcome[] = "{\"type\":\"bridge_welcome\","
	    "\"hub_id\":\"\",\"peers\":[]}";
	struct uplink *u = upstream_uplink(r->upstream);
	const char *url = upstream_conf(r->upstream)->url;
	const char *why = v == KEY_FAILED ? "the database has failed: it may "
	    "have a key" : "it has a key, but does not seal: it is not spoken "
	    "to in the clear";
	struct named *n;
	size_t pos = 0;

	if (r->names == NULL)
		return;
	if (v != KEY_UNKNOWN) {
		log_warnx("hub %s by way of %s: %s", r->id, url, why);
		uplink_trouble(u, r->id, url, why);
		return;
	}
	r->lines = 0;
	r->full = 0;
	r->link = uplink_up(r, 1, slice_of(welcome));
	while ((n = map_next(r->names, &pos)) != NULL)
		uplink_line(u, r->link,
		    (struct slice){ n->join->data, n->join->len });
}

void
clear_forward(struct remote *r, const char *target, struct slice wrapped)
{
	struct uplink *u = upstream_uplink(r->upstream);
	struct wbuf w = { 0 };
	char name[NAME_SIZE];
	struct slice s = { target, strcspn(target, "@") };

	if (r->link == 0 || !name_valid(s) ||
	    slice_copy(s, name, sizeof(name)) == -1)
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_forward");
	json_put_str(&w, "target_peer", name);
	json_key(&w, "wrapped");
	wbuf_add(&w, wrapped.p, wrapped.len);
	json_end(&w, '}');
	uplink_line(u, r->link, (struct slice){ wbuf_data(&w), w.len });
	wbuf_free(&w);
}

/* Members that lie in that buffer, or -1. */
static int
get_line(struct json_value *v, struct wbuf *line, const struct link_send *m)
{
	struct slice inner = m->inner;

	wbuf_add(line, m->head.p, m->head.len);
	if (inner.len > 0) {
		if (inner.p[inner.len - 1] == '\n')
			inner.len--;
		wbuf_add(line, inner.p, inner.len);
		wbuf_add(line, "}", 1);
	}
	return scan(v, wbuf_data(line), line->len);
}

/* A line for a hub of the LAN, as the relay wants it. */
void
clear_send(struct remote *r, const struct link_send *m)
{
	struct json_value v[MEMBERS];
	struct wbuf line = { 0 }, w = { 0 };

	r->lines++;
	if (get_line(v, &line, m) == -1) {
		log_warnx("what the router sends is not JSON");
	} else if (is(&v[L_TYPE], "bridge_peer_update")) {
		announce(r->upstream, v);
	} else if (is(&v[L_TYPE], "bridge_forward") &&
	    v[L_TARGET].type == JS_STRING) {
		json_begin(&w, '{');
		json_put_str(&w, "type", "bridge_forward");
		json_key(&w, "target_peer");
		wbuf_printf(&w, "\"%.*s@%s\"", (int)v[L_TARGET].len,
		    v[L_TARGET].p, r->id);
		json_key(&w, "wrapped");
		wbuf_add(&w, v[L_WRAPPED].p, v[L_WRAPPED].len);
		upstream_write(r->upstream, &w);
	}
	wbuf_free(&line);
	if (upstream_is_full(r->upstream))
		clear_full(r, 1);
}

void
clear_tell(struct upstream *up, const struct link_send *m)
{
	struct json_value v[MEMBERS];
	struct wbuf line = { 0 };

	if (get_line(v, &line, m) == 0 && is(&v[L_TYPE], "bridge_peer_update"))
		announce(up, v);
	wbuf_free(&line);
}

void
clear_full(struct remote *r, int full)
{
	if (r->link == 0 || r->full == full)
		return;
	r->full = full;
	uplink_full(upstream_uplink(r->upstream), r->link, full);
}

/* The relay tells all its hubs: it is told once, not for each of them. */
static void
announce(struct upstream *up, const struct json_value *v)
{
	struct json_value p[MEMBERS];
	const struct json_value *named = &v[L_NAME];
	struct wbuf w = { 0 };
	char name[NAME_SIZE];
	int joins = is(&v[L_ACTION], "join");

	if (!joins && !is(&v[L_ACTION], "leave"))
		return;
	if (joins) {
		if (v[L_PEER].type != JS_OBJECT ||
		    scan(p, v[L_PEER].p, v[L_PEER].len) == -1)
			return;
		named = &p[L_NAME];
	}
	if (named->type != JS_STRING ||
	    json_str(named, name, sizeof(name)) == -1 ||
	    upstream_announced(up, name, joins))
		return;
	json_begin(&w, '{');
	json_put_str(&w, "type", "bridge_peer_update");
	json_put_str(&w, "action", joins ? "join" : "leave");
	if (joins) {
		json_key(&w, "peer");
		wbuf_add(&w, v[L_PEER].p, v[L_PEER].len);
	} else {
		json_put_str(&w, "name", name);
	}
	upstream_write(up, &w);
}

/* Nobody is left who could not find them otherwise. */
static void
withdraw_all(struct upstream *up)
{
	const struct remote *r;

	if (upstream_told(up) != 0)
		return;
	TAILQ_FOREACH(r, upstream_remotes(up), entry) {
		if (r->link != 0)
			return;
	}
	upstream_withdraw(up);
}

void
clear_free(struct remote *r, const char *why)
{
	struct uplink *u = upstream_uplink(r->upstream);
	uint32_t link = r->link;
	struct named *n;
	size_t pos = 0;

	r->link = 0;
	r->query = 0;
	if (link != 0)
		uplink_down(u, link, why);
	if (r->names == NULL)
		return;
	while ((n = map_next(r->names, &pos)) != NULL)
		forget_named(u, n);
	map_free(r->names);
	r->names = NULL;
	if (link != 0)
		withdraw_all(r->upstream);
}
