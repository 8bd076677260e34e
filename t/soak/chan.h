/* SPDX-License-Identifier: ISC */
/*
 * Connections that carry one JSON object a line and never wait: the hub's
 * socket, its WebSocket, or the two pipes of a channeld.
 */
#ifndef CHAN_H
#define CHAN_H

#include <poll.h>
#include <stddef.h>

#include <jansson.h>

#include "ws.h"

struct chan {
	int		 rfd, wfd;
	int		 eof;
	int		 mute;		/* it is not read */
	int		 is_ws, upgraded;
	struct ws	 ws;
	struct wbuf	 in, out;	/* not a whole line; not written */
	size_t		 written;	/* of out */
	size_t		 request;	/* of out, until it is upgraded */
};

/* Each is NULL if nobody is there. */
struct chan	*chan_unix(const char *path);
/* To a port of the loopback; it writes the token first. */
struct chan	*chan_ws(int port, const char *token);
struct chan	*chan_pipes(int rfd, int wfd);
/* reset: what has come and was not read is lost, and what waits in out. */
void		 chan_close(struct chan *, int reset);

/* Writes what json_pack() would make of it; or the object, which it steals. */
void	 chan_say(struct chan *, const char *fmt, ...);
void	 chan_send(struct chan *, json_t *);
/* Writes what can be written now. */
void	 chan_flush(struct chan *);
/* Reads once; each line is given to the function. */
void	 chan_read(struct chan *, void (*)(void *, const json_t *), void *);
size_t	 chan_waiting(const struct chan *);	/* bytes not written yet */

#endif
