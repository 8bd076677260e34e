/* SPDX-License-Identifier: ISC */
/*
 * The public part of a hub's key.
 */
#include "compat.h"

#include <openssl/evp.h>

#include "hex.h"
#include "hubkey.h"

int
hubkey_public(const unsigned char seed[HUBKEY_SIZE], char hex[HUBKEY_HEX_SIZE])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    seed, HUBKEY_SIZE);
	unsigned char key[HUBKEY_SIZE];
	size_t len = sizeof(key);
	int ok = pkey != NULL && EVP_PKEY_get_raw_public_key(pkey, key,
	    &len) == 1 && len == sizeof(key);

	EVP_PKEY_free(pkey);
	if (!ok)
		return -1;
	hex_encode(hex, key, sizeof(key));
	return 0;
}
