/* SPDX-License-Identifier: ISC */
/*
 * The sessions: how they come, go, come back under the same name, and send
 * again what was not acknowledged, as channeld does.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

#define HOSTS_OF	20	/* one in so many is a channeld */
#define HOSTS_MIN	4
#define WEB_OF		10
#define RETRY_MS	200
#define ANSWER_MS	60000	/* an inbox at the latest */

static void	 come(struct soul *);
static void	 register_as(struct soul *, const char *);
static void	 turn_of(struct soul *);

void
crew_new(struct soak *k)
{
	struct soul	*s;
	int		 i, hosts = k->nsouls / HOSTS_OF;

	k->souls = xcalloc((size_t)k->nsouls, sizeof(*k->souls));
	for (i = 0; i < k->nsouls; i++) {
		s = &k->souls[i];
		s->soak = k;
		s->number = i;
		s->site = i % SITES;
		if (i < (hosts > HOSTS_MIN ? hosts : HOSTS_MIN))
			s->kind = HOST;
		else if (i % WEB_OF < SITES)
			s->kind = WEB;
		TAILQ_INIT(&s->open);
		TAILQ_INIT(&s->asks);
		snprintf(s->name, sizeof(s->name), "s%d", i);
		strlcpy(s->former, s->name, sizeof(s->former));
		strlcpy(s->last_read, "none", sizeof(s->last_read));
	}
}

void
soul_address(const struct soul *s, int site, int former, char dst[96])
{
	const char	*name = former ? s->former : s->name;

	if (s->site == site)
		strlcpy(dst, name, 96);
	else
		snprintf(dst, 96, "%s@%s", name, s->soak->sites[s->site].id);
}

static void
register_as(struct soul *s, const char *name)
{
	chan_say(s->chan, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s,s,s,s,s]}",
	    "type", "register", "req_id", "n", "name", name,
	    "cwd", "/work/of/it", "git_branch", "main",
	    "protocol_version", "5", "features", "receipts", "ids", "kind",
	    "sessions", "ask");
}

/* Connects, if its hub is there and knows which name it has. */
static void
come(struct soul *s)
{
	struct soak	*k = s->soak;
	struct site	*h = &k->sites[s->site];

	s->back_at = k->now + RETRY_MS;
	if (s->kind == HOST) {
		if (s->chan == NULL)
			host_start(s);
		return;
	}
	if (h->env->hub == 0 || h->dying ||
	    (s->kind == WEB && h->token[0] == '\0'))
		return;
	if (s->wanted[0] != '\0' && !site_settle(s))
		return;
	if (s->chan == NULL)
		s->chan = s->kind == WEB ? chan_ws(h->ws_port, h->token) :
		    chan_unix(h->env->sock);
	if (s->chan == NULL)
		return;
	s->gen = h->gen;
	s->state = COMING;
	register_as(s, s->name);
}

void
soul_lost(struct soul *s, int64_t back_at)
{
	struct post	*p;

	chan_close(s->chan, 0);
	s->chan = NULL;
	s->state = AWAY;
	s->back_at = back_at;
	s->gone_at = s->soak->now;
	s->mute_until = 0;
	if (s->history_asked > 0)
		s->history_lost[s->history_asked - 1] = 1;
	s->history_asked = 0;
	s->asked_at = 0;
	memset(s->push_seq, 0, sizeof(s->push_seq));
	memset(s->room_seq, 0, sizeof(s->room_seq));
	memset(s->group_id, 0, sizeof(s->group_id));
	while ((p = TAILQ_FIRST(&s->asks)) != NULL) {
		TAILQ_REMOVE(&s->asks, p, entry);
		p->flags |= P_OVER | P_AWAY;
	}
	if (s->kind == HOST)
		host_lost(s);
}

void
soul_close(struct soul *s, int reset, int64_t back_at)
{
	chan_close(s->chan, reset);
	s->chan = NULL;
	soul_lost(s, back_at);
}

/* It is registered: what has no answer is sent again, in order. */
void
soul_there(struct soul *s)
{
	struct post	*p;
	char		 room[16];

	s->state = THERE;
	snprintf(room, sizeof(room), "room%d", s->number / SITES % 10);
	if (s->kind == HOST)
		return;
	chan_say(s->chan, "{s:s,s:s,s:s}", "type", "join_room",
	    "req_id", "j", "room", room);
	TAILQ_FOREACH(p, &s->open, entry)
		soul_send(s, p, 1);
	soul_read(s);
}

void
soul_send(struct soul *s, struct post *p, int again)
{
	struct soak	*k = s->soak;
	char		 to[96], msg_id[24], req_id[24];
	char		*text = post_text(p);
	json_t		*j;

	/* the same receiver each time, whatever it is called by now */
	soul_address(&k->souls[p->to], s->site, !again && pick(k, 8) == 0,
	    to);
	snprintf(msg_id, sizeof(msg_id), "k%u", p->id);
	snprintf(req_id, sizeof(req_id), "s%u", p->id);
	j = json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "send", "req_id",
	    req_id, "to", to, "msg_id", msg_id, "text", text);
	want(j != NULL, "json_pack of a text");
	if (p->id % 7 == 0)
		json_object_set_new(j, "kind", json_string("request"));
	if (p->id % 11 == 0)
		json_object_set_new(j, "reply_to", json_string(msg_id));
	chan_send(s->chan, j);
	post_note(k, p, again ? "sent again" : "sent", s->number);
	free(text);
}

/* What is behind the last one that it has read, seen or not. */
void
soul_read(struct soul *s)
{
	if (s->asked_at != 0 || s->state != THERE)
		return;
	s->asked_at = s->soak->now;
	if (s->kind == HOST)
		host_read(s);
	else
		chan_say(s->chan, "{s:s,s:s,s:s,s:i}", "type", "inbox",
		    "req_id", "i", "since_id", s->last_read, "limit", 100);
}

void
soul_line(void *arg, const json_t *j)
{
	struct soul	*s = arg;

	if (s->kind == HOST)
		host_line(s, j);
	else
		soul_hear(s, j);
}

/* It was dropped: may the hub do that? */
static void
dropped(struct soul *s)
{
	struct soak	*k = s->soak;
	struct site	*h = &k->sites[s->site];

	if (s->kind == HOST) {
		complain(k, NULL, "%s: its channeld has ended", s->name);
	} else if (h->dying || s->gen != h->gen) {
		;
	} else if (k->now < s->excused_until) {
		k->excused++;
	} else if (k->now < k->slept) {
		k->late++;
	} else {
		complain(k, NULL, "%s was dropped by %s", s->name, h->id);
	}
	soul_lost(s, k->now + 20 + pick(k, 300));
}

static void
turn_of(struct soul *s)
{
	struct soak	*k = s->soak;
	struct post	*p;

	if (s->chan != NULL && s->mute_until != 0 &&
	    k->now >= s->mute_until) {
		s->mute_until = 0;
		s->chan->mute = 0;
		s->excused_until = k->now + 4000;
	}
	if (s->chan != NULL && s->chan->eof)
		dropped(s);
	if (s->state == AWAY && k->now >= s->back_at)
		come(s);
	if (s->asked_at != 0 && k->now > s->asked_at + ANSWER_MS &&
	    s->mute_until == 0) {
		complain(k, NULL, "%s has no answer to its inbox", s->name);
		s->asked_at = k->now;
	}
	while ((p = TAILQ_FIRST(&s->asks)) != NULL && k->now > p->until) {
		TAILQ_REMOVE(&s->asks, p, entry);
		p->flags |= P_OVER;
		if (k->now >= s->excused_until && k->now >= k->slept)
			complain(k, p, "no answer, no error to it");
	}
}

void
crew_turn(struct soak *k)
{
	int	i;

	for (i = 0; i < k->nsouls; i++)
		turn_of(&k->souls[i]);
}
