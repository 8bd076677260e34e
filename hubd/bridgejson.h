/* SPDX-License-Identifier: ISC */
/*
 * bridge.json, in which EcoRelay has its links to other hubs (config.md).
 */
#ifndef BRIDGEJSON_H
#define BRIDGEJSON_H

#include <jansson.h>

struct conf;
struct relays_conf;
struct stat;

/*
 * Looks for the file in the data directory, in that of EcoRelay's plug-in
 * and, unless $ECORELAY_DATA is set, in ~/.eco-relay, and reads the first one
 * into conf: hub_id, secret, listen and bind, peers.  Returns 0, also if there
 * is none, or -1 if there is one that cannot be used; the log says why.
 */
int	bridgejson_load(struct conf *);
/*
 * Adds a relay {url, token, ca (o), unsealed (o)}, unless there is one of that
 * URL; path is for the log.  0, also for null, or -1.
 */
int	bridgejson_relay(const char *path, const json_t *,
	    struct relays_conf *);
/*
 * There is a secret in that file: 0 if nobody else can read it, or not any
 * more; -1, as the log says, if somebody can.
 */
int	bridgejson_private(const char *path, const struct stat *);

#endif
