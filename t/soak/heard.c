/* SPDX-License-Identifier: ISC */
/*
 * What the hub says to a session: answers by their req_id, pushes by their
 * type.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

static const char	*text_of(const json_t *, const char *);
static void	 take_err(struct soul *, const json_t *);
static void	 take_ask_err(struct soul *, const json_t *, const char *);
static void	 take_group_err(struct soul *, const json_t *, const char *,
		    const char *);

static const char *
text_of(const json_t *j, const char *key)
{
	return (json_string_value(json_object_get(j, key)));
}

static void
on_ack(struct soul *s, const json_t *j)
{
	const char	*req = text_of(j, "req_id");

	if (req != NULL && strcmp(req, "n") == 0) {
		soul_there(s);
	} else if (req != NULL && strcmp(req, "r") == 0) {
		strlcpy(s->former, s->name, sizeof(s->former));
		strlcpy(s->name, s->wanted, sizeof(s->name));
		s->wanted[0] = '\0';
		s->soak->renames++;
	}
}

static void
on_send_ack(struct soul *s, const json_t *j)
{
	struct post	*p = post_find(s->soak, text_of(j, "msg_id"), NULL);

	if (p == NULL || p->kind != MAIL || p->from != s->number)
		complain(s->soak, p, "%s was told of it: it is not its own",
		    s->name);
	else
		post_acked(s->soak, p);
}

/* An answer whose asker was away is kept for it as a message. */
static int
late_reply(struct soul *s, struct post *p, const json_t *m, int in_mailbox)
{
	if (p == NULL || p->kind != REPLY)
		return (0);
	if (post_check(s->soak, p, REPLY, s, text_of(m, "from"),
	    text_of(m, "text")) == 0 && in_mailbox) {
		if (p->flags & P_READ)
			complain(s->soak, p, "%s: it is twice in the mailbox",
			    s->name);
		p->flags |= P_READ;
	}
	return (1);
}

void
take_inbox(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const json_t	*list = json_object_get(j, "messages"), *m;
	struct post	*p;
	size_t		 i;

	s->asked_at = 0;
	if (json_object_get(j, "dropped") != NULL)
		complain(k, NULL, "%s: its mailbox has dropped some: %s",
		    s->name, show(j));
	json_array_foreach(list, i, m) {
		p = post_find(k, text_of(m, "msg_id"), text_of(m, "text"));
		if (!late_reply(s, p, m, 1) && post_check(k, p, MAIL, s,
		    text_of(m, "from"), text_of(m, "text")) == 0)
			post_read(k, p, s);
		strlcpy(s->last_read, text_of(m, "msg_id"),
		    sizeof(s->last_read));
	}
	if (i == 100)
		soul_read(s);
}

static void
on_message(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const char	*id = text_of(j, "msg_id"), *text = text_of(j, "text");
	struct post	*p = post_find(k, id, text);

	if (!late_reply(s, p, j, 0)) {
		if (post_check(k, p, MAIL, s, text_of(j, "from"),
		    text) == -1)
			return;
		post_pushed(k, p, s);
	}
	if (pick(k, 4) > 0)
		chan_say(s->chan, "{s:s,s:[s]}", "type",
		    pick(k, 3) == 0 ? "seen" : "received", "msg_id", id);
}

static void
on_ask(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const char	*text = text_of(j, "question");
	int		 cast = json_object_get(j, "broadcast_id") != NULL;

	if (post_check(k, post_find(k, NULL, text), cast ? CAST : ASK, s,
	    text_of(j, "from"), text) == -1)
		return;
	k->casts += (unsigned)cast;
	talk_answer(s, text_of(j, "ask_id"), !cast);
}

/* Once, by a reply or by an error; -1 if it cannot, or is another's. */
static int
ask_ends(struct soul *s, struct post *ask)
{
	if (ask == NULL || ask->kind != ASK || ask->from != s->number ||
	    (ask->flags & (P_OVER | P_AWAY)) == P_OVER)
		return (-1);
	if (!(ask->flags & P_OVER))
		TAILQ_REMOVE(&s->asks, ask, entry);
	ask->flags = (ask->flags & ~(unsigned)P_AWAY) | P_OVER;
	return (0);
}

static void
on_reply(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const char	*text = text_of(j, "text"), *id = text_of(j, "ask_id");
	struct post	*ask = NULL, *p = post_find(k, NULL, text);
	unsigned	 n;

	if (id != NULL && sscanf(id, "a%u", &n) == 1 && n < k->nposts)
		ask = k->posts[n];
	if (post_check(k, p, REPLY, s, text_of(j, "from"), text) == -1)
		return;
	k->answers++;
	if (json_object_get(j, "broadcast_id") != NULL)
		return;
	if (ask_ends(s, ask) == -1)
		complain(k, ask, "%s was answered, and waits for nothing: %s",
		    s->name, id);
}

static void
on_room(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const char	*text = text_of(j, "text");
	struct post	*p = post_find(k, NULL, text);

	if (post_check(k, p, ROOM, s, text_of(j, "from"), text) == -1)
		return;
	k->heard_in_rooms++;
	if (p->id < s->room_seq[p->from])
		complain(k, p, "%s was told that in a room before %u",
		    s->name, s->room_seq[p->from]);
	s->room_seq[p->from] = p->id + 1;
}

static void
on_ping(struct soul *s, const json_t *j)
{
	chan_say(s->chan, "{s:s,s:O*}", "type", "pong", "req_id",
	    json_object_get(j, "req_id"));
}

static void
on_receipt(struct soul *s, const json_t *j)
{
	struct post	*p = post_find(s->soak, text_of(j, "msg_id"), NULL);
	const char	*state = text_of(j, "state");

	/* of an answer the hub has chosen the number */
	if (p != NULL && p->from != s->number)
		complain(s->soak, p, "%s: a receipt of somebody else's",
		    s->name);
	else if (strcmp(state, "expired") == 0)
		complain(s->soak, p, "%s: it has expired", s->name);
}

/* A message that was read has been seen, unless that was not written yet. */
static void
on_status(struct soul *s, const json_t *j)
{
	struct post	*p = post_find(s->soak, text_of(j, "msg_id"), NULL);
	const char	*state = text_of(j, "state");

	if (state != NULL && strcmp(state, "expired") == 0)
		complain(s->soak, p, "%s: its state is expired", s->name);
}

static void
on_history(struct soul *s, const json_t *j)
{
	const char	*req = text_of(j, "req_id");
	int		 n;

	if (req != NULL && sscanf(req, "h%d", &n) == 1)
		group_history(s, n, j);
}

static void
on_group_ack(struct soul *s, const json_t *j)
{
	const char	*req = text_of(j, "req_id");
	unsigned	 n;

	if (req != NULL && sscanf(req, "g%u", &n) == 1 &&
	    n < s->soak->nposts) {
		s->soak->posts[n]->flags |= P_ACKED;
		post_note(s->soak, s->soak->posts[n], "acknowledged",
		    s->number);
	}
}

static void
on_created(struct soul *s, const json_t *j)
{
	const char	*req = text_of(j, "req_id");
	int		 n;

	if (req != NULL && sscanf(req, "c%d", &n) == 1)
		s->soak->groups[n].made = 1;
}

/* The asker is told why there is no answer. */
static void
take_ask_err(struct soul *s, const json_t *j, const char *id)
{
	static const char *const codes[] = {
		"peer_not_found", "peer_gone", "timeout"
	};
	struct soak	*k = s->soak;
	const char	*code = text_of(j, "code");
	struct post	*ask = NULL;
	unsigned	 n;
	size_t		 i;

	if (sscanf(id, "a%u", &n) == 1 && n < k->nposts)
		ask = k->posts[n];
	for (i = 0; i < 3 && strcmp(code, codes[i]) != 0; i++)
		continue;
	if (i == 3 || ask_ends(s, ask) == -1)
		complain(k, ask, "%s: %s", s->name, show(j));
}

/* A group of the other hub answers nobody while that is away. */
static void
take_group_err(struct soul *s, const json_t *j, const char *req,
    const char *code)
{
	struct soak	*k = s->soak;
	unsigned	 n;
	int		 group = 0;

	if (sscanf(req, "h%d", &group) == 1)
		s->history_asked = 0;
	else if (sscanf(req, "g%u", &n) == 1 && n < k->nposts)
		group = k->posts[n]->to;
	if (k->groups[group].site == s->site ||
	    (strcmp(code, "peer_gone") != 0 && strcmp(code, "timeout") != 0 &&
	    strcmp(code, "hub_unreachable") != 0 &&
	    strcmp(code, "group_not_found") != 0))
		complain(k, NULL, "%s, of group %d: %s", s->name, group,
		    show(j));
}

/* A broadcast's ask may be over when it is replied to. */
static void
take_err(struct soul *s, const json_t *j)
{
	const char	*req = text_of(j, "req_id"), *code = text_of(j, "code");
	const char	*ask = text_of(j, "ask_id");

	if (req == NULL && ask != NULL) {
		take_ask_err(s, j, ask);
	} else if (req != NULL && *req == 'n' &&
	    strcmp(code, "name_taken") == 0) {
		/* its own last one is about to end: once more */
		s->state = AWAY;
		s->back_at = s->soak->now + 200;
	} else if (req != NULL && *req == 'r') {
		s->wanted[0] = '\0';
	} else if (req != NULL && (*req == 'h' || *req == 'g')) {
		take_group_err(s, j, req, code);
	} else if (req == NULL || *req != 'y') {
		complain(s->soak, NULL, "%s: %s", s->name, show(j));
	}
}

void
soul_hear(struct soul *s, const json_t *j)
{
	static const struct {
		const char	*type;
		void		(*take)(struct soul *, const json_t *);
	} heard[] = {
		{ "ack", on_ack },
		{ "err", take_err },
		{ "group_ack", on_group_ack },
		{ "group_created", on_created },
		{ "group_messages", on_history },
		{ "inbox_result", take_inbox },
		{ "incoming_ask", on_ask },
		{ "incoming_group_msg", group_pushed },
		{ "incoming_message", on_message },
		{ "incoming_reply", on_reply },
		{ "incoming_room_msg", on_room },
		{ "ping", on_ping },
		{ "receipt", on_receipt },
		{ "send_ack", on_send_ack },
		{ "status_result", on_status },
	};
	const char	*type = text_of(j, "type");
	size_t		 i;

	for (i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
		if (type != NULL && strcmp(type, heard[i].type) == 0) {
			heard[i].take(s, j);
			return;
		}
	}
}
