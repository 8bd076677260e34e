/* SPDX-License-Identifier: ISC */
/*
 * The data directory of a hub, which is the user's whose processes are those
 * of a service.
 */
#ifndef DATADIR_H
#define DATADIR_H

struct privdrop;

/*
 * Makes it if it is not there.  0, or -1 with the reason in the log: with a
 * user it must be that one's, or root's and have nothing in it but what a hub
 * has there.
 */
int	datadir_check(const char *path, const struct privdrop *);
/*
 * With the hub's lock held: root's directory, and what in it is root's and a
 * hub's, is given to the user.  Fatal if that fails.
 */
void	datadir_give(const char *path, const struct privdrop *);

#endif
