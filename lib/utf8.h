/* SPDX-License-Identifier: ISC */
/*
 * UTF-8, eight bytes at a time where it is ASCII: the inner loops that the
 * JSON scanner and writer share.  utf8_valid() and utf16_units(), which are
 * for everybody, are declared in json.h.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_ONES	0x0101010101010101ULL	/* a byte, times this */
#define UTF8_HIGH	0x8080808080808080ULL

/* Eight bytes, the first in the lowest bits; compilers make it one load. */
static inline uint64_t
utf8_load(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	    (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	    (uint64_t)p[7] << 56;
}

/*
 * The high bit of each byte that is not plain: a quote, a backslash, a
 * control character or not ASCII.  A borrow may set bits above the lowest
 * that is rightly set, so only that one counts.
 */
static inline uint64_t
utf8_special(uint64_t w)
{
	uint64_t control = w - UTF8_ONES * ' ';
	uint64_t quote = (w ^ UTF8_ONES * '"') - UTF8_ONES;
	uint64_t backslash = (w ^ UTF8_ONES * '\\') - UTF8_ONES;

	return (w | control | quote | backslash) & UTF8_HIGH;
}

/* The first byte in [p, end) that is not plain, or end. */
static inline const char *
utf8_plain_end(const char *p, const char *end)
{
	uint64_t m;
	unsigned char c;

	for (; end - p >= 8; p += 8)
		if ((m = utf8_special(utf8_load(p))) != 0)
			return p + __builtin_ctzll(m) / 8;
	for (; p < end; p++) {
		c = (unsigned char)*p;
		if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return p;
}

/*
 * The length of the character at s, which is before end; or minus the number
 * of bytes there that begin a character but do not make one, at least 1.
 */
int	utf8_sequence(const char *s, const char *end);

/* Writes a character, not a surrogate, and returns its length, up to 4. */
size_t	utf8_encode(uint32_t, char dst[4]);

#endif
