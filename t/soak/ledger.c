/* SPDX-License-Identifier: ISC */
/*
 * Everything that was said, and what is known of each: who must get it, who
 * has got it, whole and in order, and what happened to it last.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

#define LEAST		32	/* a text with its number in it */

static unsigned	 length_at_most(struct soak *, unsigned);
static int	 in_order(struct soak *, struct post *, unsigned *,
		    const char *);

struct post *
post_new(struct soak *k, enum kind kind, int from, int to, unsigned len)
{
	struct post	*p = xcalloc(1, sizeof(*p));

	if (k->nposts == k->room) {
		k->room = k->room * 2 + 1024;
		k->posts = xreallocarray(k->posts, k->room,
		    sizeof(struct post *));
	}
	p->id = k->nposts;
	p->kind = kind;
	p->from = from;
	p->to = to;
	p->len = len;
	k->posts[k->nposts++] = p;
	if (kind == MAIL) {
		p->seq = ++k->souls[from].sent_seq[to];
		k->souls[to].owed++;
		k->sent++;
		k->big += len > 100000;
	}
	post_note(k, p, "made", from);
	return (p);
}

static unsigned
length_at_most(struct soak *k, unsigned most)
{
	return (1 + pick(k, most));
}

unsigned
post_length(struct soak *k, unsigned least)
{
	unsigned	n, what = pick(k, 4000);

	if (what < 2400)
		n = length_at_most(k, 200);
	else if (what < 3600)
		n = length_at_most(k, 4096);
	else if (what < 3998)
		n = length_at_most(k, 65536);
	else
		n = 500000;
	return (n < least ? least : n);
}

/*
 * The same for the same number, whoever makes it; with its number in front
 * unless it is too short for that, and with what wants escaping.
 */
char *
post_text(const struct post *p)
{
	static const char *const bits[] = {
		"lorem ", "\"quoted\" ", "back\\slash ", "two\nlines\r\n",
		"\t\x01\x7f", "\xc3\xa9\xe2\x82\xac ", "\xf0\x9f\x98\x80",
		"{\"type\":1}\n", "what sessions send each other is short. "
	};
	const unsigned	 nbits = sizeof(bits) / sizeof(bits[0]);
	char		*text = xmalloc(p->len + 1);
	uint32_t	 x = p->id * 2654435761u + 12345;
	size_t		 n = 0, m;

	if (p->len >= LEAST)
		n = (size_t)snprintf(text, p->len + 1, "#%u.%u# ", p->id,
		    p->len);
	while (n < p->len) {
		x = x * 1664525 + 1013904223;
		m = strlen(bits[(x >> 16) % nbits]);
		if (m > p->len - n) {
			text[n++] = (char)('a' + (x >> 16) % 26);
			continue;
		}
		memcpy(text + n, bits[(x >> 16) % nbits], m);
		n += m;
	}
	text[n] = '\0';
	return (text);
}

struct post *
post_find(struct soak *k, const char *msg_id, const char *text)
{
	unsigned	id, len;

	if (msg_id != NULL && sscanf(msg_id, "k%u", &id) == 1 &&
	    id < k->nposts)
		return (k->posts[id]);
	if (text != NULL && sscanf(text, "#%u.%u#", &id, &len) == 2 &&
	    id < k->nposts)
		return (k->posts[id]);
	return (NULL);
}

void
post_note(struct soak *k, struct post *p, const char *what, int by)
{
	unsigned	i = p->ntrail++ % TRAIL;

	p->trail[i].ms = k->now - k->began;
	p->trail[i].what = what;
	p->trail[i].by = by;
}

int
soul_by_name(const struct soak *k, const char *name)
{
	int	n;

	if (name == NULL || sscanf(name, "s%d", &n) != 1 || n < 0 ||
	    n >= k->nsouls)
		return (-1);
	return (n);
}

int
post_check(struct soak *k, struct post *p, enum kind kind,
    const struct soul *by, const char *from, const char *text)
{
	const char	*at = from != NULL ? strchr(from, '@') : NULL;
	const struct soul *sender;
	char		*wanted;
	int		 same;

	if (p == NULL || p->kind != kind) {
		complain(k, p, "%s was given what nobody has sent: %.100s",
		    by->name, text != NULL ? text : "(no text)");
		return (-1);
	}
	sender = &k->souls[p->from];
	if (soul_by_name(k, from) != p->from ||
	    (at == NULL) != (sender->site == by->site) || (at != NULL &&
	    strcmp(at + 1, k->sites[sender->site].id) != 0)) {
		complain(k, p, "%s was told that it is from %s", by->name,
		    from != NULL ? from : "nobody");
		return (-1);
	}
	wanted = post_text(p);
	same = text != NULL && strcmp(text, wanted) == 0;
	free(wanted);
	if (!same)
		complain(k, p, "%s was given another text: %.100s", by->name,
		    text != NULL ? text : "(none)");
	if (kind == MAIL && p->to != by->number)
		complain(k, p, "%s was given it", by->name);
	return (same ? 0 : -1);
}

void
post_acked(struct soak *k, struct post *p)
{
	struct soul	*from = &k->souls[p->from];

	if (p->flags & P_ACKED)
		return;
	p->flags |= P_ACKED;
	post_note(k, p, "acknowledged", p->from);
	TAILQ_REMOVE(&from->open, p, entry);
	from->nopen--;
	k->acked++;
}

void
post_unsure(struct soak *k, struct post *p, const char *why)
{
	struct soul	*from = &k->souls[p->from];

	if (p->flags & (P_ACKED | P_UNSURE))
		return;
	p->flags |= P_UNSURE;
	k->unsure++;
	post_note(k, p, why, p->from);
	TAILQ_REMOVE(&from->open, p, entry);
	from->nopen--;
	if (!(p->flags & P_READ))
		k->souls[p->to].owed--;
}

/* What nobody waits for may come later than what was said after it. */
static int
in_order(struct soak *k, struct post *p, unsigned *last, const char *where)
{
	if (p->flags & P_UNSURE)
		return (0);
	if (p->seq <= *last) {
		complain(k, p, "number %u of that sender comes after number "
		    "%u in %s", p->seq, *last, where);
		return (-1);
	}
	*last = p->seq;
	return (0);
}

void
post_read(struct soak *k, struct post *p, struct soul *by)
{
	post_note(k, p, "read", by->number);
	if (p->flags & P_READ) {
		complain(k, p, "it is twice in the mailbox");
		return;
	}
	p->flags |= P_READ;
	k->read++;
	if (!(p->flags & P_UNSURE))
		by->owed--;
	(void)in_order(k, p, &by->read_seq[p->from], "the mailbox");
}

/* Again only on another connection: the first may have died with it. */
void
post_pushed(struct soak *k, struct post *p, struct soul *by)
{
	post_note(k, p, "pushed", by->number);
	k->pushed++;
	if (p->flags & P_PUSHED)
		k->again++;
	p->flags |= P_PUSHED;
	(void)in_order(k, p, &by->push_seq[p->from], "what is pushed");
}
