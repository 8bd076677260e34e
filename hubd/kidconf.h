/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells its children of the configuration.
 */
#ifndef KIDCONF_H
#define KIDCONF_H

#include <stdint.h>

struct conf;
struct imsgbuf;

/* Each sends CONF_START and what belongs to it; CONF_END is the caller's. */
void	kidconf_router(struct imsgbuf *, const struct conf *);
void	kidconf_store(struct imsgbuf *, const struct conf *);
void	kidconf_bridged(struct imsgbuf *, const struct conf *);
void	kidconf_uplink(struct imsgbuf *, const struct conf *);
void	kidconf_resolver(struct imsgbuf *, const struct conf *);
/*
 * Sends the certificates of that file, or if it is "" the system's, for a
 * relay or UPLINK_CA_*; NULL: none are needed.  -1: there are none, as the log
 * says.
 */
int	kidconf_ca(struct imsgbuf *, uint32_t relay, const char *ca_file);

#endif
