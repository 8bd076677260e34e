/* SPDX-License-Identifier: ISC */
/*
 * TLS on bytes that somebody else moves, whatever it is made of: keys of two
 * hubs, or certificates.  Only programs that use it are linked with OpenSSL.
 */
#ifndef TLSIO_H
#define TLSIO_H

#include <sys/types.h>

#include <stddef.h>

struct ssl_st;
struct tls;

/*
 * Takes over an SSL.  out takes bytes for the other end.  own is freed with
 * the tls; NULL is allowed.
 */
struct tls	*tls_new(struct ssl_st *, void (*out)(const void *, size_t,
		    void *), void *arg, void *own);
void		 tls_free(struct tls *);
/* That own. */
void		*tls_own(const struct tls *);
/* 1 when the handshake is done. */
int		 tls_done(const struct tls *);
/* Why tls_read() has failed: a clause for the log. */
const char	*tls_why(const struct tls *);
/* What has come from the other end; must stay until tls_read() has read it. */
void		 tls_feed(struct tls *, const void *, size_t);
/*
 * Goes on with the handshake and reads what was sent: call it until it is no
 * longer greater than 0.  Returns the number of bytes, 0 if more must come
 * first, -1 if the connection is broken or has ended.
 */
ssize_t		 tls_read(struct tls *, void *, size_t);
/* Encrypts all of it; -1 if the connection is broken. */
int		 tls_write(struct tls *, const void *, size_t);

#endif
