/* SPDX-License-Identifier: ISC */
/*
 * The token of a hub's WebSocket, as its hub and its clients find it.
 */
#include "compat.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "hubtoken.h"
#include "datafile.h"

#define FILE_MAX	4096

int
hubtoken_env(char *dst, size_t size)
{
	const char *env = getenv("ECORELAY_WS_TOKEN");

	if (env == NULL || env[0] == '\0')
		return 0;
	return strlcpy(dst, env, size) < size ? 1 : -1;
}

int
hubtoken_read(const char *path, char *dst, size_t size, struct stat *st)
{
	size_t n, all;
	char *text;
	int fits;

	if ((text = datafile_read(path, FILE_MAX, &all, st)) == NULL)
		return -1;
	for (n = all; n > 0 && isspace((unsigned char)text[n - 1]); n--)
		continue;
	text[n] = '\0';
	fits = strlcpy(dst, text, size) < size;
	freezero(text, all);
	if (!fits) {
		explicit_bzero(dst, size);
		errno = EFBIG;
		return -1;
	}
	return (int)strlen(dst);
}
