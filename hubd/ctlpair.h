/* SPDX-License-Identifier: ISC */
/*
 * hubctl invite and join: they are asked of the parent, which asks the uplink.
 */
#ifndef CTLPAIR_H
#define CTLPAIR_H

#include <sys/queue.h>

struct control;
struct ctl;
struct imsg;
struct pair_wait;

TAILQ_HEAD(pair_wait_list, pair_wait);

void	ctlpair_invite(struct ctl *, struct imsg *);
void	ctlpair_join(struct ctl *, struct imsg *);
/* PAIR_CODE and PAIR_DONE; -1 if it is not what it should be. */
int	ctlpair_answer(struct control *, struct imsg *);
/* That one has gone: what it asked for is given up. */
void	ctlpair_gone(struct ctl *);
/* Nobody is answered any more. */
void	ctlpair_free(struct control *);

#endif
