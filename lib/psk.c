/* SPDX-License-Identifier: ISC */
/*
 * TLS 1.3 with an external pre-shared key.
 */
#include "compat.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "log.h"
#include "psk.h"

#define SALT		"ecorelay lan"
#define SCRYPT_N	32768
#define SCRYPT_MAXMEM	(64 * 1024 * 1024)
#define CIPHERSUITE	"TLS_AES_128_GCM_SHA256"

struct psk {
	SSL_CTX		*ctx;
	unsigned char	 root[PSK_KEY_SIZE];
	char		 hub_id[NAME_SIZE];
};

/* Who has called whom. */
struct ends {
	struct psk	*psk;
	SSL		*ssl;
	char		 caller[NAME_SIZE], listener[NAME_SIZE];
};

static void	bad(const char *) __attribute__((__noreturn__));
static int	derive(const struct psk *, const char *, const char *,
		    unsigned char[PSK_KEY_SIZE]);
static SSL_SESSION	*session(SSL *);
static int	use_session(SSL *, const EVP_MD *, const unsigned char **,
		    size_t *, SSL_SESSION **);
static int	find_session(SSL *, const unsigned char *, size_t,
		    SSL_SESSION **);
static struct tls	*make(struct psk *, const char *, const char *, int,
			    void (*)(const void *, size_t, void *), void *);

static void
bad(const char *what)
{
	fatalx("OpenSSL: %s: %s", what,
	    ERR_reason_error_string(ERR_peek_last_error()));
}

struct psk *
psk_new(const char *secret, const char *hub_id)
{
	struct psk *k = xcalloc(1, sizeof(*k));

	strlcpy(k->hub_id, hub_id, sizeof(k->hub_id));
	if (EVP_PBE_scrypt(secret, strlen(secret),
	    (const unsigned char *)SALT, sizeof(SALT) - 1, SCRYPT_N, 8, 1,
	    SCRYPT_MAXMEM, k->root, sizeof(k->root)) != 1)
		bad("scrypt");
	if ((k->ctx = SSL_CTX_new(TLS_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(k->ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(k->ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(k->ctx, CIPHERSUITE) != 1 ||
	    SSL_CTX_set_num_tickets(k->ctx, 0) != 1)
		bad("TLS 1.3");
	SSL_CTX_set_session_cache_mode(k->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(k->ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_psk_use_session_callback(k->ctx, use_session);
	SSL_CTX_set_psk_find_session_callback(k->ctx, find_session);
	return k;
}

void
psk_free(struct psk *k)
{
	if (k == NULL)
		return;
	SSL_CTX_free(k->ctx);
	explicit_bzero(k, sizeof(*k));
	free(k);
}

/* RFC 5869; 0 or -1. */
static int
derive(const struct psk *k, const char *caller, const char *listener,
    unsigned char key[PSK_KEY_SIZE])
{
	char info[2 * NAME_SIZE], digest[] = "SHA256";
	size_t n = strlen(caller) + 1;
	OSSL_PARAM params[4];
	EVP_KDF *kdf;
	EVP_KDF_CTX *ctx = NULL;
	unsigned char root[PSK_KEY_SIZE];
	int ok = 0;

	memcpy(info, caller, n);
	memcpy(info + n, listener, strlen(listener));
	n += strlen(listener);
	memcpy(root, k->root, sizeof(root));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    root, sizeof(root));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
	    info, n);
	params[3] = OSSL_PARAM_construct_end();
	if ((kdf = EVP_KDF_fetch(NULL, "HKDF", NULL)) != NULL &&
	    (ctx = EVP_KDF_CTX_new(kdf)) != NULL)
		ok = EVP_KDF_derive(ctx, key, PSK_KEY_SIZE, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	explicit_bzero(root, sizeof(root));
	return ok ? 0 : -1;
}

/* No listener has the name "". */
void
psk_export(const struct psk *k, const char *label,
    unsigned char key[PSK_KEY_SIZE])
{
	if (derive(k, label, "", key) == -1)
		bad("HKDF");
}

/* The session that the key stands for. */
static SSL_SESSION *
session(SSL *ssl)
{
	/* RFC 8446 appendix B.4 */
	static const unsigned char suite[] = { 0x13, 0x01 };
	const struct ends *t = SSL_get_app_data(ssl);
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	unsigned char key[PSK_KEY_SIZE];
	SSL_SESSION *s = SSL_SESSION_new();

	if (s == NULL || cipher == NULL ||
	    derive(t->psk, t->caller, t->listener, key) == -1 ||
	    SSL_SESSION_set1_master_key(s, key, sizeof(key)) != 1 ||
	    SSL_SESSION_set_cipher(s, cipher) != 1 ||
	    SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) != 1) {
		SSL_SESSION_free(s);
		s = NULL;
	}
	explicit_bzero(key, sizeof(key));
	return s;
}

static int
use_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *len,
    SSL_SESSION **res)
{
	const struct ends *t = SSL_get_app_data(ssl);

	(void)md;
	if ((*res = session(ssl)) == NULL)
		return 0;
	*id = (const unsigned char *)t->caller;
	*len = strlen(t->caller);
	return 1;
}

/* Any name may call; with the wrong secret it gets no further than this. */
static int
find_session(SSL *ssl, const unsigned char *id, size_t len, SSL_SESSION **res)
{
	struct ends *t = SSL_get_app_data(ssl);
	struct slice name = { (const char *)id, len };

	*res = NULL;
	if (!name_valid(name) || strcmp(t->listener, t->psk->hub_id) != 0)
		return 1;
	(void)slice_copy(name, t->caller, sizeof(t->caller));
	*res = session(ssl);
	return *res != NULL;
}

static struct tls *
make(struct psk *k, const char *caller, const char *listener, int server,
    void (*out)(const void *, size_t, void *), void *arg)
{
	struct ends *e = xcalloc(1, sizeof(*e));
	SSL *ssl = SSL_new(k->ctx);

	if (ssl == NULL || SSL_set_app_data(ssl, e) != 1)
		bad("a connection");
	e->psk = k;
	e->ssl = ssl;
	strlcpy(e->caller, caller, sizeof(e->caller));
	strlcpy(e->listener, listener, sizeof(e->listener));
	if (server) {
		SSL_set_accept_state(ssl);
	} else {
		/* no certificate takes the place of the key */
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		SSL_set_connect_state(ssl);
	}
	return tls_new(ssl, out, arg, e);
}

struct tls *
psk_call(struct psk *k, const char *listener,
    void (*out)(const void *, size_t, void *), void *arg)
{
	return make(k, k->hub_id, listener, 0, out, arg);
}

struct tls *
psk_answer(struct psk *k, void (*out)(const void *, size_t, void *),
    void *arg)
{
	return make(k, "", k->hub_id, 1, out, arg);
}

int
psk_proved(const struct tls *t)
{
	const struct ends *e = tls_own(t);

	return tls_done(t) && SSL_session_reused(e->ssl) == 1;
}

const char *
psk_caller(const struct tls *t)
{
	const struct ends *e = tls_own(t);

	return e->caller;
}
