/* SPDX-License-Identifier: ISC */
/*
 * A hub that is reached over WebSocket (ECORELAY_WS_URL): a process of its own
 * resolves, connects and shows the token, and makes of it the socket with
 * lines that a client of the hub knows.
 */
#ifndef WSPROXY_H
#define WSPROXY_H

#include <sys/types.h>

/*
 * Starts the process for a ws:// URL (port 9376 if it has none).  Returns our
 * end of its socket, which closes when the hub's does, and its pid; or -1 with
 * errno (EINVAL: not a URL of that kind).
 */
int	wsproxy_start(const char *url, const char *token, pid_t *pid);
/* What its exit status means: a clause like "the hub refused the token". */
const char	*wsproxy_trouble(int status);

#endif
