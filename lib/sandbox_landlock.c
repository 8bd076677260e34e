/* SPDX-License-Identifier: ISC */
/*
 * Landlock by its system calls: landlock(7), and in the kernel's sources
 * Documentation/userspace-api/landlock.rst.  Headers are often older than the
 * kernel: all that is needed of them is here.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_linux.h"

/* the same on all processors */
#define NR_CREATE_RULESET	444
#define NR_ADD_RULE		445
#define NR_RESTRICT_SELF	446

#define CREATE_VERSION		1u
#define RULE_PATH		1
#define RULE_PORT		2

#define FS_EXECUTE		(1u << 0)
#define FS_WRITE_FILE		(1u << 1)
#define FS_READ_FILE		(1u << 2)
#define FS_READ_DIR		(1u << 3)
#define FS_REMOVE_FILE		(1u << 5)
#define FS_MAKE_REG		(1u << 8)
#define FS_TRUNCATE		(1u << 14)
#define FS_IOCTL_DEV		(1u << 15)

#define FS_READ			(FS_READ_FILE | FS_READ_DIR)
#define FS_DATABASE		(FS_READ | FS_WRITE_FILE | FS_REMOVE_FILE | \
				    FS_MAKE_REG | FS_TRUNCATE)
/* those that make sense for what is no directory */
#define FS_OF_FILES		(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
				    FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_BIND		(1u << 0)
#define NET_CONNECT		(1u << 1)
#define SCOPE_ABSTRACT		(1u << 0)
#define SCOPE_SIGNAL		(1u << 1)

#define ABI_NET			4
#define ABI_SCOPE		6

struct ruleset {
	uint64_t	fs, net, scoped;
};

struct path_rule {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((__packed__));

struct port_rule {
	uint64_t	allowed, port;
};

static int	get_abi(void);
static uint64_t	all_of(int);
static void	allow_path(int, const char *, uint64_t);
static void	allow_port(int, int);

/* 0: there is none, or somebody around us does not let it through. */
static int
get_abi(void)
{
	long abi = syscall(NR_CREATE_RULESET, NULL, (size_t)0, CREATE_VERSION);

	if (abi > 0)
		return (int)abi;
	if (errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
		fatal("landlock_create_ruleset");
	log_debug("sandbox: no Landlock: %s", strerror(errno));
	return 0;
}

/*
 * All that this kernel can take away from a process, as far as we know it.
 * The sanitizers read: their memory map and what they name addresses with.
 */
static uint64_t
all_of(int abi)
{
	/* bits of ABI 1, 2, 3, 4 and 5 */
	static const unsigned bits[] = { 13, 14, 15, 15, 16 };
	size_t n = sizeof(bits) / sizeof(bits[0]);
	size_t i = (size_t)abi < n ? (size_t)abi : n;
	uint64_t all = (1u << bits[i - 1]) - 1;

	return SANITIZED ? all & ~(uint64_t)(FS_READ | FS_EXECUTE) : all;
}

/* What is not there now cannot be allowed for later. */
static void
allow_path(int rules, const char *path, uint64_t allowed)
{
	struct path_rule r = { .allowed = allowed };
	struct stat st;

	if ((r.fd = open(path, O_PATH | O_CLOEXEC)) == -1) {
		if (errno != ENOENT)
			log_warn("sandbox: %s", path);
		return;
	}
	if (fstat(r.fd, &st) == -1)
		fatal("%s", path);
	if (!S_ISDIR(st.st_mode))
		r.allowed &= FS_OF_FILES;
	if (r.allowed != 0 && syscall(NR_ADD_RULE, rules, RULE_PATH, &r,
	    0) == -1)
		fatal("landlock_add_rule: %s", path);
	close(r.fd);
}

static void
allow_port(int rules, int port)
{
	struct port_rule r = { .allowed = NET_CONNECT };

	r.port = (uint64_t)port;
	if (syscall(NR_ADD_RULE, rules, RULE_PORT, &r, 0) == -1)
		fatal("landlock_add_rule: port %d", port);
}

unsigned
landlock_enter(const struct landlock_want *want)
{
	struct ruleset all = { 0, 0, 0 };
	unsigned layers = SANDBOX_FILES;
	int abi, fd;
	size_t i;

	if ((abi = get_abi()) == 0)
		return 0;
	all.fs = all_of(abi);
	if (abi >= ABI_NET) {
		all.net = want->port == PORT_ANY ? NET_BIND :
		    NET_BIND | NET_CONNECT;
		layers |= SANDBOX_PORTS;
	}
	if (abi >= ABI_SCOPE) {
		all.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		layers |= SANDBOX_SCOPE;
	}
	/* an older kernel takes a longer struct if the rest of it is 0 */
	fd = (int)syscall(NR_CREATE_RULESET, &all, sizeof(all), 0);
	if (fd == -1)
		fatal("landlock_create_ruleset");
	for (i = 0; want->readable != NULL && want->readable[i] != NULL; i++)
		allow_path(fd, want->readable[i], FS_READ & all.fs);
	if (want->writable != NULL)
		allow_path(fd, want->writable, FS_DATABASE & all.fs);
	if (want->port > 0 && abi >= ABI_NET)
		allow_port(fd, want->port);
	if (syscall(NR_RESTRICT_SELF, fd, 0) == -1)
		fatal("landlock_restrict_self");
	close(fd);
	log_debug("sandbox: Landlock, ABI %d", abi);
	return layers;
}
