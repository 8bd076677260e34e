/* SPDX-License-Identifier: ISC */
/*
 * Memory and descriptors of every process, in quiet moments: what lived from
 * one to the last must have as much at its end.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak.h"

#define MARKS		128
#define FLOOR_KB	256	/* malloc gets 128 at a time, and has holes */
#define PERCENT		5
#define SHORT_S		300	/* memory is not judged in a shorter run */
#define LIVED		6	/* two parts of the run in so many, at least */

struct sample {
	int64_t	 at;
	long	 rss, anon;	/* KiB */
};

/* A process, known by what it does; samples since it was first looked at. */
struct mark {
	char		 label[32];
	pid_t		 pid;
	int		 fds[2];	/* in the first and the last quiet */
	struct sample	*samples;
	size_t		 n, room;
};

static struct mark	marks[MARKS];
static int		nmarks;

static const char *const roles[] = {
	NULL, "router", "store", "bridged", "uplink", "resolver"
};

/* Of a process that may have ended meanwhile. */
static void
add_sample(const struct soak *k, struct mark *m)
{
	struct sample	s;

	s.at = k->now;
	s.rss = proc_status(m->pid, "VmRSS:");
	s.anon = proc_status(m->pid, "RssAnon:");
	if (s.rss <= 0 || s.anon <= 0)
		return;
	if (m->n == m->room) {
		m->room = m->room * 2 + 64;
		m->samples = xreallocarray(m->samples, m->room,
		    sizeof(*m->samples));
	}
	m->samples[m->n++] = s;
}

static void
mark(struct soak *k, const char *label, pid_t pid)
{
	struct mark	*m;
	int		 i;

	for (i = 0; i < nmarks && strcmp(marks[i].label, label) != 0; i++)
		continue;
	if (i == MARKS)
		return;
	m = &marks[i];
	if (i == nmarks) {
		nmarks++;
		strlcpy(m->label, label, sizeof(m->label));
	}
	m->fds[1] = proc_fds(pid);
	if (m->pid != pid) {
		m->pid = pid;
		m->fds[0] = m->fds[1];
		m->n = 0;
	}
	add_sample(k, m);
}

long
memory_now(struct soak *k, int site, const char *role)
{
	pid_t	pid = hub_pid(k->sites[site].env, role);

	return (pid == 0 ? 0 : proc_status(pid, "VmRSS:"));
}

void
memory_sample(struct soak *k)
{
	char	 label[32];
	pid_t	 pids[8], pid;
	size_t	 n, i;
	int	 s;

	for (s = 0; s < SITES; s++) {
		for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
			snprintf(label, sizeof(label), "%s %s",
			    k->sites[s].id, roles[i] != NULL ? roles[i] :
			    "parent");
			pid = hub_pid(k->sites[s].env, roles[i]);
			if (pid != 0)
				mark(k, label, pid);
		}
	}
	n = procs_all(k->relay.dir, pids, 8);
	for (i = 0; i < n; i++)
		mark(k, pids[i] == k->relay.pid ? "relayd parent" :
		    "relayd router", pids[i]);
	for (s = 0; s < k->nsouls; s++) {
		snprintf(label, sizeof(label), "channeld %d", s);
		if (k->souls[s].pid != 0)
			mark(k, label, k->souls[s].pid);
	}
}

void
memory_watch(struct soak *k)
{
	const char	*path = getenv("SOAK_SERIES");
	FILE		*f = path != NULL ? fopen(path, "a") : NULL;
	struct sample	*s;
	int		 i;

	for (i = 0; i < nmarks; i++) {
		add_sample(k, &marks[i]);
		if (marks[i].n == 0)
			continue;
		s = &marks[i].samples[marks[i].n - 1];
		if (f != NULL)
			fprintf(f, "%.0f\t%d\t%s\t%ld\t%ld\t%ld\n",
			    clock_s(k), k->quiet, marks[i].label,
			    (long)marks[i].pid, s->rss, s->anon);
	}
	if (f != NULL)
		fclose(f);
}

/*
 * The least of the samples in the first or the last part of what is known of
 * it: malloc may keep more or less of what is free at any one moment.
 */
static struct sample
least(const struct soak *k, const struct mark *m, int last)
{
	int64_t		 part = (int64_t)k->seconds * 1000 / LIVED;
	struct sample	 s = m->samples[last ? m->n - 1 : 0];
	size_t		 i;

	for (i = 0; i < m->n; i++) {
		if ((last ? m->samples[m->n - 1].at - m->samples[i].at :
		    m->samples[i].at - m->samples[0].at) <= part &&
		    m->samples[i].rss < s.rss)
			s = m->samples[i];
	}
	return (s);
}

/* Sanitizers keep what was freed, to find out who uses it. */
static int
is_judged(const struct soak *k)
{
	return (k->seconds >= SHORT_S && t_slow(1) == 1);
}

/* What is wrong with it, or NULL. */
static const char *
verdict(const struct soak *k, const struct mark *m)
{
	int64_t	part = (int64_t)k->seconds * 1000 / LIVED;
	long	had = least(k, m, 0).rss, grown = least(k, m, 1).rss - had;

	if (m->samples[m->n - 1].at - m->samples[0].at < 2 * part)
		return ("young");
	if (m->fds[1] != m->fds[0])
		return ("DESCRIPTORS");
	if (is_judged(k) && grown > FLOOR_KB &&
	    grown * 100 > had * PERCENT)
		return ("GROWN");
	return (NULL);
}

static void
show_mark(const struct soak *k, const struct mark *m, const char *why)
{
	struct sample	a = least(k, m, 0), z = least(k, m, 1);

	printf("%-18s %5llds %8ld %8ld %+6.1f%% %8ld %8ld %5d %5d%s%s\n",
	    m->label, (long long)((m->samples[m->n - 1].at -
	    m->samples[0].at) / 1000), a.rss, z.rss,
	    100.0 * (double)(z.rss - a.rss) / (double)a.rss, a.anon, z.anon,
	    m->fds[0], m->fds[1], why != NULL ? "  " : "",
	    why != NULL ? why : "");
}

int
memory_judge(struct soak *k)
{
	const char	*why;
	int		 i, bad = 0;

	printf("%-18s %6s %8s %8s %7s %8s %8s %5s %5s\n", "process", "lived",
	    "RSS KiB", "at end", "", "anon", "at end", "fds", "end");
	for (i = 0; i < nmarks; i++) {
		if (marks[i].n == 0)
			continue;
		why = verdict(k, &marks[i]);
		show_mark(k, &marks[i], why);
		if (why != NULL && strcmp(why, "young") != 0)
			bad = -1;
		free(marks[i].samples);
	}
	if (!is_judged(k))
		printf("(less than %d s, or sanitizers: RSS is shown, not "
		    "judged)\n", SHORT_S);
	return (bad);
}
