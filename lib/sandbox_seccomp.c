/* SPDX-License-Identifier: ISC */
/*
 * The system calls of each process, as a filter for the kernel: seccomp(2)
 * and, for the table behind the filter, the man pages of what the C library,
 * libevent, OpenSSL and SQLite do.
 */
#include "compat.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_linux.h"

#if defined(__x86_64__)
#define ARCH		AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH		AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH		AUDIT_ARCH_RISCV64
#else
#define ARCH		0	/* not known: no filter */
#endif

/* what older headers lack */
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS	0x80000000U
#endif
#ifndef SECCOMP_FILTER_FLAG_LOG
#define SECCOMP_FILTER_FLAG_LOG		(1UL << 1)
#endif

#define FAIL		(SECCOMP_RET_ERRNO | EPERM)
#define FILTER_MAX	1024	/* instructions */

#define R	CALLS_ROUTER
#define S	CALLS_STORE
#define C	CALLS_CARRIER
#define N	CALLS_RESOLVER
#define ALL	(R | S | C | N)

/* The argument, but for bits that do not matter, must be that. */
struct condition {
	uint8_t		arg;
	uint32_t	mask, value;	/* mask 0: no condition */
};

/* A call is allowed if all of one row's conditions hold. */
struct rule {
	int			nr;
	unsigned		whose;
	struct condition	conditions[2];
};

#define CALL(name, whose)		{ __NR_##name, whose, { { 0, 0, 0 } } }
#define IF(name, whose, arg, mask, value)				\
	{ __NR_##name, whose, { { arg, mask, value } } }
#define IF2(name, whose, a1, m1, v1, a2, m2, v2)			\
	{ __NR_##name, whose, { { a1, m1, v1 }, { a2, m2, v2 } } }
#define WHOLE		0xffffffffU
#define SOCK_FLAGS	((uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
/* a value that is filled in when the filter is made */
#define SELF		0xfffffffeU	/* this process */

/* What is called most often comes first. */
static const struct rule rules[] = {
#ifdef __NR_epoll_wait
	CALL(epoll_wait, ALL),
#endif
	CALL(epoll_pwait, ALL),
#ifdef __NR_epoll_pwait2
	CALL(epoll_pwait2, ALL),
#endif
	CALL(recvmsg, ALL),
	CALL(sendmsg, ALL),
	CALL(read, ALL),
	CALL(readv, ALL),
	CALL(write, ALL),
	CALL(writev, ALL),
	CALL(recvfrom, ALL),
	CALL(sendto, ALL),
	CALL(epoll_ctl, ALL),
	CALL(clock_gettime, ALL),
	CALL(gettimeofday, ALL),
#ifdef __NR_time
	CALL(time, ALL),
#endif
	CALL(pread64, S | N),
	CALL(pwrite64, S),
	CALL(fdatasync, S),
	CALL(fsync, S),
	CALL(close, ALL),
	CALL(shutdown, ALL),

	/* sockets: of those who come, and of those who are called */
	CALL(accept, R | C),
	CALL(accept4, R | C),
	CALL(getsockname, ALL),
	CALL(getpeername, ALL),
	CALL(getsockopt, ALL),
	CALL(setsockopt, ALL),
	CALL(connect, C | N),
	IF2(socket, C, 0, WHOLE, AF_INET, 1, ~SOCK_FLAGS, SOCK_STREAM),
	IF2(socket, C, 0, WHOLE, AF_INET6, 1, ~SOCK_FLAGS, SOCK_STREAM),
	IF2(socket, N, 0, WHOLE, AF_INET, 1, ~SOCK_FLAGS, SOCK_STREAM),
	IF2(socket, N, 0, WHOLE, AF_INET, 1, ~SOCK_FLAGS, SOCK_DGRAM),
	IF2(socket, N, 0, WHOLE, AF_INET6, 1, ~SOCK_FLAGS, SOCK_STREAM),
	IF2(socket, N, 0, WHOLE, AF_INET6, 1, ~SOCK_FLAGS, SOCK_DGRAM),
	/* daemons that cache names, or know those of the LAN */
	IF(socket, N, 0, WHOLE, AF_UNIX),
	CALL(bind, N),
	CALL(sendmmsg, N),
	CALL(recvmmsg, N),
	IF(ioctl, N, 1, WHOLE, FIONREAD),
	IF(ioctl, N, 1, WHOLE, SIOCGIFINDEX),
	CALL(uname, N),

	/* memory, never to be executed; getaddrinfo() may load modules */
	CALL(brk, ALL),
	IF(mmap, R | S | C, 2, PROT_EXEC, 0),
	IF(mmap, N, 2, PROT_EXEC, 0),
	IF2(mmap, N, 2, PROT_WRITE, 0, 3, MAP_ANONYMOUS, 0),
	IF(mprotect, ALL, 2, PROT_EXEC, 0),
	CALL(munmap, ALL),
	CALL(mremap, ALL),
	CALL(madvise, ALL),

	/* waiting, time and signals */
	CALL(futex, ALL),
#ifdef __NR_poll
	CALL(poll, ALL),
#endif
	CALL(ppoll, ALL),
#ifdef __NR_select
	CALL(select, ALL),
#endif
	CALL(pselect6, ALL),
	CALL(nanosleep, ALL),
	CALL(clock_nanosleep, ALL),
	CALL(clock_getres, ALL),
	CALL(timerfd_create, ALL),
	CALL(timerfd_settime, ALL),
	CALL(eventfd2, ALL),
	CALL(epoll_create1, ALL),
	CALL(sched_yield, ALL),
	CALL(restart_syscall, ALL),
	CALL(rt_sigaction, ALL),
	CALL(rt_sigprocmask, ALL),
	CALL(rt_sigreturn, ALL),
	CALL(sigaltstack, ALL),
	/* abort(3) */
	IF(tgkill, ALL, 0, WHOLE, SELF),
	CALL(gettid, ALL),
	CALL(exit, ALL),
	CALL(exit_group, ALL),

	/* what it asks about itself, and what is said of a descriptor */
	CALL(getpid, ALL),
	CALL(getppid, ALL),
	CALL(getuid, ALL),
	CALL(geteuid, ALL),
	CALL(getgid, ALL),
	CALL(getegid, ALL),
	IF(getrusage, ALL, 0, WHOLE, RUSAGE_SELF),
	CALL(getrandom, ALL),
	CALL(sysinfo, ALL),
	CALL(fstat, ALL),
	CALL(fstatfs, S),
#ifdef __NR_newfstatat
	/* fstat(3), in many C libraries */
	IF(newfstatat, R | C, 3, WHOLE, AT_EMPTY_PATH),
#endif
	CALL(lseek, ALL),
	IF(fcntl, ALL, 1, WHOLE, F_GETFD),
	IF(fcntl, ALL, 1, WHOLE, F_SETFD),
	IF(fcntl, ALL, 1, WHOLE, F_GETFL),
	IF(fcntl, ALL, 1, WHOLE, F_SETFL),
	IF(fcntl, ALL, 1, WHOLE, F_DUPFD_CLOEXEC),
	IF(fcntl, S, 1, WHOLE, F_GETLK),
	IF(fcntl, S, 1, WHOLE, F_SETLK),
	IF(fcntl, S, 1, WHOLE, F_SETLKW),

	/* files, where Landlock lets them be */
	CALL(openat, S | N),
#ifdef __NR_open
	CALL(open, S | N),
#endif
#ifdef __NR_newfstatat
	CALL(newfstatat, S | N),
#endif
#ifdef __NR_stat
	CALL(stat, S | N),
#endif
#ifdef __NR_lstat
	CALL(lstat, S | N),
#endif
	CALL(statx, S | N),
#ifdef __NR_access
	CALL(access, S | N),
#endif
	CALL(faccessat, S | N),
#ifdef __NR_faccessat2
	CALL(faccessat2, S | N),
#endif
#ifdef __NR_readlink
	CALL(readlink, S | N),
#endif
	CALL(readlinkat, S | N),
	CALL(getcwd, S),
#ifdef __NR_unlink
	CALL(unlink, S),
#endif
	CALL(unlinkat, S),
#ifdef __NR_rename
	CALL(rename, S),
#endif
#ifdef __NR_renameat
	CALL(renameat, S),
#endif
	CALL(renameat2, S),
	CALL(ftruncate, S),
	CALL(fallocate, S),
	CALL(fchmod, S),
	CALL(fchown, S),
	CALL(utimensat, S),
#ifdef __NR_utimes
	CALL(utimes, S),
#endif
};

/* Nothing legitimate does these, not even by mistake. */
static const int deadly[] = {
	__NR_execve, __NR_execveat, __NR_clone,
#ifdef __NR_fork
	__NR_fork,
#endif
#ifdef __NR_vfork
	__NR_vfork,
#endif
#ifdef __NR_clone3
	__NR_clone3,
#endif
};

/* Nor do these, in any process. */
static const int deadly_to_all[] = {
	__NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev,
	__NR_kcmp, __NR_bpf, __NR_perf_event_open, __NR_userfaultfd,
	__NR_init_module, __NR_finit_module, __NR_delete_module,
	__NR_kexec_load, __NR_reboot, __NR_swapon, __NR_swapoff,
	__NR_mount, __NR_umount2, __NR_pivot_root, __NR_setns, __NR_unshare,
	__NR_add_key, __NR_request_key, __NR_keyctl, __NR_acct, __NR_quotactl,
	__NR_settimeofday, __NR_clock_settime, __NR_adjtimex,
	__NR_clock_adjtime, __NR_sethostname, __NR_setdomainname,
	__NR_open_by_handle_at, __NR_personality, __NR_syslog,
#ifdef __NR_kexec_file_load
	__NR_kexec_file_load,
#endif
#ifdef __NR_io_uring_setup
	__NR_io_uring_setup,
#endif
#ifdef __NR_iopl
	__NR_iopl, __NR_ioperm,
#endif
#ifdef __NR_move_mount
	__NR_move_mount, __NR_open_tree, __NR_fsopen, __NR_fsconfig,
	__NR_fsmount,
#endif
#ifdef __NR_pidfd_getfd
	__NR_pidfd_getfd,
#endif
};

/* The parent's filter, in what a daemon goes on as (handover.h): pid:sum. */
#define LOADED		"ECORELAY_FILTER"
#define LOADED_SIZE	32

struct program {
	struct sock_filter	code[FILTER_MAX];
	unsigned short		len;
};

static void	begin(struct program *);
static void	add(struct program *, uint16_t, uint8_t, uint8_t, uint32_t);
static void	add_kill(struct program *, const int *, size_t);
static void	add_rule(struct program *, const struct rule *);
static unsigned	load(const struct program *, int);
static void	name(const struct program *, char *, size_t);
static int	is_loaded(const char *);

static void
add(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	const struct sock_filter f = { code, jt, jf, k };

	if (p->len == FILTER_MAX)
		fatalx("seccomp: the filter is too long");
	p->code[p->len++] = f;
}

#define LOAD(p, member)							\
	add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0,				\
	    (uint32_t)offsetof(struct seccomp_data, member))
#define UNLESS(p, value, skip)						\
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(skip), value)
#define RETURN(p, action)						\
	add(p, BPF_RET | BPF_K, 0, 0, action)

static void
begin(struct program *p)
{
	p->len = 0;
	LOAD(p, arch);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	RETURN(p, SECCOMP_RET_KILL_PROCESS);
	LOAD(p, nr);
}

static void
add_kill(struct program *p, const int *nrs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		UNLESS(p, (uint32_t)nrs[i], 1);
		RETURN(p, SECCOMP_RET_KILL_PROCESS);
	}
}

/* The low half of an argument: all of those that have conditions are ints. */
static void
add_rule(struct program *p, const struct rule *r)
{
	const struct condition *c;
	unsigned n, i;
	uint32_t low = (uint32_t)offsetof(struct seccomp_data, args);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	low += sizeof(uint32_t);
#endif
	for (n = 0; n < 2 && r->conditions[n].mask != 0; n++)
		;
	UNLESS(p, (uint32_t)r->nr, n == 0 ? 1 : 3 * n + 2);
	for (i = 0; i < n; i++) {
		c = &r->conditions[i];
		add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		    low + c->arg * (uint32_t)sizeof(uint64_t));
		add(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, c->mask);
		UNLESS(p, c->value == SELF ? (uint32_t)getpid() : c->value,
		    3 * (n - i - 1) + 1);
	}
	RETURN(p, SECCOMP_RET_ALLOW);
	if (n > 0)
		LOAD(p, nr);
}

/* audited: the kernel's audit log is to tell of calls that failed. */
static unsigned
load(const struct program *p, int audited)
{
	unsigned flags = audited ? SECCOMP_FILTER_FLAG_LOG : 0;
	struct sock_fprog prog;

	prog.len = p->len;
	prog.filter = (struct sock_filter *)(uintptr_t)p->code;
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags,
	    &prog) == 0 || (errno == EINVAL && syscall(__NR_seccomp,
	    SECCOMP_SET_MODE_FILTER, 0, &prog) == 0))
		return SANDBOX_CALLS;
	/* EPERM: somebody around us does not let it through */
	if (errno != ENOSYS && errno != EINVAL && errno != EPERM)
		fatal("seccomp");
	log_debug("sandbox: no seccomp: %s", strerror(errno));
	return 0;
}

unsigned
calls_enter(unsigned whose)
{
	struct program p;
	size_t i;

	if (ARCH == 0 || SANITIZED)
		return 0;
	begin(&p);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if ((rules[i].whose & whose) != 0)
			add_rule(&p, &rules[i]);
	}
	add_kill(&p, deadly, sizeof(deadly) / sizeof(deadly[0]));
	add_kill(&p, deadly_to_all,
	    sizeof(deadly_to_all) / sizeof(deadly_to_all[0]));
	RETURN(&p, FAIL);
	/* getaddrinfo() tries netlink each time, and does without */
	return load(&p, whose != CALLS_RESOLVER);
}

/* FNV-1a, 32 bits. */
static void
name(const struct program *p, char *dst, size_t size)
{
	const unsigned char *code = (const unsigned char *)p->code;
	size_t i, n = p->len * sizeof(p->code[0]);
	uint32_t sum = 2166136261u;

	for (i = 0; i < n; i++)
		sum = (sum ^ code[i]) * 16777619u;
	snprintf(dst, size, "%ld:%08x", (long)getpid(), sum);
}

/* Filters add up, in the children, too, until the kernel takes no more. */
static int
is_loaded(const char *filter)
{
	const char *v = getenv(LOADED);

	return v != NULL && strcmp(v, filter) == 0 &&
	    prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER;
}

unsigned
calls_parent(void)
{
	char filter[LOADED_SIZE];
	struct program p;
	unsigned layers;

	if (ARCH == 0 || SANITIZED)
		return 0;
	begin(&p);
	add_kill(&p, deadly_to_all,
	    sizeof(deadly_to_all) / sizeof(deadly_to_all[0]));
	RETURN(&p, SECCOMP_RET_ALLOW);
	name(&p, filter, sizeof(filter));
	if (is_loaded(filter))
		return SANDBOX_CALLS;
	layers = load(&p, 1);
	if (layers != 0 && setenv(LOADED, filter, 1) == -1)
		fatal("setenv");
	return layers;
}
