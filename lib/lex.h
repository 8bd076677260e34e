/* SPDX-License-Identifier: ISC */
/*
 * The lexer of configuration files: words, numbers, quoted strings, macros
 * and included files; one for all daemons (config.md).  The grammar on top of
 * it is each daemon's parse.y.
 */
#ifndef LEX_H
#define LEX_H

#include <stdint.h>

struct lex;

enum lex_type {
	LEX_EOF,
	LEX_NEWLINE,
	LEX_WORD,		/* text */
	LEX_STRING,		/* text, without its quotes */
	LEX_NUMBER,		/* digits only: text and number */
	LEX_CHAR,		/* ch */
	LEX_BAD			/* said already */
};

struct lex_token {
	enum lex_type	 type;
	const char	*text;	/* lives as long as the lexer */
	int64_t		 number;
	int		 ch;
};

/* NULL, with the reason in the log, if the file cannot be read. */
struct lex	*lex_open(const char *path);
void		 lex_close(struct lex *);
void		 lex_next(struct lex *, struct lex_token *);
/* Goes on with another file, and then with this one; -1 if it cannot. */
int		 lex_include(struct lex *, const char *path);
/* $name stands for value from now on. */
void		 lex_macro(struct lex *, const char *name, const char *value);
/* Logs file:line: text and counts it. */
void		 lex_error(struct lex *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
/*
 * To be called of a word that the grammar does not know: where a statement
 * begins with it, that is what lex_unexpected() says, unless = follows.
 */
void		 lex_unknown(struct lex *, const struct lex_token *);
/* The same, of a token that the grammar has no place for. */
void		 lex_unexpected(struct lex *, const struct lex_token *);
int		 lex_errors(const struct lex *);

#endif
