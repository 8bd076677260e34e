/* SPDX-License-Identifier: ISC */
/*
 * The JSON scanner: one pass without recursion, allocation or copy, and what
 * is needed to read the values it yields.  The writer is in jsonwrite.c.
 */
#include "compat.h"

#include <limits.h>
#include <stdlib.h>

#include "json.h"
#include "log.h"
#include "utf8.h"

#define MAX_DEPTH	2048	/* of values, jansson's JSON_PARSER_MAX_DEPTH */
#define KEY_SLOTS	256	/* a power of two, more than JSON_KEYS_MAX */
#define KEY_LEN_MAX	255
#define EXPONENT_MAX	100000000000000000LL	/* beyond any length of text */

struct json_keys {
	size_t		 n;
	size_t		 maxlen;
	const char	*name[JSON_KEYS_MAX];
	uint8_t		 len[JSON_KEYS_MAX];
	uint8_t		 slot[KEY_SLOTS];	/* index + 1, 0 is empty */
};

struct scanner {
	const char		*p;
	const char		*end;
	const struct json_keys	*keys;
	struct json_value	*out;
	struct json_value	*want;	/* for the top-level member at hand */
	size_t			 depth;	/* containers that are open */
	int			 first;	/* the innermost has just begun */
	uint64_t		 object[MAX_DEPTH / 64];	/* a bit each */
};

/* The parts of a number; frac is empty where there is none. */
struct number {
	const char	*digits;	/* the first digit */
	const char	*point;		/* the end of the integer part */
	const char	*mantissa_end;
	int64_t		 exponent;
};

static unsigned		 key_hash(const char *, size_t);
static ssize_t		 key_find(const struct json_keys *,
			    const struct json_value *);
static const char	*skip_blanks(const char *, const char *);
static int		 is_digit(const char *, const char *);
static int		 hex4(const char *);
static const char	*read_escape(const char *, const char *, uint32_t *);
static const char	*scan_wide(const char *, const char *);
static const char	*scan_string(const char *, const char *, uint8_t *);
static const char	*skip_digits(const char *, const char *);
static int		 integer_fits(const char *, const char *, int);
static const char	*scan_exponent(const char *, const char *, int64_t *);
static int		 real_fits(const struct number *);
static const char	*scan_number(const char *, const char *);
static const char	*scan_word(const char *, const char *, const char *);
static const char	*scan_scalar(const char *, const char *,
			    struct json_value *);
static const char	*skip_container(const char *, const char *);
static void		 open_container(struct scanner *, int);
static void		 close_container(struct scanner *);
static int		 scan_key(struct scanner *);
static int		 scan_value(struct scanner *);
static int		 scan_step(struct scanner *);

/* What a value is, from its first byte; 0 where none begins so. */
static const uint8_t value_type[256] = {
	['"'] = JS_STRING, ['-'] = JS_NUMBER,
	['0'] = JS_NUMBER, ['1'] = JS_NUMBER, ['2'] = JS_NUMBER,
	['3'] = JS_NUMBER, ['4'] = JS_NUMBER, ['5'] = JS_NUMBER,
	['6'] = JS_NUMBER, ['7'] = JS_NUMBER, ['8'] = JS_NUMBER,
	['9'] = JS_NUMBER, ['t'] = JS_TRUE, ['f'] = JS_FALSE,
	['n'] = JS_NULL, ['{'] = JS_OBJECT, ['['] = JS_ARRAY
};

/* What stands for a character after a backslash; 0 where nothing does. */
static const char escape_char[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f',
	['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
};

/* The value of a hexadecimal digit plus one; 0 for all else. */
static const uint8_t hex_digit[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
};

/*
 * 2^1024 - 2^970: halfway between the largest double and what would follow
 * it.  From here on a number is rounded to infinity.
 */
static const char overflow_digits[] =
    "17976931348623158079372897140530341507993413271003782693617377898044"
    "49682927647509466490179775872070963302864166928879109465555478519404"
    "02630657488671505820681908902000708383676273854845817711531764475730"
    "27006985557136695962284291481986083493647529271907416844436551070434"
    "2711559699508093042880177904174497792";

#define OVERFLOW_EXP	((int)sizeof(overflow_digits) - 2)

static unsigned
key_hash(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;

	if (len == 0)
		return 0;
	return (unsigned)(len * 37 + u[0] * 3 + u[len / 2] * 11U +
	    u[len - 1] * 7U) % KEY_SLOTS;
}

struct json_keys *
json_keys_new(const char *const *names, size_t n)
{
	struct json_keys *k;
	size_t i, len;
	unsigned h;

	if (n > JSON_KEYS_MAX)
		fatalx("json_keys_new: %zu keys", n);
	k = xcalloc(1, sizeof(*k));
	k->n = n;
	for (i = 0; i < n; i++) {
		if ((len = strlen(names[i])) > KEY_LEN_MAX)
			fatalx("json_keys_new: a key of %zu bytes", len);
		if (len > k->maxlen)
			k->maxlen = len;
		k->name[i] = names[i];
		k->len[i] = (uint8_t)len;
		h = key_hash(names[i], len);
		while (k->slot[h] != 0)
			h = (h + 1) % KEY_SLOTS;
		k->slot[h] = (uint8_t)(i + 1);
	}
	return k;
}

void
json_keys_free(struct json_keys *k)
{
	free(k);
}

/* The index of a key as it stands in the text, or -1. */
static ssize_t
key_find(const struct json_keys *k, const struct json_value *key)
{
	char buf[KEY_LEN_MAX];
	const char *p = key->p;
	size_t len = key->len, i;
	long n;
	unsigned h;

	if (key->escaped) {
		if ((n = json_decode(key, buf, k->maxlen)) == -1)
			return -1;
		p = buf;
		len = (size_t)n;
	}
	for (h = key_hash(p, len); k->slot[h] != 0; h = (h + 1) % KEY_SLOTS) {
		i = k->slot[h] - 1U;
		if (k->len[i] == len && memcmp(k->name[i], p, len) == 0)
			return (ssize_t)i;
	}
	return -1;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end &&
	    (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static int
is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static int
hex4(const char *p)
{
	int i, d, value = 0;

	for (i = 0; i < 4; i++) {
		if ((d = hex_digit[(unsigned char)p[i]]) == 0)
			return -1;
		value = value << 4 | (d - 1);
	}
	return value;
}

/*
 * An escape, p at its backslash.  Returns what follows it and the character,
 * or NULL if there is none such: U+0000 and half a pair are none.
 */
static const char *
read_escape(const char *p, const char *end, uint32_t *cp)
{
	int hi, lo;

	if (end - p < 2)
		return NULL;
	if (p[1] != 'u') {
		*cp = (unsigned char)escape_char[(unsigned char)p[1]];
		return *cp == 0 ? NULL : p + 2;
	}
	if (end - p < 6 || (hi = hex4(p + 2)) <= 0)
		return NULL;
	*cp = (uint32_t)hi;
	if (hi < 0xd800 || hi > 0xdfff)
		return p + 6;
	if (hi > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return NULL;
	if ((lo = hex4(p + 8)) < 0xdc00 || lo > 0xdfff)
		return NULL;
	*cp = 0x10000 + ((uint32_t)(hi - 0xd800) << 10) +
	    (uint32_t)(lo - 0xdc00);
	return p + 12;
}

/* Over characters that are not ASCII; NULL if one is malformed. */
static const char *
scan_wide(const char *p, const char *end)
{
	int n;

	while (p < end && (unsigned char)*p >= 0x80) {
		if ((n = utf8_sequence(p, end)) <= 0)
			return NULL;
		p += n;
	}
	return p;
}

/* From behind the opening quote to the closing one, or NULL. */
static const char *
scan_string(const char *p, const char *end, uint8_t *escaped)
{
	uint32_t cp;

	*escaped = 0;
	while (p != NULL && (p = utf8_plain_end(p, end)) < end) {
		if (*p == '"')
			return p;
		if (*p == '\\') {
			*escaped = 1;
			p = read_escape(p, end, &cp);
		} else if ((unsigned char)*p < ' ')
			return NULL;
		else
			p = scan_wide(p, end);
	}
	return NULL;
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
}

/* Whether digits without a leading zero are within int64_t. */
static int
integer_fits(const char *p, const char *end, int negative)
{
	const char *max;

	max = negative ? "9223372036854775808" : "9223372036854775807";
	if (end - p != 19)
		return end - p < 19;
	return memcmp(p, max, 19) <= 0;
}

/* From behind the letter e; values out of all reason are cut off. */
static const char *
scan_exponent(const char *p, const char *end, int64_t *exponent)
{
	int negative = 0;

	*exponent = 0;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (!is_digit(p, end))
		return NULL;
	for (; is_digit(p, end); p++)
		if (*exponent < EXPONENT_MAX)
			*exponent = *exponent * 10 + (*p - '0');
	if (negative)
		*exponent = -*exponent;
	return p;
}

/*
 * Whether a real number is rounded to a finite double, as strtod() does it:
 * by comparison of its digits, as the text is not terminated.
 */
static int
real_fits(const struct number *n)
{
	const char *p = n->digits, *limit;
	int64_t magnitude;
	char c;

	while (p < n->mantissa_end && (*p == '0' || *p == '.'))
		p++;
	if (p == n->mantissa_end)
		return 1;
	magnitude = n->point - p + n->exponent;
	if (p < n->point)
		magnitude--;
	if (magnitude != OVERFLOW_EXP)
		return magnitude < OVERFLOW_EXP;
	for (limit = overflow_digits; *limit != '\0'; limit++) {
		if (p < n->mantissa_end && *p == '.')
			p++;
		c = p < n->mantissa_end ? *p++ : '0';
		if (c != *limit)
			return c < *limit;
	}
	return 0;
}

/* Returns what follows a number, or NULL if it is malformed or too large. */
static const char *
scan_number(const char *p, const char *end)
{
	struct number n = { 0 };
	int negative;

	if ((negative = *p == '-'))
		p++;
	n.digits = p;
	n.point = p = skip_digits(p, end);
	if (p == n.digits || (*n.digits == '0' && p - n.digits > 1))
		return NULL;
	if (p == end || (*p != '.' && *p != 'e' && *p != 'E'))
		return integer_fits(n.digits, p, negative) ? p : NULL;
	if (*p == '.') {
		if (!is_digit(p + 1, end))
			return NULL;
		p = skip_digits(p + 1, end);
	}
	n.mantissa_end = p;
	if (p < end && (*p == 'e' || *p == 'E'))
		p = scan_exponent(p + 1, end, &n.exponent);
	return p != NULL && real_fits(&n) ? p : NULL;
}

static const char *
scan_word(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - p) < len || memcmp(p, word, len) != 0)
		return NULL;
	return p + len;
}

/* Any value but a container, whose type is in *v; p is not at the end. */
static const char *
scan_scalar(const char *p, const char *end, struct json_value *v)
{
	v->escaped = 0;
	if (v->type == JS_STRING) {
		v->p = p + 1;
		if ((p = scan_string(p + 1, end, &v->escaped)) == NULL)
			return NULL;
		v->len = (size_t)(p - v->p);
		return p + 1;
	}
	v->p = p;
	if (v->type == JS_NUMBER)
		p = scan_number(p, end);
	else if (v->type == JS_TRUE)
		p = scan_word(p, end, "true");
	else if (v->type == JS_FALSE)
		p = scan_word(p, end, "false");
	else if (v->type == JS_NULL)
		p = scan_word(p, end, "null");
	else
		p = NULL;
	if (p != NULL)
		v->len = (size_t)(p - v->p);
	return p;
}

static void
open_container(struct scanner *s, int is_object)
{
	uint64_t bit = (uint64_t)1 << (s->depth % 64);

	if (is_object)
		s->object[s->depth / 64] |= bit;
	else
		s->object[s->depth / 64] &= ~bit;
	s->depth++;
	s->first = 1;
	s->p++;
}

static void
close_container(struct scanner *s)
{
	s->p++;
	s->first = 0;
	if (--s->depth == 1 && s->want != NULL)
		s->want->len = (size_t)(s->p - s->want->p);
}

/* The name of a member and the colon, up to its value. */
static int
scan_key(struct scanner *s)
{
	struct json_value key;
	ssize_t i = -1;

	if (s->p == s->end || *s->p != '"')
		return -1;
	key.type = JS_STRING;
	if ((s->p = scan_scalar(s->p, s->end, &key)) == NULL)
		return -1;
	if (s->depth == 1) {
		if (s->keys != NULL)
			i = key_find(s->keys, &key);
		s->want = i == -1 ? NULL : &s->out[i];
	}
	s->p = skip_blanks(s->p, s->end);
	if (s->p == s->end || *s->p != ':')
		return -1;
	s->p = skip_blanks(s->p + 1, s->end);
	return 0;
}

/* A scalar whole; of a container only its opening bracket. */
static int
scan_value(struct scanner *s)
{
	struct json_value v = { 0 };

	if (s->p == s->end || s->depth == MAX_DEPTH)
		return -1;
	v.type = value_type[(unsigned char)*s->p];
	if (v.type == JS_OBJECT || v.type == JS_ARRAY) {
		v.p = s->p;
		if (s->depth == 1 && s->want != NULL)
			*s->want = v;
		open_container(s, v.type == JS_OBJECT);
		return 0;
	}
	if ((s->p = scan_scalar(s->p, s->end, &v)) == NULL)
		return -1;
	if (s->depth == 1 && s->want != NULL)
		*s->want = v;
	return 0;
}

/* The next member of the innermost container, or its end. */
static int
scan_step(struct scanner *s)
{
	size_t top = s->depth - 1;
	int is_object = s->object[top / 64] >> (top % 64) & 1;

	s->p = skip_blanks(s->p, s->end);
	if (s->p == s->end)
		return -1;
	if (*s->p == (is_object ? '}' : ']')) {
		close_container(s);
		return 0;
	}
	if (!s->first) {
		if (*s->p != ',')
			return -1;
		s->p = skip_blanks(s->p + 1, s->end);
	}
	s->first = 0;
	if (is_object && scan_key(s) == -1)
		return -1;
	return scan_value(s);
}

int
json_scan(const char *text, size_t len, const struct json_keys *keys,
    struct json_value *out)
{
	struct scanner s = { 0 };

	if (keys != NULL && keys->n > 0)
		memset(out, 0, keys->n * sizeof(*out));
	if (len == 0)
		return -1;
	s.end = text + len;
	s.p = skip_blanks(text, s.end);
	s.keys = keys;
	s.out = out;
	if (s.p == s.end || (*s.p != '{' && (*s.p != '[' || keys != NULL)))
		return -1;
	open_container(&s, *s.p == '{');
	while (s.depth > 0)
		if (scan_step(&s) == -1)
			return -1;
	return skip_blanks(s.p, s.end) == s.end ? 0 : -1;
}

/* What follows a container of a valid text. */
static const char *
skip_container(const char *p, const char *end)
{
	uint8_t escaped;
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			if ((p = scan_string(p + 1, end, &escaped)) == NULL)
				return NULL;
		} else if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
	}
	return NULL;
}

int
json_next(const struct json_value *array, size_t *pos, struct json_value *out)
{
	const char *p, *end;

	if (array->type != JS_ARRAY || *pos >= array->len)
		return 0;
	end = array->p + array->len - 1;	/* the closing bracket */
	p = skip_blanks(array->p + *pos, end);
	if (p == end)
		return 0;
	p = skip_blanks(p + 1, end);		/* behind the '[' or ',' */
	if (p == end)
		return 0;
	out->type = value_type[(unsigned char)*p];
	if (out->type == JS_OBJECT || out->type == JS_ARRAY) {
		out->escaped = 0;
		out->p = p;
		if ((p = skip_container(p, end)) != NULL)
			out->len = (size_t)(p - out->p);
	} else
		p = scan_scalar(p, end, out);
	if (p == NULL)
		return 0;
	*pos = (size_t)(p - array->p);
	return 1;
}

long
json_decode(const struct json_value *v, char *dst, size_t size)
{
	const char *p = v->p, *end, *q;
	char utf8[4];
	size_t n = 0, run;
	uint32_t cp;

	if (v->type != JS_STRING || v->len > LONG_MAX)
		return -1;
	end = v->p + v->len;
	while (p < end) {
		q = NULL;
		if (v->escaped)
			q = memchr(p, '\\', (size_t)(end - p));
		run = (size_t)((q == NULL ? end : q) - p);
		if (run > size - n)
			return -1;
		memcpy(dst + n, p, run);
		n += run;
		if (q == NULL)
			break;
		if ((p = read_escape(q, end, &cp)) == NULL)
			return -1;
		run = utf8_encode(cp, utf8);
		if (run > size - n)
			return -1;
		memcpy(dst + n, utf8, run);
		n += run;
	}
	return (long)n;
}

int
json_str(const struct json_value *v, char *dst, size_t size)
{
	long n;

	if (size == 0)
		return -1;
	if ((n = json_decode(v, dst, size - 1)) == -1 || n > INT_MAX) {
		dst[0] = '\0';
		return -1;
	}
	dst[n] = '\0';
	return (int)n;
}

size_t
json_units(const struct json_value *v)
{
	const char *p = v->p, *end;
	size_t n, skip;

	if (v->type != JS_STRING)
		return 0;
	n = utf16_units(v->p, v->len);
	if (!v->escaped)
		return n;
	end = v->p + v->len;
	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		skip = end - p >= 6 && p[1] == 'u' ? 6 : 2;
		if ((size_t)(end - p) < skip)
			break;
		n -= skip - 1;
		p += skip;
	}
	return n;
}

int
json_int(const struct json_value *v, int64_t min, int64_t max, int64_t *out)
{
	const char *p = v->p, *end;
	int64_t n = 0;
	int negative, digit;

	if (v->type != JS_NUMBER || v->len == 0)
		return -1;
	end = v->p + v->len;
	if ((negative = *p == '-'))
		p++;
	for (; p < end; p++) {
		if (!is_digit(p, end))
			return -1;
		digit = negative ? '0' - *p : *p - '0';
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return -1;
	}
	if (n < min || n > max)
		return -1;
	*out = n;
	return 0;
}
