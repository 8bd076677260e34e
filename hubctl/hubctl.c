/* SPDX-License-Identifier: ISC */
/*
 * hubctl: looks into and steers a running hub.  The table of commands is
 * here; usage is made from it.
 */
#include "compat.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubctl.h"
#include "log.h"
#include "paths.h"
#include "term.h"

#define WORDS_SEARCHED	64
#define HOSTS_MAX	16
#define DAYS_DEFAULT	30
#define DAYS_MAX	36500

const struct command hubctl_commands[] = {
	{ { "show", "peers" }, "", "", 0, 0, cmd_show_peers,
	    "sessions that are connected now" },
	{ { "show", "sessions" }, "", "", 0, 0, cmd_show_sessions,
	    "every known session, online or away" },
	{ { "show", "rooms" }, "", "", 0, 0, cmd_show_rooms,
	    "rooms and who is in them" },
	{ { "show", "groups" }, "", "", 0, 0, cmd_show_groups,
	    "groups, their admins and members" },
	{ { "show", "mailboxes" }, "", "", 0, 0, cmd_show_mailboxes,
	    "every mailbox and how full it is" },
	{ { "show", "message" }, "", "ID", 1, 1, cmd_show_message,
	    "what has become of a message" },
	{ { "show", "links" }, "", "", 0, 0, cmd_show_links,
	    "other hubs and how the links to them are" },
	{ { "show", "keys" }, "", "", 0, 0, cmd_show_keys,
	    "keys of this and other hubs, and which are trusted" },
	{ { "show", "processes" }, "", "", 0, 0, cmd_show_processes,
	    "processes of the hub and what they are locked into" },
	{ { "show", "status" }, "", "", 0, 0, cmd_show_status,
	    "the hub itself" },
	{ { "show", "stats" }, "", "", 0, 0, cmd_show_stats,
	    "what the hub has done, and what it costs" },
	{ { "show", "metrics" }, "", "", 0, 0, cmd_show_metrics,
	    "the same for Prometheus" },
	{ { "send" }, "u", "[-u] NAME TEXT", 2, 2, cmd_send,
	    "send a message; -u: urgent; TEXT -: from standard input" },
	{ { "inbox" }, "", "NAME", 1, 1, cmd_inbox,
	    "the newest messages of a mailbox; marks nothing as read" },
	{ { "search" }, "", "NAME WORD ...", 2, WORDS_SEARCHED, cmd_search,
	    "messages of a mailbox and its groups with all of the words" },
	{ { "monitor" }, "", "", 0, 0, cmd_monitor,
	    "what happens, a line for each event" },
	{ { "chat" }, "", "[NAME]", 0, 1, cmd_chat,
	    "take part as a peer" },
	{ { "clean" }, "d:", "[-d DAYS]", 0, 0, cmd_clean,
	    "forget sessions away for DAYS (30); remove a dead socket" },
	{ { "check" }, "f:", "[-f FILE] [HUB ...]", 0, HOSTS_MAX, cmd_check,
	    "try whether the links to other hubs can be made" },
	{ { "trust" }, "", "HUB [KEY]", 1, 2, cmd_trust,
	    "trust the key that a hub has shown, or KEY, and no other" },
	{ { "distrust" }, "", "HUB", 1, 1, cmd_distrust,
	    "no link by way of a relay to a hub, until it is trusted" },
	{ { "forget" }, "", "HUB", 1, 1, cmd_forget,
	    "forget the keys of a hub, and that it was ever linked" },
	{ { "invite" }, "", "[URL]", 0, 1, cmd_invite,
	    "let another hub join this one's relay: prints a code" },
	{ { "join" }, "f:", "[-f CAFILE] URL CODE", 2, 2, cmd_join,
	    "join another hub at a relay, with the code that it shows" },
	{ { "setup" }, "nr", "[-nr] [HOST ...]", 0, HOSTS_MAX, cmd_setup,
	    "let AI hosts start channeld; -n: only say how; -r: undo" },
	{ { "log", "level" }, "", "LEVEL", 1, 1, cmd_log_level,
	    "log more (debug) or less (warn) until the hub ends; info" },
	{ { "backup" }, "f", "[-f] FILE", 1, 1, cmd_backup,
	    "copy the database into FILE, or to standard output (-)" },
	{ { "reload" }, "", "", 0, 0, cmd_reload,
	    "read the configuration again" },
	{ { "token" }, "r", "[-r]", 0, 0, cmd_token,
	    "your token for the WebSocket; -r: another one" },
	{ { "version" }, "", "", 0, 0, cmd_version,
	    "of hubctl and of the hub" },
	{ { "completion" }, "", "SHELL", 1, 1, cmd_completion,
	    "completion of this command line, for bash or zsh" },
	{ { "upgrade" }, "", "", 0, 0, cmd_upgrade,
	    "let the hub go on as the version that is installed now" },
	{ { "stop" }, "", "", 0, 0, cmd_stop,
	    "stop the hub" },
};
#define NCOMMANDS	(sizeof(hubctl_commands) / sizeof(hubctl_commands[0]))
const size_t hubctl_ncommands = NCOMMANDS;

static int	usage(FILE *, const int *);
static int	usage_of(const struct command *);
static int	word_match(const struct command *, int, const char *);
static size_t	narrow(int *, int, const char *);
static int	ambiguous(const int *, int, const char *);
static void	unknown(const int *, int, char **);
static const struct command *find_command(int, char **, int *);
static int	options(struct hubctl *, const char *, int, char **);
static int	run(const struct command *, struct hubctl *, int, char **);

int
main(int argc, char **argv)
{
	struct hubctl ctl = { .days = DAYS_DEFAULT };
	const struct command *cmd;
	int n, rc;

	log_set_name("hubctl", NULL);
	log_set_level(LOG_LEVEL_WARN);
	paths_init(argv[0]);
	term_init();
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "-h") == 0)
		return usage(stdout, NULL);
	if (options(&ctl, "", argc, argv) == -1)
		return usage(stderr, NULL);
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return usage(stderr, NULL);
	if ((cmd = find_command(argc, argv, &n)) == NULL)
		return EXIT_USAGE;
	rc = run(cmd, &ctl, argc - n + 1, argv + n - 1);
	/* a reader that has gone knows why it did */
	if (fflush(stdout) == EOF && errno != EPIPE)
		warn("standard output");
	if (ferror(stdout))
		rc = EXIT_FAILURE;
	return rc;
}

/* Of the commands marked in keep[], or of all. */
static int
usage(FILE *f, const int *keep)
{
	const struct command *c;
	char line[80];
	size_t i;

	fprintf(f, "usage: hubctl [-j] [-s socket] command [argument ...]\n");
	for (i = 0; i < NCOMMANDS; i++) {
		if (keep != NULL && !keep[i])
			continue;
		c = &hubctl_commands[i];
		snprintf(line, sizeof(line), "%s%s%s%s%s", c->words[0],
		    c->words[1] != NULL ? " " : "",
		    c->words[1] != NULL ? c->words[1] : "",
		    c->args[0] != '\0' ? " " : "", c->args);
		fprintf(f, "  %-22s  %s\n", line, c->help);
	}
	return f == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

static int
usage_of(const struct command *c)
{
	int i;

	fprintf(stderr, "usage: hubctl [-j] [-s socket]");
	for (i = 0; i < HUBCTL_WORDS && c->words[i] != NULL; i++)
		fprintf(stderr, " %s", c->words[i]);
	fprintf(stderr, "%s%s\n", c->args[0] != '\0' ? " " : "", c->args);
	return EXIT_USAGE;
}

/* 2 if it is the command's nth word, 1 if it is its beginning, else 0. */
static int
word_match(const struct command *c, int n, const char *word)
{
	if (n >= HUBCTL_WORDS || c->words[n] == NULL ||
	    strncmp(c->words[n], word, strlen(word)) != 0)
		return 0;
	return c->words[n][strlen(word)] == '\0' ? 2 : 1;
}

/*
 * Keeps those of the commands marked in keep[] whose nth word is word, or
 * begins with it if there is none.  Returns how many are left.
 */
static size_t
narrow(int *keep, int n, const char *word)
{
	size_t i, left = 0;
	int best = 1, match;

	for (i = 0; i < NCOMMANDS; i++) {
		if (keep[i] && word_match(&hubctl_commands[i], n, word) == 2)
			best = 2;
	}
	for (i = 0; i < NCOMMANDS; i++) {
		match = keep[i] ? word_match(&hubctl_commands[i], n, word) : 0;
		keep[i] = match >= best;
		left += (size_t)keep[i];
	}
	return left;
}

/*
 * Says which words could be meant, if they differ.  Commands with the same
 * nth word are told apart by the next one.
 */
static int
ambiguous(const int *keep, int n, const char *word)
{
	const char *first = NULL;
	size_t i;
	int differ = 0;

	for (i = 0; i < NCOMMANDS; i++) {
		if (!keep[i])
			continue;
		if (first == NULL)
			first = hubctl_commands[i].words[n];
		differ |= strcmp(first, hubctl_commands[i].words[n]) != 0;
	}
	if (!differ)
		return 0;
	fprintf(stderr, "hubctl: ambiguous: %s:", word);
	first = "";
	for (i = 0; i < NCOMMANDS; i++) {
		if (!keep[i] || strcmp(first, hubctl_commands[i].words[n]) == 0)
			continue;
		first = hubctl_commands[i].words[n];
		fprintf(stderr, " %s", first);
	}
	fprintf(stderr, "\n");
	return 1;
}

/* The nth word; keep[] is what the words before it could be. */
static void
unknown(const int *keep, int n, char **argv)
{
	if (n == 0) {
		warnx("unknown command: %s; hubctl -h lists them", argv[0]);
		return;
	}
	warnx("unknown command: %s %s", argv[n - 1], argv[n]);
	usage(stderr, keep);
}

/* *n is the number of words that name the command. */
static const struct command *
find_command(int argc, char **argv, int *n)
{
	int keep[NCOMMANDS], before[NCOMMANDS], k;
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		keep[i] = 1;
	for (k = 0; k < argc && k < HUBCTL_WORDS; k++) {
		memcpy(before, keep, sizeof(before));
		if (narrow(keep, k, argv[k]) == 0) {
			unknown(before, k, argv);
			return NULL;
		}
		if (ambiguous(keep, k, argv[k]))
			return NULL;
		for (i = 0; !keep[i]; i++)
			;
		if (k + 1 == HUBCTL_WORDS ||
		    hubctl_commands[i].words[k + 1] == NULL) {
			*n = k + 1;
			return &hubctl_commands[i];
		}
	}
	usage(stderr, keep);
	return NULL;
}

/* Returns 0, or -1 for an unknown option (getopt has said so). */
static int
options(struct hubctl *ctl, const char *more, int argc, char **argv)
{
	const char *errstr;
	char opts[16];
	int ch;

	/* "+": arguments that begin with - come behind the first other one */
	snprintf(opts, sizeof(opts), "+%s%s", HUBCTL_OPTIONS, more);
	while ((ch = getopt(argc, argv, opts)) != -1) {
		switch (ch) {
		case 'j':
			ctl->json = 1;
			break;
		case 's':
			ctl->socket = optarg;
			break;
		case 'f':
			ctl->file = optarg;
			ctl->force = optarg == NULL;
			break;
		case 'u':
			ctl->urgent = 1;
			break;
		case 'n':
			ctl->dry_run = 1;
			break;
		case 'r':
			ctl->undo = 1;
			break;
		case 'd':
			ctl->days = (uint32_t)strtonum(optarg, 0, DAYS_MAX,
			    &errstr);
			if (errstr == NULL)
				break;
			warnx("days are %s: %s", errstr, optarg);
			return -1;
		default:
			return -1;
		}
	}
	return 0;
}

/* argv[0] is the command's last word. */
static int
run(const struct command *cmd, struct hubctl *ctl, int argc, char **argv)
{
	optind = 1;
	if (options(ctl, cmd->options, argc, argv) == -1)
		return usage_of(cmd);
	argc -= optind;
	argv += optind;
	if (argc < cmd->min || argc > cmd->max)
		return usage_of(cmd);
	return cmd->fn(ctl, argc, argv);
}
