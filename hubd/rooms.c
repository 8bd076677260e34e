/* SPDX-License-Identifier: ISC */
/*
 * Rooms.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "control.h"
#include "hubs.h"
#include "map.h"
#include "request.h"
#include "rooms.h"
#include "router.h"
#include "session.h"

/* One session in one room; on a list of each. */
struct membership {
	TAILQ_ENTRY(membership)	 by_room, by_session;
	struct room		*room;
	struct session		*session;
	int			 doubted;	/* its hub tells all again */
};

struct room {
	TAILQ_ENTRY(room)	 entry;
	struct membership_list	 members;	/* in the order of joining */
	unsigned		 nmembers;
	char			 name[NAME_SIZE];
};

struct rooms {
	TAILQ_HEAD(, room)	 all;		/* the oldest first */
	struct map		*names;
	unsigned		 max_rooms, max_members;
};

static int	room_name(struct session *, const struct request *,
		    char[NAME_SIZE]);
static struct room	*room_new(struct rooms *, const char *);
static struct membership	*find_member(struct room *,
				    const struct session *);
static void	enter(struct room *, struct session *);
static void	leave(struct rooms *, struct membership *);
static void	put_members(struct wbuf *, const struct room *);
static struct rbuf	*encode(const char *, const char *,
			    const struct request *);

struct rooms *
rooms_new(unsigned max_rooms, unsigned max_members)
{
	struct rooms *rs = xcalloc(1, sizeof(*rs));

	TAILQ_INIT(&rs->all);
	rs->names = map_new();
	rs->max_rooms = max_rooms;
	rs->max_members = max_members;
	return rs;
}

/* All sessions are closed by now, so that no room is left. */
void
rooms_free(struct rooms *rs)
{
	map_free(rs->names);
	free(rs);
}

/* -1 if it is no name; that has been answered. */
static int
room_name(struct session *s, const struct request *q, char dst[NAME_SIZE])
{
	if (request_name(q, M_ROOM, dst, NAME_SIZE) == 0)
		return 0;
	request_fail(s, q, ERR_BAD_ARGS, "invalid room name");
	return -1;
}

static struct room *
room_new(struct rooms *rs, const char *name)
{
	struct room *r = xcalloc(1, sizeof(*r));

	strlcpy(r->name, name, sizeof(r->name));
	TAILQ_INIT(&r->members);
	TAILQ_INSERT_TAIL(&rs->all, r, entry);
	map_sets(rs->names, r->name, r);
	return r;
}

static struct membership *
find_member(struct room *r, const struct session *s)
{
	struct membership *m;

	TAILQ_FOREACH(m, &r->members, by_room) {
		if (m->session == s)
			return m;
	}
	return NULL;
}

static void
enter(struct room *r, struct session *s)
{
	struct membership *m = xcalloc(1, sizeof(*m));

	m->room = r;
	m->session = s;
	TAILQ_INSERT_TAIL(&r->members, m, by_room);
	TAILQ_INSERT_TAIL(&s->rooms, m, by_session);
	r->nmembers++;
}

/* Its own hub has let it in: where there is no room left it is not shown. */
void
rooms_remote(struct rooms *rs, struct session *s, const char *name,
    int joined)
{
	struct room *r = map_gets(rs->names, name);
	struct membership *m = r != NULL ? find_member(r, s) : NULL;

	if (!joined && m != NULL)
		leave(rs, m);
	else if (m != NULL)
		m->doubted = 0;
	if (!joined || m != NULL ||
	    (r == NULL && map_count(rs->names) >= rs->max_rooms) ||
	    (r != NULL && r->nmembers >= rs->max_members))
		return;
	enter(r != NULL ? r : room_new(rs, name), s);
}

void
rooms_doubt(struct session *s)
{
	struct membership *m;

	TAILQ_FOREACH(m, &s->rooms, by_session)
		m->doubted = 1;
}

void
rooms_settle(struct rooms *rs, struct session *s)
{
	struct membership *m, *next;

	TAILQ_FOREACH_SAFE(m, &s->rooms, by_session, next) {
		if (m->doubted)
			leave(rs, m);
	}
}

int
rooms_has(const struct rooms *rs, const char *name, const struct session *s)
{
	struct room *r = map_gets(rs->names, name);

	return r != NULL && find_member(r, s) != NULL;
}

void
rooms_each(const struct session *s, void (*tell)(const struct session *,
    const char *, void *), void *arg)
{
	const struct membership *m;

	TAILQ_FOREACH(m, &s->rooms, by_session)
		tell(s, m->room->name, arg);
}

static void
leave(struct rooms *rs, struct membership *m)
{
	struct room *r = m->room;

	TAILQ_REMOVE(&r->members, m, by_room);
	TAILQ_REMOVE(&m->session->rooms, m, by_session);
	free(m);
	if (--r->nmembers > 0)
		return;
	TAILQ_REMOVE(&rs->all, r, entry);
	map_removes(rs->names, r->name);
	free(r);
}

void
rooms_session_gone(struct rooms *rs, struct session *s)
{
	struct membership *m;

	while ((m = TAILQ_FIRST(&s->rooms)) != NULL)
		leave(rs, m);
}

static void
put_members(struct wbuf *w, const struct room *r)
{
	const struct membership *m;

	json_key(w, "members");
	json_begin(w, '[');
	TAILQ_FOREACH(m, &r->members, by_room) {
		json_comma(w);
		json_add_str(w, m->session->name, strlen(m->session->name));
	}
	json_end(w, ']');
}

void
rooms_join(struct session *s, const struct request *q)
{
	struct rooms *rs = s->router->rooms;
	struct wbuf w = { 0 };
	char name[NAME_SIZE], text[64];
	struct room *r;

	if (room_name(s, q, name) == -1)
		return;
	r = map_gets(rs->names, name);
	if (r == NULL && map_count(rs->names) >= rs->max_rooms) {
		snprintf(text, sizeof(text), "room_limit_reached (max %u)",
		    rs->max_rooms);
		request_fail(s, q, ERR_BAD_ARGS, text);
		return;
	}
	if (r == NULL)
		r = room_new(rs, name);
	if (find_member(r, s) == NULL) {
		if (r->nmembers >= rs->max_members) {
			snprintf(text, sizeof(text),
			    "member_limit_reached (max %u)", rs->max_members);
			request_fail(s, q, ERR_BAD_ARGS, text);
			return;
		}
		enter(r, s);
		hubs_room(s->router->hubs, s, name, 1);
		control_event(s->router->control, "room_join", "name",
		    s->name, "room", name, NULL);
	}
	answer_begin(&w, "room_ack", q->req_id);
	json_put_str(&w, "room", r->name);
	put_members(&w, r);
	answer_end(s, &w);
}

void
rooms_leave(struct session *s, const struct request *q)
{
	struct rooms *rs = s->router->rooms;
	struct wbuf w = { 0 };
	struct membership *m;
	char name[NAME_SIZE];
	struct room *r;

	if (room_name(s, q, name) == -1)
		return;
	r = map_gets(rs->names, name);
	if (r != NULL && (m = find_member(r, s)) != NULL) {
		leave(rs, m);
		hubs_room(s->router->hubs, s, name, 0);
		control_event(s->router->control, "room_leave", "name",
		    s->name, "room", name, NULL);
	}
	answer_begin(&w, "ack", q->req_id);
	answer_end(s, &w);
}

/* incoming_room_msg, encoded once for all members. */
static struct rbuf *
encode(const char *from, const char *room, const struct request *q)
{
	struct wbuf w = { 0 };

	json_begin(&w, '{');
	json_put_str(&w, "type", "incoming_room_msg");
	json_put_str(&w, "room", room);
	json_put_str(&w, "from", from);
	json_put_raw(&w, "text", request_raw(q, M_TEXT));
	json_put_raw(&w, "msg_id", request_raw(q, M_MSG_ID));
	json_end(&w, '}');
	wbuf_add(&w, "\n", 1);
	return wbuf_take(&w);
}

void
rooms_push(struct session *s, const char *from, const char *room,
    const struct request *q)
{
	struct rbuf *line = encode(from, room, q);

	(void)session_push(s, line);
	rbuf_unref(line);
}

void
rooms_message(struct session *s, const struct request *q)
{
	struct rooms *rs = s->router->rooms;
	const struct membership *m;
	struct wbuf w = { 0 };
	char name[NAME_SIZE];
	struct room *r;
	struct rbuf *line;
	unsigned n = 0;

	if (room_name(s, q, name) == -1)
		return;
	r = map_gets(rs->names, name);
	if (r != NULL) {
		line = encode(s->name, name, q);
		TAILQ_FOREACH(m, &r->members, by_room) {
			if (m->session != s)
				n += session_push(m->session, line) == 0;
		}
		rbuf_unref(line);
	}
	answer_begin(&w, "room_send_ack", q->req_id);
	json_put_str(&w, "room", name);
	json_put_int(&w, "delivered_count", n);
	answer_end(s, &w);
	s->router->counters[COUNT_ROOM_MESSAGES]++;
	control_event(s->router->control, "room_message", "from", s->name,
	    "room", name, NULL);
}

void
rooms_put_list(struct wbuf *w, const struct rooms *rs, size_t limit)
{
	const struct room *r;

	json_begin(w, '[');
	TAILQ_FOREACH(r, &rs->all, entry) {
		if (w->len > limit)
			break;
		json_comma(w);
		json_begin(w, '{');
		json_put_str(w, "name", r->name);
		put_members(w, r);
		json_end(w, '}');
	}
	json_end(w, ']');
}

void
rooms_list(struct session *s, const struct request *q)
{
	struct wbuf w = { 0 };

	answer_begin(&w, "rooms_list", q->req_id);
	json_key(&w, "rooms");
	rooms_put_list(&w, s->router->rooms, LINE_MAX_PLAIN / 2);
	answer_end(s, &w);
}
