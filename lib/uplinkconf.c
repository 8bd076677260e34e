/* SPDX-License-Identifier: ISC */
/*
 * The configuration of links by way of relays.
 */
#include "compat.h"

#include <ctype.h>

#include "uplinkconf.h"

static void	relay_put(struct wbuf *, const struct uplink_relay *);
static void	relay_get(struct reader *, struct uplink_relay *);

const char *
uplink_relay_url(struct uplink_relay *r, const char *url)
{
	if (strlcpy(r->url, url, sizeof(r->url)) >= sizeof(r->url)) {
		r->url[0] = '\0';
		return "a relay's URL has up to 255 characters";
	}
	if (wsurl_parse(url, &r->at) == -1) {
		r->url[0] = '\0';
		return "a relay's URL is wss://HOST[:PORT][/PATH], or ws://";
	}
	if (r->at.port == 0)
		r->at.port = r->at.tls ? UPLINK_PORT_TLS : UPLINK_PORT;
	return NULL;
}

int
uplink_relay_token(struct uplink_relay *r, const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len < UPLINK_TOKEN_MIN || len >= sizeof(r->token) ||
	    memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(r->token, text, len);
	r->token[len] = '\0';
	return 0;
}

int
uplink_relay_is(const struct uplink_relay *r, const struct wsurl *at)
{
	return r->at.tls == at->tls && r->at.port == at->port &&
	    strcasecmp(r->at.host, at->host) == 0 &&
	    strcmp(r->at.path, at->path) == 0;
}

const struct uplink_relay *
uplink_relay_find(const struct relays_conf *c, const struct wsurl *at)
{
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		if (uplink_relay_is(&c->relays[i], at))
			return &c->relays[i];
	}
	return NULL;
}

int
uplink_relay_add(struct relays_conf *c, const struct uplink_relay *r)
{
	if (uplink_relay_find(c, &r->at) != NULL || c->n >= UPLINK_RELAYS_MAX)
		return -1;
	c->relays[c->n++] = *r;
	return 0;
}

static void
relay_put(struct wbuf *w, const struct uplink_relay *r)
{
	put_str(w, r->url);
	put_str(w, r->token);
	put_u8(w, r->ca_file[0] != '\0');
	put_u8(w, r->unsealed);
}

/* That the file was read by the parent is all that there is to know of it. */
static void
relay_get(struct reader *rd, struct uplink_relay *r)
{
	char url[UPLINK_URL_SIZE];

	memset(r, 0, sizeof(*r));
	get_str(rd, url, sizeof(url));
	get_str(rd, r->token, sizeof(r->token));
	r->ca_file[0] = get_u8(rd) ? '*' : '\0';
	r->unsealed = get_u8(rd);
	if (!rd->failed && uplink_relay_url(r, url) != NULL)
		rd->failed = 1;
}

void
uplink_conf_put(struct wbuf *w, const struct uplink_conf *c)
{
	uint32_t i;

	put_str(w, c->hub_id);
	put_bytes(w, c->seed, sizeof(c->seed));
	put_str(w, c->https_proxy);
	put_str(w, c->http_proxy);
	put_str(w, c->no_proxy);
	put_u8(w, c->log_level);
	put_u32(w, c->max_hub_peers);
	put_u32(w, c->relays.n);
	for (i = 0; i < c->relays.n; i++)
		relay_put(w, &c->relays.relays[i]);
}

int
uplink_conf_get(struct reader *rd, struct uplink_conf *c)
{
	struct uplink_relay r;
	struct slice seed;
	uint32_t n;

	memset(c, 0, sizeof(*c));
	get_str(rd, c->hub_id, sizeof(c->hub_id));
	seed = get_slice(rd);
	if (seed.len == sizeof(c->seed))
		memcpy(c->seed, seed.p, seed.len);
	else
		rd->failed = 1;
	get_str(rd, c->https_proxy, sizeof(c->https_proxy));
	get_str(rd, c->http_proxy, sizeof(c->http_proxy));
	get_str(rd, c->no_proxy, sizeof(c->no_proxy));
	c->log_level = get_u8(rd);
	c->max_hub_peers = get_u32(rd);
	for (n = get_u32(rd); n > 0 && !rd->failed; n--) {
		relay_get(rd, &r);
		if (!rd->failed && uplink_relay_add(&c->relays, &r) == -1)
			rd->failed = 1;
	}
	explicit_bzero(&r, sizeof(r));
	return reader_done(rd);
}
