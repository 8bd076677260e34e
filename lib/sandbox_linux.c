/* SPDX-License-Identifier: ISC */
/*
 * The sandbox on Linux: limits, then Landlock, then seccomp.
 */
#include "compat.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <time.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_linux.h"

static void	no_privileges(void);
static void	enter(const struct landlock_want *, unsigned);
static void	say(void);

static unsigned layers;

/*
 * What getaddrinfo() and the modules of nsswitch.conf(5) read.  Files that
 * are replaced now and then are there by their directories only.
 */
static const char *const resolver_reads[] = {
	"/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve",
	"/run/resolvconf", "/run/NetworkManager", "/run/connman",
	"/run/netconfig", "/nix/store", "/gnu/store", "/mnt/wsl", NULL
};

static void
no_privileges(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("setrlimit");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("PR_SET_NO_NEW_PRIVS");
}

unsigned
limits_parent(void)
{
	no_privileges();
	return SANDBOX_NO_NEW_PRIVS;
}

/* The leak sanitizer is a tracer of its own process. */
unsigned
limits_enter(void)
{
	const struct rlimit none = { 0, 0 };

	no_privileges();
	if (SANITIZED)
		return SANDBOX_NO_NEW_PRIVS;
	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		fatal("setrlimit");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("PR_SET_DUMPABLE");
	return SANDBOX_LIMITS | SANDBOX_NO_NEW_PRIVS;
}

static void
enter(const struct landlock_want *want, unsigned calls)
{
	/* gmtime_r(3) would read the time zone's file when it is first used */
	tzset();
	layers = limits_enter();
	layers |= landlock_enter(want);
	layers |= calls_enter(calls);
	say();
}

static void
say(void)
{
	char names[SANDBOX_NAMES_SIZE];

	log_debug("sandbox: %s", sandbox_names(layers, names, sizeof(names)));
}

/*
 * Without Landlock, which would hold for the children as well, and for their
 * calls to other hosts.
 */
void
sandbox_parent(void)
{
	layers = limits_parent();
	layers |= calls_parent();
	say();
}

void
sandbox_router(void)
{
	const struct landlock_want nothing = { .port = PORT_NONE };

	enter(&nothing, CALLS_ROUTER);
}

void
sandbox_relay(void)
{
	sandbox_router();
}

void
sandbox_store(const char *data)
{
	const struct landlock_want want = {
		.writable = data, .port = PORT_NONE
	};

	enter(&want, CALLS_STORE);
}

void
sandbox_bridged(void)
{
	const struct landlock_want want = { .port = PORT_ANY };

	enter(&want, CALLS_CARRIER);
}

void
sandbox_uplink(void)
{
	sandbox_bridged();
}

/* By TCP it asks again for what was too long for a datagram. */
void
sandbox_resolver(void)
{
	const struct landlock_want want = {
		.readable = resolver_reads, .port = 53
	};

	enter(&want, CALLS_RESOLVER);
}

unsigned
sandbox_layers(void)
{
	return layers;
}
