/* SPDX-License-Identifier: ISC */
/*
 * The configuration of a relay: read by the parent, handed to the router.
 */
#ifndef RELAYD_CONF_H
#define RELAYD_CONF_H

#include "buf.h"

#define RELAY_SECRET_MIN	8	/* characters */
#define RELAY_SECRET_SIZE	256
#define RELAY_PATH_MAX		1024
#define RELAY_ADDRESS_SIZE	64
#define RELAY_LISTEN_MAX	16
#define RELAY_PORT		9800

struct relay_listen {
	char		 address[RELAY_ADDRESS_SIZE];	/* "*": any */
	uint32_t	 port;
	int		 tls;
};

struct relay_conf {
	struct relay_listen listens[RELAY_LISTEN_MAX];
	unsigned	 nlistens;
	char		 certificate[RELAY_PATH_MAX];	/* of all with TLS */
	char		 key[RELAY_PATH_MAX];
	struct relay_listen metrics;		/* port 0: none */
	/* what the router is told */
	char		 secret[RELAY_SECRET_SIZE];
	uint32_t	 max_hubs;
	uint32_t	 max_peers;		/* sessions of one hub */
	uint32_t	 messages_per_s;	/* of one hub; 0: no limit */
	uint32_t	 bytes_per_s;		/* likewise */
	uint32_t	 handshake_ms;
	uint32_t	 pair_ms;		/* that a slot stays open */
	uint8_t		 log_level;
};

/* What holds without a file: no listener, no secret. */
void	relay_conf_defaults(struct relay_conf *);
/*
 * Each reads a file over the defaults: relayd.conf(5), and relay-config.json
 * as EcoRelay has it.  0, or -1 with the reason in the log.
 */
int	relay_conf_parse(const char *path, struct relay_conf *);
int	relay_conf_json(const char *path, struct relay_conf *);
/* Reads a secret that only its owner can read; 0, or -1 and why is set. */
int	relay_conf_secret(const char *path, struct relay_conf *,
	    char *why, size_t size);
/* CONF_START's body. */
void	relay_conf_put(struct wbuf *, const struct relay_conf *);
int	relay_conf_get(struct reader *, struct relay_conf *);

#endif
