/* SPDX-License-Identifier: ISC */
/*
 * Tests of what is written for Prometheus, and as JSON: each byte of it.
 */
#include "compat.h"

#include <stdlib.h>

#include "metrics.h"
#include "test.h"

static const struct metric rows[] = {
	{ "a_total", METRIC_COUNTER, METRIC_NUMBER, "All \\ \"a\"\nof them.",
	    NULL, NULL, "letters", "a" },
	{ "b_total", METRIC_COUNTER, METRIC_BYTES, "Some b.", "kind", "one",
	    "letters", "one b" },
	{ "b_total", METRIC_COUNTER, METRIC_BYTES, NULL, "kind", "two",
	    "letters", "two b" },
	{ "c_seconds", METRIC_GAUGE, METRIC_SECONDS, "Some time.", "hub",
	    NULL, NULL, NULL },
};

static const struct metric since = { "since_seconds", METRIC_GAUGE,
	METRIC_TIME, "The start.", NULL, NULL, NULL, NULL };

/* It must be that. */
static void
is_text(struct wbuf *w, const char *text)
{
	wbuf_add(w, "", 1);
	want(strcmp(wbuf_data(w), text) == 0, "is:\n%s\nnot:\n%s",
	    wbuf_data(w), text);
	wbuf_free(w);
}

START_TEST(text)
{
	static const uint64_t	 v[] = { 0, UINT64_MAX, 2 };
	struct wbuf		 w = { 0 };
	struct metrics		 m;

	metrics_begin(&m, &w, 0);
	metrics_table(&m, rows, v, 3);
	metrics_put(&m, &rows[3], "x", 1);
	metrics_put(&m, &rows[3], "y", 12345678);
	metrics_put(&m, &since, NULL, 1764280000007);
	metrics_end(&m);
	is_text(&w, "# HELP a_total All \\\\ \"a\"\\nof them.\n"
	    "# TYPE a_total counter\n"
	    "a_total 0\n"
	    "# HELP b_total Some b.\n"
	    "# TYPE b_total counter\n"
	    "b_total{kind=\"one\"} 18446744073709551615\n"
	    "b_total{kind=\"two\"} 2\n"
	    "# HELP c_seconds Some time.\n"
	    "# TYPE c_seconds gauge\n"
	    "c_seconds{hub=\"x\"} 0.000001\n"
	    "c_seconds{hub=\"y\"} 12.345678\n"
	    "# HELP since_seconds The start.\n"
	    "# TYPE since_seconds gauge\n"
	    "since_seconds 1764280000.007\n");
}
END_TEST

START_TEST(escapes)
{
	struct wbuf	 w = { 0 };
	struct metrics	 m;

	metrics_begin(&m, &w, 0);
	metrics_put(&m, &rows[3], "a\"b\\c\nd\\", 0);
	metrics_put(&m, &rows[3], "", 0);
	metrics_put(&m, &rows[3], "\303\244", 0);
	metrics_end(&m);
	is_text(&w, "# HELP c_seconds Some time.\n"
	    "# TYPE c_seconds gauge\n"
	    "c_seconds{hub=\"a\\\"b\\\\c\\nd\\\\\"} 0.000000\n"
	    "c_seconds{hub=\"\"} 0.000000\n"
	    "c_seconds{hub=\"\303\244\"} 0.000000\n");
}
END_TEST

START_TEST(json)
{
	static const uint64_t	 v[] = { 7, 1, 2 };
	struct wbuf		 w = { 0 };
	struct metrics		 m;

	metrics_begin(&m, &w, 1);
	metrics_table(&m, rows, v, 3);
	metrics_put(&m, &rows[3], "a\"b", 1500000);
	metrics_end(&m);
	is_text(&w, "[{\"name\":\"a_total\",\"type\":\"counter\","
	    "\"unit\":\"\",\"help\":\"All \\\\ \\\"a\\\"\\nof them.\","
	    "\"group\":\"letters\",\"samples\":["
	    "{\"labels\":{},\"title\":\"a\",\"value\":7}]},"
	    "{\"name\":\"b_total\",\"type\":\"counter\","
	    "\"unit\":\"bytes\",\"help\":\"Some b.\","
	    "\"group\":\"letters\",\"samples\":["
	    "{\"labels\":{\"kind\":\"one\"},\"title\":\"one b\",\"value\":1},"
	    "{\"labels\":{\"kind\":\"two\"},\"title\":\"two b\",\"value\":2}"
	    "]},{\"name\":\"c_seconds\",\"type\":\"gauge\","
	    "\"unit\":\"seconds\",\"help\":\"Some time.\",\"by\":\"hub\","
	    "\"samples\":["
	    "{\"labels\":{\"hub\":\"a\\\"b\"},\"value\":1.500000}]}]");
	metrics_begin(&m, &w, 1);
	metrics_end(&m);
	is_text(&w, "[]");
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("metrics");

	(void)argc;
	test_add(s, text, 20);
	test_add(s, escapes, 20);
	test_add(s, json, 20);
	return (test_main(argv[0], s));
}
