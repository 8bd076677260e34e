/* SPDX-License-Identifier: ISC */
/*
 * Addresses that have failed to show that they know the secret.
 */
#include "compat.h"

#include <stdlib.h>

#include "log.h"
#include "map.h"
#include "penalty.h"
#include "timeutil.h"

#define ADDRESSES_MAX	4096

struct penalty {
	unsigned	 failures;
	int64_t		 until;		/* monotonic ms */
};

struct penalties {
	struct map	*map;		/* address -> struct penalty */
};

struct penalties *
penalties_new(void)
{
	struct penalties *ps = xcalloc(1, sizeof(*ps));

	ps->map = map_new();
	return ps;
}

static void
forget(struct penalties *ps)
{
	struct penalty *p;
	size_t pos = 0;

	while ((p = map_next(ps->map, &pos)) != NULL)
		free(p);
	map_free(ps->map);
	ps->map = map_new();
}

void
penalties_free(struct penalties *ps)
{
	if (ps == NULL)
		return;
	forget(ps);
	map_free(ps->map);
	free(ps);
}

int
penalty_holds(struct penalties *ps, const char *address)
{
	struct penalty *p = map_gets(ps->map, address);

	if (p == NULL || p->failures < PENALTY_AFTER)
		return 0;
	if (time_mono_ms() < p->until)
		return 1;
	/* another try; if that fails it waits again */
	p->failures = PENALTY_AFTER - 1;
	return 0;
}

void
penalty_add(struct penalties *ps, const char *address)
{
	struct penalty *p = map_gets(ps->map, address);

	if (p == NULL) {
		/* somebody has many addresses: nothing is gained by a list */
		if (map_count(ps->map) >= ADDRESSES_MAX)
			forget(ps);
		p = xcalloc(1, sizeof(*p));
		map_sets(ps->map, address, p);
	}
	p->until = time_mono_ms() + PENALTY_MS;
	if (++p->failures == PENALTY_AFTER)
		log_warnx("%s has failed %d times: it has to wait for %d s",
		    address, PENALTY_AFTER, PENALTY_MS / 1000);
}

void
penalty_clear(struct penalties *ps, const char *address)
{
	free(map_removes(ps->map, address));
}
