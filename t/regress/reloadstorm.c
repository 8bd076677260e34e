/* SPDX-License-Identifier: ISC */
/*
 * A hundred SIGHUPs to two linked hubs and the relay between them, while their
 * sessions write to each other as fast as they can.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fed.h"
#include "relay.h"

#define SIGHUPS		100
#define SESSIONS	20	/* half of them at each hub */
#define BURST		2	/* messages of each between two SIGHUPs */
#define PROCS_MAX	32
#define AGAIN		"the configuration has been read again"

struct talker {
	struct conn	*c;
	char		 name[16], partner[32];
	int		 sent, acked;
	int		 next;		/* number of what comes next */
};

struct storm {
	struct tenv	*hubs[2];
	struct relayproc *relay;
	int		 links;		/* between them */
	struct talker	 all[SESSIONS];
	pid_t		 pids[PROCS_MAX];
	size_t		 npids;
	int		 fds[PROCS_MAX];
	long		 kib[PROCS_MAX];
};

static void
find_processes(struct storm *s)
{
	size_t	i;

	s->npids = procs_all(s->hubs[0]->dir, s->pids, PROCS_MAX);
	for (i = 0; i < s->npids; i++) {
		s->fds[i] = proc_fds(s->pids[i]);
		s->kib[i] = proc_status(s->pids[i], "VmRSS:");
	}
}

static int
same_descriptors(void *arg)
{
	const struct storm	*s = arg;
	size_t			 i;

	for (i = 0; i < s->npids; i++) {
		if (proc_fds(s->pids[i]) != s->fds[i])
			return (0);
	}
	return (1);
}

/* The same processes, and what they hold. */
static void
check_processes(struct storm *s)
{
	pid_t	pids[PROCS_MAX];
	size_t	i, n = procs_all(s->hubs[0]->dir, pids, PROCS_MAX);
	long	kib;

	want(n == s->npids && memcmp(pids, s->pids, n * sizeof(pids[0])) == 0,
	    "other processes than before");
	if (!t_until(s->hubs[0], same_descriptors, s, T_WAIT)) {
		for (i = 0; i < n; i++)
			fprintf(stderr, "process %ld: %d descriptors, now "
			    "%d\n", (long)pids[i], s->fds[i],
			    proc_fds(pids[i]));
		fail_with("descriptors are left");
	}
	for (i = 0; i < n; i++) {
		kib = proc_status(pids[i], "VmRSS:");
		fprintf(stderr, "process %ld: %ld KiB, and %ld more\n",
		    (long)pids[i], s->kib[i], kib - s->kib[i]);
	}
}

/* Each writes to one at the other hub. */
static void
speak(struct talker *k)
{
	char	text[32];

	snprintf(text, sizeof(text), "%d", k->sent++);
	say(k->c, "{s:s,s:s,s:s,s:s}", "type", "send", "to", k->partner,
	    "text", text, "req_id", text);
}

/* Answers and messages come each in their order, and nothing else does. */
static void
take(struct talker *k, const struct line *l)
{
	const char	*type = str_of(l->json, "type");

	if (strcmp(type, "send_ack") == 0) {
		want(atoi(str_of(l->json, "req_id")) == k->acked,
		    "%s: not the answer to %d: %s", k->name, k->acked,
		    l->text);
		k->acked++;
	} else if (strcmp(type, "incoming_message") == 0) {
		is_str(l->json, "from", k->partner);
		want(atoi(str_of(l->json, "text")) == k->next,
		    "%s: not message %d: %s", k->name, k->next, l->text);
		k->next++;
	} else {
		want(strcmp(type, "incoming_ask") == 0, "%s: %s", k->name,
		    l->text);
	}
}

static void
listen_all(struct storm *s)
{
	struct talker	*k;
	struct line	*l, *next;

	conns_pump(s->hubs[0], 0);
	for (k = s->all; k < s->all + SESSIONS; k++) {
		want(!k->c->eof, "%s is not connected any more", k->name);
		for (l = TAILQ_FIRST(&k->c->lines); l != NULL; l = next) {
			next = TAILQ_NEXT(l, entry);
			/* the end looks at this one */
			if (strcmp(str_of(l->json, "type"),
			    "incoming_ask") == 0)
				continue;
			TAILQ_REMOVE(&k->c->lines, l, entry);
			take(k, l);
			line_free(l);
		}
	}
}

static int
all_arrived(void *arg)
{
	struct storm	*s = arg;
	struct talker	*k;
	int		 n = 0;

	listen_all(s);
	for (k = s->all; k < s->all + SESSIONS; k++)
		n += k->acked < k->sent || k->next < k->sent;
	return (n == 0);
}

/*
 * An answer that is waited for all the time: it would be given up if its asker
 * or the one who is asked left, be it for a moment.
 */
static void
ask_all(struct storm *s)
{
	struct talker	*k;

	for (k = s->all; k < s->all + SESSIONS; k++)
		say(k->c, "{s:s,s:s,s:s,s:s,s:i}", "type", "ask", "to",
		    k->partner, "question", "?", "ask_id", k->name,
		    "timeout_ms", 3600000);
}

static void
answer_all(struct storm *s)
{
	struct talker	*k, *other;
	int		 i;

	for (i = 0; i < SESSIONS; i++) {
		k = &s->all[i];
		other = &s->all[(i + SESSIONS / 2) % SESSIONS];
		hear_with(other->c, "incoming_ask", "ask_id", k->name);
		say(other->c, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
		    k->name, "text", "!");
		is_str(hear_with(k->c, "incoming_reply", "ask_id", k->name),
		    "text", "!");
	}
}

/* All are up, and none has ever been down. */
static void
same_links(struct storm *s)
{
	int	i;

	for (i = 0; i < 2; i++) {
		log_counts(s->hubs[i], s->hubs[i]->hublog, " is up",
		    s->links);
		log_counts(s->hubs[i], s->hubs[i]->hublog, " is down", 0);
	}
}

static struct storm *
begin(int lan)
{
	static const char *const ids[] = { "alpha", "beta" };
	struct storm	*s = xcalloc(1, sizeof(*s));
	struct fed	*f = fed_new(FED_ONE_WAY, NULL);
	struct talker	*k;
	char		 conf[1024], peer[128];
	int		 i;

	s->hubs[0] = f->a;
	s->hubs[1] = f->b;
	s->relay = relay_begin(f->a);
	snprintf(peer, sizeof(peer), "lan peer \"beta\" host 127.0.0.1 "
	    "port %d\n", f->port[1]);
	for (i = 0; i < 2; i++) {
		snprintf(conf, sizeof(conf), "hub id \"%s\"\n"
		    "relay \"%s\" token file \"%s\"\n", ids[i],
		    s->relay->url, s->relay->secret);
		if (lan)
			snprintf(conf + strlen(conf), sizeof(conf) -
			    strlen(conf), "lan secret file \"%s/secret\"\n"
			    "lan listen on 127.0.0.1 port %d\n%s",
			    s->hubs[i]->home, f->port[i], i == 0 ? peer : "");
		hub_conf(s->hubs[i], conf);
	}
	fed_start(f->b);
	fed_start(f->a);
	for (i = 0; i < SESSIONS; i++) {
		k = &s->all[i];
		snprintf(k->name, sizeof(k->name), "s%d", i);
		snprintf(k->partner, sizeof(k->partner), "s%d@%s",
		    (i + SESSIONS / 2) % SESSIONS,
		    ids[i < SESSIONS / 2 ? 1 : 0]);
		k->c = client_new(s->hubs[i < SESSIONS / 2 ? 0 : 1], k->name,
		    FEATURES);
	}
	for (i = 0; i < SESSIONS; i++)
		meets(s->all[i].c, s->all[i].partner);
	s->links = lan ? 2 : 1;
	same_links(s);
	wire_free(f->wire);
	free(f);
	return (s);
}

static void
end(struct storm *s)
{
	hub_stop(s->hubs[0], SIGTERM);
	hub_stop(s->hubs[1], SIGTERM);
	relay_end(s->relay);
	tenv_end(s->hubs[0]);
	free(s);
}

static void
storm(int lan)
{
	struct storm	*s = begin(lan);
	pid_t		 parents[3];
	int		 i, k, n;

	parents[0] = s->hubs[0]->hub;
	parents[1] = s->hubs[1]->hub;
	parents[2] = s->relay->pid;
	ask_all(s);
	find_processes(s);
	for (i = 1; i <= SIGHUPS; i++) {
		for (k = 0; k < SESSIONS; k++) {
			for (n = 0; n < BURST; n++)
				speak(&s->all[k]);
		}
		for (k = 0; k < 3; k++)
			want(kill(parents[k], SIGHUP) == 0, "kill");
		listen_all(s);
		log_counts(s->hubs[0], s->hubs[0]->hublog, AGAIN, i);
		log_counts(s->hubs[1], s->hubs[1]->hublog, AGAIN, i);
		log_counts(s->hubs[0], s->relay->log, AGAIN, i);
	}
	want(t_until(s->hubs[0], all_arrived, s, T_WAIT),
	    "not all has arrived");
	answer_all(s);
	same_links(s);
	check_processes(s);
	for (i = 0; i < SESSIONS; i++)
		in_step(s->all[i].c);
	end(s);
}

START_TEST(by_lan_and_relay)
{
	storm(1);
}
END_TEST

START_TEST(by_relay)
{
	storm(0);
}
END_TEST

/* As many as can be sent, not one after the other. */
START_TEST(all_at_once)
{
	struct storm	*s = begin(1);
	int		 i;

	ask_all(s);
	find_processes(s);
	for (i = 0; i < SIGHUPS * 10; i++) {
		kill(s->hubs[0]->hub, SIGHUP);
		kill(s->relay->pid, SIGHUP);
		speak(&s->all[i % SESSIONS]);
		listen_all(s);
	}
	reload(s->hubs[0], 0);
	want(t_until(s->hubs[0], all_arrived, s, T_WAIT),
	    "not all has arrived");
	answer_all(s);
	same_links(s);
	check_processes(s);
	end(s);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("reloadstorm");

	(void)argc;
	if (access("/proc/self/fd", R_OK) == -1) {
		printf("there is no /proc/PID/fd here\n");
		return (77);
	}
	test_add(s, by_lan_and_relay, 120);
	test_add(s, by_relay, 120);
	test_add(s, all_at_once, 120);
	return (test_main(argv[0], s));
}
