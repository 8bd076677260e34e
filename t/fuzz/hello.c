/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any line as the one with which another hub begins.  What is
 * taken has a valid name.
 */
#include "compat.h"

#include <stdint.h>
#include <stdlib.h>

#include "../../bridged/hello.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h;

	if (hello_get(&h, (const char *)data, size) == NULL &&
	    (!name_valid(slice_of(h.hub_id)) ||
	    memchr(h.secret, '\0', sizeof(h.secret)) == NULL))
		abort();
	if (welcome_get(&h, (const char *)data, size) == NULL &&
	    !name_valid(slice_of(h.hub_id)))
		abort();
	return 0;
}
