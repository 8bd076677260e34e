/* SPDX-License-Identifier: ISC */
/*
 * The promise, for groups: what was acknowledged is in the group's history,
 * once, whatever is killed.  Four members talk at full speed, two read all the
 * time, and the store, the router, the parent or all of them are killed.
 */
#include "compat.h"

#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define SENDERS		4
#define READERS		2
#define ROUNDS		40
#define ROUND_MS_MAX	250
#define READ_AT_ONCE	25
/*
 * What one sender may have said in a round that a reader has not read: all of
 * them together stay below the 500 that a group keeps.
 */
#define BEHIND_MAX	60
#define EACH_MAX	100000	/* messages of one sender */

/* A text is "m<sender>-<n>". */
struct sender {
	struct conn	*c;
	int		 number;
	int		 begun, first;	/* next n; the first of this round */
	int		 acked;
	unsigned char	*state;		/* 1: acknowledged */
	int		*id;		/* in the group, where it is known */
};

struct reader {
	struct conn	*c;
	int		 asked;
	int		 behind;	/* unread ones when it last asked */
	int		 last;		/* id of the last one read */
	int		 read[SENDERS];	/* of each, in this round */
};

struct run {
	struct tenv	*env;
	struct sender	 senders[SENDERS];
	struct reader	 readers[READERS];
	int		*owner;		/* by id: sender * EACH_MAX + n; -1 */
	int		 known;		/* the greatest id heard of */
	unsigned	 seed;
};

static unsigned
random_of(struct run *r, unsigned n)
{
	r->seed = r->seed * 1103515245 + 12345;
	return ((r->seed >> 16) % n);
}

/* Who is here under that id, and has always been; which sender it is. */
static int
known_as(struct run *r, int id, const char *text)
{
	int	i, n, *owner;

	want(sscanf(text, "m%d-%d", &i, &n) == 2 && i >= 0 && i < SENDERS &&
	    n >= 0 && n < r->senders[i].begun, "nobody said %s", text);
	want(id > 0 && id < SENDERS * EACH_MAX, "id %d", id);
	owner = &r->owner[id];
	want(*owner == -1 || *owner == i * EACH_MAX + n,
	    "%d was m%d-%d and is %s", id, *owner / EACH_MAX,
	    *owner % EACH_MAX, text);
	want(r->senders[i].id[n] == 0 || r->senders[i].id[n] == id,
	    "%s is there twice, %d and %d", text, r->senders[i].id[n], id);
	*owner = i * EACH_MAX + n;
	r->senders[i].id[n] = id;
	if (id > r->known)
		r->known = id;
	return (i);
}

static void
take_push(struct run *r, const json_t *j)
{
	known_as(r, atoi(str_of(j, "msg_id")), str_of(j, "text"));
}

static void
take_history(struct run *r, struct reader *p, const json_t *j)
{
	const json_t	*e, *list = json_object_get(j, "messages");
	size_t		 i;
	int		 id, who;

	want(json_is_array(list), "not group_messages: %s", show(j));
	is_absent(j, "dropped");
	for (i = 0; i < json_array_size(list); i++) {
		e = json_array_get(list, i);
		id = (int)int_of(e, "id");
		who = known_as(r, id, str_of(e, "text"));
		/* shown again if the hub died before it knew that it was */
		if (id <= p->last)
			continue;
		want(id == p->last + 1, "%d is missing before %d",
		    p->last + 1, id);
		p->last = id;
		p->read[who]++;
	}
	p->behind = (int)int_of(j, "unread_remaining");
	p->asked = 0;
}

static void
reader_turn(struct run *r, struct reader *p)
{
	char		 text[128];
	struct line	*l;
	const char	*type;
	int		 n;

	while ((l = TAILQ_FIRST(&p->c->lines)) != NULL) {
		TAILQ_REMOVE(&p->c->lines, l, entry);
		type = json_string_value(json_object_get(l->json, "type"));
		if (type != NULL && strcmp(type, "incoming_group_msg") == 0)
			take_push(r, l->json);
		else
			take_history(r, p, l->json);
		line_free(l);
	}
	if (p->asked || p->c->eof)
		return;
	n = snprintf(text, sizeof(text), "{\"type\":\"group_history\","
	    "\"group\":\"g\",\"limit\":%d}\n", READ_AT_ONCE);
	conn_write(p->c, text, (size_t)n);
	p->asked = 1;
}

/* How many of this sender's the slower reader has read in this round. */
static int
read_by_all(const struct run *r, int sender)
{
	int	i, n = r->readers[0].read[sender];

	for (i = 1; i < READERS; i++) {
		if (r->readers[i].read[sender] < n)
			n = r->readers[i].read[sender];
	}
	return (n);
}

static void
sender_turn(struct run *r, struct sender *p, int more)
{
	char		 text[160];
	struct line	*l;
	const char	*type;
	int		 n;

	while ((l = TAILQ_FIRST(&p->c->lines)) != NULL) {
		TAILQ_REMOVE(&p->c->lines, l, entry);
		type = json_string_value(json_object_get(l->json, "type"));
		if (type != NULL && strcmp(type, "group_ack") == 0) {
			n = atoi(str_of(l->json, "req_id"));
			want(n >= p->first && n < p->begun && !p->state[n],
			    "an answer to nothing: %s", l->text);
			p->state[n] = 1;
			p->acked++;
		} else {
			is_str(l->json, "type", "incoming_group_msg");
			take_push(r, l->json);
		}
		line_free(l);
	}
	while (more && p->begun < EACH_MAX - 1 && p->begun - p->first -
	    read_by_all(r, p->number) < BEHIND_MAX) {
		n = snprintf(text, sizeof(text), "{\"type\":\"group_send\","
		    "\"group\":\"g\",\"text\":\"m%d-%d\",\"req_id\":\"%d\"}\n",
		    p->number, p->begun, p->begun);
		p->begun++;
		/* a connection that has gone is found out by reading */
		conn_write(p->c, text, (size_t)n);
	}
}

static void
turn(struct run *r, int more)
{
	int	i;

	for (i = 0; i < SENDERS; i++)
		sender_turn(r, &r->senders[i], more);
	for (i = 0; i < READERS; i++)
		reader_turn(r, &r->readers[i]);
}

/* All of them are there, and the readers have read what there is. */
static void
assemble(struct run *r)
{
	int64_t	end = t_now() + t_slow(T_WAIT);
	char	name[16];
	int	i, ready;

	for (i = 0; i < SENDERS; i++) {
		snprintf(name, sizeof(name), "from%d", i);
		r->senders[i].c = client_new(r->env, name, NULL);
		r->senders[i].first = r->senders[i].begun;
	}
	for (i = 0; i < READERS; i++) {
		snprintf(name, sizeof(name), "to%d", i);
		r->readers[i].c = client_new(r->env, name, NULL);
		r->readers[i].asked = 0;
		r->readers[i].behind = 1;
	}
	do {
		turn(r, 0);
		conns_pump(r->env, 2);
		for (i = ready = 0; i < READERS; i++)
			ready += r->readers[i].behind == 0 &&
			    r->readers[i].last == r->readers[0].last &&
			    r->readers[i].last >= r->known;
		want(t_now() < end, "the history has no end, at %d of %d",
		    r->readers[0].last, r->known);
	} while (ready < READERS);
	for (i = 0; i < READERS; i++)
		memset(r->readers[i].read, 0, sizeof(r->readers[i].read));
}

/* What it had said before it was killed counts. */
static void
take_leave(struct run *r)
{
	int	i;

	for (i = 0; i < SENDERS; i++)
		want(conn_closes(r->senders[i].c, T_WAIT),
		    "connected to nobody");
	for (i = 0; i < READERS; i++)
		want(conn_closes(r->readers[i].c, T_WAIT),
		    "connected to nobody");
	turn(r, 0);
	for (i = 0; i < SENDERS; i++)
		conn_close(r->senders[i].c);
	for (i = 0; i < READERS; i++)
		conn_close(r->readers[i].c);
	json_array_clear(r->env->kept);
}

static void
one_round(struct run *r)
{
	static const char *const roles[] = { "store", "router", NULL, "all" };
	const char	*role = roles[random_of(r, 4)];
	int64_t		 end;
	int		 status;

	assemble(r);
	end = t_now() + 20 + (int)random_of(r, ROUND_MS_MAX);
	while (t_now() < end) {
		turn(r, 1);
		conns_pump(r->env, 2);
	}
	status = hub_kill(r->env, role);
	want(!WIFEXITED(status) || WEXITSTATUS(status) != 0,
	    "hubd: status 0x%x after a part of it was killed", status);
	take_leave(r);
	hub_start(r->env);
}

static struct run *
run_new(void)
{
	struct run	*r = xcalloc(1, sizeof(*r));
	const char	*seed = getenv("ECORELAY_TEST_SEED");
	struct conn	*c;
	int		 i;

	r->env = tenv_new();
	r->seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
	    (unsigned)time(NULL) ^ (unsigned)getpid();
	printf("groupkill: ECORELAY_TEST_SEED=%u\n", r->seed);
	r->owner = xcalloc(SENDERS * EACH_MAX, sizeof(*r->owner));
	for (i = 0; i < SENDERS * EACH_MAX; i++)
		r->owner[i] = -1;
	for (i = 0; i < SENDERS; i++) {
		r->senders[i].number = i;
		r->senders[i].state = xcalloc(EACH_MAX, 1);
		r->senders[i].id = xcalloc(EACH_MAX, sizeof(int));
	}
	hub_start(r->env);
	c = client_new(r->env, "admin", NULL);
	is_str(rpc(c, "{s:s,s:s,s:[s,s,s,s,s,s]}", "type", "group_create",
	    "name", "g", "members", "from0", "from1", "from2", "from3",
	    "to0", "to1"), "type", "group_created");
	conn_close(c);
	return (r);
}

START_TEST(nothing_acknowledged_is_lost)
{
	struct run	*r = run_new();
	struct sender	*p;
	int		 i, n, acked = 0;

	for (i = 0; i < ROUNDS; i++)
		one_round(r);
	assemble(r);
	for (i = 0; i < SENDERS; i++) {
		p = &r->senders[i];
		for (n = 0; n < p->begun; n++)
			want(!p->state[n] || (p->id[n] > 0 &&
			    p->id[n] <= r->readers[0].last),
			    "m%d-%d was acknowledged and is LOST", i, n);
		acked += p->acked;
		free(p->state);
		free(p->id);
	}
	printf("groupkill: %d messages acknowledged, %d in the group, %d "
	    "times killed\n", acked, r->readers[0].last, ROUNDS);
	want(acked > ROUNDS * SENDERS, "only %d messages were sent", acked);
	tenv_end(r->env);
	free(r->owner);
	free(r);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("groupkill");

	(void)argc;
	test_add(s, nothing_acknowledged_is_lost, 180);
	return (test_main(argv[0], s));
}
