/* SPDX-License-Identifier: ISC */
/*
 * What the router and a carrier of links to other hubs (bridged, the uplink)
 * tell each other.  The carrier knows who is at the other end of a link and
 * moves lines; what is in them is the router's business.
 */
#ifndef LINKPROTO_H
#define LINKPROTO_H

#include "buf.h"
#include "names.h"

/* A line of a link: that of a client in its envelope. */
#define LINK_ENVELOPE	4096
#define LINK_LINE_MAX	(LINE_MAX_BYTES + LINK_ENVELOPE)
#define LINK_WHY_SIZE	256
#define LINK_KEY_SIZE	65	/* 64 digits: an Ed25519 public key, in hex */

/* Ranks of links: those of the LAN come before all relays. */
#define LINK_RANK_LAN	0
#define LINK_RANK_RELAY	1	/* of the first relay; the others follow */

/* What this hub's router can do (protocol.md section 2), as JSON. */
#define LINK_FEATURES							\
	"[\"ack\",\"ask\",\"broadcast\",\"rename\",\"rooms\",\"groups\"]"

enum link_state {
	LINK_IS_DOWN,		/* waits for the next try, or to be called */
	LINK_IS_CALLING,	/* resolves, connects, shakes hands */
	LINK_IS_UP
};

/* LINK_UP: the hub at the other end has shown that it is that one. */
struct link_up {
	uint32_t	 link;		/* number, never used again */
	char		 hub_id[NAME_SIZE];
	uint8_t		 plaintext;
	uint8_t		 caller;	/* the link was begun here */
	uint8_t		 rank;		/* the least is used, if it seals */
	/* that it has said of itself where nobody else could have; or "" */
	char		 key[LINK_KEY_SIZE];
	struct slice	 hello;		/* its bridge_hello or bridge_welcome */
};
/* LINK_DOWN, LINK_CLOSE */
struct link_end {
	uint32_t	 link;
	char		 why[LINK_WHY_SIZE];
};
/* LINK_LINE: without its newline. */
struct link_line {
	uint32_t	 link;
	struct slice	 line;		/* the rest of the message */
};
/* LINK_FULL: more than enough waits to be sent (1); no longer (0). */
struct link_full {
	uint32_t	 link;
	uint8_t		 full;
};
/* LINK_WRITTEN: so many lines of that link are with the kernel. */
struct link_written {
	uint32_t	 link;
	int64_t		 lines;		/* LINK_SENDs since LINK_UP */
};
/* LINK_STATE: of a hub that the configuration names; for people. */
struct link_report {
	char		 hub_id[NAME_SIZE];
	enum link_state	 state;
	char		 where[LINK_WHY_SIZE];	/* host and port; or "" */
	char		 why[LINK_WHY_SIZE];	/* the last error; or "" */
};
/*
 * LINK_KEY: may the hub that shows this key be linked, or its key be trusted at
 * the end of a pairing?  Answered, with the same id, by LINK_VERDICT: u8, enum
 * key_verdict.  LINK_OWN_KEY: a string, the
 * key of this hub.
 */
enum key_verdict {
	KEY_OK,			/* it is that hub's trusted key */
	KEY_NEW,		/* likewise, from now on */
	KEY_UNKNOWN,		/* somebody has to trust it first */
	KEY_CHANGED,		/* the hub had another one */
	KEY_DISTRUSTED,
	KEY_FAILED		/* the database has failed */
};
struct link_key {
	char		 hub_id[NAME_SIZE];
	char		 key[LINK_KEY_SIZE];	/* "": is there any of it? */
	uint8_t		 paired;		/* it has a pairing's code */
};
/* 1 if it is 64 hexadecimal digits. */
int	link_key_valid(const char *);
/* LINK_RELAY: how the connection to a relay is; for people. */
struct link_relay {
	uint32_t	 relay;		/* of the configuration, from 0 */
	enum link_state	 state;
	uint32_t	 hubs;		/* that are there, too */
	char		 url[LINK_WHY_SIZE];
	char		 why[LINK_WHY_SIZE];	/* the last error; or "" */
};
/*
 * LINK_TELL: u32, a number as a link has.  Whoever listens there is told of all
 * sessions of this hub, in LINK_SENDs, and of nothing else; up to LINK_DOWN.
 */
/*
 * LINK_SEND: a line.  If inner is empty, head is all of it but its newline.
 * Else the line is head, inner without its newline, and `}'.
 */
struct link_send {
	uint32_t	 link;
	struct slice	 head;
	struct slice	 inner;		/* the rest of the message */
};

#define LINKPROTO(x)							\
	void	x##_put(struct wbuf *, const struct x *);		\
	int	x##_get(struct reader *, struct x *)

LINKPROTO(link_up);
LINKPROTO(link_end);
LINKPROTO(link_line);
LINKPROTO(link_full);
LINKPROTO(link_written);
LINKPROTO(link_report);
LINKPROTO(link_key);
LINKPROTO(link_relay);
LINKPROTO(link_send);

#endif
