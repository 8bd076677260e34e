/* SPDX-License-Identifier: ISC */
/*
 * Text that others wrote, made safe to show: nothing in it may steer the
 * terminal or change the order in which the rest of the line is read.
 */
#ifndef TERM_H
#define TERM_H

#include <stddef.h>

#include "buf.h"

enum term_mode {
	TERM_TEXT,		/* newline and tab stay */
	TERM_LINE,		/* they become \n and \t */
	TERM_JSON		/* of JSON: every escape is one of JSON, too */
};

/*
 * Appends text[len] to the buffer.  Other control characters (C0, DEL, C1),
 * characters that change the direction of text, line and paragraph
 * separators and the byte order mark become \x1b or \u202e, bytes that are
 * not UTF-8 \xff.  With ascii set every character above 0x7e becomes \u....
 */
void	term_add(struct wbuf *, const char *text, size_t len, enum term_mode,
	    int ascii);
/*
 * Appends text[len] made safe, as a block that stays to the right of what is
 * in front of it: the first line follows the col columns there, behind a
 * space; all others (and that one, if col is 0) are indented, so that no text
 * can look like one more entry.  It is broken at cols columns, or not at all
 * if cols is 0.  A newline ends it.
 */
void	term_block(struct wbuf *, const char *text, size_t len, size_t col,
	    size_t cols);
/*
 * Sets the locale from the environment and finds out whether characters
 * outside of ASCII may go to standard output: not to a terminal whose locale
 * is not UTF-8.  Before it was called none may.
 */
void	term_init(void);
/* 1 if they may not. */
int	term_ascii(void);
/* Columns that safe text of one line takes on the terminal. */
size_t	term_width(const char *text, size_t len);
/*
 * Reads one character of UTF-8 text[len], len > 0, into *c.  Returns its
 * bytes, or 0 if it is not well formed.
 */
size_t	term_utf8(const char *text, size_t len, uint32_t *c);

#endif
