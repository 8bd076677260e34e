/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup: lets the AI hosts that are installed start channeld, or use
 * our extensions.  The table of hosts is here.
 */
#include "compat.h"

#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubctl.h"
#include "paths.h"
#include "setup.h"

struct host {
	const char	*name;
	const char	*programs[2];
	const char	*dir;		/* below the home directory */
	const char	*env;		/* has another place for it, or NULL */
	const char	*env_dir;	/* the directory's name there, or "" */
	int		 (*fn)(struct setup *, const struct host *);
	const char	*file;		/* in dir */
	const char	*what;		/* is put into it */
	enum edit_result (*edit)(struct change *);
	struct copy	 copies[COPIES_MAX];
	size_t		 ncopies;
};

static int	find_ours(struct setup *);
static int	find_host_dir(struct setup *, const struct host *);
static int	find_in_path(const char *, char *, size_t);
static int	is_installed(const struct setup *, const struct host *);
static int	set_up(struct setup *, const struct host *);
static int	host_edit(struct setup *, const struct host *);
static int	host_copy(struct setup *, const struct host *);
static int	host_claude(struct setup *, const struct host *);
static int	claude_file(struct setup *, char *, char *, size_t);
static int	claude_run(struct setup *, char **);
static int	write_edited(struct conffile *, const struct change *);
static const struct host *host_named(const char *);
static void	none_of_hosts(const char *, const char *);

static const struct host hosts[] = {
	{ .name = "claude", .programs = { "claude" }, .dir = ".claude",
	    .env = "CLAUDE_CONFIG_DIR", .env_dir = "", .fn = host_claude,
	    .file = ".claude.json" },
	{ .name = "opencode", .programs = { "opencode" },
	    .dir = ".config/opencode", .env = "XDG_CONFIG_HOME",
	    .env_dir = "/opencode", .fn = host_copy, .copies = {
	    { "lib/relay.mjs", "ecorelay/relay.mjs" },
	    { NULL, "ecorelay/hubd.path" },
	    { "opencode/ecorelay.js", "plugins/ecorelay.js" } },
	    .ncopies = 3 },
	{ .name = "copilot", .programs = { "copilot" }, .dir = ".copilot",
	    .env = "COPILOT_HOME", .env_dir = "", .fn = host_copy, .copies = {
	    { "lib/relay.mjs", "extensions/ecorelay/relay.mjs" },
	    { NULL, "extensions/ecorelay/hubd.path" },
	    { "copilot/extension.mjs", "extensions/ecorelay/extension.mjs" } },
	    .ncopies = 3 },
	{ .name = "codex", .programs = { "codex" }, .dir = ".codex",
	    .env = "CODEX_HOME", .env_dir = "", .fn = host_edit,
	    .file = "config.toml", .what = "[mcp_servers." SERVER "]",
	    .edit = change_toml },
	{ .name = "gemini", .programs = { "gemini" }, .dir = ".gemini",
	    .fn = host_edit, .file = "settings.json",
	    .what = "mcpServers." SERVER, .edit = change_json },
	{ .name = "cursor", .programs = { "cursor", "cursor-agent" },
	    .dir = ".cursor", .fn = host_edit, .file = "mcp.json",
	    .what = "mcpServers." SERVER, .edit = change_json },
};
#define NHOSTS		(sizeof(hosts) / sizeof(hosts[0]))

/* What is said of what is done; by enum edit_result. */
static const struct {
	const char	*does, *where;
} sayings[] = {
	[EDIT_NONE] = { "nothing to do", NULL },
	[EDIT_ADD] = { "adds", "to" },
	[EDIT_CHANGE] = { "changes", "in" },
	[EDIT_REMOVE] = { "removes", "from" },
	[EDIT_REFUSED] = { NULL, NULL },
};

int
cmd_setup(struct hubctl *ctl, int argc, char **argv)
{
	struct setup s = { .dry_run = ctl->dry_run, .undo = ctl->undo };
	const struct host *named[NHOSTS] = { NULL }, *h;
	size_t i, n = 0;
	int k, rc = EXIT_SUCCESS;

	for (k = 0; k < argc; k++) {
		if ((h = host_named(argv[k])) == NULL) {
			none_of_hosts(argv[k], "it is");
			return EXIT_USAGE;
		}
		named[h - hosts] = h;
	}
	if (find_ours(&s) == -1)
		return EXIT_FAILURE;
	for (i = 0; i < NHOSTS; i++) {
		h = &hosts[i];
		if (argc > 0 && named[i] == NULL)
			continue;
		s.host = h->name;
		if (find_host_dir(&s, h) == -1) {
			warn("%s", h->name);
			rc = EXIT_FAILURE;
		} else if (is_installed(&s, h)) {
			n++;
			if (set_up(&s, h) != EXIT_SUCCESS)
				rc = EXIT_FAILURE;
		} else if (argc > 0) {
			warnx("%s: not found", h->name);
			rc = EXIT_FAILURE;
		}
	}
	if (argc > 0 || n > 0 || rc != EXIT_SUCCESS)
		return rc;
	none_of_hosts("no host was found", "there is");
	return EXIT_FAILURE;
}

static void
none_of_hosts(const char *what, const char *verb)
{
	struct wbuf w = { 0 };
	size_t i;

	for (i = 0; i < NHOSTS; i++) {
		wbuf_adds(&w, i == 0 ? "" : ", ");
		wbuf_adds(&w, hosts[i].name);
	}
	warnx("%s: %s none of %.*s", what, verb, (int)w.len, wbuf_data(&w));
	wbuf_free(&w);
}

static const struct host *
host_named(const char *name)
{
	size_t i;

	for (i = 0; i < NHOSTS; i++) {
		if (strcmp(hosts[i].name, name) == 0)
			return &hosts[i];
	}
	return NULL;
}

/* The home directory, and the programs that hosts are to start. */
static int
find_ours(struct setup *s)
{
	const struct {
		const char	*name;
		char		*path;
	} programs[] = {
		{ "channeld", s->channeld },
		{ "hubd", s->hubd },
	};
	char path[PATH_MAX];
	size_t i;

	if (paths_home(s->home, sizeof(s->home)) == -1) {
		warnx("there is no home directory");
		return -1;
	}
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (paths_program(programs[i].name, path, sizeof(path)) == 0 &&
		    realpath(path, programs[i].path) != NULL)
			continue;
		warn("%s", programs[i].name);
		return -1;
	}
	return 0;
}

static int
find_host_dir(struct setup *s, const struct host *h)
{
	const char *env = h->env != NULL ? getenv(h->env) : NULL;
	int n;

	if (env == NULL || env[0] != '/')
		return paths_join(s->dir, sizeof(s->dir), s->home, h->dir);
	n = snprintf(s->dir, sizeof(s->dir), "%s%s", env, h->env_dir);
	if (n < 0 || (size_t)n >= sizeof(s->dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* Relative directories in PATH do not count. */
static int
find_in_path(const char *name, char *dst, size_t size)
{
	const char *p = getenv("PATH"), *end;
	struct stat st;
	int n;

	for (; p != NULL && *p != '\0'; p = *end == ':' ? end + 1 : end) {
		end = p + strcspn(p, ":");
		n = snprintf(dst, size, "%.*s/%s", (int)(end - p), p, name);
		if (*p == '/' && n > 0 && (size_t)n < size &&
		    stat(dst, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(dst, X_OK) == 0)
			return 0;
	}
	return -1;
}

static int
is_installed(const struct setup *s, const struct host *h)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(h->programs) / sizeof(h->programs[0]); i++) {
		if (h->programs[i] != NULL &&
		    find_in_path(h->programs[i], path, sizeof(path)) == 0)
			return 1;
	}
	return stat(s->dir, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
set_up(struct setup *s, const struct host *h)
{
	int rc = h->fn(s, h);

	fflush(stdout);
	return rc;
}

int
setup_say(const struct setup *s, enum edit_result r, const char *what,
    const char *path, const char *why)
{
	if (r == EDIT_REFUSED) {
		warnx("%s: %s is left alone: %s", s->host, path, why);
		return EXIT_FAILURE;
	}
	printf("%s: %s", s->host, sayings[r].does);
	if (sayings[r].where != NULL)
		printf(" %s %s %s", what, sayings[r].where, path);
	else if (why[0] != '\0')
		printf(": %s (%s)", why, path);
	printf("\n");
	fflush(stdout);
	return EXIT_SUCCESS;
}

static int
write_edited(struct conffile *f, const struct change *e)
{
	const char *text = wbuf_data(&e->out);

	if (!e->undo)
		return conffile_write(f, text, e->out.len, 1);
	if (f->old != NULL && f->old_len == e->out.len &&
	    memcmp(f->old, text, f->old_len) == 0)
		return conffile_restore(f);
	if (f->old == NULL && e->out.len == 0)
		return conffile_remove(f);
	return conffile_write(f, text, e->out.len, 0);
}

static int
host_edit(struct setup *s, const struct host *h)
{
	struct change e = { .command = s->channeld, .undo = s->undo };
	struct conffile f;
	enum edit_result r;
	char path[PATH_MAX];
	int rc;

	if (paths_join(path, sizeof(path), s->dir, h->file) == -1) {
		warn("%s: %s", s->host, s->dir);
		return EXIT_FAILURE;
	}
	if (conffile_open(&f, path, e.why, sizeof(e.why)) == -1)
		return setup_say(s, EDIT_REFUSED, h->what, path, e.why);
	e.text = f.text;
	e.len = f.len;
	e.old = f.old;
	e.old_len = f.old_len;
	e.created = f.created;
	r = h->edit(&e);
	rc = setup_say(s, r, h->what, path, e.why);
	if (r != EDIT_NONE && r != EDIT_REFUSED && !s->dry_run &&
	    write_edited(&f, &e) == -1) {
		warn("%s: %s", s->host, path);
		rc = EXIT_FAILURE;
	}
	wbuf_free(&e.out);
	conffile_close(&f);
	return rc;
}

static int
host_copy(struct setup *s, const struct host *h)
{
	return setup_copies(s, h->copies, h->ncopies);
}

/*
 * Claude Code's file is in its directory only if the environment says where
 * that is.  Finds the file, into path[PATH_MAX], and what it has for our
 * server, "" if nothing.
 */
static int
claude_file(struct setup *s, char *path, char *command, size_t size)
{
	const struct host *h = host_named(s->host);
	const char *env = getenv(h->env);
	struct change e = { 0 };
	struct conffile f;
	int rc;

	if (paths_join(path, PATH_MAX, env != NULL && env[0] == '/' ? s->dir :
	    s->home, h->file) == -1) {
		warn("%s: %s", s->host, s->home);
		return -1;
	}
	command[0] = '\0';
	rc = conffile_open(&f, path, e.why, sizeof(e.why));
	if (rc == 0) {
		e.text = f.text;
		e.len = f.len;
		rc = json_command(&e, command, size);
		conffile_close(&f);
	}
	if (rc == -1)
		setup_say(s, EDIT_REFUSED, NULL, path, e.why);
	return rc;
}

/* Without a shell; what it says on standard output is not ours. */
static int
claude_run(struct setup *s, char **argv)
{
	int fd, status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == -1) {
		warn("%s: fork", s->host);
		return -1;
	}
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if ((fd = open("/dev/null", O_RDWR)) == -1 ||
		    dup2(fd, STDIN_FILENO) == -1 ||
		    dup2(fd, STDOUT_FILENO) == -1)
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1) {
		if (errno == EINTR)
			continue;
		warn("%s: waitpid", s->host);
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	warnx("%s: %s mcp %s failed", s->host, argv[0], argv[2]);
	return -1;
}

static int
host_claude(struct setup *s, const struct host *h)
{
	char program[PATH_MAX], path[PATH_MAX], command[PATH_MAX];
	char mcp[] = "mcp", add[] = "add", rm[] = "remove", opt[] = "-s";
	char user[] = "user", relay[] = SERVER, end[] = "--";
	char *added[] = { program, mcp, add, opt, user, relay, end,
		s->channeld, NULL };
	char *removed[] = { program, mcp, rm, opt, user, relay, NULL };
	enum edit_result r;

	if (claude_file(s, path, command, sizeof(command)) == -1)
		return EXIT_FAILURE;
	if (command[0] == '\0' || (s->undo && !is_channeld(command)))
		r = s->undo ? EDIT_NONE : EDIT_ADD;
	else if (s->undo)
		r = EDIT_REMOVE;
	else if (!is_channeld(command))
		r = EDIT_REFUSED;
	else
		r = strcmp(command, s->channeld) == 0 ? EDIT_NONE :
		    EDIT_CHANGE;
	if (r != EDIT_NONE && r != EDIT_REFUSED &&
	    find_in_path(h->programs[0], program, sizeof(program)) == -1) {
		warnx("%s: nothing is done: no program %s in PATH", s->host,
		    h->programs[0]);
		return EXIT_FAILURE;
	}
	if (setup_say(s, r, "MCP server " SERVER, path, r == EDIT_REFUSED ?
	    "another server is called " SERVER " there" : "") != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (s->dry_run || r == EDIT_NONE)
		return EXIT_SUCCESS;
	if (r != EDIT_ADD && claude_run(s, removed) == -1)
		return EXIT_FAILURE;
	if (r != EDIT_REMOVE && claude_run(s, added) == -1)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
