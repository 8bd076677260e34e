/* SPDX-License-Identifier: ISC */
/*
 * Copying members from one JSON object to another.
 */
#include "compat.h"

#include <stdio.h>

#include "members.h"

void
members_copy(json_t *to, const json_t *from, const char *keys)
{
	json_t *value;
	char key[32];
	size_t n;

	for (; *keys != '\0'; keys += n + (keys[n] == ' ')) {
		n = strcspn(keys, " ");
		snprintf(key, sizeof(key), "%.*s", (int)n, keys);
		if ((value = json_object_get(from, key)) != NULL)
			json_object_set(to, key, value);
	}
}
