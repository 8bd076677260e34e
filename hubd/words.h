/* SPDX-License-Identifier: ISC */
/*
 * Text as the search sees it: words without case and most accents, and
 * queries for them.  A word is a run of letters and digits; of scripts that
 * are written without spaces, and of pictures, each character is one.
 */
#ifndef WORDS_H
#define WORDS_H

#include "buf.h"

#define WORD_BYTES_MAX	64	/* what is longer is cut, in queries too */
#define TERMS_MAX	128	/* a query of REF_LEN_MAX units has no more */

/*
 * Appends the words of a UTF-8 text, each with a space before it, and one
 * space at the end.
 */
void	words_add(struct wbuf *, const char *, size_t);

/*
 * A query: all of its terms must be found.  A term is a word, several words
 * in their order that were in double quotes or joined by other characters, or
 * the beginning of one (or of the last of several) with a '*' behind it.
 */
struct terms {
	struct wbuf	 buf;
	size_t		 n;
	/* in buf, as words_add() writes them; one with '*' ends in no space */
	struct {
		size_t	 off, len;
	}		 term[TERMS_MAX];
};

/* {0} is an empty one.  Returns the number of terms; any text is a query. */
size_t	terms_parse(struct terms *, struct slice);
void	terms_free(struct terms *);
/* 1 if words, written by words_add(), have all terms in them. */
int	terms_match(const struct terms *, const char *words, size_t);
/*
 * For an index that many mailboxes share, each word has its place before it,
 * letters and digits that are no beginning of another place: so the words of
 * others cost a search nothing.  words_mark() appends what words_add() has
 * written, terms_fts() the query in the syntax of FTS5; nothing in it can be
 * taken for an operator.
 */
void	words_mark(struct wbuf *, const char *place, const char *words,
	    size_t);
void	terms_fts(struct wbuf *, const char *place, const struct terms *);

#endif
