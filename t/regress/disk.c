/* SPDX-License-Identifier: ISC */
/*
 * The disk: full, read-only, and a database that is damaged.  The first two on
 * a small file system of the test's own, which only root can mount.
 */
#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define BIG		100000

static int
skipped(struct tenv *t)
{
	printf("disk: no file system of its own here, skipped\n");
	tenv_end(t);
	return (1);
}

/* Takes all the room that is left, in a file. */
static void
fill_disk(struct tenv *t, const char *name)
{
	char	*s = t_fill('f', 4096);
	int	 fd;

	fd = open(tenv_path(t, name), O_WRONLY | O_CREAT | O_APPEND, 0600);
	want(fd != -1, "cannot fill the disk: %s", strerror(errno));
	while (write(fd, s, 4096) > 0)
		;
	close(fd);
	free(s);
}

/* Sends until it is refused; 1 if it was, with mailbox_error. */
static int
send_until_full(struct conn *c, const char *text, int *stored)
{
	json_t	*j;
	int	 i;

	for (i = 0; i < 200; i++) {
		j = rpc(c, "{s:s,s:s,s:s}", "type", "send", "to", "b",
		    "text", text);
		if (strcmp(str_of(j, "type"), "err") == 0) {
			is_str(j, "code", "mailbox_error");
			return (1);
		}
		(*stored)++;
	}
	return (0);
}

START_TEST(a_full_disk)
{
	struct tenv	*t = tenv_new();
	struct conn	*a, *b;
	char		*text = t_fill('x', BIG);
	json_t		*j;
	int		 i, stored = 0, got = 0;

	if (!small_disk(t, 0) && skipped(t))
		return;
	hub_start(t);
	a = client_new(t, "a", FEATURES);
	want(!send_until_full(a, "small", &stored), "full at once");
	stored = 0;
	conn_close(client_new(t, "b", NULL));
	/* The 200 small ones are read and go first. */
	b = client_new(t, "b", NULL);
	for (i = 0; i < 10; i++)
		rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
	conn_close(b);
	fill_disk(t, "d/filler");
	want(send_until_full(a, text, &stored), "never full");
	for (i = 0; i < 3; i++)
		refused(a, "mailbox_error", "{s:s,s:s,s:s}", "type", "send",
		    "to", "b", "text", text);
	hub_serves(t);
	unlink(tenv_path(t, "d/filler"));
	send_text(a, "b", text, "queued");
	stored++;
	/* What was acknowledged, and nothing else. */
	b = client_new(t, "b", FEATURES);
	do {
		j = rpc(b, "{s:s,s:i}", "type", "inbox", "limit", 100);
		got += (int)json_array_size(json_object_get(j, "messages"));
	} while (int_of(j, "remaining") > 0);
	want(got == stored, "%d were acknowledged, %d are there", stored,
	    got);
	free(text);
	conn_close(a);
	conn_close(b);
	hub_stop(t, SIGTERM);
	small_disk_end(t);
	tenv_end(t);
}
END_TEST

/* It says at once that it cannot work there, and why. */
static void
refuses_to_start(struct tenv *t)
{
	struct output	*o = run(t, NULL, "hubd", "-d", NULL);

	want(o->status != 0 && strstr(o->err, "Read-only") != NULL,
	    "status 0x%x, said: %s", o->status, o->err);
	output_free(o);
}

/* The sockets are elsewhere, where they can be made. */
START_TEST(a_read_only_disk)
{
	struct tenv	*t = tenv_new();
	struct conn	*a;
	json_t		*list;

	if (!small_disk(t, 0) && skipped(t))
		return;
	snprintf(t->sock, sizeof(t->sock), "%s/hub.sock", t->dir);
	setenv("RELAY_HUB_SOCKET", t->sock, 1);
	hub_start(t);
	a = client_new(t, "a", NULL);
	send_text(a, "b", "before", "queued");
	conn_close(a);
	hub_stop(t, SIGTERM);
	want(small_disk(t, 1), "cannot make it read-only: %s",
	    strerror(errno));
	refuses_to_start(t);
	want(small_disk(t, 0), "cannot make it writable: %s",
	    strerror(errno));
	hub_start(t);
	a = client_new(t, "a", NULL);
	send_text(a, "b", "after", "queued");
	list = is_list(rpc(client_new(t, "b", NULL), "{s:s}", "type",
	    "inbox"), "messages", 2);
	is_str(json_array_get(list, 0), "text", "before");
	is_str(json_array_get(list, 1), "text", "after");
	while ((a = TAILQ_FIRST(&t->conns)) != NULL)
		conn_close(a);
	hub_stop(t, SIGTERM);
	small_disk_end(t);
	tenv_end(t);
}
END_TEST

/* The name of what was set aside, in a static buffer, or NULL. */
static const char *
set_aside(struct tenv *t)
{
	static char	 name[NAME_MAX + 1];
	const char	*found = NULL;
	struct dirent	*e;
	DIR		*d = opendir(t->data);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "relay.db.damaged", 16) == 0) {
			strlcpy(name, e->d_name, sizeof(name));
			found = name;
		}
	}
	if (d != NULL)
		closedir(d);
	return (found);
}

/* A hub with some mail that has ended well. */
static void
fill_mailbox(struct tenv *t)
{
	struct conn	*a;
	char		*text = t_fill('x', 2000);
	int		 i;

	hub_start(t);
	a = client_new(t, "a", NULL);
	for (i = 0; i < 50; i++)
		send_text(a, "b", text, "queued");
	conn_close(a);
	hub_stop(t, SIGTERM);
	unlink(tenv_path(t, "d/relay.db-wal"));
	unlink(tenv_path(t, "d/relay.db-shm"));
	free(text);
}

START_TEST(a_database_of_garbage)
{
	struct tenv	*t = tenv_new();
	char		*junk = t_fill('#', 20000), *log;
	struct stat	 st;
	char		 path[T_PATH];

	fill_mailbox(t);
	write_file(tenv_path(t, "d/relay.db"), junk, 20000);
	hub_start(t);
	send_text(client_new(t, "a", NULL), "b", "new", "queued");
	is_list(rpc(client_new(t, "b", NULL), "{s:s}", "type", "inbox"),
	    "messages", 1);
	want(set_aside(t) != NULL, "nothing was set aside");
	snprintf(path, sizeof(path), "d/%s", set_aside(t));
	want(stat(tenv_path(t, path), &st) == 0 && st.st_size == 20000,
	    "%s is not what was there", path);
	log = read_file(t->hublog);
	want(strstr(log, "relay.db.damaged") != NULL,
	    "the log does not say so: %s", log);
	free(log);
	free(junk);
	tenv_end(t);
}
END_TEST

START_TEST(a_damaged_page)
{
	struct tenv	*t = tenv_new();
	struct stat	 st;
	json_t		*j;
	char		*junk = t_fill('\xa5', 4096);
	off_t		 at;
	int		 fd;

	fill_mailbox(t);
	fd = open(tenv_path(t, "d/relay.db"), O_RDWR);
	want(fd != -1 && fstat(fd, &st) == 0, "no relay.db");
	for (at = 4096; at < st.st_size; at += 4096)
		want(pwrite(fd, junk, 4096, at) == 4096, "pwrite");
	close(fd);
	hub_start(t);
	/* It may be found out now or when it is used, never hidden. */
	j = rpc(client_new(t, "b", NULL), "{s:s}", "type", "inbox");
	want(set_aside(t) != NULL ||
	    strcmp(str_of(j, "type"), "err") == 0,
	    "an empty mailbox, and nothing set aside: %s", show(j));
	hub_serves(t);
	free(junk);
	tenv_end(t);
}
END_TEST

START_TEST(an_empty_database)
{
	struct tenv	*t = tenv_new();

	fill_mailbox(t);
	write_file(tenv_path(t, "d/relay.db"), "", 0);
	hub_start(t);
	send_text(client_new(t, "a", NULL), "b", "new", "queued");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("disk");

	(void)argc;
	test_add(s, a_full_disk, 60);
	test_add(s, a_read_only_disk, 40);
	test_add(s, a_database_of_garbage, 30);
	test_add(s, a_damaged_page, 30);
	test_add(s, an_empty_database, 30);
	return (test_main(argv[0], s));
}
