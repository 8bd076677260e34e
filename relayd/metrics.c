/* SPDX-License-Identifier: ISC */
/*
 * What a relay has done, in Prometheus' text format 0.0.4, for whoever may
 * connect to the metrics' listener.
 */
#include "compat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bufio.h"
#include "linger.h"
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
static void	put_gauge(struct wbuf *, const char *, const char *, uint64_t);
static void	put_all(struct wbuf *, const struct relay *);

static const struct bufio_ops io_ops = {
	.input = on_input,
	.closed = on_closed,
};

/* name with labels, and what it is if it is the first of its name. */
static const struct {
	const char	*help, *name, *labels;
	enum counter	 counter;
} rows[] = {
	{ "Messages that hubs have sent.", "messages_total", "",
	    COUNT_MESSAGES },
	{ "Bytes of these messages.", "bytes_total", "", COUNT_BYTES },
	{ "What could not be carried.", "drops_total",
	    "{reason=\"no_hub\"}", COUNT_NO_HUB },
	{ NULL, "drops_total", "{reason=\"no_target\"}", COUNT_NO_TARGET },
	{ NULL, "drops_total", "{reason=\"slow_hub\"}", COUNT_SLOW },
	{ "Times that a hub over its limits was not read.", "limited_total",
	    "", COUNT_LIMITED },
	{ "Handshakes that have failed.", "handshake_failures_total",
	    "{reason=\"timeout\"}", COUNT_TIMEOUT },
	{ NULL, "handshake_failures_total", "{reason=\"no_hello\"}",
	    COUNT_EXPECTED },
	{ NULL, "handshake_failures_total", "{reason=\"version\"}",
	    COUNT_VERSION },
	{ NULL, "handshake_failures_total", "{reason=\"secret\"}",
	    COUNT_AUTH },
	{ NULL, "handshake_failures_total", "{reason=\"bad\"}", COUNT_BAD },
	{ NULL, "handshake_failures_total", "{reason=\"taken\"}",
	    COUNT_TAKEN },
	{ NULL, "handshake_failures_total", "{reason=\"full\"}", COUNT_FULL },
	{ NULL, "handshake_failures_total", "{reason=\"busy\"}", COUNT_BUSY },
	{ "Slots for pairing that were opened.", "pairs_opened_total", "",
	    COUNT_PAIR_OPENED },
	{ "Slots that were joined.", "pairs_joined_total", "",
	    COUNT_PAIR_JOINED },
	{ "Openings and joins that were refused.", "pairs_refused_total", "",
	    COUNT_PAIR_REFUSED },
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
put_gauge(struct wbuf *w, const char *name, const char *help, uint64_t v)
{
	wbuf_printf(w, "# HELP ecorelay_%s %s\n# TYPE ecorelay_%s gauge\n"
	    "ecorelay_%s %" PRIu64 "\n", name, help, name, name, v);
}

static void
put_all(struct wbuf *w, const struct relay *r)
{
	size_t i;

	put_gauge(w, "hubs", "Hubs that are here.", r->nup);
	put_gauge(w, "connections_early", "Connections without a handshake.",
	    r->nearly);
	put_gauge(w, "queued_bytes", "Bytes that hubs have not read yet.",
	    hubs_pending(r));
	put_gauge(w, "pairs", "Slots for pairing that are open.",
	    pairs_count(r->pairs));
	put_gauge(w, "uptime_seconds", "Since the start.",
	    (uint64_t)(time_mono_ms() - r->started) / 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].help != NULL)
			wbuf_printf(w, "# HELP ecorelay_%s %s\n"
			    "# TYPE ecorelay_%s counter\n", rows[i].name,
			    rows[i].help, rows[i].name);
		wbuf_printf(w, "ecorelay_%s%s %" PRIu64 "\n", rows[i].name,
		    rows[i].labels, r->counters[rows[i].counter]);
	}
}
