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

#include "names.h"
#include "tlsio.h"

#define PSK_KEY_SIZE	32

struct psk;

/* Takes some 100 ms and, meanwhile, 32 MB.  Dies if OpenSSL cannot. */
struct psk	*psk_new(const char *secret, const char *hub_id);
void		 psk_free(struct psk *);

/*
 * Another key that comes of the secret, for what label says: HKDF-SHA256 of
 * the same root, info = label, 0.
 */
void		 psk_export(const struct psk *, const char *label,
		    unsigned char key[PSK_KEY_SIZE]);

/* The caller's side of a connection to the hub listener (tlsio.h). */
struct tls	*psk_call(struct psk *, const char *listener,
		    void (*out)(const void *, size_t, void *), void *arg);
/* The listener's side. */
struct tls	*psk_answer(struct psk *,
		    void (*out)(const void *, size_t, void *), void *arg);
/*
 * 1 if the handshake is done and the other end has shown that it knows the
 * secret: tls_done() alone does not say that.
 */
int		 psk_proved(const struct tls *);
/* The caller's identity, or "" as long as it is not known. */
const char	*psk_caller(const struct tls *);

#endif
