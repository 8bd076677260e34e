/* SPDX-License-Identifier: ISC */
/*
 * The store process: mailboxes and what is known of sessions, in relay.db.
 * It alone opens that file, and it answers only what is on disk.
 */
#ifndef STORE_H
#define STORE_H

/* The whole process; its socket to the parent is PROC_FD. */
int	store_main(void);

#endif
