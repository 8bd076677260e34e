/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells its children of the configuration.
 */
#include "compat.h"

#include <errno.h>
#include <stdlib.h>

#include "conf.h"
#include "imsg.h"
#include "kidconf.h"
#include "log.h"
#include "wholefile.h"

#define CA_MAX	(3 * 1024 * 1024)	/* bytes of certificates */

static void	send_secret(struct imsgbuf *, enum imsg_type, struct wbuf *);
static void	from_env(const char *, const char *, char *, size_t);
static char	*system_roots(size_t *);
static size_t	keep_certificates(char *);
static void	send_roots(struct imsgbuf *, const struct relays_conf *);

/* Where systems have the certificates that they trust. */
static const char *const roots[] = {
	"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora */
	"/etc/ssl/ca-bundle.pem",		/* openSUSE */
	"/etc/ssl/cert.pem",			/* BSDs, macOS */
	"/usr/local/etc/ssl/cert.pem",
};

static void
send_secret(struct imsgbuf *ib, enum imsg_type type, struct wbuf *w)
{
	imsg_send(ib, type, 0, -1, w, NULL);
	explicit_bzero(w->rb->data, w->len);
	wbuf_free(w);
}

void
kidconf_hub(struct imsgbuf *ib, const struct conf *conf)
{
	struct wbuf w = { 0 };

	conf_put(&w, conf);
	send_secret(ib, CONF_START, &w);
}

void
kidconf_resolver(struct imsgbuf *ib, const struct conf *conf)
{
	struct wbuf w = { 0 };

	put_u8(&w, conf->log_level);
	imsg_send(ib, CONF_START, 0, -1, &w, NULL);
	wbuf_free(&w);
}

void
kidconf_bridged(struct imsgbuf *ib, const struct conf *conf)
{
	struct bridge_conf c = { .lan = conf->lan };
	struct wbuf w = { 0 };

	strlcpy(c.hub_id, conf->hub_id, sizeof(c.hub_id));
	c.log_level = conf->log_level;
	c.has_key = conf->has_key != 0;
	memcpy(c.seed, conf->seed, sizeof(c.seed));
	bridge_conf_put(&w, &c);
	explicit_bzero(&c, sizeof(c));
	send_secret(ib, CONF_START, &w);
}

void
kidconf_uplink(struct imsgbuf *ib, const struct conf *conf)
{
	struct uplink_conf c = { .relays = conf->relays };
	struct wbuf w = { 0 };

	strlcpy(c.hub_id, conf->hub_id, sizeof(c.hub_id));
	c.log_level = conf->log_level;
	c.max_hub_peers = conf->max_hub_peers;
	from_env("https_proxy", "HTTPS_PROXY", c.https_proxy,
	    sizeof(c.https_proxy));
	/* HTTP_PROXY may be a header of somebody's request */
	from_env("http_proxy", NULL, c.http_proxy, sizeof(c.http_proxy));
	from_env("no_proxy", "NO_PROXY", c.no_proxy, sizeof(c.no_proxy));
	memcpy(c.seed, conf->seed, sizeof(c.seed));
	uplink_conf_put(&w, &c);
	explicit_bzero(&c, sizeof(c));
	send_secret(ib, CONF_START, &w);
	send_roots(ib, &conf->relays);
}

static void
from_env(const char *name, const char *other, char *dst, size_t size)
{
	const char *v = getenv(name);

	if (v == NULL && other != NULL)
		v = getenv(other);
	if (v == NULL || strlcpy(dst, v, size) < size)
		return;
	log_warnx("%s is longer than %zu characters: it is not used", name,
	    size - 1);
	dst[0] = '\0';
}

/* NULL if there is no such file, as the log says. */
static char *
system_roots(size_t *len)
{
	const char *file = getenv("SSL_CERT_FILE");
	struct stat st;
	char *text;
	size_t i;

	if (file != NULL && file[0] != '\0') {
		text = wholefile_read(file, CA_MAX, len, &st);
		if (text == NULL)
			log_warn("SSL_CERT_FILE: %s", file);
		return text;
	}
	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		text = wholefile_read(roots[i], CA_MAX, len, &st);
		if (text != NULL)
			return text;
		if (errno != ENOENT)
			log_warn("%s", roots[i]);
	}
	log_warnx("this system's CA certificates are not found: name them "
	    "with SSL_CERT_FILE, or with ca file");
	return NULL;
}

/*
 * Whoever has had hubctl name the file may be an intruder in the router, who
 * wants to know what root can read.  Returns what is left of the text.
 */
static size_t
keep_certificates(char *text)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	char *from, *to, *dst = text;

	for (from = strstr(text, begin); from != NULL &&
	    (to = strstr(from, end)) != NULL; from = strstr(to, begin)) {
		to += sizeof(end) - 1;
		to += strspn(to, "\r\n");
		memmove(dst, from, (size_t)(to - from));
		dst += to - from;
	}
	*dst = '\0';
	return (size_t)(dst - text);
}

int
kidconf_ca(struct imsgbuf *ib, uint32_t relay, const char *ca_file)
{
	struct wbuf w = { 0 };
	struct stat st;
	char *text;
	size_t len;

	if (ca_file == NULL)
		return 0;
	if (ca_file[0] == '\0')
		text = system_roots(&len);
	else if ((text = wholefile_read(ca_file, CA_MAX, &len, &st)) == NULL)
		log_warn("ca file %s", ca_file);
	if (text == NULL)
		return -1;
	if ((len = keep_certificates(text)) == 0) {
		log_warnx("%s: there is no certificate in it",
		    ca_file[0] != '\0' ? ca_file : "the system's CAs");
		free(text);
		return -1;
	}
	put_u32(&w, relay);
	put_bytes(&w, text, len);
	imsg_send(ib, CONF_CA, 0, -1, &w, NULL);
	wbuf_free(&w);
	free(text);
	return 0;
}

/* Without certificates a relay with TLS is not called, and says so. */
static void
send_roots(struct imsgbuf *ib, const struct relays_conf *c)
{
	const struct uplink_relay *r;
	int wanted = 0;
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		r = &c->relays[i];
		wanted |= r->at.tls && r->ca_file[0] == '\0';
		if (r->at.tls && r->ca_file[0] != '\0')
			(void)kidconf_ca(ib, i, r->ca_file);
	}
	if (wanted)
		(void)kidconf_ca(ib, UPLINK_CA_SYSTEM, "");
}
