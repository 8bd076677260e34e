/* SPDX-License-Identifier: ISC */
/*
 * The certificate of a relay and its key.
 */
#include "compat.h"

#include <sys/stat.h>

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "cert.h"
#include "conf.h"
#include "log.h"
#include "wholefile.h"

#define CERT_MAX	(1024 * 1024)

static int	use_chain(SSL_CTX *, BIO *);
static int	usable(const char *, size_t, const char *, size_t);
static int	no_password(char *, int, int, void *);

/* The router could only go on without. */
static int
usable(const char *cert, size_t clen, const char *key, size_t klen)
{
	SSL_CTX *tls = cert_tls((struct slice){ cert, clen },
	    (struct slice){ key, klen });

	SSL_CTX_free(tls);
	return tls != NULL;
}

int
cert_read(const struct relay_conf *c, struct wbuf *w)
{
	struct stat st;
	size_t clen, klen = 0;
	char *cert, *key = NULL;
	int r = -1;

	if (c->certificate[0] == '\0')
		return 0;
	cert = wholefile_read(c->certificate, CERT_MAX, &clen, &st);
	if (cert == NULL) {
		log_warn("%s", c->certificate);
	} else if ((key = wholefile_read(c->key, CERT_MAX, &klen,
	    &st)) == NULL) {
		log_warn("%s", c->key);
	} else if ((st.st_mode & 077) != 0) {
		log_warnx("%s: others can read it: chmod 600 it", c->key);
	} else if (usable(cert, clen, key, klen)) {
		put_bytes(w, cert, clen);
		put_bytes(w, key, klen);
		r = 0;
	}
	if (key != NULL)
		explicit_bzero(key, klen);
	free(cert);
	free(key);
	return r;
}

static int
use_chain(SSL_CTX *ctx, BIO *b)
{
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	int ok = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
	return ok;
}

/* Nobody is asked for it at a terminal, where all would wait for that. */
static int
no_password(char *dst, int size, int writing, void *arg)
{
	(void)writing;
	(void)arg;
	if (size > 0)
		dst[0] = '\0';
	return -1;
}

SSL_CTX *
cert_tls(struct slice certificate, struct slice key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *c = BIO_new_mem_buf(certificate.p, (int)certificate.len);
	BIO *k = BIO_new_mem_buf(key.p, (int)key.len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(k, NULL, no_password, NULL);
	int ok;

	ok = ctx != NULL && c != NULL && pkey != NULL &&
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    use_chain(ctx, c) && SSL_CTX_use_PrivateKey(ctx, pkey) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1;
	if (ok) {
		SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
		    SSL_MODE_ENABLE_PARTIAL_WRITE);
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		(void)SSL_CTX_set_num_tickets(ctx, 0);
	}
	EVP_PKEY_free(pkey);
	BIO_free(c);
	BIO_free(k);
	if (ok)
		return ctx;
	log_warnx("the certificate cannot be used with that key: %s",
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}
