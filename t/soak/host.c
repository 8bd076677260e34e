/* SPDX-License-Identifier: ISC */
/*
 * Sessions behind a channeld, which is talked to as a host does.
 */
#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak.h"

#define FIRST		1	/* the id of initialize */

static void	 call(struct soul *, const char *, json_t *);
static void	 answered(struct soul *, unsigned, const json_t *);
static void	 notified(struct soul *, const json_t *);

void
host_start(struct soul *s)
{
	static const char *const argv[] = { "channeld", NULL };
	struct site	*h = &s->soak->sites[s->site];
	char		 log[T_PATH], url[64];
	int		 in[2], out[2], fds[2];

	want(pipe(in) == 0 && pipe(out) == 0, "pipe");
	/* ours are not for the child: it would never see its stdin's end */
	fcntl(in[1], F_SETFD, FD_CLOEXEC);
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	snprintf(log, sizeof(log), "%s/channeld.%d.log", h->env->dir,
	    s->number);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d", h->ws_port);
	tenv_enter(h->env);
	/* so that none of them starts a hub in place of the supervisor */
	setenv("ECORELAY_WS_URL", url, 1);
	setenv("ECORELAY_WS_TOKEN", h->token, 1);
	setenv("RELAY_PEER_ID", s->name, 1);
	fds[0] = in[0];
	fds[1] = out[1];
	s->pid = program_start("channeld", argv, fds, log, NULL);
	unsetenv("ECORELAY_WS_URL");
	unsetenv("ECORELAY_WS_TOKEN");
	unsetenv("RELAY_PEER_ID");
	close(in[0]);
	close(out[1]);
	s->chan = chan_pipes(out[0], in[1]);
	s->calls = FIRST;
	s->state = COMING;
	chan_say(s->chan, "{s:s,s:i,s:s,s:{s:s,s:{},s:{s:s,s:s}}}",
	    "jsonrpc", "2.0", "id", FIRST, "method", "initialize", "params",
	    "protocolVersion", "2024-11-05", "capabilities",
	    "clientInfo", "name", "soak", "version", "1");
}

void
host_lost(struct soul *s)
{
	struct post	*p;
	int		 status;

	while ((p = TAILQ_FIRST(&s->open)) != NULL)
		post_unsure(s->soak, p, "its channeld was killed");
	s->sending = NULL;
	if (s->pid != 0) {
		kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, &status, 0);
	}
	s->pid = 0;
}

static void
call(struct soul *s, const char *tool, json_t *args)
{
	chan_say(s->chan, "{s:s,s:i,s:s,s:{s:s,s:o}}", "jsonrpc", "2.0",
	    "id", (int)++s->calls, "method", "tools/call", "params",
	    "name", tool, "arguments", args);
}

void
host_send(struct soul *s, struct post *p, const char *to)
{
	char	*text = post_text(p);

	call(s, "relay_send", json_pack("{s:s,s:s}", "to", to, "text", text));
	free(text);
	s->sending = p;
	s->send_call = s->calls;
	post_note(s->soak, p, "given to channeld", s->number);
}

void
host_read(struct soul *s)
{
	call(s, "relay_inbox", json_pack("{s:s,s:i}", "since_id",
	    s->last_read, "limit", 50));
	s->inbox_call = s->calls;
}

void
host_reply(struct soul *s, const char *ask_id, const char *text)
{
	call(s, "relay_reply", json_pack("{s:s,s:s}", "ask_id", ask_id,
	    "text", text));
}

static void
answered(struct soul *s, unsigned id, const json_t *j)
{
	struct soak	*k = s->soak;
	struct post	*p = s->sending;
	const json_t	*text;
	json_t		*result;

	if (id == FIRST) {
		chan_say(s->chan, "{s:s,s:s}", "jsonrpc", "2.0", "method",
		    "notifications/initialized");
		soul_there(s);
		return;
	}
	text = json_object_get(json_array_get(json_object_get(
	    json_object_get(j, "result"), "content"), 0), "text");
	result = json_loads(json_is_string(text) ? json_string_value(text) :
	    "", JSON_ALLOW_NUL, NULL);
	if (result == NULL) {
		complain(k, NULL, "%s: channeld: %s", s->name, show(j));
	} else if (p != NULL && id == s->send_call) {
		s->sending = NULL;
		if (json_object_get(result, "msg_id") != NULL)
			post_acked(k, p);
		else
			post_unsure(k, p, json_string_value(json_object_get(
			    result, "code")) != NULL ? "refused" : "failed");
	} else if (id == s->inbox_call) {
		s->asked_at = 0;
		if (json_object_get(result, "messages") != NULL)
			take_inbox(s, result);
	}
	json_decref(result);
}

static void
notified(struct soul *s, const json_t *j)
{
	const json_t	*params = json_object_get(j, "params");
	const json_t	*meta = json_object_get(params, "meta");
	const char	*text, *ask, *from, *id;
	struct soak	*k = s->soak;
	struct post	*p;

	text = json_string_value(json_object_get(params, "content"));
	ask = json_string_value(json_object_get(meta, "ask_id"));
	from = json_string_value(json_object_get(meta, "from"));
	id = json_string_value(json_object_get(meta, "msg_id"));
	p = post_find(k, id, text);
	if (ask != NULL && json_object_get(meta, "broadcast_id") == NULL) {
		if (post_check(k, p, ASK, s, from, text) == 0)
			talk_answer(s, ask, 1);
	} else if (ask == NULL && json_object_get(meta, "room") == NULL &&
	    (p == NULL || p->kind == MAIL)) {
		if (post_check(k, p, MAIL, s, from, text) == 0)
			post_pushed(k, p, s);
	}
}

void
host_line(void *arg, const json_t *j)
{
	struct soul	*s = arg;
	const json_t	*id = json_object_get(j, "id");
	const char	*method;

	method = json_string_value(json_object_get(j, "method"));
	if (method == NULL && json_is_integer(id))
		answered(s, (unsigned)json_integer_value(id), j);
	else if (method != NULL &&
	    strcmp(method, "notifications/claude/channel") == 0)
		notified(s, j);
}
