/* SPDX-License-Identifier: ISC */
/*
 * A hub that reads its configuration again, and its links: those that are to
 * be made or ended, and those that it does not concern.
 */
#include "compat.h"

#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"
#include "relay.h"

#define CONF_SIZE	2048
#define NEW_SECRET	"another secret of all hubs"

static int
is_gone(void *arg)
{
	struct tenv	*t = arg;

	return (child_pid(t, "bridged") == 0 && hub_pid(t, "uplink") == 0 &&
	    hub_pid(t, "resolver") == 0);
}

/* What a hub has besides its listener. */
static const char *
base(struct fed *f, int i)
{
	static const char *const ids[] = { "alpha", "beta", "gamma" };
	static char		 text[CONF_SIZE];
	struct tenv		*t = i == 0 ? f->a : i == 1 ? f->b : f->c;

	snprintf(text, sizeof(text), "hub id \"%s\"\n"
	    "lan secret file \"%s/secret\"\n", ids[i], t->home);
	return (text);
}

/* alpha listens, and has these besides. */
static void
alpha(struct fed *f, const char *rest)
{
	char	text[2 * CONF_SIZE];

	snprintf(text, sizeof(text), "%slan listen on 127.0.0.1 port %d\n%s",
	    base(f, 0), f->port[0], rest);
	hub_conf(f->a, text);
}

/* Peers of alpha's: beta, by way of the wire, and gamma. */
static const char *
peer_beta(struct fed *f)
{
	static char	text[128];

	snprintf(text, sizeof(text), "lan peer \"beta\" host 127.0.0.1 "
	    "port %d\n", f->wire->port);
	return (text);
}

static const char *
peer_gamma(struct fed *f)
{
	static char	text[128];

	snprintf(text, sizeof(text), "lan peer \"gamma\" host 127.0.0.1 "
	    "port %d\n", f->port[2]);
	return (text);
}

/* beta and gamma listen and call nobody; alpha is linked with beta. */
static struct fed *
begin(void)
{
	struct fed	*f = fed_new(FED_TRIANGLE, NULL);
	struct tenv	*others[] = { f->b, f->c };
	char		 text[2 * CONF_SIZE];
	int		 i;

	for (i = 1; i < 3; i++) {
		snprintf(text, sizeof(text),
		    "%slan listen on 127.0.0.1 port %d\n", base(f, i),
		    f->port[i]);
		hub_conf(others[i - 1], text);
		fed_start(others[i - 1]);
	}
	alpha(f, peer_beta(f));
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	f->bob = client_new(f->b, "bob", FEATURES);
	meets(f->ann, "bob@beta");
	return (f);
}

/* An ask that ends if the one who is asked is gone for a moment. */
static void
asks(struct conn *c, const char *to, const char *id)
{
	say(c, "{s:s,s:s,s:s,s:s,s:i}", "type", "ask", "to", to, "question",
	    "?", "ask_id", id, "timeout_ms", 600000);
}

static void
still_asked(struct conn *c, struct conn *other, const char *id)
{
	is_str(hear_with(other, "incoming_ask", "ask_id", id), "question",
	    "?");
	say(other, "{s:s,s:s,s:s}", "type", "reply", "ask_id", id, "text",
	    "!");
	is_str(hear_with(c, "incoming_reply", "ask_id", id), "text", "!");
}

START_TEST(a_peer_comes_and_goes)
{
	struct fed	*f = begin();
	char		 both[512];
	pid_t		 bridged = child_pid(f->a, "bridged");

	asks(f->ann, "bob@beta", "q");
	snprintf(both, sizeof(both), "%s%s", peer_beta(f), peer_gamma(f));
	alpha(f, both);
	(void)reload(f->a, 0);
	linked(f->ann, "gamma");
	still_asked(f->ann, f->bob, "q");
	want(wire_calls(f->wire) == 1, "beta was called again");
	/* the other one goes */
	f->cat = client_new(f->c, "cat", FEATURES);
	meets(f->ann, "cat@gamma");
	asks(f->ann, "cat@gamma", "r");
	alpha(f, peer_gamma(f));
	(void)reload(f->a, 0);
	unlinked(f->ann, "beta");
	log_has(f->a, f->a->hublog, "it is no longer configured");
	still_asked(f->ann, f->cat, "r");
	want(child_pid(f->a, "bridged") == bridged, "another bridged");
	fed_end(f);
}
END_TEST

/* From one that is elsewhere now. */
START_TEST(a_peer_moves)
{
	struct fed	*f = begin();
	struct wire	*other = wire_new(f->a, f->port[1]);
	char		 text[128];

	snprintf(text, sizeof(text), "lan peer \"beta\" host 127.0.0.1 "
	    "port %d\n", other->port);
	alpha(f, text);
	(void)reload(f->a, 0);
	log_has(f->a, f->a->hublog, "it is configured otherwise now");
	linked(f->ann, "beta");
	want(wire_calls(other) == 1, "it was not called where it is");
	wire_free(other);
	fed_end(f);
}
END_TEST

START_TEST(no_links_any_more)
{
	struct fed	*f = begin();
	pid_t		 router = hub_pid(f->a, "router");

	hub_conf(f->a, "hub id \"alpha\"\n");
	(void)reload(f->a, 0);
	want(t_until(f->a, is_gone, f->a, T_WAIT), "a process is left");
	unlinked(f->ann, "beta");
	want(port_call(f->port[0]) == -1, "it listens still");
	alpha(f, peer_beta(f));
	(void)reload(f->a, 0);
	linked(f->ann, "beta");
	meets(f->ann, "bob@beta");
	want(hub_pid(f->a, "router") == router, "another router");
	fed_end(f);
}
END_TEST

START_TEST(another_listener)
{
	struct fed	*f = begin();
	char		 text[2 * CONF_SIZE];
	int		 port;

	asks(f->ann, "bob@beta", "q");
	close(port_take(&port));
	snprintf(text, sizeof(text), "%slan listen on 127.0.0.1 port %d\n%s",
	    base(f, 0), port, peer_beta(f));
	hub_conf(f->a, text);
	(void)reload(f->a, 0);
	want(port_call(f->port[0]) == -1, "it listens at the old port");
	/* gamma calls it there, and is not called */
	snprintf(text, sizeof(text), "%slan peer \"alpha\" host 127.0.0.1 "
	    "port %d\n", base(f, 2), port);
	hub_conf(f->c, text);
	(void)reload(f->c, 0);
	linked(f->ann, "gamma");
	/* a link that was accepted stays, whatever its listener does */
	snprintf(text, sizeof(text), "%s%s", base(f, 0), peer_beta(f));
	hub_conf(f->a, text);
	(void)reload(f->a, 0);
	want(port_call(port) == -1, "it listens still");
	linked(f->ann, "gamma");
	still_asked(f->ann, f->bob, "q");
	want(wire_calls(f->wire) == 1, "beta was called again");
	fed_end(f);
}
END_TEST

START_TEST(another_secret)
{
	struct fed	*f = begin();

	asks(f->ann, "bob@beta", "q");
	fed_secret(f->a, NEW_SECRET);
	fed_secret(f->b, NEW_SECRET);
	(void)reload(f->a, 0);
	(void)reload(f->b, 0);
	still_asked(f->ann, f->bob, "q");
	want(wire_calls(f->wire) == 1, "beta was called again");
	/* who has the old one cannot come, who has the new one can */
	wire_cut(f->wire);
	unlinked(f->ann, "beta");
	linked(f->ann, "beta");
	hub_stop(f->b, SIGTERM);
	fed_secret(f->b, FED_SECRET);
	fed_start(f->b);
	log_has(f->b, f->b->hublog, "refused");
	fed_secret(f->b, NEW_SECRET);
	(void)reload(f->b, 0);
	linked(f->ann, "beta");
	fed_end(f);
}
END_TEST

/* alpha, or beta, has that relay, or none. */
static void
use_relay(struct tenv *t, const char *id, const struct relayproc *r,
    const char *more)
{
	char	text[1024];

	snprintf(text, sizeof(text), "hub id \"%s\"\n", id);
	if (r != NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "relay \"%s\" token file \"%s\" %s\n", r->url, r->secret,
		    more);
	hub_conf(t, text);
	if (t->hub != 0)
		(void)reload(t, 0);
}

static json_t *
links(struct tenv *t)
{
	struct output	*o;
	json_t		*j;

	tenv_enter(t);
	o = run(t, NULL, "hubctl", "-j", "show", "links", NULL);
	j = tenv_keep(t, json_loads(o->out, 0, NULL));
	output_free(o);
	return (json_object_get(j, "links"));
}

/*
 * Both at that relay, alpha from the start or from a reload on; ann's question
 * is open.
 */
static void
meet_at(struct fed *f, const struct relayproc *first,
    const struct relayproc *r)
{
	use_relay(f->a, "alpha", first, "");
	use_relay(f->b, "beta", r, "");
	fed_start(f->a);
	fed_start(f->b);
	f->ann = client_new(f->a, "ann", FEATURES);
	f->bob = client_new(f->b, "bob", FEATURES);
	if (first != r)
		use_relay(f->a, "alpha", r, "");
	meets(f->ann, "bob@beta");
	asks(f->ann, "bob@beta", "q");
}

START_TEST(a_relay_comes_and_goes)
{
	struct fed		*f = fed_new(FED_ONE_WAY, NULL);
	struct relayproc	*r = relay_begin(f->a);

	meet_at(f, NULL, r);
	/* the same again; the relay, too */
	use_relay(f->a, "alpha", r, "");
	kill(r->pid, SIGHUP);
	log_counts(f->a, r->log, "has been read again", 1);
	still_asked(f->ann, f->bob, "q");
	use_relay(f->a, "alpha", r, "allow unsealed");
	log_has(f->a, f->a->hublog, "the relay is configured otherwise now");
	linked(f->ann, "beta");
	use_relay(f->a, "alpha", NULL, "");
	unlinked(f->ann, "beta");
	want(t_until(f->a, is_gone, f->a, T_WAIT), "a process is left");
	want(find_in(links(f->a), "where", r->url) == NULL,
	    "the relay is left: %s", show(links(f->a)));
	hub_stop(f->b, SIGTERM);
	relay_end(r);
	fed_end(f);
}
END_TEST

/* First the relay's, then the hubs': links that are up stay. */
START_TEST(another_token)
{
	struct fed		*f = fed_new(FED_ONE_WAY, NULL);
	struct relayproc	*r = relay_begin(f->a);

	meet_at(f, r, r);
	relay_secret(r, "one that hubs do not know yet");
	kill(r->pid, SIGHUP);
	log_counts(f->a, r->log, "has been read again", 1);
	still_asked(f->ann, f->bob, "q");
	/* both have the file, but beta has not read it again */
	hub_stop(f->a, SIGTERM);
	fed_start(f->a);
	f->ann = client_new(f->a, "ann", FEATURES);
	meets(f->ann, "bob@beta");
	/* a secret that is not long enough: all stays */
	relay_secret(r, "short");
	kill(r->pid, SIGHUP);
	log_counts(f->a, r->log, "the old configuration stays", 1);
	asks(f->ann, "bob@beta", "r");
	still_asked(f->ann, f->bob, "r");
	hub_stop(f->b, SIGTERM);
	relay_end(r);
	fed_end(f);
}
END_TEST

/* The relay moves: those who are there stay until it ends. */
START_TEST(another_port_of_the_relay)
{
	struct fed		*f = fed_new(FED_ONE_WAY, NULL);
	struct relayproc	*r = relay_begin(f->a);
	int			 old = r->port, metrics, fd;
	char			 text[64];

	meet_at(f, r, r);
	close(port_take(&metrics));
	close(port_take(&r->port));
	snprintf(text, sizeof(text), "metrics on 127.0.0.1 port %d\n",
	    metrics);
	relay_conf(r, text);
	kill(r->pid, SIGHUP);
	log_counts(f->a, r->log, "has been read again", 1);
	want(port_call(old) == -1, "it listens at the old port");
	want((fd = port_call(metrics)) != -1, "no metrics");
	close(fd);
	want((fd = port_call(r->port)) != -1, "not at the new port");
	close(fd);
	still_asked(f->ann, f->bob, "q");
	/* one that is taken: all stays */
	close(port_take(&old));
	fd = port_take(&r->port);
	want(listen(fd, 8) == 0, "listen");
	relay_conf(r, NULL);
	kill(r->pid, SIGHUP);
	log_counts(f->a, r->log, "the old configuration stays", 1);
	close(fd);
	want((fd = port_call(metrics)) != -1, "no metrics any more");
	close(fd);
	hub_stop(f->b, SIGTERM);
	relay_end(r);
	fed_end(f);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("reloadlinks");

	(void)argc;
	test_add(s, a_peer_comes_and_goes, 90);
	test_add(s, a_peer_moves, 60);
	test_add(s, no_links_any_more, 90);
	test_add(s, another_listener, 90);
	test_add(s, another_secret, 120);
	test_add(s, a_relay_comes_and_goes, 90);
	test_add(s, another_token, 90);
	test_add(s, another_port_of_the_relay, 90);
	return (test_main(argv[0], s));
}
