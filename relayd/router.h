/* SPDX-License-Identifier: ISC */
/*
 * The router process of a relay: hubs, their connections and TLS.  It has no
 * file system and connects to nobody.
 */
#ifndef RELAYD_ROUTER_H
#define RELAYD_ROUTER_H

int	router_main(void);

#endif
