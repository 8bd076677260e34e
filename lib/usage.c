/* SPDX-License-Identifier: ISC */
/*
 * What a process has used so far: getrusage(2).
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/time.h>

#include "log.h"
#include "usage.h"

#ifdef __APPLE__
#define RSS_UNIT	1
#else
#define RSS_UNIT	1024
#endif

static uint64_t	micros(struct timeval);

static uint64_t
micros(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

void
usage_get(struct usage *u)
{
	struct rusage ru;

	memset(u, 0, sizeof(*u));
	if (getrusage(RUSAGE_SELF, &ru) == -1)
		return;
	u->user = micros(ru.ru_utime);
	u->system = micros(ru.ru_stime);
	u->max_rss = (uint64_t)ru.ru_maxrss * RSS_UNIT;
}

void
usage_log(void)
{
	struct usage u;

	usage_get(&u);
	log_info("CPU time %llu ms and %llu ms of the system, at most %llu KiB "
	    "resident", (unsigned long long)u.user / 1000,
	    (unsigned long long)u.system / 1000,
	    (unsigned long long)u.max_rss / 1024);
}

void
usage_put(struct wbuf *w, const struct usage *u)
{
	put_u64(w, u->user);
	put_u64(w, u->system);
	put_u64(w, u->max_rss);
}

void
usage_read(struct reader *rd, struct usage *u)
{
	u->user = get_u64(rd);
	u->system = get_u64(rd);
	u->max_rss = get_u64(rd);
}
