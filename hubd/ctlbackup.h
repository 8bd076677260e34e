/* SPDX-License-Identifier: ISC */
/*
 * hubctl backup: the store makes the copy, one at a time.
 */
#ifndef CTLBACKUP_H
#define CTLBACKUP_H

struct control;
struct ctl;
struct imsg;

void	ctlbackup(struct ctl *, struct imsg *);
/* STORE_COPY and STORE_NO_COPY. */
void	ctlbackup_done(struct control *, struct imsg *);
/* That one has gone: its copy is given up. */
void	ctlbackup_gone(struct ctl *);
/* The hub ends. */
void	ctlbackup_free(struct control *);

#endif
