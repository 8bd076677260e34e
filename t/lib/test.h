/* SPDX-License-Identifier: ISC */
/*
 * What the regression tests share: a directory, a hub and processes of their
 * own for each test.  Check forks for each test; so nothing here is shared
 * between two tests.
 */
#ifndef TEST_H
#define TEST_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include <check.h>
#include <jansson.h>

#define T_WAIT		30000	/* ms: for what should come at once */
#define T_PATH		512

struct conn;
TAILQ_HEAD(connlist, conn);

/* One test's surroundings. */
struct tenv {
	char		 dir[32];	/* its own; all below is in it */
	char		 data[64];	/* ECORELAY_DATA; made by the hub */
	char		 home[64];	/* HOME */
	char		 sock[96];	/* data/hub.sock */
	char		 hublog[96];	/* what `hubd -d` says */
	pid_t		 hub;		/* of hub_start(), or 0 */
	int		 janitor;	/* pipe to it */
	struct tenv	*root;		/* itself, or that it is beside */
	struct tenv	*next;		/* of those beside it */
	/* those of the root hold for all beside it */
	unsigned	 nlogs;
	struct connlist	 conns;
	json_t		*kept;		/* values handed to the test */
};

/* What a program said and how it ended (as waitpid() says). */
struct output {
	int		 status;
	char		*out, *err;
};

/* Runs the suite and frees it; the exit status. */
int	 suite_run(Suite *);
/* The same for a program that starts others. */
int	 test_main(const char *argv0, Suite *);
/* Adds a test case with one test of its own, and its timeout in seconds. */
void	 test_add(Suite *, const TTest *, int timeout);

/* Where a failure is said to be; set by the macros below. */
void	 t_at(const char *file, int line);
#define AT(call)	(t_at(__FILE__, __LINE__), call)
void	 t_fail(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));
#define fail_with(...)	(t_at(__FILE__, __LINE__), t_fail(__VA_ARGS__))
/* Fails with the text unless it holds. */
#define want(ok, ...)	do {						\
	if (!(ok))							\
		fail_with(__VA_ARGS__);					\
} while (0)

/* Milliseconds of a clock that only goes forward. */
int64_t	 t_now(void);
/* ms, or more where sanitizers make programs slow. */
int	 t_slow(int ms);
/*
 * Reads from all connections until the condition holds (1) or ms are over
 * (0).  Tried anew after each event and every 10 ms.
 */
int	 t_until(struct tenv *, int (*)(void *), void *, int ms);
/* A text of n bytes c; freed by the caller. */
char	*t_fill(char c, size_t n);
/* A socket with a port of its own, at which nobody listens yet. */
int	 port_take(int *port);
/* A connection to that port of the loopback; -1 if nobody listens. */
int	 port_call(int port);

/* env.c: begins and ends a test; the end fails if a process is left. */
struct tenv	*tenv_new(void);
/*
 * Surroundings for another hub in the directory of the first, with a data
 * directory and a HOME of its own; they end with the first.
 */
struct tenv	*tenv_beside(struct tenv *, const char *name);
/* Programs started from now on have its data directory and HOME. */
void		 tenv_enter(const struct tenv *);
#define tenv_end(t)	AT(tenv_end_(t))
void		 tenv_end_(struct tenv *);
/* Keeps a value until the end of the test, and returns it. */
json_t		*tenv_keep(struct tenv *, json_t *);
/* A path in the test's directory, in a buffer that the next call reuses. */
const char	*tenv_path(struct tenv *, const char *name);
void		 remove_tree(const char *dir);

/* procs.c: the test's processes, found by their environment and parents. */
/* dir: their ECORELAY_DATA, or a directory that it is in. */
size_t	 procs_all(const char *dir, pid_t *, size_t max);
/*
 * A process of the hub: "router", "store", "bridged", "uplink", or NULL for
 * the parent; or 0.
 */
pid_t	 hub_pid(struct tenv *, const char *role);
/* The hub's child of that program, "bridged"; or 0. */
pid_t	 child_pid(struct tenv *, const char *program);
/*
 * Waits until they have given back all they had: their environment goes before
 * their locks and sockets do.  1, or 0 after ms.
 */
int	 procs_ended(struct tenv *, const pid_t *, size_t, int ms);
/* Those of the hub itself. */
size_t	 hub_pids(struct tenv *, pid_t *, size_t max);
/* The number behind a word of /proc/PID/status, as "VmRSS:"; -1: unknown. */
long	 proc_status(pid_t, const char *word);
/* How many descriptors it has; -1: unknown. */
int	 proc_fds(pid_t);
/* How many hubs (parents) there are. */
int	 hub_count(struct tenv *);
/* 1 if none of the test's is left within ms. */
int	 procs_gone(struct tenv *, int ms);
/* Proportional set size of the hub's processes, in KiB; -1: unknown. */
long	 hub_pss(struct tenv *);

/* run.c: programs.  Argument lists end with NULL. */
void	 program_path(const char *name, char dst[T_PATH]);
void	 program_init(const char *argv0);
/*
 * fds: read end of its stdin, write end of its stdout, or -1 for /dev/null;
 * log: file for stderr (and for stdout if that is -1); dir: or NULL.
 */
pid_t	 program_start(const char *name, const char *const *argv,
	    const int fds[2], const char *log, const char *dir);
/*
 * Programs started and sessions opened from now on are that user's; only root
 * can do that.  0: root's own again.
 */
void	 program_as(uid_t);
uid_t	 program_user(void);
/* Waits for a child; 0 and its status, or -1 after ms. */
int	 program_wait(pid_t, int *status, int ms);
/* Runs one to its end with input (or NULL) on stdin; freed by the caller. */
#define run(t, ...)	AT(run_(t, __VA_ARGS__))
struct output	*run_(struct tenv *, const char *input, const char *name, ...);
void		 output_free(struct output *);
char		*read_file(const char *path);
void		 write_file(const char *path, const char *, size_t);

/*
 * smalldisk.c: mounts 8 MiB at the data directory, where nobody else sees it;
 * called again, makes it read-only or writable.  0 if that is not allowed.
 */
int	 small_disk(struct tenv *, int read_only);
void	 small_disk_end(struct tenv *);

/* hub.c: `hubd -d` */
#define hub_start(t)	AT(hub_start_(t))
void	 hub_start_(struct tenv *);
/* Waits until somebody answers at the socket. */
#define hub_wait(t)	AT(hub_wait_(t))
void	 hub_wait_(struct tenv *);
/* Sends it the signal, waits for its end and returns its status. */
#define hub_stop(t, sig) AT(hub_stop_(t, sig))
int	 hub_stop_(struct tenv *, int sig);
/* SIGKILL to one process of it, or "all"; all of it ends; its status. */
#define hub_kill(t, role) AT(hub_kill_(t, role))
int	 hub_kill_(struct tenv *, const char *role);
/*
 * SIGKILL to one process of a hub that sessions have started; waits until they
 * have started another one and the old one has gone.
 */
#define hub_restart(t, role) AT(hub_restart_(t, role))
void	 hub_restart_(struct tenv *, const char *role);
/* Puts a hubd.conf where a user has it. */
void	 hub_conf(struct tenv *, const char *text);
/* Fails unless a new session is answered at once. */
#define hub_serves(t)	AT(hub_serves_(t))
void	 hub_serves_(struct tenv *);

#endif
