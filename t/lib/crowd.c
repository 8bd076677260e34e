/* SPDX-License-Identifier: ISC */
/*
 * Many sessions that speak at the same time, and what each of them must be
 * given.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "crowd.h"

#define ARRIVE_MS	30000

static void	 take(struct crowd *, int, const json_t *);
static void	 come(struct crowd *, int, const json_t *);
static void	 answer_ask(struct crowd *, int, int, const json_t *);
static void	 answered(struct crowd *, int, const json_t *);
static void	 missing(struct crowd *) __attribute__((__noreturn__));

void
crowd_begin(struct crowd *c, unsigned seed)
{
	int	i, from, way;

	c->random = 0x9e3779b97f4a7c15ULL ^ seed;
	c->t = tenv_new();
	hub_start(c->t);
	for (i = 0; i < CROWD; i++) {
		for (from = 0; from < CROWD; from++) {
			for (way = 0; way < WAYS; way++)
				TAILQ_INIT(&c->peers[i].due[from][way]);
		}
		snprintf(c->peers[i].name, sizeof(c->peers[i].name), "s%d", i);
		crowd_enter(c, i);
	}
}

void
crowd_end(struct crowd *c)
{
	tenv_end(c->t);
	free(c->ops);
}

void
crowd_enter(struct crowd *c, int i)
{
	c->peers[i].c = client_new(c->t, c->peers[i].name,
	    i % 2 == 1 ? "ids,kind" : NULL);
}

unsigned
test_setting(const char *name, unsigned otherwise)
{
	const char	*s = getenv(name);

	return (s != NULL && *s != '\0' ? (unsigned)strtoul(s, NULL, 10) :
	    otherwise);
}

unsigned
crowd_pick(struct crowd *c, unsigned below)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return ((unsigned)(c->random >> 24) % below);
}

int
crowd_online(struct crowd *c)
{
	int	i;

	do
		i = (int)crowd_pick(c, CROWD);
	while (c->peers[i].c == NULL);
	return (i);
}

int
crowd_by_name(struct crowd *c, const json_t *name)
{
	int	i;

	for (i = 0; json_is_string(name) && i < CROWD; i++) {
		if (strcmp(c->peers[i].name, json_string_value(name)) == 0)
			return (i);
	}
	fail_with("nobody is called %s", show(name));
}

int
crowd_sender(const json_t *j)
{
	int	i;

	want(sscanf(str_of(j, "from"), "s%d", &i) == 1, "from whom is %s",
	    show(j));
	return (i);
}

int
crowd_count(const int in[CROWD])
{
	int	i, n = 0;

	for (i = 0; i < CROWD; i++)
		n += in[i];
	return (n);
}

void
msg_add(struct msgs *list, int from, json_t *json)
{
	struct msg	*x = xcalloc(1, sizeof(*x));

	x->from = from;
	x->json = json_incref(json);
	TAILQ_INSERT_TAIL(list, x, entry);
}

void
msg_drop(struct msgs *list, struct msg *x)
{
	TAILQ_REMOVE(list, x, entry);
	json_decref(x->json);
	free(x);
}

void
crowd_expect(struct crowd *c, int to, int from, enum way way, json_t *json)
{
	msg_add(&c->peers[to].due[from][way], from, json);
	c->due++;
}

/* Each is another one: a number, and something that wants escaping. */
json_t *
crowd_text(struct crowd *c)
{
	static const char *const bits[] = {
		"", "\"quoted\"", "back\\slash", "two\nlines\r\n", "\t\x01\x7f",
		"\xc3\xa9\xe2\x82\xac", "\xf0\x9f\x98\x80", "{\"type\":1}\n"
	};
	const unsigned	 nbits = sizeof(bits) / sizeof(bits[0]);
	char		 text[8192];
	unsigned	 n = crowd_pick(c, 50) == 0 ? 500 : crowd_pick(c, 12);

	snprintf(text, sizeof(text), "%u ", ++c->texts);
	while (n-- > 0)
		strlcat(text, bits[crowd_pick(c, nbits)], sizeof(text));
	return (json_string(text));
}

const char *
crowd_ask(struct crowd *c, int who, const char *answer, const char *key,
    json_t *value, json_t *json)
{
	static char	 id[16];
	struct op	*o;

	if (c->nops == c->opsize) {
		c->opsize = c->opsize * 2 + 64;
		c->ops = xreallocarray(c->ops, c->opsize, sizeof(*c->ops));
	}
	snprintf(id, sizeof(id), "%u", c->nops);
	o = &c->ops[c->nops++];
	o->who = who;
	o->done = 0;
	o->answer = answer;
	o->key = key;
	o->value = value;
	o->json = json_incref(json);
	c->unanswered++;
	c->sent++;
	return (id);
}

void
same_member(json_t *known, const json_t *got, const char *key)
{
	json_t	*a = json_object_get(known, key);
	json_t	*b = json_object_get(got, key);

	if (a == NULL && b != NULL)
		json_object_set(known, key, b);
	else
		want(a == b || json_equal(a, b), "wanted %s, got %s: %s",
		    show(known), show(got), key);
}

static void
take(struct crowd *c, int who, const json_t *got)
{
	want(got != NULL, "a line that is not JSON");
	if (json_object_get(got, "req_id") != NULL)
		answered(c, who, got);
	else
		come(c, who, got);
}

/* The next one of what its sender has sent that way. */
static void
come(struct crowd *c, int to, const json_t *got)
{
	const char	*type = str_of(got, "type"), *key;
	int		 from = crowd_by_name(c, json_object_get(got, "from"));
	enum way	 way = PASSED;
	struct msgs	*list;
	struct msg	*x;
	json_t		*v;

	if (strcmp(type, "incoming_message") == 0 ||
	    strcmp(type, "incoming_group_msg") == 0)
		way = STORED;
	list = &c->peers[to].due[from][way];
	x = TAILQ_FIRST(list);
	want(x != NULL, "%s should not get %s", c->peers[to].name, show(got));
	json_object_foreach(x->json, key, v)
		same_member(x->json, got, key);
	if (way == STORED) {
		same_member(x->json, got, "msg_id");
		same_member(x->json, got, "ts");
	}
	if (strcmp(type, "incoming_group_msg") == 0)
		c->group_msg(c->arg, to, got);
	else if (strcmp(type, "incoming_ask") == 0)
		answer_ask(c, to, from, got);
	msg_drop(list, x);
	c->due--;
	c->given++;
}

/* Whoever is asked by a broadcast answers at once. */
static void
answer_ask(struct crowd *c, int who, int asker, const json_t *ask)
{
	const char	*id = str_of(ask, "ask_id");
	json_t		*json;

	json = json_pack("{s:s,s:s,s:s,s:s+,s:O}", "type", "incoming_reply",
	    "from", c->peers[who].name, "ask_id", id, "text", "re ", id,
	    "broadcast_id", json_object_get(ask, "broadcast_id"));
	crowd_expect(c, asker, who, PASSED, json);
	say(c->peers[who].c, "{s:s,s:s,s:s+}", "type", "reply", "ask_id", id,
	    "text", "re ", id);
	json_decref(json);
}

static void
answered(struct crowd *c, int who, const json_t *got)
{
	unsigned	 n = (unsigned)atoi(str_of(got, "req_id"));
	struct op	*o;

	want(n < c->nops && c->ops[n].who == who && !c->ops[n].done,
	    "%s did not ask for %s", c->peers[who].name, show(got));
	o = &c->ops[n];
	is_str(got, "type", o->answer);
	if (o->key != NULL)
		want(json_equal(json_object_get(got, o->key), o->value),
		    "%s should be %s: %s", o->key, show(o->value), show(got));
	if (o->json != NULL)
		same_member(o->json, got, "msg_id");
	json_decref(o->value);
	json_decref(o->json);
	o->done = 1;
	c->unanswered--;
}

void
crowd_broadcast(struct crowd *c, int who)
{
	json_t		*json, *text = crowd_text(c);
	char		 id[16];
	const char	*req;
	int		 i, n = 0;

	snprintf(id, sizeof(id), "b%u", c->texts);
	for (i = 0; i < CROWD; i++) {
		if (i == who || c->peers[i].c == NULL)
			continue;
		json = json_pack("{s:s,s:s,s:O,s:s,s:s,s:s++}", "type",
		    "incoming_ask", "from", c->peers[who].name, "question",
		    text, "broadcast_id", id, "thread_id", id, "ask_id", id,
		    ":", c->peers[i].name);
		crowd_expect(c, i, who, PASSED, json);
		json_decref(json);
		n++;
	}
	req = crowd_ask(c, who, "broadcast_ack", "peer_count", json_integer(n),
	    NULL);
	say(c->peers[who].c, "{s:s,s:s,s:s,s:O}", "type", "broadcast",
	    "req_id", req, "broadcast_id", id, "question", text);
	json_decref(text);
}

void
crowd_arrive(struct crowd *c)
{
	int64_t		 end = t_now() + t_slow(ARRIVE_MS);
	struct line	*l;
	int		 i;

	while (c->unanswered > 0 || c->due > 0) {
		if (t_now() >= end)
			missing(c);
		conns_pump(c->t, 10);
		for (i = 0; i < CROWD; i++) {
			if (c->peers[i].c == NULL)
				continue;
			while ((l = conn_take(c->peers[i].c, 0)) != NULL) {
				take(c, i, l->json);
				line_free(l);
			}
			want(!c->peers[i].c->eof, "%s was cut off",
			    c->peers[i].name);
		}
	}
	c->nops = 0;
	json_array_clear(c->t->kept);
}

static void
missing(struct crowd *c)
{
	struct msg	*x;
	unsigned	 n;
	int		 i, from, way;

	for (n = 0; n < c->nops; n++) {
		if (!c->ops[n].done)
			printf("no answer %u to %s: %s\n", n,
			    c->peers[c->ops[n].who].name, c->ops[n].answer);
	}
	for (i = 0; i < CROWD; i++) {
		for (from = 0; from < CROWD; from++) {
			for (way = 0; way < WAYS; way++) {
				x = TAILQ_FIRST(&c->peers[i].due[from][way]);
				if (x != NULL)
					printf("%s has not got %s\n",
					    c->peers[i].name, show(x->json));
			}
		}
	}
	fflush(stdout);
	fail_with("%u answers and %u messages are missing", c->unanswered,
	    c->due);
}

void
crowd_names(struct crowd *c, const json_t *list, const int *in)
{
	int	 seen[CROWD] = { 0 }, n = crowd_count(in), i;
	json_t	*v;
	size_t	 k;

	json_array_foreach(list, k, v) {
		i = crowd_by_name(c, json_is_object(v) ?
		    json_object_get(v, "name") : v);
		want(in[i] && !seen[i]++, "%s should not be in %s",
		    c->peers[i].name, show(list));
	}
	want(json_array_size(list) == (size_t)n, "%d should be in %s", n,
	    show(list));
}
