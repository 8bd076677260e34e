/* SPDX-License-Identifier: ISC */
/*
 * The sandboxes: what somebody would try who has taken over a process, in
 * each of them, and what is in force for the processes of real programs.
 */
#include "compat.h"

#ifdef HAVE_LINUX_SECCOMP_H
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "privdrop.h"
#include "sandbox.h"
#include "sandbox_linux.h"
#include "test.h"

#define NR_LANDLOCK	444	/* landlock_create_ruleset(2) */
#define SUCCESS		200	/* exit status of what was not stopped */
#define BACKLOG		1000	/* nobody accepts */
#define PROCESSES	6	/* of a hub with links, the parent included */

/* What is there to be attacked. */
static struct {
	char	secret[T_PATH];		/* a file */
	char	fresh[T_PATH];		/* one that is not there */
	char	data[T_PATH];		/* the store's directory */
	int	port;			/* somebody listens there */
	pid_t	victim;			/* another process */
	struct sockaddr_un abstract;
	socklen_t	 abstract_len;
} at;

enum { ROUTER, STORE, BRIDGED, UPLINK, RELAY, RESOLVER, KINDS };
#define BIT(kind)	(1u << (kind))
#define CALLERS		(BIT(BRIDGED) | BIT(UPLINK))

/* Each returns 0 when it has done it, or -1 with errno. */
static int
try_open(void)
{
	return open(at.secret, O_RDONLY) == -1 ? -1 : 0;
}

static int
try_create(void)
{
	return open(at.fresh, O_WRONLY | O_CREAT, 0600) == -1 ? -1 :
	    unlink(at.fresh);
}

static int
inet(int type)
{
	return socket(AF_INET, type, 0);
}

static int
to_port(int (*fn)(int, const struct sockaddr *, socklen_t), int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = inet(SOCK_STREAM);

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1)
		return -1;
	return fn(fd, (const struct sockaddr *)&sin, sizeof(sin));
}

static int
try_connect(void)
{
	return to_port(connect, at.port);
}

static int
try_bind(void)
{
	return to_port(bind, 0);
}

static int
try_udp(void)
{
	return inet(SOCK_DGRAM) == -1 ? -1 : 0;
}

static int
try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) == -1 ? -1 : 0;
}

static int
try_abstract(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	return connect(fd, (const struct sockaddr *)&at.abstract,
	    at.abstract_len);
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static int
try_exec(void)
{
	char sh[] = "/bin/sh", c[] = "-c", cmd[] = "exit 200";
	char *argv[] = { sh, c, cmd, NULL };

	return execv(sh, argv);
}

static int
try_ptrace(void)
{
	return ptrace(PTRACE_SEIZE, at.victim, NULL, NULL) == -1 ? -1 : 0;
}

static int
try_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)at.victim);
	return open(path, O_RDONLY) == -1 ? -1 : 0;
}

static int
try_kill(void)
{
	return kill(at.victim, 0);
}

static int
try_mprotect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
try_mmap(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
try_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int
try_chroot(void)
{
	return chroot("/");
}

/* Those who may do it all the same. */
static const struct attempt {
	const char	*what;
	int		(*fn)(void);
	unsigned	 allowed;
} attempts[] = {
	{ "open a file", try_open, 0 },
	{ "make a file", try_create, 0 },
	{ "connect out", try_connect, CALLERS },
	{ "listen", try_bind, 0 },
	{ "open a UDP socket", try_udp, BIT(RESOLVER) },
	{ "open a netlink socket", try_netlink, 0 },
	{ "call an abstract socket", try_abstract, 0 },
	{ "fork", try_fork, 0 },
	{ "exec", try_exec, 0 },
	{ "ptrace", try_ptrace, 0 },
	{ "read /proc of another process", try_proc, 0 },
	{ "kill another process", try_kill, 0 },
	{ "mprotect to executable", try_mprotect, 0 },
	{ "map executable memory", try_mmap, 0 },
	{ "make itself dumpable", try_dumpable, 0 },
	{ "chroot", try_chroot, 0 },
};
#define ATTEMPTS	(sizeof(attempts) / sizeof(attempts[0]))

static void
store(void)
{
	sandbox_store(at.data);
}

static void
no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		_exit(1);
}

static void
limits(void)
{
	(void)limits_enter();
}

/* Landlock alone, as the process has it; and its filter alone. */
static const char *const etc[] = { "/etc", NULL };

#define ALONE(name, calls, ...)						\
static void								\
landlock_##name(void)							\
{									\
	const struct landlock_want want = { __VA_ARGS__ };		\
									\
	no_new_privs();							\
	(void)landlock_enter(&want);					\
}									\
static void								\
seccomp_##name(void)							\
{									\
	no_new_privs();							\
	(void)calls_enter(calls);					\
}

ALONE(router, CALLS_ROUTER, .port = PORT_NONE)
ALONE(store, CALLS_STORE, .writable = at.data, .port = PORT_NONE)
ALONE(carrier, CALLS_CARRIER, .port = PORT_ANY)
ALONE(resolver, CALLS_RESOLVER, .readable = etc, .port = 53)

static const struct kind {
	const char	*name;
	void		(*enter)(void), (*landlock)(void), (*seccomp)(void);
} kinds[KINDS] = {
	[ROUTER] = { "router", sandbox_router, landlock_router,
	    seccomp_router },
	[STORE] = { "store", store, landlock_store, seccomp_store },
	[BRIDGED] = { "bridged", sandbox_bridged, landlock_carrier,
	    seccomp_carrier },
	[UPLINK] = { "uplink", sandbox_uplink, landlock_carrier,
	    seccomp_carrier },
	[RELAY] = { "relayd's router", sandbox_relay, landlock_router,
	    seccomp_router },
	[RESOLVER] = { "resolver", sandbox_resolver, landlock_resolver,
	    seccomp_resolver },
};

/* Its status, after entering a sandbox (or none). */
static int
attempt(void (*enter)(void), int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (enter != NULL)
			enter();
		_exit(fn() == 0 ? SUCCESS : errno);
	}
	want(pid != -1 && waitpid(pid, &status, 0) == pid, "fork");
	return status;
}

static int
succeeded(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == SUCCESS;
}

/* Says so if it stops this; 1 if it does. */
static int
stops(const char *layer, void (*enter)(void), int (*fn)(void))
{
	int status = attempt(enter, fn);

	if (succeeded(status))
		return 0;
	printf(" %s (%s)", layer, WIFSIGNALED(status) ?
	    strsignal(WTERMSIG(status)) : strerror(WEXITSTATUS(status)));
	return 1;
}

static pid_t
make_victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static struct tenv *
begin(void)
{
	struct tenv *t = tenv_new();
	int fd, port;

	fd = port_take(&port);
	want(fd != -1 && listen(fd, BACKLOG) == 0, "listen");
	at.port = port;
	strlcpy(at.secret, tenv_path(t, "secret"), sizeof(at.secret));
	write_file(at.secret, "secret\n", 7);
	strlcpy(at.fresh, tenv_path(t, "fresh"), sizeof(at.fresh));
	strlcpy(at.data, tenv_path(t, "store"), sizeof(at.data));
	want(mkdir(at.data, 0700) == 0, "mkdir");
	at.victim = make_victim();
	at.abstract.sun_family = AF_UNIX;
	snprintf(at.abstract.sun_path + 1, sizeof(at.abstract.sun_path) - 1,
	    "%s", t->dir);
	at.abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    1 + strlen(t->dir));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	want(fd != -1 && bind(fd, (struct sockaddr *)&at.abstract,
	    at.abstract_len) == 0 && listen(fd, BACKLOG) == 0, "abstract");
	return t;
}

static void
end(struct tenv *t)
{
	(void)kill(at.victim, SIGKILL);
	(void)waitpid(at.victim, NULL, 0);
	tenv_end(t);
}

/* The layers that a process of a kind gets here. */
static unsigned
layers_of(const struct kind *k)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		k->enter();
		_exit((int)sandbox_layers());
	}
	want(pid != -1 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status), "%s: status 0x%x", k->name, status);
	return (unsigned)WEXITSTATUS(status);
}

static void
intrude(const struct kind *k, const struct attempt *a)
{
	int allowed = (a->allowed & (1u << (k - kinds))) != 0;
	int status, n;

	/* what nobody could do here proves nothing */
	if (!succeeded(attempt(NULL, a->fn))) {
		printf("%s: %s: not possible on this system\n", k->name,
		    a->what);
		return;
	}
	status = attempt(k->enter, a->fn);
	want(succeeded(status) == allowed, "%s: %s: status 0x%x", k->name,
	    a->what, status);
	if (allowed)
		return;
	printf("%s: %s: stopped by", k->name, a->what);
	n = stops("seccomp", k->seccomp, a->fn);
	n += stops("Landlock", k->landlock, a->fn);
	n += stops("limits", limits, a->fn);
	printf("\n");
	want(n > 0, "%s: %s: by no layer alone", k->name, a->what);
}

START_TEST(what_an_intruder_tries)
{
	struct tenv *t = begin();
	size_t i, n;

	for (i = 0; i < KINDS; i++) {
		for (n = 0; n < ATTEMPTS; n++)
			intrude(&kinds[i], &attempts[n]);
	}
	end(t);
}
END_TEST

static int
own_file(void)
{
	char path[T_PATH + 8], other[T_PATH + 8];

	snprintf(path, sizeof(path), "%s/x", at.data);
	snprintf(other, sizeof(other), "%s/y", at.data);
	return open(path, O_RDWR | O_CREAT, 0600) == -1 ||
	    rename(path, other) == -1 || unlink(other) == -1 ? -1 : 0;
}

static int
resolve(void)
{
	struct addrinfo *ai;

	if (getaddrinfo("localhost", "1", NULL, &ai) != 0)
		return -1;
	freeaddrinfo(ai);
	return 0;
}

static int
memory(void)
{
	char *p = malloc(64 << 20), *q;

	if (p == NULL || (q = realloc(p, 128 << 20)) == NULL)
		return -1;
	free(q);
	return 0;
}

static int
aborts(void)
{
	abort();
}

START_TEST(what_they_need)
{
	struct tenv *t = begin();
	int i, status;

	for (i = 0; i < KINDS; i++) {
		want(succeeded(attempt(kinds[i].enter, memory)),
		    "%s: memory", kinds[i].name);
		status = attempt(kinds[i].enter, aborts);
		want(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		    "%s: abort: status 0x%x", kinds[i].name, status);
	}
	want(succeeded(attempt(store, own_file)), "store: its own files");
	want(succeeded(attempt(sandbox_resolver, resolve)), "resolver");
	want(succeeded(attempt(sandbox_parent, try_fork)), "parent: fork");
	want(succeeded(attempt(sandbox_parent, try_exec)), "parent: exec");
	want(succeeded(attempt(sandbox_parent, try_open)), "parent: open");
	want(!succeeded(attempt(sandbox_parent, try_ptrace)),
	    "parent: ptrace");
	end(t);
}
END_TEST

/* From here on this call fails as in a kernel that does not have it. */
static void
take_away(uint32_t nr, uint32_t error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	no_new_privs();
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		_exit(1);
}

static void
without_landlock(void)
{
	take_away(NR_LANDLOCK, ENOSYS);
	sandbox_router();
}

static void
without_seccomp(void)
{
	take_away(SYS_seccomp, ENOSYS);
	sandbox_router();
}

static int
only_seccomp(void)
{
	return sandbox_layers() == (SANDBOX_LIMITS | SANDBOX_NO_NEW_PRIVS |
	    SANDBOX_CALLS) ? 0 : -1;
}

static int
no_seccomp(void)
{
	return (sandbox_layers() & SANDBOX_CALLS) == 0 ? 0 : -1;
}

/* What is left must hold. */
START_TEST(what_the_kernel_lacks)
{
	struct tenv *t = begin();

	want(succeeded(attempt(without_landlock, only_seccomp)),
	    "not without Landlock");
	want(!succeeded(attempt(without_landlock, try_open)), "a file");
	want(succeeded(attempt(without_seccomp, no_seccomp)),
	    "not without seccomp");
	if ((layers_of(&kinds[ROUTER]) & SANDBOX_FILES) != 0)
		want(!succeeded(attempt(without_seccomp, try_open)),
		    "a file, without seccomp");
	end(t);
}
END_TEST

static void
put(struct tenv *t, const char *name, const char *text, char path[T_PATH])
{
	strlcpy(path, tenv_path(t, name), T_PATH);
	write_file(path, text, strlen(text));
	want(chmod(path, 0600) == 0, "chmod");
}

static json_t *
processes(struct tenv *t)
{
	struct output *o = run(t, NULL, "hubctl", "-j", "show", "processes",
	    NULL);
	json_t *j = json_loads(o->out, 0, NULL);

	want(j != NULL, "not JSON: %s%s", o->out, o->err);
	output_free(o);
	return json_object_get(tenv_keep(t, j), "processes");
}

static int
all_ready(void *arg)
{
	json_t *list = processes(arg), *p;
	size_t i;

	if (json_array_size(list) != PROCESSES)
		return 0;
	json_array_foreach(list, i, p) {
		if (!json_is_true(json_object_get(p, "ready")))
			return 0;
	}
	return 1;
}

static int
has_layer(json_t *p, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(p, "sandbox"), i, v) {
		if (strcmp(json_string_value(v), name) == 0)
			return 1;
	}
	return 0;
}

/* As root, where there is the services' user, it has become that one. */
static void
check_user(struct tenv *t, json_t *p, const char *name, int parent)
{
	const char *root = "/";
	struct privdrop user;
	uid_t uid = getuid();

	if (!parent && privdrop_user(&user) == 1) {
		uid = user.uid;
		if (strcmp(name, "store") == 0)
			root = t->data;
		else if (strcmp(name, "resolver") != 0)
			root = ECORELAY_EMPTYDIR;
	}
	want(json_integer_value(json_object_get(p, "uid")) == uid,
	    "%s: user", name);
	want(strcmp(json_string_value(json_object_get(p, "root")), root) == 0,
	    "%s: root", name);
}

static void
check_process(struct tenv *t, json_t *p)
{
	const char *name = json_string_value(json_object_get(p, "process"));
	pid_t pid = (pid_t)json_integer_value(json_object_get(p, "pid"));
	int parent = strcmp(name, "parent") == 0;

	want(proc_status(pid, "Seccomp:\t") == 2, "%s: no seccomp", name);
	want(proc_status(pid, "NoNewPrivs:\t") == 1, "%s: privileges", name);
	want(has_layer(p, "seccomp") && has_layer(p, "no_new_privs"),
	    "%s: does not say so", name);
	want(has_layer(p, "landlock-files") ==
	    (!parent && (layers_of(&kinds[ROUTER]) & SANDBOX_FILES) != 0),
	    "%s: Landlock", name);
	check_user(t, p, name, parent);
}

START_TEST(a_real_hub)
{
	struct tenv *t = begin();
	char secret[T_PATH], conf[2048];
	struct output *o;
	int port, fd;
	json_t *list, *p;
	size_t i;

	fd = port_take(&port);
	close(fd);
	put(t, "lan", "a long secret\n", secret);
	snprintf(conf, sizeof(conf), "hub id \"sevilla\"\n"
	    "lan secret file \"%s\"\nlan listen on 127.0.0.1 port %d\n"
	    "lan peer \"other\" host localhost port %d\n"
	    "relay \"ws://127.0.0.1:%d\" token file \"%s\"\n",
	    secret, port, at.port, at.port, secret);
	hub_conf(t, conf);
	hub_start(t);
	want(t_until(t, all_ready, t, T_WAIT), "not all are ready");
	list = processes(t);
	json_array_foreach(list, i, p)
		check_process(t, p);
	o = run(t, NULL, "hubctl", "show", "processes", NULL);
	want(strstr(o->out, "resolver") != NULL &&
	    strstr(o->out, "seccomp") != NULL, "%s", o->out);
	output_free(o);
	hub_serves(t);
	want(hub_stop(t, SIGTERM) == 0, "status");
	end(t);
}
END_TEST

/* The router, and its parent, which does not wait for it. */
static int
relay_locked_in(void *arg)
{
	struct tenv *t = arg;
	pid_t pids[8];
	size_t i, n = procs_all(t->data, pids, 8);

	for (i = 0; i < n; i++) {
		if (proc_status(pids[i], "Seccomp:\t") != 2 ||
		    proc_status(pids[i], "NoNewPrivs:\t") != 1)
			return 0;
	}
	return n == 2;
}

START_TEST(a_real_relay)
{
	const char *argv[] = { "relayd", "-d", "-f", NULL, NULL };
	const int fds[2] = { -1, -1 };
	struct tenv *t = begin();
	char secret[T_PATH], conf[1024], path[T_PATH];
	int port, status;
	pid_t pid;

	close(port_take(&port));
	put(t, "relay.secret", "a long secret\n", secret);
	snprintf(conf, sizeof(conf), "listen on 127.0.0.1 port %d\n"
	    "secret file \"%s\"\n", port, secret);
	put(t, "relayd.conf", conf, path);
	argv[3] = path;
	pid = program_start("relayd", argv, fds, tenv_path(t, "log"), NULL);
	want(t_until(t, relay_locked_in, t, T_WAIT), "not locked in: %s",
	    read_file(tenv_path(t, "log")));
	(void)kill(pid, SIGTERM);
	want(program_wait(pid, &status, T_WAIT) == 0 && status == 0,
	    "status 0x%x", status);
	end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s;

	(void)argc;
	if (SANITIZED || (layers_of(&kinds[ROUTER]) & SANDBOX_CALLS) == 0) {
		printf("no seccomp in this build, or on this system\n");
		return 77;
	}
	s = suite_create("sandbox");
	test_add(s, what_an_intruder_tries, 60);
	test_add(s, what_they_need, 60);
	test_add(s, what_the_kernel_lacks, 20);
	test_add(s, a_real_hub, 60);
	test_add(s, a_real_relay, 60);
	return test_main(argv[0], s);
}

#else

#include <stdio.h>

int
main(void)
{
	printf("this system has no sandbox that is tested here\n");
	return 77;
}

#endif
