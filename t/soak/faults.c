/* SPDX-License-Identifier: ISC */
/*
 * What goes wrong, at random moments.
 */
#include "compat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

#define APART_MS	1500	/* between two processes, at least */
#define PROCESSES	120	/* killed in a run, unless it is short */

/* Until which part of the run it happens to each hub. */
static const struct fault_kind {
	const char	*name;
	unsigned	 weight;
	const char	*role;		/* the process that is killed */
	int		 ends_hub;
	int		 until[SITES];
} kinds[FAULTS] = {
	[F_CLOSE] = { "closed", 60, NULL, 0, { 3, 3 } },
	[F_RESET] = { "reset", 40, NULL, 0, { 3, 3 } },
	[F_AWAY] = { "away", 8, NULL, 0, { 3, 3 } },
	[F_MUTE] = { "mute", 8, NULL, 0, { 3, 3 } },
	[F_CHANNELD] = { "channeld", 4, NULL, 0, { 3, 3 } },
	[F_BRIDGED] = { "bridged", 4, "bridged", 0, { 2, 3 } },
	[F_UPLINK] = { "uplink", 4, "uplink", 0, { 2, 3 } },
	[F_RELAYD] = { "relayd", 2, NULL, 0, { 2, 2 } },
	[F_RESOLVER] = { "resolver", 1, "resolver", 0, { 1, 3 } },
	[F_ROUTER] = { "router", 1, "router", 1, { 1, 3 } },
	[F_STORE] = { "store", 1, "store", 1, { 1, 3 } },
	[F_PARENT] = { "parent", 1, NULL, 1, { 1, 3 } },
	[F_HUP] = { "SIGHUP", 0, NULL, 0, { 3, 3 } },
};

static void	 hurt_soul(struct soak *, enum fault, int site);
static void	 hurt_hub(struct soak *, enum fault, int site);
static void	 hurt_relay(struct soak *);

const char *
fault_name(enum fault f)
{
	return (kinds[f].name);
}

/* One that is there; half of the channelds live on, to be looked at. */
static void
hurt_soul(struct soak *k, enum fault f, int site)
{
	struct soul	*s;
	int64_t		 soon = k->now + 10 + pick(k, 500);
	int		 tries = 0;

	do
		s = &k->souls[pick(k, (unsigned)k->nsouls)];
	while ((s->site != site || s->state != THERE || s->chan->mute ||
	    (s->kind == HOST) != (f == F_CHANNELD) || (s->kind == HOST &&
	    s->number / SITES % 2 == 0)) && tries++ < 500);
	if (tries >= 500)
		return;
	k->kills[f]++;
	if (f == F_MUTE) {
		s->chan->mute = 1;
		s->mute_until = k->now + 500 + pick(k, 8000);
		s->excused_until = s->mute_until + 4000;
	} else {
		soul_close(s, f == F_RESET, f == F_AWAY ?
		    k->now + 1000 + pick(k, 10000) : soon);
	}
}

static void
hurt_hub(struct soak *k, enum fault f, int site)
{
	struct site	*s = &k->sites[site];
	pid_t		 pid;

	if (s->env->hub == 0 || s->dying)
		return;
	pid = f == F_PARENT || f == F_HUP ? s->env->hub :
	    hub_pid(s->env, kinds[f].role);
	if (pid == 0)
		return;
	k->kills[f]++;
	if (kinds[f].ends_hub)
		site_killed(s);
	kill(pid, f == F_HUP ? SIGHUP : SIGKILL);
}

/* The parent, or what is behind it. */
static void
hurt_relay(struct soak *k)
{
	struct relay	*r = &k->relay;
	pid_t		 pids[8];
	size_t		 n = procs_all(r->dir, pids, 8);

	if (r->pid == 0 || r->dying || n == 0)
		return;
	r->dying = 1;
	k->kills[F_RELAYD]++;
	kill(pids[pick(k, (unsigned)n)], SIGKILL);
}

/* One of them, by weight; to a hub that it may still happen to. */
static void
one_of(struct soak *k, enum fault first, enum fault end)
{
	unsigned	total = 0, n;
	enum fault	f;
	int		site = (int)pick(k, SITES);

	for (f = first; f < end; f++)
		total += kinds[f].weight;
	n = pick(k, total);
	for (f = first; n >= kinds[f].weight; f++)
		n -= kinds[f].weight;
	if (k->part > kinds[f].until[site])
		return;
	if (f <= F_CHANNELD)
		hurt_soul(k, f, site);
	else if (f == F_RELAYD)
		hurt_relay(k);
	else
		hurt_hub(k, f, site);
}

void
faults_turn(struct soak *k)
{
	unsigned	apart = k->seconds * 1000 / PROCESSES;

	if (k->quiet)
		return;
	if (k->faulty && k->now >= k->next_fault) {
		/* more sessions are closed if there are more of them */
		k->next_fault = k->now + 20 +
		    pick(k, 30000 / (unsigned)k->nsouls);
		one_of(k, F_CLOSE, F_BRIDGED);
	}
	if (k->faulty && k->now >= k->next_kill) {
		if (apart < APART_MS)
			apart = APART_MS;
		k->next_kill = k->now + apart / 2 + pick(k, apart);
		one_of(k, F_BRIDGED, F_HUP);
	}
	if (k->hupped < k->hups && k->now - k->began >
	    (int64_t)k->seconds * 1000 * k->hupped / k->hups)
		hurt_hub(k, F_HUP, (int)k->hupped++ % SITES);
}
