/* SPDX-License-Identifier: ISC */
/*
 * The names of the sandbox's layers, which are the same everywhere.
 */
#include "compat.h"

#include "sandbox.h"

static const struct {
	enum sandbox_layer	 layer;
	const char		*name;
} names[] = {
	{ SANDBOX_LIMITS, "limits" },
	{ SANDBOX_NO_NEW_PRIVS, "no_new_privs" },
	{ SANDBOX_FILES, "landlock-files" },
	{ SANDBOX_PORTS, "landlock-tcp" },
	{ SANDBOX_SCOPE, "landlock-scope" },
	{ SANDBOX_CALLS, "seccomp" },
	{ SANDBOX_PLEDGE, "pledge" },
	{ SANDBOX_UNVEIL, "unveil" },
};

const char *
sandbox_names(unsigned layers, char *dst, size_t size)
{
	size_t i;

	dst[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((layers & names[i].layer) == 0)
			continue;
		if (dst[0] != '\0')
			strlcat(dst, " ", size);
		strlcat(dst, names[i].name, size);
	}
	if (dst[0] == '\0')
		strlcpy(dst, "none", size);
	return dst;
}
