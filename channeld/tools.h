/* SPDX-License-Identifier: ISC */
/*
 * The tools an assistant sees: one table, from which tools/list is made and
 * against which the arguments of a call are checked.
 */
#ifndef TOOLS_H
#define TOOLS_H

#include <stdint.h>

#include <jansson.h>

#include "errcode.h"

struct mcp_call;
struct channel;
struct toolbox;

#define TOOL_ARGS_MAX	5

enum argtype {
	ARG_NONE,		/* ends the list */
	ARG_STRING,		/* min to max UTF-16 units */
	ARG_TEXT,		/* of a message: too_large if it is too long */
	ARG_INTEGER,		/* min to max */
	ARG_BOOLEAN,
	ARG_CHOICE,		/* one of the words in choices */
	ARG_STRINGS		/* an array of min to max strings */
};

struct toolarg {
	const char	*name;
	enum argtype	 type;
	int		 required;
	int64_t		 min, max;
	const char	*choices;	/* separated by spaces */
};

/* flags */
#define TOOL_CORE	0x01		/* in `-t core` */
#define TOOL_SENDS	0x02		/* counts against the rate limit */
#define TOOL_READS	0x04		/* readOnlyHint */
#define TOOL_DESTROYS	0x08		/* destructiveHint */
#define TOOL_NO_UNREAD	0x10		/* its result carries no unread */

struct tool {
	const char	*name;
	const char	*description;	/* for the model */
	unsigned	 flags;
	const char	*output;	/* the members of its result, as JSON */
	/*
	 * Ends with tool_done() or tool_fail(), now or later.  The arguments
	 * in call->args are as the table says.
	 */
	void		(*run)(struct channel *, struct mcp_call *);
	struct toolarg	 args[TOOL_ARGS_MAX];
};

extern const struct tool tools[];	/* tooltable.c */
extern const size_t ntools;

/* core: those with TOOL_CORE only.  rate calls a minute that send. */
struct toolbox	*toolbox_new(int core, unsigned rate, unsigned burst);
void		 toolbox_free(struct toolbox *);
/* For tools/list; structured: with outputSchema.  The caller's reference. */
json_t		*toolbox_list(const struct toolbox *, int structured);
/* Checks the arguments and runs a tool.  -1 if there is none of that name. */
int		 toolbox_call(struct toolbox *, struct channel *,
		    struct mcp_call *, const char *name);

/* Ends a call with a result, an object that it steals. */
void	tool_done(struct mcp_call *, json_t *);
/*
 * Ends a call with {ok: false, code, message}.  The message is what (or
 * NULL), then the code's advice.
 */
void	tool_fail(struct mcp_call *, enum errcode, const char *what);
/* The same with other advice: a sentence that says what to do next. */
void	tool_fail_with(struct mcp_call *, enum errcode, const char *what,
	    const char *advice);

#endif
