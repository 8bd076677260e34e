/* SPDX-License-Identifier: ISC */
/*
 * Words of texts and of queries.  The rules below are those of Unicode for
 * the scripts in wide use, in short: case, accents of Latin letters, signs
 * that are no part of a word, scripts without spaces.
 */
#include "compat.h"

#include <stdlib.h>

#include "utf8.h"
#include "words.h"

enum kind {
	LETTER,		/* of a word, with add for its case */
	EVEN,		/* capital and small letter, the capital even */
	ODD,		/* likewise, the capital odd */
	ONE,		/* a word of its own */
	GAP,		/* between words */
	NONE		/* as if it was not there */
};

struct range {
	uint32_t	first, last;
	enum kind	kind;
	int32_t		add;
};

/* In order; what is in none of them is a letter without case. */
static const struct range ranges[] = {
	{ 0x80, 0xa9, GAP, 0 }, { 0xab, 0xac, GAP, 0 },
	{ 0xad, 0xad, NONE, 0 }, { 0xae, 0xb4, GAP, 0 },
	{ 0xb5, 0xb5, LETTER, 775 }, { 0xb6, 0xb9, GAP, 0 },
	{ 0xbb, 0xbf, GAP, 0 }, { 0xc6, 0xd0, LETTER, 32 },
	{ 0xd7, 0xd7, GAP, 0 }, { 0xde, 0xde, LETTER, 32 },
	{ 0xf7, 0xf7, GAP, 0 }, { 0x132, 0x133, EVEN, 0 },
	{ 0x14a, 0x14b, EVEN, 0 }, { 0x152, 0x153, EVEN, 0 },
	{ 0x1cd, 0x1dc, ODD, 0 }, { 0x1de, 0x1ef, EVEN, 0 },
	{ 0x1f8, 0x21f, EVEN, 0 }, { 0x222, 0x233, EVEN, 0 },
	{ 0x300, 0x36f, NONE, 0 },
	/* Greek, with the accents of vowels */
	{ 0x37e, 0x37e, GAP, 0 }, { 0x386, 0x386, LETTER, 43 },
	{ 0x387, 0x387, GAP, 0 }, { 0x388, 0x388, LETTER, 45 },
	{ 0x389, 0x389, LETTER, 46 }, { 0x38a, 0x38a, LETTER, 47 },
	{ 0x38c, 0x38c, LETTER, 51 }, { 0x38e, 0x38e, LETTER, 55 },
	{ 0x38f, 0x38f, LETTER, 58 }, { 0x391, 0x3ab, LETTER, 32 },
	{ 0x3ac, 0x3ac, LETTER, 5 }, { 0x3ad, 0x3ad, LETTER, 8 },
	{ 0x3ae, 0x3ae, LETTER, 9 }, { 0x3af, 0x3af, LETTER, 10 },
	{ 0x3c2, 0x3c2, LETTER, 1 }, { 0x3cc, 0x3cc, LETTER, -13 },
	{ 0x3cd, 0x3cd, LETTER, -8 }, { 0x3ce, 0x3ce, LETTER, -5 },
	/* Cyrillic, Armenian, Hebrew, Arabic */
	{ 0x400, 0x400, LETTER, 80 }, { 0x401, 0x401, LETTER, 52 },
	{ 0x402, 0x40f, LETTER, 80 }, { 0x410, 0x42f, LETTER, 32 },
	{ 0x451, 0x451, LETTER, -28 }, { 0x460, 0x481, EVEN, 0 },
	{ 0x482, 0x482, GAP, 0 }, { 0x483, 0x489, NONE, 0 },
	{ 0x48a, 0x4bf, EVEN, 0 }, { 0x4c0, 0x4c0, LETTER, 15 },
	{ 0x4c1, 0x4ce, ODD, 0 }, { 0x4d0, 0x52f, EVEN, 0 },
	{ 0x531, 0x556, LETTER, 48 }, { 0x559, 0x55f, GAP, 0 },
	{ 0x589, 0x58a, GAP, 0 }, { 0x591, 0x5bd, NONE, 0 },
	{ 0x5be, 0x5be, GAP, 0 }, { 0x5bf, 0x5bf, NONE, 0 },
	{ 0x5c0, 0x5c0, GAP, 0 }, { 0x5c1, 0x5c2, NONE, 0 },
	{ 0x5c3, 0x5c3, GAP, 0 }, { 0x5c4, 0x5c5, NONE, 0 },
	{ 0x5f3, 0x5f4, GAP, 0 }, { 0x60c, 0x60d, GAP, 0 },
	{ 0x610, 0x61a, NONE, 0 }, { 0x61b, 0x61f, GAP, 0 },
	{ 0x640, 0x640, NONE, 0 }, { 0x64b, 0x65f, NONE, 0 },
	{ 0x66a, 0x66d, GAP, 0 }, { 0x670, 0x670, NONE, 0 },
	{ 0x6d4, 0x6d4, GAP, 0 }, { 0x6d6, 0x6ed, NONE, 0 },
	{ 0x964, 0x965, GAP, 0 },
	/* Thai and Lao, Burmese, Hangul's parts, Khmer */
	{ 0xe00, 0xeff, ONE, 0 }, { 0x1000, 0x109f, ONE, 0 },
	{ 0x1100, 0x11ff, ONE, 0 }, { 0x1780, 0x17ff, ONE, 0 },
	{ 0x1ab0, 0x1aff, NONE, 0 }, { 0x1dc0, 0x1dff, NONE, 0 },
	{ 0x1e00, 0x1e95, EVEN, 0 }, { 0x1ea0, 0x1eff, EVEN, 0 },
	/* signs and pictures */
	{ 0x2000, 0x200b, GAP, 0 }, { 0x200c, 0x200f, NONE, 0 },
	{ 0x2010, 0x205f, GAP, 0 }, { 0x2060, 0x206f, NONE, 0 },
	{ 0x2070, 0x20cf, GAP, 0 }, { 0x20d0, 0x20ff, NONE, 0 },
	{ 0x2190, 0x245f, GAP, 0 }, { 0x2500, 0x25ff, GAP, 0 },
	{ 0x2600, 0x27bf, ONE, 0 }, { 0x27c0, 0x2bff, GAP, 0 },
	{ 0x2de0, 0x2dff, NONE, 0 }, { 0x2e00, 0x2e7f, GAP, 0 },
	/* Chinese, Japanese, Korean, Yi */
	{ 0x2e80, 0x2fdf, ONE, 0 }, { 0x2ff0, 0x3004, GAP, 0 },
	{ 0x3005, 0x3007, ONE, 0 }, { 0x3008, 0x3030, GAP, 0 },
	{ 0x3031, 0x3035, ONE, 0 }, { 0x3036, 0x303f, GAP, 0 },
	{ 0x3040, 0x30fa, ONE, 0 }, { 0x30fb, 0x30fb, GAP, 0 },
	{ 0x30fc, 0x4dbf, ONE, 0 }, { 0x4dc0, 0x4dff, GAP, 0 },
	{ 0x4e00, 0xa4cf, ONE, 0 }, { 0xac00, 0xd7ff, ONE, 0 },
	{ 0xe000, 0xf8ff, GAP, 0 }, { 0xf900, 0xfaff, ONE, 0 },
	/* variants, wide and narrow forms */
	{ 0xfe00, 0xfe0f, NONE, 0 }, { 0xfe10, 0xfe1f, GAP, 0 },
	{ 0xfe20, 0xfe2f, NONE, 0 }, { 0xfe30, 0xfe6f, GAP, 0 },
	{ 0xfeff, 0xfeff, NONE, 0 }, { 0xff00, 0xff0f, GAP, 0 },
	{ 0xff10, 0xff19, LETTER, -0xfee0 }, { 0xff1a, 0xff20, GAP, 0 },
	{ 0xff21, 0xff3a, LETTER, -0xfec0 }, { 0xff3b, 0xff40, GAP, 0 },
	{ 0xff41, 0xff5a, LETTER, -0xfee0 }, { 0xff5b, 0xff65, GAP, 0 },
	{ 0xff66, 0xffdc, ONE, 0 }, { 0xffe0, 0xffff, GAP, 0 },
	{ 0x10400, 0x10427, LETTER, 40 }, { 0x1f000, 0x1f3fa, ONE, 0 },
	{ 0x1f3fb, 0x1f3ff, NONE, 0 }, { 0x1f400, 0x1faff, ONE, 0 },
	{ 0x20000, 0x3ffff, ONE, 0 }, { 0xe0000, 0xe0fff, NONE, 0 },
};

/* U+00C0 to U+017F without their accents; '.' is none of those letters. */
static const char latin[] =
    "aaaaaa.ceeeeiiii" ".nooooo.ouuuuy.." "aaaaaa.ceeeeiiii"
    ".nooooo.ouuuuy.y" "aaaaaaccccccccdd" "ddeeeeeeeeeegggg"
    "gggghhhhiiiiiiii" "ii..jjkk.lllllll" "lllnnnnnnn..oooo"
    "oo..rrrrrrssssss" "ssttttttuuuuuuuu" "uuuuwwyyyzzzzzzs";

#define LATIN_FIRST	0xc0
#define LATIN_LAST	(LATIN_FIRST + sizeof(latin) - 2)

static int		 compare(const void *, const void *);
static enum kind	 look_up(uint32_t *);
static enum kind	 classify(uint32_t *);
static const char	*next_char(const char *, const char *, uint32_t *);
static int		 is_blank(uint32_t);
static const char	*skip_blanks(const char *, const char *);
static const char	*item_end(const char *, const char *);
static void		 add_term(struct terms *, const char *, const char *,
			    int);

static int
compare(const void *key, const void *element)
{
	const uint32_t *cp = key;
	const struct range *r = element;

	return *cp < r->first ? -1 : *cp > r->last;
}

/* What the character is, and what stands for it in a word. */
static enum kind
look_up(uint32_t *cp)
{
	const struct range *r;

	r = bsearch(cp, ranges, sizeof(ranges) / sizeof(ranges[0]),
	    sizeof(ranges[0]), compare);
	if (r == NULL)
		return LETTER;
	switch (r->kind) {
	case LETTER:
		*cp = (uint32_t)((int32_t)*cp + r->add);
		return LETTER;
	case EVEN:
		*cp |= 1;
		return LETTER;
	case ODD:
		*cp += *cp & 1;
		return LETTER;
	default:
		return r->kind;
	}
}

static enum kind
classify(uint32_t *cp)
{
	uint32_t c = *cp;

	if (c >= 'A' && c <= 'Z') {
		*cp = c - 'A' + 'a';
		return LETTER;
	}
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ?
		    LETTER : GAP;
	if (c >= LATIN_FIRST && c <= LATIN_LAST &&
	    latin[c - LATIN_FIRST] != '.') {
		*cp = (unsigned char)latin[c - LATIN_FIRST];
		return LETTER;
	}
	return look_up(cp);
}

/* What is not UTF-8 is taken for one character that is no letter. */
static const char *
next_char(const char *p, const char *end, uint32_t *cp)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	int n = utf8_sequence(p, end), i;

	if (n < 1) {
		*cp = 0xfffd;
		return p - n;
	}
	*cp = (unsigned char)*p & first[n];
	for (i = 1; i < n; i++)
		*cp = *cp << 6 | ((unsigned char)p[i] & 0x3f);
	return p + n;
}

void
words_add(struct wbuf *w, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	enum kind kind, before = GAP;
	size_t start = w->len;
	char c[4];
	uint32_t cp;
	size_t n;

	while (p < end) {
		p = next_char(p, end, &cp);
		if ((kind = classify(&cp)) == NONE)
			continue;
		if (kind != LETTER || before != LETTER)
			start = w->len;
		before = kind;
		if (kind == GAP)
			continue;
		n = utf8_encode(cp, c);
		if (w->len == start)
			put_u8(w, ' ');
		if (w->len - start + n <= WORD_BYTES_MAX + 1)
			wbuf_add(w, c, n);
	}
	put_u8(w, ' ');
}

static int
is_blank(uint32_t cp)
{
	return cp <= ' ' || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
	    (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 ||
	    cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	const char *next;
	uint32_t cp;

	for (; p < end; p = next) {
		next = next_char(p, end, &cp);
		if (!is_blank(cp))
			break;
	}
	return p;
}

/* Where something without quotes ends. */
static const char *
item_end(const char *p, const char *end)
{
	const char *next;
	uint32_t cp;

	for (; p < end; p = next) {
		next = next_char(p, end, &cp);
		if (is_blank(cp) || cp == '"')
			break;
	}
	return p;
}

/* Something in which there is no word is no term. */
static void
add_term(struct terms *t, const char *p, const char *end, int prefix)
{
	size_t off = t->buf.len;

	if (t->n == TERMS_MAX)
		return;
	words_add(&t->buf, p, (size_t)(end - p));
	if (t->buf.len == off + 1) {
		t->buf.len = off;
		return;
	}
	if (prefix)
		t->buf.len--;
	t->term[t->n].off = off;
	t->term[t->n].len = t->buf.len - off;
	t->n++;
}

size_t
terms_parse(struct terms *t, struct slice query)
{
	const char *p = query.p, *end = query.p + query.len, *begin;
	const char *close;

	t->n = 0;
	wbuf_reset(&t->buf);
	while ((p = skip_blanks(p, end)) < end) {
		begin = p;
		if (*p != '"') {
			p = item_end(p, end);
			add_term(t, begin, p, p[-1] == '*');
			continue;
		}
		begin++;
		close = memchr(begin, '"', (size_t)(end - begin));
		p = close != NULL ? close + 1 : end;
		if (close == NULL)
			close = end;
		add_term(t, begin, close, p < end && *p == '*');
	}
	return t->n;
}

void
terms_free(struct terms *t)
{
	wbuf_free(&t->buf);
	t->n = 0;
}

int
terms_match(const struct terms *t, const char *words, size_t len)
{
	const char *buf = wbuf_data(&t->buf);
	size_t i;

	for (i = 0; i < t->n; i++)
		if (memmem(words, len, buf + t->term[i].off,
		    t->term[i].len) == NULL)
			return 0;
	return 1;
}

void
words_mark(struct wbuf *w, const char *place, const char *words, size_t len)
{
	const char *p = words, *end = words + len, *space;

	while (p < end) {
		space = memchr(p + 1, ' ', (size_t)(end - p) - 1);
		if (p + 1 < end) {
			put_u8(w, ' ');
			wbuf_adds(w, place);
		}
		if (space == NULL)
			space = end;
		wbuf_add(w, p + 1, (size_t)(space - p) - 1);
		p = space;
	}
}

void
terms_fts(struct wbuf *w, const char *place, const struct terms *t)
{
	const char *s;
	size_t i, len;
	int prefix;

	for (i = 0; i < t->n; i++) {
		s = wbuf_data(&t->buf) + t->term[i].off;
		len = t->term[i].len;
		prefix = s[len - 1] != ' ';
		if (i > 0)
			wbuf_adds(w, " AND ");
		put_u8(w, '"');
		words_mark(w, place, s, len);
		wbuf_adds(w, prefix ? "\"*" : "\"");
	}
}
