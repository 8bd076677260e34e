/* SPDX-License-Identifier: ISC */
/*
 * Bytes as hexadecimal digits.
 */
#include "compat.h"

#include "hex.h"

static const char	digits[] = "0123456789abcdef";

void
hex_encode(char *dst, const unsigned char *p, size_t n)
{
	for (; n > 0; n--, p++) {
		*dst++ = digits[*p >> 4];
		*dst++ = digits[*p & 15];
	}
	*dst = '\0';
}

int
hex_decode(unsigned char *dst, size_t n, const char *text)
{
	const char *d;
	size_t i, v;

	if (strlen(text) != 2 * n || strspn(text, digits) != 2 * n)
		return -1;
	for (i = 0; i < n; i++, text += 2) {
		d = strchr(digits, text[0]);
		v = (size_t)(d - digits) << 4;
		d = strchr(digits, text[1]);
		dst[i] = (unsigned char)(v | (size_t)(d - digits));
	}
	return 0;
}
