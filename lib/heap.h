/* SPDX-License-Identifier: ISC */
/*
 * How malloc(3) deals with the system, where that can be said.
 */
#ifndef HEAP_H
#define HEAP_H

/*
 * What malloc begins with.  glibc raises both with each long block that is
 * freed, so that a process keeps megabytes for good that it needed once: those
 * of a hub, and channeld, stay with these.
 */
#define HEAP_KEEP	(128 * 1024)
#define HEAP_BLOCK	(128 * 1024)

/*
 * Keeps so many bytes that are free, and asks the system for blocks of their
 * own only for what is longer than block.
 */
void	heap_keep(int bytes, int block);
/* What is free goes back, wherever it is; that takes time where it is much. */
void	heap_give_back(void);

#endif
