/* SPDX-License-Identifier: ISC */
/*
 * Where the token of a hub's WebSocket is (protocol.md section 1).
 */
#ifndef HUBTOKEN_H
#define HUBTOKEN_H

#include <stddef.h>

#define HUBTOKEN_FILE	"hub-ws-token"	/* in the data directory */

struct stat;

/*
 * What ECORELAY_WS_TOKEN has, which goes before the file.  1; 0 if there is
 * none; -1 if it is too long.
 */
int	hubtoken_env(char *dst, size_t size);
/*
 * What the file at path has, without white space at its end, and what fstat(2)
 * says.  Its length, or -1 with errno: EFBIG if it is too long, ENOENT if there
 * is none.
 */
int	hubtoken_read(const char *path, char *dst, size_t size, struct stat *);

#endif
