/* SPDX-License-Identifier: ISC */
/*
 * The configuration of links by way of relays: read by hubd, used by
 * relayd -u.
 */
#ifndef UPLINKCONF_H
#define UPLINKCONF_H

#include "buf.h"
#include "names.h"
#include "wsurl.h"

#define UPLINK_RELAYS_MAX	8
/* CONF_CA is for a relay of these, or for: */
#define UPLINK_CA_SYSTEM	UPLINK_RELAYS_MAX
#define UPLINK_CA_JOIN		(UPLINK_RELAYS_MAX + 1)	/* the next PAIR_JOIN */
#define UPLINK_URL_SIZE		256
#define UPLINK_FILE_SIZE	1024
#define UPLINK_TOKEN_MIN	8	/* characters */
#define UPLINK_TOKEN_SIZE	256
#define UPLINK_PROXY_SIZE	512
#define UPLINK_NO_PROXY_SIZE	1024
#define UPLINK_SEED_SIZE	32	/* of an Ed25519 key (RFC 8032) */
#define UPLINK_PORT		80	/* of ws://; and of wss:// */
#define UPLINK_PORT_TLS		443

struct uplink_relay {
	char		 url[UPLINK_URL_SIZE];
	struct wsurl	 at;		/* that; with a port */
	char		 token[UPLINK_TOKEN_SIZE];
	char		 ca_file[UPLINK_FILE_SIZE];	/* "": the system's */
	uint8_t		 unsealed;	/* hubs that cannot seal, too */
};

struct relays_conf {
	struct uplink_relay	 relays[UPLINK_RELAYS_MAX];
	uint32_t		 n;
};

/* CONF_START of the uplink. */
struct uplink_conf {
	char			 hub_id[NAME_SIZE];
	unsigned char		 seed[UPLINK_SEED_SIZE];
	char			 https_proxy[UPLINK_PROXY_SIZE];
	char			 http_proxy[UPLINK_PROXY_SIZE];
	char			 no_proxy[UPLINK_NO_PROXY_SIZE];
	uint8_t			 log_level;
	uint32_t		 max_hub_peers;	/* sessions of another hub */
	struct relays_conf	 relays;
};

/*
 * Sets url and at, or says what is wrong with that URL.  Then the relay may be
 * added: -1 if it is there already, or UPLINK_RELAYS_MAX are.
 */
const char	*uplink_relay_url(struct uplink_relay *, const char *);
int		 uplink_relay_add(struct relays_conf *,
		    const struct uplink_relay *);
/* 1 if that leads to it, however its URL is spelt. */
int		 uplink_relay_is(const struct uplink_relay *,
		    const struct wsurl *);
/* The one to which that leads; or NULL. */
const struct uplink_relay	*uplink_relay_find(const struct relays_conf *,
				    const struct wsurl *);
/*
 * Sets the token, without white space at its end.  -1: it must have
 * UPLINK_TOKEN_MIN to UPLINK_TOKEN_SIZE - 1 characters.
 */
int		 uplink_relay_token(struct uplink_relay *, const char *,
		    size_t);
/* CONF_START's body; of a file of CAs only that there is one. */
void		 uplink_conf_put(struct wbuf *, const struct uplink_conf *);
int		 uplink_conf_get(struct reader *, struct uplink_conf *);

#endif
