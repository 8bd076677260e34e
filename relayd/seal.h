/* SPDX-License-Identifier: ISC */
/*
 * A sealed session with another hub behind a relay (protocol.md section 3):
 * TLS 1.3 whose bytes travel as numbered records, and the lines of a link in
 * it.  The relay can end it, and do no more.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stdint.h>

#include "buf.h"
#include "linkproto.h"

#define SEAL_SID_SIZE	33		/* 16 random bytes in hex */
#define SEAL_DATA_MAX	(256 * 1024)	/* of base64 in a record */

struct remote;
struct seal;
struct sealer;

/*
 * What all sessions of this hub share: its key, of that seed (RFC 8032), and
 * its certificate.  Dies if OpenSSL cannot.
 */
struct sealer	*sealer_new(const unsigned char seed[32], const char *hub_id);
void		 sealer_free(struct sealer *);
/* The public key, in hex. */
const char	*sealer_key(const struct sealer *);

/* A new one; sid NULL: we are the TLS client, and begin. */
struct seal	*seal_new(struct remote *, const char *sid);
/* A link that is up is down then; why is for the log. */
void		 seal_free(struct seal *, const char *why);
/* Tells the other end first; then as remote_unsealed() does. */
void		 seal_end(struct seal *, const char *why);
const char	*seal_sid(const struct seal *);
/* 0: it is not up. */
uint32_t	 seal_link(const struct seal *);
/* Record seq with data in base64.  May free the seal. */
void		 seal_record(struct seal *, int64_t seq, struct slice data);
/* The router's answer to a question; 0 if it was another's. */
int		 seal_verdict(struct seal *, uint32_t query,
		    enum key_verdict);
void		 seal_send(struct seal *, const struct link_send *);
/* All that waits goes to the connection; a piece of it: 0 if none is left. */
void		 seal_flush(struct seal *);
int		 seal_send_piece(struct seal *);
void		 seal_full(struct seal *, int);
/* The connection takes more: it is not full if not much waits here. */
void		 seal_drained(struct seal *);
/* Once a second; may free the seal. */
void		 seal_tick(struct seal *, int64_t now);
/* Tells a hub that a sid is not known, or has ended. */
void		 seal_refuse(struct remote *, const char *sid);

#endif
