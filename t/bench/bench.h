/* SPDX-License-Identifier: ISC */
/*
 * The benchmark: what its measures share.  Each measure has a hub and a
 * directory of its own and fills in one object of the result.
 */
#ifndef BENCH_H
#define BENCH_H

#include <sys/types.h>

#include <jansson.h>
#include <limits.h>
#include <stdint.h>

struct bench {
	char	 self[PATH_MAX];	/* this program */
	char	 tree[PATH_MAX];	/* where the others are built */
	char	 dir[PATH_MAX];		/* for all that is written */
	char	 data[PATH_MAX];	/* in it, of the current measure */
	char	 socket[PATH_MAX];	/* of the current hub */
	json_t	*missed;		/* names of goals that were missed */
};

/* Each returns 0, or -1 after it said on stderr what went wrong. */
int	measure_machine(struct bench *, json_t *);
int	measure_start(struct bench *, json_t *);
int	measure_send(struct bench *, json_t *);
int	measure_load(struct bench *, json_t *);
int	measure_room(struct bench *, json_t *);
int	measure_group(struct bench *, json_t *);
int	measure_inbox(struct bench *, json_t *);
int	measure_ws(struct bench *, json_t *);
int	measure_link(struct bench *, json_t *);
int	measure_relay(struct bench *, json_t *);
int	measure_memory(struct bench *, json_t *);

/* A number, rounded to three places. */
void	put_real(json_t *, const char *name, double);
/* The same with a limit that it should not be over (or under). */
void	put_at_most(struct bench *, json_t *, const char *name, double,
	    double limit);
void	put_at_least(struct bench *, json_t *, const char *name, double,
	    double limit);

/* Nanoseconds since some fixed point; the same for all processes. */
int64_t	now_ns(void);
void	sleep_ms(int);

/* Values of one kind, to be summed up by their quantiles. */
struct samples {
	double	*v;
	size_t	 n, cap;
	int	 sorted;
};

void	samples_add(struct samples *, double);
/* q is 0 (least) to 1 (greatest); 0 if there are none. */
double	samples_at(struct samples *, double q);
void	samples_free(struct samples *);

#endif
