/* SPDX-License-Identifier: ISC */
/*
 * Addresses that have failed to show that they know the secret: after five
 * failures an address has to wait.
 */
#ifndef PENALTY_H
#define PENALTY_H

#define PENALTY_AFTER	5	/* failures in a row */
#define PENALTY_MS	60000

struct penalties;

struct penalties	*penalties_new(void);
void			 penalties_free(struct penalties *);
/* 1 if that address still has to wait. */
int			 penalty_holds(struct penalties *, const char *);
void			 penalty_add(struct penalties *, const char *);
/* It was good: what was before is forgotten. */
void			 penalty_clear(struct penalties *, const char *);

#endif
