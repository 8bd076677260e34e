/* SPDX-License-Identifier: ISC */
/*
 * SHA-1 (RFC 3174).
 */
#include "compat.h"

#include "sha1.h"

#define BLOCK	64

static uint32_t	rotate(uint32_t, unsigned);
static void	block(uint32_t h[5], const uint8_t *);

static uint32_t
rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* Section 6.1. */
static void
block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	uint32_t f, k, t;
	int i;

	for (i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
	for (; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (i = 0; i < 80; i++) {
		if (i < 20) {
			f = (b & c) | (~b & d);
			k = 0x5a827999;
		} else if (i < 40) {
			f = b ^ c ^ d;
			k = 0x6ed9eba1;
		} else if (i < 60) {
			f = (b & c) | (b & d) | (c & d);
			k = 0x8f1bbcdc;
		} else {
			f = b ^ c ^ d;
			k = 0xca62c1d6;
		}
		t = rotate(a, 5) + f + e + w[i] + k;
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void
sha1(const void *data, size_t n, uint8_t dst[SHA1_SIZE])
{
	uint32_t h[5] = {
		0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0
	};
	const uint8_t *p = data;
	uint8_t last[2 * BLOCK] = { 0 };
	size_t left = n, size, i;

	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		block(h, p);
	if (left > 0)
		memcpy(last, p, left);
	last[left] = 0x80;
	size = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
	for (i = 0; i < 8; i++)
		last[size - 1 - i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
	block(h, last);
	if (size > BLOCK)
		block(h, last + BLOCK);
	for (i = 0; i < SHA1_SIZE; i++)
		dst[i] = (uint8_t)(h[i / 4] >> 8 * (3 - i % 4));
}
