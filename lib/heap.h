/* SPDX-License-Identifier: ISC */
/*
 * How malloc(3) deals with the system, where that can be said.
 */
#ifndef HEAP_H
#define HEAP_H

/*
 * Keeps so many bytes that are free, and asks the system for blocks of their
 * own only for what is longer than block.
 */
void	heap_keep(int bytes, int block);

#endif
