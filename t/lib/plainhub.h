/* SPDX-License-Identifier: ISC */
/*
 * A hub of EcoRelay's on the LAN, "old", which speaks protocol 5 as section 2
 * of the document has it and nothing else: no TLS, no features, no acks.  It
 * is played by the test, on a TCP socket; the hub, "alpha", is a real one.
 */
#ifndef PLAINHUB_H
#define PLAINHUB_H

#include "client.h"

#define PLAIN_SECRET	"a secret of the test"

struct plainhub {
	struct tenv	*env;
	struct conn	*link;		/* to the hub: the newest one */
	int		 fd;		/* has the port that the hub calls */
	int		 port;		/* where the hub listens */
};

/* Starts a hub; unless we listen, it finds our port closed. */
#define plain_begin(listening)	AT(plain_begin_(listening))
struct plainhub	*plain_begin_(int listening);
void		 plain_listen(struct plainhub *);
#define plain_end(p)		AT(plain_end_(p))
void		 plain_end_(struct plainhub *);
/* The hub stops and is started again; its sessions and links are gone. */
#define plain_restart(p)	AT(plain_restart_(p))
void		 plain_restart_(struct plainhub *);

/* Waits until the hub calls; its hello, which must be right. */
#define plain_called(p)		AT(plain_called_(p))
json_t		*plain_called_(struct plainhub *);
/* Calls the hub and says nothing yet. */
#define plain_dial(p)		AT(plain_dial_(p))
struct conn	*plain_dial_(struct plainhub *);
/*
 * Peers as in a list of peers, with members that no document knows: one; zoe
 * alone; n of them, p0, p1 and so on.
 */
json_t		*plain_peer(const char *name);
json_t		*plain_zoe(void);
json_t		*plain_peers(int n);
/* Both steal peers.  A hello may find the connection closed already. */
void		 plain_hello(struct plainhub *, const char *hub_id,
		    const char *secret, const char *version, json_t *peers);
void		 plain_welcome(struct plainhub *, const char *hub_id,
		    json_t *peers);
/* Calls with these peers (stolen); the hub's welcome, which must be right. */
#define plain_link(p, peers)	AT(plain_link_(p, peers))
json_t		*plain_link_(struct plainhub *, json_t *peers);
/* The hub must close the connection and not say why. */
#define plain_turned_away(p)	AT(plain_turned_away_(p))
void		 plain_turned_away_(struct plainhub *);
/* Cuts the link and waits until that session has no peer zoe@old. */
#define plain_cut(p, c)		AT(plain_cut_(p, c))
void		 plain_cut_(struct plainhub *, struct conn *);

/* Waits until the session has, or has not, that one among its peers. */
#define sees(c, name)		AT(sees_(c, name))
json_t		*sees_(struct conn *, const char *name);
#define sees_no(c, name)	AT(sees_no_(c, name))
void		 sees_no_(struct conn *, const char *name);
/* We are told of a session: in the hub's greeting (or NULL), or by a join. */
#define joins(p, greeting, name) AT(joins_(p, greeting, name))
void		 joins_(struct plainhub *, const json_t *greeting,
		    const char *name);
/* It must have what a peer has in a list. */
#define is_peer(j, name)	AT(is_peer_(j, name))
void		 is_peer_(const json_t *, const char *name);

/* Forwards to a session of the hub; steals wrapped. */
void		 plain_forward(struct plainhub *, const char *to,
		    json_t *wrapped);
/* A message, whose msg_id is plain_id(n), in a buffer that is reused. */
void		 plain_message(struct plainhub *, const char *to,
		    const char *from, int n, const char *text);
const char	*plain_id(int n);
/* The next message of that session must be that one, from zoe@old. */
#define gets_message(c, n, text) AT(gets_message_(c, n, text))
void		 gets_message_(struct conn *, int n, const char *text);
/*
 * What is wrapped in the next forward from the hub, which must be for that
 * peer, of that type and from that session.
 */
#define forwarded(p, to, type, from) AT(forwarded_(p, to, type, from))
json_t		*forwarded_(struct plainhub *, const char *to,
		    const char *type, const char *from);

#endif
