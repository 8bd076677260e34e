/* SPDX-License-Identifier: ISC */
/*
 * SHA-1 (RFC 3174), for the handshake of WebSocket only, which protects
 * nothing with it: not worth a crypto library's megabytes in the router.
 */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE	20

/* The digest of p[n]; n is at most 64 KiB. */
void	sha1(const void *p, size_t n, uint8_t dst[SHA1_SIZE]);

#endif
