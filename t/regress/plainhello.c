/* SPDX-License-Identifier: ISC */
/*
 * How a link with a plaintext hub on the LAN begins: who calls whom, and what
 * is turned away.
 */
#include "compat.h"

#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>

#include "plainhub.h"

#define PEERS_MAX	500	/* in a hello or a welcome */
#define HELLO_MAX	(1024 * 1024)
#define FAILURES_MAX	5	/* of an address, before it has to wait */
#define SHAKE_MS	5000

static void
hello_refused(struct plainhub *p, const char *hub_id, const char *secret,
    const char *version, json_t *peers)
{
	(void)plain_dial(p);
	plain_hello(p, hub_id, secret, version, peers);
	plain_turned_away(p);
}

static void
text_refused(struct plainhub *p, const char *text)
{
	(void)conn_write(plain_dial(p), text, strlen(text));
	plain_turned_away(p);
}

/* After all that there can be a link. */
static void
all_is_well(struct plainhub *p)
{
	struct conn	*c = client_new(p->env, "well", NULL);

	hub_serves(p->env);
	(void)plain_link(p, plain_zoe());
	(void)sees(c, "zoe@old");
	plain_message(p, "well", "zoe", 1, "all is well");
	gets_message(c, 1, "all is well");
}

static void
leaves(struct plainhub *p, const char *name)
{
	is_str(hear_with(p->link, "bridge_peer_update", "name", name),
	    "action", "leave");
}

/* Both sides hear who comes and goes at the other; zoe is there already. */
static void
keep_informed(struct plainhub *p, const json_t *greeting)
{
	struct conn	*ann = client_new(p->env, "ann", NULL), *bob;
	json_t		*j = sees(ann, "zoe@old");

	has_only(j, "name cwd git_branch last_seen");
	is_str(j, "cwd", "/home/old");
	is_str(j, "git_branch", "old-branch");
	(void)int_of(j, "last_seen");
	joins(p, greeting, "ann");
	bob = client_new(p->env, "bob", NULL);
	joins(p, NULL, "bob");
	conn_close(bob);
	leaves(p, "bob");
	j = rpc(ann, "{s:s,s:s}", "type", "rename", "new_name", "anna");
	is_str(j, "type", "ack");
	j = hear(p->link, "bridge_peer_update");
	is_str(j, "action", "leave");
	is_str(j, "name", "ann");
	j = hear(p->link, "bridge_peer_update");
	is_str(j, "action", "join");
	is_peer(json_object_get(j, "peer"), "anna");
	say(p->link, "{s:s,s:s,s:o}", "type", "bridge_peer_update",
	    "action", "join", "peer", plain_peer("yan"));
	(void)sees(ann, "yan@old");
	say(p->link, "{s:s,s:s,s:s}", "type", "bridge_peer_update",
	    "action", "leave", "name", "zoe");
	sees_no(ann, "zoe@old");
	(void)sees(ann, "yan@old");
}

START_TEST(the_hub_calls)
{
	struct plainhub	*p = plain_begin(1);
	json_t		*hello = plain_called(p);

	/* anybody could say one here */
	want(json_object_get(hello, "key") == NULL, "%s", show(hello));
	plain_welcome(p, "old", plain_zoe());
	keep_informed(p, hello);
	plain_end(p);
}
END_TEST

/* Its own calls fail meanwhile. */
START_TEST(the_hub_is_called)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*first = client_new(p->env, "first", NULL);
	json_t		*welcome = plain_link(p, plain_zoe());

	want(json_object_get(welcome, "key") == NULL, "%s", show(welcome));
	joins(p, welcome, "first");
	in_step(first);
	keep_informed(p, welcome);
	plain_end(p);
}
END_TEST

/* While it is linked it does not call; it does when that link has gone. */
START_TEST(the_hub_calls_again)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	json_t		*hello;
	int		 i;

	(void)plain_link(p, plain_zoe());
	(void)sees(ann, "zoe@old");
	plain_listen(p);
	plain_message(p, "ann", "zoe", 1, "one");
	gets_message(ann, 1, "one");
	want(accept(p->fd, NULL, NULL) == -1, "it calls, though linked");
	for (i = 0; i < 2; i++) {
		plain_cut(p, ann);
		hello = plain_called(p);
		plain_welcome(p, "old", plain_zoe());
		joins(p, hello, "ann");
		(void)sees(ann, "zoe@old");
	}
	plain_restart(p);
	want(conn_closes(p->link, T_WAIT), "the link outlives the hub");
	(void)plain_called(p);
	plain_end(p);
}
END_TEST

START_TEST(welcomes_that_are_none)
{
	struct plainhub	*p = plain_begin(1);
	struct conn	*ann = client_new(p->env, "ann", NULL);
	json_t		*j;

	(void)plain_called(p);
	plain_welcome(p, "older", plain_zoe());
	plain_turned_away(p);
	(void)plain_called(p);
	say_text(p->link, "welcome");
	plain_turned_away(p);
	j = rpc(ann, "{s:s}", "type", "list_peers");
	is_list(j, "peers", 0);
	(void)plain_called(p);
	plain_welcome(p, "old", plain_zoe());
	(void)sees(ann, "zoe@old");
	plain_end(p);
}
END_TEST

/* Nothing comes back; in time the hub gives up, and calls anew. */
START_TEST(no_welcome)
{
	struct plainhub	*p = plain_begin(1);
	int64_t		 begun;

	(void)plain_called(p);
	begun = t_now();
	plain_turned_away(p);
	want(t_now() - begun > SHAKE_MS - 1000, "given up after %lld ms",
	    (long long)(t_now() - begun));
	(void)plain_called(p);
	plain_end(p);
}
END_TEST

/* Its own hello is out: ours is one too many, and does not harm that. */
START_TEST(calls_that_cross)
{
	struct plainhub	*p = plain_begin(1);
	struct conn	*ann = client_new(p->env, "ann", NULL), *first;

	(void)plain_called(p);
	first = p->link;
	hello_refused(p, "old", PLAIN_SECRET, "5", plain_zoe());
	p->link = first;
	plain_welcome(p, "old", plain_zoe());
	(void)sees(ann, "zoe@old");
	plain_end(p);
}
END_TEST

START_TEST(linked_already)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL), *first;

	(void)plain_link(p, plain_zoe());
	first = p->link;
	hello_refused(p, "old", PLAIN_SECRET, "5", plain_peers(1));
	p->link = first;
	plain_message(p, "ann", "zoe", 1, "still here");
	gets_message(ann, 1, "still here");
	(void)sees(ann, "zoe@old");
	plain_end(p);
}
END_TEST

START_TEST(more_sessions_than_fit_in_a_welcome)
{
	struct plainhub	*p = plain_begin(0);
	json_t		*welcome, *list;
	char		 name[16];
	int		 i;

	for (i = 0; i < PEERS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		(void)client_new(p->env, name, NULL);
	}
	welcome = plain_link(p, plain_zoe());
	list = json_object_get(welcome, "peers");
	want(json_array_size(list) <= PEERS_MAX, "a welcome too long");
	while (json_array_size(list) < PEERS_MAX + 2)
		json_array_append(list,
		    json_object_get(hear_with(p->link, "bridge_peer_update",
		    "action", "join"), "peer"));
	for (i = 0; i < PEERS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		is_peer(find_in(list, "name", name), name);
	}
	plain_end(p);
}
END_TEST

START_TEST(wrong_hellos)
{
	struct plainhub	*p = plain_begin(0);

	hello_refused(p, "old", "another secret", "5", plain_peers(1));
	hello_refused(p, "old", "", "5", plain_peers(1));
	hub_serves(p->env);
	hello_refused(p, "old", PLAIN_SECRET, "4", plain_peers(1));
	text_refused(p, "{\"type\":\"bridge_hello\",\"hub_id\":\"old\","
	    "\"protocol_version\":\"5\",\"peers\":[]}\n");
	all_is_well(p);
	plain_end(p);
}
END_TEST

START_TEST(wrong_hub_ids)
{
	struct plainhub	*p = plain_begin(0);

	hello_refused(p, "a b", PLAIN_SECRET, "5", plain_peers(1));
	hello_refused(p, "", PLAIN_SECRET, "5", plain_peers(1));
	hub_serves(p->env);
	hello_refused(p, "alpha", PLAIN_SECRET, "5", plain_peers(1));
	hello_refused(p, "stranger", PLAIN_SECRET, "5", plain_peers(1));
	all_is_well(p);
	plain_end(p);
}
END_TEST

START_TEST(garbage)
{
	struct plainhub	*p = plain_begin(0);

	text_refused(p, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	text_refused(p, "{\"type\":\"bridge_hello\",\n");
	hub_serves(p->env);
	text_refused(p, "{\"type\":\"bridge_forward\",\"target_peer\":\"x\","
	    "\"origin_hub\":\"old\",\"wrapped\":{}}\n");
	text_refused(p, "{\"type\":7}\n");
	all_is_well(p);
	plain_end(p);
}
END_TEST

START_TEST(too_many_peers)
{
	struct plainhub	*p = plain_begin(0);
	struct conn	*ann = client_new(p->env, "ann", NULL);

	hello_refused(p, "old", PLAIN_SECRET, "5",
	    plain_peers(PEERS_MAX + 1));
	hub_serves(p->env);
	(void)plain_link(p, plain_peers(PEERS_MAX));
	(void)sees(ann, "p0@old");
	(void)sees(ann, "p499@old");
	plain_end(p);
}
END_TEST

/* Right in all but length, with the end of the line and without. */
START_TEST(a_hello_too_long)
{
	struct plainhub	*p = plain_begin(0);
	char		*pad = t_fill(' ', HELLO_MAX), *text;
	size_t		 size = HELLO_MAX + 200;

	text = xmalloc(size);
	snprintf(text, size, "{\"type\":\"bridge_hello\",\"hub_id\":\"old\","
	    "\"secret\":\"" PLAIN_SECRET "\",\"protocol_version\":\"5\","
	    "\"peers\":[]%s}\n", pad);
	text_refused(p, text);
	hub_serves(p->env);
	text[strlen(text) - 1] = '\0';
	text_refused(p, text);
	all_is_well(p);
	free(pad);
	free(text);
	plain_end(p);
}
END_TEST

START_TEST(silence)
{
	static const char	 part[] = "{\"type\":\"bridge_hello\",";
	struct plainhub		*p = plain_begin(0);
	struct conn		*half = plain_dial(p);
	int64_t			 begun = t_now();

	(void)conn_write(half, part, strlen(part));
	(void)plain_dial(p);
	hub_serves(p->env);
	plain_turned_away(p);
	p->link = half;
	plain_turned_away(p);
	want(t_now() - begun > SHAKE_MS - 1000, "closed after %lld ms",
	    (long long)(t_now() - begun));
	all_is_well(p);
	plain_end(p);
}
END_TEST

START_TEST(failures_make_an_address_wait)
{
	struct plainhub	*p = plain_begin(0);
	int		 i;

	for (i = 0; i < FAILURES_MAX; i++)
		hello_refused(p, "old", "another secret", "5",
		    plain_peers(1));
	hello_refused(p, "old", PLAIN_SECRET, "5", plain_peers(1));
	hub_serves(p->env);
	plain_end(p);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("plainhello");

	(void)argc;
	test_add(s, the_hub_calls, 40);
	test_add(s, the_hub_is_called, 30);
	test_add(s, the_hub_calls_again, 90);
	test_add(s, welcomes_that_are_none, 60);
	test_add(s, no_welcome, 60);
	test_add(s, calls_that_cross, 40);
	test_add(s, linked_already, 30);
	test_add(s, more_sessions_than_fit_in_a_welcome, 60);
	test_add(s, wrong_hellos, 30);
	test_add(s, wrong_hub_ids, 30);
	test_add(s, garbage, 30);
	test_add(s, too_many_peers, 30);
	test_add(s, a_hello_too_long, 40);
	test_add(s, silence, 40);
	test_add(s, failures_make_an_address_wait, 30);
	return (test_main(argv[0], s));
}
