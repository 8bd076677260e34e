/* SPDX-License-Identifier: ISC */
/*
 * A session that comes over WebSocket (protocol.md section 1): the HTTP
 * request, the token, and then messages with lines in them.
 */
#ifndef WSCONN_H
#define WSCONN_H

#include <stddef.h>

struct event_base;
struct session;
struct wsconn;

/* The session's, which frees it last of all. */
struct wsconn	*wsconn_new(struct event_base *, struct session *);
void		 wsconn_free(struct wsconn *);
/* The connection has closed: no timer runs on. */
void		 wsconn_closed(struct wsconn *);
/* Bytes of one message. */
void		 wsconn_limit(struct wsconn *, size_t);
/* All input that is not consumed; returns how much now is. */
size_t		 wsconn_input(struct wsconn *, char *, size_t);
/* Reading goes on: what is left of a message with several lines first. */
void		 wsconn_resume(struct wsconn *);
/* Writes the header of a text message with so many bytes. */
void		 wsconn_header(struct wsconn *, size_t);

#endif
