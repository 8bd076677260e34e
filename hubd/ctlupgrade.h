/* SPDX-License-Identifier: ISC */
/*
 * hubctl upgrade: the parent tries the new version, and goes on as it.
 */
#ifndef CTLUPGRADE_H
#define CTLUPGRADE_H

struct control;
struct ctl;
struct imsg;

void	ctlupgrade(struct ctl *, struct imsg *);
/* PROC_UPGRADING; -1 if it is not what it should be. */
int	ctlupgrade_answer(struct control *, struct imsg *);
/* The hub ends. */
void	ctlupgrade_free(struct control *);

#endif
