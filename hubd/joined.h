/* SPDX-License-Identifier: ISC */
/*
 * Relays that this hub has joined with hubctl join: the file relays.json in
 * the data directory, {"relays": [{url, token, ca}, ...]}, as the relay of
 * bridge.json is.
 */
#ifndef JOINED_H
#define JOINED_H

struct conf;
struct uplink_relay;

/*
 * Adds them to those of the configuration, which go before one of the same
 * URL.  0, also if there is no file, or -1: it cannot be used, as the log
 * says.
 */
int	joined_load(struct conf *);
/* Adds one to the file, which is on the disk then; 0 or -1 with errno. */
int	joined_save(const struct conf *, const struct uplink_relay *);

#endif
