/* SPDX-License-Identifier: ISC */
/*
 * The lexer of configuration files.
 */
#include "compat.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lex.h"
#include "log.h"

#define TOKEN_MAX	1024
#define DEPTH_MAX	16

struct file {
	TAILQ_ENTRY(file)	 entry;
	FILE			*fp;
	char			*path;
	int			 line;
	int			 newline;	/* its end, not yet counted */
	int			 ended;	/* a newline was made up at the end */
};

struct text {
	TAILQ_ENTRY(text)	 entry;
	char			 s[];
};

struct macro {
	TAILQ_ENTRY(macro)	 entry;
	char			*name, *value;
};

struct lex {
	TAILQ_HEAD(, file)	 files;		/* innermost first */
	TAILQ_HEAD(, text)	 texts;
	TAILQ_HEAD(, macro)	 macros;
	int			 depth, errors;
	int			 begun;		/* a statement */
	int			 first;		/* token of it */
	const char		*unknown;	/* its first word, or NULL */
};

static int		 next_char(struct lex *);
static int		 skip_blank(struct lex *);
static const char	*keep_text(struct lex *, const char *);
static void		 read_string(struct lex *, struct lex_token *);
static void		 read_word(struct lex *, int, struct lex_token *);
static void		 read_macro(struct lex *, struct lex_token *);
static void		 word_token(struct lex *, const char *,
			    struct lex_token *);
static int		 word_char(int);
static void		 pop_file(struct lex *);
static void		 read_token(struct lex *, struct lex_token *);

struct lex *
lex_open(const char *path)
{
	struct lex *lx = xcalloc(1, sizeof(*lx));

	TAILQ_INIT(&lx->files);
	TAILQ_INIT(&lx->texts);
	TAILQ_INIT(&lx->macros);
	if (lex_include(lx, path) == -1) {
		lex_close(lx);
		return NULL;
	}
	return lx;
}

void
lex_close(struct lex *lx)
{
	struct text *t;
	struct macro *m;

	while (!TAILQ_EMPTY(&lx->files))
		pop_file(lx);
	while ((t = TAILQ_FIRST(&lx->texts)) != NULL) {
		TAILQ_REMOVE(&lx->texts, t, entry);
		free(t);
	}
	while ((m = TAILQ_FIRST(&lx->macros)) != NULL) {
		TAILQ_REMOVE(&lx->macros, m, entry);
		free(m->name);
		free(m->value);
		free(m);
	}
	free(lx);
}

int
lex_include(struct lex *lx, const char *path)
{
	struct file *f;
	FILE *fp;

	if (lx->depth >= DEPTH_MAX) {
		lex_error(lx, "files included more than %d deep", DEPTH_MAX);
		return -1;
	}
	if ((fp = fopen(path, "re")) == NULL) {
		lex_error(lx, "%s: %s", path, strerror(errno));
		return -1;
	}
	f = xcalloc(1, sizeof(*f));
	f->fp = fp;
	f->path = xstrdup(path);
	/* ends the line of the include statement */
	ungetc('\n', fp);
	TAILQ_INSERT_HEAD(&lx->files, f, entry);
	lx->depth++;
	return 0;
}

static void
pop_file(struct lex *lx)
{
	struct file *f = TAILQ_FIRST(&lx->files);

	/* a directory can be opened */
	if (ferror(f->fp))
		lex_error(lx, "%s", strerror(errno));
	TAILQ_REMOVE(&lx->files, f, entry);
	fclose(f->fp);
	free(f->path);
	free(f);
	lx->depth--;
}

void
lex_macro(struct lex *lx, const char *name, const char *value)
{
	struct macro *m = xcalloc(1, sizeof(*m));

	m->name = xstrdup(name);
	m->value = xstrdup(value);
	TAILQ_INSERT_HEAD(&lx->macros, m, entry);
}

void
lex_error(struct lex *lx, const char *fmt, ...)
{
	struct file *f = TAILQ_FIRST(&lx->files);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lx->errors++;
	if (f != NULL)
		log_warnx("%s:%d: %s", f->path, f->line, text);
	else
		log_warnx("%s", text);
}

void
lex_unknown(struct lex *lx, const struct lex_token *t)
{
	if (lx->first)
		lx->unknown = t->text;
}

void
lex_unexpected(struct lex *lx, const struct lex_token *t)
{
	if (lx->unknown != NULL && t->type != LEX_BAD) {
		lex_error(lx, "there is no statement '%s'", lx->unknown);
		return;
	}
	switch (t->type) {
	case LEX_BAD:
		break;
	case LEX_EOF:
	case LEX_NEWLINE:
		lex_error(lx, "statement is not complete");
		break;
	case LEX_CHAR:
		lex_error(lx, isprint(t->ch) ? "unexpected '%c'" :
		    "unexpected byte 0x%02x", (unsigned)t->ch);
		break;
	case LEX_STRING:
		lex_error(lx, "unexpected \"%s\"", t->text);
		break;
	case LEX_WORD:
	case LEX_NUMBER:
		lex_error(lx, "unexpected '%s'", t->text);
		break;
	}
}

int
lex_errors(const struct lex *lx)
{
	return lx->errors;
}

static const char *
keep_text(struct lex *lx, const char *s)
{
	size_t n = strlen(s) + 1;
	struct text *t = xmalloc(sizeof(*t) + n);

	memcpy(t->s, s, n);
	TAILQ_INSERT_HEAD(&lx->texts, t, entry);
	return t->s;
}

/* A backslash joins a line to the next.  The end of a file ends a line. */
static int
next_char(struct lex *lx)
{
	struct file *f = TAILQ_FIRST(&lx->files);
	int c;

	c = getc(f->fp);
	while (c == '\\') {
		c = getc(f->fp);
		if (c != '\n') {
			ungetc(c, f->fp);
			return '\\';
		}
		f->line++;
		c = getc(f->fp);
	}
	return c;
}

static int
skip_blank(struct lex *lx)
{
	int c;

	do
		c = next_char(lx);
	while (c == ' ' || c == '\t' || c == '\r');
	if (c == '#') {
		do
			c = getc(TAILQ_FIRST(&lx->files)->fp);
		while (c != '\n' && c != EOF);
	}
	return c;
}

static int
word_char(int c)
{
	return isalnum(c) || (c != '\0' && c != EOF &&
	    strchr("_-./:*@%+,", c) != NULL);
}

static void
word_token(struct lex *lx, const char *s, struct lex_token *t)
{
	const char *err;

	t->text = keep_text(lx, s);
	t->type = LEX_WORD;
	if (s[0] == '\0' || strspn(s, "0123456789") != strlen(s))
		return;
	t->number = strtonum(s, 0, INT64_MAX, &err);
	t->type = LEX_NUMBER;
	if (err != NULL) {
		lex_error(lx, "number %s is %s", s, err);
		t->type = LEX_BAD;
	}
}

static void
read_word(struct lex *lx, int c, struct lex_token *t)
{
	char s[TOKEN_MAX];
	size_t n = 0;

	while (word_char(c) && n < sizeof(s) - 1) {
		s[n++] = (char)c;
		c = next_char(lx);
	}
	ungetc(c, TAILQ_FIRST(&lx->files)->fp);
	s[n] = '\0';
	if (n == sizeof(s) - 1) {
		lex_error(lx, "word too long");
		t->type = LEX_BAD;
		return;
	}
	word_token(lx, s, t);
}

static void
read_string(struct lex *lx, struct lex_token *t)
{
	char s[TOKEN_MAX];
	size_t n = 0;
	int c;

	t->type = LEX_BAD;
	for (;;) {
		c = next_char(lx);
		if (c == '"')
			break;
		if (c == '\\')
			c = next_char(lx);	/* it stands for itself */
		if (c == '\n' || c == EOF) {
			ungetc(c, TAILQ_FIRST(&lx->files)->fp);
			lex_error(lx, "closing quote missing");
			return;
		}
		if (c == '\0' || n == sizeof(s) - 1) {
			lex_error(lx, c == '\0' ? "a byte 0x00 in a string" :
			    "string too long");
			return;
		}
		s[n++] = (char)c;
	}
	s[n] = '\0';
	t->text = keep_text(lx, s);
	t->type = LEX_STRING;
}

static void
read_macro(struct lex *lx, struct lex_token *t)
{
	struct macro *m;
	const char *name;

	read_word(lx, next_char(lx), t);
	if (t->type == LEX_BAD)
		return;
	name = t->text;
	TAILQ_FOREACH(m, &lx->macros, entry) {
		if (strcmp(m->name, name) == 0)
			break;
	}
	if (m == NULL) {
		lex_error(lx, "macro $%s is not defined", name);
		t->type = LEX_BAD;
		return;
	}
	word_token(lx, m->value, t);
	if (t->type == LEX_WORD)
		t->type = LEX_STRING;
}

void
lex_next(struct lex *lx, struct lex_token *t)
{
	lx->first = !lx->begun;
	if (lx->first)
		lx->unknown = NULL;
	read_token(lx, t);
	lx->begun = t->type != LEX_NEWLINE;
	if (t->type == LEX_CHAR && t->ch == '=')
		lx->unknown = NULL;
}

static void
read_token(struct lex *lx, struct lex_token *t)
{
	struct file *f;
	int c;

	memset(t, 0, sizeof(*t));
	t->text = "";
	while ((f = TAILQ_FIRST(&lx->files)) != NULL) {
		f->line += f->newline;
		f->newline = 0;
		c = skip_blank(lx);
		if (c == EOF && f->ended) {
			/* the last one stays, for the messages */
			if (TAILQ_NEXT(f, entry) == NULL)
				return;
			pop_file(lx);
			continue;
		}
		if (c == '\n' || c == EOF) {
			f->ended = c == EOF;
			f->newline = c == '\n';
			t->type = LEX_NEWLINE;
		} else if (c == '"') {
			read_string(lx, t);
		} else if (c == '$') {
			read_macro(lx, t);
		} else if (word_char(c)) {
			read_word(lx, c, t);
		} else {
			t->type = LEX_CHAR;
			t->ch = c;
		}
		return;
	}
}
