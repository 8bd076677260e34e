/* SPDX-License-Identifier: ISC */
/*
 * The frames of WebSocket (RFC 6455 sections 5 to 7), both sides, without any
 * I/O: bytes in, whole messages and control frames out, and headers to write.
 */
#ifndef WS_H
#define WS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define WS_HEADER_MAX	14	/* section 5.2: 2, a length of 8, a key of 4 */
#define WS_CONTROL_MAX	125	/* section 5.5 */

enum ws_role { WS_CLIENT, WS_SERVER };

/* Section 5.2. */
enum ws_opcode {
	WS_OP_CONTINUATION = 0x0,
	WS_OP_TEXT = 0x1,
	WS_OP_BINARY = 0x2,
	WS_OP_CLOSE = 0x8,
	WS_OP_PING = 0x9,
	WS_OP_PONG = 0xa
};

/* Section 7.4.1; 1005 and 1006 are never in a frame. */
enum ws_close {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_CODE = 1005,
	WS_CLOSE_ABNORMAL = 1006,
	WS_CLOSE_NOT_UTF8 = 1007,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_LATER = 1013
};

enum ws_event_type {
	WS_MORE,	/* nothing is complete: more bytes are wanted */
	WS_MESSAGE,	/* opcode TEXT or BINARY, data: the whole of it */
	WS_PING,	/* data is to be sent back in a pong */
	WS_PONG,
	WS_CLOSED,	/* code (WS_CLOSE_NO_CODE: none), data: the reason */
	WS_BROKEN	/* the other end broke a rule: close with code */
};

/* data is valid until the next call with the same ws. */
struct ws_event {
	enum ws_event_type	 type;
	enum ws_opcode		 opcode;
	unsigned		 code;
	char			*data;
	size_t			 len;
	const char		*why;	/* of WS_BROKEN, for the log */
};

/* One direction of a connection; private to ws.c. */
struct ws {
	enum ws_role	 role;		/* our own */
	size_t		 max;		/* bytes of a message */
	int		 ended;		/* closed or broken: nothing follows */
	int		 in_frame;	/* its header has been read */
	int		 fin;
	int		 unchecked;	/* texts need not be UTF-8 */
	enum ws_opcode	 opcode;	/* of the frame */
	uint64_t	 left;		/* of its payload */
	uint8_t		 key[4];
	size_t		 key_at;
	enum ws_opcode	 message;	/* CONTINUATION: none has begun */
	struct wbuf	 whole;		/* what there is of it */
	char		 partial[4];	/* a character cut by a border */
	size_t		 npartial;
};

/* max: bytes of the longest message that is taken; longer ones close 1009. */
void	ws_init(struct ws *, enum ws_role, size_t max);
void	ws_done(struct ws *);
/* Another limit, from the next frame on. */
void	ws_limit(struct ws *, size_t max);
/* For whoever checks texts himself: they may be other than UTF-8. */
void	ws_unchecked(struct ws *);
/*
 * The message that was handed out last, if it lies in a buffer of its own
 * (else NULL), from where it starts; it then belongs to the caller.
 */
struct rbuf	*ws_take(struct ws *);
/*
 * Reads p[n], which is changed (unmasked in place), up to the first event.
 * Returns how many bytes were consumed; call it again with the rest, as long
 * as it yields events, and with WS_MORE keep the rest for the next bytes.
 * Unconsumed bytes are never more than a control frame and its header.
 */
size_t	ws_read(struct ws *, char *p, size_t n, struct ws_event *);

/*
 * Writes the header of a frame that ends its message (fin 1) or not, with len
 * bytes of payload; key NULL: not masked (section 5.3: a client must mask).
 * Returns its length.
 */
size_t	ws_header(char dst[WS_HEADER_MAX], enum ws_opcode, int fin,
	    uint64_t len, const uint8_t key[4]);
/* XORs p[n] with the key, of which at bytes have been used. */
void	ws_mask(char *p, size_t n, const uint8_t key[4], size_t at);
/*
 * Appends a whole frame.  A client's is masked with a key that nobody can
 * guess (section 10.3).
 */
void	ws_frame(struct wbuf *, enum ws_role, enum ws_opcode, const void *,
	    size_t);
/* Appends a close frame; the reason is cut to what fits. */
void	ws_close_frame(struct wbuf *, enum ws_role, unsigned code,
	    const char *reason);
/* 1 if this code may be in a close frame (section 7.4.2, and IANA's). */
int	ws_close_valid(unsigned code);

#endif
