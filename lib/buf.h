/* SPDX-License-Identifier: ISC */
/*
 * Byte buffers: shared immutable bytes (rbuf), a growing writer (wbuf) and a
 * bounds-checked reader, for imsg payloads and JSON alike.  Integers are
 * little-endian; a counted string is a 32-bit length and its bytes.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else: valid as long as their buffer is. */
struct slice {
	const char	*p;
	size_t		 len;
};

/* Immutable bytes with a reference count. */
struct rbuf {
	unsigned	 refs;
	size_t		 len;
	char		 data[];
};

/* A new buffer of len bytes with one reference; dies if memory is out. */
struct rbuf	*rbuf_new(size_t len);
struct rbuf	*rbuf_ref(struct rbuf *);
/* Drops one reference; NULL is allowed. */
void		 rbuf_unref(struct rbuf *);

/* A growing buffer.  {0} is an empty one. */
struct wbuf {
	struct rbuf	*rb;
	size_t		 len;
	size_t		 cap;
};

void		 wbuf_free(struct wbuf *);
/* Empties the buffer and keeps its memory. */
void		 wbuf_reset(struct wbuf *);
/* Makes room for n more bytes and returns where they go; len is unchanged. */
char		*wbuf_room(struct wbuf *, size_t n);
void		 wbuf_add(struct wbuf *, const void *, size_t);
void		 wbuf_adds(struct wbuf *, const char *);
void		 wbuf_printf(struct wbuf *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
/* The bytes written so far; never NULL, not terminated. */
const char	*wbuf_data(const struct wbuf *);
/* Turns the content into an rbuf without a copy and empties the buffer. */
struct rbuf	*wbuf_take(struct wbuf *);

void		 put_u8(struct wbuf *, uint8_t);
void		 put_u16(struct wbuf *, uint16_t);
void		 put_u32(struct wbuf *, uint32_t);
void		 put_u64(struct wbuf *, uint64_t);
void		 put_bytes(struct wbuf *, const void *, size_t);
void		 put_str(struct wbuf *, const char *);
void		 put_slice(struct wbuf *, struct slice);

/*
 * A reader never goes past its end: the first get that would sets failed,
 * and every get from then on returns 0 or an empty slice.
 */
struct reader {
	const unsigned char	*p;
	const unsigned char	*end;
	int			 failed;
};

void		 reader_init(struct reader *, const void *, size_t);
uint8_t		 get_u8(struct reader *);
uint16_t	 get_u16(struct reader *);
uint32_t	 get_u32(struct reader *);
uint64_t	 get_u64(struct reader *);
/* A counted string; points into the message, not terminated. */
struct slice	 get_slice(struct reader *);
/*
 * A counted string into dst[size], terminated; fails if it does not fit or
 * has a zero byte inside.
 */
void		 get_str(struct reader *, char *dst, size_t size);
/* All that is left. */
struct slice	 get_rest(struct reader *);
/* 0 if everything was read and nothing failed, else -1. */
int		 reader_done(const struct reader *);

struct slice	 slice_of(const char *);
/* 1 if the slice has exactly the bytes of the string. */
int		 slice_is(struct slice, const char *);
/* Copies into dst[size] and terminates; -1 if it does not fit. */
int		 slice_copy(struct slice, char *dst, size_t size);

#endif
