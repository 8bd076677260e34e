/* SPDX-License-Identifier: ISC */
/*
 * TLS 1.3 with an external pre-shared key and no certificates (RFC 8446
 * section 4.2.11, protocol.md section 2), on bytes that somebody else moves.
 * Of the caller's identity, its hub id, and the secret that all hubs share
 * comes the key:
 *
 *	root = scrypt(secret, salt "ecorelay lan", N 32768, r 8, p 1), 32 bytes
 *	key  = HKDF-SHA256(root, no salt, info = caller, 0, listener), 32 bytes
 */
#ifndef PSK_H
#define PSK_H

#include <sys/types.h>

#include <stddef.h>

#include "names.h"

struct psk;
struct tls;

/* Takes some 100 ms and, meanwhile, 32 MB.  Dies if OpenSSL cannot. */
struct psk	*psk_new(const char *secret, const char *hub_id);
void		 psk_free(struct psk *);

/*
 * The caller's side of a connection to the hub listener.  out takes bytes for
 * the other end.
 */
struct tls	*tls_call(struct psk *, const char *listener,
		    void (*out)(const void *, size_t, void *), void *arg);
/* The listener's side. */
struct tls	*tls_answer(struct psk *,
		    void (*out)(const void *, size_t, void *), void *arg);
void		 tls_free(struct tls *);
/* The caller's identity, or "" as long as it is not known. */
const char	*tls_caller(const struct tls *);
/* 1 when the handshake is done: the other end knows the secret. */
int		 tls_done(const struct tls *);

/* What has come from the other end; must stay until tls_read() has read it. */
void		 tls_feed(struct tls *, const void *, size_t);
/*
 * Goes on with the handshake and reads what was sent: call it until it is no
 * longer greater than 0.  Returns the number of
 * bytes, 0 if more must come first, -1 if the connection is broken or has
 * ended.
 */
ssize_t		 tls_read(struct tls *, void *, size_t);
/* Encrypts all of it; -1 if the connection is broken. */
int		 tls_write(struct tls *, const void *, size_t);

#endif
