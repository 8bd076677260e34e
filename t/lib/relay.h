/* SPDX-License-Identifier: ISC */
/*
 * A relay on the loopback, `relayd -d`, and how programs are told to read
 * their configuration again.
 */
#ifndef RELAY_T_H
#define RELAY_T_H

#include "test.h"

#define RELAY_T_SECRET	"the secret of the relay"

struct relayproc {
	struct tenv	*env;
	pid_t		 pid;
	int		 port;
	char		 url[64];
	char		 conf[T_PATH], secret[T_PATH], log[T_PATH];
};

/* It serves; its secret is in a file that hubs can name as well. */
#define relay_begin(t)		AT(relay_begin_(t))
struct relayproc	*relay_begin_(struct tenv *);
#define relay_end(r)		AT(relay_end_(r))
void	 relay_end_(struct relayproc *);
/* Writes its files: statements besides its listener, or NULL; the secret. */
void	 relay_conf(struct relayproc *, const char *more);
void	 relay_secret(struct relayproc *, const char *);

/* Waits until that text is so many times in the file. */
#define log_counts(t, file, text, n)	AT(log_counts_(t, file, text, n))
void	 log_counts_(struct tenv *, const char *file, const char *text,
	    int n);
/* `hubctl reload`, which must end like that; what it has said, on both. */
#define reload(t, status)	AT(reload_(t, status))
const char	*reload_(struct tenv *, int status);

#endif
