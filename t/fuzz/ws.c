/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes to the WebSocket codec, at once and in pieces, which
 * must make the same of them; and to the parsers of the opening handshake.
 * The first byte says which side we are and how long the pieces are.
 */
#include "compat.h"

#include <stdlib.h>

#include "buf.h"
#include "ws.h"
#include "wshttp.h"

#define LIMIT	4096

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Writes down what the events were. */
static void
feed(enum ws_role role, const uint8_t *data, size_t len, size_t step,
    struct wbuf *seen)
{
	struct wbuf in = { 0 };
	struct ws_event ev;
	struct ws ws;
	size_t i, n, used;

	ws_init(&ws, role, LIMIT);
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		wbuf_add(&in, data + i, n);
		do {
			used = ws_read(&ws, in.rb->data, in.len, &ev);
			if (used > in.len)
				abort();
			if (ev.type != WS_MORE) {
				put_u32(seen, ev.type);
				put_u32(seen, ev.code);
				put_bytes(seen, ev.data, ev.len);
			}
			in.len -= used;
			memmove(in.rb->data, in.rb->data + used, in.len);
		} while (ev.type != WS_MORE);
		if (in.len > WS_CONTROL_MAX + WS_HEADER_MAX)
			abort();
	}
	ws_done(&ws);
	wbuf_free(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wbuf whole = { 0 }, parts = { 0 };
	struct wshttp_request r;
	enum ws_role role;
	long used;

	if (len < 2)
		return 0;
	role = data[0] & 1 ? WS_SERVER : WS_CLIENT;
	feed(role, data + 1, len - 1, len, &whole);
	feed(role, data + 1, len - 1, 1 + (data[0] >> 1) % 64, &parts);
	if (whole.len != parts.len || (whole.len > 0 &&
	    memcmp(wbuf_data(&whole), wbuf_data(&parts), whole.len) != 0))
		abort();
	wbuf_free(&whole);
	wbuf_free(&parts);
	used = wshttp_answer((const char *)data, len,
	    "dGhlIHNhbXBsZSBub25jZQ==");
	if (used > (long)len || used > WSHTTP_MAX)
		abort();
	used = wshttp_read((const char *)data, len, &r);
	if (used > (long)len || used > WSHTTP_MAX)
		abort();
	if (used > 0)
		(void)wshttp_is_loopback(r.host);
	return 0;
}
