/* SPDX-License-Identifier: ISC */
/*
 * Tests of a session's name, its git branch, and the host's name for it.
 */
#include "compat.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "identity.h"
#include "test.h"

static char top[64];		/* each test's own directory */

static const char *const variables[] = {
	"RELAY_PEER_ID", "CLAUDE_RELAY_SESSION_ID", "RELAY_CLIENT_ID",
	"RELAY_SESSION_NAME"
};
#define NVARIABLES	(sizeof(variables) / sizeof(variables[0]))

static void
set_up(void)
{
	size_t i;

	strlcpy(top, "/tmp/ecorelay-XXXXXX", sizeof(top));
	ck_assert_ptr_nonnull(mkdtemp(top));
	for (i = 0; i < NVARIABLES; i++)
		unsetenv(variables[i]);
	setenv("HOME", top, 1);
}

static void
tear_down(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	ck_assert_int_eq(system(cmd), 0);
}

/* A path below top, in a buffer that the next but three calls reuse. */
static const char *
at(const char *name)
{
	static char paths[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", top, name);
	return paths[turn];
}

/* Replaces a file below top, and makes its directory. */
static void
put(const char *name, const char *text)
{
	char cmd[300];
	FILE *fp;

	snprintf(cmd, sizeof(cmd), "mkdir -p \"$(dirname '%s')\"", at(name));
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_ptr_nonnull(fp = fopen(at("new"), "w"));
	ck_assert_int_ge(fputs(text, fp), 0);
	ck_assert_int_eq(fclose(fp), 0);
	ck_assert_int_eq(rename(at("new"), at(name)), 0);
}

static const char *
branch_of(const char *dir)
{
	static char branch[IDENTITY_BRANCH_SIZE];

	identity_branch(at(dir), branch);
	return branch;
}

START_TEST(name_of_directory)
{
	static const struct {
		const char	*cwd, *name;
	} rows[] = {
		{ "/home/u/api", "api" },
		{ "/home/u/My Project!", "my-project" },
		{ "/home/u/--x--", "x" },
		{ "/home/u/v1.2_x", "v1.2_x" },
		{ "/home/u/***", "relay" },
		{ "/", "relay" },
	};
	struct identity id;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		identity_init(&id, NULL, rows[i].cwd, 1);
		ck_assert_str_eq(id.name, rows[i].name);
		ck_assert_str_eq(id.cwd, rows[i].cwd);
		ck_assert_int_eq(id.fixed, 0);
	}
}
END_TEST

/* Each in turn: a variable wins over those behind it, over --name and file. */
START_TEST(order_of_names)
{
	struct identity id;
	size_t i;

	identity_init(&id, NULL, "/x/dir", 42);
	ck_assert_str_eq(id.name, "dir");
	put(".claude/sessions/42.json", "{\"name\":\"From Host\"}");
	identity_init(&id, NULL, "/x/dir", 42);
	ck_assert_str_eq(id.name, "from-host");
	ck_assert_int_eq(id.fixed, 0);
	identity_init(&id, NULL, "/x/dir", 43);
	ck_assert_str_eq(id.name, "dir");
	identity_init(&id, "Option", "/x/dir", 42);
	ck_assert_str_eq(id.name, "Option");
	ck_assert_int_eq(id.fixed, 1);
	for (i = NVARIABLES; i-- > 0; ) {
		setenv(variables[i], variables[i], 1);
		identity_init(&id, "Option", "/x/dir", 42);
		ck_assert_str_eq(id.name, variables[i]);
		ck_assert_int_eq(id.fixed, 1);
	}
}
END_TEST

/* What is empty does not count, what is no name is made one. */
START_TEST(names_made_valid)
{
	struct identity id;

	setenv("RELAY_PEER_ID", "", 1);
	setenv("CLAUDE_RELAY_SESSION_ID", " ?? ", 1);
	setenv("RELAY_CLIENT_ID", " The API ", 1);
	identity_init(&id, NULL, "/x/dir", 1);
	ck_assert_str_eq(id.name, "the-api");
	setenv("RELAY_PEER_ID", " Api.1 ", 1);
	identity_init(&id, NULL, "/x/dir", 1);
	ck_assert_str_eq(id.name, "Api.1");
}
END_TEST

START_TEST(host_renames)
{
	struct identity id;

	identity_init(&id, NULL, "/x/dir", 42);
	ck_assert_int_eq(identity_renamed(&id), 0);
	put(".claude/sessions/42.json", "{\"status\":\"idle\"}");
	ck_assert_int_eq(identity_renamed(&id), 0);
	put(".claude/sessions/42.json", "{\"name\":\"one\"}");
	ck_assert_int_eq(identity_renamed(&id), 1);
	ck_assert_str_eq(id.name, "one");
	ck_assert_int_eq(identity_renamed(&id), 0);
	put(".claude/sessions/42.json",
	    "{\"name\":\"one\",\"status\":\"busy\"}");
	ck_assert_int_eq(identity_renamed(&id), 0);
	put(".claude/sessions/42.json", "{\"name\":\"tw");
	ck_assert_int_eq(identity_renamed(&id), 0);
	put(".claude/sessions/42.json", "{\"name\":\"two\"}");
	ck_assert_int_eq(identity_renamed(&id), 1);
	ck_assert_str_eq(id.name, "two");
	ck_assert_int_eq(unlink(at(".claude/sessions/42.json")), 0);
	ck_assert_int_eq(identity_renamed(&id), 0);
	ck_assert_str_eq(id.name, "two");
}
END_TEST

START_TEST(fixed_name_stays)
{
	struct identity id;

	identity_init(&id, "mine", "/x/dir", 42);
	put(".claude/sessions/42.json", "{\"name\":\"one\"}");
	ck_assert_int_eq(identity_renamed(&id), 0);
	ck_assert_str_eq(id.name, "mine");
}
END_TEST

START_TEST(branches)
{
	static const struct {
		const char	*head, *branch;
	} rows[] = {
		{ "ref: refs/heads/main\n", "main" },
		{ "ref: refs/heads/feature/a-b\n", "feature/a-b" },
		{ "ref: refs/remotes/x\r\n", "refs/remotes/x" },
		{ "ref: refs/heads/.invalid\n", "" },
		{ "0123456789abcdef0123456789abcdef01234567\n", "0123456" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
		    "abcdef\n", "0123456" },
		{ "0123456\n", "" },
		{ "", "" },
		{ "nonsense", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put("repo/.git/HEAD", rows[i].head);
		ck_assert_str_eq(branch_of("repo"), rows[i].branch);
		ck_assert_str_eq(branch_of("repo/deep/in/it"),
		    rows[i].branch);
	}
	ck_assert_str_eq(branch_of("elsewhere"), "");
}
END_TEST

/* A worktree's .git is a file; its path may be relative. */
START_TEST(worktrees)
{
	char text[300];

	put("repo/.git/HEAD", "ref: refs/heads/main\n");
	put("repo/.git/worktrees/w/HEAD", "ref: refs/heads/other\n");
	snprintf(text, sizeof(text), "gitdir: %s\n",
	    at("repo/.git/worktrees/w"));
	put("tree/.git", text);
	ck_assert_str_eq(branch_of("tree"), "other");
	ck_assert_str_eq(branch_of("tree/sub"), "other");
	put("repo/module/.git", "gitdir: ../.git/worktrees/w\n");
	ck_assert_str_eq(branch_of("repo/module"), "other");
	put("repo/module/.git", "gitdir: /nowhere\n");
	ck_assert_str_eq(branch_of("repo/module"), "");
	put("repo/module/.git", "what is this");
	ck_assert_str_eq(branch_of("repo/module"), "");
}
END_TEST

START_TEST(in_this_repository)
{
	struct identity id;

	put("repo/.git/HEAD", "ref: refs/heads/main\n");
	identity_init(&id, NULL, at("repo/src"), 1);
	ck_assert_str_eq(id.git_branch, "main");
	ck_assert_str_eq(id.name, "src");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, name_of_directory);
	tcase_add_test(tc, order_of_names);
	tcase_add_test(tc, names_made_valid);
	tcase_add_test(tc, host_renames);
	tcase_add_test(tc, fixed_name_stays);
	tcase_add_test(tc, branches);
	tcase_add_test(tc, worktrees);
	tcase_add_test(tc, in_this_repository);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
