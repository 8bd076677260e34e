/* SPDX-License-Identifier: ISC */
/*
 * Statistics: tables of what is measured, written as JSON or in Prometheus'
 * text format 0.0.4.  Rows of one family, which have the same name, follow
 * each other.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

#include "buf.h"

enum metric_type {
	METRIC_COUNTER,		/* only grows; its name ends in _total */
	METRIC_GAUGE
};

/* What the values are, and as what they are shown. */
enum metric_unit {
	METRIC_NUMBER,
	METRIC_BYTES,
	METRIC_SECONDS,		/* in microseconds */
	METRIC_TIME,		/* in milliseconds since 1970 */
	METRIC_BOOL		/* 0 or 1 */
};

struct metric {
	const char		*name;
	enum metric_type	 type;
	enum metric_unit	 unit;
	const char		*help;		/* NULL: of the row before */
	/* the label that tells samples apart; NULL: there is but one */
	const char		*label;
	const char		*value;		/* NULL: of each sample */
	/* for people: its heading and its name; NULL: not for them */
	const char		*group, *title;
};

/* A page in the making. */
struct metrics {
	struct wbuf		*w;
	int			 json;
	const struct metric	*family;	/* the row that began it */
};

/*
 * Appends to the buffer: text; or an array of objects, one for each family,
 * with the members name, type, unit, help, group (or none), by (the label, if
 * each sample has a value of its own), and samples, a list of objects {labels,
 * title (or none), value}.
 */
void	metrics_begin(struct metrics *, struct wbuf *, int json);
/* A sample; value is that of its label, if the row has none. */
void	metrics_put(struct metrics *, const struct metric *,
	    const char *value, uint64_t n);
/* n rows whose samples are in v, in the same order. */
void	metrics_table(struct metrics *, const struct metric *rows,
	    const uint64_t *v, size_t n);
void	metrics_end(struct metrics *);

#endif
