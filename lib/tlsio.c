/* SPDX-License-Identifier: ISC */
/*
 * TLS on bytes that somebody else moves.
 */
#include "compat.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "log.h"
#include "tlsio.h"

#define UNKNOWN_CA	"unable to get local issuer certificate: name that " \
			    "as ca file (hubctl join -f)"

struct tls {
	SSL		*ssl;
	const char	*in;		/* has come, and is not read yet */
	size_t		 in_len;
	void		(*out)(const void *, size_t, void *);
	void		*arg, *own;
	unsigned long	 error;		/* OpenSSL's, of the last failure */
};

static int	bio_read(BIO *, char *, int);
static int	bio_write(BIO *, const char *, int);
static long	bio_ctrl(BIO *, int, long, void *);
static BIO_METHOD	*method(void);

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

static BIO_METHOD *
method(void)
{
	static BIO_METHOD *m;

	if (m == NULL &&
	    ((m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tlsio")) == NULL ||
	    BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1))
		fatalx("BIO_meth_new");
	return m;
}

struct tls *
tls_new(SSL *ssl, void (*out)(const void *, size_t, void *), void *arg,
    void *own)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	BIO *b = BIO_new(method());

	if (ssl == NULL || b == NULL)
		fatalx("TLS: out of memory");
	t->ssl = ssl;
	t->out = out;
	t->arg = arg;
	t->own = own;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t->own);
	free(t);
}

void *
tls_own(const struct tls *t)
{
	return t->own;
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
	if (SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ)
		return 0;
	t->error = ERR_peek_last_error();
	return -1;
}

/* A certificate's fault says most. */
const char *
tls_why(const struct tls *t)
{
	static const struct {
		long		 verdict;
		const char	*text;
	} unknown[] = {
		{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self-signed "
		    "certificate: name it as ca file (hubctl join -f)" },
		{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNKNOWN_CA },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_CA },
		{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNKNOWN_CA },
	};
	long verdict = SSL_get_verify_result(t->ssl);
	const char *text = NULL;
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (unknown[i].verdict == verdict)
			return unknown[i].text;
	}
	if (verdict != X509_V_OK)
		return X509_verify_cert_error_string(verdict);
	if (t->error != 0)
		text = ERR_reason_error_string(t->error);
	return text != NULL ? text : "ended by the other end";
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
