/* SPDX-License-Identifier: ISC */
/*
 * Statistics of the hub: the tables, and how what is in them is gathered.
 */
#include "compat.h"

#include <stdlib.h>

#include "asks.h"
#include "bufio.h"
#include "conf.h"
#include "ctlconn.h"
#include "hubs.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "map.h"
#include "metrics.h"
#include "outproto.h"
#include "registry.h"
#include "router.h"
#include "session.h"
#include "statproto.h"
#include "stats.h"
#include "storeq.h"
#include "timeutil.h"

#define PROCESSES_MAX	16

enum gauge {
	GAUGE_UPTIME,
	GAUGE_SOCKET,
	GAUGE_WEBSOCKET,
	GAUGE_REMOTE,
	GAUGE_EARLY,
	GAUGE_QUEUED,
	GAUGE_ASKS,
	GAUGE_LINKS_LAN,
	GAUGE_LINKS_RELAY,
	GAUGE_RELAYS,
	GAUGE_STORE_UP,
	GAUGE_STORE_WAITING,
	GAUGES
};

enum { LINK_UP_NOW, LINK_PEERS, LINK_WAITING, LINKS };
enum { USED_USER, USED_SYSTEM, USED_RSS, USED_STARTED, USED_RESTARTS, USED };

/* What hubctl has asked for, in the making. */
struct collection {
	TAILQ_ENTRY(collection)	 entry;		/* those of the parent */
	struct ctl_pending	*asked;
	int			 json;
	struct map		*waiting;	/* hub -> messages, and 1 */
	struct store_counts	 store;
};

static void	collect(struct ctl *, uint32_t, int);
static void	got_hubs(struct imsg *, void *);
static void	got_counts(struct imsg *, void *);
static void	collection_free(struct collection *);
static void	put_gauges(struct metrics *, const struct collection *);
static void	put_errors(struct metrics *, const struct router *);
static void	put_links(struct metrics *, const struct collection *);
static void	put_processes(struct metrics *, struct imsg *);

#define ROW(name, type, unit, help, label, value, group, title)	\
	{ "ecorelay_hub_" name, METRIC_##type, METRIC_##unit, help, label, \
	    value, group, title }
#define COUNT(name, help, group, title)					\
	ROW(name, COUNTER, NUMBER, help, NULL, NULL, group, title)
#define COUNT_OF(name, help, label, value, group, title)		\
	ROW(name, COUNTER, NUMBER, help, label, value, group, title)
#define GAUGE(name, help, group, title)					\
	ROW(name, GAUGE, NUMBER, help, NULL, NULL, group, title)
#define GAUGE_OF(name, help, label, value, group, title)		\
	ROW(name, GAUGE, NUMBER, help, label, value, group, title)

static const struct metric info = GAUGE_OF("info",
    "The version that runs; always 1.", "version", NULL, NULL, NULL);

static const struct metric gauges[GAUGES] = {
	[GAUGE_UPTIME] = ROW("uptime_seconds", GAUGE, SECONDS,
	    "Since the start.", NULL, NULL, "hub", "uptime"),
	[GAUGE_SOCKET] = GAUGE_OF("sessions", "Sessions that are online.",
	    "kind", "socket", "sessions", "online, by the socket"),
	[GAUGE_WEBSOCKET] = GAUGE_OF("sessions", NULL, "kind", "websocket",
	    "sessions", "online, by WebSocket"),
	[GAUGE_REMOTE] = GAUGE_OF("sessions", NULL, "kind", "remote",
	    "sessions", "online, of other hubs"),
	[GAUGE_EARLY] = GAUGE("connections_early",
	    "Connections that have not registered.", "sessions",
	    "connections without a name"),
	[GAUGE_QUEUED] = ROW("queued_bytes", GAUGE, BYTES,
	    "Bytes that sessions have not read yet.", NULL, NULL, "traffic",
	    "not read yet"),
	[GAUGE_ASKS] = GAUGE("asks_open",
	    "Questions, also those of broadcasts, that are not answered yet.",
	    "messages", "questions open"),
	[GAUGE_LINKS_LAN] = GAUGE_OF("links",
	    "Other hubs that are linked.", "kind", "lan", "links",
	    "up, over the LAN"),
	[GAUGE_LINKS_RELAY] = GAUGE_OF("links", NULL, "kind", "relay",
	    "links", "up, by way of relays"),
	[GAUGE_RELAYS] = GAUGE("relays", "Relays that are connected.",
	    "links", "relays connected"),
	[GAUGE_STORE_UP] = ROW("store_up", GAUGE, BOOL,
	    "1 if the store can use its database, else 0.", NULL, NULL,
	    "store", "database works"),
	[GAUGE_STORE_WAITING] = GAUGE("store_waiting",
	    "Requests that the store has not answered yet.", "store",
	    "requests waiting"),
};

static const struct metric counters[COUNTERS] = {
	[COUNT_SOCKET] = COUNT_OF("connections_total",
	    "Connections of sessions that were accepted.", "kind", "socket",
	    "sessions", "connections, by the socket"),
	[COUNT_WEBSOCKET] = COUNT_OF("connections_total", NULL, "kind",
	    "websocket", "sessions", "connections, by WebSocket"),
	[COUNT_REFUSED_FULL] = COUNT_OF("connections_refused_total",
	    "Connections that were closed before they could register.",
	    "reason", "full", "sessions", "refused, too many"),
	[COUNT_REFUSED_HTTP] = COUNT_OF("connections_refused_total", NULL,
	    "reason", "http", "sessions", "refused, no WebSocket for them"),
	[COUNT_REFUSED_TOKEN] = COUNT_OF("connections_refused_total", NULL,
	    "reason", "token", "sessions", "refused, without the token"),
	[COUNT_REGISTERED] = COUNT("registrations_total",
	    "Sessions that have come.", "sessions", "registered"),
	[COUNT_CUT_LONG] = COUNT_OF("sessions_cut_total",
	    "Connections that were cut off.", "reason", "too_long",
	    "sessions", "cut off, a line too long"),
	[COUNT_CUT_STUCK] = COUNT_OF("sessions_cut_total", NULL, "reason",
	    "not_reading", "sessions", "cut off, did not read"),
	[COUNT_CUT_SILENT] = COUNT_OF("sessions_cut_total", NULL, "reason",
	    "silent", "sessions", "cut off, did not answer"),
	[COUNT_LINES_IN] = COUNT("received_lines_total",
	    "Lines of sessions.", "traffic", "lines received"),
	[COUNT_BYTES_IN] = ROW("received_bytes_total", COUNTER, BYTES,
	    "Bytes of these lines.", NULL, NULL, "traffic", "received"),
	[COUNT_LINES_OUT] = COUNT("sent_lines_total",
	    "Lines to sessions.", "traffic", "lines sent"),
	[COUNT_BYTES_OUT] = ROW("sent_bytes_total", COUNTER, BYTES,
	    "Bytes of these lines.", NULL, NULL, "traffic", "sent"),
	[COUNT_NOT_PUSHED] = COUNT("pushes_refused_total",
	    "Lines that a session was not sent: it does not read, or takes "
	    "none of that length.", "traffic", "lines that were not taken"),
	[COUNT_DELIVERED] = COUNT_OF("messages_total",
	    "Messages to one session, and what their senders were told.",
	    "status", "delivered", "messages", "delivered"),
	[COUNT_QUEUED] = COUNT_OF("messages_total", NULL, "status", "queued",
	    "messages", "queued"),
	[COUNT_REPEATED] = COUNT_OF("messages_total", NULL, "status",
	    "repeated", "messages", "repeated"),
	[COUNT_NOT_STORED] = COUNT_OF("messages_total", NULL, "status",
	    "refused", "messages", "refused"),
	[COUNT_EXPIRED] = COUNT("messages_expired_total",
	    "Messages that have gone unread.", "messages", "gone unread"),
	[COUNT_ASKS] = COUNT("asks_total", "Questions to one session.",
	    "messages", "questions"),
	[COUNT_REPLIES] = COUNT("replies_total", "Answers to questions.",
	    "messages", "answers"),
	[COUNT_BROADCASTS] = COUNT("broadcasts_total",
	    "Questions to all sessions.", "messages", "broadcasts"),
	[COUNT_ROOM_MESSAGES] = COUNT("room_messages_total",
	    "Messages to rooms.", "messages", "in rooms"),
	[COUNT_GROUP_MESSAGES] = COUNT("group_messages_total",
	    "Messages to groups of this hub.", "messages", "in groups"),
	[COUNT_LINK_UPS] = COUNT("link_ups_total",
	    "Times that a hub was linked.", "links", "times linked"),
	[COUNT_LINK_SENT] = COUNT("link_sent_messages_total",
	    "Messages that went to other hubs, each time.", "links",
	    "messages sent"),
	[COUNT_LINK_RECEIVED] = COUNT("link_received_messages_total",
	    "Messages that came from other hubs.", "links",
	    "messages received"),
};

static const struct metric error_row = COUNT_OF("errors_total",
    "Errors that sessions were told.", "code", NULL, "errors", "times");

static const struct metric store_rows[STORE_STATS_MAX] = {
	[STAT_REQUESTS] = COUNT("store_requests_total",
	    "Requests to the store.", "store", "requests"),
	[STAT_COMMITS] = COUNT("store_commits_total",
	    "Transactions that have changed the database.", "store",
	    "commits"),
	[STAT_COMMIT_TIME] = ROW("store_commit_seconds_total", COUNTER,
	    SECONDS, "Time that these commits took.", NULL, NULL, "store",
	    "time of commits"),
	[STAT_COMMIT_MAX] = ROW("store_commit_max_seconds", GAUGE, SECONDS,
	    "The slowest of these commits.", NULL, NULL, "store",
	    "slowest commit"),
	[STAT_FAILURES] = COUNT("store_failures_total",
	    "Transactions that have failed.", "store", "failures"),
	[STAT_FILE_SIZE] = ROW("store_database_bytes", GAUGE, BYTES,
	    "Size of relay.db.", NULL, NULL, "store", "database"),
	[STAT_LOG_SIZE] = ROW("store_log_bytes", GAUGE, BYTES,
	    "Size of relay.db-wal.", NULL, NULL, "store", "its log"),
	[STAT_MAILBOXES] = GAUGE("mailboxes", "Mailboxes.", "store",
	    "mailboxes"),
	[STAT_MESSAGES] = GAUGE("mailbox_messages",
	    "Messages that are kept in all mailboxes.", "store",
	    "messages kept"),
	[STAT_UNREAD] = GAUGE("mailbox_unread_messages",
	    "Those of them that are unread.", "store", "unread"),
};

static const struct metric link_rows[LINKS] = {
	[LINK_UP_NOW] = ROW("link_up", GAUGE, BOOL,
	    "1 if the hub is linked, else 0.", "hub", NULL, "hubs", "up"),
	[LINK_PEERS] = GAUGE_OF("link_peers",
	    "Its sessions that are peers here.", "hub", NULL, "hubs",
	    "peers"),
	[LINK_WAITING] = GAUGE_OF("link_waiting_messages",
	    "Messages that wait for it.", "hub", NULL, "hubs", "waiting"),
};

static const struct metric used_rows[USED] = {
	[USED_USER] = ROW("process_cpu_user_seconds_total", COUNTER, SECONDS,
	    "CPU time of the process itself.", "process", NULL, "processes",
	    "CPU"),
	[USED_SYSTEM] = ROW("process_cpu_system_seconds_total", COUNTER,
	    SECONDS, "CPU time of the system for the process.", "process",
	    NULL, "processes", "system"),
	[USED_RSS] = ROW("process_max_resident_bytes", GAUGE, BYTES,
	    "The most memory that it has had.", "process", NULL,
	    "processes", "memory"),
	[USED_STARTED] = ROW("process_start_time_seconds", GAUGE, TIME,
	    "When it was started, since 1970.", "process", NULL,
	    "processes", "up"),
	[USED_RESTARTS] = COUNT_OF("process_restarts_total",
	    "Times that it ended and was started again.", "process", NULL,
	    "processes", "restarts"),
};

void
stats_show(struct ctl *t, uint32_t id)
{
	collect(t, id, 1);
}

void
stats_metrics(struct ctl *t, uint32_t id)
{
	collect(t, id, 0);
}

/* The store, for what waits for other hubs; then of itself; the parent. */
static void
collect(struct ctl *t, uint32_t id, int json)
{
	struct collection *c = xcalloc(1, sizeof(*c));

	c->asked = ctl_pending_new(t, id);
	c->json = json;
	c->waiting = map_new();
	storeq_ask(t->control->router->store, STORE_HUBS, NULL, got_hubs, c);
}

static void
got_hubs(struct imsg *msg, void *arg)
{
	struct collection *c = arg;
	struct store_hub_list m;
	struct store_hub_info h;
	struct reader rd;
	uint32_t i;

	if (store_hub_list_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_HUB_LIST");
	reader_init(&rd, m.hubs.p, m.hubs.len);
	for (i = 0; i < m.n && m.status == STORE_OK; i++) {
		if (store_hub_info_get(&rd, &h) == -1)
			fatalx("bad STORE_HUB_LIST");
		(void)map_sets(c->waiting, h.hub,
		    (void *)((uintptr_t)h.queued + 1));
	}
	storeq_ask(c->asked->ctl->control->router->store, STORE_STATS, NULL,
	    got_counts, c);
}

static void
got_counts(struct imsg *msg, void *arg)
{
	struct collection *c = arg;
	struct control *control = c->asked->ctl->control;

	if (store_counts_get(&msg->rd, &c->store) == -1)
		fatalx("bad STORE_COUNTS");
	TAILQ_INSERT_TAIL(&control->usages, c, entry);
	router_tell(control->router, PROC_USAGE, 0, NULL);
}

static void
collection_free(struct collection *c)
{
	ctl_pending_free(c->asked);
	map_free(c->waiting);
	free(c);
}

void
stats_free(struct control *control)
{
	struct collection *c;

	while ((c = TAILQ_FIRST(&control->usages)) != NULL) {
		TAILQ_REMOVE(&control->usages, c, entry);
		collection_free(c);
	}
}

/* It answers in the order it was asked. */
void
stats_used(struct control *control, struct imsg *msg)
{
	struct collection *c = TAILQ_FIRST(&control->usages);
	struct ctl_pending *p;
	struct wbuf page = { 0 }, w = { 0 };
	struct metrics m;

	if (c == NULL)
		fatalx("unexpected PROC_USED_ALL");
	TAILQ_REMOVE(&control->usages, c, entry);
	metrics_begin(&m, &page, c->json);
	metrics_put(&m, &info, ECORELAY_VERSION, 1);
	put_gauges(&m, c);
	metrics_table(&m, counters, control->router->counters, COUNTERS);
	put_errors(&m, control->router);
	if (c->store.status == STORE_OK)
		metrics_table(&m, store_rows, c->store.v, STORE_STATS_MAX);
	put_links(&m, c);
	put_processes(&m, msg);
	metrics_end(&m);

	p = c->asked;
	json_begin(&w, '{');
	if (c->json) {
		json_key(&w, "stats");
		wbuf_add(&w, wbuf_data(&page), page.len);
	} else {
		json_put_strn(&w, "text", wbuf_data(&page), page.len);
	}
	ctl_result(p->ctl, p->id, &w);
	wbuf_free(&page);
	collection_free(c);
}

static void
put_gauges(struct metrics *m, const struct collection *c)
{
	const struct router *r = c->asked->ctl->control->router;
	uint64_t v[GAUGES] = { 0 };
	struct session *s = NULL;
	struct hub *h = NULL;
	struct hub_stat st;

	v[GAUGE_UPTIME] = (uint64_t)(time_mono_ms() - r->started) * 1000;
	while ((s = registry_next(r->registry, s)) != NULL) {
		v[s->ws != NULL ? GAUGE_WEBSOCKET : GAUGE_SOCKET]++;
		v[GAUGE_QUEUED] += bufio_pending(s->io);
	}
	while ((s = registry_next_remote(r->registry, s)) != NULL)
		v[GAUGE_REMOTE]++;
	v[GAUGE_EARLY] = registry_count_early(r->registry);
	v[GAUGE_ASKS] = asks_count(r->asks);
	while ((h = hubs_next(r->hubs, h)) != NULL) {
		hub_stat(h, &st);
		if (st.up)
			v[st.lan ? GAUGE_LINKS_LAN : GAUGE_LINKS_RELAY]++;
	}
	v[GAUGE_RELAYS] = hubs_relays(r->hubs);
	v[GAUGE_STORE_UP] = c->store.status == STORE_OK;
	v[GAUGE_STORE_WAITING] = storeq_waiting(r->store);
	metrics_table(m, gauges, v, GAUGES);
}

static void
put_errors(struct metrics *m, const struct router *r)
{
	int e;

	for (e = ERR_NONE + 1; e < ERR_MAX; e++)
		metrics_put(m, &error_row, err_code((enum errcode)e),
		    r->errors[e]);
}

/* Those that have been linked once, and never came again, are left out. */
static void
put_links(struct metrics *m, const struct collection *c)
{
	const struct hubs *hs = c->asked->ctl->control->router->hubs;
	uintptr_t waiting;
	struct hub_stat st;
	struct hub *h;
	uint64_t v[LINKS];
	int i;

	for (i = 0; i < LINKS; i++) {
		for (h = hubs_next(hs, NULL); h != NULL; h = hubs_next(hs, h)) {
			hub_stat(h, &st);
			waiting = (uintptr_t)map_gets(c->waiting, hub_id(h));
			if (!st.shown && waiting <= 1)
				continue;
			v[LINK_UP_NOW] = st.up != 0;
			v[LINK_PEERS] = st.peers;
			v[LINK_WAITING] = waiting > 1 ? waiting - 1 : 0;
			metrics_put(m, &link_rows[i], hub_id(h), v[i]);
		}
	}
}

static void
put_processes(struct metrics *m, struct imsg *msg)
{
	struct proc_used used[PROCESSES_MAX];
	uint64_t v[PROCESSES_MAX][USED];
	uint32_t n = get_u32(&msg->rd), k;
	int i;

	if (n > PROCESSES_MAX)
		fatalx("bad PROC_USED_ALL");
	for (k = 0; k < n; k++) {
		if (proc_used_get(&msg->rd, &used[k]) == -1)
			fatalx("bad PROC_USED_ALL");
		v[k][USED_USER] = used[k].usage.user;
		v[k][USED_SYSTEM] = used[k].usage.system;
		v[k][USED_RSS] = used[k].usage.max_rss;
		v[k][USED_STARTED] = (uint64_t)used[k].started;
		v[k][USED_RESTARTS] = used[k].restarts;
	}
	if (reader_done(&msg->rd) == -1)
		fatalx("bad PROC_USED_ALL");
	for (i = 0; i < USED; i++)
		for (k = 0; k < n; k++)
			metrics_put(m, &used_rows[i], used[k].process,
			    v[k][i]);
}
