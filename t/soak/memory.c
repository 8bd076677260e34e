/* SPDX-License-Identifier: ISC */
/*
 * Memory and descriptors of every process, in quiet moments: what lived from
 * one to the last must have as much at its end.
 */
#include "compat.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak.h"

#define MARKS		128
#define FLOOR_KB	256	/* less is not looked at */
#define PERCENT		5
#define SHORT_S		120	/* memory is not judged in a shorter run */
#define LIVED		6	/* of the run, at least one part in so many */

struct sample {
	int64_t	 at;
	long	 rss, anon;	/* KiB */
	int	 fds;
};

struct mark {
	char		 label[32];
	pid_t		 pid;
	struct sample	 first, last;
};

static struct mark	marks[MARKS];
static int		nmarks;
static FILE		*series;

static const char *const roles[] = {
	NULL, "router", "store", "bridged", "uplink", "resolver"
};

static long
number_in(pid_t pid, const char *file, const char *what)
{
	char	 path[64], *text, *at;
	long	 n = -1;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	text = read_file(path);
	if ((at = strstr(text, what)) != NULL)
		n = atol(at + strlen(what));
	free(text);
	return (n);
}

static int
descriptors(pid_t pid)
{
	char	 path[64];
	DIR	*d;
	int	 n = -2;	/* . and .. */

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) == NULL)
		return (-1);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

static struct sample
take_sample(const struct soak *k, pid_t pid)
{
	struct sample	s;

	s.at = k->now;
	s.rss = number_in(pid, "status", "VmRSS:");
	s.anon = number_in(pid, "status", "RssAnon:");
	s.fds = descriptors(pid);
	return (s);
}

static void
mark(struct soak *k, const char *label, pid_t pid)
{
	struct mark	*m;
	struct sample	 s;
	int		 i;

	for (i = 0; i < nmarks && strcmp(marks[i].label, label) != 0; i++)
		continue;
	if (i == MARKS)
		return;
	m = &marks[i];
	s = take_sample(k, pid);
	if (i == nmarks) {
		nmarks++;
		strlcpy(m->label, label, sizeof(m->label));
	}
	if (m->pid != pid) {
		m->pid = pid;
		m->first = s;
	}
	m->last = s;
}

static void
write_line(struct soak *k, const char *label, pid_t pid)
{
	struct sample	s = take_sample(k, pid);

	fprintf(series, "%.0f\t%d\t%s\t%ld\t%ld\t%ld\t%d\n", clock_s(k),
	    k->quiet, label, (long)pid, s.rss, s.anon, s.fds);
}

long
memory_now(struct soak *k, int site, const char *role)
{
	pid_t	pid = hub_pid(k->sites[site].env, role);

	return (pid == 0 ? 0 : number_in(pid, "status", "VmRSS:"));
}

static void
each(struct soak *k, void (*fn)(struct soak *, const char *, pid_t))
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
				fn(k, label, pid);
		}
	}
	n = procs_all(k->relay.dir, pids, 8);
	for (i = 0; i < n; i++)
		fn(k, pids[i] == k->relay.pid ? "relayd parent" :
		    "relayd router", pids[i]);
	for (s = 0; s < k->nsouls; s++) {
		snprintf(label, sizeof(label), "channeld %d", s);
		if (k->souls[s].pid != 0)
			fn(k, label, k->souls[s].pid);
	}
}

void
memory_sample(struct soak *k)
{
	each(k, mark);
}

void
memory_series(struct soak *k)
{
	const char	*path = getenv("SOAK_SERIES");

	if (path == NULL || (series = fopen(path, "a")) == NULL)
		return;
	each(k, write_line);
	fclose(series);
}

/* What is wrong with it, or NULL. */
static const char *
verdict(const struct soak *k, const struct mark *m)
{
	long	grown = m->last.rss - m->first.rss;

	if (m->last.at - m->first.at < (int64_t)k->seconds * 1000 / LIVED)
		return ("young");
	if (m->last.fds != m->first.fds)
		return ("DESCRIPTORS");
	if (k->seconds >= SHORT_S && grown > FLOOR_KB &&
	    grown * 100 > m->first.rss * PERCENT)
		return ("GROWN");
	return (NULL);
}

int
memory_judge(struct soak *k)
{
	const struct mark	*m;
	const char		*why;
	int			 i, bad = 0;

	printf("%-18s %6s %8s %8s %7s %8s %8s %5s %5s\n", "process", "lived",
	    "RSS KiB", "at end", "%", "anon", "at end", "fds", "end");
	for (i = 0; i < nmarks; i++) {
		m = &marks[i];
		why = verdict(k, m);
		printf("%-18s %5llds %8ld %8ld %+6.1f%% %8ld %8ld %5d %5d"
		    "%s%s\n", m->label,
		    (long long)(m->last.at - m->first.at) / 1000,
		    m->first.rss, m->last.rss, m->first.rss > 0 ?
		    100.0 * (double)(m->last.rss - m->first.rss) /
		    (double)m->first.rss : 0, m->first.anon, m->last.anon,
		    m->first.fds, m->last.fds, why != NULL ? "  " : "",
		    why != NULL ? why : "");
		if (why != NULL && strcmp(why, "young") != 0)
			bad = -1;
	}
	if (k->seconds < SHORT_S)
		printf("(less than %d s: RSS is shown, not judged)\n",
		    SHORT_S);
	return (bad);
}
