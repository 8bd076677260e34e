/* SPDX-License-Identifier: ISC */
/*
 * TLS 1.3 with an external pre-shared key.
 */
#include "compat.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "log.h"
#include "psk.h"

#define KEY_BYTES	32
#define SALT		"ecorelay lan"
#define SCRYPT_N	32768
#define SCRYPT_MAXMEM	(64 * 1024 * 1024)
#define CIPHERSUITE	"TLS_AES_128_GCM_SHA256"

struct psk {
	SSL_CTX		*ctx;
	BIO_METHOD	*bio;
	unsigned char	 root[KEY_BYTES];
	char		 hub_id[NAME_SIZE];
};

struct tls {
	struct psk	*psk;
	SSL		*ssl;
	const char	*in;		/* has come, and is not read yet */
	size_t		 in_len;
	void		(*out)(const void *, size_t, void *);
	void		*arg;
	char		 caller[NAME_SIZE], listener[NAME_SIZE];
};

static void	bad(const char *) __attribute__((__noreturn__));
static int	derive(const struct psk *, const char *, const char *,
		    unsigned char[KEY_BYTES]);
static SSL_SESSION	*session(SSL *);
static int	use_session(SSL *, const EVP_MD *, const unsigned char **,
		    size_t *, SSL_SESSION **);
static int	find_session(SSL *, const unsigned char *, size_t,
		    SSL_SESSION **);
static int	bio_read(BIO *, char *, int);
static int	bio_write(BIO *, const char *, int);
static long	bio_ctrl(BIO *, int, long, void *);
static struct tls	*tls_new(struct psk *,
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
	if ((k->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link")) == NULL ||
	    BIO_meth_set_read(k->bio, bio_read) != 1 ||
	    BIO_meth_set_write(k->bio, bio_write) != 1 ||
	    BIO_meth_set_ctrl(k->bio, bio_ctrl) != 1)
		bad("BIO_meth_new");
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
	BIO_meth_free(k->bio);
	explicit_bzero(k, sizeof(*k));
	free(k);
}

/* RFC 5869; 0 or -1. */
static int
derive(const struct psk *k, const char *caller, const char *listener,
    unsigned char key[KEY_BYTES])
{
	char info[2 * NAME_SIZE], digest[] = "SHA256";
	size_t n = strlen(caller) + 1;
	OSSL_PARAM params[4];
	EVP_KDF *kdf;
	EVP_KDF_CTX *ctx = NULL;
	unsigned char root[KEY_BYTES];
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
		ok = EVP_KDF_derive(ctx, key, KEY_BYTES, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	explicit_bzero(root, sizeof(root));
	return ok ? 0 : -1;
}

/* The session that the key stands for. */
static SSL_SESSION *
session(SSL *ssl)
{
	/* RFC 8446 appendix B.4 */
	static const unsigned char suite[] = { 0x13, 0x01 };
	const struct tls *t = SSL_get_app_data(ssl);
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	unsigned char key[KEY_BYTES];
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
	const struct tls *t = SSL_get_app_data(ssl);

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
	struct tls *t = SSL_get_app_data(ssl);
	struct slice name = { (const char *)id, len };

	*res = NULL;
	if (!name_valid(name) || strcmp(t->listener, t->psk->hub_id) != 0)
		return 1;
	(void)slice_copy(name, t->caller, sizeof(t->caller));
	*res = session(ssl);
	return *res != NULL;
}

static int
bio_read(BIO *b, char *dst, int size)
{
	struct tls *t = BIO_get_data(b);
	size_t n = t->in_len < (size_t)size ? t->in_len : (size_t)size;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(dst, t->in, n);
	t->in += n;
	t->in_len -= n;
	return (int)n;
}

static int
bio_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (n > 0)
		t->out(p, (size_t)n, t->arg);
	return n;
}

static long
bio_ctrl(BIO *b, int what, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

static struct tls *
tls_new(struct psk *k, void (*out)(const void *, size_t, void *), void *arg)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	BIO *b = BIO_new(k->bio);

	t->psk = k;
	t->out = out;
	t->arg = arg;
	t->ssl = SSL_new(k->ctx);
	if (t->ssl == NULL || b == NULL || SSL_set_app_data(t->ssl, t) != 1)
		bad("a connection");
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	return t;
}

struct tls *
tls_call(struct psk *k, const char *listener,
    void (*out)(const void *, size_t, void *), void *arg)
{
	struct tls *t = tls_new(k, out, arg);

	strlcpy(t->caller, k->hub_id, sizeof(t->caller));
	strlcpy(t->listener, listener, sizeof(t->listener));
	SSL_set_connect_state(t->ssl);
	return t;
}

struct tls *
tls_answer(struct psk *k, void (*out)(const void *, size_t, void *),
    void *arg)
{
	struct tls *t = tls_new(k, out, arg);

	strlcpy(t->listener, k->hub_id, sizeof(t->listener));
	SSL_set_accept_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

const char *
tls_caller(const struct tls *t)
{
	return t->caller;
}

int
tls_done(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl);
}

void
tls_feed(struct tls *t, const void *p, size_t n)
{
	t->in = p;
	t->in_len = n;
}

ssize_t
tls_read(struct tls *t, void *p, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_read(t->ssl, p, size > INT_MAX ? INT_MAX : (int)size);
	if (n > 0)
		return n;
	return SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ ? 0 : -1;
}

int
tls_write(struct tls *t, const void *p, size_t n)
{
	const char *s = p;
	int r;

	while (n > 0) {
		ERR_clear_error();
		r = SSL_write(t->ssl, s, n > INT_MAX ? INT_MAX : (int)n);
		if (r <= 0)
			return -1;
		s += r;
		n -= (size_t)r;
	}
	return 0;
}
