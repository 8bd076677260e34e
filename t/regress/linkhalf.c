/* SPDX-License-Identifier: ISC */
/*
 * Links that are dead without having been closed.  Slow: it takes as long as
 * hubs wait for a sign of life.
 */
#include "compat.h"

#include "fed.h"

#define DEAD_MS		45000	/* it is noticed within */

static int
is_down(void *arg)
{
	struct conn	*c = arg;
	int		 up;

	up = strcmp(str_of(link_status(c, "beta"), "state"), "up") == 0;
	json_array_clear(c->env->kept);
	return (!up);
}

START_TEST(it_is_noticed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);
	int64_t		 begun = t_now();
	int		 calls = wire_calls(f->wire);

	wire_stall(f->wire);
	(void)send_text(f->ann, "bob@beta", "one", "queued");
	(void)send_text(f->bob, "ann@alpha", "two", "queued");
	want(t_until(f->a, is_down, f->ann, DEAD_MS),
	    "the link is up for %lld ms without a sign of life",
	    (long long)(t_now() - begun));
	linked(f->ann, "beta");
	want(wire_calls(f->wire) > calls, "there was no other call");
	(void)gets(f->bob, "ann@alpha", "one");
	(void)gets(f->ann, "bob@beta", "two");
	(void)meets(f->ann, "bob@beta");
	(void)meets(f->bob, "ann@alpha");
	quiet(f->ann, NULL);
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

/* It calls again while the other end believes in the dead link. */
START_TEST(the_caller_is_killed)
{
	struct fed	*f = fed_begin(FED_ONE_WAY, NULL);

	(void)send_text(f->ann, "bob@beta", "one", "queued");
	(void)gets(f->bob, "ann@alpha", "one");
	wire_stall(f->wire);
	(void)send_text(f->ann, "bob@beta", "two", "queued");
	fed_kill(f->a);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	linked(f->ann, "beta");
	(void)gets(f->bob, "ann@alpha", "two");
	(void)meets(f->bob, "ann@alpha");
	(void)send_text(f->bob, "ann@alpha", "three", "queued");
	(void)gets(f->ann, "bob@beta", "three");
	quiet(f->bob, NULL);
	fed_end(f);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("linkhalf");

	(void)argc;
	test_add(s, it_is_noticed, 120);
	test_add(s, the_caller_is_killed, 60);
	return (test_main(argv[0], s));
}
