/* SPDX-License-Identifier: ISC */
/*
 * Tests of the keys of other hubs: which one is accepted, and what is kept.
 */
#include "compat.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "keystore.h"
#include "test.h"

#define A	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C	"cccccccccccccccccccccccccccccccc" \
		"cccccccccccccccccccccccccccccccc"

static char		 dir[32];
static struct db	*db;
static int64_t		 now = 1000000;

static void
begin(void)
{
	strlcpy(dir, "/tmp/erkeys.XXXXXX", sizeof(dir));
	ck_assert(mkdtemp(dir) != NULL);
	db = db_new(dir, 0);
	ck_assert_int_eq(db_open(db), 1);
	ck_assert_int_eq(db_begin(db), 0);
}

static void
finish(void)
{
	ck_assert_int_eq(db_commit(db), 0);
	db_free(db);
	remove_tree(dir);
}

static struct store_key_done
doing(enum key_op op, const char *hub, const char *key, int strict)
{
	struct store_key q = { .op = op, .strict = (uint8_t)strict,
	    .now = now };
	struct store_key_done a;

	strlcpy(q.hub, hub, sizeof(q.hub));
	strlcpy(q.key, key, sizeof(q.key));
	ck_assert_int_eq(keystore_do(db, &q, &a), 0);
	return a;
}

#define verdict(hub, key, strict, v)					\
	ck_assert_int_eq(doing(KEY_CHECK, hub, key, strict).verdict, v)

static void
trusts(const char *hub, const char *key, const char *which)
{
	struct store_key_done a = doing(KEY_TRUST, hub, key, 0);

	ck_assert_int_eq(a.status, STORE_OK);
	ck_assert_str_eq(a.key, which);
}

static int
trusted_until_now(const char *hub, const char *key)
{
	return doing(KEY_TRUST, hub, key, 0).verdict;
}

/* "hub:a:state first-last ..." of all, with the key's first letter. */
static void
has(const char *all)
{
	struct store_key_list l = { .status = STORE_OK };
	struct store_key_info k;
	struct wbuf w = { 0 }, text = { 0 };
	struct reader rd;
	uint32_t i;

	ck_assert_int_eq(keystore_list(db, &l, &w), 0);
	reader_init(&rd, l.keys.p, l.keys.len);
	for (i = 0; i < l.n; i++) {
		ck_assert_int_eq(store_key_info_get(&rd, &k), 0);
		wbuf_printf(&text, "%s%s:%.1s:%d %lld-%lld", i > 0 ? " " : "",
		    k.hub, k.key, k.state, (long long)k.first_seen / 1000,
		    (long long)k.last_seen / 1000);
	}
	wbuf_add(&text, "", 1);
	ck_assert_str_eq(wbuf_data(&text), all);
	wbuf_free(&text);
	wbuf_free(&w);
}

START_TEST(first_sight)
{
	verdict("h", "", 0, KEY_UNKNOWN);
	has("");
	verdict("h", A, 0, KEY_NEW);
	has("h:a:4 1000-1000");
	verdict("h", A, 0, KEY_OK);
	verdict("h", A, 1, KEY_OK);
	verdict("h", "", 1, KEY_OK);
	/* the time is not written each time */
	now += 59000;
	verdict("h", A, 0, KEY_OK);
	has("h:a:4 1000-1000");
	now += 2000;
	verdict("h", A, 0, KEY_OK);
	has("h:a:4 1000-1061");
	verdict("g", A, 0, KEY_NEW);
}
END_TEST

START_TEST(strict)
{
	verdict("h", A, 1, KEY_UNKNOWN);
	has("h:a:1 1000-1000");
	/* it can seal: it is not spoken to otherwise */
	verdict("h", "", 1, KEY_OK);
	now += 1000;
	verdict("h", A, 1, KEY_UNKNOWN);
	has("h:a:1 1000-1001");
	verdict("h", B, 1, KEY_UNKNOWN);
	has("h:b:1 1001-1001");
	trusts("h", "", B);
	verdict("h", B, 1, KEY_OK);
	verdict("h", A, 1, KEY_CHANGED);
	/* before it is seen */
	trusts("g", C, C);
	verdict("g", C, 1, KEY_OK);
	/* no longer strict */
	verdict("f", A, 1, KEY_UNKNOWN);
	verdict("f", A, 0, KEY_NEW);
	verdict("f", A, 1, KEY_OK);
}
END_TEST

START_TEST(changed)
{
	verdict("h", A, 0, KEY_NEW);
	now += 1000;
	verdict("h", B, 0, KEY_CHANGED);
	verdict("h", B, 0, KEY_CHANGED);
	verdict("h", A, 0, KEY_OK);
	has("h:a:4 1000-1000 h:b:1 1001-1001");
	/* the newest of those that wait */
	verdict("h", C, 0, KEY_CHANGED);
	has("h:a:4 1000-1000 h:c:1 1001-1001");
	trusts("h", "", C);
	has("h:c:0 1001-1001");
	verdict("h", C, 0, KEY_OK);
	verdict("h", A, 0, KEY_CHANGED);
	/* without one that waits it stays the same */
	trusts("h", C, C);
	trusts("h", "", C);
	has("h:c:0 1001-1001");
}
END_TEST

START_TEST(distrusted)
{
	ck_assert_int_eq(doing(KEY_TRUST, "h", "", 0).status, STORE_OTHER);
	verdict("h", A, 0, KEY_NEW);
	ck_assert_int_eq(doing(KEY_DISTRUST, "h", "", 0).status, STORE_OK);
	verdict("h", A, 0, KEY_DISTRUSTED);
	verdict("h", B, 0, KEY_DISTRUSTED);
	verdict("h", "", 0, KEY_DISTRUSTED);
	has("h:a:2 1000-1000");
	trusts("h", "", A);
	verdict("h", A, 0, KEY_OK);
	/* one that was never seen */
	ck_assert_int_eq(doing(KEY_DISTRUST, "g", "", 0).status, STORE_OK);
	ck_assert_int_eq(doing(KEY_DISTRUST, "g", "", 0).status, STORE_OK);
	verdict("g", A, 0, KEY_DISTRUSTED);
	ck_assert_int_eq(doing(KEY_TRUST, "g", "", 0).status, STORE_OTHER);
	trusts("g", A, A);
	verdict("g", A, 0, KEY_OK);
	has("g:a:0 1000-1000 h:a:0 1000-1000");
}
END_TEST

/* Which key it was that somebody trusted, nobody knows any more. */
START_TEST(several_refused)
{
	verdict("h", A, 0, KEY_NEW);
	verdict("h", B, 0, KEY_CHANGED);
	ck_assert_int_eq(doing(KEY_DISTRUST, "h", "", 0).status, STORE_OK);
	has("h:a:2 1000-1000 h:b:2 1000-1000");
	ck_assert_int_eq(doing(KEY_TRUST, "h", "", 0).status, STORE_OTHER);
	verdict("h", A, 0, KEY_DISTRUSTED);
	trusts("h", B, B);
	has("h:b:0 1000-1000");
	verdict("h", A, 0, KEY_CHANGED);
}
END_TEST

static void
pairs(enum key_op op, const char *hub, const char *key, enum key_verdict v)
{
	struct store_key_done a = doing(op, hub, key, 0);

	ck_assert_int_eq(a.verdict, v);
	ck_assert_int_eq(a.status, v == KEY_OK || v == KEY_NEW ? STORE_OK :
	    STORE_OTHER);
}

/* Who has a code says of itself which hub it is. */
START_TEST(paired)
{
	pairs(KEY_MAY_PAIR, "h", A, KEY_NEW);
	has("");
	pairs(KEY_PAIR, "h", A, KEY_NEW);
	pairs(KEY_MAY_PAIR, "h", A, KEY_OK);
	pairs(KEY_PAIR, "h", A, KEY_OK);
	has("h:a:0 1000-0");
	/* another one is not that hub before somebody says so */
	pairs(KEY_MAY_PAIR, "h", B, KEY_CHANGED);
	has("h:a:0 1000-0 h:b:1 1000-1000");
	pairs(KEY_PAIR, "h", B, KEY_CHANGED);
	trusts("h", "", B);
	pairs(KEY_PAIR, "h", B, KEY_OK);
	/* a code is somebody's word for one that is only pending */
	verdict("g", A, 1, KEY_UNKNOWN);
	pairs(KEY_PAIR, "g", B, KEY_NEW);
	verdict("g", B, 1, KEY_OK);
}
END_TEST

/* A code lifts no distrust. */
START_TEST(paired_distrusted)
{
	ck_assert_int_eq(doing(KEY_DISTRUST, "h", "", 0).status, STORE_OK);
	pairs(KEY_PAIR, "h", A, KEY_DISTRUSTED);
	verdict("h", A, 0, KEY_DISTRUSTED);
	has("h::2 1000-0 h:a:1 1000-1000");
	trusts("h", "", A);
	has("h:a:0 1000-1000");
	ck_assert_int_eq(doing(KEY_DISTRUST, "h", "", 0).status, STORE_OK);
	/* the same one */
	pairs(KEY_MAY_PAIR, "h", A, KEY_DISTRUSTED);
	pairs(KEY_PAIR, "h", A, KEY_DISTRUSTED);
	has("h:a:2 1000-1000");
	pairs(KEY_PAIR, "h", B, KEY_DISTRUSTED);
	trusts("h", "", B);
	has("h:b:0 1000-1000");
}
END_TEST

/* What it says over the LAN is its key, if it had none. */
START_TEST(linked)
{
	verdict("g", A, 1, KEY_UNKNOWN);
	ck_assert_int_eq(doing(KEY_LINKED, "g", B, 0).verdict, KEY_NEW);
	has("g:b:0 1000-1000");
	ck_assert_int_eq(doing(KEY_LINKED, "g", "", 0).verdict, KEY_OK);
	now += 1000;
	ck_assert_int_eq(doing(KEY_LINKED, "g", B, 0).verdict, KEY_OK);
	has("g:b:0 1000-1001");
	verdict("g", B, 1, KEY_OK);
	verdict("g", A, 0, KEY_CHANGED);
	ck_assert_int_eq(doing(KEY_LINKED, "g", C, 0).verdict, KEY_CHANGED);
	has("g:b:0 1000-1001 g:c:1 1001-1001");
	ck_assert_int_eq(doing(KEY_DISTRUST, "g", "", 0).status, STORE_OK);
	ck_assert_int_eq(doing(KEY_LINKED, "g", A, 0).verdict,
	    KEY_DISTRUSTED);
	ck_assert_int_eq(doing(KEY_LINKED, "g", "", 0).verdict,
	    KEY_DISTRUSTED);
	has("g:b:2 1000-1001 g:c:2 1001-1001");
}
END_TEST

/* One that says none there is nobody else at a relay. */
START_TEST(awaited)
{
	ck_assert_int_eq(doing(KEY_LINKED, "h", "", 0).verdict, KEY_UNKNOWN);
	ck_assert_int_eq(doing(KEY_LINKED, "h", "", 0).verdict, KEY_UNKNOWN);
	has("");
	verdict("h", "", 0, KEY_OK);
	verdict("h", A, 0, KEY_UNKNOWN);
	verdict("h", B, 0, KEY_UNKNOWN);
	has("h:b:1 1000-1000");
	pairs(KEY_MAY_PAIR, "h", C, KEY_UNKNOWN);
	pairs(KEY_PAIR, "h", C, KEY_UNKNOWN);
	has("h:c:1 1000-1000");
	trusts("h", "", C);
	pairs(KEY_PAIR, "h", C, KEY_OK);
	has("h:c:0 1000-1000");
	/* it may say one later */
	ck_assert_int_eq(doing(KEY_LINKED, "g", "", 0).verdict, KEY_UNKNOWN);
	ck_assert_int_eq(doing(KEY_TRUST, "g", "", 0).status, STORE_OTHER);
	ck_assert_int_eq(doing(KEY_LINKED, "g", A, 0).verdict, KEY_NEW);
	has("g:a:0 1000-1000 h:c:0 1000-1000");
	/* and be distrusted before */
	ck_assert_int_eq(doing(KEY_LINKED, "f", "", 0).verdict, KEY_UNKNOWN);
	ck_assert_int_eq(doing(KEY_DISTRUST, "f", "", 0).status, STORE_OK);
	verdict("f", A, 0, KEY_DISTRUSTED);
	/* the configuration names it */
	ck_assert_int_eq(doing(KEY_PAIR, "e", A, 1).verdict, KEY_UNKNOWN);
	verdict("e", A, 0, KEY_NEW);
}
END_TEST

/* A key that is only named was never seen; one that is known since then. */
START_TEST(times)
{
	trusts("h", A, A);
	has("h:a:0 1000-0");
	now += 1000;
	verdict("h", A, 0, KEY_OK);
	has("h:a:0 1000-1001");
	now += 1000;
	verdict("h", B, 0, KEY_CHANGED);
	now += 1000;
	trusts("h", "", B);
	has("h:b:0 1002-1002");
	ck_assert_int_eq(doing(KEY_DISTRUST, "g", "", 0).status, STORE_OK);
	has("g::2 1003-0 h:b:0 1002-1002");
}
END_TEST

/* Links with a key that was trusted until now are closed: the router asks. */
START_TEST(replaced)
{
	ck_assert_int_eq(trusted_until_now("h", A), KEY_NEW);
	ck_assert_int_eq(trusted_until_now("h", A), KEY_OK);
	ck_assert_int_eq(trusted_until_now("h", ""), KEY_OK);
	verdict("h", B, 0, KEY_CHANGED);
	ck_assert_int_eq(trusted_until_now("h", A), KEY_OK);
	has("h:a:0 1000-0");
	verdict("h", B, 0, KEY_CHANGED);
	ck_assert_int_eq(trusted_until_now("h", ""), KEY_CHANGED);
	ck_assert_int_eq(trusted_until_now("h", C), KEY_CHANGED);
}
END_TEST

START_TEST(many)
{
	char hub[NAME_SIZE];
	int i;

	for (i = 0; i < KEYSTORE_HUBS_MAX - 2; i++) {
		snprintf(hub, sizeof(hub), "h%d", i);
		trusts(hub, A, A);
	}
	verdict("w1", A, 1, KEY_UNKNOWN);
	now += 1000;
	verdict("w2", A, 1, KEY_UNKNOWN);
	/* those that nobody trusts make room, the oldest first */
	trusts("x", A, A);
	verdict("w1", "", 0, KEY_UNKNOWN);
	verdict("w2", "", 0, KEY_OK);
	trusts("y", A, A);
	verdict("w2", "", 0, KEY_UNKNOWN);
	verdict("z", A, 0, KEY_FAILED);
	ck_assert_int_eq(doing(KEY_TRUST, "z", A, 0).status, STORE_FULL);
	ck_assert_int_eq(doing(KEY_DISTRUST, "z", "", 0).status, STORE_FULL);
	/* those that are known are not concerned */
	verdict("h7", B, 0, KEY_CHANGED);
	trusts("h7", "", B);
	verdict("h8", A, 0, KEY_OK);
}
END_TEST

/* Those that a person, a code or the LAN speaks for stay. */
START_TEST(many_seen)
{
	char hub[NAME_SIZE];
	int i;

	verdict("old", A, 0, KEY_NEW);
	verdict("visitor", A, 0, KEY_NEW);
	verdict("coded", A, 0, KEY_NEW);
	pairs(KEY_PAIR, "coded", A, KEY_OK);
	verdict("near", A, 0, KEY_NEW);
	ck_assert_int_eq(doing(KEY_LINKED, "near", A, 0).verdict, KEY_OK);
	ck_assert_int_eq(doing(KEY_LINKED, "lan", "", 0).verdict, KEY_UNKNOWN);
	ck_assert_int_eq(doing(KEY_DISTRUST, "bad", "", 0).status, STORE_OK);
	trusts("named", A, A);
	now += 24 * 3600 * 1000;
	verdict("old", A, 0, KEY_OK);
	for (i = 0; i < 2 * KEYSTORE_HUBS_MAX; i++) {
		snprintf(hub, sizeof(hub), "h%d", i);
		now++;
		verdict(hub, A, 0, KEY_NEW);
	}
	/* the last ones are there, and the first are not */
	verdict(hub, A, 1, KEY_OK);
	verdict("h0", "", 0, KEY_UNKNOWN);
	verdict("visitor", "", 0, KEY_UNKNOWN);
	verdict("coded", A, 1, KEY_OK);
	verdict("near", A, 1, KEY_OK);
	verdict("lan", A, 0, KEY_UNKNOWN);
	verdict("bad", A, 0, KEY_DISTRUSTED);
	verdict("named", A, 1, KEY_OK);
	verdict("old", A, 1, KEY_OK);
}
END_TEST

/* It was somebody else's, perhaps; a key with more to it stays. */
START_TEST(seen_and_linked)
{
	struct store_key_done a;

	verdict("h", A, 0, KEY_NEW);
	a = doing(KEY_LINKED, "h", B, 0);
	ck_assert_int_eq(a.status, STORE_OK);
	ck_assert_int_eq(a.verdict, KEY_CHANGED);
	has("h:b:0 1000-1000");
	a = doing(KEY_LINKED, "h", A, 0);
	ck_assert_int_eq(a.status, STORE_OTHER);
	ck_assert_int_eq(a.verdict, KEY_CHANGED);
	verdict("h", B, 0, KEY_OK);
}
END_TEST

START_TEST(forgotten)
{
	ck_assert_int_eq(doing(KEY_FORGET, "h", "", 0).status, STORE_OTHER);
	verdict("h", A, 0, KEY_NEW);
	verdict("h", B, 0, KEY_CHANGED);
	verdict("g", A, 0, KEY_NEW);
	ck_assert_int_eq(doing(KEY_DISTRUST, "h", "", 0).status, STORE_OK);
	ck_assert_int_eq(doing(KEY_FORGET, "h", "", 0).status, STORE_OK);
	has("g:a:4 1000-1000");
	verdict("h", B, 0, KEY_NEW);
}
END_TEST

START_TEST(stays)
{
	verdict("h", A, 0, KEY_NEW);
	ck_assert_int_eq(db_commit(db), 0);
	db_free(db);
	db = db_new(dir, 0);
	ck_assert_int_eq(db_open(db), 1);
	ck_assert_int_eq(db_begin(db), 0);
	has("h:a:4 1000-1000");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keystore");
	TCase *tc = tcase_create("keystore");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, first_sight);
	tcase_add_test(tc, strict);
	tcase_add_test(tc, changed);
	tcase_add_test(tc, distrusted);
	tcase_add_test(tc, several_refused);
	tcase_add_test(tc, paired);
	tcase_add_test(tc, paired_distrusted);
	tcase_add_test(tc, linked);
	tcase_add_test(tc, awaited);
	tcase_add_test(tc, times);
	tcase_add_test(tc, replaced);
	tcase_add_test(tc, many);
	tcase_add_test(tc, many_seen);
	tcase_add_test(tc, seen_and_linked);
	tcase_add_test(tc, forgotten);
	tcase_add_test(tc, stays);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
