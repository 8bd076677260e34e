/* SPDX-License-Identifier: ISC */
/*
 * What some systems' C libraries lack, under its usual name, and allocation
 * that does not fail: it is fatal when memory is out.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include "config.h"

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <string.h>
#include <strings.h>

#ifndef HAVE_STRLCPY
size_t	strlcpy(char *, const char *, size_t);
#endif
#ifndef HAVE_STRLCAT
size_t	strlcat(char *, const char *, size_t);
#endif
#ifndef HAVE_EXPLICIT_BZERO
void	explicit_bzero(void *, size_t);
#endif
#ifndef HAVE_FREEZERO
void	freezero(void *, size_t);
#endif
#ifndef HAVE_CLOSEFROM
void	closefrom(int);
#endif
#ifndef HAVE_STRTONUM
long long	strtonum(const char *, long long, long long, const char **);
#endif
/* By setuid(2), for root: all three are one. */
#ifndef HAVE_SETRESUID
int	setresuid(uid_t, uid_t, uid_t);
#endif
#ifndef HAVE_SETRESGID
int	setresgid(gid_t, gid_t, gid_t);
#endif
#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = TAILQ_FIRST(head);					\
	    (var) != NULL && ((tvar) = TAILQ_NEXT(var, field), 1);	\
	    (var) = (tvar))
#endif

void	*xmalloc(size_t);
void	*xcalloc(size_t, size_t);
void	*xreallocarray(void *, size_t, size_t);
char	*xstrdup(const char *);
char	*xstrndup(const char *, size_t);

#endif
