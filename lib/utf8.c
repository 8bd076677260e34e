/* SPDX-License-Identifier: ISC */
/*
 * UTF-8: what is well-formed, and how many UTF-16 code units it makes.
 */
#include "compat.h"

#include "json.h"
#include "utf8.h"

int
utf8_sequence(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;
	int i, n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	/* Shorter forms, surrogates and what is beyond U+10FFFF. */
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < n; i++) {
		if (i >= end - s || p[i] < lo || p[i] > hi)
			return -i;
		lo = 0x80;
		hi = 0xbf;
	}
	return n;
}

size_t
utf8_encode(uint32_t cp, char dst[4])
{
	if (cp < 0x80) {
		dst[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		dst[0] = (char)(0xc0 | cp >> 6);
		dst[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		dst[0] = (char)(0xe0 | cp >> 12);
		dst[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | cp >> 18);
	dst[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

int
utf8_valid(const char *text, size_t len)
{
	const char *p = text, *end;
	int n;

	if (len == 0)
		return 1;
	end = text + len;
	while (p < end) {
		while (end - p >= 8 && (utf8_load(p) & UTF8_HIGH) == 0)
			p += 8;
		if (p == end)
			break;
		if ((n = utf8_sequence(p, end)) <= 0)
			return 0;
		p += n;
	}
	return 1;
}

/*
 * One unit for each byte that is not a continuation, and one more for the
 * first of four, which is in a character beyond U+FFFF.
 */
size_t
utf16_units(const char *text, size_t len)
{
	uint64_t w, starts, fours;
	unsigned char c;
	size_t i, n = 0;

	for (i = 0; len - i >= 8; i += 8) {
		w = utf8_load(text + i);
		starts = (~w >> 7 | w >> 6) & UTF8_ONES;
		fours = (w >> 7 & w >> 6 & w >> 5 & w >> 4) & UTF8_ONES;
		n += (starts + fours) * UTF8_ONES >> 56;
	}
	for (; i < len; i++) {
		c = (unsigned char)text[i];
		n += (c < 0x80 || c >= 0xc0) + (c >= 0xf0);
	}
	return n;
}
