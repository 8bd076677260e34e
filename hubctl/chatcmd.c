/* SPDX-License-Identifier: ISC */
/*
 * hubctl chat: what can be typed.  The table of commands is here; /help is
 * made from it.
 */
#include "compat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chat.h"
#include "hubctl.h"
#include "json.h"
#include "table.h"
#include "timeutil.h"

struct chatcmd {
	const char	*word;
	int		 name;		/* 1: a name comes first */
	int		 text;		/* 1: text must follow */
	void		(*fn)(struct chat *, const char *name, struct slice);
	const char	*args, *help;
};

static struct slice	word(struct slice *);
static int		target(struct chat *, struct slice, char[TARGET_SIZE]);
static json_t		*text_of(struct chat *, struct slice);
static void		new_id(const char *, char *, size_t);
static int		command(struct chat *, struct slice);
static const struct chatcmd *find(struct chat *, struct slice);
static int		matches(const struct chatcmd *, struct slice);
static void		at_name(struct chat *, struct slice);
static struct ask	*pick_ask(struct chat *, struct slice *);
static void		help_line(struct chat *, const char *, const char *,
			    const char *);

static void	cmd_text(struct chat *, const char *, struct slice);
static void	cmd_ask(struct chat *, const char *, struct slice);
static void	cmd_reply(struct chat *, const char *, struct slice);
static void	cmd_all(struct chat *, const char *, struct slice);
static void	cmd_peers(struct chat *, const char *, struct slice);
static void	cmd_mail(struct chat *, const char *, struct slice);
static void	cmd_name(struct chat *, const char *, struct slice);
static void	cmd_help(struct chat *, const char *, struct slice);

static chat_done	sent, asked, replied, all_asked, peers, mail, renamed;

static const struct chatcmd commands[] = {
	{ "ask", 1, 1, cmd_ask, "NAME TEXT", "ask; the answer is shown" },
	{ "reply", 0, 1, cmd_reply, "[#N] TEXT",
	    "answer the last question, or number N" },
	{ "all", 0, 1, cmd_all, "TEXT", "ask everybody" },
	{ "peers", 0, 0, cmd_peers, "", "who is there" },
	{ "inbox", 0, 0, cmd_mail, "", "what came in while you were away" },
	{ "name", 1, 0, cmd_name, "NEW", "change your name" },
	{ "help", 0, 0, cmd_help, "", "this list" },
	{ "quit", 0, 0, NULL, "", "leave" },
};
#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

int
chat_line(struct chat *c, struct slice line)
{
	line = name_trim(line);
	chat_seen(c);
	if (line.len == 0)
		return 0;
	if (line.p[0] == '@')
		at_name(c, line);
	else if (line.p[0] == '/' && (line.len == 1 || line.p[1] != '/'))
		return command(c, line);
	else {
		if (line.p[0] == '/') {		/* //x is the text /x */
			line.p++;
			line.len--;
		}
		if (c->partner[0] == '\0')
			chat_error(c, "* to whom? @NAME TEXT");
		else
			cmd_text(c, c->partner, line);
	}
	return 0;
}

/* Takes the first word and the spaces behind it off the line. */
static struct slice
word(struct slice *line)
{
	struct slice w = *line;
	size_t i = 0;

	while (i < line->len && line->p[i] != ' ' && line->p[i] != '\t')
		i++;
	w.len = i;
	line->p += i;
	line->len -= i;
	*line = name_trim(*line);
	return w;
}

/* A name, name@hub or hub:name. */
static int
target(struct chat *c, struct slice s, char dst[TARGET_SIZE])
{
	size_t i;
	int bad = s.len == 0 || slice_copy(s, dst, TARGET_SIZE) == -1;

	for (i = 0; i < s.len && !bad; i++)
		bad = s.p[i] <= ' ' || s.p[i] > '~';
	if (bad)
		chat_error(c, "* not a name: %.*s", (int)s.len, s.p);
	return bad ? -1 : 0;
}

/* A JSON string, or NULL after saying why not. */
static json_t *
text_of(struct chat *c, struct slice text)
{
	json_t *s = NULL;

	if (utf16_units(text.p, text.len) > TEXT_UNITS_MAX)
		chat_error(c, "* longer than %d characters: not sent",
		    TEXT_UNITS_MAX);
	else if ((s = json_stringn(text.p, text.len)) == NULL)
		chat_error(c, "* not UTF-8: not sent");
	return s;
}

static void
new_id(const char *prefix, char *dst, size_t size)
{
	char uuid[UUID_SIZE];

	uuid_v7(uuid);
	snprintf(dst, size, "%s%s", prefix, uuid);
}

/* @name text, or @name alone to talk to that one from now on. */
static void
at_name(struct chat *c, struct slice line)
{
	char to[TARGET_SIZE];
	struct slice name;

	line.p++;
	line.len--;
	name = word(&line);
	if (target(c, name, to) == -1)
		return;
	strlcpy(c->partner, to, sizeof(c->partner));
	if (line.len > 0)
		cmd_text(c, c->partner, line);
}

static int
matches(const struct chatcmd *cmd, struct slice w)
{
	return w.len > 0 && w.len <= strlen(cmd->word) &&
	    memcmp(cmd->word, w.p, w.len) == 0;
}

/* A word, or the beginning of one and no other. */
static const struct chatcmd *
find(struct chat *c, struct slice w)
{
	const struct chatcmd *found = NULL;
	size_t i;
	int n = 0;

	for (i = 0; i < NCOMMANDS; i++) {
		if (!matches(&commands[i], w))
			continue;
		found = &commands[i];
		n++;
	}
	if (n == 1)
		return found;
	chat_error(c, "* %s command: /%.*s (/help lists them)",
	    n == 0 ? "no such" : "ambiguous", (int)w.len, w.p);
	return NULL;
}

static int
command(struct chat *c, struct slice line)
{
	const struct chatcmd *cmd;
	char name[TARGET_SIZE] = "";
	struct slice w, first = { "", 0 };

	w = word(&line);
	w.p++;
	w.len--;
	if ((cmd = find(c, w)) == NULL)
		return 0;
	if (cmd->fn == NULL)
		return 1;
	if (cmd->name)
		first = word(&line);
	if ((cmd->name && first.len == 0) || (cmd->text && line.len == 0)) {
		chat_error(c, "* usage: /%s %s", cmd->word, cmd->args);
		return 0;
	}
	if (!cmd->name || target(c, first, name) == 0)
		cmd->fn(c, name, line);
	return 0;
}

/* Whoever types has had time to read what was shown before. */
void
chat_seen(struct chat *c)
{
	if (json_array_size(c->shown) == 0)
		return;
	hubclient_tell(c->hub, json_pack("{s:s,s:o}", "type", "seen",
	    "msg_id", c->shown));
	c->shown = json_array();
}

static void
cmd_text(struct chat *c, const char *to, struct slice text)
{
	json_t *s = text_of(c, text);
	char id[MSG_ID_SIZE];

	if (s == NULL)
		return;
	new_id("m-", id, sizeof(id));
	chat_request(c, json_pack("{s:s,s:s,s:o,s:s}", "type", "send",
	    "to", to, "text", s, "msg_id", id), to, id, sent);
}

static void
sent(struct chat *c, struct request *r, json_t *msg)
{
	char what[TARGET_SIZE + 32];
	const char *status;

	snprintf(what, sizeof(what), "not sent to %s", r->to);
	if (chat_failed(c, what, msg))
		return;
	status = chat_member(msg, "status");
	if (status != NULL && strcmp(status, "queued") == 0)
		chat_say(c, strchr(r->to, '@') != NULL ?
		    "* on its way to %s: it waits here until it is there" :
		    "* %s is away: the message waits in its mailbox", r->to);
	else if (!input_is_terminal(c->input))
		chat_say(c, "* delivered to %s", r->to);
}

static void
cmd_ask(struct chat *c, const char *to, struct slice text)
{
	json_t *s = text_of(c, text);
	char id[MSG_ID_SIZE];

	if (s == NULL)
		return;
	new_id("k-", id, sizeof(id));
	json_object_set_new(c->asked, id, json_string(to));
	chat_request(c, json_pack("{s:s,s:s,s:o,s:s}", "type", "ask",
	    "to", to, "question", s, "ask_id", id), to, id, asked);
}

static void
asked(struct chat *c, struct request *r, json_t *msg)
{
	char what[TARGET_SIZE + 32];

	snprintf(what, sizeof(what), "%s was not asked", r->to);
	if (chat_failed(c, what, msg))
		json_object_del(c->asked, r->id);
}

/* The last ask, or the one whose number is before the text. */
static struct ask *
pick_ask(struct chat *c, struct slice *text)
{
	struct slice rest = *text, w = word(&rest);
	char digits[12];
	unsigned long number;
	struct ask *a = TAILQ_FIRST(&c->asks);

	if (w.len >= 2 && w.p[0] == '#' &&
	    strspn(w.p + 1, "0123456789") >= w.len - 1) {
		w.p++;
		w.len--;
		if (slice_copy(w, digits, sizeof(digits)) == -1)
			digits[0] = '\0';
		number = strtoul(digits, NULL, 10);
		TAILQ_FOREACH(a, &c->asks, entry) {
			if (a->number == number)
				break;
		}
		*text = rest;
	}
	if (a == NULL)
		chat_error(c, "* there is no such question");
	else if (text->len == 0)
		chat_error(c, "* usage: /reply [#N] TEXT");
	return text->len > 0 ? a : NULL;
}

static void
cmd_reply(struct chat *c, const char *name, struct slice text)
{
	struct ask *a = pick_ask(c, &text);
	json_t *s;

	(void)name;
	if (a == NULL || (s = text_of(c, text)) == NULL)
		return;
	chat_request(c, json_pack("{s:s,s:s,s:o}", "type", "reply", "ask_id",
	    a->ask_id, "text", s), a->from, a->ask_id, replied);
	ask_free(c, a);
}

static void
replied(struct chat *c, struct request *r, json_t *msg)
{
	char what[TARGET_SIZE + 32];

	snprintf(what, sizeof(what), "%s was not answered", r->to);
	if (!chat_failed(c, what, msg))
		chat_say(c, "* answered %s", r->to);
}

static void
cmd_all(struct chat *c, const char *name, struct slice text)
{
	json_t *s = text_of(c, text);
	char id[MSG_ID_SIZE];

	(void)name;
	if (s == NULL)
		return;
	new_id("b-", id, sizeof(id));
	chat_request(c, json_pack("{s:s,s:o,s:s,s:b}", "type", "broadcast",
	    "question", s, "broadcast_id", id, "exclude_self", 1), NULL, id,
	    all_asked);
}

static void
all_asked(struct chat *c, struct request *r, json_t *msg)
{
	json_int_t n = json_integer_value(json_object_get(msg, "peer_count"));

	(void)r;
	if (!chat_failed(c, "nobody was asked", msg))
		chat_say(c, "* asked %" JSON_INTEGER_FORMAT " peer%s", n,
		    n == 1 ? "" : "s");
}

static void
cmd_peers(struct chat *c, const char *name, struct slice text)
{
	(void)name;
	(void)text;
	chat_request(c, json_pack("{s:s}", "type", "list_peers"), NULL, NULL,
	    peers);
}

static void
peers(struct chat *c, struct request *r, json_t *msg)
{
	static const char *const titles[] = {
		"NAME", "STATUS", ">SEEN", "CWD", "BRANCH"
	};
	json_t *list = json_object_get(msg, "peers"), *o;
	struct table *t;
	char *text = NULL;
	size_t len = 0, i;
	int64_t now = time_now_ms();
	FILE *f;

	(void)r;
	if (chat_failed(c, "no list of peers", msg))
		return;
	if (json_array_size(list) == 0) {
		chat_say(c, "* nobody else is there");
		return;
	}
	t = table_new(titles, sizeof(titles) / sizeof(titles[0]));
	json_array_foreach(list, i, o) {
		table_add(t, chat_member(o, "name"));
		table_add(t, chat_member(o, "status"));
		table_age(t, json_integer_value(json_object_get(o,
		    "last_seen")), now);
		table_add(t, chat_member(o, "cwd"));
		table_add(t, chat_member(o, "git_branch"));
	}
	if ((f = open_memstream(&text, &len)) != NULL) {
		table_print(t, f);
		fclose(f);
		input_print(c->input, text, len);
	}
	free(text);
	table_free(t);
}

static void
cmd_mail(struct chat *c, const char *name, struct slice text)
{
	(void)name;
	(void)text;
	chat_request(c, json_pack("{s:s}", "type", "inbox"), NULL, NULL, mail);
}

static void
mail(struct chat *c, struct request *r, json_t *msg)
{
	json_t *list = json_object_get(msg, "messages"), *o;
	int64_t more;
	size_t i;

	(void)r;
	if (chat_failed(c, "no inbox", msg))
		return;
	json_array_foreach(list, i, o)
		chat_message(c, chat_member(o, "ts"), o);
	more = json_integer_value(json_object_get(msg, "remaining"));
	if (json_array_size(list) == 0)
		chat_say(c, "* nothing unread");
	else if (more > 0)
		chat_say(c, "* %" PRId64 " more: /inbox", more);
}

void
chat_message(struct chat *c, const char *when, json_t *o)
{
	json_t *text = json_object_get(o, "text");
	const char *from = chat_member(o, "from");
	const char *reply_to = chat_member(o, "reply_to");
	const char *kind = chat_member(o, "kind");
	char head[TARGET_SIZE + REF_SIZE + 64];

	snprintf(head, sizeof(head), "%s%s%s%s%s%s", from != NULL ? from : "?",
	    json_is_true(json_object_get(o, "urgent")) ? ", urgent" : "",
	    kind != NULL && strcmp(kind, "info") != 0 ? ", " : "",
	    kind != NULL && strcmp(kind, "info") != 0 ? kind : "",
	    reply_to != NULL ? ", reply to " : "",
	    reply_to != NULL ? reply_to : "");
	if (json_is_string(text))
		chat_text(c, when, head, json_string_value(text),
		    json_string_length(text));
}

static void
cmd_name(struct chat *c, const char *name, struct slice text)
{
	if (text.len > 0)
		chat_error(c, "* a name has no spaces");
	else
		chat_request(c, json_pack("{s:s,s:s}", "type", "rename",
		    "new_name", name), name, NULL, renamed);
}

static void
renamed(struct chat *c, struct request *r, json_t *msg)
{
	(void)r;
	if (!chat_failed(c, "not renamed", msg))
		chat_say(c, "* you are %s", hubclient_name(c->hub));
}

static void
help_line(struct chat *c, const char *w, const char *args, const char *help)
{
	char what[32];

	snprintf(what, sizeof(what), "%s%s%s", w, args[0] != '\0' ? " " : "",
	    args);
	chat_say(c, "  %-18s %s", what, help);
}

static void
cmd_help(struct chat *c, const char *name, struct slice text)
{
	char w[16];
	size_t i;

	(void)name;
	(void)text;
	help_line(c, "TEXT", "", "to the one you talk to now");
	help_line(c, "@NAME", "TEXT", "to NAME, and from now on");
	for (i = 0; i < NCOMMANDS; i++) {
		snprintf(w, sizeof(w), "/%s", commands[i].word);
		help_line(c, w, commands[i].args, commands[i].help);
	}
	help_line(c, "//TEXT", "", "text that begins with a slash");
}

void
ask_free(struct chat *c, struct ask *a)
{
	TAILQ_REMOVE(&c->asks, a, entry);
	c->nasks--;
	free(a->from);
	free(a->ask_id);
	free(a);
}
