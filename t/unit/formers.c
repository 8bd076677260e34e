/* SPDX-License-Identifier: ISC */
/*
 * Tests of former names.
 */
#include "compat.h"

#include <check.h>
#include <stdio.h>

#include "formers.h"
#include "test.h"

static struct formers	*fs;
static char		 gone[64];	/* the last one */
static unsigned		 ngone;

static void
begin(void)
{
	fs = formers_new();
	gone[0] = '\0';
	ngone = 0;
}

static void
finish(void)
{
	formers_free(fs);
}

static void
on_gone(const char *name, void *arg)
{
	ck_assert_ptr_eq(arg, &gone);
	ck_assert(formers_target(fs, name) != NULL);
	strlcpy(gone, name, sizeof(gone));
	ngone++;
}

static void
add(const char *name, const char *target)
{
	formers_add(fs, name, target, on_gone, &gone);
}

static void
leads(const char *name, const char *target)
{
	const char *to = formers_target(fs, name);

	if (target == NULL)
		ck_assert_msg(to == NULL, "%s leads to %s", name, to);
	else
		ck_assert_msg(to != NULL && strcmp(to, target) == 0,
		    "%s leads to %s", name, to != NULL ? to : "nothing");
}

static unsigned
count(void)
{
	const char *target;
	unsigned n = 0;
	size_t pos = 0;

	while (formers_next(fs, &pos, &target) != NULL)
		n++;
	return n;
}

START_TEST(follows)
{
	add("a", "b");
	add("x", "y");
	leads("a", "b");
	leads("b", NULL);
	add("b", "c");
	leads("a", "c");
	leads("b", "c");
	leads("x", "y");
	/* back again: it is nobody's former name */
	add("c", "a");
	leads("a", NULL);
	leads("b", "a");
	leads("c", "a");
	ck_assert_uint_eq(count(), 3);
	formers_drop(fs, "b");
	formers_drop(fs, "never");
	leads("b", NULL);
	leads("c", "a");
	formers_drop(fs, "c");
	ck_assert_uint_eq(count(), 1);
	add("y", "x");
	leads("x", NULL);
	leads("y", "x");
	ck_assert_uint_eq(ngone, 0);
}
END_TEST

/* A name may lead elsewhere now, and two sessions become one. */
START_TEST(moves)
{
	add("a", "b");
	add("a", "c");
	leads("a", "c");
	add("b", "d");
	add("c", "d");
	leads("a", "d");
	leads("b", "d");
	leads("c", "d");
	add("d", "d");
	leads("d", NULL);
	ck_assert_uint_eq(count(), 3);
}
END_TEST

START_TEST(bounded)
{
	char from[32], to[32];
	unsigned i, n = 3 * FORMER_NAMES_MAX;

	for (i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "n%u", i);
		snprintf(to, sizeof(to), "n%u", i + 1);
		add(from, to);
	}
	ck_assert_uint_eq(count(), FORMER_NAMES_MAX);
	ck_assert_uint_eq(ngone, n - FORMER_NAMES_MAX);
	snprintf(from, sizeof(from), "n%u", n - FORMER_NAMES_MAX - 1);
	ck_assert_str_eq(gone, from);
	leads(from, NULL);
	snprintf(from, sizeof(from), "n%u", n - FORMER_NAMES_MAX);
	leads(from, to);
	/* those of another name are counted by themselves */
	add("x", "y");
	leads("x", "y");
	leads(from, to);
	ck_assert_uint_eq(count(), FORMER_NAMES_MAX + 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("formers");
	TCase *tc = tcase_create("formers");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, follows);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, bounded);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
