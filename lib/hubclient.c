/* SPDX-License-Identifier: ISC */
/*
 * A session's connection to the hub: one state machine for finding, starting
 * and registering, one list of requests that wait for their answers.
 */
#include "compat.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backoff.h"
#include "bufio.h"
#include "errcode.h"
#include "hubclient.h"
#include "hubfind.h"
#include "log.h"
#include "timeutil.h"

#define NAME_TRIES	10	/* name, name-2 ... name-10 */
#define SEARCH_MS	5000	/* for a hub to answer, and to register at it */
#define RETRY_MS	20
#define WAIT_MS		5000	/* of a request for a hub */
#define ANSWER_MS	30000	/* of a request for its answer */
#define SETTLED_MS	1000	/* a connection this old was a good one */
#define MAX_OUT		(64 * 1024 * 1024)

enum hub_state {
	HUB_DOWN,		/* timer: look for it again */
	HUB_SEARCH,		/* timer: try once more to connect */
	HUB_REGISTER,		/* connected; timer: give up */
	HUB_UP,
	HUB_FAILED
};

struct request;

/* A type of request that needs more than to be sent and answered. */
struct reqtype {
	const char	*type, *ref;	/* ref: a member to remember */
	int		 barrier;	/* has no answer: a ping follows it */
	int		 named;		/* sent again only if it has its ref */
	void		(*acked)(struct hubclient *, struct request *,
			    json_t *);
};

struct request {
	TAILQ_ENTRY(request) entry;
	char		 req_id[24];
	char		*line;
	size_t		 len;
	const struct reqtype *type;
	char		 ref[ASK_ID_SIZE];	/* type->ref of it, or "" */
	const char	*code;		/* what it fails with, or NULL */
	int		 sent;
	int64_t		 deadline;
	void		(*answer)(struct hubclient *, json_t *, void *);
	void		*arg;
};
TAILQ_HEAD(requests, request);

struct hubclient {
	struct event_base *base;
	struct hubclient_ops ops;
	void		*arg;
	struct event	*timer, *deadlines;
	struct bufio	*io;
	struct requests	 requests;
	enum hub_state	 state;
	json_t		*cwd, *host;
	json_t		*features;		/* the hub's */
	char		 want[NAME_SIZE];	/* asked for by the owner */
	char		 name[NAME_SIZE];	/* registered last */
	char		 trying[NAME_SIZE];
	unsigned	 tries;
	int		 start;
	struct hubfind	*find;
	unsigned	 backoff;
	int64_t		 started, search_began, timer_at, up_since;
	int64_t		 unread;
	uint64_t	 last_req;
	const char	*failed_code;
	const char	*trouble;	/* NULL: find has it */
	int		 depth, dead;	/* freed when no callback runs */
};

static void	on_timer(int, short, void *);
static void	on_deadlines(int, short, void *);
static void	on_line(struct bufio *, char *, size_t, void *);
static void	on_closed(struct bufio *, int, void *);
static void	set_timer(struct hubclient *, int64_t);
static void	on_hub_started(void *);
static void	begin_search(struct hubclient *);
static void	search_step(struct hubclient *);
static void	rest(struct hubclient *);
static void	connected(struct hubclient *, int);
static int	next_name(struct hubclient *);
static void	send_register(struct hubclient *);
static void	register_answer(struct hubclient *, const char *, json_t *);
static void	registered(struct hubclient *, json_t *);
static void	fail(struct hubclient *, const char *);
static void	hurry(struct hubclient *);
static void	lost(struct hubclient *, const char *, int);
static void	write_json(struct hubclient *, json_t *);
static void	dispatch(struct hubclient *, json_t *);
static void	pong(struct hubclient *, json_t *);
static struct request	*find_request(struct hubclient *, const char *,
		    json_t *);
static int	is_ask_fate(const char *);
static void	answered(struct hubclient *, struct request *, const char *,
		    json_t *);
static void	unasked(struct hubclient *, const char *, json_t *);
static void	rename_acked(struct hubclient *, struct request *, json_t *);
static void	send_request(struct hubclient *, struct request *);
static void	complete(struct hubclient *, struct request *, json_t *);
static void	expire(struct hubclient *, struct request *);
static void	arm_deadlines(struct hubclient *);
static json_t	*text_json(const char *, size_t);
static const char	*str_member(const json_t *, const char *);
static void	enter(struct hubclient *);
static void	leave(struct hubclient *);
static void	destroy(struct hubclient *);

static const struct bufio_ops io_ops = {
	.line = on_line,
	.closed = on_closed,
};

static const struct reqtype reqtypes[] = {
	{ .type = "ask", .ref = "ask_id", .barrier = 1 },
	{ .type = "reply", .ref = "ask_id", .barrier = 1 },
	{ .type = "send", .ref = "msg_id", .named = 1 },
	{ .type = "group_send", .ref = "msg_id", .named = 1 },
	{ .type = "rename", .ref = "new_name", .acked = rename_acked },
	{ .type = NULL }	/* all others */
};

struct hubclient *
hubclient_new(struct event_base *base, const struct hubclient_conf *conf,
    const struct hubclient_ops *ops, void *arg)
{
	struct hubclient *hc = xcalloc(1, sizeof(*hc));

	hc->base = base;
	hc->ops = *ops;
	hc->arg = arg;
	hc->start = conf->start;
	hc->started = time_now_ms();
	strlcpy(hc->want, conf->name, sizeof(hc->want));
	hc->cwd = text_json(conf->cwd, CWD_LEN_MAX);
	if (conf->host != NULL)
		hc->host = text_json(conf->host, NAME_LEN_MAX);
	TAILQ_INIT(&hc->requests);
	hc->timer = evtimer_new(base, on_timer, hc);
	hc->deadlines = evtimer_new(base, on_deadlines, hc);
	hc->find = hubfind_new(base, on_hub_started, hc);
	if (hc->timer == NULL || hc->deadlines == NULL)
		fatalx("hubclient: out of memory");
	set_timer(hc, 0);
	return hc;
}

void
hubclient_free(struct hubclient *hc)
{
	if (hc == NULL || hc->dead)
		return;
	hc->dead = 1;
	if (hc->io != NULL) {
		(void)bufio_flush(hc->io, 100);
		bufio_free(hc->io);
		hc->io = NULL;
	}
	event_del(hc->timer);
	event_del(hc->deadlines);
	hubfind_end(hc->find);
	if (hc->depth == 0)
		destroy(hc);
}

static void
destroy(struct hubclient *hc)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&hc->requests)) != NULL) {
		TAILQ_REMOVE(&hc->requests, r, entry);
		free(r->line);
		free(r);
	}
	event_free(hc->timer);
	event_free(hc->deadlines);
	hubfind_free(hc->find);
	json_decref(hc->cwd);
	json_decref(hc->host);
	json_decref(hc->features);
	free(hc);
}

static void
enter(struct hubclient *hc)
{
	hc->depth++;
}

static void
leave(struct hubclient *hc)
{
	if (--hc->depth == 0 && hc->dead)
		destroy(hc);
}

static void
set_timer(struct hubclient *hc, int64_t ms)
{
	struct timeval tv = time_tv(ms);

	hc->timer_at = time_mono_ms() + ms;
	event_add(hc->timer, &tv);
}

/* What is not UTF-8 is not shown to others. */
static json_t *
text_json(const char *text, size_t max)
{
	json_t *j;

	j = text != NULL ? json_stringn(text, strnlen(text, max)) : NULL;
	return j != NULL ? j : json_string("");
}

static const char *
str_member(const json_t *msg, const char *key)
{
	return json_string_value(json_object_get(msg, key));
}

/* Finding the hub. */

static void
on_timer(int fd, short ev, void *arg)
{
	struct hubclient *hc = arg;

	(void)fd;
	(void)ev;
	enter(hc);
	if (hc->state == HUB_DOWN)
		begin_search(hc);
	else if (hc->state == HUB_SEARCH)
		search_step(hc);
	else if (hc->state == HUB_REGISTER)
		lost(hc, "the hub does not answer", 0);
	leave(hc);
}

static void
begin_search(struct hubclient *hc)
{
	hc->state = HUB_SEARCH;
	hc->search_began = time_mono_ms();
	hubfind_begin(hc->find);
	search_step(hc);
}

static void
search_step(struct hubclient *hc)
{
	int fd, again;

	/* what went wrong is for it to say from here on */
	hc->trouble = NULL;
	fd = hubfind_connect(hc->find);
	again = fd == -1 && errno == EAGAIN;
	if (fd == -1 && hc->start &&
	    (errno == ENOENT || errno == ECONNREFUSED)) {
		again = 1;
		fd = hubfind_start(hc->find);
	}
	if (fd != -1)
		connected(hc, fd);
	else if (!again || hubfind_failed(hc->find) ||
	    time_mono_ms() - hc->search_began >= SEARCH_MS)
		rest(hc);
	else
		set_timer(hc, RETRY_MS);
}

static void
on_hub_started(void *arg)
{
	struct hubclient *hc = arg;

	enter(hc);
	if (hc->state == HUB_SEARCH)
		search_step(hc);
	leave(hc);
}

static void
rest(struct hubclient *hc)
{
	hubfind_end(hc->find);
	if (hc->backoff == 0)
		log_info("no hub: %s", hubclient_trouble(hc));
	hc->state = HUB_DOWN;
	set_timer(hc, backoff_next(&hc->backoff));
	if (!TAILQ_EMPTY(&hc->requests))
		hurry(hc);
}

/* Somebody waits: do not sit out a long delay, but let a sick hub rest. */
static void
hurry(struct hubclient *hc)
{
	int64_t now = time_mono_ms();
	int64_t soon = hc->search_began + SETTLED_MS - now;

	if (hc->state == HUB_DOWN && hc->timer_at > now + soon)
		set_timer(hc, soon > 0 ? soon : 0);
}

/* Registering. */

static void
connected(struct hubclient *hc, int fd)
{
	hubfind_end(hc->find);
	hc->state = HUB_REGISTER;
	hc->io = bufio_new(hc->base, fd, -1, &io_ops, hc);
	bufio_limits(hc->io, LINE_MAX_BYTES, MAX_OUT);
	hc->tries = 0;
	(void)next_name(hc);
	send_register(hc);
	set_timer(hc, SEARCH_MS);
}

/*
 * The next name to try: the one we had, the one we want, and that with -2 ...
 * -10.  -1 if there is none left.
 */
static int
next_name(struct hubclient *hc)
{
	unsigned n;

	do {
		if ((n = hc->tries++) > NAME_TRIES)
			return -1;
		if (n == 0)
			strlcpy(hc->trying, hc->name, sizeof(hc->trying));
		else
			name_number(hc->want, n, hc->trying);
	} while (hc->trying[0] == '\0' ||
	    (n > 0 && strcmp(hc->trying, hc->name) == 0));
	return 0;
}

static void
send_register(struct hubclient *hc)
{
	const char *branch = NULL;
	json_t *msg;

	if (hc->ops.git_branch != NULL)
		branch = hc->ops.git_branch(hc, hc->arg);
	msg = json_pack("{s:s,s:s,s:O,s:o,s:s,s:[s,s,s,s],s:I,s:I,s:O*,s:s}",
	    "type", "register", "name", hc->trying, "cwd", hc->cwd,
	    "git_branch", text_json(branch, BRANCH_LEN_MAX),
	    "protocol_version", "5",
	    "features", "receipts", "ids", "kind", "sessions",
	    "pid", (json_int_t)getpid(), "started", (json_int_t)hc->started,
	    "host", hc->host, "req_id", "register");
	write_json(hc, msg);
}

static void
register_answer(struct hubclient *hc, const char *type, json_t *msg)
{
	const char *code = str_member(msg, "code");
	enum errcode err;

	if (strcmp(type, "ack") == 0) {
		registered(hc, msg);
		return;
	}
	if (strcmp(type, "err") != 0 || code == NULL)
		return;
	err = err_of(slice_of(code));
	if (err == ERR_NAME_TAKEN && next_name(hc) == 0)
		send_register(hc);
	else if (err == ERR_NAME_TAKEN || err == ERR_PROTOCOL_MISMATCH ||
	    err == ERR_BAD_ARGS)
		fail(hc, err_code(err));
	else {
		log_warnx("register: %s", code);
		lost(hc, "the hub refused to register this session", 0);
	}
}

static void
registered(struct hubclient *hc, json_t *ack)
{
	struct request *r;

	event_del(hc->timer);
	hc->state = HUB_UP;
	hc->trouble = "";
	hc->up_since = time_mono_ms();
	strlcpy(hc->name, hc->trying, sizeof(hc->name));
	json_decref(hc->features);
	hc->features = json_incref(json_object_get(ack, "features"));
	hc->unread = json_integer_value(json_object_get(ack, "unread"));
	log_info("registered as %s", hc->name);
	TAILQ_FOREACH(r, &hc->requests, entry)
		send_request(hc, r);
	arm_deadlines(hc);
	if (hc->ops.up != NULL)
		hc->ops.up(hc, hc->name, hc->arg);
}

/* It is no use to try again; who asks for something is told so. */
static void
fail(struct hubclient *hc, const char *code)
{
	struct request *r;

	log_warnx("cannot register as %s: %s", hc->want, code);
	event_del(hc->timer);
	bufio_free(hc->io);
	hc->io = NULL;
	hc->state = HUB_FAILED;
	hc->failed_code = code;
	TAILQ_FOREACH(r, &hc->requests, entry) {
		r->code = code;
		r->deadline = 0;
	}
	arm_deadlines(hc);
	if (hc->ops.failed != NULL)
		hc->ops.failed(hc, code, hc->arg);
}

/* again: it may have been a hub on its way out, and another one comes. */
static void
lost(struct hubclient *hc, const char *why, int again)
{
	int64_t now = time_mono_ms();
	struct request *r;
	int was_up = hc->state == HUB_UP;

	log_info("hub lost: %s", why);
	hc->trouble = why;
	bufio_free(hc->io);
	hc->io = NULL;
	TAILQ_FOREACH(r, &hc->requests, entry) {
		if (!r->sent)
			continue;
		r->sent = 0;
		r->deadline = r->type->named && r->ref[0] == '\0' ? 0 :
		    now + WAIT_MS;
	}
	arm_deadlines(hc);
	if (was_up && now - hc->up_since >= SETTLED_MS) {
		hc->backoff = 0;
		hc->state = HUB_DOWN;
		set_timer(hc, 0);
	} else if (!was_up && again && now - hc->search_began < SEARCH_MS) {
		hc->state = HUB_SEARCH;
		set_timer(hc, RETRY_MS);
	} else
		rest(hc);
	if (was_up && hc->ops.down != NULL)
		hc->ops.down(hc, hc->arg);
}

/* Messages. */

static void
on_closed(struct bufio *io, int err, void *arg)
{
	struct hubclient *hc = arg;

	(void)io;
	enter(hc);
	lost(hc, err == 0 ? "the hub closed the connection" : strerror(err),
	    1);
	leave(hc);
}

/* Steals the message. */
static void
write_json(struct hubclient *hc, json_t *msg)
{
	char *s = json_dumps(msg, JSON_COMPACT);

	if (s == NULL)
		fatalx("hubclient: a message that is no JSON");
	bufio_write(hc->io, s, strlen(s));
	bufio_write(hc->io, "\n", 1);
	free(s);
	json_decref(msg);
}

static void
on_line(struct bufio *io, char *line, size_t len, void *arg)
{
	struct hubclient *hc = arg;
	json_t *msg = json_loadb(line, len, 0, NULL);

	(void)io;
	if (msg == NULL) {
		log_warnx("the hub sent %zu bytes that are no JSON", len);
		return;
	}
	enter(hc);
	dispatch(hc, msg);
	leave(hc);
	json_decref(msg);
}

static void
dispatch(struct hubclient *hc, json_t *msg)
{
	const char *type = str_member(msg, "type");
	struct request *r;

	if (type == NULL)
		log_warnx("the hub sent a message without a type");
	else if (strcmp(type, "ping") == 0)
		pong(hc, msg);
	else if (hc->state == HUB_REGISTER)
		register_answer(hc, type, msg);
	else if ((r = find_request(hc, type, msg)) != NULL)
		answered(hc, r, type, msg);
	else
		unasked(hc, type, msg);
}

static void
pong(struct hubclient *hc, json_t *ping)
{
	write_json(hc, json_pack("{s:s,s:O*}", "type", "pong", "req_id",
	    json_object_get(ping, "req_id")));
}

/* What becomes of an ask after the hub took it. */
static int
is_ask_fate(const char *code)
{
	return code != NULL && (strcmp(code, "peer_not_found") == 0 ||
	    strcmp(code, "peer_gone") == 0 || strcmp(code, "timeout") == 0);
}

static struct request *
find_request(struct hubclient *hc, const char *type, json_t *msg)
{
	const char *req_id = str_member(msg, "req_id");
	const char *ask_id = str_member(msg, "ask_id");
	const char *code = str_member(msg, "code");
	int is_err = strcmp(type, "err") == 0;
	struct request *r;

	if (is_err && ask_id != NULL && is_ask_fate(code))
		return NULL;
	TAILQ_FOREACH(r, &hc->requests, entry) {
		if (!r->sent)
			continue;
		if (req_id != NULL && strcmp(r->req_id, req_id) == 0)
			return r;
		if (req_id == NULL && is_err && ask_id != NULL &&
		    r->type->barrier && strcmp(r->ref, ask_id) == 0)
			return r;
	}
	return NULL;
}

static void
answered(struct hubclient *hc, struct request *r, const char *type,
    json_t *msg)
{
	json_t *unread = json_object_get(msg, "unread");

	/* a pong has no other members, and an err may have none */
	if (json_is_integer(unread))
		hc->unread = json_integer_value(unread);
	else if (strcmp(type, "pong") != 0 && strcmp(type, "err") != 0)
		hc->unread = 0;
	if (r->type->acked != NULL && strcmp(type, "ack") == 0)
		r->type->acked(hc, r, msg);
	complete(hc, r, msg);
}

static void
unasked(struct hubclient *hc, const char *type, json_t *msg)
{
	if (strncmp(type, "incoming_", 9) != 0 &&
	    strcmp(type, "receipt") != 0 &&
	    (strcmp(type, "err") != 0 || str_member(msg, "ask_id") == NULL)) {
		log_debug("%s from the hub that nobody waits for", type);
		return;
	}
	if (strcmp(type, "incoming_message") == 0)
		hc->unread++;
	if (hc->ops.event != NULL)
		hc->ops.event(hc, type, msg, hc->arg);
}

static void
rename_acked(struct hubclient *hc, struct request *r, json_t *ack)
{
	const char *name = str_member(ack, "name");

	if (name == NULL || !name_valid(slice_of(name)))
		name = r->ref;
	strlcpy(hc->name, name, sizeof(hc->name));
	strlcpy(hc->want, name, sizeof(hc->want));
}

void
hubclient_request(struct hubclient *hc, json_t *msg,
    void (*answer)(struct hubclient *, json_t *, void *), void *arg)
{
	struct request *r = xcalloc(1, sizeof(*r));
	const char *type = str_member(msg, "type"), *ref;

	snprintf(r->req_id, sizeof(r->req_id), "c%ju",
	    (uintmax_t)++hc->last_req);
	json_object_set_new(msg, "req_id", json_string(r->req_id));
	r->answer = answer;
	r->arg = arg;
	for (r->type = reqtypes; r->type->type != NULL; r->type++) {
		if (strcmp(r->type->type, type) == 0)
			break;
	}
	if (r->type->ref != NULL && (ref = str_member(msg, r->type->ref)))
		strlcpy(r->ref, ref, sizeof(r->ref));
	if ((r->line = json_dumps(msg, JSON_COMPACT)) == NULL)
		fatalx("hubclient: a request that is no JSON");
	json_decref(msg);
	r->len = strlen(r->line);
	TAILQ_INSERT_TAIL(&hc->requests, r, entry);
	if (hc->state == HUB_FAILED)
		r->code = hc->failed_code;
	else if (r->len > LINE_MAX_BYTES)
		r->code = "too_large";
	else
		r->deadline = time_mono_ms() + WAIT_MS;
	if (hc->state == HUB_UP && r->code == NULL)
		send_request(hc, r);
	arm_deadlines(hc);
	hurry(hc);
}

static void
send_request(struct hubclient *hc, struct request *r)
{
	if (r->code != NULL)
		return;
	bufio_write(hc->io, r->line, r->len);
	bufio_write(hc->io, "\n", 1);
	r->sent = 1;
	r->deadline = time_mono_ms() + ANSWER_MS;
	/* answered by whichever comes first, an err or this one's pong */
	if (r->type->barrier)
		write_json(hc, json_pack("{s:s,s:s}", "type", "ping",
		    "req_id", r->req_id));
}

static void
complete(struct hubclient *hc, struct request *r, json_t *msg)
{
	TAILQ_REMOVE(&hc->requests, r, entry);
	if (r->answer != NULL)
		r->answer(hc, msg, r->arg);
	free(r->line);
	free(r);
}

static void
expire(struct hubclient *hc, struct request *r)
{
	json_t *err = NULL;

	if (r->code != NULL)
		err = json_pack("{s:s,s:s}", "type", "err", "code", r->code);
	else if (r->sent)
		log_warnx("no answer from the hub to %s in %d s", r->req_id,
		    ANSWER_MS / 1000);
	complete(hc, r, err);
	json_decref(err);
}

static void
arm_deadlines(struct hubclient *hc)
{
	int64_t now, first = INT64_MAX;
	struct request *r;
	struct timeval tv;

	TAILQ_FOREACH(r, &hc->requests, entry) {
		if (r->deadline < first)
			first = r->deadline;
	}
	if (first == INT64_MAX) {
		event_del(hc->deadlines);
		return;
	}
	now = time_mono_ms();
	tv = time_tv(first > now ? first - now : 0);
	event_add(hc->deadlines, &tv);
}

static void
on_deadlines(int fd, short ev, void *arg)
{
	struct hubclient *hc = arg;
	int64_t now = time_mono_ms();
	struct request *r;

	(void)fd;
	(void)ev;
	enter(hc);
	do {
		TAILQ_FOREACH(r, &hc->requests, entry) {
			if (r->deadline <= now)
				break;
		}
		if (r != NULL)
			expire(hc, r);
	} while (r != NULL && !hc->dead);
	if (!hc->dead)
		arm_deadlines(hc);
	leave(hc);
}

void
hubclient_tell(struct hubclient *hc, json_t *msg)
{
	if (hc->state == HUB_UP && hubclient_has(hc, "receipts"))
		write_json(hc, msg);
	else
		json_decref(msg);
}

const char *
hubclient_name(const struct hubclient *hc)
{
	return hc->name;
}

int
hubclient_is_up(const struct hubclient *hc)
{
	return hc->state == HUB_UP;
}

int
hubclient_has(const struct hubclient *hc, const char *feature)
{
	json_t *one;
	size_t i;

	json_array_foreach(hc->features, i, one) {
		if (json_is_string(one) &&
		    strcmp(json_string_value(one), feature) == 0)
			return 1;
	}
	return 0;
}

const char *
hubclient_trouble(const struct hubclient *hc)
{
	return hc->trouble != NULL ? hc->trouble : hubfind_trouble(hc->find);
}

int64_t
hubclient_unread(const struct hubclient *hc)
{
	return hubclient_has(hc, "receipts") ? hc->unread : 0;
}

void
hubclient_set_name(struct hubclient *hc, const char *name)
{
	strlcpy(hc->want, name, sizeof(hc->want));
	if (hc->state == HUB_UP)
		return;
	/* nor is the one we had wanted any more */
	hc->name[0] = '\0';
	if (hc->state == HUB_FAILED) {
		hc->state = HUB_DOWN;
		hc->failed_code = NULL;
		set_timer(hc, 0);
	}
}
