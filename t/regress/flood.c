/* SPDX-License-Identifier: ISC */
/*
 * Too much of it: connections that say nothing and keep what they hold, and a
 * client that never reads.
 */
#include "compat.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define SILENT		1000
#define EARLY_LIMIT	8192
/* KiB for each: what it has sent, and what a connection costs. */
#define SILENT_KIB	(8 + 16)
#define REGISTER_MS	10000
#define BIG		500000
#define CUT_OFF_MAX	400	/* messages of BIG bytes */

static struct tenv *
begin(void)
{
	struct tenv	*t = tenv_new();
	struct rlimit	 rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < 2 * SILENT) {
		rl.rlim_cur = rl.rlim_max < 2 * SILENT ? rl.rlim_max :
		    2 * SILENT;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	want(rl.rlim_cur >= SILENT + 100, "only %lu descriptors allowed",
	    (unsigned long)rl.rlim_cur);
	hub_start(t);
	return (t);
}

static int
all_closed(void *arg)
{
	struct tenv	*t = arg;
	struct conn	*c;

	TAILQ_FOREACH(c, &t->conns, entry) {
		if (c->nopong && !c->eof)
			return (0);
	}
	return (1);
}

START_TEST(many_that_say_nothing)
{
	struct tenv	*t = begin();
	struct conn	*c, *in = client_new(t, "in", NULL);
	char		*s = t_fill(' ', EARLY_LIMIT - 100);
	long		 before, after;
	int		 i;

	before = hub_pss(t);
	for (i = 0; i < SILENT; i++) {
		c = client_open(t);
		c->nopong = 1;
		/* half of them stop in the middle of a line */
		if (i % 2 == 0)
			conn_write(c, s, EARLY_LIMIT - 100);
	}
	hub_serves(t);
	in_step(in);
	after = hub_pss(t);
	if (before != -1 && after != -1 && t_slow(1) == 1)
		want(after - before <= SILENT * SILENT_KIB,
		    "%ld KiB more for %d silent connections",
		    after - before, SILENT);
	want(t_until(t, all_closed, t, REGISTER_MS + 5000),
	    "silent connections are still there");
	in_step(in);
	hub_serves(t);
	free(s);
	tenv_end(t);
}
END_TEST

static int
deaf_is_gone(void *arg)
{
	json_t	*j = rpc(arg, "{s:s}", "type", "list_peers");

	return (find_in(json_object_get(j, "peers"), "name", "deaf") == NULL);
}

START_TEST(one_that_never_reads)
{
	struct tenv	*t = begin();
	struct conn	*a = client_new(t, "a", FEATURES);
	struct conn	*other = client_new(t, "other", FEATURES);
	struct conn	*deaf = client_new(t, "deaf", FEATURES);
	char		*s = t_fill('x', BIG);
	json_t		*j;
	int64_t		 begun;
	int		 i;

	deaf->mute = 1;
	for (i = 0; i < CUT_OFF_MAX; i++) {
		j = rpc(a, "{s:s,s:s,s:s}", "type", "send", "to", "deaf",
		    "text", s);
		is_str(j, "type", "send_ack");
		if (strcmp(str_of(j, "status"), "queued") == 0)
			break;
		begun = t_now();
		send_text(a, "other", "still there?", "delivered");
		hear(other, "incoming_message");
		want(t_now() - begun < t_slow(1000), "%lld ms for a message",
		    (long long)(t_now() - begun));
	}
	want(i < CUT_OFF_MAX, "%d messages of %d bytes pushed", i, BIG);
	want(t_until(t, deaf_is_gone, other, T_WAIT), "not cut off");
	deaf->mute = 0;
	want(conn_closes(deaf, T_WAIT), "not cut off");
	/* What was acknowledged is in the mailbox. */
	deaf = client_new(t, "deaf", FEATURES);
	j = rpc(deaf, "{s:s,s:i}", "type", "inbox", "limit", 1);
	is_list(j, "messages", 1);
	is_int(j, "remaining", i);
	hub_serves(t);
	free(s);
	tenv_end(t);
}
END_TEST

START_TEST(one_that_asks_and_never_reads)
{
	struct tenv	*t = begin();
	struct conn	*other = client_new(t, "other", FEATURES);
	struct conn	*deaf = client_new(t, "deaf", FEATURES);
	char		 line[] = "{\"type\":\"list_peers\"}\n";
	int64_t		 end = t_now() + t_slow(T_WAIT);
	size_t		 sent = 0;

	deaf->mute = 1;
	/* Either it is cut off or the hub stops reading from it. */
	while (t_now() < end && sent < 32 * 1024 * 1024 &&
	    write(deaf->wfd, line, sizeof(line) - 1) > 0)
		sent += sizeof(line) - 1;
	in_step(other);
	hub_serves(t);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("flood");

	(void)argc;
	test_add(s, many_that_say_nothing, 60);
	test_add(s, one_that_never_reads, 60);
	test_add(s, one_that_asks_and_never_reads, 60);
	return (test_main(argv[0], s));
}
