/* SPDX-License-Identifier: ISC */
/*
 * hubctl check: what it says of links that can be made, and of those that
 * cannot.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "twohubs.h"

/* It must end with the code, and all of the texts, up to NULL, are said. */
static void
check(struct tenv *t, const char *hub, int code, const char *const *texts)
{
	struct output	*o = run(t, NULL, "hubctl", "check", hub, NULL);

	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == code,
	    "status 0x%x, not %d: %s%s", o->status, code, o->out, o->err);
	want((strstr(o->out, "WRONG") != NULL) == code, "%s", o->out);
	for (; *texts != NULL; texts++)
		want(strstr(o->out, *texts) != NULL, "no \"%s\": %s%s",
		    *texts, o->out, o->err);
	output_free(o);
}

START_TEST(a_link)
{
	static const char *const good[] = {
		"ok    configuration: ", "/hubd.conf, as hub one\n",
		"somebody listens here", "ok    two: TCP to 127.0.0.1 port ",
		"ok    two: TLS 1.3", "ok    two: handshake\n",
		"ok    two: clock\n", NULL
	};
	static const char *const stranger[] = {
		"WRONG three: is no peer", NULL
	};
	static const char *const away[] = {
		"WRONG two: TCP to 127.0.0.1 port ", "is the hub running",
		NULL
	};
	struct twohubs	*h = two_begin();
	struct conn	*c;

	two_use(h->one);
	c = client_new(h->one, "a", NULL);
	two_linked(c, 1);
	check(h->one, NULL, 0, good);
	check(h->one, "two", 0, good);
	/* the link that is up is another one */
	two_linked(c, 1);
	check(h->one, "three", 1, stranger);
	two_use(h->two);
	(void)hub_stop(h->two, SIGTERM);
	two_use(h->one);
	check(h->one, NULL, 1, away);
	two_end(h);
}
END_TEST

START_TEST(another_secret)
{
	static const char *const texts[] = {
		"ok    two: TCP to ",
		"WRONG two: TLS: the secret is not the same there", NULL
	};
	struct twohubs	*h = two_begin_("another secret, as it happens");

	two_use(h->one);
	check(h->one, NULL, 1, texts);
	two_end(h);
}
END_TEST

/* A listener that the hub has not been told of, until it is. */
START_TEST(a_hub_that_has_not_read_it)
{
	static const char *const before[] = {
		"nobody listens here", "hubctl reload", NULL
	};
	static const char *const after[] = { "somebody listens here", NULL };
	struct tenv	*t = tenv_new();
	char		 text[T_PATH + 128], path[T_PATH];
	int		 port;

	hub_start(t);
	close(port_take(&port));
	strlcpy(path, tenv_path(t, "secret"), sizeof(path));
	write_file(path, "sesame, open thyself", 20);
	want(chmod(path, 0600) == 0, "chmod %s", path);
	snprintf(text, sizeof(text), "lan secret file \"%s\"\n"
	    "lan listen on 127.0.0.1 port %d\n", path, port);
	hub_conf(t, text);
	check(t, NULL, 1, before);
	output_free(run(t, NULL, "hubctl", "reload", NULL));
	check(t, NULL, 0, after);
	tenv_end(t);
}
END_TEST

/* No file of the configuration, and relays that were joined. */
START_TEST(only_joined)
{
	static const char relays[] = "{\"relays\":[{\"url\":"
	    "\"wss://127.0.0.1:1\",\"token\":\"12345678\"}]}\n";
	static const char *const none[] = {
		"WRONG configuration: there are no links in it", NULL
	};
	static const char *const joined[] = {
		"/relays.json, as hub ", "note  relay: wss://127.0.0.1:1: ",
		NULL
	};
	static const char *const broken[] = {
		"WRONG configuration: see above", NULL
	};
	struct tenv	*t = tenv_new();
	char		 path[T_PATH];

	want(mkdir(t->data, 0700) == 0, "mkdir %s", t->data);
	check(t, NULL, 1, none);
	snprintf(path, sizeof(path), "%s/relays.json", t->data);
	write_file(path, relays, sizeof(relays) - 1);
	want(chmod(path, 0600) == 0, "chmod %s", path);
	check(t, NULL, 0, joined);
	write_file(path, "{", 1);
	check(t, NULL, 1, broken);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("check");

	(void)argc;
	setenv("LC_ALL", "C", 1);
	test_add(s, a_link, 60);
	test_add(s, another_secret, 60);
	test_add(s, a_hub_that_has_not_read_it, 60);
	/* a configuration of the system's would be found */
	if (access(ECORELAY_SYSCONFDIR "/hubd.conf", F_OK) == -1)
		test_add(s, only_joined, 60);
	return (test_main(argv[0], s));
}
