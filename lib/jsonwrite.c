/* SPDX-License-Identifier: ISC */
/*
 * The JSON writer: appends values and members to a buffer.
 */
#include "compat.h"

#include "json.h"
#include "utf8.h"

static void	add_escape(struct wbuf *, unsigned char);

/* The letter after the backslash; 0 is written as \u00XX. */
static const char short_escape[128] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	['"'] = '"', ['\\'] = '\\'
};

static void
add_escape(struct wbuf *w, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char *p;

	if (short_escape[c] != 0) {
		p = wbuf_room(w, 2);
		p[0] = '\\';
		p[1] = short_escape[c];
		w->len += 2;
		return;
	}
	p = wbuf_room(w, 6);
	memcpy(p, "\\u00", 4);
	p[4] = hex[c >> 4];
	p[5] = hex[c & 15];
	w->len += 6;
}

void
json_add_str(struct wbuf *w, const char *text, size_t len)
{
	const char *p = text, *end = text, *start = text;
	int n;

	if (len > 0)
		end += len;
	put_u8(w, '"');
	while ((p = utf8_plain_end(p, end)) < end) {
		n = utf8_sequence(p, end);
		if (n > 1) {
			p += n;
			continue;
		}
		wbuf_add(w, start, (size_t)(p - start));
		if (n == 1)
			add_escape(w, (unsigned char)*p);
		else
			wbuf_add(w, "\357\277\275", 3);	/* U+FFFD */
		p += n < 0 ? -n : n;
		start = p;
	}
	wbuf_add(w, start, (size_t)(p - start));
	put_u8(w, '"');
}

void
json_add_raw(struct wbuf *w, struct slice s)
{
	put_u8(w, '"');
	wbuf_add(w, s.p, s.len);
	put_u8(w, '"');
}

void
json_comma(struct wbuf *w)
{
	char last;

	if (w->len == 0)
		return;
	last = wbuf_data(w)[w->len - 1];
	if (last != '{' && last != '[')
		put_u8(w, ',');
}

void
json_begin(struct wbuf *w, char bracket)
{
	put_u8(w, (uint8_t)bracket);
}

void
json_end(struct wbuf *w, char bracket)
{
	put_u8(w, (uint8_t)bracket);
}

void
json_key(struct wbuf *w, const char *key)
{
	json_comma(w);
	put_u8(w, '"');
	wbuf_adds(w, key);
	wbuf_add(w, "\":", 2);
}

void
json_put_str(struct wbuf *w, const char *key, const char *s)
{
	json_put_strn(w, key, s, strlen(s));
}

void
json_put_strn(struct wbuf *w, const char *key, const char *s, size_t len)
{
	json_key(w, key);
	json_add_str(w, s, len);
}

void
json_put_raw(struct wbuf *w, const char *key, struct slice s)
{
	json_key(w, key);
	json_add_raw(w, s);
}

void
json_put_int(struct wbuf *w, const char *key, int64_t n)
{
	char buf[20], *p = buf + sizeof(buf);
	uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	if (n < 0)
		*--p = '-';
	json_key(w, key);
	wbuf_add(w, p, (size_t)(buf + sizeof(buf) - p));
}

void
json_put_bool(struct wbuf *w, const char *key, int value)
{
	json_key(w, key);
	wbuf_adds(w, value ? "true" : "false");
}

void
json_put_null(struct wbuf *w, const char *key)
{
	json_key(w, key);
	wbuf_adds(w, "null");
}
