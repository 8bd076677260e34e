/* SPDX-License-Identifier: ISC */
/*
 * hubctl backup: a copy of the database of a hub at work, and what becomes of
 * it when there is no room, when it is interrupted, and where it goes to.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../hubctl/ctl.h"
#include "client.h"

/* messages before the backup, and their length */
#define FIRST		150
#define FIRST_LEN	20000
#define PER_BOX		400	/* fewer than a mailbox keeps */
#define IN_FLIGHT	16
#define MESSAGES_MAX	(100 * PER_BOX)

/* A sender at full speed; message n is b<n>, to to<n / PER_BOX>. */
struct load {
	struct tenv	*env;
	struct conn	*c;
	int		 sent, acked;
	char		*text;
};

static void
load_turn(struct load *l, int upto)
{
	struct line	*line;
	char		*s;
	int		 len;

	while ((line = TAILQ_FIRST(&l->c->lines)) != NULL) {
		TAILQ_REMOVE(&l->c->lines, line, entry);
		is_str(line->json, "type", "send_ack");
		l->acked++;
		line_free(line);
	}
	while (l->sent < upto && l->sent - l->acked < IN_FLIGHT) {
		len = asprintf(&s, "{\"type\":\"send\",\"req_id\":\"%d\","
		    "\"to\":\"to%d\",\"text\":\"%s\",\"msg_id\":\"b%d\"}\n",
		    l->sent, l->sent / PER_BOX, l->text, l->sent);
		want(len > 0 && conn_write(l->c, s, (size_t)len) == 0,
		    "the hub takes no more");
		free(s);
		l->sent++;
	}
	conns_pump(l->env, 2);
}

static void
load_until(struct load *l, int n)
{
	int64_t	end = t_now() + t_slow(T_WAIT);

	while (l->acked < n && t_now() < end)
		load_turn(l, n);
	want(l->acked >= n, "only %d of %d were acknowledged", l->acked, n);
}

static void
load_begin(struct load *l, struct tenv *t)
{
	memset(l, 0, sizeof(*l));
	l->env = t;
	l->c = client_new(t, "from", "ids");
	l->text = t_fill('x', FIRST_LEN);
	load_until(l, FIRST);
}

static void
load_end(struct load *l)
{
	conn_close(l->c);
	free(l->text);
}

/* Kept until the end of the test. */
static const char *
backup_path(struct tenv *t, const char *name)
{
	return (json_string_value(tenv_keep(t,
	    json_string(tenv_path(t, name)))));
}

static pid_t
backup_start(struct tenv *t, const char *file)
{
	const char *const	argv[] = { "hubctl", "backup", file, NULL };
	static const int	fds[2] = { -1, -1 };

	return (program_start("hubctl", argv, fds, tenv_path(t, "backup.log"),
	    NULL));
}

static int
exit_of(int status)
{
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* What SQLite thinks of it. */
static void
is_sound(const char *path)
{
	sqlite3_stmt	*st;
	sqlite3		*db;

	want(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) ==
	    SQLITE_OK, "%s cannot be opened", path);
	want(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st,
	    NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW,
	    "%s: %s", path, sqlite3_errmsg(db));
	want(strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0,
	    "%s: %s", path, sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* Reads mailbox to<box>: each message may be there once. */
static void
read_box(struct tenv *t, int box, unsigned char *there)
{
	const char	*id = "none";
	char		 name[16];
	struct conn	*c;
	json_t		*list;
	size_t		 i;
	int		 n;

	snprintf(name, sizeof(name), "to%d", box);
	c = client_new(t, name, "ids");
	do {
		list = json_object_get(rpc(c, "{s:s,s:i,s:s}", "type",
		    "inbox", "limit", 100, "since_id", id), "messages");
		for (i = 0; i < json_array_size(list); i++) {
			id = str_of(json_array_get(list, i), "msg_id");
			want(sscanf(id, "b%d", &n) == 1 && n >= 0 &&
			    n < MESSAGES_MAX && there[n]++ == 0,
			    "%s is there twice", id);
		}
	} while (json_array_size(list) > 0);
	conn_close(c);
}

/* The copy as the database of another hub: all before n are in it. */
static void
restore(struct tenv *t, const char *file, int n)
{
	struct tenv	*o = tenv_beside(t, "other");
	unsigned char	*there = xcalloc(MESSAGES_MAX, 1);
	char		 path[T_PATH];
	int		 i;

	want(mkdir(o->data, 0700) == 0, "mkdir");
	snprintf(path, sizeof(path), "%s/relay.db", o->data);
	want(rename(file, path) == 0, "rename");
	is_sound(path);
	tenv_enter(o);
	hub_start(o);
	for (i = 0; i <= (n - 1) / PER_BOX; i++)
		read_box(o, i, there);
	for (i = 0; i < n; i++)
		want(there[i], "message %d of %d is not in the copy", i, n);
	free(there);
	tenv_enter(t);
}

START_TEST(a_copy_of_a_hub_at_work)
{
	struct tenv	*t = tenv_new();
	const char	*file = backup_path(t, "copy");
	struct load	 l;
	struct stat	 st;
	int		 status, before;
	pid_t		 pid;

	hub_start(t);
	load_begin(&l, t);
	before = l.acked;
	l.text[1000] = '\0';
	pid = backup_start(t, file);
	while (waitpid(pid, &status, WNOHANG) == 0)
		load_turn(&l, MESSAGES_MAX);
	want(exit_of(status) == 0, "hubctl backup: status 0x%x: %s", status,
	    read_file(tenv_path(t, "backup.log")));
	want(l.acked > before, "nothing was acknowledged meanwhile");
	load_until(&l, l.sent);
	load_end(&l);
	want(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "its mode is %o", st.st_mode);
	hub_stop(t, SIGTERM);
	want(access(tenv_path(t, "d/relay.db.copy"), F_OK) == -1,
	    "a copy is left in the data directory");
	restore(t, file, before);
	tenv_end(t);
}
END_TEST

/* Runs hubctl backup; its status must be that, and it must say the text. */
static void
backs_up(struct tenv *t, const char *file, const char *option, int status,
    const char *text)
{
	struct output	*o = option != NULL ?
	    run(t, NULL, "hubctl", "backup", option, file, NULL) :
	    run(t, NULL, "hubctl", "backup", file, NULL);

	want(exit_of(o->status) == status && strstr(status == 0 ? o->out :
	    o->err, text) != NULL, "hubctl backup %s: status 0x%x: %s%s",
	    file, o->status, o->out, o->err);
	output_free(o);
}

START_TEST(where_it_goes_to)
{
	struct tenv	*t = tenv_new();
	const char	*file = backup_path(t, "copy");
	const char	*db = backup_path(t, "d/relay.db");
	const char	*far = backup_path(t, "nowhere/copy");
	struct output	*o;
	struct load	 l;
	struct stat	 st;

	backs_up(t, file, NULL, 1, "no hub is running");
	hub_start(t);
	load_begin(&l, t);
	backs_up(t, file, NULL, 0, "messages: 150, mailboxes: 2,");
	want(stat(file, &st) == 0, "no copy");
	backs_up(t, file, NULL, 1, "is there already: -f replaces it");
	write_file(file, "x", 1);
	backs_up(t, file, "-f", 0, "messages: 150, mailboxes: 2,");
	is_sound(file);
	backs_up(t, t->home, "-f", 1, "is no file");
	backs_up(t, far, NULL, 1, "No such file");
	backs_up(t, db, "-f", 1, "is the hub's own database");
	hub_serves(t);

	o = run(t, NULL, "hubctl", "-j", "backup", "-f", file, NULL);
	want(exit_of(o->status) == 0 && strstr(o->out, "\"messages\":150") !=
	    NULL, "-j: %s%s", o->out, o->err);
	output_free(o);
	o = run(t, NULL, "hubctl", "backup", "-", NULL);
	want(exit_of(o->status) == 0 &&
	    strcmp(o->out, "SQLite format 3") == 0 && o->err[0] == '\0',
	    "to standard output: %.40s%s", o->out, o->err);
	output_free(o);
	load_end(&l);
	tenv_end(t);
}
END_TEST

/* Asks for one, and returns when the router has heard it. */
static struct ctl *
ask_only(struct tenv *t)
{
	char		 path[T_PATH];
	struct wbuf	 w = { 0 };
	struct rbuf	*r;
	struct ctl	*c;

	snprintf(path, sizeof(path), "%s/hubctl.sock", t->data);
	want((c = ctl_open(path)) != NULL, "no hubctl.sock");
	want(ctl_call_long(c, CTL_BACKUP, NULL, 1, NULL, NULL) == NULL,
	    "a stopped store made a copy");
	put_str(&w, "peers");
	want((r = ctl_call(c, CTL_SHOW, &w)) != NULL, "no peers");
	rbuf_unref(r);
	wbuf_free(&w);
	return (c);
}

/* That of a hub that has been started: a copy stays under way. */
static pid_t
stopped_store(struct tenv *t)
{
	pid_t	store;

	hub_start(t);
	hub_serves(t);
	want((store = hub_pid(t, "store")) != 0, "no store");
	kill(store, SIGSTOP);
	return (store);
}

START_TEST(one_at_a_time)
{
	struct tenv	*t = tenv_new();
	const char	*file = backup_path(t, "copy");
	struct ctl	*c;
	pid_t		 store = stopped_store(t);

	c = ask_only(t);
	backs_up(t, file, NULL, 1, "another backup is being made");
	/* who asked goes: the next one may */
	ctl_close(c);
	c = ask_only(t);
	ctl_close(c);
	kill(store, SIGCONT);
	backs_up(t, file, NULL, 0, "messages: 0, mailboxes: ");
	is_sound(file);
	tenv_end(t);
}
END_TEST

/* What is under way is given up. */
START_TEST(the_hub_stops_meanwhile)
{
	struct tenv	*t = tenv_new();
	struct ctl	*c;
	pid_t		 store = stopped_store(t);

	c = ask_only(t);
	kill(t->hub, SIGTERM);
	want(ctl_wait_gone(c) == 0, "hubctl is kept waiting");
	want(ctl_take_fd(c) == -1, "there is a copy");
	ctl_close(c);
	kill(store, SIGCONT);
	want(exit_of(hub_stop(t, SIGTERM)) == 0, "the hub has failed");
	tenv_end(t);
}
END_TEST

/* A disk without room for the copy: that is all that fails. */
START_TEST(there_is_no_room)
{
	struct tenv	*t = tenv_new();
	const char	*file = backup_path(t, "copy");
	struct load	 l;

	if (!small_disk(t, 0)) {
		printf("backup: no file system of its own, skipped\n");
		tenv_end(t);
		return;
	}
	hub_start(t);
	load_begin(&l, t);
	backs_up(t, file, NULL, 1, "there is not enough room");
	want(access(file, F_OK) == -1, "there is a file");
	load_until(&l, FIRST + 10);
	load_end(&l);
	hub_stop(t, SIGTERM);
	small_disk_end(t);
	tenv_end(t);
}
END_TEST

/* Of a hub that was killed in the wrong moment. */
START_TEST(an_old_copy_is_removed)
{
	struct tenv	*t = tenv_new();
	const char	*old = backup_path(t, "d/relay.db.copy");

	want(mkdir(t->data, 0700) == 0, "mkdir");
	write_file(old, "x", 1);
	hub_start(t);
	hub_serves(t);
	want(access(old, F_OK) == -1, "it is still there");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("backup");

	(void)argc;
	test_add(s, a_copy_of_a_hub_at_work, 120);
	test_add(s, where_it_goes_to, 60);
	test_add(s, one_at_a_time, 60);
	test_add(s, the_hub_stops_meanwhile, 60);
	test_add(s, there_is_no_room, 60);
	test_add(s, an_old_copy_is_removed, 30);
	return (test_main(argv[0], s));
}
