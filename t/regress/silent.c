/* SPDX-License-Identifier: ISC */
/*
 * Connections that say nothing: dropped after 10 s without a register, and
 * peers that do not answer the sweep.  Waits for real, hence on its own.
 */
#include "compat.h"

#include "client.h"

#define REGISTER_MS	10000
#define SWEEP_MS	31000
#define SLACK_MS	5000

START_TEST(unregistered_connections_are_dropped)
{
	struct tenv	*t = tenv_new();
	struct conn	*idle, *talks, *in;
	int64_t		 begun;

	hub_start(t);
	begun = t_now();
	idle = client_open(t);
	talks = client_open(t);
	in = client_new(t, "in", NULL);
	in_step(talks);
	want(conn_closes(idle, REGISTER_MS + SLACK_MS),
	    "a silent connection is still there");
	want(t_now() - begun > REGISTER_MS - 1000,
	    "dropped after %lld ms already", (long long)(t_now() - begun));
	want(conn_closes(talks, SLACK_MS),
	    "a connection without register is still there");
	in_step(in);
	tenv_end(t);
}
END_TEST

START_TEST(the_sweep_finds_the_dead)
{
	struct tenv	*t = tenv_new();
	struct conn	*dead, *alive;
	json_t		*j;

	hub_start(t);
	dead = client_new(t, "dead", NULL);
	alive = client_new(t, "alive", NULL);
	dead->nopong = 1;
	want(conn_closes(dead, SWEEP_MS + SLACK_MS),
	    "a peer that answers no ping is still there");
	in_step(alive);
	j = rpc(alive, "{s:s}", "type", "list_peers");
	is_list(j, "peers", 0);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("silent");

	(void)argc;
	test_add(s, unregistered_connections_are_dropped, 40);
	test_add(s, the_sweep_finds_the_dead, 60);
	return (test_main(argv[0], s));
}
