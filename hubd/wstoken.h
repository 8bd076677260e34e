/* SPDX-License-Identifier: ISC */
/*
 * The token that a client over WebSocket must show (protocol.md section 1).
 */
#ifndef WSTOKEN_H
#define WSTOKEN_H

struct conf;

/*
 * Fills in conf->ws_token: ECORELAY_WS_TOKEN, else what is in the file
 * hub-ws-token of the data directory, which is made if need be.  Returns 0,
 * or -1 with the reason in the log: then there can be no WebSocket.
 */
int	wstoken_load(struct conf *);

#endif
