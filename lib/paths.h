/* SPDX-License-Identifier: ISC */
/*
 * Where things are found (protocol.md section 4): the data directory, the
 * sockets and our own programs.
 */
#ifndef PATHS_H
#define PATHS_H

#include <stddef.h>

/* Each returns 0, or -1 with errno: ENAMETOOLONG, or ENOENT without a home. */
/* $HOME, else what the password database has. */
int	paths_home(char *dst, size_t size);
/* $ECORELAY_DATA, else ~/.eco-relay. */
int	paths_data(char *dst, size_t size);
/* $RELAY_HUB_SOCKET, else hub.sock in the data directory. */
int	paths_hub_socket(char *dst, size_t size);
/* hubctl.sock, beside the hub's socket. */
int	paths_ctl_socket(char *dst, size_t size);
/*
 * The data directory of EcoRelay's plug-in of Claude Code, which the hub uses
 * besides its own; ENOENT if $ECORELAY_DATA is set.
 */
int	paths_plugin_data(char *dst, size_t size);
/* file in dir. */
int	paths_join(char *dst, size_t size, const char *dir, const char *file);
/* Makes the directory (0700) and those above it; 0, or -1 with errno. */
int	paths_mkdir(const char *dir);
/* Remembers argv[0], for paths_program(). */
void	paths_init(const char *argv0);
/*
 * Finds one of our programs: $ECORELAY_LIBEXEC, beside this one, in the build
 * tree (../NAME/NAME), in libexecdir, sbindir or bindir.  -1 with ENOENT.
 */
int	paths_program(const char *name, char *dst, size_t size);
/*
 * Finds a file of share/: in $ECORELAY_SHARE if that is set, else in the
 * build tree (../share) or where it is installed.  -1 with ENOENT.
 */
int	paths_share(const char *file, char *dst, size_t size);

#endif
