/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells its children of the configuration.
 */
#ifndef KIDCONF_H
#define KIDCONF_H

struct conf;
struct imsgbuf;

/* Each sends CONF_START and what belongs to it; CONF_END is the caller's. */
void	kidconf_bridged(struct imsgbuf *, const struct conf *);
void	kidconf_uplink(struct imsgbuf *, const struct conf *);
void	kidconf_resolver(struct imsgbuf *, const struct conf *);
/* The router's and the store's. */
void	kidconf_hub(struct imsgbuf *, const struct conf *);

#endif
