/* SPDX-License-Identifier: ISC */
/*
 * Tests of giving up root, of the directories for that, and of files where
 * another user can plant what he likes.  For root.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "datadir.h"
#include "datafile.h"
#include "privdrop.h"
#include "test.h"

#define UID		64123
#define GID		64124
#define DROPPED		0
#define REFUSED		1	/* fatal() */

static char	dir[32], path[64], other[64];

static void
begin(void)
{
	strlcpy(dir, "/tmp/erdrop.XXXXXX", sizeof(dir));
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(other, sizeof(other), "%s.other", dir);
}

static void
finish(void)
{
	remove_tree(dir);
	(void)unlink(other);
}

START_TEST(message)
{
	struct privdrop in = { UID, GID, "/some/where" }, out;
	struct wbuf w = { 0 };
	struct reader rd;

	privdrop_put(&w, &in);
	reader_init(&rd, wbuf_data(&w), w.len);
	ck_assert_int_eq(privdrop_get(&rd, &out), 0);
	ck_assert_uint_eq(out.uid, UID);
	ck_assert_uint_eq(out.gid, GID);
	ck_assert_str_eq(out.root, "/some/where");
	reader_init(&rd, wbuf_data(&w), w.len - 1);
	ck_assert_int_eq(privdrop_get(&rd, &out), -1);
	put_u8(&w, 0);
	reader_init(&rd, wbuf_data(&w), w.len);
	ck_assert_int_eq(privdrop_get(&rd, &out), -1);
	wbuf_free(&w);
}
END_TEST

/* How a process of its own ends. */
static int
dropped(uid_t uid, gid_t gid, const char *root, int (*look)(void))
{
	struct privdrop p = { uid, gid, "" };
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		strlcpy(p.root, root, sizeof(p.root));
		privdrop_enter(&p);
		_exit(look());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
is_out(void)
{
	gid_t groups[4];
	char cwd[8];

	if (getuid() != UID || geteuid() != UID || getgid() != GID ||
	    getegid() != GID || getgroups(4, groups) != 1 ||
	    groups[0] != GID)
		return 2;
	if (setuid(0) == 0 || setgid(0) == 0 || setreuid(0, 0) == 0)
		return 3;
	if (getcwd(cwd, sizeof(cwd)) == NULL || strcmp(cwd, "/") != 0)
		return 4;
	return DROPPED;
}

/* What is in that directory, and nothing above it. */
static int
is_in(void)
{
	if (access("/f", F_OK) == -1 || access("/etc", F_OK) == 0 ||
	    access("../etc", F_OK) == 0)
		return 5;
	return is_out();
}

START_TEST(drop)
{
	write_file(path, "", 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(dropped(UID, GID, "", is_out), DROPPED);
	ck_assert_int_eq(dropped(UID, GID, dir, is_in), DROPPED);
	ck_assert_int_eq(dropped(UID, GID, path, is_out), REFUSED);
	ck_assert_int_eq(dropped(UID, GID, "/not/there", is_out), REFUSED);
	ck_assert_int_eq(dropped(0, GID, "", is_out), REFUSED);
	ck_assert_int_eq(dropped(UID, 0, "", is_out), REFUSED);
}
END_TEST

/* Nor can who is no longer root. */
START_TEST(drop_without_root)
{
	ck_assert_int_eq(setuid(UID), 0);
	ck_assert_int_eq(dropped(UID, GID, "", is_out), REFUSED);
	ck_assert_int_eq(dropped(UID, GID, "/", is_out), REFUSED);
}
END_TEST

START_TEST(empty_directory)
{
	char deep[64], file[80];
	struct stat st;

	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	snprintf(file, sizeof(file), "%s/c", deep);
	(void)umask(077);
	ck_assert_int_eq(privdrop_emptydir(deep), 0);
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(umask(077), 077);
	ck_assert_int_eq(privdrop_emptydir(deep), 0);
	write_file(file, "", 0);
	ck_assert_int_eq(privdrop_emptydir(deep), -1);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(chmod(deep, 0775), 0);
	ck_assert_int_eq(privdrop_emptydir(deep), -1);
	ck_assert_int_eq(chmod(deep, 0757), 0);
	ck_assert_int_eq(privdrop_emptydir(deep), -1);
	ck_assert_int_eq(chmod(deep, 0755), 0);
	ck_assert_int_eq(chown(deep, UID, GID), 0);
	ck_assert_int_eq(privdrop_emptydir(deep), -1);
	ck_assert_int_eq(chown(deep, 0, 0), 0);
	ck_assert_int_eq(symlink(deep, path), 0);
	ck_assert_int_eq(privdrop_emptydir(path), -1);
	ck_assert_int_eq(privdrop_emptydir(deep), 0);
}
END_TEST

/* A file of root's that can be read by all. */
static void
victim(void)
{
	write_file(other, "victim", 6);
	ck_assert_int_eq(chmod(other, 0644), 0);
	ck_assert_int_eq(chown(dir, UID, GID), 0);
}

static void
untouched(void)
{
	struct stat st;
	char *text = read_file(other);

	ck_assert_int_eq(lstat(other, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_str_eq(text, "victim");
	free(text);
}

static void
nothing_is_done(int dfd)
{
	struct stat st;
	size_t len;

	ck_assert(datafile_read(path, 100, &len, &st) == NULL);
	ck_assert_int_eq(datafile_open(path), -1);
	ck_assert_int_eq(datafile_open_at(dfd, "f"), -1);
	ck_assert_int_eq(stat(other, &st), 0);
	ck_assert_int_eq(datafile_private(path, &st), -1);
	ck_assert_int_eq(datafile_append_at(dfd, "f"), -1);
	ck_assert_int_ne(datafile_give(dfd, "f", UID, GID), 1);
	untouched();
	ck_assert_int_eq(unlink(path), 0);
}

START_TEST(planted)
{
	int dfd = open(dir, O_RDONLY);

	ck_assert_int_ne(dfd, -1);
	victim();
	ck_assert_int_eq(symlink(other, path), 0);
	nothing_is_done(dfd);
	ck_assert_int_eq(link(other, path), 0);
	nothing_is_done(dfd);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	nothing_is_done(dfd);
	write_file(path, "third", 5);
	ck_assert_int_eq(chown(path, UID + 1, GID), 0);
	nothing_is_done(dfd);
	/* what is replaced is the name */
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(datafile_replace(path, "new", 3), 0);
	untouched();
	close(dfd);
}
END_TEST

START_TEST(planted_directory)
{
	char real[64], where[64];
	int fd;

	victim();
	snprintf(real, sizeof(real), "%s/real", dir);
	snprintf(where, sizeof(where), "%s/link", dir);
	ck_assert_int_eq(mkdir(real, 0700), 0);
	ck_assert_int_eq(symlink("/tmp", where), 0);
	ck_assert_int_eq(datafile_open_dir(dir, "link"), -1);
	ck_assert_int_eq(datafile_dir(where), -1);
	ck_assert_int_eq(datafile_open_dir(dir, "none"), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_ne(fd = datafile_open_dir(dir, "real"), -1);
	close(fd);
	ck_assert_int_eq(chown(dir, 0, 0), 0);
	ck_assert_int_ne(fd = datafile_open_dir(dir, "link"), -1);
	close(fd);
	ck_assert_int_ne(fd = datafile_dir(where), -1);
	close(fd);
}
END_TEST

/* The data directory itself: root's, to which a link leads, is not given. */
START_TEST(planted_data)
{
	static const struct privdrop user = { UID, GID, "" };

	ck_assert_int_eq(mkdir(other, 0700), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(datadir_check(path, &user), 0);
	ck_assert_int_eq(chown(dir, UID, GID), 0);
	ck_assert_int_eq(datadir_check(path, &user), -1);
	ck_assert_int_eq(rmdir(other), 0);
}
END_TEST

/* What sessions leave there before a hub of root's is started. */
START_TEST(sessions_first)
{
	static const struct privdrop user = { UID, GID, "" };
	static const char *const names[] = { "logs", "spawn.lock" };
	char name[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(mkdir(path, 0700), 0);
		snprintf(name, sizeof(name), "%s/else", path);
		write_file(name, "", 0);
		ck_assert_int_eq(datadir_check(path, &user), -1);
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		write_file(name, "", 0);
		ck_assert_int_eq(datadir_check(path, &user), 0);
		remove_tree(path);
	}
}
END_TEST

static void
owned_by(uid_t uid, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, uid);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
}

static void
reads(const char *text, struct stat *st)
{
	size_t len;
	char *got = datafile_read(path, 100, &len, st);

	ck_assert_msg(got != NULL, "%s", strerror(errno));
	ck_assert_str_eq(got, text);
	free(got);
}

START_TEST(own_files)
{
	int fd, dfd = open(dir, O_RDONLY);
	struct stat st;

	ck_assert_int_eq(chown(dir, UID, GID), 0);
	ck_assert_int_eq(datafile_replace(path, "one", 3), 0);
	owned_by(UID, 0600);
	ck_assert_int_eq(chown(path, 0, 0), 0);
	ck_assert_int_eq(datafile_give(dfd, "f", UID, GID), 1);
	owned_by(UID, 0600);
	ck_assert_int_eq(datafile_give(dfd, "f", UID, GID), 0);
	ck_assert_int_eq(datafile_give(dfd, "none", UID, GID), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
	reads("one", &st);
	ck_assert(datafile_is_ours(path, &st));
	ck_assert_int_eq(datafile_private(path, &st), 0);
	owned_by(UID, 0600);
	ck_assert_int_ne(fd = datafile_open(path), -1);
	close(fd);
	/* in a directory of its own, a user's may be a link */
	ck_assert_int_eq(chown(dir, 0, 0), 0);
	ck_assert(!datafile_is_ours(path, &st));
	victim();
	ck_assert_int_eq(chown(dir, 0, 0), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	reads("victim", &st);
	close(dfd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("privdrop");
	TCase *tc = tcase_create("privdrop");

	if (geteuid() != 0) {
		printf("only root has anything to give up\n");
		return 77;
	}
	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, message);
	tcase_add_test(tc, drop);
	tcase_add_test(tc, drop_without_root);
	tcase_add_test(tc, empty_directory);
	tcase_add_test(tc, planted);
	tcase_add_test(tc, planted_directory);
	tcase_add_test(tc, planted_data);
	tcase_add_test(tc, sessions_first);
	tcase_add_test(tc, own_files);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
