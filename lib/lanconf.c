/* SPDX-License-Identifier: ISC */
/*
 * The configuration of links to other hubs on the LAN.
 */
#include "compat.h"

#include <stdlib.h>

#include "lanconf.h"

int
lan_wanted(const struct lan_conf *c)
{
	return c->port != 0 || c->npeers > 0;
}

const struct lan_peer *
lan_peer_find(const struct lan_conf *c, const char *hub_id)
{
	uint32_t i;

	for (i = 0; i < c->npeers; i++) {
		if (strcmp(c->peers[i].hub_id, hub_id) == 0)
			return &c->peers[i];
	}
	return NULL;
}

int
lan_peer_add(struct lan_conf *c, const struct lan_peer *peer)
{
	if (c->npeers >= LAN_PEERS_MAX ||
	    lan_peer_find(c, peer->hub_id) != NULL)
		return -1;
	c->peers = xreallocarray(c->peers, c->npeers + 1, sizeof(*c->peers));
	c->peers[c->npeers++] = *peer;
	return 0;
}

int
lan_peer_same(const struct lan_peer *a, const struct lan_peer *b)
{
	return strcmp(a->hub_id, b->hub_id) == 0 &&
	    strcmp(a->host, b->host) == 0 && a->port == b->port &&
	    a->plaintext == b->plaintext;
}

void
lan_conf_free(struct lan_conf *c)
{
	free(c->peers);
	explicit_bzero(c, sizeof(*c));
}

void
lan_conf_put(struct wbuf *w, const struct lan_conf *c)
{
	uint32_t i;

	put_str(w, c->secret);
	put_str(w, c->address);
	put_u32(w, c->port);
	put_u32(w, c->npeers);
	for (i = 0; i < c->npeers; i++) {
		put_str(w, c->peers[i].hub_id);
		put_str(w, c->peers[i].host);
		put_u32(w, c->peers[i].port);
		put_u8(w, c->peers[i].plaintext);
	}
}

void
lan_conf_get(struct reader *r, struct lan_conf *c)
{
	struct lan_peer p;
	uint32_t n;

	memset(c, 0, sizeof(*c));
	get_str(r, c->secret, sizeof(c->secret));
	get_str(r, c->address, sizeof(c->address));
	c->port = get_u32(r);
	for (n = get_u32(r); n > 0 && !r->failed; n--) {
		get_str(r, p.hub_id, sizeof(p.hub_id));
		get_str(r, p.host, sizeof(p.host));
		p.port = get_u32(r);
		p.plaintext = get_u8(r);
		if (!r->failed && lan_peer_add(c, &p) == -1)
			r->failed = 1;
	}
}

void
bridge_conf_put(struct wbuf *w, const struct bridge_conf *c)
{
	put_str(w, c->hub_id);
	put_u8(w, c->log_level);
	put_u8(w, c->same_secret);
	put_bytes(w, c->seed, c->has_key ? sizeof(c->seed) : 0);
	lan_conf_put(w, &c->lan);
}

int
bridge_conf_get(struct reader *r, struct bridge_conf *c)
{
	struct slice seed;

	get_str(r, c->hub_id, sizeof(c->hub_id));
	c->log_level = get_u8(r);
	c->same_secret = get_u8(r);
	seed = get_slice(r);
	memset(c->seed, 0, sizeof(c->seed));
	c->has_key = seed.len > 0;
	if (seed.len == sizeof(c->seed))
		memcpy(c->seed, seed.p, seed.len);
	else if (c->has_key)
		r->failed = 1;
	lan_conf_get(r, &c->lan);
	return reader_done(r);
}
