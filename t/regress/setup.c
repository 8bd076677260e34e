/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup, in a home directory of its own: what it adds, that it keeps
 * everything else, and that all of it can be undone.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

#define TOML	"model = \"x\"\n[a]\nb = [ 1, # ]\n 2 ]\nc = '''\n[x\n'''"
#define JSON	"{ \"z\": 0.1,\n\t\"mcpServers\": {}, \"a\": [1, \"\\u00e9\"]}"
#define PLUGIN	"// SPDX-License-Identifier: ISC\nexport {};\n"

/* The files that a host has its settings in, and what is tried there. */
static const struct {
	const char	*host, *dir, *file, *text, *broken;
} files[] = {
	{ "codex", ".codex", "config.toml", TOML, "a = \"x\nb = 1\n" },
	{ "gemini", ".gemini", "settings.json", JSON, "{ // no\n}\n" },
	{ "cursor", ".cursor", "mcp.json", JSON, "{ \"a\": 1, }\n" },
};
#define NFILES	(sizeof(files) / sizeof(files[0]))

/* A path in the home directory, in one of a few buffers that take turns. */
static const char *
in_home(struct tenv *t, const char *dir, const char *file)
{
	static char	paths[8][T_PATH];
	static size_t	n;
	char		*path = paths[n++ % 8];

	snprintf(path, T_PATH, "%s/%s%s%s", t->home, dir,
	    *file != '\0' ? "/" : "", file);
	return (path);
}

static void
make_dir(struct tenv *t, const char *dir)
{
	want(mkdir(in_home(t, dir, ""), 0700) == 0 || errno == EEXIST,
	    "mkdir %s: %s", dir, strerror(errno));
}

static void
put(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static void
holds(const char *path, const char *text)
{
	char	*is = read_file(path);

	want(access(path, F_OK) == 0, "%s is not there", path);
	want(strcmp(is, text) == 0, "%s is: %s; not: %s", path, is, text);
	free(is);
}

static void
absent(const char *path)
{
	struct stat	st;

	want(lstat(path, &st) == -1, "%s is there", path);
}

static struct tenv *
begin(void)
{
	static const char *const foreign[] = {
		"CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "COPILOT_HOME",
		"CODEX_HOME"
	};
	struct tenv	*t = tenv_new();
	size_t		 i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		unsetenv(foreign[i]);
	make_dir(t, "bin");
	make_dir(t, "share");
	setenv("PATH", in_home(t, "bin", ""), 1);
	setenv("ECORELAY_SHARE", in_home(t, "share", ""), 1);
	return (t);
}

/* It must end with the code, and say the text in its output or on stderr. */
static void
setup(struct tenv *t, const char *option, const char *host, int code,
    const char *text)
{
	struct output	*o;

	if (option == NULL) {
		option = host;
		host = NULL;
	}
	o = run(t, NULL, "hubctl", "setup", option, host, NULL);
	if (!WIFEXITED(o->status) || WEXITSTATUS(o->status) != code)
		t_fail("status 0x%x, not %d; out: %.500s; err: %.500s",
		    o->status, code, o->out, o->err);
	if (strstr(o->out, text) == NULL && strstr(o->err, text) == NULL)
		t_fail("no %s; out: %.500s; err: %.500s", text, o->out,
		    o->err);
	output_free(o);
}

START_TEST(no_host)
{
	struct tenv	*t = begin();

	setup(t, NULL, NULL, 1, "no host was found");
	setup(t, NULL, "codex", 1, "codex: not found");
	setup(t, NULL, "vim", 2, "vim: it is none of claude, ");
	setup(t, "-x", NULL, 2, "usage");
	tenv_end(t);
}
END_TEST

START_TEST(keeps_and_restores)
{
	struct tenv	*t = begin();
	const char	*path, *backup, *host;
	char		*first, name[64];
	struct stat	 st;
	size_t		 i;

	for (i = 0; i < NFILES; i++) {
		host = files[i].host;
		make_dir(t, files[i].dir);
		path = in_home(t, files[i].dir, files[i].file);
		snprintf(name, sizeof(name), "%s.ecorelay-backup",
		    files[i].file);
		backup = in_home(t, files[i].dir, name);
		put(path, files[i].text);
		want(chmod(path, 0640) == 0, "chmod");
		setup(t, "-n", host, 0, path);
		holds(path, files[i].text);
		absent(backup);
		setup(t, NULL, host, 0, path);
		holds(backup, files[i].text);
		want(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640,
		    "mode 0%o", (unsigned)st.st_mode);
		first = read_file(path);
		want(strstr(first, "/channeld\"") != NULL, "%s", first);
		setup(t, NULL, host, 0, "nothing to do");
		holds(path, first);
		setup(t, "-nr", host, 0, "removes");
		holds(path, first);
		setup(t, "-r", host, 0, "removes");
		holds(path, files[i].text);
		absent(backup);
		setup(t, "-r", host, 0, "nothing to do");
		free(first);
	}
	tenv_end(t);
}
END_TEST

START_TEST(removes_what_it_created)
{
	struct tenv	*t = begin();
	const char	*path;
	char		 name[64];
	size_t		 i;

	for (i = 0; i < NFILES; i++) {
		make_dir(t, files[i].dir);
		path = in_home(t, files[i].dir, files[i].file);
		setup(t, NULL, files[i].host, 0, "adds");
		want(access(path, F_OK) == 0, "no %s", path);
		setup(t, "-r", files[i].host, 0, "removes");
		absent(path);
		snprintf(name, sizeof(name), "%s.ecorelay-new",
		    files[i].file);
		absent(in_home(t, files[i].dir, name));
		want(rmdir(in_home(t, files[i].dir, "")) == 0,
		    "something is left in %s", files[i].dir);
	}
	tenv_end(t);
}
END_TEST

START_TEST(leaves_broken_files_alone)
{
	static const char *const bad[] = {
		"a = [1,\n", "[a\n", "a\n", "a = {b = 1\n}\n", "a = 'x\n",
		"a = \"x\\\n\"\n", "a = [1}\n", "mcp_servers = {}\n", "= 1\n",
		"a =\n", "a = \"\"\"x\n", "[mcp_servers]\nrelay.command = 1\n"
	};
	struct tenv	*t = begin();
	const char	*path;
	size_t		 i;

	for (i = 0; i < NFILES; i++) {
		make_dir(t, files[i].dir);
		path = in_home(t, files[i].dir, files[i].file);
		put(path, files[i].broken);
	}
	for (i = 0; i < NFILES; i++) {
		path = in_home(t, files[i].dir, files[i].file);
		setup(t, NULL, NULL, 1, path);
		setup(t, "-r", NULL, 1, path);
		holds(path, files[i].broken);
	}
	path = in_home(t, ".codex", "config.toml");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(path, bad[i]);
		setup(t, NULL, "codex", 1, path);
		holds(path, bad[i]);
	}
	absent(in_home(t, ".codex", "config.toml.ecorelay-backup"));
	tenv_end(t);
}
END_TEST

START_TEST(leaves_others_servers_alone)
{
	static const char	toml[] = "[mcp_servers.\"relay\"]\n"
				    "command = \"/x/channeld\"\n";
	static const char	json[] = "{\"mcpServers\":{\"relay\":"
				    "{\"command\":\"/x/other\"}}}";
	static const char	url[] = "{\"mcpServers\":{\"relay\":"
				    "{\"url\":\"http://localhost/\"}}}";
	struct tenv	*t = begin();
	const char	*path;

	make_dir(t, ".codex");
	make_dir(t, ".gemini");
	path = in_home(t, ".codex", "config.toml");
	put(path, toml);
	setup(t, NULL, "codex", 0, "not from here");
	setup(t, "-r", "codex", 0, "not from here");
	holds(path, toml);
	put(path, "[mcp_servers.relay]\ncommand = \"/x/other\"\n");
	setup(t, NULL, "codex", 1, "another server");
	path = in_home(t, ".gemini", "settings.json");
	put(path, json);
	setup(t, NULL, "gemini", 1, path);
	setup(t, "-r", "gemini", 0, "nothing to do");
	holds(path, json);
	put(path, url);
	setup(t, NULL, "gemini", 1, path);
	holds(path, url);
	tenv_end(t);
}
END_TEST

/* What the host or its user have put there since stays. */
START_TEST(keeps_later_changes)
{
	struct tenv	*t = begin();
	const char	*path;
	char		*text, *end, *more;
	size_t		 size;

	make_dir(t, ".codex");
	path = in_home(t, ".codex", "config.toml");
	put(path, "a = 1\n");
	setup(t, NULL, "codex", 0, "adds");
	/* a table in front of our last comment, as Codex does it */
	text = read_file(path);
	end = strstr(text, "# ecorelay end");
	want(end != NULL, "%s", text);
	size = strlen(text) + 64;
	more = t_fill(' ', size);
	snprintf(more, size, "%.*s[projects.\"/x\"]\nt = 1\n%s",
	    (int)(end - text), text, end);
	put(path, more);
	setup(t, NULL, "codex", 0, "nothing to do");
	holds(path, more);
	setup(t, "-r", "codex", 0, "removes");
	holds(path, "a = 1\n[projects.\"/x\"]\nt = 1\n");
	free(text);
	free(more);
	make_dir(t, ".gemini");
	path = in_home(t, ".gemini", "settings.json");
	put(path, "{\"mcpServers\": {\"relay\": {\"command\": \"/x/channeld\","
	    " \"args\": [\"-n\", \"me\"]}}}");
	setup(t, NULL, "gemini", 0, "changes");
	text = read_file(path);
	want(strstr(text, "\"me\"") != NULL && strstr(text, "/x/") == NULL,
	    "%s", text);
	free(text);
	put(path, "{\"mcpServers\": {\"relay\": {\"command\": \"/y/channeld\"},"
	    " \"b\": {}}}");
	setup(t, "-r", "gemini", 0, "removes");
	text = read_file(path);
	want(strstr(text, "/x/") != NULL && strstr(text, "\"b\"") != NULL,
	    "%s", text);
	free(text);
	tenv_end(t);
}
END_TEST

START_TEST(follows_links)
{
	struct tenv	*t = begin();
	const char	*path, *real;
	struct stat	 st;
	size_t		 i;

	make_dir(t, "dotfiles");
	for (i = 0; i < NFILES; i++) {
		make_dir(t, files[i].dir);
		path = in_home(t, files[i].dir, files[i].file);
		real = in_home(t, "dotfiles", files[i].file);
		put(real, files[i].text);
		want(symlink(real, path) == 0, "symlink");
		setup(t, NULL, files[i].host, 0, "adds");
		want(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "no link");
		want(lstat(real, &st) == 0 && S_ISREG(st.st_mode), "no file");
		setup(t, "-r", files[i].host, 0, "removes");
		want(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "no link");
		holds(real, files[i].text);
	}
	tenv_end(t);
}
END_TEST

START_TEST(copies_extensions)
{
	static const struct {
		const char	*host, *home, *dest, *shared, *named, *parent;
	} hosts[] = {
		{ "opencode", ".config/opencode", "plugins/ecorelay.js",
		    "ecorelay/relay.mjs", "ecorelay/hubd.path",
		    "plugins" },
		{ "copilot", ".copilot", "extensions/ecorelay/extension.mjs",
		    "extensions/ecorelay/relay.mjs",
		    "extensions/ecorelay/hubd.path", "extensions/ecorelay" },
	};
	struct tenv	*t = begin();
	const char	*dest, *shared, *named;
	char		*text;
	size_t		 i;

	make_dir(t, ".config");
	make_dir(t, "share/lib");
	make_dir(t, "share/opencode");
	make_dir(t, "share/copilot");
	for (i = 0; i < 2; i++) {
		make_dir(t, hosts[i].home);
		setup(t, NULL, hosts[i].host, 1, "is not installed");
	}
	put(in_home(t, "share", "lib/relay.mjs"), "// shared\n" PLUGIN);
	put(in_home(t, "share", "opencode/ecorelay.js"), PLUGIN);
	put(in_home(t, "share", "copilot/extension.mjs"), PLUGIN);
	for (i = 0; i < 2; i++) {
		dest = in_home(t, hosts[i].home, hosts[i].dest);
		shared = in_home(t, hosts[i].home, hosts[i].shared);
		named = in_home(t, hosts[i].home, hosts[i].named);
		setup(t, "-n", hosts[i].host, 0, "adds");
		absent(dest);
		absent(shared);
		setup(t, NULL, hosts[i].host, 0, "adds");
		holds(dest, PLUGIN);
		holds(shared, "// shared\n" PLUGIN);
		text = read_file(named);
		want(text[0] == '/' && strstr(text, "/hubd\n") != NULL, "%s",
		    text);
		free(text);
		setup(t, NULL, hosts[i].host, 0, "nothing to do");
		put(dest, PLUGIN "// an earlier one\n");
		setup(t, NULL, hosts[i].host, 0, "changes");
		setup(t, "-r", hosts[i].host, 0, "removes");
		absent(dest);
		absent(shared);
		absent(named);
		want(mkdir(in_home(t, hosts[i].home, hosts[i].parent), 0700)
		    == 0 || errno == EEXIST, "mkdir");
		put(dest, "somebody else's\n");
		setup(t, "-r", hosts[i].host, 1, dest);
		setup(t, NULL, hosts[i].host, 0, hosts[i].dest);
		holds(dest, PLUGIN);
		setup(t, "-r", hosts[i].host, 0, "removes");
		holds(dest, "somebody else's\n");
	}
	tenv_end(t);
}
END_TEST

/* A claude that writes down how it was called, and does it. */
START_TEST(runs_claude)
{
	static const char	script[] = "#!/bin/sh\n"
	    "echo said\nfor a; do echo \"$a\"; done >>\"$HOME/args\"\n"
	    "if [ \"$2\" = remove ]; then echo '{}' >\"$HOME/.claude.json\"\n"
	    "else echo \"{\\\"mcpServers\\\":{\\\"relay\\\":{\\\"command\\\":"
	    "\\\"$7\\\"}}}\" >\"$HOME/.claude.json\"\nfi\n";
	struct tenv	*t = begin();
	const char	*path = in_home(t, "bin", "claude");
	const char	*args = in_home(t, "args", "");
	char		*text;

	put(path, script);
	want(chmod(path, 0755) == 0, "chmod");
	setup(t, "-n", "claude", 0, "adds");
	absent(args);
	setup(t, NULL, "claude", 0, "adds");
	text = read_file(args);
	want(strncmp(text, "mcp\nadd\n-s\nuser\nrelay\n--\n/", 26) == 0 &&
	    strstr(text, "/channeld\n") != NULL, "%s", text);
	free(text);
	want(unlink(args) == 0, "unlink");
	setup(t, NULL, "claude", 0, "nothing to do");
	absent(args);
	setup(t, "-r", "claude", 0, "removes");
	holds(args, "mcp\nremove\n-s\nuser\nrelay\n");
	setup(t, "-r", "claude", 0, "nothing to do");
	put(path, "#!/bin/sh\nexit 3\n");
	setup(t, NULL, "claude", 1, "failed");
	put(in_home(t, ".claude.json", ""), "{ no");
	setup(t, NULL, "claude", 1, ".claude.json is left alone");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("setup");

	(void)argc;
	test_add(s, no_host, 30);
	test_add(s, keeps_and_restores, 30);
	test_add(s, removes_what_it_created, 30);
	test_add(s, leaves_broken_files_alone, 30);
	test_add(s, leaves_others_servers_alone, 30);
	test_add(s, keeps_later_changes, 30);
	test_add(s, follows_links, 30);
	test_add(s, copies_extensions, 30);
	test_add(s, runs_claude, 30);
	return (test_main(argv[0], s));
}
