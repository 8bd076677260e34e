/* SPDX-License-Identifier: ISC */
/*
 * Requests about groups that live on another hub.
 */
#include "compat.h"

#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "hubreq.h"
#include "hubs.h"
#include "log.h"
#include "router.h"
#include "session.h"
#include "timeutil.h"

#define ANSWER_MS	20000	/* for the other hub to answer */
#define NAMES_ROOM	(128 * 1024)	/* for names that become longer */
#define LISTS_MAX	8	/* of groups, in one answer */
#define LIST_MS		3000	/* the same, where others have answered */

/* A group_list that waits for several hubs. */
struct gathering {
	struct pending	*asker;
	json_t		*groups;
	unsigned	 waiting;
};

struct hubreq {
	TAILQ_ENTRY(hubreq)	 entry;
	struct hubreqs		*all;
	struct hub		*hub;
	struct pending		*asker;		/* or NULL, and */
	struct gathering	*gathering;
	struct event		*timer;
	uint64_t		 id;
	const char		*expect;	/* the type of the answer */
	char			 group[TARGET_SIZE];	/* as it is here */
};

struct hubreqs {
	TAILQ_HEAD(, hubreq)	 waiting;
	struct event_base	*base;
	struct router		*router;
	uint64_t		 last_id;
};

static struct hubreq	*hubreq_new(struct hubreqs *, struct hub *, int64_t);
static void	drop(struct hubreq *);
static void	fail(struct hubreq *, const char *);
static void	on_timeout(evutil_socket_t, short, void *);
static struct hub	*find_hub(struct session *, const struct request *,
			    char *, char[NAME_SIZE]);
static void	send_request(struct hubreq *, const struct session *,
		    const char *, const struct request *);
static void	begin(struct wbuf *, const struct session *, const char *);
static int64_t	answer_max(const struct session *);
static void	put_peer(struct wbuf *, const struct hubreq *,
		    const struct request *);
static void	name_here(const struct hub *, const char *, char *, size_t);
static void	rename_member(const struct hub *, json_t *, const char *);
static void	translate(const struct hubreq *, json_t *);
static void	deliver(struct hubreq *, json_t *);
static void	shown(struct session *, const struct wbuf *);
static void	gathered(struct gathering *);

struct hubreqs *
hubreqs_new(struct event_base *base, struct router *r)
{
	struct hubreqs *a = xcalloc(1, sizeof(*a));

	TAILQ_INIT(&a->waiting);
	a->base = base;
	a->router = r;
	return a;
}

void
hubreqs_free(struct hubreqs *a)
{
	struct hubreq *h;

	while ((h = TAILQ_FIRST(&a->waiting)) != NULL)
		drop(h);
	free(a);
}

static struct hubreq *
hubreq_new(struct hubreqs *a, struct hub *hub, int64_t ms)
{
	struct hubreq *h = xcalloc(1, sizeof(*h));
	struct timeval tv = time_tv(ms);

	h->all = a;
	h->hub = hub;
	h->id = ++a->last_id;
	h->expect = "group_list_result";
	h->timer = evtimer_new(a->base, on_timeout, h);
	if (h->timer == NULL || event_add(h->timer, &tv) == -1)
		fatalx("evtimer_new");
	TAILQ_INSERT_TAIL(&a->waiting, h, entry);
	return h;
}

static void
drop(struct hubreq *h)
{
	TAILQ_REMOVE(&h->all->waiting, h, entry);
	event_free(h->timer);
	if (h->asker != NULL)
		pending_free(h->asker);
	if (h->gathering != NULL && --h->gathering->waiting == 0)
		gathered(h->gathering);
	free(h);
}

static void
fail(struct hubreq *h, const char *what)
{
	static const struct slice none = { NULL, 0 };
	char text[2 * TARGET_SIZE + 64];

	if (h->asker != NULL) {
		snprintf(text, sizeof(text), "%s is a group of hub %s, which "
		    "%s: try again later", h->group, hub_id(h->hub), what);
		answer_err(h->asker->session, h->asker->req_id,
		    ERR_HUB_UNREACHABLE, text, none);
	}
	drop(h);
}

static void
on_timeout(evutil_socket_t fd, short ev, void *arg)
{
	(void)fd;
	(void)ev;
	fail(arg, "does not answer");
}

void
hubreq_down(struct hubreqs *a, struct hub *hub)
{
	struct hubreq *h, *next;

	TAILQ_FOREACH_SAFE(h, &a->waiting, entry, next) {
		if (h->hub == hub)
			fail(h, "is away");
	}
}

/*
 * The hub of name@hub, or NULL: then dst is the name of a group here, or
 * empty if it is none.
 */
static struct hub *
find_hub(struct session *s, const struct request *q, char *text,
    char dst[NAME_SIZE])
{
	const struct router *r = s->router;
	struct slice name;
	char *at;

	dst[0] = '\0';
	if (json_str(&q->v[M_GROUP], text, TARGET_SIZE * 2) == -1)
		return NULL;
	name = name_trim(slice_of(text));
	memmove(text, name.p, name.len);
	text[name.len] = '\0';
	if ((at = strchr(text, '@')) != NULL) {
		name.p = text;
		name.len = (size_t)(at - text);
		if (strcmp(at + 1, r->conf->hub_id) != 0)
			return name_valid(name) && s->hub == NULL ?
			    hubs_find(r->hubs, at + 1) : NULL;
		*at = '\0';
	}
	if (name_valid(slice_of(text)))
		strlcpy(dst, text, NAME_SIZE);
	return NULL;
}

int
hubreq_group(struct session *s, const struct request *q, char dst[NAME_SIZE])
{
	struct hubreqs *a = s->router->hubreqs;
	char text[TARGET_SIZE * 2];
	struct hub *hub = find_hub(s, q, text, dst);
	struct hubreq *h;

	if (hub == NULL) {
		if (dst[0] != '\0')
			return 0;
		request_fail(s, q, ERR_BAD_ARGS, strchr(text, '@') != NULL ?
		    "this hub knows no hub of that name" :
		    "invalid group name");
		return -1;
	}
	h = hubreq_new(a, hub, ANSWER_MS);
	h->asker = pending_new(s, q->req_id);
	strlcpy(h->group, text, sizeof(h->group));
	if (!hub_is_up(hub))
		fail(h, "is away");
	else if (!hub_has_groups(hub))
		fail(h, "does not share its groups");
	else if (hub_is_full(hub))
		fail(h, "does not read fast enough");
	else
		send_request(h, s, text, q);
	return 1;
}

static void
begin(struct wbuf *w, const struct session *s, const char *type)
{
	json_begin(w, '{');
	json_put_str(w, "type", "bridge_request");
	json_put_str(w, "peer", s->name);
	json_key(w, "wrapped");
	json_begin(w, '{');
	json_put_str(w, "type", type);
}

/* What members of requests about groups there are, and the group's name. */
static void
send_request(struct hubreq *h, const struct session *s, const char *group,
    const struct request *q)
{
	struct slice name = { group, strcspn(group, "@") };
	char type[32], id[24];
	struct wbuf w = { 0 };

	if (json_str(&q->v[M_TYPE], type, sizeof(type)) == -1)
		fatalx("a request without a type");
	h->expect = strcmp(type, "group_history") == 0 ? "group_messages" :
	    strcmp(type, "group_info") == 0 ? "group_info_result" :
	    "group_ack";
	begin(&w, s, type);
	snprintf(id, sizeof(id), "%" PRIu64, h->id);
	json_put_str(&w, "req_id", id);
	json_put_strn(&w, "group", name.p, name.len);
	if (request_has(q, M_TEXT))
		json_put_raw(&w, "text", request_raw(q, M_TEXT));
	if (request_has(q, M_REASON))
		json_put_raw(&w, "reason", request_raw(q, M_REASON));
	if (request_has(q, M_LIMIT))
		json_put_int(&w, "limit", request_int(q, M_LIMIT, 0));
	if (request_has(q, M_PEER))
		put_peer(&w, h, q);
	json_put_int(&w, "max_bytes", answer_max(s));
	json_end(&w, '}');
	hub_write(h->hub, &w);
}

/* Names become longer here than they are there. */
static int64_t
answer_max(const struct session *s)
{
	return (s->features & FEATURE_ANY ? LINE_MAX_BYTES :
	    LINE_MAX_PLAIN) - NAMES_ROOM;
}

/* One of ours is name@hub there; one of theirs is a name. */
static void
put_peer(struct wbuf *w, const struct hubreq *h, const struct request *q)
{
	char text[TARGET_SIZE * 2], full[TARGET_SIZE * 3];
	char *at;

	if (json_str(&q->v[M_PEER], text, sizeof(text)) == -1)
		return;
	at = strchr(text, '@');
	if (at != NULL && strcmp(at + 1, hub_id(h->hub)) == 0)
		*at = '\0';
	else if (at == NULL) {
		snprintf(full, sizeof(full), "%s@%s", text,
		    h->all->router->conf->hub_id);
		strlcpy(text, full, sizeof(text));
	}
	json_put_str(w, "peer", text);
}

void
hubreq_serve(struct session *s, const char *line, size_t len)
{
	request_line(s, line, len);
}

/* A name that the other hub has written. */
static void
name_here(const struct hub *hub, const char *name, char *dst, size_t size)
{
	const char *at = strchr(name, '@');
	const char *own = hub_own_id(hub);

	if (at == NULL)
		snprintf(dst, size, "%s@%s", name, hub_id(hub));
	else if (strcmp(at + 1, own) == 0)
		snprintf(dst, size, "%.*s", (int)(at - name), name);
	else
		strlcpy(dst, name, size);
}

void
hubreq_put_name(struct wbuf *w, const char *key, const struct hub *hub,
    const struct json_value *v)
{
	char name[TARGET_SIZE], here[2 * TARGET_SIZE];

	if (json_str(v, name, sizeof(name)) == -1)
		name[0] = '\0';
	name_here(hub, name, here, sizeof(here));
	json_put_str(w, key, here);
}

static void
rename_member(const struct hub *hub, json_t *o, const char *key)
{
	const char *name = json_string_value(json_object_get(o, key));
	char here[2 * TARGET_SIZE];

	if (name == NULL)
		return;
	name_here(hub, name, here, sizeof(here));
	json_object_set_new(o, key, json_string(here));
}

/* All names in an answer, whatever answer it is. */
static void
translate(const struct hubreq *h, json_t *answer)
{
	static const struct {
		const char	*list, *key;
	} lists[] = {
		{ "messages", "from" },
		{ "members", "name" },
		{ "groups", "name" },
	};
	json_t *list;
	size_t i, j;

	rename_member(h->hub, answer, "admin");
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		list = json_object_get(answer, lists[i].list);
		for (j = 0; j < json_array_size(list); j++)
			rename_member(h->hub, json_array_get(list, j),
			    lists[i].key);
	}
	if (json_object_get(answer, "group") != NULL)
		json_object_set_new(answer, "group", json_string(h->group));
}

void
hubreq_answered(struct hubreqs *a, struct hub *hub, const struct request *q,
    struct slice line)
{
	struct hubreq *h;
	char text[24];
	const char *err;
	uint64_t id;
	json_t *answer;

	if (json_str(&q->v[M_REQ_ID], text, sizeof(text)) == -1)
		return;
	id = (uint64_t)strtonum(text, 1, INT64_MAX, &err);
	TAILQ_FOREACH(h, &a->waiting, entry) {
		if (h->id == id && h->hub == hub)
			break;
	}
	if (err != NULL || h == NULL)
		return;
	answer = slice_is(request_raw(q, M_TYPE), h->expect) ||
	    slice_is(request_raw(q, M_TYPE), "err") ?
	    json_loadb(line.p, line.len, 0, NULL) : NULL;
	if (answer == NULL) {
		fail(h, "has sent an answer that cannot be read");
		return;
	}
	translate(h, answer);
	if (h->gathering != NULL)
		json_array_extend(h->gathering->groups,
		    json_object_get(answer, "groups"));
	else
		deliver(h, answer);
	json_decref(answer);
	drop(h);
}

/*
 * The line for the session.  What it has been shown of a group's history is
 * told when that is with the kernel, as in mail_inbox().
 */
static void
deliver(struct hubreq *h, json_t *answer)
{
	struct session *s = h->asker->session;
	json_t *last = json_object_get(answer, "last_id");
	json_t *serial = json_object_get(answer, "serial");
	char *text;
	struct wbuf w = { 0 }, read = { 0 };

	if (json_integer_value(last) > 0 && s->state != SESSION_GONE) {
		put_str(&read, hub_id(h->hub));
		put_u64(&read, (uint64_t)json_integer_value(serial));
		put_u64(&read, (uint64_t)json_integer_value(last));
		put_str(&read, h->group);
	}
	json_object_del(answer, "last_id");
	json_object_del(answer, "serial");
	json_object_del(answer, "req_id");
	json_object_del(answer, "unread");
	if ((text = json_dumps(answer, JSON_COMPACT)) == NULL)
		fatalx("out of memory");
	/* all but the last bracket, which answer_end() writes */
	wbuf_add(&w, text, strlen(text) - 1);
	free(text);
	if (h->asker->req_id.p != NULL)
		json_put_raw(&w, "req_id", h->asker->req_id);
	answer_end(s, &w);
	if (read.len > 0)
		session_when_shown(s, shown, &read);
}

static void
shown(struct session *s, const struct wbuf *read)
{
	char id[NAME_SIZE], group[TARGET_SIZE];
	struct reader rd;
	struct wbuf w = { 0 };
	int64_t serial, last;
	struct hub *hub;

	reader_init(&rd, wbuf_data(read), read->len);
	get_str(&rd, id, sizeof(id));
	serial = (int64_t)get_u64(&rd);
	last = (int64_t)get_u64(&rd);
	get_str(&rd, group, sizeof(group));
	hub = hubs_find(s->router->hubs, id);
	/* if it is away now, that is shown once more */
	if (reader_done(&rd) == -1 || hub == NULL || !hub_is_up(hub))
		return;
	begin(&w, s, "group_read");
	json_put_strn(&w, "group", group, strcspn(group, "@"));
	json_put_int(&w, "serial", serial);
	json_put_int(&w, "last_id", last);
	json_end(&w, '}');
	hub_write(hub, &w);
}

void
hubreq_list(struct pending *asker, struct slice groups)
{
	struct router *r = asker->session->router;
	struct gathering *g = xcalloc(1, sizeof(*g));
	struct session *s = asker->session;
	struct hub *hub = NULL;
	struct hubreq *h;
	struct wbuf w = { 0 };
	char id[24];

	g->asker = asker;
	g->groups = json_loadb(groups.p, groups.len, 0, NULL);
	g->waiting = 1;
	while (s->hub == NULL && (hub = hubs_next(r->hubs, hub)) != NULL) {
		if (!hub_has_groups(hub))
			continue;
		h = hubreq_new(r->hubreqs, hub, LIST_MS);
		h->gathering = g;
		g->waiting++;
		snprintf(id, sizeof(id), "%" PRIu64, h->id);
		begin(&w, s, "group_list");
		json_put_str(&w, "req_id", id);
		json_put_int(&w, "max_bytes", answer_max(s) / LISTS_MAX);
		json_end(&w, '}');
		hub_write(hub, &w);
	}
	if (--g->waiting == 0)
		gathered(g);
}

static void
gathered(struct gathering *g)
{
	struct wbuf w = { 0 };
	char *text = json_dumps(g->groups, JSON_COMPACT);

	answer_begin(&w, "group_list_result", g->asker->req_id);
	json_key(&w, "groups");
	wbuf_adds(&w, text != NULL ? text : "[]");
	answer_end(g->asker->session, &w);
	free(text);
	json_decref(g->groups);
	pending_free(g->asker);
	free(g);
}
