/* SPDX-License-Identifier: ISC */
/*
 * Requests about groups.  The store keeps them and says who may do what; here
 * is the part of it that sessions see.
 */
#ifndef GROUPREQ_H
#define GROUPREQ_H

struct request;
struct session;

/* Handlers (request.c). */
void	groupreq_create(struct session *, const struct request *);
void	groupreq_invite(struct session *, const struct request *);
void	groupreq_remove(struct session *, const struct request *);
void	groupreq_leave(struct session *, const struct request *);
void	groupreq_send(struct session *, const struct request *);
void	groupreq_history(struct session *, const struct request *);
void	groupreq_read(struct session *, const struct request *);
void	groupreq_list(struct session *, const struct request *);
void	groupreq_info(struct session *, const struct request *);
void	groupreq_delete(struct session *, const struct request *);

#endif
