/* SPDX-License-Identifier: ISC */
/*
 * The JSON scanner of the hot path: one walk over a text that checks that it
 * is a well-formed UTF-8 JSON object or array (RFC 8259) within jansson's
 * limits and yields slices of the members asked for, and a writer.  It copies
 * and allocates nothing.  On any input it and json_loadb() of jansson agree:
 * no zero character (\u0000), no lone surrogate, integers of 64 bits, depth
 * of 2048, a later duplicate of a key wins.  One exception: no text has a
 * zero byte; jansson passes over one that follows a number or a literal.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum json_type {
	JS_ABSENT,
	JS_STRING,		/* p, len: between the quotes, as written */
	JS_NUMBER,
	JS_TRUE,
	JS_FALSE,
	JS_NULL,
	JS_OBJECT,		/* p, len: with the brackets */
	JS_ARRAY
};

struct json_value {
	const char	*p;
	size_t		 len;
	uint8_t		 type;		/* enum json_type */
	uint8_t		 escaped;	/* a string with a backslash in it */
};

#define JSON_KEYS_MAX	64

/* Names of members to look for; made once, then only read. */
struct json_keys;

/* names[n], n <= JSON_KEYS_MAX; the strings must outlive the result. */
struct json_keys	*json_keys_new(const char *const *names, size_t n);
void			 json_keys_free(struct json_keys *);

/*
 * Scans text[len].  out[] has a value for each key of the top-level object,
 * JS_ABSENT where it is missing.  keys may be NULL (only check; out unused).
 * Returns 0, or -1 if the text is not valid or its top is not an object (or,
 * with keys NULL, neither object nor array).
 */
int	json_scan(const char *text, size_t len, const struct json_keys *,
	    struct json_value *out);

/*
 * Walks an array that json_scan() has yielded: *pos starts at 0.  Returns 1
 * and the next value, or 0 at the end.
 */
int	json_next(const struct json_value *array, size_t *pos,
	    struct json_value *out);

/*
 * The content of a string, unescaped, into dst[size], not terminated.
 * Returns its length in bytes, or -1 if size is too small.  len bytes are
 * always enough.
 */
long	json_decode(const struct json_value *, char *dst, size_t size);
/* The same, terminated; -1 if it does not fit. */
int	json_str(const struct json_value *, char *dst, size_t size);
/* UTF-16 code units of the unescaped content of a string. */
size_t	json_units(const struct json_value *);
/* A number without fraction and exponent, within [min, max]; else -1. */
int	json_int(const struct json_value *, int64_t min, int64_t max,
	    int64_t *out);
/* UTF-16 code units of UTF-8 text[len], as JavaScript's length counts. */
size_t	utf16_units(const char *text, size_t len);
/* 1 if it is well-formed UTF-8 (RFC 3629). */
int	utf8_valid(const char *text, size_t len);

/*
 * Writers: each appends to the buffer.  json_add_str writes a quoted string,
 * escaping only what must be (RFC 8259 section 7) and replacing what is not
 * UTF-8 with U+FFFD.  json_add_raw writes a slice of a string as it was
 * yielded, between quotes.
 */
void	json_add_str(struct wbuf *, const char *, size_t);
void	json_add_raw(struct wbuf *, struct slice);

/*
 * Members of an object: a comma first unless the object has just begun, then
 * "key":value.  key needs no escaping.
 */
void	json_begin(struct wbuf *, char bracket);	/* '{' or '[' */
void	json_end(struct wbuf *, char bracket);		/* '}' or ']' */
void	json_key(struct wbuf *, const char *key);
void	json_put_str(struct wbuf *, const char *key, const char *);
void	json_put_strn(struct wbuf *, const char *key, const char *, size_t);
void	json_put_raw(struct wbuf *, const char *key, struct slice);
void	json_put_int(struct wbuf *, const char *key, int64_t);
void	json_put_bool(struct wbuf *, const char *key, int);
void	json_put_null(struct wbuf *, const char *key);
/* A comma unless the array or object has just begun. */
void	json_comma(struct wbuf *);

#endif
