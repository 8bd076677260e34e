/* SPDX-License-Identifier: ISC */
/*
 * A hub goes on as another version in the same process.  It is run from a
 * directory of the test's own, laid out as the build tree is, in which hubd is
 * replaced by t/bin/nexthub, the same program with another version.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../hubctl/ctl.h"
#include "mcp.h"
#include "service.h"
#include "tree.h"
#include "twohubs.h"
#include "version.h"

#define NEXT		"99.0"
#define SENDERS		6
#define IN_FLIGHT	8
#define PER_BOX		400	/* fewer than a mailbox keeps */
#define MESSAGES_MAX	(50 * PER_BOX)
#define ROUNDS		10

static void
install_script(const char *text, mode_t mode)
{
	char	to[T_PATH], temp[T_PATH + 8];

	program_path("hubd", to);
	snprintf(temp, sizeof(temp), "%s.new", to);
	write_file(temp, text, strlen(text));
	want(chmod(temp, mode) == 0 && rename(temp, to) == 0, "rename");
}

static int
exit_of(int status)
{
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* hubctl upgrade, which must succeed and say that. */
static void
upgrades(struct tenv *t, const char *text)
{
	struct output	*o = run(t, NULL, "hubctl", "upgrade", NULL);

	want(exit_of(o->status) == 0 && strstr(o->out, text) != NULL,
	    "hubctl upgrade: status 0x%x: %s%s; log: %s", o->status, o->out,
	    o->err, read_file(t->hublog));
	output_free(o);
}

static int
is_version(struct tenv *t, const char *version)
{
	struct output	*o = run(t, NULL, "hubctl", "version", NULL);
	char		 text[64];
	int		 yes;

	snprintf(text, sizeof(text), "\nhub %s\n", version);
	yes = strstr(o->out, text) != NULL;
	output_free(o);
	return (yes);
}

static int
is_next(void *arg)
{
	return (is_version(arg, NEXT));
}

/* The number of the file at that path in the data directory. */
static ino_t
file_of(struct tenv *t, const char *name)
{
	struct stat	st;
	char		path[T_PATH];

	snprintf(path, sizeof(path), "%s/%s", t->data, name);
	want(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return (st.st_ino);
}

/* A process that connects all the time, and says when it cannot. */
struct prober {
	pid_t	pid;
	int	stop;		/* a pipe */
};

static int
probe(const char *path)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0), err = 0;

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err = errno;
	close(fd);
	return (err);
}

static void
prober_begin(struct prober *p, struct tenv *t)
{
	struct pollfd	pfd = { .events = POLLIN };
	char		ctl[T_PATH];
	int		fds[2], err;

	snprintf(ctl, sizeof(ctl), "%s/hubctl.sock", t->data);
	want(pipe(fds) == 0 && (p->pid = fork()) != -1, "no prober");
	p->stop = fds[1];
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	if (p->pid != 0) {
		close(fds[0]);
		return;
	}
	close(fds[1]);
	pfd.fd = fds[0];
	do {
		if ((err = probe(t->sock)) == 0)
			err = probe(ctl);
	} while (err == 0 && poll(&pfd, 1, 1) == 0);
	_exit(err);
}

static void
prober_end(struct prober *p)
{
	int	status;

	close(p->stop);
	want(program_wait(p->pid, &status, T_WAIT) == 0, "no end of probes");
	want(exit_of(status) == 0, "a connection failed: %s",
	    strerror(exit_of(status)));
}

/*
 * Senders at full speed, which connect again when the hub has closed the
 * connection, and send again what has no answer.  Message n of sender i is
 * u<i>-<n>, to u<i>-<n / PER_BOX> at.
 */
struct sender {
	struct tenv	*env;
	const char	*at;		/* @ and a hub, or "" */
	int		 number;
	struct conn	*c;
	unsigned char	*acked;
	int		 sent, open, first, again;
};

static void
send_one(struct sender *s, int n)
{
	char	line[256];
	int	len;

	len = snprintf(line, sizeof(line), "{\"type\":\"send\",\"req_id\":"
	    "\"m\",\"to\":\"u%d-%d%s\",\"text\":\"text %d\",\"msg_id\":"
	    "\"u%d-%d\"}\n", s->number, n / PER_BOX, s->at, n, s->number, n);
	(void)conn_write(s->c, line, (size_t)len);
	s->open++;
}

static void
sender_open(struct sender *s)
{
	char	name[16];
	int	n;

	snprintf(name, sizeof(name), "from%d", s->number);
	s->c = client_open(s->env);
	say_register(s->c, name, "ids", "r");
	s->open = 0;
	for (n = s->first; n < s->sent; n++) {
		if (!s->acked[n])
			send_one(s, n);
	}
}

static void
sender_turn(struct sender *s, int more)
{
	struct line	*l;
	int		 i, n;

	while ((l = TAILQ_FIRST(&s->c->lines)) != NULL) {
		TAILQ_REMOVE(&s->c->lines, l, entry);
		if (strcmp(str_of(l->json, "type"), "send_ack") == 0) {
			want(sscanf(str_of(l->json, "msg_id"), "u%d-%d", &i,
			    &n) == 2 && i == s->number && n < s->sent,
			    "an answer to something else");
			s->acked[n] = 1;
			s->open--;
		} else
			is_str(l->json, "req_id", "r");
		line_free(l);
	}
	while (s->first < s->sent && s->acked[s->first])
		s->first++;
	if (s->c->eof) {
		conn_close(s->c);
		s->again++;
		sender_open(s);
	}
	while (more && s->open < IN_FLIGHT && s->sent < MESSAGES_MAX)
		send_one(s, s->sent++);
}

struct crowd {
	struct tenv	*env;
	struct sender	 s[SENDERS];
	struct tenv	*other;		/* the hub that the last one sends to */
};

static void
crowd_begin(struct crowd *c, struct tenv *t, struct tenv *other,
    const char *at)
{
	int	i;

	memset(c, 0, sizeof(*c));
	c->env = t;
	c->other = other;
	for (i = 0; i < SENDERS; i++) {
		c->s[i].env = t;
		c->s[i].number = i;
		c->s[i].at = i == SENDERS - 1 ? at : "";
		c->s[i].acked = xcalloc(MESSAGES_MAX, 1);
		sender_open(&c->s[i]);
	}
}

static void
crowd_turn(struct crowd *c, int more)
{
	int	i;

	for (i = 0; i < SENDERS; i++)
		sender_turn(&c->s[i], more);
	conns_pump(c->env, 2);
}

/* So many more acknowledged messages of each, or all that were sent. */
static void
crowd_run(struct crowd *c, int more)
{
	int64_t	end = t_now() + t_slow(T_WAIT);
	int	i, upto[SENDERS], left = 1;

	for (i = 0; i < SENDERS; i++)
		upto[i] = more == 0 ? c->s[i].sent : c->s[i].first + more;
	while (left && t_now() < end) {
		crowd_turn(c, more > 0);
		for (i = left = 0; i < SENDERS; i++)
			left += c->s[i].first < upto[i];
	}
	want(!left, "messages are not acknowledged");
}

/* hubctl upgrade while they send. */
static void
crowd_upgrade(struct crowd *c, struct tenv *t)
{
	static const char *const argv[] = { "hubctl", "upgrade", NULL };
	static const int	 fds[2] = { -1, -1 };
	char			*log;
	pid_t			 pid;
	int			 status;

	pid = program_start("hubctl", argv, fds, tenv_path(t, "ctl.log"),
	    NULL);
	while (waitpid(pid, &status, WNOHANG) == 0)
		crowd_turn(c, 1);
	log = read_file(tenv_path(t, "ctl.log"));
	want(exit_of(status) == 0, "hubctl upgrade: 0x%x: %s", status, log);
	free(log);
}

/* All of a mailbox, where a message may be once; returns how many. */
static int
read_box(struct tenv *t, const struct sender *s, int box,
    unsigned char *there)
{
	const char	*id = "none";
	char		 name[16];
	struct conn	*c;
	json_t		*list;
	size_t		 k;
	int		 i, n, got = 0;

	snprintf(name, sizeof(name), "u%d-%d", s->number, box);
	c = client_new(t, name, "ids");
	do {
		list = json_object_get(rpc(c, "{s:s,s:i,s:s}", "type",
		    "inbox", "limit", 100, "since_id", id), "messages");
		for (k = 0; k < json_array_size(list); k++, got++) {
			id = str_of(json_array_get(list, k), "msg_id");
			want(sscanf(id, "u%d-%d", &i, &n) == 2 &&
			    i == s->number && there[n]++ == 0,
			    "%s is there twice", id);
		}
	} while (json_array_size(list) > 0);
	conn_close(c);
	return (got);
}

/* Everything was sent again until it was acknowledged: all of it is there. */
static void
crowd_end(struct crowd *c)
{
	struct sender	*s;
	struct tenv	*t;
	unsigned char	*there;
	int64_t		 end = t_now() + t_slow(T_WAIT);
	int		 i, n, box, got;

	crowd_run(c, 0);
	for (i = 0; i < SENDERS; i++) {
		s = &c->s[i];
		t = s->at[0] != '\0' ? c->other : c->env;
		/* what is for another hub comes later */
		do {
			there = xcalloc(MESSAGES_MAX, 1);
			for (box = got = 0; box * PER_BOX < s->sent; box++)
				got += read_box(t, s, box, there);
			if (got < s->sent && t_now() < end)
				free(there);
		} while (got < s->sent && t_now() < end);
		for (n = 0; n < s->sent; n++)
			want(there[n], "u%d-%d of %d is lost", i, n, s->sent);
		want(s->again > 0, "sender %d was never cut off", i);
		free(there);
		free(s->acked);
		conn_close(s->c);
	}
}

/*
 * A message from one channeld to another.  They connect again by themselves,
 * and at once if somebody waits or the hub was there for a while.
 */
static void
channelds_talk(struct conn *a, struct conn *b, const char *to, int n)
{
	int64_t	end = t_now() + t_slow(T_WAIT);
	char	text[32];
	json_t	*push;

	(void)mcp_name(b);
	while (find_in(json_object_get(mcp_tool(a, "relay_peers", "{}"),
	    "peers"), "name", to) == NULL)
		want(t_now() < end, "%s does not come", to);
	snprintf(text, sizeof(text), "number %d", n);
	mcp_tool(a, "relay_send", "{s:s,s:s}", "to", to, "text", text);
	push = mcp_push(b);
	want(strstr(str_of(push, "content"), text) != NULL, "came: %s",
	    show(push));
}

START_TEST(nothing_is_lost)
{
	struct twohubs	*h;
	struct tenv	*t = tenv_new();
	struct conn	*a, *b, *far;
	struct crowd	 c;
	struct prober	 p;
	char		 path[T_PATH];
	ino_t		 sock, ctl;
	pid_t		 pid, bridged;
	int		 i, fds = 0;

	tree_new(t);
	h = two_begin();
	two_use(h->one);
	far = client_new(h->one, "watch", NULL);
	two_linked(far, 1);
	pid = hub_pid(h->one, NULL);
	bridged = child_pid(h->one, "bridged");
	sock = file_of(h->one, "hub.sock");
	ctl = file_of(h->one, "hubctl.sock");
	a = mcp_start(h->one, "alice", NULL);
	b = mcp_start(h->one, "bob", NULL);
	mcp_init(a, "2025-06-18");
	mcp_init(b, "2025-06-18");
	channelds_talk(a, b, "bob", 0);
	crowd_begin(&c, h->one, h->two, "@two");
	prober_begin(&p, h->one);
	for (i = 0; i < ROUNDS; i++) {
		tree_install(i % 2 == 0 ? "t/bin/nexthub" : "hubd/hubd");
		crowd_run(&c, 20);
		crowd_upgrade(&c, h->one);
		want(is_version(h->one, i % 2 == 0 ? NEXT :
		    ecorelay_version), "the version is another one");
		crowd_run(&c, 20);
		channelds_talk(a, b, "bob", i + 1);
		if (i == 1)
			fds = proc_fds(pid);
	}
	prober_end(&p);
	crowd_end(&c);
	conn_close(far);
	far = client_new(h->one, "watch", NULL);
	two_linked(far, 1);
	want(hub_pid(h->one, NULL) == pid, "it is another process");
	want(child_pid(h->one, "bridged") != bridged, "bridged is the old one");
	want(file_of(h->one, "hub.sock") == sock &&
	    file_of(h->one, "hubctl.sock") == ctl, "the sockets are new");
	want(proc_fds(pid) == fds, "%d descriptors, and %d after %d more",
	    fds, proc_fds(pid), ROUNDS - 2);
	strlcpy(path, h->one->sock, sizeof(path));
	two_end(h);
	want(access(path, F_OK) == -1, "a socket is left");
	tenv_end(t);
}
END_TEST

static const struct {
	const char	*script;	/* NULL: the program is missing */
	mode_t		 mode;
	const char	*why;
} broken[] = {
	{ NULL, 0, "No such file" },
	{ "#!/bin/sh\necho hubd 99.1\n", 0600, "Permission denied" },
	{ "#!/bin/sh\nexit 1\n", 0700, "hubd -V exited with status 1" },
	{ "#!/bin/sh\nkill -9 $$\n", 0700, "was killed by signal 9" },
	{ "#!/bin/sh\necho ohio 99.1\n", 0700,
	    "hubd -V prints something else: ohio 99.1" },
	{ "#!/bin/sh\n[ $1 = -V ] && echo hubd 99.1 || echo none of it\n",
	    0700, "hubd -n prints something else: none of it" },
	{ "#!/bin/sh\n[ $1 = -V ] && echo hubd 99.1 && exit\n"
	    "echo 'it is a bad file'; exit 1\n", 0700,
	    "hubd -n exited with status 1: it is a bad file" },
};

/* The old one goes on, and says why. */
START_TEST(a_broken_program)
{
	struct tenv	*t = tenv_new();
	struct output	*o;
	struct conn	*c;
	char		 path[T_PATH];
	pid_t		 router;
	size_t		 i;

	tree_new(t);
	hub_start(t);
	c = client_new(t, "a", NULL);
	router = hub_pid(t, "router");
	program_path("hubd", path);
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		if (broken[i].script != NULL)
			install_script(broken[i].script, broken[i].mode);
		else
			want(unlink(path) == 0, "unlink");
		o = run(t, NULL, "hubctl", "upgrade", NULL);
		want(exit_of(o->status) == 1 && strstr(o->err,
		    broken[i].why) != NULL, "%zu: status 0x%x: %s%s", i,
		    o->status, o->out, o->err);
		output_free(o);
	}
	logs(t, "no upgrade: ");
	in_step(c);
	want(is_version(t, ecorelay_version), "the version is another one");
	want(hub_pid(t, "router") == router, "the router is another one");
	tree_install("t/bin/nexthub");
	upgrades(t, " -> " NEXT);
	tenv_end(t);
}
END_TEST

START_TEST(a_faulty_configuration)
{
	struct tenv	*t = tenv_new();
	struct output	*o;

	tree_new(t);
	hub_start(t);
	hub_conf(t, "nonsense\n");
	o = run(t, NULL, "hubctl", "upgrade", NULL);
	want(exit_of(o->status) == 1 && strstr(o->err, "hubd.conf:1") != NULL,
	    "status 0x%x: %s", o->status, o->err);
	output_free(o);
	hub_serves(t);
	hub_conf(t, "");
	upgrades(t, " -> ");
	tenv_end(t);
}
END_TEST

/* The socket of old, and the new one. */
START_TEST(another_socket)
{
	struct tenv	*t = tenv_new();
	char		 old[T_PATH], text[T_PATH];

	tree_new(t);
	hub_start(t);
	strlcpy(old, t->sock, sizeof(old));
	snprintf(t->sock, sizeof(t->sock), "%s/other.sock", t->data);
	snprintf(text, sizeof(text), "listen on socket \"%s\"\n", t->sock);
	hub_conf(t, text);
	tree_install("t/bin/nexthub");
	upgrades(t, " -> " NEXT);
	hub_serves(t);
	want(access(old, F_OK) == -1, "the old socket is there");
	tenv_end(t);
}
END_TEST

/* As a service manager's main process, which tells it how it goes. */
START_TEST(a_service)
{
	struct service	*s = service_new("@notify");
	struct tenv	*t = s->env;
	char		 ready[64];
	struct conn	*c;
	int		 i;

	tree_new(t);
	service_start(s, "hubd", NULL);
	waits_for(s, "READY=1\n");
	snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%ld", (long)t->hub);
	tree_install("t/bin/nexthub");
	for (i = 0; i < 3; i++) {
		c = client_new(t, "a", NULL);
		want(kill(t->hub, SIGUSR2) == 0, "SIGUSR2");
		waits_for(s, "RELOADING=1\n");
		waits_for(s, "STATUS=Upgrading to " NEXT);
		waits_for(s, "READY=1\n");
		want(strcmp(s->text, ready) == 0, "told: %s", s->text);
		waits_for(s, "WATCHDOG=1");
		waits_for(s, "WATCHDOG=1");
		want(conn_closes(c, T_WAIT), "a session was not cut off");
		conn_close(c);
		hub_serves(t);
		want(is_version(t, NEXT), "it is not the new version");
	}
	kill(t->hub, SIGTERM);
	waits_for(s, "STOPPING=1");
	want(service_status(s) == 0, "it has failed");
	want(access(t->sock, F_OK) == 0, "the manager's socket is gone");
	service_end(s);
}
END_TEST

/* Its sockets are handed over, or its own. */
static void
relay_goes_on(int nfds)
{
	struct service	*s = service_new("notify");
	struct tenv	*t = s->env;
	char		 file[T_PATH], ready[64];
	int		 fds[2], port[2], i, k;
	pid_t		 router;

	tree_new(t);
	s->nfds = 0;
	for (i = 0; i < 2; i++) {
		fds[i] = port_take(&port[i]);
		if (i < nfds) {
			want(listen(fds[i], 16) == 0, "listen");
			s->fds[s->nfds++] = fds[i];
		} else
			close(fds[i]);
	}
	service_relay(s, port);
	snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%ld", (long)t->hub);
	for (k = 0; k < 3; k++) {
		router = hub_pid(t, "router");
		kill(t->hub, SIGUSR2);
		waits_for(s, "RELOADING=1\n");
		for (i = 0; i < 2; i++) {
			fds[i] = port_call(port[i]);
			want(fds[i] != -1, "port %d is closed", i);
			close(fds[i]);
		}
		waits_for(s, "READY=1\n");
		want(strcmp(s->text, ready) == 0, "told: %s", s->text);
		waits_for(s, "WATCHDOG=1");
		want(hub_pid(t, "router") != router, "the router is the old "
		    "one");
	}
	program_path("relayd", file);
	want(unlink(file) == 0, "unlink");
	kill(t->hub, SIGUSR2);
	logs(t, "no upgrade: ");
	waits_for(s, "WATCHDOG=1");
	kill(t->hub, SIGTERM);
	waits_for(s, "STOPPING=1");
	want(service_status(s) == 0, "it has failed");
	service_end(s);
}

START_TEST(a_relay)
{
	relay_goes_on(0);
}
END_TEST

START_TEST(a_relay_with_sockets)
{
	relay_goes_on(2);
}
END_TEST

/* It may upgrade and stop the hub, and nothing else. */
START_TEST(hubctl_of_another_version)
{
	struct tenv	*t = tenv_new();
	struct wbuf	 w = { 0 };
	struct rbuf	*r;
	struct ctl	*c;
	char		 path[T_PATH];
	int		 status;

	tree_new(t);
	hub_start(t);
	tree_install("t/bin/nexthub");
	snprintf(path, sizeof(path), "%s/hubctl.sock", t->data);
	put_str(&w, "peers");
	want((c = ctl_open_any(path)) != NULL, "no hubctl.sock");
	want(ctl_call(c, CTL_SHOW, &w) == NULL, "it is told of peers");
	ctl_close(c);
	wbuf_free(&w);

	want((c = ctl_open_any(path)) != NULL, "no hubctl.sock");
	want((r = ctl_call(c, CTL_UPGRADE, NULL)) != NULL, "no upgrade");
	rbuf_unref(r);
	want(ctl_wait_gone(c) == 0, "the hub does not close it");
	ctl_close(c);
	want((c = ctl_open_any(path)) != NULL, "no hubctl.sock");
	want(strcmp(ctl_version(c), NEXT) == 0, "the version is %s",
	    ctl_version(c));
	want((r = ctl_call(c, CTL_STOP, NULL)) != NULL, "no stop");
	rbuf_unref(r);
	ctl_close(c);
	want(program_wait(t->hub, &status, T_WAIT) == 0 &&
	    exit_of(status) == 0, "it has failed");
	t->hub = 0;
	tenv_end(t);
}
END_TEST

/* What a session has started, in a directory of its own. */
START_TEST(an_embedded_hub)
{
	static const char *const	argv[] = {
		"hubd", "-e", "-f", "my.conf", NULL
	};
	static const int	fds[2] = { -1, -1 };
	struct tenv		*t = tenv_new();
	char			 link[64], where[T_PATH];
	int			 status, i;
	ssize_t			 n;
	pid_t			 pid;

	tree_new(t);
	snprintf(where, sizeof(where), "%s/my.conf", t->home);
	write_file(where, "hub id \"mine\"\n", 14);
	setenv("RELAY_HUB_SOCKET", "../d/hub.sock", 1);
	pid = program_start("hubd", argv, fds, t->hublog, t->home);
	want(program_wait(pid, &status, T_WAIT) == 0 && exit_of(status) == 0,
	    "hubd -e: status 0x%x: %s", status, read_file(t->hublog));
	unsetenv("RELAY_HUB_SOCKET");
	tree_install("t/bin/nexthub");
	for (i = 0; i < 2; i++)
		upgrades(t, i == 0 ? "hub mine: " : NEXT " -> " NEXT);
	hub_serves(t);
	want(access(tenv_path(t, "d/logs"), F_OK) == 0, "no log");
	want((pid = hub_pid(t, NULL)) != 0, "no hub");
	snprintf(link, sizeof(link), "/proc/%ld/cwd", (long)pid);
	n = readlink(link, where, sizeof(where) - 1);
	want(n == -1 || (n == 1 && where[0] == '/'), "it is in %.*s", (int)n,
	    where);
	output_free(run(t, NULL, "hubctl", "stop", NULL));
	want(procs_gone(t, T_WAIT), "it is still there");
	want(access(t->sock, F_OK) == -1, "its socket is left");
	tenv_end(t);
}
END_TEST

/* By the signal, and twice; a stop meanwhile is a stop. */
START_TEST(signals)
{
	struct tenv	*t = tenv_new();
	int		 i, status;

	tree_new(t);
	hub_start(t);
	tree_install("t/bin/nexthub");
	kill(t->hub, SIGUSR2);
	kill(t->hub, SIGUSR2);
	want(t_until(t, is_next, t, T_WAIT), "it is not upgraded");
	for (i = 0; i < ROUNDS; i++) {
		kill(t->hub, SIGUSR2);
		kill(t->hub, SIGHUP);
		poll(NULL, 0, i * 4);
		status = hub_stop(t, SIGTERM);
		want(exit_of(status) == 0, "status 0x%x after a stop",
		    status);
		want(access(t->sock, F_OK) == -1, "its socket is left");
		hub_start(t);
		hub_serves(t);
	}
	tenv_end(t);
}
END_TEST

/* Nothing of one must be left that the next one adds to. */
START_TEST(again_and_again)
{
	static const char	 filters[] = "\nSeccomp_filters:";
	struct tenv		*t = tenv_new();
	long			 before;
	int			 i;

	tree_new(t);
	hub_start(t);
	hub_serves(t);
	before = proc_status(t->hub, filters);
	for (i = 0; i < ROUNDS; i++)
		upgrades(t, " -> ");
	want(proc_status(t->hub, filters) == before,
	    "%ld filters of system calls, and %ld", before,
	    proc_status(t->hub, filters));
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("upgrade");

	(void)argc;
	test_add(s, nothing_is_lost, 180);
	test_add(s, a_broken_program, 60);
	test_add(s, a_faulty_configuration, 60);
	test_add(s, another_socket, 60);
	test_add(s, a_service, 120);
	test_add(s, a_relay, 120);
	test_add(s, a_relay_with_sockets, 120);
	test_add(s, an_embedded_hub, 60);
	test_add(s, hubctl_of_another_version, 60);
	test_add(s, signals, 120);
	test_add(s, again_and_again, 60);
	return (test_main(argv[0], s));
}
