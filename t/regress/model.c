/* SPDX-License-Identifier: ISC */
/*
 * A hundred sessions in 50 rooms and 40 groups do what they may do, at random,
 * and a model says what each must be given: all of it, nothing else, and what
 * one sender says in the order in which it was said.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crowd.h"

/*
 * Messages of all sessions are on their way at the same time; when all have
 * arrived, one request after the other changes who is where or reads what is
 * stored.  So it is known at any moment who must get what.
 *
 * ECORELAY_TEST_SECONDS	how long (20)
 * ECORELAY_TEST_SEED		the same requests as another time
 */
#define SECONDS		20
#define ROOMS		50
#define GROUPS		40
#define ROOM_MAX	20
#define GROUP_MAX	20
#define KEEP		500	/* entries of a group */
#define UNSEEN_MAX	450	/* so that no mailbox is ever full */
#define BURST		8	/* messages of a session in a round */
#define CHANGES		20	/* requests between two rounds */

/* The mailbox of a session. */
struct mail {
	struct msgs	 unseen;
	unsigned	 nunseen;
};

struct group {
	int		 live, admin;
	char		 name[32];
	int		 in[CROWD];
	json_int_t	 cursor[CROWD], pushed[CROWD];
	json_t		*log;		/* json of entry 1, 2, ... */
	json_t		*fresh;		/* said in this round */
};

struct model {
	struct crowd	 c;
	struct mail	 mail[CROWD];
	int		 in_room[ROOMS][CROWD];
	struct group	 groups[GROUPS];
	unsigned	 renamed;
	unsigned long	 rounds, changes;
};

/* Nobody is given an older entry of a group after a newer one. */
static void
in_turn(void *arg, int to, const json_t *got)
{
	struct model	*m = arg;
	struct group	*g = &m->groups[atoi(str_of(got, "group") + 1)];
	json_int_t	 id = atoll(str_of(got, "msg_id"));

	want(id > g->pushed[to], "entry %lld, and then %s",
	    (long long)g->pushed[to], show(got));
	g->pushed[to] = id;
}

/*
 * Those said in this round have the numbers that follow the last one.  Where
 * nobody was there to be given them, all are of one sender.
 */
static void
number_entries(struct group *g)
{
	size_t		 n = json_array_size(g->fresh), i, k;
	json_int_t	 base = (json_int_t)json_array_size(g->log), id;
	json_t		**slots, *json;
	const char	*s;

	if (n == 0)
		return;
	slots = xcalloc(n, sizeof(*slots));
	for (i = 0; i < n; i++) {
		json = json_array_get(g->fresh, i);
		s = json_string_value(json_object_get(json, "msg_id"));
		for (k = 0; s == NULL && slots[k] != NULL; k++)
			continue;
		id = s != NULL ? atoll(s) - 1 - base : (json_int_t)k;
		want(id >= 0 && (size_t)id < n && slots[id] == NULL,
		    "there are %lld entries and %zu: %s", (long long)base, n,
		    show(json));
		slots[id] = json;
		for (k = (size_t)id + 1; k < n; k++)
			want(slots[k] == NULL || !json_equal(
			    json_object_get(slots[k], "from"),
			    json_object_get(json, "from")),
			    "%s is before %s", show(slots[k]), show(json));
	}
	for (i = 0; i < n; i++)
		json_array_append(g->log, slots[i]);
	json_array_clear(g->fresh);
	free(slots);
}

static void
arrive(struct model *m)
{
	int	i;

	crowd_arrive(&m->c);
	for (i = 0; i < GROUPS; i++)
		number_entries(&m->groups[i]);
}

/* A room that the session is in, if one is soon found. */
static void
say_in_room(struct model *m, int who)
{
	unsigned	 room, tries = 0, n = 0;
	char		 name[16], id[16];
	json_t		*json, *text = crowd_text(&m->c);
	const char	*req;
	int		 i;

	do
		room = crowd_pick(&m->c, ROOMS);
	while (!m->in_room[room][who] && tries++ < 20);
	snprintf(id, sizeof(id), "x%u", m->c.texts);
	snprintf(name, sizeof(name), "r%u", room);
	json = json_pack("{s:s,s:s,s:s,s:s,s:O}", "type",
	    "incoming_room_msg", "room", name, "from", m->c.peers[who].name,
	    "msg_id", id, "text", text);
	for (i = 0; i < CROWD; i++) {
		if (m->in_room[room][i] && i != who) {
			crowd_expect(&m->c, i, who, PASSED, json);
			n++;
		}
	}
	req = crowd_ask(&m->c, who, "room_send_ack", "delivered_count",
	    json_integer(n), NULL);
	say(m->c.peers[who].c, "{s:s,s:s,s:s,s:s,s:O}", "type", "room_msg",
	    "req_id", req, "room", name, "msg_id", id, "text", text);
	json_decref(text);
	json_decref(json);
}

static void
say_in_group(struct model *m, int who)
{
	struct group	*g;
	json_t		*json, *text;
	const char	*req;
	int		 tries = 0, i;

	do
		g = &m->groups[crowd_pick(&m->c, GROUPS)];
	while ((!g->live || !g->in[who]) && tries++ < 50);
	if (!g->live || !g->in[who])
		return;
	text = crowd_text(&m->c);
	json = json_pack("{s:s,s:s,s:s,s:O}", "type", "incoming_group_msg",
	    "group", g->name, "from", m->c.peers[who].name, "text", text);
	for (i = 0; i < CROWD; i++) {
		if (g->in[i] && i != who && m->c.peers[i].c != NULL)
			crowd_expect(&m->c, i, who, STORED, json);
	}
	json_array_append(g->fresh, json);
	req = crowd_ask(&m->c, who, "group_ack", NULL, NULL, NULL);
	say(m->c.peers[who].c, "{s:s,s:s,s:s,s:O}", "type", "group_send",
	    "req_id", req, "group", g->name, "text", text);
	json_decref(text);
	json_decref(json);
}

/* Those with features choose the id themselves. */
static void
say_to_peer(struct model *m, int who)
{
	const struct peer *to;
	struct mail	*mail;
	json_t		*json, *text, *request;
	char		 id[16];
	int		 i;

	do
		i = (int)crowd_pick(&m->c, CROWD);
	while (i == who);
	to = &m->c.peers[i];
	mail = &m->mail[i];
	if (mail->nunseen == UNSEEN_MAX)
		return;
	text = crowd_text(&m->c);
	json = json_pack("{s:s,s:s,s:O,s:n}", "type", "incoming_message",
	    "from", m->c.peers[who].name, "text", text, "reply_to");
	/* sometimes by its first name, which leads to the one that it has */
	snprintf(id, sizeof(id), "s%d", i);
	request = json_pack("{s:s,s:s,s:O}", "type", "send", "to",
	    crowd_pick(&m->c, 10) == 0 ? id : to->name, "text", text);
	snprintf(id, sizeof(id), "x%u", m->c.texts);
	if (who % 2 == 1) {
		json_object_set_new(json, "msg_id", json_string(id));
		json_object_set_new(request, "msg_id", json_string(id));
	}
	if (crowd_pick(&m->c, 3) == 0) {
		json_object_set_new(json, "reply_to", json_string(id));
		json_object_set_new(request, "reply_to", json_string(id));
	}
	if (to->c != NULL)
		crowd_expect(&m->c, i, who, STORED, json);
	msg_add(&mail->unseen, who, json);
	mail->nunseen++;
	json_object_set_new(request, "req_id", json_string(crowd_ask(&m->c, who,
	    "send_ack", "status", json_string(to->c != NULL ? "delivered" :
	    "queued"), json)));
	say(m->c.peers[who].c, "o", request);
	json_decref(text);
	json_decref(json);
}

/* All who are there speak at the same time. */
static void
round_of_messages(struct model *m)
{
	unsigned	 n, what;
	int		 i;

	for (i = 0; i < CROWD; i++) {
		if (m->c.peers[i].c == NULL)
			continue;
		for (n = crowd_pick(&m->c, BURST + 1); n > 0; n--) {
			what = crowd_pick(&m->c, 1000);
			if (what < 450)
				say_in_room(m, i);
			else if (what < 700)
				say_in_group(m, i);
			else if (what < 996)
				say_to_peer(m, i);
			else
				crowd_broadcast(&m->c, i);
		}
	}
	arrive(m);
	m->rounds++;
}

static json_t *
ask_room(struct model *m, int who, const char *type, int room)
{
	char	name[16];

	snprintf(name, sizeof(name), "r%d", room);
	return (rpc(m->c.peers[who].c, "{s:s,s:s}", "type", type, "room",
	    name));
}

static void
join(struct model *m)
{
	int	 who = crowd_online(&m->c);
	int	 room = (int)crowd_pick(&m->c, ROOMS);
	json_t	*j;

	if (crowd_count(m->in_room[room]) == ROOM_MAX)
		return;
	j = ask_room(m, who, "join_room", room);
	is_str(j, "type", "room_ack");
	m->in_room[room][who] = 1;
	crowd_names(&m->c, json_object_get(j, "members"), m->in_room[room]);
}

static void
leave(struct model *m)
{
	int	who = crowd_online(&m->c);
	int	room = (int)crowd_pick(&m->c, ROOMS);

	is_str(ask_room(m, who, "leave_room", room), "type", "ack");
	m->in_room[room][who] = 0;
}

static void
list_rooms(struct model *m)
{
	json_t	*j, *v, *list;
	char	 name[16];
	int	 room, n;
	size_t	 left;

	j = rpc(m->c.peers[crowd_online(&m->c)].c, "{s:s}", "type",
	    "list_rooms");
	list = json_object_get(j, "rooms");
	left = json_array_size(list);
	for (room = 0; room < ROOMS; room++) {
		snprintf(name, sizeof(name), "r%d", room);
		n = crowd_count(m->in_room[room]);
		v = find_in(list, "name", name);
		want((v != NULL) == (n > 0), "%d are in %s: %s", n, name,
		    show(list));
		if (v == NULL)
			continue;
		crowd_names(&m->c, json_object_get(v, "members"),
		    m->in_room[room]);
		left--;
	}
	want(left == 0, "rooms twice: %s", show(list));
}

/* Who is there, as one of them is told; 0 if it is told of too many. */
static int
peers_are(struct model *m, int who)
{
	int	 in[CROWD], i;
	json_t	*list;

	for (i = 0; i < CROWD; i++)
		in[i] = m->c.peers[i].c != NULL && i != who;
	list = json_object_get(rpc(m->c.peers[who].c, "{s:s}", "type",
	    "list_peers"), "peers");
	if (json_array_size(list) > (size_t)crowd_count(in))
		return (0);
	crowd_names(&m->c, list, in);
	return (1);
}

static void
list_peers(struct model *m)
{
	want(peers_are(m, crowd_online(&m->c)), "more peers than there are");
}

/* As often as it takes: so it must not use up random numbers. */
static int
has_gone(void *arg)
{
	struct model	*m = arg;
	int		 i;

	for (i = 0; m->c.peers[i].c == NULL; i++)
		continue;
	return (peers_are(m, i));
}

/* One goes, and is in no room any more; or one that is away comes back. */
static void
come_or_go(struct model *m)
{
	int	i = (int)crowd_pick(&m->c, CROWD), room;

	if (m->c.peers[i].c == NULL) {
		crowd_enter(&m->c, i);
		return;
	}
	if (crowd_pick(&m->c, 5) > 0)
		return;
	conn_close(m->c.peers[i].c);
	m->c.peers[i].c = NULL;
	for (room = 0; room < ROOMS; room++)
		m->in_room[room][i] = 0;
	want(t_until(m->c.t, has_gone, m, T_WAIT), "%s does not go",
	    m->c.peers[i].name);
}

static void
rename_one(struct model *m)
{
	struct peer	*p = &m->c.peers[crowd_online(&m->c)];

	snprintf(p->name, sizeof(p->name), "s%d.%u", (int)(p - m->c.peers),
	    ++m->renamed);
	is_str(rpc(p->c, "{s:s,s:s}", "type", "rename", "new_name", p->name),
	    "type", "ack");
}

static json_t *
ask_group(struct model *m, int who, const char *type, const struct group *g)
{
	return (rpc(m->c.peers[who].c, "{s:s,s:s}", "type", type, "group",
	    g->name));
}

/* A member of a group, but not its admin; or -1. */
static int
member(struct model *m, const struct group *g, int there)
{
	int	i, tries;

	for (tries = 0; g->live && tries < 2 * CROWD; tries++) {
		i = (int)crowd_pick(&m->c, CROWD);
		if (g->in[i] && i != g->admin &&
		    (!there || m->c.peers[i].c != NULL))
			return (i);
	}
	return (-1);
}

static void
create(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	json_t		*list, *j;
	unsigned	 n;
	int		 i;

	if (g->live)
		return;
	memset(g->in, 0, sizeof(g->in));
	memset(g->cursor, 0, sizeof(g->cursor));
	memset(g->pushed, 0, sizeof(g->pushed));
	json_array_clear(g->log);
	g->live = 1;
	g->admin = crowd_online(&m->c);
	g->in[g->admin] = 1;
	list = json_array();
	for (n = crowd_pick(&m->c, 13); n > 0; n--) {
		i = (int)crowd_pick(&m->c, CROWD);
		g->in[i] = 1;
		json_array_append_new(list, json_string(m->c.peers[i].name));
	}
	j = rpc(m->c.peers[g->admin].c, "{s:s,s:s,s:o}", "type", "group_create",
	    "name", g->name, "members", list);
	is_str(j, "type", "group_created");
	crowd_names(&m->c, json_object_get(j, "members"), g->in);
}

static void
invite(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	int		 peer = (int)crowd_pick(&m->c, CROWD);

	if (!g->live || m->c.peers[g->admin].c == NULL || g->in[peer] ||
	    crowd_count(g->in) >= GROUP_MAX)
		return;
	is_str(rpc(m->c.peers[g->admin].c, "{s:s,s:s,s:s}", "type",
	    "group_invite", "group", g->name, "peer", m->c.peers[peer].name),
	    "type", "group_ack");
	g->in[peer] = 1;
	g->cursor[peer] = g->pushed[peer] = 0;
}

/* What the admin did, told to one of them. */
static void
notice(struct model *m, const struct group *g, int to, json_t *text)
{
	json_t	*json;

	json = json_pack("{s:s,s:s,s:s,s:O}", "type", "incoming_group_msg",
	    "group", g->name, "from", m->c.peers[g->admin].name, "text", text);
	if (m->c.peers[to].c != NULL)
		crowd_expect(&m->c, to, g->admin, STORED, json);
	json_decref(json);
}

static void
remove_one(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	int		 peer = member(m, g, 0);
	const char	*name, *admin = m->c.peers[g->admin].name;
	json_t		*text, *reason;

	if (peer == -1 || m->c.peers[g->admin].c == NULL)
		return;
	name = m->c.peers[peer].name;
	reason = json_sprintf("too \"loud\" %u", ++m->c.texts);
	text = json_sprintf("%s removed %s from %s: %s", admin, name, g->name,
	    json_string_value(reason));
	notice(m, g, peer, text);
	json_decref(text);
	text = json_sprintf("%s removed %s: %s", admin, name,
	    json_string_value(reason));
	json_array_append_new(g->log, json_pack("{s:o}", "text", text));
	is_str(rpc(m->c.peers[g->admin].c, "{s:s,s:s,s:s,s:o}", "type",
	    "group_remove", "group", g->name, "peer", name, "reason", reason),
	    "type", "group_ack");
	g->in[peer] = 0;
}

static void
leave_group(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	int		 who = member(m, g, 1);

	if (who == -1)
		return;
	is_str(ask_group(m, who, "group_leave", g), "type", "group_ack");
	json_array_append_new(g->log, json_pack("{s:o}", "text",
	    json_sprintf("%s left", m->c.peers[who].name)));
	g->in[who] = 0;
}

static void
delete_group(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	json_t		*text;
	int		 i;

	if (!g->live || m->c.peers[g->admin].c == NULL)
		return;
	text = json_sprintf("%s deleted group %s", m->c.peers[g->admin].name,
	    g->name);
	for (i = 0; i < CROWD; i++) {
		if (g->in[i] && i != g->admin)
			notice(m, g, i, text);
	}
	json_decref(text);
	is_str(ask_group(m, g->admin, "group_delete", g), "type",
	    "group_ack");
	g->live = 0;
}

/* The first entry that is unread, from 0; the oldest may be gone. */
static json_int_t
first_unread(const struct group *g, int who)
{
	json_int_t	n = (json_int_t)json_array_size(g->log);

	return (g->cursor[who] > n - KEEP ? g->cursor[who] : n - KEEP);
}

static void
read_group(struct model *m, struct group *g, int who, int limit)
{
	json_int_t	 first = first_unread(g, who);
	json_int_t	 all = (json_int_t)json_array_size(g->log) - first;
	json_int_t	 n = limit != 0 && limit < all ? limit : all, i;
	json_t		*j, *list, *entry, *json;

	j = json_pack("{s:s,s:s}", "type", "group_history", "group", g->name);
	if (limit != 0)
		json_object_set_new(j, "limit", json_integer(limit));
	j = rpc(m->c.peers[who].c, "o", j);
	is_str(j, "type", "group_messages");
	is_int(j, "unread_remaining", all - n);
	list = is_list(j, "messages", (size_t)n);
	for (i = 0; i < n; i++) {
		entry = json_array_get(list, (size_t)i);
		json = json_array_get(g->log, (size_t)(first + i));
		is_int(entry, "id", first + i + 1);
		is_str(entry, "type", json_object_get(json, "type") != NULL ?
		    "message" : "system");
		same_member(json, entry, "text");
		if (json_object_get(json, "type") != NULL)
			want(crowd_sender(json) == crowd_sender(entry),
			    "wanted %s, got %s", show(json), show(entry));
		same_member(json, entry, "ts");
	}
	g->cursor[who] = first + n;
}

static void
history(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	int		 who = member(m, g, 1);

	if (who != -1)
		read_group(m, g, who,
		    (int)(crowd_pick(&m->c, 3) * crowd_pick(&m->c, 250)));
}

/* The groups of a session, with what it has not read of each. */
static void
list_groups(struct model *m, int who)
{
	const struct group	*g;
	json_t			*list, *v;
	size_t			 n = 0;

	list = json_object_get(rpc(m->c.peers[who].c, "{s:s}", "type",
	    "group_list"), "groups");
	for (g = m->groups; g < m->groups + GROUPS; g++) {
		v = find_in(list, "name", g->name);
		want((v != NULL) == (g->live && g->in[who]), "%s of %s: %s",
		    g->name, m->c.peers[who].name, show(list));
		if (v == NULL)
			continue;
		is_int(v, "unread_count", (json_int_t)json_array_size(g->log) -
		    first_unread(g, who));
		n++;
	}
	want(json_array_size(list) == n, "groups twice: %s", show(list));
}

static void
group_list(struct model *m)
{
	list_groups(m, crowd_online(&m->c));
}

static void
group_info(struct model *m)
{
	struct group	*g = &m->groups[crowd_pick(&m->c, GROUPS)];
	int		 who = member(m, g, 1), i;
	json_t		*j, *v;
	size_t		 k;

	if (who == -1)
		return;
	j = ask_group(m, who, "group_info", g);
	is_str(j, "admin", m->c.peers[g->admin].name);
	is_int(j, "unread_count", (json_int_t)json_array_size(g->log) -
	    first_unread(g, who));
	crowd_names(&m->c, json_object_get(j, "members"), g->in);
	json_array_foreach(json_object_get(j, "members"), k, v) {
		i = crowd_by_name(&m->c, json_object_get(v, "name"));
		want(json_is_true(json_object_get(v, "online")) ==
		    (m->c.peers[i].c != NULL), "not so: %s", show(v));
	}
}

/* Oldest first: of one sender in order, and each message once. */
static void
read_mail(struct model *m, int who, unsigned limit)
{
	struct mail	*mail = &m->mail[who];
	unsigned	 n = mail->nunseen < limit ? mail->nunseen : limit;
	json_t		*list, *j, *v;
	struct msg	*x;
	size_t		 k;
	int		 from;

	j = rpc(m->c.peers[who].c, "{s:s,s:i}", "type", "inbox",
	    "limit", (int)limit);
	list = is_list(j, "messages", n);
	is_int(j, "remaining", mail->nunseen - n);
	json_array_foreach(list, k, v) {
		from = crowd_sender(v);
		TAILQ_FOREACH(x, &mail->unseen, entry) {
			if (x->from == from)
				break;
		}
		want(x != NULL, "%s has %s", m->c.peers[who].name, show(v));
		same_member(x->json, v, "msg_id");
		same_member(x->json, v, "text");
		same_member(x->json, v, "reply_to");
		same_member(x->json, v, "ts");
		msg_drop(&mail->unseen, x);
		mail->nunseen--;
	}
}

static void
inbox(struct model *m)
{
	read_mail(m, crowd_online(&m->c), 1 + crowd_pick(&m->c, 100));
}

static const struct {
	unsigned	 weight;
	void		(*what)(struct model *);
} changes[] = {
	{ 12, join }, { 6, leave }, { 2, list_rooms }, { 1, list_peers },
	{ 5, come_or_go }, { 1, rename_one }, { 6, create }, { 6, invite },
	{ 4, remove_one }, { 3, leave_group }, { 1, delete_group },
	{ 12, history }, { 5, group_list }, { 3, group_info }, { 12, inbox }
};

static void
change(struct model *m)
{
	unsigned	all = 0, n;
	size_t		i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		all += changes[i].weight;
	n = crowd_pick(&m->c, all);
	for (i = 0; n >= changes[i].weight; i++)
		n -= changes[i].weight;
	changes[i].what(m);
	arrive(m);
	m->changes++;
}

/* What is stored of all this is read to its end. */
static void
read_all(struct model *m)
{
	int	i, g;

	for (i = 0; i < CROWD; i++) {
		if (m->c.peers[i].c == NULL)
			crowd_enter(&m->c, i);
		list_groups(m, i);
	}
	list_rooms(m);
	list_peers(m);
	for (i = 0; i < CROWD; i++) {
		for (g = 0; g < GROUPS; g++) {
			if (m->groups[g].live && m->groups[g].in[i])
				read_group(m, &m->groups[g], i, 0);
		}
		list_groups(m, i);
		do
			read_mail(m, i, 100);
		while (m->mail[i].nunseen > 0);
		crowd_arrive(&m->c);
		quiet(m->c.peers[i].c, NULL);
	}
}

static struct model *
model_new(unsigned seed)
{
	struct model	*m = xcalloc(1, sizeof(*m));
	struct group	*g;
	int		 i;

	m->c.group_msg = in_turn;
	m->c.arg = m;
	crowd_begin(&m->c, seed);
	for (i = 0; i < CROWD; i++)
		TAILQ_INIT(&m->mail[i].unseen);
	for (i = 0; i < GROUPS; i++) {
		g = &m->groups[i];
		snprintf(g->name, sizeof(g->name), "g%d", i);
		g->log = json_array();
		g->fresh = json_array();
	}
	return (m);
}

static void
model_end(struct model *m)
{
	int	i;

	crowd_end(&m->c);
	for (i = 0; i < GROUPS; i++) {
		json_decref(m->groups[i].log);
		json_decref(m->groups[i].fresh);
	}
	free(m);
}

START_TEST(as_the_model_says)
{
	unsigned	 seed = test_setting("ECORELAY_TEST_SEED",
			    (unsigned)t_now() ^ (unsigned)getpid());
	int64_t		 begin, last;
	struct model	*m;
	int		 i;

	printf("ECORELAY_TEST_SEED=%u\n", seed);
	fflush(stdout);
	m = model_new(seed);
	for (i = 0; i < 10 * ROOMS; i++)
		join(m);
	for (i = 0; i < 4 * GROUPS; i++)
		create(m);
	begin = t_now();
	last = (int64_t)test_setting("ECORELAY_TEST_SECONDS", SECONDS) * 1000;
	while (t_now() - begin < last) {
		round_of_messages(m);
		for (i = 0; i < CHANGES; i++)
			change(m);
	}
	read_all(m);
	printf("%lu rounds, %lu messages, %lu deliveries, %lu changes\n",
	    m->rounds, m->c.sent, m->c.given, m->changes);
	model_end(m);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("model");

	(void)argc;
	test_add(s, as_the_model_says,
	    (int)test_setting("ECORELAY_TEST_SECONDS", SECONDS) + 100);
	return (test_main(argv[0], s));
}
