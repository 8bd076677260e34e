/* SPDX-License-Identifier: ISC */
/*
 * Pairing by way of a relay (protocol.md section 3): the hub that invites
 * hands over the relay's token, and both tell their keys, in TLS 1.3 whose key
 * is the code that people carry from one to the other.
 */
#ifndef PAIRING_H
#define PAIRING_H

#include <sys/queue.h>

#include "pairproto.h"
#include "uplinkconf.h"

struct pairing;
struct ssl_ctx_st;
struct uplink;

TAILQ_HEAD(pairing_list, pairing);

/*
 * Begins, with a code of our own (""), to invite, or with another's to join;
 * relay has a token if it is ours.  tls says whose certificates are good.  At
 * most PAIRINGS_MAX: more end at once.
 */
#define PAIRINGS_MAX	16
void	pairing_new(struct uplink *, uint32_t id, const struct uplink_relay *,
	    const char *code, struct ssl_ctx_st *tls);
/* The one of that id ends without a word. */
void	pairing_cancel(struct uplink *, uint32_t id);
/* What the router says of a key; 1 if one of these has asked. */
int	pairing_verdict(struct uplink *, uint32_t query, enum key_verdict);
/* All do. */
void	pairings_free(struct uplink *);

#endif
