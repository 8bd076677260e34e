/* SPDX-License-Identifier: ISC */
/*
 * An AI host's end of one channeld: starts it and speaks MCP with it over its
 * stdin and stdout, one request at a time.
 */
#ifndef HOST_H
#define HOST_H

#include <sys/types.h>

#include <stddef.h>

#include <jansson.h>

#define HOST_WAIT_MS	10000	/* for whatever is waited for */

struct host {
	const char	*name;		/* the session's */
	pid_t		 pid;		/* 0: it does not run */
	int		 wfd, rfd;	/* its stdin, its stdout */
	int		 stop_fd;	/* when readable, waiting ends */
	char		*buf;		/* read, and no whole line yet */
	size_t		 len, size;
	json_t		*pushes;	/* notifications nobody asked for yet */
	int		 id;		/* of the last request */
	char		 why[512];	/* why the last call failed */
};

/*
 * All of them return 0, or a value that the caller owns; -1 or NULL, with why
 * filled in, if it did not come to that within HOST_WAIT_MS.
 */
/* Runs the program at path in directory dir, with its stderr in file log. */
int	 host_start(struct host *, const char *path, const char *dir,
	    const char *log);
/* initialize and notifications/initialized; the result of initialize. */
json_t	*host_initialize(struct host *);
/* A request and its result; steals params, which may be NULL. */
json_t	*host_request(struct host *, const char *method, json_t *params);
/* tools/call; steals the arguments; the object that the tool returned. */
json_t	*host_tool(struct host *, const char *tool, json_t *args);
/* The params of the next notifications/claude/channel. */
json_t	*host_push(struct host *);
/* Closes its stdin; it must exit, and with status 0. */
int	 host_end(struct host *);
/* Ends it by signals, if it runs, and frees what is here. */
void	 host_kill(struct host *);

#endif
