/* SPDX-License-Identifier: ISC */
/*
 * What a relay has done, in Prometheus' text format 0.0.4, for whoever may
 * connect to the metrics' listener.
 */
#include "compat.h"

#include <stdlib.h>

#include "bufio.h"
#include "linger.h"
#include "metrics.h"
#include "relay.h"
#include "timeutil.h"
#include "wshttp.h"

#define SCRAPES_MAX	100
#define SCRAPE_MS	5000	/* for the request */

struct scrape {
	TAILQ_ENTRY(scrape) entry;
	struct relay	*relay;
	struct bufio	*io;
	int64_t		 began;		/* monotonic ms */
};

static size_t	on_input(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	scrape_free(struct scrape *);
static void	put_all(struct wbuf *, const struct relay *);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
};

enum {
	GAUGE_HUBS,
	GAUGE_EARLY,
	GAUGE_QUEUED,
	GAUGE_PAIRS,
	GAUGE_UPTIME,
	GAUGES
};

#define GAUGE(name, help)						\
	{ "ecorelay_" name, METRIC_GAUGE, METRIC_NUMBER, help, NULL, NULL, \
	    NULL, NULL }
#define COUNTER(name, help)						\
	{ "ecorelay_" name, METRIC_COUNTER, METRIC_NUMBER, help, NULL, NULL, \
	    NULL, NULL }
/* One of several reasons; help is with the first of them. */
#define REASON(name, help, reason)					\
	{ "ecorelay_" name, METRIC_COUNTER, METRIC_NUMBER, help, "reason", \
	    reason, NULL, NULL }

static const struct metric gauges[GAUGES] = {
	[GAUGE_HUBS] = GAUGE("hubs", "Hubs that are here."),
	[GAUGE_EARLY] = GAUGE("connections_early",
	    "Connections without a handshake."),
	[GAUGE_QUEUED] = GAUGE("queued_bytes",
	    "Bytes that hubs have not read yet."),
	[GAUGE_PAIRS] = GAUGE("pairs", "Slots for pairing that are open."),
	[GAUGE_UPTIME] = GAUGE("uptime_seconds", "Since the start."),
};

static const struct metric counters[COUNTERS] = {
	[COUNT_MESSAGES] = COUNTER("messages_total",
	    "Messages that hubs have sent."),
	[COUNT_BYTES] = COUNTER("bytes_total", "Bytes of these messages."),
	[COUNT_NO_HUB] = REASON("drops_total", "What could not be carried.",
	    "no_hub"),
	[COUNT_NO_TARGET] = REASON("drops_total", NULL, "no_target"),
	[COUNT_SLOW] = REASON("drops_total", NULL, "slow_hub"),
	[COUNT_LIMITED] = COUNTER("limited_total",
	    "Times that a hub over its limits was not read."),
	[COUNT_TIMEOUT] = REASON("handshake_failures_total",
	    "Handshakes that have failed.", "timeout"),
	[COUNT_EXPECTED] = REASON("handshake_failures_total", NULL,
	    "no_hello"),
	[COUNT_VERSION] = REASON("handshake_failures_total", NULL, "version"),
	[COUNT_AUTH] = REASON("handshake_failures_total", NULL, "secret"),
	[COUNT_BAD] = REASON("handshake_failures_total", NULL, "bad"),
	[COUNT_TAKEN] = REASON("handshake_failures_total", NULL, "taken"),
	[COUNT_FULL] = REASON("handshake_failures_total", NULL, "full"),
	[COUNT_BUSY] = REASON("handshake_failures_total", NULL, "busy"),
	[COUNT_PAIR_OPENED] = COUNTER("pairs_opened_total",
	    "Slots for pairing that were opened."),
	[COUNT_PAIR_JOINED] = COUNTER("pairs_joined_total",
	    "Slots that were joined."),
	[COUNT_PAIR_REFUSED] = COUNTER("pairs_refused_total",
	    "Openings and joins that were refused."),
};

void
metrics_new(struct relay *r, int fd)
{
	struct scrape *s;

	if (r->nscrapes >= SCRAPES_MAX)
		scrape_free(TAILQ_FIRST(&r->scrapes));
	s = xcalloc(1, sizeof(*s));
	s->relay = r;
	s->began = time_mono_ms();
	TAILQ_INSERT_TAIL(&r->scrapes, s, entry);
	r->nscrapes++;
	s->io = bufio_new(r->base, fd, -1, &io_ops, s);
	bufio_limits(s->io, WSHTTP_MAX, SIZE_MAX);
}

void
metrics_tick(struct relay *r, int64_t now)
{
	struct scrape *s;

	while ((s = TAILQ_FIRST(&r->scrapes)) != NULL &&
	    now - s->began >= SCRAPE_MS)
		scrape_free(s);
}

void
metrics_free(struct relay *r)
{
	struct scrape *s;

	while ((s = TAILQ_FIRST(&r->scrapes)) != NULL)
		scrape_free(s);
}

static void
scrape_free(struct scrape *s)
{
	TAILQ_REMOVE(&s->relay->scrapes, s, entry);
	s->relay->nscrapes--;
	bufio_free(s->io);
	free(s);
}

static void
on_closed(struct bufio *io, int err, void *arg)
{
	(void)io;
	(void)err;
	scrape_free(arg);
}

/* Whatever is asked for, there is but one page. */
static size_t
on_input(struct bufio *io, char *p, size_t n, void *arg)
{
	struct scrape *s = arg;
	struct wshttp_request q;
	struct wbuf w = { 0 }, body = { 0 };

	if (wshttp_read(p, n, &q) == 0)
		return 0;
	put_all(&body, s->relay);
	wbuf_printf(&w, "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; version=0.0.4\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
	wbuf_add(&w, wbuf_data(&body), body.len);
	bufio_write(io, wbuf_data(&w), w.len);
	wbuf_free(&w);
	wbuf_free(&body);
	(void)bufio_flush(io, 100);
	linger(s->relay->base, bufio_fd(io));
	scrape_free(s);
	return n;
}

static void
put_all(struct wbuf *w, const struct relay *r)
{
	const uint64_t now[GAUGES] = {
		[GAUGE_HUBS] = r->nup,
		[GAUGE_EARLY] = r->nearly,
		[GAUGE_QUEUED] = hubs_pending(r),
		[GAUGE_PAIRS] = pairs_count(r->pairs),
		[GAUGE_UPTIME] = (uint64_t)(time_mono_ms() - r->started) /
		    1000,
	};
	struct metrics m;

	metrics_begin(&m, w, 0);
	metrics_table(&m, gauges, now, GAUGES);
	metrics_table(&m, counters, r->counters, COUNTERS);
	metrics_end(&m);
}
