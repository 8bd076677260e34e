/* SPDX-License-Identifier: ISC */
/*
 * Numbers of the benchmark: clock, quantiles, and how they are written.
 */
#include "compat.h"

#include <stdlib.h>
#include <time.h>

#include "bench.h"

static json_t	*rounded(double);
static void	 put_goal(struct bench *, json_t *, const char *, double,
		    const char *, double, int);
static int	 compare(const void *, const void *);

int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) == -1)
		;
}

static json_t *
rounded(double v)
{
	return json_real((double)(int64_t)(v * 1000 + (v < 0 ? -0.5 : 0.5)) /
	    1000);
}

void
put_real(json_t *o, const char *name, double v)
{
	json_object_set_new(o, name, rounded(v));
}

static void
put_goal(struct bench *b, json_t *o, const char *name, double v,
    const char *word, double limit, int met)
{
	json_t *g = json_object();

	json_object_set_new(g, "value", rounded(v));
	json_object_set_new(g, word, rounded(limit));
	json_object_set_new(g, "met", json_boolean(met));
	json_object_set_new(o, name, g);
	if (!met)
		json_array_append_new(b->missed, json_string(name));
}

void
put_at_most(struct bench *b, json_t *o, const char *name, double v,
    double limit)
{
	put_goal(b, o, name, v, "at_most", limit, v <= limit);
}

void
put_at_least(struct bench *b, json_t *o, const char *name, double v,
    double limit)
{
	put_goal(b, o, name, v, "at_least", limit, v >= limit);
}

void
samples_add(struct samples *s, double v)
{
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 256;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = v;
	s->sorted = 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
samples_at(struct samples *s, double q)
{
	if (s->n == 0)
		return 0;
	if (!s->sorted)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	s->sorted = 1;
	return s->v[(size_t)(q * (double)(s->n - 1) + 0.5)];
}

void
samples_free(struct samples *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}
