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

void
heap_give_back(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}
