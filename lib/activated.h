/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets that a service manager has opened: systemd (and what
 * does as it does, sd_listen_fds(3): $LISTEN_FDS, $LISTEN_PID and
 * $LISTEN_FDNAMES, descriptors 3 and up), or launchd, by the names in the
 * property list.
 */
#ifndef ACTIVATED_H
#define ACTIVATED_H

#define ACTIVATED_MAX	32

struct activated;

/*
 * Takes them over and unsets the variables, so that no child has them.  To be
 * called before any fork, and before other descriptors are opened.  Each must
 * be a stream socket that listens, Unix, IPv4 or IPv6.  0 and *set, which is
 * NULL if there are none; or -1 with the reason in the log.
 */
int	activated_take(struct activated **set);
/* Closes those that are left; or NULL. */
void	activated_free(struct activated *);
/* Unsets the variables only. */
void	activated_ignore(void);
/*
 * The one of that name is at that path, whatever the kernel knows: it was
 * renamed since it was bound.
 */
void	activated_at(struct activated *, const char *name, const char *path);
/*
 * The socket at that path, or at that address (* is any) and port, which is
 * the caller's now; -1 if there is none.  set may be NULL.
 */
int	activated_unix(struct activated *, const char *path);
int	activated_tcp(struct activated *, const char *address, int port);
/*
 * 0 if all have been asked for, else -1: the log says which have not, and that
 * the configuration, called conf there, has no such socket.
 */
int	activated_done(const struct activated *, const char *conf);
/* Or they are closed, as the log says. */
void	activated_drop(struct activated *, const char *conf);

#endif
