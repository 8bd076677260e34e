/* SPDX-License-Identifier: ISC */
/*
 * Whose a session, a name or a hubctl is.  On a hub with several users each
 * name belongs to one of them: to the first that a session of it has, or that
 * was sent from with hubctl.  An owner is a user id as the kernel tells it, but
 * for one: the user that the hub runs as and root are the same, OWNER_HUB, and
 * may see and do what is not their own.  So what is in a database stays theirs
 * if the hub gets another user.
 */
#ifndef OWNER_H
#define OWNER_H

#include <stdint.h>

#define OWNER_HUB	0u
#define OWNER_NONE	UINT32_MAX	/* no user has this id */

/* The hub's user is that of this process, as it is now. */
void	owner_init(void);
/* The user at the other end of a Unix socket; 0, or -1 with errno. */
int	owner_of_peer(int fd, uint32_t *owner);
int	owner_is_admin(uint32_t);
/* 1 if the first may see and do what is the second's. */
int	owner_may(uint32_t who, uint32_t owner);

#endif
