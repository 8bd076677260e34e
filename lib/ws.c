/* SPDX-License-Identifier: ISC */
/*
 * The frames of WebSocket.  A frame that is there as a whole is handed out
 * where it lies; others are put together in a buffer of their own.
 */
#include "compat.h"

#include "json.h"
#include "log.h"
#include "timeutil.h"
#include "utf8.h"
#include "ws.h"

#define BIT_FIN		0x80
#define BITS_RSV	0x70
#define BITS_OPCODE	0x0f
#define BIT_MASK	0x80
#define BITS_LEN	0x7f
#define LEN_16		126	/* two bytes of length follow */
#define LEN_64		127	/* eight */
#define AHEAD		8	/* room for so many times what has come */

static size_t	read_header(struct ws *, const char *, size_t,
		    struct ws_event *);
static const char *check_header(const struct ws *, unsigned, unsigned,
		    uint64_t);
static size_t	read_control(struct ws *, char *, size_t, struct ws_event *);
static void	read_close(struct ws *, char *, size_t, struct ws_event *);
static size_t	read_data(struct ws *, char *, size_t, struct ws_event *);
static void	mask(char *, const char *, size_t, const uint8_t[4], size_t);
static void	unmask(struct ws *, char *, const char *, size_t);
static void	make_room(struct ws *, size_t);
static int	add_data(struct ws *, const char *, size_t);
static int	text_goes_on(struct ws *, const char *, size_t);
static int	tail_length(const char *, size_t);
static void	message_done(struct ws *, struct ws_event *, char *, size_t);
static void	broken(struct ws *, struct ws_event *, unsigned,
		    const char *);
static int	is_control(unsigned);

void
ws_init(struct ws *ws, enum ws_role role, size_t max)
{
	memset(ws, 0, sizeof(*ws));
	ws->role = role;
	ws->max = max;
}

void
ws_done(struct ws *ws)
{
	wbuf_free(&ws->whole);
}

void
ws_limit(struct ws *ws, size_t max)
{
	ws->max = max;
}

void
ws_unchecked(struct ws *ws)
{
	ws->unchecked = 1;
}

struct rbuf *
ws_take(struct ws *ws)
{
	struct rbuf *rb = ws->whole.rb;

	if (rb == NULL || ws->message != WS_OP_CONTINUATION)
		return NULL;
	rb->refs = 1;
	rb->len = ws->whole.len;
	memset(&ws->whole, 0, sizeof(ws->whole));
	return rb;
}

static int
is_control(unsigned opcode)
{
	return (opcode & 0x8) != 0;
}

static void
broken(struct ws *ws, struct ws_event *ev, unsigned code, const char *why)
{
	ws->ended = 1;
	ev->type = WS_BROKEN;
	ev->code = code;
	ev->why = why;
}

size_t
ws_read(struct ws *ws, char *p, size_t n, struct ws_event *ev)
{
	size_t used = 0, some;
	int was;

	memset(ev, 0, sizeof(*ev));
	/* the message that was handed out last */
	if (ws->message == WS_OP_CONTINUATION && ws->whole.len > 0)
		wbuf_free(&ws->whole);
	do {
		was = ws->in_frame;
		if (ws->ended)
			break;
		if (!was)
			some = read_header(ws, p + used, n - used, ev);
		else if (is_control(ws->opcode))
			some = read_control(ws, p + used, n - used, ev);
		else
			some = read_data(ws, p + used, n - used, ev);
		used += some;
	} while (ev->type == WS_MORE && (some > 0 || ws->in_frame != was));
	/* what follows the end is of no interest (section 5.5.1) */
	return ws->ended ? n : used;
}

/* What is wrong with a header (sections 5.1, 5.2, 5.4, 5.5), or NULL. */
static const char *
check_header(const struct ws *ws, unsigned b0, unsigned b1, uint64_t len)
{
	unsigned op = b0 & BITS_OPCODE;
	int begun = ws->message != WS_OP_CONTINUATION;

	if ((b0 & BITS_RSV) != 0)
		return "reserved bits are set";
	if (op != WS_OP_CONTINUATION && op != WS_OP_TEXT &&
	    op != WS_OP_BINARY && op != WS_OP_CLOSE && op != WS_OP_PING &&
	    op != WS_OP_PONG)
		return "unknown opcode";
	if (((b1 & BIT_MASK) != 0) != (ws->role == WS_SERVER))
		return ws->role == WS_SERVER ? "not masked" : "masked";
	if (is_control(op)) {
		if (!(b0 & BIT_FIN))
			return "a control frame in parts";
		return (b1 & BITS_LEN) > WS_CONTROL_MAX ?
		    "too long a control frame" : NULL;
	}
	if (op == WS_OP_CONTINUATION && !begun)
		return "continues nothing";
	if (op != WS_OP_CONTINUATION && begun)
		return "a message within a message";
	if (((b1 & BITS_LEN) == LEN_16 && len < LEN_16) ||
	    ((b1 & BITS_LEN) == LEN_64 && len <= UINT16_MAX))
		return "length not in its shortest form";
	return len >> 63 != 0 ? "length over 63 bits" : NULL;
}

static size_t
read_header(struct ws *ws, const char *p, size_t n, struct ws_event *ev)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t nlen, size, i;
	const char *why;
	uint64_t len;

	if (n < 2)
		return 0;
	len = b[1] & BITS_LEN;
	nlen = len == LEN_16 ? 2 : len == LEN_64 ? 8 : 0;
	size = 2 + nlen + ((b[1] & BIT_MASK) != 0 ? 4 : 0);
	/* the two bytes are enough to refuse most of what is wrong */
	why = nlen == 0 || is_control(b[0]) ?
	    check_header(ws, b[0], b[1], len) : NULL;
	if (why == NULL && n < size)
		return 0;
	for (i = 0, len = nlen > 0 && why == NULL ? 0 : len;
	    why == NULL && i < nlen; i++)
		len = len << 8 | b[2 + i];
	if (why == NULL)
		why = check_header(ws, b[0], b[1], len);
	if (why != NULL) {
		broken(ws, ev, WS_CLOSE_PROTOCOL, why);
		return n;
	}
	ws->in_frame = 1;
	ws->fin = (b[0] & BIT_FIN) != 0;
	ws->opcode = (enum ws_opcode)(b[0] & BITS_OPCODE);
	ws->left = len;
	ws->key_at = 0;
	memset(ws->key, 0, sizeof(ws->key));
	if (b[1] & BIT_MASK)
		memcpy(ws->key, b + size - 4, 4);
	if (is_control(ws->opcode))
		return size;
	if (len > ws->max || ws->whole.len > ws->max - len) {
		broken(ws, ev, WS_CLOSE_TOO_BIG, "too long a message");
		return n;
	}
	if (ws->opcode != WS_OP_CONTINUATION)
		ws->message = ws->opcode;
	return size;
}

/* Short: it is waited for. */
static size_t
read_control(struct ws *ws, char *p, size_t n, struct ws_event *ev)
{
	size_t len = (size_t)ws->left;

	if (n < len)
		return 0;
	ws_mask(p, len, ws->key, 0);
	ws->in_frame = 0;
	ev->opcode = ws->opcode;
	ev->data = p;
	ev->len = len;
	if (ws->opcode == WS_OP_CLOSE)
		read_close(ws, p, len, ev);
	else
		ev->type = ws->opcode == WS_OP_PING ? WS_PING : WS_PONG;
	return len;
}

/* Section 5.5.1. */
static void
read_close(struct ws *ws, char *p, size_t n, struct ws_event *ev)
{
	const uint8_t *b = (const uint8_t *)p;

	ws->ended = 1;
	ev->type = WS_CLOSED;
	ev->code = WS_CLOSE_NO_CODE;
	if (n == 0)
		return;
	if (n >= 2)
		ev->code = (unsigned)b[0] << 8 | b[1];
	if (n == 1 || !ws_close_valid(ev->code)) {
		broken(ws, ev, WS_CLOSE_PROTOCOL, "not a close code");
		return;
	}
	ev->data = p + 2;
	ev->len = n - 2;
	if (!utf8_valid(ev->data, ev->len))
		broken(ws, ev, WS_CLOSE_NOT_UTF8, "reason is not UTF-8");
}

static size_t
read_data(struct ws *ws, char *p, size_t n, struct ws_event *ev)
{
	size_t len = n < ws->left ? n : (size_t)ws->left;
	int complete = len == ws->left;

	ws->left -= len;
	if (complete && ws->fin && ws->whole.len == 0) {
		unmask(ws, p, p, len);
		ws->in_frame = 0;
		if (ws->message == WS_OP_TEXT && !ws->unchecked &&
		    !utf8_valid(p, len))
			broken(ws, ev, WS_CLOSE_NOT_UTF8, "text is not UTF-8");
		else
			message_done(ws, ev, p, len);
		return len;
	}
	if (add_data(ws, p, len) == -1) {
		broken(ws, ev, WS_CLOSE_NOT_UTF8, "text is not UTF-8");
		return len;
	}
	if (!complete)
		return len;
	ws->in_frame = 0;
	if (!ws->fin)
		return len;
	if (ws->npartial > 0)
		broken(ws, ev, WS_CLOSE_NOT_UTF8, "text is not UTF-8");
	else
		message_done(ws, ev, len > 0 || ws->whole.len > 0 ?
		    ws->whole.rb->data : p, ws->whole.len);
	return len;
}

static void
message_done(struct ws *ws, struct ws_event *ev, char *p, size_t n)
{
	ev->type = WS_MESSAGE;
	ev->opcode = ws->message;
	ev->data = p;
	ev->len = n;
	ws->message = WS_OP_CONTINUATION;
}

/* To dst, which may be p. */
static void
unmask(struct ws *ws, char *dst, const char *p, size_t n)
{
	mask(dst, p, n, ws->key, ws->key_at);
	ws->key_at = (ws->key_at + n) % 4;
}

/*
 * For n bytes more: for the whole frame, so that it is not moved about; but
 * nobody is given much memory for a promise.
 */
static void
make_room(struct ws *ws, size_t n)
{
	struct wbuf *w = &ws->whole;
	size_t cap = (w->len + n) * AHEAD;

	if (w->rb != NULL && w->cap - w->len >= n)
		return;
	if (cap - w->len - n > ws->left)
		cap = w->len + n + (size_t)ws->left;
	/* frames that follow this one are not known of */
	if (!ws->fin && cap < 2 * w->cap)
		cap = 2 * w->cap;
	w->rb = xreallocarray(w->rb, 1, sizeof(*w->rb) + cap);
	w->cap = cap;
}

/* Wrong text is found with the bytes that make it so (section 8.1). */
static int
add_data(struct ws *ws, const char *p, size_t n)
{
	char *dst;

	if (n == 0)
		return 0;
	make_room(ws, n);
	dst = ws->whole.rb->data + ws->whole.len;
	unmask(ws, dst, p, n);
	ws->whole.len += n;
	return ws->message == WS_OP_TEXT && !ws->unchecked ?
	    text_goes_on(ws, dst, n) : 0;
}

/* p[n] continues the text of which partial is not yet a character. */
static int
text_goes_on(struct ws *ws, const char *p, size_t n)
{
	size_t i = 0;
	int tail;

	while (ws->npartial > 0 && i < n) {
		ws->partial[ws->npartial++] = p[i++];
		tail = tail_length(ws->partial, ws->npartial);
		if (tail == -1)
			return -1;
		ws->npartial = (size_t)tail;
	}
	p += i;
	n -= i;
	if (n == 0)
		return 0;
	if ((tail = tail_length(p, n)) == -1)
		return -1;
	if (tail > 0) {
		memcpy(ws->partial, p + n - tail, (size_t)tail);
		ws->npartial = (size_t)tail;
	}
	return 0;
}

/*
 * How many bytes at the end of p[n] are the beginning of a character; -1 if
 * p[n] cannot be the beginning of a text.
 */
static int
tail_length(const char *p, size_t n)
{
	size_t tail = 0;
	unsigned char c = 0;

	/* back to the last byte that may begin a character */
	do
		c = (unsigned char)p[n - ++tail];
	while (tail < n && tail < 3 && (c & 0xc0) == 0x80);
	if (c < 0xc2 || c > 0xf4 ||
	    utf8_sequence(p + n - tail, p + n) != -(int)tail)
		tail = 0;
	return utf8_valid(p, n - tail) ? (int)tail : -1;
}

int
ws_close_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

size_t
ws_header(char dst[WS_HEADER_MAX], enum ws_opcode opcode, int fin,
    uint64_t len, const uint8_t key[4])
{
	uint8_t *b = (uint8_t *)dst;
	size_t nlen, n = 2;

	nlen = len < LEN_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
	b[0] = (uint8_t)((fin ? BIT_FIN : 0) | (unsigned)opcode);
	b[1] = (uint8_t)(nlen == 0 ? len : nlen == 2 ? LEN_16 : LEN_64);
	while (nlen > 0)
		b[n++] = (uint8_t)(len >> 8 * --nlen);
	if (key != NULL) {
		b[1] |= BIT_MASK;
		memcpy(b + n, key, 4);
		n += 4;
	}
	return n;
}

/* Eight bytes at a time, which compilers make more; dst may be p. */
static void
mask(char *dst, const char *p, size_t n, const uint8_t key[4], size_t at)
{
	uint8_t turned[8];
	uint64_t k, w;
	size_t i;

	for (i = 0; i < 8; i++)
		turned[i] = key[(at + i) % 4];
	memcpy(&k, turned, 8);
	if (k == 0) {
		if (dst != p && n > 0)
			memcpy(dst, p, n);
		return;
	}
	for (i = 0; n - i >= 8; i += 8) {
		memcpy(&w, p + i, 8);
		w ^= k;
		memcpy(dst + i, &w, 8);
	}
	for (; i < n; i++)
		dst[i] = (char)((uint8_t)p[i] ^ turned[i % 8]);
}

void
ws_mask(char *p, size_t n, const uint8_t key[4], size_t at)
{
	mask(p, p, n, key, at);
}

void
ws_frame(struct wbuf *w, enum ws_role role, enum ws_opcode opcode,
    const void *data, size_t len)
{
	uint8_t key[4];
	char *p;

	if (role == WS_CLIENT)
		random_bytes(key, sizeof(key));
	p = wbuf_room(w, WS_HEADER_MAX);
	w->len += ws_header(p, opcode, 1, len, role == WS_CLIENT ? key : NULL);
	if (len == 0)
		return;
	p = wbuf_room(w, len);
	memcpy(p, data, len);
	if (role == WS_CLIENT)
		ws_mask(p, len, key, 0);
	w->len += len;
}

void
ws_close_frame(struct wbuf *w, enum ws_role role, unsigned code,
    const char *reason)
{
	char body[WS_CONTROL_MAX];
	size_t n = strlen(reason);

	if (n > sizeof(body) - 2)
		n = sizeof(body) - 2;
	body[0] = (char)(code >> 8);
	body[1] = (char)(code & 0xff);
	memcpy(body + 2, reason, n);
	ws_frame(w, role, WS_OP_CLOSE, body, n + 2);
}
