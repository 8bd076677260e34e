/* SPDX-License-Identifier: ISC */
/*
 * make bench: measures speed and memory and prints one JSON object.  It fails
 * if something could not be measured; goals that were missed are listed.  The
 * measures run in a child, so that whatever becomes of it nothing is left.
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"
#include "bench.h"
#include "log.h"
#include "paths.h"
#include "process.h"
#include "version.h"

#define IDLE_MS		"30000"	/* a hub leaves, if we are killed */
#define LIMIT_S		120	/* for all of it */
#define END_MS		10000	/* for hubs to end */

struct phase {
	const char	*name;
	int		(*measure)(struct bench *, json_t *);
};

static void	usage(void) __attribute__((__noreturn__));
static int	find_ourselves(struct bench *, const char *);
static void	environment(const struct bench *);
static int	selected(const char *, char **);
static int	measure_all(struct bench *, char **);
static void	describe(json_t *);
static int	supervise(struct bench *, pid_t);
static void	on_signal(int);
static void	clean_up(struct bench *, int);
static void	show_log(const struct bench *);
static int	remove_one(const char *, const struct stat *, int,
		    struct FTW *);

static const struct phase phases[] = {
	{ "machine", measure_machine },
	{ "start", measure_start },
	{ "send", measure_send },
	{ "load", measure_load },
	{ "room", measure_room },
	{ "group", measure_group },
	{ "inbox", measure_inbox },
	{ "ws", measure_ws },
	{ "link", measure_link },
	{ "relay", measure_relay },
	{ "memory", measure_memory },
};

#define PHASES	(sizeof(phases) / sizeof(phases[0]))

static volatile sig_atomic_t	caught;

static void
usage(void)
{
	fprintf(stderr, "usage: bench [-D dir] [-t seconds] "
	    "[measure] ...\n"
	    "measures: machine start send load room group inbox ws "
	    "link relay memory\n");
	exit(2);
}

int
main(int argc, char *argv[])
{
	struct bench b = { 0 };
	const char *dir = NULL, *err = NULL;
	unsigned limit = LIMIT_S;
	pid_t pid;
	int c;

	log_set_name("bench", NULL);
	while ((c = getopt(argc, argv, "BD:t:")) != -1) {
		switch (c) {
		case 'B':
			return bare_answer();
		case 'D':
			dir = optarg;
			break;
		case 't':
			limit = (unsigned)strtonum(optarg, 1, 86400, &err);
			break;
		default:
			usage();
		}
	}
	if (err != NULL)
		usage();
	if (find_ourselves(&b, dir) == -1)
		return 1;
	if ((pid = fork()) == -1)
		fatal("fork");
	if (pid == 0) {
		(void)setpgid(0, 0);
		environment(&b);
		exit(measure_all(&b, argv + optind) == 0 ? 0 : 1);
	}
	(void)setpgid(pid, pid);
	(void)alarm(limit);
	return supervise(&b, pid);
}

/* We are in t/bench of the tree in which all was built. */
static int
find_ourselves(struct bench *b, const char *dir)
{
	char real[PATH_MAX], *slash;

	paths_init("bench");
	if (paths_program("bench", b->self, sizeof(b->self)) == -1) {
		log_warnx("run t/bench/bench");
		return -1;
	}
	strlcpy(b->tree, b->self, sizeof(b->tree));
	slash = strrchr(b->tree, '/');
	*slash = '\0';
	if (dir == NULL)
		dir = b->tree;
	if (realpath(dir, real) == NULL || paths_join(b->dir, sizeof(b->dir),
	    real, "run.XXXXXX") == -1 || mkdtemp(b->dir) == NULL) {
		log_warn("%s", dir);
		return -1;
	}
	strlcpy(slash, "/../..", sizeof(b->tree) - (size_t)(slash - b->tree));
	return 0;
}

/* Nothing of the user's own may have a say. */
static void
environment(const struct bench *b)
{
	static const char *const unwanted[] = {
		"RELAY_HUB_SOCKET", "RELAY_PEER_ID", "CLAUDE_RELAY_SESSION_ID",
		"RELAY_CLIENT_ID", "RELAY_SESSION_NAME", "RELAY_MACHINE_NAME",
		"RELAY_REMOTE_URL", "RELAY_API_KEY", "RELAY_URL",
		"ECORELAY_WS_URL", "ECORELAY_WS_TOKEN", "ECORELAY_LIBEXEC"
	};
	struct rlimit rl;
	size_t i;

	for (i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		(void)unsetenv(unwanted[i]);
	if (setenv("HOME", b->dir, 1) == -1 ||
	    setenv("ECORELAY_IDLE_MS", IDLE_MS, 1) == -1 ||
	    setenv("ECORELAY_WS_PORT", "0", 1) == -1)
		fatal("setenv");
	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int
selected(const char *name, char **wanted)
{
	if (*wanted == NULL)
		return 1;
	for (; *wanted != NULL; wanted++) {
		if (strcmp(*wanted, name) == 0)
			return 1;
	}
	return 0;
}

static void
describe(json_t *all)
{
	struct utsname u;

	json_object_set_new(all, "version", json_string(ecorelay_version));
	if (uname(&u) != -1) {
		json_object_set_new(all, "system", json_sprintf("%s %s %s",
		    u.sysname, u.release, u.machine));
	}
}

static int
measure_all(struct bench *b, char **wanted)
{
	json_t *all = json_object(), *o;
	int64_t begin = now_ns();
	size_t i;
	int r = 0;

	b->missed = json_array();
	describe(all);
	for (i = 0; i < PHASES; i++) {
		if (!selected(phases[i].name, wanted))
			continue;
		fprintf(stderr, "bench: %s\n", phases[i].name);
		o = json_object();
		json_object_set_new(all, phases[i].name, o);
		if (phase_begin(b, phases[i].name) == -1 ||
		    phases[i].measure(b, o) == -1) {
			json_object_set_new(o, "failed", json_true());
			r = -1;
		}
	}
	json_object_set_new(all, "missed", b->missed);
	put_real(all, "seconds", (double)(now_ns() - begin) / 1e9);
	(void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(all);
	return fflush(stdout) == 0 ? r : -1;
}

static void
on_signal(int sig)
{
	caught = sig;
}

/* Waits for the child; if it is to end early, so are all it has started. */
static int
supervise(struct bench *b, pid_t pid)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };
	struct sigaction sa = { .sa_handler = on_signal };
	int status = 0;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &sa, NULL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
		if (caught == SIGALRM)
			log_warnx("not done in time: stopped");
		(void)kill(-pid, SIGTERM);
	}
	if (!WIFEXITED(status))
		log_warnx("stopped early");
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	clean_up(b, status != 0);
	return status;
}

static void
clean_up(struct bench *b, int failed)
{
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < PHASES; i++) {
		if (paths_join(path, sizeof(path), b->dir,
		    phases[i].name) == 0 && hub_wait_gone(path, END_MS) == -1)
			log_warnx("a hub in %s does not end", path);
	}
	if (failed)
		show_log(b);
	if (nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == -1)
		log_warn("%s", b->dir);
}

static void
show_log(const struct bench *b)
{
	char path[PATH_MAX], line[1024];
	FILE *f;

	if (paths_join(path, sizeof(path), b->dir, "log") == -1 ||
	    (f = fopen(path, "r")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		fputs(line, stderr);
	fclose(f);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}
