/* SPDX-License-Identifier: ISC */
/*
 * Reads /proc; where there is none, all is unknown.
 */
#include "compat.h"

#include <sys/resource.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sysinfo.h"

static FILE	*open_proc(pid_t, const char *);
static int64_t	 stat_cpu(pid_t);
static pid_t	 parent_of(pid_t);
static int	 has_argument(pid_t, const char *);

static FILE *
open_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "r");
}

/* In clock ticks only, but there on every Linux. */
static int64_t
stat_cpu(pid_t pid)
{
	FILE *f = open_proc(pid, "stat");
	char line[1024], *p;
	unsigned long user, kernel;
	int64_t ns = -1;

	if (f == NULL)
		return -1;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL &&
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
	    "%lu %lu", &user, &kernel) == 2)
		ns = (int64_t)(user + kernel) *
		    (1000000000 / sysconf(_SC_CLK_TCK));
	fclose(f);
	return ns;
}

int64_t
sys_cpu_ns(pid_t pid)
{
	FILE *f = open_proc(pid, "schedstat");
	long long ns;
	int n;

	if (f == NULL)
		return stat_cpu(pid);
	n = fscanf(f, "%lld", &ns);
	fclose(f);
	return n == 1 && ns > 0 ? ns : stat_cpu(pid);
}

int64_t
sys_own_cpu_ns(void)
{
	struct rusage ru;

	if (getrusage(RUSAGE_SELF, &ru) == -1)
		return -1;
	return (int64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000 +
	    (int64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000;
}

int64_t
sys_written(pid_t pid)
{
	FILE *f = open_proc(pid, "io");
	char line[128];
	long long n = -1;

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "write_bytes: %lld", &n) == 1)
			break;
	}
	fclose(f);
	return n;
}

int
sys_memory(pid_t pid, struct memory *m)
{
	FILE *f = open_proc(pid, "smaps_rollup");
	char line[128];
	long v;

	memset(m, 0, sizeof(*m));
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "Pss: %ld", &v) == 1)
			m->pss = v;
		else if (sscanf(line, "Rss: %ld", &v) == 1)
			m->rss = v;
		else if (sscanf(line, "Pss_Anon: %ld", &v) == 1)
			m->anon = v;
		else if (sscanf(line, "Pss_File: %ld", &v) == 1)
			m->file = v;
	}
	fclose(f);
	return m->pss > 0 ? 0 : -1;
}

static pid_t
parent_of(pid_t pid)
{
	FILE *f = open_proc(pid, "stat");
	char line[1024], *p;
	int parent = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL)
		(void)sscanf(p + 1, " %*c %d", &parent);
	fclose(f);
	return parent;
}

static int
has_argument(pid_t pid, const char *argument)
{
	FILE *f = open_proc(pid, "cmdline");
	char buf[4096], *p;
	size_t n;

	if (f == NULL)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	for (p = buf; p < buf + n; p += strlen(p) + 1) {
		if (strcmp(p, argument) == 0)
			return 1;
	}
	return 0;
}

pid_t
sys_child(pid_t parent, const char *argument)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t pid, found = 0;

	if (d == NULL)
		return 0;
	while (found == 0 && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (parent_of(pid) == parent && has_argument(pid, argument))
			found = pid;
	}
	closedir(d);
	return found;
}

/* The mount point with the longest name in front of path. */
void
sys_file_system(const char *path, char *dst, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "r");
	char line[4096], point[2048], type[64];
	size_t n, best = 0;

	strlcpy(dst, "unknown", size);
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%*s %2047s %63s", point, type) != 2)
			continue;
		n = strlen(point);
		if (n < best || strncmp(path, point, n) != 0 ||
		    (n > 1 && path[n] != '/' && path[n] != '\0'))
			continue;
		best = n;
		strlcpy(dst, type, size);
	}
	fclose(f);
}
