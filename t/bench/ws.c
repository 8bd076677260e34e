/* SPDX-License-Identifier: ISC */
/*
 * How fast one core reads WebSocket messages: unmasking and the check that
 * ASCII text is UTF-8, in frames as a client sends them.
 */
#include "compat.h"

#include <stdlib.h>

#include "bench.h"
#include "ws.h"

#define GOAL_GB_S	2.0
#define CHUNK		65536	/* as bufio reads */
#define TOTAL		(512 * 1024 * 1024)

static double	throughput(size_t);

/* GB of text a second, out of one buffer. */
static double
throughput(size_t len)
{
	struct wbuf w = { 0 };
	struct ws_event ev;
	struct ws ws;
	char *text = xmalloc(len), header[WS_HEADER_MAX];
	size_t done, used, n, nheader;
	int64_t began;

	memset(text, 'a', len);
	ws_frame(&w, WS_CLIENT, WS_OP_TEXT, text, len);
	nheader = w.len - len;
	memcpy(header, wbuf_data(&w), nheader);
	memset(header + nheader - 4, 1, 4);
	memset(w.rb->data + nheader, 'a', len);
	ws_init(&ws, WS_SERVER, len);
	began = now_ns();
	for (done = 0; done < TOTAL; done += len) {
		/* with this key each reading leaves ASCII text for the next */
		memcpy(w.rb->data, header, nheader);
		for (used = 0; used < w.len; used += n) {
			n = w.len - used < CHUNK ? w.len - used : CHUNK;
			n = ws_read(&ws, w.rb->data + used, n, &ev);
			if (ev.type == WS_BROKEN)
				return 0;
		}
	}
	began = now_ns() - began;
	ws_done(&ws);
	wbuf_free(&w);
	free(text);
	return (double)done / (double)began;
}

int
measure_ws(struct bench *b, json_t *res)
{
	put_real(res, "frames_200_gb_s", throughput(200));
	put_at_least(b, res, "frames_16k_gb_s", throughput(16384), GOAL_GB_S);
	put_real(res, "frames_1m_gb_s", throughput(1024 * 1024));
	return 0;
}
