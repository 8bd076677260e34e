/* SPDX-License-Identifier: ISC */
/*
 * Byte buffers: rbuf, wbuf and reader.
 */
#include "compat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "log.h"

#define WBUF_MIN	240

static uint64_t	get_int(struct reader *, size_t);
static void	put_int(struct wbuf *, uint64_t, size_t);

struct rbuf *
rbuf_new(size_t len)
{
	struct rbuf *rb;

	if (len > SIZE_MAX - sizeof(*rb))
		fatalx("buffer of %zu bytes", len);
	rb = xmalloc(sizeof(*rb) + len);
	rb->refs = 1;
	rb->len = len;
	return rb;
}

struct rbuf *
rbuf_ref(struct rbuf *rb)
{
	rb->refs++;
	return rb;
}

void
rbuf_unref(struct rbuf *rb)
{
	if (rb != NULL && --rb->refs == 0)
		free(rb);
}

void
wbuf_free(struct wbuf *b)
{
	free(b->rb);
	memset(b, 0, sizeof(*b));
}

void
wbuf_reset(struct wbuf *b)
{
	b->len = 0;
}

char *
wbuf_room(struct wbuf *b, size_t n)
{
	size_t cap;

	if (b->rb == NULL || n > b->cap - b->len) {
		if (n > SIZE_MAX / 4 - b->len)
			fatalx("buffer of %zu and %zu bytes", b->len, n);
		cap = b->cap > WBUF_MIN ? b->cap : WBUF_MIN;
		while (cap - b->len < n)
			cap *= 2;
		b->rb = xreallocarray(b->rb, 1, sizeof(*b->rb) + cap);
		b->cap = cap;
	}
	return b->rb->data + b->len;
}

void
wbuf_add(struct wbuf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(wbuf_room(b, n), p, n);
	b->len += n;
}

void
wbuf_adds(struct wbuf *b, const char *s)
{
	wbuf_add(b, s, strlen(s));
}

void
wbuf_printf(struct wbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal("vsnprintf");
	va_start(ap, fmt);
	vsnprintf(wbuf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *
wbuf_data(const struct wbuf *b)
{
	return b->rb == NULL ? "" : b->rb->data;
}

struct rbuf *
wbuf_take(struct wbuf *b)
{
	struct rbuf *rb;

	if (b->rb == NULL)
		return rbuf_new(0);
	rb = b->rb;
	/* what waits in queues should not carry its spare room along */
	if (b->cap - b->len > b->len / 4)
		rb = xreallocarray(rb, 1, sizeof(*rb) + b->len);
	rb->refs = 1;
	rb->len = b->len;
	memset(b, 0, sizeof(*b));
	return rb;
}

static void
put_int(struct wbuf *b, uint64_t v, size_t n)
{
	char *p = wbuf_room(b, n);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (char)(v >> (8 * i));
	b->len += n;
}

void
put_u8(struct wbuf *b, uint8_t v)
{
	put_int(b, v, 1);
}

void
put_u16(struct wbuf *b, uint16_t v)
{
	put_int(b, v, 2);
}

void
put_u32(struct wbuf *b, uint32_t v)
{
	put_int(b, v, 4);
}

void
put_u64(struct wbuf *b, uint64_t v)
{
	put_int(b, v, 8);
}

void
put_bytes(struct wbuf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX)
		fatalx("string of %zu bytes", n);
	put_u32(b, (uint32_t)n);
	wbuf_add(b, p, n);
}

void
put_str(struct wbuf *b, const char *s)
{
	put_bytes(b, s, strlen(s));
}

void
put_slice(struct wbuf *b, struct slice s)
{
	put_bytes(b, s.p, s.len);
}

void
reader_init(struct reader *r, const void *p, size_t n)
{
	r->p = p;
	r->end = r->p + n;
	r->failed = 0;
}

static uint64_t
get_int(struct reader *r, size_t n)
{
	uint64_t v = 0;
	size_t i;

	if (r->failed || (size_t)(r->end - r->p) < n) {
		r->failed = 1;
		return 0;
	}
	for (i = 0; i < n; i++)
		v |= (uint64_t)r->p[i] << (8 * i);
	r->p += n;
	return v;
}

uint8_t
get_u8(struct reader *r)
{
	return (uint8_t)get_int(r, 1);
}

uint16_t
get_u16(struct reader *r)
{
	return (uint16_t)get_int(r, 2);
}

uint32_t
get_u32(struct reader *r)
{
	return (uint32_t)get_int(r, 4);
}

uint64_t
get_u64(struct reader *r)
{
	return get_int(r, 8);
}

struct slice
get_slice(struct reader *r)
{
	struct slice s = { "", 0 };
	size_t n = get_u32(r);

	if (r->failed || (size_t)(r->end - r->p) < n) {
		r->failed = 1;
		return s;
	}
	s.p = (const char *)r->p;
	s.len = n;
	r->p += n;
	return s;
}

void
get_str(struct reader *r, char *dst, size_t size)
{
	struct slice s = get_slice(r);

	if (s.len >= size || memchr(s.p, '\0', s.len) != NULL) {
		r->failed = 1;
		s.len = 0;
	}
	memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
}

struct slice
get_rest(struct reader *r)
{
	struct slice s = { "", 0 };

	if (!r->failed) {
		s.p = (const char *)r->p;
		s.len = (size_t)(r->end - r->p);
		r->p = r->end;
	}
	return s;
}

int
reader_done(const struct reader *r)
{
	return r->failed || r->p != r->end ? -1 : 0;
}

struct slice
slice_of(const char *s)
{
	struct slice r = { s, strlen(s) };

	return r;
}

int
slice_is(struct slice s, const char *str)
{
	return strlen(str) == s.len && memcmp(s.p, str, s.len) == 0;
}

int
slice_copy(struct slice s, char *dst, size_t size)
{
	if (s.len >= size)
		return -1;
	memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
	return 0;
}
