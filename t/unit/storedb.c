/* SPDX-License-Identifier: ISC */
/*
 * Tests of what the store does when it is killed, when the disk is full or
 * not there, and when its file is damaged.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "storetest.h"

#define KILLS		15

/* Files of the directory whose name has the text in it, but for logs. */
static int
files_with(struct st *s, const char *text)
{
	DIR *d = opendir(s->dir);
	struct dirent *e;
	int n = 0;

	want(d != NULL, "%s: %s", s->dir, strerror(errno));
	while ((e = readdir(d)) != NULL)
		n += strstr(e->d_name, text) != NULL &&
		    strstr(e->d_name, "-wal") == NULL;
	closedir(d);
	return n;
}

static void
want_logged(struct st *s, const char *text)
{
	int64_t end = t_now() + t_slow(T_WAIT);
	struct timeval tv = { 0, 10000 };

	while (strstr(s->log, text) == NULL && t_now() < end) {
		event_base_loopexit(s->base, &tv);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	want(strstr(s->log, text) != NULL, "\"%s\" is not in the log: %s",
	    text, s->log);
}

static int
lines(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* Posts until it works (1) or the time is over (0). */
static int
works_again(struct st *s, const char *to, const char *id)
{
	int64_t end = t_now() + t_slow(T_WAIT);
	struct timespec nap = { 0, 20000000 };

	while (st_post(s, "a", to, id).status != STORE_OK) {
		if (t_now() > end)
			return 0;
		nanosleep(&nap, NULL);
	}
	return 1;
}

START_TEST(files)
{
	struct st *s = st_new();
	struct stat sb;

	st_start(s);
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	want_int(stat(st_path(s, "relay.db"), &sb), 0);
	want_int(sb.st_mode & 0777, 0600);
	want_int(files_with(s, "-shm"), 0);
	st_stop(s);
	/* nothing is left in a log */
	want_int(files_with(s, "relay.db"), 1);
	want(access(st_path(s, "relay.db-wal"), F_OK) == -1, "a log is left");
	st_start(s);
	want_str(st_all(s, "b"), "1");
	want_int(files_with(s, "-shm"), 0);
	want_str(s->log, "");
	st_end(s);
}
END_TEST

/* It ends, and in order, when one of the other processes does. */
START_TEST(others_gone)
{
	struct st *s = st_new();
	struct store_append q = st_message("a", "b", "1", "");
	struct wbuf w = { 0 };

	st_start(s);
	imsg_free(s->parent);
	s->parent = NULL;
	want_int(st_ended(s), 0);
	st_start(s);
	store_append_put(&w, &q);
	st_send(s, STORE_APPEND, &w);
	want_int(imsg_flush(s->router, T_WAIT), 0);
	imsg_free(s->router);
	s->router = NULL;
	want_int(st_ended(s), 0);
	st_start(s);
	want_str(st_all(s, "b"), "1");
	st_end(s);
}
END_TEST

/* Whenever it is killed: all that was answered is there, and once. */
START_TEST(killed)
{
	struct st *s = st_new();
	struct store_append q;
	struct timeval tv = { 0, 1000 };
	struct wbuf w = { 0 };
	unsigned round, i, n = 0, had;
	int64_t end;
	char id[32];

	s->conf.keep_mailbox = 1000000;
	for (round = 0; round < KILLS; round++) {
		st_start(s);
		had = st_read(s, "b", INBOX_UNSEEN, 1, "").unread;
		want(had >= n, "%u answered, %u there", n, had);
		n = had;
		s->done = 0;
		end = t_now() + 10 + rand() % 60;
		for (i = 0; t_now() < end; i++) {
			snprintf(id, sizeof(id), "%u-%u", round, i);
			q = st_message("a", "b", id, id);
			store_append_put(&w, &q);
			st_send(s, STORE_APPEND, &w);
			if (i % 64 == 63) {
				event_base_loopexit(s->base, &tv);
				event_base_loop(s->base, EVLOOP_ONCE);
			}
		}
		kill(s->pid, SIGKILL);
		/* what it has answered still comes */
		(void)st_wait(s, &s->closed, T_WAIT);
		n += s->done;
		(void)st_ended(s);
		want_int(s->failed, 0);
	}
	want(n > 0, "nothing was answered");
	st_start(s);
	had = st_read(s, "b", INBOX_UNSEEN, 1, "").unread;
	want(had >= n, "%u answered, %u there", n, had);
	st_stop(s);
	st_end(s);
}
END_TEST

START_TEST(disk_full)
{
	struct st *s = st_new();
	struct store_mail m;
	int n;

	st_start(s);
	want_int(st_enter(s, "b"), STORE_OK);
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	st_disk(s);
	for (n = 0; n < 20; n++)
		want_int(st_post(s, "a", "b", "2").status, STORE_FAILED);
	want_int(st_enter(s, "c"), STORE_FAILED);
	want_int(st_mark_ids(s, "b", MSG_SEEN, "1").status, STORE_FAILED);
	/* what needs no room still works */
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_int(m.status, STORE_OK);
	want_str(st_ids(&m), "1");
	want_logged(s, "relay.db");
	want_int(lines(s->log), 1);
	st_disk(s);
	want_int(st_post(s, "a", "b", "2").status, STORE_OK);
	want_int(st_post(s, "a", "b", "2").status, STORE_REPEAT);
	want_logged(s, "can be written again");
	want_str(st_all(s, "b"), "1 2");
	st_disk(s);
	want_int(st_post(s, "a", "b", "3").status, STORE_FAILED);
	st_kill(s);
	st_start(s);
	want_str(st_all(s, "b"), "1 2");
	st_end(s);
}
END_TEST

/* In a batch that fails nothing is done, and all of it is told. */
START_TEST(batch_fails)
{
	struct st *s = st_new();
	struct store_inbox in = { .name = "b", .limit = 10,
	    .max_bytes = 1000 };
	struct store_append q;
	struct wbuf w = { 0 };
	int i;

	st_start(s);
	want_int(st_post(s, "a", "b", "0").status, STORE_OK);
	s->done = s->failed = 0;
	st_disk(s);
	kill(s->pid, SIGSTOP);
	for (i = 1; i <= 50; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		q = st_message("a", "b", id, "");
		store_append_put(&w, &q);
		st_send(s, STORE_APPEND, &w);
		store_inbox_put(&w, &in);
		st_send(s, STORE_INBOX, &w);
	}
	want_int(imsg_flush(s->router, T_WAIT), 0);
	kill(s->pid, SIGCONT);
	st_answers(s);
	want_int(s->failed, 100);
	want_int(s->done, 0);
	st_disk(s);
	want_str(st_all(s, "b"), "0");
	want_int(st_post(s, "a", "b", "1").unread, 2);
	st_end(s);
}
END_TEST

/* Something else is in its place. */
START_TEST(not_opened)
{
	struct st *s = st_new();
	struct store_mail m;
	char file[T_PATH];

	strlcpy(file, st_path(s, "relay.db"), sizeof(file));
	want_int(mkdir(file, 0700), 0);
	st_start(s);
	want_int(st_enter(s, "b"), STORE_FAILED);
	want_int(st_post(s, "a", "b", "1").status, STORE_FAILED);
	m = st_read(s, "b", INBOX_UNSEEN, 10, "");
	want_int(m.status, STORE_FAILED);
	want_logged(s, "unable to open database file");
	want_int(lines(s->log), 1);
	want_int(rmdir(file), 0);
	want(works_again(s, "b", "1"), "it does not open: %s", s->log);
	want_logged(s, "opened");
	want_str(st_all(s, "b"), "1");
	st_call(s, "b", "c");
	st_stop(s);
	/* former names are told when they are known */
	want_int(rename(file, st_path(s, "moved")), 0);
	want_int(mkdir(file, 0700), 0);
	st_start(s);
	want_str(s->aliases, "");
	want_int(rmdir(file), 0);
	want_int(rename(st_path(s, "moved"), file), 0);
	want(works_again(s, "c", "2"), "it does not open: %s", s->log);
	want_str(s->aliases, "b>c ");
	want_str(st_all(s, "b"), "1 2");
	st_end(s);
}
END_TEST

/* Starts with what is in relay.db, which must be found damaged. */
static void
set_aside(struct st *s)
{
	st_start(s);
	want_logged(s, "was damaged");
	want_int(files_with(s, ".damaged-2"), 1);
	want_int(st_post(s, "a", "b", "new").status, STORE_OK);
	want_str(st_all(s, "b"), "new");
	st_stop(s);
	st_start(s);
	want_str(st_all(s, "b"), "new");
	want_str(s->log, "");
	st_stop(s);
}

START_TEST(damaged_at_start)
{
	static const char sql[] = "CREATE TABLE peer (name TEXT)";
	struct st *s = st_new();
	char *noise = t_fill('#', 100000), *aside;
	DIR *d;
	struct dirent *e;
	sqlite3 *db;

	write_file(st_path(s, "relay.db"), noise, 100000);
	set_aside(s);
	/* what it was is still there, as it was */
	d = opendir(s->dir);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".damaged-") == NULL)
			continue;
		aside = read_file(st_path(s, e->d_name));
		want_str(aside, noise);
		free(aside);
		unlink(st_path(s, e->d_name));
	}
	closedir(d);
	st_end(s);

	s = st_new();
	write_file(st_path(s, "relay.db"), "short", 5);
	set_aside(s);
	st_end(s);

	/* a database of somebody else's */
	s = st_new();
	want_int(sqlite3_open(st_path(s, "relay.db"), &db), SQLITE_OK);
	want_int(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	set_aside(s);
	st_end(s);

	/* an empty file is a new one */
	s = st_new();
	write_file(st_path(s, "relay.db"), "", 0);
	st_start(s);
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	want_str(s->log, "");
	st_end(s);
	free(noise);
}
END_TEST

/* Overwrites part of the file. */
static void
spoil(struct st *s, off_t from, off_t len)
{
	char *noise = t_fill('\377', (size_t)len);
	int fd = open(st_path(s, "relay.db"), O_WRONLY);

	want(fd != -1, "%s", strerror(errno));
	want_int(pwrite(fd, noise, (size_t)len, from), len);
	close(fd);
	free(noise);
}

START_TEST(damaged_inside)
{
	struct st *s = st_new();
	char *text = t_fill('x', 2000);
	struct store_append q;
	struct wbuf w = { 0 };
	struct stat sb;
	char id[16];
	int i;

	s->conf.keep_mailbox = 10000;
	st_start(s);
	for (i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		q = st_message("a", "b", id, text);
		store_append_put(&w, &q);
		st_send(s, STORE_APPEND, &w);
	}
	st_answers(s);
	st_stop(s);
	/* a small one is read as a whole at the start */
	spoil(s, 100000, 40000);
	st_start(s);
	want_logged(s, "was damaged");
	want_int(files_with(s, ".damaged-2"), 1);
	for (i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		q = st_message("a", "b", id, text);
		store_append_put(&w, &q);
		st_send(s, STORE_APPEND, &w);
	}
	st_answers(s);
	want_int(st_post(s, "a", "c", "last").status, STORE_OK);
	st_stop(s);
	/* in a large one it is found when it is met */
	want_int(stat(st_path(s, "relay.db"), &sb), 0);
	want(sb.st_size > 5000000, "only %lld bytes", (long long)sb.st_size);
	spoil(s, 3000000, 100000);
	st_start(s);
	want_str(s->log, "");
	want_str(st_all(s, "c"), "last");
	want_int(st_read(s, "b", INBOX_SINCE, 4000, "").status, STORE_FAILED);
	want_logged(s, "was damaged");
	want_int(files_with(s, ".damaged-2"), 2);
	want_str(st_all(s, "c"), "");
	want_int(st_post(s, "a", "c", "new").status, STORE_OK);
	want_str(st_all(s, "c"), "new");
	free(text);
	st_end(s);
}
END_TEST

START_TEST(newer_version)
{
	struct st *s = st_new();
	sqlite3 *db;
	int status;

	st_start(s);
	want_int(st_post(s, "a", "b", "1").status, STORE_OK);
	st_stop(s);
	want_int(sqlite3_open(st_path(s, "relay.db"), &db), SQLITE_OK);
	want_int(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL,
	    NULL), SQLITE_OK);
	sqlite3_close(db);
	st_launch(s);
	want(st_wait(s, &s->closed, T_WAIT), "it goes on");
	status = st_ended(s);
	want(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %d",
	    status);
	want(strstr(s->log, "newer") != NULL, "%s", s->log);
	want_int(files_with(s, "damaged"), 0);
	st_end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("storedb");

	(void)argc;
	test_add(s, files, 30);
	test_add(s, others_gone, 30);
	test_add(s, killed, 120);
	test_add(s, disk_full, 30);
	test_add(s, batch_fails, 30);
	test_add(s, not_opened, 60);
	test_add(s, damaged_at_start, 60);
	test_add(s, damaged_inside, 60);
	test_add(s, newer_version, 30);
	return test_main(argv[0], s);
}
