/* SPDX-License-Identifier: ISC */
/*
 * What sessions do, at random: most of it is sending and reading.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

#define OWED_MAX	40	/* of one mailbox, which keeps 100 */
#define OPEN_MAX	16	/* of one sender */
#define ASK_MS		10000
#define SLACK_MS	10000
#define FULL		(512 * 1024)	/* not read by the hub yet */

static void	 say_mail(struct soul *);
static void	 say_ask(struct soul *);
static void	 say_room(struct soul *);
static void	 say_cast(struct soul *);
static void	 take_name(struct soul *);
static void	 ask_status(struct soul *);
static void	 ask_peers(struct soul *);
static void	 next_history(struct soul *);
static struct soul *another(struct soul *);

/* host: a channeld does that, too. */
static const struct act {
	unsigned	 weight;
	void		(*act)(struct soul *);
	int		 host;
} acts[] = {
	{ 500, say_mail, 1 },
	{ 150, soul_read, 1 },
	{ 80, say_ask, 0 },
	{ 120, say_room, 0 },
	{ 80, group_say, 0 },
	{ 40, next_history, 0 },
	{ 30, ask_status, 0 },
	{ 20, ask_peers, 0 },
	{ 20, take_name, 0 },
	{ 1, say_cast, 0 },
};

static struct soul *
another(struct soul *s)
{
	struct soak	*k = s->soak;
	struct soul	*to;

	do
		to = &k->souls[pick(k, (unsigned)k->nsouls)];
	while (to == s);
	return (to);
}

static void
say_mail(struct soul *s)
{
	struct soak	*k = s->soak;
	struct soul	*to = another(s);
	struct post	*p;
	char		 name[96];

	if (to->owed >= OWED_MAX || s->nopen >= OPEN_MAX ||
	    s->sending != NULL)
		return;
	p = post_new(k, MAIL, s->number, to->number,
	    post_length(k, s->kind == HOST ? 32 : 1));
	TAILQ_INSERT_TAIL(&s->open, p, entry);
	s->nopen++;
	if (s->kind == HOST) {
		soul_address(to, s->site, 0, name);
		host_send(s, p, name);
	} else {
		soul_send(s, p, 0);
	}
}

static void
say_ask(struct soul *s)
{
	struct soak	*k = s->soak;
	struct soul	*to = another(s);
	struct post	*p = post_new(k, ASK, s->number, to->number,
	    post_length(k, 32));
	char		 name[96], id[24], *text = post_text(p);

	soul_address(to, s->site, 0, name);
	snprintf(id, sizeof(id), "a%u", p->id);
	p->until = k->now + ASK_MS + SLACK_MS;
	TAILQ_INSERT_TAIL(&s->asks, p, entry);
	chan_say(s->chan, "{s:s,s:s,s:s,s:s,s:i}", "type", "ask", "to",
	    name, "question", text, "ask_id", id, "timeout_ms", ASK_MS);
	k->asks++;
	free(text);
}

/* Those that need no answer get one from some only. */
void
talk_answer(struct soul *s, const char *ask_id, int sure)
{
	struct soak	*k = s->soak;
	struct post	*p;
	char		*text;

	if (pick(k, 100) >= (sure ? 90 : 10))
		return;
	p = post_new(k, REPLY, s->number, -1, post_length(k, 32));
	text = post_text(p);
	if (s->kind == HOST)
		host_reply(s, ask_id, text);
	else
		chan_say(s->chan, "{s:s,s:s,s:s,s:s}", "type", "reply",
		    "req_id", "y", "ask_id", ask_id, "text", text);
	free(text);
}

static void
say_room(struct soul *s)
{
	struct soak	*k = s->soak;
	struct post	*p = post_new(k, ROOM, s->number, -1,
	    post_length(k, 32));
	char		 room[16], id[24], *text = post_text(p);

	snprintf(room, sizeof(room), "room%d", s->number / SITES % 10);
	snprintf(id, sizeof(id), "k%u", p->id);
	chan_say(s->chan, "{s:s,s:s,s:s,s:s,s:s}", "type", "room_msg",
	    "req_id", "o", "room", room, "msg_id", id, "text", text);
	free(text);
}

static void
say_cast(struct soul *s)
{
	struct soak	*k = s->soak;
	struct post	*p = post_new(k, CAST, s->number, -1,
	    32 + pick(k, 1000));
	char		 id[24], *text = post_text(p);

	snprintf(id, sizeof(id), "b%u", p->id);
	chan_say(s->chan, "{s:s,s:s,s:s,s:s}", "type", "broadcast",
	    "req_id", "b", "question", text, "broadcast_id", id);
	free(text);
}

/* A few names in turn, so that there is an end to former ones. */
static void
take_name(struct soul *s)
{
	unsigned	n = (s->renames + 1) % NAMES;

	if (s->wanted[0] != '\0')
		return;
	s->renames++;
	snprintf(s->wanted, sizeof(s->wanted), n == 0 ? "s%d" : "s%d.%u",
	    s->number, n);
	chan_say(s->chan, "{s:s,s:s,s:s}", "type", "rename", "req_id", "r",
	    "new_name", s->wanted);
}

static void
ask_status(struct soul *s)
{
	struct soak	*k = s->soak;
	struct post	*p;
	char		 id[24];

	if (k->nposts == 0)
		return;
	p = k->posts[pick(k, k->nposts)];
	if (p->kind != MAIL || p->from != s->number)
		return;
	snprintf(id, sizeof(id), "k%u", p->id);
	chan_say(s->chan, "{s:s,s:s,s:s}", "type", "status", "req_id", "t",
	    "msg_id", id);
}

static void
ask_peers(struct soul *s)
{
	static const char *const what[] = {
		"list_peers", "list_rooms", "group_list", "sessions", "status"
	};

	chan_say(s->chan, "{s:s,s:s}", "type", what[pick(s->soak, 5)],
	    "req_id", "p");
}

static void
next_history(struct soul *s)
{
	group_ask_history(s, -1);
}

static void
act(struct soul *s)
{
	struct soak	*k = s->soak;
	unsigned	 i, total = 0, n;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		total += acts[i].weight;
	n = pick(k, total);
	for (i = 0; n >= acts[i].weight; i++)
		n -= acts[i].weight;
	if (s->kind == HOST && !acts[i].host)
		i = 0;
	acts[i].act(s);
}

void
talk_turn(struct soak *k)
{
	struct soul	*s;
	int		 i;

	for (i = 0; i < k->nsouls; i++) {
		s = &k->souls[i];
		if (s->state != THERE || k->now < s->next_act ||
		    s->chan->mute || chan_waiting(s->chan) > FULL)
			continue;
		s->next_act = k->now + k->pace / 2 + pick(k, k->pace);
		if (k->quiet || (s->owed > OWED_MAX / 2 &&
		    s->asked_at == 0)) {
			s->next_act = k->now + 100 + pick(k, 200);
			if (s->owed > 0)
				soul_read(s);
		} else {
			act(s);
		}
	}
}
