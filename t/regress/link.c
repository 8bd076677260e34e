/* SPDX-License-Identifier: ISC */
/*
 * Two hubs of ours with a link: what sessions on both can do.
 */
#include "compat.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "twohubs.h"

#define CROWD	200	/* on each hub */
#define WAITING	300	/* messages while the other hub is off */

static struct conn	*session(struct tenv *, const char *);
static void		 gets(struct conn *, const char *, const char *);
static void		 gets_all(struct conn *, const char *);

static struct conn *
session(struct tenv *t, const char *name)
{
	return (client_new(t, name, FEATURES));
}

/* The next message must be that one. */
static void
gets(struct conn *c, const char *from, const char *text)
{
	const json_t	*m = hear(c, "incoming_message");

	is_str(m, "from", from);
	is_str(m, "text", text);
}

/* All that waited, in order and once. */
static void
gets_all(struct conn *c, const char *from)
{
	char	text[16];
	int	i;

	for (i = 0; i < WAITING; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		gets(c, from, text);
	}
	quiet(c, "incoming_message");
}

START_TEST(messages)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const json_t	*m;

	two_sees(ann, "bob@two", 1);
	two_sees(bob, "ann@one", 1);
	(void)send_text(ann, "bob@two", "with an at", "queued");
	gets(bob, "ann@one", "with an at");
	(void)send_text(ann, "two:bob", "with a colon", "queued");
	gets(bob, "ann@one", "with a colon");
	m = rpc(ann, "{s:s,s:s,s:s}", "type", "send", "to", "bob", "text",
	    "bare");
	is_str(m, "to", "bob@two");
	gets(bob, "ann@one", "bare");
	(void)send_text(bob, "ann@one", "back", "queued");
	gets(ann, "bob@two", "back");
	(void)send_text(ann, "ann@one", "to myself", "delivered");
	refused(ann, "peer_not_found", "{s:s,s:s,s:s}", "type", "send", "to",
	    "x@nowhere", "text", "t");
	/* a name that a session here has had stays its own */
	(void)session(h->one, "bob");
	(void)send_text(ann, "bob", "here", "delivered");
	quiet(bob, "incoming_message");
	two_end(h);
}
END_TEST

START_TEST(two_of_that_name)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");

	two_sees(ann, "bob@two", 1);
	(void)send_text(ann, "bob@two", "twice", "queued");
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "bob@two", "text",
	    "again", "msg_id", "same");
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "bob@two", "text",
	    "again", "msg_id", "same");
	gets(bob, "ann@one", "twice");
	gets(bob, "ann@one", "again");
	in_step(ann);
	quiet(bob, "incoming_message");
	two_end(h);
}
END_TEST

START_TEST(receipts)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const char	*id;

	two_sees(ann, "bob@two", 1);
	id = send_text(ann, "bob@two", "look", "queued");
	gets(bob, "ann@one", "look");
	say(bob, "{s:s,s:[s]}", "type", "received", "msg_id", id);
	is_str(hear_with(ann, "receipt", "state", "received"), "peer",
	    "bob@two");
	(void)rpc(bob, "{s:s}", "type", "inbox");
	is_str(hear_with(ann, "receipt", "state", "seen"), "msg_id", id);
	is_str(rpc(ann, "{s:s,s:s}", "type", "status", "msg_id", id), "state",
	    "seen");
	two_end(h);
}
END_TEST

/* While the other hub is off, and through the death of one's own. */
START_TEST(waiting)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann"), *bob;
	char		 text[16];
	int		 i;

	two_linked(ann, 1);
	two_use(h->two);
	want(hub_stop(h->two, SIGTERM) == 0, "two did not stop well");
	two_linked(ann, 0);
	for (i = 0; i < WAITING; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		(void)send_text(ann, "bob@two", text, "queued");
	}
	two_use(h->one);
	(void)hub_kill(h->one, "all");
	hub_start(h->one);
	two_use(h->two);
	hub_start(h->two);
	bob = session(h->two, "bob");
	gets_all(bob, "ann@one");
	two_end(h);
}
END_TEST

START_TEST(killed)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	pid_t		 pid;
	char		 text[16];
	int		 i;

	two_sees(ann, "bob@two", 1);
	want((pid = hub_pid(h->one, "bridged")) != 0, "no bridged");
	for (i = 0; i < WAITING; i++) {
		if (i == WAITING / 2)
			want(kill(pid, SIGKILL) == 0, "kill");
		snprintf(text, sizeof(text), "text %d", i);
		(void)send_text(ann, "bob@two", text, "queued");
	}
	gets_all(bob, "ann@one");
	two_end(h);
}
END_TEST

START_TEST(presence)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");

	two_sees(ann, "bob@two", 1);
	is_str(rpc(bob, "{s:s,s:s}", "type", "rename", "new_name", "robert"),
	    "type", "ack");
	two_sees(ann, "robert@two", 1);
	two_sees(ann, "bob@two", 0);
	(void)send_text(ann, "bob@two", "to the old name", "queued");
	gets(bob, "ann@one", "to the old name");
	conn_close(bob);
	two_sees(ann, "robert@two", 0);
	(void)session(h->two, "bob");
	two_sees(ann, "bob@two", 1);
	two_use(h->two);
	(void)hub_kill(h->two, "all");
	two_sees(ann, "bob@two", 0);
	hub_start(h->two);
	(void)session(h->two, "carol");
	two_sees(ann, "carol@two", 1);
	two_end(h);
}
END_TEST

START_TEST(asks)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const json_t	*m;

	two_sees(ann, "bob@two", 1);
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "bob@two",
	    "question", "why?", "ask_id", "k1");
	is_str(hear(bob, "incoming_ask"), "from", "ann@one");
	say(bob, "{s:s,s:s,s:s}", "type", "reply", "ask_id", "k1", "text",
	    "so");
	m = hear(ann, "incoming_reply");
	is_str(m, "from", "bob@two");
	is_str(m, "ask_id", "k1");
	/* a client that cannot reply */
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "bob@two",
	    "question", "how?", "ask_id", "k2");
	(void)hear(bob, "incoming_ask");
	(void)rpc(bob, "{s:s,s:s,s:s,s:s}", "type", "send", "to", "ann@one",
	    "reply_to", "k2", "text", "thus");
	is_str(hear(ann, "incoming_reply"), "text", "thus");
	/* nobody is there; it leaves; the link falls */
	refused(ann, "peer_not_found", "{s:s,s:s,s:s,s:s}", "type", "ask",
	    "to", "eve@two", "question", "q", "ask_id", "k3");
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "bob@two",
	    "question", "q", "ask_id", "k4");
	(void)hear(bob, "incoming_ask");
	conn_close(bob);
	is_str(hear_with(ann, "err", "ask_id", "k4"), "code", "peer_gone");
	bob = session(h->two, "bob");
	two_sees(ann, "bob@two", 1);
	say(ann, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "bob@two",
	    "question", "q", "ask_id", "k5");
	(void)hear(bob, "incoming_ask");
	two_use(h->two);
	(void)hub_kill(h->two, "all");
	is_str(hear_with(ann, "err", "ask_id", "k5"), "code", "peer_gone");
	hub_start(h->two);
	two_end(h);
}
END_TEST

START_TEST(broadcast)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const json_t	*m;

	two_sees(ann, "bob@two", 1);
	is_int(rpc(ann, "{s:s,s:s,s:s}", "type", "broadcast", "question",
	    "all?", "broadcast_id", "B"), "peer_count", 1);
	m = hear(bob, "incoming_ask");
	is_str(m, "broadcast_id", "B");
	say(bob, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    str_of(m, "ask_id"), "text", "me");
	m = hear(ann, "incoming_reply");
	is_str(m, "from", "bob@two");
	is_str(m, "broadcast_id", "B");
	two_end(h);
}
END_TEST

START_TEST(rooms)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const json_t	*m;

	two_sees(ann, "bob@two", 1);
	(void)rpc(ann, "{s:s,s:s}", "type", "join_room", "room", "dev");
	(void)rpc(bob, "{s:s,s:s}", "type", "join_room", "room", "dev");
	/* a message behind it: then the other hub knows */
	(void)send_text(bob, "ann@one", "joined", "queued");
	gets(ann, "bob@two", "joined");
	m = rpc(ann, "{s:s}", "type", "list_rooms");
	is_same(json_object_get(json_array_get(json_object_get(m, "rooms"), 0),
	    "members"), "[s,s]", "ann", "bob@two");
	is_int(rpc(ann, "{s:s,s:s,s:s,s:s}", "type", "room_msg", "room", "dev",
	    "text", "hello", "msg_id", "r1"), "delivered_count", 1);
	is_str(hear(bob, "incoming_room_msg"), "from", "ann@one");
	(void)rpc(bob, "{s:s,s:s,s:s,s:s}", "type", "room_msg", "room", "dev",
	    "text", "hello", "msg_id", "r2");
	is_str(hear(ann, "incoming_room_msg"), "from", "bob@two");
	two_use(h->two);
	(void)hub_kill(h->two, "all");
	two_sees(ann, "bob@two", 0);
	m = rpc(ann, "{s:s}", "type", "list_rooms");
	is_same(json_object_get(json_array_get(json_object_get(m, "rooms"), 0),
	    "members"), "[s]", "ann");
	hub_start(h->two);
	two_end(h);
}
END_TEST

START_TEST(groups)
{
	struct twohubs	*h = two_begin();
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	const json_t	*m;

	two_sees(ann, "bob@two", 1);
	m = rpc(ann, "{s:s,s:s,s:[s]}", "type", "group_create", "name", "g",
	    "members", "bob@two");
	is_same(json_object_get(m, "members"), "[s,s]", "ann", "bob@two");
	(void)rpc(ann, "{s:s,s:s,s:s}", "type", "group_send", "group", "g",
	    "text", "hi");
	m = hear(bob, "incoming_group_msg");
	is_str(m, "group", "g@one");
	is_str(m, "from", "ann@one");
	m = rpc(bob, "{s:s}", "type", "group_list");
	is_same(json_object_get(m, "groups"), "[{s:s,s:i}]", "name", "g@one",
	    "unread_count", 1);
	m = rpc(bob, "{s:s,s:s}", "type", "group_history", "group", "g@one");
	is_str(json_array_get(is_list(m, "messages", 1), 0), "from",
	    "ann@one");
	is_absent(m, "last_id");
	/* a request behind it: then it is read there */
	m = rpc(bob, "{s:s,s:s}", "type", "group_info", "group", "g@one");
	is_str(m, "admin", "ann@one");
	is_list(m, "members", 2);
	m = rpc(bob, "{s:s,s:s}", "type", "group_history", "group", "g@one");
	is_list(m, "messages", 0);
	(void)rpc(bob, "{s:s,s:s,s:s}", "type", "group_send", "group",
	    "g@one", "text", "ho");
	is_str(hear(ann, "incoming_group_msg"), "from", "bob@two");
	refused(bob, "not_admin", "{s:s,s:s,s:s}", "type", "group_invite",
	    "group", "g@one", "peer", "eve");
	(void)rpc(ann, "{s:s,s:s,s:s,s:s}", "type", "group_remove", "group",
	    "g", "peer", "bob@two", "reason", "noise");
	(void)hear(bob, "incoming_group_msg");
	refused(bob, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "g@one");
	two_use(h->one);
	(void)hub_kill(h->one, "all");
	two_sees(bob, "ann@one", 0);
	refused(bob, "hub_unreachable", "{s:s,s:s}", "type", "group_history",
	    "group", "g@one");
	hub_start(h->one);
	two_end(h);
}
END_TEST

/* Many who call and say nothing do not keep out the one that is right. */
START_TEST(crowd)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	struct twohubs		*h = two_begin();
	struct conn		*ann = session(h->one, "ann");
	int			 fds[2 * CROWD], i;
	pid_t			 pid;

	two_linked(ann, 1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < 2 * CROWD; i++) {
		sin.sin_port = htons((uint16_t)h->port[i % 2]);
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		want(fds[i] != -1 && connect(fds[i], (struct sockaddr *)&sin,
		    sizeof(sin)) == 0, "connection %d", i);
	}
	want((pid = hub_pid(h->one, "bridged")) != 0, "no bridged");
	want(kill(pid, SIGKILL) == 0, "kill");
	two_linked(ann, 0);
	two_linked(ann, 1);
	for (i = 0; i < 2 * CROWD; i++)
		close(fds[i]);
	two_end(h);
}
END_TEST

START_TEST(another_secret)
{
	struct twohubs	*h = two_begin_("another secret than that");
	struct conn	*ann = session(h->one, "ann");
	struct conn	*bob = session(h->two, "bob");
	char		*log;

	(void)send_text(ann, "bob@two", "hello", "queued");
	do {
		in_step(ann);
		log = read_file(h->two->hublog);
		if (strstr(log, "the secret is not the same") != NULL)
			break;
		free(log);
		log = NULL;
	} while (log == NULL);
	free(log);
	two_linked(bob, 0);
	quiet(bob, "incoming_message");
	hub_serves(h->one);
	two_end(h);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("link");

	(void)argc;
	test_add(s, messages, 60);
	test_add(s, two_of_that_name, 60);
	test_add(s, receipts, 60);
	test_add(s, waiting, 120);
	test_add(s, killed, 60);
	test_add(s, presence, 120);
	test_add(s, asks, 120);
	test_add(s, broadcast, 60);
	test_add(s, rooms, 60);
	test_add(s, groups, 60);
	test_add(s, crowd, 60);
	test_add(s, another_secret, 60);
	return (test_main(argv[0], s));
}
