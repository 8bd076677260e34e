/* SPDX-License-Identifier: ISC */
/*
 * Allocation that does not fail, and what some C libraries lack.
 */
#include "compat.h"

#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

void *
xmalloc(size_t n)
{
	void *p = malloc(n != 0 ? n : 1);

	if (p == NULL)
		fatal("malloc of %zu bytes", n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n != 0 ? n : 1, size != 0 ? size : 1);

	if (p == NULL)
		fatal("calloc of %zu times %zu bytes", n, size);
	return p;
}

void *
xreallocarray(void *old, size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > SIZE_MAX / size)
		fatalx("allocation of %zu times %zu bytes", n, size);
	p = realloc(old, n * size != 0 ? n * size : 1);
	if (p == NULL)
		fatal("realloc to %zu times %zu bytes", n, size);
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

#ifndef HAVE_STRLCPY
size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size != 0) {
		size_t m = n < size ? n : size - 1;

		memcpy(dst, src, m);
		dst[m] = '\0';
	}
	return n;
}
#endif

#ifndef HAVE_STRLCAT
size_t
strlcat(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(dst, size);

	if (n == size)
		return n + strlen(src);
	return n + strlcpy(dst + n, src, size - n);
}
#endif

#ifndef HAVE_EXPLICIT_BZERO
void
explicit_bzero(void *p, size_t n)
{
	volatile unsigned char *q = p;

	while (n-- > 0)
		*q++ = 0;
}
#endif

#ifndef HAVE_SETRESUID
int
setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	if (ruid != euid || ruid != suid) {
		errno = EINVAL;
		return -1;
	}
	return setuid(ruid);
}
#endif

#ifndef HAVE_SETRESGID
int
setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	if (rgid != egid || rgid != sgid) {
		errno = EINVAL;
		return -1;
	}
	return setgid(rgid);
}
#endif

#ifndef HAVE_FREEZERO
void
freezero(void *p, size_t n)
{
	if (p == NULL)
		return;
	explicit_bzero(p, n);
	free(p);
}
#endif

#ifndef HAVE_CLOSEFROM
void
closefrom(int low)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	long fd, max;

	if (d != NULL) {
		while ((e = readdir(d)) != NULL) {
			fd = strtol(e->d_name, NULL, 10);
			if (fd >= low && fd != dirfd(d))
				close((int)fd);
		}
		closedir(d);
		return;
	}
	max = sysconf(_SC_OPEN_MAX);
	if (max < 0 || max > 65536)
		max = 65536;
	for (fd = low; fd < max; fd++)
		close((int)fd);
}
#endif

#ifndef HAVE_STRTONUM
long long
strtonum(const char *s, long long min, long long max, const char **err)
{
	char *end;
	long long v;
	int saved = errno;

	errno = 0;
	v = strtoll(s, &end, 10);
	*err = NULL;
	if (s == end || *end != '\0')
		*err = "invalid";
	else if (v < min || (errno == ERANGE && v == LLONG_MIN))
		*err = "too small";
	else if (v > max || errno == ERANGE)
		*err = "too large";
	errno = *err != NULL ? EINVAL : saved;
	return *err != NULL ? 0 : v;
}
#endif
