/* SPDX-License-Identifier: ISC */
/*
 * Clocks, ISO 8601 and UUIDs.
 */
#include "compat.h"

#include <sys/time.h>
#ifdef HAVE_SYS_RANDOM_H
#include <sys/random.h>
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "timeutil.h"

int64_t
time_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
time_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
time_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Days since 1970; the year begins in March, so that it ends with February. */
static int64_t
days(int64_t y, unsigned mon, unsigned d)
{
	unsigned m = (mon + 9) % 12;

	if (mon <= 2)
		y--;
	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + d -
	    719469;
}

int64_t
time_parse(const char *s)
{
	unsigned y, mon, d, h, min, sec, ms = 0;
	int n = 0, m = 0;

	if (sscanf(s, "%4u-%2u-%2uT%2u:%2u:%2u%n", &y, &mon, &d, &h, &min,
	    &sec, &n) != 6 || n == 0)
		return -1;
	if (s[n] == '.' && sscanf(s + n + 1, "%3u%n", &ms, &m) == 1)
		n += 1 + m;
	for (; m > 0 && m < 3; m++)
		ms *= 10;
	if (strcmp(s + n, "Z") != 0 || y < 1970 || y > 9999 || mon < 1 ||
	    mon > 12 || d < 1 || d > 31 || h > 23 || min > 59 || sec > 60)
		return -1;
	return (((days(y, mon, d) * 24 + h) * 60 + min) * 60 + sec) * 1000 +
	    ms;
}

/*
 * gmtime_r() and strftime() cost more than the rest of a small message, and
 * most calls fall into the second of the one before.
 */
void
time_iso8601(int64_t ms, char dst[ISO8601_SIZE])
{
	static char cached[20];
	static time_t cached_at = -1;
	time_t sec;
	struct tm tm;
	unsigned frac;

	if (ms < 0 || ms > INT64_C(253402300799999))	/* year 9999 */
		ms = 0;
	sec = (time_t)(ms / 1000);
	frac = (unsigned)(ms % 1000);
	if (sec != cached_at) {
		gmtime_r(&sec, &tm);
		strftime(cached, sizeof(cached), "%Y-%m-%dT%H:%M:%S", &tm);
		cached_at = sec;
	}
	memcpy(dst, cached, 19);
	dst[19] = '.';
	dst[20] = (char)('0' + frac / 100);
	dst[21] = (char)('0' + frac / 10 % 10);
	dst[22] = (char)('0' + frac % 10);
	dst[23] = 'Z';
	dst[24] = '\0';
}

struct timeval
time_tv(int64_t ms)
{
	struct timeval tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	return tv;
}

/*
 * RFC 9562 section 6.2, method 1: the 12 bits behind the milliseconds count
 * within one; when they run out the clock is borrowed from.
 */
void
uuid_v7(char dst[UUID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	static unsigned char pool[512];
	static size_t left;
	static int64_t last;
	static unsigned counter;
	unsigned char u[16];
	int64_t now = time_now_ms();
	size_t i, o = 0;

	if (now > last) {
		last = now;
		counter = 0;
	} else if (++counter > 0xfff) {
		last++;
		counter = 0;
	}
	if (left < 8) {
		random_bytes(pool, sizeof(pool));
		left = sizeof(pool);
	}
	for (i = 0; i < 6; i++)
		u[i] = (unsigned char)(last >> (40 - 8 * i));
	u[6] = (unsigned char)(0x70 | counter >> 8);
	u[7] = (unsigned char)counter;
	left -= 8;
	memcpy(u + 8, pool + left, 8);
	u[8] = (unsigned char)(0x80 | (u[8] & 0x3f));
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			dst[o++] = '-';
		dst[o++] = hex[u[i] >> 4];
		dst[o++] = hex[u[i] & 15];
	}
	dst[o] = '\0';
}

void
random_bytes(void *p, size_t n)
{
#ifdef HAVE_ARC4RANDOM_BUF
	arc4random_buf(p, n);
#else
	unsigned char *q = p;

	while (n > 0) {
		ssize_t got = getrandom(q, n < 256 ? n : 256, 0);

		if (got == -1 && errno != EINTR)
			fatal("getrandom");
		if (got > 0) {
			q += got;
			n -= (size_t)got;
		}
	}
#endif
}
