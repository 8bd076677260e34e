/* SPDX-License-Identifier: ISC */
/*
 * Clocks, ISO 8601 and UUIDs.
 */
#ifndef TIMEUTIL_H
#define TIMEUTIL_H

#include <stddef.h>
#include <stdint.h>

#define ISO8601_SIZE	25	/* 2026-11-20T22:34:00.123Z */
#define UUID_SIZE	37

struct timeval;

/* Milliseconds since 1970, UTC; and since some fixed point. */
int64_t	time_now_ms(void);
int64_t	time_mono_ms(void);
/* Likewise, in microseconds. */
int64_t	time_mono_us(void);
/*
 * Milliseconds since 1970 of a time as JavaScript's toISOString() writes it;
 * -1 if it is anything else.
 */
int64_t	time_parse(const char *);
/* Milliseconds since 1970 as ISO 8601 in UTC with milliseconds. */
void	time_iso8601(int64_t ms, char dst[ISO8601_SIZE]);
struct timeval	time_tv(int64_t ms);
/* A version 7 UUID (RFC 9562 section 5.7); each sorts behind the last. */
void	uuid_v7(char dst[UUID_SIZE]);
/* Bytes nobody can guess. */
void	random_bytes(void *, size_t);

#endif
