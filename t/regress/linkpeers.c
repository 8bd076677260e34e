/* SPDX-License-Identifier: ISC */
/*
 * Who is seen from another hub: sessions that come, go and take other names,
 * links that fall, and three hubs.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>

#include "fed.h"

static json_t *
peers_of(struct conn *c)
{
	return (json_object_get(rpc(c, "{s:s}", "type", "list_peers"),
	    "peers"));
}

static void
rename_to(struct conn *c, const char *name)
{
	is_str(rpc(c, "{s:s,s:s}", "type", "rename", "new_name", name),
	    "type", "ack");
}

START_TEST(listed_on_both_sides)
{
	struct fed	*f = fed_begin(FED_BOTH_WAYS, NULL);
	json_t		*j;
	int		 i;

	for (i = 0; i < 2; i++) {
		j = peers_of(i == 0 ? f->ann : f->bob);
		want(json_array_size(j) == 1, "not one: %s", show(j));
		j = json_array_get(j, 0);
		has_only(j, "name cwd git_branch last_seen");
		is_str(j, "name", i == 0 ? "bob@beta" : "ann@alpha");
		is_str(j, "cwd", "/work/of/it");
		is_str(j, "git_branch", "main");
		/* since 1970, in ms */
		want(int_of(j, "last_seen") > 1700000000000, "%s", show(j));
	}
	j = link_status(f->ann, "beta");
	has_only(j, "hub_id kind state since");
	is_str(j, "kind", "lan");
	is_str(j, "state", "up");
	j = link_status(f->bob, "alpha");
	is_str(j, "state", "up");
	fed_end(f);
}
END_TEST

START_TEST(they_come_and_go)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*dan = client_new(f->b, "dan", NULL);
	struct conn	*liz = client_new(f->a, "liz", NULL);

	(void)meets(f->ann, "dan@beta");
	(void)meets(f->bob, "liz@alpha");
	conn_close(dan);
	conn_close(liz);
	(void)misses(f->ann, "dan@beta");
	(void)misses(f->bob, "liz@alpha");
	/* one of the same name on both */
	(void)client_new(f->a, "both", NULL);
	(void)client_new(f->b, "both", NULL);
	(void)meets(f->ann, "both@beta");
	(void)meets(f->ann, "both");
	(void)meets(f->bob, "both@alpha");
	(void)meets(f->bob, "both");
	fed_end(f);
}
END_TEST

START_TEST(another_name)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	rename_to(f->bob, "rob");
	(void)meets(f->ann, "rob@beta");
	(void)misses(f->ann, "bob@beta");
	(void)send_text(f->ann, "rob@beta", "to the new one", "queued");
	(void)gets(f->bob, "ann@alpha", "to the new one");
	(void)send_text(f->ann, "bob@beta", "to the old one", "queued");
	(void)gets(f->bob, "ann@alpha", "to the old one");
	rename_to(f->ann, "anna");
	(void)meets(f->bob, "anna@alpha");
	(void)misses(f->bob, "ann@alpha");
	(void)send_text(f->bob, "ann@alpha", "an answer", "queued");
	(void)gets(f->ann, "rob@beta", "an answer");
	fed_end(f);
}
END_TEST

/* What waits for the old name when the new one is taken. */
START_TEST(another_name_while_the_link_is_down)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*bob;

	wire_closed(f->wire, 1);
	unlinked(f->ann, "beta");
	(void)send_text(f->ann, "bob@beta", "one", "queued");
	rename_to(f->bob, "rob");
	wire_closed(f->wire, 0);
	(void)gets(f->bob, "ann@alpha", "one");
	(void)meets(f->ann, "rob@beta");
	(void)misses(f->ann, "bob@beta");
	(void)send_text(f->ann, "bob@beta", "two", "queued");
	(void)gets(f->bob, "ann@alpha", "two");
	/* until somebody takes that name */
	bob = client_new(f->b, "bob", FEATURES);
	(void)meets(f->ann, "bob@beta");
	(void)send_text(f->ann, "bob@beta", "three", "queued");
	(void)gets(bob, "ann@alpha", "three");
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

START_TEST(the_bare_name_of_one_who_has_another)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	json_t		*j;

	rename_to(f->bob, "rob");
	(void)meets(f->ann, "rob@beta");
	j = rpc(f->ann, "{s:s,s:s,s:s}", "type", "send", "to", "rob",
	    "text", "x");
	is_str(j, "to", "rob@beta");
	(void)gets(f->bob, "ann@alpha", "x");
	fed_end(f);
}
END_TEST

START_TEST(the_link_falls)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	struct conn	*dan;

	wire_closed(f->wire, 1);
	(void)misses(f->ann, "bob@beta");
	(void)misses(f->bob, "ann@alpha");
	unlinked(f->ann, "beta");
	unlinked(f->bob, "alpha");
	want(json_array_size(peers_of(f->ann)) == 0, "some are left");
	/* who comes and goes meanwhile */
	dan = client_new(f->b, "dan", NULL);
	in_step(dan);
	conn_close(f->bob);
	(void)misses(dan, "bob");
	wire_closed(f->wire, 0);
	(void)meets(f->ann, "dan@beta");
	(void)meets(dan, "ann@alpha");
	want(json_array_size(peers_of(f->ann)) == 1, "bob has gone: %s",
	    show(peers_of(f->ann)));
	linked(f->ann, "beta");
	fed_end(f);
}
END_TEST

START_TEST(the_other_hub_stops)
{
	struct fed	*f = fed_begin(FED_BOTH_WAYS, NULL);

	want(hub_stop(f->b, SIGTERM) == 0, "the hub did not end well");
	(void)misses(f->ann, "bob@beta");
	fed_start(f->b);
	f->bob = client_new(f->b, "bob", FEATURES);
	(void)meets(f->ann, "bob@beta");
	(void)meets(f->bob, "ann@alpha");
	fed_end(f);
}
END_TEST

START_TEST(many_of_them)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	char		 name[16];
	int		 i;

	for (i = 0; i < 120; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		(void)client_new(f->b, name, NULL);
	}
	(void)meets(f->ann, "s119@beta");
	want(json_array_size(peers_of(f->ann)) == 121, "some are missing");
	wire_cut(f->wire);
	unlinked(f->ann, "beta");
	(void)meets(f->ann, "s119@beta");
	(void)meets(f->ann, "bob@beta");
	want(json_array_size(peers_of(f->ann)) == 121, "some are missing");
	fed_end(f);
}
END_TEST

/* A hub tells of its own sessions only. */
START_TEST(three_hubs)
{
	struct fed	*f = fed_begin(FED_TRIANGLE, NULL);
	struct conn	*who[3];
	json_t		*list;
	int		 i, k;

	who[0] = f->ann;
	who[1] = f->bob;
	who[2] = f->cat;
	for (i = 0; i < 3; i++) {
		list = peers_of(who[i]);
		for (k = 0; k < 3; k++)
			want((find_in(list, "name", k == 0 ? "ann@alpha" :
			    k == 1 ? "bob@beta" : "cat@gamma") != NULL) ==
			    (i != k), "peers of %d: %s", i, show(list));
		want(json_array_size(list) == 2, "peers of %d: %s", i,
		    show(list));
	}
	/* nor can one be told through another */
	want(hub_stop(f->c, SIGTERM) == 0, "the hub did not end well");
	(void)misses(f->ann, "cat@gamma");
	(void)misses(f->bob, "cat@gamma");
	want(json_array_size(peers_of(f->ann)) == 1, "not bob alone");
	(void)send_text(f->ann, "cat@gamma", "x", "queued");
	fed_start(f->c);
	f->cat = client_new(f->c, "cat", FEATURES);
	(void)gets(f->cat, "ann@alpha", "x");
	(void)meets(f->bob, "cat@gamma");
	(void)send_text(f->bob, "ann@alpha", "y", "queued");
	(void)gets(f->ann, "bob@beta", "y");
	quiet(f->ann, NULL);
	fed_end(f);
}
END_TEST

/* Theirs, each of which has links that others do not. */
START_TEST(in_transit)
{
	struct fed	*f = fed_new(FED_TRIANGLE, NULL);
	char		 conf[1024];

	/* alpha and gamma have no link: each calls beta only */
	snprintf(conf, sizeof(conf), "hub id \"gamma\"\n"
	    "lan secret file \"%s/secret\"\n"
	    "lan peer \"beta\" host 127.0.0.1 port %d\n",
	    f->c->home, f->port[1]);
	hub_conf(f->c, conf);
	snprintf(conf, sizeof(conf), "hub id \"alpha\"\n"
	    "lan secret file \"%s/secret\"\n"
	    "lan peer \"beta\" host 127.0.0.1 port %d\n",
	    f->a->home, f->port[1]);
	hub_conf(f->a, conf);
	fed_start(f->b);
	f->bob = client_new(f->b, "bob", FEATURES);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	fed_start(f->c);
	f->cat = client_new(f->c, "cat", FEATURES);
	(void)meets(f->bob, "ann@alpha");
	(void)meets(f->bob, "cat@gamma");
	(void)meets(f->ann, "bob@beta");
	(void)meets(f->cat, "bob@beta");
	want(json_array_size(peers_of(f->ann)) == 1, "%s",
	    show(peers_of(f->ann)));
	want(json_array_size(peers_of(f->cat)) == 1, "%s",
	    show(peers_of(f->cat)));
	refused(f->ann, "peer_not_found", "{s:s,s:s,s:s}", "type", "send",
	    "to", "cat@gamma", "text", "x");
	is_str(rpc(f->bob, "{s:s,s:s}", "type", "join_room", "room", "r"),
	    "type", "room_ack");
	is_str(rpc(f->ann, "{s:s,s:s}", "type", "join_room", "room", "r"),
	    "type", "room_ack");
	is_str(rpc(f->cat, "{s:s,s:s}", "type", "join_room", "room", "r"),
	    "type", "room_ack");
	rename_to(f->ann, "anna");
	(void)meets(f->bob, "anna@alpha");
	(void)send_text(f->bob, "cat@gamma", "x", "queued");
	(void)gets(f->cat, "bob@beta", "x");
	want(json_array_size(peers_of(f->cat)) == 1, "%s",
	    show(peers_of(f->cat)));
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkpeers");

	(void)argc;
	test_add(s, listed_on_both_sides, 30);
	test_add(s, they_come_and_go, 30);
	test_add(s, another_name, 30);
	test_add(s, another_name_while_the_link_is_down, 60);
	test_add(s, the_bare_name_of_one_who_has_another, 30);
	test_add(s, the_link_falls, 60);
	test_add(s, the_other_hub_stops, 60);
	test_add(s, many_of_them, 60);
	test_add(s, three_hubs, 60);
	test_add(s, in_transit, 60);
	return (test_main(argv[0], s));
}
