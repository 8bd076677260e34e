/* SPDX-License-Identifier: ISC */
/*
 * Requests that ask and answer: ask, reply, broadcast (asks.c keeps what is
 * open).
 */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include "buf.h"

struct request;
struct session;

void	questions_ask(struct session *, const struct request *);
void	questions_reply(struct session *, const struct request *);
void	questions_broadcast(struct session *, const struct request *);
/* An incoming_ask of a session of another hub; target NULL: it is away. */
void	questions_remote(struct session *asker, struct session *target,
	    const struct request *);
/* An incoming_reply; the tail is the ask's (asks.h). */
void	questions_reply_line(struct wbuf *, const char *from,
	    struct slice text, const struct rbuf *tail);

#endif
