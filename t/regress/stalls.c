/* SPDX-License-Identifier: ISC */
/*
 * What is slow or full must not mix up mail, names and hubs: no room, a store
 * that stands still, repeats, askers that come back, slow readers, a hub that
 * takes its time to end.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define PROBE_MS	500		/* a probe of the hub */
#define BIG		500000		/* bytes of a text */
#define MANY		60		/* of them, to the slow reader */
#define SLOW_MS		50		/* between its reads of 64 KiB */
#define STEADY_MS	5		/* the same when nothing more is sent */
#define HELD		8		/* of them, what a hub keeps for one */
#define SERVE_MS	5000		/* for a hub to begin */
#define REFUSE_MS	1000		/* for a hub to close its socket */

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();

	hub_start(t);
	return (t);
}

static json_t *
inbox(struct conn *c)
{
	return (rpc(c, "{s:s,s:i}", "type", "inbox", "limit", 100));
}

/* Sends a message of that id, which must be acknowledged so. */
static void
send_id(struct conn *c, const char *to, const char *id, const char *status)
{
	json_t	*j;

	j = rpc(c, "{s:s,s:s,s:s,s:s}", "type", "send", "to", to,
	    "text", id, "msg_id", id);
	is_str(j, "type", "send_ack");
	is_str(j, "msg_id", id);
	is_str(j, "status", status);
}

/* What the hub says to a session that wants the name. */
static json_t *
wants_name(struct conn *c, const char *name)
{
	say_register(c, name, FEATURES, name);
	return (hear_with(c, NULL, "req_id", name));
}

/* The store still knows `a` as a former name and has no room to change it. */
START_TEST(a_former_name_and_no_room)
{
	struct tenv	*t = tenv_new();
	struct conn	*b, *x, *c;
	const char	*name = "a";
	json_t		*j;

	hub_conf(t, "limit mailboxes 2\n");
	hub_start(t);
	b = client_new(t, "a", FEATURES);
	is_str(rpc(b, "{s:s,s:s}", "type", "rename", "new_name", "b"),
	    "type", "ack");
	x = client_new(t, "x", FEATURES);
	send_id(x, "b", "m-1", "delivered");

	c = client_open(t);
	j = wants_name(c, name);
	if (strcmp(str_of(j, "type"), "ack") == 0) {
		is_list(inbox(c), "messages", 0);
	} else {
		is_str(j, "code", "mailbox_error");
		/* the old name leads to the new one as before */
		send_id(x, "a", "m-2", "delivered");
		hear_with(b, "incoming_message", "msg_id", "m-2");
		name = "c";
		is_str(wants_name(c, name), "type", "ack");
	}
	send_id(c, "x", "m-3", "delivered");
	is_str(hear(x, "incoming_message"), "from", name);
	j = is_list(inbox(x), "messages", 1);
	is_str(json_array_get(j, 0), "from", name);
	j = json_object_get(inbox(b), "messages");
	want(find_in(j, "msg_id", "m-1") != NULL, "b's mail is gone");
	tenv_end(t);
}
END_TEST

/* The hub reads nothing from one that waits for the store. */
START_TEST(not_read_is_not_dead)
{
	struct tenv	*t = begin();
	struct conn	*bob = client_new(t, "bob", FEATURES);
	struct conn	*app = client_new(t, "app", FEATURES), *other;
	pid_t		 store = hub_pid(t, "store");
	int64_t		 end;
	json_t		*j;

	want(store != 0, "no store");
	send_id(bob, "app", "m-1", "delivered");
	kill(store, SIGSTOP);
	say(app, "{s:s,s:s}", "type", "inbox", "req_id", "i");
	other = client_open(t);
	say_register(other, "app", FEATURES, "r");
	for (end = t_now() + 3 * PROBE_MS; t_now() < end; ) {
		conns_pump(t, 10);
		want(!app->eof, "app was taken for dead");
		want(TAILQ_EMPTY(&other->lines), "too early: %.300s",
		    TAILQ_FIRST(&other->lines)->text);
	}
	kill(store, SIGCONT);
	is_str(hear_with(other, "err", "req_id", "r"), "code", "name_taken");
	j = is_list(hear_with(app, "inbox_result", "req_id", "i"), "messages",
	    1);
	is_str(json_array_get(j, 0), "msg_id", "m-1");
	send_id(bob, "app", "m-2", "delivered");
	hear_with(app, "incoming_message", "msg_id", "m-2");
	in_step(app);
	tenv_end(t);
}
END_TEST

START_TEST(an_id_for_two)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES), *z;
	json_t		*j;

	send_id(a, "z", "m-77", "queued");
	refused(a, "bad_args", "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "other", "text", "m-77", "msg_id", "m-77");
	refused(a, "bad_args", "{s:s,s:s,s:s,s:s}", "type", "send",
	    "to", "b", "text", "m-77", "msg_id", "m-77");
	j = rpc(a, "{s:s,s:s}", "type", "status", "msg_id", "m-77");
	is_str(j, "to", "z");
	is_str(j, "state", "accepted");
	/* ids are the sender's own */
	send_id(b, "other", "m-77", "queued");
	send_id(a, "z", "m-77", "queued");
	z = client_new(t, "z", FEATURES);
	j = is_list(inbox(z), "messages", 1);
	is_str(json_array_get(j, 0), "msg_id", "m-77");
	is_str(json_array_get(j, 0), "from", "a");
	is_list(inbox(b), "messages", 0);
	quiet(b, "incoming_message");
	tenv_end(t);
}
END_TEST

/* It was not pushed when it was stored, because nobody was there. */
START_TEST(a_repeat_is_pushed)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES), *b;

	send_id(a, "b", "m-x", "queued");
	send_id(a, "b", "m-x", "queued");
	b = client_new(t, "b", FEATURES);
	quiet(b, "incoming_message");
	send_id(a, "b", "m-x", "delivered");
	is_str(hear(b, "incoming_message"), "msg_id", "m-x");
	send_id(a, "b", "m-x", "delivered");
	quiet(b, "incoming_message");
	is_str(rpc(a, "{s:s,s:s}", "type", "status", "msg_id", "m-x"),
	    "state", "pushed");
	is_list(inbox(b), "messages", 1);
	tenv_end(t);
}
END_TEST

/* Nobody knows whether what the hub had pushed when it died has come. */
START_TEST(a_repeat_is_pushed_after_a_kill)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	json_t		*j;

	send_id(a, "b", "m-1", "delivered");
	send_id(a, "b", "m-2", "delivered");
	hear_with(b, "incoming_message", "msg_id", "m-1");
	say(b, "{s:s,s:[s]}", "type", "received", "msg_id", "m-1");
	j = hear_with(a, "receipt", "msg_id", "m-1");
	is_str(j, "state", "received");
	hub_kill(t, "all");
	conn_close(a);
	conn_close(b);
	hub_start(t);

	a = client_new(t, "a", FEATURES);
	b = client_new(t, "b", FEATURES);
	send_id(a, "b", "m-1", "delivered");
	send_id(a, "b", "m-2", "delivered");
	is_str(hear(b, "incoming_message"), "msg_id", "m-2");
	/* and not once more */
	send_id(a, "b", "m-2", "delivered");
	quiet(b, "incoming_message");
	is_list(inbox(b), "messages", 2);
	tenv_end(t);
}
END_TEST

static void
ask(struct conn *c, const char *to, const char *id)
{
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", to,
	    "question", "q", "ask_id", id);
}

START_TEST(asks_of_those_who_left)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*b = client_new(t, "b", FEATURES);
	struct conn	*c = client_new(t, "c", FEATURES);
	json_t		*j;

	ask(a, "b", "k1");
	hear(b, "incoming_ask");
	conn_close(a);
	/* it is still that of `a`, and of nobody else */
	ask(c, "b", "k1");
	is_str(hear_with(c, "err", "ask_id", "k1"), "code", "bad_args");
	a = client_new(t, "a", FEATURES);
	ask(a, "b", "k1");
	quiet(a, NULL);
	quiet(b, "incoming_ask");
	say(b, "{s:s,s:s,s:s}", "type", "reply", "ask_id", "k1",
	    "text", "because");
	j = hear(a, "incoming_reply");
	is_str(j, "ask_id", "k1");
	is_str(j, "text", "because");
	refused(b, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k1", "text", "again");
	quiet(a, NULL);
	quiet(c, NULL);
	is_list(inbox(a), "messages", 0);
	tenv_end(t);
}
END_TEST

/* A reader that takes its time. */
struct slow {
	struct conn	*c;
	int64_t		 last;		/* when it read */
};

/* Lets others speak, and the reader read 64 KiB if ms are over. */
static void
slow_read(struct slow *s, int ms)
{
	if (t_now() - s->last >= ms) {
		s->c->mute = 0;
		s->last = t_now();
	}
	conns_pump(s->c->env, s->c->mute ? STEADY_MS : 0);
	s->c->mute = 1;
	want(!s->c->eof, "a reader that is slow was cut off");
}

static void
big_id(char id[16], int i)
{
	snprintf(id, 16, "m-%d", i);
}

/* Sends the next one; 1 if the answer is that it was pushed. */
static int
send_big(struct conn *c, struct slow *s, const char *text, int i)
{
	char		 id[16];
	int64_t		 end = t_now() + t_slow(T_WAIT);
	json_t		*j;

	big_id(id, i);
	say(c, "{s:s,s:s,s:s,s:s,s:s}", "type", "send", "to", "slow",
	    "text", text, "msg_id", id, "req_id", id);
	while (TAILQ_EMPTY(&c->lines)) {
		want(!c->eof && t_now() < end, "no answer to %s", id);
		slow_read(s, SLOW_MS);
	}
	j = hear_with(c, "send_ack", "req_id", id);
	if (strcmp(str_of(j, "status"), "delivered") == 0)
		return (1);
	is_str(j, "status", "queued");
	return (0);
}

/* Reads all there is: what was said to be pushed, in order, and a pong. */
static void
read_pushed(struct slow *s, const char *text, const int pushed[MANY])
{
	int64_t		 end = t_now() + t_slow(2 * T_WAIT);
	struct line	*l = NULL;
	char		 id[16];
	int		 i;

	say(s->c, "{s:s,s:s}", "type", "ping", "req_id", "last");
	do {
		want(t_now() < end, "no answer to a ping");
		slow_read(s, STEADY_MS);
		l = TAILQ_LAST(&s->c->lines, linelist);
	} while (l == NULL || strstr(l->text, "\"pong\"") == NULL);
	for (i = 0; i < MANY; i++) {
		if (!pushed[i])
			continue;
		big_id(id, i);
		l = TAILQ_FIRST(&s->c->lines);
		is_str(l->json, "msg_id", id);
		is_str(l->json, "text", text);
		TAILQ_REMOVE(&s->c->lines, l, entry);
		line_free(l);
	}
	is_str(hear(s->c, NULL), "type", "pong");
}

START_TEST(a_slow_reader_is_not_cut_off)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct slow	 s = { client_new(t, "slow", FEATURES), 0 };
	char		*text = t_fill('x', BIG), id[16];
	int		 i, pushed[MANY];
	json_t		*j, *list;
	size_t		 k, n = 0;

	s.c->mute = 1;
	for (i = 0; i < MANY; i++)
		pushed[i] = send_big(a, &s, text, i);
	read_pushed(&s, text, pushed);
	s.c->mute = 0;
	do {
		j = inbox(s.c);
		list = json_object_get(j, "messages");
		want(json_array_size(list) > 0, "%zu of %d in the mailbox", n,
		    MANY);
		for (k = 0; k < json_array_size(list); k++, n++) {
			big_id(id, (int)n);
			is_str(json_array_get(list, k), "msg_id", id);
			is_str(json_array_get(list, k), "text", text);
		}
	} while (int_of(j, "remaining") > 0);
	want(n == MANY, "%zu of %d in the mailbox", n, MANY);
	is_absent(j, "dropped");
	quiet(s.c, NULL);
	free(text);
	tenv_end(t);
}
END_TEST

static int
refuses(void *arg)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct tenv		*t = arg;
	int			 fd, ok;

	strlcpy(sun.sun_path, t->sock, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (0);
	ok = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1;
	close(fd);
	return (ok);
}

/* Kills the parent of a hub that has much to say to one that does not read. */
static void
kill_while_held(struct tenv *t, struct conn *a, struct conn *deaf)
{
	char	*text = t_fill('x', BIG);
	int	 i, status;

	deaf->mute = 1;
	for (i = 0; i < HELD; i++)
		send_text(a, "deaf", text, "delivered");
	free(text);
	kill(t->hub, SIGKILL);
	want(program_wait(t->hub, &status, T_WAIT) == 0, "not killed");
	t->hub = 0;
	/* what is left of it finds that out, and takes nobody any more */
	want(t_until(t, refuses, t, REFUSE_MS),
	    "a hub that ends is still taken for one that serves");
}

static void
starting_while_one_ends(const char *flag)
{
	static const int none[] = { -1, -1 };
	const char	*argv[] = { "hubd", flag, NULL };
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*deaf = client_new(t, "deaf", FEATURES);
	pid_t		 router = hub_pid(t, "router"), pid;
	int64_t		 begun;
	int		 status;
	json_t		*j;

	kill_while_held(t, a, deaf);
	begun = t_now();
	pid = program_start("hubd", argv, none, t->hublog, NULL);
	if (strcmp(flag, "-d") == 0)
		t->hub = pid;
	else
		want(program_wait(pid, &status, SERVE_MS) == 0 &&
		    WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "hubd %s does not begin", flag);
	hub_wait(t);
	conn_close(a);
	conn_close(deaf);
	deaf = client_new(t, "deaf", FEATURES);
	want(t_now() - begun < t_slow(SERVE_MS), "%lld ms until it serves",
	    (long long)(t_now() - begun));
	want(hub_pid(t, "router") != router && hub_count(t) == 1,
	    "not another hub");
	j = rpc(deaf, "{s:s,s:i}", "type", "inbox", "limit", 1);
	is_list(j, "messages", 1);
	is_int(j, "remaining", HELD - 1);
	hub_serves(t);
	tenv_end(t);
}

START_TEST(started_while_one_ends)
{
	starting_while_one_ends("-d");
}
END_TEST

START_TEST(a_session_starts_one_while_one_ends)
{
	starting_while_one_ends("-e");
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("stalls");

	(void)argc;
	test_add(s, a_former_name_and_no_room, 20);
	test_add(s, not_read_is_not_dead, 30);
	test_add(s, an_id_for_two, 20);
	test_add(s, a_repeat_is_pushed, 20);
	test_add(s, a_repeat_is_pushed_after_a_kill, 30);
	test_add(s, asks_of_those_who_left, 20);
	test_add(s, a_slow_reader_is_not_cut_off, 60);
	test_add(s, started_while_one_ends, 30);
	test_add(s, a_session_starts_one_while_one_ends, 30);
	return (test_main(argv[0], s));
}
