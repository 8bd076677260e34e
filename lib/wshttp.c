/* SPDX-License-Identifier: ISC */
/*
 * The opening handshake of WebSocket.
 */
#include "compat.h"

#include <ctype.h>

#include "base64.h"
#include "sha1.h"
#include "timeutil.h"
#include "wshttp.h"

#define GUID	"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"	/* section 1.3 */
#define KEY_LEN	24	/* 16 bytes in base64 */

static const char *line_end(const char *, const char *);
static int	read_start(struct wshttp_request *, const char *, const char *);
static int	read_field(struct wshttp_request *, const char *, const char *,
		    unsigned *);
static int	same(struct slice, const char *);
static int	has_token(struct slice, const char *);
static void	accept_text(struct wbuf *, struct slice);

enum { SAW_UPGRADE = 1, SAW_CONNECTION = 2, SAW_VERSION = 4, SAW_KEY = 8,
	SAW_ALL = 15 };

static int
same(struct slice s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

/* Section 4.2.1: a list of tokens, one of which must be there. */
static int
has_token(struct slice list, const char *word)
{
	const char *p = list.p, *end = list.p + list.len, *q;
	struct slice s;

	for (; p < end; p = q + 1) {
		if ((q = memchr(p, ',', (size_t)(end - p))) == NULL)
			q = end;
		s.p = p;
		s.len = (size_t)(q - p);
		while (s.len > 0 && (*s.p == ' ' || *s.p == '\t')) {
			s.p++;
			s.len--;
		}
		while (s.len > 0 && (s.p[s.len - 1] == ' ' ||
		    s.p[s.len - 1] == '\t'))
			s.len--;
		if (same(s, word))
			return 1;
	}
	return 0;
}

/* The \r\n that ends the line at p, or NULL. */
static const char *
line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl != NULL && nl > p && nl[-1] == '\r' ? nl - 1 : NULL;
}

static int
read_start(struct wshttp_request *r, const char *p, const char *end)
{
	const char *sp, *sp2;

	if ((sp = memchr(p, ' ', (size_t)(end - p))) == NULL)
		return -1;
	if ((sp2 = memchr(sp + 1, ' ', (size_t)(end - sp - 1))) == NULL)
		return -1;
	r->method.p = p;
	r->method.len = (size_t)(sp - p);
	r->target.p = sp + 1;
	r->target.len = (size_t)(sp2 - sp - 1);
	if (r->method.len == 0 || r->target.len == 0)
		return -1;
	return end - sp2 == 9 && memcmp(sp2 + 1, "HTTP/1.1", 8) == 0 ? 0 : -1;
}

static int
read_field(struct wshttp_request *r, const char *p, const char *end,
    unsigned *saw)
{
	const char *colon = memchr(p, ':', (size_t)(end - p)), *c;
	struct slice name, value;

	if (colon == NULL || colon == p)
		return -1;
	for (c = p; c < end; c++) {
		if ((unsigned char)*c < ' ' && *c != '\t')
			return -1;
		if (c < colon && (*c == ' ' || *c == '\t'))
			return -1;
	}
	name.p = p;
	name.len = (size_t)(colon - p);
	for (p = colon + 1; p < end && (*p == ' ' || *p == '\t'); p++)
		continue;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	value.p = p;
	value.len = (size_t)(end - p);
	if (same(name, "Host") || same(name, "Origin")) {
		struct slice *dst = same(name, "Host") ? &r->host : &r->origin;

		/* two of them: which one would count? */
		if (dst->p != NULL)
			return -1;
		*dst = value;
	} else if (same(name, "Upgrade") && has_token(value, "websocket"))
		*saw |= SAW_UPGRADE;
	else if (same(name, "Connection") && has_token(value, "upgrade"))
		*saw |= SAW_CONNECTION;
	else if (same(name, "Sec-WebSocket-Version") && same(value, "13"))
		*saw |= SAW_VERSION;
	else if (same(name, "Sec-WebSocket-Key") && value.len == KEY_LEN) {
		r->key = value;
		*saw |= SAW_KEY;
	}
	return 0;
}

long
wshttp_read(const char *p, size_t n, struct wshttp_request *r)
{
	const char *begin = p, *end = p + n, *eol;
	unsigned saw = 0;

	memset(r, 0, sizeof(*r));
	if (n > WSHTTP_MAX)
		end = p + WSHTTP_MAX;
	while ((eol = line_end(p, end)) != NULL) {
		if (eol == p) {
			r->upgrade = saw == SAW_ALL && same(r->method, "GET");
			return r->method.p != NULL ? eol + 2 - begin : -1;
		}
		if ((r->method.p == NULL ? read_start(r, p, eol) :
		    read_field(r, p, eol, &saw)) == -1)
			return -1;
		p = eol + 2;
	}
	/* a newline alone is none */
	if (memchr(p, '\n', (size_t)(end - p)) != NULL)
		return -1;
	return n >= WSHTTP_MAX ? -1 : 0;
}

/* Section 4.2.2: what proves that a key was read. */
static void
accept_text(struct wbuf *w, struct slice key)
{
	uint8_t digest[SHA1_SIZE];
	struct wbuf text = { 0 };

	wbuf_add(&text, key.p, key.len);
	wbuf_adds(&text, GUID);
	sha1(wbuf_data(&text), text.len, digest);
	wbuf_free(&text);
	base64_put(w, digest, sizeof(digest));
}

void
wshttp_accept(struct wbuf *w, struct slice key)
{
	wbuf_adds(w, "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: ");
	accept_text(w, key);
	wbuf_adds(w, "\r\n\r\n");
}

void
wshttp_ask(struct wbuf *w, const char *host, const char *path,
    char key[WSHTTP_KEY_SIZE])
{
	struct wbuf text = { 0 };
	uint8_t bytes[16];

	random_bytes(bytes, sizeof(bytes));
	base64_put(&text, bytes, sizeof(bytes));
	memcpy(key, wbuf_data(&text), text.len);
	key[text.len] = '\0';
	wbuf_free(&text);
	wbuf_printf(w, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
	    path, host, key);
}

/* Section 4.1, the client's checks; no extension was asked for. */
long
wshttp_answer(const char *p, size_t n, const char *key)
{
	static const char status[] = "HTTP/1.1 101", name[] =
	    "Sec-WebSocket-Accept:";
	const char *begin = p, *end = p + n, *eol;
	struct wbuf wanted = { 0 };
	int good = 0;
	size_t len;

	if (n > WSHTTP_MAX)
		end = p + WSHTTP_MAX;
	accept_text(&wanted, slice_of(key));
	while ((eol = line_end(p, end)) != NULL && eol != p) {
		len = (size_t)(eol - p);
		if (p == begin && (len < sizeof(status) - 1 ||
		    memcmp(p, status, sizeof(status) - 1) != 0))
			break;
		if (len > sizeof(name) - 1 &&
		    strncasecmp(p, name, sizeof(name) - 1) == 0) {
			p += sizeof(name) - 1;
			while (p < eol && (*p == ' ' || *p == '\t'))
				p++;
			good = (size_t)(eol - p) == wanted.len &&
			    memcmp(p, wbuf_data(&wanted), wanted.len) == 0;
		}
		p = eol + 2;
	}
	wbuf_free(&wanted);
	if (eol == NULL)
		return memchr(p, '\n', (size_t)(end - p)) != NULL ||
		    n >= WSHTTP_MAX ? -1 : 0;
	return good && eol == p ? eol + 2 - begin : -1;
}

void
wshttp_refuse(struct wbuf *w, int status, const char *text)
{
	static const struct {
		int		 status;
		const char	*phrase, *more;
	} phrases[] = {
		{ 400, "Bad Request", "" },
		{ 403, "Forbidden", "" },
		{ 426, "Upgrade Required",
		    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" },
		{ 0, "Error", "" }
	};
	size_t i;

	for (i = 0; phrases[i].status != 0 && phrases[i].status != status; i++)
		continue;
	wbuf_printf(w, "HTTP/1.1 %d %s\r\n%sConnection: close\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
	    status, phrases[i].phrase, phrases[i].more, strlen(text) + 1,
	    text);
}

int
wshttp_is_loopback(struct slice host)
{
	const char *colon, *p;
	size_t i;

	if (host.p == NULL || host.len == 0)
		return 0;
	if (host.p[0] == '[')
		return (host.len >= 5 && memcmp(host.p, "[::1]", 5) == 0 &&
		    (host.len == 5 || host.p[5] == ':'));
	if ((colon = memchr(host.p, ':', host.len)) != NULL)
		host.len = (size_t)(colon - host.p);
	if (same(host, "localhost"))
		return 1;
	if (host.len < 9 || host.len > 15 || memcmp(host.p, "127.", 4) != 0)
		return 0;
	/* 127.evil.example is a name */
	for (i = 0, p = host.p; i < host.len; i++) {
		if (!isdigit((unsigned char)p[i]) && p[i] != '.')
			return 0;
	}
	return 1;
}
