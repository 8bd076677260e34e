/* SPDX-License-Identifier: ISC */
/*
 * A system without a sandbox that we know: no core dumps, no processes.
 */
#include "compat.h"

#include <sys/resource.h>

#include "log.h"
#include "sandbox.h"

static void	enter(int);

static unsigned layers;

static void
enter(int processes)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    (!processes && setrlimit(RLIMIT_NPROC, &none) == -1))
		fatal("setrlimit");
	layers |= SANDBOX_LIMITS;
	log_debug("sandbox: limits only, this system has nothing else");
}

void
sandbox_parent(void)
{
	enter(1);
}

void
sandbox_router(void)
{
	enter(0);
}

void
sandbox_store(const char *data)
{
	(void)data;
	enter(0);
}

void
sandbox_bridged(void)
{
	enter(0);
}

void
sandbox_uplink(void)
{
	enter(0);
}

void
sandbox_relay(void)
{
	enter(0);
}

void
sandbox_resolver(void)
{
	enter(0);
}

unsigned
sandbox_layers(void)
{
	return layers;
}
