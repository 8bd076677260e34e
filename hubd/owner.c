/* SPDX-License-Identifier: ISC */
/*
 * Whose a session, a name or a hubctl is.
 */
#include "compat.h"

#include <unistd.h>

#include "owner.h"
#include "unixsock.h"

static uid_t	hub_uid;

/* The process may become another user when it is locked in. */
void
owner_init(void)
{
	hub_uid = geteuid();
}

int
owner_of_peer(int fd, uint32_t *owner)
{
	uid_t uid;
	pid_t pid;

	if (unix_peer(fd, &uid, &pid) == -1)
		return -1;
	/* root's id is OWNER_HUB as it is */
	*owner = uid == hub_uid ? OWNER_HUB : (uint32_t)uid;
	return 0;
}

int
owner_is_admin(uint32_t owner)
{
	return owner == OWNER_HUB;
}

int
owner_may(uint32_t who, uint32_t owner)
{
	return owner_is_admin(who) || (who == owner && who != OWNER_NONE);
}
