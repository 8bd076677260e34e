/* SPDX-License-Identifier: ISC */
/*
 * The promise: what was acknowledged is never lost and is in a mailbox once.
 * Four senders at full speed, four receivers that read all the time, and the
 * store, the router, the parent or all of them killed at random moments.
 */
#include "compat.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define PAIRS		4
#define ROUNDS		50
#define IN_FLIGHT	32
#define READ_AT_ONCE	12
/*
 * A receiver may be behind by this many; with those in flight it must stay
 * below the 500 that a mailbox keeps.
 */
#define BEHIND_MAX	300
#define ROUND_MS_MAX	250
#define MESSAGES_MAX	200000	/* of one sender */

/* What is known of message n of a pair; its id is "d<pair>-<n>". */
#define ACKED		1
#define READ		2

struct pair {
	int		 number;
	struct conn	*sender, *receiver;
	unsigned char	*state;
	int		 begun;		/* next n to be sent */
	int		 first_open;	/* all before it are acknowledged */
	int		 open;		/* sent on this connection, no answer */
	int		 acked, read;
	int		 asked;		/* an inbox is on its way */
	char		 last_read[32];
};

struct run {
	struct tenv	*env;
	struct pair	 pairs[PAIRS];
	unsigned	 seed;
};

static unsigned
random_of(struct run *r, unsigned n)
{
	r->seed = r->seed * 1103515245 + 12345;
	return ((r->seed >> 16) % n);
}

static void
send_one(struct pair *p, int n)
{
	char	line[256];
	int	len;

	len = snprintf(line, sizeof(line), "{\"type\":\"send\",\"req_id\":"
	    "\"%d\",\"to\":\"to%d\",\"text\":\"message %d of a sender\","
	    "\"msg_id\":\"d%d-%d\"}\n", n, p->number, n, p->number, n);
	/* A connection that has gone is found out by reading. */
	conn_write(p->sender, line, (size_t)len);
	p->open++;
}

static void
read_on(struct pair *p)
{
	char	line[256];
	int	len;

	/*
	 * Always behind the last one read: seen or not, each comes once.  A
	 * few at a time, so that there is something in it to be lost.
	 */
	len = snprintf(line, sizeof(line), "{\"type\":\"inbox\",\"limit\":%d,"
	    "\"req_id\":\"inbox\",\"since_id\":\"%s\"}\n", READ_AT_ONCE,
	    *p->last_read != '\0' ? p->last_read : "none");
	conn_write(p->receiver, line, (size_t)len);
	p->asked = 1;
}

/* Connects and registers both; what has no answer yet is sent again. */
static void
pair_connect(struct run *r, struct pair *p)
{
	char	name[16];
	int	n;

	snprintf(name, sizeof(name), "from%d", p->number);
	p->sender = client_new(r->env, name, "ids");
	snprintf(name, sizeof(name), "to%d", p->number);
	p->receiver = client_new(r->env, name, "ids");
	p->open = 0;
	for (n = p->first_open; n < p->begun; n++) {
		if (!(p->state[n] & ACKED))
			send_one(p, n);
	}
	read_on(p);
}

static void
pair_close(struct pair *p)
{
	conn_close(p->sender);
	conn_close(p->receiver);
	p->sender = p->receiver = NULL;
}

static void
take_ack(struct pair *p, const json_t *j)
{
	int	pair, n;

	is_str(j, "type", "send_ack");
	want(sscanf(str_of(j, "msg_id"), "d%d-%d", &pair, &n) == 2 &&
	    pair == p->number && n >= 0 && n < p->begun,
	    "an answer to something else: %s", show(j));
	p->open--;
	if (!(p->state[n] & ACKED))
		p->acked++;
	p->state[n] |= ACKED;
	while (p->first_open < p->begun && (p->state[p->first_open] & ACKED))
		p->first_open++;
}

static void
take_mail(struct pair *p, const json_t *j)
{
	const json_t	*list = json_object_get(j, "messages");
	const char	*id;
	size_t		 i;
	int		 pair, n;

	want(json_is_array(list), "not an inbox_result: %s", show(j));
	for (i = 0; i < json_array_size(list); i++) {
		id = str_of(json_array_get(list, i), "msg_id");
		want(sscanf(id, "d%d-%d", &pair, &n) == 2 &&
		    pair == p->number && n >= 0 && n < p->begun,
		    "a message of somebody else: %s", id);
		want(!(p->state[n] & READ), "%s is there twice", id);
		p->state[n] |= READ;
		p->read++;
		snprintf(p->last_read, sizeof(p->last_read), "%s", id);
	}
	p->asked = 0;
}

/* One turn of a pair: takes what has come, sends and asks anew. */
static void
pair_turn(struct pair *p, int more)
{
	struct line	*l;
	const char	*type;

	while ((l = TAILQ_FIRST(&p->sender->lines)) != NULL) {
		TAILQ_REMOVE(&p->sender->lines, l, entry);
		take_ack(p, l->json);
		line_free(l);
	}
	while ((l = TAILQ_FIRST(&p->receiver->lines)) != NULL) {
		TAILQ_REMOVE(&p->receiver->lines, l, entry);
		type = json_string_value(json_object_get(l->json, "type"));
		if (type == NULL || strcmp(type, "incoming_message") != 0)
			take_mail(p, l->json);
		line_free(l);
	}
	while (more && p->open < IN_FLIGHT && p->begun < MESSAGES_MAX &&
	    p->begun - p->read < BEHIND_MAX)
		send_one(p, p->begun++);
	if (!p->asked && (p->read < p->begun || !more))
		read_on(p);
}

static void
turns(struct run *r, int ms)
{
	int64_t	end = t_now() + ms;
	int	i;

	while (t_now() < end) {
		for (i = 0; i < PAIRS; i++)
			pair_turn(&r->pairs[i], 1);
		conns_pump(r->env, 2);
	}
}

static void
one_round(struct run *r)
{
	static const char *const roles[] = { "store", "router", NULL, "all" };
	const char	*role = roles[random_of(r, 4)];
	int		 i, status;

	for (i = 0; i < PAIRS; i++)
		pair_connect(r, &r->pairs[i]);
	turns(r, 20 + (int)random_of(r, ROUND_MS_MAX));
	status = hub_kill(r->env, role);
	want(!WIFEXITED(status) || WEXITSTATUS(status) != 0,
	    "hubd: status 0x%x after a part of it was killed", status);
	/* What it had said before it was killed counts. */
	for (i = 0; i < PAIRS; i++) {
		want(conn_closes(r->pairs[i].sender, T_WAIT) &&
		    conn_closes(r->pairs[i].receiver, T_WAIT),
		    "connected to nobody");
		pair_turn(&r->pairs[i], 0);
		pair_close(&r->pairs[i]);
	}
	json_array_clear(r->env->kept);
	hub_start(r->env);
}

static int
all_read(struct run *r)
{
	int	i;

	for (i = 0; i < PAIRS; i++) {
		if (r->pairs[i].acked < r->pairs[i].begun ||
		    r->pairs[i].read < r->pairs[i].begun)
			return (0);
	}
	return (1);
}

/*
 * The last round: everything is acknowledged and read.  What is still missing
 * is named.
 */
static void
settle(struct run *r)
{
	int64_t	end = t_now() + t_slow(15000);
	int	i, n;

	for (i = 0; i < PAIRS; i++)
		pair_connect(r, &r->pairs[i]);
	while (!all_read(r) && t_now() < end) {
		for (i = 0; i < PAIRS; i++)
			pair_turn(&r->pairs[i], 0);
		conns_pump(r->env, 5);
	}
	for (i = 0; i < PAIRS; i++) {
		for (n = 0; n < r->pairs[i].begun; n++)
			want((r->pairs[i].state[n] & (ACKED | READ)) ==
			    (ACKED | READ), "d%d-%d of %d: %s, %s", i, n,
			    r->pairs[i].begun,
			    r->pairs[i].state[n] & ACKED ? "acknowledged" :
			    "not acknowledged",
			    r->pairs[i].state[n] & READ ? "read" : "LOST");
	}
}

/* A mailbox as it is at last: no id twice in it, from the start. */
static void
list_whole(struct run *r, struct pair *p)
{
	json_t		*j, *list, *seen = json_object();
	const char	*id = "none";
	size_t		 i;

	do {
		j = rpc(p->receiver, "{s:s,s:i,s:s}", "type", "inbox",
		    "limit", 100, "since_id", id);
		list = json_object_get(j, "messages");
		for (i = 0; i < json_array_size(list); i++) {
			id = str_of(json_array_get(list, i), "msg_id");
			want(json_object_get(seen, id) == NULL,
			    "%s is there twice", id);
			json_object_set_new(seen, id, json_true());
		}
	} while (json_array_size(list) > 0);
	want(json_object_size(seen) > 0 || p->begun == 0,
	    "the mailbox is empty");
	json_decref(seen);
	(void)r;
}

static void
kill_many(int rounds)
{
	struct run	*r = xcalloc(1, sizeof(*r));
	const char	*seed = getenv("ECORELAY_TEST_SEED");
	int		 i, sent = 0;

	r->env = tenv_new();
	r->seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
	    (unsigned)time(NULL) ^ (unsigned)getpid();
	printf("durability: ECORELAY_TEST_SEED=%u\n", r->seed);
	for (i = 0; i < PAIRS; i++) {
		r->pairs[i].number = i;
		r->pairs[i].state = xcalloc(MESSAGES_MAX, 1);
	}
	hub_start(r->env);
	for (i = 0; i < rounds; i++)
		one_round(r);
	settle(r);
	for (i = 0; i < PAIRS; i++) {
		list_whole(r, &r->pairs[i]);
		sent += r->pairs[i].begun;
		free(r->pairs[i].state);
	}
	printf("durability: %d messages, %d times killed\n", sent, rounds);
	want(sent > rounds * PAIRS, "only %d messages were sent", sent);
	tenv_end(r->env);
	free(r);
}

START_TEST(nothing_acknowledged_is_lost)
{
	kill_many(ROUNDS);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("durability");

	(void)argc;
	test_add(s, nothing_acknowledged_is_lost, 180);
	return (test_main(argv[0], s));
}
