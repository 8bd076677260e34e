/* SPDX-License-Identifier: ISC */
/*
 * Tests of TLS with a shared secret: who gets through, who is seen at the
 * other end, and what becomes of bytes that are not what was sent.
 */
#include "compat.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../../lib/psk.h"
#include "buf.h"
#include "test.h"

#define SECRET	"a secret of all hubs"
#define MEGABYTE	(1024 * 1024)

/* One end of a connection. */
struct end {
	struct tls	*t;
	struct wbuf	 out, got;
	int		 broken;
};

static void
on_output(const void *p, size_t n, void *arg)
{
	struct end *e = arg;

	wbuf_add(&e->out, p, n);
}

static void
call(struct end *e, struct psk *k, const char *listener)
{
	memset(e, 0, sizeof(*e));
	e->t = psk_call(k, listener, on_output, e);
}

static void
answer(struct end *e, struct psk *k)
{
	memset(e, 0, sizeof(*e));
	e->t = psk_answer(k, on_output, e);
}

/* Reads all there is in what has come. */
static void
take_in(struct end *e, const char *p, size_t n)
{
	/* a copy of just that size, so that sanitizers see its end */
	char *copy = xmalloc(n > 0 ? n : 1), buf[4096];
	ssize_t r;

	memcpy(copy, p, n);
	tls_feed(e->t, copy, n);
	while ((r = tls_read(e->t, buf, sizeof(buf))) > 0)
		wbuf_add(&e->got, buf, (size_t)r);
	if (r == -1)
		e->broken = 1;
	tls_feed(e->t, NULL, 0);
	free(copy);
}

/* Moves what one end has for the other, in pieces; 0 if that was nothing. */
static int
move(struct end *from, struct end *to, size_t step)
{
	struct rbuf *b = wbuf_take(&from->out);
	size_t i, n;

	for (i = 0; i < b->len; i += n) {
		n = b->len - i < step ? b->len - i : step;
		take_in(to, b->data + i, n);
	}
	i = b->len;
	rbuf_unref(b);
	return i > 0;
}

static void
talk(struct end *a, struct end *b, size_t step)
{
	int moved = 1;

	take_in(a, "", 0);
	while (moved)
		moved = move(a, b, step) + move(b, a, step);
}

static void
end_free(struct end *e)
{
	tls_free(e->t);
	wbuf_free(&e->out);
	wbuf_free(&e->got);
	memset(e, 0, sizeof(*e));
}

static void
write_to(struct end *from, const char *text)
{
	want(tls_write(from->t, text, strlen(text)) == 0, "tls_write");
}

static void
want_got(const struct end *e, const char *text)
{
	struct slice got = { wbuf_data(&e->got), e->got.len };

	want(slice_is(got, text), "got \"%.*s\", should be \"%s\"",
	    (int)got.len, got.p, text);
}

/* They do not come together, and nothing is read. */
static void
want_refused(struct end *caller, struct end *listener, const char *why)
{
	talk(caller, listener, MEGABYTE);
	want(listener->broken && !tls_done(listener->t), "%s", why);
	want(!tls_done(caller->t), "%s: the caller takes it", why);
	/* an alert, perhaps; then it is over for the caller, too */
	want(caller->broken, "%s: the caller waits", why);
	want(tls_write(listener->t, "x", 1) == -1, "%s: written to", why);
	want(listener->got.len == 0 && caller->got.len == 0, "%s: read", why);
}

START_TEST(the_same_secret)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;

	call(&c, here, "there");
	answer(&l, there);
	want(strcmp(psk_caller(l.t), "") == 0, "known before it calls");
	talk(&c, &l, MEGABYTE);
	want(psk_proved(c.t) && psk_proved(l.t), "no handshake");
	want(strcmp(psk_caller(l.t), "here") == 0, "%s", psk_caller(l.t));
	write_to(&c, "from here\n");
	write_to(&l, "from there\n");
	talk(&c, &l, MEGABYTE);
	want_got(&l, "from here\n");
	want_got(&c, "from there\n");
	want(!c.broken && !l.broken, "broken");
	end_free(&c);
	end_free(&l);
	psk_free(here);
	psk_free(there);
}
END_TEST

/* Both ways at a time, and all keys of one hub at once. */
START_TEST(many_connections)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end e[20];
	int i;

	for (i = 0; i < 20; i += 2) {
		call(&e[i], i % 4 ? here : there, i % 4 ? "there" : "here");
		answer(&e[i + 1], i % 4 ? there : here);
	}
	for (i = 0; i < 20; i += 2) {
		talk(&e[i], &e[i + 1], 7);
		write_to(&e[i], "x");
	}
	for (i = 0; i < 20; i += 2) {
		talk(&e[i], &e[i + 1], 7);
		want_got(&e[i + 1], "x");
		want(strcmp(psk_caller(e[i + 1].t), i % 4 ? "here" :
		    "there") == 0, "%s", psk_caller(e[i + 1].t));
		end_free(&e[i]);
		end_free(&e[i + 1]);
	}
	psk_free(here);
	psk_free(there);
}
END_TEST

START_TEST(byte_by_byte)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;

	call(&c, here, "there");
	answer(&l, there);
	talk(&c, &l, 1);
	want(tls_done(c.t) && tls_done(l.t), "no handshake");
	write_to(&c, "slowly");
	talk(&c, &l, 1);
	want_got(&l, "slowly");
	end_free(&c);
	end_free(&l);
	psk_free(here);
	psk_free(there);
}
END_TEST

START_TEST(another_secret)
{
	static const char *const secrets[] = { "a secret of all hubs ",
	    "A secret of all hubs", "a secret of all hub", "" };
	struct psk *there = psk_new(SECRET, "there"), *here;
	struct end c, l;
	size_t i;

	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		here = psk_new(secrets[i], "here");
		call(&c, here, "there");
		answer(&l, there);
		want_refused(&c, &l, secrets[i]);
		end_free(&c);
		end_free(&l);
		psk_free(here);
	}
	psk_free(there);
}
END_TEST

/* One that has a certificate in place of the secret. */
START_TEST(a_certificate)
{
	struct psk *here = psk_new(SECRET, "here");
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *cert = X509_new();
	struct end c, l;
	SSL *ssl;

	want(key != NULL && ctx != NULL && cert != NULL &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_sign(cert, key, NULL) > 0 &&
	    SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1, "no certificate");
	call(&c, here, "there");
	memset(&l, 0, sizeof(l));
	ssl = SSL_new(ctx);
	SSL_set_accept_state(ssl);
	l.t = tls_new(ssl, on_output, &l, NULL);
	talk(&c, &l, MEGABYTE);
	want(c.broken && !psk_proved(c.t), "it need not know the secret");
	want(c.got.len == 0 && l.got.len == 0, "something was said");
	end_free(&c);
	end_free(&l);
	X509_free(cert);
	EVP_PKEY_free(key);
	SSL_CTX_free(ctx);
	psk_free(here);
}
END_TEST

/* It wanted to call another hub, which has the same secret. */
START_TEST(another_listener)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;

	call(&c, here, "elsewhere");
	answer(&l, there);
	want_refused(&c, &l, "another listener");
	end_free(&c);
	end_free(&l);
	/* what somebody sends back to where it came from */
	call(&c, here, "there");
	answer(&l, here);
	want_refused(&c, &l, "a reflection");
	end_free(&c);
	end_free(&l);
	psk_free(here);
	psk_free(there);
}
END_TEST

START_TEST(names_of_callers)
{
	char *longest = t_fill('n', NAME_LEN_MAX);
	struct psk *good = psk_new(SECRET, longest);
	struct psk *bad = psk_new(SECRET, "not a name");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;

	call(&c, good, "there");
	answer(&l, there);
	talk(&c, &l, MEGABYTE);
	want(tls_done(l.t) && strcmp(psk_caller(l.t), longest) == 0, "\"%s\"",
	    psk_caller(l.t));
	end_free(&c);
	end_free(&l);
	call(&c, bad, "there");
	answer(&l, there);
	want_refused(&c, &l, "not a name");
	want(strcmp(psk_caller(l.t), "") == 0, "\"%s\"", psk_caller(l.t));
	end_free(&c);
	end_free(&l);
	psk_free(good);
	psk_free(bad);
	psk_free(there);
	free(longest);
}
END_TEST

/* Each byte of a record in turn; the header may make it wait for more. */
START_TEST(altered_records)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;
	struct rbuf *record;
	size_t i, n = 1;

	for (i = 0; i < n; i++) {
		call(&c, here, "there");
		answer(&l, there);
		talk(&c, &l, MEGABYTE);
		write_to(&c, "hello");
		record = wbuf_take(&c.out);
		n = record->len;
		want(n > 5 && n < 100, "%zu bytes", n);
		record->data[i] ^= 1;
		take_in(&l, record->data, n);
		rbuf_unref(record);
		want(l.got.len == 0, "byte %zu: it is read", i);
		want(l.broken || i < 5, "byte %zu: it goes on", i);
		end_free(&c);
		end_free(&l);
	}
	psk_free(here);
	psk_free(there);
}
END_TEST

/* All that a caller has sent comes again. */
START_TEST(replayed)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l, again;
	struct wbuf sent = { 0 };
	size_t n;
	int i;

	call(&c, here, "there");
	answer(&l, there);
	take_in(&c, "", 0);
	for (i = 0; i < 4; i++) {
		if (i == 3)
			write_to(&c, "hello");
		wbuf_add(&sent, wbuf_data(&c.out), c.out.len);
		(void)move(&c, &l, MEGABYTE);
		(void)move(&l, &c, MEGABYTE);
	}
	want_got(&l, "hello");
	answer(&again, there);
	take_in(&again, wbuf_data(&sent), sent.len);
	want(again.broken && !tls_done(again.t), "a handshake, again");
	want(again.got.len == 0, "it is read again");
	end_free(&again);
	/* and in pieces */
	answer(&again, there);
	for (n = 0; n < sent.len && !again.broken; n++)
		take_in(&again, wbuf_data(&sent) + n, 1);
	want(again.broken && again.got.len == 0, "it is read again");
	end_free(&c);
	end_free(&l);
	end_free(&again);
	wbuf_free(&sent);
	psk_free(here);
	psk_free(there);
}
END_TEST

START_TEST(a_megabyte)
{
	struct psk *here = psk_new(SECRET, "here");
	struct psk *there = psk_new(SECRET, "there");
	struct end c, l;
	char *text = xmalloc(MEGABYTE);
	size_t i;

	call(&c, here, "there");
	answer(&l, there);
	for (i = 0; i < MEGABYTE; i++)
		text[i] = (char)(i * 7 + i / 251);
	talk(&c, &l, MEGABYTE);
	want(tls_write(c.t, text, MEGABYTE) == 0, "tls_write");
	want(tls_write(l.t, text, MEGABYTE) == 0, "tls_write");
	talk(&c, &l, 10007);
	want(l.got.len == MEGABYTE &&
	    memcmp(wbuf_data(&l.got), text, MEGABYTE) == 0, "to there");
	want(c.got.len == MEGABYTE &&
	    memcmp(wbuf_data(&c.got), text, MEGABYTE) == 0, "to here");
	free(text);
	end_free(&c);
	end_free(&l);
	psk_free(here);
	psk_free(there);
}
END_TEST

/* A TLS client as there are many. */
static void
call_without_a_key(struct psk *there, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(ctx);
	struct end l;
	char *p;
	long n;

	answer(&l, there);
	want(SSL_set_max_proto_version(ssl, version) == 1, "version");
	SSL_set_bio(ssl, in, out);
	(void)SSL_connect(ssl);
	n = BIO_get_mem_data(out, &p);
	want(n > 0, "no hello");
	take_in(&l, p, (size_t)n);
	want(l.broken && !tls_done(l.t), "without a key: version 0x%x",
	    version);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	end_free(&l);
}

START_TEST(no_key)
{
	static const char *const texts[] = {
	    "{\"type\":\"bridge_hello\"}\n",
	    "\x16GET / HTTP/1.1\r\n\r\n",
	    "\x16\x03\x01\x02\x01\x01 " };
	struct psk *there = psk_new(SECRET, "there");
	struct end l;
	size_t i;

	call_without_a_key(there, TLS1_2_VERSION);
	call_without_a_key(there, TLS1_3_VERSION);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		answer(&l, there);
		take_in(&l, texts[i], strlen(texts[i]));
		want(!tls_done(l.t) && l.got.len == 0, "%s", texts[i]);
		end_free(&l);
	}
	psk_free(there);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("psk");

	(void)argc;
	test_add(s, the_same_secret, 30);
	test_add(s, many_connections, 30);
	test_add(s, byte_by_byte, 30);
	test_add(s, another_secret, 30);
	test_add(s, a_certificate, 30);
	test_add(s, another_listener, 30);
	test_add(s, names_of_callers, 30);
	test_add(s, altered_records, 30);
	test_add(s, replayed, 30);
	test_add(s, a_megabyte, 30);
	test_add(s, no_key, 30);
	return test_main(argv[0], s);
}
