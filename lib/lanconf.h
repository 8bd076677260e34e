/* SPDX-License-Identifier: ISC */
/*
 * The configuration of links to other hubs on the LAN: read by hubd, used by
 * bridged.
 */
#ifndef LANCONF_H
#define LANCONF_H

#include "buf.h"
#include "names.h"
#include "uplinkconf.h"

#define LAN_SECRET_MIN	8	/* characters */
#define LAN_SECRET_SIZE	256
#define LAN_ADDRESS_SIZE 64
#define LAN_HOST_SIZE	256	/* a name, or an address */
#define LAN_PEERS_MAX	1000
#define LAN_PORT	9700

struct lan_peer {
	char		 hub_id[NAME_SIZE];
	char		 host[LAN_HOST_SIZE];	/* "": it calls us */
	uint32_t	 port;
	uint8_t		 plaintext;
};

struct lan_conf {
	char		 secret[LAN_SECRET_SIZE];
	char		 address[LAN_ADDRESS_SIZE];	/* "*": any */
	uint32_t	 port;				/* 0: no listener */
	struct lan_peer	*peers;
	uint32_t	 npeers;
};

/* Links are wanted. */
int	lan_wanted(const struct lan_conf *);
/* The peer of that id, or NULL. */
const struct lan_peer	*lan_peer_find(const struct lan_conf *,
			    const char *hub_id);
/* Adds a copy; -1 if there is one of that id, or LAN_PEERS_MAX. */
int	lan_peer_add(struct lan_conf *, const struct lan_peer *);
/* 1 if they say the same. */
int	lan_peer_same(const struct lan_peer *, const struct lan_peer *);
/* Frees the peers and clears the secret. */
void	lan_conf_free(struct lan_conf *);
/* A part of a message; the getter fails as others do (buf.h). */
void	lan_conf_put(struct wbuf *, const struct lan_conf *);
void	lan_conf_get(struct reader *, struct lan_conf *);

/* CONF_START of bridged. */
struct bridge_conf {
	char		 hub_id[NAME_SIZE];
	uint8_t		 same_secret;		/* as it was told before */
	uint8_t		 has_key;		/* the seed of this hub's */
	unsigned char	 seed[UPLINK_SEED_SIZE];
	uint8_t		 log_level;
	struct lan_conf	 lan;
};

void	bridge_conf_put(struct wbuf *, const struct bridge_conf *);
int	bridge_conf_get(struct reader *, struct bridge_conf *);

#endif
