/* SPDX-License-Identifier: ISC */
/*
 * What the command line said, and the commands.  A handler gets the
 * arguments behind the command's words and returns one of the exit codes.
 */
#ifndef HUBCTL_H
#define HUBCTL_H

#include <jansson.h>

#include "buf.h"
#include "ctl.h"
#include "names.h"

#define EXIT_USAGE	2

struct hubctl {
	const char	*socket;	/* NULL: the default */
	int		 json;
	const char	*file;		/* of -f; or NULL */
	int		 urgent;
	int		 dry_run;
	int		 undo;
	uint32_t	 days;
};

/* The table of commands: hubctl.c. */
#define HUBCTL_OPTIONS	"js:"	/* of all of them, for getopt(3) */
#define HUBCTL_WORDS	3

struct command {
	const char	*words[HUBCTL_WORDS];
	const char	*options;	/* in addition to those */
	const char	*args;		/* as usage shows them */
	int		 min, max;	/* number of arguments */
	int		 (*fn)(struct hubctl *, int, char **);
	const char	*help;
};

extern const struct command	hubctl_commands[];
extern const size_t		hubctl_ncommands;

/*
 * Asks the hub and shows the answer, as it is with -j.  Returns the exit
 * status, which is show's.
 */
int	hubctl_ask(struct hubctl *, enum imsg_type, const struct wbuf *,
	    int (*show)(json_t *));
/* Shows nothing. */
int	hubctl_silent(json_t *);

int	cmd_completion(struct hubctl *, int, char **);
int	cmd_show_peers(struct hubctl *, int, char **);
int	cmd_show_sessions(struct hubctl *, int, char **);
int	cmd_show_status(struct hubctl *, int, char **);
int	cmd_show_rooms(struct hubctl *, int, char **);
int	cmd_show_groups(struct hubctl *, int, char **);
int	cmd_show_mailboxes(struct hubctl *, int, char **);
int	cmd_show_links(struct hubctl *, int, char **);
int	cmd_show_message(struct hubctl *, int, char **);
int	cmd_show_stats(struct hubctl *, int, char **);
int	cmd_show_metrics(struct hubctl *, int, char **);
int	cmd_send(struct hubctl *, int, char **);
int	cmd_inbox(struct hubctl *, int, char **);
int	cmd_search(struct hubctl *, int, char **);
int	cmd_monitor(struct hubctl *, int, char **);
int	cmd_chat(struct hubctl *, int, char **);
int	cmd_clean(struct hubctl *, int, char **);
int	cmd_check(struct hubctl *, int, char **);
int	cmd_show_keys(struct hubctl *, int, char **);
int	cmd_show_processes(struct hubctl *, int, char **);
int	cmd_trust(struct hubctl *, int, char **);
int	cmd_distrust(struct hubctl *, int, char **);
int	cmd_forget(struct hubctl *, int, char **);
int	cmd_invite(struct hubctl *, int, char **);
int	cmd_join(struct hubctl *, int, char **);
int	cmd_setup(struct hubctl *, int, char **);
int	cmd_log_level(struct hubctl *, int, char **);
int	cmd_version(struct hubctl *, int, char **);
int	cmd_stop(struct hubctl *, int, char **);

/* The user's login name as a session's name. */
void	login_name(char dst[NAME_SIZE]);
/* JSON as it came, and a newline. */
void	print_json(const char *, size_t);

#endif
