/* SPDX-License-Identifier: ISC */
/*
 * hubctl setup: in homes of their own, with hosts that are but their
 * configuration, and a claude that edits its file as the real one does.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

static const char claude[] =
    "#!/bin/sh\n"
    "echo \"$@\" >>\"$HOME/claude.args\"\n"
    "case $2 in\n"
    "add) echo \"{\\\"mcpServers\\\": {\\\"relay\\\": {\\\"command\\\": "
    "\\\"$7\\\"}}}\" >\"$HOME/.claude.json\" ;;\n"
    "remove) echo '{}' >\"$HOME/.claude.json\" ;;\n"
    "esac\n";

static const char toml[] =
    "model = \"x\" # [not a table\n\n[a.\"b c\"]\nlist = [\n  \"1\",\n"
    "]\ntext = '''\n]]'''\n";
static const char json[] = "{\"b\":1,\"mcpServers\":{\"other\":"
    "{\"command\":\"x\"}},\n \"a\":[2.5]}";

/* A path in the home, in a buffer that the next call reuses. */
static char *
home_of(struct tenv *t, const char *file)
{
	static char	 path[T_PATH];

	snprintf(path, sizeof(path), "%s/%s", t->home, file);
	return (path);
}

static void
put(struct tenv *t, const char *file, const char *text)
{
	char	 dir[T_PATH], *p;

	snprintf(dir, sizeof(dir), "%s/%s", t->home, file);
	for (p = dir + strlen(t->home) + 1; (p = strchr(p, '/')) != NULL;
	    p++) {
		*p = '\0';
		(void)mkdir(dir, 0700);
		*p = '/';
	}
	write_file(dir, text, strlen(text));
}

/* Nothing but our own claude, if it is wanted, is in PATH. */
static struct tenv *
begin(int with_claude)
{
	struct tenv	*t = tenv_new();
	char		 path[2 * T_PATH];

	put(t, "bin/x", "");
	if (with_claude) {
		put(t, "bin/claude", claude);
		(void)chmod(home_of(t, "bin/claude"), 0700);
	}
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", t->home);
	setenv("PATH", path, 1);
	return (t);
}

static void
same_text(struct tenv *t, const char *file, const char *text)
{
	char	*is;

	if (text == NULL) {
		want(access(home_of(t, file), F_OK) == -1, "%s is there", file);
		return;
	}
	want(access(home_of(t, file), F_OK) == 0, "no %s", file);
	is = read_file(home_of(t, file));
	want(strcmp(is, text) == 0, "%s: %s", file, is);
	free(is);
}

static void
has_text(struct tenv *t, const char *file, const char *text)
{
	char	*is = read_file(home_of(t, file));

	want(strstr(is, text) != NULL, "%s: %s is not in %s", file, text, is);
	free(is);
}

/* setup with those arguments; its output must have the texts. */
#define setup(t, code, said, complaint, ...)				\
	is_done(run(t, NULL, "hubctl", "setup", __VA_ARGS__), code, said, \
	    complaint)

static void
is_done(struct output *o, int code, const char *said, const char *complaint)
{
	want(WIFEXITED(o->status) && WEXITSTATUS(o->status) == code &&
	    strstr(o->out, said) != NULL && strstr(o->err, complaint) != NULL,
	    "status 0x%x: %s%s", o->status, o->out, o->err);
	output_free(o);
}

START_TEST(all_and_back)
{
	struct tenv	*t = begin(1);
	struct stat	 st;

	put(t, ".codex/config.toml", toml);
	put(t, ".gemini/settings.json", json);
	(void)chmod(home_of(t, ".gemini/settings.json"), 0640);
	put(t, ".claude.json", "{\"n\":1}");
	put(t, ".cursor/x", "");
	put(t, ".copilot/x", "");
	put(t, ".config/opencode/plugins/mine.js", "mine");

	setup(t, 0, "Nothing was changed", "", "-n", NULL);
	same_text(t, ".codex/config.toml", toml);
	same_text(t, ".gemini/settings.json", json);
	same_text(t, ".cursor/mcp.json", NULL);
	same_text(t, "claude.args", NULL);

	setup(t, 0, "claude: runs claude mcp add -s user relay -- /", "",
	    NULL);
	has_text(t, "claude.args", "mcp add -s user relay -- /");
	same_text(t, ".claude.json.ecorelay-backup", "{\"n\":1}");
	has_text(t, ".codex/config.toml", "\n[mcp_servers.relay]\ncommand = "
	    "\"/");
	has_text(t, ".codex/config.toml", toml);
	same_text(t, ".codex/config.toml.ecorelay-backup", toml);
	has_text(t, ".gemini/settings.json", "\"a\": [\n    2.5\n  ]");
	has_text(t, ".gemini/settings.json", "/channeld\"");
	same_text(t, ".gemini/settings.json.ecorelay-backup", json);
	(void)stat(home_of(t, ".gemini/settings.json"), &st);
	want((st.st_mode & 0777) == 0640, "mode %o", st.st_mode & 0777);
	has_text(t, ".cursor/mcp.json", "\"relay\"");
	has_text(t, ".config/opencode/plugins/ecorelay.js", "relay.mjs");
	has_text(t, ".config/opencode/ecorelay/hubd.path", "/hubd\n");
	has_text(t, ".copilot/extensions/ecorelay/extension.mjs", "relay");

	/* once more changes nothing */
	setup(t, 0, "claude: nothing to do\nopencode: nothing to do\n"
	    "copilot: nothing to do\ncodex: nothing to do\n"
	    "gemini: nothing to do\ncursor: nothing to do\n", "", NULL);

	setup(t, 0, "codex: takes", "", "-r", NULL);
	same_text(t, ".codex/config.toml", toml);
	same_text(t, ".codex/config.toml.ecorelay-backup", NULL);
	same_text(t, ".gemini/settings.json", json);
	same_text(t, ".cursor/mcp.json", NULL);
	same_text(t, ".config/opencode/ecorelay/relay.mjs", NULL);
	same_text(t, ".config/opencode/ecorelay", NULL);
	same_text(t, ".config/opencode/plugins/mine.js", "mine");
	same_text(t, ".copilot/extensions/ecorelay", NULL);
	same_text(t, ".claude.json.ecorelay-backup", NULL);
	has_text(t, "claude.args", "mcp remove -s user relay");
	setup(t, 0, "gemini: nothing to do", "", "-r", NULL);
	tenv_end(t);
}
END_TEST

/* What others changed meanwhile stays. */
START_TEST(only_our_part_goes)
{
	struct tenv	*t = begin(0);
	char		*text, more[4096];

	put(t, ".codex/config.toml", toml);
	put(t, ".gemini/settings.json", json);
	setup(t, 0, "", "", "codex", "gemini", NULL);
	text = read_file(home_of(t, ".codex/config.toml"));
	snprintf(more, sizeof(more), "%s[later]\nx = 1\n", text);
	put(t, ".codex/config.toml", more);
	free(text);
	put(t, ".gemini/settings.json", "{\"mcpServers\":{\"relay\":"
	    "{\"command\":\"/old/channeld\"},\"new\":{}}}");
	setup(t, 0, "gemini: puts", "", "gemini", NULL);
	setup(t, 0, "", "", "-r", "codex", "gemini", NULL);
	snprintf(more, sizeof(more), "%s[later]\nx = 1\n", toml);
	same_text(t, ".codex/config.toml", more);
	same_text(t, ".gemini/settings.json", "{\n  \"mcpServers\": {\n"
	    "    \"new\": {}\n  }\n}\n");
	tenv_end(t);
}
END_TEST

START_TEST(left_alone)
{
	static const char *const broken[] = {
		"x = \"open\n", "x = [1,\n", "nonsense\n", "x = ]\n",
		"x = '''\nopen", "# ecorelay begin\n",
		"[mcp_servers.relay]\ncommand = \"other\"\n"
	};
	static const char *const bad[] = {
		"{", "[]", "{// comment\n}", "{\"mcpServers\": []}",
		"{\"mcpServers\": {\"relay\": {\"command\": \"other\"}}}"
	};
	struct tenv	*t = begin(0);
	size_t		 i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put(t, ".codex/config.toml", broken[i]);
		setup(t, 1, "", "config.toml: left alone: ", "codex", NULL);
		same_text(t, ".codex/config.toml", broken[i]);
		same_text(t, ".codex/config.toml.ecorelay-backup", NULL);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(t, ".gemini/settings.json", bad[i]);
		put(t, ".cursor/mcp.json", bad[i]);
		setup(t, 1, "", "settings.json: left alone: ", "gemini",
		    "cursor", NULL);
		same_text(t, ".gemini/settings.json", bad[i]);
	}
	put(t, ".claude.json", "{");
	setup(t, 1, "", ".claude.json: left alone: ", "claude", NULL);
	setup(t, 2, "", "unknown host emacs", "emacs", NULL);
	setup(t, 1, "", "copilot: not found", "copilot", NULL);
	tenv_end(t);
}
END_TEST

START_TEST(links_stay)
{
	struct tenv	*t = begin(0);
	struct stat	 st;
	char		 to[T_PATH];

	put(t, "dots/settings.json", "{}\n");
	put(t, ".gemini/x", "");
	snprintf(to, sizeof(to), "%s/dots/settings.json", t->home);
	want(symlink(to, home_of(t, ".gemini/settings.json")) == 0, "symlink");
	setup(t, 0, "", "", "gemini", NULL);
	want(lstat(home_of(t, ".gemini/settings.json"), &st) == 0 &&
	    S_ISLNK(st.st_mode), "no link any more");
	has_text(t, "dots/settings.json", "channeld");
	setup(t, 0, "", "", "-r", "gemini", NULL);
	same_text(t, "dots/settings.json", "{}\n");
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("setup");

	(void)argc;
	test_add(s, all_and_back, 30);
	test_add(s, only_our_part_goes, 20);
	test_add(s, left_alone, 30);
	test_add(s, links_stay, 20);
	return (test_main(argv[0], s));
}
