/* SPDX-License-Identifier: ISC */
/*
 * How long to wait before the next try to connect.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

/*
 * 1, 2, 4, 8, 16 and then always 30 s, a quarter more or less; in ms.  *step
 * starts at 0, and goes back to it when a connection was good.
 */
int64_t	backoff_next(unsigned *step);

#endif
