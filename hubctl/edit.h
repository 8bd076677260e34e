/* SPDX-License-Identifier: ISC */
/*
 * Line editing on a terminal with libedit, which asks for each character
 * while the event loop runs.  For input.c alone.
 */
#ifndef EDIT_H
#define EDIT_H

#include <stddef.h>

#include "buf.h"

struct edit;

struct edit_ops {
	/*
	 * Waits for input: returns the number of bytes put into dst, 0 at the
	 * end of input.
	 */
	size_t		 (*read)(char *dst, size_t size, void *);
	const char	*(*prompt)(void *);
};

struct edit	*edit_new(const struct edit_ops *, void *arg);
void		 edit_free(struct edit *);
/* 1 with a line in UTF-8, or 0 at the end of input. */
int		 edit_line(struct edit *, struct wbuf *);
/* Clears the line being typed and its prompt from the screen. */
void		 edit_hide(struct edit *);
/* Draws them again where the cursor is. */
void		 edit_show(struct edit *);
/* The width of the terminal. */
size_t		 edit_columns(void);
/* The terminal has another size. */
void		 edit_resize(struct edit *);
/* Gives the terminal back (0) or takes it (1), around a stop. */
void		 edit_terminal(struct edit *, int);

#endif
