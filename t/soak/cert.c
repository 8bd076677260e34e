/* SPDX-License-Identifier: ISC */
/*
 * The relay's certificate, which signs itself: P-256, as public relays have.
 */
#include "compat.h"

#include <sys/stat.h>

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "soak.h"

#define LIFE_S		86400

static FILE	*create(const char *, const char *);
static int	 extend(X509 *, int, const char *);
static int	 fill_in(X509 *, EVP_PKEY *);

/* Nobody else may read it. */
static FILE *
create(const char *dir, const char *name)
{
	char	 path[T_PATH];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	want(f != NULL && fchmod(fileno(f), 0600) == 0, "%s", path);
	return (f);
}

static int
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION	*e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int		 ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return (ok);
}

static int
fill_in(X509 *x, EVP_PKEY *key)
{
	X509_NAME	*name = X509_get_subject_name(x);

	return (X509_set_version(x, X509_VERSION_3) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), LIFE_S) != NULL &&
	    X509_set_pubkey(x, key) == 1 &&
	    extend(x, NID_basic_constraints, "critical,CA:TRUE") &&
	    extend(x, NID_subject_alt_name, "DNS:localhost") &&
	    X509_sign(x, key, EVP_sha256()) > 0);
}

void
cert_write(const char *dir)
{
	EVP_PKEY	*key = EVP_EC_gen("P-256");
	X509		*x = X509_new();
	FILE		*cert = create(dir, "cert"), *secret;

	secret = create(dir, "key");
	want(key != NULL && x != NULL && fill_in(x, key) &&
	    PEM_write_X509(cert, x) == 1 && PEM_write_PrivateKey(secret, key,
	    NULL, NULL, 0, NULL, NULL) == 1, "no certificate");
	want(fclose(cert) == 0 && fclose(secret) == 0, "no certificate");
	X509_free(x);
	EVP_PKEY_free(key);
}
