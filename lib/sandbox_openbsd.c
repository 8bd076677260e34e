/* SPDX-License-Identifier: ISC */
/*
 * The sandbox by pledge(2) and unveil(2).  A call that was not promised kills
 * the process, and the kernel logs which one.
 */
#include "compat.h"

#include <sys/resource.h>

#include <unistd.h>

#include "log.h"
#include "sandbox.h"

static void	limit(void);
static void	promise(const char *);

static unsigned layers;

static void
limit(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("setrlimit");
	layers |= SANDBOX_LIMITS;
}

static void
promise(const char *promises)
{
	char names[SANDBOX_NAMES_SIZE];

	if (pledge(promises, NULL) == -1)
		fatal("pledge");
	layers |= SANDBOX_PLEDGE;
	log_debug("sandbox: %s", sandbox_names(layers, names, sizeof(names)));
}

/* It reads files wherever the configuration says. */
void
sandbox_parent(void)
{
	limit();
	promise("stdio rpath wpath cpath fattr chown flock getpw unix inet "
	    "dns sendfd recvfd proc exec id");
}

void
sandbox_router(void)
{
	limit();
	/* sockets of sessions and listeners; inet for their options */
	promise("stdio unix inet recvfd");
}

void
sandbox_store(const char *data)
{
	limit();
	if (unveil(data, "rwc") == -1 || unveil("/dev/urandom", "r") == -1 ||
	    unveil(NULL, NULL) == -1)
		fatal("unveil");
	layers |= SANDBOX_UNVEIL;
	promise("stdio rpath wpath cpath fattr flock recvfd");
}

void
sandbox_bridged(void)
{
	limit();
	promise("stdio inet recvfd");
}

void
sandbox_uplink(void)
{
	limit();
	promise("stdio inet recvfd");
}

void
sandbox_relay(void)
{
	limit();
	promise("stdio inet recvfd");
}

void
sandbox_resolver(void)
{
	limit();
	if (unveil("/etc", "r") == -1 || unveil(NULL, NULL) == -1)
		fatal("unveil");
	layers |= SANDBOX_UNVEIL;
	promise("stdio rpath inet dns recvfd");
}

unsigned
sandbox_layers(void)
{
	return layers;
}
