/* SPDX-License-Identifier: ISC */
/*
 * hubctl invite and hubctl join: a hub, "beta", that knows nothing is joined
 * to a relay by another one, "alpha".
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

#include "fed.h"
#include "relay.h"

#define SECRET	"the secret of the relay"
#define CODE	"ABCDEFGHIJKLMNOP"
#define KEY	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"

struct meeting {
	struct tenv	*a, *b;
	int		 port;
	pid_t		 relay;
	char		 url[64];
	/* the invitation */
	pid_t		 pid;
	char		 out[T_PATH], err[T_PATH];
	char		 code[32];
};

static void
put_secret(struct meeting *m, const char *secret)
{
	char	path[T_PATH];

	snprintf(path, sizeof(path), "%s/token", m->a->dir);
	write_file(path, secret, strlen(secret));
	want(chmod(path, 0600) == 0, "chmod: %s", strerror(errno));
}

static int
answers(void *arg)
{
	struct meeting	*m = arg;
	int		 fd = port_call(m->port);

	if (fd != -1)
		close(fd);
	return (fd != -1);
}

static void
relay_start(struct meeting *m)
{
	static const int none[2] = { -1, -1 };
	char		 conf[T_PATH], log[T_PATH], text[T_PATH * 2];
	const char	*argv[] = { "relayd", "-d", "-f", conf, NULL };

	snprintf(conf, sizeof(conf), "%s/relayd.conf", m->a->dir);
	snprintf(log, sizeof(log), "%s/relayd.log", m->a->dir);
	snprintf(text, sizeof(text), "listen on 127.0.0.1 port %d\n"
	    "secret file \"%s/secret\"\n", m->port, m->a->dir);
	write_file(conf, text, strlen(text));
	snprintf(text, sizeof(text), "%s/secret", m->a->dir);
	write_file(text, SECRET, strlen(SECRET));
	want(chmod(text, 0600) == 0, "chmod: %s", strerror(errno));
	m->relay = program_start("relayd", argv, none, log, NULL);
	want(t_until(m->a, answers, m, t_slow(T_WAIT)), "no relay");
}

static void
relay_stop(struct meeting *m)
{
	int	status;

	(void)kill(m->relay, SIGTERM);
	want(program_wait(m->relay, &status, t_slow(T_WAIT)) == 0 &&
	    status == 0, "relayd: 0x%x", status);
	m->relay = 0;
}

/* alpha has the relay, beta only a name. */
static struct meeting *
begin(const char *beta)
{
	struct meeting	*m = xcalloc(1, sizeof(*m));
	char		 text[512];

	m->a = tenv_new();
	m->b = tenv_beside(m->a, "beta");
	close(port_take(&m->port));
	snprintf(m->url, sizeof(m->url), "ws://127.0.0.1:%d/", m->port);
	put_secret(m, SECRET);
	relay_start(m);
	snprintf(text, sizeof(text), "hub id \"alpha\"\n"
	    "relay \"%s\" token file \"%s/token\"\n", m->url, m->a->dir);
	hub_conf(m->a, text);
	snprintf(text, sizeof(text), "hub id \"%s\"\n", beta);
	hub_conf(m->b, text);
	fed_start(m->a);
	fed_start(m->b);
	return (m);
}

static void
end(struct meeting *m)
{
	if (m->b->hub != 0)
		hub_stop(m->b, SIGTERM);
	hub_stop(m->a, SIGTERM);
	if (m->relay != 0)
		relay_stop(m);
	tenv_end(m->a);
	free(m);
}

static int
has_code(void *arg)
{
	struct meeting	*m = arg;
	char		*text = read_file(m->out), *p, *nl;

	if ((p = strstr(text, "hubctl join ")) != NULL &&
	    (nl = strchr(p, '\n')) != NULL) {
		*nl = '\0';
		strlcpy(m->code, strrchr(p, ' ') + 1, sizeof(m->code));
	}
	free(text);
	return (m->code[0] != '\0');
}

/* hubctl invite at alpha, until it shows the code. */
static void
invite_by(struct meeting *m, const char *url)
{
	const char	*argv[] = { "hubctl", "invite", url, NULL };
	int		 fds[2] = { -1, -1 };

	tenv_enter(m->a);
	snprintf(m->out, sizeof(m->out), "%s/invite.out", m->a->dir);
	snprintf(m->err, sizeof(m->err), "%s/invite.err", m->a->dir);
	fds[1] = open(m->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	m->code[0] = '\0';
	m->pid = program_start("hubctl", argv, fds, m->err, NULL);
	close(fds[1]);
	want(t_until(m->a, has_code, m, t_slow(T_WAIT)), "no code: %s",
	    read_file(m->err));
}

static void
invite(struct meeting *m)
{
	invite_by(m, NULL);
}

static void
invited(struct meeting *m, int exit_status, const char *text)
{
	char	*out, *err;
	int	 status;

	want(program_wait(m->pid, &status, t_slow(T_WAIT)) == 0,
	    "hubctl invite does not end");
	out = read_file(m->out);
	err = read_file(m->err);
	want(WIFEXITED(status) && WEXITSTATUS(status) == exit_status,
	    "status 0x%x: %s%s", status, out, err);
	want(strstr(out, text) != NULL || strstr(err, text) != NULL,
	    "not \"%s\": %s%s", text, out, err);
	free(out);
	free(err);
}

/* hubctl with one command at beta. */
static void
beta_says(struct meeting *m, int exit_status, const char *text,
    const char *command, const char *one, const char *two)
{
	struct output	*o;

	tenv_enter(m->b);
	o = run(m->b, NULL, "hubctl", command, one, two, NULL);
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == exit_status &&
	    strstr(exit_status == 0 ? o->out : o->err, text) != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
}

START_TEST(test_joined)
{
	struct meeting	*m = begin("beta");
	struct conn	*ann, *bob;
	char		 small[32], *p;

	invite(m);
	/* as people type it */
	for (strlcpy(small, m->code, sizeof(small)), p = small; *p != '\0';
	    p++)
		*p = *p == '-' ? ' ' : *p >= 'A' ? (char)(*p | 32) : *p;
	beta_says(m, 0, "joined alpha: sessions there are NAME@alpha", "join",
	    m->url, small);
	invited(m, 0, "beta has joined: sessions there are NAME@beta");
	tenv_enter(m->a);
	ann = client_new(m->a, "ann", FEATURES);
	tenv_enter(m->b);
	bob = client_new(m->b, "bob", FEATURES);
	(void)meets(ann, "bob@beta");
	(void)meets(bob, "ann@alpha");
	send_text(ann, "bob@beta", "hello", "queued");
	gets(bob, "ann@alpha", "hello");
	/* it is in no hubd.conf, but stays */
	(void)reload(m->b, 0);
	send_text(ann, "bob@beta", "more", "queued");
	gets(bob, "ann@alpha", "more");
	/* and after a new start */
	hub_stop(m->b, SIGTERM);
	misses(ann, "bob@beta");
	send_text(ann, "bob@beta", "again", "queued");
	fed_start(m->b);
	bob = client_new(m->b, "bob", FEATURES);
	gets(bob, "ann@alpha", "again");
	end(m);
}
END_TEST

/* The same relay in another spelling, at either end. */
START_TEST(test_spelling)
{
	struct meeting	*m = begin("beta");
	char		 path[T_PATH], bare[64], *text, *found;

	snprintf(bare, sizeof(bare), "WS://127.0.0.1:%d", m->port);
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	invite(m);
	beta_says(m, 0, "joined alpha", "join", bare, m->code);
	invited(m, 0, "beta has joined");
	snprintf(path, sizeof(path), "%s/relays.json", m->b->data);
	text = read_file(path);
	found = strstr(text, "\"url\"");
	want(found != NULL && strstr(found + 1, "\"url\"") == NULL,
	    "not one relay: %s", text);
	free(text);
	invite_by(m, bare);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	end(m);
}
END_TEST

/* What is on the way may be too much for one message of a socket: its file. */
START_TEST(test_file)
{
	struct meeting	*m = begin("beta");
	struct stat	 st;
	char		 path[T_PATH], *text;

	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	snprintf(path, sizeof(path), "%s/relays.json", m->b->data);
	want(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "relays.json: %s", strerror(errno));
	text = read_file(path);
	want(strstr(text, m->url) != NULL && strstr(text, SECRET) != NULL,
	    "not in it: %s", text);
	free(text);
	/* joining again changes nothing */
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	/* the token is in it */
	hub_stop(m->b, SIGTERM);
	want(chmod(path, 0644) == 0, "chmod: %s", strerror(errno));
	fed_start(m->b);
	want(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "relays.json has the mode %o", (unsigned)st.st_mode);
	/* one that is damaged: the hub runs without */
	hub_stop(m->b, SIGTERM);
	write_file(path, "{", 1);
	fed_start(m->b);
	beta_says(m, 1, "this hub has no relay", "invite", NULL, NULL);
	log_has(m->b, m->b->hublog, "relays.json cannot be used");
	text = read_file(m->b->hublog);
	want(strstr(text, "bridge.json") == NULL, "the log says: %s", text);
	free(text);
	end(m);
}
END_TEST

START_TEST(test_wrong_code)
{
	struct meeting	*m = begin("beta");
	char		 first[32];

	beta_says(m, 1, "there is no such invitation", "join", m->url, CODE);
	beta_says(m, 1, "is no code", "join", m->url, "ABCD");
	beta_says(m, 1, "is no code", "join", m->url, "ABCDEFGHIJKLMNO9");
	beta_says(m, 1, "URL", "join", "https://127.0.0.1/", CODE);
	beta_says(m, 1, "this hub has no relay", "invite", NULL, NULL);
	/* a code is good once */
	invite(m);
	strlcpy(first, m->code, sizeof(first));
	beta_says(m, 0, "joined alpha", "join", m->url, first);
	invited(m, 0, "beta has joined");
	beta_says(m, 1, "there is no such invitation", "join", m->url, first);
	/* now it has one; but not that */
	beta_says(m, 1, "knows no relay of that URL", "invite",
	    "ws://127.0.0.1:1/", NULL);
	end(m);
}
END_TEST

START_TEST(test_same_id)
{
	struct meeting	*m = begin("alpha");

	invite(m);
	beta_says(m, 1, "both hubs have the same id", "join", m->url, m->code);
	invited(m, 1, "the other hub has gone");
	end(m);
}
END_TEST

/* hubctl with one command at alpha. */
static void
alpha_says(struct meeting *m, const char *text, const char *command,
    const char *one, const char *two)
{
	struct output	*o;

	tenv_enter(m->a);
	o = run(m->a, NULL, "hubctl", command, one, two, NULL);
	want(o->status == 0 && strstr(o->out, text) != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
}

/* A guest says that it is beta, which alpha knows by another key. */
START_TEST(test_known_guest)
{
	struct meeting	*m = begin("beta");

	alpha_says(m, KEY, "trust", "beta", KEY);
	invite(m);
	beta_says(m, 1, "say hubctl trust there", "join", m->url, m->code);
	invited(m, 1, "say hubctl trust beta and try again");
	alpha_says(m, KEY, "show", "keys", NULL);
	alpha_says(m, "pending", "show", "keys", NULL);
	beta_says(m, 1, "this hub has no relay", "invite", NULL, NULL);
	/* it does replace it */
	alpha_says(m, "beta is trusted", "trust", "beta", NULL);
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	end(m);
}
END_TEST

/* Who invites says that it is alpha, which beta does not trust any more. */
START_TEST(test_distrusted_host)
{
	struct meeting	*m = begin("beta");

	beta_says(m, 0, "", "distrust", "alpha", NULL);
	invite(m);
	beta_says(m, 1, "hub alpha is distrusted here", "join", m->url,
	    m->code);
	invited(m, 1, "say hubctl trust there");
	beta_says(m, 0, "distrusted", "show", "keys", NULL);
	beta_says(m, 1, "this hub has no relay", "invite", NULL, NULL);
	beta_says(m, 0, "alpha is trusted", "trust", "alpha", NULL);
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	end(m);
}
END_TEST

/* The configuration says that alpha is known by the LAN's secret. */
START_TEST(test_host_of_lan)
{
	struct meeting	*m = begin("beta");
	char		 text[T_PATH * 2], path[T_PATH];

	hub_stop(m->b, SIGTERM);
	snprintf(path, sizeof(path), "%s/lan", m->b->dir);
	write_file(path, SECRET, strlen(SECRET));
	want(chmod(path, 0600) == 0, "chmod: %s", strerror(errno));
	snprintf(text, sizeof(text), "hub id \"beta\"\nlan secret file "
	    "\"%s\"\nlan peer \"alpha\"\n", path);
	hub_conf(m->b, text);
	fed_start(m->b);
	invite(m);
	beta_says(m, 1, "hub alpha is known from the LAN", "join", m->url,
	    m->code);
	invited(m, 1, "say hubctl trust there");
	beta_says(m, 0, "pending", "show", "keys", NULL);
	beta_says(m, 0, "alpha is trusted", "trust", "alpha", NULL);
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	end(m);
}
END_TEST

START_TEST(test_bad_id)
{
	struct meeting	*m = begin("be.ta");

	beta_says(m, 1, "must have no '.'", "join", m->url, CODE);
	end(m);
}
END_TEST

/* The relay goes while somebody waits, and is not there for the next. */
START_TEST(test_no_relay)
{
	struct meeting	*m = begin("beta");

	invite(m);
	relay_stop(m);
	invited(m, 1, "");
	beta_says(m, 1, "refused", "join", m->url, CODE);
	relay_start(m);
	invite(m);
	beta_says(m, 0, "joined alpha", "join", m->url, m->code);
	invited(m, 0, "beta has joined");
	end(m);
}
END_TEST

/* Whoever waits gives up: nobody can join then. */
START_TEST(test_interrupted)
{
	struct meeting	*m = begin("beta");
	int		 i, status;

	/* more than may be open at a time */
	for (i = 0; i < 20; i++) {
		invite(m);
		want(kill(m->pid, SIGINT) == 0 && program_wait(m->pid, &status,
		    t_slow(T_WAIT)) == 0, "hubctl invite does not end");
	}
	/* its end may not have reached the relay yet */
	beta_says(m, 1, "", "join", m->url, m->code);
	end(m);
}
END_TEST

/* The uplink of the hub that invites is killed. */
START_TEST(test_killed)
{
	struct meeting	*m = begin("beta");
	pid_t		 pid;

	invite(m);
	pid = hub_pid(m->a, "uplink");
	want(pid != 0 && kill(pid, SIGKILL) == 0, "no uplink");
	invited(m, 1, "relayd has ended");
	beta_says(m, 1, "there is no such invitation", "join", m->url,
	    m->code);
	end(m);
}
END_TEST

START_TEST(test_wrong_token)
{
	struct meeting	*m = begin("beta");
	struct output	*o;

	hub_stop(m->a, SIGTERM);
	put_secret(m, "another secret");
	fed_start(m->a);
	tenv_enter(m->a);
	o = run(m->a, NULL, "hubctl", "invite", NULL);
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 1 &&
	    strstr(o->err, "the relay refuses this hub's token") != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
	end(m);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("pairing");

	(void)argc;
	test_add(s, test_joined, 90);
	test_add(s, test_file, 90);
	test_add(s, test_spelling, 90);
	test_add(s, test_wrong_code, 60);
	test_add(s, test_same_id, 60);
	test_add(s, test_known_guest, 90);
	test_add(s, test_distrusted_host, 90);
	test_add(s, test_host_of_lan, 90);
	test_add(s, test_bad_id, 60);
	test_add(s, test_no_relay, 90);
	test_add(s, test_interrupted, 60);
	test_add(s, test_killed, 60);
	test_add(s, test_wrong_token, 60);
	return (test_main(argv[0], s));
}
