/* SPDX-License-Identifier: ISC */
/*
 * A sealed session with another hub behind a relay.
 */
#include "compat.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base64.h"
#include "hello.h"
#include "hex.h"
#include "log.h"
#include "seal.h"
#include "timeutil.h"
#include "tlsio.h"
#include "uplink.h"

#define RECORD		16384	/* bytes in one of TLS */
#define CHUNK		(SEAL_DATA_MAX / 4 * 3)	/* of TLS in one of ours */
#define PIECE		(48 * 1024)	/* of lines in one of ours */
#define FULL_MARK	(512 * 1024)	/* bytes of lines that wait */
#define LOW_MARK	(128 * 1024)
#define KEEP_CAP	(256 * 1024)	/* of buffers that are empty */
#define FIRST_MAX	16384	/* bytes of the first line: it names nobody */
#define HANDSHAKE_MS	20000
#define PING_MS		15000	/* without a word of ours */
#define DEAD_MS		40000
#define KEY_BYTES	32
#define CERT_DAYS	(20 * 365)	/* nobody looks at them */

struct sealer {
	SSL_CTX		*ctx;
	char		 hub_id[NAME_SIZE];
	char		 key[LINK_KEY_SIZE];
};

enum seal_stage {
	SEAL_TLS,
	SEAL_KEY,		/* the router is asked */
	SEAL_HELLO,
	SEAL_UP,
	SEAL_ENDED
};

struct seal {
	struct remote	*remote;
	struct uplink	*uplink;
	SSL		*ssl;
	struct tls	*tls;
	struct event	*flush;
	char		 sid[SEAL_SID_SIZE];
	int		 client;
	enum seal_stage	 stage;
	int64_t		 got, sent;		/* seq of the last record */
	int64_t		 began, heard, said;	/* monotonic ms */
	uint32_t	 query, link;
	int		 full, depth, dead;
	struct wbuf	 in;			/* decrypted, without an end */
	size_t		 scanned;		/* of it, without a newline */
	struct wbuf	 out;			/* to be encrypted */
	size_t		 taken;			/* of it, already */
	struct wbuf	 records;		/* encrypted, to be sent */
};

static const char ping[] = "{\"type\":\"ping\"}";
static const char pong[] = "{\"type\":\"pong\"}";

static void	bad(const char *) __attribute__((__noreturn__));
static X509	*certificate(EVP_PKEY *, const char *);
static int	any_certificate(X509_STORE_CTX *, void *);
static void	leave(struct seal *);
static void	output(const void *, size_t, void *);
static void	begin_record(struct wbuf *, const struct remote *,
		    const char *);
static size_t	waiting(const struct seal *);
static void	encrypt(struct seal *);
static void	send_records(struct seal *);
static void	on_flush(evutil_socket_t, short, void *);
static void	decrypt(struct seal *, const char *, size_t);
static void	shaken(struct seal *);
static int	peer_key(const struct seal *, char[LINK_KEY_SIZE]);
static void	lines(struct seal *);
static void	line(struct seal *, struct slice);
static void	first_line(struct seal *, struct slice);
static void	say(struct seal *, const void *, size_t);
static void	say_first(struct seal *, void (*)(struct wbuf *,
		    const struct hello *));

static void
bad(const char *what)
{
	fatalx("OpenSSL: %s: %s", what,
	    ERR_reason_error_string(ERR_peek_last_error()));
}

struct sealer *
sealer_new(const unsigned char seed[32], const char *hub_id)
{
	struct sealer *s = xcalloc(1, sizeof(*s));
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    seed, KEY_BYTES);
	unsigned char key[KEY_BYTES];
	size_t len = sizeof(key);
	X509 *x;

	if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1)
		bad("Ed25519");
	hex_encode(s->key, key, sizeof(key));
	strlcpy(s->hub_id, hub_id, sizeof(s->hub_id));
	x = certificate(pkey, hub_id);
	if ((s->ctx = SSL_CTX_new(TLS_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(s->ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(s->ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_sigalgs_list(s->ctx, "ed25519") != 1 ||
	    SSL_CTX_set_num_tickets(s->ctx, 0) != 1 ||
	    SSL_CTX_use_certificate(s->ctx, x) != 1 ||
	    SSL_CTX_use_PrivateKey(s->ctx, pkey) != 1)
		bad("TLS 1.3");
	SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
	/* both show a certificate; whose key it is, is looked at then */
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(s->ctx, any_certificate, NULL);
	X509_free(x);
	EVP_PKEY_free(pkey);
	return s;
}

void
sealer_free(struct sealer *s)
{
	if (s == NULL)
		return;
	SSL_CTX_free(s->ctx);
	free(s);
}

const char *
sealer_key(const struct sealer *s)
{
	return s->key;
}

static X509 *
certificate(EVP_PKEY *pkey, const char *hub_id)
{
	X509 *x = X509_new();
	X509_NAME *name;

	if (x == NULL || X509_set_version(x, 2) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -86400) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(x), CERT_DAYS, 0, NULL) ==
	    NULL || X509_set_pubkey(x, pkey) != 1 ||
	    (name = X509_get_subject_name(x)) == NULL ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)hub_id, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, name) != 1 ||
	    X509_sign(x, pkey, NULL) == 0)
		bad("certificate");
	return x;
}

/* TLS proves that the other end has the key that is in it. */
static int
any_certificate(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

struct seal *
seal_new(struct remote *r, const char *sid)
{
	struct uplink *u = upstream_uplink(r->upstream);
	struct seal *s = xcalloc(1, sizeof(*s));
	unsigned char random[(SEAL_SID_SIZE - 1) / 2];

	s->remote = r;
	s->uplink = u;
	s->began = s->heard = s->said = time_mono_ms();
	if (sid != NULL) {
		strlcpy(s->sid, sid, sizeof(s->sid));
	} else {
		random_bytes(random, sizeof(random));
		hex_encode(s->sid, random, sizeof(random));
	}
	if ((s->flush = event_new(u->base, -1, 0, on_flush, s)) == NULL)
		fatalx("event_new");
	if ((s->ssl = SSL_new(u->sealer->ctx)) == NULL)
		bad("a session");
	s->client = sid == NULL;
	if (s->client)
		SSL_set_connect_state(s->ssl);
	else
		SSL_set_accept_state(s->ssl);
	s->tls = tls_new(s->ssl, output, s, NULL);
	if (s->client) {
		(void)tls_read(s->tls, NULL, 0);
		send_records(s);
	}
	return s;
}

/* Callbacks may free it; it goes when the outermost one returns. */
static void
leave(struct seal *s)
{
	if (s->depth > 0)
		s->depth--;
	if (s->depth > 0 || !s->dead)
		return;
	tls_free(s->tls);
	if (s->in.rb != NULL)
		explicit_bzero(s->in.rb->data, s->in.len);
	wbuf_free(&s->in);
	wbuf_free(&s->out);
	wbuf_free(&s->records);
	free(s);
}

void
seal_free(struct seal *s, const char *why)
{
	if (s == NULL || s->dead)
		return;
	s->dead = 1;
	s->stage = SEAL_ENDED;
	upstream_waits(s->remote->upstream, -(ssize_t)waiting(s));
	if (s->link != 0)
		uplink_down(s->uplink, s->link, why);
	event_free(s->flush);
	if (s->depth == 0)
		leave(s);
}

void
seal_end(struct seal *s, const char *why)
{
	seal_refuse(s->remote, s->sid);
	remote_unsealed(s->remote, s, why);
}

const char *
seal_sid(const struct seal *s)
{
	return s->sid;
}

uint32_t
seal_link(const struct seal *s)
{
	return s->link;
}

static void
output(const void *p, size_t n, void *arg)
{
	struct seal *s = arg;

	wbuf_add(&s->records, p, n);
}

static void
begin_record(struct wbuf *w, const struct remote *r, const char *sid)
{
	json_begin(w, '{');
	json_put_str(w, "type", "bridge_forward");
	json_key(w, "target_peer");
	wbuf_printf(w, "\"@%s\"", r->id);
	json_key(w, "wrapped");
	json_begin(w, '{');
	json_put_str(w, "type", "seal");
	json_put_str(w, "sid", sid);
}

void
seal_refuse(struct remote *r, const char *sid)
{
	struct wbuf w = { 0 };

	begin_record(&w, r, sid);
	json_put_bool(&w, "end", 1);
	json_end(&w, '}');
	upstream_write(r->upstream, &w);
}

static void
send_records(struct seal *s)
{
	const char *p = wbuf_data(&s->records);
	size_t left = s->records.len, n;
	struct wbuf w = { 0 };

	for (; left > 0 && !s->dead; p += n, left -= n) {
		n = left < CHUNK ? left : CHUNK;
		begin_record(&w, s->remote, s->sid);
		json_put_int(&w, "seq", ++s->sent);
		json_key(&w, "data");
		wbuf_add(&w, "\"", 1);
		base64_put(&w, p, n);
		wbuf_add(&w, "\"", 1);
		json_end(&w, '}');
		upstream_write(s->remote->upstream, &w);
	}
	wbuf_reset(&s->records);
	if (s->records.cap > KEEP_CAP)
		wbuf_free(&s->records);
}

static size_t
waiting(const struct seal *s)
{
	return s->out.len - s->taken;
}

/* A piece.  That it is broken is seen when it is read from. */
static void
encrypt(struct seal *s)
{
	size_t n = waiting(s) < PIECE ? waiting(s) : PIECE;

	if (tls_write(s->tls, wbuf_data(&s->out) + s->taken, n) == -1)
		log_debug("seal: nothing more can be written");
	s->taken += n;
	upstream_waits(s->remote->upstream, -(ssize_t)n);
	if (waiting(s) > 0)
		return;
	s->taken = 0;
	wbuf_reset(&s->out);
	if (s->out.cap > KEEP_CAP)
		wbuf_free(&s->out);
}

int
seal_send_piece(struct seal *s)
{
	if (s->dead || waiting(s) == 0)
		return 0;
	encrypt(s);
	send_records(s);
	return 1;
}

/* What a turn of the loop has queued goes out together. */
static void
on_flush(evutil_socket_t fd, short ev, void *arg)
{
	struct seal *s = arg;

	(void)fd;
	(void)ev;
	while (!upstream_is_busy(s->remote->upstream) && seal_send_piece(s))
		;
}

void
seal_flush(struct seal *s)
{
	while (seal_send_piece(s))
		;
}

/*
 * What the connection does not take at once waits here, so that the lines of
 * one hub do not stand in the way of another's.
 */
static void
say(struct seal *s, const void *p, size_t n)
{
	if (s->dead)
		return;
	if (waiting(s) == 0)
		event_active(s->flush, EV_WRITE, 0);
	if (s->taken > 0 && s->taken >= waiting(s)) {
		s->out.len -= s->taken;
		memmove(s->out.rb->data, s->out.rb->data + s->taken,
		    s->out.len);
		s->taken = 0;
	}
	wbuf_add(&s->out, p, n);
	s->said = time_mono_ms();
	upstream_waits(s->remote->upstream, (ssize_t)n);
	if (waiting(s) >= PIECE && !upstream_is_busy(s->remote->upstream))
		(void)seal_send_piece(s);
}

void
seal_send(struct seal *s, const struct link_send *m)
{
	struct slice inner = m->inner;

	say(s, m->head.p, m->head.len);
	if (inner.len > 0) {
		if (inner.p[inner.len - 1] == '\n')
			inner.len--;
		say(s, inner.p, inner.len);
		say(s, "}\n", 2);
	} else {
		say(s, "\n", 1);
	}
	if (waiting(s) > FULL_MARK || upstream_is_full(s->remote->upstream))
		seal_full(s, 1);
}

void
seal_drained(struct seal *s)
{
	if (waiting(s) <= LOW_MARK)
		seal_full(s, 0);
}

void
seal_full(struct seal *s, int full)
{
	if (s->link == 0 || s->full == full)
		return;
	s->full = full;
	uplink_full(s->uplink, s->link, full);
}

/* One that came already is nothing new; one that is missing ends it. */
void
seal_record(struct seal *s, int64_t seq, struct slice data)
{
	struct wbuf w = { 0 };

	if (seq <= s->got)
		return;
	if (seq != s->got + 1) {
		seal_end(s, "the relay has lost something");
		return;
	}
	s->got = seq;
	if (data.len > SEAL_DATA_MAX || base64_get(&w, data) == -1 ||
	    w.len == 0) {
		wbuf_free(&w);
		seal_end(s, "the relay has sent what is not base64");
		return;
	}
	s->depth++;
	s->heard = time_mono_ms();
	decrypt(s, wbuf_data(&w), w.len);
	if (!s->dead)
		send_records(s);
	leave(s);
	wbuf_free(&w);
}

static void
decrypt(struct seal *s, const char *p, size_t n)
{
	ssize_t got = 0;

	tls_feed(s->tls, p, n);
	while (!s->dead) {
		got = tls_read(s->tls, wbuf_room(&s->in, RECORD), RECORD);
		if (got > 0)
			s->in.len += (size_t)got;
		if (got != -1 && s->stage == SEAL_TLS && tls_done(s->tls))
			shaken(s);
		if (s->dead || got <= 0)
			break;
		lines(s);
	}
	if (s->dead)
		return;
	if (s->in.len == 0 && s->in.cap > KEEP_CAP)
		wbuf_free(&s->in);
	if (got != -1)
		return;
	/* the other end is to know why */
	send_records(s);
	seal_end(s, s->stage == SEAL_TLS ? "no sealed session can be made" :
	    "the relay has changed something");
}

static int
peer_key(const struct seal *s, char hex[LINK_KEY_SIZE])
{
	X509 *x = SSL_get1_peer_certificate(s->ssl);
	EVP_PKEY *pkey = x != NULL ? X509_get0_pubkey(x) : NULL;
	unsigned char key[KEY_BYTES];
	size_t len = sizeof(key);
	int ok;

	ok = pkey != NULL && EVP_PKEY_get_id(pkey) == EVP_PKEY_ED25519 &&
	    EVP_PKEY_get_raw_public_key(pkey, key, &len) == 1 &&
	    len == sizeof(key);
	if (ok)
		hex_encode(hex, key, sizeof(key));
	X509_free(x);
	return ok ? 0 : -1;
}

static void
shaken(struct seal *s)
{
	char key[LINK_KEY_SIZE];

	if (peer_key(s, key) == -1) {
		seal_end(s, "it has shown no key");
		return;
	}
	/* a copy of this one; or the relay makes us talk to ourselves */
	if (strcmp(key, s->uplink->sealer->key) == 0) {
		seal_end(s, "it has this hub's key: each must have its own "
		    "(remove the file hub-key there, and start it again)");
		return;
	}
	s->stage = SEAL_KEY;
	s->query = uplink_ask(s->uplink, s->remote->id, key);
}

int
seal_verdict(struct seal *s, uint32_t query, enum key_verdict v)
{
	static const char *const wrong[] = {
		[KEY_UNKNOWN] = "its key is not trusted: compare it with "
		    "what hubctl show keys says there, then: hubctl trust ",
		[KEY_CHANGED] = "its key has changed: somebody may be in "
		    "between; if it is a new installation: hubctl trust ",
		[KEY_DISTRUSTED] = "it is distrusted, until: hubctl trust ",
		[KEY_FAILED] = "the database has failed: no key for ",
	};
	char why[LINK_WHY_SIZE];

	if (s->query != query || s->stage != SEAL_KEY)
		return 0;
	s->depth++;
	s->query = 0;
	if (v != KEY_OK && v != KEY_NEW) {
		snprintf(why, sizeof(why), "%s%s", wrong[v], s->remote->id);
		seal_end(s, why);
	} else {
		s->stage = SEAL_HELLO;
		if (s->client)
			say_first(s, hello_put);
		lines(s);
	}
	leave(s);
	return 1;
}

static void
say_first(struct seal *s, void (*put)(struct wbuf *, const struct hello *))
{
	struct hello h = { .check = 0 };
	struct wbuf w = { 0 };

	strlcpy(h.hub_id, s->uplink->conf.hub_id, sizeof(h.hub_id));
	put(&w, &h);
	say(s, wbuf_data(&w), w.len);
	wbuf_free(&w);
}

/* The complete lines of what there is; before a verdict it waits. */
static void
lines(struct seal *s)
{
	size_t off = 0, len, max;
	const char *p, *nl;

	while (off < s->in.len && s->stage >= SEAL_HELLO && !s->dead) {
		p = wbuf_data(&s->in) + off;
		nl = memchr(p + s->scanned, '\n',
		    s->in.len - off - s->scanned);
		len = nl != NULL ? (size_t)(nl - p) : s->in.len - off;
		max = s->stage == SEAL_UP ? LINK_LINE_MAX : FIRST_MAX;
		if (len > max) {
			seal_end(s, "a line over the limit");
			return;
		}
		s->scanned = nl != NULL ? 0 : len;
		if (nl == NULL)
			break;
		off += len + 1;
		if (len > 0)
			line(s, (struct slice){ p, len });
	}
	if (s->dead)
		return;
	if (s->stage < SEAL_HELLO && s->in.len > FIRST_MAX) {
		seal_end(s, "it speaks before it is its turn");
		return;
	}
	if (off > 0) {
		s->in.len -= off;
		memmove(s->in.rb->data, s->in.rb->data + off, s->in.len);
	}
}

static void
line(struct seal *s, struct slice text)
{
	if (s->stage == SEAL_HELLO) {
		first_line(s, text);
	} else if (slice_is(text, ping)) {
		say(s, pong, sizeof(pong) - 1);
		say(s, "\n", 1);
	} else if (!slice_is(text, pong)) {
		uplink_line(s->uplink, s->link, text);
	}
}

static void
first_line(struct seal *s, struct slice text)
{
	struct hello h;
	const char *wrong = s->client ? welcome_get(&h, text.p, text.len) :
	    hello_get(&h, text.p, text.len);

	if (wrong == NULL && strcmp(h.hub_id, s->remote->id) != 0)
		wrong = "it says that it is another hub than its key's";
	if (wrong != NULL) {
		seal_end(s, wrong);
		return;
	}
	if (!s->client)
		say_first(s, welcome_put);
	s->stage = SEAL_UP;
	/* the one before it has its end first */
	remote_sealed(s->remote, s);
	s->link = uplink_up(s->remote, 0, text);
	seal_full(s, upstream_is_full(s->remote->upstream));
}

/*
 * Where the way is slow a line may be on it for longer than silence lasts: the
 * end that only listens says now and then that it is there, and the other one
 * expects nothing while it has not got rid of what it has said.
 */
void
seal_tick(struct seal *s, int64_t now)
{
	int64_t free_at = upstream_busy_at(s->remote->upstream);
	int64_t from = s->stage == SEAL_UP ? s->heard : s->began;

	/* it cannot answer to what it has not got */
	if (from < free_at)
		from = free_at;
	if (s->stage != SEAL_UP) {
		if (now - from >= HANDSHAKE_MS)
			seal_end(s, "it does not answer");
	} else if (now - from >= DEAD_MS) {
		seal_end(s, "it does not answer any more");
	} else if (now - s->said >= PING_MS) {
		/* whatever comes: the other end is to hear something, too */
		say(s, ping, sizeof(ping) - 1);
		say(s, "\n", 1);
	}
}
