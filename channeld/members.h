/* SPDX-License-Identifier: ISC */
/*
 * Copying members from one JSON object to another.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <jansson.h>

/* Those of the members named (separated by spaces) that from has. */
void	members_copy(json_t *to, const json_t *from, const char *keys);

#endif
