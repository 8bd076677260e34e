/* SPDX-License-Identifier: ISC */
/*
 * Groups, with members at both hubs: every entry has one number, and every
 * member reads them all, in order.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

static void	 address(const struct soul *, int, char[32]);
static void	 bind(struct soak *, int, int64_t, struct post *,
		    const struct soul *);

/* Six of its hub and two of the other, none of which is a channeld. */
void
groups_new(struct soak *k)
{
	struct group	*g;
	int		 i, n, m;

	k->ngroups = k->nsouls / 8 < 24 ? k->nsouls / 8 : 24;
	for (i = 0; i < k->ngroups; i++) {
		g = &k->groups[i];
		snprintf(g->name, sizeof(g->name), "g%d", i);
		g->site = i % SITES;
		for (n = i * 7, m = 0; g->nmembers < GROUP_SIZE; n++) {
			struct soul	*s = &k->souls[n % k->nsouls];

			if (s->kind == HOST || (s->site != g->site &&
			    (m == 2 || g->nmembers == 0)))
				continue;
			m += s->site != g->site;
			g->members[g->nmembers++] = s->number;
		}
	}
}

static void
address(const struct soul *s, int group, char dst[32])
{
	const struct group	*g = &s->soak->groups[group];

	snprintf(dst, 32, "%s%s%s", g->name, g->site != s->site ? "@" : "",
	    g->site != s->site ? s->soak->sites[g->site].id : "");
}

/* 1 if all are there; asks for those that are not. */
int
groups_made(struct soak *k)
{
	struct group	*g;
	json_t		*list;
	char		 name[96], req[16];
	int		 i, m, made = 1;

	for (i = 0; i < k->ngroups; i++) {
		g = &k->groups[i];
		if (g->made == 1)
			continue;
		made = 0;
		if (g->made == 2 || k->souls[g->members[0]].state != THERE)
			continue;
		list = json_array();
		for (m = 1; m < g->nmembers; m++) {
			soul_address(&k->souls[g->members[m]], g->site, 0,
			    name);
			json_array_append_new(list, json_string(name));
		}
		snprintf(req, sizeof(req), "c%d", i);
		chan_say(k->souls[g->members[0]].chan,
		    "{s:s,s:s,s:s,s:o}", "type", "group_create", "req_id",
		    req, "name", g->name, "members", list);
		g->made = 2;
	}
	return (made);
}

static int
group_of(const struct soul *s, unsigned nth)
{
	const struct soak	*k = s->soak;
	int			 i, m, n = 0;

	for (i = 0; i < k->ngroups; i++) {
		for (m = 0; m < k->groups[i].nmembers; m++) {
			if (k->groups[i].members[m] == s->number &&
			    (unsigned)n++ == nth)
				return (i);
		}
	}
	return (-1);
}

void
group_say(struct soul *s)
{
	struct soak	*k = s->soak;
	int		 i = group_of(s, pick(k, 2));
	struct post	*p;
	char		 name[32], req[16], *text;

	if (i == -1)
		return;
	address(s, i, name);
	p = post_new(k, GROUP, s->number, i, post_length(k, 32));
	text = post_text(p);
	snprintf(req, sizeof(req), "g%u", p->id);
	chan_say(s->chan, "{s:s,s:s,s:s,s:s}", "type", "group_send",
	    "req_id", req, "group", name, "text", text);
	free(text);
}

void
group_ask_history(struct soul *s, int i)
{
	char	name[32], req[16];

	if (i == -1)
		i = group_of(s, pick(s->soak, 2));
	if (i == -1 || s->history_asked != 0 || s->state != THERE)
		return;
	s->history_asked = i + 1;
	address(s, i, name);
	snprintf(req, sizeof(req), "h%d", i);
	chan_say(s->chan, "{s:s,s:s,s:s,s:i}", "type", "group_history",
	    "req_id", req, "group", name, "limit", 50);
}

/* That number is that text, for everybody, and no other one is. */
static void
bind(struct soak *k, int group, int64_t id, struct post *p,
    const struct soul *by)
{
	struct group	*g = &k->groups[group];
	size_t		 n = (size_t)id;

	if (id < 1 || p->to != group) {
		complain(k, p, "%s was given it in %s with number %lld",
		    by->name, g->name, (long long)id);
		return;
	}
	while (g->nentries <= n) {
		g->entries = xreallocarray(g->entries, g->nentries + 256,
		    sizeof(*g->entries));
		memset(g->entries + g->nentries, 0,
		    256 * sizeof(*g->entries));
		g->nentries += 256;
	}
	if ((g->entries[n] != 0 && g->entries[n] != p->id + 1) ||
	    (p->seq != 0 && p->seq != (unsigned)id))
		complain(k, p, "entry %lld of %s was %u for others (it was "
		    "number %u before)", (long long)id, g->name,
		    g->entries[n] - 1, p->seq);
	g->entries[n] = p->id + 1;
	p->seq = (unsigned)id;
}

void
group_pushed(struct soul *s, const json_t *j)
{
	struct soak	*k = s->soak;
	const char	*text, *id, *name;
	struct post	*p;
	int		 group;

	name = json_string_value(json_object_get(j, "group"));
	id = json_string_value(json_object_get(j, "msg_id"));
	text = json_string_value(json_object_get(j, "text"));
	p = post_find(k, NULL, text);
	if (post_check(k, p, GROUP, s, json_string_value(
	    json_object_get(j, "from")), text) == -1)
		return;
	if (name == NULL || sscanf(name, "g%d", &group) != 1 || id == NULL ||
	    group < 0 || group >= k->ngroups) {
		complain(k, p, "%s: %s", s->name, show(j));
		return;
	}
	bind(k, group, atoll(id), p, s);
	if (atoll(id) <= s->group_id[group])
		complain(k, p, "%s was told of entry %s after %lld", s->name,
		    id, (long long)s->group_id[group]);
	s->group_id[group] = atoll(id);
	k->in_groups++;
}

/* The next ones, unless an answer with some was lost. */
void
group_history(struct soul *s, int group, const json_t *j)
{
	struct soak	*k = s->soak;
	const json_t	*list = json_object_get(j, "messages"), *m;
	const char	*text;
	struct post	*p;
	int64_t		 id, *last = &s->history[group];
	size_t		 i;

	s->history_asked = 0;
	json_array_foreach(list, i, m) {
		id = json_integer_value(json_object_get(m, "id"));
		text = json_string_value(json_object_get(m, "text"));
		p = post_find(k, NULL, text);
		if (post_check(k, p, GROUP, s, json_string_value(
		    json_object_get(m, "from")), text) == -1)
			continue;
		bind(k, group, id, p, s);
		if (id <= *last || (id > *last + 1 &&
		    !s->history_lost[group]))
			complain(k, p, "%s read entry %lld of %s after %lld",
			    s->name, (long long)id, k->groups[group].name,
			    (long long)*last);
		s->history_lost[group] = 0;
		*last = id;
	}
	if (json_integer_value(json_object_get(j, "unread_remaining")) == 0)
		s->history_done[group] = 1;
}

/* 1 if every member has read to the end since history_done was cleared. */
int
groups_read(struct soak *k)
{
	struct soul	*s;
	int		 i, m, all = 1;

	for (i = 0; i < k->ngroups; i++) {
		for (m = 0; m < k->groups[i].nmembers; m++) {
			s = &k->souls[k->groups[i].members[m]];
			if (s->history_done[i])
				continue;
			all = 0;
			group_ask_history(s, i);
		}
	}
	return (all);
}

/*
 * What was acknowledged has a number.  An answer that was lost may have had
 * the only copy that anybody was given: then its number is free.
 */
void
groups_final(struct soak *k)
{
	const struct post	*p;
	const struct group	*g;
	unsigned		 i;
	size_t			 n, last;
	int			 unread[GROUPS_MAX] = { 0 };

	for (i = 0; i < (unsigned)k->ngroups; i++) {
		g = &k->groups[i];
		for (last = g->nentries; last > 1 &&
		    g->entries[last - 1] == 0; last--)
			continue;
		for (n = 1; n < last; n++)
			unread[i] += g->entries[n] == 0;
	}
	for (i = 0; i < k->nposts; i++) {
		p = k->posts[i];
		if (p->kind == GROUP && p->flags & P_ACKED && p->seq == 0 &&
		    unread[p->to]-- <= 0)
			complain(k, p, "it is not in %s",
			    k->groups[p->to].name);
	}
}
