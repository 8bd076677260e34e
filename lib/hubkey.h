/* SPDX-License-Identifier: ISC */
/*
 * The key by which other hubs know this one: an Ed25519 key (RFC 8032), whose
 * seed is in a file of the data directory.
 */
#ifndef HUBKEY_H
#define HUBKEY_H

#include "uplinkconf.h"

#define HUBKEY_FILE	"hub-key"	/* 64 hexadecimal digits */

/*
 * Reads the seed, or makes one if there is no file.  0, or -1: it cannot be
 * read, others can read it, or it is no key; the log says so.
 */
int	hubkey_load(const char *datadir, unsigned char seed[UPLINK_SEED_SIZE]);

#endif
