/* SPDX-License-Identifier: ISC */
/*
 * The Ed25519 key (RFC 8032) by which other hubs know a hub.
 */
#ifndef HUBKEY_H
#define HUBKEY_H

#define HUBKEY_FILE	"hub-key"	/* in the data directory */
#define HUBKEY_SIZE	32		/* bytes of a seed, and of a key */
#define HUBKEY_HEX_SIZE	(2 * HUBKEY_SIZE + 1)

/*
 * The seed in the file, 64 digits in hex, which is made if there is none; to
 * be cleared.  Returns 0, or -1 with the reason in the log: a file that
 * somebody else may have read or that has anything else in it is not used.
 */
int	hubkey_load(const char *datadir, unsigned char seed[HUBKEY_SIZE]);
/*
 * The public key of that seed, in hex.  0, or -1 if OpenSSL fails.  In a file
 * of its own: those that only load the seed need no OpenSSL.
 */
int	hubkey_public(const unsigned char seed[HUBKEY_SIZE],
	    char hex[HUBKEY_HEX_SIZE]);

#endif
