/* SPDX-License-Identifier: ISC */
/*
 * How malloc(3) deals with the system.
 */
#include "compat.h"

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

#include "heap.h"

void
heap_keep(int bytes, int block)
{
#ifdef HAVE_MALLOPT
	(void)mallopt(M_TRIM_THRESHOLD, bytes);
	(void)mallopt(M_MMAP_THRESHOLD, block);
#else
	(void)bytes;
	(void)block;
#endif
}
