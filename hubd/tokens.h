/* SPDX-License-Identifier: ISC */
/*
 * What a client over WebSocket must show, and who it is then: the hub's own
 * token (wstoken.h) is that of the user that the hub runs as; each other user
 * has one of its own, which the store keeps, once it has asked for it.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include <stdint.h>

struct ctl;
struct imsg;
struct reader;
struct router;
struct tokens;

struct tokens	*tokens_new(void);
void		 tokens_free(struct tokens *);
/* STORE_TOKEN; -1 if it is not one. */
int		 tokens_told(struct tokens *, struct reader *);
/*
 * Whose token that is, or OWNER_NONE (owner.h), in a time that does not depend
 * on where it differs from others.
 */
uint32_t	 tokens_owner(const struct router *, const char *);
/* hubctl token. */
void		 tokens_ctl(struct ctl *, struct imsg *);

#endif
