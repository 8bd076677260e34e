/* SPDX-License-Identifier: ISC */
/*
 * Sessions on hub.sock as a test writes them: register, requests and their
 * answers by req_id, what the hub pushes.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

static json_t	*pack(const char *, va_list);
static json_t	*ask_packed(struct conn *, const char *, va_list);
static void	 send_json(struct conn *, json_t *);
static json_t	*feature_list(const char *);
static int	 matches(const json_t *, const char *, const char *,
		    const char *);
static void	 heard_nothing(struct conn *, const char *, const char *,
		    const char *) __attribute__((__noreturn__));

struct conn *
client_open_(struct tenv *t)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	uid_t			 user = program_user();
	int			 fd, r;

	strlcpy(sun.sun_path, t->sock, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		t_fail("socket: %s", strerror(errno));
	/* who connects is what the hub is told, whoever uses it then */
	if (user != 0 && seteuid(user) == -1)
		t_fail("seteuid: %s", strerror(errno));
	r = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	if (user != 0 && seteuid(0) == -1)
		t_fail("seteuid: %s", strerror(errno));
	if (r == -1)
		t_fail("%s: %s", t->sock, strerror(errno));
	return (conn_add(t, fd, fd, 0));
}

static json_t *
feature_list(const char *features)
{
	json_t	*list = json_array();
	char	*copy = xstrdup(features), *p, *word;

	for (p = copy; (word = strsep(&p, ",")) != NULL; )
		json_array_append_new(list, json_string(word));
	free(copy);
	return (list);
}

void
say_register(struct conn *c, const char *name, const char *features,
    const char *req_id)
{
	json_t	*j;

	j = json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "register",
	    "name", name, "cwd", "/work/of/it", "git_branch", "main",
	    "protocol_version", "5");
	if (features != NULL)
		json_object_set_new(j, "features", feature_list(features));
	if (req_id != NULL)
		json_object_set_new(j, "req_id", json_string(req_id));
	send_json(c, j);
}

struct conn *
client_new_(struct tenv *t, const char *name, const char *features)
{
	struct conn	*c = client_open_(t);
	json_t		*j;

	say_register(c, name, features, "register");
	j = hear_(c, NULL, "req_id", "register", T_WAIT);
	if (!matches(j, "ack", NULL, NULL))
		t_fail("register %s: %s", name, show(j));
	return (c);
}

/* Steals it. */
static void
send_json(struct conn *c, json_t *j)
{
	char	*text = json_dumps(j, JSON_COMPACT);
	size_t	 len = strlen(text);

	json_decref(j);
	text[len] = '\n';
	if (conn_write(c, text, len + 1) == -1)
		t_fail("cannot write %s: %s", c->last, strerror(errno));
	free(text);
}

static json_t *
pack(const char *fmt, va_list ap)
{
	json_error_t	 err;
	json_t		*j;

	if ((j = json_vpack_ex(&err, 0, fmt, ap)) == NULL)
		t_fail("json_pack %s: %s", fmt, err.text);
	return (j);
}

void
say_(struct conn *c, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	send_json(c, pack(fmt, ap));
	va_end(ap);
}

void
say_text_(struct conn *c, const char *s)
{
	if (conn_write(c, s, strlen(s)) == -1 || conn_write(c, "\n", 1) == -1)
		t_fail("cannot write %.80s: %s", s, strerror(errno));
}

static json_t *
ask_packed(struct conn *c, const char *fmt, va_list ap)
{
	json_t	*j = pack(fmt, ap);
	char	 id[32];

	snprintf(id, sizeof(id), "q%u", ++c->seq);
	json_object_set_new(j, "req_id", json_string(id));
	send_json(c, j);
	return (hear_(c, NULL, "req_id", id, T_WAIT));
}

json_t *
rpc_(struct conn *c, const char *fmt, ...)
{
	va_list	 ap;
	json_t	*j;

	va_start(ap, fmt);
	j = ask_packed(c, fmt, ap);
	va_end(ap);
	return (j);
}

void
refused_(struct conn *c, const char *code, const char *fmt, ...)
{
	va_list	 ap;
	json_t	*j;

	va_start(ap, fmt);
	j = ask_packed(c, fmt, ap);
	va_end(ap);
	if (!matches(j, "err", "code", code))
		t_fail("wanted err %s for %s, got %s", code, c->last, show(j));
}

void
refused_text_(struct conn *c, const char *code, const char *s)
{
	json_t	*j;

	say_text_(c, s);
	j = hear_(c, NULL, NULL, NULL, T_WAIT);
	if (!matches(j, "err", "code", code))
		t_fail("wanted err %s for %.200s, got %s", code, s, show(j));
}

static int
matches(const json_t *j, const char *type, const char *key, const char *value)
{
	const char	*s;

	if (type != NULL) {
		s = json_string_value(json_object_get(j, "type"));
		if (s == NULL || strcmp(s, type) != 0)
			return (0);
	}
	if (key == NULL)
		return (1);
	s = json_string_value(json_object_get(j, key));
	return (s != NULL && strcmp(s, value) == 0);
}

json_t *
hear_(struct conn *c, const char *type, const char *key, const char *value,
    int ms)
{
	int64_t		 end = t_now() + t_slow(ms);
	struct line	*l;
	json_t		*j;

	for (;;) {
		TAILQ_FOREACH(l, &c->lines, entry) {
			if (!matches(l->json, type, key, value))
				continue;
			TAILQ_REMOVE(&c->lines, l, entry);
			j = tenv_keep(c->env, json_incref(l->json));
			line_free(l);
			return (j);
		}
		if (c->eof || t_now() >= end)
			heard_nothing(c, type, key, value);
		conns_pump(c->env, 10);
	}
}

/* Says what was waited for, and what came instead. */
static void
heard_nothing(struct conn *c, const char *type, const char *key,
    const char *value)
{
	struct line	*l;
	char		*others;
	size_t		 size, used = 0;

	size = 4096;
	others = xcalloc(1, size);
	TAILQ_FOREACH(l, &c->lines, entry) {
		if (used < size - 400)
			used += (size_t)snprintf(others + used, size - used,
			    "\n  %.300s", l->text);
	}
	t_fail("no line of type %s%s%s%s%s (%s) after %s; there are:%s",
	    type != NULL ? type : "any", key != NULL ? " with " : "",
	    key != NULL ? key : "", key != NULL ? " = " : "",
	    key != NULL ? value : "",
	    c->eof ? "connection closed" : "deadline", c->last,
	    used > 0 ? others : " none");
}

void
in_step_(struct conn *c)
{
	char	id[32];

	snprintf(id, sizeof(id), "step%u", ++c->seq);
	say_(c, "{s:s,s:s}", "type", "ping", "req_id", id);
	hear_(c, "pong", "req_id", id, T_WAIT);
}

void
quiet_(struct conn *c, const char *type)
{
	struct line	*l;

	in_step_(c);
	TAILQ_FOREACH(l, &c->lines, entry) {
		if (type == NULL || matches(l->json, type, NULL, NULL))
			t_fail("nobody asked for %.300s", l->text);
	}
}

const char *
send_text_(struct conn *c, const char *to, const char *text,
    const char *status)
{
	json_t	*j;

	j = rpc_(c, "{s:s,s:s,s:s}", "type", "send", "to", to, "text", text);
	is_str_(j, "type", "send_ack");
	if (status != NULL)
		is_str_(j, "status", status);
	return (str_of_(j, "msg_id"));
}
