/* SPDX-License-Identifier: ISC */
/*
 * A hub of several users: what each of them can do, and what nobody can do
 * with what is another's.  Programs run as users that need not exist, which
 * only root can do.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp.h"
#include "tree.h"
#include "unixsock.h"
#include "wsproxy.h"

#define SILENT_MS	1500	/* more than a probe takes */

/* Whom the programs run as. */
struct user {
	const char	*name;
	uid_t		 uid;
	struct tenv	*env;
};

struct hub {
	struct tenv	*t;
	struct user	 owner, root, ann, bob;
	char		 url[64];	/* of its WebSocket */
};

/* From now on. */
static void
as(const struct user *u)
{
	program_as(u->uid);
	tenv_enter(u->env);
	setenv("USER", u->name, 1);
}

static void
give(const char *path, uid_t uid)
{
	want(chown(path, uid, (gid_t)uid) == 0, "chown %s: %s", path,
	    strerror(errno));
}

static struct user
user_new(struct tenv *t, const char *name, uid_t uid)
{
	struct user	u = { name, uid, tenv_beside(t, name) };

	want(mkdir(u.env->data, 0700) == 0, "mkdir %s", u.env->data);
	give(u.env->data, uid);
	give(u.env->home, uid);
	return (u);
}

/* Where others can come, and the data where they cannot. */
static void
make_places(struct hub *h)
{
	const char	*below[] = { "/.config", "/ecorelay", "/hubd.conf" };
	struct tenv	*t = h->t;
	char		 text[T_PATH * 2], run[T_PATH];
	size_t		 i;

	want(chmod(t->dir, 0755) == 0, "chmod %s", t->dir);
	/* the build tree may be where nobody else comes */
	tree_new(t);
	snprintf(run, sizeof(run), "%s/run", t->dir);
	want(mkdir(run, 0755) == 0 && mkdir(t->data, 0700) == 0, "mkdir");
	snprintf(t->sock, sizeof(t->sock), "%s/run/hub.sock", t->dir);
	snprintf(text, sizeof(text), "listen on socket \"%s\" mode 0666\n",
	    t->sock);
	hub_conf(t, text);
	setenv("RELAY_HUB_SOCKET", t->sock, 1);
	give(run, h->owner.uid);
	give(t->data, h->owner.uid);
	give(t->home, h->owner.uid);
	strlcpy(text, t->home, sizeof(text));
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		strlcat(text, below[i], sizeof(text));
		give(text, h->owner.uid);
	}
}

static struct hub
begin(void)
{
	struct hub	 h = { .t = tenv_new() };
	char		 port[16];
	int		 n;

	h.owner = (struct user){ "relay", 40000, h.t };
	h.root = user_new(h.t, "root", 0);
	h.ann = user_new(h.t, "ann", 40001);
	h.bob = user_new(h.t, "bob", 40002);
	make_places(&h);
	close(port_take(&n));
	snprintf(port, sizeof(port), "%d", n);
	setenv("ECORELAY_WS_PORT", port, 1);
	snprintf(h.url, sizeof(h.url), "ws://127.0.0.1:%d", n);
	as(&h.owner);
	hub_start(h.t);
	return (h);
}

static void
end(struct hub *h)
{
	unsetenv("ECORELAY_WS_URL");
	unsetenv("ECORELAY_WS_TOKEN");
	as(&h->owner);
	tenv_end(h->t);
}

static void
restart(struct hub *h)
{
	as(&h->owner);
	(void)hub_stop(h->t, SIGTERM);
	hub_start(h->t);
}

static struct conn *
session(struct hub *h, const struct user *u, const char *name)
{
	as(u);
	return (client_new(h->t, name, FEATURES));
}

/* Only a name: another one of that user must not have to wait for it. */
static void
cannot_have(struct hub *h, const struct user *u, const char *name)
{
	struct conn	*c;
	char		 spare[32];
	json_t		*j;

	as(u);
	snprintf(spare, sizeof(spare), "spare-%s", u->name);
	c = client_open(h->t);
	say_register(c, name, FEATURES, "r");
	j = hear_with(c, NULL, "req_id", "r");
	is_str(j, "code", "name_taken");
	has_only(j, "type req_id code");
	/* it can have another one, and cannot change it to that */
	say_register(c, spare, FEATURES, "s");
	is_str(hear_with(c, NULL, "req_id", "s"), "type", "ack");
	refused(c, "name_taken", "{s:s,s:s}", "type", "rename", "new_name",
	    name);
	is_list(rpc(c, "{s:s,s:i}", "type", "inbox", "recent", 100),
	    "messages", 0);
	conn_close(c);
}

/* One after the other, as the names are free. */
static void
away(struct hub *h, struct conn *c, const char *name)
{
	struct conn	*other;
	json_t		*j, *list;

	conn_close(c);
	as(&h->owner);
	other = client_new(h->t, "looks", FEATURES);
	do {
		j = rpc(other, "{s:s}", "type", "list_peers");
		list = json_object_get(j, "peers");
	} while (find_in(list, "name", name) != NULL);
	conn_close(other);
}

static struct conn *
channel(struct hub *h, const struct user *u, const char *name)
{
	struct conn	*c;

	as(u);
	c = mcp_start_in(u->env, u->env->home, name, NULL);
	mcp_init(c, "2025-11-25");
	want(strcmp(mcp_name(c), name) == 0, "%s is called %s", name,
	    mcp_name(c));
	(void)h;
	return (c);
}

START_TEST(write_to_each_other)
{
	struct hub	 h = begin();
	struct conn	*ann = channel(&h, &h.ann, "api");
	struct conn	*bob = channel(&h, &h.bob, "web");
	json_t		*j;

	(void)mcp_tool(ann, "relay_send", "{s:s,s:s}", "to", "web", "text",
	    "from ann");
	is_str(mcp_push(bob), "content", "from ann");
	(void)mcp_tool(bob, "relay_send", "{s:s,s:s}", "to", "api", "text",
	    "from bob");
	is_str(mcp_push(ann), "content", "from bob");
	j = mcp_tool(bob, "relay_inbox", "{}");
	is_str(json_array_get(is_list(j, "messages", 1), 0), "from", "api");
	/* of another's session as much as relay_peers shows */
	(void)mcp_tool(bob, "relay_send", "{s:s,s:s}", "to", "api", "text",
	    "unread");
	j = mcp_tool(bob, "relay_sessions", "{}");
	j = find_in(json_object_get(j, "sessions"), "name", "api");
	is_int(j, "unread", 0);
	is_absent(j, "pid");
	j = mcp_tool(ann, "relay_sessions", "{}");
	j = find_in(json_object_get(j, "sessions"), "name", "api");
	is_int(j, "unread", 2);
	want(int_of(j, "pid") > 0, "%s", show(j));
	mcp_end(ann);
	mcp_end(bob);
	end(&h);
}
END_TEST

/* Whatever the second one tries: online, away, and after a restart. */
START_TEST(names_are_owned)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api");
	struct conn	*bob = session(&h, &h.bob, "bob");

	(void)send_text(bob, "api", "a secret", "delivered");
	cannot_have(&h, &h.bob, "api");
	cannot_have(&h, &h.root, "api");
	away(&h, ann, "api");
	cannot_have(&h, &h.bob, "api");
	restart(&h);
	cannot_have(&h, &h.bob, "api");
	cannot_have(&h, &h.root, "api");
	ann = session(&h, &h.ann, "api");
	is_list(rpc(ann, "{s:s}", "type", "inbox"), "messages", 1);
	/* the other direction is no different */
	cannot_have(&h, &h.ann, "bob");
	end(&h);
}
END_TEST

START_TEST(former_names_are_owned)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api");
	struct conn	*bob;

	is_str(rpc(ann, "{s:s,s:s}", "type", "rename", "new_name", "api2"),
	    "type", "ack");
	cannot_have(&h, &h.bob, "api");
	cannot_have(&h, &h.bob, "api2");
	away(&h, ann, "api2");
	cannot_have(&h, &h.bob, "api");
	restart(&h);
	cannot_have(&h, &h.bob, "api");
	bob = session(&h, &h.bob, "bob");
	(void)send_text(bob, "api", "to the old name", "queued");
	ann = session(&h, &h.ann, "api2");
	is_list(rpc(ann, "{s:s}", "type", "inbox"), "messages", 1);
	/* its owner can have it back */
	(void)session(&h, &h.ann, "api");
	end(&h);
}
END_TEST

/* One that does not answer: only its user's sessions may take its name. */
START_TEST(nobody_disturbs_another)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api"), *next;
	int64_t		 since = t_now();

	ann->nopong = 1;
	while (t_now() - since < SILENT_MS)
		cannot_have(&h, &h.bob, "api");
	/* it is still there, and has not been asked */
	quiet(ann, "ping");
	next = session(&h, &h.ann, "api");
	want(conn_closes(ann, T_WAIT), "the silent one stays");
	in_step(next);
	end(&h);
}
END_TEST

START_TEST(mail_is_owned)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api");
	struct conn	*bob = session(&h, &h.bob, "bob");
	struct conn	*ops = session(&h, &h.owner, "ops");
	const char	*id;
	json_t		*j;

	id = send_text(ops, "api", "a secret word", "delivered");
	refused(bob, "bad_args", "{s:s,s:s}", "type", "status", "msg_id", id);
	say(bob, "{s:s,s:[s]}", "type", "seen", "msg_id", id);
	say(bob, "{s:s,s:[s]}", "type", "received", "msg_id", id);
	j = rpc(bob, "{s:s,s:s}", "type", "inbox", "query", "secret");
	is_list(j, "messages", 0);
	j = rpc(bob, "{s:s,s:s}", "type", "inbox", "since_id", id);
	is_list(j, "messages", 0);
	is_str(rpc(ops, "{s:s,s:s}", "type", "status", "msg_id", id), "state",
	    "pushed");
	/* questions to others, and their groups */
	say(ops, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "api", "question",
	    "which?", "ask_id", "k1");
	hear(ann, "incoming_ask");
	refused(bob, "unknown_ask", "{s:s,s:s,s:s}", "type", "reply",
	    "ask_id", "k1", "text", "mine");
	is_str(rpc(ann, "{s:s,s:s,s:[s]}", "type", "group_create", "name",
	    "g", "members", "ops"), "type", "group_created");
	refused(bob, "not_member", "{s:s,s:s}", "type", "group_history",
	    "group", "g");
	refused(bob, "not_member", "{s:s,s:s}", "type", "group_info",
	    "group", "g");
	refused(bob, "not_admin", "{s:s,s:s,s:s}", "type", "group_invite",
	    "group", "g", "peer", "bob");
	quiet(bob, NULL);
	is_list(rpc(ann, "{s:s}", "type", "inbox"), "messages", 1);
	end(&h);
}
END_TEST

/* Root's sessions are those of the user that the hub runs as. */
START_TEST(root_is_the_hubs_user)
{
	struct hub	 h = begin();
	struct conn	*c = session(&h, &h.owner, "ops"), *next;

	(void)send_text(c, "ops", "to myself", "delivered");
	c->nopong = 1;
	next = session(&h, &h.root, "ops");
	want(conn_closes(c, T_WAIT), "the silent one stays");
	is_list(rpc(next, "{s:s}", "type", "inbox"), "messages", 1);
	end(&h);
}
END_TEST

/* Without the database nobody knows whose a name is that was not here yet. */
START_TEST(the_database_does_not_work)
{
	struct hub	 h = begin();
	struct conn	*c, *ann = session(&h, &h.ann, "api");
	char		 path[T_PATH];

	away(&h, ann, "api");
	restart(&h);
	as(&h.owner);
	snprintf(path, sizeof(path), "%s/relay.db", h.t->data);
	(void)hub_stop(h.t, SIGTERM);
	/* a directory is no file, and none that could be set aside */
	want(rename(path, tenv_path(h.t, "kept.db")) == 0 &&
	    mkdir(path, 0700) == 0, "%s", path);
	hub_start(h.t);
	as(&h.bob);
	c = client_open(h.t);
	say_register(c, "api", FEATURES, "r");
	is_str(hear_with(c, NULL, "req_id", "r"), "code", "mailbox_error");
	/* the hub's own user is served as ever */
	(void)session(&h, &h.owner, "ops");
	end(&h);
}
END_TEST

static char *
token_of(struct hub *h, const struct user *u, const char *option)
{
	struct output	*o;
	char		*token;

	as(u);
	o = run(h->t, NULL, "hubctl", "token", option, NULL);
	want(o->status == 0 && strlen(o->out) > 16, "token: %s%s", o->out,
	    o->err);
	token = xstrdup(o->out);
	token[strcspn(token, "\n")] = '\0';
	output_free(o);
	return (token);
}

/* A connection to the WebSocket, which speaks lines; pid is its process. */
static struct conn *
far(struct hub *h, const char *token, pid_t *pid)
{
	int	fd = wsproxy_start(h->url, token, pid);

	want(fd != -1, "wsproxy: %s", strerror(errno));
	return (conn_add(h->t, fd, dup(fd), 0));
}

static void
far_end(struct conn *c, pid_t pid)
{
	int	status;

	conn_close(c);
	want(program_wait(pid, &status, T_WAIT) == 0, "it goes on");
}

static void
far_register(struct conn *c, const char *name, const char *answer)
{
	json_t	*j;

	say_register(c, name, FEATURES, "far");
	j = hear_with(c, NULL, "req_id", "far");
	want(strcmp(str_of(j, "type"), answer) == 0 ||
	    strcmp(str_of(j, "code"), answer) == 0, "%s: %s", name, show(j));
}

START_TEST(tokens)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api"), *c;
	char		*hers, *his, *renewed, *again;
	pid_t		 pid, old;

	hers = token_of(&h, &h.ann, NULL);
	his = token_of(&h, &h.bob, NULL);
	again = token_of(&h, &h.ann, NULL);
	want(strcmp(hers, again) == 0 && strcmp(hers, his) != 0 &&
	    strlen(hers) == 64, "%s, %s, %s", hers, again, his);
	restart(&h);
	c = far(&h, his, &pid);
	far_register(c, "api", "name_taken");
	far_register(c, "bob", "ack");
	far_end(c, pid);
	c = far(&h, hers, &old);
	far_register(c, "api", "ack");
	conn_close(ann);
	cannot_have(&h, &h.bob, "api");
	renewed = token_of(&h, &h.ann, "-r");
	want(strcmp(hers, renewed) != 0, "it is the same");
	/* who is connected stays; nobody comes with the old one any more */
	in_step(c);
	far_end(c, old);
	c = far(&h, hers, &pid);
	want(conn_closes(c, T_WAIT), "the old token is good");
	far_end(c, pid);
	c = far(&h, renewed, &pid);
	far_register(c, "api", "ack");
	far_end(c, pid);
	free(hers);
	free(his);
	free(again);
	free(renewed);
	end(&h);
}
END_TEST

/* The hub's own token is its user's, and root's. */
START_TEST(the_hubs_own_token)
{
	struct hub	 h = begin();
	char		 path[T_PATH], *file, *token, *roots;
	struct output	*o;

	snprintf(path, sizeof(path), "%s/hub-ws-token", h.t->data);
	file = read_file(path);
	token = token_of(&h, &h.owner, NULL);
	roots = token_of(&h, &h.root, NULL);
	want(strcmp(token, file) == 0 && strcmp(roots, file) == 0, "%s, %s",
	    token, roots);
	o = run(h.t, NULL, "hubctl", "token", "-r", NULL);
	want(o->status != 0 && strstr(o->err, "hub-ws-token") != NULL, "%s",
	    o->err);
	output_free(o);
	free(file);
	free(token);
	free(roots);
	end(&h);
}
END_TEST

/* As a person in a container has it: channeld with a token. */
START_TEST(channeld_with_a_token)
{
	struct hub	 h = begin();
	struct conn	*bob = session(&h, &h.bob, "bob"), *c;
	char		*token = token_of(&h, &h.ann, NULL);

	as(&h.ann);
	unsetenv("RELAY_HUB_SOCKET");
	setenv("ECORELAY_WS_URL", h.url, 1);
	setenv("ECORELAY_WS_TOKEN", token, 1);
	c = channel(&h, &h.ann, "far");
	(void)send_text(bob, "far", "hello", "delivered");
	is_str(mcp_push(c), "content", "hello");
	mcp_end(c);
	unsetenv("ECORELAY_WS_URL");
	setenv("RELAY_HUB_SOCKET", h.t->sock, 1);
	cannot_have(&h, &h.bob, "far");
	(void)session(&h, &h.ann, "far");
	free(token);
	end(&h);
}
END_TEST

/* What hubctl answers bob, who has the name bob; ann has api and her. */
static const struct {
	const char	*words[4];
	int		 code;
	const char	*says;	/* among other things */
	const char	*never;	/* in it; or NULL */
} answers[] = {
	{ { "version" }, 0, "hub ", NULL },
	{ { "show", "status" }, 0, "", NULL },
	{ { "show", "peers" }, 0, "api", NULL },
	{ { "show", "rooms" }, 0, "lobby", NULL },
	{ { "show", "sessions" }, 0, "bob", "api" },
	{ { "show", "mailboxes" }, 0, "bob", "api" },
	{ { "show", "groups" }, 0, "ours", "theirs" },
	{ { "inbox", "bob" }, 0, "for bob", NULL },
	{ { "search", "bob", "for" }, 0, "for bob", NULL },
	{ { "inbox", "api" }, 1, "not_admin", "secret" },
	{ { "inbox", "was" }, 1, "not_admin", "secret" },
	{ { "inbox", "nobody" }, 1, "not_admin", NULL },
	{ { "search", "api", "secret" }, 1, "not_admin", "a secret" },
	{ { "show", "message", "m-hers" }, 1, "no message", "api" },
	{ { "show", "message", "m-none" }, 1, "no message", NULL },
	{ { "show", "message", "m-bobs" }, 0, "api", NULL },
	{ { "show", "message", "m-to-bob" }, 0, "api", NULL },
	{ { "send", "api", "hi" }, 0, "delivered", NULL },
	{ { "token" }, 0, "", NULL },
	{ { "show", "links" }, 1, "only root", NULL },
	{ { "show", "keys" }, 1, "only root", NULL },
	{ { "show", "processes" }, 1, "only root", NULL },
	{ { "show", "stats" }, 1, "only root", NULL },
	{ { "show", "metrics" }, 1, "only root", NULL },
	{ { "clean" }, 1, "only root", NULL },
	{ { "log", "level", "debug" }, 1, "only root", NULL },
	{ { "trust", "other" }, 1, "only root", NULL },
	{ { "distrust", "other" }, 1, "only root", NULL },
	{ { "forget", "other" }, 1, "only root", NULL },
	{ { "invite" }, 1, "only root", NULL },
	{ { "join", "wss://h.example", "PGRX-EYZJ-KZKH-2664" }, 1,
	    "only root", NULL },
	{ { "stop" }, 1, "only root", NULL },
};

static void
send_as(struct conn *c, const char *to, const char *text, const char *id)
{
	is_str(rpc(c, "{s:s,s:s,s:s,s:s}", "type", "send", "to", to, "text",
	    text, "msg_id", id), "type", "send_ack");
}

START_TEST(hubctl_of_a_plain_user)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "was");
	struct conn	*her = session(&h, &h.ann, "her");
	struct conn	*bob = session(&h, &h.bob, "bob");
	struct output	*o;
	size_t		 i;

	rpc(ann, "{s:s,s:s}", "type", "rename", "new_name", "api");
	rpc(ann, "{s:s,s:s}", "type", "join_room", "room", "lobby");
	rpc(ann, "{s:s,s:s,s:[s]}", "type", "group_create", "name",
	    "theirs", "members", "her");
	rpc(ann, "{s:s,s:s,s:[s]}", "type", "group_create", "name", "ours",
	    "members", "bob");
	send_as(her, "api", "a secret", "m-hers");
	send_as(bob, "api", "from bob", "m-bobs");
	send_as(ann, "bob", "for bob", "m-to-bob");
	as(&h.bob);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		o = run(h.t, NULL, "hubctl", answers[i].words[0],
		    answers[i].words[1], answers[i].words[2],
		    answers[i].words[3], NULL);
		want(WIFEXITED(o->status) &&
		    WEXITSTATUS(o->status) == answers[i].code,
		    "%s %s: status 0x%x: %s%s", answers[i].words[0],
		    answers[i].words[1], o->status, o->out, o->err);
		want(strstr(answers[i].code == 0 ? o->out : o->err,
		    answers[i].says) != NULL && (answers[i].never == NULL ||
		    (strstr(o->out, answers[i].never) == NULL &&
		    strstr(o->err, answers[i].never) == NULL)), "%s %s: %s%s",
		    answers[i].words[0], answers[i].words[1], o->out, o->err);
		output_free(o);
	}
	in_step(ann);
	end(&h);
}
END_TEST

static void
hubctl_ends(struct hub *h, int code, const char *word, const char *arg,
    const char *text)
{
	struct output	*o = run(h->t, NULL, "hubctl", word, arg, text, NULL);

	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == code,
	    "%s %s: status 0x%x: %s%s", word, arg, o->status, o->out, o->err);
	output_free(o);
}

/* Who sends under a name that nobody has, has it from then on. */
START_TEST(hubctl_sends)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api");

	as(&h.bob);
	setenv("USER", "api", 1);
	hubctl_ends(&h, 1, "send", "api", "as somebody else");
	setenv("USER", "robert", 1);
	hubctl_ends(&h, 1, "inbox", "robert", NULL);
	hubctl_ends(&h, 0, "send", "api", "hello");
	is_str(hear(ann, "incoming_message"), "from", "robert");
	(void)send_text(ann, "robert", "an answer", "queued");
	hubctl_ends(&h, 0, "inbox", "robert", NULL);
	cannot_have(&h, &h.ann, "robert");
	restart(&h);
	as(&h.bob);
	hubctl_ends(&h, 0, "inbox", "robert", NULL);
	cannot_have(&h, &h.ann, "robert");
	/* root looks into everything, and sends as whom it likes */
	as(&h.root);
	hubctl_ends(&h, 0, "inbox", "robert", NULL);
	setenv("USER", "robert", 1);
	hubctl_ends(&h, 0, "send", "api", "as robert");
	hubctl_ends(&h, 0, "show", "processes", NULL);
	end(&h);
}
END_TEST

static struct conn *
monitor(struct hub *h, const struct user *u, pid_t *pid)
{
	const char *const	argv[] = { "hubctl", "-j", "monitor", NULL };
	int			out[2], fds[2] = { -1, -1 };

	as(u);
	want(pipe(out) == 0, "pipe");
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	fds[1] = out[1];
	*pid = program_start("hubctl", argv, fds,
	    tenv_path(h->t, "monitor.log"), NULL);
	close(out[1]);
	return (conn_add(h->t, out[0], dup(out[0]), 0));
}

START_TEST(monitors_see_their_own)
{
	struct hub	 h = begin();
	struct conn	*ann = session(&h, &h.ann, "api");
	struct conn	*her = session(&h, &h.ann, "her");
	struct conn	*bob = session(&h, &h.bob, "bob"), *m;
	struct line	*l;
	int64_t		 give_up = t_now() + t_slow(T_WAIT);
	int		 seen = 0, status;
	pid_t		 pid;

	m = monitor(&h, &h.bob, &pid);
	/* it says nothing when it is ready: send until it shows one */
	while (!seen && t_now() < give_up) {
		(void)send_text(ann, "her", "not his", NULL);
		(void)send_text(her, "bob", "his", NULL);
		while ((l = conn_take(m, 20)) != NULL) {
			want(strstr(l->text, "\"bob\"") != NULL,
			    "another's: %s", l->text);
			seen = 1;
			line_free(l);
		}
	}
	want(seen, "no event");
	/* of one that comes, in a group, and gone */
	(void)session(&h, &h.ann, "third");
	rpc(ann, "{s:s,s:s,s:[]}", "type", "group_create", "name", "g",
	    "members");
	rpc(ann, "{s:s,s:s,s:s}", "type", "group_invite", "group", "g",
	    "peer", "bob");
	conn_close(bob);
	do {
		l = conn_take(m, T_WAIT);
		want(l != NULL && strstr(l->text, "\"bob\"") != NULL,
		    "another's: %s", l != NULL ? l->text : "nothing");
		seen = strstr(l->text, "\"leave\"") == NULL;
		line_free(l);
	} while (seen);
	kill(pid, SIGINT);
	want(program_wait(pid, &status, T_WAIT) == 0, "it goes on");
	end(&h);
}
END_TEST

static int
connect_as(struct hub *h, const struct user *u, const char *name)
{
	char	path[T_PATH];
	int	fd;

	snprintf(path, sizeof(path), "%s/run/%s", h->t->dir, name);
	want(seteuid(u->uid) == 0 && (fd = unix_connect(path)) != -1 &&
	    seteuid(0) == 0 && fcntl(fd, F_SETFL, 0) == 0, "%s: %s", path,
	    strerror(errno));
	return (fd);
}

/* Enough for one user; the others have theirs. */
START_TEST(connections_of_one_user)
{
	struct hub	 h = begin();
	char		 byte;
	int		 fd[64], i, n = 64;

	for (i = 0; i < n; i++)
		fd[i] = connect_as(&h, &h.bob, "hubctl.sock");
	/* the last one is closed by the hub */
	want(read(fd[n - 1], &byte, 1) == 0, "it has %d", n);
	as(&h.bob);
	hubctl_ends(&h, 1, "show", "status", NULL);
	as(&h.ann);
	hubctl_ends(&h, 0, "show", "status", NULL);
	while (n-- > 0)
		close(fd[n]);
	end(&h);
}
END_TEST

START_TEST(limits_of_one_user)
{
	struct hub	 h = begin();
	struct conn	*one, *c;
	char		*token, text[T_PATH * 2], byte;
	pid_t		 pid;
	int		 fd;

	snprintf(text, sizeof(text), "listen on socket \"%s\" mode 0666\n"
	    "limit sessions 2 per user\nlimit names 4 per user\n",
	    h.t->sock);
	hub_conf(h.t, text);
	token = token_of(&h, &h.bob, NULL);
	restart(&h);
	one = session(&h, &h.bob, "b1");
	(void)session(&h, &h.bob, "b2");
	fd = connect_as(&h, &h.bob, "hub.sock");
	want(read(fd, &byte, 1) == 0, "there may be a third one");
	close(fd);
	c = far(&h, token, &pid);
	want(conn_closes(c, T_WAIT), "a third one by WebSocket");
	far_end(c, pid);
	c = session(&h, &h.ann, "a1");
	is_str(rpc(one, "{s:s,s:s}", "type", "rename", "new_name", "b3"),
	    "type", "ack");
	is_str(rpc(one, "{s:s,s:s}", "type", "rename", "new_name", "b4"),
	    "type", "ack");
	refused(one, "mailbox_error", "{s:s,s:s}", "type", "rename",
	    "new_name", "b5");
	is_str(rpc(one, "{s:s,s:s}", "type", "rename", "new_name", "b1"),
	    "type", "ack");
	as(&h.bob);
	setenv("USER", "robert", 1);
	hubctl_ends(&h, 1, "send", "a1", "as another one");
	(void)send_text(c, "b1", "not disturbed", "delivered");
	(void)session(&h, &h.owner, "o1");
	(void)session(&h, &h.owner, "o2");
	(void)session(&h, &h.owner, "o3");
	free(token);
	end(&h);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("users");

	(void)argc;
	if (geteuid() != 0) {
		printf("only root can run programs as other users\n");
		return (77);
	}
	test_add(s, write_to_each_other, 60);
	test_add(s, names_are_owned, 60);
	test_add(s, former_names_are_owned, 60);
	test_add(s, nobody_disturbs_another, 60);
	test_add(s, mail_is_owned, 60);
	test_add(s, root_is_the_hubs_user, 60);
	test_add(s, the_database_does_not_work, 60);
	test_add(s, tokens, 60);
	test_add(s, the_hubs_own_token, 60);
	test_add(s, channeld_with_a_token, 60);
	test_add(s, hubctl_of_a_plain_user, 60);
	test_add(s, hubctl_sends, 60);
	test_add(s, monitors_see_their_own, 60);
	test_add(s, connections_of_one_user, 60);
	test_add(s, limits_of_one_user, 60);
	return (test_main(argv[0], s));
}
