/* SPDX-License-Identifier: ISC */
/*
 * Base64.
 */
#include "compat.h"

#include "base64.h"

#define BAD	0xff

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const uint8_t	*values(void);
static int	get_last(const uint8_t *, const uint8_t *, size_t, char *);

void
base64_put(struct wbuf *w, const void *data, size_t n)
{
	const uint8_t *p = data;
	char *q = wbuf_room(w, (n + 2) / 3 * 4);
	uint32_t v;

	w->len += (n + 2) / 3 * 4;
	for (; n >= 3; n -= 3, p += 3, q += 4) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		q[0] = digits[v >> 18];
		q[1] = digits[v >> 12 & 63];
		q[2] = digits[v >> 6 & 63];
		q[3] = digits[v & 63];
	}
	if (n == 0)
		return;
	v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
	q[0] = digits[v >> 18];
	q[1] = digits[v >> 12 & 63];
	q[2] = n > 1 ? digits[v >> 6 & 63] : '=';
	q[3] = '=';
}

static const uint8_t *
values(void)
{
	static uint8_t table[256];
	size_t i;

	if (table[0] == BAD)
		return table;
	memset(table, BAD, sizeof(table));
	for (i = 0; i < sizeof(digits) - 1; i++)
		table[(uint8_t)digits[i]] = (uint8_t)i;
	return table;
}

/* Two or three digits that stand for one or two bytes; how many, or -1. */
static int
get_last(const uint8_t *t, const uint8_t *p, size_t n, char *q)
{
	uint32_t a = t[p[0]], b = t[p[1]], c = n == 3 ? t[p[2]] : 0;

	/* what is left over of the last digit must be 0 */
	if ((a | b | c) > 63 || ((n == 3 ? c & 3 : b & 15) != 0))
		return -1;
	q[0] = (char)(a << 2 | b >> 4);
	if (n == 3)
		q[1] = (char)((b & 15) << 4 | c >> 2);
	return (int)n - 1;
}

int
base64_get(struct wbuf *w, struct slice text)
{
	const uint8_t *t = values(), *p = (const uint8_t *)text.p;
	size_t n = text.len, whole, i, last;
	char *begin = wbuf_room(w, n / 4 * 3 + 1), *q = begin;
	uint32_t a, b, c, d;
	int got = 0;

	if (n % 4 != 0)
		return -1;
	last = n == 0 || p[n - 1] != '=' ? 0 : p[n - 2] == '=' ? 2 : 3;
	whole = n / 4 - (last > 0);
	for (i = 0; i < whole; i++, p += 4, q += 3) {
		a = t[p[0]];
		b = t[p[1]];
		c = t[p[2]];
		d = t[p[3]];
		if ((a | b | c | d) > 63)
			return -1;
		q[0] = (char)(a << 2 | b >> 4);
		q[1] = (char)((b & 15) << 4 | c >> 2);
		q[2] = (char)((c & 3) << 6 | d);
	}
	if (last > 0 && (got = get_last(t, p, last, q)) == -1)
		return -1;
	w->len += (size_t)(q - begin) + (size_t)got;
	return 0;
}
