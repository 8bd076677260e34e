/* SPDX-License-Identifier: ISC */
/*
 * Lines from standard input while the event loop runs: with line editing and
 * a history if it is a terminal, plain lines if not.
 */
#ifndef INPUT_H
#define INPUT_H

#include "buf.h"

struct event_base;
struct input;

/*
 * The loop must be able to watch files (EV_FEATURE_FDS).  prompt returns
 * printable ASCII; it is asked for on a terminal only.
 */
struct input	*input_new(struct event_base *,
		    const char *(*prompt)(void *), void *arg);
/* Leaves the terminal as it was. */
void		 input_free(struct input *);
/* 1 if a person types there. */
int		 input_is_terminal(const struct input *);
/* The width of the terminal; 0 if there is none. */
size_t		 input_columns(const struct input *);
/*
 * Waits for a line.  Returns 1 with the line, without its newline and valid
 * until the next call; 0 at the end of input, after input_stop() and after
 * SIGINT, SIGTERM and SIGHUP; -1 if a line is longer than a message may be.
 */
int		 input_line(struct input *, struct slice *);
/* Makes input_line() return 0 from now on. */
void		 input_stop(struct input *);
/* 1 after that, and after a signal; not at the end of input. */
int		 input_stopped(const struct input *);
/*
 * Prints text that is safe and ends with a newline, above the line being
 * typed if there is one.
 */
void		 input_print(struct input *, const char *, size_t);
/* Shows a changed prompt. */
void		 input_refresh(struct input *);

#endif
